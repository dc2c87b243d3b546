"""The linter's claims are true: on the trial, on sketches that should and should not be told of, by brute force."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools.criteria.contents import Protocol, load_protocol, read_protocol
from trialtools.criteria.language import Formula, Not, Value, evaluate, parse
from trialtools.criteria.proofs import prover as prove_module
from trialtools.criteria.proofs.alternatives import alternatives
from trialtools.criteria.proofs.finding import slug
from trialtools.criteria.proofs.findings import Disagreement, Finding, as_json, as_text, lint, uncovered

TRIAL = "data/protocols/NCT05741099.yaml"
FIELDS = """
  a: {type: flag, label: Fever}
  b: {type: flag, label: Cough}
  c: {type: flag, label: Asthma}
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  bmi: {type: number, unit: kg/m2, range: [10, 80], step: 0.1, label: Body mass index}
  sex: {type: category, values: [female, male], label: Sex}
  pregnant: {type: flag, label: Pregnant, applies: 'sex == "female"'}
  late: {type: flag, label: Late pregnancy, applies: 'sex == "female"'}
  ok: {type: flag, label: Fit in the eyes of the doctor, judged_by: person}
"""


def sketch(*criteria: str, more: str = "", text: str = "", **readings: str) -> Protocol:
    """`I1: age > 65` is an inclusion, `E1: pregnant` an exclusion; `{...}` after the colon gives the keys instead."""
    written = f"id: S\ntitle: S\nfields:{FIELDS}{more}\ncriteria:\n"
    for criterion in criteria:
        id, what = criterion.split(": ", 1)
        kind = "exclusion" if id.startswith("E") else "inclusion"
        keys = what[1:-1] if what.startswith("{") else f"when: '{what.replace(chr(39), chr(39) * 2)}'"
        written += f"  - {{id: {id}, kind: {kind}, label: Rule {id}, {keys}}}\n"
    protocol = read_protocol(written, readings=readings)
    if text:
        object.__setattr__(protocol, "text", text)
    return protocol


def found(protocol: Protocol, kind: str) -> dict[str, Finding]:
    findings = lint(protocol)
    for finding in findings:
        bears_out(protocol, finding)
    return {finding.id: finding for finding in findings if finding.kind == kind}


def states(protocol: Protocol, patient: dict) -> dict[str, bool | None]:
    facts = protocol.facts_of(patient)
    return {id: evaluate(must, facts) for id, must in protocol.requirements.items()}


def bears_out(protocol: Protocol, finding: Finding) -> None:
    """Every patient who is shown is one the reference evaluator says the same of."""
    if finding.witness is None:
        return
    judged = states(protocol, finding.witness)
    match finding.kind:
        case "boundary":
            assert [id for id, state in judged.items() if state is not True] == list(finding.criteria)
            assert all(states(protocol, finding.beside).values())
        case "gap":
            assert all(judged.values()) and all(states(protocol, finding.beside).values())
        case "dead-branch":
            assert all(judged.values())
        case "redundant":
            assert judged[finding.criteria[0]] is not True


TRIAL_IDS = [
    "guideline:I6:registered:G1",
    "reading:E7:literal",
    "dead-branch:I9:tumour_history",
    "dead-branch:I9:late_pregnancy",
    "dead-branch:I9:perinatal",
    "redundant:I3",
    "boundary:I5:high_fever_days>3",
    "boundary:I6:respiratory_rate<30",
    "boundary:I7:spo2>93",
    "boundary:I9:age>65",
    "known-later:I4",
    "undefined:I3",
    "undefined:I5",
    "undefined:I8",
    "undefined:I9",
    "undefined:E1",
    "undefined:E2",
    "undefined:E4",
    "undefined:E5",
    "undefined:E6",
    "undefined:E8",
    "unused:vaccinated",
]


@pytest.fixture(scope="module")
def trial() -> Protocol:
    return load_protocol(TRIAL)


@pytest.fixture(scope="module")
def told(trial: Protocol) -> dict[str, Finding]:
    findings = lint(trial)
    for finding in findings:
        bears_out(trial, finding)
    return {finding.id: finding for finding in findings}


def test_what_is_found_in_the_trial(told: dict[str, Finding]) -> None:
    assert list(told) == TRIAL_IDS
    assert [id for id, finding in told.items() if finding.severity == "finding"] == TRIAL_IDS[:5]


def test_the_tumour_risk_factor_is_dead_without_any_assumption(told: dict[str, Finding]) -> None:
    finding = told["dead-branch:I9:tumour_history"]
    assert finding.criteria == ("I9", "E1") and finding.facts == () and finding.no_patient
    assert finding.sentence == (
        '"Tumour, now or ever" is one of the ways to pass I9 (At least one risk factor, read as "required"), but it '
        'can never help anybody. Whoever has it fails E1 (Tumour or precancerous lesion, read as "lesions_confirmed").'
    )
    assert any("tumors and other underlying diseases" in quote for quote in finding.quotes)


def test_pregnancy_is_dead_only_under_the_facts_that_are_named(told: dict[str, Finding]) -> None:
    for name, fact in (("late_pregnancy", "F1"), ("perinatal", "F2")):
        finding = told[f"dead-branch:I9:{name}"]
        assert finding.criteria == ("I9", "E3")
        assert [said.split(":")[0] for said in finding.facts] == [fact] and f"({fact})" in finding.sentence
        assert finding.witness[name] is True and finding.witness["pregnant"] is False


def test_a_reading_is_held_against_the_cited_guideline(told: dict[str, Finding]) -> None:
    finding = told["guideline:I6:registered:G1"]
    assert "fewer than 30" in finding.sentence and "not the one chosen" in finding.sentence
    assert "Trial Version 10" in finding.facts[0]


def test_the_literal_reading_excludes_everybody(told: dict[str, Finding]) -> None:
    finding = told["reading:E7:literal"]
    assert finding.criteria == ("E7", "I4") and finding.no_patient


def test_who_falls_between(told: dict[str, Finding]) -> None:
    finding = told["boundary:I9:age>65"]
    assert (finding.witness["age"], finding.beside["age"]) == (65, 66)
    assert told["boundary:I7:spo2>93"].witness["spo2"] == 93


def test_a_protocol_that_admits_nobody_says_so_once() -> None:
    literal = load_protocol(TRIAL, readings={"E7": "literal"})
    findings = lint(literal)
    (nobody,) = [finding for finding in findings if finding.kind == "never-satisfiable"]
    assert nobody.criteria == ("I4", "E7") and 'E7 read as "other_viruses"' in nobody.sentence
    kinds = {finding.kind for finding in findings}
    assert kinds == {"never-satisfiable", "guideline", "known-later", "undefined", "unused"}


def test_other_readings_of_the_trial_change_what_is_found() -> None:
    both = found(load_protocol(TRIAL, readings={"E1": "both_confirmed"}), "dead-branch")
    assert "dead-branch:I9:tumour_history" not in both  # a tumour that no pathologist confirmed now helps
    remark = found(load_protocol(TRIAL, readings={"I9": "remark"}), "redundant")
    assert "everybody passes it" in remark["redundant:I9"].sentence


def test_the_trial_is_linted_in_time(trial: Protocol) -> None:
    spent = []
    for _ in range(2):
        start = time.process_time()
        lint(trial)
        spent.append(time.process_time() - start)
    assert min(spent) < 1.5


# Each kind: told where it is so, and not where it is not


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (["I1: a or b", "E1: a"], {"dead-branch:I1:a"}),
        (["I1: a or b", "E1: a and c"], set()),
        (["I1: a and (b or c) or age > 65", "E1: b"], {"dead-branch:I1:b"}),
        (["I1: a and (b or c) or age > 65", "E1: a"], {"dead-branch:I1:fever-and-b-or-c"}),
        (["I1: at_least(2, a, b, c)", "E1: a"], {"dead-branch:I1:a"}),
        (["I1: at_least(2, a, b)"], set()),
        (["I1: at_least(3, a, b, c, age > 65)", "E1: a and b", "E2: a and c"], {"dead-branch:I1:a"}),
        (["I1: age > 60 or a", "I2: 18 <= age <= 50"], {"dead-branch:I1:age-is-above-60"}),
        (["I1: age > 130 or a"], {"dead-branch:I1:age-is-above-130"}),
        (["I1: not (a and b)", "I2: a"], {"dead-branch:I1:a-no"}),
        (["I1: missing(a) or b", "I2: known(a)"], {"dead-branch:I1:a-is-not-known"}),
        (["I1: missing(a) or b"], set()),
        (["I1: pregnant or a", "I2: sex == 'male'"], {"dead-branch:I1:pregnant"}),
        (["E1: a or b"], set()),
    ],
)
def test_dead_branch(criteria: list[str], ids: set[str]) -> None:
    heads = {":".join(id.split(":")[:2]) for id in ids}
    told = found(sketch(*criteria), "dead-branch")
    assert {":".join(id.split(":")[:2]) for id in told} == heads
    if not any("-and-" in id for id in ids):
        assert set(told) == ids
    assert all(finding.no_patient and finding.severity == "finding" for finding in told.values())


def test_a_branch_that_is_impossible_in_itself_blames_nobody() -> None:
    (finding,) = found(sketch("I1: age > 130 or a", "E1: b"), "dead-branch").values()
    assert finding.criteria == ("I1",) and "impossible in itself" in finding.sentence


def test_two_criteria_may_kill_a_branch_together() -> None:
    (finding,) = found(sketch("I1: a or c", "E1: a and b", "E2: a and not b"), "dead-branch").values()
    assert finding.criteria == ("I1", "E1", "E2")


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (["I1: age <= 85", "E1: age > 90 or a"], {"idle-part:E1:age-is-above-90"}),
        (["I1: age > 65 or age > 70"], {"idle-part:I1:age-is-above-70"}),
        (["E1: a or a and b"], {"idle-part:E1:a-and-b"}),
        (["E1: a or b"], set()),
        (["I1: a or b and c"], set()),
        (["I1: age <= 85", "E1: age > 90"], set()),
    ],
)
def test_idle_part(criteria: list[str], ids: set[str]) -> None:
    told = found(sketch(*criteria), "idle-part")
    assert set(told) == ids
    assert all(finding.severity == "note" for finding in told.values())


LATE = "facts: [{id: F1, says: Late pregnancy is pregnancy, formula: not late or pregnant}]"


def with_facts(protocol: str, *criteria: str) -> Protocol:
    written = f"id: S\ntitle: S\nfields:{FIELDS}\n{protocol}\ncriteria:\n"
    for criterion in criteria:
        id, when = criterion.split(": ", 1)
        kind = "exclusion" if id.startswith("E") else "inclusion"
        written += f"  - {{id: {id}, kind: {kind}, label: Rule {id}, when: '{when}'}}\n"
    return read_protocol(written)


def test_a_fact_is_used_only_where_it_is_needed_and_named_then() -> None:
    told = found(with_facts(LATE, "I1: late or a or b", "E1: pregnant", "E2: a"), "dead-branch")
    assert told["dead-branch:I1:a"].facts == ()
    late = told["dead-branch:I1:late"]
    assert late.facts == ("F1: Late pregnancy is pregnancy",) and late.criteria == ("I1", "E1")
    assert late.witness["late"] and not late.witness["pregnant"] and late.witness["sex"] == "female"
    assert not found(sketch("I1: late or b", "E1: pregnant"), "dead-branch")


def test_facts_that_cannot_be_true_together_prove_nothing() -> None:
    facts = (
        "facts: [{id: F1, says: A, formula: a}, {id: F2, says: No A, formula: not a}, {id: F3, says: B, formula: b}]"
    )
    protocol = with_facts(facts, "I1: a or b")
    (finding,) = found(protocol, "facts").values()
    assert finding.id == "facts:F1+F2" and finding.severity == "finding"
    assert not any(finding.facts for finding in lint(protocol) if finding.kind != "facts")


def test_nobody_only_under_a_fact() -> None:
    protocol = with_facts(LATE, "I1: late", "E1: pregnant")
    (finding,) = found(protocol, "never-satisfiable").values()
    assert finding.facts == ("F1: Late pregnancy is pregnancy",) and "as long as" in finding.sentence


@pytest.mark.parametrize(
    ("criteria", "cores"),
    [
        (["I1: a", "E1: a", "I2: b"], [("I1", "E1")]),
        (["I1: a or b", "E1: a", "E2: b"], [("I1", "E1", "E2")]),
        (["I1: age > 130"], [("I1",)]),
        (["I1: a", "E1: a", "I2: age > 20", "I3: age < 10"], [("I1", "E1"), ("I2", "I3")]),
        (["I1: a", "E1: b"], []),
        (["I1: known(a) and missing(a)"], [("I1",)]),
        (["I1: pregnant", "I2: sex == 'male'"], [("I1", "I2")]),
        (["I1: bmi > 29.9", "I2: bmi < 30"], []),  # 29.95 is possible, though no scale shows it
    ],
)
def test_contradiction(criteria: list[str], cores: list[tuple[str, ...]]) -> None:
    findings = [f for f in lint(sketch(*criteria)) if f.kind in ("never-satisfiable", "contradiction")]
    assert sorted(finding.criteria for finding in findings) == sorted(cores)
    assert [f.kind for f in findings] == ["never-satisfiable", *["contradiction"] * (len(cores) - 1)][: len(cores)]
    if cores:
        assert not {f.kind for f in lint(sketch(*criteria))} & {"dead-branch", "redundant", "boundary", "gap"}


def test_readings_that_exclude_everybody_alone_and_in_pairs() -> None:
    one = "I1: {readings: {wide: a or b, narrow: a}}"
    two = "E1: {readings: {narrow: a and b, wide: a}}"
    told = found(sketch(one, two), "reading")
    assert set(told) == {"reading:I1:narrow+E1:wide"}
    told = found(sketch(one, "E1: {readings: {narrow: a and b, wide: a or b}}"), "reading")
    assert set(told) == {"reading:E1:wide"} and told["reading:E1:wide"].criteria == ("E1", "I1")
    assert not found(sketch(one, "E1: c"), "reading")


def test_guideline_is_held_against_every_reading() -> None:
    guideline = "guideline: [{id: G1, says: Adults only, formula: age >= 18}]"
    told = found(with_facts(guideline, "I1: age < 12 or age > 200", "I2: age < 20", "E1: a"), "guideline")
    assert set(told) == {"guideline:I1:G1"}
    told = found(with_facts(guideline, "E1: age >= 10"), "guideline")
    assert set(told) == {"guideline:E1:G1"}
    told = found(with_facts(guideline, "I1: age < 18 or a", "E1: a"), "guideline")
    assert set(told) == {"guideline:I1+E1:G1"}
    impossible = "guideline: [{id: G1, says: Never, formula: age > 500}]"
    assert not found(with_facts(impossible, "I1: age < 12"), "guideline")


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (["I1: age >= 18", "I2: age >= 21"], {"redundant:I1"}),
        (["I1: a", "I2: a"], {"redundant:I1+I2"}),
        (["I1: a", "E1: not a"], {"redundant:I1+E1"}),
        (["I1: a", "I2: b"], set()),
        (["I1: true", "I2: a"], {"redundant:I1"}),
        (["I1: a or b", "I2: a", "I3: c"], {"redundant:I1"}),
        (["I1: a and b", "I2: a", "I3: b"], {"redundant:I1", "redundant:I2", "redundant:I3"}),
    ],
)
def test_redundant(criteria: list[str], ids: set[str]) -> None:
    criteria = [c if c != "I1: true" else "I1: {when: true}" for c in criteria]
    assert set(found(sketch(*criteria), "redundant")) == ids


def test_redundant_with_data_missing_is_told_apart() -> None:
    held = found(sketch("I1: age >= 18", "I2: age >= 21"), "redundant")["redundant:I1"]
    assert "The same is true with data missing." in held.sentence and held.witness is None
    # With everything known I1 is passed by anybody; a record without the age leaves it open.
    broken = found(sketch("I1: age >= 18 or age < 18", "I2: a"), "redundant")["redundant:I1"]
    assert "leave this one open" in broken.sentence and "age" not in broken.witness
    alone = found(sketch("I1: a or b", "I2: a and (b or c) or a and not b and not c"), "redundant")["redundant:I1"]
    assert "With data missing it may still decide" not in alone.sentence or alone.witness is not None


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (["I1: age < 65 or age > 65"], {"gap:age:65": "finding"}),
        (["I1: age < 65 or a", "I2: age > 65 or b", "I3: not a and not b or c"], {}),
        (["I1: age < 18 or age > 65"], {"gap:age:18-65": "note"}),
        (["I1: a and age < 40 or b and age > 40", "I2: age >= 18"], {"gap:age:40": "finding"}),
        (["I1: age != 40"], {}),
        (["E1: age == 40"], {}),
        (["I1: 18 <= age <= 85"], {}),
        (["E1: 30 <= bmi <= 30"], {"gap:bmi:30": "finding"}),
        (["I1: age < 64.5 or age > 64.6"], {}),  # no whole number lies between
    ],
)
def test_gap(criteria: list[str], ids: dict[str, str]) -> None:
    told = found(sketch(*criteria), "gap")
    assert {id: finding.severity for id, finding in told.items()} == ids


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        (["I1: age > 65 or a"], {"boundary:I1:age>65"}),
        (["I1: age >= 65 or a"], set()),
        (["E1: age >= 65"], {"boundary:E1:age<65"}),
        (["E1: age > 65"], set()),
        (["E1: age <= 17"], {"boundary:E1:age>17"}),
        (["I1: not (age <= 17)"], {"boundary:I1:age>17"}),
        (["I1: 18 < age <= 85"], {"boundary:I1:age>18"}),
        (["I1: age > 65 or a", "I2: age >= 70"], set()),  # the others leave nobody at 65
        (["I1: age > 65 or a", "I2: a"], set()),  # the limit decides for nobody
        (["I1: age > 120 or a"], set()),  # nothing lies past it
        (["I1: bmi > 29.95"], set()),  # no value that is measured
        (["I1: age < 65 or age > 65"], set()),  # told as a gap
    ],
)
def test_boundary(criteria: list[str], ids: set[str]) -> None:
    assert set(found(sketch(*criteria), "boundary")) == ids


def test_the_next_value_past_a_limit_follows_the_step() -> None:
    (finding,) = found(sketch("I1: bmi > 29.9 or a"), "boundary").values()
    assert (finding.witness["bmi"], finding.beside["bmi"]) == (29.9, 30)
    assert "29.9 kg/m2" in finding.sentence and "30 kg/m2" in finding.sentence


def test_judgement_mixed_with_records() -> None:
    told = found(sketch("I1: ok and a", "I2: ok", "I3: b"), "judgement")
    assert set(told) == {"judgement:I1"} and "Fit in the eyes of the doctor" in told["judgement:I1"].sentence


def test_fields_that_nothing_asks_about() -> None:
    (finding,) = found(sketch("I1: pregnant or a and b"), "unused").values()
    assert finding.id == "unused:c+age+bmi+late+ok"  # sex is asked by `applies`


# The registry text

TEXT = "Eligibility Age 18 to 85; no tumours,\n or fever. No fever again. Contact 18 Sites"


def test_text_that_no_quote_covers() -> None:
    protocol = sketch("I1: {when: a, quote: Age 18 to 85}", "E1: {when: b, quote: fever}", text=TEXT)
    assert uncovered(protocol) == ("Eligibility", "no tumours, or", "No", "again. Contact 18 Sites")
    object.__setattr__(protocol, "eligibility", ("Eligibility", "Contact"))
    assert uncovered(protocol) == ("no tumours, or", "No", "again")
    object.__setattr__(protocol, "not_rules", ("no  tumours,\tor", "No", "again"))
    assert uncovered(protocol) == ()


def test_a_quote_covers_whole_words_only() -> None:
    assert uncovered(sketch("I1: {when: a, quote: age}", text="age and cage")) == ("and cage",)
    assert uncovered(sketch("I1: {when: a, quote: age 18}", text="Criteriaage 18years")) == ("Criteria", "years")


def test_uncovered_text_is_a_finding_and_a_missing_text_a_note() -> None:
    told = found(sketch("I1: {when: a, quote: fever}", "I2: b", text="fever or cough"), "uncovered")
    assert set(told) == {"uncovered:or-cough"} and told["uncovered:or-cough"].severity == "finding"
    protocol = sketch("I1: {when: a, quote: fever}", "I2: b", text="fever")
    assert set(found(protocol, "no-quote")) == {"no-quote:I2"}
    assert set(found(sketch("I1: a"), "no-source")) == {"no-source"}
    assert uncovered(sketch("I1: a")) == ()


# Text and JSON


def test_the_page_is_narrow_grouped_and_complete(trial: Protocol, told: dict[str, Finding]) -> None:
    page = as_text(told.values(), trial)
    assert page.startswith("NCT05741099: 5 findings, 17 notes\n\nFINDINGS\n")
    assert max(map(len, page.splitlines())) <= 100
    assert all(f"[{id}]" in page for id in told)
    assert page.index("Alternatives that can never help") < page.index("NOTES") < page.index("Unknown by design")
    assert "the same patient with Age at screening 66 years" in page
    assert not any(word in page.lower() for word in ("solver", "unsat", "z3", "core", "satisfiab", "disjunct"))


def test_json_says_all_of_it(trial: Protocol, told: dict[str, Finding]) -> None:
    page = json.loads(as_json(told.values(), trial))
    assert page["protocol"] == {"id": trial.id, "sha256": trial.sha256} and page["readings"]["I6"] == "guideline"
    assert [finding["id"] for finding in page["findings"]] == TRIAL_IDS
    witness = next(f for f in page["findings"] if f["id"] == "boundary:I9:age>65")["witness"]
    assert date.fromisoformat(witness["screened_on"])


def test_a_clean_sketch_has_only_a_note() -> None:
    protocol = read_protocol(
        "{id: S, title: S, fields: {a: {type: flag, label: A}},"
        " criteria: [{id: I1, kind: inclusion, label: A, when: a}]}"
    )
    assert [finding.id for finding in lint(protocol)] == ["no-source"]


def test_a_witness_that_the_reference_refuses_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_module, "witness", lambda logic, model: {"age": 50})
    with pytest.raises(Disagreement):
        lint(sketch("I1: age > 65 or a"))


def test_doubles_are_not_taken_for_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums may differ in the last digit: such a patient is left out instead."""
    monkeypatch.setattr(prove_module, "witness", lambda logic, model: {"age": 50})
    assert not found(sketch("I1: age > 65 or a", "I2: bmi + age > 0"), "boundary")


