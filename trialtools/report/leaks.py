"""The cut and the finished files of an open report go in; every place comes out that could tell an arm.

The report is pooled by construction: whoever makes it never sees an arm. This is the second lock. It looks at what the
data could have put there: the tables of the cut, the words that a page shows, the points and hover texts of its
figures; not at code, layout and template, which are the same for every trial.
"""

from __future__ import annotations

import ast
import base64
import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PACKAGE = Path(__file__).resolve().parents[1]
HIDDEN = re.compile(r"<style.*?</style>|<script.*?</script>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
FIGURE = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
_DRAWN = {
    "x",
    "y",
    "z",
    "text",
    "hovertext",
    "hovertemplate",
    "name",
    "customdata",
    "labels",
    "ticktext",
    "title",
    "meta",
}
"""Keys of a figure under which data stand; the others say how it looks."""
_SHORTEST = 3
"""Letters of the shortest name that is looked for: shorter ones stand everywhere, as the p of p-values does."""
_ORDINARY = {
    "none",
    "other",
    "low",
    "high",
    "normal",
    "standard",
    "usual",
    "early",
    "late",
    "single",
    "double",
    "observation",
}
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


def leaks(
    folder: Path, names: Iterable[str], arms: Mapping[str, str] | None = None, cut: Path | None = None
) -> list[Leak]:
    """What in the files of a folder could tell an arm; nothing, for a report that is open.

    Args:
        folder: with the page, the notebook and the manifest of a report.
        names: ids and labels of the arms; none of them may stand in an open report as a word. A name that this package
            says itself (`control`, `low`) is looked for in the data alone, by `leaks_in_data`.
        arms: by subject or kit, the arm, where whoever asks knows it: then the sizes of the arms are looked for too,
            side by side, and lists of values that divide as the arms do.
        cut: the tables that the report was made from. Sizes that are counts of these tables, and lists that divide
            otherwise than the arms in their order, are no leak.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "x.html").write_text("<td>Comparator group</td>")
    ...     [leak.found for leak in leaks(Path(folder), ["Comparator group", "mscs"])]
    ["the arm name 'Comparator group'"]
    """
    words = [name for name in _long_enough(names) if name.casefold() not in _ORDINARY and not _is_everyday(name)]
    sizes = tuple(sorted(Counter((arms or {}).values()).values()))
    found: list[Leak] = []
    for file in sorted(path for path in folder.iterdir() if path.suffix in (".html", ".ipynb", ".json")):
        raw = file.read_text("utf-8")
        figures = _figures(raw, file.suffix)
        shown = "\n".join([_visible(raw, file.suffix), *(text for figure in figures for text in _texts(figure))])
        found += [Leak(file.name, *place) for place in named(shown, words)]
        if len(set(sizes)) > 1 and can_tell(sizes):
            found += [Leak(file.name, *place) for place in _side_by_side(shown, sizes, cut)]
        if can_tell(sizes):
            found += [Leak(file.name, *place) for place in _divisions(figures, arms or {}, cut)]
    return found


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
    found: list[Leak] = []
    words = [name for name in _long_enough(names) if name.casefold() not in _ORDINARY]
    ordinary = sorted({*_long_enough(names)} - {*words})
    arm: Any = pd.Series(arms, dtype="str")
    tells = can_tell(tuple(arm.value_counts()))
    for file in sorted(cut.glob("*.csv")):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        text = "\n".join(str(value) for column in table for value in [column, *table[column].unique()])
        found += [Leak(file.name, *place) for place in named(text, words)]
        if "subject_id" in table and tells:
            table = table[table["subject_id"].isin(list(arms))]
            parted = [
                what
                for what, sizes in (*_features(table, arm.index), *_mentions(table, arm.index, ordinary))
                if any(_apart(sizes, (arm == each).to_numpy()) >= _CLEARLY for each in arm.unique())
            ]
            rows, numbers = arm.index.get_indexer(table["subject_id"]), pd.factorize(arm)[0]
            parted += [what for what, part in _parts(table) if _sorts(part, rows, numbers)]
            found += [Leak(file.name, "people part as the arms do", what) for what in dict.fromkeys(parted)]
    return found


def can_tell(sizes: Iterable[int]) -> bool:
    """Whether arms are large enough that nothing parts people as they do by chance.

    >>> can_tell((9, 9)), can_tell((48, 12)), can_tell((40,)), can_tell((5000, 5000))
    (False, True, False, True)
    """
    each = sorted(sizes)
    return len(each) > 1 and math.comb(each[0] + each[-1], each[0]) >= _ONE_IN


def untold(sizes: Iterable[int]) -> str:
    """Why names alone are searched for, in arms of these sizes; empty where everything is.

    >>> untold([]), untold([9, 9])
    ('the arms are not known here', 'in arms this small people part by chance')
    """
    if can_tell(sizes := list(sizes)):
        return ""
    return "in arms this small people part by chance" if sizes else "the arms are not known here"


def _long_enough(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if len(name) >= _SHORTEST})


@cache
def _own_words() -> str:
    """All that a report says of itself: texts of the rooms that write it, templates, the notebook."""
    texts = [file.read_text("utf-8") for file in sorted((PACKAGE.parent / "notebooks").glob("*.ipynb"))]
    for room in ("figures", "interim", "report"):
        texts += [file.read_text("utf-8") for file in (PACKAGE / room).rglob("*.j2")]
        for file in (PACKAGE / room).rglob("*.py"):
            tree = ast.parse(file.read_text("utf-8"))
            comments = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in comments)
            texts += [node.value for node in constants if isinstance(node.value, str)]
    return "\n".join(texts)


