"""Goals and options go in; the cheapest ways to meet all the goals come out, one after the other.

A best-first search (A*) over *boxes*: for each field, the options that are left. A goal with alternatives branches; the
estimate of what open goals will still cost never exceeds the truth, so that the first way found is the cheapest.

Source: Hart, Nilsson and Raphael, A formal basis for the heuristic determination of minimum cost paths (1968).
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from .goals import Choices, Goal, Leaf, Some, Tie, fields_of

Box = dict[str, int]
"""By field that plays a part so far, the mask of the options that are left."""

EFFORT = 50_000
"""Goals weighed after which a search is given up, a second's work; a real trial takes a few thousand."""

Settle = Callable[[Choices, Box, tuple[Tie, ...]], "tuple[int, Box, Mapping[str, Any]] | None"]
"""The box around the values that tied fields take, its price, and these values; None where there are none."""


class TooHard(Exception):
    """The search was given up; what was found until then holds, but there may be more."""


class Way(NamedTuple):
    """One way to meet the goals: its price, the fields that cost something, what is left of each, ties and values."""

    price: int
    used: frozenset[str]
    box: Box
    ties: tuple[Tie, ...]
    tied: Mapping[str, Any]


class _State(NamedTuple):
    """A box with the goals that are still open. Ordered: cheap first, then what is nearly done, then what is new."""

    estimate: float
    open: int
    serial: int
    box: Box
    ties: tuple[Tie, ...]
    pending: tuple[tuple[Goal, float], ...]
    tied: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Prices:
    """The least price of every mask, and in how many places each field is asked for."""

    choices: Choices
    shares: Counter[str]
    full: dict[str, int]
    memo: dict[tuple[str, int], int] = field(default_factory=dict)

    def of(self, name: str, mask: int) -> int:
        if (name, mask) not in self.memo:
            options = self.choices.options[name]
            self.memo[name, mask] = min(option.price for i, option in enumerate(options) if mask >> i & 1)
        return self.memo[name, mask]

    def box(self, box: Box) -> int:
        return sum(self.of(name, mask) for name, mask in box.items())


def best(choices: Choices, goals: Iterable[Goal], settle: Settle, limit: int = 1) -> list[Way]:
    """The cheapest ways to meet all goals, each with a set of used fields that contains none of the others.

    Goals that share no field are looked at apart, and their ways put together afterwards.

    Raises:
        TooHard: when the search is given up.
    """
    goals = list(goals)
    joined = [Way(0, frozenset(), {}, (), {})]
    for places in apart(fields_of(goal) for goal in goals):
        found = list(islice(ways(choices, [goals[place] for place in places], settle), limit))
        pairs = [(a, b) for a in joined for b in found]
        pairs.sort(key=lambda pair: pair[0].price + pair[1].price)
        joined = [
            Way(a.price + b.price, a.used | b.used, a.box | b.box, a.ties + b.ties, {**a.tied, **b.tied})
            for a, b in pairs[:limit]
        ]
    return joined


def apart(fields: Iterable[Iterable[str]]) -> list[list[int]]:
    """The positions of what shares a field, directly or through others, in groups, in the order of the first ones."""
    groups: list[tuple[set[str], list[int]]] = []
    for place, names in enumerate(fields):
        about, inside = set(names), [place]
        for group in [group for group in groups if group[0] & about]:
            groups.remove(group)
            about, inside = group[0] | about, group[1] + inside
        groups.append((about, sorted(inside)))
    return [inside for _, inside in groups]


