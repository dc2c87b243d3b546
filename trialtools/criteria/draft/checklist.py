"""A record goes in; a protocol file comes out in which every sentence is a question, and what was left out.

The file is written as text, for the suggestions beside a criterion are comments of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from ..protocol import Field, squeeze
from .entries import Entry, entries_of
from .items import Item, read_eligibility
from .names import field_name
from .record import Record
from .suggestions import Suggestion

_WIDTH = 118
_INTRODUCTION = [
    "# A checklist: each sentence of the registry is a question for a person (ask: true) until it becomes logic.",
    "# What is proposed beside a criterion was read by rules and adopted by nobody. To adopt it: put the field under",
    "# fields, and the formula instead of ask: true. If there are several formulas, join them by and, or by or.",
    "# A formula may say only a part of its sentence. Lines with # ? want to be looked at.",
]


@dataclass(frozen=True)
class Checklist:
    """A protocol file as text; how many criteria, questions and formulas beside them it has; what it leaves out.

    `left_out` are the parts of the record that no criterion quotes, `remarks` what somebody should look at.
    """

    written: str
    criteria: int
    questions: int
    suggested: int
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]


def checklist(record: Record, source: str) -> Checklist:
    """The protocol file of a record.

    Args:
        record: what the registry says.
        source: the path of the registry text, as the file is to name it.
    """
    read = read_eligibility(record.eligibility)
    entries, fields = entries_of(record, read.items)
    named = list(zip(_ids(entries), entries, strict=True))
    left_out = tuple(dict.fromkeys((*read.headings, *record.left_out)))
    blocks = [
        _head(record, source),
        ["fields:" if fields else "fields: {}", *(f"  {name}: {_field(field)}" for name, field in fields.items())],
        ["criteria:", *(line for id, entry in named for line in _criterion(id, entry))],
        _list("not_rules", map(squeeze, left_out)),
        _list("sites", record.sites),
        _arms(record),
        _design(record, read.incomplete),
    ]
    return Checklist(
        written="\n\n".join("\n".join(block).rstrip() for block in blocks if block) + "\n",
        criteria=len(entries),
        questions=sum(not entry.when for entry in entries),
        suggested=sum(len(entry.suggested) for entry in entries),
        left_out=left_out,
        remarks=(*record.remarks, *_kinds_of_people(read.items), *_by_remark(named)),
    )


def _by_remark(named: Sequence[tuple[str, Entry]]) -> list[str]:
    """What to look at, each remark once, with the criteria that bear it."""
    bearers: dict[str, list[str]] = {}
    for id, entry in named:
        for remark in entry.remarks:
            bearers.setdefault(remark, []).append(id)
    return [f"{', '.join(ids)}: {remark}" for remark, ids in bearers.items()]


def _kinds_of_people(items: Sequence[Item]) -> list[str]:
    headings = list(dict.fromkeys(item.under for item in items if item.under))
    if len(headings) < 2:
        return []
    return [f"the text is divided ({'; '.join(headings)}), and all of it is asked of one patient"]


def _ids(entries: Sequence[Entry]) -> list[str]:
    counts = {"inclusion": 0, "exclusion": 0}
    ids = []
    for entry in entries:
        counts[entry.kind] += 1
        ids.append(f"{entry.kind[0].upper()}{counts[entry.kind]}")
    return ids


def _head(record: Record, source: str) -> list[str]:
    lines = [*_INTRODUCTION, f"id: {record.id}", *_text("title: ", record.title), f"source: {_quote(source)}"]
    return lines + ([f"eligibility: [{', '.join(map(_quote, record.edges))}]"] if record.edges else [])


def _criterion(id: str, entry: Entry) -> list[str]:
    lines = [f"  - id: {id}", f"    kind: {entry.kind}", *_text("    label: ", entry.label)]
    if len(entry.quotes) == 1:
        lines += _text("    quote: ", entry.quotes[0])
    else:
        lines += ["    quote:", *(line for quote in entry.quotes for line in _text("      - ", quote))]
    lines += [f"    when: {_formula(entry.when)}"] if entry.when else ["    ask: true"]
    lines += _text("    why: ", entry.why) if entry.why else []
    lines += [f"    # ? {remark}" for remark in entry.remarks]
    return [*lines, *dict.fromkeys(line for each in entry.suggested for line in _proposal(each)), ""]


def _proposal(suggestion: Suggestion) -> list[str]:
    doubt = [f"    # ? {suggestion.doubt}"] if suggestion.doubt else []
    fields = [f"    # proposed field   {name}: {_field(field)}" for name, field in suggestion.fields.items()]
    return [*doubt, *fields, f"    # proposed         when: {_formula(suggestion.formula)}"]


def _field(field: Field) -> str:
    """A field on one line, as a file writes it."""
    said: dict[str, Any] = {"type": field.type}
    said |= {"unit": field.unit} if field.unit else {}
    said |= {"values": list(field.values)} if field.values else {}
    said |= {"range": [_plain(end) for end in field.range]} if field.range else {}
    said |= {"label": field.label}
    said |= {"change": field.change} if field.change != "either" else {}
    said |= {"judged_by": field.judged_by} if field.judged_by else {}
    said |= {"group": field.group} if field.group != "history" else {}
    return "{" + ", ".join(f"{key}: {_quote(value)}" for key, value in said.items()) + "}"


def _plain(number: Any) -> Any:
    return int(number) if number == int(number) else number


def _list(key: str, items: Iterable[str]) -> list[str]:
    lines = [line for item in items for line in _text("  - ", item)]
    return [f"{key}:", *lines] if lines else []


def _arms(record: Record) -> list[str]:
    lines: list[str] = []
    used: set[str] = set()
    for arm in record.arms:
        id = field_name(arm.label, 24)
        id = next(each for n in range(1, len(record.arms) + 2) if (each := id if n == 1 else f"{id}_{n}") not in used)
        used.add(id)
        lines += [f"  - id: {id}", f"    role: {arm.role}", *_text("    label: ", arm.label)]
        lines += _text("    intervention: ", arm.intervention)
        lines += ["    quote:", *(line for quote in arm.quotes for line in _text("      - ", quote))]
        lines += [f"    # ? {remark}" for remark in arm.remarks]
    return ["arms:", *lines] if lines else []


def _design(record: Record, incomplete: Sequence[str]) -> list[str]:
    """What the record states outright; nothing of it is assumed."""
    said: dict[str, tuple[Any, str]] = {name: (each.value, each.quote) for name, each in record.design.items()}
    for place, quote in enumerate(incomplete, 1):
        value = "the text says that it does not list every criterion"
        said["complete" if place == 1 else f"complete_{place}"] = (value, quote)
    lines = [
        line
        for name, (value, quote) in said.items()
        for line in (f"  {name}:", *_text("    value: ", value), *_text("    quote: ", quote))
    ]
    return ["design:", *lines] if lines else []


def _text(lead: str, value: Any) -> list[str]:
    """A key and its value; a long one is folded between two words, which YAML reads as one space."""
    return wrap(lead + _quote(value), _WIDTH, subsequent_indent=" " * (len(lead) - len(lead.lstrip()) + 4), **_AS_IT_IS)


_AS_IT_IS: Mapping[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "replace_whitespace": False}


def _formula(formula: str) -> str:
    return f"'{formula}'" if '"' in formula else formula


def _quote(value: Any) -> str:
    """A value as YAML reads it back: a text in quotes, wherever it is not a plain word."""
    if (
        isinstance(value, str)
        and value.isascii()
        and value.replace("_", "").isalpha()
        and value.lower() not in _NO_TEXT
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


_NO_TEXT = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
