"""A closed look goes in, the sentences of its page 1 come out: safety first, with direction; the committee judges.

No sentence says what to do. The lead is the first of these that holds: safety was not collected; the boundary for harm
is crossed, or z lies on the side of harm by 1.96; z is below 0; the boundary for benefit is crossed, or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from ...figures.format import count, number
from ..data.tables import Frame
from ..endpoint import Endpoint
from ..lookdata import LookData
from .effect import Effect, why_no_comparison
from .endpoint import endpoint_rows
from .looks import (
    adjusted_interval,
    conditional_power_table,
    crossed,
    final_difference,
    is_last,
    this_look,
)
from .measure import MEASURES
from .safety_words import safety_line, worse_with
from .wording import direction, enumerated, from_to, in_100, in_sentence, more_or_fewer, share

_HARM_Z = -1.96
"""From here on the plain 95 % interval lies on the side of harm."""
NORMAL = NormalDist()


def endpoint_of_look(look: LookData) -> Endpoint:
    """The declared endpoint; of a trial that declares none, the one that there is."""
    name = look.trial.endpoint or "outcome"
    better = "lower" if look.plan.sign < 0 else "higher"
    return look.plan.endpoint or Endpoint(name, "binary", better, look.trial.window)


def lead_of(
    each: Sequence[tuple[LookData, Effect | None, Frame]], gaps: Sequence[str], excess: Sequence[dict[str, Any]]
) -> tuple[str, str]:
    """The sentences in large print, those on harm first, and their tone.

    Args:
        each: comparison with the control: the look, its effect, its boundaries.
        gaps: what of safety was not collected; excess: harm that more participants had with an arm.
    """
    parts, told = [], set()
    if gaps:
        missing = " and ".join(gaps)
        parts.append(f"Safety cannot be judged from this report: {missing} were not in the data handed in.")
    for look, found, frame in each:
        if found and _leans_to_harm(found, this_look(frame)):
            arm = look.plan.experimental[0]
            parts.append(_harm_lead(look, found, this_look(frame), worse_with(excess, arm)))
            told.add(arm)
    harm = bool(told)
    parts += [_benefit_lead(*one) for one in each if not gaps and one[0].plan.experimental[0] not in told]
    arms: dict[str, list[str]] = {}
    for arm in dict.fromkeys(row["arm"] for row in excess if row["arm"] not in told):
        arms.setdefault(worse_with(excess, arm), []).append(in_sentence(each[0][0], arm))
    parts += [f"More participants with {enumerated(names)} {worse}." for worse, names in arms.items()]
    tone = "harm" if harm or excess else "gap" if gaps else ""
    return " ".join(dict.fromkeys(parts)), tone


def _leans_to_harm(found: Effect, row: Any) -> bool:
    """Whether z lies beyond the declared boundary for harm, or the plain 95 % interval on the side of harm."""
    return bool(row["z"] <= row["harm"] or found.z_of_none <= _HARM_Z)


def _direction(look: LookData, found: Effect) -> str:
    arm, control = look.plan.experimental[0], look.plan.control
    return direction(found, endpoint_of_look(look), in_sentence(look, arm), in_sentence(look, control))


def _harm_lead(look: LookData, found: Effect, row: Any, worse: str) -> str:
    start = "The boundary for harm is crossed" if row["z"] <= row["harm"] else "The results lean towards HARM"
    also = f", and more {worse}" if worse else ""
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


def lines_of(
    whole: LookData, each: Sequence[tuple[LookData, Effect | None, Frame]], gaps: Sequence[str]
) -> list[tuple[str, str]]:
    """Safety, then of each comparison the endpoint, the boundary and what is ahead; what cannot be said says why.

    Where there are several comparisons, each line says of which arm it is.
    """
    lines, title = [("Safety", safety_line(whole, gaps))], _capital(endpoint_of_look(whole).title)
    for look, found, frame in each:
        of = f", {in_sentence(look, look.plan.experimental[0])}" if len(each) > 1 else ""
        if found is None:
            lines.append((f"Comparison{of}", why_no_comparison(look)))
            continue
        lines += [
            (f"{title}{of}", _endpoint_line(look, found, frame)),
            (f"Boundary{of}", _boundary_line(look, found, frame, bool(gaps))),
            (f"Ahead{of}", _ahead_line(look, frame)),
        ]
    return lines


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
    missing = _of_these_arms(look)["state"].eq("missing").sum()
    weighed = [f"{count(missing)} missing outcomes"] if missing else []
    events = " events" if found.kind == "time_to_event" else ""
    so_far = f"what is lost by stopping with {count(row['information'])} of {count(look.plan.planned)}{events}"
    return (
        f"z{against} is {z}; {bound} was needed at this look. The plan allows to stop for "
        f"{'non-inferiority' if against else 'benefit'}; it does not require it. "
        f"To be weighed: {', '.join(['safety', *weighed])}, and {so_far}."
    )


def _of_these_arms(look: LookData) -> Frame:
    """What is known of the primary endpoint in the arms that are compared, and of whoever has no known arm."""
    rows = endpoint_rows(look)
    return rows[rows["arm"].isin(look.plan.arms) | rows["arm"].isna()]


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
        status = _of_these_arms(look)["state"]
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
