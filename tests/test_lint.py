"""The linter's claims are true: on the trial, on sketches that should and should not be told of, by brute force."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools.criteria.contents import Protocol, load_protocol, read_protocol
from trialtools.criteria.language import Not, Value, evaluate, parse
from trialtools.criteria.proofs import prover as prover_module
from trialtools.criteria.proofs.finding import Finding, Findings, slug
from trialtools.criteria.proofs.findings import lint, uncovered_text
from trialtools.criteria.proofs.idle import Alternative, alternatives, without

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


def findings_by_id(protocol: Protocol, kind: str) -> dict[str, Finding]:
    findings = lint(protocol)
    for finding in findings:
        bears_out(protocol, finding)
    return {finding.id: finding for finding in findings if finding.kind == kind}


def is_of_everybody(finding: Finding) -> bool:
    """Whether it was proven of every possible patient, whatever is missing of them."""
    return finding.proven_for.startswith("every possible patient")


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
            assert not all(judged.values())
        case "redundant" | "idle-part":
            assert set(protocol.fields) - set(finding.witness), "it is about data that are missing"
    if finding.breaks is not None:
        assert finding.kind == "dead-branch" and finding.facts
        assert all(states(protocol, finding.breaks).values())


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
def findings(trial: Protocol) -> Findings:
    return lint(trial)


@pytest.fixture(scope="module")
def by_id(trial: Protocol, findings: Findings) -> dict[str, Finding]:
    for finding in findings:
        bears_out(trial, finding)
    return {finding.id: finding for finding in findings}


def test_what_is_found_in_the_trial(by_id: dict[str, Finding]) -> None:
    assert list(by_id) == TRIAL_IDS
    assert [id for id, finding in by_id.items() if finding.severity == "finding"] == TRIAL_IDS[:5]


def test_the_tumour_risk_factor_is_dead_without_any_assumption(by_id: dict[str, Finding]) -> None:
    finding = by_id["dead-branch:I9:tumour_history"]
    assert finding.criteria == ("I9", "E1") and finding.facts == () and is_of_everybody(finding)
    assert finding.sentence == (
        '"Tumour, now or ever" is one of the ways to pass I9 (At least one risk factor, read as "required"), but it '
        "can never help anybody. Whoever has it cannot pass E1 (Tumour or precancerous lesion, "
        'read as "lesions_confirmed").'
    )
    assert any("tumors and other underlying diseases" in quote for quote in finding.quotes)


def test_pregnancy_is_dead_only_under_the_facts_that_are_named(findings: Findings, by_id: dict[str, Finding]) -> None:
    for name, fact in (("late_pregnancy", "F1"), ("perinatal", "F2")):
        finding = by_id[f"dead-branch:I9:{name}"]
        assert finding.criteria == ("I9", "E3")
        assert [fact_text.split(":")[0] for fact_text in finding.facts] == [fact] and f"({fact})" in finding.sentence
        assert finding.witness[name] is True and finding.witness["pregnant"] is True
        assert finding.breaks[name] is True and finding.breaks["pregnant"] is False
        assert f"Without {fact} this patient would be eligible" in findings.text()


def test_a_reading_is_held_against_the_cited_guideline(by_id: dict[str, Finding]) -> None:
    finding = by_id["guideline:I6:registered:G1"]
    assert "fewer than 30" in finding.sentence and "not the one chosen" in finding.sentence
    assert "Trial Version 10" in finding.facts[0]


def test_the_literal_reading_excludes_everybody(by_id: dict[str, Finding]) -> None:
    finding = by_id["reading:E7:literal"]
    assert finding.criteria == ("E7", "I4") and is_of_everybody(finding)


def test_who_falls_between(by_id: dict[str, Finding]) -> None:
    finding = by_id["boundary:I9:age>65"]
    assert (finding.witness["age"], finding.beside["age"]) == (65, 66)
    assert by_id["boundary:I7:spo2>93"].witness["spo2"] == 93


def test_a_protocol_that_admits_nobody_says_so_once() -> None:
    literal = load_protocol(TRIAL, readings={"E7": "literal"})
    findings = lint(literal)
    (nobody,) = [finding for finding in findings if finding.kind == "never-satisfiable"]
    assert nobody.criteria == ("I4", "E7") and 'E7 read as "other_viruses"' in nobody.sentence
    kinds = {finding.kind for finding in findings}
    assert kinds == {"never-satisfiable", "guideline", "known-later", "undefined", "unused"}


def test_other_readings_of_the_trial_change_what_is_found() -> None:
    both = findings_by_id(load_protocol(TRIAL, readings={"E1": "both_confirmed"}), "dead-branch")
    assert "dead-branch:I9:tumour_history" not in both  # a tumour that no pathologist confirmed now helps
    remark = findings_by_id(load_protocol(TRIAL, readings={"I9": "remark"}), "redundant")
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
    by_id = findings_by_id(sketch(*criteria), "dead-branch")
    assert {":".join(id.split(":")[:2]) for id in by_id} == heads
    if not any("-and-" in id for id in ids):
        assert set(by_id) == ids
    assert all(is_of_everybody(finding) and finding.severity == "finding" for finding in by_id.values())


def test_a_branch_that_is_impossible_in_itself_blames_nobody() -> None:
    (finding,) = findings_by_id(sketch("I1: age > 130 or a", "E1: b"), "dead-branch").values()
    assert finding.criteria == ("I1",) and "impossible in itself" in finding.sentence


def test_two_criteria_may_kill_a_branch_together() -> None:
    (finding,) = findings_by_id(sketch("I1: a or c", "E1: a and b", "E2: a and not b"), "dead-branch").values()
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
    by_id = findings_by_id(sketch(*criteria), "idle-part")
    assert set(by_id) == ids
    assert all(finding.severity == "note" for finding in by_id.values())


LATE = "facts: [{id: F1, says: Late pregnancy is pregnancy, formula: not late or pregnant}]"


def with_facts(protocol: str, *criteria: str) -> Protocol:
    written = f"id: S\ntitle: S\nfields:{FIELDS}\n{protocol}\ncriteria:\n"
    for criterion in criteria:
        id, when = criterion.split(": ", 1)
        kind = "exclusion" if id.startswith("E") else "inclusion"
        written += f"  - {{id: {id}, kind: {kind}, label: Rule {id}, when: '{when}'}}\n"
    return read_protocol(written)


def test_a_fact_is_used_only_where_it_is_needed_and_named_then() -> None:
    by_id = findings_by_id(with_facts(LATE, "I1: late or a or b", "E1: pregnant", "E2: a"), "dead-branch")
    assert by_id["dead-branch:I1:a"].facts == ()
    late = by_id["dead-branch:I1:late"]
    assert late.facts == ("F1: Late pregnancy is pregnancy",) and late.criteria == ("I1", "E1")
    assert late.witness["late"] and late.witness["pregnant"]
    assert late.breaks["late"] and not late.breaks["pregnant"] and late.breaks["sex"] == "female"
    assert not findings_by_id(sketch("I1: late or b", "E1: pregnant"), "dead-branch")


def test_facts_that_cannot_be_true_together_prove_nothing() -> None:
    facts = (
        "facts: [{id: F1, says: A, formula: a}, {id: F2, says: No A, formula: not a}, {id: F3, says: B, formula: b}]"
    )
    protocol = with_facts(facts, "I1: a or b")
    (finding,) = findings_by_id(protocol, "facts").values()
    assert finding.id == "facts:F1+F2" and finding.severity == "finding"
    assert not any(finding.facts for finding in lint(protocol) if finding.kind != "facts")


def test_nobody_only_under_a_fact() -> None:
    protocol = with_facts(LATE, "I1: late", "E1: pregnant")
    (finding,) = findings_by_id(protocol, "never-satisfiable").values()
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
    by_id = findings_by_id(sketch(one, two), "reading")
    assert set(by_id) == {"reading:I1:narrow+E1:wide"}
    by_id = findings_by_id(sketch(one, "E1: {readings: {narrow: a and b, wide: a or b}}"), "reading")
    assert set(by_id) == {"reading:E1:wide"} and by_id["reading:E1:wide"].criteria == ("E1", "I1")
    assert not findings_by_id(sketch(one, "E1: c"), "reading")


def test_guideline_is_held_against_every_reading() -> None:
    guideline = "guideline: [{id: G1, says: Adults only, formula: age >= 18}]"
    by_id = findings_by_id(with_facts(guideline, "I1: age < 12 or age > 200", "I2: age < 20", "E1: a"), "guideline")
    assert set(by_id) == {"guideline:I1:G1"}
    by_id = findings_by_id(with_facts(guideline, "E1: age >= 10"), "guideline")
    assert set(by_id) == {"guideline:E1:G1"}
    by_id = findings_by_id(with_facts(guideline, "I1: age < 18 or a", "E1: a"), "guideline")
    assert set(by_id) == {"guideline:I1+E1:G1"}
    impossible = "guideline: [{id: G1, says: Never, formula: age > 500}]"
    assert not findings_by_id(with_facts(impossible, "I1: age < 12"), "guideline")


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
    assert set(findings_by_id(sketch(*criteria), "redundant")) == ids


def test_redundant_with_data_missing_is_told_apart() -> None:
    finding = findings_by_id(sketch("I1: age >= 18", "I2: age >= 21"), "redundant")["redundant:I1"]
    assert "The same is true with data missing." in finding.sentence and finding.witness is None
    # With everything known I1 is passed by anybody; a record without the age leaves it open.
    broken = findings_by_id(sketch("I1: age >= 18 or age < 18", "I2: a"), "redundant")["redundant:I1"]
    assert "decides nothing where everything is known: everybody passes it." in broken.sentence
    assert "may still decide who is eligible" in broken.sentence and "age" not in broken.witness
    assert not is_of_everybody(broken) and broken.proven_for == "every patient with all facts known"
    alone = findings_by_id(sketch("I1: a", "I2: (a or b) and (a or not b)"), "redundant")["redundant:I1+I2"]
    assert (
        "With data missing it may still decide who is ineligible (I1)." in alone.sentence and alone.witness is not None
    )


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
    by_id = findings_by_id(sketch(*criteria), "gap")
    assert {id: finding.severity for id, finding in by_id.items()} == ids


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
    assert set(findings_by_id(sketch(*criteria), "boundary")) == ids


def test_the_next_value_past_a_limit_follows_the_step() -> None:
    (finding,) = findings_by_id(sketch("I1: bmi > 29.9 or a"), "boundary").values()
    assert (finding.witness["bmi"], finding.beside["bmi"]) == (29.9, 30)
    assert "29.9 kg/m²" in finding.sentence and "30 kg/m²" in finding.sentence


def test_judgement_mixed_with_records() -> None:
    by_id = findings_by_id(sketch("I1: ok and a", "I2: ok", "I3: b"), "judgement")
    assert set(by_id) == {"judgement:I1"} and "Fit in the eyes of the doctor" in by_id["judgement:I1"].sentence


def test_fields_that_nothing_asks_about() -> None:
    (finding,) = findings_by_id(sketch("I1: pregnant or a and b"), "unused").values()
    assert finding.id == "unused:c+age+bmi+late+ok"  # sex is asked by `applies`


# The registry text

TEXT = "Eligibility Age 18 to 85; no tumours,\n or fever. No fever again. Contact 18 Sites"


def test_text_that_no_quote_covers() -> None:
    protocol = sketch("I1: {when: a, quote: Age 18 to 85}", "E1: {when: b, quote: fever}", text=TEXT)
    assert uncovered_text(protocol) == ("Eligibility", "no tumours, or", "No", "again. Contact 18 Sites")
    object.__setattr__(protocol, "eligibility", ("Eligibility", "Contact"))
    assert uncovered_text(protocol) == ("no tumours, or", "No", "again")
    object.__setattr__(protocol, "eligibility", (("Eligibility", "No fever"), ("Contact", "")))
    assert uncovered_text(protocol) == ("no tumours, or", "18 Sites")
    object.__setattr__(protocol, "eligibility", ("Eligibility", "Contact"))
    object.__setattr__(protocol, "not_rules", ("no  tumours,\tor", "No", "again"))
    assert uncovered_text(protocol) == ()


def test_a_quote_covers_whole_words_only() -> None:
    assert uncovered_text(sketch("I1: {when: a, quote: age}", text="age and cage")) == ("and cage",)
    assert uncovered_text(sketch("I1: {when: a, quote: age 18}", text="Criteriaage 18years")) == ("Criteria", "years")


def test_uncovered_text_is_a_finding_and_a_missing_text_a_note() -> None:
    by_id = findings_by_id(sketch("I1: {when: a, quote: fever}", "I2: b", text="fever or cough"), "uncovered")
    assert set(by_id) == {"uncovered:or-cough"} and by_id["uncovered:or-cough"].severity == "finding"
    protocol = sketch("I1: {when: a, quote: fever}", "I2: b", text="fever")
    assert set(findings_by_id(protocol, "no-quote")) == {"no-quote:I2"}
    assert set(findings_by_id(sketch("I1: a"), "no-source")) == {"no-source"}
    assert uncovered_text(sketch("I1: a")) == ()


# Text and JSON


def test_the_page_is_narrow_grouped_and_complete(findings: Findings, by_id: dict[str, Finding]) -> None:
    page = findings.text()
    assert page.startswith("NCT05741099: 5 findings, 17 notes\n\nFINDINGS\n")
    assert max(map(len, page.splitlines())) <= 100
    assert all(f"[{id}]" in page for id in by_id)
    assert page.index("Alternatives that can never help") < page.index("NOTES") < page.index("Unknown by design")
    assert "the same patient with Age at screening 66 years" in page
    assert not any(word in page.lower() for word in ("solver", "unsat", "z3", "core", "satisfiab", "disjunct"))


def test_json_says_all_of_it(trial: Protocol, findings: Findings) -> None:
    page = json.loads(findings.to_json())
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
    monkeypatch.setattr(prover_module.Logic, "witness", lambda logic, model: {"age": 50})
    findings = lint(sketch("I1: age > 65 or a"))
    assert not any(finding.witness for finding in findings)
    assert "whether limits of I1 leave out their own value" in findings[-1].sentence


@pytest.mark.parametrize(
    "whens",
    [
        ["x*y*z*x*y - z*z*z*x/y > y*z and x*x*x - y*y*y*z == 7.3"],
        ["at_least(3, x*y > z, y*z > x, z*x > y, x*x > y*z*z, u*v > w*w)"],
        ["x*y*z*x*y - z*z*z*x/y > y*z", "at_least(3, x*y > z, y*z > x, z*x > y, x*x > y*z*z, u*v > w*w)"],
        ["x*y + z*u == 1", "x*z + y*v == 2", "x*u + z*w == 3.5", "x*x*x + y*y*y == z*z*z"],
        ["*".join(["(x + y + z + u + v + w)"] * 18) + " > x", "x > 3"],
        ["*".join("xy" * 20) + " == 7.3"],
    ],
)
def test_check_ends_in_time_and_says_what_it_gave_up(whens: list[str]) -> None:
    numbers = "".join(f"\n  {name}: {{type: number, label: {name.upper()}}}" for name in "xyzuvw")
    start = time.perf_counter()
    findings = lint(sketch(*(f"I{n}: {when}" for n, when in enumerate(whens, 1)), more=numbers))
    assert time.perf_counter() - start < 10
    assert not any(is_of_everybody(finding) for finding in findings)
    for hard in (finding.sentence for finding in findings if finding.kind == "too-hard"):
        assert "given up" in hard and any(word in hard for word in ("whether ", "which ", "what follows from "))


def test_a_question_that_is_given_up_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover_module, "_EFFORT", 1)
    criteria = ["I1: bmi * age > 900 or a", "I2: bmi * age < 800", "I3: bmi / age > 1 or b", "E1: bmi / age > 2"]
    findings = lint(sketch(*criteria))
    assert "too-hard" in {finding.kind for finding in findings}
    assert not any(is_of_everybody(finding) or finding.witness for finding in findings)


# Brute force over every record of a small world: complete and incomplete patients judge every kind of finding

SMALL = """
id: S
title: S
fields:
  a: {type: flag, label: A}
  b: {type: flag, label: B}
  p: {type: flag, label: P, applies: a}
  n: {type: integer, label: N, range: [0, 3]}
