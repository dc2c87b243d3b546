"""Rows that are wrong go in, findings come out: what is wrong, of how many, the first of them, what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from .tables import FINDINGS, Frame

UNKNOWN = "read as unknown"
KEPT = "kept as written"
FATAL = "stop"

Finding = dict[str, Any]


def finding(table: str, column: str, problem: str, n: int, of: int, example: str, action: str) -> Finding:
    """One row of the findings; what stops the reading is fatal."""
    return dict(zip(FINDINGS, (table, column, problem, n, of, example, action, action == FATAL), strict=True))


def finding_for(table: str, column: str, problem: str, frame: Frame, hit: Frame, action: str) -> list[Finding]:
    """A finding on the rows where `hit`, none where there are none; the example names the first subjects."""
    n = int(hit.sum())
    if not n:
        return []
    examples = []
    for row, who, value in frame.loc[hit, ["subject_id", column]].head(3).itertuples(name=None):
        shown = str(value).removesuffix(" 00:00:00") if value == value and value is not None else ""
        who = who if isinstance(who, str) else f"row {row + 1}"
        examples.append(f"{who}: {shown}" if shown and column != "subject_id" else who)
    return [finding(table, column, problem, n, len(frame), ", ".join(examples), action)]


def findings_frame(findings: Iterable[Finding]) -> Frame:
    """Findings as a frame, each problem in one row."""
    return pd.DataFrame(list(findings), columns=list(FINDINGS)).astype({"n": int, "of": int, "fatal": bool})
