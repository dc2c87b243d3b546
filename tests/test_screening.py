"""A screening as a whole: engines, limits, and files that are written all or none."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

import trialtools as tt
from trialtools.cohort.output import summary as summary_of
from trialtools.criteria.contents import Protocol
from trialtools.criteria.protocol import Criterion, Field

FILES = {"decisions.csv", "decisions.parquet", "evidence.parquet", "patterns.csv", "quality.csv", "summary.json"}


@pytest.fixture(scope="module")
def screening(protocol, root):
    return tt.screen(protocol, root / "data" / "cohort" / "cohort.csv")


@pytest.fixture(scope="module")
def few(protocol, root):
    """The first forty patients, for what has to be done more than once."""
    return tt.screen(protocol, pl.read_csv(root / "data" / "cohort" / "cohort.csv", n_rows=40))


def many(n: int) -> Protocol:
    criteria = tuple(Criterion(f"C{i}", "inclusion", f"C{i}", when=f"x > {i}") for i in range(n))
    return Protocol("many", "many", {"x": Field("number", "x")}, criteria)


# --- engines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_the_engine_changes_nothing(protocol, screening, engine):
    moved = tt.screen(protocol, screening.patients, engine=engine)
    pd.testing.assert_frame_equal(moved.patterns, screening.patterns)
    pd.testing.assert_frame_equal(moved.decisions(), screening.decisions())


def test_patients_that_were_read_before_stay_as_they_are_and_take_no_mapping(protocol, screening):
    assert tt.read_patients(screening.patients, protocol) is screening.patients
    with pytest.raises(tt.DataError, match="was read before: a mapping belongs where the table is read"):
        tt.screen(protocol, screening.patients, {"fields": {"age": "years"}})


def test_an_unknown_engine(protocol, screening):
    with pytest.raises(tt.DataError, match="no engine 'spark'; use polars or duckdb"):
        tt.screen(protocol, screening.patients, engine="spark")


def test_a_table_of_a_database_stays_there(protocol, few):
    duckdb = pytest.importorskip("duckdb")
    home = few.patients.frame.collect().to_native()
    relation = duckdb.from_arrow(home.to_arrow())
    there = tt.screen(protocol, relation)
    assert there.patients.frame.implementation.is_duckdb()
    pd.testing.assert_frame_equal(there.patterns, few.patterns)
    in_order = [frame.sort_values("patient_id", ignore_index=True) for frame in (there.decisions(), few.decisions())]
    pd.testing.assert_frame_equal(*in_order)


def test_unknown_readings_are_refused(protocol, root):
    for readings in ({"I6": "nope"}, {"I99": "registered"}):
        with pytest.raises(tt.ProtocolError):
            protocol.with_readings(readings)
    both = protocol.with_readings({"I6": "registered", "I4": "pcr_only"})
    assert (both.reading("I6"), both.reading("I4")) == ("registered", "pcr_only")


def test_sixty_two_criteria_and_not_one_more():
    screening = tt.screen(many(62), pl.DataFrame({"patient_id": ["a", "b", "c"], "x": [99.0, 0.0, None]}))
    assert sorted(screening.patterns["failed"].tolist()) == [0, 0, (1 << 62) - 1]
    assert screening.patterns["unknown"].max() == (1 << 62) - 1
    assert len(screening.attrition()) == 63
    with pytest.raises(tt.ProtocolError, match="63"):
        many(63)


def test_a_summary_is_plain_data(screening):
    summary = json.loads(json.dumps(summary_of(screening)))
    counts = ("eligible", "ineligible", "undetermined")
    assert summary["n"] == screening.n == sum(summary[name] for name in counts)
    assert summary["certain"] <= summary["possible"] and summary["synthetic"] is True
    assert all(sum(states.values()) == screening.n for states in summary["criteria"].values())


def test_a_hundred_thousand_patients(protocol, root):
    one = pl.read_csv(root / "data" / "cohort" / "cohort.csv", infer_schema_length=None)
    table = pl.concat([one] * (100_000 // one.height)).with_columns(pl.int_range(pl.len()).alias("patient_id"))
    screening = tt.screen(protocol, table)
    assert len(screening.decisions()) == table.height
    assert len(screening.evidence()) == table.height * len(protocol.criteria)


# --- files ------------------------------------------------------------------------------------------------------------


def whole(folder: Path) -> bool:
    """A set of files counts as a result only with a summary that holds their hashes."""
    if not (folder / "summary.json").exists():
        return False
    hashes = json.loads((folder / "summary.json").read_text("utf-8"))["files"]
    return all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha for name, sha in hashes.items())


def test_the_files_hold_the_screening(few, tmp_path):
    written = few.write(tmp_path / "new" / "folder")
    assert {path.name for path in written} == FILES == {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    folder = tmp_path / "new" / "folder"
    pd.testing.assert_frame_equal(pd.read_csv(folder / "patterns.csv"), few.patterns)
    assert pl.read_parquet(folder / "decisions.parquet").height == few.n
    assert pl.read_parquet(folder / "evidence.parquet").height == few.n * len(few.protocol.criteria)
    assert whole(folder)


def test_decisions_for_people_name_criteria_and_hold_no_formula(tmp_path):
    ids = ["=1+1", "+a", "-5", "@x", "plain", "a=b"]
    screening = tt.screen(many(2), pl.DataFrame({"patient_id": ids, "x": [0.5, None, 2, 2, 2, 2]}, strict=False))
    screening.write(tmp_path)
    written = pl.read_csv(tmp_path / "decisions.csv", infer_schema=False).fill_null("")
    assert written["patient_id"].to_list() == [
        "'=1+1",
        "'+a",
        "'-5",
        "'@x",
        "plain",
        "a=b",
    ]  # trimmed when read
    assert written.select("decision", "failed", "unknown", "open_items").rows()[:3] == [
        ("ineligible", "C1", "", ""),
        ("undetermined", "", "C0, C1", "x"),
        ("eligible", "", "", ""),
    ]
    assert pl.read_parquet(tmp_path / "decisions.parquet")["patient_id"][0] == "=1+1"


def test_old_evidence_does_not_outlive_its_screening(few, tmp_path):
    few.write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    few.write(tmp_path, with_evidence=False)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"evidence.parquet"} | {"notes.txt"}
    assert whole(tmp_path)


def test_an_empty_screening_is_written_whole(protocol, tmp_path):
    empty = tt.screen(protocol, pl.DataFrame({"patient_id": [], "age": []}))
    empty.write(tmp_path)
    assert whole(tmp_path) and pl.read_parquet(tmp_path / "decisions.parquet").height == 0


def test_a_folder_that_cannot_be_written(few, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(tt.DataError, match="cannot write to"):
            few.write(folder)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_in_the_place_of_a_file(few, tmp_path):
    (tmp_path / "patterns.csv").mkdir()
    with pytest.raises(tt.DataError, match="cannot write to"):
        few.write(tmp_path)
    assert not whole(tmp_path) and not list(tmp_path.glob(".screening-*"))


@pytest.mark.parametrize("fails", ["evidence.parquet", "summary.json"])
def test_a_full_disk_leaves_the_old_files(few, tmp_path, monkeypatch, fails):
    few.write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    target, name = (Path, "write_text") if fails == "summary.json" else (pl.LazyFrame, "sink_parquet")
    monkeypatch.setattr(target, name, full)
    with pytest.raises(tt.DataError, match="No space left on device"):
        few.write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


KILLED = """
import os, sys
from pathlib import Path
import polars as pl
import trialtools as tt

