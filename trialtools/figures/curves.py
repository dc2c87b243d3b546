"""What happens in time, arm by arm or pooled: survival with the numbers at risk, laboratory values week by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import Arm, apart, arms, band, below, keyed, of
from .format import absent, count, number, percent
from .page import QUIET
from .rows import room
from .template import HAIR, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT, STEPS = 280, (1, 2, 7, 14, 28, 60, 90, 180, 365, 730, 1825)
PANEL, GAP, TESTS = 130, 62, 6
"""How high a panel of one laboratory test is, how much room there is below it, and how many there are at most."""


def survival(
    curves: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
    failure: bool = False,
    event: str = "event",
) -> Figure:
    """Kaplan-Meier curves with their 95 % bands, labelled where they end; who is still at risk below the axis.

    Args:
        curves: arm ("" for all together), day, at_risk (just before that day's events), events, survival, low, high.
        title: the finding; otherwise what is estimated for the last day, arm by arm.
        subtitle: population, data cut; otherwise how many are in the curves, with how many events.
        source: a last line.
        labels: of arms, in the order of the protocol.
        failure: draw who has had the event, which rises, rather than who has not.
        event: what happens.

    Whose time or event is unknown is in no curve; the title or source must say how many. A curve ends on its last day.

    >>> import pandas as pd
    >>> rows = [("", 0, 10, 0, 1.0, 1.0, 1.0), ("", 7, 10, 2, 0.8, 0.4, 0.95), ("", 28, 8, 0, 0.8, 0.4, 0.95)]
    >>> names = ["arm", "day", "at_risk", "events", "survival", "low", "high"]
    >>> survival(pd.DataFrame(rows, columns=names), failure=True).layout.title.text.split("<br>")[0]
    '<b>20.0\\xa0% with event by day 28</b>'
    """
    if not len(curves):
        return blank(title or "Nobody was followed", subtitle or "")
    groups = arms(curves, labels)
    own: dict[Arm, Any] = {arm: of(curves, arm).sort_values("day") for arm in groups}
    last = max(map(float, curves["day"]))
    ends = {arm: float(rows["survival"].iloc[-1]) for arm, rows in own.items()}
    shown = {arm: 1 - end if failure else end for arm, end in ends.items()}
    what = f"{'with' if failure else 'without'} {event}"
    days = {arm: f"{float(rows['day'].iloc[-1]):g}" for arm, rows in own.items()}
    parts = [f"{arm.label}: ".lstrip(": ") + f"{percent(shown[arm])} {what} by day {days[arm]}" for arm in groups]
    parts = [
        part if at == 0 else part.replace(f" {what} by day {days[groups[0]]}", "") for at, part in enumerate(parts)
    ]
    finding = "; ".join(parts)
    told = f"{count(sum(rows['at_risk'].max() for rows in own.values()))} participants, "
    told += f"{count(sum(rows['events'].sum() for rows in own.values()))} with event. Kaplan-Meier; band: 95 %"
    heads = [arm.key or "At risk" for arm in groups]
    left = max(52, room([arm.label for arm in groups]) + 4) if groups[0].label else 60
    names = [f"{' '.join(wrap(arm.label, 60))} {percent(shown[arm])}".strip() for arm in groups]
    right, foot = room(names) - 8, 62 + 16 * len(groups) + (14 if groups[0].label else 0)
    made = figure(title or finding, told if subtitle is None else subtitle, HEIGHT, left, right, 16, foot, source)
    top = 1.0
    if failure:
        top = min(1.0, max([0.05, *(1 - low for rows in own.values() for low in rows["low"].dropna())]) * 1.08)
    for arm, rows in own.items():
        drawn = [
            (row["day"], *((1 - row[name] if failure else row[name]) for name in ("survival", "low", "high")))
            for row in rows.to_dict("records")
        ]
        sure = [row for row in drawn if not absent(row[2]) and not absent(row[3])]
        if sure:
            x, _, low, high = zip(*sure, strict=True)
            band(made, x, low, high, arm.tint(0.13), shape="hv")
        hover = [
            f"{arm.named}day {day:g}: {percent(value)} {what}<br>95 %: {percent(min(low, high))} to "
            f"{percent(max(low, high))}"
            for day, value, low, high in drawn
        ]
        line = {"color": arm.colour, "dash": arm.dash, "shape": "hv", "width": 2}
        told_ = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
        mode = "lines" if len(drawn) > 1 else "markers"
        y = [row[1] for row in drawn]
        made.add_scatter(name=arm.label, x=[row[0] for row in drawn], y=y, mode=mode, line=line, **told_)
    heights = apart([shown[arm] * HEIGHT / top for arm in groups], 15, low=7)
    notes = [
        note(text, x=float(own[arm]["day"].iloc[-1]), y=y * top / HEIGHT, xref="x", yref="y", xshift=6, size=12)
        for arm, text, y in zip(groups, names, heights, strict=True)
    ]
    annotate(made, [*notes, note("Days since randomization", x=0, y=0, yshift=-30, size=12)])
    step = next((each for each in STEPS if last / each <= 8), STEPS[-1])
    ticks = [step * i for i in range(int(last // step) + 1)]
    at_risk = [[(tick, count(_at_risk(rows, tick))) for tick in ticks] for rows in own.values()]
    below(made, "At risk" if groups[0].label else "", list(zip(heads, at_risk, strict=True)), left, 52)
    made.update_yaxes(range=[0, top * 1.02], tickformat=".0%" if top > 0.08 else ".1%", nticks=6)
    made.update_yaxes(showgrid=True, gridcolor=HAIR)
    made.update_xaxes(range=[0, last or 1], tickvals=ticks, showgrid=False, showline=True, linecolor=QUIET)
    return made.update_layout(meta={"alt": f"{finding}. {told}."})


def _at_risk(rows: pd.DataFrame, day: float) -> int:
    """Who is at risk just before a day's events; nobody after the last day."""
    later = rows.loc[rows["day"] >= day, "at_risk"]
    return int(later.iloc[0]) if len(later) else 0


def labs(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Medians and quartiles of laboratory values by week, a panel a test, with the numbers they rest on.

    Args:
        frame: test, arm ("" for all together), week, n, low (lower quartile), median, high (upper quartile); and unit.
        title: the finding; otherwise which tests there are.
        subtitle: population, data cut.
        source: a last line.
        labels: of arms, in the order of the protocol.

    A week without values is a gap in nobody's line: the line goes on to the next week there is. Of more than six tests
    the first six are drawn, and the subtitle says so.
    """
    if not len(frame):
        return blank(title or "No laboratory values were collected", subtitle or "")
    groups = arms(frame, labels)
    tests = list(dict.fromkeys(map(str, frame["test"])))
    shown = tests[:TESTS]
    finding = f"Laboratory values by week: {', '.join(shown)}"
    told = "Line: median; band: quartiles; n: values in the first and in the last week"
    told += f". The first {TESTS} of {len(tests)} tests" if len(tests) > TESTS else ""
    across = min(2, len(shown))
    deep = -(-len(shown) // across)
    height = deep * (PANEL + GAP) - 20
    said = f"{subtitle}. {told}" if subtitle else told
    made = figure(title or finding, said, height, 44, 14, 58 if groups[0].label else 40, 8, source)
    keyed(made, groups, left=44, up=40)
    weeks = [min(map(float, frame["week"])) - 0.2, max(map(float, frame["week"])) + 0.2]
    wide = (1 - 0.1 * (across - 1)) / across
    notes: list[dict[str, Any]] = []
    for position, test in enumerate(shown):
        row, column = divmod(position, across)
        top = 1 - row * (PANEL + GAP) / height
        name = str(position + 1) if position else ""
        place = {"domain": [column * (wide + 0.1), column * (wide + 0.1) + wide], "anchor": f"y{name}"}
        made.layout[f"xaxis{name}"] = {**place, "range": weeks, "tickformat": "d", "nticks": 7, "showgrid": False}
        domain = [max(0.0, top - PANEL / height), top]
        made.layout[f"yaxis{name}"] = {"domain": domain, "anchor": f"x{name}", "nticks": 4, "tickformat": "~g"}
        made.layout[f"yaxis{name}"].update(showgrid=True, gridcolor=HAIR)
        rows: Any = frame.loc[frame["test"].astype(str) == test]
        notes += _panel(made, rows, groups, test, name, place["domain"][0], top)
    annotate(made, notes)
    return made.update_layout(meta={"alt": f"{finding}. {told}."})


def _panel(
    made: Figure, rows: Any, groups: Sequence[Arm], test: str, name: str, left: float, top: float
) -> list[dict[str, Any]]:
    """Draw one test; what is written above it."""
    unit = next((str(each) for each in rows.get("unit", []) if not absent(each)), "")
    axes = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
    used = []
    for arm in groups:
        own = of(rows, arm).dropna(subset=["median"]).sort_values("week")
        if not len(own):
            continue
        band(made, own["week"].tolist(), own["low"].tolist(), own["high"].tolist(), arm.tint(0.15), **axes)
        hover = [
            f"{arm.named}{test}, week {row['week']}: {number(row['median'], 2)} {unit}"
            f"<br>quartiles {number(row['low'], 2)} to {number(row['high'], 2)}, n {count(row['n'])}"
            for row in own.to_dict("records")
        ]
        told = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>", **axes}
        line, marker = {"color": arm.colour, "dash": arm.dash}, {"symbol": arm.symbol, "size": 5, "color": arm.colour}
        x, y = own["week"].tolist(), own["median"].tolist()
        made.add_scatter(name=arm.label, x=x, y=y, mode="lines+markers", line=line, marker=marker, **told)
        used.append(arm.marked(f"{count(own['n'].iloc[0])} to {count(own['n'].iloc[-1])}"))
    head = f"<b>{' '.join(wrap(test, 30))}</b>{f' ({unit})' if unit else ''}, n {', '.join(used)}"
    return [
        note(head, x=left, y=top, yshift=12, size=12),
        note("week", x=left, y=top, yshift=-PANEL - 10, xshift=-42, size=11, color=QUIET),
    ]
