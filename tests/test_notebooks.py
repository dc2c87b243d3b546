"""Every notebook runs with the bundled data and with other parameters; facts are asserted.

Notebooks run in this process; that each becomes a report through papermill too is proved once.
"""

import json
import re
from datetime import date
from functools import cache

import pandas as pd
import pytest
from notebook import execute_here, run_cells, text_of

import trialtools as tt
from trialtools import simulate
from trialtools.cohort.whatif import Edits, write_edits
from trialtools.figures.arm_tables import FACTS
from trialtools.lessons import fill_in, lessons
from trialtools.report.page import PLOTLY
from trialtools.report.run import execute, find_notebook, read_notebook
from trialtools.report.write import report


@pytest.fixture(autouse=True)
def here(root, monkeypatch):
    monkeypatch.chdir(root)


def outputs_of(notebook):
    """The pages and figures that an executed notebook shows."""
    data = [output.data for cell in notebook.cells for output in cell.get("outputs", [])]
    return [{kind: each[kind] for kind in ("text/html", PLOTLY, FACTS) if kind in each} for each in data]


def shown_by(name, **parameters):
    return text_of(run_cells(name, **parameters)[1])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """By the name of a notebook, its report with the bundled data, through papermill; each is made once."""
    folder = tmp_path_factory.mktemp("made")
    more = {"screening": {"export": str(folder / "export")}}
    return cache(lambda name: report(name, more.get(name, {}), out=folder))


def words_of(made):
    """All that a reader of a report reads, tags removed; figures are left out."""
    pages = [output.get("text/html", "") for output in outputs_of(read_notebook(made.notebook))]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(pages)))


@pytest.mark.parametrize(
    "name", ["start_here", "screening", "protocol_logic", "cohort_explorer", "arms", "interim_report"]
)
def test_a_notebook_becomes_a_report(name, made, tmp_path):
    """With the bundled data, through papermill: a page that stands alone, and what only screens can do left out."""
    files = made(name)
    page = files.html.read_text("utf-8")
    assert "SYNTHETIC" in page and files.html.stat().st_size < 3_000_000 and files.notebook.stat().st_size < 1_000_000
    assert "Put back" not in page and "Deal without a guess" not in page
    if name == "cohort_explorer":
        begin = 'class="tt tt-portable".*?<script type="application/json">'
        (table,) = re.findall(rf"{begin}(.*?)</script>", page, re.DOTALL)
        assert min(json.loads(table)["groups"]["n"]) >= 5, "no small group leaves with the page"
    if name == "interim_report":
        here = execute_here(find_notebook(name), {}, tmp_path)
        assert outputs_of(read_notebook(files.notebook)) == outputs_of(here), "a kernel shows what this process shows"
    if name == "screening":
        assert {path.name for path in (files.html.parent / "export").iterdir()} >= {"decisions.parquet", "summary.json"}


def test_a_lesson_runs_through_papermill_with_its_key_and_without(root, tmp_path):
    """With the key all is right; without it every question asks, and nothing crashes. In process: `test_lessons.py`."""
    learner = json.loads((root / "notebooks/lessons/01_read_the_sentence.ipynb").read_text("utf-8"))
    questions = len(lessons()["1"].questions)
    both = {**learner, "cells": [*learner["cells"], *fill_in(learner)["cells"]]}
    for at, cell in enumerate(both["cells"]):
        cell["id"] = f"cell-{at}"
    (tmp_path / "both.ipynb").write_text(json.dumps(both), "utf-8")
    ran = execute(tmp_path / "both.ipynb", {}, tmp_path, "both")
    shown = [cell.outputs[0].data["text/plain"] for cell in ran.cells if cell.source.startswith("check(")]
    assert len(shown) == 2 * questions and not any("Not yet" in text for text in shown)
    assert all("…" in text for text in shown[:questions]) and all("✓ Right." in text for text in shown[questions:])


@pytest.fixture
def screening(root, protocol):
    return tt.screen(protocol, root / "data/cohort/cohort.csv")


def test_start_here_shows_both_readings(root, protocol, made):
    shown = words_of(made("start_here"))
    cohort = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    condition = "18 <= age <= 85 and pcr_positive and known(respiratory_rate) and known(spo2)"
    readings = tt.compare_readings(protocol, cohort.filter(protocol, condition), criteria=["I6"])
    for row in readings.to_dict("records"):
        assert f"{row['reading']} {row['pass']:,} {row['fail']:,}" in shown
    assert "SYNTHETIC" in shown


def test_screening_reports_what_screening_says(screening, made):
    shown = words_of(made("screening"))
    assert screening.answer().replace("'", "&#x27;") in shown.replace("'", "&#x27;")
    assert "SYNTHETIC" in shown
    assert "≧30 breaths" in shown, "the quote stands beside its criterion"


def test_screening_with_other_readings(root):
    registered = tt.load_protocol(root / "data/protocols/NCT05741099.yaml", readings="I6=registered")
    screening = tt.screen(registered, root / "data/cohort/cohort.csv")
    shown = shown_by("screening", readings="I6=registered")
    assert "I6 registered" in shown and f"{screening.possible:,}" in shown


