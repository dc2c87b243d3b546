"""A protocol and a seed go in; who was screened, why most were not randomized, and a ledger come out.

People come from the synthetic cohort. Whoever does not fail at first sight is worked up, then decided by `screen`, then
asked for in the ledger, which refuses who is not eligible, or outside the dosing window without a name and a reason.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .course import COURSE, Course
from .model import Model
from .patients import cohort

SITES = ("Synthetic Hospital North", "Synthetic Hospital East", "Synthetic Hospital South")
LATER = ("igg_fourfold_rise", "culture_positive")
"""What no work-up can tell in time."""
FEWEST, MOST = 12, 200
"""Candidates drawn for each person to be randomized: at first, and before it is given up."""
AWAY = "comes too late for the dosing window"


@dataclass(frozen=True)
class Draw:
    """Random numbers by person and purpose: what one draws changes nothing for another, nor in another scenario."""

    seed: int

    def of(self, person: str, purpose: str) -> np.random.Generator:

        return np.random.default_rng([self.seed, zlib.crc32(person.encode()), zlib.crc32(purpose.encode())])


@dataclass(frozen=True)
class Entry:
    """A day of randomization, with a reason to override where it lies outside the window; or why there is none."""

    on: date | None
    reason: str | None = None
    override: str | None = None


@dataclass(frozen=True)
class Enrolled:
    """Everybody screened (as in `subjects`, with what was known), the whole truth of them, and the arms by subject."""

    subjects: pl.DataFrame
    truth: dict[str, dict[str, Any]]
    arms: dict[str, str]


def enrol(
    protocol: Protocol, n: int, seed: int, folder: Path, sites: Sequence[str] = SITES, course: Course = COURSE
) -> Enrolled:
    """Screen until n are randomized; the ledger is `ledger.sqlite` in the folder, its key `unblinded/key.json`.

    Raises:
        DataError: the protocol lets in too few of the synthetic cohort.
        LedgerError: the folder holds a ledger, or the sites cannot be told apart.
    """

    draw = Draw(seed)
    asked = FEWEST * n + 100
    while True:
        known, truth = _met(protocol, asked, seed, course)
        decided = _decided(protocol, known)
        entries = {row["patient_id"]: _entry(protocol, row, draw, course) for row in _eligible(known, decided)}
        entered = [id for id, entry in entries.items() if entry.on]
        if len(entered) >= n:
            break
        if asked > MOST * n + 100:
            raise DataError(f"{protocol.id} lets in {len(entered)} of {asked:,} synthetic patients; {n} were asked for")
        asked *= 2
    last = entered[n - 1]
    people = known.head(known["patient_id"].to_list().index(last) + 1).join(
        decided, on="patient_id", maintain_order="left"
    )
    people = people.with_columns(
        pl.Series("site", [_site(row, draw, sites, course) for row in people.to_dicts()], pl.String),
        pl.Series("randomized_on", [_or(entries, id).on for id in people["patient_id"]], pl.Date),
        pl.Series("why", [_or(entries, id).reason for id in people["patient_id"]], pl.String),
    )
    people = people.sort("screened_on", maintain_order=True)
    width = len(str(len(people)))
    names = [f"S-{i:0{width}d}" for i in range(1, len(people) + 1)]
    people = people.with_columns(
        pl.Series("subject_id", names, pl.String), pl.coalesce("why", "reason").alias("reason")
    )
    strata, arms = _allocated(protocol, people, entries, seed, folder, tuple(sites))
    named = dict(zip(people["patient_id"], people["subject_id"], strict=True))
    whole = truth.filter(pl.col("patient_id").is_in(entered)).rows_by_key("patient_id", named=True, unique=True)
    stratum = pl.Series("stratum", [strata.get(id) for id in people["subject_id"]], pl.String)
    told = ["subject_id", "site", "screened_on", "decision", "reason", "randomized_on", "stratum"]
    fields = [name for name in protocol.fields if name not in told]
    return Enrolled(
        people.with_columns(stratum).select(*told, *fields),
        {named[id]: facts for id, facts in whole.items() if id in named},
        arms,
    )


def _met(protocol: Protocol, n: int, seed: int, course: Course) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same people twice: what is known once they were worked up, and everything."""

    from ..cohort.screening import screen

    model = replace(Model(), days=course.days, wave=course.wave)
    first = cohort(protocol, n, seed, dirty=False, model=model)
    truth = cohort(protocol, n, seed, dirty=False, missing=0, model=model)
    open_ = screen(protocol, first).decisions()["decision"] != "ineligible"
    draws = Draw(seed)
    columns = []
    for name in protocol.fields:
        share = 0.0 if name in LATER else course.worked_up
        measured = pl.Series(open_.to_numpy() & (draws.of(name, "work-up").random(n) < share))
        columns.append(truth[name].zip_with(measured & first[name].is_null(), first[name]))
    return first.select("patient_id").with_columns(columns), truth


