"""The one look of all figures: the plotly template "trialtools", colours, wrapping, an empty figure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from .format import NOBODY, SPACE
from .page import FONTS, INK, QUIET

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STATES = {"pass": "#0072B2", "fail": "#D55E00", "unknown": "#767676"}
"""The colours of the three states; unknown is hatched wherever it is an area."""

ARMS = ("#332288", "#AA7A00", "#1B9E77", "#661100")
"""The colours of arms in the order of the protocol; never in one panel with states.

All four have a contrast of 3.4 or more on white, and lie 37 or more apart (dE76) for every kind of colour vision.
"""

WIDTH = 660
"""The widest figure that a printed page shows uncut."""

FONT = ", ".join(FONTS)
HAIR = "#e4e4e4"
TITLE, SUBTITLE, BODY, SMALL = 16, 12.5, 13, 11.5


@cache
def template() -> str:
    """Register the template and return its name."""
    import plotly.graph_objects as go
    import plotly.io as pio

    hover = {
        "bgcolor": "white",
        "bordercolor": INK,
        "font": {"family": FONT, "size": 12.5, "color": INK},
        "align": "left",
    }
    bare = {"showgrid": False, "zeroline": False, "ticks": "", "showline": False, "fixedrange": True}
    pio.templates["trialtools"] = go.layout.Template(
        layout={
            "font": {"family": FONT, "size": BODY, "color": INK},
            "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "colorway": [INK, QUIET, "#8c8c8c"],
            "xaxis": {
                **bare,
                "showgrid": True,
                "gridcolor": HAIR,
                "gridwidth": 1,
                "tickfont": {"size": 12},
                "tickformat": ",d",
            },
            "yaxis": bare,
            "hovermode": "closest",
            "hoverlabel": hover,
            "dragmode": False,
            "showlegend": False,
            "barmode": "stack",
            "bargap": 0.42,
            "uniformtext": {"mode": "hide", "minsize": 10},
            "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale", "resetscale"]},
        }
    )
    return "trialtools"


def figure(
    title: str,
    subtitle: str = "",
    height: int = 200,
    left: int = 60,
    right: int = 20,
    head: int = 12,
    foot: int = 34,
    source: str = "",
) -> Figure:
    """An empty figure in the template: the finding on top, then the population, the drawing, the source.

    Args:
        title: the finding, as a sentence; it is wrapped.
        subtitle: population, N, data cut.
        height: of the drawing itself; the figure is as much higher as its texts need.
        left: room for labels.
        right: room for numbers.
        head: room between subtitle and drawing.
        foot: room for the ticks below.
        source: a last line: N used, where the data come from.

    >>> made = figure("Nobody is known to be eligible.", "93,995 patients")
    >>> made.layout.width, made.layout.title.text.startswith("<b>Nobody")
    (660, True)
    """
    import plotly.graph_objects as go

    heading = wrap(title, 66)
    below = wrap(subtitle, 100) if subtitle else []
    small = f'<span style="font-size:{SUBTITLE}px;color:{QUIET}">'
    text = "<br>".join([*(f"<b>{line}</b>" for line in heading), *(f"{small}{line}</span>" for line in below)])
    # plotly 7 draws a title of several lines two thirds of a line too high
    lift = 12 if len(heading) + len(below) > 1 else 0
    top = round(len(heading) * TITLE * 1.3 + len(below) * SUBTITLE * 1.35) + head + 8
    under = foot + (18 if source else 0)
    made = go.Figure(layout={"template": template(), "width": WIDTH, "height": top + height + under})
    made.update_layout(margin={"l": left, "r": right, "t": top, "b": under, "pad": 0})
    made.update_layout(title={"text": text, "font": {"size": TITLE}, "pad": {"t": 2 + lift}})
    if source:
        annotate(made, [note(source, x=0, y=0, xshift=-left, yshift=-under + 8, size=SMALL, color=QUIET)])
    return made


def note(text: str, x: float, y: float, **how: Any) -> dict[str, Any]:
    """Words beside the marks, left-aligned unless said otherwise; `yref="y"` ties them to a row."""
    font = {"size": how.pop("size", BODY), "color": how.pop("color", INK)}
    place: dict[str, Any] = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "middle", "align": "left"}
    return {"text": text, "x": x, "y": y, "showarrow": False, "borderpad": 0, "font": font, **place, **how}


def annotate(made: Figure, notes: Iterable[dict[str, Any]]) -> None:
    """Write all the words at once: one at a time, plotly checks all the earlier ones again, a second for a figure."""
    layout: Any = made.layout
    made.update_layout(annotations=[*layout.annotations, *notes])


def blank(title: str = "", subtitle: str = "") -> Figure:
    """A valid figure of nothing, saying "no patients"."""
    made = figure(title or "No patients", subtitle, height=70, left=0)
    made.update_xaxes(visible=False, range=[0, 1]).update_yaxes(visible=False, range=[0, 1])
    annotate(made, [note(NOBODY, x=0, y=0.5, color=QUIET)])
    return made


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text, none much longer than `width` characters; plotly's own marks are made harmless.

    >>> wrap("Oxygen saturation above 93 % on room air", 20)
    ['Oxygen saturation', 'above 93\xa0% on room', 'air']
    """
    joined = str(text).replace(" %", f"{SPACE}%")
    lines = textwrap.wrap(joined, width, break_long_words=True, break_on_hyphens=False) or [""]
    return [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]
