"""A folder, a wide file or frames go in, the tidy tables come out as texts, whatever shape they had.

A mapping says where columns come from and what their codes mean. In a wide file, with one row a subject, an entry of a
table makes a row for every subject with any value in the columns that it names. Of a folder, an entry says what is
written otherwise in its table; the rest is taken as is.

    subjects: {subject_id: id, site: site, arm: {column: rx, codes: {0: placebo, 1: drug}}, age: age}
    outcomes:
      - {endpoint: {value: progression}, value: {column: worse, codes: {"no": "0", "yes": "1"}}, observed_on: seen_on}
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ...cohort.sources.cells import read_cell
from ...cohort.sources.mapping import MappedColumn
from ...criteria.language import ProtocolError, nearest
from ...criteria.protocol import STRICT, DataError, Field, read_yaml
from .raw import Raw, as_text, hashes_of
from .sdtm import domains, read_sdtm
from .tables import TABLES, Frame, finding

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".xpt")

_OURS = ("findings.csv", "allocations.csv")
"""What stands beside the tables of a cut that `trialtools report` has made."""


def open_source(source: Any, mapping: str | os.PathLike[str] | None) -> Raw:
    """The tables of a source as texts, in our columns, and what it says of the trial.

    Raises:
        DataError: files that cannot be read, or no table of subjects among them.
    """
    if isinstance(source, Mapping):
        return Raw("the tables", {name: as_text(frame) for name, frame in source.items()})
    path = Path(source)
    if not path.exists():
        raise DataError(f"{path} does not exist; expected a folder with trial data, or a wide file and its mapping")
    if mapping is None:
        if path.is_file():
            raise DataError(f"{path.name} is one file: hand in a mapping that says what its columns are, or a folder")
        return _folder(path)
    file = Path(mapping)
    written = _load_mapping(file)
    read = _read_wide(path, written, file.name) if path.is_file() else _with_mapping(_folder(path), written, file.name)
    known = {"endpoint": written.endpoint, "window": written.window, "arms": written.arms or read.arms}
    return replace(read, sha256={**read.sha256, **hashes_of(file)}, **known)


def _folder(path: Path) -> Raw:
    """The tables of a folder, or the domains of a study; the files that are neither are counted."""
    readable = [file for file in sorted(path.iterdir()) if file.name.lower().endswith(_SUFFIXES)]
    files = {file: stem for file in readable if (stem := file.name.split(".")[0]) in TABLES}
    if doubled := sorted(name for name, n in Counter(files.values()).items() if n > 1):
        raise DataError(f"{path} holds two files for {', '.join(doubled)}; nobody can know which one is meant")
    if "subjects" in files.values():
        raw = Raw(path.name, {name: as_text(file) for file, name in files.items()}, hashes_of(*files))
    elif tables := domains(readable):
        files, raw = dict.fromkeys(tables), read_sdtm(path, tables)
    else:
        there = ", ".join(file.name for file in sorted(path.iterdir())[:8]) or "nothing"
        raise DataError(f"{path} holds neither subjects.csv (or .parquet) nor an SDTM domain DM, but {there}")
    unread = [file.name for file in readable if file not in files and file.name not in _OURS]
    if not unread:
        return raw
    row = ("not a table or a domain that is read", len(unread), len(readable), ", ".join(unread[:5]), "left out")
    return replace(raw, findings=(*raw.findings, finding("files", "", *row)))


@dataclass(frozen=True)
class _Cell:
    """Where a value comes from: a `column`, or one `value` for all; and how the column is written.

    `codes` say what each text means, `missing` which say nothing; `format` is that of dates ("%d/%m/%Y"), `decimal` the
    mark of numbers.
    """

    column: str | None = None
    value: str | None = None
    codes: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    format: str | None = None
    decimal: Literal[".", ","] | None = None


_Entry = dict[str, _Cell]


@dataclass(frozen=True)
class _TrialMapping:
    """How a trial's own columns become the tables; `endpoint` is the primary one, `window` its days."""

    __pydantic_config__ = STRICT

    subjects: tuple[_Entry, ...] = ()
    doses: tuple[_Entry, ...] = ()
    events: tuple[_Entry, ...] = ()
    outcomes: tuple[_Entry, ...] = ()
    disposition: tuple[_Entry, ...] = ()
    labs: tuple[_Entry, ...] = ()
    endpoint: str | None = None
    window: int | None = None
    arms: tuple[str, ...] = ()
    separator: str = ","
    sheet: str | None = None
    note: str | None = None


