"""A value known in part: what is certain of it goes in, both ends and what was written come out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
