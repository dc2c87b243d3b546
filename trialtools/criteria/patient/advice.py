"""A protocol and one patient go in; what would settle the decision comes out, and the nearest eligible patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ..language import Compare, Formula, Not, names, words
from ..protocol import Field, ProtocolData
from .cells import WHOLE_RANGE, Cell, distance, unrank, whole
from .options import record_of
from .tree import Decision, decide, state_by_criterion
from .ways import FALSE, Question, TooHard, Ways

Way = tuple[int, tuple[tuple[Formula, bool], ...]]
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Answer:
    """One fact to find out, and what it would have to be: values that will do, or how it compares with other facts."""

    field: str
    label: str
    needed: str
    judgement: bool = False


@dataclass(frozen=True)
class ItemSet:
    """Facts that together would settle the decision, cheapest first, and what finding them out costs."""

    answers: tuple[Answer, ...]
    cost: int

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the facts."""
        return tuple(answer.field for answer in self.answers)


@dataclass(frozen=True)
class OpenItems:
    """What would settle an undetermined decision; empty where it is settled.

    `to_eligible` and `to_ineligible` hold sets of facts, cheapest first. `set_aside` names declared facts that the
    record contradicts, and `complete` is false where the search was cut short.
    """

    decision: Decision
    to_eligible: tuple[ItemSet, ...] = ()
    to_ineligible: tuple[ItemSet, ...] = ()
    set_aside: tuple[str, ...] = ()
    complete: bool = True

    @property
    def to_settle(self) -> tuple[Answer, ...]:
        """What to find out next: all that is needed to become eligible, else the cheapest that ends it."""
        return tuple(answer for answer in self._next if not answer.judgement)

    @property
    def judgements(self) -> tuple[Answer, ...]:
        """What only a person can say, of the same set."""
        return tuple(answer for answer in self._next if answer.judgement)

    @property
    def _next(self) -> tuple[Answer, ...]:
        sets = (*self.to_eligible, *self.to_ineligible)
        return sets[0].answers if sets else ()

    def text(self) -> str:
        """What to find out, in a few lines."""
        if self.decision != "undetermined":
            return f"Nothing is open: {self.decision}."
        lines = _listing("To settle", self.to_settle)
        if not self.to_eligible and self.complete:
            lines.insert(0, "Nothing that is still unknown can make this patient eligible.")
        lines += _listing("Judgement still needed", self.judgements)
        single = [items.answers[0] for items in self.to_ineligible if len(items.answers) == 1]
        if single:
            lines.append("One answer would end it: " + "; ".join(f"{a.label}: {a.needed}" for a in single))
        if not self.complete:
            lines.append("There may be more: the search was cut short.")
        return "\n".join(lines)


@dataclass(frozen=True)
class Change:
    """A known fact that would have to change, and what to."""

    field: str
    label: str
    before: Any
    after: Any
    words: str


