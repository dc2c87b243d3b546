"""Trial data by arm go in; the effect on the primary endpoint comes out, and what else it might be.

The analysis counts participants whose window has passed by the cut, so that an early event does not count before those
who had none could: events come to be known sooner than their absence.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtri

from ...criteria.protocol import DataError
from ...figures.format import number, percent
from ..data import TrialData, endpoint_states
from ..data.tables import Frame
from ..sequential.estimates import risk_difference, survival
from .conduct import ALLOCATIONS, POOLED, UNKNOWN, arm_of
from .plan import Plan
from .printed import difference

COLUMNS = ("analysis", "difference", "low", "high", "z", "n", "missing", "experimental", "control")


@dataclass(frozen=True)
class Effect:
    """A risk difference, experimental less control, with its 95 % interval; z points to benefit.

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


def states(trial: TrialData, on: date | None) -> Frame:
    """Everybody randomized, with what the analysis needs.

    Columns: subject_id, site, arm, stratum, value (1 or 0; empty where unknown), observed_on, state (observed, missing,
    pending), mature (the window has passed by `on`), then randomized_on.

    Raises:
        DataError: no primary endpoint, or values of it other than 0 and 1.
    """
    if trial.endpoint is None:
        raise DataError(f"{trial.name}: no primary endpoint; design.endpoint must name one of the outcomes")
    found = endpoint_states(trial.subjects, trial.outcomes, trial.endpoint, trial.window, on)
    odd = found.loc[found["value"].notna() & ~found["value"].isin([0, 1]), "value"]
    if len(odd):
        raise DataError(f"{trial.endpoint}: expected 1 (it happened) or 0, not {odd.iloc[0]:g} ({len(odd)} such)")
    people = trial.subjects.set_index("subject_id").loc[found["subject_id"]].reset_index()
    closes = found["randomized_on"] + np.timedelta64(trial.window or 0, "D")
    mature = (closes <= np.datetime64(on)) | closes.isna() if trial.window is not None and on else closes == closes
    extra = {name: people[name].to_numpy() for name in ("site", "arm", "stratum")}
    return found.assign(**extra, mature=mature if trial.window is not None and on else True)


def effect(rows: Frame, plan: Plan, arm: str, stratified: bool = True) -> Effect | None:
    """The effect of an arm against the control; None where one of the two has nobody with the outcome known.

    Args:
        rows: from `states`, or a part of them.
        plan: names the control, and which way is better.
        arm: the experimental one.
        stratified: by the randomization strata, where they are known of everybody.
    """
    both = rows[rows["arm"].isin([arm, plan.control])]
    used = both[both["mature"] & both["value"].notna()]
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
    found = risk_difference(cells)
    pending = int((~both["mature"]).sum())
    return Effect(
        found["difference"], found["low"], found["high"], plan.sign * found["z"] + 0.0, int(found["n"]),
        int((both["mature"] & both["value"].isna()).sum()), pending, events, tuple(cells), unknown,
    )  # fmt: skip


