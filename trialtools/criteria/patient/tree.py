"""A protocol and one patient go in, the steps of every criterion come out: state, value and words of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, get_args

from ..language import definite, evaluate, words
from ..language.formula import And, AtLeast, Formula, Name, Not, Or, Value, names
from ..protocol import Field, ProtocolData, Question

State = Literal["pass", "fail", "unknown"]
Decision = Literal["eligible", "ineligible", "undetermined"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)


@dataclass(frozen=True)
class Node:
    """One step of a criterion.

    `state` is what the step means for the criterion: under an exclusion, or a `not`, what holds counts as fail.
    `value` is what is known of the patient (of a single step), `words` what the step asks for, `deciding` whether the
    criterion's state rests on it.
    """

    state: State
    value: str
    words: str
    deciding: bool = True
    children: tuple[Node, ...] = ()

    @property
    def text(self) -> str:
        """Of a single step what is known and, unless it is as it should be, what was asked for."""
        if self.children:
            return self.words
        plain = self.state == "pass" and self.words in ("needed: yes", "needed: no")
        return self.value if plain or not self.words else f"{self.value} ({self.words})"


@dataclass(frozen=True)
class Record:
    """A patient as recorded, and as the protocol reads the record."""

    protocol: ProtocolData
    patient: Mapping[str, Any]
    facts: Mapping[str, Any]


def decide(states: Iterable[State]) -> Decision:
    """The decision that the states of all criteria make."""
    states = list(states)
    if "fail" in states:
        return "ineligible"
    return "undetermined" if "unknown" in states else "eligible"


def decision(protocol: ProtocolData, patient: Mapping[str, Any]) -> Decision:
    """The decision about a patient."""
    return decide(state_by_criterion(protocol, protocol.facts_of(patient)).values())


def state_by_criterion(protocol: ProtocolData, facts: Mapping[str, Any]) -> dict[str, State]:
    """The state of every criterion, from what `Protocol.facts_of` makes of a patient."""
    return {id: _state(evaluate(formula, facts)) for id, formula in protocol.requirements.items()}


def _state(value: bool | None) -> State:
    return "unknown" if value is None else "pass" if value else "fail"


# --- the steps --------------------------------------------------------------------------------------------------------


def tree(record: Record, formula: Formula, wanted: bool = True) -> Node:
    """The steps of a formula that should come out as `wanted`; a `not` is no step, it turns what is wanted round."""
    if isinstance(formula, Not):
        return tree(record, formula.item, not wanted)
    value = evaluate(formula, record.facts)
    state = _state(value if wanted or value is None else not value)
    if isinstance(formula, And | Or | AtLeast):
        children = tuple(tree(record, item, wanted) for item in formula.items)
        # the three-valued state of the whole is that of each child it rests on
        marked = tuple(child if child.state == state else _idle(child) for child in children)
        return Node(state, "", _heading(formula, wanted), children=marked)
    facts = "the same for everybody" if isinstance(formula, Value) else _values(record, names(formula))
    return Node(state, facts, _need(record.protocol.fields, formula, wanted))


def leaves(node: Node) -> Iterator[Node]:
    """The single steps that decide a node."""
    if not node.children:
        yield node
    for child in node.children:
        if child.deciding:
            yield from leaves(child)


def _idle(node: Node) -> Node:
    """A step that does not decide, with all below it."""
    return replace(node, deciding=False, children=tuple(_idle(child) for child in node.children))


def _heading(formula: And | Or | AtLeast, wanted: bool) -> str:
    """How many of the steps have to come out well; a step that is excluded comes out well where it does not hold."""
    total = len(formula.items)
    n = formula.n if wanted else total - formula.n + 1
    return "all of these" if n == total else "one of these" if n == 1 else f"{n} of these {total}"


def _need(fields: Mapping[str, Field], formula: Formula, wanted: bool) -> str:
    """What a single step asks for, without the label that stands before it already."""
    if isinstance(formula, Name):
        return f"needed: {fields[formula.name].write(wanted)}"
    need = words(formula, fields)
    (label, *more) = [fields[name].label for name in names(formula)] or [""]
    if not more and label.lower() in need.lower():
        need = need[need.lower().index(label.lower()) + len(label) :].strip(", ").removeprefix("is ")
    return f"{'needed' if wanted else 'excluded'}: {need}"


# --- what is on record ------------------------------------------------------------------------------------------------


def notes(record: Record) -> Iterator[str]:
    """What in the record cannot be as it stands: impossible values, flags that cannot apply, broken facts."""
    for name, field in record.protocol.fields.items():
        value = definite(record.patient.get(name))
        if value is not None and field.possible(value) is None:
            yield f"{field.label}: {_outside(field, value)}."
        elif value is True and record.facts[name] is False:
            yield f"{field.label} is recorded as yes but does not apply ({_why_not(record, name)}); read as no."
        elif name in record.protocol.derivations and record.protocol.differs(name, value, record.facts):
            worked = field.write(record.protocol.work_out(name, record.facts))
            sentence = f"{field.label} is recorded as {field.write(value)}, but {worked} is what follows from"
            yield f"{sentence} {_parts(record, name)}; what is recorded is taken."
    for fact in record.protocol.facts:
        formula = record.protocol.fact_formulas[fact.id]
        if evaluate(formula, record.facts) is False:
            yield f"The record contradicts {fact.id} ({fact.says}): {_values(record, names(formula))}."


def _values(record: Record, about: Iterable[str]) -> str:
    return " · ".join(_value(record, name) for name in about)


def _value(record: Record, name: str) -> str:
    """`Respiratory rate at rest 22/min`, with what makes a recorded value unreadable."""
    field, value, fact = record.protocol.fields[name], definite(record.patient.get(name)), record.facts[name]
    if isinstance(field, Question):  # its label stands above already, for it is the criterion's
        return f"answered: {field.write(fact)}" if fact is not None else "not answered"
    if fact is False and value is not False and name in record.protocol.applies and _absent(record, name):
        return f"{field.label}: does not apply ({_why_not(record, name)})"
    if name in record.protocol.derivations and field.possible(value) is None:
        how = "worked out" if fact is not None else "to be worked out"
        return f"{field.label}{_joint(field, fact)}{field.write(fact)} ({how} from {_parts(record, name)})"
    if fact is None and value is not None:
        return f"{field.label}: {_outside(field, value)}"
    return f"{field.label}{_joint(field, fact)}{field.write(fact)}"


def _joint(field: Field, fact: Any) -> str:
    return " " if field.type in ("number", "integer", "date") and fact is not None else ": "


def _parts(record: Record, name: str) -> str:
    """What a fact is worked out from, with its values."""
    return ", ".join(_value(record, part) for part in names(record.protocol.derivations[name]))


def _absent(record: Record, name: str) -> bool:
    return evaluate(record.protocol.applies[name], record.facts) is False


def _outside(field: Field, value: Any) -> str:
    low, high = field.limits
    bounds = f"{low} to {high}" if isinstance(low, date) else f"{low:.15g} to {high:.15g}"
    return f"{field.write(value, unit=False)} is outside {bounds}, read as not known"


def _why_not(record: Record, name: str) -> str:
    return _values(record, names(record.protocol.applies[name]))
