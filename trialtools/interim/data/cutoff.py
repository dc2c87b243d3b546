"""Trial data go in; what was known on a day comes out, or what may be seen while the arms are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...criteria.expressions import WRITTEN
from ...criteria.protocol import DataError
from .checks import DATED, missing_parts
from .dates import blank, earliest, latest
from .deaths import is_fatal, merge_deaths
from .outcomes import censor, closes, endpoint_states
from .tables import HIDDEN, TABLES, Frame, TrialTables, belongs_to, finding_for, findings_frame

_ARM_WORDS = re.compile(r"arm|trt|treat|kit|alloc|group|rand(?!omized)|blind|rx|drug|placebo", re.IGNORECASE)
"""Words in the name of an extra column that may tell an arm."""

_Trial = TypeVar("_Trial", bound=TrialTables)


def cut(trial: _Trial, on: str | date) -> _Trial:
    """What was known of a trial at the end of a day.

    Subjects screened later are left out, and so is every row dated later. A randomization, an end of an event, a dose
    or an extra day that came later is unknown. Of the primary endpoint, that it happened counts from its day on; that
    it did not, only once its window has passed. A row without a day stays, for its file was there, but an outcome
    without one waits for its window too; where that cannot be worked out it goes. All of it is counted in the findings.

    Raises:
        DataError: not a day, or a trial whose outcomes are all undated.

    >>> from trialtools.interim.data.read import read_trial
    >>> subjects = {"subject_id": ["1", "2"], "screened_on": ["2023-02-01", "2023-03-01"]}
    >>> cut(read_trial({"subjects": subjects}), "2023-02-14").subjects["subject_id"].tolist()
    ['1']
    """

    try:
        moment: Any = pd.Timestamp(on)
        day: Any = moment.normalize()
    except (ValueError, TypeError, AttributeError):  # an unknown day has no day to it
        raise DataError(f"the data cut {on!r} is not a day, year-month-day") from None
    if len(trial.outcomes) and all(
        rows[name].isna().all() for rows, name in ((trial.outcomes, "observed_on"), (trial.subjects, "randomized_on"))
    ):
        raise DataError(f"{trial.name}: neither randomizations nor outcomes have a day, so they cannot be cut at one")
    tables, findings = _without_impossible_days(trial, day)
    if trial.kind == "time_to_event":
        tables["outcomes"], censored = censor(tables["outcomes"], trial.endpoint, day)
        findings += censored
    present = tables["subjects"].loc[~_later("subjects", tables["subjects"], day), "subject_id"]
    known = _known_outcomes(trial, tables, day)
    for name, frame in tables.items():
        stays = ~_later(name, frame, day) & belongs_to(frame, present) & (known if name == "outcomes" else True)
        findings += finding_for(name, DATED[name], f"not known on {day.date()}", frame, ~stays, "left out")
        tables[name] = _forget(name, frame[stays].reset_index(drop=True), day)
    tables, _ = merge_deaths(tables)
    result = replace(trial, **tables, cut_on=day.date())
    states = endpoint_states(result.subjects, result.outcomes, trial.endpoint, trial.window, day, trial.kind)
    findings += missing_parts(tables, trial.absent, trial.arms, states)
    before = trial.findings[~trial.findings["action"].isin(["nothing to show", "no comparison"])]
    before = before[before["problem"] != "the primary endpoint is missing"]
    return replace(result, findings=findings_frame([*before.to_dict("records"), *findings]))


def _later(name: str, frame: Frame, day: Any) -> Frame:
    """The rows that came surely after a day. A dose that was due counts as due, given or not."""
    later = earliest(frame, DATED[name]) > day
    if name == "doses":
        planned = earliest(frame, "planned_on")
        later = (planned > day).where(planned.notna(), later) & ~(frame["dosed_on"] <= day)
    return later


def _without_impossible_days(trial: TrialTables, day: Any) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables without days that cannot be, and without deaths that were to come.

    Who was dosed, or had the primary endpoint observed, by the day of the cut was screened and randomized by then,
    whatever day stands there: it is typed wrong, and unknown. That an event was to be fatal was not known before.
    """
    subjects, events, ends = trial.subjects, trial.events, trial.disposition
    dosed = trial.doses.loc[trial.doses["dosed_on"] <= day, "subject_id"]
    outcomes = trial.outcomes[(trial.outcomes["endpoint"] == trial.endpoint) & (trial.outcomes["observed_on"] <= day)]
    begun = subjects["subject_id"].isin([*dosed, *(outcomes["subject_id"] if trial.kind == "binary" else ())])
    findings = []
    for name, sure in (("randomized_on", begun), ("screened_on", begun | (latest(subjects, "randomized_on") <= day))):
        wrong = sure & (earliest(subjects, name) > day)
        problem = f"{name.split('_')[0]} after {day.date()}, but dosed, observed or randomized before"
        findings += finding_for("subjects", name, problem, subjects, wrong, "counted; the day is unknown")
        subjects = blank(subjects, name, wrong)
    dying = ends.loc[(ends["milestone"] == "died") & (earliest(ends, "happened_on") > day), "subject_id"]
    alive = is_fatal(events) & events["subject_id"].isin(dying)
    return {**trial.tables, "subjects": subjects, "events": _without_later_ends(events, alive)}, findings


