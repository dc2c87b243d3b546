"""A workbook goes in, one sheet of it comes out as a table of texts, with what its cells mark as wrong."""

from __future__ import annotations

import logging
import os
import re
import threading
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl

from ...criteria.doors import load_module
from ...criteria.protocol import DataError
from .cells import BLANKS
from .columns import EXACT
from .csvfile import strip_blanks

_LARGEST = 2 << 30
"""Bytes that the parts of a workbook may have once they are unpacked."""
_CELLS = 50_000_000
"""Cells that a sheet may span, with the empty ones between the others."""
_STEP, _OVERLAP = 1 << 24, 1 << 13


def read_workbook(
    path: Path,
    sheet: str | None = None,
    header: int = 1,
    wanted: Collection[str] | None = None,
    commas: Collection[str] = (),
) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """One sheet as a table of texts, a day as 2023-05-01 00:00:00; and by column the marks of cells that are wrong.

    Args:
        path: an .xlsx or .xls file.
        sheet: the sheet, where there are several.
        header: the row in which the names of the columns stand.
        wanted: names that must not stand twice; without them none may.
        commas: columns whose texts have a decimal comma; their numbers are written so as well.

    Raises:
        DataError: not a workbook, too large, several sheets, no such row.
    """
    unworked = _unworked_cells(path)
    with _open_book(path) as book:
        if not (names := book.sheet_names):
            raise DataError(f"{path.name} has no sheet; it is damaged. Save it again")
        sheet = _sheet(names, sheet, path.name)
        rows, errors = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_arrow_with_errors()
        numbers = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="float").to_polars()
        flags = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="boolean").to_polars() if commas else None
    table: Any = pl.from_arrow(rows)
    table = _exact(table.rename(dict(zip(table.columns, numbers.columns, strict=True))), numbers)
    some = pl.any_horizontal(pl.all().str.strip_chars(BLANKS).fill_null("") != "")
    filled = table.select(some).to_series() if table.width else pl.Series([], dtype=pl.Boolean)
    first = filled.arg_max() if header == 1 and filled.any() else header - 1
    if not filled.any():
        raise DataError(f"{path.name} is empty: it has not even a header")
    if first is None or first >= table.height or not filled[first]:
        raise DataError(f"{path.name} has nothing in row {header}, where the mapping (header:) looks for column names")
    header_row = [cell or "" for cell in table.row(first)]
    if flags is not None:  # a number can be read as a flag, its text cannot
        marked = [name for name, title in zip(table.columns, header_row, strict=True) if title.strip(BLANKS) in commas]
        marks = {name: pl.col(name).str.replace(".", ",", literal=True) for name in marked}
        table = table.with_columns(
            pl.when(flags[at].is_not_null()).then(marks[name]).otherwise(pl.col(name)).alias(name)
            for at, name in zip(flags.columns, table.columns, strict=True)
            if name in marks
        )
    wrong: dict[str, list[str]] = {}
    for cell in errors.errors if errors else ():
        row, column = cell.position
        if row > first and (mark := re.search(r"Error\((\w+)\)", cell.detail)):
            wrong.setdefault(header_row[column].strip(), []).append(_MARKS.get(mark[1], mark[1]))
    for row, column in unworked.get(sheet, ()):
        if row > first and column < len(header_row):
            wrong.setdefault(header_row[column].strip(), []).append("a formula that was never worked out")
    return strip_blanks(table[first + 1 :].filter(filled[first + 1 :]), header_row, path.name, wanted), wrong


def sheet_names(path: Path) -> list[str]:
    """The names of the sheets of a workbook.

    Raises:
        DataError: not a workbook, or too large.
    """
    _unworked_cells(path)
    with _open_book(path) as book:
        return book.sheet_names


