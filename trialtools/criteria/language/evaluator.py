"""What a formula means for one patient: the reference that judges every engine."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial, reduce
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any

from . import formula as node
from .formula import Formula, type_of

_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
_WORK = {"+": add, "-": sub, "*": mul, "/": truediv, "min": min, "max": max}
_RISES = {"-": (True, False), "*": (None, None), "/": (None, None)} | dict.fromkeys(("+", "min", "max"), (True, True))
"""Whether the result of arithmetic rises or falls with each side, or neither."""


@dataclass(frozen=True)
class Interval:
    """Somewhere from `low` to `high`, both included; None where there is no bound. `written` is what the table says.

    ">100" of a whole number is 101 and above, "2023-05" is the first to the last of May.

    >>> print(Interval(date(2023, 5, 1), date(2023, 5, 31), "2023-05"))
    2023-05
    """

    low: float | date | None
    high: float | date | None
    written: str

    def __str__(self) -> str:
        return self.written


def ends(value: Any) -> tuple[Any, Any]:
    """The lowest and the highest that a value can be; twice the same where it is known."""
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


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

    >>> from trialtools.criteria.language import parse
    >>> from trialtools.criteria.protocol import Field
    >>> tumour = parse("tumour or age > 65", {"tumour": Field("flag", "Tumour"), "age": Field("integer", "Age")})
    >>> evaluate(tumour, {"age": 71}), evaluate(tumour, {"age": 40}), evaluate(tumour, {"age": 40, "tumour": False})
    (True, None, False)

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    match formula:
        case node.Value(value):
            return value
        case node.Name(name):
            return definite(patient.get(name))
        case node.Known(name):
            return definite(patient.get(name)) is not None
        case node.Not(item):
            return _not(evaluate(item, patient))
        case node.And(items) | node.Or(items) | node.AtLeast(_, items):
            return _at_least(formula.n, [evaluate(item, patient) for item in items])
        case node.Compare(operands, operators):
            values = [evaluate(operand, patient) for operand in operands]
            pairs = zip(values, operators, values[1:], strict=False)
            return _at_least(len(operators), [_compare(*pair) for pair in pairs])
        case node.In(item, values):
            value = evaluate(item, patient)
            if isinstance(value, Interval):
                return _is_among(value, values, type_of(item) != "number")
            return None if value is None else value in values
        case node.Arithmetic("**", left, right):
            power = partial(_power, isinstance(right, node.Value))
            return _spread(power, (evaluate(left, patient), None), (evaluate(right, patient), None))
        case node.Arithmetic(operator, left, right):
            sides = (evaluate(left, patient), evaluate(right, patient))
            return _spread(partial(_arithmetic, operator), *zip(sides, _RISES[operator], strict=True))
        case node.MonthsBefore(when, months):
            return _spread(partial(_months_before, months), (evaluate(when, patient), True))
        case node.CompletedTime(unit, start, end):
            return _spread(
                partial(_full_units, unit), (evaluate(start, patient), False), (evaluate(end, patient), True)
            )
        case node.Case(name, formulas):
            chosen: Formula | None = dict[Any, Formula](formulas).get(patient.get(name))
            return None if chosen is None else evaluate(chosen, patient)
    raise TypeError(f"not a formula: {formula!r}")


def definite(value: Any) -> Any:
    """The value, or None for what is not a value: NaN, NaT, the infinities. A time stamp is its calendar day.

    A number or a flag of numpy, as a row of a frame holds it, is one of Python.
    """
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.date() if value == value else None
    return value


def _at_least(n: int, values: list[bool | None]) -> bool | None:
    true, unknown = values.count(True), values.count(None)
    if true >= n:
        return True
    return False if true + unknown < n else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _compare(left: Any, operator: str, right: Any) -> bool | None:
    """Of what is known in part, true or false where all values that both sides can have agree."""
    if left is None or right is None:
        return None
    if not isinstance(left, Interval) and not isinstance(right, Interval):
        return _COMPARE[operator](left, right)
    match operator:
        case "==":
            return _at_least(2, [_compare(left, "<=", right), _compare(left, ">=", right)])
        case "!=":
            return _not(_compare(left, "==", right))
        case ">" | ">=":
            return _compare(right, operator.replace(">", "<"), left)
    (low, high), (first, last) = ends(left), ends(right)
    if None not in (high, first) and _COMPARE[operator](high, first):
        return True
    return False if None not in (low, last) and not _COMPARE[operator](low, last) else None


def _is_among(value: Interval, values: Iterable[Any], whole: bool) -> bool | None:
    """Whether a value is one of a list; `whole` says that there are only whole numbers, or days, to be."""
    low, high = ends(value)
    near = {each for each in values if (low is None or low <= each) and (high is None or each <= high)}
    if low is None or high is None or not near:
        return None if near else False
    if isinstance(low, date):
        there_are = (high - low).days + 1
    else:
        near = {each for each in near if each % 1 == 0} if whole else near
        there_are = high - low + 1 if whole or low == high else math.inf
    return True if len(near) == there_are else None


def _spread(work: Callable[..., Any], *values: tuple[Any, bool | None]) -> Any:
    """The result of `work` on values; the result rises with a value, falls with it (False) or does neither (None).

    Of values known in part it makes an `Interval` again, or nothing where one of them does neither.
    """
    plain = [value for value, _ in values]
    if None in plain:
        return None
    partly = [(value, rises) for value, rises in values if isinstance(value, Interval)]
    if not partly:
        return work(*plain)
    if any(rises is None for _, rises in partly):
        return None
    pairs = [ends(value) if rises else ends(value)[::-1] for value, rises in values]
    low, high = (None if None in end else work(*end) for end in zip(*pairs, strict=True))
    written = " and ".join(str(value) for value, _ in partly)
    return None if low is None and high is None else Interval(low, high, written)


def _arithmetic(operator: str, left: Any, right: Any) -> float | None:
    if isinstance(left, date):
        return float((left - right).days)
    a, b = float(left), float(right)
    return None if operator == "/" and not b else definite(_WORK[operator](a, b))


def _power(constant: bool, base: Any, exponent: Any) -> float | None:
    """A constant whole power is a product, so that every engine works it out alike; others need a base above zero."""
    base, exponent = float(base), float(exponent)
    if constant and exponent % 1 == 0:
        product = definite(reduce(mul, [base] * int(abs(exponent))))
        return product if exponent > 0 else definite(1 / product) if product else None
    try:
        return definite(math.pow(base, exponent)) if base > 0 else 0.0 if base == 0 < exponent else None
    except OverflowError:
        return None


def _months_before(months: int, when: date) -> date | None:
    """The last day of a shorter month stands for the days that it lacks."""
    year, month = divmod(when.year * 12 + when.month - 1 - months, 12)
    return None if year < 1 else date(year, month + 1, min(when.day, calendar.monthrange(year, month + 1)[1]))


def _full_units(unit: str, start: date, end: date) -> int:
    """The most months that one can go back from `end` without passing `start`; twelve of them are a year."""
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    return months // 12 if unit == "years" else months
