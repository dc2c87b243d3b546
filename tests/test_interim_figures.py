"""Figures of a trial show what stands in the frame, refuse sums that do not hold, and pooled ones name no arm."""

import json
import math

import pandas as pd
import pytest
from drawn import (
    BY_ARM,
    LABELS,
    POOLED,
    THREE,
    TWO,
    accrual_of,
    draw,
    drawn,
    fan_of,
    flow_of,
    frame_of,
    looks_of,
    marks,
    sensitivity_of,
    text_of,
    title,
    words,
)

from trialtools import figures


@pytest.mark.parametrize("name", BY_ARM)
def test_a_pooled_figure_names_no_arm_and_wears_no_arm_colour(name):
    text = text_of(drawn(name, POOLED, source="188 randomized"))
    own = text.replace("All arms together", "").replace('"name": "All"', "").replace("the arm's share", "")
    for told in [*LABELS, *filter(None, LABELS.values()), *figures.ARMS, "diamond"]:
        assert not told or told == "All" or told.lower() not in own.lower()
    assert " arm" not in own.lower() and "188 randomized" in text


@pytest.mark.parametrize("name", BY_ARM)
@pytest.mark.parametrize("groups, labels", [(TWO, LABELS), (list(THREE), THREE)])
def test_arms_keep_colour_and_marker_in_the_order_of_the_protocol(name, groups, labels):
    made = drawn(name, groups, labels)
    text, own = text_of(made), [label for arm, label in labels.items() if arm]
    assert all(label in text for label in own)
    assert [colour in text for colour in figures.ARMS] == [at < len(own) for at in range(4)]
    if name != "consort":
        first = next(trace for trace in made.data if trace.name == own[0])
        assert figures.ARMS[0] in json.dumps(first.to_plotly_json(), default=str)


@pytest.mark.parametrize("name", BY_ARM)
def test_an_arm_without_label_or_beside_pooled_rows_is_refused(name):
    with pytest.raises(ValueError, match="no label for arm elsewhere"):
        drawn(name, ["mscs", "elsewhere"])
    with pytest.raises(ValueError, match="stand beside rows of"):
        drawn(name, ["", "mscs"])
    with pytest.raises(ValueError, match="no more than 4"):
        drawn(name, list("abcde"), {each: each for each in "abcde"})


def test_whoever_was_randomized_in_no_known_arm_has_a_column_in_grey():
    made = figures.consort(flow_of(["mscs", "unknown"]), labels=LABELS)
    assert "Arm unknown" in made and figures.ARMS[1] not in made


# The boundary


def cells(made):
    return {row[0]: row[1:] for row in made.rows}


def test_the_path_and_the_bounds_are_the_frame_and_looks_to_come_have_no_point():
    made = figures.boundary(looks_of([0.8, 1.42, None], futility=(-1.0, 0.4, math.nan)), "Events")
    assert [text for *_, text, _ in made.points] == ["z 0.80", "z 1.42"] and [now for *_, now in made.points] == [0, 1]
    up = (made.ticks[0][1] - made.ticks[-1][1]) / 8  # pixels for one z
    places = zip(made.points, (0.8, 1.42), (63, 127), strict=True)
    for (x, y, *_), z, events in places:
        assert y == pytest.approx(113 - up * z) and x == pytest.approx(34 + 422 * events / 190)
    for line, bounds in (
        (made.upper, (3.71, 2.51, 1.99)),
        (made.lower, (-3.71, -2.51, -1.99)),
        (made.futile, (-1, 0.4)),
    ):
        assert [y for _, y in line] == pytest.approx([113 - up * each for each in bounds])
    found = cells(made)
    assert found["Look"] == ("1", "2, now", "3") and found["Events"] == ("63", "127", "190 planned")
    assert found["z for futility, does not bind"] == ("−1.00", "0.40", "none") and found["z"] == ("0.80", "1.42", "–")
    assert "share of the planned 190 events" in made._repr_html_() and "z for harm" not in found


