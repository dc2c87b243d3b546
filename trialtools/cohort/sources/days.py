"""The text of a day goes in; the day comes out, or its bounds where it is known in part, or why neither."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

from ...criteria.protocol import Field
from .mapping import MappedColumn
from .values import BLANKS, UNKNOWN_WORD, Bound, Cell

_DAYS = (re.compile(r"\s+(?:[-\u2013\u2014]|to)\s+|[\u2013\u2014]"), re.compile("/"))
"""What stands between two days; a stroke does so where it is no part of either."""
_STAMP = re.compile(r"\d{4}-(?:\d\d-\d\d[ T]\d.*|W\d\d-\d)")
_SPAN = re.compile(r"(\d{4})-?(?:W(\d\d)|Q([1-4]))")


def read_day(text: str, bound: Bound, field: Field, column: MappedColumn) -> Cell:
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
        if found := pattern.fullmatch(text):
            year, month = (int(part) if part else None for part in (found["year"], found.groupdict().get("month")))
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
        return Cell(fault=f"no format: reads it; {UNKNOWN_WORD}")
    listed = " or ".join(f"'{other}'" for other in others)
    return Cell(fault=f"declare format: {listed}{', as it is meant' if len(others) > 1 else ''}")


_ORDERS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%b{0}%Y", "%d{0}%B{0}%Y")
_LIKELY = [order.format(sign) for order, sign in product(_ORDERS, ("/", ".", "-", " "))]
_LIKELY += ["%Y%m%d", "%d%m%Y", "%d%b%Y", "%b %d, %Y", "%B %d, %Y", "%m/%Y", "%b %Y", "%B %Y", "%b-%Y"]
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def _formats(text: str) -> tuple[list[str], list[str]]:
    """The formats that people use and that read a text; with a year of four digits, and of two."""
    found = _shapes().get(_shape(text), {})
    return [each for each in found if "%Y" in each], [each for each in found if "%y" in each]


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
    said = piece[0]
    if not said.isdecimal():
        named = "Nov" if len(said) == 3 else "November"
        return "AM" if said.upper() in ("AM", "PM") else named if said[:3].lower() in _MONTHS else said
    match len(said):
        case 1 | 2:
            return "11" if int(said) <= 12 else "28" if int(said) <= 31 else "61"
        case 4:
            return "2020"
        case 6:
            return "dmy"
        case 8:
            return "Ymd" if said[:2] in ("19", "20") and said[4:6] <= "12" else "dmY"
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
