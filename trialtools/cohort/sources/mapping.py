"""A mapping file goes in: which column is which field, in which unit, with which codes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from ...criteria.contents import Protocol
from ...criteria.language import NUMERIC, ProtocolError, nearest
from ...criteria.protocol import STRICT, DataError, Field, read_yaml
from ...criteria.protocol.yamlfile import read_text
from ...criteria.units import factor

Take = Literal["last", "first", "only", "any", "all", "min", "max", "mean"]
"""Which of several rows of a patient counts, or what is made of them."""
UNKNOWN = "unknown"
"""The code word of a value that says nothing."""


@dataclass(frozen=True)
class MappedColumn:
    """Where a field comes from and how its values are written.

    Several `columns` make one flag: true where any is true. `codes` say what each text means: true, false, a category
    or `unknown`; a text without a code is an error, or with `on_invalid: unknown` a counted finding. `decimal` is the
    mark of a number, the other one then stands before groups of three digits. `pivot` is the last year that a year of
    two digits can mean. `zone` is where the day of a time stamp with a zone is wanted, such as Asia/Shanghai.

    Where several rows belong to one patient, `take` says which counts: the `last` or `first` that says something, `any`
    or `all` of a flag, the `min`, `max` or `mean` of a number, or `only` what all rows that say something agree on.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    unit: str | None = None
    codes: dict[str, bool | str] = field(default_factory=dict)
    format: str | None = None
    pivot: int | None = None
    zone: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = ()
    on_invalid: Literal["error", "unknown"] = "error"
    take: Take | None = None
    note: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        return self.columns or ((self.column,) if self.column else ())

    @cached_property  # asked for each cell
    def date_format(self) -> str:
        """How its dates are written, in the directives that Python reads."""
        written = self.format or "%Y-%m-%d"
        for short, full in _SHORTHANDS.items():
            written = written.replace(short, full)
        return written


_SHORTHANDS = {
    "%F": "%Y-%m-%d",
    "%D": "%m/%d/%y",
    "%T": "%H:%M:%S",
    "%R": "%H:%M",
    "%e": "%d",
    "%-d": "%d",
    "%-m": "%m",
}


@dataclass(frozen=True)
class PatientId:
    """The column that names patients. With `on_fault: number` a missing or repeated id gets its row number, counted.

    Without a column every row is a patient of its own, named by its row number.
    """

    column: str | None = None
    on_fault: Literal["error", "number"] = "error"


@dataclass(frozen=True)
class Rows:
    """Which row counts where several belong to one patient, unless a field says `take:` itself.

    `by` is the column that orders them: days (`format` says how they are written), times or numbers. `last` and `first`
    take a whole row, whatever it says. `only` takes what all rows that say something agree on. What is left open is
    unknown.
    """

    take: Literal["last", "first", "only"] = "only"
    by: str | None = None
    format: str | None = None


