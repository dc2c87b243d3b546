"""A screening goes in, its decisions come out as a table to filter and to show in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..cohort.rows import decisions
from ..cohort.screening import Screening
from ..criteria.patient.tree import DECISIONS

_ROWS = 200
_COLUMNS = ("patient_id", "decision", "failed", "unknown", "open_items")


def roster(screening: Screening) -> pl.DataFrame:
    """The decision for every patient, with what fails and what is open."""
    return decisions(screening).collect()


def filter_rows(frame: pl.DataFrame, filters: Mapping[str, str]) -> pl.DataFrame:
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
        everything = pl.concat_str([pl.col(column).cast(pl.String) for column in _COLUMNS], separator="\n")
        conditions.append(
            everything.str.to_lowercase().str.replace_all("_", " ", literal=True).str.contains(text, literal=True)
        )
    return frame.filter(*conditions) if conditions else frame


def first_rows(frame: pl.DataFrame, of: pl.DataFrame) -> dict[str, Any]:
    """The first rows, how many there are, and how many of each decision there are without any filter."""
    shown = frame.head(_ROWS).select(_COLUMNS)
    counts = dict(of.group_by("decision").len().iter_rows())
    return {
        "n": of.height,
        "kept": frame.height,
        "rows": [["" if cell is None else str(cell) for cell in row] for row in shown.iter_rows()],
        "counts": {decision: counts.get(decision, 0) for decision in DECISIONS},
    }
