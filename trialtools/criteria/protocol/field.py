"""What can be known of a patient: a field, what it may be called, its unit and range, which values it may hold."""

from __future__ import annotations

import keyword
import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from ..language import MAX_NUMBER, NUMERIC, Interval, definite, ends
from ..language.functions import FUNCTIONS
from ..language.wording import with_unit

FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2100, 12, 31)

MAX_CRITERIA = 62
"""Each criterion is one bit of a signed 64-bit mask, with one bit to spare."""

_RESERVED = ("patient_id", "unknown", "then", *FUNCTIONS)


def _is_field_name(name: str) -> bool:
    """A plain lower-case word that the language of criteria can say."""
    plain = name.isidentifier() and name.isascii() and name == name.lower() and "__" not in f"_{name}"
    return plain and not keyword.iskeyword(name) and name not in _RESERVED


def name_fault(name: str) -> str:
    """Why a name is none that a field can have, with the nearest that is; "" where it is one."""
    if _is_field_name(name):
        return ""
    if keyword.iskeyword(name) or name in _RESERVED:
        return f"'{name}' is a word of the language of criteria and cannot name a field; choose another"
    plain = re.sub(r"[\W_]+", "_", name.lower(), flags=re.ASCII).strip("_")
    return f"'{name}' cannot name a field; write {plain if _is_field_name(plain) else 'a plain word, such as spo2'}"


def key_of(name: str) -> str:
    """The key of a YAML file for an attribute: `from`, a word of Python, is `from_` in code."""
    return name.rstrip("_")


STRICT = {"extra": "forbid", "alias_generator": key_of}
"""Of the dataclass that a whole file holds: a key that it does not declare is refused, there and further inside."""


@dataclass(frozen=True)
class Field:
    """What can be known of a patient.

    `range` is what is possible; a value outside it becomes unknown and is counted. `applies` says for which patients a
    flag can be true at all; for everybody else it reads false. `change` says how the fact may move in time. `judged_by:
    person` marks what no record can decide. `cost` is how dear it is to find out, 1 for a look at the chart. `ordered`
    says that the values of a category stand from low to high. `from_` (in the file: `from`) says how the field is
    worked out from others where it is not recorded: an expression, or one for each value of a category (`by: sex,
    female: ...`).
    """

    type: Literal["number", "integer", "flag", "category", "date"]
    label: str
    unit: str | None = None
    range: tuple[float, float] | tuple[date, date] | None = None
    values: tuple[str, ...] = ()
    ordered: bool = False
    step: float | None = None
    change: Literal["never", "gain", "either"] = "either"
    applies: str | None = None
    from_: str | dict[str, str] | None = field(default=None, hash=False)
    judged_by: Literal["person"] | None = None
    cost: int = 1
    group: str = "history"
    note: str | None = None

    @property
    def step_size(self) -> Fraction:
        """How far it moves at a time: as declared, else 1 for whole numbers and dates, 0.1 for other numbers."""
        if self.step:
            return Fraction(str(self.step))
        return Fraction(1, 10) if self.type == "number" else Fraction(1)

    @cached_property
    def limits(self) -> tuple[Any, Any]:
        """The lowest and highest possible value of a number or a date."""
        if self.type == "date":
            return self.range or (FIRST_DATE, LAST_DATE)
        low, high = self.range or (-MAX_NUMBER, MAX_NUMBER)
        return (math.ceil(low), math.floor(high)) if self.type == "integer" else (float(low), float(high))  # type: ignore[arg-type]

    @cached_property
    def domain(self) -> str:
        """What the field may hold, in words for an error message."""
        match self.type:
            case "flag":
                return "true or false"
            case "category":
                return "one of " + ", ".join(self.values)
            case "date":
                return "a date, year-month-day"
        kind = "a whole number" if self.type == "integer" else "a number"
        return f"{kind} of {self.limits[0]:.15g} to {self.limits[1]:.15g}" if self.range else kind

    @property
    def span(self) -> str:
        """From the lowest to the highest value that is possible."""
        low, high = self.limits
        return f"{low} to {high}" if self.type == "date" else f"{low:g} to {high:g}"

    def possible(self, value: Any) -> Any:
        """The value, or None where it is none or not a possible one; an interval keeps what is possible of it."""
        value = definite(value)
        if value is None or (self.type not in NUMERIC and self.type != "date"):
            return value
        first, last = self.limits
        low, high = ends(value)
        low, high = first if low is None else max(low, first), last if high is None else min(high, last)
        if not low <= high:
            return None
        if low < high:
            return Interval(low, high, str(value))
        return int(low) if self.type == "integer" else low

    def fits(self, value: Any) -> bool:
        """Whether a value is of the type that the field has; nothing is of every type."""
        if value is None:
            return True
        if isinstance(value, Interval):
            return self.type in (*NUMERIC, "date") and all(self.fits(definite(end)) for end in ends(value))
        match self.type:
            case "flag":
                return isinstance(value, bool)
            case "category":
                return value in self.values
            case "date":
                return isinstance(value, date) and not isinstance(value, datetime)
            case "integer":
                return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        return isinstance(value, int | float) and not isinstance(value, bool)

    def write(self, value: Any, unit: bool = True) -> str:
        """A value as people write it, with its unit; None is "not known"."""
        if value is None:
            return "not known"
        if isinstance(value, bool):
            return "yes" if value else "no"
        digits = 6 if self.from_ else 15  # what is worked out has more digits than anybody measured
        text = f"{value:.{digits}g}" if isinstance(value, float) else str(value)
        has_its_own = isinstance(value, Interval) and not text[-1:].isdigit()  # as the table says it: 10 days, >55%
        return self.with_unit(text) if unit and not has_its_own else text

    def with_unit(self, text: str) -> str:
        """A text that speaks of a value, with its unit: 95 %, but 22/min."""
        return with_unit(text, self.unit)


@dataclass(frozen=True)
class Question(Field):
    """The field of a criterion that is still a question (`ask: true`): no file declares it, a person answers it."""
