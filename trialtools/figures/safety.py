"""Harm, arm by arm or pooled: which adverse events are how frequent and how different, whose liver may be injured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import Arm, arms, keyed, of
from .format import absent, count, n_of, number
from .page import INK
from .rows import beside, intervals, label, places, points, room, words
from .template import HAIR, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEFT = 232
Row = dict[str, Any]

ALT, BILIRUBIN = 3.0, 2.0
"""Multiples of the upper limit of normal beyond which a value counts (Hy's law; FDA guidance of July 2009)."""


def adverse_events(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
    most: int = 15,
) -> Figure:
    """Adverse events by term: the share of each arm that had any, and how far it is from the control's.

    Args:
        frame: body_system, term, arm ("" for all together), participants, of, share, events, rate (per 100
            person-days), difference, low, high (against the control; NaN for it, and where all are pooled). Rows
            without a term, which are totals, are not drawn.
        title: the finding; otherwise the largest difference, or the most frequent term.
        subtitle: population, data cut.
        source: a last line.
        labels: of arms, in the order of the protocol.
        most: so many terms: of arms those that differ most, those with more events than the control on top; of all
            together the most frequent.

    An arm without a row has no mark. Nobody's events means no figure but words.

    >>> import pandas as pd
    >>> row = {"body_system": "Cardiac", "arm": "", "of": 50, "events": 9, "rate": 0.4}
    >>> rows = [{**row, "term": "Atrial fibrillation", "participants": 5, "share": 0.1}]
    >>> made = adverse_events(pd.DataFrame(rows).assign(difference=None, low=None, high=None))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Most frequent: Atrial fibrillation, 5 (10.0\\xa0%) of 50</b>'
    """
    terms: Any = frame.loc[[not absent(term) for term in frame["term"]]]
    if not len(terms) or not terms["participants"].sum():
        return blank(title or "No adverse events of these participants", subtitle or "")
    groups = arms(terms, labels)
    by: dict[tuple[str, str], dict[str, Row]] = {}
    for row in terms.to_dict("records"):
        by.setdefault((str(row["body_system"]), str(row["term"])), {})[str(row["arm"])] = row
    compared = [
        arm for arm in groups if any(arm.id in own and not absent(own[arm.id]["difference"]) for own in by.values())
    ]
    kept = _ranked(by, compared, most)
    finding = _finding(kept, compared)
    labels_ = [label("", term, system) for system, term in kept]
    step = 13
    middles, height = places([each + "<br>" * max(0, len(compared) - 2) for each in labels_])
    told = [_numbers(own, arm, compared) for own in kept.values() for arm in compared or groups[:1]]
    ys = [y + _off(at, compared, step) for y in middles for at in range(max(1, len(compared)))]
    head = "difference (95 %)" if compared else "participants"
    right = room([head, *told]) - 8
    said = f"{subtitle or _population(kept, groups)}"
    said += (
        f". The {len(kept)} of {len(by)} terms that {'differ most' if compared else 'are most frequent'}"
        if len(by) > len(kept)
        else ""
    )
    said += ". Difference in percentage points; not adjusted for the number of terms" if compared else ""
    made = figure(title or finding, said, height, LEFT, right, 46 if compared else 32, 50, source)
    split = 0.44 if compared else 1.0
    for at, arm in enumerate(groups):
        own = [
            (y + _off(at, groups, 6), each[arm.id], term)
            for y, (term, each) in zip(middles, kept.items(), strict=True)
            if arm.id in each
        ]
        made.add_scatter(
            name=arm.label,
            x=[row["share"] for _, row, _ in own],
            y=[y for y, _, _ in own],
            mode="markers",
            marker={"color": arm.colour, "symbol": arm.symbol, "size": 9},
            hovertext=[_hover(row, term[1], arm) for _, row, term in own],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    for at, arm in enumerate(compared):
        rows = [each.get(arm.id, {"difference": None}) for each in kept.values()]
        hover = [f"{arm.named}{term}<br>{points(row)} points" for (_, term), row in zip(kept, rows, strict=True)]
        here = [y + _off(at, compared, step) for y in middles]
        intervals(made, rows, here, hover, arm.colour, arm.symbol, xaxis="x2")
    notes = [*words(labels_, middles, LEFT), *beside(head, told, ys, right - 2)]
    notes.append(note("Share with any", x=0, y=0, yshift=-32, size=12))
    if compared:
        notes.append(note("Difference", x=0.52, y=0, yshift=-32, size=12))
    annotate(made, notes)
    keyed(made, groups, left=LEFT, up=30)
    far = max(row["share"] for own in kept.values() for row in own.values() if not absent(row["share"]))
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_layout(
        xaxis={
            "domain": [0, split],
            "range": [-0.04 * far, far * 1.08],
            "tickformat": ".0%" if far > 0.04 else ".1%",
            "nticks": 4,
        },
    )
    if compared:
        reach = [row[name] for own in kept.values() for row in own.values() for name in ("difference", "low", "high")]
        low, high = min(0, *(x for x in reach if not absent(x))), max(0, *(x for x in reach if not absent(x)))
        edge = 0.04 * (high - low or 1)
        axis = {
            "domain": [0.52, 1],
            "range": [low - edge, high + edge],
            "tickformat": ".0%",
            "nticks": 4,
            "tickangle": 0,
        }
        made.update_layout(xaxis2={**axis, "zeroline": True, "zerolinecolor": INK, "zerolinewidth": 1, "anchor": "y"})
    alt = "; ".join(
        f"{term} {', '.join(_spoken(own, arm) for arm in groups if arm.id in own)}" for (_, term), own in kept.items()
    )
    return made.update_layout(meta={"alt": f"{finding}. {alt}."})


def _off(at: int, all_: Sequence[Arm], step: float) -> float:
    """How far from the middle of its row an arm is drawn."""
    return (at - (max(1, len(all_)) - 1) / 2) * step


def _ranked(by: Mapping[Any, dict[str, Row]], compared: Sequence[Arm], most: int) -> dict[Any, dict[str, Row]]:
    if not compared:
        return dict(
            sorted(
                by.items(), key=lambda item: -max(row["participants"] / (row["of"] or 1) for row in item[1].values())
            )[:most]
        )
    worst = {}
    for key, own in by.items():
        told = [own[arm.id]["difference"] for arm in compared if arm.id in own]
        worst[key] = max((each for each in told if not absent(each)), key=abs, default=0.0)
    kept = sorted(by, key=lambda key: -abs(worst[key]))[:most]
    return {key: by[key] for key in sorted(kept, key=lambda key: -worst[key])}


def _numbers(own: dict[str, Row], arm: Arm, compared: Sequence[Arm]) -> str:
    if arm.id not in own:
        return "–"
    return points(own[arm.id]) if compared else n_of(own[arm.id]["participants"], own[arm.id]["of"])


def _spoken(own: dict[str, Row], arm: Arm) -> str:
    row = own[arm.id]
    return f"{arm.label} {count(row['participants'])} of {count(row['of'])}".strip()


def _hover(row: Row, term: str, arm: Arm) -> str:
    rate = "" if absent(row["rate"]) else f", {number(row['rate'], 2)} per 100 person-days"
    who = f"{arm.label}: " if arm.label else ""
    told = f"{who}{n_of(row['participants'], row['of'])} of {count(row['of'])}<br>{count(row['events'])} events{rate}"
    return f"<b>{' '.join(wrap(term, 60))}</b><br>{told}"


def _population(kept: Mapping[Any, dict[str, Row]], groups: Sequence[Arm]) -> str:
    """How many participants each arm has."""
    sizes = {arm: max(own[arm.id]["of"] for own in kept.values() if arm.id in own) for arm in groups
             if any(arm.id in own for own in kept.values())}  # fmt: skip
    told = [f"{arm.label} {count(n)}".strip() for arm, n in sizes.items()]
    return f"{', '.join(told)} participants"


def _finding(kept: Mapping[Any, dict[str, Row]], compared: Sequence[Arm]) -> str:
    if not compared:
        (_, term), own = next(iter(kept.items()))
        each = max(own.values(), key=lambda row: row["share"])
        return f"Most frequent: {term}, {n_of(each['participants'], each['of'])} of {count(each['of'])}"
    rows = [(own[arm.id], key[1], arm) for key, own in kept.items() for arm in compared if arm.id in own]
    rows = [each for each in rows if not absent(each[0]["difference"])]
    clear = [each for each in rows if not absent(each[0]["low"]) and (each[0]["low"] > 0 or each[0]["high"] < 0)]
    row, term, arm = max(clear or rows, key=lambda each: abs(each[0]["difference"]))
    said = f"{term}: {points(row)} points with {arm.label}"
    return said if clear else f"No interval leaves out 0; the largest difference is {said}"


def edish(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Peak ALT against peak bilirubin, in multiples of the upper limit: who may have drug-induced liver injury.

    Args:
        frame: arm ("" for all together), alt, bilirubin: a row a participant, without saying who.
        title: the finding; otherwise how many are where Hy's law may hold.
        subtitle: population, data cut.
        source: a last line.
        labels: of arms, in the order of the protocol.

    Whoever lacks one of the two, or has none above 0, is not drawn but counted in the subtitle.

    >>> import pandas as pd
    >>> made = edish(pd.DataFrame({"arm": "", "alt": [0.8, 4.0, 5.0], "bilirubin": [0.5, 0.9, 2.4]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>1 of 3 has ALT above 3 and bilirubin above 2 × the upper limit</b>'
    """
    usable: Any = frame.loc[(frame["alt"] > 0) & (frame["bilirubin"] > 0)]
    lacking = len(frame) - len(usable)
    left_out = f"{count(lacking)} without both values" if lacking else ""
    if not len(usable):
        return blank(title or "No liver values were collected", subtitle or left_out)
    groups = arms(usable, labels)
    corners = {arm: _corners(of(usable, arm)) for arm in groups}
    hy = sum(each["hy"] for each in corners.values())
    who = f"{count(hy) if hy else 'Nobody'} of {count(len(usable))} {'have' if hy > 1 else 'has'}"
    finding = f"{who} ALT above 3 and bilirubin above 2 × the upper limit"
    told = [subtitle or "The highest value of each participant, log axes", left_out]
    made = figure(
        title or finding, ". ".join(filter(None, told)), 330, 56, 16, 46 if groups[0].label else 22, 50, source
    )
    for arm in groups:
        own = of(usable, arm)
        hover = [
            f"{arm.named}ALT {number(a, 2)} ×<br>bilirubin {number(b, 2)} ×"
            for a, b in zip(own["alt"], own["bilirubin"], strict=True)
        ]
        marker = {"color": arm.tint(0.35), "symbol": arm.symbol, "size": 7, "line": {"color": arm.colour, "width": 1}}
        told_ = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
        x, y = own["alt"].tolist(), own["bilirubin"].tolist()
        made.add_scatter(name=arm.label, x=x, y=y, mode="markers", marker=marker, **told_)
    for where in (
        {"x0": ALT, "x1": ALT, "y0": 0, "y1": 1, "yref": "paper"},
        {"y0": BILIRUBIN, "y1": BILIRUBIN, "x0": 0, "x1": 1, "xref": "paper"},
    ):
        made.add_shape(**where, line={"color": INK, "width": 1, "dash": "dot"})
    notes = []
    for name, words_, x, y in (
        ("hy", "Possible Hy’s law", 1, 1),
        ("temple", "Temple’s corollary", 1, 0),
        ("cholestasis", "Cholestasis", 0, 1),
        ("normal", "Normal or nearly so", 0, 0),
    ):
        numbers = ", ".join(arm.marked(count(each[name])) for arm, each in corners.items())
        way: dict[str, Any] = {
            "xanchor": "right" if x else "left",
            "xshift": -6 if x else 6,
            "yshift": -12 if y else 12,
        }
        notes.append(note(f"<b>{words_}</b> {numbers}", x=x, y=y, size=12, bgcolor="rgba(255,255,255,.8)", **way))
    notes.append(note("Highest ALT, multiples of the upper limit of normal", x=0, y=0, yshift=-32, size=12))
    notes.append(note("Highest bilirubin", x=0, y=1, xshift=-56, yshift=12, size=12))
    annotate(made, notes)
    keyed(made, groups, left=56, up=32)
    for column, set_ in (("alt", made.update_xaxes), ("bilirubin", made.update_yaxes)):
        low, high = min(0.2, usable[column].min()), max(10.0, usable[column].max() * 1.5)
        ticks = [x for x in (0.01, 0.1, 0.3, 1, 2, 3, 10, 30, 100, 300) if low * 0.8 <= x <= high]
        limits = [math.log10(low * 0.8), math.log10(high)]
        set_(type="log", range=limits, tickvals=ticks, ticktext=[f"{x:g}" for x in ticks], gridcolor=HAIR)
    spoken = [
        f"{arm.label or 'all'}: " + ", ".join(f"{k} {v}" for k, v in each.items()) for arm, each in corners.items()
    ]
    return made.update_layout(meta={"alt": f"{finding}. {'; '.join(spoken)}."})


def _corners(own: Any) -> dict[str, int]:
    """How many are in each quarter."""
    liver, bile = own["alt"] > ALT, own["bilirubin"] > BILIRUBIN
    told = {"hy": liver & bile, "temple": liver & ~bile, "cholestasis": ~liver & bile, "normal": ~liver & ~bile}
    return {name: int(each.sum()) for name, each in told.items()}
