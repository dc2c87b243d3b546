"""What group-sequential boundaries must do: each requirement with a source, a method, and a trial that runs."""

from __future__ import annotations

import math

import numpy as np

from ...interim.sequential.boundaries import boundaries
from .bench import Bench, Finding, refusal, requires


@requires("Jennison and Turnbull (2000), tables 2.1 and 2.3: 2.413 and 2.040", "published table")
def _classical_bounds(_: Bench) -> Finding:
    """The classical bounds of five equal looks are those of the tables (two-sided, 5 %)."""
    seen = [boundaries([1, 2, 3, 4, 5], 0.05, sides=2, shape=shape)["z"].iloc[-1] for shape in (0.5, 0)]
    return "Pocock, O'Brien-Fleming", [2.413, 2.040], [round(float(z), 3) for z in seen]


@requires("rpact 3.3.4, getDesignGroupSequential(typeOfDesign = 'asOF')", "known answer")
def _spending_bounds(_: Bench) -> Finding:
    """The bounds of O'Brien-Fleming type spending are those of another program (one-sided, 2.5 %)."""
    wanted = {3: [3.7103, 2.5114, 1.993], 5: [4.8769, 3.357, 2.6803, 2.2898, 2.031]}
    return "three and five equal looks", wanted, {n: boundaries(range(1, n + 1))["z"].round(4).tolist() for n in wanted}


@requires("Lan and DeMets, Biometrika 70 (1983) 659-663", "the formula of the spending function, by erfc")
def _alpha_spent(_: Bench) -> Finding:
    """Each look spends what its spending function allows, and the last one all that is left."""
    quantile = 2.241402727604947  # of a standard normal, upper 1.25 %
    wanted = [round(2 * math.erfc(quantile / math.sqrt(2 * t)) / 2, 6) for t in (0.25, 0.5, 1)]
    return "looks at 25, 50 and 100 %", wanted, boundaries([1, 2, 4])["alpha_spent"].round(6).tolist()


@requires("definition of the type I error", "simulation: 200,000 trials under the null, seed 1, four standard errors")
def _type_one_error(_: Bench) -> Finding:
    """A trial without an effect crosses a bound as often as alpha says, however uneven the looks."""
    looks = np.array([30.0, 41.0, 77.0, 120.0])
    steps = np.random.default_rng(1).normal(size=(200_000, 4)) * np.sqrt(np.diff(looks, prepend=0))
    crossed = ((steps.cumsum(axis=1) / np.sqrt(looks)) > boundaries(looks.tolist())["z"].to_numpy()).any(axis=1)
    apart = abs(float(crossed.mean()) - 0.025) / math.sqrt(0.025 * 0.975 / 200_000)
    return "looks at 30, 41, 77 and 120", True, apart < 4


@requires("Lan and DeMets 1983; over-running", "black box")
def _used_stays_used(_: Bench) -> Finding:
    """What was spent at an earlier look stays spent when the trial grows; overall no more than alpha is spent."""
    first = boundaries([60, 130], planned=200, final=False)["z"].tolist()
    grown = boundaries([60, 130, 260], planned=200, used=first)
    seen = (grown["z"].tolist()[:2] == first, round(float(grown["alpha_spent"].iloc[-1]), 9))
    return "planned 200, final 260", (True, 0.025), seen


@requires("information only grows", "bad input")
def _bad_information(_: Bench) -> Finding:
    """Information that does not rise, and an alpha that is none, are refused."""
    acts = (lambda: boundaries([50, 40]), lambda: boundaries([]), lambda: boundaries([50, 100], alpha=0.7))
    told = [refusal(act) for act in acts]
    return "50 then 40; nothing; alpha 0.7", [False] * 3, ["not refused" in each for each in told]
