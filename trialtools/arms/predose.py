"""Facts at screening and before the infusion go in; whether somebody is still eligible comes out, by criterion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.language import names
from ..criteria.patient.tree import State, decide, state_by_criterion
from ..criteria.protocol import DataError, Field

_CHANGES = ("worse", "open", "better", "same")
"""What may become of a criterion, the worst first."""
_CHECKS = ("subject_id", "decision", "failed", "unknown", "because")


class _Row(NamedTuple):
    """A row of `recheck`."""

    criterion: str
    label: str
    then: State
    now: State
    change: str
    because: str


def recheck(protocol: Protocol, then: Mapping[str, Any], now: Mapping[str, Any]) -> pd.DataFrame:
    """What became of one patient's eligibility between screening and infusion: a row a criterion, the worst first.

    Columns: criterion, label, then, now (pass, fail, unknown), change (worse, open, better, same), because (the
    facts of the criterion that changed). Infuse only where every `now` is pass.

    Args:
        protocol: with its chosen readings.
        then: facts at screening, by field name.
        now: facts before the infusion. A fact left out is carried over only where it cannot have changed, by the
            protocol's own `change`: what never changes, and what once gained stays. All else is unknown until measured.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> changed = tt.arms.recheck(protocol, {"respiratory_rate": 22, "age": 70}, {"respiratory_rate": 31})
    >>> changed[["criterion", "then", "now", "because"]].iloc[0].tolist()
    ['I6', 'pass', 'fail', 'Respiratory rate at rest: 22/min, now 31/min']
    """
    return pd.DataFrame(_rows(protocol, then, now), columns=list(_Row._fields))


def _rows(protocol: Protocol, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[_Row]:
    before = protocol.facts_of(then)
    after = protocol.facts_of({name: now.get(name, _carry_over(protocol, name, then)) for name in {**then, **now}})
    was, is_ = state_by_criterion(protocol, before), state_by_criterion(protocol, after)
    rows = []
    for id, formula in protocol.requirements.items():
        label = protocol.criterion[id].label
        changed = [name for name in names(formula) if before[name] != after[name]]
        reasons = "; ".join(_change_text(protocol.fields[name], before[name], after[name]) for name in changed)
        rows.append(_Row(id, label, was[id], is_[id], _change(was[id], is_[id]), reasons))
    return sorted(rows, key=lambda row: _CHANGES.index(row.change))


def predose_checks(protocol: Protocol, subjects: pd.DataFrame, now: pd.DataFrame | None = None) -> pd.DataFrame:
    """Whether subjects are still eligible before the infusion: one row each, for `dosing_worklist`.

    Columns: subject_id, decision (by what is known now), failed and unknown (criteria, with commas), because (the
    facts that make a criterion fail now; the criteria themselves where they failed before).

    Args:
        protocol: with its chosen readings.
        subjects: subject_id and the facts at screening, in columns named as the protocol's fields.
        now: subject_id and the facts before the infusion; an empty cell, or a subject without a row, was not asked
            again. As for `recheck`, what may have changed is then unknown.

    Raises:
        DataError: a column of `now` that is no field, two rows of one subject, or a value of the wrong type.

    >>> import pandas as pd, trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> then = pd.DataFrame({"subject_id": ["a", "b"], "age": [70, 70], "spo2": [96, 96]})
    >>> now = pd.DataFrame({"subject_id": ["a"], "spo2": [92]})
    >>> tt.arms.predose_checks(protocol, then, now)[["subject_id", "decision", "failed"]].to_numpy().tolist()
    [['a', 'ineligible', 'I7'], ['b', 'undetermined', '']]
    """
    if now is not None and (foreign := set(now.columns) - {"subject_id", *protocol.fields}):
        raise DataError(f"no field {', '.join(sorted(foreign))} in {protocol.id}")
    today = {} if now is None else _facts(protocol, now)
    rows = []
    for subject, then in _facts(protocol, subjects).items():
        checked = _rows(protocol, then, today.get(subject, {}))
        failed = [row for row in checked if row.now == "fail"]
        unknown = ", ".join(row.criterion for row in checked if row.now == "unknown")
        reasons = "; ".join(dict.fromkeys(row.because or row.label for row in failed))
        decided = decide(row.now for row in checked)
        rows.append((subject, decided, ", ".join(row.criterion for row in failed), unknown, reasons))
    return pd.DataFrame(rows, columns=list(_CHECKS))


def _facts(protocol: Protocol, table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By subject what is known, by field; columns that are no fields are passed over."""
    fields = [name for name in table.columns if name in protocol.fields]
    ids = table["subject_id"].astype("str").tolist()
    if len(set(ids)) < len(ids):
        raise DataError(f"two rows of subject {Counter(ids).most_common(1)[0][0]}")
    rows = table.reindex(columns=fields).astype(object).to_dict("records")
    known = [{str(name): value for name, value in row.items() if not pd.isna(value)} for row in rows]
    return dict(zip(ids, known, strict=True))


def _carry_over(protocol: Protocol, name: str, then: Mapping[str, Any]) -> Any:
    field = protocol.fields.get(name)
    if field is None or field.change == "never" or (field.change == "gain" and then[name] is True):
        return then[name]
    return None


def _change(was: str, is_: str) -> str:
    if was == is_:
        return "same"
    return {"fail": "worse", "unknown": "open", "pass": "better"}[is_]


def _change_text(field: Field, before: Any, after: Any) -> str:
    return f"{field.label}: {field.write(before)}, now {field.write(after)}"
