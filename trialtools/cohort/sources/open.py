"""A path or a frame goes in, a table of raw columns comes out: Polars for files, the engine of the frame otherwise."""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import takewhile
from numbers import Real
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ...criteria.protocol import DataError
from .csvfile import read_csv
from .mapping import ColumnMapping
from .workbook import read_workbook

_WILD = "*?["
_DIGITS = 38
"""Those of the longest decimal number that every engine knows."""
_READERS = ".csv, .csv.gz, .parquet, .xlsx, a folder of .parquet"


@dataclass(frozen=True)
class RawTable:
    """A native table, lazy where its engine is, and its name in messages.

    `wrong` holds, by column, the marks of cells that the table itself calls wrong; a sheet is what people fill by hand.
    """

    native: Any
    name: str
    wrong: dict[str, list[str]] = field(default_factory=dict)
    sheet: bool = False


def open_table(source: Any, mapping: ColumnMapping, wanted: Collection[str] | None = None) -> RawTable:
    """A table as its source holds it.

    Args:
        source: path to a CSV, gzipped CSV, Parquet or Excel file, to a folder of Parquet files or a pattern of them;
            pandas, Polars or Arrow table; DuckDB relation, or any other table that Narwhals knows, which then stays in
            its own engine.
        mapping: says how a CSV file or a workbook is written.
        wanted: the columns that somebody asks for; the others may hold anything. Without them all must be readable.

    Raises:
        DataError: no such file, not a table, an empty or truncated file.
    """
    if isinstance(source, str | os.PathLike):
        with readable(Path(source).name, pl.exceptions.PolarsError, ValueError):
            return _open_file(Path(source), mapping, wanted)
    name = f"the {type(source).__module__.split('.')[0]} table"
    return RawTable(_open_frame(source, name, wanted, mapping.commas), name)


