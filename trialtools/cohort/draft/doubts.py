"""Lines of a mapping that look certain go in; those that other columns or the protocol speak against come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.contents import Protocol
from ...criteria.engine import in_polars
from ...criteria.language import NUMERIC, names, parse
from ...criteria.protocol import DataError, Field
from ..sources.mapping import ColumnMapping, MappedColumn, PatientId
from ..sources.patients import Patients, read_patients
from .content import ColumnContent
from .fit import fit
from .pairs import Pair
from .words import concepts, vocabulary

_OFTEN = 0.05
"""The share of rows in which something must not be so."""
_UNREADABLE = "some of its values cannot be read; on_invalid: unknown counts them instead"


def doubts(protocol: Protocol, frame: Any, live: Mapping[str, MappedColumn]) -> dict[str, list[str]]:
    """By field what other columns say against its own, once all of them are read as they would be.

    Args:
        protocol: its facts must hold, in nearly every row.
        frame: Narwhals frame of the whole table.
        live: the lines that look certain.
    """
    columns = list(dict.fromkeys(source for mapped in live.values() for source in mapped.sources))
    if not columns:
        return {}
    chosen = frame.select(columns)
    native = chosen.to_native() if frame.implementation.is_polars() else in_polars(chosen)
    patients = _patients(native, protocol, live)
    if patients is None:  # what the reader says may quote what stands in the table
        broken = [name for name in live if _patients(native, protocol, {name: live[name]}) is None] or [*live]
        rest = {name: mapped for name, mapped in live.items() if name not in broken}
        return doubts(protocol, frame, rest) | {name: [_UNREADABLE] for name in broken}
    found: dict[str, list[str]] = {}
    for low, high in _order_pairs(protocol, live):
        wrong = in_polars(patients.frame.select(wrong=nw.col(low) > nw.col(high)))["wrong"].drop_nulls()
        if len(wrong) and (share := float(wrong.mean())) > _OFTEN:  # type: ignore[arg-type]
            _add(found, (low, high), f"{low} is above {high} in {share:.0%} of the rows: are the two mixed up?")
    for fact in protocol.facts:
        fields = names(parse(fact.formula, protocol.fields))
        if {*fields} <= {*live} and (
            against := patients.filter(protocol, f"not ({fact.formula})").n
        ) > _OFTEN * patients.n:
            _add(found, fields, f"{against:,} rows are against {fact.id} of the protocol: {fact.says}")
    return found


def _patients(native: Any, protocol: Protocol, live: Mapping[str, MappedColumn]) -> Patients | None:
    """The table as it would be read; None where it would be refused."""
    try:
        return read_patients(native, protocol, ColumnMapping(patient_id=PatientId(), fields=dict(live)))
    except DataError:
        return None


def are_refused(frame: Any, protocol: Protocol, mapping: ColumnMapping) -> bool:
    """Whether the ids of a table are no ids to the reader; one field of the mapping is enough to see it."""
    some = dict([*mapping.fields.items()][:1])
    if mapping.id.column is None or not some:
        return False
    try:
        read_patients(frame.to_native(), protocol, replace(mapping, fields=some))
    except DataError:
        return True
    return False


def _add(found: dict[str, list[str]], fields: Iterable[str], doubt: str) -> None:
    for name in fields:
        found.setdefault(name, []).append(doubt)


def _order_pairs(protocol: Protocol, live: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Two fields of which the first is never above the second, by what they speak of."""
    ordered = [name for name in live if protocol.fields[name].type not in ("flag", "category")]
    for low, high in vocabulary()["order"]:
        firsts, seconds = ([name for name in ordered if concept in concepts(name)] for concept in (low, high))
        for first, second in product(firsts, seconds):
            if first != second and protocol.fields[first].type == protocol.fields[second].type:
                yield first, second


def exchanges(fields: Mapping[str, Field], pairs: Mapping[str, Sequence[Pair]]) -> dict[str, list[str]]:
    """By field what the ranges say of two columns that fit only if their names are exchanged."""
    found: dict[str, list[str]] = {}
    numbers = {name: some[0] for name, some in pairs.items() if fields[name].type in NUMERIC}
    middle = {name: _middle(pair.seen) for name, pair in numbers.items()}
    for (one, first), (other, second) in product(numbers.items(), numbers.items()):
        if not first.fit.settled or second.fit.settled or not _could_be(fields[one], middle[other]):
            continue
        crossed = fit(one, fields[one], second.seen), fit(other, fields[other], first.seen)
        if all(each and each.settled for each in crossed):
            doubt = f"are {first.seen.named} and {second.seen.named} mixed up? Each fits the other's range"
            _add(found, [one], doubt)
    return found


def _middle(seen: ColumnContent) -> float | None:
    """The median of the different numbers of a column."""
    return seen.counts["text"].cast(pl.Float64, strict=False).median()  # type: ignore[return-value]


def _could_be(field: Field, value: float | None) -> bool:
    low, high = field.limits
    return value is None or low <= value <= high
