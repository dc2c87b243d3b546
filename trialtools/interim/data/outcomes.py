"""Subjects and outcomes go in; what is known of each about the primary endpoint comes out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .dates import earliest, latest
from .findings import UNKNOWN, Finding, finding_for
from .tables import Frame


def of_each(rows: Frame, known: Frame) -> Frame:
    """For each row what is known of its subject, the first where there are several; `known` is by subject_id."""
    return known[~known.index.duplicated()].reindex(rows["subject_id"]).set_axis(rows.index)


def closes(rows: Frame, subjects: Frame, window: int) -> Frame:
    """For each row the first day on which the window of its subject can have passed."""
    entered = earliest(subjects, "randomized_on").set_axis(subjects["subject_id"])
    return of_each(rows, entered) + pd.Timedelta(days=window)


def clear_early(
    outcomes: Frame, subjects: Frame, endpoint: str | None, window: int | None
) -> tuple[Frame, list[Finding]]:
    """The outcomes without those primary ones that say too early that nothing happened in the window."""
    if window is None:
        return outcomes, []
    none = (outcomes["endpoint"] == endpoint) & (outcomes["value"] == 0)
    early = none & (latest(outcomes, "observed_on") < closes(outcomes, subjects, window))
    problem = f"no event, but seen before the window of {window} days had passed"
    findings = finding_for("outcomes", "observed_on", problem, outcomes, early, UNKNOWN)
    return outcomes.assign(value=outcomes["value"].mask(early)), findings


def endpoint_states(
    subjects: Frame, outcomes: Frame, endpoint: str | None, window: int | None = None, on: Any = None
) -> Frame:
    """For everybody randomized the primary endpoint: observed, missing, or pending while its window is open.

    Args:
        subjects, outcomes: typed tables.
        endpoint: the primary one; without one, nobody is in the frame.
        window: days after randomization; without one nothing is pending.
        on: the day of the data cut; without one every window has passed.

    Returns:
        subject_id, randomized_on, value, observed_on, state. An unknown value is missing once the window has passed.
    """

    entered = subjects.loc[subjects["randomized"] & (endpoint is not None), ["subject_id", "randomized_on"]]
    primary = outcomes.loc[outcomes["endpoint"] == endpoint, ["subject_id", "value", "observed_on"]]
    primary = primary[primary["value"].notna()].drop_duplicates("subject_id")
    states = entered.merge(primary, on="subject_id", how="left")
    state = pd.Series("missing", index=states.index, dtype="str")
    if window is not None and on is not None:
        state = state.mask(closes(states, subjects, window) > pd.Timestamp(on), "pending")
    return states.assign(state=state.mask(states["value"].notna(), "observed"))