"""
WORLDS = [dict(zip("abpn", values, strict=True)) for values in product(*[(False, True)] * 3, range(4))]
RECORDS = [dict(zip("abpn", values, strict=True)) for values in product(*[(False, True, None)] * 3, (0, 1, 2, 3, None))]
ATOMS = st.sampled_from(["a", "b", "p", "n > 1", "n < 2", "n == 3", "known(n)", "missing(a)", "missing(p)", "n >= 1"])
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
def small_protocols(draw) -> Protocol:
    written = SMALL
    for part in ("facts", "guideline"):
        facts = [f"{{id: F{n}, says: Fact, formula: '{draw(EXPRESSIONS)}'}}" for n in range(draw(st.integers(0, 2)))]
        written += f"{part}: [{', '.join(facts)}]\n"
    written += "criteria:\n"
    for position in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["inclusion", "exclusion"]))
        what = f"when: '{draw(EXPRESSIONS)}'"
        if draw(st.integers(0, 4)) == 0:
            what = f"readings: {{one: '{draw(EXPRESSIONS)}', two: '{draw(EXPRESSIONS)}'}}"
        written += f"  - {{id: C{position}, kind: {kind}, label: L, {what}}}\n"
    return read_protocol(written)


class Judge:
    """Every record of a protocol, and what the reference evaluator says of each."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.fact_ids = [fact.id for fact in protocol.facts]
        self.seen = [(protocol.facts_of(record), self.broken(record)) for record in RECORDS]

    def broken(self, record: dict) -> list[set[str]]:
        """Of every world that the record may stand for, which facts do not hold there."""
        worlds = []
        for world in WORLDS:
            real = self.protocol.facts_of(world)
            fits = all(record[name] in (None, world[name]) for name in record)
            if fits and not (record["p"] is True and real["p"] is False):
                formulas = self.protocol.fact_formulas.items()
                worlds.append({id for id, fact in formulas if evaluate(fact, real) is False})
        return worlds

    def records(self, facts=(), complete: bool = False) -> list[dict]:
        """The records on which some facts can hold together."""
        return [
            record
            for record, worlds in self.seen
            if (not facts or any(not broken & set(facts) for broken in worlds))
            and not (complete and None in record.values())
        ]

    def decision(self, record: dict, **instead) -> str:
        states = [evaluate(rule, record) for rule in (self.protocol.requirements | instead).values()]
        return "ineligible" if False in states else "undetermined" if None in states else "eligible"

    def passing(self, records: list[dict], ids) -> list[dict]:
        rules = [self.protocol.requirements[id] for id in ids]
        return [record for record in records if all(evaluate(rule, record) is True for rule in rules)]

    def same(self, records: list[dict], id: str, rule) -> bool:
        """Whether no decision changes if a criterion says something else."""
        return all(self.decision(record) == self.decision(record, **{id: rule}) for record in records)

    def required(self, id: str, formula):
        return Not(formula) if self.protocol.criterion[id].kind == "exclusion" else formula