def _is_everyday(name: str) -> bool:
    return any(named(_own_words(), [name]))


def _counts_of(cut: Path) -> set[int]:
    """Every number of rows or people that a table of the cut gives by itself: by value, by day, up to a day."""
    found: set[int] = set()
    for file in cut.glob("*.csv"):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        people: Any = table["subject_id"] if "subject_id" in table else pd.Series(range(len(table)))
        for column in table:
            rows = table[column].value_counts().sort_index()
            alone = table.assign(who=people).drop_duplicates(["who", column])[column].value_counts().sort_index()
            for counted in (rows, alone):
                found |= {*counted, *counted.cumsum(), *(len(table) - counted), int(counted.sum())}
    return {int(n) for n in found}


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
    for word in words:
        says = table.apply(lambda column, word=word: column.str.contains(rf"\b{re.escape(word)}\b", case=False)).any(
            axis=1
        )
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


def _visible(raw: str, suffix: str) -> str:
    """The words that a file shows: of a notebook its outputs, of a page all but what it hides, of a manifest all."""
    if suffix == ".ipynb":
        cells = json.loads(raw).get("cells", [])
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        shown = [output.get("text", "") for output in outputs]
        shown += [
            text for output in outputs for kind, text in output.get("data", {}).items() if kind.startswith("text/")
        ]
        raw = "\n".join("".join(text) for text in shown)
    return _plain(HIDDEN.sub(" ", raw))


def _figures(raw: str, suffix: str) -> list[Any]:
    """The plotly figures of a file, as plain data."""
    if suffix == ".html":
        return [json.loads(text) for text in FIGURE.findall(raw)]
    content = json.loads(raw)
    if suffix == ".ipynb" and "cells" in content:
        outputs = [output.get("data", {}) for cell in content["cells"] for output in cell.get("outputs", [])]
        return [value for data in outputs for kind, value in data.items() if kind.endswith("json")]
    return [content]


def _texts(value: Any, key: str = "") -> Iterator[str]:
    """The texts of a figure that come from data."""
    if isinstance(value, dict):
        for name, item in value.items():
            drawn = key if key in _DRAWN and name not in ("font", "type") else name
            yield from _texts(item, drawn)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, str) and key in _DRAWN:
        yield _plain(value)


def _unescape(text: str) -> str:
    """Marks and escapes undone, twice for HTML inside JSON."""
    for _ in range(2):
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text))
        text = text.replace('\\"', '"')
    return text


def _plain(text: str) -> str:
    """A text as a reader sees it, without tags; and as it is written, for a name may hold marks itself."""
    read = _unescape(text)
    without = re.sub(r"(\s|\\n|\N{NO-BREAK SPACE})+", " ", re.sub(r"</?[a-zA-Z][^<>]*>", " ", read))
    return without if without == read else f"{without} \n {read}"


def named(text: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that stand in a text as words of their own, in either case, each with the words around it."""
    for name in names:
        pattern = r"\s+".join(map(re.escape, name.split()))
        if found := re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.IGNORECASE):
            yield f"the arm name '{name}'", _around(text, found)


def _side_by_side(text: str, sizes: tuple[int, ...], cut: Path | None) -> Iterator[tuple[str, str]]:
    """The numbers of patients in all arms, next to each other in any order, where the cut does not give them itself."""
    orders = ["[^0-9]{1,12}".join(f"{n:,}".replace(",", ",?") for n in order) for order in set(permutations(sizes))]
    if found := re.search(rf"(?<![\d.,])(?:{'|'.join(orders)})(?![\d,]|\.\d)", text):
        if cut and set(sizes) <= _counts_of(cut):
            return
        yield "the sizes of the arms side by side", re.sub(r"\d", "#", _around(text, found))


def _divisions(figures: list[Any], arms: Mapping[str, str], cut: Path | None) -> Iterator[tuple[str, str]]:
    """Lists of one value a patient that divide as the arms do: in the order of a table, or, unknown that, by size."""
    sizes = sorted(Counter(arms.values()).values())
    alike = [
        (place, keys)
        for place, values in (pair for figure in figures for pair in _lists(figure))
        if len(values) == len(arms)
        for keys in [[json.dumps(value, sort_keys=True) for value in values]]
        if sorted(Counter(keys).values()) == sizes
    ]
    orders = _orders(cut, arms) if cut and alike else None
    for place, keys in alike:
        if orders is None or any(len({*zip(keys, order, strict=True)}) == len(sizes) for order in orders):
            yield "a list that divides as the arms do", place


def _orders(cut: Path, arms: Mapping[str, str]) -> list[list[str]]:
    """The arms in every order in which a table of the cut, or one of its columns, puts the people."""
    found = []
    for file in cut.glob("*.csv"):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        if "subject_id" in table:
            table = table[table["subject_id"].isin(list(arms))].drop_duplicates("subject_id")
            if len(table) == len(arms):
                for column in [None, *table.columns]:
                    rows = table if column is None else table.sort_values(column, kind="stable")
                    found.append([arms[who] for who in rows["subject_id"]])
    return found


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
