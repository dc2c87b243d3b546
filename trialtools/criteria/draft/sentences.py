"""A paragraph goes in, its sentences come out: cut at full stops, and where the next patient is spoken of."""

import re
from collections.abc import Iterator

_END = re.compile(
    r"(?:(?<=[a-z0-9)\]%”\"][.;\uff1b。])|(?<=[A-Z]{2}[.;]))(?:\s+|(?=[A-Z]))(?=[A-Z≥≤<>(])"
    r"|(?<=;)\s*(?=[A-Z])|(?<=[。\uff1b])"
)
_ABBREVIATED = re.compile(r"\b(?:incl|e\.g|i\.e|vs|approx|no|dr|resp|max|min|ca|cf|etc|st|fig)\.$|^\W*\d{1,2}\.$", re.I)
_NEXT = re.compile(
    r"(?<=[a-z0-9)\]%])\s+(?=(?:Patients?|Subjects?|Participants?|Having|Presence of|History of|Pregnant|Women|Men"
    r"|Males?|Females?|There (?:is|are))\b)"
)
_RUNS_ON = re.compile(r"\b(?:of|the|an?|in|with|for|to|by|and|or|from|on|all|any|other|these|those|some|as)$", re.I)


def sentences(text: str) -> list[str]:
    """The sentences of a text without line breaks; whatever is not certain to end stays whole.

    >>> sentences("Age 18 or older. Able to consent (incl. by proxy); Not pregnant")
    ['Age 18 or older.', 'Able to consent (incl. by proxy);', 'Not pregnant']
    >>> sentences("One of the following: Patients with asthma Patients with lung disease. Men")
    ['One of the following: Patients with asthma Patients with lung disease.', 'Men']
    """
    return [part.strip() for whole in _whole(_END.split(text.strip())) for part in _apart(whole) if part.strip()]


def _whole(parts: list[str]) -> list[str]:
    """Parts that an abbreviation or a list without end cut, put together again."""
    joined: list[str] = []
    for part in parts:
        is_listed = bool(joined) and "following" in joined[-1] and joined[-1].endswith((";", "\uff1b"))
        if joined and (is_listed or _ABBREVIATED.search(joined[-1])):
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined


def _apart(sentence: str) -> Iterator[str]:
    """A run of rules without full stops, cut where a rule begins; after "following" where it ends is not certain."""
    last = 0
    for found in _NEXT.finditer(sentence):
        before = sentence[last : found.start()]
        if "following" in before:
            break
        if len(before) > 12 and not _RUNS_ON.search(before):
            yield before
            last = found.end()
    yield sentence[last:]
