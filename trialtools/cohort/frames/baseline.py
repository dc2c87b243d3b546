"""A screening goes in; who the patients are comes out, group by group, with what is not known of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from ...criteria.engine import facts, in_polars
from ..patterns import ScreeningData
from ..sources.mapping import UNKNOWN
from .groups import Groups, decision_groups, default_groups, groups

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
    among = decision_groups(screening) if by == "decision" else groups(protocol, by)
    wanted = _usual(screening, by) if fields is None else fields
    rows = [row for name in wanted for row in _variable(screening, among, name)]
    return pd.DataFrame(rows, columns=list(BASELINE))


def _usual(screening: ScreeningData, by: str) -> list[str]:
    protocol = screening.protocol
    numbers = [name for name in protocol.used_fields if protocol.fields[name].type in ("number", "integer")]
    known = {*default_groups(protocol), *numbers} - {*screening.patients.absent, by}
    return [name for name in protocol.fields if name in known]


def _variable(screening: ScreeningData, among: Groups, name: str) -> list[dict[str, Any]]:
    field = screening.protocol.fields[name]
    about = (name, field.label, field.unit or "")
    if field.type in ("number", "integer"):
        table, levels = _counts(screening, among, name, nw.col(name)), None
    else:
        grouping = groups(screening.protocol, name)
        table, levels = _counts(screening, among, name, grouping.code), grouping.names[:-1]
        table = table.with_columns(pl.col("value").replace(len(levels), None))
    by_group = {}
    for position, group in enumerate(among.names):
        own = table.filter(table["group"] == position).sort("value")
        known = own.drop_nulls("value")
        value, n = known["value"].to_numpy().astype(float), known["n"].to_numpy().astype("int64")
        by_group[group] = ValueCounts(value, n, int(own["n"].to_numpy().sum() - n.sum()))
    return describe(about, by_group, levels)


def _counts(screening: ScreeningData, grouping: Groups, name: str, value: nw.Expr) -> pl.DataFrame:
    """How many patients of each group have each value of a field: `group`, `value` (null where unknown), `n`."""
    protocol, frame = screening.protocol, screening.patients.frame
    wanted = {*protocol.used_fields, name, grouping.field}
    known = facts(frame, protocol, tuple(each for each in protocol.fields if each in wanted))
    counted = known.select(grouping.code.alias("group"), value.alias("value")).group_by("group", "value")
    return in_polars(counted.agg(nw.len().alias("n")))


class ValueCounts(NamedTuple):
    """The known values of a group, rising, how many have each, and how many are unknown."""

    values: np.ndarray
    n: np.ndarray
    unknown: int


def describe(
    about: tuple[str, str, str], by_group: Mapping[str, ValueCounts], levels: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The rows of one variable, group by group: the columns of `baseline`.

    Args:
        about: its name, label and unit.
        by_group: who has which value; of a variable with levels, a value is the place of a level.
        levels: None for a number.

    Unknown is the last level, also where nobody is.
    """
    sizes = np.array([int(each.n.sum()) + each.unknown for each in by_group.values()])
    unknown = np.array([each.unknown for each in by_group.values()])
    if levels is None:
        summaries = {group: _summary(each) for group, each in by_group.items()}
        apart = _means_apart(*([each[at] for each in summaries.values()] for at in (0, 1)))
        table, names = (sizes - unknown)[None, :], ("", UNKNOWN)
    else:
        table = np.array(
            [[int(each.n[each.values == at].sum()) for each in by_group.values()] for at in range(len(levels))]
        )
        summaries, apart, names = {}, _levels_apart(table), (*levels, UNKNOWN)
    lacking = _levels_apart(np.array([unknown, sizes - unknown]))
    rows = []
    for at, (level, line) in enumerate(zip(names, [*table, unknown], strict=True)):
        smd = lacking if at == len(names) - 1 else apart if at == 0 else math.nan
        for group, n, size in zip(by_group, line, sizes, strict=True):
            numbers = summaries[group] if level == "" else [math.nan] * 5
            rows.append(dict(zip(BASELINE, (*about, level, group, int(n), int(size), *numbers, smd), strict=True)))
    return rows


def _summary(values: ValueCounts) -> list[float]:
    """Mean, standard deviation, median and quartiles of counted values; of none, unknown."""
    value, n, total = values.values, values.n, int(values.n.sum())
    if not total:
        return [math.nan] * 5
    mean = float((value * n).sum() / total)
    spread = math.sqrt((n * (value - mean) ** 2).sum() / (total - 1)) if total > 1 else math.nan
    return [mean, spread, *(_quantile(value, n, share) for share in (0.5, 0.25, 0.75))]


def _quantile(value: np.ndarray, n: np.ndarray, share: float) -> float:
    """A quantile of counted values, between two patients where it falls between them (as numpy's `linear`)."""
    place, ends = share * (n.sum() - 1), np.cumsum(n) - 1
    low, high = (value[np.searchsorted(ends, at)] for at in (math.floor(place), math.ceil(place)))
    return float(low + (high - low) * (place - math.floor(place)))


def _means_apart(means: Sequence[float], sds: Sequence[float]) -> float:
    """The largest standardized difference of two means."""
    pairs = combinations(zip(means, sds, strict=True), 2)
    return _largest(abs(a - b) / math.sqrt((s**2 + t**2) / 2) for (a, s), (b, t) in pairs if s**2 + t**2 > 0)


def _levels_apart(table: np.ndarray) -> float:
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
