"""A screening and a threshold go in; who would be eligible at every other value of it comes out.

The table is read once. For each patient whom nothing else surely keeps out, it is asked what the touched criteria say
where the comparison holds, where it does not, and where it is unknown; the answers are counted by the value measured,
and a running sum gives the count at every threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from ...criteria.engine import facts, in_polars, outcome, partial_fields
from ...criteria.expressions import ends
from ...criteria.language import And, ProtocolError, words
from ...criteria.protocol.limits import Threshold, requirement, threshold
from ..patterns import ScreeningData

_ANSWERS = {"T": True, "F": False, "U": None}
ENDS = {"certain": 2, "possible": 1}
"""The least state that counts: 2 where all criteria pass, 1 where none fails."""

_GRID = 25


def sweep(screening: ScreeningData, threshold_id: str, values: Sequence[float] | None = None) -> pd.DataFrame:
    """How many would be eligible with one threshold at other values, everything else as the protocol says.

    Args:
        screening: its protocol, readings and patients; the table is read once more.
        threshold_id: as `thresholds` names it, such as `I1.upper`.
        values: where to count; by default exactly where a count changes, and at the protocol's value and both ends of
            the possible range (a step beyond what was measured, where no range is declared).

    Columns: value, certain, possible, n (everybody), protocol (true at the protocol's own value), and the same on every
    row: threshold, label, unit, operator. In rising order of value.

    The count is a step function. With `<=` and `>` a row holds from its value up to just before the next one; with
    `<` and `>=` it holds from just after the row before up to its own value. A patient of whom the fact is unknown
    counts as ever: at no value where the comparison decides, at all values where another alternative does. One of whom
    it is known in part is certain from where all that it can be agrees.

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
    known = people.filter(pl.col("x0").is_not_null())
    above, below = ("T", "F") if limit.operator in ("<", "<=") else ("F", "T")
    steps = _steps(known, below, above)
    changed = steps.filter(pl.any_horizontal(pl.col(*ENDS) != 0))["at"].to_numpy()
    usual = np.unique([*changed, limit.value, *_range(screening, limit, known)])
    at = np.sort(np.asarray(values, dtype=float)) if values is not None else usual
    place = np.searchsorted(at, steps["at"].to_numpy(), _side(limit))
    frame = pd.DataFrame({"value": at})
    for end, least in ENDS.items():
        before: Any = known.filter(pl.col(below) >= least)["n"].sum()
        open_: Any = people.filter(pl.col("x0").is_null() & (pl.col("U") >= least))["n"].sum()
        gained = np.bincount(place, steps[end].to_numpy(), minlength=len(at) + 1)[: len(at)]
        frame[end] = (np.cumsum(gained) + before + open_).astype("int64")
    return frame.assign(n=screening.n, protocol=at == limit.value, threshold=limit.id, **_attributes(screening, limit))


def sweep_grid(
    screening: ScreeningData,
    first: str,
    second: str,
    first_values: Sequence[float] | None = None,
    second_values: Sequence[float] | None = None,
) -> pd.DataFrame:
    """How many would be eligible with two thresholds at other values at once; what is known in part is unknown here.

    Args:
        screening: its protocol, readings and patients; the table is read once more.
        first, second: two different thresholds, as `thresholds` names them; they may stand in one criterion.
        first_values, second_values: where to count; by default some 25 even steps through the possible range, and the
            protocol's own value.

    Columns: first, second (their values), certain, possible, n, protocol (true at the protocol's own pair), and the
    same on every row: first_threshold, second_threshold, first_label, second_label, first_unit, second_unit.

    Raises:
        ProtocolError: no such threshold under the chosen readings, or twice the same.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> screening.sweep_grid("I1.lower", "I9.age", [18], [65])[["certain", "possible"]].values.tolist()
    [[51, 350]]
    """

    if first == second:
        raise ProtocolError(f"the grid needs two thresholds; {first} was named twice")
    limits = [threshold(screening.protocol, id) for id in (first, second)]
    people = _counts_by_answer(screening, *limits)
    axes = [
        np.sort(np.asarray(values, dtype=float)) if values is not None else _even(screening, each, people, i)
        for i, (each, values) in enumerate(zip(limits, (first_values, second_values), strict=True))
    ]
    known = people.with_columns(
        pl.when(pl.col(f"x{i}") == pl.col(f"y{i}")).then(f"x{i}").alias(f"x{i}") for i in (0, 1)
    )
    sides = [_boxes(each, at, known[f"x{i}"]) for i, (each, at) in enumerate(zip(limits, axes, strict=True))]
    (box, answers), (other_box, other_answers) = sides
    wide = len(axes[1]) + 2
    pairs = np.array(list(product(*axes))).reshape(-1, 2)
    frame = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1]})
    for end, least in ENDS.items():
        total = np.zeros((len(axes[0]), len(axes[1])))
        for one, two in product(_ANSWERS, repeat=2):
            eligible = (people[one + two] >= least).to_numpy() * people["n"].to_numpy()
            boxes = np.bincount(box * wide + other_box, eligible, minlength=(len(axes[0]) + 2) * wide)
            total += answers[one].T @ boxes.reshape(-1, wide) @ other_answers[two]
        frame[end] = total.ravel().round().astype("int64")
    frame["n"] = screening.n
    frame["protocol"] = (frame["first"] == limits[0].value) & (frame["second"] == limits[1].value)
    for name, each in zip(("first", "second"), limits, strict=True):
        attributes = {"threshold": each.id, **_attributes(screening, each)}
        frame = frame.assign(
            **{f"{name}_{what}": attributes[what] for what in ("threshold", "label", "unit", "operator")}
        )
    return frame


