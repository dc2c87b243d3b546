"""Frames by arm go in, printed tables come out: arms side by side, and what they differ by; or words in their place."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import ABSENT, SPACE, absent, count, n_of, number
from .measure import POINTS
from .page import FONTS, INK, QUIET, Html
from .table import table

if TYPE_CHECKING:
    from great_tables import GT

FACTS = "application/vnd.trialtools.facts+json"
"""What a notebook shows under this type goes into the manifest: the numbers that the next report is held against."""
_EVERYBODY = "All randomized"
_FIELDS = ("Reasons, and what is asked of sponsor and investigators", "Next meeting", "Chair: name, date, signature")
_CHOICES = ("Continue unchanged", "Continue with modifications", "Pause", "Stop")


class KeyFigures(dict[str, Any]):
    """The key numbers of a report, which a notebook tells its manifest by showing them."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {FACTS: dict(self), "text/plain": ""}


def sentence(text: str) -> Html:
    """A line of words where a table or figure would be."""
    return Html(f'<p style="color:{QUIET};font:15px/1.5 {", ".join(FONTS)}">{html.escape(text)}</p>')


def arm_heading(name: str) -> Html:
    """The name of an arm above what is told of it; on paper they stay together."""
    return Html(f'<h3 class="tt-arm" style="color:{INK};font:600 15px/1.5 {", ".join(FONTS)}">{html.escape(name)}</h3>')


def across(
    frame: pd.DataFrame,
    rows: Sequence[str],
    write: Callable[[Any], str],
    labels: Mapping[str, str],
    title: str,
    subtitle: str = "",
    heads: Mapping[str, str] | None = None,
    lacking: str = ABSENT,
    **how: Any,
) -> GT:
    """A frame by arm as a table with an arm a column, where all arms are pooled with one.

    Args:
        frame: rows by `arm`.
        rows: the columns that name a row.
        write: makes the text of a cell from a row of the frame.
        labels: what arms are called.
        title, subtitle: finding and population.
        heads: headings of the columns that name a row.
        lacking: stands where an arm has no such row.
        how: as for `table`: notes, group.
    """
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in frame.to_dict("records"):
        key = tuple(row[name] for name in rows)
        lines.setdefault(key, dict(zip(rows, key, strict=True)))[f"arm {row['arm']}"] = write(row)
    there = dict.fromkeys(frame["arm"])
    order = [arm for arm in labels if arm in there] + [arm for arm in there if arm not in labels]
    arms = {f"arm {arm}": labels.get(arm, arm) or _EVERYBODY for arm in order}
    written = pd.DataFrame(list(lines.values()), columns=[*rows, *arms])
    written[[*arms]] = written[[*arms]].fillna(lacking)
    return table(written, title, subtitle, {**arms, **(heads or {})}, **how).cols_align("right", [*arms])


def participants(row: Mapping[str, Any]) -> str:
    """How many participants."""
    return count(row["n"])


def quartiles(row: Mapping[str, Any]) -> str:
    """A median with its quartiles and their n; small values with two decimals, as a rule they have one or two."""
    digits = 2 if abs(row["median"]) < 10 else 1
    low, median, high = (number(row[name], digits) for name in ("low", "median", "high"))
    return f"{median} ({low} to {high}), n{SPACE}{count(row['n'])}"


def by_arm(
    frame: pd.DataFrame, rows: Sequence[str], labels: Mapping[str, str], title: str, subtitle: str = "", most: int = 60,
    group: str | None = None,
) -> GT:  # fmt: skip
    """Participants with something, an arm a column: `n (%)`, and what the arms differ by where they are told.

    `unsaid` of a frame counts participants of whom it is not known: the cell then gives the highest possible count too.

    Args:
        frame: rows by `arm` with participants and of; and difference, low, high where arms are compared.
        rows: the columns that name a row.
        labels: what arms are called.
        title, subtitle: finding and population.
        most: rows to show; the table says when it is cut.
        group: one of `rows` that heads groups.
    """

    lines: dict[tuple[str, ...], dict[str, str]] = {}
    sizes: dict[str, int] = {}
    for row in frame.to_dict("records"):
        key = tuple(str(row[name]) for name in rows)
        line = lines.setdefault(key, dict(zip(rows, key, strict=True)))
        sizes[row["arm"]] = int(row["of"])
        line[f"arm {row['arm']}"] = _n_known(row["participants"], row["of"], row.get("unsaid"))
        if not absent(row.get("difference")):
            # several experimental arms have a difference each
            line[f"difference {row['arm']}"] = POINTS.row(row)
    arms = {
        f"arm {arm}": f"{labels.get(arm, arm) or _EVERYBODY} (n{SPACE}={SPACE}{count(n)})" for arm, n in sizes.items()
    }
    apart = {f"difference {arm}": arm for arm in sizes if any(f"difference {arm}" in line for line in lines.values())}
    of = {name: f"{labels.get(arm)}: " if len(apart) > 1 else "" for name, arm in apart.items()}
    heads = {name: f"{whose}{POINTS.head} (95{SPACE}% interval)" for name, whose in of.items()}
    written = pd.DataFrame(list(lines.values()), columns=[*rows, *arms, *apart]).fillna(ABSENT)
    made = table(written, title, subtitle, {**arms, **heads}, group=group, rows=most)
    return made.cols_align("right", [*arms, *apart])


def _n_known(n: Any, of: Any, unsaid: Any = 0) -> str:
    """How many of a whole, with its share; as an interval where of some it is not known, and in words of nobody.

    >>> [_n_known(*each).replace(SPACE, " ") for each in ((2, 90), (2, 90, 3), (2, 90, 88), (0, 90, 90), (None, 90))]
    ['2 (2.2 %)', '2 (2.2 %), at most 5', 'at least 2', 'not collected', 'not collected']
    """
    open_ = 0 if absent(unsaid) else unsaid
    if absent(n) or (open_ and open_ == of):
        return "not collected"
    if open_ and n + open_ == of:
        return f"at least {count(n)}"
    return n_of(n, of) + (f", at most {count(n + open_)}" if open_ else "")


def recommendation_form() -> Html:
    """The recommendation form, to be filled in by hand."""
    boxes = "".join(f'<p style="margin:4px 0">☐ {html.escape(choice)}</p>' for choice in _CHOICES)
    line = f'<span style="display:inline-block;border-bottom:1px solid {INK};width:100%;height:2.1em"></span>'
    fields = "".join(f'<p style="margin:6px 0 0;color:{QUIET}">{what}</p>{line}' for what in _FIELDS)
    return Html(f'<div style="font:14px/1.4 {", ".join(FONTS)};color:{INK};break-inside:avoid">{boxes}{fields}</div>')
