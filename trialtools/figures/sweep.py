"""What a moved threshold changes, as a curve."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..criteria.language.wording import printed_unit, with_unit
from .drawing import Drawing, Room, figure, nobody
from .format import count, interval
from .lines import GRID, line, rule
from .rows import Row, records
from .template import HATCH, STATES, note, one_line

_SIGNS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}


@figure
def sweep(frame: pd.DataFrame) -> Drawing:
    """How many would be eligible at each value of a threshold, from certain to possible, as the step function it is.

    Solid: certain; hatched: what unknown leaves open. A suppressed count is a gap.

    Args:
        frame: from `screening.sweep()`: value, certain, possible, n, protocol, threshold, label, unit, operator.

    >>> import pandas as pd
    >>> told = {"n": 9, "threshold": "I1.upper", "label": "age", "unit": "year", "operator": "<="}
    >>> rows = [(85, 2, 4, True), (90, 3, 6, False)]
    >>> made = sweep(pd.DataFrame(rows, columns=["value", "certain", "possible", "protocol"]).assign(**told))
    >>> made.data[0].line.shape, made.layout.title.text.split("<br>")[0]
    ('hv', '<b>age ≤ 90 year instead of 85: at most 6 instead of 4 are eligible</b>')
    """
    rows = records(frame)
    if not rows or not rows[0]["n"]:
        return nobody("No patients were screened")
    first = rows[0]
    own = next((row for row in rows if row["protocol"]), None)
    values = [row["value"] for row in rows]
    hover = [f"<b>{one_line(_limit(first, row['value']))}</b><br>{_eligible(row)}" for row in rows]
    most = max((row["possible"] or 0 for row in rows), default=0) or 1

    def curve(end: str, state: str, **fill: Any) -> dict[str, Any]:
        style = {"shape": "hv" if first["operator"] in ("<=", ">") else "vh", "color": STATES[state], "width": 1.5}
        return {**line(end, values, [row[end] for row in rows], hover, **style), **fill}

    axis = note(f"{first['label']} ({printed_unit(first['unit'])})".removesuffix(" ()"), x=0, y=0, yshift=-34, size=12)
    return Drawing(
        finding=_best_value(rows, own),
        population=f"{count(first['n'])} patients; eligible where {first['label']} {_SIGNS[first['operator']]} the "
        "value. Solid: at least; hatched: at most",
        alt=f"Values from {min(values):g} to {max(values):g}, {len(rows)} steps",
        marks=[
            curve("certain", "pass", fill="tozeroy", fillcolor=STATES["pass"]),
            curve("possible", "unknown", fill="tonexty", fillpattern=HATCH),
        ],
        words=[axis, *([_protocol(own, values)] if own else [])],
        shapes=[rule(x=own["value"], dash="dot")] if own else [],
        x={"nticks": 8, "tickformat": "~g", "showgrid": False, "ticklabelstandoff": 5},
        y={"range": [0, most * 1.15], "nticks": 4, "tickformat": ",d", **GRID},
        room=Room(230, 52, 24, 26, 52),
    )


def _protocol(own: Row, values: Sequence[float]) -> Any:
    """The count at the protocol's value, on that side of its line where there is room."""
    side = "right" if own["value"] > (min(values) + max(values)) / 2 else "left"
    text = f"protocol {own['value']:g}: <b>{interval(own['certain'], own['possible'])}</b>"
    return note(text, x=own["value"], y=1, xref="x", yshift=10, xanchor=side, size=12)


def _limit(row: Row, value: float) -> str:
    """A limit as people write it: Age at screening ≤ 85 years."""
    return with_unit(f"{row['label']} {_SIGNS[row['operator']]} {value:g}", row["unit"])


def _eligible(row: Row) -> str:
    return f"eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"


def _best_value(rows: Sequence[Row], own: Row | None) -> str:
    best = max(rows, key=lambda row: row["possible"] or 0)
    limit, most = _limit(best, best["value"]), count(best["possible"])
    if own is None or own["possible"] is None:
        return f"Most are eligible where {limit}: {interval(best['certain'], best['possible'])}"
    if best["possible"] == own["possible"]:
        return f"No other value lets in more than {_limit(own, own['value'])}"
    return f"{limit} instead of {own['value']:g}: at most {most} instead of {count(own['possible'])} are eligible"
