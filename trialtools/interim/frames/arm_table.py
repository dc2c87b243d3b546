"""A closed look goes in; the table by arm on its page 1 comes out, with its notes: what was not collected says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...figures.first_page import ArmRow
from ...figures.format import capital, count, number
from ...figures.measure import POINTS
from ..data.deaths import UNSURE_DEATH
from ..data.tables import Frame
from ..endpoint import EndpointKind
from ..lookdata import LookData
from ..plan import alpha_each
from .caveats import estimand_in_words, late_in_words
from .effect import Effect
from .endpoint import endpoint_rows
from .looks import adjusted_interval, this_look
from .safety import DEATH, SERIOUS, edish
from .safety_words import harm_by_arm, with_unsaid
from .statements import Comparison
from .wording import GAP, arm_in_sentence, arm_name, arms_in_order, endpoint_of_look, share

_HARMS = {DEATH: "Died", SERIOUS: "Had a serious adverse event"}
_LIVER = "^c ALT or AST above 3 and bilirubin above 2 times the upper limit; each case is to be reviewed."
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def arm_table(look: LookData, each: Sequence[Comparison]) -> dict[str, Any]:
    """The columns, the rows and the notes of the table by arm.

    The difference from the control stands in a column of its own; of several experimental arms below their cells.
    """
    arms = arms_in_order(look)
    compared = [arm for arm in look.plan.experimental if {arm, look.plan.control} <= set(look.arms)]
    several, blank = len(compared) > 1, ("",) * len(compared)
    rows, notes = [ArmRow("Randomized", tuple(count(len(look.members(arm))) for arm in arms), blank)], []
    if not look.endpoint_collected:
        rows.append(ArmRow("Primary outcome", (GAP,) * len(arms), blank, strong=True))
    else:
        more, notes = _outcome_rows(look, each, blank)
        rows += more
    for what, label in _HARMS.items():
        own = harm_by_arm(look, what)
        cells = tuple(_harm(own.get(arm)) for arm in arms)
        apart = tuple(_apart(own.get(arm, {})) for arm in compared)
        rows.append(ArmRow(label, cells, apart, strong=True, below=several))
    peaks = dict([*edish(look).groupby("arm")["hy"]])
    liver = tuple(f"{count(peaks[arm].sum())} of {count(len(peaks[arm]))}" if arm in peaks else GAP for arm in arms)
    rows.append(ArmRow("Possible Hy’s law^c", liver, blank))
    named = "" if look.plan.kind == "binary" else ", or as named"
    heads = [] if several else [f"{POINTS.head}{named}"] * len(compared)
    control = arm_in_sentence(look, look.plan.control)
    first = f"Participants; below, the difference from {control}, {POINTS.unit}" if several else "Participants"
    columns = (first, *(arm_name(look, arm) for arm in arms), *heads)
    return {"columns": columns, "rows": tuple(rows), "notes": (*notes, _LIVER, *_in_no_column(look))}


def _in_no_column(look: LookData) -> list[str]:
    """Who and what the table does not count."""
    notes, findings = [], look.trial.findings
    if armless := int(look.randomized["arm"].isna().sum()):
        notes.append(f"{count(armless)} were randomized in no known arm and are in no column.")
    if unsure := int(findings.loc[findings["problem"] == UNSURE_DEATH, "n"].sum()):
        words = ("row speaks", "counts") if unsure == 1 else ("rows speak", "count")
        notes.append(f"{count(unsure)} {words[0]} of death in other words and {words[1]} as none: see section 22.")
    return notes


def _harm(row: dict[str, Any] | None) -> str:
    """How many of an arm had it; where nobody did and nobody else says, nothing was collected."""
    if row is None or (not row["participants"] and row["unsaid"] and row["unsaid"] == row["of"]):
        return GAP
    return with_unsaid(row, share(row["participants"], row["of"]))


def _apart(row: dict[str, Any]) -> str:
    return "" if math.isnan(row.get("low", math.nan)) else POINTS.row(row)


def _outcome_rows(look: LookData, each: Sequence[Comparison], blank: tuple[str, ...]) -> tuple[list[ArmRow], list[str]]:
    rows = endpoint_rows(look)
    own = {arm: rows[rows["arm"] == arm] for arm in arms_in_order(look)}
    early = {arm: int(part["early"].sum()) for arm, part in own.items()}
    apart, notes = blank, []
    known = [one.effect for one in each if one.effect]
    if known and len(each) == len(blank):
        apart = tuple(_effect_of(effect, frame, len(each) > 1) if effect else "" for _, effect, frame in each)
        notes = [_how(look, known[0])]
    if any(early.values()):
        notes.insert(0, _early(look, early))
    values = {arm: part.loc[part["state"] == "known", "value"] for arm, part in own.items()}
    lines = [_states(look, own, blank, any(early.values())), *_values(look, values, apart, blank)]
    return lines, [*notes, *filter(None, [late_in_words(look)]), estimand_in_words(look)]


def _effect_of(effect: Effect, frame: Frame, several: bool) -> str:
    """The effect with its adjusted interval; what is no difference in percentage points says what it is, or its row."""
    text = effect.measure.interval(effect.difference, *adjusted_interval(effect, this_look(frame)["bound"]))
    return f"{text}^b" if several or effect.kind == "binary" else f"{effect.measure.head}: {text}^b"


def _states(look: LookData, own: Mapping[str, Frame], blank: tuple[str, ...], early: bool) -> ArmRow:
    names, day = ("known", "to come", "missing"), look.trial.window
    outcome = "Outcome" if day is None else f"Day-{day} outcome"
    label = f"{outcome} known / still to come{'^a' if early else ''} / missing"
    if look.plan.kind == "time_to_event":
        names, label = ("known", "missing"), "Followed / nothing known"
    states = (" / ".join(count(part["state"].eq(name).sum()) for name in names) for part in own.values())
    return ArmRow(label, tuple(states), blank)


def _values(look: LookData, known: Mapping[str, Frame], apart: tuple[str, ...], blank: tuple[str, ...]) -> list[ArmRow]:
    """What is known of the primary endpoint, by its kind: events, means, or how many have each level."""
    endpoint = endpoint_of_look(look)
    title, levels = f"{capital(endpoint.title)}{endpoint.by_day}", []
    if look.plan.kind == "continuous":
        label = f"{title}: mean (standard deviation), n"
        cells = (
            f"{number(own.mean(), 2)} ({number(own.std(), 2)}), {count(len(own))}" if len(own) else "none known"
            for own in known.values()
        )
    elif look.plan.kind == "ordinal":
        label, cells = f"{title}, the best first", ("" for _ in known)
        levels = [
            ArmRow(f"– {level}", tuple(share(int(own.eq(place).sum()), len(own)) for own in known.values()), blank)
            for place, level in enumerate(endpoint.levels, start=1)
        ]
    else:
        timed = look.plan.kind == "time_to_event"
        label = f"{capital(endpoint.past_text)}{' so far, of those followed' if timed else endpoint.by_day}"
        cells = (share(int(own.sum()), len(own)) for own in known.values())
    several = len(apart) > 1
    if several and any(apart) and look.plan.kind != "binary":
        label += f"; below, {look.plan.measure.head.lower()}"
    return [ArmRow(label, tuple(cells), apart, strong=True, below=several), *levels]


def _early(look: LookData, early: Mapping[str, int]) -> str:
    endpoint = endpoint_of_look(look)
    counts = [f"{count(n)} with {arm_in_sentence(look, arm)}" for arm, n in early.items() if n]
    both = [*early.values()] == [1, 1]
    have = "has" if sum(early.values()) == 1 else "have"
    who = "One participant of each arm has" if both else f"{' and '.join(counts)} {have}"
    later = f"{'both' if both else 'they'} are counted once their day {endpoint.day} has passed."
    return f"^a {who} {endpoint.past_text} already; {later}"


_ANALYSES: dict[EndpointKind, str] = {
    "binary": "",
    "time_to_event": "Cox’s estimate, with the interval of the log-rank test. ",
    "continuous": "Adjusted for the baseline where there is one (analysis of covariance). ",
    "ordinal": "How often, of one participant of each arm, the first has the better outcome; ties count half. ",
}


def _how(look: LookData, effect: Effect) -> str:
    """How the effect was worked out, how several arms share alpha, and that its interval is adjusted for the looks."""
    plan, strata = look.plan, look.protocol.design_values.get("strata")
    by = " by " + " and ".join(map(str, strata)) if strata and isinstance(strata, list | tuple) else ""
    how = f"Stratified{by}" if effect.strata > 1 else "Not stratified"
    if len(plan.experimental) > 1:
        each, of = number(alpha_each(plan), 4), number(plan.alpha, 4)
        how += f"; each comparison has alpha {each} of {of}, {plan.tails} ({plan.multiplicity.capitalize()})"
    n = len(plan.looks) - len(look.not_held)
    looks = f"{_NUMBERS.get(n, n)} look{'s' * (n > 1)}"
    text = f"^b {_ANALYSES[effect.kind]}{how}; interval adjusted for the {looks}."
    return f"{text} The other intervals are 95 %, not adjusted."
