"""The effect at this look and the looks before it go in; boundary, decision and the chances ahead come out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ...criteria.protocol import DataError
from ..data import TrialData
from ..data.tables import Frame
from ..sequential.boundaries import NEAREST, boundaries
from ..sequential.inference import conditional_power, final_estimate, predictive_power
from .endpoint import Effect, effect, states
from .plan import Plan

NAMES = ("look", "information", "fraction", "bound", "futility", "z", "nominal_p", "alpha_spent", "state")


def primary(trial: TrialData, plan: Plan, on: date | None, site: str = "") -> Effect | None:
    """The effect that the boundary is about; None where there is none, for the reason that `lacking` gives."""
    if lacking(trial, plan, site):
        return None
    return effect(states(trial, on), plan, plan.experimental[0])


def lacking(trial: TrialData, plan: Plan, site: str = "") -> str:
    """Why these data hold no comparison of arms, as a sentence for the report; empty where they do."""
    if trial.subjects["arm"].isna().all():
        return "Compares the arms: in the closed report only."
    if site:
        return "The boundary is of all sites together: one site alone has none."
    if "outcomes" in trial.absent or trial.endpoint is None:
        names = ", ".join(sorted(trial.outcomes["endpoint"].dropna().unique()))
        return f"Not collected: no primary endpoint is among the outcomes{names and f' ({names})'}."
    if len(plan.experimental) > 1:
        return "Several experimental arms share one alpha; how is not planned in the protocol, so there is no boundary."
    return ""


def looks(found: Effect, plan: Plan, look: int, before: Sequence[Mapping[str, float]] = ()) -> Frame:
    """All looks on one scale: those before, this one, those to come.

    Args:
        found: the effect at this look.
        plan: information is participants with the outcome known; the planned size is all of it.
        look: its number, from 1.
        before: of earlier looks `information` and, where it is known, `z`; as the reports of those looks wrote them.

    Columns: look, information, fraction (of what is planned), bound (z; inf where a look cannot stop for efficacy),
    futility (empty without one), z (of benefit; empty for looks to come), nominal_p (of the bound), alpha_spent, state
    (done, now, ahead).

    Earlier looks of which nothing is known are taken as planned. The last look spends all alpha that is left, also when
    it has less or more information than planned.

    Raises:
        DataError: more looks than planned, or looks too close together.
    """
    if not 1 <= look <= len(plan.looks):
        raise DataError(f"look {look} is not one of the {len(plan.looks)} looks of the design")
    size = plan.sample_size
    earlier = [dict(each) for each in before][: look - 1]
    earlier += [{"information": part * size} for part in plan.looks[len(earlier) : look - 1]]
    done = [float(each["information"]) for each in earlier]
    if done and found.n <= done[-1] + NEAREST * size:
        raise DataError(
            f"look {look} has {found.n} participants with the outcome known, look {look - 1} had {done[-1]:g}: "
            f"less than {NEAREST:.1%} of the planned {size} apart, which tells nothing new. Is it the right data cut?"
        )
    ahead = [] if look == len(plan.looks) else [part * size for part in plan.looks[look:]]
    ahead = [each for each in ahead if each > found.n + NEAREST * size]
    frame = boundaries(
        [*done, found.n, *ahead], plan.alpha, spending=plan.spending, gamma=plan.gamma, futility=plan.futility,
        planned=max(size, found.n) if look == len(plan.looks) else size, final=True,
    )  # fmt: skip
    z = [each.get("z", math.nan) for each in earlier] + [found.z] + [math.nan] * len(ahead)
    state = ["done"] * len(done) + ["now"] + ["ahead"] * len(ahead)
    frame = frame.rename(columns={"z": "bound"}).assign(z=z, state=state, fraction=frame["information"] / size)
    return (frame if "futility" in frame else frame.assign(futility=math.nan))[list(NAMES)]


def decision(frame: Frame) -> str:
    """What the boundary says at this look, in words: a proposal, which the committee is free not to follow."""
    row = frame[frame["state"] == "now"].iloc[0]
    if row["z"] >= row["bound"]:
        return "stop for efficacy"
    if not (frame["state"] == "ahead").any():
        return "end: no effect shown"
    if row["z"] <= row["futility"]:
        return "futility bound crossed, which does not bind"
    return "continue"


def conclusions(found: Effect, frame: Frame, plan: Plan) -> Frame:
    """What may be concluded at this look: a row each, with the words that explain it.

    Columns: what, value, low, high. The repeated interval inverts the score test at the bound of this look and
    holds at all looks at once (Jennison and Turnbull 1989). After a stop, the median-unbiased estimate in stagewise
    order.
    """

    now = frame[frame["state"] == "now"].iloc[0]
    rows: list[tuple[str, float, float, float]] = [("Risk difference", found.difference, found.low, found.high)]
    bound = float(now["bound"])
    repeated = found.at(1 - 2 * float(ndtr(-bound))) if math.isfinite(bound) else (-1.0, 1.0)
    rows.append(("Repeated confidence interval", math.nan, *repeated))
    rows.append(("z, towards benefit", found.z, math.nan, math.nan))
    rows.append(("Bound at this look", bound, math.nan, math.nan))
    rows.append(("Nominal one-sided p", float(ndtr(-found.z)), math.nan, math.nan))
    rows.append(("Alpha spent so far, of the whole", float(now["alpha_spent"]), math.nan, plan.alpha))
    if decision(frame) in ("stop for efficacy", "end: no effect shown") and found.se:
        rows.append(("Median-unbiased risk difference", *_final(found, frame, plan)))
    return pd.DataFrame(rows, columns=["what", "value", "low", "high"])


def _final(found: Effect, frame: Frame, plan: Plan) -> tuple[float, float, float]:
    """On the scale of the risk difference, by its own standard error; an end without a stop is treated the same."""
    so_far = frame[frame["state"] != "ahead"]
    unit = 1 / found.se**2 / found.n  # information of one participant
    bounds = [min(each, 12.0) for each in so_far["bound"].iloc[:-1]]
    told = final_estimate(found.z, [unit * each for each in so_far["information"]], bounds)
    low, high = sorted((plan.sign * told["low"], plan.sign * told["high"]))
    return plan.sign * told["estimate"], low, high


def power_curve(found: Effect, frame: Frame, plan: Plan) -> Frame:
    """The chance still to stop for efficacy, by the true effect from here on.

    Columns: effect (risk difference, experimental less control), conditional_power, mark ("trend", "design", "null", or
    "" for a point of the curve). Empty where no look is ahead, or no event has happened in either arm, so that the
    variability is not known. Every effect is taken at the variability seen so far.
    """

    columns = ["effect", "conditional_power", "mark"]
    ahead, n = frame[frame["state"] == "ahead"], found.n
    spread = _spread(found)
    if ahead.empty or not spread:
        return pd.DataFrame(columns=columns)
    planned = None
    if plan.control_rate is not None and plan.experimental_rate is not None:
        planned = plan.experimental_rate - plan.control_rate
    marks = {"trend": found.difference, "design": planned, "null": 0.0}
    known = [each for each in marks.values() if each is not None]
    wide = max(abs(each) for each in known) * 1.25 or 0.05
    points = [("", float(each)) for each in np.linspace(-wide, wide, 41)]
    points += [(name, float(each)) for name, each in marks.items() if each is not None]
    to_come = {"information": ahead["information"].tolist(), "z": ahead["bound"].tolist()}

    def chance(each: float, mark: str) -> float:
        if mark == "trend":
            return conditional_power(found.z, n, to_come, "trend")
        return conditional_power(found.z, n, to_come, plan.sign * each / (spread * math.sqrt(n)))

    rows = [(each, chance(each, mark), mark) for mark, each in points]
    return pd.DataFrame(rows, columns=columns)


def _spread(found: Effect) -> float:
    """The standard error of the difference at one overall rate."""
    (a, n), (b, m) = found.events.values()
    rate = (a + b) / (n + m)
    return math.sqrt(rate * (1 - rate) * (1 / n + 1 / m))


def chances(found: Effect, frame: Frame, plan: Plan) -> Frame:
    """Conditional power under trend, design and null, and predictive power: what, assumes, chance. Empty at the end."""

    curve = power_curve(found, frame, plan)
    words = {
        "trend": ("Conditional power, trend", "the effect seen so far goes on"),
        "design": ("Conditional power, design", "the effect that the design hopes for"),
        "null": ("Conditional power, null", "no effect from here on"),
    }
    marked: Any = curve[curve["mark"] != ""].itertuples(index=False)
    rows = [(*words[row.mark], row.conditional_power) for row in marked]
    if rows:
        ahead = frame[frame["state"] == "ahead"]
        to_come = {"information": ahead["information"].tolist(), "z": ahead["bound"].tolist()}
        chance = predictive_power(found.z, found.n, to_come)
        rows.append(("Predictive power", "averaged over what the data say of the effect, flat prior", chance))
    return pd.DataFrame(rows, columns=["what", "assumes", "chance"])