def holds(way: Alternative, record: dict) -> bool:
    return all(evaluate(part, record) is True for part in (way.formula, *way.beside))


@pytest.mark.agreement
@settings(max_examples=sample(50))
@given(small_protocols())
def test_brute_force_bears_out_every_finding(protocol: Protocol) -> None:
    judge = Judge(protocol)
    for finding in lint(protocol):
        bears_out(protocol, finding)
        facts = [fact.split(":")[0] for fact in finding.facts]
        complete = bool(finding.proven_for) and not is_of_everybody(finding)
        records = judge.records(facts[1:]) if finding.kind == "guideline" else judge.records(facts, complete)
        assert finding.kind in JUDGES or not finding.proven_for
        if finding.kind in JUDGES:
            JUDGES[finding.kind](judge, finding, records)
        if complete:
            assert "where everything is known" in finding.sentence
        if facts and finding.kind in ("dead-branch", "redundant", "idle-part", "reading"):
            assert all(f"({id})" in finding.sentence for id in facts)


def nobody(judge: Judge, finding: Finding, records: list[dict]) -> None:
    assert not judge.passing(records, finding.criteria)
    possible = judge.records(judge.fact_ids if finding.facts else ())
    for left_out in finding.criteria:
        assert judge.passing(possible, [id for id in finding.criteria if id != left_out])