@dataclass(frozen=True)
class Block:
    """What stands in the way: criteria that cannot be met together, with the facts, declared and known, that bar them.

    No part of it would stand in the way alone.
    """

    criteria: tuple[str, ...]
    declared: tuple[str, ...]
    known: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Nearest:
    """The nearest eligible patient: what would change, and what is unknown and would have to be so.

    `possible` is false where no permitted change helps (`blocks` then say why), and None where the search was given
    up. `distance` adds up the changes, each as a part of its range. `patient` is the record after the changes, with
    values that will do for what is unknown.
    """

    possible: bool | None
    changes: tuple[Change, ...] = ()
    unknown: tuple[Answer, ...] = ()
    distance: float = 0.0
    patient: dict[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    def text(self) -> str:
        """The change in one line and what would have to be so in another, or what stands in the way."""
        if self.possible is None:
            return "No answer: the question was too hard for the search."
        if not self.possible:
            blocks = [f"  {block.words}" for block in self.blocks]
            return "\n".join(["No permitted change makes this patient eligible:", *blocks])
        if not self.changes and not self.unknown:
            return "No change is needed."
        changed = "; ".join(f"{change.label} {change.words}" for change in self.changes)
        lines = [f"Nearest change: {changed}" if changed else "Nothing known has to change."]
        if self.unknown:
            lines.append("What is not known would have to be so:")
            lines += [f"  - {a.label}: {a.needed}" for a in self.unknown]
        return "\n".join(lines)


def open_items(protocol: ProtocolData, patient: Mapping[str, Any], limit: int = 5) -> OpenItems:
    """The smallest sets of unknown facts whose answers could settle an undetermined decision, cheapest first.

    A set of unknown facts is in `to_eligible` if there are possible answers to just these facts after which every
    criterion passes, and to no part of them; in `to_ineligible` if there are answers after which one criterion fails,
    and to no part of them. What else is unknown stays so: the decision no longer depends on it. Answers are possible
    when they are in range, fit `applies`, and some completion of the record breaks no declared fact.

    Cheapest means the least sum of `Field.cost`, then the fewest facts, then the order of the protocol.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name; a missing name is unknown.
        limit: how many sets of each kind.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> from trialtools.criteria.contents import read_protocol
    >>> sketch = read_protocol('''
    ... {id: S, title: S,
    ...  fields: {hb: {type: number, label: Haemoglobin}, tb: {type: flag, label: TB test, cost: 4}},
    ...  criteria: [{id: I1, kind: inclusion, label: Hb, when: hb >= 8},
    ...             {id: E1, kind: exclusion, label: TB, when: tb}]}
    ... ''')
    >>> print(open_items(sketch, {}).text())
    To settle: Haemoglobin, then TB test
    One answer would end it: Haemoglobin: below 8; TB test: yes
    """
    decision = _decision(protocol, patient)
    if decision != "undetermined":
        return OpenItems(decision)
    try:
        question = Question(protocol, record_of(protocol, patient))
        facts, set_aside = _consistent(question)
        eligible = question.cheapest([*question.passing.values(), *facts], limit)
        failing = [question.cheapest([question.ways(f, FALSE), *facts], limit) for f in question.rules.values()]
        sure = question.provable(question.passing)
        open_ = not eligible and len(sure) < len(question.passing) and question.cheapest([*sure.values(), *facts])
    except TooHard:
        return OpenItems(decision, complete=False)
    ineligible = question.minimal({box: ties for ways in failing for box, ties in ways.items()}, limit)
    complete = question.is_complete(eligible, limit) and question.is_complete(ineligible, limit) and not open_
    to_eligible = [_item_set(question, way) for way in eligible.items() if _leads_to(question, way, "eligible")]
    to_ineligible = [_item_set(question, way) for way in ineligible.items() if _leads_to(question, way, "ineligible")]
    complete = complete and len(eligible) == len(to_eligible) and len(ineligible) == len(to_ineligible)
    return OpenItems(decision, tuple(to_eligible), tuple(to_ineligible), set_aside, complete)


def _consistent(question: Question) -> tuple[list[Ways], tuple[str, ...]]:
    """The declared facts that the record does not contradict, joined where they share a field; the others' ids."""
    kept: list[Ways] = []
    aside: list[str] = []
    for id, ways in question.holding.items():
        more = question.groups([*kept, ways])
        if all(more):
            kept = more
        else:
            aside.append(id)
    return kept, tuple(aside)


def _decision(protocol: ProtocolData, patient: Mapping[str, Any]) -> Decision:
    return decide(state_by_criterion(protocol, protocol.facts_of(patient)).values())


def _leads_to(question: Question, way: Way, decision: Decision) -> bool:
    """Whether the reference evaluator says so of the patient on a way; else the way is not told."""
    return _decision(question.protocol, _patient(question, way)) == decision


def _patient(question: Question, way: Way) -> dict[str, Any]:
    """The record with values that will do for the fields that a way pays for."""
    fields = question.costly_fields(way[0])
    return {**question.known, **{name: question.cheapest_option(way[0], name).value for name in fields}}


def _item_set(question: Question, way: Way) -> ItemSet:
    fields = question.protocol.fields
    order = sorted(question.costly_fields(way[0]), key=lambda name: fields[name].cost)
    return ItemSet(tuple(_answer(question, way, name) for name in order), sum(fields[name].cost for name in order))


def _answer(question: Question, way: Way, name: str) -> Answer:
    """What a fact would have to be on one way: values that will do, or how it compares with other facts."""
    fields, (box, ties) = question.protocol.fields, way
    needed = "; ".join(words(atom if holds else _opposite(atom), fields) for atom, holds in ties if name in names(atom))
    needed = needed or _need(fields[name], [option.cell for option in question.options_left(box, name)])
    return Answer(name, fields[name].label, needed, fields[name].judged_by == "person")


def _opposite(atom: Formula) -> Formula:
    return Compare(atom.operands, (OPPOSITE[atom.operators[0]],)) if isinstance(atom, Compare) else Not(atom)


def _listing(title: str, answers: tuple[Answer, ...]) -> list[str]:
    """Two or three facts in one line, more of them as a list to tick off."""
    if len(answers) > 3:
        return [f"{title} ({len(answers)}):", *(f"  - {a.label} (needed: {a.needed})" for a in answers)]
    return [f"{title}: {', then '.join(answer.label for answer in answers)}"] if answers else []


# --- what a fact would have to be -------------------------------------------------------------------------------------


def _need(field: Field, cells: Iterable[Cell]) -> str:
    """What a fact would have to be, for the cells that will do."""
    if field.type == "flag":
        return " or ".join("yes" if first else "no" for first, _ in cells)
    if field.type == "category":
        return " or ".join(field.values[first] for first, _ in cells)
    runs: list[Cell] = []
    for first, last in sorted(cells):
        if runs and runs[-1][1] + 1 == first:
            first = runs.pop()[0]
        runs.append((first, last))
    return field.with_unit(" or ".join(_run(field, run) for run in runs))


def _run(field: Field, run: Cell) -> str:
    low, high = whole(field)
    if run == (low, high):
        return "any value"
    if run[0] == run[1]:
        return _plain(unrank(field, run[0]))
    least, most = ("on or after", "on or before") if field.type == "date" else ("at least", "at most")
    bounds = [_bound(field, run[0], -1, least, "above")] if run[0] > low else []
    bounds += [_bound(field, run[1], 1, most, "below")] if run[1] < high else []
    return " and ".join(bounds)


def _bound(field: Field, place: int, beyond: int, including: str, excluding: str) -> str:
    """`above 93` rather than `at least 93.00000000000001`: the shorter number is the one that was written."""
    here, there = _plain(unrank(field, place)), _plain(unrank(field, place + beyond))
    if field.type == "number" and len(there) < len(here):
        return f"{excluding} {there}"
    return f"{including} {here}"


def _plain(value: Any) -> str:
    """A number or a date without its unit."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# --- the nearest eligible patient -------------------------------------------------------------------------------------


def nearest_eligible(protocol: ProtocolData, patient: Mapping[str, Any]) -> Nearest:
    """The smallest permitted change of known facts that makes a patient eligible, or what stands in the way of any.

    The fewest known facts change; of these the nearest, each move measured as a part of the field's range (a flag or a
    category moves by all of it); then what is unknown is completed as cheaply as may be, and last the order of the
    protocol decides. `Field.change` is obeyed (`never`; `gain`: a flag only to yes, a number or date only up, a
    category not at all), so are `step` (moves are whole steps from the recorded value; 1 for whole numbers and dates
    and 0.1 for other numbers where none is declared), `range`, `applies` and declared facts. What is unknown may turn
    out to be anything possible; it is told apart from what would change. The reference evaluator judges the outcome.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name; a missing name is unknown.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> from trialtools.criteria.contents import read_protocol
    >>> sketch = read_protocol('''
    ... {id: S, title: S, fields: {spo2: {type: number, label: Saturation, range: [50, 100], step: 1},
    ...                            tumour: {type: flag, label: Tumour ever, change: gain}},
    ...  criteria: [{id: I1, kind: inclusion, label: SpO2, when: spo2 > 93},
    ...             {id: E1, kind: exclusion, label: Tumour, when: tumour}]}
    ... ''')
    >>> print(nearest_eligible(sketch, {"spo2": 92, "tumour": False}).text())
    Nearest change: Saturation 92 -> 94
    >>> print(nearest_eligible(sketch, {"spo2": 92, "tumour": True}).text())
    No permitted change makes this patient eligible:
      E1 (Tumour) stands in the way: Tumour ever: yes, which cannot be undone
    """
    try:
        question = Question(protocol, record_of(protocol, patient), movable=True)
        found = question.cheapest([*question.passing.values(), *question.holding.values()])
        blocks = () if found else tuple(_blocks(question))
    except TooHard:
        return Nearest(None)
    for way in found.items():
        if question.is_complete(found) and _leads_to(question, way, "eligible"):
            return _nearest(question, way)
    return Nearest(False if blocks else None, blocks=blocks)


def _nearest(question: Question, way: Way) -> Nearest:
    """What changes and what is completed on a way."""
    fields, known, after = question.protocol.fields, question.known, _patient(question, way)
    used = question.costly_fields(way[0])
    changes = tuple(_change(fields[name], name, known[name], after[name]) for name in used if name in known)
    unknown = tuple(_answer(question, way, name) for name in used if name not in known)
    far = sum(distance(fields[c.field], c.before, c.after) for c in changes) / WHOLE_RANGE
    return Nearest(True, changes, unknown, far, after)


def _change(field: Field, name: str, before: Any, after: Any) -> Change:
    if isinstance(before, int) and isinstance(after, float) and after.is_integer():
        after = int(after)
    values = field.write(before, unit=False), field.write(after, unit=False)
    return Change(name, field.label, before, after, field.with_unit(" -> ".join(values)))


def _blocks(question: Question) -> Iterator[Block]:
    """Each criterion that cannot be met by itself; where there is none, one smallest set that cannot be met at once."""
    facts, passing = question.provable(question.holding), question.provable(question.passing)
    goals = {**facts, **passing}

    def conflict(ids: Iterable[str]) -> bool:
        return question.dropped == inf and not question.cheapest(goals[id] for id in ids)

    cores = [list(facts)] if conflict(facts) else [[*facts, id] for id in passing if conflict([*facts, id])]
    for core in cores or ([list(goals)] if conflict(goals) else []):
        ids = core
        for id in core:
            without = [other for other in ids if other != id]
            ids = without if conflict(without) else ids
        criteria, declared = (tuple(id for id in ids if id in among) for among in (passing, facts))
        known = _known_in_the_way(question, ids)
        yield Block(criteria, declared, known, _block_in_words(question, criteria, declared, known))


def _known_in_the_way(question: Question, ids: list[str]) -> tuple[str, ...]:
    """The known facts without which the criteria could be met: each is left out, and stays so if they cannot."""
    protocol, kept = question.protocol, question.known
    asked = Question(protocol, kept, True, ids).options
    for name in [name for name in asked if name in kept]:
        fewer = {other: value for other, value in kept.items() if other != name}
        without = Question(protocol, fewer, True, ids)
        kept = kept if without.cheapest([*without.passing.values(), *without.holding.values()]) else fewer
    return tuple(name for name in asked if name in kept)


def _block_in_words(
    question: Question, criteria: tuple[str, ...], declared: tuple[str, ...], known: tuple[str, ...]
) -> str:
    protocol = question.protocol
    named = " and ".join(f"{id} ({protocol.criterion[id].label})" for id in criteria)
    stands = "stands in the way" if len(criteria) == 1 else "cannot be met together"
    fixed = "; ".join(_bounds_of(protocol.fields[name], question.known[name]) for name in known)
    says = {fact.id: f"{fact.id} ({fact.says})" for fact in protocol.facts}
    applies = {name: f"{field.label} applies only where {field.applies}" for name, field in protocol.fields.items()}
    premises = ", ".join(says.get(id) or applies[id] for id in declared)
    sentence = f"{named} {stands}" if named else "The record contradicts itself"
    return f"{sentence}{f': {fixed}' if fixed else ', for everybody'}{f'; given {premises}' if premises else ''}"


def _bounds_of(field: Field, value: Any) -> str:
    """A known fact and how it is bound."""
    if field.change == "never" or (field.change == "gain" and field.type == "category"):
        bound = "which never changes"
    elif field.change == "gain":
        bound = "which cannot be undone" if field.type == "flag" else "which can only grow"
    else:
        bound = f"which moves in steps of {float(field.step_size):g} within its range"
    return f"{field.label}: {field.write(value)}, {bound}"
