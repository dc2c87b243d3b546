"""Dirty files and tables: each is a clear error that says where, or a counted finding; never a silent wrong n."""

from __future__ import annotations

import gzip
import json
import math
import os
import threading
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trialtools as tt
from trialtools import figures
from trialtools.cohort.sources import ColumnMapping, MappedColumn, csvfile, workbook
from trialtools.cohort.sources.open import _check_pages
from trialtools.criteria.contents import read_protocol
from trialtools.criteria.language import Interval
from trialtools.criteria.units import factor

PROTOCOL = read_protocol("""
id: DIRT
title: A protocol to be given dirty data
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  rate: {type: number, unit: /min, range: [4, 80], label: Respiratory rate}
  temperature: {type: number, unit: Cel, range: [30, 45], label: Temperature}
  fever: {type: flag, label: Fever}
  sex: {type: category, values: [female, male], label: Sex}
  seen: {type: date, label: Seen}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: 18 <= age <= 85}
  - {id: I2, kind: inclusion, label: Breathes slowly, when: rate < 30}
  - {id: E1, kind: exclusion, label: Fever, when: fever or temperature > 38}
  - {id: E2, kind: exclusion, label: Man, when: 'sex == "male"'}
  - {id: E3, kind: exclusion, label: Seen early, when: 'seen < date("2020-05-01")'}
""")
HEADER = "patient_id,age,rate,temperature,fever,sex,seen\n"
GOOD = "a,40,20,37,false,female,2020-06-01\n"
TABLE = {
    "patient_id": ["a", "b", "c"],
    "age": [40, 50, None],
    "rate": [20.0, None, 40.0],
    "temperature": [37.0, 36.5, None],
    "fever": [False, True, None],
    "sex": ["female", "male", None],
    "seen": [date(2020, 6, 1), date(2020, 1, 1), None],
}
DECISIONS = ["eligible", "ineligible", "ineligible"]


def table(**columns) -> pl.DataFrame:
    return pl.DataFrame({**TABLE, **columns}, strict=False)


def decided(source, mapping=None) -> list[str]:
    return tt.screen(PROTOCOL, source, mapping).decisions()["decision"].tolist()


def values(source, field: str, mapping=None) -> list:
    """What was read of a field: NaN and impossible values still stand in it; `engine.facts` takes them out."""
    return tt.read_patients(source, PROTOCOL, mapping).frame.collect()[field].to_list()


def findings(source, mapping=None) -> list[tuple[str, str, int]]:
    quality = tt.read_patients(source, PROTOCOL, mapping).quality
    return [(row["field"], row["problem"].split(" (")[0], row["n"]) for row in quality.to_dict("records")]


def fault(source, mapping=None) -> str:
    """The text of the error; it names the source and is one paragraph."""
    with pytest.raises(tt.DataError) as caught:
        tt.screen(PROTOCOL, source, mapping)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 8
    return str(caught.value)


@pytest.fixture
def csv(tmp_path):
    def write(body: str | bytes, header: str = HEADER, name: str = "dirty.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(body if isinstance(body, bytes) else (header + body).encode(encoding))
        return path

    return write


@pytest.fixture
def mapping(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


# --- who is who -------------------------------------------------------------------------------------------------------


def test_repeated_ids_are_an_error_with_the_first_rows(csv):
    message = fault(csv(GOOD + GOOD.replace("a,", "b,", 1) + GOOD + GOOD))
    assert "dirty.csv" in message and "1 x an id that stands more than once: 'a' in rows 1, 3, 4" in message
    assert "on_fault: number" in message


@pytest.mark.parametrize("id", ["", "  "])
def test_missing_ids_are_an_error_with_the_first_rows(csv, id):
    message = fault(csv(GOOD + f"{id},40,20,37,false,female,2020-06-01\n"))
    assert "1 x no patient id: row 2" in message and "on_fault: number" in message


def test_blank_ids_of_a_frame_are_missing_ids():
    assert "2 x no patient id: row 1 '', row 2 '  '" in fault(table(patient_id=["", "  ", "c"]))
    assert "2 x no patient id: row 1, row 3" in fault(table(patient_id=[math.nan, 1.0, None]))
    assert "1 x no patient id" in fault(duckdb.sql("select '' as patient_id, 40 as age union all select 'a', 41"))


def test_faulty_ids_are_numbered_and_counted_where_the_mapping_says_so(csv, mapping):
    path = csv("a,40\n,41\na,42\nb,43\n", "patient_id,age\n")
    numbered = mapping("patient_id: {column: patient_id, on_fault: number}\nfields: {age: age}")
    assert values(path, "patient_id", numbered) == ["a (row 1)", "row 2", "a (row 3)", "b"]
    assert findings(path, numbered) == [
        ("patient_id", "patient id stands more than once", 2),
        ("patient_id", "no patient id", 1),
    ]


@pytest.mark.parametrize("ids", [["", "row 1", "b"], ["b", "b", "b (row 1)"]])
def test_a_number_given_to_a_row_takes_nobodys_id(mapping, ids):
    numbered = mapping("patient_id: {column: patient_id, on_fault: number}\nfields: {age: age}")
    assert "an id looks like the number of a row" in fault(table(patient_id=ids), numbered)


def test_rows_without_any_id_are_numbered(csv, mapping):
    assert values(csv("40\n41\n", "age\n"), "patient_id", mapping("patient_id: {}\nfields: {age: age}")) == [
        "row 1",
        "row 2",
    ]
    message = fault(csv("40\n", "age\n"))
    assert "no column 'patient_id'" in message and "patient_id: {} numbers the rows" in message


def test_ids_that_are_numbers_stay_themselves():
    assert tt.screen(PROTOCOL, table(patient_id=[3, 1, 2])).decisions()["patient_id"].tolist() == [3, 1, 2]
    whole = tt.screen(PROTOCOL, pd.DataFrame({**TABLE, "patient_id": [3.0, 1.0, 2.0]}))
    assert whole.decisions()["patient_id"].tolist() == whole.evidence()["patient_id"].tolist()[:3] == [3, 1, 2]
    assert whole.patients.patient("1")["age"] == 50
    coded = table().with_columns(pl.col("patient_id").cast(pl.Categorical))
    assert values(coded, "patient_id") == ["a", "b", "c"]


@pytest.mark.parametrize("ids", [[True, False, None], [[1], [2], [3]], [time(1), time(2), time(3)]])
def test_what_cannot_name_anybody_is_refused(ids):
    assert "expected text or whole numbers" in fault(table(patient_id=ids))


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "excel"])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\t", "\u2009", "\u200b", "\ufeff"])
def test_blanks_around_an_id_make_nobody_else(tmp_path, csv, excel, kind, blank):
    rows = [["patient_id", "age"], ["a", 40], [f"{blank}a{blank}", 41]]
    frame = pl.DataFrame(rows[1:], schema=rows[0], orient="row")
    match kind:
        case "csv":
            source = csv("".join(f"{id},{age}\n" for id, age in rows[1:]), "patient_id,age\n")
        case "parquet":
            frame.write_parquet(source := tmp_path / "t.parquet")
        case "pandas":
            source = frame.to_pandas()
        case _:
            source = excel(rows)
    assert "1 x an id that stands more than once: 'a' in rows 1, 2" in fault(source)


def test_each_letter_of_an_id_is_written_in_one_way():
    assert "stands more than once" in fault(table(patient_id=["M\u00fcller", "Mu\u0308ller", "c"]))
    assert values(table(patient_id=["Mu\u0308ller", "b", "c"]), "patient_id")[0] == "M\u00fcller"


@pytest.mark.parametrize(
    "ids",
    [("P1", "p1"), ("P1", "\uff30\uff11"), ("P1", "P\u200b1"), ("P1", "P 1"), ("P1", "P\u00a01"), ("P1", "P\u00ad1")],
)
def test_ids_that_only_look_alike_are_told(ids):
    read = tt.read_patients(table(patient_id=[*ids, "other"]), PROTOCOL)
    row = read.quality.iloc[0]
    assert (row["field"], row["n"], row["action"]) == ("patient_id", 2, "kept as different patients") and read.n == 3
    assert "ids differ only in" in row["problem"] and "P1" in row["example"]


