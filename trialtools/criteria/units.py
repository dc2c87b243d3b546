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

from .language import ProtocolError

_PREFIXES = {"G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_PREFIXES |= {"mc": -6, "micro": -6}
_METRIC = {  # an atom that takes prefixes: its size and its dimension, what it is never mixed up with being one
    "m": (1, "length"),
    "g": (1, "mass"),
    "s": (1, "time"),
    "K": (1, "temperature"),
    "mol": (1, "amount"),
    "V": (1, "voltage"),
    "A": (1, "current"),
    "eq": (1, "equivalents"),
    "osm": (1, "osmoles"),
    "[IU]": (1, "catalysis"),  # of an enzyme one U, and of one substance nobody measures both
    "kat": (60_000_000, "catalysis"),
    "U": (1, "catalysis"),
    "rad": (1, "angle"),
    "Bq": (1, "radioactivity"),
    "Gy": (1, "absorbed dose"),
    "Sv": (1, "equivalent dose"),
    "L": (Fraction(1, 1000), "length length length"),
    "Hz": (1, "/time"),
    "J": (1000, "mass length length /time /time"),
    "cal": (4184, "mass length length /time /time"),
    "W": (1000, "mass length length /time /time /time"),
    "N": (1000, "mass length /time /time"),
    "Pa": (1000, "mass /length /time /time"),
    "bar": (100_000_000, "mass /length /time /time"),
    "m[Hg]": (133_322_387, "mass /length /time /time"),
    "m[H2O]": (Fraction("9806650"), "mass /length /time /time"),
}
_PLAIN = {  # an atom that takes none
    "10*": (10, ""),
    "%": (Fraction(1, 100), ""),
    "[ppth]": (Fraction(1, 1000), ""),
    "[ppm]": (Fraction(1, 10**6), ""),
    "[pH]": (1, "acidity"),
    "min": (60, "time"),
    "h": (3600, "time"),
    "d": (86400, "time"),
    "wk": (604800, "time"),
    "mo": (2629800, "time"),
    "a": (31557600, "time"),
    "deg": (Fraction(31415926535897932, 180 * 10**16), "angle"),
    "[lb_av]": (Fraction("453.59237"), "mass"),
    "[oz_av]": (Fraction("28.349523125"), "mass"),
    "[in_i]": (Fraction("0.0254"), "length"),
    "[ft_i]": (Fraction("0.3048"), "length"),
}
_DEGREES = {"Cel": (Fraction(1), Fraction("273.15")), "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9))}
_EVERYDAY = {  # how else people write an atom, or its plural
    "year": "a",
    "month": "mo",
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "yr": "a",
    "y": "a",
    "hr": "h",
    "sec": "s",
    "mmHg": "mm[Hg]",
    "cmH2O": "cm[H2O]",
    "IU": "[IU]",
    "[iU]": "[IU]",
    "Eq": "eq",
    "Osm": "osm",
    "l": "L",
    "mcg": "ug",
    "cc": "mL",
    "°C": "Cel",
    "degC": "Cel",
    "°F": "[degF]",
    "degF": "[degF]",
    "lb": "[lb_av]",
    "pH": "[pH]",
    "percent": "%",
    "‰": "[ppth]",
    "cell": "{cells}",
    "beat": "{beats}",
    "breath": "{breaths}",
    "copies": "{copies}",
    "bpm": "{beats}/min",
}
_LARGE = ("G", "M", "h", "da")
"""Prefixes that nobody writes before these but by a slip: Mg/dL is no megagram."""
_SMALL_ONLY = ("m", "g", "s", "L", "mol", "eq", "osm", "U", "[IU]")
_MEANT = {
    "G/L": "10*9/L",
    "Gpt/L": "10*9/L",
    "T/L": "10*12/L",
    "Tpt/L": "10*12/L",
    "K/uL": "10*3/uL",
    "M/uL": "10*6/uL",
    "109/L": "10*9/L",
    "1012/L": "10*12/L",
    "103/uL": "10*3/uL",
    "106/uL": "10*6/uL",
    "1000/uL": "10*3/uL",
    "1000/mm3": "10*3/uL",
    "g%": "g/dL",
    "mg%": "mg/dL",
    "g/24h": "g/d",
    "mg/24h": "mg/d",
    "M": "mol/L",
    "mM": "mmol/L",
    "uM": "umol/L",
    "nM": "nmol/L",
    "C": "Cel",
    "F": "[degF]",
    "in": "[in_i]",
    "inch": "[in_i]",
    "pound": "[lb_av]",
    "pounds": "[lb_av]",
    "INR": "1",
}
"""What looks like another unit, or like none."""
_COMMON = (
    "% /min 10*9/L 10*12/L 10*3/uL 10*6/uL 10*6/L {cells}/uL /mm3 U/L U/mL [IU]/L [IU]/mL m[IU]/L mmol/L umol/L nmol/L "
    "pmol/L mol/L g/L g/dL mg/dL mg/L ug/L ug/mL ng/mL ng/L ng/dL pg/mL meq/L mosm/kg mm[Hg] kPa cm[H2O] Cel [degF] K "
    "kg g mg ug ng [lb_av] m cm mm [in_i] kg/m2 m2 a mo wk d h min s ms L mL uL L/min mL/min mL/min/{1.73_m2} mL/kg "
    "mmol/mol mg/g mg/mmol ug/min mm/h fL pg mV bar"
)
_COMPONENT = re.compile(r"([^{}./()]*?)([+-]?\d+)?(\{[^{}]*\})?$")
_LETTERS = str.maketrans(dict(zip("µμº℃℉⁰¹²³⁴⁵⁶⁷⁸⁹", ("u", "u", "°", "°C", "°F", *"0123456789"), strict=True)))
_POWER = re.compile("10([⁰¹²³⁴-⁹]+)")


@dataclass
class Unit:
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


def parse_unit(unit: str, name: str) -> Unit:
    """What a unit means.

    Raises:
        ProtocolError: it is not known; the message names the nearest that is.
    """
    if (made := _parse(unit)) is None:
        raise ProtocolError(f"{name}: the unit '{unit}' is not known{_nearest(unit)}")
    return made


def completed_years(unit: str | None, wanted: str | None) -> str:
    """Of a column that counts months, weeks or days where whole years are wanted, which: mo, wk, d; else nothing.

    >>> completed_years("months", "years"), completed_years("years", "years")
    ('mo', '')
    """
    if not unit or not wanted or _parse(wanted) != _parse("a"):
        return ""
    return next((each for each in ("mo", "wk", "d") if _parse(unit) == _parse(each)), "")


@cache
def _parse(unit: str) -> Unit | None:
    written = _POWER.sub(r"10*\1", unit.strip()).translate(_LETTERS)
    written = re.sub(r"\{?1[.,]73[ _]*m2\}?", "{1.73_m2}", re.sub(r"\s*([./])\s*", r"\1", written))
    if (written := _everyday(written)) in _DEGREES:
        size, offset = _DEGREES[written]
        return Unit(size, offset, Counter({"temperature": 1}))
    made = Unit()
    return made if 0 < len(written) <= _LONGEST_UNIT and _read(written, 1, made) else None


def _everyday(atom: str) -> str:
    return _EVERYDAY.get(atom) or _EVERYDAY.get(atom.removesuffix("s"), atom)


def _read(written: str, sign: int, made: Unit) -> bool:
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


def _add(part: str, sign: int, made: Unit) -> bool:
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
    if atom in _PLAIN or atom in _METRIC:
        size, dimensions = (_PLAIN | _METRIC)[atom]
        return Fraction(size), dimensions
    for prefix, power in _PREFIXES.items():
        base = _everyday(atom.removeprefix(prefix))
        if atom.startswith(prefix) and base in _METRIC and not (prefix in _LARGE and base in _SMALL_ONLY):
            size, dimensions = _METRIC[base]
            return Fraction(size) * Fraction(10) ** power, dimensions
    return None


def _difference(have: Unit, want: Unit) -> str:
    """Why two units do not measure the same thing; nothing where they do."""
    dimensions = [{kind: n for kind, n in unit.dimensions.items() if n} for unit in (have, want)]
    if dimensions[0] != dimensions[1]:
        kinds = {frozenset(each) & {"mass", "amount", "equivalents", "catalysis"} for each in dimensions}
        if len(kinds) == 2 and all(kinds):
            return "what lies between them depends on the substance; convert the values in the table"
        return "they measure different things"
    over = [{kind for kind in unit.over if kind != "length"} if not dimensions[0] else set() for unit in (have, want)]
    if over[0] != over[1]:
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
        written = next((common for common in _COMMON.split() if common.lower() == plain.lower()), plain)
        return f"; did you mean '{written}'?"
    if len(unit) > _LONGEST or sum(map(str.isdigit, unit)) > 4:  # a column of prose must not be compared text by text
        return _AS_UCUM
    spelling = _fold(unit)
    alike = {_fold(common): common for common in _COMMON.split()}
    folded = {each: common for each, common in alike.items() if _digits(each) == _digits(spelling)}  # 10^4 is not 10^3
    close = get_close_matches(spelling, folded, 1, 0.76)
    return f"; did you mean '{folded[close[0]]}'?" if close else _AS_UCUM


def _fold(unit: str) -> str:
    """A unit without what people write differently: marks of a power, blanks, brackets, case."""
    plain = re.sub(r"^[x×]\s*|[\^\s{}\[\]_]|\*\*?", "", unit.translate(_LETTERS).lower())
    return plain.replace("10e", "10")


def _digits(unit: str) -> str:
    return re.sub(r"\D", "", unit)
