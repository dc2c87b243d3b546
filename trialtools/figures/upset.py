"""Which criteria fail together: an UpSet plot of an overlap frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import count, n_of
from .page import QUIET
from .rows import HATCHED, SOLID, most_of, records
from .sets import members, sets
from .template import STATES, blank, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def upset(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """Patients by the exact set of criteria that keeps them out, the most frequent first.

    Args:
        frame: from `overlap`: criteria, size, failed, not_passed, n; the last row is `other`.
        title: the finding; otherwise the set that most patients fail.
        subtitle: the population; otherwise the number of patients.
        source: a last line.

    Solid: they fail exactly these (unknown taken as pass). Hatched: they fail or lack exactly these (unknown taken as
    fail). Neither holds the other, since who lacks more moves to a larger set: so they stand side by side.

    >>> import pandas as pd
    >>> made = upset(pd.DataFrame({"criteria": ["I5", "other"], "failed": [4, 0], "not_passed": [6, 1], "n": [10, 10]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>I5 alone keeps most patients out: 4 of 10 fail nothing else</b>'
    """
    rows = records(frame, "failed", "not_passed")
    n = most_of(rows, "n")
    if not n:
        return blank(title or "No patients were screened", subtitle or "")
    names = sorted({name for row in rows[:-1] for name in members(row["criteria"])}, key=_order)
    population = f"{count(n)} patients by the exact set that keeps them out. Hatched: unknown counted as fail"
    hover = [
        f"<b>{'<br>'.join(wrap(row['criteria'], 60)[:1])}</b><br>fail exactly these: {n_of(row['failed'], n)}"
        f"<br>fail or lack exactly these: {n_of(row['not_passed'], n)}"
        for row in rows
    ]
    made = sets(
        [row["criteria"] for row in rows],
        names,
        [
            ("fail", SOLID["fail"], STATES["fail"], [row["failed"] for row in rows]),
            ("not passed", HATCHED, QUIET, [row["not_passed"] for row in rows]),
        ],
        title or _finding(rows, n),
        population if subtitle is None else subtitle,
        source,
        hover,
    )
    told = [f"{row['criteria']} {count(row['failed'])}" for row in rows[:3]]
    return made.update_layout(meta={"alt": f"{_finding(rows, n)}. Sets by patients who fail them: {'; '.join(told)}."})


def _order(id: str) -> Any:
    """Inclusions before exclusions, 2 before 10."""
    return id[:1] != "I", [
        (not part.isdigit(), int(part) if part.isdigit() else part) for part in re.split(r"(\d+)", id)
    ]


def _finding(rows: list[dict[str, Any]], n: int) -> str:
    worst = max(rows[:-1], key=lambda row: row["failed"] or 0, default=None)
    if worst is None or not worst["failed"]:
        return "No set of criteria is failed"
    inside = members(worst["criteria"])
    who = f"{inside[0]} alone keeps" if len(inside) == 1 else f"{' and '.join(inside[:3])} together keep"
    return f"{who} most patients out: {count(worst['failed'])} of {count(n)} fail nothing else"
