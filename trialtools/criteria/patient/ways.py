"""Options and formulas go in; the ways come out in which the formulas can be made true or false, and the cheapest.

A *way* says which options of which fields are left. The ways of a formula are those of its parts: joined where all
parts are needed, pooled where one will do. A way is a box of options, held as a whole number with a bit for every
option of every field: two boxes are joined by `&`, and one covers another where `a | b == a`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from heapq import nsmallest
from itertools import groupby, product
from math import inf, prod
from typing import Any

from ..language import evaluate
from ..language.formula import And, AtLeast, Compare, Formula, Known, Name, Not, Or, Value, names, type_of
from ..protocol import ProtocolData
from .cells import is_tie
from .options import Option, has_few_values, options_of

Ways = dict[int, tuple[tuple[Formula, bool], ...]]
"""By box: the comparisons between several open fields that hold in it (True), and that do not (False)."""


@dataclass(frozen=True, slots=True)
class _Aim:
    """What a formula is to come out as; None is unknown.

    `world` asks what is so, known or not: declared facts hold whether or not anybody looked. In a `proof`, a comparison
    with only some values tried may have any result.
    """

    accept: tuple[bool | None, ...]
    world: bool = False
    proof: bool = False

    @property
    def opposite(self) -> _Aim:
        return replace(self, accept=tuple(None if value is None else not value for value in self.accept))


TRUE, FALSE, NOT_FALSE, HOLDS = _Aim((True,)), _Aim((False,)), _Aim((True, None)), _Aim((True, None), world=True)

_KEPT = 500
"""Ways of a formula that are kept, the cheapest; a real trial has some dozens."""

_EFFORT = 1_000_000
"""Pairs of ways that are joined or compared, and"""

_ROWS = 20_000
"""combinations of values of one comparison that are tried, before a question is given up."""


def _constraints(protocol: ProtocolData) -> dict[str, Formula]:
    """What is true of every patient, by the id of the fact, or by the flag that can be true only where it applies."""
    flags = {name: Or((Not(Name(name, "flag")), applies)) for name, applies in protocol.applies.items()}
    return protocol.fact_formulas | flags


class TooHard(Exception):
    """The question has too many answers to look at."""


class Search:
    """What is asked of a record, and everything that its facts may turn out to be.

    Args:
        protocol: with the readings that were chosen.
        known: what is on record.
        movable: a known fact may change as its field allows; else it stands.
        only: the ids of the criteria and declared facts that are asked for; without it, all.

    `dropped` is the least price of a way that was not looked at.
    """

    def __init__(
        self,
        protocol: ProtocolData,
        known: Mapping[str, Any],
        movable: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        self.protocol, self.known = protocol, known
        self.rules = {id: f for id, f in protocol.requirements.items() if only is None or id in only}
        self.facts = {id: f for id, f in _constraints(protocol).items() if only is None or id in only}
        formulas = [*self.rules.values(), *self.facts.values()]
        wanted = {name for formula in formulas for name in names(formula)}
        applies = [formula for flag, formula in protocol.applies.items() if flag in wanted]
        self.options = options_of(protocol, [*formulas, *applies], known, movable)
        self.dropped, self.effort = inf, _EFFORT
        self._used: dict[int, tuple[str, ...]] = {}
        self.shift: dict[str, int] = {}
        self.full = self.free = self.guard = place = 0
        for name, options in self.options.items():  # one bit more for each field shows whether an option is left
            self.shift[name] = place
            self.full |= (1 << len(options)) - 1 << place
            self.free |= sum(1 << i for i, option in enumerate(options) if not option.price) << place
            self.guard |= 1 << (place := place + len(options))
            place += 1

    @cached_property
    def ways_to_pass(self) -> dict[str, Ways]:
        """The ways in which each criterion passes."""
        return {id: self.ways(formula, TRUE) for id, formula in self.rules.items()}

    @cached_property
    def ways_to_hold(self) -> dict[str, Ways]:
        """The ways in which each declared fact is not broken."""
        return {id: self.ways(formula, HOLDS) for id, formula in self.facts.items()}

    # --- the ways of a formula ----------------------------------------------------------------------------------------

    def ways(self, formula: Formula, aim: _Aim) -> Ways:
        """The ways in which a formula comes out as one of what is accepted."""
        match formula:
            case Value(value):
                return {self.full: ()} if value in aim.accept else {}
            case Not(item):
                return self.ways(item, aim.opposite)
            case And(items) | Or(items) | AtLeast(_, items):
                return self._at_least(formula.n, items, aim)
            case Name(name):
                ways = self._where(name, lambda o: (o.value if o.known or aim.world else None) in aim.accept)
                return ways if aim.world else self._where_applies(name, ways, aim)
            case Known(name):
                ways = self._where(name, lambda option: option.known in aim.accept)
                return self._where_applies(name, ways, aim.opposite)
            case Compare((left, right), (operator,)) if type_of(left) == "flag":
                same = Or((And((left, right)), And((Not(left), Not(right)))))
                return self.ways(same, aim if operator == "==" else aim.opposite)
            case Compare(_, operators) if len(operators) > 1:
                return self.ways(And(tuple(Compare((a, b), (sign,)) for a, sign, b in formula.links)), aim)
        return self._comparison(formula, aim)

    def _at_least(self, n: int, items: Collection[Formula], aim: _Aim) -> Ways:
        """Kleene's counting, one item after the other; fewer than n are true where more than all but n are not."""
        n = n if True in aim.accept else len(items) - n + 1
        reached: list[Ways] = [{self.full: ()}, *({} for _ in range(n))]
        before = 0
        for left, item in zip(range(len(items), 0, -1), items, strict=True):
            ways = self.ways(item, aim)
            apart = self.full not in ways and not before & self._fields(ways)  # then no way can cover another
            before |= self._fields(ways)
            for k in range(n, max(0, n - left), -1):
                reached[k] |= self._join(reached[k - 1], ways)
                reached[k] = reached[k] if apart else self._prune(reached[k])
        return reached[n]

    def _where_applies(self, flag: str, ways: Ways, aim: _Aim) -> Ways:
        """A flag reads false where it does not apply."""
        if flag not in self.protocol.applies:
            return ways
        applies = self.protocol.applies[flag]
        if True in aim.accept:
            return self._prune(self._join(ways, self.ways(applies, replace(NOT_FALSE, proof=aim.proof))))
        return self._prune(ways | self.ways(applies, replace(FALSE, proof=aim.proof)))

    def _comparison(self, atom: Formula, aim: _Aim) -> Ways:
        """The values of its fields with which a comparison comes out right: the reference evaluator says so."""
        loose = [name for name in names(atom) if len(self.options[name]) > 1]
        tie = is_tie(atom, loose)
        if aim.proof and tie and not all(has_few_values(self.protocol.fields[name]) for name in loose):
            return {self.full: ()}
        values = {name: self._by_value(name, aim.world) for name in names(atom)}
        if prod(map(len, values.values())) > _ROWS:
            raise TooHard
        *others, last = sorted(values, key=lambda name: len(values[name]))
        ties = ((atom, True in aim.accept),) if tie else ()
        ways: Ways = {}
        for row in product(*(values[name].items() for name in others)):
            known = {name: value for name, (value, _) in zip(others, row, strict=True)}
            fits = [box for value, box in values[last].items() if evaluate(atom, {**known, last: value}) in aim.accept]
            if fits:
                ways[reduce(int.__and__, (box for _, box in row), reduce(int.__or__, fits))] = ties
        if None in aim.accept and not aim.world:
            for name in values:
                ways |= self._where(name, lambda option: not option.known)
        return self._prune(self._keep_cheapest(ways))

    def _by_value(self, name: str, world: bool) -> dict[Any, int]:
        """By value that a comparison may see: the way that leaves the options with it."""
        left = {option.value: 0 for option in self.options[name] if option.known}
        for place, option in enumerate(self.options[name]):
            if option.value in left and (option.known or world):
                left[option.value] |= 1 << place
        return {value: self._only(name, places) for value, places in left.items()}

    def _where(self, name: str, keep: Callable[[Option], bool]) -> Ways:
        """The way that leaves some options of one field, and all of every other."""
        box = self._only(name, sum(1 << place for place, option in enumerate(self.options[name]) if keep(option)))
        return {box: ()} if self._is_possible(box) else {}

    def _only(self, name: str, places: int) -> int:
        """The way that leaves of one field the options at some places, a bit for each."""
        return self.full ^ ((1 << len(self.options[name])) - 1 ^ places) << self.shift[name]

    def _is_possible(self, box: int) -> bool:
        """Whether every field has an option left."""
        return (box + self.full) & self.guard == self.guard

    # --- of several ways ----------------------------------------------------------------------------------------------

    def _join(self, first: Ways, second: Ways) -> Ways:
        """The ways that are in both."""
        self._spend(len(first) * len(second))
        joined: Ways = {}
        for (a, ties), (b, more) in product(first.items(), second.items()):
            if self._is_possible(a & b):
                joined.setdefault(a & b, ties + tuple(tie for tie in more if tie not in ties))
        return joined

    def _spend(self, effort: int) -> None:
        self.effort -= effort
        if self.effort < 0:
            raise TooHard

    def _prune(self, ways: Ways) -> Ways:
        """Without the ways that others cover."""
        minimal: list[int] = []
        for _, group in groupby(sorted(ways, key=int.bit_count, reverse=True), key=int.bit_count):
            boxes = list(group)
            self._spend(len(boxes) * len(minimal))
            minimal += [box for box in boxes if all(box | other != other for other in minimal)]
        return {box: ways[box] for box in minimal}

    def _keep_cheapest(self, ways: Ways) -> Ways:
        """Of too many ways the cheapest."""
        if len(ways) <= _KEPT:
            return ways
        *boxes, beyond = nsmallest(_KEPT + 1, ways, key=self.price)
        self.dropped = min(self.dropped, self.price(beyond))
        return {box: ways[box] for box in boxes}

    def groups(self, goals: Iterable[Ways]) -> list[Ways]:
        """The goals joined where they share a field, so that ways of different groups do not touch each other."""
        groups: list[tuple[int, list[Ways]]] = []
        for goal in map(self._keep_cheapest, goals):
            about, members = self._fields(goal), [goal]
            for group in [group for group in groups if group[0] & about]:
                groups.remove(group)
                about, members = about | group[0], [*group[1], *members]
            groups.append((about, members))
        return [self._all_of(members) for _, members in groups]

    def _all_of(self, goals: list[Ways]) -> Ways:
        return reduce(lambda a, b: self._prune(self._keep_cheapest(self._join(a, b))), sorted(goals, key=len))

    def _fields(self, ways: Ways) -> int:
        """The fields with an option that some way leaves out, a bit for each."""
        lost = reduce(int.__or__, (self.full ^ box for box in ways), 0)
        return (lost + self.full) & self.guard

    def cheapest(self, goals: Iterable[Ways], limit: int = 1) -> Ways:
        """The cheapest ways to meet all goals, in order; none pays for all the fields that another pays for."""
        ways: Ways = {self.full: ()}
        for group in self.groups(goals):
            pairs = product(ways.items(), self.minimal(group, limit).items())
            both = {a & b: ties + more for (a, ties), (b, more) in pairs}
            ways = {box: both[box] for box in nsmallest(limit, both, key=self.price)}
        return ways

    def minimal(self, ways: Ways, limit: int) -> Ways:
        """The cheapest ways, in order; none pays for all the fields that another pays for."""
        smallest: dict[int, frozenset[str]] = {}
        for box in sorted(ways, key=self.price):
            costly = frozenset(self.costly_fields(box))
            if len(smallest) < limit and not any(other <= costly for other in smallest.values()):
                smallest[box] = costly
        return {box: ways[box] for box in smallest}

    def is_complete(self, ways: Ways, limit: int = 1) -> bool:
        """Whether nothing was left out that would have been found."""
        return self.dropped == inf or (len(ways) == limit and max(map(self.price, ways)) <= self.dropped)

    def conflict(self, ids: Iterable[str]) -> bool:
        """Whether it is proved that criteria and declared facts cannot be met together."""
        return not self.cheapest(self._proofs[id] for id in ids) and self.dropped == inf

    @cached_property
    def _proofs(self) -> dict[str, Ways]:
        facts = {id: self.ways(formula, replace(HOLDS, proof=True)) for id, formula in self.facts.items()}
        return facts | {id: self.ways(formula, replace(TRUE, proof=True)) for id, formula in self.rules.items()}

    # --- of one way ---------------------------------------------------------------------------------------------------

    def costly_fields(self, box: int) -> tuple[str, ...]:
        """The fields that cost something: none of the options that are left is free."""
        paid = self.guard & ~((box & self.free) + self.full)
        if paid not in self._used:
            at = {name: shift + len(self.options[name]) for name, shift in self.shift.items()}
            self._used[paid] = tuple(name for name in self.options if paid >> at[name] & 1)
        return self._used[paid]

    def price(self, box: int) -> int:
        """The least price of a way."""
        return sum(self.cheapest_option(box, name).price for name in self.costly_fields(box))

    def patient(self, box: int) -> dict[str, Any]:
        """The record with values that will do for the fields that a way pays for."""
        return {**self.known, **{name: self.cheapest_option(box, name).value for name in self.costly_fields(box)}}

    def options_left(self, box: int, name: str) -> list[Option]:
        """The options of a field that are left."""
        return [option for i, option in enumerate(self.options[name]) if box >> self.shift[name] + i & 1]

    def cheapest_option(self, box: int, name: str) -> Option:
        """The first of the cheapest options of a field."""
        return min(self.options_left(box, name), key=lambda option: option.price)
