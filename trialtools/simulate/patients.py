"""A protocol and a seed go in, a table of synthetic patients comes out, with what is missing and what is mistyped."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError, Field
from .ages import fitted_ages
from .clinical import clinical_fields, inpatients, is_clinical
from .columns import even_column, flag_of_date, typed_column
from .draws import Array, Draws
from .gaps import add_gaps, mistype, unknown_cells
from .model import Assume, Numbers, assumed_values
from .quantities import quantity_of, quantity_values
from .steering import make_coherent, steer

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
        if name in protocol.derived:
            continue
        if is_clinical(name, protocol):
            columns.append(typed_column(name, field, _clinical_values(name, field, clinical)))
        elif quantity := quantity_of(name, field):
            columns.append(typed_column(name, field, quantity_values(quantity, draws, clinical)))
        else:
            columns.append(even(name, name, model.flag))
    complete = make_coherent(protocol, pl.DataFrame(columns))
    complete = _drop_idle_dates(protocol, steer(protocol, complete, draws, model, even))
    unknown = unknown_cells(protocol, clinical, draws, model, missing)
    columns = [
        add_gaps(mistype(column, protocol.fields[column.name], draws, model) if dirty else column, unknown)
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
