"""Single patients: a decision for each and evidence for each criterion, worked out when collected or written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import get_args

import narwhals as nw
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.engine import expression, facts, lazy_polars, partial_fields
from ..criteria.expressions import WRITTEN
from ..criteria.language import evaluate
from ..criteria.language.formula import And, AtLeast, Formula, Not, Or, names
from ..criteria.patient.tree import DECISIONS, State
from ..criteria.protocol import Field
from .patterns import ScreeningData

_Path = tuple[int, ...]


def decisions(screening: ScreeningData) -> pl.LazyFrame:
    """A row a patient: `patient_id`, `decision`, `failed`, `unknown` (criteria) and `open_items` (fields)."""
    protocol = screening.protocol
    failed, unknown = (
        _names_where({id: pl.col(f"state:{id}") == state for id in protocol.requirements})
        for state in ("fail", "unknown")
    )
    decision = pl.when(failed != "").then(pl.lit("ineligible")).when(unknown != "").then(pl.lit("undetermined"))
    undetermined = (failed == "") & (unknown != "")
    return _criterion_rows(screening).select(
        "patient_id",
        decision.otherwise(pl.lit("eligible")).cast(pl.Enum(DECISIONS)).alias("decision"),
        failed.alias("failed"),
        unknown.alias("unknown"),
        pl.when(undetermined).then(_names_where(_open_fields(protocol))).otherwise(pl.lit("")).alias("open_items"),
    )


def evidence(screening: ScreeningData) -> pl.LazyFrame:
    """A row a patient and criterion: `patient_id`, `criterion`, `state` and the `values` that decided it."""
    judged, protocol = _criterion_rows(screening), screening.protocol
    written = {name.removesuffix(WRITTEN) for name in judged.collect_schema().names() if name.endswith(WRITTEN)}
    return pl.concat(
        judged.select(
            "patient_id",
            pl.lit(id).alias("criterion"),
            pl.col(f"state:{id}").cast(pl.Enum(get_args(State))).alias("state"),
            _values(id, formula, protocol, written).alias("values"),
        )
        for id, formula in protocol.requirements.items()
    )


def _criterion_rows(screening: ScreeningData) -> pl.LazyFrame:
    """The facts of every patient, the state of every criterion, and the value of each part that may have decided it."""
    protocol = screening.protocol
    known = facts(screening.patients.frame, protocol, protocol.used_fields)
    partial = partial_fields(known)
    parts = [
        expression(part, partial).alias(_part(id, path))
        for id, formula in protocol.requirements.items()
        if names(formula)
        for path, part in _parts(formula)
    ]
    home = nw.from_native(lazy_polars(known))
    native = (home.with_columns(*parts) if parts else home).to_native()
    states = [_state(id, formula).alias(f"state:{id}") for id, formula in protocol.requirements.items()]
    return native.with_columns(*states)


def _state(id: str, formula: Formula) -> pl.Expr:
    if not names(formula):
        return pl.lit("pass" if evaluate(formula, {}) else "fail")
    holds = pl.col(_part(id, ()))
    return pl.when(holds).then(pl.lit("pass")).when(~holds).then(pl.lit("fail")).otherwise(pl.lit("unknown"))


# A part of a formula helped to decide when its value is that of the whole it stands in: the true alternatives of an
# "or" that holds, all of one that fails, the unknown ones of one that is open. The same rule runs down every formula.


def _parts(formula: Formula, path: _Path = ()) -> Iterator[tuple[_Path, Formula]]:
    yield path, formula
    match formula:
        case Not(item):
            yield from _parts(item, (*path, 0))
        case And(items) | Or(items) | AtLeast(_, items):
            for position, item in enumerate(items):
                yield from _parts(item, (*path, position))


def _fields_that_decide(id: str, formula: Formula, path: _Path, here: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    """The fields of a formula, each with the rows for which it helped to decide."""
    match formula:
        case Not(item):
            yield from _fields_that_decide(id, item, (*path, 0), here)
        case And(items) | Or(items) | AtLeast(_, items):
            for position, item in enumerate(items):
                below = (*path, position)
                same = pl.col(_part(id, below)).eq_missing(pl.col(_part(id, path)))
                yield from _fields_that_decide(id, item, below, here & same)
        case _:
            for name in names(formula):
                yield name, here


def _deciding_fields(id: str, formula: Formula) -> dict[str, pl.Expr]:
    fields: dict[str, list[pl.Expr]] = {}
    for name, rows in _fields_that_decide(id, formula, (), pl.lit(True)):
        fields.setdefault(name, []).append(rows)
    return {name: reduce(or_, rows) for name, rows in fields.items()}


def _open_fields(protocol: Protocol) -> dict[str, pl.Expr]:
    """By field, the rows where it is unknown and leaves a criterion open; the parts of one that is worked out."""
    fields: dict[str, list[pl.Expr]] = {}
    for id, formula in protocol.requirements.items():
        open_ = pl.col(f"state:{id}") == "unknown"
        for name, rows in _deciding_fields(id, formula).items():
            for lacking, where in _missing_parts(name, protocol, open_ & rows & pl.col(name).is_null()):
                fields.setdefault(lacking, []).append(where)
    return {name: reduce(or_, fields[name]) for name in protocol.fields if name in fields}


def _missing_parts(name: str, protocol: Protocol, unknown: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    """As `Protocol.missing_parts` says it of one patient: the fields to find out, each with its rows."""
    parts = {part: pl.col(part).is_null() for part in protocol.parts(name)}
    yield name, unknown & ~reduce(or_, parts.values(), pl.lit(False))
    for part, open_ in parts.items():
        yield from _missing_parts(part, protocol, unknown & open_)


def _values(id: str, formula: Formula, protocol: Protocol, written: set[str]) -> pl.Expr:
    """`respiratory_rate=22, spo2=?`; what is known in part as the table has it."""
    parts = [
        pl.when(rows).then(pl.concat_str(pl.lit(f"{name}="), _cell_text(name, protocol.fields[name], name in written)))
        for name, rows in _deciding_fields(id, formula).items()
    ]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True) if parts else pl.lit("")


def _cell_text(name: str, field: Field, written: bool) -> pl.Expr:
    column = pl.col(name)
    if field.type == "flag":
        text = pl.when(column).then(pl.lit("yes")).when(~column).then(pl.lit("no"))
    elif field.type in ("number", "integer"):
        text = column.cast(pl.String).str.strip_suffix(".0")
    else:
        text = column.cast(pl.String)
    return (pl.coalesce(text, pl.col(name + WRITTEN)) if written else text).fill_null("?")


def _names_where(rows: dict[str, pl.Expr]) -> pl.Expr:
    """The names whose condition holds in a row, joined by commas."""
    named = [pl.when(condition).then(pl.lit(name)) for name, condition in rows.items()]
    return pl.concat_str(named, separator=", ", ignore_nulls=True) if named else pl.lit("")


def _part(id: str, path: _Path) -> str:
    return f"part:{id}:{'.'.join(map(str, path))}"
