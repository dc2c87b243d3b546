"""A look by arm goes in; the effect on the primary endpoint comes out, or why there is none.

The analysis counts participants whose window has passed by the cut, so that an early event does not count before those
who had none could: events come to be known sooner than their absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.protocol import DataError
from ..data.outcomes import endpoint_states
from ..data.tables import Frame
from ..lookdata import POOLED, LookData
from ..plan import MonitoringPlan
from ..sequential.estimates import risk_difference

OPEN_REPORT = "Compares the arms: in the closed report only."
_ONE_SITE = "The boundary is of all sites together: one site alone has none."
_SEVERAL_ARMS = (
    "Several experimental arms share one alpha; how is not planned in the protocol, so there is no boundary."
)
NOBODY = "An arm has nobody with the primary outcome known."


@dataclass(frozen=True)
class Effect:
    """A risk difference, experimental less control, with its 95 % interval; z points to benefit.

    With a margin of non-inferiority z is held against that, and `z_of_none` against no difference; else they agree.
    `n` participants with the outcome known, of whom `events` by arm; `missing` are due and unknown, `pending` not due.
    Whoever stands in a stratum without the other arm is in `events`, not in `n`. Of `unstratified` participants the
    stratum was not known, so that none was used.
    """

    difference: float
    low: float
    high: float
    z: float
    n: int
    missing: int
    pending: int
    events: dict[str, tuple[int, int]]
    cells: tuple[tuple[int, int, int, int], ...]
    unstratified: int = 0
    z_of_none: float = 0.0

    @property
    def interval(self) -> tuple[float, float, float]:
        """The difference and its 95 % interval, which is not adjusted for the looks."""
        return self.difference, self.low, self.high

    @property
    def se(self) -> float:
        """The standard error of the difference, each arm at its own rate; strata weighted as in the estimate."""
        a, n, b, m = np.array([row for row in self.cells if row[1] and row[3]], dtype=float).T
        weight = n * m / (n + m) / (n * m / (n + m)).sum()
        p, q = a / n, b / m
        return float(np.sqrt((weight**2 * (p * (1 - p) / n + q * (1 - q) / m)).sum()))

    def at(self, level: float) -> tuple[float, float]:
        """The interval of another level."""
        found = risk_difference(self.cells, level)
        return found["low"], found["high"]


@lru_cache(maxsize=4)  # most sections of one report ask for it
def endpoint_rows(look: LookData) -> Frame:
    """Everybody randomized, with what the analysis needs; deaths and withdrawals count as the estimand declares.

    Columns: subject_id, randomized_on, value (empty where unknown), observed_on, by (death or withdrawal where that
    gave the value), site, arm, stratum, mature (the window has passed by the cut), state. There are three states, and
    they add up: "known" (the window has passed, and the value is known), "to come" (the window is still open, also
    where the event has happened already) and "missing".

    Raises:
        DataError: no primary endpoint.
    """
    trial, cutoff = look.trial, look.cutoff
    if trial.endpoint is None:
        raise DataError(f"{trial.name}: no primary endpoint; design.endpoint must name one of the outcomes")
    found = endpoint_states(trial.subjects, trial.outcomes, trial.endpoint, trial.window, cutoff)
    found = _by_estimand(look, found)
    people = trial.subjects.set_index("subject_id").loc[found["subject_id"]].reset_index()
    extra = {name: people[name].to_numpy() for name in ("site", "arm", "stratum")}
    mature = pd.Series(True, index=found.index)
    if trial.window is not None and cutoff:
        closes = found["randomized_on"] + np.timedelta64(trial.window, "D")
        mature = (closes <= np.datetime64(cutoff)) | closes.isna()
    known = found["value"].notna().map({True: "known", False: "missing"}).astype("str")
    return found.assign(**extra, mature=mature, state=known.where(mature, "to come"))


def _by_estimand(look: LookData, rows: Frame) -> Frame:
    """The rows with the values that a death or a withdrawal before the end of the window gives, as it is declared."""
    worse, estimand, window = float(look.plan.sign < 0), look.plan.estimand, look.trial.window
    rows = rows.assign(by="")
    if look.trial.kind != "binary":
        return rows
    last: Any = None if window is None else rows["randomized_on"] + np.timedelta64(window, "D")
    for milestone, by, meaning in (("withdrew", "withdrawal", estimand.withdrawal), ("died", "death", estimand.death)):
        ends = look.trial.disposition
        ends = ends[ends["milestone"] == milestone].drop_duplicates("subject_id").set_index("subject_id")["happened_on"]
        day: Frame = ends.reindex(rows["subject_id"]).set_axis(rows.index)
        in_time = rows["subject_id"].isin(ends.index) if last is None else day <= last
        unknown = rows["value"].isna()
        if meaning == "composite":
            hit, value = in_time & (unknown | (rows["value"] != worse if by == "death" else False)), worse
        else:
            hit, value = in_time & unknown & (meaning == "while alive"), 0.0
        known = {"value": rows["value"].mask(hit, value), "observed_on": rows["observed_on"].mask(hit, day)}
        rows = rows.assign(**known, by=rows["by"].mask(hit, by))
    return rows


def why_no_comparison(look: LookData) -> str:
    """Why these data hold no comparison of arms, as a sentence for the report; empty where they do."""
    trial = look.trial
    if trial.subjects["arm"].isna().all():
        return OPEN_REPORT
    if look.site:
        return _ONE_SITE
    if "outcomes" in trial.absent or trial.endpoint is None:
        names = ", ".join(sorted(trial.outcomes["endpoint"].dropna().unique()))
        return f"Not collected: no primary endpoint is among the outcomes{names and f' ({names})'}."
    if trial.kind != "binary":
        return f"The comparison of a {trial.kind.replace('_', ' ')} endpoint is not worked out in this report."
    if len(look.plan.experimental) > 1:
        return _SEVERAL_ARMS
    return "" if primary_effect(look) else NOBODY


@lru_cache(maxsize=4)
def primary_effect(look: LookData) -> Effect | None:
    """The effect that the boundary is about; None where there is none, and `why_no_comparison` says why."""
    trial, one = look.trial, len(look.plan.experimental) == 1 and not look.site
    collected = "outcomes" not in trial.absent and trial.endpoint is not None and trial.kind == "binary"
    if not one or not collected or trial.subjects["arm"].isna().all():
        return None
    return effect(endpoint_rows(look), look.plan, look.plan.experimental[0])


def effect(rows: Frame, plan: MonitoringPlan, arm: str, stratified: bool = True) -> Effect | None:
    """The effect of an arm against the control; None where one of the two has nobody with the outcome known.

    Args:
        rows: from `endpoint_rows`, or a part of them.
        plan: names the control, and which way is better.
        arm: the experimental one.
        stratified: by the randomization strata, where they are known of everybody.

    Raises:
        DataError: values other than 0 and 1.
    """
    both = rows[rows["arm"].isin([arm, plan.control])]
    used = both[both["mature"] & both["value"].notna()]
    odd = used.loc[~used["value"].isin([0, 1]), "value"]
    if len(odd):
        raise DataError(f"the primary endpoint: expected 1 (it happened) or 0, not {odd.iloc[0]:g} ({len(odd)} such)")
    unknown = int(used["stratum"].isna().sum()) if stratified else 0
    by_stratum = stratified and not unknown
    cells, events = [], {}
    for _, own in used.groupby("stratum") if by_stratum else [(POOLED, used)]:
        first, second = own[own["arm"] == arm]["value"], own[own["arm"] == plan.control]["value"]
        cells.append((int(first.sum()), len(first), int(second.sum()), len(second)))
    for name in (arm, plan.control):
        own = used.loc[used["arm"] == name, "value"]
        events[name] = (int(own.sum()), len(own))
    if not all(n for _, n in events.values()) or not any(n and m for _, n, _, m in cells):
        return None
    found, none = risk_difference(cells, null=plan.null), risk_difference(cells)
    pending = int((~both["mature"]).sum())
    return Effect(
        found["difference"], found["low"], found["high"], plan.sign * found["z"] + 0.0, int(found["n"]),
        int((both["mature"] & both["value"].isna()).sum()), pending, events, tuple(cells), unknown,
        plan.sign * none["z"] + 0.0,
    )  # fmt: skip
