"""Arms, counts and differences of a look go in, their words come out: one way to write each, on every page."""

from __future__ import annotations

from datetime import date
from typing import Any

from ...figures.format import SPACE, count, percent
from ..endpoint import Endpoint, Kind
from ..lookdata import LookData
from .effect import Effect
from .measure import MEASURES

NOT_COLLECTED = "not collected"
_HY = "possible Hy's law"


def arm_name(look: LookData, arm: str) -> str:
    """What an arm is called on page 1: its label without the word group."""
    return look.labels.get(arm, arm).removesuffix(" group")


def in_sentence(look: LookData, arm: str) -> str:
    """The same within a sentence: without a capital, unless the word has more of them."""
    name = arm_name(look, arm)
    return name if any(letter.isupper() for letter in name[1:]) else name[:1].lower() + name[1:]


def arms_told(look: LookData) -> list[str]:
    """The arms of this look, the control last."""
    return [arm for arm in look.plan.arms if arm in look.arms]


def enumerated(texts: list[str]) -> str:
    """Words in a row: "low dose, high dose and placebo"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def share(n: Any, of: Any) -> str:
    """A count of a whole with its share: 2 of 90 (2.2 %); of nobody without."""
    return f"{count(n)} of {count(of)}" + (f" ({percent(n / of)})" if n and of else "")


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: +15.2.

    >>> points(-0.102), points(0.0), points(0.152)
    ('−10.2', '0.0', '+15.2')
    """
    return MEASURES["binary"].text(difference)


def interval(difference: float, low: float, high: float) -> str:
    """A difference of shares with its interval, in percentage points: −2.2 (−7.8 to +2.1)."""
    return MEASURES["binary"].interval(difference, low, high)


def more_or_fewer(difference: float, unit: str = "", kind: Kind = "binary") -> str:
    """A difference without a sign, with the word for it: "10.2 percentage points fewer", "1.20 lower", "as many"."""
    size = MEASURES[kind].text(difference).lstrip("+−")
    less, more, same = _WORDS[kind]
    words = [size, *([unit] if unit else []), less if difference < 0 else more]
    return same if not size.strip("0.") else " ".join(words)


def from_to(low: float, high: float, kind: Kind = "binary") -> str:
    """An interval in words: "from 24.1 fewer to 1.5 more", "from 28.8 to 1.9 fewer"."""
    if kind in ("time_to_event", "ordinal"):
        return f"from {MEASURES[kind].text(low)} to {MEASURES[kind].text(high)}"
    first, last = more_or_fewer(low, kind=kind), more_or_fewer(high, kind=kind)
    same = first.split()[-1] == last.split()[-1] and (low < 0) == (high < 0)
    return f"from {first.split()[0] if same and ' ' in first else first} to {last}"


_WORDS: dict[Kind, tuple[str, str, str]] = {
    "binary": ("fewer", "more", "as many"),
    "continuous": ("lower", "higher", "the same"),
}


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
    """Which way the effect goes: "fewer participants progress with MSCs", "death comes later with MSCs".

    Where arms differ in size so that counts and shares do not go the same way, of shares.
    """
    way = _sign(found.difference)
    same = not way or found.measure.text(found.difference) == found.measure.text(0.0)
    less, more = direction_words(found.kind, endpoint, arm)
    if found.kind != "binary":
        neither = _NEITHER[found.kind].format(title=endpoint.title, arm=arm, control=control)
        return neither if same else (less, more)[way > 0]
    (hits, n), (others, m) = found.events.values()
    if same:
        return f"as many participants {endpoint.happens} with {arm} as with {control}"
    who = f"{'fewer' if way < 0 else 'more'} participants"
    if _sign(hits - others) != way:
        strata = "" if _sign(hits / n - others / m) == way else "within strata, "
        who = f"{strata}a {'smaller' if way < 0 else 'larger'} share of participants"
    return f"{who} {endpoint.happens} with {arm}"


_NEITHER: dict[Kind, str] = {
    "time_to_event": "{title} comes neither sooner nor later with {arm} than with {control}",
    "continuous": "the mean of {title} is the same with {arm} as with {control}",
    "ordinal": "{title} is neither better nor worse with {arm} than with {control}",
}


def direction_words(kind: Kind, endpoint: Endpoint, arm: str) -> tuple[str, str]:
    """An effect below zero and one above it, in words."""
    title = endpoint.title
    match kind:
        case "time_to_event":
            return f"{title} comes later with {arm}", f"{title} comes sooner with {arm}"
        case "continuous":
            return f"the mean of {title} is lower with {arm}", f"the mean of {title} is higher with {arm}"
        case "ordinal":
            return f"{title} is worse with {arm}", f"{title} is better with {arm}"
    return f"fewer {endpoint.happens} with {arm}", f"more {endpoint.happens} with {arm}"


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
