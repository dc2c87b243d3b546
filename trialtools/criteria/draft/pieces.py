"""A line or a paragraph goes in, its pieces come out: the items of a list inside of it, and its sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from .phrases import pattern


def items_apart(text: str) -> list[str]:
    """The pieces of a text that begins with a number, or a letter, before each one that goes on counting.

    >>> items_apart("3) fever; 4) > 2 days of cough"), items_apart("3. fever (see section 4. there)")
    (['3) fever;', '4) > 2 days of cough'], ['3. fever (see section 4. there)'])
    """
    runs = [run for run in _runs(text) if not re.search(r"\w", text[: run[0].start])]
    return _split_at(text, [mark.start for mark in max(runs, key=len)[1:]]) if runs else [text]


def count_apart(text: str) -> list[str]:
    """The pieces of a text before each number of a list that counts 1, 2, 3 ... inside of it; the lead is the first.

    >>> count_apart("One of: (1) cough; (2) fever (3 days)")
    ['One of:', '(1) cough;', '(2) fever (3 days)']
    """
    runs = [run for run in _runs(text) if run[0].value == 1]
    return _split_at(text, [mark.start for mark in max(runs, key=len)]) if runs else [text]


def _split_at(text: str, places: list[int]) -> list[str]:
    pieces = [text[start:end].strip() for start, end in pairwise([0, *places, len(text)])]
    return [piece for piece in pieces if piece]


class _Mark(NamedTuple):
    """A number or a letter that may begin an item; `is_sure` where the text before it has ended."""

    start: int
    value: int
    style: tuple[str, str]
    is_sure: bool


def _runs(text: str) -> Iterator[list[_Mark]]:
    """Lists inside a text, by their marks: they count from 1, or go on from the first mark of the text."""
    for kind, count in _COUNTS.items():
        marks = list(islice(_marks(text, kind, count), 300))
        for place, first in enumerate(marks):
            run = [first]
            for mark in marks[place + 1 :] if first.value == 1 or place == 0 else ():
                is_next = (mark.style, mark.value) == (first.style, run[-1].value + 1)
                run += [mark] if is_next and (mark.is_sure or first.value == 1) else []
            if len(run) > 1:
                yield run


def _marks(text: str, kind: str, count: Callable[[str], int]) -> Iterator[_Mark]:
    close = "()" if kind == _CIRCLED else r"([.)、\uff09])(?!\d)"
    for match in re.finditer(rf"(?:^|(?<=[\s{_STOPS}]))([(\uff08]?)({kind}){close}", text):
        before = text[max(match.start() - 12, 0) : match.start()]  # of a page in one line no more is looked at
        is_first = len(before) < 12 and not re.search(r"\w", before)
        is_sure = is_first or bool(re.search(rf"[{_STOPS})\uff09]\W*$", before))
        is_number = kind == _DIGITS and re.match(r"\s*[^\W\d]", text[match.end() :])
        if is_number or (is_sure and (kind in (_DIGITS, _CIRCLED) or match[3] != ".")):
            yield _Mark(match.start(), count(match[2]), (match[1], match[3]), is_sure)


_STOPS = ";,:.\u3002\uff1b\uff0c\uff1a"
_DIGITS, _CIRCLED = r"\d{1,2}", "[①-⑳]"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_COUNTS: dict[str, Callable[[str], int]] = {
    _DIGITS: int,
    _CIRCLED: lambda mark: ord(mark) - ord("①") + 1,
    "[a-z]": lambda mark: ord(mark) - ord("a") + 1,
    "[ivx]{1,4}": lambda mark: _ROMAN.index(mark) + 1 if mark in _ROMAN else 0,
}


# --- sentences --------------------------------------------------------------------------------------------------------


_SENTENCE_ENDS = re.compile(
    r"(?:(?<=[a-z0-9)\]%”\"][.;\uff1b。])|(?<=[A-Z]{2}[.;]))(?:\s+|(?=[A-Z]))(?=[A-Z≥≤<>(])"
    r"|(?<=;)\s*(?=[A-Z])|(?<=[。\uff1b])"
)
_ABBREVIATED = re.compile(r"\b(?:incl|e\.g|i\.e|vs|approx|no|dr|resp|max|min|ca|cf|etc|st|fig)\.$|^\W*\d{1,2}\.$", re.I)
_RULE_BEGINS = re.compile(
    r"(?<=[a-z0-9)\]%])\s+(?=(?:Patients?|Subjects?|Participants?|Having|Presence of|History of|Pregnant|Women|Men"
    r"|Males?|Females?|There (?:is|are))\b)"
)
_RUNS_ON = pattern("sentence_runs_on")


def sentences(text: str) -> list[str]:
    """The sentences of a text without line breaks; whatever is not certain to end stays whole.

    >>> sentences("Age 18 or older. Able to consent (incl. by proxy); Not pregnant")
    ['Age 18 or older.', 'Able to consent (incl. by proxy);', 'Not pregnant']
    >>> sentences("One of the following: Patients with asthma Patients with lung disease. Men")
    ['One of the following: Patients with asthma Patients with lung disease.', 'Men']
    """
    parts = (part.strip() for whole in _join_lists(text.strip()) for part in _at_next_rule(whole))
    return [part for part in parts if part]


def _join_lists(text: str) -> Iterator[str]:
    """The text cut where sentences end; not behind an abbreviation, nor inside a list that has not ended."""
    start = 0
    for match in _SENTENCE_ENDS.finditer(text):
        before = text[start : match.start()].rstrip()
        is_listed = "following" in before and before.endswith((";", "\uff1b"))
        if not (is_listed or _ABBREVIATED.search(before)):
            yield before
            start = match.end()
    yield text[start:]


def _at_next_rule(sentence: str) -> Iterator[str]:
    """A run of rules without full stops, cut where a rule begins; after "following" where it ends is not certain."""
    last = 0
    for match in _RULE_BEGINS.finditer(sentence):
        before = sentence[last : match.start()]
        if "following" in before:
            break
        if len(before) > 12 and not _RUNS_ON.search(before):
            yield before
            last = match.end()
    yield sentence[last:]
