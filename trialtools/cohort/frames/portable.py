"""A protocol and patients go in, a small table comes out that can be counted without Python: in a page, on paper.

A row is a group of patients. A column is one reading of one criterion, and holds the states that occur in the group; a
curve says the same of a criterion at every value of one of its limits. With a minimum no group is smaller: then a count
is an interval, which holds the true one; without it a group is of patients who are alike, and the count is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import narwhals as nw
import numpy as np

from ...criteria.contents import Protocol
from ...criteria.engine import facts, in_polars, partial_fields
from ...criteria.expressions import HIGH, LOW, expression
from ...criteria.language import Formula, Not, evaluate, names, parse
from ...criteria.language.wording import printed_unit, words
from ...criteria.protocol.limits import Threshold, thresholds_of
from ..patterns import ScreeningData
from .near import near, near_counts, near_sweeps, row_numbers

_PASS, _FAIL, _UNKNOWN = range(3)
_MOST = 2_500
"""Groups at most, so that a table of any cohort travels; of more patients, groups are larger."""
_BLOCK = 2_000
"""Rows among which like is sought for like; all of them at once would take too long for a large table."""
_FEW = 5
"""Patients who fail so many criteria, or more, are taken together."""
_FAILS, _CHOSEN, _CURVE = 10.0, 5.0, 0.05
"""How much patients differ who differ in a failure, in a chosen reading, in a curve."""
_STEPS = 200
"""Values of one limit at most; where a field has more steps, every second one, every third one …"""


@dataclass(frozen=True)
class _Curve:
    """A limit of a criterion, and its states at every value: a row for patients who are alike, and `row` by patient."""

    limit: Threshold
    values: np.ndarray
    states: np.ndarray
    row: np.ndarray


def portable_counts(screening: ScreeningData, minimum: int = 5) -> dict[str, Any]:
    """What is needed to count the cohort elsewhere: under other readings, without some criteria, at another limit.

    Args:
        screening: its protocol, readings and patients; the table is read once more, into memory.
        minimum: no group that leaves has fewer patients; 1 or less lets patients who are alike be a group of one. Of
            fewer patients in all, nobody leaves.

    A set of states is a number: 1 for pass, 2 for fail, 4 for unknown, added up.

    Returns `protocol`, `patients` (its name), `n`, `minimum` (patients of the smallest group), `criteria` (id, label,
    chosen reading, column by reading), `changes` (a criterion with another reading, or with none where it is off),
    `near` (numbers of changes, certain, possible), `groups` (`n`; `sets`, a text with a set a column; the least number
    of criteria that somebody in it has `failed`, and is `short` of) and `limits` (threshold, criterion, label,
    operator, value, unit, `values`; `curves`, by group the stretches `[from, set, from, set, …]`, `from` counting
    values; `near`, by a change beside it, or -1, rows `[which value, certain, possible]`).

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> table = tt.screen(protocol, "data/cohort/cohort.csv").portable_counts()
    >>> sum(table["groups"]["n"]), min(table["groups"]["n"])
    (2000, 5)
    """
    protocol, patients = screening.protocol, screening.patients
    known = nw.from_native(in_polars(facts(patients.frame, protocol, tuple(protocol.fields))))
    formulas = protocol.every_reading
    states = _evaluate(known, list(formulas.values()))
    curves = list(_curves(protocol, known))
    shapes = [row_numbers(curve.states)[curve.row] for curve in curves]
    chosen = np.array([protocol.reading(id) == reading for id, reading in formulas])
    patterns, first, alike = _patterns(np.column_stack([states, *shapes]))
    group = _groups(patterns, alike, chosen, max(minimum, 1))
    states, first, alike = states[first[: len(group)]], first[: len(group)], alike[: len(group)]
    n = np.bincount(group, weights=alike).astype(int)
    several = n.min(initial=patients.n) > 1 and len(n) > 0  # of groups of one, the groups tell every count
    counts = near_counts(states, list(formulas), chosen, alike, group, minimum)
    release = near(counts) if several else {}
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
            }
            for criterion in protocol.criteria
        ],
        "changes": list(counts.changes),
        "near": [[list(which), *ends] for which, ends in release.items()],
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
                "near": near_sweeps(counts, release, curve.limit.criterion, states_there) if several else [],
                "curves": [_stretches(row) for row in _sets(states_there, group, len(n)).tolist()],
            }
            for curve in curves
            for states_there in [curve.states[curve.row[first]]]
        ],
    }


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
            alike, row = _alike(known, names(wanted[0]))
            yield _Curve(limit, values, _evaluate(alike, wanted), row)


def _alike(known: Any, fields: Iterable[str]) -> tuple[Any, np.ndarray]:
    """The first of all patients who are alike in some fields, and by patient which of these rows it is."""
    columns = [name for field in fields for name in (field, field + LOW, field + HIGH) if name in known.columns]
    first = known.with_row_index("row:").select(nw.col("row:").min().over(columns)).to_numpy().ravel()
    rows, row = np.unique(first, return_inverse=True)
    return known[rows], row


def _evaluate(known: Any, formulas: Sequence[Formula]) -> np.ndarray:
    """A row a patient, a column a formula: the state."""
    partial = partial_fields(known)
    holds = [expression(each, partial) if names(each) else nw.lit(evaluate(each, {})) for each in formulas]
    columns = {f"holds:{at}": each.cast(nw.Float32()) for at, each in enumerate(holds)}
    matrix = known.with_columns(**columns).select(list(columns)).to_numpy()
    return np.select([matrix == 1, matrix == 0], [_PASS, _FAIL], _UNKNOWN).astype("uint8")


def _patterns(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row once, in rising order, with where it stands first and how often."""
    _, first, n = np.unique(row_numbers(rows), return_index=True, return_counts=True)
    patterns, order = np.unique(rows[first], axis=0, return_index=True)
    return patterns, first[order], n[order]


