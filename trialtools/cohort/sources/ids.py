"""A table and what the mapping says of its patient ids go in; ids that tell every row apart come out, or an error."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from ...criteria.language import nearest
from ...criteria.protocol import DataError
from .columns import Check, plain_type, text_of
from .mapping import PatientId

ID = "patient_id"
ROW, OWN, LOST, TWICE = "__row__", "__id__", "__no_id__", "__twice__"
NEEDED = "one row is one patient; on_fault: number under patient_id: in a mapping tells such rows apart by their number"


def identified(frame: Any, id: PatientId, schema: dict[str, Any]) -> Any:
    """The table with its ids as a column of their own, and with row numbers where they are needed to tell rows apart.

    Raises:
        DataError: no such column, or one that cannot name anybody.
    """
    if id.column is None:
        return nw.from_native(_numbered(frame).to_native().with_row_index(ROW, offset=1))
    if id.column not in schema:
        hint = nearest(id.column, schema)
        raise DataError(
            f"no column '{id.column}' to tell patients apart{hint}. Name it under patient_id: in a mapping; "
            "patient_id: {} numbers the rows"
        )
    frame = frame.with_columns(_own(id.column, schema[id.column]).alias(OWN))
    if id.on_fault == "error":
        return frame

    native = _numbered(frame).to_native().with_row_index(ROW, offset=1)
    fault = (pl.col(OWN).is_null() | (pl.col(OWN).cast(pl.String).str.strip_chars() == "")).alias(LOST)
    native = native.with_columns(fault)
    return nw.from_native(native.with_columns((pl.col(OWN).is_duplicated() & ~pl.col(LOST)).alias(TWICE)))


def _own(column: str, dtype: Any) -> nw.Expr:
    if dtype.is_integer() or dtype in (nw.String, nw.Date):
        return nw.col(column)
    if dtype.is_float() or dtype in (nw.Categorical, nw.Enum):
        return text_of(column, dtype)
    raise DataError(f"patient_id: the column {column} holds {plain_type(dtype)}; expected text or whole numbers")


def _numbered(frame: Any) -> Any:
    if not frame.implementation.is_polars():
        raise DataError("rows can be numbered only in files and Polars or pandas tables; name a patient_id column")
    return frame


def id_column(id: PatientId) -> nw.Expr:
    """The ids of the patient table."""
    row = nw.concat_str(nw.lit("row "), nw.col(ROW).cast(nw.String()))
    if id.column is None:
        return row.alias(ID)
    if id.on_fault == "error":
        return nw.col(OWN).alias(ID)
    own = nw.col(OWN).cast(nw.String())
    apart = nw.concat_str(own, nw.lit(" ("), row, nw.lit(")"))
    return nw.when(nw.col(LOST)).then(row).otherwise(nw.when(nw.col(TWICE)).then(apart).otherwise(own)).alias(ID)


def id_checks(id: PatientId, schema: dict[str, Any]) -> list[Check]:
    """What may be wrong with single ids; that two are alike is asked of all of them at once."""
    if id.column is None:
        return []
    own = nw.col(OWN)
    if id.on_fault == "number":
        row, action = nw.col(ROW), "named by its row number"
        return [
            Check(ID, id.column, "no patient id", nw.col(LOST), row, action),
            Check(ID, id.column, "patient id stands more than once", nw.col(TWICE), own, action),
        ]
    empty = own.is_null()
    if schema[id.column] == nw.String:
        empty = empty | (own.str.strip_chars() == "")
    return [Check(ID, id.column, f"no patient id; {NEEDED}", empty, own, "", fatal=True)]


def told_apart(frame: Any, id: PatientId) -> list[str]:
    """What there is to say of ids that stand more than once: nothing, or a paragraph."""
    if id.column is None:
        return []
    numbered = id.on_fault == "number"
    ids = frame.select(id_column(id) if numbered else nw.col(OWN).alias(ID))
    if not (repeated := _repeated(ids)):
        return []
    listed = ", ".join(_where(ids, repeated[:3])) + (", ..." if len(repeated) > 3 else "")
    told = f"  patient_id (column {id.column}): {len(repeated):,} x an id that stands more than once: {listed}"
    return [f"{told}\n    {'an id looks like the number of a row; rename it' if numbered else NEEDED}"]


def _repeated(ids: Any) -> list[Any]:
    """The ids that stand more than once."""
    if ids.implementation.is_polars():
        ids = _suspected(ids.to_native())
    counted = ids.group_by(ID).agg(nw.len().alias("__n__")).filter(nw.col("__n__") > 1, ~nw.col(ID).is_null())
    counted = counted.select(ID)
    counted = counted.collect("polars") if isinstance(counted, nw.LazyFrame) else counted
    return sorted(counted[ID].to_list(), key=str)


def _suspected(ids: Any) -> Any:
    """The rows whose id shares its hash with another: sorted hashes need a tenth of the room of a group-by."""

    hashes = ids.select(pl.col(ID).hash()).collect(engine="streaming").to_series().to_numpy(writable=True)
    hashes.sort()
    return nw.from_native(ids.filter(pl.col(ID).hash().is_in(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))))


def _where(ids: Any, repeated: list[Any]) -> list[str]:
    """The ids with the first rows they stand in, where the engine keeps the order of rows."""
    if not ids.implementation.is_polars():
        return [str(id) for id in repeated]

    found = ids.to_native().with_row_index(ROW, offset=1).filter(pl.col(ID).is_in(repeated)).collect()
    rows = [found.filter(pl.col(ID) == id)[ROW].to_list() for id in repeated]
    return [
        f"'{id}' in rows {', '.join(map(str, at[:3]))}{' ...' if len(at) > 3 else ''}"
        for id, at in zip(repeated, rows, strict=True)
    ]
