"""The files of assumptions and a seed go in; numbers with their reasons come out, and what is drawn by them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import yaml

from ..criteria.contents import Protocol
from ..criteria.doors import load_module
from ..criteria.protocol import DataError

_HERE = Path(__file__).parent
_Part = Literal["cohort", "trial"]
Assume = Mapping[str, Any] | None
Numbers = SimpleNamespace


@cache
def read_assumptions(part: Literal["cohort", "trial", "quantities"]) -> dict[str, Any]:
    """Everything that `cohort.yaml`, `trial.yaml` or `quantities.yaml` says; to be read, never changed."""
    return yaml.safe_load((_HERE / f"{part}.yaml").read_text("utf-8"))


def assumptions(part: _Part, assume: Assume = None, fitted: Assume = None) -> dict[str, dict[str, Any]]:
    """Value, reason and source of every number that a synthetic cohort or trial assumes, by its name.

    Args:
        part: `cohort` or `trial`.
        assume: other values by name; their source is then the caller.
        fitted: other values by name; their source are then the criteria.

    Raises:
        DataError: `assume` names no number of that part.

    >>> assumptions("trial")["effect"]["value"]
    0.45
    >>> assumptions("trial", {"effect": 0.7})["effect"]
    {'value': 0.7, 'reason': 'risk under cells over risk under control', 'source': 'changed by the caller'}
    """
    numbers = {name: {"source": "assumption", **number} for name, number in read_assumptions(part)["numbers"].items()}
    for changes, source in (
        (fitted, "fitted to the ages that the criteria ask for"),
        (assume, "changed by the caller"),
    ):
        for name, value in (changes or {}).items():
            if name not in numbers:
                raise DataError(f"a synthetic {part} has no number '{name}'; it has {', '.join(numbers)}")
            numbers[name] = {**numbers[name], "value": value, "source": source}
    return {name: {key: number[key] for key in ("value", "reason", "source")} for name, number in numbers.items()}


def assumed_values(part: _Part, assume: Assume = None, fitted: Assume = None) -> Numbers:
    """The same numbers as attributes, without their reasons."""
    return Numbers(**{name: number["value"] for name, number in assumptions(part, assume, fitted).items()})


Array = np.ndarray[Any, Any]


def stream(seed: int, *names: int | str) -> np.random.Generator:
    """Random numbers of one purpose, named by block, person or field: no other purpose changes them."""
    return np.random.default_rng(
        [seed, *(zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names)]
    )


@dataclass(frozen=True)
class Draws:
    """Random numbers of one block of n patients.

    Every quantity has a stream of its own, named by what is drawn: a further field in a protocol changes no other
    column, and the first patients are the same whatever n.
    """

    seed: int
    block: int
    n: int

    def uniform(self, name: str) -> Array:
        return stream(self.seed, self.block, name).random(self.n)

    def normal(self, name: str) -> Array:
        return stream(self.seed, self.block, name).standard_normal(self.n)


LABEL = "SYNTHETIC: drawn by a random number generator; no row is a person"


def render(template: str, **facts: Any) -> str:
    """A template of this room, filled in. Only a document needs Jinja2, so it is imported here."""
    jinja2 = load_module("jinja2")
    loader, undefined = jinja2.FileSystemLoader(_HERE), jinja2.StrictUndefined
    page = jinja2.Environment(loader=loader, undefined=undefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"percent": lambda share: f"{100 * share:g} %", "count": lambda n: f"{n:,}"}
    return page.get_template(template).render(label=LABEL, **facts) + "\n"


def command_line(what: str, protocol: Protocol, path: str | os.PathLike[str] | None, options: str, folder: Path) -> str:
    """The command that makes the same data again."""
    file = Path(path).as_posix() if path else f"{protocol.id}.yaml"
    return f"trialtools simulate {what} {file} {options} --out {folder.as_posix()}"
