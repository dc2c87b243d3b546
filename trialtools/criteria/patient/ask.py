"""A protocol and a patient go in, the choices of a question come out: what each fact may turn out to be, and its price.

Three questions are one search. *What is open*: an unknown fact may be found out, at its cost. *Why*: a known fact may
be relied on, at the price of one. *What is nearest*: a known fact may move, and an unknown one be found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..language import Formula, Name, Not, Or, names, parse
from ..protocol import Field, ProtocolData, possible
from .goals import Choices, Goal, opposite, surely
from .options import WHOLE_RANGE, Cell, Motion, Option, cells, rank, reach, typical
from .search import best
from .ties import settle


def open_choices(protocol: ProtocolData, patient: Mapping[str, Any]) -> Choices:
    """Known facts stand; an unknown one may be found out to be anything possible."""
    known = recorded(protocol, patient)
    fields = _asked(protocol)
    cut, _ = cells(fields, formulas(protocol), known)
    price = prices(protocol)
    options = {
        name: _unknown(field, cut[name], price[name]) if name in cut else (_stays(field, known[name]),)
        for name, field in fields.items()
    }
    return Choices(protocol, options, known)


def known_choices(protocol: ProtocolData, patient: Mapping[str, Any]) -> Choices:
    """A known fact may be relied on or not; an unknown one stays unknown."""
    known = recorded(protocol, patient)
    price = prices(protocol, by_cost=False)
    options = {}
    for name, field in _asked(protocol).items():
        place = rank(field, known[name]) if name in known else 0
        ignored = Option(known.get(name), False, 0, (place, place))
        relied = Option(known.get(name), True, price[name], (place, place))
        options[name] = (ignored, relied) if name in known else (ignored,)
    return Choices(protocol, options, {name: known.get(name) for name in options})


def movable_choices(protocol: ProtocolData, patient: Mapping[str, Any], freed: Iterable[str] = ()) -> Choices:
    """A known fact may move as its field allows; an unknown one may be found out to be anything possible.

    `freed` facts may move anywhere, at no price: to ask whether a fact is what stands in the way.
    """
    known, freed = recorded(protocol, patient), set(freed)
    fields = _asked(protocol)
    fixed = {n: value for n, value in known.items() if protocol.fields[n].change == "never" and n not in freed}
    cut, tied = cells(fields, formulas(protocol), fixed)
    price = prices(protocol)
    change = 1 << (max(price.values()).bit_length() + len(fields).bit_length() + 1)  # a distance outweighs any cost
    options, motions = {}, {}
    for name, field in fields.items():
        if name in fixed:
            options[name] = (_stays(field, fixed[name]),)
        elif name not in known or name in freed:
            options[name] = _unknown(field, cut[name], 0 if name in freed else price[name])
        else:
            far = 1000 * WHOLE_RANGE * len(fields)  # one more changed fact outweighs any distance
            motions[name] = Motion(field, known[name], (far * change) + price[name], change)
            options[name] = tuple(_moves(field, known[name], cut[name], motions[name], name in tied))
    ordered = {name: motion for name, motion in motions.items() if fields[name].type not in ("flag", "category")}
    return Choices(protocol, options, fixed, ordered)


def recorded(protocol: ProtocolData, patient: Mapping[str, Any]) -> dict[str, Any]:
    """What is on record of a patient, impossible values and flags that cannot be so left out."""
    facts = protocol.facts_of(patient)
    found = {name: possible(field, patient.get(name)) for name, field in protocol.fields.items()}
    return {name: value for name, value in found.items() if value is not None and value == facts[name]}


def formulas(protocol: ProtocolData) -> list[Formula]:
    """Everything that will be asked of a patient."""
    return [*protocol.requirements.values(), *protocol.applies.values(), *declared(protocol).values()]


def declared(protocol: ProtocolData) -> dict[str, Formula]:
    """What is true of every patient, by the id of the fact, or by the flag that can be true only where it applies."""
    facts = {fact.id: parse(fact.formula, protocol.fields) for fact in protocol.facts}
    flags = {name: Or((Not(Name(name, "flag")), applies)) for name, applies in protocol.applies.items()}
    return facts | flags


def world_goals(choices: Choices) -> dict[str, Goal]:
    """The goals that declared facts are not broken, whether or not anybody knows."""
    facts = declared(choices.protocol).items()
    return {id: opposite(choices, surely(choices, formula, False, world=True)) for id, formula in facts}


def consistent(choices: Choices) -> tuple[list[Goal], tuple[str, ...]]:
    """The goals of declared facts that the record does not contradict, and the ids of those that it does."""
    goals = world_goals(choices)
    if best(choices, goals.values(), settle):
        return list(goals.values()), ()
    kept: list[Goal] = []
    aside: list[str] = []
    for id, goal in goals.items():
        if best(choices, [*kept, goal], settle):
            kept.append(goal)
        else:
            aside.append(id)
    return kept, tuple(aside)


def prices(protocol: ProtocolData, by_cost: bool = True) -> dict[str, int]:
    """The price of each fact as one number: cost first, then how many facts, then the order of the protocol."""
    n = len(protocol.fields)
    bits = n.bit_length() + 1
    return {
        name: ((((max(field.cost, 0) if by_cost else 0) << bits) + 1) << n + bits) + (1 << n) - (1 << n - 1 - place)
        for place, (name, field) in enumerate(protocol.fields.items())
    }


def _asked(protocol: ProtocolData) -> dict[str, Field]:
    asked = {name for formula in formulas(protocol) for name in names(formula)}
    return {name: field for name, field in protocol.fields.items() if name in asked}


def _stays(field: Field, value: Any) -> Option:
    place = rank(field, value)
    return Option(value, True, 0, (place, place))


def _unknown(field: Field, cut: tuple[Cell, ...], price: int) -> tuple[Option, ...]:
    values = [(typical(field, cell), cell) for cell in cut]
    return tuple(Option(value, known, price if known else 0, cell) for known in (False, True) for value, cell in values)


def _moves(field: Field, value: Any, cut: tuple[Cell, ...], motion: Motion, tied: bool) -> Iterable[Option]:
    """Staying, and the nearest value of every other cell; where fields are tied, any value of them."""
    place = rank(field, value)
    yield _stays(field, value)
    for first, last in cut:
        here = first <= place <= last
        if here and not tied:
            continue
        for cell in ((first, place - 1), (place + 1, last)) if here else ((first, last),):
            if cell[0] > cell[1]:
                continue
            moved = reach(field, value, cell)
            if moved is not None:
                end = rank(field, moved)
                yield Option(moved, True, motion.price(moved), cell if tied else (end, end))
