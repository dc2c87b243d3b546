"""Plans go in, what each would do to a trial comes out, before the first patient: balance, predictability, power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ..protocol import DataError
from .choose import SITE
from .minimization import Minimization
from .plans import Plan, whole

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST = 5_000
"""States, of list and patients by arm together, up to which all walks are added up rather than simulated."""
COLUMNS = ("procedure", "n", "strata", "measure", "value", "error", "how")


def assess(
    plans: Plan | Minimization | Sequence[Plan | Minimization],
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

    Measures: `correct guesses`, the share right of somebody who knows the earlier arms of the stratum and always
    guesses the arm that is furthest behind its share, by chance between equals (of minimization: the likeliest arm,
    knowing everything). `imbalance` at the end of the trial, and `worst imbalance` on the way, in patients per share
    of the ratio between the arms that are furthest apart; `imbalance within strata` at the end. `power` to find,
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

    >>> made = assess(Plan("permuted_blocks", (("A", 1), ("B", 1)), sizes=(4,)), n=100, runs=50)
    >>> made.loc[made["measure"] == "correct guesses", ["value", "how"]].round(3).to_numpy().tolist()
    [[0.708, 'exact']]
    """
    import numpy as np
    import pandas as pd

    for name, given in (("n", n), ("sites", sites), ("runs", runs), ("strata", 1 if strata is None else strata)):
        if not whole(given):
            raise DataError(f"{name} is {given}; expected a whole number above 0")
    rows = []
    for plan in [plans] if isinstance(plans, Plan | Minimization) else plans:
        levels = [sites if condition == SITE else 2 for condition in plan.strata]
        lists = math.prod(levels) if strata is None or isinstance(plan, Minimization) else strata
        for count in sorted({lists} if isinstance(plan, Minimization) else {1, lists}):
            rng = np.random.default_rng(seed)
            if isinstance(plan, Minimization):
                arms, where, right = _minimized(plan, n, levels, runs, rng)
            else:
                arms, where = _walks(plan, n, count, runs, rng)
                right = None
            found = _simulated(plan, arms, where, right, count, trend)
            if isinstance(plan, Plan) and (exact := _exact(plan, n, count)):
                found |= {name: (value, None) for name, value in exact.items()}
            rows += [
                (plan.label, n, count, name, value, error, "exact" if error is None else "simulated")
                for name, (value, error) in found.items()
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"error": "float64"})


def _exact(plan: Plan, n: int, lists: int) -> dict[str, float] | None:
    """What follows from adding up all walks of a list; None if there are too many."""
    import numpy as np
    from scipy.stats import binom

    start, turns = plan.chain
    ahead = {(start, (0,) * len(plan.ratio)): 1.0}
    right, apart = [0.0], [0.0]
    for _ in range(n):
        after: dict[Any, float] = {}
        share = 0.0
        for (state, counts), chance in ahead.items():
            options, best = turns(state), _behind(counts, plan.shares)
            total = sum(weight for weight, _, _ in options)
            for weight, arm, new in options:
                p = chance * (weight / total)
                share += p / len(best) if arm in best else 0.0
                at = (new, (*counts[:arm], counts[arm] + 1, *counts[arm + 1 :]))
                after[at] = after.get(at, 0.0) + p
        ahead = after
        if len(ahead) > MOST:
            return None
        right.append(right[-1] + share)
        apart.append(sum(p * _apart(counts, plan.shares) for (_, counts), p in ahead.items()))
    size = binom.pmf(np.arange(n + 1), n, 1 / lists)  # of one stratum
    found = {"correct guesses": float(lists * (size @ right) / n)}
    return found | ({"imbalance": apart[-1]} if lists == 1 else {"imbalance within strata": float(size @ apart)})


@cache
def _behind(counts: tuple[int, ...], shares: tuple[int, ...]) -> tuple[int, ...]:
    """The arms that would be furthest behind their share after one more patient."""
    lack = [(sum(counts) + 1) * share - have * sum(shares) for have, share in zip(counts, shares, strict=True)]
    return tuple(arm for arm, missing in enumerate(lack) if missing == max(lack))


