"""Outcomes of two groups go in, an effect comes out with its interval and with how many it rests on.

An unknown outcome is never dropped in silence: every estimate tells `n` (used) and `missing`. The first group is the
experimental one, the second the control.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtri, stdtr

from ...criteria.protocol import DataError

Cells = tuple[int, int, int, int]
Column = Any
"""A pandas column."""


def risk_difference(cells: Cells | Sequence[Cells], level: float = 0.95, null: float = 0.0) -> dict[str, float]:
    """The difference of two risks with the score interval of Miettinen and Nurminen, stratified or not.

    Args:
        cells: events and participants of the first group, then of the second; or such a row for each stratum, which
            are weighted by n1 * n2 / (n1 + n2) (Mantel-Haenszel).
        level: of the interval.
        null: the difference that z is held against; of a non-inferiority margin, the margin with its sign.

    Returns:
        difference, low, high, z (of `null`, with the variance under it: the pooled one for no difference; 0 where
        nobody or everybody has an event), n, and for one stratum both risks (`first`, `second`). Zero cells are no
        trouble. A stratum with an empty group tells nothing and is left out; `empty` says how many were.

    Source: Miettinen and Nurminen, Statistics in Medicine 4 (1985). `statsmodels` computes another interval.

    >>> found = risk_difference((56, 70, 48, 80))
    >>> [round(found[name], 4) for name in ("difference", "low", "high")]  # Newcombe 1998, method 6
    [0.2, 0.0528, 0.3382]
    """
    rows: Any = [cells] if cells and isinstance(cells[0], int | np.integer) else list(cells)
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

    limit = float(-ndtri((1 - level) / 2))
    known = {"difference": apart, "low": _edge(score, apart, limit, -1), "high": _edge(score, apart, limit, 1)}
    if not -1 < null < 1:
        raise DataError(f"a difference of risks lies between -1 and 1, and so does a margin; {null:g} does not")
    under_null = float((weight**2 * _variance(a, n, b, m, null) * (n + m - 1) / (n + m)).sum())
    known |= {"z": (apart - null) / math.sqrt(under_null) if under_null > 0 else 0.0}
    known |= {"n": int(n.sum() + m.sum()), "empty": len(rows) - len(table)}
    return known | ({"first": float(a[0] / n[0]), "second": float(b[0] / m[0])} if len(rows) == 1 else {})


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
    return float(brentq(lambda delta: min(max(score(delta), -1e6), 1e6) + way * limit, apart, end, xtol=1e-13))  # type: ignore[arg-type]


def odds_ratio(cells: Sequence[Cells], level: float = 0.95) -> dict[str, float]:
    """The common odds ratio of several strata, by Mantel and Haenszel, through statsmodels.

    Args:
        cells: events and participants of the first group, then of the second, a row a stratum.

    Returns:
        odds_ratio, low, high (Robins, Breslow and Greenland), p (Cochran-Mantel-Haenszel, without correction), n. Empty
        where no stratum tells anything.

    >>> round(odds_ratio([(56, 70, 48, 80)])["odds_ratio"], 3)
    2.667
    """
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = [np.array([[a, n - a], [b, m - b]], dtype=float) for a, n, b, m in cells]
    n = int(sum(table.sum() for table in tables))
    told = [table for table in tables if (table.sum(axis=0) > 0).all() and (table.sum(axis=1) > 0).all()]
    if not told:
        return {"odds_ratio": math.nan, "low": math.nan, "high": math.nan, "p": math.nan, "n": n}
    found: Any = StratifiedTable(told)
    low, high = found.oddsratio_pooled_confint(1 - level)
    p = float(found.test_null_odds(correction=False).pvalue)
    return {"odds_ratio": float(found.oddsratio_pooled), "low": float(low), "high": float(high), "p": p, "n": n}


def survival(days: Column, event: Column, group: Column) -> pd.DataFrame:
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


def _complete_rows(days: Column, event: Column, group: Column) -> Column:
    """The rows of which all three are known.

    Raises:
        DataError: columns of different rows, or a negative number of days.
    """
    if not (days.index.equals(event.index) and days.index.equals(group.index)):
        raise DataError("days, event and group are of different rows (their indexes differ); take them from one frame")
    if (negative := days < 0).any():
        raise DataError(f"{int(negative.sum())} durations are negative, the first {days[negative].iloc[0]:g} days")
    return days.notna() & event.notna() & group.notna()


def log_rank(days: Column, event: Column, group: Column) -> dict[str, float]:
    """The log-rank test of two groups, through lifelines.

    Args:
        days, event, group: as for `survival`.

    Returns:
        z (without a sign: the curves tell who did better), p, events (a quarter of them is the information), n,
        missing.

    Raises:
        DataError: not two groups, columns of different rows, or a negative number of days.
    """
    from lifelines.statistics import multivariate_logrank_test

    known = _complete_rows(days, event, group)
    if group[known].nunique() != 2:
        raise DataError(f"a log-rank test needs two groups; here are {group[known].nunique()}")
    found = multivariate_logrank_test(days[known].astype(float), group[known], event[known].astype(bool))
    told = {"z": math.sqrt(float(found.test_statistic)), "p": float(found.p_value)}
    return told | {"events": int(event[known].sum()), "n": int(known.sum()), "missing": int((~known).sum())}


def ancova(
    value: Column, group: Column, baseline: Column | None, experimental: Any, level: float = 0.95, null: float = 0.0
) -> dict[str, float]:
    """The difference of two means of one measurement, adjusted for its baseline, with robust errors (HC3) and t.

    Args:
        value: at the end; baseline: at the start, None where nobody has one; group: who belongs where, `experimental`
            held against all others.
        level: of the interval.
        null: the difference that p and z are held against.

    Returns:
        difference, low, high, p (of two sides), z (of the same p), n, missing (an unknown one of the three takes no
        part).

    Source: Vickers and Altman, BMJ 323 (2001); Long and Ervin, American Statistician 54 (2000) for HC3.
    """
    from statsmodels.regression.linear_model import OLS

    known = value.notna() & group.notna() & (True if baseline is None else baseline.notna())
    if (group[known] == experimental).nunique() != 2:
        raise DataError("an analysis of covariance needs two groups with known values")
    columns = [np.ones(int(known.sum())), group[known] == experimental]
    columns += [] if baseline is None else [baseline[known]]
    fitted = OLS(value[known].to_numpy(float), np.column_stack(columns).astype(float)).fit(cov_type="HC3", use_t=True)
    low, high = fitted.conf_int(1 - level)[1]
    apart, se, freedom = float(fitted.params[1]), float(fitted.bse[1]), float(fitted.df_resid)
    t = (apart - null) / se if se > 0 else 0.0
    tail = float(stdtr(freedom, -abs(t)))
    told = {"difference": apart, "low": float(low), "high": float(high), "p": 2 * tail}
    z = math.copysign(float(-ndtri(tail)) if tail > 0 else abs(t), t)
    return told | {"z": z, "n": int(known.sum()), "missing": int((~known).sum())}
