"""Outcomes of two groups go in, an effect comes out with its interval and with how many it rests on.

An unknown outcome is never dropped in silence: every estimate tells `n` (used) and `missing`, or refuses it. The first
group is the experimental one, the second the control.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ...criteria.protocol import DataError

_Cells = tuple[int, int, int, int]
_Column = Any
"""A pandas column."""


def risk_difference(cells: _Cells | Sequence[_Cells], level: float = 0.95, null: float = 0.0) -> dict[str, float]:
    """The difference of two risks with the score interval of Miettinen and Nurminen, stratified or not.

    Args:
        cells: events and participants of the first group, then of the second; or such a row for each stratum, which
            are weighted by n1 * n2 / (n1 + n2) (Mantel-Haenszel).
        level: of the interval.
        null: the difference that z is held against; of a non-inferiority margin, the margin with its sign.

    Returns:
        difference, low, high, z (of `null`, with the variance under it: the pooled one for no difference; 0 where
        nobody or everybody has an event) and n. Zero cells are no trouble. A stratum with an empty group tells nothing
        and is left out; `empty` says how many were.

    Source: Miettinen and Nurminen, Statistics in Medicine 4 (1985). `statsmodels` computes another interval.

    >>> found = risk_difference((56, 70, 48, 80))
    >>> [round(found[name], 4) for name in ("difference", "low", "high")]  # Newcombe 1998, method 6
    [0.2, 0.0528, 0.3382]
    """
    rows: Any = [cells] if cells and isinstance(cells[0], int | np.integer) else cells
    return dict(_risk_difference(tuple(tuple(row) for row in rows), level, null))


@lru_cache(4096)  # one report asks for the same tables again and again: page 1, contents, sections
def _risk_difference(rows: tuple[_Cells, ...], level: float, null: float) -> dict[str, float]:
    for a, n, b, m in rows:
        if not (0 <= a <= n and 0 <= b <= m):
            raise DataError(f"{a} of {n} and {b} of {m} are no events of participants")
    table = np.array([row for row in rows if row[1] and row[3]], dtype=float)
    if not len(table):
        raise DataError("a group has nobody with the outcome known, so there is no difference")
    a, n, b, m = table.T
    weight = n * m / (n + m) / (n * m / (n + m)).sum()
    apart = float((weight * (a / n - b / m)).sum())

    def score(delta: float) -> float:
        variance = float((weight**2 * _variance(a, n, b, m, delta)).sum())
        if variance <= 0:
            return 0.0 if math.isclose(apart, delta, abs_tol=1e-12) else math.copysign(math.inf, apart - delta)
        return (apart - delta) / math.sqrt(variance)

    limit = float(-scipy.special.ndtri((1 - level) / 2))
    known = {"difference": apart, "low": _edge(score, apart, limit, -1), "high": _edge(score, apart, limit, 1)}
    if not -1 < null < 1:
        raise DataError(f"a difference of risks lies between -1 and 1, and so does a margin; {null:g} does not")
    under_null = float((weight**2 * _variance(a, n, b, m, null) * (n + m - 1) / (n + m)).sum())
    known |= {"z": (apart - null) / math.sqrt(under_null) if under_null > 0 else 0.0}
    return known | {"n": int(n.sum() + m.sum()), "empty": len(rows) - len(table)}


def _variance(a: np.ndarray, n: np.ndarray, b: np.ndarray, m: np.ndarray, delta: float) -> np.ndarray:
    """The variance of each stratum's difference at the likeliest risks that differ by delta."""
    total = n + m
    c3, c2 = total, (n + 2 * m) * delta - total - a - b
    c1, c0 = (m * delta - total - 2 * b) * delta + a + b, b * delta * (1 - delta)
    # the second risk is the root of a cubic that lies within its bounds (appendix I of the paper)
    q = c2**3 / (3 * c3) ** 3 - c1 * c2 / (6 * c3**2) + c0 / (2 * c3)
    p = np.sqrt(np.maximum(c2**2 / (3 * c3) ** 2 - c1 / (3 * c3), 0.0)) * np.where(q < 0, -1.0, 1.0)
    turn = np.divide(q, p**3, out=np.zeros_like(q), where=p != 0)
    angle = (np.pi + np.arccos(np.clip(turn, -1.0, 1.0))) / 3
    second = np.clip(2 * p * np.cos(angle) - c2 / (3 * c3), max(0.0, -delta), min(1.0, 1.0 - delta))
    first = np.clip(second + delta, 0.0, 1.0)
    return (first * (1 - first) / n + second * (1 - second) / m) * total / (total - 1)


def _edge(score: Any, apart: float, limit: float, way: int) -> float:
    """The farthest difference that is not rejected, on one side; the end of the scale where all of them are kept."""
    end = way * (1 - 1e-12)
    if abs(score(end)) <= limit or math.isclose(apart, way):
        return float(way)

    def beyond(delta: float) -> float:
        return min(max(score(delta), -1e6), 1e6) + way * limit

    return float(scipy.optimize.brentq(beyond, apart, end, xtol=1e-13))


