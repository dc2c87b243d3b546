"""Limits on numbers: a value that no limit takes in, and a limit that leaves out its own value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

import z3

from ..language import NUMERIC, And, Compare, Formula, Name, Value, evaluate, words
from ..language.comparisons import Limit, limits
from ..patient.tree import decision, state_by_criterion
from ..protocol import Field
from .finding import EVERYBODY, Finding, finding_for, titles
from .prover import Prover


def _limits_needed(prover: Prover) -> dict[str, list[Limit]]:
    """By criterion, its comparisons of a field with a number, each once, as they must come out to pass it."""
    needed = {}
    for id, formula in prover.protocol.requirements.items():
        of_fields = [limit for limit in limits(formula) if limit.needed and _field(limit)]
        needed[id] = list({(_field(limit), limit.needed, limit.number): limit for limit in of_fields}.values())
    return needed


def _field(limit: Limit) -> str:
    """The field that is compared, of numbers."""
    subject = limit.subject
    return subject.name if isinstance(subject, Name) and subject.type in NUMERIC else ""


def limits_left_out(prover: Prover, earlier: Collection[Finding]) -> Iterator[Finding]:
    """Strict limits that decide: a patient on the limit fails for it alone, with the next value the same one passes.

    Args:
        prover: from `prover_for`.
        earlier: the gaps; limits that meet in one of them are not named again.
    """
    known_gaps = {gap.id for gap in earlier}
    for id in prover.each("whether limits of {} leave out their own value", {id: id for id in prover.truths}):
        for limit in _limits_needed(prover)[id]:
            if limit.needed in ("<", ">") and f"gap:{_field(limit)}:{limit.number:g}" not in known_gaps:
                yield from _boundary(prover, id, limit)


def _boundary(prover: Prover, id: str, limit: Limit) -> Iterator[Finding]:
    protocol, name = prover.protocol, _field(limit)
    field = protocol.fields[name]
    following = _next(field, limit)
    if following is None:
        return
    here, there = (prover.logic.value_of(name, number) for number in (limit.number, following))
    others = [claim for other, claim in prover.passes.items() if other != id]
    everybody = z3.And(*prover.passes.values(), *prover.facts.values())
    moved = z3.substitute(everybody, (prover.logic.value[name], there))
    claims = [prover.logic.value[name] == here, prover.truths[id].false, *others, *prover.facts.values()]

    def judge(record: dict[str, Any]) -> bool:
        states = state_by_criterion(protocol, protocol.facts_of(record))
        fails_alone = [other for other, state in states.items() if state != "pass"] == [id] and states[id] == "fail"
        return fails_alone and decision(protocol, {**record, name: following}) == "eligible"

    on_it = prover.patient([*claims, prover.complete, moved], judge)
    if on_it is None:
        return
    side = "above" if limit.needed == ">" else "below"
    at, past = field.write(float(limit.number)), field.write(following)
    yield finding_for(
        protocol,
        "boundary",
        f"{id}:{name}{limit.needed}{limit.number:g}",
        f"{field.label}: a limit of {titles(protocol, id)} lets values {side} {at} pass, but not {at} itself. "
        f"A patient at {at} can fail for this alone; the same patient at {past} is eligible.",
        [id],
        witness=on_it,
        beside={**on_it, name: following},
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
    following = number + step if limit.needed == ">" else number - step
    low, high = field.limits
    if number % step or not (low <= number <= high and low <= following <= high):
        return None
    return int(following) if following == int(following) else float(following)


def gaps(prover: Prover) -> Iterator[Finding]:
    """Values of a field for which nobody can be eligible, though somebody can below them and above them."""
    needed = [limit for limits in _limits_needed(prover).values() for limit in limits]
    fields = {name: name for name in map(_field, needed)}
    for name in prover.each("whether values of {} are left out between two limits", fields):
        numbers = sorted({limit.number for limit in needed if _field(limit) == name})
        meant = {limit.number for limit in needed if _field(limit) == name and limit.needed == "!="}
        for low, high in _holes(prover, name, numbers):
            if low != high or numbers[low // 2] not in meant:
                yield from _gap(prover, name, numbers, low, high)


def _holes(prover: Prover, name: str, numbers: list[float]) -> Iterator[tuple[int, int]]:
    """Runs of empty stretches that lie between two stretches with patients.

    A stretch is left out if it holds no value that can be measured.
    """
    steps = prover.logic.on_step()
    measured = [steps[name]] if name in steps else []
    start, last, is_open = None, 0, False
    for n in range(2 * len(numbers) + 1):
        inside = prover.truth(_stretch(prover, name, numbers, n, n)).true
        if prover.impossible([inside, *measured]):
            continue
        if not prover.impossible([inside, *prover.passes.values()]):
            if start is not None:
                yield start, last
            start, is_open = None, True
        elif is_open:
            start, last = (n if start is None else start), n


def _stretch(prover: Prover, name: str, numbers: list[float], low: int, high: int) -> Formula:
    """Stretch 0 lies below the first number, 1 is that number, 2 lies between it and the second, and so on."""
    field = Name(name, prover.protocol.fields[name].type)
    if low == high and low % 2:
        return Compare((field, Value(numbers[low // 2])), ("==",))
    from_it = [(">=" if low % 2 else ">", numbers[(low - 1) // 2])] if low else []
    to_it = [("<=" if high % 2 else "<", numbers[high // 2])] if high < 2 * len(numbers) else []
    return And(tuple(Compare((field, Value(number)), (operator,)) for operator, number in (*from_it, *to_it)))


def _gap(prover: Prover, name: str, numbers: list[float], low: int, high: int) -> Iterator[Finding]:
    protocol = prover.protocol
    hole = _stretch(prover, name, numbers, low, high)
    proof = prover.unsat_core([prover.truth(hole).true], prover.passes)
    sides = [_stretch(prover, name, numbers, *side) for side in ((0, low - 1), (high + 1, 2 * len(numbers)))]
    below, above = (_eligible(prover, side) for side in sides)
    if proof is None or proof.facts or below is None or above is None:
        return
    point = low == high and low % 2 == 1
    at = f"{numbers[low // 2]:g}" if point else f"{numbers[(low - 1) // 2]:g}-{numbers[high // 2]:g}"
    verb = "leaves" if len(proof.criteria) == 1 else "leave"
    yield finding_for(
        protocol,
        "gap",
        f"{name}:{at}",
        f"Nobody can be eligible where {words(hole, protocol.fields)}, though others can below and above. "
        f"{titles(protocol, *proof.criteria)} {verb} this out.",
        proof.criteria,
        proven_for=EVERYBODY,
        severity="finding" if point else "note",
        witness=below,
        beside=above,
    )


def _eligible(prover: Prover, where: Formula) -> dict[str, Any] | None:
    """An eligible patient for whom something holds, with all other facts known if possible."""
    protocol = prover.protocol

    def judge(record: dict[str, Any]) -> bool:
        return decision(protocol, record) == "eligible" and evaluate(where, protocol.facts_of(record)) is True

    claims = [prover.truth(where).true, *prover.passes.values(), *prover.facts.values()]
    return prover.patient(claims, judge, prover.logic.known.values())
