"""The synthetic cohort: seeded, believable, incomplete as records are, and labelled wherever it goes."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from trialtools.criteria.contents import Protocol, load_protocol, read_protocol
from trialtools.criteria.language import evaluate
from trialtools.criteria.protocol import DataError, Field
from trialtools.simulate import cohort, cohorts, write_cohort
from trialtools.simulate.columns import quantity_of
from trialtools.simulate.model import read_assumptions
from trialtools.simulate.patients import BLOCK

PROTOCOL_FILE = "data/protocols/NCT05741099.yaml"
SKETCH = """
id: sketch
title: Fields that no model knows
fields:
  creatinine: {type: number, unit: mg/dL, range: [0, 20], step: 0.01, label: Creatinine, group: labs}
  albumin: {type: number, unit: g/L, range: [10, 60], label: Albumin, group: labs}
  score: {type: integer, label: Some score}
  colour: {type: category, values: [red, green, blue], label: Colour}
  special: {type: flag, label: Special, applies: 'colour == "red" and score > 2'}
  seen_on: {type: date, range: [2024-01-01, 2024-01-31], label: Seen on}
  told_on: {type: date, label: Told on}
  spo2: {type: number, range: [0, 1], step: 0.01, label: Saturation as a fraction}
  sex: {type: category, values: [f, m], label: Sex by other codes}
  age: {type: number, range: [0, 18], label: Age of a child}
criteria:
  - {id: A, kind: inclusion, label: a, when: creatinine < 3 and score >= 4}
  - {id: B, kind: exclusion, label: b, when: special}
