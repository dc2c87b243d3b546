"""A screening goes in; what each criterion costs and which of them fail together come out, counted from the patterns.

Two ends of every count: *certain* takes unknown as fail, *possible* takes it as pass.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..patterns import ScreeningData
from .masks import bit_count, collapse, ids_in, sum_by_criterion


def overlap(screening: ScreeningData, top: int = 12) -> pd.DataFrame:
    """Which criteria fail together: patients by the exact set of criteria that keeps them out.

    Args:
        screening: its patterns are counted.
        top: how many sets have a row of their own; the rest is one last row, `other`.

    Columns: criteria (`I6, E1` in protocol order), size (how many; none for `other`), failed (patients who fail exactly
    these: unknown taken as pass), not_passed (who fail or lack exactly these: unknown taken as fail), n (everybody).
    The set that most patients fail comes first, ties by not_passed. `failed` adds up to n less the possible,
    `not_passed` to n less the certain: whoever passes everything is in no set.

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
    frame = pd.DataFrame(
        {
            "criteria": [*(ids_in(mask, ids) for mask in masks[order[:top]]), "other"],
            "size": pd.array([*(int(mask).bit_count() for mask in masks[order[:top]]), None], dtype="Int64"),
        }
    )
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
    found = {}
    for end, mask in (("certain", failed | unknown), ("possible", failed)):
        against, people = collapse(mask, n, m)
        size = bit_count(against, m)
        one, some = size == 1, size > 0
        found[f"alone_{end}"] = screening.n - sum_by_criterion(against, people, m)
        found[f"gain_{end}"] = sum_by_criterion(against[one], people[one], m)
        found[f"shapley_{end}"] = 0 - sum_by_criterion(against[some], people[some] / size[some], m)
    only, settled, open_ = bit_count(failed, m) == 1, unknown == 0, failed == 0
    found["unique_certain"] = sum_by_criterion(failed[only & settled], n[only & settled], m)
    found["unique_possible"] = sum_by_criterion(failed[only], n[only], m) + sum_by_criterion(
        unknown[open_], n[open_], m
    )
    frame = pd.DataFrame({name: [getattr(c, name) for c in criteria] for name in ("kind", "label")})
    frame.insert(0, "criterion", [criterion.id for criterion in criteria])
    for asked in ("alone", "gain", "unique", "shapley"):
        for end in ("certain", "possible"):
            counted = found[f"{asked}_{end}"]
            frame[f"{asked}_{end}"] = counted if asked == "shapley" else counted.astype("int64")
    return frame.assign(n=screening.n)