def test_screening_real_tests(root, realdata):
    """Nobody is called eligible: consent and much else is unknown in that file."""
    shown = shown_by(
        "screening",
        patients=str(realdata / "carbonhealth_covid_tests/covid_tests_2020.csv.gz"),
        mapping=str(root / "data/mappings/carbon_health.yaml"),
    )
    assert "At least 0 and at most" in shown and "93,995" in shown and "SYNTHETIC" not in shown
    assert "-3 to -1" in shown.replace("−", "-"), "negative ages are counted"


@pytest.mark.parametrize("trial", ["NCT05741099", "NCT04355728", "NCT04288102"])
def test_protocol_logic_serves_any_trial(root, trial, made):
    protocol = str(root / f"data/protocols/{trial}.yaml")
    bundled = trial == "NCT05741099"
    shown = words_of(made("protocol_logic")) if bundled else shown_by("protocol_logic", protocol=protocol, patients="")
    assert trial in shown
    for criterion in tt.load_protocol(protocol).criteria:
        assert criterion.id in shown
    if bundled:
        assert "it can never help anybody" in shown and "SYNTHETIC" in shown


def test_the_cohort_report_is_of_the_state_that_was_saved(root, protocol, tmp_path):
    edits = Edits(off=("I8",), thresholds={"I1.upper": 70})
    saved = tmp_path / "state.json"
    saved.write_text(write_edits(edits, protocol), "utf-8")
    shown = shown_by("cohort_explorer", state=str(saved))
    screening = tt.what_if(protocol, root / "data/cohort/cohort.csv", edits)
    assert (
        f"At least {screening.certain:,} and at most {screening.possible:,} of {screening.n:,} patients" in shown
        and "SYNTHETIC" in shown
    )
    assert "thresholds" in shown


def test_the_cohort_report_of_real_tests(root, realdata):
    """The same numbers as `test_realdata` counts, and no set of criteria that could be dropped is enough."""
    shown = shown_by(
        "cohort_explorer",
        patients=str(realdata / "carbonhealth_covid_tests/covid_tests_2020.csv.gz"),
        mapping=str(root / "data/mappings/carbon_health.yaml"),
        threshold="I7",
    )
    assert "At least 0 and at most 89,618 of 93,995 patients" in shown and "Another limit of Oxygen saturation" in shown
    assert "95 0 88,354 no" in shown, "a saturation above 95 costs 1,264"
    assert "Fewest criteria to drop for 200" in shown and "SYNTHETIC" not in shown


def test_the_cohort_report_holds_small_counts_back():
    shown = shown_by("cohort_explorer", minimum=400)
    assert "A count is below 400" in shown and "51 of 2,000" not in shown


def test_the_arms_are_compared_and_nobody_s_is_shown(protocol, tmp_path):
    """A trial with its arms in the table gives the very page that the same trial gives without them."""
    folder = simulate.write_trial(protocol, 20, 3, tmp_path / "trial")
    run = {"data": str(folder), "n": 40, "procedure": "big_stick", "cutoff": "2023-02-27"}
    shown = shown_by("arms", **run)
    assert "With big stick 3, the best guesser is right for" in shown and "SYNTHETIC" in shown
    trial = tt.read_trial(folder, protocol)
    waiting = trial.subjects.query("randomized and randomized_on <= '2023-02-27'")
    status = tt.arms.dosing_status(protocol, waiting, trial.doses, as_of=date(2023, 2, 27))
    (subject,) = tt.arms.dosing_worklist(status)["subject_id"]
    assert "To be dosed, on 2023-02-27" in shown and subject in shown and "dose within 3 days" in shown
    pd.DataFrame({"subject_id": [subject], "spo2": [88]}).to_csv(tmp_path / "today.csv", index=False)
    worse = shown_by("arms", **run, facts=str(tmp_path / "today.csv"))
    assert "do not dose: Oxygen saturation" in worse and "dose within 3 days" not in worse
    allocations = tt.arms.allocations(folder / "ledger.sqlite", folder / "unblinded" / "key.json")
    arms = allocations.set_index("subject_id")["arm"]
    table = pd.read_csv(folder / "subjects.csv", dtype="str")
    table["arm"] = table["subject_id"].map(arms)
    table.to_csv(folder / "subjects.csv", index=False)
    assert shown_by("arms", **run) == shown


@pytest.mark.parametrize("name", ["start_here", "screening", "protocol_logic", "cohort_explorer"])
@pytest.mark.parametrize("trial", ["oncology", "diabetes", "paediatrics"])
def test_no_notebook_knows_one_trial(root, tmp_path, trial, name):
    protocol = tt.load_protocol(root / f"tests/protocols/{trial}.yaml")
    simulate.write_cohort(protocol, 60, 5, tmp_path / "cohort")
    parameters = {"protocol": str(root / f"tests/protocols/{trial}.yaml")}
    if name == "start_here":
        parameters |= {"condition": "", "criterion": ""}
    parameters |= {"patients": str(tmp_path / "cohort/cohort.csv")}
    shown = shown_by(name, **parameters)
    assert protocol.id in shown or protocol.title in shown
    for other in ("NCT05741099", "mesenchymal", "Carbon Health", "no patients were screened", "COVID"):
        assert other not in shown, other
