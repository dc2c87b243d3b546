"""The door of frames: any column of any library is read, or refused with a sentence; no row is lost in silence."""

from __future__ import annotations

from random import Random
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from .tables import FIELDS, ODD, PLAIN, ids, screened

POLARS = (
    pl.Int8,
    pl.UInt64,
    pl.Int128,
    pl.Float32,
    pl.Float64,
    pl.String,
    pl.Categorical,
    pl.Boolean,
    pl.Decimal(10, 2),
    pl.Null,
)
PANDAS = ("object", "string", "category", "Int64", "Float64", "boolean", "float32")


def attempt(chance: Random) -> None:
    """One frame of Polars, pandas or Arrow."""
    n = chance.randrange(6)
    columns: dict[str, Any] = {"patient_id": ids(chance, n)}
    for name in chance.sample(FIELDS, chance.randrange(1, len(FIELDS) + 1)):
        columns[name] = chance.choices(PLAIN[name] if chance.random() < 0.6 else ODD, k=n)
    if chance.random() < 0.2:
        columns["note"] = chance.choices((*ODD, [], object), k=n)
    make = chance.choice((polars, pandas, arrow))
    if (frame := make(chance, columns)) is not None:
        screened(frame, n)


def polars(chance: Random, columns: dict[str, Any]) -> Any:
    try:
        frame = pl.DataFrame(columns, strict=False)
        if chance.random() < 0.4:
            name = chance.choice(frame.columns)
            frame = frame.with_columns(pl.col(name).cast(chance.choice(POLARS), strict=False))
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return None  # no such frame
    return frame.lazy() if chance.random() < 0.3 else frame


def pandas(chance: Random, columns: dict[str, Any]) -> Any:
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    try:
        if chance.random() < 0.5:
            frame = frame.infer_objects()
        if chance.random() < 0.4:
            name = chance.choice(list(frame))
            frame = frame.astype({name: chance.choice(PANDAS)})
    except (TypeError, ValueError, OverflowError):
        return None
    return frame.sample(frac=1, random_state=chance.randrange(100)) if chance.random() < 0.3 else frame


def arrow(chance: Random, columns: dict[str, Any]) -> Any:
    try:
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    return table
