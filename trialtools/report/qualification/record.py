"""Nothing goes in; a record that this installation does what is required of it comes out, and its page.

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
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from ...arms.people import author
from ...criteria.files import whole_folder
from ..manifest import versions
from . import boundaries, ledger, randomization  # noqa: F401 - they enter their trials
from .bench import TRIALS, Bench

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
        (part / "qualification.html").write_text(_page(record), "utf-8")
        (part / "qualification.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return [Path(folder) / name for name in ("qualification.html", "qualification.json")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } h2 { font-size: 1.05rem; margin: 0 0 .25rem }
section { border-top: 1px solid GrayText; padding: .75rem 0 }
section.deviation { border: 3px solid; padding: .75rem }
dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .1rem 1rem; margin: .5rem 0 }
dt { opacity: .75 } dd { margin: 0; overflow-wrap: anywhere }
.seen dd.value { font-family: ui-monospace, monospace; font-size: .85rem }
.verdict { font-size: 1.25rem; font-weight: 600 }
.signature { margin: 2rem 0 } .signature span { display: inline-block; border-bottom: 1px solid; width: 14rem }
@media print { body { font-size: 10pt; margin: 0; max-width: none } section { break-inside: avoid } }
"""


def _page(record: Qualification) -> str:
    """The record as a page: the finding first, then who and where, deviations, and every requirement."""
    failed, n = record.deviations, len(record.trials)
    verdict = f"{n - len(failed)} of {n} requirements as expected, {len(failed)} deviations."
    packages = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    times = {"started": f"{record.started} (UTC)", "ended": f"{record.ended} (UTC)", "versions": packages}
    links = "".join(f'<li><a href="#{t.number}">{t.number}</a> {escape(t.requirement)}</li>' for t in failed)
    title = "Qualification of trialtools on this machine"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        f'<p class="verdict">{verdict}</p>{_pairs({**record.by, **record.machine, **times})}',
        f"<h2>Deviations</h2>{f'<ul>{links}</ul>' if links else '<p>None.</p>'}",
        *map(_section, record.trials),
        '<p class="signature">Reviewed by <span></span> on <span></span></p></main></body></html>',
    ]
    return "\n".join(parts) + "\n"


def _section(trial: Trial) -> str:
    state = "as expected" if trial.passed else "DEVIATION"
    parts = {name: getattr(trial, name) for name in ("source", "method", "input", "expected", "seen")}
    return (
        f'<section id="{trial.number}" class="seen {"passed" if trial.passed else "deviation"}">'
        f"<h2>{trial.number}: {state}</h2>{escape(trial.requirement)}{_pairs(parts)}</section>"
    )


def _pairs(facts: Mapping[str, str]) -> str:
    """Names and what they are; what was expected and seen is set as it is written in Python."""
    marked = {name: ' class="value"' if name in ("expected", "seen") else "" for name in facts}
    rows = (f"<dt>{escape(name)}</dt><dd{marked[name]}>{escape(text)}</dd>" for name, text in facts.items())
    return f"<dl>{''.join(rows)}</dl>"