def ways(choices: Choices, goals: Iterable[Goal], settle: Settle, effort: int = EFFORT) -> Iterator[Way]:
    """The ways to meet all goals, cheapest first, each with a set of used fields that contains none found before.

    Args:
        choices: the options of every field; the one of price zero is what happens by itself.
        goals: all of them to be met; those that decide the price first.
        settle: finds values for fields that a comparison ties together.
        effort: the number of goals to weigh.

    Raises:
        TooHard: when `effort` is spent.
    """
    goals = list(goals)
    shares = Counter(name for goal in goals for name in fields_of(goal))
    prices = _Prices(choices, shares, {name: choices.full(name) for name in choices.options})
    start = _advanced(prices, goals, {}, (), ())
    heap, found, serial = [start] if start else [], [], 0
    while heap:
        state = heapq.heappop(heap)
        used = frozenset(name for name, mask in state.box.items() if prices.of(name, mask))
        if any(earlier <= used for earlier in found):
            continue
        if not state.pending and (state.tied is not None or not state.ties):
            found.append(used)
            yield Way(int(state.estimate), used, state.box, state.ties, state.tied or {})
            continue
        if (effort := effort - len(state.pending) - 1) < 0:
            raise TooHard
        for child in reversed([*_branches(prices, state, settle)]):
            serial -= 1
            heapq.heappush(heap, child._replace(serial=serial))


def _branches(prices: _Prices, state: _State, settle: Settle) -> Iterator[_State]:
    """What can be done next: the alternatives of the first open goal, or values for what is tied together."""
    if not state.pending:
        settled = settle(prices.choices, state.box, state.ties)
        if settled is not None:
            yield state._replace(estimate=settled[0], box=settled[1], tied=settled[2])
        return
    (goal, _), *rest = state.pending
    assert isinstance(goal, Some)
    if _is_met(prices, goal, state.box):
        alternatives: list[list[Goal]] = [[]]
    elif goal.n == 1:
        alternatives = [[part] for part in goal.parts]
    else:  # either the first part is among them, or the others have to do without it
        first, others = goal.parts[0], goal.parts[1:]
        alternatives = [[first, Some(goal.n - 1, others)], [Some(goal.n, others)]]
    for new in alternatives:
        child = _advanced(prices, new, state.box, state.ties, tuple(rest))
        if child is not None:
            yield child


def _advanced(
    prices: _Prices, new: list[Goal], box: Box, ties: tuple[Tie, ...], pending: tuple[tuple[Goal, float], ...]
) -> _State | None:
    """The state once the new goals without alternatives are met; None where they cannot be."""
    box, branching, changed = dict(box), [], set()
    todo = list(reversed(new))
    while todo:
        goal = todo.pop()
        if isinstance(goal, Leaf):
            before = box.get(goal.name, prices.full[goal.name])
            if not before & goal.mask:
                return None
            box[goal.name] = before & goal.mask
            changed |= {goal.name} if before & goal.mask != before else set()
        elif isinstance(goal, Tie):
            if Tie(goal.atom, not goal.wanted) in ties and goal.met:
                return None
            ties = (*ties, goal)
        elif goal.n >= len(goal.parts):
            if goal.n > len(goal.parts):
                return None
            todo.extend(reversed(goal.parts))
        else:
            branching.append(goal)
    opened = [(goal, _estimate(prices, goal, box)) for goal in branching]
    opened += [(goal, _estimate(prices, goal, box) if changed & _about(goal) else h) for goal, h in pending]
    estimate = prices.box(box) + sum(h for _, h in opened)
    return None if estimate == math.inf else _State(estimate, len(opened), 0, box, ties, tuple(opened))


def _about(goal: Goal) -> set[str]:
    return set(fields_of(goal))


def _estimate(prices: _Prices, goal: Goal, box: Box) -> float:
    """At least what a goal will still cost: a field that several places ask for is shared out among them."""
    if isinstance(goal, Leaf):
        before = box.get(goal.name, prices.full[goal.name])
        if not (after := before & goal.mask):
            return math.inf
        more = prices.of(goal.name, after) - prices.of(goal.name, before)
        return more // prices.shares[goal.name] if more else 0
    if isinstance(goal, Tie):
        return 0
    if goal.n > len(goal.parts):
        return math.inf
    parts = [_estimate(prices, part, box) for part in goal.parts]
    return min(parts) if goal.n == 1 else sum(sorted(parts)[: goal.n])


def _is_met(prices: _Prices, goal: Goal, box: Box) -> bool:
    """Whether every option that is left meets a goal already."""
    if isinstance(goal, Leaf):
        return not box.get(goal.name, prices.full[goal.name]) & ~goal.mask
    if isinstance(goal, Tie):
        return False
    return sum(_is_met(prices, part, box) for part in goal.parts) >= goal.n
