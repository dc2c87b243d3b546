"""A closed look goes in; page 1 of its report comes out: the sentences, the table by arm, the boundary, the chances."""

from __future__ import annotations

import math
from typing import Any

from ...figures.first_page import ArmRow, Boundary, FirstPage, Panel, picture
from ...figures.format import count, number
from ..data.tables import Frame
from ..lookdata import LookData
from ..plan import MonitoringPlan
from .effect import Effect, endpoint_rows, primary_effect
from .looks import (
    adjusted_interval,
    boundaries,
    conditional_power_table,
    crossed,
    design_power,
    is_last,
    this_look,
)
from .outcomes import sensitivity
from .safety import DEATH, SERIOUS, edish
from .statements import arms_told, endpoint_of_look, excess_of, gaps_of, harm_by_arm, harm_of, lead_of, lines_of
from .wording import NOT_COLLECTED, arm_name, in_100, in_sentence, interval, share, written_day

ASKED = (
    "Asked of the committee",
    "Which does the committee recommend: go on unchanged, go on with changes, pause, or stop? The report gives the "
    "numbers; the committee decides.",
)
ROWS = {DEATH: "Died", SERIOUS: "Had a serious adverse event"}
LIVER = "^c ALT or AST above 3 and bilirubin above 2 times the upper limit; each case is to be reviewed."
_MIRROR = "* A mirror of the planned boundary, so that harm is seen; no rule: this protocol plans none for harm."
_OTHERWISE = (
    "Section 18 has them all. Missing taken against the experimental arm: as the worse outcome there, and as the "
    "better one in the other arm."
)
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_COUNTED_OTHERWISE = ("Missing taken as events", "Missing taken against the experimental arm")


def closed_page(look: LookData, distribution: str = "not named") -> FirstPage:
    """Page 1 of a closed report."""
    found, frame = primary_effect(look), boundaries(look)
    gaps = gaps_of(look)
    lead, tone = lead_of(look, found, frame, gaps, excess_of(look))
    rows, notes = _rows(look, found, frame)
    known = endpoint_rows(look)["state"].eq("known").sum() if look.trial.endpoint else None
    of = "" if look.target is None else f" of {count(look.target)}"
    facts = [
        ("Data as of", written_day(look.cutoff) if look.cutoff else "not cut"),
        ("Randomized", f"{count(len(look.entered))}{of}"),
        ("Primary outcome known", NOT_COLLECTED if known is None else f"{count(known)}{of}"),
        ("Distribution", distribution),
    ]
    return FirstPage(
        closed=True,
        **frame_of_page(look),
        facts=tuple(facts),
        asked=ASKED,
        answer_label="What the data say",
        lead=lead,
        tone=tone,
        lines=tuple(lines_of(look, found, frame, gaps)),
        columns=("Participants", *(arm_name(look, arm) for arm in arms_told(look)), *_difference_heads(look)),
        rows=tuple(rows),
        notes=tuple(notes),
        looks=_picture(look, found, frame),
        panel=_panel(look, found, frame),
    )


def frame_of_page(look: LookData) -> dict[str, Any]:
    """What page 1 of either report says of itself: titles, and the words on every printed sheet."""
    kind, day = "closed" if look.closed else "open", look.cutoff or "not cut"
    of = f"look {look.number} of {len(look.plan.looks)}"
    pooled, site = "" if look.closed else " (pooled)", f", {look.site}" if look.site else ""
    parts = [f"{kind.upper()} · interim report{pooled}, {of}{site}", look.protocol.id, f"cut {day}"]
    corner = "CLOSED REPORT – results by arm – committee only" if look.closed else "OPEN REPORT – all arms pooled"
    return {
        "synthetic": look.trial.synthetic,
        "title": " · ".join([*parts, *["SYNTHETIC"] * look.trial.synthetic]),
        "corner": corner,
        "running": f"{look.protocol.id} · {kind} report, look {look.number}{site} · data as of {day}",
        "heading": f"{kind.capitalize()} interim report, {of}{site}",
        "trial": look.protocol.title,
        "trial_id": look.protocol.id,
    }


def _difference_heads(look: LookData) -> tuple[str, ...]:
    arms = [arm for arm in look.plan.experimental if {arm, look.plan.control} <= set(look.arms)]
    if len(arms) < 2:
        return ("Difference, percentage points",) * len(arms)
    return tuple(f"{arm_name(look, arm)}: difference, percentage points" for arm in arms)


