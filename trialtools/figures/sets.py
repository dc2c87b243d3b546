"""Sets beneath their bars: columns of dots that say which members a set has, as in an UpSet plot."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from .format import absent, count
from .page import QUIET
from .rows import room
from .template import HAIR, WIDTH, annotate, figure, note

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BARS, ROW, MOST = 170, 20, 24
"""How high the bars are, how high a line of dots, and how many lines there are at most."""

Layer = tuple[str, Any, str, Sequence[int | None]]
"""A name, a marker, a colour for its numbers, and a number for each set."""


def members(text: Any) -> list[str]:
    """What a set is made of, from its text in the frame; an empty set has none."""
    return [] if absent(text) else str(text).split(", ")


def sets(
    texts: Sequence[str],
    names: Sequence[str],
    layers: Sequence[Layer],
    title: str,
    subtitle: str,
    source: str,
    hover: Sequence[str],
) -> Figure:
    """Bars side by side for each set, their numbers below, then a line of dots for each name; `other` has no dots.

    `other` is no set: it has its number and no bar, which would dwarf the rest. More names than fit share a last
    line, on which each set tells how many more it has.
    """
    shown, rest = names[:MOST], set(names[MOST:])
    lines = [name for name, *_ in layers] + [shorten(name.replace("_", " "), 26, placeholder=" …") for name in shown]
    lines += [f"{len(rest)} more"] if rest else []
    left, height = max(room(lines), 70), BARS + 12 + ROW * len(lines)
    said = f"{subtitle}. The {len(rest)} rarest are on one line" if rest else subtitle
    made = figure(title, said, height=height, left=left, right=8, head=14, foot=10, source=source)
    wide = 0.8 / len(layers)
    for at, (name, marker, _, values) in enumerate(layers):
        place = [x - 0.4 + wide * (at + 0.5) for x in range(len(texts))]
        made.add_bar(
            name=name,
            x=place,
            y=[0 if text == "other" else v or 0 for text, v in zip(texts, values, strict=True)],
            width=wide * 0.9,
            marker=marker,
            hovertext=hover,
        )
    made.update_traces(hovertemplate="%{hovertext}<extra></extra>")
    # pixels below the bars, so that a line is as high whatever the number of sets
    across = (WIDTH - left - 8) / max(len(texts) + 0.2, 4.2)
    longest = max((len(count(v)) for *_, values in layers for v in values), default=1)
    small = min(11, across / (0.6 * longest))
    lower = [12 + ROW * (line + 0.5) for line in range(len(lines))]
    notes = [note(text, x=0, y=y, yref="y2", xshift=-left, size=12) for text, y in zip(lines, lower, strict=True)]
    for line, (_, _, colour, values) in enumerate(layers):
        notes[line]["font"]["color"] = colour
        notes += [_cell(count(v), x, lower[line], colour, small) for x, v in enumerate(values)]
    dots = dict(zip(shown, lower[len(layers) :], strict=False))
    for x, text in enumerate(texts):
        inside = [] if text == "other" else members(text)
        if text == "other":
            notes.append(_cell("other", x, lower[len(layers)] if dots or rest else lower[-1] + ROW, QUIET))
        if rest & set(inside):
            notes.append(_cell(f"+{len(rest & set(inside))}", x, lower[-1], QUIET))
        if text != "other":
            full = [dots[name] for name in inside if name in dots]
            empty = [y for name, y in dots.items() if name not in inside]
            _scatter(made, x, empty, {"size": 8, "color": HAIR}, "markers", hover[x])
            _scatter(made, x, full, {"size": 10, "color": "#333333"}, "markers+lines", hover[x])
    annotate(made, notes)
    named = [v or 0 for *_, values in layers for text, v in zip(texts, values, strict=True) if text != "other"]
    most = max(named, default=0) or 1
    share = BARS / height
    made.update_layout(
        barmode="overlay",
        yaxis={"domain": [1 - share, 1], "range": [0, most * 1.15], "visible": True, "showgrid": True},
        yaxis2={"domain": [0, 1 - share], "range": [height - BARS, 0], "visible": False, "fixedrange": True},
    )
    made.update_yaxes(gridcolor=HAIR, nticks=4, tickformat=",d", selector={"visible": True})
    made.update_xaxes(range=[-0.6, max(len(texts), 4) - 0.4], visible=False)
    return made


def _cell(text: str, x: int, y: float, colour: str, size: float = 11) -> dict[str, Any]:
    return note(text, x=x, y=y, xref="x", yref="y2", xanchor="center", size=size, color=colour)


def _scatter(made: Figure, x: int, ys: Sequence[float], marker: Any, mode: str, hover: str) -> None:
    if ys:
        told = {"hovertext": [hover] * len(ys), "hovertemplate": "%{hovertext}<extra></extra>"}
        line = {"color": "#333333", "width": 2}
        made.add_scatter(x=[x] * len(ys), y=list(ys), yaxis="y2", mode=mode, marker=marker, line=line, **told)