def no_world(judge: Judge, finding: Finding, records: list[dict]) -> None:
    assert finding.facts and not records


def no_patient_of_the_guideline(judge: Judge, finding: Finding, records: list[dict]) -> None:
    cited = next(fact for fact in judge.protocol.guideline if fact.id == finding.facts[0].split(":")[0])
    of_it = [r for r in records if evaluate(parse(cited.formula, judge.protocol.fields), r) is True]
    reading = finding.id.split(":")[2] if finding.id.count(":") == 3 else None
    if len(finding.criteria) > 1:
        assert not judge.passing(of_it, finding.criteria)
    else:
        (id,) = finding.criteria
        rule = judge.required(id, judge.protocol.formula(id, reading))
        assert not any(evaluate(rule, record) is True for record in of_it)


def nobody_with_the_reading(judge: Judge, finding: Finding, records: list[dict]) -> None:
    chosen = dict(part.split(":") for part in finding.id.removeprefix("reading:").split("+"))
    other = Judge(judge.protocol.with_readings(chosen))
    assert not other.passing(records, finding.criteria)


def dead(judge: Judge, finding: Finding, records: list[dict]) -> None:
    id = finding.criteria[0]
    ways = [way for way in alternatives(judge.protocol.formula(id)) if finding.id.split(":")[2] == slug(way.formula)]
    eligible = judge.passing(records, judge.protocol.requirements)
    (*_, way) = [way for way in ways if not any(holds(way, record) for record in eligible)]
    if finding.witness is not None:
        assert holds(way, judge.protocol.facts_of(finding.witness)) or len(ways) > 1
    if len(ways) == 1:
        owners = [record for record in records if holds(way, record)]
        claim = finding.sentence.partition("Whoever has it cannot pass")[2]
        assert not judge.passing(owners, [id for id in finding.criteria if f" {id} (" in claim])


