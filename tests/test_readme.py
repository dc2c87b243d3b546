"""The README keeps its word: its example runs, and what it names is there."""

import re

import pytest


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
