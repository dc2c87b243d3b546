"""A protocol and patients go in, a small table comes out that can be counted without Python: in a page, on paper.

A row is a group of patients. A column is one reading of one criterion, and holds the states that occur in the group; a
curve says the same of a criterion at every value of one of its limits. With a minimum no group is smaller: then a count
is an interval, which holds the true one; without it a group is of patients who are alike, and the count is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.engine import facts, in_polars, outcome, partial_fields
from ...criteria.language import Formula, Not, parse
from ...criteria.language.wording import printed_unit, words
from ...criteria.protocol.limits import Threshold, thresholds_of
from ..patterns import ScreeningData
from .disclosure import suppress
from .readings import every_reading
from .sweep import ENDS, sweep

_PASS, _FAIL, _UNKNOWN = range(3)
_MOST = 4_000
"""Groups at most, so that a table of any cohort travels; of more patients, groups are larger."""
_BLOCK = 2_000
"""Rows among which like is sought for like; all of them at once would take too long for a large table."""
_FAILS, _CHOSEN, _CURVE = 10.0, 5.0, 0.05
"""How much patients differ who differ in a failure, in a chosen reading, in a curve."""
_STEPS = 200
"""Values of one limit at most; where a field has more steps, every second one, every third one …"""


@dataclass(frozen=True)
class _Curve:
    """A limit of a criterion, and the state of the criterion for every patient at every value of it."""

    limit: Threshold
    values: np.ndarray
    states: np.ndarray


def portable_counts(screening: ScreeningData, minimum: int = 5) -> dict[str, Any]:
    """What is needed to count the cohort elsewhere: under other readings, without some criteria, at another limit.

    Args:
        screening: its protocol, readings and patients; the table is read once more, into memory.
        minimum: no group that leaves has fewer patients; 1 or less lets patients who are alike be a group of one. Of
            fewer patients in all, nobody leaves.

    A set of states is a number: 1 for pass, 2 for fail, 4 for unknown, added up.

    Returns `protocol`, `patients` (its name), `n`, `minimum` (patients of the smallest group), `criteria` (id, label,
    chosen reading, column by reading; `alone`, certain and possible by the reading that alone is another, under no name
    with the criterion off), `groups` (`n`; `sets`, a text with a set a column; the least number of criteria that
    somebody in it has `failed`, and is `short` of) and `limits` (threshold, criterion, label, operator, value, unit,
    `values`; `curves`, by group the stretches `[from, set, from, set, …]`, `from` counting values; `alone`, rows
    `[which value, certain, possible]` of a sweep of this limit alone).

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> table = tt.screen(protocol, "data/cohort/cohort.csv").portable_counts()
    >>> sum(table["groups"]["n"]), min(table["groups"]["n"])
    (2000, 5)
    """
    protocol, patients = screening.protocol, screening.patients
    known = nw.from_native(in_polars(facts(patients.frame, protocol, tuple(protocol.fields))))
    formulas = dict(every_reading(protocol))
    states = _evaluate(known, list(formulas.values()))
    curves = list(_curves(protocol, known))
    shapes = [_row_numbers(curve.states) for curve in curves]
    chosen = np.array([protocol.reading(id) == reading for id, reading in formulas])
    group = _alike(np.column_stack([states, *shapes]), chosen, max(minimum, 1))
    n = np.bincount(group)
    alone = _changed_alone(states, list(formulas), chosen, minimum)
    return {
        "protocol": protocol.id,
        "patients": patients.name,
        "n": patients.n,
        "minimum": int(n.min(initial=patients.n)),
        "criteria": [
            {
                "id": criterion.id,
                "label": criterion.label,
                "chosen": protocol.reading(criterion.id),
                "columns": {reading: at for at, (id, reading) in enumerate(formulas) if id == criterion.id},
                "alone": {
                    row["reading"]: [int(row[end]) for end in ENDS] for row in alone if row["id"] == criterion.id
                },
            }
            for criterion in protocol.criteria
        ],
        "groups": {
            "n": n.tolist(),
            "sets": ["".join(map(str, row)) for row in _sets(states, group, len(n)).tolist()],
            "failed": _least((states[:, chosen] == _FAIL).sum(axis=1), group, len(n)),
            "short": _least((states[:, chosen] != _PASS).sum(axis=1), group, len(n)),
        },
        "limits": [
            {
                "threshold": curve.limit.id,
                "criterion": curve.limit.criterion,
                "label": words(curve.limit.subject, protocol.fields),
                "operator": curve.limit.operator,
                "value": float(curve.limit.value),
                "unit": printed_unit(curve.limit.unit(protocol)),
                "values": curve.values.tolist(),
                "alone": _alone(screening, curve, minimum),
                "curves": [_stretches(row) for row in _sets(curve.states, group, len(n)).tolist()],
            }
            for curve in curves
        ],
    }


def _changed_alone(
    states: np.ndarray, formulas: list[tuple[str, str]], chosen: np.ndarray, minimum: int
) -> list[dict[str, Any]]:
    """The counts with one criterion off (`reading` is empty), or in another reading; none that tells of too few."""
    owner = np.array([id for id, _ in formulas])
    changes = [
        *((id, "", []) for id in dict.fromkeys(owner)),
        *((*formulas[at], [at]) for at in np.flatnonzero(~chosen)),
    ]
    states_after = [states[:, [*np.flatnonzero(chosen & (owner != id)), *at]] for id, _, at in changes]
    own = states[:, chosen]
    frame = pd.DataFrame([change[:2] for change in changes], columns=["id", "reading"])
    for end, holds in zip(ENDS, (lambda each: each == _PASS, lambda each: each != _FAIL), strict=True):
        frame[end] = [int(holds(each).all(axis=1).sum()) for each in states_after]
        frame[f"moved_{end}"] = (frame[end] - int(holds(own).all(axis=1).sum())).abs()
    return suppress(frame, minimum).dropna().to_dict("records")


def _curves(protocol: Protocol, known: Any) -> Iterator[_Curve]:
    """The limits whose field declares a range, each at every step of it and at the protocol's own value."""
    for id, criterion in protocol.criterion.items():
        text = criterion.texts[protocol.reading(id)]
        for limit in thresholds_of(protocol, id):
            if not (ends := limit.range(protocol)):
                continue
            step = limit.step(protocol)
            stride = step * max(1, int(np.ceil((ends[1] - ends[0]) / step / _STEPS)))
            grid = np.round(np.arange(ends[0], ends[1] + stride / 2, stride), 9)
            values = np.unique([*grid[grid <= ends[1]], float(limit.value)])
            start, end = limit.span
            moved = [parse(f"{text[:start]}{value!r}{text[end:]}", protocol.fields) for value in values.tolist()]
            wanted = [Not(formula) if criterion.kind == "exclusion" else formula for formula in moved]
            yield _Curve(limit, values, _evaluate(known, wanted))


