"""Procedures of randomization: every small sample against its definition, worked out here in another way; real lists
against that; the generator against another one; and what a procedure refuses.
"""

import hashlib
import hmac
import itertools
import json
import math
from collections import Counter
from dataclasses import asdict
from fractions import Fraction

import pytest
from scipy.stats import chi2

import trialtools as tt
from trialtools.arms import Minimization, RandomizationPlan, plan_of
from trialtools.arms.stream import stream

HALF = Fraction(1, 2)


# --- the definitions, by brute force: the chance of every sequence of n arms ------------------------------------------


def stepwise(n, arms, chance):
    """From the chance of each next arm after a sequence, given as a function."""
    law = {(): Fraction(1)}
    for _ in range(n):
        law = {(*s, a): p * chance(s, a) for s, p in law.items() for a in arms if chance(s, a)}
    return law


def lead(s):
    return s.count("A") - s.count("B")


def complete(n, ratio):
    return stepwise(n, ratio, lambda s, a: Fraction(ratio[a], sum(ratio.values())))


def blocks(n, ratio, sizes):
    """Every row of sizes, and of every block every order, each order as likely as another."""
    law, whole = Counter(), sum(ratio.values())
    for row in itertools.product(sizes, repeat=math.ceil(n / min(sizes))):
        orders = [list(itertools.permutations([a for a in ratio for _ in range(ratio[a] * z // whole)])) for z in row]
        firsts = []
        for order in orders:  # as few places as the n patients see
            room = n - sum(len(next(iter(first))) for first in firsts)
            firsts.append({o: Fraction(c, len(order)) for o, c in Counter(o[: max(room, 0)] for o in order).items()})
        for parts in itertools.product(*(first.items() for first in firsts)):
            sequence = tuple(itertools.chain(*(o for o, _ in parts)))
            law[sequence] += Fraction(1, len(sizes) ** len(row)) * math.prod(p for _, p in parts)
    return dict(law)


def big_stick(n, limit):
    return stepwise(n, "AB", lambda s, a: HALF if abs(lead(s)) < limit else Fraction((a == "A") == (lead(s) < 0)))


def biased_coin(n, p):
    return stepwise(n, "AB", lambda s, a: HALF if not lead(s) else p if (a == "A") == (lead(s) < 0) else 1 - p)


def urn(n, arms, alpha, beta):
    """A real urn with real balls, every ball as likely as another."""

    def chance(s, a):
        balls = [arm for arm in arms for _ in range(alpha)]
        for drawn in s:
            balls += [arm for arm in arms if arm != drawn for _ in range(beta)]
        return Fraction(balls.count(a), len(balls)) if balls else Fraction(1, len(arms))

    return stepwise(n, arms, chance)


def maximal(n, limit, length):
    """All sequences of the whole length; those that keep the limit and end even, counted by how they begin."""
    kept = [
        s
        for s in itertools.product("AB", repeat=length)
        if lead(s) == 0 and all(abs(lead(s[:i])) <= limit for i in range(length))
    ]
    return {s: Fraction(c, len(kept)) for s, c in Counter(s[:n] for s in kept).items()}


EVEN, THREE = (("A", 1), ("B", 1)), (("A", 2), ("B", 1), ("C", 1))
CASES = [
    (RandomizationPlan("complete", EVEN), 6, complete(6, {"A": 1, "B": 1})),
    (RandomizationPlan("complete", THREE), 5, complete(5, {"A": 2, "B": 1, "C": 1})),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(4,)), 8, blocks(8, {"A": 1, "B": 1}, (4,))),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(2, 4)), 7, blocks(7, {"A": 1, "B": 1}, (2, 4))),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(4, 6)), 8, blocks(8, {"A": 1, "B": 1}, (4, 6))),
    (RandomizationPlan("permuted_blocks", (("A", 2), ("B", 1)), sizes=(3, 6)), 7, blocks(7, {"A": 2, "B": 1}, (3, 6))),
    (RandomizationPlan("permuted_blocks", THREE, sizes=(4,)), 6, blocks(6, {"A": 2, "B": 1, "C": 1}, (4,))),
    (RandomizationPlan("big_stick", EVEN, limit=1), 8, big_stick(8, 1)),
    (RandomizationPlan("big_stick", EVEN, limit=3), 8, big_stick(8, 3)),
    (RandomizationPlan("biased_coin", EVEN, probability="2/3"), 8, biased_coin(8, Fraction(2, 3))),
    (RandomizationPlan("biased_coin", EVEN, probability="1"), 6, biased_coin(6, Fraction(1))),
    (RandomizationPlan("urn", EVEN, alpha=1, beta=1), 8, urn(8, "AB", 1, 1)),
    (RandomizationPlan("urn", EVEN, alpha=0, beta=1), 8, urn(8, "AB", 0, 1)),
    (RandomizationPlan("urn", (("A", 1), ("B", 1), ("C", 1)), alpha=2, beta=1), 6, urn(6, "ABC", 2, 1)),
    (RandomizationPlan("maximal", EVEN, limit=2, length=8), 8, maximal(8, 2, 8)),
    (RandomizationPlan("maximal", EVEN, limit=3, length=12), 7, maximal(7, 3, 12)),
]
NAMES = [f"{plan.label} {plan.ratio}" for plan, *_ in CASES]


