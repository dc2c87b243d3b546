"""A file from a browser goes in, a patient table comes out; or what is in its way, with what the reader may choose.

Nothing is guessed: which column is which field, and whether what cannot be read may stay unknown, is asked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import narwhals as nw

from ..cohort.draft.lines import DraftLine
from ..cohort.draft.mapping import draft_mapping
from ..cohort.sources import ColumnMapping, MappedColumn, PatientId, Patients, load_mapping, read_patients
from ..cohort.sources.open import open_table
from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC
from ..criteria.protocol import DataError

MAPPINGS = (".yaml", ".yml")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "upright strokes", ",": "commas"}


@dataclass(frozen=True)
class Upload:
    """A table on its way: its file, how its columns are to be read, and what was in the way at the last try.

    `comma` reads numbers with a decimal comma, `leave` reads as unknown what cannot be read, `number` gives a row
    without an id of its own its number. `proposed` is by field what a drafted mapping says of it, and
    `id_column` the column that it takes for the patient id.
    """

    path: Path
    mapping: ColumnMapping | None = None
    comma: bool = False
    leave: bool = False
    number: bool = False
    problem: str = ""
    columns: tuple[str, ...] = field(default=(), compare=False)
    proposed: Mapping[str, DraftLine] | None = field(default=None, compare=False)
    id_column: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.path.name


def save(folder: Path, name: str, content: bytes) -> Path:
    """The bytes as a file of this name, without any folder of its own, in a new folder inside `folder`."""
    bare = Path(name.replace("\\", "/")).name.lstrip(".") or "table"
    path = Path(tempfile.mkdtemp(dir=folder)) / bare
    path.write_bytes(content)
    return path


def read_upload(upload: Upload, protocol: Protocol) -> Patients | Upload:
    """The patients of the file; or the upload with what is in the way, and the columns to choose from."""
    try:
        patients = read_patients(upload.path, protocol, _as_asked(upload, protocol))
        if patients.n:
            return patients
        problem = f"{upload.name} has the names of columns, but no patient below them. Nothing was changed."
    except DataError as error:
        problem = str(error)
        if not _columns(upload) and (separator := _separator(upload)):
            same: dict[str, str | MappedColumn] = {name: name for name in protocol.fields}
            upload = replace(upload, mapping=replace(upload.mapping or ColumnMapping(fields=same), separator=separator))
            problem = f"This file uses {SEPARATORS[separator]} between its columns."
    upload = replace(upload, problem=problem, columns=_columns(upload))
    return upload if upload.proposed is not None else _with_proposals(upload, protocol)


def choose_columns(upload: Upload, columns: Mapping[str, str], id: str) -> Upload:
    """The upload with a column for each field, as it was chosen; how a column is written stays as the mapping says.

    Args:
        upload: a table on its way.
        columns: by field; empty where the table has none.
        id: the column of the patient ids; empty where each row is a patient of its own.
    """
    before = upload.mapping or ColumnMapping()
    chosen = {name: _column(upload, name, column) for name, column in columns.items() if column}
    there = [name for name in before.fields if _source(before, name) in upload.columns]
    kept = {name: before.fields[name] for name in there if name not in columns}
    return replace(upload, mapping=replace(before, fields={**kept, **chosen}, patient_id=PatientId(id or None)))


def as_mapping(mapping: Any, protocol: Protocol) -> ColumnMapping | None:
    """What a caller handed in as a mapping: none, a mapping, or the path of one."""
    return mapping if mapping is None or isinstance(mapping, ColumnMapping) else load_mapping(mapping, protocol)


def read_mapping(text: str, protocol: Protocol) -> ColumnMapping:
    """The mapping that a text holds, as `load_mapping` reads it.

    Raises:
        DataError: it is no mapping for this protocol; with line and column.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.yaml"
        path.write_text(text, "utf-8")
        try:
            return load_mapping(path, protocol)
        except DataError as error:
            raise DataError(str(error).replace(f"{path}", path.name)) from None


