"""Typed rows go in, several of one patient; a row for each patient comes out, as the mapping says which of them counts.

What rows leave open is unknown: where two of them may be the last one and differ, nobody knows which it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any, Literal

import narwhals as nw
import pandas as pd
import polars as pl

from ...criteria.engine import in_polars
from ...criteria.expressions import HIGH, LOW, WRITTEN, day_number
from ...criteria.protocol import DataError, Field
from .checks import ID, ROW, Finding, finding, number_of, one_row
from .ids import OWN
from .mapping import ColumnMapping, MappedColumn, Take
from .names import similar

BY = "rows: by"
"""What orders the rows, typed; its bounds stand beside it where some of it is known in part."""
CLOCK = "rows: clock"
"""Where time stamps order the rows, the second of the day; null at midnight, where a day may be without its time."""
ROWS_OF = ("field", "row", "by", "value", "counts")
_FIRST, _N = "__first__", "__rows__"
_PARTS = ("", LOW, HIGH, WRITTEN)


@dataclass(frozen=True)
class _Plan:
    """A field over the rows of a patient: what is counted of them, and what that makes of the field."""

    field: str
    dtype: Any
    partial: bool
    take: Take
    ordered: bool
    whole_row: bool

    def name(self, what: str) -> str:
        return f"{what}: {self.field}"

    @property
    def parts(self) -> list[str]:
        return [f"{self.field}{part}" for part in (_PARTS if self.partial else _PARTS[:1])]

    @property
    def said(self) -> nw.Expr:
        """The rows that say something of it, be it in part."""
        marks = [~nw.col(part).is_null() for part in self.parts]
        return reduce(lambda one, other: one | other, marks)

    def ordered_value(self, part: str) -> nw.Expr:
        """A column of it as values that have a lowest and a highest on every engine."""
        value = nw.col(part)
        if self.dtype != nw.Boolean:
            return value
        return nw.when(value).then(nw.lit(1)).otherwise(nw.when(~value).then(nw.lit(0)))


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
    return frame, {**fields, BY: Field(kind, rows.by)}, {**columns, BY: written}


def _with_clock(frame: Any, by: MappedColumn, dtype: Any) -> Any:
    """The table with the second of the day of time stamps beside them; a text with an offset has none."""
    name, polars = by.sources[0], frame.implementation.is_polars()
    if isinstance(dtype, nw.Datetime):
        moment = nw.col(name).dt
        if polars and dtype.time_zone and by.zone:
            moment = nw.col(name).dt.convert_time_zone(by.zone).dt
        hour, minute, second = (part.cast(nw.Int64()) for part in (moment.hour(), moment.minute(), moment.second()))
        frame = frame.with_columns((hour * 3600 + minute * 60 + second).alias(CLOCK))
    elif dtype == nw.String and polars:
        parts = pl.col(name).str.extract_groups(_TIME).struct
        hour, minute, second = (parts[place].cast(pl.Int64).fill_null(0) for place in range(3))
        half = parts[3].str.to_lowercase()
        hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + pl.when(half == "p").then(12).otherwise(0))
        frame = nw.from_native(frame.to_native().with_columns((hour * 3600 + minute * 60 + second).alias(CLOCK)))
    else:
        return frame
    return frame.with_columns(nw.when(nw.col(CLOCK) > 0).then(nw.col(CLOCK)).alias(CLOCK))


_TIME = r"[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])[Mm])?\s*$"
_NUMBER = r"^\s*(-?\d{1,4}(\.\d+)?)?\s*$"
"""What a visit, a week or a day of the trial is written as; 20230131 is a day."""


@dataclass(frozen=True)
class PatientRows:
    """A row for each patient, their number, and how many of them depend on the choice.

    `rows` are all rows, each with `counts: x` for every field: whether it is one of those that the field is taken from.
    """

    frame: Any
    n: int
    findings: list[Finding]
    rows: Any


def take_rows(frame: Any, mapping: ColumnMapping) -> PatientRows:
    """What a mapping makes of several rows of a patient.

    Args:
        frame: Narwhals frame of typed rows, with their ids as `__id__` and, where it matters, `rows: by` beside them.
        mapping: says which rows count.
    """
    schema = dict(frame.collect_schema())
    fields = [name for name in mapping.fields if name in schema]
    taken = [_plan(name, mapping, schema) for name in fields]
    for made in (_bounds(schema), [each for one in taken for each in _latest(one)], [_counts(one) for one in taken]):
        frame = frame.with_columns(*made) if made else frame
    marked, told = frame, [each for one in taken for each in _stats(one)]
    place = [nw.col(ROW).min().alias(_FIRST)] if ROW in schema else []
    grouped = frame.group_by(OWN).agg(nw.len().alias(_N), *told, *place)
    if place:  # in the order in which the patients appear
        grouped = nw.from_native(in_polars(grouped.sort(_FIRST)).lazy())
    values = [value for one in taken for value in _values(one)]
    n, findings = _findings(grouped, taken, mapping)
    return PatientRows(grouped.select(nw.col(OWN).alias(ID), *values), n, findings, marked)


def _plan(name: str, mapping: ColumnMapping, schema: dict[str, Any]) -> _Plan:
    rows, column = mapping.several, mapping.column(name)
    assert rows is not None and column is not None
    own = column.take
    take = own or rows.take
    return _Plan(name, schema[name], f"{name}{LOW}" in schema, take, take in ("last", "first"), own is None)


# --- which rows count -------------------------------------------------------------------------------------------------

_EARLY, _LATE = "__early__", "__late__"


def _bounds(schema: dict[str, Any]) -> list[nw.Expr]:
    """The earliest and the latest that a row can be; null where there is no bound."""
    if BY not in schema:
        return []
    partial = f"{BY}{LOW}" in schema
    ends = ((_EARLY, LOW, 0), (_LATE, HIGH, 86_399))
    made = []
    for name, part, second in ends:
        end = nw.coalesce(BY, f"{BY}{part}") if partial else nw.col(BY)
        if CLOCK in schema:
            end = day_number(end) * 86_400 + nw.col(CLOCK).fill_null(second)
        made.append(end.alias(name))
    return made


def _latest(one: _Plan) -> list[nw.Expr]:
    """For each row the day that the last row of its patient reaches at least, or that the first one does not pass."""
    if not one.ordered:
        return []
    end = nw.col(_EARLY if one.take == "last" else _LATE)
    asked = end if one.whole_row else nw.when(one.said).then(end)
    most = asked.max() if one.take == "last" else asked.min()
    return [most.over(OWN).alias(one.name("reach"))]


def _counts(one: _Plan) -> nw.Expr:
    """Whether a row counts: every row that can be the last one does."""
    if one.take == "last":
        can = ~(nw.col(_LATE) < nw.col(one.name("reach"))).fill_null(False)
    elif one.take == "first":
        can = ~(nw.col(_EARLY) > nw.col(one.name("reach"))).fill_null(False)
    else:
        return (one.said if one.take == "only" else nw.lit(True)).alias(one.name("counts"))
    return (can if one.whole_row else can & one.said).alias(one.name("counts"))


# --- what is counted of them ------------------------------------------------------------------------------------------


def _stats(one: _Plan) -> list[nw.Expr]:
    """Of the rows that count, how many they are and say something, the lowest and the highest; and of all rows."""
    counts = nw.col(one.name("counts"))
    made = [number_of(counts).alias(one.name("n"))]
    for part in one.parts:
        plain = one.ordered_value(part)
        asked = nw.when(counts).then(plain)
        made += [
            asked.min().alias(f"min: {part}"),
            asked.max().alias(f"max: {part}"),
            number_of(~asked.is_null()).alias(f"known: {part}"),
        ]
    plain = one.ordered_value(one.field)
    made += [plain.min().alias(one.name("least")), plain.max().alias(one.name("most"))]
    made.append(number_of(one.said).alias(one.name("said")))
    if one.take == "mean":
        made.append(nw.col(one.field).mean().alias(one.name("mean")))
    if one.take in ("min", "max"):
        made += [each for end, part in (("low", LOW), ("high", HIGH)) for each in _end(one, end, part)]
    return made


def _end(one: _Plan, end: str, part: str) -> list[nw.Expr]:
    """The lowest, or highest, of one end of all values, and how many rows have that end."""
    value = nw.coalesce(one.field, f"{one.field}{part}") if one.partial else nw.col(one.field)
    most = value.min() if one.take == "min" else value.max()
    return [most.alias(one.name(end)), number_of(~value.is_null()).alias(one.name(f"{end}s"))]


# --- what that makes of the field -------------------------------------------------------------------------------------


def _values(one: _Plan) -> list[nw.Expr]:
    """The columns of a field: unknown where the rows that count differ, or lack what is asked for."""
    field, n = one.field, nw.col(_N)
    if one.take in ("any", "all"):
        least, most, known = nw.col(one.name("least")), nw.col(one.name("most")), nw.col(one.name("said"))
        found, turned = (most == 1, True) if one.take == "any" else (least == 0, False)
        return [
            nw.when(found).then(nw.lit(turned)).otherwise(nw.when(known == n).then(nw.lit(not turned))).alias(field)
        ]
    if one.take == "mean":
        return [nw.when(nw.col(f"known: {field}") == n).then(nw.col(one.name("mean"))).alias(field)]
    if one.take in ("min", "max"):
        return _range(one)
    same = _agree(one)
    made = []
    for part in one.parts:
        value = nw.col(f"min: {part}")
        value = value == 1 if one.dtype == nw.Boolean else value
        made.append(nw.when(same).then(value).alias(part))
    return made


def _agree(one: _Plan) -> nw.Expr:
    """Whether the rows that count say one thing: all the same, or all nothing."""
    return reduce(and_, (_alike(part, nw.col(one.name("n"))) for part in one.parts))


def _alike(part: str, n: nw.Expr) -> nw.Expr:
    known, same = nw.col(f"known: {part}"), nw.col(f"min: {part}") == nw.col(f"max: {part}")
    return (known == 0) | ((known == n) & same.fill_null(False))


def _range(one: _Plan) -> list[nw.Expr]:
    """The highest of several values: at least the highest that is known, where some are unknown."""
    n, ends = nw.col(_N), {}
    for end, lower in (("low", True), ("high", False)):
        enough = nw.col(one.name(f"{end}s"))
        # the highest is no lower than any value, so that one value is enough for its lower end; for its upper end all
        # are needed. The lowest is the other way round.
        needed = enough > 0 if lower == (one.take == "max") else enough == n
        ends[end] = nw.when(needed).then(nw.col(one.name(end)))
    whole = (ends["low"] == ends["high"]).fill_null(False)
    part = ~whole
    return [
        nw.when(whole).then(ends["low"]).alias(one.field),
        nw.when(part).then(ends["low"]).alias(f"{one.field}{LOW}"),
        nw.when(part).then(ends["high"]).alias(f"{one.field}{HIGH}"),
        nw.when(part & ~(ends["low"].is_null() & ends["high"].is_null()))
        .then(nw.lit(f"{one.take} of rows of which some are unknown"))
        .alias(f"{one.field}{WRITTEN}"),
    ]


# --- how many depend on it --------------------------------------------------------------------------------------------


def _findings(grouped: Any, taken: list[_Plan], mapping: ColumnMapping) -> tuple[int, list[Finding]]:
    """How many patients there are; how many have several rows, and a field that depends on the choice or stays open."""
    several = nw.col(_N) > 1
    asked = [number_of(several).alias("several"), nw.len().alias("n"), nw.col(_N).sum().alias("rows")]
    for one in taken:
        asked += [number_of(_varies(one)).alias(one.name("varies")), number_of(_is_open(one)).alias(one.name("open"))]
    row, rows = one_row(grouped.select(*asked)), mapping.several
    assert rows is not None
    n, id = row["n"], mapping.id.column or ""
    told = f"{row['rows']:,} rows are {n:,} patients"
    by = f" by {rows.by}" if rows.by else ""
    action = f"take: {rows.take}{by if rows.take != 'only' else ''}"
    found = [finding(ID, id, "several rows of one patient", row["several"], n, told, action)]
    for one in taken:
        source = ", ".join(mapping.column(one.field).sources)  # type: ignore[union-attr]
        action = f"take: {one.take}{by if one.ordered else ''}"
        if count := row[one.name("varies")]:
            found.append(finding(one.field, source, "depends on which row is taken", count, n, "", action))
        if count := row[one.name("open")]:
            found.append(finding(one.field, source, _LEFT_OPEN[one.take], count, n, "", "read as unknown"))
    return n, found if row["several"] else []


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


def _varies(one: _Plan) -> nw.Expr:
    """Whether the rows of a patient do not all say the same."""
    said, same = nw.col(one.name("said")), nw.col(one.name("least")) == nw.col(one.name("most"))
    return ((said > 0) & (said < nw.col(_N))) | ~same.fill_null(True)


def _is_open(one: _Plan) -> nw.Expr:
    """Whether rows say something, and leave open what the field is."""
    said, n = nw.col(one.name("said")), nw.col(_N)
    if one.take in ("last", "first", "only"):
        return ~_agree(one)
    lacking = (said > 0) & (said < n)
    if one.take in ("any", "all"):
        decided = nw.col(one.name("most")) == 1 if one.take == "any" else nw.col(one.name("least")) == 0
        return lacking & ~decided.fill_null(False)
    return lacking


def rows_of(rows: Any, id: str) -> pd.DataFrame:
    """The rows of one patient: for each field and row what it says, and whether it counts.

    Args:
        rows: of `PatientRows`.
        id: of the patient, as in the table.
    """
    own = in_polars(rows.filter(nw.col(OWN).cast(nw.String()) == str(id)))
    place = own[ROW] if ROW in own.columns else pl.Series([None] * own.height)
    by = own[BY] if BY in own.columns else pl.Series([None] * own.height)
    fields = [name.removeprefix("counts: ") for name in own.columns if name.startswith("counts: ")]
    told = [
        {"field": field, "row": row, "by": day, "value": value, "counts": counts}
        for field in fields
        for row, day, value, counts in zip(place, by, own[field], own[f"counts: {field}"], strict=True)
    ]
    return pd.DataFrame(told, columns=list(ROWS_OF))


def rows_text(told: pd.DataFrame, fields: Mapping[str, Field]) -> list[str]:
    """For each field, which rows of a patient count and what they say, where rows differ.

    Args:
        told: of `rows_of`.
        fields: by name, with their labels.
    """
    lines = []
    for name, group in told.groupby("field", sort=False):
        field, counted = fields[str(name)], group[group["counts"]]
        if counted.empty or len(group["value"].drop_duplicates()) < 2:
            continue
        numbers, by = (["" if pd.isna(each) else str(each) for each in counted[name]] for name in ("row", "by"))
        if len(counted) == 1:
            day = f" ({by[0]})" if by[0] else ""
            lines.append(f"{field.label}: row {numbers[0]}{day} of rows {', '.join(map(str, group['row']))}")
        else:
            values = [field.write(None if value is None or value != value else value) for value in counted["value"]]
            lines.append(f"{field.label}: rows {', '.join(numbers)} count: {', '.join(values)}")
    return lines
