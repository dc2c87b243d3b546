"""A patient table and a protocol go in; what is known of every patient, and the states of all criteria, come out.

Whatever engine the table is in does the work, through Narwhals: nothing here collects but `in_polars`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import polars as pl

from .expressions import HIGH, LOW, WRITTEN, ends, expression, unbounded
from .language import Formula, Name, evaluate, names
from .protocol import DataError, Field, ProtocolData

DTYPES = {"number": nw.Float64, "integer": nw.Int64, "flag": nw.Boolean, "category": nw.String, "date": nw.Date}
_WORKED = "__worked"
"""Behind a field: its formula, worked out once before it is held against the range, which names it three times."""


def facts(frame: Any, protocol: ProtocolData, fields: tuple[str, ...], keep: tuple[str, ...] = ()) -> Any:
    """A table with what is known of every patient, as `Protocol.facts_of` says it for one.

    A field `x` with values known in part has their ends beside it, `x__low` and `x__high`: both are empty where `x` is
    known in full, or not at all.

    Args:
        frame: Narwhals frame with `patient_id` and typed columns; a field without a column is unknown for all.
        fields: which of the protocol's fields are wanted.
        keep: columns that travel along.
    """
    present = set(frame.collect_schema().names())
    wanted = protocol.with_causes(fields)
    apart = [name for name in wanted if {name, name + LOW} <= present]
    fields_there = [name for name in wanted if name in present]
    absent = [nw.lit(None, DTYPES[protocol.fields[name].type]()).alias(name) for name in wanted if name not in present]
    columns = [column for name in fields_there for column in _record_columns(name, protocol, frozenset(apart))]
    written = [nw.col(name + WRITTEN) for name in wanted if name + WRITTEN in present]
    frame = frame.select("patient_id", *absent, *columns, *written, *keep)
    if apart:
        frame = _within_limits(frame, apart, protocol)
        frame = frame.with_columns(*_bounded_columns(apart, protocol))
    return work_out(frame, protocol, wanted)


def work_out(frame: Any, protocol: ProtocolData, fields: Collection[str]) -> Any:
    """A facts table in which the fields that hang on others are worked out again, layer by layer."""
    hanging = {name: protocol.depth[name] for name in fields if protocol.depth[name]}
    partial = partial_fields(frame) if hanging else frozenset()
    for layer in sorted(set(hanging.values())):
        here = [name for name, depth in hanging.items() if depth == layer]
        values = [name for name in here if protocol.parts(name) and protocol.fields[name].type != "flag"]
        apart = [name for name in values if not partial.isdisjoint((name, *protocol.parts(name)))]
        plain = {name + _WORKED: unbounded(protocol.derivations[name]) for name in values if name not in apart}
        worked = reduce(or_, (_worked_ends(name, protocol, partial) for name in apart), plain)
        frame = frame.with_columns(**worked) if worked else frame
        frame = _within_limits(frame, apart, protocol) if apart else frame
        whole = [_derived_column(name, protocol, partial) for name in here if name not in apart]
        frame = frame.with_columns(*whole, *_bounded_columns(apart, protocol)).drop(list(plain))
        partial |= {*apart}
    return frame


def partial_fields(frame: Any) -> frozenset[str]:
    """The fields of a facts table that have values known in part."""
    return frozenset(name.removesuffix(LOW) for name in frame.collect_schema().names() if name.endswith(LOW))


def _record_columns(name: str, protocol: ProtocolData, partial: frozenset[str]) -> list[nw.Expr]:
    if name not in partial:
        return [_possible(nw.col(name), protocol.fields[name]).alias(name)]
    pair = ends(Name(name, protocol.fields[name].type), partial)
    return [nw.col(name), *(end.alias(name + column) for end, column in zip(pair, (LOW, HIGH), strict=True))]


def _derived_column(name: str, protocol: ProtocolData, partial: frozenset[str]) -> nw.Expr:
    """A field that hangs on others: what is recorded, else what is worked out; a flag that cannot apply is false."""
    field, value = protocol.fields[name], nw.col(name)
    if field.type != "flag":
        worked = _possible(nw.col(name + _WORKED), field).cast(DTYPES[field.type]())
        return nw.coalesce(value, worked).alias(name)
    if name in protocol.derivations:
        value = nw.coalesce(value, expression(protocol.derivations[name], partial))
    if name in protocol.applies:
        value = nw.when(~expression(protocol.applies[name], partial)).then(nw.lit(False)).otherwise(value)
    return value.alias(name)


def _worked_ends(name: str, protocol: ProtocolData, partial: frozenset[str]) -> dict[str, nw.Expr]:
    """By column, the ends of a field of which something is known in part: those recorded, else those worked out."""
    recorded, worked = ends(Name(name, protocol.fields[name].type), partial), ends(protocol.derivations[name], partial)
    pairs = zip((LOW, HIGH), recorded, worked, strict=True)
    return {name + column: nw.coalesce(own, made) for column, own, made in pairs}


def worked_value(name: str, protocol: ProtocolData) -> nw.Expr:
    """What a field is worked out as over a facts table, whatever is recorded, where its parts are known in full."""
    field = protocol.fields[name]
    return _possible(unbounded(protocol.derivations[name]), field).cast(DTYPES[field.type]())


def _possible(value: nw.Expr, field: Field) -> nw.Expr:
    """A value, or null where it is an impossible one, NaN or infinity."""
    if field.type not in ("number", "integer", "date"):
        return value
    low, high = field.limits
    # One comparison on each side also drops NaN: it is either above every number or comparable with none.
    return nw.when((value >= low) & (value <= high)).then(value)


def _within_limits(frame: Any, fields: Collection[str], protocol: ProtocolData) -> Any:
    """A table in which the ends of fields are within what is possible; where one of them is known, so are both.

    They are columns before `_bounded_columns` compares them, so that no engine gets their formulas several times.
    """
    columns = []
    for name in fields:
        dtype, low, high = DTYPES[protocol.fields[name].type](), nw.col(name + LOW), nw.col(name + HIGH)
        first, last = (nw.lit(limit, dtype) for limit in protocol.fields[name].limits)
        begins, stops = nw.when(low > first).then(low).otherwise(first), nw.when(high < last).then(high).otherwise(last)
        some = ~low.is_null() | ~high.is_null()
        columns += [nw.when(some).then(begins).alias(name + LOW), nw.when(some).then(stops).alias(name + HIGH)]
    return frame.with_columns(*columns)


def _bounded_columns(fields: Collection[str], protocol: ProtocolData) -> list[nw.Expr]:
    """Of fields with their ends beside them: the value where these meet, the ends where they are apart."""
    columns = []
    for name in fields:
        dtype, low, high = DTYPES[protocol.fields[name].type](), nw.col(name + LOW), nw.col(name + HIGH)
        kept = {name: nw.when(low == high).then(low)}
        kept |= {name + LOW: nw.when(low < high).then(low), name + HIGH: nw.when(low < high).then(high)}
        columns += [value.cast(dtype).alias(column) for column, value in kept.items()]
    return columns


def outcome(
    requirement: Formula, passed: int, failed: int, unknown: int, partial: frozenset[str] = frozenset()
) -> nw.Expr:
    """One of three numbers, by whether a requirement holds.

    Asked as "does it hold" and "does it not hold", never as "is it null": engines have got the last one wrong.
    """
    if not names(requirement):  # it says the same for everybody
        return nw.lit(passed if evaluate(requirement, {}) else failed, nw.Int64())
    holds = expression(requirement, partial)
    literal = [nw.lit(number, nw.Int64()) for number in (passed, failed, unknown)]
    return nw.when(holds).then(literal[0]).otherwise(nw.when(~holds).then(literal[1]).otherwise(literal[2]))


def collect(frame: Any) -> Any:
    """A Narwhals frame of any engine, collected; Polars streams, so that a file larger than memory can be read."""
    if isinstance(frame, nw.LazyFrame) and frame.implementation.is_polars():
        return nw.from_native(frame.to_native().collect(engine="streaming"))
    return nw.from_native(in_polars(frame))


def lazy_polars(frame: Any) -> pl.LazyFrame:
    """A Narwhals frame of any engine as a lazy Polars table; one of Polars is not collected for it."""
    return (frame.to_native() if frame.implementation.is_polars() else in_polars(frame)).lazy()


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
