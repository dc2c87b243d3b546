"""Criteria, readings and the cited guideline held against each other: what cannot be true together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from ..language import parse, words
from ..protocol import Fact
from .finding import Finding, assuming, fact_words, joined, named, quotes_of
from .kleene import Z3
from .prover import Desk, Proof, because, possible, required, says


def impossible_facts(desk: Desk) -> Iterator[Finding]:
    """Declared facts that cannot all be true: a proof under them would prove anything."""
    if desk.facts and not possible(desk, desk.facts.values()):
        proof = because(replace(desk, facts={}), [], desk.facts)
        assert proof is not None
        yield Finding(
            id="facts:" + "+".join(proof.criteria),
            kind="facts",
            severity="finding",
            sentence=f"The declared facts {joined(proof.criteria)} cannot all be true of one patient, "
            "so no declared fact is used here.",
            facts=fact_words(desk.protocol, proof.criteria),
            no_patient=True,
        )


def never_satisfiable(desk: Desk) -> Iterator[Finding]:
    """That no patient can be eligible, then every other group of criteria that exclude each other."""
    proof = because(desk, [], desk.passes)
    if proof is None:
        return
    rest = dict(desk.passes)
    kind = "never-satisfiable"
    while proof is not None and proof.criteria:
        yield _conflict(desk, kind, proof)
        kind = "contradiction"
        rest = {id: claim for id, claim in rest.items() if id not in proof.criteria}
        proof = because(desk, [], rest)


def _conflict(desk: Desk, kind: str, proof: Proof) -> Finding:
    protocol = desk.protocol
    clash = f"{_clash(desk, proof.criteria)}{assuming(protocol, proof.facts)}."
    sentence = clash
    if kind == "never-satisfiable":
        left_out = "" if proof.facts else " What else could be proven would be empty and is left out."
        sentence = f"No patient can ever be eligible: {clash}{_repair(desk)}{left_out}"
    return Finding(
        id=kind if kind == "never-satisfiable" else f"{kind}:{'+'.join(proof.criteria)}",
        kind=kind,
        severity="finding",
        sentence=sentence if kind == "never-satisfiable" else sentence[:1].upper() + sentence[1:],
        criteria=proof.criteria,
        quotes=quotes_of(protocol, proof.criteria),
        facts=fact_words(protocol, proof.facts),
        no_patient=True,
    )


def _clash(desk: Desk, ids: tuple[str, ...]) -> str:
    if len(ids) == 1:
        return f"nobody can pass {named(desk.protocol, *ids)} with values that are possible"
    return f"nobody can pass {named(desk.protocol, *ids)} together"


def _repair(desk: Desk) -> str:
    """The readings that would let somebody in again."""
    mended = [
        f'{id} read as "{reading}"'
        for id, reading, claim in _other_readings(desk)
        if possible(desk, [claim, *_without(desk, id), *desk.facts.values()])
    ]
    return f" Somebody can be eligible again with {joined(mended, 'or')}." if mended else ""


def _without(desk: Desk, *ids: str) -> list[Z3]:
    return [claim for id, claim in desk.passes.items() if id not in ids]


def _other_readings(desk: Desk) -> Iterator[tuple[str, str, Z3]]:
    """Every reading that was not chosen, and that it is surely passed."""
    for (id, reading), claim in desk.readings.items():
        if reading != desk.protocol.reading(id):
            yield id, reading, claim


def excluding_readings(desk: Desk) -> Iterator[Finding]:
    """Readings under which nobody can be eligible, alone or two together, all else being read as chosen."""
    alone = set()
    readings = list(_other_readings(desk))
    for id, reading, claim in readings:
        others = {other: must for other, must in desk.passes.items() if other != id}
        if (proof := because(desk, [claim], others)) is not None:
            alone.add((id, reading))
            yield _excludes(desk, {id: reading}, proof)
    for (id, reading, claim), (id_2, reading_2, claim_2) in combinations(readings, 2):
        if id == id_2 or (id, reading) in alone or (id_2, reading_2) in alone:
            continue
        others = {other: must for other, must in desk.passes.items() if other not in (id, id_2)}
        if (proof := because(desk, [claim, claim_2], others)) is not None:
            yield _excludes(desk, {id: reading, id_2: reading_2}, proof)


def _excludes(desk: Desk, chosen: dict[str, str], proof: Proof) -> Finding:
    protocol, ids = desk.protocol, (*chosen, *proof.criteria)
    read = named(protocol, *chosen, reading=chosen)
    why = f": whoever passes {named(protocol, *proof.criteria)} fails it" if proof.criteria else ""
    if len(chosen) > 1:
        why = f": nobody can pass both and {named(protocol, *proof.criteria)}" if proof.criteria else ""
    return Finding(
        id="reading:" + "+".join(f"{id}:{reading}" for id, reading in chosen.items()),
        kind="reading",
        severity="finding",
        sentence=f"{read} would exclude everybody{assuming(protocol, proof.facts)}{why}.",
        criteria=ids,
        quotes=quotes_of(protocol, ids),
        facts=fact_words(protocol, proof.facts),
        no_patient=True,
    )


def guideline(desk: Desk) -> Iterator[Finding]:
    """Every reading that no patient of the cited guideline can pass, and criteria that together leave none of them."""
    for fact in desk.protocol.guideline:
        cited = says(desk, parse(fact.formula, desk.protocol.fields)).true
        if not possible(desk, [cited]):
            continue
        for (id, reading), claim in desk.readings.items():
            if not possible(desk, [cited, claim]) and possible(desk, [claim]):
                yield _against(desk, fact, id, reading)
        proof = because(desk, [cited], desk.passes) if possible(desk, desk.passes.values()) else None
        if proof is not None and len(proof.criteria) > 1:
            yield _together_against(desk, fact, proof)


def _together_against(desk: Desk, fact: Fact, proof: Proof) -> Finding:
    protocol = desk.protocol
    return Finding(
        id=f"guideline:{'+'.join(proof.criteria)}:{fact.id}",
        kind="guideline",
        severity="finding",
        sentence=f"{named(protocol, *proof.criteria)} together leave nobody of whom the cited guideline says: "
        f'"{fact.says}" ({fact.id}){assuming(protocol, proof.facts)}.',
        criteria=proof.criteria,
        quotes=quotes_of(protocol, proof.criteria),
        facts=(_cited(fact), *fact_words(protocol, proof.facts)),
        no_patient=True,
    )


def _cited(fact: Fact) -> str:
    return f"{fact.id}: {fact.says}{f' ({fact.source})' if fact.source else ''}"


def _against(desk: Desk, fact: Fact, id: str, reading: str) -> Finding:
    protocol = desk.protocol
    asks = words(required(protocol, id, reading), protocol.fields)
    used = "" if reading == protocol.reading(id) else " This reading is not the one chosen."
    return Finding(
        id=f"guideline:{id}:{f'{reading}:' if reading else ''}{fact.id}",
        kind="guideline",
        severity="finding",
        sentence=f'{named(protocol, id, reading={id: reading})} asks for "{asks}", but the cited guideline says: '
        f'"{fact.says}" ({fact.id}). No patient can satisfy both.{used}',
        criteria=(id,),
        quotes=quotes_of(protocol, (id,)),
        facts=(_cited(fact),),
        no_patient=True,
    )
