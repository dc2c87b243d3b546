"""What a look found goes in; what may be concluded now, and what may still come, comes out.

Everywhere z is of the effect in the direction that stops for efficacy (above), and information is in one unit with the
design's: the standard error of the effect is 1 / sqrt(information) in its own scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import scipy

from ...criteria.protocol import DataError
from .recursion import crossing_probabilities, start_density

_REACH = 60.0


def conditional_power(
    z: float,
    information: float,
    ahead: Mapping[str, Sequence[float]],
    effect: float | Literal["trend", "null"] = "trend",
) -> float:
    """The chance still to stop for efficacy at a coming look, given what is seen now.

    Args:
        z, information: at this look.
        ahead: the looks to come, `information` and `z` as columns of `boundaries`.
        effect: `trend` (as seen so far), `null`, or the drift of the design (see `drift`).

    Source: Lan, Simon and Halperin (1982); Proschan, Lan and Wittes (2006).

    >>> round(conditional_power(2.0, 0.5, {"information": [1.0], "z": [1.96]}, "trend"), 3)
    0.89
    """
    root = math.sqrt(information)
    drift = z / root if effect == "trend" else 0.0 if effect == "null" else float(effect)
    looks, high = _ahead(information, ahead)
    start = start_density(drift, at=z * root, information=information)
    return float(crossing_probabilities(looks, [-math.inf] * len(looks), high, start)[1].sum())


def predictive_power(z: float, information: float, ahead: Mapping[str, Sequence[float]]) -> float:
    """The conditional power averaged over what the data say of the effect, with a flat prior.

    Args:
        z, information, ahead: as for `conditional_power`.

    Source: Spiegelhalter, Freedman and Blackburn (1986).

    >>> round(predictive_power(2.0, 0.5, {"information": [1.0], "z": [1.96]}), 3)
    0.807
    """
    node, weight = np.polynomial.hermite_e.hermegauss(40)
    root = math.sqrt(information)
    each = [conditional_power(z, information, ahead, float(z / root + step / root)) for step in node]
    return float(np.dot(weight, each) / weight.sum())


def final_estimate(
    z: float, information: Sequence[float], bounds: Sequence[float], level: float = 0.95, sides: int = 1
) -> dict[str, float]:
    """After the trial has stopped: p-value, median-unbiased estimate and interval, in stagewise order.

    Args:
        z: at the last look, where it stopped.
        information: up to and with that look; the effect comes out in its unit, with standard error 1 / sqrt of it.
        bounds: the z of the looks before it (one fewer, or as many).
        level: of the interval.
        sides: 2 where the bounds are symmetric and stopping below was possible too.

    Returns:
        p (one-sided), estimate, low, high. An earlier stop is stronger evidence than any later one, whatever its z.
        Futility does not bind and does not enter.

    Source: Fairbanks and Madsen (1982); Tsiatis, Rosner and Mehta (Biometrics 40, 1984).
    """
    looks, before = [float(each) for each in information], [float(each) for each in bounds][: len(information) - 1]
    if len(before) != len(looks) - 1:
        raise DataError(
            f"{len(looks)} looks need the bounds of the {len(looks) - 1} before the last; got {len(before)}"
        )

    def beyond(drift: float) -> float:
        high = [*before, z]
        low = [-each for each in before] + [-math.inf] if sides == 2 else [-math.inf] * len(high)
        return float(crossing_probabilities(looks, low, high, start_density(drift))[1].sum())

    tail = (1 - level) / 2
    root = math.sqrt(looks[-1])
    near, step = z / root, 1 / math.sqrt(looks[0])

    def where(share: float) -> float:
        return _root(lambda drift: beyond(drift) - share, near, step)

    return {"p": beyond(0.0), "estimate": where(0.5), "low": where(tail), "high": where(1 - tail)}


def _ahead(information: float, ahead: Mapping[str, Sequence[float]]) -> tuple[list[float], list[float]]:
    looks, high = ([float(each) for each in ahead[name]] for name in ("information", "z"))
    if not looks or looks[0] <= information:
        raise DataError(f"no look lies ahead of the information {information:g}")
    return looks, high


def _root(short: Callable[[float], float], near: float, step: float) -> float:
    """Where a rising function is zero, looked for ever further from a guess."""
    low, high = near - step, near + step
    while short(low) > 0 and low > near - _REACH * step:
        low -= 2 * (near - low)
    while short(high) < 0 and high < near + _REACH * step:
        high += 2 * (high - near)
    return float(scipy.optimize.brentq(short, low, high, xtol=1e-12))
