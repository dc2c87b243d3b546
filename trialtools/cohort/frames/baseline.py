"""A screening goes in; who the patients are comes out, group by group, with what is not known of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ..patterns import ScreeningData
from .groups import UNKNOWN, Groups, counts, decided, groups, usual

BASELINE = ("variable", "label", "unit", "level", "group", "n", "of", "mean", "sd", "median", "q1", "q3", "smd")


def baseline(screening: ScreeningData, by: str = "decision", fields: Sequence[str] | None = None) -> pd.DataFrame:
    """Who the patients are: a row a variable, level and group; what is unknown is a level of its own.

    Args:
        screening: its patients are counted in their own engine.
        by: what tells the groups apart: `decision`, or a field.
        fields: which variables; by default age, sex and other categories, chronic conditions, and the numbers that the
            protocol asks for.

    Columns: variable, label, unit, level (empty for a number that is known), group, n (patients), of (the group), mean,
    sd, median, q1, q3 (of a number; empty otherwise), smd. No p-values: what differs by chance is not worth a test,
    and what differs by design needs none (CONSORT 2025).

    `smd` is the largest standardized difference between any two groups, of those who are known: means or shares over
    the root of the mean variance (Austin, Statistics in Medicine 28, 2009), for several levels the distance of Yang and
    Dalton (SAS Global Forum 335, 2012). In the row of `unknown` it is that of being unknown. Empty where there is only
    one group, or no spread.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.baseline(fields=["sex"])
    >>> frame.query("level == 'female'")[["group", "n", "of"]].values.tolist()[0]
    ['eligible', 23, 51]
    """

    protocol = screening.protocol
    among = decided(protocol) if by == "decision" else groups(protocol, by)
    wanted = _usual(screening, by) if fields is None else fields
    rows = [row for name in wanted for row in _variable(screening, among, name)]
    return pd.DataFrame(rows, columns=list(BASELINE))


def _usual(screening: ScreeningData, by: str) -> list[str]:
    protocol = screening.protocol
    numbers = [name for name in protocol.used if protocol.fields[name].type in ("number", "integer")]
    known = {*usual(protocol), *numbers} - {*screening.patients.absent, by}
    return [name for name in protocol.fields if name in known]


def _variable(screening: ScreeningData, among: Groups, name: str) -> list[dict[str, Any]]:
    field = screening.protocol.fields[name]
    if field.type in ("number", "integer"):
        return _rows(name, field, among, *_numbers(counts(screening, among, name, [name]), len(among.names)))
    grouping = groups(screening.protocol, name)
    found = counts(screening, among, grouping.code, [name])
    table = np.zeros((len(grouping.names), len(among.names)), dtype="int64")
    table[found["value"].to_numpy(), found["group"].to_numpy()] = found["n"].to_numpy()
    return _rows(name, field, among, table, grouping.names, {}, levels_apart(table[:-1]))


def _numbers(found: pl.DataFrame, of: int) -> tuple[np.ndarray, tuple[str, ...], dict[str, list[float]], float]:
    """Known and unknown by group, the summaries of each group, and the standardized difference."""
    table = np.zeros((2, of), dtype="int64")
    told: dict[str, list[float]] = {name: [math.nan] * of for name in ("mean", "sd", "median", "q1", "q3")}
    for group in range(of):
        own = found.filter(found["group"] == group).sort("value")
        known = own.drop_nulls("value")
        value, n = known["value"].to_numpy().astype(float), known["n"].to_numpy().astype("int64")
        table[:, group] = n.sum(), own["n"].sum() - n.sum()
        if n.sum():
            mean = float((value * n).sum() / n.sum())
            spread = math.sqrt((n * (value - mean) ** 2).sum() / (n.sum() - 1)) if n.sum() > 1 else math.nan
            summary = (mean, spread, *(_quantile(value, n, share) for share in (0.5, 0.25, 0.75)))
            for name, each in zip(told, summary, strict=True):
                told[name][group] = each
    return table, ("", UNKNOWN), told, means_apart(told["mean"], told["sd"])


def _quantile(value: np.ndarray, n: np.ndarray, share: float) -> float:
    """A quantile of counted values, between two patients where it falls between them (as numpy's `linear`)."""
    place, ends = share * (n.sum() - 1), np.cumsum(n) - 1
    low, high = (value[np.searchsorted(ends, at)] for at in (math.floor(place), math.ceil(place)))
    return float(low + (high - low) * (place - math.floor(place)))


def _rows(
    name: str,
    field: Any,
    among: Groups,
    table: np.ndarray,
    levels: Sequence[str],
    told: dict[str, list[float]],
    smd: float,
) -> list[dict[str, Any]]:
    size = table.sum(axis=0)
    lacking = levels_apart(np.array([table[-1], size - table[-1]]))
    rows = []
    for at, level in enumerate(levels):
        for group, which in enumerate(among.names):
            numbers = [told[key][group] if key in told and level == "" else math.nan for key in BASELINE[7:12]]
            apart = lacking if level == UNKNOWN else smd if at == 0 else math.nan
            about = (name, field.label, field.unit or "", level, which, int(table[at, group]), int(size[group]))
            rows.append(dict(zip(BASELINE, (*about, *numbers, apart), strict=True)))
    return rows


def means_apart(means: Sequence[float], sds: Sequence[float]) -> float:
    """The largest standardized difference of two means."""
    pairs = combinations(zip(means, sds, strict=True), 2)
    return _largest(abs(a - b) / math.sqrt((s**2 + t**2) / 2) for (a, s), (b, t) in pairs if s**2 + t**2 > 0)


def levels_apart(table: np.ndarray) -> float:
    """The largest distance of two distributions over levels (rows), each group a column."""
    return _largest(_distance(table[:, i], table[:, j]) for i, j in combinations(range(table.shape[1]), 2))


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    if not first.sum() or not second.sum():
        return math.nan
    p, q = (each[1:] / each.sum() for each in (first, second))
    spread = sum((np.diag(each) - np.outer(each, each) for each in (p, q)), np.zeros((len(p), len(p)))) / 2
    squared = float((p - q) @ np.linalg.pinv(spread) @ (p - q))
    return math.nan if squared == 0 and not np.allclose(p, q) else math.sqrt(max(squared, 0.0))


def _largest(distances: Any) -> float:
    return max((each for each in distances if not math.isnan(each)), default=math.nan)
