"""What-if: the fast way finds what a full one finds, a state survives its file, the explorer says what code does."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.cohort.whatif import (
    CohortCache,
    Edits,
    as_default,
    drop_criteria,
    edit,
    edited_protocol,
    read_edits,
    resolve_unknowns,
    with_edits,
    write_edits,
)
from trialtools.criteria.contents import read_protocol
from trialtools.widgets import explorer, panels


@pytest.fixture(scope="module")
def patients(root, protocol):
    return tt.read_patients(root / "data/cohort/cohort.csv", protocol)


@pytest.fixture(scope="module")
def cache(protocol, patients):
    return CohortCache(protocol, patients)


CRITERIA = tuple(tt.load_protocol("data/protocols/NCT05741099.yaml").criterion)
states = st.builds(
    Edits,
    off=st.lists(st.sampled_from(CRITERIA), unique=True, max_size=len(CRITERIA) - 1).map(tuple),
    readings=st.fixed_dictionaries({}, optional={"I6": st.sampled_from(["registered", "guideline"])}),
    texts=st.fixed_dictionaries({}, optional={"E1": st.sampled_from(["True", "spo2 < 90 or missing(age)", "False"])}),
    thresholds=st.fixed_dictionaries(
        {}, optional={"I1.upper": st.integers(0, 120), "I9.bmi": st.floats(10, 60), "I7": st.integers(80, 100)}
    ),
    unknowns=st.sampled_from(["both", "fail", "pass"]),
)


@pytest.mark.agreement
@given(st.lists(states, min_size=1, max_size=4))
@settings(max_examples=sample(12))
def test_the_cache_finds_what_a_full_screening_finds(protocol, patients, cache, wanted):
    for edits in wanted:
        full = cache.screen(with_edits(protocol, edits), members=True)
        fast = resolve_unknowns(drop_criteria(full, edits.off), edits.unknowns)
        slow = tt.what_if(protocol, patients, edits)
        assert fast.protocol == slow.protocol
        pd.testing.assert_frame_equal(fast.patterns, slow.patterns, check_dtype=False)
        assert np.bincount(fast.members, minlength=len(fast.patterns)).tolist() == fast.patterns["n"].tolist()


@pytest.mark.parametrize("frame", ["exclusion_ratios", "attrition_by_group"])
@pytest.mark.parametrize("edits", [Edits(), Edits(off=("I8", "E3"), thresholds={"I1.upper": 60})])
def test_groups_are_counted_from_the_cache_as_from_the_table(protocol, patients, cache, edits, frame):
    fast = drop_criteria(cache.screen(with_edits(protocol, edits), members=True), edits.off)
    pd.testing.assert_frame_equal(getattr(fast, frame)(), getattr(tt.what_if(protocol, patients, edits), frame)())


@pytest.mark.parametrize(
    "state",
    [
        Edits(),
        Edits(readings={"I6": "registered"}, thresholds={"I1.upper": 75, "I9.bmi": 28.5}),
        Edits(off=("I8", "E3"), texts={"E1": "spo2 < 90 or missing(age)"}, readings={"I6": "registered"}),
    ],
)
def test_the_file_of_a_state_screens_the_same(root, protocol, patients, tmp_path, state):
    (tmp_path / "registry").symlink_to(root / "data/registry")
    (tmp_path / "protocols").mkdir()
    changed = edited_protocol(protocol, state)
    copied = tt.load_protocol(as_default(changed).write(tmp_path / "protocols" / "copied.yaml"))
    assert not copied.readings
    pd.testing.assert_frame_equal(tt.screen(copied, patients).patterns, tt.screen(changed, patients).patterns)


def test_nobody_and_one_criterion(protocol, patients):
    nobody = patients.filter(protocol, "age < 0")
    assert CohortCache(protocol, nobody).screen(protocol).n == 0
    one = protocol.amend(dict.fromkeys(CRITERIA[1:]))
    pd.testing.assert_frame_equal(
        CohortCache(one, patients).screen(one).patterns, tt.screen(one, patients).patterns, check_dtype=False
    )


def test_a_state_survives_its_file_and_no_other(protocol):
    state = Edits(off=("I8",), thresholds={"I1.upper": 75}, brush="age > 40", unknowns="fail")
    written = write_edits(state, protocol)
    assert read_edits(written, protocol) == state
    other = protocol.amend({"I1": "age > 20"})
    with pytest.raises(tt.DataError, match="was saved for protocol NCT05741099"):
        read_edits(written, other)
    with pytest.raises(tt.DataError, match="no saved state"):
        read_edits("[]", protocol)
    with pytest.raises(tt.DataError, match="did you mean 'brush'"):
        read_edits(written.replace('"brush"', '"brusch"'), protocol)
    with pytest.raises(tt.DataError, match="no threshold"):
        read_edits(written.replace("I1.upper", "I1.uper"), protocol)


@pytest.fixture(scope="module")
def screen(protocol, patients):
    return explorer(protocol, patients)


def wish(screen, ask, **content):
    content |= {"view": "a view", "n": screen.heard.get("a view", 0) + 1, "ask": ask}
    screen._receive(None, content, [])
    return screen.answer


@pytest.mark.parametrize("tab", panels.PANELS)
def test_every_panel_shows_what_its_call_makes(protocol, patients, screen, tab):
    screen.edits = Edits(off=("I8",), thresholds={"I1.upper": 70}, unknowns="pass", brush="age > 30", order="greedy")
    wish(screen, "tab", tab=tab)
    wish(screen, "which", threshold="I9.bmi")
    here = {"tt": tt, "protocol": protocol, "patients": patients}
    exec(screen.call, here)
    assert panels.cells(here["frame"]) == screen.panel["table"]
    assert not any("_" in cell for row in screen.panel["table"]["rows"] for cell in row), "names of a file are no words"
    assert here["screening"].n == screen.answer["n"]
    assert f"{here['screening'].n:,} of" in screen.panel["caption"]
    assert screen.panel["step"] == screen.answer["step"]


def test_every_panel_answers_one_question():
    tabs_asked = [tab for tabs in panels.QUESTIONS.values() for tab in tabs]
    assert sorted(tabs_asked) == sorted(panels.PANELS)


def test_what_cannot_be_read_is_told_and_the_last_good_edits_stay(protocol, patients, screen):
    screen.edits = Edits()
    good = wish(screen, "text", criterion="E1", text="spo2 < 90")
    assert good["possible"] == tt.what_if(protocol, patients, texts={"E1": "spo2 < 90"}).possible
    for typed in ({"ask": "text", "criterion": "E1", "text": "spo2 < "}, {"ask": "brush", "text": "agee > 3"}):
        answer = wish(screen, **typed)
        assert screen.edits == Edits(texts={"E1": "spo2 < 90"})
        assert (answer["certain"], answer["possible"]) == (good["certain"], good["possible"])
    assert "^" in screen.errors["E1"] and "did you mean 'age'" in screen.errors["brush"]
    assert answer["faults"]["E1"]["typed"] == "spo2 <"
    wish(screen, "brush", text="age > 30")
    wish(screen, "text", criterion="E1", text="")
    assert not screen.errors and screen.edits == Edits(brush="age > 30")


def test_one_criterion_stays_on(screen):
    screen.edits = Edits()
    for id in CRITERIA:
        wish(screen, "off", criterion=id, on=False)
    assert "at least must stay on" in screen.errors[CRITERIA[-1]] and screen.screening.protocol.criteria


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no number is typed; 70 stays"),
        ("abc", "'abc' is not a number; 70 stays"),
        ("1e999", "1e999 is outside 0 to 120; 70 stays"),
        ("999", "999 is outside 0 to 120; 70 stays"),
        ("-1", "-1 is outside 0 to 120; 70 stays"),
        ("\u0663", "'\u0663' is not a number; 70 stays"),
    ],
)
def test_a_limit_that_cannot_be_stays_at_the_last_good_value(protocol, patients, screen, text, why):
    screen.edits = Edits()
    wish(screen, "threshold", threshold="I1.upper", text="70")
    answer = wish(screen, "threshold", threshold="I1.upper", text=text)
    assert screen.errors == {"I1.upper": why}
    assert screen.edits == Edits(thresholds={"I1.upper": 70})
    (row,) = [row for row in answer["rows"] if row["id"] == "I1"]
    assert row["text"] == "18 <= age <= 70" and [limit["value"] for limit in row["limits"]] == [18, 70]
    assert answer["possible"] == tt.what_if(protocol, patients, thresholds={"I1.upper": 70}).possible
    wish(screen, "back", criterion="I1")
    assert not screen.errors and screen.edits == Edits()


def test_a_limit_without_a_range_takes_no_number_that_the_language_cannot_hold():
    protocol = read_protocol(
        "{id: S, title: A sketch, fields: {hb: {type: number, label: Hb}}, criteria: ["
        "{id: I1, kind: inclusion, label: Hb, when: hb >= 10}, {id: I2, kind: inclusion, label: Hb, when: hb < 20}]}"
    )
    screen = explorer(protocol, pl.DataFrame({"patient_id": ["a", "b"], "hb": [9, 12]}))
    for text in ("1e400", "-1e16"):
        wish(screen, "threshold", threshold="I1", text=text)
        assert screen.errors == {"I1": f"{text} is outside -1e+15 to 1e+15; 10 stays"} and not screen.notice
    wish(screen, "brush", text="False")
    assert screen.answer["headline"] == "0 of 0 patients with False are eligible"
    wish(screen, "brush", text="True")
    assert screen.answer["headline"] == "1 of 2 patients with True are eligible"


def test_edits_of_many_views_meet_in_one_state(screen):
    screen.edits = Edits()
    for view, content in (
        ("one", {"ask": "off", "criterion": "I8", "on": False}),
        ("two", {"ask": "brush", "text": "age > 30"}),
    ):
        screen._receive(None, {"view": view, "n": 1, **content}, [])
    assert screen.edits == Edits(off=("I8",), brush="age > 30")


def test_a_reading_forgets_what_was_changed_inside_its_criterion(screen):
    screen.edits = Edits()
    wish(screen, "threshold", threshold="I6", text="28")
    wish(screen, "reading", criterion="I6", reading="registered")
    assert screen.edits == Edits(readings={"I6": "registered"})
    answer = wish(screen, "threshold", threshold="I6", text="28")
    assert answer["differs"].startswith("I6 read as “registered”; I6 from 28 (30 in the protocol)")


def test_the_sentence_says_of_whom_and_how_they_count(protocol, patients, screen):
    screen.edits = Edits(brush="age > 65", unknowns="fail")
    counted = tt.what_if(protocol, patients, brush="age > 65", unknowns="fail")
    head = (
        f"{counted.certain} of {counted.n:,} patients with age > 65 are eligible; open patients count as not eligible"
    )
    assert screen.answer["headline"] == head
    assert screen.answer["differs"] == "As the protocol says; nothing is changed."


def test_a_protocol_file_says_what_it_cannot_hold(screen):
    screen.edits = Edits(off=("I8",))
    wish(screen, "yaml")
    assert "It screens exactly what is shown." in screen.notice["text"]
    screen.edits = Edits(off=("I8",), brush="age > 65")
    wish(screen, "yaml")
    assert "but not the subgroup (age > 65)" in screen.notice["text"] and "exactly" not in screen.notice["text"]


def test_what_was_saved_opens_again(protocol, screen):
    edits = Edits(off=("I8",), brush="age > 65")
    wish(screen, "open", text=write_edits(edits, protocol))
    assert screen.edits == edits
    wish(screen, "open", text="[]")
    assert screen.notice["wrong"] and screen.edits == edits


def test_slips_are_found_one_by_one(protocol):
    before = Edits(texts={"E1": "spo2 < 91"})
    slips = edit(
        protocol, Edits(texts={"E1": "spo2 <", "E2": "age > 3"}, thresholds={"I1.upper": 75, "I1.up": 3}), before
    )
    assert slips.edits == Edits(texts={"E1": "spo2 < 91", "E2": "age > 3"}, thresholds={"I1.upper": 75})
    assert sorted(slips.errors) == ["E1", "I1"]
    assert slips.protocol == with_edits(protocol, slips.edits)


def test_a_switch_tells_what_switching_would_do(protocol, patients, screen):
    screen.edits = Edits(off=("I8",))
    for row in screen.answer["rows"]:
        off = {"I8"} ^ {row["id"]}
        other = tt.what_if(protocol, patients, off=sorted(off))
        assert [other.certain - screen.screening.certain, other.possible - screen.screening.possible] == row["gain"]
