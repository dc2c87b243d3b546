"""A screening and a target go in; the smallest sets of criteria that, dropped, reach it come out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...criteria.protocol import DataError
from ..patterns import ScreeningData
from .masks import bit_count, collapse, ids_in

MOST, ROWS = 20, 12
"""How many criteria may be dropped: every set of them is counted, a million for twenty. And the rows that are told."""


def fewest_to_drop(screening: ScreeningData, target: int, count: str = "possible") -> pd.DataFrame:
    """The fewest criteria that must go for enough patients to be eligible: all sets of that size, largest gain first.

    Args:
        screening: its patterns are counted. A criterion that the protocol locks is never dropped.
        target: how many patients are wanted.
        count: `possible` (unknown taken as pass) or `certain` (unknown taken as fail).

    Columns: rank, criteria (to drop, in protocol order; empty if nothing need go), size, certain, possible (with these
    dropped), gain (in what is counted), reaches, n. At most twelve rows. If no set reaches the target, `reaches` is
    false and the rows are the smallest sets that come nearest. The search is exact: every set is counted.

    Raises:
        DataError: more than 20 criteria may be dropped, or no such count.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> screening.fewest_to_drop(400)[["criteria", "possible"]].values.tolist()[0]
    ['I5', 457]
    """

    if count not in ("certain", "possible"):
        raise DataError(f"relax counts certain or possible patients, not '{count}'")
    criteria = screening.protocol.criteria
    free = [position for position, criterion in enumerate(criteria) if not criterion.locked]
    if len(free) > MOST:
        raise DataError(
            f"{len(free)} criteria may be dropped; {MOST} are searched at most: lock the others (locked: true)"
        )
    failed, unknown, n = screening.masks
    found = {"certain": _eligible(failed | unknown, n, free), "possible": _eligible(failed, n, free)}
    sets = np.arange(1 << len(free))
    enough = found[count] >= min(target, int(found[count].max()))
    size = bit_count(sets, max(len(free), 1))
    best = sets[enough & (size == size[enough].min())]
    best = best[np.argsort(-found[count][best], kind="stable")][:ROWS]
    ids = [criteria[position].id for position in free]
    frame = pd.DataFrame({"rank": range(1, len(best) + 1), "criteria": [ids_in(mask, ids) for mask in best]})
    frame = frame.assign(size=size[best], certain=found["certain"][best], possible=found["possible"][best])
    gain = found[count][best] - found[count][0]
    return frame.assign(gain=gain, reaches=found[count][best] >= target, n=screening.n)


def _eligible(against: np.ndarray, n: np.ndarray, free: list[int]) -> np.ndarray:
    """For every set of free criteria, who has nothing against them outside it: sums over subsets, a bit at a time."""
    locked = ~np.int64(sum(1 << position for position in free))
    reachable = (against & locked) == 0
    mask = np.zeros(int(reachable.sum()), dtype="int64")
    for bit, position in enumerate(free):
        mask |= ((against[reachable] >> position) & 1) << bit
    exactly, people = collapse(mask, n[reachable], len(free))
    sums = np.zeros(1 << len(free), dtype="int64")
    sums[exactly] = people
    for bit in range(len(free)):
        pairs = sums.reshape(-1, 2, 1 << bit)
        pairs[:, 1] += pairs[:, 0]
    return sums
