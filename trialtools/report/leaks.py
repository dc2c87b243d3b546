"""The finished files of an open report go in, every place comes out that could tell an arm.

The report is pooled by construction: whoever makes it never sees an arm. This is the second lock, which looks at what
would really leave: page, notebook, manifest, the data and hover texts of every figure, and the cut that it was made of.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PACKED = re.compile(r'<script[^>]*id="plotly-packed"[^>]*>.*?</script>', re.DOTALL)
WORKINGS = re.compile(r"<style[^>]*>.*?</style>|<script(?![^>]*json)[^>]*>.*?</script>|\w+=OptionsInfo\(", re.DOTALL)
"""How a page looks and moves; it is the same in every report, and full of words such as `active`."""
FIGURE = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
FEWEST = 10
"""Smaller groups than this are not looked for by their size: small numbers stand side by side by chance."""
SHORTEST = 3
"""Letters of the shortest name that is looked for: shorter ones stand everywhere, as the p of p-values does."""
FEW = 30
"""A column with so many values at most is looked through value by value."""
CLEARLY = 0.95
"""How far apart two arms are in what tells them: the share above a mark in the one, less that in the other."""


@dataclass(frozen=True)
class Leak:
    """A place that could tell an arm: which file, what was found, the words around it."""

    file: str
    found: str
    where: str

    def __str__(self) -> str:
        return f"{self.file}: {self.found}: … {self.where} …"


def leaks(folder: Path, names: Iterable[str], arms: Mapping[str, str] | None = None) -> list[Leak]:
    """What in the files of a folder could tell an arm; nothing, for a report that is open.

    Args:
        folder: with the page, the notebook and the manifest of a report.
        names: ids and labels of the arms; none of them may stand in an open report as a word.
        arms: by subject or kit, the arm, where whoever asks knows it: then the sizes of the arms are looked for too,
            side by side, and lists of values that divide as the arms do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "x.html").write_text("<td>Comparator group</td>")
    ...     [leak.found for leak in leaks(Path(folder), ["Comparator group", "mscs"])]
    ["the arm name 'Comparator group'"]
    """
    sizes: tuple[int, ...] = tuple(sorted(Counter((arms or {}).values()).values()))
    words = sorted({name for name in names if len(name) >= SHORTEST})
    found: list[Leak] = []
    for file in sorted(path for path in folder.iterdir() if path.suffix in (".html", ".ipynb", ".json")):
        raw = WORKINGS.sub(" ", PACKED.sub("", file.read_text("utf-8")))
        found += [Leak(file.name, *told) for told in named(_plain(raw) + " \n " + _unescaped(raw), words)]
        if len(set(sizes)) > 1 and min(sizes) >= FEWEST:
            found += [Leak(file.name, *told) for told in _side_by_side(_plain(raw), sizes)]
        if len(sizes) > 1 and min(sizes) >= FEWEST:
            found += [Leak(file.name, *told) for told in _divided(raw, file.suffix, sizes)]
    return found


def telling(cut: Path, names: Iterable[str], arms: Mapping[str, str]) -> list[Leak]:
    """What in the tables of an open cut could tell an arm: its name, or what parts people as the arms do.

    Looked through are the number of rows a person has, whether a value is there, and how large it is. Trials with an
    arm of fewer than ten are searched for names alone.

    Args:
        cut: the folder of CSV files.
        names, arms: as for `leaks`; `arms` by subject.
    """

    found: list[Leak] = []
    words = sorted({name for name in names if len(name) >= SHORTEST})
    arm = pd.Series(arms, dtype="str")
    few = arm.nunique() < 2 or arm.value_counts().min() < FEWEST
    for file in sorted(cut.glob("*.csv")):
        table = pd.read_csv(file, dtype="str", keep_default_na=False)
        text = "\n".join(str(value) for column in table for value in [column, *table[column].unique()])
        found += [Leak(file.name, *told) for told in named(text, words)]
        if "subject_id" in table and not few:
            table = table[table["subject_id"].isin(list(arms))]
            found += [
                Leak(file.name, "people part as the arms do", what) for what, sizes in _measured(table, arm.index)
                if any(_apart(sizes, (arm == each).to_numpy()) >= CLEARLY for each in arm.unique())
            ]  # fmt: skip
    return found


def _measured(table: Any, people: Any) -> Iterator[tuple[str, Any]]:
    """All that a table says of each person, as numbers."""

    who: Any = table["subject_id"]
    yield "number of rows", who.value_counts().reindex(people, fill_value=0).to_numpy(float)
    for column in table.columns.drop("subject_id"):
        values = table[column]
        if values.nunique() <= FEW:
            for value in values.unique():
                yield f"{column} is '{value}'", people.isin(who[values == value]).astype(float)
        days: Any = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        days = (days - pd.Timestamp(0)).dt.days
        numbers: Any = pd.to_numeric(values, errors="coerce")
        sizes = numbers.fillna(days)
        parts = table["test"] if "test" in table else pd.Series(column, index=table.index)
        for part in parts.unique():
            largest = sizes[parts == part].groupby(who).max()
            yield f"{column} of {part}" if part != column else column, largest.reindex(people).fillna(-1e30).to_numpy()


def _apart(sizes: Any, own: Any) -> float:
    """The distance of Kolmogorov and Smirnov: 1 where a mark parts some people from all the others."""

    order = np.argsort(sizes)
    ends = np.append(np.diff(sizes[order]) > 0, True)  # the last of those who are alike
    below, others = (np.cumsum(each[order])[ends] / each.sum() for each in (own, ~own))
    return float(np.abs(below - others).max())


def _unescaped(text: str) -> str:
    """Marks and escapes undone, twice for HTML inside JSON."""
    for _ in range(2):
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text))
        text = text.replace('\\"', '"')
    return text


def _plain(text: str) -> str:
    """A text as a reader or a program would see it, without tags."""
    text = re.sub(r"</?[a-zA-Z][^<>]*>", " ", _unescaped(text))
    return re.sub(r"(\s|\\n|\N{NO-BREAK SPACE})+", " ", text)


def named(text: str, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        pattern = r"\s+".join(map(re.escape, name.split()))
        if found := re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.IGNORECASE):
            yield f"the arm name '{name}'", _around(text, found)


def _side_by_side(text: str, sizes: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """The numbers of patients in all arms, next to each other in any order."""
    orders = ["[^0-9]{1,12}".join(f"{n:,}".replace(",", ",?") for n in order) for order in set(permutations(sizes))]
    if found := re.search(rf"(?<![\d.,])(?:{'|'.join(orders)})(?![\d,]|\.\d)", text):
        yield "the sizes of the arms side by side", _around(text, found)


def _divided(raw: str, suffix: str, sizes: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Lists of one value a patient, whose values fall into groups as large as the arms."""
    data = [json.loads(raw)] if suffix in (".ipynb", ".json") else [json.loads(text) for text in FIGURE.findall(raw)]
    for place, values in (pair for each in data for pair in _lists(each)):
        if len(values) == sum(sizes):
            groups = Counter(json.dumps(value, sort_keys=True) for value in values)
            if tuple(sorted(groups.values())) == sizes:
                yield "a list that divides as the arms do", f"{place}: {', '.join(list(groups)[:3])}"


def _lists(value: Any, place: str = "") -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, dict) and {"bdata", "dtype"} <= set(value):  # how plotly packs numbers
        packed = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        columns = packed.reshape([int(n) for n in str(value.get("shape", -1)).split(",")])
        yield from ((place, column.tolist()) for column in (columns.T if columns.ndim == 2 else [columns]))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _lists(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        yield place, value
        rows = [item for item in value if isinstance(item, list)]
        if rows and len(rows) == len(value):  # a column of what is pointed at
            yield from ((place, list(column)) for column in zip(*rows, strict=False))
        for item in value:
            if isinstance(item, dict | list):
                yield from _lists(item, place)


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 40) : found.end() + 40].strip()
