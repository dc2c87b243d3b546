"""Entries go into one SQLite file and stay there: append-only, each tied to the one before it by its hash.

The file is an ordinary SQLite database with a rollback journal: at rest it is one file, a write is there whole or not
at all, and is on the disk before anybody hears of it. It belongs on a local disk, for file locks on network drives
cannot be relied on; it is copied while nobody writes, or with SQLite's own `.backup`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

APPLICATION = 0x54724C67
"""Written into the head of the file, so that another SQLite file is not taken for a ledger."""
WAIT = 60.0
"""Seconds to wait while others write."""

SCHEMA = (
    """CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, patient TEXT, stratum TEXT,
    position INTEGER, kit TEXT, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX kit_in_place ON entries (stratum, position) WHERE kind = 'kit'",
    "CREATE UNIQUE INDEX kit_named_once ON entries (kit) WHERE kind = 'kit'",
    "CREATE UNIQUE INDEX patient_once ON entries (patient) WHERE kind = 'allocated'",
    "CREATE UNIQUE INDEX kit_given_once ON entries (kit) WHERE kind = 'allocated'",
    "CREATE INDEX given ON entries (stratum, position) WHERE kind = 'allocated'",
    # OR REPLACE would delete silently what it replaces: no trigger of deletion hears of it
    """CREATE TRIGGER only_at_the_end BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries) OR (NEW.kind = 'allocated' AND EXISTS
        (SELECT 1 FROM entries WHERE kind = 'allocated' AND (patient = NEW.patient OR kit = NEW.kit)))
    BEGIN SELECT RAISE(ABORT, 'the ledger takes new entries at its end only'); END""",
    """CREATE TRIGGER never_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never changed'); END""",
    """CREATE TRIGGER never_deleted BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never deleted'); END""",
)
ENTRY = ("seq", "at", "kind", "patient", "stratum", "position", "kit", "detail", "previous", "hash")


class LedgerError(Exception):
    """What the ledger refuses, or cannot do: nothing was half done."""


@dataclass(frozen=True)
class LedgerEntry:
    """One entry. `detail` is what belongs to its kind; `hash` covers everything else, the `previous` hash included."""

    kind: str
    detail: dict[str, Any] = field(default_factory=dict)
    patient: str | None = None
    stratum: str | None = None
    position: int | None = None
    kit: str | None = None
    seq: int = 0
    at: str = ""
    previous: str = ""
    hash: str = ""

    def hashed(self) -> str:
        """The hash that this entry must have."""
        return digest({name: value for name, value in asdict(self).items() if name != "hash"})


def digest(content: Any) -> str:
    """SHA-256 of plain data: JSON with sorted keys, no blanks, nothing beyond ASCII."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def chained(entries: Iterable[LedgerEntry], seq: int = 0, previous: str = "") -> Iterator[LedgerEntry]:
    """The entries with number, time and hash, to follow the entry `seq`. Time is what the clock says; order is not."""
    for number, entry in enumerate(entries, start=seq + 1):
        entry = replace(entry, seq=number, at=datetime.now(UTC).isoformat(timespec="seconds"), previous=previous)
        previous = entry.hashed()
        yield replace(entry, hash=previous)


def create(path: Path, entries: Iterable[LedgerEntry]) -> None:
    """A new ledger with its first entries, there whole or not at all; one that exists is never written over."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with _told(path), contextlib.closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute("BEGIN")
            for statement in SCHEMA:
                connection.execute(statement)
            for entry in entries:
                _insert(connection, entry)
            connection.execute("COMMIT")
        path.hardlink_to(part)  # unlike a rename, this fails where a ledger stands already
        _sync(path.parent)
    except FileExistsError:
        raise LedgerError(f"{path} exists; a ledger is opened once") from None
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror}") from None
    finally:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that alone may write. What is done with it is done whole at the end, or not at all on an error."""
    with _told(path), connected(path, "rw") as connection:
        connection.execute("BEGIN IMMEDIATE")  # read and write under one lock: nobody else takes the same kit
        yield connection
        connection.execute("COMMIT")  # an exception skips this, and closing the connection rolls back


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one state of the ledger and changes nothing."""
    with _told(path), connected(path, "ro") as connection:
        connection.execute("BEGIN")
        yield connection


@contextlib.contextmanager
def connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection to a ledger that exists.

    Raises:
        LedgerError: no such file, or not a ledger.
    """
    if not path.is_file():
        raise LedgerError(f"no ledger at {path}; `trialtools arms open` makes one")
    uri = f"file:{quote(str(path.resolve()))}?mode={mode}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = EXTRA")  # FULL, and the folder too: a kit once told is never forgotten
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise LedgerError(f"{path} is not a ledger of trialtools")
        yield connection


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors in our words, without what was being written."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path}: {error}. The ledger is as it was before, or holds the whole entry: ask again, and the same "
            "request is answered with the same kit"
        ) from None


def append(connection: sqlite3.Connection, entry: LedgerEntry) -> LedgerEntry:
    """Write an entry at the end, within `writing`; returns it with its number and hash."""
    seq, previous = last(connection)
    (entry,) = chained([entry], seq, previous)
    _insert(connection, entry)
    return entry


def last(connection: sqlite3.Connection) -> tuple[int, str]:
    """Number and hash of the last entry."""
    return connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")


def find(connection: sqlite3.Connection, condition: str, values: Iterable[Any] = ()) -> list[LedgerEntry]:
    """The entries for which a condition in SQL holds, oldest first; values only ever go in by placeholders."""
    rows = connection.execute(f"SELECT {', '.join(ENTRY)} FROM entries WHERE {condition} ORDER BY seq", tuple(values))
    return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> LedgerEntry:
    values = dict(zip(ENTRY, row, strict=True))
    return LedgerEntry(**{**values, "detail": json.loads(values["detail"])})


def _insert(connection: sqlite3.Connection, entry: LedgerEntry) -> None:
    values = {**asdict(entry), "detail": canonical(entry.detail)}
    marks = ", ".join("?" * len(ENTRY))
    connection.execute(f"INSERT INTO entries ({', '.join(ENTRY)}) VALUES ({marks})", [values[c] for c in ENTRY])


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk; Windows does so by itself and has no way to ask."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
