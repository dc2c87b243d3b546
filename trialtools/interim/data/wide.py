"""A file with one row a subject and a mapping go in, the tidy tables come out as texts.

    subjects: {subject_id: id, site: site, arm: {column: rx, codes: {0: placebo, 1: drug}}, age: age}
    outcomes:
      - {endpoint: {value: progression}, value: {column: worse, codes: {"no": "0", "yes": "1"}}, observed_on: seen_on}

An entry of a table makes a row for every subject of whom something is known in the columns it names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ...criteria.language import ProtocolError, nearest
from ...criteria.protocol import STRICT, DataError, read_yaml
from .raw import Raw, as_text, hashes_of
from .tables import TABLES, Frame


@dataclass(frozen=True)
class Cell:
    """Where a value comes from: a `column`, with `codes` if it is coded and `missing` texts; or one `value` for all."""

    __pydantic_config__ = STRICT

    column: str | None = None
    value: str | None = None
    codes: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


Row = dict[str, Cell]


@dataclass(frozen=True)
class Wide:
    """How a wide file becomes the tables; `endpoint` is the primary one, `window` its days after randomization."""

    __pydantic_config__ = STRICT

    subjects: Row
    doses: tuple[Row, ...] = ()
    events: tuple[Row, ...] = ()
    outcomes: tuple[Row, ...] = ()
    disposition: tuple[Row, ...] = ()
    labs: tuple[Row, ...] = ()
    endpoint: str | None = None
    window: int | None = None
    arms: tuple[str, ...] = ()
    separator: str = ","
    sheet: str | None = None
    note: str | None = None


def _written_out(data: dict) -> dict:
    """A column's name alone stands for the cell that takes it as it is."""

    def row(cells: dict) -> dict:
        return {name: {"column": cell} if isinstance(cell, str) else cell for name, cell in cells.items()}

    tables = {name: given for name, given in data.items() if name in TABLES}
    rows = {name: [row(one) for one in given] for name, given in tables.items() if isinstance(given, list)}
    return {**data, **rows, **{name: row(given) for name, given in tables.items() if isinstance(given, dict)}}


def read_wide(path: Path, mapping: Path) -> Raw:
    """The tables of a wide file, and what the mapping says of arms, endpoint and window.

    Raises:
        DataError: a misspelt key or column, or a code that the mapping does not name.
    """

    try:
        wide = read_yaml(mapping.read_text("utf-8"), Wide, str(mapping), _written_out)
    except ProtocolError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(f"the mapping cannot be read: {error.strerror}\n  {mapping}") from None
    hashes = hashes_of(path, mapping)
    source = as_text(path, wide.separator, wide.sheet)
    subjects = _rows(source, "subjects", wide.subjects, mapping.name)
    tables = {"subjects": subjects}
    for name in (name for name in TABLES if name != "subjects"):
        parts = [
            _rows(source, name, {**row, "subject_id": wide.subjects["subject_id"]}, mapping.name)
            for row in getattr(wide, name)
        ]
        if parts:
            tables[name] = pd.concat(parts, ignore_index=True)
    return Raw(path.name, tables, hashes, arms=wide.arms, endpoint=wide.endpoint, window=wide.window)


def _rows(source: Frame, table: str, row: Row, where: str) -> Frame:
    """One row a subject; beyond `subjects` only those of whom something is known."""

    if "subject_id" not in row:
        raise DataError(f"{where}: {table} needs subject_id, the column that names a person")
    for name in row:
        if table != "subjects" and name not in TABLES[table]:
            raise DataError(f"{where}: {table} has no column '{name}'{nearest(name, TABLES[table])}")
    frame = pd.DataFrame({name: _cell(source, cell, f"{where}: {table}.{name}") for name, cell in row.items()})
    told = [name for name, cell in row.items() if cell.column and name != "subject_id"]
    return frame if table == "subjects" else frame[frame[told].notna().any(axis="columns")]


def _cell(source: Frame, cell: Cell, where: str) -> Frame:

    if cell.column is None:
        return pd.Series(cell.value, index=source.index, dtype="str")
    if cell.column not in source:
        raise DataError(f"{where}: no column '{cell.column}'{nearest(cell.column, source.columns)}")
    text = source[cell.column].mask(source[cell.column].isin(cell.missing))
    if not cell.codes:
        return text
    unnamed = text[text.notna() & ~text.isin(cell.codes)]
    if len(unnamed):
        told = f"{len(unnamed)} rows hold a code that is not declared, the first {unnamed.iloc[0]!r}"
        raise DataError(f"{where}: {told}; declared are {', '.join(cell.codes)}")
    return text.map(cell.codes).astype("str")
