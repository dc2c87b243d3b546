"""Harm, arm by arm or pooled: which adverse events are how frequent and how different, whose liver may be injured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .arms import Arm, arm_legend, arms, rows_of_arm
from .drawing import Drawing, figure, nobody
from .format import absent, count, n_of, number
from .lines import marks, rule
from .rows import (
    Column,
    Intervals,
    Panel,
    axis_of_differences,
    difference,
    label,
    points,
    row_chart,
    row_positions,
    text_width,
)  # fmt: skip
from .template import HAIR, WIDTH, note, one_line

Row = dict[str, Any]

LEFT = 232

Terms = dict[tuple[str, str], dict[str, Row]]
"""By body system and term, the row of each arm."""


@figure
def adverse_events(frame: pd.DataFrame, labels: Mapping[str, str] | None = None, most: int = 15) -> Drawing:
    """Adverse events by term: the share of each arm that had any, and how far it is from the control's.

    An arm without a row has no mark. Nobody's events means no figure but words.

    Args:
        frame: body_system, term, arm ("" for all together), participants, of, share, events, rate (per 100
            person-days), difference, low, high (against the control; NaN for it, and where all are pooled). Rows
            without a term, which are totals, are not drawn.
        labels: of arms, in the order of the protocol.
        most: so many terms: of arms those that differ most, those with more events than the control on top; of all
            together the most frequent.

    >>> import pandas as pd
    >>> row = {"body_system": "Cardiac", "arm": "", "of": 50, "events": 9, "rate": 0.4}
    >>> rows = [{**row, "term": "Atrial fibrillation", "participants": 5, "share": 0.1}]
    >>> made = adverse_events(pd.DataFrame(rows).assign(difference=None, low=None, high=None))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Most frequent: Atrial fibrillation, 5 (10.0\\xa0%) of 50</b>'
    """
    totals_left_out: Any = frame.loc[[not absent(term) for term in frame["term"]]]
    if not len(totals_left_out) or not totals_left_out["participants"].sum():
        return nobody("No adverse events of these participants")
    groups = arms(totals_left_out, labels)
    every: Terms = {}
    for row in totals_left_out.to_dict("records"):
        every.setdefault((str(row["body_system"]), str(row["term"])), {})[str(row["arm"])] = row
    differ = {arm for arm in groups for own in every.values() if not absent(own.get(arm.id, {}).get("difference"))}
    compared = [arm for arm in groups if arm in differ]
    terms = _ranked(every, compared, most)
    # beyond two, each arm that is held against the control needs a line of its own
    rows = [label("", term, system) + "<br>" * max(0, len(compared) - 2) for system, term in terms]
    numbered = _offsets(compared or groups[:1], 13)
    texts = [_numbers(own.get(arm.id), bool(compared)) for own in terms.values() for arm in numbered]
    head = "difference (95 %)" if compared else "participants"
    room = text_width([head, *texts]) - 8
    drawn = [row for own in terms.values() for row in own.values()]
    far = max(row["share"] for row in drawn if not absent(row["share"]))
    shares = {"range": [-0.04 * far, far * 1.08], "tickformat": ".0%" if far > 0.04 else ".1%", "nticks": 4}
    panels, words = [Panel(shares, (0, 0.44 if compared else 1))], [("Share with any", float(LEFT))]
    if compared:
        panels.append(axis_of_differences([difference(row) for row in drawn], 0.04, (0.52, 1), zerolinewidth=1))
        words.append(("Difference", LEFT + 0.52 * (WIDTH - LEFT - room)))
    return row_chart(
        rows,
        [
            *(_shares(terms, arm, off) for arm, off in _offsets(groups, 6).items()),
            *(_differences(terms, arm, off) for arm, off in numbered.items() if compared),
        ],
        *panels,
        columns=[
            Column(
                head, texts, room, inset=2, at=[y + off for y in row_positions(rows)[0] for off in numbered.values()]
            )
        ],
        left=LEFT,
        words=[*(note(text, x=0, y=0, xshift=x, yshift=-32, size=12) for text, x in words), *arm_legend(groups, up=30)],
        head=46 if compared else 32,
        foot=50,
        finding=_largest_difference(terms, compared) if compared else _most_frequent(terms),
        population=_sizes(terms, groups),
        remark=_what_is_drawn(len(terms), len(every), bool(compared)),
        alt="; ".join(
            f"{term} {', '.join(_spoken(own[arm.id], arm) for arm in groups if arm.id in own)}"
            for (_, term), own in terms.items()
        ),
    )


def _offsets(groups: Sequence[Arm], step: float) -> dict[Arm, float]:
    """How far below the middle of a row each arm is drawn."""
    return {arm: (at - (len(groups) - 1) / 2) * step for at, arm in enumerate(groups)}


def _shares(terms: Terms, arm: Arm, off: float) -> Intervals:
    """Of how many in an arm each term is known."""
    shares = [(own.get(arm.id, {}).get("share"), None, None) for own in terms.values()]
    hover = [_hover(own[arm.id], term, arm) if arm.id in own else "" for (_, term), own in terms.items()]
    return Intervals(shares, hover, arm.label, arm.colour, arm.symbol, size=9, off=off)


def _differences(terms: Terms, arm: Arm, off: float) -> Intervals:
    """How far each term is from the control's."""
    rows = [own.get(arm.id, dict.fromkeys(("difference", "low", "high"))) for own in terms.values()]
    hover = [f"{arm.named}{term}<br>{points(row)} points" for (_, term), row in zip(terms, rows, strict=True)]
    return Intervals([difference(row) for row in rows], hover, None, arm.colour, arm.symbol, off=off, panel=1)