"""


@pytest.fixture(scope="module")
def sketch() -> Protocol:
    return read_protocol(SKETCH)


@pytest.fixture(scope="module")
def complete(protocol: Protocol) -> pl.DataFrame:
    """Twenty thousand clean and complete records, for what holds between columns."""
    return cohort(protocol, 20_000, seed=1, dirty=False, missing=0)


@pytest.fixture(scope="module")
def incomplete(protocol: Protocol) -> pl.DataFrame:
    return cohort(protocol, 20_000, seed=1)


def within_limits(column: pl.Series, field: Field) -> bool:
    return all(field.possible(value) is not None for value in column.drop_nulls().unique())


def correlation(frame: pl.DataFrame, a: str, b: str) -> float:
    return frame.select(pl.corr(pl.col(a).cast(pl.Float64), pl.col(b).cast(pl.Float64))).item()


def test_the_same_seed_gives_the_same_patients_and_another_seed_gives_others(protocol: Protocol) -> None:
    assert cohort(protocol, 300, seed=4).equals(cohort(protocol, 300, seed=4), null_equal=True)
    assert not cohort(protocol, 300, seed=4).equals(cohort(protocol, 300, seed=5), null_equal=True)


def test_the_first_patients_do_not_depend_on_how_many_are_asked_for(protocol: Protocol) -> None:
    many = cohort(protocol, BLOCK + 7, seed=4)
    assert many.head(50).equals(cohort(protocol, 50, seed=4), null_equal=True)
    assert many["patient_id"].n_unique() == BLOCK + 7
    assert not many["spo2"].head(7).equals(many["spo2"].tail(7), null_equal=True)


def test_a_further_field_changes_no_other_column(protocol: Protocol) -> None:
    without = {name: field for name, field in protocol.fields.items() if name != "vaccinated"}
    smaller = Protocol(protocol.id, protocol.title, without, protocol.criteria)
    one, other = cohort(protocol, 200, seed=4), cohort(smaller, 200, seed=4)
    assert one.drop("vaccinated").equals(other, null_equal=True)


def test_the_columns_are_the_fields_in_their_types(protocol: Protocol, incomplete: pl.DataFrame) -> None:
    assert incomplete.columns == ["patient_id", *protocol.fields, "synthetic"]
    types = {"integer": pl.Int64, "number": pl.Float64, "flag": pl.Boolean, "category": pl.String, "date": pl.Date}
    for name, field in protocol.fields.items():
        assert incomplete.schema[name] == types[field.type], name
    assert incomplete["patient_id"].head(2).to_list() == ["P-000001", "P-000002"]
    assert incomplete["patient_id"].n_unique() == len(incomplete)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ("age", "hypertension", 0.15, 0.5),
        ("age", "cardiovascular_disease", 0.15, 0.5),
        ("bmi", "diabetes", 0.1, 0.4),
        ("bmi", "hypertension", 0.1, 0.4),
        ("cardiovascular_disease", "chronic_kidney_disease", 0.05, 0.4),
        ("respiratory_rate", "spo2", -0.9, -0.4),
        ("age", "spo2", -0.6, -0.1),
        ("vaccinated", "spo2", 0.05, 0.4),
        ("respiratory_rate", "tachypnoea", 0.4, 0.9),
        ("dyspnoea", "spo2", -0.7, -0.2),
        ("high_fever_days", "respiratory_rate", 0.03, 0.4),
        ("consent", "unsuitable", -0.3, 0.0),
    ],
)
def test_columns_go_together_as_on_a_ward(complete: pl.DataFrame, a: str, b: str, low: float, high: float) -> None:
    assert low < correlation(complete, a, b) < high


def test_severity_drives_the_clinical_type(complete: pl.DataFrame) -> None:
    by_type = complete.group_by("clinical_type").agg(pl.col("respiratory_rate", "spo2", "age").mean(), pl.len())
    rows = {row["clinical_type"]: row for row in by_type.to_dicts()}
    order = [rows[name] for name in ("mild", "moderate", "severe", "critical")]
    for before, after in pairwise(order):
        assert before["respiratory_rate"] < after["respiratory_rate"]
        assert before["spo2"] > after["spo2"]
        assert before["age"] < after["age"]
    assert [round(row["len"] / len(complete), 1) for row in order] == [0.3, 0.5, 0.2, 0.1]
    moderate = complete.filter(pl.col("clinical_type") == "moderate")
    assert (moderate["respiratory_rate"] < 30).mean() > 0.99
    assert (moderate["spo2"] > 93).mean() > 0.95
    assert (moderate["radiology_characteristic"]).mean() > 0.8


def test_what_sex_and_time_make_impossible_does_not_occur(protocol: Protocol, complete: pl.DataFrame) -> None:
    men = complete.filter(pl.col("sex") == "male")
    assert not men.select(pl.any_horizontal("pregnant", "late_pregnancy", "perinatal", "lactating").any()).item()
    women = complete.filter(pl.col("sex") == "female")
    assert women["pregnant"].any() and women["lactating"].any() and women["perinatal"].any()
    assert (complete["infected_on"] < complete["screened_on"]).all()
    assert (complete["other_trial_on"].is_not_null() == complete["other_trial"]).all()
    assert (complete["other_trial_on"] < complete["screened_on"]).all()
    days = (complete["screened_on"] - complete["infected_on"]).dt.total_days()
    assert (complete["high_fever_days"] <= days).all()


def test_the_declared_facts_hold(protocol: Protocol, complete: pl.DataFrame) -> None:
    from trialtools.criteria.language import names, parse

    for fact in protocol.facts:
        formula = parse(fact.formula, protocol.fields)
        for case in complete.select(names(formula)).unique().to_dicts():
            assert evaluate(formula, case), fact.says


def test_complete_means_complete(complete: pl.DataFrame) -> None:
    holes = {column.name for column in complete if column.null_count()}
    assert holes == {"other_trial_on"}


@pytest.mark.parametrize("panel", ["vitals", "history", "judgement", "tests"])
def test_a_panel_is_missing_together(protocol: Protocol, incomplete: pl.DataFrame, panel: str) -> None:
    own = {"culture_positive", "igg_fourfold_rise", "influenza", "adenovirus", "other_acute_respiratory_virus"}
    members = [name for name, field in protocol.fields.items() if field.group == panel and name not in own]
    missing = incomplete.select(pl.col(members).is_null())
    all_at_once = missing.select(pl.all_horizontal(members)).to_series().mean()
    by_chance = 1.0
    for name in members:
        by_chance *= missing[name].mean()
    assert all_at_once > 0.02 > 10 * by_chance or all_at_once > 5 * by_chance
    assert all(missing[name].mean() > all_at_once for name in members)


def test_who_lacks_one_panel_more_often_lacks_another(incomplete: pl.DataFrame) -> None:
    assert correlation(incomplete.select(pl.col("consent", "influenza").is_null()), "consent", "influenza") > 0.1


def test_clean_values_are_possible_ones(protocol: Protocol) -> None:
    clean = cohort(protocol, 20_000, seed=1, dirty=False)
    assert all(within_limits(clean[name], field) for name, field in protocol.fields.items())


def test_dirty_values_are_few_and_of_the_known_kinds(protocol: Protocol, incomplete: pl.DataFrame) -> None:
    ranged = [name for name, field in protocol.fields.items() if field.range]
    for name in [*ranged, "infected_on"]:
        low, high = protocol.fields[name].limits
        outside = 1 - incomplete[name].drop_nulls().is_between(low, high).mean()
        assert 0.0005 < outside < 0.01, name
    kinds = {"respiratory_rate": 0, "spo2": 998, "age": -1}
    assert all((incomplete[name] == value).any() for name, value in kinds.items())


def test_every_criterion_passes_fails_and_is_unknown_somewhere(protocol: Protocol) -> None:
    rows = cohort(protocol, 2_000, seed=20).drop("synthetic").to_dicts()
    states = {id: set() for id in protocol.requirements}
    eligible = open_ = 0
    for row in rows:
        facts = protocol.facts_of(row)
        verdicts = {id: evaluate(formula, facts) for id, formula in protocol.requirements.items()}
        for id, verdict in verdicts.items():
            states[id].add(verdict)
        eligible += all(verdicts.values())
        open_ += None in verdicts.values() and False not in verdicts.values()
    assert all(seen == {True, False, None} for seen in states.values()), states
    assert 0.02 < eligible / len(rows) < 0.05
    assert open_ > 3 * eligible


def test_any_protocol_is_served(sketch: Protocol) -> None:
    patients = cohort(sketch, 5_000, seed=2, dirty=False)
    assert all(within_limits(patients[name], field) for name, field in sketch.fields.items())
    assert patients["colour"].drop_nulls().unique().sort().to_list() == ["blue", "green", "red"]
    assert patients["score"].drop_nulls().min() < 4 < patients["score"].drop_nulls().max()
    labs = patients.select(pl.col("creatinine", "albumin").is_null())
    assert correlation(labs, "creatinine", "albumin") > 0.5


def test_a_known_name_with_another_meaning_is_drawn_on_its_own(sketch: Protocol) -> None:
    patients = cohort(sketch, 5_000, seed=2, dirty=False)
    assert 0.4 < patients["spo2"].mean() < 0.6
    assert 7 < patients["age"].mean() < 11
    assert set(patients["sex"].drop_nulls()) == {"f", "m"}


LABS = """
id: labs
title: A trial of children, with quantities that have limits
fields:
  age: {type: number, unit: years, range: [0, 120], label: Age, group: person}
  sex: {type: category, values: [female, male], label: Sex, group: person}
  hb: {type: number, unit: g/dL, range: [2, 25], step: 0.1, label: "Haemoglobin, latest", group: labs}
  kidney: {type: number, unit: mg/dL, range: [0.1, 30], step: 0.01, label: Serum creatinine, group: labs}
  thrombocytes: {type: number, unit: 10*9/L, range: [1, 1500], label: Platelet count, group: labs}
  weight: {type: number, unit: kg, range: [1, 300], label: Body weight, group: vitals}
  height: {type: number, unit: cm, range: [30, 230], label: Height, group: vitals}
  sbp: {type: integer, unit: mmHg, range: [40, 300], label: Systolic blood pressure, group: vitals}
  dbp: {type: integer, unit: mmHg, range: [20, 200], label: Diastolic blood pressure, group: vitals}
  alt: {type: number, unit: U/L, range: [0, 20000], label: ALT, group: labs}
  alt_uln: {type: number, unit: U/L, range: [10, 100], label: Upper limit of normal for ALT, group: labs}
  score: {type: number, range: [10, 100], label: Score of an unknown kind}
  seen_on: {type: date, label: Date of admission, group: dates}
  ill_on: {type: date, label: Date of onset, group: dates}
  one: {type: flag, label: One disease}
  two: {type: flag, label: Another disease}
  any: {type: flag, label: Any disease}
