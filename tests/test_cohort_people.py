"""Frames about people: counted again by hand, empty and one-sided cohorts, and nothing small that leaves."""

import itertools
import math

import numpy as np
import polars as pl
import pytest

import trialtools as tt
from trialtools import figures
from trialtools.criteria.contents import read_protocol

SMALL = read_protocol("""
id: X
title: X
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age, change: never}
  sex: {type: category, values: [female, male], label: Sex, change: never}
  spo2: {type: number, label: Saturation, step: 1}
  smoker: {type: flag, label: Smoker, change: never}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18}
  - {id: I2, kind: inclusion, label: Saturation, when: spo2 > 93}
  - {id: E1, kind: exclusion, label: Smoker, when: smoker}
""")
TYPES = {"age": pl.Int64, "sex": pl.String, "spo2": pl.Float64, "smoker": pl.Boolean}


def screened(rows):
    return tt.screen(SMALL, pl.DataFrame(rows, schema=TYPES, orient="row").with_row_index("patient_id"))


@pytest.fixture(scope="module")
def some():
    """Every combination of a few values, unknown among them."""
    values = [15, 40, 70, None], ["female", "male", None], [90.0, 96.0, None], [True, False]
    return screened([*itertools.product(*values)])


@pytest.fixture(scope="module")
def table(some):
    return (
        some.patients.frame.to_native()
        .lazy()
        .collect()
        .join(pl.from_pandas(some.decisions()).with_columns(pl.col("patient_id").cast(pl.UInt32)), on="patient_id")
    )


def test_those_lost_at_a_step_add_up_to_the_step(some, table):
    lost, steps = some.attrition_by_group(), some.attrition()
    for (step, _), part in lost.groupby(["step", "field"]):
        whole = some.n if step == 0 else steps["failed_here"][step]
        assert part["n"].sum() == part["of"].iloc[0] == whole
    second = table.filter(pl.col("failed").str.starts_with("I2") & (pl.col("sex") == "male")).height
    assert lost.query("criterion == 'I2' and group == 'male'")["n"].item() == second


def test_subgroups_are_held_against_everybody_else_who_is_known(some, table):
    frame = some.exclusion_ratios(by=["sex"], criteria=["", "E1"]).set_index(["criterion", "group"])
    known, out = table.filter(pl.col("sex").is_not_null()), pl.col("decision") == "ineligible"
    women, men = known.filter(pl.col("sex") == "female"), known.filter(pl.col("sex") == "male")
    expected = (women.filter(out).height / women.height) / (men.filter(out).height / men.height)
    assert frame.loc[("", "female"), "ratio"] == pytest.approx(expected)
    assert frame.loc[("", "unknown"), "n"] == table["sex"].null_count() and math.isnan(
        frame.loc[("", "unknown"), "ratio"]
    )
    assert frame.loc[("E1", "male"), "failed"] == men.filter(pl.col("smoker")).height
    whole = frame.loc[""]
    assert (whole["failed"].sum(), whole["unknown"].sum()) == (some.counts["ineligible"], some.counts["undetermined"])


def test_bands_begin_where_the_protocol_changes_its_mind():
    frame = screened([(40, "male", value, False) for value in (93.0, 93.5, 94.0, None)]).exclusion_ratios(by=["spo2"])
    assert frame[["group", "n"]].values.tolist() == [["under 94", 2], ["94 and over", 1], ["unknown", 1]]
    ages = screened([(age, "male", 96.0, False) for age in (17, 18, 64, 65, 85, None)]).exclusion_ratios(by=["age"])
    assert ages["n"].tolist() == [1, 1, 1, 1, 0, 1, 1]


def test_what_is_unknown_together_is_every_patient_once(some, table):
    sets = some.missingness()
    assert sets["n"].sum() == some.n and sets["fields"].iloc[-1] == "other"
    both = table.filter(pl.all_horizontal(pl.col("age", "spo2").is_null())).height
    assert sets.loc[sets["fields"] == "age, spo2", "n"].sum() == both


