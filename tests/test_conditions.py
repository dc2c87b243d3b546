"""Bare conditions: what they say of a patient, whether two say the same, who meets one; brute force is the judge."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools.criteria.contents import Protocol, read_protocol
from trialtools.criteria.language import ProtocolError, evaluate, names, parse
from trialtools.criteria.patient.tree import decision
from trialtools.criteria.proofs.conditions import Nobody, NotSettled
from trialtools.criteria.protocol import DataError

SMALL = """
id: S
title: S
fields:
  a: {type: flag, label: A}
  p: {type: flag, label: P, applies: a}
  n: {type: integer, label: N, range: [0, 2]}
  x: {type: number, label: X, range: [0, 2], step: 0.5}
  c: {type: category, label: C, values: [u, v]}
"""
NUMBERS = [eighth / 8 for eighth in range(17)]
VALUES = {"a": [True, False], "p": [True, False], "n": [0, 1, 2], "x": NUMBERS, "c": ["u", "v"]}
RECORDS = [dict(zip(VALUES, row, strict=True)) for row in product(*([*v, None] for v in VALUES.values()))]
WORLDS = [record for record in RECORDS if None not in record.values()]
ATOMS = st.sampled_from(
    [
        *("a", "p", "n > 0", "n == 1", "n in (0, 2)", "x > 1", "x >= 1", "x < 0.75", "0.5 < x <= 1.5", "x != 0.5"),
        *('c == "u"', "known(n)", "missing(x)", "missing(a)", "known(p)", "x < n", "x + n > 1.5"),
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" or ", " and "]), inner).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
        inner.map(lambda p: f"not ({p})"),
        st.tuples(inner, inner, inner).map(lambda p: f"at_least(2, {', '.join(p)})"),
    ),
    max_leaves=4,
)


def sketch(*criteria: str, facts: tuple[str, ...] = ()) -> Protocol:
    listed = [f"  - {{id: F{n}, says: Fact {n}, formula: '{fact}'}}" for n, fact in enumerate(facts)]
    rules = [
        f"  - {{id: C{n}, kind: {'exclusion' if n % 2 else 'inclusion'}, label: L, when: '{when}'}}"
        for n, when in enumerate(criteria or ["a"])
    ]
    return read_protocol("\n".join([SMALL.rstrip(), "facts:" if facts else "", *listed, "criteria:", *rules]))


PROTOCOL = sketch()
FACTS = [PROTOCOL.facts_of(record) for record in RECORDS]


def on_step(record: dict) -> bool:
    return record["x"] is None or record["x"] * 2 % 1 == 0


def recorded(record: dict) -> int:
    return sum(value is not None for value in record.values())


@pytest.mark.agreement
@settings(max_examples=sample(40))
@given(CONDITIONS, CONDITIONS)
def test_two_conditions_are_the_same_where_brute_force_says_so(one: str, other: str) -> None:
    a, b = (parse(text, PROTOCOL.fields) for text in (one, other))
    apart = [r for r, facts in zip(RECORDS, FACTS, strict=True) if evaluate(a, facts) is not evaluate(b, facts)]
    measured = [record for record in apart if on_step(record)]
    for among, answer in ((measured or apart, PROTOCOL.same(one, other)), (measured, PROTOCOL.same(one, other, True))):
        if not among:
            assert answer is None
            continue
        assert PROTOCOL.judge(one, answer) is not PROTOCOL.judge(other, answer)
        assert len(answer) == min(map(recorded, among))
        assert on_step({"x": None, **answer}) or not measured


@pytest.mark.agreement
@settings(max_examples=sample(40))
@given(CONDITIONS, CONDITIONS)
def test_two_conditions_are_the_same_of_all_that_is_known_where_brute_force_says_so(one: str, other: str) -> None:
    fields = PROTOCOL.with_causes({*names(parse(one, PROTOCOL.fields)), *names(parse(other, PROTOCOL.fields))})
    known = [r for r, facts in zip(RECORDS, FACTS, strict=True) if all(facts[name] is not None for name in fields)]
    apart = [r for r in known if on_step(r) and PROTOCOL.judge(one, r) is not PROTOCOL.judge(other, r)]
    answer = PROTOCOL.same(one, other, measured=True, complete=True)
    assert (answer is None) is not bool(apart)
    if answer is not None:
        facts = PROTOCOL.facts_of(answer)
        assert PROTOCOL.judge(one, answer) is not PROTOCOL.judge(other, answer)
        assert all(facts[name] is not None for name in fields)


@given(CONDITIONS, st.sampled_from(RECORDS))
def test_a_condition_is_judged_as_a_criterion_would_be(text: str, record: dict) -> None:
    decided = decision(sketch(text), record)
    assert PROTOCOL.judge(text, record) is {"eligible": True, "ineligible": False, "undetermined": None}[decided]


def test_a_judge_knows_what_applies_and_what_is_possible() -> None:
    assert PROTOCOL.judge("p", {"a": False}) is False and PROTOCOL.judge("p", {"a": False, "p": True}) is False
    assert PROTOCOL.judge("n > 1", {"n": 7}) is None and PROTOCOL.judge("missing(n)", {"n": 7}) is True
    with pytest.raises(ProtocolError, match="no field 'm'"):
        PROTOCOL.judge("m > 1", {})
    with pytest.raises(DataError, match="no field 'm'"):
        PROTOCOL.judge("n > 1", {"m": 1})


def possible(protocol: Protocol, record: dict) -> bool:
    """Whether a record can belong to a patient of whom all declared facts hold."""
    for world in WORLDS:
        if all(record[name] in (None, world[name]) for name in record if name != "x"):
            real = protocol.facts_of({**world, "x": world["x"] if record["x"] is None else record["x"]})
            broken = any(evaluate(fact, real) is False for fact in protocol.fact_formulas.values())
            if not broken and not (record["p"] is True and real["p"] is False):
                return True
    return False


@pytest.mark.agreement
@settings(max_examples=sample(25))
@given(
    CONDITIONS,
    st.lists(CONDITIONS, min_size=1, max_size=3),
    st.lists(st.sampled_from(["a", "n > 0 or a", "not a or p", "x >= 1"]), max_size=1),
    st.sampled_from([None, "eligible", "ineligible", "undetermined"]),
)
def test_somebody_is_found_where_brute_force_finds_one(condition, criteria, facts, wanted) -> None:
    protocol = sketch(*criteria, facts=tuple(facts))
    formula = parse(condition, protocol.fields)

    def fits(record: dict, parts=(formula,), decided=wanted) -> bool:
        met = all(evaluate(part, protocol.facts_of(record)) is True for part in parts)
        return met and (decided is None or decision(protocol, record) == decided)

    there = [record for record in RECORDS if fits(record)]
    allowed = [record for record in there if not facts or possible(protocol, record)]
    answer = protocol.someone(condition, wanted)
    assert bool(allowed) == isinstance(answer, dict)
    if isinstance(answer, dict):
        assert fits(answer) and possible(protocol, dict.fromkeys(VALUES) | answer)
        return
    assert not answer and str(answer).startswith("Nobody")
    assert bool(answer.facts) == bool(there) and (answer.breaks is None or fits(answer.breaks))
    if wanted == "eligible":
        rules = [protocol.requirements[id] for id in answer.criteria]
        whole = (formula,) if answer.parts else ()
        met = [r for r in RECORDS if all(evaluate(f, protocol.facts_of(r)) is True for f in (*rules, *whole))]
        assert not any(not answer.facts or possible(protocol, record) for record in met)


def test_the_proof_names_the_parts_that_rule_it_out() -> None:
    protocol = sketch("x > 1 or n > 1", "a", facts=("not p or n > 1",))
    assert protocol.someone("n < 1 and c == 'u' and n > 1").parts == ("N is below 1", "N is above 1")
    nobody = protocol.someone("c == 'u' and a", "eligible")
    assert (nobody.parts, nobody.criteria, nobody.facts) == (("A",), ("C1",), ())
    assert nobody.sentence == 'Nobody of whom "A" is true can be eligible. Such a patient cannot pass C1 (L).'
    nobody = protocol.someone("p and n < 1")
    assert nobody.facts == ("F0",) and nobody.breaks == {"p": True, "n": 0}
    assert isinstance(protocol.someone("x > 1 and n < 1 and not a", "ineligible"), Nobody)


def test_what_is_worked_out_is_known_to_the_doors() -> None:
    criterion = "criteria:\n  - {id: I1, kind: inclusion, label: L, when: y > 1}"
    written = f"{SMALL}  y: {{type: number, label: Y, range: [0, 4], from: x + n}}\n{criterion}"
    protocol = read_protocol(written)
    assert protocol.judge("y > 1", {"x": 1, "n": 2}) is True and protocol.judge("y > 1", {"x": 1}) is None
    assert protocol.same("y > 1", "y >= 1") == {"y": 1}
    assert protocol.judge("y > 3 and n < 1", protocol.someone("y > 3 and n < 1")) is True
    assert not protocol.someone("missing(y) and known(x) and known(n)")
    more = """
  k: {type: integer, label: K, range: [0, 2], from: n + 1}
  f: {type: flag, label: F, from: n > 1}
  g: {type: integer, label: G, range: [0, 9], from: {by: c, u: n + 5, v: n + n}}
