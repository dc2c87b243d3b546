"""The grammar of charts of rows: labels at the left, marks in the middle, columns of numbers at the right.

A row is as high as its label. Marks are bars, or estimates with their intervals; they may stand in two panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .drawing import Drawing, Spec
from .format import absent, number
from .page import INK, QUIET
from .template import BODY, HAIR, HATCH, SMALL, STATES, WIDTH, note, wrap

LEFT = 242
"""Room for the words at the left, which are wrapped to it."""

HATCHED = {"color": "white", "line": {"color": STATES["unknown"], "width": 1}, "pattern": HATCH}
SOLID = {state: {"color": colour, "line": {"color": colour, "width": 1}} for state, colour in STATES.items()}

Estimate = tuple[Any, Any, Any]
"""A value with the ends of its interval; each may be absent."""


@dataclass(frozen=True)
class Bars:
    """One bar a row; what is not known has no length. `off` is how far below the middle of its row a bar lies."""

    name: str
    values: Sequence[int | None]
    marker: Spec
    hover: Sequence[str]
    thick: float = 20
    off: float = 0
    inside: Sequence[str] = ()


@dataclass(frozen=True)
class Intervals:
    """A mark a row at its estimate, with its interval; a row without an estimate has no mark."""

    estimates: Sequence[Estimate]
    hover: Sequence[str]
    name: str | None = None
    colour: str = INK
    symbol: str = "square"
    size: float | Sequence[float] = 8
    off: float = 0
    panel: int = 0


@dataclass(frozen=True)
class Column:
    """Numbers at the right below their heading, at rows or where `at` says; `quiet` is written in grey."""

    head: str
    texts: Sequence[str]
    room: int
    colour: str = INK
    size: float = SMALL
    quiet: str = "–"
    inset: int = 0
    at: Sequence[float] | None = None


@dataclass(frozen=True)
class Panel:
    """An axis of values, and its share of the room between labels and columns."""

    axis: Spec
    share: tuple[float, float] = (0, 1)


@dataclass(frozen=True)
class _Text:
    """Words of a row, in pixels from the left edge and from the top; on which side of their place they stand."""

    text: str
    x: float
    y: float
    side: str = "right"
    size: float = BODY
    colour: str = INK


def row_chart(
    labels: Sequence[str],
    marks: Sequence[Bars | Intervals],
    *panels: Panel,
    slots: Sequence[int] | None = None,
    columns: Sequence[Column] = (),
    ends: Sequence[tuple[int | None, str]] = (),
    left: int = LEFT,
    right: int = 0,
    size: float = BODY,
    over: bool = False,
    words: Sequence[Spec] = (),
    shapes: Sequence[Spec] = (),
    barmode: str = "stack",
    **said: Any,
) -> Drawing:
    """A drawing of rows.

    The words of the rows are one trace: the browser lays every annotation anew at each key press, 2 ms each, but a
    trace at once. No point of a trace may leave its axes, so `x` spans the whole figure in pixels, for the words, and
    the marks have axes of their own between labels and columns.

    Args:
        labels: one a row, with `<br>` where it is broken.
        marks: each with a value for every row that has marks.
        panels: axes of the values, of which the first is shared by all marks that name no other.
        slots: the rows that have marks, if not all do; the others are headings.
        columns: numbers at the right.
        ends: for each row with marks, a value and the words that stand beside it.
        left, right: room for labels, and for `ends`; columns bring their own.
        size: of the labels.
        over: headings may be longer than the room for labels, and are written over the marks.
        words: annotations, placed in pixels from the left edge.
        shapes: on the axis of the first panel.
        barmode: whether bars of a row are stacked or laid over each other.
        said: the texts of `Drawing`, its `head` and its `foot`.
    """
    middles, height = row_positions(labels)
    slots = range(len(labels)) if slots is None else slots
    here = [middles[slot] for slot in slots]
    right = sum(column.room for column in columns) or right
    plot = WIDTH - left - right
    rows = list(zip(labels, middles, strict=True))
    headings = [each for at, each in enumerate(rows) if over and at not in slots]
    texts = [_Text(text, 0, y, size=size) for text, y in rows if (text, y) not in headings]
    heads, edge = [], left + plot
    for column in columns:
        edge += column.room
        place: dict[str, Any] = {"xanchor": "right", "xshift": edge - column.inset, "yshift": 10}
        heads.append(note(f"<b>{column.head}</b>", x=0, y=1, size=column.size, color=column.colour, **place))
        texts += [
            _Text(text, edge - column.inset, y, "left", column.size, QUIET if text == column.quiet else INK)
            for text, y in zip(column.texts, here if column.at is None else column.at, strict=True)
        ]
    low, high = panels[0].axis["range"]
    texts += [
        _Text(text, left + plot * ((value or 0) - low) / (high - low) + 6, y, size=12)
        for (value, text), y in zip(ends, here, strict=bool(ends))
    ]
    axes = {
        f"xaxis{n}": {**panel.axis, "domain": [(left + plot * x) / WIDTH for x in panel.share], "anchor": "y"}
        for n, panel in enumerate(panels, 2)
    }
    traces = [_bars(each, here) if isinstance(each, Bars) else _intervals(each, here) for each in marks]
    return Drawing(
        marks=[*traces, _words(texts)],
        words=[
            *(note(f"<b>{text}</b>", x=0, y=y, yref="y", size=size, bgcolor="white") for text, y in headings),
            *heads,
            *words,
        ],
        shapes=[{**shape, "xref": "x2"} for shape in shapes],
        x={"range": [0, WIDTH], "visible": False},
        y={"range": [height, 0], "visible": False},
        layout={"barmode": barmode, **axes},
        height=height,
        left=0,
        right=0,
        **{"head": 30 if columns else 12, **said},
    )


def _bars(mark: Bars, middles: Sequence[float]) -> Spec:
    inside: dict[str, Any] = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
    inside |= {"text": list(mark.inside), "textfont": {"color": "white", "size": SMALL}}
    return {
        "type": "bar",
        "name": mark.name,
        "x": [value or 0 for value in mark.values],
        "y": [y + mark.off for y in middles],
        "width": mark.thick,
        "orientation": "h",
        "marker": mark.marker,
        "hovertext": list(mark.hover),
        "xaxis": "x2",
        **(inside if mark.inside else {}),
    }


def _intervals(mark: Intervals, middles: Sequence[float]) -> Spec:
    known = [at for at, (value, _, _) in enumerate(mark.estimates) if not absent(value)]
    reach = [
        (0.0, 0.0) if absent(low) or absent(high) else (value - low, high - value)
        for value, low, high in (mark.estimates[at] for at in known)
    ]
    bars = {"type": "data", "array": [up for _, up in reach], "arrayminus": [down for down, _ in reach]}
    return {
        "type": "scatter",
        "name": mark.name,
        "mode": "markers",
        "x": [mark.estimates[at][0] for at in known],
        "y": [middles[at] + mark.off for at in known],
        "error_x": {**bars, "color": mark.colour, "thickness": 1.6, "width": 0} if any(map(any, reach)) else None,
        "marker": {"color": mark.colour, "symbol": mark.symbol, "size": mark.size, "opacity": 1, "line": {"width": 0}},
        "hovertext": [mark.hover[at] for at in known],
        "xaxis": f"x{mark.panel + 2}",
    }


def _words(texts: Sequence[_Text]) -> Spec:
    """The words of the rows as one trace."""
    return {
        "type": "scatter",
        "name": "words",
        "mode": "text",
        "x": [each.x for each in texts],
        "y": [each.y for each in texts],
        "text": [each.text for each in texts],
        "textposition": [f"middle {each.side}" for each in texts],
        "textfont": {"size": [each.size for each in texts], "color": [each.colour for each in texts]},
        "hoverinfo": "skip",
        "zorder": 1,  # above the grid of the marks
    }


def row_positions(labels: Sequence[str]) -> tuple[list[float], int]:
    """The middle of each row in pixels from the top, each as high as its words; and the height of all."""
    middles, top = [], 0.0
    for each in labels:
        height = max(27, 16.5 * (each.count("<br>") + 1) + 5)
        middles.append(top + height / 2)
        top += height
    return middles, round(top)


def text_width(texts: Sequence[str], bold: bool = False) -> int:
    """How much room numbers need at the right, in the widest of the fonts."""
    return round(max(len(text) for text in texts) * (8.6 if bold else 7.4)) + 18


def value_axis(low: float, high: float, **more: Any) -> Panel:
    """An axis with few ticks, so that its labels do not meet, and a line where zero is."""
    return Panel({"range": [low, high], "nticks": 4, "zeroline": True, "zerolinecolor": HAIR, **more})


def difference(row: Mapping[str, Any]) -> Estimate:
    """The estimate of a row, with its ends."""
    return row["difference"], row["low"], row["high"]


def axis_of_differences(
    estimates: Sequence[Estimate], margin: float, share: tuple[float, float] = (0, 1), **more: Any
) -> Panel:
    """An axis that holds all the estimates and 0."""
    reach = [0.0, *(value for each in estimates for value in each if not absent(value))]
    edge = margin * (max(reach) - min(reach) or 1)
    panel = value_axis(min(reach) - edge, max(reach) + edge, tickformat=".0%", tickangle=0, zerolinecolor=INK, **more)
    return Panel(panel.axis, share)


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


def label(id: Any, text: Any, small: str = "") -> str:
    """A criterion as a row is labelled: its id, its words, and a small remark."""
    id = "" if absent(id) else str(id)
    lines = wrap(f"{id} {text}".strip(), 31)
    if id:
        lines[0] = lines[0].replace(id, f"<b>{id}</b>", 1)
    if small:
        lines.append(f'<span style="font-size:{SMALL}px;color:{QUIET}">{"<br>".join(wrap(small, 36))}</span>')
    return "<br>".join(lines)


def points(row: Mapping[str, Any]) -> str:
    """A difference of shares in percentage points, with its interval.

    >>> points({"difference": -0.077, "low": -0.13, "high": -0.023})
    '−7.7 (−13.0 to −2.3)'
    """
    return with_interval(*(row[name] for name in ("difference", "low", "high")), digits=1, times=100)


def with_interval(value: Any, low: Any, high: Any, digits: int, times: float = 1) -> str:
    """An estimate with its interval as far as they are known; a short dash without an estimate."""
    if absent(value):
        return "–"
    ends = "" if absent(low) or absent(high) else f" ({number(times * low, digits)} to {number(times * high, digits)})"
    return number(times * value, digits) + ends
