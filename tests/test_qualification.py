"""The qualification record: every requirement as expected here; a deviation is written down, and is exit code 1."""

import json
from dataclasses import replace
from html import escape

import pytest

from trialtools.__main__ import main
from trialtools.arms.procedures import PROCEDURES
from trialtools.report import qualify, write_qualification
from trialtools.report.qualification import command
from trialtools.report.qualification.bench import TRIALS
from trialtools.report.qualification.record import Trial, requirements

REQUIREMENTS = requirements()


def test_every_requirement_is_as_expected_on_this_machine(tmp_path, capsys):
    assert main(["qualify", "--out", str(tmp_path / "record"), "--name", "Dr Stat"]) == 0
    shown = capsys.readouterr().out
    written = json.loads((tmp_path / "record/qualification.json").read_text("utf-8"))
    assert len(written["trials"]) == len(REQUIREMENTS) >= 25 and written["deviations"] == []
    assert f"{len(REQUIREMENTS)} of {len(REQUIREMENTS)} requirements as expected" in shown and "DEVIATION" not in shown
    assert written["by"]["name"] == "Dr Stat" and all(written["by"].values()) and written["machine"]["python"]
    assert {"trialtools", "numpy", "scipy", "pynacl"} <= set(written["versions"])
    assert written["started"] <= written["ended"]
    for each in written["trials"]:
        assert all(each[part].strip() for part in ("number", "requirement", "source", "method", "input")), each
        assert each["expected"] == each["seen"] and each["passed"]
    page = (tmp_path / "record/qualification.html").read_text("utf-8")
    assert all(
        f"{number}: as expected" in page and escape(each["requirement"]) in page
        for number, each in REQUIREMENTS.items()
    )


def test_requirements_are_of_three_kinds_each_with_a_trial_and_no_two_are_one():
    texts = [each["requirement"] for each in REQUIREMENTS.values()]
    assert len(set(texts)) == len(texts) and list(REQUIREMENTS) == sorted(TRIALS) and "R01" in REQUIREMENTS
    for word in ("kit", "block", "bounds"):
        assert any(word in text for text in texts)


def test_a_deviation_is_told_written_down_and_exit_code_1(tmp_path, capsys, monkeypatch):
    """A block that is not shuffled, and a requirement that breaks: both are deviations, and all others are tried."""
    right = PROCEDURES["permuted_blocks"]

    def sorted_blocks(ratio, sizes):
        start, turns = right.chain(ratio, sizes)
        return start, lambda state: turns(state)[:1]

    def broken(bench):
        raise ZeroDivisionError("on purpose <evil>")

    monkeypatch.setitem(PROCEDURES, "permuted_blocks", replace(right, chain=sorted_blocks))
    monkeypatch.setitem(TRIALS, "R26", broken)
    record = qualify(["R01", "R25", "R26"])
    assert [trial.number for trial in record.deviations] == ["R25", "R26"] and record.trials[0].passed
    assert "ZeroDivisionError: on purpose <evil> (broken)" in record.deviations[1].seen
    for path in write_qualification(record, tmp_path / "record"):
        assert "R25" in path.read_text("utf-8")
    page = (tmp_path / "record/qualification.html").read_text()
    assert (
        "1 of 3 requirements as expected, 2 deviations." in page and "R26: DEVIATION" in page and "<evil>" not in page
    )


def test_the_command_ends_with_1_on_a_deviation(monkeypatch, capsys):
    deviation = Trial("R01", "It holds.", "source", "method", "input", "1", "2", False)
    record = replace(qualify([]), trials=(deviation,))
    monkeypatch.setattr(command, "qualify", lambda name="": record)
    assert main(["qualify"]) == 1
    shown = capsys.readouterr().out
    assert "DEVIATION  R01  It holds." in shown and "expected 1, seen 2" in shown and "wrote" not in shown


def test_a_record_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "record").mkdir()
    (tmp_path / "record/earlier.txt").write_text("kept")
    with pytest.raises(OSError, match="record"):
        write_qualification(qualify([]), tmp_path / "record")
    assert [path.name for path in tmp_path.rglob("*")] == ["record", "earlier.txt"]
