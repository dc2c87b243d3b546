"""The grammar of charts of rows: labels at the left, marks in the middle, columns of numbers at the right.

A row is as high as its label. Marks are bars, or estimates with their intervals; they may stand in two panels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec
from .format import absent, number
from .page import INK, QUIET
from .template import BODY, HAIR, HATCH, SMALL, STATES, WIDTH, note, wrap

LEFT = 242
"""Room for the words at the left, which are wrapped to it."""

HATCHED = {"color": "white", "line": {"color": STATES["unknown"], "width": 1}, "pattern": HATCH}
SOLID = {state: {"color": colour, "line": {"color": colour, "width": 1}} for state, colour in STATES.items()}

Row = dict[str, Any]
Text = Callable[[Row], str]
Estimate = tuple[Any, Any, Any]
"""A value with the ends of its interval; each may be absent."""


@dataclass(frozen=True)
class Bars:
    """One bar a row; what is not known has no length. `off` is how far below the middle of its row a bar lies."""

    name: str
    value: Callable[[Row], float | None]
    marker: Spec
    hover: Text
    thick: float = 20
    off: float = 0
    inside: Text | None = None

    def trace(self, rows: Sequence[Row], middles: Sequence[float]) -> Spec:
        """Plotly's bars."""
        words: dict[str, Any] = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
        if self.inside:
            words |= {"text": [self.inside(row) for row in rows], "textfont": {"color": "white", "size": SMALL}}
        return {
            "type": "bar",
            "name": self.name,
            "x": [self.value(row) or 0 for row in rows],
            "y": [y + self.off for y in middles],
            "width": self.thick,
            "orientation": "h",
            "marker": self.marker,
            "hovertext": [self.hover(row) for row in rows],
            "xaxis": "x2",
            **(words if self.inside else {}),
        }


@dataclass(frozen=True)
class Intervals:
    """A mark a row at its estimate, with its interval; a row without an estimate has no mark."""

    estimate: Callable[[Row], Estimate]
    hover: Text
    name: str | None = None
    colour: str = INK
    symbol: str = "square"
    size: float | Sequence[float] = 8
    off: float = 0
    panel: int = 0

    def trace(self, rows: Sequence[Row], middles: Sequence[float]) -> Spec:
        """Plotly's points, and their ends as far as they are known."""
        drawn = [(row, y, *self.estimate(row)) for row, y in zip(rows, middles, strict=True)]
        drawn = [each for each in drawn if not absent(each[2])]
        reach = [(0, 0) if absent(low) or absent(high) else (x - low, high - x) for _, _, x, low, high in drawn]
        bars = {"array": [up for _, up in reach], "arrayminus": [down for down, _ in reach]}
        bars |= {"type": "data", "color": self.colour, "thickness": 1.6, "width": 0}
        return {
            "type": "scatter",
            "name": self.name,
            "mode": "markers",
            "x": [x for _, _, x, _, _ in drawn],
            "y": [y + self.off for _, y, *_ in drawn],
            "error_x": bars if any(map(any, reach)) else None,
            "marker": {"color": self.colour, "symbol": self.symbol, "size": self.size, "opacity": 1},
            "hovertext": [self.hover(row) for row, *_ in drawn],
            "xaxis": f"x{self.panel + 2}",
        }


@dataclass(frozen=True)
class Column:
    """Numbers at the right below their heading; what is `quiet` is written in grey. `shifts` gives a row several."""

    head: str
    text: Text | Sequence[Text]
    colour: str = INK
    size: float = SMALL
    quiet: str = "–"
    pad: int = 18
    shifts: Sequence[float] = (0,)

    def cells(self, rows: Sequence[Row]) -> list[tuple[str, int, float]]:
        """What is written, in which row, and how far below its middle."""
        texts = [self.text] if callable(self.text) else self.text
        return [
            (text(row), at, shift)
            for at, row in enumerate(rows)
            for text, shift in zip(texts, self.shifts, strict=True)
        ]


@dataclass(frozen=True)
class Panel:
    """An axis of values, and its share of the room between labels and columns."""

    axis: Spec
    share: tuple[float, float] = (0, 1)


@dataclass(frozen=True)
class _Words:
    """Words of a row, in pixels from the left edge and from the top; on which side of their place they stand."""

    text: str
    x: float
    y: float
    side: str = "right"
    size: float = BODY
    colour: str = INK