@pytest.mark.parametrize(
    "z, harm, title",
    [
        ([0.8, 2.51, None], None, "z 2.51 is beyond the 2.51 needed"),
        ([0.8, 2.50, None], None, "z 2.50: benefit needs 2.51 at this look"),
        ([None, -2.6, None], None, "z −2.60: the direction is harm"),
        ([0.8, -2.1, None], (-3.0, -2.0, -1.9), "z −2.10 is beyond the −2.00 of the boundary for harm"),
        ([None, None, None], None, "3 looks are planned"),
    ],
)
def test_the_picture_has_a_side_of_harm_and_its_title_says_what_the_last_look_found(z, harm, title):
    looks = looks_of(z) if harm is None else looks_of(z).assign(harm=harm)
    made = figures.boundary(looks)
    page = made._repr_html_()
    assert made.title == title and title in page and len(made.lower) == 3
    assert ("no rule: this protocol plans none for harm" in page) == ("as far on the other side" in page) == (not harm)
    assert not any(z) or cells(made)["z"][0] == ("not handed in" if z[0] is None else "0.80")


def test_a_boundary_is_named_by_what_the_plan_wants_to_show():
    page = figures.boundary(looks_of([0.8, 1.0, None]), goal="non-inferiority", above="is better than the margin")
    assert "non-inferiority: boundary crossed" in page._repr_html_() and "efficacy" not in page._repr_html_()
    assert page.title == "z 1.00 against the margin: non-inferiority needs 2.51 at this look"


def test_a_look_that_cannot_stop_the_trial_has_no_bound_and_a_missing_bound_is_refused():
    made = figures.boundary(looks_of([0.8, None, None], bounds=(math.inf, 2.51, 1.99)))
    assert len(made.upper) == len(made.lower) == 2 and cells(made)["z needed"] == ("none", "2.51", "1.99")
    assert made.title == "z 0.80: no z is enough for benefit at this look"
    with pytest.raises(ValueError, match="inf where it cannot stop"):
        figures.boundary(looks_of([0.8, None, None], bounds=(None, 2.51, 1.99)))


def test_the_marks_of_the_power_curve_are_those_of_the_frame():
    rows = [(-0.1, 0.9, ""), (-0.05, 0.61, "design"), (0.0, 0.03, "null"), (0.05, 0.001, "")]
    made = figures.power_curve(pd.DataFrame(rows[::-1], columns=["effect", "conditional_power", "mark"]))
    assert list(made.data[0].x) == [-0.1, -0.05, 0.0, 0.05] and list(made.data[1].y) == [0.61, 0.03]
    assert "61\N{NO-BREAK SPACE}% (design)" in title(made)


# The flow


def changed(stage, item, n, arm=""):
    frame = flow_of(POOLED if arm == "" else TWO)
    at = (frame["stage"] == stage) & (frame["item"] == item) & (frame["arm"] == arm)
    assert at.sum() == 1
    return frame.assign(n=frame["n"].where(~at, n))


@pytest.mark.parametrize(
    "frame, said",
    [
        (changed("assessed", "", 48), "48 assessed are not 7 excluded"),
        (changed("excluded", "Pregnant", 4), "does not add up at Excluded: 4 Pregnant"),
        (changed("allocated", "", 41, "mscs"), r"at Allocated \(MSCs group\): 38 dosed"),
        (changed("analysed", "observed", 39, "comparator"), r"at Primary outcome \(Comparator group\)"),
        (changed("follow_up", "", 41), "41, but 40 were allocated"),
        (changed("allocated", "dosed", None), "needs every count"),
        (changed("randomized", "", None), "needs the number randomized"),
        (pd.concat([flow_of(POOLED), flow_of(POOLED).tail(1)]), "stands there twice"),
        (flow_of(POOLED).query("stage != 'excluded'"), "needs assessed and excluded, or neither"),
        (flow_of(TWO).query("arm != 'mscs'"), "80 randomized are not 40 allocated"),
        (flow_of(POOLED).replace({"stage": {"analysed": "analyzed"}}), "has no place"),
    ],
)
def test_a_flow_that_does_not_add_up_is_not_drawn(frame, said):
    with pytest.raises(ValueError, match=said):
        figures.consort(frame, labels=LABELS)


