"""Criteria that decide nothing because others have decided already."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from .finding import Finding, assuming, fact_words, named, quotes_of
from .prover import Desk, Proof, agreed, because, patient, possible, states


def redundant(desk: Desk) -> Iterator[Finding]:
    """Criteria that the others imply, and whether they still do when data are missing.

    With everything known: whoever passes the others passes it. With data missing: whoever surely passes the others
    surely passes it, and whoever surely fails it surely fails another.
    """
    implied = {}
    for id, pair in desk.pairs.items():
        others = {other: claim for other, claim in desk.passes.items() if other != id}
        if (proof := because(desk, [pair.false, desk.complete], others)) is not None:
            implied[id] = proof
    told = set()
    for id, proof in implied.items():
        twin = proof.criteria[0] if len(proof.criteria) == 1 else ""
        if id in told:
            continue
        if implied.get(twin) == Proof((id,), proof.facts):
            told.add(twin)
            yield _twins(desk, id, twin, proof)
        else:
            yield _implied(desk, id, proof)


def _twins(desk: Desk, id: str, twin: str, proof: Proof) -> Finding:
    protocol = desk.protocol
    return Finding(
        id=f"redundant:{id}+{twin}",
        kind="redundant",
        severity="note",
        sentence=f"{named(protocol, id, twin)} say the same{assuming(protocol, proof.facts)}: "
        "whoever passes one passes the other. One of them could go, not both.",
        criteria=(id, twin),
        quotes=quotes_of(protocol, (id, twin)),
        facts=fact_words(protocol, proof.facts),
        no_patient=True,
    )


def _implied(desk: Desk, id: str, proof: Proof) -> Finding:
    protocol = desk.protocol
    why = f"whoever passes {named(protocol, *proof.criteria)} passes it" if proof.criteria else "everybody passes it"
    missing, record = _when_data_are_missing(desk, id, proof)
    return Finding(
        id=f"redundant:{id}",
        kind="redundant",
        severity="note",
        sentence=f"{named(protocol, id)} decides nothing{assuming(protocol, proof.facts)}: {why}. {missing}",
        criteria=(id, *proof.criteria),
        quotes=quotes_of(protocol, (id, *proof.criteria)),
        facts=fact_words(protocol, proof.facts),
        witness=record,
        no_patient=True,
    )


def _when_data_are_missing(desk: Desk, id: str, proof: Proof) -> tuple[str, dict | None]:
    """Whether the criterion decides nothing then either; if it does, a record that shows it."""

    others = [pair for other, pair in desk.pairs.items() if other != id]
    facts = [desk.facts[fact] for fact in proof.facts]
    left_open = [z3.Not(desk.pairs[id].true), *(pair.true for pair in others), *facts]
    fails_alone = [desk.pairs[id].false, *(z3.Not(pair.false) for pair in others), *facts]
    for claims, said in (
        (left_open, "a record can pass all the others and leave this one open"),
        (fails_alone, "a record can fail this one while none of the others is failed yet"),
    ):
        if not possible(desk, claims):
            continue
        record = patient(desk, claims, complete=False)
        if record is not None and agreed(desk, _decides(desk, id, record, claims is left_open), record):
            return f"With data missing it may still decide: {said}.", record
        return "Whether the same is true with data missing was not settled.", None
    return "The same is true with data missing.", None


def _decides(desk: Desk, id: str, record: dict, left_open: bool) -> bool:
    found = states(desk, record)
    mine = found.pop(id)
    return mine is not True and all(found.values()) if left_open else mine is False and False not in found.values()