def _alone(screening: ScreeningData, curve: _Curve, minimum: int) -> list[tuple[int, int, int]]:
    """Counts at some values of a limit, everything else as the protocol says; between them lie those at the others.

    No rows where the counts do not rise or fall throughout, for then they need not lie between.
    """
    counted = sweep(screening, curve.limit.id, curve.values.tolist())
    if not all(counted[end].is_monotonic_increasing or counted[end].is_monotonic_decreasing for end in ENDS):
        return []
    shown = suppress(counted, minimum).dropna(subset=list(ENDS))
    at = np.searchsorted(curve.values, shown["value"])
    rows = zip(at, shown["certain"], shown["possible"], strict=True)
    return [(int(which), int(certain), int(possible)) for which, certain, possible in rows]


def _evaluate(known: Any, formulas: list[Formula]) -> np.ndarray:
    """A row a patient, a column a formula: the state."""
    partial = partial_fields(known)
    states = [outcome(formula, _PASS, _FAIL, _UNKNOWN, partial) for formula in formulas]
    wanted = [nw.lit(state, nw.Int64()) if isinstance(state, int) else state for state in states]
    names = [f"state:{at}" for at in range(len(wanted))]
    states = known.with_columns(*(state.alias(name) for state, name in zip(wanted, names, strict=True)))
    return states.select(names).to_numpy().astype("uint8")


