"""Fields and columns go in; which column holds which field comes out, and what other columns say against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.contents import Protocol
from ...criteria.engine import in_polars, lazy_polars
from ...criteria.language import NUMERIC, ProtocolError, names, parse
from ...criteria.protocol import DataError, Field
from ...criteria.units import factor
from ..sources.mapping import UNKNOWN, ColumnMapping, MappedColumn, PatientId
from ..sources.names import fold
from ..sources.patients import Patients, read_patients
from .content import ColumnContent, Fit
from .fit import fit
from .words import concepts, split, vocabulary, without_unit, word

_NEAR = {"same name": 9, "same meaning": 7, "says less": 4, "a part of it": 3, "same values": 2, "similar": 1}
"""How near the name of a column is to a field: a column goes to the field that it is nearest to."""


@dataclass(frozen=True)
class Pair:
    """A column that can be a field, how near their names are, and how it would be read."""

    field: str
    how: str
    content: ColumnContent
    fit: Fit

    @property
    def rank(self) -> tuple[int, bool]:
        return _NEAR[self.how], self.fit.settled


def pair_up(fields: Mapping[str, Field], columns: Sequence[ColumnContent]) -> dict[str, list[Pair]]:
    """By field the columns that are nearest to it and to no other field, the best first.

    Several columns stand beside each other where each is a part of a flag, or where nothing tells which of them it is.
    """
    pairs: list[Pair] = []
    owned = {concept for name in fields for concept in concepts(name)}
    by_key: dict[str, set[int]] = {}
    for at, content in enumerate(columns):
        for key in _column_keys(content.name):
            by_key.setdefault(key, set()).add(at)
    for name, field in fields.items():
        near = {at for key in _field_keys(name, field) for at in by_key.get(key, ())}
        for content in columns if field.type == "category" else (columns[at] for at in sorted(near)):
            how = _nearness(name, field, content, owned)
            made = fit(name, field, content) if how else None
            if made is None and how == "same name":
                made = _unreadable(field, content)
            if made:
                pairs.append(Pair(name, how, content, _caution(made, how, content)))
    best: dict[str, int] = {}
    for pair in pairs:
        best[pair.content.name] = max(best.get(pair.content.name, 0), _NEAR[pair.how])
    nearest: dict[str, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: pair.rank, reverse=True):
        together = nearest.setdefault(pair.field, [])
        first = together[0] if together else pair
        if _NEAR[pair.how] == best[pair.content.name] and (pair.how == first.how or _rivals(first, pair)):
            together.append(pair)
    return {name: pairs for name, pairs in nearest.items() if pairs}


def _column_keys(name: str) -> set[str]:
    """What a column is found by: its name, with and without a unit, what it speaks of, and what that is a part of."""
    about = concepts(name) | concepts(without_unit(name)[0])
    return {fold(name), fold(without_unit(name)[0]), *about, *(_wholes().get(concept, "") for concept in about)}


@cache
def _wholes() -> dict[str, str]:
    """By concept the wider one that it is only a part of."""
    return {part: whole for whole, parts in vocabulary()["narrower"].items() for part in split(parts)}


def _field_keys(name: str, field: Field) -> set[str]:
    title = re.sub(r"\(.*?\)", "", field.label)
    called = (name, title, field.label, re.sub(r"\(not .*?\)", "", field.label))
    return {key for each in called for key in (fold(each), *concepts(each))}


def _unreadable(field: Field, content: ColumnContent) -> Fit:
    """A column that bears the name of a field and says nothing of it, or nothing that can be read."""
    if not content.n_filled and content.dtype == nw.String:
        return Fit(MappedColumn(content.name), "nothing")
    asks = (f"nearly nothing in it is {field.domain}; its texts are not shown here",)
    mapped = MappedColumn(content.name, on_invalid="unknown")
    return Fit(mapped, f"{content.n_filled:,} values, {len(content.counts):,} different", False, False, asks)


def _rivals(first: Pair, other: Pair) -> bool:
    """Whether two columns can both be meant, though the name of one is nearer."""
    return {first.how, other.how} == {"same name", "same meaning"}


def _nearness(name: str, field: Field, content: ColumnContent, owned: set[str]) -> str:
    """How near the name of a column is to a field, in a word of `_NEAR`; empty where it is far."""
    title, column = re.sub(r"\(.*?\)", "", field.label), content.name
    if fold(column) in (fold(name), fold(title), fold(field.label)):
        return "same name"
    own, called = concepts(name), concepts(title)
    if field.type in NUMERIC and field.unit and concepts(column) not in (own, called):
        column, unit = without_unit(content.name)
        if unit and _same_unit(unit, field.unit) and fold(column) in (fold(name), fold(title)):
            return "same name"
    spoken = concepts(column)
    wide = own | concepts(re.sub(r"\(not .*?\)", "", field.label))
    if spoken in (own, called):
        return "same meaning"
    if field.type == "flag":
        if len(spoken) == 1 and (whole := _wholes().get(*spoken)) and {whole} in (own, called):
            return "a part of it"
        if spoken < own or spoken < called:
            return "says less"
        if spoken <= wide:
            return "same meaning" if own <= spoken else "a part of it"
    if spoken & own and 2 * len(spoken & wide) >= len(spoken):
        return "similar"
    if field.type == "category" and not spoken & (owned - own):
        values = {value.lower() for value in field.values}
        texts = {text.lower() for text in content.few}
        return "same values" if len(texts) > 1 and texts <= values else ""
    return ""


def _same_unit(unit: str, wanted: str) -> bool:
    try:
        return factor(unit, wanted, "") == (1, 0)
    except ProtocolError:
        return False


# --- columns that say only a part -------------------------------------------------------------------------------------

_SILENT = {"says less": True, "a part of it": False}
"""The answer that says nothing of the field: a smoker may be no heavy smoker, no asthma is not no lung disease."""


def _caution(made: Fit, how: str, content: ColumnContent) -> Fit:
    """A fit whose answers say no more than the column knows."""
    if how not in _SILENT:
        return made
    codes = made.mapped.codes or {text: word(text) == "true" for text in content.few if text not in content.blanks}
    codes = {text: UNKNOWN if meaning is _SILENT[how] else meaning for text, meaning in codes.items()}
    return replace(made, mapped=replace(made.mapped, codes=codes), sure=False)


# --- what speaks against a pair ---------------------------------------------------------------------------------------

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
    native = lazy_polars(frame.select(columns))
    patients = _patients(native, protocol, live)
    if patients is None:  # what the reader says may quote what stands in the table
        broken = [name for name in live if _patients(native, protocol, {name: live[name]}) is None] or [*live]
        rest = {name: mapped for name, mapped in live.items() if name not in broken}
        return doubts(protocol, frame, rest) | {name: [_UNREADABLE] for name in broken}
    doubts_of: dict[str, list[str]] = {}
    for low, high in _order_pairs(protocol, live):
        wrong = in_polars(patients.frame.select(wrong=nw.col(low) > nw.col(high)))["wrong"].drop_nulls()
        if len(wrong) and (share := float(wrong.mean())) > _OFTEN:  # type: ignore[arg-type]
            _add(doubts_of, (low, high), f"{low} is above {high} in {share:.0%} of the rows: are the two mixed up?")
    for fact in protocol.facts:
        fields = names(parse(fact.formula, protocol.fields))
        if {*fields} <= {*live} and (
            against := patients.filter(protocol, f"not ({fact.formula})").n
        ) > _OFTEN * patients.n:
            _add(doubts_of, fields, f"{against:,} rows are against {fact.id} of the protocol: {fact.says}")
    return doubts_of


def _patients(native: Any, protocol: Protocol, live: Mapping[str, MappedColumn]) -> Patients | None:
    """The table as it would be read; None where it would be refused."""
    try:
        return read_patients(native, protocol, ColumnMapping(patient_id=PatientId(), fields=dict(live)))
    except DataError:
        return None


def _add(doubts: dict[str, list[str]], fields: Iterable[str], doubt: str) -> None:
    for name in fields:
        doubts.setdefault(name, []).append(doubt)


def _order_pairs(protocol: Protocol, live: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of fields, by their meaning, of which the first is never above the second."""
    ordered = [name for name in live if protocol.fields[name].type not in ("flag", "category")]
    for low, high in vocabulary()["order"]:
        firsts, seconds = ([name for name in ordered if concept in concepts(name)] for concept in (low, high))
        for first, second in product(firsts, seconds):
            if first != second and protocol.fields[first].type == protocol.fields[second].type:
                yield first, second


def exchanges(fields: Mapping[str, Field], pairs: Mapping[str, Sequence[Pair]]) -> dict[str, list[str]]:
    """By field what the ranges say of two columns that fit only if their names are exchanged."""
    doubts: dict[str, list[str]] = {}
    numbers = {name: some[0] for name, some in pairs.items() if fields[name].type in NUMERIC}
    middle = {name: _middle(pair.content) for name, pair in numbers.items()}
    for (one, first), (other, second) in product(numbers.items(), numbers.items()):
        if not first.fit.settled or second.fit.settled or not _could_be(fields[one], middle[other]):
            continue
        crossed = fit(one, fields[one], second.content), fit(other, fields[other], first.content)
        if all(each and each.settled for each in crossed):
            called = f"{first.content.shown_name} and {second.content.shown_name}"
            _add(doubts, [one], f"are {called} mixed up? Each fits the other's range")
    return doubts


def _middle(content: ColumnContent) -> float | None:
    """The median of the different numbers of a column."""
    return content.counts["text"].cast(pl.Float64, strict=False).median()  # type: ignore[return-value]


def _could_be(field: Field, value: float | None) -> bool:
    low, high = field.limits
    return value is None or low <= value <= high
