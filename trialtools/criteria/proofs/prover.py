"""Questions about every patient at once: a protocol goes in, proofs and patients come out, as far as time allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import z3

from ..language import Formula
from ..protocol import ProtocolData
from .encode import Logic, encode
from .kleene import Z3, Truth, calendar_dates, truth_of

_WITH_CALENDAR = {"relevancy": 0}
"""What makes Z3 several times faster where a calendar is open; without one it would try long whether sums are whole."""
_EFFORT = 4_000_000
"""Steps, by Z3's own count, after which a question is given up; the hardest of NCT05741099 takes 100,000."""

PATIENCE, LEAST_PATIENCE = 1.0, 0.05
"""Seconds after which a question is given up all the same; each that is halves the patience with those that follow."""

TIME, LONGEST = 4.0, 8.0
"""Seconds of computing for all questions about a protocol, and by the clock on the wall if the machine is busy."""

_T = TypeVar("_T")


class Proof(NamedTuple):
    """What a proof rests on: no fewer criteria, and no fewer declared facts, would do."""

    criteria: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass
class _Clock:
    """When the time for all questions is over, how many were given up, and what they were about: subjects by topic."""

    computing: float
    wall: float
    given_up: int = 0
    topics: dict[str, dict[str, None]] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float:
        """The seconds that are left."""
        return min(self.computing - time.process_time(), self.wall - time.monotonic())

    @property
    def patience(self) -> float:
        """The seconds for the next question; on a busy machine they are longer, for less is computed in them."""
        computed = TIME - (self.computing - time.process_time())
        passed = LONGEST - (self.wall - time.monotonic())
        pace = min(max(passed / max(computed, 0.01), 1.0), 4.0)
        return min(pace * max(PATIENCE * 0.5**self.given_up, LEAST_PATIENCE), self.seconds_left)


