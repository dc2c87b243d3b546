"""How recruitment goes: the randomized so far, against the target, and the fan of what may come."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import apart, band
from .format import count
from .page import INK, QUIET
from .rows import room
from .template import HAIR, WIDTH, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SITES = 6
"""More sites than can be told apart are not drawn."""

HEIGHT, LEFT = 270, 46


def accrual(
    accrual: pd.DataFrame,
    forecast: pd.DataFrame | None = None,
    target: int | None = None,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
) -> Figure:
    """How many had been randomized by each day, in all and at each site; the target; the forecast as a fan.

    Args:
        accrual: site ("" for all), day, screened, randomized; both counts so far.
        forecast: day, low90, low50, median, high50, high90; None or empty where there is none.
        target: how many are to be randomized.
        title: the finding; otherwise how many were randomized, and when the forecast reaches the target.
        subtitle: data cut; otherwise how many were screened, at how many sites.
        source: a last line.

    More than six sites are told in numbers only. Whose day is unknown cannot be placed, and is not in the frame.

    Raises:
        ValueError: no rows for all sites together.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"site": "", "day": pd.to_datetime(["2023-01-01", "2023-02-01"])})
    >>> made = accrual(frame.assign(screened=[3, 30], randomized=[1, 12]), target=40)
    >>> made.layout.title.text.split("<br>")[0]
    '<b>12 of 40 randomized by 2023-02-01</b>'
    """
    if not len(accrual):
        return blank(title or "Nobody was screened", subtitle or "")
    whole: Any = accrual.loc[accrual["site"] == ""].sort_values("day")
    if not len(whole):
        raise ValueError('accrual needs rows for all sites together, whose site is ""')
    sites = {str(site): own.sort_values("day") for site, own in accrual.loc[accrual["site"] != ""].groupby("site")}
    end, n = whole["day"].max(), int(whole["randomized"].iloc[-1])
    ahead: Any = None if forecast is None or not len(forecast) else forecast.sort_values("day")
    finding, expected = _finding(n, end, target, ahead)
    each = [int(own["randomized"].iloc[-1]) for own in sites.values()]
    told = f"{count(whole['screened'].iloc[-1])} screened by {end:%Y-%m-%d}"
    if len(each) > 1:
        told += f" at {len(each)} sites, with {count(min(each))} to {count(max(each))} randomized each"
    told += f". {expected}" if expected else ""
    shown = sites if 1 < len(sites) <= SITES else {}
    labels = [f"{' '.join(wrap(site, 60))} {count(k)}" for site, k in zip(shown, each, strict=False)]
    labels = [f"<b>{count(n)} randomized</b>", *labels]
    # labels begin where the lines end: a fan leaves them its own width, the margin the rest
    first, last = whole["day"].min(), end if ahead is None else ahead["day"].max()
    fan = (last - end) / max(last - first, timedelta(days=1))
    right = max(40, ceil((room(labels) - 24 - fan * (WIDTH - LEFT)) / (1 - fan))) if fan < 1 else 40
    made = figure(title or finding, told if subtitle is None else subtitle, HEIGHT, LEFT, right, 18, 34, source)
    notes = []
    if ahead is not None:
        band(made, ahead["day"], ahead["low90"], ahead["high90"], "#ececec")
        band(made, ahead["day"], ahead["low50"], ahead["high50"], "#d3d3d3")
        line = {"color": QUIET, "width": 1.5, "dash": "dash"}
        hover = [
            f"<b>{row.day:%Y-%m-%d}, forecast</b><br>{row.median:,.0f} (50 %: {row.low50:,.0f} to {row.high50:,.0f};"
            f"<br>90 %: {row.low90:,.0f} to {row.high90:,.0f})"
            for row in ahead.itertuples(index=False)
        ]
        _line(made, "forecast", ahead["day"], ahead["median"], line, hover)
    for site, own in shown.items():
        # on to the cut, where nobody has been randomized since
        days, numbers = [*own["day"], end], [*own["randomized"], own["randomized"].iloc[-1]]
        hover = [
            f"<b>{site}</b><br>{day:%Y-%m-%d}: {count(k)} randomized" for day, k in zip(days, numbers, strict=True)
        ]
        _line(made, site, days, numbers, {"color": "#8c8c8c", "width": 1, "shape": "hv"}, hover)
    screened = zip(whole["day"], whole["randomized"], whole["screened"], strict=True)
    hover = [f"<b>{day:%Y-%m-%d}</b><br>{count(k)} randomized<br>{count(m)} screened" for day, k, m in screened]
    _line(made, "all", whole["day"], whole["randomized"], {"color": INK, "width": 2.2, "shape": "hv"}, hover)
    most = max(n, target or 0, 1, 0 if ahead is None else float(ahead["high90"].max())) * 1.08
    high = [n, *each[: len(shown)]]
    heights = apart([k * HEIGHT / most for k in high], 14, low=7)
    side: dict[str, Any] = {"xref": "x", "xshift": 6, "yref": "y", "size": 12, "bgcolor": "rgba(255,255,255,.7)"}
    notes += [note(text, x=end, y=y * most / HEIGHT, **side) for text, y in zip(labels, heights, strict=True)]
    if target:
        made.add_hline(target, line={"color": INK, "width": 1, "dash": "dot"})
        notes.append(note(f"target {count(target)}", x=0, y=target, yref="y", xshift=4, yshift=8, size=12))
    annotate(made, notes)
    made.update_yaxes(range=[0, most], nticks=6, tickformat=",d", showgrid=True, gridcolor=HAIR)
    made.update_xaxes(type="date", range=[first, max(last, end)], nticks=7, tickformat="%b %Y", showgrid=False)
    if (days := (last - first).days) < 75:
        made.update_xaxes(tickformat="%-d %b %Y", nticks=5)
    if days < 5:
        made.update_xaxes(tickvals=[first, last], range=[first, last + timedelta(days=1)])
    return made.update_layout(meta={"alt": f"{finding}. {told}."})


def _line(made: Figure, name: str, x: Any, y: Any, line: dict[str, Any], hover: list[str]) -> None:
    mode = "lines" if len(hover) > 1 else "lines+markers"
    told = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>", "marker": {"color": line["color"]}}
    made.add_scatter(name=name, x=list(x), y=list(y), mode=mode, line=line, **told)


def _finding(n: int, end: Any, target: int | None, ahead: Any) -> tuple[str, str]:
    """What there is and when the target is expected; and how sure that is."""
    if not target:
        return f"{count(n)} randomized by {end:%Y-%m-%d}", ""
    said = f"{count(n)} of {count(target)} randomized by {end:%Y-%m-%d}"
    if n >= target or ahead is None:
        return said, ""
    days = {}
    for name in ("high90", "median", "low90"):
        there = ahead.loc[ahead[name] >= target, "day"]
        days[name] = f"{there.iloc[0]:%Y-%m-%d}" if len(there) else f"after {ahead['day'].max():%Y-%m-%d}"
    expected = f"Target expected between {days['high90']} and {days['low90']} (90 %; darker: 50 %)"
    if days["median"].startswith("after"):
        return f"{said}; the target is reached {days['median']}", expected
    return f"{count(n)} of {count(target)} randomized; the target is expected by {days['median']}", expected
