"""Estimates and their intervals, a row each: ratios of groups, and one difference analysed in several ways."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from .drawing import Drawing, figure, nobody
from .format import absent, count, number, percent, words
from .lines import rule
from .measure import MEASURES, Measure, estimate
from .page import QUIET
from .rows import Column, Estimate, Intervals, Line, Panel, Row, below_headings, most_of, records, row_chart
from .template import note, wrap

_MOST = 40
_YES_NO = {"yes", "no", "unknown"}
_RATIO = Measure("Ratio", "", lambda ratio: ratio, (0, math.inf), 2, signed=False)


@figure
def forest(frame: pd.DataFrame) -> Drawing:
    """The ratio of the shares that fail, with its 95 % interval on a log axis; a row a group, below its criterion.

    A group without a ratio (too few, suppressed, the reference) has its row and its numbers, and no mark. Of a field
    that is yes or no only those who have it are a row: the ratio of the others is its inverse. Of more than 40 rows the
    first 40 are shown, and the subtitle says so.

    Args:
        frame: from `screening.exclusion_ratios()`: criterion, criterion_label, field, label, group, n, failed, unknown,
            share, ratio, low, high.

    >>> import pandas as pd
    >>> row = {"criterion": "E1", "criterion_label": "Pregnant", "field": "sex", "label": "Sex", "group": "female"}
    >>> numbers = {"n": 50, "failed": 10, "unknown": 0, "share": 0.2, "ratio": 2.5, "low": 1.2, "high": 5.2}
    >>> forest(pd.DataFrame([{**row, **numbers}])).layout.title.text.split(" as often")[0]
    '<b>Sex: female is excluded by E1 2.50 times'
    """
    every = records(frame, "failed")
    if not most_of(every, "n"):
        return nobody("No patients were screened")
    flags = _flags(every)
    rows = [row for row in every if row["field"] not in flags or row["group"] == "yes"]
    shown = rows[:_MOST]
    estimates = [each for row in shown if not absent((each := _estimate(row))[0])]
    reach = [value for each in estimates for value in each if value is not None]
    far = max([1.5, *reach, *(1 / value for value in reach)]) * 1.1
    near = (0.5, 0.67, 1, 1.5, 2)
    ticks = [x for x in (near if far < 2.5 else (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100)) if 1 / far <= x <= far]
    axis = {"type": "log", "autorange": False, "range": [-math.log10(far), math.log10(far)], "tickangle": 0}
    left_out = [f"The first {_MOST} of {len(rows)} rows"] if len(rows) > _MOST else []
    left_out += ["Who has it not, or is unknown to have it, is in the table"] if flags else []

    def fails(row: Row) -> str:
        return f"{count(row['failed'])} of {count(row['n'])} ({percent(row['share'], 0)})"

    def hover(row: Row) -> str:
        return f"<b>{row['group']}</b><br>{_ratio(row)}<br>unknown: {count(row['unknown'])}"

    return row_chart(
        _below_field(shown, flags),
        [Intervals(_estimate, hover)],
        Panel({**axis, "tickvals": ticks, "ticktext": [f"{x:g}" for x in ticks]}),
        columns=[Column("failed", fails), Column("ratio (95 %)", _ratio)],
        left=190,
        size=12,
        over=True,
        shapes=[{**rule(x=1, dash="dot"), "layer": "below"}],
        finding=_clearest_ratio(every),
        population="Ratio of the shares that fail, 95 % interval, log axis; – no ratio",
        remark=". ".join(left_out),
        alt=f"{len(shown)} of {len(every)} groups; {len(estimates)} have a ratio",
    )


def _below_field(rows: Sequence[Row], flags: set[str]) -> list[Line]:
    """The groups, below their criterion and their field."""

    def headings(row: Row) -> list[str]:
        criterion = f"{row['criterion']} {row['criterion_label']}" if row["criterion"] else ""
        field = "Those who have" if row["field"] in flags else row["label"]
        return ["<br>".join(wrap(head, 60)) for head in (criterion, field)]

    def text(row: Row) -> str:
        group = words("unknown" if absent(row["group"]) else row["group"])
        which = row["label"] if row["field"] in flags else group
        return "   " + "<br>   ".join(wrap(which, 26))

    return below_headings(rows, headings, text)


def _flags(rows: Sequence[Row]) -> set[str]:
    """Fields whose groups are yes and no."""
    named: dict[str, set[str]] = {}
    for row in rows:
        named.setdefault(row["field"], set()).add(str(row["group"]))
    return {field for field, names in named.items() if "yes" in names and names <= _YES_NO}


def _positive(value: Any) -> bool:
    return not absent(value) and 0 < value < float("inf")


def _estimate(row: Row) -> Estimate:
    """The ratio of a row and its ends; what has no place on a log axis is absent."""
    ratio, low, high = (row[end] if _positive(row[end]) else None for end in ("ratio", "low", "high"))
    return ratio, low, high


def _ratio(row: Row) -> str:
    return _RATIO.interval(row["ratio"], row["low"], row["high"])


def _clearest_ratio(rows: Sequence[Row]) -> str:
    """The group that is left out most clearly: the largest ratio whose interval lies above 1."""
    known = [row for row in rows if all(_positive(row[name]) for name in ("ratio", "low", "high"))]
    clear = [row for row in known if row["low"] > 1]
    if not clear:
        return "No interval lies above 1: no group is clearly excluded more often than others"
    row = max(clear, key=lambda each: each["ratio"])
    between = f"{number(row['low'], 2)} to {number(row['high'], 2)}"
    who = f"{row['label']}: {row['group']} is excluded" + (f" by {row['criterion']}" if row["criterion"] else "")
    return f"{who} {number(row['ratio'], 2)} times as often as others (95 % interval {between})"


@figure
def sensitivity(frame: pd.DataFrame, kind: str = "binary", axis: str = "", primary: bool = True) -> Drawing:
    """One effect analysed in several ways, or in several parts of the trial: a row each.

    An analysis without an effect, or with an infinite one, has its row and its numbers, and no mark.

    Args:
        frame: analysis, difference (an effect in the scale of its measure: of shares, of means, the logarithm of a
            hazard ratio, a win probability less one half), low, high (95 %), n, missing (participants without outcome).
        kind: of the endpoint, which says what the effect is: binary, time_to_event, continuous or ordinal.
        axis: what the effect is, and which way is better.
        primary: the first row is the primary analysis, which is emphasised, and the others are held against it.

    >>> import pandas as pd
    >>> rows = [("Primary", -0.08, -0.13, -0.02, 570, 12), ("Missing as failures", -0.07, -0.12, -0.01, 582, 0)]
    >>> names = ["analysis", "difference", "low", "high", "n", "missing"]
    >>> sensitivity(pd.DataFrame(rows, columns=names)).layout.title.text.split("<br>")[0]
    '<b>Primary analysis −8.0 (−13.0 to −2.0) percentage points; the</b>'
    """
    rows, measure = records(frame, "missing"), MEASURES[kind]
    if not rows:
        return nobody("No analysis at this look")
    labels = ["<br>".join(wrap(row["analysis"], 28)) for row in rows]
    labels[0] = f"<b>{labels[0]}</b>" if primary else labels[0]
    others = [row["difference"] for row in rows[primary:] if not absent(row["difference"])]
    span = " to ".join(dict.fromkeys(measure.text(end(others)) for end in (min, max))) if others else "none"
    named = "" if kind == "binary" else f": {measure.name.lower()}"
    finding = f"Primary analysis{named} {measure.row(rows[0])} {measure.unit}".rstrip()
    finding += f"; the others {span}" if others else ""
    panel = measure.axis(rows, zerolinewidth=1.5)
    place = _clip_to_axis(panel)
    reference = [x for x in (place(rows[0])[0],) if primary and x is not None]

    def values_text(row: Row, between: str) -> str:
        return f"{measure.row(row)}{between}n {count(row['n'])}, missing {count(row['missing'])}"

    size = [11 if primary else 8] + [8] * (len(rows) - 1)
    return row_chart(
        list(zip(labels, rows, strict=True)),
        [Intervals(place, lambda row: f"<b>{row['analysis']}</b><br>{values_text(row, '<br>')}", size=size)],
        panel,
        columns=[
            Column("n", lambda row: count(row["n"]), pad=10),
            Column("missing", lambda row: count(row["missing"]), pad=10),
            Column(f"{measure.name.lower()} (95 %)", measure.row, pad=10),
        ],
        left=212,
        foot=52,
        words=[note("<br>".join(wrap(axis or measure.head, 90)), x=0, y=0, yshift=-34, size=12)],
        shapes=[rule(x=x, color=QUIET, dash="dot") for x in reference],
        finding=finding if primary else f"{measure.head} in {len(others)} of {len(rows)} parts: {span}",
        alt="; ".join(f"{row['analysis']} {values_text(row, ', ')}" for row in rows),
    )


def _clip_to_axis(panel: Panel) -> Callable[[Row], Estimate]:
    """What can be drawn of a row on an axis: no mark of what is infinite, and an interval as far as the axis goes."""
    left, right = panel.axis["range"]

    def place(row: Row) -> Estimate:
        middle, low, high = estimate(row)
        known = not absent(middle) and math.isfinite(middle)
        low, high = (None if absent(end) else min(max(end, left), right) for end in (low, high))
        return (middle, low, high) if known else (None, None, None)

    return place
