"""The tidy frames of a screening: their sums, what does not depend on order, and what they say in words."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl
import pytest

import trialtools as tt
from trialtools.criteria.contents import read_protocol


@pytest.fixture(scope="module")
def patients(protocol, root):
    return tt.read_patients(root / "data" / "cohort" / "cohort.csv", protocol)


@pytest.fixture(scope="module")
def screening(protocol, patients):
    return tt.screen(protocol, patients)


def test_attrition_sums_to_everybody(screening):
    steps = screening.attrition()
    assert steps["failed_here"].sum() + steps["possible"].iloc[-1] == screening.n
    assert steps.iloc[-1][["possible", "certain"]].tolist() == [screening.possible, screening.certain]
    assert (steps["possible"] - steps["certain"] == steps["undetermined"]).all()
    assert (-steps["possible"].diff().iloc[1:] == steps["failed_here"].iloc[1:]).all()
    assert (steps["certain"] <= steps["possible"]).all()
    assert steps["step"].tolist() == list(range(len(screening.protocol.criteria) + 1))
    assert steps["criterion"].tolist() == ["", *screening.protocol.requirements]


def test_the_end_does_not_depend_on_the_order(protocol, patients, screening):
    turned = tt.screen(replace(protocol, criteria=protocol.criteria[::-1]), patients)
    assert turned.counts == screening.counts
    assert turned.attrition().iloc[-1]["possible"] == screening.attrition().iloc[-1]["possible"]
    assert turned.attrition().iloc[-1]["certain"] == screening.attrition().iloc[-1]["certain"]
    order = ["pass", "fail", "unknown"]
    here, there = (s.criterion_states().set_index("criterion")[order].sort_index() for s in (screening, turned))
    pd.testing.assert_frame_equal(here, there)


def test_states_sum_to_everybody(screening):
    states = screening.criterion_states()
    assert (states[["pass", "fail", "unknown"]].sum(axis=1) == screening.n).all()
    assert states["criterion"].tolist() == list(screening.protocol.requirements)
    assert (states["quote"].str.len() > 0).all()
    evidence = screening.evidence()
    assert ((evidence["state"] == "unknown").sum()) == states["unknown"].sum()


def test_what_the_undetermined_lack(screening):
    lacking = screening.open_criteria().set_index("criterion")
    waiting = screening.decisions().query("decision == 'undetermined'")
    assert set(lacking["of"]) == {len(waiting)} == {screening.counts["undetermined"]}
    for criterion, row in lacking.iterrows():
        lists = waiting["unknown"].str.split(", ")
        assert row["n"] == sum(criterion in ids for ids in lists)
        assert row["alone"] == sum(ids == [criterion] for ids in lists)
    assert lacking["n"].is_monotonic_decreasing
    assert set(lacking.index[lacking["judged"]]) == set(screening.protocol.judgements)


def test_those_who_wait_for_a_judgement(screening):
    judged = set(screening.protocol.judgements)
    waiting = screening.decisions().query("decision == 'undetermined'")["unknown"].str.split(", ")
    assert screening.counts["awaiting_judgement"] == sum(set(ids) <= judged for ids in waiting)


def test_open_items_name_what_would_settle_it(screening):
    decisions = screening.decisions()
    settled = decisions["decision"] != "undetermined"
    assert (decisions.loc[settled, "open_items"] == "").all()
    assert (decisions.loc[~settled, "open_items"] != "").all()


def test_readings_compared(protocol, patients, screening):
    compared = tt.compare_readings(protocol, patients)
    assert set(compared["criterion"]) == {c.id for c in protocol.criteria if c.readings}
    assert (compared[["pass", "fail", "unknown"]].sum(axis=1) == screening.n).all()
    chosen = compared[compared["chosen"]]
    assert chosen["criterion"].tolist() == [c.id for c in protocol.criteria if c.readings]
    assert set(chosen["certain"]) == {screening.certain} and set(chosen["possible"]) == {screening.possible}
    states = screening.criterion_states().set_index("criterion")
    for row in chosen.to_dict("records"):
        assert [row["pass"], row["fail"], row["unknown"]] == states.loc[
            row["criterion"], ["pass", "fail", "unknown"]
        ].tolist()
    for row in compared[compared["criterion"] == "I6"].to_dict("records"):
        alone = tt.screen(protocol.with_readings({"I6": row["reading"]}), patients)
        assert (row["certain"], row["possible"]) == (alone.certain, alone.possible)
    only = tt.compare_readings(protocol, patients, criteria=["I6"])
    assert set(only["criterion"]) == {"I6"} and list(only.columns) == list(compared.columns)


def test_suppress_hides_small_counts_and_nothing_else():
    frame = pd.DataFrame(
        {"step": [1, 2, 3, 4], "label": list("abcd"), "n": [0, 1, 4, 5], "share": [0.0, 0.1, 0.4, 0.5]}
    )
    hidden = tt.cohort.suppress(frame)
    assert hidden["n"].isna().tolist() == [False, True, True, False]
    assert hidden["n"].dropna().tolist() == [0, 5]
    assert hidden["step"].tolist() == [1, 2, 3, 4] and hidden["label"].tolist() == list("abcd")
    assert tt.cohort.suppress(frame, minimum=2)["n"].isna().tolist() == [False, True, False, False]
    assert frame["n"].tolist() == [0, 1, 4, 5]


def test_suppressed_attrition_keeps_its_columns(screening):
    steps = screening.attrition()
    hidden = tt.cohort.suppress(steps, minimum=10)
    assert list(hidden.columns) == list(steps.columns) and len(hidden) == len(steps)
    for name in ("failed_here", "possible", "certain", "undetermined"):
        assert hidden[name].isna()[steps[name].between(1, 9)].all()
    lost = -hidden["possible"].diff()
    assert not lost[steps["failed_here"].between(1, 9)].notna().any(), "no step is worked out from those beside it"


@pytest.mark.parametrize("order", ["protocol", "greedy", "alone"])
@pytest.mark.parametrize("minimum", [2, 5, 20, 200])
def test_no_two_counts_of_an_attrition_that_stay_tell_a_small_one(screening, order, minimum):
    steps = screening.attrition(order)
    hidden = tt.cohort.suppress(steps, minimum)
    for name in ("possible", "certain"):
        stay = hidden[name].dropna()
        moved = stay.iloc[0] - stay if order == "alone" else -stay.diff().dropna()
        if order != "alone" or name == "possible":
            assert not moved.between(1, minimum - 1).any(), (name, hidden)
    both = hidden[["certain", "undetermined"]].notna().all(axis=1)
    assert not steps["possible"][both].between(1, minimum - 1).any()
    assert not steps["certain"][hidden[["possible", "undetermined"]].notna().all(axis=1)].between(1, minimum - 1).any()


def test_a_small_step_takes_as_many_with_it_as_it_needs():
    left = [30, 20, 18, 18, 18, 15, 15]
    frame = pd.DataFrame({"step": range(7), "failed_here": [0, 10, 2, 0, 0, 3, 0], "possible": left, "certain": 0})
    hidden = tt.cohort.suppress(frame.assign(undetermined=frame["possible"]))
    assert hidden["possible"].dropna().tolist() == [30, 20, 15, 15]
    assert hidden["failed_here"].dropna().tolist() == [0, 10, 0]


SMALL = read_protocol("""
id: SMALL
title: Two facts and a judgement
fields:
  age: {type: integer, range: [0, 120], label: Age}
  fever: {type: flag, label: Fever}
  consent: {type: flag, label: Consent, judged_by: person}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18}
  - {id: E1, kind: exclusion, label: Feverish now, when: fever}
  - {id: I2, kind: inclusion, label: Consent, when: consent}
