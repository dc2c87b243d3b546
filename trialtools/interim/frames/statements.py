"""A closed look goes in, the sentences of its page 1 come out: safety first, with direction; the committee judges.

No sentence says what to do. The lead is the first of these that holds: safety was not collected; the boundary for harm
is crossed, or z lies on the side of harm by 1.96; z is below 0; the boundary for benefit is crossed, or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

from ...figures.format import capital, count, enumeration, number
from ..data.tables import Frame
from ..lookdata import LookData
from .effect import Effect, why_no_comparison
from .endpoint import endpoint_rows
from .looks import (
    adjusted_interval,
    chances_ahead,
    crosses_boundary,
    crosses_harm,
    final_difference,
    is_last,
    this_look,
)
from .safety_words import safety_line, worse_with
from .wording import arm_in_sentence, direction, endpoint_of_look, goal_of, in_100, share

_HARM_Z = -1.96
"""From here on the plain 95 % interval lies on the side of harm."""
_RARE = 10_000
_ARM = "\N{REPLACEMENT CHARACTER}"
"""In place of the arm, where a sentence may hold for several."""


class Comparison(NamedTuple):
    """A look at one experimental arm against the control, its effect, and its boundaries."""

    look: LookData
    effect: Effect | None
    boundaries: Frame


def lead_of(each: Sequence[Comparison], gaps: Sequence[str], excess: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """The sentences in large print, those on harm first, and their tone.

    Args:
        each: comparison with the control.
        gaps: the safety data that were not collected; excess: harm that more participants had with an arm.
    """
    harmed = {one.plan.arm for one, effect, frame in each if effect and _leans_to_harm(effect, this_look(frame))}
    parts = []
    if gaps:
        missing = " and ".join(gaps)
        parts.append(f"Safety cannot be judged from this report: {missing} were not in the data handed in.")
    for look, effect, frame in each:
        if effect and look.plan.arm in harmed:
            parts.append(_harm_lead(look, effect, this_look(frame), worse_with(excess, look.plan.arm)))
    others = [one for one in each if one.look.plan.arm not in harmed]
    parts += [] if gaps else _benefit_leads(others, len(each) > 1)
    arms: dict[str, list[str]] = {}
    for arm in dict.fromkeys(row["arm"] for row in excess if row["arm"] not in harmed):
        arms.setdefault(worse_with(excess, arm), []).append(arm_in_sentence(each[0].look, arm))
    parts += [f"More participants with {enumeration(names)} {worse}." for worse, names in arms.items()]
    tone = "harm" if harmed or excess else "gap" if gaps else ""
    return " ".join(parts), tone


def _leans_to_harm(effect: Effect, row: Any) -> bool:
    """Whether z lies beyond the declared boundary for harm, or the plain 95 % interval on the side of harm."""
    return crosses_harm(row) or effect.z_of_none <= _HARM_Z


def _direction(look: LookData, effect: Effect, arm: str) -> str:
    return direction(effect, endpoint_of_look(look), arm, arm_in_sentence(look, look.plan.control))


def _harm_lead(look: LookData, effect: Effect, row: Any, worse: str) -> str:
    start = "The boundary for harm is crossed" if crosses_harm(row) else "The results lean towards HARM"
    also = f", and more {worse}" if worse else ""
    ruled_out = look.plan.margin is not None and crosses_boundary(row)
    besides = f" All the same, {_margin(look, effect)}, the margin, is ruled out." if ruled_out else ""
    if crosses_harm(row) and look.plan.harm and look.plan.harm.against == "margin":
        besides = f" The difference exceeds the margin, {_margin(look, effect)}."
    return f"{start}: {_direction(look, effect, arm_in_sentence(look, look.plan.arm))}{also}.{besides}"


def _benefit_leads(each: Sequence[Comparison], several: bool) -> list[str]:
    """What the boundary says of each arm; arms with the same result share a sentence."""
    arms: dict[str, list[str]] = {}
    for one in each:
        lead = _benefit_lead(*one, f" for {_ARM}" * several)
        arms.setdefault(lead, []).append(arm_in_sentence(one.look, one.look.plan.arm))
    return [text.replace(_ARM, enumeration(names)) for text, names in arms.items()]


def _benefit_lead(look: LookData, effect: Effect | None, frame: Frame, of: str) -> str:
    if effect is None:
        return f"{why_no_comparison(look)}{f' This holds{of}.' if of else ''}"
    row, last, way, goal = this_look(frame), is_last(frame), _direction(look, effect, _ARM), goal_of(look.plan)
    boundary = f"The {'final ' if last else ''}boundary for {'' if last else 'stopping early for '}{goal}"
    verdict = "is" if crosses_boundary(row) else "is not"
    if goal != "benefit":
        return (
            f"{boundary} {verdict} crossed{of}: {_margin(look, effect)}, the margin, {verdict} ruled out. So far {way}."
        )
    if row["z"] < 0:
        return f"No benefit so far: {way}, the direction of harm; this can still be chance."
    if crosses_boundary(row):
        return f"{boundary} is crossed{of}: {way}."
    so_far = capital(way) if last else f"So far {way}"
    futile = bool(not last and row["z"] <= row["futility"])
    ended = f" The boundary for futility is crossed{of}; it does not bind." * futile
    return f"{boundary} is not crossed{of}. {so_far}.{ended}"


def _margin(look: LookData, effect: Effect) -> str:
    """The margin of non-inferiority and its side, in words: "10.0 percentage points more"."""
    null, measure = look.plan.null, effect.measure
    if measure.words:
        return measure.size(null, measure.unit)
    return f"a {measure.name.lower()} of {measure.size(null, measure.unit)} or {'more' if null > 0 else 'less'}"


def lines_of(whole: LookData, each: Sequence[Comparison], gaps: Sequence[str]) -> list[tuple[str, str]]:
    """Safety, then of each comparison the endpoint, the boundary and what is ahead; what cannot be said says why.

    Of several comparisons, each has one line, named by its arm.
    """
    lines = [("Safety", safety_line(whole, gaps))]
    for look, effect, frame in each:
        parts = [("Comparison", why_no_comparison(look))]
        if effect:
            parts = [
                (capital(endpoint_of_look(whole).title), _endpoint_line(look, effect, frame)),
                ("Boundary", _boundary_line(look, effect, frame, bool(gaps))),
                ("Ahead", _ahead_line(look, effect, frame)),
            ]
        arm = capital(arm_in_sentence(look, look.plan.arm))
        lines += parts if len(each) == 1 else [(arm, " ".join(text for _, text in parts))]
    return lines


def _endpoint_line(look: LookData, effect: Effect, frame: Frame) -> str:
    row, measure = this_look(frame), effect.measure
    text = "No benefit so far. " if row["z"] < 0 and look.plan.margin is None else ""
    text += _SEEN[effect.kind](look, effect, *(arm_in_sentence(look, arm) for arm in effect.people))
    if math.isfinite(row["bound"]):
        what = "anything" if measure.words else f"any {measure.name.lower()}"
        interval = measure.from_to(*adjusted_interval(effect, row["bound"]))
        text += f" Adjusted for the looks, the data agree with {what} {interval}."
    if crosses_boundary(row) and not is_last(frame) and (final := final_difference(look)):
        text += " A trial that stops early tends to show too large an effect; corrected for that, the estimate is "
        text += f"{measure.size(final[0])}."
    return text


def _events(look: LookData, effect: Effect, arm: str, control: str) -> str:
    endpoint, (hits, others) = endpoint_of_look(look), (share(*each) for each in effect.events.values())
    detail = f" {endpoint.detail}" if endpoint.detail else ""
    so_far = " so far" * (effect.kind == "time_to_event")  # of all followed, and of some for less than that
    return f"{hits} with {arm} and {others} with {control} {endpoint.past_text}{detail}{so_far or endpoint.by_day}"


def _risks(look: LookData, effect: Effect, arm: str, control: str) -> str:
    points = effect.measure.size(effect.difference, "percentage points")
    return f"{_events(look, effect, arm, control)}: {points} with {arm}."


def _hazards(look: LookData, effect: Effect, arm: str, control: str) -> str:
    ratio = effect.measure.text(effect.difference)
    return f"{_events(look, effect, arm, control)}: hazard ratio {ratio}; below 1, it comes later with {arm}."


def _means(look: LookData, effect: Effect, arm: str, control: str) -> str:
    (mean, other), (n, m) = ([number(each, 2) for each in effect.means.values()], map(count, effect.people.values()))
    day = endpoint_of_look(look).by_day
    text = f"The mean{day} is {mean} with {arm} ({n} participants) and {other} with {control} ({m})"
    adjusted = "; adjusted for the baseline" if endpoint_rows(look)["baseline"].nunique() > 1 else ""
    return f"{text}{adjusted}: {effect.measure.size(effect.difference)} with {arm}."


def _wins(look: LookData, effect: Effect, arm: str, control: str) -> str:
    (n, m), chance = map(count, effect.people.values()), effect.measure.text(effect.difference)
    text = f"Of one participant with {arm} and one with {control}, the first has the better outcome"
    pairs = f"{endpoint_of_look(look).by_day} in {chance} of 100 pairs; ties count half, and 50 is no difference"
    return f"{text}{pairs} ({n} and {m} participants)."


_SEEN = {"binary": _risks, "time_to_event": _hazards, "continuous": _means, "ordinal": _wins}


def _boundary_line(look: LookData, effect: Effect, frame: Frame, gaps: bool) -> str:
    row, last, goal = this_look(frame), is_last(frame), goal_of(look.plan)
    z, at, against = number(row["z"], 2), "last look" if last else "look", " against the margin" * (goal != "benefit")
    if effect.z_of_none < 0 and not against:
        return f"z is {z}, below zero: the direction of harm. {_harm_rule(row)}"
    beside = _harm_beside(row) if against and effect.z_of_none < 0 and not math.isnan(row["harm"]) else ""
    if not math.isfinite(row["bound"]):
        why = "all alpha was spent before" if last else "hardly any alpha is spent so early"
        return f"z{against} is {z}; no z is enough to stop for {goal} at this look: {why}.{beside}"
    needed = f"z{against} is {z}; {number(row['bound'], 2)} was needed at this {at}"
    if not crosses_boundary(row) and gaps:
        return f"{needed}: not crossed.{beside}"
    if not crosses_boundary(row):
        if against and effect.z_of_none <= _HARM_Z and math.isnan(row["z_harm"]):
            needed += f"; against no difference z is {number(effect.z_of_none, 2)}, the direction of harm"
        say = " Not crossing it is in itself no reason to go on: it says nothing of safety." * (not last)
        return f"{needed}.{say}{beside}"
    if last:
        return f"{needed}.{beside}"
    missing = _of_these_arms(look)["state"].eq("missing").sum()
    weighed = ", ".join(["safety", *([f"{count(missing)} missing outcomes"] if missing else [])])
    so_far = f"{count(row['information'])} of {count(look.plan.planned)}{' events' * (effect.kind == 'time_to_event')}"
    return (
        f"{needed}.{beside} The plan allows to stop for {goal}; it does not require it. "
        f"To be weighed: {weighed}, and what is lost by stopping with {so_far}."
    )


def _of_these_arms(look: LookData) -> Frame:
    """The known primary outcomes of the compared arms, and of participants without a known arm."""
    rows = endpoint_rows(look)
    return rows[rows["arm"].isin(look.plan.arms) | rows["arm"].isna()]


def _harm_beside(row: Any) -> str:
    """Of non-inferiority, the boundary for harm, and the z that is held against it where it is another one."""
    other = "" if math.isnan(row["z_harm"]) else f"against no difference z is {number(row['z_harm'], 2)}; there "
    return f" {capital(other + _harm_lies(row))}."


def _harm_lies(row: Any) -> str:
    if row["harm"] == -math.inf:
        return "no z is enough for the boundary for harm at this look"
    beyond = "is crossed" if crosses_harm(row) else "is not crossed"
    return f"the boundary for harm lies at {number(row['harm'], 2)} at this look and {beyond}"


def _harm_rule(row: Any) -> str:
    if not math.isnan(row["harm"]):
        return f"{capital(_harm_lies(row))}. The committee judges."
    chance = 1 / max(NormalDist().cdf(row["z"]), 1e-300)
    often = f"about 1 of {count(round(chance, -1) if chance >= 20 else round(chance))}"
    often = often if chance <= _RARE else f"fewer than 1 of {count(_RARE)}"
    return (
        "This protocol plans a boundary for benefit only, so no rule speaks here; without one, a z this far below zero "
        f"comes by chance in {often} trials without effect. The committee judges."
    )


def _ahead_line(look: LookData, effect: Effect, frame: Frame) -> str:
    if is_last(frame):
        early = look.number < len(look.plan.looks)
        return (
            "All that was planned is known: this is the last look." if early else "This is the last look of the design."
        )
    if crosses_boundary(this_look(frame)):
        status = _of_these_arms(look)["state"]
        if effect.kind == "time_to_event":
            left = max(look.plan.planned - this_look(frame)["information"], 0)
            return f"If the trial goes on, {count(left)} events are still to come."
        still = max(look.plan.sample_size - len(status), 0)
        return (
            f"If the trial goes on, {count(status.eq('to come').sum())} outcomes already under way and {count(still)} "
            "participants still to come will be added."
        )
    chances = chances_ahead(look)
    if not chances:
        return f"No chance can be given: {effect.why_alike}."
    where = "at the last look" if (frame["state"] == "ahead").sum() == 1 else "at one of the looks to come"
    chance_is = f"he chance to show {goal_of(look.plan)} {where} is"
    if all(chance < 0.005 for chance in chances.values()):
        # "whatever" takes what the design hopes for, and it may not say
        either = " if what was seen so far goes on, or if there is no effect from now on"
        return f"T{chance_is} below 1 in 100{either if look.plan.hoped is None else ', whatever is assumed'}."
    return f"If what was seen so far goes on, t{chance_is} {in_100(chances['trend'])}."
