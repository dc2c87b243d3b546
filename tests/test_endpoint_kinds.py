"""Each kind of endpoint as the primary one: its effect held to other programs, its looks and report held to counts."""

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from notebook import report_of
from scipy.stats import mannwhitneyu, norm
from test_first_page import as_text
from test_monitoring import declared, look_of, people, without_rates

import trialtools as tt
from trialtools import figures
from trialtools.criteria.protocol import DataError
from trialtools.interim.data.read import read_trial
from trialtools.interim.frames.endpoint import endpoint_rows
from trialtools.interim.frames.looks import design_power, final_difference, this_look
from trialtools.interim.plan import plan_of
from trialtools.interim.sequential.boundaries import boundaries
from trialtools.interim.sequential.estimates import ancova, log_hazard_ratio, win_probability

START = pd.Timestamp("2023-03-01")


def times(n=150, ratio=0.6, seed=2):
    """Days in whole numbers, so that there are ties; two groups, three strata, a third censored."""
    draw = np.random.default_rng(seed)
    first, stratum = draw.random(n) < 0.5, draw.integers(0, 3, n)
    rate = 0.02 * (1 + stratum) * np.where(first, ratio, 1.0)
    day, end = draw.exponential(1 / rate), draw.uniform(5, 60, n)
    frame = {"days": np.ceil(np.minimum(day, end)), "event": day <= end, "first": first, "stratum": stratum}
    return pd.DataFrame(frame)


def test_the_hazard_ratio_is_that_of_statsmodels_and_the_test_is_the_log_rank():
    from lifelines.statistics import logrank_test
    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.duration.survfunc import survdiff

    rows = times()
    estimate = log_hazard_ratio(rows["days"], rows["event"], rows["first"])
    cox = PHReg(rows["days"], rows[["first"]].astype(float), status=rows["event"], ties="breslow").fit()
    assert estimate["difference"] == pytest.approx(cox.params[0], abs=1e-6)
    own, others = rows[rows["first"]], rows[~rows["first"]]
    chi2 = logrank_test(own["days"], others["days"], own["event"], others["event"]).test_statistic
    assert estimate["z"] == pytest.approx(-math.sqrt(chi2)) and estimate["events"] == rows["event"].sum()
    low, high = cox.conf_int()[0]
    assert (estimate["low"], estimate["high"]) == pytest.approx((low, high), abs=0.02), "near that of Wald"

    by = log_hazard_ratio(rows["days"], rows["event"], rows["first"], rows["stratum"])
    cox = PHReg(
        rows["days"], rows[["first"]].astype(float), status=rows["event"], strata=rows["stratum"], ties="breslow"
    ).fit()
    assert by["difference"] == pytest.approx(cox.params[0], abs=1e-6)
    chi2, _ = survdiff(rows["days"], rows["event"], rows["first"], strata=rows["stratum"])
    assert by["z"] ** 2 == pytest.approx(chi2)
    assert log_hazard_ratio(rows["days"], rows["event"], rows["first"], null=by["low"])["z"] != by["z"]


def test_a_group_without_events_has_an_open_interval_and_no_made_up_ratio():
    rows = times().assign(event=lambda frame: frame["event"] & ~frame["first"])
    estimate = log_hazard_ratio(rows["days"], rows["event"], rows["first"])
    assert (
        estimate["difference"] == estimate["low"] == -math.inf
        and math.isfinite(estimate["high"])
        and estimate["z"] < -3
    )
    none = log_hazard_ratio(rows["days"], rows["event"] & False, rows["first"])
    assert (none["z"], none["events"]) == (0, 0)


