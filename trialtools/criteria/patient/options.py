"""A protocol and a record go in, the options of every field come out: what a fact may turn out to be, or change to.

Of a field that is compared with constants, one value of every cell is an option. Where open fields are compared with
each other, each value of a field is one if there are few; of many, the ends of the cells, the value on record, and the
values at which the comparison turns while the other fields stand at such values.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import Any

from ..language import Compare, Formula, Interval, names
from ..language.formula import walk
from ..protocol import Field, ProtocolData
from .cells import Ranks, all_ranks, atoms, changes, is_tie, rank, split, typical, unrank

_WHOLE_RANGE = 1_000_000_000
"""The distance from one end of a range to the other."""

_FEW = 12
"""So many values of one field are all tried, and"""

_MANY = 500
"""so many combinations of values of the other fields, to find where a comparison turns; fewer of a long one, for"""

_WORK = 10_500
"""this is its length times its fields times the combinations."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a fact may be: a value that stands for its cell, whether it is then known, and the price of it."""

    value: Any
    known: bool
    price: int
    cell: Ranks


def record_of(protocol: ProtocolData, patient: Mapping[str, Any]) -> dict[str, Any]:
    """What is on record of a patient, or worked out; impossible values and flags that cannot be so are left out."""
    facts = protocol.facts_of(patient)
    record = {name: field.possible(patient.get(name)) for name, field in protocol.fields.items()}
    record |= {name: facts[name] for name in protocol.derivations if record[name] is None}
    return {name: value for name, value in record.items() if value is not None and value == facts[name]}