def _row_numbers(rows: np.ndarray) -> np.ndarray:
    """Rows that are alike have one number; to sort them, as numpy does, would take most of the time of a long table."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], dtype="int64")


def _sets(states: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The states that occur in each group, column by column, as a set."""
    union = np.zeros((groups, states.shape[1]), dtype="uint8")
    if groups:
        np.bitwise_or.at(union, group, (1 << states).astype("uint8"))
    return union


def _least(numbers: np.ndarray, group: np.ndarray, groups: int) -> list[int]:
    """The least number of each group."""
    least = np.full(groups, 99)
    if groups:
        np.minimum.at(least, group, numbers)
    return least.tolist()


def _stretches(sets: list[int]) -> list[int]:
    """Where a set begins, and the set."""
    starts = [0, *(at for at, (before, after) in enumerate(pairwise(sets), 1) if before != after)]
    return [number for start in starts for number in (start, sets[start])]


# --- patients who are alike -------------------------------------------------------------------------------------------


def _alike(rows: np.ndarray, chosen: np.ndarray, minimum: int) -> np.ndarray:
    """By patient the number of a group of at least so many patients, each group as much alike as may be.

    Args:
        rows: a patient each; first the states of criteria (0 pass, 1 fail, 2 unknown), then the numbers of curves.
        chosen: which of the states are of the readings that the protocol takes.
        minimum: patients of a group at least; of fewer patients in all there is no group.
    """
    if len(rows) < minimum:
        return np.zeros(0, dtype="int64")
    distinct, of, n = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    if len(distinct) > _MOST:
        minimum = max(minimum, int(np.ceil(len(rows) / _MOST)))
    if minimum == 1:
        return of.ravel()
    group = np.zeros(len(distinct), dtype="int64")
    last, left = -1, np.zeros(0, dtype="int64")
    for part in _parts(distinct[:, : len(chosen)], chosen):
        left = np.concatenate([left, part])  # of fewer than the minimum in a part, the next one takes care
        while n[left].sum() >= minimum:
            nearest = left[np.argsort(_distance(distinct, chosen, left), kind="stable")]
            full = int(np.searchsorted(np.cumsum(n[nearest]), minimum)) + 1
            if n[nearest[full:]].sum() < minimum:
                full = len(nearest)
            last += 1
            group[nearest[:full]] = last
            left = left[~np.isin(left, nearest[:full])]
    group[left] = last
    return group[of.ravel()]


def _parts(states: np.ndarray, chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Rows that are eligible, open, fail one criterion, or fail more; no more than a block at a time."""
    failed, unknown = ((states[:, chosen] == state).sum(axis=1) for state in (_FAIL, _UNKNOWN))
    order = np.lexsort((*states[:, chosen].T, unknown, failed))
    kind = np.where(failed > 0, np.minimum(failed, 2) + 1, unknown > 0)[order]
    for each in range(4):
        rows = order[kind == each]
        yield from (rows[begin : begin + _BLOCK] for begin in range(0, len(rows), _BLOCK))


def _distance(distinct: np.ndarray, chosen: np.ndarray, left: np.ndarray) -> np.ndarray:
    """How much each row differs from the first."""
    here = distinct[left]
    states, first = here[:, : len(chosen)], here[0, : len(chosen)]
    weight = np.where(chosen, _CHOSEN, 1.0) * np.where((states == _FAIL) | (first == _FAIL), _FAILS, 1.0)
    curves = (here[:, len(chosen) :] != here[0, len(chosen) :]).sum(axis=1)
    return ((states != first) * weight).sum(axis=1) + _CURVE * curves