facts:
  - {id: F1, says: whoever has one or two has any, formula: any or not (one or two)}
criteria:
  - {id: I1, kind: inclusion, label: child, when: 2 <= age < 18}
  - {id: I2, kind: inclusion, label: blood, when: hb >= 8}
  - {id: I3, kind: inclusion, label: recent, when: 0 <= seen_on - ill_on <= 10}
  - {id: I4, kind: inclusion, label: sick, when: one and two}
  - {id: E1, kind: exclusion, label: few platelets, when: thrombocytes < 50}
  - {id: E2, kind: exclusion, label: liver, when: alt > 10 * alt_uln}
  - {id: E3, kind: exclusion, label: heavy, when: weight / ((height / 100) * (height / 100)) > 40}
"""


@pytest.mark.parametrize("source", ["NCT04355728", "NCT04288102", "NCT02210780", SKETCH, LABS])
def test_every_criterion_of_any_protocol_passes_and_fails(root: Path, source: str) -> None:
    path = root / "data" / "protocols" / f"{source}.yaml"
    protocol = read_protocol(source) if "\n" in source else load_protocol(path)
    rows = [protocol.facts_of(row) for row in cohort(protocol, 1_000, seed=6).drop("synthetic").to_dicts()]
    verdicts = {id: [evaluate(formula, row) for row in rows] for id, formula in protocol.requirements.items()}
    assert [id for id, each in verdicts.items() if not {True, False} <= set(each)] == []
    eligible = sum(all(each) for each in zip(*verdicts.values(), strict=True)) / len(rows)
    assert 0.02 < eligible < 0.9, "a cohort in which nobody, or nearly everybody, is eligible teaches little"


def test_declared_facts_hold_in_fields_that_no_model_knows() -> None:
    patients = cohort(read_protocol(LABS), 2_000, seed=3, dirty=False, missing=0)
    assert patients.filter((pl.col("one") | pl.col("two")) & ~pl.col("any")).is_empty()
    assert patients["one"].any() and not patients["one"].all()


TIMES = """
id: TIMES
title: Times
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  screened_on: {type: date, label: Screening}
  ill_since: {type: date, label: Since when}
  stroke: {type: flag, label: Stroke}
  stroke_on: {type: date, label: Day of the stroke}
