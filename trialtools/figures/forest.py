"""How often a criterion excludes one group compared with another: a forest of ratios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..tables import INK, QUIET, absent, count, number, percent
from .rows import most_of, places, records, room
from .template import SMALL, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

LEFT, MOST = 190, 40


def forest(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """The ratio of the shares that fail, with its 95 % interval on a log axis; a row a group, below its criterion.

    Args:
        frame: from `subgroups`: criterion, criterion_label, field, label, group, n, failed, unknown, share, ratio, low,
            high.
        title: the finding; otherwise the largest ratio whose interval leaves out 1.
        subtitle: what is compared.
        source: a last line.

    A group without a ratio (too few, suppressed, the reference) has its row and its numbers, and no mark. Of more than
    40 rows the first 40 are shown, and the subtitle says so.

    >>> import pandas as pd
    >>> row = {"criterion": "E1", "criterion_label": "Pregnant", "field": "sex", "label": "Sex", "group": "female"}
    >>> numbers = {"n": 50, "failed": 10, "unknown": 0, "share": 0.2, "ratio": 2.5, "low": 1.2, "high": 5.2}
    >>> forest(pd.DataFrame([{**row, **numbers}])).layout.title.text.split(" as often")[0]
    '<b>E1 excludes Sex female 2.50 times'
    """
    rows = records(frame, "failed")
    if not most_of(rows, "n"):
        return blank(title or "No patients were screened", subtitle or "")
    finding = _finding(rows)
    labels, slots, last = [], {}, None
    for row in rows[:MOST]:
        if (row["criterion"], row["field"]) != last:
            last = row["criterion"], row["field"]
            labels.append("<br>".join(wrap(f"{row['criterion']} {row['criterion_label']}, by {row['label']}", 80)))
        slots[len(labels)] = row
        labels.append("   " + "<br>   ".join(wrap("unknown" if absent(row["group"]) else row["group"], 26)))
    middles, height = places(labels)
    fails = [f"{count(row['failed'])} of {count(row['n'])} ({percent(row['share'], 0)})" for row in slots.values()]
    ratios = [_ratio(row) for row in slots.values()]
    wide = {"failed": room(["failed", *fails]), "ratio": room(["ratio (95 %)", *ratios])}
    said = "Ratio of the shares that fail, 95 % interval, log axis; – no ratio" if subtitle is None else subtitle
    said += f". The first {MOST} of {len(rows)} rows" if len(rows) > MOST else ""
    made = figure(title or finding, said, height=height, left=LEFT, right=sum(wide.values()), head=30, source=source)
    notes = [
        note(f"<b>{text}</b>" if at not in slots else text, x=0, y=y, yref="y", xshift=-LEFT, size=12)
        for at, (text, y) in enumerate(zip(labels, middles, strict=True))
    ]
    shift = 0
    for name, texts in (("failed", fails), ("ratio", ratios)):
        shift += wide[name]
        side: dict[str, Any] = {"x": 1, "xanchor": "right", "xshift": shift}
        notes.append(note(f"<b>{name}</b>", y=1, yshift=10, size=SMALL, **side))
        notes += [
            note(text, y=middles[slot], yref="y", size=SMALL, color=QUIET if text == "–" else INK, **side)
            for slot, text in zip(slots, texts, strict=True)
        ]
    annotate(made, notes)
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
    ticks = [x for x in (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100) if 1 / far <= x <= far]
    made.add_shape(x0=1, x1=1, y0=0, y1=1, yref="paper", line={"color": INK, "width": 1, "dash": "dot"})
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_xaxes(type="log", autorange=False, tickvals=ticks, ticktext=[f"{x:g}" for x in ticks])
    made.update_xaxes(range=[-math.log10(far), math.log10(far)])
    return made.update_layout(
        meta={"alt": f"{finding}. {len(slots)} of {len(rows)} groups; {len(drawn)} have a ratio."}
    )


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
    return (
        f"{row['criterion']} excludes {row['label']} {row['group']} {number(row['ratio'], 2)} times as often "
        f"(95 % interval {between})"
    )
