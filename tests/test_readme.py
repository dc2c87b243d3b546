"""The README keeps its word: its example runs, and what it names is there."""

import re
import shlex

import pytest

import trialtools as tt
from trialtools.__main__ import _parser
from trialtools.report.parameters import declared_parameters, parse_parameters, validate
from trialtools.report.run import find_notebook, read_notebook


@pytest.fixture
def readme(root):
    return (root / "README.md").read_text("utf-8")


def test_the_example_runs(readme, root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "eligible" in capsys.readouterr().out


def test_what_it_names_is_there(readme, root):
    for name in re.findall(r"`((?:data|notebooks|tests)/[\w./]*)`", readme):
        assert (root / name).exists(), name
    for image in re.findall(r"!\[.*?\]\((.*?)\)", readme):
        assert (root / image).exists(), image
    rooms = set(re.findall(r"^\| `(\w+)` \| .*→", readme, re.MULTILINE))
    there = {path.stem for path in (root / "trialtools").iterdir() if not path.name.startswith("_")}
    assert rooms == there, "the map of rooms is not the house"


def test_the_smallest_trial_is_read(readme, tmp_path):
    """Its files stand in the text; so do the findings that it promises."""
    for name, content in re.findall(r"```\w+ (\S+)\n(.*?)```", readme, re.DOTALL):
        (tmp_path / name).write_text(content)
    trial = tt.read_trial(tmp_path, mapping=tmp_path / "mapping.yaml")
    findings = dict(zip(trial.findings["problem"], trial.findings["column"], strict=True))
    assert findings["written otherwise than elsewhere (letters, width or blanks)"] == "site"
    assert findings["known in part"] == "randomized_on" and trial.subjects["randomized"].sum() == 2
    assert trial.disposition[["subject_id", "milestone", "source"]].values.tolist() == [["S2", "died", "events"]]
    assert (trial.endpoint, trial.window, trial.arms) == ("progression", 28, ("drug", "placebo"))
    assert trial.cut("2023-02-10").outcomes["subject_id"].tolist() == ["S1"]


def test_its_command_lines_are_understood_as_they_are_written(readme, root):
    """Options and parameters of every line that names values; what the Action names is in this repository."""
    lines = re.findall(r"trialtools ((?:report interim|arms (?:open|mix)) .*)", readme.replace("\\\n", " "))
    assert len(lines) == 5
    for line in lines:
        words = shlex.split(line.split(">>")[0])
        options = vars(_parser(words).parse_args(words))
        if words[0] == "report":
            notebook = find_notebook(options["notebooks"][0])
            values = validate(
                parse_parameters(options["p"]), declared_parameters(read_notebook(notebook)), notebook.name
            )
            assert {"protocol", "data", "cutoff", "look"} <= set(values)
    action = readme[readme.index("actions/checkout") :]
    assert "'.[workbench]'" in action[: action.index("trialtools report")], "a report needs more than the lean install"
    assert (root / "data/trial").is_dir() and "-p data=data/trial" in action
