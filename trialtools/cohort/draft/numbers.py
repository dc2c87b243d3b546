"""A column goes in; in which unit and with which decimal mark it holds numbers comes out, and what is doubtful."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import narwhals as nw
import numpy as np
import polars as pl

from ...criteria.language import ProtocolError
from ...criteria.protocol import Field
from ...criteria.units import factor, parse_unit
from ..sources.cells import read_cell
from ..sources.mapping import MappedColumn
from ..sources.names import fold
from .content import ColumnContent, Fit
from .words import concepts, vocabulary, without_unit

_READABLE, _POSSIBLE, _ODD = 0.9, 0.95, 5_000
"""The share of texts that must be numbers, that of numbers which must be possible; texts read one by one at most."""
_PLAIN = r"^[+-]?\d+{mark}?\d*$"
_OTHERS = (
    "[degF] Cel [lb_av] kg g cm m mm [in_i] a mo wk d g/L g/dL mg/dL mg/L ug/L mmol/L umol/L kPa mm[Hg] 10*9/L /uL % 1"
)
"""Units that are tried where the values do not fit in their own."""
THOUSANDS = "does the mark before three digits stand for thousands? 7.250 is 7.25 or 7250"
_Mark = Literal[".", ","] | None


@dataclass(frozen=True)
class _Numbers:
    """The different values of a column with their numbers; how many texts are none, and the units behind them."""

    values: np.ndarray
    n: np.ndarray
    unread: int
    units: Counter[str]
    parts: int = 0

    @property
    def share(self) -> float:
        return self.n.sum() / max(self.n.sum() + self.unread, 1)


def fit_number(name: str, field: Field, content: ColumnContent) -> Fit | None:
    """How a column can be a number; None where too few of its texts are one."""
    if content.dtype.is_numeric() and not isinstance(content.dtype, nw.Decimal):
        tried: dict[_Mark, _Numbers] = {None: _numbers(content)}
    elif content.dtype == nw.String:
        marks: tuple[_Mark, ...] = (None, ",", ".")
        tried = {mark: _texts(content.known_counts, field, mark) for mark in marks}
    else:
        return None
    mark, numbers = max(tried.items(), key=lambda each: each[1].share)
    if numbers.share < _READABLE or not len(numbers.values):
        return None
    unit, unclear = _unit(name, field, content, numbers)
    mapped = MappedColumn(content.name, unit=unit, decimal=mark, missing=_unknown_words(field, content))
    asks = unclear or [*_doubts(field, content, numbers, mark, unit)] or [*_unusual(name, field, numbers, unit)]
    if numbers.unread or _fractions(field, numbers):
        mapped = MappedColumn(content.name, unit=unit, decimal=mark, missing=mapped.missing, on_invalid="unknown")
    notes = [f"{numbers.parts:,} x known in part, such as <5"] if numbers.parts else []
    outside = _outside(field, numbers, unit)
    if 0 < outside <= (1 - _POSSIBLE) * numbers.n.sum():
        notes.append(f"{outside:,} x outside {_span(field)}, read as unknown")
    settled = not unclear and outside <= (1 - _POSSIBLE) * numbers.n.sum()
    return Fit(mapped, _holds(numbers, content), not asks and unit is None, settled, tuple(asks), tuple(notes))


# --- what stands there ------------------------------------------------------------------------------------------------


def _numbers(content: ColumnContent) -> _Numbers:
    counts = content.known_counts.with_columns(pl.col("text").cast(pl.Float64, strict=False))
    counts = counts.filter(pl.col("text").is_finite())
    return _Numbers(counts["text"].to_numpy(), counts["n"].to_numpy(), 0, Counter())


def _texts(counts: pl.DataFrame, field: Field, mark: _Mark) -> _Numbers:
    """What the reader makes of texts under a decimal mark: plain numbers at once, the others one by one."""
    plain = counts["text"].str.contains(_PLAIN.replace("{mark}", "," if mark == "," else r"\."))
    easy, odd = counts.filter(plain), counts.filter(~plain)
    values = easy["text"].str.replace(",", ".", literal=True).cast(pl.Float64).to_list()
    n, unread, units, parts = easy["n"].to_list(), 0, Counter(), 0
    if len(odd) > _ODD:
        return _Numbers(np.array(values), np.array(n), int(odd["n"].sum()), units)
    for text, times in odd.iter_rows():
        if unit := _unit_behind(text):
            units[unit] += times
        cell = read_cell(text, field, MappedColumn("", unit=unit or None, decimal=mark))
        value = next((value for value in (cell.value, cell.low, cell.high) if value is not None), None)
        if value is None or value != value:
            unread += times
        else:
            values, n, parts = [*values, float(value)], [*n, times], parts + times * (cell.value is None)
    return _Numbers(np.array(values), np.array(n), unread, units, parts)


def _unit_behind(text: str) -> str:
    """The unit behind a number, if it is one that is known: anything else may be a note."""
    match = re.fullmatch(r"[<>=≤≥]*\s*[+-]?[\d.,]*\d\s*([^\d\s.,+-].*)", text)
    try:
        return match[1].strip() if match and parse_unit(match[1], "") else ""
    except ProtocolError:
        return ""


# --- its unit ---------------------------------------------------------------------------------------------------------


def _unit(name: str, field: Field, content: ColumnContent, numbers: _Numbers) -> tuple[str | None, list[str]]:
    """The unit that name or cells tell, where it is another than the field's; what must be settled first."""
    called = fold(content.name) in (fold(name), fold(field.label))  # vitamin_d counts no days, nor a1c degrees
    called = called or concepts(content.name) in (concepts(name), concepts(field.label))
    named = None if called else without_unit(content.name)[1]
    behind = numbers.units.most_common(1)[0][0] if numbers.units else None
    units = [unit for unit in dict.fromkeys((behind, named)) if unit]
    if not units:
        return None, []
    if field.unit is None:
        return None, [f"the column is in {units[0]}, and the protocol names no unit"]
    try:
        made = {named: factor(named, field.unit, "it")} if named else {}
        others = {unit: factor(unit, field.unit, f"a part of it ({n:,} x)") for unit, n in numbers.units.items()}
    except ProtocolError as error:
        return None, [f"{error}"]
    made |= others
    if len({*made.values()}) > 1:
        return None, [f"name and cells tell different units: {', '.join([*made][:4])}"]
    return (None, []) if made[units[0]] == (1, 0) else (units[0], [])