def as_choices(upload: Upload, protocol: Protocol, fields: list[str]) -> dict[str, Any]:
    """What a view needs to let somebody choose: the problem, the columns, and the column of each field so far."""
    mapping = upload.mapping or ColumnMapping(fields={name: name for name in protocol.fields})
    proposed = upload.proposed or {}
    alike = {name: _source_of(line.mapped) for name, line in proposed.items()}
    now = {name: _source(mapping, name) for name in fields}
    return {
        "name": upload.name,
        "problem": upload.problem,
        "columns": list(upload.columns),
        "id": next((name for name in (mapping.id.column, upload.id_column, *_ID_NAMES) if name in upload.columns), ""),
        "fields": {n: now[n] if now[n] in upload.columns else alike.get(n, "") for n in fields},
        "asks": {name: line.question for name, line in proposed.items() if line.certainty != "certain"},
        "comma": upload.comma,
        "leave": upload.leave,
        "number": upload.number,
    }


_ID_NAMES = ("patient_id", "subject_id", "USUBJID", "id", "ID")


def findings(patients: Patients, protocol: Protocol) -> list[str]:
    """What was wrong with a table that was read, one sentence each; and what it does not have."""
    rows: list[dict[str, Any]] = patients.quality.to_dict("records")
    label = {name: each.label for name, each in protocol.fields.items()}
    told = [
        f"{label.get(r['field'], r['field'])}: {r['n']:,} × {r['problem']} ({r['example']}); {r['action']}"
        for r in rows
    ]
    absent = [label[name] for name in patients.absent if name in protocol.used]
    return [*told, f"Not known for anybody, for there is no column: {'; '.join(absent)}"] if absent else told


def _as_asked(upload: Upload, protocol: Protocol) -> ColumnMapping | None:
    """The mapping, with what was chosen for the whole table."""
    if not (upload.comma or upload.leave or upload.number):
        return upload.mapping
    mapping = upload.mapping or ColumnMapping(fields={name: name for name in protocol.fields if name in upload.columns})
    fields: dict[str, str | MappedColumn] = {}
    for name, each in mapping.fields.items():
        column = MappedColumn(each) if isinstance(each, str) else each
        decimal = "," if upload.comma and protocol.fields[name].type in NUMERIC else column.decimal
        fields[name] = replace(column, decimal=decimal, on_invalid="unknown" if upload.leave else column.on_invalid)
    id = PatientId(mapping.id.column, "number") if upload.number else mapping.id
    return replace(mapping, fields=fields, patient_id=id)


def _columns(upload: Upload) -> tuple[str, ...]:
    """The names of the columns, as far as the file can be opened at all."""
    try:
        return tuple(nw.from_native(open_table(upload.path, upload.mapping, ()).native).collect_schema())
    except DataError:
        return ()


def _separator(upload: Upload) -> str | None:
    """The sign between the columns with which the file is a table of several columns."""
    mapping = upload.mapping or ColumnMapping()
    tried = (replace(upload, mapping=replace(mapping, separator=sign)) for sign in SEPARATORS)
    return next((each.mapping.separator for each in tried if each.mapping and len(_columns(each)) > 1), None)


def _column(upload: Upload, name: str, column: str) -> str | MappedColumn:
    """How a column is read: as the mapping says, or as is proposed for this very column.

    Whether what cannot be read is left unknown is the reader's choice, for the whole table.
    """
    before, line = (upload.mapping or ColumnMapping()).fields.get(name), (upload.proposed or {}).get(name)
    if isinstance(before, MappedColumn) and _source_of(before) == column:
        return before
    if line and _source_of(line.mapped) == column:
        return replace(line.mapped, on_invalid="error")
    return replace(before, column=column, columns=()) if isinstance(before, MappedColumn) else column


def _with_proposals(upload: Upload, protocol: Protocol) -> Upload:
    """The upload with what its columns seem to say of each field; with nothing, where that cannot be seen."""
    try:
        draft = draft_mapping(protocol, upload.path)
    except DataError:
        return replace(upload, proposed={})
    proposed = {line.field: line for line in draft.lines if _source_of(line.mapped)}
    return replace(upload, proposed=proposed, id_column=draft.mapping.id.column)


def _source_of(column: MappedColumn) -> str:
    """The one column that is read; none where there are several."""
    return column.sources[0] if len(column.sources) == 1 else ""


def _source(mapping: ColumnMapping, name: str) -> str:
    column = mapping.column(name)
    return column.sources[0] if column and column.sources else ""


def remove(upload: Upload | None) -> None:
    """Forget the file of an upload."""
    if upload is not None:
        shutil.rmtree(upload.path.parent, ignore_errors=True)
