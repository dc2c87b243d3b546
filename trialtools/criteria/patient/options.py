"""What each fact of a patient may turn out to be: every field's range cut into cells that no formula can tell apart.

A comparison of one field with constants cuts the field's range where its answer changes, so that one value of each
cell stands for all. Values are counted by *rank* (a whole number for each possible value, in order), which makes the
cuts exact in double precision too.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ..language import Arithmetic, Compare, Formula, In, Name, Value, children, evaluate, names, type_of
from ..protocol import Field

Cell = tuple[int, int]
"""The first and the last rank of a run of values."""


WHOLE_RANGE = 1_000_000_000
"""The distance from one end of a range to the other."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a fact may be: a value that stands for its cell, whether it is then known, and the price of it."""

    value: Any
    known: bool
    price: int = 0
    cell: Cell = (0, 0)


def atoms(formula: Formula) -> Iterator[Formula]:
    """The comparisons inside a formula, chains taken apart; those of flags are logic and not listed."""
    match formula:
        case Compare(operands, operators) if type_of(operands[0]) != "flag":
            for left, operator, right in zip(operands, operators, operands[1:], strict=False):
                yield Compare((left, right), (operator,))
        case In():
            yield formula
        case _:
            for child in children(formula):
                yield from atoms(child)


def rank(field: Field, value: Any) -> int:
    """The place of a value among all the values that its field could hold."""
    match field.type:
        case "flag":
            return int(value)
        case "category":
            return field.values.index(value)
        case "date":
            return value.toordinal()
        case "integer":
            return int(value)
    bits = struct.unpack("<q", struct.pack("<d", float(value) + 0.0))[0]
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def unrank(field: Field, place: int) -> Any:
    """The value at a place."""
    match field.type:
        case "flag":
            return bool(place)
        case "category":
            return field.values[place]
        case "date":
            return date.fromordinal(place)
        case "integer":
            return place
    bits = place if place >= 0 else -place | (1 << 63) - (1 << 64)
    return struct.unpack("<d", struct.pack("<q", bits))[0]


def whole(field: Field) -> Cell:
    """All the possible values of a field."""
    if field.type == "flag":
        return 0, 1
    if field.type == "category":
        return 0, len(field.values) - 1
    return rank(field, field.limits[0]), rank(field, field.limits[1])


def cells(
    fields: Mapping[str, Field], formulas: Iterable[Formula], fixed: Mapping[str, Any]
) -> tuple[dict[str, tuple[Cell, ...]], set[str]]:
    """The cells of every field that is not fixed, and the fields that some comparison ties together.

    Args:
        fields: whose cells are asked for.
        formulas: everything that will be asked of a patient.
        fixed: the fields with one value only, and that value.
    """
    starts: dict[str, set[int]] = {name: set() for name in fields}
    tied: set[str] = set()
    for atom in dict.fromkeys(atom for formula in formulas for atom in atoms(formula)):
        loose = [name for name in names(atom) if name not in fixed]
        if is_tied(atom, loose):
            tied |= set(loose)
        elif loose:
            starts[loose[0]] |= set(_cuts(atom, loose[0], fields[loose[0]], fixed))
    return {name: tuple(_cells(field, starts[name])) for name, field in fields.items() if name not in fixed}, tied


def is_tied(atom: Formula, loose: list[str]) -> bool:
    """Whether a comparison ties several fields together, or one in a way that is not monotone."""
    return len(loose) > 1 or (len(loose) == 1 and _occurrences(atom, loose[0]) > 1)


def _occurrences(formula: Formula, name: str) -> int:
    own = isinstance(formula, Name) and formula.name == name
    return own + sum(_occurrences(child, name) for child in children(formula))


def _cells(field: Field, starts: set[int]) -> Iterator[Cell]:
    low, high = whole(field)
    if field.type in ("flag", "category"):
        yield from ((place, place) for place in range(low, high + 1))
        return
    edges = [low, *sorted(start for start in starts if low < start <= high), high + 1]
    yield from ((first, after - 1) for first, after in pairwise(edges) if first < after)


# --- where the answer changes -----------------------------------------------------------------------------------------


def _cuts(atom: Formula, name: str, field: Field, fixed: Mapping[str, Any]) -> Iterator[int]:
    """The ranks at which the answer of a comparison may change; for a bare field they can be read off."""
    match atom:
        case Compare((Name(), Value(value)), _) | Compare((Value(value), Name()), _):
            yield from _around(field, value)
        case In(Name(), values):
            for value in values:
                yield from _around(field, value)
        case _:
            yield from crossings(atom, name, field, fixed)


def crossings(atom: Formula, name: str, field: Field, fixed: Mapping[str, Any]) -> Iterator[int]:
    """The ranks at which the answer may change as one field moves, if it stands once, and the others are fixed."""
    if _occurrences(atom, name) != 1 or field.type in ("flag", "category"):
        return
    match atom:
        case Compare((left, right), _):
            yield from _crossings(left, right, name, field, fixed)
        case In(item, values):
            for value in values:
                yield from _crossings(item, Value(value), name, field, fixed)


def _around(field: Field, value: Any) -> tuple[int, ...]:
    """Before a value and after it."""
    if field.type in ("flag", "category"):
        return ()
    if field.type == "integer" and value != int(value):
        return (math.ceil(value),)
    place = rank(field, value)
    return place, place + 1


