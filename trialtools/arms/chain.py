"""Entries go into one SQLite file and stay there: append-only, each tied to the one before it by its hash.

The file is an ordinary SQLite database with a rollback journal: at rest it is one file, a write is there whole or not
at all, and is on the disk before anybody hears of it. It belongs on a local disk, for file locks on network drives
cannot be relied on; it is copied while nobody writes, or with SQLite's own `.backup`.

What the file cannot show by itself, that its last entries were not cut off, receipts outside of it do. They are kept on
the machine that writes, in the folder that the variable TRIALTOOLS_RECEIPTS names, by default `~/.trialtools/receipts`:
a file for the place of each ledger. Whatever is put in that place is held against them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .entries import COLUMNS, LedgerEntry, canonical, entry_of, hash_of

_APPLICATION, _FORMAT = 0x54724C67, 2
"""Written into the first bytes of the file, so that another SQLite file, or an earlier ledger, is not taken for one."""
_WAIT = 60.0
"""Seconds to wait while others write."""
_TAIL = 65_536
"""Bytes at the end of the file of receipts, where the last ones stand: whoever allocates reads no more."""

SCHEMA = (
    """CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, patient TEXT, person TEXT,
    stratum TEXT, position INTEGER, kit TEXT, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX opened_once ON entries (kind) WHERE kind IN ('opened', 'mixed')",
    "CREATE UNIQUE INDEX kit_in_place ON entries (kind, stratum, position) WHERE kind IN ('kit', 'mixed kit')",
    "CREATE UNIQUE INDEX kit_named_once ON entries (kind, kit) WHERE kind IN ('kit', 'mixed kit')",
    "CREATE UNIQUE INDEX patient_once ON entries (patient) WHERE kind = 'allocated'",
    "CREATE UNIQUE INDEX kit_given_once ON entries (kit) WHERE kind = 'allocated'",
    "CREATE INDEX given ON entries (stratum, position) WHERE kind = 'allocated'",
    "CREATE INDEX people ON entries (person) WHERE kind = 'allocated'",
    # OR REPLACE would delete silently what it replaces: no trigger of deletion hears of it
    """CREATE TRIGGER only_at_the_end BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries) OR (NEW.kind = 'allocated' AND EXISTS
        (SELECT 1 FROM entries WHERE kind = 'allocated' AND (patient = NEW.patient OR kit = NEW.kit)))
    BEGIN SELECT RAISE(ABORT, 'the ledger takes new entries at its end only'); END""",
    """CREATE TRIGGER kits_before_patients BEFORE INSERT ON entries
    WHEN NEW.kind IN ('opened', 'kit', 'mixed', 'mixed kit') AND EXISTS (SELECT 1 FROM entries WHERE kind = 'allocated')
    BEGIN SELECT RAISE(ABORT, 'the list is made before the first allocation'); END""",
    """CREATE TRIGGER never_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never changed'); END""",
    """CREATE TRIGGER never_deleted BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never deleted'); END""",
)


class LedgerError(Exception):
    """What the ledger refuses, or cannot do: nothing was half done."""


def link(entries: Iterable[LedgerEntry], seq: int = 0, previous: str = "") -> Iterator[LedgerEntry]:
    """The entries with number, time and hash, to follow the entry `seq`. Time is what the clock says; order is not."""
    for number, entry in enumerate(entries, start=seq + 1):
        now, written = datetime.now(UTC).isoformat(timespec="seconds"), canonical(entry.detail)
        entry = replace(entry, seq=number, at=now, previous=previous, written=written)
        previous = hash_of(entry.row())
        yield replace(entry, hash=previous)


def create(path: Path, entries: Sequence[LedgerEntry]) -> None:
    """A new ledger with its first entries, there whole or not at all; one that exists is never written over."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with _sqlite_errors(path), contextlib.closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
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
    if "synthetic" not in entries[0].detail:
        _keep_receipt(path, entries[-1], "opened")


@contextlib.contextmanager
def write_access(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that alone may write. What is done with it is done whole at the end, or not at all on an error.

    A receipt of the last entry is kept outside of the ledger. A ledger that ends before its last receipt is refused: an
    older copy put in its place would give kits once more, to other patients. Synthetic ledgers have no receipts.

    Raises:
        LedgerError: no such ledger, it is no ledger, it ends before its last receipt, or it cannot be written.
    """
    with _sqlite_errors(path), connection_to(path, "rw") as connection:
        connection.execute("BEGIN IMMEDIATE")  # read and write under one lock: nobody else takes the same kit
        _check_last_receipt(connection, path)
        before, _ = last(connection)
        yield connection
        now = find(connection, "seq > ? AND seq = (SELECT max(seq) FROM entries)", [before])
        connection.execute("COMMIT")  # an exception skips this, and closing the connection rolls back
        synthetic = any("synthetic" in entry.detail for entry in find(connection, "kind = 'opened'"))
    if now and not synthetic:
        _keep_receipt(path, now[0], f"{now[0].kind} {now[0].kit or ''}".strip())


