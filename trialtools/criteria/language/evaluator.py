"""What a formula means for one patient: the reference that judges every engine."""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial, reduce
from operator import mul
from typing import Any

from .formula import (
    And,
    Arithmetic,
    AtLeast,
    Case,
    Compare,
    Completed,
    Formula,
    In,
    Known,
    MonthsBefore,
    Name,
    Not,
    Or,
    Value,
    type_of,
)
from .interval import Interval, compare, is_among, spread


def evaluate(formula: Formula, patient: Mapping[str, Any]) -> Any:
    """The value of a formula for one patient: True, False or None (unknown) for a criterion.

    The judge of every engine: plain Python, Kleene's strong logic, nothing clever. What is absent, None, NaN or
    infinite is unknown, and so is arithmetic on it and division by zero. The values are taken as they are: of a field's
    `range` and `applies` it knows nothing. `protocol.judge(condition, patient)` judges as screening does. Of an
    `Interval` a comparison is true or false where every value in it agrees; sums, differences, `min`, `max` and
    completed years of one are an interval again, other arithmetic is unknown.

    Args:
        formula: from `parse`.
        patient: values by field name, from `Protocol.facts_of`; a missing name is unknown.

    >>> from trialtools.criteria.language import Field, parse
    >>> tumour = parse("tumour or age > 65", {"tumour": Field("flag"), "age": Field("integer")})
    >>> evaluate(tumour, {"age": 71}), evaluate(tumour, {"age": 40}), evaluate(tumour, {"age": 40, "tumour": False})
    (True, None, False)

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    match formula:
        case Value(value):
            return value
        case Name(name):
            return definite(patient.get(name))
        case Known(name):
            return definite(patient.get(name)) is not None
        case Not(item):
            value = evaluate(item, patient)
            return None if value is None else not value
        case And(items):
            return _at_least(len(items), [evaluate(item, patient) for item in items])
        case Or(items):
            return _at_least(1, [evaluate(item, patient) for item in items])
        case AtLeast(n, items):
            return _at_least(n, [evaluate(item, patient) for item in items])
        case Compare(operands, operators):
            values = [evaluate(operand, patient) for operand in operands]
            pairs = zip(values, operators, values[1:], strict=False)
            return _at_least(len(operators), [_compare(*pair) for pair in pairs])
        case In(item, values):
            value = evaluate(item, patient)
            if isinstance(value, Interval):
                return is_among(value, values, type_of(item) != "number")
            return None if value is None else value in values
        case Arithmetic("**", left, right):
            return _power(evaluate(left, patient), evaluate(right, patient), isinstance(right, Value))
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, evaluate(left, patient), evaluate(right, patient))
        case MonthsBefore(when, months):
            return _months_before(evaluate(when, patient), months)
        case Completed(unit, start, end):
            return _completed(unit, evaluate(start, patient), evaluate(end, patient))
        case Case(name, formulas):
            chosen: Formula | None = dict[Any, Formula](formulas).get(patient.get(name))
            return None if chosen is None else evaluate(chosen, patient)
    raise TypeError(f"not a formula: {formula!r}")


def definite(value: Any) -> Any:
    """The value, or None for what is not a value: NaN and the infinities. A time stamp is its calendar day."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.date() if isinstance(value, datetime) else value


def _at_least(n: int, values: list[bool | None]) -> bool | None:
    true, unknown = values.count(True), values.count(None)
    if true >= n:
        return True
    return False if true + unknown < n else None


def _compare(left: Any, operator: str, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    match operator:
        case _ if isinstance(left, Interval) or isinstance(right, Interval):
            return compare(left, operator, right)
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
    return left != right


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, Interval) or isinstance(right, Interval):
        rises = {"+": True, "-": False, "min": True, "max": True}
        known = operator in rises
        return spread(partial(_arithmetic, operator), (left, True), (right, rises[operator])) if known else None
    if isinstance(left, date):
        return float((left - right).days)
    a, b = float(left), float(right)
    match operator:
        case "+":
            return definite(a + b)
        case "-":
            return definite(a - b)
        case "*":
            return definite(a * b)
        case "min":
            return min(a, b)
        case "max":
            return max(a, b)
    return definite(a / b) if b else None


def _power(base: Any, exponent: Any, constant: bool) -> float | None:
    """A constant whole power is a product, so that every engine works it out alike; others need a base above zero."""
    if base is None or exponent is None or isinstance(base, Interval) or isinstance(exponent, Interval):
        return None
    base, exponent = float(base), float(exponent)
    if constant and exponent % 1 == 0:
        product = definite(reduce(mul, [base] * int(abs(exponent))))
        return product if exponent > 0 else definite(1 / product) if product else None
    try:
        return definite(math.pow(base, exponent)) if base > 0 else 0.0 if base == 0 < exponent else None
    except OverflowError:
        return None


def _months_before(when: Any, months: int) -> Any:
    """The last day of a shorter month stands for the days that it lacks."""
    if when is None or isinstance(when, Interval):
        return when and spread(lambda day: _months_before(day, months), (when, True))
    year, month = divmod(when.year * 12 + when.month - 1 - months, 12)
    return None if year < 1 else date(year, month + 1, min(when.day, calendar.monthrange(year, month + 1)[1]))


def _completed(unit: str, start: Any, end: Any) -> Any:
    """The most months that one can go back from `end` without passing `start`; twelve of them are a year."""
    if start is None or end is None:
        return None
    if isinstance(start, Interval) or isinstance(end, Interval):
        return spread(partial(_completed, unit), (start, False), (end, True))
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    return months // 12 if unit == "years" else months