def makes_no_difference(judge: Judge, finding: Finding, records: list[dict]) -> None:
    id = finding.criteria[0]
    formula = judge.protocol.formula(id)
    ways = [way for way in alternatives(formula) if finding.id.split(":")[2] == slug(way.formula)]
    rules = [judge.required(id, without(formula, way.place)) for way in ways]
    assert any(judge.same(records, id, rule) for rule in rules)
    if finding.witness is not None:
        assert not all(judge.same([judge.protocol.facts_of(finding.witness)], id, rule) for rule in rules)


def decides_nothing(judge: Judge, finding: Finding, records: list[dict]) -> None:
    ids = finding.id.split(":")[1].split("+")
    for id in ids:
        assert judge.same(records, id, Value(True))
    if len(ids) == 2:
        assert judge.passing(records, ids[:1]) == judge.passing(records, ids[1:])
    else:
        named = [id for id in finding.criteria[1:] if f"{id} (" in finding.sentence]
        assert all(record in judge.passing(records, ids) for record in judge.passing(records, named))
    if finding.witness is not None:
        record = judge.protocol.facts_of(finding.witness)
        assert not all(judge.same([record], id, Value(True)) for id in ids)


def left_out(judge: Judge, finding: Finding, records: list[dict]) -> None:
    ends = finding.id.split(":")[2].split("-")
    inside = range(int(ends[0]), int(ends[-1]) + 1) if len(ends) == 1 else range(int(ends[0]) + 1, int(ends[1]))
    eligible = {record["n"] for record in judge.passing(records, judge.protocol.requirements)}
    assert not eligible & set(inside) and eligible & set(range(inside.start)) and eligible & set(range(inside.stop, 4))


