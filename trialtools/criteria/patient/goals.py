"""A formula goes in, what must be found out or changed to make it so comes out: a tree of goals over options.

A goal is met by choosing options of fields. `surely(formula, True)` asks for options on which the reference evaluator
says True, `surely(formula, False)` for False, and their opposites for anything else, unknown included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..language import (
    And,
    Arithmetic,
    AtLeast,
    Compare,
    Formula,
    In,
    Known,
    Name,
    Not,
    Or,
    Value,
    children,
    evaluate,
    names,
    type_of,
)
from ..protocol import ProtocolData
from .options import Motion, Option, atoms, is_tied


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field takes one of the options in `mask`, a bit for each."""

    name: str
    mask: int


@dataclass(frozen=True, slots=True)
class Some:
    """At least `n` of the parts are met."""

    n: int
    parts: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Tie:
    """The values chosen for several fields together make a comparison come out as `wanted`, or not so."""

    atom: Formula
    wanted: bool
    met: bool = True


Goal: TypeAlias = Leaf | Some | Tie
MET, UNMEETABLE = Some(0, ()), Some(1, ())


@dataclass(frozen=True)
class Choices:
    """A protocol and the options of every field that plays a part. Goals are made against one of these.

    `single` holds the fields that can have one value only, known or not: those that were fixed when the cells were cut.
    `motions` says of numbers and dates that can move at a price how they move.
    """

    protocol: ProtocolData
    options: Mapping[str, tuple[Option, ...]]
    single: Mapping[str, Any]
    motions: Mapping[str, Motion] = field(default_factory=dict)

    def full(self, name: str) -> int:
        """The mask of all the options of a field."""
        return (1 << len(self.options[name])) - 1

    def mask(self, name: str, keep: Callable[[Option], bool]) -> int:
        """The mask of the options of a field that are to be kept."""
        return sum(1 << i for i, option in enumerate(self.options[name]) if keep(option))


def surely(choices: Choices, formula: Formula, wanted: bool, world: bool = False) -> Goal:
    """The goal that a formula is surely true (or surely false) of what is known.

    Args:
        choices: the options of the fields.
        formula: over those fields.
        wanted: surely true, or surely false.
        world: of what is so, known or not; for declared facts, which hold whether or not anybody looked.
    """
    match formula:
        case Value(value):
            return MET if value is wanted else UNMEETABLE
        case Not(item):
            return surely(choices, item, not wanted, world)
        case And(items):
            return _count(choices, len(items), items, wanted, world)
        case Or(items):
            return _count(choices, 1, items, wanted, world)
        case AtLeast(n, items):
            return _count(choices, n, items, wanted, world)
        case Name(name):
            return _flag(choices, name, wanted, world)
        case Known(name):
            return _known(choices, name, wanted)
        case Compare((left, right), (operator,)) if type_of(left) == "flag":
            same = Or((And((left, right)), And((Not(left), Not(right)))))
            return surely(choices, same, wanted == (operator == "=="), world)
        case Compare((left, *_), (_, _, *_)) if type_of(left) == "flag":
            pairs = zip(formula.operands, formula.operators, formula.operands[1:], strict=False)
            links = tuple(Compare((a, b), (operator,)) for a, operator, b in pairs)
            return _count(choices, len(links), links, wanted, world)
        case Compare(_, (_, _, *_)):
            links = tuple(atoms(formula))
            return _count(choices, len(links), links, wanted, world)
        case Compare() | In():
            return _atom(choices, formula, wanted, world)
    raise TypeError(f"neither true nor false: {formula!r}")


def _count(choices: Choices, n: int, items: tuple[Formula, ...], wanted: bool, world: bool) -> Goal:
    """Kleene's counting: surely not n, when more than all but n surely do not."""
    goals = [surely(choices, item, wanted, world) for item in items]
    return some(n if wanted else len(items) - n + 1, goals)


def _flag(choices: Choices, name: str, wanted: bool, world: bool) -> Goal:
    """A flag reads false where it does not apply; what is so in the world is kept consistent by `applies` itself."""
    leaf = _leaf(choices, name, choices.mask(name, lambda o: (o.known or world) and o.value is wanted))
    if world or name not in choices.protocol.applies:
        return leaf
    absent = surely(choices, choices.protocol.applies[name], False)
    return some(2, [leaf, opposite(choices, absent)]) if wanted else some(1, [leaf, absent])


def _known(choices: Choices, name: str, wanted: bool) -> Goal:
    leaf = _leaf(choices, name, choices.mask(name, lambda o: o.known))
    if name in choices.protocol.applies:
        leaf = some(1, [leaf, surely(choices, choices.protocol.applies[name], False)])
    return leaf if wanted else opposite(choices, leaf)


def _atom(choices: Choices, atom: Formula, wanted: bool, world: bool) -> Goal:
    """A comparison: its fields are known, and the options of the one that is open make it so."""
    single = choices.single
    loose = [name for name in names(atom) if name not in single]
    known = [_leaf(choices, name, choices.mask(name, lambda o: o.known or world)) for name in names(atom)]
    if is_tied(atom, loose):
        return some(len(known) + 1, [*known, Tie(atom, wanted)])
    if loose:
        (name,) = loose
        fits = choices.mask(name, lambda o: evaluate(atom, {**single, name: o.value}) is wanted)
        return some(len(known) + 1, [*known, _leaf(choices, name, fits)])
    return some(len(known), known) if evaluate(atom, single) is wanted else UNMEETABLE


def _leaf(choices: Choices, name: str, mask: int) -> Goal:
    full = choices.full(name)
    return UNMEETABLE if not mask else MET if mask == full else Leaf(name, mask)


def some(n: int, goals: list[Goal]) -> Goal:
    """At least n of the goals, without those that are settled anyway."""
    n -= sum(goal == MET for goal in goals)
    parts = tuple(goal for goal in goals if goal not in (MET, UNMEETABLE))
    if n <= 0:
        return MET
    if n > len(parts):
        return UNMEETABLE
    return parts[0] if len(parts) == 1 else Some(n, parts)


def given(choices: Choices, goal: Goal, box: Mapping[str, int]) -> Goal:
    """What is left of a goal once only the options in `box` remain."""
    match goal:
        case Leaf(name, mask):
            left = box.get(name, choices.full(name))
            return UNMEETABLE if not left & mask else MET if not left & ~mask else Leaf(name, left & mask)
        case Some(n, parts):
            return some(n, [given(choices, part, box) for part in parts])
    return goal


def opposite(choices: Choices, goal: Goal) -> Goal:
    """The goal that is met exactly where this one is not."""
    match goal:
        case Leaf(name, mask):
            return Leaf(name, choices.full(name) & ~mask)
        case Tie(atom, wanted, met):  # without a division, a comparison of known values is true or false
            return Tie(atom, wanted, not met) if _divides(atom) else Tie(atom, not wanted)
    return some(len(goal.parts) - goal.n + 1, [opposite(choices, part) for part in goal.parts])


def _divides(formula: Formula) -> bool:
    divides = isinstance(formula, Arithmetic) and formula.operator == "/"
    return divides or any(_divides(child) for child in children(formula))


def fields_of(goal: Goal) -> Iterator[str]:
    """The fields a goal is about, once for each place where they stand."""
    match goal:
        case Leaf(name):
            yield name
        case Tie(atom):
            yield from names(atom)
        case Some(_, parts):
            for part in parts:
                yield from fields_of(part)
