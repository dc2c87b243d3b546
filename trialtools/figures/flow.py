"""The flow of patients through the criteria, as inline SVG: an attrition frame in, a CONSORT-like diagram out.

The layout is computed: one spine of boxes, what each criterion takes out at the right, the three decisions below. Its
numbers must add up, or there is no figure.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..tables import FONTS, INK, NOBODY, QUIET, Html, absent, count, interval, percent
from .template import STATES, SUBTITLE, TITLE, WIDTH, wrap

if TYPE_CHECKING:
    import pandas as pd

STRIP, LEFT, BOX, SIDE, SIDE_BOX, RAIL = 20, 30, 202, 260, 388, 656
"""Across: the strip of stages, the spine and how wide its boxes are, the side boxes, and the line that sums them up."""

LINE, SPINE_BOX, GAP = 15, 18, 8
"""Down: a line of words, a box of the spine, the room between boxes."""

MIDDLE = LEFT + BOX / 2
DECISIONS = (
    ("Eligible", "pass", "every criterion passes"),
    ("Undetermined", "unknown", "nothing fails, something is unknown"),
    ("Ineligible", "fail", "a criterion fails"),
)


@dataclass(frozen=True)
class Step:
    """One row of the diagram: a criterion that takes patients out, or several in a row that take out nobody."""

    stage: str
    text: tuple[str, ...]
    said: str
    failed: int
    possible: int
    certain: int

    @property
    def box(self) -> float:
        """How high its side box is."""
        return LINE * len(self.text) + 9

    @property
    def height(self) -> float:
        """Its part of the spine: the side box, and room for a box of what is left."""
        return max(self.box + GAP, SPINE_BOX + 14) if self.failed else LINE * len(self.text) + GAP


def flow(
    frame: pd.DataFrame,
    n: int | None = None,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
) -> Html:
    """The flow diagram: how many are left after each criterion, and who is eligible, undetermined, ineligible.

    Args:
        frame: step (0 is everybody), criterion, kind, label, failed_here (first failed at this step), possible (not
            failed so far), certain (passed all so far).
        n: how many were screened, to hold the frame against.
        title: the finding; otherwise how many could be eligible, and an empty text for none, below a headline.
        subtitle: the population, data cut, readings.
        source: a last line.

    Unknown has a box of its own. A frame without patients gives a figure that says so.

    Raises:
        ValueError: the numbers of the frame do not add up.

    >>> import pandas as pd
    >>> rows = [(0, "", "", "Screened", 0, 10, 10), (1, "I1", "inclusion", "Age 18 to 85", 4, 6, 5)]
    >>> names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain"]
    >>> "5 to 6 of 10 could be eligible" in flow(pd.DataFrame(rows, columns=names), n=10)
    True
    """
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    _adds_up(rows, n)
    if not rows or not rows[0]["possible"]:
        heading, top = _heading(title or "No patients were screened", subtitle)
        return _page([heading, _text(0, top + 14, NOBODY, QUIET, anchor="start")], top + 24, NOBODY)
    screened, certain, possible = (int(rows[i][key]) for i, key in ((0, "possible"), (-1, "certain"), (-1, "possible")))
    finding = _finding(certain, possible, screened) if title is None else title
    heading, top = _heading(finding, subtitle)
    drawn, bottom = _spine(list(_steps(rows[1:])), screened, top)
    decided, end = _decisions((certain, possible - certain, screened - possible), screened, bottom)
    foot = _text(0, end + 20, wrap(source, 110)[0], QUIET, 11.5, "start") if source else ""
    said = f"{finding}. {interval(certain, possible)} of {count(screened)} could be eligible.".lstrip(". ")
    return _page([heading, *drawn, *decided, foot], end + (28 if source else 4), said)


def _finding(certain: int, possible: int, n: int) -> str:
    if not possible:
        return f"None of {count(n)} patients could be eligible"
    if certain == possible:
        return f"{count(certain)} of {count(n)} patients are eligible; nothing is left open"
    who = {0: "Nobody is", 1: "1 is"}.get(certain, f"{count(certain)} are")
    return f"{who} eligible for certain; up to {count(possible)} of {count(n)} could be"


def _adds_up(rows: Sequence[Mapping[str, Any]], n: int | None) -> None:
    """Raise where the frame contradicts itself: a flow diagram with a wrong sum must not exist."""
    for row in rows:
        if any(absent(row[key]) for key in ("failed_here", "possible", "certain")):
            raise ValueError("the flow needs every count; a frame with suppressed counts can be shown as a table")
    if rows and n is not None and rows[0]["possible"] != n:
        raise ValueError(f"the flow begins with {rows[0]['possible']} patients, but {n} were screened")
    for before, row in pairwise(rows):
        where = f"the flow does not add up at {row['criterion']}"
        if row["failed_here"] < 0 or before["possible"] - row["failed_here"] != row["possible"]:
            raise ValueError(f"{where}: {before['possible']} − {row['failed_here']} is not {row['possible']}")
        if not 0 <= row["certain"] <= min(row["possible"], before["certain"]):
            raise ValueError(
                f"{where}: certain is {row['certain']}, of {row['possible']} possible, after {before['certain']}"
            )
        if not absent(row.get("undetermined")) and row["undetermined"] != row["possible"] - row["certain"]:
            raise ValueError(f"{where}: {row['possible']} − {row['certain']} is not {row['undetermined']} undetermined")


def _steps(rows: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    """One step for each criterion that takes somebody out; neighbours that take out nobody share one."""
    idle: list[Mapping[str, Any]] = []
    for position, row in enumerate(rows):
        after = rows[position + 1] if position + 1 < len(rows) else None
        if not row["failed_here"]:
            idle.append(row)
            if after is None or after["failed_here"] or after["kind"] != row["kind"]:
                said = f"{', '.join(str(each['criterion']) for each in idle)}: nobody fails"
                yield Step(row["kind"], tuple(wrap(said, 52)), said, 0, int(row["possible"]), int(row["certain"]))
                idle = []
            continue
        said = f"{row['criterion']} {row['label']}"
        numbers = (int(row[key]) for key in ("failed_here", "possible", "certain"))
        yield Step(row["kind"], tuple(wrap(said, 38)), said, *numbers)


def _spine(steps: Sequence[Step], screened: int, top: float) -> tuple[list[str], float]:
    """The boxes from everybody screened to those whom no criterion took out; and where they end."""
    boxes = [
        _box(
            LEFT,
            top,
            32,
            f"{count(screened)} screened",
            [_text(MIDDLE, top + 21, f"<b>{count(screened)}</b> screened")],
        )
    ]
    strips: list[tuple[str, float, float]] = [("", top, top + 32)]
    lines, y, end = [], top + 32 + 12, top + 32.0
    rail: list[float] = []
    for step in steps:
        strips.append((step.stage, y - GAP / 2, y + step.height - GAP / 2))
        if step.failed:
            at = y + step.box / 2
            lines += [_line(MIDDLE, at, SIDE - 5, at), _arrow(SIDE, at, "right"), _line(SIDE + SIDE_BOX, at, RAIL, at)]
            boxes += [_side(step, y), _left(step, at + step.height / 2)]
            end, rail = at + step.height / 2 + SPINE_BOX / 2, [*rail, at]
        else:
            boxes += [
                _text(SIDE + 10, y + LINE * (i + 0.75), line, QUIET, 12, "start") for i, line in enumerate(step.text)
            ]
        y += step.height
    bottom = max(end, y) + 18
    lines += [_line(MIDDLE, top + 32, MIDDLE, bottom + 9), _path(MIDDLE, bottom, MIDDLE + BOX + GAP, bottom, "v9")]
    if rail:
        lines.append(_path(RAIL, rail[0], MIDDLE + 2 * (BOX + GAP), bottom, "v9"))
    return [*_strips(strips), *lines, *boxes], bottom


def _side(step: Step, y: float) -> str:
    middle = y + step.box / 2
    words = [
        _text(SIDE + 10, middle + LINE * (i - (len(step.text) - 1) / 2) + 4.5, line, INK, 12.5, "start")
        for i, line in enumerate(step.text)
    ]
    number = _text(SIDE + SIDE_BOX - 10, middle + 4.5, f"<b>{count(step.failed)}</b>", INK, 12.5, "end")
    return _box(SIDE, y, step.box, f"{step.said}: {count(step.failed)} fail", [*words, number], SIDE_BOX, "#fafafa")


def _left(step: Step, middle: float) -> str:
    """What is left after a step; where the numbers are too long for the box, the certain ones are only read out."""
    said = f"{count(step.possible)} left, {count(step.certain)} certain"
    shown = f"<b>{count(step.possible)}</b> left" + (f", {count(step.certain)} certain" if len(said) < 28 else "")
    inside = [_text(MIDDLE, middle + 4, shown, INK, 11.5)]
    return _box(LEFT, middle - SPINE_BOX / 2, SPINE_BOX, f"after {step.said.split()[0]}: {said}", inside)


def _decisions(numbers: Sequence[int], screened: int, y: float) -> tuple[list[str], float]:
    """Eligible, undetermined, ineligible, and the bracket from certain to possible."""
    parts, top, high = [], y + 14, 84
    for position, ((name, state, meaning), number) in enumerate(zip(DECISIONS, numbers, strict=True)):
        x = LEFT + position * (BOX + GAP)
        middle, share = x + BOX / 2, percent(number / screened)
        fill = "url(#hatch)" if state == "unknown" else STATES[state]
        inside = [
            f'<rect x="{x}" y="{top}" width="{BOX}" height="6" fill="{fill}" stroke="{STATES[state]}"/>',
            _text(middle, top + 24, f"<b>{name}</b>"),
            _text(middle, top + 45, f'<b>{count(number)}</b> <tspan font-size="12">{share}</tspan>', INK, 17),
            *(_text(middle, top + 60 + 13 * i, line, QUIET, 11) for i, line in enumerate(wrap(meaning, 26))),
        ]
        parts += [_box(x, top, high, f"{name}: {count(number)} ({share}), {meaning}", inside)]
        parts.append(_arrow(middle, top, "down"))
    end, right = top + high, LEFT + 2 * BOX + GAP
    parts.append(f'<path d="M{LEFT} {end + 5}v6H{right}v-6" fill="none" stroke="{INK}"/>')
    words = f"<b>{interval(numbers[0], numbers[0] + numbers[1])}</b> of {count(screened)} could be eligible"
    parts.append(_text((LEFT + right) / 2, end + 28, words))
    return [*parts, *_strips([("decision", y, end)])], end + 34


def _strips(stages: Sequence[tuple[str, float, float]]) -> list[str]:
    """The tinted strip at the left, one piece a stage; its name where the piece is long enough for it."""
    joined: list[tuple[str, float, float]] = []
    for name, top, bottom in stages:
        if joined and joined[-1][0] == name:
            joined[-1] = (name, joined[-1][1], bottom)
        else:
            joined.append((name, top, bottom))
    parts = []
    for name, top, bottom in joined:
        x, y = STRIP / 2 + 4, (top + bottom) / 2
        parts.append(f'<rect x="0" y="{top:g}" width="{STRIP}" height="{bottom - top - 2:g}" rx="3" fill="#efefef"/>')
        if bottom - top > 62:
            turned = f'transform="rotate(-90 {x:g} {y:g})" text-anchor="middle" font-size="11" fill="{QUIET}"'
            parts.append(f'<text x="{x:g}" y="{y:g}" {turned}>{html.escape(name.capitalize())}</text>')
    return parts


def _box(
    x: float, y: float, high: float, said: str, inside: Sequence[str], wide: float = BOX, fill: str = "white"
) -> str:
    """A box that can be reached by keyboard and is read out."""
    words = html.escape(said, quote=True)
    frame = f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="2" fill="{fill}" stroke="{QUIET}"/>'
    return f'<g tabindex="0" role="img" aria-label="{words}"><title>{words}</title>{frame}{"".join(inside)}</g>'


def _text(x: float, y: float, words: str, colour: str = INK, size: float = 13, anchor: str = "middle") -> str:
    bold = words.replace("<b>", '<tspan font-weight="600">').replace("</b>", "</tspan>")
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size:g}" text-anchor="{anchor}">{bold}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{QUIET}" fill="none"/>'


def _path(x1: float, y1: float, x2: float, y2: float, rest: str) -> str:
    """Down, then across, then the rest."""
    return f'<path d="M{x1:g} {y1:g}V{y2:g}H{x2:g}{rest}" stroke="{QUIET}" fill="none"/>'


def _arrow(x: float, y: float, way: str) -> str:
    points = f"{x:g},{y:g} {x - 7:g},{y - 4:g} {x - 7:g},{y + 4:g}"
    if way == "down":
        points = f"{x:g},{y:g} {x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g}"
    return f'<polygon points="{points}" fill="{QUIET}"/>'


def _heading(title: str, subtitle: str | None) -> tuple[str, float]:
    """The finding and the population, and where they end."""
    y, parts = 16.0 if title or subtitle else 0.0, []
    for line in wrap(title, 70) if title else []:
        parts.append(_text(0, y, f"<b>{line}</b>", INK, TITLE, "start"))
        y += TITLE * 1.3
    for line in wrap(subtitle, 100) if subtitle else []:
        parts.append(_text(0, y, line, QUIET, SUBTITLE, "start"))
        y += SUBTITLE * 1.4
    return "".join(parts), y + 2


def _page(parts: Sequence[str], height: float, said: str) -> Html:
    """The drawing as HTML: as wide as a printed page, scrolled where the screen is narrower."""
    drawing = "".join(parts)
    # two figures on one page must not share the name of the hatching
    hatch = "hatch" + hashlib.sha256(drawing.encode()).hexdigest()[:8]
    lines = f'<path d="M0 6L6 0M-1 1L1 -1M5 7L7 5" stroke="{STATES["unknown"]}" stroke-width="1.4"/>'
    pattern = f'<pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse">{lines}</pattern>'
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    look = f"display:block;background:white;font-family:{', '.join(FONTS)};font-variant-numeric:tabular-nums"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-label="{html.escape(said)}" style="{look}">'
    )
    body = f"<defs>{pattern}</defs>{drawing.replace('#hatch', f'#{hatch}')}</svg>"
    return Html(f'<div class="tt-figure" style="overflow-x:auto;break-inside:avoid">{head}{body}</div>')
