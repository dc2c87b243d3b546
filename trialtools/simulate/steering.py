"""Complete columns and a protocol go in; columns come out in which every criterion both passes and fails."""

from __future__ import annotations

from collections.abc import Callable

import narwhals as nw
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.engine import DTYPES, expression, work_out
from ..criteria.language import Formula, evaluate, names, parse
from .clinical import is_clinical
from .draws import Draws
from .model import Numbers

_TRUE_SHARES = 3 * (0.5, 0.1, 0.9)
"""The share in which a flag is true, in each try: some criteria want none of many flags, some want all."""


def steer(
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
    facts = {f"fact {fact.id}": parse(fact.formula, protocol.fields) for fact in protocol.facts}
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
            again = make_coherent(protocol, again)
            state = _state(formula, again)
            right = (passing & state.fill_null(False)) | (failing & ~state.fill_null(True))
            for fact in facts.values():
                right &= _state(fact, again).fill_null(True)
            hanging = {*free, *protocol.applies, *protocol.derived}
            changed = [column.name for column in again if column.name in hanging]
            columns = columns.with_columns(again[name].zip_with(wrong & right, columns[name]) for name in changed)
    return columns


def _state(formula: Formula, columns: pl.DataFrame) -> pl.Series:
    return nw.from_native(columns).select(state=expression(formula)).to_native()["state"]


def make_coherent(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    """The columns with what is worked out from others, and flags false for those they do not apply to."""
    cleared = _clear_where_not_applicable(protocol, _work_out(protocol, columns))
    return _work_out(protocol, cleared)


def _work_out(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    if not protocol.derived:
        return columns
    empty = {name: nw.lit(None, DTYPES[protocol.fields[name].type]()) for name in protocol.derived}
    frame = nw.from_native(columns).with_columns(**empty)
    worked = work_out(frame, protocol, tuple(protocol.derived)).to_native()
    numbers = [name for name in protocol.derived if protocol.fields[name].type == "number"]
    return worked.select(list(protocol.fields)).with_columns(pl.col(numbers).round(3))


def _clear_where_not_applicable(protocol: Protocol, columns: pl.DataFrame) -> pl.DataFrame:
    """Flags are false for those they do not apply to; asked of the reference once for each combination that occurs."""
    for flag, formula in protocol.applies.items():
        fields = list(names(formula))
        cases = columns.select(fields).unique() if fields else pl.DataFrame({"": [0]})
        applies = pl.Series(" applies", [evaluate(formula, case) is not False for case in cases.to_dicts()])
        if fields:
            rows = columns.select(fields).join(cases.with_columns(applies), on=fields, maintain_order="left")
            applies = rows.get_column(" applies")
        columns = columns.with_columns((pl.col(flag) & applies).alias(flag))
    return columns
