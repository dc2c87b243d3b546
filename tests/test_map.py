"""A mapping drafted from a table: what is certain stands, nothing wrong is live, and no free text is ever told."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook

import trialtools as tt
from trialtools.__main__ import main
from trialtools.cohort.draft.words import without_unit
from trialtools.cohort.sources import MappedColumn, PatientId, Rows, load_mapping
from trialtools.criteria.contents import read_protocol
from trialtools.criteria.protocol import DataError

TRIAL = read_protocol("""
id: T
title: A small trial
fields:
  screened_on: {type: date, label: Screened on}
  birth_date: {type: date, label: Date of birth}
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  sex: {type: category, values: [female, male], label: Sex}
  systolic: {type: number, unit: "mm[Hg]", range: [40, 260], label: Systolic pressure}
  diastolic: {type: number, unit: "mm[Hg]", range: [20, 160], label: Diastolic pressure}
  weight: {type: number, unit: kg, range: [20, 250], label: Weight}
  height: {type: number, unit: cm, range: [100, 230], label: Height}
  temperature: {type: number, unit: Cel, range: [30, 43], label: Temperature}
  creatinine: {type: number, unit: mg/dL, range: [0.1, 30], label: Creatinine}
  ferritin: {type: number, unit: ug/L, label: Ferritin}
  crp: {type: number, unit: mg/L, range: [0, 1000], label: CRP}
  spo2: {type: number, unit: "%", range: [50, 100], label: Oxygen saturation}
  haematocrit: {type: number, unit: "%", range: [0, 100], label: Haematocrit}
  celsius_change: {type: number, range: [-20, 20], label: Change}
  cough: {type: flag, label: Cough}
  pregnancy_test_negative: {type: flag, label: Pregnancy test negative}
  heavy_smoker: {type: flag, label: Heavy smoker}
  chronic_lung_disease: {type: flag, label: Chronic lung disease}
  stage: {type: category, values: [I, II, III], label: Stage}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18 and cough and spo2 > 90}
facts:
  - {id: F1, says: Who is in shock coughs, formula: not (systolic < 100) or cough, source: made up for this test}
