"""Amendments: what changes, who moves, and a proof of who is let in, held against brute force."""

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.criteria.contents import Protocol, read_protocol
from trialtools.criteria.language import ProtocolError, evaluate
from trialtools.criteria.patient.tree import decision
from trialtools.criteria.protocol import Criterion, Fact, Field, write_protocol

FIELDS = {
    "a": Field("flag", "a"),
    "p": Field("flag", "p", applies="a"),
    "i": Field("integer", "i", range=(0, 2)),
    "c": Field("category", "c", values=("x", "y")),
}
VALUES = {"a": [True, False], "p": [True, False], "i": [0, 1, 2], "c": ["x", "y"]}
WORLDS = [dict(zip(FIELDS, values, strict=True)) for values in product(*VALUES.values())]
RECORDS = [dict(zip(FIELDS, values, strict=True)) for values in product(*([*v, None] for v in VALUES.values()))]
atoms = st.sampled_from(
    ["a", "p", "not a", "i > 0", "i >= 1", "i == 2", 'c == "x"', "a or i < 2", "known(i)", "missing(a)", "missing(p)"]
)
texts = st.lists(
    st.one_of(atoms, st.builds(lambda x, sign, y: f"({x}) {sign} ({y})", atoms, st.sampled_from(["and", "or"]), atoms)),
    min_size=1,
    max_size=3,
)


def protocol_of(texts: list[str], facts: list[str]) -> Protocol:
    kinds = ("inclusion", "exclusion", "inclusion")
    criteria = tuple(Criterion(f"C{n}", kinds[n], f"C{n}", when=text) for n, text in enumerate(texts))
    return Protocol("small", "small", FIELDS, criteria, facts=tuple(Fact("F1", fact, fact) for fact in facts))


def possible(protocol: Protocol, record: dict, facts: dict) -> bool:
    """Whether a record can belong to a patient of whom all declared facts hold."""
    for world in WORLDS:
        real = protocol.facts_of(world)
        fits = all(record[name] in (None, world[name]) for name in record)
        coherent = not (record["p"] is True and real["p"] is False)
        if fits and coherent and not any(evaluate(fact, real) is False for fact in facts.values()):
            return True
    return False


def expected(first: Protocol, second: Protocol, records: list[dict]) -> str:
    before, after = ([decision(protocol, record) for record in records] for protocol in (first, second))
    lost = any(b == "eligible" != a for b, a in zip(before, after, strict=True))
    gained = any(a == "eligible" != b for b, a in zip(before, after, strict=True))
    if gained or lost:
        return "neither" if gained and lost else "wider" if gained else "narrower"
    return "same" if before == after else "same admitted"


@pytest.mark.agreement
@settings(max_examples=sample(100))
@given(texts, texts, st.lists(atoms, max_size=1))
def test_the_proof_is_what_brute_force_finds(before, after, facts):
    first, second = protocol_of(before, facts), protocol_of(after, [])
    records = [record for record in RECORDS if possible(first, record, first.fact_formulas)] or RECORDS
    difference = tt.diff(first, second)
    assert difference.relation == expected(first, second, records)
    if "declared" not in difference.premises:
        assert difference.relation == expected(first, second, RECORDS)
    for name, (one, other) in {"gained": (first, second), "lost": (second, first)}.items():
        if (patient := getattr(difference, name)) is not None:
            assert decision(one, patient) != decision(other, patient) == "eligible"
    if difference.turned is not None:
        assert {decision(first, difference.turned), decision(second, difference.turned)} == {
            "undetermined",
            "ineligible",
        }
    assert (difference.gained is not None) == (difference.relation in ("wider", "neither"))
    assert (difference.lost is not None) == (difference.relation in ("narrower", "neither"))
    assert (difference.turned is not None) == (difference.relation == "same admitted")