def _sets(states: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The states that occur in each group, column by column, as a set."""
    union = np.zeros((groups, states.shape[1]), dtype="uint8")
    np.bitwise_or.at(union, group, (1 << states).astype("uint8"))
    return union


def _least(numbers: np.ndarray, group: np.ndarray, groups: int) -> list[int]:
    """The least number of each group."""
    least = np.full(groups, 99)
    np.minimum.at(least, group, numbers)
    return least.tolist()


def _stretches(sets: list[int]) -> list[int]:
    """Where a set begins, and the set."""
    starts = [0, *(at for at, (before, after) in enumerate(pairwise(sets), 1) if before != after)]
    return [number for start in starts for number in (start, sets[start])]


# --- patients who are alike -------------------------------------------------------------------------------------------


def _groups(patterns: np.ndarray, n: np.ndarray, chosen: np.ndarray, minimum: int) -> np.ndarray:
    """By pattern the number of a group of at least so many patients, each group as much alike as may be.

    Args:
        patterns: a row each; first the states of criteria (0 pass, 1 fail, 2 unknown), then the numbers of curves.
        n: patients of each.
        chosen: which of the states are of the readings that the protocol takes.
        minimum: patients of a group at least; of fewer patients in all there is no group.
    """
    if n.sum() < minimum:
        return np.zeros(0, dtype="int64")
    if len(patterns) > _MOST:
        minimum = max(minimum, int(np.ceil(n.sum() / _MOST)))
    if minimum == 1:
        return np.arange(len(patterns))
    group = np.zeros(len(patterns), dtype="int64")
    parts = _parts(np.arange(len(patterns)), n, minimum, _keys(patterns[:, : len(chosen)][:, chosen]))
    for number, rows in enumerate(each for part in parts for each in _nearest(part, patterns, n, chosen, minimum)):
        group[rows] = number
    return group


def _keys(states: np.ndarray) -> list[np.ndarray]:
    """By row, numbers of what a count turns on: how many criteria it fails, which, and which it does not pass."""
    failed, short = states == _FAIL, states != _PASS
    which = [np.unique(each, axis=0, return_inverse=True)[1].ravel() for each in (failed, short)]
    return [np.minimum(failed.sum(axis=1), _FEW), *which]


def _parts(rows: np.ndarray, n: np.ndarray, minimum: int, keys: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Rows that are alike in the first key, then in the next one: wherever enough patients are; the others together."""
    if not keys:
        yield rows
        return
    at = np.unique(keys[0][rows], return_inverse=True)[1].ravel()
    cells = np.split(rows[np.argsort(at, kind="stable")], np.cumsum(np.bincount(at))[:-1])
    cells.sort(key=lambda cell: n[cell].sum())
    few = [cell for cell in cells if n[cell].sum() < minimum]
    enough = cells[len(few) :]
    if few and enough and sum(n[cell].sum() for cell in few) < minimum:
        few.append(enough.pop(0))
    for cell in enough:
        yield from _parts(cell, n, minimum, keys[1:])
    if few:
        yield from _parts(np.concatenate(few), n, minimum, keys[1:] if enough or len(few) > 1 else [])


def _nearest(
    rows: np.ndarray, patterns: np.ndarray, n: np.ndarray, chosen: np.ndarray, minimum: int
) -> Iterator[np.ndarray]:
    """Groups of at least so many patients, each of a row and those nearest to it; the last one takes what is left."""
    for left in np.array_split(rows, -(-len(rows) // _BLOCK)):
        while len(left):
            nearest = left[np.argsort(_distance(patterns, chosen, left), kind="stable")]
            full = int(np.searchsorted(np.cumsum(n[nearest]), minimum)) + 1
            if n[nearest[full:]].sum() < minimum:
                full = len(nearest)
            yield nearest[:full]
            left = left[~np.isin(left, nearest[:full])]


def _distance(patterns: np.ndarray, chosen: np.ndarray, left: np.ndarray) -> np.ndarray:
    """How much each row differs from the first."""
    here = patterns[left]
    states, first = here[:, : len(chosen)], here[0, : len(chosen)]
    weight = np.where(chosen, _CHOSEN, 1.0) * np.where((states == _FAIL) | (first == _FAIL), _FAILS, 1.0)
    curves = (here[:, len(chosen) :] != here[0, len(chosen) :]).sum(axis=1)
    return ((states != first) * weight).sum(axis=1) + _CURVE * curves
