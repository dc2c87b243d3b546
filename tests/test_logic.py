"""Z3 and the reference evaluator say the same of every formula and every patient."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pytest
import z3
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools.criteria.contents import read_protocol
from trialtools.criteria.language import ProtocolError, evaluate, parse
from trialtools.criteria.language.formula import Compare, MonthsBefore, Name, Value
from trialtools.criteria.proofs.encode import encode
from trialtools.criteria.proofs.kleene import calendar_dates, has_power, is_long, truth_of

SKETCH = """
id: S
title: S
fields:
  n: {type: number, label: N, range: [-4, 8]}
  m: {type: number, label: M, step: 0.5}
  i: {type: integer, label: I, range: [0, 5]}
  a: {type: flag, label: A}
  b: {type: flag, label: B}
  p: {type: flag, label: P, applies: 'c == "x" and i > 1'}
  c: {type: category, label: C, values: [x, y, z]}
  e: {type: category, label: E, values: [w, z, y]}
  d: {type: date, label: D}
  u: {type: date, label: U, range: [2020-01-01, 2021-12-31]}
criteria:
  - {id: I1, kind: inclusion, label: A, when: a}
facts:
  - {id: F1, says: A or B, formula: a or b}
  - {id: F2, says: B brings P, formula: not b or p}
