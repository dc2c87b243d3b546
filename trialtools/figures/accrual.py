"""How recruitment goes: the randomized so far, against the target, and the fan of what may come."""

from datetime import timedelta
from math import ceil
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec, figure, nobody
from .format import absent, count
from .lines import GRID, end_labels, line, ribbon, rule
from .page import INK, QUIET
from .rows import text_width
from .template import WIDTH, note, one_line

_SITES = 6
"""More sites than can be told apart are not drawn."""

_HEIGHT, _LEFT = 270, 46


@figure
def accrual(accrual: pd.DataFrame, forecast: pd.DataFrame | None = None, target: int | None = None) -> Drawing:
    """How many had been randomized by each day, in all and at each site; the target; the forecast as a fan.

    More than six sites are told in numbers only. Whose day is unknown cannot be placed, and is not in the frame.

    Args:
        accrual: site ("" for all), day, screened (empty where it was not collected), randomized; both counts so far.
        forecast: day, low90, low50, median, high50, high90; None or empty where there is none.
        target: how many are to be randomized.

    Raises:
        ValueError: no rows for all sites together.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"site": "", "day": pd.to_datetime(["2023-01-01", "2023-02-01"])})
    >>> made = accrual(frame.assign(screened=[3, 30], randomized=[1, 12]), target=40)
    >>> made.layout.title.text.split("<br>")[0]
    '<b>12 of 40 randomized by 2023-02-01</b>'
    """
    if not len(accrual):
        return nobody("Nobody was screened")
    whole: Any = accrual.loc[accrual["site"] == ""].sort_values("day")
    if not len(whole):
        raise ValueError('accrual needs rows for all sites together, whose site is ""')
    sites = {str(site): own.sort_values("day") for site, own in accrual.loc[accrual["site"] != ""].groupby("site")}
    end, n = whole["day"].max(), int(whole["randomized"].iloc[-1])
    ahead: Any = None if forecast is None or not len(forecast) else forecast.sort_values("day")
    finding, expected = _finding(n, end, target, ahead)
    shown = sites if 1 < len(sites) <= _SITES else {}
    ends = [n, *(int(own["randomized"].iloc[-1]) for own in shown.values())]
    labels = [f"<b>{count(n)} randomized</b>"]
    labels += [f"{one_line(site)} {count(k)}" for site, k in zip(shown, ends[1:], strict=True)]
    first, last = whole["day"].min(), end if ahead is None else ahead["day"].max()
    most = max(n, target or 0, 1, 0 if ahead is None else float(ahead["high90"].max())) * 1.08
    pixel, beside = most / _HEIGHT, {"xshift": 6, "bgcolor": "rgba(255,255,255,.7)"}
    at: dict[str, Any] = {"x": 0, "y": target, "yref": "y", "xshift": 4, "yshift": 8}
    return Drawing(
        finding=finding,
        population=_population(whole, sites, end) + (f". {expected}" if expected else ""),
        marks=[
            *([] if ahead is None else _fan(ahead)),
            *(_site(site, own, end) for site, own in shown.items()),
            _all(whole),
        ],
        words=[
            *end_labels(labels, [end] * len(ends), ends, 14 * pixel, low=7 * pixel, **beside),
            *([note(f"target {count(target)}", **at, size=12)] if target else []),
        ],
        shapes=[rule(y=target, dash="dot")] if target else [],
        x=_days(first, last, end),
        y={"range": [0, most], "nticks": 6, "tickformat": ",d", **GRID},
        room=Room(_HEIGHT, _LEFT, _room(labels, (last - end) / max(last - first, timedelta(days=1))), 18),
    )


def _room(labels: list[str], fan: float) -> int:
    """Room at the right: labels begin where the lines end, so a fan leaves them its own width, the margin the rest."""
    return max(40, ceil((text_width(labels) - 24 - fan * (WIDTH - _LEFT)) / (1 - fan))) if fan < 1 else 40


