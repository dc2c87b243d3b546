"""What a committee decides on: the path of z against its bounds, and the power that is left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import apart, band, below
from .format import absent, count, number, percent
from .page import INK, QUIET
from .template import annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

EFFICACY, FUTILITY = "#e3ebe0", "#f4ebdc"
"""Two soft tints that are no colour of a state or an arm."""

LEFT, RIGHT = 118, 26


def boundary(
    looks: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    information: str = "Information",
) -> Figure:
    """The observed z at each look against the bounds, on the axis of information; the looks in numbers below it.

    Args:
        looks: look, information (where the look is to come, the planned one), fraction (of the planned information),
            bound (of z; inf where the look cannot stop the trial for efficacy), futility (of z; NaN where there is
            none; it does not bind), z (above 0 is benefit; NaN for a look to come), nominal_p, alpha_spent.
        title: the finding; otherwise whether the last z crosses its bound.
        subtitle: endpoint, population, data cut; otherwise how far the information is.
        source: a last line.
        information: what is counted as information, to head its numbers.

    A look to come has its bounds and no point.

    Raises:
        ValueError: a look without fraction or bound.

    >>> import pandas as pd
    >>> rows = [(1, 63, 0.33, 3.71, None, 0.8), (2, 127, 0.67, 2.51, None, 1.42), (3, 190, 1.0, 1.99, None, None)]
    >>> frame = pd.DataFrame(rows, columns=["look", "information", "fraction", "bound", "futility", "z"])
    >>> boundary(frame.assign(nominal_p=0.01, alpha_spent=0.01)).layout.title.text.split("<br>")[0]
    '<b>Look 2 of 3: z 1.42 does not cross the bound 2.51</b>'
    """
    rows: list[dict[str, Any]] = looks.to_dict("records")  # type: ignore[assignment]
    if not rows:
        return blank(title or "No look is planned", subtitle or "")
    if any(absent(row[name]) for row in rows for name in ("look", "information", "fraction", "bound")):
        raise ValueError("each look needs its information, fraction and bound; inf where it cannot stop the trial")
    seen = [row for row in rows if not absent(row["z"])]
    now = seen[-1] if seen else None
    finding = _finding(rows, seen)
    told = f"{percent(now['fraction'], 0)} of the planned information. z above 0: benefit" if now else ""
    futile = [row for row in rows if not absent(row["futility"])]
    made = figure(title or finding, told if subtitle is None else subtitle, 300, LEFT, RIGHT, 14, 118, source)
    finite = [row for row in rows if math.isfinite(row["bound"])]
    # the first bounds may be far beyond any z: 6 is as far as a reader needs to see
    numbers = [min(row["bound"], 6) for row in finite] + [row["z"] for row in seen] + [r["futility"] for r in futile]
    high, low = max([3.0, *numbers]) + 0.6, min([-1.0, *numbers]) - 0.6
    notes = []
    for bounds, name, edge, tint, words in (
        (finite, "bound", high, EFFICACY, "Stop for efficacy"),
        (futile, "futility", low, FUTILITY, "Futility (does not bind)"),
    ):
        if bounds:
            x = [bounds[0]["fraction"] - 0.02, *(row["fraction"] for row in bounds), bounds[-1]["fraction"] + 0.02]
            y = [min(row[name], high) for row in (bounds[0], *bounds, bounds[-1])]
            band(made, x, [edge] * len(x), y, tint)
            dash = "solid" if name == "bound" else "dot"
            made.add_scatter(x=x, y=y, mode="lines", line={"color": INK, "width": 1, "dash": dash}, hoverinfo="skip")
            way: dict[str, Any] = {"xref": "x", "yref": "y", "xanchor": "right", "size": 12, "color": QUIET}
            notes.append(note(words, x=x[-1] - 0.01, y=edge, yshift=-11 if edge == high else 11, **way))
    _points(made, "bound", finite, {"symbol": "line-ew", "size": 13, "line": {"color": INK, "width": 2}})
    _points(made, "futility", futile, {"symbol": "line-ew", "size": 13, "line": {"color": INK, "width": 1}})
    path = {"mode": "lines", "line": {"color": INK, "width": 1.5}, "hoverinfo": "skip"}
    made.add_scatter(x=[row["fraction"] for row in seen], y=[row["z"] for row in seen], **path)
    _points(made, "z", seen, {"size": [9] * (len(seen) - 1) + [14], "color": INK, "opacity": 1})
    if now:
        near = now["fraction"] > 0.6 * max(row["fraction"] for row in rows)
        rising = len(seen) < 2 or now["z"] >= seen[-2]["z"]
        side: dict[str, Any] = {"xanchor": "right", "xshift": -10, "yshift": 12 if rising else -12}
        side = side if near else {"xshift": 13}
        said = f"<b>z {number(now['z'], 2)}</b>, {_bound(now)}"
        notes.append(
            note(said, x=now["fraction"], y=now["z"], xref="x", yref="y", **side, bgcolor="rgba(255,255,255,.7)")
        )
    notes.append(note("z", x=0, y=1, xshift=-24, yshift=4, size=12))
    notes.append(note("Share of the planned information", x=0, y=0, yshift=-30, size=12))
    annotate(made, notes)
    _table(made, rows, information)
    made.add_hline(0, line={"color": QUIET, "width": 1})
    made.update_yaxes(range=[low, high], nticks=7, showgrid=False)
    made.update_xaxes(range=[0, _far(rows)], tickformat=".0%", nticks=6, showgrid=False, showline=True, linecolor=QUIET)
    return made.update_layout(meta={"alt": f"{finding}. {_told(rows)}"})


def _far(rows: list[dict[str, Any]]) -> float:
    return max([1.0, *(row["fraction"] for row in rows)]) + 0.04


def _bound(row: dict[str, Any]) -> str:
    return f"bound {number(row['bound'], 2)}" if math.isfinite(row["bound"]) else "too early to stop for efficacy"


def _points(made: Figure, name: str, rows: list[dict[str, Any]], marker: dict[str, Any]) -> None:
    hover = [
        f"<b>Look {row['look']}: {name} {number(row[name], 2)}</b>"
        f"<br>information {count(row['information'])} ({percent(row['fraction'], 0)})"
        f"<br>nominal p {_small(row['nominal_p'])}, alpha spent {_small(row['alpha_spent'])}"
        for row in rows
    ]
    place = {"x": [row["fraction"] for row in rows], "y": [row[name] for row in rows]}
    made.add_scatter(
        name=name, **place, mode="markers", marker=marker, hovertext=hover, hovertemplate="%{hovertext}<extra></extra>"
    )


def _small(value: Any) -> str:
    return "<0.0001" if not absent(value) and 0 < value < 0.0001 else number(value, 4)


def _table(made: Figure, rows: list[dict[str, Any]], information: str) -> None:
    """Look by look: the information, the bounds, the alpha spent; what is planned only, in grey."""
    pixels = (660 - LEFT - RIGHT) / _far(rows)
    middles = [x / pixels for x in apart([row["fraction"] * pixels for row in rows], 52)]
    grey = '<span style="color:{}">{}</span>'
    done = [INK if not absent(row["z"]) else QUIET for row in rows]
    lines: list[tuple[str, list[str]]] = [
        ("Look", [f"<b>{row['look']}</b>" if not absent(row["z"]) else f"{row['look']}" for row in rows]),
        (information, [count(row["information"]) for row in rows]),
        ("Bound of z", [number(row["bound"], 2) if math.isfinite(row["bound"]) else "none" for row in rows]),
        ("Alpha spent", [_small(row["alpha_spent"]) for row in rows]),
    ]
    cells = [
        (head, [(x, grey.format(c, t)) for x, c, t in zip(middles, done, each, strict=True)]) for head, each in lines
    ]
    below(made, "", cells, LEFT, 54)


def _finding(rows: list[dict[str, Any]], seen: list[dict[str, Any]]) -> str:
    if not seen:
        return f"No look has been taken; {len(rows)} {'is' if len(rows) == 1 else 'are'} planned"
    now = seen[-1]
    said = f"Look {now['look']} of {len(rows)}: z {number(now['z'], 2)}"
    if now["z"] >= now["bound"]:
        said += f" crosses the bound {number(now['bound'], 2)} for efficacy"
    elif not absent(now["futility"]) and now["z"] <= now["futility"]:
        said += f" is at or below the futility bound {number(now['futility'], 2)}, which does not bind"
    else:
        said += f" does not cross the {_bound(now)}" if math.isfinite(now["bound"]) else f", {_bound(now)}"
    before = [str(row["look"]) for row in seen[:-1] if row["z"] >= row["bound"]]
    return said + (f"; look {', '.join(before)} had crossed it" if before else "")


def _told(rows: list[dict[str, Any]]) -> str:
    """Every look in words."""
    looks = []
    for row in rows:
        z = "to come" if absent(row["z"]) else f"z {number(row['z'], 2)}"
        looks.append(f"Look {row['look']} at {percent(row['fraction'], 0)}: {z}, {_bound(row)}.")
    return " ".join(looks)


def power_curve(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    axis: str = "True risk difference from here on, experimental minus control",
) -> Figure:
    """The chance to reach significance in the end, given what has been seen, for each true effect; named ones marked.

    Args:
        frame: effect, conditional_power, mark (`trend`, `design`, `null`, or "" for a point of the curve).
        title: the finding; otherwise the conditional power at each mark.
        subtitle: at which look.
        source: a last line.
        axis: what the effect is, and which way is better.

    An effect without conditional power is no point of the curve.

    >>> import pandas as pd
    >>> rows = [(0.0, 0.03, "null"), (0.05, 0.34, "trend"), (0.1, 0.61, "design")]
    >>> power_curve(pd.DataFrame(rows, columns=["effect", "conditional_power", "mark"])).layout.title.text
    '<b>Conditional power: 3\\xa0% (null), 34\\xa0% (trend), 61\\xa0% (design)</b>'
    """
    rows: list[dict[str, Any]] = frame.dropna(subset=["effect", "conditional_power"]).to_dict("records")  # type: ignore
    if not rows:
        return blank(title or "No conditional power without a look", subtitle or "")
    rows.sort(key=lambda row: row["effect"])
    marks = [row for row in rows if not absent(row["mark"])]
    said = [f"{percent(row['conditional_power'], 0)} ({row['mark']})" for row in marks]
    finding = "Conditional power: " + ", ".join(said) if marks else "Conditional power by the true effect"
    made = figure(title or finding, subtitle or "", 250, 60, 40, 18, 50, source)
    x, y = [row["effect"] for row in rows], [row["conditional_power"] for row in rows]
    hover = [f"<b>effect {each['effect']:g}</b><br>{percent(each['conditional_power'])}" for each in rows]
    told = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
    made.add_scatter(x=x, y=y, mode="lines", line={"color": INK, "width": 2}, **told)
    place = {"x": [row["effect"] for row in marks], "y": [row["conditional_power"] for row in marks]}
    made.add_scatter(mode="markers", marker={"size": 10, "color": INK}, hoverinfo="skip", **place)
    notes = []
    wide, pixel = (x[-1] - x[0]) or 1, 1.05 / 250
    heights = apart([row["conditional_power"] / pixel + 9 for row in marks], 15, low=9)
    for row, words, height in zip(marks, said, heights, strict=True):
        # above a rising curve there is room at the left, above a falling one at the right
        left = (row["effect"] - x[0]) / wide > (0.15 if y[-1] > y[0] else 0.85)
        way: dict[str, Any] = {"xanchor": "right", "xshift": -9} if left else {"xshift": 9}
        text = f"<b>{row['mark']}</b> {words.split(' (')[0]}"
        notes.append(note(text, x=row["effect"], y=height * pixel, xref="x", yref="y", size=12, **way))
    annotate(made, [*notes, note("<br>".join(wrap(axis, 90)), x=0, y=0, yshift=-32, size=12)])
    made.update_yaxes(range=[0, 1.05], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], showgrid=True)
    made.update_xaxes(tickformat="~g", nticks=7, showgrid=False)
    return made.update_layout(meta={"alt": f"{finding}. {axis} from {x[0]:g} to {x[-1]:g}."})
