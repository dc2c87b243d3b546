"""A screening goes in, counts come out: where patients are lost, what they lack, who could enter.

Everything here is counted from the patterns of a screening, never from the patients again. Each count is an interval:
*certain* takes unknown as fail, *possible* takes unknown as pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...criteria.language import in_sentence, nearest
from ...criteria.protocol import DataError
from ..patterns import ScreeningData, collapse, sum_by_criterion


def answer(screening: ScreeningData, minimum: int = 0) -> str:
    """Who could enter, in a few sentences: one interval, who is not decided yet, and what is not known most often.

    Args:
        screening: its patterns are counted.
        minimum: of those who are not decided, no part of 1 to `minimum` - 1 is told, nor what it leaves of them. The
            interval itself is always told.
    """
    n, certain, possible = screening.n, screening.certain, screening.possible
    if n == 0:
        return "Nobody was screened."
    if possible == certain:
        who = f"{certain:,} of {n:,} {_patients_are(n)} eligible"
        return f"{who}; nobody else could be." if possible else "Nobody is eligible, whatever is still not known."
    who = f"At least {certain:,} and at most {possible:,} of {n:,} {_patients_are(n)} eligible."
    open_, waiting = possible - certain, screening.counts["awaiting_judgement"]

    def is_told(part: int) -> bool:
        return part >= max(minimum, 1) and not 0 < open_ - part < minimum

    judged = f", of whom {waiting:,} need{'s' * (waiting == 1)} only a person's judgement" if is_told(waiting) else ""
    rows = [row for row in open_criteria(screening).to_dict("records") if is_told(row["n"]) and not row["judged"]][:3]
    missing = "; ".join(f"{in_sentence(row['label'])} ({row['n']:,})" for row in rows)
    lacks = f" Of what can be looked up, not known most often: {missing}." if missing else ""
    return f"{who} {open_:,} {'is' if open_ == 1 else 'are'} not decided yet{judged}.{lacks}"


def _patients_are(n: int) -> str:
    return "patient is" if n == 1 else "patients are"


def criterion_states(screening: ScreeningData) -> pd.DataFrame:
    """How many patients pass, fail or stay unknown on each criterion.

    Columns: criterion, kind, label, reading, quote, pass, fail, unknown, n; a row a criterion in protocol order.
    """

    protocol, (failed, unknown, n) = screening.protocol, screening.masks
    frame = pd.DataFrame(
        {
            "criterion": criterion.id,
            "kind": criterion.kind,
            "label": criterion.label,
            "reading": protocol.reading(criterion.id),
            "quote": " … ".join(criterion.quotes),
        }
        for criterion in protocol.criteria
    )
    fail, open_ = (sum_by_criterion(mask, n, len(frame)).astype("int64") for mask in (failed, unknown))
    return frame.assign(**{"pass": screening.n - fail - open_}, fail=fail, unknown=open_, n=screening.n)


ORDERS = ("protocol", "greedy", "alone")


def attrition(screening: ScreeningData, order: str = "protocol") -> pd.DataFrame:
    """Who is left after each criterion.

    Args:
        screening: its patterns are counted.
        order: `protocol`, as written; `greedy`, always the criterion next that leaves the fewest possible (ties: the
            fewest certain, then protocol order); `alone`, each row as if its criterion were the only one.

    Columns: step, criterion, kind, label, failed_here, possible, certain, undetermined. Step 0 is everybody screened.
    `failed_here` fail this criterion and none before it; `possible` have failed none so far, `certain` have passed all,
    and `undetermined` are those between. The last row's end does not depend on the order of the criteria, except where
    each stands alone.

    Raises:
        DataError: no such order.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> screening.attrition(order="greedy")["criterion"].tolist()[1:4]
    ['I2', 'I5', 'E6']
    """

    if order not in ORDERS:
        raise DataError(f"no order '{order}'{nearest(order, ORDERS)}")
    failed, unknown, n = screening.masks
    left = list(range(len(screening.protocol.criteria)))
    possible, certain = (collapse(mask, n, len(left)) for mask in (failed, failed | unknown))
    rows = [_step(0, None, 0, screening.n, screening.n)]
    for step in range(1, len(left) + 1):
        next_ = _costliest(left, possible, certain) if order == "greedy" else left[0]
        left.remove(next_)
        may, surely = _keep_passes(next_, *possible), _keep_passes(next_, *certain)
        stay = int(may[1].sum())
        out = int(possible[1].sum()) - stay
        rows.append(_step(step, screening.protocol.criteria[next_], out, stay, int(surely[1].sum())))
        if order != "alone":
            possible, certain = may, surely
    return pd.DataFrame(rows)


def _keep_passes(position: int, mask: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keep = ~_has(mask, position)
    return mask[keep], n[keep]


def _costliest(left: list[int], *ends: tuple[np.ndarray, np.ndarray]) -> int:
    """The criterion that takes out the most possible patients, then the most certain ones, then the first."""
    lost = [sum_by_criterion(mask, n, max(left) + 1) for mask, n in ends]
    return max(left, key=lambda position: (*(each[position] for each in lost), -position))


def _step(step: int, criterion: Any, failed_here: int, possible: int, certain: int) -> dict[str, Any]:
    return {
        "step": step,
        "criterion": criterion.id if criterion else "",
        "kind": criterion.kind if criterion else "",
        "label": criterion.label if criterion else "Screened",
        "failed_here": failed_here,
        "possible": possible,
        "certain": certain,
        "undetermined": possible - certain,
    }


def open_criteria(screening: ScreeningData) -> pd.DataFrame:
    """What the undetermined patients lack: on which criteria they are open.

    Columns: criterion, label, n (undetermined patients open on it), alone (open on nothing else), of (all who are
    undetermined), judged (a person decides it, no record); the most frequent first.
    """

    failed, unknown, n = screening.masks
    waiting = (failed == 0) & (unknown != 0)
    rows = [
        {
            "criterion": criterion.id,
            "label": criterion.label,
            "n": int(n[waiting & _has(unknown, position)].sum()),
            "alone": int(n[waiting & (unknown == 1 << position)].sum()),
            "of": int(n[waiting].sum()),
            "judged": criterion.id in screening.protocol.judgements,
        }
        for position, criterion in enumerate(screening.protocol.criteria)
    ]
    return pd.DataFrame(rows).sort_values("n", ascending=False, kind="stable", ignore_index=True)


def _has(mask: np.ndarray, position: int) -> np.ndarray:
    return (mask >> position) & 1 == 1
