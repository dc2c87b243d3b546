"""Trial data and a day go in, the folder that a report is made from comes out; and the data are held to their locks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ..criteria.protocol import DataError
from ..interim.data import TrialData, cut, pool
from ..interim.lookdata import ALLOCATIONS, ENDPOINT, at_site

_LOCK = "lock.json"


@dataclass(frozen=True)
class Lock:
    """What the first report of a cutoff was made from: hashes by name, and the file in which they stand."""

    file: Path
    day: str
    hashes: Mapping[str, str]

    def check(self) -> None:
        """Hold the data to those of the first report of this cutoff.

        Raises:
            DataError: a table or a file is another one now.
        """
        first = self._known_hashes().get(self.day, self.hashes)
        if changed := sorted(n for n in {*first, *self.hashes} if first.get(n) != self.hashes.get(n)):
            raise DataError(
                f"{', '.join(changed)} changed since the first report of the cutoff {self.day}, and reports of one "
                f"cutoff must tell of the same data; restore the files, or write to another folder with --out"
            )

    def write(self) -> None:
        """Keep the hashes, where this is the first report of its cutoff."""
        if self.day not in (known := self._known_hashes()):
            _written(self.file, json.dumps({**known, self.day: dict(self.hashes)}, indent=2) + "\n")

    def _known_hashes(self) -> dict[str, dict[str, str]]:
        return json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}


def locks(out: Path, trial: TrialData, cutoff: date | None, closed: bool) -> list[Lock]:
    """The locks of a report: of the pooled tables; and, in `closed`, of the files that were handed in.

    Beside an open report lies no hash of a file that may hold arms: whoever has two of these, of two cutoffs, could try
    all arms of the patients between. Who is randomized may be known from the ledger alone, so that is left out too.
    """
    day, pooled = str(cutoff or "not cut"), pool(trial)
    tables = replace(pooled, subjects=pooled.subjects.drop(columns="randomized"))
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in _texts(tables).items()}
    hashes.pop("findings")
    found = [Lock(out / _LOCK, day, hashes)]
    return [*found, Lock(out / "closed" / _LOCK, day, trial.sha256)] if closed else found


def staged(
    trial: TrialData,
    cutoff: date | None,
    site: str,
    closed: bool,
    folder: Path,
    allocations: Any = None,
    secret: Mapping[str, str] | None = None,
) -> tuple[Path, dict[str, str]]:
    """The cut as a folder of tables, under a name that is its hash; and the arms that an open one hides.

    Args:
        trial: with its arms, where they are known.
        cutoff: nothing is kept that was not known that day; None keeps all, for data that have no days.
        site: this one alone; all of them if empty.
        closed: keep the arm.
        folder: where the cut is put, in `cuts`.
        allocations: what the ledger says of everybody allocated, for an open report without kits.
        secret: the arms by subject, where they are for the search alone: nothing of them gets into the cut.
    """
    kept = trial if not site else at_site(trial, site)
    kept = kept if cutoff is None else cut(kept, cutoff)
    subjects = kept.subjects
    allocated = subjects["subject_id"].map(dict(secret or {})).astype("str").where(subjects["randomized"])
    hidden = subjects["arm"].fillna(allocated).set_axis(subjects["subject_id"]).dropna().to_dict()
    if not closed:
        kept = pool(kept)
    elif not subjects["randomized"].any():
        where = site and f" at {site}"
        raise DataError(f"nobody was randomized by {cutoff or 'now'}{where}, so there is no arm to report on")
    elif not hidden:
        raise DataError(f"{trial.name} does not tell the arm of anybody; a closed report needs --ledger and --key")
    texts = {f"{name}.csv": text for name, text in _texts(kept).items()}
    if allocations is not None:
        own = allocations[allocations["subject_id"].isin(kept.subjects["subject_id"])]
        texts[ALLOCATIONS] = _csv(own if cutoff is None else own[own["randomized_on"].dt.date <= cutoff])
    texts[ENDPOINT] = json.dumps({"endpoint": kept.endpoint, "window": kept.window, "absent": kept.absent})
    digest = hashlib.sha256("".join(f"{name}\0{text}\0" for name, text in sorted(texts.items())).encode()).hexdigest()
    place = folder / "cuts" / f"{cutoff or 'whole'}-{digest[:12]}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".~cut-", dir=place.parent))
        for name, text in texts.items():
            (part / name).write_text(text, "utf-8")
        try:
            part.rename(place)
        except OSError:  # another run has just put the same cut there
            shutil.rmtree(part, ignore_errors=True)
    return place.resolve(), hidden


def _texts(trial: TrialData) -> dict[str, str]:
    """Each table as a CSV file holds it: days without a time, yes and no in words."""
    tables = {name: frame for name, frame in trial.tables.items() if name not in trial.absent}
    if trial.synthetic:
        tables["subjects"] = tables["subjects"].assign(synthetic=True)
    return {**{name: _csv(frame) for name, frame in tables.items()}, "findings": _csv(trial.findings)}


def _csv(frame: Any) -> str:
    flags = frame.select_dtypes(["bool", "boolean"]).columns
    words = {name: frame[name].map({True: "true", False: "false"}) for name in flags}
    return frame.assign(**words).to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")


def _written(file: Path, text: str) -> None:
    waiting = file.with_name(f".~{file.name}-{os.getpid()}")
    waiting.write_text(text, "utf-8")
    waiting.replace(file)
