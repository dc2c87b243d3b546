"""Sets beneath their bars, as in an UpSet plot: which criteria fail together, which facts are unknown together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec, figure, nobody
from .format import absent, capital, count, enumeration, n_of, percent, plain
from .lines import GRID
from .page import QUIET
from .rows import HATCHED, SOLID, Row, held_back, most_of, records, text_width
from .template import HAIR, STATES, WIDTH, note, wrap

_BARS, _ROW, _MOST = 170, 20, 24
"""How high the bars are, how high a line of dots, and how many lines there are at most."""

_OTHER = "other"
"""The last row of a frame: the rest together, which is no set. It has its number and no bar, which would dwarf all."""


@dataclass(frozen=True)
class _Layer:
    """A number for each set: what it counts, how its bars and its figures look."""

    name: str
    values: Sequence[int | None]
    marker: Spec
    colour: str


@figure
def upset(frame: pd.DataFrame) -> Drawing:
    """Patients by the exact set of criteria that keeps them out, the most frequent first.

    Solid: exactly these are failed. Hatched: exactly these are failed or open. Neither holds the other, since a patient
    with more open facts moves to a larger set: so they stand side by side.

    Args:
        frame: from `screening.overlap()`: criteria, size, failed, not_passed, n; the last row is `other`.

    >>> import pandas as pd
    >>> made = upset(pd.DataFrame({"criteria": ["I5", "other"], "failed": [4, 0], "not_passed": [6, 1], "n": [10, 10]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>The most common set of failed criteria: I5 (4 of 10 patients,</b>'
    """
    rows = records(frame, "failed", "not_passed")
    n = most_of(rows, "n")
    if not n:
        return nobody("No patients were screened")
    names = sorted({name for row in rows[:-1] for name in _members(row["criteria"])}, key=_in_order)
    return _sets(
        [row["criteria"] for row in rows],
        {name: name for name in names},
        [
            _Layer("failed", [row["failed"] for row in rows], SOLID["fail"], STATES["fail"]),
            _Layer("failed or open", [row["not_passed"] for row in rows], HATCHED, QUIET),
        ],
        [
            f"<b>{wrap(row['criteria'], 60)[0]}</b><br>failed are exactly these: {n_of(row['failed'], n)}"
            f"<br>failed or open are exactly these: {n_of(row['not_passed'], n)}"
            for row in rows
        ],
        finding=_keeps_out_most(rows, n),
        population=f"{count(n)} patients by the exact set that keeps them out. Hatched: open counted as failed",
        alt="Sets by patients who fail them: " + "; ".join(f"{r['criteria']} {count(r['failed'])}" for r in rows[:3]),
    )


def _in_order(id: str) -> Any:
    """Inclusions before exclusions, 2 before 10."""
    parts = re.split(r"(\d+)", id)
    return id[:1] != "I", [(not part.isdigit(), int(part) if part.isdigit() else part) for part in parts]


def _keeps_out_most(rows: Sequence[Row], n: int) -> str:
    worst = max(rows[:-1], key=lambda row: row["failed"] or 0, default=None)
    if worst is None or not worst["failed"]:
        return held_back(rows, "failed") or "No set of criteria is failed"
    names = enumeration(_members(worst["criteria"]))
    alike = sum(row["failed"] == worst["failed"] for row in rows[:-1])
    which = "The most common set" if alike == 1 else f"One of {alike} most common sets"
    share = percent(worst["failed"] / n)
    return f"{which} of failed criteria: {names} ({count(worst['failed'])} of {count(n)} patients, {share})"


@figure
def missingness(frame: pd.DataFrame) -> Drawing:
    """Patients by the exact set of facts that they lack, the most frequent set first.

    A column without dots is the patients with nothing unknown.

    Args:
        frame: from `screening.missingness()`: fields, size, n, of; the last row is `other`. `frame.attrs["labels"]` is
            what fields are called.

    >>> import pandas as pd
    >>> made = missingness(pd.DataFrame({"fields": ["bmi", "", "other"], "n": [6, 4, 0], "of": [10, 10, 10]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Everything is known of 4 of 10; most often not known together: bmi</b>'
    """
    rows = records(frame)
    of = most_of(rows, "of")
    if not of:
        return nobody("No patients were screened")
    names = list(dict.fromkeys(name for row in rows[:-1] for name in _members(row["fields"])))
    labels = {name: frame.attrs.get("labels", {}).get(name, plain(name)) for name in names}

    def hover(row: Row) -> str:
        lacking = ", ".join(labels.get(name, name) for name in _members(row["fields"]))
        return f"<b>{wrap(lacking or 'everything is known', 60)[0]}</b><br>{n_of(row['n'], of)} of {count(of)}"

    return _sets(
        [row["fields"] for row in rows],
        labels,
        [_Layer("patients", [row["n"] for row in rows], HATCHED, QUIET)],
        list(map(hover, rows)),
        finding=_lacking_together(rows, of, labels, frame.attrs.get("without_column", 0)),
        population=f"{count(of)} patients by the exact set of facts not known of them; "
        "fields without a column are left out",
        alt=f"{len(names)} fields in {len(rows) - 1} sets",
    )


def _lacking_together(rows: Sequence[Row], of: int, labels: Mapping[str, str], without_column: int) -> str:
    # a set without a row of its own is nobody's, or one of the many in `other`: then nothing is said of it
    whole = next((row["n"] for row in rows if not _members(row["fields"])), None)
    scope = "of the facts that have a column, " if without_column else ""
    phrase = [] if whole is None else [f"{scope}everything is known of {count(whole)} of {count(of)}"]
    worst = max((row for row in rows[:-1] if _members(row["fields"])), key=lambda row: row["n"] or 0, default=None)
    if worst is not None:
        inside = _members(worst["fields"])
        names = ", ".join(labels[name] for name in inside[:3])
        names += f" and {len(inside) - 3} more" if len(inside) > 3 else ""
        phrase.append(f"most often not known together: {names} ({count(worst['n'])} of {count(of)})")
    sentence = "; ".join(phrase) or "no set of facts has a row of its own"
    return capital(sentence)


def _members(text: Any) -> list[str]:
    """What a set is made of, from its text in the frame; an empty set has none."""
    return [] if absent(text) else str(text).split(", ")


def _sets(
    texts: Sequence[str], labels: Mapping[str, str], layers: Sequence[_Layer], hover: Sequence[str], **phrase: Any
) -> Drawing:
    """Bars side by side for each set, their numbers below, then a line of dots for each label.

    More names than fit share a last line, on which each set tells how many more it has.
    """
    names = list(labels)
    shown, rest = names[:_MOST], set(names[_MOST:])
    lines = [*(layer.name for layer in layers), *(shorten(labels[n], 26, placeholder=" …") for n in shown)]
    lines += [f"{len(rest)} more"] if rest else []
    left, height = max(text_width(lines), 70), _BARS + 12 + _ROW * len(lines)
    # pixels below the bars, so that a line is as high whatever the number of sets
    lower = [12 + _ROW * (line + 0.5) for line in range(len(lines))]
    dots = dict(zip(shown, lower[len(layers) :], strict=False))
    across = (WIDTH - left - 8) / max(len(texts) + 0.2, 4.2)
    longest = max((len(count(value)) for layer in layers for value in layer.values), default=1)
    colours = [layer.colour for layer in layers]
    words: list[Spec] = [
        note(text, x=0, y=y, yref="y2", xshift=-left, size=12, **({"color": colours[at]} if at < len(layers) else {}))
        for at, (text, y) in enumerate(zip(lines, lower, strict=True))
    ]
    for layer, y in zip(layers, lower, strict=False):
        small = min(11, across / (0.6 * longest))
        words += [_cell(count(value), x, y, layer.colour, small) for x, value in enumerate(layer.values)]
    marks = [_bars(layer, texts, hover, at, len(layers)) for at, layer in enumerate(layers)]
    for x, text in enumerate(texts):
        if text == _OTHER:
            words.append(_cell(_OTHER, x, lower[len(layers)] if lines[len(layers) :] else lower[-1] + _ROW, QUIET))
            continue
        inside = _members(text)
        if more := rest & set(inside):
            words.append(_cell(f"+{len(more)}", x, lower[-1], QUIET))
        marks += _column(x, dots, inside, hover[x])
    named = [v or 0 for layer in layers for text, v in zip(texts, layer.values, strict=True) if text != _OTHER]
    share = 1 - _BARS / height
    domain = {"domain": [share, 1], "range": [0, (max(named, default=0) or 1) * 1.15]}
    return Drawing(
        marks=marks,
        words=words,
        x={"range": [-0.6, max(len(texts), 4) - 0.4], "visible": False},
        y={**domain, "visible": True, **GRID, "nticks": 4, "tickformat": ",d"},
        layout={
            "barmode": "overlay",
            "yaxis2": {"domain": [0, share], "range": [height - _BARS, 0], "visible": False, "fixedrange": True},
        },
        remark=f"The {len(rest)} rarest are on one line" if rest else "",
        room=Room(height, left, 8, 14, 10),
        **phrase,
    )


def _bars(layer: _Layer, texts: Sequence[str], hover: Sequence[str], at: int, among: int) -> Spec:
    wide = 0.8 / among
    return {
        "type": "bar",
        "name": layer.name,
        "x": [x - 0.4 + wide * (at + 0.5) for x in range(len(texts))],
        "y": [0 if text == _OTHER else value or 0 for text, value in zip(texts, layer.values, strict=True)],
        "width": wide * 0.9,
        "marker": layer.marker,
        "hovertext": list(hover),
    }


def _column(x: int, dots: Mapping[str, float], inside: Sequence[str], hover: str) -> list[Spec]:
    """A dot for each name, those of the set dark and joined."""
    empty = [y for name, y in dots.items() if name not in inside]
    full = [dots[name] for name in inside if name in dots]
    dark = "#333333"
    kinds = [
        (empty, "markers", {"size": 8, "color": HAIR}),
        (full, "markers+lines", {"size": 10, "color": dark}),
    ]
    look = {"type": "scatter", "yaxis": "y2", "line": {"color": dark, "width": 2}}
    return [
        {**look, "x": [x] * len(ys), "y": ys, "mode": mode, "marker": marker, "hovertext": [hover] * len(ys)}
        for ys, mode, marker in kinds
        if ys
    ]


def _cell(text: str, x: int, y: float, colour: str, size: float = 11) -> Spec:
    return note(text, x=x, y=y, xref="x", yref="y2", xanchor="center", size=size, color=colour)
