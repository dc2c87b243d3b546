"""A protocol and a seed go in; who was screened, why most were not randomized, and a ledger come out.

People come from the synthetic cohort. A person who does not fail at first sight is examined, then judged by `screen`,
then requested in the ledger. The ledger refuses a patient who is not eligible, or who is outside the dosing window
without a name and a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ..arms.allocation import plan
from ..arms.commitment import open_ledger
from ..arms.dosing import dosing_window
from ..arms.ledger import allocate, allocations
from ..arms.request import Override, Request
from ..cohort.screening import screen
from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .model import Numbers, assumed_values, read_assumptions, stream
from .patients import cohort

_FEWEST, _MOST = 12, 200
"""Candidates drawn for each person to be randomized: at first, and before it is given up."""
_Entry = tuple[date | None, str | None, str | None]
"""A day of randomization, why there is none, and a reason to override where it is outside the window."""


def enrol(
    protocol: Protocol, n: int, seed: int, folder: Path, sites: Sequence[str], course: Numbers
) -> tuple[pl.DataFrame, dict[str, dict[str, Any]], dict[str, str]]:
    """Screen until n are randomized; the ledger is `ledger.sqlite` in the folder, its key `unblinded/key.json`.

    Returns:
        Everybody screened (as in `subjects`, with what was known); by subject the whole truth and the arm of everybody
        randomized.

    Raises:
        DataError: the protocol lets in too few of the synthetic cohort.
        LedgerError: the folder holds a ledger, or the sites cannot be told apart.
    """
    people, truth = _screen_until(protocol, n, seed, course)
    people = people.with_columns(
        pl.Series("site", [_site(row, seed, sites, course) for row in people.to_dicts()], pl.String)
    ).sort("screened_on", maintain_order=True)
    width = len(str(len(people)))
    numbers = [f"S-{i:0{width}d}" for i in range(1, len(people) + 1)]
    people = people.with_columns(pl.Series("subject_id", numbers, pl.String))
    allocated = _allocate(protocol, people, seed, folder, tuple(sites))
    people = people.join(allocated.select("subject_id", "stratum"), on="subject_id", how="left", maintain_order="left")
    first = ["subject_id", "site", "screened_on", "decision", "reason", "randomized_on", "stratum"]
    randomized = people.drop_nulls("randomized_on").select("patient_id", "subject_id")
    facts = randomized.join(truth, on="patient_id").rows_by_key("subject_id", named=True, unique=True)
    return (
        people.select(*first, *(name for name in protocol.fields if name not in first)),
        facts,
        dict(allocated.select("subject_id", "arm").rows()),
    )


def _screen_until(protocol: Protocol, n: int, seed: int, course: Numbers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everybody screened until the n-th is randomized, with decision, reason and day; and the truth of all."""
    size = _FEWEST * n + 100
    while True:
        people, truth = _screen_population(protocol, size, seed, course)
        randomized = people["randomized_on"].is_not_null().arg_true()
        if len(randomized) >= n:
            return people.head(randomized[n - 1] + 1), truth
        if size > _MOST * n + 100:
            raise DataError(
                f"{protocol.id} lets in {len(randomized)} of {size:,} synthetic patients; {n} were asked for"
            )
        size *= 2


