"""Harm, arm by arm or pooled: which adverse events are how frequent and how different, whose liver may be injured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .arms import Arm, arm_legend, arms
from .drawing import Drawing, Room, figure, nobody
from .format import absent, count, in_sentence, n_of, number
from .lines import marks, rule
from .measure import POINTS, estimate
from .rows import Column, Estimate, Intervals, Panel, Row, Text, label, row_chart
from .template import HAIR, note, one_line

_LEFT, _MOST = 232, 15


@figure
def adverse_events(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Drawing:
    """Adverse events by term: the share of each arm that had any, and how far it is from the control's.

    Of arms the 15 terms that differ most, those with more events than the control on top; of all together the 15 most
    frequent.

    An arm without a row has no mark. Nobody's events means no figure but words.

    Args:
        frame: body_system, term, arm ("" for all together), participants, of, share, events, rate (per 100
            person-days), difference, low, high (against the control; NaN for it, and where all are pooled). Rows
            without a term, which are totals, are not drawn.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> row = {"body_system": "Cardiac", "arm": "", "of": 50, "events": 9, "rate": 0.4}
    >>> rows = [{**row, "term": "Atrial fibrillation", "participants": 5, "share": 0.1}]
    >>> made = adverse_events(pd.DataFrame(rows).assign(difference=None, low=None, high=None))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Most frequent: Atrial fibrillation, 5 (10.0\\xa0%) of 50</b>'
    """
    events: Any = frame.loc[[not absent(term) for term in frame["term"]]]
    if not len(events) or not events["participants"].sum():
        return nobody("No adverse events of these participants")
    groups = arms(events, labels)
    every = _by_term(events)
    differ = {arm.id for term in every for arm in groups if not absent(_of(term, arm)["difference"])}
    compared = [arm for arm in groups if arm.id in differ]
    terms = _rank(every, compared)
    rows = [row for term in terms for row in term["by"].values()]
    far = max(row["share"] for row in rows if not absent(row["share"]))
    shares = {"range": [-0.04 * far, far * 1.08], "tickformat": ".0%" if far > 0.04 else ".1%", "nticks": 4}
    panels = [Panel(shares, (0, 0.44 if compared else 1), "Share with any")]
    marks = [_shares(arm, shift) for arm, shift in _shifts(groups, 6).items()]
    if compared:
        marks += [_differences(arm, shift) for arm, shift in _shifts(compared, 13).items()]
        panels.append(POINTS.axis(rows, (0.52, 1), POINTS.head, zerolinewidth=1))
    # beyond two, each arm that is held against the control needs a line of its own
    names = [label("", each["term"], each["system"]) + "<br>" * max(0, len(compared) - 2) for each in terms]
    return row_chart(
        list(zip(names, terms, strict=True)),
        marks,
        *panels,
        columns=[_numbers(compared or groups[:1], bool(compared))],
        left=_LEFT,
        head=46 if compared else 32,
        foot=50,
        words=arm_legend(groups, up=30),
        finding=_largest_difference(terms, compared) if compared else _most_frequent(terms[0]),
        population=_sizes(terms, groups),
        remark=_what_is_drawn(len(terms), len(every), bool(compared)),
        alt="; ".join(_in_words(term, groups) for term in terms),
    )


def _by_term(events: pd.DataFrame) -> list[Row]:
    """The terms, each with its body system and with the row of each arm."""
    made: dict[tuple[str, str], Row] = {}
    for row in events.to_dict("records"):
        system, term = str(row["body_system"]), str(row["term"])
        made.setdefault((system, term), {"system": system, "term": term, "by": {}})["by"][str(row["arm"])] = row
    return list(made.values())


def _of(term: Row, arm: Arm) -> Row:
    """The row of an arm; where it has none, nothing is known."""
    return term["by"].get(arm.id) or dict.fromkeys(("share", "difference", "low", "high"))


def _shifts(groups: Sequence[Arm], step: float) -> dict[Arm, float]:
    """How far below the middle of a row each arm is drawn."""
    return {arm: (at - (len(groups) - 1) / 2) * step for at, arm in enumerate(groups)}


def _shares(arm: Arm, shift: float) -> Intervals:
    """Of how many in an arm each term is known."""

    def hover(term: Row) -> str:
        row = term["by"][arm.id]
        rate = "" if absent(row["rate"]) else f", {number(row['rate'], 2)} per 100 person-days"
        who = f"{arm.label}: " if arm.label else ""
        share = f"{who}{n_of(row['participants'], row['of'])} of {count(row['of'])}"
        return f"<b>{one_line(term['term'])}</b><br>{share}<br>{count(row['events'])} events{rate}"

    def share(term: Row) -> Estimate:
        return _of(term, arm)["share"], None, None

    return Intervals(share, hover, arm.label, arm.colour, arm.symbol, 9, shift)


def _differences(arm: Arm, shift: float) -> Intervals:
    """How far each term is from the control's."""

    def hover(term: Row) -> str:
        return f"{arm.hover_head}{term['term']}<br>{POINTS.row(_of(term, arm))} points"

    return Intervals(lambda term: estimate(_of(term, arm)), hover, None, arm.colour, arm.symbol, 8, shift, panel=1)


