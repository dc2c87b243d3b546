"""The flow of patients through the criteria, as inline SVG: an attrition frame in, a CONSORT-like diagram out.

The layout is computed: one spine of boxes, what each criterion takes out at the right, the three decisions below. Its
numbers must add up, or there is no figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from ..criteria.stage import expect
from .format import FRAME, absent, count, interval, percent
from .page import INK, QUIET, Html
from .svg import LINE, Parts, across, box, down, nobody, page, path, strips, text
from .template import SMALL, STATES, wrap

_LEFT, _BOX, _SIDE, _SIDE_BOX, _RAIL = 30, 202, 260, 388, 656
"""Across: the spine and how wide its boxes are, the side boxes, and the line that sums them up."""

_SCREENED_BOX, _SPINE_BOX, _GAP = 32, 18, 8
"""Down: the first box and the other boxes of the spine, the room between boxes."""

_MIDDLE = _LEFT + _BOX / 2
_DECISIONS = (
    ("Eligible", "pass", "every criterion passes"),
    ("Not decided yet", "unknown", "nothing fails, something is open"),
    ("Not eligible", "fail", "a criterion fails"),
)
_COUNTS = ("failed_here", "possible", "certain")


@dataclass(frozen=True)
class _Step:
    """A criterion that takes patients out, or several in a row that take out nobody."""

    stage: str
    sentence: str
    failed: int
    possible: int
    certain: int

    @property
    def lines(self) -> list[str]:
        """Its words as they are broken in its side box, or beside the spine."""
        return wrap(self.sentence, 38 if self.failed else 52)

    @property
    def box(self) -> float:
        """How high its side box is."""
        return LINE * len(self.lines) + 9

    @property
    def height(self) -> float:
        """Its part of the spine: the side box, and room for a box of what is left."""
        return max(self.box + _GAP, _SPINE_BOX + 14) if self.failed else LINE * len(self.lines) + _GAP


def flow(frame: pd.DataFrame, *, title: str | None = None, subtitle: str | None = None, source: str = "") -> Html:
    """The flow diagram: how many are left after each criterion, and who is eligible, not decided yet, not eligible.

    Unknown has a box of its own. A frame without patients gives a figure that says so.

    Args:
        frame: step (0 is everybody), criterion, kind, label, failed_here (first failed at this step), possible (not
            failed so far), certain (passed all so far).
        title: the finding; otherwise how many could be eligible, and an empty text for none, below a headline.
        subtitle: the population, data cut, readings.
        source: a last line.

    Raises:
        ValueError: the numbers of the frame do not add up.

    >>> import pandas as pd
    >>> rows = [(0, "", "", "Screened", 0, 10, 10), (1, "I1", "inclusion", "Age 18 to 85", 4, 6, 5)]
    >>> names = ["step", "criterion", "kind", "label", "failed_here", "possible", "certain"]
    >>> "At least 5 and at most 6 of 10 patients are eligible" in flow(pd.DataFrame(rows, columns=names))
    True
    """
    expect(frame, pd.DataFrame, "figures.flow(frame)", FRAME)
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    _adds_up(rows)
    if not rows or not rows[0]["possible"]:
        return nobody(title or "No patients were screened", subtitle)
    screened, certain, possible = (int(rows[i][key]) for i, key in ((0, "possible"), (-1, "certain"), (-1, "possible")))
    answer = _finding(certain, possible, screened)
    finding = answer if title is None else title
    alt = f"{answer}." if finding in ("", answer) else f"{finding}. {answer}."

    def draw(top: float) -> tuple[Parts, float]:
        spine, bottom = _spine(list(_steps(rows[1:])), screened, top)
        decided, end = _decisions((certain, possible - certain, screened - possible), screened, bottom)
        return [*spine, *decided], end

    return page(finding, subtitle, source, alt, draw)


def _finding(certain: int, possible: int, n: int) -> str:
    if not possible:
        return f"None of {count(n)} patients is eligible"
    if certain == possible:
        return f"{count(certain)} of {count(n)} patients are eligible; nothing is left open"
    return f"At least {count(certain)} and at most {count(possible)} of {count(n)} patients are eligible"


def _adds_up(rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise where the frame contradicts itself: a flow diagram with a wrong sum must not exist."""
    if any(absent(row[key]) for row in rows for key in _COUNTS):
        raise ValueError("the flow needs every count; a frame with suppressed counts can be shown as a table")
    for before, row in pairwise(rows):
        where = f"the flow does not add up at {row['criterion']}"
        if row["failed_here"] < 0 or before["possible"] - row["failed_here"] != row["possible"]:
            raise ValueError(f"{where}: {before['possible']} − {row['failed_here']} is not {row['possible']}")
        if not 0 <= row["certain"] <= min(row["possible"], before["certain"]):
            of = f"of {row['possible']} possible, after {before['certain']}"
            raise ValueError(f"{where}: certain is {row['certain']}, {of}")
        if not absent(row.get("undetermined")) and row["undetermined"] != row["possible"] - row["certain"]:
            raise ValueError(f"{where}: {row['possible']} − {row['certain']} is not {row['undetermined']} undetermined")


