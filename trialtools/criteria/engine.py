"""A formula goes in, a Narwhals expression comes out that any table engine can run.

The engine's own three-valued AND, OR and NOT carry unknown; what engines disagree about is decided here: impossible
values, NaN, division, calendar months. The reference evaluator judges the result on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import Any

import narwhals as nw
import polars as pl

from .language import (
    NUMERIC,
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
from .protocol import DataError, Field, ProtocolData

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


def facts(frame: Any, protocol: ProtocolData, fields: tuple[str, ...]) -> Any:
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
    frame = frame.select("patient_id", *columns)
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
        case In(item, values):
            return _is_in(item, values)
        case Compare(operands, operators):
            pairs = zip(operands, operators, operands[1:], strict=False)
            return reduce(and_, (_COMPARE[sign](expression(left), expression(right)) for left, sign, right in pairs))
        case MonthsBefore(when, months):
            return expression(when).dt.offset_by(f"-{months}mo").cast(nw.Date())
        case Arithmetic():
            result = _arithmetic(formula)
            return nw.when(result.is_finite()).then(result)
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


def keys(requirements: Sequence[Formula]) -> list[nw.Expr]:
    """The states of all requirements as few integers: in each, the low 31 bits say fail and the next 31 say unknown."""
    chunks = [requirements[start : start + CHUNK] for start in range(0, len(requirements), CHUNK)]
    return [_key(chunk).alias(f"key{position}") for position, chunk in enumerate(chunks)]


def _key(requirements: Sequence[Formula]) -> nw.Expr:
    parts = [outcome(formula, 0, 1 << bit, 1 << (bit + CHUNK)) for bit, formula in enumerate(requirements)]
    constant = nw.lit(sum(part for part in parts if isinstance(part, int)), nw.Int64())
    return reduce(add, [part for part in parts if isinstance(part, nw.Expr)], constant)


def _is_in(item: Formula, values: tuple[Any, ...]) -> nw.Expr:
    """Membership in a list of the item's own type: engines read `2` among floats as another kind of value."""
    if type_of(item) not in NUMERIC:
        return expression(item).is_in(list(values))
    return expression(item).cast(nw.Float64()).is_in([float(value) for value in values])


def _at_least(n: int, items: list[nw.Expr]) -> nw.Expr:
    true = reduce(add, (_count(item) for item in items))
    false = reduce(add, (_count(~item) for item in items))
    enough, too_few = true >= n, false > len(items) - n
    return nw.when(enough).then(nw.lit(True)).otherwise(nw.when(too_few).then(nw.lit(False)))


def _count(holds: nw.Expr) -> nw.Expr:
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0))


def _arithmetic(formula: Formula) -> nw.Expr:
    """In double precision. NaN and infinity run on and become unknown at the end; only a divisor could lose them."""
    if not isinstance(formula, Arithmetic):
        return expression(formula).cast(nw.Float64())
    if type_of(formula.left) == "date":
        return (_day_number(expression(formula.left)) - _day_number(expression(formula.right))).cast(nw.Float64())
    left, right = _arithmetic(formula.left), _arithmetic(formula.right)
    if formula.operator == "/":
        # Polars turns a division by one number for all rows into a product with 1 / number, a last digit off. A divisor
        # that hangs on the dividend is never one number.
        return left / (nw.when((right != 0) & right.is_finite()).then(right) + left * 0)
    return _ARITHMETIC[formula.operator](left, right)


def _day_number(day: nw.Expr) -> nw.Expr:
    """Days since the first of January of the year 1: engines differ in what a date minus a date is, not in this."""
    past = day.dt.year().cast(nw.Int64()) - 1
    return past * 365 + past // 4 - past // 100 + past // 400 + day.dt.ordinal_day().cast(nw.Int64())


def in_polars(frame: Any) -> pl.DataFrame:
    """Any Narwhals frame as a Polars table in memory.

    Raises:
        DataError: PostgreSQL refuses a result that is beyond a double, or too near zero for one.
    """
    if isinstance(frame, nw.LazyFrame):
        try:
            return frame.collect("polars").to_native()
        except Exception as error:
            if type(error).__name__ != "NumericValueOutOfRange":
                raise
            raise DataError(
                f"PostgreSQL cannot do the arithmetic of a criterion for some patient ({str(error).splitlines()[0]}); "
                'engine="polars" brings the table here, where such a result is unknown or zero'
            ) from None
    native = frame.to_native()
    return native if isinstance(native, pl.DataFrame) else pl.DataFrame(frame.to_arrow())