criteria:
  - {id: I1, kind: inclusion, label: age, when: 18 <= age <= 64}
  - {id: I2, kind: inclusion, label: long, when: "ill_since <= months_before(screened_on, 60)"}
  - {id: E1, kind: exclusion, label: stroke, when: stroke and screened_on - stroke_on <= 28}
"""


def test_times_reach_as_far_as_criteria_count_and_ages_follow_them() -> None:
    patients = cohort(read_protocol(TIMES), 1_000, seed=6, dirty=False, missing=0)
    within = pl.col("age").is_between(18, 64)
    assert 0.7 < patients.select(within.mean()).item() < 0.9
    assert (patients["screened_on"] - patients["ill_since"]).max().days > 5 * 365
    assert patients.filter(~pl.col("stroke"))["stroke_on"].is_null().all(), "no day of what never was"
    assert patients.filter("stroke")["stroke_on"].is_not_null().all()


def test_known_quantities_have_the_distribution_of_their_source() -> None:
    """Where no criterion asks, nothing is drawn again: 95 % lie within the reference interval, in the field's unit."""
    whole = read_protocol(LABS)
    protocol = Protocol(whole.id, whole.title, whole.fields, whole.criteria[:1])
    patients = cohort(protocol, 20_000, seed=3, dirty=False, missing=0)
    women, men = (patients.filter(sex=sex) for sex in ("female", "male"))
    intervals = [
        (women["hb"], 12, 15),
        (men["hb"], 13, 17),
        (women["kidney"], 0.566, 1.018),
        (men["kidney"], 0.679, 1.131),
        (patients["thrombocytes"], 150, 410),
        (patients["sbp"], 97, 160),
    ]
    for column, low, high in intervals:
        assert 0.93 < column.is_between(low - 0.05 * (high - low), high + 0.05 * (high - low)).mean() < 0.98
        assert (column < low).mean() < 0.04 and (column > high).mean() < 0.04
    assert 0.6 < correlation(patients, "sbp", "dbp") < 0.85
    assert 23 < (patients["weight"] / (patients["height"] / 100) ** 2).mean() < 26


