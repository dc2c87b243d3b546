"""Criteria, readings and the cited guideline held against each other: what cannot be true together."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from ..language import parse, words
from ..protocol import Fact
from .finding import EVERYBODY, Finding, facts_clause, finding_for, join, titles
from .kleene import Z3
from .prover import Proof, Prover


def impossible_facts(prover: Prover) -> Iterator[Finding]:
    """Declared facts that cannot all be true: a proof under them would prove anything."""
    for facts in prover.each("whether the declared facts can all be true", {"": prover.facts}):
        if facts and prover.impossible(facts.values()):
            blamed = prover.minimal_core([], facts)
            sentence = (
                f"The declared facts {join(blamed)} cannot all be true of one patient, "
                "so no declared fact is used here."
            )
            yield finding_for(prover.protocol, "facts", "+".join(blamed), sentence, (), blamed, EVERYBODY)


def never_satisfiable(prover: Prover) -> Iterator[Finding]:
    """That no patient can be eligible, then every other group of criteria that exclude each other."""
    proof = None
    for passes in prover.each("whether anybody can be eligible", {"": prover.passes}):
        proof = prover.unsat_core([], passes)
    if proof:
        yield _conflict(prover, "never-satisfiable", proof)
    for rest in prover.each("which other criteria exclude each other", {"": prover.passes} if proof else {}):
        while proof and proof.criteria:
            rest = {id: claim for id, claim in rest.items() if id not in proof.criteria}
            if (proof := prover.unsat_core([], rest)) and proof.criteria:
                yield _conflict(prover, "contradiction", proof)


def _conflict(prover: Prover, kind: str, proof: Proof) -> Finding:
    protocol, ids, about = prover.protocol, proof.criteria, "+".join(proof.criteria)
    together = " together" if len(ids) > 1 else " with values that are possible"
    sentence = f"Nobody can pass {titles(protocol, *ids)}{together}{facts_clause(protocol, proof.facts)}."
    if kind == "never-satisfiable":
        left_out = "" if proof.facts else " What else could be proven would be empty and is left out."
        about, sentence = "", f"No patient can ever be eligible: n{sentence[1:]}{_repair(prover)}{left_out}"
    return finding_for(protocol, kind, about, sentence, ids, proof.facts, EVERYBODY)


def _repair(prover: Prover) -> str:
    """The readings that would let somebody in again."""
    mended = [
        f'{id} read as "{reading}"'
        for id, reading, claim in _other_readings(prover)
        if prover.solve([claim, *_passes_but(prover, id).values(), *prover.facts.values()]) == z3.sat
    ]
    return f" Somebody can be eligible again with {join(mended, 'or')}." if mended else ""


def _passes_but(prover: Prover, *ids: str) -> dict[str, Z3]:
    return {id: claim for id, claim in prover.passes.items() if id not in ids}


def _other_readings(prover: Prover) -> Iterator[tuple[str, str, Z3]]:
    """Every reading that was not chosen, and that it is surely passed."""
    for (id, reading), truth in prover.readings.items():
        if reading != prover.protocol.reading(id):
            yield id, reading, truth.true


def excluding_readings(prover: Prover) -> Iterator[Finding]:
    """Readings under which nobody can be eligible, alone or two together, all else being read as chosen."""
    readings = {f'{id} ("{reading}")': (id, reading, claim) for id, reading, claim in _other_readings(prover)}
    left = dict(readings)
    for name in prover.each("whether anybody can be eligible with {}", {name: name for name in readings}):
        if finding := _excludes(prover, readings[name]):
            del left[name]
            yield finding
    after = list(left.values())
    for one in prover.each("whether anybody can be eligible with another reading beside {}", left):
        del after[0]
        yield from filter(None, (_excludes(prover, one, other) for other in after if other[0] != one[0]))


def _excludes(prover: Prover, *read: tuple[str, str, Z3]) -> Finding | None:
    """That nobody can be eligible with these readings."""
    protocol, chosen = prover.protocol, {id: reading for id, reading, _ in read}
    proof = prover.unsat_core([claim for *_, claim in read], _passes_but(prover, *chosen))
    if proof is None:
        return None
    passing = titles(protocol, *proof.criteria) if proof.criteria else ""
    why = f": whoever passes {passing} cannot pass it" if len(read) == 1 else f": nobody can pass both and {passing}"
    return finding_for(
        protocol,
        "reading",
        "+".join(f"{id}:{reading}" for id, reading in chosen.items()),
        f"{titles(protocol, *chosen, reading=chosen)} would leave nobody eligible"
        f"{facts_clause(protocol, proof.facts)}{why if passing else ''}.",
        (*chosen, *proof.criteria),
        proof.facts,
        EVERYBODY,
    )


def guideline(prover: Prover) -> Iterator[Finding]:
    """Every reading that no patient of the cited guideline can pass, and criteria that together leave none of them."""
    cited = {fact.id: fact for fact in prover.protocol.guideline}
    for fact in prover.each("whether a patient of the guideline ({}) can be eligible", cited):
        yield from _against(prover, fact)


def _against(prover: Prover, fact: Fact) -> Iterator[Finding]:
    protocol, says = prover.protocol, f'"{fact.says}" ({fact.id})'
    cited = prover.truth(parse(fact.formula, protocol.fields)).true
    if prover.impossible([cited]):
        return
    for (id, reading), truth in prover.readings.items():
        if prover.impossible([cited, truth.true]) and not prover.impossible([truth.true]):
            asks = words(protocol.must_hold(id, reading), protocol.fields)
            used = "" if reading == protocol.reading(id) else " This reading is not the one chosen."
            sentence = (
                f'{titles(protocol, id, reading={id: reading})} asks for "{asks}", but the cited guideline says: '
                f"{says}. No patient can satisfy both.{used}"
            )
            about = f"{id}:{f'{reading}:' if reading else ''}{fact.id}"
            yield finding_for(protocol, "guideline", about, sentence, [id], proven_for=EVERYBODY, cites=[fact])
    proof = None if prover.impossible(prover.passes.values()) else prover.unsat_core([cited], prover.passes)
    if proof is not None and len(proof.criteria) > 1:
        ids, about = proof.criteria, f"{'+'.join(proof.criteria)}:{fact.id}"
        together = f"{titles(protocol, *ids)} together leave nobody of whom the cited guideline says: {says}"
        sentence = f"{together}{facts_clause(protocol, proof.facts)}."
        yield finding_for(protocol, "guideline", about, sentence, ids, proof.facts, EVERYBODY, cites=[fact])
