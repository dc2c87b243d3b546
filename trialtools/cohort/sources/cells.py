"""The text of one cell goes in; the value it stands for comes out: whole, known in part, or the reason why not."""

from __future__ import annotations

import calendar
import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from ...criteria.language import ProtocolError
from ...criteria.protocol import Field
from ...criteria.units import factor, part_of_year
from .mapping import MappedColumn

BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""What stands around a text and says nothing: every kind of blank, and letters that nobody sees."""
_UNKNOWN_WORD = "a word for unknown belongs under missing:"


@dataclass(frozen=True)
class Cell:
    """A value; or the bounds of one that is known in part; or, without any of them, the `fault` of the text."""

    value: Any = None
    low: Any = None
    high: Any = None
    fault: str = ""


_Bound = tuple[bool, bool] | None
"""Of a value with a sign before it, whether that is the lower bound, and whether the bound itself is left out."""

_LETTERS = str.maketrans({"≤": "<=", "≥": ">=", "≦": "<=", "≧": ">=", "−": "-", "＜": "<", "＞": ">"})  # noqa: RUF001
_LONGEST = 100


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
    if len(plain) > _LONGEST:
        return Cell(fault=f"no number and no day has more than {_LONGEST} letters; {_UNKNOWN_WORD}")
    sign = re.match(r"(<=?|>=?|=<|=>)\s*", plain)
    rest, bound = (plain[sign.end() :], (">" in sign[0], "=" not in sign[0])) if sign else (plain, None)
    return _read_day(rest, bound, field, column) if field.type == "date" else _read_number(rest, bound, field, column)


# --- numbers ----------------------------------------------------------------------------------------------------------

_NOT_NUMBERS = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
_GROUP_MARKS = {None: "", ".": ",", ",": "."}
_ANY_GROUP_MARK = " '\u2019\u00a0\u2009\u202f"
"""What may stand between groups of three digits, and is never a decimal mark."""
_GROUPED = {mark: str.maketrans("", "", _ANY_GROUP_MARK + group) for mark, group in _GROUP_MARKS.items()}
_RANGE = re.compile(r"(.*?\d.*?)\s*(?:(?<!/)[-\u2013\u2014]|\.\.+|\bto\b)\s*(-?\d.*)", re.DOTALL)


def _read_number(text: str, bound: _Bound, field: Field, column: MappedColumn) -> Cell:
    """The number that a text stands for; with a bound (">") what is left of it."""
    if text.lower() in _NOT_NUMBERS:
        return Cell(math.nan)
    if not bound and (ends := _range(text, field, column)):  # before a unit is sought in "-25 mg/L", which takes long
        return ends
    match = _pattern(column.decimal).fullmatch(text)
    return _one_number(match, bound, field, column) if match else Cell(fault=_fault(text, column.decimal))


def _one_number(match: re.Match[str], bound: _Bound, field: Field, column: MappedColumn) -> Cell:
    value = float(match[1].translate(_GROUPED[column.decimal]).replace(",", "."))
    unit = match[2].strip(BLANKS)
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
    if field.type == "integer" and part_of_year(unit, declared) == "mo":
        return Cell(math.floor(value / 12))
    return Cell(_scale(value, by, plus))


def _range(text: str, field: Field, column: MappedColumn) -> Cell | None:
    """Both ends of 20-25; what stands behind the last number is the unit of both. Nothing where there are no two."""
    if (ends := _RANGE.fullmatch(text)) is None or not (last := _pattern(column.decimal).fullmatch(ends[2])):
        return None
    low = _read_number(ends[1] + (last[2] if ends[1][-1].isdigit() else ""), (True, False), field, column)
    if low.low is None or (high := _read_number(ends[2], (False, False), field, column)).high is None:
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


def _behind(rest: str) -> str:
    """Why what stands behind a number is not read."""
    if re.match(r"-\d\d-\d\d", rest):
        return "it is written as a day; show the cells of the column as numbers"
    if re.match(r"_\d", rest):
        return "a number has no underscore (1_000); write 1000"
    if re.match(r"(?:±|\+/?-)\s*\d", rest):
        return "a value with its error (20 ± 2) is not read; write the value alone, or what it lies between (18-22)"
    if re.search(r"[^\W\d_]|[%‰]", rest):
        return f"'{rest}' stands behind the number, and the field has no unit; declare unit: in the protocol"
    return f"'{rest}' behind the number is no unit; write the number alone, or list the whole text under missing:"


def _fault(text: str, decimal: str | None) -> str:
    """Why a text does not begin with a number."""
    if re.match(r"[+-]?[\d.,]*\d", text):
        return _MARK[decimal]
    signs = "a number has nothing before it but a sign (>, <=), and nothing behind it but its unit; "
    return (signs if re.search(r"\d", text) else "") + _UNKNOWN_WORD


@cache
def _pattern(decimal: str | None) -> re.Pattern[str]:
    """A number with the marks that were declared, and what stands behind it."""
    mark, marks = re.escape(decimal or "."), _ANY_GROUP_MARK + _GROUP_MARKS[decimal]
    groups = "|".join(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+" for sign in marks)
    return re.compile(rf"([+-]?(?:(?:{groups}|\d+)(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?)((?![\d.,]).*)", re.DOTALL)


_MARK = {
    None: "a comma in a number needs decimal: ',' (1.250,5) or decimal: '.' (1,250.5); " + _UNKNOWN_WORD,
    ".": "with decimal: '.' a comma may stand before groups of three digits only",
    ",": "with decimal: ',' a point may stand before groups of three digits only",
}


def _scale(value: float, by: float, plus: float) -> float:
    """Rounded well below what anybody measures: 100.4 degrees Fahrenheit are 38, not 38.00000000000001."""
    return value if (by, plus) == (1, 0) else round(value * by + plus, digits_kept(by))


def digits_kept(by: float) -> int:
    return max(0, 9 - math.floor(math.log10(abs(by))))


def _number_bound(value: float, unit: str | None, bound: tuple[bool, bool], field: Field) -> Cell:
    """The bound in the unit of the field; one that is left out moves to the next value that there is."""
    (lower, left_out), years = bound, bool(part_of_year(unit, field.unit)) and field.type == "integer"
    if unit and field.unit:
        value = _scale(value, *factor(unit, field.unit, "the cell"))
    if field.type != "integer":
        end = math.nextafter(value, math.inf if lower else -math.inf) if left_out else value
    elif lower:  # of an age in months, the years are those completed
        end = math.floor(value) if years else math.floor(value) + 1 if left_out else math.ceil(value)
    else:
        end = math.ceil(value) - 1 if left_out else math.floor(value)
    return Cell(low=end) if lower else Cell(high=end)


# --- days -------------------------------------------------------------------------------------------------------------

_DAYS = (re.compile(r"\s+(?:[-\u2013\u2014]|to)\s+|[\u2013\u2014]"), re.compile("/"))
"""What stands between two days; a stroke does so where it is no part of either."""
_STAMP = re.compile(r"\d{4}-(?:\d\d-\d\d[ T]\d.*|W\d\d-\d)")
_SPAN = re.compile(r"(\d{4})-?(?:W(\d\d)|Q([1-4]))")


def _read_day(text: str, bound: _Bound, field: Field, column: MappedColumn) -> Cell:
    """The day that a text stands for; with a bound (">") what is left of it."""
    made = _one_day(text, field, column)
    if bound is None:
        return _days(text, field, column) or made if made.fault else made
    if made.fault:
        return made
    (lower, left_out), first, last = bound, made.value or made.low, made.value or made.high
    try:
        if lower:
            return Cell(low=last + timedelta(1) if left_out else first)
        return Cell(high=first - timedelta(1) if left_out else last)
    except OverflowError:
        return Cell(fault="there is no such day")


def _days(text: str, field: Field, column: MappedColumn) -> Cell | None:
    """From the first day to the last; nothing where there are no two."""
    for sign in _DAYS:
        if len(parts := sign.split(text)) == 2:
            first, last = (_one_day(part.strip(BLANKS), field, column) for part in parts)
            low, high = first.value or first.low, last.value or last.high
            if low and high and low <= high:
                return Cell(low=low, high=high)
    return None


def _one_day(text: str, field: Field, column: MappedColumn) -> Cell:
    written = column.date_format
    try:
        if moment := _stamp(text):
            return _in_zone(moment, column.zone)
        if span := _SPAN.fullmatch(text):
            return _week_or_quarter(*(int(part or 0) for part in span.groups()))
        moment = datetime.strptime(text, written)
    except (ValueError, OverflowError):
        return _part_of_a_day(text, written, column)
    if re.search(r"%[dmyYHMSI]%[dmyYHMSI]", written) and moment.strftime(written).lower() != text.lower():
        return Cell(fault=f"{written} needs all its digits")  # 2020111 could be of January or of November
    if "%y" in written:
        return _of_its_century(moment.date(), field, column.pivot)
    if "%d" not in written:
        return _between(moment.year, moment.month if re.search("%[mbB]", written) else None)
    return _in_zone(moment, column.zone)


def _stamp(text: str) -> datetime | None:
    """A time as a workbook, SDTM or ISO 8601 writes it, whatever the other texts look like."""
    try:
        return datetime.fromisoformat(text) if _STAMP.fullmatch(text) else None
    except ValueError:
        return None


def _in_zone(moment: datetime, zone: str | None) -> Cell:
    """The day of a time; with an offset (-04:00) it depends on where one stands."""
    if moment.tzinfo is None:
        return Cell(moment.date())
    if zone is None:
        return Cell(fault="a time with an offset has another day elsewhere; zone: says where, such as Asia/Shanghai")
    return Cell(moment.astimezone(ZoneInfo(zone)).date())


def _week_or_quarter(year: int, week: int, quarter: int) -> Cell:
    if week:
        first = date.fromisocalendar(year, week, 1)
        return Cell(low=first, high=first + timedelta(6))
    return Cell(low=date(year, 3 * quarter - 2, 1), high=_between(year, 3 * quarter).high)


def _between(year: int, month: int | None) -> Cell:
    """The first and the last day of a month or of a year."""
    last = month or 12
    return Cell(low=date(year, month or 1, 1), high=date(year, last, calendar.monthrange(year, last)[1]))


def _part_of_a_day(text: str, written: str, column: MappedColumn) -> Cell:
    for pattern in _part_patterns(written):
        if match := pattern.fullmatch(text):
            year, month = (int(part) if part else None for part in (match["year"], match.groupdict().get("month")))
            if year and (month is None or 1 <= month <= 12):
                return _between(year, month)
    others, short = _formats(text)
    if written in others:
        return Cell(fault="there is no such day")
    if not others and short:
        return Cell(
            fault=f"a year of two digits is %y in its format: ('{short[0]}'), with pivot:, the last it can mean"
        )
    if others and column.format:
        return Cell(fault=f"a column has one format; this is written {others[0]}")
    if not others:
        return Cell(fault=f"no format: reads it; {_UNKNOWN_WORD}")
    formats = " or ".join(f"'{other}'" for other in others)
    return Cell(fault=f"declare format: {formats}{', as it is meant' if len(others) > 1 else ''}")


_ORDERS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%b{0}%Y", "%d{0}%B{0}%Y")
_LIKELY = [order.format(sign) for order, sign in product(_ORDERS, ("/", ".", "-", " "))]
_LIKELY += ["%Y%m%d", "%d%m%Y", "%d%b%Y", "%b %d, %Y", "%B %d, %Y", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y"]
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def _formats(text: str) -> tuple[list[str], list[str]]:
    """The formats that people use and that read a text; with a year of four digits, and of two."""
    formats = _shapes().get(_shape(text), {})
    return [each for each in formats if "%Y" in each], [each for each in formats if "%y" in each]


@cache
def _shapes() -> dict[str, dict[str, None]]:
    """Which formats write which shapes."""
    shapes: dict[str, dict[str, None]] = {}
    long = [day + clock for day, clock in product(_LIKELY, _CLOCKS)]
    written = [*long, *(each.replace("%Y", "%y") for each in long)]
    for year, day, hour, minute, second in product((2011, 2028, 1961), (11, 28), (11, 23), (11, 28, 45), (11, 28, 45)):
        moment = datetime(year, 11, day, hour, minute, second)
        for each in written:
            shapes.setdefault(_shape(moment.strftime(each)), {})[each] = None
    return shapes


def _shape(text: str) -> str:
    """A text with the same number and the same name for all that can stand at the same place of a date."""
    return re.sub(r"\d+|[a-z]+", _like, text, flags=re.IGNORECASE)


def _like(piece: re.Match[str]) -> str:
    word = piece[0]
    if not word.isdecimal():
        named = "Nov" if len(word) == 3 else "November"
        return "AM" if word.upper() in ("AM", "PM") else named if word[:3].lower() in _MONTHS else word
    match len(word):
        case 1 | 2:
            return "11" if int(word) <= 12 else "28" if int(word) <= 31 else "61"
        case 4:
            return "2020"
        case 6:
            return "dmy"
        case 8:
            return "Ymd" if word[:2] in ("19", "20") and word[4:6] <= "12" else "dmY"
    return "?"


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
    days = [of_year for year in years if (of_year := _in_year(day, year)) and (pivot or low <= of_year <= high)]
    days = [of_year for of_year in days if not pivot or pivot - 100 < of_year.year <= pivot]
    if len(days) != 1:
        return Cell(fault="two digits do not say the century; declare pivot:, the last year that they can mean")
    return Cell(days[0])


def _in_year(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:  # the 29th of February
        return None
