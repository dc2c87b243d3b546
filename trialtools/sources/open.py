"""A path or a frame goes in, a table of raw columns comes out: Polars for files, the engine of the frame otherwise."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

from ..protocol import DataError

READERS = ".csv, .csv.gz, .parquet, .xlsx"


def open_table(source: Any, separator: str = ",") -> tuple[Any, str]:
    """A native table (lazy where its engine is) and a name for it in messages.

    Args:
        source: path to a CSV, gzipped CSV, Parquet or Excel file; pandas, Polars or Arrow table; DuckDB relation, or
            any other table that Narwhals knows, which then stays in its own engine.
        separator: between the columns of a CSV file.

    Raises:
        DataError: no such file, not a table, an empty or truncated file.
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(Path(source), separator), Path(source).name
    return _open_frame(source), f"the {type(source).__module__.split('.')[0]} table"


def _open_frame(source: Any) -> Any:
    import narwhals as nw
    import polars as pl

    try:
        frame = nw.from_native(source)
    except TypeError:
        raise DataError(
            f"a {type(source).__name__} is not a patient table; hand in a path ({READERS}) or a frame"
        ) from None
    if frame.implementation.is_pandas_like():
        # pandas compares NaN as false and not(NaN) as true; nothing of ours runs there
        try:
            return pl.from_pandas(frame.to_native(), include_index=False).lazy()
        except Exception as error:
            raise DataError(
                f"the pandas table cannot be read: {_first_line(error)}; give each column one type"
            ) from None
    if frame.implementation.is_pyarrow():
        return pl.LazyFrame(frame.to_native())  # shares the memory
    return frame.to_native().lazy() if isinstance(frame.to_native(), pl.DataFrame) else frame.to_native()


def _open_file(path: Path, separator: str) -> Any:
    import polars as pl

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}; expected a patient table ({READERS})")
    kind = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    try:
        match kind:
            case ".parquet":
                frame = pl.scan_parquet(path)
                frame.collect_schema()
                return frame
            case ".xlsx" | ".xls":
                return pl.read_excel(path, infer_schema_length=None).lazy()
            case ".csv" | ".csv.gz" | ".tsv" | ".txt":
                return _read_csv(path, "\t" if kind == ".tsv" else separator)
    except (pl.exceptions.PolarsError, OSError, zlib.error, EOFError, UnicodeDecodeError, ValueError) as error:
        raise DataError(_broken(path, error)) from None
    raise DataError(f"{path.name}: files of this kind are not read; use {READERS}")


def _read_csv(path: Path, separator: str) -> Any:
    """Every column as text: what a text means is the protocol's business, not a guesser's."""
    import polars as pl

    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        content = gzip.decompress(content)  # whole, so that a truncated file is an error and not a shorter table
    if not content.strip():
        raise DataError(f"{path.name} is empty: it has not even a header")
    frame = pl.read_csv(content, separator=separator, infer_schema=False)
    doubled = [name for name in frame.columns if "_duplicated_" in name]
    if doubled:
        raise DataError(f"{path.name}: the column {doubled[0].split('_duplicated_')[0]} stands twice in the header")
    if len(frame.columns) == 1 and ";" in frame.columns[0] and separator == ",":
        raise DataError(f"{path.name} separates its columns with ';'; declare separator: ';' in the mapping")
    text = pl.all().str.strip_chars()
    return frame.select(pl.when(text != "").then(text).name.keep()).lazy()


def _broken(path: Path, error: Exception) -> str:
    if isinstance(error, EOFError | zlib.error):
        return f"{path.name} is truncated: the compressed file ends too early. Copy it again"
    if isinstance(error, gzip.BadGzipFile):
        return f"{path.name} is not a gzip file, although its name says so"
    return f"{path.name} cannot be read: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
