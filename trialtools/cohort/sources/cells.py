"""The text of one cell goes in; the value it stands for comes out: whole, known in part, or the reason why not."""

from __future__ import annotations

import calendar
import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from ...criteria.language import ProtocolError
from ...criteria.protocol import Field
from ...criteria.units import completed_years, factor
from .mapping import MappedColumn

BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""What stands around a text and says nothing: every kind of blank, and letters that nobody sees."""
NOT_NUMBERS = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")

_GROUP_MARKS = {None: "", ".": ",", ",": "."}
_ANY_GROUP_MARK = " '\u2019\u00a0\u2009\u202f"
"""What may stand between groups of three digits, and is never a decimal mark."""
_LETTERS = str.maketrans({"≤": "<=", "≥": ">=", "≦": "<=", "≧": ">=", "−": "-", "＜": "<", "＞": ">"})  # noqa: RUF001
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?: \d\d:\d\d:\d\d(?:\.\d+)?|T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)")


@dataclass(frozen=True)
class Cell:
    """A value; or the bounds of one that is known in part; or, without any of them, the `fault` of the text."""

    value: Any = None
    low: Any = None
    high: Any = None
    fault: str = ""


def read_cell(text: str, field: Field, column: MappedColumn) -> Cell:
    """The number or the day that a cell stands for.

    A whole number is in the unit of its column, bounds are in the unit of the field. A bound that is left out ("> 3")
    moves to the next value that there is.

    >>> read_cell("97 %", Field("number", "", "%"), MappedColumn("spo2")).value
    97.0
    >>> read_cell("> 100", Field("integer", ""), MappedColumn("crp")).low
    101
    >>> read_cell("2023-02", Field("date", ""), MappedColumn("seen")).high
    datetime.date(2023, 2, 28)
    """
    plain = text.translate(_LETTERS).strip(BLANKS)
    sign = re.match(r"(<=?|>=?|=<|=>)\s*", plain)
    rest, bound = (plain[sign.end() :], (">" in sign[0], "=" not in sign[0])) if sign else (plain, None)
    return _day(rest, bound, field, column) if field.type == "date" else _number(rest, bound, field, column)


Bound = tuple[bool, bool] | None
"""Of a value with a sign before it, whether that is the lower bound, and whether the bound itself is left out."""


# --- numbers ----------------------------------------------------------------------------------------------------------


def _number(text: str, bound: Bound, field: Field, column: MappedColumn) -> Cell:
    if text.lower() in NOT_NUMBERS:
        return Cell(math.nan)
    if (found := _pattern(column.decimal).fullmatch(text)) is None:
        return Cell(fault=_MARK[column.decimal] if re.match(r"[+-]?[\d.,]*\d", text) else _WORD)
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
    return Cell(scaled(value, by, plus))


def _to_declared(unit: str, declared: str | None) -> tuple[float, float]:
    """From the unit behind a number to that of its column."""
    if not unit or unit == declared:
        return 1, 0
    if not declared or not re.search(r"[^\W\d_]|[%‰]", unit):
        raise ProtocolError(f"'{unit}' behind the number is not its unit; declare unit:")
    return factor(unit, declared, "the cell")


@cache
def _pattern(decimal: str | None) -> re.Pattern[str]:
    """A number with the marks that were declared, and what stands behind it."""
    mark, marks = re.escape(decimal or "."), _ANY_GROUP_MARK + _GROUP_MARKS[decimal]
    groups = "|".join(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+" for sign in marks)
    return re.compile(rf"([+-]?(?:(?:{groups}|\d+)(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?)((?![\d.,]).*)", re.DOTALL)


_WORD = "a word for unknown belongs under missing:"
_MARK = {
    None: "a comma in a number needs decimal: ',' (1.250,5) or decimal: '.' (1,250.5); " + _WORD,
    ".": "with decimal: '.' a comma may stand before groups of three digits only",
    ",": "with decimal: ',' a point may stand before groups of three digits only",
}


def scaled(value: float, by: float, plus: float) -> float:
    """Rounded well below what anybody measures: 100.4 degrees Fahrenheit are 38, not 38.00000000000001."""
    return value if (by, plus) == (1, 0) else round(value * by + plus, digits_kept(by))


def digits_kept(by: float) -> int:
    return max(0, 9 - math.floor(math.log10(abs(by))))


def _number_bound(value: float, unit: str | None, bound: tuple[bool, bool], field: Field) -> Cell:
    """The bound in the unit of the field; one that is left out moves to the next value that there is."""
    (lower, left_out), years = bound, bool(completed_years(unit, field.unit)) and field.type == "integer"
    if unit and field.unit:
        value = scaled(value, *factor(unit, field.unit, "the cell"))
    if field.type != "integer":
        end = math.nextafter(value, math.inf if lower else -math.inf) if left_out else value
    elif lower:  # of an age in months, the years are those completed
        end = math.floor(value) if years else math.floor(value) + 1 if left_out else math.ceil(value)
    else:
        end = math.ceil(value) - 1 if left_out else math.floor(value)
    return Cell(low=end) if lower else Cell(high=end)


# --- days -------------------------------------------------------------------------------------------------------------


def _day(text: str, bound: Bound, field: Field, column: MappedColumn) -> Cell:
    made = _whole_day(text, field, column)
    if bound is None or made.fault:
        return made
    (lower, left_out), first, last = bound, made.value or made.low, made.value or made.high
    try:
        if lower:
            return Cell(low=last + timedelta(1) if left_out else first)
        return Cell(high=first - timedelta(1) if left_out else last)
    except OverflowError:
        return Cell(fault="there is no such day")


def _whole_day(text: str, field: Field, column: MappedColumn) -> Cell:
    written = column.date_format
    if stamp := _STAMP.fullmatch(
        text
    ):  # as a workbook or SDTM writes a day with its time, whatever the texts look like
        written, text = "%Y-%m-%d", stamp[1]
    try:
        day = datetime.strptime(text, written).date()
    except (ValueError, OverflowError):
        return _part_of_a_day(text, written)
    if re.search(r"%\w%", written) and day.strftime(written) != text:
        return Cell(fault=f"{written} needs all its digits")  # 2020111 could be of January or of November
    if "%y" in written:
        return _of_its_century(day, field, column.pivot)
    if "%d" not in written:
        return _between(day.year, day.month if re.search("%[mbB]", written) else None)
    return Cell(day)


def _between(year: int, month: int | None) -> Cell:
    """The first and the last day of a month or of a year."""
    last = month or 12
    return Cell(low=date(year, month or 1, 1), high=date(year, last, calendar.monthrange(year, last)[1]))


def _part_of_a_day(text: str, written: str) -> Cell:
    for pattern in _part_patterns(written):
        if found := pattern.fullmatch(text):
            year, month = (int(part) if part else None for part in (found["year"], found.groupdict().get("month")))
            if year and (month is None or 1 <= month <= 12):
                return _between(year, month)
    try:
        datetime.strptime(text, written.replace("%Y", "%y"))
    except ValueError:
        return Cell(fault="declare its format:, such as '%d/%m/%Y'")
    return Cell(fault="a year of two digits is %y in its format:, with pivot:, the last year that it can mean")


_UNSAID = r"(?:un|unk|nk|uu|xx|\?\?|--?|00|99)"


@cache
def _part_patterns(written: str) -> list[re.Pattern[str]]:
    """Dates of a format whose day, or day and month, are marked as unknown or left out."""
    pieces = [piece for piece in re.split(r"(%\w)", written) if piece]
    marks = {piece for piece in pieces if not piece.startswith("%")}
    if sorted(set(pieces) - marks) != ["%Y", "%d", "%m"] or len(marks) != 1:
        return []
    year, month, mark = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", re.escape(marks.pop())
    order = [piece for piece in pieces if piece in ("%Y", "%m", "%d")]
    known = [{"%Y": year, "%m": month, "%d": _UNSAID}, {"%Y": year, "%m": _UNSAID, "%d": rf"(?:{_UNSAID}|\d{{1,2}})"}]
    known += [{"%Y": year, "%m": month}, {"%Y": year, "%m": _UNSAID}, {"%Y": year}]
    return [re.compile(mark.join(say[part] for part in order if part in say), re.IGNORECASE) for say in known]


def _of_its_century(day: date, field: Field, pivot: int | None) -> Cell:
    """Two digits of a year: as the mapping's pivot or the field's range says, and never as a program guesses."""
    low, high = field.limits
    years = range(day.year % 100 + 1500, 2500, 100)
    days = [found for year in years if (found := _in_year(day, year)) and (pivot or low <= found <= high)]
    days = [found for found in days if not pivot or pivot - 100 < found.year <= pivot]
    if len(days) != 1:
        return Cell(fault="two digits do not say the century; declare pivot:, the last year that they can mean")
    return Cell(days[0])


def _in_year(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:  # the 29th of February
        return None
