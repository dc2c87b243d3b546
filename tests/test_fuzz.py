"""Each door, with input that nobody would write: a few hundred tries here, as many as one likes with fuzz/run.py."""

from __future__ import annotations

import importlib
from pathlib import Path
from random import Random

import pytest

DOORS = sorted(path.stem for path in (Path(__file__).parent / "fuzz").glob("*.py") if path.stem != "run")


@pytest.mark.parametrize("door", DOORS)
def test_a_door_keeps_its_word(door: str) -> None:
    """The seed of a try is its number, so that one that failed can be made again."""
    attempt = importlib.import_module(f"fuzz.{door}").attempt
    for seed in range(300):
        attempt(Random(seed))
