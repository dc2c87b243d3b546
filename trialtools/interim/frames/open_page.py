"""An open look goes in; page 1 of its report comes out: whether the trial is on course, all arms pooled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...figures.accrual import target_days
from ...figures.first_page import ArmRow, FirstPage
from ...figures.format import SPACE, capital, count, percent
from ..lookdata import LookData
from .closed_page import titles_of
from .conduct import dosing
from .endpoint import endpoint_rows
from .outcomes import outcome_status, overall_rate
from .recruitment import accrual_forecast, sites
from .safety import DEATH, SERIOUS, edish
from .safety_words import harm_by_arm, with_unsaid
from .wording import GAP, endpoint_of_look, share, written_day

_QUESTION = (
    "Question",
    "Is the trial on course: are participants recruited, treated and followed as planned, and are the data complete "
    "enough to judge?",
)
_NEARLY = 0.8
"""From this part of the target on, recruitment is nearly done."""


def open_page(look: LookData, seed: int = 1) -> FirstPage:
    """Page 1 of an open report; nothing on it tells an arm.

    Args:
        look: pooled.
        seed: of the accrual forecast.
    """
    ends = {} if look.target is None else target_days(accrual_forecast(look, seed), look.target)
    of = "" if look.target is None else f" of {count(look.target)}"
    facts = (
        ("Data as of", written_day(look.cutoff) if look.cutoff else "not cut"),
        ("Sites", count(look.randomized["site"].nunique())),
        ("Screened", count(len(look.trial.subjects)) if look.screening_log else GAP),
        ("Randomized", f"{count(len(look.randomized))}{of}"),
    )
    lines = [
        ("Recruitment", _recruitment(look, ends)),
        ("Treatment", _treatment(look)),
        ("Outcomes", _outcomes(look)),
        ("Safety, pooled", _safety(look)),
        ("Event rate, pooled", _rate(look)),
    ]
    columns, rows, notes = _sites(look)
    return FirstPage(
        closed=False,
        **titles_of(look),
        facts=facts,
        question=_QUESTION,
        answer_label="Answer",
        lead=f"{_lead(look, ends)} {_due(look)}",
        lines=tuple((term, text) for term, text in lines if text),
        columns=columns,
        rows=tuple(rows),
        notes=notes,
    )


def _lead(look: LookData, ends: Mapping[str, Any]) -> str:
    have, target = len(look.randomized), look.target
    if target is None:
        return f"{count(have)} participants are randomized at this site."
    so_far = f"{count(have)} of {count(target)}"
    if have >= target:
        return f"Recruitment is done: {so_far}."
    stage = "is nearly done" if have >= _NEARLY * target else "goes on"
    if ends["median"]:
        return f"Recruitment {stage}: {so_far}, the last about {written_day(ends['median'], look.cutoff)}."
    return f"Recruitment {stage}: {so_far}; at the present pace the target is not in sight."


def _recruitment(look: LookData, ends: Mapping[str, Any]) -> str:
    have, target = count(len(look.randomized)), look.target
    if target is None:
        return f"{have} randomized; no target is declared for one site alone."
    text = f"{have} of {count(target)} randomized."
    if not ends.get("median"):
        return text
    first, latest = ends["soonest"], ends["latest"]
    same_month = latest and (first.year, first.month) == (latest.year, latest.month)
    last = written_day(latest, look.cutoff) if latest else "more than ten years on"
    start = str(first.day) if same_month else written_day(first, look.cutoff)
    about = written_day(ends["median"], look.cutoff)
    return (
        f"{text} At the present pace the {count(target)}th follows about {about} "
        f"(in 90 of 100 forecasts between {start} and {last})."
    )


def _treatment(look: LookData) -> str:
    window = dosing(look)
    if window.empty:
        if "doses" in look.trial.absent:
            return "Doses: not collected."
        dosed = look.trial.doses.loc[look.trial.doses["dosed_on"].notna(), "subject_id"]
        return f"{share(int(look.randomized['subject_id'].isin(dosed).sum()), len(look.randomized))} dosed."
    dosed = window["dosed_on"].notna()
    inside = int((window["state"] == "dosed in window").sum())
    first, last = look.dosing_window
    return (
        f"{count(dosed.sum())} dosed, {count(inside)} of them inside the window of day {first} to "
        f"{last}; {count((~dosed).sum())} not dosed."
    )


def _due(look: LookData) -> str:
    if not look.endpoint_collected:
        return "Outcomes: not collected."
    status = outcome_status(look).sum(numeric_only=True)
    due = status["known"] + status["missing"]
    if look.plan.kind == "time_to_event":
        return f"{_follow_up(look)}."
    if not status["missing"]:
        return f"Of the {count(due)} outcomes that are due none is missing." if due else "No outcome is due yet."
    return f"Outcomes are missing for {count(status['missing'])} of the {count(due)} that are due."


def _outcomes(look: LookData) -> str:
    if not look.endpoint_collected:
        return "Not collected: no primary endpoint is among the outcomes."
    status, day = outcome_status(look).sum(numeric_only=True), endpoint_of_look(look).day
    due = status["known"] + status["missing"]
    part = f" ({percent(status['missing'] / due)})" if due and status["missing"] else ""
    if look.plan.kind == "time_to_event":
        return f"{_follow_up(look)}. {count(look.plan.planned)} events are planned."
    known = f"known for {count(status['known'])}, missing for {count(status['missing'])}{part}."
    if day is None:
        return capital(known)
    return f"Day {day} has passed for {count(due)}: {known} For {count(status['to_come'])} it is still to come."


def _follow_up(look: LookData) -> str:
    """Of a time to an event: how many are followed, how many had it, and of how many nothing is known."""
    rows = endpoint_rows(look)
    hits, known = int(rows["value"].sum()), int(rows["value"].notna().sum())
    lost = f"; of {count(len(rows) - known)} nothing is known" if len(rows) > known else ""
    return f"{count(known)} are followed, and {count(hits)} of them have had the event{lost}"


def _safety(look: LookData) -> str:
    parts = []
    deaths, serious, liver = harm_by_arm(look, DEATH), harm_by_arm(look, SERIOUS), edish(look)
    for row in deaths.values():
        died = row["participants"]
        parts.append(f"{with_unsaid(row, count(died))} {'death' if died == 1 else 'deaths'}")
    parts += [] if deaths else ["deaths: not collected"]
    for row in serious.values():
        open_ = f", at most {count(row['participants'] + row['unsaid'])}" if row["unsaid"] else ""
        parts.append(f"{share(row['participants'], row['of'])}{open_} had a serious adverse event")
    parts += [] if serious else ["serious adverse events: not collected"]
    parts.append(f"possible Hy’s law in {count(liver['hy'].sum())}" if len(liver) else "liver values: not collected")
    text = "; ".join(parts)
    return f"{capital(text)}."


def _rate(look: LookData) -> str:
    rate = overall_rate(look)
    if rate is None:
        return ""
    hits = round(rate["rate"] * rate["n"])
    low, high = (percent(rate[end]).removesuffix(f"{SPACE}%") for end in ("low", "high"))
    text = f"{count(hits)} of {count(rate['n'])} ({percent(rate['rate'])}; {low} to {high}{SPACE}%)"
    return f"{text}. The plan assumes {percent(rate['assumed'])}."


def _sites(look: LookData) -> tuple[tuple[str, ...], list[ArmRow], tuple[str, ...]]:
    """A row a site, and all of them: screened, randomized, and the outcome known, to come, missing."""
    frame, status = sites(look).set_index("site"), outcome_status(look)
    day = endpoint_of_look(look).day
    columns = ["Site", "Screened", "Randomized"]
    if len(status):
        heads = {"known": "Outcome known", "to_come": f"Day {day} to come" if day else "To come", "missing": "Missing"}
        if look.plan.kind == "time_to_event":
            heads = {"known": "Followed", "missing": "Nothing known"}
        frame = frame.join(status.set_index("site")[list(heads)])
        columns += heads.values()
    names = [name for name in ("screened", "randomized", "known", "to_come", "missing") if name in frame]
    numbers = frame[names].fillna(0).astype(int)  # of a site where nobody was randomized; unscreened are told as such
    rows = [ArmRow(str(site), _cells(look, line)) for site, line in numbers.iterrows()]
    if len(rows) > 1:
        rows.append(ArmRow("All", _cells(look, numbers.sum()), strong=True))
    return tuple(columns), rows, _early(look)


def _cells(look: LookData, line: Any) -> tuple[str, ...]:
    screened = count(line["screened"]) if look.screening_log else GAP
    return screened, *(count(n) for name, n in line.items() if name != "screened")


def _early(look: LookData) -> tuple[str, ...]:
    """Of how many the event has happened before their day has passed."""
    if look.trial.endpoint is None or not (early := int(endpoint_rows(look)["early"].sum())):
        return ()
    to_come, endpoint = endpoint_rows(look)["state"].eq("to come").sum(), endpoint_of_look(look)
    whose = f"{count(early)} of the {count(to_come)} whose day {endpoint.day} is still to come"
    have = f"{'has' if early == 1 else 'have'} {endpoint.past_text} already"
    return (f"{whose} {have}; they count once that day has passed, in this report as in the closed one.",)
