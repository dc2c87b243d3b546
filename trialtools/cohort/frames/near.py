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
_TOGETHER = 3
"""Criteria off together at most, of which the count travels; with other changes one less."""

Row = tuple[int, int, int]
"""Which value of a limit, and how many are eligible for certain and at most."""


@dataclass(frozen=True)
class NearCounts:
    """What counts by patient need, each for both ends.

    Attributes:
        changes: a criterion, and its reading.
        own: the states of each criterion as the protocol reads it.
        lacks: how many criteria keep each patient out.
        moves: by change, by how many more they do.
        group: the group of each patient in the table that travels beside the counts.
        minimum: of the patients that a difference of two counts may tell of.
    """

    changes: Sequence[tuple[str, str]]
    own: Mapping[str, np.ndarray]
    lacks: np.ndarray
    moves: np.ndarray
    group: np.ndarray
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
    return NearCounts(changes, own, lacks, np.array(moves), group, minimum)


def near(counts: NearCounts) -> dict[tuple[int, ...], list[int]]:
    """Certain and possible by the numbers of the changes: none, one, two, and three criteria off.

    A count is told only where it tells of no few patients: it differs by none or by enough from each count of fewer of
    these changes, and so does the number whom just they keep out, and what is left of it beside whole groups.
    """
    told: dict[tuple[int, ...], list[int]] = {}
    for which in _sets_of_changes(counts.changes):
        eligible = counts.lacks + counts.moves[list(which)].sum(axis=0) == 0
        found = eligible.sum(axis=-1).tolist()
        parts = [part for size in range(len(which)) for part in combinations(which, size)]
        known = [(part, told[part]) for part in parts if part in told]
        gaps = [*found, found[1] - found[0], *(a - b for _, each in known for a, b in zip(found, each, strict=True))]
        if len(known) == len(parts):  # by inclusion and exclusion
            gaps += [
                found[end] + sum((-1) ** (len(which) - len(part)) * each[end] for part, each in known) for end in (0, 1)
            ]
        if _are_many(gaps, counts.minimum) and (len(which) < 2 or _are_many(_left(counts, eligible), counts.minimum)):
            told[which] = found
    return told


def near_sweeps(counts: NearCounts, criterion: str, states: np.ndarray) -> list[tuple[int, list[Row]]]:
    """Counts at some values of a limit, with nothing else changed (-1) and with one change; between them lie others.

    Args:
        counts: from `near_counts`.
        criterion: whose limit it is.
        states: a row a patient, a column a value of the limit: the state of the criterion.

    No rows where the counts do not rise or fall throughout, for then they need not lie between.
    """
    others = counts.lacks - _lack(counts.own[criterion])
    alone = _sweep(counts, others, states)
    found = [(-1, alone)]
    for number, (id, _) in enumerate(counts.changes):
        if alone and id != criterion:
            beside = others + counts.moves[number]
            rows = [row for row in _sweep(counts, beside, states) if _is_apart(row, alone, counts.minimum)]
            left = [_left(counts, beside + _lack(states[:, row[0]]) == 0) for row in rows]
            rows = [row for row, few in zip(rows, left, strict=True) if _are_many(few, counts.minimum)]
            found.append((number, rows))
    return [each for each in found if each[1]]


def _lack(states: np.ndarray) -> np.ndarray:
    """Whom a criterion keeps out, for certain (who does not pass) and at most (who fails): a row each."""
    return np.array([states != _PASS, states == _FAIL], dtype="int16")


def _sets_of_changes(changes: Sequence[tuple[str, str]]) -> Iterator[tuple[int, ...]]:
    """The fewer first; no two of one criterion."""
    off = [number for number, (_, reading) in enumerate(changes) if not reading]
    for size in range(_TOGETHER + 1):
        for which in combinations(range(len(changes)) if size < _TOGETHER else off, size):
            if len({changes[each][0] for each in which}) == size:
                yield which


def _sweep(counts: NearCounts, others: np.ndarray, states: np.ndarray) -> list[Row]:
    frame = pd.DataFrame({"value": np.arange(states.shape[1], dtype=float)})
    for end, name in enumerate(ENDS):
        frame[name] = (_lack(states[others[end] == 0])[end] == 0).sum(axis=0)
    if not all(frame[end].is_monotonic_increasing or frame[end].is_monotonic_decreasing for end in ENDS):
        return []
    told = suppress(frame, counts.minimum).dropna(subset=list(ENDS))
    return [(int(which), int(certain), int(possible)) for which, certain, possible in told.to_numpy()]


def _is_apart(row: Row, alone: Sequence[Row], minimum: int) -> bool:
    """Whether a count with a change differs enough from those without, at this value or at those around it."""
    at = bisect([which for which, *_ in alone], row[0])
    around = alone[max(at - 2, 0) : at + 1]
    return _are_many((a - b for each in around for a, b in zip(row[1:], each[1:], strict=True)), minimum)


def _left(counts: NearCounts, eligible: np.ndarray) -> list[int]:
    """Of the groups of which only some are eligible, how many patients are, and how many are not; at both ends."""
    n = np.bincount(counts.group)
    found: list[int] = []
    for each in eligible:
        some = np.bincount(counts.group[each], minlength=len(n))
        mixed = (some > 0) & (some < n)
        found += [int(some[mixed].sum()), int((n - some)[mixed].sum())]
    return found


def _are_many(numbers: Iterable[Any], minimum: int) -> bool:
    """Whether each is nobody, or enough."""
    return all(number == 0 or abs(number) >= minimum for number in numbers)
