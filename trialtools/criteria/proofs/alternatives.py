"""Alternatives inside one criterion: those that can never help, and those that never make a difference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..language import And, AtLeast, Formula, Known, Not, Or, Value, children, evaluate, words
from ..patient.tree import decision
from ..protocol import Criterion
from .finding import EVERYBODY, Finding, assuming, cannot_pass, finding_for, slug, titles
from .idle import Idle, idle, idle_finding
from .kleene import Z3
from .prover import Proof, Prover, each, patient, unsat_core


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
    signed = [item if positive else item.item if isinstance(item, Not) else Not(item) for item in items]
    needed = needed if positive else len(items) - needed + 1
    for n, item in enumerate(items):
        together = beside
        if needed < len(items):
            yield Alternative(signed[n], beside, (*place, n))
        else:
            together = (*beside, *signed[:n], *signed[n + 1 :])
        yield from alternatives(item, together, (*place, n), positive)


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
        rest = without(formula, way.place)
        proof = unsat_core(prover, _has(prover, way), prover.passes) if criterion.kind == "inclusion" else None
        if proof is not None:
            gone.append(way.place)
            yield _dead(prover, criterion, way, rest, proof)
            continue
        found = idle(prover, criterion.id, Not(rest) if criterion.kind == "exclusion" else rest)
        if found is not None and (found.everybody or not _asks_known(way.formula)):
            gone.append(way.place)
            yield _idle(prover, criterion, way, found)


def _has(prover: Prover, way: Alternative) -> list[Z3]:
    """That an alternative holds, and what must hold beside it."""
    return [prover.truth(part).true for part in (way.formula, *way.beside)]


def _asks_known(formula: Formula) -> bool:
    """Whether a part is about missing data: then it is no news that it decides nothing where none are."""
    return isinstance(formula, Known) or any(map(_asks_known, children(formula)))


def _dead(prover: Prover, criterion: Criterion, way: Alternative, rest: Formula, proof: Proof) -> Finding:
    protocol = prover.protocol
    why = f"Whoever has it {cannot_pass(protocol, proof.criteria)}" if proof.criteria else "It is impossible in itself"
    unused = [fact for fact in prover.facts if fact not in proof.facts]
    return finding_for(
        protocol,
        "dead-branch",
        f"{criterion.id}:{slug(way.formula)}",
        f"{_role(prover, criterion, way)}, but it can never help anybody{assuming(protocol, proof.facts)}. {why}.",
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

    def judge(found: dict[str, Any]) -> bool:
        values = protocol.facts_of(found)
        has = all(evaluate(part, values) is True for part in (way.formula, *way.beside))
        return has and (decision(protocol, found) == "eligible") is eligible

    return patient(prover, claims, judge, wishes)


def _idle(prover: Prover, criterion: Criterion, way: Alternative, found: Idle) -> Finding:
    protocol, id = prover.protocol, criterion.id
    if criterion.kind == "inclusion":
        among = f" among those who pass {titles(protocol, *found.passing)}" if found.passing else ""
        why = f"whoever passes {id}{among} passes it without this part"
    else:
        other = f"{titles(protocol, *found.failing, word='or')}, or " if found.failing else ""
        why = f"whoever fails {id} fails {other}{id} without this part"
    claim = f"{_role(prover, criterion, way)}, but it makes no difference"
    return idle_finding(prover, "idle-part", f"{id}:{slug(way.formula)}", claim, why, found)


def _role(prover: Prover, criterion: Criterion, way: Alternative) -> str:
    role = "one of the ways to pass" if criterion.kind == "inclusion" else "part of"
    return f'"{words(way.formula, prover.protocol.fields)}" is {role} {titles(prover.protocol, criterion.id)}'