def test_a_question_that_is_given_up_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_module, "EFFORT", 1)
    monkeypatch.setattr(prove_module, "LEAST_EFFORT", 1)
    criteria = ["I1: bmi * age > 900 or a", "I2: bmi * age < 800", "I3: bmi / age > 1 or b", "E1: bmi / age > 2"]
    findings = lint(sketch(*criteria))
    assert "too-hard" in {finding.kind for finding in findings}
    assert not any(finding.no_patient or finding.witness for finding in findings)


# Brute force over every record of a small world

SMALL = """
id: S
title: S
fields:
  a: {type: flag, label: A}
  b: {type: flag, label: B}
  c: {type: flag, label: C}
  n: {type: integer, label: N, range: [0, 3]}
"""
WORLDS = [dict(zip("abcn", values, strict=True)) for values in product(*[(False, True)] * 3, range(4))]
RECORDS = [dict(zip("abcn", values, strict=True)) for values in product(*[(False, True, None)] * 3, (0, 1, 2, 3, None))]
ATOMS = st.sampled_from(["a", "b", "c", "n > 1", "n < 2", "n == 3", "known(n)", "missing(a)", "n >= 1"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" or ", " or ", " and "]), inner).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
        inner.map(lambda p: f"not ({p})"),
        st.tuples(inner, inner, inner).map(lambda p: f"at_least(2, {', '.join(p)})"),
    ),
    max_leaves=5,
)


