"""An eligibility text goes in; its lines come out, each with its indent, its bullet or number, and what it says.

A line that is only a heading says what stands below it: inclusions or exclusions, and for which people.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .phrases import PHRASES, pattern
from .pieces import items_apart

_NUMBER = (
    r"\d{1,2}(?:\.\d{1,2})+[.)]?(?=\s+\S)|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{2,4})[.)](?=\s|[A-Z≥≤<>(]|$)"
    r"|\d{1,2}(?=\t+\S)|\d{1,2}[、\uff09]|\uff08\d{1,2}\uff09|[①-⑳]|[IE]\d{1,2}[.:)]|\d{1,2}$"
)
_BULLET = r"[*•·●○▪▫■□◦∙‣\u2043➢➤►✓✔✗–—-](?!\d)|o(?=\s)"
_LINE = re.compile(rf"(\s*)((?:(?:{_BULLET})\s*)?)((?:(?:{_NUMBER})\s*)?)(.*)", re.S)

_ATTRIBUTES = r"""(?:\s+[\w-]+=(?:"[^"]*"|'[^']*'))*\s*/?"""
_NEW_LINE = re.compile(
    r"\r\n?|[\u2028\u2029\x0b\x0c\x85]"
    rf"|<(?:br|/li|/?(?:p|ul|ol|div|h[1-6]|html|head|body|table|tr|section)){_ATTRIBUTES}>",
    re.I,
)
_ITEM_TAG = re.compile(f"<li{_ATTRIBUTES}>", re.I)
_INLINE_TAG = re.compile(rf"</?(?:b|i|em|strong|sup|sub|span|u){_ATTRIBUTES}>", re.I)


@dataclass(frozen=True)
class Line:
    """One line as it is written: how far it is indented, its bullet or number, what it says."""

    written: str
    indent: int
    marker: str
    says: str
    after_blank: bool = False

    @property
    def style(self) -> str:
        """What all markers of one list have in common: `*`, `1.`, `a)`; `1.1.1` for a number of three parts."""
        shape = re.sub(r"\d+", "1", re.sub(r"[A-Z]+", "A", re.sub(r"[a-z]+", "a", self.marker.strip())))
        return "①" if re.fullmatch("[①-⑳]", shape) else shape

    @property
    def depth(self) -> int:
        """How many numbers stand before the last one of 1.2.3: 2; 0 of all other markers."""
        return self.style.rstrip(".)").count(".") if self.style[:1] == "1" else 0


def clean(text: str) -> str:
    """The text as a registry shows it: without escapes of Markdown, entities, tags and invisible signs.

    >>> clean("age \\\\<5, BMI &gt; 30&nbsp;kg<br>and well")
    'age <5, BMI > 30 kg\\nand well'
    """
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!<>~|^$&=\"'/-])", r"\1", text)
    text = re.sub(r"&(?:#\d+|#x[0-9a-f]+|\w+);", lambda match: html.unescape(match[0]), text, flags=re.I)
    text = _NEW_LINE.sub("\n", text)
    text = _INLINE_TAG.sub("", _ITEM_TAG.sub("\n- ", text))
    text = re.sub("[\uf0a7\uf0b7\uf0d8]", "•", text)  # bullets of a word processor's own font
    shown = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    return "".join(" " if c.isspace() and c not in "\n\t" else c for c in shown)


# --- headings ---------------------------------------------------------------------------------------------------------


CriterionKind = Literal["inclusion", "exclusion"]
_ABROAD: dict[str, CriterionKind] = {
    words: kind for kind, headings in PHRASES["headings"].items() for words in headings
}

_SECTION = re.compile(
    r"(?P<before>[^.;:<>≤≥]*?)\b(?P<word>non-?inclusions?|inclusions?|exclusions?|inclusive|exclusive)\b"
    r"(?P<both>(?:\s*criteria)?\s*(?:/|\||and|&|or)\s*(?:inclusion|exclusion)\b)?(?P<after>[^.;:<>≤≥]*)",
    re.I,
)
_IN_A_RULE = pattern("in_a_rule")
_PLAIN = pattern("plain_heading")
_SHORT = pattern("short_heading")
_KEPT_OUT = pattern("kept_out")
OVER_BOTH = re.compile(r"\W*(?:(?:patient|subject|participant)s?\s+)?eligibility(?:\s+criteria)?\W*", re.I)
"""A heading over inclusions and exclusions together."""
_INSIDE = re.compile(
    r"(?<![\w/])(?:(?:Key|Main|Principal|KEY|MAIN) )?"
    r"(?:Inclusion|Exclusion|INCLUSION|EXCLUSION) (?:[Cc]riteria|CRITERIA)\s*[:\uff1a]"
    r"|(?<=[.;\u3002\uff1b] )(?:Inclusion|Exclusion|INCLUSION|EXCLUSION)\s*[:\uff1a]"
    r"|(?i:^[ \t*_#]*(?:(?:key|main|principal) )?(?:inclusion|exclusion)(?: criteria)?\s*[:\uff1a](?=[ \t*_]*\w))"
)


