"""The words and numbers of page 1 of an interim report go in, its HTML comes out: for the screen and for paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .format import number
from .page import Html

HERE = Path(__file__).parent
LEFT, WIDE, ZERO, HIGH = 34, 422, 113, 101
"""The place of the picture of the boundary in its 470 x 256 pixels: z = 0 lies at `ZERO`, the largest `HIGH` above."""

Point = tuple[float, float]


@dataclass(frozen=True)
class ArmRow:
    """A row of the table by arm. Label and cells may have a mark: `^a` refers to the note that begins with it."""

    label: str
    cells: tuple[str, ...]
    differences: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True)
class Boundary:
    """The picture of the boundary: bounds and z by look, the side of harm, and the table of looks below it."""

    title: str
    upper: tuple[Point, ...]
    lower: tuple[Point, ...]
    points: tuple[tuple[float, float, str, bool], ...]
    ticks: tuple[tuple[str, float], ...]
    harm_declared: bool
    benefit: str
    harm: str
    axis: str
    rows: tuple[tuple[str, ...], ...]
    now: int
    note: str

    def line(self, points: Sequence[Point]) -> str:
        """A path through points."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)

    def area(self, points: Sequence[Point], edge: float) -> str:
        """The same, closed along an edge."""
        return f"{self.line(points)}L{points[-1][0]:.1f} {edge}L{points[0][0]:.1f} {edge}Z"


@dataclass(frozen=True)
class Panel:
    """What stands beside the boundary: bars (words, text, share), or rows of a small table, and a note."""

    title: str
    bars: tuple[tuple[str, str, float], ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class FirstPage:
    """Page 1. `title` is that of the document, `corner` and `running` stand on every printed sheet.

    `tone` is "" or "harm", or "gap" where safety was not collected. `more` are the boundary and what stands beside it,
    of further experimental arms.
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
    asked: tuple[str, str]
    answer_label: str
    lead: str
    lines: tuple[tuple[str, str], ...]
    tone: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ArmRow, ...] = ()
    notes: tuple[str, ...] = ()
    looks: Boundary | None = None
    panel: Panel | None = None
    more: tuple[tuple[Boundary | None, Panel | None], ...] = ()

    def _repr_html_(self) -> str:
        return _template("first_page.html.j2").render(page=self, css=_css())


def contents(groups: Sequence[tuple[str, Sequence[tuple[int, str, str]]]]) -> Html:
    """The table of contents: groups of sections, each with its number, its heading, and what it found (or "")."""
    return Html(_template("contents.html.j2").render(groups=groups, css=_css()))


def picture(
    bounds: Sequence[tuple[float, float]], harm: Sequence[tuple[float, float]], z: Sequence[tuple[float, float, bool]]
) -> dict[str, Any]:
    """Bounds for benefit and for harm (share of the information, z), and the z seen (with: at this look), in pixels."""
    most = max([4.0, *(abs(each) for _, each, *_ in [*bounds, *harm, *z])])
    scale = HIGH / (most * 1.07)

    def place(share: float, value: float) -> Point:
        return LEFT + WIDE * min(share, 1.0), ZERO - scale * value

    ends = (-4, -2, 0, 2, 4)
    return {
        "upper": tuple(place(*each) for each in bounds),
        "lower": tuple(place(*each) for each in harm),
        "points": tuple((*place(share, each), f"z {number(each, 2)}", now) for share, each, now in z),
        "ticks": tuple((f"{'+' if each > 0 else ''}{number(each, 0)}", ZERO - scale * each) for each in ends),
    }


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template(name)


@cache
def _css() -> str:
    return (HERE / "first_page.css").read_text("utf-8")
