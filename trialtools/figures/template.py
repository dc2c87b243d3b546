"""The one look of all figures: the plotly template "trialtools", colours of marks, sizes, how words are broken."""

import textwrap
from functools import cache
from typing import Any

from ..criteria.doors import load_module
from .format import SPACE
from .page import FONTS, INK, QUIET

STATES = {"pass": "#0072B2", "fail": "#D55E00", "unknown": "#767676"}
"""The colours of the three states; unknown is hatched wherever it is an area."""

HATCH = {"shape": "/", "fgcolor": STATES["unknown"], "bgcolor": "white", "size": 6, "solidity": 0.3}

ARMS = ("#332288", "#AA7A00", "#1B9E77", "#661100")
"""The colours of arms in the order of the protocol; never in one panel with states.

All four have a contrast of 3.4 or more on white, and lie 37 or more apart (dE76) for every kind of colour vision.
"""

WIDTH = 660
"""The widest figure that a printed page shows uncut."""

_FONT = ", ".join(FONTS)
HAIR = "#e4e4e4"
TITLE, SUBTITLE, BODY, SMALL = 16, 12.5, 13, 11.5


@cache
def template() -> str:
    """Register the template with plotly and return its name."""
    go, pio = load_module("plotly.graph_objects"), load_module("plotly.io")
    hover = {
        "bgcolor": "white",
        "bordercolor": INK,
        "font": {"family": _FONT, "size": 12.5, "color": INK},
        "align": "left",
    }
    bare = {"showgrid": False, "zeroline": False, "ticks": "", "showline": False, "fixedrange": True}
    grid = {"showgrid": True, "gridcolor": HAIR, "gridwidth": 1, "tickfont": {"size": 12}, "tickformat": ",d"}
    traces = [{"hovertemplate": "%{hovertext}<extra></extra>"}]
    pio.templates["trialtools"] = go.layout.Template(
        data={"bar": traces, "heatmap": traces, "scatter": traces},
        layout={
            "font": {"family": _FONT, "size": BODY, "color": INK},
            "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "colorway": [INK, QUIET, "#8c8c8c"],
            "xaxis": {**bare, **grid},
            "yaxis": bare,
            "hovermode": "closest",
            "hoverlabel": hover,
            "dragmode": False,
            "showlegend": False,
            "barmode": "stack",
            "bargap": 0.42,
            "uniformtext": {"mode": "hide", "minsize": 10},
            "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale", "resetscale"]},
        },
    )
    return "trialtools"


def note(text: str, x: Any, y: Any, **how: Any) -> dict[str, Any]:
    """Words beside the marks, left-aligned unless said otherwise; `yref="y"` ties them to a row."""
    font = {"size": how.pop("size", BODY), "color": how.pop("color", INK)}
    place: dict[str, Any] = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "middle", "align": "left"}
    return {"text": text, "x": x, "y": y, "showarrow": False, "borderpad": 0, "font": font, **place, **how}


def wrap(text: Any, width: int) -> list[str]:
    """The lines of a text, none much longer than `width` characters; plotly's own marks are made harmless.

    >>> wrap("Oxygen saturation above 93 % on room air", 20)
    ['Oxygen saturation', 'above 93\xa0% on room', 'air']
    """
    joined = str(text).replace(" %", f"{SPACE}%")
    lines = textwrap.wrap(joined, width, break_long_words=True, break_on_hyphens=False) or [""]
    return [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]


def one_line(text: Any) -> str:
    """A text made harmless, whatever its length."""
    return " ".join(wrap(text, 1000))