def test_the_win_probability_is_that_of_wilcoxon():
    from statsmodels.stats.nonparametric import rank_compare_2indep

    draw = np.random.default_rng(4)
    value, first = pd.Series(draw.integers(1, 6, 120)), pd.Series(draw.random(120) < 0.5)
    value = value + (first & (draw.random(120) < 0.3))
    estimate = win_probability(value, first)
    a, b = value[first], value[~first]
    test = mannwhitneyu(a, b, method="asymptotic", use_continuity=False)
    assert estimate["difference"] + 0.5 == pytest.approx(test.statistic / (len(a) * len(b)))
    assert 2 * norm.sf(abs(estimate["z"])) == pytest.approx(test.pvalue)
    other = rank_compare_2indep(a, b, use_t=False)
    low, high = other.conf_int()
    assert (estimate["low"] + 0.5, estimate["high"] + 0.5) == pytest.approx((low, high), abs=0.01), "logit against Wald"
    # strata: van Elteren's test is the sum of rank sums over (N + 1), by its formula
    stratum = pd.Series(draw.integers(0, 3, 120))
    score = spread = 0.0
    for name in range(3):
        own = stratum == name
        x, y = value[own & first], value[own & ~first]
        n, m = len(x), len(y)
        part = mannwhitneyu(x, y).statistic - n * m / 2
        ties = value[own].value_counts().to_numpy()
        var = n * m / 12 * ((n + m + 1) - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
        score, spread = score + part / (n + m + 1), spread + var / (n + m + 1) ** 2
    assert win_probability(value, first, stratum)["z"] == pytest.approx(score / math.sqrt(spread))


def test_the_interval_of_a_win_probability_covers_it():
    draw, covered = np.random.default_rng(6), 0
    first = pd.Series([True] * 60 + [False] * 60)
    truth = 0.5 * 0.6 + 0.5 * (0.5 * 0.4 + 0.5 * 0.6)  # levels 1 and 2 in halves, against 0.6 and 0.4
    for _ in range(600):
        value = pd.Series([*draw.integers(1, 3, 60), *(1 + (draw.random(60) < 0.4))])
        estimate = win_probability(value, first)
        covered += estimate["low"] + 0.5 <= truth <= estimate["high"] + 0.5
    assert covered / 600 == pytest.approx(0.95, abs=0.03)


def test_the_z_of_a_covariance_analysis_is_that_of_its_p():
    draw = np.random.default_rng(1)
    group, start = pd.Series([1, 0] * 30), pd.Series(draw.normal(size=60))
    value = start + 0.5 * group + draw.normal(size=60)
    estimate = ancova(value, group, start)
    assert 2 * norm.sf(estimate["z"]) == pytest.approx(estimate["p"])
    assert ancova(value, group, start, null=estimate["difference"])["z"] == pytest.approx(0, abs=1e-9)
    wide = ancova(value, group, start, level=0.99)
    assert wide["low"] < estimate["low"] < estimate["high"] < wide["high"]
    bare = ancova(value, group)
    assert bare["difference"] == pytest.approx(value[group == 1].mean() - value[group == 0].mean())


def test_a_covariance_analysis_gives_each_stratum_a_mean_of_its_own():
    """The same model in the formula language of statsmodels; strata of other means would widen the interval."""
    import statsmodels.formula.api as smf

    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": [1, 0] * 30, "site": draw.choice(["A", "B", "C"], 60), "start": draw.normal(size=60)})
    frame["end"] = frame["start"] + 0.5 * frame["arm"] + 3.0 * (frame["site"] == "B") + draw.normal(size=60)
    known = smf.ols("end ~ arm + start + C(site)", frame).fit(cov_type="HC3", use_t=True)
    estimate = ancova(frame["end"], frame["arm"] == 1, frame["start"], frame["site"])
    assert estimate["difference"] == pytest.approx(known.params["arm"]) and estimate["p"] == pytest.approx(
        known.pvalues["arm"]
    )
    assert [estimate["low"], estimate["high"]] == pytest.approx(known.conf_int().loc["arm"].tolist())
    plain = ancova(frame["end"], frame["arm"] == 1, frame["start"])
    assert plain["high"] - plain["low"] > estimate["high"] - estimate["low"]


# A look of each kind


def tables_of(n, outcomes, arms=("mscs", "comparator")):
    """A trial of n participants, its arms in turn, all randomized on one day; outcomes as (subject, day, value)."""
    ids = [f"S{i:03}" for i in range(n)]
    day = str(START.date())
    subjects = {"subject_id": ids, "site": ["A" if i % 4 else "B" for i in range(n)]}
    subjects |= {"arm": [arms[i % len(arms)] for i in range(n)], "screened_on": [day] * n, "randomized_on": [day] * n}
    outcome_rows = [
        (ids[i], "main", str(value), str((START + pd.Timedelta(days=at)).date())) for i, at, value in outcomes
    ]
    table = pd.DataFrame(outcome_rows, columns=["subject_id", "endpoint", "value", "observed_on"])
    return {"subjects": subjects, "outcomes": table}


def safe(tables):
    """The same with safety collected, and nothing in it but one fever and one completion."""
    who = tables["subjects"]["subject_id"][:1]
    events = {"subject_id": who, "started_on": ["2023-03-02"], "term": ["Fever"], "serious": ["false"]}
    return tables | {
        "events": events,
        "disposition": {"subject_id": who, "milestone": ["completed"], "happened_on": ["2023-06-20"]},
    }


def design(protocol, kind, **more):
    value = {"name": "main", "kind": kind, "day": 84, "better": "lower"}
    if kind == "time_to_event":
        more = {"events": 60, "effect": 0.6, **more}
        value |= {"name": "main", "verb": "relapse", "past": "relapsed"}
    if kind == "continuous":
        more = {"effect": -1.0, "sd": 2.0, **more}
    if kind == "ordinal":
        del value["better"]
        value |= {"levels": ["home", "ward", "ventilated", "dead"]}
        more = {"effect": 0.6, **more}
    estimand = {"death": "missing" if kind == "continuous" else "composite", "withdrawal": "missing"}
    return declared(without_rates(protocol), endpoint=value, **{"estimand": estimand, **more})


def relapses(n=120, seed=3, ratio=0.4):
    draw = np.random.default_rng(seed)
    day = np.ceil(draw.exponential(np.where(np.arange(n) % 2, 100, 100 / ratio)))
    end = draw.integers(40, 100, n)
    return [(i, int(min(day[i], end[i])), int(day[i] <= end[i])) for i in range(n)]


def volumes(n=120, seed=3, apart=-1.5):
    draw = np.random.default_rng(seed)
    start = draw.normal(20, 3, n)
    last = start + np.where(np.arange(n) % 2, 0, apart) + draw.normal(0, 2, n)
    before = [(i, -1, round(float(start[i]), 3)) for i in range(n)]
    middle = [(i, 40, round(float(last[i]) + 5, 3)) for i in range(n)]
    return [*before, *middle, *((i, 84, round(float(last[i]), 3)) for i in range(n))]


LEVELS = ("home", "ward", "ventilated", "dead")


def scales(n=120, seed=3):
    draw = np.random.default_rng(seed)
    shares = np.array([[0.6, 0.25, 0.1, 0.05], [0.35, 0.3, 0.2, 0.15]])
    return [(i, 84, LEVELS[draw.choice(4, p=shares[i % 2])]) for i in range(n)]


ROWS = {"time_to_event": relapses, "continuous": volumes, "ordinal": scales}


@pytest.fixture(scope="module")
def looks(protocol):
    return {kind: look_of(safe(tables_of(120, rows())), design(protocol, kind), 2) for kind, rows in ROWS.items()}


def test_a_time_to_event_is_monitored_on_its_events(looks):
    look = looks["time_to_event"]
    rows = pd.DataFrame(relapses(), columns=["who", "days", "event"])
    over = rows["days"] > 84
    days, event = rows["days"].mask(over, 84).astype(float), (rows["event"] == 1) & ~over
    plain = log_hazard_ratio(days, event, rows["who"] % 2 == 0)
    effect, frame = look.primary_effect, look.boundaries()
    assert effect.difference == pytest.approx(plain["difference"]) and effect.z == pytest.approx(-plain["z"])
    assert effect.information == event.sum() == this_look(frame)["information"] and effect.n == 120
    direct = boundaries([0.33 * 60, event.sum(), 60], planned=60)["z"].tolist()
    assert frame["bound"].tolist() == pytest.approx(direct)
    curves = look.survival_curves().groupby("arm")["events"].sum()
    assert curves.sum() == event.sum()
    assert dict(look.first_page().facts)["Events"] == f"{event.sum()} of 60"
    assert look.outcome_status()["known"].sum() == 120 and look.power_curve()["mark"].tolist()[-3:] == [
        "trend", "design", "null",
    ]  # fmt: skip


def test_nobody_of_a_time_to_event_waits_for_a_window_and_no_zero_says_so(looks):
    look = looks["time_to_event"]
    for table in (look.outcome_status(), look.outcome_by_arm()):
        assert table["to_come"].isna().all() and table["randomized"].sum() == 120
    page = replace(look, closed=False).first_page()
    assert page.columns == ("Site", "Screened", "Randomized", "Followed", "Nothing known")
    assert {len(row.cells) for row in page.rows} == {4}


def test_a_cut_of_a_time_to_event_is_what_was_known_that_day(protocol):
    """Who relapsed later, or was seen without relapse later, was without it on the day of the cut."""
    plan = design(protocol, "time_to_event")
    trial = read_trial(tables_of(6, [(0, 10, 1), (1, 50, 1), (2, 70, 0), (3, 5, 0), (3, 20, 1)]), plan)
    look = tt.look(trial, plan, "2023-03-31", closed=True)
    rows = endpoint_rows(look)
    assert rows["days"].tolist()[:4] == [10, 30, 30, 20] and rows["value"].tolist()[:4] == [1, 0, 0, 1]
    assert rows["state"].tolist()[4:] == ["missing", "missing"], "of them nothing is known: not followed without event"
    findings = look.trial.findings.set_index("problem")["n"]
    assert findings["known of a later day than 2023-03-31"] == 2


@pytest.mark.parametrize(
    ("death", "events", "days"), [("composite", 1, 20), ("while alive", 0, 20), ("missing", 0, 10)]
)
def test_a_death_before_the_event_counts_as_declared(protocol, death, events, days):
    plan = design(protocol, "time_to_event", estimand={"death": death})
    tables = tables_of(4, [(0, 10, 0), (1, 60, 1), (2, 60, 0), (3, 60, 1)])
    tables["disposition"] = {"subject_id": ["S000"], "milestone": ["died"], "happened_on": ["2023-03-21"]}
    effect = look_of(tables, plan).primary_effect
    assert effect.events["mscs"] == (events, 2)
    assert endpoint_rows(look_of(tables, plan))["days"].iloc[0] == days
    tables["disposition"]["happened_on"] = ["2023-03"]  # in time, on a day not known: no follow-up without the event
    row = endpoint_rows(look_of(tables, plan)).iloc[0]
    assert pd.isna(row["value"]) if death == "composite" else row["value"] == 0


def test_who_died_never_has_what_is_good(protocol):
    """Of a time to recovery a death is no recovery: without it up to the last day, unless it came before."""
    value = {"name": "main", "kind": "time_to_event", "day": 84, "better": "higher", "past": "recovered"}
    plan = declared(design(protocol, "time_to_event", effect=1.5), endpoint=value)
    tables = tables_of(5, [(0, 10, 0), (1, 60, 1), (2, 60, 1), (3, 60, 1)])
    ends = {"subject_id": ["S000", "S002", "S004"], "milestone": ["died"] * 3}
    look = look_of(tables | {"disposition": ends | {"happened_on": ["2023-03-21", "2023-05-10", "2023-03"]}}, plan)
    rows = endpoint_rows(look)
    assert rows["value"].tolist() == [0, 1, 1, 1, 0] and rows["days"].tolist() == [84, 60, 60, 60, 84]
    assert "who died before day 84 count as if they had not recovered by day 84" in look.estimand()
    charter = look.charter().set_index("item")["value"]
    assert "death before its day counts as without the event up to that day" in charter["Estimand"]
    with pytest.raises(DataError, match=r"composite, but main names no day up to which who died is without it"):
        plan_of(declared(plan, endpoint={**value, "day": None}))


def test_words_of_a_time_to_an_event_say_follow_up_and_not_an_outcome_by_its_day(looks):
    look = looks["time_to_event"]
    charter = look.charter().set_index("item")["value"]["Estimand"]
    assert charter.endswith("counts as the event, on that day; withdrawal before its day ends the follow-up")
    page = as_text("main", look.first_page())
    assert "relapsed so far: hazard ratio" in page and "Relapsed so far, of those followed" in page
    before = {"protocol": {"sha256": look.protocol.sha256}, "facts": {"outcomes": 100, "missing": 1}}
    charter = replace(look, previous=before).changes().set_index("item")["now"]
    assert charter["Followed for the primary outcome"] == 120 and charter["Nothing known of the primary outcome"] == 0


def test_the_axis_of_the_chances_ahead_takes_no_ratio_for_a_difference(looks):
    with patch.object(figures, "power_curve", wraps=figures.power_curve) as drawn:
        report_of(looks["time_to_event"])
    assert drawn.call_args.kwargs["axis"] == "True hazard ratio from here on, experimental against control"


def test_who_left_without_a_row_is_followed_to_that_day_or_counted(protocol):
    """Withdrawn, lost or dead: without the event up to then, and not beyond the last day of the endpoint."""
    plan = design(protocol, "time_to_event", estimand={"death": "missing", "withdrawal": "missing"})
    ends = {"subject_id": [f"S{i:03}" for i in range(6)], "milestone": ["withdrew", "lost", "died"] * 2}
    ends["happened_on"] = ["2023-03-21", "2023-03-31", "2023-06-10", "", "", ""]
    late = [(6, 60, 1), (7, 60, 0), (8, 90, 1), (9, 70, 1)]
    look = look_of(tables_of(10, late) | {"disposition": ends}, plan)
    rows = endpoint_rows(look)
    assert rows["days"].tolist()[:3] == [20, 30, 84] and rows["value"].tolist()[:3] == [0, 0, 0]
    assert rows["state"].tolist()[3:6] == ["missing"] * 3
    findings = look.trial.findings.set_index("problem")["n"]
    assert findings["left without a row of the endpoint, on a day that is not known"] == 3
    assert findings["happened after day 84"] == 1 and rows["late"].sum() == 1
    assert "1 relapsed after day 84 (1 with MSCs)" in look.caveats()
    boxes = look.flow().query("stage == 'analysed' and item != ''").groupby("item")["n"].sum().to_dict()
    assert boxes == {"had the event": 2, "followed, without the event so far": 5, "nothing known": 3}
    assert "10 randomized, 2 events, 7 followed, 3 nothing known" in look._repr_html_()


@pytest.mark.parametrize("kind", ["continuous", "ordinal"])
def test_a_value_after_the_day_is_not_used_and_counted(protocol, kind):
    value = 21.5 if kind == "continuous" else "home"
    rows = [row for row in ROWS[kind](40) if row[0] > 1 or row[1] < 0] + [(0, 100, value), (1, 50, value)]
    gone = {"subject_id": ["S001"], "milestone": ["lost"], "happened_on": ["2023-05-01"]}
    look = look_of(tables_of(40, rows) | {"disposition": gone}, design(protocol, kind))
    findings = look.trial.findings.set_index("problem").loc["seen after day 84"]
    assert (findings["n"], findings["action"]) == (1, "not used")
    assert look.primary_effect.missing == 2, "whoever was lost before the day has no outcome of it, as who withdrew"


def test_a_measurement_is_adjusted_for_its_baseline(looks):
    rows = volumes()
    start, last = ({i: value for i, at, value in rows if at == day} for day in (-1, 84))
    frame = pd.DataFrame({"start": start, "last": last})
    plain = ancova(frame["last"], pd.Series(frame.index % 2 == 0, frame.index), frame["start"])
    effect = looks["continuous"].primary_effect
    assert effect.difference == pytest.approx(plain["difference"]) and effect.z == pytest.approx(-plain["z"])
    assert effect.n == effect.information == 120 and "seen on day 84 to 84" in looks["continuous"].caveats()
    table = looks["continuous"].outcome_by_arm().set_index("arm")
    assert table.loc["mscs", "mean"] == pytest.approx(np.mean([last[i] for i in range(0, 120, 2)]))


def test_whoever_dies_before_the_day_of_a_measurement_is_missing_whatever_was_seen_before(protocol):
    """An earlier visit is not the outcome: with "while alive" it is, and that is declared."""
    rows = [row for row in volumes(40) if row[:2] != (0, 84)]
    dead = {"subject_id": ["S000"], "milestone": ["died"], "happened_on": ["2023-05-01"]}
    for death, missing in (("missing", 1), ("while alive", 0)):
        plan = design(protocol, "continuous", estimand={"death": death})
        look = look_of(tables_of(40, rows) | {"disposition": dead}, plan)
        assert look.primary_effect.missing == missing
    with pytest.raises(DataError, match="of which no value is the worst"):
        plan_of(design(protocol, "continuous", estimand={"death": "composite"}))


def test_ordered_levels_are_compared_by_who_wins(looks):
    place = {level: 4 - at for at, level in enumerate(LEVELS)}
    value = pd.Series([place[level] for _, _, level in scales()])
    plain = win_probability(value, pd.Series(np.arange(120) % 2 == 0))
    effect = looks["ordinal"].primary_effect
    assert effect.difference == pytest.approx(plain["difference"]) and effect.z == pytest.approx(plain["z"])
    table = looks["ordinal"].outcome_by_arm().set_index("arm")
    assert table.loc["mscs", "home"] == sum(level == "home" for i, _, level in scales() if i % 2 == 0)


def test_levels_are_read_as_they_are_written_and_again_from_a_cut(protocol, tmp_path):
    rows = [(0, 84, "Home"), (1, 84, "WARD"), (2, 84, "discharged"), (3, 84, "dead")]
    trial = read_trial(tables_of(4, rows), design(protocol, "ordinal"))
    assert trial.outcomes["value"].tolist()[:2] == [1, 2] and math.isnan(trial.outcomes["value"][2])
    findings = trial.findings.set_index("column").loc["value"]
    assert "no such level" in findings["problem"] and findings["n"] == 1
    again = read_trial({"subjects": trial.subjects, "outcomes": trial.outcomes}, design(protocol, "ordinal"))
    assert again.outcomes["value"].tolist()[:2] == [1, 2] and again.outcomes["value"][3] == 4
    dead = {"subject_id": ["S002"], "milestone": ["died"], "happened_on": ["2023-05-01"]}
    look = look_of(tables_of(4, rows) | {"disposition": dead}, design(protocol, "ordinal"))
    assert look.outcome_by_arm().set_index("arm").loc["mscs", "dead"] == 1, "a death counts as the worst level"


@pytest.mark.parametrize("kind", ROWS)
def test_with_one_look_the_corrected_estimate_is_the_estimate(protocol, kind):
    plan = design(protocol, kind, looks=[1.0])
    look = look_of(tables_of(120, ROWS[kind]()), plan)
    assert final_difference(look)[0] == pytest.approx(look.primary_effect.difference, abs=1e-6)


@pytest.mark.parametrize(("kind", "margin"), [("time_to_event", 1.3), ("continuous", 2.0), ("ordinal", 0.1)])
def test_each_kind_can_be_held_against_a_margin(protocol, kind, margin):
    plan = design(protocol, kind, hypothesis="non-inferiority", margin=margin)
    look = look_of(safe(tables_of(120, ROWS[kind]())), plan, 2)
    assert look.primary_effect.z > look.primary_effect.z_of_none and "the margin" in look.first_page().lead
    with pytest.raises(DataError, match=r"design\.margin is -1; expected"):
        plan_of(design(protocol, kind, hypothesis="non-inferiority", margin=-1))


def test_the_power_of_each_design_is_the_formula_of_one_look(protocol):
    """Schoenfeld for events, the t test in the limit for means, Noether for wins."""
    one = {"looks": [1.0], "sample_size": 200}
    z = norm.ppf(0.975)
    for kind, shift in (
        ("time_to_event", -math.log(0.6) * math.sqrt(60 / 4)),
        ("continuous", 1.0 / 2.0 * math.sqrt(200 / 4)),
        ("ordinal", 0.1 * math.sqrt(12 * 200 / 4)),
    ):
        assert design_power(plan_of(design(protocol, kind, **one))) == pytest.approx(norm.sf(z - shift), abs=1e-9)
    with pytest.raises(DataError, match=r"needs design\.events"):
        value = {"name": "x", "kind": "time_to_event", "better": "lower"}
        plan_of(declared(without_rates(protocol), endpoint=value))


@pytest.mark.reports
@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("closed", [True, False])
def test_every_cell_of_the_report_runs_for_each_kind(protocol, kind, closed):
    """The notebook's own cells, without a kernel; the open report tells no arm."""
    look = look_of(safe(tables_of(120, ROWS[kind]())), design(protocol, kind), 2, closed=closed)
    parts = [part for part in report_of(look) if hasattr(part, "_repr_html_")]
    words = " ".join(part.to_json() if hasattr(part, "to_plotly_json") else part._repr_html_() for part in parts)
    assert closed or not re.search(r"mscs|comparator", words, re.IGNORECASE)
    assert ("Compares the arms: in the closed report only." in words) != closed


MARGINS = {"time_to_event": 1.4, "continuous": 1.0, "ordinal": 0.1}


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_takes_every_test_and_bound_or_refuses_what_does_not_go_together(protocol, kind):
    """One look held, one skipped; what is declared is in the boundaries, and page 1 can be made of it."""
    trial = read_trial(safe(tables_of(120, ROWS[kind]())), design(protocol, kind))
    for sides, inferior, futility, harm in product((1, 2), (False, True), (False, True), (False, True)):
        more = {"sides": sides} | ({"margin": MARGINS[kind]} if inferior else {})
        more |= {"futility": "Pocock type"} if futility else {}
        more |= {"harm": {"nominal": 0.05, **({"against": "no difference"} if inferior else {})}} if harm else {}
        plan = design(protocol, kind, **more)
        if sides == 2 and (inferior or futility):
            with pytest.raises(DataError, match=r"design\.(sides|futility) is "):
                plan_of(plan)
            continue
        look = tt.look(trial, plan, number=2, closed=True, not_held=(1,) if harm else ())
        frame = look.boundaries()
        assert frame["futility"].notna().any() == futility and frame["harm"].notna().any() == (harm or sides == 2)
        assert frame["z_harm"].notna().any() == (inferior and harm) and (1 in set(frame["look"])) != harm
        if harm or futility:
            assert ("the margin" in look.first_page().lead) == inferior


def lacking(kind, n=120):
    """The outcomes without those of ten in each arm, who left on day 30."""
    who = range(20)
    rows = [row for row in ROWS[kind](n) if row[0] not in who or (kind == "continuous" and row[1] < 0)]
    rows += [(i, 30, 0) for i in who] if kind == "time_to_event" else []
    tables = safe(tables_of(n, rows))
    ids = tables["subjects"]["subject_id"][:20]
    gone = {"subject_id": ids, "milestone": ["withdrew"] * 20, "happened_on": ["2023-03-31"] * 20}
    return tables | {"disposition": gone}


@pytest.mark.parametrize("kind", ["binary", *ROWS])
def test_data_that_are_not_cut_have_their_scenarios_too(protocol, kind):
    """The last look of a trial that is over has no cutoff."""
    tables, plan = (people(65, 65, (5, 9)), protocol) if kind == "binary" else (lacking(kind), design(protocol, kind))
    if kind == "binary":
        tables["outcomes"] = {name: column[3:] for name, column in tables["outcomes"].items()}
    look = tt.look(read_trial(tables, plan), plan, number=2, closed=True)
    frame = look.sensitivity()
    scenarios = frame[frame["analysis"].str.contains("taken|worse")]
    assert len(scenarios) == 4 and set(scenarios["missing"]) == {0}
    assert look.first_page().pairs


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_missing_is_taken_for_the_worse_and_for_the_better(protocol, kind):
    """Each scenario is the analysis of data in which it is so."""
    look = look_of(lacking(kind), design(protocol, kind), 2)
    frame, arm = look.sensitivity().set_index("analysis"), look.plan.experimental[0]
    base = frame.loc["Primary"]
    sign = look.plan.sign
    if kind != "continuous":
        against, for_it = (frame.filter(regex=f"taken {way} the exp", axis=0).iloc[0] for way in ("against", "for"))
        assert against["z"] < base["z"] < for_it["z"] and {against["missing"], for_it["missing"]} == {0}
        rows = endpoint_rows(look)
        left = rows["subject_id"].isin([f"S{i:03}" for i in range(20)])
        worst = rows["value"].mask(left & (rows["arm"] == arm), 4.0 if kind == "ordinal" else 1.0)
        worst = worst.mask(left & (rows["arm"] != arm), 1.0 if kind == "ordinal" else 0.0)
        first = rows["arm"] == arm
        if kind == "ordinal":
            plain = win_probability(-worst, first)
        else:
            plain = log_hazard_ratio(rows["days"].mask(left & ~first, 84.0), worst == 1, first)
        assert against["difference"] == pytest.approx(plain["difference"])
        assert "Against and for the experimental arm" in look.sensitivity().attrs["lacks"]
        return
    # a measurement: by the mean score method, checked against imputing the shifted mean of the arm
    sd = math.sqrt(endpoint_rows(look).groupby("arm")["value"].var().mean())
    moved = frame.filter(regex=r"in the experimental arm .* \(1 SD\)", axis=0).iloc[0]
    assert moved["difference"] - base["difference"] == pytest.approx(-sign * sd * 10 / 60)
    assert abs(moved["z"]) < abs(base["z"]) and (moved["n"], moved["missing"]) == (120, 0)
    both = frame.filter(regex=r"^Missing \d.* \(1 SD\)", axis=0).iloc[0]
    assert both["difference"] == pytest.approx(base["difference"]), "as many are missing in either arm"
    tips = re.search(r"were ([\d.]+) \(", look.sensitivity().attrs["lacks"])
    shift = float(tips[1]) * 10 / 60
    se = math.hypot((base["high"] - base["low"]) / 2 / 1.98, float(tips[1]) * math.sqrt(10 / 60 * 50 / 60 / 60))
    assert abs(base["difference"]) - shift == pytest.approx(1.96 * se, abs=0.05)


def test_where_nothing_can_be_assumed_the_page_says_so(protocol, looks):
    assert looks["ordinal"].sensitivity().attrs["lacks"] == "No outcome that is due is missing."
    tables = {name: table for name, table in lacking("time_to_event").items() if name != "disposition"}
    alone = look_of(tables, design(protocol, "time_to_event"), 2).sensitivity()
    assert alone.attrs["lacks"].startswith("Who was lost to follow-up: not collected")
    assert not alone["analysis"].str.startswith("Lost").any()


@pytest.mark.reports
@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("time_to_event", lambda i: 0, "Nobody has had the event yet"),
        ("continuous", lambda i: 5.0, "too few or all alike"),
        ("continuous", lambda i: 5.0 + i % 2, "too few or all alike"),
        ("ordinal", lambda i: "home", "too few or all alike"),
    ],
)
def test_outcomes_that_tell_nothing_of_chance_are_no_comparison_and_the_report_says_so(protocol, kind, value, why):
    """Not a z of ten to the fifteenth, nor an interval without width, nor a report that cannot be made."""
    look = look_of(safe(tables_of(40, [(i, 84, value(i)) for i in range(40)])), design(protocol, kind))
    page = look.first_page()
    assert look.primary_effect is None and why in page.lead and not page.pairs
    states = next(row for row in page.rows if "nown" in row.label)
    assert states.cells[0].startswith("20 / 0"), "what is known stays on the page"
    assert len(report_of(look)) > 40


