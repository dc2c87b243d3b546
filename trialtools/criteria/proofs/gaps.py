"""Limits on numbers: a value that no limit takes in, and a limit that leaves out its own value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import z3

from ..language import NUMERIC, And, Compare, Formula, Name, Not, Value, children, evaluate, words
from ..protocol import Field
from . import value_of
from .finding import Finding, named, quotes_of
from .prover import Desk, agreed, because, patient, possible, says, states

TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Limit:
    """A comparison of a field with a number, as the criterion needs it: an exclusion is turned round."""

    criterion: str
    field: str
    operator: str
    number: float


def limits(desk: Desk) -> tuple[Limit, ...]:
    """Every comparison of a field with a number in the criteria, each once."""
    required = desk.protocol.requirements.items()
    return tuple(dict.fromkeys(Limit(id, *link) for id, formula in required for link in _links(formula, True)))


def _links(formula: Formula, positive: bool) -> Iterator[tuple[str, str, float]]:
    if isinstance(formula, Not):
        yield from _links(formula.item, not positive)
        return
    if isinstance(formula, Compare):
        sides = formula.operands
        for left, operator, right in zip(sides, formula.operators, sides[1:], strict=False):
            if isinstance(left, Value):
                left, operator, right = right, TURNED[operator], left
            match left, right:
                case Name(name, type), Value(int() | float() as number) if type in NUMERIC:
                    yield name, operator if positive else NEGATED[operator], number
        return
    for child in children(formula):
        yield from _links(child, positive)


def boundaries(desk: Desk, gaps: tuple[Finding, ...] = ()) -> Iterator[Finding]:
    """Strict limits that decide: a patient on the limit fails for it alone, with the next value the same one passes.

    Args:
        desk: from `sit_down`.
        gaps: already told; limits that meet in one of them are not told again.
    """
    told = {gap.id for gap in gaps}
    for limit in limits(desk):
        if limit.operator in ("<", ">") and f"gap:{limit.field}:{limit.number:g}" not in told:
            finding = _boundary(desk, limit)
            if finding is not None:
                yield finding


def _boundary(desk: Desk, limit: Limit) -> Finding | None:

    protocol, field = desk.protocol, desk.protocol.fields[limit.field]
    following = _next(field, limit)
    if following is None:
        return None
    here, there = (value_of(desk.logic, limit.field, number) for number in (limit.number, following))
    value = desk.logic.value[limit.field]
    others = [claim for id, claim in desk.passes.items() if id != limit.criterion]
    moved = z3.substitute(z3.And(list(desk.passes.values())), (value, there))
    on_it = patient(desk, [value == here, desk.pairs[limit.criterion].false, *others, desk.complete, moved])
    if on_it is None:
        return None
    past_it = {**on_it, limit.field: following}
    expected = {id: id != limit.criterion for id in desk.passes}
    passes = all(state is True for state in states(desk, past_it).values())
    if not agreed(desk, on_it.get(limit.field) == limit.number and states(desk, on_it) == expected and passes, on_it):
        return None
    sign = "above" if limit.operator == ">" else "below"
    at, past = _shown(field, limit.number), _shown(field, following)
    return Finding(
        id=f"boundary:{limit.criterion}:{limit.field}{limit.operator}{limit.number:g}",
        kind="boundary",
        severity="note",
        sentence=f"{field.label}: only values {sign} {at} count in {named(protocol, limit.criterion)}; {at} itself "
        f"does not. A patient at {at} can fail for this alone; the same patient at {past} is eligible.",
        criteria=(limit.criterion,),
        quotes=quotes_of(protocol, (limit.criterion,), f"{field.label} {limit.number:g}"),
        witness=on_it,
        beside=past_it,
    )


def _next(field: Field, limit: Limit) -> float | None:
    """The next value past a limit: a whole number, a step, or one in the last written digit.

    None where the limit is no value that the field can have, or nothing lies past it.
    """
    number = Decimal(repr(limit.number))
    step = Decimal(1) if field.type == "integer" else Decimal(repr(field.step)) if field.step else None
    if step is None:
        exponent = number.as_tuple().exponent
        step = Decimal(1).scaleb(min(int(exponent), 0))
    following = number + step if limit.operator == ">" else number - step
    low, high = field.limits
    if number % step or not (low <= number <= high and low <= following <= high):
        return None
    return int(following) if following == int(following) else float(following)


def _shown(field: Field, number: float) -> str:
    unit = field.unit or ""
    return f"{number:g}{'' if unit.startswith('/') or not unit else ' '}{unit}"


def gaps(desk: Desk) -> Iterator[Finding]:
    """Values of a field for which nobody can be eligible, though somebody can below them and above them."""
    found = limits(desk)
    for name in dict.fromkeys(limit.field for limit in found):
        numbers = sorted({limit.number for limit in found if limit.field == name})
        meant = {limit.number for limit in found if limit.field == name and limit.operator == "!="}
        for low, high in _holes(desk, name, numbers):
            if low != high or numbers[low // 2] not in meant:
                yield _gap(desk, name, numbers, low, high)


def _holes(desk: Desk, name: str, numbers: list[float]) -> Iterator[tuple[int, int]]:
    """Runs of stretches with nobody in them between two with somebody; a stretch without any value is passed over."""
    passing = [*desk.passes.values(), desk.on_step]
    start, last, seen = None, 0, False
    for n in range(2 * len(numbers) + 1):
        inside = says(desk, _stretch(desk, name, numbers, n, n)).true
        if not possible(desk, [inside, desk.on_step]):
            continue
        if possible(desk, [inside, *passing]):
            if start is not None:
                yield start, last
            start, seen = None, True
        elif seen:
            start, last = (n if start is None else start), n


def _stretch(desk: Desk, name: str, numbers: list[float], low: int, high: int) -> Formula:
    """Stretch 0 lies below the first number, 1 is that number, 2 lies between it and the second, and so on."""
    field = Name(name, desk.protocol.fields[name].type)
    if low == high and low % 2:
        return Compare((field, Value(numbers[low // 2])), ("==",))
    from_it = [(">=" if low % 2 else ">", numbers[(low - 1) // 2])] if low else []
    to_it = [("<=" if high % 2 else "<", numbers[high // 2])] if high < 2 * len(numbers) else []
    return And(tuple(Compare((field, Value(number)), (operator,)) for operator, number in (*from_it, *to_it)))


def _gap(desk: Desk, name: str, numbers: list[float], low: int, high: int) -> Finding:
    protocol, field = desk.protocol, desk.protocol.fields[name]
    hole = _stretch(desk, name, numbers, low, high)
    proof = because(desk, [says(desk, hole).true, desk.on_step], desk.passes)
    criteria = proof.criteria if proof else ()
    outside = ((0, low - 1), (high + 1, 2 * len(numbers)))
    sides = [_eligible(desk, _stretch(desk, name, numbers, *side)) for side in outside]
    point = low == high and low % 2 == 1
    at = f"{numbers[low // 2]:g}" if point else f"{numbers[(low - 1) // 2]:g}-{numbers[high // 2]:g}"
    by = f" {named(protocol, *criteria)} {'leaves' if len(criteria) == 1 else 'leave'} this out." if criteria else ""
    return Finding(
        id=f"gap:{name}:{at}",
        kind="gap",
        severity="finding" if point else "note",
        sentence=f"Nobody can be eligible where {words(hole, protocol.fields)}, though others can below and above.{by}",
        criteria=criteria,
        quotes=quotes_of(protocol, criteria, field.label),
        witness=sides[0],
        beside=sides[1],
        no_patient=True,
    )


def _eligible(desk: Desk, where: Formula) -> dict | None:
    found = patient(desk, [says(desk, where).true, *desk.passes.values()])
    if found is None:
        return None
    passes = all(state is True for state in states(desk, found).values())
    return found if agreed(desk, passes and evaluate(where, desk.protocol.facts_of(found)) is True, found) else None
