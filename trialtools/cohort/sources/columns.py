"""Raw columns go in; typed columns and what is wrong with their values come out: one mechanism for every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.engine import DTYPES
from ...criteria.expressions import HIGH, LOW, WRITTEN
from ...criteria.language import NUMERIC
from ...criteria.language.wording import printed_unit
from ...criteria.protocol import DataError, Field
from ...criteria.units import factor, part_of_year
from .cells import digits_kept
from .mapping import UNKNOWN, MappedColumn
from .texts import READ, Text, read_texts

EXACT = 2**53
"""Below it, every whole number is a double of its own."""
_WIDE = (nw.UInt64, nw.Int128, nw.UInt128)
"""Whole numbers that a 64-bit one may not hold."""
_SHARES = 2
"""A percentage that can be larger than this is seldom at most 1 in every patient."""
_FIRST, _LAST = date(1000, 1, 1), date(9999, 12, 31)
_Bounds = tuple[nw.Expr, nw.Expr]
_TRUE_OR_FALSE: dict[str, bool | str] = {"true": True, "false": False}


@dataclass(frozen=True)
class Check:
    """Something that may be wrong with values of a column: in which rows, out of how many, and what is done with them.

    With `all` it is only wrong where it is so in every row that is `present`.
    """

    field: str
    column: str
    problem: str
    bad: nw.Expr
    shown: nw.Expr
    action: str = "read as unknown"
    advice: str = ""
    fatal: bool = False
    present: nw.Expr | None = None
    all: bool = False


@dataclass(frozen=True)
class _Source:
    """One column of a table that a field is read from; `checks` are of all columns, and grow while they are read."""

    name: str
    field: Field
    mapped: MappedColumn
    column: str
    dtype: Any
    polars: bool
    text: Text | None
    checks: list[Check]

    @property
    def raw(self) -> nw.Expr:
        return nw.col(self.column if self.text is None else f"{READ}{self.name}")

    @property
    def shown_text(self) -> nw.Expr:
        return text_of(self.column, self.dtype)

    @property
    def present(self) -> nw.Expr:
        """The rows in which something is said."""
        column = nw.col(self.column)
        if self.dtype != nw.String:
            return ~column.is_null()
        return ~column.is_null() & ~column.is_in(["", *self.mapped.missing])

    def finds(self, problem: str, bad: nw.Expr, shown: nw.Expr, action: str = "read as unknown") -> None:
        self.checks.append(Check(self.name, self.column, problem, bad, shown, action))

    def refuses(self, problem: str, bad: nw.Expr, shown: nw.Expr, advice: str = "") -> None:
        """A value that cannot be read: an error, unless the mapping says that it is merely unknown."""
        fatal = self.mapped.on_invalid == "error"
        made = Check(self.name, self.column, problem, bad, shown, advice=advice, fatal=fatal, present=self.present)
        self.checks.append(made)

    def wrong_type(self) -> DataError:
        holds = f"the column {self.column} holds {plain_type(self.dtype)}"
        return DataError(f"{self.name} needs {self.field.domain}; {holds}")


def read_columns(
    frame: Any, fields: Mapping[str, Field], columns: Mapping[str, MappedColumn]
) -> tuple[Any, list[nw.Expr], list[Check]]:
    """The table with what its texts say beside them; each field of it in its own type, with its bounds; what to check.

    Args:
        frame: Narwhals frame that has all columns of the mapping.
        fields: by name what each may hold.
        columns: by name of the field where it comes from; fields without one are left out.

    Raises:
        DataError: a column whose type cannot become the field's.
    """
    schema, polars = dict(frame.collect_schema()), frame.implementation.is_polars()
    as_text = {
        name: column
        for name, column in columns.items()
        if fields[name].type in (*NUMERIC, "date") and _is_written(schema[column.sources[0]], fields[name], column)
    }
    texts: dict[str, Text] = {}
    if as_text and not polars:
        name, column = next(iter(as_text.items()))
        what = "dates" if fields[name].type == "date" else "numbers"
        holds = f"the column {column.column} holds text where {what} are needed"
        raise DataError(f"{holds}; cast it in the query, or write a file")
    if as_text:
        sources = [column.sources[0] for column in as_text.values()]
        digits = [pl.col(source).cast(pl.String) for source in dict.fromkeys(sources) if schema[source] != nw.String]
        native, texts = read_texts(frame.to_native().lazy().with_columns(digits), fields, as_text)
        frame, schema = nw.from_native(native), schema | dict.fromkeys(sources, nw.String())
    values: list[nw.Expr] = []
    checks: list[Check] = []
    for name, column in columns.items():
        own = [
            _values(_Source(name, fields[name], column, source, schema[source], polars, texts.get(name), checks))
            for source in column.sources
        ]
        values += own[0] if len(own) == 1 else [reduce(or_, (flag for (flag,) in own)).alias(name)]
    return frame, values, checks


def _is_written(dtype: Any, field: Field, column: MappedColumn) -> bool:
    """Whether values are read from texts; a date of digits alone (20230131) is one where a format is declared."""
    return dtype == nw.String or (field.type == "date" and dtype.is_integer() and column.format is not None)


def _values(source: _Source) -> tuple[nw.Expr, ...]:
    if source.field.type in ("flag", "category"):
        return (_decode(source).alias(source.name),)
    return _date(source) if source.field.type == "date" else _number(source)


# --- codes ------------------------------------------------------------------------------------------------------------


def _decode(source: _Source) -> nw.Expr:
    """Flags and categories by their declared codes; a flag without codes may be written true or false."""
    field, dtype, codes = source.field, source.dtype, dict(source.mapped.codes)
    if dtype == nw.Boolean and field.type == "flag" and not codes:
        return source.raw
    if dtype.is_numeric() and not codes:
        raise DataError(
            f"{source.name}: the column {source.column} holds numbers; say what each means: codes: "
            "{'0': ..., '1': ...}, for this field or once for the whole table"
        )
    if not dtype.is_numeric() and dtype not in (nw.String, nw.Boolean, nw.Categorical, nw.Enum):
        raise source.wrong_type()
    text = source.shown_text
    if dtype.is_float():
        source.finds("not a number (NaN)", source.raw.is_nan(), source.raw)
    known = ~text.is_null() & ~text.is_in(["", *source.mapped.missing])
    if not codes and field.type == "category":
        declared = list(field.values)
        bad = known & ~text.is_in(declared)
        source.refuses("undeclared value", bad, text, f"declared are {', '.join(declared)}")
        exact = source.mapped.on_invalid == "error" and not source.mapped.missing
        return nw.when(text != "" if exact else text.is_in(declared)).then(text)
    declared = [*(codes or _TRUE_OR_FALSE)][:8]
    codes = _any_case(codes or _TRUE_OR_FALSE)
    if "" in codes:
        text = text.fill_null("")
    bad = known & ~text.is_in([*codes])
    source.refuses("undeclared code", bad, text, f"declared are {', '.join(declared)}; codes: says what others mean")
    values = nw.lit(None, DTYPES[field.type]())
    for meaning in dict.fromkeys(m for m in codes.values() if m != UNKNOWN):
        these = [code for code, m in codes.items() if m == meaning]
        values = nw.when(text.is_in(these)).then(nw.lit(meaning)).otherwise(values)
    return values


def _any_case(codes: dict[str, bool | str]) -> dict[str, bool | str]:
    """True and false however a library writes them: a reader that knows them has lost how the file wrote them."""
    words = {code: meaning for code, meaning in codes.items() if code.lower() in ("true", "false")}
    spelt = {form: meaning for code, meaning in words.items() for form in (code.lower(), code.title(), code.upper())}
    return {**spelt, **codes}


# --- numbers ----------------------------------------------------------------------------------------------------------


def _number(source: _Source) -> tuple[nw.Expr, ...]:
    field, dtype, raw = source.field, source.dtype, source.raw
    part = _part(source)
    if source.text is not None:
        advice = source.text.fault or "a word for unknown belongs under missing:"
        source.refuses("not a number", _no_reading(source, part), source.shown_text, advice)
    elif not dtype.is_numeric():
        raise source.wrong_type()
    floating = source.text is not None or not dtype.is_integer() or dtype in _WIDE
    if floating and source.text is None and dtype != nw.Float64:
        raw = raw.cast(nw.Float64())
    if missing := [float(code) for code in source.mapped.missing if _is_number(code)]:
        raw = nw.when(~raw.is_in(missing if floating else [int(m) for m in missing if m.is_integer()])).then(raw)
    if floating:
        shown = raw if source.text is None else source.shown_text
        source.finds("not a number (NaN or infinite)", ~raw.is_finite(), shown)
    if field.unit == "%" and source.mapped.unit in (None, "%") and field.limits[1] > _SHARES:
        problem, action = "at most 1, where percent are meant", "unit: '1' in the mapping reads parts of 1 as percent"
        share, every = (raw > 0) & (raw <= 1), field.limits[0] <= 1  # where they can be percent, one alone is no sign
        check = Check(source.name, source.column, problem, share, raw, action, present=raw > 0, all=every)
        source.checks.append(check)
    if small := part_of_year(source.mapped.unit, field.unit) if field.type == "integer" else "":
        low, high = _completed_years(raw.cast(nw.Float64()), small)
        raw, floating = nw.when(low == high).then(low), True
        part = _either(part, (low, high))
    elif source.mapped.unit and field.unit and (scale := factor(source.mapped.unit, field.unit, source.name)) != (1, 0):
        raw, floating = (raw.cast(nw.Float64()) * scale[0] + scale[1]).round(digits_kept(scale[0])), True
    if field.type == "integer" and floating and not small:
        fraction = _nearest_whole(raw) != raw
        source.refuses("not a whole number", fraction, raw)
        if source.mapped.on_invalid == "unknown":
            part = _either(part, (nw.when(fraction).then(raw.floor()), nw.when(fraction).then(raw.ceil())))
        raw = nw.when(fraction).then(nw.lit(None, nw.Float64())).otherwise(raw)
    return _possible(source, raw, part, floating)


def _completed_years(raw: nw.Expr, unit: str) -> _Bounds:
    """The fewest and the most years that somebody of so many months, weeks or days has completed.

    Four years have 1,461 days, and any of them may be the leap year: on the 365th day a year may be over or not.
    """
    if unit == "mo":
        return (years := (raw / 12).floor()), years
    days = raw.floor() * (7 if unit == "wk" else 1)
    return _years(days, 1), _years(days + (6 if unit == "wk" else 0), 0)


def _years(days: nw.Expr, leap: int) -> nw.Expr:
    fours = (days / 1461).floor()
    return fours * 4 + ((days - fours * 1461 - leap) / 365).floor().clip(0, 3)


def _possible(source: _Source, raw: nw.Expr, part: _Bounds | None, floating: bool) -> tuple[nw.Expr, ...]:
    """The values that can be, and what is known in part and can be; anything else is counted."""
    field, (low, high) = source.field, source.field.limits
    problem = f"impossible value (outside {field.span} {printed_unit(field.unit)}".rstrip() + ")"
    outside = (raw < low) | (raw > high)
    shown = _as_text(raw) if field.type == "date" else raw
    source.finds(problem, outside & raw.is_finite() if floating else outside, shown)
    inside = nw.when((raw >= low) & (raw <= high)).then(raw)
    kind = DTYPES[field.type]()
    values = inside.cast(kind) if field.type == "integer" else inside
    if part is None:
        return (values.alias(source.name),)
    cannot = (part[1] < low).fill_null(False) | (part[0] > high).fill_null(False)
    some = raw.is_null() & (~part[0].is_null() | ~part[1].is_null())
    source.finds(problem, some & cannot, source.shown_text)
    possible = some & ~cannot
    source.finds("known in part", possible, source.shown_text, "kept in part")
    bounds = [
        nw.when(possible).then(end).cast(kind).alias(f"{source.name}{which}")
        for end, which in zip(part, (LOW, HIGH), strict=True)
    ]
    return (
        values.alias(source.name),
        *bounds,
        nw.when(possible).then(source.shown_text).alias(f"{source.name}{WRITTEN}"),
    )


def _part(source: _Source) -> _Bounds | None:
    """The bounds of what is known in part, where texts say such a thing."""
    if source.text is None or not source.text.partial:
        return None
    return nw.col(f"{READ}{source.name}{LOW}"), nw.col(f"{READ}{source.name}{HIGH}")


def _no_reading(source: _Source, part: _Bounds | None) -> nw.Expr:
    nothing = source.raw.is_null() & (part[0].is_null() & part[1].is_null() if part else nw.lit(True))
    return source.present & nothing


def _either(part: _Bounds | None, other: _Bounds) -> _Bounds:
    if part is None:
        return other
    some = ~part[0].is_null() | ~part[1].is_null()
    low, high = (nw.when(some).then(one).otherwise(two) for one, two in zip(part, other, strict=True))
    return low, high


# --- days -------------------------------------------------------------------------------------------------------------


def _date(source: _Source) -> tuple[nw.Expr, ...]:
    raw, dtype, part = source.raw, source.dtype, _part(source)
    if source.text is not None:
        written, advice = source.mapped.format or "%Y-%m-%d", source.text.fault
        source.refuses(f"not a date written {written}", _no_reading(source, part), source.shown_text, advice)
    elif isinstance(dtype, nw.Datetime):
        raw = _day_of(source, raw, dtype.time_zone)
    elif dtype != nw.Date:
        raise source.wrong_type()
    return _possible(source, raw, part, False)


def _day_of(source: _Source, raw: nw.Expr, zone: str | None) -> nw.Expr:
    """The calendar day of a time stamp; with a zone it depends on where one stands, and somebody must say where."""
    wanted = source.mapped.zone
    if zone is None and wanted:
        raise DataError(f"{source.name}: the column {source.column} holds time stamps without a zone; leave out zone:")
    if zone is not None and wanted is None:
        problem = f"time stamp with a zone, and no zone: in the mapping (such as {zone})"
        source.finds(problem, ~raw.is_null(), _as_text(raw.dt.date()), f"read as a day in {zone}")
    if zone != wanted and wanted is not None:
        if not source.polars:
            problem = f"{source.name}: here the zone of time stamps is that of the connection, {zone}"
            raise DataError(f"{problem}; set it to {wanted} before the query")
        raw = raw.dt.convert_time_zone(wanted)
    return raw.dt.date()


def _as_text(day: nw.Expr) -> nw.Expr:
    """A day as text, if it has a year of four digits: engines panic at others, which a file may well hold."""
    return nw.when((day >= _FIRST) & (day <= _LAST)).then(day).cast(nw.String())


# --- texts ------------------------------------------------------------------------------------------------------------


def text_of(source: str, dtype: Any) -> nw.Expr:
    """A column as text, as its codes are written: a whole number has no decimal places, NaN is no text at all."""
    column = nw.col(source)
    if dtype == nw.String:
        return column
    if not dtype.is_float():
        return column.cast(nw.String())
    whole = _nearest_whole(column) == column
    written = nw.when(whole).then(column).cast(nw.Int64()).cast(nw.String())
    return nw.when(whole).then(written).otherwise(nw.when(~column.is_nan()).then(column.cast(nw.String())))


def _nearest_whole(column: nw.Expr) -> nw.Expr:
    """The nearest whole number, or null where every double is whole: some engines go through 64-bit integers."""
    return nw.when(column.abs() < EXACT).then(column).round(0)


def plain_type(dtype: Any) -> str:
    if dtype == nw.String:
        return "text"
    return {"Boolean": "true and false"}.get(str(dtype), f"values of type {dtype}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
