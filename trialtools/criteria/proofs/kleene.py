"""A formula goes in, Z3 comes out: surely true and surely false, read on what is known of one patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import z3

from ..language import And, Arithmetic, AtLeast, Compare, Formula, In, Known, MonthsBefore, Name, Not, Or, Value

Z3: TypeAlias = Any
"""An expression, solver or model of z3, which is imported only where it is used."""

EPOCH = date(1970, 1, 1)


class Pair(NamedTuple):
    """A formula on a record: surely true, surely false; unknown where neither holds."""

    true: Z3
    false: Z3


class Term(NamedTuple):
    """A value on a record: whether it is known, and what it is then."""

    known: Z3
    value: Z3


class Day(NamedTuple):
    """A day of the calendar: the year and the month counted from March, the day of the month from zero."""

    year: Z3
    month: Z3
    day: Z3


@dataclass(frozen=True)
class View:
    """What formulas are read on.

    A term for each field, the calendar day of each date, the number of each category, and Z3's context.
    """

    terms: Mapping[str, Term]
    calendar: Mapping[str, Day]
    codes: Mapping[str, int]
    context: Z3


def read(view: View, formula: Formula) -> Pair:
    """What a formula says on one view of a patient."""

    match formula:
        case Value(value):
            return Pair(z3.BoolVal(bool(value), view.context), z3.BoolVal(not value, view.context))
        case Name(name):
            known, value = view.terms[name]
            return _flag(known, value)
        case Known(name):
            return Pair(view.terms[name].known, z3.Not(view.terms[name].known))
        case Not(item):
            inner = read(view, item)
            return Pair(inner.false, inner.true)
        case And(items):
            return _count(len(items), [read(view, item) for item in items])
        case Or(items):
            return _count(1, [read(view, item) for item in items])
        case AtLeast(n, items):
            return _count(n, [read(view, item) for item in items])
        case Compare(operands, operators):
            terms = [_term(view, operand) for operand in operands]
            links = [_compare(*link) for link in zip(terms, operators, terms[1:], strict=False)]
            return _count(len(links), links)
        case In(item, values):
            term = _term(view, item)
            return _flag(term.known, z3.Or([term.value == constant(view, value) for value in values]))
    raise TypeError(f"neither true nor false: {formula!r}")


def _flag(known: Z3, value: Z3) -> Pair:

    if z3.is_true(known):
        return Pair(value, z3.Not(value))
    return Pair(z3.And(known, value), z3.And(known, z3.Not(value)))


def _count(n: int, pairs: list[Pair]) -> Pair:
    """At least n hold; surely not, when too many surely do not."""

    true, false = [p.true for p in pairs], [p.false for p in pairs]
    if len(pairs) == 1:
        return pairs[0]
    if n == len(pairs):
        return Pair(z3.And(true), z3.Or(false))
    if n == 1:
        return Pair(z3.Or(true), z3.And(false))
    return Pair(z3.AtLeast(*true, n), z3.AtLeast(*false, len(pairs) - n + 1))


def _compare(left: Term, operator: str, right: Term) -> Pair:
    a, b = left.value, right.value
    match operator:
        case "<":
            value = a < b
        case "<=":
            value = a <= b
        case ">":
            value = a > b
        case ">=":
            value = a >= b
        case "==":
            value = a == b
        case _:
            value = a != b
    return _flag(_both(left.known, right.known), value)


def _term(view: View, formula: Formula) -> Term:

    match formula:
        case Value(value):
            return Term(z3.BoolVal(True, view.context), constant(view, value))
        case Name(name):
            return view.terms[name]
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, _term(view, left), _term(view, right))
        case MonthsBefore(when):
            return Term(_term(view, when).known, days_of(_calendar(view, formula)))
    true, false = read(view, formula)
    return Term(z3.Or(true, false), true)


def _arithmetic(operator: str, left: Term, right: Term) -> Term:

    known, (a, b) = _both(left.known, right.known), (_asexact(left.value), _asexact(right.value))
    match operator:
        case "+":
            return Term(known, a + b)
        case "-":
            return Term(known, a - b)
        case "*":
            return Term(known, a * b)
    return Term(_both(known, z3.simplify(b != 0)), a / b)


def _both(left: Z3, right: Z3) -> Z3:

    if z3.is_true(left):
        return right
    return left if z3.is_true(right) or left.eq(right) else z3.And(left, right)


def _asexact(value: Z3) -> Z3:

    return z3.ToReal(value) if z3.is_int(value) else value


def constant(view: View, value: Any) -> Z3:
    """A plain value; a category is its number, a date its days since 1970."""

    match value:
        case bool():
            return z3.BoolVal(value, view.context)
        case int():
            return z3.IntVal(value, view.context)
        case str():
            return z3.IntVal(view.codes[value], view.context)
        case date():
            return z3.IntVal((value - EPOCH).days, view.context)
    return exact(value, view.context)


def exact(value: float, context: Z3) -> Z3:
    """The decimal that is written, not the double nearest to it."""

    number = Fraction(Decimal(repr(float(value))))
    return z3.RealVal(f"{number.numerator}/{number.denominator}", context)


def days_of(day: Day) -> Z3:
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
        value == days_of(day),
        day.month >= 0,
        day.month < 12,
        day.day >= 0,
        day.day < _length(day),
        counted >= 146_097 * day.year - 800,
        counted <= 146_097 * day.year + 400 * 367 + 800,
    )


def _calendar(view: View, formula: Formula) -> Day:
    """The calendar day of a date field, or of what stands months before it (on the last day of a shorter month)."""

    if isinstance(formula, Name):
        return view.calendar[formula.name]
    assert isinstance(formula, MonthsBefore)
    day = _calendar(view, formula.date)
    count = 12 * day.year + day.month - formula.months
    moved = Day(count / 12, count % 12, day.day)
    last = _length(moved) - 1
    return Day(moved.year, moved.month, z3.If(day.day < last, day.day, last))


def _length(day: Day) -> Z3:
    """The number of days in a month; the leap day ends the year, for years are counted from March."""

    of_february = day.year + 1
    leap = z3.And(of_february % 4 == 0, z3.Or(of_february % 100 != 0, of_february % 400 == 0))
    short = z3.Or([day.month == month for month in (1, 3, 6, 8)])
    return z3.If(day.month == 11, z3.If(leap, 29, 28), z3.If(short, 30, 31))
