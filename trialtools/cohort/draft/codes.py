"""A column of codes goes in, what each of them means comes out; what no word of everybody's says stays open."""

from __future__ import annotations

from ...criteria.protocol import Field
from ..sources.mapping import UNKNOWN, MappedColumn
from .content import ColumnContent
from .fits import Fit
from .words import negates, split, vocabulary, word, word_list

_Codes = dict[str, bool | str]

_CLEAR = ({"y", "n"}, {"j", "n"})
"""Letters that mean yes and no where nothing else stands in a column."""


def fit_flag(name: str, field: Field, seen: ColumnContent) -> Fit | None:
    """How a column says yes and no."""
    if not (few := seen.few):
        return None
    said = {word(text) for text in few} - word_list("blank")
    if said <= {"true", "false"}:
        return Fit(MappedColumn(seen.name, missing=tuple(seen.blanks)), _value_list(seen, {}))
    bare = {sign: word == "yes" for word, signs in vocabulary()["bare"].items() for sign in split(signs)}
    plain = dict.fromkeys(word_list("no"), False) | dict.fromkeys(word_list("yes"), True)
    if any(said <= letters for letters in _CLEAR):
        plain |= {sign: bare[sign] for sign in said}
    if not said <= {*plain, *bare}:
        bare = {}  # beside 2, 1 need not mean yes
    turned = (negates(name) or negates(seen.name)) and bool(
        said & word_list("signed") or negates(name) != negates(seen.name)
    )
    means = {} if turned else bare | plain
    codes = {text: UNKNOWN if text in seen.blanks else means.get(word(text), UNKNOWN) for text in few}
    found = {meaning for meaning in codes.values() if meaning != UNKNOWN}
    if not found and not turned and not all(seen.shows(text, field) for text in few):
        return None
    asks = ["its name or the field's says 'not': which value means yes?"] if turned else []
    asks += [f"'{sign}' is taken for {'yes' if bare[sign] else 'no'}" for sign in sorted(said & {*bare} - {*plain})]
    return _code_line(field, seen, codes, not asks, bool(found), asks)


def fit_category(field: Field, seen: ColumnContent) -> Fit | None:
    """How a column says one of several values."""
    if not (few := seen.few):
        return None
    own = {word(value): value for value in field.values}
    said = {word(text) for text in few} - word_list("blank")
    sexes, sure = _sexes(said) if {"female", "male"} <= {*field.values} else ({}, True)
    means = {**sexes, **own}
    codes: _Codes = {text: UNKNOWN if text in seen.blanks else means.get(word(text), UNKNOWN) for text in few}
    found = {meaning for meaning in codes.values() if meaning != UNKNOWN}
    if not found and not all(seen.shows(text, field) for text in few):
        return None
    if {*few} - {*seen.blanks} <= {*field.values}:
        return Fit(MappedColumn(seen.name, missing=tuple(seen.blanks)), _value_list(seen, {}))
    asks = [] if sure else ["its letters are those of another language, or one of them is missing"]
    return _code_line(field, seen, codes, not asks, bool(found), asks)


def _sexes(said: set[str]) -> tuple[dict[str, str], bool]:
    """What the words of a column mean by sex; sure only where they can mean nothing else."""
    for pair in vocabulary()["sexes"]:
        means = {letters: sex for sex, letters in pair.items()}
        if said & {*means} and said <= {*means, "female", "male"}:
            return means, said >= {*means} and (len(min(said, key=len)) > 1 or said == {"f", "m"})
    return {}, True


def _code_line(field: Field, seen: ColumnContent, codes: _Codes, sure: bool, settled: bool, asks: list[str]) -> Fit:
    """The line of a column whose texts mean this; a text that may not be shown has no code, and is unknown."""
    hidden = _hidden(codes, seen, field)
    told = {text: meaning for text, meaning in codes.items() if text not in hidden}
    for text in told:
        if told[text] == UNKNOWN and text not in seen.blanks:
            asks.append(f"what does '{text}' mean ({seen.few[text]:,} x)?")
    if hidden:
        asks.append(
            f"{len(hidden)} more, not shown here ({sum(hidden.values()):,} x), without a code: what do they mean?"
        )
    mapped = MappedColumn(seen.name, codes=told, on_invalid="unknown" if hidden else "error")
    return Fit(mapped, _value_list(seen, hidden), sure and not asks, settled, tuple(asks))


def _hidden(codes: _Codes, seen: ColumnContent, field: Field) -> dict[str, int]:
    """The texts that may not be shown: those without a meaning that are no words of everybody's either."""
    return {text: n for text, n in seen.few.items() if codes[text] == UNKNOWN and not seen.shows(text, field)}


def _value_list(seen: ColumnContent, hidden: dict[str, int]) -> str:
    """The values of a column with their numbers."""
    parts = [f"{text} {n:,}" for text, n in seen.few.items() if text not in hidden]
    parts += [f"other texts {sum(hidden.values()):,}"] if hidden else []
    return "; ".join([", ".join(parts), *([f"empty {empty:,}"] if (empty := seen.rows - seen.filled) else [])])
