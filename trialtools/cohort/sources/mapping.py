"""A mapping file goes in: which column is which field, in which unit, with which codes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ...criteria.contents import Protocol
from ...criteria.language import NUMERIC, ProtocolError, nearest
from ...criteria.protocol import STRICT, DataError, Field, read_yaml

UNKNOWN = "unknown"
"""The code word of a value that says nothing."""


@dataclass(frozen=True)
class Column:
    """Where a field comes from and how its values are written.

    Several `columns` make one flag: true where any is true. `codes` say what each text means: true, false, a category
    or `unknown`; a text without a code is an error, or with `on_invalid: unknown` a counted finding.
    """

    __pydantic_config__ = STRICT

    column: str | None = None
    columns: tuple[str, ...] = ()
    unit: str | None = None
    codes: dict[str, bool | str] = field(default_factory=dict)
    format: str | None = None
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ()
    on_invalid: Literal["error", "unknown"] = "error"
    note: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        return self.columns or ((self.column,) if self.column else ())


@dataclass(frozen=True)
class PatientId:
    """The column that names patients. With `on_fault: number` a missing or repeated id gets its row number, counted.

    Without a column every row is a patient of its own, named by its row number.
    """

    __pydantic_config__ = STRICT

    column: str | None = None
    on_fault: Literal["error", "number"] = "error"


@dataclass(frozen=True)
class Mapping:
    """How one source's table becomes a patient table. `sheet` is of an Excel file, `separator` of a CSV file."""

    __pydantic_config__ = STRICT

    name: str = ""
    patient_id: str | PatientId = "patient_id"
    fields: dict[str, str | Column] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    separator: str = ","
    sheet: str | None = None
    note: str | None = None

    @property
    def id(self) -> PatientId:
        return PatientId(self.patient_id) if isinstance(self.patient_id, str) else self.patient_id

    def column(self, name: str) -> Column | None:
        """How a field is written, with the missing codes of the whole table."""
        mapped = self.fields.get(name)
        if mapped is None:
            return None
        column = Column(mapped) if isinstance(mapped, str) else mapped
        return replace(column, missing=(*column.missing, *self.missing))


@dataclass(frozen=True)
class _Written(Mapping):
    """A mapping as its file is checked: every shorthand written out, so that a fault can be told where it stands."""

    __pydantic_config__ = STRICT

    patient_id: PatientId = PatientId("patient_id")
    fields: dict[str, Column] = field(default_factory=dict)


def _written_out(data: dict) -> dict:
    full = dict(data)
    if isinstance(data.get("fields"), dict):
        full["fields"] = {k: {"column": v} if isinstance(v, str) else v for k, v in data["fields"].items()}
    if isinstance(data.get("patient_id"), str):
        full["patient_id"] = {"column": data["patient_id"]}
    return full


def load_mapping(path: str | os.PathLike[str], protocol: Protocol) -> Mapping:
    """The mapping that a YAML file holds, checked against a protocol.

    Raises:
        DataError: with file, line and column: a misspelt key, a field the protocol lacks, a code it cannot take.
    """

    try:
        written = Path(path).read_text("utf-8")
        mapping = read_yaml(written, _Written, str(path), _written_out)
        try:
            check_mapping(mapping, protocol)
        except ProtocolError as error:
            _located(error, written, str(path))
    except ProtocolError as error:
        raise DataError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"the mapping cannot be read: {reason}\n  {path}") from None
    return mapping


def _located(error: ProtocolError, written: str, name: str) -> None:
    """Raise an error again with its line and column in the file, which only the reading of the file can tell."""

    def fail(data: dict) -> dict:
        raise error

    read_yaml(written, Mapping, name, fail)


def check_mapping(mapping: Mapping, protocol: Protocol) -> None:
    """Raise the first thing in a mapping that cannot work for a protocol."""
    if len(mapping.separator.encode()) != 1 or mapping.separator in '"\r\n':
        raise ProtocolError(f"the separator is one character, not {mapping.separator!r}", path=("separator",))
    for name in mapping.fields:
        if name not in protocol.fields:
            hint = nearest(name, protocol.fields)
            raise ProtocolError(f"the protocol has no field '{name}'{hint}", path=("fields", name, ""))
        column = mapping.column(name)
        assert column is not None
        _check_column(name, column, protocol.fields[name])