def _numbers(groups: Sequence[Arm], compared: bool) -> Column:
    """The differences of the arms that are held against the control, or the participants with a term."""

    def text(arm: Arm) -> Text:
        def write(term: Row) -> str:
            row = term["by"].get(arm.id)
            if row is None:
                return "–"
            return POINTS.row(row) if compared else n_of(row["participants"], row["of"])

        return write

    head = "difference (95 %)" if compared else "participants"
    return Column(head, list(map(text, groups)), pad=10, shifts=list(_shifts(groups, 13).values()))


def _rank(every: Sequence[Row], compared: Sequence[Arm]) -> list[Row]:
    """The terms to draw, in their order from the top."""

    def share(term: Row) -> float:
        return max(row["participants"] / (row["of"] or 1) for row in term["by"].values())

    def excess(term: Row) -> float:
        known = [x for arm in compared if not absent(x := _of(term, arm)["difference"])]
        return max(known, key=abs, default=0.0)

    if not compared:
        return sorted(every, key=lambda term: -share(term))[:_MOST]
    largest = sorted(every, key=lambda term: -abs(excess(term)))[:_MOST]
    return sorted(largest, key=lambda term: -excess(term))


def _in_words(term: Row, groups: Sequence[Arm]) -> str:
    rows = [(arm, term["by"][arm.id]) for arm in groups if arm.id in term["by"]]
    each = [f"{arm.label} {count(row['participants'])} of {count(row['of'])}".strip() for arm, row in rows]
    return f"{term['term']} {', '.join(each)}"


def _sizes(terms: Sequence[Row], groups: Sequence[Arm]) -> str:
    """How many participants each arm has."""
    sizes = {arm: [term["by"][arm.id]["of"] for term in terms if arm.id in term["by"]] for arm in groups}
    detail = [f"{arm.label} {count(max(each))}".strip() for arm, each in sizes.items() if each]
    return f"{', '.join(detail)} participants"


def _what_is_drawn(shown: int, among: int, compared: bool) -> str:
    which = "differ most" if compared else "are most frequent"
    sentence = [f"The {shown} of {among} terms that {which}"] if among > shown else []
    sentence += ["Difference in percentage points; not adjusted for the number of terms"] if compared else []
    return ". ".join(sentence)


def _most_frequent(term: Row) -> str:
    row = max(term["by"].values(), key=lambda row: row["share"])
    return f"Most frequent: {term['term']}, {n_of(row['participants'], row['of'])} of {count(row['of'])}"


def _largest_difference(terms: Sequence[Row], compared: Sequence[Arm]) -> str:
    rows = [(_of(term, arm), term["term"], arm) for term in terms for arm in compared]
    rows = [each for each in rows if not absent(each[0]["difference"])]
    clear = [each for each in rows if not absent(each[0]["low"]) and (each[0]["low"] > 0 or each[0]["high"] < 0)]
    row, term, arm = max(clear or rows, key=lambda each: abs(each[0]["difference"]))
    than = "more" if row["difference"] > 0 else "fewer" if row["difference"] < 0 else "as many"
    sentence = f"{term}: {than} with {in_sentence(arm.label)}, {POINTS.row(row)} percentage points"
    return sentence if clear else f"No interval leaves out 0; the largest difference is {sentence}"


_TRANSFERASE, _BILIRUBIN = 3.0, 2.0
"""Multiples of the upper limit of normal beyond which a value counts (Hy's law; FDA guidance of July 2009)."""

_CORNERS = {
    "hy": ("Possible Hy’s law", 1, 1),
    "temple": ("Temple’s corollary", 1, 0),
    "cholestasis": ("Cholestasis", 0, 1),
    "normal": ("Normal or nearly so", 0, 0),
}
"""By quarter: its words, and whether it is at the right and on top."""