def test_one_group_alone_has_no_column_of_differences(some):
    frame = some.baseline(fields=["age", "sex"])
    assert "SMD" in figures.baseline(frame).as_raw_html()
    alone = figures.baseline(frame[frame["group"] == frame["group"].iloc[0]]).as_raw_html()
    assert "SMD" not in alone and "standardized" not in alone


def test_a_baseline_table_against_numpy(some, table):
    frame = some.baseline(fields=["age", "sex"]).set_index(["variable", "level", "group"])
    for group, part in table.group_by("decision"):
        known = part["age"].drop_nulls().to_numpy()
        row = frame.loc[("age", "", group[0])]
        assert (row["n"], row["of"]) == (len(known), part.height)
        assert row["mean"] == pytest.approx(known.mean()) and row["sd"] == pytest.approx(known.std(ddof=1), nan_ok=True)
        assert [row["q1"], row["median"], row["q3"]] == pytest.approx(np.quantile(known, [0.25, 0.5, 0.75]))
        assert frame.loc[("sex", "unknown", group[0]), "n"] == part["sex"].null_count()


def test_standardized_differences_against_published_formulas():
    men = [(40, "male", 96.0, False)] * 30 + [(60, "male", 96.0, False)] * 10
    women = [(40, "female", 96.0, False)] * 10 + [(60, "female", 96.0, True)] * 10
    frame = screened([*men, *women]).baseline(by="sex", fields=["age", "smoker"]).query("level in ('', 'yes')")
    one, two = np.array([40] * 30 + [60] * 10), np.array([40] * 10 + [60] * 10)
    by_hand = abs(one.mean() - two.mean()) / math.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2)
    assert frame.drop_duplicates("variable")["smd"].tolist() == pytest.approx([by_hand, 0.5 / math.sqrt(0.25 / 2)])


FRAMES = {
    "attrition": tt.Screening.attrition,
    "states": tt.Screening.criterion_states,
    "lacking": tt.Screening.open_criteria,
    "overlap": tt.Screening.overlap,
    "impact": tt.Screening.impact,
    "lost": tt.Screening.attrition_by_group,
    "subgroups": tt.Screening.exclusion_ratios,
    "missingness": tt.Screening.missingness,
    "baseline": tt.Screening.baseline,
    "sweep": lambda screening: screening.sweep("I1"),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("rows", [[], [(None,) * 4], [(40, "male", 96.0, False)]], ids=["nobody", "all unknown", "one"])
def test_every_frame_takes_a_cohort_of_nobody_of_unknowns_and_of_one(name, rows):
    frame = FRAMES[name](screened(rows))
    hidden = tt.cohort.suppress(frame)
    assert list(hidden.columns) == list(frame.columns)


@pytest.mark.parametrize("name", FRAMES)
def test_no_small_count_leaves(name, some):
    whole = FRAMES[name](some)
    hidden = tt.cohort.suppress(whole, minimum=8)
    for column in hidden.columns:
        if hidden[column].dtype.kind in "iu" and column not in ("step", "size", "value"):
            assert not hidden[column].between(1, 7).fillna(False).any(), column
    if "of" in hidden and "n" in hidden:
        assert not (hidden["of"] - hidden["n"]).between(1, 7).fillna(False).any()
    if {"pass", "fail", "unknown"} <= set(hidden):
        assert (hidden[["pass", "fail", "unknown"]].isna().sum(axis=1) != 1).all(), "one of three that add up"
    for keys in (["variable", "group"], ["step", "field"], ["criterion", "field"]):
        if {*keys, "n"} <= set(hidden) and name in ("baseline", "lost", "subgroups"):
            lost = hidden["n"].isna().groupby([hidden[key] for key in keys]).sum()
            more = (whole["n"] > 0).groupby([whole[key] for key in keys]).sum() > 1
            assert (lost[more] != 1).all(), "one of several groups that make up a whole"
    if name in ("overlap", "missingness"):
        count = "failed" if name == "overlap" else "n"
        assert hidden[count].sum() == whole[count].sum(), "what is folded away still counts"
