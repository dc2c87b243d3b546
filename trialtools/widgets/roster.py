"""A screening goes in, its decisions come out as a table to filter, to show in part and to write to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ..cohort.output import write_csv
from ..cohort.rows import DECISIONS, decisions
from ..cohort.screening import Screening
from ..criteria.files import whole
from ..criteria.protocol import DataError

ROWS = 200
COLUMNS = ("patient_id", "decision", "failed", "unknown", "open_items")


def roster(screening: Screening) -> pl.DataFrame:
    """The decision for every patient, with what fails and what is open."""
    return decisions(screening).collect()


def kept(frame: pl.DataFrame, filters: Mapping[str, str]) -> pl.DataFrame:
    """The rows that all filters let through; an empty filter lets everybody through.

    Args:
        frame: from `roster`.
        filters: `decision`; `criterion` with `state` (failed, unknown, or either); `text`, found in any column.
    """
    conditions = []
    if decision := filters.get("decision"):
        conditions.append(pl.col("decision").cast(pl.String) == decision)
    if criterion := filters.get("criterion"):
        columns = [state for state in ("failed", "unknown") if filters.get("state") in ("", None, state)]
        conditions.append(
            pl.any_horizontal(pl.col(column).str.split(", ").list.contains(criterion) for column in columns)
        )
    if text := filters.get("text", "").strip().lower().replace("_", " "):  # names are shown with spaces
        everything = pl.concat_str([pl.col(column).cast(pl.String) for column in COLUMNS], separator="\n")
        conditions.append(
            everything.str.to_lowercase().str.replace_all("_", " ", literal=True).str.contains(text, literal=True)
        )
    return frame.filter(*conditions) if conditions else frame


def shown(frame: pl.DataFrame, of: pl.DataFrame) -> dict[str, Any]:
    """The first rows, how many there are, and how many of each decision there are without any filter."""
    counts = dict(of.group_by("decision").len().iter_rows())
    return {
        "n": of.height,
        "kept": frame.height,
        "rows": [
            ["" if cell is None else str(cell) for cell in row] for row in frame.head(ROWS).select(COLUMNS).iter_rows()
        ],
        "counts": {decision: counts.get(decision, 0) for decision in DECISIONS},
    }


def write(frame: pl.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write the rows as CSV, whole or not at all. An earlier list of decisions is replaced, anything else is not.

    Raises:
        DataError: the file is something else, or cannot be written.
    """
    path = Path(path).expanduser().absolute()
    header = ",".join(COLUMNS)
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; add the name of a file, such as decisions.csv")
        if path.exists() and not _begins(path, header):
            raise DataError(f"{path} exists and is not a list of decisions; nothing was written. Choose another name")
        with whole(path) as part:
            write_csv(frame, part)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def _begins(path: Path, text: str) -> bool:
    with path.open("rb") as file:
        return file.read(len(text)) == text.encode()
