"""Randomized people and their arms go in; doses, events, outcomes, disposition and labs come out as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from scipy.optimize import brentq

from .course import EVENTS, LAB_DAYS, LABS, ON_THE_DAY, RISKS, WINDOW, Course, Scenario
from .enrolment import Draw

Rows = dict[str, list[dict[str, Any]]]
NOT_DOSED = ("unwell on the day", "declined the infusion", "no bed for the infusion")


@dataclass
class Person:
    """Somebody randomized, and what becomes of the person; `cells` says whether the arm is the experimental one."""

    subject_id: str
    on: date
    cells: bool
    facts: Mapping[str, Any]
    risk: float = 0.0
    dosed: int | None = None
    worse: int | None = None
    died: int | None = None
    left: tuple[int, str] | None = None
    rows: Rows = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last day of follow-up, in days after randomization."""
        return min(WINDOW, self.left[0] if self.left else WINDOW, WINDOW if self.died is None else self.died)

    def day(self, after: int | None) -> date | None:
        return None if after is None else self.on + timedelta(days=after)

    def add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append({"subject_id": self.subject_id, **row})


def followed(people: Sequence[Person], rate: float, scenario: Scenario, course: Course, draw: Draw) -> Rows:
    """The rows of every table, person by person. The mean risk of progression under control is `rate`."""
    for person, risk in zip(people, _risks(people, rate), strict=True):
        person.risk = risk
        plan = _planned(person, course, draw)
        _fate(person, scenario, course, draw)
        _dose(person, plan, course, draw)
        _outcomes(person, scenario, course, draw)
        _events(person, scenario, draw)
        _labs(person, course, draw)
    names = ("doses", "events", "outcomes", "disposition", "labs")
    return {name: [row for person in people for row in person.rows.get(name, [])] for name in names}


def _risks(people: Sequence[Person], rate: float) -> list[float]:
    """The risk of each under control; the intercept is the one that makes `rate` of it on the whole."""

    def odds(person: Person) -> float:
        known = {name: value for name in RISKS if (value := person.facts.get(name)) is not None}
        steps = ((value, *RISKS[name]) for name, value in known.items())
        return sum(math.log(ratio) * (float(value) - centre) / step for value, centre, step, ratio in steps)

    scores = [odds(person) for person in people]

    def risks(intercept: float) -> list[float]:
        return [1 / (1 + math.exp(-intercept - score)) for score in scores]

    intercept = brentq(lambda each: sum(risks(each)) - rate * len(scores), -50, 50) if scores else 0.0
    return risks(float(intercept))  # type: ignore[arg-type]


def _planned(person: Person, course: Course, draw: Draw) -> tuple[int | None, str | None, float | None]:
    """Day, reason and volume of the one infusion, if health lasts."""
    rng = draw.of(person.subject_id, "dose")
    missed, late, next_day, stopped = rng.random(4)
    choice, delay, part = rng.integers(len(NOT_DOSED)), int(rng.integers(3, 6)), float(rng.integers(2, 8)) / 10
    if missed < course.not_dosed:
        return None, NOT_DOSED[choice], None
    day = delay if late < course.dosed_late else 1 if next_day < course.dosed_next_day else 0
    person.dosed = day
    if stopped < course.stopped:
        return day, "stopped before its end", course.volume * part
    return day, "postponed: unwell" if day > 1 else None, course.volume


def _fate(person: Person, scenario: Scenario, course: Course, draw: Draw) -> None:
    """Whether and when the person gets worse, leaves, dies. What is drawn is the same in every scenario."""
    rng = draw.of(person.subject_id, "fate")
    worse, leaves, dies = rng.random(3)
    start, away, until = (
        course.onset * math.exp(course.onset_sd * rng.normal()),
        rng.integers(2, WINDOW),
        rng.exponential(8),
    )
    ratio = {"null": 1.0, "effect": course.effect, "harm": course.harm}[scenario]
    if worse < person.risk * (ratio if person.cells and person.dosed is not None else 1.0):
        person.worse = min(max(round(start), 1), WINDOW)
    if leaves < course.withdrew + course.lost:
        person.left = int(away), "withdrew" if leaves < course.withdrew else "lost"
        if person.worse is not None and person.worse >= person.left[0]:
            person.worse = None
    if person.worse is not None and dies < course.death and person.worse + 1 + int(until) <= person.last:
        person.died, person.left = person.worse + 1 + int(until), None


def _dose(person: Person, plan: tuple[int | None, str | None, float | None], course: Course, draw: Draw) -> None:
    day, reason, volume = plan
    if day is not None and day >= person.last:
        day, reason, volume = None, "left the trial before the infusion", None
    if day is not None and person.worse is not None and day >= person.worse:
        day, reason, volume = None, "severe before the infusion", None
    person.dosed = day
    person.add(
        "doses", planned_on=person.on, dosed_on=person.day(day), amount=volume, unit=volume and "mL", reason=reason
    )
    if volume is not None and volume < course.volume:
        person.add("disposition", milestone="discontinued", happened_on=person.day(day), reason="infusion stopped")
    if person.died is not None:
        person.add("disposition", milestone="died", happened_on=person.day(person.died), reason="COVID-19")
    elif person.left:
        reason = {"withdrew": "took consent back", "lost": "could not be reached"}[person.left[1]]
        person.add("disposition", milestone=person.left[1], happened_on=person.day(person.left[0]), reason=reason)
    else:
        person.add("disposition", milestone="completed", happened_on=person.day(WINDOW), reason=None)


