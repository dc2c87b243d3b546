"""A formula goes in, a Narwhals expression comes out that any table engine can run.

The engine's own three-valued AND, OR and NOT carry unknown; what engines disagree about is decided here: impossible
values, NaN, division, calendar months. The reference evaluator judges the result on every engine.
"""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import Any

import narwhals as nw

from .expr import (
    And,
    Arithmetic,
    AtLeast,
    Compare,
    Formula,
    In,
    Known,
    MonthsBefore,
    Name,
    Not,
    Or,
    Value,
    evaluate,
    names,
    type_of,
)
from .protocol import Field, Protocol

DTYPES = {"number": nw.Float64, "integer": nw.Int64, "flag": nw.Boolean, "category": nw.String, "date": nw.Date}
CHUNK = 31
"""Criteria in one 64-bit key: a bit for fail and a bit for unknown of each."""

_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
_ARITHMETIC = {"+": add, "-": sub, "*": mul}


def guarded(name: str, field: Field) -> nw.Expr:
    """A field's column with impossible values, NaN and infinity made unknown."""
    column = nw.col(name)
    if field.type not in ("number", "integer", "date"):
        return column
    low, high = field.limits
    # One comparison on each side also drops NaN: it is either above every number or comparable with none.
    return nw.when((column >= low) & (column <= high)).then(column).alias(name)


def facts(frame: Any, protocol: Protocol, fields: tuple[str, ...]) -> Any:
    """A table with what is known of every patient, as `Protocol.facts_of` says it for one.

    Args:
        frame: Narwhals frame with `patient_id` and typed columns; a field without a column is unknown for all.
        fields: which of the protocol's fields are wanted.
    """
    present = set(frame.collect_schema().names())
    wanted = dict.fromkeys(fields)
    for name in fields:
        wanted.update(dict.fromkeys(names(protocol.applies[name]) if name in protocol.applies else ()))
    columns = [
        guarded(name, protocol.fields[name])
        if name in present
        else nw.lit(None, DTYPES[protocol.fields[name].type]()).alias(name)
        for name in wanted
    ]
    frame = frame.select("patient_id", *columns) if "patient_id" in present else frame.select(*columns)
    applied = [_where_it_applies(name, protocol.applies[name]) for name in wanted if name in protocol.applies]
    return frame.with_columns(*applied) if applied else frame


def _where_it_applies(name: str, applies: Formula) -> nw.Expr:
    return nw.when(~expression(applies)).then(nw.lit(False)).otherwise(nw.col(name)).alias(name)


def expression(formula: Formula) -> nw.Expr:
    """The formula over the columns of a facts table: true, false, or null for unknown."""
    match formula:
        case Name(name):
            return nw.col(name)
        case Value(value):
            return nw.lit(value)
        case Known(name):
            return ~nw.col(name).is_null()
        case Not(item):
            return ~expression(item)
        case And(items):
            return reduce(and_, map(expression, items))
        case Or(items):
            return reduce(or_, map(expression, items))
        case AtLeast(n, items):
            return _at_least(n, [expression(item) for item in items])
        case In(item, values) if type_of(item) == "date":
            return reduce(or_, (_compare(item, "==", Value(value)) for value in values))
        case In(item, values):
            return expression(item).is_in(list(values))
        case Compare(operands, operators):
            pairs = zip(operands, operators, operands[1:], strict=False)
            return reduce(and_, (_compare(*pair) for pair in pairs))
        case Arithmetic():
            return _arithmetic(formula)
    raise TypeError(f"not a formula for a table: {formula!r}")


def outcome(requirement: Formula, passed: int, failed: int, unknown: int) -> nw.Expr | int:
    """One of three numbers, by whether a requirement holds; a plain number where it says the same for everybody.

    Asked as "does it hold" and "does it not hold", never as "is it null": engines have got the last one wrong.
    """
    if not names(requirement):
        return passed if evaluate(requirement, {}) else failed
    holds = expression(requirement)
    literal = [nw.lit(number, nw.Int64()) for number in (passed, failed, unknown)]
    return nw.when(holds).then(literal[0]).otherwise(nw.when(~holds).then(literal[1]).otherwise(literal[2]))


