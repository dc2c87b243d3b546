"""A table and checks of its values go in; what was wrong comes out, counted, or an error with the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from .columns import Check
from .ids import ID, ROW

_QUALITY = ("field", "column", "problem", "n", "of", "example", "action")
Finding = dict[str, Any]


def finding(field: str, column: str, problem: str, n: int, of: int, example: str, action: str) -> Finding:
    return dict(zip(_QUALITY, (field, column, problem, n, of, example, action), strict=True))


def quality_table(findings: Sequence[Finding], last: Sequence[Finding] = ()) -> pd.DataFrame:
    """Findings as a frame, the commonest first; what concerns whole columns comes last."""
    ordered = sorted(findings, key=lambda one: -one["n"])
    return pd.DataFrame([*ordered, *last], columns=list(_QUALITY))


def run_checks(frame: Any, checks: Sequence[Check], id: nw.Expr) -> tuple[int, list[Finding], list[str]]:
    """All checks in one pass: the number of rows, what is counted, and a paragraph for each check that is fatal.

    Args:
        frame: Narwhals frame that the checks are about.
        checks: of its columns.
        id: names a row where the engine has no row numbers.
    """
    counts = [nw.len().alias("n")]
    for position, check in enumerate(checks):
        shown = nw.when(check.bad).then(check.shown)
        counts += [
            number_of(check.bad).alias(f"bad{position}"),
            shown.min().alias(f"low{position}"),
            shown.max().alias(f"high{position}"),
        ]
        if check.fatal and check.present is not None:
            counts.append(number_of(check.present).alias(f"present{position}"))
    row = one_row(frame.select(*counts))
    findings, fatal = [], []
    for position, check in enumerate(checks):
        if not (n := row[f"bad{position}"]):
            continue
        if check.fatal:
            fatal.append(_paragraph(frame, check, n, row.get(f"present{position}"), id))
        else:
            example = _example(row[f"low{position}"], row[f"high{position}"])
            findings.append(finding(check.field, check.column, check.problem, n, row["n"], example, check.action))
    return row["n"], findings, fatal


def _example(low: Any, high: Any) -> str:
    """The ends of what was found, or the only one."""
    ends = [f"{end:g}" if isinstance(end, float) else str(end) for end in (low, high) if end is not None]
    return " to ".join(dict.fromkeys(ends))


def one_row(frame: Any) -> dict[str, Any]:
    """The only row of a frame of any engine."""
    frame = frame.collect("polars") if isinstance(frame, nw.LazyFrame) else frame
    return {name: values[0] for name, values in frame.to_dict(as_series=False).items()}


def number_of(condition: nw.Expr) -> nw.Expr:
    """For how many rows something is surely so."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).sum()


def _paragraph(frame: Any, check: Check, n: int, present: int | None, id: nw.Expr) -> str:
    """One fatal check with the first rows that it concerns, and what can be done."""
    in_order = ROW in frame.collect_schema().names()
    where = nw.col(ROW) if in_order else id
    rows = frame.filter(check.bad).select(where.alias("where"), check.shown.alias("shown")).head(3)
    rows = rows.collect("polars") if isinstance(rows, nw.LazyFrame) else rows
    pairs = zip(rows["where"].to_list(), rows["shown"].to_list(), strict=True)
    at = "row" if in_order else "patient"
    examples = ", ".join(f"{at} {where}" + (f" '{shown}'" if shown is not None else "") for where, shown in pairs)
    told = f"  {check.field} (column {check.column}): {n:,} x {check.problem}: {examples}{', ...' if n > 3 else ''}"
    # Where nothing else stands in the column, to count its values as unknown would be to lose it.
    counted = "on_invalid: unknown in the mapping counts them instead" if check.field != ID and n != present else ""
    advice = "; ".join(filter(None, (check.advice, counted)))
    return f"{told}\n    {advice}" if advice else told
