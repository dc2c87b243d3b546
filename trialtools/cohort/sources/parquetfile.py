"""A Parquet file goes in; nothing comes out if its pages can be as long as they say, else the reason why not.

A reader that takes a damaged length at its word asks for room that no machine has, and its process ends without a word.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...criteria.protocol import DataError

_LONGEST = 1 << 9
"""Bytes of a page header with its statistics."""
_UNPACKED, _PACKED, _COUNT = (2,), (3,), ((5, 1), (8, 1), (7, 1))
"""Where a page header says its sizes, and how many values it holds: of data of both versions, of a dictionary."""


def check_pages(path: Path) -> None:
    """Walk through the headers of all pages of a file.

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


def _struct(content: Any, at: int, place: tuple[int, ...], found: dict[tuple[int, ...], int]) -> int:
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
                found[*place, number], at = _integer(content, at)
            case 8:
                size, at = _unsigned(content, at)
                at += size
            case 12 if len(place) < 3:
                at = _struct(content, at, (*place, number), found)
            case _:
                raise ValueError("a page header is damaged")
    return at + 1


def _integer(content: Any, at: int) -> tuple[int, int]:
    number, at = _unsigned(content, at)
    return (number >> 1) ^ -(number & 1), at


def _unsigned(content: Any, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte, at = content[at], at + 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        if (shift := shift + 7) > 63:
            raise ValueError("a page header is damaged")