def _ranked(every: Terms, compared: Sequence[Arm], most: int) -> Terms:
    """The terms to draw, in their order from the top."""

    def share(key: tuple[str, str]) -> float:
        return max(row["participants"] / (row["of"] or 1) for row in every[key].values())

    def excess(key: tuple[str, str]) -> float:
        told = [every[key][arm.id]["difference"] for arm in compared if arm.id in every[key]]
        return max((each for each in told if not absent(each)), key=abs, default=0.0)

    if compared:
        kept = sorted(sorted(every, key=lambda key: -abs(excess(key)))[:most], key=lambda key: -excess(key))
    else:
        kept = sorted(every, key=lambda key: -share(key))[:most]
    return {key: every[key] for key in kept}


def _numbers(row: Row | None, compared: bool) -> str:
    if row is None:
        return "–"
    return points(row) if compared else n_of(row["participants"], row["of"])


def _spoken(row: Row, arm: Arm) -> str:
    return f"{arm.label} {count(row['participants'])} of {count(row['of'])}".strip()


def _hover(row: Row, term: str, arm: Arm) -> str:
    rate = "" if absent(row["rate"]) else f", {number(row['rate'], 2)} per 100 person-days"
    who = f"{arm.label}: " if arm.label else ""
    share = f"{who}{n_of(row['participants'], row['of'])} of {count(row['of'])}"
    return f"<b>{one_line(term)}</b><br>{share}<br>{count(row['events'])} events{rate}"


def _sizes(terms: Terms, groups: Sequence[Arm]) -> str:
    """How many participants each arm has."""
    sizes = {arm: [own[arm.id]["of"] for own in terms.values() if arm.id in own] for arm in groups}
    told = [f"{arm.label} {count(max(each))}".strip() for arm, each in sizes.items() if each]
    return f"{', '.join(told)} participants"


def _what_is_drawn(shown: int, among: int, compared: bool) -> str:
    which = "differ most" if compared else "are most frequent"
    said = [f"The {shown} of {among} terms that {which}"] if among > shown else []
    said += ["Difference in percentage points; not adjusted for the number of terms"] if compared else []
    return ". ".join(said)


def _most_frequent(terms: Terms) -> str:
    (_, term), own = next(iter(terms.items()))
    row = max(own.values(), key=lambda row: row["share"])
    return f"Most frequent: {term}, {n_of(row['participants'], row['of'])} of {count(row['of'])}"


def _largest_difference(terms: Terms, compared: Sequence[Arm]) -> str:
    rows = [(own[arm.id], term, arm) for (_, term), own in terms.items() for arm in compared if arm.id in own]
    rows = [each for each in rows if not absent(each[0]["difference"])]
    clear = [each for each in rows if not absent(each[0]["low"]) and (each[0]["low"] > 0 or each[0]["high"] < 0)]
    row, term, arm = max(clear or rows, key=lambda each: abs(each[0]["difference"]))
    said = f"{term}: {points(row)} points with {arm.label}"
    return said if clear else f"No interval leaves out 0; the largest difference is {said}"


ALT, BILIRUBIN = 3.0, 2.0
"""Multiples of the upper limit of normal beyond which a value counts (Hy's law; FDA guidance of July 2009)."""