def keys(protocol: Protocol) -> list[nw.Expr]:
    """The state of all criteria as few integers: in each, the low 31 bits say fail and the next 31 say unknown."""
    requirements = list(protocol.requirements.values())
    chunks = [requirements[start : start + CHUNK] for start in range(0, len(requirements), CHUNK)]
    return [_key(chunk).alias(f"key{position}") for position, chunk in enumerate(chunks)]


def _key(requirements: list[Formula]) -> nw.Expr:
    parts = [outcome(formula, 0, 1 << bit, 1 << (bit + CHUNK)) for bit, formula in enumerate(requirements)]
    constant = nw.lit(sum(part for part in parts if isinstance(part, int)), nw.Int64())
    return reduce(add, [part for part in parts if isinstance(part, nw.Expr)], constant)


def _at_least(n: int, items: list[nw.Expr]) -> nw.Expr:
    true = reduce(add, (_count(item) for item in items))
    false = reduce(add, (_count(~item) for item in items))
    enough, too_few = true >= n, false > len(items) - n
    return nw.when(enough).then(nw.lit(True)).otherwise(nw.when(too_few).then(nw.lit(False)))


def _count(holds: nw.Expr) -> nw.Expr:
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0))


def _compare(left: Formula, operator: str, right: Formula) -> nw.Expr:
    if type_of(left) == "date" and not (_plain(left) and _plain(right)):
        return _COMPARE[operator](_days(_calendar(left)), _days(_calendar(right)))
    return _COMPARE[operator](expression(left), expression(right))


def _plain(formula: Formula) -> bool:
    return isinstance(formula, Name | Value)


def _arithmetic(formula: Arithmetic) -> nw.Expr:
    """In double precision; no result that is not a number leaves here."""
    if type_of(formula.left) == "date":
        return (_days(_calendar(formula.left)) - _days(_calendar(formula.right))).cast(nw.Float64())
    left, right = (expression(side).cast(nw.Float64()) for side in (formula.left, formula.right))
    if formula.operator == "/":
        result = left / nw.when(right != 0).then(right)
    else:
        result = _ARITHMETIC[formula.operator](left, right)
    return nw.when(result.is_finite()).then(result)


# Calendar arithmetic on whole numbers: engines differ in what a date minus a date is, and some cannot move by months.


def _calendar(formula: Formula) -> tuple[Any, Any, Any]:
    """Year, month and day of a date."""
    match formula:
        case Value(date() as value):
            return value.year, value.month, value.day
        case Name(name):
            column = nw.col(name).dt
            # Polars gives months as 8-bit numbers; arithmetic on them would wrap round.
            return tuple(part.cast(nw.Int64()) for part in (column.year(), column.month(), column.day()))  # type: ignore[return-value]
        case MonthsBefore(when, months):
            year, month, day = _calendar(when)
            count = year * 12 + month - 1 - months
            year, month = count // 12, count % 12 + 1
            last = _month_length(year, month)
            return year, month, nw.when(day > last).then(last).otherwise(day)
    raise TypeError(f"not a date: {formula!r}")


def _month_length(year: Any, month: Any) -> nw.Expr:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    february = nw.when(leap).then(nw.lit(29)).otherwise(nw.lit(28))
    short = (month == 4) | (month == 6) | (month == 9) | (month == 11)
    return nw.when(month == 2).then(february).otherwise(nw.when(short).then(nw.lit(30)).otherwise(nw.lit(31)))


def _days(parts: tuple[Any, Any, Any]) -> Any:
    """Days since the first of March of the year 0, the civil calendar carried back."""
    year, month, day = parts
    if isinstance(year, int):
        return date(year, month, day).toordinal() + 305
    early = nw.when(month <= 2).then(nw.lit(1)).otherwise(nw.lit(0))
    year, month = year - early, month + 12 * early - 3
    return year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 + 2) // 5 + day - 1
