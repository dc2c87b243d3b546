"""The flow of a trial as CONSORT 2025 draws it, as inline SVG: counts by stage and arm in, one column an arm out.

Its numbers must add up, or there is no figure. Where all arms are pooled there is one column, and no arm is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .arms import Arm, arms, rows_of_arm
from .format import NOBODY, absent, count
from .page import INK, QUIET, Html
from .svg import LINE, arrow, box, heading, line, page, strips, text
from .template import WIDTH, wrap

STAGES = {
    "assessed": ("Enrolment", "Assessed for eligibility"),
    "excluded": ("Enrolment", "Excluded"),
    "randomized": ("Enrolment", "Randomized"),
    "allocated": ("Allocation", "Allocated"),
    "follow_up": ("Follow-up", "Follow-up"),
    "analysed": ("Analysis", "Primary outcome"),
}
COLUMNS = ("allocated", "follow_up", "analysed")
LEFT, GAP, STEP, POOLED = 30, 12, 22, 300
"""Across: where the boxes begin, and between columns. Down: between stages. How wide a single column is."""


@dataclass(frozen=True)
class Box:
    """The people at one stage, of one arm or all: how many, None where nobody counted them, and what became of them."""

    head: str
    n: int | None
    items: tuple[tuple[str, int], ...]

    def lines(self, wide: float, bare: bool = False) -> list[tuple[str, str]]:
        """Words and number, line by line; the first is the head, and of a bare box the only one."""
        rows = [(self.head, "" if self.n is None else count(self.n)), *((item, count(n)) for item, n in self.items)]
        if not self.items and self.n != 0 and not (bare and self.n):
            rows.append(("not collected", ""))
        room = wide - 24 - 7.5 * max(len(n) for _, n in rows)
        lines = []
        for at, (words, n) in enumerate(rows):
            first, *rest = wrap(words, max(8, int(room / (6.3 if at else 7.9))))
            lines += [(first, n), *((f"\u2003{each}", "") for each in rest)]
        return lines

    def said(self, arm: str) -> str:
        """All of it in one sentence."""
        items = ", ".join(f"{item} {count(n)}" for item, n in self.items)
        total = "not collected" if self.n is None else count(self.n)
        return f"{f'{arm}, ' if arm else ''}{self.head}: {total}" + (f"; {items}" if items else "")


def consort(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
    reasons: int = 8,
) -> Html:
    """The flow of participants: assessed, excluded with reasons, randomized; then allocated, followed, analysed.

    Args:
        frame: stage (`assessed`, `excluded`, `randomized`, `allocated`, `follow_up`, `analysed`), arm ("" for all
            together), item ("" for the box itself), n. A box without items, or a stage without a box, says "not
            collected".
        title: the finding; otherwise how many were randomized, and an empty text for none.
        subtitle: population, data cut.
        source: a last line.
        labels: of arms, in the order of the protocol.
        reasons: how many reasons for exclusion are named, the most frequent; the others share a line.

    Unknown is an item like any other: the items of a box are all of its people, so that an item which one arm has and
    another lacks is 0 there.

    Raises:
        ValueError: the numbers do not add up, a count is missing, a box stands there twice, more than four arms.

    >>> import pandas as pd
    >>> rows = [("assessed", "", "", 9), ("excluded", "", "", 4), ("excluded", "", "I1", 4), ("randomized", "", "", 5)]
    >>> rows += [(stage, "", "", 5) for stage in ("allocated", "follow_up", "analysed")]
    >>> made = consort(pd.DataFrame(rows, columns=["stage", "arm", "item", "n"]))
    >>> "5 of 9 assessed were randomized" in made, "All arms together" in made
    (True, True)
    """
    if not len(frame):
        head, top = heading("Nobody was assessed" if title is None else title, subtitle)
        return page([head, text(0, top + 14, NOBODY, QUIET, anchor="start")], top + 24, NOBODY)
    places: list[tuple[str, Any]] = list(zip(frame["stage"], frame["arm"], strict=True))
    if any(stage not in STAGES or (stage not in COLUMNS and arm != "") for stage, arm in places):
        raise ValueError(f"a row of the flow has no place: stages are {', '.join(STAGES)}; arms come after randomized")
    assessed, excluded, randomized = (_read(frame, stage, Arm("")) for stage in list(STAGES)[:3])
    groups = arms(frame.loc[frame["stage"].isin(COLUMNS)], labels)
    columns = _aligned({arm: [_read(frame, stage, arm) for stage in COLUMNS] for arm in groups})
    _adds_up(assessed, excluded, randomized, columns)
    n = randomized.n or 0
    finding = f"{count(n)} of {count(assessed.n)} assessed were randomized" if assessed.n else f"{count(n)} randomized"
    head, y = heading(finding if title is None else title, subtitle)
    wide = POOLED if len(groups) < 2 else (WIDTH - 4 - LEFT - GAP * (len(groups) - 1)) / len(groups)
    middle = LEFT + POOLED / 2
    parts, stages = [head], []
    first = assessed.lines(POOLED, bare=True)
    high = _high(len(first))
    parts.append(_drawn(assessed, first, LEFT, y, POOLED))
    left = _top(excluded, reasons)
    side = LEFT + POOLED + 30
    words = left.lines(WIDTH - 4 - side)
    between = max(_high(len(words)), 20) + GAP
    parts += [line(middle, y + high, middle, y + high + between + GAP), arrow(middle, y + high + between + GAP, "down")]
    at = y + high + GAP
    parts += [line(middle, at + 14, side, at + 14), arrow(side, at + 14, "right")]
    parts.append(_drawn(left, words, side, at, WIDTH - 4 - side, fill="#fafafa", said=excluded.said("")))
    top, y = y, y + high + between + GAP
    span = POOLED if len(groups) < 2 else WIDTH - 4 - LEFT
    parts.append(_drawn(randomized, randomized.lines(span, bare=True), LEFT, y, span))
    stages.append(("Enrolment", top, y + _high(1)))
    y += _high(1) + STEP
    for position, stage in enumerate(COLUMNS if groups else ()):
        each = {arm: columns[arm][position].lines(wide) for arm in groups}
        crown = _crown(groups, wide) if not position else 0
        high = _high(max(map(len, each.values()))) + crown
        for across, arm in enumerate(groups):
            x = LEFT + across * (wide + GAP)
            parts += [line(x + wide / 2, y - STEP, x + wide / 2, y), arrow(x + wide / 2, y, "down")]
            parts.append(_drawn(columns[arm][position], each[arm], x, y, wide, high, crown, arm))
        stages.append((STAGES[stage][0], y - STEP / 2, y + high))
        y += high + STEP
    end = y - STEP
    foot = text(0, end + 22, wrap(source, 110)[0], QUIET, 11.5, "start") if source else ""
    alt = ". ".join([finding, excluded.said(""), *(b.said(arm.label) for arm, own in columns.items() for b in own)])
    return page([*parts, *strips(stages), foot], end + (30 if source else 6), alt)


def _read(frame: pd.DataFrame, stage: str, arm: Arm) -> Box:
    """A box with its items, which are all of its people."""
    rows: list[dict[str, Any]] = rows_of_arm(frame[frame["stage"] == stage], arm).to_dict("records")  # type: ignore[assignment]
    where = f"{STAGES[stage][1]}{f' ({arm.label})' if arm.label else ''}"
    names = ["" if absent(row["item"]) else str(row["item"]) for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: a row of the flow stands there twice")
    counts = dict(zip(names, (row["n"] for row in rows), strict=True))
    total = counts.pop("", None)
    if any(absent(n) or n < 0 for n in counts.values()) or (counts and absent(total)):
        raise ValueError(f"{where}: the flow needs every count; suppressed ones can be shown as a table")
    items = tuple((name, int(n)) for name, n in counts.items())
    n = None if total is None or absent(total) else int(total)
    if items and sum(each for _, each in items) != n:
        told = " + ".join(f"{each} {name}" for name, each in items)
        raise ValueError(f"the flow does not add up at {where}: {told} is not {n}")
    return Box(STAGES[stage][1], n, items)


def _aligned(columns: Mapping[Arm, Sequence[Box]]) -> dict[Arm, list[Box]]:
    """The same items in the same order in each column: nobody, where the items of a box are all of its people."""
    made: dict[Arm, list[Box]] = {arm: [] for arm in columns}
    for beside in zip(*columns.values(), strict=True):
        names = dict.fromkeys(name for each in beside for name, _ in each.items)
        for arm, each in zip(columns, beside, strict=True):
            own = dict(each.items)
            made[arm].append(replace(each, items=tuple((name, own.get(name, 0)) for name in names if own)))
    return made


def _adds_up(assessed: Box, excluded: Box, randomized: Box, columns: Mapping[Arm, Sequence[Box]]) -> None:
    """Raise where the stages contradict each other."""
    if randomized.n is None:
        raise ValueError("the flow needs the number randomized")
    if (assessed.n is None) != (excluded.n is None):
        raise ValueError("the flow needs assessed and excluded, or neither")
    if assessed.n is not None and assessed.n != (excluded.n or 0) + randomized.n:
        raise ValueError(
            f"the flow does not add up: {assessed.n} assessed are not {excluded.n} excluded + {randomized.n}"
        )
    allocated = [own[0].n for own in columns.values()]
    if any(n is None for n in allocated) or (allocated and sum(n or 0 for n in allocated) != randomized.n):
        told = " + ".join(str(n) for n in allocated)
        raise ValueError(f"the flow does not add up: {randomized.n} randomized are not {told} allocated")
    for arm, (first, *later) in columns.items():
        for each in later:
            if (each.n or 0) > (first.n or 0):
                raise ValueError(f"the flow does not add up: {each.said(arm.label)}, but {first.n} were allocated")


def _top(excluded: Box, most: int) -> Box:
    """The most frequent reasons, and one line for the others."""
    ranked = sorted(excluded.items, key=lambda item: -item[1])
    rest = ranked[most:]
    if len(rest) > 1:
        ranked = [*ranked[:most], (f"{len(rest)} other reasons", sum(n for _, n in rest))]
    return Box(excluded.head, excluded.n, tuple(ranked))


def _high(lines: int) -> float:
    return LINE * lines + 12


def _crown(groups: Sequence[Arm], wide: float) -> float:
    """How high the name of the arm is, above the first box of its column."""
    return 8 + LINE * max(len(wrap(arm.label, int(wide / 8.4))) for arm in groups)


def _drawn(
    what: Box, lines: Sequence[tuple[str, str]], x: float, y: float, wide: float, high: float | None = None,
    crown: float = 0, arm: Arm | None = None, fill: str = "white", said: str = "",
) -> str:  # fmt: skip
    """A box with its words at the left and its numbers at the right; the first of a column is crowned by its arm."""
    inside, top = [], y + crown
    if crown and arm:
        inside.append(f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="6" fill="{arm.colour}"/>')
        name = wrap(arm.label or "All arms together", int(wide / 8.4))
        inside += [text(x + 10, y + 21 + LINE * i, f"<b>{each}</b>", anchor="start") for i, each in enumerate(name)]
    for at, (words, number) in enumerate(lines):
        head = not at
        colour = INK if head or (number and number != "0") or words.startswith("\u2003") else QUIET
        bold = "<b>{}</b>" if head else "{}"
        down = top + 20 + LINE * at
        inside.append(text(x + 10, down, bold.format(words), colour, 12, "start"))
        if number:
            inside.append(text(x + wide - 10, down, bold.format(number), colour, 12, "end"))
    told = said or what.said(arm.label if arm else "")
    return box(x, y, high or _high(len(lines)), told, inside, wide, fill)
