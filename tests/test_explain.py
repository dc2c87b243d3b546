"""Reasons for one patient: brute force on small random protocols, then one trial read as a coordinator would.

Brute force tries every set of facts and every value; the package must find the same sets in the same order.
"""

from __future__ import annotations

import re
import timeit
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialtools.criteria.contents import Protocol, load_protocol, read_protocol
from trialtools.criteria.language import evaluate, parse
from trialtools.criteria.language import names as names_in
from trialtools.criteria.patient.cells import atoms, changes, rank, split, typical, unrank
from trialtools.criteria.patient.items import open_items
from trialtools.criteria.patient.nearest import Block, nearest_eligible
from trialtools.criteria.patient.tree import Node
from trialtools.criteria.patient.verdict import explain
from trialtools.criteria.protocol import Criterion, DataError, Fact, Field

# --- small protocols --------------------------------------------------------------------------------------------------

FIELDS = {
    "c": Field("category", "C", values=("x", "y", "z"), change="either"),
    "n": Field("integer", "N", range=(0, 4), step=2, cost=2),
    "a": Field("flag", "A", change="gain"),
    "m": Field("integer", "M", range=(0, 2), change="gain", cost=3),
    "b": Field("flag", "B", applies='c == "x" or n > 2'),
    "r": Field("number", "R", range=(0.0, 2.0), step=0.75, cost=1),
    "e": Field("flag", "E", change="never", cost=2),
}
DOMAIN: dict[str, tuple[Any, ...]] = {
    "c": ("x", "y", "z"),
    "n": (0, 1, 2, 3, 4),
    "m": (0, 1, 2),
    "r": (0.25, 0.5, 1.0, 1.5, 1.75),  # criteria cut at 0.5 and 1.5
    **dict.fromkeys("abe", (False, True)),
}
order = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
number_atoms = st.one_of(
    st.builds(lambda op, k: f"n {op} {k}", order, st.integers(0, 4)),
    st.builds(lambda op, k: f"r {op} {k}", order, st.sampled_from([0.5, 1.5])),
    st.builds(lambda op, k: f"3 - 2 * n {op} {k}", order, st.integers(-4, 4)),
    st.builds(lambda op, k: f"6 / (n - 2) {op} {k}", order, st.integers(-4, 4)),
    st.sampled_from(["1 <= n <= 3", "0.5 < r <= 1.5", "n in (1, 3)", "n not in (0, 4)"]),
)
ties = st.sampled_from(["n < m", "n - m >= 1", "n * n > 4", "m / n >= 1", "n + m in (2, 4)", "n != m"])
other_atoms = st.sampled_from(
    ["a", "b", "e", "a == b", "a != e", 'c == "x"', 'c != "y"', 'c in ("y", "z")', "a", "b", "e"]
)
facts = st.sampled_from(
    ["not a or b", "not b or e or n > 0", "a or e or r < 1.5", "not (a and e)", 'n < 4 or c == "x"', "m < 2 or a"]
)
asks = st.sampled_from(["known(n)", "missing(c)", "missing(b)", "known(a)"])


@cache
def formulas(*atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(other_atoms, number_atoms, *atoms),
        lambda inner: st.one_of(
            st.builds(lambda x: f"(not {x})", inner),
            st.builds(
                lambda op, xs: "(" + f" {op} ".join(xs) + ")",
                st.sampled_from(["and", "or"]),
                st.lists(inner, min_size=2, max_size=3),
            ),
            st.builds(
                lambda n, xs: f"at_least({min(n, len(xs))}, {', '.join(xs)})",
                st.integers(1, 3),
                st.lists(inner, min_size=2, max_size=4),
            ),
        ),
        max_leaves=5,
    )


