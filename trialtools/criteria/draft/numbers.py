"""A sentence goes in; the limits that it names come out: "≥ 10 %", "18 to 64 years", "19 or higher"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .phrases import PHRASES

_SIGNS, _UNITS = PHRASES["signs"], PHRASES["units"]
_SIGN = "(?:" + "|".join(f"(?P<s{place}>{words})" for place, words in enumerate(_SIGNS.values())) + ")"
_NUMBER = r"\d{{1,3}}(?:[,\s]\d{{3}})+(?!\d)|\d+(?:[.·]\d+)?"
_FIRST, _SECOND = (f"(?P<{name}>{_NUMBER.format()})" for name in ("first", "second"))
_UNIT = "(?:" + "|".join(f"(?P<u{place}>{words})" for place, words in enumerate(_UNITS.values())) + ")?"
_UP = "and older|or older|and over|or over|and above|or above|or more|or higher|or greater|and up"
_DOWN = "or younger|or less|or lower|or below|and younger|and below"
_RANGE = re.compile(
    rf"(?:(?:between|from|of|aged?|ages|:)\s*)?(?<![\w.,+-]){_FIRST}\s*(?:years?|yrs?|kg/m2|kg|weeks?|months?)?"
    rf"\s*(?:\(including\)\s*)?(?:-|–|—|to|and|~|through)\s*{_SECOND}(?!\d*\+\d)\s*{_UNIT}",
    re.I,
)
_COMPARED = re.compile(
    rf"{_SIGN}\s*(?P<equal>or equal to\s*)?(?:the )?(?:age (?:of )?)?{_FIRST}(?!\d*(?:\s?[-/]\s?|\+)\d)\s*{_UNIT}", re.I
)
_FOLLOWED = re.compile(
    rf"(?<![\w.,+]){_FIRST}\s*{_UNIT}\s*(?:of age|old)?\s*,?\s*(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b", re.I
)
_SCALE = re.compile(r"[\w\s-]{0,20}\bscale", re.I)
_LED_AS_SCALE = re.compile(r"(?:scale|rang\w+|scored?)[^\w)]+(?:of|from)?\s*$", re.I)


@dataclass(frozen=True)
class Limit:
    """A number that a sentence compares with, or two of them; `unit` is "" where none stands, `uln` for multiples."""

    start: int
    end: int
    unit: str
    low: tuple[str, str] | None = None
    high: tuple[str, str] | None = None

    def formula(self, name: str, times: str = "") -> str:
        """The limit as a condition on a field, each number times another field."""
        if self.low and self.high:
            return f"{self.low[1]}{times} {self.low[0]} {name} {self.high[0]} {self.high[1]}{times}"
        sign, number = self.low or self.high or ("", "")
        return f"{name} {sign} {number}{times}"


def limits(sentence: str) -> list[Limit]:
    """The limits of a sentence, in its order; the range of a scale is none.

    >>> [limit.formula("x") for limit in limits("EASI ≥16 (0-72 scale), aged 18 to 64 years, BSA of 10% or more")]
    ['x >= 16', '18 <= x <= 64', 'x >= 10']
    """
    distinct: list[tuple[Limit, bool]] = []
    for limit, is_scale in _limits(sentence):
        if all(limit.end <= other.start or other.end <= limit.start for other, _ in distinct):
            distinct.append((limit, is_scale))
    return sorted((limit for limit, is_scale in distinct if not is_scale), key=lambda limit: limit.start)


def _limits(sentence: str) -> Iterator[tuple[Limit, bool]]:
    for match in _RANGE.finditer(sentence):
        low, high = _number(match["first"]), _number(match["second"])
        scale = _SCALE.match(sentence, match.end()) or _LED_AS_SCALE.search(sentence[: match.start()])
        if float(low) < float(high):
            yield Limit(*match.span(), _unit(match), ("<=", low), ("<=", high)), bool(scale)
    for match in _COMPARED.finditer(sentence):
        sign = next(sign for place, sign in enumerate(_SIGNS) if match[f"s{place}"])
        sign = sign + "=" * (bool(match["equal"]) and len(sign) == 1)
        limit = (sign, _number(match["first"]))
        yield Limit(*match.span(), _unit(match), **{"low" if ">" in sign else "high": limit}), False
    for match in _FOLLOWED.finditer(sentence):
        is_low = bool(match["up"])
        limit = (">=" if is_low else "<=", _number(match["first"]))
        yield Limit(*match.span(), _unit(match), **{"low" if is_low else "high": limit}), False


def _unit(match: re.Match[str]) -> str:
    return next((unit for place, unit in enumerate(_UNITS) if match[f"u{place}"]), "")


def _number(written: str) -> str:
    """The plain digits of a number: 1,500 is 1500."""
    value = float(re.sub(r"[,\s](?=\d{3})", "", written).replace("·", "."))
    return str(int(value)) if value == int(value) else str(value)
