"""A field's range is cut into cells: runs of values that no comparison can tell apart, so that one stands for all.

A comparison of a field with constants cuts the range where its answer changes. Values are counted by *rank* (a whole
number for each possible value, in order), which makes the cuts exact in double precision too.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..language.evaluator import evaluate
from ..language.formula import Arithmetic, Compare, Formula, In, Name, Value, names, type_of, walk
from ..protocol import Field, ProtocolData

Ranks = tuple[int, int]
"""The first and the last rank of a run of values."""


def atoms(formula: Formula) -> Iterator[Compare]:
    """The comparisons inside a formula, chains and lists taken apart; those of flags are logic and not among them."""
    for part in walk(formula):
        match part:
            case Compare(operands) if type_of(operands[0]) != "flag":
                yield from (Compare((left, right), (sign,)) for left, sign, right in part.links)
            case In(item, values):
                yield from (Compare((item, Value(value)), ("==",)) for value in values)


def is_tie(atom: Formula, loose: Sequence[str]) -> bool:
    """Whether a comparison ties several open fields together, or one in a way that is not monotone: it stands twice."""
    places = Counter(part.name for part in walk(atom) if isinstance(part, Name))
    return len(loose) > 1 or any(places[name] > 1 for name in loose)


# --- values by rank ---------------------------------------------------------------------------------------------------


def rank(field: Field, value: Any) -> int:
    """The place of a value among all the values that its field could hold."""
    match field.type:
        case "category":
            return field.values.index(value)
        case "date":
            return value.toordinal()
        case "flag" | "integer":
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


def all_ranks(field: Field) -> Ranks:
    """All the possible values of a field."""
    if field.type == "flag":
        return 0, 1
    if field.type == "category":
        return 0, len(field.values) - 1
    return rank(field, field.limits[0]), rank(field, field.limits[1])


# --- where the answer changes -----------------------------------------------------------------------------------------


def split(field: Field, starts: Iterable[int]) -> tuple[Ranks, ...]:
    """The cells between the ranks at which an answer changes; each flag and category is a cell of its own."""
    low, high = all_ranks(field)
    if field.type in ("flag", "category"):
        return tuple((place, place) for place in range(low, high + 1))
    edges = [low, *sorted({start for start in starts if low < start <= high}), high + 1]
    return tuple((first, after - 1) for first, after in pairwise(edges))


@lru_cache(maxsize=10_000)
def changes(atom: Compare, name: str, field: Field, others: tuple[tuple[str, Any], ...] = ()) -> tuple[int, ...]:
    """The ranks at which the answer of a comparison may change as one field moves, which stands in it once.

    Args:
        atom: one comparison.
        name: the field that moves.
        field: what it may hold.
        others: the other fields of the comparison and where they stand.
    """
    if field.type in ("flag", "category"):
        return ()
    left, right = atom.operands
    return tuple(_crossings(left, right, name, field, dict(others)))


def _crossings(left: Formula, right: Formula, name: str, field: Field, others: Mapping[str, Any]) -> Iterator[int]:
    """Where `left` passes `right`, both monotone in the one field between the zeros of their denominators."""
    low, high = all_ranks(field)
    poles = [low]
    for divisor in _divisors(left, name) + _divisors(right, name):
        poles += _crossings(divisor, Value(0), name, field, others)
    yield from poles[1:]
    pieces = sorted({place for place in poles if low <= place <= high})

    def side(place: int) -> Any:
        patient = {**others, name: unrank(field, place)}
        a, b = evaluate(left, patient), evaluate(right, patient)
        return None if a is None or b is None else (a > b) - (a < b)

    for first, after in pairwise([*pieces, high + 1]):
        yield from _bisect(side, first, after - 1)


def _bisect(side: Callable[[int], Any], low: int, high: int) -> Iterator[int]:
    """Where a monotone answer changes, by halving."""
    while (here := side(low)) != side(high):
        before, after = low, high
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if side(middle) == here else (before, middle)
        yield after
        low = after


def _divisors(formula: Formula, name: str) -> list[Formula]:
    quotients = (part for part in walk(formula) if isinstance(part, Arithmetic) and part.operator == "/")
    return [part.right for part in quotients if name in names(part.right)]


# --- a value for a cell -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def typical(field: Field, cell: Ranks) -> Any:
    """A value of a cell that is easy to read: few decimals, and near the cut rather than at the end of the range."""
    low, high = unrank(field, cell[0]), unrank(field, cell[1])
    at_the_start = cell[0] == all_ranks(field)[0] and cell[1] != all_ranks(field)[1]
    if field.type != "number" or low == high:
        return high if at_the_start else low
    for digits in range(18):
        scale = Fraction(10) ** -digits
        first, last = math.ceil(Fraction(low) / scale), math.floor(Fraction(high) / scale)
        if first <= last:
            return float((last if at_the_start else first) * scale)
    return low


def typical_values(protocol: ProtocolData, name: str) -> list[Any]:
    """A value for every run of values that no criterion tells apart; the ends of the range too where fields are tied.

    >>> from trialtools.criteria.contents import load_protocol
    >>> typical_values(load_protocol("data/protocols/NCT05741099.yaml"), "spo2")
    [92.0, 93.0, 94.0]
    """
    field = protocol.fields[name]
    formulas = [f for f in (*protocol.requirements.values(), *protocol.applies.values()) if name in names(f)]
    about = {atom for formula in formulas for atom in atoms(formula) if name in names(atom)}
    alone = [atom for atom in about if not is_tie(atom, names(atom))]
    values = [typical(field, cell) for cell in split(field, [p for atom in alone for p in changes(atom, name, field)])]
    tied = len(alone) < len(about) or any(name in protocol.with_causes([each]) for each in protocol.derivations)
    ends = [] if not tied else [unrank(field, place) for place in all_ranks(field)]
    return [*dict.fromkeys([*values, *ends])]
