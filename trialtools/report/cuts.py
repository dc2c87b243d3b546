"""Trial data and a day go in, the folder that a report is made from comes out; and the data are held to their locks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from ..criteria.files import alone_in, whole, whole_folder
from ..criteria.protocol import DataError
from ..interim.data.cutoff import cut, pool
from ..interim.data.read import TrialData
from ..interim.lookdata import ALLOCATIONS, ENDPOINT, at_site

_LOCK = "lock.json"
_Locks = Mapping[Path, Mapping[str, str]]
"""By file in which they stand, the hashes by name of what a report is made from."""


def locks(out: Path, trial: TrialData, closed: bool) -> _Locks:
    """The locks of a report: of the pooled tables; and, in `closed`, of the files that were handed in.

    Beside an open report lies no hash of a file that may hold arms: with two of these, of two cutoffs, a reader could
    try all arms of the patients between. Who is randomized may be known from the ledger alone, so that is left out too.
    """
    pooled = pool(trial)
    tables = _texts(replace(pooled, subjects=pooled.subjects.drop(columns="randomized")))
    hashes = {name: _hash(text) for name, text in tables.items() if name != "findings"}
    return {out / _LOCK: hashes} | ({out / "closed" / _LOCK: trial.sha256} if closed else {})


def check_locks(own: _Locks, cutoff: date | None) -> None:
    """Nothing, where the data are those of the first report of this cutoff.

    Raises:
        DataError: a table or a file is another one now, or a lock cannot be read.
    """
    day = _lock_day(cutoff)
    for file, hashes in own.items():
        first = _read_locks(file).get(day, hashes)
        if changed := sorted(n for n in {*first, *hashes} if first.get(n) != hashes.get(n)):
            raise DataError(
                f"{', '.join(changed)} changed since the first report of the cutoff {day}, and reports of one "
                f"cutoff must tell of the same data; restore the files, or write to another folder with --out"
            )


def write_locks(own: _Locks, cutoff: date | None) -> None:
    """Keep the hashes, where this is the first report of its cutoff."""
    day = _lock_day(cutoff)
    for file, hashes in own.items():
        with alone_in(file.parent):  # two cutoffs at once must not lose each other's hashes
            if day in (locks := _read_locks(file)):
                continue
            with whole(file) as part:
                part.write_text(json.dumps({**locks, day: dict(hashes)}, indent=2) + "\n", "utf-8")


def _lock_day(cutoff: date | None) -> str:
    return str(cutoff or "not cut")


def _read_locks(file: Path) -> dict[str, dict[str, str]]:
    """By cutoff the hashes of its first report."""
    try:
        locks = json.loads(file.read_text("utf-8")) if file.exists() else {}
        return {day: dict(hashes) for day, hashes in locks.items()}
    except (ValueError, TypeError, AttributeError):
        raise DataError(
            f"{file} does not hold the hashes of earlier reports; restore it, or write to another folder with --out"
        ) from None


def write_cut(
    trial: TrialData,
    cutoff: date | None,
    site: str,
    closed: bool,
    folder: Path,
    allocations: Any = None,
    secret: Mapping[str, str] | None = None,
) -> tuple[Path, dict[str, str]]:
    """The cut as a folder of tables, under a name that is its hash; and by subject the arms that an open one hides.

    Args:
        trial: with its arms, where they are known.
        cutoff: nothing is kept that was not known that day; None keeps all, for data that have no days.
        site: this one alone; all of them if empty.
        closed: keep the arm.
        folder: where the cut is put, in `cuts`.
        allocations: what the ledger says of everybody allocated, for an open report without kits.
        secret: the arms by subject, where they are for the search alone: nothing of them gets into the cut.
    """
    data = trial if not site else at_site(trial, site)
    data = data if cutoff is None else cut(data, cutoff)
    subjects = data.subjects
    allocated = subjects["subject_id"].map(dict(secret or {})).astype("str").where(subjects["randomized"])
    arms = subjects["arm"].fillna(allocated).set_axis(subjects["subject_id"]).dropna().to_dict()
    if not closed:
        data = pool(data)
    elif not subjects["randomized"].any():
        where = site and f" at {site}"
        raise DataError(f"nobody was randomized by {cutoff or 'now'}{where}, so there is no arm to report on")
    elif not arms:
        raise DataError(f"{trial.name} does not tell the arm of anybody; a closed report needs --ledger and --key")
    texts = {f"{name}.csv": text for name, text in _texts(data).items()}
    if allocations is not None:
        own = allocations[allocations["subject_id"].isin(data.subjects["subject_id"])]
        texts[ALLOCATIONS] = _csv(own if cutoff is None else own[own["randomized_on"].dt.date <= cutoff])
    texts[ENDPOINT] = json.dumps({"endpoint": data.endpoint, "window": data.window, "absent": data.absent})
    digest = _hash("".join(f"{name}\0{text}\0" for name, text in sorted(texts.items())))
    place = folder / "cuts" / f"{cutoff or 'whole'}-{digest[:12]}"
    if not place.exists():
        try:
            with whole_folder(place) as part:
                for name, text in texts.items():
                    (part / name).write_text(text, "utf-8")
        except OSError:
            if not place.exists():  # otherwise another run has just put the same cut there
                raise
    return place.resolve(), arms


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


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
