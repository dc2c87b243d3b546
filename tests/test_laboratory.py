"""The laboratory deals what the plan deals, scores what was guessed, and can never be mistaken for an allocation."""

import re

import pandas as pd
import pytest

import trialtools as tt
from trialtools import figures
from trialtools.arms import RandomizationPlan, assess, laboratory, plan
from trialtools.arms.command import _assessment_text
from trialtools.arms.minimization import Minimization
from trialtools.criteria.protocol import DataError
from trialtools.widgets import Setup, panels, randomization

EVEN = (("A", 1), ("B", 1))
PROCEDURES = ("complete", "permuted_blocks", "big_stick", "biased_coin", "urn", "maximal", "minimization")
PEOPLE = pd.DataFrame({"age": [70, 40, None, 66], "site": ["North", "South", "North", None]})


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_what_comes_is_what_was_likely(protocol, procedure):
    """Over many games an arm that had chance p came in a share p of the cases: the chances are those of the deal."""
    made = plan(protocol, procedure)
    levels = laboratory.sample_strata(protocol, made.strata, 40, seed=1, people=PEOPLE)
    games = pd.concat([laboratory.simulate_allocation(made, levels, seed) for seed in range(60)])
    chances = games[[f"chance_{arm}" for arm in made.arms]]
    assert chances.sum(axis=1).round(9).eq(1).all() and chances.max(axis=1).eq(games["best"]).all()
    came = games["arm"] == made.arms[0]
    expected, spread = chances.iloc[:, 0].sum(), (chances.iloc[:, 0] * (1 - chances.iloc[:, 0])).sum() ** 0.5
    assert abs(came.sum() - expected) < 4 * spread
    sure = chances.iloc[:, 0].isin([0, 1])
    assert (came[sure] == (chances.iloc[:, 0][sure] == 1)).all(), "what was certain came"


def test_each_stratum_has_its_own_list_and_only_known_people_come(protocol):
    made = plan(protocol, "permuted_blocks", sizes=(4,))
    levels = laboratory.sample_strata(protocol, made.strata, 60, seed=2, people=PEOPLE)
    assert set(levels) == {("yes", "North"), ("no", "South")}
    dealt = laboratory.simulate_allocation(made, levels, seed=2)
    for stratum, own in dealt.groupby("stratum"):
        assert tuple(own["arm"]) == made.deal(b"trialtools laboratory 2", stratum, len(own))
    with pytest.raises(DataError, match="no column site"):
        laboratory.sample_strata(protocol, made.strata, 4, 1, PEOPLE.drop(columns="site"))
    with pytest.raises(DataError, match="no row of the table has all strata known"):
        laboratory.sample_strata(protocol, made.strata, 4, 1, PEOPLE.tail(2))


def test_a_seed_of_a_ledger_is_none_of_the_laboratory(protocol):
    for seed in (b"x" * 32, -1, 1.5, True):
        with pytest.raises(DataError, match="no secret seed"):
            laboratory.sample_strata(protocol, (), 4, seed)
    with pytest.raises(DataError, match="from 1 to 200"):
        laboratory.sample_strata(protocol, (), 201, 1)


def test_scores_and_balance_by_hand():
    made = RandomizationPlan("permuted_blocks", (("A", 2), ("B", 1)), sizes=(3,))
    dealt = pd.DataFrame({"patient": [1, 2, 3], "arm": ["A", "B", "A"], "best": [2 / 3, 0.5, 1.0]})
    scored = laboratory.score_guesses(made, dealt, ["A", "", "B"])
    assert scored["hits"].tolist() == [1, 1, 1] and scored["of"].tolist() == [1, 1, 2]
    assert scored["right"].isna().tolist() == [False, True, False]
    assert scored["best"].round(6).tolist() == [0.666667, 0.666667, 0.833333] and scored["coin"].iloc[0] == 2 / 3
    rows = laboratory.imbalance_path(made, dealt)
    assert rows.query("arm == 'A'")["excess"].round(6).tolist() == [0, 0.333333, -0.333333, 0]
    assert rows.groupby("patient")["excess"].sum().abs().max() < 1e-12
    with pytest.raises(DataError, match="no arm 'C'"):
        laboratory.score_guesses(made, dealt, ["C"])
    with pytest.raises(DataError, match="4 guesses of 3"):
        laboratory.score_guesses(made, dealt, ["A"] * 4)


def test_figures_of_a_game_say_what_the_frames_say():
    made = RandomizationPlan("permuted_blocks", EVEN, sizes=(4,))
    dealt = laboratory.simulate_allocation(made, [()] * 4, seed=3)
    drawn = figures.imbalance_path(laboratory.imbalance_path(made, dealt), labels={"A": "Cells", "B": "Placebo"})
    assert drawn.layout.meta["alt"] == (
        "After 4 patients: Cells 2, Placebo 2; at most 0.5 from balance on the way. "
        "Patients above or below the arm's share, after every patient."
    )
    assert {trace.line.dash for trace in drawn.data if trace.mode == "lines"} == {"solid", "dash"}
    scored = laboratory.score_guesses(made, dealt, ["A", "A", "", "B"])
    assert "2 of 3 guesses right (67" in figures.guesses(scored).layout.meta["alt"]
    nobody = laboratory.score_guesses(made, dealt, [""] * 4)
    assert "Nobody has guessed" in figures.guesses(nobody).layout.title.text
    assert "Nobody is allocated" in figures.imbalance_path(laboratory.imbalance_path(made, dealt, 0)).layout.title.text