def _check_last_receipt(connection: sqlite3.Connection, path: Path) -> None:
    if not (receipt := _last_receipt(path)):
        return
    seq, digest = receipt
    if connection.execute("SELECT hash FROM entries WHERE seq = ?", [seq]).fetchone() != (digest,):
        raise LedgerError(
            f"the receipt of entry {seq} in {receipts_of(path)} is of no entry of this ledger: it was cut off, or an "
            "older copy was put in its place, and would give the same kits again. `trialtools arms verify` names what "
            "is missing; to go on with this ledger, move the file of receipts away"
        )


def _keep_receipt(path: Path, entry: LedgerEntry, what: str) -> None:
    """What was done stays done where its receipt cannot be kept, and that is said."""
    file = receipts_of(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("a", encoding="utf-8") as receipts:
            receipts.write(f"{entry.head} {datetime.now(UTC).isoformat(timespec='seconds')} {what}\n")
            receipts.flush()
            os.fsync(receipts.fileno())
    except OSError as error:
        warnings.warn(f"the receipt could not be kept in {file}: {error.strerror}; keep {entry.head}", stacklevel=4)


@contextlib.contextmanager
def read_access(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one state of the ledger and changes nothing.

    Raises:
        LedgerError: no such ledger, it is no ledger, or it ends before its last receipt.
    """
    with _sqlite_errors(path), connection_to(path, "ro") as connection:
        connection.execute("BEGIN")
        _check_last_receipt(connection, path)
        yield connection


@contextlib.contextmanager
def connection_to(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection to a ledger that exists.

    Raises:
        LedgerError: no such file, or not a ledger.
    """
    if not path.is_file():
        raise LedgerError(f"no ledger at {path}; `trialtools arms open` makes one")
    uri = f"file:{quote(os.fsencode(path.resolve()))}?mode={mode}"  # bytes, for a name may be in an older encoding
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = EXTRA")  # FULL, and the folder too: a kit once told is never forgotten
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise LedgerError(f"{path} is not a ledger of trialtools")
        if (version := connection.execute("PRAGMA user_version").fetchone()[0]) != _FORMAT:
            raise LedgerError(f"{path} is a ledger of format {version}, this is trialtools for format {_FORMAT}")
        yield connection


@contextlib.contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """SQLite's errors in our words, without what was being written."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path}: {error}. The ledger is as it was before, or holds the whole entry: ask again, and the same "
            "request is answered with the same kit"
        ) from None


def append(connection: sqlite3.Connection, *entries: LedgerEntry) -> LedgerEntry:
    """Write entries at the end, within `write_access`; returns the last with its number and hash."""
    written = list(link(entries, *last(connection)))
    for entry in written:
        _insert(connection, entry)
    return written[-1]


def last(connection: sqlite3.Connection) -> tuple[int, str]:
    """Number and hash of the last entry."""
    return connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")


def find(connection: sqlite3.Connection, condition: str, values: Iterable[Any] = ()) -> list[LedgerEntry]:
    """The entries for which a condition in SQL holds, oldest first; values only ever go in by placeholders.

    Raises:
        LedgerError: one of them is not what the ledger wrote; nobody goes on from it.
    """
    rows = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries WHERE {condition} ORDER BY seq", tuple(values))
    entries = []
    for row in rows:
        try:
            entry = entry_of(row)
            problem = entry.misshape or entry.mistyped_parts or ("changed since" if hash_of(row) != entry.hash else "")
        except (ValueError, TypeError):
            problem = "cannot be read"
        if problem:
            raise LedgerError(f"entry {row[0]} is not what the ledger wrote ({problem}): see `trialtools arms verify`")
        entries.append(entry)
    return entries


def _insert(connection: sqlite3.Connection, entry: LedgerEntry) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    connection.execute(f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})", entry.row())


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk; Windows does so by itself and has no way to ask."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def receipts_of(ledger: str | Path) -> Path:
    """The file where receipts of a ledger are kept: outside of its folder, by the place where the ledger lies."""
    path = Path(ledger).resolve()
    folder = os.environ.get("TRIALTOOLS_RECEIPTS") or Path.home() / ".trialtools" / "receipts"
    place = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return Path(folder) / f"{path.name}-{place}.txt"


def read_receipts(file: str | Path) -> list[str]:
    """The heads in a file of receipts, in order; none where there is no such file."""
    file = Path(file)
    lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() else []
    return [line.split()[0] for line in lines if line.strip()]


def _last_receipt(ledger: Path) -> tuple[int, str] | None:
    """Number and hash of the highest entry that was receipted since the ledger at this place was opened."""
    file = receipts_of(ledger)
    if not (file.is_file() and os.access(file, os.R_OK)):
        return None
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _TAIL))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    opened = max((i for i, line in enumerate(lines) if line.endswith(" opened")), default=0)
    matches = [match for line in lines[opened:] if (match := re.fullmatch(r"(\d+):([0-9a-f]{64}) .*", line))]
    return max(((int(match[1]), match[2]) for match in matches), default=None)
