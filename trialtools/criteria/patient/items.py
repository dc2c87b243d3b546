"""A protocol and one patient go in; what is unknown and would settle the decision comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..language import Compare, Formula, Not, names, words
from ..protocol import ProtocolData
from .ask import consistent, open_choices
from .goals import Choices, Goal, Tie, fields_of, given, opposite, some, surely
from .search import TooHard, Way, apart, best
from .ties import settle
from .verdict import Decision, decide, states
from .wording import in_words

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

    `to_eligible` and `to_ineligible` hold sets of facts, cheapest first. `whatever` names facts that settle the
    decision whatever they turn out to be, where that was asked for. `set_aside` names declared facts that the record
    contradicts, and `complete` is false where the search was cut short.
    """

    decision: Decision
    to_eligible: tuple[ItemSet, ...] = ()
    to_ineligible: tuple[ItemSet, ...] = ()
    whatever: tuple[str, ...] | None = None
    set_aside: tuple[str, ...] = ()
    complete: bool = True

    @property
    def to_settle(self) -> tuple[Answer, ...]:
        """What to find out next: all that is needed to become eligible, else the cheapest that ends it."""
        best = (*self.to_eligible, *self.to_ineligible)[:1]
        return tuple(answer for items in best for answer in items.answers if not answer.judgement)

    @property
    def judgements(self) -> tuple[Answer, ...]:
        """What only a person can say, of the same set."""
        best = (*self.to_eligible, *self.to_ineligible)[:1]
        return tuple(answer for items in best for answer in items.answers if answer.judgement)

    def text(self) -> str:
        """What to find out, in a few lines."""
        if self.decision != "undetermined":
            return f"Nothing is open: {self.decision}."
        lines = _listed("To settle", self.to_settle)
        if not self.to_eligible and self.complete:
            lines.insert(0, "Nothing that is still unknown can make this patient eligible.")
        lines += _listed("Judgement still needed", self.judgements)
        single = [items.answers[0] for items in self.to_ineligible if len(items.answers) == 1]
        if single:
            lines.append("One answer would end it: " + "; ".join(f"{a.label}: {a.needed}" for a in single))
        if not self.complete:
            lines.append("There may be more: the search was cut short.")
        return "\n".join(lines)

    def dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return asdict(self)