@pytest.mark.parametrize(
    ("name", "field", "quantity"),
    [
        ("hb", Field("number", "Haemoglobin at screening", unit="g/dL"), "haemoglobin"),
        ("lab_7", Field("number", "Absolute neutrophil count (latest)", unit="/uL"), "neutrophils"),
        ("sao", Field("number", "Oxygen saturation by pulse oximeter", unit="%"), "oxygen_saturation"),
        ("hba1c", Field("number", "HbA1c", unit="mmol/mol"), "hba1c_ifcc"),
        ("hb", Field("number", "Haemoglobin"), None),  # without a unit: g/L or g/dL
        ("hb", Field("number", "Haemoglobin", unit="g/dL", range=(0, 10)), None),  # the usual is impossible
        ("hb", Field("flag", "Haemoglobin", unit="g/dL"), None),
        ("limit", Field("number", "Upper limit of normal for ALT", unit="U/L"), None),
        ("change", Field("number", "Change of haemoglobin", unit="g/L"), None),
    ],
)
def test_a_quantity_is_known_by_name_or_label_and_by_unit(name: str, field: Field, quantity: str | None) -> None:
    found = quantity_of(name, field)
    assert (found.name if found else None) == quantity


def test_the_quantities_are_told_apart_and_have_a_source() -> None:
    known = read_assumptions("quantities")["quantities"]
    seen = Counter((name, unit) for each in known.values() for name in each["names"] for unit in each["units"])
    assert [pair for pair, n in seen.items() if n > 1] == []
    for name, each in known.items():
        assert each.keys() <= {"names", "units", "interval", "shape", "goes_with", "source", "column", "how"}, name
        assert each.get("shape", "normal") == "normal" and set(each.get("goes_with", {})) <= known.keys(), name
        assert "column" in each or each["source"] in read_assumptions("quantities")["sources"], name


def test_the_first_patients_of_any_protocol_do_not_depend_on_how_many_are_asked_for() -> None:
    protocol = read_protocol(LABS)
    assert cohort(protocol, 900, 4).head(40).equals(cohort(protocol, 40, 4), null_equal=True)


def test_the_data_dictionary_says_how_unknown_fields_were_made(tmp_path: Path) -> None:
    text = write_cohort(read_protocol(LABS), 10, 1, tmp_path)[1].read_text("utf-8")
    assert "haemoglobin: normal, 95 % within 12 to 15 in women, 13 to 17 in men (Dacie and Lewis" in text
    assert "alt limit: normal, 95 % within 35 to 50 (assumption; upper limits of normal" in text
    assert "| score |" in text and "on its own: evenly from 10 to 100" in text
    assert "90 % of patients are to pass a criterion" in text
    known = write_cohort(load_protocol(PROTOCOL_FILE), 10, 1, tmp_path / "known")[1].read_text("utf-8")
    assert "are to pass a criterion" not in known.split("## The clinical model")[0]