@figure
def edish(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Drawing:
    """Peak ALT or AST against peak bilirubin, in multiples of the upper limit: who may have drug-induced liver injury.

    A participant without one of the two, or without a value above 0, is not drawn but counted in the subtitle.

    Args:
        frame: arm ("" for all together), transferase (ALT or AST), bilirubin: a row a participant, without saying who.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> made = edish(pd.DataFrame({"arm": "", "transferase": [0.8, 4.0, 5.0], "bilirubin": [0.5, 0.9, 2.4]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>1 of 3 has ALT/AST above 3 and bilirubin above 2 × the upper limit</b>'
    """
    usable: Any = frame.loc[(frame["transferase"] > 0) & (frame["bilirubin"] > 0)]
    without = len(frame) - len(usable)
    left_out = f"{count(without)} without both values" if without else ""
    if not len(usable):
        return nobody("No liver values were collected", left_out)
    own: dict[Arm, Any] = {arm: arm.rows(usable) for arm in arms(usable, labels)}
    corners = {arm: _corners(rows) for arm, rows in own.items()}
    hy = sum(each["hy"] for each in corners.values())
    who = f"{count(hy) if hy else 'Nobody'} of {count(len(usable))} {'have' if hy > 1 else 'has'}"
    left = 56
    return Drawing(
        finding=f"{who} ALT/AST above 3 and bilirubin above 2 × the upper limit",
        population="The highest value of each participant, log axes",
        remark=left_out,
        alt="; ".join(
            f"{arm.label or 'all'}: " + ", ".join(f"{name} {n}" for name, n in each.items())
            for arm, each in corners.items()
        ),
        marks=[_livers(arm, rows) for arm, rows in own.items()],
        shapes=[rule(x=_TRANSFERASE, dash="dot"), rule(y=_BILIRUBIN, dash="dot")],
        words=[
            *(_corner(name, corners) for name in _CORNERS),
            note("Highest ALT or AST, multiples of the upper limit of normal", x=0, y=0, yshift=-32, size=12),
            note("Highest bilirubin", x=0, y=1, xshift=-left, yshift=12, size=12),
            *arm_legend(list(own), left=left, up=32),
        ],
        x=_log_axis(usable["transferase"]),
        y=_log_axis(usable["bilirubin"]),
        room=Room(330, left, 16, 46 if any(arm.label for arm in own) else 22, 50),
    )


def _livers(arm: Arm, rows: Any) -> Mapping[str, Any]:
    hover = [
        f"{arm.hover_head}ALT or AST {number(transferase, 2)} ×<br>bilirubin {number(bilirubin, 2)} ×"
        for transferase, bilirubin in zip(rows["transferase"], rows["bilirubin"], strict=True)
    ]
    look = {"color": arm.tint(0.35), "symbol": arm.symbol, "size": 7, "line": {"color": arm.colour, "width": 1}}
    return marks(arm.label, rows["transferase"], rows["bilirubin"], hover, **look)


def _corners(rows: Any) -> dict[str, int]:
    """How many are in each quarter."""
    liver, bile = rows["transferase"] > _TRANSFERASE, rows["bilirubin"] > _BILIRUBIN
    return {name: int(((liver == right) & (bile == top)).sum()) for name, (_, right, top) in _CORNERS.items()}


def _corner(name: str, corners: Mapping[Arm, Mapping[str, int]]) -> Mapping[str, Any]:
    words, right, top = _CORNERS[name]
    numbers = ", ".join(arm.mark(count(each[name])) for arm, each in corners.items())
    way: dict[str, Any] = {"xanchor": "right" if right else "left", "xshift": -6 if right else 6}
    way |= {"yshift": -12 if top else 12, "size": 12, "bgcolor": "rgba(255,255,255,.8)"}
    return note(f"<b>{words}</b> {numbers}", x=right, y=top, **way)


def _log_axis(values: Any) -> Mapping[str, Any]:
    low, high = min(0.2, values.min()) * 0.8, max(10.0, values.max() * 1.5)
    ticks = [x for x in (0.01, 0.1, 0.3, 1, 2, 3, 10, 30, 100, 300) if low <= x <= high]
    axis = {"type": "log", "range": [math.log10(low), math.log10(high)], "gridcolor": HAIR}
    return {**axis, "tickvals": ticks, "ticktext": [f"{x:g}" for x in ticks]}
