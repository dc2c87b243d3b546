"""A closed look goes in; page 1 of its report comes out: the sentences, the table by arm, the boundary, the chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...figures.boundary import Boundary, boundary
from ...figures.first_page import Aside, FirstPage
from ...figures.format import count, number
from ..data.tables import Frame
from ..lookdata import LookData
from ..plan import MonitoringPlan
from .arm_table import arm_table
from .effect import comparisons, primary_effect
from .endpoint import endpoint_rows
from .looks import chances_ahead, crosses_boundary, design_power, is_last, look_boundaries, this_look
from .otherwise import SHIFTS, sensitivity
from .safety_words import excess_of, gaps_of
from .statements import Comparison, lead_of, lines_of
from .wording import (
    GAP,
    arm_in_sentence,
    arm_name,
    direction_words,
    endpoint_of_look,
    goal_of,
    in_100,
    written_day,
)

_QUESTION = (
    "Asked of the committee",
    "Which does the committee recommend: go on unchanged, go on with changes, pause, or stop? The report gives the "
    "numbers; the committee decides.",
)
_AGAINST = " Against the experimental arm: the worse outcome there, and the better one in the other arm."
_HARDEST = ("taken as events", "taken against the experimental arm", f"worse ({SHIFTS[-1]:g} SD)")
"""Of the ways to count otherwise, those for page 1, by how their names end."""


def closed_page(look: LookData, distribution: str = "not named") -> FirstPage:
    """Page 1 of a closed report."""
    each = [Comparison(one, primary_effect(one), look_boundaries(one)) for one in comparisons(look)]
    gaps = gaps_of(look)
    lead, tone = lead_of(each, gaps, excess_of(look))
    pairs = tuple((_picture(one, frame), _chances(one, frame)) for one, effect, frame in each if effect)
    several = len(each) > 1
    of = "" if look.target is None else f" of {count(look.target)}"
    facts = (
        ("Data as of", written_day(look.cutoff) if look.cutoff else "not cut"),
        ("Randomized", f"{count(len(look.randomized))}{of}"),
        _progress(look),
        ("Distribution", distribution),
    )
    return FirstPage(
        closed=True,
        **titles_of(look),
        **arm_table(look, each),
        facts=facts,
        question=_QUESTION,
        answer_label="What the data say",
        lead=lead,
        tone=tone,
        lines=tuple(lines_of(look, each, gaps)),
        pairs=tuple((replace(picture, note=""), None) for picture, _ in pairs) if several else pairs,
        across=_across([one for one, effect, _ in each if effect], pairs) if several else (),
    )


def _progress(look: LookData) -> tuple[str, str]:
    """How far the trial has come: outcomes known of those planned, or events."""
    if not look.endpoint_collected:
        return "Primary outcome known", GAP
    rows, of = endpoint_rows(look), "" if look.site else f" of {count(look.plan.planned)}"
    if look.plan.kind == "time_to_event":
        return "Events", f"{count(rows['value'].sum())}{of}"
    return "Primary outcome known", f"{count(rows['state'].eq('known').sum())}{of}"


def titles_of(look: LookData) -> dict[str, Any]:
    """What page 1 of either report says of itself: titles, and the words on every printed sheet."""
    kind, day = "closed" if look.closed else "open", look.cutoff or "not cut"
    of = f"look {look.number} of {len(look.plan.looks)}"
    pooled, site = "" if look.closed else " (pooled)", f", {look.site}" if look.site else ""
    parts = [f"{kind.upper()} · interim report{pooled}, {of}{site}", look.protocol.id, f"cut {day}"]
    corner = "CLOSED REPORT – results by arm – committee only" if look.closed else "OPEN REPORT – all arms pooled"
    return {
        "synthetic": look.trial.synthetic,
        "title": " · ".join([*parts, *["SYNTHETIC"] * look.trial.synthetic]),
        "corner": corner,
        "running": f"{look.protocol.id} · {kind} report, look {look.number}{site} · data as of {day}",
        "heading": f"{kind.capitalize()} interim report, {of}{site}",
        "trial": look.protocol.title,
        "trial_id": look.protocol.id,
    }


def boundary_words(look: LookData) -> dict[str, Any]:
    """What `figures.boundary` says of this comparison: the goal, what lies above and below zero, what is counted."""
    plan, arm = look.plan, arm_in_sentence(look, look.plan.arm)
    less, more, _ = direction_words(plan.kind, endpoint_of_look(look), arm)
    return {
        "information": plan.measure.information,
        "goal": goal_of(plan),
        "above": f"favours {arm}" if plan.margin is None else "is better than the margin",
        "directions": (less, more) if plan.sign < 0 else (more, less),
        "tails": plan.tails,
        "remarks": [f"Look {each} was not held." for each in look.not_held],
    }


def _picture(look: LookData, frame: Frame) -> Any:
    """The boundary; of several experimental arms its title names the arm."""
    made: Any = boundary(frame, **boundary_words(look))
    several = sum(arm.role == "experimental" for arm in look.protocol.arms) > 1
    return replace(made, title=f"{arm_name(look, look.plan.arm)}: {made.title}") if several else made


def _chances(look: LookData, frame: Frame) -> Aside | None:
    """The chance to show the goal at the looks ahead; after a crossing and at the last look, other ways to count."""
    if crosses_boundary(this_look(frame)) or is_last(frame):
        return _other_counts(look)
    chance, plan = chances_ahead(look), look.plan
    if not chance:
        return None
    words = {
        "trend": "If the effect seen so far goes on",
        "design": f"If it is the one planned for: {_hope(plan)}",
        "null": "If there is no effect from now on" if plan.margin is None else "If it lies at the margin from now on",
    }
    bars = tuple((words[name], in_100(chance[name]), chance[name]) for name in words if name in chance)
    averaged = in_100(chance["predictive"])
    note = f"“Conditional power”. With uncertainty about the effect averaged in (“predictive power”): {averaged}."
    if (planned := design_power(plan)) is not None:
        note += f" Planned before the start, this trial had a chance of {in_100(planned)} to show {_hope(plan)}."
    ahead = " or ".join(frame.loc[frame["state"] == "ahead", "look"].astype("str"))
    return Aside(f"Chance to show {goal_of(plan)} at look {ahead}", bars, note=note)


def _across(looks: Sequence[LookData], pairs: Sequence[tuple[Boundary, Aside | None]]) -> tuple[tuple[str, ...], ...]:
    """The looks of several arms and what may still come, an arm a column, and a note: they share one sheet."""
    rows = [("", *(arm_name(one, one.plan.arm) for one in looks))]
    tables = [{row[0]: row[1:] for row in picture.rows} for picture, _ in pairs]
    if not tables:
        return ()
    head, *names = [name for name in tables[0] if not name.startswith("Alpha")]
    for at, which in enumerate(tables[0][head]):
        label = f"Look {which}: {' · '.join([names[0].lower(), *names[1:]])}"
        rows.append((label, *(" · ".join(table[name][at] for name in names) for table in tables)))
    panels = [panel for _, panel in pairs]
    for title in dict.fromkeys(panel.title for panel in panels if panel):
        rows.append((title, *("" for _ in panels)))
        own = [_texts_of(panel) if panel and panel.title == title else {} for panel in panels]
        for words in dict.fromkeys(name for each in own for name in each):
            rows.append((f"– {words[:1].lower()}{words[1:]}", *(each.get(words, "–") for each in own)))
    note = pairs[0][0].note.replace(f"favours {arm_in_sentence(looks[0], looks[0].plan.arm)}", "favours that arm")
    return (*rows, (note,))


def _texts_of(panel: Aside) -> dict[str, str]:
    """What a panel says, by its words."""
    return {words: text for words, text, *_ in (*panel.bars, *panel.rows)}


def _hope(plan: MonitoringPlan) -> str:
    """The effect that the design hopes for: "6 % against 12 %", "a hazard ratio of 0.60"."""
    if plan.kind == "binary":
        return " against ".join(f"{100 * rate:g} %" for rate in (plan.experimental_rate, plan.control_rate) if rate)
    measure = plan.measure
    return f"a {measure.name.lower()} of {measure.text(plan.hoped)} {measure.unit}".strip()


def _other_counts(look: LookData) -> Aside:
    """z by other ways to count: where there is a finding, the question is whether it holds."""
    frame = sensitivity(look).set_index("analysis")["z"]
    rows = [("Missing outcomes left out" if look.plan.kind == "binary" else "As planned", frame["Primary"])]
    rows += [(name, z) for name, z in frame.items() if str(name).endswith(_HARDEST)]
    sites = frame[frame.index.str.startswith("Without site ")]
    rows += [("Lowest, leaving one site out", sites.min())] if len(sites) else []
    written = tuple((name, number(z, 2)) for name, z in rows)
    against = _AGAINST * any("against" in name for name, _ in written)
    return Aside("z by other ways to count", rows=written, note=f"Section 18 has them all.{against}")
