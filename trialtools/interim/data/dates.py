"""Days that are known in part go in; the earliest and the latest day that each may be comes out.

A day of which only the month or the year is known is empty in its own column, and a column `..._written` keeps what is
known of it: 2023-05, 2023. It lies neither before nor after any day that it may be.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from .tables import DTYPES, Frame

WRITTEN = "_written"


def earliest(frame: Frame, name: str) -> Frame:
    """The first day that each day of a column may be; unknown where nothing is known.

    >>> rows = pd.DataFrame({"seen_on": pd.to_datetime(["2023-05-17", None]), "seen_on_written": ["", "2023-05"]})
    >>> earliest(rows, "seen_on").dt.day.tolist(), latest(rows, "seen_on").dt.day.tolist()
    ([17, 1], [17, 31])
    """
    return _edge(frame, name, "start")


def latest(frame: Frame, name: str) -> Frame:
    """The last day that each day of a column may be; unknown where nothing is known."""
    return _edge(frame, name, "end")


def _edge(frame: Frame, name: str, side: Literal["start", "end"]) -> Frame:
    if name + WRITTEN not in frame:
        return frame[name]
    parts = frame[name + WRITTEN].where(frame[name].isna())
    edges = {part: getattr(pd.Period(part), f"{side}_time").normalize() for part in parts.dropna().unique()}
    return frame[name].fillna(parts.map(edges).astype(DTYPES["date"]))
