"""A screening goes in, counted by groups of its patients in its own engine: by age band, sex, condition, any field."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import and_
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.engine import expression, facts, partial_fields
from ...criteria.language import Name, ProtocolError, nearest
from ...criteria.patient.tree import DECISIONS
from ...criteria.protocol import DataError, Field
from ...criteria.protocol.limits import thresholds_of
from ..patterns import ScreeningData, count_patterns
from ..sources.mapping import UNKNOWN

_AGES = (18, 45, 65, 75, 85)
"""Where bands of age begin; from 65 on as ICH E7 asks for."""
_MOST_LEVELS = 6

_Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""The group, the failed and the unknown criteria (masks), and the patients who share all three."""


@dataclass(frozen=True)
class Groups:
    """How patients are told apart: an expression that numbers the groups, and their names; unknown is the last."""

    field: str
    label: str
    names: tuple[str, ...]
    code: nw.Expr


def groups(protocol: Protocol, name: str) -> Groups:
    """The groups of a field: its categories, yes and no, or bands of a number; unknown is always a group.

    Numbers are cut where the protocol's criteria cut them, ages where ICH E7 does; a number that no criterion cuts is
    known or unknown.

    Raises:
        ProtocolError: no such field.
        DataError: a date; there are no groups of dates.
    """
    if name not in protocol.fields:
        raise ProtocolError(f"no field '{name}'{nearest(name, protocol.fields)}")
    field, column = protocol.fields[name], nw.col(name)
    match field.type:
        case "date":
            raise DataError(f"{name} is a date, which has no groups; ask with a condition on it instead")
        case "flag":
            cases = {"yes": column, "no": ~column}
        case "category":
            cases = {value: column == value for value in field.values}
        case _:
            cases = _bands(protocol, name, field)
    return Groups(name, field.label, (*cases, UNKNOWN), _first_case(cases.values()))


def decision_groups(screening: ScreeningData) -> Groups:
    """The groups of the three decisions; nobody's decision is unknown."""
    partial = partial_fields(facts(screening.patients.frame, screening.protocol, screening.protocol.used_fields))
    passes = reduce(and_, (expression(f, partial) for f in screening.protocol.requirements.values()), nw.lit(True))
    cases = {DECISIONS[0]: passes, DECISIONS[1]: ~passes}
    return Groups("decision", "Decision", DECISIONS, _first_case(cases.values()))


def default_groups(protocol: Protocol) -> tuple[str, ...]:
    """What patients are told apart by unless one says otherwise: age, categories of few values, chronic conditions."""
    return tuple(
        name
        for name, field in protocol.fields.items()
        if _is_age(field)
        or (field.type == "category" and len(field.values) <= _MOST_LEVELS)
        or (field.type == "flag" and field.change == "never" and field.judged_by is None)
    )


def _is_age(field: Field) -> bool:
    return field.type in ("number", "integer") and (field.unit or "").rstrip("s") in ("year", "a")


def _bands(protocol: Protocol, name: str, field: Field) -> dict[str, nw.Expr]:
    """Bands by their names, each from one limit to just below the next."""
    column, unit = nw.col(name), field.with_unit("")
    limits = _AGES if _is_age(field) else _limits(protocol, name)
    if not limits:
        return {"known": ~column.is_null()}
    whole, edges = field.type == "integer", [None, *limits, None]
    bands: dict[str, nw.Expr] = {}
    for low, high in pairwise(edges):
        if low is None:
            bands[f"under {high:g}{unit}"] = column < high
        elif high is None:
            bands[f"{low:g}{unit} and over"] = column >= low
        else:
            end = f"{high - 1:g}" if whole else f"under {high:g}"
            bands[f"{low:g} to {end}{unit}"] = (column >= low) & (column < high)
    return bands


def _limits(protocol: Protocol, name: str) -> Sequence[float]:
    """The values at which a band begins: where a criterion, as it is read, changes its mind about the field."""
    limits_of = {
        each.value if each.operator in (">=", "<") else each.value + each.step(protocol)
        for id in protocol.criterion
        for each in thresholds_of(protocol, id)
        if isinstance(each.subject, Name) and each.subject.name == name
    }
    return sorted(limits_of)


def _first_case(cases: Collection[nw.Expr]) -> nw.Expr:
    """The number of the first case that holds; where none does, how many there are."""
    code = nw.lit(len(cases), nw.Int64())
    for position, case in reversed([*enumerate(cases)]):
        code = nw.when(case).then(nw.lit(position, nw.Int64())).otherwise(code)
    return code


_AT_ONCE = 4
"""So many fields tell groups apart in one count: with fewer all criteria are asked more often, with more it is long."""


