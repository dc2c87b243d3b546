"""A look goes in; what must be known beside its effect comes out: the estimand, who takes no part, what was assumed."""

from __future__ import annotations

from ...figures.format import count, enumeration
from ..data.tables import Frame
from ..lookdata import LookData
from .effect import comparisons, primary_effect
from .endpoint import endpoint_rows
from .looks import NOT_HANDED_IN, crosses_boundary, crosses_harm, look_boundaries
from .wording import arm_in_sentence, arm_name, arms_in_order, endpoint_of_look, goal_of


def estimand_in_words(look: LookData) -> str:
    """What death and withdrawal mean for the primary endpoint, and how many outcomes come from that."""
    if look.trial.endpoint is None:
        return ""
    estimand, endpoint = look.plan.estimand, endpoint_of_look(look)
    before = f" before day {endpoint.day}" if endpoint.day else ""
    if not estimand.declared:
        return f"No estimand is declared: of who died or withdrew{before} without an outcome, it counts as missing."
    worse = f"as if they had {'' if look.plan.sign < 0 else 'not '}{endpoint.past_text}"
    if look.plan.kind == "time_to_event":
        never = f"as if they had not {endpoint.past_text}{endpoint.by_day}"
        worse = f"as if they had {endpoint.past_text} that day" if look.plan.sign < 0 else never
    if look.plan.kind == "ordinal":
        worse = f"as {endpoint.levels[-1]}"
    words = {"composite": f"count {worse}", "while alive": "count for the time they were alive"}
    follow = look.plan.kind == "time_to_event"
    words |= {"missing": "are followed up to that day" if follow else "count as missing, unless the outcome is known"}
    died, left = words[estimand.death], words[estimand.withdrawal]
    rows = endpoint_rows(look)
    by = rows.loc[rows["state"] == "known", "by"]
    so = [
        f"{count(n)} by {name}"
        for name in ("death", "withdrawal", "loss to follow-up")
        if (n := int(by.eq(name).sum()))
    ]
    who = f"participants who died{before} {died}, who withdrew {left}"
    if died == left:
        who = f"participants who died or withdrew{before} {died}"
    text = f"Estimand: {estimand.population}; {who}."
    return text + (f" Outcomes given so: {' and '.join(so)}." if so else "")


def late_in_words(look: LookData) -> str:
    """Whose event came after the last day of the endpoint, by arm where the look is closed; empty where nobody's."""
    if look.trial.endpoint is None or not (rows := endpoint_rows(look))["late"].any():
        return ""
    endpoint, day = endpoint_of_look(look), f"day {look.trial.window}"
    by = rows[rows["late"]].groupby("arm").size() if look.closed else {}
    arms = [f"{count(by[arm])} with {arm_in_sentence(look, arm)}" for arm in arms_in_order(look) if arm in by]
    n = f"{count(rows['late'].sum())} {endpoint.past_text} after {day}{f' ({enumeration(arms)})' if arms else ''}"
    return f"{n}: the endpoint is by {day}, so they count as without it."


def caveats(look: LookData) -> str:
    """The notes that a reader of the effect needs: who is not in the analysis, what was assumed; often empty.

    A note that holds for some of several arms begins with their names.
    """
    each = comparisons(look)
    notes = {arm_name(look, one.plan.arm): _notes(one) for one in each}
    sentences = []
    for note in dict.fromkeys(note for own in notes.values() for note in own):
        names = [name for name, own in notes.items() if note in own]
        sentences.append(note if len(names) == len(each) else f"{enumeration(names)}: {note}")
    return " ".join(sentences)


def _notes(look: LookData) -> list[str]:
    effect, trial = primary_effect(look), look.trial
    if effect is None:
        return []
    notes, alone = [], sum(effect.people.values()) - effect.n
    if alone:
        notes.append(f"{count(alone)} with the outcome known take no part: their stratum has nobody of the other arm.")
    if effect.unstratified and trial.subjects["stratum"].notna().any():
        notes.append(f"Not stratified, for the stratum of {count(effect.unstratified)} participants is not known.")
    rows = endpoint_rows(look)
    if early := int(rows["early"].sum()):
        notes.append(f"The curves below also show {count(early)} whose event came before their last day has passed.")
    notes += [late] if (late := late_in_words(look)) else []
    notes += _of_measurements(rows) if effect.kind in ("continuous", "ordinal") else []
    if trial.window is None and effect.kind != "time_to_event":
        notes.append("The design names no day by which the endpoint counts: everybody does, however early.")
    frame = look_boundaries(look)
    for name, crosses in (("harm", crosses_harm), (goal_of(look.plan), crosses_boundary)):
        crossed = [str(row["look"]) for _, row in frame[frame["look"] < look.number].iterrows() if crosses(row)]
        if crossed:
            notes.append(f"The boundary for {name} was crossed before, at look {enumeration(crossed)}.")
    if unknown := frame.loc[frame["state"] == NOT_HANDED_IN, "look"].astype("str").tolist():
        notes.append(
            f"Of look {' and '.join(unknown)} no z is known: its information is as planned, or as last written."
        )
    return notes


def _of_measurements(rows: Frame) -> list[str]:
    """On which days the values were seen, and of how many the baseline is not known."""
    used = rows[rows["state"] == "known"]
    days = (used["observed_on"] - used["randomized_on"]).dt.days.dropna()
    notes = []
    if len(days):
        first, middle, last = (f"{each:.0f}" for each in (days.min(), days.median(), days.max()))
        days_text = f"it was seen on day {first} to {last} (median {middle})"
        notes.append(f"The last value up to the end of the window counts; {days_text}.")
    without = int(used["baseline"].isna().sum())
    if 0 < without < len(used):
        notes.append(f"Of {count(without)} the baseline is not known; the mean of the others stands for it.")
    return notes
