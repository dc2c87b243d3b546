"""The guide `notebooks/your_own_trial.md`, run from its first command to the report: what it says is what happens."""

import re
import shlex
from pathlib import Path

import pytest

from trialtools.__main__ import main


def blocks_of(guide: str) -> list[tuple[str, str, str]]:
    """The fenced blocks in their order: language, name of a file, content."""
    return re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", guide, re.M | re.S)


def change(file: Path, hunk: str) -> None:
    """Apply a change of the guide; what it takes out must stand there, once."""
    lines = hunk.splitlines()
    before, after = ("\n".join(line[1:] for line in lines if line[:1] in kept) for kept in (" -", " +"))
    written = file.read_text("utf-8")
    assert written.count(before) == 1, f"{file.name} does not hold, once:\n{before}"
    file.write_text(written.replace(before, after), "utf-8")


def test_the_guide_leads_from_a_record_to_a_report(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (root / "notebooks" / "your_own_trial.md").read_text("utf-8")
    (tmp_path / "data").symlink_to(root / "data")
    monkeypatch.chdir(tmp_path)
    edited, outputs = Path("mine/protocols/NCT02210780.yaml"), []
    for language, name, content in blocks_of(guide):
        if language == "csv":
            Path(name).write_text(content, "utf-8")
        elif language == "diff":
            change(edited, content)
        elif language == "text":
            assert content in outputs[-2], "the numbers that the guide shows"
        else:
            for command in content.splitlines():
                assert main(shlex.split(command)[1:]) == 0, command
                outputs.append(capsys.readouterr().out)
                edited = Path("mapping.yaml") if " map " in command else edited
    assert outputs[1].splitlines()[0] == "NCT02210780: no findings, 1 note; 12 of 13 criteria are still questions"
    assert main(["check", "mine/protocols/NCT02210780.yaml"]) == 0
    assert "; 9 of 13 criteria are still questions" in capsys.readouterr().out
    assert "✗ fail    E3" in outputs[4] and "Guillain-Barre syndrome, now or ever: yes" in outputs[4]
    assert "NCT02210780" in Path("reports/screening.html").read_text("utf-8")
