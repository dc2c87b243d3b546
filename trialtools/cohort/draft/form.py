"""A file goes in; how it is written comes out: its letters, its separator, and the line in which its names stand."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ...criteria.protocol import DataError
from ..sources.csvfile import wide_encoding
from ..sources.mapping import ColumnMapping
from ..sources.workbook import sheet_names
from .words import tokens

_HEAD = 1 << 20
"""Bytes that are looked at."""
_LINES, _LETTERS = 200, "äöüßéèêëàâçñóíáúôîïøåæœµ°²³±≥≤ÄÖÜÉÀÇÑØÅ"
"""Lines that are looked at, and letters that people write; an encoding that makes others of them is the wrong one."""
_SIGNS = ",;\t|"
_SOME = 0.3
"""The share of names that must be values before a line of names is taken for a patient."""


def is_workbook(source: object) -> bool:
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in (".xlsx", ".xlsm", ".xls")


def file_forms(source: Any) -> list[ColumnMapping]:
    """How a CSV file is written, as a part of a mapping, or which sheet of a workbook it is: one for each sheet."""
    if is_workbook(source) and Path(source).is_file() and len(sheets := sheet_names(Path(source))) > 1:
        return [ColumnMapping(sheet=sheet) for sheet in sheets]
    return [_csv_form(Path(source)) if isinstance(source, str | os.PathLike) else ColumnMapping()]


def _csv_form(path: Path) -> ColumnMapping:
    if not path.is_file() or path.name.lower().removesuffix(".gz").rpartition(".")[2] not in ("csv", "txt", "tsv"):
        return ColumnMapping()
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, EOFError):
        return ColumnMapping()  # whoever reads the whole of it says what is wrong
    encoding = _encoding(head)
    lines = head.removeprefix(codecs.BOM_UTF8).decode(encoding or "utf-8", "replace").splitlines()[:_LINES]
    if lines and lines[0].lower().lstrip('"').startswith("sep="):
        return ColumnMapping(encoding=encoding)
    separator, header = _shape(lines)
    tab = path.name.lower().endswith((".tsv", ".tsv.gz")) and separator == "\t"
    return ColumnMapping(encoding=encoding, separator=None if separator == "," or tab else separator, header=header)


def _encoding(head: bytes) -> str | None:
    """None for UTF-8; else the encoding that makes the most letters that people write."""
    if wide := wide_encoding(head):
        return wide
    try:
        head[:-4].decode("utf-8") if len(head) == _HEAD else head.decode("utf-8")
    except UnicodeDecodeError:
        return max(("cp1252", "cp850", "mac-roman"), key=lambda name: _plausible(head, name))
    return None


def _plausible(head: bytes, encoding: str) -> float:
    """The share of letters beyond ASCII that people write; a capital inside a word is none."""
    text = head.decode(encoding, "replace")
    odd = [at for at, letter in enumerate(text) if not letter.isascii()]
    inside = (text[at].isupper() and text[at - 1 : at].isalpha() and text[at + 1 : at + 2].islower() for at in odd)
    good = sum(text[at] in _LETTERS and not wrong for at, wrong in zip(odd, inside, strict=True))
    return good / max(len(odd), 1)


def _shape(lines: list[str]) -> tuple[str, int]:
    """The separator, and the line of the names: the first that has as many cells as most lines, most of them filled.

    What stands above it are titles: lines that fill at most half of the cells.
    """
    cells = {sign: _cells(lines, sign) for sign in _SIGNS}
    usual = {sign: Counter(map(len, rows)).most_common(1)[0] for sign, rows in cells.items() if rows}
    wide = {sign: (times, width) for sign, (width, times) in usual.items() if width > 1}
    if not wide:
        return ",", 1
    sign = max(wide, key=lambda each: wide[each])
    width = usual[sign][0]
    for at, row in enumerate(cells[sign], start=1):
        filled = sum(bool(cell.strip()) for cell in row)
        if 2 * filled > width:
            return sign, at if len(row) == width else 1
    return sign, 1


def _cells(lines: list[str], sign: str) -> list[list[str]]:
    try:
        return [next(csv.reader(io.StringIO(line), delimiter=sign), []) for line in lines]
    except csv.Error:
        return []


def check_names(names: list[str], table: str) -> None:
    """Refuse a table whose first patient (numbers, days, addresses) stands where its names should.

    Raises:
        DataError: without what stands there.
    """
    values = sum(bool(re.fullmatch(r"[\d.,:/-]+|.*@.*", name.strip())) for name in names)
    if (values > 1 and values >= _SOME * len(names)) or not any(tokens(name) for name in names):
        problem = f"{table}: what stands in the place of the column names looks like a patient"
        raise DataError(f"{problem}; write the names into a line of their own above it")