def _outcomes(person: Person, scenario: Scenario, course: Course, draw: Draw) -> None:
    """What happened is known on its day; that it did not, on day 28; of those who left before, nothing."""
    whole = person.left is None
    if person.worse is not None:
        person.add("outcomes", endpoint="progression", value=1.0, observed_on=person.day(person.worse))
    elif whole:
        person.add("outcomes", endpoint="progression", value=0.0, observed_on=person.day(WINDOW))
    rng = draw.of(person.subject_id, "recovery")
    helped = scenario == "effect" and person.cells and person.dosed is not None
    days = course.recovery * math.exp(course.recovery_sd * rng.normal()) * (course.faster if helped else 1.0)
    after = (person.worse or 0) + max(round(days), 1)
    if after < person.last or (after == WINDOW and whole and person.died is None):
        person.add("outcomes", endpoint="recovery", value=1.0, observed_on=person.day(after))
    elif whole:
        person.add("outcomes", endpoint="recovery", value=0.0, observed_on=person.day(person.last))


def _events(person: Person, scenario: Scenario, draw: Draw) -> None:
    cells = person.cells and person.dosed is not None
    for system, term, share, grave, always, harmed in EVENTS:
        rng = draw.of(person.subject_id, term)
        happens, when, serious = rng.random(3)
        on_the_day = term in ON_THE_DAY
        start = person.dosed if on_the_day else int(when * person.last)
        ratio = (harmed if scenario == "harm" else always) if cells else 1.0
        if happens < share * ratio and start is not None:
            _event(person, rng, system, term, start, serious < grave, 0.7 if on_the_day else 0.12)
    if person.worse is not None:
        rng = draw.of(person.subject_id, "worse")
        failed = person.died is not None or rng.random() < 0.4
        term = ("Respiratory, thoracic and mediastinal disorders", "Respiratory failure")
        system, name = term if failed else ("Infections and infestations", "COVID-19 pneumonia")
        _event(person, rng, system, name, person.worse, True, 0.05, fatal=person.died is not None)


def _event(
    person: Person, rng: Any, system: str, term: str, start: int, serious: bool, related: float, fatal: bool = False
) -> None:
    grade, cause, open_ = rng.random(3)
    end = start + int(rng.geometric(0.12 if serious else 0.25))
    severity = 5 if fatal else (3 if grade < 0.6 else 4) if serious else 1 if grade < 0.6 else 2 if grade < 0.93 else 3
    goes_on = open_ < 0.06 or end > WINDOW + 14 or (person.died is not None and end > person.died)
    outcome = "fatal" if fatal else "not recovered" if goes_on else "recovered"
    end = person.died if fatal else None if goes_on else end
    told = {"body_system": system, "term": term, "severity": severity, "serious": serious, "related": cause < related}
    person.add("events", started_on=person.day(start), ended_on=person.day(end), **told, outcome=outcome)


def _labs(person: Person, course: Course, draw: Draw) -> None:
    """Samples on fixed days; CRP falls, and rises again in whoever gets worse; a few livers suffer."""
    rng = draw.of(person.subject_id, "labs")
    ill, yellow, stasis = rng.random(3)
    hit, own = int(rng.integers(1, 3)), {test: rng.normal() for test in LABS}
    jaundice = ("BILI", "ALP") if stasis < 1 / 3 else ("BILI",)
    suffers = ("ALT", "AST", *(jaundice if yellow < course.jaundice else ())) if ill < course.liver else ()
    for place, day in enumerate(LAB_DAYS):
        noise, taken = {test: rng.normal() for test in LABS}, rng.random()
        rise = {test: rng.uniform(low, high) for test, (low, high) in RISES.items()}
        if day > person.last or taken < course.lab_missing or person.died == day:
            continue
        for test, (middle, spread, limit, unit) in LABS.items():
            value = middle * math.exp(spread * own[test] + 0.2 * noise[test])
            if test == "CRP":
                value *= math.exp(-day / 9) * (4 if person.worse is not None and 0 <= day - person.worse <= 10 else 1)
            if place == hit and test in suffers:
                value = max(value, limit * rise[test])
            row = {"test": test, "value": round(value, 1), "unit": unit, "upper_limit": float(limit)}
            person.add("labs", **row, taken_on=person.day(day))
    if suffers and LAB_DAYS[hit] <= person.last:
        system, term = "Investigations", "Hepatic enzyme increased"
        _event(person, draw.of(person.subject_id, "liver"), system, term, LAB_DAYS[hit], False, 0.25)


RISES = {"ALT": (3.2, 10), "AST": (2.5, 8), "BILI": (2.1, 4), "ALP": (2.1, 3), "CRP": (1, 1)}
"""Times the upper limit, where the liver suffers."""
