"""One raw column goes in, a typed column and what is wrong with it come out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.engine import DTYPES
from ...criteria.language import NUMERIC, ProtocolError
from ...criteria.protocol import DataError, Field
from .mapping import UNKNOWN, Column, factor

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
NOT_A_NUMBER = ("nan", "inf", "-inf", "+inf", "infinity")
READ = "__read__"
EXACT = 2**53
"""Below it, every whole number is a double of its own."""
WIDE = (nw.UInt64, nw.Int128, nw.UInt128)
"""Whole numbers that a 64-bit one may not hold."""


@dataclass(frozen=True)
class Check:
    """Something that may be wrong with values of a column: which rows, and what becomes of them."""

    field: str
    column: str
    problem: str
    bad: nw.Expr
    shown: nw.Expr
    action: str
    fatal: bool = False


@dataclass(frozen=True)
class Typed:
    """A field's column in the field's own type, and the checks of its values."""

    values: nw.Expr
    checks: tuple[Check, ...] = ()


def typed(name: str, field: Field, column: Column, schema: dict[str, Any]) -> Typed:
    """How a field is read from the columns of a table.

    Args:
        name, field: of the protocol.
        column: of the mapping.
        schema: of the table, names and types.

    Raises:
        DataError: a column that is not there, or whose type cannot become the field's.
    """
    parts = [_typed(name, field, column, source, schema) for source in column.sources]
    checks = tuple(check for part in parts for check in part.checks)
    return Typed(reduce(or_, (part.values for part in parts)).alias(name), checks)


def _typed(name: str, field: Field, column: Column, source: str, schema: dict[str, Any]) -> Typed:
    dtype, raw = schema[source], nw.col(source)
    if column.codes or field.type in ("flag", "category"):
        if dtype == nw.Boolean and field.type == "flag" and not column.codes:
            return Typed(raw)
        return _coded(name, field, column, source, dtype)
    if field.type == "date":
        return _date(name, field, column, source, dtype)
    return _number(name, field, column, source, dtype)


def _coded(name: str, field: Field, column: Column, source: str, dtype: Any) -> Typed:
    """Flags and categories by their declared codes; a flag without codes may be written true or false."""
    if dtype.is_numeric() and not column.codes:
        raise DataError(
            f"{name}: the column {source} holds numbers; say what each means: codes: {{'0': ..., '1': ...}}"
        )
    text, silent = text_of(source, dtype), _silent(name, source, dtype)
    codes: dict[str, bool | str] = dict(column.codes)
    if not codes and field.type == "flag":
        codes = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
    if dtype == nw.Boolean:  # a reader that knows true from false has lost how the file wrote them
        codes = {code.lower(): meaning for code, meaning in codes.items()}
    known = _present(text, column)
    if not codes:
        bad = known & ~text.is_in(list(field.values))
        check = _invalid(name, column, source, bad, text, f"undeclared value; declared are {', '.join(field.values)}")
        exact = column.on_invalid == "error" and not column.missing
        return Typed(nw.when(text != "" if exact else text.is_in(list(field.values))).then(text), (check, *silent))
    if "" in codes:
        text = text.fill_null("")
    values = nw.lit(None, DTYPES[field.type]())
    for meaning in dict.fromkeys(m for m in codes.values() if m != UNKNOWN):
        values = (
            nw.when(text.is_in([code for code, m in codes.items() if m == meaning]))
            .then(nw.lit(meaning))
            .otherwise(values)
        )
    listed = ", ".join(list(codes)[:8])
    bad = known & ~text.is_in([*codes])
    undeclared = _invalid(name, column, source, bad, text, f"undeclared code; declared are {listed}")
    return Typed(values, (undeclared, *silent))


def _number(name: str, field: Field, column: Column, source: str, dtype: Any) -> Typed:
    raw, checks = nw.col(source), []
    if dtype == nw.String:
        raw = nw.col(parsed(name))
        text = text_of(source, dtype)
        bad = _present(text, column) & raw.is_null()
        comma = "a decimal comma needs decimal: ','; " if column.decimal == "." else ""
        hint = f"not a number; {comma}a word for unknown belongs under missing:"
        checks.append(_invalid(name, column, source, bad, text, hint))
    elif not dtype.is_numeric():
        raise DataError(f"{name} needs {field.domain}; the column {source} holds {plain_type(dtype)}")
    floating = dtype == nw.String or not dtype.is_integer() or dtype in WIDE
    if floating:
        raw = raw if dtype in (nw.Float64, nw.String) else raw.cast(nw.Float64())
    if missing := [float(code) for code in column.missing if _is_number(code)]:
        raw = nw.when(~raw.is_in(missing if floating else [int(m) for m in missing if m.is_integer()])).then(raw)
    if floating:
        checks.append(_finding(name, source, "not a number (NaN or infinite)", ~raw.is_finite(), raw))
    if column.unit and field.unit:
        by, plus = _factor(column.unit, field.unit, name)
        if (by, plus) != (1.0, 0.0):
            # Rounded well below what anybody measures: 100.4 degrees Fahrenheit are 38, not 38.00000000000001.
            raw = (raw.cast(nw.Float64()) * by + plus).round(max(0, 9 - math.floor(math.log10(abs(by)))))
            floating = True
    if field.type == "integer" and floating:
        fraction = _rounded(raw) != raw
        checks.append(_invalid(name, column, source, fraction, raw, "not a whole number"))
        raw = nw.when(fraction).then(nw.lit(None, nw.Float64())).otherwise(raw)
    elif not floating and dtype != nw.Int64:
        raw = raw.cast(nw.Int64())
    low, high = field.limits
    outside = (raw < low) | (raw > high)
    outside = outside & raw.is_finite() if floating else outside
    problem = f"impossible value (outside {low:g} to {high:g} {field.unit or ''}".rstrip() + ")"
    checks.append(_finding(name, source, problem, outside, raw))
    return Typed(raw, tuple(checks))


def _factor(unit: str, wanted: str, name: str) -> tuple[float, float]:
    try:
        return factor(unit, wanted, name)
    except ProtocolError as error:
        raise DataError(str(error)) from None


def _date(name: str, field: Field, column: Column, source: str, dtype: Any) -> Typed:
    raw, checks = nw.col(source), []
    if dtype == nw.String:
        raw, text = nw.col(parsed(name)), text_of(source, dtype)
        written = column.format or "%Y-%m-%d"
        hint = f"not a date written {written}; declare its format:, such as '%d/%m/%Y'"
        checks.append(_invalid(name, column, source, _present(text, column) & raw.is_null(), text, hint))
    elif isinstance(dtype, nw.Datetime) or dtype == nw.Datetime:
        raw = raw.dt.date()
    elif dtype != nw.Date:
        raise DataError(f"{name} needs {field.domain}; the column {source} holds {plain_type(dtype)}")
    low, high = field.limits
    problem = f"impossible value (outside {low} to {high})"
    checks.append(_finding(name, source, problem, (raw < low) | (raw > high), raw))
    return Typed(raw, tuple(checks))


def parse_text(frame: Any, wanted: list[tuple[str, Field, Column, str]]) -> Any:
    """A Polars frame with numbers and dates read from its text columns, beside the text they came from.

    Args:
        frame: Polars lazy frame.
        wanted: for each text column that must become a number or a date: field, declaration, mapping, name.
    """

    columns = []
    for name, field, column, source in wanted:
        text = pl.col(source).str.strip_chars()
        text = pl.when(~text.is_in(["", *column.missing])).then(text)
        if field.type in NUMERIC:
            number = text.str.replace(",", ".", literal=True) if column.decimal == "," else text
            fits = number.str.contains(NUMBER) | number.str.to_lowercase().is_in(NOT_A_NUMBER)
            parse = pl.when(fits).then(number).cast(pl.Float64, strict=False)
        else:
            parse = text.str.to_date(column.format or "%Y-%m-%d", strict=False)
        columns.append(parse.alias(parsed(name)))
    return frame.with_columns(*columns)


def parsed(name: str) -> str:
    """The name of the column that holds what a text column says about a field."""
    return f"{READ}{name}"


def text_of(source: str, dtype: Any) -> nw.Expr:
    """A column as text, as its codes are written: a whole number has no decimal places, NaN is no text at all."""
    column = nw.col(source)
    if dtype == nw.String:
        return column
    if not dtype.is_float():
        return column.cast(nw.String())
    whole = _rounded(column) == column
    written = nw.when(whole).then(column).cast(nw.Int64()).cast(nw.String())
    return nw.when(whole).then(written).otherwise(nw.when(~column.is_nan()).then(column.cast(nw.String())))


def _rounded(column: nw.Expr) -> nw.Expr:
    """The nearest whole number, or null where every double is whole: some engines go through 64-bit integers."""
    return nw.when(column.abs() < EXACT).then(column).round(0)


def _silent(name: str, source: str, dtype: Any) -> list[Check]:
    column = nw.col(source)
    return [_finding(name, source, "not a number (NaN)", column.is_nan(), column)] if dtype.is_float() else []


def _present(text: nw.Expr, column: Column) -> nw.Expr:
    return ~text.is_null() & ~text.is_in(["", *column.missing])


def _invalid(name: str, column: Column, source: str, bad: nw.Expr, shown: nw.Expr, problem: str) -> Check:
    """A value that cannot be read: an error, unless the mapping says that it is merely unknown."""
    return Check(name, source, problem, bad, shown, "read as unknown", fatal=column.on_invalid == "error")


def _finding(name: str, source: str, problem: str, bad: nw.Expr, shown: nw.Expr) -> Check:
    return Check(name, source, problem, bad, shown, "read as unknown")


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
