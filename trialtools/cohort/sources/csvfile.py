"""The bytes of a CSV file go in, a table of texts comes out, or the line where the file is not one table."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import polars as pl

from ...criteria.protocol import DataError

STEP = 1 << 24
GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = {";": "';'", "\t": r'"\t"', "|": "'|'"}
QUOTE, NEWLINE, RETURN = b'"\n\r'


def read_csv(content: bytes, name: str, separator: str) -> pl.DataFrame:
    """Every column as text: what a text means is the protocol's business, not a guesser's.

    Args:
        content: of the file, gzipped or not.
        name: of the file; one that ends with `.gz` must be gzipped.
        separator: between columns, one character.

    Raises:
        DataError: empty, truncated, not UTF-8, or lines that do not fit the header.
    """

    content = _text(content, name)
    lines = _Lines(content, ord(separator))
    _check(lines, content, name, separator)
    try:
        frame = pl.read_csv(content, separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(_refused(content, name, error)) from None
    if frame.height != len(lines.blank) - 1:  # the two counts were made apart; a silent difference would be a wrong n
        raise DataError(_refused(content, name, ValueError("its lines cannot be told apart")))
    if lines.blank.any():
        frame = frame.filter(pl.Series(~lines.blank[1:]))
    return tidied(frame, name)


def _text(content: bytes, name: str) -> bytes:
    """The file unpacked, with line ends that everybody knows."""
    if content.startswith(GZIP) or (content and name.lower().endswith(".gz")):
        content = _unpacked(content, name)
    if content.startswith(UTF16):
        raise DataError(f"{name} is written in UTF-16; save it as UTF-8 (in Excel: 'CSV UTF-8')")
    if not content.strip():
        raise DataError(f"{name} is empty: it has not even a header")
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")  # as old Macintosh programs end their lines
    return content.lstrip(b"\r\n") if content[:1] in b"\r\n" else content


def _unpacked(content: bytes, name: str) -> bytes:
    """Whole, so that a truncated file is an error and not a shorter table."""
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error) as error:
        what = "truncated" if isinstance(error, EOFError) else "damaged"
        raise DataError(f"{name} is {what}: it cannot be unpacked to its end. Copy it again") from None
    except gzip.BadGzipFile:
        if not content.startswith(GZIP):
            raise DataError(f"{name} is not a gzip file, although its name says so") from None
        raise DataError(f"{name} is damaged: its checksum or its end is wrong. Copy it again") from None


class _Lines:
    """How many values each line holds, and which lines are blank; a line break inside quotes ends no line."""

    def __init__(self, content: bytes, separator: int) -> None:

        ends, between, quotes, seen = [], [], 0, 0
        for start in range(0, len(content), STEP):
            part = np.frombuffer(content, np.uint8, min(STEP, len(content) - start), start)
            marks = np.flatnonzero((part == separator) | (part == NEWLINE) | (part == QUOTE))
            letters = part[marks]
            quoted = np.cumsum(letters == QUOTE) + quotes
            open_, quotes = quoted % 2 == 0, int(quoted[-1]) if len(quoted) else quotes
            is_end, counted = open_ & (letters == NEWLINE), np.cumsum(open_ & (letters == separator)) + seen
            ends.append(marks[is_end] + start)
            between.append(counted[is_end])
            seen = int(counted[-1]) if len(counted) else seen
        if not content.endswith(b"\n") or quotes % 2:
            ends.append(np.array([len(content)]))
            between.append(np.array([seen]))
        self.open_quote = quotes % 2 == 1
        self.ends: np.ndarray = np.concatenate(ends)
        self.values: np.ndarray = np.diff(np.concatenate([[0], *between])) + 1
        length = np.diff(np.concatenate([[-1], self.ends])) - 1
        self.blank = (length == 0) | ((length == 1) & self._returns(content))

    def _returns(self, content: bytes) -> np.ndarray:
        """Which lines end with a carriage return before the line break."""

        letters = np.frombuffer(content, np.uint8)
        return letters[np.maximum(self.ends - 1, 0)] == RETURN


def _check(lines: _Lines, content: bytes, name: str, separator: str) -> None:
    """A line that is too short or too long is a fault of the file: what it lacks is not known to be unknown."""

    if lines.open_quote:
        raise DataError(f'{name} has a quotation mark (") that is never closed; double it inside a quoted text')
    wanted = int(lines.values[0])
    header = content[: int(lines.ends[0])].decode("utf-8", "replace")
    other = next((sign for sign in SEPARATORS if sign in header), None)
    if wanted == 1 and separator not in header and other:
        raise DataError(f"{name} has another separator; declare separator: {SEPARATORS[other]} in the mapping")
    wrong = np.flatnonzero((lines.values != wanted) & ~lines.blank)
    if len(wrong):
        breaks = [content.count(b"\n", 0, int(lines.ends[line - 1]) + 1) + 1 for line in wrong[:3]]
        listed = ", ".join(f"line {at} has {lines.values[line]}" for at, line in zip(breaks, wrong, strict=False))
        more = ", ..." if len(wrong) > 3 else ""
        raise DataError(
            f"{name}: the header names {wanted} columns, but {listed}{more}. A text with '{separator}' in it needs "
            "quotes; a short last line means that the file was cut off"
        )


def _refused(content: bytes, name: str, error: Exception) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        return f"{name} is not UTF-8 text: byte 0x{content[wrong.start]:02x} in line {line}; save it as UTF-8"
    if b'"' in content:
        return f'{name}: a quotation mark (") stands where none can; quote the whole text and double the mark inside'
    return f"{name} cannot be read: {str(error).strip().splitlines()[0]}"


def tidied(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Names and texts without the blanks around them; an empty text says nothing.

    Raises:
        DataError: two columns of one name.
    """

    names = {column: column.split("_duplicated_")[0].strip() for column in frame.columns}
    named = [column for column in names.values() if column]  # what has no name cannot be asked for
    doubled = next((column for column in named if named.count(column) > 1), None)
    if doubled:
        raise DataError(f"{name}: the column {doubled} stands twice in the header")
    columns = []
    for source, column in names.items():
        text = pl.col(source).str.strip_chars()
        value = pl.when(text != "").then(text) if frame.schema[source] == pl.String else pl.col(source)
        columns += [value.alias(column)] if column else []
    return frame.select(columns)
