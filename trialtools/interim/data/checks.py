"""Typed tables go in, findings come out: what cannot be true of one trial, and what is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from ...cohort.sources.checks import DataFinding
from .dates import blank, earliest, latest
from .outcomes import Primary, closes, entry, known_rows, of_each
from .tables import FATAL, KEPT, READ_AS_UNKNOWN, Frame, belongs_to, finding, finding_for

_Tables = Mapping[str, Frame]

DATED = {
    "subjects": "screened_on",
    "doses": "dosed_on",
    "events": "started_on",
    "outcomes": "observed_on",
    "disposition": "happened_on",
    "labs": "taken_on",
}
"""The day on which a row came to be known."""
_UNDATED = {
    "subjects": "counted at every cut",
    "doses": "in no count of doses given",
    "events": "counted as after randomization",
    "outcomes": "counted, but in no curve",
    "disposition": "counted; the end of follow-up is unknown",
    "labs": "left out of weeks and peaks",
}
"""What becomes of a row of which not even a part of that day is known."""
_NO_ADVERSE_EVENT = "in no count of adverse events"
_OF_RANDOMIZED = {"doses": KEPT, "outcomes": KEPT, "events": _NO_ADVERSE_EVENT}
"""Tables of which only rows of randomized subjects are counted, and what becomes of the others."""
_MANY = 1 / 3
"""From this share of missing primary endpoints on it is a finding."""


def clear_impossible(tables: _Tables) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables without days that cannot be: ends before their beginnings, and what nobody can have seen yet.

    A day of screening or randomization that lies in the future stays: the cut holds it against what came after.
    """
    events = tables["events"]
    wrong = latest(events, "ended_on") < earliest(events, "started_on")
    findings = finding_for("events", "ended_on", "ended before it started", events, wrong, READ_AS_UNKNOWN)
    cleared = {**tables, "events": blank(events, "ended_on", wrong)}
    tomorrow = pd.Timestamp.today().normalize() + pd.Timedelta(days=1)  # it is that already in the east
    for name, column in (*DATED.items(), ("subjects", "randomized_on")):
        ahead = earliest(cleared[name], column) > tomorrow
        action = "in no cut" if name == "subjects" else READ_AS_UNKNOWN
        findings += finding_for(name, column, "a day in the future", cleared[name], ahead, action)
        if name != "subjects":
            cleared[name] = blank(cleared[name], column, ahead)
    return cleared, findings


def contradictions(tables: _Tables, arms: Iterable[str], primary: Primary) -> Iterator[DataFinding]:
    """What the tables say against each other; it stops at an arm that does not exist and at rows without a subject.

    Args:
        tables: typed, see `tables.TABLES`.
        arms: ids that an arm can have; empty where nobody said.
        primary: endpoint; a measurement has its baseline before randomization, and rows of several days.
    """
    subjects, arms = tables["subjects"], tuple(arms)
    if arms:
        unknown = subjects["arm"].notna() & ~subjects["arm"].isin(arms)
        yield from finding_for("subjects", "arm", f"no such arm; known are {', '.join(arms)}", subjects, unknown, FATAL)
    for name, rows in tables.items():
        if name == "subjects" or rows.empty:
            continue
        lost = ~belongs_to(rows, subjects["subject_id"])
        yield from finding_for(name, "subject_id", "no such subject in subjects", rows, lost, FATAL)
        if name in _OF_RANDOMIZED:
            outside = ~lost & ~belongs_to(rows, subjects.loc[subjects["randomized"], "subject_id"])
            action = _OF_RANDOMIZED[name]
            yield from finding_for(name, "subject_id", "the subject was not randomized", rows, outside, action)
    yield from _entry(subjects)
    yield from _course(tables)
    yield from _rows_without_day(tables)
    yield from _early_outcomes(tables["outcomes"], subjects, primary)
    yield from _repetitions(tables["outcomes"], primary.name if primary.kind == "binary" else None)
    yield from _lost_from_sight(tables, primary.name) if primary.kind == "time_to_event" else ()


def _entry(subjects: Frame) -> Iterator[DataFinding]:
    entered, infected = subjects["randomized"], earliest(subjects, "infected_on")
    last_entry = latest(subjects, "randomized_on")
    armless = entered & subjects["arm"].isna() & subjects["arm"].notna().any()  # nobody, where no arm is shown
    for column, problem, hit, action in (
        ("decision", "randomized without the decision eligible", entered & ~(subjects["decision"] == "eligible"), KEPT),
        ("randomized_on", "randomized before screening", last_entry < earliest(subjects, "screened_on"), KEPT),
        ("randomized_on", "randomized, but the day is not known", entered & subjects["randomized_on"].isna(), KEPT),
        ("infected_on", "infected after screening", infected > latest(subjects, "screened_on"), KEPT),
        ("arm", "randomized, but the arm is not known", armless, "in no arm's count"),
    ):
        yield from finding_for("subjects", column, problem, subjects, hit, action)
    if "kit" in subjects:
        shared = subjects["kit"].notna() & subjects.duplicated("kit", keep=False)
        yield from finding_for("subjects", "kit", "one kit for several subjects", subjects, shared, FATAL)