def _decided(protocol: Protocol, known: pl.DataFrame) -> pl.DataFrame:

    from ..cohort.screening import screen

    told = {"ineligible": "{failed}", "undetermined": "unknown: {unknown}", "eligible": ""}
    rows = screen(protocol, known).decisions().astype(str).to_dict("records")
    rows = [{**row, "reason": told[row["decision"]].format_map(row) or None} for row in rows]
    return pl.DataFrame(rows, schema=dict.fromkeys(("patient_id", "decision", "reason"), pl.String))


def _eligible(known: pl.DataFrame, decided: pl.DataFrame) -> list[dict[str, Any]]:
    ids = decided.filter(decision="eligible").select("patient_id")
    return known.join(ids, on="patient_id", how="semi", maintain_order="left").to_dicts()


def _or(entries: dict[str, Entry], id: str) -> Entry:
    return entries.get(id, Entry(None))


def _entry(protocol: Protocol, facts: dict[str, Any], draw: Draw, course: Course) -> Entry:
    """When an eligible person is randomized: inside the window, if health and will last until it opens."""
    from ..arms.dosing import dosing

    rng = draw.of(facts["patient_id"], "entry")
    back, worse, home, early, late = rng.random(5)
    lag = int(rng.integers(0, course.wait + 1))
    day, window = facts["screened_on"], dosing(protocol)
    anchor = facts.get(window.anchor) if window else None
    if window and anchor is None:
        return Entry(None, "day of infection unknown")
    opens = anchor + timedelta(days=window.first_day) if window and anchor else day
    closes = anchor + timedelta(days=window.last_day) if window and anchor else date.max
    if back < course.withdrawn_before:
        return Entry(None, "withdrew consent before randomization")
    wait = max((opens - day).days, 0)
    if worse > (1 - course.worse_a_day) ** wait:
        return Entry(None, "severe before the window opened")
    if home > (1 - course.home_a_day) ** wait:
        return Entry(None, "sent home before the window opened")
    if wait and early < course.early:
        return Entry(opens - timedelta(days=1), override="ward closes on the day the window opens")
    on = max(day, opens) + timedelta(days=lag)
    if on <= closes:
        return Entry(on)
    if late < course.late and (on - closes).days <= 3:
        return Entry(on, override="imaging was read a day late")
    return Entry(None, AWAY)


def _site(facts: dict[str, Any], draw: Draw, sites: Sequence[str], course: Course) -> str:
    """One of the sites that were open on the day, each as often as the others."""
    since = (facts["screened_on"] - date.fromisoformat(Model().first_day)).days
    open_ = [site for place, site in enumerate(sites) if since >= place * course.site_days]
    return open_[int(draw.of(facts["patient_id"], "site").integers(len(open_)))]


def _allocated(
    protocol: Protocol, people: pl.DataFrame, entries: dict[str, Entry], seed: int, folder: Path, sites: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    """Stratum and arm by subject, from a ledger that was opened for a synthetic trial."""

    from ..arms.allocation import plan
    from ..arms.ledger import Override, Request, allocate, export, open_ledger

    ledger, key = folder / "ledger.sqlite", folder / "unblinded" / "key.json"
    key.parent.mkdir(mode=0o700)
    entered = people.filter(pl.col("randomized_on").is_not_null()).sort("randomized_on", maintain_order=True)
    open_ledger(ledger, key, protocol, plan(protocol), max(len(entered), 1), sites, synthetic=seed)
    strata = {}
    for row in entered.to_dicts():
        why = entries[row["patient_id"]].override
        facts = {name: row[name] for name in protocol.fields}
        asked = Request(protocol, row["subject_id"], facts, row["site"], row["randomized_on"])
        override = Override("Synthetic Investigator", why) if why else None
        strata[row["subject_id"]] = allocate(ledger, asked, override).stratum
    rows = export(ledger, key)
    return strata, dict(zip(rows["subject_id"], rows["arm"], strict=True))
