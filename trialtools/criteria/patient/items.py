"""A protocol and one patient go in; what is unknown and would settle the decision comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ..language import Compare, Formula, Interval, Not, ends, names, words
from ..language.formula import OPPOSITE
from ..protocol import Field, ProtocolData
from .cells import Ranks, all_ranks, unrank
from .options import record_of
from .tree import Decision, decision
from .ways import FALSE, Search, TooHard, Ways

_TRIES = 256
"""Combinations of values of what a fact is worked out from that are tried."""


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


def open_items(protocol: ProtocolData, patient: Mapping[str, Any], limit: int = 5) -> OpenItems:
    """The smallest sets of unknown facts whose answers could settle an undetermined decision, cheapest first.

    A set is in `to_eligible` if possible answers to all its facts make every criterion pass, and answers to fewer of
    them do not. It is in `to_ineligible` if possible answers make one criterion fail, and answers to fewer of them do
    not. All other unknown facts stay unknown: the decision no longer depends on them. Answers are possible
    when they are in range, fit `applies`, and some completion of the record breaks no declared fact. What is known in
    part may turn out to be anything between its ends. A fact that is worked out from others is asked for by those of
    them that are missing, where some of their values settle the decision.

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
    now = decision(protocol, patient)
    if now != "undetermined":
        return OpenItems(now)
    try:
        search = Search(protocol, record_of(protocol, patient))
        consistent, set_aside = _consistent(search)
        eligible = search.cheapest([*search.ways_to_pass.values(), *consistent], limit)
        failing = [search.cheapest([search.ways(f, FALSE), *consistent], limit) for f in search.rules.values()]
        ineligible = search.minimal({box: ties for ways in failing for box, ties in ways.items()}, limit)
        to_eligible = _item_sets(search, eligible, "eligible")
        together = [id for id in (*search.facts, *search.rules) if id not in set_aside]
        proved = bool(to_eligible) or search.conflict(together)
        proved = proved and (not set_aside or search.conflict(search.facts))
    except TooHard:
        return OpenItems(now, complete=False)
    to_ineligible = _item_sets(search, ineligible, "ineligible")
    confirmed = len(to_eligible) == len(eligible) and len(to_ineligible) == len(ineligible)
    complete = proved and confirmed and all(search.is_complete(either, limit) for either in (eligible, ineligible))
    return OpenItems(now, to_eligible, to_ineligible, set_aside, complete)


def _consistent(search: Search) -> tuple[list[Ways], tuple[str, ...]]:
    """The declared facts that the record does not contradict, joined where they share a field; the others' ids."""
    consistent: list[Ways] = []
    aside: list[str] = []
    for id, ways in search.ways_to_hold.items():
        more = search.groups([*consistent, ways])
        if all(more):
            consistent = more
        else:
            aside.append(id)
    return consistent, tuple(aside)


def _item_sets(search: Search, ways: Ways, wanted: Decision) -> tuple[ItemSet, ...]:
    """What each way asks for; a way that the reference evaluator does not confirm is left out."""
    return tuple(_item_set(search, box, ways) for box in ways if _is_confirmed(search, box, wanted))


def _is_confirmed(search: Search, box: int, wanted: Decision) -> bool:
    """Whether answers make the decision; of what is worked out, some values of its parts have to."""
    protocol, patient = search.protocol, search.patient(box)
    lacking = {name: _missing_parts(search, name) for name in search.costly_fields(box)}
    worked = [name for name, parts in lacking.items() if parts != (name,)]
    parts = list(dict.fromkeys(part for name in worked for part in lacking[name]))
    facts = {name: value for name, value in patient.items() if name not in (*worked, *parts)}
    each = int(_TRIES ** (1 / max(len(parts), 1)))
    rows = product(*(_spread(_narrow(search, part), each) for part in parts))
    return any(decision(protocol, {**facts, **dict(zip(parts, row, strict=True))}) == wanted for row in rows)


def _missing_parts(search: Search, name: str) -> tuple[str, ...]:
    """The facts to find out for one, which may be worked out from others."""
    whole = {known for known, value in search.known.items() if not isinstance(value, Interval)}
    return search.protocol.missing_parts(name, whole)


