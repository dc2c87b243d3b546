"""The formula: frozen nodes, and what can be asked of them without a patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

Type = Literal["number", "integer", "flag", "category", "date", "text"]
NUMERIC = ("number", "integer")


@dataclass(frozen=True)
class Name:
    """A field of the patient."""

    name: str
    type: Type


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


@dataclass(frozen=True)
class Or:
    items: tuple[Formula, ...]


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
    """`+ - * /` in double precision; a date minus a date is a number of days."""

    operator: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class MonthsBefore:
    """`months_before(date, n)`: n calendar months earlier, on the last day of a shorter month."""

    date: Formula
    months: int


Formula: TypeAlias = Name | Value | Not | And | Or | AtLeast | Compare | In | Known | Arithmetic | MonthsBefore


def children(formula: Formula) -> tuple[Formula, ...]:
    """The formulas directly inside `formula`, in the order they are written."""
    match formula:
        case Not(item) | In(item) | MonthsBefore(item):
            return (item,)
        case And(items) | Or(items) | AtLeast(_, items) | Compare(items):
            return items
        case Arithmetic(_, left, right):
            return (left, right)
    return ()


def names(formula: Formula) -> tuple[str, ...]:
    """The fields a formula asks about, each once, in the order they are written.

    >>> from trialtools.criteria.language import Field, parse
    >>> names(parse("age > 65 or bmi >= 30 or age < 1", {"age": Field("integer"), "bmi": Field("number")}))
    ('age', 'bmi')
    """
    return tuple(dict.fromkeys(_names(formula)))


def _names(formula: Formula) -> Iterator[str]:
    if isinstance(formula, Name | Known):
        yield formula.name
    for child in children(formula):
        yield from _names(child)


def type_of(formula: Formula) -> Type:
    """The type of a formula's value; every connective and comparison is a flag."""
    match formula:
        case Name(_, type):
            return type
        case Value(bool()):
            return "flag"
        case Value(int()):
            return "integer"
        case Value(float()):
            return "number"
        case Value(str()):
            return "text"
        case Value() | MonthsBefore():
            return "date"
        case Arithmetic():
            return "number"
    return "flag"
