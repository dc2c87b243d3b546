"""Information at the looks and an error rate go in, the boundaries of a group-sequential design come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import scipy

from ...criteria.protocol import DataError
from .recursion import SubDensity, crossing_probabilities, start_density

Spending = Literal["obrien-fleming", "pocock", "hwang-shih-decani", "kim-demets"]
NEAREST = 0.005
"""Looks closer than this, in parts of the planned information, are refused: they tell nothing new."""
_LEAST = 1e-16
"""A look that may spend less cannot stop: its bound would rest on a tail that no computer holds."""
_FAR = 12.0
_LARGEST_GAMMA = 40
"""Beyond it all alpha goes to one look."""


def boundaries(
    information: Sequence[float],
    alpha: float = 0.025,
    sides: int = 1,
    spending: Spending = "obrien-fleming",
    gamma: float | None = None,
    futility: Spending | Sequence[float] | None = None,
    *,
    beta: float = 0.2,
    shape: float | None = None,
    planned: float | None = None,
    final: bool | None = None,
    used: Sequence[float] = (),
) -> pd.DataFrame:
    """The boundaries of a group-sequential design, look by look, at the information that was really there.

    Args:
        information: at each look, rising; in any unit. For an endpoint of yes or no: participants with it observed.
        alpha: overall type I error; both tails together where `sides` is 2.
        sides: 1, or 2 for a symmetric test.
        spending: how alpha is spent (Lan and DeMets 1983): the O'Brien-Fleming or Pocock type, Hwang-Shih-DeCani with
            `gamma` (-4 is like O'Brien-Fleming, 1 like Pocock) or the power family of Kim and DeMets (`gamma` > 0).
        gamma: of the two families; the same one spends `beta`.
        futility: nothing, a z for each look but the last, or how `beta` is spent. It never binds: the efficacy bounds
            are as if there were none, so that going on below it costs no alpha.
        beta: type II error spent on futility.
        shape: instead of spending, the bounds of Wang and Tsiatis (1987), c * t^(shape - 0.5): 0 is the classical
            O'Brien-Fleming (1979), 0.5 the classical Pocock (1977).
        planned: the information at which all alpha is spent; by default that of the last look.
        final: whether the last look is the last one, which spends all that is left, over- or under-running; by default
            when the planned information is reached.
        used: the z that the first looks were held against, as their reports wrote it down. What they spent stays spent,
            whatever is now known of the size; later looks share the rest.

    Columns: look, information, z, nominal_p (of that z at this look alone, both tails where `sides` is 2), alpha_spent
    (in all so far), futility (where asked for). A z of inf: the look may spend too little to stop for efficacy.

    Raises:
        DataError: information that does not rise, looks closer than 0.005 of what is planned, futility of a two-sided
            design, or no such design.

    >>> boundaries([1, 2, 3, 4, 5]).round(4)["z"].tolist()
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    >>> boundaries([1, 2, 3, 4, 5], alpha=0.05, sides=2, shape=0).round(5)["z"].tolist()[-1]
    2.04007
    """

    looks = _looks(information, planned)
    planned = looks[-1] if planned is None else float(planned)
    _check(alpha, sides, spending, gamma, beta)
    if futility is not None:
        if sides == 2:
            raise DataError("futility needs sides=1: of a two-sided test no side is the futile one")
        _check(alpha, sides, futility if isinstance(futility, str) else spending, gamma, beta)
    final = looks[-1] >= planned if final is None else final
    tail, two = alpha / sides, sides == 2
    if shape is not None:
        if not 0 <= shape <= 1:
            raise DataError(f"a shape lies between 0 (O'Brien-Fleming) and 1, past 0.5 (Pocock), not {shape}")
        if not final or looks[-1] != planned:
            raise DataError("bounds of a shape need all looks as planned; at other information, spend alpha")
        high = _wang_tsiatis_bounds([each / planned for each in looks], tail, two, shape)
    else:
        high = _spending_bounds(looks, _allowance(looks, planned, tail, spending, gamma, final), two, used)
    spent = np.cumsum(crossing_probabilities(looks, _mirror(high, two), high, start_density())[1]) * sides
    z = np.array(high)
    frame = pd.DataFrame({"look": range(1, len(looks) + 1), "information": list(information), "z": z})
    frame["nominal_p"], frame["alpha_spent"] = sides * scipy.special.ndtr(-z), spent
    if futility is not None:
        frame["futility"] = _futility(looks, high, futility, gamma, beta, planned)
    return frame


def drift(frame: pd.DataFrame, power: float = 0.8, sides: int = 1) -> float:
    """The effect that a design finds with a power, futility left aside: z has the mean drift * sqrt(information).

    A two-sided design is asked for the side on which the effect lies.

    >>> design = boundaries([0.5, 1])
    >>> round(drift(design, 0.8) ** 2, 6)  # the information that this effect needs, over that of one unit
    7.878117
    """
    looks, high = frame["information"].tolist(), frame["z"].tolist()
    low = _mirror(high, sides == 2)

    def short(effect: float) -> float:
        return float(crossing_probabilities(looks, low, high, start_density(effect))[1].sum()) - power

    return float(scipy.optimize.brentq(short, 0.0, _FAR / math.sqrt(looks[-1]), xtol=1e-13))


def power(frame: pd.DataFrame, drift: float, sides: int = 1) -> dict[str, float]:
    """What a design does under an effect: `power` (to stop for efficacy), `futility`, `information` (expected at stop).

    Args:
        frame: from `boundaries`; futility, where it has one, is obeyed here.
        drift: the effect per unit of information.
        sides: as in `boundaries`.

    >>> design = boundaries([0.5, 1])
    >>> round(power(design, 0.0)["power"], 6)
    0.025
    """
    looks = frame["information"].tolist()
    high = frame["z"].tolist()
    low = _mirror(high, sides == 2)
    if "futility" in frame:
        low = [-math.inf if math.isnan(each) else each for each in frame["futility"]]
    below, above = crossing_probabilities(looks, low, high, start_density(drift))
    stopped = below + above
    stopped[-1] = 1 - stopped[:-1].sum()
    lost = 0.0 if sides == 2 else float(below[:-1].sum())
    chance = float(above.sum() + (below.sum() if sides == 2 else 0.0))
    return {"power": chance, "futility": lost, "information": float(stopped @ np.array(looks))}


def spend(name: Spending, t: float, alpha: float, gamma: float | None = None) -> float:
    """How much of one tail's alpha is spent at a part t of the planned information.

    >>> spend("obrien-fleming", 1, 0.025), round(spend("pocock", 0.5, 0.025), 6)
    (0.025, 0.015503)
    """
    if t >= 1:
        return alpha
    match name:
        case "obrien-fleming":
            return float(2 * scipy.special.ndtr(scipy.special.ndtri(alpha / 2) / math.sqrt(t)))
        case "pocock":
            return alpha * math.log1p((math.e - 1) * t)
        case "hwang-shih-decani":
            return alpha * (t if not gamma else math.expm1(-gamma * t) / math.expm1(-gamma))
        case "kim-demets":
            return alpha * t ** (gamma or 1)


def _looks(information: Sequence[float], planned: float | None) -> list[float]:
    try:
        looks = [float(each) for each in information]
    except (TypeError, ValueError):
        looks = []
    if not looks or not all(math.isfinite(each) and each > 0 for each in looks):
        raise DataError("information is a list of numbers above zero, one for each look")
    top = looks[-1] if planned is None else float(planned)
    if not (math.isfinite(top) and top > 0):
        raise DataError(f"the planned information is a number above zero, not {planned}")
    for number, (before, after) in enumerate(zip([0.0, *looks], looks, strict=False), start=1):
        if after - before < NEAREST * top:
            raise DataError(
                f"look {number} has information {after:g} after {before:g}, less than {NEAREST:g} of {top:g} apart: "
                "it tells nothing new; leave it out"
            )
    return looks


def _check(alpha: float, sides: int, spending: str, gamma: float | None, beta: float) -> None:
    if not 0 < alpha < 0.5 or not 0 < beta < 1 or sides not in (1, 2):
        raise DataError("alpha lies between 0 and 0.5, beta between 0 and 1, and there are 1 or 2 sides")
    spendings = Spending.__args__  # type: ignore[attr-defined]
    if spending not in spendings:
        raise DataError(f"no spending function '{spending}'; there are {', '.join(spendings)}")
    if spending == "kim-demets" and not (gamma or 0) > 0:
        raise DataError("kim-demets needs gamma above 0, such as gamma=3")
    if spending == "hwang-shih-decani" and (gamma is None or not abs(gamma) <= _LARGEST_GAMMA):
        raise DataError(f"hwang-shih-decani needs gamma of {-_LARGEST_GAMMA} to {_LARGEST_GAMMA}, such as gamma=-4")


def _allowance(
    looks: Sequence[float], planned: float, tail: float, spending: Spending, gamma: float | None, final: bool
) -> list[float]:
    """What each look may spend in one tail; the last one all that is left."""
    so_far = [spend(spending, min(each / planned, 1.0), tail, gamma) for each in looks]
    if final:
        so_far[-1] = tail
    return np.diff([0.0, *so_far]).tolist()


def _mirror(high: Sequence[float], two: bool) -> list[float]:
    return [-each for each in high] if two else [-math.inf] * len(high)


def _spending_bounds(looks: Sequence[float], allowed: Sequence[float], two: bool, used: Sequence[float]) -> list[float]:
    """The bound of each look: as used, or for what may be spent up to there less what was."""
    if len(used) >= len(looks) or any(math.isnan(each) for each in used):
        raise DataError(f"{len(used)} bounds were used at earlier looks, and there are {len(looks)} looks in all")
    going, high, excess = start_density(), [], 0.0
    for look, (reached, share) in enumerate(zip(looks, allowed, strict=True)):
        if look < len(used):
            high.append(float(used[look]))
            excess += going.above(reached, high[-1]) - share
        else:
            high.append(_bound(going, reached, share - excess))
            excess = max(excess - share, 0.0)
        if look + 1 < len(looks):
            going = going.on(reached, -high[-1] if two else -math.inf, high[-1], looks[look + 1])
    return high


def _bound(going: SubDensity, reached: float, share: float) -> float:
    return math.inf if share < _LEAST else _where(lambda z: going.above(reached, z), share, -_FAR, _FAR)


def _where(chance: Callable[[float], float], share: float, low: float, high: float) -> float:
    """The z at which a chance is as large as a share, found on the scale of the logarithm."""
    wanted = math.log(share)

    def excess(z: float) -> float:
        return math.log(max(chance(z), 1e-300)) - wanted

    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-13))


def _wang_tsiatis_bounds(parts: Sequence[float], tail: float, two: bool, shape: float) -> list[float]:
    def bounds(c: float) -> list[float]:
        return [c * t ** (shape - 0.5) for t in parts]

    def too_much(c: float) -> float:
        high = bounds(c)
        return crossing_probabilities(parts, _mirror(high, two), high, start_density())[1].sum() - tail

    return bounds(float(scipy.optimize.brentq(too_much, 0.1, 10.0, xtol=1e-13)))


def _futility(
    looks: Sequence[float],
    high: Sequence[float],
    futility: Spending | Sequence[float],
    gamma: float | None,
    beta: float,
    planned: float,
) -> list[float]:
    """The futility bounds; at the last look there is nothing between giving up and success."""
    if not isinstance(futility, str):
        fixed = [float(each) for each in futility]
        if len(fixed) != len(looks) - 1:
            raise DataError(
                f"futility has {len(fixed)} bounds; expected {len(looks) - 1}, one for each look but the last"
            )
        return [*fixed, high[-1]]
    shares = _allowance(looks, planned, beta, futility, gamma, True)

    def bounds(effect: float) -> tuple[list[float], float]:
        going, low = start_density(effect), []
        for look, (reached, share) in enumerate(zip(looks[:-1], shares, strict=False)):
            low.append(_lower(going, reached, share, high[look]))
            going = going.on(reached, low[-1], high[look], looks[look + 1])
        return low, going.below(looks[-1], high[-1])

    top = _FAR / math.sqrt(looks[-1])
    effect = scipy.optimize.brentq(lambda each: bounds(each)[1] - shares[-1], 1e-6 * top, top, xtol=1e-12)
    return [*bounds(float(effect))[0], high[-1]]  # type: ignore[arg-type]


def _lower(going: SubDensity, reached: float, share: float, high: float) -> float:
    if share < _LEAST:
        return -math.inf
    top = min(high, _FAR)
    if going.below(reached, top) <= share:
        return top
    return _where(lambda z: going.below(reached, z), share, -4 * _FAR, top)
