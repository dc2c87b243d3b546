"""The desk with any delays on both ways: settled is only what `explain` says of the facts shown, and no key is lost."""

import polars as pl
import pytest
from conftest import sample
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.criteria.contents import read_protocol
from trialtools.criteria.patient.verdict import explain
from trialtools.widgets import answers, card, desk
from ui.bench import HERE, Bench

PROTOCOL = read_protocol("""
id: S
title: A sketch
fields:
  hb: {type: number, unit: g/dL, range: [2, 25], label: Haemoglobin}
  n: {type: integer, label: Visits}
  sex: {type: category, values: [female, male], label: Sex}
  pregnant: {type: flag, label: Pregnant, applies: 'sex == "female"'}
  consent: {type: flag, label: Consent, judged_by: person}
criteria:
  - {id: I1, kind: inclusion, label: Hb, readings: {strict: hb >= 10, lenient: hb >= 8}}
  - {id: I2, kind: inclusion, label: Consent, when: consent}
  - {id: E1, kind: exclusion, label: Pregnant, when: pregnant}
  - {id: E2, kind: exclusion, label: Visits, when: n > 5}
""")
TABLE = pl.DataFrame(
    {
        "patient_id": ["a", "b", "c"],
        "hb": [12.5, 7.0, None],
        "n": [1, 9, None],
        "sex": ["male", "female", "female"],
        "pregnant": [None, False, True],
        "consent": [True, None, False],
    }
)
PATIENTS = tt.read_patients(TABLE, PROTOCOL)


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def open_desk(page, views):
    bench = Bench(page, desk(PROTOCOL, PATIENTS))
    for _ in range(views):
        bench.show()
    page.evaluate((HERE / "hands.js").read_text("utf-8"))
    return bench


def check(views):
    """Whatever is shown as settled is what `explain` says of what is shown as facts."""
    for seen in views:
        if seen["state"] != "settled":
            continue
        protocol = PROTOCOL.with_readings(seen["readings"])
        facts = card.read(protocol, seen["entries"])[0]
        explanation = explain(protocol, facts)
        said = answers.verdict(protocol, facts, explanation)
        assert (seen["headline"], seen["counts"]) == (said["headline"], said["counts"])
        assert seen["criteria"] == {verdict.id: verdict.state for verdict in explanation.criteria}
        who = seen["who"].removesuffix(" ·")
        if who in TABLE["patient_id"]:
            record = TABLE.row(by_predicate=pl.col("patient_id") == who, named=True)
            assert seen["entries"] == card.write(PROTOCOL, record)


keys = st.sampled_from("0123456789.,x")
hands = st.one_of(
    st.tuples(st.just("type"), st.sampled_from(["hb", "n"]), keys),
    *[st.tuples(st.just("more"), keys)] * 3,
    st.tuples(st.just("press"), st.just("sex"), st.sampled_from(["male", "female", ""])),
    st.tuples(st.just("press"), st.just("consent"), st.sampled_from(["yes", "no", ""])),
    st.tuples(st.just("read"), st.just("I1"), st.sampled_from(["strict", "lenient"])),
    st.tuples(st.just("choose"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("button"), st.sampled_from(["New patient", "Reset"])),
)
slips = st.one_of(
    st.tuples(st.just("press"), st.just("pregnant"), st.sampled_from(["yes", "no", ""])),
    st.tuples(st.just("choose"), st.just("nobody")),
    st.tuples(st.just("button"), st.just("Bring it back")),
    st.tuples(st.just("leave")),
)
ways = st.sampled_from([("hear",), ("answer",)])
code = st.tuples(st.just("code"), st.sampled_from([{"hb": 9}, {"hb": 11.5, "sex": "female", "patient_id": "k"}]))
settled = settings(
    max_examples=sample(12),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)


@given(st.lists(st.tuples(st.integers(0, 1), st.one_of(hands, slips, ways, ways, code)), max_size=40))
@settled
def test_settled_is_true_of_two_views_and_code_with_any_delays(page, steps):
    bench = open_desk(page, views=2)
    bench.play(((name, view, *given_) for view, (name, *given_) in steps), check)
    page.evaluate("hands.leave()")
    bench.rest()
    check(both := page.evaluate("seen()"))
    one, other = both
    assert one == other and one["state"] == "settled"
    assert one["entries"] == bench.widget.entries


MOVED = [("type", "n", "1"), ("read", "I1", "strict"), ("more", "8"), *[("hear",)] * 5]  # no key for what was left
BUSY = [
    ("type", "n", "9"),
    ("hear",),
    ("more", "9"),
    *[("answer",)] * 3,
    ("more", "9"),
    ("choose", "b"),
    ("type", "n", "4"),
]


@given(st.lists(st.one_of(hands, ways, ways), min_size=8, max_size=40))
@example(BUSY)
@example(MOVED)
@settled
def test_delays_change_nothing_and_no_key_is_lost(page, steps):
    bench, plain = open_desk(page, views=1), desk(PROTOCOL, PATIENTS)
    bench.settle()
    bench.play(((name, 0, *given_) for name, *given_ in steps), check)
    focus = None
    for step in steps:
        match step:
            case ("type", field, key):
                focus = field
                plain.entries = {**plain.entries, field: key}
            case ("more", key) if focus:
                plain.entries = {**plain.entries, focus: plain.entries.get(focus, "") + key}
            case ("press", field, value):
                focus, plain.entries = None, {**plain.entries, field: value}
            case ("read", criterion, reading):
                focus, plain.readings = None, {criterion: reading}
            case ("choose", id):
                focus = None
                plain.choose(id)
            case ("button", name):
                focus = None
                plain.blank() if name == "New patient" else plain.reset()
    page.evaluate("hands.leave()")
    bench.rest()
    (seen,) = page.evaluate("seen()")
    assert seen["state"] == "settled"
    assert (seen["entries"], seen["readings"]) == (plain.entries, plain.readings)
    assert seen["who"] == f"{plain.answer['who']} ·"
