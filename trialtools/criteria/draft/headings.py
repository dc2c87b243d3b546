"""A line goes in; what begins with it comes out, where it is only a heading: inclusions or exclusions, and of whom."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["inclusion", "exclusion"]

_SECTION = re.compile(
    r"(?P<before>[^.;:<>≤≥]*?)\b(?P<word>non-?inclusions?|inclusions?|exclusions?|inclusive|exclusive)\b"
    r"(?P<both>\s*(?:/|and|&|or)\s*(?:inclusion|exclusion)\b)?(?P<after>[^.;:<>≤≥]*)",
    re.I,
)
_ABROAD: dict[str, Kind] = {
    "入选标准": "inclusion",
    "纳入标准": "inclusion",
    "排除标准": "exclusion",
    "einschlusskriterien": "inclusion",
    "ausschlusskriterien": "exclusion",
    "critères d'inclusion": "inclusion",
    "critères d'exclusion": "exclusion",
    "critères de non-inclusion": "exclusion",
    "critères de non inclusion": "exclusion",
    "criterios de inclusión": "inclusion",
    "criterios de exclusión": "exclusion",
    "criteri di inclusione": "inclusion",
    "criteri di esclusione": "exclusion",
}
_IN_A_RULE = re.compile(
    r"\b(?:meet(?:s|ing)?|met|fulfil\w*|satisf\w+|who|does|do|not|any|may|will|appl\w+|other|no|per)\b", re.I
)
_PLAIN = re.compile(
    r"(?:criteri(?:a|on|ons)|list|of|the|key|main|major|principal|primary|general|core|participants?|subjects?|patients?"
    r"|study|trial|are|is|as|follows?|following|include|all|must|be|eligibility|in|for|this|and|each|number|english|\W)*",
    re.I,
)
_SHORT = re.compile(r"\s*(?:key|main|major|principal|primary|general|(?:reasons?|grounds) for)?\s*", re.I)
_KEPT_OUT = re.compile(
    r"(?:who|you|people|patients|participants) (?:can ?not|can['’]t|may not|must not|should not)"
    r" (?:take part|participate|join|enter|be (?:included|recruited))"
    r"(?:(?: in)? (?:the|this|our) (?:study|trial|research))?"
    r"(?: if\b[^.;]{0,60}(?=[:\uff1a]))?\W*",
    re.I,
)
"""How a sheet for a ward or for patients heads its exclusions."""
WHOLE = re.compile(r"\W*(?:(?:patient|subject|participant)s?\s+)?eligibility(?:\s+criteria)?\W*", re.I)
"""A heading over inclusions and exclusions together."""
_INSIDE = re.compile(
    r"(?<![\w/])(?:(?:Key|Main|Principal|KEY|MAIN) )?"
    r"(?:Inclusion|Exclusion|INCLUSION|EXCLUSION) (?:[Cc]riteria|CRITERIA)\s*[:\uff1a]"
    r"|(?i:^[ \t*_#]*(?:(?:key|main|principal) )?(?:inclusion|exclusion)(?: criteria)?\s*[:\uff1a](?=[ \t*_]*\w))"
)


@dataclass(frozen=True)
class Section:
    """What stands below a heading; `both` where it says inclusion and exclusion, `about` the part of a trial named."""

    kind: Kind
    both: bool = False
    about: str = ""


def section_of(line: str) -> Section | None:
    """What begins with a line that is only a heading; None of all other lines.

    >>> section_of("Key Exclusion Criteria:")
    Section(kind='exclusion', both=False, about='')
    >>> section_of("2. Inclusion criteria for Part A").about
    'Inclusion criteria for Part A'
    >>> section_of("Patients who meet any exclusion criteria of the other study")
    """
    line = re.sub(r"^(?:E\.[34]\s+|\(?\d{1,2}(?:[.)]\d*)*\s+)", "", line.strip(" \t*•·#_-–—"))
    bare = line.rstrip(" .:\uff1a*_")
    if abroad := _ABROAD.get(bare.lower().replace("’", "'")):
        return Section(abroad)
    if _KEPT_OUT.fullmatch(line):
        return Section("exclusion")
    found = _SECTION.fullmatch(bare) if len(bare) <= 90 else None
    if not found or _IN_A_RULE.search(before_and_after := f"{found['before']} {found['after']}"):
        return None
    has_colon = line.rstrip(" *_").endswith((":", "\uff1a"))
    if not re.search(r"\bcriteri", before_and_after, re.I) and not _is_short(found, has_colon):
        return None
    kind: Kind = "inclusion" if found["word"].lower().startswith("in") else "exclusion"
    return Section(kind, bool(found["both"]), "" if _PLAIN.fullmatch(before_and_after) else bare)


def _is_short(found: re.Match[str], has_colon: bool) -> bool:
    """Whether a line without the word criteria is a heading: "Exclusion", "Key exclusion", "Exclusion for women:"."""
    if not _SHORT.fullmatch(found["before"]) or found["word"].lower().endswith("sive"):
        return False
    return not found["after"].strip() or (has_colon and bool(re.match(r"\s*(?:for\b|in\b|\(|-|–)", found["after"])))


def apart(text: str) -> str:
    """The text with a line of its own for each heading that stands inside a line.

    >>> apart("Inclusion Criteria: Age 18-85 years. Exclusion Criteria: Pregnancy").splitlines()
    ['Inclusion Criteria:', ' Age 18-85 years. ', 'Exclusion Criteria:', ' Pregnancy']
    """
    return "\n".join(line if section_of(line) else _apart(line) for line in text.split("\n"))


def _apart(line: str) -> str:
    return re.sub(r"^\n", "", _INSIDE.sub(lambda found: f"\n{found[0]}\n", line))
