"""The frame that is handed in decides the engine: a table in PostgreSQL, DuckDB or Spark is counted where it lies.

Every engine must say what the reference evaluator says of one fixed table that holds every kind of unknown. The rows go
in without a detour through Ibis or pandas, which would make NaN a null on the way.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trialtools as tt
from trialtools.cohort.sources import ColumnMapping, MappedColumn, Patients, Rows
from trialtools.cohort.sources.checks import quality_table
from trialtools.criteria.contents import Protocol
from trialtools.criteria.engine import in_polars
from trialtools.criteria.language import Interval, evaluate
from trialtools.criteria.protocol import Criterion, DataError, Field

FIELDS = {
    "n1": Field("number", "n1", range=(-5.0, 5.0)),
    "n2": Field("number", "n2"),
    "i1": Field("integer", "i1", range=(0, 9)),
    "i2": Field("integer", "i2"),
    "f1": Field("flag", "f1"),
    "f2": Field("flag", "f2", applies='c1 == "a"'),
    "f3": Field("flag", "f3", applies="i1 > 3 or f1"),
    "c1": Field("category", "c1", values=("a", "b", "c")),
    "c2": Field("category", "c2", values=("b", "c", "d")),
    "d1": Field("date", "d1", range=(date(2020, 1, 1), date(2024, 3, 31))),
    "d2": Field("date", "d2"),
    "w1": Field("number", "w1", range=(0.0, 9.0), from_="n1 / i1**2"),
    "w2": Field("integer", "w2", from_={"by": "c1", "a": "completed_years(d2, d1)", "b": "i1 + 1", "c": "i1"}),
    "gone": Field("number", "a field that the table lacks"),
}
TYPES = {
    "number": (pa.float64(), "double precision"),
    "integer": (pa.int64(), "bigint"),
    "flag": (pa.bool_(), "boolean"),
    "category": (pa.string(), "text"),
    "date": (pa.date32(), "date"),
}
WAREHOUSE = (
    (pa.int32(), "integer"),
    (pa.int16(), "smallint"),
    (pa.float32(), "real"),
    (pa.decimal128(5, 1), "numeric(5, 1)"),
    (pa.decimal128(10, 0), "numeric"),
    (pa.timestamp("us"), "timestamp"),
)
VALUES = {
    "number": (None, math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 0.3, 1.0, 2.5, -1.0, 5.0, 5.1, 1e-9, 1e300, -1e16),
    "integer": (None, None, 0, 1, 2, 3, 4, 9, 10, -1, 2**53 + 1, -(2**62)),
    "flag": (None, True, False),
    "date": (
        *(None, date(1800, 1, 1), date(2200, 1, 1), date(2019, 12, 31), date(2020, 1, 1), date(2024, 2, 29)),
        *(date(2023, 2, 28), date(2023, 3, 31), date(2023, 5, 31), date(2023, 8, 30), date(2023, 8, 31)),
        *(date(2023, 8, 29), date(2024, 3, 1), date(2022, 12, 31), date(2023, 11, 30), date(2024, 3, 31)),
    ),
}
CRITERIA = (
    "0 < n1 <= 2.5",
    "2 > i1 != i2",
    'c1 in ("a", "b") or c2 not in ("b",)',
    "n1 not in (0.1, 2.5) and i2 not in (1, 2)",
    'at_least(2, f1, n1 > 1, i1 >= 3, c2 == "b")',
    "known(n2) and missing(c2)",
    "known(f2) or missing(d1)",
    "n1 / i1 > 0.5",
    "n1 / 7 == 0.14285714285714285 or n1 * 0.1 != 0.25 and n1 / 10 <= 0.1",
    "n1 in (1, 2.5) or i2 in (1.5, 3)",
    "n2 / (n1 - n2) != 0",
    "(n1 + n2) * n2 - 1 / n2 >= -i2",
    "d2 >= months_before(d1, 6)",
    "months_before(d1, 12) < months_before(d2, 1)",
    "-30 <= d1 - d2 <= 181",
    'd1 == d2 or d1 in (date("2023-05-31"), date("2024-02-29"))',
    "f2 or f3 != f1",
    "not (f3 and c1 == c2)",
    "n1 ** 2 > 1 or 0 < n1 ** 3 < 0.1",
    "n1 ** 0.5 < 1.2 and 0.9938 ** i1 < 1",
    "min(n1, n2) < 0.3 or max(i1, 2) == 2",
    "completed_months(d2, d1) >= 6",
    "completed_years(d1, d2) in (0, 1)",
    "if f1 then n1 > 0.5",
    "0 < w1 < 0.5 or w2 == 1",
    "known(gone) or gone > 1 or f1",
    True,
)


def sketch_of(criteria, kinds=("inclusion",)) -> Protocol:
    both = [(kind, text) for text in criteria for kind in kinds]
    return Protocol("x", "x", FIELDS, tuple(Criterion(f"C{i}", kind, "", when=t) for i, (kind, t) in enumerate(both)))


def rows() -> pa.Table:
    """Sixty patients; the dates of the first are as near the ends of months as dates can be."""
    chance, columns = Random(1), {"patient_id": [f"p{i:02}" for i in range(60)]}
    for name, field in FIELDS.items():
        if name != "gone" and not field.from_:
            columns[name] = chance.choices(VALUES.get(field.type, (None, *field.values)), k=60)
    pairs = (
        *(("2024-02-29", "2023-08-29"), ("2024-02-29", "2023-08-28"), ("2023-08-31", "2023-02-28")),
        *(("2023-08-31", "2023-02-27"), ("2023-08-29", "2023-02-28"), ("2023-05-31", "2022-11-30")),
        *(("2020-01-01", "2019-07-01"), ("2024-03-31", "2023-09-30")),
    )
    for i, pair in enumerate(pairs):
        columns["d1"][i], columns["d2"][i] = map(date.fromisoformat, pair)
    types = {"patient_id": pa.string(), **{name: TYPES[FIELDS[name].type][0] for name in columns if name in FIELDS}}
    return pa.table({name: pa.array(columns[name], types[name], from_pandas=False) for name in columns})


TABLE = rows()


def reference(protocol: Protocol, table: pa.Table = TABLE) -> dict[str, tuple[int, int]]:
    """The masks of every patient by the reference evaluator, one patient at a time."""
    masks = {}
    for row in table.to_pylist():
        known = protocol.facts_of(row)
        states = [evaluate(formula, known) for formula in protocol.requirements.values()]
        masks[row["patient_id"]] = tuple(sum(1 << i for i, s in enumerate(states) if s is w) for w in (False, None))
    return masks


# --- the engines ------------------------------------------------------------------------------------------------------


class Engine:
    """Puts an Arrow table where the engine keeps its tables, and hands back the frame of it."""

    def __init__(self, name, put):
        self.name, self._put, self._n = name, put, 0

    def __call__(self, table: pa.Table):
        self._n += 1
        return self._put(table, f"t{self._n}")


@pytest.fixture(scope="session")
def duckdb_engine():
    import ibis

    connection = ibis.duckdb.connect()

    def put(table, name):
        connection.con.register("arrow_rows", table)
        connection.raw_sql(f"create table {name} as select * from arrow_rows")
        return connection.table(name)

    yield Engine("duckdb", put)
    connection.disconnect()


@pytest.fixture(scope="session")
def postgres_engine(require):
    import ibis
    import psycopg

    programs = require("postgres")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short, for the path of a socket must be
    data = folder / "data"

    def run(*command):
        done = subprocess.run([*as_user, *command], cwd=folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    try:
        if as_user:
            folder.chmod(0o755)
            shutil.chown(folder, "postgres", "postgres")
        run(programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--encoding=UTF8", "--locale=C", "-N")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
        # Its output goes to a file: a pipe would stay open for as long as the server runs.
        run(programs / "pg_ctl", "-D", data, "-w", "-o", settings, "-l", folder / "log", "start")
        sql = dict([*TYPES.values(), *WAREHOUSE])
        try:
            connection = ibis.postgres.connect(host=str(folder), user="tests", database="postgres")

            def put(table, name):
                columns = ", ".join(f"{field.name} {sql[field.type]}" for field in table.schema)
                with psycopg.connect(host=str(folder), user="tests", dbname="postgres") as raw:
                    raw.execute(f"create table {name} ({columns})")
                    with raw.cursor().copy(f"copy {name} from stdin") as copy:
                        for row in table.to_pylist():
                            copy.write_row(tuple(row.values()))
                return connection.table(name)

            yield Engine("postgres", put)
            connection.disconnect()
        finally:
            run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def spark_engine(require, tmp_path_factory):
    require("spark")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        # Sixty rows are not worth compiling for.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        # Nor is it worth telling the JVM for each call which line of Python made it: that doubles what is said to it.
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.local.dir", str(folder))
        .getOrCreate()
    )

    def put(table, name):
        pq.write_table(table, folder / f"{name}.parquet")
        return session.read.parquet(str(folder / f"{name}.parquet"))

    yield Engine("spark", put)
    session.stop()


@pytest.fixture(params=["duckdb", "postgres", "spark"])
def engine(require, request):
    if request.param != "spark":
        require("ibis")
    return request.getfixturevalue(f"{request.param}_engine")


# --- what they must say -----------------------------------------------------------------------------------------------


def test_the_table_tries_every_criterion():
    """Each criterion passes, fails and is unknown for somebody, where it can be; otherwise agreement says little."""
    judged = reference(sketch_of(CRITERIA)).values()
    rarer = {"known(n2) and missing(c2)": "unknown", "known(f2) or missing(d1)": "unknown", CRITERIA[-2]: "fail"}
    for i, text in enumerate(CRITERIA[:-1]):
        met = {"fail" if failed >> i & 1 else "unknown" if unknown >> i & 1 else "pass" for failed, unknown in judged}
        assert met == {"pass", "fail", "unknown"} - {rarer.get(text)}, text


def test_patterns_are_those_of_the_reference(engine):
    """With every criterion turned round as well there are more than one 64-bit key holds."""
    protocol = sketch_of(CRITERIA, ("inclusion", "exclusion"))
    screening = tt.screen(protocol, engine(TABLE))
    patterns = {(row.failed, row.unknown): row.n for row in screening.patterns.itertuples()}
    assert patterns == Counter(reference(protocol).values())


def test_nothing_but_patterns_comes_home(engine):
    """The frame of the patients stays the engine's own and lazy."""
    import narwhals as nw

    patients = tt.read_patients(engine(TABLE), sketch_of(CRITERIA[:2]))
    assert isinstance(patients.frame, nw.LazyFrame)
    assert patients.frame.implementation.is_ibis() or patients.frame.implementation.is_pyspark()
    assert patients.n == 60
    assert patients.absent == ("gone",)