def _in_field(field: Field, numbers: _Numbers, unit: str | None) -> np.ndarray:
    by, plus = factor(unit, field.unit, "") if unit and field.unit else (1.0, 0.0)
    return numbers.values * by + plus


def _outside(field: Field, numbers: _Numbers, unit: str | None) -> int:
    """How many values the protocol calls impossible."""
    low, high = field.limits
    values = _in_field(field, numbers, unit)
    return int(numbers.n[(values < low) | (values > high)].sum())


def _other_units(field: Field, numbers: _Numbers) -> list[str]:
    """Units in which the values would be possible."""
    units = []
    for unit in _OTHERS.split():
        try:
            other = field.unit and factor(unit, field.unit, "") != (1, 0)
            if other and _outside(field, numbers, unit) <= (1 - _POSSIBLE) * numbers.n.sum():
                units.append(unit)
        except ProtocolError:
            continue
    return units


# --- what speaks against it -------------------------------------------------------------------------------------------


def _doubts(field: Field, content: ColumnContent, numbers: _Numbers, mark: _Mark, unit: str | None) -> Iterable[str]:
    total = int(numbers.n.sum())
    if numbers.unread:
        yield f"{numbers.unread:,} x no number, which are not shown here"
    if (outside := _outside(field, numbers, unit)) > (1 - _POSSIBLE) * total:
        others = _other_units(field, numbers)
        hint = f"another unit, such as {' or '.join(others[:3])}?" if others else "another unit, or another thing?"
        yield f"{outside:,} of {total:,} are outside {_span(field)}: {hint}"
    if field.unit and field.range is None:
        yield f"the protocol declares no range, so that nothing shows whether it is in {field.unit}"
    if broken := _fractions(field, numbers):
        yield f"{broken:,} x no whole number"
    if content.dtype == nw.String and _may_be_thousands(content, mark):
        yield THOUSANDS
    elif content.dtype == nw.String and (n := _points_among_commas(content, mark)):
        yield f"{n:,} x a point before three digits beside decimal commas: 1.500 is read as 1500; is it?"
    if inside := [text for text in content.blanks if _is_number(text) and text not in _unknown_words(field, content)]:
        yield f"{', '.join(inside)} may stand for unknown: then it belongs under missing:"
    if (code := _nines(field, numbers)) is not None:
        times = int(numbers.n[numbers.values == code].sum())
        yield f"{code:g} may stand for unknown ({times:,} x): then missing: ['{code:g}']"