@dataclass(frozen=True)
class ColumnMapping:
    """How one source's table becomes a patient table.

    `sheet` is of a workbook, `separator` and `encoding` of a CSV file; `header` is the line in which the names of the
    columns stand. `codes` are those of every flag that declares none of its own.
    """

    __pydantic_config__ = STRICT

    name: str = ""
    patient_id: str | PatientId = "patient_id"
    fields: dict[str, str | MappedColumn] = field(default_factory=dict)
    codes: dict[str, bool | str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    rows: Rows | None = None
    separator: str | None = None
    encoding: str | None = None
    header: int = 1
    sheet: str | None = None
    note: str | None = None

    @property
    def id(self) -> PatientId:
        return PatientId(self.patient_id) if isinstance(self.patient_id, str) else self.patient_id

    @property
    def commas(self) -> frozenset[str]:
        """The columns whose texts have a decimal comma."""
        columns = [column for column in self.fields.values() if isinstance(column, MappedColumn)]
        return frozenset(source for column in columns if column.decimal == "," for source in column.sources)

    @property
    def wanted_columns(self) -> set[str]:
        """The names of all columns that are asked for."""
        columns = [column for name in self.fields if (column := self.column(name))]
        own = {self.id.column or "", (self.several and self.several.by) or "", "synthetic"}
        return own.union(*(column.sources for column in columns))

    @property
    def several(self) -> Rows | None:
        """What is done with several rows of a patient; None where each row is a patient."""
        takes = any(isinstance(column, MappedColumn) and column.take for column in self.fields.values())
        return self.rows or (Rows() if takes else None)

    def column(self, name: str) -> MappedColumn | None:
        """How a field is written, with the missing codes of the whole table."""
        mapped = self.fields.get(name)
        if mapped is None:
            return None
        column = MappedColumn(mapped) if isinstance(mapped, str) else mapped
        return replace(column, missing=(*column.missing, *self.missing))

    def check(self, protocol: Protocol) -> None:
        """Raise the first thing that cannot work for a protocol."""
        if self.separator is not None and (len(self.separator.encode()) != 1 or self.separator in '"\r\n'):
            raise ProtocolError(f"the separator is one character, not {self.separator!r}", path=("separator",))
        if self.header < 1:
            message = "header is the line in which the names of the columns stand, 1 or more"
            raise ProtocolError(message, path=("header",))
        if self.encoding is not None and not _is_encoding(self.encoding):
            encodings = "utf-8, utf-16, latin-1, cp1252 (Windows), cp850 or mac-roman"
            raise ProtocolError(f"the encoding '{self.encoding}' is not known; use {encodings}", path=("encoding",))
        for code, meaning in self.codes.items():
            if meaning not in (True, False, UNKNOWN):
                message = f"the code '{code}' means '{meaning}'; codes of the whole table mean true, false or unknown"
                raise ProtocolError(message, path=("codes", code))
        _check_rows(self)
        for name in self.fields:
            if name not in protocol.fields:
                hint = nearest(name, protocol.fields)
                raise ProtocolError(f"the protocol has no field '{name}'{hint}", path=("fields", name, ""))
            column = self.column(name)
            assert column is not None
            _check_column(name, column, protocol.fields[name])
            _check_take(name, column.take, protocol.fields[name].type, self.several)


@dataclass(frozen=True)
class _MappingFile(ColumnMapping):
    """A mapping as its file is checked: every shorthand written out, so that a fault can be told where it stands."""

    patient_id: PatientId = PatientId("patient_id")
    fields: dict[str, MappedColumn] = field(default_factory=dict)


def _write_out(data: dict) -> dict:
    full = dict(data)
    if isinstance(data.get("fields"), dict):
        full["fields"] = {k: {"column": v} if isinstance(v, str) else v for k, v in data["fields"].items()}
    if isinstance(data.get("patient_id"), str):
        full["patient_id"] = {"column": data["patient_id"]}
    return full


def load_mapping(path: str | os.PathLike[str], protocol: Protocol) -> ColumnMapping:
    """The mapping that a YAML file holds, checked against a protocol.

    Raises:
        DataError: with file, line and column: a misspelt key, a field the protocol lacks, a code it cannot take.
    """

    try:
        written = read_text(path, "the mapping")
        return read_yaml(written, _MappingFile, str(path), _write_out, lambda mapping: mapping.check(protocol))
    except ProtocolError as error:
        raise DataError(str(error)) from None


def _check_rows(mapping: ColumnMapping) -> None:
    rows = mapping.several
    if rows is None:
        return
    if mapping.id.column is None or mapping.id.on_fault == "number":
        message = "rows: and take: need a patient_id that says which rows belong together"
        raise ProtocolError(message, path=("patient_id",))
    if rows.take != "only" and rows.by is None:
        message = f"rows: take: {rows.take} needs by:, the column of the day (or number) that orders the rows"
        raise ProtocolError(message, path=("rows",))
    if rows.format and not _reads_back(MappedColumn(rows.by, format=rows.format).date_format):
        message = f"rows: the format '{rows.format}' names no year, month and day; write it like '%d/%m/%Y'"
        raise ProtocolError(message, path=("rows", "format"))


_TAKES = {"any": ("flag",), "all": ("flag",), "min": (*NUMERIC, "date"), "max": (*NUMERIC, "date"), "mean": ("number",)}
"""The types of fields that can be taken so; all others can be of any type."""


def _check_take(name: str, take: Take | None, kind: str, rows: Rows | None) -> None:
    """Raise what a field cannot take of several rows."""
    at = ("fields", name, "take")
    if take in _TAKES and kind not in _TAKES[take]:
        fitting = ["last", "first", "only", *(each for each, kinds in _TAKES.items() if kind in kinds)]
        raise ProtocolError(f"{name} is a {kind}, which cannot take {take}; it can take {', '.join(fitting)}", path=at)
    if take in ("last", "first") and (rows is None or rows.by is None):
        raise ProtocolError(f"{name}: take: {take} needs rows: {{by: ...}}, the column that orders the rows", path=at)


def _is_encoding(name: str) -> bool:
    try:
        return bool("a".encode(name))
    except (LookupError, ValueError):
        return False


_ONLY: dict[str, tuple[tuple[str, ...], str]] = {
    "columns": (("flag",), "only a flag can come from several columns"),
    "codes": (("flag", "category"), "codes are for flags and categories (use missing:)"),
    "decimal": (NUMERIC, "only a number has a decimal mark"),
    **{key: (("date",), f"only a date has a {key}") for key in ("format", "pivot", "zone")},
    "unit": (NUMERIC, "only a number has a unit"),
}
"""What only fields of some types can have."""


def _check_column(name: str, column: MappedColumn, declared: Field) -> None:
    def wrong(message: str, *key: str) -> ProtocolError:
        return ProtocolError(message, path=("fields", name, *key))

    kind = declared.type
    if bool(column.column) == bool(column.columns):
        raise wrong(f"{name} needs either column: or columns:")
    for key, (kinds, why) in _ONLY.items():
        if getattr(column, key) not in (None, (), {}) and kind not in kinds:
            raise wrong(f"{name} is a {kind}; {why}", key, "")
    takes = (True, False) if kind == "flag" else declared.values
    for code, meaning in column.codes.items():
        if meaning not in takes and meaning != UNKNOWN:
            allowed = "true or false" if kind == "flag" else ", ".join(declared.values)
            message = f"{name}: the code '{code}' means '{meaning}'; it can mean {allowed} or unknown"
            raise wrong(message, "codes", code)
    if column.format and not _reads_back(column.date_format):
        message = f"{name}: the format '{column.format}' names no year, month and day; write it like '%d/%m/%Y'"
        raise wrong(message, "format")
    if column.zone and not _is_zone(column.zone):
        raise wrong(f"{name}: there is no time zone '{column.zone}'; write it like Asia/Shanghai", "zone")
    if column.unit and not declared.unit:
        raise wrong(f"{name} has the unit {column.unit} here but none in the protocol; declare it there", "unit")
    if column.unit and declared.unit:
        try:
            factor(column.unit, declared.unit, name)
        except ProtocolError as error:
            raise error.at("fields", name, "unit") from None


def _reads_back(written: str) -> bool:
    """Whether a format tells a day; or a month, or a year: then the date is known in part."""
    day = datetime(1999, 12, 31)
    if re.search("%[jUWVGuw]", written):  # of a week nobody knows a month; 2023-W05 needs no format
        return False
    try:
        day_read = datetime.strptime(day.replace(tzinfo=UTC).strftime(written), written)
    except (ValueError, re.error):  # a directive that stands twice
        return False
    wanted = day if "%d" in written else day.replace(day=1)
    has_year = "%Y" in written or ("%y" in written and "%d" in written)
    return has_year and day_read.date() in (wanted.date(), day.replace(month=1, day=1).date())


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (LookupError, ValueError, OSError):
        return False
