"""A field and a column go in; how the column would be read as that field comes out, and what a person must decide.

What no word of everybody's says stays open; so does a date whose day and month cannot be told apart.
"""

from __future__ import annotations

from itertools import islice

import narwhals as nw

from ...criteria.language import NUMERIC
from ...criteria.protocol import Field
from ..sources.cells import read_cell
from ..sources.mapping import UNKNOWN, MappedColumn
from .content import ColumnContent, Fit
from .numbers import fit_number
from .words import split, tokens, vocabulary, word, word_list


def fit(name: str, field: Field, content: ColumnContent) -> Fit | None:
    """How a column can be a field; None where it cannot."""
    if not content.n_filled:
        return None
    if field.type in NUMERIC:
        return fit_number(name, field, content)
    if field.type == "date":
        return _fit_date(field, content)
    return _fit_flag(name, field, content) if field.type == "flag" else _fit_category(field, content)


# --- codes ------------------------------------------------------------------------------------------------------------

_Codes = dict[str, bool | str]

_CLEAR = ({"y", "n"}, {"j", "n"})
"""Letters that mean yes and no where nothing else stands in a column."""


def _fit_flag(name: str, field: Field, content: ColumnContent) -> Fit | None:
    """How a column says yes and no."""
    if not (few := content.few):
        return None
    words = {word(text) for text in few} - word_list("blank")
    if words <= {"true", "false"}:
        return _plain_line(content)
    bare = {sign: word == "yes" for word, signs in vocabulary()["bare"].items() for sign in split(signs)}
    plain = dict.fromkeys(word_list("no"), False) | dict.fromkeys(word_list("yes"), True)
    if any(words <= letters for letters in _CLEAR):
        plain |= {sign: bare[sign] for sign in words}
    if not words <= {*plain, *bare}:
        bare = {}  # beside 2, 1 need not mean yes
    negated = [_negates(name), _negates(content.name)]
    turned = any(negated) and (not all(negated) or not words.isdisjoint(word_list("signed")))
    asks = ["its name or the field's says 'not': which value means yes?"] if turned else []
    asks += [f"'{sign}' is taken for {'yes' if bare[sign] else 'no'}" for sign in sorted(words & {*bare} - {*plain})]
    return _code_line(field, content, {} if turned else bare | plain, asks)


def _negates(text: str) -> bool:
    """Whether a name turns its meaning round."""
    return bool(word_list("negations") & {*tokens(text)})


def _fit_category(field: Field, content: ColumnContent) -> Fit | None:
    """How a column says one of several values."""
    if not (few := content.few):
        return None
    if {*few} - {*content.blanks} <= {*field.values}:
        return _plain_line(content)
    words = {word(text) for text in few} - word_list("blank")
    sexes, sure = _sexes(words) if {"female", "male"} <= {*field.values} else ({}, True)
    asks = [] if sure else ["its letters are those of another language, or one of them is missing"]
    return _code_line(field, content, {**sexes, **{word(value): value for value in field.values}}, asks)


def _sexes(words: set[str]) -> tuple[dict[str, str], bool]:
    """What the words of a column mean by sex; sure only where they can mean nothing else."""
    for pair in vocabulary()["sexes"]:
        means = {letters: sex for sex, letters in pair.items()}
        if words & {*means} and words <= {*means, "female", "male"}:
            return means, words >= {*means} and (len(min(words, key=len)) > 1 or words == {"f", "m"})
    return {}, True


def _plain_line(content: ColumnContent) -> Fit:
    """The line of a column that is written as the protocol writes it."""
    return Fit(MappedColumn(content.name, missing=tuple(content.blanks)), _value_list(content, {}))


def _code_line(field: Field, content: ColumnContent, means: _Codes, asks: list[str]) -> Fit | None:
    """The line of a column whose words mean this; None where nothing is understood of it, and not all may be shown.

    A text that may not be shown, for it means nothing and is no word of everybody's, has no code, and is unknown.
    """
    few = content.few
    codes = {text: UNKNOWN if text in content.blanks else means.get(word(text), UNKNOWN) for text in few}
    settled = any(meaning != UNKNOWN for meaning in codes.values())
    hidden = {text: n for text, n in few.items() if codes[text] == UNKNOWN and not content.shows(text, field)}
    if hidden and not settled and not asks:
        return None
    shown = {text: meaning for text, meaning in codes.items() if text not in hidden}
    for text in shown:
        if shown[text] == UNKNOWN and text not in content.blanks:
            asks.append(f"what does '{text}' mean ({few[text]:,} x)?")
    if hidden:
        n = sum(hidden.values())
        asks.append(f"{len(hidden)} more, not shown here ({n:,} x), without a code: what do they mean?")
    mapped = MappedColumn(content.name, codes=shown, on_invalid="unknown" if hidden else "error")
    return Fit(mapped, _value_list(content, hidden), not asks, settled, tuple(asks))