@pytest.mark.parametrize(("plan", "n", "law"), CASES, ids=NAMES)
def test_chances_are_exactly_those_of_the_definition(plan, n, law):
    """Every sequence of arms, possible or not."""
    assert sum(law.values()) == 1
    reached = {(): Fraction(1)}
    for _ in range(n):
        reached = {(*s, a): p * c for s, p in reached.items() for a, c in plan.chances(s).items() if c}
    assert reached == {s: p for s, p in law.items() if p}
    never = next((s for s in itertools.product(plan.arms, repeat=n) if s not in reached), None)
    if never:
        with pytest.raises(tt.DataError, match="cannot have got"):
            plan.chances(never)


@pytest.mark.parametrize(("plan", "n", "law"), CASES, ids=NAMES)
def test_lists_follow_the_definition(plan, n, law):
    """10,000 seeds; by chance alone one of a million such tests would fail, and the seeds are always the same."""
    runs = 10_000
    seen = Counter(plan.deal(b"%d" % seed, "all", n) for seed in range(runs))
    assert set(seen) <= set(law)
    often = {s: p for s, p in law.items() if p * runs >= 5}
    rest = 1 - sum(often.values())
    groups = [(sum(c for s, c in seen.items() if s not in often), rest)] if rest else []
    groups += [(seen[s], p) for s, p in often.items()]
    distance = sum((count - runs * float(p)) ** 2 / (runs * float(p)) for count, p in groups)
    assert chi2.sf(distance, len(groups) - 1) > 1e-6


def test_a_longer_list_begins_with_the_shorter_and_strata_and_seeds_differ():
    for plan, *_ in CASES:
        long = plan.deal(b"seed", "age > 65: yes", 60)
        assert plan.deal(b"seed", "age > 65: yes", 25) == long[:25]
        if plan.probability != "1":
            assert long != plan.deal(b"seed", "age > 65: no", 60) != plan.deal(b"dees", "age > 65: no", 60)


def test_the_maximal_procedure_begins_anew_when_it_is_balanced():
    plan = RandomizationPlan("maximal", EVEN, limit=2, length=8)
    arms = plan.deal(b"seed", "all", 40)
    assert [lead(arms[:i]) for i in range(8, 41, 8)] == [0] * 5
    assert plan.chances(arms[:8]) == plan.chances(())


# --- the generator ----------------------------------------------------------------------------------------------------


def test_the_generator_is_the_one_that_is_written_down():
    """The same stream from its description alone, with another way to do HMAC; a coin is the first bit of a byte."""
    seed, purpose = bytes(range(32)), "trialtools list age > 65: yes"
    block = [hmac.new(seed, i.to_bytes(8, "big") + purpose.encode(), hashlib.sha256).digest() for i in range(40)]
    octets = b"".join(block)
    coins = tuple("AB"[byte >> 7] for byte in octets[:500])
    assert RandomizationPlan("complete", EVEN).deal(seed, "age > 65: yes", 500) == coins
    dice = [byte >> 5 for byte in octets if byte >> 5 < 6]  # three bits, drawn again at 6 and 7
    below = stream(seed, purpose)
    assert [below(6) for _ in range(len(dice))] == dice
    wide = stream(seed, purpose)
    assert wide(2**256) == int.from_bytes(octets[:32], "big") and wide(1) == 0


