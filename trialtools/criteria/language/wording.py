"""The formula as a clinician would read it aloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from . import formula as node
from .formula import MIRRORED, Formula, names, type_of

_NUMBERS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "", "!=": "not"}
_DATES = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after", "==": "on", "!=": "not on"}
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "**": "to the power of"}
_EXTREMES = {"min": "lower", "max": "higher"}


def words(formula: Formula, fields: Mapping[str, Any]) -> str:
    """The formula as a clinician would read it aloud, bounds said in full.

    Args:
        formula: from `parse`.
        fields: by name, with `label` and `unit` where they are declared; the bare name serves otherwise.

    >>> from trialtools.criteria.language import parse
    >>> from trialtools.criteria.protocol import Field
    >>> types = {"age": "integer", "tested_on": "date", "screened_on": "date"}
    >>> fields = {name: Field(type, name) for name, type in types.items()}
    >>> print(words(parse("18 <= age <= 85", fields), {}))
    age is at least 18 and at most 85
    >>> print(words(parse("tested_on >= months_before(screened_on, 3)", fields), {}))
    tested_on is on or after the day 3 calendar months before screened_on
    """
    phrase = _phrase(formula, fields)
    label = next((getattr(fields.get(name), "label", None) or name for name in names(formula)), "")
    led = label[:1].isupper() and phrase.startswith(in_sentence(label))
    return phrase[:1].upper() + phrase[1:] if led else phrase


def _phrase(formula: Formula, fields: Mapping[str, Any]) -> str:
    match formula:
        case node.Value(bool() as value):
            return "always" if value else "never"
        case node.Value(value):
            return _literal(value)
        case node.Name(name):
            return _label(name, fields)
        case node.Known(name):
            return f"{_subject(name, fields)} is known"
        case node.Not(node.Known(name)):
            return f"{_subject(name, fields)} is not known"
        case node.Not(node.In(item, values)):
            return f"{_phrase(item, fields)} is {_choice(values, refused=True)}"
        case node.Not(node.Name(name)):
            return f"{_label(name, fields)}: no"
        case node.Not(node.Or((node.Not(item), wanted), True)):
            return _phrase(node.And((item, node.Not(wanted))), fields)
        case node.Not(node.Or(items)):
            return "none of: " + "; ".join(_inside(item, fields) for item in items)
        case node.Not(item):
            return f"not ({_phrase(item, fields)})"
        case node.And(items):
            return _join("and", [_inside(item, fields) for item in items])
        case node.Or((node.Not(item), wanted), True):
            return f"if {_inside(item, fields)}, then {_inside(wanted, fields)}"
        case node.Or(items) if len(items) > 2:
            return "any of: " + "; ".join(_inside(item, fields) for item in items)
        case node.Or(items):
            return _join("or", [_inside(item, fields) for item in items])
        case node.AtLeast(n, items):
            return f"at least {n} of: " + "; ".join(_inside(item, fields) for item in items)
        case node.In(item, values):
            return f"{_phrase(item, fields)} is {_choice(values, refused=False)}"
        case node.Compare():
            return _comparison(formula, fields)
        case node.CompletedTime(_, start, end) | node.Arithmetic("-", end, start) if type_of(end) == "date":
            return f"the time from {_phrase(start, fields)} to {_phrase(end, fields)}"
        case node.Arithmetic("min" | "max" as operator, left, right):
            return f"the {_EXTREMES[operator]} of {_inside(left, fields)} and {_inside(right, fields)}"
        case node.Arithmetic("**", left, node.Value(2)):
            return f"{_inside(left, fields)} squared"
        case node.Arithmetic(operator, left, right):
            return f"{_inside(left, fields)} {_SIGNS[operator]} {_inside(right, fields)}"
        case node.Case(name, formulas):
            by = _label(name, fields)
            return "; ".join(f"{_phrase(each, fields)} where {by} is {value}" for value, each in formulas)
        case node.MonthsBefore(when, months):
            return f"the day {months} calendar month{'' if months == 1 else 's'} before {_phrase(when, fields)}"
    raise TypeError(f"not a formula: {formula!r}")


def _comparison(formula: node.Compare, fields: Mapping[str, Any]) -> str:
    match formula:
        case node.Compare((node.Value() as low, subject, node.Value() as high), (first, second)):
            bounds = _bound(MIRRORED[first], low), _bound(second, high, _unit(subject, fields))
            return f"{_subject_phrase(subject, fields)} is {' and '.join(bounds)}"
    return " and ".join(_pair(*link, fields) for link in formula.links)


def _pair(left: Formula, operator: str, right: Formula, fields: Mapping[str, Any]) -> str:
    if isinstance(left, node.Value) and not isinstance(right, node.Value):
        return _pair(right, MIRRORED[operator], left, fields)
    if type_of(left) == "flag" and not (isinstance(left, node.Name) and isinstance(right, node.Name | node.Value)):
        other = _literal(right.value) if isinstance(right, node.Value) else f"the same as ({_phrase(right, fields)})"
        return f"({_phrase(left, fields)}) is {'not ' * (operator == '!=')}{other}"
    if isinstance(right, node.Value):
        return f"{_subject_phrase(left, fields)} is {_bound(operator, right, _unit(left, fields))}"
    phrase = (_DATES if type_of(right) == "date" else _NUMBERS)[operator]
    return f"{_subject_phrase(left, fields)} is {phrase} {_phrase(right, fields)}".replace("  ", " ")


def _bound(operator: str, bound: node.Value, unit: str | None = None) -> str:
    phrase = (_DATES if isinstance(bound.value, date) else _NUMBERS)[operator]
    return f"{phrase} {with_unit(_literal(bound.value), unit)}".strip()


def _unit(subject: Formula, fields: Mapping[str, Any]) -> str | None:
    """The unit of a value, where it is plain: of a field, of a sum of alike, of a multiple, of days."""
    match subject:
        case node.Name(name):
            return getattr(fields.get(name), "unit", None)
        case node.Arithmetic("-", left, _) if type_of(left) == "date":
            return "days"
        case node.CompletedTime(unit):
            return f"completed {unit}"
        case node.Arithmetic("+" | "-" | "min" | "max", left, right):
            sides = {_unit(side, fields) for side in (left, right) if not isinstance(side, node.Value)}
            return sides.pop() if len(sides) == 1 else None
        case node.Arithmetic("*", node.Value(), other) | node.Arithmetic("*" | "/", other, node.Value()):
            return _unit(other, fields)
    return None


def _join(word: str, parts: list[str]) -> str:
    """Parts that are long, or have a comma, a colon or a joining word of their own, are set off by semicolons."""
    marks = (", ", ": ", " and ", " or ")
    set_off = any(len(part) > 60 or any(mark in part for mark in marks) for part in parts if part[0] != "(")
    return (f"; {word} " if set_off else f" {word} ").join(parts)


def _inside(formula: Formula, fields: Mapping[str, Any]) -> str:
    phrase = _phrase(formula, fields)
    if isinstance(formula, node.Arithmetic) and formula.operator in _EXTREMES:
        return phrase
    is_none_of = isinstance(formula, node.Not) and isinstance(formula.item, node.Or)
    nested = is_none_of or isinstance(formula, node.And | node.Or | node.AtLeast | node.Arithmetic)
    return f"({phrase})" if nested else phrase


def _choice(values: tuple[Any, ...], refused: bool) -> str:
    shown = [_literal(value) for value in values]
    match len(shown):
        case 1:
            return f"not {shown[0]}" if refused else shown[0]
        case 2:
            return f"neither {shown[0]} nor {shown[1]}" if refused else f"{shown[0]} or {shown[1]}"
    return f"{'none' if refused else 'one'} of {', '.join(shown)}"


def _subject_phrase(subject: Formula, fields: Mapping[str, Any]) -> str:
    return _subject(subject.name, fields) if isinstance(subject, node.Name) else _phrase(subject, fields)


def _subject(name: str, fields: Mapping[str, Any]) -> str:
    """A label before its verb; one that holds a comma is closed by another."""
    label = _label(name, fields)
    return f"{label}," if ", " in label and not label.endswith(")") else label


def _label(name: str, fields: Mapping[str, Any]) -> str:
    label = getattr(fields.get(name), "label", None)
    return in_sentence(label) if label else name


def in_sentence(label: str) -> str:
    """A label inside a sentence: `date of birth`, but `PaO2`, `HIV infection` and `SARS-CoV-2` as they are."""
    first = label.split(" ", 1)[0]
    lowered = label[:1].lower() + label[1:] if first[1:] == first[1:].lower() else label
    return f"the {lowered}" if first == "Date" else lowered


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


_READ = {"Cel": "°C", "[degF]": "°F", "lb_av": "lb", "in_i": "in"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def printed_unit(unit: str | None) -> str:
    """A unit of the Unified Code as people read it; any other stays as it is.

    >>> [printed_unit(each) for each in ("kg/m2", "Cel", "10*9/L", "umol/L", "mm[Hg]", "/min", "years", None)]
    ['kg/m²', '°C', '10⁹/L', 'µmol/L', 'mmHg', '/min', 'years', '']
    """
    text = re.sub(r"\{([^{}]*)\}", lambda remark: remark[1].replace("_", " "), unit or "")
    for code, read in _READ.items():
        text = re.sub(rf"(?<![A-Za-z]){re.escape(code)}(?![A-Za-z])", read, text)
    text = re.sub(r"10\*(-?\d+)", lambda power: f"10{power[1].translate(_RAISED)}", text)
    text = re.sub(r"(?<=m)[23](?!\d)", lambda power: power[0].translate(_RAISED), text)
    return re.sub(r"(?<![A-Za-z])u(?=(mol|g|L|m|s|kat)(?![A-Za-z]))", "µ", text).replace("[", "").replace("]", "")


def with_unit(text: str, unit: str | None) -> str:
    """A text that speaks of a value, with its unit: 95 %, but 22/min."""
    return text + (" " if unit and not unit.startswith("/") else "") + printed_unit(unit)
