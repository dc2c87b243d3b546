"""Times to an event of two groups go in, the ratio of their hazards comes out: the log-rank test and Cox's estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from ...criteria.protocol import DataError

_FARTHEST = 25.0
"""A log hazard ratio beyond it is none: one group has no event, or the other has all of them first."""
Column = Any
"""A pandas column."""


def log_hazard_ratio(
    days: Column, event: Column, first: Column, stratum: Column | None = None, level: float = 0.95, null: float = 0.0
) -> dict[str, float]:
    """The logarithm of the hazard ratio of two groups, with the interval of the score test, stratified or not.

    Args:
        days: from randomization to the event, or to the last day known without.
        event: whether it happened; first: whether in the first group, the experimental one.
        stratum: everybody is held against those of their own stratum; without one, against all.
        level: of the interval.
        null: the log ratio that z is held against; of a non-inferiority margin, its logarithm with its sign.

    Returns:
        difference (Cox's estimate of the log ratio, ties after Breslow; -inf or inf where one group has no event), low,
        high, z (of `null`, above 0 where the first group has more events; of no difference it is the log-rank test),
        events, n. An interval excludes a ratio where the test against that ratio rejects it.

    Raises:
        DataError: something is unknown.

    Source: Mantel, Cancer Chemotherapy Reports 50 (1966); Cox, JRSS B 34 (1972); Breslow, Biometrics 30 (1974).

    >>> import pandas as pd
    >>> days, event = pd.Series([5.0, 8.0, 9.0, 4.0, 6.0, 7.0]), pd.Series([1, 0, 1, 1, 1, 1]).astype(bool)
    >>> found = log_hazard_ratio(days, event, pd.Series([True] * 3 + [False] * 3))
    >>> round(math.exp(found["difference"]), 3), found["events"]
    (0.248, 5)
    """
    if days.isna().any() or event.isna().any() or first.isna().any():
        raise DataError(
            "a hazard ratio needs days, event and group of everybody; leave out whoever lacks one, and say so"
        )
    groups = np.zeros(len(days)) if stratum is None else stratum.astype("str").to_numpy()
    risk = _at_risk(days.to_numpy(float), event.to_numpy(bool), first.to_numpy(bool), groups)

    def z(ratio: float) -> float:
        score, variance = _score(risk, ratio)
        return score / math.sqrt(variance) if variance > 0 else 0.0

    limit = float(-ndtri((1 - level) / 2))
    known = {"difference": _where(lambda ratio: _score(risk, ratio)[0])}
    known |= {"low": _where(lambda ratio: z(ratio) - limit), "high": _where(lambda ratio: z(ratio) + limit)}
    return known | {"z": z(null), "events": int(event.sum()), "n": len(days)}


def _at_risk(days: np.ndarray, event: np.ndarray, first: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """A row a stratum and day with an event: events in the first group, in both, and at risk in each."""
    rows = []
    for name in np.unique(groups):
        own = groups == name
        d, e, f = days[own], event[own], first[own]
        for day in np.unique(d[e]):
            there, hit = d >= day, e & (d == day)
            rows.append((int((hit & f).sum()), int(hit.sum()), int((there & f).sum()), int((there & ~f).sum())))
    return np.array(rows, dtype=float).reshape(-1, 4)


def _score(risk: np.ndarray, ratio: float) -> tuple[float, float]:
    """Observed less expected events of the first group at a log hazard ratio, and its variance (hypergeometric)."""
    hit, hits, n, m = risk.T
    share = n / (n + m * math.exp(-ratio))
    spread = share * (1 - share) * hits * (n + m - hits) / np.maximum(n + m - 1, 1)
    return float((hit - hits * share).sum()), float(spread.sum())


def _where(falling: Callable[[float], float]) -> float:
    """Where a falling function of the log ratio is zero; -inf or inf where it is not."""
    if falling(-_FARTHEST) <= 0:
        return -math.inf
    return math.inf if falling(_FARTHEST) >= 0 else float(brentq(falling, -_FARTHEST, _FARTHEST, xtol=1e-12))  # type: ignore[arg-type]
