"""Criteria that decide nothing, and alternatives inside a criterion that never help, or never make a difference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import z3

from ..language import evaluate, words
from ..language.formula import And, AtLeast, Formula, Known, Not, Or, Value, walk
from ..patient.tree import State, decide, decision, state_by_criterion
from ..protocol import Criterion
from .finding import EVERYBODY, Finding, cannot_pass, facts_clause, finding_for, slug, titles
from .kleene import Z3
from .prover import Proof, Prover

_COMPLETE = "every patient with all facts known"
_STATES: dict[bool | None, State] = {True: "pass", False: "fail", None: "unknown"}


@dataclass(frozen=True)
class _Idle:
    """That a criterion may say something else, `rule`, and no decision changes.

    A patient who passes the criteria `passing` passes it in both forms or in neither. A patient who fails it in one
    form fails it in the other, or fails one of `failing`. `facts` are needed for that, by id. It is proven for
    `everybody`, or only for patients with all facts known.
    """

    id: str
    rule: Formula
    passing: tuple[str, ...]
    failing: tuple[str, ...]
    facts: tuple[str, ...]
    everybody: bool


def _idle(prover: Prover, id: str, rule: Formula) -> _Idle | None:
    """That it makes no difference if a criterion says `rule`; None where it may make one."""
    changes = [z3.And(claim, *others.values()) for claim, others in _changes(prover, id, rule)]
    if not prover.impossible([z3.Or(changes), prover.complete, *prover.facts.values()]):
        return None
    return _idle_for(prover, id, rule, []) or _idle_for(prover, id, rule, [prover.complete])


def _idle_for(prover: Prover, id: str, rule: Formula, known: list[Z3]) -> _Idle | None:
    proofs: list[Proof] = []
    for claim, others in _changes(prover, id, rule):
        if (proof := prover.unsat_core([*known, claim], others)) is None:
            return None
        proofs.append(proof)
    passing, failing = proofs
    facts = tuple(fact for fact in prover.facts if fact in (*passing.facts, *failing.facts))
    return _Idle(id, rule, passing.criteria, failing.criteria, facts, everybody=not known)


def _changes(prover: Prover, id: str, rule: Formula) -> Iterator[tuple[Z3, dict[str, Z3]]]:
    """That one form only is passed, by who passes all else; that one form only is failed, by who fails nothing else."""
    now, then = prover.truths[id], prover.truth(rule)
    others = {other: truth for other, truth in prover.truths.items() if other != id}
    yield now.true != then.true, {other: truth.true for other, truth in others.items()}
    yield now.false != then.false, {other: z3.Not(truth.false) for other, truth in others.items()}


def _idle_finding(prover: Prover, kind: str, about: str, claim: str, why: str, *proofs: _Idle) -> Finding:
    """A finding that rests on such proofs: of everybody, or with a patient with data missing who shows otherwise.

    Args:
        prover: from `prover_for`.
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
        f"{claim}{where}{facts_clause(protocol, facts)}: {why}. {text}",
        dict.fromkeys(id for proof in proofs for id in (proof.id, *proof.passing, *proof.failing)),
        facts,
        _COMPLETE if limited else EVERYBODY,
        witness=record,
    )


def _with_data_missing(prover: Prover, idle: _Idle) -> tuple[str, dict[str, Any] | None]:
    """The patients for whom a criterion decides only because facts are missing, and one who shows it."""

    def judge(record: dict[str, Any]) -> bool:
        facts = prover.protocol.facts_of(record)
        states = state_by_criterion(prover.protocol, facts)
        instead: dict[str, State] = {**states, idle.id: _STATES[evaluate(idle.rule, facts)]}
        return decide(states.values()) != decide(instead.values())

    changes = _changes(prover, idle.id, idle.rule)
    for (claim, others), whom in zip(changes, ("eligible", "ineligible"), strict=True):
        claims = [z3.And(claim, *others.values()), *prover.facts.values()]
        if (witness := prover.patient(claims, judge, prover.logic.known.values())) is not None:
            return f"With data missing it may still decide who is {whom} ({idle.id}).", witness
    return "Whether the same is true with data missing was not settled.", None


