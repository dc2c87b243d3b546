"""States of criteria go in, the counts under a few changes come out: what may be told of them beside a table of groups.

A change is a criterion that is off (it has no reading), or that has another reading.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations
from typing import Any

import numpy as np

from .disclosure import far_apart

_PASS, _FAIL = 0, 1
_TOGETHER = 2
"""Changes at most of which the count travels: those of three, together with the groups, tell of single patients."""

_Row = tuple[int, int, int]
"""Which value of a limit, and how many are eligible for certain and at most."""

_Change = tuple[int, ...]
"""The numbers of changes that are made together."""

_Release = dict[_Change, list[int]]
"""By the numbers of changes, how many are eligible for certain and at most."""

_Counted = tuple[np.ndarray, Sequence[int]]
"""Which patterns are eligible for certain and at most, a row each, and how many patients they are."""


@dataclass(frozen=True)
class _NearCounts:
    """What counts by pattern of patients who are alike need, each for both ends.

    Attributes:
        changes: a criterion, and its reading.
        own: the states of each criterion as the protocol reads it.
        lacks: how many criteria keep each pattern out.
        moves: by change, by how many more they do.
        n: patients of each pattern.
        group: the group of each pattern in the table that travels beside the counts.
        sizes: patients of each group.
        minimum: of the patients that a difference of two counts may tell of.
    """

    changes: Sequence[tuple[str, str]]
    own: Mapping[str, np.ndarray]
    lacks: np.ndarray
    moves: np.ndarray
    n: np.ndarray
    group: np.ndarray
    sizes: np.ndarray
    minimum: int


def near_counts(
    states: np.ndarray,
    formulas: Sequence[tuple[str, str]],
    chosen: np.ndarray,
    n: np.ndarray,
    group: np.ndarray,
    minimum: int,
) -> _NearCounts:
    """What is counted near a protocol.

    Args:
        states: a row a pattern, a column a reading of a criterion: 0 pass, 1 fail, 2 unknown.
        formulas: criterion and reading of each column.
        chosen: whether the protocol takes that reading.
        n: patients of each pattern.
        group: the number of its group.
        minimum: of the smallest group.
    """
    own = {formulas[at][0]: states[:, at] for at in map(int, np.flatnonzero(chosen))}
    off = [((id, ""), -_lack(column)) for id, column in own.items()]
    other = [(formulas[at], states[:, at]) for at in map(int, np.flatnonzero(~chosen))]
    read = [(change, _lack(column) - _lack(own[change[0]])) for change, column in other]
    changes, moves = zip(*off, *read, strict=True)
    lacks = np.sum([_lack(column) for column in own.values()], axis=0)
    sizes = np.bincount(group, weights=n)
    return _NearCounts(changes, own, lacks, np.array(moves), n, group, sizes, minimum)


def near(counts: _NearCounts) -> _Release:
    """Certain and possible by the numbers of the changes: none, one and two.

    A count is told only where it tells of no few patients beside the counts of fewer of these changes, and beside those
    with another reading of one of these criteria.
    """
    release: _Release = {}
    for which in _sets_of_changes(counts.changes):
        eligible, n = _counted(counts, which)
        parts = [part for size in range(len(which)) for part in combinations(which, size)]
        known = [part for part in parts if part in release]
        signs = [(-1) ** (len(which) - len(part)) for part in known]  # by inclusion and exclusion
        just = [
            n[end] + sum(sign * release[part][end] for sign, part in zip(signs, known, strict=True)) for end in (0, 1)
        ]
        if len(known) == len(parts) and not _are_many(just, counts.minimum):
            continue
        known += [other for other in _others(counts.changes, which) if other in release]
        if _tells_of_many(counts, (eligible, n), [_counted(counts, each) for each in known]):
            release[which] = n
    return release


def near_sweeps(
    counts: _NearCounts, release: _Release, criterion: str, states: np.ndarray
) -> list[tuple[int, list[_Row]]]:
    """Counts at some values of a limit, with nothing else changed (-1) and with one change; between them lie others.

    Args:
        counts: from `near_counts`.
        release: what may be told of them, from `near`.
        criterion: whose limit it is.
        states: a row a pattern, a column a value of the limit: the state of the criterion.

    No rows where the counts do not rise or fall throughout, for then they need not lie between.
    """
    lacks = _lack(states.T)
    alone = _sweep(counts, release, (), criterion, lacks, [])
    swept = [(-1, alone)]
    for number, (id, _) in enumerate(counts.changes):
        if alone and id != criterion:
            alike = [(which, rows) for which, rows in swept if which < 0 or counts.changes[which][0] == id]
            swept.append((number, _sweep(counts, release, (number,), criterion, lacks, alike)))
    return [each for each in swept if each[1]]


def _lack(states: np.ndarray) -> np.ndarray:
    """Which patterns a criterion keeps out, for certain (who does not pass) and at most (who fails): a row each."""
    return np.array([states != _PASS, states == _FAIL], dtype="int16")


def _sets_of_changes(changes: Sequence[tuple[str, str]]) -> Iterator[_Change]:
    """The fewer first; no two of one criterion."""
    for size in range(_TOGETHER + 1):
        for which in combinations(range(len(changes)), size):
            if len({changes[each][0] for each in which}) == size:
                yield which


def _counted(counts: _NearCounts, which: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    eligible = counts.lacks + counts.moves[list(which)].sum(axis=0) == 0
    return eligible, (eligible @ counts.n).tolist()


def _others(changes: Sequence[tuple[str, str]], which: _Change) -> Iterator[_Change]:
    """The same changes but for one, which is of the same criterion."""
    for at, change in enumerate(which):
        for number, (id, _) in enumerate(changes):
            if id == changes[change][0] and number != change:
                yield tuple(sorted((*which[:at], number, *which[at + 1 :])))


def _sweep(
    counts: _NearCounts,
    release: _Release,
    change: _Change,
    criterion: str,
    lacks: np.ndarray,
    swept: Sequence[tuple[int, list[_Row]]],
) -> list[_Row]:
    """The rows that tell of no few patients beside each other, beside what is told, and beside rows of other changes.

    Args:
        change: beside the limit: none or one.
        lacks: whom the criterion keeps out, by value of the limit.
        swept: the rows without a change, and with another one of the same criterion.
    """
    without = counts.lacks - _lack(counts.own[criterion])

    @cache
    def by_value(which: _Change) -> np.ndarray:
        others = without + counts.moves[list(which)].sum(axis=0)
        return (lacks == -others[:, None]).swapaxes(0, 1)

    read = [(), *((number,) for number, (id, _) in enumerate(counts.changes) if id == criterion)]
    known = {tuple(sorted(each)) for own in read for each in (own, (*change, *own))}
    fixed = [_counted(counts, which) for which in known if which in release]
    rows: list[_Row] = []
    for row in _turns(by_value(change) @ counts.n, counts.minimum):
        value, *ends = row
        before = [(by_value(change)[at], n) for at, *n in rows[-1:]]
        for number, known_rows in swept:
            beside = (number,) if number >= 0 else ()
            before += [(by_value(beside)[at], n) for at, *n in _around(known_rows, value)]
        if _tells_of_many(counts, (by_value(change)[value], ends), [*fixed, *before]):
            rows.append(row)
    return rows


def _turns(counts: np.ndarray, minimum: int) -> list[_Row]:
    """Value, certain and possible, but those that lie between two that are the same; none unless they rise or fall."""
    steps = np.diff(counts, axis=0)
    if not ((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)).all():
        return []
    ends = counts.tolist()
    values = far_apart(ends, minimum)
    around = zip(values, values[1:], values[2:], strict=False)
    between = {value for before, value, after in around if ends[before] == ends[value] == ends[after]}
    return [(value, *ends[value]) for value in values if value not in between]


def _around(rows: Sequence[_Row], value: int) -> Sequence[_Row]:
    """The row at a value, and those about it."""
    at = bisect([which for which, *_ in rows], value)
    return rows[max(at - 2, 0) : at + 1]


def _tells_of_many(counts: _NearCounts, now: _Counted, before: Sequence[_Counted]) -> bool:
    """Whether nobody, or enough, are eligible, wait for what is unknown, come in or go out since any count before."""
    eligible, n = now
    if not _are_many([a - b for _, other in before for a, b in zip(n, other, strict=True)], counts.minimum):
        return False
    certain, possible = eligible
    others = [other for other, _ in before]
    new = eligible & ~np.any(others, axis=0) if others else eligible
    since = (cell for other in others for cell in (*(eligible & ~other), *(other & ~eligible)))
    return all(_is_many(counts, cell) for cell in chain((certain, possible, possible & ~certain, *new), since))


def _is_many(counts: _NearCounts, cell: np.ndarray) -> bool:
    """Whether nobody or enough are in a cell, and of those groups of which only some are: in it, and not in it."""
    (rows,) = cell.nonzero()
    if not len(rows):
        return True
    some = np.bincount(counts.group[rows], counts.n[rows])
    left = counts.sizes[: len(some)] - some
    (mixed,) = ((some > 0) & (left > 0)).nonzero()
    return _are_many([some.sum(), some[mixed].sum(), left[mixed].sum()], counts.minimum)


def _are_many(numbers: Sequence[Any], minimum: int) -> bool:
    """Whether each is nobody, or enough."""
    return all(n == 0 or abs(n) >= minimum for n in numbers)
