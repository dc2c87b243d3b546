"""The head of an entry goes in, a line outside of the ledger comes out, which shows later what the ledger lost.

Receipts are kept on the machine that writes, in the folder that the variable TRIALTOOLS_RECEIPTS names, by default
`~/.trialtools/receipts`: a file for the place of each ledger. Whatever is put in that place is held against them.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path

_TAIL = 65_536
"""Bytes at the end of the file, where the last receipts stand: whoever allocates reads no more."""


def receipts_of(ledger: str | Path) -> Path:
    """The file where receipts of a ledger are kept: outside of its folder, by the place where the ledger lies."""
    path = Path(ledger).resolve()
    folder = os.environ.get("TRIALTOOLS_RECEIPTS") or Path.home() / ".trialtools" / "receipts"
    place = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return Path(folder) / f"{path.name}-{place}.txt"


def keep_receipt(ledger: str | Path, head: str, what: str) -> None:
    """Add the head of an entry, and what it is of, to the receipts of a ledger: on the disk before it is told.

    Raises:
        OSError: the file cannot be written.
    """
    file = receipts_of(ledger)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("a", encoding="utf-8") as receipts:
        receipts.write(f"{head} {datetime.now(UTC).isoformat(timespec='seconds')} {what}\n")
        receipts.flush()
        os.fsync(receipts.fileno())


def read_receipts(file: str | Path) -> list[str]:
    """The heads in a file of receipts, in order; none where there is no such file."""
    file = Path(file)
    lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() else []
    return [line.split()[0] for line in lines if line.strip()]


def last_receipt(ledger: str | Path) -> tuple[int, str] | None:
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
