"""A formula goes in, its limits come out: comparisons of something measured with a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .formula import MIRRORED, NUMERIC, OPPOSITE, And, AtLeast, Compare, Formula, Not, Or, Value, type_of


@dataclass(frozen=True)
class Limit:
    """A comparison with a number, what is measured on its left: `age <= 85`, also where `85 >= age` is written.

    `needed` is the operator that helps the formula to hold: turned round where it stands under `not`, and none inside
    a comparison of flags. `span` is where the number is written.
    """

    subject: Formula
    operator: str
    number: float
    needed: str | None = None
    span: tuple[int, int] | None = None


def limits(formula: Formula) -> list[Limit]:
    """The limits of a formula in the order in which they are written, chains taken apart.

    >>> from trialtools.criteria.language import parse
    >>> from trialtools.criteria.protocol import Field
    >>> found = limits(parse("not (18 <= age < 85)", {"age": Field("integer", "Age")}))
    >>> [(limit.operator, limit.number, limit.needed) for limit in found]
    [('>=', 18, '<'), ('<', 85, '>=')]
    """
    every_limit: list[Limit | None] = []

    def note(pair: Compare, positive: bool | None) -> Formula:
        every_limit.append(limit_of(pair, positive))
        return pair

    map_comparisons(formula, note)
    return [limit for limit in every_limit if limit is not None]


def limit_of(pair: Compare, positive: bool | None = True) -> Limit | None:
    """The limit that a comparison of two things is; None where neither is a number."""
    (left, right), (operator,) = pair.operands, pair.operators
    if isinstance(left, Value):
        left, right, operator = right, left, MIRRORED[operator]
    if not isinstance(right, Value) or type_of(right) not in NUMERIC:
        return None
    needed = operator if positive else None if positive is None else OPPOSITE[operator]
    return Limit(left, operator, right.value, needed, right.span)  # type: ignore[arg-type]


def map_comparisons(
    formula: Formula, put: Callable[[Compare, bool | None], Formula], positive: bool | None = True
) -> Formula:
    """The formula with every comparison, chains taken apart, replaced by what `put` makes of it.

    Args:
        formula: whose comparisons of flags are kept, for they are logic.
        put: is told as well whether the comparison helps the formula to hold (True), hinders it (False) or either.
        positive: the same of the formula itself.
    """
    match formula:
        case Compare(operands) if type_of(operands[0]) != "flag":
            pairs = tuple(put(Compare((left, right), (sign,)), positive) for left, sign, right in formula.links)
            return pairs[0] if len(pairs) == 1 else And(pairs)
        case Compare(operands, operators):
            return Compare(tuple(map_comparisons(operand, put, None) for operand in operands), operators)
        case Not(item):
            return Not(map_comparisons(item, put, None if positive is None else not positive))
        case And(items) | Or(items) | AtLeast(_, items):
            return replace(formula, items=tuple(map_comparisons(item, put, positive) for item in items))
    return formula
