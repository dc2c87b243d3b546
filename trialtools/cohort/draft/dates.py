"""A column goes in; how its days are written comes out, or that day and month cannot be told apart."""

from __future__ import annotations

from itertools import islice

import narwhals as nw

from ...criteria.protocol import Field
from ..sources.cells import read_cell
from ..sources.mapping import MappedColumn
from .content import ColumnContent
from .fits import Fit

_READABLE, _DECIDED, _SOME = 0.98, 0.2, 0.3
"""The share of texts that must be days, that of days that must tell two formats apart, and that of a first trial."""
_FIRST, _MANY = 100, 20_000
"""Different texts of the first trial, and those that are read at most."""
_CENTURY = 2099
"""A pivot under which years of two digits can be read, before somebody says which century they are of."""
_ISO = "%Y-%m-%d"
_FORMATS = (
    _ISO, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%Y.%m.%d",
    "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip


def fit_date(field: Field, seen: ColumnContent) -> Fit | None:
    """How a column can be a day; None where too few of its texts are one."""
    if seen.dtype == nw.Date or isinstance(seen.dtype, nw.Datetime):
        return Fit(MappedColumn(seen.name), _holds([int(text[:4]) for text in seen.known["text"]], seen))
    if seen.dtype != nw.String and not seen.dtype.is_integer():
        return None
    formats = _FORMATS if seen.dtype == nw.String else ("%Y%m%d",)
    counts = [*islice(seen.known.iter_rows(), _MANY)]
    tried = {written: _days(counts[:_FIRST], field, written) for written in formats}
    read = {
        written: _days(counts, field, written)
        for written in formats
        if len(tried[written]) > _SOME * len(counts[:_FIRST])
    }
    total = sum(n for _, n in counts)
    share = {written: sum(n for text, n in counts if text in days) / total for written, days in read.items()}
    good = [written for written in share if share[written] >= _READABLE]
    if not good:
        return _in_two_orders(counts, read, seen)
    written, other = good[0], _TURNED.get(good[0], "")
    asks = ["some texts are no days, and are not shown here"] if share[written] < 1 else []
    if other in good:
        asks.append(f"is it the day or the month that stands first? Every date can be read as {written} and as {other}")
    elif share.get(other, 0) > 1 - _DECIDED:
        asks.append(f"only few dates tell that it is {written} and not {other}")
    if "%y" in written:
        asks.append("years of two digits: which century? pivot: is the last year that they can mean")
    mapped = MappedColumn(
        seen.name,
        format=None if written == _ISO else written,
        missing=tuple(seen.blanks),
        on_invalid="unknown" if share[written] < 1 else "error",
    )
    settled = other not in good and "%y" not in written
    years = [] if "%y" in written else [*read[written].values()]
    return Fit(mapped, _holds(years, seen), not asks, settled, tuple(asks))


def _days(counts: list[tuple[str, int]], field: Field, written: str) -> dict[str, int]:
    """By text the year that it tells under a format; texts that are no days are left out."""
    found, column = {}, MappedColumn("", format=written, pivot=_CENTURY if "%y" in written else None)
    for text, _ in counts:
        cell = read_cell(text, field, column)
        if day := cell.value or cell.low or cell.high:
            found[text] = day.year
    return found


def _in_two_orders(counts: list[tuple[str, int]], read: dict[str, dict[str, int]], seen: ColumnContent) -> Fit | None:
    """A column that is all days only if some are read as day and month, others as month and day."""
    for written, other in _TURNED.items():
        if (
            written in read
            and other in read
            and all(text in read[written] or text in read[other] for text, _ in counts)
        ):
            asks = (f"some dates can only be {written}, others only {other}: the table must be mended first",)
            mapped = MappedColumn(seen.name, format=written, on_invalid="unknown")
            return Fit(mapped, _holds([*read[written].values()], seen), False, False, asks)
    return None


def _holds(years: list[int], seen: ColumnContent) -> str:
    """The first and the last year: a day of birth is nobody's business here."""
    empty = f"; empty {seen.rows - seen.filled:,}" if seen.rows > seen.filled else ""
    span = " to ".join(dict.fromkeys(map(str, (min(years), max(years))))) if years else ""
    return f"days{f' of {span}' if span else ''}{empty}"


_TURNED = {"%d/%m/%Y": "%m/%d/%Y", "%m/%d/%Y": "%d/%m/%Y", "%d/%m/%y": "%m/%d/%y", "%m/%d/%y": "%d/%m/%y",
           "%d-%m-%Y": "%m-%d-%Y", "%m-%d-%Y": "%d-%m-%Y"}  # fmt: skip
