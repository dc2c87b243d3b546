"""A synthetic trial: made by the code that real people meet, the same for a seed, its arms in the ledger alone."""

import math
from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest

import trialtools as tt
from trialtools.__main__ import main
from trialtools.arms import allocations, verify
from trialtools.interim.data.cutoff import cut, pool
from trialtools.interim.data.read import read_trial
from trialtools.interim.data.tables import TABLES
from trialtools.simulate import trials, write_trial
from trialtools.simulate.follow_up import Person, progression_risks, simulate_follow_up
from trialtools.simulate.model import assumed_values

COURSE = assumed_values("trial")
PLANTED = {
    ("events", "ended_on", "ended before it started", 2),
    ("events", "severity", "impossible value (outside 1 to 5)", 1),
    ("events", "started_on", "known in part", 1),
    ("doses", "amount", "a negative amount", 1),
    ("labs", "value", "known in part", 3),
}


def arms_of(folder):
    rows = allocations(folder / "ledger.sqlite", folder / "unblinded" / "key.json")
    return dict(zip(rows["subject_id"], rows["arm"], strict=True))


def opened(folder, protocol):
    return read_trial(folder, protocol, arms=arms_of(folder))


@pytest.fixture(scope="module")
def folder(protocol, tmp_path_factory):
    return write_trial(protocol, 60, 5, tmp_path_factory.mktemp("trials") / "one", "harm")


@pytest.fixture(scope="module")
def trial(folder, protocol):
    return opened(folder, protocol)


def test_the_same_seed_gives_the_same_tables_and_the_same_arms(protocol, folder, tmp_path):
    again = write_trial(protocol, 60, 5, tmp_path / "again", "harm")
    assert {file.name for file in folder.glob("*.csv")} == {f"{name}.csv" for name in TABLES}
    for name in TABLES:
        assert (folder / f"{name}.csv").read_bytes() == (again / f"{name}.csv").read_bytes(), name
    assert arms_of(folder) == arms_of(again)
    other = write_trial(protocol, 20, 6, tmp_path / "other", "harm")
    assert (folder / "outcomes.csv").read_bytes() != (other / "outcomes.csv").read_bytes()


def test_reading_finds_what_was_planted_and_nothing_else(protocol, trial, folder, tmp_path):
    findings = trial.findings[["table", "column", "problem", "n"]]
    assert set(findings.itertuples(index=False, name=None)) == PLANTED and not trial.findings["fatal"].any()
    text = (folder / "README.md").read_text()
    ids = trial.findings["example"].str.extract(r"(S-\d+)")[0]
    assert text.startswith("# SYNTHETIC") and all(who in text for who in ids) and trial.synthetic
    clean = write_trial(protocol, 20, 5, tmp_path / "clean", dirty=False)
    assert opened(clean, protocol).findings.empty
    assert (trial.endpoint, trial.window, set(trial.arms)) == ("progression", 28, {"mscs", "comparator"})


def test_whoever_was_screened_was_randomized_or_has_a_reason(protocol, trial):
    subjects = trial.subjects
    entered = subjects[subjects["randomized"]]
    assert len(entered) == 60 == entered["arm"].notna().sum() and (entered["decision"] == "eligible").all()
    assert entered["reason"].isna().all() and entered["stratum"].notna().all()
    out = subjects[~subjects["randomized"]]
    assert out["reason"].notna().all() and out["arm"].isna().all() and out["stratum"].isna().all()
    assert len(entered) + len(out) == len(subjects) > 400
    failed = out.loc[out["decision"] == "ineligible", "reason"].str.split(", ").explode()
    assert set(failed) <= {criterion.id for criterion in protocol.criteria}
    assert out.loc[out["decision"] == "undetermined", "reason"].str.startswith("unknown: ").all()
    assert (out["decision"] == "eligible").sum() > 0, "some were eligible and did not enter"


def test_the_decisions_are_those_of_screening_what_is_written(protocol, trial, folder):
    written = pd.read_csv(folder / "subjects.csv", dtype=str).rename(columns={"subject_id": "patient_id"})
    again = tt.screen(protocol, written[["patient_id", *(name for name in protocol.fields if name in written)]])
    assert again.decisions()["decision"].astype(str).tolist() == trial.subjects["decision"].tolist()


