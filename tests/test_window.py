"""The dosing window: boundaries, unknown and impossible dates, the site's list, deviations, the check before a dose."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from ledgers import facts

import trialtools as tt
from trialtools.arms import dosing_deviations, dosing_status, dosing_worklist, predose_checks, recheck

DAY = date(2023, 1, 21)


def subjects(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"subject_id": [f"S{i}" for i in range(n)], **columns})


def state_of(frame, subject="S0"):
    return frame.set_index("subject_id").loc[subject, "state"]


@pytest.mark.parametrize(
    ("infected", "state", "left"),
    [
        ("2023-01-12", "early", 6),  # day 9
        ("2023-01-11", "in window", 5),  # day 10
        ("2023-01-06", "in window", 0),  # day 15
        ("2023-01-05", "late", -1),  # day 16
        ("2023-01-21", "early", 15),  # day 0
        ("2023-01-22", "unknown", None),  # not yet
        (None, "unknown", None),
    ],
)
def test_both_ends_of_the_window_belong_to_it(protocol, infected, state, left):
    frame = dosing_status(protocol, subjects(infected_on=[infected]), as_of=DAY)
    assert state_of(frame) == state
    assert (None if pd.isna(frame["days_left"][0]) else frame["days_left"][0]) == left
    assert pd.isna(frame["problem"][0]) == (state != "unknown")


@pytest.mark.parametrize(("day", "state"), [(9, "out of"), (10, "in"), (15, "in"), (16, "out of")])
def test_the_first_dose_decides(protocol, day, state):
    dosed_on = pd.Timestamp("2023-01-01") + pd.Timedelta(days=day)
    doses = pd.DataFrame({"subject_id": ["S0", "S0"], "dosed_on": [dosed_on + pd.Timedelta(days=3), dosed_on]})
    frame = dosing_status(protocol, subjects(infected_on=["2023-01-01"]), doses, as_of=DAY)
    assert (state_of(frame), frame["day"][0]) == (f"dosed {state} window", day)
    assert pd.isna(frame["days_left"][0])


def test_a_dose_dated_later_is_not_given_yet(protocol):
    doses = pd.DataFrame({"subject_id": ["S0"], "dosed_on": ["2023-01-22"]})
    frame = dosing_status(protocol, subjects(infected_on=["2023-01-10"]), doses, as_of=DAY)
    assert state_of(frame) == "in window"
    assert pd.isna(frame["dosed_on"][0])


def test_dates_that_contradict_each_other_make_it_unknown(protocol):
    table = subjects(infected_on=["2023-01-10", "2023-01-10"], screened_on=["2023-01-09", "2023-01-10"])
    doses = pd.DataFrame({"subject_id": ["S1"], "dosed_on": ["2023-01-09"]})
    frame = dosing_status(protocol, table, doses, as_of=DAY).set_index("subject_id")
    assert frame["state"].tolist() == ["unknown", "unknown"]
    assert "after screening" in frame.loc["S0", "problem"]
    assert "after the first dose" in frame.loc["S1", "problem"]


def test_the_window_is_what_the_file_declares(protocol):
    """Another reading of "within 10-15 days of infection" is another `dosing:`; no option changes it unseen."""
    arms = tuple(replace(arm, dosing=replace(arm.dosing, first_day=0)) for arm in protocol.arms if arm.dosing)
    frame = dosing_status(replace(protocol, arms=arms), subjects(infected_on=["2023-01-21", "2023-01-05"]), as_of=DAY)
    assert frame.set_index("subject_id")["state"].to_dict() == {"S0": "in window", "S1": "late"}
    with pytest.raises(tt.DataError, match="no column infected_on"):
        dosing_status(protocol, subjects(onset_on=["2023-01-05"]), as_of=DAY)
    differing = (arms[0], *protocol.arms[1:])
    with pytest.raises(tt.DataError, match="differs by arm"):
        dosing_status(replace(protocol, arms=differing), subjects(infected_on=["2023-01-05"]), as_of=DAY)


def test_the_list_begins_with_who_cannot_wait(protocol):
    infected = ["2023-01-20", "2023-01-05", "2023-01-10", "2023-01-06", None, "2022-12-01"]
    listed = dosing_worklist(dosing_status(protocol, subjects(infected_on=infected), as_of=DAY))
    assert listed[["subject_id", "to_do"]].to_numpy().tolist() == [
        ["S3", "dose today, the last day"],
        ["S2", "dose within 4 days"],
        ["S4", "settle the dates: date of infection unknown"],
        ["S0", "dose from 2023-01-30 on"],
        ["S1", "closed 1 day ago"],
        ["S5", "closed 36 days ago"],
    ]


def test_deviations_name_what_is_certain_and_what_cannot_be_told(protocol):
    table = subjects(
        infected_on=["2023-01-01"] * 4 + [None, "2022-12-01"],
        randomized_on=["2023-01-10"] * 5 + [None],  # the last was never randomized: no deviation
    )
    doses = pd.DataFrame({"subject_id": ["S0", "S1", "S2"], "dosed_on": ["2023-01-09", "2023-01-18", "2023-01-12"]})
    deviations = dosing_deviations(dosing_status(protocol, table, doses, as_of=DAY)).set_index("subject_id")
    assert deviations["deviation"].to_dict() == {
        "S0": "dosed too early",
        "S1": "dosed too late",
        "S3": "not dosed in time",
        "S4": "cannot be told",
    }
    assert deviations.loc[["S0", "S1", "S3"], "days"].tolist() == [2, 2, 5]
    assert pd.isna(deviations.loc["S4", "days"])


def test_nobody_is_a_valid_answer(protocol):
    frame = dosing_status(protocol, subjects(infected_on=[]), as_of=DAY)
    assert len(frame) == len(dosing_worklist(frame)) == len(dosing_deviations(frame)) == 0


def test_what_is_no_date_is_refused_and_not_unknown(protocol):
    with pytest.raises(tt.DataError, match="infected_on holds no dates"):
        dosing_status(protocol, subjects(infected_on=["12/01/2023"]), as_of=DAY)


def test_worse_since_screening_is_seen_and_what_was_not_measured_again_is_unknown(protocol):
    then = {"age": 70, "respiratory_rate": 22, "spo2": 96, "pcr_positive": True, "consent": True}
    frame = recheck(protocol, then, {"respiratory_rate": 22, "spo2": 92}).set_index("criterion")
    assert frame.loc["I7", ["then", "now", "change"]].tolist() == ["pass", "fail", "worse"]
    assert frame.index[0] == "I7"
    assert frame.loc["I6", "change"] == "same"  # measured again
    assert frame.loc["I1", "now"] == "pass"  # age never changes
    assert frame.loc["I4", "now"] == "pass"  # a positive test stays one
    assert frame.loc["E6", "now"] == "unknown"  # consent may have been withdrawn: ask again


def test_whoever_is_not_eligible_any_more_is_not_to_be_dosed(protocol):
    """S0 got worse, S1 was measured again in part, S2 in full; S3 was dosed and is on no list."""
    day = pd.Timestamp("2023-01-10")
    then = {**facts(), "age": 70}
    table = pd.DataFrame([{"subject_id": f"S{i}", **then, "infected_on": day} for i in range(4)])
    today = {name: value for name, value in then.items() if protocol.fields[name].change != "never"}
    measured = {"S0": {**today, "spo2": 92}, "S1": {"spo2": 95}, "S2": today}
    now = pd.DataFrame([{"subject_id": subject, **known} for subject, known in measured.items()])
    checks = predose_checks(protocol, table, now)
    doses = pd.DataFrame({"subject_id": ["S3"], "dosed_on": ["2023-01-20"]})
    status = dosing_status(protocol, table[["subject_id", "infected_on"]], doses, as_of=DAY)
    listed = dosing_worklist(status, checks).set_index("subject_id")
    assert listed.loc["S0", "to_do"] == ("do not dose: Oxygen saturation at rest, finger oximeter: 96 %, now 92 %")
    assert listed.loc["S2", ["to_do", "check_first"]].tolist() == ["dose within 4 days", ""]
    assert listed.loc["S1", "to_do"] == "dose within 4 days"
    fields = listed.loc["S1", "check_first"].split(", ")
    assert "E6" in fields and "I7" not in fields and "I1" not in fields
    assert "S3" not in listed.index
    assert "check_first" not in dosing_worklist(status)


def test_facts_before_the_dose_are_refused_where_they_cannot_be_read(protocol):
    table = subjects(age=[70], spo2=[96])
    with pytest.raises(tt.DataError, match="no field spo"):
        predose_checks(protocol, table, subjects(spo=[92]))
    with pytest.raises(tt.DataError, match="two rows of subject S0"):
        predose_checks(protocol, table, pd.concat([subjects(spo2=[92])] * 2))
