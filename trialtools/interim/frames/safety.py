"""A look goes in; harm comes out: deaths, serious and other adverse events, laboratory values, arm by arm or pooled.

The unit is the participant. Exposure is days from randomization to the last day known of a person.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.language.wording import printed_unit
from ..data.dates import earliest, latest
from ..data.deaths import is_fatal
from ..data.labs import LIVER
from ..data.outcomes import of_each
from ..data.tables import Frame, belongs_to
from ..lookdata import NOT_COLLECTED, LookData, once_a_look, with_reason
from ..sequential.estimates import risk_difference

_ANY = ""
"""In place of a term: any event of the body system; in place of both: any event at all."""
DEATH, SERIOUS = "Death", "Serious adverse event"
_EDISH = {"transferase": 3.0, "bilirubin": 2.0}
"""Multiples of the upper limit beyond which a peak may mean liver injury (Hy's law; FDA guidance of July 2009)."""
_QUARTERS = (
    ("Possible Hy’s law: both beyond", True, True),
    ("Temple’s corollary: ALT or AST above 3 alone", True, False),
    ("Cholestasis: bilirubin above 2 alone", False, True),
    ("Normal or nearly so", False, False),
)
"""In words, and whether ALT or AST, and bilirubin, are beyond their limits."""
_LACKS = {
    "events": "Serious adverse events: not collected; these are deaths alone.",
    "disposition": "Deaths: not collected, but where an adverse event was fatal.",
}
_UNENDED = "Ends of follow-up: not collected; everybody counts as observed up to the cut."
_UNCODED = "not coded"
_MOST = 6
"""Laboratory tests that are shown, and weeks of each in a table."""
_CLOSED_ONLY = "Single cases are listed in the closed report only."


def exposure(look: LookData) -> Frame:
    """For everybody randomized the days under observation, up to death, the end of follow-up, or the cut: a series.

    Unknown, and left out of rates, where the day of randomization is, or that of the end.
    """

    entered, ends = look.randomized.set_index("subject_id")["randomized_on"], look.trial.disposition
    ends = ends[ends["milestone"].isin(["died", "withdrew", "lost", "completed"])]
    last = ends.groupby("subject_id")["happened_on"].min().reindex(entered.index)
    last = last.mask(~entered.index.isin(ends["subject_id"]), pd.Timestamp(look.cutoff))
    return (last - entered).dt.days.clip(lower=0) + 1.0


def adverse_events(look: LookData, *, serious: bool = False, at_least: int = 1) -> Frame:
    """Adverse events by body system and term: participants with any, events, rates, and what the arms differ by.

    Args:
        look: by arm, or pooled.
        serious: only serious events; of an event that does not say, this is unknown: it is not counted here.
        at_least: terms that fewer participants had, in all arms together, are left out.

    Columns: body_system, term ("" for any of that system, both "" for any at all), arm, participants, of, share,
    events, days (of exposure), rate (events per 100 person-days), difference, low, high (risk difference against the
    control with the interval of Miettinen and Nurminen; empty for the control and where arms are pooled).

    An event that started before randomization, or of somebody not randomized, does not count; one that may have
    started after it does.
    """
    events = _after_entry(look)
    if serious:
        events = events[events["serious"].fillna(False)]
    days, people = exposure(look), _people(look)
    arm_of = {who: arm for arm, members in people.items() for who in members}
    size = {arm: (len(who), float(days.reindex(who).sum())) for arm, who in people.items()}
    coded = events.assign(
        body_system=events["body_system"].fillna(_UNCODED),
        term=events["term"].fillna(_UNCODED).str.strip(),
        arm=events["subject_id"].map(arm_of),
        placed=events["subject_id"].map(days).notna(),  # events of those who are in the days
    )
    groups = [((_ANY, _ANY), coded)]
    groups += [((str(system), _ANY), own) for system, own in coded.groupby("body_system")]
    groups += [((str(k[0]), str(k[1])), own) for k, own in coded.groupby(["body_system", "term"])]  # type: ignore[index]
    rows = []
    for (system, term), own in groups:
        if term and own["subject_id"].nunique() < at_least:
            continue
        cells = list(zip(own["arm"], own["subject_id"], own["placed"], strict=True))
        hit = {arm: len({who for other, who, _ in cells if other == arm}) for arm in people}
        for arm, (n, person_days) in size.items():
            placed = [each for other, _, each in cells if other == arm]
            row = {"body_system": system, "term": term, "arm": arm, "participants": hit[arm], "of": n}
            row |= {"share": hit[arm] / n if n else math.nan, "events": len(placed), "days": person_days}
            row |= {"rate": 100 * sum(placed) / person_days if person_days else math.nan}
            rows.append(row | _against_control(look, hit, people, arm))
    columns = ["body_system", "term", "arm", "participants", "of", "share", "events", "days", "rate"]
    frame = pd.DataFrame(rows, columns=[*columns, "difference", "low", "high"])
    if len(events):
        frame.attrs |= {} if look.deaths_collected else {"lacks": _UNENDED}
        return frame
    why = f"No {'serious ' if serious else ''}adverse event of these participants is known."
    return with_reason(frame.head(0), NOT_COLLECTED if "events" in look.trial.absent else why)


def _people(look: LookData) -> dict[str, Frame]:
    """Who was randomized to each arm, or at all."""
    return {arm: look.members(arm)["subject_id"] for arm in look.arms}


def _after_entry(look: LookData) -> Frame:
    entered, events = look.randomized, look.trial.events
    events = events[belongs_to(events, entered["subject_id"])]
    start = earliest(entered, "randomized_on").set_axis(entered["subject_id"])
    return events[~(latest(events, "started_on") < of_each(events, start))]


def _against_control(look: LookData, hit: dict[str, int], people: dict[str, Any], arm: str) -> dict[str, float]:
    control = look.plan.control
    if arm == control or control not in people or not len(people[arm]) or not len(people[control]):
        return dict.fromkeys(("difference", "low", "high"), math.nan)
    contrast = risk_difference((hit[arm], len(people[arm]), hit[control], len(people[control])))
    return {name: contrast[name] for name in ("difference", "low", "high")}


@once_a_look
def harms(look: LookData) -> Frame:
    """What a committee asks first: participants with a death, a serious, a related, a severe and any adverse event.

    Columns: what, then those of `adverse_events` from arm on. Severe is grade 3 and above. What an event does not say
    (seriousness, relation, severity) is unknown; `unsaid` counts the participants for whom this stays open. Of what was
    not collected, `participants` is empty. Where adverse events alone tell of deaths, there are at least so many.
    """
    trial, events = look.trial, _after_entry(look)
    kinds: dict[str, tuple[Any, Any] | None] = {
        DEATH: _deaths(look),
        SERIOUS: _split_by_flag(events, events["serious"]),
        "Related adverse event": _split_by_flag(events, events["related"]),
        "Severe adverse event (grade 3 and above)": _split_by_flag(events, (events["severity"] >= 3)),
        "Any adverse event": (events["subject_id"], []),
    }
    if "events" in trial.absent:
        kinds = {what: whose if what == DEATH else None for what, whose in kinds.items()}
    people = _people(look) if any(kinds.values()) else {}
    rows = []
    for what, whose in kinds.items():
        if whose is None:
            rows += [{"what": what, "arm": arm, "participants": None, "of": len(who)} for arm, who in people.items()]
            continue
        sure, open_ = whose
        hit = {arm: int(who.isin(set(sure)).sum()) for arm, who in people.items()}
        for arm, who in people.items():
            n, unsaid = len(who), int((who.isin(set(open_)) & ~who.isin(set(sure))).sum())
            row = {"what": what, "arm": arm, "participants": hit[arm], "of": n, "unsaid": unsaid}
            row |= {"share": hit[arm] / n if n else math.nan}
            apart = what != DEATH or look.deaths_collected
            rows.append(row | (_against_control(look, hit, people, arm) if apart else {}))
    columns = ["what", "arm", "participants", "of", "share", "unsaid", "difference", "low", "high"]
    frame = pd.DataFrame(rows, columns=columns).astype({"participants": "Int64"})
    return with_reason(frame, NOT_COLLECTED)


def _deaths(look: LookData) -> tuple[Any, Any] | None:
    """Who died, and of whom it is not known: of nobody, unless adverse events alone tell of it; None without."""
    ends = look.trial.disposition
    died = ends.loc[ends["milestone"] == "died", "subject_id"]
    if look.deaths_collected:
        return died, []
    return (died, look.randomized["subject_id"]) if died.isin(look.randomized["subject_id"]).any() else None


def _split_by_flag(events: Frame, flag: Frame) -> tuple[Frame, Frame]:
    """Whose event surely is of a kind, and whose does not say."""
    return events.loc[flag.fillna(False), "subject_id"], events.loc[flag.isna(), "subject_id"]


def serious_cases(look: LookData) -> Frame:
    """Every death and serious adverse event of those randomized, one row each, the latest first. Closed reports only.

    Columns: subject_id, site, arm, day (from randomization), started_on, term, severity, related, outcome.
    """
    columns = ["subject_id", "site", "arm", "day", "started_on", "term", "severity", "related", "outcome"]
    if not look.closed:
        return with_reason(pd.DataFrame(columns=columns), _CLOSED_ONLY)
    trial, events = look.trial, _after_entry(look)
    serious = events[events["serious"].fillna(False) | is_fatal(events)]
    deaths = trial.disposition[trial.disposition["milestone"] == "died"]
    deaths = deaths[~deaths["subject_id"].isin(serious.loc[is_fatal(serious), "subject_id"])]
    more = pd.DataFrame({"subject_id": deaths["subject_id"], "started_on": deaths["happened_on"], "term": "Death"})
    rows: Frame = pd.concat([serious, more.assign(severity=5, outcome=deaths["reason"])], ignore_index=True)
    people = look.randomized.set_index("subject_id")
    rows = rows[rows["subject_id"].isin(people.index)]
    of_subject = people.reindex(rows["subject_id"]).set_index(rows.index)
    day = (rows["started_on"] - of_subject["randomized_on"]).dt.days.astype("Int64")
    related = rows["related"].map({True: "yes", False: "no"})
    rows = rows.assign(site=of_subject["site"], arm=of_subject["arm"], day=day, related=related)
    rows = rows.sort_values("started_on", ascending=False, na_position="first", ignore_index=True)[columns]
    nowhere = {"events", "disposition"} <= set(trial.absent)
    for table, lacks in _LACKS.items():
        if table in trial.absent:
            rows.attrs["lacks"] = lacks
    return with_reason(rows, NOT_COLLECTED if nowhere else "No death and no serious adverse event is known.")


@once_a_look
def edish(look: LookData) -> Frame:
    """The highest aminotransferase and bilirubin of everybody randomized, in multiples of the upper limit, after entry.

    Columns: arm, transferase (ALT or AST, whichever is higher), bilirubin, hy (both beyond: 3 and 2). Participants
    without bilirubin, or without both of the others, are not in it. A result beyond what was measured (>1000) counts as
    its limit.
    """
    columns, labs = ["arm", "transferase", "bilirubin", "hy"], _labs(look)
    labs = labs[labs["test"].isin(list(LIVER)) & (labs["upper_limit"] > 0) & labs["value"].notna()]
    measure = labs["test"].map(LIVER)
    peak = (labs["value"] / labs["upper_limit"]).groupby([labs["subject_id"], measure]).max().unstack()
    if not set(_EDISH) <= set(peak):
        return with_reason(pd.DataFrame(columns=columns), NOT_COLLECTED)
    peak = peak.dropna()
    peak["arm"] = peak.index.map(look.arm_of)
    peak["hy"] = (peak["transferase"] > _EDISH["transferase"]) & (peak["bilirubin"] > _EDISH["bilirubin"])
    # in an order that tells nothing of the people
    return peak.sort_values(["transferase", "bilirubin"], ignore_index=True)[columns]


def liver_quarters(look: LookData) -> Frame:
    """Of how many the highest values of `edish` lie where: what, arm, participants, of (those who have both values)."""
    peaks = edish(look)
    if peaks.empty:
        return peaks
    high = [peaks[name] > limit for name, limit in _EDISH.items()]
    rows = []
    for what, *beyond in _QUARTERS:
        inside = (high[0] == beyond[0]) & (high[1] == beyond[1])
        for arm, own in inside.groupby(peaks["arm"]):
            rows.append({"what": what, "arm": arm, "participants": int(own.sum()), "of": len(own)})
    frame = pd.DataFrame(rows)
    return frame.sort_values("arm", key=lambda arm: arm.map(list(look.arms).index), kind="stable", ignore_index=True)


def _labs(look: LookData) -> Frame:
    """Values of those randomized from that day on, with the day; a value without a day does not count."""
    entered, labs = look.randomized.set_index("subject_id")["randomized_on"], look.trial.labs
    labs = labs[belongs_to(labs, entered.index)]
    day = (labs["taken_on"] - of_each(labs, entered)).dt.days
    return labs.assign(day=day)[day >= 0]


def laboratory(look: LookData) -> Frame:
    """Quartiles of each laboratory value, week by week since randomization; of the six tests with the most values.

    Columns: test, unit, arm, week, n, low, median, high (quartiles). A test in several units is shown in its commonest.
    """
    labs = _labs(look)
    labs = labs[labs["value"].notna()]
    if labs.empty:
        return with_reason(None, NOT_COLLECTED)
    labs = labs[labs["test"].isin(labs["test"].value_counts().head(_MOST).index)]
    unit = labs.groupby("test")["unit"].agg(lambda units: next(iter(units.mode()), ""))
    labs = labs[labs["unit"].fillna("") == labs["test"].map(unit)]
    labs = labs.assign(arm=labs["subject_id"].map(look.arm_of), week=(labs["day"] // 7).astype(int))
    summary = labs.groupby(["test", "arm", "week"])["value"].agg(
        n="size", low=lambda v: np.quantile(v, 0.25), median="median", high=lambda v: np.quantile(v, 0.75)
    )
    return summary.reset_index().assign(unit=lambda frame: frame["test"].map(unit))


def laboratory_by_week(look: LookData) -> Frame:
    """The same for a table: `test` with its unit, and of each test at most six weeks, first and last too."""
    values = laboratory(look)
    if values.empty:
        return values
    kept = []
    for _, own in values.groupby("test"):
        weeks = np.unique(own["week"])
        some = weeks[np.unique(np.linspace(0, len(weeks) - 1, _MOST).round().astype(int))]
        kept.append(own[own["week"].isin(some)].sort_values("week", kind="stable"))
    unit = values["unit"].map(printed_unit)
    named = values["test"] + (", " + unit).where(unit != "", "")
    return pd.concat(kept).assign(test=named)
