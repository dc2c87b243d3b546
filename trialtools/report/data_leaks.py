"""The tables of an open cut go in; what in them could tell an arm comes out: its name, or what goes with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

_SHORTEST = 3
"""Letters of the shortest name that is looked for: shorter ones stand everywhere, as the p of p-values does."""
_ORDINARY = frozenset((
    "none", "other", "low", "high", "medium", "normal", "standard", "usual", "early", "late", "immediate", "delayed",
    "single", "double", "half", "full", "short", "long", "new", "old", "observation", "active", "treatment", "treated",
    "study", "test", "drug", "intervention", "experimental", "oral", "surgery", "exercise", "diet",
))  # fmt: skip
"""Words of an arm that data say of anybody (low blood pressure): there only their going with the arm is looked for."""
_FEW = 30
"""A column with so many values at most is looked through value by value."""
_CLEARLY = 0.95
"""How far apart two arms are in what tells them: the share above a mark in the one, less that in the other."""
_ONE_IN = 10_000_000
"""Where people could part as the arms do with a greater chance than one in so many, it says nothing that they do."""


@dataclass(frozen=True)
class Leak:
    """A place that could tell an arm: which file, what was found, the words around it."""

    file: str
    found: str
    where: str

    def __str__(self) -> str:
        return f"{self.file}: {self.found}: … {self.where} …"


def leaks_in_data(cut: Path, names: Iterable[str], arms: Mapping[str, str]) -> list[Leak]:
    """What in the tables of an open cut could tell an arm: its name, or what parts people as the arms do.

    Looked through are the number of rows a person has, whether a value is there, how large it is, how it begins and
    ends, whether each value goes with one arm alone, and the number of the person; so a subject number or a lot that
    goes with the arm is found. Where arms are so small that people part by chance (`can_tell`), names alone are
    searched.

    Args:
        cut: the folder of CSV files.
        names, arms: as for `leaks`; `arms` by subject.
    """
    leaks: list[Leak] = []
    words, ordinary = words_of(names)
    arm: Any = pd.Series(arms, dtype="str")
    tells = can_tell(tuple(arm.value_counts()))
    numbers = pd.factorize(arm)[0]
    for file in sorted(cut.glob("*.csv")):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        text = "\n".join(str(value) for column in table for value in [column, *table[column].unique()])
        leaks += [Leak(file.name, *place) for place in names_in(text, words)]
        if "subject_id" in table and tells:
            table = table[table["subject_id"].isin(arm.index)]
            lists = _telling_places(table, arm.index.get_indexer(table["subject_id"]), numbers, ordinary)
            leaks += [Leak(file.name, "people part as the arms do", what) for what in dict.fromkeys(lists)]
    return leaks


def words_of(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The names that are leaks wherever they stand, and those that are looked for by whom they are said of.

    >>> words_of(["mscs", "low", "100", "p"])
    (['mscs'], ['100', 'low'])
    """
    known = sorted({name for name in names if len(name) >= _SHORTEST})
    ordinary = [name for name in known if _is_ordinary(name)]
    return [name for name in known if name not in ordinary], ordinary


def _is_ordinary(name: str) -> bool:
    """Whether a name stands in data and reports for reasons of their own, as an adjective or a number does."""
    return name.casefold() in _ORDINARY or not any(letter.isalpha() for letter in name)


def can_tell(sizes: Iterable[int]) -> bool:
    """Whether arms are large enough that nothing parts people as they do by chance.

    >>> can_tell((9, 9)), can_tell((48, 12)), can_tell((40,)), can_tell((5000, 5000))
    (False, True, False, True)
    """
    each = sorted(sizes)
    return len(each) > 1 and math.comb(each[0] + each[-1], each[0]) >= _ONE_IN


def why_names_alone(sizes: Iterable[int]) -> str:
    """Why names alone are searched for, in arms of these sizes; empty where everything is.

    >>> why_names_alone([]), why_names_alone([9, 9])
    ('the arms are not known here', 'in arms this small people part by chance')
    """
    if can_tell(sizes := list(sizes)):
        return ""
    return "in arms this small people part by chance" if sizes else "the arms are not known here"


class _Coding(NamedTuple):
    """A column, or how its values begin or end: by row a number, and what each number stands for."""

    column: str
    how: str
    codes: np.ndarray
    known: list[str]


