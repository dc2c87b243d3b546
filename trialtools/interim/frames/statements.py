"""A closed look goes in, the sentences of its page 1 come out: safety first, with direction; the committee judges.

No sentence says what to do. The lead is the first of these that holds: safety was not collected; the boundary for harm
is crossed, or z lies on the side of harm by 1.96; z is below 0; the boundary for benefit is crossed, or not.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

from ...figures.format import count, number, percent
from ..data.tables import Frame
from ..endpoint import Endpoint
from ..lookdata import LookData
from .effect import Effect, primary_effect, why_no_comparison
from .endpoint_rows import endpoint_rows
from .looks import (
    adjusted_interval,
    boundaries,
    conditional_power_table,
    crossed,
    final_difference,
    is_last,
    this_look,
)
from .measure import MEASURES
from .safety import DEATH, SERIOUS, edish, harms
from .wording import direction, from_to, in_100, in_sentence, more_or_fewer, share

_HARM_Z = -1.96
"""From here on the plain 95 % interval lies on the side of harm."""
_EXCESS = {SERIOUS: "have serious adverse events", DEATH: "die"}
MISSING = {"serious adverse events": "the table of events (adverse events)", "deaths": "the milestone “died”"}
NORMAL = NormalDist()


def arms_told(look: LookData) -> list[str]:
    """The arms of this look, the control last."""
    return [arm for arm in look.plan.arms if arm in look.arms]


def endpoint_of_look(look: LookData) -> Endpoint:
    """The declared endpoint; of a trial that declares none, the one that there is."""
    name = look.trial.endpoint or "outcome"
    better = "lower" if look.plan.sign < 0 else "higher"
    return look.plan.endpoint or Endpoint(name, "binary", better, look.trial.window)


def gaps_of(look: LookData) -> list[str]:
    """What of safety was not in the data."""
    gaps = ["deaths"] if not look.deaths_collected else []
    return [*gaps, *(["serious adverse events"] if "events" in look.trial.absent else [])]


def excess_of(look: LookData) -> dict[str, Any]:
    """The kinds of harm that more participants had with an experimental arm, by an interval above 0."""
    frame = harms(look)
    rows = frame[frame["what"].isin(list(_EXCESS)) & (frame["low"] > 0)] if len(frame) else frame
    return {row["what"]: row for row in rows.to_dict("records")}


def lead_of(
    look: LookData, found: Effect | None, frame: Frame, gaps: list[str], excess: dict[str, Any]
) -> tuple[str, str]:
    """The sentence in large print, and its tone."""
    parts = []
    if gaps:
        missing = " and ".join(gaps)
        parts.append(f"Safety cannot be judged from this report: {missing} were not in the data handed in.")
    worse = [_EXCESS[what] for what in (SERIOUS, DEATH) if what in excess]
    harm = found is not None and _leans_to_harm(found, this_look(frame))
    if harm and found:
        parts.append(_harm_lead(look, found, this_look(frame), worse))
    elif not gaps:
        parts.append(_benefit_lead(look, found, frame))
    if worse and not harm:
        arms = _and([in_sentence(look, arm) for arm in dict.fromkeys(row["arm"] for row in excess.values())])
        parts.append(f"More participants with {arms} {' and '.join(worse)}.")
    tone = "harm" if harm or worse else "gap" if gaps else ""
    return " ".join(parts), tone


def _leans_to_harm(found: Effect, row: Any) -> bool:
    """Whether z lies beyond the declared boundary for harm, or the plain 95 % interval on the side of harm."""
    return bool(row["z"] <= row["harm"] or found.z_of_none <= _HARM_Z)


def _direction(look: LookData, found: Effect) -> str:
    arm, control = look.plan.experimental[0], look.plan.control
    return direction(found, endpoint_of_look(look), in_sentence(look, arm), in_sentence(look, control))


def _harm_lead(look: LookData, found: Effect, row: Any, worse: list[str]) -> str:
    start = "The boundary for harm is crossed" if row["z"] <= row["harm"] else "The results lean towards HARM"
    also = f", and more {' and '.join(worse)}" if worse else ""
    ruled_out = look.plan.margin is not None and crossed(row)
    besides = f" All the same, {_margin(look)}, the margin, is ruled out." if ruled_out else ""
    return f"{start}: {_direction(look, found)}{also}.{besides}"


def _benefit_lead(look: LookData, found: Effect | None, frame: Frame) -> str:
    if found is None:
        return why_no_comparison(look)
    row, way = this_look(frame), _direction(look, found)
    if look.plan.margin is not None:
        return _margin_lead(look, row, way, is_last(frame))
    if row["z"] < 0:
        return f"No benefit so far: {way}, the direction of harm; the difference can still be chance."
    last = is_last(frame)
    boundary = "The final boundary for benefit" if last else "The boundary for stopping early for benefit"
    if crossed(row):
        return f"{boundary} is crossed: {way}."
    so_far = _capital(way) if last else f"So far {way}"
    futile = bool(not last and row["z"] <= row["futility"])
    return f"{boundary} is not crossed. {so_far}." + " The boundary for futility is crossed; it does not bind." * futile


def _margin(look: LookData) -> str:
    """The margin of non-inferiority and its side, in words: "10.0 percentage points more"."""
    plan = look.plan
    measure = MEASURES[plan.kind]
    if plan.kind in ("time_to_event", "ordinal"):
        beyond = "more" if plan.null > 0 else "less"
        size = f"{measure.text(plan.null)} {measure.unit}".strip()
        return f"a {measure.name.lower()} of {size} or {beyond}"
    return more_or_fewer(plan.null, measure.unit, plan.kind)


def _margin_lead(look: LookData, row: Any, way: str, last: bool) -> str:
    boundary = f"The {'final ' if last else ''}boundary for {'' if last else 'stopping early for '}non-inferiority"
    said = "is" if crossed(row) else "is not"
    return f"{boundary} {said} crossed: {_margin(look)}, the margin, {said} ruled out. So far {way}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def lines_of(look: LookData, found: Effect | None, frame: Frame, gaps: list[str]) -> list[tuple[str, str]]:
    """Safety, the endpoint, the boundary, and what is ahead; what cannot be said says why."""
    lines = [("Safety", _safety(look, gaps))]
    if found is None:
        return [*lines, ("Comparison", why_no_comparison(look))]
    title = endpoint_of_look(look).title
    return [
        *lines,
        (_capital(title), _endpoint_line(look, found, frame)),
        ("Boundary", _boundary_line(look, found, frame, bool(gaps))),
        ("Ahead", _ahead_line(look, frame)),
    ]


def harm_by_arm(look: LookData, what: str) -> dict[str, Any]:
    """What is known of one kind of harm, arm by arm; nothing where it was not collected."""
    frame = harms(look).dropna(subset="participants")
    return {row["arm"]: row for row in frame[frame["what"] == what].to_dict("records")}


def harm_of(row: dict[str, Any], shares: bool) -> str:
    n, of = row["participants"], row["of"]
    text = count(n) + (f" ({percent(n / of)})" if shares and n and of else "")
    if unsaid := row.get("unsaid"):
        text = f"at least {count(n)}" if n + unsaid == of else f"{text}, at most {count(n + unsaid)}"
    return text


def _safety(look: LookData, gaps: list[str]) -> str:
    arms, parts = arms_told(look), []
    if gaps:
        missing = " and ".join(words for gap, words in MISSING.items() if gap in gaps)
        parts.append(f"Not collected is not none. Missing: {missing}.")
    for what, words in ((DEATH, "Deaths"), (SERIOUS, "Participants with a serious adverse event")):
        rows = harm_by_arm(look, what)
        if not rows:
            continue
        texts = [harm_of(rows[arm], what == SERIOUS) for arm in arms]
        if what == DEATH:
            texts = [f"{text} with {in_sentence(look, arm)}" for text, arm in zip(texts, arms, strict=True)]
            parts.append(f"{words}: {', '.join(texts)}.")
        else:
            parts.append(f"{words}: {_and(texts)}{_more(look, rows)}.")
    liver = edish(look)
    if len(liver):
        hits = liver.groupby("arm")["hy"].sum()
        said = [count(hits.get(arm, 0)) for arm in arms]
        if gaps:
            said = [f"{text} with {in_sentence(look, arm)}" for text, arm in zip(said, arms, strict=True)]
            parts.append(f"Laboratory values are there: possible Hy’s law in {_and(said)}.")
        else:
            parts.append(f"Possible Hy’s law: {_and(said)}.")
    else:
        parts.append("Laboratory values of the liver: not collected.")
    if gaps:
        parts.append("The committee may ask for the missing tables before it recommends anything.")
    return " ".join(parts)


def _more(look: LookData, rows: dict[str, Any]) -> str:
    """How many more have a serious adverse event, where the interval lies above 0."""
    more = [
        f"{more_or_fewer(row['difference'], 'percentage points')} with {in_sentence(look, arm)} "
        f"({number(100 * row['low'])} to {number(100 * row['high'])} more)"
        for arm, row in rows.items()
        if row["low"] > 0
    ]
    return f", {', '.join(more)}" if more else ""


def _and(texts: list[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def _endpoint_line(look: LookData, found: Effect, frame: Frame) -> str:
    row, kind = this_look(frame), found.kind
    text = "No benefit so far. " if row["z"] < 0 and look.plan.margin is None else ""
    text += _ENDPOINT_LINES[kind](look, found)
    if math.isfinite(row["bound"]):
        adjusted = adjusted_interval(found, row["bound"])
        text += f" Adjusted for the looks, the data agree with anything {from_to(*adjusted, kind)}."
    if crossed(row) and not is_last(frame) and (final := final_difference(look)):
        text += " A trial that stops early tends to show too large an effect; corrected for that, the estimate is "
        own = kind in ("time_to_event", "ordinal")
        text += f"{found.measure.text(final[0]) if own else more_or_fewer(final[0], kind=kind)}."
    return text


def _of_risks(look: LookData, found: Effect) -> str:
    endpoint, (arm, control) = endpoint_of_look(look), (in_sentence(look, each) for each in found.people)
    (hits, n), (others, m) = found.events.values()
    difference = f"{more_or_fewer(found.difference, 'percentage points')} with {arm}"
    text = f"{share(hits, n)} with {arm} and {share(others, m)} with {control} {endpoint.happened}"
    return text + f" {endpoint.detail}" * bool(endpoint.detail) + f"{endpoint.by_day}: {difference}."


def _of_hazards(look: LookData, found: Effect) -> str:
    endpoint, (arm, control) = endpoint_of_look(look), (in_sentence(look, each) for each in found.people)
    (hits, n), (others, m) = found.events.values()
    ratio = found.measure.text(found.difference)
    text = f"{share(hits, n)} with {arm} and {share(others, m)} with {control} {endpoint.happened}"
    text += f" {endpoint.detail}" * bool(endpoint.detail) + endpoint.by_day
    return f"{text}: hazard ratio {ratio}; below 1, it comes later with {arm}."


def _of_means(look: LookData, found: Effect) -> str:
    endpoint, (arm, control) = endpoint_of_look(look), (in_sentence(look, each) for each in found.people)
    (mean, other), (n, m) = ([number(each, 2) for each in found.means.values()], map(count, found.people.values()))
    difference = f"{more_or_fewer(found.difference, kind='continuous')} with {arm}"
    text = f"The mean{endpoint.by_day} is {mean} with {arm} ({n} participants) and {other} with {control} ({m})"
    adjusted = "; adjusted for the baseline" if endpoint_rows(look)["baseline"].nunique() > 1 else ""
    return f"{text}{adjusted}: {difference}."


def _of_wins(look: LookData, found: Effect) -> str:
    endpoint, (arm, control) = endpoint_of_look(look), (in_sentence(look, each) for each in found.people)
    n, m = map(count, found.people.values())
    chance = found.measure.text(found.difference)
    text = f"Of one participant with {arm} and one with {control}, the first has the better outcome{endpoint.by_day} in"
    return f"{text} {chance} of 100 pairs; ties count half, and 50 is no difference ({n} and {m} participants)."


_ENDPOINT_LINES = {"binary": _of_risks, "time_to_event": _of_hazards, "continuous": _of_means, "ordinal": _of_wins}


def _boundary_line(look: LookData, found: Effect, frame: Frame, gaps: bool) -> str:
    row, last = this_look(frame), is_last(frame)
    z, bound, at = number(row["z"], 2), number(row["bound"], 2), "last look" if last else "look"
    against = "" if look.plan.margin is None else " against the margin"
    if found.z_of_none < 0 and not against:
        return f"z is {z}, below zero: the direction of harm. {_harm_rule(row, z)}"
    if not math.isfinite(row["bound"]):
        why = "all alpha was spent before" if last else "hardly any alpha is spent so early"
        return f"z{against} is {z}; no z is enough to stop for benefit at this look: {why}."
    if not crossed(row):
        needed = f"z{against} is {z}; {bound} was needed at this {at}"
        if gaps:
            return f"{needed}: not crossed."
        if against and found.z_of_none <= _HARM_Z:
            needed += f"; against no difference z is {number(found.z_of_none, 2)}, the direction of harm"
        return f"{needed}." + " Not crossing it is in itself no reason to go on: it says nothing of safety." * (
            not last
        )
    if last:
        return f"z{against} is {z}; {bound} was needed at this {at}."
    missing = endpoint_rows(look)["state"].eq("missing").sum()
    weighed = [f"{count(missing)} missing outcomes"] if missing else []
    events = " events" if found.kind == "time_to_event" else ""
    so_far = f"what is lost by stopping with {count(row['information'])} of {count(look.plan.planned)}{events}"
    return (
        f"z{against} is {z}; {bound} was needed at this look. The plan allows to stop for "
        f"{'non-inferiority' if against else 'benefit'}; it does not require it. "
        f"To be weighed: {', '.join(['safety', *weighed])}, and {so_far}."
    )


def _harm_rule(row: Any, z: str) -> str:
    if row["harm"] == -math.inf:
        return "No z is enough for the boundary for harm at this look. The committee judges."
    if not math.isnan(row["harm"]):
        beyond = "is crossed" if row["z"] <= row["harm"] else "is not crossed"
        place = number(row["harm"], 2)
        return f"The boundary for harm lies at {place} at this look and {beyond}. The committee judges."
    chance = 1 / float(NORMAL.cdf(row["z"]))
    rounded = round(chance, -1) if chance >= 20 else round(chance)
    return (
        "This protocol plans a boundary for benefit only, so no rule speaks here; without one, a z this far below zero "
        f"comes by chance in about 1 of {count(rounded)} trials without effect. The committee judges."
    )


def _ahead_line(look: LookData, frame: Frame) -> str:
    if is_last(frame):
        return "This is the last look of the design."
    if crossed(this_look(frame)):
        status = endpoint_rows(look)["state"]
        if look.plan.kind == "time_to_event":
            left = max(look.plan.planned - this_look(frame)["information"], 0)
            return f"If the trial goes on, {count(left)} events are still to come."
        still = max(look.plan.sample_size - len(status), 0)
        return (
            f"If the trial goes on, {count(status.eq('to come').sum())} outcomes already under way and {count(still)} "
            "participants still to come will be added."
        )
    table = conditional_power_table(look)
    if table.empty:
        return "No chance can be given: nobody has had the event yet."
    what = "benefit" if look.plan.margin is None else "non-inferiority"
    where = "at the last look" if (frame["state"] == "ahead").sum() == 1 else "at one of the looks to come"
    if (table["chance"] < 0.005).all():
        return f"The chance to show {what} {where} is below 1 in 100, whatever is assumed."
    return f"If what was seen so far goes on, the chance to show {what} {where} is {in_100(table['chance'].iloc[0])}."


def caveats(look: LookData) -> str:
    """What a reader of the effect must know beside it: who takes no part, what was taken for granted; often nothing."""
    found, trial = primary_effect(look), look.trial
    if found is None:
        return ""
    told, alone = [], sum(found.people.values()) - found.n
    if alone:
        told.append(f"{count(alone)} with the outcome known take no part: their stratum has nobody of the other arm.")
    if found.unstratified and found.kind != "continuous" and trial.subjects["stratum"].notna().any():
        told.append(f"Not stratified, for the stratum of {count(found.unstratified)} participants is not known.")
    rows = endpoint_rows(look)
    early = int((rows["state"].eq("to come") & rows["value"].eq(1)).sum()) if found.kind == "binary" else 0
    if early:
        told.append(f"The curves below also show {count(early)} whose event came before their last day has passed.")
    told += _of_measurements(rows) if found.kind in ("continuous", "ordinal") else []
    if trial.window is None and found.kind != "time_to_event":
        told.append("The design names no day by which the endpoint counts: everybody does, however early.")
    frame = boundaries(look)
    before = frame[frame["state"] == "done"]
    if taken := [str(row.look) for row in before.itertuples() if math.isnan(row.z)]:
        told.append(f"Of look {' and '.join(taken)} no z is known: its information is as planned, or as last written.")
    return " ".join(told)


def _of_measurements(rows: Frame) -> list[str]:
    """On which days the values were seen, and of how many the baseline is not known."""
    used = rows[rows["state"] == "known"]
    days = (used["observed_on"] - used["randomized_on"]).dt.days.dropna()
    told = []
    if len(days):
        first, middle, last = (f"{each:.0f}" for each in (days.min(), days.median(), days.max()))
        seen = f"it was seen on day {first} to {last} (median {middle})"
        told.append(f"The last value up to the end of the window counts; {seen}.")
    without = int(used["baseline"].isna().sum())
    if 0 < without < len(used):
        told.append(f"Of {count(without)} the baseline is not known; the mean of the others stands for it.")
    return told
