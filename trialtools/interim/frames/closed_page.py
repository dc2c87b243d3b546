"""A closed look goes in; page 1 of its report comes out: the sentences, the table by arm, the boundary, the chances."""

from __future__ import annotations

from typing import Any

from ...figures.first_page import FirstPage
from ...figures.format import count
from ..lookdata import LookData
from .arm_table import arm_rows, difference_heads
from .boundary_panel import boundary_picture, chances
from .effect import comparisons, primary_effect
from .endpoint import endpoint_rows
from .looks import boundaries
from .safety_words import excess_of, gaps_of
from .statements import lead_of, lines_of
from .wording import NOT_COLLECTED, arm_name, arms_told, written_day

ASKED = (
    "Asked of the committee",
    "Which does the committee recommend: go on unchanged, go on with changes, pause, or stop? The report gives the "
    "numbers; the committee decides.",
)


def closed_page(look: LookData, distribution: str = "not named") -> FirstPage:
    """Page 1 of a closed report."""
    each = [(one, primary_effect(one), boundaries(one)) for one in comparisons(look)]
    gaps = gaps_of(look)
    lead, tone = lead_of(each, gaps, excess_of(look))
    rows, notes = arm_rows(look, each)
    of = "" if look.target is None else f" of {count(look.target)}"
    facts = [
        ("Data as of", written_day(look.cutoff) if look.cutoff else "not cut"),
        ("Randomized", f"{count(len(look.entered))}{of}"),
        _known(look),
        ("Distribution", distribution),
    ]
    return FirstPage(
        closed=True,
        **frame_of_page(look),
        facts=tuple(facts),
        asked=ASKED,
        answer_label="What the data say",
        lead=lead,
        tone=tone,
        lines=tuple(lines_of(look, each, gaps)),
        columns=("Participants", *(arm_name(look, arm) for arm in arms_told(look)), *difference_heads(look)),
        rows=tuple(rows),
        notes=tuple(notes),
        looks=boundary_picture(*each[0]),
        panel=chances(*each[0]),
        more=tuple((boundary_picture(*one), chances(*one)) for one in each[1:]),
    )


def _known(look: LookData) -> tuple[str, str]:
    """How far the trial has come: outcomes known of those planned, or events."""
    if not look.trial.endpoint or "outcomes" in look.trial.absent:
        return "Primary outcome known", NOT_COLLECTED
    rows, of = endpoint_rows(look), "" if look.site else f" of {count(look.plan.planned)}"
    if look.plan.kind == "time_to_event":
        return "Events", f"{count(rows['value'].sum())}{of}"
    return "Primary outcome known", f"{count(rows['state'].eq('known').sum())}{of}"


def frame_of_page(look: LookData) -> dict[str, Any]:
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
