"""What figures of bars share: a row a criterion, as high as its words, with its numbers beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import absent, number
from .page import INK, QUIET
from .template import HAIR, SMALL, STATES, WIDTH, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEFT = 242
"""Room for the words at the left, which are wrapped to it."""

HATCHED = {
    "color": "white",
    "line": {"color": STATES["unknown"], "width": 1},
    "pattern": {"shape": "/", "fgcolor": STATES["unknown"], "bgcolor": "white", "size": 6, "solidity": 0.3},
}
SOLID = {state: {"color": colour, "line": {"color": colour, "width": 1}} for state, colour in STATES.items()}


def records(frame: pd.DataFrame, *more: str) -> list[dict[str, Any]]:
    """The rows with plain whole numbers; a count that was suppressed is None, which has no length and is a dash."""
    counts = {"pass", "fail", "unknown", "n", "certain", "possible", "alone", "of", "moved", *more}
    numbers = counts & set(frame.columns)
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    for row in rows:
        row.update({name: None if absent(row[name]) else int(row[name]) for name in numbers})
    return rows


def most_of(rows: Sequence[Mapping[str, Any]], name: str) -> int:
    """The largest number of a column."""
    return max((row[name] or 0 for row in rows), default=0)


def grouped(rows: Sequence[dict[str, Any]]) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """Labels with a heading above the inclusions and one above the exclusions; the rows by their slot."""
    labels: list[str] = []
    slots: dict[int, dict[str, Any]] = {}
    kind = None
    for row in rows:
        if row.get("kind") != kind:
            kind = row.get("kind")
            labels.append(_heading(f"{kind} criteria".upper()))
        slots[len(labels)] = row
        reading = row.get("reading")
        small = "" if absent(reading) else f"read as {str(reading).replace('_', ' ')}"
        labels.append(label(row["criterion"], row["label"], small))
    return labels, slots


def by_criterion(rows: Sequence[dict[str, Any]]) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """Labels with the criterion above its readings; the rows by their slot."""
    labels: list[str] = []
    slots: dict[int, dict[str, Any]] = {}
    last = None
    for row in rows:
        if row["criterion"] != last:
            last = row["criterion"]
            labels.append(label(last, row["label"]))
        slots[len(labels)] = row
        reading = "<br>    ".join(wrap(str(row["reading"]).replace("_", " "), 26))
        labels.append(f"  ● <b>{reading}</b>" if row["chosen"] else f"  ○ {reading}")
    return labels, slots


def _heading(text: str) -> str:
    return f'<span style="font-size:10.5px;color:{QUIET}">{text}</span>'


def label(id: Any, said: Any, small: str = "") -> str:
    """A criterion as a row is labelled: its id, its words, and a small remark."""
    id = "" if absent(id) else str(id)
    lines = wrap(f"{id} {said}".strip(), 31)
    if id:
        lines[0] = lines[0].replace(id, f"<b>{id}</b>", 1)
    if small:
        lines.append(f'<span style="font-size:{SMALL}px;color:{QUIET}">{"<br>".join(wrap(small, 36))}</span>')
    return "<br>".join(lines)


def places(labels: Sequence[str]) -> tuple[list[float], int]:
    """The middle of each row in pixels from the top, each as high as its words; and the height of all."""
    middles, top = [], 0.0
    for each in labels:
        height = max(27, 16.5 * (each.count("<br>") + 1) + 5)
        middles.append(top + height / 2)
        top += height
    return middles, round(top)


def bar(
    made: Figure,
    name: str,
    values: Sequence[int | None],
    middles: Sequence[float],
    marker: Any,
    hover: Sequence[str],
    thick: int = 20,
) -> None:
    """One bar a row; what is not known has no length."""
    place = {"x": [value or 0 for value in values], "y": middles, "width": thick, "orientation": "h"}
    made.add_bar(name=name, marker=marker, hovertext=hover, hovertemplate="%{hovertext}<extra></extra>", **place)


def room(texts: Sequence[str], bold: bool = False) -> int:
    """How much room numbers need at the right, in the widest of the fonts."""
    return round(max(len(text) for text in texts) * (8.6 if bold else 7.4)) + 18


def words(labels: Sequence[str], middles: Sequence[float], left: int = LEFT) -> list[dict[str, Any]]:
    """The labels at the left of their bars."""
    return [note(each, x=0, y=at, yref="y", xshift=-left) for each, at in zip(labels, middles, strict=True)]


def column(
    state: str, texts: Sequence[str], middles: Sequence[float], columns: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Numbers in a column at the right, headed by their state: the legend and the direct label in one."""
    shift = sum(list(columns.values())[: list(columns).index(state) + 1])
    right: dict[str, Any] = {"x": 1, "xanchor": "right", "xshift": shift, "yref": "y", "size": 12}
    head = note(f"<b>{state}</b>", y=1, color=STATES[state], **{**right, "yref": "paper", "yshift": 10})
    colours = [QUIET if text == "0" else INK for text in texts]
    rows = zip(texts, middles, colours, strict=True)
    return [head, *(note(text, y=place, color=colour, **right) for text, place, colour in rows)]


