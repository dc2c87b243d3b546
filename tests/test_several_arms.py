"""Several experimental arms against one control: alpha is shared and kept, and every arm has its own boundary."""

import math
from dataclasses import replace

import numpy as np
import pytest
from notebook import report_of
from scipy.stats import norm
from test_first_page import collected
from test_looks import manifest_of, next_look
from test_monitoring import declared, look_of

from trialtools.criteria.protocol import DataError
from trialtools.interim.frames.looks import this_look
from trialtools.interim.frames.outcomes import overall_rate
from trialtools.interim.plan import alpha_each, pair_of, plan_of
from trialtools.interim.sequential.boundaries import boundaries
from trialtools.interim.sequential.several import dunnett_alpha


def three(protocol, how="Bonferroni", **more):
    first, last = protocol.arms
    rules = replace(protocol, arms=(first, replace(first, id="low", label="Low dose"), last))
    items = {"ratio": {"mscs": 1, "low": 1, "comparator": 1}, "sample_size": 300, **more}
    return declared(rules, **items, **({"multiplicity": how} if how else {}))


def arms(n, mscs, low, comparator, **more):
    """n participants of each arm, so many of whom progress."""
    tables = collected(2 * n, n, (0, comparator), **more)
    tables["subjects"]["arm"] = ["mscs"] * n + ["low"] * n + ["comparator"] * n
    hit = [i < mscs for i in range(n)] + [i < low for i in range(n)] + [i < comparator for i in range(n)]
    tables["outcomes"]["value"] = [str(int(each)) for each in hit]
    tables["outcomes"]["observed_on"] = ["2023-03-11" if each else "2023-03-29" for each in hit]
    return tables


@pytest.mark.parametrize(("groups", "published"), [(2, 2.212), (3, 2.349), (4, 2.442), (5, 2.511)])
def test_the_alpha_of_one_look_is_that_of_dunnett_s_table(groups, published):
    """One-sided 0.025, equal groups, many degrees of freedom."""
    assert norm.isf(dunnett_alpha(0.025, [1] * groups, 1, [1.0])) == pytest.approx(published, abs=0.0015)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_two_arms_at_three_looks_err_together_as_often_as_alpha_says(spending):
    """400,000 trials without an effect, both arms held against the same control, the control twice as large."""
    draw, time = np.random.default_rng(8), np.array([0.33, 0.67, 1.0])
    each = dunnett_alpha(0.025, [1, 1], 2, time.tolist(), spending=spending)
    bounds = boundaries(time.tolist(), each, spending=spending)["z"].to_numpy()
    steps = np.sqrt(np.diff(time, prepend=0))
    paths = (draw.standard_normal((3, 400_000, 3)) * steps).cumsum(axis=2) / np.sqrt(time)
    z = [(arm - paths[2] / math.sqrt(2)) / math.sqrt(1.5) for arm in paths[:2]]
    wrong = ((z[0] >= bounds) | (z[1] >= bounds)).any(axis=1).mean()
    assert wrong == pytest.approx(0.025, abs=0.0008) and 0.0125 < each < 0.025


def test_each_arm_has_its_part_of_alpha_size_and_information(protocol):
    plan = plan_of(three(protocol))
    assert alpha_each(plan) == 0.0125 and 0.0125 < alpha_each(plan_of(three(protocol, "Dunnett"))) < 0.0137
    pair = pair_of(plan, "low")
    assert (pair.arms, pair.sample_size, pair.planned, pair.share) == (("low", "comparator"), 200, 200, 0.5)
    look = look_of(arms(65, 2, 9, 14), three(protocol), 2)
    assert [one.plan.experimental for one in look.comparisons] == [("mscs",), ("low",)]
    for one, hits in zip(look.comparisons, (2, 9), strict=True):
        effect, row = one.primary_effect, this_look(one.boundaries())
        assert effect.difference == pytest.approx(hits / 65 - 14 / 65) and effect.n == 130
        assert row["bound"] == pytest.approx(boundaries([66, 130, 200], 0.0125, planned=200)["z"].iloc[1])


@pytest.mark.parametrize(
    ("more", "each"), [({}, 0.025), ({"multiplicity": "Bonferroni"}, 0.0125), ({"multiplicity": "Dunnett"}, None)]
)
def test_each_arm_has_a_boundary_for_harm_as_declared(protocol, more, each):
    """Whole for each comparison, or shared like alpha; the charter says which."""
    each = each or dunnett_alpha(0.025, [1, 1], 1, [0.33, 0.67, 1.0], spending="pocock")
    harm = {"spending": "Pocock type", "alpha": 0.025, **more}
    look = look_of(arms(65, 20, 6, 9), three(protocol, harm=harm), 2)
    for one in look.comparisons:
        frame = one.boundaries()
        own = boundaries(frame["information"].tolist(), each, spending="pocock", planned=200)["z"]
        assert (-frame["harm"]).tolist() == pytest.approx(own.tolist())
    charter = look.charter().set_index("item").loc["Boundary for harm", "value"]
    assert ("shared by the comparisons" in charter) == bool(more) and f"{each:.4f}"[:5] in charter + "0.025"
    for wrong in ({"nominal": 0.05, "multiplicity": "Dunnett"}, {"nominal": 0.05, "multiplicity": "Holm"}):
        with pytest.raises(DataError, match=r"design\.harm is .*; expected no multiplicity"):
            plan_of(three(protocol, harm=wrong))


