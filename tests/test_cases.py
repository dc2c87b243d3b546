"""Situations that went wrong elsewhere: what the package gives is what is right (see cases/README.md)."""

import runpy
import shutil
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"
FAULTS = {}
"""The cases that are wrong today, and why. One that comes out right fails until it is taken out of this table."""


def _case(folder):
    reason = FAULTS.get(folder.name)
    wrong = [pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)] if reason else []
    return pytest.param(folder, id=folder.name, marks=wrong)


@pytest.mark.parametrize("folder", [_case(file.parent) for file in sorted(CASES.glob("*/case.py"))])
@pytest.mark.usefixtures("in_process")
def test_case(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / folder.name))
    got, right = runpy.run_path("case.py")["case"]()
    assert got == right


def test_every_fault_is_a_case():
    assert FAULTS.keys() <= {file.parent.name for file in CASES.glob("*/case.py")}
