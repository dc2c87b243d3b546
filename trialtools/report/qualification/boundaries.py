"""What group-sequential boundaries must do, tried."""

from __future__ import annotations

import math

import numpy as np

from ...interim.sequential.boundaries import boundaries
from .bench import Bench, refusal, tries


@tries("R30")
def _classical_bounds(_: Bench) -> list[float]:
    bounds = (boundaries([1, 2, 3, 4, 5], 0.05, sides=2, shape=shape)["z"].iloc[-1] for shape in (0.5, 0))
    return [round(float(z), 3) for z in bounds]


@tries("R31")
def _spending_bounds(_: Bench) -> dict[int, list[float]]:
    return {n: boundaries(range(1, n + 1))["z"].round(4).tolist() for n in (3, 5)}


@tries("R32")
def _alpha_spent(_: Bench) -> list[bool]:
    quantile = 2.241402727604947  # of a standard normal, upper 1.25 %
    allowed = [2 * math.erfc(quantile / math.sqrt(2 * t)) / 2 for t in (0.25, 0.5, 1)]
    return np.isclose(boundaries([1, 2, 4])["alpha_spent"], allowed, rtol=0, atol=1e-6).tolist()


@tries("R33")
def _type_one_error(_: Bench) -> bool:
    looks = np.array([30.0, 41.0, 77.0, 120.0])
    steps = np.random.default_rng(1).normal(size=(200_000, 4)) * np.sqrt(np.diff(looks, prepend=0))
    crossed = ((steps.cumsum(axis=1) / np.sqrt(looks)) > boundaries(looks.tolist())["z"].to_numpy()).any(axis=1)
    return abs(float(crossed.mean()) - 0.025) / math.sqrt(0.025 * 0.975 / 200_000) < 4


@tries("R34")
def _used_stays_used(_: Bench) -> list[object]:
    first = boundaries([60, 130], planned=200, final=False)["z"].tolist()
    grown = boundaries([60, 130, 260], planned=200, used=first)
    return [grown["z"].tolist()[:2] == first, round(float(grown["alpha_spent"].iloc[-1]), 9)]


@tries("R35")
def _bad_information(_: Bench) -> list[bool]:
    acts = (lambda: boundaries([50, 40]), lambda: boundaries([]), lambda: boundaries([50, 100], alpha=0.7))
    return ["not refused" in refusal(act) for act in acts]
