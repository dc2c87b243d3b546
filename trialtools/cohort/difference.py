"""Two protocols go in; their difference comes out: in words, in patients who move, and in a proof of who is let in."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import pandas as pd
import polars as pl
import z3

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, names, words
from ..criteria.patient.tree import Decision, decision
from ..criteria.proofs.finding import facts_clause, proviso
from ..criteria.proofs.prover import Proof, Prover, prover_for
from ..criteria.stage import expect
from .rows import decisions
from .screening import screen
from .sources import read_patients

_Relation = Literal["same", "same admitted", "wider", "narrower", "neither", "not settled"]
_RELATIONS: dict[_Relation, str] = {
    "same": "Both decide the same about every possible patient",
    "same admitted": "Both admit exactly the same patients; of some with data missing, only one says that they are out",
    "wider": "The second admits everybody whom the first admits, and more",
    "narrower": "The second admits fewer: nobody whom the first would not admit",
    "neither": "Each admits somebody whom the other does not",
    "not settled": "Whether one admits more could not be settled",
}


@dataclass(frozen=True)
class Difference:
    """What lies between two protocols.

    `changes` has a row for each criterion that differs: criterion, label, before, after. `relation` says what is proved
    of all possible patients, whatever is missing of them; `premises` says what it rests on, if on anything: declared
    facts, exact sums. `gained` and `lost` are patients who show it, admitted by one only; `turned` is one whom neither
    admits and only one rules out. `moved` counts the patients of a table by decision before and after, if one was
    given. `labels` are the fields of the changed criteria, with labels: what is worth saying of a patient.
    """

    changes: pd.DataFrame
    relation: _Relation
    gained: Mapping[str, Any] | None
    lost: Mapping[str, Any] | None
    turned: Mapping[str, Any] | None = None
    premises: str = ""
    moved: pd.DataFrame | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was proved, in words."""
        return f"{_RELATIONS[self.relation]}{self.premises}."

    def __repr__(self) -> str:
        n = len(self.changes)
        return f"{n} criteri{'on' if n == 1 else 'a'} changed: {self.sentence}"

    def __str__(self) -> str:
        rows = self.changes.to_dict("records")
        change = "{criterion} {label}\n  before: {before}\n  after:  {after}"
        lines = [change.format(**row) for row in rows]
        lines.append(self.sentence if rows or self.relation != "same" else "The protocols say the same.")
        shown = {
            "Only the second admits": self.gained,
            "Only the first admits": self.lost,
            "Only one rules out": self.turned,
        }
        lines += [
            f"{text}, for example: {self._card(patient)}" for text, patient in shown.items() if patient is not None
        ]
        if self.moved is not None:
            moves = [row for row in self.moved.to_dict("records") if row["before"] != row["after"]]
            lines += [f"{row['n']:,} patients: {row['before']} -> {row['after']}" for row in moves]
            lines += [] if moves else ["No patient moves."]
        return "\n".join(lines)

    def _card(self, patient: Mapping[str, Any]) -> str:
        values = {label: patient.get(name) for name, label in self.labels.items()}
        known = {label: value for label, value in values.items() if value is not None}
        parts = [label if value is True else f"{label} {value}" for label, value in known.items() if value is not False]
        parts += ["no to all else that is known"] * (len(parts) < len(known))
        return "; ".join([*parts, *(f"not known: {label}" for label in values if label not in known)])

    def _repr_html_(self) -> str:
        return f"<pre style='white-space:pre-wrap'>{html.escape(str(self))}</pre>"


def diff(first: Protocol, second: Protocol, patients: Any = None) -> Difference:
    """What changed from one protocol to another: in words, in whom it moves, and whether one admits strictly more.

    What is proved is proved of every possible patient, with values missing or not. The sentence says where it holds
    only as long as a declared fact does, if sums are exact, or if no value is known only in part. Admitted is who is
    eligible for certain.

    Args:
        first, second: over the same fields; each with its chosen readings.
        patients: what `read_patients` gave, or anything it reads, to count who moves.

    Raises:
        ProtocolError: a field that the two declare differently.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> tt.diff(protocol, protocol.amend({"I1": "18 <= age <= 75"})).relation
    'narrower'
    """

    for protocol in (first, second):
        expect(protocol, Protocol, "tt.diff(first, second)")
    changes = pd.DataFrame(_changes(first, second), columns=["criterion", "label", "before", "after"])
    moved = _moves(first, second, patients) if patients is not None else None
    labels = _fields_of(changes["criterion"], first, second)
    return Difference(changes, **_proof(first, second), moved=moved, labels=labels)


