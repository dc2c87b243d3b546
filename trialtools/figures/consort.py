"""The flow of a trial as CONSORT 2025 draws it, as inline SVG: counts by stage and arm in, one column an arm out.

Its numbers must add up, or there is no figure. Where all arms are pooled there is one column, and no arm is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..criteria.stage import expect
from .arms import Arm, arms
from .format import absent, count
from .page import INK, QUIET, Html
from .svg import LINE, Parts, across, box, down, nobody, page, strips, text
from .template import WIDTH, wrap

_STAGES = {
    "assessed": ("Enrolment", "Assessed for eligibility"),
    "excluded": ("Enrolment", "Excluded"),
    "randomized": ("Enrolment", "Randomized"),
    "allocated": ("Allocation", "Allocated"),
    "follow_up": ("Follow-up", "Follow-up"),
    "analysed": ("Analysis", "Primary outcome"),
}
_COLUMNS = ("allocated", "follow_up", "analysed")
_REASONS = 8
_LEFT, _RIGHT, _GAP, _STEP, _POOLED = 30, WIDTH - 4, 12, 22, 300
"""Across: where the boxes begin and end, and between columns. Down: between stages. How wide a single column is."""


@dataclass(frozen=True)
class _Box:
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

    def sentence(self, arm: str = "") -> str:
        """All of it in one sentence."""
        items = ", ".join(f"{item} {count(n)}" for item, n in self.items)
        total = "not collected" if self.n is None else count(self.n)
        return f"{f'{arm}, ' if arm else ''}{self.head}: {total}" + (f"; {items}" if items else "")


def consort(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    *,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
) -> Html:
    """The flow of participants: assessed, excluded with reasons, randomized; then allocated, followed, analysed.

    The eight most frequent reasons for exclusion are named; the others share a line.

    Unknown is an item like any other: the items of a box are all of its people, so that an item which one arm has and
    another lacks is 0 there.

    Args:
        frame: stage (`assessed`, `excluded`, `randomized`, `allocated`, `follow_up`, `analysed`), arm ("" for all
            together), item ("" for the box itself), n. A box without items, or a stage without a box, says "not
            collected".
        labels: of arms, in the order of the protocol.
        title: the finding; otherwise how many were randomized, and an empty text for none.
        subtitle: population, data cut.
        source: a last line.

    Raises:
        ValueError: the numbers do not add up, a count is missing, a box stands there twice, more than four arms.

    >>> import pandas as pd
    >>> rows = [("assessed", "", "", 9), ("excluded", "", "", 4), ("excluded", "", "I1", 4), ("randomized", "", "", 5)]
    >>> rows += [(stage, "", "", 5) for stage in ("allocated", "follow_up", "analysed")]
    >>> made = consort(pd.DataFrame(rows, columns=["stage", "arm", "item", "n"]))
    >>> "5 of 9 assessed were randomized" in made, "All arms together" in made
    (True, True)
    """
    expect(frame, pd.DataFrame, "figures.consort(frame)", "a frame, such as look.flow() gives")
    if not len(frame):
        return nobody("Nobody was assessed" if title is None else title, subtitle)
    places: list[tuple[str, Any]] = list(zip(frame["stage"], frame["arm"], strict=True))
    if any(stage not in _STAGES or (stage not in _COLUMNS and arm != "") for stage, arm in places):
        raise ValueError(f"a row of the flow has no place: stages are {', '.join(_STAGES)}; arms come after randomized")
    assessed, excluded, randomized = (_read(frame, stage, Arm("")) for stage in list(_STAGES)[:3])
    groups = arms(frame.loc[frame["stage"].isin(_COLUMNS)], labels)
    columns = _align({arm: [_read(frame, stage, arm) for stage in _COLUMNS] for arm in groups})
    _adds_up(assessed, excluded, randomized, columns)
    n = count(randomized.n)
    finding = f"{n} of {count(assessed.n)} assessed were randomized" if assessed.n else f"{n} randomized"
    finding = finding if title is None else title
    by_arm = (each.sentence(arm.label) for arm, own in columns.items() for each in own)
    alt = ". ".join([finding, excluded.sentence(), *by_arm])

    def draw(top: float) -> tuple[Parts, float]:
        parts, y = _enrolment(assessed, excluded, randomized, len(groups), top)
        stages = [("Enrolment", top, y)]
        for position, stage in enumerate(_COLUMNS if groups else ()):
            drawn, end = _level({arm: own[position] for arm, own in columns.items()}, y, crowned=not position)
            parts += drawn
            stages.append((_STAGES[stage][0], y + _STEP / 2, end))
            y = end
        return [*parts, *strips(stages)], y + 2

    return page(finding, subtitle, source, alt, draw)


def _enrolment(assessed: _Box, excluded: _Box, randomized: _Box, groups: int, y: float) -> tuple[Parts, float]:
    """The assessed, at their right the excluded, below them the randomized; and where they end."""
    first, middle, side = assessed.lines(_POOLED, bare=True), _LEFT + _POOLED / 2, _LEFT + _POOLED + 30
    named = _most_frequent(excluded).lines(_RIGHT - side)
    out = y + _high(first) + _GAP
    below = out + max(_high(named), 20) + _GAP
    span = _POOLED if groups < 2 else _RIGHT - _LEFT
    return [
        _box_svg(first, assessed.sentence(), _LEFT, y, _POOLED),
        down(middle, y + _high(first), below, arrow=True),
        across(middle, out + 14, side, arrow=True),
        _box_svg(named, excluded.sentence(), side, out, _RIGHT - side, fill="#fafafa"),
        _box_svg(randomized.lines(span, bare=True), randomized.sentence(), _LEFT, below, span),
    ], below + _high([("", "")])


def _level(boxes: Mapping[Arm, _Box], above: float, crowned: bool) -> tuple[Parts, float]:
    """A box an arm, side by side and equally high, below what ends above them; the first of a column has its name."""
    wide = _POOLED if len(boxes) < 2 else (_RIGHT - _LEFT - _GAP * (len(boxes) - 1)) / len(boxes)
    y, lines = above + _STEP, {arm: each.lines(wide) for arm, each in boxes.items()}
    names = {arm: wrap(arm.label or "All arms together", int(wide / 8.4)) if crowned else [] for arm in boxes}
    crown = 8 + LINE * max(len(wrap(arm.label, int(wide / 8.4))) for arm in boxes) if crowned else 0
    high = max(map(_high, lines.values())) + crown
    parts = []
    for across_, (arm, each) in enumerate(boxes.items()):
        x = _LEFT + across_ * (wide + _GAP)
        phrase = each.sentence(arm.label)
        parts.append(down(x + wide / 2, above, y, arrow=True))
        parts.append(_box_svg(lines[arm], phrase, x, y, wide, high, crown, _crown(arm, names[arm], x, y, wide)))
    return parts, y + high


def _read(frame: pd.DataFrame, stage: str, arm: Arm) -> _Box:
    """A box with its items, which are all of its people."""
    at_stage: Any = frame[frame["stage"] == stage]
    own: Any = arm.rows(at_stage)
    where = f"{_STAGES[stage][1]}{f' ({arm.label})' if arm.label else ''}"
    names = ["" if absent(item) else str(item) for item in own["item"]]
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: a row of the flow stands there twice")
    counts = dict(zip(names, own["n"], strict=True))
    total = counts.pop("", None)
    if any(absent(n) or n < 0 for n in counts.values()) or (counts and absent(total)):
        raise ValueError(f"{where}: the flow needs every count; suppressed ones can be shown as a table")
    items = tuple((name, int(n)) for name, n in counts.items())
    n = None if total is None or absent(total) else int(total)
    if items and sum(each for _, each in items) != n:
        detail = " + ".join(f"{each} {name}" for name, each in items)
        raise ValueError(f"the flow does not add up at {where}: {detail} is not {n}")
    return _Box(_STAGES[stage][1], n, items)


def _align(columns: Mapping[Arm, Sequence[_Box]]) -> dict[Arm, list[_Box]]:
    """The same items in the same order in each column: nobody, where the items of a box are all of its people."""
    made: dict[Arm, list[_Box]] = {arm: [] for arm in columns}
    for beside in zip(*columns.values(), strict=True):
        names = dict.fromkeys(name for each in beside for name, _ in each.items)
        for arm, each in zip(columns, beside, strict=True):
            own = dict(each.items)
            made[arm].append(replace(each, items=tuple((name, own.get(name, 0)) for name in names if own)))
    return made


def _adds_up(assessed: _Box, excluded: _Box, randomized: _Box, columns: Mapping[Arm, Sequence[_Box]]) -> None:
    """Raise where the stages contradict each other."""
    wrong = "the flow does not add up"
    if randomized.n is None:
        raise ValueError("the flow needs the number randomized")
    if (assessed.n is None) != (excluded.n is None):
        raise ValueError("the flow needs assessed and excluded, or neither")
    if assessed.n is not None and assessed.n != (excluded.n or 0) + randomized.n:
        raise ValueError(f"{wrong}: {assessed.n} assessed are not {excluded.n} excluded + {randomized.n}")
    allocated = [own[0].n for own in columns.values()]
    if any(n is None for n in allocated) or (allocated and sum(n or 0 for n in allocated) != randomized.n):
        raise ValueError(f"{wrong}: {randomized.n} randomized are not {' + '.join(map(str, allocated))} allocated")
    for arm, (first, *later) in columns.items():
        for each in later:
            if (each.n or 0) > (first.n or 0):
                raise ValueError(f"{wrong}: {each.sentence(arm.label)}, but {first.n} were allocated")


def _most_frequent(excluded: _Box) -> _Box:
    """The most frequent reasons, and one line for the others."""
    ranked = sorted(excluded.items, key=lambda item: -item[1])
    rest = ranked[_REASONS:]
    if len(rest) > 1:
        ranked = [*ranked[:_REASONS], (f"{len(rest)} other reasons", sum(n for _, n in rest))]
    return replace(excluded, items=tuple(ranked))


def _high(lines: Sequence[Any]) -> float:
    return LINE * len(lines) + 12


def _crown(arm: Arm, name: Sequence[str], x: float, y: float, wide: float) -> Parts:
    """The colour and the name of an arm above the first box of its column."""
    bar = f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="6" fill="{arm.colour}"/>'
    words = [text(x + 10, y + 21 + LINE * i, f"<b>{each}</b>", anchor="start") for i, each in enumerate(name)]
    return [bar, *words] if name else []


def _box_svg(
    lines: Sequence[tuple[str, str]], phrase: str, x: float, y: float, wide: float, high: float = 0, crown: float = 0,
    inside: Sequence[str] = (), fill: str = "white",
) -> str:  # fmt: skip
    """A box with its words at the left and its numbers at the right, below what is inside already."""
    parts = list(inside)
    for at, (words, number) in enumerate(lines):
        head = not at
        colour = INK if head or (number and number != "0") or words.startswith("\u2003") else QUIET
        bold = "<b>{}</b>" if head else "{}"
        low = y + crown + 20 + LINE * at
        parts.append(text(x + 10, low, bold.format(words), colour, 12, "start"))
        if number:
            parts.append(text(x + wide - 10, low, bold.format(number), colour, 12, "end"))
    return box(x, y, high or _high(lines), phrase, parts, wide, fill)
