"""Values and a field go in, a typed column comes out; and how a column is drawn of which only the field is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import Compare, Completed, Formula, Name, Value, children
from ..criteria.protocol import Field
from .clinical import DAY
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

    A flag is true in a share, a category has every value equally often, a date lies in its range, or in the year before
    screening and more often late in it (a date of birth in the 95 years before), and a number in its `even_range`.
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
            return typed_column(name, field, screened_on - np.floor(365 * u**3).astype(int) * DAY)
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
    """The numbers with which criteria compare a field."""
    return [float(limit) for formula in protocol.requirements.values() for limit in _limits(name, formula)]


def _limits(name: str, formula: Formula) -> Iterator[float]:
    if isinstance(formula, Compare) and any(isinstance(side, Name) and side.name == name for side in formula.operands):
        for side in formula.operands:
            if isinstance(side, Value) and isinstance(side.value, int | float):
                yield side.value
    for child in children(formula):
        yield from _limits(name, child)
