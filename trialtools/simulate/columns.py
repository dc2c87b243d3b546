"""A field goes in, a typed column comes out: of the known quantity that it holds, or of what alone the field says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeGuard

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC, Compare, Name, Value, names
from ..criteria.language.formula import CompletedTime, MonthsBefore, children, walk
from ..criteria.protocol import Field
from .clinical import DAY, clinical_fields, is_clinical
from .model import Array, Draws, read_assumptions

_IDLE = {"serum", "plasma", "blood", "venous", "level", "levels", "count", "absolute", "concentration", "value"}
"""Words of a label that do not tell one quantity from another."""


def _quantities() -> dict[str, dict[str, Any]]:
    """What is known of each quantity, by its name."""
    return read_assumptions("quantities")["quantities"]


@dataclass(frozen=True)
class _Quantity:
    """A known quantity, and the factor from the unit of `quantities.yaml` to that of the field."""

    name: str
    factor: float

    @property
    def entry(self) -> dict[str, Any]:
        return _quantities()[self.name]

    @property
    def intervals(self) -> list[tuple[float, float]]:
        """In which 95 % of women, and of men, lie, in the unit of the field."""
        return [(low * self.factor, high * self.factor) for low, high in _intervals(self.entry)]

    def values(self, draws: Draws, clinical: dict[str, Array]) -> Array:
        """Values in the unit of the field, for men and women as the clinical model drew them."""
        return self.factor * _values(self.name, draws, clinical)

    @property
    def from_model(self) -> bool:
        """Whether the clinical model draws it."""
        return "column" in self.entry

    @property
    def log_normal(self) -> bool:
        return not self.from_model and self.entry.get("shape") != "normal"

    @property
    def usual(self) -> tuple[float, float]:
        """The least and the greatest of the intervals."""
        return min(low for low, _ in self.intervals), max(high for _, high in self.intervals)

    def around(self, limits: list[float]) -> tuple[float, float]:
        """What is usual and the limits of criteria, and as much again as the usual is wide."""
        low, high = self.usual
        if self.log_normal:
            span = [low, high, *(limit for limit in limits if limit > 0)]
            return min(span) * math.sqrt(low / high), max(span) * high / low
        span = [low, high, *limits]
        return min(span) - (high - low), max(span) + (high - low)


def quantity_of(name: str, field: Field) -> _Quantity | None:
    """The quantity that a field holds: name or label and unit agree, and its range holds the usual values."""
    unit, known = field.unit or "", _by_name_and_unit()
    key = known.get((_words(name.replace("_", " ")), unit)) or known.get((_words(field.label), unit))
    if key is None or field.type not in NUMERIC:
        return None
    quantity = _Quantity(key, _quantities()[key]["units"][unit])
    low, high = quantity.usual
    return quantity if field.limits[0] <= low and high <= field.limits[1] else None


@cache
def _by_name_and_unit() -> dict[tuple[str, str], str]:
    """Which quantity it is that has this name and unit."""
    return {
        (_words(name), unit): key
        for key, known in _quantities().items()
        for name in known["names"]
        for unit in known["units"]
    }


def _words(text: str) -> str:
    """What a label calls, in plain words: up to a comma, a bracket, or where and how it was measured."""
    text = re.split(r"[,(;]|\b(?:at|by|on)\b", text.lower())[0]
    return " ".join(word for word in re.findall(r"[a-z0-9]+", text) if word not in _IDLE)


def _intervals(known: dict[str, Any]) -> list[tuple[float, float]]:
    if "column" in known:
        return [tuple(clinical_fields()[known["column"]]["usual"])]
    interval = known["interval"]
    return [tuple(interval[sex]) for sex in ("female", "male")] if isinstance(interval, dict) else [tuple(interval)]


def _values(name: str, draws: Draws, clinical: dict[str, Array]) -> Array:
    known = _quantities()[name]
    if "column" in known:
        return clinical[known["column"]].astype(float)
    if name == "weight":
        return clinical["bmi"] * (_values("height", draws, clinical) / 100) ** 2
    intervals = np.array(_intervals(known) * 2)[:2]
    scaled = intervals if known.get("shape") == "normal" else np.log(intervals)
    low, high = scaled[clinical["sex"]].T
    values = (low + high) / 2 + (high - low) / (2 * 1.96) * _scores(name, draws)
    return values if known.get("shape") == "normal" else np.exp(values)


def _scores(name: str, draws: Draws) -> Array:
    """Standard normal, and correlated with another quantity where the two go together."""
    own = draws.normal(f"quantity {name}")
    for other, r in _quantities()[name].get("goes_with", {}).items():
        return r * _scores(other, draws) + math.sqrt(1 - r**2) * own
    return own


_OLDEST = 95
"""Years from the earliest date of birth to screening."""


def typed_column(name: str, field: Field, values: Array) -> pl.Series:
    """A column in the type, the step and the limits that the protocol declares; a category by its place in `values`."""
    match field.type:
        case "integer":
            return pl.Series(name, _round_to_step(field, values).astype("int64"))
        case "number":
            return pl.Series(name, _round_to_step(field, values))
        case "category":
            return pl.Series(name, field.values, pl.String).gather(pl.Series(values))
        case "date":
            return pl.Series(name, values.astype("int64").astype("int32")).cast(pl.Date)
    return pl.Series(name, values)


def _round_to_step(field: Field, values: Array) -> Array:
    """Numbers on the declared step and inside the limits; a tenth where no step is declared."""
    step = 1.0 if field.type == "integer" else field.step or 0.1
    decimals = max(0, -math.floor(math.log10(step)) + 2)
    values = np.round(np.round(np.asarray(values, float) / step) * step, decimals)
    return np.clip(values, *field.limits)


def even_column(name: str, protocol: Protocol, u: Array, screened_on: Array, true: float) -> pl.Series:
    """A column drawn on its own from evenly spread numbers of 0 to 1.

    A flag is true in a share, a category has every value equally often, a date lies in its range, or in its `_reach`
    before screening and more often late in it (a date of birth in the 95 years before), a number in its `_even_range`.
    """
    field = protocol.fields[name]
    match field.type:
        case "flag":
            return typed_column(name, field, u < true)
        case "category":
            return typed_column(name, field, np.floor(u * len(field.values)).astype(int))
        case "date" if field.range:
            first, last = (np.datetime64(day, "D") for day in field.limits)
            return typed_column(name, field, first + np.floor(u * ((last - first).astype(int) + 1)).astype(int) * DAY)
        case "date" if _is_birth(name, protocol):
            return typed_column(name, field, screened_on - np.floor(_OLDEST * 365.25 * u).astype(int) * DAY)
        case "date":
            return typed_column(name, field, screened_on - np.floor(_reach(name, protocol) * u**3).astype(int) * DAY)
    low, high = _even_range(name, protocol)
    quantity = quantity_of(name, field)
    if quantity and quantity.log_normal:
        return typed_column(name, field, low * (high / low) ** u)
    return typed_column(name, field, low + u * (high - low))


def _is_birth(name: str, protocol: Protocol) -> bool:
    """Whether years are counted from a date: then it lies a life back, and not in the year before screening."""
    formulas = (*protocol.requirements.values(), *protocol.derivations.values())
    counts = (part for formula in formulas for part in walk(formula) if isinstance(part, CompletedTime))
    return any(part.unit == "years" and part.start == Name(name, "date") for part in counts)


def _comparisons(name: str, protocol: Protocol) -> list[Compare]:
    """The comparisons that speak of a field, in any reading of a criterion."""
    formulas = (protocol.formula(c.id, reading) for c in protocol.criteria for reading in c.texts)
    parts = (part for formula in formulas for part in walk(formula))
    return [part for part in parts if isinstance(part, Compare) and name in names(part)]


def flag_of_date(name: str, protocol: Protocol) -> str:
    """The flag `x` of a date `x_on`, where no criterion asks about the day without it; "" where there is none."""
    flag, is_date = name.removesuffix("_on"), protocol.fields[name].type == "date"
    if flag == name or flag not in protocol.fields or not is_date or is_clinical(name, protocol):
        return ""
    formulas = (names(protocol.formula(c.id, reading)) for c in protocol.criteria for reading in c.texts)
    return flag if all(flag in fields for fields in formulas if name in fields) else ""


def _reach(name: str, protocol: Protocol) -> int:
    """How many days a date lies back at most: twice as long as a criterion counts from or to it, at least a year."""
    comparisons = _comparisons(name, protocol)
    parts = [part for compare in comparisons for side in compare.operands for part in (side, *children(side))]
    days = [part.months * 30.4375 for part in parts if isinstance(part, MonthsBefore)]
    days += [part.value for part in parts if isinstance(part, Value) and _is_number(part.value)]
    return max([365, *(math.floor(2 * span) for span in days)])


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _even_range(name: str, protocol: Protocol) -> tuple[float, float]:
    """Where a number is drawn evenly: around the limits of the criteria and what is usual; else in its range."""
    field, limits = protocol.fields[name], _limits_on(name, protocol)
    quantity = quantity_of(name, field)
    if quantity and not quantity.from_model:
        low, high = quantity.around(limits)
    elif limits:
        margin = max(max(limits) - min(limits), 0.5 * max(map(abs, limits)), 1.0)
        low, high = min(limits) - margin, max(limits) + margin
        low = max(0.0, low) if min(limits) >= 0 else low
    else:
        low, high = field.limits if field.range else (0.0, 100.0)
    low, high = max(low, field.limits[0]), min(high, field.limits[1])
    return (low, high) if low < high else field.limits


def _limits_on(name: str, protocol: Protocol) -> list[float]:
    """The numbers with which criteria compare a field, in any reading."""
    limits = [compare.operands for compare in _comparisons(name, protocol)]
    own = [sides for sides in limits if any(isinstance(side, Name) and side.name == name for side in sides)]
    return [float(s.value) for sides in own for s in sides if isinstance(s, Value) and _is_number(s.value)]


# --- in words ---------------------------------------------------------------------------------------------------------


def column_text(name: str, protocol: Protocol) -> str:
    """How the column of a field is drawn that the clinical model does not know."""
    quantity = quantity_of(name, protocol.fields[name])
    return _as_quantity(quantity) if quantity else f"on its own: {_evenly(name, protocol)}"


def _as_quantity(quantity: _Quantity) -> str:
    known, name = quantity.entry, quantity.name.replace("_", " ")
    if "column" in known:
        return f"{name}: as in the clinical model"
    spans = [f"{low:.4g} to {high:.4g}" for low, high in quantity.intervals]
    within = f"{spans[0]} in women, {spans[1]} in men" if len(spans) > 1 else spans[0]
    how = known.get("how") or f"{known.get('shape', 'log-normal')}, 95 % within {within}"
    return f"{name}: {how} ({read_assumptions('quantities')['sources'][known['source']]})"


def _days_before(name: str, protocol: Protocol) -> str:
    days, flag = _reach(name, protocol), flag_of_date(name, protocol)
    span = "in the year" if days == 365 else f"in the {days:,} days"
    return f"{span} before screening, more often late in it{f'; only where {flag} is true' if flag else ''}"


def _evenly(name: str, protocol: Protocol) -> str:
    field = protocol.fields[name]
    match field.type:
        case "flag":
            return "true in a share, see below"
        case "category":
            return "every value equally often"
        case "date":
            if _is_birth(name, protocol) and not field.range:
                return f"evenly over the {_OLDEST} years before screening"
            return "evenly over its range" if field.range else _days_before(name, protocol)
    low, high = _even_range(name, protocol)
    return (
        f"evenly from {low:g} to {high:g}{', around the limits of the criteria' if _limits_on(name, protocol) else ''}"
    )