def _patterns_by(screening: ScreeningData, by: Sequence[str]) -> Iterator[tuple[Groups, _Rows]]:
    """The groups of each field, and the patients by group and pattern."""
    protocol, groupings = screening.protocol, [groups(screening.protocol, name) for name in by]
    if screening.members is not None:
        yield from ((each, _by_members(screening, screening.members, each)) for each in groupings)
        return
    requirements = list(protocol.requirements.values())
    for start in range(0, len(groupings), _AT_ONCE):
        some = groupings[start : start + _AT_ONCE]
        codes = {each.field: each.code for each in some}
        patterns = count_patterns(requirements, protocol, screening.patients.frame, codes)
        group = dict(zip(codes, patterns.groups, strict=True))
        yield from ((each, (group[each.field], *patterns.masks(), patterns.n)) for each in some)


def _by_members(screening: ScreeningData, members: np.ndarray, grouping: Groups) -> _Rows:
    """The same, where it is known who has which pattern: only the groups are asked of the table."""
    known = facts(screening.patients.frame, screening.protocol, (grouping.field,))
    code = known.select(grouping.code.alias("code"))["code"].to_numpy()
    failed, unknown, _ = screening.masks
    n = np.bincount(members * len(grouping.names) + code, minlength=len(failed) * len(grouping.names))
    there = np.flatnonzero(n)
    pattern, group = np.divmod(there, len(grouping.names))
    return group, failed[pattern], unknown[pattern], n[there]


# --- whom the protocol leaves out -------------------------------------------------------------------------------------

Z95 = 1.959963984540054
"""A 95 % interval reaches so many standard errors to either side."""
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
    by = default_groups(screening.protocol) if by is None else by
    for grouping, (group, failed, _, n) in _patterns_by(screening, by):
        first = np.full(len(n), len(criteria), dtype="int64")
        for position in reversed(range(len(criteria))):
            first[(failed >> position) & 1 == 1] = position
        of_group = _sums(group, n, grouping.names)
        about = [("", "Screened"), *((criterion.id, criterion.label) for criterion in criteria)]
        for step, (id, label) in enumerate(about):
            here = _sums(group, np.where(first == step - 1, n, 0), grouping.names) if step else of_group
            for which, part, screened in zip(grouping.names, here, of_group, strict=True):
                shares = (_share(part, here.sum()), _share(screened, screening.n))
                row = (step, id, label, grouping.field, grouping.label, which, int(part), int(here.sum()), *shares)
                rows.append(dict(zip(_LOST, row, strict=True)))
    frame = pd.DataFrame(rows, columns=list(_LOST))
    return frame.sort_values("step", kind="stable", ignore_index=True)


def exclusion_ratios(
    screening: ScreeningData, by: Sequence[str] | None = None, criteria: Sequence[str] = ("",)
) -> pd.DataFrame:
    """Whom the protocol, or one criterion, leaves out: how much more often one group fails than everybody else.

    Args:
        screening: its patients are counted in their own engine.
        by: fields that tell the groups apart, as for `attrition_by_group`.
        criteria: ids; the empty id is the whole protocol.

    Columns: criterion, criterion_label, field, label, group, n (patients of the group), failed, unknown (who fail
    nothing and are open somewhere), share (failed / n), ratio (of the share that fails, to that of all others whose
    group is known), low, high (95 % interval of the ratio). Patients without a known group are a group
    of their own, which is compared with nobody. Undetermined patients count as not failed: they are not left out yet.

    The interval is that of Katz et al. (Biometrics 34, 1978) on the log scale; where nobody or everybody fails, with
    half a patient added to each cell (Walter, Applied Statistics 24, 1975). It is empty if there is no comparison
    group; the ratio and its upper end are empty too if nobody outside the group fails.

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
    by = default_groups(protocol) if by is None else by
    for grouping, (group, failed, unknown, n) in _patterns_by(screening, by):
        size = _sums(group, n, grouping.names)
        for id in criteria:
            bit = 1 << ids.index(id) if id else -1
            fails = (failed & bit) != 0
            fail = _sums(group, np.where(fails, n, 0), grouping.names)
            open_ = _sums(group, np.where(~fails & ((unknown & bit) != 0), n, 0), grouping.names)
            is_known = [which != UNKNOWN for which in grouping.names]
            others, others_fail = size[is_known].sum() - size, fail[is_known].sum() - fail
            about = (id, protocol.criterion[id].label if id else "The whole protocol", grouping.field, grouping.label)
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
    spread = Z95 * math.sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
    low, high = (math.exp(math.log(a / n) - math.log(b / m) + way * spread) for way in (-1, 1))
    if not second:
        return math.nan, low, math.nan
    return (first / first_of) / (second / second_of), low if first else 0.0, high


def _sums(group: np.ndarray, weight: np.ndarray, names: Sequence[str]) -> np.ndarray:
    return np.bincount(group, weight, minlength=len(names)).astype("int64")


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else math.nan