@pytest.mark.agreement
@settings(max_examples=sample(20))
@given(texts, texts)
def test_nobody_moves_whom_the_proof_holds_in_place(before, after):
    first, second = protocol_of(before, []), protocol_of(after, [])
    table = pd.DataFrame([{"patient_id": f"P{n}", **record} for n, record in enumerate(RECORDS)])
    difference = tt.diff(first, second, table)
    moves = {(b, a) for b, a in difference.moved[["before", "after"]].astype(str).itertuples(index=False) if b != a}
    assert bool(moves) == (difference.relation != "same")
    assert ("No patient moves." in str(difference)) == (difference.relation == "same")


@pytest.mark.parametrize(
    ("before", "after", "relation"),
    [
        ("i > 1", "i > 1 or missing(i)", "wider"),
        ("known(i)", "known(i) and (i < 1 or i >= 1)", "same"),
        ("i < 1 or i >= 1", "known(i)", "same admitted"),
        ("a or not a", "known(a)", "same admitted"),
    ],
)
def test_missing_values_make_a_difference(before, after, relation):
    assert tt.diff(protocol_of([before], []), protocol_of([after], [])).relation == relation


def test_what_a_proof_rests_on_is_said():
    first = protocol_of(["a"], ["i > 0"])
    difference = tt.diff(first, first.amend({"C0": "a and i > 0"}))
    assert difference.relation == "narrower"  # the value may not be on record
    difference = tt.diff(first, first.amend({"C0": "a and not i < 1 or a and missing(i)"}))
    assert difference.relation == "same" and 'as long as the declared fact holds: "i > 0"' in difference.sentence
    doubled = protocol_of(["i * 2 > 1"], [])
    assert "if sums and products are exact" in tt.diff(doubled, doubled.amend({"C0": "i > 0.5"})).sentence


def test_an_amendment_changes_one_criterion_and_the_hash(protocol):
    younger = protocol.amend({"I1": "18 <= age <= 75"})
    assert younger.sha256 != protocol.sha256
    assert [c.id for c in younger.criteria] == [c.id for c in protocol.criteria]
    difference = tt.diff(protocol, younger)
    assert list(difference.changes["criterion"]) == ["I1"] and difference.relation == "narrower"
    assert 75 < difference.lost["age"] <= 85


def test_settling_an_ambiguous_sentence_keeps_its_note(protocol):
    settled = protocol.amend({"I6": "respiratory_rate < 30"})
    assert settled.criterion["I6"].readings == {}
    assert next(a.treatment for a in settled.ambiguities if a.id == "C1") == "note"
    assert tt.diff(protocol, settled).relation == "same"


def test_leaving_out_a_redundant_criterion_admits_nobody_new(protocol):
    assert tt.diff(protocol, protocol.amend({"I3": None})).relation == "same"
    assert tt.diff(protocol, protocol.amend({"I9": None})).relation == "wider"


def test_an_amended_protocol_is_written_and_read_back(protocol, tmp_path):
    amended = protocol.amend(
        {"I1": "18 <= age <= 75", "E9": None, "I2": replace(protocol.criterion["I2"], label="1e3")}
    )
    (tmp_path / "registry").mkdir()
    path = write_protocol(amended, tmp_path / "amended.yaml")
    again = read_protocol(path.read_text("utf-8"))
    assert again.criteria == amended.criteria and [a.id for a in again.ambiguities] == [
        a.id for a in amended.ambiguities
    ]


def test_who_moves_adds_up(protocol, root):
    cohort = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    difference = tt.diff(protocol, protocol.amend({"I1": "18 <= age <= 75"}), cohort)
    assert difference.moved["n"].sum() == cohort.n
    moved = difference.moved.query("before != after")
    assert set(moved["after"].astype(str)) == {"ineligible"} and moved["n"].sum() > 0


def test_a_criterion_that_is_not_there_is_named(protocol):
    with pytest.raises(ProtocolError, match="no criterion 'I99'"):
        protocol.amend({"I99": "age > 3"})
    with pytest.raises(ProtocolError, match="did you mean 'age'"):
        protocol.amend({"I1": "agee > 3"})
