"""A protocol and a patient go in; the smallest change that makes the patient eligible comes out, or why none does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..language import names
from ..protocol import Field, ProtocolData
from .ask import declared, movable_choices, recorded, world_goals
from .goals import Choices, Goal, surely
from .items import Answer, answer
from .options import distance, step_of
from .search import TooHard, Way, best
from .ties import settle
from .verdict import decide, states
from .wording import shown, with_unit


@dataclass(frozen=True)
class Change:
    """A known fact that would have to change, and what to."""

    field: str
    label: str
    before: Any
    after: Any
    said: str


@dataclass(frozen=True)
class Block:
    """What stands in the way: criteria that cannot be met together, with the facts, declared and known, that bar them.

    No part of it would stand in the way alone.
    """

    criteria: tuple[str, ...]
    declared: tuple[str, ...]
    known: tuple[str, ...]
    said: str


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
            said = [f"  {block.said}" for block in self.blocks]
            return "\n".join(["No permitted change makes this patient eligible:", *said])
        if not self.changes and not self.unknown:
            return "No change is needed."
        changed = "; ".join(f"{change.label} {change.said}" for change in self.changes)
        lines = [f"Nearest change: {changed}" if changed else "Nothing known has to change."]
        if self.unknown:
            lines.append("What is not known would have to be so:")
            lines += [f"  - {a.label}: {a.needed}" for a in self.unknown]
        return "\n".join(lines)

    def dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return asdict(self)


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
    choices = movable_choices(protocol, patient)
    passed, facts = _goals(choices)
    try:
        found = best(choices, [*passed.values(), *facts.values()], settle)
        if not found:
            return Nearest(False, blocks=tuple(_blocks(choices, patient, passed, facts)))
    except TooHard:
        return Nearest(None)
    return _moved(choices, patient, found[0])


def _goals(choices: Choices) -> tuple[dict[str, Goal], dict[str, Goal]]:
    passed = {id: surely(choices, formula, True) for id, formula in choices.protocol.requirements.items()}
    return passed, world_goals(choices)


def _moved(choices: Choices, patient: Mapping[str, Any], way: Way) -> Nearest:
    """What changes and what is completed on the way that was found, judged by the reference evaluator."""
    protocol, known = choices.protocol, recorded(choices.protocol, patient)
    values = {name: way.tied[name] if name in way.tied else _cheapest(choices, way, name) for name in way.used}
    after = {**known, **values}
    if decide(states(protocol, protocol.facts_of(after)).values()) != "eligible":
        return Nearest(None)  # exact decimals and doubles disagree about the last digit
    used = [name for name in protocol.fields if name in way.used]
    changes = tuple(_change(protocol, name, known[name], values[name]) for name in used if name in known)
    unknown = tuple(answer(choices, way, name) for name in used if name not in known)
    far = sum(distance(protocol.fields[c.field], c.before, c.after) for c in changes) / 1e9
    return Nearest(True, changes, unknown, far, after)


def _cheapest(choices: Choices, way: Way, name: str) -> Any:
    left = [option for i, option in enumerate(choices.options[name]) if way.box[name] >> i & 1]
    return min(left, key=lambda option: option.price).value


def _change(protocol: ProtocolData, name: str, before: Any, after: Any) -> Change:
    field = protocol.fields[name]
    if isinstance(before, int) and isinstance(after, float) and after.is_integer():
        after = int(after)
    old, new = (shown(replace(field, unit=None), value) for value in (before, after))
    return Change(name, field.label, before, after, with_unit(f"{old} -> {new}", field))


# --- why there is none ------------------------------------------------------------------------------------------------


def _blocks(
    choices: Choices, patient: Mapping[str, Any], passed: dict[str, Goal], facts: dict[str, Goal]
) -> Iterator[Block]:
    """Each criterion that cannot be met by itself; where there is none, one smallest set that cannot be met at once."""
    goals = {**facts, **passed}
    cores = [list(facts)] if not _meetable(choices, facts.values()) else []
    cores = cores or [[*facts, id] for id in passed if not _meetable(choices, [*facts.values(), passed[id]])]
    for core in cores or [list(goals)]:
        ids = core
        for id in core:
            without = [other for other in ids if other != id]
            ids = ids if _meetable(choices, [goals[other] for other in without]) else without
        known = _known_in_the_way(choices.protocol, patient, ids)
        criteria, declared = tuple(id for id in ids if id in passed), tuple(id for id in ids if id in facts)
        yield Block(criteria, declared, known, _said(choices.protocol, patient, criteria, declared, known))


def _meetable(choices: Choices, goals: Iterable[Goal]) -> bool:
    return bool(best(choices, goals, settle))


def _known_in_the_way(protocol: ProtocolData, patient: Mapping[str, Any], ids: list[str]) -> tuple[str, ...]:
    """The known facts without which the criteria could be met: one after the other is freed, as long as they cannot."""
    known, formulas = recorded(protocol, patient), {**protocol.requirements, **declared(protocol)}
    asked = {name for id in ids for name in names(formulas[id])}
    asked |= {name for flag in asked & set(protocol.applies) for name in names(protocol.applies[flag])}
    kept = [name for name in protocol.fields if name in asked and name in known]
    freed: list[str] = []
    for name in kept:
        choices = movable_choices(protocol, patient, [*freed, name])
        passed, facts = _goals(choices)
        if not _meetable(choices, [goal for id, goal in {**passed, **facts}.items() if id in ids]):
            freed.append(name)
    return tuple(name for name in kept if name not in freed)


def _said(
    protocol: ProtocolData,
    patient: Mapping[str, Any],
    criteria: tuple[str, ...],
    declared: tuple[str, ...],
    known: tuple[str, ...],
) -> str:
    """The block as a sentence."""
    named = " and ".join(f"{id} ({protocol.criterion[id].label})" for id in criteria)
    stands = "stands in the way" if len(criteria) == 1 else "cannot be met together"
    told = "; ".join(_fixed(protocol.fields[name], patient[name]) for name in known)
    says = {fact.id: f"{fact.id} ({fact.says})" for fact in protocol.facts}
    applies = {name: f"{field.label} applies only where {field.applies}" for name, field in protocol.fields.items()}
    given = ", ".join(says.get(id) or applies[id] for id in declared)
    sentence = f"{named} {stands}" if named else "The record contradicts itself"
    return f"{sentence}{f': {told}' if told else ', for everybody'}{f'; given {given}' if given else ''}"


def _fixed(field: Field, value: Any) -> str:
    """A known fact and how it is bound."""
    if field.change == "never" or (field.change == "gain" and field.type == "category"):
        bound = "which never changes"
    elif field.change == "gain":
        bound = "which cannot be undone" if field.type == "flag" else "which can only grow"
    else:
        bound = f"which moves in steps of {step_of(field)} within its range"
    return f"{field.label}: {shown(field, value)}, {bound}"