def test_applies_is_honoured(sketch: Protocol) -> None:
    patients = cohort(sketch, 5_000, seed=2, dirty=False, missing=0)
    others = patients.filter((pl.col("colour") != "red") | (pl.col("score") <= 2))
    assert not others["special"].any()
    assert patients["special"].any()


def test_nobody_is_a_valid_cohort(protocol: Protocol, sketch: Protocol, tmp_path: Path) -> None:
    assert cohort(protocol, 0, seed=1).columns == ["patient_id", *protocol.fields, "synthetic"]
    assert write_cohort(sketch, 0, 1, tmp_path)[0].read_text().count("\n") == 1


@pytest.mark.parametrize(("n", "seed", "missing"), [(-1, 1, 1.0), (1, -1, 1.0), (1, 1, -0.5), (1, 1, float("nan"))])
def test_what_cannot_be_simulated_is_refused(protocol: Protocol, n: int, seed: int, missing: float) -> None:
    with pytest.raises(DataError, match="cannot be negative"):
        cohort(protocol, n, seed, missing=missing)


def test_the_label_is_everywhere(protocol: Protocol, sketch: Protocol, tmp_path: Path) -> None:
    small, _ = write_cohort(protocol, 20, 1, tmp_path / "small")
    large, _ = write_cohort(sketch, 20_001, 1, tmp_path / "large")
    assert (small.name, large.name) == ("cohort.csv", "cohort.parquet")
    for file in (small, large):
        assert (file.parent / "README.md").read_text("utf-8").startswith("# SYNTHETIC")
    assert pl.read_csv(small)["synthetic"].all() and pl.read_parquet(large)["synthetic"].all()
    assert pq.read_schema(large).metadata[b"trialtools"].startswith(b"SYNTHETIC")


def test_parquet_holds_what_the_function_gives(sketch: Protocol, tmp_path: Path) -> None:
    n = BLOCK + 10
    file, _ = write_cohort(sketch, n, 1, tmp_path)
    assert pl.read_parquet(file).equals(cohort(sketch, n, 1), null_equal=True)
    assert pq.read_metadata(file).num_row_groups == 2  # one block at a time is in memory


def test_a_run_that_breaks_off_leaves_the_old_files(
    sketch: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cohort(sketch, 10, 1, tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cohorts, "_data_dictionary", stop)  # the table is written by then
    with pytest.raises(KeyboardInterrupt):
        write_cohort(sketch, 20, 2, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_table_of_the_other_kind_does_not_stay_behind(sketch: Protocol, tmp_path: Path) -> None:
    write_cohort(sketch, 20_001, 1, tmp_path)
    write_cohort(sketch, 10, 1, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.md", "cohort.csv"]


@pytest.mark.parametrize(
    ("id", "folder", "n"), [("NCT05741099", "cohort", 2_000), ("NCT02210780", "cohort_NCT02210780", 200)]
)
def test_the_kept_cohort_is_what_its_command_makes(
    id: str, folder: str, n: int, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {file.name: file.read_text("utf-8") for file in (root / "data" / folder).iterdir()}
    path = f"data/protocols/{id}.yaml"
    command = f"trialtools simulate cohort {path} --n {n} --seed 20 --out data/{folder}"
    assert command in kept["README.md"]
    assert len(kept["cohort.csv"]) < 1_000_000
    monkeypatch.chdir(tmp_path)
    write_cohort(load_protocol(root / path), n, 20, f"data/{folder}", path=path)
    made = {file.name: file.read_text("utf-8") for file in Path("data", folder).iterdir()}
    stale = [name for name in kept | made if kept.get(name) != made.get(name)]
    assert not stale, f"{', '.join(stale)} no longer what the protocol and the command give; run: {command}"
