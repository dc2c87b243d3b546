"""What to measure next, and what readings do together: held against trying it out, patient by patient."""

from itertools import product

import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.criteria.contents import Protocol
from trialtools.criteria.language import evaluate
from trialtools.criteria.protocol import Criterion, Field

FIELDS = {
    "a": Field("flag", "a"),
    "b": Field("flag", "b", applies='s == "x"'),
    "i": Field("integer", "i", range=(0, 5)),
    "s": Field("category", "s", values=("x", "y")),
}
VALUES = {"a": [True, False], "b": [True, False], "i": list(range(6)), "s": ["x", "y"]}
atoms = st.sampled_from(
    ["a", "b", "not a", "not b", "i > 2", "1 <= i <= 3", 's == "x"', "i == 2", "at_least(2, a, b, i > 3)"]
)
texts = st.one_of(atoms, st.builds(lambda x, op, y: f"({x}) {op} ({y})", atoms, st.sampled_from(["and", "or"]), atoms))
patients = st.lists(
    st.fixed_dictionaries({name: st.sampled_from([None, None, *values]) for name, values in VALUES.items()}), max_size=8
)


@st.composite
def protocols(draw):
    kinds = st.sampled_from(["inclusion", "exclusion"])
    criteria = tuple(
        Criterion(f"C{n}", draw(kinds), f"C{n}", readings={"one": draw(texts), "two": draw(texts)})
        for n in range(draw(st.integers(1, 3)))
    )
    return Protocol("small", "small", FIELDS, criteria)


def table(rows):
    schema = {"patient_id": pl.String, "a": pl.Boolean, "b": pl.Boolean, "i": pl.Int64, "s": pl.String}
    return pl.DataFrame([{"patient_id": str(n), **row} for n, row in enumerate(rows)], schema=schema)


def decision(protocol, patient):
    facts = protocol.facts_of(patient)
    states = [evaluate(formula, facts) for formula in protocol.requirements.values()]
    return False if False in states else None if None in states else True


@pytest.mark.agreement
@settings(max_examples=sample(50))
@given(protocols(), patients)
def test_the_worklist_is_what_trying_every_answer_finds(protocol, rows):
    worklist = tt.screen(protocol, table(rows)).worklist().set_index("field")
    open_ = [row for row in rows if decision(protocol, row) is None]
    for name in protocol.used_fields:
        lacking = [row for row in open_ if protocol.facts_of(row)[name] is None]
        answers = [{decision(protocol, {**row, name: value}) for value in VALUES[name]} for row in lacking]
        expected = {
            "unknown": len(lacking),
            "settles": sum(None not in each for each in answers),
            "could_enter": sum(True in each for each in answers),
            "could_end": sum(False in each for each in answers),
            "of": len(open_),
        }
        assert {key: int(worklist.loc[name, key]) for key in expected} == expected, name


@pytest.mark.agreement
@settings(max_examples=sample(25))
@given(protocols(), patients)
def test_readings_counted_together_are_readings_screened_apart(protocol, rows):
    cohort = tt.read_patients(table(rows), protocol)
    frame = tt.compare_readings(protocol, cohort)
    before = [decision(protocol, row) for row in rows]
    for row in frame.to_dict("records"):
        other = protocol.with_readings({row["criterion"]: row["reading"]})
        screening = tt.screen(other, cohort)
        assert (row["certain"], row["possible"], row["n"]) == (screening.certain, screening.possible, len(rows))
        assert row["moved"] == sum(decision(other, r) is not was for r, was in zip(rows, before, strict=True))
    for row in tt.cohort.reading_interactions(protocol, cohort).to_dict("records"):
        both = protocol.with_readings(dict(row[which].split("=") for which in ("first", "second")))
        screening = tt.screen(both, cohort)
        assert (row["certain"], row["possible"]) == (screening.certain, screening.possible)


def test_every_pair_is_looked_at(protocol, root):
    cohort = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    pairs = tt.cohort.reading_interactions(protocol, cohort)
    others = [(c.id, r) for c in protocol.criteria for r in list(c.readings)[1:]]
    possible = sum(a[0] != b[0] for a, b in product(others, others)) // 2
    assert 0 < len(pairs) <= possible
    assert (pairs["moved"].diff().dropna() <= 0).all()
