"""Subjects and outcomes go in; what is known of each about the primary endpoint comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...cohort.sources.checks import DataFinding
from .dates import blank, earliest, latest
from .names import plain_name, plain_names
from .tables import FATAL, READ_AS_UNKNOWN, Frame, finding, finding_for
from .words import UNSAID


@dataclass(frozen=True)
class Primary:
    """The primary endpoint of these data: its name in them, None where it is not there, and how it counts.

    `window` is its last day after randomization, `visit` the first and the last day on which it may be seen instead.
    """

    name: str | None
    kind: str = "binary"
    window: int | None = None
    visit: tuple[int, int] | None = None


def of_each(rows: Frame, known: Frame) -> Frame:
    """For each row what is known of its subject, the first where there are several; `known` is by subject_id."""
    return known[~known.index.duplicated()].reindex(rows["subject_id"]).set_axis(rows.index)


def known_rows(outcomes: Frame, endpoint: str | None) -> Frame:
    """Which outcomes are of an endpoint and have a value."""
    return (outcomes["endpoint"] == endpoint) & outcomes["value"].notna()


def entry(rows: Frame, subjects: Frame, bound: Callable[[Frame, str], Frame] = earliest) -> Frame:
    """For each row the first day on which its subject can have been randomized, or the last."""
    return of_each(rows, bound(subjects, "randomized_on").set_axis(subjects["subject_id"]))


def closes(rows: Frame, subjects: Frame, window: int) -> Frame:
    """For each row the first day on which the window of its subject can have passed."""
    return entry(rows, subjects) + pd.Timedelta(days=window)


def check_primary(outcomes: Frame, primary: Primary, declared: str) -> list[DataFinding]:
    """That the declared endpoint is there; and that one which happens or not is 1 or 0, for 2 could mean either."""
    others = ", ".join(outcomes["endpoint"].dropna().unique()[:3])
    if primary.name is None:
        n, problem = len(outcomes), f"the primary endpoint '{declared}' is not among them"
        return [finding("outcomes", "endpoint", problem, n, n, others, "no effect is shown")] if n else []
    own = known_rows(outcomes, primary.name) & (primary.kind in ("binary", "time_to_event"))
    odd, problem = own & ~outcomes["value"].isin([0, 1]), f"neither 1 nor 0, though {primary.name} happens or not"
    return finding_for("outcomes", "value", problem, outcomes, odd, FATAL)


def censor(outcomes: Frame, endpoint: str | None, day: Any) -> tuple[Frame, list[DataFinding]]:
    """The outcomes of a time to an event as they stood on a day: who is known of later was without it on that day."""
    later = known_rows(outcomes, endpoint) & (earliest(outcomes, "observed_on") > day)
    problem, action = f"known of a later day than {day.date()}", "followed without the event up to that day"
    findings = finding_for("outcomes", "observed_on", problem, outcomes, later, action)
    outcomes = blank(outcomes, "observed_on", later)
    censored = {"value": outcomes["value"].mask(later, 0.0), "observed_on": outcomes["observed_on"].mask(later, day)}
    return outcomes.assign(**censored), findings


def after_day(outcomes: Frame, subjects: Frame, endpoint: str | None, window: int | None) -> Frame:
    """Which rows of the primary endpoint were surely seen after its last day."""
    last = entry(outcomes, subjects, latest) + pd.Timedelta(days=window or 0)
    return known_rows(outcomes, endpoint) & (window is not None) & (earliest(outcomes, "observed_on") > last)


def clear_outside(outcomes: Frame, subjects: Frame, primary: Primary) -> tuple[Frame, list[DataFinding]]:
    """The outcomes without those primary ones that were seen too early to say anything, or outside the visit window.

    What happened before randomization is no outcome of it. Of yes or no, an event counts from its day on; that there
    was none is seen when the window has passed, or in that of the visit. Of a measurement, or ordered levels, what is
    seen up to the day of randomization is the baseline. What came after the last day stays, to be told: an event by
    day 28 is none that happened on day 35, for the day is part of the variable (ICH E9(R1), A.3.3).
    """
    kind, window, visit = primary.kind, primary.window, primary.visit
    own, entered = known_rows(outcomes, primary.name), entry(outcomes, subjects, latest)
    first_day, last_day = earliest(outcomes, "observed_on"), latest(outcomes, "observed_on")
    hits, late_findings = [], []
    if kind in ("binary", "time_to_event"):
        hits.append(("observed before randomization", own & (last_day < closes(outcomes, subjects, 0))))
        own &= ~hits[0][1]
    if kind == "binary" and window is not None:
        opens = visit[0] if visit else window
        early = own & (outcomes["value"] == 0) & (last_day < closes(outcomes, subjects, opens))
        passed = "opened" if visit else "had passed"
        hits.append((f"no event, but seen before the window of {_span(visit) or f'{window} days'} {passed}", early))
        own &= ~early
    if visit:
        outside = first_day > entered + pd.Timedelta(days=visit[1])
        if kind != "binary":
            outside |= (first_day > entered) & (last_day < closes(outcomes, subjects, visit[0]))
        hits.append((f"seen outside the visit window of {_span(visit)}", own & outside))
    else:
        problem, action = _LATE.get(kind, _LATE_VALUE)
        happened = (outcomes["value"] == 1) | (kind not in _LATE)
        late = own & happened & after_day(outcomes, subjects, primary.name, window)
        late_findings = finding_for("outcomes", "observed_on", problem.format(window), outcomes, late, action)
    findings, none = late_findings, pd.Series(False, index=outcomes.index)
    for problem, hit in hits:
        findings += finding_for("outcomes", "observed_on", problem, outcomes, hit, READ_AS_UNKNOWN)
        none |= hit
    return outcomes.assign(value=outcomes["value"].mask(none)), findings


_LATE = {
    "binary": ("happened after day {}", "no event by that day; a visit that may be later is declared as a window"),
    "time_to_event": ("happened after day {}", "followed without the event up to that day"),
}
_LATE_VALUE = ("seen after day {}", "not used")
"""By kind, an event that came after the last day of the endpoint, and what becomes of it; a measurement or a level."""


def _span(visit: tuple[int, int] | None) -> str:
    return f"days {visit[0]} to {visit[1]}" if visit else ""


def rank_levels(outcomes: Frame, endpoint: str | None, levels: Sequence[str]) -> tuple[Frame, list[DataFinding]]:
    """The outcomes with the levels of an ordinal endpoint as numbers; what is no level is unknown, and counted.

    Args:
        outcomes: texts, as they were handed in.
        endpoint: the primary one.
        levels: as the design declares them, the best first; levels that are numbers stay as they are, words become
            their place from 1 on, which is understood in their stead too.
    """
    if not levels or "value" not in outcomes:
        return outcomes, []
    text = plain_names(outcomes["value"].astype("str").str.removesuffix(".0"))
    places = dict(zip(map(plain_name, levels), _numbers(levels), strict=True))
    places |= {number: number for number in _numbers(levels)}
    own = (plain_names(outcomes["endpoint"]) == plain_name(endpoint or "")) & outcomes["value"].notna()
    ranks = text.map(places)
    odd = own & ranks.isna() & ~text.isin(UNSAID)
    problem = f"no such level; known are {', '.join(levels)}"
    findings = finding_for("outcomes", "value", problem, outcomes, odd, READ_AS_UNKNOWN)
    return outcomes.assign(value=outcomes["value"].mask(own, ranks).astype("str")), findings


def _numbers(levels: Sequence[str]) -> list[str]:
    """What stands for each level in the tables."""
    return (
        list(levels) if all(level.isdigit() for level in levels) else [str(place + 1) for place in range(len(levels))]
    )


def places_of(value: Frame, levels: Sequence[str]) -> Frame:
    """The levels in a typed column by their place, 1 for the best."""
    return value.map({float(number): float(place) for place, number in enumerate(_numbers(levels), start=1)})


def _primary_values(subjects: Frame, outcomes: Frame, endpoint: str | None, window: int | None, kind: str) -> Frame:
    """What is known of each subject about the primary endpoint, in one row: subject_id, value, observed_on, baseline.

    Args:
        subjects, outcomes, endpoint, window: as for `endpoint_states`.
        kind: of yes or no there is one row. Of a time to an event the first event counts, else the last day without. Of
            a measurement, and of ordered levels, the last one after the day of randomization that lies in the window;
            the last one up to that day is the baseline.
    """
    columns = ["subject_id", "value", "observed_on"]
    rows = outcomes.loc[known_rows(outcomes, endpoint), columns].assign(baseline=float("nan"))
    if kind == "binary":
        return rows.drop_duplicates("subject_id")
    if kind == "time_to_event":
        happened = rows[rows["value"] == 1].sort_values("observed_on")
        without = rows[rows["value"] != 1].sort_values("observed_on", ascending=False)
        return pd.concat([happened, without]).drop_duplicates("subject_id")
    entered = of_each(rows, subjects.set_index("subject_id")["randomized_on"])
    before = rows["observed_on"] <= entered
    after = ~before & ~(rows["observed_on"] > entered + pd.Timedelta(days=36_500 if window is None else window))
    ordered = rows.sort_values("observed_on", na_position="first")
    start, last = (
        ordered[hit.reindex(ordered.index)].drop_duplicates("subject_id", keep="last") for hit in (before, after)
    )
    return last.assign(baseline=last["subject_id"].map(start.set_index("subject_id")["value"]))


def endpoint_states(
    subjects: Frame,
    outcomes: Frame,
    endpoint: str | None,
    window: int | None = None,
    on: Any = None,
    kind: str = "binary",
) -> Frame:
    """For everybody randomized the primary endpoint: observed, missing, or pending while its window is open.

    Args:
        subjects, outcomes: typed tables.
        endpoint: the primary one; without one, nobody is in the frame.
        window: days after randomization; without one nothing is pending.
        on: the day of the data cut; without one every window has passed.
        kind: of the endpoint, see `_primary_values`.

    Returns:
        subject_id, randomized_on, value, observed_on, baseline, state. An unknown value is missing once the window has
        passed.
    """

    entered = subjects.loc[subjects["randomized"] & (endpoint is not None), ["subject_id", "randomized_on"]]
    primary = _primary_values(subjects, outcomes, endpoint, window, kind)
    states = entered.merge(primary, on="subject_id", how="left")
    state = pd.Series("missing", index=states.index, dtype="str")
    if window is not None and on is not None:
        state = state.mask(closes(states, subjects, window) > pd.Timestamp(on), "pending")
    return states.assign(state=state.mask(states["value"].notna(), "observed"))
