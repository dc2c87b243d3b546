"""Arms, counts and differences of a look go in, their words come out: one way to write each, on every page."""

from __future__ import annotations

from datetime import date
from typing import Any

from ...figures.format import SPACE, count, number, percent
from ..endpoint import Endpoint
from ..lookdata import LookData
from .effect import Effect

NOT_COLLECTED = "not collected"
_HY = "possible Hy's law"


def arm_name(look: LookData, arm: str) -> str:
    """What an arm is called on page 1: its label without the word group."""
    return look.labels.get(arm, arm).removesuffix(" group")


def in_sentence(look: LookData, arm: str) -> str:
    """The same within a sentence: without a capital, unless the word has more of them."""
    name = arm_name(look, arm)
    return name if any(letter.isupper() for letter in name[1:]) else name[:1].lower() + name[1:]


def share(n: Any, of: Any) -> str:
    """A count of a whole with its share: 2 of 90 (2.2 %); of nobody without."""
    return f"{count(n)} of {count(of)}" + (f" ({percent(n / of)})" if n and of else "")


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: +15.2.

    >>> points(-0.102), points(0.0), points(0.152)
    ('−10.2', '0.0', '+15.2')
    """
    text = number(100 * difference)
    return "0.0" if text.lstrip("−") == "0.0" else text if difference < 0 else f"+{text}"


def interval(difference: float, low: float, high: float) -> str:
    """A difference with its interval, in percentage points: −2.2 (−7.8 to +2.1)."""
    return f"{points(difference)} ({points(low)} to {points(high)})"


def more_or_fewer(difference: float, unit: str = "") -> str:
    """A difference without a sign, with the word for it: "10.2 percentage points fewer", "as many"."""
    size = points(difference).lstrip("+−")
    words = [size, *([unit] if unit else []), "fewer" if difference < 0 else "more"]
    return "as many" if size == "0.0" else " ".join(words)


def from_to(low: float, high: float) -> str:
    """An interval in words: "from 24.1 fewer to 1.5 more", "from 28.8 to 1.9 fewer"."""
    first, last = more_or_fewer(low), more_or_fewer(high)
    same = first.split()[-1] == last.split()[-1] and (low < 0) == (high < 0)
    return f"from {first.split()[0] if same and ' ' in first else first} to {last}"


def in_100(chance: float) -> str:
    """A chance of a hundred: "91 in 100", "below 1 in 100".

    >>> in_100(0.908), in_100(0.0004), in_100(0.9999)
    ('91 in 100', 'below 1 in 100', 'above 99 in 100')
    """
    return "below 1 in 100" if chance < 0.005 else "above 99 in 100" if chance > 0.995 else f"{chance * 100:.0f} in 100"


def written_day(day: date, near: date | None = None) -> str:
    """A day in words; the year is left out where it is that of another day."""
    year = "" if near and near.year == day.year else f" {day.year}"
    return f"{day.day}{SPACE}{day:%B}{year}"


def direction(found: Effect, endpoint: Endpoint, arm: str, control: str) -> str:
    """Which way the effect goes: "fewer participants progress with MSCs".

    Where arms differ in size so that counts and shares do not go the same way, of shares.
    """
    (hits, n), (others, m) = found.events.values()
    way = _sign(found.difference)
    if not way or points(found.difference) == "0.0":
        return f"as many participants {endpoint.happens} with {arm} as with {control}"
    who = f"{'fewer' if way < 0 else 'more'} participants"
    if _sign(hits - others) != way:
        strata = "" if _sign(hits / n - others / m) == way else "within strata, "
        who = f"{strata}a {'smaller' if way < 0 else 'larger'} share of participants"
    return f"{who} {endpoint.happens} with {arm}"


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