def _screen_population(protocol: Protocol, size: int, seed: int, course: Numbers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The people of the trial, as known when the decision was made, with the decision; and with all facts."""
    assume = {"days": course.days, "wave": course.wave}
    truth = cohort(protocol, size, seed, dirty=False, missing=0, assume=assume)
    at_first = cohort(protocol, size, seed, dirty=False, assume=assume).with_columns(truth["screened_on"])
    open_ = screen(protocol, at_first).decisions()["decision"] != "ineligible"
    never = read_assumptions("trial")["never_in_time"]
    columns = []
    for name in protocol.fields:
        share = 0.0 if name in never else course.worked_up
        measured = pl.Series(open_.to_numpy() & (stream(seed, name, "work-up").random(size) < share))
        columns.append(truth[name].zip_with(measured & at_first[name].is_null(), at_first[name]))
    known = at_first.select("patient_id").with_columns(columns)
    people = known.join(_decisions(protocol, known), on="patient_id", maintain_order="left")
    eligible = people.filter(decision="eligible").to_dicts()
    entries = [(row["patient_id"], *_enrolment_day(protocol, row, seed, course)) for row in eligible]
    schema = {"patient_id": pl.String, "randomized_on": pl.Date, "why_not": pl.String, "override": pl.String}
    entered = pl.DataFrame(entries, schema, orient="row")
    people = people.join(entered, on="patient_id", how="left", maintain_order="left")
    return people.with_columns(reason=pl.coalesce("why_not", "reason")), truth


def _decisions(protocol: Protocol, known: pl.DataFrame) -> pl.DataFrame:
    reasons = {"ineligible": "{failed}", "undetermined": "unknown: {unknown}", "eligible": ""}
    rows = screen(protocol, known).decisions().astype(str).to_dict("records")
    rows = [{**row, "reason": reasons[row["decision"]].format_map(row) or None} for row in rows]
    return pl.DataFrame(rows, schema=dict.fromkeys(("patient_id", "decision", "reason"), pl.String))


def _enrolment_day(protocol: Protocol, facts: dict[str, Any], seed: int, course: Numbers) -> _Entry:
    """When an eligible person is randomized: inside the window, if health and will last until it opens."""
    rng = stream(seed, facts["patient_id"], "entry")
    back, worse, home, early, late = rng.random(5)
    lag = timedelta(days=int(rng.integers(0, course.wait + 1)))
    opens, closes = facts["screened_on"], date.max
    if window := dosing_window(protocol):
        anchor = facts.get(window.anchor)
        if anchor is None:
            return None, "day of infection unknown", None
        opens, closes = anchor + timedelta(days=window.first_day), anchor + timedelta(days=window.last_day)
    if back < course.withdrawn_before:
        return None, "withdrew consent before randomization", None
    wait = max((opens - facts["screened_on"]).days, 0)
    if worse > (1 - course.worse_a_day) ** wait:
        return None, "severe before the window opened", None
    if home > (1 - course.home_a_day) ** wait:
        return None, "sent home before the window opened", None
    if wait and early < course.early:
        return opens - timedelta(days=1), None, "ward closes on the day the window opens"
    day = max(facts["screened_on"], opens) + lag
    if day <= closes:
        return day, None, None
    if late < course.late and (day - closes).days <= course.late_days:
        return day, None, "imaging was read a day late"
    return None, "comes too late for the dosing window", None


def _site(facts: dict[str, Any], seed: int, sites: Sequence[str], course: Numbers) -> str:
    """One of the sites that were open on the day, each as often as the others."""
    since = max((facts["screened_on"] - assumed_values("cohort").first_day).days, 0)
    open_ = [site for place, site in enumerate(sites) if since >= place * course.site_days]
    return open_[int(stream(seed, facts["patient_id"], "site").integers(len(open_)))]


def _allocate(
    protocol: Protocol, people: pl.DataFrame, seed: int, folder: Path, sites: tuple[str, ...]
) -> pl.DataFrame:
    """Subject, stratum and arm, from a ledger that was opened for a synthetic trial."""
    ledger, key = folder / "ledger.sqlite", folder / "unblinded" / "key.json"
    key.parent.mkdir(mode=0o700)
    randomized = people.drop_nulls("randomized_on").sort("randomized_on", maintain_order=True)
    open_ledger(ledger, key, protocol, plan(protocol), max(len(randomized), 1), sites, synthetic=seed)
    for row in randomized.to_dicts():
        facts = {name: row[name] for name in protocol.fields}
        request = Request(protocol, row["subject_id"], facts, row["site"], row["randomized_on"])
        allocate(ledger, request, row["override"] and Override("Synthetic Investigator", row["override"]))
    rows = allocations(ledger, key)
    return pl.DataFrame(pl.from_pandas(rows[["subject_id", "stratum", "arm"]]))
