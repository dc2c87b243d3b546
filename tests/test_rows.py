"""Several rows of one patient: which of them counts, held against every way in which the unknown may have been."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from statistics import fmean

import duckdb
import polars as pl
import pytest
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import trialtools as tt
from trialtools.__main__ import main
from trialtools.cohort.sources import ColumnMapping, MappedColumn, Rows, load_mapping
from trialtools.criteria.contents import read_protocol
from trialtools.criteria.engine import in_polars
from trialtools.criteria.language import Interval
from trialtools.criteria.protocol import DataError

PAGE = Path(__file__).parent / "spec" / "several_rows.txt"
TRIAL = read_protocol("""
id: T
title: A small trial
fields:
  flag: {type: flag, label: Flag}
  number: {type: number, range: [-50, 50], label: Number}
  kind: {type: category, values: [a, b], label: Kind}
  day: {type: date, label: Day}
criteria:
  - {id: I1, kind: inclusion, label: All, when: flag and number > 1}
""")
LOW, HIGH = -99, 99
"""Ends that no number of a table reaches; they stand for whatever an unknown one may be."""


# --- a reference: all that may have been ------------------------------------------------------------------------------


def possible(values: list, everything: tuple) -> list[tuple]:
    """All ways in which values may have been; None may have been any."""
    return [*product(*(everything if value is None else (value,) for value in values))]


def outcomes(take: str, visits: list, values: list, everything: tuple) -> set:
    """What a field may come out as: None where a way says nothing of it."""
    if take in ("last", "first"):
        ends = max if take == "last" else min
        found = set()
        for days in possible(visits, tuple(range(5))):
            found |= {value for day, value in zip(days, values, strict=True) if day == ends(days)}
        return found
    if take == "only":
        return {*values} - {None} or {None}
    if take == "mean":
        return {None} if None in values else {fmean(values)}
    make = {"any": any, "all": all, "min": min, "max": max}[take]
    return {make(way) for way in possible(values, everything)}


def reference(take: str, visits: list, values: list, own: bool, everything: tuple = (LOW, HIGH)):
    """The only outcome there is; for a number the interval of all; else None."""
    if own and take in ("last", "first"):  # a field's own take passes over the rows that say nothing
        known = [(visit, value) for visit, value in zip(visits, values, strict=True) if value is not None]
        visits, values = [visit for visit, _ in known], [value for _, value in known]
    values_left = outcomes(take, visits, values, everything) if values else {None}
    if len(values_left) == 1:
        return next(iter(values_left))
    if take in ("min", "max"):
        low, high = min(values_left), max(values_left)
        return (None if low == LOW else low, None if high == HIGH else high)
    return None


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, 1.0, 2.0, 5.0]),
        st.sampled_from([None, "a", "b"]),
    ),
    min_size=1,
    max_size=7,
)
TAKES = {
    "flag": ("last", "first", "only", "any", "all"),
    "number": ("last", "first", "only", "min", "max", "mean"),
    "kind": ("last", "first", "only"),
}
OWN = {f"{field}_{take}": (field, take) for field, takes in TAKES.items() for take in takes}
"""A field for everything that a field can take, beside those that are taken with their row."""
MANY = replace(TRIAL, fields=TRIAL.fields | {name: TRIAL.fields[field] for name, (field, _) in OWN.items()})


@pytest.mark.agreement
@settings(max_examples=sample(12))
@given(ROWS)
def test_what_counts_is_what_every_way_agrees_on(rows):
    table = pl.DataFrame(rows, schema=["p", "visit", "flag", "number", "kind"], orient="row", infer_schema_length=None)
    table = table.cast({"visit": pl.Int64, "flag": pl.Boolean, "number": pl.Float64, "kind": pl.String})
    columns = {name: MappedColumn(field, take=take) for name, (field, take) in OWN.items()}
    for take in ("last", "first", "only"):
        fields = {"flag": "flag", "number": "number", "kind": "kind"} | (columns if take == "last" else {})
        mapping = ColumnMapping(patient_id="p", rows=Rows(take, "visit"), fields=fields)
        wanted = {}
        for p in table["p"].unique():
            records = table.filter(p=p)
            for name in fields:
                field, each = OWN.get(name, (name, take))
                everything = (True, False) if field == "flag" else (LOW, HIGH)
                reference_value = reference(each, [*records["visit"]], [*records[field]], name in OWN, everything)
                wanted[p, name] = None if reference_value == (None, None) else reference_value
        for source in (table, duckdb.from_arrow(table.to_arrow()))[: 2 if take == "last" else 1]:
            patients = tt.read_patients(source, MANY, mapping)
            assert patients.n == table["p"].n_unique()
            reference_value = {
                (row["patient_id"], name): value_of(row, name) for row in records_of(patients) for name in fields
            }
            assert reference_value == wanted, table


def records_of(patients) -> list[dict]:
    return in_polars(patients.frame).to_dicts()


def value_of(row: dict, name: str):
    """A value, or the bounds of one that is known in part."""
    low, high = row.get(f"{name}__low"), row.get(f"{name}__high")
    return row[name] if low is None and high is None else (low, high)


# --- the page ---------------------------------------------------------------------------------------------------------


def lines() -> list[tuple[str, str, list[tuple[str, str]], str]]:
    lines_there = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and cells[0] not in ("where", "") and not cells[0].startswith("--"):
            where, take, rows, result = cells
            lines_there.append((where, take, [tuple(row.strip().split(" ")) for row in rows.split(",")], result))
    return lines_there


@pytest.mark.parametrize(("where", "take", "rows", "result"), lines())
def test_the_page_holds(where, take, rows, result, tmp_path):
    words = {"unknown": "", "yes": "true", "no": "false"}
    days, values = zip(*rows, strict=True)
    kind = "flag" if {*values} <= {*words} else "number"
    made = {"day": ["" if day == "unknown" else day for day in days], kind: [words.get(v, v) for v in values]}
    pl.DataFrame(made).with_columns(p=pl.lit("x")).write_csv(tmp_path / "t.csv")
    written = f"patient_id: p\nfields: {{{kind}: {{column: {kind}, take: {take}}}}}\nrows: {{take: only, by: day}}\n"
    if where == "table":
        written = f"patient_id: p\nfields: {{{kind}: {kind}}}\nrows: {{take: {take}, by: day}}\n"
    (tmp_path / "m.yaml").write_text(written, "utf-8")
    fact = tt.read_patients(tmp_path / "t.csv", TRIAL, tmp_path / "m.yaml").patient("x")[kind]
    text = {None: "unknown", True: "yes", False: "no"}.get(fact) if kind == "flag" or fact is None else fact
    if isinstance(fact, Interval):
        low, high = ("" if end is None else f"{end:g}" for end in (fact.low, fact.high))
        text = f"{low}..{high}"
    assert (f"{text:g}" if isinstance(text, float) else text) == result


# --- what is told -----------------------------------------------------------------------------------------------------

TABLE = pl.DataFrame(
    {
        "p": ["b", "b", "a", "a", "a", "c"],
        "day": ["2023-01-01", "2023-01-02", "2023-01-05", "2023-01", "2023-01-05", "later"],
        "flag": [True, None, False, None, True, None],
        "number": [1.5, 1.0, 2.0, 3.0, 4.0, None],
        "kind": ["a", "a", "b", None, "b", "a"],
    }
)


def test_what_depends_on_the_choice_is_counted():
    rows = ColumnMapping(
        patient_id="p",
        rows=Rows("last", "day"),
        fields={
            "flag": MappedColumn("flag", take="any"),
            "number": "number",
            "kind": MappedColumn("kind", take="only"),
        },
    )
    patients = tt.read_patients(TABLE, TRIAL, rows)
    assert patients.frame.collect()["patient_id"].to_list() == ["b", "a", "c"]  # as they appear
    quality = {(q.field, q.problem): (q.n, q.of, q.action) for q in patients.quality.itertuples()}
    assert quality[("patient_id", "several rows of one patient")] == (2, 3, "take: last by day")
    assert "6 rows are 3 patients" in [*patients.quality["example"]]
    assert quality[("flag", "depends on which row is taken")] == (2, 3, "take: any")
    assert quality[("number", "depends on which row is taken")] == (2, 3, "take: last by day")
    assert quality[("number", "rows that may be the last differ")] == (1, 3, "read as unknown")
    assert quality[("rows: by", "not a date written %Y-%m-%d")] == (1, 6, "read as unknown")
    assert ("kind", "rows differ") not in quality
    chosen = patients.rows_of("b").set_index(["field", "row"])
    assert chosen.loc[("number", 2)].tolist() == [date(2023, 1, 2), 1.0, True]
    assert not chosen.loc[("number", 1), "counts"]


@pytest.mark.parametrize(
    ("times", "number"),
    [
        (["2023-01-02 08:00", "2023-01-02 14:00"], 2.0),
        (["2023-01-02 14:00:01", "2023-01-02 14:00:00"], 1.0),
        (["2023-01-01 23:59", "2023-01-02 00:00"], 2.0),
        (["2023-01-02 08:00", "2023-01-02 08:00"], None),  # the same moment
        (["2023-01-02 00:00", "2023-01-02 14:00"], None),  # midnight may be a day without its time
    ],
)
def test_times_of_one_day_order_its_rows(times, number):
    texts = pl.DataFrame({"p": ["a", "a"], "day": times, "number": [1.0, 2.0]})
    stamps = texts.with_columns(pl.col("day").str.to_datetime())
    query = duckdb.sql("SELECT * FROM stamps")
    mapping = ColumnMapping(patient_id="p", rows=Rows("last", by="day"), fields={"number": "number"})
    for table in (texts, stamps, stamps.to_pandas(), query):
        assert tt.read_patients(table, TRIAL, mapping).patient("a")["number"] == number, type(table)


def test_a_clock_of_twelve_hours_and_a_day_without_its_time():
    mapping = ColumnMapping(
        patient_id="p", rows=Rows("last", by="day", format="%d.%m.%Y %I:%M %p"), fields={"number": "number"}
    )
    times = ["02.01.2023 12:10 AM", "02.01.2023 08:00 AM", "02.01.2023 02:00 PM"]
    table = pl.DataFrame({"p": ["a"] * 3, "day": times, "number": [1.0, 2.0, 3.0]})
    assert tt.read_patients(table, TRIAL, mapping).patient("a")["number"] == 3
    partly = ColumnMapping(patient_id="p", rows=Rows("last", by="day"), fields={"number": "number"})
    table = pl.DataFrame({"p": ["a"] * 2, "day": ["2023-01-02", "2023-01-02T14:00:00"], "number": [1.0, 2.0]})
    assert tt.read_patients(table, TRIAL, partly).patient("a")["number"] is None


def test_a_row_a_patient_costs_nothing():
    """Where nobody has several rows, nothing is said of them, and rows_of has nothing to say."""
    once = TABLE.unique("p", maintain_order=True)
    patients = tt.read_patients(once, TRIAL, ColumnMapping(patient_id="p", rows=Rows("only"), fields={"kind": "kind"}))
    assert patients.n == 3 and set(patients.quality["action"]) == {"not read"}
    plain_table = tt.read_patients(once, TRIAL, ColumnMapping(patient_id="p", fields={"kind": "kind"}))
    assert plain_table.rows_of("a").empty


def test_the_command_says_which_row(tmp_path, capsys):
    (tmp_path / "t.yaml").write_text(
        "id: T\ntitle: T\nfields: {number: {type: number, label: Number}}\n"
        "criteria: [{id: I1, kind: inclusion, label: High, when: number > 1}]\n"
    )
    TABLE.write_csv(tmp_path / "t.csv")
    (tmp_path / "m.yaml").write_text("patient_id: p\nfields: {number: number}\nrows: {take: last, by: day}\n")
    arguments = ["explain", str(tmp_path / "t.yaml"), str(tmp_path / "t.csv"), "--mapping", str(tmp_path / "m.yaml")]
    assert main([*arguments, "--patient", "b"]) == 0
    assert "Number: row 2 (2023-01-02) of rows 1, 2" in capsys.readouterr().out
    assert main([*arguments, "--patient", "a"]) == 0
    assert "Number: rows 3, 4, 5 count: 2, 3, 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("rows: {take: last}\nfields: {flag: flag}", "needs by:"),
        ("rows: {take: newest, by: day}\nfields: {flag: flag}", "expected last, first or only"),
        ("rows: {take: last, by: dy}\nfields: {flag: flag}", "no column 'dy' to order rows by; did you mean 'day'?"),
        ("rows: {take: last, by: day, format: '%H'}\nfields: {flag: flag}", "names no year"),
        ("fields: {number: {column: number, take: any}}", "a number, which cannot take any; it can take last, first"),
        ("fields: {flag: {column: flag, take: mean}}", "a flag, which cannot take mean"),
        ("fields: {flag: {column: flag, take: last}}", "needs rows: {by: ...}"),
        ("patient_id: {}\nfields: {flag: {column: flag, take: any}}", "need a patient_id"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_place(written, message, tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(written if "patient_id" in written else f"patient_id: p\n{written}")
    with pytest.raises(DataError, match=re.escape(message)) as error:
        tt.read_patients(TABLE, TRIAL, load_mapping(file, TRIAL))
    assert "m.yaml, line" in str(error.value) or "dy" in written


def test_repeated_ids_name_the_choice():
    with pytest.raises(DataError, match=r"rows: \{take: last, by: day\}"):
        tt.read_patients(TABLE, TRIAL, ColumnMapping(patient_id="p", fields={"kind": "kind"}))
