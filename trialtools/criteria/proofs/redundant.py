"""Criteria that decide nothing because others have decided already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..language import Value
from .finding import Finding, titles
from .idle import Idle, idle, idle_finding
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
    done = set()
    for id, proof in found.items():
        twin = proof.passing[0] if len(proof.passing) == 1 else ""
        if id in done:
            continue
        if twin in found and (found[twin].passing, found[twin].facts) == ((id,), proof.facts):
            done.add(twin)
            yield _twins(prover, proof, found[twin])
        else:
            yield _redundancy(prover, proof)


def _twins(prover: Prover, *twins: Idle) -> Finding:
    ids = [proof.id for proof in twins]
    why = "whoever passes one passes the other. One of them could go, not both"
    return idle_finding(
        prover, "redundant", "+".join(ids), f"{titles(prover.protocol, *ids)} say the same", why, *twins
    )


def _redundancy(prover: Prover, proof: Idle) -> Finding:
    others = f"whoever passes {titles(prover.protocol, *proof.passing)}" if proof.passing else "everybody"
    claim = f"{titles(prover.protocol, proof.id)} decides nothing"
    return idle_finding(prover, "redundant", proof.id, claim, f"{others} passes it", proof)
