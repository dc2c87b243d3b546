"""The command line: 0 done, 1 found, 2 bad input, 3 a notebook failed; an error is one paragraph on stderr."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from importlib import import_module

import nbformat
import pandas as pd
import polars as pl
import pytest

import trialtools as tt
from trialtools.__main__ import _COMMANDS, main

SUMMARY_KEYS = {
    "n",
    "eligible",
    "ineligible",
    "undetermined",
    "awaiting_judgement",
    "certain",
    "possible",
    "fields_missing",
    "protocol",
    "readings",
    "criteria",
}
CLEAN = """
id: CLEAN
title: Nothing to find
fields:
  age: {type: integer, range: [0, 120], label: Age, change: never}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18}
"""


@pytest.fixture
def trial(root) -> str:
    return str(root / "data" / "protocols" / "NCT05741099.yaml")


@pytest.fixture
def cohort(root) -> str:
    return str(root / "data" / "cohort" / "cohort.csv")


@pytest.fixture
def run(capsys):
    """`code, out, err = run("check", path)`."""

    def call(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way out
            code = int(stop.code or 0)
        output = capsys.readouterr()
        return code, output.out, output.err

    return call


@pytest.fixture
def refused(run):
    """The error of a command that must be refused: exit code 2, nothing on stdout, one paragraph without traceback."""

    def call(*words: object) -> str:
        code, out, err = run(*words)
        assert code == 2 and out == "", (code, out, err)
        assert err.startswith("trialtools: ") and "Traceback" not in err and "\n\n" not in err
        return err

    return call


# --- check ------------------------------------------------------------------------------------------------------------


def test_check(run, trial):
    code, out, err = run("check", trial)
    assert (code, err) == (0, "") and "NCT05741099" in out


def test_check_as_json(run, trial):
    code, out, _ = run("check", trial, "--json")
    assert code == 0 and json.loads(out)


def test_check_is_strict_where_asked(run, tmp_path):
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text(CLEAN.replace("age >= 18", "age >= 18 and age < 18"))
    asked = ([], ["--strict"], ["--json"], ["--json", "--strict"])
    (code, text, _), (strict, strict_text, _), *as_json = (
        run("check", tmp_path / "nobody.yaml", *words) for words in asked
    )
    assert (code, strict) == (0, 1) and text == strict_text and "No patient can ever be eligible" in text
    assert [code for code, *_ in as_json] == [0, 1] and json.loads(as_json[0][1]) == json.loads(as_json[1][1])


def test_check_of_a_clean_protocol(run, tmp_path):
    (tmp_path / "clean.yaml").write_text(CLEAN)
    code, _, err = run("check", tmp_path / "clean.yaml")
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("age >= 18", "agee >= 18", "did you mean 'age'?"),
        ("kind: inclusion", "kinf: inclusion", "did you mean 'kind'?"),
        ("age >= 18", "age.real >= 18", "line 7"),
        ("criteria:", "criteria: [", "YAML"),
        (CLEAN, "", "key: value"),
    ],
)
def test_a_broken_protocol(refused, tmp_path, old, new, message):
    path = tmp_path / "broken.yaml"
    path.write_text(CLEAN.replace(old, new))
    err = refused("check", path)
    assert message in err and "broken.yaml" in err


def test_two_criteria_of_one_id_and_63_of_them(refused, tmp_path):
    path = tmp_path / "broken.yaml"
    line = "  - {id: I%d, kind: inclusion, label: Adult, when: age >= 18}\n"
    path.write_text(CLEAN + line % 1)
    assert "I1" in refused("check", path)
    path.write_text(CLEAN + "".join(line % i for i in range(2, 64)))
    assert "62" in refused("check", path)


def test_a_protocol_that_is_not_there(refused, tmp_path):
    assert "No such file" in refused("check", tmp_path / "nope.yaml")
    assert "Is a directory" in refused("check", tmp_path)


# --- screen -----------------------------------------------------------------------------------------------------------


def test_screen(run, trial, cohort):
    code, out, err = run("screen", trial, cohort)
    assert (code, err) == (0, "")
    assert "screened (cohort.csv, SYNTHETIC)" in out and "certain" in out and "I6 guideline" in out


def test_screen_writes_its_files(run, trial, cohort, tmp_path):
    code, out, err = run("screen", trial, cohort, "--reading", "I6=registered", "--out", tmp_path / "made")
    assert (code, err) == (0, "") and out.count("wrote ") == 6
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "decisions.csv",
        "decisions.parquet",
        "evidence.parquet",
        "patterns.csv",
        "quality.csv",
        "summary.json",
    }
    summary = json.loads((tmp_path / "made" / "summary.json").read_text("utf-8"))
    assert set(summary) >= SUMMARY_KEYS and summary["synthetic"] is True
    protocol = tt.load_protocol(trial)
    assert summary["protocol"] == {"id": "NCT05741099", "sha256": protocol.sha256}
    assert summary["readings"]["I6"] == "registered"
    assert set(summary["criteria"]) == set(protocol.requirements)
    assert all(sum(states.values()) == summary["n"] for states in summary["criteria"].values())
    decisions = pl.read_parquet(tmp_path / "made" / "decisions.parquet")
    assert decisions.columns == ["patient_id", "decision", "failed", "unknown", "open_items"]
    assert decisions.height == summary["n"] == pd.read_csv(tmp_path / "made" / "patterns.csv")["n"].sum()
    evidence = pl.read_parquet(tmp_path / "made" / "evidence.parquet")
    assert evidence.columns == ["patient_id", "criterion", "state", "values"]


def test_much_evidence_is_written_only_when_asked_for(run, trial, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr("trialtools.cohort.command._EVIDENCE_LIMIT", 10)
    code, out, _ = run("screen", trial, cohort, "--out", tmp_path)
    assert code == 0 and "no evidence.parquet: more than 10 patients" in out
    assert not (tmp_path / "evidence.parquet").exists()
    assert run("screen", trial, cohort, "--out", tmp_path, "--evidence")[0] == 0
    assert (tmp_path / "evidence.parquet").exists()


def test_both_engines_print_the_same(run, trial, cohort, refused):
    polars, duckdb = (run("screen", trial, cohort, "--engine", engine) for engine in ("polars", "duckdb"))
    assert polars == duckdb
    code, _, err = run("screen", trial, cohort, "--engine", "spark")
    assert code == 2 and "invalid choice: 'spark'" in err and "Traceback" not in err


def test_readings(run, refused, trial, cohort):
    code, out, _ = run("screen", trial, cohort, "--reading", "I6=registered", "--reading", "I4=pcr_only")
    assert code == 0 and "I6 registered" in out and "I4 pcr_only" in out
    assert "I6" in refused("screen", trial, cohort, "--reading", "I6=nope")
    assert "I99" in refused("screen", trial, cohort, "--reading", "I99=registered")
    assert "criterion=reading" in refused("screen", trial, cohort, "--reading", "I6")
    twice = refused("screen", trial, cohort, "--reading", "I6=registered", "--reading", "I6=guideline")
    assert "I6 is read in two ways" in twice


def test_screen_with_a_mapping(run, refused, trial, tmp_path):
    (tmp_path / "t.csv").write_text("who,years,rr\na,40,20\nb,-3,0\n")
    (tmp_path / "m.yaml").write_text("patient_id: who\nfields: {age: years, respiratory_rate: rr}")
    code, out, err = run("screen", trial, tmp_path / "t.csv", "--mapping", tmp_path / "m.yaml")
    assert (code, err) == (0, "") and "2 screened" in out and "no column" in out
    assert "age: 1 x impossible value" in out and "respiratory_rate: 1 x impossible value" in out
    (tmp_path / "m.yaml").write_text("patient_id: who\nfields: {agee: years}")
    err = refused("screen", trial, tmp_path / "t.csv", "--mapping", tmp_path / "m.yaml")
    assert "m.yaml, line 2, column 10" in err and "did you mean 'age'?" in err


def test_dirty_patients(refused, trial, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("patient_id,age\na,forty\n")
    assert "t.csv" in refused("screen", trial, path)
    path.write_text("")
    assert "empty" in refused("screen", trial, path)
    assert "does not exist" in refused("screen", trial, tmp_path / "nope.csv")


def test_a_folder_that_cannot_be_written(run, trial, cohort, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        code, _, err = run("screen", trial, cohort, "--out", folder)
        assert code == 2 and "cannot write to" in err and "Traceback" not in err


# --- the other commands -----------------------------------------------------------------------------------------------


def test_explain(run, refused, trial, cohort):
    code, out, err = run("explain", trial, cohort, "--patient", "P-000001")
    assert (code, err) == (0, "") and "I1" in out
    code, full, _ = run("explain", trial, cohort, "--patient", "P-000001", "--full")
    assert code == 0 and len(full) >= len(out)
    assert "no patient 'P-1'" in refused("explain", trial, cohort, "--patient", "P-1")


def test_simulate_and_screen(run, trial, tmp_path):
    code, out, err = run("simulate", "cohort", trial, "--n", 50, "--seed", 3, "--out", tmp_path)
    assert code == 0 and "synthetic" in out and "Traceback" not in err
    code, out, _ = run("screen", trial, tmp_path / "cohort.csv")
    assert code == 0 and "50 screened" in out and "SYNTHETIC" in out
    clean = (
        *("simulate", "cohort", trial, "--n", 50, "--seed", 3),
        "--clean",
        "--missing",
        0,
        "--out",
        tmp_path / "clean",
    )
    assert run(*clean)[0] == 0
    assert "--clean --missing 0" in (tmp_path / "clean" / "README.md").read_text()
    code, _, err = run("simulate", "cohort", trial, "--n", -1, "--seed", 3, "--out", tmp_path / "none")
    assert code == 2 and "cannot be negative" in err and "Traceback" not in err


def test_report_of_a_notebook_that_fails(run, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise ValueError('on purpose')")])
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    code, _, err = run("report", tmp_path / "bad.ipynb", "--out", tmp_path / "reports")
    assert code == 3 and "on purpose" in err and "Traceback" not in err
    assert not list((tmp_path / "reports").glob("*.html"))


def test_report_of_what_is_not_there(refused, tmp_path):
    assert "nope" in refused("report", "nope", "--out", tmp_path)


def test_commands_that_do_not_exist(run):
    for words in ([], ["scren"], ["screen"], ["simulate"]):
        code, _, err = run(*words)
        assert code == 2 and err.startswith("usage: ") and "Traceback" not in err
    code, out, _ = run("--help")
    assert code == 0 and "screen" in out


def test_every_option_says_what_it_is(run):
    """Words of `Args:` that name no parameter, or a parameter without a word, would go unseen."""
    for words in (["screen"], ["report"], ["simulate", "trial"], ["arms", "open"], ["arms", "verify"]):
        code, out, _ = run(*words, "--help")
        assert code == 0 and "Args" not in out
    assert run("report", "--help")[1].count("interim") == 4
    code, _, err = run("arms", "allocate", "l", "p", "t", "--patient", "x", "--site", "A", "--on", "1.2.2023")
    assert code == 2 and "invalid" in err and "Traceback" not in err


def test_no_option_is_taken_and_then_left_alone():
    """Whoever names a folder for receipts believes that they go there: what a command takes, it reads."""
    for room in {room for room, _ in _COMMANDS.values()}:
        commands = import_module(f"trialtools.{room}.command").__commands__.values()
        for command in [each for some in commands for each in (some.values() if isinstance(some, dict) else [some])]:
            body = ast.parse(inspect.getsource(command)).body
            read = {node.id for node in ast.walk(body[0]) if isinstance(node, ast.Name)}
            assert set(inspect.signature(command).parameters) <= read, command.__name__


def test_a_fault_of_ours_keeps_its_traceback(trial, cohort, monkeypatch):
    def fault(*arguments):
        raise KeyError("ours")

    monkeypatch.setattr("trialtools.cohort.command.screen", fault)
    with pytest.raises(KeyError, match="ours"):
        main(["screen", trial, cohort])


def test_as_a_program_of_its_own(root, trial):
    command = [sys.executable, "-m", "trialtools", "screen", trial, "nope.csv"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("trialtools: nope.csv does not exist") and "Traceback" not in done.stderr