"""
    protocol = read_protocol(f"{SMALL}{more.strip(chr(10))}\n{criterion.replace('y > 1', 'g > 1')}")
    assert protocol.someone("missing(k) and n < 3") == {"n": 2, "f": True}  # 3 is not possible of k
    for never in ("missing(f) and n < 3", "missing(g) and n < 3 and c == 'u'", "missing(k) and n < 2"):
        assert not protocol.someone(never), never
    assert set(protocol.someone("missing(g) and n < 3")) - {"k", "f"} == {"n"}


def test_a_patient_stands_near_the_limit(protocol: Protocol) -> None:
    assert protocol.same("age > 65", "age >= 65") == {"age": 65}
    assert protocol.same("spo2 > 93", "spo2 > 94") == {"spo2": 94}
    assert protocol.same("spo2 > 93", "spo2 >= 94")["spo2"] not in (93, 94)
    assert protocol.same("spo2 > 93", "spo2 >= 94", measured=True) is None
    assert protocol.same("spo2 > 93", "not (spo2 <= 93) or missing(spo2)") == {}
    assert protocol.someone("spo2 > 93") == {"spo2": 94}
    assert protocol.same("True", "not known(age) or known(age)") is None and protocol.same("True", "False") == {}


DAYS = read_protocol(
    """