def _crossings(left: Formula, right: Formula, name: str, field: Field, fixed: Mapping[str, Any]) -> Iterator[int]:
    """Where `left` passes `right`, both monotone in the one field between the zeros of their denominators."""
    low, high = whole(field)
    poles = [low]
    for divisor in _divisors(left, name) + _divisors(right, name):
        poles += _crossings(divisor, Value(0), name, field, fixed)
    yield from poles[1:]
    pieces = sorted({place for place in poles if low <= place <= high})

    def side(place: int) -> Any:
        patient = {**fixed, name: unrank(field, place)}
        a, b = evaluate(left, patient), evaluate(right, patient)
        return None if a is None or b is None else (a > b) - (a < b)

    for first, after in zip(pieces, [*pieces[1:], high + 1], strict=True):
        yield from _changes(side, first, after - 1)


def _changes(side: Callable[[int], Any], low: int, high: int) -> Iterator[int]:
    """Where a monotone answer changes, by halving."""
    while side(low) != side(high):
        before, after = low, high
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if side(middle) == side(low) else (before, middle)
        yield after
        low = after


def _divisors(formula: Formula, name: str) -> list[Formula]:
    found = [item for child in children(formula) for item in _divisors(child, name)]
    if isinstance(formula, Arithmetic) and formula.operator == "/" and name in names(formula.right):
        found.append(formula.right)
    return found


# --- a value for a cell -----------------------------------------------------------------------------------------------


def typical(field: Field, cell: Cell) -> Any:
    """A value of a cell that is easy to read: few decimals, and near the cut rather than at the end of the range."""
    low, high = unrank(field, cell[0]), unrank(field, cell[1])
    at_the_start = cell[0] == whole(field)[0]
    if field.type != "number" or low == high:
        return high if at_the_start and cell[1] != whole(field)[1] else low
    for digits in range(18):
        scale = Fraction(10) ** -digits
        first, last = math.ceil(Fraction(low) / scale), math.floor(Fraction(high) / scale)
        if first <= last:
            return float((last if at_the_start and cell[1] != whole(field)[1] else first) * scale)
    return low


def reach(field: Field, value: Any, cell: Cell) -> Any:
    """The value of a cell that a recorded value can move to in the fewest whole steps; None if there is none.

    `gain` lets a flag become true and a number or a date only grow; a category has no more or less to gain.
    """
    if cell[0] <= rank(field, value) <= cell[1]:
        return value
    if field.change == "never":
        return None
    up = cell[0] > rank(field, value)
    if field.change == "gain" and (not up or field.type == "category"):
        return None
    return unrank(field, cell[0]) if field.type in ("flag", "category") else _stepped(field, value, cell, up)


def distance(field: Field, old: Any, new: Any) -> int:
    """How far a value moves, in billionths of its range; a flag and a category move by all of it.

    Without a declared range a number is measured by its own size, and a move is at most a thousandfold.
    """
    if old == new:
        return 0
    if field.type in ("flag", "category"):
        return WHOLE_RANGE
    moved = abs(_exact(field, new) - _exact(field, old))
    return min(int(moved * WHOLE_RANGE / width(field, old)), 1000 * WHOLE_RANGE)


def width(field: Field, old: Any) -> Fraction:
    """What a move is measured by: the range, or the size of the old value where no range is declared."""
    if field.range or field.type == "date":
        low, high = field.limits
        return _exact(field, high) - _exact(field, low)
    return max(abs(_exact(field, old)), step_of(field))


@dataclass(frozen=True)
class Motion:
    """How a recorded number or date moves: from `start` in steps, at a `fixed` price and one for the distance."""

    field: Field
    start: Any
    fixed: int
    unit: int

    def price(self, value: Any) -> int:
        """The price of a value that can be reached."""
        return self.fixed + distance(self.field, self.start, value) * self.unit

    @property
    def slope(self) -> Fraction:
        """The price of moving by 1, not rounded."""
        return Fraction(WHOLE_RANGE * self.unit) / width(self.field, self.start)

    def values(self, cell: Cell) -> Iterator[Any]:
        """The values of a cell that can be reached, nearest first."""
        first, last = cell
        up = first > rank(self.field, self.start)
        while (value := reach(self.field, self.start, (first, last))) is not None:
            yield value
            place = rank(self.field, value)
            first, last = (place + 1, last) if up else (first, place - 1)
            if first > last:
                return


def step_of(field: Field) -> Fraction:
    """How far a field moves at a time: as declared, else 1 for whole numbers and dates, 0.1 for other numbers."""
    if field.step:
        return Fraction(str(field.step))
    return Fraction(1, 10) if field.type == "number" else Fraction(1)


def _stepped(field: Field, value: Any, cell: Cell, up: bool) -> Any:
    step, start = step_of(field), _exact(field, value)
    low, high = (_exact(field, unrank(field, place)) for place in cell)
    moved = start + step * (math.ceil((low - start) / step) if up else math.floor((high - start) / step))
    while low <= moved <= high:
        if field.type == "number":
            return float(moved)
        if moved.denominator == 1:
            return unrank(field, int(moved))
        moved += step if up else -step
    return None


def _exact(field: Field, value: Any) -> Fraction:
    return Fraction(value.toordinal()) if field.type == "date" else Fraction(str(value))