def _load_mapping(file: Path) -> _TrialMapping:
    """The mapping of a YAML file.

    Raises:
        DataError: a file that cannot be read, or a misspelt key.
    """
    try:
        return read_yaml(file.read_text("utf-8"), _TrialMapping, str(file), _write_out)
    except ProtocolError as error:
        raise DataError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"the mapping cannot be read: {reason}\n  {file}") from None


def _write_out(data: dict[str, Any]) -> dict[str, Any]:
    """One entry stands for a list of one; a column's name, or codes alone, for the cell that takes that column."""
    return {name: _entries(entries) if name in TABLES else entries for name, entries in data.items()}


def _entries(written: Any) -> Any:
    if isinstance(written, dict):
        return [{name: _cell_of(name, cell) for name, cell in written.items()}]
    if not isinstance(written, list):
        return written
    return [_entries(each)[0] if isinstance(each, dict) else each for each in written]


def _cell_of(name: str, written: Any) -> Any:
    if isinstance(written, str):
        return {"column": written}
    return {"column": name, **written} if isinstance(written, dict) and "value" not in written else written


def _read_wide(path: Path, mapping: _TrialMapping, where: str) -> Raw:
    """The tables of a wide file.

    Raises:
        DataError: a column that is not there, or a code that the mapping does not name.
    """
    source = as_text(path, mapping.separator, mapping.sheet)
    if len(mapping.subjects) != 1 or "subject_id" not in mapping.subjects[0]:
        raise DataError(f"{where}: subjects needs subject_id, the column that names a person")
    person, tables = {"subject_id": mapping.subjects[0]["subject_id"]}, {}
    for name in TABLES:
        parts = [_of_whom_known(source, name, {**person, **entry}, where) for entry in getattr(mapping, name)]
        if parts:
            tables[name] = pd.concat(parts, ignore_index=True)
    return Raw(path.name, tables, hashes_of(path))


def _of_whom_known(source: Frame, table: str, entry: _Entry, where: str) -> Frame:
    """One row a subject; beyond `subjects` only those with any value."""
    frame = pd.DataFrame(_columns(source, table, entry, where))
    columns = [name for name, cell in entry.items() if cell.column and name != "subject_id"]
    return frame if table == "subjects" else frame[frame[columns].notna().any(axis="columns")]


def _with_mapping(raw: Raw, mapping: _TrialMapping, where: str) -> Raw:
    """The tables of a folder, with what a mapping says of their columns.

    Raises:
        DataError: a table or a column that is not there, or a code that the mapping does not name.
    """
    tables = dict(raw.tables)
    for name in (name for name in TABLES if getattr(mapping, name)):
        entry, *more = getattr(mapping, name)
        if name not in tables or more:
            raise DataError(f"{where}: {name}: {'of a folder it has one entry' if more else 'no such table there'}")
        columns = _columns(tables[name], name, entry, where)
        renamed = {cell.column for cell in entry.values()} & set(tables[name]) - set(columns)
        tables[name] = tables[name].drop(columns=[*renamed]).assign(**columns)
    return replace(raw, tables=tables)


def _columns(source: Frame, table: str, entry: _Entry, where: str) -> dict[str, Frame]:
    for name in entry:
        if table != "subjects" and name not in TABLES[table]:
            raise DataError(f"{where}: {table} has no column '{name}'{nearest(name, TABLES[table])}")
    return {name: _cell(source, cell, f"{where}: {table}.{name}") for name, cell in entry.items()}


def _cell(source: Frame, cell: _Cell, where: str) -> Frame:
    if cell.column is None:
        return pd.Series(cell.value, index=source.index, dtype="str")
    if cell.column not in source:
        raise DataError(f"{where}: no column '{cell.column}'{nearest(cell.column, source.columns)}")
    text = source[cell.column].mask(source[cell.column].isin(cell.missing))
    if cell.format or cell.decimal:
        return text.map({each: _plainly(each, cell) for each in text.dropna().unique()}).astype("str")
    if not cell.codes:
        return text
    unnamed = text[text.notna() & ~text.isin(cell.codes)]
    if len(unnamed):
        problem = f"{len(unnamed)} rows hold a code that is not declared, the first {unnamed.iloc[0]!r}"
        raise DataError(f"{where}: {problem}; declared are {', '.join(cell.codes)}")
    return text.map(cell.codes).astype("str")


def _plainly(text: str, cell: _Cell) -> str:
    """A date year-month-day, a number with a point; what cannot be read stays, to be told where it is typed."""
    field = Field("date" if cell.format else "number", "")
    value = read_cell(text, field, MappedColumn(format=cell.format, decimal=cell.decimal))
    if cell.format and value.low and value.high:
        return f"{value.low:%Y-%m}" if value.low.month == value.high.month else f"{value.low:%Y}"
    return text if value.value is None else str(value.value)
