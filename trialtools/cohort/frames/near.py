"""States of criteria go in, the counts under a few changes come out: what may be told of them beside a table of groups.

A change is a criterion that is off (it has no reading), or that has another reading.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .disclosure import suppress
from .sweep import ENDS

_PASS, _FAIL = 0, 1
_TOGETHER = 2
"""Changes at most of which the count travels: those of three, together with the groups, tell of single patients."""

Row = tuple[int, int, int]
"""Which value of a limit, and how many are eligible for certain and at most."""

Change = tuple[int, ...]
"""The numbers of changes that are made together."""

Told = dict[Change, list[int]]
"""By the numbers of changes, how many are eligible for certain and at most."""


@dataclass(frozen=True)
class NearCounts:
    """What counts by patient need, each for both ends.

    Attributes:
        changes: a criterion, and its reading.
        own: the states of each criterion as the protocol reads it.
        lacks: how many criteria keep each patient out.
        moves: by change, by how many more they do.
        group: the group of each patient in the table that travels beside the counts.
        n: patients of each group.
        minimum: of the patients that a difference of two counts may tell of.
    """

    changes: Sequence[tuple[str, str]]
    own: Mapping[str, np.ndarray]
    lacks: np.ndarray
    moves: np.ndarray
    group: np.ndarray
    n: np.ndarray
    minimum: int


def near_counts(
    states: np.ndarray, formulas: Sequence[tuple[str, str]], chosen: np.ndarray, group: np.ndarray, minimum: int
) -> NearCounts:
    """What is counted near a protocol.

    Args:
        states: a row a patient, a column a reading of a criterion: 0 pass, 1 fail, 2 unknown.
        formulas: criterion and reading of each column.
        chosen: whether the protocol takes that reading.
        group: the number of the group of each patient.
        minimum: of the smallest group.
    """
    own = {formulas[at][0]: states[:, at] for at in map(int, np.flatnonzero(chosen))}
    off = [((id, ""), -_lack(column)) for id, column in own.items()]
    other = [(formulas[at], states[:, at]) for at in map(int, np.flatnonzero(~chosen))]
    read = [(change, _lack(column) - _lack(own[change[0]])) for change, column in other]
    changes, moves = zip(*off, *read, strict=True)
    lacks = np.sum([_lack(column) for column in own.values()], axis=0)
    return NearCounts(changes, own, lacks, np.array(moves), group, np.bincount(group), minimum)


def near(counts: NearCounts) -> Told:
    """Certain and possible by the numbers of the changes: none, one and two.

    A count is told only where it tells of no few patients beside the counts of fewer of these changes, and beside those
    with another reading of one of these criteria.
    """
    told: Told = {}
    for which in _sets_of_changes(counts.changes):
        eligible = _eligible(counts, which)
        parts = [part for size in range(len(which)) for part in combinations(which, size)]
        known = [part for part in parts if part in told]
        just = eligible.sum(axis=-1)  # by inclusion and exclusion
        for part in known:
            just = just + (-1) ** (len(which) - len(part)) * np.array(told[part])
        if len(known) == len(parts) and not _are_many(just, counts.minimum):
            continue
        known += [other for other in _others(counts.changes, which) if other in told]
        if _tells_of_many(counts, eligible, [_eligible(counts, each) for each in known]):
            told[which] = eligible.sum(axis=-1).tolist()
    return told


def near_sweeps(counts: NearCounts, told: Told, criterion: str, states: np.ndarray) -> list[tuple[int, list[Row]]]:
    """Counts at some values of a limit, with nothing else changed (-1) and with one change; between them lie others.

    Args:
        counts: from `near_counts`.
        told: what is told of them, from `near`.
        criterion: whose limit it is.
        states: a row a patient, a column a value of the limit: the state of the criterion.

    No rows where the counts do not rise or fall throughout, for then they need not lie between.
    """
    alone = _sweep(counts, told, (), criterion, states, [])
    swept = [(-1, alone)]
    for number, (id, _) in enumerate(counts.changes):
        if alone and id != criterion:
            alike = [(which, rows) for which, rows in swept if which < 0 or counts.changes[which][0] == id]
            swept.append((number, _sweep(counts, told, (number,), criterion, states, alike)))
    return [each for each in swept if each[1]]


def _lack(states: np.ndarray) -> np.ndarray:
    """Whom a criterion keeps out, for certain (who does not pass) and at most (who fails): a row each."""
    return np.array([states != _PASS, states == _FAIL], dtype="int16")


def _sets_of_changes(changes: Sequence[tuple[str, str]]) -> Iterator[Change]:
    """The fewer first; no two of one criterion."""
    for size in range(_TOGETHER + 1):
        for which in combinations(range(len(changes)), size):
            if len({changes[each][0] for each in which}) == size:
                yield which


def _eligible(counts: NearCounts, which: Sequence[int]) -> np.ndarray:
    return counts.lacks + counts.moves[list(which)].sum(axis=0) == 0


def _others(changes: Sequence[tuple[str, str]], which: Change) -> Iterator[Change]:
    """The same changes but for one, which is of the same criterion."""
    for at, change in enumerate(which):
        for number, (id, _) in enumerate(changes):
            if id == changes[change][0] and number != change:
                yield tuple(sorted((*which[:at], number, *which[at + 1 :])))


def _sweep(
    counts: NearCounts,
    told: Told,
    change: Change,
    criterion: str,
    states: np.ndarray,
    swept: Sequence[tuple[int, list[Row]]],
) -> list[Row]:
    """The rows that tell of no few patients beside each other, beside what is told, and beside rows of other changes.

    Args:
        change: beside the limit: none or one.
        swept: the rows without a change, and with another one of the same criterion.
    """
    without = counts.lacks - _lack(counts.own[criterion])

    def eligible(others: np.ndarray, value: int) -> np.ndarray:
        return others + _lack(states[:, value]) == 0

    others = without + counts.moves[list(change)].sum(axis=0)
    frame = pd.DataFrame({"value": np.arange(states.shape[1], dtype=float)})
    for end, name in enumerate(ENDS):
        frame[name] = (_lack(states[others[end] == 0])[end] == 0).sum(axis=0)
    if not all(frame[end].is_monotonic_increasing or frame[end].is_monotonic_decreasing for end in ENDS):
        return []
    read = [(), *((number,) for number, (id, _) in enumerate(counts.changes) if id == criterion)]
    known = {tuple(sorted(each)) for own in read for each in (own, (*change, *own))}
    fixed = [_eligible(counts, which) for which in known if which in told]
    rows: list[Row] = []
    for value, *found in suppress(frame, counts.minimum).dropna(subset=list(ENDS)).to_numpy().astype(int).tolist():
        before = [eligible(others, which) for which, *_ in rows[-1:]]
        for number, known_rows in swept:
            beside = without + (counts.moves[number] if number >= 0 else 0)
            before += [eligible(beside, which) for which, *_ in _around(known_rows, value)]
        if _tells_of_many(counts, eligible(others, value), [*fixed, *before]):
            rows.append((value, *found))
    return rows


def _around(rows: Sequence[Row], value: int) -> Sequence[Row]:
    """The row at a value, and those about it."""
    at = bisect([which for which, *_ in rows], value)
    return rows[max(at - 2, 0) : at + 1]


def _tells_of_many(counts: NearCounts, eligible: np.ndarray, before: Sequence[np.ndarray]) -> bool:
    """Whether nobody, or enough, are eligible, wait for what is unknown, come in or go out since any count before."""
    if not _are_many((eligible.sum(axis=-1) - each.sum(axis=-1) for each in before), counts.minimum):
        return False
    certain, possible = eligible
    since = [cell for each in before for cell in (*(eligible & ~each), *(each & ~eligible))]
    new = eligible & ~np.any(before, axis=0) if before else eligible
    return all(_is_many(counts, cell) for cell in (certain, possible, possible & ~certain, *new, *since))


def _is_many(counts: NearCounts, cell: np.ndarray) -> bool:
    """Whether nobody or enough are in a cell, and of those groups of which only some are: in it, and not in it."""
    some, n = np.bincount(counts.group[cell], minlength=len(counts.n)), counts.n
    mixed = (some > 0) & (some < n)
    return _are_many([some.sum(), some[mixed].sum(), (n - some)[mixed].sum()], counts.minimum)


def _are_many(numbers: Iterable[Any], minimum: int) -> bool:
    """Whether each is nobody, or enough."""
    found = np.abs(np.array([*numbers], dtype=int))
    return bool(((found == 0) | (found >= minimum)).all())
