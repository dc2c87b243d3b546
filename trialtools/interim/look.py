"""A trial under way, its protocol and a day go in; one look comes out, whose methods are the sections of its report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ..criteria.contents import Protocol, load_protocol
from ..criteria.protocol import DataError
from ..criteria.stage import Stage, expect
from ..figures.arm_tables import recommendation_form
from ..figures.format import count, percent
from ..figures.measure import Measure
from .data.read import TrialData
from .data.tables import Frame
from .frames import conduct, looks, outcomes, randomization, record, recruitment, safety
from .frames.caveats import caveats, estimand_in_words
from .frames.closed_page import boundary_words
from .frames.effect import comparisons, primary_effect
from .frames.endpoint import endpoint_rows
from .frames.first_page import first_page, report_contents
from .frames.history import read_previous
from .frames.otherwise import sensitivity, subgroup_effects
from .frames.wording import arm_heads, effect_axis
from .lookdata import ALLOCATIONS, LookData, at_site, read_analysis_data, with_reason
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
    key_figures = record.key_figures
    cover = record.cover
    changes = record.changes
    charter = record.charter
    data_currency = conduct.data_currency
    outcome_status = outcomes.outcome_status
    exclusions = conduct.exclusions
    accrual = recruitment.accrual
    accrual_by_month = recruitment.accrual_by_month
    accrual_forecast = recruitment.accrual_forecast
    sites = recruitment.sites
    flow = conduct.flow
    allocation_balance = randomization.allocation_balance
    allocation_audit = randomization.allocation_audit
    selection_bias_test = randomization.selection_bias_test
    baseline = randomization.baseline_by_arm
    dosing = conduct.dosing
    dosing_counts = conduct.dosing_counts
    dosing_deviations = conduct.dosing_deviations
    follow_up = conduct.follow_up
    exposure = safety.exposure
    harms = safety.harms
    adverse_events = safety.adverse_events
    serious_cases = safety.serious_cases
    edish = safety.edish
    liver_quarters = safety.liver_quarters
    laboratory = safety.laboratory
    laboratory_by_week = safety.laboratory_by_week
    boundaries = looks.look_boundaries
    inference_table = looks.inference_table
    caveats = caveats
    estimand = estimand_in_words
    outcome_by_arm = outcomes.outcome_by_arm
    survival_curves = outcomes.survival_curves
    survival_by_day = outcomes.survival_by_day
    power_curve = looks.power_curve
    conditional_power_table = looks.conditional_power_table
    sensitivity = sensitivity
    secondary_outcomes = outcomes.secondary_outcomes
    subgroup_effects = subgroup_effects
    blinded_event_rate = outcomes.blinded_event_rate
    recommendation_form = staticmethod(recommendation_form)
    primary_effect = property(primary_effect)
    comparisons = property(comparisons)
    boundary_words = property(boundary_words)
    axis = property(effect_axis)
    _offered = ("arms", "dosing_window", "labels", "population", "randomized", "target")

    @property
    def measure(self) -> Measure:
        """What the effect on the primary endpoint is, and how it is written."""
        return self.plan.measure

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
        status = outcomes.outcome_status(self)
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
    call = "tt.look(data, protocol)"
    expect(data, str | os.PathLike | TrialData, call, "a folder of trial data or a TrialData")
    expect(protocol, Protocol | str | os.PathLike, call, "a Protocol")
    protocol = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    plan, day = plan_of(protocol), _day_of(cutoff)
    trial = read_analysis_data(data, protocol, cutoff, closed=closed, mapping=mapping or None)
    allocations = None if isinstance(data, TrialData) else _read_allocations(data)
    if number == "due":
        before = read_previous(previous, protocol, cutoff, site=site)
        number = looks.due_look(Look(trial, protocol, plan, day, closed, site=site, previous=before))
    before = read_previous(previous, protocol, cutoff, number, site)
    trial = at_site(trial, site) if site else trial
    skipped = before.get("parameters", {}).get("run", {}).get("not_held") or ()
    not_held = sorted({*not_held, *map(int, skipped)})
    if odd := [each for each in not_held if not 1 <= each < number]:
        raise DataError(f"not_held names look {odd[0]}; expected looks before look {number}")
    return Look(trial, protocol, plan, day, closed, number, site, before, allocations, tuple(not_held))


def _read_allocations(data: str | os.PathLike[str]) -> Frame | None:
    """What the ledger says of everybody allocated, as it stands in a cut; None where there is none."""
    file = Path(data) / ALLOCATIONS
    return pd.read_csv(file, dtype={"subject_id": "str", "stratum": "str"}) if file.is_file() else None


def _day_of(cutoff: str) -> date | None:
    """The day of the cut; None for data that are not cut."""
    try:
        return date.fromisoformat(cutoff) if cutoff else None
    except ValueError:
        raise DataError(f"the cutoff '{cutoff}' is not a day, year-month-day") from None
