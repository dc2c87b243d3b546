"""Criteria, readings and the cited guideline held against each other: what cannot be true together."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from ..language import parse, words
from ..protocol import Fact
from .finding import EVERYBODY, Finding, assuming, finding_for, join, titles
from .kleene import Z3
from .prover import Proof, Prover, check, each, impossible, minimal_core, must_hold, unsat_core


def impossible_facts(prover: Prover) -> Iterator[Finding]:
    """Declared facts that cannot all be true: a proof under them would prove anything."""
    for facts in each(prover, "whether the declared facts can all be true", {"": prover.facts}):
        if facts and impossible(prover, facts.values()):
            blamed = minimal_core(prover, [], facts)
            sentence = (
                f"The declared facts {join(blamed)} cannot all be true of one patient, "
                "so no declared fact is used here."
            )
            yield finding_for(prover.protocol, "facts", "+".join(blamed), sentence, (), blamed, EVERYBODY)


def never_satisfiable(prover: Prover) -> Iterator[Finding]:
    """That no patient can be eligible, then every other group of criteria that exclude each other."""
    found = []
    for passes in each(prover, "whether anybody can be eligible", {"": prover.passes}):
        found += filter(None, [unsat_core(prover, [], passes)])
    for proof in found:
        yield _conflict(prover, "never-satisfiable", proof)
    for rest in each(prover, "which other criteria exclude each other", {"": prover.passes} if found else {}):
        proof = found[0]
        while proof is not None and proof.criteria:
            rest = {id: claim for id, claim in rest.items() if id not in proof.criteria}
            proof = unsat_core(prover, [], rest)
            if proof is not None and proof.criteria:
                yield _conflict(prover, "contradiction", proof)


def _conflict(prover: Prover, kind: str, proof: Proof) -> Finding:
    protocol, ids = prover.protocol, proof.criteria
    together = " together" if len(ids) > 1 else " with values that are possible"
    clash = f"obody can pass {titles(protocol, *ids)}{together}{assuming(protocol, proof.facts)}."
    if kind == "contradiction":
        return finding_for(protocol, kind, "+".join(ids), f"N{clash}", ids, proof.facts, EVERYBODY)
    left_out = "" if proof.facts else " What else could be proven would be empty and is left out."
    sentence = f"No patient can ever be eligible: n{clash}{_repair(prover)}{left_out}"
    return finding_for(protocol, kind, "", sentence, ids, proof.facts, EVERYBODY)


def _repair(prover: Prover) -> str:
    """The readings that would let somebody in again."""
    mended = [
        f'{id} read as "{reading}"'
        for id, reading, claim in _other_readings(prover)
        if check(prover, [claim, *_passes_but(prover, id).values(), *prover.facts.values()]) == z3.sat
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
    alone = set()
    for id, reading, claim in each(prover, "whether anybody can be eligible with {}", readings):
        if (proof := unsat_core(prover, [claim], _passes_but(prover, id))) is not None:
            alone.add((id, reading))
            yield _excludes(prover, {id: reading}, proof)
    left = {name: one for name, one in readings.items() if one[:2] not in alone}
    after = list(left.values())
    for id, reading, claim in each(prover, "whether anybody can be eligible with another reading beside {}", left):
        del after[0]
        for id_2, reading_2, claim_2 in after:
            if id != id_2:
                proof = unsat_core(prover, [claim, claim_2], _passes_but(prover, id, id_2))
                if proof is not None:
                    yield _excludes(prover, {id: reading, id_2: reading_2}, proof)


def _excludes(prover: Prover, chosen: dict[str, str], proof: Proof) -> Finding:
    protocol, ids = prover.protocol, (*chosen, *proof.criteria)
    why = ""
    if proof.criteria and len(chosen) > 1:
        why = f": nobody can pass both and {titles(protocol, *proof.criteria)}"
    elif proof.criteria:
        why = f": whoever passes {titles(protocol, *proof.criteria)} cannot pass it"
    return finding_for(
        protocol,
        "reading",
        "+".join(f"{id}:{reading}" for id, reading in chosen.items()),
        f"{titles(protocol, *chosen, reading=chosen)} would leave nobody eligible"
        f"{assuming(protocol, proof.facts)}{why}.",
        ids,
        proof.facts,
        EVERYBODY,
    )


def guideline(prover: Prover) -> Iterator[Finding]:
    """Every reading that no patient of the cited guideline can pass, and criteria that together leave none of them."""
    cited = {fact.id: fact for fact in prover.protocol.guideline}
    for fact in each(prover, "whether a patient of the guideline ({}) can be eligible", cited):
        yield from _against(prover, fact)


def _against(prover: Prover, fact: Fact) -> Iterator[Finding]:
    cited = prover.truth(parse(fact.formula, prover.protocol.fields)).true
    if impossible(prover, [cited]):
        return
    for (id, reading), truth in prover.readings.items():
        if impossible(prover, [cited, truth.true]) and not impossible(prover, [truth.true]):
            yield _reading_against(prover, fact, id, reading)
    if not impossible(prover, prover.passes.values()):
        proof = unsat_core(prover, [cited], prover.passes)
        if proof is not None and len(proof.criteria) > 1:
            yield _together_against(prover, fact, proof)


def _reading_against(prover: Prover, fact: Fact, id: str, reading: str) -> Finding:
    protocol = prover.protocol
    asks = words(must_hold(protocol, id, reading), protocol.fields)
    used = "" if reading == protocol.reading(id) else " This reading is not the one chosen."
    sentence = (
        f'{titles(protocol, id, reading={id: reading})} asks for "{asks}", but the cited guideline says: '
        f'"{fact.says}" ({fact.id}). No patient can satisfy both.{used}'
    )
    about = f"{id}:{f'{reading}:' if reading else ''}{fact.id}"
    return finding_for(protocol, "guideline", about, sentence, [id], proven_for=EVERYBODY, cites=[fact])


def _together_against(prover: Prover, fact: Fact, proof: Proof) -> Finding:
    protocol = prover.protocol
    sentence = (
        f"{titles(protocol, *proof.criteria)} together leave nobody of whom the cited guideline says: "
        f'"{fact.says}" ({fact.id}){assuming(protocol, proof.facts)}.'
    )
    about = f"{'+'.join(proof.criteria)}:{fact.id}"
    return finding_for(protocol, "guideline", about, sentence, proof.criteria, proof.facts, EVERYBODY, cites=[fact])
