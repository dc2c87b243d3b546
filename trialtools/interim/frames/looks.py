"""A look goes in; the boundaries of all looks come out, what may be concluded at this one, and what may still come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ...criteria.protocol import DataError
from ...figures.format import four_decimals, number
from ..data.tables import Frame
from ..lookdata import LookData, with_reason
from ..plan import MonitoringPlan
from ..sequential.boundaries import NEAREST, boundaries, power
from ..sequential.inference import conditional_power, final_estimate, predictive_power
from .effect import Effect, comparisons, primary_effect, why_no_comparison
from .endpoint import endpoint_rows
from .history import looks_before

_LOOKS = ["look", "information", "fraction", "bound", "futility", "harm", "z", "z_harm"]
_LOOKS += ["nominal_p", "alpha_spent", "state"]
_INFORMATION = {"time_to_event": "events"} | dict.fromkeys(
    ("binary", "continuous", "ordinal"), "participants with the outcome known"
)
"""What the information of a look is made of, by the kind of the endpoint."""
NOT_HANDED_IN = "not handed in"
"""The state of an earlier look of which there is no record."""
_ONE_EACH = "Each experimental arm has a boundary of its own."


@lru_cache(maxsize=16)
def look_boundaries(look: LookData) -> Frame:
    """All looks on one scale: those before, this one, those to come.

    Columns: look, information (participants with the outcome known, or events), fraction (of what is planned), bound
    (z; inf where a look cannot stop for efficacy), futility and harm (z; empty without one), z (of benefit; empty for
    looks to come), z_harm (z against no difference, where harm is held against that and not against z), nominal_p (of
    the bound), alpha_spent, state (done, not handed in, now, ahead).

    Of earlier looks, information and z are those that the previous report wrote down; looks without a record are taken
    as planned, and looks that were not held are left out. The last look spends all alpha that is left, also when it has
    less or more information than planned.

    Raises:
        DataError: more looks than planned, looks too close together, or a look not held that has a record.
    """
    effect, plan = primary_effect(look), look.plan
    if effect is None:
        return with_reason(pd.DataFrame(columns=_LOOKS), why_no_comparison(look) or _ONE_EACH)
    if not 1 <= look.number <= len(plan.looks):
        raise DataError(f"look {look.number} is not one of the {len(plan.looks)} looks of the design")
    size, at = plan.planned, look.number
    earlier = _earlier_looks(look)
    _refuse_what_tells_nothing_new(look, effect, earlier)
    to_come = {number: part * size for number, part in enumerate(plan.looks, start=1) if number > at}
    to_come = {number: each for number, each in to_come.items() if each > effect.information + NEAREST * size}
    done = [float(each["information"]) for each in earlier.values()]
    numbers, information = [*earlier, at, *to_come], [*done, effect.information, *to_come.values()]
    futility = plan.futility
    if isinstance(futility, list):  # of each look but the last one
        futility = [futility[number - 1] for number in numbers[:-1]]
    frame = _bounds(plan, information, [each.get("bound") for each in earlier.values()], futility=futility)
    apart = plan.margin is not None and plan.harm is not None and plan.harm.against == "no difference"
    now = {"z": effect.z, "z_harm": effect.z_of_none if apart else math.nan}
    z = {
        name: [each.get(name, math.nan) for each in earlier.values()] + [own] + [math.nan] * len(to_come)
        for name, own in now.items()
    }
    state = ["done" if "z" in each else NOT_HANDED_IN for each in earlier.values()] + ["now"] + ["ahead"] * len(to_come)
    frame = frame.rename(columns={"z": "bound"}).assign(**z, state=state, fraction=frame["information"] / size)
    harm = _harm_bounds(plan, information, [each.get("harm") for each in earlier.values()], frame["bound"])
    frame = frame.assign(look=numbers, harm=harm)
    return (frame if "futility" in frame else frame.assign(futility=math.nan))[_LOOKS]


def _bounds(plan: MonitoringPlan, information: list[float], used: list[float | None], **how: Any) -> Frame:
    """The bounds at this information; those of earlier looks as they were used, where that was written down."""
    design = {"alpha": plan.alpha, "sides": plan.sides, "spending": plan.spending, "gamma": plan.gamma}
    design |= {"beta": plan.beta, "planned": plan.planned, "final": True}
    bounds: list[float] = []
    for look, bound in enumerate(used):
        if bound is None:  # no record: as if it had been held as planned
            bound = float(boundaries(information, **design, used=bounds)["z"].iloc[look])
        bounds.append(bound)
    return boundaries(information, **design, used=bounds, **how)


def _refuse_what_tells_nothing_new(look: LookData, effect: Effect, earlier: Mapping[int, Mapping[str, float]]) -> None:
    """One look must have more information than the one before it."""
    if not earlier:
        return
    (before, record), size, n = [*earlier.items()][-1], look.plan.planned, effect.information
    if n > record["information"] + NEAREST * size:
        return
    ask = "Is it the right data cut?"
    if record.get("assumed"):
        ask = f"No record of look {before} was handed in: name its manifest as previous, or look {before} in not_held."
    had = "is taken to have had" if record.get("assumed") else "had"
    raise DataError(
        f"look {look.number} has {n:g} {_INFORMATION[effect.kind]}, look {before} {had} "
        f"{record['information']:g}: less than {NEAREST:.1%} of the planned {size} apart, which tells nothing new. "
        f"{ask}"
    )


def _earlier_looks(look: LookData) -> dict[int, dict[str, Any]]:
    """What is known of each look before this one, by its number; of one without a record, the planned information."""
    arm = look.plan.arm
    recorded = {int(each.get("look", at)): each for at, each in enumerate(looks_before(look.previous, arm), start=1)}
    sure = {number for number, each in recorded.items() if not each.get("assumed")}
    if both := sorted(sure & set(look.not_held)):
        raise DataError(f"look {both[0]} is said not to have been held, but the previous report holds a record of it")
    numbers = [number for number in range(1, look.number) if number not in look.not_held]
    size = look.plan.planned
    planned = {number: {"information": look.plan.looks[number - 1] * size, "assumed": True} for number in numbers}
    return {number: recorded.get(number, each) for number, each in planned.items()}


def looks_so_far(look: LookData) -> list[dict[str, Any]]:
    """What this report writes down for later ones: of each look up to here, what it found, used and spent.

    A look that cannot stop has the bound None. A look without a record is `assumed`, with the bound that it would
    have used. Of several experimental arms each has its own records, with its name.
    """
    each = comparisons(look)
    if len(each) > 1:
        return [{"arm": one.plan.arm, **record} for one in each for record in looks_so_far(one)]
    frame, earlier = look_boundaries(look), _earlier_looks(look)
    columns = ["look", "information", "z", "z_harm", "bound", "harm", "alpha_spent"]
    looks = frame.loc[frame["state"] != "ahead", columns]
    records = []
    for row in looks.to_dict("records"):
        values = {name: float(value) for name, value in row.items() if math.isfinite(value)}
        values |= {} if math.isfinite(row["bound"]) else {"bound": None}
        records.append(values | ({"assumed": True} if earlier.get(row["look"], {}).get("assumed") else {}))
    return records


def _harm_bounds(
    plan: MonitoringPlan, information: list[float], used: list[float | None], benefit: Sequence[float]
) -> list[float]:
    """The z at or below which the boundary for harm is crossed: as declared, or the other side of a two-sided test.

    Where there are both, the one that is crossed sooner: each is one-sided, with alpha of its own.
    """
    harm = plan.harm
    other = [-each if plan.sides == 2 else math.nan for each in benefit]
    if harm is None:
        return other
    if harm.spending is None:
        own = [float(scipy.special.ndtri(harm.alpha))] * len(information)
    else:
        mirror = replace(plan, alpha=harm.alpha, sides=1, spending=harm.spending, gamma=harm.gamma, futility=None)
        own = (-_bounds(mirror, information, [None if each is None else -each for each in used])["z"]).tolist()
    return np.fmax(own, other).tolist()


def design_power(plan: MonitoringPlan) -> float | None:
    """The power of the design as planned, at the effect that it hopes for itself; None where it says none."""
    if plan.hoped is None or not plan.spread:
        return None
    frame = _bounds(plan, [part * plan.planned for part in plan.looks], [])
    return power(frame, plan.sign * (plan.hoped - plan.null) / plan.spread)["power"]


def this_look(frame: Frame) -> Any:
    """The row of this look."""
    return frame[frame["state"] == "now"].iloc[0]


def _looks_ahead(frame: Frame) -> dict[str, list[float]]:
    """The looks to come, as `conditional_power` takes them."""
    ahead = frame[frame["state"] == "ahead"]
    return {"information": ahead["information"].tolist(), "z": ahead["bound"].tolist()}


def crosses_boundary(row: Any) -> bool:
    """Whether the boundary for benefit is crossed at a look."""
    return bool(row["z"] >= row["bound"])


def crosses_harm(row: Any) -> bool:
    """Whether the boundary for harm is crossed at a look; without one it is not."""
    return bool((row["z"] if math.isnan(row["z_harm"]) else row["z_harm"]) <= row["harm"])


def due_look(look: LookData) -> int:
    """The number of the look that is due: the last one of the design whose planned information is there.

    It is counted in all arms and at all sites together, so that it tells no arm. An open report before the first look
    is one on the way to it.

    Raises:
        DataError: of a closed report, where no look is due yet, or the one that is was held already.
    """
    planned = [share * look.plan.planned for share in look.plan.looks]
    there = 0.0
    if look.trial.endpoint:
        rows = endpoint_rows(look)
        there = rows["value"].sum() if look.plan.kind == "time_to_event" else rows["state"].eq("known").sum()
    reached = sum(there >= each - 0.5 for each in planned)  # planned are whole people or events
    last = max((int(each["look"]) for each in looks_before(look.previous) if each.get("look")), default=0)
    if look.closed and not look.site and reached <= last:
        what = "events" if look.plan.kind == "time_to_event" else "outcomes known"
        following = f"look {last + 1} is planned at {planned[last]:.0f}" if last < len(planned) else "none is to come"
        before = f"look {last} was held already, and " * (last > 0)
        raise DataError(f"no look is due: {before}{following}, and there are {there:.0f} {what}")
    return max(reached, 1)


def is_last(frame: Frame) -> bool:
    """Whether no look is ahead."""
    return not bool((frame["state"] == "ahead").any())


def adjusted_interval(effect: Effect, bound: float) -> tuple[float, float]:
    """The repeated confidence interval: of the score test at the bound of this look (Jennison and Turnbull 1989).

    It holds at all looks at once. Where a look cannot stop, nothing is excluded.
    """
    return effect.at(1 - 2 * float(scipy.special.ndtr(-bound))) if math.isfinite(bound) else effect.measure.limits


def inference_table(look: LookData) -> Frame:
    """What may be concluded at this look: what, value, interval, as they are printed.

    Effects are in the unit of their measure. After a crossing, and at the last look, with the median-unbiased estimate
    in stagewise order.
    """
    effect, frame = primary_effect(look), look_boundaries(look)
    if effect is None:
        return with_reason(pd.DataFrame(columns=["what", "value", "interval"]), why_no_comparison(look))
    now = this_look(frame)
    bound = float(now["bound"])
    adjusted = adjusted_interval(effect, bound)
    measure = effect.measure
    rows = [
        (f"{measure.head}; interval not adjusted for the looks (95 %)", *effect.interval),
        ("The same; interval adjusted for the looks (repeated confidence interval)", effect.difference, *adjusted),
    ]
    if final := final_difference(look):
        rows.append((f"Corrected for stopping early (median-unbiased), {measure.unit or measure.name.lower()}", *final))
    text = measure.text
    lines = [(what, text(value), f"{text(low)} to {text(high)}") for what, value, low, high in rows]
    needed = number(bound, 4) if math.isfinite(bound) else "none: this look cannot stop for benefit"
    plan, tails = look.plan, look.plan.tails
    p = float(scipy.special.ndtr(-effect.z) if plan.sides == 1 else 2 * scipy.special.ndtr(-abs(effect.z)))
    lines += [
        (_z_in_words(plan), number(effect.z, 4), ""),
        ("z needed at this look", needed, ""),
        *_harm_lines(now),
        (f"p of this z, {tails}; not adjusted for the looks", four_decimals(p), ""),
        (f"Alpha spent so far, {tails}", four_decimals(now["alpha_spent"]), f"of {number(plan.alpha, 4)}"),
    ]
    return pd.DataFrame(lines, columns=["what", "value", "interval"])


def _harm_lines(now: Any) -> list[tuple[str, str, str]]:
    """z against the boundary for harm, where there is one."""
    if math.isnan(now["harm"]):
        return []
    lies = number(now["harm"], 4) if math.isfinite(now["harm"]) else "none: this look cannot stop for harm"
    line = ("z for harm at this look, or below", lies, "")
    other = ("z against no difference, which harm is held against", number(now["z_harm"], 4), "")
    return [line] if math.isnan(now["z_harm"]) else [other, line]


def _z_in_words(plan: MonitoringPlan) -> str:
    return "z, above 0 is benefit" if plan.margin is None else "z, above 0 is better than the margin"


def final_difference(look: LookData) -> tuple[float, float, float] | None:
    """The median-unbiased difference with its interval, in stagewise order; None where the trial need not end here.

    An end without a crossing is treated the same.
    """
    effect, frame, plan = primary_effect(look), look_boundaries(look), look.plan
    if effect is None or effect.why_alike or not math.isfinite(effect.difference):
        return None
    if not (crosses_boundary(this_look(frame)) or is_last(frame)):
        return None
    so_far, null, sign = frame[frame["state"] != "ahead"], plan.null, plan.sign
    # one participant or event in information, by the standard error of z: with one look this is the difference itself
    unit = 1 / effect.se**2 / effect.information
    bounds = [min(each, 12.0) for each in so_far["bound"].iloc[:-1]]
    information = [unit * each for each in so_far["information"]]
    estimate = final_estimate(effect.z, information, bounds, sides=plan.sides)
    low, high = sorted((null + sign * estimate["low"], null + sign * estimate["high"]))
    return null + sign * estimate["estimate"], low, high


def power_curve(look: LookData) -> Frame:
    """The chance still to stop for efficacy, by the true effect from here on.

    Columns: effect (experimental less control, in the unit of its measure: percentage points, a hazard ratio),
    conditional_power, mark ("trend", "design", "null", or "" for a point of the curve). Empty where no look is ahead,
    or nothing has happened that tells the variability. Every effect is taken at the variability seen so far.
    """
    effect, frame, plan = primary_effect(look), look_boundaries(look), look.plan
    nothing = pd.DataFrame(columns=["effect", "conditional_power", "mark"])
    if effect is None:
        return with_reason(nothing, why_no_comparison(look))
    ahead, n, shown = _looks_ahead(frame), effect.information, effect.measure.number
    if not ahead["z"] or effect.why_alike:
        return with_reason(
            nothing, f"No chance can be given: {effect.why_alike}." if ahead["z"] else "No look is ahead."
        )
    marks = {"trend": effect.difference, "design": plan.hoped, "null": plan.null}
    known = [each for each in marks.values() if each is not None and math.isfinite(each)]
    wide = max(abs(each) for each in known) * 1.25 or 2 * effect.se
    points = [("", float(each)) for each in np.linspace(-wide, wide, 41)]
    points += [(name, float(each)) for name, each in marks.items() if each is not None]

    def chance(assumed: float, mark: str) -> float:
        drift = "trend" if mark == "trend" else plan.sign * (assumed - plan.null) / (effect.se * math.sqrt(n))
        return conditional_power(effect.z, n, ahead, drift)

    rows = [(shown(assumed), chance(assumed, mark), mark) for mark, assumed in points]
    return pd.DataFrame(rows, columns=nothing.columns)


def chances_ahead(look: LookData) -> dict[str, float]:
    """The chance still to stop for efficacy, by what is assumed: trend, design, null, or averaged ("predictive").

    Nothing where no chance can be given.
    """
    curve, effect = power_curve(look), primary_effect(look)
    if curve.empty or effect is None:
        return {}
    marked = curve[curve["mark"] != ""]
    chances = dict(zip(marked["mark"], marked["conditional_power"], strict=True))
    averaged = predictive_power(effect.z, effect.information, _looks_ahead(look_boundaries(look)))
    return {**chances, "predictive": averaged}


_WORDS = {
    "trend": ("Conditional power, trend", "the effect seen so far goes on"),
    "design": ("Conditional power, design", "the effect that the design hopes for"),
    "null": ("Conditional power, null", "no effect from here on"),
    "predictive": ("Predictive power", "averaged over what the data say of the effect, flat prior"),
}


def conditional_power_table(look: LookData) -> Frame:
    """Conditional power under trend, design and null, and predictive power: what, assumes, chance."""
    rows = [(*_WORDS[name], chance) for name, chance in chances_ahead(look).items()]
    frame = pd.DataFrame(rows, columns=["what", "assumes", "chance"])
    return frame if rows else with_reason(frame, power_curve(look).attrs["why"])
