"""A protocol and a seed go in, a table of synthetic patients comes out, with what is missing and what is mistyped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC, Compare, Formula, Name, Value, children, evaluate, names
from ..criteria.protocol import DataError, Field
from .clinical import Draws, inpatients, knows
from .model import CATEGORIES, HOLE, HOLES, MISTYPED, PANEL, PANEL_OF, PANELS, SECOND_LINE, Model

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

BLOCK = 65_536
"""Patients drawn at once: large enough to be fast, small enough that ten million of them need little memory."""

YEAR = 365
CENTURY_TYPO = 180 * YEAR
DEFAULT_MODEL = Model()


def cohort(
    protocol: Protocol,
    n: int,
    seed: int,
    *,
    dirty: bool = True,
    missing: float = 1.0,
    model: Model = DEFAULT_MODEL,
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
        missing: how much is missing, as a multiple of the model's shares; 0 gives complete records.
        model: the numbers behind the clinical fields.

    Raises:
        DataError: n, seed or missing below 0.

    Source: every number is an assumption with its reason, see `trialtools.simulate.model`.

    >>> from trialtools.criteria.contents import load_protocol
    >>> patients = cohort(load_protocol("data/protocols/NCT05741099.yaml"), 3, seed=20)
    >>> patients["patient_id"].to_list(), patients["synthetic"].all()
    (['P-000001', 'P-000002', 'P-000003'], True)
    """

    return pl.concat(blocks(protocol, n, seed, dirty=dirty, missing=missing, model=model))


def blocks(
    protocol: Protocol,
    n: int,
    seed: int,
    *,
    dirty: bool = True,
    missing: float = 1.0,
    model: Model = DEFAULT_MODEL,
) -> Iterator[pl.DataFrame]:
    """The table of `cohort` in parts of up to 65,536 patients; at least one, which is empty if n is 0."""
    if n < 0 or seed < 0 or not 0 <= missing < math.inf:
        raise DataError(f"n, seed and missing cannot be negative: n={n}, seed={seed}, missing={missing}")
    for block, start in enumerate(range(0, max(n, 1), BLOCK)):
        draws = Draws(seed, block, min(BLOCK, n - start))
        yield _block(protocol, draws, model, dirty, missing, first=start + 1)


def _block(protocol: Protocol, draws: Draws, model: Model, dirty: bool, missing: float, first: int) -> pl.DataFrame:

    known = {name for name, field in protocol.fields.items() if knows(name, field)}
    columns = inpatients(draws, model)
    complete = pl.DataFrame(
        [
            _clinical(name, field, columns[name]) if name in known else _generic(name, field, protocol, draws, model)
            for name, field in protocol.fields.items()
        ]
    )
    complete = _applied(protocol, complete)
    unknown = _unknown(protocol, columns, draws, model, missing)
    shown = [
        _with_gaps(_mistyped(column, protocol.fields[column.name], draws, model) if dirty else column, unknown)
        for column in complete
    ]
    number = pl.int_range(first, first + draws.n, eager=True).cast(pl.String).str.zfill(6)
    ids = ("P-" + number).alias("patient_id")
    return pl.DataFrame([ids, *shown, pl.repeat(True, draws.n, eager=True).alias("synthetic")])


def _clinical(name: str, field: Field, values: Array) -> pl.Series:
    """A column of the clinical model, in the type, the step and the limits that the protocol declares."""
    if field.type == "category":
        places = np.array([field.values.index(value) for value in CATEGORIES[name]])
        return _series(name, field, places[values])
    return _series(name, field, _stepped(field, values) if field.type in NUMERIC else values)


def _generic(name: str, field: Field, protocol: Protocol, draws: Draws, model: Model) -> pl.Series:
    """A column nothing is known of: drawn on its own, evenly over what the field may hold."""

    u = draws.uniform(name)
    match field.type:
        case "flag":
            return _series(name, field, u < 0.2)
        case "category":
            return _series(name, field, np.floor(u * len(field.values)).astype(int))
        case "date":
            first, last = _dates_of(field, model)
            days = np.floor(u * ((last - first).astype(int) + 1)).astype(int)
            return _series(name, field, first + days * np.timedelta64(1, "D"))
    low, high = span_of(name, field, protocol)
    return _series(name, field, _stepped(field, low + u * (high - low)))


def _dates_of(field: Field, model: Model) -> tuple[Any, Any]:
    """The range of a date; without one, the year before the first screening."""

    if field.range:
        first, last = (np.datetime64(day, "D") for day in field.limits)
        return first, last
    last = np.datetime64(model.first_day, "D")
    return last - np.timedelta64(YEAR - 1, "D"), last


