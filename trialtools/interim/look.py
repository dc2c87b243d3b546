"""A trial under way, its protocol and a day go in; one look comes out, whose methods are the sections of its report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from ..criteria.contents import Protocol, load_protocol
from ..criteria.protocol import DataError
from ..criteria.stage import Stage
from ..figures.format import count, percent
from ..figures.measure import MEASURES, Measure
from ..figures.printed import recommendation_form
from .data.read import TrialData
from .frames.caveats import caveats, estimand_in_words
from .frames.closed_page import boundary_words
from .frames.conduct import data_currency, dosing, dosing_counts, dosing_deviations, exclusions, flow, follow_up
from .frames.effect import comparisons, primary_effect
from .frames.endpoint import endpoint_rows
from .frames.first_page import first_page, report_contents
from .frames.history import read_previous
from .frames.looks import conditional_power_table, due_look, inference_table, look_boundaries, power_curve
from .frames.otherwise import sensitivity, subgroup_effects
from .frames.outcomes import (
    blinded_event_rate,
    outcome_by_arm,
    outcome_status,
    secondary_outcomes,
    survival_by_day,
    survival_curves,
)
from .frames.randomization import allocation_audit, allocation_balance, baseline_by_arm, selection_bias_test
from .frames.record import changes, charter, cover, key_figures
from .frames.recruitment import accrual, accrual_by_month, accrual_forecast, sites
from .frames.safety import (
    adverse_events,
    edish,
    exposure,
    harms,
    laboratory,
    laboratory_by_week,
    liver_quarters,
    serious_cases,
)
from .frames.wording import arm_heads, effect_axis
from .lookdata import (
    LookData,
    at_site,
    parse_cutoff,
    read_allocations,
    read_analysis_data,
    with_reason,
)
from .plan import plan_of
from .show import Show


class Look(Stage, LookData):
    """One look at a trial; its methods are the sections of the interim report, in their order.

    Each gives a frame, by arm where the look is closed and pooled where it is open. One that is empty says why in
    `frame.attrs["why"]`; `look.show` prints it so.
    """

    first_page = first_page
    arm_heads = arm_heads
    contents = report_contents
    key_figures = key_figures
    cover = cover
    changes = changes
    charter = charter
    data_currency = data_currency
    outcome_status = outcome_status
    exclusions = exclusions
    accrual = accrual
    accrual_by_month = accrual_by_month
    accrual_forecast = accrual_forecast
    sites = sites
    flow = flow
    allocation_balance = allocation_balance
    allocation_audit = allocation_audit
    selection_bias_test = selection_bias_test
    baseline = baseline_by_arm
    dosing = dosing
    dosing_counts = dosing_counts
    dosing_deviations = dosing_deviations
    follow_up = follow_up
    exposure = exposure
    harms = harms
    adverse_events = adverse_events
    serious_cases = serious_cases
    edish = edish
    liver_quarters = liver_quarters
    laboratory = laboratory
    laboratory_by_week = laboratory_by_week
    boundaries = look_boundaries
    inference_table = inference_table
    caveats = caveats
    estimand = estimand_in_words
    outcome_by_arm = outcome_by_arm
    survival_curves = survival_curves
    survival_by_day = survival_by_day
    power_curve = power_curve
    conditional_power_table = conditional_power_table
    sensitivity = sensitivity
    secondary_outcomes = secondary_outcomes
    subgroup_effects = subgroup_effects
    blinded_event_rate = blinded_event_rate
    recommendation_form = staticmethod(recommendation_form)
    _offered = ("arms", "labels", "population", "randomized", "target")

    @property
    def primary_effect(self) -> Any:
        """The effect that the boundary is about; None where there is none."""
        return primary_effect(self)

    @property
    def comparisons(self) -> tuple[Look, ...]:
        """This look for each experimental arm against the control; of two arms it is the look itself."""
        return comparisons(self)

    @property
    def boundary_words(self) -> dict[str, Any]:
        """What the picture of the boundary says of this look, as `figures.boundary` takes it."""
        return boundary_words(self)

    @property
    def axis(self) -> str:
        """What an axis of effects shows, and which side of it favours the experimental arm."""
        return effect_axis(self)

    @property
    def measure(self) -> Measure:
        """What the effect on the primary endpoint is, and how it is written."""
        return MEASURES[self.plan.kind]

    @property
    def dosing_window(self) -> tuple[int, int]:
        """The first and the last day of dosing, counted from its anchor; of no window, days that hold nothing."""
        window = next((arm.dosing for arm in self.protocol.arms if arm.dosing), None)
        return (window.first_day, window.last_day) if window else (0, 0)

    @property
    def findings(self) -> Any:
        """What is wrong with the data: table, column, problem, n, of, example, action, fatal."""
        return with_reason(self.trial.findings, "No finding.")

    @cached_property
    def show(self) -> Show:
        """Tables and figures of this look."""
        return Show(self)

    def _lines(self) -> list[str]:
        who = "closed: by arm, committee only" if self.closed else "open: pooled"
        day = f"cut {self.cutoff}" if self.cutoff else "not cut"
        site = f" · {self.site}" if self.site else ""
        status = outcome_status(self)
        parts = [f"{count(len(self.randomized))} randomized"]
        names, events = {"known": "outcomes known", "to_come": "to come", "missing": "missing"}, None
        if self.plan.kind == "time_to_event" and len(status):
            events = int(endpoint_rows(self)["value"].sum())
            parts, names = [*parts, f"{count(events)} events"], {"known": "followed", "missing": "nothing known"}
        parts += [f"{count(status[column].sum())} {name}" for column, name in names.items() if len(status)]
        share = (status["known"].sum() if events is None else events) / self.plan.planned
        of = "events" if self.plan.kind == "time_to_event" else "outcomes"
        return [
            f"{self.protocol.id}, look {self.number} of {len(self.plan.looks)}, {day}{site} · {who}",
            ", ".join(parts) + " · SYNTHETIC" * self.trial.synthetic,
            f"{percent(share, 0)} of the planned {of}" if len(status) else "no primary endpoint among the outcomes",
            ".flow() .harms() .adverse_events() .primary_effect .boundaries() .sensitivity() .show …",
        ]


def look(
    data: str | os.PathLike[str] | TrialData,
    protocol: Protocol | str | os.PathLike[str],
    cutoff: str = "",
    *,
    number: int | Literal["due"] = 1,
    closed: bool = False,
    site: str = "",
    previous: str | os.PathLike[str] = "",
    mapping: str | os.PathLike[str] = "",
    not_held: Sequence[int] = (),
) -> Look:
    """One look at a trial, as of a day.

    Args:
        data: a folder of trial data, a wide file (with `mapping`), or what `read_trial` gave.
        protocol: with the design that is monitored, or its file.
        cutoff: year-month-day; empty for data without days, which are not cut.
        number: of this look in the design, from 1; or `due`, see `due_look`.
        closed: by arm, for the committee alone; otherwise pooled: no arm is kept.
        site: one site alone; the data are then of that site.
        previous: the manifest of the report before this one.
        mapping: of a wide file.
        not_held: numbers of earlier looks of the design that did not take place, beside those that the previous
            manifest names; they spend nothing.

    What was not known on that day is not in it; what was not collected gives empty frames that say so.

    Raises:
        DataError: data that cannot be read, a design that cannot be monitored, a cutoff that is no day, or a manifest
            that is not of an earlier report.

    >>> import trialtools as tt
    >>> look("data/trial", tt.load_protocol("data/protocols/NCT05741099.yaml"), "2023-08-17", number=2)
    NCT05741099, look 2 of 3, cut 2023-08-17 · open: pooled
    """
    protocol = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    plan, day = plan_of(protocol), parse_cutoff(cutoff)
    trial = read_analysis_data(data, protocol, cutoff, closed=closed, mapping=mapping or None)
    allocations = None if isinstance(data, TrialData) else read_allocations(data)
    if number == "due":
        before = read_previous(previous, protocol, cutoff, site=site)
        number = due_look(Look(trial, protocol, plan, day, closed, site=site, previous=before))
    before = read_previous(previous, protocol, cutoff, number, site)
    trial = at_site(trial, site) if site else trial
    skipped = before.get("parameters", {}).get("run", {}).get("not_held") or ()
    not_held = sorted({*not_held, *map(int, skipped)})
    if odd := [each for each in not_held if not 1 <= each < number]:
        raise DataError(f"not_held names look {odd[0]}; expected looks before look {number}")
    return Look(trial, protocol, plan, day, closed, number, site, before, allocations, tuple(not_held))
