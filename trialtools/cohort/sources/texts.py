"""Columns of texts go in; what they say as numbers and days stands beside them, read once for each different text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ...criteria.expressions import HIGH, LOW
from ...criteria.language import NUMERIC
from ...criteria.protocol import Field
from .cells import BLANKS, read_cell
from .mapping import MappedColumn

READ = "__read__"

_NUMBER = {False: r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", True: r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$"}
_DAY = r"^\d{4}-\d{2}-\d{2}$"


@dataclass(frozen=True)
class Text:
    """A text column that is read as a number or a day: whether some values are known in part; the commonest fault."""

    partial: bool = False
    fault: str = ""


def read_texts(
    frame: pl.LazyFrame, fields: Mapping[str, Field], columns: Mapping[str, MappedColumn]
) -> tuple[pl.LazyFrame, dict[str, Text]]:
    """A table with what its texts mean beside them: `__read__age`, and the bounds of what is known in part.

    Args:
        frame: the table.
        fields, columns: by name, numbers and dates whose one column holds texts.
    """
    plain = {name: _plain(fields[name], columns[name]) for name in columns}
    odd_texts = []
    for name, column in columns.items():
        text = _text_of(column)
        odd_texts.append(text.filter(text.is_not_null() & plain[name].is_null()).unique().sort().implode().alias(name))
    odd = frame.select(odd_texts).collect(engine="streaming") if odd_texts else pl.DataFrame()
    made, texts = [], {}
    for name, column in columns.items():
        kind = pl.Float64 if fields[name].type in NUMERIC else pl.Date
        cells = {text: read_cell(text, fields[name], column) for text in odd[name].item().to_list()}
        partial = {text: cell for text, cell in cells.items() if cell.low is not None or cell.high is not None}
        faults = Counter(cell.fault for cell in cells.values() if cell.fault)
        texts[name] = Text(bool(partial), faults.most_common(1)[0][0] if faults else "")
        whole = {text: cell.value for text, cell in cells.items() if cell.value is not None}
        made.append(pl.coalesce(plain[name], _look_up(column, whole, kind)).alias(f"{READ}{name}"))
        if partial:
            bound = pl.Int64 if fields[name].type == "integer" else kind
            made += [
                _look_up(column, {text: getattr(cell, end) for text, cell in partial.items()}, bound).alias(as_)
                for end, as_ in (("low", f"{READ}{name}{LOW}"), ("high", f"{READ}{name}{HIGH}"))
            ]
    return frame.with_columns(made), texts


def _text_of(column: MappedColumn) -> pl.Expr:
    """The text, if it says something."""
    text = pl.col(column.sources[0]).str.strip_chars(BLANKS)
    return pl.when(~text.is_in(["", *column.missing])).then(text)


def _plain(field: Field, column: MappedColumn) -> pl.Expr:
    """What the engine itself reads without any doubt; the rest is read text by text."""
    text = _text_of(column)
    if field.type in NUMERIC:
        number = pl.when(text.str.contains(_NUMBER[column.decimal == ","])).then(text)
        return number.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if column.date_format == "%Y-%m-%d":
        return pl.when(text.str.contains(_DAY)).then(text).str.to_date("%Y-%m-%d", strict=False)
    return pl.lit(None, pl.Date)


def _look_up(column: MappedColumn, values: Mapping[str, object], kind: type[pl.DataType]) -> pl.Expr:
    """What each text means, as a function: of many tables of meanings in one plan the engine copies each many times."""
    if not values:
        return pl.lit(None, kind)
    meant = pl.Series([*values.values()], dtype=kind, strict=False)

    def look_up(texts: pl.Series) -> pl.Series:
        return texts.replace_strict([*values], meant, default=None, return_dtype=kind)

    return _text_of(column).map_batches(look_up, return_dtype=kind, is_elementwise=True)
