"""The door of CSV files: what is read is what Python's own csv module reads, row by row; anything else is refused."""

from __future__ import annotations

import csv
import gzip
import io
from random import Random

from trialtools.cohort.sources.cells import BLANKS
from trialtools.cohort.sources.csvfile import read_csv
from trialtools.criteria.protocol import DataError

LETTERS = [
    "a",
    "b",
    "1",
    ",",
    ";",
    '"',
    '""',
    "\n",
    "\r",
    "\r\n",
    " ",
    "x y",
    "\u00fc",
    "\t",
    "\u200b",
    "#",
    "\0",
    "'",
    "=",
]
ENCODINGS = ("latin-1", "cp1252", "utf-16", "utf-8-sig", "cp850")


def attempt(chance: Random) -> None:
    """One file; a table that differs from what the csv module reads is a fault."""
    text = noise(chance) if chance.random() < 0.5 else table(chance)
    content, encoding = text.encode(), None
    if chance.random() < 0.1:
        encoding = chance.choice(ENCODINGS)
        content = text.encode(encoding, "replace")
        text = content.decode(encoding)
    if chance.random() < 0.05:
        content = gzip.compress(content)
    if content and chance.random() < 0.03:
        content = broken(chance, content)
        text = ""
    try:
        read = read_csv(content, "t.csv", encoding=encoding)
    except DataError as error:
        assert str(error).startswith("t.csv"), text
        return
    except ValueError as error:  # what `open_table` says of a file that no reader takes
        assert str(error), text
        return
    if text and not text.lower().startswith(("sep=", '"sep=')):
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        assert all(len(row) == len(rows[0]) for row in rows), repr(text)
        cells = [[cell.strip(BLANKS) for cell in row] for row in rows]
        names = [
            name or (f"(column {place})" if any(row[place - 1] for row in cells[1:]) else "")
            for place, name in enumerate(cells[0], 1)
        ]
        kept = [position for position, name in enumerate(names) if name]
        assert read.columns == [names[position] for position in kept], repr(text)
        wanted = [tuple(row[position].strip(BLANKS) or None for position in kept) for row in rows[1:]]
        assert not kept or read.rows() == wanted, repr(text)


def noise(chance: Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randrange(1, 26)))


def table(chance: Random) -> str:
    """Rows that mostly fit their header and are mostly quoted as they should be."""
    width, rows = chance.randrange(1, 5), []
    for _ in range(chance.randrange(1, 7)):
        row = []
        for _ in range(width + (chance.random() < 0.03)):
            cell = "".join(chance.choices(LETTERS, k=chance.randrange(5)))
            if chance.random() < 0.8 and (any(sign in cell for sign in ',"\r\n') or chance.random() < 0.1):
                cell = '"' + cell.replace('"', '""') + '"'
            row.append(cell)
        rows.append(",".join(row))
    end = chance.choice(("\n", "\r\n", "\r"))
    return end.join(rows) + chance.choice(("", end, "\n", end * 2))


def broken(chance: Random, content: bytes) -> bytes:
    """Some bytes changed, or the end cut off."""
    made = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made[: chance.randrange(len(made)) + 1])
