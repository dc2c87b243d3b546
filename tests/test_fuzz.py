"""Each door, with input that nobody would write: some hundred tries here, as many as one likes with `make fuzz`."""

from __future__ import annotations

import pytest
from fuzz.run import DOORS, run

TRIES = {"excel": 30, "frames": 60, "mapping": 40, "parquet": 60}
"""Of doors that take their time; the others get 300."""


@pytest.mark.parametrize("door", DOORS)
def test_a_door_keeps_its_word(door: str) -> None:
    assert run(door, TRIES.get(door, 300)) == []