""")


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([], "Nobody was screened."),
        ([(3, None, None)], "Nobody is eligible, whatever is still not known."),
        ([(30, False, True), (3, None, None)], "1 of 2 patients are eligible; nobody else could be."),
        (
            [(30, None, None), (None, None, True)],
            "At least 0 and at most 2 of 2 patients are eligible. 2 are not decided yet. "
            "Of what can be looked up, not known most often: feverish now (2); adult (1).",
        ),
        (
            [(30, False, True), (30, False, None)],
            "At least 1 and at most 2 of 2 patients are eligible. "
            "1 is not decided yet, of whom 1 needs only a person's judgement.",
        ),
    ],
)
def test_the_answer_in_words(rows, answer):
    columns = {"age": pl.Int64, "fever": pl.Boolean, "consent": pl.Boolean}
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("patient_id")
    assert tt.screen(SMALL, frame).answer() == answer


def test_the_answer_tells_no_small_part_of_those_who_are_open():
    rows = [(30, False, None)] * 8 + [(30, None, True)] * 4 + [(3, None, None)] * 6
    columns = {"age": pl.Int64, "fever": pl.Boolean, "consent": pl.Boolean}
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("patient_id")
    screening = tt.screen(SMALL, frame)
    assert "of whom 8 need" in screening.answer() and "feverish now (4)" in screening.answer()
    who = "At least 0 and at most 12 of 18 patients are eligible."
    assert screening.answer(minimum=5) == f"{who} 12 are not decided yet."