def _apart(counts: tuple[int, ...], shares: tuple[int, ...]) -> float:
    per = [have / share for have, share in zip(counts, shares, strict=True)]
    return max(per) - min(per)


def _walks(plan: Plan, n: int, lists: int, runs: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Simulated trials: arm and list of each patient, a row a trial."""
    import numpy as np

    start, turns = plan.chain

    @cache
    def steps(state: Any) -> list[tuple[float, int, Any]]:
        options, upto, out = turns(state), 0, []
        total = sum(weight for weight, _, _ in options)
        for weight, arm, after in options:
            upto += weight
            out.append((upto / total, arm, after))
        return out

    arms, where = np.empty((runs, n), "int8"), rng.integers(lists, size=(runs, n))
    for run in range(runs):
        states, row = [start] * lists, []
        for at, drawn in zip(where[run].tolist(), rng.random(n).tolist(), strict=True):
            for upto, arm, after in steps(states[at]):
                if drawn < upto:
                    states[at] = after
                    row.append(arm)
                    break
        arms[run] = row
    return arms, where


def _minimized(plan: Minimization, n: int, levels: list[int], runs: int, rng: np.random.Generator) -> tuple:
    """The same for minimization, and how often the likeliest arm comes."""
    import numpy as np

    coin = cache(lambda counts: [float(chance) for chance in plan.favoured(counts)])
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


def _simulated(
    plan: Plan | Minimization, arms: np.ndarray, where: np.ndarray, right: Any, lists: int, trend: float
) -> dict[str, tuple[float, float | None]]:
    """Each measure's mean and Monte-Carlo standard error."""
    import numpy as np

    shares, (runs, n) = np.array(plan.shares), arms.shape
    got = arms[:, :, None] == np.arange(len(shares))

    def apart(counts: np.ndarray) -> np.ndarray:
        return (counts / shares).max(axis=-1) - (counts / shares).min(axis=-1)

    guessed, within = np.zeros((runs, n)), np.zeros(runs)
    for at in range(lists):
        here = (where == at)[:, :, None] & got
        counts = here.cumsum(axis=1)
        within += apart(counts[:, -1]) / lists
        before = counts - here
        lack = (before.sum(axis=-1, keepdims=True) + 1) * shares - before * shares.sum()
        best = lack == lack.max(axis=-1, keepdims=True)
        guessed += (best & here).sum(axis=-1) / best.sum(axis=-1)
    whole_trial = apart(got.cumsum(axis=1))
    found = {"correct guesses": (guessed if right is None else right).mean(axis=1), "imbalance": whole_trial[:, -1]}
    found |= {"worst imbalance": whole_trial.max(axis=1)} | ({"imbalance within strata": within} if lists > 1 else {})
    found["power"] = _power(got[:, :, 0], got[:, :, -1], shares / shares.sum(), trend)
    return {name: (float(v.mean()), float(v.std() / runs**0.5)) for name, v in found.items()}


def _power(first: np.ndarray, last: np.ndarray, share: np.ndarray, trend: float) -> np.ndarray:
    """Of each simulated trial, the chance that the difference of two means passes 1.96 standard errors.

    Given who got which arm, the drift shifts the difference and widens the spread within the arms.
    """
    import numpy as np
    from scipy.stats import norm

    n = first.shape[1]
    drift, z = np.linspace(0, trend, n), norm.ppf(0.975)
    effect = (z + norm.ppf(0.8)) * (1 / (n * share[0]) + 1 / (n * share[-1])) ** 0.5
    sizes = np.stack([first.sum(axis=1), last.sum(axis=1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.stack([first @ drift, last @ drift]) / sizes
        squares = np.stack([first @ drift**2, last @ drift**2]) - sizes * means**2
        spread = (1 + squares.sum(axis=0) / (sizes.sum(axis=0) - 2)) ** 0.5
        shift = (effect + means[0] - means[1]) / (1 / sizes).sum(axis=0) ** 0.5
        found = norm.cdf(shift - z * spread) + norm.cdf(-shift - z * spread)
    return np.where((sizes > 0).all(axis=0) & (sizes.sum(axis=0) > 2), found, 0.0)  # nobody to compare
