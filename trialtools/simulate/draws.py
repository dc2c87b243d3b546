"""A seed and the name of what is drawn go in; random numbers come out, the same whatever else is drawn."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

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
