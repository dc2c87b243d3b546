"""Typed rows go in, several of one patient; a row for each patient comes out, as the mapping says which of them counts.

What rows leave open is unknown: where two of them may be the last one and differ, nobody knows which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import narwhals as nw
import pandas as pd
import polars as pl

from ...criteria.engine import lazy_polars
from ...criteria.expressions import HIGH, LOW, WRITTEN
from ...criteria.protocol import DataError, Field
from .checks import ID, ROW, DataFinding, finding, one_row
from .ids import OWN
from .mapping import ColumnMapping, MappedColumn, Take
from .names import similar

_BY = "rows: by"
"""What orders the rows, typed; its bounds stand beside it where some of it is known in part."""
_CLOCK = "rows: clock"
"""Where time stamps order the rows, the second of the day; null at midnight, where a day may be without its time."""
_ROWS_OF = ("field", "row", "by", "value", "counts")


def with_order(
    frame: Any, mapping: ColumnMapping, fields: Mapping[str, Field], columns: Mapping[str, MappedColumn]
) -> tuple[Any, dict[str, Field], dict[str, MappedColumn]]:
    """The table, its fields and their columns, with what orders the rows of a patient as one more of them.

    Raises:
        DataError: the table has no such column.
    """
    rows, schema = mapping.several, dict(frame.collect_schema())
    if rows is None or rows.by is None:
        return frame, {**fields}, {**columns}
    if rows.by not in schema:
        raise DataError(f"no column '{rows.by}' to order rows by{similar(rows.by, schema)}")
    dtype, day = schema[rows.by], nw.col(rows.by)
    number = dtype.is_numeric()
    if dtype == nw.String and frame.implementation.is_polars() and not rows.format:
        number = one_row(frame.select(all=day.str.contains(_NUMBER).all()))["all"]
    read = next((column for column in columns.values() if column.sources == (rows.by,)), MappedColumn(rows.by))
    written = MappedColumn(rows.by, format=rows.format or read.format, pivot=read.pivot, zone=read.zone)
    written = replace(written, missing=read.missing or mapping.missing, on_invalid="unknown")
    kind: Literal["number", "date"] = "number" if number and not rows.format else "date"
    frame = frame if kind == "number" else _with_clock(frame, written, dtype)
    return frame, {**fields, _BY: Field(kind, rows.by)}, {**columns, _BY: written}


def _with_clock(frame: Any, by: MappedColumn, dtype: Any) -> Any:
    """The table with the second of the day of time stamps beside them; a text with an offset has none."""
    name, polars = by.sources[0], frame.implementation.is_polars()
    if isinstance(dtype, nw.Datetime):
        moment = nw.col(name).dt
        if polars and dtype.time_zone and by.zone:
            moment = nw.col(name).dt.convert_time_zone(by.zone).dt
        hour, minute, second = (part.cast(nw.Int64()) for part in (moment.hour(), moment.minute(), moment.second()))
        frame = frame.with_columns((hour * 3600 + minute * 60 + second).alias(_CLOCK))
    elif dtype == nw.String and polars:
        parts = pl.col(name).str.extract_groups(_TIME).struct
        hour, minute, second = (parts[place].cast(pl.Int64).fill_null(0) for place in range(3))
        half = parts[3].str.to_lowercase()
        hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
        frame = nw.from_native(frame.to_native().with_columns((hour * 3600 + minute * 60 + second).alias(_CLOCK)))
    else:
        return frame
    return frame.with_columns(nw.when(nw.col(_CLOCK) > 0).then(nw.col(_CLOCK)).alias(_CLOCK))


_TIME = r"[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])[Mm])?\s*$"
_NUMBER = r"^\s*(-?\d{1,4}(\.\d+)?)?\s*$"
"""What a visit, a week or a day of the trial is written as; 20230131 is a day."""


def take_rows(
    frame: Any, values: Sequence[nw.Expr], mapping: ColumnMapping
) -> tuple[pl.DataFrame, list[DataFinding], pl.LazyFrame]:
    """What a mapping makes of several rows of a patient, in the order in which patients appear.

    Args:
        frame: Narwhals frame of rows with their ids.
        values: of its columns, each field in its own type, and what orders the rows.
        mapping: says which rows count.

    Returns:
        A row for each patient; what depends on the choice; and all rows, with `counts: x` for every field: whether the
        row is one of those that the field is taken from.
    """
    own = [name for name in (OWN, ROW, _CLOCK) if name in frame.collect_schema().names()]
    rows = lazy_polars(frame.select(*own, *values))
    there = rows.collect_schema().names()
    rules = [_take_rule(name, mapping, there) for name in mapping.fields if name in there]
    early, late = (_moment(end, second, there) for end, second in ((LOW, 0), (HIGH, 86_399)))
    rows = rows.with_columns(_counts(one, early, late).alias(f"counts: {one.field}") for one in rules)
    taken = [value for one in rules for value in _values(one)]
    marks = [mark for one in rules for mark in (_varies(one), _is_open(one))]
    grouped = rows.group_by(OWN, maintain_order=True).agg(pl.len().alias(_N), *taken, *marks)
    patients = grouped.collect(engine="streaming")
    return (
        patients.select(pl.col(OWN).alias(ID), *(value.meta.output_name() for value in taken)),
        _findings(patients, rules, mapping),
        rows,
    )


_N = "__rows__"


@dataclass(frozen=True)
class _TakeRule:
    """A field over the rows of a patient: its columns (the value, and what is known in part), and which rows count."""

    field: str
    columns: tuple[str, ...]
    take: Take
    whole_row: bool

    @property
    def speaks(self) -> pl.Expr:
        """The rows that say something of it, be it in part."""
        return pl.any_horizontal(pl.col(self.columns).is_not_null())

    @property
    def silent(self) -> pl.Expr:
        """Whether some rows of a patient, and not all, say something of it."""
        return self.speaks.any() & ~self.speaks.all()


def _take_rule(name: str, mapping: ColumnMapping, there: list[str]) -> _TakeRule:
    rows, column = mapping.several, mapping.column(name)
    assert rows is not None and column is not None
    columns = tuple(each for end in ("", LOW, HIGH, WRITTEN) if (each := name + end) in there)
    return _TakeRule(name, columns, column.take or rows.take, column.take is None)


def _either_of(name: str, end: str, there: list[str]) -> pl.Expr:
    """A value, or one end of it where it is known in part."""
    return pl.coalesce(name, name + end) if name + end in there else pl.col(name)


def _moment(end: str, second: int, there: list[str]) -> pl.Expr:
    """The earliest, or the latest, that a row can be; null where there is no bound."""
    if _BY not in there:
        return pl.lit(None)
    moment = _either_of(_BY, end, there)
    return moment.cast(pl.Int64) * 86_400 + pl.col(_CLOCK).fill_null(second) if _CLOCK in there else moment


def _counts(one: _TakeRule, early: pl.Expr, late: pl.Expr) -> pl.Expr:
    """Whether a row counts: every row that can be the last one does."""
    if one.take not in ("last", "first"):
        return one.speaks if one.take == "only" else pl.lit(True)
    among = pl.lit(True) if one.whole_row else one.speaks
    if one.take == "last":
        beaten = late < pl.when(among).then(early).max().over(OWN)
    else:
        beaten = early > pl.when(among).then(late).min().over(OWN)
    return among & ~beaten.fill_null(False)


def _values(one: _TakeRule) -> list[pl.Expr]:
    """The columns of a field: unknown where the rows that count differ, or lack what is asked for."""
    value = pl.col(one.field)
    match one.take:
        case "any":
            return [value.any(ignore_nulls=False)]
        case "all":
            return [value.all(ignore_nulls=False)]
        case "mean":
            return [pl.when(value.null_count() == 0).then(value.mean()).alias(one.field)]
        case "min" | "max":
            return _range(one)
    return [pl.when(_agree(one)).then(_values_that_count(one, name).min()).alias(name) for name in one.columns]


def _values_that_count(one: _TakeRule, name: str) -> pl.Expr:
    return pl.col(name).filter(pl.col(f"counts: {one.field}"))


def _agree(one: _TakeRule) -> pl.Expr:
    """Whether the rows that count say one thing: all the same, or all nothing."""
    each = [_values_that_count(one, name) for name in one.columns]
    alike = [column.min().eq_missing(column.max()) for column in each]
    full = [(column.null_count() == 0) | (column.null_count() == column.len()) for column in each]
    return pl.all_horizontal(*alike, *full)


def _range(one: _TakeRule) -> list[pl.Expr]:
    """The highest of several values: at least the highest that is known, where some are unknown."""
    low, high = (_either_of(one.field, end, [*one.columns]) for end in (LOW, HIGH))
    # the highest is no lower than any value, so that one value is enough for its lower end; for its upper end all are
    # needed. The lowest is the other way round.
    if one.take == "max":
        low, high = low.max(), pl.when(high.null_count() == 0).then(high.max())
    else:
        low, high = pl.when(low.null_count() == 0).then(low.min()), high.min()
    whole = (low == high).fill_null(False)
    written = pl.lit(f"{one.take} of rows of which some are unknown")
    return [
        pl.when(whole).then(low).alias(one.field),
        pl.when(~whole).then(low).alias(one.field + LOW),
        pl.when(~whole).then(high).alias(one.field + HIGH),
        pl.when(~whole & (low.is_not_null() | high.is_not_null())).then(written).alias(one.field + WRITTEN),
    ]


# --- how many depend on it --------------------------------------------------------------------------------------------


def _varies(one: _TakeRule) -> pl.Expr:
    """Whether the rows of a patient do not all say the same."""
    value = pl.col(one.field)
    return (one.silent | (value.min() != value.max()).fill_null(False)).alias(f"varies: {one.field}")


def _is_open(one: _TakeRule) -> pl.Expr:
    """Whether rows say something, and leave open what the field is."""
    of_rows = one.take in ("last", "first", "only")
    open_ = ~_agree(one) if of_rows else one.silent & _values(one)[0].is_null()
    return open_.alias(f"open: {one.field}")


def _findings(patients: pl.DataFrame, rules: list[_TakeRule], mapping: ColumnMapping) -> list[DataFinding]:
    """How many patients have several rows; and a field that depends on the choice, or stays open."""
    rows, n = mapping.several, patients.height
    assert rows is not None
    if not (several := int((patients[_N] > 1).sum())):
        return []
    by = f" by {rows.by}" if rows.by else ""
    action = f"take: {rows.take}{by if rows.take != 'only' else ''}"
    example = f"{patients[_N].sum():,} rows are {n:,} patients"
    findings = [finding(ID, mapping.id.column or "", "several rows of one patient", several, n, example, action)]
    for one in rules:
        source = ", ".join(mapping.column(one.field).sources)  # type: ignore[union-attr]
        action = f"take: {one.take}{by if one.take in ('last', 'first') else ''}"
        for mark, problem, outcome in (
            ("varies", "depends on which row is taken", action),
            ("open", _LEFT_OPEN[one.take], "read as unknown"),
        ):
            if count := int(patients[f"{mark}: {one.field}"].sum()):
                findings.append(finding(one.field, source, problem, count, n, "", outcome))
    return findings


_LEFT_OPEN: dict[Take, str] = {
    "last": "rows that may be the last differ",
    "first": "rows that may be the first differ",
    "only": "rows differ",
    "any": "some rows are unknown, and none is true",
    "all": "some rows are unknown, and none is false",
    "min": "some rows are unknown, so that the lowest is not known",
    "max": "some rows are unknown, so that the highest is not known",
    "mean": "some rows are unknown, so that the mean is not known",
}


def rows_of(rows: pl.LazyFrame | None, id: str) -> pd.DataFrame:
    """The rows of one patient: for each field and row what it says, and whether it counts.

    Args:
        rows: of `take_rows`; none where every row is a patient.
        id: of the patient, as in the table.
    """
    if rows is None:
        return pd.DataFrame(columns=list(_ROWS_OF))
    own = rows.filter(pl.col(OWN).cast(pl.String) == str(id)).collect()
    place = own[ROW] if ROW in own.columns else pl.Series([None] * own.height)
    by = own[_BY] if _BY in own.columns else pl.Series([None] * own.height)
    fields = [name.removeprefix("counts: ") for name in own.columns if name.startswith("counts: ")]
    lines = [
        {"field": field, "row": row, "by": day, "value": value, "counts": counts}
        for field in fields
        for row, day, value, counts in zip(place, by, own[field], own[f"counts: {field}"], strict=True)
    ]
    return pd.DataFrame(lines, columns=list(_ROWS_OF))
