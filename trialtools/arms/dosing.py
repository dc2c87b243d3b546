"""Dates of infection and of doses go in, each patient's place in the dosing window comes out, and what is left to do.

No arm is asked for or shown: a protocol whose window differs by arm is refused, for the day of a dose would tell it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.language import Interval
from ..criteria.protocol import DataError, Dosing
from ..criteria.stage import expect

_WINDOW_STATES = ("in window", "unknown", "early", "late", "dosed in window", "dosed out of window")
"""Where a patient may stand, the most urgent first."""
_WINDOW = {
    "subject_id": "str",
    "site": "str",
    "randomized_on": "datetime64[us]",
    "infected_on": "datetime64[us]",
    "opens_on": "datetime64[us]",
    "closes_on": "datetime64[us]",
    "dosed_on": "datetime64[us]",
    "day": "Int64",
    "state": "str",
    "days_left": "Int64",
    "problem": "str",
}


def dosing_window(protocol: Protocol) -> Dosing | None:
    """The one dosing window of a protocol, as its file declares it; None if its arms have none.

    Raises:
        DataError: the window differs by arm.
    """
    windows = {(arm.dosing.anchor, arm.dosing.first_day, arm.dosing.last_day) for arm in protocol.arms if arm.dosing}
    if len(windows) > 1:
        raise DataError(f"{protocol.id}: the dosing window differs by arm, so the day of a dose would tell the arm")
    return next((arm.dosing for arm in protocol.arms if arm.dosing), None)


def window_status(infected_on: date | Interval | None, on: date, window: Dosing) -> str:
    """Where a day lies: early, in window, late; unknown without a date of infection, or with one in the future.

    A date that is known in part ("2023-05") is unknown unless all its days say the same.

    >>> window = Dosing("infected_on", first_day=10, last_day=15)
    >>> [window_status(date(2023, 1, 1), date(2023, 1, day), window) for day in (10, 11, 16, 17)]
    ['early', 'in window', 'in window', 'late']
    """
    if isinstance(infected_on, Interval):
        ends = {window_status(end, on, window) for end in (infected_on.low, infected_on.high)}  # type: ignore[arg-type]
        return ends.pop() if len(ends) == 1 else "unknown"
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
) -> pd.DataFrame:
    """Where each subject stands in the dosing window on a day: one row a subject, the most urgent first.

    Columns: subject_id, site, randomized_on, infected_on (the anchor of the window), opens_on, closes_on, dosed_on
    (first dose known by `as_of`), day (days from the anchor to the first dose, else to `as_of`), state (one of
    `_WINDOW_STATES`), days_left (until the window closes, 0 on its last day, negative after; empty once dosed), problem
    (why the state is unknown).

    Args:
        protocol: declares the window (`dosing:` of its arms): the anchor, a date, and whole days after it.
        subjects: subject_id, the anchor's column and, where known, site, screened_on, randomized_on.
        doses: subject_id and dosed_on; a dose dated after `as_of` is not given yet.
        as_of: the day on which one asks.

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

    expect(protocol, Protocol, "tt.arms.dosing_status(protocol, subjects)")
    window = dosing_window(protocol)
    if window is None:
        raise DataError(f"{protocol.id}: no arm has a dosing window")
    if window.anchor not in subjects:
        raise DataError(f"no column {window.anchor} to count the days of the dosing window from")
    dates = {c: _dates(subjects, c) for c in ("screened_on", "randomized_on", window.anchor)}
    first = _first_doses(doses, as_of)
    rows = []
    for i, subject in enumerate(subjects["subject_id"].astype("str")):
        site = subjects["site"].iloc[i] if "site" in subjects else None
        row = {"subject_id": subject, "site": site, "randomized_on": dates["randomized_on"][i]}
        anchor, screened_on = dates[window.anchor][i], dates["screened_on"][i]
        rows.append({**row, **_row(anchor, screened_on, first.get(subject), as_of, window)})
    frame: Any = pd.DataFrame(rows, columns=list(_WINDOW)).astype(_WINDOW)
    rank = frame["state"].map({state: n for n, state in enumerate(_WINDOW_STATES)})
    by_day = frame["days_left"].where(frame["state"] != "late", -frame["days_left"])  # of the late, the latest first
    order = frame.assign(rank=rank, by_day=by_day).sort_values(["rank", "by_day"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _row(infected_on: date | None, screened_on: date | None, dosed_on: date | None, as_of: date, window: Dosing) -> Any:
    problem = _problem(infected_on, screened_on, dosed_on, as_of)
    row = {"infected_on": infected_on, "dosed_on": dosed_on, "state": "unknown", "problem": problem}
    if infected_on is None or problem:
        return row
    opens, closes = (infected_on + timedelta(days=day) for day in (window.first_day, window.last_day))
    state = window_status(infected_on, dosed_on or as_of, window)
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


def dosing_worklist(status: pd.DataFrame, checks: pd.DataFrame | None = None) -> pd.DataFrame:
    """Who is still to be dosed, the most urgent first, with what is to be done in words.

    Columns: subject_id, site, to_do, then those of `status` that concern a site; with `checks` also check_first, the
    criteria that must be asked or measured again before a dose that may still be given. Unknown dates come after the
    open windows: such a window may be closing unseen. A subject who is no longer eligible must not be dosed, whatever
    the window says.

    Args:
        status: from `dosing_status`.
        checks: from `predose_checks`.
    """
    waiting: Any = status[status["dosed_on"].isna()]
    rows = waiting[["state", "days_left", "opens_on", "problem"]].itertuples(index=False, name=None)
    worklist = waiting.assign(to_do=[_to_do(*row) for row in rows])
    columns = ["subject_id", "site", "to_do", "state", "days_left", "opens_on", "closes_on"]
    if checks is not None:
        checks_of = checks.set_index("subject_id").reindex(worklist["subject_id"])
        stop = checks_of["decision"].eq("ineligible").to_numpy()
        worklist["to_do"] = worklist["to_do"].mask(stop, ("do not dose: " + checks_of["because"]).to_numpy())
        worklist["check_first"] = (
            checks_of["unknown"].mask(stop | worklist["state"].eq("late").to_numpy(), "").to_numpy()
        )
        columns.insert(3, "check_first")
    return worklist[columns].reset_index(drop=True)


def _to_do(state: str, left: Any, opens_on: Any, problem: Any) -> str:
    days = "" if state == "unknown" else f"{abs(left)} day" + ("" if abs(left) == 1 else "s")
    if state == "unknown":
        return f"settle the dates: {problem}"
    if state == "early":
        return f"dose from {opens_on.date()} on"
    if state == "late":
        return f"closed {days} ago"
    return "dose today, the last day" if left == 0 else f"dose within {days}"


def dosing_deviations(status: pd.DataFrame) -> pd.DataFrame:
    """Randomized or dosed subjects who deviate from the dosing window, or for whom this is not known.

    Args:
        status: from `dosing_status`.

    Columns: subject_id, site, deviation (dosed too early, dosed too late, not dosed in time, cannot be told), days
    (outside the window; empty where it cannot be told), infected_on, dosed_on, problem. Deviations lie between the rows
    without "cannot be told" (certain) and all rows (possible).
    """
    concerned: Any = status[status["randomized_on"].notna() | status["dosed_on"].notna()]
    concerned = concerned[concerned["state"].isin(["dosed out of window", "late", "unknown"])]
    early = (concerned["opens_on"] - concerned["dosed_on"]).dt.days
    late = (concerned["dosed_on"] - concerned["closes_on"]).dt.days
    undosed = {"late": "not dosed in time", "unknown": "cannot be told"}
    dosed = early.gt(0).map({True: "dosed too early", False: "dosed too late"})
    outside = early.where(early > 0, late).astype("Int64").fillna(-concerned["days_left"])
    deviations = concerned.assign(deviation=concerned["state"].map(undosed).fillna(dosed), days=outside)
    columns = ["subject_id", "site", "deviation", "days", "infected_on", "dosed_on", "problem"]
    return deviations[columns].sort_values(["deviation", "subject_id"], ignore_index=True)


def _dates(frame: pd.DataFrame, column: str) -> list[date | None]:
    """A column as calendar dates, None where unknown or where there is no such column.

    Raises:
        DataError: values that are no dates.
    """

    if column not in frame:
        return [None] * len(frame)
    texts: Any = frame[column]
    read = pd.to_datetime(texts, errors="coerce", format="%Y-%m-%d" if texts.dtype == "str" else None)
    if (bad := texts[texts.notna() & read.isna()]).size:
        raise DataError(f"{column} holds no dates year-month-day, such as {', '.join(map(repr, bad.head(3)))}")
    return [None if pd.isna(value) else value.date() for value in read]


def _first_doses(doses: pd.DataFrame | None, as_of: date) -> dict[str, date]:
    """By subject, the first dose given by a day."""
    if doses is None:
        return {}
    days: Any = pd.Series(_dates(doses, "dosed_on"), doses["subject_id"].astype("str"), dtype="object").dropna()
    return days[days <= as_of].groupby(level=0).min().to_dict()
