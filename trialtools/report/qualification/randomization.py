"""What randomization must do, tried."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from ...arms.minimization import Minimization
from ...arms.plans import RandomizationPlan
from ...arms.sealing import read_key
from ...arms.stream import stream
from .bench import Bench, tries

_EVEN, _BLOCKS = (("A", 1), ("B", 1)), "permuted_blocks"


@tries("R22")
def _random_numbers(_: Bench) -> bool:
    below, wanted = stream(b"seed", "qualification"), []
    octets = itertools.chain.from_iterable(
        hmac.new(b"seed", i.to_bytes(8, "big") + b"qualification", hashlib.sha256).digest() for i in itertools.count()
    )
    while len(wanted) < 20:
        if (drawn := next(octets) >> 5) < 6:
            wanted.append(drawn)
    return [below(6) for _ in range(20)] == wanted


@tries("R23")
def _evenly_drawn(_: Bench) -> bool:
    below = stream(b"seed", "evenness")
    drawn = Counter(below(6) for _ in range(60_000))
    return sum((drawn[i] - 10_000) ** 2 / 10_000 for i in range(6)) < 35.9


@tries("R24")
def _blocks_are_balanced(_: Bench) -> list[int]:
    plan, balances = RandomizationPlan(_BLOCKS, (("A", 2), ("B", 1)), sizes=(6,)), set()
    for seed in range(50):
        arms = plan.deal(b"%d" % seed, "all", 60)
        balances |= {arms[i : i + 6].count("A") for i in range(0, 60, 6)}
    return sorted(balances)


@tries("R25")
def _orders_are_equal(_: Bench) -> list[object]:
    plan = RandomizationPlan(_BLOCKS, _EVEN, sizes=(4,))
    counted = Counter(plan.deal(b"%d" % seed, "all", 4) for seed in range(6_000))
    exact = {str(math.prod(plan.chances(order[:i])[order[i]] for i in range(4))) for order in counted}
    return [sorted(exact), len(counted), sum((n - 1_000) ** 2 / 1_000 for n in counted.values()) < 35.9]


@tries("R26")
def _guessing(_: Bench) -> str:
    plan, right = RandomizationPlan(_BLOCKS, _EVEN, sizes=(4,)), Fraction(0)
    for order in set(itertools.permutations("AABB")):
        right += Fraction(1, 6) * sum(max(plan.chances(order[:i]).values()) for i in range(4)) / 4
    return str(right)


@tries("R27")
def _other_procedures(_: Bench) -> list[str]:
    plans = (
        RandomizationPlan("biased_coin", _EVEN, probability="2/3"),
        RandomizationPlan("big_stick", _EVEN, limit=2),
        RandomizationPlan("urn", _EVEN, alpha=1, beta=1),
        RandomizationPlan("maximal", _EVEN, limit=2, length=4),
    )
    return [str(plan.chances(("A", "A"))["B"]) for plan in plans]


@tries("R28")
def _minimization(_: Bench) -> list[str]:
    plan = Minimization("minimization", _EVEN, ("age > 65", "site"), weights=(1, 1))
    past = [(("yes", "X"), "A"), (("no", "X"), "B"), (("yes", "Y"), "A")]
    return [str(plan.chances(past, levels)["B"]) for levels in (("yes", "X"), ("no", "Y"), ("no", "Z"))]


@tries("R29")
def _kit_numbers(bench: Bench) -> list[object]:
    secret, kits = read_key(bench.key), bench.entries("mixed kit")
    numbers = [int(str(kit.kit)[2:]) for kit in kits]
    arms = [secret.open(kit.detail["sealed"], str(kit.kit)) == "cells" for kit in kits]
    apart = [abs(float(np.corrcoef(numbers, other)[0, 1])) < 5 / math.sqrt(1_000) for other in (arms, range(1_000))]
    return [len(set(numbers)), *apart]