def test_a_list_of_blocks_is_made_again_from_its_description():
    """Blocks of 3 (2:1) by a bag of arms in the order of the ratio; each patient draws a number below what is left."""
    seed, bag, arms = b"published", [], []
    below = stream(seed, "trialtools list site: A")
    for _ in range(300):
        bag = bag or ["A", "A", "B"]
        arms.append(bag.pop(below(len(bag))))
    plan = RandomizationPlan("permuted_blocks", (("A", 2), ("B", 1)), ("site",), sizes=(3,))
    assert plan.deal(seed, "site: A", 300) == tuple(arms)


@pytest.mark.parametrize("limit", [3, 7, 200, 257, 1000])
def test_no_number_is_likelier_than_another(limit):
    below, runs = stream(b"fair", f"{limit}"), 100 * limit
    seen = Counter(below(limit) for _ in range(runs))
    assert set(seen) <= set(range(limit))
    assert chi2.sf(sum((seen[i] - 100) ** 2 / 100 for i in range(limit)), limit - 1) > 1e-6


# --- minimization -----------------------------------------------------------------------------------------------------


def pocock_simon(shares, weights, p, past, levels):
    """The definition once more: who would be least alike, arm by arm; of equals, drawn by the ratio."""
    arms, whole = list(shares), sum(shares.values())

    def imbalance(arm):
        total = 0
        for f, level in enumerate(levels):
            with_arm = Counter(a for before, a in past if before[f] == level) + Counter([arm])
            per = [Fraction(with_arm[a], shares[a]) for a in arms]
            total += weights[f] * (max(per) - min(per))
        return total

    best = [a for a in arms if imbalance(a) == min(map(imbalance, arms))]
    least, law = min(shares.values()), dict.fromkeys(arms, Fraction(0))
    for favourite in best:
        high = 1 - (1 - p) * Fraction(whole - shares[favourite], whole - least)
        for a in arms:
            low = (1 - high) * Fraction(shares[a], whole - shares[favourite])
            law[a] += Fraction(shares[favourite], sum(shares[b] for b in best)) * (high if a == favourite else low)
    return law


@pytest.mark.parametrize("shares", [{"A": 1, "B": 1}, {"A": 1, "B": 1, "C": 1}, {"A": 2, "B": 1, "C": 3}])
def test_minimization_is_that_of_pocock_and_simon(shares):
    """Every history of three patients, then random ones of twenty."""
    plan = Minimization("minimization", tuple(shares.items()), ("age > 65", "site"), "4/5", (2, 1))
    pairs = list(itertools.product(("yes", "no"), ("X", "Y")))
    below = stream(b"histories", "test")
    histories = [
        [*zip([pairs[0], pairs[1], pairs[3]], arms, strict=True)] for arms in itertools.product(shares, repeat=3)
    ]
    histories += [[(pairs[below(4)], list(shares)[below(len(shares))]) for _ in range(20)] for _ in range(50)]
    for past, levels in itertools.product([[], *histories], pairs):
        wanted = pocock_simon(shares, (2, 1), Fraction(4, 5), past, levels)
        assert plan.chances(past, levels) == wanted and sum(wanted.values()) == 1
    if len(set(shares.values())) == 1:
        assert len(set(plan.chances([], pairs[0]).values())) == 1
    history = []
    for _ in range(120):
        levels = pairs[below(4)]
        history.append((levels, plan.next(b"seed", history, levels)))
    for arm, share in shares.items():  # the ratio over the trial
        assert abs([a for _, a in history].count(arm) - 120 * share / sum(shares.values())) <= 6