JUDGES = {
    "never-satisfiable": nobody,
    "contradiction": nobody,
    "facts": no_world,
    "guideline": no_patient_of_the_guideline,
    "reading": nobody_with_the_reading,
    "dead-branch": dead,
    "idle-part": makes_no_difference,
    "redundant": decides_nothing,
    "gap": left_out,
}


@pytest.mark.agreement
@settings(max_examples=sample(40))
@given(small_protocols().map(lambda protocol: replace(protocol, facts=(), guideline=())))
def test_nothing_that_brute_force_finds_is_left_out(protocol: Protocol) -> None:
    judge = Judge(protocol)
    findings = lint(protocol)
    eligible = judge.passing(judge.records(), protocol.requirements)
    assert any(finding.kind == "never-satisfiable" for finding in findings) == (not eligible)
    if not eligible:
        return
    by_id = {id for f in findings if f.kind == "redundant" for id in f.id.removeprefix("redundant:").split("+")}
    idle = {id for id in protocol.requirements if judge.same(judge.records(complete=True), id, Value(True))}
    assert by_id == idle
    for id in protocol.requirements:
        if not judge.same(judge.records(), id, Value(True)):
            assert parts_told(findings, id) == parts_expected(judge, id)


def parts_told(findings: tuple[Finding, ...], id: str) -> list[str]:
    kinds = ("dead-branch", "idle-part")
    by_id = [
        f for f in findings if f.kind in kinds and f.criteria[0] == id and not (f.proven_for and not is_of_everybody(f))
    ]
    return sorted(":".join(finding.id.split(":")[:3]) for finding in by_id)