@contextmanager
def _open_book(path: Path) -> Iterator[Any]:
    """A workbook; what its reader does not understand is told in a sentence, and not what it says on stderr itself."""
    fastexcel = load_module("fastexcel")
    for name in ("fastexcel", "calamine"):
        logging.getLogger(name).setLevel(logging.ERROR)  # they tell of every empty column
    try:
        with _without_stderr():
            yield fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise DataError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from None


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Nothing is written to stderr meanwhile: what panics writes past Python, and its error says the same."""
    with _ONE_AT_A_TIME:
        try:
            stderr = os.dup(2)
        except OSError:  # there is none
            yield
            return
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


_ONE_AT_A_TIME = threading.RLock()
"""stderr is of the whole process: two workbooks read at once would each take it from the other, and lose it."""


_MARKS = {
    "Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!",
    "Value": "#VALUE!", "GettingData": "#GETTING_DATA",
}  # fmt: skip
"""What a cell shows, by what the reader calls it."""


def _sheet(names: list[str], wanted: str | None, name: str) -> str:
    """The sheet that is asked for; as in Excel, case makes no other sheet."""
    alike = [each for each in names if each == wanted] or [
        each for each in names if wanted is None or each.strip().casefold() == wanted.strip().casefold()
    ]
    if len(alike) != 1:
        what = "several sheets" if wanted is None else f"no sheet '{wanted}'"
        raise DataError(f"{name} has {what}: {', '.join(names)}; name one under sheet: in the mapping")
    return alike[0]


def _exact(table: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """The texts of numbers with all their digits: the reader rounds what it writes as text to nine places.

    A whole number of more digits than a workbook holds gets its exponent back (1.2E+17): it is nobody's id any more.
    """
    exact = []
    for name in table.columns:
        text, number = pl.col(name), numbers[name]
        too_long = (number >= EXACT) & (number.cast(pl.Int128, strict=False).cast(pl.String) == text)
        with_exponent = pl.format("{}.{}E+{}", text.str.head(1), text.str.slice(1), text.str.len_chars() - 1)
        rounded = text.cast(pl.Float64, strict=False) != number
        whole = pl.when(rounded).then(number.cast(pl.String)).otherwise(text)
        exact.append(pl.when(too_long).then(with_exponent).otherwise(whole).alias(name))
    return table.with_columns(exact)


def _unworked_cells(path: Path) -> dict[str, list[tuple[int, int]]]:
    """By sheet the row and the column of each formula without a result; other programs than Excel write such files.

    What cannot be a table of patients is refused before anything makes room for it: a workbook of one kilobyte can hold
    a single cell in its last corner, and a reader then fills 17 billion others.
    """
    if path.read_bytes()[:2] != b"PK":
        return {}  # an old .xls, which holds 16 million cells at most, or no workbook at all
    try:
        with zipfile.ZipFile(path) as book:
            if (size := sum(part.file_size for part in book.infolist())) > _LARGEST:
                raise DataError(f"{path.name} becomes {size >> 20:,} MB when it is unpacked; save the table as CSV")
            cells = {}
            for part in book.namelist():
                if part.lower().startswith("xl/worksheets/") and part.lower().endswith(".xml"):
                    with book.open(part) as lines:
                        cells[part] = _scan_cells(lines, path.name)
            parts = _parts(book) if any(cells.values()) else {}
            return {sheet: cells[part] for sheet, part in parts.items() if part in cells}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        raise DataError(f"{path.name} cannot be read: it is damaged or locked ({error}). Save it again") from None


def _parts(book: zipfile.ZipFile) -> dict[str, str]:
    """By sheet the part of the workbook that holds it."""
    targets = {
        link.get("Id"): f"xl/{link.get('Target', '').removeprefix('/xl/')}"
        for link in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    }
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{{{_MAIN}}}sheet")
    return {sheet.get("name", ""): targets.get(sheet.get(f"{{{_LINKS}}}id"), "") for sheet in sheets}


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_UNWORKED = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)


def _scan_cells(lines: Any, name: str) -> list[tuple[int, int]]:
    """The formulas of a sheet without a result; its last cell is held against what a reader can make room for."""
    rows, columns, rest, unworked = 1, {b"A"}, b"", set()
    while part := lines.read(_STEP):
        part = rest + part
        columns |= set(re.findall(rb"""\br\s*=\s*["']([A-Za-z]+)\d""", part))
        rows = max(rows, *map(int, set(re.findall(rb"""\br\s*=\s*["'][A-Za-z]*(\d{1,4000})["']""", part))), 1)
        if b"<f" in part:
            unworked |= {(int(row) - 1, _number(column) - 1) for column, row in _UNWORKED.findall(part)}
        rest = part[-_OVERLAP:]
    width = max(map(_number, columns))
    if rows * width > _CELLS:
        problem = f"{name} has a sheet that spans {rows:,} rows and {width:,} columns"
        raise DataError(f"{problem}; remove what stands far from the table, or save the table as CSV")
    return sorted(unworked)


def _number(column: bytes) -> int:
    """A column by its letters: A is 1, AA is 27."""
    return sum((letter - 64) * 26**i for i, letter in enumerate(reversed(column.upper())))
