"""Criteria that decide nothing because others have decided already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..language import Value
from .finding import COMPLETE, EVERYBODY, Finding, assuming, finding_for, named
from .idle import Idle, idle, with_data_missing
from .prover import Prover, each


def idle_criteria(prover: Prover) -> dict[str, Idle]:
    """The criteria that could be left out, by id, each alone."""
    found = {}
    for id in each(prover, "whether {} can be left out", {id: id for id in prover.truths}):
        if (proof := idle(prover, id, Value(True))) is not None:
            found[id] = proof
    return found


def redundant(prover: Prover, found: Mapping[str, Idle]) -> Iterator[Finding]:
    """Criteria that the others imply, and whether they still do when data are missing.

    Args:
        prover: from `prover`.
        found: from `idle_criteria`.
    """
    told = set()
    for id, proof in found.items():
        twin = proof.passing[0] if len(proof.passing) == 1 else ""
        if id in told:
            continue
        if twin in found and (found[twin].passing, found[twin].facts) == ((id,), proof.facts):
            told.add(twin)
            yield _twins(prover, proof, found[twin])
        else:
            yield _implied(prover, proof)


def _twins(prover: Prover, one: Idle, other: Idle) -> Finding:
    protocol, ids = prover.protocol, (one.id, other.id)
    differs = next((each for each in (one, other) if not each.everybody), None)
    missing, record = with_data_missing(prover, differs, differs.id) if differs else ("", None)
    sentence = (
        f"{named(protocol, *ids)} say the same{_where(not differs)}{assuming(protocol, one.facts)}: "
        f"whoever passes one passes the other. One of them could go, not both. {missing}"
    )
    whom = COMPLETE if differs else EVERYBODY
    return finding_for(protocol, "redundant", "+".join(ids), sentence.rstrip(), ids, one.facts, whom, witness=record)


def _implied(prover: Prover, proof: Idle) -> Finding:
    protocol = prover.protocol
    why = f"whoever passes {named(protocol, *proof.passing)} passes it" if proof.passing else "everybody passes it"
    missing, record = "The same is true with data missing.", None
    if not proof.everybody:
        missing, record = with_data_missing(prover, proof)
    return finding_for(
        protocol,
        "redundant",
        proof.id,
        f"{named(protocol, proof.id)} decides nothing{_where(proof.everybody)}{assuming(protocol, proof.facts)}: "
        f"{why}. {missing}",
        (proof.id, *proof.others),
        proof.facts,
        proven_for=EVERYBODY if proof.everybody else COMPLETE,
        witness=record,
    )


def _where(everybody: bool) -> str:
    return "" if everybody else " where everything is known"
