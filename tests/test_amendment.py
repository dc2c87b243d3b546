"""Amendments: what changes, who moves, and a proof of who is let in, held against brute force."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trialtools as tt
from trialtools.criteria.contents import Protocol, read_protocol
from trialtools.criteria.language import ProtocolError, evaluate
from trialtools.criteria.protocol import Criterion, Field, write_protocol

FIELDS = {
    "a": Field("flag", "a"),
    "b": Field("flag", "b"),
    "i": Field("integer", "i", range=(0, 4)),
    "c": Field("category", "c", values=("x", "y", "z")),
}
PATIENTS = [
    dict(zip(FIELDS, values, strict=True))
    for values in product([True, False], [True, False], range(5), ["x", "y", "z"])
]
atoms = st.sampled_from(["a", "b", "not a", "i > 1", "i >= 2", "i == 3", 'c == "x"', 'c in ("x", "y")', "a or i < 2"])
texts = st.lists(st.one_of(atoms, st.builds(lambda x, y: f"({x}) and ({y})", atoms, atoms)), min_size=1, max_size=3)


def protocol_of(texts: list[str]) -> Protocol:
    criteria = tuple(Criterion(f"C{n}", "inclusion", f"C{n}", when=text) for n, text in enumerate(texts))
    return Protocol("small", "small", FIELDS, criteria)


def admitted(protocol: Protocol) -> set[int]:
    rules = protocol.requirements.values()
    return {n for n, patient in enumerate(PATIENTS) if all(evaluate(rule, patient) for rule in rules)}


@given(texts, texts)
def test_the_proof_is_what_brute_force_finds(before, after):
    first, second = protocol_of(before), protocol_of(after)
    one, two = admitted(first), admitted(second)
    expected = "same" if one == two else "wider" if one < two else "narrower" if one > two else "neither"
    found = tt.diff(first, second)
    assert found.relation == expected
    assert (found.gained is None) == (two <= one) and (found.lost is None) == (one <= two)


def test_an_amendment_changes_one_criterion_and_the_hash(protocol):
    younger = protocol.amend({"I1": "18 <= age <= 75"})
    assert younger.sha256 != protocol.sha256
    assert [c.id for c in younger.criteria] == [c.id for c in protocol.criteria]
    found = tt.diff(protocol, younger)
    assert list(found.changes["criterion"]) == ["I1"] and found.relation == "narrower"
    assert 75 < found.lost["age"] <= 85


def test_settling_an_ambiguous_sentence_keeps_its_note(protocol):
    settled = protocol.amend({"I6": "respiratory_rate < 30"})
    assert settled.criterion["I6"].readings == {}
    assert next(a.treatment for a in settled.ambiguities if a.id == "C1") == "note"
    assert tt.diff(protocol, settled).relation == "same"


def test_leaving_out_a_redundant_criterion_admits_nobody_new(protocol):
    assert tt.diff(protocol, protocol.amend({"I3": None})).relation == "same"
    assert tt.diff(protocol, protocol.amend({"I9": None})).relation == "wider"


def test_an_amended_protocol_is_written_and_read_back(protocol, tmp_path):
    amended = protocol.amend({"I1": "18 <= age <= 75", "E9": None})
    (tmp_path / "registry").mkdir()
    path = write_protocol(amended, tmp_path / "amended.yaml")
    again = read_protocol(path.read_text("utf-8"))
    assert again.criteria == amended.criteria and [a.id for a in again.ambiguities] == [
        a.id for a in amended.ambiguities
    ]


def test_who_moves_adds_up(protocol, root):
    cohort = tt.read_patients(root / "data/cohort/cohort.csv", protocol)
    found = tt.diff(protocol, protocol.amend({"I1": "18 <= age <= 75"}), cohort)
    assert found.moved["n"].sum() == cohort.n
    moved = found.moved.query("before != after")
    assert set(moved["after"].astype(str)) == {"ineligible"} and moved["n"].sum() > 0


def test_a_criterion_that_is_not_there_is_named(protocol):
    with pytest.raises(ProtocolError, match="no criterion 'I99'"):
        protocol.amend({"I99": "age > 3"})
    with pytest.raises(ProtocolError, match="did you mean 'age'"):
        protocol.amend({"I1": "agee > 3"})
