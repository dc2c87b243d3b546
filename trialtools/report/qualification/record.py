"""Nothing goes in; a record that this installation does what is required of it comes out, with every deviation.

ICH E6(R3) 4.3.4 asks for documented requirements and tests of critical functions such as randomization. The record
says who ran them, where, with which versions; it is one part of a validation, not the whole of it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from ...arms.people import author
from ...criteria.files import whole_folder
from ..manifest import versions
from . import boundaries, ledger, randomization  # noqa: F401 - they enter their trials
from .bench import TRIALS, Bench
from .page import qualification_page

_LIBRARIES = ("numpy", "pandas", "pynacl", "scipy", "pydantic", "pyyaml")


@dataclass(frozen=True)
class Trial:
    """A requirement, tried: what went in, what was expected, what was seen; `passed` where the two are the same."""

    number: str
    requirement: str
    source: str
    method: str
    input: str
    expected: str
    seen: str
    passed: bool


@dataclass(frozen=True)
class Qualification:
    """A record of all requirements: `deviations` are those that did not come out as expected."""

    started: str
    ended: str
    by: dict[str, str]
    machine: dict[str, str]
    versions: dict[str, str]
    trials: tuple[Trial, ...]

    @property
    def deviations(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if not trial.passed)


def requirements() -> dict[str, dict[str, Any]]:
    """All requirements by number: those of ledger, randomization and boundaries, as `requirements.yaml` has them."""
    return yaml.safe_load(Path(__file__).with_name("requirements.yaml").read_text("utf-8"))


def qualify(numbers: Iterable[str] | None = None, name: str = "") -> Qualification:
    """Try every requirement, each in an empty folder of its own.

    Args:
        numbers: of the requirements that are tried; all by default.
        name: of the person who runs it; the user and the machine are recorded in any case.

    >>> qualify(["R22"]).trials[0].passed
    True
    """
    rules, started = requirements(), _now()
    trials = tuple(_try(number, **rules[number]) for number in (rules if numbers is None else numbers))
    machine = {"system": platform.platform(), "python": sys.version.split()[0], "processor": platform.machine()}
    return Qualification(started, _now(), author(name), machine, versions(_LIBRARIES), trials)


def _try(number: str, *, bench: dict[str, Any] | None = None, expected: Any, **about: str) -> Trial:
    """One requirement; an error that nobody expected is what was seen."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, TRIALTOOLS_RECEIPTS=folder):
        try:
            table = Bench(Path(folder))
            if bench is not None:
                table.open(**bench)
            seen = TRIALS[number](table)
        except Exception as error:  # whatever it is: a deviation is written down, and the next requirement is tried
            last = traceback.extract_tb(error.__traceback__)[-1]
            seen = f"{type(error).__name__}: {error} ({last.name})"
    return Trial(number, **about, expected=repr(expected), seen=repr(seen), passed=expected == seen)


def write_qualification(record: Qualification, folder: str | os.PathLike[str]) -> list[Path]:
    """Write `qualification.html` and `qualification.json` into a new folder, both or neither.

    Raises:
        OSError: the folder cannot be made, or there is something in it.
    """
    content: dict[str, Any] = {**asdict(record), "deviations": [trial.number for trial in record.deviations]}
    with whole_folder(folder) as part:
        (part / "qualification.html").write_text(qualification_page(record), "utf-8")
        (part / "qualification.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return [Path(folder) / name for name in ("qualification.html", "qualification.json")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