def _days(first: Any, last: Any, end: Any) -> Spec:
    """The axis of days; few days are told one by one."""
    days = (last - first).days
    few = {"tickformat": "%-d %b %Y", "nticks": 5} if days < 75 else {"tickformat": "%b %Y", "nticks": 7}
    reach = {"range": [first, max(last, end)]}
    if days < 5:
        reach = {"range": [first, last + timedelta(days=1)], "tickvals": [first, last]}
    return {"type": "date", "showgrid": False, **few, **reach}


def _fan(ahead: Any) -> list[Spec]:
    hover = [
        f"<b>{row.day:%Y-%m-%d}, forecast</b><br>{row.median:,.0f} (50 %: {row.low50:,.0f} to {row.high50:,.0f};"
        f"<br>90 %: {row.low90:,.0f} to {row.high90:,.0f})"
        for row in ahead.itertuples(index=False)
    ]
    return [
        *ribbon(ahead["day"], ahead["low90"], ahead["high90"], "#ececec"),
        *ribbon(ahead["day"], ahead["low50"], ahead["high50"], "#d3d3d3"),
        line("forecast", ahead["day"], ahead["median"], hover, color=QUIET, width=1.5, dash="dash"),
    ]


def _site(site: str, own: Any, end: Any) -> Spec:
    # on to the cut, where nobody has been randomized since
    days, numbers = [*own["day"], end], [*own["randomized"], own["randomized"].iloc[-1]]
    hover = [f"<b>{site}</b><br>{day:%Y-%m-%d}: {count(k)} randomized" for day, k in zip(days, numbers, strict=True)]
    return line(site, days, numbers, hover, color="#8c8c8c", width=1, shape="hv")


def _all(whole: Any) -> Spec:
    rows = zip(whole["day"], whole["randomized"], whole["screened"], strict=True)
    hover = [f"<b>{day:%Y-%m-%d}</b><br>{count(k)} randomized<br>{count(m)} screened" for day, k, m in rows]
    return line("all", whole["day"], whole["randomized"], hover, color=INK, width=2.2, shape="hv")


def _population(whole: Any, sites: dict[str, Any], end: Any) -> str:
    screened = whole["screened"].iloc[-1]
    text = "Screened: not collected" if absent(screened) else f"{count(screened)} screened by {end:%Y-%m-%d}"
    if len(sites) < 2:
        return text
    each = [int(own["randomized"].iloc[-1]) for own in sites.values()]
    text += "; " if absent(screened) else " at "
    return f"{text}{len(each)} sites, with {count(min(each))} to {count(max(each))} randomized each"


def _finding(n: int, end: Any, target: int | None, ahead: Any) -> tuple[str, str]:
    """What there is and when the target is expected; and how sure that is."""
    if not target:
        return f"{count(n)} randomized by {end:%Y-%m-%d}", ""
    sentence = f"{count(n)} of {count(target)} randomized by {end:%Y-%m-%d}"
    if n >= target or ahead is None:
        return sentence, ""
    days, never = target_days(ahead, target), f"after {ahead['day'].max():%Y-%m-%d}"
    expected = f"Target expected between {days['soonest'] or never} and {days['latest'] or never} (90 %; darker: 50 %)"
    if not days["median"]:
        return f"{sentence}; the target is reached {never}", expected
    return f"{count(n)} of {count(target)} randomized; the target is expected by {days['median']}", expected


def target_days(fan: pd.DataFrame, target: int) -> dict[str, Any]:
    """The days on which a forecast reaches its target: `soonest` (one future in twenty is sooner), `median`, `latest`.

    None where the forecast does not reach the target on any of its days, or has no days.
    """
    days = {}
    for name, column in {"soonest": "high90", "median": "median", "latest": "low90"}.items():
        there: Any = pd.to_datetime(fan.loc[fan[column] >= target, "day"])
        days[name] = there.iloc[0].date() if len(there) else None
    return days
