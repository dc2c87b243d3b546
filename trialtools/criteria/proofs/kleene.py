"""A formula goes in, Z3 comes out: surely true and surely false, as far as one patient is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any, NamedTuple, TypeAlias

import z3

from ..language import formula as node
from ..language.formula import Formula, children, walk

Z3: TypeAlias = Any
"""An expression, solver or model of z3, which has no types."""

EPOCH = date(1970, 1, 1)

MOST_FACTORS, MOST_PRODUCTS = 3, 30
"""Sums of more products, or of longer ones, are any number to Z3: it may search such a term for hours."""


_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
_ARITHMETIC = {
    "+": add,
    "-": sub,
    "*": mul,
    "min": lambda a, b: z3.If(a <= b, a, b),
    "max": lambda a, b: z3.If(a >= b, a, b),
}


class Truth(NamedTuple):
    """A formula on a record: surely true, surely false; unknown where neither holds."""

    true: Z3
    false: Z3


class Datum(NamedTuple):
    """What a record says of a field: whether its value is known, and the value."""

    known: Z3
    value: Z3


class Day(NamedTuple):
    """A day of the calendar: the year and the month counted from March, the day of the month from zero."""

    year: Z3
    month: Z3
    day: Z3


@dataclass(frozen=True)
class Scope:
    """What formulas are read on: the value of each field, the calendar day of each date, the number of each category.

    `seen` holds what was read before, `opaque` the terms that may be any number; the context is Z3's own.
    """

    data: Mapping[str, Datum]
    calendar: dict[str, Day]
    codes: Mapping[str, int]
    context: Z3
    opaque: dict[Formula, Datum] = field(default_factory=dict, repr=False)
    seen: dict[Formula, Truth] = field(default_factory=dict, init=False, repr=False)


def truth_of(scope: Scope, formula: Formula) -> Truth:
    """What a formula says of a record: surely true, surely false.

    >>> known, a, context = *z3.Bools("known a"), z3.main_ctx()
    >>> truth_of(Scope({"a": Datum(known, a)}, {}, {}, context), node.Not(node.Name("a", "flag")))
    Truth(true=And(known, Not(a)), false=And(known, a))

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    if formula not in scope.seen:
        scope.seen[formula] = _truth(scope, formula)
    return scope.seen[formula]


def _truth(scope: Scope, formula: Formula) -> Truth:
    match formula:
        case node.Value(value):
            return Truth(z3.BoolVal(bool(value), scope.context), z3.BoolVal(not value, scope.context))
        case node.Name(name):
            known, value = scope.data[name]
            return _flag(known, value)
        case node.Known(name):
            return Truth(scope.data[name].known, z3.Not(scope.data[name].known))
        case node.Not(item):
            inner = truth_of(scope, item)
            return Truth(inner.false, inner.true)
        case node.And(items) | node.Or(items) | node.AtLeast(_, items):
            return _count(formula.n, [truth_of(scope, item) for item in items])
        case node.Compare():
            read = _moment if _counts_months(formula) else _datum
            links = [_compare(read(scope, left), sign, read(scope, right)) for left, sign, right in formula.links]
            return _count(len(links), links)
        case node.In(item, values):
            datum = _datum(scope, item)
            return _flag(datum.known, z3.Or([datum.value == constant(scope, value) for value in values]))
    raise TypeError(f"neither true nor false: {formula!r}")


def _flag(known: Z3, value: Z3) -> Truth:
    if z3.is_true(known):
        return Truth(value, z3.Not(value))
    return Truth(z3.And(known, value), z3.And(known, z3.Not(value)))


def _count(n: int, pairs: list[Truth]) -> Truth:
    """At least n hold; surely not, when too many surely do not."""
    true, false = [p.true for p in pairs], [p.false for p in pairs]
    if len(pairs) == 1:
        return pairs[0]
    if n == len(pairs):
        return Truth(z3.And(true), z3.Or(false))
    if n == 1:
        return Truth(z3.Or(true), z3.And(false))
    return Truth(z3.AtLeast(*true, n), z3.AtLeast(*false, len(pairs) - n + 1))


