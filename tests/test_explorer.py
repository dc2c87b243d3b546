"""What-if: the fast way finds what a full one finds, a state survives its file, the explorer says what code does."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.cohort.whatif import Held, State, amended, as_default, asked, read_state, settled, without, write_state
from trialtools.widgets import explorer, panels


@pytest.fixture(scope="module")
def patients(root, protocol):
    return tt.read_patients(root / "data/cohort/cohort.csv", protocol)


@pytest.fixture(scope="module")
def held(protocol, patients):
    return Held(protocol, patients)


CRITERIA = tuple(tt.load_protocol("data/protocols/NCT05741099.yaml").criterion)
states = st.builds(
    State,
    off=st.lists(st.sampled_from(CRITERIA), unique=True, max_size=len(CRITERIA) - 1).map(tuple),
    readings=st.fixed_dictionaries({}, optional={"I6": st.sampled_from(["registered", "guideline"])}),
    texts=st.fixed_dictionaries({}, optional={"E1": st.sampled_from(["True", "spo2 < 90 or missing(age)", "False"])}),
    thresholds=st.fixed_dictionaries(
        {}, optional={"I1.upper": st.integers(0, 120), "I9.bmi": st.floats(10, 60), "I7": st.integers(80, 100)}
    ),
    unknowns=st.sampled_from(["both", "fail", "pass"]),
)


@given(st.lists(states, min_size=1, max_size=4))
@settings(max_examples=15)
def test_held_finds_what_a_full_screening_finds(protocol, patients, held, wanted):
    for state in wanted:
        fast = settled(without(held.screen(amended(protocol, state)), state.off), state.unknowns)
        slow = tt.what_if(protocol, patients, state)
        assert fast.protocol == slow.protocol
        pd.testing.assert_frame_equal(fast.patterns, slow.patterns, check_dtype=False)


@pytest.mark.parametrize(
    "state",
    [
        State(),
        State(readings={"I6": "registered"}, thresholds={"I1.upper": 75, "I9.bmi": 28.5}),
        State(off=("I8", "E3"), texts={"E1": "spo2 < 90 or missing(age)"}, readings={"I6": "registered"}),
    ],
)
def test_the_file_of_a_state_screens_the_same(root, protocol, patients, tmp_path, state):
    (tmp_path / "registry").symlink_to(root / "data/registry")
    (tmp_path / "protocols").mkdir()
    changed = asked(protocol, state)
    copied = tt.load_protocol(as_default(changed).write(tmp_path / "protocols" / "copied.yaml"))
    assert not copied.readings
    pd.testing.assert_frame_equal(tt.screen(copied, patients).patterns, tt.screen(changed, patients).patterns)


def test_nobody_and_one_criterion(protocol, patients):
    nobody = patients.filter(protocol, "age < 0")
    assert Held(protocol, nobody).screen(protocol).n == 0
    one = protocol.amend(dict.fromkeys(CRITERIA[1:]))
    pd.testing.assert_frame_equal(
        Held(one, patients).screen(one).patterns, tt.screen(one, patients).patterns, check_dtype=False
    )


def test_a_state_survives_its_file_and_no_other(protocol):
    state = State(off=("I8",), thresholds={"I1.upper": 75}, brush="age > 40", unknowns="fail")
    written = write_state(state, protocol)
    assert read_state(written, protocol) == state
    other = protocol.amend({"I1": "age > 20"})
    with pytest.raises(tt.DataError, match="was saved for protocol NCT05741099"):
        read_state(written, other)
    with pytest.raises(tt.DataError, match="no saved state"):
        read_state("[]", protocol)
    with pytest.raises(tt.DataError, match="did you mean 'brush'"):
        read_state(written.replace('"brush"', '"brusch"'), protocol)
    with pytest.raises(tt.DataError, match="no threshold"):
        read_state(written.replace("I1.upper", "I1.uper"), protocol)


@pytest.fixture(scope="module")
def screen(protocol, patients):
    return explorer(protocol, patients)


def wish(screen, **content):
    screen._receive(None, {"view": "a view", "n": screen.heard.get("a view", 0) + 1, "ask": "state", **content}, [])


@pytest.mark.parametrize("tab", panels.PANELS)
def test_every_panel_shows_what_its_call_makes(protocol, patients, screen, tab):
    changes = {
        "off": ["I8"],
        "thresholds": {"I1.upper": 70},
        "unknowns": "pass",
        "brush": "age > 30",
        "order": "greedy",
    }
    wish(screen, **{"state": {**changes, "order": "greedy"}, "tab": tab, "threshold": "I9.bmi"})
    here = {"tt": tt, "protocol": protocol, "patients": patients}
    exec(screen.call, here)
    assert panels.written(here["frame"]) == screen.panel["table"]
    assert here["screening"].n == screen.answer["n"]
    if tab != "sweep":
        assert f"N = {here['screening'].n:,}" in screen.panel["caption"]


def test_what_cannot_be_read_is_told_and_the_last_good_state_stays(protocol, patients, screen):
    screen.state = State(texts={"E1": "spo2 < 90"})
    good = screen.answer["possible"]
    wished = {"texts": {"E1": "spo2 < "}, "brush": "agee > 3", "thresholds": {"I1.uper": 3}}
    wish(screen, state=wished, tab="flow")
    assert screen.state == State(texts={"E1": "spo2 < 90"})
    assert screen.answer["possible"] == good == tt.what_if(protocol, patients, screen.state).possible
    assert "^" in screen.errors["E1"] and "did you mean 'age'" in screen.errors["brush"] and "I1" in screen.errors
    wish(screen, state={"off": list(CRITERIA)}, tab="flow")
    assert "at least must stay on" in screen.errors[CRITERIA[-1]] and screen.screening.protocol.criteria


def test_a_switch_tells_what_switching_would_do(protocol, patients, screen):
    screen.state = State(off=("I8",))
    for row in screen.answer["rows"]:
        off = {"I8"} ^ {row["id"]}
        other = tt.what_if(protocol, patients, off=sorted(off))
        assert [other.certain - screen.screening.certain, other.possible - screen.screening.possible] == row["gain"]