def _value_list(content: ColumnContent, hidden: dict[str, int]) -> str:
    """The values of a column with their numbers."""
    parts = [f"{text} {n:,}" for text, n in content.few.items() if text not in hidden]
    parts += [f"other texts {sum(hidden.values()):,}"] if hidden else []
    return ", ".join(parts) + content.empty_text


# --- days -------------------------------------------------------------------------------------------------------------

_READABLE, _DECIDED, _SOME = 0.98, 0.2, 0.3
"""The share of texts that must be days, that of days that must tell two formats apart, and that of a first trial."""
_FIRST, _MANY = 100, 20_000
"""Different texts of the first trial, and those that are read at most."""
_CENTURY = 2099
"""A pivot under which years of two digits can be read, before somebody says which century they are of."""
_ISO = "%Y-%m-%d"
_FORMATS = (
    _ISO, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%Y.%m.%d",
    "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip


def _fit_date(field: Field, content: ColumnContent) -> Fit | None:
    """How a column can be a day; None where too few of its texts are one."""
    if content.dtype == nw.Date or isinstance(content.dtype, nw.Datetime):
        years = [int(text[:4]) for text in content.known_counts["text"]]
        return Fit(MappedColumn(content.name), _holds(years, content))
    if content.dtype != nw.String and not content.dtype.is_integer():
        return None
    formats = _FORMATS if content.dtype == nw.String else ("%Y%m%d",)
    counts = [*islice(content.known_counts.iter_rows(), _MANY)]
    first = counts[:_FIRST]
    likely = [written for written in formats if len(_days(first, field, written)) > _SOME * len(first)]
    read = {written: _days(counts, field, written) for written in likely}
    total = sum(n for _, n in counts)
    share = {written: sum(n for text, n in counts if text in days) / total for written, days in read.items()}
    good = [written for written in share if share[written] >= _READABLE]
    if not good:
        return _in_two_orders(counts, read, content)
    written, other = good[0], _TURNED.get(good[0], "")
    asks = ["some texts are no days, and are not shown here"] if share[written] < 1 else []
    if other in good:
        asks.append(f"is it the day or the month that stands first? Every date can be read as {written} and as {other}")
    elif share.get(other, 0) > 1 - _DECIDED:
        asks.append(f"only few dates tell that it is {written} and not {other}")
    if "%y" in written:
        asks.append("years of two digits: which century? pivot: is the last year that they can mean")
    mapped = MappedColumn(
        content.name,
        format=None if written == _ISO else written,
        missing=tuple(content.blanks),
        on_invalid="unknown" if share[written] < 1 else "error",
    )
    settled = other not in good and "%y" not in written
    years = [] if "%y" in written else [*read[written].values()]
    return Fit(mapped, _holds(years, content), not asks, settled, tuple(asks))


def _days(counts: list[tuple[str, int]], field: Field, written: str) -> dict[str, int]:
    """By text the year that it tells under a format; texts that are no days are left out."""
    days, column = {}, MappedColumn("", format=written, pivot=_CENTURY if "%y" in written else None)
    for text, _ in counts:
        cell = read_cell(text, field, column)
        if day := cell.value or cell.low or cell.high:
            days[text] = day.year
    return days


def _in_two_orders(
    counts: list[tuple[str, int]], read: dict[str, dict[str, int]], content: ColumnContent
) -> Fit | None:
    """A column that is all days only if some are read as day and month, others as month and day."""
    for written, other in _TURNED.items():
        either = read[written] | read[other] if written in read and other in read else {}
        if either and all(text in either for text, _ in counts):
            asks = (f"some dates can only be {written}, others only {other}: the table must be mended first",)
            mapped = MappedColumn(content.name, format=written, on_invalid="unknown")
            return Fit(mapped, _holds([*read[written].values()], content), False, False, asks)
    return None


def _holds(years: list[int], content: ColumnContent) -> str:
    """The first and the last year: a day of birth is nobody's business here."""
    span = " to ".join(dict.fromkeys(map(str, (min(years), max(years))))) if years else ""
    return f"days{f' of {span}' if span else ''}{content.empty_text}"


_TURNED = {"%d/%m/%Y": "%m/%d/%Y", "%m/%d/%Y": "%d/%m/%Y", "%d/%m/%y": "%m/%d/%y", "%m/%d/%y": "%d/%m/%y",
           "%d-%m-%Y": "%m-%d-%Y", "%m-%d-%Y": "%d-%m-%Y"}  # fmt: skip
