"""Figures of the cohort show what stands in the frame, say what they leave out, and refuse sums that do not hold."""

from xml.etree import ElementTree

import pandas as pd
import pytest
from drawn import FOREST, OPEN, STATES, of_the_cohort, read, screened, title, words

from trialtools import figures
from trialtools.figures.format import interval

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def frames(protocol):
    return of_the_cohort(protocol)


# The flow


def drawing(made):
    return ElementTree.fromstring(made[made.index("<svg") : made.index("</svg>") + 6])


def test_the_flow_tells_every_number_of_its_frame(protocol):
    frame, _ = screened(protocol, idle=("I2", "I3", "E4"))
    boxes = [box.get("aria-label") for box in drawing(figures.flow(frame)).iter(f"{SVG}g")]
    for row in frame[frame.failed_here > 0].itertuples():
        assert f"{row.criterion} {row.label}: {row.failed_here:,} fail" in boxes
        assert f"after {row.criterion}: {interval(row.certain, row.possible)} left" in boxes
    last = frame.iloc[-1]
    decided = [int(box.split(": ")[1].split(" (")[0].replace(",", "")) for box in boxes[-3:]]
    assert decided == [last.certain, last.undetermined, 93_995 - last.possible] and sum(decided) == 93_995


def test_criteria_that_take_out_nobody_share_a_line_within_their_stage(protocol):
    frame, _ = screened(protocol, idle=("I2", "I3", "I8", "I9", "E1", "E9"))
    texts = ["".join(text.itertext()) for text in drawing(figures.flow(frame)).iter(f"{SVG}text")]
    idle = ["I2, I3", "I8, I9", "E1", "E9"]
    assert [line for line in texts if "nobody fails" in line] == [f"{ids}: nobody fails" for ids in idle]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"failed_here": 5}, "does not add up at I1: 10 − 5 is not 6"),
        ({"failed_here": -4, "possible": 14}, "does not add up"),
        ({"certain": 7}, "certain is 7, of 6 possible"),
        ({"certain": -1}, "certain is -1"),
        ({"undetermined": 2}, "is not 2 undetermined"),
    ],
)
def test_a_flow_that_does_not_add_up_is_not_drawn(change, complaint):
    names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain", "undetermined"]
    good = [(0, "", "", "", 0, 10, 10, 0), (1, "I1", "inclusion", "Age", 4, 6, 5, 1)]
    frame = pd.DataFrame(good, columns=names)
    assert "5 to 6" in figures.flow(frame)
    for column, value in change.items():
        frame.loc[1, column] = value
    with pytest.raises(ValueError, match=complaint):
        figures.flow(frame)


@pytest.mark.parametrize(
    ("certain", "possible", "title"),
    [
        (0, 412, "At least 0 and at most 412 of 500 patients are eligible"),
        (1, 412, "At least 1 and at most 412 of 500 patients are eligible"),
        (412, 412, "412 of 500 patients are eligible; nothing is left open"),
        (0, 0, "None of 500 patients is eligible"),
    ],
)
def test_the_flow_says_what_it_finds(certain, possible, title):
    names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain"]
    rows = [(0, "", "", "", 0, 500, 500), (1, "I1", "inclusion", "Age", 500 - possible, possible, certain)]
    frame = pd.DataFrame(rows, columns=names)
    assert title in figures.flow(frame)
    assert title not in "".join(drawing(figures.flow(frame, title="")).itertext()).replace("Eligible", "")


# Bars


def test_states_are_shown_in_the_order_of_the_protocol(protocol, frames):
    frame = frames["criterion_states"]
    made = figures.criterion_states(frame)
    assert [list(bar.x) for bar in made.data[:3]] == [list(frame[state]) for state in STATES]
    assert list(made.data[0].y) == sorted(made.data[0].y) and made.layout.yaxis.range[1] == 0
    assert made.data[2].marker.pattern.shape == "/", "unknown is told by more than its colour"
    assert made.layout.xaxis2.domain[0] > 0.3
    assert "46,997" in words(made)
    assert sum("read as" in text for text in words(made)) == sum(bool(c.readings) for c in protocol.criteria)
    assert made.data[1].hovertext[0] == "<b>I1 Age 18 to 85</b><br>failed: 46,997 (50.0\xa0%) of 93,995<br><i>“q”</i>"


def test_a_title_says_where_most_fails_and_most_is_unknown():
    row = {"kind": "inclusion", "label": "L", "reading": "", "quote": "", "n": 9}
    rows = [("I1", 9, 0, 0), ("I2", 4, 5, 0), ("I3", 0, 0, 9), ("I4", 0, 0, 9)]
    frame = pd.DataFrame([{**row, "criterion": id, "pass": p, "fail": f, "unknown": u} for id, p, f, u in rows])
    found = "<b>I2 L fails most often (5); I3 and I4 are open for all</b>"
    assert found in title(figures.criterion_states(frame))
    assert "Every patient passes" in title(figures.criterion_states(frame.head(1)))


