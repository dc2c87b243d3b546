"""A folder, a protocol and a day go in; the data of one look come out: cut, and pooled where the report is open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import Any

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from ..figures.format import count
from .data.cutoff import pool
from .data.read import TrialData, read_trial
from .data.tables import DTYPES, HIDDEN, SCREENING_LOG, TABLES, Frame, belongs_to
from .plan import MonitoringPlan

_FINDINGS = "findings.csv"
ALLOCATIONS = "allocations.csv"
ENDPOINT = "endpoint.json"
"""In a cut: the primary endpoint, its window, and what was not collected, as the whole data and their mapping tell."""
POOLED = ""
"""The arm of everybody, in a report that must not tell any."""
UNKNOWN = "unknown"
NOT_COLLECTED = "Not collected."
"""Why a frame is empty, where nobody collected what it is made of."""


@dataclass(frozen=True, eq=False)
class LookData:
    """One look at a trial: its data as they were known on the day of the cut, its plan, and its audience.

    Args:
        trial: cut at `cutoff`; without any arm unless the look is closed.
        protocol, plan: what was declared.
        cutoff: the day of the cut; None for data without days, which are not cut.
        closed: by arm, for the committee alone; otherwise pooled.
        number: of the look, from 1.
        site: one site alone; empty for all together.
        previous: the manifest of the report before this one; empty without one.
        allocations: what the allocation ledger says of everybody; None where no ledger was handed in.
        not_held: numbers of earlier looks that did not take place.
    """

    trial: TrialData
    protocol: Protocol
    plan: MonitoringPlan
    cutoff: date | None = None
    closed: bool = False
    number: int = 1
    site: str = ""
    previous: Mapping[str, Any] = field(default_factory=dict)
    allocations: Frame | None = None
    not_held: tuple[int, ...] = ()

    @cached_property
    def randomized(self) -> Frame:
        """Everybody randomized."""
        return self.trial.subjects[self.trial.subjects["randomized"]]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that these data tell, in the order of the protocol; one without a name where they tell none."""
        there = set(self.trial.subjects["arm"].dropna())
        return tuple(arm for arm in self.trial.arms or sorted(there) if arm in there) or (POOLED,)

    @cached_property
    def arm_of(self) -> dict[str, str]:
        """The arm of every subject; "unknown" for a subject without one, in data that have arms."""
        blank = POOLED if self.arms == (POOLED,) else UNKNOWN
        return dict(zip(self.trial.subjects["subject_id"], self.trial.subjects["arm"].fillna(blank), strict=True))

    @property
    def labels(self) -> dict[str, str]:
        """What each arm is called on every page: its label without the word group, where that tells the arms apart."""
        labels = {arm.id: arm.label for arm in self.protocol.arms}
        short = {id: label.removesuffix(" group") for id, label in labels.items()}
        return short if len({*short.values()}) == len(short) else labels

    @property
    def target(self) -> int | None:
        """How many participants are planned; None for one site alone, for which nobody said."""
        return None if self.site else self.plan.sample_size

    @property
    def dosing_window(self) -> tuple[int, int]:
        """The first and the last day of dosing, counted from its anchor; of no window, days that hold nothing."""
        window = next((arm.dosing for arm in self.protocol.arms if arm.dosing), None)
        return (window.first_day, window.last_day) if window else (0, 0)

    @property
    def population(self) -> str:
        """Who is counted, on which day: the line under each table and figure."""
        parts = [
            f"{count(len(self.randomized))} randomized",
            f"data as of {self.cutoff}" if self.cutoff else "data not cut",
            self.site,
        ]
        return " · ".join([*filter(None, parts), *["SYNTHETIC"] * self.trial.synthetic])

    @property
    def screening_log(self) -> bool:
        """Whether it was collected who was screened and not randomized: no trial excludes nobody."""
        return SCREENING_LOG not in self.trial.absent

    @property
    def endpoint_collected(self) -> bool:
        """Whether the primary endpoint is among the outcomes of these data."""
        return self.trial.endpoint is not None and "outcomes" not in self.trial.absent

    @property
    def deaths_collected(self) -> bool:
        """Whether deaths are known wherever they happened; fatal adverse events alone do not tell that."""
        return "disposition" not in self.trial.absent

    def members(self, arm: str) -> Frame:
        """Everybody randomized to an arm; everybody randomized at all where arms are not told."""
        return self.randomized if arm == POOLED else self.randomized[self.randomized["arm"] == arm]


