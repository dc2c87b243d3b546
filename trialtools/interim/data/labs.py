"""Laboratory results go in; each test comes out in one unit, and what could not be brought to it is counted."""

from __future__ import annotations

import math

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...criteria.language import ProtocolError
from ...criteria.units import factor
from .names import plain_name, plain_names
from .tables import Frame, finding_for

LIVER = {"ALT": "transferase", "AST": "transferase", "BILI": "bilirubin"}
"""Tests that are held against their upper limits, and what they measure."""
_ALSO = {
    "ALT": ("alat", "sgpt", "gpt"),
    "AST": ("asat", "sgot", "got"),
    "BILI": ("bilirubin", "total bilirubin", "tbil"),
}
_LIVER_NAMES = {plain_name(name): test for test, names in _ALSO.items() for name in names}
"""What else these tests are called."""
_ALONE = "left out of medians; compared with its own upper limit"


def unify_units(labs: Frame) -> tuple[Frame, list[DataFinding]]:
    """Results and upper limits of each test in the unit that most of its results have.

    What measures another thing stays as it is written: between mmol/L and mg/dL lies the substance.
    """
    test = plain_names(labs["test"]).map(_LIVER_NAMES).astype("str")
    findings = finding_for(
        "labs", "test", "another name of a liver test", labs, test.notna(), "read as ALT, AST or BILI"
    )
    labs = labs.assign(test=test.fillna(labs["test"]))
    bare = labs["test"].isin(list(LIVER)) & labs["value"].notna() & ~(labs["upper_limit"] > 0)
    findings += finding_for(
        "labs", "upper_limit", "no upper limit of a liver test", labs, bare, "not looked at for harm"
    )
    if labs["unit"].isna().all():
        return labs, findings
    commonest = labs.groupby("test")["unit"].agg(lambda units: next(iter(units.mode()), None))
    units = pd.DataFrame({"unit": labs["unit"], "wanted": labs["test"].map(commonest).astype("str")})
    steps = units[units["unit"] != units["wanted"]].dropna().drop_duplicates()
    by = [_step(*pair) for pair in steps.itertuples(index=False, name=None)]
    steps = steps.assign(by=[factor for factor, _ in by], plus=[constant for _, constant in by])
    step = units.merge(steps, how="left").set_axis(labs.index)
    other, known = units["wanted"].notna() & (units["unit"] != units["wanted"]), step["by"].notna()
    for problem, hit, action in (
        ("in another unit than most results of the test", known, "brought to the commonest"),
        ("in a unit that cannot become the commonest of the test", other & ~known & labs["unit"].notna(), _ALONE),
        ("no unit, unlike other results of the test", other & labs["unit"].isna(), _ALONE),
    ):
        findings += finding_for("labs", "unit", problem, labs, hit, action)
    columns = {name: (labs[name] * step["by"] + step["plus"]).round(9) for name in ("value", "upper_limit")}
    return labs.assign(
        **{name: labs[name].mask(known, column) for name, column in columns.items()},
        unit=labs["unit"].mask(known, units["wanted"]),
    ), findings


def _step(unit: str, wanted: str) -> tuple[float, float]:
    """What brings a result to a unit: a factor and a constant; nothing known where they measure different things."""
    try:
        return factor(unit, wanted, "the result")
    except ProtocolError:
        return math.nan, math.nan
