"""The formula as a clinician would read it aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nodes import And, Arithmetic, AtLeast, Compare, Formula, In, Known, MonthsBefore, Name, Not, Or, Value, type_of

_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "", "!=": "not"}


def words(formula: Formula, fields: Mapping[str, Any]) -> str:
    """The formula as a clinician would read it aloud, bounds said in full.

    Args:
        formula: from `parse`.
        fields: by name, with `label` and `unit` where they are declared; the bare name serves otherwise.

    >>> from trialtools.expr import Field, parse
    >>> print(words(parse("18 <= age <= 85", {"age": Field("integer")}), {}))
    age is at least 18 and at most 85
    """
    match formula:
        case Value(bool() as value):
            return "always" if value else "never"
        case Value(value):
            return _shown(value)
        case Name(name):
            return _label(name, fields)
        case Known(name):
            return f"{_label(name, fields)} is known"
        case Not(Known(name)):
            return f"{_label(name, fields)} is not known"
        case Not(In(item, values)):
            return f"{words(item, fields)} is none of {', '.join(map(_shown, values))}"
        case Not(Name(name)):
            return f"no {_lower(_label(name, fields))}"
        case Not(item):
            return f"not ({words(item, fields)})"
        case And(items):
            return " and ".join(_inside(item, fields) for item in items)
        case Or(items) if len(items) > 2:
            return "any of: " + "; ".join(_inside(item, fields) for item in items)
        case Or(items):
            return " or ".join(_inside(item, fields) for item in items)
        case AtLeast(n, items):
            return f"at least {n} of: " + "; ".join(_inside(item, fields) for item in items)
        case In(item, values):
            return f"{words(item, fields)} is one of {', '.join(map(_shown, values))}"
        case Compare():
            return _compared(formula, fields)
        case Arithmetic("-", left, right) if type_of(left) == "date":
            return f"days from {words(right, fields)} to {words(left, fields)}"
        case Arithmetic(operator, left, right):
            return f"({words(left, fields)} {operator} {words(right, fields)})"
        case MonthsBefore(when, months):
            return f"{months} calendar months before {words(when, fields)}"
    raise TypeError(f"not a formula: {formula!r}")


def _compared(formula: Compare, fields: Mapping[str, Any]) -> str:
    operands, operators = formula.operands, formula.operators
    if len(operands) == 3 and isinstance(operands[0], Value) and isinstance(operands[2], Value):
        low, subject, high = operands
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operators[0], operators[0])
        bounds = [_bound(mirrored, low, subject, fields), _bound(operators[1], high, subject, fields)]
        return f"{words(subject, fields)} is {' and '.join(bounds)}"
    pairs = zip(operands, operators, operands[1:], strict=False)
    return " and ".join(f"{words(a, fields)} is {_bound(op, b, a, fields)}" for a, op, b in pairs)


def _bound(operator: str, bound: Formula, subject: Formula, fields: Mapping[str, Any]) -> str:
    unit = getattr(fields.get(subject.name), "unit", None) if isinstance(subject, Name) else None
    if isinstance(subject, Arithmetic) and type_of(subject.left) == "date":
        unit = "days"
    shown = _shown(bound.value) if isinstance(bound, Value) else words(bound, fields)
    shown = f"{shown} {unit}" if unit and isinstance(bound, Value) else shown
    return f"{_WORDS[operator]} {shown}".strip()


def _inside(formula: Formula, fields: Mapping[str, Any]) -> str:
    said = words(formula, fields)
    return f"({said})" if isinstance(formula, And | Or | AtLeast) else said


def _label(name: str, fields: Mapping[str, Any]) -> str:
    return getattr(fields.get(name), "label", None) or name


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[1:2] == " " else label


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
