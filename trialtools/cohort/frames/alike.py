"""Patients go in as rows of states, groups of patients who are alike come out, none smaller than may leave.

Eligible patients, open ones, those who fail one criterion and those who fail more stand in groups of their own, where
there are enough of them: so counts near the protocol are exact or nearly so.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

PASS, FAIL, UNKNOWN = range(3)
MOST = 4_000
"""Groups at most, so that a table of any cohort travels; of more patients, groups are larger."""
BLOCK = 2_000
"""Rows among which like is sought for like; all of them at once would take too long for a large table."""
FAILS, CHOSEN, CURVE = 10.0, 5.0, 0.05
"""How much patients differ who differ in a failure, in a chosen reading, in a curve."""


def alike(rows: np.ndarray, chosen: np.ndarray, minimum: int) -> np.ndarray:
    """By patient the number of a group of at least so many patients, each group as much alike as may be.

    Args:
        rows: a patient each; first the states of criteria (0 pass, 1 fail, 2 unknown), then the numbers of curves.
        chosen: which of the states are of the readings that the protocol takes.
        minimum: patients of a group at least; of fewer patients in all there is no group.
    """
    if len(rows) < minimum:
        return np.zeros(0, dtype="int64")
    distinct, of, n = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    if len(distinct) > MOST:
        minimum = max(minimum, int(np.ceil(len(rows) / MOST)))
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
    failed, unknown = ((states[:, chosen] == state).sum(axis=1) for state in (FAIL, UNKNOWN))
    order = np.lexsort((*states[:, chosen].T, unknown, failed))
    kind = np.where(failed > 0, np.minimum(failed, 2) + 1, unknown > 0)[order]
    for each in range(4):
        rows = order[kind == each]
        yield from (rows[begin : begin + BLOCK] for begin in range(0, len(rows), BLOCK))


def _distance(distinct: np.ndarray, chosen: np.ndarray, left: np.ndarray) -> np.ndarray:
    """How much each row differs from the first."""
    here = distinct[left]
    states, first = here[:, : len(chosen)], here[0, : len(chosen)]
    weight = np.where(chosen, CHOSEN, 1.0) * np.where((states == FAIL) | (first == FAIL), FAILS, 1.0)
    curves = (here[:, len(chosen) :] != here[0, len(chosen) :]).sum(axis=1)
    return ((states != first) * weight).sum(axis=1) + CURVE * curves
