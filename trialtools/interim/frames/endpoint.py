"""A look goes in; what is known of everybody about the primary endpoint comes out, as the estimand has it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.protocol import DataError
from ..data.dates import latest
from ..data.outcomes import after_day, endpoint_states, of_each, places_of
from ..data.tables import Frame
from ..lookdata import LookData


@lru_cache(maxsize=16)  # most sections of one report ask for it
def endpoint_rows(look: LookData) -> Frame:
    """Everybody randomized, with what the analysis needs; deaths and withdrawals count as the estimand declares.

    Columns: subject_id, randomized_on, value (empty where unknown; of ordered levels the place, 1 for the best),
    observed_on, baseline, late (the event came after the last day: none by then), early (of a binary endpoint: the
    event happened, but the window is still open, so that its state is "to come"), by (death, withdrawal or loss where
    that gave the value), days (of a time to an event), site, arm, stratum, mature (the window has passed by the cut; of
    a time to an event, everybody), state. There are three states, and they add up: "known" (the window has passed, and
    the value is known), "to come" (the window is still open, also where the event has happened already) and "missing".
    In a time to an event, everybody who was followed is known, for as long as that was.

    Raises:
        DataError: no primary endpoint.
    """
    trial, cutoff = look.trial, look.cutoff
    if trial.endpoint is None:
        raise DataError(f"{trial.name}: no primary endpoint; design.endpoint must name one of the outcomes")
    states = endpoint_states(trial.subjects, trial.outcomes, trial.endpoint, trial.window, cutoff, trial.kind)
    if trial.kind == "ordinal" and look.plan.endpoint:
        states["value"] = places_of(states["value"], look.plan.endpoint.levels)
    states = _by_estimand(look, _by_day(look, states))
    people = trial.subjects.set_index("subject_id").loc[states["subject_id"]].reset_index()
    extra = {name: people[name].to_numpy() for name in ("site", "arm", "stratum")}
    if trial.kind == "time_to_event":
        states = _follow_up(states, trial.window)
    mature = window_passed(look, states) if trial.kind != "time_to_event" else pd.Series(True, index=states.index)
    known = states["value"].notna().map({True: "known", False: "missing"}).astype("str")
    early = ~mature & (states["value"] == 1) & (trial.kind == "binary")
    return states.assign(**extra, mature=mature, early=early, state=known.where(mature, "to come"))


def window_passed(look: LookData, rows: Frame) -> Frame:
    """Of each row with a `randomized_on`, whether the window has passed by the cut; without a day it is due."""
    if look.trial.window is None or not look.cutoff:
        return pd.Series(True, index=rows.index)
    closes = rows["randomized_on"] + np.timedelta64(look.trial.window, "D")
    return (closes <= np.datetime64(look.cutoff)) | closes.isna()


def _follow_up(rows: Frame, window: int | None) -> Frame:
    """The rows with the days to the event, or to the last day without it; unknown days leave the outcome unknown."""
    days = (rows["observed_on"] - rows["randomized_on"]).dt.days.clip(lower=0, upper=window).astype(float)
    return rows.assign(days=days, value=rows["value"].where(days.notna()))


def _by_day(look: LookData, rows: Frame) -> Frame:
    """The rows in which an event after the last day of the endpoint is no event by that day, and whose that is."""
    trial, outcomes = look.trial, look.trial.outcomes
    happened = (outcomes["endpoint"] == trial.endpoint) & (outcomes["value"] == 1)
    over = after_day(outcomes, trial.subjects, trial.endpoint, trial.window)
    late = rows["subject_id"].isin(outcomes.loc[happened & over, "subject_id"])
    late &= ~rows["subject_id"].isin(outcomes.loc[happened & ~over, "subject_id"]) & (rows["value"] == 1)
    late &= trial.kind in ("binary", "time_to_event")
    return rows.assign(late=late, value=rows["value"].mask(late, 0.0))


def _by_estimand(look: LookData, rows: Frame) -> Frame:
    """The rows with the values that a death, a withdrawal or a loss before the end of the window gives, as declared."""
    estimand, window = look.plan.estimand, look.trial.window
    last: Any = None if window is None else rows["randomized_on"] + np.timedelta64(window, "D")
    rows = rows.assign(by="")
    for milestone, by, meaning in (
        ("lost", "loss to follow-up", "missing"),
        ("withdrew", "withdrawal", estimand.withdrawal),
        ("died", "death", estimand.death),
    ):
        ends = look.trial.disposition
        ends = ends[ends["milestone"] == milestone].sort_values("happened_on").drop_duplicates("subject_id")
        ends = ends.set_index("subject_id")
        day = of_each(rows, ends["happened_on"])
        surely = of_each(rows, latest(ends, "happened_on"))
        in_time = rows["subject_id"].isin(ends.index) if last is None else surely <= last
        never = look.trial.kind == "time_to_event" and meaning == "composite" and look.plan.sign > 0
        if never:  # who died never has what is good: without it up to the last day, unless it came before
            hit = in_time & (rows["value"] != 1) & (rows["value"].isna() | (by == "death"))
            rows = rows.assign(value=rows["value"].mask(hit, 0.0), observed_on=rows["observed_on"].mask(hit, last))
            rows = rows.assign(by=rows["by"].mask(hit, by))
        for hit, value in _substitutions(look, rows, "missing" if never else meaning, by, in_time, day):
            days = rows["observed_on"].mask(hit, day if value is not None else pd.NaT)
            rows = rows.assign(value=rows["value"].mask(hit, value), observed_on=days, by=rows["by"].mask(hit, by))
    return rows


def _substitutions(
    look: LookData, rows: Frame, meaning: str, by: str, in_time: Frame, day: Frame
) -> Iterator[tuple[Frame, float | None]]:
    """Whose value a death or a withdrawal gives, and which; None for whose value it takes away."""
    unknown, levels = rows["value"].isna(), look.plan.endpoint.levels if look.plan.endpoint else ()
    worse = {"binary": float(look.plan.sign < 0), "time_to_event": 1.0}.get(look.trial.kind, float(len(levels)))
    match look.trial.kind, meaning:
        case "continuous" | "ordinal", "missing":
            yield in_time & ~(rows["observed_on"] >= day) & ~unknown, None
        case _, "composite":
            yield in_time & (unknown | ((rows["value"] != worse) & (by == "death"))), worse
        case "binary", "while alive":
            yield in_time & unknown, 0.0
        case "time_to_event", "while alive":
            yield in_time & day.notna() & (rows["value"] != 1), 0.0
    if look.trial.kind == "time_to_event":  # who left without it is known not to have had it until then
        yield day.notna() & unknown & (~in_time | (meaning == "missing")), 0.0