protocol = tt.load_protocol(sys.argv[1])
screening = tt.screen(protocol, pl.read_csv(sys.argv[2], n_rows=20))
real, moves = Path.replace, []

def replace(self, target):
    moves.append(target)
    if len(moves) > int(sys.argv[4]):
        os._exit(9)
    return real(self, target)

def sink(self, path):
    os._exit(9)

Path.replace = replace
if sys.argv[4] == "-1":
    pl.LazyFrame.sink_parquet = sink
screening.write(sys.argv[3])
"""


@pytest.mark.parametrize("moved", [-1, 0, 3])
def test_a_killed_run_leaves_the_old_files_or_no_result(few, tmp_path, root, moved):
    """Killed while a part is written, before the first file is put in its place, and between two of them."""
    few.write(tmp_path)
    before = (tmp_path / "summary.json").read_bytes()
    protocol, cohort = root / "data" / "protocols" / "NCT05741099.yaml", root / "data" / "cohort" / "cohort.csv"
    command = [sys.executable, "-c", KILLED, str(protocol), str(cohort), str(tmp_path), str(moved)]
    died = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    assert died.returncode == 9, died.stderr.decode()
    assert whole(tmp_path) is (moved == -1)
    assert moved != -1 or (tmp_path / "summary.json").read_bytes() == before
    left = next(tmp_path.glob(".screening-*"))
    os.utime(left, (0, 0))
    few.write(tmp_path)  # and the next run mends it
    assert whole(tmp_path) and not left.exists()


def test_a_table_that_grows_after_it_was_read_is_refused(protocol):
    """A table in a database is read when it is checked and again when it is screened; two counts must not mix."""
    database = duckdb.connect()
    database.execute("create table patients as select 'a' as patient_id, 40 as age")
    patients = tt.read_patients(database.table("patients"), protocol)
    database.execute("insert into patients values ('b', 50)")
    with pytest.raises(tt.DataError, match="had 1 patients when it was read and has 2 now"):
        tt.screen(protocol, patients)