def test_what_was_wrong_is_counted_alike(engine):
    """Impossible values, NaN and flags that do not apply are counted in the engine, as Polars counts them."""
    protocol = sketch_of(CRITERIA[:1])
    wanted, elsewhere = (tt.read_patients(frame, protocol).quality for frame in (TABLE, engine(TABLE)))
    assert len(wanted) >= 10
    numbers = ~wanted["problem"].str.startswith("not a number")  # engines differ in whether NaN is the largest of all
    columns = ["field", "problem", "n", "action"]
    assert elsewhere[columns].values.tolist() == wanted[columns].values.tolist()
    assert elsewhere["example"][numbers].tolist() == wanted["example"][numbers].tolist()


def test_decisions_and_evidence_come_home(engine):
    """Single patients are asked for by name: their rows come home and say what they say of any other frame."""
    protocol = sketch_of(["n1 <= 2.5 or f1", "d2 >= months_before(d1, 24)", 'c1 in ("a", "b") or missing(n2)'])
    here, there = (tt.screen(protocol, frame) for frame in (TABLE, engine(TABLE)))
    decided = there.decisions().sort_values("patient_id", ignore_index=True)
    assert decided.equals(here.decisions())
    assert set(decided["decision"]) == {"eligible", "ineligible", "undetermined"}
    for row, (failed, unknown) in zip(decided.itertuples(), reference(protocol).values(), strict=True):
        assert row.failed == ", ".join(f"C{i}" for i in range(3) if failed >> i & 1)
        assert row.unknown == ", ".join(f"C{i}" for i in range(3) if unknown >> i & 1)
    order = ["criterion", "patient_id"]
    told_there, told_here = (s.evidence().sort_values(order, ignore_index=True) for s in (there, here))
    assert told_there.equals(told_here)