def test_the_ledger_agrees_with_the_tables_and_calls_itself_synthetic(protocol, trial, folder):
    rows = allocations(folder / "ledger.sqlite", folder / "unblinded" / "key.json").set_index("subject_id")
    subjects = trial.subjects[trial.subjects["randomized"]].set_index("subject_id")
    for column in ("site", "stratum", "randomized_on", "arm"):
        assert rows[column].astype(str).to_dict() == subjects[column].astype(str).to_dict(), column
    assert ((rows["window"] == "in window") | rows["override_reason"].notna()).all()
    plan = tt.arms.plan(protocol)
    faults = verify(folder / "ledger.sqlite", key=folder / "unblinded" / "key.json", plan=plan, protocol=protocol)
    assert [str(fault) for fault in faults if not fault.note] == []
    assert any("synthetic" in str(fault) for fault in faults)


def test_the_arm_stands_nowhere_but_under_the_key(protocol, trial, folder):
    files = [file for file in folder.iterdir() if file.is_file()]
    words = [word for arm in protocol.arms for word in (arm.id, arm.label)]
    kits = allocations(folder / "ledger.sqlite")["kit"].tolist()
    for file in files:
        content = file.read_bytes().lower()
        assert [word for word in words if word.lower().encode() in content] == [], file.name
        if file.suffix != ".sqlite":
            assert [kit for kit in kits if kit.lower().encode() in content] == [], file.name
    assert (folder / "unblinded").stat().st_mode & 0o077 == 0
    doses = trial.doses.merge(trial.subjects[["subject_id", "arm"]])
    doses_by_arm = doses.dropna(subset=["amount"]).groupby("arm")
    assert doses_by_arm["unit"].unique().map(list).tolist() == [["mL"], ["mL"]]
    assert doses_by_arm["amount"].median().tolist() == [COURSE.volume] * 2
    blind = read_trial(folder, protocol)
    assert blind.subjects["arm"].isna().all() and "arm" not in pool(blind).subjects


def test_days_follow_each_other(trial):
    days = trial.subjects.set_index("subject_id")
    entered = days[days["randomized"]]
    assert (entered["screened_on"] <= entered["randomized_on"]).all()
    after = {name: frame["subject_id"].map(entered["randomized_on"]) for name, frame in trial.tables.items()}
    outcomes, labs = trial.outcomes, trial.labs
    assert ((outcomes["observed_on"] - after["outcomes"]).dt.days.between(1, 28)).all()
    assert (labs["taken_on"] - after["labs"]).dt.days.isin([0, 7, 14, 28]).all()
    assert ((trial.doses["dosed_on"] - after["doses"]).dropna().dt.days.between(0, 5)).all()
    ends = trial.disposition.query("milestone in ['withdrew', 'lost', 'died']").set_index("subject_id")["happened_on"]
    for name, day in (("outcomes", "observed_on"), ("labs", "taken_on"), ("events", "started_on")):
        frame = trial.tables[name]
        assert not (frame[day] > frame["subject_id"].map(ends)).any(), name


def test_a_cut_knows_no_more_than_its_day(trial):
    first, last = trial.subjects["randomized_on"].min(), trial.outcomes["observed_on"].max()
    half = cut(trial, first + (last - first) / 2)
    counts = [int(each.subjects["randomized"].sum()) for each in (cut(trial, first), half, cut(trial, last))]
    assert 1 <= counts[0] < counts[1] < counts[2] == 60
    assert half.outcomes["observed_on"].max() <= pd.Timestamp(half.cut_on)


def people(n):
    return [Person(f"S-{i}", date(2023, 2, 1) + timedelta(days=i % 200), i % 2 == 0, {}) for i in range(n)]


