"""Dates of infection and of doses go in, each patient's place in the dosing window comes out, and what is left to do.

No arm is asked for or shown: a protocol whose window differs by arm is refused, for the day of a dose would tell it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.language import names
from ..criteria.patient.tree import state_by_criterion
from ..criteria.protocol import DataError, Dosing, Field

Anchor = Literal["onset_else_first_positive", "onset", "first_positive"]
Days = Literal["from_to", "up_to"]
ANCHORS: dict[Anchor, tuple[str, ...]] = {
    "onset_else_first_positive": ("onset_on", "first_positive_on"),
    "onset": ("onset_on",),
    "first_positive": ("first_positive_on",),
}
STATES = ("in window", "unknown", "early", "late", "dosed in window", "dosed out of window")
"""Where a patient may stand, the most urgent first."""
WINDOW = {
    "subject_id": "str",
    "site": "str",
    "randomized_on": "datetime64[us]",
    "anchor": "str",
    "infected_on": "datetime64[us]",
    "opens_on": "datetime64[us]",
    "closes_on": "datetime64[us]",
    "dosed_on": "datetime64[us]",
    "day": "Int64",
    "state": "str",
    "days_left": "Int64",
    "problem": "str",
}


def dosing(protocol: Protocol, days: Days = "from_to") -> Dosing | None:
    """The one dosing window of a protocol; None if its arms have none.

    Args:
        days: `from_to`, both ends included; or `up_to`, any day up to the last: the other way to read "within".

    Raises:
        DataError: no such reading, or the window differs by arm.
    """
    if days not in ("from_to", "up_to"):
        raise DataError(f"no reading '{days}' of the dosing window; from_to or up_to")
    windows = {(arm.dosing.anchor, arm.dosing.first_day, arm.dosing.last_day) for arm in protocol.arms if arm.dosing}
    if len(windows) > 1:
        raise DataError(f"{protocol.id}: the dosing window differs by arm, so the day of a dose would tell the arm")
    found = next((arm.dosing for arm in protocol.arms if arm.dosing), None)
    return replace(found, first_day=0) if found and days == "up_to" else found


def place(infected_on: date | None, on: date, window: Dosing) -> str:
    """Where a day lies: early, in window, late; unknown without a date of infection, or with one in the future.

    >>> window = Dosing("infected_on", first_day=10, last_day=15)
    >>> [place(date(2023, 1, 1), date(2023, 1, day), window) for day in (10, 11, 16, 17)]
    ['early', 'in window', 'in window', 'late']
    """
    if infected_on is None or infected_on > on:
        return "unknown"
    day = (on - infected_on).days
    return "early" if day < window.first_day else "late" if day > window.last_day else "in window"


def dosing_status(
    protocol: Protocol,
    subjects: pd.DataFrame,
    doses: pd.DataFrame | None = None,
    *,
    as_of: date,
    anchor: Anchor = "onset_else_first_positive",
    days: Days = "from_to",
) -> pd.DataFrame:
    """Where each subject stands in the dosing window on a day: one row a subject, the most urgent first.

    Columns: subject_id, site, randomized_on, anchor (the column that gave the date of infection), infected_on,
    opens_on, closes_on, dosed_on (first dose known by `as_of`), day (days from infection to the first dose, else to
    `as_of`), state (one of `STATES`), days_left (until the window closes, 0 on its last day, negative after; empty
    once dosed), problem (why the state is unknown).

    Args:
        protocol: with the window, whole days after infection.
        subjects: subject_id and, where known, site, screened_on, randomized_on, and dates of infection: onset_on and
            first_positive_on, or infected_on, which is onset, else first positive test, already.
        doses: subject_id and dosed_on; a dose dated after `as_of` is not given yet.
        as_of: the day on which one asks.
        anchor: what counts as infection, for nobody knows the day itself.
        days: `from_to` the first and last day, both included, or `up_to` the last day.

    A date that is missing, after `as_of`, after screening or after the first dose makes the state unknown.

    Raises:
        DataError: no window in the protocol, no column for the anchor, a column that holds no dates.

    >>> import pandas as pd, trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> subjects = pd.DataFrame({"subject_id": ["a", "b", "c"], "infected_on": ["2023-01-01", "2023-01-04", None]})
    >>> tt.arms.dosing_status(protocol, subjects, as_of=date(2023, 1, 14))[["subject_id", "day", "state", "days_left"]]
      subject_id   day      state  days_left
    0          a    13  in window          2
    1          b    10  in window          5
    2          c  <NA>    unknown       <NA>
    """

    window = dosing(protocol, days)
    if window is None:
        raise DataError(f"{protocol.id}: no arm has a dosing window")
    columns = _anchors(subjects, anchor, window)
    dates = {c: _dates(subjects, c) for c in ("screened_on", "randomized_on", *columns)}
    first = _first_doses(doses, as_of)
    rows = []
    for i, subject in enumerate(subjects["subject_id"].astype("str")):
        known = {name: values[i] for name, values in dates.items()}
        used = next((name for name in columns if known[name]), None)
        site = subjects["site"].iloc[i] if "site" in subjects else None
        row = {"subject_id": subject, "site": site, "randomized_on": known["randomized_on"], "anchor": used}
        infected_on = known[used] if used else None
        rows.append({**row, **_row(infected_on, known["screened_on"], first.get(subject), as_of, window)})
    frame: Any = pd.DataFrame(rows, columns=list(WINDOW)).astype(WINDOW)
    rank = frame["state"].map({state: n for n, state in enumerate(STATES)})
    by_day = frame["days_left"].where(
        frame["state"] != "late", -frame["days_left"]
    )  # of the late, the latest loss first
    order = frame.assign(rank=rank, by_day=by_day).sort_values(["rank", "by_day"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _row(infected_on: date | None, screened_on: date | None, dosed_on: date | None, as_of: date, window: Dosing) -> Any:
    problem = _problem(infected_on, screened_on, dosed_on, as_of)
    row = {"infected_on": infected_on, "dosed_on": dosed_on, "state": "unknown", "problem": problem}
    if infected_on is None or problem:
        return row
    opens, closes = (infected_on + timedelta(days=day) for day in (window.first_day, window.last_day))
    state = place(infected_on, dosed_on or as_of, window)
    if dosed_on:
        state = "dosed in window" if state == "in window" else "dosed out of window"
    left = None if dosed_on else (closes - as_of).days
    day = ((dosed_on or as_of) - infected_on).days
    return row | {"opens_on": opens, "closes_on": closes, "day": day, "state": state, "days_left": left}


def _problem(infected_on: date | None, screened_on: date | None, dosed_on: date | None, as_of: date) -> str | None:
    if infected_on is None:
        return "date of infection unknown"
    if infected_on > as_of:
        return f"infected after {as_of}"
    if screened_on and infected_on > screened_on:
        return f"infected after screening on {screened_on}"
    return f"infected after the first dose on {dosed_on}" if dosed_on and infected_on > dosed_on else None


def site_list(window: pd.DataFrame) -> pd.DataFrame:
    """Who is still to be dosed, the most urgent first, with what is to be done in words.

    Args:
        window: from `dosing_status`.

    Columns: subject_id, site, to_do, then those of the window that concern a site. Unknown dates come after the open
    windows: such a window may be closing unseen.
    """
    open_: Any = window[window["dosed_on"].isna()]
    told = open_[["state", "days_left", "opens_on", "problem"]].itertuples(index=False, name=None)
    listed = open_.assign(to_do=[_to_do(*row) for row in told])
    return listed[["subject_id", "site", "to_do", "state", "days_left", "opens_on", "closes_on"]].reset_index(drop=True)


def _to_do(state: str, left: Any, opens_on: Any, problem: Any) -> str:
    days = "" if state == "unknown" else f"{abs(left)} day" + ("" if abs(left) == 1 else "s")
    if state == "unknown":
        return f"settle the dates: {problem}"
    if state == "early":
        return f"dose from {opens_on.date()} on"
    if state == "late":
        return f"closed {days} ago"
    return "dose today, the last day" if left == 0 else f"dose within {days}"


def deviations(window: pd.DataFrame) -> pd.DataFrame:
    """Randomized or dosed subjects who deviate from the dosing window, or of whom that cannot be told.

    Args:
        window: from `dosing_status`.

    Columns: subject_id, site, deviation (dosed too early, dosed too late, not dosed in time, cannot be told), days
    (outside the window; empty where it cannot be told), infected_on, dosed_on, problem. Deviations lie between the rows
    without "cannot be told" (certain) and all rows (possible).
    """
    concerned: Any = window[window["randomized_on"].notna() | window["dosed_on"].notna()]
    concerned = concerned[concerned["state"].isin(["dosed out of window", "late", "unknown"])]
    early = (concerned["opens_on"] - concerned["dosed_on"]).dt.days
    late = (concerned["dosed_on"] - concerned["closes_on"]).dt.days
    said = {"late": "not dosed in time", "unknown": "cannot be told"}
    dosed = early.gt(0).map({True: "dosed too early", False: "dosed too late"})
    outside = early.where(early > 0, late).astype("Int64").fillna(-concerned["days_left"])
    told = concerned.assign(deviation=concerned["state"].map(said).fillna(dosed), days=outside)
    columns = ["subject_id", "site", "deviation", "days", "infected_on", "dosed_on", "problem"]
    return told[columns].sort_values(["deviation", "subject_id"], ignore_index=True)


def recheck(protocol: Protocol, then: Mapping[str, Any], now: Mapping[str, Any]) -> pd.DataFrame:
    """What became of eligibility between screening and infusion: one row a criterion, the worst change first.

    Columns: criterion, label, then, now (pass, fail, unknown), change (worse, open, better, same), because (the
    facts of the criterion that changed). Infuse only where every `now` is pass.

    Args:
        protocol: with its chosen readings.
        then: facts at screening, by field name.
        now: facts before the infusion. A fact left out is carried over only where it cannot have changed, by the
            protocol's own `change`: what never changes, and what once gained stays. All else is unknown until measured.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> changed = tt.arms.recheck(protocol, {"respiratory_rate": 22, "age": 70}, {"respiratory_rate": 31})
    >>> changed[["criterion", "then", "now", "because"]].iloc[0].tolist()
    ['I6', 'pass', 'fail', 'Respiratory rate at rest: 22/min, now 31/min']
    """

    before = protocol.facts_of(then)
    after = protocol.facts_of({name: now.get(name, _carried(protocol, name, then)) for name in {**then, **now}})
    was, is_ = state_by_criterion(protocol, before), state_by_criterion(protocol, after)
    rows = []
    for id, formula in protocol.requirements.items():
        label = protocol.criterion[id].label
        changed = [name for name in names(formula) if before[name] != after[name]]
        because = "; ".join(_said(protocol.fields[name], before[name], after[name]) for name in changed)
        rows.append((id, label, was[id], is_[id], _change(was[id], is_[id]), because))
    frame: Any = pd.DataFrame(rows, columns=["criterion", "label", "then", "now", "change", "because"])
    rank = frame["change"].map({change: n for n, change in enumerate(("worse", "open", "better", "same"))})
    return frame.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)


def _carried(protocol: Protocol, name: str, then: Mapping[str, Any]) -> Any:
    field = protocol.fields.get(name)
    if field is None or field.change == "never" or (field.change == "gain" and then[name] is True):
        return then[name]
    return None


def _change(was: str, is_: str) -> str:
    if was == is_:
        return "same"
    return {"fail": "worse", "unknown": "open", "pass": "better"}[is_]


def _said(field: Field, before: Any, after: Any) -> str:
    return f"{field.label}: {field.write(before)}, now {field.write(after)}"


def _anchors(subjects: pd.DataFrame, anchor: Anchor, window: Dosing) -> list[str]:
    """The columns to look for a date of infection in, the first known one counting."""
    if anchor not in ANCHORS:
        raise DataError(f"no anchor '{anchor}' of the dosing window; {', '.join(ANCHORS)}")
    wanted = ANCHORS[anchor] + ((window.anchor,) if len(ANCHORS[anchor]) > 1 else ())
    if found := [name for name in wanted if name in subjects]:
        return found
    raise DataError(f"no column {' or '.join(wanted)} to count the days of the dosing window from")


def _dates(frame: pd.DataFrame, column: str) -> list[date | None]:
    """A column as calendar dates, None where unknown or where there is no such column.

    Raises:
        DataError: values that are no dates.
    """

    if column not in frame:
        return [None] * len(frame)
    given: Any = frame[column]
    read = pd.to_datetime(given, errors="coerce", format="%Y-%m-%d" if given.dtype == "str" else None)
    if (bad := given[given.notna() & read.isna()]).size:
        raise DataError(f"{column} holds no dates year-month-day, such as {', '.join(map(repr, bad.head(3)))}")
    return [None if pd.isna(value) else value.date() for value in read]


def _first_doses(doses: pd.DataFrame | None, as_of: date) -> dict[str, date]:
    """By subject, the first dose given by a day."""
    first: dict[str, date] = {}
    if doses is None:
        return first
    for subject, day in zip(doses["subject_id"].astype("str"), _dates(doses, "dosed_on"), strict=True):
        if day and day <= as_of:
            first[subject] = min(day, first.get(subject, day))
    return first
