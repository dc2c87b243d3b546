"""What figures of lines are made of: lines, ribbons, labels at their ends that do not meet."""

from collections.abc import Sequence
from typing import Any

from .drawing import Spec
from .page import INK
from .template import HAIR, note

GRID = {"showgrid": True, "gridcolor": HAIR}
"""A grid of hairlines across the lines."""


def line(name: str, x: Any, y: Any, hover: Sequence[str] = (), **style: Any) -> Spec:
    """A line in plotly's style; without hover it is not pointed at. Of a single value, the point is marked."""
    values = list(y)
    single = {"marker": {"color": style["color"]}, "mode": "lines+markers"} if len(values) == 1 else {}
    return {**_trace(name, x, values, hover), "mode": "lines", "line": style, **single}


def marks(name: str, x: Any, y: Any, hover: Sequence[str] = (), **marker: Any) -> Spec:
    """Points without a line."""
    return {**_trace(name, x, y, hover), "mode": "markers", "marker": marker}


def _trace(name: str, x: Any, y: Any, hover: Sequence[str]) -> Spec:
    pointed = {"hovertext": list(hover)} if hover else {"hoverinfo": "skip"}
    return {"type": "scatter", "name": name, "x": list(x), "y": list(y), **pointed}


def ribbon(x: Any, low: Any, high: Any, fill: str, shape: str = "linear", **axes: str) -> list[Spec]:
    """The area between two lines, which is not pointed at."""
    edge = {"type": "scatter", "x": list(x), "mode": "lines", "line": {"width": 0, "shape": shape}, "hoverinfo": "skip"}
    return [
        {**edge, "y": list(low), **axes},
        {**edge, "y": list(high), "fill": "tonexty", "fillcolor": fill, **axes},
    ]


def rule(x: Any = None, y: Any = None, **style: Any) -> Spec:
    """A line from edge to edge at a place on one of the axes."""
    ends = {"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper"}
    if x is None:
        ends = {"y0": y, "y1": y, "x0": 0, "x1": 1, "xref": "paper"}
    return {"type": "line", **ends, "line": {"color": INK, "width": 1, **style}}


def end_labels(
    texts: Sequence[str], x: Sequence[Any], y: Sequence[float], gap: float, low: float = float("-inf"),
    high: float = float("inf"), **how: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """Words beside the ends of lines, moved up or down until they do not meet; `gap`, `low` and `high` as `y`."""
    side: dict[str, Any] = {"xref": "x", "yref": "y", "size": 12, **how}
    places = _spread_labels(y, gap, low, high)
    return [note(text, x=at, y=place, **side) for text, at, place in zip(texts, x, places, strict=True)]


def _spread_labels(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places moved as little as it takes for labels not to meet, their order kept.

    >>> _spread_labels([10, 12, 50], 10, low=0, high=100)
    [6.0, 16.0, 50]
    """
    groups: list[tuple[float, list[int]]] = []
    for index in sorted(range(len(places)), key=lambda i: places[i]):
        groups.append((places[index], [index]))
        while len(groups) > 1:
            (above, lower), (middle, upper) = groups[-2:]
            if middle - above >= gap * (len(lower) + len(upper)) / 2:
                break
            joined = lower + upper
            groups[-2:] = [((above * len(lower) + middle * len(upper)) / len(joined), joined)]
    put = [0.0] * len(places)
    for middle, members in groups:
        start = middle - gap * (len(members) - 1) / 2
        start = max(low, min(start, high - gap * (len(members) - 1)))
        for position, index in enumerate(members):
            put[index] = start + gap * position if len(members) > 1 else max(low, min(places[index], high))
    return put