def read_analysis_data(
    data: str | os.PathLike[str] | TrialData,
    protocol: Protocol,
    cutoff: str = "",
    *,
    closed: bool = False,
    mapping: str | os.PathLike[str] | None = None,
) -> TrialData:
    """The data of a look as they were known on the day of the cut; without the arm unless it is closed.

    Args:
        data: a folder, or a wide file with its mapping; a cut that `trialtools report` has made, whose findings stand
            beside it in `findings.csv`; or what `read_trial` gave.
        protocol: whose design names the primary endpoint.
        cutoff: year-month-day; empty for data without days, which are taken as they are.
        closed: keep the arm.
        mapping: of a wide file.

    Raises:
        DataError: data that cannot be read, or a cutoff that is not a day.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> bool(read_analysis_data("data/trial", protocol, "2023-08-17").subjects["arm"].notna().any())
    False
    """
    if isinstance(data, TrialData):
        trial = data.cut(cutoff) if cutoff else data
    else:
        trial = _read_cut(Path(data), read_trial(data, protocol, mapping or None), cutoff)
    return trial if closed else _with_hidden_columns(pool(trial))


def _read_cut(folder: Path, trial: TrialData, cutoff: str) -> TrialData:
    """The trial cut; with what stands beside its tables where that was done already: endpoint, absent, findings."""
    if (declared := folder / ENDPOINT).is_file():
        declaration = json.loads(declared.read_text("utf-8"))
        trial = replace(trial, **declaration | {"absent": tuple(declaration.get("absent", trial.absent))})
    kinds, trial = trial.findings.dtypes.to_dict(), trial.cut(cutoff) if cutoff else trial
    if not (file := folder / _FINDINGS).is_file():
        return trial
    return replace(trial, findings=pd.read_csv(file, keep_default_na=False).astype(kinds))


def _with_hidden_columns(trial: TrialData) -> TrialData:
    """The same with the columns that were taken out there again, and nothing in them."""
    tables = {}
    for name, columns in HIDDEN.items():
        frame = getattr(trial, name)
        kinds = {column: DTYPES[TABLES[name][column].kind] for column in columns}
        tables[name] = frame.assign(**{c: pd.Series(None, index=frame.index, dtype=k) for c, k in kinds.items()})
    return replace(trial, **tables)


def at_site(trial: TrialData, site: str) -> TrialData:
    """The trial at one site alone.

    Raises:
        DataError: nobody was screened there.
    """
    own = trial.subjects.loc[trial.subjects["site"] == site, "subject_id"]
    if own.empty:
        raise DataError(f"nobody was screened at the site '{site}'")
    return replace(trial, **{name: frame[belongs_to(frame, own)] for name, frame in trial.tables.items()})


def with_reason(frame: Frame, why: str) -> Frame:
    """A frame that, where it is empty, says why: in `frame.attrs["why"]`.

    >>> with_reason(None, "Not collected.").attrs["why"]
    'Not collected.'
    """
    frame = pd.DataFrame() if frame is None else frame
    if frame.empty:
        frame.attrs["why"] = why
    return frame


def once_a_look(frame_of: Callable[[Any], Frame]) -> Callable[[Any], Frame]:
    """A frame that several sections of a report ask for, worked out once for a look; each gets a copy of its own."""
    of_look = lru_cache(maxsize=16)(frame_of)

    @wraps(frame_of)
    def copy_of(look: Any) -> Frame:
        return of_look(look).copy()

    return copy_of
