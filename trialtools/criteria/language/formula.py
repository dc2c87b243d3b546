"""The formula: frozen nodes, and what can be asked of them without a patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal, TypeAlias

_Type = Literal["number", "integer", "flag", "category", "date", "text"]
NUMERIC = ("number", "integer")
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""`a < b` is `b > a`."""
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
"""`not a < b` is `a >= b`."""


@dataclass(frozen=True)
class Name:
    """A field of the patient."""

    name: str
    type: _Type


@dataclass(frozen=True)
class Value:
    """A constant: number, text, True, False or a date; `span` is where it is written in the expression."""

    value: bool | int | float | str | date
    span: tuple[int, int] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Not:
    item: Formula


@dataclass(frozen=True)
class And:
    items: tuple[Formula, ...]

    @property
    def n(self) -> int:
        """How many of the items must hold."""
        return len(self.items)


@dataclass(frozen=True)
class Or:
    """`a or b`; `if a then b` is `not a or b` and read aloud as it was written."""

    n: ClassVar[int] = 1

    items: tuple[Formula, ...]
    conditional: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True)
class AtLeast:
    """`at_least(n, a, b, ...)`: n or more of the items hold."""

    n: int
    items: tuple[Formula, ...]


@dataclass(frozen=True)
class Compare:
    """A chain as written: `18 <= age <= 85` has three operands and two operators."""

    operands: tuple[Formula, ...]
    operators: tuple[str, ...]

    @property
    def links(self) -> list[tuple[Formula, str, Formula]]:
        """The comparisons of two things that a chain is made of."""
        return list(zip(self.operands, self.operators, self.operands[1:], strict=False))


@dataclass(frozen=True)
class In:
    item: Formula
    values: tuple[int | float | str | date, ...]


@dataclass(frozen=True)
class Known:
    """`known(field)`: never unknown itself."""

    name: str


@dataclass(frozen=True)
class Arithmetic:
    """`+ - * / ** min max` in double precision; a date minus a date is a number of days.

    One side of `**` is a plain number: the exponent, other than 0 and at most 10 in size, or a base above 0.
    """

    operator: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class MonthsBefore:
    """`months_before(date, n)`: n calendar months earlier, on the last day of a shorter month."""

    date: Formula
    months: int


@dataclass(frozen=True)
class CompletedTime:
    """`completed_years(a, b)`, `completed_months(a, b)`: how many calendar years or months have passed from a to b."""

    unit: Literal["years", "months"]
    start: Formula
    end: Formula


@dataclass(frozen=True)
class Case:
    """One formula for each value of a category: how a field is worked out `by: sex`. No criterion can say it."""

    name: str
    formulas: tuple[tuple[str, Formula], ...]


Formula: TypeAlias = (
    Name | Value | Not | And | Or | AtLeast | Compare | In | Known | Arithmetic | MonthsBefore | CompletedTime | Case
)


def children(formula: Formula) -> tuple[Formula, ...]:
    """The formulas directly inside `formula`, in the order they are written."""
    match formula:
        case Not(item) | In(item) | MonthsBefore(item):
            return (item,)
        case And(items) | Or(items) | AtLeast(_, items) | Compare(items):
            return items
        case Arithmetic(_, left, right) | CompletedTime(_, left, right):
            return (left, right)
        case Case(_, formulas):
            return tuple(formula for _, formula in formulas)
    return ()


def walk(formula: Formula) -> Iterator[Formula]:
    """The formula and all that is inside it, in the order they are written."""
    yield formula
    for child in children(formula):
        yield from walk(child)


def names(formula: Formula) -> tuple[str, ...]:
    """The fields a formula asks about, each once, in the order they are written.

    >>> from trialtools.criteria.language import parse
    >>> from trialtools.criteria.protocol import Field
    >>> fields = {"age": Field("integer", "Age"), "bmi": Field("number", "BMI")}
    >>> names(parse("age > 65 or bmi >= 30 or age < 1", fields))
    ('age', 'bmi')
    """
    return tuple(dict.fromkeys(part.name for part in walk(formula) if isinstance(part, Name | Known | Case)))


_TYPES: tuple[tuple[Any, _Type], ...] = (
    (bool, "flag"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
    ((date, MonthsBefore), "date"),
    (Arithmetic, "number"),
    (CompletedTime, "integer"),
    (object, "flag"),
)


def type_of(formula: Formula) -> _Type:
    """The type of a formula's value; every connective and comparison is a flag."""
    if isinstance(formula, Name):
        return formula.type
    if isinstance(formula, Case):
        return type_of(formula.formulas[0][1])
    what = formula.value if isinstance(formula, Value) else formula
    return next(type for kinds, type in _TYPES if isinstance(what, kinds))


def weight(formula: Formula) -> int:
    """About how often a table engine comes by a field while it works out a formula: many a part is asked twice."""
    parts = [weight(child) for child in children(formula)]
    match formula:
        case CompletedTime():
            return 3 * sum(parts)
        case Arithmetic("-", left) if type_of(left) == "date":
            return 5 * sum(parts)
        case Arithmetic("/"):
            return parts[0] + 3 * parts[1]
        case Arithmetic("min" | "max"):
            return 6 * sum(parts)
        case Arithmetic("**", _, Value(size)) if size % 1 == 0:  # type: ignore[operator]
            return int(abs(size)) * parts[0] * (1 if size > 0 else 3)  # type: ignore[arg-type]
        case Arithmetic("**") | AtLeast():
            return 2 * sum(parts)
    return sum(parts) or 1
