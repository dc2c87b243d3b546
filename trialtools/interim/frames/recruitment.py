"""A look goes in; how screening and randomization went comes out, by day and by site, and what may follow."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..data.tables import Frame
from ..lookdata import UNKNOWN, LookData, with_reason

_DRAWS = 4000
_FAN = {"low90": 5, "low50": 25, "median": 50, "high50": 75, "high90": 95}
_FAR = 0.98
"""The fan is drawn up to where so many of the futures are there: past its 95 %, which is of draws of its own."""
_MONTHS = 36
"""Rows of a table by month at most."""
_LONGEST = 3650
"""Days to look ahead: where the target is farther off than this, there is no saying when it is reached."""


def accrual(look: LookData) -> Frame:
    """How many had been screened and randomized by each day, at each site and in all.

    Columns: site ("" for all), day, screened (empty without a screening log), randomized (both so far). A day that is
    unknown cannot be placed: such people are missing here, and the findings of the data count them.
    """
    subjects = look.trial.subjects
    parts = []
    for site in ["", *sorted(subjects["site"].dropna().unique())]:
        own = subjects if not site else subjects[subjects["site"] == site]
        per_day = {name: own[f"{name}_on"].dropna().value_counts() for name in ("screened", "randomized")}
        frame: Frame = pd.DataFrame(per_day).sort_index().fillna(0).cumsum().astype(int)
        parts.append(frame.rename_axis("day").reset_index().assign(site=site))
    frame = pd.concat(parts, ignore_index=True)[["site", "day", "screened", "randomized"]]
    if not look.screening_log:
        frame = frame.assign(screened=math.nan)
    return with_reason(frame, "Not collected: no day of randomization is known.")


def accrual_by_month(look: LookData) -> Frame:
    """How many were screened and randomized in each month, and so far: month, screened, randomized, so_far.

    Screened is empty without a screening log. Of more than three years, by quarter.
    """
    days = accrual(look)
    every = days[days["site"] == ""].set_index("day")[["screened", "randomized"]]
    if every.empty:
        return with_reason(None, days.attrs["why"])
    months = every.index.to_period("M")
    if months.nunique() > _MONTHS:
        months = every.index.to_period("Q")
    last = every.groupby(months).last()
    last = last.reindex(pd.period_range(last.index[0], last.index[-1], freq=last.index.freq)).ffill()
    each = last.diff().fillna(last.iloc[:1])
    return each.assign(so_far=last["randomized"]).rename_axis("month").reset_index().astype({"month": "str"})


def accrual_forecast(look: LookData, seed: int = 1) -> Frame:
    """How many may be randomized by each day to come: quantiles of a prediction that lets every site have its own rate.

    Args:
        look: a site counts from its first screening on.
        seed: of the 4,000 simulated futures.

    Columns: day, low90, low50, median, high50, high90 (so far, at most the target). Empty where nobody was randomized,
    there is no target, or it is reached.

    Source: Anisimov and Fedorov, Statistics in Medicine 26 (2007): rates of sites are gamma distributed, arrivals
    Poisson; shape and rate by moments from what the sites have done. Where the sites do not differ beyond chance, each
    site's own count alone says how fast it is.
    """
    subjects, target, nothing = look.trial.subjects, look.target, pd.DataFrame(columns=["day", *_FAN])
    entered = subjects[subjects["randomized_on"].notna()]
    have, end = len(entered), pd.Timestamp(look.cutoff)
    if target is None:
        return with_reason(nothing, "No target is declared for one site alone.")
    if not have or have >= target or pd.isna(end):
        return with_reason(nothing, "The target is reached." if have >= target else "Not collected.")
    opened = subjects.groupby(subjects["site"].fillna(""))["screened_on"].min()
    days = (end - opened.fillna(end)).dt.days.clip(lower=0).to_numpy() + 1.0
    count = entered.groupby(entered["site"].fillna("")).size().reindex(opened.index, fill_value=0).to_numpy(float)
    shape, rate = _gamma(count, days)
    generator = np.random.default_rng(seed)
    speed = generator.gamma(shape + count, 1 / (rate + days), size=(_DRAWS, len(days))).sum(axis=1)
    needed = generator.gamma(target - have, 1 / speed)  # the day on which the target is reached
    last = min(_LONGEST, math.ceil(float(np.quantile(needed, _FAR))))
    ahead = np.unique(np.linspace(0, last, num=min(last + 1, 60)).astype(int))
    steps = generator.poisson(speed[:, None] * np.diff(ahead, prepend=0)[None, :]).cumsum(axis=1)
    fan = np.percentile(np.minimum(have + steps, target), list(_FAN.values()), axis=0)
    shown = int((fan[0] < target).sum()) + 1  # up to the day on which the slowest of its quantiles is there
    ahead, fan = ahead[:shown], fan[:, :shown]
    return pd.DataFrame({"day": end + pd.to_timedelta(ahead, unit="D"), **dict(zip(_FAN, fan, strict=True))})


def _gamma(count: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, float]:
    """Shape and rate of what the speeds of sites are drawn from; each site's own count comes on top."""
    mean = count.sum() / days.sum()
    spread = float((((count / days - mean) ** 2 - mean / days) * days).sum() / days.sum()) if len(count) > 1 else 0.0
    if spread <= 0:  # sites do not differ beyond chance, or there is one
        return np.full(len(count), 1e-9), 0.0
    return np.full(len(count), mean**2 / spread), mean / spread


def sites(look: LookData) -> Frame:
    """A row a site: screened, eligible, randomized, screened for one randomized, first and last day of randomization.

    Columns: site, screened, randomized, ratio, first, last. Without a screening log nobody knows how many were
    screened. Subjects without a site are in the row "unknown".
    """
    subjects = look.trial.subjects
    frame = subjects.groupby(subjects["site"].fillna(UNKNOWN)).agg(
        screened=("subject_id", "size"),
        randomized=("randomized", "sum"),
        first=("randomized_on", "min"),
        last=("randomized_on", "max"),
    )
    if not look.screening_log:
        frame = frame.assign(screened=math.nan)
    ratio = frame["screened"] / frame["randomized"].where(frame["randomized"] > 0)
    frame.insert(2, "ratio", ratio)
    return frame.rename_axis("site").reset_index()
