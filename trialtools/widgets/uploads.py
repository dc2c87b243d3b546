"""A file from a browser goes in, a patient table comes out; or what is in its way, with what the reader may choose.

Nothing is guessed: which column is which field, and whether what cannot be read may stay unknown, is asked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import narwhals as nw

from ..cohort.draft.lines import DraftLine, MappingDraft
from ..cohort.draft.mapping import draft_mapping
from ..cohort.sources import ColumnMapping, MappedColumn, PatientId, Patients, load_mapping, read_patients
from ..cohort.sources.open import open_table
from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC
from ..criteria.protocol import DataError

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "upright strokes", ",": "commas"}
_IN_A_MAPPING = "on_invalid: unknown in the mapping counts them instead"
_ON_THE_DESK = "“Leave unknown what cannot be read”, below, counts them instead"
_ID_NAMES = ("patient_id", "subject_id", "USUBJID", "id", "ID")


@dataclass(frozen=True)
class Upload:
    """A table on its way: its file, how its columns are to be read, and what was in the way at the last try.

    `mapping` is what was declared. `chosen` is a column by field, empty where the table has none, and `id` that of the
    patient ids, empty where each row is a patient of its own. `comma` reads numbers with a decimal comma, `leave` reads
    as unknown what cannot be read, `number` gives a row without an id of its own its number. `proposed` is by field
    what a drafted mapping says of it, `drafted_id` the column that it takes for the patient id.
    """

    path: Path
    mapping: ColumnMapping | None = None
    chosen: Mapping[str, str] | None = None
    id: str = ""
    comma: bool = False
    leave: bool = False
    number: bool = False
    problem: str = ""
    columns: tuple[str, ...] = ()
    proposed: Mapping[str, DraftLine] = field(default_factory=dict)
    drafted_id: str | None = None

    @property
    def name(self) -> str:
        return self.path.name


def save(folder: str, name: str, content: bytes) -> Path:
    """The bytes as a file of this name, without any folder of its own, in a new folder inside `folder`."""
    bare = "".join(filter(str.isprintable, Path(name.replace("\\", "/")).name)).lstrip(".")[-100:] or "table"
    path = Path(tempfile.mkdtemp(dir=folder)) / bare
    path.write_bytes(content)
    return path


def read_upload(upload: Upload, protocol: Protocol) -> Patients | Upload:
    """The patients of the file; or the upload with what is in the way, and the columns to choose from."""
    try:
        patients = read_patients(upload.path, protocol, _chosen_mapping(upload, protocol))
        if patients.n:
            return patients
        problem = f"{upload.name} has the names of columns, but no patient below them. Nothing was changed."
    except DataError as error:
        problem = str(error).replace(_IN_A_MAPPING, _ON_THE_DESK)
    upload = replace(upload, problem=problem)
    if upload.chosen is None:  # until something is chosen, the columns and the file itself are asked
        with suppress(DataError):
            upload = _propose(upload, protocol, draft_mapping(protocol, upload.path))
    return replace(upload, columns=_columns(upload))


def read_mapping(path: Path, protocol: Protocol) -> ColumnMapping:
    """The mapping of a file, which does not stay.

    Raises:
        DataError: it is no mapping for this protocol; with line and column.
    """
    try:
        return load_mapping(path, protocol)
    except DataError as error:
        raise DataError(str(error).replace(str(path), path.name)) from None
    finally:
        shutil.rmtree(path.parent)


def choices(upload: Upload, protocol: Protocol, fields: list[str]) -> dict[str, Any]:
    """What a view needs to let somebody choose: the problem, the columns, and the column of each field so far."""
    declared = {name: _source(column) for name, column in _mapping_of(upload, protocol).fields.items()}
    alike = {name: line.mapped.sources[0] for name, line in upload.proposed.items()}
    alike |= {name: column for name, column in declared.items() if column in upload.columns}
    chosen = alike if upload.chosen is None else upload.chosen
    ids = (
        (upload.id,)
        if upload.chosen is not None
        else (_mapping_of(upload, protocol).id.column, upload.drafted_id, *_ID_NAMES)
    )
    return {
        "name": upload.name,
        "problem": upload.problem,
        "columns": list(upload.columns),
        "id": next((name for name in ids if name in upload.columns), ""),
        "fields": {name: chosen.get(name, "") for name in fields},
        "asks": {name: line.question for name, line in upload.proposed.items() if line.certainty != "certain"},
        "comma": upload.comma,
        "leave": upload.leave,
        "number": upload.number,
    }


def findings(patients: Patients, protocol: Protocol) -> list[str]:
    """What was wrong with a table that was read, one sentence each; and what it does not have."""
    rows: list[dict[str, Any]] = patients.quality.to_dict("records")
    label = {name: each.label for name, each in protocol.fields.items()}
    lines = [
        f"{label.get(r['field'], r['field'])}: {r['n']:,} × {r['problem']} ({r['example']}); {r['action']}"
        for r in rows
    ]
    absent = [label[name] for name in patients.absent if name in protocol.used_fields]
    return [*lines, f"Not known for anybody, for there is no column: {'; '.join(absent)}"] if absent else lines


def remove(upload: Upload | None) -> None:
    """Forget the file of an upload."""
    if upload is not None:
        shutil.rmtree(upload.path.parent, ignore_errors=True)


def _mapping_of(upload: Upload, protocol: Protocol) -> ColumnMapping:
    return upload.mapping or ColumnMapping(fields={name: name for name in protocol.fields})


def _chosen_mapping(upload: Upload, protocol: Protocol) -> ColumnMapping | None:
    """The mapping as it was declared, with what was chosen since."""
    if upload.chosen is None:
        return upload.mapping
    declared = _mapping_of(upload, protocol)
    there = {name: each for name, each in declared.fields.items() if _source(each) in upload.columns}
    columns = {name: each for name, each in there.items() if name not in upload.chosen}
    chosen = {name: _column(upload, there, name, column) for name, column in upload.chosen.items() if column}
    fields: dict[str, str | MappedColumn] = {}
    for name, each in {**columns, **chosen}.items():
        column = MappedColumn(each) if isinstance(each, str) else each
        decimal = "," if upload.comma and protocol.fields[name].type in NUMERIC else column.decimal
        fields[name] = replace(column, decimal=decimal, on_invalid="unknown" if upload.leave else column.on_invalid)
    id = PatientId(upload.id or None, "number") if upload.number else PatientId(upload.id or None)
    return replace(declared, fields=fields, patient_id=id)


def _column(upload: Upload, there: Mapping[str, str | MappedColumn], name: str, column: str) -> str | MappedColumn:
    """How a column is read: as the mapping says, or as is proposed for this very column.

    Whether what cannot be read is left unknown is the reader's choice, for the whole table.
    """
    before, line = there.get(name), upload.proposed.get(name)
    if isinstance(before, MappedColumn) and _source(before) == column:
        return before
    if line and line.mapped.sources == (column,):
        return replace(line.mapped, on_invalid="error")
    return replace(before, column=column, columns=()) if isinstance(before, MappedColumn) else column


def _source(column: str | MappedColumn | None) -> str:
    """The column that a choice shows; the first of several."""
    return next(iter(column.sources), "") if isinstance(column, MappedColumn) else column or ""


def _columns(upload: Upload) -> tuple[str, ...]:
    """The names of the columns, as far as the file can be opened at all."""
    try:
        table = open_table(upload.path, upload.mapping or ColumnMapping(), ())
        return tuple(nw.from_native(table.native).collect_schema())
    except DataError:
        return ()


def _propose(upload: Upload, protocol: Protocol, draft: MappingDraft) -> Upload:
    """The upload with what its columns seem to say of each field, and how its file is written if nobody declared it."""
    declared, form, usual = (_form(each) for each in (_mapping_of(upload, protocol), draft.mapping, ColumnMapping()))
    if declared == usual != form:
        parts = [f"uses {_SEPARATORS[form['separator']]} between its columns"] if form["separator"] else []
        parts += [f"is written in {form['encoding']}"] if form["encoding"] else []
        parts += [f"has several sheets, of which {form['sheet']} fits best"] if form["sheet"] else []
        parts += [f"has the names of its columns in line {form['header']}"] if form["header"] > 1 else []
        mapping = replace(_mapping_of(upload, protocol), **form)
        upload = replace(upload, mapping=mapping, problem=f"This file {' and '.join(parts)}.")
    proposed = {line.field: line for line in draft.lines if len(line.mapped.sources) == 1}
    return replace(upload, proposed=proposed, drafted_id=draft.mapping.id.column)


def _form(mapping: ColumnMapping) -> dict[str, Any]:
    """How a file is written."""
    return {name: getattr(mapping, name) for name in ("separator", "encoding", "sheet", "header")}