def beside(
    head: str, texts: Sequence[str], middles: Sequence[float], shift: float, size: float = SMALL
) -> list[dict[str, Any]]:
    """Numbers in a column at the right, below what they are."""
    side: dict[str, Any] = {"x": 1, "xanchor": "right", "xshift": shift, "size": size}
    rows = zip(texts, middles, strict=True)
    numbers = [note(text, y=y, yref="y", color=QUIET if text == "–" else INK, **side) for text, y in rows]
    return [note(f"<b>{head}</b>", y=1, yshift=10, **side), *numbers]


def intervals(
    made: Figure,
    rows: Sequence[Mapping[str, Any]],
    middles: Sequence[float],
    hover: Sequence[str],
    color: str = INK,
    symbol: str = "square",
    size: Any = 8,
    **axes: Any,
) -> None:
    """A mark a row at its difference, with its interval; a row without one has no mark."""
    known = [at for at, row in enumerate(rows) if not absent(row["difference"])]
    ends = [
        (0.0, 0.0)
        if absent(row["low"]) or absent(row["high"])
        else (row["difference"] - row["low"], row["high"] - row["difference"])
        for row in (rows[at] for at in known)
    ]
    bars = {"type": "data", "array": [up for _, up in ends], "arrayminus": [down for down, _ in ends]}
    made.add_scatter(
        x=[rows[at]["difference"] for at in known],
        y=[middles[at] for at in known],
        error_x={**bars, "color": color, "thickness": 1.6, "width": 0},
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": size, "opacity": 1, "line": {"width": 0}},
        hovertext=[hover[at] for at in known],
        hovertemplate="%{hovertext}<extra></extra>",
        **axes,
    )


def points(row: Mapping[str, Any]) -> str:
    """A difference of shares in percentage points, with its interval.

    >>> points({"difference": -0.077, "low": -0.13, "high": -0.023})
    '−7.7 (−13.0 to −2.3)'
    """
    if absent(row["difference"]):
        return "–"
    said = number(100 * row["difference"])
    if absent(row["low"]) or absent(row["high"]):
        return said
    return f"{said} ({number(100 * row['low'])} to {number(100 * row['high'])})"


def axes(made: Figure, most: int, height: int, notes: Sequence[dict[str, Any]]) -> None:
    """Lay the axes, pixels from the top down and patients from 0, and write the words."""
    made.update_yaxes(range=[height, 0], visible=False)
    # four ticks at most: whole numbers of patients, and labels that do not meet
    made.update_xaxes(range=[0, max(most, 1)], nticks=4, rangemode="tozero", zeroline=True, zerolinecolor=HAIR)
    write(made, notes)


def write(made: Figure, notes: Sequence[dict[str, Any]]) -> None:
    """Write the words, those of the rows as one trace; the last thing done to a figure.

    The browser lays every annotation anew at each key press, 2 ms each, but a trace at once. No point of a trace may
    leave its axes: so `x` spans the whole figure in pixels, for the words; the marks have `x2`, between the margins.
    """
    layout: Any = made.layout
    left, right = layout.margin.l, layout.margin.r
    low, high = layout.xaxis.range
    rows = [each for each in notes if each["yref"] == "y" and "bgcolor" not in each]
    others = [*(each.to_plotly_json() for each in layout.annotations), *(e for e in notes if e not in rows)]
    shares = [(each["x"] - low) / (high - low) if each["xref"] == "x" else each["x"] for each in rows]
    made.update_traces(xaxis="x2").update_shapes(xref="x2")
    made.add_scatter(
        name="words",
        mode="text",
        x=[left + share * (WIDTH - left - right) + e.get("xshift", 0) for share, e in zip(shares, rows, strict=True)],
        y=[each["y"] for each in rows],
        text=[each["text"] for each in rows],
        textposition=[f"middle {'left' if each['xanchor'] == 'right' else 'right'}" for each in rows],
        textfont={name: [each["font"][name] for each in rows] for name in ("size", "color")},
        hoverinfo="skip",
        zorder=1,  # above the grid of the marks
    )
    between = {"domain": [left / WIDTH, 1 - right / WIDTH], "anchor": "y"}
    made.update_layout(xaxis2={**layout.xaxis.to_plotly_json(), **between}, margin={"l": 0, "r": 0})
    layout.xaxis = {"range": [0, WIDTH], "visible": False}
    layout.annotations = [{**each, "xref": "x2 domain"} for each in others]