# --- the screen -------------------------------------------------------------------------------------------------------


def wish(screen, guesses, tab="balance", **setup):
    setup = {"procedure": "permuted_blocks", "options": {}, "stratified": False, "n": "12", "seed": "1", **setup}
    n = screen.heard.get("a view", 0) + 1
    screen._receive(None, {"view": "a view", "n": n, "ask": "play", "setup": setup, "guesses": guesses, "tab": tab}, [])


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("tab", ["balance", "guesses"])
def test_every_panel_shows_what_its_call_makes(protocol, procedure, tab):
    screen = randomization(protocol, PEOPLE)
    wish(screen, ["mscs", "", "comparator"], tab, procedure=procedure, stratified=True)
    here = {"tt": tt, "protocol": protocol, "people": PEOPLE}
    exec(screen.call, here)
    assert panels.cells(here["frame"]) == screen.panel["table"]
    assert here["dealt"].head(3)["arm"].tolist() == [each["arm"] for each in screen.answer["dealt"]]


@pytest.mark.parametrize("given", [False, True])
def test_procedures_compared_are_those_of_the_call(protocol, given):
    compared = assess([plan(protocol, name) for name in ("complete", "big_stick")], 20, runs=20) if given else None
    screen = randomization(protocol, setup=Setup(n=12), compared=compared)
    screen.play(["mscs"], tab="compare")
    here = {"tt": tt, "protocol": protocol, "compared": compared}
    exec(screen.call, here)
    assert panels.cells(here["frame"]) == screen.panel["table"] and screen.panel["alt"].startswith("Arms are closest")


def test_no_arm_reaches_the_browser_before_it_is_dealt(protocol):
    """Two seeds whose first arms are the same look the same until the first that differs."""
    made = plan(protocol, "permuted_blocks", strata=())
    lists = {seed: made.deal(f"trialtools laboratory {seed}".encode(), "all", 12) for seed in range(1, 40)}
    first, second = next((a, b) for a in lists for b in lists if a < b and lists[a][:3] == lists[b][:3] != lists[a][3:])
    shown = []
    for seed in (first, second):
        screen = randomization(protocol, setup=Setup(n=12, seed=seed))
        screen.play(["mscs"] * 3)
        for each in (screen.answer["setup"], screen.answer, screen.panel):
            for seeded in ("seed", "caption", "call"):
                each.pop(seeded, None)
        sent = {name for name in screen.keys if not name.startswith("_")}
        assert sent <= {"answer", "panel", "layout_", "heard", "notice", "layout", "tabbable", "tooltip"}, (
            "all that is sent"
        )
        shown.append((screen.answer, screen.panel, screen.layout_))
    assert shown[0] == shown[1]


def test_what_cannot_be_played_is_said_and_the_last_good_setup_stays(protocol):
    screen = randomization(protocol)
    wish(screen, ["mscs"], n="10")
    for changed, message in (
        ({"options": {"sizes": "3"}}, "cannot hold the ratio"),
        ({"options": {"sizes": "four"}}, "sizes cannot be 'four'"),
        ({"n": "many"}, "patients cannot be 'many'"),
        ({"n": "500"}, "from 1 to 200"),
        ({"seed": "-1"}, "no secret seed"),
        ({"procedure": "big_stick", "options": {"limit": "0"}}, "limit"),
    ):
        wish(screen, ["mscs"], **changed)
        assert message in screen.answer["error"] and screen.setup == Setup(n=10)
        assert screen.answer["setup"].items() >= changed.items(), "what was typed stays in its place"
    wish(screen, ["mscs"], options={"sizes": "2"})
    assert not screen.answer["error"] and screen.setup.options == {"sizes": (2,)}


def test_the_laboratory_has_words_where_no_widget_lives(protocol):
    screen = randomization(protocol)
    bundle = screen._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "JupyterLab" in data["text/html"] and "no allocation of any trial" in screen.panel["caption"]


def test_a_comparison_keeps_the_order_of_the_plans_and_of_their_strata() -> None:
    """A plan that has only the larger number of strata stands first: the others still begin with one list."""
    strata = ("age > 65",)
    plans = [Minimization("minimization", EVEN, strata, "4/5", (1,)), RandomizationPlan("complete", EVEN, strata)]
    compared = assess(plans, 20, runs=10)
    wide = laboratory.comparison(compared)
    order = [["minimization 4/5", 2], ["complete", 1], ["complete", 2]]
    assert wide[["procedure", "strata"]].to_numpy().tolist() == order
    assert list(wide)[2:] == list(compared["measure"].unique())
    for row in compared.itertuples():
        there = wide.loc[(wide["procedure"] == row.procedure) & (wide["strata"] == row.strata), row.measure]
        assert there.tolist() == pytest.approx([row.value])
    shown = _assessment_text(compared).splitlines()[1:4]
    assert [re.split(r" {2,}", line.strip())[:2] for line in shown] == [[name, str(n)] for name, n in order]