def test_parts_of_a_table_stay_there(engine):
    protocol = sketch_of(CRITERIA[:2])
    here, there = (tt.read_patients(f, protocol).filter(protocol, "f1 or n1 > 1") for f in (TABLE, engine(TABLE)))
    assert there.n == here.n > 0
    wanted, elsewhere = (tt.screen(protocol, part).patterns for part in (here, there))
    assert elsewhere.equals(wanted)


def test_the_types_of_warehouses_are_read(engine):
    """Decimals, short integers, single precision and times of day are what records are kept in."""
    table = pa.table(
        {
            "patient_id": pa.array([1, 2, 3, 4], pa.int32()),
            "n1": pa.array([Decimal("3.6"), Decimal("9.9"), None, Decimal("-3.5")], pa.decimal128(5, 1)),
            "n2": pa.array([0.1, None, math.nan, 5], pa.float32()),
            "i1": pa.array([3, None, 13, 0], pa.int16()),
            "i2": pa.array([Decimal(3), Decimal(4), None, Decimal(-3)], pa.decimal128(10, 0)),
            "d1": pa.array([datetime(2023, 1, 31, 23, 59), None, datetime(2023, 2, 1), datetime(2200, 1, 1)]),
        }
    )
    protocol = sketch_of(
        ["n1 >= 3.6", "n2 > 0.1", "n1 / i1 > 1", "i2 == 3", 'd1 >= date("2023-02-01")', "i2 - n2 * i1 > 0"]
    )
    here, there = (tt.screen(protocol, frame) for frame in (table, engine(table)))
    assert there.patterns.equals(here.patterns)
    assert there.decisions().sort_values("patient_id", ignore_index=True).equals(here.decisions())


