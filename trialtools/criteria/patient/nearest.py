"""A protocol and a patient go in; the smallest change that makes the patient eligible comes out, or why none does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..language import Interval
from ..protocol import Field, ProtocolData
from .items import Answer, answer_on
from .options import record_of
from .tree import decision
from .ways import Search, TooHard, Ways


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
    up. `patient` is the record after the changes, with values that will do for what is unknown.
    """

    possible: bool | None
    changes: tuple[Change, ...] = ()
    unknown: tuple[Answer, ...] = ()
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


def nearest_eligible(protocol: ProtocolData, patient: Mapping[str, Any]) -> Nearest:
    """The smallest permitted change of known facts that makes a patient eligible, or what stands in the way of any.

    The fewest known facts change; of these the nearest, each move measured as a part of the field's range (a flag or a
    category moves by all of it); then what is unknown is completed as cheaply as may be, and last the order of the
    protocol decides. Of fields that are compared with each other and can hold many values, the ends of their ranges,
    what is on record, and the values at which the comparison turns are tried.

    `Field.change` is obeyed (`never`; `gain`: a flag only to yes, a number or date only up, a
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
        search = Search(protocol, record_of(protocol, patient), movable=True)
        ways = search.cheapest([*search.ways_to_pass.values(), *search.ways_to_hold.values()])
        blocks = () if ways else tuple(_blocks(search))
    except TooHard:
        return Nearest(None)
    for box in ways if search.is_complete(ways) else ():
        if decision(protocol, search.patient(box)) == "eligible":  # the reference evaluator has the last word
            return _nearest(search, box, ways)
    return Nearest(False if blocks else None, blocks=blocks)


def _nearest(search: Search, box: int, ways: Ways) -> Nearest:
    """What changes and what is completed on a way."""
    fields, known, after = search.protocol.fields, search.known, search.patient(box)
    costly = search.costly_fields(box)
    moved = [name for name in costly if name in known and not isinstance(known[name], Interval)]
    changes = tuple(_change(fields[name], name, known[name], after[name]) for name in moved)
    unknown = [name for name in costly if name not in moved]
    answers = tuple(answer_on(search, box, ways, name) for name in unknown)
    return Nearest(True, changes, answers, after)


def _change(field: Field, name: str, before: Any, after: Any) -> Change:
    if isinstance(before, int) and isinstance(after, float) and after.is_integer():
        after = int(after)
    values = field.write(before, unit=False), field.write(after, unit=False)
    return Change(name, field.label, before, after, field.with_unit(" -> ".join(values)))


# --- what stands in the way -------------------------------------------------------------------------------------------


def _blocks(search: Search) -> Iterator[Block]:
    """Each criterion that cannot be met by itself; where there is none, one smallest set that cannot be met at once."""
    facts, rules = [*search.facts], [*search.rules]
    cores = [facts] if search.conflict(facts) else [[*facts, id] for id in rules if search.conflict([*facts, id])]
    for core in cores or [[*facts, *rules]]:
        if search.conflict(core):
            yield _block(search, _smallest(search, core))


def _smallest(search: Search, core: list[str]) -> list[str]:
    """A conflict that has no smaller conflict inside: what comes first is left out first."""
    for id in list(core):
        without = [other for other in core if other != id]
        core = without if search.conflict(without) else core
    return core


def _block(search: Search, ids: Collection[str]) -> Block:
    criteria, declared = (tuple(id for id in ids if id in among) for among in (search.rules, search.facts))
    facts = _facts_in_the_way(search, ids)
    protocol = search.protocol
    names = " and ".join(f"{id} ({protocol.criterion[id].label})" for id in criteria)
    stands = "stands in the way" if len(criteria) == 1 else "cannot be met together"
    fixed = "; ".join(_bound(protocol.fields[name], search.known[name]) for name in facts)
    says = {fact.id: f"{fact.id} ({fact.says})" for fact in protocol.facts}
    applies = {name: f"{field.label} applies only where {field.applies}" for name, field in protocol.fields.items()}
    premises = ", ".join(says.get(id) or applies[id] for id in declared)
    sentence = f"{names} {stands}" if names else "The record contradicts itself"
    sentence += f": {fixed}" if fixed else ", for everybody"
    return Block(criteria, declared, facts, f"{sentence}; given {premises}" if premises else sentence)


def _facts_in_the_way(search: Search, ids: Collection[str]) -> tuple[str, ...]:
    """The known facts that the block rests on: each is left out, and stays so where the block still stands.

    To whom flags apply is no declared fact that could be left out: it holds whatever the block names.
    """
    ids = {*ids, *search.protocol.applies}
    names = Search(search.protocol, search.known, True, ids).options
    facts = {name: value for name, value in search.known.items() if name in names}
    for name in [name for name in names if name in facts]:
        fewer = {other: value for other, value in facts.items() if other != name}
        facts = fewer if Search(search.protocol, fewer, True, ids).conflict(ids) else facts
    return tuple(name for name in names if name in facts)


def _bound(field: Field, value: Any) -> str:
    """A known fact and how it is bound."""
    if field.change == "never" or (field.change == "gain" and field.type == "category"):
        bound = "which never changes"
    elif field.change == "gain":
        bound = "which cannot be undone" if field.type == "flag" else "which can only grow"
    else:
        bound = f"which moves in steps of {float(field.step_size):g} within its range"
    return f"{field.label}: {field.write(value)}, {bound}"
