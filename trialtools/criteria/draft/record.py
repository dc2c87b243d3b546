"""A record of ClinicalTrials.gov goes in; a registry text comes out, and what the record states, with its place.

Each statement is a line of the registry text, so that it can be quoted; nothing is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol import Arm, DataError, DesignItem, squeeze
from .lines import apart, clean
from .suggestions import field_names

_FIRST, _LAST = "Eligibility Criteria", "Ages Eligible for Study"
_ROLES = ("experimental", "placebo comparator", "active comparator", "sham comparator", "no intervention")
_PERSON = re.compile(r"\b(?:M\.?D|Ph\.?D|D\.?O|Dr|Prof)\b\.?", re.I)


@dataclass(frozen=True)
class Record:
    """A registered trial: its registry text, the part of it that holds the criteria, and what else it states.

    `ages` are the lowest and highest age as written; `edges` the lines before and after the criteria in the text;
    `left_out` what the registry text has beside the criteria and nothing of the protocol quotes; `remarks` what
    somebody should look at.
    """

    id: str
    title: str
    text: str
    eligibility: str
    edges: tuple[str, str] | tuple[tuple[str, str], ...] | None = None
    ages: tuple[str, str] = ("", "")
    age_quote: str = ""
    sex: str = ""
    sex_quote: str = ""
    sites: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()
    design: dict[str, DesignItem] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def record_of(data: Any) -> Record:
    """The record that JSON of ClinicalTrials.gov's API v2 holds.

    Args:
        data: the JSON as Python reads it; `protocolSection` or the whole.

    Raises:
        DataError: another JSON, a record without an eligibility text, or a part of another type than the API gives.
    """
    section = _section(data)
    id = _text(section, "identificationModule", "nctId")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", id):
        message = f"identificationModule.nctId is {id[:40]!r}; expected the number of a trial, such as NCT02210780"
        raise DataError(message)
    eligibility = _criteria_of(section, id)
    official = _text(section, "identificationModule", "officialTitle")
    title = _text(section, "identificationModule", "briefTitle") or official or id
    page = _Page(id, title, _text(section, "statusModule", "lastUpdatePostDateStruct", "date"))
    page.add("Official Title", official)
    design = dict(_design(section, page))
    edges = page.add_criteria(eligibility)
    low, high = (_text(section, "eligibilityModule", key) for key in ("minimumAge", "maximumAge"))
    age_quote = page.add(edges[1], age_span(low, high))
    sex = _text(section, "eligibilityModule", "sex").lower() or "all"
    sex_quote = page.add("Sexes Eligible for Study", f"Sexes eligible: {sex}")
    design["sexes"] = DesignItem(sex, quote=sex_quote)
    if (healthy := _get(section, "eligibilityModule", "healthyVolunteers")) is not None:
        accepts = "accepted" if healthy else "not accepted"
        quote = page.add("Healthy Volunteers", f"Healthy volunteers: {accepts}")
        design["healthy_volunteers"] = DesignItem(accepts, quote=quote)
    sites, remarks = _sites(section)
    for site in sites:
        page.add("Sites / Locations", site)
    arms = tuple(_arms(section, page))
    return Record(
        id=id,
        title=title,
        text=page.text,
        eligibility=eligibility,
        edges=edges,
        ages=(low, high),
        age_quote=age_quote if low or high else "",
        sex=sex,
        sex_quote=sex_quote,
        sites=sites,
        arms=arms,
        design=design,
        remarks=remarks,
    )


def _section(data: Any) -> Any:
    """The part of a record that describes the trial."""
    if isinstance(data, Mapping):
        section = data.get("protocolSection", data)
        if isinstance(section, Mapping) and _get(section, "identificationModule", "nctId"):
            return section
    raise DataError(f"this JSON is {_kind_of(data)}; save one record of ClinicalTrials.gov's API v2 (protocolSection)")


def _kind_of(data: Any) -> str:
    if not isinstance(data, Mapping):
        return "a list" if isinstance(data, list) else "of one value"
    if "FullStudiesResponse" in data:
        return "of the old API (FullStudiesResponse)"
    keys = ", ".join(map(str, list(data)[:4])) or "nothing in it"
    return "of several studies" if "studies" in data else f"with {keys}"


def _criteria_of(section: Any, id: str) -> str:
    """The eligibility text with its line breaks."""
    path = ("eligibilityModule", "eligibilityCriteria")
    eligibility = apart(clean(_expect(_get(section, *path) or "", str, "text", path))).strip()
    if not re.search(r"\w", eligibility):
        raise DataError(
            f"{id}: the record has no eligibility text; save the whole record, or paste the text into a .txt file"
        )
    return eligibility


# --- parts of JSON, by their path: each of the type that is expected, or refused with its place -----------------------


def _get(data: Any, *path: str | int) -> Any:
    """Whatever stands there, or None."""
    for place, key in enumerate(path):
        if data is not None:
            kind = list if isinstance(key, int) else Mapping
            data = _expect(data, kind, "a list" if kind is list else "a set of keys", path[:place])
            data = data[key] if isinstance(key, int) else data.get(key)
    return data


def _text(data: Any, *path: str | int) -> str:
    """A text without line breaks; "" where there is none."""
    value = _get(data, *path)
    return "" if value is None else squeeze(clean(_expect(value, str, "text", path)))


def _each(data: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """The paths of the items of a list."""
    return [(*path, place) for place in range(len(_expect(_get(data, *path) or [], list, "a list", path)))]


def _texts(data: Any, *path: str | int) -> list[str]:
    """A list of texts; empty ones are left out."""
    return [text for each in _each(data, *path) if (text := _text(data, *each))]


def _expect(value: Any, kind: type, wanted: str, path: tuple[str | int, ...]) -> Any:
    if not isinstance(value, kind):
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
        raise DataError(f"{place or 'this JSON'} is {str(value)[:40]!r}; expected {wanted}")
    return value


# --- the registry text, and what it says of the design ----------------------------------------------------------------


class _Page:
    """The registry text while it is written; what is added is a line of it, and is given back as its quote."""

    def __init__(self, id: str, title: str, updated: str) -> None:
        self.lines = [
            f"Source: ClinicalTrials.gov, {id}, last updated {updated or 'on an unknown day'}. The text of the criteria"
            " is complete, without escapes of Markdown; of the rest, what the protocol file uses.",
            "",
            title,
        ]
        self.heading = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def add(self, heading: str, *added: str) -> str:
        lines = [line for line in added if line]
        if lines:
            self.lines += ["", heading, *lines] if heading != self.heading else lines
            self.heading = heading
        return lines[0] if lines else ""

    def add_criteria(self, eligibility: str) -> tuple[str, str]:
        """The headings before and after the criteria: words that stand nowhere before them."""
        first = self._free_heading(_FIRST)
        self.lines += ["", first, eligibility]
        return first, self._free_heading(_LAST)

    def _free_heading(self, heading: str) -> str:
        return heading if heading not in squeeze(self.text) else self._free_heading(f"Registered {heading}")


def _design(section: Any, page: _Page) -> Iterator[tuple[str, DesignItem]]:
    """What the record states of the design, by name."""
    info = ("designModule", "designInfo")
    phases = " / ".join(_plain(phase).replace("phase", "phase ") for phase in _texts(section, "designModule", "phases"))
    stated = {
        "study_type": _text(section, "designModule", "studyType"),
        "phase": "not applicable" if phases == "na" else phases,
        "allocation": _text(section, *info, "allocation"),
        "model": _text(section, *info, "interventionModel") or _text(section, *info, "observationalModel"),
        "purpose": _text(section, *info, "primaryPurpose"),
        "masking": _text(section, *info, "maskingInfo", "masking"),
    }
    who = ", ".join(map(_plain, _texts(section, *info, "maskingInfo", "whoMasked")))
    for name, value in stated.items():
        if value := _plain(value):
            by = f" ({who})" if who and name == "masking" else ""
            quote = page.add("Study Design", f"{name.replace('_', ' ').capitalize()}: {value}{by}")
            yield name, DesignItem(value, quote=quote)
    size = _get(section, "designModule", "enrollmentInfo", "count")
    if isinstance(size, int) and not isinstance(size, bool):
        kind = _plain(_text(section, "designModule", "enrollmentInfo", "type"))
        quote = page.add("Enrollment", f"{size} participants{f' ({kind})' if kind else ''}")
        yield "sample_size", DesignItem(size, quote=quote)
    yield from _outcomes(section, page)


def _outcomes(section: Any, page: _Page) -> Iterator[tuple[str, DesignItem]]:
    for rank, name in (("primary", "endpoint"), ("secondary", "secondary_endpoint")):
        for place, path in enumerate(_each(section, "outcomesModule", f"{rank}Outcomes"), 1):
            when = _text(section, *path, "timeFrame")
            measure = _text(section, *path, "measure") or "not named"
            quote = page.add(f"{rank.capitalize()} Outcomes", f"{measure} [Time frame: {when}]" if when else measure)
            yield f"{name}_{place}" if place > 1 else name, DesignItem(quote, quote=quote)


def _sites(section: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the trial is held; a site that bears a person's name is left out, and counted."""
    paths = _each(section, "contactsLocationsModule", "locations")
    rows = [[_text(section, *path, key) for key in ("facility", "city", "state", "country")] for path in paths]
    sites = [", ".join(filter(None, site)) for site in rows if not _PERSON.search(site[0])]
    named = len(rows) - len(sites)
    remark = f"{named} of {len(rows)} sites bear the name of a person and are left out"
    return tuple(dict.fromkeys(filter(None, sites))), (remark,) * bool(named)


