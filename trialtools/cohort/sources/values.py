"""What the text of one cell may stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""What stands around a text and says nothing: every kind of blank, and letters that nobody sees."""
UNKNOWN_WORD = "a word for unknown belongs under missing:"


@dataclass(frozen=True)
class Cell:
    """A value; or the bounds of one that is known in part; or, without any of them, the `fault` of the text."""

    value: Any = None
    low: Any = None
    high: Any = None
    fault: str = ""


Bound = tuple[bool, bool] | None
"""Of a value with a sign before it, whether that is the lower bound, and whether the bound itself is left out."""
