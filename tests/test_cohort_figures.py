"""Figures of the cohort show what stands in the frame, say what they leave out, and draw nobody without a crash."""

import pandas as pd
import pytest

import trialtools as tt
from trialtools import figures
from trialtools.cohort.frames.missingness import missingness
from trialtools.cohort.frames.sweep import sweep, sweep_grid

FOREST = pd.DataFrame(
    [
        ("I1", "Age", "sex", "Sex", "female", 900, 90, 0, 0.1, 1.0, None, None),
        ("I1", "Age", "sex", "Sex", "male", 1080, 60, 0, 0.0556, 0.55, 0.4, 0.76),
        ("I1", "Age", "sex", "Sex", "unknown", 20, None, 0, None, None, None, None),
    ],
    columns=[
        "criterion",
        "criterion_label",
        "field",
        "label",
        "group",
        "n",
        "failed",
        "unknown",
        "share",
        "ratio",
        "low",
        "high",
    ],
)


@pytest.fixture(scope="module")
def frames():
    made = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    return {
        "upset": made.overlap(),
        "impact": made.impact(),
        "missingness": missingness(made),
        "sweep": sweep(made, "I1.upper"),
        "sweep_grid": sweep_grid(made, "I1.upper", "I9.age", [60, 85], [18, 65]),
        "forest": FOREST,
    }


def words(made):
    """All words of a figure but its title: beside the rows, and in notes."""
    rows = [text for trace in made.data if trace.name == "words" for text in trace.text]
    return [*rows, *(note.text for note in made.layout.annotations)]


NAMES = ["upset", "impact", "missingness", "sweep", "sweep_grid", "forest"]


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_fits_on_paper_and_tells_itself_in_words(frames, name):
    made = getattr(figures, name)(frames[name], source="Synthetic patients")
    assert made.layout.width == figures.WIDTH and "Synthetic patients" in words(made)
    assert made.layout.meta["alt"]
    hovers = [text for trace in made.data for text in (trace.hovertext if trace.hovertext is not None else ())]
    assert hovers and max(text.count("<br>") for text in hovers) <= 2


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_and_no_patients_say_so(frames, name):
    nobody = frames[name].assign(**{each: 0 for each in ("n", "of") if each in frames[name]})
    for frame in (frames[name].head(0), nobody):
        assert "patients" in getattr(figures, name)(frame).layout.title.text


@pytest.mark.parametrize("name", NAMES)
def test_suppressed_counts_are_drawn_as_gaps(frames, name):
    hidden = {"upset": "failed", "impact": "gain_possible", "missingness": "n", "forest": "failed"}.get(
        name, "possible"
    )
    frame = frames[name].astype({hidden: "Float64" if name == "forest" else "Int64"})
    frame.loc[frame.index[0], hidden] = pd.NA
    assert getattr(figures, name)(frame).to_json()


def test_the_bars_of_the_upset_are_the_frame_and_the_rest_has_only_its_number(frames):
    made, frame = figures.upset(frames["upset"]), frames["upset"]
    bars = [trace for trace in made.data if trace.type == "bar"]
    assert list(bars[0].y[:-1]) == frame["failed"].tolist()[:-1] and bars[0].y[-1] == 0
    assert figures.count(frame["failed"].iloc[-1]) in words(made)


def test_what_is_not_shown_is_said():
    ids = [f"I{i}" for i in range(1, 63)]
    sets = pd.DataFrame({"criteria": [", ".join(ids), "other"], "failed": [5, 0], "not_passed": [7, 0], "n": 9})
    made = figures.upset(sets)
    assert "38 more" in words(made) and "+38" in words(made)
    rows = [{"criterion": id, "kind": "inclusion", "label": id, "n": 9, "gain_certain": 0} for id in ids]
    costs = pd.DataFrame(rows).assign(gain_possible=range(62))
    drawn = figures.impact(costs)
    assert len(drawn.data[0].y) == 30 and "30 of 62" in drawn.layout.title.text
    assert drawn.data[1].x[-1] == 61


def test_the_steps_of_a_sweep_hold_on_the_side_that_the_operator_says(frames):
    upper = frames["sweep"]
    assert {trace.line.shape for trace in figures.sweep(upper).data} == {"hv"}
    assert {trace.line.shape for trace in figures.sweep(upper.assign(operator=">=")).data} == {"vh"}
    assert any("protocol 85: <b>51 to 350</b>" in text for text in words(figures.sweep(upper)))


def test_a_group_without_ratio_has_a_row_and_no_mark():
    made = figures.forest(FOREST)
    assert list(made.data[-2].x) == [1.0, 0.55]
    assert any("unknown" in text for text in words(made)) and "–" in words(made)


def test_of_yes_and_no_one_row_is_drawn_and_the_whole_protocol_has_a_name():
    row = {"criterion": "", "criterion_label": "The whole protocol", "field": "diabetes", "label": "Diabetes"}
    rows = [("yes", 30, 1.5, 1.2, 1.9), ("no", 20, 0.67, 0.53, 0.83), ("unknown", 1, None, None, None)]
    told = [{**row, "group": g, "n": 100, "failed": f, "unknown": 0, "share": f / 100} for g, f, *_ in rows]
    frame = pd.DataFrame(told).assign(**{k: [r[i] for r in rows] for i, k in enumerate(("ratio", "low", "high"), 2)})
    made = figures.forest(frame)
    assert list(made.data[-2].x) == [1.5] and any("Diabetes" in text for text in words(made))
    assert made.layout.meta["alt"].startswith("Diabetes: yes is excluded 1.50 times as often")


def test_impact_takes_only_the_measures_there_are(frames):
    with pytest.raises(ValueError, match="no measure 'cost'"):
        figures.impact(frames["impact"], measure="cost")
