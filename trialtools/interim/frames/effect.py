"""A look by arm goes in; the effect on the primary endpoint comes out, or why there is none.

The analysis counts participants whose window has passed by the cut, so that an early event does not count before those
who had none could: events come to be known sooner than their absence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

from ...cohort.frames.groups import Z95
from ...criteria.protocol import DataError
from ...figures.measure import MEASURES, Measure
from ..data.tables import Frame
from ..endpoint import EndpointKind
from ..lookdata import LookData
from ..plan import MonitoringPlan, pair_of
from ..sequential.estimates import ancova, log_hazard_ratio, risk_difference, win_probability
from .endpoint import endpoint_rows

OPEN_REPORT = "Compares the arms: in the closed report only."
_ONE_SITE = "The boundary is of all sites together: one site alone has none."
_SEVERAL_ARMS = (
    "Several experimental arms share one alpha; how is not planned in the protocol, so there is no boundary."
)
_NO_WIDTH = 1e-9
"""An interval that is no wider comes of values that are all alike, but for rounding: it tells nothing of chance."""
_FEWEST = 2
"""Values that each arm must have before a difference of means is worked out."""
_PARAMETERS = 4
"""Values beyond one a stratum that a difference of means asks for: arm, baseline, and two that tell the spread."""

_Compare = Callable[..., dict[str, float]]
"""Takes the `level` of an interval and the `null` that z is held against; gives difference, low, high, z and n."""


@dataclass(frozen=True)
class Effect:
    """An effect, experimental less control, in the scale of its measure, with its 95 % interval; z points to benefit.

    With a margin of non-inferiority z is held against that, and `z_of_none` against no difference; else they agree.
    `n` participants take part, with `information` (events of a time to an event, else participants); `missing` are due
    and unknown, `pending` not due. `people` are those with the outcome known by arm, `events` how many of them had it,
    `means` their mean, where there is such a thing. Participants in a stratum without the other arm are in these, not
    in `n`. If the stratum of some (`unstratified`) is not known, no strata are used.
    """

    kind: EndpointKind
    difference: float
    low: float
    high: float
    z: float
    z_of_none: float
    n: int
    information: float
    missing: int
    pending: int
    people: dict[str, int]
    compare: _Compare
    null: float = 0.0
    events: dict[str, tuple[int, int]] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    strata: int = 1
    unstratified: int = 0

    @property
    def interval(self) -> tuple[float, float, float]:
        """The difference and its 95 % interval, which is not adjusted for the looks."""
        return self.difference, self.low, self.high

    @property
    def measure(self) -> Measure:
        """What the effect is, and how it is written."""
        return MEASURES[self.kind]

    @property
    def why_alike(self) -> str:
        """Why nothing tells how much chance there is, where everybody or nobody had the event; otherwise empty."""
        if self.kind != "binary":
            return ""
        hits, n = (sum(each) for each in zip(*self.events.values(), strict=True))
        return "" if 0 < hits < n else f"{'everybody' if hits else 'nobody'} whose outcome is known has had the event"

    @property
    def se(self) -> float:
        """The standard error that z has; where z tells none, that of the interval."""
        apart = self.difference - self.null
        if self.z and math.isfinite(apart):
            return abs(apart / self.z)
        wide = (self.high - self.low) / (2 * Z95)
        return wide if math.isfinite(wide) else 2 / math.sqrt(self.information)

    def at(self, level: float) -> tuple[float, float]:
        """The interval of another level."""
        compared = self.compare(level=level)
        return compared["low"], compared["high"]


def why_no_comparison(look: LookData) -> str:
    """Why these data hold no comparison of arms, as a sentence for the report; empty where they do."""
    trial = look.trial
    if trial.subjects["arm"].isna().all():
        return OPEN_REPORT
    if look.site:
        return _ONE_SITE
    if not look.endpoint_collected:
        names = ", ".join(sorted(trial.outcomes["endpoint"].dropna().unique()))
        return f"Not collected: no primary endpoint is among the outcomes{names and f' ({names})'}."
    if len(look.plan.experimental) > 1 and not look.plan.multiplicity:
        return _SEVERAL_ARMS
    return "" if any(primary_effect(one) for one in comparisons(look)) else _why_none(look)


def _why_none(look: LookData) -> str:
    """Why there is no effect, of arms that both have been seen and of an endpoint that was collected."""
    rows = endpoint_rows(look)
    known = rows.loc[rows["mature"] & rows["value"].notna(), "arm"].value_counts()
    if any(known.get(arm, 0) == 0 for arm in look.plan.arms):
        return "An arm has nobody with the primary outcome known."
    if look.plan.kind == "time_to_event":
        return "Nobody has had the event yet: there is nothing to compare."
    return "The outcomes known are too few or all alike: they do not tell how much chance there is."


@lru_cache(maxsize=4)
def comparisons(look: LookData) -> tuple[Any, ...]:
    """The look for each experimental arm against the control, with that arm's part of alpha; of two arms it is itself.

    Where nobody said how several arms share alpha, and in an open report, there is the look alone.
    """
    several = len(look.plan.experimental) > 1 and look.plan.multiplicity
    if not several or look.site or look.trial.subjects["arm"].isna().all():
        return (look,)
    return tuple(replace(look, plan=pair_of(look.plan, arm)) for arm in look.plan.experimental)


@lru_cache(maxsize=16)
def primary_effect(look: LookData) -> Effect | None:
    """The effect that the boundary is about; None where there is none, and `why_no_comparison` says why."""
    one = len(look.plan.experimental) == 1 and not look.site
    if not one or not look.endpoint_collected or look.trial.subjects["arm"].isna().all():
        return None
    return effect(endpoint_rows(look), look.plan, look.plan.arm)


def effect(rows: Frame, plan: MonitoringPlan, arm: str, stratified: bool = True) -> Effect | None:
    """The effect of an arm against the control; None where nobody of one is known, or nothing tells how much chance is.

    Args:
        rows: from `endpoint_rows`, or a part of them.
        plan: names the control, the kind of the endpoint, and which way is better.
        arm: the experimental one.
        stratified: by the randomization strata, where they are known of everybody. A measurement is adjusted for its
            baseline too; so few values that the strata leave none over are not stratified.

    Raises:
        DataError: values other than 0 and 1 where it is of yes or no.
    """
    both = rows[rows["arm"].isin([arm, plan.control])]
    used = both[both["mature"] & both["value"].notna()]
    counted = plan.kind in ("binary", "time_to_event")
    odd = used.loc[~used["value"].isin([0, 1]) & counted, "value"]
    if len(odd):
        raise DataError(f"the primary endpoint: expected 1 (it happened) or 0, not {odd.iloc[0]:g} ({len(odd)} such)")
    unknown = int(used["stratum"].isna().sum()) if stratified else 0
    used = used.assign(stratum=used["stratum"] if stratified and not unknown else "", first=used["arm"] == arm)
    each = {name: used.loc[used["arm"] == name, "value"] for name in (arm, plan.control)}
    paired = used[used.groupby("stratum")["first"].transform("nunique") == 2]
    if plan.kind == "continuous" and len(paired) < paired["stratum"].nunique() + _PARAMETERS:
        paired = used.assign(stratum="")
    fewest = _FEWEST if plan.kind == "continuous" else 1
    if min(map(len, each.values())) < fewest or paired.empty:
        return None
    compare = _COMPARISONS[plan.kind](paired)
    result, none = compare(null=plan.null), compare()
    wide = result["high"] - result["low"]
    alike = not counted and wide <= _NO_WIDTH * max(1.0, abs(result["difference"]))
    if alike or result.get("events") == 0:
        return None
    return Effect(
        plan.kind,
        result["difference"], result["low"], result["high"], plan.sign * result["z"] + 0.0, plan.sign * none["z"] + 0.0,
        n=len(paired),
        information=float(result.get("events", len(paired))),
        missing=int((both["mature"] & both["value"].isna()).sum()),
        pending=int((~both["mature"]).sum()),
        people={name: len(own) for name, own in each.items()},
        compare=compare,
        null=plan.null,
        events={name: (int(own.sum()), len(own)) for name, own in each.items()} if counted else {},
        means={name: float(own.mean()) for name, own in each.items()} if plan.kind == "continuous" else {},
        strata=paired["stratum"].nunique(),
        unstratified=unknown,
    )  # fmt: skip


def _risks(rows: Frame) -> _Compare:
    groups = [(own.loc[own["first"], "value"], own.loc[~own["first"], "value"]) for _, own in rows.groupby("stratum")]
    return partial(risk_difference, [(int(a.sum()), len(a), int(b.sum()), len(b)) for a, b in groups])


def _hazards(rows: Frame) -> _Compare:
    return partial(log_hazard_ratio, rows["days"], rows["value"] == 1, rows["first"], rows["stratum"])


def _means(rows: Frame) -> _Compare:
    """Adjusted for the strata and the baseline; an unknown one is taken as the mean of all, which adds no bias."""
    start: Any = rows["baseline"]
    start = start.fillna(start.mean()) if start.nunique() > 1 else None
    return partial(ancova, rows["value"], rows["first"], start, rows["stratum"])


def _wins(rows: Frame) -> _Compare:
    return partial(win_probability, -rows["value"], rows["first"], rows["stratum"])


_COMPARISONS: dict[EndpointKind, Callable[[Frame], _Compare]] = {
    "binary": _risks,
    "time_to_event": _hazards,
    "continuous": _means,
    "ordinal": _wins,
}
"""The usual analysis of each kind of endpoint."""
