"""What randomization must do: each requirement with a source, a method, and a trial that runs on a bench."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from ...arms.chain import find, reading
from ...arms.minimization import Minimization
from ...arms.plans import RandomizationPlan
from ...arms.sealing import read_key
from ...arms.stream import stream
from .bench import GCP, Bench, Finding, requires

EVEN, BLOCKS = (("A", 1), ("B", 1)), "permuted_blocks"


@requires("NIST SP 800-108r1, counter mode with HMAC-SHA-256", "worked out anew from the definition")
def _random_numbers(bench: Bench) -> Finding:
    """Numbers below a limit are the top bits of HMAC-SHA-256 blocks, drawn anew where too large."""
    below, wanted = stream(b"seed", "qualification"), []
    octets = itertools.chain.from_iterable(
        hmac.new(b"seed", i.to_bytes(8, "big") + b"qualification", hashlib.sha256).digest() for i in itertools.count()
    )
    while len(wanted) < 20:
        if (drawn := next(octets) >> 5) < 6:
            wanted.append(drawn)
    return "seed 'seed', 20 numbers below 6", wanted, [below(6) for _ in range(20)]


@requires("Pearson's chi-square, 5 degrees of freedom, p = 1e-6: 35.9", "counted")
def _evenly_drawn(bench: Bench) -> Finding:
    """Every number below a limit is as likely as another."""
    below = stream(b"seed", "evenness")
    drawn = Counter(below(6) for _ in range(60_000))
    statistic = sum((drawn[i] - 10_000) ** 2 / 10_000 for i in range(6))
    return "60,000 numbers below 6", True, statistic < 35.9


@requires("Zelen, J Chronic Dis 27 (1974) 365-375", "every block counted")
def _blocks_are_balanced(bench: Bench) -> Finding:
    """Each permuted block holds the ratio exactly, in every ratio."""
    plan, seen = RandomizationPlan(BLOCKS, (("A", 2), ("B", 1)), sizes=(6,)), set()
    for seed in range(50):
        arms = plan.deal(b"%d" % seed, "all", 60)
        seen |= {arms[i : i + 6].count("A") for i in range(0, 60, 6)}
    return "2:1, blocks of 6, 500 blocks", {4}, seen


@requires("combinatorics: 4!/(2!2!) = 6 orders of a block of four", "exact chances, and counted in 6,000 blocks")
def _orders_are_equal(bench: Bench) -> Finding:
    """All orders of a block are equally likely."""
    plan = RandomizationPlan(BLOCKS, EVEN, sizes=(4,))
    counted = Counter(plan.deal(b"%d" % seed, "all", 4) for seed in range(6_000))
    statistic = sum((n - 1_000) ** 2 / 1_000 for n in counted.values())
    exact = {math.prod(plan.chances(order[:i])[order[i]] for i in range(4)) for order in counted}
    return "blocks of 4, 6,000 seeds", ({Fraction(1, 6)}, 6, True), (exact, len(counted), statistic < 35.9)


@requires("Blackwell and Hodges, Ann Math Stat 28 (1957) 449-460: 17/24", "exact, over all orders")
def _guessing(bench: Bench) -> Finding:
    """Of a block of four, who always guesses the arm that is behind is right for 17 of 24 patients."""
    plan, right = RandomizationPlan(BLOCKS, EVEN, sizes=(4,)), Fraction(0)
    for order in set(itertools.permutations("AABB")):
        right += Fraction(1, 6) * sum(max(plan.chances(order[:i]).values()) for i in range(4)) / 4
    return "blocks of 4", Fraction(17, 24), right


@requires("Efron 1971; Soares and Wu 1983; Wei 1978; Berger and others 2003", "worked by hand")
def _other_procedures(bench: Bench) -> Finding:
    """Biased coin, big stick, urn and maximal procedure give the chances of their definitions."""
    plans = (
        RandomizationPlan("biased_coin", EVEN, probability="2/3"),
        RandomizationPlan("big_stick", EVEN, limit=2),
        RandomizationPlan("urn", EVEN, alpha=1, beta=1),
        RandomizationPlan("maximal", EVEN, limit=2, length=4),
    )
    seen = [plan.chances(("A", "A"))["B"] for plan in plans]
    return "B after A, A", [Fraction(2, 3), Fraction(1), Fraction(3, 4), Fraction(1)], seen


@requires("Pocock and Simon, Biometrics 31 (1975) 103-115", "worked by hand")
def _minimization(bench: Bench) -> Finding:
    """Minimization favours the arm that leaves the groups of the patient's own levels most alike."""
    plan = Minimization("minimization", EVEN, ("age > 65", "site"), weights=(1, 1))
    past = [(("yes", "X"), "A"), (("no", "X"), "B"), (("yes", "Y"), "A")]
    seen = [plan.chances(past, levels)["B"] for levels in (("yes", "X"), ("no", "Y"), ("no", "Z"))]
    return "three earlier patients", [Fraction(4, 5), Fraction(1, 2), Fraction(1, 5)], seen


@requires(f"{GCP} 4.1", "correlation, 1,000 kits, five standard errors")
def _kit_numbers(bench: Bench) -> Finding:
    """Kit numbers differ, and tell neither arm nor order."""
    ledger, key = bench.open(n=500)
    with reading(ledger) as connection:
        kits = find(connection, "kind = 'mixed kit'")
    secret = read_key(key)
    numbers = [int(str(kit.kit)[2:]) for kit in kits]
    arms = [secret.open(kit.detail["sealed"], str(kit.kit)) == "cells" for kit in kits]
    apart = [abs(float(np.corrcoef(numbers, other)[0, 1])) < 5 / math.sqrt(1_000) for other in (arms, range(1_000))]
    return "two strata of 500 kits", (1_000, [True, True]), (len(set(numbers)), apart)