def test_every_box_of_the_flow_is_read_out_with_its_numbers():
    made = figures.consort(flow_of(TWO), labels=LABELS)
    assert made.count('tabindex="0"') == 3 + 2 * 3
    assert 'aria-label="MSCs group, Allocated: 40; dosed 38, not dosed yet 2"' in made
    assert "80 of 87 assessed were randomized" in made and "<script" not in made


def test_columns_have_the_same_items_in_the_same_order():
    more = pd.DataFrame([("follow_up", "mscs", "died", 1), ("follow_up", "mscs", "completed", 39)])
    other = pd.DataFrame([("follow_up", "comparator", "completed", 40)])
    frame = pd.concat([flow_of(TWO), *(each.set_axis(["stage", "arm", "item", "n"], axis=1) for each in (other, more))])
    made = figures.consort(frame, labels=LABELS)
    assert "MSCs group, Follow-up: 40; died 1, completed 39" in made
    assert "Comparator group, Follow-up: 40; died 0, completed 40" in made


def test_what_was_not_collected_is_said_in_the_box():
    frame = flow_of(POOLED).query("stage not in ('assessed', 'excluded', 'analysed')")
    made = figures.consort(frame)
    assert made.count(">not collected</text>") == 4  # assessed, excluded, what became of people, the outcome
    assert "<b>" not in made and "40 randomized" in made


def test_only_the_most_frequent_reasons_are_named_and_all_are_read_out():
    reasons = [(f"Reason {i}", 20 - i) for i in range(12)]
    made = figures.consort(flow_of(POOLED, reasons))
    rest = sum(n for _, n in reasons[8:])
    assert "4 other reasons" in made and f">{rest}</text>" in made and ">Reason 8</text>" not in made
    assert "Reason 11 9" in made


def test_words_of_a_flow_cannot_become_markup():
    made = figures.consort(flow_of(POOLED, [("<b>x</b> & y", 5)]), source="a < b")
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in made and "a &lt; b" in made


# Recruitment


def test_the_steps_end_with_the_frame_and_few_sites_are_named():
    made = figures.accrual(accrual_of(["A", "B"]), fan_of(), 60)
    assert list(marks(made, "all").y) == [1, 2, 6] and list(marks(made, "A").y) == [0, 1, 3, 3]
    assert list(marks(made, "forecast").y) == [6, 30, 60]
    assert {"A 3", "B 3", "<b>6 randomized</b>", "target 60"} <= set(words(made))
    assert "expected by 2023-12-31" in title(made)
    assert "between 2023-06-30 and after 2023-12-31" in made.layout.meta["alt"]


def test_many_sites_are_told_in_numbers():
    made = figures.accrual(accrual_of([f"Site {i}" for i in range(17)]))
    assert [trace.name for trace in made.data] == ["all"] and "at 17 sites, with 3 to 3 randomized" in text_of(made)


def test_a_target_beyond_the_forecast_has_no_day():
    assert "the target is reached after 2023-12-31" in figures.accrual(accrual_of([]), fan_of((6, 9, 12)), 60).to_json()


def test_days_may_be_dates():
    frames = accrual_of([]), fan_of()
    of_dates = figures.accrual(*(frame.assign(day=frame["day"].dt.date) for frame in frames), 60)
    assert title(of_dates) == title(figures.accrual(*frames, 60)) and "by 2023-12-31" in title(of_dates)


# Harm, time, doses


def test_events_are_ordered_by_difference_with_the_excess_on_top():
    made = drawn("adverse_events", TWO)
    differences = [trace for trace in made.data if trace.xaxis == "x3"]
    assert len(differences) == 1 and list(differences[0].x) == [1 / 40, -3 / 40, -3 / 40]
    assert list(marks(made, "Comparator group").x) == [4 / 40, 2 / 40, 9 / 40]
    assert "+2.5 (−2.5 to +7.5)" in words(made)
    assert sorted(differences[0].error_x.array) == pytest.approx([0.05] * 3)
    assert "Rash: fewer with MSCs group, −7.5 (−12.5 to −2.5) percentage" in title(made)
    harm = frame_of("adverse_events", TWO)
    harm[["difference", "low", "high"]] *= -1
    turned = figures.adverse_events(harm.rename(columns={"low": "high", "high": "low"}), LABELS)
    assert "Rash: more with MSCs group, +7.5 (+2.5 to +12.5) percentage" in title(turned)


