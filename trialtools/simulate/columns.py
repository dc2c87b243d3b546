"""Values and a field go in, a typed column comes out; and how a column is drawn of which only the field is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import Compare, Completed, Formula, MonthsBefore, Name, Value, children, names
from ..criteria.protocol import Field
from .clinical import DAY, is_clinical
from .draws import Array
from .quantities import quantity_of

OLDEST = 95
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

    A flag is true in a share, a category has every value equally often, a date lies in its range, or in its `reach`
    before screening and more often late in it (a date of birth in the 95 years before), a number in its `even_range`.
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
        case "date" if is_birth(name, protocol):
            return typed_column(name, field, screened_on - np.floor(OLDEST * 365.25 * u).astype(int) * DAY)
        case "date":
            return typed_column(name, field, screened_on - np.floor(reach(name, protocol) * u**3).astype(int) * DAY)
    low, high = even_range(name, protocol)
    quantity = quantity_of(name, field)
    if quantity and quantity.log_normal:
        return typed_column(name, field, low * (high / low) ** u)
    return typed_column(name, field, low + u * (high - low))


def is_birth(name: str, protocol: Protocol) -> bool:
    """Whether years are counted from a date: then it lies a life back, and not in the year before screening."""
    return any(_counts_from(name, f) for f in (*protocol.requirements.values(), *protocol.derived.values()))


def _counts_from(name: str, formula: Formula) -> bool:
    here = isinstance(formula, Completed) and formula.unit == "years" and formula.start == Name(name, "date")
    return here or any(_counts_from(name, child) for child in children(formula))


def flag_of_date(name: str, protocol: Protocol) -> str:
    """The flag `x` of a date `x_on`, where no criterion asks about the day without it; "" where there is none."""
    flag, is_date = name.removesuffix("_on"), protocol.fields[name].type == "date"
    if flag == name or flag not in protocol.fields or not is_date or is_clinical(name, protocol):
        return ""
    formulas = (names(protocol.formula(c.id, reading)) for c in protocol.criteria for reading in c.texts)
    return flag if all(flag in asked for asked in formulas if name in asked) else ""


def reach(name: str, protocol: Protocol) -> int:
    """How many days a date lies back at most: twice as long as a criterion counts from or to it, at least a year."""
    formulas = (protocol.formula(c.id, reading) for c in protocol.criteria for reading in c.texts)
    spans = [span for formula in formulas for span in _spans(name, formula)]
    return max(365, *(math.floor(2 * span) for span in spans)) if spans else 365


def _spans(name: str, formula: Formula) -> Iterator[float]:
    """The days that a comparison counts back, where it asks about a date."""
    if isinstance(formula, Compare) and name in names(formula):
        parts = [part for side in formula.operands for part in (side, *children(side))]
        yield from (part.months * 30.4375 for part in parts if isinstance(part, MonthsBefore))
        values = [part.value for part in parts if isinstance(part, Value)]
        yield from (value for value in values if isinstance(value, int | float) and not isinstance(value, bool))
    for child in children(formula):
        yield from _spans(name, child)


def even_range(name: str, protocol: Protocol) -> tuple[float, float]:
    """Where a number is drawn evenly: around the limits of the criteria and what is usual; else in its range."""
    field, limits = protocol.fields[name], limits_on(name, protocol)
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


def limits_on(name: str, protocol: Protocol) -> list[float]:
    """The numbers with which criteria compare a field, in any reading."""
    formulas = (protocol.formula(c.id, reading) for c in protocol.criteria for reading in c.texts)
    return [float(limit) for formula in formulas for limit in _limits(name, formula)]


def _limits(name: str, formula: Formula) -> Iterator[float]:
    if isinstance(formula, Compare) and any(isinstance(side, Name) and side.name == name for side in formula.operands):
        for side in formula.operands:
            if isinstance(side, Value) and isinstance(side.value, int | float):
                yield side.value
    for child in children(formula):
        yield from _limits(name, child)