def _unusual(name: str, field: Field, numbers: _Numbers, unit: str | None) -> Iterable[str]:
    """Whether the middle of a known quantity lies where it does in no table of adults."""
    if field.unit == "%" and numbers.values.max() <= 1:
        yield "all values are at most 1: are they parts of 1, not percent?"
    usual = vocabulary()["usual"]
    known = next((usual[concept] for concept in (*concepts(name), *concepts(field.label)) if concept in usual), None)
    if known is None or not field.unit:
        return
    try:
        by, plus = factor(field.unit, known[2], "")
    except ProtocolError:
        return
    middle = _middle(numbers.n, _in_field(field, numbers, unit) * by + plus)
    if not known[0] <= middle <= known[1]:
        yield f"its median is {middle:.3g} {known[2]}, which is unusual: another unit, or another thing?"


def _middle(n: np.ndarray, values: np.ndarray) -> float:
    """The median of values with their numbers."""
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(n[order]), n.sum() / 2)])


def _fractions(field: Field, numbers: _Numbers) -> int:
    return int(numbers.n[numbers.values != np.round(numbers.values)].sum()) if field.type == "integer" else 0


def _may_be_thousands(content: ColumnContent, mark: _Mark) -> bool:
    """Whether every mark in a column has one to three digits before it and three behind it."""
    sign = "," if mark == "," else "."
    texts = content.known_counts["text"]
    marked = texts.filter(texts.str.contains(sign, literal=True))
    return len(marked) > 0 and bool(marked.str.contains(rf"^[1-9]\d{{0,2}}\{sign}\d{{3}}$").all())


def _points_among_commas(content: ColumnContent, mark: _Mark) -> int:
    """How many texts of a column with decimal commas hold a point that may be a decimal point after all."""
    texts = content.known_counts.filter(pl.col("text").str.contains(r"^[1-9]\d{0,2}\.\d{3}$"))
    return int(texts["n"].sum()) if mark == "," else 0


def _nines(field: Field, numbers: _Numbers) -> float | None:
    """A possible value, all nines or eights, that stands alone above the others, as people mark what is unknown."""
    low, high = field.limits
    inside = numbers.values[(numbers.values >= low) & (numbers.values <= high)]
    if len(inside) < 2 or (top := inside.max()) not in vocabulary()["nines"]:
        return None
    return top if inside[inside < top].max() < 0.9 * top and numbers.n[numbers.values == top].sum() > 1 else None


def _unknown_words(field: Field, content: ColumnContent) -> tuple[str, ...]:
    """The words for unknown; a number among them only where it is impossible."""
    low, high = field.limits
    return tuple(text for text in content.blanks if not _is_number(text) or not low <= float(text) <= high)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+", text))


# --- in words ---------------------------------------------------------------------------------------------------------


def _span(field: Field) -> str:
    return f"{field.span}{f' {field.unit}' if field.unit else ''}"


def _holds(numbers: _Numbers, content: ColumnContent) -> str:
    """Lowest, highest and median, rounded: of a long number nobody can tell which it was."""
    ends = (numbers.values.min(), numbers.values.max(), _middle(numbers.n, numbers.values))
    low, high, middle = (f"{float(f'{each:.3g}'):g}" for each in ends)
    return (f"{low} to {high}, median {middle}" if low != high else low) + content.empty_text
