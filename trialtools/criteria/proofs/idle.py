"""A criterion that said otherwise, or nothing: whether the decision about anybody would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from ..language import Formula, evaluate
from ..patient.tree import State, decide, state_by_criterion
from .finding import COMPLETE, EVERYBODY, Finding, assuming, finding_for
from .kleene import Z3
from .prover import Prover, impossible, patient, unsat_core

_STATES: dict[bool | None, State] = {True: "pass", False: "fail", None: "unknown"}


@dataclass(frozen=True)
class Idle:
    """That a criterion may say something else, `rule`, and no decision changes.

    Whoever passes the criteria `passing` passes it in both forms or in neither; whoever fails it in one form fails it
    in the other, or one of `failing`. `facts` are needed for that, by id. It is proven of `everybody`, or only of
    patients of whom everything is known.
    """

    id: str
    rule: Formula
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    facts: tuple[str, ...]
    everybody: bool


def idle(prover: Prover, id: str, rule: Formula) -> Idle | None:
    """That it makes no difference if a criterion says `rule`; None where it may make one."""
    eligible, ineligible = _changes(prover, id, rule)
    known = [prover.complete]
    if not impossible(prover, [z3.Or(eligible, ineligible), *known, *prover.facts.values()]):
        return None
    return _idle(prover, id, rule, []) or _idle(prover, id, rule, known)


def _idle(prover: Prover, id: str, rule: Formula, known: list[Z3]) -> Idle | None:
    now, then = prover.truths[id], prover.truth(rule)
    others = {other: truth for other, truth in prover.truths.items() if other != id}
    passed = {other: truth.true for other, truth in others.items()}
    passing = unsat_core(prover, [*known, now.true != then.true], passed)
    if passing is None:
        return None
    not_failed = {other: z3.Not(truth.false) for other, truth in others.items()}
    failing = unsat_core(prover, [*known, now.false != then.false], not_failed)
    if failing is None:
        return None
    facts = tuple(fact for fact in prover.facts if fact in (*passing.facts, *failing.facts))
    return Idle(id, rule, passing.criteria, failing.criteria, facts, everybody=not known)


def _changes(prover: Prover, id: str, rule: Formula) -> tuple[Z3, Z3]:
    """That somebody is eligible in one form only; that somebody is ineligible in one form only."""
    now, then = prover.truths[id], prover.truth(rule)
    others = [truth for other, truth in prover.truths.items() if other != id]
    eligible = z3.And(now.true != then.true, *(truth.true for truth in others))
    return eligible, z3.And(now.false != then.false, *(z3.Not(truth.false) for truth in others))


def idle_finding(prover: Prover, kind: str, about: str, claim: str, why: str, *proofs: Idle) -> Finding:
    """A finding that rests on such proofs: of everybody, or with a patient with data missing who shows otherwise.

    Args:
        prover: from `prover`.
        kind, about: of the finding.
        claim: that something makes no difference.
        why: what holds instead.
        proofs: one, or two of criteria that could both go.
    """
    protocol, facts = prover.protocol, list(dict.fromkeys(fact for proof in proofs for fact in proof.facts))
    limited = next((proof for proof in proofs if not proof.everybody), None)
    text, record = _with_data_missing(prover, limited) if limited else ("The same is true with data missing.", None)
    where = " where everything is known" if limited else ""
    return finding_for(
        protocol,
        kind,
        about,
        f"{claim}{where}{assuming(protocol, facts)}: {why}. {text}",
        dict.fromkeys(id for proof in proofs for id in (proof.id, *proof.passing, *proof.failing)),
        facts,
        COMPLETE if limited else EVERYBODY,
        witness=record,
    )


def _with_data_missing(prover: Prover, found: Idle) -> tuple[str, dict[str, Any] | None]:
    """For whom a criterion decides that decides nothing where everything is known, and a patient who shows it."""

    def judge(record: dict[str, Any]) -> bool:
        facts = prover.protocol.facts_of(record)
        states = state_by_criterion(prover.protocol, facts)
        instead: dict[str, State] = {**states, found.id: _STATES[evaluate(found.rule, facts)]}
        return decide(states.values()) != decide(instead.values())

    for claim, whom in zip(_changes(prover, found.id, found.rule), ("eligible", "ineligible"), strict=True):
        witness = patient(prover, [claim, *prover.facts.values()], judge, prover.logic.known.values())
        if witness is not None:
            return f"With data missing it may still decide who is {whom} ({found.id}).", witness
    return "Whether the same is true with data missing was not settled.", None