@cache
def shares(scenario, n=4000, rate=0.12, course=COURSE):
    """Progression, serious events and deaths, by arm: cells, then control."""
    rows = simulate_follow_up(people(n), rate, scenario, course, seed=1)
    cells = {person.subject_id for person in people(n) if person.cells}
    got = [row for row in rows["outcomes"] if row["endpoint"] == "progression"]
    worse = [[row["value"] for row in got if (row["subject_id"] in cells) == own] for own in (True, False)]
    grave = [
        sum(row["serious"] and (row["subject_id"] in cells) == own for row in rows["events"]) for own in (True, False)
    ]
    return [sum(each) / len(each) for each in worse], [each / (n / 2) for each in grave], rows


@pytest.mark.agreement
def test_each_scenario_does_what_it_says():
    """4,000 people, an interval of 3.29 standard errors around what is assumed."""
    se = 3.29 * math.sqrt(0.12 * 0.88 / 2000)
    (null_cells, null_control), grave, rows = shares("null")
    assert abs(null_control - 0.12) < se and abs(null_cells - 0.12) < se
    assert abs(grave[0] - grave[1]) < 0.03
    (cells, control), _, _ = shares("effect")
    assert control == null_control, "what befalls control is the same in every scenario"
    assert abs(cells - (1 - COURSE.not_dosed) * COURSE.effect * 0.12 - COURSE.not_dosed * 0.12) < se
    (cells, control), grave, _ = shares("harm")
    assert cells > control == null_control and grave[0] > 1.4 * grave[1]
    ends = pd.DataFrame(rows["disposition"])["milestone"].value_counts()
    assert ends["died"] > 20 and ends["withdrew"] > 80 and ends["lost"] > 80 and ends["discontinued"] > 40
    labs = pd.DataFrame(rows["labs"]).assign(times=lambda each: each["value"] / each["upper_limit"])
    peak = labs.groupby(["subject_id", "test"])["times"].max().unstack()
    hys_law = (peak["ALT"] > 3) & (peak["BILI"] > 2)
    assert (peak["ALT"] > 3).mean() > COURSE.liver / 2 and 10 < hys_law.sum() < 120
    assert (hys_law & (peak["ALP"] > 2)).any() and (hys_law & (peak["ALP"] < 2)).any()


def test_deaths_are_told_the_same_way_everywhere():
    rows = shares("null")[2]
    died = {row["subject_id"]: row["happened_on"] for row in rows["disposition"] if row["milestone"] == "died"}
    fatal = {row["subject_id"]: row["ended_on"] for row in rows["events"] if row["severity"] == 5}
    assert died == fatal and all(row["outcome"] == "fatal" for row in rows["events"] if row["severity"] == 5)
    completed = {row["subject_id"] for row in rows["disposition"] if row["milestone"] == "completed"}
    known = {row["subject_id"] for row in rows["outcomes"] if row["endpoint"] == "progression"}
    assert completed <= known and not completed & set(died)
    assert len(known) < 4000, "whoever left before is missing, not counted as well"


def test_sites_are_those_asked_for_and_open_one_after_the_other(protocol, tmp_path):
    folder = write_trial(protocol, 20, 5, tmp_path / "sites", sites=("A", "B"), dirty=False)
    subjects = read_trial(folder, protocol).subjects
    first = subjects.groupby("site")["screened_on"].min()
    assert set(first.index) == {"A", "B"} and (first["B"] - first["A"]).days >= COURSE.site_days - 5
    assert '--site "A" --site "B" --clean' in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"n": 0}, "n is at least 1"),
        ({"seed": -1}, "a seed at least 0"),
        ({"scenario": "wonder"}, "no scenario 'wonder'; there are null, effect, harm"),
        ({"folder": "full"}, "holds files already"),
        ({"sites": ()}, "sites are one or more different names; got none"),
        ({"sites": ("A", "A")}, "sites are one or more different names; got A, A"),
    ],
)
def test_what_cannot_be_made_is_refused(protocol, tmp_path, how, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "ledger.sqlite").write_text("somebody's")
    options = {"n": 5, "seed": 1, "folder": "new"} | how
    with pytest.raises(tt.DataError, match=message):
        write_trial(protocol, **{**options, "folder": tmp_path / options["folder"]})
    assert (tmp_path / "full" / "ledger.sqlite").read_text() == "somebody's"


