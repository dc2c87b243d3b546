"""Values for fields that a comparison ties together, such as two dates: by trying them out, else by Z3.

Fields that only meet constants never come here; their cells say all. Of tied fields all values are tried, cheapest
first, but for one that may have any number of them: with the others fixed, its cells say all again. Where there are
too many values, likely ones are tried, and Z3 is asked unless those reach the least price there can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from math import prod
from typing import Any

from ..language import evaluate, names
from .goals import Choices, Tie
from .options import Option, crossings, is_tied, rank, reach, step_of, typical, unrank
from .search import Box, TooHard, apart

VALUES = 500
"""Values of one field that are tried, and"""

ROWS = 20_000
"""combinations of values; of those for which the last field has to be worked out, as many as `VALUES`."""

MILLISECONDS = 3_000
"""What Z3 may take before a question is given up."""

Priced = tuple[int, Any]
Found = tuple[int, dict[str, Any]] | None
"""A price and values; None where there are none."""


def settle(choices: Choices, box: Box, ties: tuple[Tie, ...]) -> tuple[int, Box, Mapping[str, Any]] | None:
    """The cheapest values that make all ties hold, the box around them and its price; None where there are none.

    Raises:
        TooHard: when Z3 gives up.
    """
    loose = [[name for name in names(tie.atom) if name not in choices.single] for tie in ties]
    tied = {name: _left(choices, box, name) for inside in loose for name in inside}
    price = sum(min(o.price for o in _left(choices, box, name)) for name in box if name not in tied)
    values: dict[str, Any] = {}
    for group in apart(loose):
        here = {name: tied[name] for place in group for name in loose[place]}
        found = _settled(choices, here, tuple(ties[place] for place in group))
        if found is None:
            return None
        price, values = price + found[0], values | found[1]
    return price, {**box, **_narrowed(choices, tied, values)}, values


def _settled(choices: Choices, tied: Mapping[str, list[Option]], ties: tuple[Tie, ...]) -> Found:
    """The cheapest values for fields that hang together."""
    least = sum(min(option.price for option in options) for options in tied.values())
    values = {name: _all_values(choices, name, options) for name, options in tied.items()}
    last = next((name for name, found in values.items() if found is None and _stands_once(name, ties)), None)
    lists = {n: found or _likely(choices, n, tied[n]) for n, found in values.items() if n != last}
    sure = all(found is not None for name, found in values.items() if name != last)
    sure = sure and prod(map(len, lists.values())) <= (ROWS if last is None else VALUES)
    found = _tried(choices, lists, last, tied, ties)
    return found if sure or (found and found[0] == least) else _solved(choices, tied, ties, found)


def _narrowed(choices: Choices, tied: Mapping[str, list[Option]], values: Mapping[str, Any]) -> Box:
    """The one option of each field that holds its value."""
    narrowed = {}
    for name, options in tied.items():
        place = rank(choices.protocol.fields[name], values[name])
        here = min((o for o in options if o.cell[0] <= place <= o.cell[1]), key=lambda option: option.price)
        narrowed[name] = 1 << choices.options[name].index(here)
    return narrowed


def _left(choices: Choices, box: Box, name: str) -> list[Option]:
    mask = box.get(name, choices.full(name))
    return [option for i, option in enumerate(choices.options[name]) if mask >> i & 1]


def _stands_once(name: str, ties: tuple[Tie, ...]) -> bool:
    return not any(is_tied(tie.atom, [name]) for tie in ties)


def _holds(tie: Tie, values: Mapping[str, Any]) -> bool:
    return (evaluate(tie.atom, values) is tie.wanted) is tie.met


def _tried(
    choices: Choices,
    lists: Mapping[str, list[Priced]],
    last: str | None,
    tied: Mapping[str, list[Option]],
    ties: tuple[Tie, ...],
) -> Found:
    """The cheapest of the listed values that make all ties hold, with what then suits the last field."""
    found: Found = None
    rows = [(sum(price for price, _ in row), row) for row in islice(product(*lists.values()), ROWS)]
    rows.sort(key=lambda row: row[0])
    for price, row in rows if last is None else rows[:VALUES]:
        if found and price >= found[0]:
            break
        values = {**choices.single, **{name: value for name, (_, value) in zip(lists, row, strict=True)}}
        ends = [(0, {})] if last is None else _ends(choices, last, tied[last], ties, values)
        for more, end in ends:
            if (not found or price + more < found[0]) and all(_holds(tie, values | end) for tie in ties):
                found = price + more, {name: (values | end)[name] for name in tied}
    return found


def _ends(
    choices: Choices, name: str, options: list[Option], ties: tuple[Tie, ...], values: Mapping[str, Any]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """One value of the last field for every run of values that no tie can tell apart."""
    field, motion = choices.protocol.fields[name], choices.motions.get(name)
    cuts = sorted({place for tie in ties for place in crossings(tie.atom, name, field, values)})
    for option in options:
        edges = [option.cell[0], *(p for p in cuts if option.cell[0] < p <= option.cell[1]), option.cell[1] + 1]
        for cell in zip(edges, (edge - 1 for edge in edges[1:]), strict=False):
            if motion is None or not option.price:
                yield option.price, {name: typical(field, cell)}
            elif (value := reach(field, motion.start, cell)) is not None:
                yield motion.price(value), {name: value}


def _all_values(choices: Choices, name: str, options: list[Option]) -> list[Priced] | None:
    """Every value that the options of a field hold, with its price; None where they are too many."""
    field, motion = choices.protocol.fields[name], choices.motions.get(name)
    found: list[Priced] = []
    for option in options:
        low, high = option.cell
        if low == high:
            found.append((option.price, option.value))
        elif motion is not None:
            values = list(islice(motion.values(option.cell), VALUES + 1))
            found += [(motion.price(value), value) for value in values]
        elif high - low > VALUES:
            return None
        else:
            found += [(option.price, unrank(field, place)) for place in range(low, high + 1)]
    return found if len(found) <= VALUES else None


def _likely(choices: Choices, name: str, options: list[Option]) -> list[Priced]:
    """The values that stand for the options, and the ends of those that are not yet on record."""
    likely = [(option.price, option.value) for option in options]
    if name not in choices.motions:
        ends = [(option.price, place) for option in options for place in option.cell]
        likely += [(price, unrank(choices.protocol.fields[name], place)) for price, place in ends]
    return likely


# --- Z3 ---------------------------------------------------------------------------------------------------------------


def _solved(choices: Choices, tied: Mapping[str, list[Option]], ties: tuple[Tie, ...], tried: Found) -> Found:
    """The cheapest values by Z3, or what was tried where that is as cheap."""
    import z3

    from .. import proofs as in_z3

    logic = in_z3.encode(choices.protocol, complete=True)
    optimizer = in_z3.solver(logic, optimize=True)
    optimizer.set("timeout", MILLISECONDS)
    for name in {name for tie in ties for name in names(tie.atom)} & set(choices.single):
        optimizer.add(logic.value[name] == in_z3.value_of(logic, name, choices.single[name]))
    for tie in ties:
        pair = in_z3.pair(logic, tie.atom)
        holds = pair.true if tie.wanted else pair.false
        optimizer.add(holds if tie.met else z3.Not(holds))
    prices = [_priced(logic, optimizer, choices, name, options) for name, options in tied.items()]
    optimizer.minimize(z3.Sum(prices))
    answer = str(optimizer.check())
    if answer == "unsat":
        return tried
    if answer != "sat":
        raise TooHard
    patient = in_z3.witness(logic, optimizer.model())
    values = {name: patient[name] for name in tied}
    price = sum(_price_of(choices, name, options, values[name]) for name, options in tied.items())
    if tried and tried[0] <= price:
        return tried
    if not all(_holds(tie, {**choices.single, **values}) for tie in ties):
        raise TooHard  # exact decimals hold, doubles do not
    return price, values


def _priced(logic: Any, optimizer: Any, choices: Choices, name: str, options: list[Option]) -> Any:
    """The price of a field in Z3; the field is bound to the options on the way."""
    import z3

    from .. import proofs as in_z3
    from ..proofs.kleene import exact

    field, value, motion = choices.protocol.fields[name], logic.value[name], choices.motions.get(name)
    inside, price = [], z3.RealVal(0, logic.record.context)  # of a value in none of the options, which is ruled out
    for option in sorted(options, key=lambda option: -option.price):
        low, high = (in_z3.value_of(logic, name, unrank(field, place)) for place in option.cell)
        here = z3.And(value >= low, value <= high)
        cost = z3.RealVal(option.price, logic.record.context)
        if motion and option.price:
            start = in_z3.value_of(logic, name, motion.start)
            here = z3.And(here, z3.IsInt((value - start) / exact(float(step_of(field)), logic.record.context)))
            slope = z3.RealVal(str(motion.slope), logic.record.context)
            cost = z3.Sum(z3.RealVal(motion.fixed, logic.record.context), slope * z3.Abs(value - start))
        inside.append(here)
        price = z3.If(here, cost, price)
    optimizer.add(z3.Or(inside))
    return price


def _price_of(choices: Choices, name: str, options: list[Option], value: Any) -> int:
    place = rank(choices.protocol.fields[name], value)
    motion = choices.motions.get(name)
    free = [o.price for o in options if o.cell[0] <= place <= o.cell[1] and not (motion and o.price)]
    return min(free) if free else motion.price(value) if motion else 0
