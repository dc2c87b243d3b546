"""Values for fields that a comparison ties together, such as two dates: plain tries first, then Z3.

Fields that only meet constants never come here; their cells say all. Tried values are the ends of cells and the places
where a comparison turns; where the cheapest of them reaches the least price possible, nothing more is asked. Otherwise
Z3 finds the optimum, or that there is none; its exact decimals are judged by the reference evaluator afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

from ..expr import Formula, Value, evaluate, names
from .goals import Choices, Tie
from .options import Option, crossings, rank, unrank
from .search import Box, TooHard

TRIES = 2_000
"""Combinations of values tried before Z3 is asked."""

MILLISECONDS = 5_000
"""What Z3 may take before a question is given up."""


def settle(choices: Choices, box: Box, ties: tuple[Tie, ...]) -> tuple[int, Mapping[str, Any]] | None:
    """The cheapest values that make all ties hold, with the price of the whole box; None where there are none.

    Raises:
        TooHard: when Z3 gives up.
    """
    tied = {name: _left(choices, box, name) for tie in ties for name in names(tie.atom) if name not in choices.single}
    others = sum(
        min(option.price for option in _left(choices, box, name)) for name in box if name not in tied
    )
    least = others + sum(min(option.price for option in options) for options in tied.values())
    tried = min(_tried(choices, tied, ties), key=lambda found: found[0], default=None)
    if tried is None or others + tried[0] > least:
        tried = _solved(choices, tied, ties) if not _all_points(tied) else tried
    return tried and (others + tried[0], tried[1])


def _left(choices: Choices, box: Box, name: str) -> list[Option]:
    mask = box.get(name, choices.full(name))
    return [option for i, option in enumerate(choices.options[name]) if mask >> i & 1]


def _all_points(tied: Mapping[str, list[Option]]) -> bool:
    return all(option.cell[0] == option.cell[1] for options in tied.values() for option in options)


def _holds(tie: Tie, values: Mapping[str, Any]) -> bool:
    return (evaluate(tie.atom, values) is tie.wanted) is tie.met


def _tried(
    choices: Choices, tied: Mapping[str, list[Option]], ties: tuple[Tie, ...]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Values among the likely ones that make all ties hold, with their price."""
    likely = {name: _likely(choices, name, options) for name, options in tied.items()}
    for name, options in tied.items():
        turns = {place for tie in ties for place in _turns(choices, tie.atom, name, likely)}
        for option in options:
            inside = [place for place in sorted(turns) if option.cell[0] <= place <= option.cell[1]]
            likely[name] += [_moved(choices, name, option, place) for place in inside]
    for row in islice(product(*likely.values()), TRIES):
        values = {name: value for name, (value, _) in zip(likely, row, strict=True)}
        if all(_holds(tie, {**choices.single, **values}) for tie in ties):
            yield sum(price for _, price in row), values


def _likely(choices: Choices, name: str, options: list[Option]) -> list[tuple[Any, int]]:
    likely = [(option.value, option.price) for option in options]
    for option in options:
        if option.cell[0] < option.cell[1]:
            likely += [_moved(choices, name, option, place) for place in option.cell]
    return likely


def _moved(choices: Choices, name: str, option: Option, place: int) -> tuple[Any, int]:
    """A value at a place, or the next one that can be reached, and its price."""
    motion = choices.motions.get(name)
    if motion is None or not option.price:
        return unrank(choices.protocol.fields[name], place), option.price
    value = motion.towards(place, option.cell)
    return (option.value, option.price) if value is None else (value, motion.price(value))


def _turns(choices: Choices, atom: Formula, name: str, likely: Mapping[str, list[tuple[Any, int]]]) -> Iterator[int]:
    """Around where a comparison turns in one field, the others at likely values."""
    rest = [other for other in names(atom) if other in likely and other != name]
    if name not in names(atom):
        return
    for row in islice(product(*(likely[other] for other in rest)), 25):
        values = {**choices.single, **{other: value for other, (value, _) in zip(rest, row, strict=True)}}
        for place in crossings(atom, name, choices.protocol.fields[name], values):
            yield from (place - 1, place, place + 1)


# --- Z3 ---------------------------------------------------------------------------------------------------------------


def _solved(
    choices: Choices, tied: Mapping[str, list[Option]], ties: tuple[Tie, ...]
) -> tuple[int, dict[str, Any]] | None:
    """The cheapest values by Z3."""
    import z3

    from .. import logic as in_z3

    logic = in_z3.encode(choices.protocol, complete=True)
    optimizer = in_z3.solver(logic, optimize=True)
    optimizer.set("timeout", MILLISECONDS)
    for name in {name for tie in ties for name in names(tie.atom)} & set(choices.single):
        optimizer.add(logic.value[name] == in_z3.value_of(logic, name, choices.single[name]))
    for tie in ties:
        pair = in_z3.pair(logic, tie.atom)
        holds = pair.true if tie.wanted else pair.false
        optimizer.add(holds if tie.met else z3.Not(holds))
    optimizer.minimize(sum(_priced(logic, optimizer, choices, name, options) for name, options in tied.items()))
    answer = str(optimizer.check())
    if answer != "sat":
        if answer == "unsat":
            return None
        raise TooHard
    patient = in_z3.witness(logic, optimizer.model())
    values = {name: patient[name] for name in tied}
    if not all(_holds(tie, {**choices.single, **values}) for tie in ties):
        raise TooHard  # exact decimals hold, doubles do not
    return sum(_price_of(choices, name, options, values[name]) for name, options in tied.items()), values


def _priced(logic: Any, optimizer: Any, choices: Choices, name: str, options: list[Option]) -> Any:
    """The price of a field in Z3; the field is bound to the options on the way."""
    import z3

    from .. import logic as in_z3

    field, value, motion = choices.protocol.fields[name], logic.value[name], choices.motions.get(name)
    inside, price = [], z3.RealVal(0, logic.record.context)
    for option in sorted(options, key=lambda option: -option.price):
        low, high = (in_z3.value_of(logic, name, unrank(field, place)) for place in option.cell)
        here = z3.And(value >= low, value <= high)
        cost = z3.RealVal(option.price, logic.record.context)
        if motion and option.price:
            start = in_z3.value_of(logic, name, motion.start)
            here = z3.And(here, z3.IsInt((value - start) / in_z3.exact(float(motion.step), logic.record.context)))
            slope = z3.RealVal(str(motion.slope), logic.record.context)
            cost = motion.fixed + slope * z3.Abs(value - start)
        inside.append(here)
        price = z3.If(here, cost, price)
    optimizer.add(z3.Or(inside))
    return price


def _price_of(choices: Choices, name: str, options: list[Option], value: Any) -> int:
    place = rank(choices.protocol.fields[name], value)
    motion = choices.motions.get(name)
    free = [o.price for o in options if o.cell[0] <= place <= o.cell[1] and not (motion and o.price)]
    return min(free) if free else motion.price(value) if motion else 0
