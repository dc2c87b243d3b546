"""Trial data go in; what was known on a day comes out, or what may be seen while the arms are secret."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import pandas as pd

from ...criteria.protocol import DataError
from .checks import DATED, endpoint_states, missing_parts
from .findings import Finding, finding_for, findings_frame
from .tables import HIDDEN, TABLES, Frame, TrialTables

ARM_WORDS = re.compile(r"arm|trt|treat|kit|alloc|group|rand(?!omized)|blind|rx|drug|placebo", re.IGNORECASE)
"""Words in the name of an extra column that may tell an arm."""

Trial = TypeVar("Trial", bound=TrialTables)


def cut(trial: Trial, on: str | date) -> Trial:
    """What was known of a trial at the end of a day.

    Whoever was screened later is not there, nor any row dated later. A randomization, an end of an event, a dose or an
    extra day that came later is unknown. Of the primary endpoint, that it happened counts from its day on; that it did
    not, only once its window has passed. A row without a day stays, for its file was there, but an outcome without one
    waits for its window too; where that cannot be worked out it goes. All of it is counted in the findings.

    Raises:
        DataError: not a day, or a trial whose outcomes are all undated.

    >>> from trialtools.interim.data import read_trial
    >>> subjects = {"subject_id": ["1", "2"], "screened_on": ["2023-02-01", "2023-03-01"]}
    >>> cut(read_trial({"subjects": subjects}), "2023-02-14").subjects["subject_id"].tolist()
    ['1']
    """

    try:
        moment: Any = pd.Timestamp(on)
        day: Any = moment.normalize()
    except (ValueError, TypeError, AttributeError):  # an unknown day has no day to it
        raise DataError(f"the data cut {on!r} is not a day, year-month-day") from None
    outcomes = trial.outcomes
    if len(outcomes) and outcomes["observed_on"].isna().all() and trial.subjects["randomized_on"].isna().all():
        raise DataError(f"{trial.name}: neither randomizations nor outcomes have a day, so they cannot be cut at one")
    findings: list[Finding] = []
    tables, keep = {}, {}
    for name, frame in trial.tables.items():
        later = frame[DATED[name]] > day
        if name == "doses":  # a dose that was due counts as due, given or not
            later = (frame["planned_on"] > day).where(frame["planned_on"].notna(), later) & ~(frame["dosed_on"] <= day)
        keep[name] = ~later
    present = trial.subjects.loc[keep["subjects"], "subject_id"]
    known = _known(trial, day)
    for name, frame in trial.tables.items():
        kept = keep[name] & frame["subject_id"].isin(present) & (known if name == "outcomes" else True)
        findings += finding_for(name, DATED[name], f"not known on {day.date()}", frame, ~kept, "left out")
        tables[name] = _forgotten(name, frame[kept].reset_index(drop=True), day)
    result = replace(trial, **tables, cut_on=day.date())
    states = endpoint_states(result.subjects, result.outcomes, trial.endpoint, trial.window, day)
    findings += missing_parts(tables, trial.absent, trial.arms, states)
    before = trial.findings[~trial.findings["action"].isin(["nothing to show", "no comparison"])]
    before = before[before["problem"] != "the primary endpoint is missing"]
    return replace(result, findings=findings_frame([*before.to_dict("records"), *findings]))


def _known(trial: TrialTables, day: Any) -> Frame:
    """Which outcomes were known: a primary endpoint that did not happen needs its whole window."""

    frame = trial.outcomes
    entered = trial.subjects.drop_duplicates("subject_id").set_index("subject_id")["randomized_on"]
    closes = entered.reindex(frame["subject_id"]).set_axis(frame.index) + pd.Timedelta(days=trial.window or 0)
    dated, passed = frame["observed_on"].notna(), closes <= day
    waits = (frame["endpoint"] == trial.endpoint) & (frame["value"] == 0) & (trial.window is not None)
    return (dated & (~waits | passed)) | (~dated & passed)


def _forgotten(name: str, frame: Frame, day: Any) -> Frame:
    """The same rows without what came later, and without what hangs on it."""
    hangs = {
        "randomized_on": ("stratum", "arm", "kit"),
        "dosed_on": ("amount", "unit", "reason"),
        "ended_on": ("outcome",),
    }
    for column in frame.select_dtypes("datetime").columns:
        later = frame[column] > day
        for other in (column, *(other for other in hangs.get(column, ()) if other in frame)):
            frame[other] = frame[other].mask(later)
        if column == "randomized_on":
            frame["randomized"] = frame["randomized"] & ~later
    return frame


def pool(trial: Trial) -> Trial:
    """The same trial without anything that tells an arm: what an open report may be made of.

    Gone are the arm, kits, amounts and reasons of doses, extra columns whose name speaks of treatment, findings on any
    of these, and the hashes of files, in which they stand. Rows are put in the order of the subjects, so that the order
    of a file tells nothing. What goes does not depend on the arms: permuting them changes nothing here.

    >>> from trialtools.interim.data import read_trial
    >>> subjects = {"subject_id": ["1"], "arm": ["a"], "ACTARM": ["A"], "age": ["71"]}
    >>> trial = pool(read_trial({"subjects": subjects}))
    >>> "arm" in trial.subjects, "ACTARM" in trial.subjects
    (False, False)
    """
    tables = {}
    for name, frame in trial.tables.items():
        documented = [column for column in TABLES[name] if column not in HIDDEN.get(name, ())]
        extra = [column for column in frame if column not in TABLES[name] and not ARM_WORDS.search(column)]
        kept = frame[[*documented, *extra]]
        tables[name] = kept.sort_values("subject_id", kind="stable", ignore_index=True)
    gone = [
        column not in tables[table] and column != "" for table, column in trial.findings[["table", "column"]].values
    ]
    findings = trial.findings[[not hidden for hidden in gone]].reset_index(drop=True)
    return replace(trial, **tables, findings=findings, sha256={}, arms=())
