"""The words and numbers of page 1 of an interim report go in, its HTML comes out: for the screen and for paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .boundary import Boundary
from .page import Html, fill


@dataclass(frozen=True)
class ArmRow:
    """A row of the table by arm. Label and cells may have a mark: `^a` refers to the note that begins with it.

    Of several experimental arms the differences stand `below` the cells.
    """

    label: str
    cells: tuple[str, ...]
    differences: tuple[str, ...] = ()
    strong: bool = False
    below: bool = False


@dataclass(frozen=True)
class Aside:
    """What stands beside the boundary: bars (words, text, share), or rows of a small table, and a note."""

    title: str
    bars: tuple[tuple[str, str, float], ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class FirstPage:
    """Page 1. `title` is that of the document, `corner` and `running` stand on every printed sheet.

    `tone` is "" or "harm", or "gap" where safety was not collected. `pairs` are the boundary and what stands beside it,
    of each experimental arm; of several arms `across` is a table of both: headings, rows, and a note.
    """

    closed: bool
    synthetic: bool
    title: str
    corner: str
    running: str
    heading: str
    trial: str
    trial_id: str
    facts: tuple[tuple[str, str], ...]
    question: tuple[str, str]
    answer_label: str
    lead: str
    lines: tuple[tuple[str, str], ...]
    tone: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ArmRow, ...] = ()
    notes: tuple[str, ...] = ()
    pairs: tuple[tuple[Boundary, Aside | None], ...] = ()
    across: tuple[tuple[str, ...], ...] = ()

    def _repr_html_(self) -> str:
        return fill("first_page.html.j2", page=self)


def contents(groups: Sequence[tuple[str, Sequence[tuple[int, str, str]]]]) -> Html:
    """The table of contents: groups of sections, each with its number, its heading, and what it found (or "")."""
    return fill("contents.html.j2", groups=groups)