@dataclass(frozen=True)
class Section:
    """What stands below a heading; `both` where it says inclusion and exclusion, `about` the part of a trial named."""

    kind: CriterionKind
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
    for words, abroad in _ABROAD.items():
        if re.fullmatch(words, bare.replace("’", "'"), re.I):
            return Section(abroad)
    if _KEPT_OUT.fullmatch(line):
        return Section("exclusion")
    match = _SECTION.fullmatch(bare) if len(bare) <= 90 else None
    if not match or _IN_A_RULE.search(before_and_after := f"{match['before']} {match['after']}"):
        return None
    has_colon = line.rstrip(" *_").endswith((":", "\uff1a"))
    if not re.search(r"\bcriteri", before_and_after, re.I) and not _is_short(match, has_colon):
        return None
    kind: CriterionKind = "inclusion" if match["word"].lower().startswith("in") else "exclusion"
    return Section(kind, bool(match["both"]), "" if _PLAIN.fullmatch(before_and_after) else bare)


def _is_short(match: re.Match[str], has_colon: bool) -> bool:
    """Whether a line without the word criteria is a heading: "Exclusion", "Key exclusion", "Exclusion for women:"."""
    if not _SHORT.fullmatch(match["before"]) or match["word"].lower().endswith("sive"):
        return False
    return not match["after"].strip() or (has_colon and bool(re.match(r"\s*(?:for\b|in\b|\(|-|–)", match["after"])))


def apart(text: str) -> str:
    """The text with a line of its own for each heading, and each item of a list, that stands inside a line.

    >>> apart("Inclusion Criteria: 1) Age 18-85 years; 2) fever. Exclusion Criteria: Pregnancy").splitlines()
    ['Inclusion Criteria:', ' 1) Age 18-85 years;', ' 2) fever.', 'Exclusion Criteria:', ' Pregnancy']
    """
    lines = (part for line in text.split("\n") for part in ([line] if section_of(line) else _apart(line).split("\n")))
    return "\n".join(piece for line in lines for piece in _items(line))


def _apart(line: str) -> str:
    return re.sub(r"^\n", "", _INSIDE.sub(lambda match: f"\n{match[0]}\n", line))


def _items(line: str) -> list[str]:
    """The items of `1) one 2) two 3) three`, or of `c) one; d) two`, each as far indented as the line."""
    pieces = items_apart(line)
    return [line[: len(line) - len(line.lstrip())] + piece for piece in pieces] if len(pieces) > 1 else [line]


# --- lines and lists inside of them -----------------------------------------------------------------------------------


def lines_of(text: str) -> list[Line]:
    """The lines of a text, without the blank ones; a heading or a list inside a line has lines of its own."""
    return list(_without_false_markers(_join(map(_line, _with_blanks(apart(text))))))


def _with_blanks(text: str) -> Iterator[tuple[str, bool]]:
    """Each line that says something, and whether a blank one stands before it."""
    is_after_blank = True
    for written in text.split("\n"):
        if written.strip():
            says = written.lstrip()
            yield written[: len(written) - len(says)].expandtabs(4) + says, is_after_blank
        is_after_blank = not written.strip()


def _line(written: tuple[str, bool]) -> Line:
    indent, bullet, number, says = _LINE.fullmatch(written[0].rstrip()).groups()  # type: ignore[union-attr]
    further = len(bullet) if bullet and number else 0
    return Line(written[0].strip(), len(indent) + further, number or bullet, says.strip(), written[1])


def _join(lines: Iterator[Line]) -> Iterator[Line]:
    """A bullet or a number on a line of its own belongs to the line below it; a line of signs to the one above it."""
    waiting: list[Line] = []
    for line in lines:
        if not line.says or not re.search(r"\w", line.written):
            waiting.append(line)
            continue
        lead = waiting[-1] if waiting and waiting[-1].marker and not line.marker and not section_of(line.says) else None
        yield from waiting[: -1 if lead else None]
        if lead:
            line = replace(lead, written=f"{lead.written} {line.written}", says=line.says)
        yield line
        waiting = []
    yield from waiting


def _without_false_markers(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, where a marker that continues no list is a word of its sentence: "E. coli", "1.5 x ULN"."""
    seen: set[str] = set()
    for line in lines:
        if section_of(line.written):
            seen = set()
        if line.marker and not _is_next(line, seen):
            line = replace(line, marker="", says=line.marker + line.says)
        seen.add(_bare(line.marker))
        yield line


def _is_next(line: Line, seen: set[str]) -> bool:
    bare = _bare(line.marker)
    if line.depth:
        *above, last = bare.split(".")
        return int(last) == 1 or ".".join([*above, str(int(last) - 1)]) in seen
    if re.fullmatch("[a-z]", bare) and line.marker.strip() != "o":
        return bare in "ai" or chr(ord(bare) - 1) in seen or (bare in "vx" and {"iv", "ix"} & seen != set())
    return True


def _bare(marker: str) -> str:
    return marker.strip(" ().、\uff08\uff09").lower()


def without_marker(text: str) -> str:
    """A text without the bullet or number before it.

    >>> without_marker("(2) fever"), without_marker("no fever")
    ('fever', 'no fever')
    """
    return _line((text, False)).says