# --- whole criteria ---------------------------------------------------------------------------------------------------


def idle_criteria(prover: Prover) -> dict[str, _Idle]:
    """The criteria that could be left out, by id, each alone."""
    ids = {id: id for id in prover.truths}
    idle = {id: _idle(prover, id, Value(True)) for id in prover.each("whether {} can be left out", ids)}
    return {id: proof for id, proof in idle.items() if proof is not None}


def redundant(prover: Prover, idle: Mapping[str, _Idle]) -> Iterator[Finding]:
    """Criteria that the others imply, and whether they still do when data are missing.

    Args:
        prover: from `prover_for`.
        idle: from `idle_criteria`.
    """
    protocol, twins = prover.protocol, set()
    for id, proof in idle.items():
        twin = idle.get(proof.passing[0]) if len(proof.passing) == 1 else None
        if id in twins:
            continue
        if twin and (twin.passing, twin.facts) == ((id,), proof.facts):
            twins.add(twin.id)
            why = "whoever passes one passes the other. One of them could go, not both"
            claim = f"{titles(protocol, id, twin.id)} say the same"
            yield _idle_finding(prover, "redundant", f"{id}+{twin.id}", claim, why, proof, twin)
        else:
            whoever = f"whoever passes {titles(protocol, *proof.passing)}" if proof.passing else "everybody"
            claim = f"{titles(protocol, id)} decides nothing"
            yield _idle_finding(prover, "redundant", id, claim, f"{whoever} passes it", proof)


# --- alternatives inside one criterion --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alternative:
    """One way among several to meet a formula, and what must hold beside it; `place` is its path in the formula."""

    formula: Formula
    beside: tuple[Formula, ...]
    place: tuple[int, ...]


def alternatives(
    formula: Formula, beside: tuple[Formula, ...] = (), place: tuple[int, ...] = (), positive: bool = True
) -> Iterator[Alternative]:
    """Every way among several, at any depth: the items of `or` and of `at_least`, and of a negated `and`."""
    match formula:
        case Not(item):
            yield from alternatives(item, beside, (*place, 0), not positive)
            return
        case And(items) | Or(items) | AtLeast(_, items):
            needed = formula.n if positive else len(items) - formula.n + 1
        case _:
            return
    signed = items if positive else tuple(item.item if isinstance(item, Not) else Not(item) for item in items)
    for n, item in enumerate(items):
        together = beside
        if needed < len(items):
            yield Alternative(signed[n], beside, (*place, n))
        else:
            together = (*beside, *signed[:n], *signed[n + 1 :])
        yield from alternatives(item, together, (*place, n), positive)


def without(formula: Formula, place: tuple[int, ...], is_kept: bool = False) -> Formula:
    """The formula as it would be without the alternative at a place."""
    if not place:
        return Value(is_kept)
    n, *deeper = place
    if isinstance(formula, Not):
        return Not(without(formula.item, tuple(deeper), not is_kept))
    assert isinstance(formula, And | Or | AtLeast)
    items = list(formula.items)
    items[n] = without(items[n], tuple(deeper), is_kept)
    return replace(formula, items=tuple(items))


def dead_branches(prover: Prover, earlier: Collection[str]) -> Iterator[Finding]:
    """Alternatives of inclusions that no eligible patient fulfils, and alternatives of any kind that never decide.

    Args:
        prover: from `prover_for`.
        earlier: criteria that decide for nobody, as an earlier finding says.
    """
    criteria = {criterion.id: criterion for criterion in prover.protocol.criteria if criterion.id not in earlier}
    for criterion in prover.each("which parts of {} make a difference", criteria):
        gone: list[tuple[int, ...]] = []
        for way in alternatives(prover.protocol.formula(criterion.id)):
            is_inside = any(way.place[: len(place)] == place for place in gone)
            if not is_inside and (finding := _of_alternative(prover, criterion, way)):
                gone.append(way.place)
                yield finding


