"""Two protocols go in; their difference comes out: in words, in patients who move, and in a proof of who is let in."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd
import polars as pl
import z3

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, evaluate, names, words

Relation = Literal["same", "wider", "narrower", "neither", "not settled"]
RELATIONS: dict[Relation, str] = {
    "same": "Both admit exactly the same patients.",
    "wider": "The second admits everybody whom the first admits, and more.",
    "narrower": "The second admits fewer: nobody whom the first would not admit.",
    "neither": "Each admits somebody whom the other does not.",
    "not settled": "Whether one admits more could not be settled.",
}


@dataclass(frozen=True)
class Difference:
    """What lies between two protocols.

    `changes` has a row for each criterion that differs: criterion, label, before, after. `relation` says what is proved
    of all possible patients, fully known; `gained` and `lost` are patients who show it. `moved` counts the patients of
    a table by decision before and after, if one was given. `asked` are the fields of the changed criteria, with labels:
    what is worth saying of a patient.
    """

    changes: pd.DataFrame
    relation: Relation
    gained: Mapping[str, Any] | None
    lost: Mapping[str, Any] | None
    moved: pd.DataFrame | None = None
    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was proved, in words."""
        return RELATIONS[self.relation]

    def __str__(self) -> str:
        rows = self.changes.to_dict("records")
        told = "{criterion} {label}\n  before: {before}\n  after:  {after}"
        lines = [told.format(**row) for row in rows]
        lines.append(self.sentence if rows or self.relation != "same" else "The protocols say the same.")
        for said, patient in (("Only the second admits", self.gained), ("Only the first admits", self.lost)):
            if patient is not None:
                lines.append(f"{said}, for example: {self._told(patient)}")
        if self.moved is not None:
            moves = [row for row in self.moved.to_dict("records") if row["before"] != row["after"]]
            lines += [f"{row['n']:,} patients: {row['before']} -> {row['after']}" for row in moves]
            lines += [] if moves else ["No patient moves."]
        return "\n".join(lines)

    def _told(self, patient: Mapping[str, Any]) -> str:
        shown = {label: patient[name] for name, label in self.asked.items() if name in patient}
        so = [label if value is True else f"{label} {value}" for label, value in shown.items() if value is not False]
        return "; ".join([*so, "and no to all else that is asked"] if len(so) < len(shown) else so)

    def _repr_html_(self) -> str:
        return f"<pre style='white-space:pre-wrap'>{html.escape(str(self))}</pre>"


def diff(first: Protocol, second: Protocol, patients: Any = None) -> Difference:
    """What changed from one protocol to another: in words, in whom it moves, and whether one admits strictly more.

    Args:
        first, second: over the same fields; each with its chosen readings.
        patients: what `read_patients` gave, or anything it reads, to count who moves.

    The proof is about patients of whom everything is known, under the declared facts of both. For the unknown, count
    the patients of a table.

    Raises:
        ProtocolError: a field that the two declare differently.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> tt.diff(protocol, protocol.amend({"I1": "18 <= age <= 75"})).relation
    'narrower'
    """

    shared = _shared(first, second)
    gained, lost = _admitted_only_by(shared, second, first), _admitted_only_by(shared, first, second)
    changes = pd.DataFrame(_changes(first, second), columns=["criterion", "label", "before", "after"])
    moved = _moved(first, second, patients) if patients is not None else None
    asked = _asked(changes["criterion"], first, second)
    return Difference(changes, _relation(gained, lost), _patient(gained), _patient(lost), moved, asked)


def _asked(changed: Iterable[str], first: Protocol, second: Protocol) -> dict[str, str]:
    """The fields that the changed criteria ask about, before or after, with their labels."""
    labels = {}
    for protocol in (first, second):
        for id in changed:
            found = names(protocol.requirements[id]) if id in protocol.criterion else ()
            labels |= {name: protocol.fields[name].label for name in found}
    return labels


def _shared(first: Protocol, second: Protocol) -> Protocol:
    """A protocol that declares the fields and facts of both."""
    for name in first.fields.keys() & second.fields.keys():
        if first.fields[name] != second.fields[name]:
            raise ProtocolError(f"the two protocols declare the field {name} differently; they cannot be compared")
    facts = {fact.formula: fact for fact in (*first.facts, *second.facts)}
    unique = tuple(replace(fact, id=f"F{n}") for n, fact in enumerate(facts.values(), 1))
    return replace(first, fields={**first.fields, **second.fields}, facts=unique)


def _changes(first: Protocol, second: Protocol) -> list[tuple[str, str, str, str]]:
    rows = []
    for id in dict.fromkeys([*first.criterion, *second.criterion]):
        before, after = (_said(protocol, id) for protocol in (first, second))
        if before != after:
            label = (second if id in second.criterion else first).criterion[id].label
            rows.append((id, label, before, after))
    return rows


def _said(protocol: Protocol, id: str) -> str:
    if id not in protocol.criterion:
        return "no such criterion"
    said = words(protocol.formula(id), protocol.fields)
    return f"excluded: {said}" if protocol.criterion[id].kind == "exclusion" else said


def _admitted_only_by(shared: Protocol, one: Protocol, other: Protocol) -> dict[str, Any] | Literal["open"] | None:
    """A fully known patient whom one admits and the other does not; None if there is none; "open" if not settled."""

    from ..criteria.proofs import encode, on_step, pair, solver, witness

    logic = encode(shared, complete=True)
    admitted = [pair(logic, formula).true for formula in one.requirements.values()]
    refused = [pair(logic, formula).true for formula in other.requirements.values()]
    asked = solver(logic)
    asked.add(*logic.facts.values(), *admitted, z3.Not(z3.And(*refused)))
    asked.push()
    asked.add(*on_step(logic))
    answer = asked.check()
    if answer != z3.sat:
        asked.pop()
        answer = asked.check()
    if answer != z3.sat:
        return None if answer == z3.unsat else "open"
    patient = witness(logic, asked.model())
    borne_out = _admits(one, patient) and not _admits(other, patient)
    return patient if borne_out else "open"


def _admits(protocol: Protocol, patient: Mapping[str, Any]) -> bool:
    facts = protocol.facts_of({name: value for name, value in patient.items() if name in protocol.fields})
    return all(evaluate(formula, facts) is True for formula in protocol.requirements.values())


def _relation(gained: Any, lost: Any) -> Relation:
    if isinstance(gained, dict) and isinstance(lost, dict):
        return "neither"
    if "open" in (gained, lost):
        return "not settled"
    return "wider" if gained else "narrower" if lost else "same"


def _patient(found: Any) -> dict[str, Any] | None:
    return found if isinstance(found, dict) else None


def _moved(first: Protocol, second: Protocol, patients: Any) -> pd.DataFrame:
    """How many patients have which decision under each: before, after, n."""

    from .rows import decisions
    from .screening import screen
    from .sources import Patients, read_patients

    table = patients if isinstance(patients, Patients) else read_patients(patients, _shared(first, second))
    before = decisions(screen(first, table)).select("patient_id", pl.col("decision").alias("before"))
    after = decisions(screen(second, table)).select("patient_id", pl.col("decision").alias("after"))
    both = before.join(after, on="patient_id")
    return both.group_by("before", "after").len("n").sort("before", "after").collect().to_pandas()