@contextmanager
def readable(name: str, *also: type[Exception]) -> Iterator[None]:
    """Turns what libraries say of a damaged file into one sentence; some of them panic, which is no ordinary error."""
    try:
        yield
    except (pl.exceptions.ComputeError, nw.exceptions.ComputeError, OSError, *also) as error:
        raise DataError(f"{name} cannot be read: {_first_line(error)}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(f"{name} cannot be read: it is damaged ({_first_line(error)}). Copy it again") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


# --- frames -----------------------------------------------------------------------------------------------------------


def _open_frame(source: Any, name: str, wanted: Collection[str] | None, commas: Collection[str]) -> Any:
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise DataError(
            f"a {type(source).__name__} is not a patient table; hand in a path ({_READERS}) or a frame"
        ) from None
    except nw.exceptions.DuplicateError as error:
        raise DataError(f"{name}: {' '.join(str(error).split())}") from None
    if frame.implementation.is_pandas_like():
        return _silent_as_text(_from_pandas(frame.to_native(), name, wanted, commas)).lazy()
    if frame.implementation.is_pyarrow():
        return _null_as_text(pl.LazyFrame(frame.to_native()))  # shares the memory
    return _null_as_text(frame.to_native().lazy()) if frame.implementation.is_polars() else frame.to_native()


def _from_pandas(table: Any, name: str, wanted: Collection[str] | None, commas: Collection[str]) -> pl.DataFrame:
    """pandas compares NaN as false and not(NaN) as true; nothing of ours runs there.

    Of a column that nobody asks for only where something stands is taken: it may hold what no table can.
    """
    _distinct([str(column) for column in table.columns], name)
    columns = []
    for column in table.columns:
        if wanted is not None and str(column) not in wanted:
            there = pl.Series(str(column), table[column].notna().to_numpy(dtype=bool))
            columns.append(there.replace_strict({True: True}, default=None, return_dtype=pl.Boolean))
            continue
        try:
            columns.append(pl.from_pandas(table[column]).alias(str(column)))
        except Exception:  # pyarrow has many words for values of several kinds
            columns.append(_mixed_texts(table[column], name, "," if str(column) in commas else "."))
    return pl.DataFrame(columns)


def _mixed_texts(values: Any, name: str, mark: str) -> pl.Series:
    """Values of several kinds as texts, as a sheet shows them: what they mean is read text by text."""
    cells = [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
    kinds = sorted({type(value).__name__ for value in cells if not isinstance(value, _WRITTEN | None)})
    if kinds:
        problem = f"{name}: the column {values.name} holds what is no text, number or day ({', '.join(kinds)})"
        raise DataError(f"{problem}; give it one type or leave it out")
    return pl.Series(str(values.name), [_text(value, mark) for value in cells], dtype=pl.String)


_WRITTEN = str | bool | np.bool_ | Real | Decimal | date


def _text(value: Any, mark: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str | date | bool | np.bool_):
        return str(value)
    return str(int(value)) if value == value // 1 else str(value).replace(".", mark)


def _distinct(names: list[str], where: str) -> None:
    seen: set[str] = set()
    if doubled := next((name for name in names if name in seen or seen.add(name)), None):
        raise DataError(f"{where}: the column {doubled} stands twice")


def _silent_as_text(table: pl.DataFrame) -> pl.DataFrame:
    """A column without a single value has whatever type its engine made up; as text it can become any field."""
    silent = [column.name for column in table if column.null_count() == table.height]
    return table.with_columns(pl.col(silent).cast(pl.String)) if silent else table


def _null_as_text(table: pl.LazyFrame) -> pl.LazyFrame:
    silent = [name for name, dtype in table.collect_schema().items() if dtype == pl.Null]
    return table.with_columns(pl.col(silent).cast(pl.String)) if silent else table


# --- files ------------------------------------------------------------------------------------------------------------


def _open_file(path: Path, mapping: ColumnMapping, wanted: Collection[str] | None) -> RawTable:
    fixed = [*takewhile(lambda part: not {*part} & {*_WILD}, path.parts)]
    pattern = "" if path.exists() or path.suffix.lower() != ".parquet" else "/".join(path.parts[len(fixed) :])
    if files := sorted(path.rglob("*.parquet") if path.is_dir() else Path(*fixed).glob(pattern) if pattern else ()):
        return RawTable(_scan_parquet(files), path.name)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}; expected a patient table ({_READERS})")
    kind = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    match kind.removesuffix(".gz"):
        case ".parquet":
            return RawTable(_scan_parquet([path]), path.name)
        case ".xlsx" | ".xlsm" | ".xls":
            table, wrong = read_workbook(path, mapping.sheet, mapping.header, wanted, mapping.commas)
            return RawTable(table.lazy(), path.name, wrong, sheet=True)
        case ".csv" | ".tsv" | ".txt" as plain:
            separator = "\t" if plain == ".tsv" and mapping.separator in (None, ",") else mapping.separator
            how = (separator, mapping.encoding, mapping.header, wanted)
            return RawTable(read_csv(path.read_bytes(), path.name, *how).lazy(), path.name, sheet=True)
    raise DataError(f"{path.name}: files of this kind are not read; use {_READERS}")


def _scan_parquet(files: list[Path]) -> pl.LazyFrame:
    """Several files are one table; what their folders are called (sex=female) is a column of it."""
    first: dict[str, pl.DataType] = {}
    for file in files:
        _check_pages(file)
        columns = dict(pl.scan_parquet(file, glob=False).collect_schema())
        first = first or columns
        if other := next((name for name in first | columns if first.get(name) != columns.get(name)), None):
            problem = f"{file.name} and {files[0].name} do not have the same column {other} of one type"
            raise DataError(f"{problem}; write them alike, or read them one by one")
    named = len(files) > 1 and all("=" in file.parent.name for file in files)
    table = _null_as_text(pl.scan_parquet(files, glob=False, hive_partitioning=named))
    wide = [name for name, dtype in first.items() if isinstance(dtype, pl.Decimal) and dtype.precision > _DIGITS]
    return table.cast(dict.fromkeys(wide, pl.Float64)) if wide else table


# --- Parquet pages ----------------------------------------------------------------------------------------------------

_LONGEST = 1 << 9
"""Bytes of a page header with its statistics."""
_UNPACKED, _PACKED, _COUNT = (2,), (3,), ((5, 1), (8, 1), (7, 1))
"""Where a page header says its sizes, and how many values it holds: of data of both versions, of a dictionary."""


def _check_pages(path: Path) -> None:
    """Walk through the headers of all pages of a Parquet file.

    A reader that takes a damaged length at its word asks for room that no machine has, and its process ends without a
    word.

    Raises:
        DataError: no Parquet file, or a page that holds fewer than none or reaches beyond its column.
    """
    try:
        metadata = pq.read_metadata(path)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for group in range(metadata.num_row_groups):
                for column in range(metadata.num_columns):
                    _check_chunk(content, metadata.row_group(group).column(column))
    except (pa.ArrowException, OSError, ValueError, IndexError, RecursionError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"{path.name} cannot be read: it is damaged or no Parquet file ({reason})") from None


def _check_chunk(content: Any, chunk: Any) -> None:
    at, values = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=0), 0
    end = at + chunk.total_compressed_size
    if not 0 < at <= end <= len(content):
        raise ValueError("a column reaches beyond the file")
    while at < end:
        header: dict[tuple[int, ...], int] = {}
        length = _struct(content[at : at + _LONGEST], 0, (), header)
        at += length + header.get(_PACKED, -1)
        count = next((header[place] for place in _COUNT if place in header), 0)
        if min(header.get(_PACKED, -1), header.get(_UNPACKED, -1), count) < 0 or at > end:
            raise ValueError("a page has an impossible length")
        values += count if _COUNT[2] not in header else 0
    if values != chunk.num_values:
        raise ValueError("a column has another number of values than it says")


# --- Thrift's compact protocol, as far as page headers need it --------------------------------------------------------


def _struct(content: Any, at: int, place: tuple[int, ...], varints: dict[tuple[int, ...], int]) -> int:
    """Collect the whole numbers of a struct by their place; where it ends. Source: Apache Thrift, compact protocol."""
    number = 0
    while kind := content[at] & 15:
        step, at = content[at] >> 4, at + 1
        number, at = (number + step, at) if step else _integer(content, at)
        match kind:
            case 1 | 2:  # true and false, which stand in the kind itself
                pass
            case 3 | 7:
                at += 1 if kind == 3 else 8
            case 4 | 5 | 6:
                varints[*place, number], at = _integer(content, at)
            case 8:
                size, at = _unsigned_number(content, at)
                at += size
            case 12 if len(place) < 3:
                at = _struct(content, at, (*place, number), varints)
            case _:
                raise ValueError("a page header is damaged")
    return at + 1


def _integer(content: Any, at: int) -> tuple[int, int]:
    number, at = _unsigned_number(content, at)
    return (number >> 1) ^ -(number & 1), at


def _unsigned_number(content: Any, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte, at = content[at], at + 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        if (shift := shift + 7) > 63:
            raise ValueError("a page header is damaged")