"""
PROTOCOL = read_protocol(SKETCH)
LOGIC = encode(PROTOCOL)
ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
SAME = st.sampled_from(["==", "!="])
NUMBERS = st.sampled_from([-5.0, -4.0, -1.5, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 7.75, 8.0, 9.0])  # exact as doubles
DAYS = st.sampled_from(
    [date(1900, 1, 1), date(1900, 2, 28), date(1999, 12, 31), date(2020, 2, 29), date(2020, 3, 31), date(2021, 5, 31)]
) | st.dates(date(1895, 1, 1), date(2102, 1, 1))


_DAYS = st.sampled_from(["d", "u", "months_before(d, 5)", 'date("2020-02-29")'])


def _number(draw, depth: int) -> str:
    kind = draw(st.integers(0, 9 if depth else 2))
    if kind == 0:
        return repr(draw(NUMBERS))
    if kind <= 2:
        return draw(st.sampled_from(["n", "m", "i"]))
    left, right = _number(draw, depth - 1), _number(draw, depth - 1)
    if kind == 7:
        return f"{draw(st.sampled_from(['min', 'max']))}({left}, {right})"
    if kind == 8:
        return f"completed_{draw(st.sampled_from(['years', 'months']))}({draw(_DAYS)}, {draw(_DAYS)})"
    if kind == 9:
        return f"({left}) ** {draw(st.sampled_from([2, 3, 2, 3, -1, 0.5]))}"
    return f"({left} {draw(st.sampled_from('+-*'))} {right})" if kind < 6 else "(d - u)"


def _comparison(draw) -> str:
    kind = draw(st.integers(0, 8))
    if kind == 0:
        return f"{draw(NUMBERS)} {draw(ORDER)} {draw(st.sampled_from('nmi'))} {draw(ORDER)} {_number(draw, 1)}"
    if kind == 1:  # a quotient stands alone: rounding one is harmless, rounding what is made of it may not be
        return f"{_number(draw, 1)} / {draw(st.sampled_from('nmi'))} {draw(ORDER)} {draw(NUMBERS)}"
    if kind == 2:
        return draw(st.sampled_from(["c", "e"])) + draw(SAME) + draw(st.sampled_from(["'z'", "'y'", "e", "c"]))
    if kind == 3:
        return f"{draw(st.sampled_from(['c', 'e']))} {draw(st.sampled_from(['in', 'not in']))} ('y', 'z')"
    if kind == 4:
        return f"{draw(st.sampled_from('nmi'))} in ({draw(NUMBERS)}, {draw(st.integers(0, 5))})"
    if kind == 5:
        moved = f"months_before({draw(st.sampled_from('du'))}, {draw(st.integers(0, 30))})"
        return f"d {draw(ORDER)} {draw(st.sampled_from([moved, f'months_before({moved}, 1)', 'u']))}"
    if kind == 6:
        return f'u {draw(ORDER)} date("{draw(DAYS.filter(lambda day: 1900 <= day.year <= 2100))}")'
    if kind == 7:
        return f"a {draw(SAME)} {draw(st.sampled_from(['b', 'True', 'p', '(n > 1 or b)']))}"
    return f"{_number(draw, 2)} {draw(ORDER)} {draw(st.sampled_from('nmi'))}"


@st.composite
def formulas(draw, depth: int = 3) -> str:
    kind = draw(st.integers(0, 7 if depth else 3))
    if kind <= 1:
        return _comparison(draw)
    if kind == 2:
        return draw(st.sampled_from("abp"))
    if kind == 3:
        return f"{draw(st.sampled_from(['known', 'missing']))}({draw(st.sampled_from(list(PROTOCOL.fields)))})"
    if kind == 4:
        return f"not ({draw(formulas(depth - 1))})"
    items = [f"({draw(formulas(depth - 1))})" for _ in range(draw(st.integers(2, 4)))]
    if kind == 7:
        return f"at_least({draw(st.integers(1, len(items)))}, {', '.join(items)})"
    return (" and " if kind == 5 else " or ").join(items)


def asks_a_field(text: str) -> bool:
    try:
        parse(text, PROTOCOL.fields)
    except ProtocolError as error:
        known = ("needs a field", "too large", "too intricate", "about no field", "an exponent is", "no value")
        assert any(part in str(error) for part in known), error
        return False
    return True


FORMULAS = formulas().filter(asks_a_field)
FLAG = st.sampled_from([True, False, None])
PATIENTS = st.fixed_dictionaries(
    {
        "n": NUMBERS | st.none(),
        "m": NUMBERS | st.none(),
        "i": st.integers(-1, 6) | st.none(),
        **dict.fromkeys("abp", FLAG),
        "c": st.sampled_from(["x", "y", "z", None]),
        "e": st.sampled_from(["w", "y", "z", None]),
        "d": DAYS | st.none(),
        "u": st.dates(date(2019, 12, 1), date(2022, 1, 31)) | st.none(),
    }
)


def is_loose(formula) -> bool:
    """Whether a term of it may be any number to Z3."""
    return is_long(formula) or has_power(formula)


def truth(text: str):
    return truth_of(LOGIC.record, parse(text, PROTOCOL.fields))


@cache
def logic_with(calendar: frozenset[str]):
    """The protocol in Z3, with the calendar of some dates only, as a `Prover` has it."""
    return encode(PROTOCOL, calendar)


def recorded(patient: dict, logic=LOGIC) -> list:
    """That the record says of each field what is known of a patient, or that it is unknown."""
    return [
        z3.Not(known)
        if patient.get(name) is None
        else z3.And(known, logic.value[name] == logic.value_of(name, patient[name]))
        for name, known in logic.known.items()
    ]


def states(formula, patient: dict) -> list[bool | None]:
    """What Z3 holds for possible: asked three times."""
    logic = logic_with(frozenset(calendar_dates([formula])))
    true, false = truth_of(logic.record, formula)
    claims = {True: true, False: false, None: z3.Not(z3.Or(true, false))}
    solving = logic.solver()
    solving.add(*recorded({name: value for name, value in patient.items() if value is not None}, logic))
    answers = {value: solving.check(question) for value, question in claims.items()}
    assert z3.unknown not in answers.values()
    return [value for value, answer in answers.items() if answer == z3.sat]


@pytest.mark.agreement
@settings(max_examples=sample(60))
@given(FORMULAS, PATIENTS)
def test_z3_agrees_with_the_reference(text: str, patient: dict) -> None:
    formula, facts = parse(text, PROTOCOL.fields), PROTOCOL.facts_of(patient)
    written = {name: field.possible(patient[name]) for name, field in PROTOCOL.fields.items()}
    for record in (facts, written):
        possible = states(formula, record)
        assert evaluate(formula, facts) in possible and (possible == [evaluate(formula, facts)] or is_loose(formula))


@pytest.mark.agreement
@given(FORMULAS, FLAG)
def test_a_witness_is_what_was_asked_for(text: str, wanted: bool | None) -> None:
    formula = parse(text, PROTOCOL.fields)
    true, false = truth_of(LOGIC.record, formula)
    solving = LOGIC.solver()
    solving.set("timeout", 2_000)
    solving.add({True: true, False: false, None: z3.Not(z3.Or(true, false))}[wanted])
    if solving.check() == z3.sat:
        patient = LOGIC.witness(solving.model())
        assert evaluate(formula, PROTOCOL.facts_of(patient)) is wanted or is_loose(formula)


@pytest.mark.parametrize("months", [0, 1, 3, 12, 13, 1200])
@pytest.mark.parametrize("day", ["1900-01-01", "1900-03-01", "1999-12-31", "2000-02-29", "2000-03-31", "2096-02-29",
                                 "2100-02-28", "2100-03-01", "2100-12-31", "2023-05-31"])  # fmt: skip
def test_months_are_calendar_months(day: str, months: int) -> None:
    moved = MonthsBefore(Name("d", "date"), months)
    expected = evaluate(moved, {"d": date.fromisoformat(day)})
    for off in (-1, 0, 1):
        formula = Compare((moved, Value(expected + timedelta(days=off))), ("==",))
        assert states(formula, {"d": date.fromisoformat(day)}) == [off == 0]


def test_facts_hold_of_the_world_behind_the_record() -> None:
    """Nothing recorded breaks a single fact, and yet together they cannot hold."""
    solving = LOGIC.solver()
    solving.add(*recorded({"a": False, "p": False}))
    assert solving.check(LOGIC.facts["F1"]) == solving.check(LOGIC.facts["F2"]) == z3.sat
    assert solving.check(*LOGIC.facts.values()) == z3.unsat


def test_a_complete_patient_knows_everything_that_applies() -> None:
    solving = LOGIC.solver()
    solving.add(*LOGIC.known.values())
    assert solving.check(truth("missing(n) or missing(p)").true) == z3.unsat
    assert solving.check(truth("c == 'y'").true) == z3.sat
    patient = LOGIC.witness(solving.model())
    assert "p" not in patient and set(patient) == set(PROTOCOL.fields) - {"p"}


def test_steps_hold_only_where_they_are_asked_for() -> None:
    solving = LOGIC.solver()
    solving.add(truth("0.5 < m < 1").true)
    assert solving.check() == z3.sat
    assert solving.check(*LOGIC.on_step().values()) == z3.unsat


def test_a_long_product_is_any_number_but_the_same_everywhere() -> None:
    solving = LOGIC.solver()
    solving.add(truth("n*n*n*n*n == 2").true)
    assert solving.check() == z3.sat
    assert solving.check(truth("n*n*n*n*n == 3").true) == z3.unsat
    assert solving.check(truth("missing(n)").true) == z3.unsat


def test_decimals_are_exact_where_doubles_are_not() -> None:
    assert evaluate(parse("m + 0.2 <= 0.3", PROTOCOL.fields), {"m": 0.1}) is False
    assert states(parse("m + 0.2 <= 0.3", PROTOCOL.fields), {"m": 0.1}) == [True]
    assert states(parse("m <= 0.1", PROTOCOL.fields), {"m": 0.1}) == [True]
    assert states(parse("m == 1e-07", PROTOCOL.fields), {"m": 1e-07}) == [True]
