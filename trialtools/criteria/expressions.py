"""A formula goes in, a Narwhals expression comes out that any table engine can run.

The engine's own three-valued AND, OR and NOT carry unknown; what engines disagree about is decided here: NaN, division,
powers, calendar months. The reference evaluator judges the result on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import Any

import narwhals as nw

from .language import formula as node
from .language.formula import MIRRORED, NUMERIC, OPPOSITE, Formula, names, type_of, walk

LOW, HIGH, WRITTEN = "__low", "__high", "__written"
"""What the columns beside a field are called that hold what is known of it in part."""

_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
_WORK = {"+": add, "-": sub, "*": mul}
_Pair = tuple[nw.Expr, nw.Expr]


def expression(formula: Formula, partial: frozenset[str] = frozenset()) -> nw.Expr:
    """The formula over the columns of a facts table: true, false, or null for unknown.

    Args:
        formula: from `parse`.
        partial: the fields with columns of their ends; a comparison is decided where every value between them agrees.
    """
    match formula:
        case node.Name(name):
            return nw.col(name)
        case node.Value(value):
            return nw.lit(value)
        case node.Known(name):
            known = ~nw.col(name).is_null()
            return known | ~nw.col(name + LOW).is_null() if name in partial else known
        case node.Not(item):
            return ~expression(item, partial)
        case node.And(items):
            return reduce(and_, (expression(item, partial) for item in items))
        case node.Or(items):
            return reduce(or_, (expression(item, partial) for item in items))
        case node.AtLeast(n, items):
            return _at_least(n, [expression(item, partial) for item in items])
        case node.In(item, values):
            return _is_in(item, values) if partial.isdisjoint(names(item)) else _among(item, values, partial)
        case node.Compare():
            return reduce(and_, (_compare(*link, partial) for link in formula.links))
        case node.MonthsBefore(when, months):
            return _months_before(expression(when), months)
        case node.CompletedTime(unit, start, end):
            return _completed_time(unit, expression(start), expression(end))
        case node.Arithmetic("min" | "max"):
            return _arithmetic(formula)
        case node.Arithmetic("-", left) if type_of(left) == "date":
            return _arithmetic(formula)  # days are whole, and so finite
        case node.Arithmetic():
            return _finite_part(_arithmetic(formula))
        case node.Case(name, formulas):
            return _by_case(name, [(value, expression(each)) for value, each in formulas])
    raise TypeError(f"not a formula for a table: {formula!r}")


def unbounded(formula: Formula) -> nw.Expr:
    """A formula for whoever holds it against limits: what `expression` makes null may be NaN or infinity here.

    A number that is no further asked about costs an engine half as much so.
    """
    match formula:
        case node.Arithmetic():
            return _arithmetic(formula)
        case node.Case(name, formulas):
            return _by_case(name, [(value, unbounded(each)) for value, each in formulas])
    return expression(formula)


def ends(formula: Formula, partial: frozenset[str]) -> _Pair:
    """The lowest and the highest that a number or a date can be; one and the same where it is known."""
    match formula:
        case node.Name(name) if name in partial:
            return nw.coalesce(nw.col(name), nw.col(name + LOW)), nw.coalesce(nw.col(name), nw.col(name + HIGH))
        case node.MonthsBefore(when, months):
            low, high = ends(when, partial)
            return _months_before(low, months), _months_before(high, months)
        case node.CompletedTime(unit, start, end):
            (first, last), (low, high) = ends(start, partial), ends(end, partial)
            return _completed_time(unit, last, low), _completed_time(unit, first, high)
        case node.Arithmetic(operator, left, right) if operator in ("+", "-", "min", "max"):
            (low, high), (first, last) = ends(left, partial), ends(right, partial)
            first, last = (last, first) if operator == "-" else (first, last)
            if type_of(left) == "date":
                return _days(low, first), _days(high, last)
            low, high, first, last = (_finite_part(end.cast(nw.Float64())) for end in (low, high, first, last))
            return _combine(operator, low, first), _combine(operator, high, last)
        case node.Case(name, formulas):
            pairs = [(value, ends(each, partial)) for value, each in formulas]
            low, high = (_by_case(name, [(value, pair[end]) for value, pair in pairs]) for end in (0, 1))
            return low, high
    known = expression(formula)
    return known, known


def _compare(left: Formula, operator: str, right: Formula, partial: frozenset[str]) -> nw.Expr:
    # in some nested formulas Polars takes a number on the left for the whole column
    if isinstance(left, node.Value) and not isinstance(right, node.Value):
        return _compare(right, MIRRORED[operator], left, partial)
    if type_of(left) == "flag" or partial.isdisjoint((*names(left), *names(right))):
        return _COMPARE[operator](expression(left, partial), expression(right, partial))
    return _compare_ends(ends(left, partial), operator, ends(right, partial))


def _compare_ends(left: _Pair, operator: str, right: _Pair) -> nw.Expr:
    """True or false where all values between the ends agree."""
    (low, high), (first, last) = left, right
    if operator in ("==", "!="):
        alike, apart = (high <= first) & (low >= last), (high < first) | (low > last)
        return _truth(alike, apart) if operator == "==" else _truth(apart, alike)
    if operator in (">", ">="):
        low, high, first, last = high, low, last, first
    return _truth(_COMPARE[operator](high, first), _COMPARE[OPPOSITE[operator]](low, last))


def _truth(true: nw.Expr, false: nw.Expr) -> nw.Expr:
    return nw.when(true).then(nw.lit(True)).otherwise(nw.when(false).then(nw.lit(False)))


def _is_in(item: Formula, values: tuple[Any, ...]) -> nw.Expr:
    """Membership in a list of the item's own type: engines read `2` among floats as another kind of value."""
    if type_of(item) not in NUMERIC:
        return expression(item).is_in(list(values))
    return expression(item).cast(nw.Float64()).is_in([float(value) for value in values])