@st.composite
def protocols(draw: Any, *atoms: st.SearchStrategy[str]) -> Protocol:
    texts = draw(st.lists(formulas(*atoms), min_size=1, max_size=4))
    kinds = [draw(st.sampled_from(["inclusion", "exclusion"])) for _ in texts]
    criteria = tuple(
        Criterion(f"C{i}", kind, f"C{i}", when=text) for i, (kind, text) in enumerate(zip(kinds, texts, strict=True))
    )
    said = draw(st.lists(facts, max_size=2))
    return Protocol(
        "P", "P", FIELDS, criteria, facts=tuple(Fact(f"F{i}", f"F{i}", text) for i, text in enumerate(said))
    )


def patients(least: int = 0, most: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Records with so many facts unknown."""
    missing = st.lists(st.sampled_from(list(FIELDS)), min_size=least, max_size=most, unique=True)
    values = st.fixed_dictionaries({name: st.sampled_from(DOMAIN[name]) for name in FIELDS})
    return st.builds(lambda values, gone: {n: v for n, v in values.items() if n not in gone}, values, missing)


# --- brute force ------------------------------------------------------------------------------------------------------


def decision(protocol: Protocol, patient: Mapping[str, Any]) -> str:
    facts = protocol.facts_of(patient)
    values = [evaluate(formula, facts) for formula in protocol.requirements.values()]
    return "ineligible" if False in values else "undetermined" if None in values else "eligible"


def consistent(protocol: Protocol, patient: Mapping[str, Any]) -> bool:
    """No flag is true where it does not apply, and no declared fact is broken."""
    facts = protocol.facts_of(patient)
    if any(patient.get(name) is True and facts[name] is False for name in protocol.applies):
        return False
    return all(evaluate(parse(fact.formula, protocol.fields), facts) is not False for fact in protocol.facts)


def possible(protocol: Protocol, patient: Mapping[str, Any]) -> bool:
    """Whether some completion of a record is consistent; what no fact and no `applies` asks about is left open."""
    fields = {name for fact in protocol.facts for name in names_in(parse(fact.formula, protocol.fields))}
    fields |= {name for flag, formula in protocol.applies.items() for name in (flag, *names_in(formula))}
    return _possible(
        tuple(fact.formula for fact in protocol.facts),
        tuple(patient.get(n) for n in FIELDS if n in fields),
        frozenset(fields),
    )


@cache
def _possible(formulas: tuple[str, ...], values: tuple[Any, ...], fields: frozenset[str]) -> bool:
    facts = tuple(Fact(f"F{i}", "", formula) for i, formula in enumerate(formulas))
    bare = Protocol("P", "P", FIELDS, (Criterion("C", "inclusion", "C", when=True),), facts=facts)
    names = [name for name in FIELDS if name in fields]
    choice = [DOMAIN[n] if value is None else (value,) for n, value in zip(names, values, strict=True)]
    return any(consistent(bare, dict(zip(names, row, strict=True))) for row in product(*choice))


def answers(names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for row in product(*(DOMAIN[name] for name in names)):
        yield dict(zip(names, row, strict=True))


def subsets(names: list[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(names) + 1):
        yield from combinations(names, size)


def place(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(sorted(list(FIELDS).index(name) for name in names))


def order_of(names: tuple[str, ...]) -> tuple[int, int, tuple[int, ...]]:
    return sum(FIELDS[name].cost for name in names), len(names), place(names)


def smallest_sets(protocol: Protocol, patient: Mapping[str, Any], wanted: str) -> list[tuple[str, ...]]:
    """Every inclusion-minimal set of unknown facts with possible answers that bring about a decision."""
    unknown = [name for name in FIELDS if name not in patient]
    smallest: list[tuple[str, ...]] = []
    for names in subsets(unknown):
        if any(set(earlier) <= set(names) for earlier in smallest):
            continue
        completed = ({**patient, **more} for more in answers(names))
        if any(decision(protocol, record) == wanted and possible(protocol, record) for record in completed):
            smallest.append(names)
    return sorted(smallest, key=order_of)


def moves(name: str, value: Any) -> list[Any]:
    """Where a known fact may go, itself included."""
    field = FIELDS[name]
    if field.change == "never":
        return [value]
    if field.type in ("flag", "category"):
        return [v for v in DOMAIN[name] if v == value or field.change == "either" or v is True]
    low, high = field.range  # type: ignore[misc]
    steps = [value + k * (field.step or 1) for k in range(-9, 10)]
    return [v for v in steps if low <= v <= high and (field.change == "either" or v >= value)]


def cost_of(patient: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, ...]:
    """Changed facts, distance, then the facts that are found out."""
    changed = tuple(name for name in patient if after[name] != patient[name])
    new_facts = tuple(name for name in after if name not in patient)
    far = 0.0
    for name in changed:
        low, high = FIELDS[name].range or (0, 1)  # type: ignore[misc]
        far += 1.0 if FIELDS[name].type in ("flag", "category") else abs(after[name] - patient[name]) / (high - low)
    used = changed + new_facts
    return len(changed), round(far, 6), sum(FIELDS[name].cost for name in used), len(used), place(used)


def nearest_by_force(protocol: Protocol, patient: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The least cost of an eligible record."""
    unasked = object()
    formulas = [*protocol.requirements.values(), *(parse(fact.formula, FIELDS) for fact in protocol.facts)]
    fields = {name for formula in formulas for name in names_in(formula)}
    for flag, applies in protocol.applies.items():
        fields |= {flag, *names_in(applies)} if flag in fields or patient.get(flag) else set()
    still = [[patient.get(n, unasked)] for n in FIELDS]
    free = [moves(n, patient[n]) if n in patient else [unasked, *DOMAIN[n]] for n in FIELDS]
    options = [here if n in fields else there for n, here, there in zip(FIELDS, free, still, strict=True)]
    best: tuple[Any, ...] | None = None
    for row in product(*options):
        after = {name: value for name, value in zip(FIELDS, row, strict=True) if value is not unasked}
        cost = cost_of(patient, after)
        if (best is None or cost < best) and decision(protocol, after) == "eligible" and possible(protocol, after):
            best = cost
    return best


# --- agreement --------------------------------------------------------------------------------------------------------


def known_of(protocol: Protocol, patient: Mapping[str, Any]) -> dict[str, Any]:
    """The record without flags that cannot be so."""
    facts = protocol.facts_of(patient)
    return {name: value for name, value in patient.items() if facts[name] == value}


def check_open_items(protocol: Protocol, patient: dict[str, Any]) -> None:
    smallest = open_items(protocol, patient, limit=1000)
    record = known_of(protocol, patient)
    assert smallest.decision == decision(protocol, patient)
    if smallest.decision != "undetermined" or not possible(protocol, record):
        return
    assert not smallest.set_aside and smallest.complete
    by_force = {kind: smallest_sets(protocol, record, kind) for kind in ("eligible", "ineligible")}
    assert [place(items.fields) for items in smallest.to_eligible] == [place(s) for s in by_force["eligible"]]
    assert [place(items.fields) for items in smallest.to_ineligible] == [place(s) for s in by_force["ineligible"]]
    assert [items.cost for items in smallest.to_eligible] == [order_of(s)[0] for s in by_force["eligible"]]


@pytest.mark.agreement
@given(protocols(), patients(2, 5))
def test_open_items_are_the_smallest_sets(protocol: Protocol, patient: dict[str, Any]) -> None:
    check_open_items(protocol, patient)


@pytest.mark.agreement
@given(protocols(asks, ties), patients(2, 4))
def test_open_items_where_fields_are_tied_or_asked_for(protocol: Protocol, patient: dict[str, Any]) -> None:
    check_open_items(protocol, patient)


def check_nearest(protocol: Protocol, patient: dict[str, Any]) -> None:
    nearest = nearest_eligible(protocol, patient)
    record = known_of(protocol, patient)
    by_force = nearest_by_force(protocol, record)
    assert nearest.possible is (by_force is not None)
    if by_force is None:
        assert nearest.blocks
        for block in nearest.blocks:
            check_block(protocol, record, block)
        return
    assert decision(protocol, nearest.patient) == "eligible" and possible(protocol, nearest.patient)
    assert all(nearest.patient[name] in moves(name, record[name]) for name in record)
    assert {c.field for c in nearest.changes} == {name for name in record if nearest.patient[name] != record[name]}
    assert cost_of(record, nearest.patient) == by_force


def check_block(protocol: Protocol, record: dict[str, Any], block: Block) -> None:
    """What is said to stand in the way does so whatever else is known, and no part of it does."""
    facts = tuple(fact for fact in protocol.facts if fact.id in block.declared)
    criteria = tuple(protocol.criterion[id] for id in block.criteria)
    alone = replace(protocol, criteria=criteria or (Criterion("C", "inclusion", "C", when=True),), facts=facts)
    known = {name: record[name] for name in block.known}
    assert nearest_by_force(alone, known) is None
    for name in known:
        assert nearest_by_force(alone, {n: v for n, v in known.items() if n != name}) is not None
    for id in block.criteria if len(criteria) > 1 else ():
        fewer = tuple(criterion for criterion in criteria if criterion.id != id)
        assert nearest_by_force(replace(alone, criteria=fewer), record) is not None


@pytest.mark.agreement
@given(protocols(), patients(0, 3))
def test_the_nearest_eligible_patient(protocol: Protocol, patient: dict[str, Any]) -> None:
    check_nearest(protocol, patient)


@pytest.mark.agreement
@given(protocols(asks, ties), patients(0, 2))
def test_the_nearest_where_fields_are_tied_or_asked_for(protocol: Protocol, patient: dict[str, Any]) -> None:
    check_nearest(protocol, patient)


def test_a_tied_fact_that_can_move_no_further_is_still_tied() -> None:
    """N can only be 0: below M and, with M, 2 or 4; and M is at the end of its range."""
    protocol = Protocol("P", "P", FIELDS, (Criterion("C0", "inclusion", "C0", when="n < m and n + m in (2, 4)"),))
    check_nearest(protocol, {"c": "x", "a": False, "m": 2, "b": False, "r": 0.25, "e": False})


def test_what_was_not_looked_at_is_not_called_impossible() -> None:
    """Too many ways to look at all of them, and values of which only some were tried: there is an answer to both."""
    flags = {f"f{i}": Field("flag", f"F{i}") for i in range(15)}
    wide = {name: Field("integer", name, range=(0, 1000)) for name in "xy"}
    for fields, texts in (
        (flags, [f"at_least(5, {', '.join(flags)})", f"not at_least(8, {', '.join(flags)})"]),
        (wide, ["x + y == 10", "x - y == 2"]),
    ):
        criteria = tuple(Criterion(f"C{i}", "inclusion", f"C{i}", when=text) for i, text in enumerate(texts))
        protocol = Protocol("P", "P", fields, criteria)
        items, nearest = open_items(protocol, {}), nearest_eligible(protocol, {})
        assert items.to_eligible or not items.complete
        assert "Nothing that is still unknown" not in items.text()
        assert nearest.possible is not False and not nearest.blocks


def test_a_window_of_a_ratio_is_found_though_a_field_stands_twice_in_it() -> None:
    fields = {
        "weight": Field("number", "Weight", unit="kg", range=(20, 300), step=1),
        "height": Field("number", "Height", unit="m", range=(1.0, 2.3), change="never"),
    }
    bmi = Criterion("I1", "inclusion", "BMI", when="25 <= weight / (height * height) <= 30")
    protocol = Protocol("P", "P", fields, (bmi,))
    (items,) = open_items(protocol, {"weight": 80}).to_eligible
    assert items.fields == ("height",)
    assert nearest_eligible(protocol, {"weight": 120, "height": 1.8}).text() == "Nearest change: Weight 120 -> 97 kg"


@given(protocols(asks, ties), patients(0, 7))
def test_the_verdict_tree_says_what_the_reference_says(protocol: Protocol, patient: dict[str, Any]) -> None:
    verdict = explain(protocol, patient)
    facts = protocol.facts_of(patient)
    value = {"pass": True, "fail": False, "unknown": None}
    assert verdict.decision == decision(protocol, patient)
    for criterion in verdict.criteria:
        assert value[criterion.state] is evaluate(protocol.requirements[criterion.id], facts)
        check_deciding(criterion.tree)
    assert verdict.text() and verdict.text(full=True) and verdict._repr_html_()


def check_deciding(node: Node) -> None:
    """What decides has the state of the whole; at least one step does."""
    if node.children and node.deciding:
        assert any(child.deciding for child in node.children)
    for child in node.children:
        assert child.deciding == (node.deciding and child.state == node.state)
        check_deciding(child)


# --- cells ------------------------------------------------------------------------------------------------------------

RULER = {
    "x": Field("number", "X", range=(-5.0, 5.0)),
    "k": Field("integer", "K", range=(-20, 20)),
    "d": Field("date", "D", range=(date(2020, 1, 1), date(2024, 12, 31))),
}
constants = st.sampled_from(["0", "0.1", "0.3", "1", "2.5", "-1", "3"])
lines = st.recursive(
    st.sampled_from(["x", "k", '(d - date("2022-02-28"))']),
    lambda inner: st.one_of(
        st.builds(lambda a, op, c: f"({a} {op} {c})", inner, st.sampled_from("+-*"), constants),
        st.builds(lambda a, c: f"({c} / {a})", inner, constants),
    ),
    max_leaves=4,
)
comparisons = st.one_of(
    st.builds(lambda a, op, c: f"{a} {op} {c}", lines, order, constants),
    st.builds(lambda a, c: f"{a} in ({c}, 2)", lines, constants),
    st.builds(lambda op, n: f'months_before(d, {n}) {op} date("2021-02-28")', order, st.integers(0, 20)),
)


@given(comparisons, st.integers(0, 10**6))
def test_a_formula_cannot_tell_the_values_of_a_cell_apart(text: str, seed: int) -> None:
    formula = parse(text, RULER)
    (name,) = names_in(formula)
    starts = [place for atom in atoms(formula) for place in changes(atom, name, RULER[name])]
    for cell in split(RULER[name], starts):
        places = [*cell, *(Random(seed).randint(*cell) for _ in range(5))]
        values = [unrank(RULER[name], place) for place in places] + [typical(RULER[name], cell)]
        assert all(rank(RULER[name], value) in range(cell[0], cell[1] + 1) for value in values)
        assert len({evaluate(formula, {name: value}) for value in values}) == 1


# --- one trial --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trial() -> Protocol:
    return load_protocol(Path(__file__).parents[1] / "data" / "protocols" / "NCT05741099.yaml")


@pytest.fixture
def woman(trial: Protocol) -> dict[str, Any]:
    """A woman of 71 of whom everything that matters is known and well."""
    no = {name: False for name, field in trial.fields.items() if field.type == "flag"}
    yes = dict.fromkeys(["cough", "pcr_positive", "radiology_characteristic", "consent"], True)
    measured = {"age": 71, "sex": "female", "respiratory_rate": 22, "spo2": 95, "clinical_type": "moderate"}
    return {**no, **yes, **measured, "patient_id": "P-0147"}


def without(patient: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in patient.items() if name not in names}


def test_a_coordinator_reads_the_verdict(trial: Protocol, woman: dict[str, Any]) -> None:
    patient = without(woman, "active_tuberculosis", "pregnant", "consent", "poor_compliance")
    verdict = explain(trial, {**patient, "respiratory_rate": 31, "high_fever_days": 99, "tumour_history": True})
    assert verdict.text() == VERDICT.strip("\n")


VERDICT = """
NCT05741099 · patient P-0147
✗ INELIGIBLE   13 pass · 2 fail · 3 unknown
! Duration of high fever (assumed: 39.1 °C or more): 99 is outside 0 to 60, read as not known.

✗ fail    I6  Respiratory rate
              "but respiratory rate≧30 breaths/ min"
              read as guideline
              ✗ Respiratory rate at rest 31/min (needed: below 30/min)

✗ fail    E1  Tumour or precancerous lesion (exclusion: applies)
              "Patients with prior or present tumor history,or precancerous lesions confirmed by pathological
               examination."
              read as lesions_confirmed
              ✗ all of these: (1 more does not decide)
                ✗ Tumour, now or ever: yes (needed: no)

? unknown E3  Pregnant or lactating (exclusion: not known whether it applies)
              "Pregnant or lactating patients."
              ? all of these: (1 more does not decide)
                ? Pregnant: not known (needed: no)

? unknown E6  No consent or poor compliance (exclusion: for a person to judge)
              "Patients Unable or unwilling to sign informed consent or poor compliance."
              ? all of these:
                ? Signed informed consent: not known (needed: yes)
                ? Poor compliance expected: not known (needed: no)

? unknown E7  Tuberculosis or another acute respiratory virus (exclusion: not known whether it applies)
              "Patients with active tuberculosis or influenza virus, adenovirus and other acute respiratory
               virus infection."
              read as other_viruses
              ? all of these: (3 more do not decide)
                ? Active tuberculosis: not known (needed: no)

✓ pass    I1  Age 18 to 85 · Age at screening 71 years
✓ pass    I2  Clinically classified as moderate · Clinical type given by the treating clinician: moderate
✓ pass    I3  Clinical manifestations of COVID-19 · Cough: yes
✓ pass    I4  SARS-CoV-2 shown in the laboratory · SARS-CoV-2 nucleic acid test positive: yes
✓ pass    I5  Symptoms of a moderate case · Cough: yes
✓ pass    I7  Oxygen saturation above 93 % · Oxygen saturation at rest, finger oximeter 95 %
✓ pass    I8  Characteristic imaging · Imaging shows characteristic COVID-19 pneumonia: yes
✓ pass    I9  At least one risk factor · Age at screening 71 years; Tumour, now or ever: yes
✓ pass    E2  Acute infarction (exclusion: does not apply) · Active acute myocardial infarction: no; Active
              acute cerebral infarction: no
✓ pass    E4  Mental illness, poorly controlled (exclusion: does not apply) · Mental illness that is poorly
              controlled: no
✓ pass    E5  Addiction (exclusion: does not apply) · Addicted to alcohol or drugs: no
✓ pass    E8  Deemed unsuitable by a clinician (exclusion: does not apply) · Deemed unsuitable for stem cell
              therapy by a clinician: no
✓ pass    E9  Another trial within 3 months (exclusion: does not apply) · Was enrolled in another clinical
              trial: no
"""


def test_awaiting_judgement_is_when_only_a_person_can_tell(trial: Protocol, woman: dict[str, Any]) -> None:
    assert explain(trial, woman).decision == "eligible"
    assert explain(trial, without(woman, "consent", "unsuitable")).awaiting_judgement
    assert not explain(trial, without(woman, "consent", "influenza")).awaiting_judgement


def test_what_is_open_is_told_as_a_coordinator_would_ask(trial: Protocol, woman: dict[str, Any]) -> None:
    items = open_items(trial, without(woman, "active_tuberculosis", "pregnant", "consent"))
    assert items.text().splitlines() == [
        "To settle: Pregnant, then Active tuberculosis",
        "Judgement still needed: Signed informed consent",
        "One answer would end it: Signed informed consent: no; Pregnant: yes; Active tuberculosis: yes",
    ]
    assert [a.field for a in items.to_settle] == ["pregnant", "active_tuberculosis"]
    assert items.to_eligible[0].cost == 7


def test_a_man_is_not_asked_about_pregnancy(trial: Protocol, woman: dict[str, Any]) -> None:
    patient = without(woman, "sex", "pregnant", "lactating")
    assert [a.field for a in open_items(trial, patient).to_settle] == ["sex"]


def test_what_cannot_become_well_is_said(trial: Protocol, woman: dict[str, Any]) -> None:
    """A perinatal woman is pregnant or lactating by a declared fact, and either excludes her."""
    patient = {**without(woman, "pregnant", "lactating"), "perinatal": True}
    items = open_items(trial, patient)
    assert not items.to_eligible and items.text().startswith("Nothing that is still unknown can make")


def test_a_row_of_a_frame_is_a_patient(trial: Protocol) -> None:
    row = {"age": np.int64(71), "spo2": np.float64(92), "pregnant": np.bool_(False), "infected_on": pd.NaT}
    plain = {"age": 71, "spo2": 92.0, "pregnant": False}
    assert explain(trial, row).text() == explain(trial, plain).text()
    with pytest.raises(DataError, match="no field '5'"):
        explain(trial, {5: 1})  # type: ignore[dict-item]


def test_sixty_bands_of_one_field_and_long_ties_are_no_work_for_minutes() -> None:
    bands = "\n".join(
        f"  - {{id: E{n}, kind: exclusion, label: Band {n}, when: '{n}.5 < a < {n}.7'}}" for n in range(60)
    )
    trial = read_protocol(f"id: S\ntitle: S\nfields:\n  a: {{type: number, label: A}}\ncriteria:\n{bands}\n")
    assert nearest_eligible(trial, {"a": 3.6}).text() == "Nearest change: A 3.6 -> 3.7"
    assert open_items(trial, {}).to_ineligible[0].answers[0].needed == "above 0.5 and below 0.7"
    fields = {name: Field("number", name.upper()) for name in "abcdefgh"}
    tied = Criterion("I1", "inclusion", "Tied", when="a + b + c + d + e + f + g + h == 10")
    with patch("trialtools.criteria.patient.cells.evaluate", wraps=evaluate) as evaluations:
        nearest_eligible(Protocol("S", "S", fields, (tied,)), dict.fromkeys(fields, 1.0))
    assert evaluations.call_count < 100_000


def test_a_fact_that_the_record_contradicts_is_set_aside(trial: Protocol, woman: dict[str, Any]) -> None:
    patient = {**without(woman, "influenza"), "late_pregnancy": True}
    assert explain(trial, patient).notes == (
        "The record contradicts F1 (Late pregnancy is pregnancy): Late trimester of pregnancy: yes · Pregnant: no.",
    )
    assert open_items(trial, patient).set_aside == ("F1",)
    assert [c.field for c in nearest_eligible(trial, patient).changes] == ["late_pregnancy"]


def test_the_nearest_change_is_in_steps_within_the_range(trial: Protocol, woman: dict[str, Any]) -> None:
    assert nearest_eligible(trial, {**woman, "spo2": 92}).text() == (
        "Nearest change: Oxygen saturation at rest, finger oximeter 92 -> 94 %"
    )
    both = nearest_eligible(trial, {**woman, "spo2": 92, "respiratory_rate": 31.5})
    assert [(c.field, c.before, c.after) for c in both.changes] == [("respiratory_rate", 31.5, 29.5), ("spo2", 92, 94)]


def test_a_history_cannot_be_undone(trial: Protocol, woman: dict[str, Any]) -> None:
    nearest = nearest_eligible(trial, {**woman, "tumour_history": True, "spo2": 92, "age": 90})
    assert nearest.text().splitlines() == [
        "No permitted change makes this patient eligible:",
        "  I1 (Age 18 to 85) stands in the way: Age at screening: 90 years, which never changes",
        "  E1 (Tumour or precancerous lesion) stands in the way: Tumour, now or ever: yes, which cannot be undone",
    ]


def test_criteria_that_only_together_stand_in_the_way() -> None:
    fields = {"bmi": Field("number", "BMI", range=(10, 80), step=0.1), "age": Field("integer", "Age", change="never")}
    low = Criterion("I1", "inclusion", "Lean", when="bmi < 25")
    risk = Criterion("I2", "inclusion", "At risk", when="bmi >= 30 or age > 65")
    nearest = nearest_eligible(Protocol("P", "P", fields, (low, risk)), {"bmi": 31.0, "age": 40})
    assert nearest.text().splitlines()[1:] == [
        "  I1 (Lean) and I2 (At risk) cannot be met together: Age: 40, which never changes"
    ]


def test_two_dates_are_weighed_against_each_other(trial: Protocol, woman: dict[str, Any]) -> None:
    patient = {**woman, "other_trial": True, "other_trial_on": date(2023, 1, 1)}
    items = open_items(trial, patient)
    assert [[a.field for a in s.answers] for s in (*items.to_eligible, *items.to_ineligible)] == [["screened_on"]] * 2
    assert items.to_eligible[0].answers[0].needed == "on or after 2023-04-02"


def test_facts_that_are_compared_with_each_other_are_told_by_the_comparison(
    trial: Protocol, woman: dict[str, Any]
) -> None:
    patient = {**without(woman, "other_trial_on"), "other_trial": True}
    needed = [(a.field, a.needed) for a in open_items(trial, patient).to_eligible[0].answers]
    sentences = (
        "The date of the last enrolment in another trial is before the day 3 calendar months "
        "before the date of screening"
    )
    assert needed == [("screened_on", sentences), ("other_trial_on", sentences)]


class Seen(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_html_escapes_all_that_comes_from_outside_and_asks_for_nothing() -> None:
    nasty = '<script>alert("x")</script> & \'"<img src=http://evil>'
    fields = {"a": Field("category", nasty, values=(nasty, "b")), "n": Field("number", "N", unit="<b>", range=(0, 9))}
    criteria = (
        Criterion("I1", "inclusion", nasty, readings={"one": 'a == "b"', "two": 'a != "b"'}, known_later=nasty),
        Criterion("E1", "exclusion", nasty, when="n > 3 or n < 1"),
    )
    html = explain(Protocol("P", nasty, fields, criteria), {"patient_id": nasty, "a": nasty, "n": 99})._repr_html_()
    assert "<script" not in html and "<img" not in html and "<b>" not in html
    assert html.count("<details") == html.count("</details>") == 2
    seen = Seen()
    seen.feed(html)
    assert seen.attributes <= {"class", "aria-label", "aria-hidden", "open"} and "script" not in seen.tags
    assert not re.search(r"url\(|@import", html)
    assert "outside 0 to 9" in html and "&lt;script&gt;" in html


def test_the_live_desk_is_fast_enough(trial: Protocol, woman: dict[str, Any]) -> None:
    """Generous, for a busy machine: a key press has 200 ms in all."""
    patients = [woman, {**woman, "spo2": 92}, {**woman, "tumour_history": True}, {"age": 71}, {}]
    for ask, most in ((explain, 0.1), (open_items, 0.5), (nearest_eligible, 0.5)):
        for patient in patients:
            assert min(timeit.repeat(lambda p=patient, f=ask: f(trial, p), number=1, repeat=3)) < most


def test_a_block_names_no_fact_that_a_flag_without_effect_would_settle() -> None:
    """Found by search: whether `b` applies holds too where the block does not name it, so `n` is not needed."""
    sketch = read_protocol(
        """
        {id: P, title: P, fields: {
           c: {type: category, label: C, values: [x, y, z]}, n: {type: integer, label: N, range: [0, 4], step: 2},
           a: {type: flag, label: A, change: gain}, b: {type: flag, label: B, applies: 'c == "x" or n > 2'}},
         criteria: [{id: C0, kind: exclusion, label: C0, when: b or 3 - 2 * n > 0}],
         facts: [{id: F0, says: F0, formula: not a or b}]}
        """
    )
    (block,) = nearest_eligible(sketch, {"c": "x", "n": 1, "a": True, "b": False}).blocks
    assert block.known == ("a",)
