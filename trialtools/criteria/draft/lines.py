"""An eligibility text goes in; its lines come out, each with its indent, its bullet or number, and what it says."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from .headings import apart, section_of

_NUMBER = (
    r"\d{1,2}(?:\.\d{1,2})+[.)]?(?=\s+\S)|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{2,4})[.)](?=\s|[A-Z≥≤<>(]|$)"
    r"|\d{1,2}、|\uff08\d{1,2}\uff09|[①-⑳]|[IE]\d{1,2}[.:)]|\d{1,2}$"
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
    text = re.sub(r"&(?:#\d+|#x[0-9a-f]+|\w+);", lambda found: html.unescape(found[0]), text, flags=re.I)
    text = _NEW_LINE.sub("\n", text)
    text = _INLINE_TAG.sub("", _ITEM_TAG.sub("\n- ", text))
    text = re.sub("[\uf0a7\uf0b7\uf0d8]", "•", text)  # bullets of a word processor's own font
    shown = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    return "".join(" " if c.isspace() and c not in "\n\t" else c for c in shown)


def lines_of(text: str) -> list[Line]:
    """The lines of a text, without the blank ones; a heading or a list inside a line has lines of its own."""
    lines = [part for line in _join(map(_line, _with_blanks(apart(text)))) for part in _number_items(line)]
    return list(_without_false_markers(lines))


def _with_blanks(text: str) -> Iterator[tuple[str, bool]]:
    """Each line that says something, and whether a blank one stands before it."""
    is_after_blank = True
    for written in text.split("\n"):
        if written.strip():
            yield written.expandtabs(4), is_after_blank
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


def _number_items(line: Line) -> list[Line]:
    """The items of `1) one 2) two 3) three`, where a line begins with the first one."""
    pieces = count_apart(line.written) if line.marker else []
    if len(pieces) < 2 or not re.match(r"\W*1\b", pieces[0]):
        return [line]
    items = [_line((" " * line.indent + piece, False)) for piece in pieces]
    return [replace(items[0], after_blank=line.after_blank), *items[1:]]


def count_apart(text: str) -> list[str]:
    """The pieces of a text before each number of a list that counts 1, 2, 3 ... inside of it; the lead is the first.

    >>> count_apart("One of: (1) cough; (2) fever (3 days)")
    ['One of:', '(1) cough;', '(2) fever (3 days)']
    """
    run: list[re.Match[str]] = []
    for found in re.finditer(r"(?:^|(?<=[\s;,:.]))(\(?)(\d{1,2})([.)、])(?=\s*[^\W\d])", text):
        same = not run or (found[1], found[3]) == (run[0][1], run[0][3])
        if same and int(found[2]) == len(run) + 1:
            run.append(found)
    if len(run) < 2:
        return [text]
    cuts = [0, *(found.start() for found in run), len(text)]
    pieces = [text[start:end].strip() for start, end in pairwise(cuts)]
    return [piece for piece in pieces if piece]


def _without_false_markers(lines: list[Line]) -> Iterator[Line]:
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
