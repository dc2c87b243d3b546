"""States of criteria go in, the counts under a few changes come out: what may be told of them beside a table of groups.

A change is a criterion that is off (it has no reading), or that has another reading.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from itertools import combinations
from operator import or_
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

_Patterns = int
"""A set of patterns, a bit each: two sets are compared, and found again, faster than two arrays."""

_Counted = tuple[Sequence[_Patterns], Sequence[int]]
"""Which patterns are eligible for certain and at most, and how many patients they are."""


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
        many: by set of patterns whether it is nobody or enough, where that was asked: most are asked for many times.
    """

    changes: Sequence[tuple[str, str]]
    own: Mapping[str, np.ndarray]
    lacks: np.ndarray
    moves: np.ndarray
    n: np.ndarray
    group: np.ndarray
    sizes: np.ndarray
    minimum: int
    many: dict[_Patterns, bool] = field(default_factory=dict)


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
        eligible, n = _eligible_cells(counts, which)
        parts = [part for size in range(len(which)) for part in combinations(which, size)]
        known = [part for part in parts if part in release]
        signs = [(-1) ** (len(which) - len(part)) for part in known]  # by inclusion and exclusion
        just = [
            n[end] + sum(sign * release[part][end] for sign, part in zip(signs, known, strict=True)) for end in (0, 1)
        ]
        if len(known) == len(parts) and not _are_many(just, counts.minimum):
            continue
        known += [other for other in _others(counts.changes, which) if other in release]
        if _tells_of_many(counts, (eligible, n), [_eligible_cells(counts, each) for each in known]):
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
    counts, states = _merge(counts, states)
    lacks, without = _lack(states.T), counts.lacks - _lack(counts.own[criterion])

    @cache
    def by_value(change: _Change) -> list[_Counted]:
        others = without + counts.moves[list(change)].sum(axis=0)
        eligible = (lacks == -others[:, None]).swapaxes(0, 1)
        return list(zip(map(_bit_sets, eligible), (eligible @ counts.n).tolist(), strict=True))

    alone = _sweep(counts, release, (), criterion, by_value, [])
    swept: list[tuple[_Change, list[_Row]]] = [((), alone)]
    for number, (id, _) in enumerate(counts.changes):
        if alone and id != criterion:
            alike = [(which, rows) for which, rows in swept if not which or counts.changes[which[0]][0] == id]
            swept.append(((number,), _sweep(counts, release, (number,), criterion, by_value, alike)))
    return [(which[0] if which else -1, rows) for which, rows in swept if rows]


def _merge(counts: _NearCounts, states: np.ndarray) -> tuple[_NearCounts, np.ndarray]:
    """The same counts of fewer patterns: those of one group that a limit and all changes treat alike are one."""
    number = row_numbers(np.column_stack([counts.group, *counts.moves.reshape(-1, len(counts.n)), states]))
    _, first = np.unique(number, return_index=True)
    merged = replace(
        counts,
        own={id: column[first] for id, column in counts.own.items()},
        lacks=counts.lacks[:, first],
        moves=counts.moves[:, :, first],
        n=np.bincount(number, counts.n).astype("int64"),
        group=counts.group[first],
        many={},
    )
    return merged, states[first]


def row_numbers(rows: np.ndarray) -> np.ndarray:
    """Rows that are alike have one number; to sort them, as numpy does, would take most of the time of a long table."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], dtype="int64")


def _lack(states: np.ndarray) -> np.ndarray:
    """Which patterns a criterion keeps out, for certain (who does not pass) and at most (who fails): a row each."""
    return np.array([states != _PASS, states == _FAIL], dtype="int16")


def _sets_of_changes(changes: Sequence[tuple[str, str]]) -> Iterator[_Change]:
    """The fewer first; no two of one criterion."""
    for size in range(_TOGETHER + 1):
        for which in combinations(range(len(changes)), size):
            if len({changes[each][0] for each in which}) == size:
                yield which


def _eligible_cells(counts: _NearCounts, which: Sequence[int]) -> tuple[list[_Patterns], list[int]]:
    eligible = counts.lacks + counts.moves[list(which)].sum(axis=0) == 0
    return _bit_sets(eligible), (eligible @ counts.n).tolist()


def _bit_sets(rows: np.ndarray) -> list[_Patterns]:
    """The patterns that each row of flags names."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]


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
    by_value: Callable[[_Change], list[_Counted]],
    swept: Sequence[tuple[_Change, list[_Row]]],
) -> list[_Row]:
    """The rows that tell of no few patients beside each other, beside what is told, and beside rows of other changes.

    Args:
        change: beside the limit: none or one.
        by_value: by change what is counted at each value of the limit.
        swept: the rows without a change, and with another one of the same criterion.
    """
    read = [(), *((number,) for number, (id, _) in enumerate(counts.changes) if id == criterion)]
    known = {tuple(sorted(each)) for own in read for each in (own, (*change, *own))}
    fixed = [_eligible_cells(counts, which) for which in known if which in release]
    rows: list[_Row] = []
    for value in _turns(np.array([n for _, n in by_value(change)]), counts.minimum):
        before = [by_value(change)[at] for at, *_ in rows[-1:]]
        for beside, known_rows in swept:
            before += [by_value(beside)[at] for at, *_ in _around(known_rows, value)]
        now = _, (certain, possible) = by_value(change)[value]
        if _tells_of_many(counts, now, [*fixed, *before]):
            rows.append((value, certain, possible))
    return rows


def _turns(counts: np.ndarray, minimum: int) -> list[int]:
    """The values that are told, but those that lie between two that are the same; none unless counts rise or fall."""
    steps = np.diff(counts, axis=0)
    if not ((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)).all():
        return []
    ends = counts.tolist()
    values = far_apart(ends, minimum)
    around = zip(values, values[1:], values[2:], strict=False)
    between = {value for before, value, after in around if ends[before] == ends[value] == ends[after]}
    return [value for value in values if value not in between]


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
    cells = {certain, possible, possible & ~certain}
    for end, *others in zip(eligible, *(other for other, _ in before), strict=True):
        cells.add(end & ~reduce(or_, others, 0))
        cells.update(cell for other in others for cell in (end & ~other, other & ~end))
    return all(_is_many(counts, cell) for cell in cells)


def _is_many(counts: _NearCounts, cell: _Patterns) -> bool:
    """Whether nobody or enough are in a cell, and of those groups of which only some are: in it, and not in it."""
    if cell not in counts.many:
        flags = np.frombuffer(cell.to_bytes(-(-len(counts.n) // 8), "little"), "uint8")
        rows = np.flatnonzero(np.unpackbits(flags, bitorder="little"))
        some = np.bincount(counts.group[rows], counts.n[rows])
        left = counts.sizes[: len(some)] - some
        mixed = (some > 0) & (left > 0)
        counts.many[cell] = _are_many([some.sum(), some[mixed].sum(), left[mixed].sum()], counts.minimum)
    return counts.many[cell]


def _are_many(numbers: Sequence[Any], minimum: int) -> bool:
    """Whether each is nobody, or enough."""
    return all(n == 0 or abs(n) >= minimum for n in numbers)