def test_every_kind_has_a_forest_figure_in_its_own_unit(looks):
    for kind, look in looks.items():
        made = figures.sensitivity(look.sensitivity(), kind, axis=look.axis)
        effect = look.primary_effect
        assert look.measure.interval(*effect.interval) in made.layout.meta["finding"] + str(made.layout.annotations)
        assert made.data[0].x[0] == effect.difference and len(made.data[0].x) == len(look.sensitivity())
        shown = [float(text.replace("−", "-")) for text in made.layout.xaxis2.ticktext]
        assert {"time_to_event": 1, "continuous": 0, "ordinal": 50}[kind] in shown
        side = {"time_to_event": "below 1", "continuous": "below 0", "ordinal": "above 50"}[kind]
        assert f"{side} favours MSCs" in look.axis


def test_every_kind_says_its_effect_in_its_own_unit(looks):
    for kind, look in looks.items():
        page = look.first_page()
        said = page.lead + " ".join(text for _, text in page.lines) + " ".join(page.columns)
        shown = look.measure.text(look.primary_effect.difference).lstrip("+−")
        assert shown in said and ("percentage points fewer" not in said)
        golden = (Path(__file__).parent / "golden" / "interim_kinds.txt").read_text("utf-8")
        assert as_text(kind, page) in golden


if __name__ == "__main__":
    rules = tt.load_protocol(Path(__file__).parents[1] / "data/protocols/NCT05741099.yaml")
    looks = {kind: look_of(safe(tables_of(120, rows())), design(rules, kind), 2) for kind, rows in ROWS.items()}
    made = [as_text(kind, look.first_page()) for kind, look in looks.items()]
    (Path(__file__).parent / "golden" / "interim_kinds.txt").write_text("\n".join(made), "utf-8")
