"""A look goes in; the effect comes out as it would be had one counted otherwise, and in parts of the trial."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import scipy

from ...cohort.frames.groups import Z95
from ...figures.format import count, number
from ..data.tables import Frame
from ..lookdata import UNKNOWN, LookData, once_a_look, with_reason
from .conduct import dosing
from .effect import Effect, effect, why_no_comparison
from .endpoint import endpoint_rows

_COLUMNS = ["analysis", "difference", "low", "high", "z", "n", "missing", "experimental", "control"]
_TAKEN = {
    "binary": ("Missing", "events", "no events"),
    "ordinal": ("Missing", "the worst level", "the best level"),
    "time_to_event": ("Lost", "events on the day they left", "without the event to the end"),
}
"""By kind of endpoint, who lacks an outcome, and what is taken for it: an event or the worst, none or the best."""
_AGAINST = "Against and for the experimental arm: the worse outcome in one arm and the better one in the other."
SHIFTS = (0.5, 1.0)
"""How far off missing measurements are taken to lie, in standard deviations."""


@once_a_look
def sensitivity(look: LookData) -> Frame:
    """The primary effect, and what it would be had one counted otherwise: a row an analysis, the primary one first.

    Missing outcomes are taken for events and for none, for the worst and the best level, each in both arms and against
    and for the experimental one; who was lost of a time to an event, for an event on that day, and for none to the end;
    missing measurements, for so much worse than the known ones. The analysis of those dosed in the window is left out
    where nobody knows who was. `attrs["lacks"]` says what is not offered, and why.

    Columns: analysis, difference, low, high (in the scale of the measure, see `Effect`), z (of benefit), n, missing,
    experimental, control (events of n, a mean, or n alone).
    """
    if why := why_no_comparison(look):
        return with_reason(pd.DataFrame(columns=_COLUMNS), why)
    rows, plan, arm = endpoint_rows(look), look.plan, look.plan.arm
    primary = effect(rows, plan, arm)
    analyses = [("Primary", primary)]
    if plan.kind == "continuous":
        analyses.append(("Not adjusted for the baseline", effect(rows.assign(baseline=math.nan), plan, arm)))
    analyses.append(("Not stratified", effect(rows, plan, arm, stratified=False)))
    gone = _without_outcome(look, rows) & rows["arm"].isin(plan.arms)
    scenarios = _shift_missing if plan.kind == "continuous" else _fill_in
    analyses += scenarios(look, rows, gone, primary) if gone.any() and primary else []
    if rows["early"].any():
        open_too = rows.assign(mature=rows["mature"] | rows["early"])
        analyses.append(("With events whose window is still open", effect(open_too, plan, arm)))
    if rows["late"].any() and plan.kind == "binary":
        later_too = rows.assign(value=rows["value"].mask(rows["late"], 1.0))
        analyses.append((f"With events after day {look.trial.window}", effect(later_too, plan, arm)))
    if len(window := dosing(look)):
        treated = set(window.loc[window["state"] == "dosed in window", "subject_id"])
        analyses.append(("Dosed in the window only", effect(rows[rows["subject_id"].isin(treated)], plan, arm)))
    sites = sorted(rows["site"].dropna().unique())
    if len(sites) > 1:
        analyses += [(f"Without site {site}", effect(rows[rows["site"] != site], plan, arm)) for site in sites]
    frame = pd.DataFrame([_row(name, estimate) for name, estimate in analyses if estimate], columns=_COLUMNS)
    frame.attrs["lacks"] = _what_is_assumed(look, primary, rows, gone)
    return frame


def _without_outcome(look: LookData, rows: Frame) -> Frame:
    """The participants whose outcome is due and missing; of a time to an event, who left without it before the end."""
    if look.plan.kind != "time_to_event":
        return rows["mature"] & rows["value"].isna()
    left = [name for name, meaning in (("died", "death"), ("withdrew", "withdrawal"), ("lost", ""))
            if getattr(look.plan.estimand, meaning, "missing") == "missing"]  # fmt: skip
    ends = look.trial.disposition
    lost = rows["subject_id"].isin(ends.loc[ends["milestone"].isin(left), "subject_id"])
    return rows["value"].isna() | (lost & (rows["value"] == 0) & (rows["days"] < _due(look, rows)))


def _due(look: LookData, rows: Frame) -> Frame:
    """Until which day everybody could have been followed."""
    most = math.inf if look.trial.window is None else float(look.trial.window)
    days = rows["days"].max() if look.cutoff is None else (pd.Timestamp(look.cutoff) - rows["randomized_on"]).dt.days
    return pd.Series(days, index=rows.index).astype(float).clip(lower=0, upper=most)


def _fill_in(look: LookData, rows: Frame, gone: Frame, _: Effect) -> Iterator[tuple[str, Effect | None]]:
    """Missing outcomes taken for one or the other, in both arms alike, and against and for the experimental arm."""
    plan, arm = look.plan, look.plan.arm
    who, bad, good = _TAKEN[plan.kind]
    last = len(plan.endpoint.levels) if plan.endpoint and plan.kind == "ordinal" else 1
    ends = (last, int(plan.kind == "ordinal"))
    worse = plan.kind == "ordinal" or plan.sign < 0  # whether the first of the two is the worse one
    first = rows["arm"] == arm

    def effect_with(mine: int, others: int) -> Effect | None:
        value = rows["value"].mask(gone & first, ends[mine]).mask(gone & ~first, ends[others])
        filled = rows.assign(value=value)
        if plan.kind == "time_to_event":
            filled["days"] = rows["days"].fillna(0.0).mask(gone & (value == 0), _due(look, rows))
        return effect(filled, plan, arm)

    for name, mine, others in (
        (bad, 0, 0),
        (good, 1, 1),
        ("against the experimental arm", int(not worse), int(worse)),
        ("for the experimental arm", int(worse), int(not worse)),
    ):
        yield f"{who} taken {'' if name.endswith('arm') else 'as '}{name}", effect_with(mine, others)


def _shift(look: LookData, rows: Frame, gone: Frame, estimate: Effect) -> Callable[[float, bool], Effect]:
    """The effect where missing values lie so much on the side of harm of the known ones, in one arm or in both.

    Source: White, Carpenter and Horton, Statistica Sinica 28 (2018), the mean score method: the effect moves by the
    part that is missing times the shift, and its variance grows by what is uncertain of that part.
    """
    sign, parts = look.plan.sign, []
    for arm in estimate.people:
        due = rows[(rows["arm"] == arm) & rows["mature"]]
        parts.append((float(gone[due.index].mean()), len(due)))

    def shift(by: float, both: bool) -> Effect:
        (mine, n), (others, m) = parts
        apart = estimate.difference - sign * by * (mine - others * both)
        spread = mine * (1 - mine) / n + (others * (1 - others) / m) * both
        se = math.sqrt(estimate.se**2 + by**2 * spread)
        ends = {"low": apart - Z95 * se, "high": apart + Z95 * se, "z": sign * (apart - estimate.null) / se}
        return replace(estimate, difference=apart, **ends, n=estimate.n + estimate.missing, missing=0)

    return shift


def _shift_missing(look: LookData, rows: Frame, gone: Frame, estimate: Effect) -> Iterator[tuple[str, Effect | None]]:
    shift, sd = _shift(look, rows, gone, estimate), _sd(rows, estimate)
    for many in SHIFTS:
        for where, both in (("", True), (" in the experimental arm", False)):
            yield f"Missing{where} {number(many * sd, 2)} worse ({many:g} SD)", shift(many * sd, both)


def _sd(rows: Frame, estimate: Effect) -> float:
    """The standard deviation of the known values within arms."""
    known = rows[rows["mature"] & rows["value"].notna() & rows["arm"].isin(list(estimate.people))]
    return float(math.sqrt(known.groupby("arm")["value"].var().mean()))


def _what_is_assumed(look: LookData, estimate: Effect | None, rows: Frame, gone: Frame) -> str:
    """What the rows on missing outcomes take for granted, or why there is none."""
    if look.plan.kind == "time_to_event" and "disposition" in look.trial.absent:
        return (
            "Who was lost to follow-up: not collected; what it would mean that they were at other risk cannot be said."
        )
    if not gone.any() or estimate is None:
        return (
            "Nobody was lost before the end."
            if look.plan.kind == "time_to_event"
            else "No outcome that is due is missing."
        )
    if look.plan.kind != "continuous":
        return _AGAINST
    shift, sd, side = _shift(look, rows, gone, estimate), _sd(rows, estimate), look.plan.sign

    def room_left(by: float) -> float:
        other = shift(by, False)
        return (other.low - estimate.null) if side > 0 else (estimate.null - other.high)

    text = "Missing values are taken to lie on the side of harm of the known ones by so much (delta adjustment)."
    if room_left(0.0) <= 0:
        return f"{text} The 95 % interval holds no difference already, without any shift."
    far = 100 * sd
    if room_left(far) > 0:
        return f"{text} No shift that is possible would make the 95 % interval hold no difference."
    tips: Any = scipy.optimize.brentq(room_left, 0.0, far)
    by = f"{number(tips, 2)} ({number(tips / sd, 1)} SD)"
    return (
        f"{text} If those of the experimental arm were {by} worse, the 95 % interval would begin to hold no difference."
    )


def _row(name: str, estimate: Effect) -> dict[str, Any]:
    shares = [f"{hit}/{n}" for hit, n in estimate.events.values()] or list(map(count, estimate.people.values()))
    shares = [number(mean, 2) for mean in estimate.means.values()] or shares
    values = (name, estimate.difference, estimate.low, estimate.high, estimate.z, estimate.n, estimate.missing, *shares)
    return dict(zip(_COLUMNS, values, strict=True))


def subgroup_effects(look: LookData, by: Sequence[str]) -> Frame:
    """The effect in parts of the trial, without a test: label, level, then the columns of `sensitivity`.

    Args:
        by: columns of the subjects with few values; participants without a value are a level of their own. The parts of
            `stratum` ("age > 65: yes, site: A") are columns too.

    A level in which an arm has nobody with the outcome known is left out.
    """
    columns = ["label", "level", *_COLUMNS]
    if why := why_no_comparison(look):
        return with_reason(pd.DataFrame(columns=columns), why)
    rows, plan, arm = endpoint_rows(look), look.plan, look.plan.arm
    people = look.trial.subjects.set_index("subject_id")
    parts = people["stratum"].fillna("").map(lambda text: dict(re.findall(r"(?:^|, )([^:]+): ([^,]+)", text)))
    strata = pd.DataFrame(parts.tolist(), index=people.index)
    people = people.assign(**{name: strata[name] for name in strata if name not in people})
    table = []
    for name in (name for name in dict.fromkeys([*by, *strata]) if name in people):
        level = rows["subject_id"].map(people[name]).astype("str").fillna(UNKNOWN)
        for each in sorted(level.unique()):
            estimate = effect(rows[level == each], plan, arm, stratified=False)
            if estimate:
                table.append({"label": name, "level": each, **_row(f"{name}: {each}", estimate)})
    return with_reason(pd.DataFrame(table, columns=columns), "No part of the trial has both arms.")
