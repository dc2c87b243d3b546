"""A text pasted from a registry goes in; where its criteria begin and end is found by headings, and the rest is listed.

Other registries (ISRCTN, ChiCTR, EU CTR, CTIS) have no file in common. Of their texts the criteria are read, and the
ages and the sex that stand outside of them. Nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import PurePath

from ..protocol import DataError, squeeze
from ..protocol.check import stretches
from .lines import OVER_BOTH, apart, clean, section_of
from .phrases import phrases
from .record import Record

_ID = re.compile(
    r"NCT\d{8}|ISRCTN\d{6,8}|ChiCTR[\w-]*\d{6,10}|20\d\d-\d{6}-\d\d(?:-\d\d)?|jRCT\w?\d{6,10}|DRKS\d{8}"
    r"|CTRI/\d{4}/\d\d/\d{6}|ACTRN\d{14}"
)
_AFTER = re.compile(
    rf"\s*(?:#+\s*|\*\*)?(?:(?:{phrases('ends')})\W*"
    rf"|(?:{phrases('ends_with_value')})(?:s|\(s\))?\W*(?:[:\uff1a].*)?|e\.5(?:\.\d)?\s.*)",
    re.I,
)
"""Headings of a registry that no criterion can be; with a value behind a colon only where that is no rule either."""
_UNIT = r"\s*(?:周?岁\s*)?(year|month|week|day)(?:s|\(s\))?"
_STATED = re.compile(
    rf"\s*(?:(?:lower|upper|minimum|maximum|min\.?|max\.?) age(?: limit)?\s*[:\uff1a]"
    rf"\s*(?:\d+{_UNIT}|n/?a|none|no limit)"
    r"|(?:gender|sex(?:es)?)(?: eligible(?: for study)?)?\s*[:\uff1a]\s*(?:both|all|female\W+male|male\W+female)"
    rf"|ages? eligible(?: for study)?\s*[:\uff1a]\s*\d+{_UNIT}(?: to \d+{_UNIT}| and (?:older|over)))\W*",
    re.I,
)
"""A value that a registry states in one line: it ends nothing. One sex only beside the ages: it may exclude."""
_NO_TITLE = re.compile(r"source\b.*|.*(?:registration|eudract|eu ct|trial) number.*|\W*", re.I)
_AGES = re.compile(rf"\bages? eligible(?: for study)?\W*((\d+){_UNIT}(?: to (\d+){_UNIT}| and (?:older|over)))", re.I)
_LOWEST = re.compile(rf"(?:lower|minimum|min\.?) age(?: limit)?\W*(\d+){_UNIT}", re.I)
_HIGHEST = re.compile(rf"(?:upper|maximum|max\.?) age(?: limit)?\W*(\d+){_UNIT}", re.I)
_SEX = re.compile(
    r"\b(?:sex|gender)(?:es eligible)?(?: for study)?\W*"
    r"((?:female|male|women|men|both|all)s?\b(?:(?:\W|\band\b|\bor\b)+(?:female|male|women|men)s?\b)*)"
    r"(?!\W*(?:yes|no)\b)",
    re.I,
)
_ONE_SEX = re.compile(r"\b(female|male|women|men)s?\b", re.I)
_UNHEADED = "no heading says what is an inclusion and what an exclusion; what says nothing of it is read as inclusion"


def record_in(written: str, name: str) -> Record:
    """The record that a pasted text holds.

    Args:
        written: the text, with its line breaks.
        name: the name of its file, for the id where the text has none.

    Raises:
        DataError: nothing is written there.
    """
    text = apart(clean(written).lstrip("\ufeff"))
    lines = text.split("\n")
    if not any(re.search(r"\w", line) for line in lines):
        raise DataError(f"{name} is empty; paste the criteria of a trial into it, with their headings")
    is_inside = _inside(lines)
    blocks = _blocks(lines, is_inside)
    outside = tuple("\n".join(block) for inside, block in blocks if not inside)
    prose = [squeeze(block) for block in outside]
    ages, age_quote = _ages(prose)
    sex = next((match for block in prose if (match := _SEX.search(block))), None)
    number = _ID.search(name) or _ID.search(text)
    id = re.sub(r"[^A-Za-z0-9_-]+", "-", number[0] if number else PurePath(name).stem).strip("-") or "TRIAL"
    return Record(
        id=id,
        title=_title(lines, is_inside) or id,
        text=text.strip("\n") + "\n",
        eligibility="\n".join(line for line, inside in zip(lines, is_inside, strict=True) if inside),
        ages=ages,
        edges=_edges(blocks, text) if outside else None,
        age_quote=age_quote,
        sex=_sex(sex[1]) if sex else "",
        sex_quote=squeeze(sex[0]) if sex else "",
        left_out=outside,
        remarks=() if any(section_of(line) for line in lines) else (_UNHEADED,),
    )


def _inside(lines: Sequence[str]) -> list[bool]:
    """Of each line, whether it stands among the criteria: a heading opens them again, whatever came before."""
    opening = [place for place, line in enumerate(lines) if OVER_BOTH.fullmatch(line) or section_of(line)]
    first = opening[0] if opening else 0
    heading = section_of(lines[first]) if opening else None
    # what stands above the exclusions, or all of a text without headings, may be criteria
    if not opening or (heading and heading.kind == "exclusion"):
        first = next((place for place, line in enumerate(lines) if line.strip() and not _is_head(lines, place)), first)
    inside, flags = False, []
    for place, line in enumerate(lines):
        if place == first or place in opening:
            inside = True
        elif inside and _AFTER.fullmatch(line):
            inside = False
        is_next = bool(flags) and not flags[-1] and (not line.strip() or _SEX.fullmatch(line.strip()))
        flags.append(inside and not (is_next or _STATED.fullmatch(line)))
    return flags


def _is_head(lines: Sequence[str], place: int) -> bool:
    """Whether a line at the top is the number of the trial, its source, or its title: alone above a blank line."""
    line = lines[place]
    if _NO_TITLE.fullmatch(line) or _ID.fullmatch(line.strip()):
        return True
    is_first = all(_NO_TITLE.fullmatch(each) or _ID.fullmatch(each.strip()) for each in lines[:place])
    return is_first and place + 1 < len(lines) and not lines[place + 1].strip()


def _blocks(lines: Sequence[str], is_inside: Sequence[bool]) -> list[tuple[bool, list[str]]]:
    """What stands among the criteria (True) and outside of them by turns, without what says nothing."""
    turns = groupby(zip(lines, is_inside, strict=True), key=lambda pair: pair[1])
    blocks = [(inside, [line.strip() for line, _ in block if line.strip()]) for inside, block in turns]
    return [(inside, block) for inside, block in blocks if re.search(r"\w", " ".join(block))]


def _edges(blocks: Sequence[tuple[bool, list[str]]], text: str) -> tuple[tuple[str, str], ...] | None:
    """The lines before and after each block of criteria; None where they do not find it again."""
    lines = [("", ""), *((block[0], block[-1]) for _, block in blocks), ("", "")]
    spans = [(lines[n][1], lines[n + 2][0]) for n, (inside, _) in enumerate(blocks) if inside]
    passages = stretches(squeeze(text), [(squeeze(first), squeeze(last)) for first, last in spans])
    wanted = [squeeze(" ".join(block)) for inside, block in blocks if inside]
    return tuple(spans) if list(map(squeeze, passages)) == wanted else None


def _ages(blocks: Sequence[str]) -> tuple[tuple[str, str], str]:
    """The lowest and the highest age, where they stand outside of the criteria, and the words."""
    for block in blocks:
        if match := _AGES.search(block):
            return (_age(match[2], match[3]), _age(match[4], match[5])), match[1]
        low, high = _LOWEST.search(block), _HIGHEST.search(block)
        if low or high:
            ends = [match for match in (low, high) if match]
            words = block[min(match.start() for match in ends) : max(match.end() for match in ends)]
            return (_age(*low.groups()) if low else "", _age(*high.groups()) if high else ""), words
    return ("", ""), ""


def _sex(words: str) -> str:
    """The one sex that the words name; two of them, such as "Female, Male", are all."""
    named = {"female" if word.lower() in ("female", "women") else "male" for word in _ONE_SEX.findall(words)}
    return named.pop() if len(named) == 1 else "all"


def _age(number: str | None, unit: str | None) -> str:
    return f"{number} {unit.capitalize()}s" if number and unit else ""


def _title(lines: Sequence[str], is_inside: Sequence[bool]) -> str:
    """The first line above the criteria that is a title."""
    above = lines[: is_inside.index(True)] if True in is_inside else []
    titles = (squeeze(line) for line in above if len(line.strip()) > 8)
    return next((line for line in titles if not _NO_TITLE.fullmatch(line) and not _ID.fullmatch(line)), "")
