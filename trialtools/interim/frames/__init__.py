"""A trial's data and its protocol go in; the frames of an interim report come out: by arm, or pooled where none is.

Every function serves the open and the closed report alike: what the data do not tell, no frame can show.
"""

from .conduct import (
    adherence,
    adherence_counts,
    arms_of,
    balance,
    baseline,
    currency,
    exclusions,
    flow,
    integrity,
    outcome_states,
)
from .cutoff import day_of, read_cut
from .endpoint import Effect, blinded_rate, curves, secondary, selection, sensitivity, subgroups
from .history import Facts, changes, facts, looks_before, looks_told, read_previous
from .looks import chances, conclusions, decision, lacking, looks, power_curve, primary
from .plan import Plan, plan_of
from .printed import by_arm, charter, cover, effect_table, form, given, rate_table, sentence
from .recruitment import accrual, by_site, forecast, reached
from .safety import adverse_events, edish, exposure, harms, labs_by_week, listing
from .statements import ASKED, arm_labels, caveats, closed_answer, context, open_answer, unnamed

__all__ = [
    "ASKED",
    "Effect",
    "Facts",
    "Plan",
    "accrual",
    "adherence",
    "adherence_counts",
    "adverse_events",
    "arm_labels",
    "arms_of",
    "balance",
    "baseline",
    "blinded_rate",
    "by_arm",
    "by_site",
    "caveats",
    "chances",
    "changes",
    "charter",
    "closed_answer",
    "conclusions",
    "context",
    "cover",
    "currency",
    "curves",
    "day_of",
    "decision",
    "edish",
    "effect_table",
    "exclusions",
    "exposure",
    "facts",
    "flow",
    "forecast",
    "form",
    "given",
    "harms",
    "integrity",
    "labs_by_week",
    "lacking",
    "listing",
    "looks",
    "looks_before",
    "looks_told",
    "open_answer",
    "outcome_states",
    "plan_of",
    "power_curve",
    "primary",
    "rate_table",
    "reached",
    "read_cut",
    "read_previous",
    "secondary",
    "selection",
    "sensitivity",
    "sentence",
    "subgroups",
    "unnamed",
]
