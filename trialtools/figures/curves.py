"""What happens in time, arm by arm or pooled: survival with the numbers at risk, laboratory values week by week."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..criteria.language.wording import printed_unit
from .arms import Arm, arm_legend, arms
from .drawing import Drawing, Room, Spec, figure, nobody
from .format import absent, count, number, percent
from .lines import GRID, end_labels, line, ribbon
from .page import QUIET
from .rows import text_width
from .template import SMALL, note, one_line

_HEIGHT, _STEPS = 280, (1, 2, 7, 14, 28, 60, 90, 180, 365, 730, 1825)


@figure
def survival(
    curves: pd.DataFrame, labels: Mapping[str, str] | None = None, failure: bool = False, event: str = "event"
) -> Drawing:
    """Kaplan-Meier curves with their 95 % bands, labelled where they end; who is still at risk below the axis.

    Whose time or event is unknown is in no curve; the title or source must say how many. A curve ends on its last day.

    Args:
        curves: arm ("" for all together), day, at_risk (just before that day's events), events, survival, low, high.
        labels: of arms, in the order of the protocol.
        failure: draw who has had the event, which rises, rather than who has not.
        event: what happens.

    >>> import pandas as pd
    >>> rows = [("", 0, 10, 0, 1.0, 1.0, 1.0), ("", 7, 10, 2, 0.8, 0.4, 0.95), ("", 28, 8, 0, 0.8, 0.4, 0.95)]
    >>> names = ["arm", "day", "at_risk", "events", "survival", "low", "high"]
    >>> survival(pd.DataFrame(rows, columns=names), failure=True).layout.title.text.split("<br>")[0]
    '<b>20.0\\xa0% with event by day 28</b>'
    """
    if not len(curves):
        return nobody("Nobody was followed")
    own: dict[Arm, Any] = {arm: arm.rows(curves).sort_values("day") for arm in arms(curves, labels)}
    by_arm = any(arm.label for arm in own)
    days = [float(rows["day"].iloc[-1]) for rows in own.values()]
    free = {arm: float(rows["survival"].iloc[-1]) for arm, rows in own.items()}
    shown = {arm: 1 - share for arm, share in free.items()} if failure else free
    what = f"{'with' if failure else 'without'} {event}"
    last, ticks = max(map(float, curves["day"])), marked_days(curves)
    texts = [f"{one_line(arm.label)} {percent(share)}".strip() for arm, share in shown.items()]
    top = 1.0
    if failure:
        top = min(1.0, max([0.05, *(1 - low for rows in own.values() for low in rows["low"].dropna())]) * 1.08)
    left = max(52, text_width([arm.label for arm in own]) + 4) if by_arm else 60
    pixel = top / _HEIGHT
    heads = [("<b>At risk</b>", []) for _ in range(by_arm)]
    below = [(arm.key or "At risk", [(day, count(at_risk(rows, day))) for day in ticks]) for arm, rows in own.items()]
    return Drawing(
        finding=_finding(own, shown, what),
        population=f"{count(sum(rows['at_risk'].max() for rows in own.values()))} participants, "
        f"{count(sum(rows['events'].sum() for rows in own.values()))} with event. Kaplan-Meier; band: 95 %",
        marks=[mark for arm, rows in own.items() for mark in _curve(arm, rows, failure, what)],
        words=[
            *end_labels(texts, days, list(shown.values()), 15 * pixel, low=7 * pixel, xshift=6),
            note("Days since randomization", x=0, y=0, yshift=-30, size=12),
            *_table_below([*heads, *below], left),
        ],
        x={"range": [0, last or 1], "tickvals": ticks, "showgrid": False, "showline": True, "linecolor": QUIET},
        y={"range": [0, top * 1.02], "tickformat": ".0%" if top > 0.08 else ".1%", "nticks": 6, **GRID},
        room=Room(_HEIGHT, left, text_width(texts) - 8, 16, 62 + 16 * len(own) + 14 * by_arm),
    )


def marked_days(curves: pd.DataFrame) -> list[int]:
    """The days below which it is said who is at risk: at most nine, in steps that people count by."""
    last = max(map(float, curves["day"]))
    step = next((each for each in _STEPS if last / each <= 8), _STEPS[-1])
    return [step * i for i in range(int(last // step) + 1)]


def _curve(arm: Arm, rows: Any, failure: bool, what: str) -> list[Spec]:
    """The steps of an arm above their band; a day without an interval has none."""
    ends = ["survival", "low", "high"]
    steps = rows.assign(**{end: 1 - rows[end] for end in ends}) if failure else rows
    sure = steps.dropna(subset=["low", "high"])
    band = ribbon(sure["day"], sure["low"], sure["high"], arm.tint(0.13), shape="hv") if len(sure) else []
    hover = [
        f"{arm.hover_head}day {day:g}: {percent(value)} {what}<br>95 %: {percent(min(low, high))} to "
        f"{percent(max(low, high))}"
        for day, value, low, high in steps[["day", *ends]].to_numpy()
    ]
    style = {"color": arm.colour, "dash": arm.dash, "shape": "hv", "width": 2}
    return [*band, line(arm.label, steps["day"], steps["survival"], hover, **style)]


def _finding(own: Mapping[Arm, Any], shown: Mapping[Arm, float], what: str) -> str:
    """What is estimated for the last day, arm by arm; what is the same as for the first arm is not said again."""
    ends = {arm: f" {what} by day {float(rows['day'].iloc[-1]):g}" for arm, rows in own.items()}
    first = next(iter(ends.values()))
    parts = [
        f"{arm.label}: ".lstrip(": ") + percent(shown[arm]) + end * (at == 0 or end != first)
        for at, (arm, end) in enumerate(ends.items())
    ]
    return "; ".join(parts)


def at_risk(rows: pd.DataFrame, day: float) -> int:
    """Who is at risk just before a day's events; nobody after the last day."""
    later = rows.loc[rows["day"] >= day, "at_risk"]
    return int(later.iloc[0]) if len(later) else 0


_PANEL, _GAP, _TESTS = 130, 62, 6
"""How high a panel of one laboratory test is, how much room there is below it, and how many there are at most."""


@figure
def labs(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Drawing:
    """Medians and quartiles of laboratory values by week, a panel a test, with the numbers they rest on.

    A week without values is a gap in nobody's line: the line goes on to the next week there is. Of more than six tests
    the first six are drawn, and the subtitle says so.

    Args:
        frame: test, arm ("" for all together), week, n, low (lower quartile), median, high (upper quartile); and unit.
        labels: of arms, in the order of the protocol.
    """
    if not len(frame):
        return nobody("No laboratory values were collected")
    groups = arms(frame, labels)
    tests = list(dict.fromkeys(map(str, frame["test"])))
    shown = tests[:_TESTS]
    across = min(2, len(shown))
    height = -(-len(shown) // across) * (_PANEL + _GAP) - 20
    weeks = [min(map(float, frame["week"])) - 0.2, max(map(float, frame["week"])) + 0.2]
    wide, left = (1 - 0.1 * (across - 1)) / across, 44
    marks: list[Spec] = []
    words = arm_legend(groups, left=left, up=40)
    layout: dict[str, Any] = {}
    for position, test in enumerate(shown):
        row, column = divmod(position, across)
        edge, top = column * (wide + 0.1), 1 - row * (_PANEL + _GAP) / height
        name = str(position + 1) if position else ""
        layout[f"xaxis{name}"] = {"domain": [edge, edge + wide], "anchor": f"y{name}", "range": weeks}
        layout[f"xaxis{name}"] |= {"tickformat": "d", "nticks": 7, "showgrid": False}
        layout[f"yaxis{name}"] = {"domain": [max(0.0, top - _PANEL / height), top], "anchor": f"x{name}", **GRID}
        layout[f"yaxis{name}"] |= {"nticks": 4, "tickformat": "~g"}
        rows: Any = frame.loc[frame["test"].astype(str) == test]
        own = {arm: arm.rows(rows).dropna(subset=["median"]).sort_values("week") for arm in groups}
        own = {arm: each for arm, each in own.items() if len(each)}
        unit = next((printed_unit(str(each)) for each in rows.get("unit", []) if not absent(each)), "")
        for arm, each in own.items():
            marks += _weeks(arm, each, f"{test}, week", unit, {"xaxis": f"x{name}", "yaxis": f"y{name}"})
        words += [
            note(_heading(test, unit, own), x=edge, y=top, yshift=12, size=12),
            note("week", x=edge, y=top, yshift=-_PANEL - 10, xshift=-42, size=11, color=QUIET),
        ]
    text = "Line: median; band: quartiles; n: values in the first and in the last week"
    return Drawing(
        finding=f"Laboratory values by week: {', '.join(shown)}",
        remark=text + (f". The first {_TESTS} of {len(tests)} tests" if len(tests) > _TESTS else ""),
        marks=marks,
        words=words,
        layout=layout,
        room=Room(height, left, 14, 58 if groups[0].label else 40, 8),
    )


def _weeks(arm: Arm, rows: Any, what: str, unit: str, axes: Mapping[str, str]) -> list[Spec]:
    hover = [
        f"{arm.hover_head}{what} {row['week']}: {number(row['median'], 2)} {unit}"
        f"<br>quartiles {number(row['low'], 2)} to {number(row['high'], 2)}, n {count(row['n'])}"
        for row in rows.to_dict("records")
    ]
    marker = {"symbol": arm.symbol, "size": 5, "color": arm.colour}
    medians = line(arm.label, rows["week"], rows["median"], hover, color=arm.colour, dash=arm.dash)
    return [
        *ribbon(rows["week"], rows["low"], rows["high"], arm.tint(0.15), **axes),
        {**medians, "mode": "lines+markers", "marker": marker, **axes},
    ]


def _heading(test: str, unit: str, own: Mapping[Arm, Any]) -> str:
    used = [arm.mark(f"{count(rows['n'].iloc[0])} to {count(rows['n'].iloc[-1])}") for arm, rows in own.items()]
    return f"<b>{one_line(test)}</b>{f' ({unit})' if unit else ''}, n {', '.join(used)}"


def _table_below(rows: Sequence[tuple[str, Sequence[tuple[Any, str]]]], left: float) -> list[Spec]:
    """A small table below the axis: for each row its head, and its numbers at their places on the axis."""
    words = []
    for position, (head, cells) in enumerate(rows):
        at: dict[str, Any] = {"y": 0, "yshift": -52 - 16 * position, "size": SMALL}
        words.append(note(head, x=0, xshift=-left, **at))
        words += [note(text, x=x, xref="x", xanchor="center", **at) for x, text in cells]
    return words
