"""The grammar of charts of rows: labels at the left, marks in the middle, columns of numbers at the right.

A row is as high as its label. Marks are bars, or estimates with their intervals; they may stand in two panels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec
from .format import absent
from .page import INK, QUIET
from .template import BODY, HAIR, HATCH, SMALL, STATES, WIDTH, note, wrap

_LEFT = 242
"""Room for the words at the left, which are wrapped to it."""
PHONE, LINE, FAINT = 340, 16.5, "#b4b4b4"
"""How broad a chart is on a phone, how high a line of a label, and what may lie behind words."""

HATCHED = {"color": "white", "line": {"color": STATES["unknown"], "width": 1}, "pattern": HATCH}
SOLID = {state: {"color": colour, "line": {"color": colour, "width": 1}} for state, colour in STATES.items()}

Row = dict[str, Any]
Text = Callable[[Row], str]
Estimate = tuple[Any, Any, Any]
"""A value with the ends of its interval; each may be absent."""
_PlacedText = tuple[str, float, float, str, float, str]
"""Words, where they stand, on which side of that, their size and their colour."""


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
        parts = list(zip(texts, self.shifts, strict=True))
        return [(text(row), at, shift) for at, row in enumerate(rows) for text, shift in parts]


@dataclass(frozen=True)
class Panel:
    """An axis of values, its share of the room between labels and columns, and what is written below it."""

    axis: Spec
    share: tuple[float, float] = (0, 1)
    title: str = ""


Line = tuple[str, Row | None]
"""A label, with `<br>` where it is broken, and its row; a heading has none."""


def row_chart(
    lines: Sequence[Line],
    marks: Sequence[Bars | Intervals],
    *panels: Panel,
    columns: Sequence[Column] = (),
    ends: Callable[[Row], tuple[float | None, str]] | None = None,
    left: int = _LEFT,
    right: int = 0,
    head: int = 30,
    foot: int = 34,
    size: float = BODY,
    over: bool = False,
    words: Sequence[Spec] = (),
    shapes: Sequence[Spec] = (),
    barmode: str = "stack",
    **captions: str,
) -> Drawing:
    """A drawing of rows.

    The words of the rows are one trace: the browser lays every annotation anew at each key press, 2 ms each, but a
    trace at once. No point of a trace may leave its axes, so `x` spans the whole figure in pixels, for the words, and
    the marks have axes of their own between labels and columns.

    Args:
        lines: from the top.
        marks: drawn of the rows.
        panels: axes of the values, of which the first is shared by all marks that name no other.
        columns: numbers at the right.
        ends: of a row, a value and the words that stand beside it.
        left, right: room for labels, and for `ends`; columns bring their own.
        head, foot: room for the headings of columns, and below the marks.
        size: of the labels.
        over: headings may be longer than the room for labels, and are written over the marks.
        words: annotations, placed in pixels from the left edge.
        shapes: on the axis of the first panel.
        barmode: whether bars of a row are stacked or laid over each other.
        captions: the texts of `Drawing`.
    """
    rows = [row for _, row in lines if row]
    wide = [text_width([column.head, *(text for text, *_ in column.cells(rows))], column.pad) for column in columns]
    inside = [{**shape, "xref": "x2"} for shape in shapes]

    def drawing(frame: _Frame) -> Drawing:
        places = [middles for (_, row), middles in zip(lines, frame.middles, strict=True) if row]
        _, here, numbers = zip(*places, strict=True)
        texts, heads = _labels(lines, frame, size, over)
        cells, column_heads = _cells(columns, wide, rows, numbers, frame.width)
        axes, titles = _axes(panels, frame)
        beside = [_beside(*ends(row), y, panels[0], frame) for row, y in zip(rows, here, strict=True)] if ends else []
        return Drawing(
            "",
            Room(frame.height, 0, 0, head, foot),
            marks=[*(mark.trace(rows, here) for mark in marks), _words([*texts, *beside, *cells])],
            words=[*words, *heads, *column_heads, *titles],
            shapes=inside,
            x={"range": [0, frame.width], "visible": False},
            y={"range": [frame.height, 0], "visible": False},
            layout=axes,
        )

    page = drawing(_Frame(WIDTH, left, WIDTH - (sum(wide) or right), *_row_positions([text for text, _ in lines])))
    phone = drawing(_on_phone(lines, marks, columns, sum(wide), right))
    return replace(page, layout={"barmode": barmode, **page.layout}, phone=phone, **captions)


@dataclass(frozen=True)
class _Frame:
    """How broad a chart is, where its marks begin and end, and of each line the middle of label, marks and numbers."""

    width: int
    left: int
    edge: int
    middles: Sequence[tuple[float, float, float]]
    height: int


def _labels(lines: Sequence[Line], frame: _Frame, size: float, over: bool) -> tuple[list[_PlacedText], list[Spec]]:
    """The words at the left; headings that may be longer than the room for labels are annotations."""
    texts, heads = [], []
    for (text, row), (y, *_) in zip(lines, frame.middles, strict=True):
        if over and not row:
            heads.append(note(f"<b>{text}</b>", x=0, y=y, yref="y", size=size, bgcolor="white"))
        else:
            texts.append(_text(text, 0, y, size=size))
    return texts, heads


def _beside(value: float | None, text: str, y: float, panel: Panel, frame: _Frame) -> _PlacedText:
    """The words that stand beside a value on its axis."""
    low, high = panel.axis["range"]
    return _text(text, frame.left + (frame.edge - frame.left) * ((value or 0) - low) / (high - low) + 6, y, size=12)


def _cells(
    columns: Sequence[Column], wide: Sequence[int], rows: Sequence[Row], middles: Sequence[float], width: int
) -> tuple[list[_PlacedText], list[Spec]]:
    """The numbers of the columns, and their headings."""
    x, texts, heads = width - sum(wide), [], []
    for column, room in zip(columns, wide, strict=True):
        x += room
        place: dict[str, Any] = {"size": column.size, "color": column.colour, "xanchor": "right", "yshift": 10}
        heads.append(note(f"<b>{column.head}</b>", x=x, xref="x", y=1, **place))
        for text, at, shift in column.cells(rows):
            colour = QUIET if text == column.quiet else INK
            texts.append(_text(text, x, middles[at] + shift, column.size, "left", colour))
    return texts, heads


def _axes(panels: Sequence[Panel], frame: _Frame) -> tuple[dict[str, Spec], list[Spec]]:
    """The axes of the values, and what is written below them."""
    axes, titles = {}, []
    for n, panel in enumerate(panels, 2):
        domain = [(frame.left + (frame.edge - frame.left) * share) / frame.width for share in panel.share]
        # on a phone, words stand on the line where zero is
        faint = {"zerolinecolor": FAINT, "zerolinewidth": 1} if frame.width != WIDTH else {}
        axes[f"xaxis{n}"] = {**panel.axis, **faint, "domain": domain, "anchor": "y"}
        if panel.title:
            titles.append(note(panel.title, x=domain[0] * frame.width, xref="x", y=0, yshift=-32, size=12))
    return axes, titles


def _on_phone(
    lines: Sequence[Line], marks: Sequence[Bars | Intervals], columns: Sequence[Column], wide: int, right: int
) -> _Frame:
    """A label stands above its marks; numbers beside them where marks keep room, else below."""
    width = max(PHONE, wide)
    beside = wide < 0.56 * PHONE
    thick = 24 + 2 * max(abs(mark.off) for mark in marks)
    under = 0 if beside else 18 + 2 * max((abs(shift) for column in columns for shift in column.shifts), default=0)
    middles, top = [], 0.0
    for text, row in lines:
        top += 0 if row else 8
        label = LINE * (text.count("<br>") + 1)
        mark, below = top + label + thick / 2, top + label + thick + under / 2
        middles.append((top + label / 2, mark, mark if beside else below))
        top += label + (thick + under + 4 if row else 0)
    return _Frame(width, 0, width - (wide if beside and wide else right), middles, round(top))


def _text(text: str, x: float, y: float, size: float, side: str = "right", colour: str = INK) -> _PlacedText:
    """Words of a row at the side of a place, in pixels from the left edge and from the top."""
    return text, x, y, f"middle {side}", size, colour


def _words(texts: Sequence[_PlacedText]) -> Spec:
    """The words of the rows as one trace, above the grid of the marks."""
    text, x, y, position, size, color = map(list, zip(*texts, strict=True))
    place = {"x": x, "y": y, "textposition": position, "textfont": {"size": size, "color": color}, "zorder": 1}
    return {"type": "scatter", "name": "words", "mode": "text", "text": text, "hoverinfo": "skip", **place}


def below_headings(rows: Sequence[Row], headings: Callable[[Row], Sequence[str]], text: Text) -> list[Line]:
    """A line for each row, below its headings where they are others than those before."""
    lines: list[Line] = []
    last: Sequence[str] = ()
    for row in rows:
        heads = headings(row)
        same = [new == old for new, old in zip_longest(heads, last)]
        lines += [(head, None) for at, head in enumerate(heads) if head and not all(same[: at + 1])]
        lines.append((text(row), row))
        last = heads
    return lines


def _row_positions(labels: Sequence[str]) -> tuple[list[tuple[float, float, float]], int]:
    """The middle of each row in pixels from the top, each as high as its words; and the height of all."""
    middles, top = [], 0.0
    for each in labels:
        height = max(27, LINE * (each.count("<br>") + 1) + 5)
        middles.append((top + height / 2,) * 3)
        top += height
    return middles, round(top)


def text_width(texts: Sequence[str], pad: int = 18, bold: bool = False) -> int:
    """How much room numbers need at the right, in the widest of the fonts."""
    return round(max(len(text) for text in texts) * (8.6 if bold else 7.4)) + pad


def value_axis(low: float, high: float, share: tuple[float, float] = (0, 1), title: str = "", **more: Any) -> Panel:
    """An axis with few ticks, so that its labels do not meet, and a line where zero is."""
    return Panel({"range": [low, high], "nticks": 4, "zeroline": True, "zerolinecolor": HAIR, **more}, share, title)


def records(frame: pd.DataFrame, *more: str) -> list[Row]:
    """The rows with plain whole numbers; a count that was suppressed is None, which has no length and is a dash."""
    counts = {"pass", "fail", "unknown", "n", "certain", "possible", "alone", "of", "moved", *more}
    numbers = counts & set(frame.columns)
    rows: list[Row] = frame.to_dict("records")  # type: ignore[assignment]
    for row in rows:
        row.update({name: None if absent(row[name]) else int(row[name]) for name in numbers})
    return rows


def most_of(rows: Sequence[Row], name: str) -> int:
    """The largest number of a column."""
    return max((row[name] or 0 for row in rows), default=0)


def held_back(rows: Sequence[Row], *names: str) -> str:
    """What is said instead of "nobody" where a count is suppressed; nothing where all are there."""
    hidden = any(row[name] is None for row in rows for name in names)
    return "Which is the largest is held back: a count is too small to be shown" if hidden else ""


def label(id: Any, text: Any, small: str = "") -> str:
    """A criterion as a row is labelled: its id, its words, and a small remark."""
    id = "" if absent(id) else str(id)
    lines = wrap(f"{id} {text}".strip(), 31)
    if id:
        lines[0] = lines[0].replace(id, f"<b>{id}</b>", 1)
    if small:
        lines.append(f'<span style="font-size:{SMALL}px;color:{QUIET}">{"<br>".join(wrap(small, 36))}</span>')
    return "<br>".join(lines)
