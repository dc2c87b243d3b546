"""What a moved threshold changes: a curve for one, a map for two."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, figure, nobody
from .format import count, interval, percent
from .lines import ALONG, line, marks, rule
from .page import INK
from .rows import Row, records
from .template import HATCH, STATES, note

SIGNS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}


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
    ('hv', '<b>Moving I1.upper from 85 to 90 year changes the possible from 4 to</b>')
    """
    rows = records(frame)
    if not rows or not rows[0]["n"]:
        return nobody("No patients were screened")
    first = rows[0]
    own = next((row for row in rows if row["protocol"]), None)
    sign = SIGNS[first["operator"]]
    values = [row["value"] for row in rows]
    hover = [
        f"<b>{first['label']} {sign.replace('<', '&lt;').replace('>', '&gt;')} {row['value']:g} {first['unit']}</b>"
        f"<br>eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
        for row in rows
    ]
    most = max((row["possible"] or 0 for row in rows), default=0) or 1

    def curve(end: str, state: str, **fill: Any) -> dict[str, Any]:
        style = {"shape": "hv" if sign in "≤>" else "vh", "color": STATES[state], "width": 1.5}
        return {**line(end, values, [row[end] for row in rows], hover, **style), **fill}

    axis = note(f"{first['label']} ({first['unit']})".replace(" ()", ""), x=0, y=0, yshift=-34, size=12)
    return Drawing(
        finding=_best_value(rows, own),
        population=f"{count(first['n'])} patients; eligible where {first['label']} {sign} the value. "
        "Solid: for certain; hatched: possible",
        alt=f"Values from {min(values):g} to {max(values):g}, {len(rows)} steps",
        marks=[
            curve("certain", "pass", fill="tozeroy", fillcolor=STATES["pass"]),
            curve("possible", "unknown", fill="tonexty", fillpattern=HATCH),
        ],
        words=[axis, *([_protocol(own, values)] if own else [])],
        shapes=[rule(x=own["value"], dash="dot")] if own else [],
        x={"nticks": 8, "tickformat": "~g", "showgrid": False},
        y={"range": [0, most * 1.15], "nticks": 4, "tickformat": ",d", **ALONG},
        room=Room(230, 52, 24, 26, 52),
    )


def _protocol(own: Row, values: Sequence[float]) -> Any:
    """The count at the protocol's value, on that side of its line where there is room."""
    side = "right" if own["value"] > (min(values) + max(values)) / 2 else "left"
    text = f"protocol {own['value']:g}: <b>{interval(own['certain'], own['possible'])}</b>"
    return note(text, x=own["value"], y=1, xref="x", yshift=10, xanchor=side, size=12)


def _best_value(rows: Sequence[Row], own: Row | None) -> str:
    best = max(rows, key=lambda row: row["possible"] or 0)
    value, most = f"{best['value']:g} {best['unit']}".strip(), count(best["possible"])
    if own is None:
        return f"Most could be eligible at {value}: {interval(best['certain'], best['possible'])}"
    if own["possible"] is None or best["possible"] == own["possible"]:
        return f"No other value of {own['threshold']} makes more possible than {own['value']:g} {own['unit']}".strip()
    now = count(own["possible"])
    return f"Moving {own['threshold']} from {own['value']:g} to {value} changes the possible from {now} to {most}"


@figure
def sweep_grid(frame: pd.DataFrame, end: str = "possible") -> Drawing:
    """How many would be eligible with two thresholds moved at once, as a map; the protocol's pair is marked.

    A suppressed count is an empty field.

    Args:
        frame: from `screening.sweep_grid()`: first, second, certain, possible, n, protocol; of either threshold its
            name, label and unit.
        end: `possible` (unknown taken as pass) or `certain` (unknown taken as fail).
    """
    rows = records(frame)
    if not rows or not rows[0]["n"]:
        return nobody("No patients were screened")
    first = rows[0]
    best = max(rows, key=lambda row: row[end] or 0)
    own = next((row for row in rows if row["protocol"]), None)
    are = {"possible": "could be eligible", "certain": "are surely eligible"}[end]
    told = f"{count(first['n'])} patients; how many {are} at each pair of values"
    told += f". ✕ protocol: {interval(own['certain'], own['possible'])}" if own else ""
    left = 60
    heat = {
        "type": "heatmap",
        "x": [row["first"] for row in rows],
        "y": [row["second"] for row in rows],
        "z": [row[end] for row in rows],
        "zmin": 0,
        "colorscale": [[0, "white"], [1, STATES["pass"]]],
        "colorbar": {"thickness": 12, "tickformat": ",d", "outlinewidth": 0, "nticks": 5},
        "hovertext": [
            f"<b>{row['first_threshold']} {row['first']:g}, {row['second_threshold']} {row['second']:g}</b>"
            f"<br>eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
            for row in rows
        ],
    }
    cross: dict[str, Any] = {"symbol": "x", "size": 10, "color": INK, "line": {"color": "white", "width": 1}}
    return Drawing(
        finding=f"At most {count(best[end])} {are}, with {first['first_threshold']} {best['first']:g} "
        f"and {first['second_threshold']} {best['second']:g}",
        population=told,
        alt=f"That is {percent((best[end] or 0) / first['n'])}. {told}",
        marks=[heat, *([marks("protocol", [own["first"]], [own["second"]], **cross)] if own else [])],
        words=[
            note(_threshold(first, "first"), x=0, y=0, yshift=-34, size=12),
            note(_threshold(first, "second"), x=0, y=1, xshift=-left, yshift=12, size=12),
        ],
        x={"tickformat": "~g", "showgrid": False},
        y={"tickformat": "~g", "nticks": 7},
        room=Room(330, left, 80, 28, 52),
    )


def _threshold(row: Row, which: str) -> str:
    name = f"{row[f'{which}_threshold']}: {row[f'{which}_label']} ({row[f'{which}_unit']})"
    return name.removesuffix(" ()")
