"""The tables of an open cut go in; what in them could tell an arm comes out: its name, or what goes with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_SHORTEST = 3
"""Letters of the shortest name that is looked for: shorter ones stand everywhere, as the p of p-values does."""
ORDINARY = frozenset(
    ("none", "other", "low", "high", "normal", "standard", "usual", "early", "late", "single", "double", "observation")
)
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
    words = [name for name in long_enough(names) if name.casefold() not in ORDINARY]
    ordinary = sorted({*long_enough(names)} - {*words})
    arm: Any = pd.Series(arms, dtype="str")
    tells = can_tell(tuple(arm.value_counts()))
    owners = [(arm == each).to_numpy() for each in arm.unique()]
    for file in sorted(cut.glob("*.csv")):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        text = "\n".join(str(value) for column in table for value in [column, *table[column].unique()])
        leaks += [Leak(file.name, *place) for place in names_in(text, words)]
        if "subject_id" in table and tells:
            table = table[table["subject_id"].isin(list(arms))]
            parted = [
                what
                for what, sizes in (*_features(table, arm.index), *_mentions(table, arm.index, ordinary))
                if any(_apart(sizes, own) >= _CLEARLY for own in owners)
            ]
            rows, numbers = arm.index.get_indexer(table["subject_id"]), pd.factorize(arm)[0]
            parted += [what for what, part in _parts(table) if _sorts(part, rows, numbers)]
            leaks += [Leak(file.name, "people part as the arms do", what) for what in dict.fromkeys(parted)]
    return leaks


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


def long_enough(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if len(name) >= _SHORTEST})


def _features(table: Any, people: Any) -> Iterator[tuple[str, np.ndarray]]:
    """All that a table says of each person, as numbers."""
    rows, who = people.get_indexer(table["subject_id"]), table["subject_id"]
    yield "number of rows", np.bincount(rows, minlength=len(people)).astype(float)
    for column in table.columns:
        values = table[column]
        if column != "subject_id" and values.nunique() <= _FEW:
            yield from _holders(f"{column} is", values, rows, len(people))
        else:
            for what, part in _ends(values):
                if 1 < part.nunique() <= _FEW:
                    yield from _holders(f"{column} {what}", part, rows, len(people))
        numbers: Any = pd.to_numeric(values, errors="coerce")
        if column == "subject_id":
            numbers: Any = pd.to_numeric(values.str.extract(r"(\d+)\D*$")[0], errors="coerce")
        days: Any = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        sizes = numbers.fillna((days - pd.Timestamp(0)).dt.days)
        if sizes.notna().any():
            parts = table["test"] if "test" in table else pd.Series(column, index=table.index)
            for part in parts.unique():
                largest = sizes[parts == part].groupby(who).max()
                yield (
                    f"{column} of {part}" if part != column else column,
                    largest.reindex(people).fillna(-1e30).to_numpy(),
                )


def _mentions(table: Any, people: Any, words: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """For each word, of whom the table says it."""
    rows: Any = pd.Series([" \n ".join(row) for row in table.itertuples(index=False)], table.index, dtype="str")
    for word in words:
        says = rows.str.contains(rf"\b{re.escape(word)}\b", case=False)
        yield f"what says '{word}'", people.isin(table.loc[says, "subject_id"]).astype(float)


def _holders(what: str, values: Any, rows: np.ndarray, n: int) -> Iterator[tuple[str, np.ndarray]]:
    """For each value that stands in a column, which of n people have it."""
    codes, known = pd.factorize(values)
    for code, value in enumerate(known):
        has = np.zeros(n)
        has[rows[codes == code]] = 1.0
        yield f"{what} '{value}'", has


def _parts(table: Any) -> Iterator[tuple[str, Any]]:
    """Each column by its whole values, and by how they begin and end."""
    for column in table.columns:
        if column != "subject_id":
            yield f"the values of {column}", table[column]
        yield from ((f"how {column} {what.split()[0]}", part) for what, part in _ends(table[column]))


def _sorts(part: Any, people: np.ndarray, arms: np.ndarray) -> bool:
    """Whether each value goes with one arm alone, as even numbers with the one and odd ones with the other.

    Args:
        part: the values; an empty one says nothing.
        people: whose each is, as a place in `arms`, which are numbers.
    """
    codes, known = pd.factorize(part.mask(part == ""))
    people, codes = people[codes >= 0], codes[codes >= 0]
    sizes = sorted(n for n in np.bincount(arms[np.unique(people)]).tolist() if n)
    if len(sizes) < 2 or len(sizes) ** len(known) * _ONE_IN > math.comb(sum(sizes), sizes[0]):
        return False
    return len(np.unique(codes * len(arms) + arms[people])) == len(known)


def _ends(values: Any) -> Iterator[tuple[str, Any]]:
    for length in (1, 2, 3, 4):
        yield "begins with", values.str[:length]
    for length in (1, 2):
        yield "ends with", values.str[-length:]


def _apart(sizes: np.ndarray, own: np.ndarray) -> float:
    """The distance of Kolmogorov and Smirnov: 1 where a mark parts some people from all the others."""
    order = np.argsort(sizes)
    ends = np.append(np.diff(sizes[order]) > 0, True)  # the last of those who are alike
    below, others = (np.cumsum(each[order])[ends] / each.sum() for each in (own, ~own))
    return float(np.abs(below - others).max())


def names_in(text: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that stand in a text as words of their own, in either case, each with the words around it."""
    for name in names:
        pattern = r"\s+".join(map(re.escape, name.split()))
        if match := re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.IGNORECASE):
            yield f"the arm name '{name}'", around(text, match)


def around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - 40) : match.end() + 40].strip()