def sensitivity(trial: TrialData, plan: Plan, on: date | None, dosed_in_window: Sequence[str] | None = None) -> Frame:
    """The primary effect, and what it would be had one counted otherwise: a row an analysis, the primary one first.

    Args:
        trial: by arm, cut.
        plan, on: as elsewhere.
        dosed_in_window: subjects who were, for the analysis of those alone; left out where nobody knows.

    Columns: analysis, difference, low, high, z (of benefit), n, missing, experimental, control (events of n).
    """

    rows, arm = states(trial, on), _one(plan)
    gone = rows["mature"] & rows["value"].isna()
    treated, harmed, spared = rows["arm"] == arm, (1, 0)[plan.sign > 0], (0, 1)[plan.sign > 0]

    def filled(first: float, second: float) -> Frame:
        return rows.assign(value=rows["value"].mask(gone & treated, first).mask(gone & ~treated, second))

    analyses = [("Primary", rows, True), ("Not stratified", rows, False)]
    if gone.any():
        analyses += [
            ("Missing taken as events", filled(1, 1), True),
            ("Missing taken as no events", filled(0, 0), True),
            ("Missing taken against the experimental arm", filled(harmed, spared), True),
            ("Missing taken for the experimental arm", filled(spared, harmed), True),
        ]
    early = ~rows["mature"] & (rows["value"] == 1)
    if early.any():
        analyses.append(("With events whose window is still open", rows.assign(mature=rows["mature"] | early), True))
    if dosed_in_window is not None:
        analyses.append(("Dosed in the window only", rows[rows["subject_id"].isin(set(dosed_in_window))], True))
    sites = sorted(rows["site"].dropna().unique())
    if len(sites) > 1:
        analyses += [(f"Without site {site}", rows[rows["site"] != site], True) for site in sites]
    table = [
        _row(name, found, plan, arm) for name, part, strata in analyses if (found := effect(part, plan, arm, strata))
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def _one(plan: Plan) -> str:
    return plan.experimental[0]


def _row(name: str, found: Effect, plan: Plan, arm: str) -> dict[str, Any]:
    told = [f"{hit}/{n}" for hit, n in (found.events[arm], found.events[plan.control])]
    values = (name, found.difference, found.low, found.high, found.z, found.n, found.missing, *told)
    return dict(zip(COLUMNS, values, strict=True))


def subgroups(trial: TrialData, plan: Plan, on: date | None, by: Sequence[str]) -> Frame:
    """The effect in parts of the trial, without a test: label, level, then the columns of `sensitivity`.

    Args:
        by: columns of the subjects with few values; whoever has none is a level of their own. The parts of `stratum`
            ("age > 65: yes, site: A") are columns too.

    A level in which an arm has nobody with the outcome known is left out.
    """

    rows, arm = states(trial, on), _one(plan)
    people = trial.subjects.set_index("subject_id")
    parts = people["stratum"].fillna("").map(lambda text: dict(re.findall(r"(?:^|, )([^:]+): ([^,]+)", text)))
    told = pd.DataFrame(parts.tolist(), index=people.index)
    people = people.assign(**{name: told[name] for name in told if name not in people})
    table = []
    for name in (name for name in dict.fromkeys([*by, *told]) if name in people):
        level = rows["subject_id"].map(people[name]).astype("str").fillna(UNKNOWN)
        for each in sorted(level.unique()):
            found = effect(rows[level == each], plan, arm, stratified=False)
            if found:
                table.append({"label": name, "level": each, **_row(f"{name}: {each}", found, plan, arm)})
    return pd.DataFrame(table, columns=["label", "level", *COLUMNS])


def times(trial: TrialData, on: date | None) -> Frame:
    """For everybody randomized, days to the event or to the last day known without: subject_id, arm, days, event.

    Censored at the end of the window, at withdrawal, loss or death, or at the cut, whichever comes first.
    """

    rows = states(trial, on)
    ends = trial.disposition[trial.disposition["milestone"].isin(["withdrew", "lost", "died"])]
    gone = ends.groupby("subject_id")["happened_on"].min().reindex(rows["subject_id"]).set_axis(rows.index)
    happened = (rows["value"] == 1) & rows["observed_on"].notna()
    last: Frame = gone.fillna(pd.Timestamp(on) if on else rows["observed_on"])
    days = (rows["observed_on"].where(happened, last) - rows["randomized_on"]).dt.days.clip(lower=0).astype(float)
    over = days > (trial.window if trial.window is not None else math.inf)
    days = days.mask(over, trial.window)
    arm = rows["subject_id"].map(arm_of(trial))
    return pd.DataFrame({"subject_id": rows["subject_id"], "arm": arm, "days": days, "event": happened & ~over})


def curves(trial: TrialData, on: date | None) -> Frame | None:
    """Kaplan-Meier curves of the primary endpoint: `interim.survival`, its group called arm. None without dates."""
    found = times(trial, on)
    if found["days"].isna().all():
        return None
    return survival(found["days"], found["event"], found["arm"]).rename(columns={"group": "arm"})


def secondary(trial: TrialData, plan: Plan, on: date | None) -> Frame:
    """The other endpoints: differences of risks (of 0 and 1) or of means (Welch), experimental less control.

    Columns: endpoint, measure (risk or mean), experimental, control, difference, low, high, n, missing. Those whose
    window has passed count, as for the primary endpoint: what happens is known sooner than that it did not. The last
    value of a participant counts. Where an arm has fewer than two values, there is no difference.
    """
    from scipy.stats import ttest_ind

    arm, rows = _one(plan), []
    everybody = states(trial, on).set_index("subject_id")
    entered = everybody.loc[everybody["mature"], "arm"]
    for name, own in trial.outcomes[trial.outcomes["endpoint"] != trial.endpoint].groupby("endpoint"):
        last = own[own["value"].notna()].sort_values("observed_on").groupby("subject_id")["value"].last()
        value = last.reindex(entered.index)
        first, second = (value[entered == each].dropna() for each in (arm, plan.control))
        told = {"endpoint": name, "n": len(first) + len(second)}
        told["missing"] = int(value[entered.isin([arm, plan.control])].isna().sum())
        if len(first) < 2 or len(second) < 2:
            rows.append(told)
            continue
        if set(last.unique()) <= {0.0, 1.0}:
            found = risk_difference((int(first.sum()), len(first), int(second.sum()), len(second)))
            told |= {"measure": "risk", **{key: found[key] for key in ("difference", "low", "high")}}
        else:
            low, high = ttest_ind(first, second, equal_var=False).confidence_interval()
            told |= {"measure": "mean", "difference": first.mean() - second.mean(), "low": low, "high": high}
        rows.append(told | {"experimental": first.mean(), "control": second.mean()})
    columns = ["endpoint", "measure", "experimental", "control", "difference", "low", "high", "n", "missing"]
    return pd.DataFrame(rows, columns=columns)


def blinded_rate(trial: TrialData, plan: Plan, on: date | None) -> dict[str, float] | None:
    """The rate of the primary endpoint in all arms together, against what was assumed: rate, low, high, n, assumed.

    The interval is that of Clopper and Pearson. `needed` is how many participants would find the planned difference
    with 80 % power at this overall rate, by the fixed design. None where nobody's outcome is known or nothing was
    assumed.
    """

    rows = states(trial, on)
    value = rows.loc[rows["mature"] & rows["value"].notna(), "value"]
    if value.empty or plan.control_rate is None or plan.experimental_rate is None:
        return None
    hits, n = float(value.sum()), len(value)
    low = betaincinv(hits, n - hits + 1, 0.025) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, 0.975) if hits < n else 1.0
    rate, share = float(value.mean()), plan.share
    assumed = share * plan.experimental_rate + (1 - share) * plan.control_rate
    apart = plan.experimental_rate - plan.control_rate
    each = rate * (1 - rate) / (share * (1 - share))
    needed = math.ceil((ndtri(1 - plan.alpha) + ndtri(0.8)) ** 2 * each / apart**2) if 0 < rate < 1 else math.nan
    told = {"rate": rate, "low": float(low), "high": float(high), "n": n}
    return told | {"assumed": assumed, "needed": needed}


