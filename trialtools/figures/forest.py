"""Estimates and their intervals, a row each: ratios of groups, and one difference analysed in several ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import absent, count, number, percent
from .page import INK, QUIET
from .rows import beside, intervals, most_of, places, points, records, room, words, write
from .template import annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEFT, MOST = 190, 40
YES_NO = {"yes", "no", "unknown"}


def forest(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """The ratio of the shares that fail, with its 95 % interval on a log axis; a row a group, below its criterion.

    Args:
        frame: from `subgroups`: criterion, criterion_label, field, label, group, n, failed, unknown, share, ratio, low,
            high.
        title: the finding; otherwise the largest ratio whose interval leaves out 1.
        subtitle: what is compared.
        source: a last line.

    A group without a ratio (too few, suppressed, the reference) has its row and its numbers, and no mark. Of a field
    that is yes or no only those who have it are a row: the ratio of the others is its inverse. Of more than 40 rows the
    first 40 are shown, and the subtitle says so.

    >>> import pandas as pd
    >>> row = {"criterion": "E1", "criterion_label": "Pregnant", "field": "sex", "label": "Sex", "group": "female"}
    >>> numbers = {"n": 50, "failed": 10, "unknown": 0, "share": 0.2, "ratio": 2.5, "low": 1.2, "high": 5.2}
    >>> forest(pd.DataFrame([{**row, **numbers}])).layout.title.text.split(" as often")[0]
    '<b>Sex: female is excluded by E1 2.50 times'
    """
    rows = records(frame, "failed")
    if not most_of(rows, "n"):
        return blank(title or "No patients were screened", subtitle or "")
    finding, among = _finding(rows), len(rows)
    flags = _flags(rows)
    rows = [row for row in rows if row["field"] not in flags or row["group"] == "yes"]
    labels, slots, last = [], {}, (None, None)
    for row in rows[:MOST]:
        if row["criterion"] != last[0] and row["criterion"]:
            labels.append("<br>".join(wrap(f"{row['criterion']} {row['criterion_label']}", 60)))
        kind = "Those who have" if row["field"] in flags else row["label"]
        if (row["criterion"], kind) != last:
            last = row["criterion"], kind
            labels.append("<br>".join(wrap(kind, 60)))
        slots[len(labels)] = row
        which = row["label"] if row["field"] in flags else "unknown" if absent(row["group"]) else row["group"]
        labels.append("   " + "<br>   ".join(wrap(which, 26)))
    middles, height = places(labels)
    fails = [f"{count(row['failed'])} of {count(row['n'])} ({percent(row['share'], 0)})" for row in slots.values()]
    ratios = [_ratio(row) for row in slots.values()]
    wide = {"failed": room(["failed", *fails]), "ratio": room(["ratio (95 %)", *ratios])}
    said = "Ratio of the shares that fail, 95 % interval, log axis; – no ratio" if subtitle is None else subtitle
    said += f". The first {MOST} of {len(rows)} rows" if len(rows) > MOST else ""
    said += ". Who has it not, or is unknown to have it, is in the table" if flags and subtitle is None else ""
    made = figure(title or finding, said, height=height, left=LEFT, right=sum(wide.values()), head=30, source=source)
    notes = [
        note(text, x=0, y=y, yref="y", xshift=-LEFT, size=12)
        if at in slots
        else note(f"<b>{text}</b>", x=0, y=y, yref="y", xshift=-LEFT, size=12, bgcolor="white")
        for at, (text, y) in enumerate(zip(labels, middles, strict=True))
    ]
    shift = 0
    for name, texts in (("failed", fails), ("ratio", ratios)):
        shift += wide[name]
        notes += beside(name, texts, [middles[slot] for slot in slots], shift)
    drawn = [(middles[slot], row) for slot, row in slots.items() if _positive(row["ratio"])]
    for y, row in drawn:
        if _positive(row["low"]) and _positive(row["high"]):
            made.add_scatter(x=[row["low"], row["high"]], y=[y, y], mode="lines", line={"color": INK}, hoverinfo="skip")
    hover = [f"<b>{row['group']}</b><br>{_ratio(row)}<br>unknown: {count(row['unknown'])}" for _, row in drawn]
    made.add_scatter(
        x=[row["ratio"] for _, row in drawn],
        y=[y for y, _ in drawn],
        mode="markers",
        marker={"symbol": "square", "size": 8, "color": INK},
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    reach = [row[name] for _, row in drawn for name in ("ratio", "low", "high") if _positive(row[name])]
    far = max([1.5, *reach, *(1 / x for x in reach)]) * 1.1
    near = (0.5, 0.67, 1, 1.5, 2)
    ticks = [x for x in (near if far < 2.5 else (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100)) if 1 / far <= x <= far]
    made.add_shape(x0=1, x1=1, y0=0, y1=1, yref="paper", layer="below", line={"color": INK, "width": 1, "dash": "dot"})
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_xaxes(type="log", autorange=False, tickvals=ticks, ticktext=[f"{x:g}" for x in ticks], tickangle=0)
    made.update_xaxes(range=[-math.log10(far), math.log10(far)])
    write(made, notes)
    return made.update_layout(meta={"alt": f"{finding}. {len(slots)} of {among} groups; {len(drawn)} have a ratio."})


def _flags(rows: list[dict[str, Any]]) -> set[str]:
    """Fields whose groups are yes and no."""
    named: dict[str, set[str]] = {}
    for row in rows:
        named.setdefault(row["field"], set()).add(str(row["group"]))
    return {field for field, names in named.items() if "yes" in names and names <= YES_NO}


def _positive(value: Any) -> bool:
    return not absent(value) and 0 < value < float("inf")


def _ratio(row: dict[str, Any]) -> str:
    if absent(row["ratio"]):
        return "–"
    if absent(row["low"]) or absent(row["high"]):
        return number(row["ratio"], 2)
    return f"{number(row['ratio'], 2)} ({number(row['low'], 2)} to {number(row['high'], 2)})"


def _finding(rows: list[dict[str, Any]]) -> str:
    known = [row for row in rows if all(_positive(row[name]) for name in ("ratio", "low", "high"))]
    clear = [row for row in known if row["low"] > 1 or row["high"] < 1]
    if not clear:
        return "No interval leaves out 1: no group is clearly excluded more often"
    row = max(clear, key=lambda each: max(each["ratio"], 1 / each["ratio"]))
    between = f"{number(row['low'], 2)} to {number(row['high'], 2)}"
    who = f"{row['label']}: {row['group']} is excluded" + (f" by {row['criterion']}" if row["criterion"] else "")
    return f"{who} {number(row['ratio'], 2)} times as often as others (95 % interval {between})"


def sensitivity(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    axis: str = "Risk difference in percentage points, experimental minus control",
    primary: bool = True,
) -> Figure:
    """One difference analysed in several ways, or in several parts of the trial: a row each.

    Args:
        frame: analysis, difference (of shares), low, high (95 %), n, missing (participants without outcome).
        title: the finding; otherwise the primary analysis, and how far the others lie apart.
        subtitle: endpoint, data cut.
        source: a last line.
        axis: what the difference is, and which way is better.
        primary: the first row is the primary analysis, which is emphasised, and the others are held against it.

    An analysis without a difference has its row and its numbers, and no mark.

    >>> import pandas as pd
    >>> rows = [("Primary", -0.08, -0.13, -0.02, 570, 12), ("Missing as failures", -0.07, -0.12, -0.01, 582, 0)]
    >>> names = ["analysis", "difference", "low", "high", "n", "missing"]
    >>> sensitivity(pd.DataFrame(rows, columns=names)).layout.title.text.split("<br>")[0]
    '<b>Primary analysis −8.0 (−13.0 to −2.0) points; the others −7.0</b>'
    """
    rows = records(frame, "missing")
    if not rows:
        return blank(title or "No analysis at this look", subtitle or "")
    labels = ["<br>".join(wrap(row["analysis"], 28)) for row in rows]
    labels[0] = f"<b>{labels[0]}</b>" if primary else labels[0]
    others = [each["difference"] for each in rows[primary:] if not absent(each["difference"])]
    span = " to ".join(dict.fromkeys(number(100 * end(others)) for end in (min, max))) if others else "none"
    finding = f"Primary analysis {points(rows[0])} points" + (f"; the others {span}" if others else "")
    finding = finding if primary else f"Differences in {len(others)} of {len(rows)} parts: {span} points"
    middles, height = places(labels)
    columns = {
        "n": [count(row["n"]) for row in rows],
        "missing": [count(row["missing"]) for row in rows],
        "points (95 %)": [points(row) for row in rows],
    }
    wide = {name: room([name, *texts]) - 8 for name, texts in columns.items()}
    left = 212
    made = figure(title or finding, subtitle or "", height, left, sum(wide.values()), 30, 52, source)
    notes, shift = words(labels, middles, left), 0
    for name, texts in columns.items():
        shift += wide[name]
        notes += beside(name, texts, middles, shift)
    annotate(made, [*notes, note("<br>".join(wrap(axis, 90)), x=0, y=0, xshift=-left, yshift=-34, size=12)])
    hover = [
        f"<b>{row['analysis']}</b><br>{points(row)}<br>n {count(row['n'])}, missing {count(row['missing'])}"
        for row in rows
    ]
    intervals(made, rows, middles, hover, size=[11 if primary else 8] + [8] * (len(rows) - 1))
    if primary and not absent(rows[0]["difference"]):  # what the others are compared with
        at = rows[0]["difference"]
        made.add_shape(x0=at, x1=at, y0=0, y1=1, yref="paper", line={"color": QUIET, "width": 1, "dash": "dot"})
    reach = [0.0, *(row[name] for row in rows for name in ("difference", "low", "high") if not absent(row[name]))]
    edge = 0.05 * (max(reach) - min(reach) or 1)
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_xaxes(range=[min(reach) - edge, max(reach) + edge], tickformat=".0%", nticks=4, tickangle=0)
    made.update_xaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1.5)
    alt = "; ".join(
        f"{row['analysis']} {points(row)}, n {count(row['n'])}, missing {count(row['missing'])}" for row in rows
    )
    return made.update_layout(meta={"alt": f"{finding}. {alt}."})
