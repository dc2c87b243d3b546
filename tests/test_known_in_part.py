"""What is known in part, and what is worked out from others, on its way from a table to decisions and advice."""

from __future__ import annotations

from collections import Counter
from datetime import date

import narwhals as nw
import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.cohort.sources import Patients
from trialtools.cohort.sources.checks import quality_table
from trialtools.cohort.whatif import CohortCache
from trialtools.criteria.contents import Protocol, read_protocol
from trialtools.criteria.expressions import HIGH, LOW, WRITTEN
from trialtools.criteria.language import Interval, evaluate
from trialtools.criteria.protocol import Criterion, Field
from trialtools.simulate.patients import cohort

DERIVED = read_protocol("""
id: D1
title: Fields that are worked out
fields:
  bmi: {type: number, unit: kg/m2, range: [8, 90], label: Body mass index, from: weight / height**2}
  weight: {type: number, unit: kg, range: [1, 400], label: Weight}
  height: {type: number, unit: m, range: [0.3, 2.5], label: Height}
  age: {type: integer, unit: years, range: [0, 120], label: Age, from: "completed_years(born_on, seen_on)"}
  born_on: {type: date, label: Date of birth}
  seen_on: {type: date, label: Date of screening}
  sex: {type: category, values: [female, male], label: Sex}
  creatinine: {type: number, unit: mg/dL, range: [0.1, 30], label: Creatinine}
  egfr:
    type: number
    unit: mL/min/{1.73_m2}
    range: [0, 250]
    label: eGFR
    from:
      by: sex
      female: 142 * min(creatinine/0.7, 1)**-0.241 * max(creatinine/0.7, 1)**-1.2 * 0.9938**age * 1.012
      male: 142 * min(creatinine/0.9, 1)**-0.302 * max(creatinine/0.9, 1)**-1.2 * 0.9938**age
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: 18 <= age <= 75}
  - {id: I2, kind: inclusion, label: BMI, when: 20 <= bmi <= 30}
  - {id: I3, kind: inclusion, label: Kidney, when: egfr >= 60}
""")
RECORD = {"weight": 70, "height": 1.7, "seen_on": date(2023, 5, 1), "sex": "female", "creatinine": 1.0, "age": 60}


# --- worked out -------------------------------------------------------------------------------------------------------


def test_egfr_is_that_of_the_formula_by_hand():
    """CKD-EPI 2021, creatinine 1.0 mg/dL, a woman of 60."""
    assert DERIVED.facts_of(RECORD)["egfr"] == pytest.approx(64.495, abs=5e-4)


def test_the_verdict_shows_what_a_value_was_worked_out_from():
    text = DERIVED.explain(
        {**RECORD, "age": None, "born_on": Interval(date(1950, 1, 1), date(1950, 12, 31), "1950")}
    ).text(full=True)
    assert "Body mass index 24.2215 kg/m² (worked out from Weight 70 kg, Height 1.7 m)" in text
    assert "Age 72 to 73 years (worked out from Date of birth 1950, Date of screening 2023-05-01)" in " ".join(
        text.split()
    )


def test_what_is_missing_is_asked_for_by_its_parts():
    items = DERIVED.open_items({name: value for name, value in RECORD.items() if name not in ("height", "age")})
    assert items.to_eligible[0].fields == ("height", "born_on")
    assert items.to_eligible[0].answers[0].needed == "for Body mass index: at least 20 and at most 30 kg/m²"


def test_what_differs_from_what_is_worked_out_is_a_finding_and_a_note():
    table = pl.DataFrame(
        {"patient_id": ["a", "b", "c"], "weight": [70.0, 70, 70], "height": [1.7, 1.7, None], "bmi": [24.2, 31, 31]}
    )
    quality = tt.read_patients(table, DERIVED).quality
    assert quality[["field", "problem", "n", "example", "action"]].values.tolist() == [
        ["bmi", "recorded and worked out differ", 1, "31 and 24.2215", "recorded is taken"]
    ]
    notes = DERIVED.explain({**RECORD, "bmi": 31}).notes
    assert len(notes) == 1 and "31 kg/m², but 24.2215 kg/m²" in notes[0]
    assert not DERIVED.explain({**RECORD, "bmi": 24.2}).notes