def selection(trial: TrialData, data: str | os.PathLike[str], plan: Plan, on: date | None) -> Frame | None:
    """The test of Berger and Exner for selection bias: does the chance of an allocation predict the outcome?

    Args:
        trial: by arm, cut.
        data: the folder of the cut, whose `allocations.csv` has the chances under the key.
        plan, on: as elsewhere.

    Columns: what, value. None where no chances are there, they do not differ, or nobody's outcome is known.

    Source: Berger and Exner, Controlled Clinical Trials 20 (1999); the level of 1 % after Mickenautsch and others,
    BMC Medical Research Methodology 14 (2014). A linear model of the outcome on arm and chance, errors HC3.
    """
    from statsmodels.regression.linear_model import OLS

    file = Path(data) / ALLOCATIONS
    told: Frame = pd.read_csv(file, dtype={"subject_id": "str"}) if file.is_file() else pd.DataFrame()
    if "chance" not in told:
        return None
    rows = states(trial, on).merge(told[["subject_id", "chance"]], on="subject_id")
    rows = rows[rows["mature"] & rows["value"].notna()]
    if len(rows) < 4 or rows["chance"].nunique() < 2 or rows["value"].nunique() < 2 or rows["arm"].nunique() < 2:
        return None
    columns = np.column_stack([np.ones(len(rows)), rows["arm"] == plan.control, rows["chance"]]).astype(float)
    fitted = OLS(rows["value"].to_numpy(), columns).fit(cov_type="HC3")
    low, high = fitted.conf_int()[2]
    p = float(fitted.pvalues[2])
    sure = float(rows["chance"].isin([0.0, 1.0]).mean())
    table = [
        ("Allocations that could be foreseen for sure, by someone who knew all earlier arms", percent(sure)),
        ("Rate of the endpoint, foreseen less not (95 %)", difference(float(fitted.params[2]), low, high)),
        ("p", number(p, 3)),
        ("At the level of 1 %", "patients may have been chosen" if p < 0.01 else "no sign that patients were chosen"),
    ]
    return pd.DataFrame(table, columns=["what", "value"])