def test_the_size_for_the_power_is_that_of_each_comparison_with_its_alpha(protocol):
    """By the textbook's formula for two shares at one rate, 1:1, half as many again for the third arm."""
    for how in ("Bonferroni", "Dunnett"):
        rules = three(protocol, how)
        look = look_of(arms(65, 2, 9, 14), rules, 2)
        rate = 25 / 195
        reach = norm.isf(alpha_each(plan_of(rules))) + norm.ppf(0.8)
        wanted = math.ceil(1.5 * reach**2 * 4 * rate * (1 - rate) / 0.06**2)
        told = look.blinded_event_rate().iloc[-1]
        assert told["value"] == f"{wanted:,}" and "power of each comparison" in told["what"]
    assert math.isnan(overall_rate(look_of(arms(65, 2, 9, 14), three(protocol, ""), 2))["needed"]), "alpha not shared"


def test_page_1_speaks_of_every_arm_and_of_harm_first(protocol):
    look = look_of(arms(65, 2, 28, 14), three(protocol), 2)
    page = look.first_page()
    assert page.lead.startswith("The results lean towards HARM: more participants progress with low dose.")
    assert "is crossed for MSCs: fewer participants progress with MSCs." in page.lead and page.tone == "harm"
    lines = dict(page.lines)
    assert list(lines) == ["Safety", "MSCs", "Low dose"] and "z is −2.63, below zero" in lines["Low dose"]
    assert lines["Safety"].startswith("Deaths: 0 with MSCs, 0 with low dose, 0 with comparator.")
    assert "0 outcomes already under way and 70 participants still to come" in lines["MSCs"], "of these two arms"
    once = "Of look 1 no z is known: its information is as planned, or as last written."
    assert look.caveats() == once, "what holds for every arm is said once"
    chances = {row[0]: row[1:] for row in page.across}
    assert chances["– if the effect seen so far goes on"] == ("–", "below 1 in 100"), "MSCs crossed its boundary"
    assert len(page.columns) == 4 and [picture.title.split(":")[0] for picture, _ in page.pairs] == ["MSCs", "Low dose"]
    row = next(row for row in page.rows if row.label.startswith("Progressed"))
    assert row.cells[:2] == tuple(f"{n} of 65 ({100 * n / 65:.1f}\N{NO-BREAK SPACE}%)" for n in (2, 28))
    assert len(row.differences) == 2 and "+21.5" in row.differences[1]
    assert any("alpha 0.0125 of 0.0250, one-sided (Bonferroni)" in note for note in page.notes)
    assert "Low dose: " in page._repr_html_() and look.contents()


def test_the_next_report_takes_the_bounds_of_each_arm(protocol, tmp_path):
    rules = three(protocol, "Dunnett")
    first = look_of(arms(33, 2, 5, 6), rules, 1)
    file = manifest_of(first, tmp_path, rules, 1)
    last = next_look(arms(110, 8, 14, 22), rules, 3, file)
    for before, now in zip(first.comparisons, last.comparisons, strict=True):
        then, here = before.boundaries().iloc[0], now.boundaries().iloc[0]
        assert here["bound"] == then["bound"] and here["z"] == then["z"] and here["information"] == 66
    assert last.comparisons[0].boundaries()["z"].iloc[0] != last.comparisons[1].boundaries()["z"].iloc[0]


def test_without_a_way_to_share_alpha_there_is_no_boundary(protocol):
    look = look_of(arms(65, 2, 28, 14), three(protocol, ""), 2)
    assert (
        look.comparisons == (look,)
        and "share one alpha; how is not planned" in dict(look.first_page().lines)["Comparison"]
    )
    for rules in (three(protocol, "Holm"), declared(protocol, multiplicity="Bonferroni")):
        with pytest.raises(DataError, match=r"design\.multiplicity is '\w+'; expected"):
            plan_of(rules)


@pytest.mark.reports
@pytest.mark.parametrize("closed", [True, False])
def test_every_cell_of_the_report_runs_with_three_arms(protocol, closed):
    look = look_of(arms(65, 2, 28, 14), three(protocol), 2, closed=closed)
    assert len(report_of(look)) > 40
    table = look.outcome_by_arm()
    assert table["arm"].tolist() == (["mscs", "low", "comparator"] if closed else [])