def _of_alternative(prover: Prover, criterion: Criterion, way: Alternative) -> Finding | None:
    rest, is_way_in = without(prover.protocol.formula(criterion.id), way.place), criterion.kind == "inclusion"
    if is_way_in and (proof := prover.unsat_core(_has(prover, way), prover.passes)) is not None:
        return _dead(prover, criterion, way, rest, proof)
    idle = _idle(prover, criterion.id, rest if is_way_in else Not(rest))
    is_news = idle is not None and (idle.everybody or not _asks_known(way.formula))
    return _idle_part(prover, criterion, way, idle) if idle and is_news else None


def _has(prover: Prover, way: Alternative) -> list[Z3]:
    """That an alternative holds, and what must hold beside it."""
    return [prover.truth(part).true for part in (way.formula, *way.beside)]


def _asks_known(formula: Formula) -> bool:
    """Whether a part is about missing data: then it is no news that it decides nothing where none are."""
    return any(isinstance(part, Known) for part in walk(formula))


def _dead(prover: Prover, criterion: Criterion, way: Alternative, rest: Formula, proof: Proof) -> Finding:
    protocol = prover.protocol
    why = f"Whoever has it {cannot_pass(protocol, proof.criteria)}" if proof.criteria else "It is impossible in itself"
    unused = [fact for fact in prover.facts if fact not in proof.facts]
    return finding_for(
        protocol,
        "dead-branch",
        f"{criterion.id}:{slug(way.formula)}",
        f"{_role(prover, criterion, way)}, but it can never help anybody{facts_clause(protocol, proof.facts)}. {why}.",
        dict.fromkeys((criterion.id, *proof.criteria)),
        proof.facts,
        EVERYBODY,
        witness=_owner(prover, way, rest, proof, prover.facts, eligible=False),
        breaks=_owner(prover, way, rest, proof, unused, eligible=True) if proof.facts else None,
    )


def _owner(
    prover: Prover, way: Alternative, rest: Formula, proof: Proof, facts: Iterable[str], eligible: bool
) -> dict[str, Any] | None:
    """A patient who has the alternative, and it alone where that can be: eligible, or not in spite of it.

    Args:
        prover: from `prover`.
        way, rest: the alternative, and its criterion without it.
        proof: that it helps nobody; as many of its criteria are passed as can be.
        facts: the declared facts that hold, by id.
        eligible: which of the two.
    """
    protocol, can_pass = prover.protocol, [prover.passes[id] for id in prover.passes if id not in proof.criteria[:1]]
    claims = [*_has(prover, way), *(prover.facts[fact] for fact in facts)]
    claims += prover.passes.values() if eligible else ()
    wishes = [*prover.logic.known.values(), prover.truth(rest).false, *can_pass, *prover.facts.values()]

    def judge(record: dict[str, Any]) -> bool:
        values = protocol.facts_of(record)
        has = all(evaluate(part, values) is True for part in (way.formula, *way.beside))
        return has and (decision(protocol, record) == "eligible") is eligible

    return prover.patient(claims, judge, wishes)


def _idle_part(prover: Prover, criterion: Criterion, way: Alternative, idle: _Idle) -> Finding:
    protocol, id = prover.protocol, criterion.id
    if criterion.kind == "inclusion":
        among = f" among those who pass {titles(protocol, *idle.passing)}" if idle.passing else ""
        why = f"whoever passes {id}{among} passes it without this part"
    else:
        other = f"{titles(protocol, *idle.failing, word='or')}, or " if idle.failing else ""
        why = f"whoever fails {id} fails {other}{id} without this part"
    claim = f"{_role(prover, criterion, way)}, but it makes no difference"
    return _idle_finding(prover, "idle-part", f"{id}:{slug(way.formula)}", claim, why, idle)


def _role(prover: Prover, criterion: Criterion, way: Alternative) -> str:
    role = "one of the ways to pass" if criterion.kind == "inclusion" else "part of"
    return f'"{words(way.formula, prover.protocol.fields)}" is {role} {titles(prover.protocol, criterion.id)}'