def _proof(first: Protocol, second: Protocol) -> dict[str, Any]:
    """The relation of two protocols, what it rests on, and the patients who show it."""
    shared = _union(first, second)
    prover = prover_for(shared)
    if prover.impossible(prover.facts.values()):
        prover = replace(prover, facts={})  # under facts that cannot all be true, anything could be proved
    (in_first, out_first), (in_second, out_second) = (_verdicts(prover, protocol) for protocol in (first, second))
    settle = partial(_settle, prover, first, second)
    gained = settle(z3.And(in_second, z3.Not(in_first)), lambda before, after: after == "eligible" != before)
    lost = settle(z3.And(in_first, z3.Not(in_second)), lambda before, after: before == "eligible" != after)
    turned = None
    if isinstance(gained, Proof) and isinstance(lost, Proof):
        turned = settle(out_first != out_second, lambda before, after: before != after)
    proofs = [each for each in (gained, lost, turned) if isinstance(each, Proof)]
    facts = [id for id in prover.facts if any(id in proof.facts for proof in proofs)]
    sums = proviso([*first.requirements.values(), *second.requirements.values()], whole=True) if proofs else ""
    witnesses = {"gained": gained, "lost": lost, "turned": turned}
    shown = {name: None if isinstance(each, Proof) else each for name, each in witnesses.items()}
    return {"relation": _relation(gained, lost, turned), "premises": facts_clause(shared, facts) + sums, **shown}


def _verdicts(prover: Prover, protocol: Protocol) -> tuple[Any, Any]:
    """That a patient is eligible, and that a patient is ineligible."""
    truths = [prover.truth(rule) for rule in protocol.requirements.values()]
    return z3.And(*(truth.true for truth in truths)), z3.Or(*(truth.false for truth in truths))


def _settle(
    prover: Prover, first: Protocol, second: Protocol, claim: Any, judge: Callable[[Decision, Decision], bool]
) -> dict[str, Any] | Proof | None:
    """A patient for whom a claim holds, as complete as possible; or the proof that there is none; or None."""

    def confirms(record: dict[str, Any]) -> bool:
        decided: list[Decision] = []
        for protocol in (first, second):
            decided.append(decision(protocol, {k: v for k, v in record.items() if k in protocol.fields}))
        return judge(*decided)

    proof = prover.unsat_core([claim], {})
    if proof is not None:
        return proof
    record = prover.patient([claim, *prover.facts.values()], confirms, prover.logic.known.values())
    facts = prover.protocol.facts_of(record or {})
    return {name: value for name, value in facts.items() if value is not None} if record is not None else None


def _relation(gained: Any, lost: Any, turned: Any) -> _Relation:
    if isinstance(gained, dict) and isinstance(lost, dict):
        return "neither"
    if gained is None or lost is None:
        return "not settled"
    if isinstance(gained, dict) or isinstance(lost, dict):
        return "wider" if isinstance(gained, dict) else "narrower"
    return "same" if isinstance(turned, Proof) else "not settled" if turned is None else "same admitted"


def _fields_of(changed: Iterable[str], first: Protocol, second: Protocol) -> dict[str, str]:
    """The fields that the changed criteria ask about, before or after, with their labels."""
    labels = {}
    for protocol in (first, second):
        for id in changed:
            names_of = names(protocol.requirements[id]) if id in protocol.criterion else ()
            labels |= {name: protocol.fields[name].label for name in names_of}
    return labels


def _union(first: Protocol, second: Protocol) -> Protocol:
    """A protocol that declares the fields and facts of both."""
    for name in first.fields.keys() & second.fields.keys():
        if first.fields[name] != second.fields[name]:
            raise ProtocolError(f"the two protocols declare the field {name} differently; they cannot be compared")
    facts = {fact.formula: fact for fact in (*first.facts, *second.facts)}
    if len({fact.id for fact in facts.values()}) < len(facts):
        facts = {formula: replace(fact, id=f"F{n}") for n, (formula, fact) in enumerate(facts.items(), 1)}
    return replace(first, fields={**first.fields, **second.fields}, facts=tuple(facts.values()))


def _changes(first: Protocol, second: Protocol) -> list[tuple[str, str, str, str]]:
    rows = []
    for id in dict.fromkeys([*first.criterion, *second.criterion]):
        before, after = (_requirement_words(protocol, id) for protocol in (first, second))
        if before != after:
            label = (second if id in second.criterion else first).criterion[id].label
            rows.append((id, label, before, after))
    return rows


def _requirement_words(protocol: Protocol, id: str) -> str:
    if id not in protocol.criterion:
        return "no such criterion"
    sentence = words(protocol.formula(id), protocol.fields)
    return f"excluded: {sentence}" if protocol.criterion[id].kind == "exclusion" else sentence


def _moves(first: Protocol, second: Protocol, patients: Any) -> pd.DataFrame:
    """How many patients have which decision under each: before, after, n."""
    table = read_patients(patients, _union(first, second))
    before = decisions(screen(first, table)).select("patient_id", pl.col("decision").alias("before"))
    after = decisions(screen(second, table)).select("patient_id", pl.col("decision").alias("after"))
    both = before.join(after, on="patient_id")
    return both.group_by("before", "after").len("n").sort("before", "after").collect().to_pandas()
