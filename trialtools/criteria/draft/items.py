"""An eligibility text goes in; its rules come out, each word for word, and every line that is no rule.

By headings, bullets, numbers and full stops only. What is not certain stays whole, and what is not understood becomes a
rule that somebody sees: nothing is dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..protocol import squeeze
from .lines import OVER_BOTH, CriterionKind, Line, Section, lines_of, section_of, without_marker
from .phrases import PHRASES, pattern
from .pieces import count_apart, items_apart, sentences

_LEADS_IN = pattern("leads_in")
_EXCLUDES = pattern("excludes")
_INCLUDES = pattern("includes")
_INCOMPLETE = pattern("incomplete")
_NONE = pattern("none")
_JOINS = {join: re.compile(words, re.I) for join, words in PHRASES["joins"].items()}
_UNSURE = pattern("unsure")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_CAPTION = pattern("caption")


@dataclass(frozen=True)
class Item:
    """One rule: `quotes` word for word with numbers and headings, `text` without them, `parts` of a list inside it.

    `join` says how its parts belong together, where the words before them are certain: and, or, 2, 3. `under` is the
    heading it stands under; `remarks` are what somebody should look at.
    """

    kind: CriterionKind
    quotes: tuple[str, ...]
    text: str
    parts: tuple[str, ...] = ()
    join: str = ""
    under: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        return " ".join([self.text, *self.parts])


@dataclass(frozen=True)
class Eligibility:
    """What an eligibility text says: rules, headings that are none, and statements that it does not list every rule."""

    items: tuple[Item, ...] = ()
    headings: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


def read_eligibility(text: str) -> Eligibility:
    """The rules of an eligibility text that was cleaned; each line of it is in a quote, a heading or a statement.

    >>> read = read_eligibility("Key Inclusion Criteria:\\n* Age 18 to\\n  64\\n* Eczema\\nExclusion Criteria:\\nNone")
    >>> [item.text for item in read.items], read.headings
    (['Age 18 to 64', 'Eczema'], ('Key Inclusion Criteria:', 'Exclusion Criteria:', 'None'))
    """
    items: list[Item] = []
    headings: list[str] = []
    for section, heading, lines in _sections(lines_of(text)):
        headings += [heading] if heading else []
        if heading and len(lines) == 1 and _NONE.fullmatch(lines[0].written):
            headings.append(lines[0].written)
        else:
            items += _mark_alternatives([*_items(_blocks_of(lines), section)])
    kinds = ([item for item in items if item.kind == kind] for kind in ("inclusion", "exclusion"))
    items = [item for alike in kinds for item in _one_language(alike)]
    incomplete = [item for item in items if _is_statement(item)]
    if len(incomplete) == len(items):  # a text without any rule: what there is becomes a question that somebody sees
        incomplete = []
    return Eligibility(
        tuple(item for item in items if item not in incomplete),
        tuple(map(squeeze, headings)),
        tuple(" ".join(item.quotes) for item in incomplete),
    )


def _is_statement(item: Item) -> bool:
    """Whether a sentence, and it alone, says that not every rule is listed."""
    is_short = not item.parts and len(item.text) < 300 and len(sentences(item.text)) == 1
    return is_short and bool(_INCOMPLETE.search(item.text))


def _sections(lines: Sequence[Line]) -> Iterator[tuple[Section, str, list[Line]]]:
    """Each section with its heading as written; what stands before any heading is read as inclusions."""
    section, heading, below = Section("inclusion"), "", []
    for line in lines:
        new_section = Section("inclusion") if OVER_BOTH.fullmatch(line.written) else section_of(line.written)
        if new_section is None and heading and not below and _CAPTION.fullmatch(line.written):
            new_section = section
        if new_section is None:
            below.append(line)
            continue
        if heading or below:
            yield section, heading, below
        section, heading, below = new_section, line.written, []
    yield section, heading, below


def _one_language(items: Sequence[Item]) -> list[Item]:
    """The rules of one kind; what stands in Chinese and once more in English, number by number, is one rule."""
    half = len(items) // 2
    one, other = list(items[:half]), list(items[half:])
    others, chinese = (other, one) if any(_CHINESE.search(item.whole) for item in one) else (one, other)
    pairs = list(zip(others, chinese, strict=False))
    is_apart = len(one) == len(other) and not any(_CHINESE.search(item.whole) for item in others)
    is_translated = any(_CHINESE.search(item.whole) for item in chinese) and all(_alike(*pair) for pair in pairs)
    if not is_apart or not is_translated:
        return list(items)
    remark = "the Chinese sentence beside the English one is taken for the same rule"
    return [replace(a, quotes=(*a.quotes, *b.quotes), remarks=(*a.remarks, *b.remarks, remark)) for a, b in pairs]


def _alike(english: Item, chinese: Item) -> bool:
    """Whether two rules may be one: they name the same numbers, and what stands in no Chinese letter is the same."""
    same = _letters(english) == _letters(chinese)
    return _numbers(english) == _numbers(chinese) and (same or bool(_CHINESE.search(chinese.whole)))


def _letters(item: Item) -> str:
    """A rule such as "BMI > 35 kg/m2", as both languages write it."""
    return re.sub(r"[\s.;]", "", unicodedata.normalize("NFKC", item.whole))


def _numbers(item: Item) -> list[str]:
    return sorted(re.findall(r"\d+(?:\.\d+)?", unicodedata.normalize("NFKC", item.whole)))


def _items(blocks: Sequence[_Block], section: Section) -> Iterator[Item]:
    """The rules of a section; a heading goes into the first quote below it, and one with nothing below is a rule."""
    waiting: list[str] = []
    under, announced, is_turned = section.about, False, False
    few = sum(not block.is_heading for block in blocks) < 3
    for block, below in zip(blocks, [*blocks[1:], None], strict=False):
        if block.is_heading and below is not None:
            waiting.append(squeeze(block.written))
            leads_in = _LEADS_IN.fullmatch(block.text.strip())
            under = ", ".join(filter(None, (section.about, "" if leads_in else block.text.strip(" :\uff1a"))))
            announced = False
            is_turned = section.kind == "inclusion" and _heads_exclusions(block.text, is_turned)
            continue
        remarks = ["the heading says inclusion and exclusion: which of the two is this?"] if section.both else []
        remarks += ["may be a part of the list that is announced above it"] if announced else []
        remarks += ["read as an exclusion, for the line above it says so"] if is_turned else []
        for item in _of_block(block, "exclusion" if is_turned else section.kind, few):
            yield replace(item, quotes=(*waiting, *item.quotes), under=under, remarks=(*remarks, *item.remarks))
            waiting = []
        announced = announced or block.announces


def _heads_exclusions(heading: str, is_turned: bool) -> bool:
    """Whether exclusions stand below a heading among the inclusions; one that says nothing of it changes nothing."""
    return bool(_EXCLUDES.search(heading)) or (is_turned and not _INCLUDES.search(heading))


def _mark_alternatives(items: Sequence[Item]) -> list[Item]:
    """The rules, with a remark beside neighbours that the text joins by "or": one of the two may be enough."""
    ends = [bool(re.search(r"\bor\W*$", item.whole, re.I)) for item in items]
    joined = [ends[n] or (n > 0 and ends[n - 1]) for n in range(len(items))]
    remark = 'joined with its neighbour by "or": one of the two may be enough'
    return [
        replace(item, remarks=(*item.remarks, remark)) if is_joined else item
        for item, is_joined in zip(items, joined, strict=True)
    ]


def _of_block(block: _Block, kind: CriterionKind, few: bool) -> Iterator[Item]:
    """One rule; the sentences of a paragraph that stands alone, or runs over several lines, are rules of their own."""
    is_listed = any(line.marker for line in block.lines)
    whole = squeeze(block.written)
    if not is_listed and (few or len(block.lines) > 1):
        pieces = [piece for sentence in sentences(whole) for piece in items_apart(sentence)]
        yield from (_with_parts(Item(kind, (piece,), without_marker(piece))) for piece in pieces)
        return
    yield _with_parts(Item(kind, (whole,), squeeze(block.text), tuple(map(squeeze, block.parts))))


def _with_parts(item: Item) -> Item:
    """A rule with the list `(1) one; (2) two` inside of it as parts, and how they are joined."""
    lead, *inner = count_apart(item.text)
    if not item.parts and len(inner) > 1 and any(words.search(lead[-120:]) for words in _JOINS.values()):
        item = replace(item, text=lead, parts=tuple(map(without_marker, inner)))
    if not item.parts:
        return item
    lead, count = item.text, len(item.parts)
    is_sure = len(lead) < 160 and not _UNSURE.search(lead.rstrip(" .:"))
    join = next((join for join, words in _JOINS.items() if is_sure and words.search(lead[-120:])), "")
    join = "" if join.isdigit() and int(join) > count else join
    remark = ()
    if not join and count > 1:
        remark = (f"a list of {count}: any of them, or all? the text is not certain",)
    elif not join and not lead.rstrip().endswith((":", "\uff1a")):
        remark = ("a line below it is read as a part of it",)
    return replace(item, join=join, remarks=(*item.remarks, *remark))


# --- the lines of one rule --------------------------------------------------------------------------------------------


_OF_WHOM = pattern("of_whom")
_RUNS_ON = pattern("runs_on")
_COLON = (":", "\uff1a")
_ENDS = (*_COLON, ".", ";", "。", "\uff1b", "!", "?")
_Role = Literal["rule", "part", "more", "heading"]


@dataclass
class _Block:
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


def _blocks_of(lines: Sequence[Line]) -> list[_Block]:
    """The rules and headings of a section, in its order; each line is in one of them."""
    blocks: list[_Block] = []
    levels: list[Line] = []
    is_listed = any(line.marker for line in lines)
    is_lower = sum(line.says[:1].islower() for line in lines) * 2 > len(lines)
    for line, below in zip(lines, [*lines[1:], None], strict=False):
        if not line.says or not re.search(r"\w", line.written):
            role: _Role = "more"
        elif line.marker:
            levels = [*levels[: _level(line, levels)], line]
            role = _role_in_list(line, levels, below)
        elif line.says[:1].isupper() and _INCOMPLETE.search(line.says):
            role = "rule"
        elif is_listed:
            role = _role_beside_list(line, levels, below, blocks)
        else:
            role = _role_of_plain(line, below, blocks, is_lower)
        levels = [] if role == "heading" or (role == "rule" and not line.marker) else levels
        _add(blocks, role, line, len(levels))
    return blocks


def _add(blocks: list[_Block], role: _Role, line: Line, level: int) -> None:
    if role in ("rule", "heading") or not blocks or blocks[-1].is_heading:
        blocks.append(_Block(role == "heading", [line], [line.says]))
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


def _role_beside_list(line: Line, levels: Sequence[Line], below: Line | None, blocks: Sequence[_Block]) -> _Role:
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


def _role_of_plain(line: Line, below: Line | None, blocks: Sequence[_Block], is_lower: bool) -> _Role:
    """A line of a section without any list: a rule of its own, unless a sentence runs on into it."""
    last = blocks[-1].lines[-1].written if blocks and not blocks[-1].is_heading else ""
    goes_on = line.says[:1].islower() and not is_lower and not last.endswith(_ENDS)
    if last and not line.after_blank and (goes_on or _RUNS_ON.search(last)):
        return "more"
    return "heading" if below is not None and len(line.says) < 120 and line.says.endswith(_COLON) else "rule"
