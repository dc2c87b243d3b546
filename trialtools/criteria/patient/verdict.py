"""A protocol and one patient go in, the verdict tree comes out: state, value and words of every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from ..language import And, AtLeast, Formula, Name, Not, Or, Value, definite, evaluate, names, parse, words
from ..protocol import Criterion, Field, ProtocolData, possible
from .wording import shown

State = Literal["pass", "fail", "unknown"]
Decision = Literal["eligible", "ineligible", "undetermined"]


@dataclass(frozen=True)
class Node:
    """One step of a criterion.

    `state` is what the step means for the criterion: under an exclusion, or a `not`, what holds counts as fail.
    `value` is what is known of the patient (of a single step), `words` what the step asks for, `fields` which facts it
    asks about, `deciding` whether the criterion's state rests on it.
    """

    state: State
    value: str
    words: str
    fields: tuple[str, ...] = ()
    deciding: bool = True
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What one criterion says of the patient, the sentence it comes from, and how and why it is read so."""

    id: str
    kind: Literal["inclusion", "exclusion"]
    label: str
    state: State
    quotes: tuple[str, ...]
    reading: str
    words: str
    tree: Node
    why: str | None = None
    known_later: str | None = None
    judgement: bool = False


@dataclass(frozen=True)
class Explanation:
    """The decision about one patient and its reasons. `notes` tells what in the record cannot be as it stands."""

    protocol: str
    patient: str
    decision: Decision
    criteria: tuple[Verdict, ...]
    awaiting_judgement: bool = False
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many criteria pass, fail and are unknown."""
        return {state: sum(v.state == state for v in self.criteria) for state in ("pass", "fail", "unknown")}

    def text(self, full: bool = False) -> str:
        """The verdict as plain text: what fails, then what is unknown, then what passes.

        Args:
            full: every branch and every quote, not only what decides.
        """
        from .render import as_text

        return as_text(self, full)

    def html(self) -> str:
        """The verdict as one piece of HTML that needs nothing else: a fold for each criterion, no script."""
        from .render import as_html

        return as_html(self)

    def dict(self) -> dict[str, Any]:
        """The verdict as plain data, ready for JSON."""
        from .render import as_dict

        return as_dict(self)

    def _repr_html_(self) -> str:
        return self.html()


def explain(protocol: ProtocolData, patient: Mapping[str, Any]) -> Explanation:
    """Why a patient is eligible, ineligible or undetermined: a verdict tree from the decision down to the values.

    What is unknown stays unknown on every step it touches. Impossible values are read as unknown, and flags that do
    not apply as false; both are said where they matter.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name, `patient_id` if there is one; a missing name is unknown.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> from trialtools.criteria.contents import load_protocol
    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml")
    >>> verdict = explain(protocol, {"age": 71, "respiratory_rate": 31})
    >>> verdict.decision, verdict.counts
    ('ineligible', {'pass': 2, 'fail': 1, 'unknown': 15})
    >>> print(verdict.criteria[5].tree.value)
    Respiratory rate at rest 31/min

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    facts = protocol.facts_of(patient)
    seen = _Seen(protocol, patient, facts)
    criteria = tuple(_verdict(seen, criterion) for criterion in protocol.criteria)
    open_ = [verdict for verdict in criteria if verdict.state == "unknown"]
    decision = decide(verdict.state for verdict in criteria)
    awaiting = decision == "undetermined" and all(verdict.judgement for verdict in open_)
    named = str(patient.get("patient_id") or "")
    return Explanation(protocol.id, named, decision, criteria, awaiting, tuple(_notes(seen)))


def decide(states: Iterable[State]) -> Decision:
    """The decision that the states of all criteria make."""
    states = list(states)
    if "fail" in states:
        return "ineligible"
    return "undetermined" if "unknown" in states else "eligible"


def state_of(value: bool | None) -> State:
    """The state of a criterion whose requirement has this value."""
    return "unknown" if value is None else "pass" if value else "fail"


def states(protocol: ProtocolData, facts: Mapping[str, Any]) -> dict[str, State]:
    """The state of every criterion, from what `Protocol.facts_of` makes of a patient."""
    return {id: state_of(evaluate(formula, facts)) for id, formula in protocol.requirements.items()}


# --- the tree ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """A patient as recorded, and as the protocol reads the record."""

    protocol: ProtocolData
    patient: Mapping[str, Any]
    facts: Mapping[str, Any]


