"""Every notebook runs through the report path, with the bundled data and with other parameters; facts are asserted."""

import re
from datetime import date

import nbformat
import pandas as pd
import pytest

import trialtools as tt
from trialtools import simulate
from trialtools.cohort.whatif import State, write_state
from trialtools.report.write import report


def text_of(made) -> str:
    """All that a report's notebook shows, tags removed."""
    shown = []
    for cell in nbformat.read(made.notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown.append("".join(data.get("text/html", "") or data.get("text/plain", "")) or output.get("text", ""))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(shown)))


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    return lambda name, **parameters: report(name, parameters, out=tmp_path)


@pytest.fixture
def screening(root, protocol):
    return tt.screen(protocol, root / "data/cohort/cohort.csv")


def test_start_here_shows_both_readings(run, root, protocol):
    shown = text_of(run("start_here"))
    cohort = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    condition = "18 <= age <= 85 and pcr_positive and known(respiratory_rate) and known(spo2)"
    readings = tt.compare_readings(protocol, cohort.filter(protocol, condition), criteria=["I6"])
    for row in readings.to_dict("records"):
        assert f"{row['reading']} {row['pass']:,} {row['fail']:,}" in shown
    assert "SYNTHETIC" in shown


def test_screening_reports_what_screening_says(run, screening, tmp_path):
    made = run("screening", export=str(tmp_path / "export"))
    shown = text_of(made)
    assert screening.answer().replace("'", "&#x27;") in shown.replace("'", "&#x27;")
    assert "SYNTHETIC" in shown
    assert "≧30 breaths" in shown, "the quote stands beside its criterion"
    assert {path.name for path in (tmp_path / "export").iterdir()} >= {"decisions.parquet", "summary.json"}
    assert made.html.stat().st_size < 3_000_000


def test_screening_with_other_readings(run, root):
    registered = tt.load_protocol(root / "data/protocols/NCT05741099.yaml", readings="I6=registered")
    screening = tt.screen(registered, root / "data/cohort/cohort.csv")
    shown = text_of(run("screening", readings="I6=registered"))
    assert "I6 registered" in shown and f"{screening.possible:,}" in shown


def test_screening_real_tests(run, root, realdata):
    """Nobody is called eligible: consent and much else is unknown in that file."""
    shown = text_of(
        run(
            "screening",
            patients=str(realdata / "carbonhealth_covid_tests/covid_tests_2020.csv.gz"),
            mapping=str(root / "data/mappings/carbon_health.yaml"),
        )
    )
    assert "Nobody can be confirmed" in shown and "93,995" in shown and "SYNTHETIC" not in shown
    assert "-3 to -1" in shown.replace("−", "-"), "negative ages are counted"


@pytest.mark.parametrize("trial", ["NCT05741099", "NCT04355728", "NCT04288102"])
def test_protocol_logic_serves_any_trial(run, root, trial):
    parameters = {"protocol": str(root / f"data/protocols/{trial}.yaml")}
    if trial != "NCT05741099":
        parameters["patients"] = ""
    shown = text_of(run("protocol_logic", **parameters))
    assert trial in shown
    for criterion in tt.load_protocol(parameters["protocol"]).criteria:
        assert criterion.id in shown
    if trial == "NCT05741099":
        assert "it can never help anybody" in shown and "SYNTHETIC" in shown


def test_the_cohort_explorer_is_a_report_without_its_explorer(run, root, protocol, tmp_path):
    state = State(off=("I8",), thresholds={"I1.upper": 70})
    saved = tmp_path / "state.json"
    saved.write_text(write_state(state, protocol), "utf-8")
    made = run("cohort_explorer", state=str(saved))
    shown = text_of(made)
    screening = tt.what_if(protocol, root / "data/cohort/cohort.csv", state)
    assert f"{screening.certain:,} of {screening.n:,} are eligible for certain" in shown and "SYNTHETIC" in shown
    assert "thresholds" in shown and "Put back" not in made.html.read_text("utf-8")
    assert made.html.stat().st_size < 3_000_000 and made.notebook.stat().st_size < 1_000_000


def test_the_cohort_report_of_real_tests(run, root, realdata):
    """The same numbers as `test_realdata` counts, and no set of criteria that could be dropped is enough."""
    shown = text_of(
        run(
            "cohort_explorer",
            patients=str(realdata / "carbonhealth_covid_tests/covid_tests_2020.csv.gz"),
            mapping=str(root / "data/mappings/carbon_health.yaml"),
            threshold="I7",
        )
    )
    assert "Nobody can be confirmed; 89,618 could be" in shown and "I7: Oxygen saturation" in shown
    assert "95 0 88,354 no" in shown, "a saturation above 95 costs 1,264"
    assert "Fewest criteria to drop for 200" in shown and "SYNTHETIC" not in shown


def test_the_cohort_report_holds_small_counts_back(run):
    shown = text_of(run("cohort_explorer", minimum=400))
    assert "A count is below 400" in shown and "51 of 2,000" not in shown


def test_the_arms_are_compared_and_nobody_s_is_shown(run, root, protocol, tmp_path):
    """A trial with its arms in the table gives the very page that the same trial gives without them."""
    folder = simulate.write_trial(protocol, 20, 3, tmp_path / "trial")
    made = run("arms", data=str(folder), n=40, procedure="big_stick", cutoff="2023-03-01")
    shown = text_of(made)
    assert "With big stick 3, the best guesser is right for" in shown and "SYNTHETIC" in shown
    assert "Put back" not in shown and "Deal without a guess" not in made.html.read_text("utf-8")
    waiting = tt.read_trial(folder, protocol).subjects.query("randomized and randomized_on <= '2023-03-01'")
    listed = tt.arms.site_list(
        tt.arms.dosing_status(protocol, waiting, tt.read_trial(folder, protocol).doses, as_of=date(2023, 3, 1))
    )
    assert "To be dosed, on 2023-03-01" in shown and all(id in shown for id in listed["subject_id"])
    arms = tt.arms.export(folder / "ledger.sqlite", folder / "unblinded" / "key.json").set_index("subject_id")["arm"]
    table = pd.read_csv(folder / "subjects.csv", dtype="str")
    table["arm"] = table["subject_id"].map(arms)
    table.to_csv(folder / "subjects.csv", index=False)
    again = text_of(run("arms", data=str(folder), n=40, procedure="big_stick", cutoff="2023-03-01"))
    assert again == shown