def parts_expected(judge: Judge, id: str) -> list[str]:
    """The alternatives that are true of nobody eligible, and those that change no decision about anybody."""
    formula, expected, gone = judge.protocol.formula(id), [], []
    eligible = judge.passing(judge.records(), judge.protocol.requirements)
    for way in alternatives(formula):
        if any(way.place[: len(place)] == place for place in gone):
            continue
        helps = judge.protocol.criterion[id].kind == "inclusion"
        never = helps and not any(holds(way, record) for record in eligible)
        rule = judge.required(id, without(formula, way.place))
        if never or judge.same(judge.records(), id, rule):
            gone.append(way.place)
            expected.append(f"{'dead-branch' if never else 'idle-part'}:{id}:{slug(way.formula)}")
        elif judge.same(judge.records(complete=True), id, rule) and not any(w in slug(way.formula) for w in ("known",)):
            gone.append(way.place)
    return sorted(expected)


@pytest.mark.parametrize(
    ("criterion", "part"),
    [
        ("I1: spo2 > 93 or missing(spo2)", "spo2-is-not-known"),
        ("E1: a or missing(a)", "a-is-not-known"),
        ("E1: b and (a or missing(a))", "a-is-not-known"),
        ("I1: (a or missing(a)) and (b or c)", "a-is-not-known"),
    ],
)
def test_a_part_about_missing_data_makes_a_difference(criterion: str, part: str) -> None:
    more = "  spo2: {type: number, label: Saturation, range: [50, 100], step: 1}"
    assert not [f for f in lint(sketch(criterion, more=more)) if part in f.id]
