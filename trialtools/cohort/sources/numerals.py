"""The text of a number goes in; the number comes out, or its bounds where it is known in part, or why neither."""

from __future__ import annotations

import math
import re
from functools import cache

from ...criteria.language import ProtocolError
from ...criteria.protocol import Field
from ...criteria.units import completed_years, factor
from .mapping import MappedColumn
from .values import BLANKS, UNKNOWN_WORD, Bound, Cell

_NOT_NUMBERS = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
_GROUP_MARKS = {None: "", ".": ",", ",": "."}
_ANY_GROUP_MARK = " '\u2019\u00a0\u2009\u202f"
"""What may stand between groups of three digits, and is never a decimal mark."""
_RANGE = re.compile(r"(.*?\d.*?)\s*(?:(?<!/)[-\u2013\u2014]|\.\.+|\bto\b)\s*(-?\d.*)", re.DOTALL)


def read_number(text: str, bound: Bound, field: Field, column: MappedColumn) -> Cell:
    """The number that a text stands for; with a bound (">") what is left of it."""
    if text.lower() in _NOT_NUMBERS:
        return Cell(math.nan)
    found = _pattern(column.decimal).fullmatch(text)
    cell = _one_number(found, bound, field, column) if found else Cell(fault=_fault(text, column.decimal))
    return _range(text, field, column) or cell if cell.fault and not bound else cell


def _one_number(found: re.Match[str], bound: Bound, field: Field, column: MappedColumn) -> Cell:
    digits, unit = re.sub(rf"[{_ANY_GROUP_MARK}{_GROUP_MARKS[column.decimal]}]", "", found[1]), found[2].strip(BLANKS)
    value = float(digits.replace(",", "."))
    if unit == "+" and not bound:  # 90+: ninety and above
        bound, unit = (True, False), ""
    if not math.isfinite(value):
        return Cell(math.nan)
    declared = column.unit or field.unit
    try:
        by, plus = _to_declared(unit, declared)
        if bound:
            return _number_bound(value, unit or declared, bound, field)
    except ProtocolError as error:
        return Cell(fault=str(error))
    if field.type == "integer" and completed_years(unit, declared) == "mo":
        return Cell(math.floor(value / 12))
    return Cell(_scaled(value, by, plus))


def _range(text: str, field: Field, column: MappedColumn) -> Cell | None:
    """Both ends of 20-25; what stands behind the last number is the unit of both. Nothing where there are no two."""
    if (ends := _RANGE.fullmatch(text)) is None or not (last := _pattern(column.decimal).fullmatch(ends[2])):
        return None
    low = read_number(ends[1] + (last[2] if ends[1][-1].isdigit() else ""), (True, False), field, column)
    if low.low is None or (high := read_number(ends[2], (False, False), field, column)).high is None:
        return None
    if low.low > high.high:
        return Cell(fault="a range runs from its lower end to its upper one (20-25)")
    return Cell(low=low.low, high=high.high)


def _to_declared(unit: str, declared: str | None) -> tuple[float, float]:
    """From the unit behind a number to that of its column."""
    if not unit or unit == declared:
        return 1, 0
    if not declared or not re.search(r"[^\W\d_]|[%‰]", unit):
        raise ProtocolError(_behind(unit))
    return factor(unit, declared, "the cell")


def _behind(said: str) -> str:
    """Why what stands behind a number is not read."""
    if re.match(r"-\d\d-\d\d", said):
        return "it is written as a day; show the cells of the column as numbers"
    if re.match(r"_\d", said):
        return "a number has no underscore (1_000); write 1000"
    if re.match(r"(?:±|\+/?-)\s*\d", said):
        return "a value with its error (20 ± 2) is not read; write the value alone, or what it lies between (18-22)"
    if re.search(r"[^\W\d_]|[%‰]", said):
        return f"'{said}' stands behind the number, and the field has no unit; declare unit: in the protocol"
    return f"'{said}' behind the number is no unit; write the number alone, or list the whole text under missing:"


def _fault(text: str, decimal: str | None) -> str:
    """Why a text does not begin with a number."""
    if re.match(r"[+-]?[\d.,]*\d", text):
        return _MARK[decimal]
    signs = "a number has nothing before it but a sign (>, <=), and nothing behind it but its unit; "
    return (signs if re.search(r"\d", text) else "") + UNKNOWN_WORD


@cache
def _pattern(decimal: str | None) -> re.Pattern[str]:
    """A number with the marks that were declared, and what stands behind it."""
    mark, marks = re.escape(decimal or "."), _ANY_GROUP_MARK + _GROUP_MARKS[decimal]
    groups = "|".join(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+" for sign in marks)
    return re.compile(rf"([+-]?(?:(?:{groups}|\d+)(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?)((?![\d.,]).*)", re.DOTALL)


_MARK = {
    None: "a comma in a number needs decimal: ',' (1.250,5) or decimal: '.' (1,250.5); " + UNKNOWN_WORD,
    ".": "with decimal: '.' a comma may stand before groups of three digits only",
    ",": "with decimal: ',' a point may stand before groups of three digits only",
}


def _scaled(value: float, by: float, plus: float) -> float:
    """Rounded well below what anybody measures: 100.4 degrees Fahrenheit are 38, not 38.00000000000001."""
    return value if (by, plus) == (1, 0) else round(value * by + plus, digits_kept(by))


def digits_kept(by: float) -> int:
    return max(0, 9 - math.floor(math.log10(abs(by))))


def _number_bound(value: float, unit: str | None, bound: tuple[bool, bool], field: Field) -> Cell:
    """The bound in the unit of the field; one that is left out moves to the next value that there is."""
    (lower, left_out), years = bound, bool(completed_years(unit, field.unit)) and field.type == "integer"
    if unit and field.unit:
        value = _scaled(value, *factor(unit, field.unit, "the cell"))
    if field.type != "integer":
        end = math.nextafter(value, math.inf if lower else -math.inf) if left_out else value
    elif lower:  # of an age in months, the years are those completed
        end = math.floor(value) if years else math.floor(value) + 1 if left_out else math.ceil(value)
    else:
        end = math.ceil(value) - 1 if left_out else math.floor(value)
    return Cell(low=end) if lower else Cell(high=end)
