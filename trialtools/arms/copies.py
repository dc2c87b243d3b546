"""A ledger goes in; a copy that was proved to restore it, and receipts that lie outside of it, come out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..criteria.files import whole
from .audit import verify
from .chain import COLUMNS, LedgerError, connection_to, last, reading
from .commitment import PathLike
from .people import author

_HOME = "TRIALTOOLS_RECEIPTS"
"""The variable of the environment that names the folder of receipts; by default `~/.trialtools/receipts`."""


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
        with reading(again) as connection:
            head = "{}:{}".format(*last(connection))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Backup(target.name, hashlib.sha256(content).hexdigest(), len(rows), head, True, now, author())


def _rows(ledger: Path) -> list[tuple]:
    with reading(ledger) as connection:
        return connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq").fetchall()


def receipts_of(ledger: PathLike) -> Path:
    """The file where receipts of a ledger are kept: outside of its folder, by the place where the ledger lies.

    Another file that is put in the ledger's place is held against the receipts of the first one.
    """
    path = Path(ledger).resolve()
    folder = Path(os.environ.get(_HOME) or Path.home() / ".trialtools" / "receipts")
    return folder / f"{path.name}-{hashlib.sha256(str(path).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}.txt"


def keep_receipt(head: str, what: str, file: PathLike) -> None:
    """Add the head of an entry to a file of receipts, one a line, on the disk before it is told.

    Raises:
        OSError: the file cannot be written.
    """
    Path(file).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Path(file).open("a", encoding="utf-8") as receipts:
        receipts.write(f"{head} {datetime.now(UTC).isoformat(timespec='seconds')} {what}\n")
        receipts.flush()
        os.fsync(receipts.fileno())


def read_receipts(file: PathLike) -> Sequence[str]:
    """The heads in a file of receipts; none where there is no such file."""
    if not Path(file).exists():
        return []
    return [line.split()[0] for line in Path(file).read_text("utf-8", "replace").splitlines() if line.strip()]


def check_last_receipt(ledger: PathLike, file: PathLike | None = None) -> None:
    """Nothing, where the last receipt since the ledger was opened is of an entry that is here.

    An older copy put in the ledger's place would give kits once more, to other patients.

    Args:
        ledger: that is to be written to.
        file: of receipts; by default that of the ledger's place.

    Raises:
        LedgerError: the ledger ends before the receipt, or was rewritten.
    """
    file = Path(file or receipts_of(ledger))
    lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() and os.access(file, os.R_OK) else []
    opened = max((i for i, line in enumerate(lines) if line.endswith(" opened")), default=0)
    kept = [match for line in lines[opened:] if (match := re.match(r"(\d+):([0-9a-f]{64}) ", line))]
    if not kept:
        return
    seq, digest = max(kept, key=lambda match: int(match[1])).groups()
    with reading(Path(ledger)) as connection:
        if connection.execute("SELECT hash FROM entries WHERE seq = ?", [int(seq)]).fetchone() == (digest,):
            return
    raise LedgerError(
        f"the receipt of entry {seq} in {file} is of no entry of this ledger: it was cut off, or an older copy was put "
        "in its place, and would give the same kits again. `trialtools arms verify` names what is missing; to go on "
        "with this ledger, move the file of receipts away"
    )
