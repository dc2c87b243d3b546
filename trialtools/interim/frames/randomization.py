"""A look goes in; out comes who was randomized, and how: baseline, balance, the ledger held against the data, bias."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from pandas.api import types

from ...cohort.frames.baseline import BASELINE, ValueCounts, describe
from ...cohort.frames.groups import Z95, default_groups
from ...figures.format import count, number
from ...figures.measure import POINTS
from ..data.tables import TABLES, Frame
from ..lookdata import NOT_COLLECTED, UNKNOWN, LookData, with_reason
from .effect import why_no_comparison
from .endpoint import endpoint_rows
from .wording import share

_MOST_LEVELS = 8
_EVERYBODY = "all randomized"
_NO_LEDGER = "No allocation ledger was handed in."


def baseline_by_arm(look: LookData) -> Frame:
    """Who was randomized: as `tt.Screening.baseline` gives it, a group an arm, or all together.

    Shown are the extra columns of `subjects` that tell people apart (age, sex, chronic conditions), and the numbers
    that the criteria ask for; of a trial without such fields, all extra columns.

    Unknown is a level of its own, where anything is unknown. `smd` compares those who are known. No p-values
    (CONSORT 2025).
    """
    protocol = look.protocol
    extra = [name for name in look.trial.subjects if name not in TABLES["subjects"]]
    numbers = [name for name in protocol.used_fields if protocol.fields[name].type in ("number", "integer")]
    usually = [name for name in extra if name in {*default_groups(protocol), *numbers}]
    rows = [row for name in usually or extra for row in _variable(look, name)]
    return with_reason(pd.DataFrame(rows, columns=list(BASELINE)), NOT_COLLECTED)


def _variable(look: LookData, name: str) -> list[dict[str, object]]:
    groups = {arm or _EVERYBODY: look.members(arm)[name] for arm in look.arms}
    field = look.protocol.fields.get(name)
    about = (name, field.label, field.unit or "") if field else (name, name.replace("_", " ").capitalize(), "")
    kind: Frame = look.trial.subjects[name].dtype
    if types.is_datetime64_any_dtype(kind):
        return []
    if types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind):
        rows = describe(about, {arm: _count_values(column.astype("float64")) for arm, column in groups.items()})
    else:
        flags = field is not None and field.type == "flag"
        text = {
            arm: column.map({True: "yes", False: "no"}, na_action="ignore") if flags else column.astype("str")
            for arm, column in groups.items()
        }
        levels = sorted({str(level) for column in text.values() for level in column.dropna()})
        if len(levels) > _MOST_LEVELS or not levels:
            return []
        places = {level: float(at) for at, level in enumerate(levels)}
        rows = describe(about, {arm: _count_values(column.map(places)) for arm, column in text.items()}, levels)
    return rows if any(row["n"] for row in rows[-len(groups) :]) else rows[: -len(groups)]


def _count_values(column: Frame) -> ValueCounts:
    """How many have each value of a column of numbers."""
    sizes = column.value_counts().sort_index()
    return ValueCounts(sizes.index.to_numpy(float), sizes.to_numpy("int64"), int(column.isna().sum()))


def allocation_balance(look: LookData) -> Frame:
    """How many were randomized in each stratum: stratum, arm, n, of (in the stratum); strata that nobody knows too."""
    entered = look.randomized
    groups = [entered["stratum"].fillna(UNKNOWN), entered["subject_id"].map(look.arm_of).rename("arm")]
    counted = entered.groupby(groups).size().rename("n").reset_index()
    return counted.assign(of=counted.groupby("stratum")["n"].transform("sum"))


def allocation_audit(look: LookData) -> Frame:
    """What the allocation ledger says of the randomization, held against the data: what, n, of."""
    ledger, entered = look.allocations, look.randomized
    if ledger is None:
        return with_reason(pd.DataFrame(columns=["what", "n", "of"]), _NO_LEDGER)
    both: Frame = entered.merge(ledger, on="subject_id", suffixes=("", "_ledger"))
    days = pd.to_datetime(both["randomized_on_ledger"])
    n, lost = len(ledger), int((~ledger["subject_id"].isin(entered["subject_id"])).sum())
    rows = [
        ("In the ledger, not randomized in the data", lost, n),
        ("Randomized in the data, not in the ledger", len(entered) - len(both), len(entered)),
        ("Another day of randomization than in the ledger", int((days != both["randomized_on"]).sum()), len(both)),
        ("Another stratum than in the ledger", int((both["stratum"] != both["stratum_ledger"]).sum()), len(both)),
        ("Allocated by an override (not eligible, or out of the window)", int(ledger["override_by"].notna().sum()), n),
        ("Unblinded", int((ledger["unblindings"] > 0).sum()), n),
        ("Corrected afterwards", int((ledger["corrections"] > 0).sum()), n),
        ("Kit returned", int(ledger["kit_returned"].sum()), n),
    ]
    return pd.DataFrame(rows, columns=["what", "n", "of"])


def selection_bias_test(look: LookData) -> Frame:
    """The test of Berger and Exner for selection bias: does the chance of an allocation predict the outcome?

    Columns: what, value. Empty where no ledger was opened with its key, chances do not differ, or there is no
    comparison.

    Source: Berger and Exner, Controlled Clinical Trials 20 (1999); the level of 1 % after Mickenautsch and others,
    BMC Medical Research Methodology 14 (2014). A linear model of the outcome on arm and chance, errors HC3.
    """
    nothing = pd.DataFrame(columns=["what", "value"])
    if why := why_no_comparison(look):
        return with_reason(nothing, why)
    if look.plan.kind == "time_to_event":
        return with_reason(nothing, "The test of Berger and Exner is not worked out for a time to an event.")
    if look.allocations is None or "chance" not in look.allocations:
        return with_reason(nothing, "The ledger was not opened with its key.")
    rows = endpoint_rows(look).merge(look.allocations[["subject_id", "chance"]], on="subject_id")
    rows = rows[rows["mature"] & rows["value"].notna()]
    if len(rows) < 4 or rows["chance"].nunique() < 2 or rows["value"].nunique() < 2 or rows["arm"].nunique() < 2:
        return with_reason(nothing, "Chances of an allocation, or outcomes, do not differ: nothing to test.")
    design = np.column_stack([np.ones(len(rows)), rows["arm"] == look.plan.control, rows["chance"]]).astype(float)
    effect, se = last_coefficient(design, rows["value"].to_numpy(float))
    p = float(2 * scipy.special.ndtr(-abs(effect / se)))
    interval = (effect - Z95 * se, effect + Z95 * se)
    sure = int(rows["chance"].isin([0.0, 1.0]).sum())
    lines = [
        ("Participants with the outcome and the chance known", count(len(rows))),
        ("Allocations that could be foreseen for sure, by someone who knew all earlier arms", share(sure, len(rows))),
        ("Rate of the endpoint, foreseen less not, percentage points (95 %)", POINTS.interval(effect, *interval)),
        ("p", number(p, 3)),
        ("At the level of 1 %", "patients may have been chosen" if p < 0.01 else "no sign that patients were chosen"),
    ]
    return pd.DataFrame(lines, columns=["what", "value"])


def last_coefficient(design: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """The last coefficient of a linear model, with its robust standard error (HC3, MacKinnon and White 1985)."""
    inverse = np.linalg.pinv(design)
    left = value - design @ (inverse @ value)
    spread = (left / (1 - (design * inverse.T).sum(axis=1))) ** 2
    return float((inverse @ value)[-1]), float(np.sqrt((inverse[-1] ** 2 * spread).sum()))