def test_readings_run_from_certain_to_possible_and_the_chosen_one_is_marked(protocol):
    frame = read(protocol)
    made = figures.readings(frame)
    certain, rest = (list(bar.x) for bar in made.data[:2])
    assert certain == list(frame.certain)
    assert [a + b for a, b in zip(certain, rest, strict=True)] == list(frame.possible)
    assert sum("●" in text for text in words(made)) == frame.chosen.sum() and "<b>212 to 1,904</b>" in words(made)


def test_open_criteria_are_ordered_by_size():
    made = figures.open_criteria(OPEN.iloc[::-1])
    assert list(made.data[0].x) == [0, 34] and list(made.data[1].x) == [1692, 0]
    assert "Not known most often: Tuberculosis" in title(made)
    assert "E7 and I8 (5 each)" in title(figures.open_criteria(OPEN.assign(n=5)))
    judged = figures.open_criteria(OPEN.assign(judged=[True, False]))
    assert "looked up: Characteristic imaging (34)" in title(judged).replace("</b><br><b>", " ")
    fields = OPEN.rename(columns={"criterion": "field"})
    assert not any("E7" in text for text in words(figures.open_criteria(fields)))


def test_a_title_never_says_nobody_of_a_count_that_is_held_back(frames):
    held_back = "is held back: a count is too small to be shown"
    for name, columns in {
        "criterion_states": STATES,
        "tornado": ["moved"],
        "readings": ["possible"],
        "upset": ["failed"],
        "impact": ["gain_certain", "gain_possible"],
    }.items():
        hidden = frames[name].assign(**dict.fromkeys(columns, pd.array([pd.NA] * len(frames[name]), dtype="Int64")))
        assert held_back in title(getattr(figures, name)(hidden)).replace("</b><br><b>", " ")
    some = frames["readings"].astype({"possible": "Int64"})
    some.loc[some.chosen, "possible"] = pd.NA
    assert "from 0" not in title(figures.readings(some))


# Sets, thresholds, groups


def test_the_bars_of_the_upset_are_the_frame_and_the_rest_has_only_its_number(frames):
    made, frame = figures.upset(frames["upset"]), frames["upset"]
    bars = [trace for trace in made.data if trace.type == "bar"]
    assert list(bars[0].y[:-1]) == frame["failed"].tolist()[:-1] and bars[0].y[-1] == 0
    assert figures.count(frame["failed"].iloc[-1]) in words(made)


def test_what_is_not_shown_is_said():
    ids = [f"I{i}" for i in range(1, 63)]
    made = figures.upset(
        pd.DataFrame({"criteria": [", ".join(ids), "other"], "failed": [5, 0], "not_passed": [7, 0], "n": 9})
    )
    assert "38 more" in words(made) and "+38" in words(made)
    rows = [{"criterion": id, "kind": "inclusion", "label": id, "n": 9, "gain_certain": 0} for id in ids]
    drawn = figures.impact(pd.DataFrame(rows).assign(gain_possible=range(62)), subtitle="Ours")
    assert len(drawn.data[0].y) == 30 and "30 of 62" in title(drawn) and drawn.data[1].x[-1] == 61


def test_the_steps_of_a_sweep_hold_on_the_side_that_the_operator_says(frames):
    upper = frames["sweep"]
    assert {trace.line.shape for trace in figures.sweep(upper).data} == {"hv"}
    assert {trace.line.shape for trace in figures.sweep(upper.assign(operator=">=")).data} == {"vh"}
    assert "&lt; the value" in title(figures.sweep(upper.assign(operator="<")))
    assert any("protocol 85: <b>51 to 350</b>" in text for text in words(figures.sweep(upper)))


def test_a_group_without_ratio_has_a_row_and_no_mark():
    made = figures.forest(FOREST)
    assert list(made.data[0].x) == [1.0, 0.55] and made.data[0].error_x.array == pytest.approx([0, 0.21])
    assert any("not known" in text for text in words(made)) and "–" in words(made)


def test_of_yes_and_no_one_row_is_drawn_and_the_whole_protocol_has_a_name():
    row = {"criterion": "", "criterion_label": "The whole protocol", "field": "diabetes", "label": "Diabetes"}
    rows = [("yes", 30, 1.5, 1.2, 1.9), ("no", 20, 0.67, 0.53, 0.83), ("unknown", 1, None, None, None)]
    records = [{**row, "group": g, "n": 100, "failed": f, "unknown": 0, "share": f / 100} for g, f, *_ in rows]
    frame = pd.DataFrame(records).assign(**{k: [r[i] for r in rows] for i, k in enumerate(("ratio", "low", "high"), 2)})
    made = figures.forest(frame)
    assert list(made.data[0].x) == [1.5] and any("Diabetes" in text for text in words(made))
    assert made.layout.meta["alt"].startswith("Diabetes: yes is excluded 1.50 times as often")
