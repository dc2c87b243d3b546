"""A value goes in, the text that a reader sees comes out: numbers, shares, intervals, headings.

Unknown is never written as zero; what is absent is a dash.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

ABSENT = "—"
FRAME = "a frame, such as screening.attrition() gives"
NOBODY = "no patients"
_NOT_KNOWN = "not known"
SPACE = "\N{NO-BREAK SPACE}"
LIMITS = {">=": "from", "<=": "to", ">": "above", "<": "below"}
"""The word before a limit: age from 18, to 85."""


def count(n: Any) -> str:
    """A whole number with its thousands separated; 0 stays 0, what is absent is a dash.

    >>> count(12480), count(0), count(None), count(float("nan"))
    ('12,480', '0', '—', '—')
    """
    return ABSENT if absent(n) else f"{n:,.0f}".replace("-", "−")


def number(x: Any, digits: int = 1) -> str:
    """A measurement with a fixed number of decimals; what is absent is a dash.

    >>> number(22.46), number(-0.5, 2), number(None)
    ('22.5', '−0.50', '—')
    """
    return ABSENT if absent(x) else f"{x:,.{digits}f}".replace("-", "−")


def four_decimals(p: Any) -> str:
    """A p-value, or a part of alpha; a little is not none, and absent is a dash.

    >>> [four_decimals(p) for p in (0.025, 0.00001, 0, None)]
    ['0.0250', '<0.0001', '0.0000', '—']
    """
    return "<0.0001" if not absent(p) and 0 < p < 0.00005 else number(p, 4)


def percent(share: Any, digits: int = 1) -> str:
    """A share (0 to 1) in percent. A few are never rounded to none, nor nearly all to all; absent is a dash.

    >>> [percent(x).replace(SPACE, " ") for x in (0.125, 0, 0.00001, 0.99999, 1, None)]
    ['12.5 %', '0 %', '<0.1 %', '>99.9 %', '100 %', '—']
    """
    if absent(share):
        return ABSENT
    if share in (0, 1):
        return f"{share * 100:.0f}{SPACE}%"
    least = 10.0**-digits
    if 0 < share < least / 200:
        return f"<{least:.{digits}f}{SPACE}%"
    if 1 - least / 200 < share < 1:
        return f">{100 - least:.{digits}f}{SPACE}%"
    return f"{share * 100:.{digits}f}{SPACE}%".replace("-", "−")


def n_of(n: Any, of: Any) -> str:
    """A count with its share of a named whole; without a whole there is no share.

    >>> n_of(863, 1313).replace(SPACE, " "), n_of(0, 0)
    ('863 (65.7 %)', '0')
    """
    return count(n) if absent(n) or absent(of) or not of else f"{count(n)} ({percent(n / of)})"


def interval(certain: Any, possible: Any) -> str:
    """From the certain (unknown counts as fail) to the possible (unknown counts as pass); one number if they agree.

    >>> interval(0, 1412), interval(7, 7)
    ('0 to 1,412', '7')
    """
    return count(certain) if certain == possible else f"{count(certain)} to {count(possible)}"


def absent(value: Any) -> bool:
    """Whether there is no value: None, NaN, NaT, NA or an empty text."""
    if value is None or (isinstance(value, str) and value == ""):
        return True
    if isinstance(value, list | tuple | set | dict):
        return not value
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA refuses to be asked
        return True


def words(value: Any) -> str:
    """Any single value as a reader would write it; what is absent is a dash, and the level `unknown` is not known.

    >>> words(True), words(["imaging", "consent"]), words(None), words(date(2023, 1, 31)), words(0), words("unknown")
    ('yes', 'imaging, consent', '—', '2023-01-31', '0', 'not known')
    """
    if absent(value):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set):
        return ", ".join(words(item) for item in value)
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return count(value) if float(value).is_integer() else number(value)
    return _NOT_KNOWN if value == "unknown" else str(value)


SCREEN_WORDS = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "open",
    "certain": "at least",
    "possible": "at most",
    "undetermined": "not decided yet",
    "ineligible": "not eligible",
}
"""What screens and reports say where code, columns and files say something shorter."""


_HEADINGS = {
    "failed_here": "Leave here",
    "not_passed": "Failed or open",
    "gain_certain": "Eligible without it: at least",
    "gain_possible": "Eligible without it: at most",
    "unique_certain": "Kept out by it alone: at least",
    "unique_possible": "Kept out by it alone: at most",
    "shapley_certain": "Fair share of the loss: at least",
    "shapley_possible": "Fair share of the loss: at most",
}
"""Columns whose own names are terms of art."""


def in_sentence(name: str) -> str:
    """A name within a sentence: without a capital, unless the word has more of them.

    >>> in_sentence("Low dose"), in_sentence("MSCs")
    ('low dose', 'MSCs')
    """
    return name if any(letter.isupper() for letter in name[1:]) else name[:1].lower() + name[1:]


def capital(text: str) -> str:
    """A text with a capital letter at its beginning; the others stay as they are."""
    return text[:1].upper() + text[1:]


def enumeration(texts: Sequence[str]) -> str:
    """Words in a row: "low dose, high dose and placebo"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def plain(name: Any) -> str:
    """A name from a file as words: `any_listed` is any listed."""
    return str(name).replace("_", " ")


def heading(name: str) -> str:
    """A column's own name as a heading, in the words of screens and reports.

    >>> heading("undetermined"), heading("gain_certain"), heading("patient_id"), heading("n"), heading("pass")
    ('Not decided yet', 'Eligible without it: at least', 'Patient id', 'n', 'Passed')
    """
    if name in _HEADINGS:
        return _HEADINGS[name]
    words = " ".join(SCREEN_WORDS.get(word, word) for word in str(name).split("_"))
    return words if len(words) == 1 else capital(words)
