"""Questions about every patient at once: a protocol goes in, proofs and patients come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import z3

from ..language import Arithmetic, Formula, Not, children, evaluate, type_of
from ..protocol import ProtocolData
from . import Logic, Pair, encode, on_step, pair, requirements, solver, witness
from .kleene import Z3

EFFORT, LEAST_EFFORT = 4_000_000, 200_000
"""Steps, by Z3's own count, after which a question is given up; the hardest of NCT05741099 takes 100,000."""


class Proof(NamedTuple):
    """What a proof rests on: no fewer criteria, and no fewer declared facts, would do."""

    criteria: tuple[str, ...]
    facts: tuple[str, ...]


class Disagreement(AssertionError):
    """A patient whom the solver found and the reference evaluator judges otherwise: a fault of this package."""


@dataclass(frozen=True)
class Desk:
    """A protocol with one solver that has been asked before, which makes the next question cheap.

    `open` counts the questions that were given up.
    """

    protocol: ProtocolData
    logic: Logic
    solver: Z3
    pairs: Mapping[str, Pair]
    facts: Mapping[str, Z3]
    names: dict[int, tuple[Z3, Z3]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    @cached_property
    def passes(self) -> dict[str, Z3]:
        """By criterion, that it is surely passed."""
        return {id: pair.true for id, pair in self.pairs.items()}

    @cached_property
    def readings(self) -> dict[tuple[str, str], Z3]:
        """By criterion and reading, chosen or not, that it is surely passed so."""
        protocol = self.protocol
        read = [(c.id, reading) for c in protocol.criteria for reading in c.texts]
        return {which: says(self, required(protocol, *which)).true for which in read}

    @cached_property
    def complete(self) -> Z3:
        """That everything is known."""

        return z3.And(z3.BoolVal(True, self.logic.record.context), *self.logic.mask.values())

    @cached_property
    def on_step(self) -> Z3:
        """That every number is one that can be measured."""

        return z3.And(z3.BoolVal(True, self.logic.record.context), *on_step(self.logic))

    @cached_property
    def exact(self) -> bool:
        """No criterion does sums with numbers, so that doubles and decimals cannot differ."""
        return not any(_computes(formula) for formula in self.protocol.requirements.values())


def sit_down(protocol: ProtocolData) -> Desk:
    """A protocol, ready to be asked about."""
    logic = encode(protocol)
    made = solver(logic)
    made.set("rlimit", EFFORT)
    made.set("relevancy", 0)  # three times faster here: the questions are many and alike
    return Desk(protocol, logic, made, requirements(logic), logic.facts)


def required(protocol: ProtocolData, id: str, reading: str) -> Formula:
    """What must hold to pass a criterion in one of its readings."""
    formula = protocol.formula(id, reading)
    return Not(formula) if protocol.criterion[id].kind == "exclusion" else formula


def says(desk: Desk, formula: Formula) -> Pair:
    return pair(desk.logic, formula)


def possible(desk: Desk, claims: Iterable[Z3]) -> bool:
    """Whether there may be a patient of whom all claims hold; True as well where the question was given up."""

    return _asked(desk, [_name(desk, claim) for claim in claims]) != z3.unsat


def because(desk: Desk, claims: Iterable[Z3], criteria: Mapping[str, Z3]) -> Proof | None:
    """Why no patient meets the claims and all the criteria: the least that suffices, without facts where it can be.

    Args:
        desk: from `sit_down`.
        claims: what is asked about, always part of it.
        criteria: by id, what may be a reason.

    Returns:
        None where there may be such a patient.
    """
    fixed = list(claims)
    if not possible(desk, [*fixed, *criteria.values()]):
        return Proof(_least(desk, fixed, criteria), ())
    if not desk.facts or possible(desk, [*fixed, *criteria.values(), *desk.facts.values()]):
        return None
    blamed = _least(desk, [*fixed, *desk.facts.values()], criteria)
    held = [*fixed, *(criteria[id] for id in blamed)]
    return Proof(blamed, _least(desk, held, desk.facts))


def _least(desk: Desk, fixed: list[Z3], named: Mapping[str, Z3]) -> tuple[str, ...]:
    """A smallest part of what is named that is impossible with what is fixed: none, one, or none to spare."""
    if not possible(desk, fixed):
        return ()
    for id, claim in named.items():
        if not possible(desk, [*fixed, claim]):
            return (id,)
    kept = dict(named)
    for id in reversed(list(named)):
        rest = [claim for other, claim in kept.items() if other != id]
        if not possible(desk, [*fixed, *rest]):
            del kept[id]
    return tuple(kept)


def patient(desk: Desk, claims: Iterable[Z3], complete: bool = True) -> dict[str, Any] | None:
    """A patient of whom all claims hold, with natural numbers and no declared fact broken where that can be.

    Everything is known of a `complete` patient. None where there is no such patient, or the question was given up.
    """
    asked = [*claims, *([desk.complete] if complete else ())]
    for wishes in ([desk.on_step, *desk.facts.values()], [desk.on_step], list(desk.facts.values()), []):
        if model := _plainest(desk, [*asked, *wishes]):
            return witness(desk.logic, model)
    return None


def _plainest(desk: Desk, claims: list[Z3]) -> Z3:
    """A model with few flags set: every flag is hoped to be false, and hopes in the way are given up one by one."""

    flags = [name for name, field in desk.protocol.fields.items() if field.type == "flag"]
    hopes = [_name(desk, z3.Not(desk.logic.value[name])) for name in flags]
    fixed = [_name(desk, claim) for claim in claims]
    while (answer := _asked(desk, [*fixed, *hopes])) == z3.unsat:
        blamed = {name.get_id() for name in desk.solver.unsat_core()}
        first = next((n for n, hope in enumerate(hopes) if hope.get_id() in blamed), None)
        if first is None:
            return None
        del hopes[first]
    return desk.solver.model() if answer == z3.sat else None


def states(desk: Desk, patient: Mapping[str, Any]) -> dict[str, bool | None]:
    """By criterion, what the reference evaluator says of a patient: passed, failed or unknown."""
    facts = desk.protocol.facts_of(patient)
    return {id: evaluate(must, facts) for id, must in desk.protocol.requirements.items()}


def agreed(desk: Desk, holds: bool, patient: Mapping[str, Any]) -> bool:
    """Whether the reference evaluator bears out what a patient was found for.

    Raises:
        Disagreement: it does not, and doubles are not to blame.
    """
    if not holds and desk.exact:
        raise Disagreement(f"the evaluator says otherwise of {dict(patient)}")
    return holds


def _asked(desk: Desk, names: list[Z3]) -> Z3:
    """The solver's answer. Each question that is given up halves the effort spent on those that follow."""

    answer = desk.solver.check(names)
    if answer == z3.unknown:
        desk.open.append(desk.solver.reason_unknown())
        desk.solver.set("rlimit", max(EFFORT >> len(desk.open), LEAST_EFFORT))
    return answer


def _name(desk: Desk, claim: Z3) -> Z3:
    """A plain Boolean that stands for a claim: what a solver can assume for one question and then forget."""

    key = claim.get_id()
    if key not in desk.names:
        name = z3.FreshBool("claim", desk.logic.record.context)
        desk.solver.add(z3.Implies(name, claim))
        desk.names[key] = (name, claim)
    return desk.names[key][0]


def _computes(formula: Formula) -> bool:
    sums = isinstance(formula, Arithmetic) and type_of(formula.left) != "date"
    return sums or any(_computes(child) for child in children(formula))