def test_patients_must_be_told_apart(engine):
    ids = [*TABLE["patient_id"].to_pylist()[:-3], "p00", None, "  "]
    faulty = engine(TABLE.set_column(0, "patient_id", pa.array(ids, pa.string())))
    with pytest.raises(DataError) as error:
        tt.read_patients(faulty, sketch_of(CRITERIA[:1]))
    assert "2 x no patient id" in str(error.value)
    assert "1 x an id that stands more than once: p00" in str(error.value)


def test_a_result_beyond_a_double_is_never_counted_wrong(engine):
    """PostgreSQL refuses such arithmetic, which is said, with the way out; the others do as the reference does."""
    protocol = sketch_of(["n1 * n1 == 0", "1 / n1 > 1", "n1 < 1"])
    table = pa.table({"patient_id": ["a", "b"], "n1": [1e-310, 2.0]})
    wanted = Counter(reference(protocol, table).values())
    move = None
    if engine.name == "postgres":
        move = "polars"
        with pytest.raises(DataError, match=r"cannot do the arithmetic of a criterion.*out of range"):
            tt.screen(protocol, engine(table))
    screening = tt.screen(protocol, engine(table), engine=move)
    assert {(row.failed, row.unknown): row.n for row in screening.patterns.itertuples()} == wanted


def test_an_empty_table_is_an_empty_result(engine):
    screening = tt.screen(sketch_of(CRITERIA[:4]), engine(TABLE.slice(0, 0)))
    assert (screening.n, len(screening.patterns), len(screening.decisions())) == (0, 0, 0)


def test_a_mapping_is_carried_out_there(engine):
    """Codes, units and missing codes are translated by the engine; text where numbers are needed is refused."""
    raw = pa.table(
        {
            "pid": pa.array([1, 2, 3, 4, 5, 6, 7], pa.int64()),
            "temp": pa.array([100.4, 98.6, 999.0, None, math.nan, 41.0, math.inf], pa.float64()),
            "years": pa.array([71.0, 30.0, 2.5, None, math.inf, 40.0, 1e300], pa.float64()),
            "sick": pa.array(["Y", "N", "?", None, "", "N", "Y"], pa.string()),
            "worn": pa.array([1, 0, 9, None, 1, 0, math.nan], pa.float64()),
        }
    )
    protocol = Protocol(
        "x",
        "x",
        {
            "temperature": Field("number", "t", unit="Cel", range=(30.0, 45.0)),
            "age": Field("integer", "a", range=(0, 120)),
            "ill": Field("flag", "i"),
            "mask": Field("category", "m", values=("on", "off")),
        },
        tuple(
            Criterion(f"C{i}", "inclusion", "", when=text)
            for i, text in enumerate(["temperature >= 38", "age > 35", "not ill", 'mask == "on"'])
        ),
    )
    mapping = ColumnMapping(
        patient_id="pid",
        fields={
            "temperature": MappedColumn("temp", unit="[degF]", missing=("999",)),
            "age": MappedColumn("years", on_invalid="unknown"),
            "ill": MappedColumn("sick", codes={"Y": True, "N": False, "?": "unknown"}),
            "mask": MappedColumn("worn", codes={"1": "on", "0": "off", "9": "unknown"}),
        },
    )
    wanted, elsewhere = (tt.screen(protocol, frame, mapping) for frame in (raw, engine(raw)))
    assert elsewhere.patterns.equals(wanted.patterns)
    assert elsewhere.patients.quality["n"].tolist() == wanted.patients.quality["n"].tolist()
    as_text = raw.set_column(2, "years", pa.array(["71", "x", "", None, "1", "2", "3"], pa.string()))
    with pytest.raises(DataError, match="the column years holds text where numbers are needed"):
        tt.screen(protocol, engine(as_text), mapping)


