"""A source and a mapping go in, a checked patient table comes out; what was wrong with it is counted, never hidden."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.engine import DTYPES, expression, facts, guarded
from ...criteria.language import ProtocolError, names, nearest, parse
from ...criteria.protocol import DataError, Field
from .columns import READ, Check, parse_text, typed
from .ids import ID, LOST, OWN, ROW, TWICE, id_checks, id_column, identified, told_apart
from .mapping import Column, Mapping, PatientId, check_mapping, load_mapping
from .open import open_table

OURS = (ROW, OWN, LOST, TWICE)
QUALITY = ("field", "column", "problem", "n", "of", "example", "action")


@dataclass(frozen=True)
class Patients:
    """A patient table in the protocol's own words.

    `frame` is a Narwhals frame, lazy where its engine is, with `patient_id` and a typed column for each field that the
    source has; `absent` names the fields it lacks, unknown for all. `quality` lists what was wrong: one row a finding.
    A source with a column `synthetic` is labelled so wherever it is shown.
    """

    name: str
    frame: Any
    n: int
    absent: tuple[str, ...]
    quality: pd.DataFrame
    synthetic: bool = False

    def filter(self, protocol: Protocol, condition: str) -> Patients:
        """The patients for whom a condition surely holds, in the language of criteria.

        Args:
            protocol: declares the fields.
            condition: such as `pcr_positive and known(spo2)`; those for whom it is unknown are left out.

        The quality findings stay those of the whole table.

        Raises:
            ProtocolError: not in the language, or no such field.

        >>> import trialtools as tt
        >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
        >>> patients = tt.read_patients("data/cohort/cohort.csv", protocol)
        >>> patients.filter(protocol, "age > 65").n < patients.n
        True
        """
        formula = parse(condition, protocol.fields)
        wanted = facts(self.frame, protocol, names(formula)).filter(expression(formula)).select(ID)
        frame = self.frame.join(wanted, on=ID, how="semi")
        counted = frame.select(nw.len().alias("n"))
        counted = counted.collect("polars") if isinstance(counted, nw.LazyFrame) else counted
        return replace(self, name=f"{self.name}, where {condition}", frame=frame, n=int(counted["n"].to_list()[0]))

    def patient(self, id: str) -> dict[str, Any]:
        """What the table says of one patient, by field name; unknown fields are None.

        Raises:
            DataError: nobody has that id.
        """
        rows = self.frame.filter(nw.col(ID).cast(nw.String()) == str(id)).head(1)
        rows = rows.collect("polars") if isinstance(rows, nw.LazyFrame) else rows
        found = rows.to_dict(as_series=False)
        if not found[ID]:
            raise DataError(f"no patient '{id}' in {self.name}; an id is written exactly as in the table")
        return {name: values[0] for name, values in found.items() if name != ID}


def read_patients(source: Any, protocol: Protocol, mapping: Mapping | str | os.PathLike[str] | None = None) -> Patients:
    """A patient table in the protocol's own words, read once and checked.

    Args:
        source: path (CSV, CSV.gz, Parquet, Excel), pandas, Polars or Arrow table, DuckDB relation.
        protocol: says which fields there are and what is possible.
        mapping: a mapping file or object; without one, columns must carry the names of fields and `patient_id`.

    Unknown stays unknown: empty cells, declared missing codes, impossible values and NaN; the last two are counted as
    quality findings. A field without a column is unknown for everybody.

    Raises:
        DataError: repeated or missing patient ids, values that cannot be read, undeclared codes: with the first rows.

    >>> import polars as pl, trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> table = pl.DataFrame({"patient_id": ["a", "b"], "age": [71, -3], "spo2": [95.0, None]})
    >>> patients = tt.read_patients(table, protocol)
    >>> patients.quality[["field", "problem", "n"]].values.tolist()
    [['age', 'impossible value (outside 0 to 120 years)', 1]]
    """
    mapping = _mapping(mapping, protocol)
    native, name = open_table(source, mapping.separator, mapping.sheet)
    try:
        return _read(native, name, protocol, mapping)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except Exception as error:
        if type(error).__name__ == "ComputeError" and isinstance(source, str | os.PathLike):  # a damaged Parquet file
            raise DataError(f"{name} cannot be read: {str(error).strip().splitlines()[0]}") from None
        raise


def _mapping(mapping: Mapping | str | os.PathLike[str] | None, protocol: Protocol) -> Mapping:
    if mapping is None:
        return Mapping(fields={field: field for field in protocol.fields})
    if isinstance(mapping, Mapping):
        try:
            check_mapping(mapping, protocol)
        except ProtocolError as error:
            raise DataError(str(error)) from None
        return mapping
    if not isinstance(mapping, str | os.PathLike):
        raise DataError(f"a {type(mapping).__name__} is not a mapping; hand in the path of one, or a Mapping")
    return load_mapping(mapping, protocol)


def _read(native: Any, name: str, protocol: Protocol, mapping: Mapping) -> Patients:
    frame = nw.from_native(native)
    schema = dict(frame.collect_schema())
    if ours := next((column for column in schema if column in OURS or column.startswith(READ)), None):
        raise DataError(f"the column name '{ours}' is taken here; rename the column")
    columns = _columns(protocol, mapping, schema)
    text = [
        (field, protocol.fields[field], column, source)
        for field, column in columns.items()
        for source in column.sources
        if schema[source] == nw.String and protocol.fields[field].type in ("number", "integer", "date")
    ]
    if text:
        frame = nw.from_native(_polars(frame, text))
    frame = identified(frame, mapping.id, schema)
    read = {field: typed(field, protocol.fields[field], column, schema) for field, column in columns.items()}
    checks = [*id_checks(mapping.id, schema), *(check for column in read.values() for check in column.checks)]
    table = frame.select(id_column(mapping.id), *(column.values for column in read.values()))
    n, findings = _tested(frame, checks, mapping.id)
    findings += _inapplicable(table, protocol, tuple(read), n)
    absent = tuple(field for field in protocol.fields if field not in read)
    return Patients(mapping.name or name, table, n, absent, _quality(findings), "synthetic" in schema)


def _columns(protocol: Protocol, mapping: Mapping, schema: dict[str, Any]) -> dict[str, Column]:
    """The mapping of each field that the table has. A mapped column must exist; without a mapping it may be absent."""
    found = {}
    own = all(mapping.fields.get(field) == field for field in protocol.fields)
    for field in protocol.fields:
        column = mapping.column(field)
        if column is None:
            continue
        for source in column.sources:
            if source not in schema and not own:
                raise DataError(f"no column '{source}' for the field {field}{nearest(source, schema)}")
        if all(source in schema for source in column.sources):
            found[field] = column
    if not found:
        listed = f"; map them: {', '.join(list(schema)[:8])}" if schema else ", for it has none"
        raise DataError(f"none of its columns is a field of the protocol{listed}")
    return found


def _polars(frame: Any, wanted: list[tuple[str, Field, Column, str]]) -> Any:
    """Text becomes numbers and dates in Polars only: other engines fail or guess where we must count."""
    if not frame.implementation.is_polars():
        _, field, _, source = wanted[0]
        what = "dates" if field.type == "date" else "numbers"
        raise DataError(
            f"the column {source} holds text where {what} are needed; cast it in the query, or write a file"
        )
    return parse_text(frame.to_native(), wanted)


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _tested(frame: Any, checks: list[Check], id: PatientId) -> tuple[int, list[dict[str, Any]]]:
    """All checks in one pass: the number of patients and the findings, or an error with the first rows.

    Raises:
        DataError: every fatal check that found something, at once.
    """
    counts = [nw.len().alias("n")]
    for position, check in enumerate(checks):
        shown = nw.when(check.bad).then(check.shown)
        counts += [
            _number_of(check.bad).alias(f"bad{position}"),
            shown.min().alias(f"low{position}"),
            shown.max().alias(f"high{position}"),
        ]
    result = frame.select(*counts)
    result = result.collect("polars") if isinstance(result, nw.LazyFrame) else result
    row = {name: values[0] for name, values in result.to_dict(as_series=False).items()}
    found = [
        (check, row[f"bad{i}"], (row[f"low{i}"], row[f"high{i}"])) for i, check in enumerate(checks) if row[f"bad{i}"]
    ]
    fatal = [_told(frame, check, n, id_column(id)) for check, n, _ in found if check.fatal]
    fatal += told_apart(frame, id)
    if fatal:
        raise DataError("\n".join([f"{len(fatal)} thing{'s' * (len(fatal) > 1)} to settle", *fatal[:10]]))
    return row["n"], [_row(check, n, row["n"], ends) for check, n, ends in found]


def _number_of(condition: nw.Expr) -> nw.Expr:
    """For how many rows something is surely so."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).sum()