def survival(days: _Column, event: _Column, group: _Column) -> pd.DataFrame:
    """Kaplan-Meier curves, a row a group and day on which anything happens, through lifelines.

    Args:
        days: from randomization to the event, or to the last day known.
        event: whether it happened; group: who belongs where. An unknown one of the three takes no part; `missing` says
            how many.

    Columns: group, day, at_risk, events, survival, low, high (95 %, on the log-log scale), n, missing.

    Raises:
        DataError: columns of different rows, or a negative number of days.
    """
    from lifelines import KaplanMeierFitter

    known = _complete_rows(days, event, group)
    frames = []
    for name in sorted(group[known].unique()):
        own = known & (group == name)
        fitted = KaplanMeierFitter().fit(days[own].astype(float), event[own].astype(bool))
        frame = fitted.event_table[["at_risk", "observed"]].reset_index(drop=True)
        frame.columns = ["at_risk", "events"]
        frame.insert(0, "day", fitted.event_table.index.to_numpy())
        frame.insert(0, "group", name)
        limits = fitted.confidence_interval_.to_numpy()
        frame["survival"], frame["low"], frame["high"] = fitted.survival_function_.to_numpy()[:, 0], *limits.T
        frames.append(frame.assign(n=int(own.sum()), missing=int((~known).sum())))
    columns = ["group", "day", "at_risk", "events", "survival", "low", "high", "n", "missing"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _complete_rows(days: _Column, event: _Column, group: _Column) -> _Column:
    """The rows with all three known.

    Raises:
        DataError: columns of different rows, or a negative number of days.
    """
    if not (days.index.equals(event.index) and days.index.equals(group.index)):
        raise DataError("days, event and group are of different rows (their indexes differ); take them from one frame")
    if (negative := days < 0).any():
        raise DataError(f"{int(negative.sum())} durations are negative, the first {days[negative].iloc[0]:g} days")
    return days.notna() & event.notna() & group.notna()


def ancova(
    value: _Column,
    first: _Column,
    baseline: _Column | None = None,
    stratum: _Column | None = None,
    level: float = 0.95,
    null: float = 0.0,
) -> dict[str, float]:
    """The difference of two means of one measurement, adjusted for its baseline, with robust errors (HC3) and t.

    Args:
        value: at the end; first: whether in the first group, the experimental one.
        baseline: the measurement at the start; None where nobody has one.
        stratum: each has a mean of its own; without one, all have the same.
        level: of the interval.
        null: the difference that p and z are held against.

    Returns:
        difference, low, high, p (of two sides), z (of the same p), n, missing (an unknown one of these takes no part).

    Source: Vickers and Altman, BMJ 323 (2001); Long and Ervin, American Statistician 54 (2000) for HC3.
    """
    from statsmodels.regression.linear_model import OLS

    there = [column for column in (value, first, baseline, stratum) if column is not None]
    known: Any = pd.concat(there, axis="columns").notna().all(axis="columns")
    if first[known].nunique() != 2:
        raise DataError("an analysis of covariance needs two groups with known values")
    columns = [np.ones(int(known.sum())), first[known]]
    columns += [] if baseline is None else [baseline[known]]
    columns += [] if stratum is None else [stratum[known] == name for name in stratum[known].unique()[1:]]
    fitted = OLS(value[known].to_numpy(float), np.column_stack(columns).astype(float)).fit(cov_type="HC3", use_t=True)
    low, high = fitted.conf_int(1 - level)[1]
    apart, se, freedom = float(fitted.params[1]), float(fitted.bse[1]), float(fitted.df_resid)
    t = (apart - null) / se if se > 0 else 0.0
    tail = float(scipy.special.stdtr(freedom, -abs(t)))
    estimate = {"difference": apart, "low": float(low), "high": float(high), "p": 2 * tail}
    z = math.copysign(float(-scipy.special.ndtri(tail)) if tail > 0 else abs(t), t)
    return estimate | {"z": z, "n": int(known.sum()), "missing": int((~known).sum())}


_FARTHEST = 25.0
"""A log hazard ratio beyond it is none: one group has no event, or the other has all of them first."""


def log_hazard_ratio(
    days: _Column,
    event: _Column,
    first: _Column,
    stratum: _Column | None = None,
    level: float = 0.95,
    null: float = 0.0,
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

    limit = float(-scipy.special.ndtri((1 - level) / 2))
    estimate = {"difference": _where(lambda ratio: _score(risk, ratio)[0])}
    estimate |= {"low": _where(lambda ratio: z(ratio) - limit), "high": _where(lambda ratio: z(ratio) + limit)}
    return estimate | {"z": z(null), "events": int(event.sum()), "n": len(days)}


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
    if falling(_FARTHEST) >= 0:
        return math.inf
    return float(scipy.optimize.brentq(falling, -_FARTHEST, _FARTHEST, xtol=1e-12))


def win_probability(
    value: _Column, first: _Column, stratum: _Column | None = None, level: float = 0.95, null: float = 0.0
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
    low, high = _interval(apart + 0.5, math.sqrt(free or under), float(-scipy.special.ndtri((1 - level) / 2)))
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
    low, high = scipy.special.expit(scipy.special.logit(chance) + np.array([-half, half]))
    return float(low), float(high)
