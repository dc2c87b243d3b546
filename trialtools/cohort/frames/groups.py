"""A field goes in, groups of patients come out, and the table is counted by them in its own engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import and_

import narwhals as nw
import numpy as np
import polars as pl

from ...criteria.contents import Protocol
from ...criteria.engine import expression, facts, in_polars, partial_fields
from ...criteria.language import Name, ProtocolError, nearest
from ...criteria.protocol import DataError, Field
from ...criteria.protocol.limits import thresholds_of
from ..patterns import Patterns, ScreeningData, count_patterns
from ..rows import DECISIONS

UNKNOWN = "unknown"
_AGES = (18, 45, 65, 75, 85)
"""Where bands of age begin; from 65 on as ICH E7 asks for."""
_MOST_LEVELS = 6


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
    partial = partial_fields(facts(screening.patients.frame, screening.protocol, screening.protocol.used))
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
    found = {
        each.value if each.operator in (">=", "<") else each.value + each.step(protocol)
        for id in protocol.criterion
        for each in thresholds_of(protocol, id)
        if isinstance(each.subject, Name) and each.subject.name == name
    }
    return sorted(found)


def _first_case(cases: Iterable[nw.Expr]) -> nw.Expr:
    listed = list(cases)
    code = nw.lit(len(listed), nw.Int64())
    for position, case in reversed([*enumerate(listed)]):
        code = nw.when(case).then(nw.lit(position, nw.Int64())).otherwise(code)
    return code


def patterns_by(screening: ScreeningData, grouping: Groups) -> tuple[np.ndarray, ...]:
    """The group, the failed and the unknown criteria (masks), and the patients who share all three."""
    protocol = screening.protocol
    if screening.members is not None:
        return _by_members(screening, screening.members, grouping)
    requirements = list(protocol.requirements.values())
    found: Patterns = count_patterns(requirements, protocol, screening.patients.frame, {grouping.field: grouping.code})
    return (found.groups[0], *found.masks(), found.n)


def _by_members(screening: ScreeningData, members: np.ndarray, grouping: Groups) -> tuple[np.ndarray, ...]:
    """The same, where it is known who has which pattern: only the groups are asked of the table."""
    known = facts(screening.patients.frame, screening.protocol, (grouping.field,))
    code = known.select(grouping.code.alias("code"))["code"].to_numpy()
    failed, unknown, _ = screening.masks
    n = np.bincount(members * len(grouping.names) + code, minlength=len(failed) * len(grouping.names))
    there = np.flatnonzero(n)
    pattern, group = np.divmod(there, len(grouping.names))
    return group, failed[pattern], unknown[pattern], n[there]


def counts(screening: ScreeningData, grouping: Groups, value: str | nw.Expr, fields: Sequence[str]) -> pl.DataFrame:
    """How many patients of each group have each value: `group`, `value` (null where unknown), `n`."""
    protocol = screening.protocol
    wanted = {*protocol.used, *fields, *([grouping.field] if grouping.field in protocol.fields else [])}
    known = facts(screening.patients.frame, protocol, tuple(name for name in protocol.fields if name in wanted))
    measured = nw.col(value) if isinstance(value, str) else value
    counted = known.select(grouping.code.alias("group"), measured.alias("value")).group_by("group", "value")
    return in_polars(counted.agg(nw.len().alias("n")))
