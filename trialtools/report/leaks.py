"""The cut and the finished files of an open report go in; every place comes out that could tell an arm.

The report is pooled by construction: the person who makes it never sees an arm. This is the second lock. It looks at
what the data could have put there: the tables of the cut, the words that a page shows, the points and hover texts of
its figures; not at code, layout and template, which are the same for every trial.
"""

from __future__ import annotations

import ast
import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .data_leaks import Leak, around, can_tell, names_in, words_of
from .run import PACKAGE

_HIDDEN = re.compile(r"<style.*?</style>|<script.*?</script>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_FIGURE = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
_DRAWN = frozenset(
    ("x", "y", "z", "text", "hovertext", "hovertemplate", "name", "customdata", "labels", "ticktext", "title", "meta")
)
"""Keys of a figure under which data stand; the others say how it looks."""


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
    words, _ = words_of(names)
    sizes = tuple(sorted(Counter((arms or {}).values()).values()))
    leaks_found: list[Leak] = []
    for file in sorted(path for path in folder.iterdir() if path.suffix in (".html", ".ipynb", ".json")):
        raw = file.read_text("utf-8")
        figures = _figures(raw, file.suffix)
        shown = "\n".join([_visible(raw, file.suffix), *(text for figure in figures for text in _texts(figure))])
        shown_names = [name for name in words if any(names_in(shown, [name])) and not _is_everyday(name)]
        leaks_found += [Leak(file.name, *place) for place in names_in(shown, shown_names)]
        if len(set(sizes)) > 1 and can_tell(sizes):
            leaks_found += [Leak(file.name, *place) for place in _side_by_side(shown, sizes, cut)]
        if can_tell(sizes):
            leaks_found += [Leak(file.name, *place) for place in _divisions(figures, arms or {}, cut)]
    return leaks_found


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
    return any(names_in(_own_words(), [name]))


def _counts_of(cut: Path) -> set[int]:
    """Every number of rows or people that a table of the cut gives by itself: by value, by day, up to a day."""
    counts: set[int] = set()
    for file in cut.glob("*.csv"):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        people: Any = table["subject_id"] if "subject_id" in table else pd.Series(range(len(table)))
        for column in table:
            rows = table[column].value_counts().sort_index()
            alone = table.assign(who=people).drop_duplicates(["who", column])[column].value_counts().sort_index()
            for counted in (rows, alone):
                counts |= {*counted, *counted.cumsum(), *(len(table) - counted), int(counted.sum())}
    return {int(n) for n in counts}


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
    return _plain(_HIDDEN.sub(" ", raw))


def _figures(raw: str, suffix: str) -> list[Any]:
    """The plotly figures of a file, as plain data."""
    if suffix == ".html":
        return [json.loads(text) for text in _FIGURE.findall(raw)]
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
    if "&" not in text and "\\" not in text:
        return text
    for _ in range(2):
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), html.unescape(text))
        text = text.replace('\\"', '"')
    return text


def _plain(text: str) -> str:
    """A text as a reader sees it, without tags; and as it is written, for a name may hold marks itself."""
    read = _unescape(text)
    without = re.sub(r"(\s|\\n|\N{NO-BREAK SPACE})+", " ", re.sub(r"</?[a-zA-Z][^<>]*>", " ", read))
    return without if without == read else f"{without} \n {read}"


def _side_by_side(text: str, sizes: tuple[int, ...], cut: Path | None) -> Iterator[tuple[str, str]]:
    """The numbers of patients in all arms, next to each other in any order, where the cut does not give them itself."""
    orders = ["[^0-9]{1,12}".join(f"{n:,}".replace(",", ",?") for n in order) for order in set(permutations(sizes))]
    if match := re.search(rf"(?<![\d.,])(?:{'|'.join(orders)})(?![\d,]|\.\d)", text):
        if cut and set(sizes) <= _counts_of(cut):
            return
        yield "the sizes of the arms side by side", re.sub(r"\d", "#", around(text, match))


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
    orders = []
    for file in cut.glob("*.csv"):
        table: Any = pd.read_csv(file, dtype="str", keep_default_na=False)
        if "subject_id" in table:
            table = table[table["subject_id"].isin(list(arms))].drop_duplicates("subject_id")
            if len(table) == len(arms):
                for column in [None, *table.columns]:
                    rows = table if column is None else table.sort_values(column, kind="stable")
                    orders.append([arms[who] for who in rows["subject_id"]])
    return orders


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
