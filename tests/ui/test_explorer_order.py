"""The explorer with any delays and two views: settled is what is counted from what is shown, and views agree."""

import polars as pl
import pytest
from conftest import sample
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

import trialtools as tt
from trialtools.criteria.contents import read_protocol
from trialtools.widgets import explorer
from trialtools.widgets.cohort_explorer import headline
from ui.bench import HERE, Bench

PROTOCOL = read_protocol("""
id: S
title: A sketch
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  hb: {type: number, unit: g/dL, range: [2, 25], label: Haemoglobin}
  sex: {type: category, values: [female, male], label: Sex}
criteria:
  - {id: I1, kind: inclusion, label: Age, when: 18 <= age <= 85}
  - {id: I2, kind: inclusion, label: Hb, readings: {strict: hb >= 10, lenient: hb >= 8}}
  - {id: E1, kind: exclusion, label: Women, when: 'sex == "female"'}
""")
TABLE = pl.DataFrame(
    {
        "patient_id": [f"p{i}" for i in range(40)],
        "age": [None if i % 9 == 0 else 5 + 3 * i for i in range(40)],
        "hb": [None if i % 7 == 0 else 6.0 + i % 8 for i in range(40)],
        "sex": ["male", "female", None, "male"] * 10,
    }
)
PATIENTS = tt.read_patients(TABLE, PROTOCOL)


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def shown_edits(seen):
    """The edits that the controls of a view show; what is marked as wrong is not taken."""
    rows = seen["rows"]
    texts = {}
    for id, row in rows.items():
        read = PROTOCOL.with_readings({id: row["reading"]}) if row["reading"] else PROTOCOL
        if not row["wrong"] and row["text"] != read.criterion[id].texts[read.reading(id)]:
            texts[id] = row["text"]
    readings = {id: row["reading"] for id, row in rows.items() if row["reading"] and id not in texts}
    return {"off": [id for id, row in rows.items() if not row["on"]], "texts": texts, "readings": readings}


def check(views):
    for seen in views:
        if seen["state"] != "settled" or seen["brushWrong"] or any(row["wrong"] for row in seen["rows"].values()):
            continue
        edits = shown_edits(seen)
        counted = tt.what_if(PROTOCOL, PATIENTS, brush=seen["brush"], **edits)
        brush = tt.cohort.whatif.Edits(brush=seen["brush"])
        assert seen["headline"] == headline(counted.certain, counted.possible, counted.n, brush)
        for row in seen["rows"].values():
            numbers = [float(box) for box, wrong in row["limits"] if not wrong]
            assert all(f"{number:g}" in row["text"] for number in numbers), "a box shows what the wording says"


views = st.integers(0, 1)
numbers = st.sampled_from(["18", "30", "85", "abc", "", "999", "12.5"])
hands = st.one_of(
    st.tuples(st.just("toggle"), views, st.sampled_from(["I1", "I2", "E1"])),
    st.tuples(st.just("move"), views, st.just("I1"), st.integers(0, 1), numbers),
    st.tuples(st.just("slide"), views, st.just("I1"), st.just(1), st.sampled_from(["40", "60"])),
    st.tuples(st.just("move"), views, st.just("I2"), st.just(0), numbers),
    st.tuples(st.just("read"), views, st.just("I2"), st.sampled_from(["strict", "lenient"])),
    st.tuples(st.just("reword"), views, st.just("E1"), st.sampled_from(['sex == "male"', "sex ==", "hb < 9", ""])),
    st.tuples(st.just("brush"), views, st.sampled_from(["age > 30", "age >", ""])),
    st.tuples(st.just("back"), views, st.sampled_from(["I1", "I2", "E1"])),
    st.tuples(st.just("reset"), views),
    st.tuples(st.just("leave")),
)
ways = st.sampled_from([("hear",), ("answer",)])


@given(st.lists(st.one_of(hands, ways, ways), min_size=6, max_size=30))
@settings(
    max_examples=sample(10),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_settled_is_counted_from_what_is_shown_and_views_agree(page, steps):
    bench = Bench(page, explorer(PROTOCOL, PATIENTS)).show().show()
    page.evaluate((HERE / "explorer_hands.js").read_text("utf-8"))
    bench.play(steps, check)
    page.evaluate("hands.leave()")
    bench.rest()
    check(both := page.evaluate("seen()"))
    one, other = both
    assert one == other and one["state"] == "settled"


def test_without_a_kernel_nothing_is_counted(page):
    bench = Bench(page, explorer(PROTOCOL, PATIENTS)).show()
    bench.rest()
    bench.kernel("dead")
    screen = page.locator(".tt-explorer")
    expect(screen.locator(".headline")).to_have_text("Not connected: reload this page")
    expect(screen.locator(".view")).to_be_hidden()


def test_a_figure_that_was_lost_on_its_way_says_so_and_is_drawn_when_asked_again(page):
    bench = Bench(page, explorer(PROTOCOL, PATIENTS)).show()
    bench.settle()
    page.get_by_role("tab", name="What costs patients").click()
    while bench.hear():
        bench.to_browser = type(bench.to_browser)(each for each in bench.to_browser if each[0] != "message")
        while bench.answer():
            pass
    expect(page.get_by_text("The figure did not come")).to_be_visible()
    assert page.locator(".cells tbody tr").count() == 3, "its numbers are there"
    page.get_by_role("button", name="Draw it again").click()
    bench.rest()
    expect(page.locator(".main-svg").first).to_be_visible()
    expect(page.get_by_text("The figure did not come")).to_be_hidden()