def _compare(left: Datum, operator: str, right: Datum) -> Truth:
    return _flag(_both(left.known, right.known), _COMPARE[operator](left.value, right.value))


def _datum(scope: Scope, formula: Formula) -> Datum:
    match formula:
        case node.Value(value):
            return Datum(z3.BoolVal(True, scope.context), constant(scope, value))
        case node.Name(name):
            return scope.data[name]
        case node.Arithmetic("**", left, right):
            return _power(scope, formula, _datum(scope, left), _datum(scope, right))
        case node.Arithmetic(operator, left, right):
            datum = _arithmetic(operator, _datum(scope, left), _datum(scope, right))
            return _any_number(scope, formula, datum) if is_long(formula) else datum
        case node.MonthsBefore(when):
            return Datum(_datum(scope, when).known, _days_of(_calendar(scope, formula)))
        case node.CompletedTime(unit, start, end):
            known = _both(_datum(scope, start).known, _datum(scope, end).known)
            return Datum(known, _completed_time(unit, _calendar(scope, start), _calendar(scope, end)))
    true, false = truth_of(scope, formula)
    return Datum(z3.Or(true, false), true)


def _moment(scope: Scope, formula: Formula) -> Datum:
    """A date by its calendar day, as a number that grows as days do; no days have to be counted to compare two."""
    day = _calendar(scope, formula)
    return Datum(_datum(scope, formula).known, 372 * day.year + 31 * day.month + day.day)


def _arithmetic(operator: str, left: Datum, right: Datum) -> Datum:
    known, (a, b) = _both(left.known, right.known), (_as_real(left.value), _as_real(right.value))
    if operator == "/":
        return Datum(_both(known, z3.simplify(b != 0)), a / b)
    return Datum(known, _ARITHMETIC[operator](a, b))


def _power(scope: Scope, formula: Formula, base: Datum, exponent: Datum) -> Datum:
    """A product where the exponent is 2 or 3; another power is any number, the same wherever it stands."""
    datum = Datum(_both(base.known, exponent.known), _as_real(base.value))
    if is_long(formula) or (times := _whole(formula)) is None:
        return _any_number(scope, formula, datum)
    return Datum(datum.known, reduce(mul, [datum.value] * times))


def _whole(formula: Formula) -> int | None:
    """The exponent of a power that is a product."""
    match formula:
        case node.Arithmetic("**", _, node.Value(2 | 3 as times)):
            return int(times)
    return None


def has_power(formula: Formula) -> bool:
    """Whether a formula holds a power that may be any number to Z3."""
    parts = (part for part in walk(formula) if isinstance(part, node.Arithmetic) and part.operator == "**")
    return any(_whole(part) is None for part in parts)


def is_long(formula: Formula) -> bool:
    """Whether a formula holds a term that may be any number to Z3."""
    if isinstance(formula, node.Arithmetic):
        factors, products = _size(formula)
        return factors > MOST_FACTORS or products > MOST_PRODUCTS
    return any(map(is_long, children(formula)))


def _size(formula: Formula) -> tuple[int, int]:
    """The most factors of a product, and the number of products, once everything is multiplied out."""
    match formula:
        case node.Value():
            return 0, 1
        case node.Arithmetic("**", base):
            (factors, products), times = _size(base), _whole(formula)
            return (factors * times, products**times) if times else (1, 1)
        case node.Arithmetic(operator, left, right):
            (factors, products), (more, others) = _size(left), _size(right)
            if operator in ("+", "-", "min", "max"):
                return max(factors, more), products + others
            return factors + more, products * others
    return 1, 1


def _any_number(scope: Scope, formula: Formula, datum: Datum) -> Datum:
    """A term with one property only: it is the same wherever it stands; proofs that suffice stay true."""
    if formula not in scope.opaque:
        scope.opaque[formula] = Datum(z3.FreshBool("defined", scope.context), z3.FreshReal("term", scope.context))
    defined, value = scope.opaque[formula]
    return Datum(_both(datum.known, defined), value)


