"""Two units go in, what brings one to the other comes out, exactly; or why nothing does.

Units are written as the Unified Code for Units of Measure (UCUM) writes them, or as people do every day. What measures
another thing is never converted, even where the dimension is the same: mmol/mol is no %, equivalents are no moles, a
remark in braces is part of what is measured.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path

import yaml

from .language import ProtocolError

_TABLES = yaml.safe_load(Path(__file__).with_name("units.yaml").read_text("utf-8"))
_PREFIXES, _EVERYDAY, _MEANT = _TABLES["prefixes"], _TABLES["everyday"], _TABLES["meant"]
_METRIC, _PLAIN = (
    {atom: (Fraction(size), dimensions) for atom, (size, dimensions) in _TABLES[which].items()}
    for which in ("metric", "plain")
)
_DEGREES = {"Cel": (Fraction(1), Fraction("273.15")), "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9))}
_LARGE = ("G", "M", "h", "da")
"""Prefixes that nobody writes before these but by a slip: Mg/dL is no megagram."""
_SMALL_ONLY = ("m", "g", "s", "L", "mol", "eq", "osm", "U", "[IU]")
_COMPONENT = re.compile(r"([^{}./()]*?)([+-]?\d+)?(\{[^{}]*\})?$")
_LETTERS = str.maketrans(dict(zip("µμº℃℉⁰¹²³⁴⁵⁶⁷⁸⁹", ("u", "u", "°", "°C", "°F", *"0123456789"), strict=True)))
_POWER = re.compile("10([⁰¹²³⁴-⁹]+)")


@dataclass
class _Unit:
    """A size in base units and its dimensions; `over` are those of the numerator, `counted` and `remarks` the braces.

    A remark that stands alone says what is counted (`{cells}/uL`), and may be left out; any other is part of the unit.
    """

    size: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    dimensions: Counter[str] = field(default_factory=Counter)
    over: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)


def factor(unit: str, wanted: str, name: str) -> tuple[float, float]:
    """What to multiply with and then add to bring a value to the wanted unit.

    Args:
        unit, wanted: such as `[degF]` and `Cel`.
        name: of what is measured, for the message.

    Raises:
        ProtocolError: an unknown unit, or two that do not measure the same thing.

    >>> factor("g/L", "g/dL", "haemoglobin")
    (0.1, 0.0)

    Source: Schadow and McDonald, The Unified Code for Units of Measure, version 2.2.
    """
    if unit == wanted:
        return 1.0, 0.0
    have, want = parse_unit(unit, name), parse_unit(wanted, name)
    if why := _difference(have, want):
        raise ProtocolError(f"{name} is in {unit} here, which cannot become {wanted}: {why}{_meaning(unit)}")
    return float(have.size / want.size), float((have.offset - want.offset) / want.size)


def parse_unit(unit: str, name: str) -> _Unit:
    """What a unit means.

    Raises:
        ProtocolError: it is not known; the message names the nearest that is.
    """
    if (made := _parse(unit)) is None:
        raise ProtocolError(f"{name}: the unit '{unit}' is not known{_nearest(unit)}")
    return made


def part_of_year(unit: str | None, wanted: str | None) -> str:
    """Of a column that counts months, weeks or days where whole years are wanted, which: mo, wk, d; else nothing.

    >>> part_of_year("months", "years"), part_of_year("years", "years")
    ('mo', '')
    """
    if not unit or not wanted or _parse(wanted) != _parse("a"):
        return ""
    return next((each for each in ("mo", "wk", "d") if _parse(unit) == _parse(each)), "")


@lru_cache(10_000)
def _parse(unit: str) -> _Unit | None:
    written = _POWER.sub(r"10*\1", unit.strip()).translate(_LETTERS)
    written = re.sub(r"\{?1[.,]73[ _]*m2\}?", "{1.73_m2}", re.sub(r"\s*([./])\s*", r"\1", written))
    if (written := _everyday(written)) in _DEGREES:
        size, offset = _DEGREES[written]
        return _Unit(size, offset, Counter({"temperature": 1}))
    made = _Unit()
    return made if 0 < len(written) <= _LONGEST_UNIT and _read(written, 1, made) else None


def _everyday(atom: str) -> str:
    return _EVERYDAY.get(atom) or _EVERYDAY.get(atom.removesuffix("s"), atom)


def _read(written: str, sign: int, made: _Unit) -> bool:
    """Add a term to a unit; False where a part of it is not known."""
    depth, start, turn = 0, 0, sign
    for at, letter in enumerate(f"{written}/"):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(letter, 0)
        if depth or letter not in "./":
            continue
        if (at or letter == ".") and not _add(_everyday(written[start:at]), turn, made):
            return False
        start, turn = at + 1, sign if letter == "." else -sign
    return depth == 0


def _add(part: str, sign: int, made: _Unit) -> bool:
    if part.startswith("(") and part.endswith(")"):
        return _read(part[1:-1], sign, made)
    if not part or not (match := _COMPONENT.match(part)):
        return False
    atom, power, remark = match.groups()
    times = sign * int(power or 1)
    if remark:
        (made.counted if sign > 0 and atom in ("", "10*") else made.remarks).add(remark)
    if not atom:
        number = int(power or 1)
        made.size *= Fraction(max(number, 1)) ** sign
        return number > 0 and (sign < 0 or number == 1)  # 103/uL has lost a power: 10*3/uL
    if not 0 < abs(times) < 100 or (known := _atom(_everyday(atom))) is None:
        return False
    size, dimensions = known
    made.size *= size**times
    for dimension in dimensions.split():
        exponent, kind = times * (-1 if dimension.startswith("/") else 1), dimension.lstrip("/")
        made.dimensions[kind] += exponent
        made.over |= {kind} if exponent > 0 else set()
    return True


def _atom(atom: str) -> tuple[Fraction, str] | None:
    if known := _PLAIN.get(atom) or _METRIC.get(atom):
        return known
    for prefix, power in _PREFIXES.items():
        base = _everyday(atom.removeprefix(prefix)) if atom.startswith(prefix) else ""
        if base in _METRIC and not (prefix in _LARGE and base in _SMALL_ONLY):
            size, dimensions = _METRIC[base]
            return size * Fraction(10) ** power, dimensions
    return None


def _difference(have: _Unit, want: _Unit) -> str:
    """Why two units do not measure the same thing; nothing where they do."""
    dimensions = [{kind: n for kind, n in unit.dimensions.items() if n} for unit in (have, want)]
    if dimensions[0] != dimensions[1]:
        kinds = {frozenset(each) & {"mass", "amount", "equivalents", "catalysis"} for each in dimensions}
        if len(kinds) == 2 and all(kinds):
            return "what lies between them depends on the substance; convert the values in the table"
        return "they measure different things"
    if not dimensions[0] and have.over - {"length"} != want.over - {"length"}:
        return "the dimension is the same, the meaning is not (HbA1c of 53 mmol/mol is 7.0 %); convert the values"
    counted = have.counted and want.counted and have.counted != want.counted
    if counted or have.remarks != want.remarks:
        remarks = [", ".join(sorted(unit.counted | unit.remarks)) or "none" for unit in (have, want)]
        return f"what is remarked in braces is not the same ({remarks[0]}; {remarks[1]})"
    return ""


def _meaning(unit: str) -> str:
    meant = _MEANT.get(re.sub(r"(?<=/)([mu]?)l", r"\1L", unit.replace(" ", "").translate(_LETTERS)))
    return f"; did you mean '{meant}'?" if meant else ""


_LONGEST_UNIT, _LONGEST, _AS_UCUM = 100, 20, "; write it as UCUM does, such as mg/dL or 10*9/L"


@lru_cache(1000)
def _nearest(unit: str) -> str:
    if meant := _meaning(unit):
        return meant
    plain = re.sub(r"\^|(?<!10)\*\*", "", re.sub(r"(?<=10)(\^|\*\*|[eE])", "*", re.sub(r"^[x×]\s*", "", unit)))
    if plain != unit and _parse(plain):
        written = next((common for common in _TABLES["common"].split() if common.lower() == plain.lower()), plain)
        return f"; did you mean '{written}'?"
    if len(unit) > _LONGEST or sum(map(str.isdigit, unit)) > 4:  # a column of prose must not be compared text by text
        return _AS_UCUM
    spelling = _fold(unit)
    alike = _common().get(_digits(spelling), {})  # 10^4 is not 10^3
    close = get_close_matches(spelling, alike, 1, 0.76)
    return f"; did you mean '{alike[close[0]]}'?" if close else _AS_UCUM


@cache
def _common() -> dict[str, dict[str, str]]:
    """Units that many write, by their digits and folded."""
    by_digits: dict[str, dict[str, str]] = {}
    for unit in _TABLES["common"].split():
        by_digits.setdefault(_digits(_fold(unit)), {})[_fold(unit)] = unit
    return by_digits


def _fold(unit: str) -> str:
    """A unit without what people write differently: marks of a power, blanks, brackets, case."""
    plain = re.sub(r"^[x×]\s*|[\^\s{}\[\]_]|\*\*?", "", unit.translate(_LETTERS).lower())
    return plain.replace("10e", "10")


def _digits(unit: str) -> str:
    return re.sub(r"\D", "", unit)
