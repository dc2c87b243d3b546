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

from ...criteria.engine import expression, facts, in_polars, outcome
from ...criteria.language import And, ProtocolError, words
from ...criteria.protocol.limits import Threshold, requirement, threshold
from ..patterns import ScreeningData

ANSWERS = {"T": True, "F": False, "U": None}
ENDS = {"certain": 2, "possible": 1}
"""The least state that counts: 2 where all criteria pass, 1 where none fails."""

GRID = 25


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
    counts as ever: at no value where the comparison decides, at all values where another alternative does.

    Raises:
        ProtocolError: no such threshold under the chosen readings.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.sweep("I1.upper")
    >>> own = frame[frame["protocol"]]
    >>> own[["value", "certain", "possible"]].values.tolist() == [[85, screening.certain, screening.possible]]
    True
    """

    asked = threshold(screening.protocol, threshold_id)
    people = _answered(screening, asked)
    known = people.filter(pl.col("x0").is_not_null())
    x, n = known["x0"].to_numpy(), known["n"].to_numpy()
    above, below = ("T", "F") if asked.operator in ("<", "<=") else ("F", "T")
    at = np.sort(np.asarray(values, dtype=float)) if values is not None else _changes(screening, asked, known)
    place = np.searchsorted(at, x, _side(asked))
    frame = pd.DataFrame({"value": at})
    for end, least in ENDS.items():
        before, after = ((known[answer] >= least).to_numpy() * n for answer in (below, above))
        open_ = people.filter(pl.col("x0").is_null() & (pl.col("U") >= least))["n"].sum()
        gained = np.bincount(place, after - before, minlength=len(at) + 1)[: len(at)]
        frame[end] = (np.cumsum(gained) + before.sum() + open_).astype("int64")
    return frame.assign(n=screening.n, protocol=at == asked.value, threshold=asked.id, **_told(screening, asked))


def sweep_grid(
    screening: ScreeningData,
    first: str,
    second: str,
    first_values: Sequence[float] | None = None,
    second_values: Sequence[float] | None = None,
) -> pd.DataFrame:
    """How many would be eligible with two thresholds at other values at once.

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
    asked = [threshold(screening.protocol, id) for id in (first, second)]
    people = _answered(screening, *asked)
    axes = [
        np.sort(np.asarray(given, dtype=float)) if given is not None else _even(screening, each, people[f"x{i}"])
        for i, (each, given) in enumerate(zip(asked, (first_values, second_values), strict=True))
    ]
    sides = [_boxes(each, at, people[f"x{i}"]) for i, (each, at) in enumerate(zip(asked, axes, strict=True))]
    (box, answers), (other_box, other_answers) = sides
    wide = len(axes[1]) + 2
    pairs = np.array(list(product(*axes))).reshape(-1, 2)
    frame = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1]})
    for end, least in ENDS.items():
        total = np.zeros((len(axes[0]), len(axes[1])))
        for one, two in product(ANSWERS, repeat=2):
            eligible = (people[one + two] >= least).to_numpy() * people["n"].to_numpy()
            boxes = np.bincount(box * wide + other_box, eligible, minlength=(len(axes[0]) + 2) * wide)
            total += answers[one].T @ boxes.reshape(-1, wide) @ other_answers[two]
        frame[end] = total.ravel().round().astype("int64")
    frame["n"] = screening.n
    frame["protocol"] = (frame["first"] == asked[0].value) & (frame["second"] == asked[1].value)
    for name, each in zip(("first", "second"), asked, strict=True):
        told = {"threshold": each.id, **_told(screening, each)}
        frame = frame.assign(**{f"{name}_{what}": told[what] for what in ("threshold", "label", "unit", "operator")})
    return frame


