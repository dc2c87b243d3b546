"""Alternatives inside one criterion: those that can never help, and those that never make a difference."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..language import And, AtLeast, Formula, Known, Not, Or, Value, children, evaluate, words
from ..patient.tree import decision
from ..protocol import Criterion
from .finding import COMPLETE, EVERYBODY, Finding, assuming, finding_for, named, slug
from .idle import Idle, idle, with_data_missing
from .kleene import Z3
from .prover import Proof, Prover, blame, each, patient, unsat_core


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
        case And(items):
            needed = len(items)
        case Or(items):
            needed = 1
        case AtLeast(needed, items):
            pass
        case _:
            return
    signed = [item if positive else negated(item) for item in items]
    needed = needed if positive else len(items) - needed + 1
    for n, item in enumerate(items):
        together = beside
        if needed < len(items):
            yield Alternative(signed[n], beside, (*place, n))
        else:
            together = (*beside, *signed[:n], *signed[n + 1 :])
        yield from alternatives(item, together, (*place, n), positive)


def negated(formula: Formula) -> Formula:
    return formula.item if isinstance(formula, Not) else Not(formula)


def without(formula: Formula, place: tuple[int, ...], kept: bool = False) -> Formula:
    """The formula as it would be without the alternative at a place."""
    if not place:
        return Value(kept)
    n, *deeper = place
    if isinstance(formula, Not):
        return Not(without(formula.item, tuple(deeper), not kept))
    assert isinstance(formula, And | Or | AtLeast)
    items = list(formula.items)
    items[n] = without(items[n], tuple(deeper), kept)
    return replace(formula, items=tuple(items))


def dead_branches(prover: Prover, redundant: Collection[str]) -> Iterator[Finding]:
    """Alternatives of inclusions that are true of nobody eligible, and alternatives of any kind that never decide.

    Args:
        prover: from `prover`.
        redundant: criteria that decide for nobody, which is told already.
    """
    asked = {criterion.id: criterion for criterion in prover.protocol.criteria if criterion.id not in redundant}
    for criterion in each(prover, "which parts of {} make a difference", asked):
        yield from _of_criterion(prover, criterion)


def _of_criterion(prover: Prover, criterion: Criterion) -> Iterator[Finding]:
    gone: list[tuple[int, ...]] = []
    formula = prover.protocol.formula(criterion.id)
    for way in alternatives(formula):
        if any(way.place[: len(place)] == place for place in gone):
            continue
        claims = [prover.truth(part).true for part in (way.formula, *way.beside)]
        proof = unsat_core(prover, claims, prover.passes) if criterion.kind == "inclusion" else None
        if proof is not None:
            gone.append(way.place)
            yield _dead(prover, criterion, way, claims, proof)
            continue
        rest = without(formula, way.place)
        found = idle(prover, criterion.id, Not(rest) if criterion.kind == "exclusion" else rest)
        if found is not None and (found.everybody or not _asks_known(way.formula)):
            gone.append(way.place)
            yield _idle(prover, criterion, way, claims, found)


def _asks_known(formula: Formula) -> bool:
    """Whether a part is about missing data: then it is no news that it decides nothing where none are."""
    return isinstance(formula, Known) or any(map(_asks_known, children(formula)))


def _dead(prover: Prover, criterion: Criterion, way: Alternative, claims: list[Z3], proof: Proof) -> Finding:
    protocol = prover.protocol
    killers = tuple(id for id in proof.criteria if id != criterion.id)
    why = f"Whoever has it {blame(prover, claims, proof)}." if proof.criteria else "It is impossible in itself."
    return finding_for(
        protocol,
        "dead-branch",
        f"{criterion.id}:{slug(way.formula)}",
        f"{_listed(prover, criterion, way)}, but it can never help anybody{assuming(protocol, proof.facts)}. {why}",
        (criterion.id, *killers),
        proof.facts,
        proven_for=EVERYBODY,
        witness=_loser(prover, criterion, way, claims, proof),
        breaks=_breaks(prover, criterion, way, claims, proof) if proof.facts else None,
    )


def _loser(
    prover: Prover, criterion: Criterion, way: Alternative, claims: list[Z3], proof: Proof
) -> dict[str, Any] | None:
    """A patient who has the alternative, by itself where that can be, and whom it does not help."""
    rest = [claim for id, claim in prover.passes.items() if id not in proof.criteria]
    blamed = [prover.passes[id] for id in proof.criteria[1:]]
    wishes = [*prover.logic.known.values(), *rest, _alone(prover, criterion, way), *blamed]

    def judge(found: dict[str, Any]) -> bool:
        return _has(prover, way, found) and decision(prover.protocol, found) != "eligible"

    return patient(prover, [*claims, *prover.facts.values()], judge, wishes)


def _breaks(
    prover: Prover, criterion: Criterion, way: Alternative, claims: list[Z3], proof: Proof
) -> dict[str, Any] | None:
    """A patient who breaks the declared facts of a proof, and whom the alternative makes eligible."""
    kept = [claim for fact, claim in prover.facts.items() if fact not in proof.facts]
    wishes = [
        *prover.logic.known.values(),
        _alone(prover, criterion, way),
        *(prover.facts[fact] for fact in proof.facts),
    ]

    def judge(found: dict[str, Any]) -> bool:
        return _has(prover, way, found) and decision(prover.protocol, found) == "eligible"

    return patient(prover, [*claims, *prover.passes.values(), *kept], judge, wishes)


def _alone(prover: Prover, criterion: Criterion, way: Alternative) -> Z3:
    """That the criterion would fail without an alternative."""
    return prover.truth(without(prover.protocol.formula(criterion.id), way.place)).false


def _has(prover: Prover, way: Alternative, found: dict[str, Any]) -> bool:
    facts = prover.protocol.facts_of(found)
    return all(evaluate(part, facts) is True for part in (way.formula, *way.beside))


def _idle(prover: Prover, criterion: Criterion, way: Alternative, claims: list[Z3], found: Idle) -> Finding:
    protocol, id = prover.protocol, criterion.id
    where, more, witness = "", "", None
    if not found.everybody:
        where = " where everything is known"
        more, witness = with_data_missing(prover, found)
    if criterion.kind == "inclusion":
        among = f" among those who pass {named(protocol, *found.passing)}" if found.passing else ""
        why = f"whoever passes {id}{among} passes it without this part"
    else:
        other = f"{named(protocol, *found.failing, word='or')}, or " if found.failing else ""
        why = f"whoever fails {id} fails {other}{id} without this part"
    return finding_for(
        protocol,
        "idle-part",
        f"{id}:{slug(way.formula)}",
        f"{_listed(prover, criterion, way)}, but it makes no difference{where}{assuming(protocol, found.facts)}: "
        f"{why}. {more}".rstrip(),
        (id, *found.others),
        found.facts,
        proven_for=EVERYBODY if found.everybody else COMPLETE,
        witness=witness,
    )


def _listed(prover: Prover, criterion: Criterion, way: Alternative) -> str:
    role = "one of the ways to pass" if criterion.kind == "inclusion" else "part of"
    return f'"{words(way.formula, prover.protocol.fields)}" is {role} {named(prover.protocol, criterion.id)}'
