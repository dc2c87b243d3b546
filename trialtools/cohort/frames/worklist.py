"""A screening goes in; what is unknown of its patients comes out, and which missing fact to find out next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from ...criteria.contents import Protocol
from ...criteria.engine import expression, facts, in_polars, lazy_polars, partial_fields, work_out
from ...criteria.expressions import HIGH, LOW
from ...criteria.language import evaluate
from ...criteria.language.formula import Known, names
from ...criteria.patient.cells import typical_values
from ..patterns import ScreeningData, count_patterns

_WORKLIST = ("field", "label", "unknown", "settles", "could_enter", "could_end", "of", "cost", "judged")


def worklist(screening: ScreeningData) -> pd.DataFrame:
    """For each fact, how many undetermined patients lack it and what knowing it, and nothing else, could do for them.

    Columns: field, label, unknown (undetermined patients who lack it), settles (decided whatever the answer is),
    could_enter (some answer makes them eligible), could_end (some answer makes them ineligible), of (all undetermined
    patients), cost, judged (a person decides it). The fact that settles most comes first, then the one that could end
    most, cheapest first.

    A number or a date is tried at one value between every two limits that the criteria set for it.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> list(tt.screen(protocol, "data/cohort/cohort.csv").worklist()["field"].head(2))
    ['active_tuberculosis', 'radiology_characteristic']
    """

    protocol = screening.protocol
    open_ = _open_patients(screening)
    wanted = [name for name in protocol.used_fields if name not in protocol.derivations]
    counted = pl.collect_all([_effects_of_asking(protocol, name, open_) for name in wanted])
    rows = []
    for name, counts in zip(wanted, counted, strict=True):
        field = protocol.fields[name]
        known = {"of": len(open_), "cost": field.cost, "judged": field.judged_by is not None}
        rows.append({"field": name, "label": field.label, **counts.row(0, named=True), **known})
    frame = pd.DataFrame(rows, columns=list(_WORKLIST))
    order, rising = ["settles", "could_enter", "could_end", "cost"], [False, False, False, True]
    return frame.sort_values(order, ascending=rising, kind="stable", ignore_index=True)


def _open_patients(screening: ScreeningData) -> pl.DataFrame:
    """The facts of all who fail nothing and are open somewhere, with a flag `open:ID` for every criterion."""
    protocol = screening.protocol
    formulas = {id: formula for id, formula in protocol.requirements.items() if names(formula)}
    known = facts(screening.patients.frame, protocol, protocol.used_fields)
    holds = {f"open:{id}": expression(formula, partial_fields(known)) for id, formula in formulas.items()}
    settled = any(evaluate(formula, {}) is not True for formula in protocol.requirements.values() if not names(formula))
    if settled or not holds:
        return in_polars(known.head(0))
    fails = reduce(or_, (pl.col(column).eq_missing(False) for column in holds))
    opens = [pl.col(column).is_null() for column in holds]
    open_ = lazy_polars(known.with_columns(**holds)).filter(~fails).with_columns(*opens)
    return open_.filter(reduce(or_, map(pl.col, holds))).collect(engine="streaming")


def _effects_of_asking(protocol: Protocol, name: str, open_: pl.DataFrame) -> pl.LazyFrame:
    """What the answers to one question would decide, counted in one row over the patients who lack it."""
    hanging = [each for each in protocol.used_fields if each != name and name in protocol.with_causes([each])]
    touched = {id: f for id, f in protocol.requirements.items() if {name, *hanging} & set(names(f))}
    others = [column for column in open_.columns if column.startswith("open:") and column[5:] not in touched]
    lacking = nw.from_native(open_.lazy().filter(pl.col(name).is_null()))
    partial = partial_fields(lacking)
    columns = [*hanging, *(each + end for each in hanging if each in partial for end in (LOW, HIGH))]
    lacking = lacking.with_columns(nw.col(name), *(nw.col(column).alias(f"said:{column}") for column in columns))
    answers = typical_values(protocol, name)
    for n, value in enumerate(answers):
        recorded = (nw.col(f"said:{column}").alias(column) for column in columns)
        lacking = work_out(lacking.with_columns(nw.lit(value).alias(name), *recorded), protocol, hanging)
        holds = (expression(formula, partial).alias(f"{id}:{n}") for id, formula in touched.items())
        lacking = lacking.with_columns(nw.col(name), *holds)
    alone = ~reduce(or_, map(pl.col, others), pl.lit(False))
    states = [[pl.col(f"{id}:{n}") for id in touched] for n in range(len(answers))]
    enters = [alone & reduce(and_, (state.eq_missing(True) for state in each)) for each in states]
    ends = [reduce(or_, (state.eq_missing(False) for state in each)) for each in states]
    return lacking.to_native().select(
        pl.len().alias("unknown"),
        reduce(and_, map(or_, enters, ends)).sum().alias("settles"),
        reduce(or_, enters).sum().alias("could_enter"),
        reduce(or_, ends).sum().alias("could_end"),
    )


def missingness(screening: ScreeningData, top: int = 12) -> pd.DataFrame:
    """What is unknown together: patients by the exact set of facts that they lack.

    Args:
        screening: its patients are counted in their own engine.
        top: how many sets have a row of their own; the rest is one last row, `other`.

    Columns: fields (`spo2, bmi`, in the order of the protocol; empty: nothing is unknown), size (how many; none for
    `other`), n, of (everybody). A field without a column is unknown for all: it would stand in every set, and stands in
    none; `frame.attrs["without_column"]` says how many there are, `frame.attrs["labels"]` what the others are called.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.missingness(top=2)
    >>> frame["fields"].iloc[-1], int(frame["n"].sum())
    ('other', 2000)
    """

    fields = [name for name in screening.protocol.used_fields if name not in screening.patients.absent]
    lacking, n = _unknown_sets(screening, fields)
    size = lacking.sum(axis=0) if fields else np.zeros(len(n), dtype="int64")
    place = np.lexsort(lacking[::-1]) if fields else np.arange(len(n))
    order = np.lexsort((np.argsort(place), size, -n))  # a tie is broken by the fields, so that two runs agree
    shown = order[:top]
    sets = [", ".join(name for name, unknown in zip(fields, lacking[:, at], strict=True) if unknown) for at in shown]
    frame = pd.DataFrame(
        {
            "fields": [*sets, "other"],
            "size": pd.array([*size[shown].tolist(), None], dtype="Int64"),
            "n": [*n[shown].tolist(), int(n[order[top:]].sum())],
            "of": screening.n,
        }
    )
    frame.attrs["labels"] = {name: screening.protocol.fields[name].label for name in fields}
    frame.attrs["without_column"] = len(screening.protocol.used_fields) - len(fields)
    return frame


def _unknown_sets(screening: ScreeningData, fields: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A row a field, a column for each set of unknown fields that occurs; and the patients of each set."""
    if not fields:
        return np.zeros((0, 1), dtype=bool), np.array([screening.n])
    patterns = count_patterns([Known(name) for name in fields], screening.protocol, screening.patients.frame)
    return np.array([patterns.states(position)[0] for position in range(len(fields))]), patterns.n
