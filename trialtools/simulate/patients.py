"""A protocol and a seed go in, a table of synthetic patients comes out, with what is missing and what is mistyped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.engine import DTYPES, expression, work_out
from ..criteria.language import NUMERIC, Formula, names
from ..criteria.protocol import DataError, Field
from ..criteria.stage import expect
from .clinical import clinical_fields, fitted_ages, inpatients, is_clinical
from .columns import even_column, flag_of_date, quantity_of, typed_column
from .model import Array, Assume, Draws, Numbers, assumed_values, read_assumptions

BLOCK = 65_536
"""Patients drawn at once: large enough to be fast, small enough that ten million of them need little memory."""


def cohort(
    protocol: Protocol, n: int, seed: int, *, dirty: bool = True, missing: float = 1.0, assume: Assume = None
) -> pl.DataFrame:
    """A table of n synthetic patients: `patient_id`, a column for every field, and `synthetic`, true throughout.

    The fields that the clinical model knows by name (age, spo2, diabetes, ...) are correlated as in COVID-19
    inpatients; where few of these are as old as the criteria ask, the mean age follows the criteria. Known quantities
    (haemoglobin, ALT, blood pressure, ...; by name or label, and unit) have the distribution of their source; any
    other field is drawn on its own, and one with `from` is worked out. These fields are then drawn again for some
    patients, so that every criterion both passes and fails and declared `facts` hold, as far as the fields allow.
    What is missing is null, whole panels (`group`) at a time besides single values. The same seed gives the same
    patients, and the first of them are the same whatever n.

    Args:
        protocol: gives the fields with their ranges, values, groups and `applies`.
        n: number of patients.
        seed: any whole number from 0.
        dirty: put in a few impossible values, such as a respiratory rate of 0.
        missing: how much is missing, as a multiple of the usual shares; 0 gives complete records.
        assume: other values for numbers of `assumptions("cohort")`, by name.

    Raises:
        DataError: n, seed or missing below 0; `assume` names no number.

    Source: every number is an assumption with its reason, see `assumptions("cohort")`; the distributions of known
    quantities are reference intervals, each with its source in `quantities.yaml`.

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
    expect(protocol, Protocol, "tt.simulate.cohort(protocol, n, seed)")
    if n < 0 or seed < 0 or not 0 <= missing < math.inf:
        raise DataError(f"n, seed and missing cannot be negative: n={n}, seed={seed}, missing={missing}")
    model = assumed_values("cohort", assume, fitted_ages(protocol))
    for block, start in enumerate(range(0, max(n, 1), BLOCK)):
        draws = Draws(seed, block, min(BLOCK, n - start))
        yield _block(protocol, draws, model, dirty, missing, first=start + 1)


def _block(protocol: Protocol, draws: Draws, model: Numbers, dirty: bool, missing: float, first: int) -> pl.DataFrame:
    clinical = inpatients(draws, model)

    def even(name: str, stream: str, true: float) -> pl.Series:
        return even_column(name, protocol, draws.uniform(stream), clinical["screened_on"], true)

    columns = []
    for name, field in protocol.fields.items():
        if name in protocol.derivations:
            continue
        if is_clinical(name, protocol):
            columns.append(typed_column(name, field, _clinical_values(name, field, clinical)))
        elif quantity := quantity_of(name, field):
            columns.append(typed_column(name, field, quantity.values(draws, clinical)))
        else:
            columns.append(even(name, name, model.flag))
    complete = _make_coherent(protocol, pl.DataFrame(columns))
    complete = _drop_idle_dates(protocol, _steer(protocol, complete, draws, model, even))
    unknown = _unknown_cells(protocol, clinical, draws, model, missing)
    columns = [
        _add_gaps(_mistype(column, protocol.fields[column.name], draws, model) if dirty else column, unknown)
        for column in complete
    ]
    number = pl.int_range(first, first + draws.n, eager=True).cast(pl.String).str.zfill(6)
    ids = ("P-" + number).alias("patient_id")
    return pl.DataFrame([ids, *columns, pl.repeat(True, draws.n, eager=True).alias("synthetic")])