def test_rows_of_a_patient_are_taken_there(engine):
    """Last by day with ties and unknown days, any, all, max with an unknown one: as Polars takes them."""
    raw = pa.table(
        {
            "pid": pa.array([1, 1, 2, 2, 3, 3, 4, 4, 4, 5], pa.int64()),
            "seen": pa.array([1, 2, 2, 2, 1, None, 1, 2, 2, None], pa.int32()),
            "n1": pa.array([1.0, 2.0, 3.0, None, 2.0, 2.0, 1.0, 3.5, 3.5, None], pa.float64()),
            "f1": pa.array([True, False, False, None, None, None, True, True, False, True], pa.bool_()),
            "c1": pa.array(["a", "b", "a", "a", "b", "a", "b", "c", "c", None], pa.string()),
        }
    )
    protocol = sketch_of(["n1 > 1.5", "f1", 'c1 == "a"'])
    takes = {"n1": "max", "n2": "mean", "f1": "any", "f2": "all", "i1": "only"}
    fields = {
        name: MappedColumn(name.replace("2", "1").replace("i1", "seen"), take=take) for name, take in takes.items()
    }
    mapping = ColumnMapping(patient_id="pid", rows=Rows("last", "seen"), fields={**fields, "c1": "c1"})
    here, there = (tt.read_patients(frame, protocol, mapping) for frame in (raw, engine(raw)))
    rows, wanted = (in_polars(patients.frame).sort("patient_id").rows() for patients in (there, here))
    assert rows == wanted and len(rows) == there.n == 5
    columns = ["field", "problem", "n", "action"]
    assert there.quality[columns].values.tolist() == here.quality[columns].values.tolist()


def test_what_is_known_in_part_is_decided_there(engine):
    """Ends of numbers, whole numbers and days, in columns of their own; what is worked out has ends as well."""
    part = {
        "n1": [None, None, None, 0.3],
        "n1__low": [0.5, None, None, None],
        "n1__high": [None, 0.4, math.nan, None],
        "i1": [None, None, 2, None],
        "i1__low": [1, 0, None, None],
        "i1__high": [2, None, None, None],
        "d1": [None, None, date(2023, 5, 1), None],
        "d1__low": [date(2023, 5, 1), date(2022, 1, 1), None, None],
        "d1__high": [date(2023, 5, 31), None, None, None],
    }
    types = {name: TYPES[FIELDS[name[:2]].type][0] for name in part}
    columns = {name: pa.array(values, types[name], from_pandas=False) for name, values in part.items()}
    columns["d2"] = pa.array([date(2023, 8, 15)] * 4)
    table = pa.table({"patient_id": list("abcd"), "c1": ["a", "a", "b", "c"], **columns})
    criteria = ["n1 > 0.4", "n1 + 1 <= 1.4", "i1 in (0, 1, 2)", "i1 > n1", "d1 >= months_before(d2, 3)", "known(d1)"]
    protocol = sketch_of(
        [*criteria, "d2 - d1 < 100", "w2 > 0", "completed_months(d1, d2) in (2, 3)", "min(n1, 0.2) == 0.2"]
    )
    wanted = []
    for row in table.to_pylist():
        for name in ("n1", "i1", "d1"):
            low, high = row.pop(f"{name}__low"), row.pop(f"{name}__high")
            row[name] = Interval(low, high, "?") if (low, high) != (None, None) else row[name]
        facts = protocol.facts_of(row)
        states = [evaluate(formula, facts) for formula in protocol.requirements.values()]
        wanted.append(tuple(sum(1 << i for i, s in enumerate(states) if s is w) for w in (False, None)))
    patients = Patients("partly", nw.from_native(engine(table)), 4, (), quality_table([]))
    screening = tt.screen(protocol, patients)
    assert {(row.failed, row.unknown): row.n for row in screening.patterns.itertuples()} == Counter(wanted)