def open_items(protocol: ProtocolData, patient: Mapping[str, Any], limit: int = 5, whatever: bool = False) -> OpenItems:
    """The smallest sets of unknown facts whose answers could settle an undetermined decision, cheapest first.

    A set of unknown facts is in `to_eligible` if there are possible answers to just these facts after which every
    criterion passes, and to no part of them; in `to_ineligible` if there are answers after which one criterion fails,
    and to no part of them. What else is unknown stays so: the decision no longer depends on it. Answers are possible
    when they are in range, fit `applies`, and some completion of the record breaks no declared fact. `whatever` asks
    further for one set, no part of which will do, that settles the decision whatever the possible answers are; it
    is None where even all facts would leave the decision open.

    Cheapest means the least sum of `Field.cost`, then the fewest facts, then the order of the protocol.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name; a missing name is unknown.
        limit: how many sets of each kind.
        whatever: ask for that set too; it takes about as long again.

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
    decision = decide(states(protocol, protocol.facts_of(patient)).values())
    if decision != "undetermined":
        return OpenItems(decision)
    choices = open_choices(protocol, patient)
    passed = [surely(choices, formula, True) for formula in protocol.requirements.values()]
    failed = [surely(choices, formula, False) for formula in protocol.requirements.values()]
    found = OpenItems(decision, complete=False)
    try:  # what was found before the search got too hard is kept
        facts, set_aside = consistent(choices)
        eligible = [_item_set(choices, way) for way in best(choices, [*passed, *facts], settle, limit)]
        found = replace(found, to_eligible=tuple(eligible), set_aside=set_aside)
        ineligible = [_item_set(choices, way) for way in best(choices, [some(1, failed), *facts], settle, limit)]
        found = replace(found, to_ineligible=tuple(ineligible))
        certain = _whatever(choices, passed, failed, facts) if whatever else None
        return replace(found, whatever=certain, complete=True)
    except TooHard:
        return found


def _item_set(choices: Choices, way: Way) -> ItemSet:
    fields = choices.protocol.fields
    place = list(fields).index
    order = sorted(way.used, key=lambda name: (fields[name].cost, place(name)))
    return ItemSet(tuple(answer(choices, way, name) for name in order), sum(fields[name].cost for name in order))


def answer(choices: Choices, way: Way, name: str) -> Answer:
    """What a fact would have to be on one way: values that will do, or how it compares with other facts."""
    field = choices.protocol.fields[name]
    bound = [_asked(tie) for tie in way.ties if name in names(tie.atom)]
    kept = [option.cell for i, option in enumerate(choices.options[name]) if way.box[name] >> i & 1]
    needed = "; ".join(words(formula, choices.protocol.fields) for formula in bound) or in_words(field, kept)
    return Answer(name, field.label, needed, field.judged_by == "person")


def _asked(tie: Tie) -> Formula:
    """The comparison that has to hold; where one must not, the opposite one."""
    if tie.wanted == tie.met:
        return tie.atom
    match tie.atom:
        case Compare(operands, (operator,)):
            return Compare(operands, (OPPOSITE[operator],))
    return Not(tie.atom)


def _whatever(choices: Choices, passed: list[Goal], failed: list[Goal], facts: list[Goal]) -> tuple[str, ...] | None:
    """Facts with which the decision cannot stay open, the dearest left out first as long as that is so."""
    musts = [*(opposite(choices, goal) for goal in failed), *facts]  # no criterion fails, in a possible world, and
    goals = [*musts, *(opposite(choices, goal) for goal in passed)]  # one of these: a criterion does not pass
    groups = apart(fields_of(goal) for goal in goals)
    about = [{name for place in group for name in fields_of(goals[place])} for group in groups]
    asked = {name for group in about for name in group if len(choices.options[name]) > 1}
    known = {name: choices.mask(name, lambda o: o.known) for name in choices.options}

    def left(group: int, answered: set[str]) -> tuple[bool, bool]:
        """Whether a group of criteria may be without a failure, and then with an open one, for some answers."""
        box = {n: known[n] if n in answered else choices.full(n) & ~known[n] for n in about[group] & asked}
        part = {place: given(choices, goals[place], box) for place in groups[group]}
        must = [goal for place, goal in part.items() if place < len(musts)]
        possible = bool(best(choices, must, settle))
        opened = [goal for place, goal in part.items() if place >= len(musts)]
        return possible, possible and any(best(choices, [*must, goal], settle) for goal in opened)

    def stays_open(found: list[tuple[bool, bool]]) -> bool:
        return all(possible for possible, _ in found) and any(undecided for _, undecided in found)

    found = [left(group, asked) for group in range(len(groups))]
    if stays_open(found):
        return None
    order = sorted(choices.protocol.fields, key=lambda name: choices.protocol.fields[name].cost)
    needed = set(asked)
    for name in [name for name in reversed(order) if name in asked]:
        group = next(i for i, inside in enumerate(about) if name in inside)
        without = [*found[:group], left(group, needed - {name}), *found[group + 1 :]]
        if not stays_open(without):
            needed, found = needed - {name}, without
    return tuple(name for name in order if name in needed)


def _listed(title: str, answers: tuple[Answer, ...]) -> list[str]:
    """Two or three facts in one line, more of them as a list to tick off."""
    if len(answers) > 3:
        return [f"{title} ({len(answers)}):", *(f"  - {a.label} (needed: {a.needed})" for a in answers)]
    return [f"{title}: {', then '.join(answer.label for answer in answers)}"] if answers else []
