"""Frames that count patterns and thresholds, against brute force and against screening an amended protocol."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.cohort.screening import Screening
from trialtools.criteria.contents import Protocol
from trialtools.criteria.language import evaluate
from trialtools.criteria.protocol import Criterion, Field

ENDS = ("certain", "possible")


@pytest.fixture(scope="module")
def screening(protocol, root):
    return tt.screen(protocol, tt.read_patients(root / "data" / "cohort" / "cohort.csv", protocol))


def flags(m):
    fields = {f"f{i}": Field("flag", f"f{i}") for i in range(m)}
    criteria = tuple(Criterion(f"I{i}", "inclusion", f"f{i}", when=f"f{i}") for i in range(m))
    return Protocol("flags", "flags", fields, criteria)


def screened(rows, m):
    columns = {f"f{i}": pl.Boolean for i in range(m)}
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("patient_id")
    return tt.screen(flags(m), frame)


@st.composite
def games(draw):
    m = draw(st.integers(1, 5))
    state = st.sampled_from([True, False, None])
    return m, draw(st.lists(st.tuples(*[state] * m), max_size=12))


def eligible(rows, kept, end):
    lets_in = (True,) if end == "certain" else (True, None)
    return sum(all(row[i] in lets_in for i in kept) for row in rows)


@pytest.mark.agreement
@given(games())
def test_impact_is_what_brute_force_over_all_subsets_gives(game):
    m, rows = game
    frame = screened(rows, m).impact()
    for i in range(m):
        others = [j for j in range(m) if j != i]
        row = frame.iloc[i]
        for end in ENDS:
            value = 0.0
            for size in range(m):
                weight = factorial(size) * factorial(m - size - 1) / factorial(m)
                for kept in combinations(others, size):
                    value += weight * (eligible(rows, (*kept, i), end) - eligible(rows, kept, end))
            assert row[f"shapley_{end}"] == pytest.approx(value, abs=1e-9)
            assert row[f"alone_{end}"] == eligible(rows, [i], end)
            assert row[f"gain_{end}"] == eligible(rows, others, end) - eligible(rows, range(m), end)
        # by itself alone: in every way that the unknown may turn out
        sole = [[state is False if j == i else state is True for j, state in enumerate(row)] for row in rows]
        may = [[state is not (j == i) for j, state in enumerate(row)] for row in rows]
        assert row["unique_certain"] == sum(map(all, sole))
        assert row["unique_possible"] == sum(map(all, may))
        assert row["unique_certain"] <= min(row["gain_certain"], row["gain_possible"])
        assert row["unique_possible"] >= max(row["gain_certain"], row["gain_possible"])


@pytest.mark.agreement
@given(games())
def test_overlap_adds_up_and_greedy_leaves_the_fewest(game):
    m, rows = game
    made = screened(rows, m)
    for top in (0, 2, 99):
        frame = made.overlap(top)
        assert frame["criteria"].iloc[-1] == "other" and len(frame) <= top + 1
        assert frame["failed"].sum() == made.n - made.possible
        assert frame["not_passed"].sum() == made.n - made.certain
    for row in frame.iloc[:-1].itertuples():
        wanted = set(row.criteria.split(", "))
        assert row.size == len(wanted)
        assert row.failed == sum({f"I{i}" for i, s in enumerate(r) if s is False} == wanted for r in rows)
        assert row.not_passed == sum({f"I{i}" for i, s in enumerate(r) if s is not True} == wanted for r in rows)
    taken = [int(id[1:]) for id in made.attrition("greedy")["criterion"][1:]]
    for step, chosen in enumerate(taken):
        ranked = {
            i: (*(eligible(rows, [*taken[:step], i], end) for end in ("possible", "certain")), i)
            for i in range(m)
            if i not in taken[:step]
        }
        assert chosen == min(ranked, key=lambda i: ranked[i])


def test_alone_is_as_if_no_other_criterion_applied(screening):
    alone, states = screening.attrition("alone").iloc[1:], screening.criterion_states()
    assert alone["failed_here"].tolist() == states["fail"].tolist()
    assert alone["certain"].tolist() == states["pass"].tolist()
    assert alone["possible"].tolist() == (states["pass"] + states["unknown"]).tolist()
    with pytest.raises(tt.DataError, match="no order 'greddy'; did you mean 'greedy'"):
        screening.attrition("greddy")


def test_sixty_two_criteria_are_counted_like_few():
    rows = [tuple(i != bad for i in range(62)) for bad in range(62)] + [(None,) * 62, (True,) * 62]
    made = screened(rows, 62)
    frame = made.impact()
    assert set(frame["gain_possible"]) == {1} and set(frame["unique_possible"]) == {2}
    assert frame["shapley_certain"].sum() == pytest.approx(made.certain - made.n)
    assert made.overlap(70)["failed"].sum() == made.n - made.possible
    assert made.attrition("greedy")["possible"].iloc[-1] == made.possible == 2


@pytest.mark.parametrize("rows", [[], [(None,), (None,)], [(False,)], [(True,)]], ids=str)
def test_nobody_nothing_known_one_criterion(rows):
    made = screened(rows, 1)
    for order in ("protocol", "greedy", "alone"):
        assert made.attrition(order).iloc[-1][["certain", "possible"]].tolist() == [made.certain, made.possible]
    assert len(made.impact()) == 1 and made.impact()["shapley_possible"].sum() == made.possible - made.n
    assert made.overlap()["not_passed"].sum() == made.n - made.certain


# --- thresholds -------------------------------------------------------------------------------------------------------

FIELDS = {
    "age": Field("integer", "Age", range=(0, 12)),
    "bmi": Field("number", "BMI", range=(0.0, 6.0)),
    "dose": Field("number", "Dose"),
    "ill": Field("flag", "Ill"),
    "old": Field("flag", "Old", applies="age > 5"),
    "seen_on": Field("date", "Seen"),
    "past_on": Field("date", "Past"),
}
numbers = st.sampled_from([0, 1, 2, 2.5, 3, 5, 6])
bounds = st.one_of(
    st.builds(
        lambda name, sign, v: f"{name} {sign} {v}",
        st.sampled_from(["age", "bmi", "dose", "seen_on - past_on", "age + bmi"]),
        st.sampled_from(["<", "<=", ">", ">="]),
        numbers,
    ),
    st.builds(
        lambda low, a, b, high: f"{low} {a} age {b} {high}", numbers, *[st.sampled_from(["<", "<="])] * 2, numbers
    ),
)
clauses = st.recursive(
    st.one_of(bounds, bounds, st.sampled_from(["ill", "old", "known(bmi)"])),
    lambda inner: st.one_of(
        st.builds(lambda a: f"not ({a})", inner),
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from(["and", "or", "=="]), inner),
        st.builds(lambda a, b, c: f"at_least(2, {a}, {b}, {c})", inner, inner, inner),
    ),
    max_leaves=4,
)


@st.composite
def cases(draw):
    kinds = st.sampled_from(["inclusion", "exclusion"])
    texts = draw(st.lists(clauses, min_size=1, max_size=3))
    criteria = tuple(Criterion(f"C{i}", draw(kinds), f"C{i}", when=text) for i, text in enumerate(texts))
    n = draw(st.integers(0, 8))
    value = {
        "age": st.integers(-1, 13),
        "bmi": st.sampled_from([0.0, 1.0, 2.0, 2.5, 5.0, 6.0]),
        "dose": st.sampled_from([-1.0, 1.0, 2.5, 7.0]),
        "ill": st.booleans(),
        "old": st.booleans(),
        "seen_on": st.sampled_from(pd.date_range("2024-01-01", periods=5).date.tolist()),
        "past_on": st.sampled_from(pd.date_range("2023-12-30", periods=5).date.tolist()),
    }
    kind = {"integer": pl.Int64, "number": pl.Float64, "flag": pl.Boolean, "date": pl.Date}
    columns = {
        name: pl.Series(draw(st.lists(st.one_of(st.none(), each, each), min_size=n, max_size=n)), dtype=kind[f.type])
        for (name, f), each in zip(FIELDS.items(), value.values(), strict=True)
    }
    return Protocol("cases", "cases", FIELDS, criteria), pl.DataFrame(columns).with_row_index("patient_id")


def counts(protocol, table):
    """Certain and possible as the reference evaluator counts them, one patient at a time."""
    judged = [
        [evaluate(formula, facts) for formula in protocol.requirements.values()]
        for facts in map(protocol.facts_of, table.to_dicts())
    ]
    return [sum(all(s is True for s in states) for states in judged), sum(False not in states for states in judged)]


@pytest.mark.agreement
@settings(max_examples=sample(60))
@given(cases(), st.data())
def test_a_sweep_says_what_the_reference_says_of_the_amended_protocol(case, data):
    protocol, table = case
    listed = protocol.threshold_table()
    assert listed["threshold"].is_unique
    if listed.empty:
        return
    patients = tt.read_patients(table, protocol)
    made = tt.screen(protocol, patients)
    id = data.draw(st.sampled_from(listed["threshold"].tolist()))
    frame = made.sweep(id)
    assert frame["value"].is_monotonic_increasing and frame["value"].is_unique
    own = frame[frame["protocol"]]
    assert own[["certain", "possible"]].values.tolist() == [[made.certain, made.possible]]
    values = sorted({*frame["value"], 0.5, 2, 4})
    by_value = made.sweep(id, values)
    assert by_value["value"].tolist() == values
    for row in by_value.itertuples():
        assert [row.certain, row.possible] == counts(protocol.with_thresholds({id: row.value}), table), (id, row.value)
    # between two rows nothing changes, on the side that is documented
    holds_until_next = frame["operator"].iloc[0] in ("<=", ">")
    between = (frame["value"].to_numpy()[1:] + frame["value"].to_numpy()[:-1]) / 2
    inside = made.sweep(id, between)[["certain", "possible"]].to_numpy()
    rows = frame[["certain", "possible"]].to_numpy()
    assert np.array_equal(inside, rows[:-1] if holds_until_next else rows[1:])


@pytest.mark.agreement
def test_every_threshold_of_the_trial_agrees_with_an_amended_protocol(screening):
    protocol = screening.protocol
    for row in protocol.threshold_table().itertuples():
        for value in (row.value, row.value + row.step, row.low):
            moved = tt.screen(protocol.with_thresholds({row.threshold: value}), screening.patients)
            counts = screening.sweep(row.threshold, [value]).iloc[0]
            assert (counts["certain"], counts["possible"]) == (moved.certain, moved.possible), (row.threshold, value)


def test_ids_of_thresholds(protocol, screening):
    listed = protocol.threshold_table().set_index("threshold")
    assert listed.loc["I1.upper", ["operator", "value", "low", "high", "step"]].tolist() == ["<=", 85, 0, 120, 1]
    twice = Protocol("X", "X", FIELDS, (Criterion("X", "inclusion", "x", when="age > 6 or age > 8 or bmi >= 3"),))
    assert twice.threshold_table()["threshold"].tolist() == ["X.age.1", "X.age.2", "X.bmi"]
    days = protocol.with_readings({"E9": "days_90"})
    assert days.threshold_table().iloc[-1][["threshold", "unit", "value"]].tolist() == ["E9.days", "days", 90]
    with pytest.raises(tt.ProtocolError, match=r"no threshold 'I1'; known are I1.lower, I1.upper|did you mean"):
        screening.sweep("I1")


def test_a_number_between_two_things_is_no_threshold_of_either():
    """To move it for one would move it for the other; a sweep answered both comparisons as one."""
    between = Protocol("X", "X", FIELDS, (Criterion("X", "inclusion", "x", when="age <= 5 <= bmi and dose > 5"),))
    assert between.threshold_table()["threshold"].tolist() == ["X.dose"]
    frame = pl.DataFrame({"patient_id": ["1", "2"], "age": [1, 1], "bmi": [6.0, 1.0], "dose": [6.0, 6.0]})
    made = tt.screen(between, frame)
    assert made.sweep("X.dose", [5, 6])["certain"].tolist() == [1, 0]
    for id in ("X.age", "X.bmi"):
        with pytest.raises(tt.ProtocolError, match=f"no threshold '{id}'"):
            made.sweep(id)
        with pytest.raises(tt.ProtocolError, match=f"no threshold '{id}'"):
            between.with_thresholds({id: 6})


def test_replaced_patterns_are_what_is_counted(screening):
    half = screening.patterns.iloc[::2]
    made = Screening(screening.protocol, screening.patients, half)
    assert made.overlap()["failed"].sum() == half["n"][half["failed"] != 0].sum()


# --- relaxing ---------------------------------------------------------------------------------------------------------


@pytest.mark.agreement
@given(games(), st.integers(0, 12), st.sampled_from(ENDS), st.integers(0, 31))
def test_relaxing_finds_all_smallest_sets_and_leaves_what_is_locked(game, target, end, locked):
    m, rows = game
    made = screened(rows, m)
    criteria = [replace(c, locked=bool(locked >> i & 1)) for i, c in enumerate(made.protocol.criteria)]
    made = tt.screen(replace(made.protocol, criteria=tuple(criteria)), made.patients)
    free = [i for i in range(m) if not locked >> i & 1]
    reach = {
        dropped: eligible(rows, [i for i in range(m) if i not in dropped], end)
        for size in range(len(free) + 1)
        for dropped in combinations(free, size)
    }
    goal = min(target, max(reach.values()))
    least = min(len(dropped) for dropped, n in reach.items() if n >= goal)
    wanted = {", ".join(f"I{i}" for i in d) for d, n in reach.items() if n >= goal and len(d) == least}
    frame = made.fewest_to_drop(target, count=end)
    assert set(frame["criteria"]) <= wanted and len(frame) == min(len(wanted), 12)
    assert set(frame["reaches"]) == {max(reach.values()) >= target} and frame["size"].dtype == "int64"
    for row in frame.itertuples():
        kept = [i for i in range(m) if f"I{i}" not in row.criteria.split(", ")]
        assert [row.certain, row.possible] == [eligible(rows, kept, each) for each in ENDS]
        assert row.gain == getattr(row, end) - getattr(made, end)
