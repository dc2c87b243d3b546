"""A look goes in; the boundaries of all looks come out, what may be concluded at this one, and what may still come."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ...criteria.protocol import DataError
from ...figures.format import number, percent
from ..data.tables import Frame
from ..lookdata import LookData, with_reason
from ..sequential.boundaries import NEAREST
from ..sequential.boundaries import boundaries as boundaries_at
from ..sequential.inference import conditional_power, final_estimate, predictive_power
from .effect import Effect, primary_effect, why_no_comparison
from .history import looks_before

LOOKS = ["look", "information", "fraction", "bound", "futility", "z", "nominal_p", "alpha_spent", "state"]
NOTHING_AHEAD = "No look is ahead, or nobody has had the event."


@lru_cache(maxsize=4)
def boundaries(look: LookData) -> Frame:
    """All looks on one scale: those before, this one, those to come.

    Columns: look, information (participants with the outcome known), fraction (of what is planned), bound (z; inf where
    a look cannot stop for efficacy), futility (empty without one), z (of benefit; empty for looks to come), nominal_p
    (of the bound), alpha_spent, state (done, now, ahead).

    Of earlier looks, information and z are those that the previous report wrote down; looks of which nothing is known
    are taken as planned. The last look spends all alpha that is left, also when it has less or more information than
    planned.

    Raises:
        DataError: more looks than planned, or looks too close together.
    """
    found, plan = primary_effect(look), look.plan
    if found is None:
        return with_reason(pd.DataFrame(columns=LOOKS), why_no_comparison(look))
    if not 1 <= look.number <= len(plan.looks):
        raise DataError(f"look {look.number} is not one of the {len(plan.looks)} looks of the design")
    size, at = plan.sample_size, look.number
    earlier = looks_before(look.previous)[: at - 1]
    earlier += [{"information": part * size} for part in plan.looks[len(earlier) : at - 1]]
    done = [float(each["information"]) for each in earlier]
    if done and found.n <= done[-1] + NEAREST * size:
        raise DataError(
            f"look {at} has {found.n} participants with the outcome known, look {at - 1} had {done[-1]:g}: "
            f"less than {NEAREST:.1%} of the planned {size} apart, which tells nothing new. Is it the right data cut?"
        )
    ahead = [] if at == len(plan.looks) else [part * size for part in plan.looks[at:]]
    ahead = [each for each in ahead if each > found.n + NEAREST * size]
    frame = boundaries_at(
        [*done, found.n, *ahead], plan.alpha, spending=plan.spending, gamma=plan.gamma, futility=plan.futility,
        planned=max(size, found.n) if at == len(plan.looks) else size, final=True,
    )  # fmt: skip
    z = [each.get("z", math.nan) for each in earlier] + [found.z] + [math.nan] * len(ahead)
    state = ["done"] * len(done) + ["now"] + ["ahead"] * len(ahead)
    frame = frame.rename(columns={"z": "bound"}).assign(z=z, state=state, fraction=frame["information"] / size)
    return (frame if "futility" in frame else frame.assign(futility=math.nan))[LOOKS]


def this_look(frame: Frame) -> Any:
    """The row of this look."""
    return frame[frame["state"] == "now"].iloc[0]


def looks_ahead(frame: Frame) -> dict[str, list[float]]:
    """The looks to come, as `conditional_power` takes them."""
    ahead = frame[frame["state"] == "ahead"]
    return {"information": ahead["information"].tolist(), "z": ahead["bound"].tolist()}


def decision(frame: Frame) -> str:
    """What the boundary says at this look, in words: a proposal, which the committee is free not to follow."""
    row = this_look(frame)
    if row["z"] >= row["bound"]:
        return "stop for efficacy"
    if not (frame["state"] == "ahead").any():
        return "end: no effect shown"
    if row["z"] <= row["futility"]:
        return "futility bound crossed, which does not bind"
    return "continue"


def inference_table(look: LookData) -> Frame:
    """What may be concluded at this look, as a table for print: what, value, interval.

    The repeated interval inverts the score test at the bound of this look and holds at all looks at once (Jennison and
    Turnbull 1989). After a stop, the median-unbiased estimate in stagewise order.
    """
    rows = [(what, *_written(what, *numbers)) for what, *numbers in conclusions(look)]
    return with_reason(pd.DataFrame(rows, columns=["what", "value", "interval"]), why_no_comparison(look))


def _written(what: str, value: float, low: float, high: float) -> tuple[str, str]:
    write = percent if "difference" in what or "interval" in what else lambda x: number(x, 4)
    pair = f"of {write(high)}" if what.startswith("Alpha") else f"{write(low)} to {write(high)}"
    return "∞ (cannot stop at this look)" if value == math.inf else write(value), "" if math.isnan(high) else pair


def conclusions(look: LookData) -> list[tuple[str, float, float, float]]:
    """The numbers of `inference_table`: what, value, low, high; none where there is no comparison."""
    found, frame = primary_effect(look), boundaries(look)
    if found is None:
        return []
    now, none = this_look(frame), math.nan
    bound = float(now["bound"])
    repeated = found.at(1 - 2 * float(ndtr(-bound))) if math.isfinite(bound) else (-1.0, 1.0)
    rows = [
        ("Risk difference", found.difference, found.low, found.high),
        ("Repeated confidence interval", none, *repeated),
        ("z, towards benefit", found.z, none, none),
        ("Bound at this look", bound, none, none),
        ("Nominal one-sided p", float(ndtr(-found.z)), none, none),
        ("Alpha spent so far, of the whole", float(now["alpha_spent"]), none, look.plan.alpha),
    ]
    if decision(frame) in ("stop for efficacy", "end: no effect shown") and found.se:
        rows.append(("Median-unbiased risk difference", *_final(found, frame, look.plan.sign)))
    return rows


def _final(found: Effect, frame: Frame, sign: int) -> tuple[float, float, float]:
    """On the scale of the risk difference, by its own standard error; an end without a stop is treated the same."""
    so_far = frame[frame["state"] != "ahead"]
    unit = 1 / found.se**2 / found.n  # information of one participant
    bounds = [min(each, 12.0) for each in so_far["bound"].iloc[:-1]]
    estimate = final_estimate(found.z, [unit * each for each in so_far["information"]], bounds)
    low, high = sorted((sign * estimate["low"], sign * estimate["high"]))
    return sign * estimate["estimate"], low, high


def power_curve(look: LookData) -> Frame:
    """The chance still to stop for efficacy, by the true effect from here on.

    Columns: effect (risk difference, experimental less control), conditional_power, mark ("trend", "design", "null", or
    "" for a point of the curve). Empty where no look is ahead, or no event has happened in either arm, so that the
    variability is not known. Every effect is taken at the variability seen so far.
    """
    found, frame, plan = primary_effect(look), boundaries(look), look.plan
    nothing = pd.DataFrame(columns=["effect", "conditional_power", "mark"])
    if found is None:
        return with_reason(nothing, why_no_comparison(look))
    ahead, n, spread = looks_ahead(frame), found.n, _spread(found)
    if not ahead["z"] or not spread:
        return with_reason(nothing, NOTHING_AHEAD)
    planned = None
    if plan.control_rate is not None and plan.experimental_rate is not None:
        planned = plan.experimental_rate - plan.control_rate
    marks = {"trend": found.difference, "design": planned, "null": 0.0}
    known = [each for each in marks.values() if each is not None]
    wide = max(abs(each) for each in known) * 1.25 or 0.05
    points = [("", float(each)) for each in np.linspace(-wide, wide, 41)]
    points += [(name, float(each)) for name, each in marks.items() if each is not None]

    def chance(effect: float, mark: str) -> float:
        drift = "trend" if mark == "trend" else plan.sign * effect / (spread * math.sqrt(n))
        return conditional_power(found.z, n, ahead, drift)

    rows = [(effect, chance(effect, mark), mark) for mark, effect in points]
    return pd.DataFrame(rows, columns=nothing.columns)


def _spread(found: Effect) -> float:
    """The standard error of the difference at one overall rate."""
    (a, n), (b, m) = found.events.values()
    rate = (a + b) / (n + m)
    return math.sqrt(rate * (1 - rate) * (1 / n + 1 / m))


WORDS = {
    "trend": ("Conditional power, trend", "the effect seen so far goes on"),
    "design": ("Conditional power, design", "the effect that the design hopes for"),
    "null": ("Conditional power, null", "no effect from here on"),
}


def conditional_power_table(look: LookData) -> Frame:
    """Conditional power under trend, design and null, and predictive power: what, assumes, chance."""
    curve, found = power_curve(look), primary_effect(look)
    if curve.empty or found is None:
        return with_reason(pd.DataFrame(columns=["what", "assumes", "chance"]), curve.attrs["why"])
    marked: Any = curve[curve["mark"] != ""].itertuples(index=False)
    rows = [(*WORDS[row.mark], row.conditional_power) for row in marked]
    chance = predictive_power(found.z, found.n, looks_ahead(boundaries(look)))
    rows.append(("Predictive power", "averaged over what the data say of the effect, flat prior", chance))
    return pd.DataFrame(rows, columns=["what", "assumes", "chance"])