def _check_column(name: str, column: Column, declared: Field) -> None:
    def wrong(message: str, *key: str) -> ProtocolError:
        return ProtocolError(message, path=("fields", name, *key))

    kind, numeric = declared.type, declared.type in NUMERIC
    if bool(column.column) == bool(column.columns):
        raise wrong(f"{name} needs either column: or columns:")
    if column.columns and kind != "flag":
        raise wrong(f"{name} is a {kind}; only a flag can come from several columns", "columns", "")
    if column.codes and kind not in ("flag", "category"):
        raise wrong(f"{name} is a {kind}; codes are for flags and categories (use missing:)", "codes", "")
    takes = (True, False) if kind == "flag" else declared.values
    for code, meaning in column.codes.items():
        if meaning not in takes and meaning != UNKNOWN:
            allowed = "true or false" if kind == "flag" else ", ".join(declared.values)
            message = f"{name}: the code '{code}' means '{meaning}'; it can mean {allowed} or unknown"
            raise wrong(message, "codes", code)
    if column.decimal != "." and not numeric:
        raise wrong(f"{name} is a {kind}; only a number has a decimal mark", "decimal", "")
    if column.format and kind != "date":
        raise wrong(f"{name} is a {kind}; only a date has a format", "format", "")
    if column.format and not all(any(part in column.format for part in parts) for parts in _DATE_PARTS):
        message = f"{name}: the format '{column.format}' names no year, month and day; write it like '%d/%m/%Y'"
        raise wrong(message, "format")
    if column.unit and not numeric:
        raise wrong(f"{name} is a {kind}; only a number has a unit", "unit", "")
    if column.unit and not declared.unit:
        raise wrong(f"{name} has the unit {column.unit} here but none in the protocol; declare it there", "unit")
    if column.unit and declared.unit:
        try:
            factor(column.unit, declared.unit, name)
        except ProtocolError as error:
            raise error.at("fields", name, "unit") from None


_DATE_PARTS = (("%Y", "%y", "%F", "%D"), ("%m", "%b", "%B", "%F", "%D"), ("%d", "%e", "%F", "%D"))

_UCUM = {  # the spellings of the Unified Code for Units of Measure that pint does not know
    "Cel": "degC",
    "[degF]": "degF",
    "%": "percent",
    "/min": "1/minute",
    "{beats}/min": "1/minute",
    "{breaths}/min": "1/minute",
    "kg/m2": "kg/m**2",
    "mm[Hg]": "mmHg",
    "a": "year",
    "mo": "month",
    "wk": "week",
    "d": "day",
    "[lb_av]": "pound",
    "[in_i]": "inch",
    "1": "dimensionless",
}


def factor(unit: str, wanted: str, name: str) -> tuple[float, float]:
    """What to multiply with and then add to bring a column to the protocol's unit.

    Args:
        unit, wanted: UCUM names, such as `[degF]` and `Cel`.

    Raises:
        ProtocolError: an unknown unit, or two that do not measure the same thing.

    >>> factor("g/L", "g/dL", "haemoglobin")
    (0.1, 0.0)
    """
    if unit == wanted:
        return 1.0, 0.0
    import pint

    registry = pint.get_application_registry()
    try:
        (scale, origin), (scale_here, here) = _as_pint_writes(unit), _as_pint_writes(wanted)
        at_zero, at_one = (
            registry.Quantity(value, origin).to(here).magnitude * scale / scale_here for value in (0.0, 1.0)
        )
    except pint.DimensionalityError:
        raise ProtocolError(f"{name} is in {unit} here, which cannot become {wanted}") from None
    except Exception:
        raise ProtocolError(f"{name}: the unit '{unit}' or '{wanted}' is not known; write it as UCUM does") from None
    return _exact(at_one - at_zero), _exact(at_zero)


def _as_pint_writes(unit: str) -> tuple[float, str]:
    """A power of ten and a unit: `10*9/L` is a power to UCUM and a product to pint, `{cells}` a remark."""
    if unit in _UCUM:
        return 1.0, _UCUM[unit]
    plain = re.sub(r"\{[^}]*\}", "", unit)
    power = re.match(r"10\*(-?\d+)", plain)
    plain = plain[power.end() :] if power else plain
    return 10.0 ** int(power[1]) if power else 1.0, f"1{plain}" if plain.startswith("/") else plain or "dimensionless"


def _exact(number: float) -> float:
    """The simple fraction that a conversion means, such as 5/9, without the noise of how it was worked out."""
    simple = Fraction(number).limit_denominator(100_000)
    close = number and abs(simple - Fraction(number)) < abs(number) * 1e-11
    return float(simple) if close else float(f"{number:.12g}")
