"""What a moved threshold changes: a curve for one, a map for two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import count, interval, percent
from .page import INK
from .rows import records
from .template import STATES, annotate, blank, figure, note

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BAND = {"shape": "/", "fgcolor": STATES["unknown"], "bgcolor": "white", "size": 6, "solidity": 0.3}


def sweep(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """How many would be eligible at each value of a threshold, from certain to possible, as the step function it is.

    Args:
        frame: from `sweep`: value, certain, possible, n, protocol, threshold, label, unit, operator.
        title: the finding; otherwise the value at which most could be eligible.
        subtitle: the population; otherwise the number of patients.
        source: a last line.

    Solid: certain; hatched: what unknown leaves open. A suppressed count is a gap.

    >>> import pandas as pd
    >>> told = {"n": 9, "threshold": "I1.upper", "label": "age", "unit": "year", "operator": "<="}
    >>> rows = [(85, 2, 4, True), (90, 3, 6, False)]
    >>> made = sweep(pd.DataFrame(rows, columns=["value", "certain", "possible", "protocol"]).assign(**told))
    >>> made.data[0].line.shape, made.layout.title.text.split("<br>")[0]
    ('hv', '<b>Moving I1.upper from 85 to 90 year changes the possible from 4 to</b>')
    """
    rows = records(frame)
    if not rows or not rows[0]["n"]:
        return blank(title or "No patients were screened", subtitle or "")
    first = rows[0]
    own = next((row for row in rows if row["protocol"]), None)
    told = f"{count(first['n'])} patients; eligible where {first['label']} {_sign(first['operator'])} the value. "
    told += "Solid: for certain; hatched: possible"
    finding = _finding(rows, own)
    made = figure(title or finding, told if subtitle is None else subtitle, 230, 52, 24, 26, 52, source)
    shape = "hv" if first["operator"] in ("<=", ">") else "vh"
    x = [row["value"] for row in rows]
    hover = [
        f"<b>{first['label']} {_sign(first['operator'])} {row['value']:g} {first['unit']}</b>"
        f"<br>eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
        for row in rows
    ]
    ends: dict[str, dict[str, Any]] = {
        "certain": {"fill": "tozeroy", "fillcolor": STATES["pass"]},
        "possible": {"fill": "tonexty", "fillpattern": BAND},
    }
    for end, how in ends.items():
        colour = STATES["pass" if end == "certain" else "unknown"]
        line = {"shape": shape, "color": colour, "width": 1.5}
        y = [row[end] for row in rows]
        mode = "lines" if len(rows) > 1 else "markers"
        made.add_scatter(name=end, x=x, y=y, mode=mode, line=line, hovertext=hover, marker={"color": colour}, **how)
    made.update_traces(hovertemplate="%{hovertext}<extra></extra>")
    notes = [note(f"{first['label']} ({first['unit']})".replace(" ()", ""), x=0, y=0, yshift=-34, size=12)]
    if own:
        at = own["value"]
        made.add_shape(x0=at, x1=at, y0=0, y1=1, yref="paper", line={"color": INK, "width": 1, "dash": "dot"})
        text = f"protocol {at:g}: <b>{interval(own['certain'], own['possible'])}</b>"
        right = at > (min(x) + max(x)) / 2
        notes.append(note(text, x=at, y=1, xref="x", yshift=10, xanchor="right" if right else "left", size=12))
    annotate(made, notes)
    most = max((row["possible"] or 0 for row in rows), default=0) or 1
    made.update_yaxes(range=[0, most * 1.15], nticks=4, tickformat=",d", showgrid=True, gridcolor="#e4e4e4")
    made.update_xaxes(nticks=8, tickformat="~g", showgrid=False)
    return made.update_layout(meta={"alt": f"{finding}. Values from {min(x):g} to {max(x):g}, {len(rows)} steps."})


def sweep_grid(
    frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "", end: str = "possible"
) -> Figure:
    """How many would be eligible with two thresholds moved at once, as a map; the protocol's pair is marked.

    Args:
        frame: from `sweep_grid`: first, second, certain, possible, n, protocol, and the two thresholds' names.
        title: the finding; otherwise the pair of values at which most are eligible.
        subtitle: the population; otherwise the number of patients.
        source: a last line.
        end: `possible` (unknown taken as pass) or `certain` (unknown taken as fail).

    A suppressed count is an empty field.
    """
    rows = records(frame)
    if not rows or not rows[0]["n"]:
        return blank(title or "No patients were screened", subtitle or "")
    first = rows[0]
    names = [f"{first[f'{each}_threshold']}: {first[f'{each}_label']}" for each in ("first", "second")]
    names = [
        f"{name} ({first[f'{each}_unit']})".removesuffix(" ()")
        for name, each in zip(names, ("first", "second"), strict=True)
    ]
    best = max(rows, key=lambda row: row[end] or 0)
    own = next((row for row in rows if row["protocol"]), None)
    are = {"possible": "could be eligible", "certain": "are surely eligible"}[end]
    finding = f"At most {count(best[end])} {are}, with {rows[0]['first_threshold']} {best['first']:g} "
    finding += f"and {rows[0]['second_threshold']} {best['second']:g}"
    told = f"{count(rows[0]['n'])} patients; how many {are} at each pair of values" + (
        f". ✕ protocol: {interval(own['certain'], own['possible'])}" if own else ""
    )
    made = figure(title or finding, told if subtitle is None else subtitle, 330, 60, 80, 28, 52, source)
    hover = [
        f"<b>{row['first_threshold']} {row['first']:g}, {row['second_threshold']} {row['second']:g}</b>"
        f"<br>eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
        for row in rows
    ]
    x, y, z = [row["first"] for row in rows], [row["second"] for row in rows], [row[end] for row in rows]
    scale = [[0, "white"], [1, STATES["pass"]]]
    bar = {"thickness": 12, "tickformat": ",d", "outlinewidth": 0, "nticks": 5}
    template = "%{hovertext}<extra></extra>"
    made.add_heatmap(x=x, y=y, z=z, zmin=0, colorscale=scale, colorbar=bar, hovertext=hover, hovertemplate=template)
    if own:
        mark = {"symbol": "x", "size": 10, "color": INK, "line": {"color": "white", "width": 1}}
        made.add_scatter(x=[own["first"]], y=[own["second"]], mode="markers", marker=mark, hoverinfo="skip")
    annotate(
        made,
        [
            note(names[0], x=0, y=0, yshift=-34, size=12),
            note(names[1], x=0, y=1, xshift=-60, yshift=12, size=12),
        ],
    )
    made.update_xaxes(tickformat="~g", showgrid=False).update_yaxes(tickformat="~g", nticks=7)
    share = percent((best[end] or 0) / rows[0]["n"])
    return made.update_layout(meta={"alt": f"{finding} ({share}). {told}."})


def _sign(operator: str) -> str:
    return {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;"}[operator]


def _finding(rows: list[dict[str, Any]], own: dict[str, Any] | None) -> str:
    best = max(rows, key=lambda row: row["possible"] or 0)
    value, most = f"{best['value']:g} {best['unit']}".strip(), count(best["possible"])
    if own is None:
        return f"Most could be eligible at {value}: {interval(best['certain'], best['possible'])}"
    if own["possible"] is None or best["possible"] == own["possible"]:
        return f"No other value of {own['threshold']} makes more possible than {own['value']:g} {own['unit']}".strip()
    now = count(own["possible"])
    return f"Moving {own['threshold']} from {own['value']:g} to {value} changes the possible from {now} to {most}"
