"""What a figure says and shows goes in as plain data, a plotly figure of the one look comes out."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..criteria.doors import load_module
from ..criteria.stage import expect
from .format import FRAME, NOBODY
from .page import QUIET
from .template import SMALL, SUBTITLE, TITLE, WIDTH, note, template, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Spec = Mapping[str, Any]
"""A trace, an annotation, a shape or an axis, as plotly writes it."""


@dataclass(frozen=True)
class Room:
    """The height of a drawing in pixels, and the room around it: for labels, numbers, below the subtitle, for ticks."""

    height: float
    left: float = 60
    right: float = 20
    head: float = 12
    foot: float = 34


@dataclass(frozen=True)
class Drawing:
    """What a figure says, and the marks and words that it is made of.

    Attributes:
        finding: the title, as a sentence; the caller may have another.
        room: for the drawing and around it; the figure is as much higher as its texts need.
        population: who is counted, N, the data cut: the subtitle, unless the caller has another.
        remark: what the reader must know whatever the subtitle is, such as how many rows are left out.
        alt: the figure in words, after the finding; otherwise the subtitle.
        marks: plotly's traces.
        words: annotations, see `note`.
        shapes: lines and areas.
        x, y: the axes.
        layout: whatever else plotly's layout needs.
        phone: the same, drawn for a narrow page; its texts are those of this one.
    """

    finding: str
    room: Room
    population: str = ""
    remark: str = ""
    alt: str = ""
    marks: Sequence[Spec] = ()
    words: Sequence[Spec] = ()
    shapes: Sequence[Spec] = ()
    x: Spec = field(default_factory=dict)
    y: Spec = field(default_factory=dict)
    layout: Spec = field(default_factory=dict)
    phone: Drawing | None = None


_WORDS = (
    ("title", None, "the finding as a sentence; otherwise the figure's own"),
    ("subtitle", None, "population, N, data cut; otherwise the figure's own"),
    ("source", "", "a last line: N used, where the data come from"),
)


def figure(draw: Callable[..., Drawing]) -> Callable[..., Figure]:
    """A function that gives a `Drawing` becomes one that gives its figure, and takes the caller's words.

    >>> import pandas as pd
    >>> @figure
    ... def nothing(frame):
    ...     return nobody("Nobody was screened", "93,995 records")
    >>> made = nothing(pd.DataFrame(), title="Nobody came")
    >>> made.layout.width, made.layout.title.text[:18], made.layout.meta["alt"]
    (660, '<b>Nobody came</b>', 'Nobody was screened. 93,995 records.')
    """

    @wraps(draw)
    def draw_figure(*frames: Any, title: str | None = None, subtitle: str | None = None, source: str = "", **how: Any):
        for frame in frames[:1]:
            expect(frame, pd.DataFrame, f"figures.{draw.__name__}(frame)", FRAME)
        return _lay_out(draw(*frames, **how), title, subtitle, source)

    signature = inspect.signature(draw)
    words = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default, _ in _WORDS]
    draw_figure.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *words])  # type: ignore[attr-defined]
    detail = "".join(f"\n        {name}: {meaning}." for name, _, meaning in _WORDS)
    draw_figure.__doc__ = f"{draw.__doc__}\n    Every figure also takes:{detail}\n"
    return draw_figure


def nobody(finding: str, population: str = "") -> Drawing:
    """A drawing of nothing, which says so."""
    hidden = {"visible": False, "range": [0, 1]}
    words = [note(NOBODY, x=0, y=0.5, color=QUIET)]
    return Drawing(finding, Room(70, left=0), population, words=words, x=hidden, y=hidden)


def _lay_out(drawing: Drawing, title: str | None, subtitle: str | None, source: str) -> Figure:
    """The finding on top, then the population, the drawing, the source."""
    room, sentence = drawing.room, [drawing.population if subtitle is None else subtitle, drawing.remark]
    heading = wrap(title or drawing.finding, 66)
    below = wrap(". ".join(filter(None, sentence)), 100) if any(sentence) else []
    small = f'<span style="font-size:{SUBTITLE}px;color:{QUIET}">'
    text = "<br>".join([*(f"<b>{line}</b>" for line in heading), *(f"{small}{line}</span>" for line in below)])
    # plotly 7 draws a title of several lines two thirds of a line too high
    lift = 12 if len(heading) + len(below) > 1 else 0
    top = round(len(heading) * TITLE * 1.3 + len(below) * SUBTITLE * 1.35) + room.head + 8
    under = room.foot + (18 if source else 0)
    last = [note(source, x=0, y=0, xshift=-room.left, yshift=-under + 8, size=SMALL, color=QUIET)] if source else []
    phone = {"phone": _narrow(drawing.phone, last, under, drawing.layout)} if drawing.phone else {}
    alt = drawing.alt or ". ".join(filter(None, [drawing.population, drawing.remark]))
    layout = {
        "template": template(),
        "width": WIDTH,
        "height": top + room.height + under,
        "margin": {"l": room.left, "r": room.right, "t": top, "b": under, "pad": 0},
        "title": {"text": text, "font": {"size": TITLE}, "pad": {"t": 2 + lift}},
        "annotations": [*drawing.words, *last],
        "shapes": list(drawing.shapes),
        "xaxis": drawing.x,
        "yaxis": drawing.y,
        "meta": {
            "alt": ". ".join(filter(None, [drawing.finding, alt])) + ".",
            # a page writes the words above the drawing, as broad as it is, and takes their room out of the figure
            "finding": title or drawing.finding,
            "population": ". ".join(filter(None, sentence)),
            "heading": top - room.head,
            **phone,
        },
        **drawing.layout,
    }
    return load_module("plotly.graph_objects").Figure(data=list(drawing.marks), layout=layout)


_NARROW = 52
"""Characters of a line on a narrow page."""


def _narrow(drawing: Drawing, last: Sequence[Spec], under: float, layout: Spec) -> Spec:
    """What a narrow page draws instead, below words of its own: the data, and what is other in the layout."""
    notes = [_break_lines(each) for each in [*drawing.words, *last]]
    more = 16 * max((each["text"].count("<br>") for each in notes if each["y"] == 0), default=0)
    return {
        "data": list(drawing.marks),
        "layout": {
            **drawing.layout,
            "barmode": layout.get("barmode", "stack"),
            "annotations": notes,
            "shapes": list(drawing.shapes),
            "xaxis": drawing.x,
            "yaxis": drawing.y,
            "width": drawing.x["range"][1],
            "height": drawing.room.head + drawing.room.height + under + more,
            "margin": {"l": 0, "r": 0, "t": drawing.room.head, "b": under + more, "pad": 0},
        },
    }


def _break_lines(words: Spec) -> dict[str, Any]:
    """An annotation in lines that a narrow page holds; below the marks it grows downwards."""
    text = str(words["text"])
    if "<br>" not in text and ("<" in text or len(text) <= _NARROW):
        return dict(words)
    lines = textwrap.wrap(text.replace("<br>", " "), _NARROW)
    return {**words, "text": "<br>".join(lines), "yshift": words.get("yshift", 0) - 8 * (len(lines) - 1)}
