"""A mapping file goes in: which column is which field, in which unit, with which codes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..expr import ProtocolError, nearest
from ..protocol import STRICT, DataError, Protocol, read_yaml

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
    """How one source's table becomes a patient table."""

    __pydantic_config__ = STRICT

    name: str = ""
    patient_id: str | PatientId = "patient_id"
    fields: dict[str, str | Column] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    separator: str = ","
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


def load_mapping(path: str | os.PathLike[str], protocol: Protocol) -> Mapping:
    """The mapping that a YAML file holds, checked against a protocol.

    Raises:
        DataError: with file, line and column: a misspelt key, a field the protocol lacks, a code it cannot take.
    """

    def prepared(data: dict) -> dict:
        for name in data.get("fields") or {}:
            if name not in protocol.fields:
                hint = nearest(name, protocol.fields)
                raise ProtocolError(f"the protocol has no field '{name}'{hint}", path=("fields", name))
        return data

    try:
        mapping = read_yaml(Path(path).read_text("utf-8"), Mapping, str(path), prepared)
        check_mapping(mapping, protocol)
    except ProtocolError as error:
        raise DataError(str(error if error.where else error.located(str(path)))) from None
    except OSError as error:
        raise DataError(f"the mapping cannot be read: {error.strerror}\n  {path}") from None
    return mapping


def check_mapping(mapping: Mapping, protocol: Protocol) -> None:
    """Raise the first thing in a mapping that cannot work for a protocol."""
    for name in mapping.fields:
        column, declared = mapping.column(name), protocol.fields[name]
        assert column is not None
        if bool(column.column) == bool(column.columns):
            raise ProtocolError(f"{name} needs either column: or columns:")
        if column.columns and declared.type != "flag":
            raise ProtocolError(f"{name} is a {declared.type}; only a flag can come from several columns")
        if column.codes and declared.type not in ("flag", "category"):
            raise ProtocolError(f"{name} is a {declared.type}; codes are for flags and categories (use missing:)")
        takes = (True, False) if declared.type == "flag" else declared.values
        for code, meaning in column.codes.items():
            if meaning not in takes and meaning != UNKNOWN:
                allowed = "true or false" if declared.type == "flag" else ", ".join(declared.values)
                raise ProtocolError(f"{name}: the code '{code}' means '{meaning}'; it can mean {allowed} or unknown")
        if column.unit and declared.type not in ("number", "integer"):
            raise ProtocolError(f"{name} is a {declared.type}; only a number has a unit")
        if column.unit and not declared.unit:
            raise ProtocolError(f"{name} has the unit {column.unit} here but none in the protocol; declare it there")
        if column.unit and declared.unit:
            factor(column.unit, declared.unit, name)


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

    registry = _registry()
    try:
        origin, here = _UCUM.get(unit, unit), _UCUM.get(wanted, wanted)
        at_zero, at_one = (registry.Quantity(value, origin).to(here).magnitude for value in (0.0, 1.0))
    except pint.DimensionalityError:
        raise ProtocolError(f"{name} is in {unit} here, which cannot become {wanted}") from None
    except Exception:
        raise ProtocolError(f"{name}: the unit '{unit}' or '{wanted}' is not known; write it as UCUM does") from None
    return float(f"{at_one - at_zero:.12g}"), float(f"{at_zero:.12g}")


def _registry():
    import pint

    registry = pint.get_application_registry()
    registry.default_format = "~"
    return registry