def _both(left: Z3, right: Z3) -> Z3:
    if z3.is_true(left):
        return right
    return left if z3.is_true(right) or left.eq(right) else z3.And(left, right)


def _as_real(value: Z3) -> Z3:
    return z3.ToReal(value) if z3.is_int(value) else value


def constant(scope: Scope, value: Any) -> Z3:
    """A plain value; a category is its number, a date its days since 1970."""
    match value:
        case bool():
            return z3.BoolVal(value, scope.context)
        case int():
            return z3.IntVal(value, scope.context)
        case str():
            return z3.IntVal(scope.codes[value], scope.context)
        case date():
            return z3.IntVal((value - EPOCH).days, scope.context)
    return exact(value, scope.context)


def exact(value: float, context: Z3) -> Z3:
    """The decimal that is written, not the double nearest to it."""
    number = Fraction(Decimal(repr(float(value))))
    return z3.RealVal(f"{number.numerator}/{number.denominator}", context)


def _days_of(day: Day) -> Z3:
    """Days since 1970 of a calendar day.

    Source: H. Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil.
    """
    year = day.year
    leap_days = year / 4 - year / 100 + year / 400
    return 365 * year + leap_days + (153 * day.month + 2) / 5 + day.day - 719_468


def is_day(value: Z3, day: Day) -> Z3:
    """That a date and its calendar day are the same; every date has exactly one."""
    counted = 400 * (value + 719_468)  # the two lines with it only help Z3: 146,097 days are 400 years, leap days aside
    return z3.And(
        value == _days_of(day),
        day.month >= 0,
        day.month < 12,
        day.day >= 0,
        day.day < _length(day),
        counted >= 146_097 * day.year - 800,
        counted <= 146_097 * day.year + 400 * 367 + 800,
    )


def calendar_dates(formulas: Iterable[Formula]) -> set[str]:
    """The dates of which formulas need the calendar day, for they count months or years."""
    parts = [part for formula in formulas for part in walk(formula)]
    return {name for part in parts if _counts_months(part) for name in node.names(part)}


def _counts_months(formula: Formula) -> bool:
    """Whether it is a number of months or years, or a comparison with a day some months before another."""
    if isinstance(formula, node.Compare):
        return any(isinstance(operand, node.MonthsBefore) for operand in formula.operands)
    return isinstance(formula, node.MonthsBefore | node.CompletedTime)


def _calendar(scope: Scope, formula: Formula) -> Day:
    """The calendar day of a date field, or of what stands months before it (on the last day of a shorter month)."""
    if isinstance(formula, node.Name):
        return scope.calendar[formula.name]
    if isinstance(formula, node.Value):
        day = formula.value
        assert isinstance(day, date)
        count = 12 * day.year + day.month - 3
        return Day(*(z3.IntVal(part, scope.context) for part in (count // 12, count % 12, day.day - 1)))
    assert isinstance(formula, node.MonthsBefore)
    day = _calendar(scope, formula.date)
    years, months = divmod(formula.months, 12)
    year, month = day.year - years, day.month - months  # without a quotient, which costs Z3 much
    is_before = month < 0
    moved = Day(z3.If(is_before, year - 1, year), z3.If(is_before, month + 12, month), day.day)
    last = _length(moved) - 1
    return Day(moved.year, moved.month, z3.If(day.day < last, day.day, last))


def _completed_time(unit: str, start: Day, end: Day) -> Z3:
    months = 12 * (end.year - start.year) + end.month - start.month - z3.If(end.day < start.day, 1, 0)
    return months / 12 if unit == "years" else months


def _length(day: Day) -> Z3:
    """The number of days in a month; the leap day ends the year, for years are counted from March."""
    of_february = day.year + 1
    leap = z3.And(of_february % 4 == 0, z3.Or(of_february % 100 != 0, of_february % 400 == 0))
    short = z3.Or([day.month == month for month in (1, 3, 6, 8)])
    return z3.If(day.month == 11, z3.If(leap, 29, 28), z3.If(short, 30, 31))
