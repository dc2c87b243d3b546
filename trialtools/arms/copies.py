"""A ledger goes in; a copy that was proved to restore it comes out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..criteria.files import whole
from .audit import verify
from .chain import LedgerError, connection_to, last, read_access
from .commitment import PathLike
from .entries import COLUMNS
from .people import author


@dataclass(frozen=True)
class Backup:
    """What was copied, and that a ledger restored from the copy is the same, entry by entry."""

    file: str
    sha256: str
    entries: int
    head: str
    restored: bool
    made: str
    by: dict[str, str]


def backup(ledger: PathLike, target: PathLike) -> Backup:
    """A copy of a ledger, taken while others may write, with the proof that it can be restored.

    The copy is restored into another folder, read row by row, held against the ledger and verified. The proof stands
    beside the copy, as `target.json`. Copy the key too, and keep it elsewhere: without it no arm can be told.

    Raises:
        LedgerError: no such ledger, a target that exists or cannot be written, or a copy that is not the ledger.
    """
    ledger, target = Path(ledger), Path(target)
    proof_file = target.with_name(f"{target.name}.json")
    if target.exists() or proof_file.exists():
        raise LedgerError(f"{target} exists; a backup is never written over")
    try:
        with whole(target) as part, connection_to(ledger, "ro") as connection:
            with contextlib.closing(sqlite3.connect(part)) as copy:
                connection.backup(copy)
            proof = _restore(ledger, part, target)
        with whole(proof_file) as part:
            part.write_text(json.dumps(asdict(proof), indent=2) + "\n", "utf-8")
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"cannot make the backup {target}: {error}") from None
    return proof


def _restore(ledger: Path, copy: Path, target: Path) -> Backup:
    """The proof: a ledger restored from the copy begins as the ledger does, and nothing is wrong with it."""
    content = copy.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / ledger.name
        again.write_bytes(content)
        rows = _rows(again)
        if rows != _rows(ledger)[: len(rows)]:  # the ledger may have grown meanwhile
            raise LedgerError(f"what {target} restores is not the ledger: no backup was made")
        faults = [str(fault) for fault in verify(again) if not fault.note]
        if faults and faults != [str(fault) for fault in verify(ledger) if not fault.note]:
            raise LedgerError(f"what {target} restores has faults that the ledger has not: {'; '.join(faults[:3])}")
        with read_access(again) as connection:
            head = "{}:{}".format(*last(connection))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Backup(target.name, hashlib.sha256(content).hexdigest(), len(rows), head, True, now, author())


def _rows(ledger: Path) -> list[tuple]:
    with read_access(ledger) as connection:
        return connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq").fetchall()
