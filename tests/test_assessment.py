"""What plans are chosen by: against closed forms, against walks added up by hand, and against another measurement."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import pytest

import trialtools as tt
from trialtools.arms import Minimization, RandomizationPlan

EVEN = (("A", 1), ("B", 1))


def value(frame, measure, strata=1, column="value"):
    return frame[(frame["measure"] == measure) & (frame["strata"] == strata)][column].item()


# reference: 4,000 simulated trials of 100 patients; correct guesses, mean final and mean largest imbalance
MEASURED = [
    (RandomizationPlan("complete", EVEN), 0.499, 8.1, 12.2),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(4,)), 0.708, 0, 2.0),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(2, 4)), 0.721, 0.2, 2.0),
    (RandomizationPlan("permuted_blocks", EVEN, sizes=(4, 6, 8)), 0.680, 0.5, 3.0),
    (RandomizationPlan("biased_coin", EVEN, probability="2/3"), 0.623, 1.4, 5.2),
    (RandomizationPlan("big_stick", EVEN, limit=3), 0.581, 1.4, 3.0),
    (RandomizationPlan("urn", EVEN, alpha=1, beta=1), 0.538, 4.7, 8.6),
]


@pytest.mark.parametrize(("plan", "guesses", "final", "largest"), MEASURED, ids=[m[0].label for m in MEASURED])
def test_an_independent_measurement_agrees(plan, guesses, final, largest):
    """Its table is rounded, and has a Monte-Carlo error: of a share of 100 guesses in 4,000 trials at most
    0.05 / sqrt(4000); of an imbalance, whose standard deviation is at most its mean here. Four of those are allowed,
    and of ours, where we simulate too."""
    made = tt.arms.assess(plan, 100)
    assert value(made, "correct guesses", column="how") == value(made, "imbalance", column="how") == "exact"
    assert value(made, "correct guesses") == pytest.approx(guesses, abs=0.0005 + 4 * 0.05 / 4000**0.5)
    assert value(made, "imbalance") == pytest.approx(final, abs=0.05 + 4 * value(made, "imbalance") / 4000**0.5)
    ours, error = value(made, "worst imbalance"), value(made, "worst imbalance", column="error")
    assert ours == pytest.approx(largest, abs=0.05 + 4 * error * 1.5**0.5)


def test_closed_forms():
    """A block of 2b: 1/2 + (4^b / C(2b, b) - 1) / 4b (Blackwell and Hodges), of 4 so 17/24. Big stick in the long
    run: a coin, but for one patient in 2 * limit, who is known for sure. Complete: the binomial distribution."""
    for b in (1, 2, 3, 5):
        form = Fraction(1, 2) + Fraction(4**b - math.comb(2 * b, b), 4 * b * math.comb(2 * b, b))
        made = tt.arms.assess(RandomizationPlan("permuted_blocks", EVEN, sizes=(2 * b,)), 6 * b * 5, runs=1)
        assert value(made, "correct guesses") == pytest.approx(float(form), abs=1e-12)
        assert b != 2 or form == Fraction(17, 24)
    mean = sum(math.comb(50, k) * abs(50 - 2 * k) for k in range(51)) / 2**50
    assert value(tt.arms.assess(RandomizationPlan("complete", EVEN), 50, runs=1), "imbalance") == pytest.approx(
        mean, abs=1e-12
    )
    stick = tt.arms.assess(RandomizationPlan("big_stick", EVEN, limit=3), 4000, runs=1)
    assert value(stick, "correct guesses") == pytest.approx(1 / 2 + 1 / 2 / 6, abs=2e-3)


SMALL = [
    RandomizationPlan("permuted_blocks", (("A", 2), ("B", 1)), sizes=(3, 6)),
    RandomizationPlan("urn", (("A", 1), ("B", 1), ("C", 1)), alpha=0, beta=1),
    RandomizationPlan("maximal", EVEN, limit=2, length=6),
]


@pytest.mark.parametrize("plan", SMALL, ids=lambda plan: plan.label)
def test_exact_is_what_all_sequences_add_up_to_and_simulated_agrees(plan, monkeypatch):
    n, apart, after = 6, Fraction(0), defaultdict(Fraction)
    for sequence in itertools.product(plan.arms, repeat=n):
        chance = Fraction(1)
        for i, arm in enumerate(sequence):
            chance *= plan.chances(sequence[:i]).get(arm, 0)
            if not chance:
                break
        for i, arm in enumerate(sequence):
            after[tuple(sorted(sequence[:i])), arm] += chance
        per = [Fraction(sequence.count(a), s) for a, s in plan.ratio]
        apart += chance * (max(per) - min(per))
    right = sum(max(after[past, a] for a in plan.arms) for past in {past for past, _ in after}) / n
    exact = tt.arms.assess(plan, n, runs=4000)
    assert value(exact, "correct guesses") == pytest.approx(float(right), abs=1e-12)
    assert value(exact, "imbalance") == pytest.approx(float(apart), abs=1e-12)
    monkeypatch.setattr("trialtools.arms.assessment._MOST_STATES", 0)
    drawn = tt.arms.assess(plan, n, runs=4000)
    for measure in ("correct guesses", "imbalance"):
        assert value(drawn, measure, column="how") == "simulated"
        error, more = value(drawn, measure, column="error"), value(drawn, measure) - value(exact, measure)
        if measure == "imbalance" or len(plan.sizes) < 2:
            assert abs(more) < 5 * error + 1e-12
        else:  # simulated is who knows the size of each block too, and guesses no worse for it
            assert more > -5 * error


def test_many_small_strata_undo_the_balance_of_blocks(monkeypatch):
    plan = RandomizationPlan("permuted_blocks", EVEN, ("age > 65", "site"), sizes=(4,))
    made = tt.arms.assess(plan, 100, sites=10)
    assert set(made["strata"]) == {1, 20}
    assert value(made, "imbalance") == 0 and value(made, "imbalance", 20) > 3
    assert value(made, "correct guesses", 20) < value(made, "correct guesses")
    assert set(tt.arms.assess(plan, 100, strata=5, runs=10)["strata"]) == {1, 5}
    monkeypatch.setattr("trialtools.arms.assessment._MOST_STATES", 0)
    drawn = tt.arms.assess(plan, 100, sites=10)
    for measure in ("correct guesses", "imbalance within strata"):
        assert abs(value(drawn, measure, 20) - value(made, measure, 20)) < 5 * value(drawn, measure, 20, "error")


@pytest.mark.agreement
def test_power_is_what_t_tests_find():
    """Simulated outcomes through the t test itself, with drift and without; without, it is the 80 % asked for."""
    import numpy as np
    from scipy.stats import ttest_ind

    plan, n = RandomizationPlan("permuted_blocks", EVEN, sizes=(100,)), 200
    assert value(tt.arms.assess(plan, n, trend=0.0, runs=20), "power") == pytest.approx(0.8, abs=1e-3)
    rng, significant, trials = np.random.default_rng(3), 0, 1500
    for i in range(trials):
        first = np.array([arm == "A" for arm in plan.deal(b"%d" % i, "all", n)])
        outcome = rng.normal(size=n) + np.linspace(0, 3, n) + first * (1.959964 + 0.841621) * (2 / 100) ** 0.5
        significant += ttest_ind(outcome[first], outcome[~first])[1] < 0.05
    made = tt.arms.assess(plan, n, trend=3.0)
    error = (0.25 / trials) ** 0.5 + value(made, "power", column="error")
    assert value(made, "power") == pytest.approx(significant / trials, abs=4 * error)


def test_minimization_is_assessed_over_its_own_factors():
    plan = Minimization("minimization", EVEN, ("age > 65", "site"), "4/5", (1, 1))
    made = tt.arms.assess(plan, 60, sites=5, runs=300)
    assert set(made["strata"]) == {10} and set(made["how"]) == {"simulated"}
    blocks = tt.arms.assess(RandomizationPlan("permuted_blocks", EVEN, plan.strata, sizes=(4,)), 60, sites=5, runs=300)
    assert value(made, "imbalance", 10) < value(blocks, "imbalance", 10)
    assert 0.5 < value(made, "correct guesses", 10) <= 0.8


def test_its_simulated_arms_are_those_of_its_chances():
    """The assessment counts only what the ranges depend on; the plan counts everybody."""
    import numpy as np

    from trialtools.arms import assessment

    plan = Minimization("minimization", (("A", 2), ("B", 1), ("C", 1)), ("age > 65", "site"), "4/5", (2, 1))
    arms, where, right = assessment._minimization_runs(plan, 30, [2, 3], 20, np.random.default_rng(5))
    for run in range(20):
        levels = [tuple(map(str, divmod(int(at), 3))) for at in where[run]]
        for i in range(30):
            past = [(levels[j], plan.arms[arms[run, j]]) for j in range(i)]
            assert max(plan.chances(past, levels[i]).values()) == pytest.approx(right[run, i])


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 10, "sites": 0}, {"n": 10, "strata": 0}, {"n": 2.5}])
def test_what_is_no_number_of_patients_is_refused(wrong):
    with pytest.raises(tt.DataError, match="whole number above 0"):
        tt.arms.assess(RandomizationPlan("complete", EVEN), **wrong)


def test_the_figure_draws_the_numbers_of_the_frame_and_names_the_best():
    plans = [
        RandomizationPlan("complete", EVEN, ("site",)),
        RandomizationPlan("permuted_blocks", EVEN, ("site",), sizes=(4,)),
    ]
    made = tt.arms.assess(plans, 60, sites=3, runs=50)
    for measure, when in (("imbalance", "at the end"), ("worst imbalance", "at worst")):
        drawn = tt.figures.assessment(made, y=measure)
        filled = next(trace for trace in drawn.data if trace.mode == "markers" and trace.marker.color != "white")
        wanted = made[made["strata"] == 3].pivot(index="procedure", columns="measure", values="value")
        assert sorted(zip(filled.x, filled.y, strict=True)) == sorted(
            zip(wanted["correct guesses"], wanted[measure], strict=True)
        )
        alt = drawn.layout.meta["alt"]
        assert "closest under blocks of 4" in alt and "guess under complete (50" in alt and when in alt
        assert {"complete", "blocks of 4"} <= {note.text for note in drawn.layout.annotations}
    one = tt.figures.assessment(tt.arms.assess(plans, 60, sites=1, runs=50))
    assert "on one list" in one.layout.meta["alt"]
    assert "No procedure" in tt.figures.assessment(made.iloc[:0]).layout.title.text
