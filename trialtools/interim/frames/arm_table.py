"""A closed look goes in; the table by arm on its page 1 comes out, with its notes: what was not collected says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...figures.first_page import ArmRow
from ...figures.format import count, number
from ..data.tables import Frame
from ..endpoint import Kind
from ..lookdata import LookData
from ..plan import alpha_each
from .effect import Effect
from .endpoint import endpoint_rows
from .looks import adjusted_interval, this_look
from .safety import DEATH, SERIOUS, edish
from .safety_words import harm_by_arm, harm_of
from .statements import endpoint_of_look
from .wording import NOT_COLLECTED, arm_name, arms_told, in_sentence, interval, share

ROWS = {DEATH: "Died", SERIOUS: "Had a serious adverse event"}
LIVER = "^c ALT or AST above 3 and bilirubin above 2 times the upper limit; each case is to be reviewed."
_POINTS = "Difference, percentage points"
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def difference_heads(look: LookData) -> tuple[str, ...]:
    arms = [arm for arm in look.plan.experimental if {arm, look.plan.control} <= set(look.arms)]
    if len(arms) < 2:
        return (_POINTS if look.plan.kind == "binary" else f"{_POINTS}, or as named",) * len(arms)
    named = "" if look.plan.kind == "binary" else ", or as named"
    return tuple(f"{arm_name(look, arm)}: {_POINTS.lower()}{named}" for arm in arms)


def arm_rows(look: LookData, each: Sequence[tuple[LookData, Effect | None, Frame]]) -> tuple[list[ArmRow], list[str]]:
    """The table by arm, and its notes; `each` comparison is a look, its effect and its boundaries."""
    arms, blank = arms_told(look), ("",) * len(difference_heads(look))
    rows = [ArmRow("Randomized", tuple(count(len(look.members(arm))) for arm in arms), blank)]
    more, notes = _outcome_rows(look, each, arms, blank)
    rows += more
    for what, label in ROWS.items():
        own = harm_by_arm(look, what)
        cells = tuple(_harms(own[arm]) if arm in own else NOT_COLLECTED for arm in arms)
        apart = tuple(_apart(own.get(arm, {})) for arm in arms[: len(blank)])
        rows.append(ArmRow(label, cells, apart, strong=True))
    liver = edish(look)
    hits = liver.groupby("arm")["hy"].agg(["sum", "size"]).T.to_dict() if len(liver) else {}
    of_each = {arm: f"{count(own['sum'])} of {count(own['size'])}" for arm, own in hits.items()}
    rows.append(ArmRow("Possible Hy’s law^c", tuple(of_each.get(arm, NOT_COLLECTED) for arm in arms), blank))
    armless = int(look.entered["arm"].isna().sum())
    lost = [f"{count(armless)} were randomized in no known arm and are in no column."] if armless else []
    return rows, [*notes, LIVER, *lost]


def _harms(row: dict[str, Any]) -> str:
    return share(row["participants"], row["of"]) if not row["unsaid"] else harm_of(row, shares=True)


def _apart(row: dict[str, Any]) -> str:
    low = row.get("low", math.nan)
    return "" if math.isnan(low) else interval(row["difference"], low, row["high"])


def _outcome_rows(
    look: LookData,
    each: Sequence[tuple[LookData, Effect | None, Frame]],
    arms: list[str],
    blank: tuple[str, ...],
) -> tuple[list[ArmRow], list[str]]:
    if look.trial.endpoint is None or "outcomes" in look.trial.absent:
        return [ArmRow("Primary outcome", (NOT_COLLECTED,) * len(arms), blank, strong=True)], []
    rows = endpoint_rows(look)
    own = {arm: rows[rows["arm"] == arm] for arm in arms}
    early = {arm: int((part["state"].eq("to come") & part["value"].eq(1)).sum()) for arm, part in own.items()}
    early = early if look.plan.kind == "binary" else {}
    apart, notes = blank, []
    known = [(found, frame) for _, found, frame in each if found]
    if known and len(each) == len(blank):
        apart = tuple(_effect_of(found, frame) if found else "" for _, found, frame in each)
        notes = [_how(look, known[0][0])]
    if any(early.values()):
        notes.insert(0, _early(look, early))
    values = {arm: part.loc[part["state"] == "known", "value"] for arm, part in own.items()}
    lines = [_states(look, own, blank, any(early.values())), *_values(look, values, apart, blank)]
    return lines, [*notes, estimand_in_words(look)]


def _effect_of(found: Effect, frame: Frame) -> str:
    """The effect with its adjusted interval; what is no difference in percentage points says what it is."""
    text = found.measure.interval(found.difference, *adjusted_interval(found, this_look(frame)["bound"]))
    return f"{text}^b" if found.kind == "binary" else f"{found.measure.head}: {text}^b"


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
    title = f"{endpoint.title[:1].upper()}{endpoint.title[1:]}{endpoint.by_day}"
    if look.plan.kind == "continuous":
        cells = (f"{number(own.mean(), 2)} ({number(own.std(), 2)})" if len(own) > 1 else "–" for own in known.values())
        return [ArmRow(f"{title}: mean (standard deviation)", tuple(cells), apart, strong=True)]
    if look.plan.kind == "ordinal":
        head = ArmRow(f"{title}, the best first", ("",) * len(known), apart, strong=True)
        levels = [
            ArmRow(f"– {level}", tuple(share(int(own.eq(place).sum()), len(own)) for own in known.values()), blank)
            for place, level in enumerate(endpoint.levels, start=1)
        ]
        return [head, *levels]
    label = f"{endpoint.happened[:1].upper()}{endpoint.happened[1:]}{endpoint.by_day}"
    cells = (share(int(own.sum()), len(own)) for own in known.values())
    return [ArmRow(label, tuple(cells), apart, strong=True)]


def _early(look: LookData, early: Mapping[str, int]) -> str:
    endpoint = endpoint_of_look(look)
    counts = [f"{count(n)} with {in_sentence(look, arm)}" for arm, n in early.items() if n]
    both = [*early.values()] == [1, 1]
    have = "has" if sum(early.values()) == 1 else "have"
    who = "One participant of each arm has" if both else f"{' and '.join(counts)} {have}"
    later = f"{'both' if both else 'they'} are counted once their day {endpoint.day} has passed."
    return f"^a {who} {endpoint.happened} already; {later}"


_ANALYSES: dict[Kind, str] = {
    "binary": "",
    "time_to_event": "Cox’s estimate, with the interval of the log-rank test. ",
    "continuous": "Adjusted for the baseline where there is one (analysis of covariance). ",
    "ordinal": "How often, of one participant of each arm, the first has the better outcome; ties count half. ",
}


def _how(look: LookData, found: Effect) -> str:
    """How the effect was worked out, and that its interval is the one adjusted for the looks."""
    strata = look.protocol.design.get("strata")
    names = [str(name) for name in strata.value] if strata and isinstance(strata.value, list | tuple) else []
    by = " by " + " and ".join(names) if names else ""
    how = f"Stratified{by}" if found.strata > 1 else "Not stratified"
    how += _shared(look)
    looks = NUMBERS.get(n := len(look.plan.looks) - len(look.not_held), str(n))
    text = f"^b {_ANALYSES[found.kind]}{how}; interval adjusted for the {looks} looks."
    return f"{text} The other intervals are 95 %, not adjusted."


def _shared(look: LookData) -> str:
    """How several experimental arms share alpha."""
    plan = look.plan
    if len(plan.experimental) < 2:
        return ""
    each, of = number(alpha_each(plan), 4), number(plan.alpha, 4)
    return f"; each comparison has alpha {each} of {of}, {plan.tails} ({plan.multiplicity.capitalize()})"


def estimand_in_words(look: LookData) -> str:
    """What death and withdrawal mean for the primary endpoint, and how many outcomes come from that."""
    if look.trial.endpoint is None:
        return ""
    rows = endpoint_rows(look)
    estimand, endpoint = look.plan.estimand, endpoint_of_look(look)
    before = f" before day {endpoint.day}" if endpoint.day else ""
    if not estimand.declared:
        return f"No estimand is declared: of who died or withdrew{before} without an outcome, it counts as missing."
    worse = f"as if they had {'' if look.plan.sign < 0 else 'not '}{endpoint.happened}"
    if look.plan.kind == "time_to_event":
        worse = f"as if they had {endpoint.happened} that day"
    if look.plan.kind == "ordinal":
        worse = f"as {endpoint.levels[-1]}"
    words = {"composite": f"count {worse}", "while alive": "count for the time they were alive"}
    words |= {"missing": "count as missing, unless the outcome is known"}
    died, left = words[estimand.death], words[estimand.withdrawal]
    by = rows.loc[rows["state"] == "known", "by"]
    so = [f"{count(n)} by {name}" for name in ("death", "withdrawal") if (n := int(by.eq(name).sum()))]
    text = f"Estimand: all randomized; participants who died{before} {died}, who withdrew {left}."
    return text + (f" Outcomes given so: {' and '.join(so)}." if so else "")