def test_a_protocol_with_another_endpoint_is_refused(root, tmp_path):
    other = tt.load_protocol(root / "data" / "protocols" / "NCT04288102.yaml")
    with pytest.raises(tt.DataError, match=r"NCT04288102: (only progression by day 28|a synthetic trial needs)"):
        write_trial(other, 5, 1, tmp_path / "other")


SMALL = """
id: T1
title: A trial without a dosing window
fields: {screened_on: {type: date, label: Day}, age: {type: integer, range: [0, 100], label: Age}}
criteria: [{id: I1, kind: inclusion, label: Adult, when: age >= 18}]
arms:
  - {id: new, role: experimental, label: New, intervention: new}
  - {id: old, role: active comparator, label: Old, intervention: old}
design: {endpoint: {value: progression by day 28}, ratio: {value: {new: 2, old: 1}}}
"""


def test_a_protocol_of_its_own_can_be_simulated(tmp_path):
    (tmp_path / "p.yaml").write_text(SMALL)
    trial = trials.trial(tt.load_protocol(tmp_path / "p.yaml"), 30, 2, dirty=False)
    assert trial.subjects["arm"].value_counts().to_dict() == {"new": 20, "old": 10}
    assert set(trial.subjects["reason"].dropna()) <= {"I1", "withdrew consent before randomization"}
    assert (trial.subjects["age"] < 18).sum() == (trial.subjects["reason"] == "I1").sum()
    (tmp_path / "p.yaml").write_text(SMALL.replace("by day 28", "by day 90"))
    with pytest.raises(tt.DataError, match=r"design\.endpoint says 'progression by day 90'"):
        trials.trial(tt.load_protocol(tmp_path / "p.yaml"), 30, 2)


def test_whoever_is_screened_has_a_day_of_screening(tmp_path):
    """Panel `history`, in which the protocol shows the day, is missing in 7 % of patients."""
    (tmp_path / "p.yaml").write_text(SMALL)
    (tmp_path / "q.yaml").write_text(SMALL.replace("type: date", "type: date, range: [2022-01-01, 2022-12-31]"))
    for file in ("p.yaml", "q.yaml"):
        subjects = trials.trial(tt.load_protocol(tmp_path / file), 150, 3, dirty=False).subjects
        assert subjects["screened_on"].notna().all() and subjects["site"].notna().all()


def test_other_assumptions_are_taken_said_and_refused_by_name(protocol, tmp_path):
    folder = write_trial(protocol, 10, 5, tmp_path / "changed", "effect", assume={"volume": 50.0}, dirty=False)
    assert opened(folder, protocol).doses["amount"].max() == 50
    text = (folder / "README.md").read_text()
    assert "| volume | 50.0 |" in text and "changed by the caller" in text and "changed in Python" in text
    with pytest.raises(tt.DataError, match="a synthetic trial has no number 'volum'; it has days, wave"):
        write_trial(protocol, 10, 5, tmp_path / "refused", assume={"volum": 50.0})
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize("rate", [0.02, 0.12, 0.9])
def test_the_mean_risk_is_the_rate(rate):
    facts = [{"age": age, "spo2": 90 + age % 9, "diabetes": age % 3 == 0} for age in range(20, 90)]
    group = [Person(f"S-{age}", date(2023, 2, 1), True, each) for age, each in zip(range(20, 90), facts, strict=True)]
    risks = progression_risks(group, rate)
    assert math.isclose(sum(risks) / len(risks), rate, rel_tol=1e-12)
    assert progression_risks([], rate) == []


def test_a_run_that_breaks_leaves_nothing(protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "simulate_follow_up", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_trial(protocol, 5, 1, tmp_path / "broken")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_makes_one(root, tmp_path, capsys):
    protocol = str(root / "data" / "protocols" / "NCT05741099.yaml")
    arguments = ["simulate", "trial", protocol, "--n", "5", "--seed", "3", "--scenario", "effect", "--out"]
    assert main([*arguments, str(tmp_path / "new")]) == 0
    assert "subjects.csv (synthetic)" in capsys.readouterr().out
    assert main([*arguments, str(tmp_path / "new")]) == 2
    assert "holds files already" in capsys.readouterr().err
    assert "Synthetic Hospital North" in (tmp_path / "new" / "subjects.csv").read_text()