def _arms(section: Any, page: _Page) -> Iterator[Arm]:
    paths = _each(section, "armsInterventionsModule", "armGroups")
    labels = [_text(section, *path, "label") or "Not named" for path in paths]
    for path, label, id in zip(paths, labels, field_names(labels, 24), strict=True):
        kind, treatment = _text(section, *path, "type"), " + ".join(_texts(section, *path, "interventionNames"))
        quote = page.add("Arms of the Study", f"{_plain(kind).capitalize()}: {label}" if kind else label)
        page.add("Arms of the Study", _text(section, *path, "description"), treatment)
        role: Any = _plain(kind) if _plain(kind) in _ROLES else "other"
        name = label if labels.count(label) == 1 else f"{label} ({id})"  # two arms that are called alike are told apart
        yield Arm(id, role, name, treatment or label, quote=(quote, treatment) if treatment else (quote,))


def age_span(low: str, high: str) -> str:
    """The ages of a record in words.

    >>> age_span("18 Years", "64 Years"), age_span("18 Years", "")
    ('18 Years to 64 Years', '18 Years and older')
    """
    if low and high:
        return f"{low} to {high}"
    return f"{low} and older" if low else f"Up to {high}" if high else "No limits of age"


def _plain(word: str) -> str:
    return squeeze(word.replace("_", " ")).lower()
