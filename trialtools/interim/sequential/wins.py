"""Ordered outcomes of two groups go in, the win probability comes out: Wilcoxon's test and the interval beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtri

from ...criteria.protocol import DataError

Column = Any
"""A pandas column."""


def win_probability(
    value: Column, first: Column, stratum: Column | None = None, level: float = 0.95, null: float = 0.0
) -> dict[str, float]:
    """How often the first of two participants, one of each group, has the higher outcome; ties count half.

    Args:
        value: an ordered outcome, the better the higher; first: whether in the first group, the experimental one.
        stratum: everybody is held against those of their own stratum, strata weighted by n * m / (n + m + 1).
        level: of the interval.
        null: the difference that z is held against; of a non-inferiority margin, the margin with its sign.

    Returns:
        difference (the win probability less one half, so that 0 is no difference), low, high (by the placements, on the
        scale of the logit), z (of no difference Wilcoxon's test, for strata van Elteren's, corrected for ties), n (in
        strata with both groups).

    Raises:
        DataError: something is unknown, or no stratum has both groups.

    Source: van Elteren, Bulletin of the ISI 37 (1960); DeLong and others, Biometrics 44 (1988).

    >>> import pandas as pd
    >>> found = win_probability(pd.Series([3, 3, 2, 1, 2, 1]), pd.Series([True] * 3 + [False] * 3))
    >>> round(found["difference"] + 0.5, 4)
    0.9444
    """
    if value.isna().any() or first.isna().any():
        raise DataError("a win probability needs the outcome of everybody; leave out whoever lacks one, and say so")
    groups = np.zeros(len(value)) if stratum is None else stratum.astype("str").to_numpy()
    x, own = value.to_numpy(float), first.to_numpy(bool)
    parts = [_wins(x[(groups == g) & own], x[(groups == g) & ~own]) for g in np.unique(groups)]
    table = np.array([part for part in parts if part is not None])
    if not len(table):
        raise DataError("a group has nobody with the outcome known, so there is no win probability")
    chance, chance_null, spread, n, m = table.T
    weight = n * m / (n + m + 1) / (n * m / (n + m + 1)).sum()
    apart = float(weight @ chance) - 0.5
    free, under = float(weight**2 @ spread), float(weight**2 @ chance_null)
    variance = free if null and free > 0 else under
    z = (apart - null) / math.sqrt(variance) if variance > 0 else 0.0
    low, high = _interval(apart + 0.5, math.sqrt(free or under), float(-ndtri((1 - level) / 2)))
    return {"difference": apart, "low": low - 0.5, "high": high - 0.5, "z": z, "n": int((n + m).sum())}


def _wins(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float, int, int] | None:
    """The chance to win in one stratum, its variance without a difference and by the placements, and who is there."""
    n, m = len(first), len(second)
    if not n or not m:
        return None
    won = (np.sign(first[:, None] - second[None, :]) + 1) / 2
    total, ties = n + m, np.unique(np.concatenate([first, second]), return_counts=True)[1]
    under = (total + 1 - (ties**3 - ties).sum() / (total * (total - 1))) / (12 * n * m)
    spread = under
    if min(n, m) > 1:
        spread = won.mean(axis=1).var(ddof=1) / n + won.mean(axis=0).var(ddof=1) / m
    return float(won.mean()), float(under), float(spread), n, m


def _interval(chance: float, se: float, limit: float) -> tuple[float, float]:
    """On the scale of the logit, within 0 and 1; where everybody wins or loses, on that of the chance itself."""
    if not se:
        return chance, chance
    if not 0 < chance < 1:
        return max(chance - limit * se, 0.0), min(chance + limit * se, 1.0)
    half = limit * se / (chance * (1 - chance))
    return float(expit(logit(chance) - half)), float(expit(logit(chance) + half))
