"""A source and a mapping go in, a checked patient table comes out; what was wrong with it is counted, never hidden."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from ...criteria.contents import Protocol
from ...criteria.engine import collect, expression, facts, partial_fields, worked_value
from ...criteria.expressions import HIGH, LOW, WRITTEN
from ...criteria.language import Interval, ProtocolError, names, parse
from ...criteria.protocol import DataError
from ...criteria.protocol.model import ROUNDING
from ...criteria.stage import Stage, expect
from .checks import ID, DataFinding, finding, judge_checks, number_of, one_row, quality_table
from .columns import read_columns
from .ids import MARKS, OWN, compare_ids, id_checks, id_column, patients_only, with_ids
from .mapping import ColumnMapping, load_mapping
from .names import look_alikes, match_columns
from .open import RawTable, open_table, readable
from .take import rows_of, take_rows, with_order
from .texts import READ


@dataclass(frozen=True, repr=False)
class Patients(Stage):
    """A patient table in the protocol's own words.

    `frame` is a Narwhals frame, lazy where its engine is, with `patient_id` and a typed column for each field that the
    source has, without impossible values. A field `x` with values that are known in part has the columns `x__low`,
    `x__high` and `x__written` beside it: both bounds are included, and `x` itself is empty there. `absent` names the
    fields that the source lacks, unknown for all; `unread` its columns that nobody asked for. `quality` lists what was
    wrong: one row a finding. A source with a column `synthetic` is labelled so wherever it is shown. `rows` are those
    of the source where a patient can have several.
    """

    name: str
    frame: Any
    n: int
    absent: tuple[str, ...]
    quality: pd.DataFrame
    synthetic: bool = False
    unread: tuple[str, ...] = ()
    rows: Any = None

    def filter(self, protocol: Protocol, condition: str) -> Patients:
        """The patients for whom a condition surely holds, in the language of criteria.

        Args:
            protocol: declares the fields.
            condition: such as `pcr_positive and known(spo2)`; patients with an unknown result are left out.

        The quality findings stay those of the whole table.

        Raises:
            ProtocolError: not in the language, or no such field.

        >>> import trialtools as tt
        >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
        >>> patients = tt.read_patients("data/cohort/cohort.csv", protocol)
        >>> patients.filter(protocol, "age > 65").n < patients.n
        True
        """
        expect(protocol, Protocol, 'patients.filter(protocol, "age > 65")')
        formula = parse(condition, protocol.fields)
        known = facts(self.frame, protocol, names(formula))
        holds = expression(formula, partial_fields(known)).alias("holds:")
        wanted = known.with_columns(holds).filter(nw.col("holds:")).select(ID)  # of `True` alone there is no column
        frame = self.frame.join(wanted, on=ID, how="semi")
        n = one_row(frame.select(n=nw.len()))["n"]
        return replace(self, name=f"{self.name}, where {condition}", frame=frame, n=n)

    def _lines(self) -> list[str]:
        label = ", SYNTHETIC" if self.synthetic else ""
        return [
            f"{self.name}{label}: {self.n:,} patients",
            f"fields without a column: {len(self.absent)} · columns not read: {len(self.unread)}",
            f"findings: {len(self.quality)}",
            '.filter(protocol, "age > 65") .patient(id) .quality .absent .unread …',
        ]

    def patient(self, id: str) -> dict[str, Any]:
        """What the table says of one patient, by field name; unknown is None, known in part an `Interval`.

        Raises:
            DataError: nobody has that id.
        """
        rows = collect(self.frame.filter(nw.col(ID).cast(nw.String()) == str(id)).head(1))
        facts_of = {name: values[0] for name, values in rows.to_dict(as_series=False).items() if values}
        if not facts_of:
            raise DataError(f"no patient '{id}' in {self.name}; an id is written exactly as in the table")
        for name in [name.removesuffix(WRITTEN) for name in facts_of if name.endswith(WRITTEN)]:
            low, high, written = (facts_of.pop(f"{name}{end}") for end in (LOW, HIGH, WRITTEN))
            if written is not None:
                facts_of[name] = Interval(low, high, written)
        return {name: value for name, value in facts_of.items() if name != ID}

    def rows_of(self, id: str) -> pd.DataFrame:
        """What each row says of one patient, where a patient can have several, and which of them count.

        Returns:
            Columns `field`, `row` (its number in the source), `by` (what orders the rows), `value`, `counts`. Empty
            where every row is a patient.
        """
        return rows_of(self.rows, id)


def read_patients(
    source: Any, protocol: Protocol, mapping: ColumnMapping | str | os.PathLike[str] | None = None
) -> Patients:
    """A patient table in the protocol's own words, read once and checked.

    Args:
        source: path (CSV, CSV.gz, Parquet, Excel, a folder or a pattern of Parquet files); pandas, Polars or Arrow
            table; DuckDB relation. Patients that were read before stay as they are, and take no mapping.
        protocol: says which fields there are and what is possible.
        mapping: a mapping file or object; without one, columns must carry the names of fields and `patient_id`.

    Unknown stays unknown: empty cells, declared missing codes, impossible values and NaN; the last two are counted as
    quality findings. A field without a column is unknown for everybody. A value that is known in part (">100",
    "2023-05") stays so. Rows of totals, and rows in which nothing stands, are no patients: they are left out, counted.

    Raises:
        DataError: repeated or missing patient ids, values that cannot be read, undeclared codes: with the first rows; a
            mapping for patients that were read before.

    >>> import polars as pl, trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> table = pl.DataFrame({"patient_id": ["a", "b"], "age": [71, -3], "spo2": [95.0, None]})
    >>> patients = tt.read_patients(table, protocol)
    >>> patients.quality[["field", "problem", "n"]].values.tolist()
    [['age', 'impossible value (outside 0 to 120 years)', 1]]
    """
    expect(protocol, Protocol, "tt.read_patients(table, protocol)")
    if isinstance(source, Patients):
        if mapping is not None:
            raise DataError(f"{source.name} was read before: a mapping belongs where the table is read")
        return source
    mapping = _mapping(mapping, protocol)
    table = open_table(source, mapping, mapping.wanted_columns)
    try:
        if not isinstance(source, str | os.PathLike):
            return _read(table, protocol, mapping)
        with readable(table.name, pl.exceptions.PolarsError):
            return _read(table, protocol, mapping)
    except DataError as error:
        message = str(error)
        raise DataError(message if message.startswith(table.name) else f"{table.name}: {message}") from None


def _mapping(mapping: ColumnMapping | str | os.PathLike[str] | None, protocol: Protocol) -> ColumnMapping:
    if mapping is None:
        return ColumnMapping(fields={field: field for field in protocol.fields})
    if isinstance(mapping, ColumnMapping):
        try:
            mapping.check(protocol)
        except ProtocolError as error:
            raise DataError(str(error)) from None
        return mapping
    if not isinstance(mapping, str | os.PathLike):
        raise DataError(f"a {type(mapping).__name__} is not a mapping; hand in the path of one, or a ColumnMapping")
    return load_mapping(mapping, protocol)


def _read(table: RawTable, protocol: Protocol, mapping: ColumnMapping) -> Patients:
    frame, id = nw.from_native(table.native), mapping.id
    schema = dict(frame.collect_schema())
    if ours := next((column for column in schema if column in MARKS or column.startswith(READ)), None):
        raise DataError(f"the column name '{ours}' is taken here; rename the column")
    columns = match_columns(protocol, mapping, schema, table.sheet)
    frame, plain = with_ids(frame, id, schema, whole=not table.sheet and mapping.several is None)
    frame, left_out = patients_only(frame, id, schema, table.sheet) if not plain else (frame, [])
    frame, fields, sources = with_order(frame, mapping, protocol.fields, columns)
    frame, values, checks = read_columns(frame, fields, sources)
    checks += id_checks(id, dict(frame.collect_schema())) if not plain else []
    n, findings, fatal = judge_checks(frame, checks, id_column(id))
    paragraphs, alike = compare_ids(frame, id, plain) if mapping.several is None else ([], None)
    if fatal := [*fatal, *paragraphs]:
        raise DataError("\n".join([f"{len(fatal)} thing{'s' * (len(fatal) > 1)} to settle", *fatal[:10]]))
    findings += [*left_out, *_error_cells(table, columns, n)]
    if mapping.several is None:
        patients, rows = frame.select(id_column(id), *values), None
    else:
        patients, depends, rows = take_rows(frame, values, mapping)
        patients, n = nw.from_native(patients.lazy()), patients.height
        findings += depends
        alike = compare_ids(patients.with_columns(nw.col(ID).alias(OWN)), id, plain)[1]
    findings += _contradictions(patients, protocol, tuple(sources), n)
    if alike is not None:
        problem = "ids differ only in case, width, blanks, dashes, zeros before a number, unseen or look-alike letters"
        findings.append(finding(ID, id.column or "", problem, alike[0], n, alike[1], "kept as different patients"))
    used = mapping.wanted_columns
    unread = tuple(column for column in schema if column not in used)
    absent = tuple(field for field in protocol.fields if not _is_known(field, protocol, sources))
    similar = [
        finding(field, column, f"no column for {field}, but one that looks like it", n, n, column, "not read")
        for field, column in look_alikes(absent, unread).items()
    ]
    quality, name = quality_table(findings, similar), mapping.name or table.name
    return Patients(name, patients, n, absent, quality, "synthetic" in schema, unread, rows)


def _error_cells(table: RawTable, columns: dict[str, Any], n: int) -> list[DataFinding]:
    """Cells that the workbook itself marks as wrong; nothing can be read in them."""
    return [
        finding(field, source, "a cell that the workbook marks as wrong", len(marks), n, marks[0], "read as unknown")
        for field, column in columns.items()
        for source in column.sources
        if (marks := table.wrong.get(source))
    ]


def _is_known(field: str, protocol: Protocol, read: Collection[str]) -> bool:
    """Whether a table has a field, or all that it is worked out from."""
    parts = protocol.parts(field)
    return field in read or (bool(parts) and all(_is_known(part, protocol, read) for part in parts))


# --- what contradicts itself ------------------------------------------------------------------------------------------

_RECORDED, _WORKED = "recorded:", "worked:"


def _contradictions(table: Any, protocol: Protocol, present: tuple[str, ...], n: int) -> list[DataFinding]:
    """Flags that are true of patients to whom they cannot apply, and values that are not what others make of them."""
    hanging = [name for name in present if name in protocol.applies or name in protocol.derivations]
    if not hanging:
        return []
    recorded = [nw.col(name).alias(_RECORDED + name) for name in hanging]
    known = facts(table.with_columns(*recorded), protocol, tuple(hanging), tuple(_RECORDED + name for name in hanging))
    partial, derived = partial_fields(known), [name for name in hanging if name in protocol.derivations]
    if derived:  # columns of their own, for a difference names them three times
        known = known.with_columns(*(worked_value(name, protocol).alias(_WORKED + name) for name in derived))
    marks = {
        ("idle", name): nw.col(_RECORDED + name) & ~expression(protocol.applies[name], partial)
        for name in hanging
        if name in protocol.applies
    }
    marks |= {("apart", name): _differ(name, protocol) for name in derived}
    counted = one_row(known.select(*(number_of(rows).alias(":".join(mark)) for mark, rows in marks.items())))
    findings = []
    for (kind, name), rows in marks.items():
        if not (count := counted[f"{kind}:{name}"]):
            continue
        if kind == "idle":
            findings.append(finding(name, name, "true although it does not apply", count, n, "true", "read as false"))
            continue
        pair = {"recorded": nw.col(_RECORDED + name), "worked": nw.col(_WORKED + name)}
        pair = one_row(known.filter(rows).select(**pair).head(1))
        example = " and ".join(protocol.fields[name].write(value, unit=False) for value in pair.values())
        findings.append(finding(name, name, "recorded and worked out differ", count, n, example, "recorded is taken"))
    return findings


def _differ(name: str, protocol: Protocol) -> nw.Expr:
    recorded, worked = nw.col(_RECORDED + name), nw.col(_WORKED + name)
    if protocol.fields[name].type != "number":
        return recorded != worked
    far = (recorded - worked).abs()
    return (far > recorded.abs() * ROUNDING) & (far > worked.abs() * ROUNDING)