def span_of(name: str, field: Field, protocol: Protocol) -> tuple[float, float]:
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


def _stepped(field: Field, values: Array) -> Array:
    """Numbers on the declared step and inside the limits; a tenth where no step is declared."""

    step = 1.0 if field.type == "integer" else field.step or 0.1
    low, high = field.limits
    decimals = max(0, -math.floor(math.log10(step)) + 2)
    values = np.round(np.round(np.asarray(values, float) / step) * step, decimals)
    return np.clip(values, low, high)


def _series(name: str, field: Field, values: Array) -> pl.Series:

    match field.type:
        case "integer":
            return pl.Series(name, values.astype("int64"))
        case "category":
            return pl.Series(name, field.values, pl.String).gather(pl.Series(values))
        case "date":
            return pl.Series(name, values.astype("int64").astype("int32")).cast(pl.Date)
    return pl.Series(name, values)


def _applied(protocol: Protocol, complete: pl.DataFrame) -> pl.DataFrame:
    """Flags are false for those they do not apply to; asked of the reference once for each combination that occurs."""

    for flag, formula in protocol.applies.items():
        asked = list(names(formula))
        cases = complete.select(asked).unique() if asked else pl.DataFrame({"": [0]})
        verdicts = pl.Series(" applies", [evaluate(formula, case) is not False for case in cases.to_dicts()])
        if asked:
            applies = complete.select(asked).join(cases.with_columns(verdicts), on=asked, maintain_order="left")
            verdicts = applies.get_column(" applies")
        complete = complete.with_columns((pl.col(flag) & verdicts).alias(flag))
    return complete


def _unknown(
    protocol: Protocol, columns: dict[str, Array], draws: Draws, model: Model, missing: float
) -> dict[str, Array]:
    """Where each field is missing: its panel was not taken, or it alone was not filled in."""

    thorough = draws.normal("thoroughness")
    panels = {panel_of(name, field) for name, field in protocol.fields.items()}
    untaken = {panel: _untaken(panel, thorough, draws, model, missing) for panel in sorted(panels)}
    unknown = {}
    for name, field in protocol.fields.items():
        share: Any = missing * HOLES.get(name, HOLE)
        if name in SECOND_LINE and knows(name, field):
            negative = ~columns["pcr_positive"] & ~columns["antigen_positive"]
            share = np.where(negative, missing * SECOND_LINE[name], share)
        unknown[name] = untaken[panel_of(name, field)] | (draws.uniform(f"hole {name}") < share)
    if all(name in unknown and knows(name, protocol.fields[name]) for name in ("other_trial", "other_trial_on")):
        unknown["other_trial_on"] = unknown["other_trial_on"] | ~columns["other_trial"]
    return unknown


def panel_of(name: str, field: Field) -> str:
    """What is missing together with a field: its group, unless the model knows that it is ordered apart."""
    return PANEL_OF.get(name, field.group)


def _untaken(panel: str, thorough: Array, draws: Draws, model: Model, missing: float) -> Array:
    """Who lacks a panel: more often the same patients, tied by how thoroughly a patient is worked up."""
    share = min(1.0, missing * PANELS.get(panel, PANEL))
    if share in (0.0, 1.0):
        return thorough > (math.inf if share == 0 else -math.inf)
    own = math.sqrt(1 - model.thoroughness**2) * draws.normal(f"panel {panel}")
    return model.thoroughness * thorough + own < NormalDist().inv_cdf(share)


def _mistyped(column: pl.Series, field: Field, draws: Draws, model: Model) -> pl.Series:
    """A few entries that cannot be, where a range says what can."""

    hit = pl.Series(draws.uniform(f"mistyped {column.name}") < model.dirty)
    if field.type == "date" and column.name == "infected_on":
        return (column.cast(pl.Int32) + hit.cast(pl.Int32) * CENTURY_TYPO).cast(pl.Date)
    if field.type not in NUMERIC or not field.range:
        return column
    low, high = field.limits
    value = MISTYPED.get(column.name, (high + (high - low),))[0]
    if low <= value <= high:
        value = high + (high - low)
    return column.zip_with(~hit, pl.repeat(value, draws.n, dtype=column.dtype, eager=True))


def _with_gaps(column: pl.Series, unknown: dict[str, Array]) -> pl.Series:

    nothing = pl.repeat(None, len(column), dtype=column.dtype, eager=True)
    return column.zip_with(pl.Series(~unknown[column.name]), nothing)