def _narrow(search: Search, name: str) -> Field:
    """A field with no other values possible than what is known in part of it."""
    field, known = search.protocol.fields[name], search.known.get(name)
    return replace(field, range=ends(known)) if isinstance(known, Interval) else field


def _item_set(search: Search, box: int, ways: Ways) -> ItemSet:
    cost = {name: search.protocol.fields[name].cost for name in search.costly_fields(box)}
    answers: dict[str, Answer] = {}
    for name in sorted(cost, key=lambda name: cost[name]):
        for each in _parts(search, answer_on(search, box, ways, name)):
            needed = f"{answers[each.field].needed}; {each.needed}" if each.field in answers else each.needed
            answers[each.field] = replace(each, needed=needed)
    return ItemSet(tuple(answers.values()), sum(cost.values()))


def _parts(search: Search, whole: Answer) -> list[Answer]:
    """What has to be found out for a fact that is worked out from others: those of them that are not known."""
    fields, lacking = search.protocol.fields, _missing_parts(search, whole.field)
    if lacking == (whole.field,):
        return [whole]
    needed = f"for {whole.label}: {whole.needed}"
    return [Answer(part, fields[part].label, needed, fields[part].judged_by == "person") for part in lacking]


def answer_on(search: Search, box: int, ways: Ways, name: str) -> Answer:
    """What a fact would have to be on one way: values that will do, or how it compares with other facts."""
    fields, cells = search.protocol.fields, [option.cell for option in search.options_left(box, name)]
    ties = [atom if holds else _opposite(atom) for atom, holds in ways[box] if name in names(atom)]
    needed = "; ".join(words(tie, fields) for tie in ties) or _in_words(fields[name], cells)
    return Answer(name, fields[name].label, needed, fields[name].judged_by == "person")


def _opposite(atom: Formula) -> Formula:
    return Compare(atom.operands, (OPPOSITE[atom.operators[0]],)) if isinstance(atom, Compare) else Not(atom)


def _listing(title: str, answers: tuple[Answer, ...]) -> list[str]:
    """Two or three facts in one line, more of them as a list to tick off."""
    if len(answers) > 3:
        return [f"{title} ({len(answers)}):", *(f"  - {a.label} (needed: {a.needed})" for a in answers)]
    return [f"{title}: {', then '.join(answer.label for answer in answers)}"] if answers else []


def _spread(field: Field, n: int) -> list[Any]:
    """Up to n values all over the range, the middle ones first."""
    low, high = field.limits if field.type == "number" else all_ranks(field)
    steps = max(n - 1, 1) if field.type == "number" or high - low >= n else max(high - low, 1)
    places = sorted((low + (high - low) * k / steps for k in range(steps + 1)), key=lambda at: abs(2 * at - low - high))
    return places if field.type == "number" else [unrank(field, int(place)) for place in places]


# --- cells in words ---------------------------------------------------------------------------------------------------


def _in_words(field: Field, cells: Iterable[Ranks]) -> str:
    """What a fact would have to be, for the cells that will do."""
    if field.type == "flag":
        return " or ".join("yes" if first else "no" for first, _ in cells)
    if field.type == "category":
        return " or ".join(field.values[first] for first, _ in cells)
    runs: list[Ranks] = []
    for first, last in sorted(cells):
        if runs and runs[-1][1] + 1 == first:
            first = runs.pop()[0]
        runs.append((first, last))
    return field.with_unit(" or ".join(_run(field, run) for run in runs))


def _run(field: Field, run: Ranks) -> str:
    low, high = all_ranks(field)
    if run == (low, high):
        return "any value"
    if run[0] == run[1]:
        return _plain(unrank(field, run[0]))
    least, most = ("on or after", "on or before") if field.type == "date" else ("at least", "at most")
    bounds = [_end(field, run[0], -1, least, "above")] if run[0] > low else []
    bounds += [_end(field, run[1], 1, most, "below")] if run[1] < high else []
    return " and ".join(bounds)


def _end(field: Field, place: int, beyond: int, including: str, excluding: str) -> str:
    """`above 93` rather than `at least 93.00000000000001`: the shorter number is the one that was written."""
    here, there = _plain(unrank(field, place)), _plain(unrank(field, place + beyond))
    if field.type == "number" and len(there) < len(here):
        return f"{excluding} {there}"
    return f"{including} {here}"


def _plain(value: Any) -> str:
    """A number or a date without its unit."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
