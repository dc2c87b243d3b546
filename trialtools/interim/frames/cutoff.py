"""A folder and a day go in, the trial data of an interim report come out: cut, and pooled where the report is open."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.protocol import DataError
from ..data import TABLES, TrialData, cut, pool, read_trial
from ..data.tables import DTYPES, HIDDEN

FINDINGS = "findings.csv"
ENDPOINT = "endpoint.json"
"""In a cut: the primary endpoint and its window, as the whole data and their mapping tell them."""


def read_cut(
    data: str | os.PathLike[str],
    protocol: Protocol,
    cutoff: str = "",
    *,
    closed: bool = False,
    mapping: str | os.PathLike[str] | None = None,
) -> TrialData:
    """The data of a report as they were known on the day of the cut; without the arm unless it is closed.

    Args:
        data: a folder, or a wide file with its mapping; or a cut that `trialtools report` has made, whose findings
            stand beside it in `findings.csv`.
        protocol: whose design names the primary endpoint.
        cutoff: year-month-day; empty for data without days, which are taken as they are.
        closed: keep the arm.
        mapping: of a wide file.

    Raises:
        DataError: data that cannot be read, or a cutoff that is not a day.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> bool(read_cut("data/trial", protocol, "2023-08-17").subjects["arm"].notna().any())
    False
    """

    trial = read_trial(data, protocol, mapping or None)
    known = trial.findings
    if (told := Path(data) / ENDPOINT).is_file():
        trial = replace(trial, **json.loads(told.read_text("utf-8")))
    if (told := Path(data) / FINDINGS).is_file():
        known = pd.read_csv(told, keep_default_na=False).astype(known.dtypes.to_dict())
    if cutoff:
        trial = cut(trial, cutoff)
    trial = replace(trial, findings=known) if told.is_file() else trial
    return trial if closed else _emptied(pool(trial))


def _emptied(trial: TrialData) -> TrialData:
    """The same with the columns that were taken out there again, and nothing in them."""

    tables = {}
    for name, columns in HIDDEN.items():
        frame = getattr(trial, name)
        kinds = {column: DTYPES[TABLES[name][column].kind] for column in columns}
        tables[name] = frame.assign(**{c: pd.Series(None, index=frame.index, dtype=k) for c, k in kinds.items()})
    return replace(trial, **tables)


def day_of(cutoff: str) -> date | None:
    """The day of the cut; None for data that are not cut.

    Raises:
        DataError: not a day.
    """
    try:
        return date.fromisoformat(cutoff) if cutoff else None
    except ValueError:
        raise DataError(f"the cutoff '{cutoff}' is not a day, year-month-day") from None