def _course(tables: _Tables) -> Iterator[DataFinding]:
    """Days of treatment and follow-up that contradict randomization or death."""
    doses, ends, subjects = tables["doses"], tables["disposition"], tables["subjects"]
    early = latest(doses, "dosed_on") < entry(doses, subjects)
    yield from finding_for("doses", "dosed_on", "dosed before randomization", doses, early, KEPT)
    yield from finding_for("doses", "amount", "a negative amount", doses, doses["amount"] < 0, KEPT)
    events = tables["events"]
    termless = events["term"].isna() & events["term"].notna().any()  # nobody's, where the column is not there
    early = latest(events, "started_on") < entry(events, subjects)
    yield from finding_for("events", "started_on", "started before randomization", events, early, _NO_ADVERSE_EVENT)
    yield from finding_for("events", "term", "no term", events, termless, "counted, but under no term")
    for name, keys in _ONCE.items():  # a file joined to itself would count everything twice
        rows = tables[name]
        same = rows.duplicated()
        yield from finding_for(name, "subject_id", "the same row twice", rows, same, KEPT)
        known = rows[~same & rows[keys].notna().all(axis="columns")]
        other = known.duplicated(["subject_id", *keys], keep=False).reindex(rows.index, fill_value=False)
        column = "amount" if name == "doses" else "term"  # an amount is hidden where arms are
        problem = "twice on one day, told differently"
        yield from finding_for(name, column, problem, rows, other, "each counted")
    labs = tables["labs"]
    yield from finding_for("labs", "subject_id", "the same row twice", labs, labs.duplicated(), KEPT)
    deaths = ends[ends["milestone"] == "died"]
    dead = latest(deaths, "happened_on").set_axis(deaths["subject_id"])
    before = latest(ends, "happened_on") < entry(ends, subjects)
    yield from finding_for("disposition", "happened_on", "ended before randomization", ends, before, KEPT)
    for name in ("doses", "events", "outcomes", "labs", "disposition"):
        rows = tables[name] if name != "disposition" else ends[ends["milestone"] != "died"]
        late = earliest(rows, DATED[name]) > of_each(rows, dead)
        yield from finding_for(name, DATED[name], "after the death of the subject", rows, late, KEPT)
    out = ends[ends["milestone"].isin(["completed", "withdrew", "lost", "died"])]
    both = out.duplicated("subject_id", keep=False) & (out["milestone"] == "completed")
    both &= out.groupby("subject_id")["milestone"].transform("nunique") > 1
    yield from finding_for("disposition", "milestone", "completed, and died, withdrew or lost too", out, both, KEPT)
    left = out[out["milestone"] != "died"]
    several = left.duplicated("subject_id", keep=False) & ~left["subject_id"].isin(out.loc[both, "subject_id"])
    yield from finding_for("disposition", "milestone", "left more than once", left, several, "the first day counts")


_ONCE = {"doses": ["dosed_on"], "events": ["term", "started_on"]}
"""What tells two rows of a table from each other, beside whose they are."""


def _rows_without_day(tables: _Tables) -> Iterator[DataFinding]:
    """Rows without their day, in tables in which others have one."""
    for name, column in DATED.items():
        rows = tables[name]
        lost = earliest(rows, column).isna()
        if name == "doses":
            lost &= earliest(rows, "planned_on").isna()
        if name == "outcomes":
            lost &= rows["value"].notna()
        if not lost.all():
            yield from finding_for(name, column, "no day", rows, lost, _UNDATED[name])


def _early_outcomes(outcomes: Frame, subjects: Frame, primary: Primary) -> Iterator[DataFinding]:
    """An outcome belongs to the days after randomization; only the baseline of a measurement does not."""
    early = outcomes["value"].notna() & (latest(outcomes, "observed_on") < closes(outcomes, subjects, 0))
    if primary.kind in ("continuous", "ordinal"):
        early &= outcomes["endpoint"] != primary.name
    yield from finding_for("outcomes", "observed_on", "observed before randomization", outcomes, early, KEPT)


def _lost_from_sight(tables: _Tables, endpoint: str | None) -> Iterator[DataFinding]:
    """Who left on a day that is not known, without a row of the time to an event: nobody knows how long they stayed."""
    ends, outcomes = tables["disposition"], tables["outcomes"]
    own = outcomes.loc[known_rows(outcomes, endpoint), "subject_id"]
    hit = ends["milestone"].isin(["withdrew", "lost", "died"]) & ends["happened_on"].isna()
    problem = "left without a row of the endpoint, on a day that is not known"
    hit &= ~ends["subject_id"].isin(own)
    yield from finding_for("disposition", "happened_on", problem, ends, hit, "not followed at all in the analysis")


def _repetitions(outcomes: Frame, endpoint: str | None) -> Iterator[DataFinding]:
    keys = ["subject_id", "endpoint", "observed_on"]
    twice = outcomes.duplicated(keys, keep=False)
    differ = twice & (outcomes.groupby(keys, dropna=False)["value"].transform("nunique") > 1)
    yield from finding_for("outcomes", "value", "two values on one day", outcomes, differ, FATAL)
    yield from finding_for("outcomes", "value", "the same value twice", outcomes, twice & ~differ, "counted once")
    once = known_rows(outcomes, endpoint) & ~outcomes.duplicated(keys)
    several = once & outcomes.where(once).duplicated(["subject_id", "endpoint"], keep=False)
    yield from finding_for(
        "outcomes", "value", "the primary endpoint more than once", outcomes, several & ~differ, FATAL
    )


def missing_parts(tables: _Tables, absent: Iterable[str], arms: Iterable[str], states: Frame) -> Iterator[DataFinding]:
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
    if len(missing) and "outcomes" not in absent and len(missing) >= _MANY * due:
        first = ", ".join(missing["subject_id"].head(3))
        yield finding("outcomes", "value", "the primary endpoint is missing", len(missing), due, first, KEPT)
