"""Whether the dose came in its window: how many were dosed on each day after infection, arm by arm or pooled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import arms
from .format import absent, count, n_of
from .page import INK
from .template import HAIR, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WINDOW, ROW, GAP, LEFT, RIGHT = "#eeeeee", 96, 22, 46, 206
DOSED = {"dosed in window", "dosed out of window"}
SAID = {
    "late": "not dosed, window closed",
    "in window": "not dosed, window open",
    "early": "not dosed, window to come",
    "unknown": "cannot be told",
}


def adherence(
    frame: pd.DataFrame,
    first_day: int,
    last_day: int,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """How many were dosed on each day after infection, with the window of the protocol; the others in words beside it.

    Args:
        frame: arm ("" for all together), state (one of `arms.dosing.STATES`), day (from infection to the dose), n.
        first_day: of the window, in days after infection.
        last_day: of the window, included.
        title: the finding; otherwise how many of those dosed were dosed in the window.
        subtitle: population, data cut.
        source: a last line.
        labels: of arms, in the order of the protocol.

    Unknown is a line of its own beside the bars, in every arm: it is neither in the window nor out of it.

    Raises:
        ValueError: somebody is dosed on no day, or in a state that their day contradicts.

    >>> import pandas as pd
    >>> rows = [("", "dosed in window", 12, 5), ("", "dosed out of window", 17, 1), ("", "unknown", None, 2)]
    >>> made = adherence(pd.DataFrame(rows, columns=["arm", "state", "day", "n"]), 10, 15)
    >>> made.layout.title.text.split("<br>")[0]
    '<b>5 of 6 dosed in the window, day 10 to 15; 2 cannot be told</b>'
    """
    if not any(frame["n"]):
        return blank(title or "Nobody was randomized", subtitle or "")
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    for row in rows:
        _consistent(row, first_day, last_day)
    groups = arms(frame, labels)
    given = [row for row in rows if row["state"] in DOSED]
    dosed, inside = (
        sum(row["n"] for row in given if row["state"] in states) for states in (DOSED, {"dosed in window"})
    )
    unknown = sum(row["n"] for row in rows if row["state"] == "unknown")
    finding = f"{count(inside)} of {count(dosed)} dosed in the window, day {first_day} to {last_day}"
    finding = finding if dosed else "Nobody was dosed"
    finding += f"; {count(unknown)} cannot be told" if unknown else ""
    told = "Participants by the day of their dose; grey: the window; open bars: outside it"
    height = len(groups) * (ROW + GAP) - GAP
    head = 30 if groups[0].label else 14
    made = figure(title or finding, subtitle or told, height, LEFT, RIGHT, head, 50, source)
    bars = [
        {day: sum(r["n"] for r in _own(given, arm.id) if r["day"] == day) for day in _days(given)} for arm in groups
    ]
    most = max((n for each in bars for n in each.values()), default=1) or 1
    low, high = min([first_day, *_days(given)]) - 1, max([last_day, *_days(given)]) + 1
    notes: list[dict[str, Any]] = []
    for at, (arm, counted) in enumerate(zip(groups, bars, strict=True)):
        name, top = str(at + 1) if at else "", 1 - at * (ROW + GAP) / height
        bottom = max(0.0, top - ROW / height)
        days = [day for day, n in counted.items() if n]
        fill = [arm.colour if first_day <= day <= last_day else "white" for day in days]
        made.add_bar(
            name=arm.label,
            x=days,
            y=[counted[day] for day in days],
            yaxis=f"y{name}",
            width=0.8,
            marker={"color": fill, "line": {"color": arm.colour, "width": 1.5}},
            hovertext=[f"{arm.named}day {day}: {count(counted[day])} dosed" for day in days],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        made.add_shape(x0=first_day - 0.5, x1=last_day + 0.5, y0=bottom, y1=top, yref="paper", fillcolor=WINDOW,
                       line={"width": 0}, layer="below")  # fmt: skip
        axis = {
            "domain": [bottom, top],
            "range": [0, most * 1.1],
            "dtick": _step(most),
            "tickformat": ",d",
            "anchor": "x",
        }
        made.layout[f"yaxis{name}"] = {**axis, "showgrid": True, "gridcolor": HAIR, "rangemode": "tozero"}
        if arm.label:
            notes.append(note(f"<b>{arm.key}</b>", x=0, y=top, yshift=10, size=12))
        lines = "<br>".join(_beside(_own(rows, arm.id)))
        notes.append(note(lines, x=1, y=top, xshift=14, yanchor="top", size=12))
    edge = "" if groups[0].label else f"window, day {first_day} to {last_day}"
    if edge:
        notes.append(note(edge, x=first_day - 0.5, y=1, xref="x", yshift=8, size=11.5))
    annotate(made, [*notes, note("Days from infection to dose", x=0, y=0, yshift=-32, size=12)])
    made.update_xaxes(range=[low - 0.5, high + 0.5], nticks=10, tickformat="d", showgrid=False)
    made.update_xaxes(showline=True, linecolor=INK, anchor=f"y{len(groups)}" if len(groups) > 1 else "y")
    spoken = [
        f"{' '.join(wrap(arm.label, 60))}: ".lstrip(": ") + ", ".join(_beside(_own(rows, arm.id))) for arm in groups
    ]
    return made.update_layout(meta={"alt": f"{finding}. {'; '.join(spoken)}."})


def _step(most: int) -> int:
    """Between ticks, of which there are two or three."""
    return next(step * ten for ten in (1, 10, 100, 1000, 10_000) for step in (1, 2, 5) if most <= 3.4 * step * ten)


def _consistent(row: Mapping[str, Any], first: int, last: int) -> None:
    if absent(row["n"]) or (row["state"] not in DOSED and row["state"] not in SAID):
        raise ValueError(f"the dosing window knows no state {row['state']!r}, or {row['n']} participants in it")
    if row["state"] not in DOSED:
        return
    if absent(row["day"]):
        raise ValueError(
            f"{row['n']} are {row['state']}, on no day; where the day cannot be told, the state is unknown"
        )
    if (first <= row["day"] <= last) != (row["state"] == "dosed in window"):
        raise ValueError(f"day {row['day']} is said to be {row['state']}, but the window is day {first} to {last}")


def _own(rows: list[dict[str, Any]], arm: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["arm"] == arm]


def _days(given: list[dict[str, Any]]) -> list[int]:
    return sorted({int(row["day"]) for row in given})


def _beside(own: list[dict[str, Any]]) -> list[str]:
    """What a bar cannot show: the sums, who was not dosed, of whom it cannot be told."""
    by = {state: sum(row["n"] for row in own if row["state"] == state) for state in (*DOSED, *SAID)}
    dosed = by["dosed in window"] + by["dosed out of window"]
    said = [f"{count(dosed)} dosed of {count(sum(by.values()))}", f"{n_of(by['dosed in window'], dosed)} in window"]
    said.append(f"{n_of(by['dosed out of window'], dosed)} out of window")
    return said + [f"{count(by[state])} {words}" for state, words in SAID.items() if by[state] or state == "unknown"]
