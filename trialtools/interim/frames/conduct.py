"""Trial data go in; what became of the people comes out: the CONSORT flow, who they are, dosing, what is missing."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ...arms.dosing import dosing_status
from ...cohort.frames.baseline import BASELINE, levels_apart, means_apart
from ...cohort.frames.groups import usual
from ...criteria.contents import Protocol
from ..data import TrialData, endpoint_states
from ..data.tables import TABLES, Frame

POOLED = ""
"""The arm of everybody, in a report that must not tell any."""
MOST_LEVELS = 8
FLOW = ("stage", "arm", "item", "n")
UNKNOWN = "unknown"
ALLOCATIONS = "allocations.csv"
OPEN = "undetermined: something was not known"
WAITING = "eligible, but not randomized so far"


def arms_of(trial: TrialData) -> tuple[str, ...]:
    """The arms that these data tell, in the order of the protocol; one without a name where they tell none."""
    there = set(trial.subjects["arm"].dropna())
    return tuple(arm for arm in trial.arms or sorted(there) if arm in there) or (POOLED,)


def arm_of(trial: TrialData) -> dict[str, str]:
    """The arm of every subject: "unknown" for whoever lacks one where arms are told, and none for anybody elsewhere."""
    blank = POOLED if arms_of(trial) == (POOLED,) else UNKNOWN
    return dict(zip(trial.subjects["subject_id"], trial.subjects["arm"].fillna(blank), strict=True))


def members(trial: TrialData, arm: str) -> Frame:
    """Everybody randomized to an arm; everybody randomized at all where arms are not told."""
    entered = trial.subjects[trial.subjects["randomized"]]
    return entered if arm == POOLED else entered[entered["arm"] == arm]


def flow(trial: TrialData, on: date | None = None, protocol: Protocol | None = None) -> Frame:
    """Where everybody is: the CONSORT 2025 flow, as counts that add up.

    Args:
        trial: cut.
        on: the day of the cut, by default the trial's own.
        protocol: whose first failed criterion stands for a reason that lists several; otherwise reasons are as written.

    Columns: stage (assessed, excluded, randomized, allocated, follow_up, analysed), arm, item ("" for the box itself),
    n. Whoever was randomized in no known arm has a box of their own, "unknown". A stage whose table was not collected
    has its box and no items.

    >>> from trialtools.interim.data import read_trial
    >>> subjects = {"subject_id": ["1", "2"], "randomized_on": ["2023-02-01", ""], "reason": ["", "I1"]}
    >>> flow(read_trial({"subjects": subjects})).query("item == ''")[["stage", "n"]].values.tolist()[:3]
    [['assessed', 2], ['excluded', 1], ['randomized', 1]]
    """

    subjects, on = trial.subjects, on or trial.cut_on
    out = subjects[~subjects["randomized"]]
    rows: list[tuple[str, str, str, int]] = [("assessed", "", "", len(subjects)), ("excluded", "", "", len(out))]
    why = _why(out)
    first = why if protocol is None else why.map(lambda reason: _first_criterion(str(reason), protocol))
    rows += [("excluded", "", str(item), int(n)) for item, n in _counted(first)]
    rows.append(("randomized", "", "", int(subjects["randomized"].sum())))
    fate = _fate(trial)
    states = endpoint_states(subjects, trial.outcomes, trial.endpoint, trial.window, on).set_index("subject_id")[
        "state"
    ]
    known = arms_of(trial)
    lost = [] if known == (POOLED,) or not _armless(trial) else [UNKNOWN]
    for arm in (*known, *lost):
        own = _armless_members(trial) if arm == UNKNOWN else members(trial, arm)
        people = own["subject_id"]
        for stage, told, there in (
            ("allocated", _dosed(trial, people), "doses" not in trial.absent),
            ("follow_up", people.map(lambda who: fate.get(who, "in follow-up")), "disposition" not in trial.absent),
            ("analysed", people.map(states), trial.endpoint is not None),
        ):
            rows.append((stage, arm, "", len(own)))
            rows += [(stage, arm, str(item), int(n)) for item, n in _counted(told)] if there else []
    return pd.DataFrame(rows, columns=list(FLOW))


ANALYSED = {"observed": "outcome known", "pending": "outcome not due yet", "missing": "outcome missing"}


def _armless(trial: TrialData) -> bool:
    return bool((trial.subjects["randomized"] & trial.subjects["arm"].isna()).any())


def _armless_members(trial: TrialData) -> Frame:
    return trial.subjects[trial.subjects["randomized"] & trial.subjects["arm"].isna()]


def _counted(values: Frame) -> list[tuple[Any, int]]:
    """Values by how often they are there, the most frequent first, then by name."""
    counts = values.value_counts()
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))


def _why(out: Frame) -> Frame:
    """Why each of them was not randomized, as it is written; where nothing is, what the decision tells."""
    told = out["decision"].map({"undetermined": OPEN, "eligible": WAITING})
    return out["reason"].fillna(told).fillna("no reason given")


def _first_criterion(reason: str, protocol: Protocol) -> str:
    """The first criterion of a list of ids, with its label; any other reason as it is."""
    ids = set(reason.split(", "))
    if ids <= set(protocol.criterion):
        return next(f"{c.id} {c.label}" for c in protocol.criteria if c.id in ids)
    return OPEN if reason.startswith("unknown: ") else reason


def exclusions(trial: TrialData, protocol: Protocol) -> Frame:
    """Why people were not randomized, criterion by criterion.

    Columns: criterion, label, failed (people who failed it, perhaps with others), alone (it and nothing else). A reason
    that is no list of criteria is a row of its own; what was unknown of a criterion is no failure of it.
    """

    why = _why(trial.subjects[~trial.subjects["randomized"]])
    listed = why.map(lambda reason: set(reason.split(", ")) <= set(protocol.criterion)).astype(bool)
    reasons = [set(reason.split(", ")) for reason in why[listed]]
    rows = []
    for c in protocol.criteria:
        failed = [ids for ids in reasons if c.id in ids]
        rows.append((c.id, c.label, len(failed), sum(len(ids) == 1 for ids in failed)))
    other = why[~listed].map(lambda reason: _first_criterion(reason, protocol))
    rows += [("", str(reason), int(n), int(n)) for reason, n in _counted(other)]
    frame: Frame = pd.DataFrame(rows, columns=["criterion", "label", "failed", "alone"])
    return frame[frame["failed"] > 0].sort_values("failed", ascending=False, kind="stable", ignore_index=True)


def _dosed(trial: TrialData, people: Frame) -> Frame:
    """Whether a dose was given; for the others why not, as far as that may be told."""
    doses = trial.doses
    given = set(doses.loc[doses["dosed_on"].notna(), "subject_id"])
    due = set(doses.loc[doses["dosed_on"].isna(), "subject_id"])
    reasons = doses[doses["reason"].notna() & doses["dosed_on"].isna()].drop_duplicates("subject_id")
    reason = dict(zip(reasons["subject_id"], "not dosed: " + reasons["reason"], strict=True))

    def told(who: str) -> str:
        return "dosed" if who in given else reason.get(who, "not dosed" if who in due else "not dosed yet")

    return people.map(told)


def _fate(trial: TrialData) -> dict[str, str]:
    """By subject the milestone that ended it: death before all, then withdrawal and loss, then completion."""
    rank = {name: at for at, name in enumerate(("died", "withdrew", "lost", "discontinued", "completed"))}
    words = {"withdrew": "withdrew", "lost": "lost to follow-up"}
    ends = trial.disposition.assign(rank=trial.disposition["milestone"].map(rank)).sort_values("rank")
    ends = ends.drop_duplicates("subject_id")
    told = ends["milestone"].replace(words)
    return dict(zip(ends["subject_id"], told, strict=True))


def baseline(trial: TrialData, protocol: Protocol, fields: Sequence[str] | None = None) -> Frame:
    """Who was randomized, arm by arm, or all together: as `tt.Screening.baseline` gives it, for `figures.baseline`.

    Args:
        trial: whose extra columns of `subjects` are the baseline.
        protocol: labels and units, for those of its fields that are there.
        fields: which columns; by default those that tell people apart (age, sex, chronic conditions) and the numbers
            that the criteria ask for; of a trial without such fields, all columns.

    Unknown is a level of its own, where anything is unknown. `smd` compares those who are known. No p-values
    (CONSORT 2025).
    """

    extra = [name for name in trial.subjects if name not in TABLES["subjects"]]
    rows = []
    asked = [n for n in protocol.used if protocol.fields[n].type in ("number", "integer")]
    usually = [name for name in extra if name in {*usual(protocol), *asked}]
    for name in fields or usually or extra:
        groups = {arm or "all randomized": members(trial, arm)[name] for arm in arms_of(trial)}
        rows += _described(name, protocol, groups)
    return pd.DataFrame(rows, columns=list(BASELINE))


def _described(name: str, protocol: Protocol, groups: dict[str, Frame]) -> list[dict[str, Any]]:

    field = protocol.fields.get(name)
    label, unit = (field.label, field.unit or "") if field else (name.replace("_", " ").capitalize(), "")
    whole: Frame = next(iter(groups.values())).dtype
    if types.is_datetime64_any_dtype(whole):
        return []
    if types.is_numeric_dtype(whole) and not types.is_bool_dtype(whole):
        return _number(name, label, unit, groups)
    written = {arm: column.map({True: "yes", False: "no"}.get, na_action="ignore") if field and field.type == "flag"
               else column.astype("str") for arm, column in groups.items()}  # fmt: skip
    levels = sorted({str(level) for column in written.values() for level in column.dropna()})
    if len(levels) > MOST_LEVELS or not levels:
        return []
    table = np.array([[int((column == level).sum()) for column in written.values()] for level in levels])
    return _rows(name, label, unit, levels, table, written, {}, levels_apart(table))


def _number(name: str, label: str, unit: str, groups: dict[str, Frame]) -> list[dict[str, Any]]:
    summary = {
        arm: (*(column.agg(how) for how in ("mean", "std", "median")), column.quantile(0.25), column.quantile(0.75))
        for arm, column in groups.items()
    }
    apart = means_apart(*([each[at] for each in summary.values()] for at in (0, 1)))
    table = np.array([[int(column.notna().sum()) for column in groups.values()]])
    return _rows(name, label, unit, [""], table, groups, summary, apart)


def _rows(
    name: str, label: str, unit: str, levels: Sequence[str], table: np.ndarray, groups: dict[str, Frame],
    summary: dict[str, tuple[float, ...]], apart: float,
) -> list[dict[str, Any]]:  # fmt: skip
    sizes = [len(column) for column in groups.values()]
    unknown = np.array(sizes) - table.sum(axis=0)
    lacking = levels_apart(np.array([unknown, table.sum(axis=0)]))
    rows = []
    for at, level in enumerate([*levels, *([UNKNOWN] if unknown.any() else [])]):
        counts = unknown if level == UNKNOWN and at == len(levels) else table[at]
        for which, (arm, size) in enumerate(zip(groups, sizes, strict=True)):
            told = summary.get(arm, ()) if level == "" else ()
            numbers = [float(each) for each in told] or [math.nan] * 5
            smd = lacking if at == len(levels) else apart if at == 0 else math.nan
            row = (name, label, unit, level, arm, int(counts[which]), size, *numbers, smd)
            rows.append(dict(zip(BASELINE, row, strict=True)))
    return rows


def adherence(trial: TrialData, protocol: Protocol, on: date | None) -> Frame | None:
    """Where everybody randomized stands in the dosing window: `tt.arms.dosing_status`, with the arm.

    None where the protocol has no window, doses were not collected, or nothing says when anybody was infected.
    """
    if on is None or not any(arm.dosing for arm in protocol.arms) or "doses" in trial.absent:
        return None
    entered = trial.subjects[trial.subjects["randomized"]]
    if entered["infected_on"].isna().all():
        return None
    window = dosing_status(protocol, entered, trial.doses, as_of=on)
    arm = arm_of(trial)
    return window.assign(arm=[arm[who] for who in window["subject_id"]])


def adherence_counts(window: Frame) -> Frame:
    """How many stand where in the dosing window: arm, state, day (days from infection to the dose), n."""
    told = window.assign(day=window["day"].where(window["dosed_on"].notna()))
    counted = told.groupby(["arm", "state", "day"], dropna=False, observed=True).size()
    return counted.rename("n").reset_index()


def balance(trial: TrialData) -> Frame:
    """How many were randomized in each stratum: stratum, arm, n, of (in the stratum); strata that nobody knows too."""
    entered = trial.subjects[trial.subjects["randomized"]].copy()
    entered["stratum"] = entered["stratum"].fillna(UNKNOWN)
    entered["arm"] = entered["subject_id"].map(arm_of(trial))
    counted = entered.groupby(["stratum", "arm"]).size().rename("n").reset_index()
    return counted.assign(of=counted.groupby("stratum")["n"].transform("sum"))


def currency(trial: TrialData, on: date | None) -> Frame:
    """How current the data are: of each table, rows, subjects, the last day in it, and days from that to the cut.

    Columns: table, rows, subjects, last, behind. A table that was not collected has none of them.
    """

    rows = []
    for name, table in trial.tables.items():
        days = [table[column].max() for column in table.select_dtypes("datetime").columns if column != "planned_on"]
        last = max((day for day in days if not pd.isna(day)), default=pd.NaT)
        absent = name in trial.absent
        behind = None if pd.isna(last) or on is None else (pd.Timestamp(on) - last).days
        size = (None, None) if absent else (len(table), table["subject_id"].nunique())
        rows.append((name, *size, last, behind))
    frame = pd.DataFrame(rows, columns=["table", "rows", "subjects", "last", "behind"])
    return frame.astype({"rows": "Int64", "subjects": "Int64", "behind": "Int64"})


def outcome_states(trial: TrialData, on: date | None) -> Frame:
    """The primary endpoint by site: how many are observed, pending, missing.

    Columns: site, randomized, observed, pending, missing.
    """
    states = endpoint_states(trial.subjects, trial.outcomes, trial.endpoint, trial.window, on)
    site = states["subject_id"].map(trial.subjects.set_index("subject_id")["site"]).fillna(UNKNOWN)
    counted = states.groupby(site)["state"].value_counts().unstack(fill_value=0)
    counted = counted.reindex(columns=["observed", "pending", "missing"], fill_value=0)
    counted.insert(0, "randomized", counted.sum(axis=1))
    return counted.rename_axis("site").reset_index()


def integrity(trial: TrialData, data: str | os.PathLike[str]) -> Frame | None:
    """What the allocation ledger says of the randomization, held against the data: a row a question, with how many.

    Args:
        trial: cut.
        data: the folder of the cut, with the ledger's `allocations.csv`; None is returned where there is none.

    Columns: what, n, of.
    """

    file = Path(data) / ALLOCATIONS
    if not file.is_file():
        return None
    ledger: Frame = pd.read_csv(file, dtype={"subject_id": "str", "stratum": "str"})
    entered = trial.subjects[trial.subjects["randomized"]]
    both: Frame = entered.merge(ledger, on="subject_id", suffixes=("", "_ledger"))
    days = pd.to_datetime(both["randomized_on_ledger"])
    n = len(ledger)
    rows = [
        (
            "In the ledger, not randomized in the data",
            int((~ledger["subject_id"].isin(entered["subject_id"])).sum()),
            n,
        ),
        ("Randomized in the data, not in the ledger", len(entered) - len(both), len(entered)),
        ("Another day of randomization than in the ledger", int((days != both["randomized_on"]).sum()), len(both)),
        ("Another stratum than in the ledger", int((both["stratum"] != both["stratum_ledger"]).sum()), len(both)),
        ("Allocated by an override (not eligible, or out of the window)", int(ledger["override_by"].notna().sum()), n),
        ("Unblinded", int((ledger["unblindings"] > 0).sum()), n),
    ]
    return pd.DataFrame(rows, columns=["what", "n", "of"])