def _rows(look: LookData, found: Effect | None, frame: Frame) -> tuple[list[ArmRow], list[str]]:
    """The table by arm, and its notes."""
    arms, blank = arms_told(look), ("",) * len(_difference_heads(look))
    rows = [ArmRow("Randomized", tuple(count(len(look.members(arm))) for arm in arms), blank)]
    more, notes = _outcome_rows(look, found, frame, arms, blank)
    rows += more
    for what, label in ROWS.items():
        own = harm_by_arm(look, what)
        cells = tuple(_harmed(own[arm]) if arm in own else NOT_COLLECTED for arm in arms)
        apart = tuple(_apart(own.get(arm, {})) for arm in arms[: len(blank)])
        rows.append(ArmRow(label, cells, apart, strong=True))
    liver = edish(look)
    hits = liver.groupby("arm")["hy"].agg(["sum", "size"]).T.to_dict() if len(liver) else {}
    of_each = {arm: f"{count(own['sum'])} of {count(own['size'])}" for arm, own in hits.items()}
    rows.append(ArmRow("Possible Hy’s law^c", tuple(of_each.get(arm, NOT_COLLECTED) for arm in arms), blank))
    armless = int(look.entered["arm"].isna().sum())
    lost = [f"{count(armless)} were randomized in no known arm and are in no column."] if armless else []
    return rows, [*notes, LIVER, *lost]


def _harmed(row: dict[str, Any]) -> str:
    return share(row["participants"], row["of"]) if not row["unsaid"] else harm_of(row, shares=True)


def _apart(row: dict[str, Any]) -> str:
    low = row.get("low", math.nan)
    return "" if math.isnan(low) else interval(row["difference"], low, row["high"])


def _outcome_rows(
    look: LookData, found: Effect | None, frame: Frame, arms: list[str], blank: tuple[str, ...]
) -> tuple[list[ArmRow], list[str]]:
    if look.trial.endpoint is None or "outcomes" in look.trial.absent:
        return [ArmRow("Primary outcome", (NOT_COLLECTED,) * len(arms), blank, strong=True)], []
    endpoint, rows = endpoint_of_look(look), endpoint_rows(look)
    own = {arm: rows[rows["arm"] == arm] for arm in arms}
    names = ("known", "to come", "missing")
    states = (" / ".join(count(part["state"].eq(name).sum()) for name in names) for part in own.values())
    day = "Outcome" if endpoint.day is None else f"Day-{endpoint.day} outcome"
    label = f"{endpoint.happened[:1].upper()}{endpoint.happened[1:]}{endpoint.by_day}"
    known = {arm: part.loc[part["state"] == "known", "value"] for arm, part in own.items()}
    cells = tuple(share(int(value.sum()), len(value)) for value in known.values())
    apart, notes = blank, []
    early = {arm: int((part["state"].eq("to come") & part["value"].eq(1)).sum()) for arm, part in own.items()}
    if found:
        low, high = adjusted_interval(found, this_look(frame)["bound"])
        apart = (f"{interval(found.difference, low, high)}^b",)
        notes = [_stratified(look, found)]
    if any(early.values()):
        counts = [f"{count(n)} with {in_sentence(look, arm)}" for arm, n in early.items() if n]
        both = [*early.values()] == [1, 1]
        have = "has" if sum(early.values()) == 1 else "have"
        who = "One participant of each arm has" if both else f"{' and '.join(counts)} {have}"
        later = f"{'both' if both else 'they'} are counted once their day {endpoint.day} has passed."
        notes.insert(0, f"^a {who} {endpoint.happened} already; {later}")
    notes.append(estimand_in_words(look))
    return [
        ArmRow(f"{day} known / still to come{'^a' if any(early.values()) else ''} / missing", tuple(states), blank),
        ArmRow(label, cells, apart, strong=True),
    ], notes


def _stratified(look: LookData, found: Effect) -> str:
    strata = look.protocol.design.get("strata")
    names = [str(name) for name in strata.value] if strata and isinstance(strata.value, list | tuple) else []
    by = " by " + " and ".join(names) if names else ""
    how = f"Stratified{by}" if len(found.cells) > 1 else "Not stratified"
    looks = NUMBERS.get(n := len(look.plan.looks) - len(look.not_held), str(n))
    return f"^b {how}; interval adjusted for the {looks} looks. The other intervals are 95 %, not adjusted."


def estimand_in_words(look: LookData) -> str:
    """What death and withdrawal mean for the primary endpoint, and how many outcomes come from that."""
    if look.trial.endpoint is None:
        return ""
    rows = endpoint_rows(look)
    estimand, endpoint = look.plan.estimand, endpoint_of_look(look)
    before = f" before day {endpoint.day}" if endpoint.day else ""
    if not estimand.declared:
        return f"No estimand is declared: of who died or withdrew{before} without an outcome, it counts as missing."
    worse = "as if they had " if look.plan.sign < 0 else "as if they had not "
    words = {"composite": f"count {worse}{endpoint.happened}", "while alive": "count for the time they were alive"}
    words |= {"missing": "count as missing, unless the outcome is known"}
    died, left = words[estimand.death], words[estimand.withdrawal]
    by = rows.loc[rows["state"] == "known", "by"]
    so = [f"{count(n)} by {name}" for name in ("death", "withdrawal") if (n := int(by.eq(name).sum()))]
    text = f"Estimand: all randomized; participants who died{before} {died}, who withdrew {left}."
    return text + (f" Outcomes given so: {' and '.join(so)}." if so else "")


