"""A screening goes in; whom it leaves out comes out: by age band, sex, condition or any other field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.language import ProtocolError, nearest
from ..patterns import ScreeningData
from .groups import UNKNOWN, default_groups, groups, patterns_by

_Z95 = 1.959963984540054
_LOST = ("step", "criterion", "criterion_label", "field", "label", "group", "n", "of", "share", "share_screened")
_SUBGROUPS = (
    *("criterion", "criterion_label", "field", "label", "group", "n", "failed", "unknown"),
    *("share", "ratio", "low", "high"),
)


def attrition_by_group(screening: ScreeningData, by: Sequence[str] | None = None) -> pd.DataFrame:
    """Who is lost at each step of the attrition, group by group.

    Args:
        screening: its patients are counted in their own engine.
        by: fields that tell the groups apart; by default age, categories of few values and chronic conditions. Ages
            are cut as ICH E7 asks, other numbers where the protocol cuts them.

    Columns: step, criterion, criterion_label, field, label, group, n (of this group who fail this criterion and none
    before it), of (all who are lost here), share (n / of), share_screened (the group's share of everybody screened). A
    field that is unknown makes a group of its own. Step 0 is everybody screened.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.attrition_by_group(by=["sex"])
    >>> frame.query("step == 2")[["group", "n", "of"]].values.tolist()
    [['female', 412, 883], ['male', 471, 883], ['unknown', 0, 883]]
    """

    criteria = screening.protocol.criteria
    rows: list[dict[str, Any]] = []
    for name in default_groups(screening.protocol) if by is None else by:
        grouping = groups(screening.protocol, name)
        group, failed, _, n = patterns_by(screening, grouping)
        first = np.full(len(n), len(criteria), dtype="int64")
        for position in reversed(range(len(criteria))):
            first[(failed >> position) & 1 == 1] = position
        of_group = _sums(group, n, grouping.names)
        for step, criterion in enumerate([None, *criteria]):
            here = of_group if criterion is None else _sums(group, np.where(first == step - 1, n, 0), grouping.names)
            for which, (part, screened) in zip(grouping.names, zip(here, of_group, strict=True), strict=True):
                about = (step, criterion.id if criterion else "", criterion.label if criterion else "Screened")
                shares = (_share(part, here.sum()), _share(screened, screening.n))
                row = (*about, name, grouping.label, which, int(part), int(here.sum()), *shares)
                rows.append(dict(zip(_LOST, row, strict=True)))
    frame = pd.DataFrame(rows, columns=list(_LOST))
    return frame.sort_values("step", kind="stable", ignore_index=True)


def exclusion_ratios(
    screening: ScreeningData, by: Sequence[str] | None = None, criteria: Sequence[str] = ("",)
) -> pd.DataFrame:
    """Whom the protocol, or one criterion, leaves out: how much more often one group fails than everybody else.

    Args:
        screening: its patients are counted in their own engine.
        by: fields that tell the groups apart, as for `lost`.
        criteria: ids; the empty id is the whole protocol.

    Columns: criterion, criterion_label, field, label, group, n (patients of the group), failed, unknown (who fail
    nothing and are open somewhere), share (failed / n), ratio (of the share that fails, to that of all others whose
    group is known), low, high (95 % interval of the ratio). Who has no known group is a group of its own, held against
    nobody. Patients who are undetermined count as not failed: they are not left out yet.

    The interval is that of Katz et al. (Biometrics 34, 1978) on the log scale; where nobody or everybody fails, with
    half a patient added to each cell (Walter, Applied Statistics 24, 1975). Without anybody to compare it is empty; so
    are the ratio and its upper end where none of the others fails.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.exclusion_ratios(by=["sex"])
    >>> frame[["group", "n", "failed"]].values.tolist()
    [['female', 913, 762], ['male', 1087, 888], ['unknown', 0, 0]]
    """

    protocol = screening.protocol
    ids = list(protocol.requirements)
    if lacking := [id for id in criteria if id and id not in ids]:
        raise ProtocolError(f"no criterion '{lacking[0]}'{nearest(lacking[0], ids)}")
    rows: list[dict[str, Any]] = []
    for name in default_groups(protocol) if by is None else by:
        grouping = groups(protocol, name)
        group, failed, unknown, n = patterns_by(screening, grouping)
        size = _sums(group, n, grouping.names)
        for id in criteria:
            bit = 1 << ids.index(id) if id else -1
            fails = (failed & bit) != 0
            fail = _sums(group, np.where(fails, n, 0), grouping.names)
            open_ = _sums(group, np.where(~fails & ((unknown & bit) != 0), n, 0), grouping.names)
            known = [which != UNKNOWN for which in grouping.names]
            others, others_fail = size[known].sum() - size, fail[known].sum() - fail
            about = (id, protocol.criterion[id].label if id else "The whole protocol", name, grouping.label)
            for position, which in enumerate(grouping.names):
                cells = tuple(int(each[position]) for each in (fail, size, others_fail, others))
                compared = _ratio(*cells) if which != UNKNOWN else (math.nan,) * 3
                row = (*about, which, cells[1], cells[0], int(open_[position]), _share(*cells[:2]), *compared)
                rows.append(dict(zip(_SUBGROUPS, row, strict=True)))
    frame = pd.DataFrame(rows, columns=list(_SUBGROUPS))
    return frame.sort_values("criterion", key=lambda c: c.map(["", *ids].index), kind="stable", ignore_index=True)


def _ratio(first: int, first_of: int, second: int, second_of: int) -> tuple[float, float, float]:
    """The ratio of two shares with its 95 % interval (Katz on the log scale); empty where there is nobody.

    >>> [round(value, 3) for value in _ratio(20, 100, 10, 100)]
    [2.0, 0.987, 4.054]
    """
    if not first_of or not second_of or first == second == 0:
        return math.nan, math.nan, math.nan
    extra = 0.5 if 0 in (first, second) or (first, second) == (first_of, second_of) else 0.0
    a, n, b, m = first + extra, first_of + extra, second + extra, second_of + extra
    spread = _Z95 * math.sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
    low, high = (math.exp(math.log(a / n) - math.log(b / m) + way * spread) for way in (-1, 1))
    if not second:
        return math.nan, low, math.nan
    return (first / first_of) / (second / second_of), low if first else 0.0, high


def _sums(group: np.ndarray, weight: np.ndarray, names: Sequence[str]) -> np.ndarray:
    return np.bincount(group, weight, minlength=len(names)).astype("int64")


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else math.nan