def _without_later_ends(events: Frame, alive: Frame) -> Frame:
    """Events without the end that they had not come to."""
    return events.assign(
        outcome=events["outcome"].mask(alive), severity=events["severity"].mask(alive & (events["severity"] == 5))
    )


def _known_outcomes(trial: TrialTables, tables: Mapping[str, Frame], day: Any) -> Frame:
    """The outcomes that were known on a day: an event from its day on, its absence once the window has passed."""
    outcomes, subjects = tables["outcomes"], tables["subjects"]
    passed = closes(outcomes, subjects, trial.window or 0) <= day
    dated = earliest(outcomes, "observed_on").notna()
    waits = (outcomes["endpoint"] == trial.endpoint) & (outcomes["value"] == 0) & (trial.window is not None)
    waits &= trial.kind == "binary"
    return (dated & (~waits | passed)) | (~dated & passed)


def _forget(name: str, frame: Frame, day: Any) -> Frame:
    """The same rows without what came later, and without what hangs on it."""
    hangs = {"randomized_on": ("stratum", "arm", "kit"), "dosed_on": ("amount", "unit", "reason")}
    if name == "events":
        frame = _without_later_ends(frame, earliest(frame, "ended_on") > day)
    for column in frame.select_dtypes("datetime").columns:
        later = earliest(frame, column) > day
        for each in (column, *hangs.get(column, ())):
            frame = blank(frame, each, later)
        if column == "randomized_on":
            frame = frame.assign(randomized=frame["randomized"] & ~later)
    return frame


def pool(trial: _Trial) -> _Trial:
    """The same trial without anything that tells an arm: what an open report may be made of.

    Gone are the arm, kits, amounts and reasons of doses, extra columns whose name speaks of treatment, findings on any
    of these, and the hashes of files, in which they stand. Rows are put in the order of the subjects, so that the order
    of a file tells nothing. What goes does not depend on the arms: permuting them changes nothing here.

    >>> from trialtools.interim.data.read import read_trial
    >>> subjects = {"subject_id": ["1"], "arm": ["a"], "ACTARM": ["A"], "age": ["71"]}
    >>> trial = pool(read_trial({"subjects": subjects}))
    >>> "arm" in trial.subjects, "ACTARM" in trial.subjects
    (False, False)
    """
    tables = {}
    for name, frame in trial.tables.items():
        hidden = {each for column in HIDDEN.get(name, ()) for each in (column, column + WRITTEN)}
        shown = [each for each in frame if each not in hidden and (each in TABLES[name] or not _ARM_WORDS.search(each))]
        tables[name] = frame[shown].sort_values("subject_id", kind="stable", ignore_index=True)
    where = trial.findings[["table", "column"]].values
    harmless = [not column or column in tables[table] for table, column in where]
    findings = trial.findings[harmless].reset_index(drop=True)
    return replace(trial, **tables, findings=findings, sha256={}, arms=())
