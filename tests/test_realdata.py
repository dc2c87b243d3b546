"""Real data through the whole path: 93,995 outpatient tests, held against counts made with the csv module alone.

The file is not part of the repository; where it is missing these tests are skipped aloud.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

import trialtools as tt

POPULATION = "pcr_positive and 18 <= age <= 85 and known(respiratory_rate) and known(spo2)"


@pytest.fixture(scope="module")
def source(realdata) -> Path:
    return realdata / "carbonhealth_covid_tests" / "covid_tests_2020.csv.gz"


@pytest.fixture(scope="module")
def patients(source, protocol, root):
    return tt.read_patients(source, protocol, root / "data" / "mappings" / "carbon_health.yaml")


@pytest.fixture(scope="module")
def screening(protocol, patients):
    return tt.screen(protocol, patients)


@pytest.fixture(scope="module")
def rows(source) -> list[dict[str, str]]:
    """The file as the standard library reads it."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def number(row: dict[str, str], column: str, low: float, high: float) -> float | None:
    value = float(row[column]) if row[column].strip() else None
    return value if value is not None and low <= value <= high else None


def in_population(row: dict[str, str]) -> bool:
    age = number(row, "age", 0, 120)
    return (
        row["covid19_test_results"] == "Positive"
        and age is not None
        and 18 <= age <= 85
        and number(row, "rr", 4, 80) is not None
        and number(row, "sats", 50, 100) is not None
    )


def passing(screening, *criteria: str) -> int:
    """For how many patients all of these criteria pass."""
    ids = list(screening.protocol.requirements)
    wanted = sum(1 << ids.index(id) for id in criteria)
    failed, unknown, n = screening.masks
    return int(n[((failed | unknown) & wanted) == 0].sum())


def test_every_test_is_read(patients, rows):
    assert patients.n == len(rows) == 93_995
    assert not patients.synthetic


def test_positive_tests(patients, protocol, rows):
    assert patients.filter(protocol, "pcr_positive").n == 1_313
    assert sum(row["covid19_test_results"] == "Positive" for row in rows) == 1_313


def test_one_reading_decides_everything(patients, protocol, rows):
    adults = patients.filter(protocol, POPULATION)
    counted = [row for row in rows if in_population(row)]
    assert adults.n == len(counted) == 866
    guideline = tt.screen(protocol, adults)
    registered = tt.screen(protocol.with_readings({"I6": "registered"}), adults)
    assert guideline.protocol.reading("I6") == "guideline"
    assert passing(registered, "I6") == sum(float(row["rr"]) >= 30 for row in counted) == 0
    assert passing(guideline, "I6", "I7") == 863
    assert sum(float(row["rr"]) < 30 and float(row["sats"]) > 93 for row in counted) == 863
    compared = tt.compare_readings(protocol, adults, criteria=["I6"]).set_index("reading")
    assert compared["pass"].to_dict() == {"guideline": 866, "registered": 0}
    assert compared.loc["registered", "possible"] == 0 < compared.loc["guideline", "possible"]


def test_what_costs_patients_and_what_is_lacking_together(screening, rows):
    """The two sentences of the README and of the explorer's notebook, counted again."""
    assert screening.counts["ineligible"] == 4_377
    impact = screening.impact().set_index("criterion")
    ages = [number(row, "age", 0, 120) for row in rows]
    rates, saturations = ([number(row, *which) for row in rows] for which in (("rr", 4, 80), ("sats", 50, 100)))
    fails = {
        "I1": [age is not None and not 18 <= age <= 85 for age in ages],
        "I6": [rate is not None and rate >= 30 for rate in rates],
        "I7": [saturation is not None and saturation <= 93 for saturation in saturations],
        "E1": [row["cancer"] == "True" for row in rows],
        "E7": [row["rapid_flu_results"] == "Positive" for row in rows],
    }
    assert sum(map(any, zip(*fails.values(), strict=True))) == 4_377
    alone = sum(each[0] and not any(each[1:]) for each in zip(*fails.values(), strict=True))
    assert impact["gain_possible"]["I1"] == alone == 4_017
    lacking = [(rate is None, saturation is None) for rate, saturation in zip(rates, saturations, strict=True)]
    both, one = sum(map(all, lacking)), sum(any(each) and not all(each) for each in lacking)
    assert (both, one) == (45_714, 7_581)
    sets = screening.missingness(top=10_000)
    named = sets["fields"].str.split(", ").map(set)
    assert sets["n"][named.map({"respiratory_rate", "spo2"}.issubset)].sum() == both
    stricter = screening.sweep("I7", values=[95]).set_index("value")["possible"][95]
    assert screening.possible - stricter == 1_264
    others = [not any(each) for each in zip(*(fails[id] for id in ("I1", "I6", "E1", "E7")), strict=True)]
    assert sum(ok and s is not None and 93 < s <= 95 for ok, s in zip(others, saturations, strict=True)) == 1_264


