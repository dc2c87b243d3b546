"""A closed look goes in; the picture of its boundary comes out, and beside it the chances, or other ways to count."""

from __future__ import annotations

import math
from typing import Any

from ...figures.first_page import Boundary, Panel, picture
from ...figures.format import count, number
from ..data.tables import Frame
from ..lookdata import LookData
from ..plan import MonitoringPlan
from .effect import Effect
from .looks import NOT_HANDED_IN, conditional_power_table, crossed, design_power, is_last, this_look
from .measure import MEASURES
from .outcomes import sensitivity
from .statements import endpoint_of_look
from .wording import arm_name, direction_words, in_100, in_sentence

_MIRROR = "* A mirror of the planned boundary, so that harm is seen; no rule: this protocol plans none for harm."
_OTHERWISE = (
    "Section 18 has them all. Missing taken against the experimental arm: as the worse outcome there, and as the "
    "better one in the other arm."
)
_COUNTED_OTHERWISE = ("Missing taken as events", "Missing taken against the experimental arm")


def boundary_picture(look: LookData, found: Effect | None, frame: Frame) -> Boundary | None:
    if found is None:
        return None
    row, declared = this_look(frame), bool(frame["harm"].notna().any())
    finite = frame[frame["bound"].map(math.isfinite)]
    upper = [*zip(finite["fraction"], finite["bound"], strict=True)]
    below = frame[frame["harm"].map(math.isfinite)] if declared else finite.assign(harm=-finite["bound"])
    lower = [*zip(below["fraction"], below["harm"], strict=True)]
    seen = frame[frame["z"].notna()]
    z = [(each.fraction, each.z, each.state == "now") for each in seen.itertuples()]
    endpoint, arm = endpoint_of_look(look), in_sentence(look, look.plan.experimental[0])
    less, more = direction_words(look.plan.kind, endpoint, arm)
    benefit, worse = (less, more) if look.plan.sign < 0 else (more, less)
    drawn = picture(upper, lower, z)
    outcomes = "events" if look.plan.kind == "time_to_event" else "outcomes"
    side = f"favours {arm}" if look.plan.margin is None else "is better than the margin"
    note = f"z: the difference in units of its uncertainty; above 0 {side}. {'' if declared else _MIRROR}"
    missed = [f"Look {each} was not held." for each in look.not_held]
    return Boundary(
        title=f"{_of_arm(look)}{_boundary_title(look.plan, row)}",
        harm_declared=declared,
        benefit=benefit,
        harm=worse,
        axis=f"share of the planned {count(look.plan.planned)} {outcomes}",
        rows=tuple(_look_rows(look.plan, frame)),
        now=frame["state"].tolist().index("now"),
        note=" ".join([note.strip(), *missed]),
        **drawn,
    )


def _of_arm(look: LookData) -> str:
    """Of several experimental arms, which one this is of."""
    several = sum(arm.role == "experimental" for arm in look.protocol.arms) > 1
    return f"{arm_name(look, look.plan.experimental[0])}: " if several else ""


def _boundary_title(plan: MonitoringPlan, row: Any) -> str:
    z, bound = number(row["z"], 2), number(row["bound"], 2)
    goal = "benefit"
    if plan.margin is not None:
        goal, z = "non-inferiority", f"{z} against the margin"
    if row["z"] <= row["harm"]:
        return f"z {z} is beyond the {number(row['harm'], 2)} of the boundary for harm"
    if row["z"] < 0 and plan.margin is None:
        return f"z {z}: the direction is harm"
    if not math.isfinite(row["bound"]):
        return f"z {z}: no z is enough for {goal} at this look"
    return f"z {z} is beyond the {bound} needed" if crossed(row) else f"z {z}: {goal} needs {bound} at this look"


