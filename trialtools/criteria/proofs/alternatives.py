"""Alternatives inside one criterion: those that can never help, and those that never make a difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..language import And, AtLeast, Formula, Not, Or, Value, evaluate, words
from ..protocol import Criterion, ProtocolData
from .finding import Finding, assuming, fact_words, named, quotes_of, slug
from .prover import Desk, Proof, agreed, because, patient, possible, says, states


@dataclass(frozen=True)
class Alternative:
    """One way among several to meet a formula, and what must hold beside it; `place` is its path in the formula."""

    formula: Formula
    beside: tuple[Formula, ...]
    place: tuple[int, ...]


def alternatives(
    formula: Formula, beside: tuple[Formula, ...] = (), place: tuple[int, ...] = ()
) -> Iterator[Alternative]:
    """Every way among several, at any depth: the items of `or` and of `at_least`, and of a negated `and`."""
    match formula:
        case Not(Not(item)):
            yield from alternatives(item, beside, place)
        case Not(And(items)):
            yield from alternatives(Or(tuple(Not(item) for item in items)), beside, place)
        case Not(Or(items)):
            yield from alternatives(And(tuple(Not(item) for item in items)), beside, place)
        case And(items):
            for n, item in enumerate(items):
                yield from alternatives(item, (*beside, *items[:n], *items[n + 1 :]), (*place, n))
        case Or(items) | AtLeast(_, items):
            for n, item in enumerate(items):
                if not isinstance(formula, AtLeast) or formula.n < len(items):
                    yield Alternative(item, beside, (*place, n))
                yield from alternatives(item, beside, (*place, n))


def dead_branches(desk: Desk) -> Iterator[Finding]:
    """Alternatives of inclusions that are true of nobody eligible, and alternatives of any kind that never decide."""
    protocol = desk.protocol
    for criterion in protocol.criteria:
        helps = criterion.kind == "inclusion"
        others = {id: claim for id, claim in desk.passes.items() if id != criterion.id}
        if not _can_decide(desk, criterion.id, others):
            continue  # the whole criterion decides for nobody, which is told once
        formula, gone = protocol.formula(criterion.id), []
        for way in alternatives(formula):
            if any(way.place[: len(place)] == place for place in gone):
                continue
            claims = [says(desk, part).true for part in (way.formula, *way.beside)]
            proof = because(desk, claims, desk.passes if helps else others)
            if proof is not None:
                gone.append(way.place)
                yield _dead(desk, criterion, way, claims, proof)
                continue
            alone = says(desk, _without(formula, way.formula)).false
            proof = because(desk, [*claims, desk.complete, alone], others)
            if proof is not None:
                gone.append(way.place)
                yield _idle(desk, criterion, way, proof)


def _can_decide(desk: Desk, id: str, others: dict) -> bool:
    """Whether anybody fails this criterion alone."""
    return possible(desk, [desk.pairs[id].false, *others.values(), *desk.facts.values()])


def _without(formula: Formula, gone: Formula) -> Formula:
    """The formula as it would be without one alternative."""
    if formula == gone:
        return Value(False)
    match formula:
        case And(items) | Or(items) | AtLeast(_, items):
            return replace(formula, items=tuple(_without(item, gone) for item in items))
        case Not(item):
            return Not(_without(item, gone))
    return formula


def _dead(desk: Desk, criterion: Criterion, way: Alternative, claims: list, proof: Proof) -> Finding:
    protocol, helps = desk.protocol, criterion.kind == "inclusion"
    killers = tuple(id for id in proof.criteria if id != criterion.id)
    never = "it can never help anybody" if helps else "it never decides"
    why = f"Whoever has it fails {named(protocol, *killers, word='or')}." if killers else "It is impossible in itself."
    return Finding(
        id=f"{'dead-branch' if helps else 'idle-part'}:{criterion.id}:{slug(way.formula)}",
        kind="dead-branch" if helps else "idle-part",
        severity="finding" if helps else "note",
        sentence=f"{_listed(protocol, criterion, way)}, but {never}{assuming(protocol, proof.facts)}. {why}",
        criteria=(criterion.id, *killers),
        quotes=quotes_of(protocol, (criterion.id, *killers), words(way.formula, protocol.fields)),
        facts=fact_words(protocol, proof.facts),
        witness=_breaker(desk, criterion, way, claims) if proof.facts else None,
        no_patient=True,
    )


def _idle(desk: Desk, criterion: Criterion, way: Alternative, proof: Proof) -> Finding:
    protocol, helps = desk.protocol, criterion.kind == "inclusion"
    verb = "passes" if helps else "fails"
    given = f" among those who pass {named(protocol, *proof.criteria)}" if proof.criteria else ""
    return Finding(
        id=f"idle-part:{criterion.id}:{slug(way.formula)}",
        kind="idle-part",
        severity="note",
        sentence=f"{_listed(protocol, criterion, way)}, but it makes no difference{assuming(protocol, proof.facts)}: "
        f"whoever has it{given} {verb} {criterion.id} without it.",
        criteria=(criterion.id, *proof.criteria),
        quotes=quotes_of(protocol, (criterion.id,), words(way.formula, protocol.fields)),
        facts=fact_words(protocol, proof.facts),
        no_patient=True,
    )


def _listed(protocol: ProtocolData, criterion: Criterion, way: Alternative) -> str:
    role = "one of the ways to pass" if criterion.kind == "inclusion" else "part of"
    return f'"{words(way.formula, protocol.fields)}" is {role} {named(protocol, criterion.id)}'


def _breaker(desk: Desk, criterion: Criterion, way: Alternative, claims: list) -> dict | None:
    """A patient who breaks the declared fact, and for whom the alternative decides, alone where that can be."""
    helps = criterion.kind == "inclusion"
    passed = [claim for id, claim in desk.passes.items() if helps or id != criterion.id]
    alone = says(desk, _without(desk.protocol.formula(criterion.id), way.formula)).false
    found = patient(desk, [*claims, *passed, alone]) or patient(desk, [*claims, *passed])
    if found is None:
        return None
    facts, judged = desk.protocol.facts_of(found), states(desk, found)
    true = all(evaluate(part, facts) is True for part in (way.formula, *way.beside))
    passes = all(state is True for id, state in judged.items() if helps or id != criterion.id)
    return found if agreed(desk, true and passes, found) else None