def options_of(
    protocol: ProtocolData, formulas: Collection[Formula], known: Mapping[str, Any], movable: bool
) -> dict[str, tuple[Option, ...]]:
    """The options of every field that the formulas ask about, in the order of the protocol.

    Args:
        protocol: says of each field what is possible, how it may change, and what it costs to find out.
        formulas: all that will be asked.
        known: what is on record.
        movable: a known fact may change as its field allows; else it stands.
    """
    wanted = {name for formula in formulas for name in names(formula)}
    fields = {name: field for name, field in protocol.fields.items() if name in wanted}
    partly = {name: value for name, value in known.items() if name in fields and isinstance(value, Interval)}
    fixed = {n: v for n, v in known.items() if n in fields and not (movable and fields[n].change != "never")}
    fixed = {name: value for name, value in fixed.items() if name not in partly}
    price = _prices(protocol)
    unit = 1 << max(price.values()).bit_length() + len(price).bit_length() + 1  # a distance outweighs all costs
    starts: dict[str, set[int]] = {name: set() for name in fields}

    def options(name: str) -> tuple[Option, ...]:
        field, cells = fields[name], split(fields[name], starts[name])
        if name in partly:
            return tuple(_refinements(field, partly[name], starts[name], price[name]))
        if name in known:
            moves = () if name in fixed else cells
            return tuple(_changes(field, known[name], moves, price[name], unit))
        return tuple(_answers(field, cells, price[name]))

    ties: dict[Compare, list[str]] = {}
    for atom in dict.fromkeys(atom for formula in formulas for atom in atoms(formula)):
        loose = [name for name in names(atom) if name not in fixed]
        if is_tie(atom, loose):
            ties[atom] = loose
        elif loose:
            starts[loose[0]].update(_turns(atom, loose[0], fields, fixed))
    tied = {name for loose in ties.values() for name in loose}
    for name in tied:
        starts[name].update(_ends(fields[name], starts[name], None if name in partly else known.get(name)))
    by_field = {name: options(name) for name in fields}
    for atom, loose in ties.items():
        for name in [name for name in loose if not has_few_values(fields[name])]:
            others = [other for other in loose if other != name]
            values = [dict.fromkeys(o.value for o in by_field[other] if o.cell[0] == o.cell[1]) for other in others]
            most = min(_MANY, _WORK // (len(loose) * len([*walk(atom)])))
            for row in islice(product(*values), most):
                starts[name].update(_turns(atom, name, fields, fixed | dict(zip(others, row, strict=True))))
    return by_field | {name: options(name) for name in tied}


def has_few_values(field: Field) -> bool:
    """Whether a field can hold so few values that all of them are tried."""
    low, high = all_ranks(field)
    return high - low < _FEW


def _prices(protocol: ProtocolData) -> dict[str, int]:
    """The price of finding out each fact: cost first, then how many facts, then the order of the protocol."""
    n = len(protocol.fields)
    bits = n.bit_length() + 1
    return {
        name: (((field.cost << bits) + 1) << n + bits) + (1 << n) - (1 << n - 1 - place)
        for place, (name, field) in enumerate(protocol.fields.items())
    }


def _turns(atom: Compare, name: str, fields: Mapping[str, Field], others: Mapping[str, Any]) -> tuple[int, ...]:
    around = tuple((other, others[other]) for other in names(atom) if other != name)
    return changes(atom, name, fields[name], around)


def _ends(field: Field, starts: set[int], here: Any) -> Iterable[int]:
    """Cuts that make the ends of every cell, and where the field stands now, cells of their own."""
    if has_few_values(field):
        low, high = all_ranks(field)
        return range(low, high + 1)
    ends = [end for cell in split(field, starts) for end in cell] + ([] if here is None else [rank(field, here)])
    return (place for end in ends for place in (end, end + 1))


def _answers(field: Field, cells: Iterable[Ranks], price: int) -> Iterator[Option]:
    """What an unknown fact may be, and may be found out to be."""
    for cell in cells:
        yield Option(typical(field, cell), False, 0, cell)
        yield Option(typical(field, cell), True, price, cell)


def _refinements(field: Field, here: Interval, starts: Iterable[int], price: int) -> Iterator[Option]:
    """What is known in part may stay so, and may be found out to be anything between its ends."""
    low, high = rank(field, here.low), rank(field, here.high)
    yield Option(here, True, 0, (low, high))
    for cell in split(field, {*starts, low, high + 1}):
        if low <= cell[0] and cell[1] <= high:
            yield Option(typical(field, cell), True, price, cell)


def _changes(field: Field, here: Any, cells: Iterable[Ranks], price: int, unit: int) -> Iterator[Option]:
    """Staying, and the nearest value of every other cell; one changed fact more outweighs any distance."""
    place = rank(field, here)
    yield Option(here, True, 0, (place, place))
    for cell in cells:
        value = _nearest_value(field, here, cell)
        if value is not None and value != here:
            place = rank(field, value)
            yield Option(value, True, (_WHOLE_RANGE**2 + _distance(field, here, value)) * unit + price, (place, place))


# --- how far a value moves --------------------------------------------------------------------------------------------


def _nearest_value(field: Field, value: Any, cell: Ranks) -> Any:
    """The value of a cell that a recorded value can move to in the fewest whole steps; None if there is none.

    `gain` lets a flag become true and a number or a date only grow; a category has no more or less to gain.
    """
    if cell[0] <= rank(field, value) <= cell[1]:
        return value
    up = cell[0] > rank(field, value)
    if field.change == "never" or (field.change == "gain" and (not up or field.type == "category")):
        return None
    return unrank(field, cell[0]) if field.type in ("flag", "category") else _move_in_steps(field, value, cell, up)


def _move_in_steps(field: Field, value: Any, cell: Ranks, up: bool) -> Any:
    step, start = field.step_size, _exact(field, value)
    low, high = (_exact(field, unrank(field, place)) for place in cell)
    moved = start + step * (math.ceil((low - start) / step) if up else math.floor((high - start) / step))
    while low <= moved <= high:
        if field.type == "number":
            return float(moved)
        if moved.denominator == 1:
            return unrank(field, int(moved))
        moved += step if up else -step
    return None


def _distance(field: Field, old: Any, new: Any) -> int:
    """How far a value moves, in billionths of its range; a flag and a category move by all of it.

    Without a declared range a number is measured by its own size, and a move is at most a thousandfold.
    """
    if old == new or field.type in ("flag", "category"):
        return 0 if old == new else _WHOLE_RANGE
    width = max(abs(_exact(field, old)), field.step_size)
    if field.range or field.type == "date":
        width = _exact(field, field.limits[1]) - _exact(field, field.limits[0])
    return min(int(abs(_exact(field, new) - _exact(field, old)) * _WHOLE_RANGE / width), 1000 * _WHOLE_RANGE)


def _exact(field: Field, value: Any) -> Fraction:
    return Fraction(value.toordinal()) if field.type == "date" else Fraction(str(value))
