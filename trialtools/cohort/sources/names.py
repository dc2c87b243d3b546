"""The columns of a table and the fields of a protocol go in; which column is read for which field comes out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any
from unicodedata import normalize

import narwhals as nw

from ...criteria.contents import Protocol
from ...criteria.language import nearest
from ...criteria.protocol import DataError, Field
from .mapping import ColumnMapping, MappedColumn


def match_columns(
    protocol: Protocol, mapping: ColumnMapping, schema: dict[str, Any], sheet: bool = False
) -> dict[str, MappedColumn]:
    """The mapping of each field that the table has. A mapped column must exist; without a mapping it may be absent.

    Titles may stand above the names of a `sheet`.

    Raises:
        DataError: a mapped column that is not there, or no field at all.
    """
    column_of = {}
    own = all(mapping.fields.get(field) == field for field in protocol.fields)
    for field in protocol.fields:
        column = mapping.column(field)
        if column is None:
            continue
        for source in column.sources:
            if source not in schema and not own:
                raise DataError(f"no column '{source}' for the field {field}{similar(source, schema)}")
        if all(source in schema for source in column.sources):
            column_of[field] = _with_codes(column, protocol.fields[field], mapping, [schema[s] for s in column.sources])
    if not column_of:
        pairs = look_alikes(protocol.fields, schema)
        lines = ", ".join(f"{field}: {column}" for field, column in pairs.items())
        hint = f"; take at least one line into the mapping file, which trialtools map writes: {lines}"
        columns_text = f"; its columns are {', '.join(list(schema)[:8])}" if schema else ", for it has none"
        columns_text += "; if the names stand further down, header: in the mapping says in which line" if sheet else ""
        raise DataError(f"none of its columns is a field of the protocol{hint if pairs else columns_text}")
    return column_of


def _with_codes(column: MappedColumn, field: Field, mapping: ColumnMapping, dtypes: list[Any]) -> MappedColumn:
    """A flag without codes of its own has those of the whole table, unless its values are true and false already."""
    codes = {code.lower() for code in mapping.codes}
    already = all(dtype == nw.Boolean for dtype in dtypes) and codes.isdisjoint(("true", "false"))
    if field.type != "flag" or column.codes or already:
        return column
    return replace(column, codes=mapping.codes)


def look_alikes(fields: Iterable[str], columns: Collection[str]) -> dict[str, str]:
    """By field the column whose name differs in nothing but case, blanks, hyphens and underscores."""
    folded = {fold(column): column for column in reversed(list(columns))}
    return {field: folded[fold(field)] for field in fields if fold(field) in folded}


def similar(name: str, columns: Collection[str]) -> str:
    """`; did you mean 'AGE'?`, for a column that is not there."""
    alike = look_alikes([name], columns).get(name)
    return f"; did you mean '{alike}'?" if alike else nearest(name, columns)


def fold(name: str) -> str:
    return re.sub(r"[\W_]", "", normalize("NFKC", name)).casefold()
