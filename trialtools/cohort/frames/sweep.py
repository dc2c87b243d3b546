"""A screening and a threshold go in; who would be eligible at every other value of it comes out.

The table is read once. For each patient whom nothing else surely keeps out, it is asked what the touched criteria say
where the comparison holds, where it does not, and where it is unknown; the answers are counted by the value measured,
and a running sum gives the count at every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from ...criteria.engine import collect, facts, outcome, partial_fields
from ...criteria.expressions import ends
from ...criteria.language import And, words
from ...criteria.protocol.limits import Threshold, requirement, threshold
from ..patterns import ScreeningData

_ANSWERS = {"T": True, "F": False, "U": None}
_MEASURED = ("low", "high")
_ENDS = {"certain": 2, "possible": 1}
"""The least state that counts: 2 where all criteria pass, 1 where none fails."""


def sweep(screening: ScreeningData, threshold_id: str, values: Sequence[float] | None = None) -> pd.DataFrame:
    """How many would be eligible with one threshold at other values, everything else as the protocol says.

    Args:
        screening: its protocol, readings and patients; the table is read once more.
        threshold_id: as `protocol.threshold_table()` names it, such as `I1.upper`.
        values: where to count; by default exactly where a count changes, and at the protocol's value and both ends of
            the possible range (a step beyond what was measured, where no range is declared).

    Columns: value, certain, possible, n (everybody), protocol (true at the protocol's own value), and the same on every
    row: threshold, label, unit, operator. In rising order of value.

    The count is a step function. With `<=` and `>` a row holds from its value up to just before the next one; with
    `<` and `>=` it holds from just after the row before up to its own value. If the fact is unknown, the patient is
    eligible at no value when the comparison decides, and at all values when another alternative does. If it is known in
    part, the patient is certain from the value on at which all possible values agree.

    Raises:
        ProtocolError: no such threshold under the chosen readings.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.sweep("I1.upper")
    >>> own = frame[frame["protocol"]]
    >>> own[["value", "certain", "possible"]].values.tolist() == [[85, screening.certain, screening.possible]]
    True
    """

    limit = threshold(screening.protocol, threshold_id)
    people = _counts_by_answer(screening, limit)
    known = people.filter(pl.col("low").is_not_null())
    above, below = ("T", "F") if limit.operator in ("<", "<=") else ("F", "T")
    steps = _steps(known, below, above)
    changed = steps.filter(pl.any_horizontal(pl.col(*_ENDS) != 0))["at"].to_numpy()
    usual = np.unique([*changed, limit.value, *_range(screening, limit, known)])
    at = np.sort(np.asarray(values, dtype=float)) if values is not None else usual
    place = np.searchsorted(at, steps["at"].to_numpy(), _side(limit))
    frame = pd.DataFrame({"value": at})
    for end, least in _ENDS.items():
        before: Any = known.filter(pl.col(below) >= least)["n"].sum()
        open_: Any = people.filter(pl.col("low").is_null() & (pl.col("U") >= least))["n"].sum()
        gained = np.bincount(place, steps[end].to_numpy(), minlength=len(at) + 1)[: len(at)]
        frame[end] = (np.cumsum(gained) + before + open_).astype("int64")
    return frame.assign(n=screening.n, protocol=at == limit.value, threshold=limit.id, **_attributes(screening, limit))


def _counts_by_answer(screening: ScreeningData, limit: Threshold) -> pl.DataFrame:
    """Patients counted by what is measured and by their state for every answer to the comparison.

    What is measured lies from `low` to `high`: the same where it is known, apart where it is known in part. The columns
    of states are named by the answers (`T`, `F`, `U` for unknown): 2 where every criterion passes, 1 where none fails,
    0 otherwise. Whom another criterion surely keeps out is not counted.
    """
    protocol = screening.protocol
    known = facts(screening.patients.frame, protocol, protocol.used_fields)
    known, partial = known.with_columns(nw.lit(None, nw.Boolean()).alias("unknown")), partial_fields(known)
    others = And(tuple(formula for id, formula in protocol.requirements.items() if id != limit.criterion))
    formulas = {name: requirement(protocol, limit.criterion, {limit.id: answer}) for name, answer in _ANSWERS.items()}
    states = {name: outcome(each, 2, 0, 1, partial) for name, each in {"rest:": others, **formulas}.items()}
    measured = zip(_MEASURED, ends(limit.subject, partial), strict=True)
    known = known.select(
        *(end.cast(nw.Float64()).alias(name) for name, end in measured),
        **states,
    ).filter(nw.col("rest:") > 0)
    joint = known.with_columns(*(nw.min_horizontal("rest:", name).alias(name) for name in _ANSWERS))
    grouped = joint.group_by(*_MEASURED, *_ANSWERS).agg(nw.len().alias("n"))
    return collect(grouped).to_native().cast({"n": pl.Int64})


def _side(limit: Threshold) -> Any:
    """Whether the comparison changes at the measured value itself, or just above it."""
    return "left" if limit.operator in ("<=", ">") else "right"


def _steps(known: pl.DataFrame, below: str, above: str) -> pl.DataFrame:
    """At which values how many more are eligible: from the lower end of what is known, open; from the upper, sure."""
    gains = [
        known.select(pl.col(column).alias("at"), *(_gain(before, after, least, end) for end, least in _ENDS.items()))
        for column, before, after in (("low", below, "U"), ("high", "U", above))
    ]
    return pl.concat(gains).group_by("at").agg(pl.col(*_ENDS).sum())


def _gain(before: str, after: str, least: int, end: str) -> pl.Expr:
    was, becomes = ((pl.col(answer) >= least).cast(pl.Int64) for answer in (before, after))
    return ((becomes - was) * pl.col("n")).alias(end)


def _range(screening: ScreeningData, limit: Threshold, people: pl.DataFrame) -> tuple[float, ...]:
    """The declared range; without one, a step beyond what was measured on either side."""
    if declared := limit.range(screening.protocol):
        return tuple(map(float, declared))
    step, low, high = limit.step(screening.protocol), people["low"].min(), people["high"].max()
    return () if low is None else (low - step, high + step)  # type: ignore[operator]


def _attributes(screening: ScreeningData, limit: Threshold) -> dict[str, str]:
    protocol = screening.protocol
    label, unit = words(limit.subject, protocol.fields), limit.unit(protocol)
    return {"label": label, "unit": unit, "operator": limit.operator}
