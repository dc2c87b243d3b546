"""A value known in part: what is certain of it goes in, both ends and what was written come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Interval:
    """Somewhere from `low` to `high`, both included; None where there is no bound. `written` is what the table says.

    ">100" of a whole number is 101 and above, "2023-05" is the first to the last of May.

    >>> print(Interval(date(2023, 5, 1), date(2023, 5, 31), "2023-05"))
    2023-05
    """

    low: float | date | None
    high: float | date | None
    written: str

    def __str__(self) -> str:
        return self.written


def ends(value: Any) -> tuple[Any, Any]:
    """The lowest and the highest that a value can be; twice the same where it is known."""
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


def compare(left: Any, operator: str, right: Any) -> bool | None:
    """True or false where all values that both sides can have agree, else None.

    >>> month = Interval(date(2023, 5, 1), date(2023, 5, 31), "2023-05")
    >>> compare(month, "<", date(2023, 6, 1)), compare(month, "<", date(2023, 5, 1)), compare(month, "==", month)
    (True, False, None)
    """
    match operator:
        case "<":
            return _truth(_is_sure(left, "<", right), _is_sure(right, "<=", left))
        case "<=":
            return _truth(_is_sure(left, "<=", right), _is_sure(right, "<", left))
        case ">" | ">=":
            return compare(right, operator.replace(">", "<"), left)
    apart = _is_sure(left, "<", right) or _is_sure(right, "<", left)
    alike = _is_sure(left, "<=", right) and _is_sure(right, "<=", left)
    return _truth(alike, apart) if operator == "==" else _truth(apart, alike)


def is_among(value: Interval, values: Iterable[Any], whole: bool) -> bool | None:
    """Whether a value is one of a list; `whole` says that there are only whole numbers, or days, to be."""
    low, high = ends(value)
    near = {each for each in values if (low is None or low <= each) and (high is None or each <= high)}
    if low is None or high is None or not near:
        return None if near else False
    if isinstance(low, date):
        return _truth(len(near) == (high - low).days + 1, False)
    return _truth(len([each for each in near if each % 1 == 0]) == high - low + 1 if whole else low == high, False)


def spread(work: Callable[..., Any], *towards: tuple[Any, bool]) -> Interval | None:
    """What `work` makes of values known in part; each value rises or falls (False) with the result."""
    pairs = [ends(value) if rises else ends(value)[::-1] for value, rises in towards]
    low, high = (None if None in end else work(*end) for end in zip(*pairs, strict=True))
    written = " and ".join(str(value) for value, _ in towards if isinstance(value, Interval))
    return None if low is None and high is None else Interval(low, high, written)


def _is_sure(left: Any, operator: str, right: Any) -> bool:
    high, low = ends(left)[1], ends(right)[0]
    if high is None or low is None:
        return False
    return high < low if operator == "<" else high <= low


def _truth(true: bool, false: bool) -> bool | None:
    return True if true else False if false else None