def _told(frame: Any, check: Check, n: int, id: nw.Expr) -> str:
    """One fatal check with the first rows that it concerns."""
    if frame.implementation.is_polars() and ROW not in frame.collect_schema().names():
        frame = nw.from_native(frame.to_native().with_row_index(ROW, offset=1))
    where = nw.col(ROW) if ROW in frame.collect_schema().names() else id
    rows = frame.filter(check.bad).select(where.alias("where"), check.shown.alias("shown")).head(3)
    rows = rows.collect("polars") if isinstance(rows, nw.LazyFrame) else rows
    pairs = zip(rows["where"].to_list(), rows["shown"].to_list(), strict=True)
    at = "row" if frame.implementation.is_polars() else "patient"
    examples = ", ".join(f"{at} {where}" + (f" '{shown}'" if shown is not None else "") for where, shown in pairs)
    problem, _, advice = check.problem.partition("; ")
    told = f"  {check.field} (column {check.column}): {n:,} x {problem}: {examples}{', ...' if n > 3 else ''}"
    counted = "on_invalid: unknown in the mapping counts them instead" if check.field != ID else ""
    advice = "; ".join(filter(None, (advice, counted)))
    return f"{told}\n    {advice}" if advice else told


def _row(check: Check, n: int, of: int, ends: Iterable[Any]) -> dict[str, Any]:
    low, high = (f"{end:g}" if isinstance(end, float) else str(end) for end in ends)
    example = low if low == high else f"{low} to {high}"
    problem = check.problem.partition("; ")[0]
    return dict(zip(QUALITY, (check.field, check.column, problem, n, of, example, check.action), strict=True))