@st.composite
def small_protocols(draw, facts: bool = False) -> Protocol:
    written = SMALL
    if facts:
        written += f"facts: [{{id: F1, says: Fact, formula: '{draw(EXPRESSIONS)}'}}]\n"
    written += "criteria:\n"
    for position in range(draw(st.integers(2, 4))):
        kind = draw(st.sampled_from(["inclusion", "exclusion"]))
        written += f"  - {{id: C{position}, kind: {kind}, label: L, when: '{draw(EXPRESSIONS)}'}}\n"
    return read_protocol(written)


def passing(protocol: Protocol, records: list[dict], ids) -> list[dict]:
    return [r for r in records if all(evaluate(protocol.requirements[id], r) is True for id in ids)]


@settings(max_examples=60, deadline=None)
@given(small_protocols())
def test_brute_force_agrees_without_facts(protocol: Protocol) -> None:
    findings = lint(protocol)
    eligible = passing(protocol, RECORDS, protocol.requirements)
    nobody = [finding for finding in findings if finding.kind == "never-satisfiable"]
    assert bool(nobody) == (not eligible)
    if nobody:
        minimal(protocol, nobody[0].criteria, RECORDS)
        return
    check_redundant(protocol, findings)
    for criterion in protocol.criteria:
        others = [id for id in protocol.requirements if id != criterion.id]
        if passing_but(protocol, others, criterion.id):
            check_alternatives(protocol, criterion, findings, others)


