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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...arms.people import author
from ...criteria.contents import read_protocol
from ...criteria.files import whole_folder
from . import boundaries, ledger, randomization
from .bench import PROTOCOL, Bench, Requirement
from .page import qualification_page

_KINDS = (ledger, randomization, boundaries)
_FOUND = [each for kind in _KINDS for each in vars(kind).values() if isinstance(each, Requirement)]
REQUIREMENTS = {f"R{number:02d}": each for number, each in enumerate(_FOUND, start=1)}
"""All requirements by number, in the order in which the files have them."""
_LIBRARIES = ("trialtools", "numpy", "pandas", "pynacl", "scipy", "pydantic", "pyyaml")


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


def qualify(requirements: Mapping[str, Requirement] = REQUIREMENTS, name: str = "") -> Qualification:
    """Try every requirement, each in an empty folder of its own.

    Args:
        requirements: by number; those of ledger, randomization and boundaries.
        name: of the person who runs it; the user and the machine are recorded in any case.

    >>> qualify({"R22": REQUIREMENTS["R22"]}).trials[0].passed
    True
    """
    started, trials = _now(), tuple(_try(*each) for each in requirements.items())
    machine = {"system": platform.platform(), "python": sys.version.split()[0], "processor": platform.machine()}
    return Qualification(started, _now(), author(name), machine, {name: _version(name) for name in _LIBRARIES}, trials)


def _try(number: str, requirement: Requirement) -> Trial:
    """One requirement; an error that nobody expected is what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            tried, expected, seen = requirement.run(Bench(Path(folder), read_protocol(PROTOCOL)))
        except Exception as error:  # whatever it is: a deviation is written down, and the next requirement is tried
            last = traceback.extract_tb(error.__traceback__)[-1]
            tried, expected, seen = "", "no error", f"{type(error).__name__}: {error} ({last.name})"
    about = (number, requirement.text.strip(), requirement.source, requirement.method)
    return Trial(*about, tried, repr(expected), repr(seen), expected == seen)


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


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