def _inapplicable(table: Any, protocol: Protocol, present: tuple[str, ...], n: int) -> list[dict[str, Any]]:
    """Flags that are true for patients to whom they cannot apply; screening reads them as false."""
    flags = [name for name in present if name in protocol.applies]
    if not flags:
        return []
    causes = {cause for flag in flags for cause in names(protocol.applies[flag])}
    known = table.with_columns(
        *(
            guarded(cause, protocol.fields[cause])
            if cause in present
            else nw.lit(None, DTYPES[protocol.fields[cause].type]()).alias(cause)
            for cause in sorted(causes)
        )
    )
    conflict = [_number_of(nw.col(name) & ~expression(protocol.applies[name])).alias(name) for name in flags]
    result = known.select(*conflict)
    result = result.collect("polars") if isinstance(result, nw.LazyFrame) else result
    counted = {name: result[name].to_list()[0] for name in flags}
    said = "true although it does not apply"
    return [
        dict(zip(QUALITY, (name, name, said, count, n, "true", "read as false"), strict=True))
        for name, count in counted.items()
        if count
    ]


def _quality(findings: list[dict[str, Any]]) -> pd.DataFrame:

    return pd.DataFrame(findings, columns=list(QUALITY)).sort_values(
        "n", ascending=False, kind="stable", ignore_index=True
    )