def test_a_table_has_what_can_be_worked_out_from_it():
    table = pl.DataFrame({name: [value] for name, value in {"patient_id": "a", **RECORD}.items() if name != "age"})
    patients = tt.read_patients(table, DERIVED)
    assert patients.absent == ("age", "born_on", "egfr")
    decisions = tt.screen(DERIVED, patients).decisions()
    assert decisions["open_items"].tolist() == ["born_on"]


def test_a_file_keeps_how_fields_are_worked_out(tmp_path):
    again = tt.load_protocol(DERIVED.write(tmp_path / "again.yaml"))
    assert again == DERIVED and again.sha256 == DERIVED.sha256
    assert "from: weight / height**2" in (tmp_path / "again.yaml").read_text("utf-8")


# --- known in part ----------------------------------------------------------------------------------------------------

FIELDS = {
    "i": Field("integer", "i", range=(0, 5)),
    "j": Field("integer", "j", range=(0, 5)),
    "f": Field("flag", "f", applies="j > 1"),
    "s": Field("integer", "s", range=(0, 10), from_="i + j"),
}
COMPARISONS = st.builds(
    lambda name, sign, limit: f"{name} {sign} {limit}",
    st.sampled_from(["i", "j", "s"]),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(0, 5),
)
PARTS = st.one_of(COMPARISONS, st.sampled_from(["f", "i < j", "i in (0, 1)", "known(i)", "s - i > 1"]))
RULES = st.one_of(PARTS, st.builds(lambda a, sign, b: f"{a} {sign} {b}", PARTS, st.sampled_from(["and", "or"]), PARTS))
PARTLY = st.builds(
    lambda a, b: Interval(min(a, b), max(a, b), f"{min(a, b)}-{max(a, b)}"), st.integers(0, 5), st.integers(0, 5)
)
VALUES = st.one_of(st.none(), st.integers(0, 5), PARTLY)
RECORDS = st.fixed_dictionaries({"i": VALUES, "j": VALUES, "f": st.sampled_from([None, True, False])})


@st.composite
def protocols(draw) -> Protocol:
    texts = draw(st.lists(RULES, min_size=1, max_size=3))
    kinds = st.sampled_from(["inclusion", "exclusion"])
    return Protocol(
        "P", "P", FIELDS, tuple(Criterion(f"C{n}", draw(kinds), f"C{n}", when=t) for n, t in enumerate(texts))
    )


def patients_of(protocol: Protocol, records: list[dict]) -> Patients:
    """The records as `read_patients` would hand them on."""
    columns: dict[str, list] = {"patient_id": [f"p{n}" for n in range(len(records))], "f": [r["f"] for r in records]}
    for name in ("i", "j"):
        values = [record[name] for record in records]
        partly = [value if isinstance(value, Interval) else Interval(None, None, "") for value in values]
        columns[name] = [None if isinstance(value, Interval) else value for value in values]
        columns[name + LOW], columns[name + HIGH] = [each.low for each in partly], [each.high for each in partly]
        columns[name + WRITTEN] = [each.written or None for each in partly]
    types = {name: pl.Int64 for name in columns if name[0] in "ij"} | {"f": pl.Boolean}
    types |= {name: pl.String for name in columns if name.endswith(WRITTEN)}
    frame = nw.from_native(pl.DataFrame(columns, schema_overrides=types))
    return Patients("records", frame, len(records), (), quality_table([]))


def values_of(value) -> list:
    if value is None:
        return list(range(6))
    return list(range(value.low, value.high + 1)) if isinstance(value, Interval) else [value]