def test_pooled_events_are_ordered_by_share_in_one_panel_without_the_totals():
    made = drawn("adverse_events", POOLED)
    assert list(made.data[0].x) == [9 / 40, 4 / 40, 2 / 40]
    assert "xaxis3" not in text_of(made)
    assert "Most frequent: Headache, 9" in title(made)


def test_terms_that_are_left_out_are_counted():
    frame = frame_of("adverse_events", POOLED).query("term != ''")
    made = draw("adverse_events", pd.concat([frame.assign(term=frame["term"] + f" {i}") for i in range(6)]))
    assert len(made.data[0].x) == 15 and "The 15 of 18 terms" in title(made)


def test_with_three_arms_each_is_held_against_the_control():
    made = drawn("adverse_events", list(THREE), THREE)
    differences = [trace for trace in made.data if trace.xaxis == "x3"]
    assert [trace.marker.color for trace in differences] == list(figures.ARMS[1:3])


def test_quarters_of_the_liver_figure_count_whom_it_draws():
    made = drawn("edish", POOLED)
    assert "1 of 4 has ALT/AST above 3" in title(made) and "1 without both values" in title(made)
    assert {"<b>Possible Hy’s law</b> 1", "<b>Temple’s corollary</b> 1", "<b>Cholestasis</b> 1"} <= set(words(made))
    at_the_lines = figures.edish(pd.DataFrame({"arm": "", "transferase": [3.0], "bilirubin": [2.0]}))
    assert "<b>Normal or nearly so</b> 1" in words(at_the_lines)


def test_curves_rise_or_fall_and_the_numbers_at_risk_are_those_before_the_day():
    made = drawn("survival", TWO, failure=True, event="progression")
    assert list(marks(made, "Comparator group").y) == pytest.approx([0, 0.1, 0.1])
    assert list(marks(drawn("survival", TWO), "MSCs group").y) == pytest.approx([1, 0.875, 0.875])
    at_seven = [each.text for each in made.layout.annotations if each.x == 7]
    assert at_seven == ["40", "40"] and [e.text for e in made.layout.annotations if e.x == 14] == ["30", "30"]


def test_of_many_tests_six_are_drawn_and_the_rest_is_said():
    made = drawn("labs", POOLED)
    assert len({trace.xaxis for trace in made.data}) == 6 and "first 6 of 7 tests" in title(made)
    assert "<b>A</b> (U/L), n 40 to 38" in words(made)


def test_dosing_days_are_bars_and_the_others_are_words():
    made = drawn("adherence", POOLED)
    assert list(made.data[0].x) == [12, 17] and list(made.data[0].y) == [30, 2]
    assert made.data[0].marker.color[1] == "white"
    assert any("32 dosed of 35" in text and "3 cannot be told" in text for text in words(made))


def test_a_state_that_is_none_or_a_dose_on_no_day_is_refused():
    for row in ({"state": "perhaps", "day": 12}, {"state": "dosed out of window", "day": None}):
        with pytest.raises((KeyError, ValueError)):
            figures.adherence(pd.DataFrame([{"arm": "", "n": 2, **row}]), 10, 15)


def test_an_analysis_without_a_difference_has_its_numbers_and_no_mark():
    made = figures.sensitivity(sensitivity_of())
    assert list(made.data[0].x) == [-0.077] and "–" in words(made) and "—" in words(made)
    assert "−7.7 (−13.0 to −2.0)" in words(made) and words(made)[0].startswith("<b>Primary")
    parts = figures.sensitivity(sensitivity_of(), primary=False)
    assert words(parts)[0] == "Primary" and "1 of 2 parts" in title(parts)
