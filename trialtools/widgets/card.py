"""A protocol goes in, the layout of its patient card comes out; what is typed into it becomes values or remarks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..cohort.sources import MappedColumn
from ..cohort.sources.cells import read_cell
from ..criteria.contents import Protocol
from ..criteria.language import Interval, definite, names
from ..criteria.language.wording import printed_unit, words
from ..criteria.protocol import Field

_FIRST_GROUPS = ("person", "vitals", "tests", "symptoms", "history", "dates")
_LAST_GROUP = "judgement"
_MOST_BUTTONS = 3
_YES, _NO = "yes", "no"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def layout(protocol: Protocol) -> dict[str, Any]:
    """The card as plain data: groups of controls in reading order, and what no reading of a criterion asks about."""
    fields = _fields_asked(protocol)
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, field in protocol.fields.items():
        if name in fields:
            groups.setdefault(field.group, []).append(_control(name, field))
    order = sorted(groups, key=_place)
    unasked = [_control(name, field) for name, field in protocol.fields.items() if name not in fields]
    return {
        "protocol": protocol.id,
        "title": protocol.title,
        "groups": [{"name": name, "fields": groups[name]} for name in order],
        "unasked": unasked,
        "labels": {name: field.label for name, field in protocol.fields.items()},
        "ambiguous": [
            {
                "id": c.id,
                "label": c.label,
                "options": {reading: words(protocol.formula(c.id, reading), protocol.fields) for reading in c.readings},
                "why": c.why or "",
                "quote": " … ".join(c.quotes),
            }
            for c in protocol.criteria
            if c.readings
        ],
        "criteria": [{"id": c.id, "label": c.label} for c in protocol.criteria],
    }


def read(protocol: Protocol, entries: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed, as values and as remarks on what could not be taken as it stands; empty is not known.

    An impossible number or date stays among the values, so that the verdict can name it too. What is known in part
    (">100", "2023-05") stays so.

    >>> from trialtools.criteria.contents import load_protocol
    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml")
    >>> patient, remarks = read(protocol, {"respiratory_rate": "999", "bmi": "31,5", "cough": "no", "age": ""})
    >>> patient
    {'respiratory_rate': 999, 'bmi': 31.5, 'cough': False}
    >>> remarks
    {'respiratory_rate': '999 is outside 4 to 80, read as not known'}
    """
    patient, remarks = {}, {}
    for name, text in entries.items():
        field, text = protocol.fields[name], str(text).strip()
        value, problem = _value(field, text) if text else (None, "")
        if problem and (part := _in_part(name, field, text)):
            value, problem = part, ""
        if value is not None:
            patient[name] = value
        if value is not None and field.possible(value) is None:
            problem = f"{text} is outside {field.span}"
        if problem:
            remarks[name] = f"{problem}, read as not known"
    return patient, remarks


def write(protocol: Protocol, patient: Mapping[str, Any]) -> dict[str, str]:
    """The values of a patient as they would be typed; what is not known is left out."""
    known = {name: definite(patient.get(name)) for name in protocol.fields}
    return {name: _text(value) for name, value in known.items() if value is not None}


def _fields_asked(protocol: Protocol) -> set[str]:
    """The fields that some reading of some criterion asks about, and those that these hang on."""
    fields = {name for c in protocol.criteria for r in c.texts for name in names(protocol.formula(c.id, r))}
    return set(protocol.with_causes(fields))


def _place(group: str) -> tuple[int, int]:
    return group == _LAST_GROUP, _FIRST_GROUPS.index(group) if group in _FIRST_GROUPS else len(_FIRST_GROUPS)


def _control(name: str, field: Field) -> dict[str, Any]:
    """A field as a control: a box to type in, a row of buttons, or a list to choose from."""
    values = [_YES, _NO] if field.type == "flag" else list(field.values)
    kind = "text" if field.type in ("number", "integer", "date") else "buttons"
    if kind == "buttons" and len(values) > _MOST_BUTTONS:
        kind = "list"
    return {
        "name": name,
        "label": field.label,
        "unit": printed_unit(field.unit),
        "kind": kind,
        "type": field.type,
        "values": values,
        "span": field.span if field.range else "",
        "note": field.note or "",
    }


def _value(field: Field, text: str) -> tuple[Any, str]:
    """The value of a text and what is wrong with it, one of them empty."""
    match field.type:
        case "flag":
            known = {_YES: True, _NO: False}
            return (known[text], "") if text in known else (None, f"'{text}' is not yes or no")
        case "category":
            return (text, "") if text in field.values else (None, f"'{text}' is not {field.domain}")
        case "date":
            return _date(text)
    number, problem = read_number(text)
    if field.type == "integer" and isinstance(number, float):
        return None, f"{text} is not a whole number"
    return number, problem


def _in_part(name: str, field: Field, text: str) -> Interval | None:
    """A number or a day that is known in part, as a table would say it: ">100", "2023-05"."""
    if field.type not in ("number", "integer", "date"):
        return None
    cell = read_cell(text, field, MappedColumn(name))
    return None if cell.low is None and cell.high is None else Interval(cell.low, cell.high, text)


def _date(text: str) -> tuple[date | None, str]:
    if not _DAY.fullmatch(text):
        return None, f"'{text}' is not a date like 2023-01-31"
    try:
        return date.fromisoformat(text), ""
    except ValueError:
        return None, f"'{text}' is not a day of the calendar"


def read_number(text: str) -> tuple[int | float | None, str]:
    """A number with a point or a comma, or why it is none; a comma before three digits could mean thousands.

    >>> read_number("31,5"), read_number("1,234")[0]
    ((31.5, ''), None)
    """
    text = text.strip()
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text, re.ASCII):
        return None, f"'{text}' can be read two ways; write it with a point, or without the comma"
    plain = text.replace(",", ".", 1)
    if not _NUMBER.fullmatch(plain):
        return None, f"'{text}' is not a number"
    number = float(plain)
    return (int(number), "") if number.is_integer() and abs(number) < 2**53 else (number, "")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _YES if value else _NO
    short = f"{value:.15g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)
