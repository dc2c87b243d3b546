"""A record of ClinicalTrials.gov goes in; a registry text comes out, and what the record states, with its place.

Each statement is a line of the registry text, so that it can be quoted; nothing is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol import DataError, squeeze
from .lines import clean

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
        DataError: another JSON, or a record without an eligibility text.
    """
    parts = _Parts(_section(data))
    id = parts.get("identificationModule", "nctId")
    eligibility = clean(parts.get("eligibilityModule", "eligibilityCriteria") or "").strip()
    if not eligibility:
        raise DataError(
            f"{id}: the record has no eligibility text; save the whole record, or paste the text into a .txt file"
        )
    title = parts.get("identificationModule", "briefTitle") or parts.get("identificationModule", "officialTitle") or id
    page = _Page(id, squeeze(clean(title)), parts.get("statusModule", "lastUpdatePostDateStruct", "date"))
    page.add("Official Title", parts.get("identificationModule", "officialTitle"))
    design = dict(_design(parts, page))
    edges = page.add_criteria(eligibility)
    low, high = (parts.get("eligibilityModule", key) or "" for key in ("minimumAge", "maximumAge"))
    age_quote = page.add(edges[1], _span(low, high))
    sex = (parts.get("eligibilityModule", "sex") or "ALL").lower()
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


def _section(data: Any) -> Mapping[str, Any]:
    """The part of a record that describes the trial."""
    if isinstance(data, Mapping):
        section = data.get("protocolSection", data)
        if isinstance(section, Mapping) and _Parts(section).get("identificationModule", "nctId"):
            return section
    what = (
        "a list"
        if isinstance(data, list)
        else f"with {', '.join(list(data)[:4])}"
        if isinstance(data, Mapping)
        else "of one value"
    )
    if isinstance(data, Mapping) and "FullStudiesResponse" in data:
        what = "of the old API (FullStudiesResponse)"
    elif isinstance(data, Mapping) and "studies" in data:
        what = "of several studies"
    raise DataError(f"this JSON is {what}; save one record of ClinicalTrials.gov's API v2 (protocolSection)")


@dataclass(frozen=True)
class _Parts:
    """A record whose parts are asked for by their path; None where there is no such part."""

    section: Mapping[str, Any]

    def get(self, *path: str) -> Any:
        found: Any = self.section
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def listed(self, *path: str) -> list[Any]:
        found = self.get(*path)
        return [each for each in found if each] if isinstance(found, list) else []


class _Page:
    """The registry text while it is written; what is added is a line of it, and is given back as its quote."""

    def __init__(self, id: str, title: str, updated: str | None) -> None:
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

    def add(self, heading: str, *said: str | None) -> str:
        lines = [squeeze(clean(line)) for line in said if line]
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


def _design(parts: _Parts, page: _Page) -> Any:
    """What the record states of the design, by name."""
    design = parts.get("designModule") or {}
    asked = _Parts(design)
    phases = " / ".join(_plain(phase).replace("phase", "phase ") for phase in asked.listed("phases"))
    who = ", ".join(map(_plain, asked.listed("designInfo", "maskingInfo", "whoMasked")))
    masking = asked.get("designInfo", "maskingInfo", "masking")
    said = {
        "study_type": asked.get("studyType"),
        "phase": "not applicable" if phases == "na" else phases,
        "allocation": asked.get("designInfo", "allocation"),
        "model": asked.get("designInfo", "interventionModel") or asked.get("designInfo", "observationalModel"),
        "purpose": asked.get("designInfo", "primaryPurpose"),
    }
    for name, value in said.items():
        if value:
            yield name, Statement(_plain(value), page.add("Study Design", f"{_words(name)}: {_plain(value)}"))
    if masking:
        quote = page.add("Study Design", f"Masking: {_plain(masking)}" + (f" ({who})" if who else ""))
        yield "masking", Statement(_plain(masking), quote)
    if (count := asked.get("enrollmentInfo", "count")) is not None:
        kind = asked.get("enrollmentInfo", "type")
        quote = page.add("Enrollment", f"{count} participants" + (f" ({_plain(kind)})" if kind else ""))
        yield "sample_size", Statement(count, quote)
    for place, outcome in enumerate(parts.listed("outcomesModule", "primaryOutcomes"), 1):
        when = f" [Time frame: {outcome['timeFrame']}]" if outcome.get("timeFrame") else ""
        quote = page.add("Primary Outcomes", f"{outcome.get('measure', 'not named')}{when}")
        yield f"endpoint_{place}" if place > 1 else "endpoint", Statement(quote, quote)


def _sites(parts: _Parts) -> tuple[tuple[str, ...], list[str]]:
    """Where the trial is held; a site that bears a person's name is left out, and counted."""
    found = parts.listed("contactsLocationsModule", "locations")
    named = [site for site in found if _PERSON.search(site.get("facility") or "")]
    lines = [
        ", ".join(filter(None, (site.get(key) for key in ("facility", "city", "state", "country"))))
        for site in found
        if site not in named
    ]
    remarks = [f"{len(named)} of {len(found)} sites bear the name of a person and are left out"] if named else []
    return tuple(dict.fromkeys(squeeze(clean(line)) for line in lines)), remarks


def _arms(parts: _Parts, page: _Page) -> Any:
    for arm in parts.listed("armsInterventionsModule", "armGroups"):
        kind = arm.get("type") or ""
        label = squeeze(clean(arm.get("label") or "not named"))
        given = squeeze(clean(" + ".join(arm.get("interventionNames") or [])))
        quote = page.add("Arms of the Study", f"{_plain(kind).capitalize()}: {label}" if kind else label)
        page.add("Arms of the Study", arm.get("description"), given)
        yield RecordArm(_ROLES.get(kind, "other"), label, given or label, (quote, given) if given else (quote,))


def _span(low: str, high: str) -> str:
    if low and high:
        return f"{low} to {high}"
    return f"{low} and older" if low else f"Up to {high}" if high else "No limits of age"


def _plain(word: str) -> str:
    return squeeze(str(word).replace("_", " ")).lower()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