def _look_rows(plan: MonitoringPlan, frame: Frame) -> list[tuple[str, ...]]:
    """The table of looks, a column a look."""
    looks: list[Any] = [*frame.itertuples()]
    absent = {NOT_HANDED_IN: NOT_HANDED_IN, "ahead": "–"}

    def row(head: str, cells: Any) -> tuple[str, ...]:
        return head, *cells

    rows = [
        row("Look", (f"{each.look}, now" if each.state == "now" else str(each.look) for each in looks)),
        row(MEASURES[plan.kind].information, (_outcomes(each) for each in looks)),
        row("z needed", (_z_or_none(each.bound) for each in looks)),
        row("z", (absent[each.state] if math.isnan(each.z) else number(each.z, 2) for each in looks)),
        row(f"Alpha spent, {plan.tails}", (_spent(each.alpha_spent) for each in looks)),
    ]
    if frame["harm"].notna().any():
        rows.insert(3, row("z for harm", (_z_or_none(each.harm) for each in looks)))
    if frame["futility"].notna().any():
        rows.insert(3, row("z for futility, does not bind", (_z_or_none(each.futility) for each in looks)))
    return rows


def _spent(alpha: float) -> str:
    """Alpha with four decimals; a little is not none."""
    return "<0.0001" if 0 < alpha < 0.00005 else number(alpha, 4)


def _z_or_none(z: float) -> str:
    return number(z, 2) if math.isfinite(z) else "none"


def _outcomes(each: Any) -> str:
    planned = each.state == "ahead" or math.isnan(each.z)
    return count(each.information) + (" planned" if planned else "")


def chances(look: LookData, found: Effect | None, frame: Frame) -> Panel | None:
    if found is None:
        return None
    if crossed(this_look(frame)) or is_last(frame):
        return _other_counts(look)
    table = conditional_power_table(look)
    if table.empty:
        return None
    plan, goal = look.plan, "benefit" if look.plan.margin is None else "non-inferiority"
    chance = dict(zip(table["what"].str.removeprefix("Conditional power, "), table["chance"], strict=True))
    words = {
        "trend": "If the effect seen so far goes on",
        "design": f"If it is the one planned for: {_hope(plan)}",
        "null": "If there is no effect from now on" if plan.margin is None else "If it lies at the margin from now on",
    }
    bars = tuple((words[name], in_100(chance[name]), chance[name]) for name in words if name in chance)
    averaged = in_100(chance["Predictive power"])
    note = f"“Conditional power”. With uncertainty about the effect averaged in (“predictive power”): {averaged}."
    planned = design_power(plan)
    if planned is not None:
        chance_before = f"a chance of {in_100(planned)} to show {_hope(plan)}"
        note += f" Planned before the start, this trial had {chance_before}."
    ahead = frame.loc[frame["state"] == "ahead", "look"].tolist()
    return Panel(f"{_of_arm(look)}Chance to show {goal} at look {' or '.join(map(str, ahead))}", bars, note=note)


def _hope(plan: MonitoringPlan) -> str:
    """The effect that the design hopes for: "6 % against 12 %", "hazard ratio 0.60"."""
    if plan.kind == "binary":
        return " against ".join(f"{100 * rate:g} %" for rate in (plan.experimental_rate, plan.control_rate) if rate)
    measure = MEASURES[plan.kind]
    return f"{measure.name.lower()} {measure.text(plan.hoped or 0.0)} {measure.unit}".strip()


def _other_counts(look: LookData) -> Panel:
    """z by other ways to count: where there is a finding, the question is whether it holds."""
    frame = sensitivity(look).set_index("analysis")["z"]
    rows = [("Missing outcomes left out" if look.plan.kind == "binary" else "As planned", frame["Primary"])]
    rows += [(name, frame[name]) for name in _COUNTED_OTHERWISE if name in frame]
    sites = frame[frame.index.str.startswith("Without site ")]
    rows += [("Lowest, leaving one site out", sites.min())] if len(sites) else []
    written = tuple((name, number(z, 2)) for name, z in rows)
    return Panel(f"{_of_arm(look)}z by other ways to count", rows=written, note=_OTHERWISE)
