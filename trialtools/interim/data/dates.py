"""Days that are known in part go in; the earliest and the latest day that each may be come out.

A day with only the month or the year known is empty in its own column, and a column `..__written` keeps what is known
of it: 2023-05, 2023. It lies neither before nor after any day that it may be.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from ...cohort.sources.cells import read_cell
from ...cohort.sources.mapping import MappedColumn
from ...criteria.expressions import WRITTEN
from ...criteria.protocol import Field
from .tables import DTYPES, Frame

_DAY = Field("date", "a day")


def earliest(frame: Frame, name: str) -> Frame:
    """The first day that each day of a column may be; unknown where nothing is known.

    >>> rows = pd.DataFrame({"seen_on": pd.to_datetime(["2023-05-17", None]), "seen_on__written": ["", "2023-05"]})
    >>> earliest(rows, "seen_on").dt.day.tolist(), latest(rows, "seen_on").dt.day.tolist()
    ([17, 1], [17, 31])
    """
    return _bound(frame, name, "low")


def latest(frame: Frame, name: str) -> Frame:
    """The last day that each day of a column may be; unknown where nothing is known."""
    return _bound(frame, name, "high")


def blank(frame: Frame, name: str, hit: Frame) -> Frame:
    """A frame without the days of a column where `hit`, nor what is known of them."""
    columns = [each for each in (name, name + WRITTEN) if each in frame]
    return frame.assign(**{each: frame[each].mask(hit) for each in columns})


def _bound(frame: Frame, name: str, which: Literal["low", "high"]) -> Frame:
    if name + WRITTEN not in frame:
        return frame[name]
    parts = frame.loc[frame[name].isna(), name + WRITTEN].dropna()
    if parts.empty:
        return frame[name]
    cells = {part: read_cell(part, _DAY, MappedColumn(name)) for part in parts.unique()}
    bounds = parts.map({part: pd.Timestamp(getattr(cell, which)) for part, cell in cells.items()})
    return frame[name].fillna(bounds.astype(DTYPES["date"]))
