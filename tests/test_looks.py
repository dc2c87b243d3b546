"""Looks that follow each other: what was used stays used; tests of two sides and of a margin, held to their numbers."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from test_first_page import collected
from test_monitoring import declared, look_of, people

from trialtools.criteria.protocol import DataError
from trialtools.interim.frames.history import read_previous
from trialtools.interim.frames.looks import design_power, due_look, final_difference, this_look
from trialtools.interim.plan import plan_of
from trialtools.interim.sequential import recursion
from trialtools.interim.sequential.boundaries import boundaries
from trialtools.interim.sequential.estimates import risk_difference
from trialtools.interim.sequential.inference import final_estimate


def manifest_of(look, folder, protocol, number):
    """The file that the report of a look leaves behind."""
    facts = json.loads(json.dumps(dict(look.key_figures()), allow_nan=False))
    run = {"look": number, "cutoff": f"2023-0{number}-01"}
    file = folder / f"{number}.json"
    file.write_text(json.dumps({"protocol": {"id": protocol.id}, "parameters": {"run": run}, "facts": facts}))
    return file


def next_look(tables, protocol, number, file):
    before = read_previous(file, protocol, "2023-06-30", number)
    return look_of(tables, protocol, number, looks=before["facts"]["looks"])


def test_the_look_that_is_due_is_taken_once_and_tells_no_arm(protocol, tmp_path):
    """66, 134 and 200 outcomes are planned: before the first nothing is due, and no look is held a second time."""
    early, first, between = people(30, 30, (3, 4)), people(33, 33, (3, 4)), people(60, 60, (3, 4))
    with pytest.raises(DataError, match=r"no look is due: look 1 is planned at 66, and there are 60 outcomes known"):
        due_look(look_of(early, protocol, 1))
    assert due_look(replace(look_of(early, protocol, 1), closed=False)) == 1, "an open report is on the way to it"
    due = look_of(first, protocol, due_look(look_of(first, protocol, 1)))
    before = read_previous(manifest_of(due, tmp_path, protocol, 1), protocol, "2023-06-30")
    assert due.number == 1 and due_look(replace(due, closed=False)) == 1
    for tables, there in ((first, 66), (between, 120)):
        now = replace(look_of(tables, protocol, 1), previous=before)
        with pytest.raises(
            DataError, match=f"look 1 was held already, and look 2 is planned at 134, .* {there} outcomes"
        ):
            due_look(now)
    assert due_look(replace(look_of(people(67, 67, (3, 4)), protocol, 1), previous=before)) == 2


def type_one_error(information, bounds):
    return recursion.crossing_probabilities(information, [-math.inf] * len(bounds), bounds, recursion.start_density())[
        1
    ].sum()


@pytest.mark.parametrize("spending", ["O'Brien-Fleming type", "Pocock type"])
def test_the_bounds_of_three_reports_in_a_row_keep_the_type_one_error(protocol, tmp_path, spending):
    """Each report reads the one before it; after look 1 the size is amended, and the last look over-runs."""
    plan = declared(protocol, spending=spending)
    first = look_of(people(32, 32, (2, 5)), plan, 1)
    file = manifest_of(first, tmp_path, plan, 1)
    amended = declared(plan, sample_size=260)
    second = next_look(people(80, 80, (6, 11)), amended, 2, file)
    assert second.boundaries()["bound"].iloc[0] == first.boundaries()["bound"].iloc[0], "as it was used"
    file = manifest_of(second, tmp_path, plan, 2)
    third = next_look(people(150, 150, (12, 18)), amended, 3, file)
    frame = third.boundaries()
    assert frame["bound"].tolist()[:2] == second.boundaries()["bound"].tolist()[:2]
    assert frame["information"].tolist() == [64, 160, 300]
    assert type_one_error(frame["information"].tolist(), frame["bound"].tolist()) == pytest.approx(0.025, abs=1e-9)
    assert frame["z"].notna().all() and frame["alpha_spent"].iloc[-1] == pytest.approx(0.025)


def test_over_running_from_the_reports_is_the_bound_of_another_program(protocol, tmp_path):
    """Plan 200, looks at 66 and 134, final 260: 2.0154; a recount that forgets what was spent gives 1.970."""
    file = manifest_of(look_of(people(33, 33, (2, 5)), protocol, 1), tmp_path, protocol, 1)
    file = manifest_of(next_look(people(67, 67, (5, 8)), protocol, 2, file), tmp_path, protocol, 2)
    last = next_look(people(130, 130, (8, 10)), protocol, 3, file)
    assert last.boundaries()["bound"].iloc[-1] == pytest.approx(2.0154, abs=5e-5)


def test_a_look_that_could_not_stop_is_written_down_as_such(protocol, tmp_path):
    file = manifest_of(look_of(people(2, 2, (0, 1)), protocol, 1), tmp_path, protocol, 1)
    assert json.loads(file.read_text())["facts"]["looks"][0]["bound"] is None
    assert next_look(people(60, 60, (3, 9)), protocol, 2, file).boundaries()["bound"].iloc[0] == math.inf


def test_what_was_only_taken_for_granted_can_still_be_said_not_to_have_been_held(protocol, tmp_path):
    second = look_of(people(65, 65, (4, 9)), protocol, 2)
    file = manifest_of(second, tmp_path, protocol, 2)
    looks = json.loads(file.read_text())["facts"]["looks"]
    assert [each.get("assumed", False) for each in looks] == [True, False]
    third = next_look(people(100, 100, (6, 14)), protocol, 3, file)
    assert third.boundaries()["look"].tolist() == [1, 2, 3]
    assert replace(third, not_held=(1,)).boundaries()["look"].tolist() == [2, 3]
    small = look_of(people(20, 20, (1, 2)), protocol, 2)
    with pytest.raises(Exception, match="name its manifest as previous, or look 1 in not_held"):
        small.boundaries()
    assert replace(small, not_held=(1,)).boundaries()["look"].tolist() == [2, 3]


def test_an_over_run_look_before_the_last_leaves_no_alpha_and_says_so(protocol, tmp_path):
    plan = declared(protocol, futility=[0.1, 0.5])
    file = manifest_of(look_of(people(105, 105, (9, 12)), plan, 2), tmp_path, plan, 2)
    last = next_look(people(130, 130, (9, 16)), plan, 3, file)
    assert last.boundaries()["bound"].iloc[-1] == math.inf
    assert "all alpha was spent before" in dict(last.first_page().lines)["Boundary"]


def test_a_boundary_for_futility_that_says_nothing_is_refused(protocol):
    """Left empty in the file it is no trial without futility: that has no such item at all."""
    for wrong in (None, 3, [0.1], "some type"):
        with pytest.raises(DataError, match=r"design\.futility is .*; expected a spending function of beta"):
            plan_of(declared(protocol, futility=wrong))
    assert plan_of(declared(protocol)).futility is None


def test_beta_follows_the_power_of_the_design(protocol):
    spent = {}
    for power in (0.8, 0.9):
        look = look_of(people(65, 65, (5, 9)), declared(protocol, futility="Pocock type", power=power), 2)
        spent[power] = look.boundaries()["futility"].iloc[1]
        direct = boundaries([66, 130, 200], planned=200, futility="pocock", beta=1 - power)["futility"]
        assert spent[power] == pytest.approx(direct.iloc[1])
    assert spent[0.9] < spent[0.8], "less of beta to spend: harder to give up"


def test_harm_that_was_spent_stays_spent(protocol, tmp_path):
    plan = declared(protocol, harm={"spending": "Pocock type", "alpha": 0.05})
    first = look_of(people(33, 33, (9, 5)), plan, 1)
    file = manifest_of(first, tmp_path, plan, 1)
    last = next_look(people(130, 130, (20, 10)), plan, 3, file)
    frame = last.boundaries()
    assert frame["harm"].iloc[0] == first.boundaries()["harm"].iloc[0]
    mirrored = (-frame["harm"]).tolist()
    assert type_one_error(frame["information"].tolist(), mirrored) == pytest.approx(0.05, abs=1e-9)
    assert {row[0]: row[1:] for row in last.first_page().pairs[0][0].rows}["z for harm"][0].startswith("−")


@pytest.mark.parametrize(("first", "sentence"), [((25, 5), "harm was crossed before, at look 1."), ((9, 5), None)])
def test_a_boundary_that_was_crossed_at_a_look_before_is_told_beside_the_effect(protocol, tmp_path, first, sentence):
    plan = declared(protocol, harm={"spending": "Pocock type", "alpha": 0.05})
    file = manifest_of(look_of(people(33, 33, first), plan, 1), tmp_path, plan, 1)
    words = next_look(people(130, 130, (20, 18)), plan, 3, file).caveats()
    assert (f"The boundary for {sentence}" in words) if sentence else "was crossed" not in words


def test_a_two_sided_test_spends_both_tails_and_has_a_bound_for_harm(protocol):
    """Two-sided 0.05 has the bounds of one-sided 0.025 (Lan and DeMets), not those of one-sided 0.05."""
    one = look_of(people(65, 65, (20, 5)), protocol, 2)
    two = look_of(people(65, 65, (20, 5)), declared(protocol, sides=2, alpha=0.05), 2)
    assert two.boundaries()["bound"].tolist() == pytest.approx(one.boundaries()["bound"].tolist(), abs=1e-7)
    assert two.boundaries()["alpha_spent"].iloc[-1] == pytest.approx(0.05)
    row = this_look(two.boundaries())
    assert row["harm"] == -row["bound"] and "The boundary for harm is crossed" in two.first_page().lead
    assert two.charter().set_index("item").loc["Alpha", "value"] == "0.05, two-sided"
    assert one.charter().set_index("item").loc["Alpha", "value"] == "0.025, one-sided"
    charter = one.charter().set_index("item")["value"]
    assert charter["Ratio"] == "1:1 (MSCs, Comparator)", "arms by their labels, not by the names of the file"
    assert charter["Endpoint"] == (
        "progression to severe or critical disease by day 28: yes or no; the fewer of them, the better"
    )
    assert charter["Looks"] == "3, at 33 %, 67 % and 100 % of the planned outcomes"
    assert "death before its day counts as the worse outcome" in charter["Estimand"]
    assert one.charter().iloc[-1].tolist()[:3] == ["Power at these assumptions", "31 in 100", "worked out"]
    table = two.inference_table().set_index("what")["value"]
    p = float(table["p of this z, two-sided; not adjusted for the looks"])
    assert p == pytest.approx(2 * norm.cdf(-abs(row["z"])), abs=5e-5)


def test_harm_declared_beside_a_two_sided_test_is_a_second_one_sided_bound(protocol):
    """It is crossed sooner than the other tail, costs that no alpha, and is the bound of its own one-sided alpha."""
    plan = declared(protocol, sides=2, alpha=0.05, harm={"spending": "Pocock type", "alpha": 0.05})
    look = look_of(people(65, 65, (14, 5)), plan, 2)
    frame = look.boundaries()
    without = look_of(people(65, 65, (14, 5)), declared(protocol, sides=2, alpha=0.05), 2).boundaries()
    assert frame["bound"].tolist() == without["bound"].tolist()
    own = boundaries(frame["information"].tolist(), 0.05, spending="pocock")["z"]
    assert (-frame["harm"]).tolist() == pytest.approx(np.minimum(own, frame["bound"]).tolist())
    row = this_look(frame)
    assert -row["bound"] < row["z"] <= row["harm"] and "The boundary for harm is crossed" in look.first_page().lead
    strict = declared(protocol, sides=2, alpha=0.05, harm={"nominal": 0.0001})
    late = look_of(people(65, 65, (14, 5)), strict, 2).boundaries().iloc[-1]
    assert late["harm"] == -late["bound"], "the other tail, which is crossed sooner"


def score_at(a, n, b, m, margin):
    """z of a difference against a margin, by maximum likelihood on a fine search: Farrington and Manning (1990)."""

    def against(second):
        first = second + margin
        return -(a * np.log(first) + (n - a) * np.log1p(-first) + b * np.log(second) + (m - b) * np.log1p(-second))

    q = minimize_scalar(against, bounds=(1e-9, 1 - margin - 1e-9), method="bounded", options={"xatol": 1e-12}).x
    p = q + margin
    return (a / n - b / m - margin) / math.sqrt(p * (1 - p) / n + q * (1 - q) / m)


@pytest.mark.parametrize(
    ("events", "lead"),
    [
        ((6, 8), "The boundary for stopping early for non-inferiority is crossed: 15.0 percentage points more, the"),
        (
            (12, 9),
            "The boundary for stopping early for non-inferiority is not crossed: 15.0 percentage points more, the",
        ),
        ((24, 9), "The results lean towards HARM"),
    ],
)
def test_non_inferiority_is_held_against_its_margin(protocol, events, lead):
    plan = declared(protocol, hypothesis="non-inferiority", margin=0.15)
    look = look_of(collected(65, 65, events), plan, 2)
    effect = look.primary_effect
    assert effect.z == pytest.approx(-score_at(events[0], 65, events[1], 65, 0.15), abs=1e-5)
    assert look.first_page().lead.startswith(lead)
    curve = look.power_curve()
    assert curve.empty or curve.loc[curve["mark"] == "null", "effect"].tolist() == [15.0]
    assert final_difference(look) is None or final_difference(look)[2] < 0.15


@pytest.mark.parametrize(
    ("against", "events", "crossed", "words"),
    [
        ("no difference", (14, 9), False, "Against no difference z is −1.15; there the boundary for harm lies at"),
        ("no difference", (22, 9), True, "The boundary for harm is crossed: more participants progress with MSCs."),
        ("margin", (22, 9), False, "The results lean towards HARM"),
        ("margin", (34, 9), True, "The difference exceeds the margin, 15.0 percentage points more."),
    ],
)
def test_harm_beside_non_inferiority_is_worse_than_the_control_or_than_the_margin(
    protocol, tmp_path, against, events, crossed, words
):
    """Which of the two is declared; each spends its alpha at its own truth, and both stay as they were used."""
    harm = {"spending": "Pocock type", "alpha": 0.025, "against": against}
    plan = declared(protocol, hypothesis="non-inferiority", margin=0.15, harm=harm)
    look = look_of(collected(65, 65, events), plan, 2)
    effect, frame, page = look.primary_effect, look.boundaries(), look.first_page()
    row = this_look(frame)
    z_held = effect.z_of_none if against == "no difference" else effect.z
    assert row["z_harm"] == z_held or (against == "margin" and math.isnan(row["z_harm"]))
    mirrored = (-frame["harm"]).tolist()
    assert type_one_error(frame["information"].tolist(), mirrored) == pytest.approx(0.025, abs=1e-9)
    assert (z_held <= row["harm"]) == crossed == ("The boundary for harm is crossed" in page.lead)
    assert words in page.lead + dict(page.lines)["Boundary"]
    picture = page.pairs[0][0]
    assert (picture.points[-1][1] >= picture.lower[1][1]) == crossed, "drawn where z crosses it"
    later = next_look(collected(130, 130, events), plan, 3, manifest_of(look, tmp_path, plan, 2)).boundaries()
    assert later[["harm", "z", "z_harm"]].iloc[1].equals(row[["harm", "z", "z_harm"]].astype(float))


def test_the_power_of_a_design_is_what_simulated_trials_find(protocol):
    """With a margin of 15 points and equal rates of 12 %, by 200,000 trials on the scale of z."""
    plan = plan_of(declared(protocol, hypothesis="non-inferiority", margin=0.15, experimental_rate=0.12))
    information = np.array([66.0, 134.0, 200.0])
    bounds = boundaries(information.tolist(), planned=200)["z"].to_numpy()
    draw = np.random.default_rng(3)
    steps = np.diff(information, prepend=0)
    drift = 0.15 / math.sqrt(4 * 0.12 * 0.88)
    score = (drift * steps + np.sqrt(steps) * draw.standard_normal((200_000, 3))).cumsum(axis=1)
    power_found = (score / np.sqrt(information) >= bounds).any(axis=1).mean()
    assert design_power(plan) == pytest.approx(power_found, abs=0.004)


def test_the_corrected_estimate_is_median_unbiased_for_a_large_effect():
    """A truth of -40 points (30 % against 70 %), looks at 66, 134 and 200; the unit is that of each trial's own z."""
    draw, information, estimates = np.random.default_rng(11), [66, 134, 200], []
    bounds = boundaries(information, planned=200)["z"].tolist()
    for _ in range(300):
        first, second = draw.random(100) < 0.3, draw.random(100) < 0.7
        for look, n in enumerate(information):
            half = n // 2
            estimate = risk_difference((int(first[:half].sum()), half, int(second[:half].sum()), half))
            z = -estimate["z"]
            if z >= bounds[look] or look == 2:
                unit = (z / estimate["difference"]) ** 2 / n
                parts = [unit * each for each in information[: look + 1]]
                estimates.append(-final_estimate(z, parts, bounds[:look])["estimate"])
                break
    assert np.median(estimates) == pytest.approx(-0.40, abs=0.02)
