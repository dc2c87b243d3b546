"""An eligibility text goes in; its rules come out, each word for word, and every line that is no rule.

By headings, bullets, numbers and full stops only. What is not certain stays whole, and what is not understood becomes a
rule that somebody sees: nothing is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..protocol import squeeze
from .blocks import Block, blocks_of
from .headings import WHOLE, Kind, Section, section_of
from .lines import Line, count_apart, lines_of, without_marker
from .sentences import sentences

_LEADS_IN = re.compile(
    r"(?:patients|subjects|participants|individuals|volunteers|candidates|men and women|eligible \w+|you)"
    r"\b[^.]*(?:eligible|included|enrolled|excluded|meet|meeting|fulfil|must have|following|below)[^.]*[:\uff1a]",
    re.I,
)
_EXCLUDES = re.compile(
    r"\b(?:be|are|is) (?:excluded|ineligible|not eligible)\b|\bnot be (?:eligible|included|enrolled)\b"
    r"|^\W*(?:not eligible|ineligible|excluded?|do not (?:include|enrol))\b",
    re.I,
)
_INCLUDES = re.compile(r"\b(?:take part|participate|join|enter|includ\w+|eligible|enrol\w*)\b", re.I)
_INCOMPLETE = re.compile(
    r"not (?:intended to )?(?:contain|include|be|list) (?:all|complete|every)|not all (?:inclusion|exclusion|criteria)"
    r"|\bcriteria\b.{0,20}\b(?:may|will|could|also) (?:also )?apply",
    re.I,
)
_NONE = re.compile(r"\W*(?:none|not applicable|n/?a|nil|no exclusion criteria)\W*", re.I)
_JOINS = {
    "2": r"(?:at least|minimum of) (?:two|2)\b|\b(?:two|2) or more of\b|≥\s*2 of",
    "3": r"(?:at least|minimum of) (?:three|3)\b|\b(?:three|3) or more of\b|≥\s*3 of",
    "or": r"\b(?:one|1) or more of\b|\bat least (?:one|1)\b|\b(?:either|any|one|any one)(?: one)? of (?:the|these)\b"
    r"|\bany (?:one )?of the\b|≥\s*1 of|\beither\s*[:\uff1a]?$|\bany of\s*[:\uff1a]?$",
    "and": r"\ball (?:of )?(?:the|these)(?: following)?\b|\bboth of\b|\beach of the\b",
}
_UNSURE = re.compile(
    r"[.;]\s|\b(?:if|unless|except|not|without|who do|defined|when|wom[ae]n|m[ae]n|(?:fe)?males?|girls?|boys?)\b", re.I
)
_CAPTION = re.compile(r"\W*description\W*", re.I)
"""What the page of a registry writes between the heading and the first rule."""


@dataclass(frozen=True)
class Item:
    """One rule: `quotes` word for word with numbers and headings, `text` without them, `parts` of a list inside it.

    `join` says how its parts belong together, where the words before them are certain: and, or, 2, 3. `under` is the
    heading it stands under; `remarks` are what somebody should look at.
    """

    kind: Kind
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
            items += _mark_alternatives([*_items(blocks_of(lines), section)])
    is_said = [not item.parts and len(item.text) < 300 and bool(_INCOMPLETE.search(item.text)) for item in items]
    return Eligibility(
        tuple(item for item, said in zip(items, is_said, strict=True) if not said),
        tuple(map(squeeze, headings)),
        tuple(" ".join(item.quotes) for item, said in zip(items, is_said, strict=True) if said),
    )


def _sections(lines: Sequence[Line]) -> Iterator[tuple[Section, str, list[Line]]]:
    """Each section with its heading as written; what stands before any heading is read as inclusions."""
    section, heading, below = Section("inclusion"), "", []
    for line in lines:
        found = Section("inclusion") if WHOLE.fullmatch(line.written) else section_of(line.written)
        if found is None and heading and not below and _CAPTION.fullmatch(line.written):
            found = section
        if found is None:
            below.append(line)
            continue
        if heading or below:
            yield section, heading, below
        section, heading, below = found, line.written, []
    yield section, heading, below


def _items(blocks: Sequence[Block], section: Section) -> Iterator[Item]:
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
            is_turned = section.kind == "inclusion" and _is_turned(block.text, is_turned)
            continue
        remarks = ["the heading says inclusion and exclusion: which of the two is this?"] if section.both else []
        remarks += ["may be a part of the list that is announced above it"] if announced else []
        remarks += ["read as an exclusion, for the line above it says so"] if is_turned else []
        for item in _of_block(block, "exclusion" if is_turned else section.kind, few):
            yield replace(item, quotes=(*waiting, *item.quotes), under=under, remarks=(*remarks, *item.remarks))
            waiting = []
        announced = announced or block.announces


def _is_turned(heading: str, is_turned: bool) -> bool:
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


def _of_block(block: Block, kind: Kind, few: bool) -> Iterator[Item]:
    """One rule; the sentences of a paragraph that stands alone, or runs over several lines, are rules of their own."""
    is_listed = any(line.marker for line in block.lines)
    whole = squeeze(block.written)
    if not is_listed and (few or len(block.lines) > 1):
        pieces = [piece for sentence in sentences(whole) for piece in _number_items(sentence)]
        yield from (_with_parts(Item(kind, (piece,), without_marker(piece))) for piece in pieces)
        return
    item = Item(kind, (whole,), squeeze(block.text), tuple(map(squeeze, block.parts)))
    yield _with_parts(item)


def _number_items(sentence: str) -> list[str]:
    """`1. one 2. two` as two rules; with a lead before the first number it is one rule with parts."""
    pieces = count_apart(sentence)
    return pieces if without_marker(pieces[0]) != pieces[0] else [sentence]


def _with_parts(item: Item) -> Item:
    """A rule with the list `(1) one; (2) two` inside of it as parts, and how they are joined."""
    lead, *inner = count_apart(item.text)
    if not item.parts and len(inner) > 1 and any(re.search(words, lead[-120:], re.I) for words in _JOINS.values()):
        item = replace(item, text=lead, parts=tuple(map(without_marker, inner)))
    if not item.parts:
        return item
    lead = item.text
    is_sure = len(lead) < 160 and not _UNSURE.search(lead.rstrip(" .:"))
    join = next((join for join, words in _JOINS.items() if is_sure and re.search(words, lead[-120:], re.I)), "")
    if join.isdigit() and int(join) > len(item.parts):
        join = ""
    remark = (
        ()
        if join or (len(item.parts) == 1 and lead.rstrip().endswith((":", "\uff1a")))
        else ("a line below it is read as a part of it",)
        if len(item.parts) == 1
        else (f"a list of {len(item.parts)}: any of them, or all? the text is not certain",)
    )
    return replace(item, join=join, remarks=(*item.remarks, *remark))