def _counts_by_answer(screening: ScreeningData, *limit: Threshold) -> pl.DataFrame:
    """Patients counted by what is measured (`x0`, `x1`) and by their state for every answer to the comparisons.

    `y0`, `y1` are the upper ends of what is measured: the same where it is known, above where it is known in part.

    The columns of states are named by the answers (`T`, `F`, `U` for unknown; `TF` for two thresholds): 2 where every
    criterion passes, 1 where none fails, 0 otherwise. Whom another criterion surely keeps out is not counted.
    """
    protocol = screening.protocol
    known = facts(screening.patients.frame, protocol, protocol.used_fields)
    known, partial = known.with_columns(nw.lit(None, nw.Boolean()).alias("unknown")), partial_fields(known)
    touched = {each.criterion for each in limit}
    others = And(tuple(formula for id, formula in protocol.requirements.items() if id not in touched))
    rest = outcome(others, 2, 0, 1, partial)
    rest = nw.lit(rest, nw.Int64()) if isinstance(rest, int) else rest
    measured, states = {}, {}
    for i, each in enumerate(limit):
        for end, bound in zip("xy", ends(each.subject, partial), strict=True):
            measured[f"{end}{i}"] = bound.cast(nw.Float64())
    for answers in product(_ANSWERS, repeat=len(limit)):
        answer_of = {each.id: _ANSWERS[a] for each, a in zip(limit, answers, strict=True)}
        state = outcome(And(tuple(requirement(protocol, id, answer_of) for id in touched)), 2, 0, 1, partial)
        states["".join(answers)] = nw.lit(state, nw.Int64()) if isinstance(state, int) else state
    known = (
        known.with_columns(rest.alias("rest:"))
        .filter(nw.col("rest:") > 0)
        .select(
            "rest:",
            *(measure.alias(name) for name, measure in measured.items()),
            *(state.alias(name) for name, state in states.items()),
        )
    )
    joint = known.with_columns(*(nw.min_horizontal("rest:", name).alias(name) for name in states))
    grouped = joint.group_by(*measured, *states).agg(nw.len().alias("n"))
    native = grouped.to_native()
    home = native.collect(engine="streaming") if isinstance(native, pl.LazyFrame) else in_polars(grouped)
    return home.cast({"n": pl.Int64})


def _side(limit: Threshold) -> Any:
    """Whether the comparison changes at the measured value itself, or just above it."""
    return "left" if limit.operator in ("<=", ">") else "right"


def _steps(known: pl.DataFrame, below: str, above: str) -> pl.DataFrame:
    """At which values how many more are eligible: from the lower end of what is known, open; from the upper, sure."""
    gains = [
        known.select(pl.col(column).alias("at"), *(_gain(before, after, least, end) for end, least in ENDS.items()))
        for column, before, after in (("x0", below, "U"), ("y0", "U", above))
    ]
    return pl.concat(gains).group_by("at").agg(pl.col(*ENDS).sum())


def _gain(before: str, after: str, least: int, end: str) -> pl.Expr:
    was, becomes = ((pl.col(answer) >= least).cast(pl.Int64) for answer in (before, after))
    return ((becomes - was) * pl.col("n")).alias(end)


def _range(screening: ScreeningData, limit: Threshold, people: pl.DataFrame, place: int = 0) -> tuple[float, ...]:
    """The declared range; without one, a step beyond what was measured on either side."""
    if declared := limit.range(screening.protocol):
        return tuple(map(float, declared))
    step, low, high = limit.step(screening.protocol), people[f"x{place}"].min(), people[f"y{place}"].max()
    return () if low is None else (low - step, high + step)  # type: ignore[operator]


def _even(screening: ScreeningData, limit: Threshold, people: pl.DataFrame, place: int) -> np.ndarray:
    """Even steps through the range, each a whole number of the field's own steps, and the protocol's value."""
    between = _range(screening, limit, people, place)
    if not between:
        return np.array([limit.value], dtype=float)
    step = limit.step(screening.protocol)
    stride = step * max(1, math.ceil((between[1] - between[0]) / step / (_GRID - 1)))
    return np.unique([*np.round(np.arange(between[0], between[1] + stride / 2, stride), 9), float(limit.value)])


def _boxes(limit: Threshold, at: np.ndarray, measured: pl.Series) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """For each row the box between two values that it falls in, the last for unknown; by box and value, the answer."""
    x = measured.to_numpy()
    box = np.where(np.isnan(x), len(at) + 1, np.searchsorted(at, x, _side(limit)))
    boxes = np.arange(len(at) + 2)[:, None]
    above = (boxes <= np.arange(len(at))).astype(float)
    below = 1 - above
    below[-1] = 0
    unknown = np.zeros_like(above)
    unknown[-1] = 1
    rising = limit.operator in ("<", "<=")
    return box, {"T": above if rising else below, "F": below if rising else above, "U": unknown}


def _attributes(screening: ScreeningData, limit: Threshold) -> dict[str, str]:
    protocol = screening.protocol
    label, unit = words(limit.subject, protocol.fields), limit.unit(protocol)
    return {"label": label, "unit": unit, "operator": limit.operator}