@pytest.mark.parametrize("ids", [[2**63, 2**63, 1], [5, 5, 5], [-1, -1, 3]])
def test_repeated_ids_that_are_numbers(ids):
    frame = table(patient_id=pl.Series(ids, dtype=pl.UInt64 if max(ids) > 2**62 else pl.Int64))
    assert "1 x an id that stands more than once" in fault(frame)
    many = pl.DataFrame({"patient_id": [i // 2 for i in range(100)], "age": [40] * 100})
    assert "50 x an id that stands more than once: '0' in rows 1, 2" in fault(many)
    assert "makes each row a patient of its own" in fault(many)


def test_a_row_of_totals_is_no_patient(csv, mapping):
    for word in ("Summe", "TOTAL", "Gesamt:", "Mean", "Total (n=2)", "Grand total"):
        path = csv(GOOD + GOOD.replace("a,", "b,", 1) + f"{word},80,40,74,,,\n")
        patients = tt.read_patients(path, PROTOCOL)
        assert patients.n == 2 and patients.frame.collect()["patient_id"].to_list() == ["a", "b"]
        assert patients.quality.loc[0, ["problem", "n", "example", "action"]].tolist() == [
            "a row that sums up others, not a patient",
            1,
            word.strip(),
            "left out",
        ]
    assert tt.read_patients(table(patient_id=["a", "b", "summe"]), PROTOCOL).n == 2
    assert tt.read_patients(table(patient_id=["a", "b", "Summer"]), PROTOCOL).n == 3


def test_a_row_with_nothing_in_it_is_no_patient(csv, mapping):
    path = csv(GOOD + "b,,,,,,\n" + ",,,,,,\n")
    patients = tt.read_patients(path, PROTOCOL)
    assert patients.n == 1 and patients.quality["problem"].tolist() == ["a row with nothing in it"]
    assert patients.quality["n"].tolist() == [2] and tt.screen(PROTOCOL, patients).possible == 1
    few = csv("a,40\nb,\n", "patient_id,age\n")
    assert tt.read_patients(few, PROTOCOL).n == 2  # of b nothing is asked but the age, which is unknown
    rest = csv("a,40,20,37,x,y\nb,,,,,z\n", "patient_id,age,rate,temperature,u,v\n")
    assert tt.read_patients(rest, PROTOCOL).n == 2  # something stands there, if not for us


def test_a_database_trims_every_blank_of_an_id():
    for blank in (" ", "\t", "\u00a0", "\u200b", "\ufeff"):
        source = duckdb.from_arrow(pl.DataFrame({"patient_id": [f"a{blank}", "a"], "age": [40, 41]}).to_arrow())
        assert "'a' in rows" in fault(source) or "more than once: a" in fault(source)


def test_ids_that_a_number_cannot_hold_are_refused():
    for ids in ([1.5, 2.0, 3.0], [2.0**53, 1.0, 2.0]):
        assert "read it as text" in fault(table(patient_id=ids))
    assert "read it as text" in fault(duckdb.sql("select 1.5::double as patient_id, 40 as age"))
    assert "turned into a number" in fault(table(patient_id=["1.23457E+15", "a", "b"]))
    assert values(table(patient_id=["1E5", "2E5", "1E-5"]), "patient_id") == ["1E5", "2E5", "1E-5"]


def test_ids_with_letters_that_nobody_types_are_refused(csv):
    for id in ("a\nb", "a\0b", "a\tb", "a\x85b"):
        for source in (table(patient_id=[id, "b", "c"]), csv(GOOD.replace("a,", f'"{id}",', 1))):
            assert "line break or another control letter" in fault(source)
    assert "control letter" in fault(duckdb.sql("select 'a' || chr(10) || 'b' as patient_id, 40 as age"))


ALIKE = [("007", "7"), ("P007", "P7"), ("P-1", "P\u20131"), ("s01", "s1"), ("P-099", "P-99")]
ALIKE += [("P-1", "\u0420-1"), ("HB1", "\u041d\u04121"), ("ab1", "\u0391\u03921"), ("o1", "\u03bf1")]  # Cyrillic, Greek


@pytest.mark.parametrize("pair", ALIKE)
def test_ids_that_are_read_alike_are_a_finding(pair):
    one, other = pair
    grown = pl.DataFrame({"patient_id": [f"P-{i:03}" for i in range(990, 1010)], "age": [40] * 20})
    assert findings(grown) == []  # a number that outgrew its zeros
    for source in (table(patient_id=[one, other, "z9"]), duckdb.from_arrow(table(patient_id=[*pair, "z9"]).to_arrow())):
        row = tt.read_patients(source, PROTOCOL).quality.set_index("field").loc["patient_id"]
        assert row["n"] == 2 and row["example"] == f"{one}, {other}"


def test_an_id_of_two_scripts_is_a_finding():
    finding = ("patient_id", "an id of Latin letters and of Greek or Cyrillic ones", 1)
    for ids, there in ((["P-\u041e1", "b2", "c3"], [finding]), (["\u041f\u041e1", "b2", "c3"], [])):
        for source in (table(patient_id=ids), duckdb.from_arrow(table(patient_id=ids).to_arrow())):
            assert findings(source) == there


@pytest.mark.parametrize("ids", [("P1", "P2", "P3", "P4"), ("p1", "p2", "p3", "p4"), ("\u00e41", "b2", "c3", "d4")])
def test_rows_are_named_by_where_they_stand_however_ids_are_written(csv, tmp_path, ids):
    """Ids of capitals and digits are compared on a way of their own."""
    cells = ["40,20,37,false", ",,,", "x,20,37,false", "41,20,37,false"]
    sheet = csv("".join(f"{id},{row},,\n" for id, row in zip(ids, cells, strict=True)))
    assert "not a number: row 3 'x'" in fault(sheet)
    columns = {"patient_id": ids, "sex": ["female", "male", "x", None]}
    pl.DataFrame(columns).write_parquet(tmp_path / "t.parquet")
    assert "undeclared value: row 3 'x'" in fault(tmp_path / "t.parquet")
    for last, rows_named in (
        (ids[1], f"'{ids[1]}' in rows 2, 4"),
        (" ", "no patient id: row 4"),
        (None, "no patient id: row 4"),
    ):
        pl.DataFrame({"patient_id": [*ids[:3], last], "age": [40] * 4}).write_parquet(tmp_path / "t.parquet")
        assert rows_named in fault(tmp_path / "t.parquet")
    for last, n in ((ids[1].swapcase(), 2), (ids[1][0] + "\u200b2", 2), ("P9", 0)):
        pl.DataFrame({"patient_id": [*ids[:3], last], "age": [40] * 4}).write_parquet(tmp_path / "t.parquet")
        counts = [n for _, problem, n in findings(tmp_path / "t.parquet") if problem.startswith("ids differ only")]
        assert sum(counts) == n


# --- values -----------------------------------------------------------------------------------------------------------


def test_text_in_a_number_column(csv, mapping):
    path = csv(GOOD + "b,forty,fast,37,false,female,2020-06-01\n")
    message = fault(path)
    assert "2 things to settle" in message and "age (column age): 1 x not a number: row 2 'forty'" in message
    assert "row 2 'fast'" in message and "missing:" in message and "on_invalid: unknown" in message
    counted = mapping("fields: {age: {column: age, on_invalid: unknown}, sex: sex}")
    assert values(path, "age", counted) == [40, None] and findings(path, counted)[0] == ("age", "not a number", 1)


def test_at_most_three_rows_are_listed(csv):
    message = fault(csv("".join(f"{id},x,20,37,false,female,2020-06-01\n" for id in "abcde")))
    assert "5 x not a number: row 1 'x', row 2 'x', row 3 'x', ..." in message


def test_a_page_in_a_cell_is_not_printed(csv, mapping):
    page = "word " * 10_000
    assert len(fault(csv(GOOD.replace("40", page, 1)))) < 500
    counted = mapping("fields: {age: {column: age, on_invalid: unknown}}")
    assert len(tt.read_patients(csv(GOOD.replace("40", page, 1)), PROTOCOL, counted).quality["example"][0]) < 100


@pytest.mark.parametrize(("column", "written"), [("fever", "maybe"), ("sex", "other"), ("fever", "1"), ("sex", "F")])
def test_an_undeclared_code(csv, mapping, column, written):
    row = {"fever": "false", "sex": "female"} | {column: written}
    path = csv(GOOD + f"b,40,20,37,{row['fever']},{row['sex']},2020-06-01\n")
    assert f"{column} (column {column}): 1 x undeclared" in fault(path) and f"row 2 '{written}'" in fault(path)
    counted = mapping(f"fields: {{{column}: {{column: {column}, on_invalid: unknown}}}}")
    assert values(path, column, counted)[1] is None and findings(path, counted)[0][2] == 1


def test_missing_codes_are_no_findings(csv, mapping):
    path = csv("a,-9,999.0,Y\nb,NA,20,U\n", "patient_id,age,rate,f\n")
    read = mapping(
        "missing: ['-9', NA, '999']\nfields: {age: age, rate: rate, "
        "fever: {column: f, codes: {'Y': true, 'N': false, 'U': unknown}}}"
    )
    assert values(path, "age", read) == [None, None]
    assert values(path, "rate", read) == [None, 20]  # 999.0 is 999
    assert values(path, "fever", read) == [True, None]
    assert findings(path, read) == []
    frame = pl.DataFrame({"patient_id": ["a", "b"], "age": [-9, 40], "rate": [999.0, 20.0], "f": ["N", "Y"]})
    assert values(frame, "age", read) == [None, 40] and values(frame, "rate", read) == [None, 20]


def test_an_empty_cell_has_a_meaning_only_where_it_is_declared(csv, mapping):
    path = csv("a,X\nb,\n", "patient_id,f\n")
    assert values(path, "fever", mapping("fields: {fever: {column: f, codes: {'X': true}}}")) == [True, None]
    declared = mapping("fields: {fever: {column: f, codes: {'X': true, '': false}}}")
    assert values(path, "fever", declared) == [True, False]


def test_decimal_commas(csv, mapping):
    path = csv("a;40;20,5\n", "patient_id;age;rate\n")
    commas = "separator: ';'\nfields: {rate: {column: rate, decimal: ','}}"
    assert values(path, "rate", mapping(commas)) == [20.5]
    message = fault(path, mapping("separator: ';'\nfields: {rate: rate}"))
    assert "row 1 '20,5'" in message and "decimal: ','" in message


def test_dates_in_another_order(csv, mapping):
    path = csv("a,13/01/2020\nb,1/2/2020\n", "patient_id,seen\n")
    message = fault(path)
    assert "2 x not a date written %Y-%m-%d: row 1 '13/01/2020', row 2 '1/2/2020'" in message and "%d/%m/%Y" in message
    days = mapping("fields: {seen: {column: seen, format: '%d/%m/%Y'}}")
    assert values(path, "seen", days) == [date(2020, 1, 13), date(2020, 2, 1)]
    assert "a year of two digits is %y" in fault(csv("a,1/2/20\n", "patient_id,seen\n"), days)
    twice = mapping("fields: {seen: {column: seen, format: '%d/%m/%m/%Y'}}")
    assert "names no year, month and day" in fault(table(), twice)
    assert "names no year, month and day" in fault(
        path, mapping("fields: {seen: {column: seen, format: 'DD/MM/YYYY'}}")
    )


def test_units(csv, mapping):
    path = csv("a,100.4\nb,100.41\nc,32\n", "patient_id,t\n")
    fahrenheit = mapping("fields: {temperature: {column: t, unit: '[degF]'}}")
    assert values(path, "temperature", fahrenheit)[0] == 38.0  # to the last bit: the limit of E1
    assert findings(path, fahrenheit) == [("temperature", "impossible value", 1)]
    states = tt.screen(PROTOCOL, path, fahrenheit).evidence().query("criterion == 'E1'")["state"]
    assert states.tolist() == ["unknown", "fail", "unknown"]
    message = fault(path, mapping("fields: {rate: {column: t, unit: kg}}"))
    assert "rate is in kg here, which cannot become /min" in message and "line 1, column" in message
    assert "not known" in fault(path, mapping("fields: {rate: {column: t, unit: blub}}"))


def test_unit_factors():
    assert factor("[degF]", "Cel", "x") == (5 / 9, -160 / 9)
    assert factor("/h", "/min", "x") == (1 / 60, 0)
    assert factor("{beats}/min", "/min", "x") == (1, 0)
    assert factor("10*9/L", "10*6/L", "x") == (1000, 0)  # a power of ten, not ten times nine
    assert factor("1", "%", "x") == (100, 0)


def test_whole_numbers(csv):
    assert "age (column age): 1 x not a whole number: row 1 '65.5'" in fault(csv("a,65.5\n", "patient_id,age\n"))
    assert values(csv("a,65.0\nb,6e1\n", "patient_id,age\n"), "age") == [65, 60]
    assert "not a whole number" in fault(table(age=[Decimal("65.5"), Decimal("50"), None]))


def test_nan_infinity_and_null_are_unknown_and_counted(tmp_path, csv):
    path = tmp_path / "t.parquet"
    table(rate=[math.nan, math.inf, None]).write_parquet(path)
    assert findings(path) == [("rate", "not a number", 2)]
    states = tt.screen(PROTOCOL, path).evidence().query("criterion == 'I2'")["state"]
    assert set(states) == {"unknown"}
    assert findings(csv("a,NaN\nb,1e999\n", "patient_id,age\n")) == [("age", "not a number", 2)]


def test_impossible_values_are_unknown_and_counted(csv):
    path = csv("a,-3,0\nb,200,20\n", "patient_id,age,rate\n")
    assert findings(path) == [("age", "impossible value", 2), ("rate", "impossible value", 1)]
    quality = tt.read_patients(path, PROTOCOL).quality
    assert quality.loc[0, ["example", "of", "action"]].tolist() == ["-3 to 200", 2, "read as unknown"]


def test_several_columns_make_one_flag(mapping, csv):
    path = csv("a,1,0\nb,0,\nc,0,0\nd,,1\n", "patient_id,x,y\n")
    either = mapping("fields: {fever: {columns: [x, y], codes: {'1': true, '0': false}}}")
    assert values(path, "fever", either) == [True, None, False, True]
    assert "no column 'z'" in fault(path, mapping("fields: {fever: {columns: [x, z], codes: {'1': true}}}"))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(csv, content):
    assert "empty" in fault(csv(content))


@pytest.mark.parametrize("header", [HEADER, HEADER.strip()])
def test_a_header_alone_is_an_empty_table(csv, header):
    screening = tt.screen(PROTOCOL, csv("", header))
    assert screening.n == 0 and screening.certain == screening.possible == 0
    assert screening.patterns.columns.tolist() == ["failed", "unknown", "n"]
    assert len(screening.decisions()) == len(screening.evidence()) == 0
    assert screening.attrition()["possible"].tolist() == [0] * 6
    assert screening.criterion_states()["n"].tolist() == [0] * 5
    assert screening.open_criteria()["n"].sum() == 0
    assert screening.answer() == "Nobody was screened."
    assert "0" in str(figures.flow(screening.attrition()))
    assert figures.criterion_states(screening.criterion_states()) and figures.open_criteria(screening.open_criteria())


@pytest.mark.parametrize("keep", [5, 12, 300, -8, -4, -1])
def test_a_truncated_gzip_is_never_a_shorter_table(csv, keep):
    rows = "".join(f"p{i},{i % 90},20,37,false,female,2020-06-01\n" for i in range(3000))
    whole = gzip.compress((HEADER + rows).encode())
    for name in ("cut.csv.gz", "cut.csv"):
        assert "truncated" in fault(csv(whole[:keep], name=name))
    assert tt.read_patients(csv(whole, name="whole.csv.gz"), PROTOCOL).n == 3000


def test_a_damaged_gzip_and_one_that_is_none(csv):
    whole = gzip.compress((HEADER + GOOD).encode())
    assert "damaged" in fault(csv(whole + b"more", name="t.csv.gz"))
    assert "damaged" in fault(csv(whole[:-8] + b"\0" * 8, name="t.csv.gz"))
    assert "is not a gzip file" in fault(csv(HEADER.encode(), name="t.csv.gz"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_line_ends_and_byte_order_marks(csv, end, mark):
    text = (HEADER + GOOD + "\n" + GOOD.replace("a,", "b,", 1) + "\n").replace("\n", end)
    assert decided(csv(text, "", encoding=mark)) == ["eligible", "eligible"]


def test_letters_that_are_not_utf8(csv):
    message = fault(csv("Müller,40\n", "patient_id,age\n", encoding="latin-1"))
    assert "byte 0xfc in line 2" in message and "save it as UTF-8" in message
    for wide in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
        assert f"declare encoding: {wide} in" in fault(csv(GOOD, encoding=wide))


@pytest.mark.parametrize(("sign", "named"), [(";", "';'"), ("\t", r'"\t"'), ("|", "'|'")])
def test_other_separators(csv, mapping, sign, named):
    path = csv((HEADER + GOOD).replace(",", sign), "")
    assert f"declare separator: {named} in the mapping" in fault(path)
    fields = "fields: {age: age, sex: sex}"
    assert values(path, "age", mapping(f"separator: {named}\n{fields}")) == [40]
    for wrong in ("''", "';;'"):
        assert "one character" in fault(path, mapping(f"separator: {wrong}\n{fields}"))


@pytest.mark.parametrize("header", ["patient_id,age,age\n", "patient_id,age, age\n", "patient_id,patient_id,age\n"])
def test_a_column_that_stands_twice(csv, header):
    assert "stands twice in the header" in fault(csv("a,40,50\n", header))


@pytest.mark.parametrize("row", ["b,40\n", "b,40,20,37,false,female,2020-06-01,7\n", "b,40,20,37,fal"])
def test_lines_that_do_not_fit_the_header(csv, row):
    message = fault(csv(GOOD + row))
    assert "the header names 7 columns, but line 3 has" in message


def test_lines_are_counted_through_quotes(csv):
    path = csv('"Doe, ""J""\nJane",40\n"x\ny",41\nz\n', "patient_id,age\n")
    assert "line 6 has 1" in fault(path)
    read = csvfile.read_csv(b'patient_id,age\n"Doe, ""J""\nJane",40\n', "dirty.csv")
    assert read["patient_id"].to_list() == ['Doe, "J"\nJane']
    assert "never closed" in fault(csv('"a,40\nb,41\n', "patient_id,age\n"))
    assert "quotation mark" in fault(csv('a"x,40\nb"y,41\n', "patient_id,age\n"))


def test_lines_that_end_with_a_separator_are_told_apart_from_a_header_further_down(csv):
    assert "These lines end with ','" in fault(csv("a,40,\nb,41,\n", "patient_id,age\n"))
    assert "header: 2" in fault(csv("patient_id,age,sex\na,40,male\nb,41,male\n", "A title, perhaps\n"))


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_first_line_that_names_the_separator(csv, mapping, line, end):
    path = csv(f"{line}{end}patient_id;age{end}a;40{end}", "")
    assert values(path, "age") == [40]
    assert values(path, "age", mapping("separator: ';'\nfields: {age: age}")) == [40]
    assert "begins with sep=;" in fault(path, mapping("separator: ','\nfields: {age: age}"))


def test_titles_above_the_header(csv, mapping):
    path = csv('Export, "1 May\n\npatient_id,age\na,40\nb,41\nc,x\n', "")
    read = mapping("header: 3\nfields: {age: {column: age, on_invalid: unknown}}")
    assert values(path, "age", read) == [40, 41, None]
    message = fault(csv("Export of May\npatient_id,age\na,40\nb,41\n", ""))
    assert "header: 2 in the mapping" in message
    assert "has no line 9" in fault(path, mapping("header: 9\nfields: {age: age}"))
    assert "1 or more" in fault(path, mapping("header: 0\nfields: {age: age}"))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "mac-roman", "cp850", "utf-8-sig"])
def test_letters_in_a_declared_encoding(csv, mapping, encoding):
    path = csv("M\u00fcller,40\n", "patient_id,age\n", encoding=encoding)
    read = mapping(f"encoding: {encoding}\nfields: {{age: age}}")
    assert values(path, "patient_id", read) == ["M\u00fcller"]
    assert "the encoding 'klingon' is not known" in fault(path, mapping("encoding: klingon\nfields: {age: age}"))


def test_an_encoding_that_is_not_the_right_one(csv, mapping):
    path = csv("M\u00fcller,40\n", "patient_id,age\n", encoding="latin-1")
    for wrong in ("ascii", "utf-8"):
        assert f"is not written in {wrong}" in fault(path, mapping(f"encoding: {wrong}\nfields: {{age: age}}"))
    assert "encoding: in the mapping" in fault(path)


@pytest.mark.parametrize(
    "body",
    [
        'patient_id,a"ge\n' + "a,40\n" * 3 + 'b,"x\n',
        'a"b,age\nc"d,40\n',
        'patient_id,age\n "a",40\n',
        'patient_id,age\n"a"b,40\n',
        'patient_id,age\na,4"0\nb,4"1\n',
    ],
)
def test_odd_quotation_marks_are_refused(csv, body):
    assert "quotation mark" in fault(csv(body, ""))


def test_line_ends_that_differ(csv):
    assert values(csv("patient_id,age\ra,40\rb,41\rc,42\n", ""), "age") == [40, 41, 42]
    read = csvfile.read_csv(b'patient_id,age\r"a\rx",40\r\nb,41\n\rc,42', "dirty.csv")
    assert read["patient_id"].to_list() == ["a\rx", "b", "c"]


def test_a_column_with_a_name_of_the_reader(csv):
    assert "no column" not in fault(csv("a,40,50\n", "patient_id,age_duplicated_0,other\n"))
    read = tt.read_patients(csv("a,40,20\n", "patient_id,age_duplicated_0,rate\n"), PROTOCOL)
    assert "age" in read.absent and read.unread == ("age_duplicated_0",)


@pytest.mark.timeout(12)  # a schema that was made again for each column took 15 s
def test_many_columns_take_no_time(csv):
    header = ",".join(["patient_id", "age", *(f"c{i}" for i in range(5000))])
    assert values(csv("a,40" + ",1" * 5000 + "\n", header + "\n"), "age") == [40]


def test_a_gzip_that_becomes_a_world(csv, monkeypatch):
    monkeypatch.setattr(csvfile, "_SUSPECT", 1 << 20)
    monkeypatch.setattr(csvfile, "_STEP", 1 << 20)
    whole = gzip.compress((HEADER + GOOD).encode() + b"\n" * (1 << 22))
    assert "this is no table of patients" in fault(csv(whole, name="t.csv.gz"))


def test_blanks_around_texts_and_names(csv):
    path = csv(" a , 40 , true , male , 2020-06-01 \n", "patient_id, age , fever,sex,seen \n")
    assert values(path, "patient_id") == ["a"] and values(path, "fever") == [True] and values(path, "age") == [40]
    assert findings(path) == []


def test_a_missing_column(csv, mapping):
    message = fault(csv(GOOD), mapping("fields: {age: agee}"))
    assert "no column 'agee' for the field age; did you mean 'age'?" in message
    assert tt.screen(PROTOCOL, csv("a,40\n", "patient_id,age\n")).patients.absent == (
        "rate",
        "temperature",
        "fever",
        "sex",
        "seen",
    )
    assert "none of its columns is a field" in fault(csv("a,40\n", "patient_id,x\n"))


@pytest.mark.parametrize("source", [None, [1], {"age": [1]}, 3, pl.Series([1])])
def test_what_is_no_table(source):
    assert "is not a patient table" in fault(source)


def test_what_is_no_file(tmp_path):
    assert "is a folder" in fault(tmp_path)
    assert "does not exist" in fault(tmp_path / "nope.csv")
    (tmp_path / "t.docx").write_text("x")
    assert "not read" in fault(tmp_path / "t.docx")


def test_a_broken_parquet_file(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {"patient_id": [str(i) for i in range(9000)], "age": [i * 7919 % 97 for i in range(9000)]}
    ).write_parquet(path, compression="zstd")
    whole = path.read_bytes()
    for broken in (b"", b"PAR1", whole[: len(whole) // 2], whole[:3000] + bytes(50) + whole[3050:]):
        path.write_bytes(broken)
        assert "t.parquet cannot be read" in fault(path)


def test_a_length_that_no_machine_has_room_for(tmp_path):
    """A page that says it holds fewer values than none made Polars end the process."""
    path = tmp_path / "t.parquet"
    table().write_parquet(path, compression="uncompressed")
    whole, refused = path.read_bytes(), 0
    for at in range(4, len(whole) - 8):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        try:
            _check_pages(path)
        except tt.DataError as error:
            refused += "t.parquet cannot be read" in str(error)
    assert refused > 100


def test_a_folder_and_a_pattern_of_parquet_files(tmp_path):
    for i in range(3):
        (tmp_path / f"site={i}").mkdir()
        table().head(1).with_columns(pl.lit(f"p{i}").alias("patient_id")).write_parquet(
            tmp_path / f"site={i}" / "part.parquet"
        )
        table().head(1).with_columns(pl.lit(f"q{i}").alias("patient_id")).write_parquet(tmp_path / f"part{i}.parquet")
    pattern = tmp_path / "part*.parquet"
    assert sorted(values(pattern, "patient_id")) == ["q0", "q1", "q2"]
    assert sorted(values(tmp_path, "patient_id")) == ["p0", "p1", "p2", "q0", "q1", "q2"]
    assert tt.screen(PROTOCOL, tmp_path).certain == 6
    pl.DataFrame(TABLE).write_parquet(pl.PartitionBy(tmp_path / "[by sex]", key="sex"), mkdir=True)
    assert tt.read_patients(tmp_path / "[by sex]", PROTOCOL).absent == ()
    table().head(1).with_columns(pl.lit("q0").alias("patient_id")).write_parquet(tmp_path / "part9.parquet")
    assert "stands more than once: 'q0'" in fault(pattern)
    (tmp_path / "part5.parquet").write_bytes(b"PAR1")
    assert "part5.parquet cannot be read" in fault(pattern)
    assert "does not exist" in fault(tmp_path / "none*.parquet")


def test_parts_of_a_parquet_table_have_the_same_columns(tmp_path):
    (tmp_path / "a").mkdir()
    one = pl.DataFrame({"patient_id": ["a1"], "age": [40]})
    one.write_parquet(tmp_path / "a" / "1.parquet")
    pl.DataFrame({"age": [41], "patient_id": ["b2"]}).write_parquet(tmp_path / "a" / "2.parquet")
    for source in (tmp_path / "a", tmp_path / "*" / "[12].parquet"):
        assert values(source, "age") == [40, 41]  # in another order they are the same
    for other in (one.cast({"age": pl.Float64}), one.with_columns(rate=pl.lit(20.0)), one.select("patient_id")):
        other.write_parquet(tmp_path / "a" / "2.parquet")
        assert "2.parquet and 1.parquet do not have the same column" in fault(tmp_path / "a")


def test_a_decimal_number_beyond_every_engine_is_refused_where_it_is_wanted(tmp_path):
    long = pa.array([Decimal("20.5")], pa.decimal256(50, 2))
    for name, column in (("other", "other"), ("refused", "rate")):
        pq.write_table(pa.table({"patient_id": ["a1"], "age": [40], column: long}), tmp_path / f"{name}.parquet")
    assert values(tmp_path / "other.parquet", "age") == [40]
    assert "refused.parquet cannot be read" in fault(tmp_path / "refused.parquet")


# --- excel ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def excel(tmp_path):
    def write(*sheets: list[list], day: str = "yyyy-mm-dd", wrong: dict | None = None, far=None, **options) -> Path:
        """A workbook; `wrong` says what a formula shows, `far` puts a cell into a corner."""
        xlsxwriter = pytest.importorskip("xlsxwriter")
        book = xlsxwriter.Workbook(tmp_path / "t.xlsx", options)
        style = book.add_format({"num_format": day})
        for rows in sheets:
            sheet = book.add_worksheet()
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(i, j, datetime(cell.year, cell.month, cell.day), style)
                    elif wrong and cell in wrong:
                        sheet.write_formula(i, j, cell, None, wrong[cell])
                    elif cell is not None:
                        sheet.write(i, j, cell)
            if far:
                sheet.write(*far, " ")
        book.close()
        return tmp_path / "t.xlsx"

    return write


def test_excel(excel, mapping, capfd):
    header = list(TABLE)
    rows = [header, *([TABLE[name][i] for name in header] for i in range(3))]
    assert decided(excel(rows)) == DECISIONS
    assert decided(excel([header])) == []
    empty = [header, ["a", *[None] * 6]]
    assert tt.screen(PROTOCOL, excel(empty)).decisions()["unknown"].tolist() == ["I1, I2, E1, E2, E3"]
    assert "row 1 'x'" in fault(excel([header, ["a", "x", *[None] * 5], ["b", 40, *[None] * 5]]))
    assert "the column age stands twice" in fault(excel([["patient_id", "age", "age"], ["a", 1, 2]]))
    assert values(excel([["patient_id", " sex "], ["a", " male "]]), "sex") == ["male"]
    two = excel([["patient_id", "age"], ["a", 1]], [["patient_id", "age"], ["b", 2]])
    assert "several sheets: Sheet1, Sheet2" in fault(two)
    assert values(two, "patient_id", mapping("sheet: Sheet2\nfields: {age: age}")) == ["b"]
    assert "no sheet 'Other'" in fault(two, mapping("sheet: Other\nfields: {age: age}"))
    two.write_bytes(two.read_bytes()[:500])
    assert "t.xlsx cannot be read" in fault(two)
    assert capfd.readouterr().err == ""


def test_a_column_of_dates_with_one_text_keeps_its_dates(excel, mapping):
    rows = [["patient_id", "seen"], ["a", date(2020, 6, 1)], ["b", "2020-UN-UN"], ["c", "2020-05"], ["d", "soon"]]
    counted = mapping("fields: {seen: {column: seen, on_invalid: unknown}}")
    patients = tt.read_patients(excel(rows), PROTOCOL, counted)
    assert patients.frame.collect()["seen"].to_list() == [date(2020, 6, 1), None, None, None]
    assert patients.patient("b")["seen"].high == date(2020, 12, 31) and patients.patient("d")["seen"] is None
    german = mapping("fields: {seen: {column: seen, format: '%d.%m.%Y'}}")
    rows = [["patient_id", "seen"], ["a", date(2020, 6, 1)], ["b", "02.06.2020"]]
    assert values(excel(rows), "seen", german) == [date(2020, 6, 1), date(2020, 6, 2)]


def test_cells_that_a_workbook_marks_as_wrong_are_counted(excel, mapping):
    rows = [["patient_id", "age", "rate"], ["a", "=1/0", 20], ["b", "=NA()", 20], ["c", 40, "=x"]]
    path = excel(rows, wrong={"=1/0": "#DIV/0!", "=NA()": "#N/A", "=x": "#NAME?"})
    assert values(path, "age") == [None, None, 40]
    quality = tt.read_patients(path, PROTOCOL).quality[["field", "problem", "n", "example"]]
    assert [*quality.itertuples(index=False, name=None)] == [
        ("age", "a cell that the workbook marks as wrong", 2, "#DIV/0!"),
        ("rate", "a cell that the workbook marks as wrong", 1, "#NAME?"),
    ]
    assert "no patient id" in fault(excel([["patient_id", "age"], ["=1/0", 40]], wrong={"=1/0": "#DIV/0!"}))


def test_a_formula_that_was_never_worked_out_is_a_finding(excel, mapping):
    header, formula = ["patient_id", "age", "rate"], {"=40+1": "", "=A2": "41"}
    for sheets, sheet in (
        ([[header, ["a1", "=40+1", 20], ["b2", "=A2", 20]]], ""),
        ([[["x"]], [header, ["a1", "=40+1", 20], ["b2", "=A2", 20]]], "sheet: Sheet2\n"),
    ):
        made = mapping(f"{sheet}fields: {{age: age, rate: rate}}")
        assert findings(excel(*sheets, wrong=formula), made) == [("age", "a cell that the workbook marks as wrong", 1)]
    assert values(excel([header, ["a1", "=A2", 20]], wrong=formula), "age") == [41]


@pytest.mark.parametrize("days_from", [1900, 1904])
@pytest.mark.parametrize("shown", ["yyyy-mm-dd", "dd.mm.yy", "d. mmm yyyy", "dd/mm/yyyy hh:mm", "[$-407]d. mmmm yyyy"])
def test_a_date_cell_is_its_day_however_it_is_shown(excel, days_from, shown):
    rows = [["patient_id", "seen"], ["a", date(2020, 2, 29)], ["b", date(1999, 12, 31)]]
    path = excel(rows, day=shown, date_1904=days_from == 1904)
    assert values(path, "seen") == [date(2020, 2, 29), date(1999, 12, 31)]


def test_numbers_of_a_workbook_keep_all_their_digits(excel):
    rows = [["patient_id", "rate"], ["a", 20.123456789012], ["b", 79.99999999999], ["c", "21.5"], ["d", " 22 /min"]]
    assert values(excel(rows), "rate") == [20.123456789012, 79.99999999999, 21.5, 22]
    tiny = read_protocol("id: T\ntitle: T\nfields: {x: {type: number, label: X}}\ncriteria:\n"
                         "  - {id: I1, kind: inclusion, label: X, when: x > 0}\n")  # fmt: skip
    assert tt.screen(tiny, excel([["patient_id", "x"], ["a", 1e-10], ["b", 3e-300]])).certain == 2


def test_ids_flags_and_codes_of_a_workbook(excel, mapping):
    rows = [["patient_id", "fever", "x"], [7, True, 1], ["007", False, 0], [12345678901, "TRUE", 1]]
    assert values(excel(rows), "patient_id") == ["7", "007", "12345678901"]
    assert values(excel(rows), "fever") == [True, False, True]
    coded = mapping("fields: {fever: {column: fever, codes: {'True': true, 'False': unknown}}}")
    assert values(excel(rows), "fever", coded) == [True, None, True]
    numbers = mapping("fields: {fever: {column: x, codes: {'1': true, '0': false}}}")
    assert values(excel(rows), "fever", numbers) == [True, False, True]


def test_a_title_above_the_header_of_a_workbook(excel, mapping):
    rows = [["Export of 1 May"], [], ["patient_id", "age"], ["a", 40]]
    assert values(excel(rows), "age", mapping("header: 3\nfields: {age: age}")) == [40]
    assert "nothing in row 9" in fault(excel(rows), mapping("header: 9\nfields: {age: age}"))
    assert "no column 'age'" in fault(excel(rows), mapping("fields: {age: age}"))
    assert values(excel([[], [], ["patient_id", "age"], ["a", 40]]), "age") == [40]


def test_a_workbook_that_spans_a_world_is_refused_at_once(excel):
    far = excel([["patient_id", "age"], ["a", 40]], far=(1048575, 16383))
    assert "spans 1,048,576 rows and 16,384 columns" in fault(far)
    deep = excel([["patient_id", "age"], ["a", 40]], far=(1000000, 1))
    assert tt.read_patients(deep, PROTOCOL).n == 1


def rewritten(path: Path, old: str, new: str) -> Path:
    """The workbook with something else in its first sheet, as no program writes it."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text.replace(old, new) if name.endswith("sheet1.xml") else text)
    return path


@pytest.mark.parametrize("far", ['"AAAA99999999999"', "'XFD1048576'", '"xfd1048576"'])
def test_a_corner_that_a_workbook_names_in_another_way(excel, far):
    assert " spans " in fault(rewritten(excel([["patient_id", "age"], ["a", 40]]), '"B2"', far))


def test_what_a_reader_says_of_a_damaged_workbook_itself_is_not_told(excel, capfd):
    no_day = rewritten(excel([["patient_id", "age"], ["a", date(2020, 1, 1)]]), "<v>43831</v>", "<v>-1e300</v>")
    assert "it is damaged" in fault(no_day)
    assert capfd.readouterr().err == ""


def test_two_workbooks_at_once_leave_stderr_to_whom_it_belongs():
    """It is of the whole process: the one that began last must not give back what the first had put in its place."""
    before, begun, ended = os.fstat(2), threading.Event(), threading.Event()

    def second():
        begun.set()
        with workbook._without_stderr():
            ended.wait(10)

    other = threading.Thread(target=second)
    with workbook._without_stderr():
        other.start()
        begun.wait(10)
        other.join(0.2)
    ended.set()
    other.join(10)
    assert os.path.samestat(os.fstat(2), before)


def test_a_workbook_that_was_packed_too_well(excel, monkeypatch):
    path = excel([["patient_id", "age"], ["a", 40]])
    monkeypatch.setattr(workbook, "_LARGEST", 1000)
    assert "when it is unpacked" in fault(path)


def test_what_is_no_workbook(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"patient_id,age\na,40\n")
    assert "t.xlsx cannot be read" in fault(tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as book:
        book.writestr("hello.txt", "hello")
    assert "t.xlsx cannot be read" in fault(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx").write_bytes(b"")
    assert "t.xlsx cannot be read" in fault(tmp_path / "t.xlsx")


# --- frames of every kind ---------------------------------------------------------------------------------------------

NUMBERS = [pl.Float32, pl.Int8, pl.Int16, pl.UInt8, pl.UInt64, pl.Int128, pl.Decimal(10, 2)]
FRAMES = {
    "Polars": lambda: table(),
    "Polars lazy": lambda: table().lazy(),
    "Arrow": lambda: table().to_arrow(),
    "DuckDB": lambda: duckdb.from_arrow(table().to_arrow()),
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas objects": lambda: pd.DataFrame(TABLE, dtype=object),
    "pandas nullable": lambda: pd.DataFrame(TABLE).astype({"age": "Int64", "rate": "Float64", "fever": "boolean"}),
    "pandas datetime": lambda: pd.DataFrame(TABLE).assign(seen=pd.to_datetime(pd.Series(TABLE["seen"]))),
    "pandas string": lambda: pd.DataFrame(TABLE).astype({"sex": "string", "patient_id": "string"}),
    "pandas category": lambda: pd.DataFrame(TABLE).astype({"sex": "category"}),
    "Categorical": lambda: table().with_columns(pl.col("sex", "patient_id").cast(pl.Categorical)),
    "Enum": lambda: table().with_columns(pl.col("sex").cast(pl.Enum(["male", "female", "spare"]))),
    "dictionary": lambda: pa.table(
        {name: pa.array(TABLE[name]).dictionary_encode() if name == "sex" else pa.array(TABLE[name]) for name in TABLE}
    ),
    "timestamps": lambda: table().with_columns(pl.col("seen").cast(pl.Datetime("ns"))),
    **{f"{dtype}": lambda dtype=dtype: table().with_columns(pl.col("age", "rate").cast(dtype)) for dtype in NUMBERS},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_same_answer(kind):
    assert decided(FRAMES[kind]()) == DECISIONS


@pytest.mark.parametrize("kind", ["Float32", "UInt64", "Categorical", "Enum", "dictionary", "timestamps"])
def test_every_kind_of_column_comes_back_from_parquet(tmp_path, kind):
    frame = FRAMES[kind]()
    pl.DataFrame(frame).write_parquet(tmp_path / "t.parquet")
    assert decided(tmp_path / "t.parquet") == DECISIONS


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int128])
def test_numbers_too_large_for_anybody_are_impossible(dtype):
    frame = table(age=pl.Series([2**64 - 1, 50, None], dtype=dtype))
    assert findings(frame) == [("age", "impossible value", 1)]


def test_days_that_no_calendar_has_are_impossible(tmp_path):
    frame = table(seen=[date(2020, 6, 1)] * 3).with_columns(
        pl.Series("seen", [18000, 90_000_000, 2**31 - 1]).cast(pl.Int32).cast(pl.Date)
    )
    frame.write_parquet(tmp_path / "t.parquet")
    for source in (frame, frame.to_arrow(), tmp_path / "t.parquet"):
        assert findings(source) == [("seen", "impossible value", 2)]
        assert tt.screen(PROTOCOL, source).n == 3


def test_a_time_zone_keeps_its_own_calendar_day():
    late = pl.datetime(2020, 4, 30, 23, 30, time_zone="UTC")
    there = table().with_columns(late.dt.convert_time_zone("Asia/Shanghai").alias("seen"))
    assert values(there, "seen") == [date(2020, 5, 1)] * 3
    assert values(table().with_columns(late.alias("seen")), "seen") == [date(2020, 4, 30)] * 3


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table, pd.DataFrame])
def test_columns_of_nulls_alone_are_unknown_for_all(make):
    nulls = {name: [None, None, None] for name in TABLE if name != "patient_id"}
    screening = tt.screen(PROTOCOL, make({"patient_id": ["a", "b", "c"], **nulls}))
    assert set(screening.decisions()["unknown"]) == {"I1, I2, E1, E2, E3"}
    assert set(screening.decisions()["decision"]) == {"undetermined"}
    nans = pd.DataFrame({**TABLE, "fever": [np.nan] * 3, "sex": [np.nan] * 3})
    assert tt.read_patients(nans, PROTOCOL).quality.empty


def test_no_rows_of_any_kind():
    for empty in (
        table().head(0),
        table().head(0).to_arrow(),
        pd.DataFrame(columns=list(TABLE)),
        table().head(0).lazy(),
    ):
        assert tt.screen(PROTOCOL, empty).n == 0
    assert tt.screen(PROTOCOL, duckdb.from_arrow(table().head(0).to_arrow())).n == 0
    assert "for it has none" in fault(pl.DataFrame())


def test_empty_text_is_unknown_and_not_another_category():
    screening = tt.screen(PROTOCOL, table(sex=["", "female", "male"]))
    assert screening.evidence().query("criterion == 'E2'")["state"].tolist() == ["unknown", "pass", "fail"]


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("age", [True, False, None]),
        ("age", [[1], [2], [3]]),
        ("age", [date(2020, 1, 1)] * 3),
        ("fever", [1, 0, None]),
        ("fever", [1.0, 0.0, None]),
        ("fever", ["Y", "N", None]),
        ("sex", [True, False, None]),
        ("sex", [" male", "female", None]),
        ("seen", [20200101, 20200102, None]),
        ("seen", [time(1), time(2), None]),
        ("seen", ["2020-01-01 25:00", None, None]),
    ],
)
def test_columns_of_another_type_are_refused(column, bad):
    assert column in fault(table(**{column: bad}))


def test_codes_of_numbers(mapping):
    coded = mapping("fields: {fever: {column: fever, codes: {'1': true, '0': false}}}")
    assert values(table(fever=[1, 0, None]), "fever", coded) == [True, False, None]
    assert values(table(fever=[1.0, 0.0, None]), "fever", coded) == [True, False, None]
    assert "undeclared code: row 1 '1.9'" in fault(table(fever=[1.9, 0.0, None]), coded)  # not cut down to 1
    nan = table(fever=[1.0, math.nan, None])
    assert values(nan, "fever", coded) == [True, None, None]
    assert findings(nan.select("patient_id", "fever"), coded) == [("fever", "not a number", 1)]


def test_codes_written_for_a_file_fit_the_same_data_read_by_a_library(mapping, csv):
    coded = mapping("fields: {fever: {column: f, codes: {'True': true, 'False': unknown}}}")
    path = csv("a,True\nb,False\n", "patient_id,f\n")
    assert values(path, "fever", coded) == values(pd.read_csv(path), "fever", coded) == [True, None]


def test_pandas_columns_of_several_kinds_are_read_text_by_text(mapping):
    """What pandas makes of a sheet in which some cells are numbers and some are texts."""
    mixed = pd.DataFrame({**TABLE, "age": [40, ">100", None], "fever": [True, "FALSE", None]})
    mixed["seen"] = [date(2020, 6, 1), "2020-05", pd.Timestamp("2020-06-01 10:00")]
    patients = tt.read_patients(mixed, PROTOCOL)
    assert patients.patient("b")["age"] == Interval(101, None, ">100") and patients.patient("b")["fever"] is False
    assert patients.patient("b")["seen"].high == date(2020, 5, 31) and patients.patient("c")["seen"] == date(2020, 6, 1)
    commas = mapping("fields: {rate: {column: rate, decimal: ','}}")
    assert values(pd.DataFrame({**TABLE, "rate": [12.125, "12,125", 40]}), "rate", commas) == [12.125, 12.125, 40]
    assert "'7' in rows 1, 2" in fault(pd.DataFrame({"patient_id": [7, "7", 7.5], "age": [40] * 3}))
    assert "not a number: row 2 'x'" in fault(pd.DataFrame({**TABLE, "age": [40, "x", None]}))
    for bad in ([object(), None, None], [1j, 2, None], [[1], {}, None]):
        message = fault(pd.DataFrame({**TABLE, "age": bad}))
        assert "the column age holds" in message and ("leave it out" in message or "values of type" in message)
    assert "unique" in fault(pd.DataFrame([[1, 2, 3]], columns=["patient_id", "age", "age"]))
    assert "no column 'patient_id'" in fault(pd.DataFrame(TABLE).set_index("patient_id"))


def test_text_in_a_database_is_cast_there():
    for sql, what in (("'40' as age", "numbers"), ("'2020' as seen", "dates")):
        assert f"holds text where {what} are needed; cast it in the query" in fault(
            duckdb.sql(f"select 'a' as patient_id, {sql}")
        )
    message = fault(duckdb.sql("select 'a' as patient_id, 65.5::double as age"))
    assert "not a whole number: patient a '65.5'" in message


def test_names_that_are_taken():
    assert "rename the column" in fault(table(__row__=[1, 2, 3]))


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AGE", "Age", " age ", "a_g_e", "A-ge", "\uff41ge"])
def test_a_column_that_looks_like_a_field_is_told(csv, name):
    patients = tt.read_patients(csv("a,40,20\n", f"patient_id,{name},rate\n"), PROTOCOL)
    if name.strip() == "age":
        assert "age" not in patients.absent
        return
    assert patients.unread == (name.strip(),) and "age" in patients.absent
    row = patients.quality.iloc[-1]
    assert (row["field"], row["column"], row["n"], row["action"]) == ("age", name, 1, "not read")


def test_a_mapping_that_leaves_out_a_column_with_the_name_of_a_field(csv, mapping):
    patients = tt.read_patients(csv(GOOD), PROTOCOL, mapping("fields: {rate: rate}"))
    assert patients.unread == ("age", "temperature", "fever", "sex", "seen")
    assert set(patients.quality["field"]) == {"age", "temperature", "fever", "sex", "seen"}


def test_a_mapped_column_in_another_case(csv, mapping):
    assert "no column 'AGE' for the field age; did you mean 'age'?" in fault(csv(GOOD), mapping("fields: {age: AGE}"))
    message = fault(csv("a,40\n", "PATIENT ID,age\n"))
    assert "no column 'patient_id' to tell patients apart; did you mean 'PATIENT ID'?" in message
    message = fault(csv("a,40\n", "patient_id,AGE\n"))
    assert "which trialtools map writes: age: AGE" in message


def test_only_what_is_mapped_is_read(csv, mapping):
    mixed = pd.DataFrame({**TABLE, "note": [1, "x", object()]})
    assert decided(mixed) == DECISIONS and tt.read_patients(mixed, PROTOCOL).unread == ("note",)
    twice = csv("a,40,x,y\n", "patient_id,age,note,note\n")
    assert values(twice, "age") == [40] and tt.read_patients(twice, PROTOCOL).unread == ("note", "note (2)")


def test_codes_of_the_whole_table(csv, mapping):
    flags = ["x", "y", "z"]
    protocol = read_protocol(
        "id: F\ntitle: Flags\nfields:\n"
        + "".join(f"  {name}: {{type: flag, label: {name}}}\n" for name in flags)
        + "criteria:\n  - {id: I1, kind: inclusion, label: All, when: x and y and z}\n"
    )
    written = "codes: {'1': true, '0': false, '9': unknown}\n"
    fields = "fields: {x: x, y: y, z: {column: z, codes: {J: true, N: false}}}"
    path = csv("a,1,0,J\nb,9,1,N\n", "patient_id,x,y,z\n")
    read = tt.read_patients(path, protocol, mapping(written + fields)).frame.collect()
    assert read.select("x", "y", "z").rows() == [(True, False, True), (None, True, False)]
    with pytest.raises(tt.DataError, match="mean true, false or unknown"):
        tt.read_patients(path, protocol, mapping("codes: {'1': male}\n" + fields))


def test_a_hint_that_would_empty_a_column_is_not_given(csv):
    assert "on_invalid" not in fault(csv("a,x\nb,y\n", "patient_id,age\n"))
    assert "on_invalid" in fault(csv("a,x\nb,40\n", "patient_id,age\n"))


# --- what is known in part --------------------------------------------------------------------------------------------


def test_values_known_in_part_stay_so(csv, mapping):
    path = csv("a,>100,2020-05\nb,> 4,2020-06-01\nc,20,\n", "patient_id,rate,seen\n")
    patients = tt.read_patients(path, PROTOCOL)
    assert [*patients.quality[["field", "problem", "n"]].itertuples(index=False, name=None)] == [
        ("rate", "impossible value (outside 4 to 80 /min)", 1),  # more than 100, of 80 at most
        ("rate", "known in part", 1),
        ("seen", "known in part", 1),
    ]
    frame = patients.frame.collect()
    assert frame["rate"].to_list() == [None, None, 20] and frame["rate__low"].to_list() == [
        None,
        math.nextafter(4, 5),
        None,
    ]
    assert frame["rate__high"].to_list() == [None] * 3 and frame["rate__written"].to_list() == [None, "> 4", None]
    assert patients.patient("a")["seen"] == Interval(date(2020, 5, 1), date(2020, 5, 31), "2020-05")
    assert patients.patient("b") | {"rate": 0} == {"rate": 0, "seen": date(2020, 6, 1)}
    assert patients.patient("c") == {"rate": 20, "seen": None}


def test_columns_without_such_values_have_no_bounds(csv):
    assert set(tt.read_patients(csv(GOOD), PROTOCOL).frame.collect().columns) == {*HEADER.strip().split(",")}


def test_a_fraction_of_a_whole_number_lies_between_two(csv, mapping):
    counted = mapping("fields: {age: {column: age, on_invalid: unknown}}")
    patients = tt.read_patients(csv("a,0.8\nb,40\n", "patient_id,age\n"), PROTOCOL, counted)
    assert patients.patient("a")["age"] == Interval(0, 1, "0.8") and patients.patient("b")["age"] == 40
    assert patients.quality["problem"].tolist() == ["not a whole number", "known in part"]


@pytest.mark.parametrize("kind", ["csv", "frame", "duckdb"])
def test_ages_in_months_weeks_or_days_become_completed_years(csv, mapping, kind):
    def ages(values: list[int], unit: str) -> list:
        frame = pl.DataFrame({"patient_id": [str(i) for i in range(len(values))], "m": values})
        match kind:
            case "csv":
                source = csv(frame.write_csv().encode())
            case "frame":
                source = frame
            case _:
                source = duckdb.from_arrow(frame.to_arrow())
        patients = tt.read_patients(source, PROTOCOL, mapping(f"fields: {{age: {{column: m, unit: {unit}}}}}"))
        ages = [patients.patient(str(i))["age"] for i in range(len(values))]
        return [(one.low, one.high) if isinstance(one, Interval) else one for one in ages]

    assert ages([215, 216, 227, 0, 11], "mo") == [17, 18, 18, 0, 0]
    assert ages([364, 365, 366, 6573, 6574, 6575, 36524, 36525], "d") == [0, (0, 1), 1, 17, (17, 18), 18, 99, 100]
    assert ages([52, 53, 10], "wk") == [(0, 1), 1, 0]


def test_ages_in_days_hold_for_every_birthday(mapping):
    """The completed years of somebody born on any day lie within what the number of days leaves open."""
    births = [date(y, m, d) for y in (1999, 2000, 2001, 2002) for m, d in ((1, 1), (2, 28), (3, 1), (12, 31))]
    days = [(birth, birth + timedelta(n)) for birth in births for n in (*range(360, 370), *range(6570, 6580))]
    frame = pl.DataFrame({"patient_id": range(len(days)), "m": [(day - birth).days for birth, day in days]})
    read = tt.read_patients(frame, PROTOCOL, mapping("fields: {age: {column: m, unit: d}}")).frame.collect()
    for (birth, day), row in zip(days, read.iter_rows(named=True), strict=True):
        completed = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
        low, high = (row["age"],) * 2 if row["age"] is not None else (row["age__low"], row["age__high"])
        assert low <= completed <= high <= low + 1


# --- mappings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected", "where"),
    [
        ("patient_idd: a\nfields: {age: age}", "did you mean 'patient_id'?", "line 1, column 1"),
        ("fields:\n  age: {colum: age}", "did you mean 'column'?", "line 2, column 9"),
        ("fields:\n  age:\n    column: age\n    unti: years", "did you mean 'unit'?", "line 4, column 5"),
        ("fields:\n  agee: age", "no field 'agee'; did you mean 'age'?", "line 2, column 3"),
        (
            "fields:\n  sex: {column: sex, codes: {'1': man}}",
            "it can mean female, male or unknown",
            "line 2, column 35",
        ),
        ("fields:\n  fever: {column: f, codes: {1: true}}", "put it in quotes", "line 2"),
        ("fields:\n  age: age\n  age: rate", "stands twice", "line 3"),
        ("fields:\n  age: {column: age, codes: {'1': true}}", "codes are for flags and categories", "line 2"),
        ("fields:\n  sex: {columns: [sex]}", "only a flag can come from several columns", "line 2"),
        ("fields:\n  sex: {column: sex, unit: kg}", "only a number has a unit", "line 2"),
        ("fields:\n  sex: {column: sex, format: '%Y'}", "only a date has a format", "line 2"),
        ("fields:\n  sex: {column: sex, format: ''}", "only a date has a format", "line 2"),
        ("fields:\n  sex: {column: sex, decimal: ','}", "only a number has a decimal mark", "line 2"),
        ("fields:\n  fever: {note: x}", "needs either column: or columns:", "line 2"),
        ("patient_id: {column: a, on_fault: ignore}", "expected error or number", "line 1"),
        ("- age", "key: value", "mapping.yaml"),
        ("", "key: value", "mapping.yaml"),
    ],
)
def test_a_wrong_mapping_says_where(csv, mapping, text, expected, where):
    message = fault(csv(GOOD), mapping(text))
    assert expected in message and where in message


def test_what_is_no_mapping(csv, tmp_path):
    assert "cannot be read" in fault(csv(GOOD), tmp_path / "nope.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Müller".encode("latin-1"))
    assert "not UTF-8" in fault(csv(GOOD), tmp_path / "latin.yaml")
    assert "a dict is not a mapping" in fault(csv(GOOD), {"age": "age"})
    assert "no field 'agee'" in fault(csv(GOOD), ColumnMapping(fields={"agee": "age"}))


def test_a_part_of_a_table_and_one_patient(csv):
    patients = tt.read_patients(
        csv(GOOD + "b,,20,37,true,male,2020-06-01\nc,-1,20,37,true,male,2020-06-01\n"), PROTOCOL
    )
    assert patients.filter(PROTOCOL, "known(age)").n == 1  # an impossible age is unknown here too
    assert patients.filter(PROTOCOL, "fever").n == 2
    assert (patients.filter(PROTOCOL, "True").n, patients.filter(PROTOCOL, "False").n) == (patients.n, 0)
    assert patients.patient("b")["sex"] == "male"
    with pytest.raises(tt.DataError, match="no patient 'z'"):
        patients.patient("z")
    with pytest.raises(tt.ProtocolError, match="did you mean 'age'"):
        patients.filter(PROTOCOL, "agee > 3")


PERCENT = read_protocol("""
id: PARTS
title: Percent that people write as parts of one
fields:
  spo2: {type: number, unit: "%", range: [50, 100], label: Saturation}
  lvef: {type: number, unit: "%", range: [0, 100], label: Ejection fraction}
criteria:
  - {id: I1, kind: inclusion, label: Both, quote: q, when: spo2 > 93 and lvef > 40}
""")


@pytest.mark.parametrize("read", [list, lambda values: [None if v is None else str(v) for v in values]])
def test_parts_of_one_where_percent_are_meant_are_told_and_the_hint_leads_on(read):
    frame = pl.DataFrame(
        {"patient_id": ["a1", "b2", "c3"], "spo2": read([0.97, 0.9, None]), "lvef": read([0.55, 0.6, 1.0])}
    )
    for source in (frame, duckdb.from_arrow(frame.to_arrow())) if read is list else (frame,):
        rows = tt.read_patients(source, PERCENT).quality.query("problem.str.startswith('at most 1')")
        assert rows[["field", "n"]].values.tolist() == [["lvef", 3], ["spo2", 2]]
        assert rows["action"].str.contains("unit: '1'").all()
        columns: dict[str, str | MappedColumn] = {name: MappedColumn(name, unit="1") for name in PERCENT.fields}
        screening = tt.screen(PERCENT, source, ColumnMapping(fields=columns))
        assert screening.patients.quality.empty and screening.certain == 1
    one = frame.with_columns(lvef=pl.Series(read([0.5, 60.0, 55.0])))
    assert "lvef" not in tt.read_patients(one, PERCENT).quality["field"].tolist()  # half a percent among others


def test_what_has_no_name_is_not_lost(csv, excel):
    """A column without a name that holds something is listed; one that holds nothing is none."""
    for source in (
        csv("a,x,40,\n", "patient_id,,age,\n"),
        excel([["patient_id", None, "age", None], ["a", "x", 40, " "]]),
    ):
        assert tt.read_patients(source, PROTOCOL).unread == ("(column 2)",)


def test_a_title_above_the_names_is_met_with_the_key_that_skips_it(csv, excel):
    for source in (
        csv("a,40\n", "Export of 2023,\npatient_id,age\n"),
        excel([["Export"], ["patient_id", "age"], ["a", 40]]),
    ):
        assert "header: in the mapping says in which line" in fault(source)


def test_findings_of_a_database_can_be_written(tmp_path):
    zone = duckdb.sql("select 'a1' as patient_id, 40 as age, 999.0 as rate")
    tt.screen(PROTOCOL, zone).write(tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["quality_findings"] == 1
