"""Randomized people and their arms go in; doses, events, outcomes, disposition and labs come out as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

from .model import Numbers, read_assumptions, stream

Scenario = Literal["null", "effect", "harm"]
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Person:
    """Somebody randomized, and what becomes of the person; days count from randomization.

    `cells` says whether the arm is the experimental one, `left` when and how the person left the trial.
    """

    subject_id: str
    on: date
    cells: bool
    facts: Mapping[str, Any]
    last: int = 0
    dosed: int | None = None
    worse: int | None = None
    died: int | None = None
    left: tuple[int, str] | None = None
    rows: Rows = field(default_factory=dict)

    @property
    def had_infusion(self) -> bool:
        """Whether the person had an infusion of cells."""
        return self.cells and self.dosed is not None

    def date(self, day: int | None) -> date | None:
        return None if day is None else self.on + timedelta(days=day)

    def add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append({"subject_id": self.subject_id, **row})


def simulate_follow_up(people: Sequence[Person], rate: float, scenario: Scenario, course: Numbers, seed: int) -> Rows:
    """The rows of every table, person by person. The mean risk of progression under control is `rate`."""
    for person, risk in zip(people, progression_risks(people, rate), strict=True):
        reason, volume = _plan_infusion(person, course, seed)
        _draw_fate(person, risk, scenario, course, seed)
        _add_dose(person, reason, volume, course)
        _add_disposition(person, course)
        _add_outcomes(person, scenario, course, seed)
        _add_events(person, scenario, course, seed)
        _add_labs(person, course, seed)
    names = ("doses", "events", "outcomes", "disposition", "labs")
    return {name: [row for person in people for row in person.rows.get(name, [])] for name in names}


def progression_risks(people: Sequence[Person], rate: float) -> list[float]:
    """The risk of each person under control; the intercept is found by bisection, so that their mean is `rate`."""
    factors = read_assumptions("trial")["risks"]

    def log_odds(person: Person) -> float:
        known = {name: value for name in factors if (value := person.facts.get(name)) is not None}
        terms = ((factors[name], float(value)) for name, value in known.items())
        return sum(math.log(risk["odds"]) * (value - risk["centre"]) / risk["step"] for risk, value in terms)

    scores = [log_odds(person) for person in people]
    low, high, risks = -50.0, 50.0, []
    for _ in range(64):
        middle = (low + high) / 2
        risks = [1 / (1 + math.exp(-middle - score)) for score in scores]
        low, high = (middle, high) if sum(risks) < rate * len(risks) else (low, middle)
    return risks


def _plan_infusion(person: Person, course: Numbers, seed: int) -> tuple[str | None, float | None]:
    """The day of the one infusion if health lasts; why it is missed or late, and how much of it is given, in mL."""
    rng = stream(seed, person.subject_id, "dose")
    missed, late, next_day, stopped = rng.random(4)
    reasons = read_assumptions("trial")["not_dosed_reasons"]
    choice, delay, part = rng.integers(len(reasons)), int(rng.integers(3, 6)), float(rng.integers(2, 8)) / 10
    if missed < course.not_dosed:
        return reasons[choice], None
    person.dosed = delay if late < course.dosed_late else 1 if next_day < course.dosed_next_day else 0
    if stopped < course.stopped:
        return "stopped before its end", course.volume * part
    return "postponed: unwell" if person.dosed > 1 else None, course.volume


def _draw_fate(person: Person, risk: float, scenario: Scenario, course: Numbers, seed: int) -> None:
    """Whether and when the person gets worse, leaves, dies. What is drawn is the same in every scenario."""
    rng = stream(seed, person.subject_id, "fate")
    worse, leaves, dies = rng.random(3)
    onset = course.onset * math.exp(course.onset_sd * rng.normal())
    away, dying = int(rng.integers(2, course.follow_up)), 1 + int(rng.exponential(course.death_days))
    ratio = {"null": 1.0, "effect": course.effect, "harm": course.harm}[scenario]
    if worse < risk * (ratio if person.had_infusion else 1.0):
        person.worse = min(max(round(onset), 1), course.follow_up)
    person.last = course.follow_up
    if leaves < course.withdrew + course.lost:
        person.left, person.last = (away, "withdrew" if leaves < course.withdrew else "lost"), away
        if person.worse is not None and person.worse >= away:
            person.worse = None
    if person.worse is not None and dies < course.death and person.worse + dying <= person.last:
        person.died = person.last = person.worse + dying
        person.left = None


def _add_dose(person: Person, reason: str | None, volume: float | None, course: Numbers) -> None:
    """The infusion as it was given; it is not given to who left or got worse before."""
    for end, why in ((person.last, "left the trial before the infusion"), (person.worse, "severe before the infusion")):
        if person.dosed is not None and end is not None and person.dosed >= end:
            person.dosed, reason, volume = None, why, None
    amount = {"amount": volume, "unit": None if volume is None else "mL"}
    person.add("doses", planned_on=person.on, dosed_on=person.date(person.dosed), **amount, reason=reason)
    if volume is not None and volume < course.volume:
        _add_milestone(person, "discontinued", person.dosed, "infusion stopped")


def _add_disposition(person: Person, course: Numbers) -> None:
    if person.died is not None:
        _add_milestone(person, "died", person.died, "COVID-19")
    elif person.left:
        day, how = person.left
        _add_milestone(person, how, day, {"withdrew": "took consent back", "lost": "could not be reached"}[how])
    else:
        _add_milestone(person, "completed", course.follow_up, None)


def _add_milestone(person: Person, milestone: str, day: int | None, reason: str | None) -> None:
    person.add("disposition", milestone=milestone, happened_on=person.date(day), reason=reason)


def _add_outcomes(person: Person, scenario: Scenario, course: Numbers, seed: int) -> None:
    """What happened is known on its day; that it did not, on the last day; of those who left before, nothing."""

    def add(endpoint: str, value: float, day: int) -> None:
        person.add("outcomes", endpoint=endpoint, value=value, observed_on=person.date(day))

    stayed = person.left is None
    if person.worse is not None:
        add("progression", 1.0, person.worse)
    elif stayed:
        add("progression", 0.0, course.follow_up)
    faster = course.faster if scenario == "effect" and person.had_infusion else 1.0
    rng = stream(seed, person.subject_id, "recovery")
    days = course.recovery * math.exp(course.recovery_sd * rng.normal()) * faster
    recovered = (person.worse or 0) + max(round(days), 1)
    if recovered < person.last or (recovered == course.follow_up and stayed and person.died is None):
        add("recovery", 1.0, recovered)
    elif stayed:
        add("recovery", 0.0, person.last)


def _add_events(person: Person, scenario: Scenario, course: Numbers, seed: int) -> None:
    assumed = read_assumptions("trial")
    for event in assumed["events"]:
        rng = stream(seed, person.subject_id, event["term"])
        happens, when, grave = rng.random(3)
        infusion = "on_infusion_day" in event
        start = person.dosed if infusion else int(when * person.last)
        ratio = event["harm" if scenario == "harm" else "ratio"] if person.had_infusion else 1.0
        if happens < event["share"] * ratio and start is not None:
            related = course.related_to_infusion if infusion else course.related
            row = _event_row(person, rng, course, event, start, related, bool(grave < event["serious"]))
            person.add("events", **row)
    if person.worse is not None:
        rng = stream(seed, person.subject_id, "worse")
        failure = person.died is not None or rng.random() < course.failure
        event = assumed["failure" if failure else "pneumonia"]
        row = _event_row(person, rng, course, event, person.worse, course.related_progression, serious=True)
        if person.died is not None:
            row |= {"ended_on": person.date(person.died), "severity": 5, "outcome": "fatal"}
        person.add("events", **row)


def _event_row(
    person: Person, rng: np.random.Generator, course: Numbers, event: Any, start: int, related: float, serious: bool
) -> dict[str, Any]:
    grade, cause, open_ = rng.random(3)
    end = start + int(rng.geometric(course.serious_ends_a_day if serious else course.ends_a_day))
    goes_on = open_ < course.goes_on or end > course.follow_up + 14 or (person.died is not None and end > person.died)
    if serious:
        severity = 3 if grade < course.mild_event else 4
    else:
        severity = 1 if grade < course.mild_event else 2 if grade < course.moderate_event else 3
    return {
        "started_on": person.date(start),
        "ended_on": None if goes_on else person.date(end),
        "body_system": event["body_system"],
        "term": event["term"],
        "severity": severity,
        "serious": serious,
        "related": bool(cause < related),
        "outcome": "not recovered" if goes_on else "recovered",
    }


def _add_labs(person: Person, course: Numbers, seed: int) -> None:
    """Samples on fixed days; CRP falls, and rises again in who gets worse; in a few, the liver suffers once."""
    assumed = read_assumptions("trial")
    tests, days = assumed["labs"], assumed["lab_days"]
    rng = stream(seed, person.subject_id, "labs")
    liver, jaundice, stasis = rng.random(3)
    suffers = ["ALT", "AST"] if liver < course.liver else []
    if suffers and jaundice < course.jaundice:
        suffers += ["BILI", "ALP"] if stasis < 1 / 3 else ["BILI"]
    hit, own = days[int(rng.integers(1, 3))], {test: rng.normal() for test in tests}
    for day in days:
        noise, draw = {test: rng.normal() for test in tests}, rng.random()
        rise = {test: rng.uniform(*span) for test, span in assumed["rises"].items()}
        if day > person.last or draw < course.lab_missing or person.died == day:
            continue
        for test, each in tests.items():
            value = each["median"] * math.exp(each["log_sd"] * own[test] + course.lab_noise * noise[test])
            if test == "CRP":
                worse = person.worse is not None and 0 <= day - person.worse <= 10
                value *= math.exp(-day / course.crp_days) * (course.crp_rise if worse else 1)
            if day == hit and test in suffers:
                value = max(value, each["upper_limit"] * rise[test])
            result = {"value": round(value, 1), "unit": each["unit"], "upper_limit": float(each["upper_limit"])}
            person.add("labs", test=test, **result, taken_on=person.date(day))
    if suffers and hit <= person.last:
        rng = stream(seed, person.subject_id, "liver")
        row = _event_row(person, rng, course, assumed["liver"], hit, course.related_liver, serious=False)
        person.add("events", **row)