def _answered(screening: ScreeningData, *asked: Threshold) -> pl.DataFrame:
    """Patients counted by what is measured (`x0`, `x1`) and by their state for every answer to the comparisons.

    The columns of states are named by the answers (`T`, `F`, `U` for unknown; `TF` for two thresholds): 2 where every
    criterion passes, 1 where none fails, 0 otherwise. Whom another criterion surely keeps out is not counted.
    """
    protocol = screening.protocol
    touched = {each.criterion for each in asked}
    others = And(tuple(formula for id, formula in protocol.requirements.items() if id not in touched))
    rest = outcome(others, 2, 0, 1)
    rest = nw.lit(rest, nw.Int64()) if isinstance(rest, int) else rest
    measured = {f"x{i}": expression(each.subject).cast(nw.Float64()) for i, each in enumerate(asked)}
    states = {}
    for answers in product(ANSWERS, repeat=len(asked)):
        given = {each.id: ANSWERS[a] for each, a in zip(asked, answers, strict=True) if ANSWERS[a] is not None}
        state = outcome(And(tuple(requirement(protocol, id, given) for id in touched)), 2, 0, 1)
        states["".join(answers)] = nw.lit(state, nw.Int64()) if isinstance(state, int) else state
    known = facts(screening.patients.frame, protocol, protocol.used).with_columns(rest.alias("rest:"))
    known = known.filter(nw.col("rest:") > 0).select(
        "rest:",
        *(measure.alias(name) for name, measure in measured.items()),
        *(state.alias(name) for name, state in states.items()),
    )
    joint = known.with_columns(*(nw.min_horizontal("rest:", name).alias(name) for name in states))
    grouped = joint.group_by(*measured, *states).agg(nw.len().alias("n"))
    native = grouped.to_native()
    home = native.collect(engine="streaming") if isinstance(native, pl.LazyFrame) else in_polars(grouped)
    return home.cast({"n": pl.Int64})


def _side(asked: Threshold) -> Any:
    """Whether the comparison changes at the measured value itself, or just above it."""
    return "left" if asked.operator in ("<=", ">") else "right"


def _changes(screening: ScreeningData, asked: Threshold, known: pl.DataFrame) -> np.ndarray:
    """The values at which a count changes, the protocol's own, and the ends."""
    ends = [((pl.col(answer) >= least) * pl.col("n")).sum() for answer in "TF" for least in ENDS.values()]
    by_value = known.group_by("x0").agg(*(end.alias(f"{i}") for i, end in enumerate(ends)))
    changed = by_value.filter((pl.col("0") != pl.col("2")) | (pl.col("1") != pl.col("3")))["x0"].to_numpy()
    return np.unique([*changed, asked.value, *_range(screening, asked, known["x0"])])


def _range(screening: ScreeningData, asked: Threshold, measured: pl.Series) -> tuple[float, ...]:
    """The declared range; without one, a step beyond what was measured on either side."""
    if declared := asked.range(screening.protocol):
        return tuple(map(float, declared))
    step, known = asked.step(screening.protocol), measured.drop_nulls()
    return (known.min() - step, known.max() + step) if len(known) else ()  # type: ignore[operator]


def _even(screening: ScreeningData, asked: Threshold, measured: pl.Series) -> np.ndarray:
    """Even steps through the range, each a whole number of the field's own steps, and the protocol's value."""
    ends = _range(screening, asked, measured)
    if not ends:
        return np.array([asked.value], dtype=float)
    step = asked.step(screening.protocol)
    stride = step * max(1, math.ceil((ends[1] - ends[0]) / step / (GRID - 1)))
    return np.unique([*np.round(np.arange(ends[0], ends[1] + stride / 2, stride), 9), float(asked.value)])


def _boxes(asked: Threshold, at: np.ndarray, measured: pl.Series) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """For each row the box between two values that it falls in, the last for unknown; by box and value, the answer."""
    x = measured.to_numpy()
    box = np.where(np.isnan(x), len(at) + 1, np.searchsorted(at, x, _side(asked)))
    boxes = np.arange(len(at) + 2)[:, None]
    above = (boxes <= np.arange(len(at))).astype(float)
    below = 1 - above
    below[-1] = 0
    unknown = np.zeros_like(above)
    unknown[-1] = 1
    rising = asked.operator in ("<", "<=")
    return box, {"T": above if rising else below, "F": below if rising else above, "U": unknown}


def _told(screening: ScreeningData, asked: Threshold) -> dict[str, str]:
    protocol = screening.protocol
    label, unit = words(asked.subject, protocol.fields), asked.unit(protocol)
    return {"label": label, "unit": unit, "operator": asked.operator}