def _picture(look: LookData, found: Effect | None, frame: Frame) -> Boundary | None:
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
    fewer, more = (f"{word} {endpoint.happens} with {arm}" for word in ("fewer", "more"))
    benefit, worse = (fewer, more) if look.plan.sign < 0 else (more, fewer)
    drawn = picture(upper, lower, z)
    side = f"favours {arm}" if look.plan.margin is None else "is better than the margin"
    note = f"z: the difference in units of its uncertainty; above 0 {side}. {'' if declared else _MIRROR}"
    missed = [f"Look {each} was not held." for each in look.not_held]
    return Boundary(
        title=_boundary_title(look.plan, row),
        harm_declared=declared,
        benefit=benefit,
        harm=worse,
        axis=f"share of the planned information (outcome known of {count(look.plan.sample_size)})",
        rows=tuple(_look_rows(look.plan, frame)),
        now=frame["state"].tolist().index("now"),
        note=" ".join([note.strip(), *missed]),
        **drawn,
    )


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
    absent = {"done": "not handed in", "ahead": "–"}

    def row(head: str, cells: Any) -> tuple[str, ...]:
        return head, *cells

    rows = [
        row("Look", (f"{each.look}, now" if each.state == "now" else str(each.look) for each in looks)),
        row("Outcome known", (_outcomes(each) for each in looks)),
        row("z needed", (_z_or_none(each.bound) for each in looks)),
        row("z", (absent[each.state] if math.isnan(each.z) else number(each.z, 2) for each in looks)),
        row(f"Alpha spent, {plan.tails}", (number(each.alpha_spent, 4) for each in looks)),
    ]
    if frame["harm"].notna().any():
        rows.insert(3, row("z for harm", (_z_or_none(each.harm) for each in looks)))
    if frame["futility"].notna().any():
        rows.insert(3, row("z for futility, does not bind", (_z_or_none(each.futility) for each in looks)))
    return rows


def _z_or_none(z: float) -> str:
    return number(z, 2) if math.isfinite(z) else "none"


def _outcomes(each: Any) -> str:
    planned = each.state == "ahead" or math.isnan(each.z)
    return count(each.information) + (" planned" if planned else "")


def _panel(look: LookData, found: Effect | None, frame: Frame) -> Panel | None:
    if found is None:
        return None
    if crossed(this_look(frame)) or is_last(frame):
        return _other_counts(look)
    table = conditional_power_table(look)
    if table.empty:
        return None
    plan, goal = look.plan, "benefit" if look.plan.margin is None else "non-inferiority"
    chance = dict(zip(table["what"].str.removeprefix("Conditional power, "), table["chance"], strict=True))
    rates = [f"{100 * rate:g} %" for rate in (plan.experimental_rate, plan.control_rate) if rate is not None]
    words = {
        "trend": "If the effect seen so far goes on",
        "design": f"If it is the one planned for: {' against '.join(rates)}",
        "null": "If there is no effect from now on" if plan.margin is None else "If it lies at the margin from now on",
    }
    bars = tuple((words[name], in_100(chance[name]), chance[name]) for name in words if name in chance)
    averaged = in_100(chance["Predictive power"])
    note = f"“Conditional power”. With uncertainty about the effect averaged in (“predictive power”): {averaged}."
    planned = design_power(plan)
    if planned is not None:
        chance_before = f"a chance of {in_100(planned)} to show {' against '.join(rates)}"
        note += f" Planned before the start, this trial had {chance_before}."
    ahead = frame.loc[frame["state"] == "ahead", "look"].tolist()
    return Panel(f"Chance to show {goal} at look {' or '.join(map(str, ahead))}", bars, note=note)


def _other_counts(look: LookData) -> Panel:
    """z by other ways to count: where there is a finding, the question is whether it holds."""
    frame = sensitivity(look).set_index("analysis")["z"]
    rows = [("Missing outcomes left out", frame["Primary"])]
    rows += [(name, frame[name]) for name in _COUNTED_OTHERWISE if name in frame]
    sites = frame[frame.index.str.startswith("Without site ")]
    rows += [("Lowest, leaving one site out", sites.min())] if len(sites) else []
    written = tuple((name, number(z, 2)) for name, z in rows)
    return Panel("z by other ways to count", rows=written, note=_OTHERWISE)
