"""A screening goes in; what each criterion costs, which fail together and which to drop come out, from the patterns.

Two ends of every count: *certain* takes unknown as fail, *possible* takes it as pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...criteria.protocol import DataError
from ..patterns import ScreeningData, collapse, sum_by_criterion


def overlap(screening: ScreeningData, top: int = 12) -> pd.DataFrame:
    """Which criteria fail together: patients by the exact set of criteria that keeps them out.

    Args:
        screening: its patterns are counted.
        top: how many sets have a row of their own; the rest is one last row, `other`.

    Columns: criteria (`I6, E1` in protocol order), size (how many; none for `other`), failed (patients who fail exactly
    these: unknown taken as pass), not_passed (who fail or lack exactly these: unknown taken as fail), n (everybody).
    The set that most patients fail comes first, ties by not_passed. `failed` adds up to n less the possible,
    `not_passed` to n less the certain: patients who pass everything are in no set.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.overlap(top=3)
    >>> frame["criteria"].tolist(), int(frame["failed"].sum()) == screening.n - screening.possible
    (['I2, I8', 'I5', 'I2', 'other'], True)

    Source: Lex et al., UpSet, IEEE Transactions on Visualization and Computer Graphics 20 (2014).
    """

    failed, unknown, n = screening.masks
    m = len(screening.protocol.criteria)
    ends = [collapse(mask, n, m) for mask in (failed, failed | unknown)]
    masks = np.sort(np.concatenate([mask for mask, _ in ends]))
    masks = masks[np.diff(masks, prepend=-1) > 0]
    fail, lack = np.zeros((2, len(masks)), dtype="int64")
    for counts, (mask, people) in zip((fail, lack), ends, strict=True):
        counts[np.searchsorted(masks, mask)] = people
    order = np.argsort(-(fail * (screening.n + 1) + lack), kind="stable")
    order = order[masks[order] != 0]
    ids = [criterion.id for criterion in screening.protocol.criteria]
    sets = masks[order[:top]].tolist()
    frame = pd.DataFrame({"criteria": [*(_ids_in(mask, ids) for mask in sets), "other"]})
    frame["size"] = pd.array([*map(int.bit_count, sets), None], dtype="Int64")
    for name, counts in (("failed", fail), ("not_passed", lack)):
        frame[name] = [*counts[order[:top]], counts[order[top:]].sum()]
    return frame.assign(n=screening.n)


def impact(screening: ScreeningData) -> pd.DataFrame:
    """What each criterion costs, in four ways of asking, each with two ends; a row a criterion in protocol order.

    Columns: criterion, kind, label, then with `_certain` and `_possible`: alone, gain, unique, shapley; and n.

    - `alone`: eligible if no other criterion applied.
    - `gain`: how many more are eligible when it is dropped. The two ends are two gains, not bounds of one: of the
      certain count (who fail or lack it and surely pass the rest) and of the possible count (who fail it and nothing
      else). Either may be the larger.
    - `unique`: excluded by it and by nothing else. Certain: it fails and all else passes, whatever is found out.
      Possible: it fails or is unknown and nothing else fails, so that it may turn out so. Both gains lie between.
    - `shapley`: its fair share of the loss. A patient with k criteria against them counts -1/k to each of these; the
      shares add up to eligible less n, exactly, at either end. Two shares, not bounds of one: where unknown counts as
      fail, more criteria share the blame for a patient.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.impact()
    >>> round(frame["shapley_possible"].sum()) == screening.possible - screening.n
    True

    Source: Shapley, A value for n-person games (1953); closed form, since every patient is a game of veto players. Liu
    et al., Nature 592 (2021), ask the same of hazard ratios, by sampling.
    """

    failed, unknown, n = screening.masks
    criteria = screening.protocol.criteria
    m = len(criteria)
    columns = {}
    for end, mask in (("certain", failed | unknown), ("possible", failed)):
        against, people = collapse(mask, n, m)
        size = np.bitwise_count(against)
        one, some = size == 1, size > 0
        columns[f"alone_{end}"] = screening.n - sum_by_criterion(against, people, m)
        columns[f"gain_{end}"] = sum_by_criterion(against[one], people[one], m)
        columns[f"shapley_{end}"] = 0 - sum_by_criterion(against[some], people[some] / size[some], m)
    only, settled, open_ = np.bitwise_count(failed) == 1, unknown == 0, failed == 0
    columns["unique_certain"] = sum_by_criterion(failed[only & settled], n[only & settled], m)
    may_turn_out_so = sum_by_criterion(unknown[open_], n[open_], m)
    columns["unique_possible"] = sum_by_criterion(failed[only], n[only], m) + may_turn_out_so
    rows = [(criterion.id, criterion.kind, criterion.label) for criterion in criteria]
    frame = pd.DataFrame(rows, columns=["criterion", "kind", "label"])
    for figure in ("alone", "gain", "unique", "shapley"):
        for end in ("certain", "possible"):
            counted = columns[f"{figure}_{end}"]
            frame[f"{figure}_{end}"] = counted if figure == "shapley" else counted.astype("int64")
    return frame.assign(n=screening.n)


_MOST, _ROWS = 20, 12
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
    if len(free) > _MOST:
        raise DataError(
            f"{len(free)} criteria may be dropped; {_MOST} are searched at most: lock the others (locked: true)"
        )
    failed, unknown, n = screening.masks
    fewest = {"certain": _eligible(failed | unknown, n, free), "possible": _eligible(failed, n, free)}
    sets = np.arange(1 << len(free))
    enough = fewest[count] >= min(target, int(fewest[count].max()))
    size = np.bitwise_count(sets).astype("int64")
    best = sets[enough & (size == size[enough].min())]
    best = best[np.argsort(-fewest[count][best], kind="stable")][:_ROWS]
    ids = [criteria[position].id for position in free]
    frame = pd.DataFrame({"rank": range(1, len(best) + 1), "criteria": [_ids_in(mask, ids) for mask in best]})
    frame = frame.assign(size=size[best], certain=fewest["certain"][best], possible=fewest["possible"][best])
    gain = fewest[count][best] - fewest[count][0]
    return frame.assign(gain=gain, reaches=fewest[count][best] >= target, n=screening.n)


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


def _ids_in(mask: int, ids: Sequence[str]) -> str:
    """The criteria of one mask, in the order of the protocol: `E1, I6`."""
    return ", ".join(id for position, id in enumerate(ids) if mask >> position & 1)