CORNERS = {
    "hy": ("Possible Hy’s law", 1, 1),
    "temple": ("Temple’s corollary", 1, 0),
    "cholestasis": ("Cholestasis", 0, 1),
    "normal": ("Normal or nearly so", 0, 0),
}
"""By quarter: its words, and whether it is at the right and on top."""


@figure
def edish(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Drawing:
    """Peak ALT against peak bilirubin, in multiples of the upper limit: who may have drug-induced liver injury.

    Whoever lacks one of the two, or has none above 0, is not drawn but counted in the subtitle.

    Args:
        frame: arm ("" for all together), alt, bilirubin: a row a participant, without saying who.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> made = edish(pd.DataFrame({"arm": "", "alt": [0.8, 4.0, 5.0], "bilirubin": [0.5, 0.9, 2.4]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>1 of 3 has ALT above 3 and bilirubin above 2 × the upper limit</b>'
    """
    usable: Any = frame.loc[(frame["alt"] > 0) & (frame["bilirubin"] > 0)]
    without = len(frame) - len(usable)
    left_out = f"{count(without)} without both values" if without else ""
    if not len(usable):
        return nobody("No liver values were collected", left_out)
    own: dict[Arm, Any] = {arm: rows_of_arm(usable, arm) for arm in arms(usable, labels)}
    corners = {arm: _corners(rows) for arm, rows in own.items()}
    hy = sum(each["hy"] for each in corners.values())
    who = f"{count(hy) if hy else 'Nobody'} of {count(len(usable))} {'have' if hy > 1 else 'has'}"
    left = 56
    return Drawing(
        finding=f"{who} ALT above 3 and bilirubin above 2 × the upper limit",
        population="The highest value of each participant, log axes",
        remark=left_out,
        alt="; ".join(
            f"{arm.label or 'all'}: " + ", ".join(f"{name} {n}" for name, n in each.items())
            for arm, each in corners.items()
        ),
        marks=[_livers(arm, rows) for arm, rows in own.items()],
        shapes=[rule(x=ALT, dash="dot"), rule(y=BILIRUBIN, dash="dot")],
        words=[
            *(_corner(name, corners) for name in CORNERS),
            note("Highest ALT, multiples of the upper limit of normal", x=0, y=0, yshift=-32, size=12),
            note("Highest bilirubin", x=0, y=1, xshift=-left, yshift=12, size=12),
            *arm_legend(list(own), left=left, up=32),
        ],
        x=_log_axis(usable["alt"]),
        y=_log_axis(usable["bilirubin"]),
        height=330,
        left=left,
        right=16,
        head=46 if any(arm.label for arm in own) else 22,
        foot=50,
    )


def _livers(arm: Arm, rows: Any) -> Mapping[str, Any]:
    hover = [
        f"{arm.named}ALT {number(alt, 2)} ×<br>bilirubin {number(bilirubin, 2)} ×"
        for alt, bilirubin in zip(rows["alt"], rows["bilirubin"], strict=True)
    ]
    look = {"color": arm.tint(0.35), "symbol": arm.symbol, "size": 7, "line": {"color": arm.colour, "width": 1}}
    return marks(arm.label, rows["alt"], rows["bilirubin"], hover, **look)


def _corners(rows: Any) -> dict[str, int]:
    """How many are in each quarter."""
    liver, bile = rows["alt"] > ALT, rows["bilirubin"] > BILIRUBIN
    return {name: int(((liver == right) & (bile == top)).sum()) for name, (_, right, top) in CORNERS.items()}


def _corner(name: str, corners: Mapping[Arm, Mapping[str, int]]) -> Mapping[str, Any]:
    words, right, top = CORNERS[name]
    numbers = ", ".join(arm.marked(count(each[name])) for arm, each in corners.items())
    way: dict[str, Any] = {"xanchor": "right" if right else "left", "xshift": -6 if right else 6}
    way |= {"yshift": -12 if top else 12, "size": 12, "bgcolor": "rgba(255,255,255,.8)"}
    return note(f"<b>{words}</b> {numbers}", x=right, y=top, **way)


def _log_axis(values: Any) -> Mapping[str, Any]:
    low, high = min(0.2, values.min()) * 0.8, max(10.0, values.max() * 1.5)
    ticks = [x for x in (0.01, 0.1, 0.3, 1, 2, 3, 10, 30, 100, 300) if low <= x <= high]
    axis = {"type": "log", "range": [math.log10(low), math.log10(high)], "gridcolor": HAIR}
    return {**axis, "tickvals": ticks, "ticktext": [f"{x:g}" for x in ticks]}