def check_alternatives(protocol: Protocol, criterion, findings: tuple[Finding, ...], others: list[str]) -> None:
    """Exactly the alternatives that are true of nobody, and those that make no difference, are told."""
    helps, formula = criterion.kind == "inclusion", protocol.formula(criterion.id)
    decided = passing(protocol, RECORDS, protocol.requirements if helps else others)
    expected, gone = [], []
    for way in alternatives(formula):
        if any(way.place[: len(place)] == place for place in gone):
            continue
        dead = not any(holds(way, record) for record in decided)
        worlds = [world for world in passing(protocol, WORLDS, others) if holds(way, world)]
        idle = not any(evaluate(without(formula, way.formula), world) is False for world in worlds)
        if dead or idle:
            gone.append(way.place)
            expected.append(f"{'dead-branch' if dead and helps else 'idle-part'}:{criterion.id}:{slug(way.formula)}")
    told = [f.id for f in findings if f.kind in ("dead-branch", "idle-part") and f.criteria[0] == criterion.id]
    assert sorted(":".join(id.split(":")[:3]) for id in told) == sorted(expected)
    assert len(set(told)) == len(told)


def without(formula: Formula, gone: Formula) -> Formula:
    if formula == gone:
        return Value(False)
    if hasattr(formula, "items"):
        return replace(formula, items=tuple(without(item, gone) for item in formula.items))
    return Not(without(formula.item, gone)) if isinstance(formula, Not) else formula


