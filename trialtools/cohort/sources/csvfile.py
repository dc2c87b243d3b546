"""The bytes of a CSV file go in, a table of texts comes out, or the line where the file is not one table."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import polars as pl

from ...criteria.protocol import DataError
from .cells import BLANKS

_STEP = 1 << 24
_LARGEST = 4 << 30
"""Bytes that a file may have once it is unpacked."""
_SUSPECT, _RATIO = 1 << 28, 200
"""From this size on, a file that was packed so much smaller holds no patients."""
_GZIP = b"\x1f\x8b"
_WIDE_MARKS = {codecs.BOM_UTF32: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = {";": "';'", "\t": r'"\t"', "|": "'|'", ",": "','"}
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_LINE_END = re.compile(rb"\r\n|\r|\n")


def read_csv(
    content: bytes,
    name: str,
    separator: str | None = None,
    encoding: str | None = None,
    header: int = 1,
    wanted: Collection[str] | None = None,
) -> pl.DataFrame:
    """Every column as text: what a text means is the protocol's business, not a guesser's.

    Args:
        content: of the file, gzipped or not.
        name: of the file; one that ends with `.gz` must be gzipped.
        separator: between columns, one character; without it that of a first line `sep=;`, else a comma.
        encoding: of the letters; without it UTF-8.
        header: the line in which the names of the columns stand.
        wanted: names that must not stand twice; without them none may.

    Raises:
        DataError: empty, truncated, in another encoding, or lines that do not fit the header.
    """
    content = _as_utf8(content, name, encoding)
    sign, content = _separator(content, name, separator), _from_header(content, name, header)
    marks = _quotes(content, name, ord(sign))
    content = _with_line_ends(content, marks)
    lines = _lines(content, ord(sign))
    _check(lines, content, name, sign, header)
    try:
        names = next(csv.reader(io.StringIO(content[: lines.ends[0]].decode(), newline=""), delimiter=sign))
    except csv.Error as error:
        raise DataError(f"{name}: its header cannot be read: {error}") from None
    frame = _body(content[lines.ends[0] + 1 :], len(names), lines.blank[1:], sign)
    return strip_blanks(frame, names, name, wanted)


def _body(body: bytes, width: int, blank: np.ndarray, sign: str) -> pl.DataFrame:
    """What stands below the header; a blank line is no row."""
    columns = {str(position): pl.String for position in range(width)}
    if blank.all():
        return pl.DataFrame(schema=columns)
    blank, body = blank[int(np.argmin(blank)) :], body.lstrip(b"\r\n")
    quote = '"' if _QUOTE in body else None
    frame = pl.read_csv(body, separator=sign, has_header=False, schema=columns, quote_char=quote)
    if frame.height != len(blank):  # the two counts were made apart; a silent difference would be a wrong n
        raise ValueError("its lines cannot be told apart")
    return frame.filter(pl.Series(~blank)) if blank.any() else frame


# --- letters ----------------------------------------------------------------------------------------------------------


def _as_utf8(content: bytes, name: str, encoding: str | None) -> bytes:
    """The file unpacked and in UTF-8."""
    if content.startswith(_GZIP) or (content and name.lower().endswith(".gz")):
        content = _unpack(content, name)
    if encoding:
        try:
            content = content.decode(encoding).encode()
        except ValueError as error:
            raise DataError(f"{name} is not written in {encoding}, as the mapping says: {error}") from None
    elif wide := wide_encoding(content[:_STEP]):
        problem = f"{name} is written in {wide.upper()}; declare encoding: {wide} in the mapping"
        raise DataError(f"{problem}, or save it as UTF-8")
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise DataError(f"{name} is empty: it has not even a header")
    try:
        if not content.isascii():
            content.decode()
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise DataError(
            f"{name} is not UTF-8 text: byte 0x{content[wrong.start]:02x} in line {line}; save it as UTF-8, or declare "
            "encoding: in the mapping, such as cp1252 (Windows) or latin-1"
        ) from None
    return content


def wide_encoding(start: bytes) -> str:
    """The encoding of a text whose letters take two or four bytes; nothing where they take fewer."""
    for mark, encoding in _WIDE_MARKS.items():
        if start.startswith(mark):
            return encoding
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if even + odd > len(start) / 2:
        return "utf-32-le" if odd > even else "utf-32-be"
    if max(even, odd) > len(start) / 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def _unpack(content: bytes, name: str) -> bytes:
    """Whole, so that a truncated file is an error and not a shorter table."""
    made = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(_STEP):
                made += part
                if len(made) > _LARGEST or (len(made) > _SUSPECT and len(made) > _RATIO * len(content)):
                    problem = f"{name} becomes {len(made) >> 20:,} MB and more when it is unpacked"
                    raise DataError(f"{problem}, from {len(content):,} bytes; this is no table of patients")
    except (EOFError, zlib.error) as error:
        what = "truncated" if isinstance(error, EOFError) else "damaged"
        raise DataError(f"{name} is {what}: it cannot be unpacked to its end. Copy it again") from None
    except gzip.BadGzipFile:
        if not content.startswith(_GZIP):
            raise DataError(f"{name} is not a gzip file, although its name says so") from None
        raise DataError(f"{name} is damaged: its checksum or its end is wrong. Copy it again") from None
    return bytes(made)


# --- lines ------------------------------------------------------------------------------------------------------------


def _separator(content: bytes, name: str, declared: str | None) -> str:
    """As the mapping declares it, or the file itself in a first line as Excel writes it."""
    declared_here = re.match(rb'"?sep=([^"\r\n])"?[\r\n]', content, re.IGNORECASE)
    if declared_here and declared and declared_here[1] != declared.encode():
        separator = declared_here[1].decode("utf-8", "replace")
        raise DataError(
            f"{name} begins with sep={separator}, but the mapping says separator: '{declared}'; leave one out"
        )
    sign = declared_here[1].decode("latin-1") if declared_here else declared or ","
    if not sign.isascii() or sign in '"\r\n':
        raise DataError(f"{name} begins with a line sep=, but names no separator; write separator: in the mapping")
    return sign


def _from_header(content: bytes, name: str, header: int) -> bytes:
    """Without the lines above the names of the columns: a line `sep=;`, titles, blank ones."""
    skip = header - 1
    if header == 1 and re.match(rb'"?sep=', content, re.IGNORECASE):
        skip = 1
    at = 0
    for _ in range(skip):
        if (end := _LINE_END.search(content, at)) is None:
            raise DataError(f"{name} has no line {header}, where the mapping (header:) looks for the column names")
        at = end.end()
    content = content[at:].lstrip(b"\r\n") if at or content[:1] in b"\r\n" else content
    if not content.strip():
        raise DataError(f"{name} is empty: it has not even a header")
    return content


def _quotes(content: bytes, name: str, separator: int) -> np.ndarray:
    """Where quotation marks stand. One that neither opens nor closes a whole text is read otherwise by every reader."""
    if _QUOTE not in content:
        return np.array([], dtype=np.int64)
    letters = np.frombuffer(content, np.uint8)
    marks = np.flatnonzero(letters == _QUOTE)
    if len(marks) % 2:
        raise DataError(f'{name} has a quotation mark (") that is never closed; double it inside a quoted text')
    between = np.zeros(256, dtype=bool)
    between[[separator, _NEWLINE, _RETURN, _QUOTE]] = True
    opens, closes = marks[0::2], marks[1::2]
    good = (opens == 0) | between[letters[np.maximum(opens - 1, 0)]]
    good &= (closes == len(letters) - 1) | between[letters[np.minimum(closes + 1, len(letters) - 1)]]
    if not good.all():
        line = content.count(b"\n", 0, int(opens[int(np.argmin(good))])) + 1
        problem = f'{name}: a quotation mark (") stands where none can, about line {line}'
        raise DataError(f"{problem}; quote the whole text and double the mark inside")
    return marks


def _with_line_ends(content: bytes, marks: np.ndarray) -> bytes:
    """A line may end with a carriage return alone, as old programs write; inside quotes it is part of a text."""
    if _RETURN not in content:
        return content
    letters = np.frombuffer(bytearray(content), np.uint8)
    returns = np.flatnonzero(letters == _RETURN)
    lone = returns[(returns == len(letters) - 1) | (letters[np.minimum(returns + 1, len(letters) - 1)] != _NEWLINE)]
    lone = lone[np.searchsorted(marks, lone) % 2 == 0]
    if not len(lone):
        return content
    letters[lone] = _NEWLINE
    return letters.tobytes()


class _Lines(NamedTuple):
    """Where lines end, how many values each holds, and which are blank."""

    ends: np.ndarray
    values: np.ndarray
    blank: np.ndarray


def _lines(content: bytes, separator: int) -> _Lines:
    """The lines of a table; a line break inside quotes ends none."""
    ends, between, quotes, quotes_before = [], [], 0, 0
    for start in range(0, len(content), _STEP):
        part = np.frombuffer(content, np.uint8, min(_STEP, len(content) - start), start)
        marks = np.flatnonzero((part == separator) | (part == _NEWLINE) | (part == _QUOTE))
        letters = part[marks]
        quoted = np.cumsum(letters == _QUOTE) + quotes
        open_, quotes = quoted % 2 == 0, int(quoted[-1]) if len(quoted) else quotes
        is_end, counted = open_ & (letters == _NEWLINE), np.cumsum(open_ & (letters == separator)) + quotes_before
        ends.append(marks[is_end] + start)
        between.append(counted[is_end])
        quotes_before = int(counted[-1]) if len(counted) else quotes_before
    if not content.endswith(b"\n"):
        ends.append(np.array([len(content)]))
        between.append(np.array([quotes_before]))
    end = np.concatenate(ends)
    length = np.diff(end, prepend=-1) - 1
    letters = np.frombuffer(content, np.uint8)
    blank = (length == 0) | ((length == 1) & (letters[np.maximum(end - 1, 0)] == _RETURN))
    return _Lines(end, np.diff(np.concatenate([[0], *between])) + 1, blank)


def _check(lines: _Lines, content: bytes, name: str, separator: str, header: int) -> None:
    """A line that is too short or too long is a fault of the file: what it lacks is not known to be unknown."""
    width = int(lines.values[0])
    first = content[: int(lines.ends[0])].decode("utf-8", "replace")
    other = next((sign for sign in _SEPARATORS if sign in first), None)
    if width == 1 and separator not in first and other:
        raise DataError(f"{name} has another separator; declare separator: {_SEPARATORS[other]} in the mapping")
    wrong = np.flatnonzero((lines.values != width) & ~lines.blank)
    if not len(wrong):
        return
    breaks = [content.count(b"\n", 0, int(lines.ends[line - 1]) + 1) + header for line in wrong[:3]]
    lines_text = ", ".join(f"line {at} has {lines.values[line]}" for at, line in zip(breaks, wrong, strict=False))
    more = ", ..." if len(wrong) > 3 else ""
    advice = f"A text with '{separator}' in it needs quotes; a short last line means that the file was cut off"
    if all(content[: int(lines.ends[line])].rstrip(b"\r").endswith(separator.encode()) for line in wrong[:3]):
        advice = f"These lines end with '{separator}', the header does not; add one to the header, or take them out"
    elif width < lines.values[int(wrong[0])] and 2 * len(wrong) > np.count_nonzero(~lines.blank):
        advice = (
            f"If the names of the columns stand further down, say in which line: header: {breaks[0]} in the mapping"
        )
    raise DataError(f"{name}: the header names {width} columns, but {lines_text}{more}. {advice}")


# --- names ------------------------------------------------------------------------------------------------------------


def strip_blanks(
    frame: pl.DataFrame, names: list[str], name: str, wanted: Collection[str] | None = None
) -> pl.DataFrame:
    """A table of texts under its names, both without the blanks around them; an empty text says nothing.

    Raises:
        DataError: two columns of one name, if anybody asks for it.
    """
    columns: dict[str, pl.Expr] = {}
    for at, (source, written) in enumerate(zip(frame.columns, names, strict=True), 1):
        if not (column := written.strip(BLANKS)):
            if not (frame[source].str.strip_chars(BLANKS).fill_null("") != "").any():
                continue
            column = f"(column {at})"  # nobody can ask for it, but whoever looks for it sees that it was not read
        if column in columns:
            if wanted is None or column in wanted:
                raise DataError(f"{name}: the column {column} stands twice in the header")
            column = next(made for i in range(2, len(names) + 2) if (made := f"{column} ({i})") not in columns)
        text = pl.col(source).str.strip_chars(BLANKS)
        columns[column] = pl.when(text != "").then(text)
    return frame.select(**columns)