def _telling_places(table: Any, rows: np.ndarray, arms: np.ndarray, words: Sequence[str]) -> Iterator[str]:
    """What a table says of people that parts them as the arms do.

    Args:
        table: texts.
        rows: by row of the table whose it is, as a place in `arms`.
        arms: of each person, as a number.
        words: are looked for by whom they are said of.
    """
    owners = [arms == each for each in np.unique(arms)]
    codings = [each for column in table for each in _codings(str(column), table[column])]
    if any(_apart(np.bincount(rows, minlength=len(arms)), own) >= _CLEARLY for own in owners):
        yield "number of rows"
    whole = [each for each in codings if not each.how]
    for coding in codings:
        if _is_looked_through(coding, whole):
            holders = np.zeros((len(coding.known), len(arms)), bool)
            holders[coding.codes, rows] = True
            yield from (
                f"{coding.column} {coding.how or 'is'} '{coding.known[place]}'"
                for place in _of_one_arm(holders, owners)
            )
        if (coding.how or coding.column != "subject_id") and _sorts(coding, rows, arms):
            yield f"how {coding.column} {coding.how.split()[0]}" if coding.how else f"the values of {coding.column}"
    for word in words:
        says = np.zeros((1, len(arms)), bool)
        for each in whole:
            has_word = np.array([any(names_in(value, [word])) for value in each.known], bool)
            says[0, rows[has_word[each.codes]]] = True
        yield from (f"what says '{word}'" for _ in _of_one_arm(says, owners))
    parts = next((each for each in whole if each.column == "test"), None)
    for coding in whole:
        yield from _sizes_apart(coding, parts, rows, owners)


def _codings(column: str, values: Any) -> Iterator[_Coding]:
    codes, unique = pd.factorize(values)
    known = [str(value) for value in unique]
    yield _Coding(column, "", codes, known)
    ends = [("begins with", slice(length)) for length in (1, 2, 3, 4)]
    ends += [("ends with", slice(-length, None)) for length in (1, 2)]
    for how, part in ends:
        of_known, parts = pd.factorize(np.array([value[part] for value in known], object))
        yield _Coding(column, how, of_known[codes], list(parts))


def _is_looked_through(coding: _Coding, whole: Sequence[_Coding]) -> bool:
    """Whether so few values stand in it that each is looked at; how values begin and end, where they are too many."""
    few = len(coding.known) <= _FEW
    if not coding.how:
        return few and coding.column != "subject_id"
    values = next(len(each.known) for each in whole if each.column == coding.column)
    return few and len(coding.known) > 1 and (values > _FEW or coding.column == "subject_id")


def _of_one_arm(holders: np.ndarray, owners: Sequence[np.ndarray]) -> np.ndarray:
    """The places of what one arm has and the others have not."""
    apart = [np.abs(holders[:, own].mean(axis=1) - holders[:, ~own].mean(axis=1)) for own in owners]
    return np.flatnonzero(np.max(apart, axis=0) >= _CLEARLY)


def _sizes_apart(
    coding: _Coding, parts: _Coding | None, rows: np.ndarray, owners: Sequence[np.ndarray]
) -> Iterator[str]:
    """Numbers and days of which the largest of a person is above a mark in one arm alone; of results by their test."""
    if not re.search(r"\d|inf", " ".join(coding.known), re.IGNORECASE):
        return  # no number and no day, and to look for them takes long
    texts: Any = pd.Series(coding.known, dtype="str")
    if coding.column == "subject_id":
        texts = texts.str.extract(r"(\d+)\D*$")[0]
    numbers: Any = pd.to_numeric(texts, errors="coerce")
    days: Any = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    size = numbers.fillna((days - pd.Timestamp(0)).dt.days).to_numpy(float, na_value=np.nan)[coding.codes]
    if np.isnan(size).all():
        return
    for place, name in enumerate(parts.known if parts else [coding.column]):
        own_rows = ~np.isnan(size) & (parts.codes == place if parts else True)
        largest = np.full(len(owners[0]), -1e30)
        np.maximum.at(largest, rows[own_rows], size[own_rows])
        if any(_apart(largest, own) >= _CLEARLY for own in owners):
            yield f"{coding.column} of {name}" if parts else coding.column


def _sorts(coding: _Coding, people: np.ndarray, arms: np.ndarray) -> bool:
    """Whether each value goes with one arm alone, as even numbers with the one and odd ones with the other."""
    empty = coding.known.index("") if "" in coding.known else -1
    says = coding.codes != empty
    people, codes = people[says], coding.codes[says]
    sizes = sorted(n for n in np.bincount(arms[np.unique(people)]).tolist() if n)
    values = len(coding.known) - (empty >= 0)
    if len(sizes) < 2 or len(sizes) ** values * _ONE_IN > math.comb(sum(sizes), sizes[0]):
        return False
    return len(np.unique(codes * len(arms) + arms[people])) == values


def _apart(sizes: np.ndarray, own: np.ndarray) -> float:
    """The distance of Kolmogorov and Smirnov: 1 where a mark parts some people from all the others."""
    order = np.argsort(sizes)
    ends = np.append(np.diff(sizes[order]) > 0, True)  # the last of those who are alike
    below, others = (np.cumsum(each[order])[ends] / each.sum() for each in (own, ~own))
    return float(np.abs(below - others).max())


def names_in(text: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that stand in a text as words of their own, in either case, each with the words around it."""
    for name in names:
        if match := _as_word(name).search(text):
            yield f"the arm name '{name}'", around(text, match)


@cache  # a name is looked for in every value of the data
def _as_word(name: str) -> re.Pattern[str]:
    pattern = r"\s+".join(map(re.escape, name.split()))
    return re.compile(rf"(?<![^\W_]){pattern}(?![^\W_])", re.IGNORECASE)


def around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - 40) : match.end() + 40].strip()