def passing_but(protocol: Protocol, others: list[str], id: str) -> list[dict]:
    return [r for r in passing(protocol, RECORDS, others) if evaluate(protocol.requirements[id], r) is False]


def holds(way, record: dict) -> bool:
    return all(evaluate(part, record) is True for part in (way.formula, *way.beside))


def minimal(protocol: Protocol, ids, records: list[dict]) -> None:
    """Nobody passes them together; without any one of them somebody does."""
    assert not passing(protocol, records, ids)
    for left_out in ids:
        assert passing(protocol, records, [id for id in ids if id != left_out])


def check_redundant(protocol: Protocol, findings: tuple[Finding, ...]) -> None:
    told = {id for f in findings if f.kind == "redundant" for id in f.id.removeprefix("redundant:").split("+")}
    for id, must in protocol.requirements.items():
        others = [other for other in protocol.requirements if other != id]
        implied = not any(evaluate(must, world) is False for world in passing(protocol, WORLDS, others))
        assert (id in told) == implied
    for finding in findings:
        if finding.kind == "redundant" and "+" not in finding.id:
            id, *reasons = finding.criteria
            must = protocol.requirements[id]
            assert not any(evaluate(must, world) is False for world in passing(protocol, WORLDS, reasons))
            assert ("The same is true with data missing." in finding.sentence) == survives(protocol, id)