id: S
title: S
fields:
  d: {type: date, label: D, range: [2024-02-25, 2024-03-04]}
  u: {type: date, label: U, range: [2023-12-27, 2024-02-03]}
criteria: [{id: I1, kind: inclusion, label: L, when: known(d)}]
"""
)
DATES = [
    {"d": d and date(2024, 2, 24) + timedelta(d), "u": u and date(2023, 12, 26) + timedelta(u)}
    for d, u in product([*range(1, 10), None], [*range(1, 40), None])
]
MOMENTS = st.one_of(
    st.sampled_from(["d", "u", 'date("2024-01-31")', "months_before(months_before(d, 1), 1)"]),
    st.tuples(st.sampled_from("du"), st.sampled_from([0, 1, 2, 13])).map(lambda p: f"months_before({p[0]}, {p[1]})"),
)
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
OF_DATES = st.one_of(
    st.tuples(MOMENTS, SIGNS, MOMENTS),
    st.tuples(st.just("d - u"), SIGNS, st.integers(28, 62).map(str)),
    st.tuples(st.just("completed_months(u, d)"), SIGNS, st.sampled_from("012")),
).map(" ".join)


def is_of_dates(text: str) -> bool:
    try:
        return bool(parse(text, DAYS.fields))
    except ProtocolError:
        return False


@pytest.mark.agreement
@settings(max_examples=60, deadline=None)
@given(OF_DATES.filter(is_of_dates), OF_DATES.filter(is_of_dates), st.sampled_from(["{}", "not ({})"]))
def test_conditions_on_calendar_months_are_the_same_where_brute_force_says_so(one, other, shape) -> None:
    other = shape.format(other)
    a, b = (parse(text, DAYS.fields) for text in (one, other))
    apart = [record for record in DATES if evaluate(a, record) is not evaluate(b, record)]
    answer = DAYS.same(one, other)
    if not apart:
        assert answer is None
    else:
        assert DAYS.judge(one, answer) is not DAYS.judge(other, answer)
        assert len(answer) == min(sum(value is not None for value in record.values()) for record in apart)


def test_a_patient_who_shows_it_has_dates_of_our_time_that_lie_close_together(protocol: Protocol) -> None:
    right = "other_trial and other_trial_on >= months_before(screened_on, 3)"
    for wrong in (
        right.replace("3)", "2)"),
        right.replace(">=", ">"),
        "other_trial and screened_on - other_trial_on <= 92",
        f"{right} and other_trial_on <= screened_on",
        "other_trial and not other_trial_on >= months_before(screened_on, 8)",
    ):
        answer = protocol.same(wrong, right)
        enrolled, screened = answer["other_trial_on"], answer["screened_on"]
        assert 2020 <= enrolled.year < 2030 and abs(screened - enrolled) <= timedelta(
            93 if "8" not in wrong else 250
        ), wrong


@pytest.mark.parametrize(("one", "other"), [("b - a >= 147", "n >= 4"), ("m - n >= 147", "k >= 5")])
def test_differences_of_whole_things_are_settled_without_a_calendar(one: str, other: str) -> None:
    fields = "".join(f"  {name}: {{type: integer, label: {name}, range: [0, 9999]}}\n" for name in "kmn")
    fields += "".join(f"  {name}: {{type: date, label: {name}}}\n" for name in "ab")
    protocol = read_protocol(
        f"id: D\ntitle: D\nfields:\n{fields}criteria:\n  - {{id: C, kind: inclusion, label: C, when: n > 0}}\n"
    )
    shown = protocol.same(one, other)
    assert shown is not None and protocol.judge(one, shown) is not protocol.judge(other, shown)


def test_somebody_far_from_a_limit_is_better_than_nobody() -> None:
    """Z3 gives up where everybody should be near the limits of all criteria."""
    protocol = read_protocol("""
