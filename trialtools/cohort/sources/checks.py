"""A table and checks of its values go in; what was wrong comes out, counted, or an error with the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from ...criteria.engine import collect
from .columns import Check

ID, ROW = "patient_id", "__row__"
_QUALITY = ("field", "column", "problem", "n", "of", "example", "action")
_SHOWN = 80
DataFinding = dict[str, Any]


def finding(field: str, column: str, problem: str, n: int, of: int, example: str, action: str) -> DataFinding:
    return dict(zip(_QUALITY, (field, column, problem, n, of, example, action), strict=True))


def quality_table(findings: Sequence[DataFinding], last: Sequence[DataFinding] = ()) -> pd.DataFrame:
    """Findings as a frame, the commonest first; what concerns whole columns comes last."""
    ordered = sorted(findings, key=lambda one: -one["n"])
    return pd.DataFrame([*ordered, *last], columns=list(_QUALITY))


def _count_checks(frame: Any, checks: Sequence[Check]) -> dict[str, int]:
    """`n`, and for each check by its position how many rows it found."""
    counts = [nw.len().alias("n")]
    for position, check in enumerate(checks):
        counts.append(number_of(check.bad).alias(f"bad{position}"))
        if (check.fatal or check.all) and check.present is not None:
            counts.append(number_of(check.present).alias(f"present{position}"))
    return one_row(frame.select(*counts))


def judge_checks(frame: Any, checks: Sequence[Check], id: nw.Expr) -> tuple[int, list[DataFinding], list[str]]:
    """How many rows there are, what is counted with an example, and a paragraph for each check that is fatal.

    Args:
        frame: Narwhals frame that the checks are about.
        checks: of its columns.
        id: names a row where the engine has no order of rows.
    """
    row = _count_checks(frame, checks)
    of = row["n"]
    hit = [(check, row[f"bad{at}"], row.get(f"present{at}")) for at, check in enumerate(checks)]
    hit = [(check, n, present) for check, n, present in hit if n and not (check.all and n < (present or 0))]
    fatal = [_paragraph(frame, check, n, present, id) for check, n, present in hit if check.fatal]
    if fatal or not hit:
        return of, [], fatal
    shown = [nw.when(check.bad).then(check.shown) for check, *_ in hit]
    ends = {f"low{at}": each.min() for at, each in enumerate(shown)}
    ends = one_row(frame.select(**ends, **{f"high{at}": each.max() for at, each in enumerate(shown)}))
    examples = [_example(ends[f"low{at}"], ends[f"high{at}"]) for at in range(len(hit))]
    findings = [
        finding(check.field, check.column, check.problem, n, of, example, check.action)
        for (check, n, _), example in zip(hit, examples, strict=True)
    ]
    return of, findings, []


def _example(low: Any, high: Any) -> str:
    """The ends of what was found, or the only one."""
    ends = [f"{end:g}" if isinstance(end, float) else _clip(str(end)) for end in (low, high) if end is not None]
    return " to ".join(dict.fromkeys(ends))


def _clip(text: str) -> str:
    """What a message shows of a cell, which may hold a whole page."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def one_row(frame: Any) -> dict[str, Any]:
    """The only row of a frame of any engine."""
    frame = collect(frame)
    return {name: values[0] for name, values in frame.to_dict(as_series=False).items()}


def number_of(condition: nw.Expr) -> nw.Expr:
    """For how many rows something is surely so."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).sum().cast(nw.Int64())


def _paragraph(frame: Any, check: Check, n: int, present: int | None, id: nw.Expr) -> str:
    """One fatal check with the first rows that it concerns, and what can be done."""
    in_order = frame.implementation.is_polars()
    if in_order and ROW not in frame.collect_schema().names():
        frame = nw.from_native(frame.to_native().with_row_index(ROW, offset=1))
    where = nw.col(ROW) if in_order else id
    rows = collect(frame.filter(check.bad).select(where.alias("where"), check.shown.alias("shown")).head(3))
    pairs = zip(rows["where"].to_list(), rows["shown"].to_list(), strict=True)
    at = "row" if in_order else "patient"
    examples = ", ".join(
        f"{at} {where}" + (f" '{_clip(str(shown))}'" if shown is not None else "") for where, shown in pairs
    )
    line = f"  {check.field} (column {check.column}): {n:,} x {check.problem}: {examples}{', ...' if n > 3 else ''}"
    # Where nothing else stands in the column, to count its values as unknown would be to lose it.
    counted = "on_invalid: unknown in the mapping counts them instead" if check.field != ID and n != present else ""
    advice = "; ".join(filter(None, (check.advice, counted)))
    return f"{line}\n    {advice}" if advice else line
