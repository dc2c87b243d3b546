"""Looks, bounds and a drift go in, the chances to cross each bound come out: the recursion below everything here.

The score process B has independent normal increments: at information I its mean is drift * I and its variance I. The
density of those who have not stopped is carried from look to look on Gauss-Legendre nodes.

Source: Armitage, McPherson and Rowe, JRSS A 132 (1969); Jennison and Turnbull, Group Sequential Methods (2000), ch. 19.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

_REACH = 9.0
"""Standard deviations beyond which nobody is: less than 1e-18."""
_FEWEST, _PER_STEP = 64, 5.0
"""Nodes of a look: at least so many, and so many for each standard deviation of the nearest increment."""


@dataclass(frozen=True)
class SubDensity:
    """The sub-density of the score statistic on the continuation region.

    Attributes:
        place: values of the statistic B = z √information.
        mass: the probability of each.
        information: at which they stand.
        drift: the mean of B per unit of information.
    """

    place: np.ndarray
    mass: np.ndarray
    information: float
    drift: float

    def above(self, information: float, z: float) -> float:
        """The chance to be at or above z at the next look."""
        return float(self.mass @ scipy.special.ndtr(self._from(information, z)))

    def below(self, information: float, z: float) -> float:
        """The chance to be at or below z at the next look."""
        return float(self.mass @ scipy.special.ndtr(-self._from(information, z)))

    def _from(self, information: float, z: float) -> np.ndarray:
        """The mean of the next look minus z, in standard deviations, from each place."""
        return (self.ahead(information) - z * math.sqrt(information)) / self.spread(information)

    def ahead(self, information: float) -> np.ndarray:
        return self.place + self.drift * (information - self.information)

    def spread(self, information: float) -> float:
        return math.sqrt(information - self.information)

    def on(self, information: float, low: float, high: float, next_information: float | None) -> SubDensity:
        """Those who are between two z at the next look, and go on to the one after it."""
        root, middle = math.sqrt(information), self.drift * information
        ends = (max(low * root, middle - _REACH * root), min(high * root, middle + _REACH * root))
        steps = [self.spread(information)]
        if next_information is not None:
            steps.append(math.sqrt(next_information - information))
        width = max(ends[1] - ends[0], 0.0)
        node, weight = _legendre(max(_FEWEST, math.ceil(_PER_STEP * width / min(steps) / 16) * 16))
        place = (ends[0] + ends[1]) / 2 + width / 2 * node
        apart = (place[:, None] - self.ahead(information)) / self.spread(information)
        density = np.exp(-0.5 * apart**2) @ self.mass / (self.spread(information) * math.sqrt(2 * math.pi))
        return SubDensity(place, density * weight * width / 2, information, self.drift)


def start_density(drift: float = 0.0, at: float = 0.0, information: float = 0.0) -> SubDensity:
    """All who start, or stand at `at` once `information` has been seen."""
    return SubDensity(np.array([at]), np.array([1.0]), information, drift)


def crossing_probabilities(
    information: Sequence[float], low: Sequence[float], high: Sequence[float], going: SubDensity
) -> tuple[np.ndarray, np.ndarray]:
    """The chances to stop at each look, below and above."""
    below, above = np.zeros(len(information)), np.zeros(len(information))
    for look, (reached, a, b) in enumerate(zip(information, low, high, strict=True)):
        below[look], above[look] = going.below(reached, a), going.above(reached, b)
        if look + 1 < len(information):
            going = going.on(reached, a, b, information[look + 1])
    return below, above


@cache
def _legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(n)