def test_nobody_is_eligible_for_certain(screening):
    assert screening.certain == 0 < screening.possible
    assert {"consent", "sex", "bmi", "clinical_type"} <= set(screening.patients.absent)
    assert screening.counts["awaiting_judgement"] == 0
    assert screening.answer().startswith("At least 0 and at most ")


def test_impossible_values_are_counted(patients, rows):
    quality = {row["field"]: row for row in patients.quality.to_dict("records")}
    assert quality["age"]["n"] == sum(float(row["age"]) < 0 for row in rows) == 29
    assert quality["respiratory_rate"]["n"] == sum(row["rr"] != "" and float(row["rr"]) == 0 for row in rows) == 2
    assert quality["respiratory_rate"]["example"] == "0"
    assert all(row["action"] == "read as unknown" and row["of"] == 93_995 for row in quality.values())


def test_states_are_those_that_the_standard_library_counts(screening, rows):
    ages = [number(row, "age", 0, 120) for row in rows]
    rates = [number(row, "rr", 4, 80) for row in rows]
    _holds(screening, "I1", [None if age is None else 18 <= age <= 85 for age in ages])
    _holds(screening, "I6", [None if rate is None else rate < 30 for rate in rates])


def _holds(screening, criterion: str, expected: list[bool | None]) -> None:
    state = screening.criterion_states().set_index("criterion").loc[criterion]
    counted = [expected.count(True), expected.count(False), expected.count(None)]
    assert [state["pass"], state["fail"], state["unknown"]] == counted


def test_decisions_and_evidence_agree_with_the_patterns(screening):
    decisions = screening.decisions()
    assert len(decisions) == decisions["patient_id"].nunique() == 93_995
    for decision in ("eligible", "ineligible", "undetermined"):
        assert (decisions["decision"] == decision).sum() == screening.counts[decision]
    ids = list(screening.protocol.requirements)

    def spelt(mask: int) -> str:
        return ", ".join(id for bit, id in enumerate(ids) if mask >> bit & 1)

    patterns = {(spelt(row.failed), spelt(row.unknown)): row.n for row in screening.patterns.itertuples()}
    assert decisions.groupby(["failed", "unknown"]).size().to_dict() == patterns
    evidence = screening.evidence()
    assert len(evidence) == 93_995 * len(ids)
    counted = evidence.groupby(["criterion", "state"], observed=True).size()
    for row in screening.criterion_states().to_dict("records"):
        for state in ("pass", "fail", "unknown"):
            assert counted.get((row["criterion"], state), 0) == row[state]


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_the_mapping_fits_what_other_readers_make_of_the_file(screening, protocol, source, root, library):
    """They guess types: true and false, numbers, text; the states are those of the file all the same."""
    match library:
        case "pandas":
            table = pytest.importorskip("pandas").read_csv(source, low_memory=False)
        case "polars":
            table = pytest.importorskip("polars").read_csv(source, infer_schema_length=None)
        case _:
            table = pytest.importorskip("duckdb").sql(f"select * from read_csv('{source}')")
    read = tt.screen(protocol, table, root / "data" / "mappings" / "carbon_health.yaml")
    assert read.patterns.equals(screening.patterns)


def test_duckdb_finds_the_same_patterns(screening):
    moved = tt.screen(screening.protocol, screening.patients, engine="duckdb")
    assert moved.patterns.equals(screening.patterns)