id: M
title: M
fields:
  ref: {type: date, label: Ref}
  start: {type: date, label: Start, range: [2000-01-01, 2030-12-31]}
  birth: {type: date, label: Birth, range: [1900-01-01, 2030-12-31]}
  years: {type: integer, label: Age, range: [0, 120], from: "completed_years(birth, ref)"}
  x: {type: number, label: X, range: [0, 10], step: 0.5}
  flag: {type: flag, label: Flag}
criteria:
  - {id: C0, kind: inclusion, label: L, when: "not (start - ref >= 269) or (birth >= start or birth <= ref)"}
  - {id: C1, kind: exclusion, label: L, when: "not (ref > months_before(start, 6) and birth <= months_before(ref, 6))"}
  - {id: C2, kind: exclusion, label: L, when: "(x >= 0 or x == 2) and (x == 9 or years <= 20)"}
""")
    shown = protocol.someone("x <= 1 or start < months_before(ref, 24)", "undetermined")
    assert shown and decision(protocol, shown) == "undetermined"


def test_a_slip_has_a_place_and_a_decision_a_name(protocol: Protocol) -> None:
    with pytest.raises(ProtocolError, match="did you mean 'spo2'"):
        protocol.same("sp02 > 93", "spo2 > 93")
    with pytest.raises(ProtocolError, match="no decision 'eligable'; did you mean 'eligible'"):
        protocol.someone("spo2 > 93", "eligable")


def test_what_takes_too_long_is_said() -> None:
    with pytest.raises(NotSettled, match="too long"):
        PROTOCOL.same("x*x*x*x*n*n == 0.3", "x*x*x*x*n*n == 0.2")