@dataclass(frozen=True)
class Prover:
    """A protocol with one solver that has been asked before, which makes the next question cheap.

    `facts` are the declared facts by id.
    """

    protocol: ProtocolData
    logic: Logic
    solver: Z3
    facts: Mapping[str, Z3]
    clock: _Clock
    names: dict[int, tuple[Z3, Z3]] = field(default_factory=dict)

    @cached_property
    def truths(self) -> dict[str, Truth]:
        """By criterion, that it is surely passed and surely failed."""
        return {id: self.truth(rule) for id, rule in self.protocol.requirements.items()}

    @cached_property
    def passes(self) -> dict[str, Z3]:
        """By criterion, that it is surely passed."""
        return {id: truth.true for id, truth in self.truths.items()}

    @cached_property
    def readings(self) -> dict[tuple[str, str], Truth]:
        """By criterion and reading, chosen or not, that it is surely passed and surely failed so."""
        return {which: self.truth(rule) for which, rule in self.protocol.every_reading.items()}

    @cached_property
    def complete(self) -> Z3:
        """That everything is known."""

        return z3.And(z3.BoolVal(True, self.logic.record.context), *self.logic.known.values())

    def as_chosen(self) -> Prover:
        """The same where only the chosen readings are asked about: other readings may be what needs the calendar."""
        if self.logic.record.calendar.keys() <= calendar_dates(self.protocol.requirements.values()):
            return self
        made = prover_for(self.protocol)
        return replace(made, facts={id: made.facts[id] for id in self.facts}, clock=self.clock)

    def truth(self, formula: Formula) -> Truth:
        """What a formula says of the record; the calendar days that it is the first to need are made known."""
        for name in sorted(calendar_dates([formula]) - self.logic.record.calendar.keys()):
            self.solver.add(self.logic.open_calendar(name))
            self.solver.set(**_WITH_CALENDAR)
        return truth_of(self.logic.record, formula)

    def each(self, topic: str, subjects: Mapping[str, _T]) -> Iterator[_T]:
        """What is asked about, one by one, as long as there is time; what was given up is kept in the clock.

        Args:
            topic: "whether {} decides anything", with the place of the subject.
            subjects: by what each is called, an id or a label.
        """
        for name, subject in subjects.items():
            before = self.clock.given_up
            if self.clock.seconds_left > 0:
                yield subject
            if self.clock.seconds_left <= 0 or self.clock.given_up > before:
                self.clock.topics.setdefault(topic, {})[name] = None

    def solve(self, claims: Iterable[Z3]) -> Z3:
        """Whether there is a patient for whom all claims hold: sat, unsat, or unknown where it was given up."""
        clock = self.clock
        answer = z3.unknown
        if (seconds := clock.patience) > 0:
            self.solver.set("rlimit", _EFFORT)
            self.solver.set("timeout", max(1, int(1000 * seconds)))
            answer = self.solver.check([self._name(claim) for claim in claims])
        clock.given_up += answer == z3.unknown
        return answer

    def impossible(self, claims: Iterable[Z3]) -> bool:
        """Whether it is proven that no patient meets all claims."""
        return self.solve(claims) == z3.unsat

    def unsat_core(self, claims: Iterable[Z3], criteria: Mapping[str, Z3]) -> Proof | None:
        """Why no patient meets the claims and all the criteria: the least that suffices, without facts where it can be.

        Args:
            claims: what is asked about, always part of it.
            criteria: by id, what may be a reason.

        Returns:
            None where there may be such a patient.
        """
        fixed = list(claims)
        if self.impossible([*fixed, *criteria.values()]):
            return Proof(self.minimal_core(fixed, criteria), ())
        if not self.facts or not self.impossible([*fixed, *criteria.values(), *self.facts.values()]):
            return None
        blamed = self.minimal_core([*fixed, *self.facts.values()], criteria)
        core = [*fixed, *(criteria[id] for id in blamed)]
        return Proof(blamed, self.minimal_core(core, self.facts))

    def minimal_core(self, fixed: list[Z3], named: Mapping[str, Z3]) -> tuple[str, ...]:
        """A minimal subset of `named` that contradicts `fixed`; empty if `fixed` alone is contradictory.

        If time runs out it is a subset that suffices, and perhaps not minimal.
        """
        before = self.clock.given_up
        core = self._core(fixed, named)
        self.clock.given_up = before  # nothing that is claimed was given up
        return core

    def _core(self, fixed: list[Z3], named: Mapping[str, Z3]) -> tuple[str, ...]:
        if self.impossible(fixed):
            return ()
        for id, claim in named.items():
            if self.impossible([*fixed, claim]):
                return (id,)
        core = dict(named)
        for id in reversed(list(named)):
            rest = [claim for other, claim in core.items() if other != id]
            if self.impossible([*fixed, *rest]):
                del core[id]
        return tuple(core)

    def patient(
        self, claims: Iterable[Z3], judge: Callable[[dict[str, Any]], bool], wishes: Iterable[Z3] = ()
    ) -> dict[str, Any] | None:
        """A patient for whom all claims hold and, if possible, the wishes, with natural numbers and few flags set.

        Args:
            claims: what must hold of the record.
            judge: whether the reference evaluator bears it out, which is asked before a patient is shown.
            wishes: what should hold, the dearest first; those in the way are given up one by one.

        Returns:
            None where there is no such patient, or the question was given up.
        """
        flags = [name for name, field in self.protocol.fields.items() if field.type == "flag"]
        plain = [z3.Not(self.logic.value[name]) for name in reversed(flags)]
        hopes = [*wishes, *self.logic.natural(), *plain]
        fixed = list(claims)
        while (answer := self.solve([*fixed, *hopes])) == z3.unsat:
            blamed = {name.get_id() for name in self.solver.unsat_core()}
            last = max((n for n, hope in enumerate(hopes) if self._name(hope).get_id() in blamed), default=None)
            if last is None:
                return None
            del hopes[last]
        if answer != z3.sat:
            return None
        record = self.logic.witness(self.solver.model())
        if judge(record):
            return record
        self.clock.given_up += 1  # a sum that doubles and decimals round apart
        return None

    def _name(self, claim: Z3) -> Z3:
        """A plain Boolean that stands for a claim: what a solver can assume for one question and then forget."""
        key = claim.get_id()
        if key not in self.names:
            name = z3.FreshBool("claim", self.logic.record.context)
            self.solver.add(z3.Implies(name, claim))
            self.names[key] = (name, claim)
        return self.names[key][0]


def prover_for(protocol: ProtocolData) -> Prover:
    """A protocol, ready to be asked about for some seconds."""
    clock = _Clock(time.process_time() + TIME, time.monotonic() + LONGEST)
    declared = (protocol.fact_formulas, protocol.derivations, protocol.applies)
    logic = encode(protocol, calendar_dates(formula for formulas in declared for formula in formulas.values()))
    made = logic.solver()
    if logic.record.calendar:
        made.set(**_WITH_CALENDAR)
    return Prover(protocol, logic, made, logic.facts, clock)