def _among(item: Formula, values: tuple[Any, ...], partial: frozenset[str]) -> nw.Expr:
    """As the reference evaluator has it: true where the list holds every whole number, or day, between the ends."""
    low, high = ends(item, partial)
    if type_of(item) == "date":
        members = list(dict.fromkeys(values))
        there_are = _day_number(high) - _day_number(low) + 1
    else:
        low, high, members = low.cast(nw.Float64()), high.cast(nw.Float64()), list(dict.fromkeys(map(float, values)))
        there_are = high - low + 1
    none = reduce(and_, ((low > value) | (high < value) for value in members))
    if type_of(item) == "number":
        return _truth(reduce(or_, ((low == value) & (high == value) for value in members)), none)
    whole = [value for value in members if type_of(item) == "date" or value % 1 == 0]
    near = reduce(add, (_count((low <= value) & (high >= value)) for value in whole), nw.lit(0))
    return _truth(near == there_are, none)


def _at_least(n: int, items: list[nw.Expr]) -> nw.Expr:
    true = reduce(add, (_count(item) for item in items))
    false = reduce(add, (_count(~item) for item in items))
    return _truth(true >= n, false > len(items) - n)


def _count(holds: nw.Expr) -> nw.Expr:
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0))


def _by_case(name: str, cases: Sequence[tuple[str, nw.Expr]]) -> nw.Expr:
    value, last = cases[-1]
    chosen = nw.when(nw.col(name) == value).then(last)
    for value, worked in reversed(cases[:-1]):
        chosen = nw.when(nw.col(name) == value).then(worked).otherwise(chosen)
    return chosen


def _arithmetic(formula: Formula) -> nw.Expr:
    """In double precision. NaN and infinity run on and become unknown at the end, or where they could be lost."""
    if not isinstance(formula, node.Arithmetic):
        return expression(formula).cast(nw.Float64())
    left, right = formula.left, formula.right
    if type_of(left) == "date":
        return _days(expression(left), expression(right))
    match formula.operator:
        case "**":
            return _power(left, right)
        case "/" if isinstance(right, node.Value) and right.value:
            return _arithmetic(left) / (_arithmetic(right) + _zero(left))  # as `_quotient`, whose doubts are settled
        case "/":
            return _quotient(_arithmetic(left), _arithmetic(right), _zero(left))
        case "min" | "max":
            return _combine(formula.operator, *(expression(side).cast(nw.Float64()) for side in (left, right)))
    return _combine(formula.operator, _arithmetic(left), _arithmetic(right))


def _combine(operator: str, left: nw.Expr, right: nw.Expr) -> nw.Expr:
    if operator in _WORK:
        return _WORK[operator](left, right)
    first = left <= right if operator == "min" else left >= right
    return nw.when(first).then(left).otherwise(nw.when(~first).then(right))


def _quotient(left: nw.Expr, right: nw.Expr, zero: nw.Expr) -> nw.Expr:
    """Polars turns a division by one number for all rows into a product with 1 / number, a last digit off.

    A divisor that hangs on the columns of the dividend, by a zero made of them, is never one number.
    """
    return left / (nw.when((right != 0) & right.is_finite()).then(right) + zero)


def _zero(formula: Formula) -> nw.Expr:
    """Zero for every patient with all fields of a formula known."""
    return reduce(add, (_number(part) * 0 for part in walk(formula) if isinstance(part, node.Name)), nw.lit(0.0))


def _number(field: node.Name) -> nw.Expr:
    column = nw.col(field.name)
    return (column.dt.year() if field.type == "date" else column).cast(nw.Float64())


def _power(base: Formula, exponent: Formula) -> nw.Expr:
    """A constant whole power is a product; another one is left to the engine, for a base above zero."""
    left = _arithmetic(base)
    if not isinstance(exponent, node.Value):
        return (left + _zero(exponent)) ** _arithmetic(exponent)
    size = float(exponent.value)  # type: ignore[arg-type]
    if size % 1 == 0:
        product = reduce(mul, [left] * int(abs(size)))
        return product if size > 0 else _quotient(nw.lit(1.0) + _zero(base), product, _zero(base))
    return nw.when(left >= 0 if size > 0 else left > 0).then(left ** (_zero(base) + size))


def _finite_part(number: nw.Expr) -> nw.Expr:
    """What is left of a number where infinity and NaN must not run on."""
    return nw.when(number.is_finite()).then(number)


def _months_before(day: nw.Expr, months: int) -> nw.Expr:
    return day.dt.offset_by(f"-{months}mo").cast(nw.Date())


def _completed_time(unit: str, start: nw.Expr, end: nw.Expr) -> nw.Expr:
    years, months = end.dt.year() - start.dt.year(), end.dt.month() - start.dt.month()
    short = _count(end.dt.day() < start.dt.day())
    years, months = years.cast(nw.Int64()), months.cast(nw.Int64()) - short
    return years * 12 + months if unit == "months" else years - _count(months < 0)


def _days(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    return _day_number(left) - _day_number(right)


def _day_number(day: nw.Expr) -> nw.Expr:
    """Days since the first of January of the year 1: engines differ in what a date minus a date is, not in this."""
    past = day.dt.year().cast(nw.Float64()) - 1
    # Whole fours, hundreds and four hundreds: with half a year more no rounding makes another number of them. `//` is a
    # page of SQL in some engines.
    fours, hundreds, more = (((past + 0.5) * share).floor().cast(nw.Float64()) for share in (0.25, 0.01, 0.0025))
    return past * 365 + fours - hundreds + more + day.dt.ordinal_day().cast(nw.Float64())
