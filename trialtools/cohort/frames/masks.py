"""Bit masks over criteria go in, sums come out: what the frames that count patterns share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

CHUNK = 10
"""Criteria that are summed at once: a pattern is dropped into one of 1,024 boxes, and the boxes are summed by bit."""

_DENSE = 20
"""Up to so many criteria, every set of them can have a box of its own."""


def sum_by_criterion(mask: np.ndarray, weight: np.ndarray, criteria: int) -> np.ndarray:
    """For each criterion the summed weight of the patterns whose mask holds it."""
    sums = np.zeros(criteria)
    for low in range(0, criteria, CHUNK):
        width = min(CHUNK, criteria - low)
        boxes = np.bincount((mask >> low) & (2**CHUNK - 1), weight, minlength=2**CHUNK)
        sums[low : low + width] = boxes @ ((np.arange(2**CHUNK)[:, None] >> np.arange(width)) & 1)
    return sums


def bit_count(mask: np.ndarray, criteria: int) -> np.ndarray:
    """How many criteria each mask holds."""
    of_box = ((np.arange(2**CHUNK)[:, None] >> np.arange(CHUNK)) & 1).sum(axis=1)
    parts = [of_box[(mask >> low) & (2**CHUNK - 1)] for low in range(0, criteria, CHUNK)]
    return np.sum(parts, axis=0)


def collapse(mask: np.ndarray, n: np.ndarray, criteria: int) -> tuple[np.ndarray, np.ndarray]:
    """Each mask once, in rising order, with all its patients."""
    if criteria <= _DENSE:  # a box for every set there could be: many times faster than sorting
        boxes = np.bincount(mask, n, minlength=1 << criteria)
        masks = np.flatnonzero(boxes)
        return masks, boxes[masks].astype("int64")
    masks, at = np.unique(mask, return_inverse=True)
    return masks, np.bincount(at, n, len(masks)).astype("int64")


def ids_in(mask: Any, ids: Sequence[str]) -> str:
    """The criteria of one mask, in the order of the protocol: `E1, I6`."""
    return ", ".join(id for position, id in enumerate(ids) if int(mask) >> position & 1)
