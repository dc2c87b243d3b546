"""A path or a frame goes in, a table of raw columns comes out: Polars for files, the engine of the frame otherwise."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from ...criteria.protocol import DataError
from .csvfile import read_csv, tidied

READERS = ".csv, .csv.gz, .parquet, .xlsx"


def open_table(source: Any, separator: str = ",", sheet: str | None = None) -> tuple[Any, str]:
    """A native table (lazy where its engine is) and a name for it in messages.

    Args:
        source: path to a CSV, gzipped CSV, Parquet or Excel file; pandas, Polars or Arrow table; DuckDB relation, or
            any other table that Narwhals knows, which then stays in its own engine.
        separator: between the columns of a CSV file.
        sheet: of an Excel file that has several.

    Raises:
        DataError: no such file, not a table, an empty or truncated file.
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(Path(source), separator, sheet), Path(source).name
    name = f"the {type(source).__module__.split('.')[0]} table"
    return _open_frame(source, name), name


def _open_frame(source: Any, name: str) -> Any:

    try:
        frame = nw.from_native(source)
    except TypeError:
        raise DataError(
            f"a {type(source).__name__} is not a patient table; hand in a path ({READERS}) or a frame"
        ) from None
    except nw.exceptions.DuplicateError as error:
        raise DataError(f"{name}: {' '.join(str(error).split())}") from None
    if frame.implementation.is_pandas_like():
        return _silent_as_text(_from_pandas(frame.to_native(), name)).lazy()
    if frame.implementation.is_pyarrow():
        table = frame.to_native()
        _distinct(table.column_names, name)
        return _null_as_text(pl.LazyFrame(table))  # shares the memory
    return _null_as_text(frame.to_native().lazy()) if frame.implementation.is_polars() else frame.to_native()


def _from_pandas(table: Any, name: str) -> pl.DataFrame:
    """pandas compares NaN as false and not(NaN) as true; nothing of ours runs there."""

    _distinct([str(column) for column in table.columns], name)
    columns = []
    for column in table.columns:
        try:
            columns.append(pl.from_pandas(table[column]).alias(str(column)))
        except Exception as error:
            raise DataError(
                f"{name}: the column {column} holds values of several kinds ({_first_line(error)}); "
                "give it one type or leave it out"
            ) from None
    return pl.DataFrame(columns)


def _distinct(names: list[str], where: str) -> None:
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise DataError(f"{where}: the column {doubled} stands twice")


def _silent_as_text(table: pl.DataFrame) -> pl.DataFrame:
    """A column without a single value has whatever type its engine made up; as text it can become any field."""

    silent = [column.name for column in table if column.null_count() == table.height]
    return table.with_columns(pl.col(silent).cast(pl.String)) if silent else table


def _null_as_text(table: pl.LazyFrame) -> pl.LazyFrame:

    silent = [name for name, dtype in table.collect_schema().items() if dtype == pl.Null]
    return table.with_columns(pl.col(silent).cast(pl.String)) if silent else table


def _open_file(path: Path, separator: str, sheet: str | None) -> Any:

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}; expected a patient table ({READERS})")
    kind = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    kind = kind.removesuffix(".gz")
    try:
        match kind:
            case ".parquet":
                return _null_as_text(pl.scan_parquet(path))
            case ".xlsx" | ".xls":
                return _silent_as_text(_read_excel(path, sheet)).lazy()
            case ".csv" | ".tsv" | ".txt":
                return read_csv(path.read_bytes(), path.name, "\t" if kind == ".tsv" else separator).lazy()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read: {_first_line(error)}") from None
    raise DataError(f"{path.name}: files of this kind are not read; use {READERS}")


def _read_excel(path: Path, sheet: str | None) -> pl.DataFrame:
    """One sheet, the named one where there are several; the types are those of its cells."""
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every empty column on stderr
    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
        if sheet not in names and (sheet is not None or len(names) > 1):
            what = f"no sheet '{sheet}'" if sheet else "several sheets"
            raise DataError(f"{path.name} has {what}: {', '.join(names)}; name one under sheet: in the mapping")
        chosen = sheet or names[0]
        header = book.load_sheet(chosen, header_row=None, n_rows=1, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise DataError(f"{path.name} cannot be read: {_first_line(error)}") from None
    _distinct([cell.strip() for cell in (header.row(0) if header.height else ()) if cell], path.name)
    return tidied(pl.read_excel(path, sheet_name=chosen, infer_schema_length=None), path.name)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
