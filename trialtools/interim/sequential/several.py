"""Several arms that share one control and one alpha go in; the alpha that each of them may spend comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy

from ...criteria.protocol import DataError
from .boundaries import boundaries

_BEYOND = 8.0
"""A bound beyond it is never crossed: it takes no part in the integral."""
_POINTS = 100_000
"""Points of the integral, always the same ones."""


def dunnett_alpha(
    alpha: float, parts: Sequence[float], control: float, information: Sequence[float], sides: int = 1, **design: Any
) -> float:
    """The alpha that each comparison with one control may spend, so that all of them together spend alpha.

    Args:
        alpha: of all comparisons: the chance, without any effect, to cross a bound with any arm at any look.
        parts: the size of each experimental arm, in any unit; control: that of the control.
        information: at the planned looks.
        sides: as for `boundaries`, and so is the `design`.

    Arms that are held against the same control tend to err together, so that each may spend more than alpha divided by
    their number. The chance is an integral over all arms and looks, accurate to about 1e-4 of alpha.

    Raises:
        DataError: fewer than two experimental arms, or what `boundaries` refuses.

    Source: Dunnett, JASA 50 (1955); Follmann, Proschan and Geller, Biometrics 50 (1994) for looks.

    >>> round(dunnett_alpha(0.025, [1, 1], 1, [1.0]), 5)  # one look: Dunnett's critical value is 2.212
    0.01348
    """
    if len(parts) < 2:
        raise DataError("several arms need two experimental ones or more")
    shares = np.array([math.sqrt(part / (part + control)) for part in parts])
    between = np.outer(shares, shares)
    np.fill_diagonal(between, 1.0)
    time = np.asarray(information, dtype=float)
    within = np.sqrt(np.minimum.outer(time, time) / np.maximum.outer(time, time))

    def excess(each: float) -> float:
        bounds = boundaries(information, each, sides, **design)["z"].to_numpy()
        return _chance_to_cross(bounds, between, within, sides) - alpha

    return float(scipy.optimize.brentq(excess, alpha / len(parts), alpha, xtol=1e-7, rtol=1e-5))


def _chance_to_cross(bounds: np.ndarray, between: np.ndarray, within: np.ndarray, sides: int) -> float:
    """The chance that any arm crosses any of the bounds, without an effect."""
    used = bounds < _BEYOND
    high = np.tile(bounds[used], len(between))
    together: Any = np.kron(between, within[np.ix_(used, used)])
    inside: Any = scipy.stats.multivariate_normal(
        cov=together, allow_singular=True, seed=1, maxpts=_POINTS, abseps=1e-7, releps=1e-7
    )
    return 1.0 - float(inside.cdf(high, lower_limit=-high if sides == 2 else None))
