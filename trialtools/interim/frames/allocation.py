"""A look goes in; how the randomization went comes out: balance, the ledger held against the data, selection bias."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from ...figures.format import number, percent
from ...figures.measure import POINTS
from ..data.tables import Frame
from ..lookdata import UNKNOWN, LookData, with_reason
from .effect import Z95, why_no_comparison
from .endpoint import endpoint_rows

_NO_LEDGER = "No allocation ledger was handed in."


def allocation_balance(look: LookData) -> Frame:
    """How many were randomized in each stratum: stratum, arm, n, of (in the stratum); strata that nobody knows too."""
    entered = look.entered
    groups = [entered["stratum"].fillna(UNKNOWN), entered["subject_id"].map(look.arm_of).rename("arm")]
    counted = entered.groupby(groups).size().rename("n").reset_index()
    return counted.assign(of=counted.groupby("stratum")["n"].transform("sum"))


def allocation_audit(look: LookData) -> Frame:
    """What the allocation ledger says of the randomization, held against the data: what, n, of."""
    ledger, entered = look.allocations, look.entered
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
    p = float(2 * ndtr(-abs(effect / se)))
    interval = (effect - Z95 * se, effect + Z95 * se)
    sure = float(rows["chance"].isin([0.0, 1.0]).mean())
    lines = [
        ("Allocations that could be foreseen for sure, by someone who knew all earlier arms", percent(sure)),
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
