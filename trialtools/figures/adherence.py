"""Whether the dose came in its window: how many were dosed on each day after infection, arm by arm or pooled."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .arms import Arm, arms
from .drawing import Drawing, Room, Spec, figure, nobody
from .format import count, n_of
from .lines import GRID
from .page import INK
from .template import note, one_line

_WINDOW, _ROW, _GAP, _RIGHT = "#eeeeee", 96, 22, 206
_INSIDE, _OUTSIDE = "dosed in window", "dosed out of window"
_NOT_DOSED = {
    "late": "not dosed, window closed",
    "in window": "not dosed, window open",
    "early": "not dosed, window to come",
    "unknown": "cannot be told",
}


@figure
def adherence(frame: pd.DataFrame, first_day: int, last_day: int, labels: Mapping[str, str] | None = None) -> Drawing:
    """How many were dosed on each day after infection, with the window of the protocol; the others in words beside it.

    Unknown is a line of its own beside the bars, in every arm: it is neither in the window nor out of it.

    Args:
        frame: arm ("" for all together), state (as `dosing_status` has it), day (from infection to the dose), n.
        first_day: of the window, in days after infection.
        last_day: of the window, included.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> rows = [("", "dosed in window", 12, 5), ("", "dosed out of window", 17, 1), ("", "unknown", None, 2)]
    >>> made = adherence(pd.DataFrame(rows, columns=["arm", "state", "day", "n"]), 10, 15)
    >>> made.layout.title.text.split("<br>")[0]
    '<b>5 of 6 dosed in the window, day 10 to 15; 2 cannot be told</b>'
    """
    if not any(frame["n"]):
        return nobody("Nobody was randomized")
    states = {arm: _by_state(arm.rows(frame)) for arm in arms(frame, labels)}
    days = {arm: _by_day(arm.rows(frame)) for arm in states}
    every = {day for counted in days.values() for day in counted}
    most = max((n for counted in days.values() for n in counted.values()), default=1) or 1
    several = len(states) > 1 or any(arm.label for arm in states)
    height = len(states) * (_ROW + _GAP) - _GAP
    axes: dict[str, Any] = {}
    bars: list[Spec] = []
    shapes: list[Spec] = []
    words = [note("Days from infection to dose", x=0, y=0, yshift=-32, size=12)]
    if not several:
        window = f"window, day {first_day} to {last_day}"
        words.append(note(window, x=first_day - 0.5, y=1, xref="x", yshift=8, size=11.5))
    for at, (arm, counted) in enumerate(days.items()):
        top = 1 - at * (_ROW + _GAP) / height
        domain = [max(0.0, top - _ROW / height), top]
        name = f"yaxis{at + 1 if at else ''}"
        axes[name] = {
            "domain": domain,
            "range": [0, most * 1.1],
            "dtick": _step(most),
            "tickformat": ",d",
            "anchor": "x",
            **GRID,
        }
        bars.append(_bars(arm, counted, (first_day, last_day), name))
        shapes.append(_window(first_day, last_day, domain))
        if arm.label:
            words.append(note(f"<b>{arm.key}</b>", x=0, y=top, yshift=10, size=12))
        words.append(note("<br>".join(_beside(states[arm])), x=1, y=top, xshift=14, yanchor="top", size=12))
    low, high = min([first_day, *every]) - 1, max([last_day, *every]) + 1
    return Drawing(
        finding=_finding(states, first_day, last_day),
        population="Participants by the day of their dose; grey: the window; open bars: outside it",
        alt="; ".join(
            f"{one_line(arm.label)}: ".lstrip(": ") + ", ".join(_beside(counted)) for arm, counted in states.items()
        ),
        marks=bars,
        shapes=shapes,
        words=words,
        x={"range": [low - 0.5, high + 0.5], "nticks": 10, "tickformat": "d", "showgrid": False}
        | {"showline": True, "linecolor": INK, "anchor": f"y{len(states)}" if len(states) > 1 else "y"},
        layout=axes,
        room=Room(height, 46, _RIGHT, 30 if several else 14, 50),
    )


def _by_state(rows: pd.DataFrame) -> dict[str, int]:
    """How many are in each state; a state that is not known here is a KeyError."""
    counted = dict.fromkeys((_INSIDE, _OUTSIDE, *_NOT_DOSED), 0)
    for state, n in zip(rows["state"], rows["n"], strict=True):
        counted[state] += int(n)
    return counted


def _by_day(rows: pd.DataFrame) -> dict[int, int]:
    dosed: Any = rows[rows["state"].isin([_INSIDE, _OUTSIDE]) & (rows["n"] > 0)]
    return {int(day): int(n) for day, n in dosed.groupby("day", dropna=False)["n"].sum().items()}


def _bars(arm: Arm, counted: Mapping[int, int], window: tuple[int, int], axis: str) -> Spec:
    fill = [arm.colour if window[0] <= day <= window[1] else "white" for day in counted]
    return {
        "type": "bar",
        "name": arm.label,
        "x": list(counted),
        "y": list(counted.values()),
        "yaxis": axis.replace("axis", ""),
        "width": 0.8,
        "marker": {"color": fill, "line": {"color": arm.colour, "width": 1.5}},
        "hovertext": [f"{arm.hover_head}day {day}: {count(n)} dosed" for day, n in counted.items()],
    }


def _window(first: int, last: int, domain: list[float]) -> Spec:
    area = {"x0": first - 0.5, "x1": last + 0.5, "y0": domain[0], "y1": domain[1], "yref": "paper"}
    return {"type": "rect", **area, "fillcolor": _WINDOW, "line": {"width": 0}, "layer": "below"}


def _step(most: int) -> int:
    """The distance between ticks; there are two or three."""
    return next(step * ten for ten in (1, 10, 100, 1000, 10_000) for step in (1, 2, 5) if most <= 3.4 * step * ten)


def _finding(states: Mapping[Arm, Mapping[str, int]], first: int, last: int) -> str:
    inside, outside, unknown = (
        sum(each[state] for each in states.values()) for state in (_INSIDE, _OUTSIDE, "unknown")
    )
    sentence = "Nobody was dosed"
    if inside + outside:
        sentence = f"{count(inside)} of {count(inside + outside)} dosed in the window, day {first} to {last}"
    return sentence + (f"; {count(unknown)} cannot be told" if unknown else "")


def _beside(counted: Mapping[str, int]) -> list[str]:
    """What a bar cannot show: the sums, who was not dosed, of whom it cannot be told."""
    dosed = counted[_INSIDE] + counted[_OUTSIDE]
    sentence = [f"{count(dosed)} dosed of {count(sum(counted.values()))}", f"{n_of(counted[_INSIDE], dosed)} in window"]
    sentence.append(f"{n_of(counted[_OUTSIDE], dosed)} out of window")
    states = [state for state in _NOT_DOSED if counted[state] or state == "unknown"]
    return sentence + [f"{count(counted[state])} {_NOT_DOSED[state]}" for state in states]
