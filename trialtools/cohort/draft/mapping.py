"""A protocol and a table go in, a mapping comes out: what is certain stands, what is guessed waits for a person."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import narwhals as nw

from ...criteria.contents import Protocol
from ...criteria.protocol import DataError, Field, Question
from ...criteria.stage import expect
from ..sources.checks import one_row
from ..sources.ids import no_patients
from ..sources.mapping import ColumnMapping, MappedColumn, PatientId, Rows
from ..sources.open import RawTable, open_table, readable
from ..sources.patients import read_patients
from .content import ColumnContent, see_column
from .fit import fit
from .form import check_names, file_forms, is_workbook
from .lines import DraftLine, MappingDraft
from .numbers import THOUSANDS
from .pairs import Pair, doubts, exchanges, pair_up
from .words import split, tokens, vocabulary

_TITLES = 7
"""Lines of titles that may stand above the names of a workbook."""
_ODD, _ALONE = 4, 0.2
"""Letters beyond ASCII that tell something; the share of them that may stand alone where the encoding is another."""


def draft_mapping(protocol: Protocol, table: Any) -> MappingDraft:
    """A mapping that screens at once: lines that are certain stand, all others wait for a person.

    Args:
        protocol: its fields are looked for.
        table: whatever `read_patients` takes: a path (CSV, Excel, Parquet, a folder), a frame, a DuckDB relation.

    A line is certain if the column bears the name of the field and its values need no interpretation. What a column
    does not say is unknown: of one that says less than the field asks (smoker, for heavy smoker) yes means unknown, of
    one that is only a part of it (asthma, for chronic lung disease) no does. Texts that are no words for yes, no,
    unknown or a value of the protocol are counted and never shown.

    Raises:
        DataError: the table cannot be opened, or the names of its columns are missing.

    >>> import polars as pl, trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> table = pl.DataFrame({"patient_id": ["a", "b"], "age": [71, 64], "smoker": ["yes", "no"]})
    >>> draft = tt.draft_mapping(protocol, table)
    >>> [(line.field, line.certainty, line.how) for line in draft.lines]
    [('age', 'certain', 'same name'), ('heavy_smoker', 'guess', 'says less')]
    >>> draft.take("heavy_smoker").column("heavy_smoker").codes
    {'no': False, 'yes': 'unknown'}
    """
    expect(protocol, Protocol, "tt.draft_mapping(protocol, table)")
    drafts = [_draft(protocol, table, form) for form in file_forms(table)]
    if is_workbook(table) and not any(draft.lines for draft in drafts):
        drafts += [*_lower_headers(protocol, table, drafts)]
    best = max(drafts, key=lambda draft: len(draft.lines))
    others = [draft.mapping.sheet for draft in drafts if draft.mapping.sheet != best.mapping.sheet]
    there = ", ".join(map(str, dict.fromkeys(others)))
    asks = [f"sheet: {best.mapping.sheet} is taken; there is also {there}"] if others else []
    return replace(best, asks=(*asks, *best.asks))


def _lower_headers(protocol: Protocol, table: Any, drafts: Sequence[MappingDraft]) -> Iterator[MappingDraft]:
    """Drafts of a workbook whose names stand below a title."""
    for draft in drafts:
        for header in range(2, _TITLES + 2):
            with suppress(DataError):
                yield _draft(protocol, table, replace(draft.mapping, header=header))


def _draft(protocol: Protocol, source: Any, written: ColumnMapping) -> MappingDraft:
    file = isinstance(source, str | os.PathLike)
    table = open_table(source, written, frozenset() if file else None)
    with readable(table.name) if file else nullcontext():
        return _draft_of(protocol, table, replace(written, name=Path(source).name.split(".")[0] if file else ""))


def _draft_of(protocol: Protocol, table: RawTable, written: ColumnMapping) -> MappingDraft:
    frame = nw.from_native(table.native)
    schema = dict(frame.collect_schema())
    check_names([*schema], table.name)
    rows = one_row(frame.select(n=nw.len()))["n"]
    columns = [see_column(frame, name, dtype, rows) for name, dtype in schema.items()]
    id, several, asks = _find_id(columns, frame, table.sheet)
    wanted = {
        name: field for name, field in protocol.fields.items() if name in schema or not isinstance(field, Question)
    }
    twice = {name for name in schema if f"{name} (2)" in schema}
    asks += tuple(f"{name}: two columns bear this name; rename one of them" for name in sorted(twice))
    asks += _of_encoding(written.encoding, [*schema])
    others = {id.column, "synthetic", *(name for name in schema if re.sub(r" \(\d+\)$", "", name) in twice)}
    pairs = pair_up(wanted, [content for content in columns if content.name not in others])
    lines = tuple(_line(wanted[name], pairs[name]) for name in wanted if name in pairs)
    lines = _hold_back(_one_mark(lines), exchanges(wanted, pairs))
    lines = _hold_back(lines, doubts(protocol, frame, _live(lines)))
    mapping = replace(written, patient_id=id, rows=several, fields=dict(_live(lines)))
    if _are_refused(_of_patients(frame, id.column, table.sheet), protocol, mapping):
        asks = (
            *asks,
            f"patient_id: what stands in {id.column} cannot be taken for ids; every row is taken for a patient",
        )
        mapping = replace(mapping, patient_id=PatientId(), rows=None)
    used = {source for line in lines for source in line.mapped.sources} | {id.column, "synthetic"}
    settled = {line.field for line in lines}
    absent = tuple(name for name in protocol.used_fields if name in wanted and name not in settled)
    unread = tuple(content.shown_name for content in columns if content.name not in used)
    return MappingDraft(table.name, rows, mapping, lines, absent, unread, asks)


def _of_encoding(encoding: str | None, names: Sequence[str]) -> tuple[str, ...]:
    """A doubt where letters beyond ASCII stand in rows, as those of no Western language do."""
    written = " ".join(names)
    odd = sum(not letter.isascii() for letter in written)
    alone = len(re.findall(r"(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])", written))
    if encoding is None or odd < _ODD or alone > _ALONE * odd:
        return ()
    others = "gb18030, big5, shift_jis, cp1251 or iso8859-7"
    return (
        f"encoding: {encoding} is a guess; if the names of the columns look wrong, write another, such as {others}",
    )


def _live(lines: tuple[DraftLine, ...]) -> dict[str, MappedColumn]:
    """The lines that stand."""
    return {line.field: line.mapped for line in lines if line.certainty == "certain"}


def _line(field: Field, pairs: list[Pair]) -> DraftLine:
    """What a mapping would say of a field, from the columns that may hold it."""
    first = pairs[0]
    together = [pair for pair in pairs if pair.how == "a part of it"] if first.how == "a part of it" else []
    made, asks, several = first.fit, list(first.fit.asks), [pair.content.shown_name for pair in pairs]
    mapped = made.mapped
    if len(together) > 1:
        codes = {text: meaning for pair in together for text, meaning in pair.fit.mapped.codes.items()}
        mapped = replace(mapped, column=None, columns=tuple(pair.content.name for pair in together), codes=codes)
        asks = [ask for pair in together for ask in pair.fit.asks]
    elif len(pairs) > 1:
        asks.append(f"which one is it: {', '.join(several)}?")
    sure = made.sure and made.settled and len(pairs) == 1
    declared = field.type == "category" and not mapped.codes and first.how == "same meaning"
    certain = sure and (first.how == "same name" or declared)
    holds = "; ".join(f"{pair.content.shown_name} holds {pair.fit.holds}" for pair in (together or pairs))
    certainty = "certain" if certain else "guess" if made.settled else "open"
    label = field.label + (f", {field.unit}" if field.unit else "")
    return DraftLine(first.field, label, certainty, mapped, first.how, holds, tuple(asks), made.notes)


def _one_mark(lines: tuple[DraftLine, ...]) -> tuple[DraftLine, ...]:
    """The lines; where other columns have a decimal comma, a point before three digits stands for thousands."""
    if not any(line.mapped.decimal == "," for line in lines):
        return lines
    return tuple(
        replace(line, mapped=replace(line.mapped, decimal=",")) if THOUSANDS in line.asks else line for line in lines
    )


def _hold_back(lines: tuple[DraftLine, ...], doubts: Mapping[str, Sequence[str]]) -> tuple[DraftLine, ...]:
    """The lines; a line with anything against it is no longer certain."""

    def doubt(line: DraftLine) -> DraftLine:
        certainty = "open" if line.certainty == "open" else "guess"
        return replace(line, certainty=certainty, asks=(*line.asks, *doubts[line.field]))

    return tuple(doubt(line) if line.field in doubts else line for line in lines)


def _find_id(
    columns: Sequence[ColumnContent], frame: Any, sheet: bool
) -> tuple[PatientId, Rows | None, tuple[str, ...]]:
    """The column of ids, what is done with several rows of a patient, and what both leave open."""
    own = split(vocabulary()["ids"])
    order = own + split(vocabulary()["numbers"])
    named = [content for content in columns if " ".join(tokens(content.name)) in order and not content.dtype.is_float()]
    named.sort(key=lambda content: order.index(" ".join(tokens(content.name))))
    if not named:
        return PatientId(), None, ("patient_id: no column names patients; every row is taken for one",)
    patients = _of_patients(frame, named[0].name, sheet)
    rows = one_row(patients.select(n=nw.len()))["n"]
    content = see_column(patients, named[0].name, named[0].dtype, rows)
    different, lost = len(content.counts), rows - content.n_filled
    lack = f"patient_id: {lost:,} {'row has' if lost == 1 else 'rows have'} no {content.shown_name}"
    if different == rows == content.n_filled:
        return PatientId(content.name), None, ()
    if different == content.n_filled:
        return PatientId(content.name, "number"), None, (f"{lack}; each is taken for a patient",)
    if content.n_filled < rows:
        return PatientId(), None, (f"{lack}; every row is taken for a patient",)
    if " ".join(tokens(content.name)) not in own:
        sizes = f"{rows:,} rows have {different:,} different {content.shown_name}; every row is taken for a patient"
        return PatientId(), None, (f"patient_id: {sizes}. Which column names patients?",)
    days = [each.shown_name for each in columns if fit("", Field("date", ""), each)]
    sizes = f"{rows:,} rows have {different:,} different {content.shown_name}"
    sizes += "; where rows of a patient differ, a field is unknown"
    which = f"; BY is one of {', '.join(days[:3])}" if days else ", where BY is the column of the day"
    by = f". To take the last row: rows: {{take: last, by: BY}}{which}"
    return PatientId(content.name), Rows(), (f"patient_id: {sizes}{by}",)


def _are_refused(frame: Any, protocol: Protocol, mapping: ColumnMapping) -> bool:
    """Whether the ids of a table are no ids to the reader; one field of the mapping is enough to see it."""
    some = dict([*mapping.fields.items()][:1])
    if mapping.id.column is None or not some:
        return False
    try:
        read_patients(frame.to_native(), protocol, replace(mapping, fields=some))
    except DataError:
        return True
    return False


def _of_patients(frame: Any, id: str | None, sheet: bool) -> Any:
    """The table without the rows that the reader leaves out."""
    schema = dict(frame.collect_schema())
    others = [name for name in schema if sheet and name not in (id, "synthetic")]
    return reduce(lambda left, rows: left.filter(~rows), no_patients(id or "", schema, others).values(), frame)