def row_chart(
    rows: Sequence[Row],
    labels: Sequence[str],
    marks: Sequence[Bars | Intervals],
    *panels: Panel,
    slots: Sequence[int] | None = None,
    columns: Sequence[Column] = (),
    ends: Callable[[Row], tuple[float | None, str]] | None = None,
    left: int = LEFT,
    right: int = 0,
    head: int = 30,
    foot: int = 34,
    size: float = BODY,
    over: bool = False,
    axis_titles: Sequence[str] = (),
    words: Sequence[Spec] = (),
    shapes: Sequence[Spec] = (),
    barmode: str = "stack",
    **said: str,
) -> Drawing:
    """A drawing of rows.

    The words of the rows are one trace: the browser lays every annotation anew at each key press, 2 ms each, but a
    trace at once. No point of a trace may leave its axes, so `x` spans the whole figure in pixels, for the words, and
    the marks have axes of their own between labels and columns.

    Args:
        rows: with marks and numbers.
        labels: one a row, or a heading, with `<br>` where it is broken.
        marks: drawn of the rows.
        panels: axes of the values, of which the first is shared by all marks that name no other.
        slots: which labels are those of the rows, if there are headings.
        columns: numbers at the right.
        ends: a value and the words that stand beside it.
        left, right: room for labels, and for `ends`; columns bring their own.
        head, foot: room for the headings of columns, and below the marks.
        size: of the labels.
        over: headings may be longer than the room for labels, and are written over the marks.
        axis_titles: one a panel, below its axis.
        words: annotations, placed in pixels from the left edge.
        shapes: on the axis of the first panel.
        barmode: whether bars of a row are stacked or laid over each other.
        said: the texts of `Drawing`.
    """
    middles, height = row_positions(labels)
    here = [middles[slot] for slot in (range(len(labels)) if slots is None else slots)]
    headings = [at for at in range(len(labels)) if over and slots is not None and at not in slots]
    cells = [column.cells(rows) for column in columns]
    wide = [text_width([c.head, *(text for text, *_ in each)], c.pad) for c, each in zip(columns, cells, strict=True)]
    plot = WIDTH - left - (sum(wide) or right)
    texts = [_Words(text, 0, middles[at], size=size) for at, text in enumerate(labels) if at not in headings]
    words = [*words, *(_heading(labels[at], middles[at], size) for at in headings)]
    edge = left + plot
    for column, each, room in zip(columns, cells, wide, strict=True):
        edge += room
        place: dict[str, Any] = {"size": column.size, "color": column.colour, "xanchor": "right", "yshift": 10}
        words.append(note(f"<b>{column.head}</b>", x=edge, xref="x", y=1, **place))
        texts += [
            _Words(text, edge, here[at] + shift, "left", column.size, QUIET if text == column.quiet else INK)
            for text, at, shift in each
        ]
    for title, panel in zip(axis_titles, panels, strict=bool(axis_titles)):
        words.append(note(title, x=left + plot * panel.share[0], xref="x", y=0, yshift=-32, size=12))
    low, high = panels[0].axis["range"]
    for row, y in zip(rows, here, strict=True):
        value, text = ends(row) if ends else (None, "")
        texts += [_Words(text, left + plot * ((value or 0) - low) / (high - low) + 6, y, size=12)] if text else []
    axes = {
        f"xaxis{n}": {**panel.axis, "domain": [(left + plot * x) / WIDTH for x in panel.share], "anchor": "y"}
        for n, panel in enumerate(panels, 2)
    }
    return Drawing(
        marks=[*(mark.trace(rows, here) for mark in marks), _trace(texts)],
        words=words,
        shapes=[{**shape, "xref": "x2"} for shape in shapes],
        x={"range": [0, WIDTH], "visible": False},
        y={"range": [height, 0], "visible": False},
        layout={"barmode": barmode, **axes},
        room=Room(height, 0, 0, head, foot),
        **said,
    )


def _heading(text: str, y: float, size: float) -> Spec:
    return note(f"<b>{text}</b>", x=0, y=y, yref="y", size=size, bgcolor="white")


def _trace(texts: Sequence[_Words]) -> Spec:
    """The words of the rows as one trace, above the grid of the marks."""
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
        "zorder": 1,
    }


def below_headings(
    rows: Sequence[Row], headings: Callable[[Row], Sequence[str]], text: Text
) -> tuple[list[str], list[int]]:
    """A label for each row, below its headings where they are others than those before; which labels are rows."""
    labels: list[str] = []
    slots: list[int] = []
    last: Sequence[str] = ()
    for row in rows:
        heads = headings(row)
        same = [new == old for new, old in zip_longest(heads, last)]
        labels += [head for at, head in enumerate(heads) if head and not all(same[: at + 1])]
        slots.append(len(labels))
        labels.append(text(row))
        last = heads
    return labels, slots


def row_positions(labels: Sequence[str]) -> tuple[list[float], int]:
    """The middle of each row in pixels from the top, each as high as its words; and the height of all."""
    middles, top = [], 0.0
    for each in labels:
        height = max(27, 16.5 * (each.count("<br>") + 1) + 5)
        middles.append(top + height / 2)
        top += height
    return middles, round(top)


def text_width(texts: Sequence[str], pad: int = 18, bold: bool = False) -> int:
    """How much room numbers need at the right, in the widest of the fonts."""
    return round(max(len(text) for text in texts) * (8.6 if bold else 7.4)) + pad


def value_axis(low: float, high: float, **more: Any) -> Panel:
    """An axis with few ticks, so that its labels do not meet, and a line where zero is."""
    return Panel({"range": [low, high], "nticks": 4, "zeroline": True, "zerolinecolor": HAIR, **more})


def difference(row: Mapping[str, Any]) -> Estimate:
    """The estimate of a row, with its ends."""
    return row["difference"], row["low"], row["high"]


def axis_of_differences(
    rows: Sequence[Mapping[str, Any]], margin: float, share: tuple[float, float] = (0, 1), **more: Any
) -> Panel:
    """An axis that holds all the estimates and 0."""
    reach = [0.0, *(value for row in rows for value in difference(row) if not absent(value))]
    edge = margin * (max(reach) - min(reach) or 1)
    panel = value_axis(min(reach) - edge, max(reach) + edge, tickformat=".0%", tickangle=0, zerolinecolor=INK, **more)
    return Panel(panel.axis, share)


def records(frame: pd.DataFrame, *more: str) -> list[Row]:
    """The rows with plain whole numbers; a count that was suppressed is None, which has no length and is a dash."""
    counts = {"pass", "fail", "unknown", "n", "certain", "possible", "alone", "of", "moved", *more}
    numbers = counts & set(frame.columns)
    rows: list[Row] = frame.to_dict("records")  # type: ignore[assignment]
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
