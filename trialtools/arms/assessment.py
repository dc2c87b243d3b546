"""Plans go in, what each would do to a trial comes out, before the first patient: balance, predictability, power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from ..criteria.protocol import DataError
from .minimization import Minimization, Plan
from .plans import RandomizationPlan, is_whole
from .strata import SITE

_MOST_STATES = 5_000
"""States, of list and patients by arm together, up to which all walks are added up rather than simulated."""
_NORMAL = NormalDist()
_ASSESSMENT = ("procedure", "n", "strata", "measure", "value", "error", "how")


def assess(
    plans: Plan | Sequence[Plan],
    n: int,
    sites: int = 1,
    strata: int | None = None,
    *,
    trend: float = 1.0,
    runs: int = 2_000,
    seed: int = 1,
) -> pd.DataFrame:
    """What plans would do to a trial of n patients, to choose by: one row for a plan, a number of strata and a measure.

    Columns: procedure, n, strata (1 is the trial on one list), measure, value, error (Monte-Carlo standard error; empty
    where exact), how (exact, or simulated).

    Measures: `correct guesses`, the share right of somebody who knows the procedure and how many patients each arm has
    in the stratum, and always guesses the likeliest arm, which of equal arms is the one behind (where simulated: who
    knows all but the next arm). `imbalance` at the end of the trial, and `worst imbalance` on the way, in patients per
    share of the ratio between the arms that are furthest apart; `imbalance within strata` at the end. `power` to find,
    without regard to time or strata, an effect of the first arm against the last that a balanced trial finds with 80 %
    (normal outcome, two-sided 5 %), while outcomes drift by `trend` standard deviations from first patient to last.

    Args:
        plans: one or several.
        n: patients of the trial; each is as likely in one stratum as in another.
        sites: how many, where the plan has lists by site.
        strata: how many lists; by default two for each condition, times `sites`. Minimization has its own factors.
        trend: drift of the outcome, in standard deviations.
        runs: simulated trials.
        seed: of the simulation; it has nothing to do with that of an allocation.

    Raises:
        DataError: no whole numbers above 0.

    Source: guessing: Blackwell and Hodges, Ann Math Stat 28 (1957) 449-460; the trend: Tamm and Hilgers, Methods Inf
    Med 53 (2014) 501-510, here in large samples.

    >>> made = assess(RandomizationPlan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(4,)), n=100, runs=50)
    >>> made.loc[made["measure"] == "correct guesses", ["value", "how"]].round(3).to_numpy().tolist()
    [[0.708, 'exact']]
    """

    for name, number in (("n", n), ("sites", sites), ("runs", runs), ("strata", 1 if strata is None else strata)):
        if not is_whole(number):
            raise DataError(f"{name} is {number}; expected a whole number above 0")
    rows = []
    for plan in [plans] if isinstance(plans, Plan) else plans:
        levels = [sites if condition == SITE else 2 for condition in plan.strata]
        counts = [math.prod(levels)] if isinstance(plan, Minimization) else sorted({1, strata or math.prod(levels)})
        for lists in counts:
            rng = np.random.default_rng(seed)
            for name, (value, error) in _measures(plan, n, levels, lists, trend, runs, rng).items():
                how = "exact" if error is None else "simulated"
                rows.append((plan.label, n, lists, name, value, error, how))
    return pd.DataFrame(rows, columns=list(_ASSESSMENT)).astype({"error": "float64"})


def _measures(
    plan: Plan, n: int, levels: list[int], lists: int, trend: float, runs: int, rng: np.random.Generator
) -> dict[str, tuple[float, float | None]]:
    """Each measure with its error: simulated, and without one where all walks can be added up."""
    if isinstance(plan, Minimization):
        return _simulate(plan, *_minimization_runs(plan, n, levels, runs, rng), lists, trend)
    simulated = _simulate(plan, *_walks(plan, n, lists, runs, rng), lists, trend)
    return simulated | {name: (value, None) for name, value in _exact(plan, n, lists).items()}


def _exact(plan: RandomizationPlan, n: int, lists: int) -> dict[str, float]:
    """What follows from adding up all walks of a list; nothing if there are too many."""

    start, turns = plan.chain
    ahead = {(start, (0,) * len(plan.ratio)): 1.0}
    right, apart = [0.0], [0.0]
    for _ in range(n):
        after: dict[Any, float] = {}
        next_: dict[tuple[int, ...], list[float]] = {}  # by the patients of each arm so far, which arm comes next
        for (state, counts), chance in ahead.items():
            options = turns(state)
            total = sum(weight for weight, _, _ in options)
            chances = next_.setdefault(counts, [0.0] * len(counts))
            for weight, arm, new in options:
                p = chance * (weight / total)
                chances[arm] += p
                at = (new, (*counts[:arm], counts[arm] + 1, *counts[arm + 1 :]))
                after[at] = after.get(at, 0.0) + p
        ahead = after
        if len(ahead) > _MOST_STATES:
            return {}
        right.append(right[-1] + sum(map(max, next_.values())))
        apart.append(sum(p * _apart(counts, plan.shares) for (_, counts), p in ahead.items()))
    size = _binomial(n, 1 / lists)  # of one stratum
    measures = {"correct guesses": float(lists * (size @ right) / n)}
    return measures | ({"imbalance": apart[-1]} if lists == 1 else {"imbalance within strata": float(size @ apart)})


def _binomial(n: int, p: float) -> np.ndarray:
    """The chances of 0 to n successes."""
    if p == 1:
        return np.eye(n + 1)[n]
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    k = np.arange(n + 1)
    return np.exp(np.array(logs) + k * math.log(p) + (n - k) * math.log1p(-p))


def _apart(counts: tuple[int, ...], shares: tuple[int, ...]) -> float:
    per = [have / share for have, share in zip(counts, shares, strict=True)]
    return max(per) - min(per)


def _walks(plan: RandomizationPlan, n: int, lists: int, runs: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Simulated trials, a row each: arm and list of each patient, and the chance of the arm that was the likeliest."""

    start, turns = plan.chain

    @cache
    def steps(state: Any) -> tuple[float, list[tuple[float, int, Any]]]:
        options, upto, out, each = turns(state), 0, [], [0] * len(plan.ratio)
        total = sum(weight for weight, _, _ in options)
        for weight, arm, after in options:
            upto += weight
            each[arm] += weight
            out.append((upto / total, arm, after))
        return max(each) / total, out

    arms, right = np.empty((runs, n), "int8"), np.empty((runs, n))
    where = rng.integers(lists, size=(runs, n))
    for run in range(runs):
        states, row, likeliest = [start] * lists, [], []
        for at, drawn in zip(where[run].tolist(), rng.random(n).tolist(), strict=True):
            chance, options = steps(states[at])
            likeliest.append(chance)
            for upto, arm, after in options:
                if drawn < upto:
                    states[at] = after
                    row.append(arm)
                    break
        arms[run], right[run] = row, likeliest
    return arms, where, right