def test_minimized_arms_follow_their_chances_and_balance_every_factor():
    plan = Minimization("minimization", EVEN, ("age > 65", "site"), "4/5", (1, 1))
    pairs = list(itertools.product(("yes", "no"), ("X", "Y")))
    past = [(pairs[0], "A"), (pairs[1], "A"), (pairs[2], "B")]
    seen = Counter(plan.next(b"%d" % seed, past, pairs[0]) for seed in range(5000))
    assert abs(seen["B"] / 5000 - 4 / 5) < 5 * (0.16 / 5000) ** 0.5 and set(seen) == {"A", "B"}
    below, history = stream(b"patients", "test"), []
    for _ in range(200):
        levels = pairs[below(4)]
        history.append((levels, plan.next(b"seed", history, levels)))
    for factor, level in ((0, "yes"), (0, "no"), (1, "X"), (1, "Y")):
        arms = [arm for levels, arm in history if levels[factor] == level]
        assert abs(lead(arms)) <= 8  # a coin alone would be off by 7 on average


def test_minimization_has_no_list():
    assert not hasattr(Minimization("minimization", EVEN, ("site",), weights=(1,)), "list")


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", tt.arms.allocation.PROCEDURES)
def test_a_plan_comes_from_the_protocol_and_back_from_plain_data(protocol, procedure):
    made = tt.arms.plan(protocol, procedure)
    assert made.ratio == (("mscs", 1), ("comparator", 1)) and made.strata == ("age > 65", "site")
    assert plan_of(json.loads(json.dumps(asdict(made)))) == made


def test_the_ratio_of_the_protocol_decides():
    two = tt.load_protocol("data/protocols/NCT04288102.yaml")
    made = tt.arms.plan(two, sizes=[3])
    assert made.ratio == (("mscs", 2), ("placebo", 1)) and Counter(made.deal(b"s", "all", 99))["mscs"] == 66
    assert tt.arms.plan(two, "big_stick", ratio={"mscs": 5, "placebo": 5}).shares == (1, 1)


WRONG = [
    ("coin", {}, "no procedure 'coin'"),
    ("complete", {"sizes": (4,)}, "no option 'sizes'; it has none"),
    ("permuted_blocks", {"sizes": (3,)}, "multiples of 2"),
    ("permuted_blocks", {"sizes": ()}, "takes sizes"),
    ("permuted_blocks", {"sizes": (4, 4)}, "twice"),
    ("permuted_blocks", {"sizes": (0,)}, "multiples"),
    ("big_stick", {"limit": 0}, "above 0"),
    ("big_stick", {"limit": 2.5}, "above 0"),
    ("big_stick", {"ratio": {"mscs": 2, "comparator": 1}}, "equal arms"),
    ("urn", {"ratio": {"mscs": 2, "comparator": 1}}, "equal arms"),
    ("urn", {"alpha": 0, "beta": 0}, "not both 0"),
    ("urn", {"alpha": -1}, "from 0"),
    ("maximal", {"length": 7}, "even"),
    ("biased_coin", {"probability": 0.4}, "between 1/2 and 1"),
    ("biased_coin", {"probability": 2}, "between 1/2 and 1, not 2$"),
    ("biased_coin", {"probability": "often"}, "not a plan"),
    ("minimization", {"weights": (1,)}, "a weight for each"),
    ("minimization", {"strata": ()}, "needs factors"),
    ("complete", {"ratio": {"mscs": 1}}, "two or more"),
    ("complete", {"ratio": {"mscs": 1, "other": 1}}, "no arm 'other'"),
    ("complete", {"ratio": {"mscs": 1, "comparator": 0}}, "ratio"),
    ("complete", {"strata": ("site", "site")}, "twice"),
]


@pytest.mark.parametrize(("procedure", "options", "message"), WRONG)
def test_what_a_procedure_cannot_do_is_refused(protocol, procedure, options, message):
    with pytest.raises(tt.DataError, match=message):
        tt.arms.plan(protocol, procedure, **options)


def test_strata_are_conditions_over_fields(protocol):
    with pytest.raises(tt.ProtocolError, match="'severity of ARDS' is no condition"):
        tt.arms.plan(tt.load_protocol("data/protocols/NCT04355728.yaml"))
    with pytest.raises(tt.ProtocolError, match="did you mean 'age'"):
        tt.arms.plan(protocol, strata=("agee > 65",))


def test_three_arms_are_too_many_for_a_procedure_of_two():
    three = tuple((arm, 1) for arm in "ABC")
    for procedure, options in (("big_stick", {"limit": 3}), ("biased_coin", {"probability": "2/3"})):
        with pytest.raises(tt.DataError, match="two arms"):
            RandomizationPlan(procedure, three, **options)