def _steps(rows: Sequence[Mapping[str, Any]]) -> Iterator[_Step]:
    """One step for each criterion that takes somebody out; neighbours of a kind that take out nobody share one."""
    for (kind, _), group in groupby(rows, key=lambda row: (row["kind"], not row["failed_here"])):
        each = list(group)
        if each[0]["failed_here"]:
            for row in each:
                yield _Step(kind, f"{row['criterion']} {row['label']}", *(int(row[key]) for key in _COUNTS))
        else:
            sentence = f"{', '.join(str(row['criterion']) for row in each)}: nobody fails"
            yield _Step(kind, sentence, *(int(each[-1][key]) for key in _COUNTS))


def _spine(steps: Sequence[_Step], screened: int, top: float) -> tuple[Parts, float]:
    """The boxes from everybody screened to those whom no criterion took out; and where they end."""
    sentence = f"{count(screened)} screened"
    words = text(_MIDDLE, top + 21, f"<b>{count(screened)}</b> screened")
    boxes = [box(_LEFT, top, _SCREENED_BOX, sentence, [words], _BOX)]
    begin = top + _SCREENED_BOX
    stages, lines, rail = [("", top, begin)], [], []
    y = end = begin + 12
    for step in steps:
        stages.append((step.stage, y - _GAP / 2, y + step.height - _GAP / 2))
        if step.failed:
            at = y + step.box / 2
            lines += [across(_MIDDLE, at, _SIDE, arrow=True), across(_SIDE + _SIDE_BOX, at, _RAIL)]
            boxes += [_side(step, y), _rest_box(step, at + step.height / 2)]
            end = at + step.height / 2 + _SPINE_BOX / 2
            rail.append(at)
        else:
            down_ = enumerate(step.lines)
            boxes += [text(_SIDE + 10, y + LINE * (i + 0.75), line, QUIET, 12, "start") for i, line in down_]
        y += step.height
    bottom = max(end, y) + 18
    lines += [down(_MIDDLE, begin, bottom + 9), path(f"M{_MIDDLE:g} {bottom:g}H{_MIDDLE + _BOX + _GAP:g}v9")]
    if rail:
        lines.append(path(f"M{_RAIL} {rail[0]:g}V{bottom:g}H{_MIDDLE + 2 * (_BOX + _GAP):g}v9"))
    return [*strips(stages), *lines, *boxes], bottom


def _side(step: _Step, y: float) -> str:
    """Who is taken out."""
    first = y + step.box / 2 - LINE * (len(step.lines) - 1) / 2 + 4.5
    words = [text(_SIDE + 10, first + LINE * i, line, INK, 12.5, "start") for i, line in enumerate(step.lines)]
    number = text(_SIDE + _SIDE_BOX - 10, y + step.box / 2 + 4.5, f"<b>{count(step.failed)}</b>", INK, 12.5, "end")
    sentence = f"{step.sentence}: {count(step.failed)} fail"
    return box(_SIDE, y, step.box, sentence, [*words, number], _SIDE_BOX, "#fafafa")


def _rest_box(step: _Step, middle: float) -> str:
    """What is left after a step, from at least to at most."""
    left = interval(step.certain, step.possible)
    inside = [text(_MIDDLE, middle + 4, f"<b>{left}</b> left", INK, SMALL)]
    sentence = f"after {step.sentence.split()[0]}: {left} left"
    return box(_LEFT, middle - _SPINE_BOX / 2, _SPINE_BOX, sentence, inside, _BOX)


def _decisions(numbers: Sequence[int], screened: int, y: float) -> tuple[Parts, float]:
    """Eligible, not decided yet, not eligible, and the bracket from at least to at most."""
    parts, top, high = [], y + 14, 84
    for position, ((name, state, meaning), number) in enumerate(zip(_DECISIONS, numbers, strict=True)):
        x = _LEFT + position * (_BOX + _GAP)
        middle, share = x + _BOX / 2, percent(number / screened)
        fill = "url(#hatch)" if state == "unknown" else STATES[state]
        inside = [
            f'<rect x="{x}" y="{top}" width="{_BOX}" height="6" fill="{fill}" stroke="{STATES[state]}"/>',
            text(middle, top + 24, f"<b>{name}</b>"),
            text(middle, top + 45, f'<b>{count(number)}</b> <tspan font-size="12">{share}</tspan>', INK, 17),
            *(text(middle, top + 60 + 13 * i, line, QUIET, 11) for i, line in enumerate(wrap(meaning, 26))),
        ]
        parts += [box(x, top, high, f"{name}: {count(number)} ({share}), {meaning}", inside, _BOX)]
        parts.append(down(middle, top, top, arrow=True))
    end, right = top + high, _LEFT + 2 * _BOX + _GAP
    parts.append(f'<path d="M{_LEFT} {end + 5}v6H{right}v-6" fill="none" stroke="{INK}"/>')
    words = f"<b>{interval(numbers[0], numbers[0] + numbers[1])}</b> of {count(screened)} are eligible"
    parts.append(text((_LEFT + right) / 2, end + 28, words))
    return [*parts, *strips([("decision", y, end)])], end + 34
