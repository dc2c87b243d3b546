"""Typed tables go in, findings come out: what cannot be true of one trial, and what is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from .findings import FATAL, KEPT, UNKNOWN, Finding, finding, finding_for
from .tables import Frame

Tables = Mapping[str, Frame]

DATED = {
    "subjects": "screened_on",
    "doses": "dosed_on",
    "events": "started_on",
    "outcomes": "observed_on",
    "disposition": "happened_on",
    "labs": "taken_on",
}
"""The day on which a row came to be known."""
MANY = 1 / 3
"""From this share of missing primary endpoints on it is a finding."""


def clear_impossible(tables: Tables) -> tuple[dict[str, Frame], list[Finding]]:
    """The tables without ends that lie before their beginnings: a duration is never negative."""
    events = tables["events"]
    wrong = events["ended_on"] < events["started_on"]
    findings = finding_for("events", "ended_on", "ended before it started", events, wrong, UNKNOWN)
    return {**tables, "events": events.assign(ended_on=events["ended_on"].mask(wrong))}, findings


def contradictions(
    tables: Tables, arms: Iterable[str], endpoint: str | None, window: int | None = None
) -> Iterator[Finding]:
    """What the tables say against each other; with an arm that there is not, and rows of nobody, it cannot go on.

    Args:
        tables: typed, see `tables.TABLES`.
        arms: ids that an arm can have; empty where nobody said.
        endpoint: the primary one; `window` the days after randomization in which it counts.
    """
    subjects, arms = tables["subjects"], tuple(arms)
    if arms:
        unknown = subjects["arm"].notna() & ~subjects["arm"].isin(arms)
        yield from finding_for("subjects", "arm", f"no such arm; known are {', '.join(arms)}", subjects, unknown, FATAL)
    for name in (name for name in tables if name != "subjects"):
        rows = tables[name]
        lost = ~rows["subject_id"].isin(subjects["subject_id"])
        yield from finding_for(name, "subject_id", "no such subject in subjects", rows, lost, FATAL)
        if name in ("doses", "outcomes"):
            outside = ~lost & ~rows["subject_id"].isin(subjects.loc[subjects["randomized"], "subject_id"])
            yield from finding_for(name, "subject_id", "the subject was not randomized", rows, outside, KEPT)
    yield from _entry(subjects)
    yield from _course(tables)
    yield from _in_time(tables["outcomes"], subjects, endpoint, window)
    yield from _repeated(tables["outcomes"], endpoint)


def _entry(subjects: Frame) -> Iterator[Finding]:
    entered = subjects["randomized"]
    told = (
        ("decision", "randomized without the decision eligible", entered & ~(subjects["decision"] == "eligible"), KEPT),
        ("randomized_on", "randomized before screening", subjects["randomized_on"] < subjects["screened_on"], KEPT),
        ("randomized_on", "randomized, but the day is not known", entered & subjects["randomized_on"].isna(), KEPT),
        ("infected_on", "infected after screening", subjects["infected_on"] > subjects["screened_on"], KEPT),
        ("arm", "randomized, but the arm is not known", _unarmed(subjects), "in no arm's count"),
    )
    for column, problem, hit, action in told:
        yield from finding_for("subjects", column, problem, subjects, hit, action)
    if "kit" in subjects:
        shared = subjects["kit"].notna() & subjects.duplicated("kit", keep=False)
        yield from finding_for("subjects", "kit", "one kit for several subjects", subjects, shared, FATAL)


def _unarmed(subjects: Frame) -> Frame:
    """Nobody lacks an arm where no arm is shown."""
    return subjects["randomized"] & subjects["arm"].isna() & subjects["arm"].notna().any()


def _course(tables: Tables) -> Iterator[Finding]:
    """Days of treatment and follow-up that contradict randomization or death."""
    doses, ends = tables["doses"], tables["disposition"]
    early = doses["dosed_on"] < _looked_up(doses, tables["subjects"], "randomized_on")
    yield from finding_for("doses", "dosed_on", "dosed before randomization", doses, early, KEPT)
    yield from finding_for("doses", "amount", "a negative amount", doses, doses["amount"] < 0, KEPT)
    for name in ("doses", "events"):  # a file joined to itself would count everything twice
        rows = tables[name]
        yield from finding_for(name, "subject_id", "the same row twice", rows, rows.duplicated(), KEPT)
    deaths = ends[ends["milestone"] == "died"]
    yield from finding_for(
        "disposition", "milestone", "died twice", deaths, deaths.duplicated("subject_id"), "counted once"
    )
    for name in ("doses", "events", "outcomes", "labs"):
        late = tables[name][DATED[name]] > _looked_up(tables[name], deaths, "happened_on")
        yield from finding_for(name, DATED[name], "after the death of the subject", tables[name], late, KEPT)
    out = ends[ends["milestone"].isin(["completed", "withdrew", "lost", "died"])]
    both = out.duplicated("subject_id", keep=False) & (out["milestone"] == "completed")
    yield from finding_for("disposition", "milestone", "completed, and died, withdrew or lost too", out, both, KEPT)


def _in_time(outcomes: Frame, subjects: Frame, endpoint: str | None, window: int | None) -> Iterator[Finding]:
    """An outcome belongs to the days after randomization, and the primary one to its window."""

    after = outcomes["observed_on"] - _looked_up(outcomes, subjects, "randomized_on")
    early = after < pd.Timedelta(0)
    yield from finding_for("outcomes", "observed_on", "observed before randomization", outcomes, early, KEPT)
    if window is not None:
        late = (outcomes["endpoint"] == endpoint) & (outcomes["value"] == 1) & (after > pd.Timedelta(days=window))
        yield from finding_for(
            "outcomes", "observed_on", f"happened after its window of {window} days", outcomes, late, KEPT
        )


def _looked_up(rows: Frame, table: Frame, column: str) -> Frame:
    """For each row the value of its subject in another table; the first where there are several."""
    known = table.drop_duplicates("subject_id").set_index("subject_id")[column]
    return known.reindex(rows["subject_id"]).set_axis(rows.index)


def _repeated(outcomes: Frame, endpoint: str | None) -> Iterator[Finding]:
    keys = ["subject_id", "endpoint", "observed_on"]
    twice = outcomes.duplicated(keys, keep=False)
    differ = twice & (outcomes.groupby(keys, dropna=False)["value"].transform("nunique") > 1)
    yield from finding_for("outcomes", "value", "two values on one day", outcomes, differ, FATAL)
    yield from finding_for("outcomes", "value", "the same value twice", outcomes, twice & ~differ, "counted once")
    primary = (outcomes["endpoint"] == endpoint) & outcomes["value"].notna() & ~outcomes.duplicated(keys)
    several = primary & outcomes.where(primary).duplicated(["subject_id", "endpoint"], keep=False)
    yield from finding_for(
        "outcomes", "value", "the primary endpoint more than once", outcomes, several & ~differ, FATAL
    )


def missing_parts(tables: Tables, absent: Iterable[str], arms: Iterable[str], states: Frame) -> Iterator[Finding]:
    """What is not there: a table, an event, anybody in an arm, outcomes that are due.

    Args:
        tables, arms: as for `contradictions`.
        absent: tables that were not collected.
        states: see `endpoint_states`.
    """
    subjects, absent = tables["subjects"], tuple(absent)
    n = len(subjects)
    for name in (name for name, rows in tables.items() if rows.empty):
        yield finding(name, "", "not collected" if name in absent else f"no {name} at all", n, n, "", "nothing to show")
    for arm in arms if subjects["arm"].notna().any() else ():
        if not (subjects["arm"] == arm).any():
            yield finding("subjects", "arm", "nobody in this arm", n, n, arm, "no comparison")
    missing, due = states[states["state"] == "missing"], int((states["state"] != "pending").sum())
    if len(missing) and "outcomes" not in absent and len(missing) >= MANY * due:
        first = ", ".join(missing["subject_id"].head(3))
        yield finding("outcomes", "value", "the primary endpoint is missing", len(missing), due, first, KEPT)


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
        state = state.mask(states["randomized_on"] + pd.Timedelta(days=window) > pd.Timestamp(on), "pending")
    return states.assign(state=state.mask(states["value"].notna(), "observed"))
