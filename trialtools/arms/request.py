"""A patient's facts go in, what is asked of a ledger comes out: decision, window, stratum, and what is against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import Interval, ProtocolError, evaluate, names, parse
from ..criteria.patient.tree import decide, state_by_criterion
from ..criteria.protocol import DataError
from .chain import LedgerError
from .dosing import dosing_window, window_status
from .entries import LedgerEntry, digest
from .people import check_name, short_id, signature
from .strata import SITE, stratum_name

_PARTS = ("id", "criteria", "readings", "arms", "ratio", "strata")
"""What a ledger is bound to: all that allocation reads of a protocol."""


@dataclass(frozen=True)
class Request:
    """A patient to be allocated: what is known of the person under a protocol, where, and on which day.

    The decision is worked out from the facts, under the protocol's chosen readings; it cannot be handed in.
    """

    protocol: Protocol = field(repr=False)
    patient: str
    facts: Mapping[str, Any] = field(repr=False)
    site: str
    on: date = field(default_factory=date.today)

    def __post_init__(self) -> None:
        for what, text in (("patient id", self.patient), (SITE, self.site)):
            check_name(what, text)

    @classmethod
    def of(cls, entry: LedgerEntry, protocol: Protocol) -> Request:
        """The request that an entry of the ledger answers, from the facts that it keeps."""
        facts = {name: _fact_of(protocol, name, value) for name, value in entry.detail["facts"].items()}
        return cls(protocol, str(entry.patient), facts, entry.detail[SITE], date.fromisoformat(entry.detail["on"]))

    @cached_property
    def all_facts(self) -> dict[str, Any]:
        return self.protocol.facts_of({k: v for k, v in self.facts.items() if k != "patient_id"})

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of every criterion."""
        return state_by_criterion(self.protocol, self.all_facts)

    @property
    def decision(self) -> str:
        return decide(self.states.values())  # type: ignore[arg-type]

    @property
    def window(self) -> str | None:
        """Where `on` lies in the dosing window; None where the protocol has none."""
        due = dosing_window(self.protocol)
        return window_status(self.all_facts.get(due.anchor), self.on, due) if due else None

    def judgement(self, conditions: Sequence[str] = ()) -> dict[str, Any]:
        """What makes two requests the same, whenever they are made: the facts that were judged, and what came of it."""
        failed, unknown = ([id for id, state in self.states.items() if state == s] for s in ("fail", "unknown"))
        fields = _judged_fields(self.protocol, conditions)
        facts = {name: _plain(self.all_facts[name]) for name in fields if self.all_facts[name] is not None}
        return {SITE: self.site, "decision": self.decision, "failed": failed, "unknown": unknown, "facts": facts}

    def stratum(self, conditions: Sequence[str]) -> str:
        """The patient's stratum.

        Raises:
            LedgerError: it cannot be told.
        """
        answers = []
        for condition in conditions:
            known = evaluate(parse(condition, self.protocol.fields), self.all_facts) if condition != SITE else True
            if known is None:
                raise LedgerError(f"the stratum cannot be told: '{condition}' is unknown of {short_id(self.patient)}")
            answers.append(self.site if condition == SITE else "yes" if known else "no")
        return stratum_name(conditions, answers)

    def against(self) -> list[str]:
        """The reasons against allocating this patient without an override."""
        objections = []
        if self.decision != "eligible":
            criteria = ", ".join(id for id, state in self.states.items() if state != "pass")
            objections.append(f"is {self.decision} ({criteria})")
        if self.window not in (None, "in window"):
            objections.append(f"is not in the dosing window on {self.on} ({self.window})")
        return objections


@dataclass(frozen=True)
class Override:
    """Who answers for an allocation against the rules, and why."""

    name: str
    reason: str

    def __post_init__(self) -> None:
        for name, text in signature("an override", self.name, self.reason).items():
            object.__setattr__(self, name, text)


def _judged_fields(protocol: Protocol, conditions: Sequence[str]) -> tuple[str, ...]:
    """The fields that allocation reads: those of criteria, strata and dosing window, and what they hang on."""
    read = {name for each in conditions if each != SITE for name in names(parse(each, protocol.fields))}
    read |= {name for c in protocol.criteria for reading in c.texts for name in names(protocol.formula(c.id, reading))}
    return protocol.with_causes(read | {arm.dosing.anchor for arm in protocol.arms if arm.dosing})


def binding(protocol: Protocol, conditions: Sequence[str]) -> dict[str, Any]:
    """What a ledger is bound to, by part: the id and the readings as they are, all else by its hash.

    A label, a quote, a title or a sample size is none of it: such a change is an entry of the ledger, not a refusal.

    Args:
        protocol: of the trial.
        conditions: of the strata.
    """
    fields = {
        name: [f.type, f.unit, f.range and [str(end) for end in f.range], list(f.values), f.applies, f.ordered, f.from_]
        for name, f in ((name, protocol.fields[name]) for name in _judged_fields(protocol, conditions))
    }
    rules = [[c.id, c.kind, {name: text.split() for name, text in c.texts.items()}] for c in protocol.criteria]
    windows = [
        [arm.id, [arm.dosing.anchor, arm.dosing.first_day, arm.dosing.last_day] if arm.dosing else None]
        for arm in protocol.arms
    ]
    hashed = {"criteria": [rules, fields], "arms": windows, "ratio": protocol.design_values.get("ratio")}
    hashed |= {"strata": [list(conditions), list(protocol.design_values.get("strata", ()))]}
    readings = {c.id: protocol.reading(c.id) for c in protocol.criteria if c.readings}
    parts = {"id": protocol.id, "readings": readings}
    return parts | {part: digest(content) for part, content in hashed.items()}


def check_binding(opened: Mapping[str, Any], protocol: Protocol, own_readings: bool = True) -> None:
    """Nothing, where a ledger was opened for what a protocol says.

    Args:
        opened: detail of the ledger's first entry.
        protocol: with the readings in force.
        own_readings: whether these must be the ledger's; otherwise the ledger's are taken.

    Raises:
        LedgerError: opened for another trial, or for other criteria, readings, arms, ratio or strata.
    """
    bound = opened["bound"]
    if bound.get("id") != protocol.id:
        raise LedgerError(f"this is the ledger of another trial: {bound.get('id')}, not {protocol.id}")
    try:
        own = binding(protocol if own_readings else protocol.with_readings(bound.get("readings")), opened["strata"])
    except ProtocolError as error:
        raise LedgerError(f"{protocol.id}: the ledger was opened for other criteria or strata: {error}") from None
    if differing := [part for part in _PARTS if bound.get(part) != own[part]]:
        raise LedgerError(
            f"{protocol.id}: the ledger was opened with other {', '.join(differing)}; allocate under the protocol and "
            "the readings that it was opened with, or open a ledger for the amended protocol"
        )


def _plain(value: Any) -> Any:
    """A fact as the ledger keeps it: _plain data, from which the same fact can be read again."""
    if isinstance(value, Interval):
        return {"low": _plain(value.low), "high": _plain(value.high), "written": value.written}
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _fact_of(protocol: Protocol, name: str, value: Any) -> Any:
    """The fact that `_plain` wrote.

    Raises:
        DataError: no field of the protocol, or no fact of it.
    """
    if name not in protocol.fields:
        raise DataError(f"no field '{name}' in {protocol.id}")
    if isinstance(value, dict):
        low, high = (_fact_of(protocol, name, value[end]) for end in ("low", "high"))
        return Interval(low, high, value["written"])
    return date.fromisoformat(value) if protocol.fields[name].type == "date" and value is not None else value
