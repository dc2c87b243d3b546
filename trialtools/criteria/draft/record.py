"""A record of ClinicalTrials.gov goes in; a registry text comes out, and what the record states, with its place.

Each statement is a line of the registry text, so that it can be quoted; nothing is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol import DataError, squeeze
from .lines import clean
from .parts import Parts

_FIRST, _LAST = "Eligibility Criteria", "Ages Eligible for Study"
_ROLES = {
    "EXPERIMENTAL": "experimental",
    "PLACEBO_COMPARATOR": "placebo comparator",
    "ACTIVE_COMPARATOR": "active comparator",
    "SHAM_COMPARATOR": "sham comparator",
    "NO_INTERVENTION": "no intervention",
}
_PERSON = re.compile(r"\b(?:M\.?D|Ph\.?D|D\.?O|Dr|Prof)\b\.?", re.I)


@dataclass(frozen=True)
class Statement:
    """One statement of the design, and the line of the registry text that says it."""

    value: Any
    quote: str


@dataclass(frozen=True)
class RecordArm:
    """An arm as it is registered: its role, and the lines that name it."""

    role: str
    label: str
    intervention: str
    quotes: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """A role that the name of the arm speaks against."""
        is_odd = self.role == "experimental" and re.search(r"placebo|sham", self.label, re.I)
        return (f'the arm "{self.label}" is registered as experimental',) if is_odd else ()


@dataclass(frozen=True)
class Record:
    """A registered trial: its registry text, the part of it that holds the criteria, and what else it states.

    `ages` are the lowest and highest age as written; `edges` the headings before and after the criteria in the text;
    `left_out` what the registry text has beside the criteria and nothing of the protocol quotes; `remarks` what
    somebody should look at.
    """

    id: str
    title: str
    text: str
    eligibility: str
    edges: tuple[str, ...] = ()
    ages: tuple[str, str] = ("", "")
    age_quote: str = ""
    sex: str = ""
    sex_quote: str = ""
    sites: tuple[str, ...] = ()
    arms: tuple[RecordArm, ...] = ()
    design: Mapping[str, Statement] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def record_of(data: Any) -> Record:
    """The record that JSON of ClinicalTrials.gov's API v2 holds.

    Args:
        data: the JSON as Python reads it; `protocolSection` or the whole.

    Raises:
        DataError: another JSON, a record without an eligibility text, or a part of another type than the API gives.
    """
    parts = _section(data)
    id = parts.text("identificationModule", "nctId")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", id):
        raise DataError(
            f"identificationModule.nctId is {id[:40]!r}; expected the number of a trial, such as NCT02210780"
        )
    eligibility = _criteria_of(parts, id)
    title = parts.text("identificationModule", "briefTitle") or parts.text("identificationModule", "officialTitle")
    page = _Page(id, title or id, parts.text("statusModule", "lastUpdatePostDateStruct", "date"))
    page.add("Official Title", parts.text("identificationModule", "officialTitle"))
    design = dict(_design(parts, page))
    edges = page.add_criteria(eligibility)
    low, high = (parts.text("eligibilityModule", key) for key in ("minimumAge", "maximumAge"))
    age_quote = page.add(edges[1], age_span(low, high))
    sex = parts.text("eligibilityModule", "sex").lower() or "all"
    sex_quote = page.add("Sexes Eligible for Study", f"Sexes eligible: {sex}")
    design["sexes"] = Statement(sex, sex_quote)
    if (healthy := parts.get("eligibilityModule", "healthyVolunteers")) is not None:
        said = "accepted" if healthy else "not accepted"
        design["healthy_volunteers"] = Statement(said, page.add("Healthy Volunteers", f"Healthy volunteers: {said}"))
    sites, remarks = _sites(parts)
    for site in sites:
        page.add("Sites / Locations", site)
    arms = tuple(_arms(parts, page))
    return Record(
        id=id,
        title=page.title,
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
        remarks=(*remarks, *(remark for arm in arms for remark in arm.remarks)),
    )


def _section(data: Any) -> Parts:
    """The part of a record that describes the trial."""
    if isinstance(data, Mapping):
        section = data.get("protocolSection", data)
        if isinstance(section, Mapping) and Parts(section).get("identificationModule", "nctId"):
            return Parts(section)
    raise DataError(f"this JSON is {_kind_of(data)}; save one record of ClinicalTrials.gov's API v2 (protocolSection)")


def _kind_of(data: Any) -> str:
    if not isinstance(data, Mapping):
        return "a list" if isinstance(data, list) else "of one value"
    if "FullStudiesResponse" in data:
        return "of the old API (FullStudiesResponse)"
    return (
        "of several studies" if "studies" in data else f"with {', '.join(map(str, list(data)[:4])) or 'nothing in it'}"
    )


def _criteria_of(parts: Parts, id: str) -> str:
    """The eligibility text with its line breaks."""
    parts.text("eligibilityModule", "eligibilityCriteria")
    eligibility = clean(parts.get("eligibilityModule", "eligibilityCriteria") or "").strip()
    if not re.search(r"\w", eligibility):
        raise DataError(
            f"{id}: the record has no eligibility text; save the whole record, or paste the text into a .txt file"
        )
    return eligibility


class _Page:
    """The registry text while it is written; what is added is a line of it, and is given back as its quote."""

    def __init__(self, id: str, title: str, updated: str) -> None:
        self.title = title
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

    def add(self, heading: str, *said: str) -> str:
        lines = [line for line in said if line]
        if lines:
            self.lines += ["", heading, *lines] if heading != self.heading else lines
            self.heading = heading
        return lines[0] if lines else ""

    def add_criteria(self, eligibility: str) -> tuple[str, str]:
        """The headings before and after the criteria: words that stand nowhere before them."""
        first = _FIRST
        while first in squeeze(self.text):
            first = f"Registered {first}"
        self.lines += ["", first, eligibility]
        last = _LAST
        while last in squeeze(self.text):
            last = f"Registered {last}"
        return first, last


def _design(parts: Parts, page: _Page) -> Iterator[tuple[str, Statement]]:
    """What the record states of the design, by name."""
    info = ("designModule", "designInfo")
    phases = " / ".join(_plain(phase).replace("phase", "phase ") for phase in parts.texts("designModule", "phases"))
    said = {
        "study_type": parts.text("designModule", "studyType"),
        "phase": "not applicable" if phases == "na" else phases,
        "allocation": parts.text(*info, "allocation"),
        "model": parts.text(*info, "interventionModel") or parts.text(*info, "observationalModel"),
        "purpose": parts.text(*info, "primaryPurpose"),
    }
    for name, value in said.items():
        if value:
            yield name, Statement(_plain(value), page.add("Study Design", f"{_words(name)}: {_plain(value)}"))
    if masking := _plain(parts.text(*info, "maskingInfo", "masking")):
        who = ", ".join(map(_plain, parts.texts(*info, "maskingInfo", "whoMasked")))
        yield "masking", Statement(masking, page.add("Study Design", f"Masking: {masking}{f' ({who})' if who else ''}"))
    count = parts.get("designModule", "enrollmentInfo", "count")
    if isinstance(count, int) and not isinstance(count, bool):
        kind = _plain(parts.text("designModule", "enrollmentInfo", "type"))
        yield (
            "sample_size",
            Statement(count, page.add("Enrollment", f"{count} participants{f' ({kind})' if kind else ''}")),
        )
    for place, outcome in enumerate(parts.parts("outcomesModule", "primaryOutcomes"), 1):
        when = outcome.text("timeFrame")
        measure = outcome.text("measure") or "not named"
        quote = page.add("Primary Outcomes", f"{measure} [Time frame: {when}]" if when else measure)
        yield f"endpoint_{place}" if place > 1 else "endpoint", Statement(quote, quote)


def _sites(parts: Parts) -> tuple[tuple[str, ...], list[str]]:
    """Where the trial is held; a site that bears a person's name is left out, and counted."""
    found = parts.parts("contactsLocationsModule", "locations")
    named = [site for site in found if _PERSON.search(site.text("facility"))]
    keys = ("facility", "city", "state", "country")
    lines = [", ".join(filter(None, (site.text(key) for key in keys))) for site in found if site not in named]
    remarks = [f"{len(named)} of {len(found)} sites bear the name of a person and are left out"] if named else []
    return tuple(dict.fromkeys(filter(None, lines))), remarks


def _arms(parts: Parts, page: _Page) -> Iterator[RecordArm]:
    for arm in parts.parts("armsInterventionsModule", "armGroups"):
        kind, label = arm.text("type"), arm.text("label") or "Not named"
        given = " + ".join(arm.texts("interventionNames"))
        quote = page.add("Arms of the Study", f"{_plain(kind).capitalize()}: {label}" if kind else label)
        page.add("Arms of the Study", arm.text("description"), given)
        yield RecordArm(_ROLES.get(kind, "other"), label, given or label, (quote, given) if given else (quote,))


def age_span(low: str, high: str) -> str:
    """The ages of a record in words.

    >>> age_span("18 Years", "64 Years"), age_span("18 Years", "")
    ('18 Years to 64 Years', '18 Years and older')
    """
    if low and high:
        return f"{low} to {high}"
    return f"{low} and older" if low else f"Up to {high}" if high else "No limits of age"


def _plain(word: str) -> str:
    return squeeze(str(word).replace("_", " ")).lower()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
