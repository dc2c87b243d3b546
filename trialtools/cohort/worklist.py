"""What to measure next: which single missing fact would settle the most undetermined patients."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from ..engine import expression, facts
from ..expr import Formula, names
from ..protocol import Protocol
from ..reasons.options import atoms, cells, is_tied, typical
from ..screening import Screening, in_polars

if TYPE_CHECKING:
    import pandas as pd

WORKLIST = ("field", "label", "unknown", "settles", "could_enter", "could_end", "of", "cost", "judged")


def worklist(screening: Screening) -> pd.DataFrame:
    """For each fact, how many undetermined patients lack it and what knowing it, and nothing else, could do for them.

    Columns: field, label, unknown (undetermined patients who lack it), settles (decided whatever the answer is),
    could_enter (some answer makes them eligible), could_end (some answer makes them ineligible), of (all undetermined
    patients), cost, judged (a person decides it). The fact that settles most comes first, then the one that could end
    most, cheapest first.

    A number or a date is tried at one value between every two limits that the criteria set for it.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> list(tt.worklist(tt.screen(protocol, "data/cohort/cohort.csv"))["field"].head(2))
    ['active_tuberculosis', 'radiology_characteristic']
    """
    import pandas as pd

    protocol = screening.protocol
    open_ = _undetermined(screening)
    rows = []
    for name in protocol.used:
        field = protocol.fields[name]
        lacking = open_.filter(pl.col(name).is_null())
        row = {"field": name, "label": field.label, "unknown": len(lacking), "of": len(open_)}
        row |= _tried(protocol, name, lacking)
        rows.append({**row, "cost": field.cost, "judged": field.judged_by is not None})
    frame = pd.DataFrame(rows, columns=list(WORKLIST))
    order, rising = ["settles", "could_enter", "could_end", "cost"], [False, False, False, True]
    return frame.sort_values(order, ascending=rising, kind="stable", ignore_index=True)


def _undetermined(screening: Screening) -> pl.DataFrame:
    """The facts of all who fail nothing and are open somewhere, with a flag `open:ID` for every criterion."""
    protocol = screening.protocol
    asked = {id: formula for id, formula in protocol.requirements.items() if names(formula)}
    holds = [expression(formula).alias(f"open:{id}") for id, formula in asked.items()]
    columns = [f"open:{id}" for id in asked]
    if not columns:
        return in_polars(facts(screening.patients.frame, protocol, protocol.used).head(0))
    judged = facts(screening.patients.frame, protocol, protocol.used).with_columns(*holds)
    native = judged.to_native() if judged.implementation.is_polars() else in_polars(judged)
    fails = reduce(or_, (pl.col(column).eq_missing(False) for column in columns))
    opens = [pl.col(column).is_null() for column in columns]
    return native.lazy().filter(~fails).with_columns(*opens).filter(reduce(or_, map(pl.col, columns))).collect()


def _tried(protocol: Protocol, name: str, lacking: pl.DataFrame) -> dict[str, int]:
    """What each answer to one question would decide, counted over the patients who lack it."""
    touched = [
        id for id, formula in protocol.requirements.items() if {name, *_flags_of(protocol, name)} & set(names(formula))
    ]
    rest = [column for column in lacking.columns if column.startswith("open:") and column[5:] not in touched]
    others = reduce(or_, map(pl.col, rest), pl.lit(False))
    answers = [_answered(protocol, name, value, touched, lacking, others) for value in _answers(protocol, name)]
    enters, ends = (reduce(or_, (answer[which] for answer in answers)) for which in (0, 1))
    settled = reduce(and_, (answer[0] | answer[1] for answer in answers))
    return {"settles": int(settled.sum()), "could_enter": int(enters.sum()), "could_end": int(ends.sum())}


def _answered(
    protocol: Protocol, name: str, value: Any, touched: list[str], lacking: pl.DataFrame, others: pl.Expr
) -> tuple[pl.Series, pl.Series]:
    """For each patient, whether one answer makes them eligible, and whether it makes them ineligible."""
    asked = nw.from_native(lacking).with_columns(nw.lit(value).alias(name))
    flags = [
        nw.when(~expression(protocol.applies[flag])).then(nw.lit(False)).otherwise(nw.col(flag)).alias(flag)
        for flag in _flags_of(protocol, name)
        if flag in lacking.columns
    ]
    states = asked.with_columns(*flags).with_columns(
        *(expression(protocol.requirements[id]).alias(f"now:{id}") for id in touched)
    )
    now = [pl.col(f"now:{id}") for id in touched]
    ends = reduce(or_, (state.eq_missing(False) for state in now))
    enters = reduce(and_, (state.eq_missing(True) for state in now)) & ~others
    decided = states.to_native().select(enters.alias("enters"), ends.alias("ends"))
    return decided["enters"], decided["ends"]


def _flags_of(protocol: Protocol, name: str) -> list[str]:
    """The flags that apply or not by this field."""
    return [flag for flag, applies in protocol.applies.items() if name in names(applies)]


def _answers(protocol: Protocol, name: str) -> list[Any]:
    """A value for every run of values that no criterion tells apart; the ends of the range where fields are tied."""
    field = protocol.fields[name]
    formulas: list[Formula] = [
        f for f in (*protocol.requirements.values(), *protocol.applies.values()) if name in names(f)
    ]
    found, _ = cells({other: protocol.fields[other] for f in formulas for other in names(f)}, formulas, {})
    values = [typical(field, cell) for cell in found[name]]
    tied = any(name in names(atom) and is_tied(atom, list(names(atom))) for f in formulas for atom in atoms(f))
    return [*dict.fromkeys([*values, *field.limits])] if tied else values
