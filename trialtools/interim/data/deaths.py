"""Events and disposition go in; every death comes out once, with where it is known from and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...criteria.expressions import WRITTEN
from .dates import earliest, latest
from .tables import Frame, finding_for

_EVENTS = "events"
"""The source of a death that only a fatal event tells."""
SPEAKS_OF_DEATH = (
    r"(?i)death|mortal|\bdied|\bdead\b|fatal|deceas|lethal|exitus|\btod\b|todesfall|gestorben|verstorben|\bd[ée]c[èée]d|d[ée]c[èe]s|"
    r"\bmort|muert|fallec|[óo]bito|zgon|overleden|死亡|смерт|умер"
)
"""In the words of several languages; whatever is meant must be declared."""
UNSURE_DEATH = "speaks of death, but is no word for it"
"""The problem of a text that may tell a death and is not counted as one: page 1 has it too."""
_REPORT = ["subject_id", "happened_on", "happened_on" + WRITTEN, "reason", "source"]


def is_fatal(events: Frame) -> Frame:
    """Which events were deaths: by their grade, or by how they ended, for AESEV has no fifth grade."""
    return (events["severity"] == 5).fillna(False).astype(bool) | (events["outcome"] == "fatal")


def merge_deaths(tables: Mapping[str, Frame]) -> tuple[dict[str, Frame], list[DataFinding]]:
    """The tables with one row `died` in `disposition` for every subject who died in any source; and conflicts.

    `source` names all that tell it: disposition (in SDTM, DS and DM), events. The day and the reason are those of the
    first that has them; a fatal event has the day on which it ended. What only events told is worked out anew.
    """
    events, ends = tables["events"], tables["disposition"]
    ends = ends[~((ends["milestone"] == "died") & (ends["source"] == _EVENTS))]
    own = ends[ends["milestone"] == "died"]
    by_event = events[is_fatal(events)].drop(columns="reason", errors="ignore")
    names = {"ended_on": "happened_on", "ended_on" + WRITTEN: "happened_on" + WRITTEN, "term": "reason"}
    both = own.fillna({"source": "disposition"}), by_event.assign(source=_EVENTS).rename(columns=names)
    reports = pd.concat([rows.reindex(columns=_REPORT) for rows in both], ignore_index=True)
    happened = tables["outcomes"][tables["outcomes"]["value"] == 1]
    conflicts = list(_conflicts(reports, own, {**tables, "disposition": ends}, happened))
    if reports.empty:
        return {**tables, "disposition": ends.reset_index(drop=True)}, conflicts
    each = reports.groupby("subject_id", sort=False)
    sources = each["source"].agg(lambda names: ", ".join(dict.fromkeys(", ".join(names).split(", "))))
    deaths = each.first().assign(milestone="died", source=sources)
    deaths["happened_on" + WRITTEN] = deaths["happened_on" + WRITTEN].mask(deaths["happened_on"].notna()).astype("str")
    extra = own.drop_duplicates("subject_id").set_index("subject_id").drop(columns=deaths.columns, errors="ignore")
    deaths = deaths.join(extra).reset_index().dropna(axis="columns", how="all")
    merged = pd.concat([ends[ends["milestone"] != "died"], deaths], ignore_index=True)
    merged = merged[[*ends.columns, *(name for name in deaths if name not in ends)]]
    return {**tables, "disposition": merged}, conflicts


def _conflicts(reports: Frame, own: Frame, tables: Mapping[str, Frame], happened: Frame) -> Iterator[DataFinding]:
    """What the sources of deaths say against each other, and what may be a death without saying so."""
    events = tables["events"]
    twice = own.duplicated(["subject_id", "source"])
    yield from finding_for("disposition", "milestone", "died twice", own, twice, "counted once")
    yield from _two_days(reports) if len(reports) else ()
    alone = is_fatal(events) & ~events["subject_id"].isin(own["subject_id"])
    problem = "a fatal event of somebody whose death is not in disposition"
    yield from finding_for("events", "outcome", problem, events, alone, "counted as a death")
    survived = (events["severity"] == 5).fillna(False) & events["outcome"].notna() & (events["outcome"] != "fatal")
    problem = "grade 5 is fatal, the outcome is not"
    yield from finding_for("events", "outcome", problem, events, survived, "counted as a death")
    action = "not counted as a death"
    for name, column, rows in (
        ("events", "outcome", events),
        ("events", "term", events),
        ("disposition", "reason", tables["disposition"]),
        ("outcomes", "endpoint", happened),
    ):
        if rows.empty:
            continue
        speaks = rows[column].str.contains(SPEAKS_OF_DEATH, na=False) & ~rows["subject_id"].isin(reports["subject_id"])
        yield from finding_for(name, column, UNSURE_DEATH, rows, speaks, action)


def _two_days(reports: Frame) -> list[DataFinding]:
    """Deaths with different days in two sources."""
    first, last = (bound(reports, "happened_on").groupby(reports["subject_id"]) for bound in (earliest, latest))
    parts = reports["happened_on" + WRITTEN].astype("str")
    days = reports["happened_on"].dt.strftime("%Y-%m-%d").astype("str").fillna(parts)
    days = reports.assign(happened_on=days).dropna(subset="happened_on").drop_duplicates(["subject_id", "happened_on"])
    written = days.groupby("subject_id", as_index=False)["happened_on"].agg(" or ".join)
    two = written["subject_id"].map(first.max() > last.min()).astype(bool)
    return finding_for("disposition", "happened_on", "two days of death", written, two, "the first one counts")
