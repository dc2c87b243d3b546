"""The dosing window: boundaries, unknown and impossible dates, readings, the site's list, deviations, the re-check."""

from datetime import date

import pandas as pd
import pytest

import trialtools as tt
from trialtools.arms.dosing import deviations, dosing_status, recheck, site_list

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
    given = pd.Timestamp("2023-01-01") + pd.Timedelta(days=day)
    doses = pd.DataFrame({"subject_id": ["S0", "S0"], "dosed_on": [given + pd.Timedelta(days=3), given]})
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


def test_the_anchor_is_a_reading(protocol):
    table = subjects(onset_on=["2023-01-05", None], first_positive_on=["2023-01-08", "2023-01-08"])
    told = {}
    for anchor in ("onset_else_first_positive", "onset", "first_positive"):
        frame = dosing_status(protocol, table, as_of=DAY, anchor=anchor).set_index("subject_id")
        told[anchor] = [*frame.loc[["S0", "S1"], "state"]]
    assert told == {
        "onset_else_first_positive": ["late", "in window"],
        "onset": ["late", "unknown"],
        "first_positive": ["in window", "in window"],
    }
    with pytest.raises(tt.DataError, match="no column onset_on"):
        dosing_status(protocol, subjects(infected_on=["2023-01-05"]), as_of=DAY, anchor="onset")


def test_up_to_15_opens_on_the_day_of_infection(protocol):
    table = subjects(infected_on=["2023-01-21", "2023-01-05"])
    frame = dosing_status(protocol, table, as_of=DAY, days="up_to").set_index("subject_id")
    assert (frame.loc["S0", "state"], frame.loc["S1", "state"]) == ("in window", "late")


def test_the_list_begins_with_who_cannot_wait(protocol):
    infected = ["2023-01-20", "2023-01-05", "2023-01-10", "2023-01-06", None, "2022-12-01"]
    listed = site_list(dosing_status(protocol, subjects(infected_on=infected), as_of=DAY))
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
    found = deviations(dosing_status(protocol, table, doses, as_of=DAY)).set_index("subject_id")
    assert found["deviation"].to_dict() == {
        "S0": "dosed too early",
        "S1": "dosed too late",
        "S3": "not dosed in time",
        "S4": "cannot be told",
    }
    assert found.loc[["S0", "S1", "S3"], "days"].tolist() == [2, 2, 5]
    assert pd.isna(found.loc["S4", "days"])


def test_nobody_is_a_valid_answer(protocol):
    frame = dosing_status(protocol, subjects(infected_on=[]), as_of=DAY)
    assert len(frame) == len(site_list(frame)) == len(deviations(frame)) == 0


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
