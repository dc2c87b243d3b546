"""A folder of data files goes in, their hashes come out: written down on the day of the lock, held to ever after."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import date
from pathlib import Path

from ..protocol import DataError

LOCK = "lock.json"


def hashes_of(*files: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def lock(folder: str | os.PathLike[str], on: date) -> Path:
    """Write the hashes of a folder's trial data to `lock.json`; from then on a changed file stops every reading.

    Raises:
        DataError: the folder holds no trial data, or is locked already.
    """
    from .read import read_trial

    path = Path(folder) / LOCK
    if path.exists():
        raise DataError(f"{folder} is locked already; delete {LOCK} to lock other data")
    content = {"locked_on": f"{on:%Y-%m-%d}", "files": dict(read_trial(folder).sha256)}
    part = path.with_name(f".{LOCK}.part")
    part.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return part.replace(path)


def held_to_lock(folder: Path, hashes: dict[str, str]) -> str | None:
    """The day on which the files were locked; None where they were not.

    Raises:
        DataError: a file was changed, added or removed since.
    """
    if not (folder / LOCK).is_file():
        return None
    try:
        content = json.loads((folder / LOCK).read_text("utf-8"))
        locked_on, then = str(content["locked_on"]), dict(content["files"])
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{folder / LOCK} is damaged; restore it as it was on the day of the lock") from None
    for name in sorted({*hashes, *then}):
        if hashes.get(name) != then.get(name):
            what = "is gone" if name not in hashes else "was added" if name not in then else "was changed"
            was, now = then.get(name, "none")[:12], hashes.get(name, "none")[:12]
            raise DataError(
                f"{folder / name} {what} since the data were locked on {locked_on} (SHA-256 {was} then, {now} now); "
                f"restore the locked file, or delete {LOCK} and lock the new data"
            )
    return locked_on