def _drop_idle_dates(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    """The columns without the days of what never was: a date `x_on` is null where the flag `x` is false."""
    pairs = [(flag, name) for name in columns.columns if (flag := flag_of_date(name, protocol))]
    return columns.with_columns(pl.when(pl.col(flag)).then(pl.col(name)).alias(name) for flag, name in pairs)


def _clinical_values(name: str, field: Field, clinical: dict[str, Array]) -> Array:
    """What the clinical model drew; a category by its place in the values of the protocol."""
    if field.type != "category":
        return clinical[name]
    return np.array([field.values.index(value) for value in clinical_fields()[name]["values"]])[clinical[name]]


_TRUE_SHARES = 3 * (0.5, 0.1, 0.9)
"""The share in which a flag is true, in each try: some criteria want none of many flags, some want all."""


def _steer(
    protocol: Protocol,
    columns: pl.DataFrame,
    draws: Draws,
    model: Numbers,
    redraw: Callable[[str, str, float], pl.Series],
) -> pl.DataFrame:
    """The columns, in which fields that the clinical model does not know were drawn again for the sake of the criteria.

    For each criterion in turn, some patients are to pass and some are to fail; the others stay as they are. Where that
    is not so, its fields are drawn again, at most nine times. Declared facts come first, and hold from then on.

    Args:
        redraw: gives a column again, from its name, the name of a stream, and the share in which a flag is true.
    """
    facts = {f"fact {id}": formula for id, formula in protocol.fact_formulas.items()}
    for id, formula in {**facts, **protocol.requirements}.items():
        drawn = dict.fromkeys(part for name in names(formula) for part in protocol.missing_parts(name, ()))
        free = [name for name in drawn if not is_clinical(name, protocol)]
        u = draws.uniform(f"steer {id}")
        passing = pl.Series(u < (1.0 if id in facts else model.admitted))
        failing = pl.Series(u > 1 - (0.0 if id in facts else model.refused))
        for attempt, true in enumerate(_TRUE_SHARES if free else ()):
            state = _state(formula, columns)
            wrong = (passing & ~state.fill_null(False)) | (failing & state.fill_null(True))
            if not wrong.any():
                break
            again = columns.with_columns(redraw(name, f"{name} for {id}, {attempt}", true) for name in free)
            again = _make_coherent(protocol, again)
            state = _state(formula, again)
            right = (passing & state.fill_null(False)) | (failing & ~state.fill_null(True))
            for fact in facts.values():
                right &= _state(fact, again).fill_null(True)
            hanging = {*free, *protocol.applies, *protocol.derivations}
            changed = [column.name for column in again if column.name in hanging]
            columns = columns.with_columns(again[name].zip_with(wrong & right, columns[name]) for name in changed)
    return columns


def _state(formula: Formula, columns: pl.DataFrame) -> pl.Series:
    return nw.from_native(columns).select(state=expression(formula)).to_native()["state"]


def _make_coherent(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    """The columns with what is worked out from others, and flags false for those they do not apply to."""
    worked = _work_out(protocol, columns)
    if not protocol.applies:
        return worked
    frame = nw.from_native(worked)
    for flag, formula in protocol.applies.items():
        value = nw.when(~expression(formula)).then(nw.lit(False)).otherwise(nw.col(flag))
        frame = frame.with_columns(value.alias(flag))
    return _work_out(protocol, frame.to_native())


def _work_out(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    if not protocol.derivations:
        return columns
    empty = {name: nw.lit(None, DTYPES[protocol.fields[name].type]()) for name in protocol.derivations}
    frame = nw.from_native(columns).with_columns(**empty)
    worked = work_out(frame, protocol, tuple(protocol.derivations)).to_native()
    numbers = [name for name in protocol.derivations if protocol.fields[name].type == "number"]
    return worked.select(list(protocol.fields)).with_columns(pl.col(numbers).round(3))


def panel_of(name: str, field: Field) -> str:
    """What is missing together with a field: its group, unless the model knows that it is ordered apart."""
    return clinical_fields().get(name, {}).get("panel", field.group)


def panel_share(panel: str, model: Numbers) -> float:
    """The share of patients who lack a panel."""
    return read_assumptions("cohort")["panels"].get(panel, model.missing_panel)


def _unknown_cells(
    protocol: Protocol, clinical: dict[str, Array], draws: Draws, model: Numbers, missing: float
) -> dict[str, Array]:
    """Where each field is missing: its panel was not taken, or it alone was not filled in."""
    thorough = draws.normal("thoroughness")
    panels = {panel_of(name, field) for name, field in protocol.fields.items()}
    without = {panel: _without_panel(panel, thorough, draws, model, missing) for panel in panels}
    unknown = {}
    for name, field in protocol.fields.items():
        known = clinical_fields().get(name, {})
        share: Any = missing * known.get("missing", model.missing_field)
        if "after_negative" in known and is_clinical(name, protocol):
            negative = ~clinical["pcr_positive"] & ~clinical["antigen_positive"]
            share = np.where(negative, missing * known["after_negative"], share)
        unknown[name] = without[panel_of(name, field)] | (draws.uniform(f"hole {name}") < share)
    if all(name in unknown and is_clinical(name, protocol) for name in ("other_trial", "other_trial_on")):
        unknown["other_trial_on"] |= ~clinical["other_trial"]
    return unknown


def _without_panel(panel: str, thorough: Array, draws: Draws, model: Numbers, missing: float) -> Array:
    """Who lacks a panel: more often the same patients, tied by how thoroughly a patient is worked up."""
    share = min(1.0, missing * panel_share(panel, model))
    if share in (0.0, 1.0):
        return np.full(draws.n, share == 1.0)
    own = math.sqrt(1 - model.thoroughness**2) * draws.normal(f"panel {panel}")
    return model.thoroughness * thorough + own < NormalDist().inv_cdf(share)


def _mistype(column: pl.Series, field: Field, draws: Draws, model: Numbers) -> pl.Series:
    """The column with a few entries that cannot be, where a range says what can."""
    hit = pl.Series(draws.uniform(f"mistyped {column.name}") < model.dirty)
    if field.type == "date" and column.name == "infected_on":
        # a mistyped century
        return (column.cast(pl.Int32) + hit.cast(pl.Int32) * 180 * 365).cast(pl.Date)
    if field.type not in NUMERIC or not field.range:
        return column
    low, high = field.limits
    value = clinical_fields().get(column.name, {}).get("mistyped", {}).get("value", low)
    if low <= value <= high:
        value = high + (high - low)
    return column.zip_with(~hit, pl.repeat(value, draws.n, dtype=column.dtype, eager=True))


def _add_gaps(column: pl.Series, unknown: dict[str, Array]) -> pl.Series:
    """The column, null where it is unknown."""
    nothing = pl.repeat(None, len(column), dtype=column.dtype, eager=True)
    return column.zip_with(pl.Series(~unknown[column.name]), nothing)