def _verdict(seen: _Seen, criterion: Criterion) -> Verdict:
    formula = seen.protocol.requirements[criterion.id]
    tree = _tree(seen, formula)
    asked = formula.item if criterion.kind == "exclusion" and isinstance(formula, Not) else formula
    said = words(asked, seen.protocol.fields)
    return Verdict(
        criterion.id,
        criterion.kind,
        criterion.label,
        tree.state,
        criterion.quotes,
        seen.protocol.reading(criterion.id),
        said,
        tree,
        criterion.why,
        criterion.known_later,
        criterion.id in seen.protocol.judgements,
    )


def _tree(seen: _Seen, formula: Formula, wanted: bool = True) -> Node:
    """The steps of a formula that should come out as `wanted`; a `not` is no step, it turns what is wanted round."""
    if isinstance(formula, Not):
        return _tree(seen, formula.item, not wanted)
    value = evaluate(formula, seen.facts)
    state = state_of(value if wanted or value is None else not value)
    if isinstance(formula, And | Or | AtLeast):
        children = tuple(_tree(seen, item, wanted) for item in formula.items)
        # the three-valued state of the whole is that of each child it rests on
        marked = tuple(child if child.state == state else _beside(child) for child in children)
        return Node(state, "", _heading(formula, wanted), children=marked)
    return Node(state, _leaf(seen, formula), _asked(seen, formula, wanted), names(formula))


def leaves(node: Node, full: bool = False) -> Iterator[Node]:
    """The single steps that decide a node; with `full` all of them."""
    if not node.children:
        yield node
    for child in node.children:
        if full or child.deciding:
            yield from leaves(child, full)


def _beside(node: Node) -> Node:
    return replace(node, deciding=False, children=tuple(_beside(child) for child in node.children))


def _heading(formula: And | Or | AtLeast, wanted: bool) -> str:
    """How many of the steps have to come out well; a step that is excluded comes out well where it does not hold."""
    total = len(formula.items)
    n = total if isinstance(formula, And) else 1 if isinstance(formula, Or) else formula.n
    n = n if wanted else total - n + 1
    return "all of these" if n == total else "one of these" if n == 1 else f"{n} of these {total}"


def _asked(seen: _Seen, formula: Formula, wanted: bool) -> str:
    """What a single step asks for, without the label that stands before it already."""
    if isinstance(formula, Name):
        return f"needed: {shown(seen.protocol.fields[formula.name], wanted)}"
    asked = words(formula, seen.protocol.fields)
    (label, *more) = [seen.protocol.fields[name].label for name in names(formula)] or [""]
    if not more and label.lower() in asked.lower():
        asked = asked[asked.lower().index(label.lower()) + len(label) :].strip(", ").removeprefix("is ")
    return f"{'needed' if wanted else 'excluded'}: {asked}"


def _leaf(seen: _Seen, formula: Formula) -> str:
    if isinstance(formula, Value):
        return "the same for everybody"
    return " · ".join(_value(seen, name) for name in names(formula))


def _value(seen: _Seen, name: str) -> str:
    """`Respiratory rate at rest 22/min`, with what makes a recorded value unreadable."""
    field, recorded, fact = seen.protocol.fields[name], definite(seen.patient.get(name)), seen.facts[name]
    if fact is not None and recorded != fact:
        return f"{field.label}: does not apply ({_why_not(seen, name)})"
    if fact is None and recorded is not None:
        return f"{field.label}: {_outside(field, recorded)}"
    joined = " " if field.type in ("number", "integer", "date") and fact is not None else ": "
    return f"{field.label}{joined}{shown(field, fact)}"


def _outside(field: Field, recorded: Any) -> str:
    low, high = field.limits
    bounds = f"{low:g} to {high:g}" if not isinstance(low, date) else f"{low} to {high}"
    value = f"{recorded:.15g}" if isinstance(recorded, float) else recorded
    return f"{value} is outside {bounds}, read as not known"


def _why_not(seen: _Seen, name: str) -> str:
    causes = names(seen.protocol.applies[name])
    return " · ".join(_value(seen, cause) for cause in causes)


def _notes(seen: _Seen) -> Iterable[str]:
    """What in the record cannot be as it stands: impossible values, flags that cannot apply, broken facts."""
    for name, field in seen.protocol.fields.items():
        recorded = definite(seen.patient.get(name))
        if recorded is not None and possible(field, recorded) is None:
            yield f"{field.label}: {_outside(field, recorded)}."
        elif recorded is True and seen.facts[name] is False:
            yield f"{field.label} is recorded as yes but does not apply ({_why_not(seen, name)}); read as no."
    for fact in seen.protocol.facts:
        formula = parse(fact.formula, seen.protocol.fields)
        if evaluate(formula, seen.facts) is False:
            told = " · ".join(_value(seen, name) for name in names(formula))
            yield f"The record contradicts {fact.id} ({fact.says}): {told}."
