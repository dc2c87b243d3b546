"""A look goes in; what became of the people comes out: flow, exclusions, follow-up, dosing; how current data are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...arms.dosing import dosing_deviations as deviations_of
from ...arms.dosing import dosing_status
from ...criteria.contents import Protocol
from ..data.tables import Frame
from ..lookdata import NOT_COLLECTED, POOLED, UNKNOWN, LookData, once_a_look, with_reason
from .endpoint import endpoint_rows

_ANALYSED = {"known": "outcome known", "to come": "outcome still to come", "missing": "outcome missing"}
_FOLLOWED = {1.0: "had the event", 0.0: "followed, without the event so far"}
"""The same of a time to an event: nobody waits for a window."""
_FATES = {"died": "died", "withdrew": "withdrew", "lost": "lost to follow-up"}
_FATES |= {"discontinued": "discontinued the treatment", "completed": "completed"}
"""What became of a participant, as the flow says it; the first of several counts. CONSORT counts who discontinues the
treatment, completed follow-up or not."""
_OPEN = "undetermined: something was not known"
_NO_SCREENING_LOG = "Not collected: the data hold nobody who was screened and not randomized."
_WAITING = "eligible, but not randomized so far"


def flow(look: LookData) -> Frame:
    """Where everybody is: the CONSORT 2025 flow, as counts that add up.

    Columns: stage (assessed, excluded, randomized, allocated, follow_up, analysed), arm, item ("" for the box itself),
    n. Of a reason that lists several criteria, the first counts. Participants without a known arm have a box of their
    own, "unknown". A stage whose table was not collected has its box and no items; without a screening log nobody is
    known to have been assessed or excluded.
    """
    trial, people = look.trial, look.trial.subjects
    out = people[~people["randomized"]]
    rows: list[tuple[str, str, str, int]] = []
    if look.screening_log:
        why = _written_reason(out).map(lambda reason: _first_criterion(str(reason), look.protocol))
        rows += [("assessed", "", "", len(people)), ("excluded", "", "", len(out))]
        rows += [("excluded", "", str(item), n) for item, n in _by_size(why)]
    rows.append(("randomized", "", "", len(look.randomized)))
    fate, states = _fate(look), _states(look)
    armless = look.randomized[look.randomized["arm"].isna()]
    groups = {arm: look.members(arm) for arm in look.arms}
    groups |= {UNKNOWN: armless} if look.arms != (POOLED,) and len(armless) else {}
    for arm, own in groups.items():
        ids = own["subject_id"]
        for stage, items, collected in (
            ("allocated", _doses(look, ids), "doses" not in trial.absent),
            ("follow_up", ids.map(lambda who: fate.get(who, "in follow-up")), "disposition" not in trial.absent),
            ("analysed", ids.map(states), trial.endpoint is not None),
        ):
            rows.append((stage, arm, "", len(own)))
            rows += [(stage, arm, str(item), n) for item, n in _by_size(items)] if collected else []
    return pd.DataFrame(rows, columns=["stage", "arm", "item", "n"])


def _states(look: LookData) -> Frame:
    if look.trial.endpoint is None:
        return {}
    rows = endpoint_rows(look).set_index("subject_id")
    if look.plan.kind == "time_to_event":
        return rows["value"].map(_FOLLOWED).fillna("nothing known")
    return rows["state"].map(_ANALYSED)


def _by_size(values: Frame) -> list[tuple[Any, int]]:
    """Values by how often they are there, the most frequent first, then by name."""
    counts = values.value_counts()
    return sorted(((value, int(n)) for value, n in counts.items()), key=lambda pair: (-pair[1], str(pair[0])))


def _written_reason(out: Frame) -> Frame:
    """Why each of them was not randomized, as it is written; where nothing is, what the decision tells."""
    from_decision = out["decision"].map({"undetermined": _OPEN, "eligible": _WAITING})
    return out["reason"].fillna(from_decision).fillna("no reason given")


def _first_criterion(reason: str, protocol: Protocol) -> str:
    """The first criterion of a list of ids, with its label; any other reason as it is."""
    ids = set(reason.split(", "))
    if ids <= set(protocol.criterion):
        return next(f"{c.id} {c.label}" for c in protocol.criteria if c.id in ids)
    return _OPEN if reason.startswith("unknown: ") else reason


def exclusions(look: LookData) -> Frame:
    """Why people were not randomized, criterion by criterion.

    Columns: criterion, label, failed (people who failed it, perhaps with others), alone (it and nothing else). A reason
    that is no list of criteria is a row of its own; what was unknown of a criterion is no failure of it.
    """
    protocol, people = look.protocol, look.trial.subjects
    if not look.screening_log:
        return with_reason(pd.DataFrame(columns=["criterion", "label", "failed", "alone"]), _NO_SCREENING_LOG)
    why = _written_reason(people[~people["randomized"]])
    known = set(protocol.criterion)
    is_criterion = why.map(lambda reason: known.issuperset(reason.split(", "))).astype(bool)
    reasons = [set(reason.split(", ")) for reason in why[is_criterion]]
    rows = []
    for c in protocol.criteria:
        failed = [ids for ids in reasons if c.id in ids]
        rows.append((c.id, c.label, len(failed), sum(len(ids) == 1 for ids in failed)))
    other = why[~is_criterion].map(lambda reason: _first_criterion(reason, protocol))
    rows += [("", str(reason), n, n) for reason, n in _by_size(other)]
    frame: Frame = pd.DataFrame(rows, columns=["criterion", "label", "failed", "alone"])
    frame = frame[frame["failed"] > 0].sort_values("failed", ascending=False, kind="stable", ignore_index=True)
    return with_reason(frame, _NO_SCREENING_LOG)


def _doses(look: LookData, people: Frame) -> Frame:
    """Whether a dose was given; for the others why not, as far as that may be told."""
    doses = look.trial.doses
    dosed = set(doses.loc[doses["dosed_on"].notna(), "subject_id"])
    due = set(doses.loc[doses["dosed_on"].isna(), "subject_id"])
    reasons = doses[doses["reason"].notna() & doses["dosed_on"].isna()].drop_duplicates("subject_id")
    reason = dict(zip(reasons["subject_id"], "not dosed: " + reasons["reason"], strict=True))

    def state(who: str) -> str:
        return "dosed" if who in dosed else reason.get(who, "not dosed" if who in due else "not dosed yet")

    return people.map(state)


def _fate(look: LookData) -> dict[str, str]:
    """By subject what became of it: death before all, then withdrawal and loss, the end of treatment, completion."""
    ends = look.trial.disposition
    ends = ends.assign(rank=ends["milestone"].map({name: at for at, name in enumerate(_FATES)})).sort_values("rank")
    ends = ends.drop_duplicates("subject_id")
    return dict(zip(ends["subject_id"], ends["milestone"].map(_FATES), strict=True))


def follow_up(look: LookData) -> Frame:
    """How follow-up ended, or where it stands: arm, item, n."""
    stages = flow(look)
    stages = stages[(stages["stage"] == "follow_up") & (stages["item"] != "")]
    return with_reason(stages[["arm", "item", "n"]].reset_index(drop=True), NOT_COLLECTED)


@once_a_look
def dosing(look: LookData) -> Frame:
    """Where everybody randomized stands in the dosing window: `tt.arms.dosing_status`, with the arm."""
    trial = look.trial
    if not any(arm.dosing for arm in look.protocol.arms):
        return with_reason(None, "The protocol declares no dosing window.")
    if "doses" in trial.absent or look.cutoff is None or look.randomized["infected_on"].isna().all():
        return with_reason(None, NOT_COLLECTED)
    window = dosing_status(look.protocol, look.randomized, trial.doses, as_of=look.cutoff)
    return window.assign(arm=window["subject_id"].map(look.arm_of.get))


def dosing_counts(look: LookData) -> Frame:
    """How many stand where in the dosing window: arm, state, day (days from infection to the dose), n."""
    window = dosing(look)
    if window.empty:
        return window
    days = window.assign(day=window["day"].where(window["dosed_on"].notna()))
    counted = days.groupby(["arm", "state", "day"], dropna=False, observed=True).size()
    return counted.rename("n").reset_index()


def dosing_deviations(look: LookData) -> Frame:
    """Deviations from the dosing window, all arms together: deviation, n, median_days (outside the window)."""
    window = dosing(look)
    if window.empty:
        return window
    kinds = deviations_of(window).groupby("deviation", as_index=False)
    return with_reason(
        kinds.agg(n=("days", "size"), median_days=("days", "median")), "No deviation from the dosing window."
    )


def data_currency(look: LookData) -> Frame:
    """How current the data are: of each table, rows, subjects, the last day in it, and days from that to the cut.

    Columns: table, rows, subjects, last, behind. A table that was not collected has none of them.
    """
    rows = []
    for name, table in look.trial.tables.items():
        days = [table[column].max() for column in table.select_dtypes("datetime").columns if column != "planned_on"]
        last = max((day for day in days if not pd.isna(day)), default=pd.NaT)
        if name in look.trial.absent:  # what other tables tell of it does not count
            rows.append((name, None, None, pd.NaT, None))
            continue
        behind = None if pd.isna(last) or look.cutoff is None else (pd.Timestamp(look.cutoff) - last).days
        rows.append((name, len(table), table["subject_id"].nunique(), last, behind))
    frame = pd.DataFrame(rows, columns=["table", "rows", "subjects", "last", "behind"])
    return frame.astype({"rows": "Int64", "subjects": "Int64", "behind": "Int64"})
