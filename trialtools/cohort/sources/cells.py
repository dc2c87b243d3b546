"""The text of one cell goes in; the value it stands for comes out: whole, known in part, or the reason why not."""

from __future__ import annotations

import re

from ...criteria.protocol import Field
from .days import read_day
from .mapping import MappedColumn
from .numerals import read_number
from .values import BLANKS, UNKNOWN_WORD, Cell

_LETTERS = str.maketrans({"≤": "<=", "≥": ">=", "≦": "<=", "≧": ">=", "−": "-", "＜": "<", "＞": ">"})  # noqa: RUF001
_LONGEST = 100


def read_cell(text: str, field: Field, column: MappedColumn) -> Cell:
    """The number or the day that a cell stands for.

    A whole number is in the unit of its column, bounds are in the unit of the field. A bound that is left out ("> 3")
    moves to the next value that there is.

    >>> read_cell("97 %", Field("number", "", "%"), MappedColumn("spo2")).value
    97.0
    >>> read_cell("> 100", Field("integer", ""), MappedColumn("crp")).low
    101
    >>> read_cell("2023-02", Field("date", ""), MappedColumn("seen")).high
    datetime.date(2023, 2, 28)
    """
    plain = text.translate(_LETTERS).strip(BLANKS)
    if len(plain) > _LONGEST:
        return Cell(fault=f"no number and no day has more than {_LONGEST} letters; {UNKNOWN_WORD}")
    sign = re.match(r"(<=?|>=?|=<|=>)\s*", plain)
    rest, bound = (plain[sign.end() :], (">" in sign[0], "=" not in sign[0])) if sign else (plain, None)
    return read_day(rest, bound, field, column) if field.type == "date" else read_number(rest, bound, field, column)
