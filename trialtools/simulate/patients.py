"""A protocol and a seed go in, a table of synthetic patients comes out, with what is missing and what is mistyped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC, Compare, Formula, Name, Value, children, evaluate, names
from ..criteria.protocol import DataError, Field
from .clinical import DAY, clinical_fields, inpatients, is_clinical
from .draws import Array, Draws
from .gaps import add_gaps, mistype, unknown_cells
from .model import Assume, Numbers, assumed_values

BLOCK = 65_536
"""Patients drawn at once: large enough to be fast, small enough that ten million of them need little memory."""


def cohort(
    protocol: Protocol, n: int, seed: int, *, dirty: bool = True, missing: float = 1.0, assume: Assume = None
) -> pl.DataFrame:
    """A table of n synthetic patients: `patient_id`, a column for every field, and `synthetic`, true throughout.

    The fields that the clinical model knows by name (age, spo2, diabetes, ...) are correlated as in COVID-19
    inpatients; any other field is drawn on its own, evenly over its declared range or values. What is missing is
    null, whole panels (`group`) at a time besides single holes. The same seed gives the same patients, and the first
    of them are the same whatever n. Declared `facts` hold where the clinical model makes them hold, not elsewhere.

    Args:
        protocol: gives the fields with their ranges, values, groups and `applies`.
        n: number of patients.
        seed: any whole number from 0.
        dirty: put in a few impossible values, such as a respiratory rate of 0.
        missing: how much is missing, as a multiple of the usual shares; 0 gives complete records.
        assume: other values for numbers of `assumptions("cohort")`, by name.

    Raises:
        DataError: n, seed or missing below 0; `assume` names no number.

    Source: every number is an assumption with its reason, see `assumptions("cohort")`.

    >>> from trialtools.criteria.contents import load_protocol
    >>> patients = cohort(load_protocol("data/protocols/NCT05741099.yaml"), 3, seed=20)
    >>> patients["patient_id"].to_list(), patients["synthetic"].all()
    (['P-000001', 'P-000002', 'P-000003'], True)
    """
    return pl.concat(cohort_blocks(protocol, n, seed, dirty, missing, assume))


def cohort_blocks(
    protocol: Protocol, n: int, seed: int, dirty: bool, missing: float, assume: Assume
) -> Iterator[pl.DataFrame]:
    """The table of `cohort` in parts of up to 65,536 patients; at least one, which is empty if n is 0."""
    if n < 0 or seed < 0 or not 0 <= missing < math.inf:
        raise DataError(f"n, seed and missing cannot be negative: n={n}, seed={seed}, missing={missing}")
    model = assumed_values("cohort", assume)
    for block, start in enumerate(range(0, max(n, 1), BLOCK)):
        draws = Draws(seed, block, min(BLOCK, n - start))
        yield _block(protocol, draws, model, dirty, missing, first=start + 1)


def _block(protocol: Protocol, draws: Draws, model: Numbers, dirty: bool, missing: float, first: int) -> pl.DataFrame:
    clinical = inpatients(draws, model)
    complete = pl.DataFrame(
        [
            _clinical_column(name, field, clinical[name])
            if is_clinical(name, field)
            else _even_column(name, field, protocol, draws, model)
            for name, field in protocol.fields.items()
        ]
    )
    complete = _clear_where_not_applicable(protocol, complete)
    unknown = unknown_cells(protocol, clinical, draws, model, missing)
    columns = [
        add_gaps(mistype(column, protocol.fields[column.name], draws, model) if dirty else column, unknown)
        for column in complete
    ]
    number = pl.int_range(first, first + draws.n, eager=True).cast(pl.String).str.zfill(6)
    ids = ("P-" + number).alias("patient_id")
    return pl.DataFrame([ids, *columns, pl.repeat(True, draws.n, eager=True).alias("synthetic")])


def _clinical_column(name: str, field: Field, values: Array) -> pl.Series:
    """A column of the clinical model, in the type, the step and the limits that the protocol declares."""
    if field.type == "category":
        places = np.array([field.values.index(value) for value in clinical_fields()[name]["values"]])
        return _series(name, field, places[values])
    return _series(name, field, _round_to_step(field, values) if field.type in NUMERIC else values)


def _even_column(name: str, field: Field, protocol: Protocol, draws: Draws, model: Numbers) -> pl.Series:
    """A column nothing is known of: drawn on its own, evenly over what the field may hold."""
    u = draws.uniform(name)
    match field.type:
        case "flag":
            return _series(name, field, u < 0.2)
        case "category":
            return _series(name, field, np.floor(u * len(field.values)).astype(int))
        case "date":
            first, last = _dates(field, model)
            return _series(name, field, first + np.floor(u * ((last - first).astype(int) + 1)).astype(int) * DAY)
    low, high = even_range(name, field, protocol)
    return _series(name, field, _round_to_step(field, low + u * (high - low)))


def _dates(field: Field, model: Numbers) -> tuple[Any, Any]:
    """The range of a date; without one, the year before the first screening."""
    if field.range:
        first, last = (np.datetime64(day, "D") for day in field.limits)
        return first, last
    last = np.datetime64(model.first_day, "D")
    return last - 364 * DAY, last


def even_range(name: str, field: Field, protocol: Protocol) -> tuple[float, float]:
    """Where a number is drawn: its range; without one, around the numbers that criteria compare it with."""
    if field.range:
        return field.limits
    bounds = [float(bound) for formula in protocol.requirements.values() for bound in _bounds(name, formula)]
    if not bounds:
        return 0.0, 100.0
    margin = max(max(bounds) - min(bounds), 0.5 * max(map(abs, bounds)), 1.0)
    low = min(bounds) - margin
    return (max(0.0, low) if min(bounds) >= 0 else low), max(bounds) + margin


def _bounds(name: str, formula: Formula) -> Iterator[float]:
    if isinstance(formula, Compare) and any(isinstance(side, Name) and side.name == name for side in formula.operands):
        for side in formula.operands:
            if isinstance(side, Value) and isinstance(side.value, int | float):
                yield side.value
    for child in children(formula):
        yield from _bounds(name, child)


def _round_to_step(field: Field, values: Array) -> Array:
    """Numbers on the declared step and inside the limits; a tenth where no step is declared."""
    step = 1.0 if field.type == "integer" else field.step or 0.1
    decimals = max(0, -math.floor(math.log10(step)) + 2)
    values = np.round(np.round(np.asarray(values, float) / step) * step, decimals)
    return np.clip(values, *field.limits)


def _series(name: str, field: Field, values: Array) -> pl.Series:
    match field.type:
        case "integer":
            return pl.Series(name, values.astype("int64"))
        case "category":
            return pl.Series(name, field.values, pl.String).gather(pl.Series(values))
        case "date":
            return pl.Series(name, values.astype("int64").astype("int32")).cast(pl.Date)
    return pl.Series(name, values)


def _clear_where_not_applicable(protocol: Protocol, complete: pl.DataFrame) -> pl.DataFrame:
    """Flags are false for those they do not apply to; asked of the reference once for each combination that occurs."""
    for flag, formula in protocol.applies.items():
        fields = list(names(formula))
        cases = complete.select(fields).unique() if fields else pl.DataFrame({"": [0]})
        applies = pl.Series(" applies", [evaluate(formula, case) is not False for case in cases.to_dicts()])
        if fields:
            rows = complete.select(fields).join(cases.with_columns(applies), on=fields, maintain_order="left")
            applies = rows.get_column(" applies")
        complete = complete.with_columns((pl.col(flag) & applies).alias(flag))
    return complete