@pytest.mark.agreement
@settings(max_examples=sample(40))
@given(protocol=protocols(), record=RECORDS)
def test_what_is_decided_holds_for_every_value_in_between(protocol, record):
    """Unless a criterion asks what is known: then it speaks of the record and not of the patient."""
    facts = protocol.facts_of(record)
    worlds = [
        protocol.facts_of({"i": i, "j": j, "f": f})
        for i in values_of(record["i"])
        for j in values_of(record["j"])
        for f in ([True, False] if record["f"] is None else [record["f"]])
    ]
    worlds = [world for world in worlds if not (record["f"] and world["f"] is False)]  # who has it, it applies to
    for id, formula in protocol.requirements.items():
        state = evaluate(formula, facts)
        if worlds and state is not None and "known" not in str(protocol.criterion[id].when):
            assert {evaluate(formula, world) for world in worlds} == {state}


@pytest.mark.agreement
@given(protocol=protocols(), record=RECORDS)
def test_answers_that_are_asked_for_settle_the_decision(protocol, record):
    """What is known in part is found out to be something in between, and never something else."""
    items = protocol.open_items(record)
    for wanted, sets in (("eligible", items.to_eligible), ("ineligible", items.to_ineligible)):
        for found in sets:
            rest = [
                {**record, **dict(zip(found.fields, answers, strict=True))}
                for answers in _answers(
                    [values_of(record[name]) if name in "ij" else [True, False] for name in found.fields]
                )
            ]
            assert any(protocol.explain(each).decision == wanted for each in rest)
    if items.decision == "undetermined" and items.complete and "known" not in str(protocol.criteria):
        assert items.to_eligible or items.to_ineligible


def _answers(values: list[list]) -> list[tuple]:
    found: list[tuple] = [()]
    for each in values:
        found = [(*row, value) for row in found for value in each]
    return found


@pytest.mark.agreement
@settings(max_examples=sample(25))
@given(protocol=protocols(), records=st.lists(RECORDS, min_size=1, max_size=8))
def test_screening_sweeps_and_what_if_count_alike(protocol, records):
    """A table, a sweep at the protocol's own value, and a cohort held in memory say what the reference says."""
    patients = patients_of(protocol, records)
    screening = tt.screen(protocol, patients)
    wanted = Counter(protocol.explain(record).decision for record in records)
    assert {name: screening.counts[name] for name in wanted} == wanted
    held = CohortCache(protocol, patients).screen(protocol)
    assert held.counts == screening.counts
    for threshold in protocol.threshold_table()["threshold"]:
        own = screening.sweep(threshold).query("protocol")
        assert own[["certain", "possible"]].values.tolist() == [[screening.certain, screening.possible]]
        moved = protocol.with_thresholds({threshold: 3})
        there, other = screening.sweep(threshold, [3]), tt.screen(moved, patients)
        assert there[["certain", "possible"]].values.tolist() == [[other.certain, other.possible]]


def test_evidence_and_the_verdict_show_what_was_written():
    protocol = read_protocol("""
id: T1
title: T
fields: {platelets: {type: integer, range: [0, 1000], label: Platelets}}
criteria: [{id: I1, kind: inclusion, label: Platelets, when: platelets >= 100}]
""")
    screening = tt.screen(protocol, pl.DataFrame({"patient_id": ["a", "b"], "platelets": [">150", "<200"]}))
    assert screening.evidence()["values"].tolist() == ["platelets=>150", "platelets=<200"]
    assert screening.decisions()["open_items"].tolist() == ["", "platelets"]
    assert "Platelets >150" in protocol.explain(screening.patients.patient("a")).text()
    assert protocol.open_items(screening.patients.patient("b")).to_settle[0].needed == "at least 100 and at most 199"


@pytest.mark.parametrize(("written", "shown"), [(">55%", ">55%"), (">55", ">55 %"), ("50-55 pct", "50-55 pct")])
def test_a_unit_that_a_table_writes_is_not_written_twice(written, shown):
    assert Field("number", "Saturation", unit="%").write(Interval(50, 60, written)) == shown


def test_a_synthetic_cohort_agrees_with_what_is_worked_out():
    """What a field is worked out from is drawn, and every criterion both passes and fails."""
    screening = tt.screen(DERIVED, cohort(DERIVED, 500, seed=1))
    assert "recorded and worked out differ" not in screening.patients.quality["problem"].tolist()
    states = screening.criterion_states()
    assert (states["pass"] > 0).all() and (states["fail"] > 0).all()