""")


def table(**columns) -> pl.DataFrame:
    """Thirty patients: each column a list that is repeated, or made of the number of the patient."""
    made = {
        name: [values(i) if callable(values) else values[i % len(values)] for i in range(30)]
        for name, values in columns.items()
    }
    return pl.DataFrame({"id": range(30), **made})


def line(draft, field):
    return next(line for line in draft.lines if line.field == field)


def _written_out(mapping):
    """With every shorthand written out, as a file is read."""
    return replace(mapping, patient_id=mapping.id)


def uncommented(text: str) -> str:
    """The file once somebody has taken every guess, and every open line as it is."""
    return re.sub(r"^  # (guess|\?)  ", "  ", text, flags=re.M).replace("fields: {}  #", "fields:  #")


# --- what is certain --------------------------------------------------------------------------------------------------


def test_what_is_certain_screens_at_once_and_the_rest_when_it_is_taken(tmp_path):
    records = table(
        age=lambda i: 20 + i,
        Cough=["yes", "no", "unknown"],
        sats=[95, None],
        gender=["F", "M"],
        smoker=["Y", "N"],
        asthma=["ja", "nein"],
    )
    draft = tt.draft_mapping(TRIAL, records)
    assert {line.field: line.certainty for line in draft.lines} == {
        "age": "certain",
        "cough": "certain",
        "sex": "guess",
        "spo2": "guess",
        "heavy_smoker": "guess",
        "chronic_lung_disease": "guess",
    }
    assert tt.screen(TRIAL, records, draft.mapping).n == 30
    taken = draft.take("sex", "spo2", "heavy_smoker", "chronic_lung_disease")
    assert taken.column("heavy_smoker").codes == {"Y": "unknown", "N": False}
    assert taken.column("chronic_lung_disease").codes == {"ja": True, "nein": "unknown"}
    assert tt.screen(TRIAL, records, taken).n == 30
    assert {"systolic", "weight"}.isdisjoint(draft.absent)  # no criterion asks about them
    assert draft.unread == ()


def test_the_file_is_the_draft(tmp_path):
    records = table(
        age=["40", "n/a"], Sex=["f", "m"], gewicht=["70,5", "60,1"], born=["1.2.1960", "31.12.1950"], cough=["1", "0"]
    )
    draft = tt.draft_mapping(TRIAL, records)
    file = draft.write(tmp_path / "mapping.yaml")
    with pytest.raises(DataError, match="there already"):
        draft.write(file)
    assert asdict(load_mapping(file, TRIAL)) == asdict(_written_out(draft.mapping))
    file.write_text(uncommented(draft.text()), "utf-8")
    taken = draft.take(*(line.field for line in draft.lines))
    assert asdict(load_mapping(file, TRIAL)) == asdict(_written_out(taken))
    with pytest.raises(DataError, match="nothing is proposed for crp"):
        draft.take("crp")


# --- tables that mislead ----------------------------------------------------------------------------------------------

MISLEADING = {
    "systolic and diastolic exchanged": (
        {"systolic": lambda i: 86 + i % 9, "diastolic": lambda i: 100 + i % 9},
        {"systolic": "mixed up", "diastolic": "mixed up"},
    ),
    "weight and height exchanged": (
        {"weight": lambda i: 150 + i, "height": lambda i: 60 + i},
        {"weight": "mixed up", "height": "outside"},
    ),
    "two columns for one field": ({"spo2": [95, 96], "Oxygen saturation": [90, 99]}, {"spo2": "which one"}),
    "one name in two spellings": ({"age": [5, 6], "AGE": [50, 60]}, {"age": "which one"}),
    "Fahrenheit": ({"temperature": [98.6, 100.4]}, {"temperature": "degF"}),
    "another unit in the cells": ({"creatinine": ["88 umol/L", "70 umol/L"]}, {"creatinine": "substance"}),
    "cells and name of two units": ({"weight_lb": ["70 kg", "80 kg"]}, {"weight": "different units"}),
    "another unit in one cell": ({"creatinine": lambda i: "88 umol/L" if i == 3 else "1.1"}, {"creatinine": "(1 x)"}),
    "a point that may be decimal": ({"crp": lambda i: "1.500" if i == 3 else "2,5"}, {"crp": "1500"}),
    "no range to hold the unit against": ({"ferritin": [30, 300]}, {"ferritin": "no range"}),
    "a number for unknown": ({"crp": [3, 5, 12, 999]}, {"crp": "999"}),
    "thousands or decimals": ({"crp": ["1.250", "2.125"]}, {"crp": "thousands"}),
    "sex 1 and 2": ({"sex": [1, 2]}, {"sex": "what does '1' mean"}),
    "flag 1 and 2": ({"cough": [1, 2]}, {"cough": "what does '2' mean"}),
    "flag 0 and 1": ({"cough": [0, 1]}, {"cough": "'1' is taken for yes"}),
    "M of mujer": ({"sexo": ["H", "M"]}, {"sex": "another language"}),
    "only M": ({"sex": ["M"]}, {"sex": "another language"}),
    "a test that must be negative": (
        {"pregnancy_test_negative": ["positive", "negative"]},
        {"pregnancy_test_negative": "which value"},
    ),
    "day or month first": (
        {"screened_on": lambda i: f"0{1 + i % 9}/0{1 + i % 7}/2023"},
        {"screened_on": "stands first"},
    ),
    "days in two orders": ({"screened_on": ["31/01/2023", "01/31/2023"]}, {"screened_on": "mended"}),
    "hardly a day tells": (
        {"screened_on": lambda i: "13/01/2023" if i == 3 else "02/03/2023"},
        {"screened_on": "few dates"},
    ),
    "Roman numbers as digits": ({"stage": [1, 2]}, {"stage": "what does '1' mean"}),
    "half years": ({"age": [20.5, 30]}, {"age": "no whole number"}),
    "born after the screening": (
        {"screened_on": ["1950-01-01"], "birth_date": ["2023-01-01"]},
        {"screened_on": "mixed up", "birth_date": "mixed up"},
    ),
    "pounds under the name of kilograms": ({"weight": lambda i: 150 + i}, {"weight": "another unit"}),
    "parts of 1 under the name of percent": ({"haematocrit": [0.42, 0.38]}, {"haematocrit": "parts of 1"}),
    "years of two digits": ({"screened_on": ["31/01/23", "28/02/23"]}, {"screened_on": "century"}),
    "a flag that holds notes": ({"cough": lambda i: f"since {i} days"}, {"cough": "not shown"}),
    "another thing": ({"age": ["adult", "child"]}, {"age": "a whole number"}),
    "the day of a consent": ({"cough": lambda i: f"2023-01-{1 + i % 5:02}"}, {"cough": "true or false"}),
    "no under the name of yes": ({"no cough": ["yes", "no"]}, {"cough": "'not'"}),
    "a number below all others": ({"celsius_change": [-9, 1, 2]}, {"celsius_change": "-9 may stand"}),
    "against a fact": ({"systolic": [95], "cough": ["no"]}, {"systolic": "in shock", "cough": "F1"}),
}


@pytest.mark.parametrize("title", MISLEADING)
def test_no_wrong_column_is_live(title):
    columns, expected = MISLEADING[title]
    draft = tt.draft_mapping(TRIAL, table(**columns))
    assert draft.mapping.fields == {}
    for field, column in expected.items():
        assert column in "; ".join(line(draft, field).asks), line(draft, field)


# --- languages --------------------------------------------------------------------------------------------------------

HEADERS = {
    "English": "age=AGE, weight=wt, height=ht_cm, temperature=bodyTemp, spo2=O2 sat, systolic=sbp, diastolic=dbp, "
    "creatinine=serum_creatinine, crp=C-reactive protein, haematocrit=hct, cough=cough_yn, sex=Gender, birth_date=DOB",
    "German": "age=Alter, weight=Gewicht_kg, height=Größe (cm), temperature=Temp, spo2=Sauerstoffsättigung [%], "
    "systolic=RR systolisch, diastolic=RR diastolisch, creatinine=Kreatinin mg/dl, crp=CRP, haematocrit=Hämatokrit, "
    "cough=Husten, sex=Geschlecht, birth_date=Geburtsdatum, screened_on=Screening-Datum",
    "French": "age=Âge, weight=Poids (kg), height=Taille, temperature=Température, spo2=SaO2, systolic=PAS, "
    "diastolic=PAD, creatinine=Créatinine, crp=CRP, haematocrit=Hématocrite, cough=Toux, sex=Sexe, "
    "birth_date=Date de naissance",
    "Spanish": "age=Edad, weight=Peso, height=Talla, temperature=Temperatura, spo2=Saturación de oxígeno, "
    "systolic=TA sistólica, diastolic=TA diastólica, creatinine=Creatinina, haematocrit=Hematocrito, cough=Tos, "
    "sex=Sexo, birth_date=Fecha de nacimiento",
}
USUAL = {"age": [60], "weight": [70.5], "height": [170], "temperature": [37.1], "spo2": [97], "systolic": [130]}
USUAL |= {"diastolic": [80], "creatinine": [1.1], "crp": [5.5], "haematocrit": [41.5], "cough": ["yes", "no"]}
USUAL |= {"sex": ["female", "male"], "birth_date": ["31.12.1960"], "screened_on": ["31.01.2023"]}


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_found_in_other_words(language):
    wanted = dict(pair.split("=") for pair in HEADERS[language].split(", "))
    draft = tt.draft_mapping(TRIAL, table(**{header: USUAL[field] for field, header in wanted.items()}))
    assert {line.field: line.mapped.column for line in draft.lines} == wanted


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("BMI (kg/m2)", "bmi", "kg/m2"),
        ("BMI [kg/m²]", "bmi", "kg/m2"),
        ("QTc (ms)", "qtc", "ms"),
        ("GFR (ml/min)", "gfr", "mL/min"),
        ("eGFR (mL/min/1.73 m²)", "egfr", "mL/min/{1.73_m2}"),
        ("eGFR ml/min/1.73m^2", "egfr", "mL/min/{1.73_m2}"),
        ("NT-proBNP [pg/mL]", "nt probnp", "pg/mL"),
        ("HR (min)", "HR (min)", None),
    ],
)
def test_a_unit_behind_a_name_is_no_part_of_it(header, name, unit):
    assert without_unit(header) == (name, unit)


# --- files ------------------------------------------------------------------------------------------------------------

GERMAN = """Klinik am See;;;;;
Stand;31.01.2023;;;;
Patienten-ID;Alter;Geschlecht;SpO2;Körpergewicht;Husten
""" + "".join(f"P{i};{30 + i};{'mw'[i % 2]};{94 + i % 5} %;{60 + i},5;{('ja', 'nein')[i % 2]}\n" for i in range(30))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp850", "mac-roman", "utf-16"])
def test_letters_separator_and_header_are_found(tmp_path, encoding):
    file = tmp_path / "kohorte.csv"
    file.write_bytes(GERMAN.encode(encoding))
    draft = tt.draft_mapping(TRIAL, file)
    assert (draft.mapping.separator, draft.mapping.header) == (";", 3)
    assert draft.mapping.patient_id == PatientId("Patienten-ID")
    assert {line.field for line in draft.lines} == {"age", "sex", "spo2", "weight", "cough"}
    assert line(draft, "weight").mapped == MappedColumn("Körpergewicht", decimal=",")
    taken = draft.take("age", "sex", "weight", "cough")
    patients = tt.read_patients(file, TRIAL, taken)
    assert patients.n == 30 and patients.absent == tuple(f for f in TRIAL.fields if f not in taken.fields)
    assert patients.patient("P3") == {"age": 33, "sex": "female", "spo2": 97.0, "weight": 63.5, "cough": False}


def test_a_table_of_another_script_is_asked_for_its_encoding(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("编号,年龄,体重\nA,61,70\nB,62,71\n", "gb18030")
    assert any(ask.startswith("encoding: ") and "gb18030" in ask for ask in tt.draft_mapping(TRIAL, file).asks)
    file.write_text("Größe,Körpergewicht,Sauerstoffsättigung,Âge\n170,70,97,61\n", "cp1252")
    assert not any(ask.startswith("encoding: ") for ask in tt.draft_mapping(TRIAL, file).asks)


def test_the_sheet_and_the_row_of_names_are_found(tmp_path):
    patients = [[f"S{i}", 40 + i, date(2023, 1, 1 + i)] for i in range(9)]
    with Workbook(tmp_path / "book.xlsx", {"default_date_format": "yyyy-mm-dd"}) as book:
        book.add_worksheet("Codes").write_row(0, 0, ["code", "means"])
        sheet = book.add_worksheet("Patients")
        for row, cells in enumerate([["Report of the ward"], [], ["Subject ID", "Age", "Screened on"], *patients]):
            sheet.write_row(row, 0, cells)
    draft = tt.draft_mapping(TRIAL, tmp_path / "book.xlsx")
    assert (draft.mapping.sheet, draft.mapping.header) == ("Patients", 3)
    assert "there is also Codes" in draft.asks[0]
    assert tt.screen(TRIAL, tmp_path / "book.xlsx", draft.mapping).n == 9
    assert draft.mapping.fields.keys() == {"age", "screened_on"}


def test_every_kind_of_table_gives_the_same_lines(tmp_path):
    records = table(age=lambda i: 20 + i, cough=["yes", "no"], sats=[95.5, None])
    records.write_parquet(tmp_path / "t.parquet")
    records.write_csv(tmp_path / "t.csv")
    wanted = tt.draft_mapping(TRIAL, records)
    pandas, arrow = records.to_pandas(), records.to_arrow()
    for other in (tmp_path / "t.parquet", tmp_path / "t.csv", pandas, arrow, duckdb.from_arrow(arrow)):
        draft = tt.draft_mapping(TRIAL, other)
        assert draft.lines == wanted.lines
        assert tt.screen(TRIAL, other, draft.mapping).n == 30


def test_what_is_no_table_is_told(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("1,Anna Schmidt,71\n2,Max Mueller,64\n", "utf-8")
    with pytest.raises(DataError, match="looks like a patient") as error:
        tt.draft_mapping(TRIAL, file)
    assert "Anna" not in str(error.value)
    file.write_text("id,age,age\n1,30,31\n", "utf-8")
    draft = tt.draft_mapping(TRIAL, file)
    assert draft.mapping.fields == {} and "two columns" in draft.asks[0]


def test_where_ids_repeat_rows_must_agree():
    records = table(patient_id=lambda i: i // 2, row_id=lambda i: i, age=lambda i: 20 + i, seen=["2023-01-31"])
    draft = tt.draft_mapping(TRIAL, records)
    assert "BY is one of seen" in draft.asks[0]
    assert (draft.mapping.patient_id, draft.mapping.rows) == (PatientId("patient_id"), Rows("only"))
    assert "30 rows have 15 different patient_id" in draft.asks[0]
    assert tt.read_patients(records, TRIAL, draft.mapping).n == 15


@pytest.mark.parametrize(
    ("ids", "patients", "question"),
    [
        (["P1", "P2", "P3"], 3, None),
        (["P1", "P2", "P2"], 2, "3 rows have 2 different patient_id"),
        (["P1", "P2", ""], 3, "1 row has no patient_id; each"),
        (["P1", "P1", ""], 3, "1 row has no patient_id; every row"),
    ],
)
def test_rows_that_are_no_patients_are_none_among_the_ids(tmp_path, ids, patients, question):
    file = tmp_path / "t.csv"
    lines = [f"{id};{60 + row};97;120;no" for row, id in enumerate(ids)]
    file.write_text("\n".join(["patient_id;age;spo2;systolic;cough", *lines, ";;;;", "Total;61;;;", ";;;;"]), "utf-8")
    draft = tt.draft_mapping(TRIAL, file)
    assert question in draft.asks[0] if question else not draft.asks
    read = tt.read_patients(file, TRIAL, draft.mapping)
    assert read.n == patients + (draft.mapping.id.column is None)  # without ids nothing says which row is a total


def test_a_number_that_two_sites_share_names_nobody():
    records = table(age=lambda i: 20 + i, nr=lambda i: i % 15).drop("id")
    draft = tt.draft_mapping(TRIAL, records)
    assert (draft.mapping.patient_id, draft.mapping.rows) == (PatientId(), None)
    assert "30 rows have 15 different nr; every row is taken for a patient" in draft.asks[0]


def test_what_no_reader_takes_is_not_live(tmp_path):
    """Ids that are no ids, a column of lists, a file cut short: what stands in the draft screens all the same."""
    records = pl.DataFrame({"id": ["a\nb", "c"], "age": [70, 71], "cough": [[1], [2]]})
    draft = tt.draft_mapping(TRIAL, records)
    assert draft.mapping.patient_id == PatientId() and "cannot be taken for ids" in draft.asks[0]
    assert (line(draft, "cough").certainty, tt.screen(TRIAL, records, draft.mapping).n) == ("open", 2)
    table(age=[71], cough=["yes", "no"]).write_parquet(tmp_path / "t.parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[20:60] = bytes(40)
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"t\.parquet"):
        tt.draft_mapping(TRIAL, tmp_path / "t.parquet")


# --- nobody is named --------------------------------------------------------------------------------------------------

PEOPLE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12)
PRIVATE = st.one_of(
    st.tuples(PEOPLE, PEOPLE).map(" ".join),
    st.from_regex(r"\+49 1[567]\d \d{7}", fullmatch=True),
    st.tuples(PEOPLE, st.just("called; no answer")).map(": ".join),
    PEOPLE.map(lambda name: f"{name.lower()}@example.org"),
)


@settings(max_examples=sample(25))
@given(st.lists(PRIVATE, min_size=3, max_size=3, unique=True), st.sampled_from([*TRIAL.fields]), st.booleans())
def test_free_text_is_never_told(secrets, column, often):
    """A name, a telephone number, a note: in a column of its own, or among the values of a field, once or often."""
    usual = {"flag": "yes", "category": "male", "date": "2023-01-31"}.get(TRIAL.fields[column].type, "71")
    values = [*secrets] * 10 if often else [*secrets, *[usual] * 27]
    records = pl.DataFrame({"id": range(30), "age": [71] * 30, "name": [*secrets] * 10, "remarks": [*secrets] * 10})
    records = records.with_columns(pl.Series(column, values))
    draft = tt.draft_mapping(TRIAL, records)
    text = f"{draft.text()} {draft!r} {draft.lines}".casefold()
    for secret in secrets:
        assert secret.casefold() not in text
    if draft.mapping.fields:
        assert tt.screen(TRIAL, records, draft.mapping).n == 30


def test_what_nobody_looked_at_is_no_danger():
    """A text far behind thousands of others: the line waits, and the text is not told."""
    stamps = [f"2023-01-{1 + i % 28:02}T{i % 24:02}:{i // 24 % 60:02}:{i // 1440 % 60:02}" for i in range(25_000)]
    records = pl.DataFrame({"screened_on": [*stamps, "zz Anna Schmidt"], "age": 71}).with_row_index("id")
    draft = tt.draft_mapping(TRIAL, records)
    assert draft.mapping.fields.keys() == {"age"}
    assert line(draft, "screened_on").certainty == "guess" and "Anna" not in f"{draft.text()} {draft!r}"


def test_questions_for_a_person_are_no_columns():
    protocol_text = "id: T\ntitle: T\nfields: {}\ncriteria: [{id: I1, kind: inclusion, label: Asthma, ask: true}]\n"
    draft = tt.draft_mapping(read_protocol(protocol_text), table(ask=["yes"], asthma=["yes", "no"]))
    assert (draft.lines, draft.absent, draft.unread) == ((), (), ("ask", "asthma"))


# --- tables that nobody here made -------------------------------------------------------------------------------------


def compare(protocol, source, hand: Path, draft) -> dict[str, str]:
    """By field of a mapping written by hand, what the draft makes of it: the same, more careful, or wrong."""
    written = load_mapping(hand, protocol)
    drafted = {line.field for line in draft.lines}
    differences = dict.fromkeys(drafted - {*written.fields}, "extra") | dict.fromkeys(
        {*written.fields} - drafted, "missing"
    )
    both = [
        tt.read_patients(
            source, protocol, replace(mapping, fields={name: mapping.fields[name] for name in written.fields})
        )
        for mapping in (written, draft.take(*(field for field in written.fields if field in drafted)))
    ]
    one, other = (patients.frame.to_native().collect() for patients in both)
    for field in {*written.fields} & drafted:
        careful = one[field].eq_missing(other[field]) | other[field].is_null()
        differences[field] = "same" if one[field].equals(other[field]) else "careful" if careful.all() else "wrong"
    return differences


def test_a_real_table_is_mapped_as_by_hand(realdata, protocol, root):
    source = realdata / "carbonhealth_covid_tests" / "covid_tests_2020.csv.gz"
    draft = tt.draft_mapping(protocol, source)
    assert draft.mapping.patient_id == PatientId("row_id")
    assert {line.field for line in draft.of("certain")} == {"age", "cough", "diabetes"}
    differences = compare(protocol, source, root / "data" / "mappings" / "carbon_health.yaml", draft)
    assert sorted(differences.values()) == ["careful"] + ["same"] * 13
    assert differences["other_symptom"] == "careful"  # five symptoms of those that there are


@pytest.mark.parametrize("case", ["01-partial-date-and-window", "03-dot-thousands-decimal-comma", "06-excel-sep-line"])
def test_tables_that_went_wrong_elsewhere_are_mapped_as_by_hand(case, root):
    folder = root / "tests" / "cases"
    trial, source = tt.load_protocol(folder / "screening.yaml"), folder / case / "patients.csv"
    draft = tt.draft_mapping(trial, source)
    differences = compare(trial, source, folder / case / "mapping.yaml", draft)
    assert differences.pop("consent", "extra") == "extra"  # true everywhere, and not mapped by hand
    assert set(differences.values()) == {"same"}


def test_a_checklist_without_fields_is_told_to_adopt_formulas_first(tmp_path, capsys):
    (tmp_path / "sheet.txt").write_text(
        "Inclusion criteria:\n- LVEF <= 45 %\nExclusion criteria:\n- Dialysis\n", "utf-8"
    )
    (tmp_path / "iron.csv").write_text("id,LVEF\n1,35\n", "utf-8")
    assert main(["new", str(tmp_path / "sheet.txt"), "--out", str(tmp_path)]) == 0
    protocol = str(tmp_path / "protocols" / "sheet.yaml")
    assert main(["map", protocol, str(tmp_path / "iron.csv")]) == 0
    output = capsys.readouterr().err
    assert f"adopt formulas in {protocol} first" in output and "guess is taken" not in output


def test_columns_in_other_words_are_to_be_named(tmp_path, capsys, root):
    (tmp_path / "t.csv").write_text("id,Wert A,Wert B\n1,690,1\n2,40,2\n", "utf-8")
    protocol = str(root / "data" / "protocols" / "NCT05741099.yaml")
    assert main(["map", protocol, str(tmp_path / "t.csv")]) == 0
    output = capsys.readouterr().err
    assert "and 43 more): write a line for each below fields:, such as screened_on: NAME OF ITS COLUMN" in output
    assert "adopt formulas" not in output


def test_an_empty_mapping_is_told_to_take_a_line(tmp_path, capsys, root):
    (tmp_path / "t.csv").write_text("id,Age\n1,690\n2,40\n", "utf-8")
    protocol = str(root / "data" / "protocols" / "NCT05741099.yaml")
    assert main(["map", protocol, str(tmp_path / "t.csv"), "--out", str(tmp_path / "m.yaml")]) == 0
    assert main(["screen", protocol, str(tmp_path / "t.csv"), "--mapping", str(tmp_path / "m.yaml")]) == 2
    assert "take at least one line into the mapping file" in capsys.readouterr().err


def test_the_command_leads_on(tmp_path, capsys, root):
    source, out = root / "data" / "cohort" / "cohort.csv", tmp_path / "mapping.yaml"
    protocol = str(root / "data" / "protocols" / "NCT05741099.yaml")
    assert main(["map", protocol, str(source), "--out", str(out)]) == 0
    output = capsys.readouterr()
    assert output.out == f"wrote {out}\nnext: trialtools screen {protocol} {source} --mapping {out}\n"
    assert output.err.startswith("51 certain, 0 guesses, 0 open; fields of the criteria without a column: none")
    assert main(["screen", protocol, str(source), "--mapping", str(out)]) == 0
    assert main(["map", protocol, str(source), "--out", str(out)]) == 2
    assert main(["map", protocol, str(tmp_path / "nowhere.csv")]) == 2
    assert "nowhere.csv does not exist" in capsys.readouterr().err