def _minimization_runs(
    plan: Minimization, n: int, levels: list[int], runs: int, rng: np.random.Generator
) -> tuple[Any, Any, Any]:
    """The same for minimization."""

    coin = cache(lambda counts: [float(chance) for chance in plan.coin_chances(counts)])
    arms, right = np.empty((runs, n), "int8"), np.empty((runs, n))
    where = np.stack([rng.integers(count, size=(runs, n)) for count in levels], axis=-1)
    for run in range(runs):
        have = [[[0] * len(plan.ratio) for _ in range(count)] for count in levels]
        for i, (at, drawn) in enumerate(zip(where[run].tolist(), rng.random(n).tolist(), strict=True)):
            own = [of[level] for of, level in zip(have, at, strict=True)]
            chances = coin(tuple(_spare(count, plan.shares) for count in own))
            arm = next(a for a in range(len(chances)) if drawn < sum(chances[: a + 1]) or a == len(chances) - 1)
            arms[run, i], right[run, i] = arm, max(chances)
            for count in own:
                count[arm] += 1
    return arms, np.ravel_multi_index(np.moveaxis(where, -1, 0), levels), right


def _spare(counts: list[int], shares: tuple[int, ...]) -> tuple[int, ...]:
    """Counts without what all arms have in the ratio, which no range depends on: few are left to work out."""
    base = min(have // share for have, share in zip(counts, shares, strict=True))
    return tuple(have - base * share for have, share in zip(counts, shares, strict=True))


def _simulate(
    plan: Plan, arms: np.ndarray, where: np.ndarray, right: Any, lists: int, trend: float
) -> dict[str, tuple[float, float | None]]:
    """Each measure's mean and Monte-Carlo standard error."""

    shares, runs = np.array(plan.shares), len(arms)
    got = arms[:, :, None] == np.arange(len(shares))

    def apart(counts: np.ndarray) -> np.ndarray:
        return (counts / shares).max(axis=-1) - (counts / shares).min(axis=-1)

    whole_trial = apart(got.cumsum(axis=1))
    values = {"correct guesses": right.mean(axis=1), "imbalance": whole_trial[:, -1]}
    values["worst imbalance"] = whole_trial.max(axis=1)
    if lists > 1:
        at = (np.arange(runs)[:, None] * lists + where) * len(shares) + arms
        ends = np.bincount(at.ravel(), minlength=runs * lists * len(shares)).reshape(runs, lists, len(shares))
        values["imbalance within strata"] = apart(ends).mean(axis=1)
    values["power"] = _power(got[:, :, 0], got[:, :, -1], shares / shares.sum(), trend)
    return {name: (float(v.mean()), float(v.std() / runs**0.5)) for name, v in values.items()}


def _power(first: np.ndarray, last: np.ndarray, share: np.ndarray, trend: float) -> np.ndarray:
    """Of each simulated trial, the chance that the difference of two means passes 1.96 standard errors.

    Given who got which arm, the drift shifts the difference and widens the spread within the arms.
    """

    n = first.shape[1]
    drift, z = np.linspace(0, trend, n), _NORMAL.inv_cdf(0.975)
    effect = (z + _NORMAL.inv_cdf(0.8)) * (1 / (n * share[0]) + 1 / (n * share[-1])) ** 0.5
    sizes = np.stack([first.sum(axis=1), last.sum(axis=1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.stack([first @ drift, last @ drift]) / sizes
        squares = np.stack([first @ drift**2, last @ drift**2]) - sizes * means**2
        spread = (1 + squares.sum(axis=0) / (sizes.sum(axis=0) - 2)) ** 0.5
        shift = (effect + means[0] - means[1]) / (1 / sizes).sum(axis=0) ** 0.5
        cdf = np.vectorize(_NORMAL.cdf, otypes=[float])
        power = cdf(shift - z * spread) + cdf(-shift - z * spread)
    return np.where((sizes > 0).all(axis=0) & (sizes.sum(axis=0) > 2), power, 0.0)  # nobody to compare
