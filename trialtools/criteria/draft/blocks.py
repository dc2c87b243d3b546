"""The lines of one section go in; blocks come out: the lines of one rule, or a heading over those below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from .lines import Line

_OF_WHOM = re.compile(
    r"(?:for|in|all)?\s*(?:the )?(?:part|arm|cohort|group|stage|phase|stratum|males?|females?|men|women|adolescents?"
    r"|children|adults?|parents?|caregivers?|healthy|patients?|participants?|subjects?)\b[^.:\uff1a]{0,60}[:\uff1a]",
    re.I,
)
_RUNS_ON = re.compile(
    r"(?:,|\(|-|/|\b(?:of|the|a|an|in|with|for|to|by|and|or|from|on|at|than|as|is|are|be|that|which|less|more|least|not))$",
    re.I,
)
_COLON = (":", "\uff1a")
_ENDS = (*_COLON, ".", ";", "。", "\uff1b", "!", "?")
_Role = Literal["rule", "part", "more", "heading"]


@dataclass
class Block:
    """A rule or a heading while its lines are read; the texts of `parts` are the items of a list inside the rule."""

    is_heading: bool
    lines: list[Line]
    says: list[str]
    parts: list[str] = field(default_factory=list)

    @property
    def written(self) -> str:
        return " ".join(line.written for line in self.lines)

    @property
    def text(self) -> str:
        return " ".join(self.says)

    @property
    def announces(self) -> bool:
        """Whether it ends as something does that a list follows."""
        return not self.parts and self.text.rstrip().endswith(_COLON)


def blocks_of(lines: Sequence[Line]) -> list[Block]:
    """The rules and headings of a section, in its order; each line is in one of them."""
    blocks: list[Block] = []
    levels: list[Line] = []
    is_listed = any(line.marker for line in lines)
    is_lower = sum(line.says[:1].islower() for line in lines) * 2 > len(lines)
    for line, below in zip(lines, [*lines[1:], None], strict=False):
        if not line.says or not re.search(r"\w", line.written):
            role: _Role = "more"
        elif line.marker:
            levels = [*levels[: _level(line, levels)], line]
            role = _role_in_list(line, levels, below)
        elif is_listed:
            role = _role_beside_list(line, levels, below, blocks)
        else:
            role = _role_of_plain(line, below, blocks, is_lower)
        levels = [] if role == "heading" or (role == "rule" and not line.marker) else levels
        _add(blocks, role, line, len(levels))
    return blocks


def _add(blocks: list[Block], role: _Role, line: Line, level: int) -> None:
    if role in ("rule", "heading") or not blocks or blocks[-1].is_heading:
        blocks.append(Block(role == "heading", [line], [line.says]))
        return
    block = blocks[-1]
    block.lines.append(line)
    says = line.says or line.marker
    if role == "part" and level == 2:
        block.parts.append(says)
    elif block.parts:
        block.parts[-1] += f" {line.written}"
    else:
        block.says.append(says)


def _level(line: Line, levels: Sequence[Line]) -> int:
    """How many of the open lists stay open above a line of a list."""
    for place, other in enumerate(levels):
        if other.style == line.style and (line.depth or abs(other.indent - line.indent) < 2):
            return place
    while levels and levels[-1].indent > line.indent and not line.depth:
        levels = levels[:-1]
    if not levels or line.indent > levels[-1].indent or _is_weaker(line, levels[-1]):
        return len(levels)
    return len(levels) - 1


def _is_weaker(line: Line, above: Line) -> bool:
    """Whether a marker of another kind, no further indented, begins a list inside the one above."""
    if above.says.rstrip().endswith(_COLON) or line.depth > above.depth:
        return True
    is_bullet, is_above_bullet = (not re.search(r"\w", each.marker) for each in (line, above))
    if is_above_bullet:
        return line.marker.strip() in ("o", "◦", "▪", "▫", "\u2043")
    return is_bullet or line.marker.strip(" ().").lower() in ("1", "a", "i", "①")


def _role_in_list(line: Line, levels: Sequence[Line], below: Line | None) -> _Role:
    if len(levels) > 1:
        return "part"
    leads = below is not None and below.marker and _level(below, levels) == 1
    return "heading" if leads and _OF_WHOM.fullmatch(line.says) else "rule"


def _role_beside_list(line: Line, levels: Sequence[Line], below: Line | None, blocks: Sequence[Block]) -> _Role:
    """A line without a marker in a section that has lists."""
    is_inside = bool(levels) and line.indent > levels[0].indent
    is_above_list = below is not None and bool(below.marker) and not (levels and _level(below, levels))
    is_above_heading = below is not None and not below.marker and _ends_in_colon(line) and _ends_in_colon(below)
    leads = is_above_list or is_above_heading
    last = blocks[-1].lines[-1].written if blocks else ""
    is_new = line.after_blank or (last.endswith(_ENDS) and not line.says[:1].islower())
    has_room = line.after_blank and len(line.says) < 60 and not line.says.endswith(".")
    is_over = has_room or _ends_in_colon(line)
    if leads and is_over and not is_inside and not _RUNS_ON.search(last):
        return "heading"
    return "rule" if is_new and not is_inside and not line.says[:1].islower() else "more"


def _ends_in_colon(line: Line) -> bool:
    return line.says.endswith(_COLON)


def _role_of_plain(line: Line, below: Line | None, blocks: Sequence[Block], is_lower: bool) -> _Role:
    """A line of a section without any list: a rule of its own, unless a sentence runs on into it."""
    last = blocks[-1].lines[-1].written if blocks and not blocks[-1].is_heading else ""
    goes_on = line.says[:1].islower() and not is_lower and not last.endswith(_ENDS)
    if last and not line.after_blank and (goes_on or _RUNS_ON.search(last)):
        return "more"
    return "heading" if below is not None and len(line.says) < 120 and line.says.endswith(_COLON) else "rule"
