"""A protocol goes in; the numbers that its criteria compare with come out, by id or as a frame, and amended protocols.

A threshold is a comparison of something measured with a constant: `age <= 85`, `screened_on - other_trial_on <= 90`.
Dates that stand in a criterion, and the months of `months_before`, are none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..language import ProtocolError, nearest, words
from ..language.comparisons import limit_of, limits, map_comparisons
from ..language.formula import Arithmetic, Compare, Formula, Name, Value, names, type_of
from ..stage import expect
from .model import Ambiguity, Criterion, ProtocolData

if TYPE_CHECKING:
    import pandas as pd

_Protocol = TypeVar("_Protocol", bound=ProtocolData)  # what takes and gives a protocol keeps its class
_BOUND = {"<": "upper", "<=": "upper", ">": "lower", ">=": "lower"}


@dataclass(frozen=True)
class Threshold:
    """One constant of one criterion, with what is measured on the left of the operator; `span` is its place there."""

    id: str
    criterion: str
    subject: Formula
    operator: str
    value: float
    span: tuple[int, int]

    def range(self, protocol: ProtocolData) -> tuple[float, float] | None:
        """What is possible, where that is declared."""
        field = protocol.fields[self.subject.name] if isinstance(self.subject, Name) else None
        return field.limits if field and field.range else None

    def step(self, protocol: ProtocolData) -> float:
        """How far it moves at a time; a day, for the time between two dates."""
        return float(protocol.fields[self.subject.name].step_size) if isinstance(self.subject, Name) else 1.0

    def unit(self, protocol: ProtocolData) -> str:
        if isinstance(self.subject, Name):
            return protocol.fields[self.subject.name].unit or ""
        return "days" if _is_time(self.subject) else ""


def threshold_table(protocol: ProtocolData) -> pd.DataFrame:
    """Every number that a criterion compares with, under the chosen readings; a row a threshold, in protocol order.

    Columns: threshold (its id), criterion, field (what is measured; several where it is worked out from several),
    label, unit, operator (with the field on its left), value, low, high (the possible range, where the field declares
    one), step (of the field: how far it moves at a time).

    The id is the criterion's own where that asks one thing and has one limit (`I6`), with `.lower` and `.upper` where
    it has two (`I1.upper`), with the field where other fields stand beside it (`I9.bmi`; `.days` between two dates),
    and numbered where that is not enough.

    >>> import trialtools as tt
    >>> frame = tt.load_protocol("data/protocols/NCT05741099.yaml").threshold_table()
    >>> frame["threshold"].tolist()
    ['I1.lower', 'I1.upper', 'I3.high_fever_days', 'I5.high_fever_days', 'I6', 'I7', 'I9.age', 'I9.bmi']
    """
    import pandas as pd

    every = [limit for id in protocol.criterion for limit in thresholds_of(protocol, id)]
    ranges = [limit.range(protocol) or (math.nan, math.nan) for limit in every]
    return pd.DataFrame(
        {
            "threshold": [limit.id for limit in every],
            "criterion": [limit.criterion for limit in every],
            "field": [", ".join(names(limit.subject)) for limit in every],
            "label": [words(limit.subject, protocol.fields) for limit in every],
            "unit": [limit.unit(protocol) for limit in every],
            "operator": [limit.operator for limit in every],
            "value": [float(limit.value) for limit in every],
            "low": [float(low) for low, _ in ranges],
            "high": [float(high) for _, high in ranges],
            "step": [limit.step(protocol) for limit in every],
        }
    )


def with_thresholds(protocol: _Protocol, values: Mapping[str, float]) -> _Protocol:
    """The protocol with some thresholds at other values; the rest of each sentence stays as it was written.

    Args:
        protocol: stays as it is; its chosen readings are what the thresholds are sought in.
        values: by the id of a threshold, its new value. The criterion then has this one reading only.

    Raises:
        ProtocolError: no such threshold.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> protocol.with_thresholds({"I1.upper": 75}).criterion["I1"].when
    '18 <= age <= 75'
    """
    expect(values, Mapping, "protocol.with_thresholds(values)", "values by threshold")
    moved: dict[str, list[tuple[tuple[int, int], float]]] = {}
    for id, value in values.items():
        limit = threshold(protocol, id)
        moved.setdefault(limit.criterion, []).append((limit.span, value))
    changes: dict[str, Any] = {}
    for id, places in moved.items():
        changes[id] = protocol.criterion[id].texts[protocol.reading(id)]
        for (start, end), value in sorted(places, reverse=True):
            changes[id] = changes[id][:start] + _number_text(value) + changes[id][end:]
    return amend(protocol, changes)


def threshold(protocol: ProtocolData, id: str) -> Threshold:
    """The threshold of an id.

    Raises:
        ProtocolError: there is none of that id under the chosen readings.
    """
    limits_by_id = {each.id: each for criterion in protocol.criterion for each in thresholds_of(protocol, criterion)}
    if id not in limits_by_id:
        own = [each for each in limits_by_id if each.split(".")[0] == id.split(".")[0]]
        raise ProtocolError(f"no threshold '{id}'{nearest(id, own or limits_by_id)}")
    return limits_by_id[id]


def thresholds_of(protocol: ProtocolData, criterion: str) -> list[Threshold]:
    """The thresholds of one criterion in the order they are written, each with an id of its own.

    A number between two things (`a <= 5 <= b`) is none: nobody could move it for one of them alone.
    """
    formula = protocol.formula(criterion)
    bounds = [limit for limit in limits(formula) if limit.operator in _BOUND]
    uses = Counter(limit.span for limit in bounds)
    alone = len(names(formula)) == 1
    stems = [criterion if alone else f"{criterion}.{_stem(limit.subject)}" for limit in bounds]
    bounded = [f"{stem}.{_BOUND[limit.operator]}" for stem, limit in zip(stems, bounds, strict=True)]
    ids = []
    for position, (stem, bound) in enumerate(zip(stems, bounded, strict=True)):
        same = [other for other, like in enumerate(stems) if like == stem]
        apart = len(same) == 2 and Counter(bounded)[bound] == 1
        ids.append(stem if len(same) == 1 else bound if apart else f"{stem}.{same.index(position) + 1}")
    return [
        Threshold(id, criterion, limit.subject, limit.operator, limit.number, limit.span)
        for id, limit in zip(ids, bounds, strict=True)
        if limit.span is not None and uses[limit.span] == 1  # without a span the formula was not read from a text
    ]


def requirement(protocol: ProtocolData, criterion: str, answers: Mapping[str, bool | None]) -> Formula:
    """What must hold to pass a criterion, with answers in the place of some of its thresholds.

    Where the answer is None it asks about the flag `unknown`, which is no field.
    """
    answer_at = {each.span: answers[each.id] for each in thresholds_of(protocol, criterion) if each.id in answers}

    def answer_of(pair: Compare, _: bool | None) -> Formula:
        limit = limit_of(pair)
        if limit is None or limit.span not in answer_at:
            return pair
        answer = answer_at[limit.span]
        return Name("unknown", "flag") if answer is None else Value(answer)

    return map_comparisons(protocol.must_hold(criterion), answer_of)


def _stem(subject: Formula) -> str:
    return "days" if _is_time(subject) else "_".join(names(subject))


def _is_time(subject: Formula) -> bool:
    return isinstance(subject, Arithmetic) and type_of(subject.left) == "date"


def _number_text(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


# --- amendments -------------------------------------------------------------------------------------------------------


def amend(protocol: _Protocol, changes: Mapping[str, str | bool | Criterion | None]) -> _Protocol:
    """The protocol with some criteria changed, added or left out; nothing else moves.

    Args:
        protocol: stays as it is.
        changes: by criterion id, what the criterion now says, in the language of criteria; None leaves it out, a whole
            `Criterion` replaces or adds one. An expression ends the ambiguity of a sentence: its readings are gone, and
            so is its question.

    Raises:
        ProtocolError: no such criterion, or an expression that cannot be read.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> younger = protocol.amend({"I1": "18 <= age <= 75"})
    >>> younger.criterion["I1"].when, younger.sha256 == protocol.sha256
    ('18 <= age <= 75', False)
    """
    expect(changes, Mapping, "protocol.amend(changes)", "changes by criterion")
    for id, change in changes.items():
        if id not in protocol.criterion and not isinstance(change, Criterion):
            raise ProtocolError(f"no criterion '{id}'{nearest(id, protocol.criterion)}; a new one needs a Criterion")
    criteria = [_amend(c, changes[c.id]) if c.id in changes else c for c in protocol.criteria]
    added = [change for id, change in changes.items() if id not in protocol.criterion]
    staying = {c.id: c for c in (*criteria, *added) if isinstance(c, Criterion)}
    notes = [a for a in protocol.ambiguities if a.at not in protocol.criterion or a.at in staying]
    return replace(
        protocol,
        criteria=tuple(staying.values()),
        readings={id: reading for id, reading in protocol.readings.items() if id in staying and staying[id].readings},
        ambiguities=tuple(_unsettle(ambiguity, staying) for ambiguity in notes),
    )


def _unsettle(ambiguity: Ambiguity, criteria: Mapping[str, Criterion]) -> Ambiguity:
    """What a reading had settled is a mere note once the sentence has no second reading."""
    gone = ambiguity.treatment == "reading" and len(criteria[ambiguity.at].readings) < 2
    return replace(ambiguity, treatment="note") if gone else ambiguity


def _amend(criterion: Criterion, change: str | bool | Criterion | None) -> Criterion | None:
    if change is None or isinstance(change, Criterion):
        return change
    return replace(criterion, when=change, readings={}, ask=False)