def survives(protocol: Protocol, id: str) -> bool:
    must, others = protocol.requirements[id], [other for other in protocol.requirements if other != id]
    passed = all(evaluate(must, record) is True for record in passing(protocol, RECORDS, others))
    failed = [record for record in RECORDS if evaluate(must, record) is False]
    return passed and all(any(evaluate(protocol.requirements[o], r) is False for o in others) for r in failed)


@settings(max_examples=40, deadline=None)
@given(small_protocols(facts=True))
def test_brute_force_agrees_under_a_fact(protocol: Protocol) -> None:
    fact = parse(protocol.facts[0].formula, protocol.fields)
    worlds = [world for world in WORLDS if evaluate(fact, world) is not False]
    records = [r for r in RECORDS if any(all(r[k] in (None, w[k]) for k in r) for w in worlds)]
    findings = lint(protocol)
    for finding in findings:
        if finding.kind == "never-satisfiable":
            assert bool(finding.facts) == bool(passing(protocol, RECORDS, protocol.requirements))
            assert not passing(protocol, records, finding.criteria)
        if finding.kind == "dead-branch":
            eligible = passing(protocol, records if finding.facts else RECORDS, finding.criteria)
            ways = alternatives(protocol.formula(finding.criteria[0]))
            assert any(not any(holds(way, record) for record in eligible) for way in ways)
        if finding.kind == "redundant" and "+" not in finding.id:
            id, *reasons = finding.criteria
            seen = passing(protocol, worlds if finding.facts else WORLDS, reasons)
            assert not any(evaluate(protocol.requirements[id], world) is False for world in seen)
