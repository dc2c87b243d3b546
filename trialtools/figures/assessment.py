"""Procedures of randomization side by side: how far apart the arms get against how well the next arm is guessed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec, figure, nobody
from .format import count, number, percent
from .lines import GRID, end_labels, line, marks
from .page import INK, QUIET
from .rows import text_width
from .template import SMALL, WIDTH, note

_LEFT, _HEIGHT = 62, 360
_Point = tuple[float, float, int]
"""Correct guesses, imbalance, strata."""


@figure
def assessment(frame: pd.DataFrame, y: str = "imbalance") -> Drawing:
    """A point for each plan, imbalance over correct guesses: towards the lower left is better, and nothing is there.

    Filled points are the trial in its strata, open ones the same plan on one list, a line apart.

    Args:
        frame: from `tt.arms.assess`: procedure, n, strata, measure, value, how.
        y: `imbalance` at the end, or `worst imbalance` on the way.

    >>> import pandas as pd
    >>> rows = [("blocks", 100, 1, "correct guesses", 0.7, "exact"), ("blocks", 100, 1, "imbalance", 0.0, "exact")]
    >>> made = assessment(pd.DataFrame(rows, columns=["procedure", "n", "strata", "measure", "value", "how"]))
    >>> made.data[-1].x, made.data[-1].y
    ((0.7,), (0.0,))
    """
    plans = _points(frame, y)
    if not plans:
        return nobody("No procedure was assessed")
    last = {name: points[-1] for name, points in plans.items()}
    one_list = [(name, point) for name, points in plans.items() for point in points[:-1]]
    every = [point for points in plans.values() for point in points]
    near, hard = (min(last, key=lambda name: last[name][i]) for i in (1, 0))
    when = "at the end" if y == "imbalance" else "at worst"
    most = max(strata for *_, strata in every)
    text = f"in {count(most)} strata (filled) and on one list (open)" if most > 1 else "on one list"
    text = f"{', '.join(map(count, sorted(set(frame['n']))))} patients {text}"
    low, high = min(0.5, *(guessed for guessed, *_ in every)) - 0.02, max(guessed for guessed, *_ in every) + 0.04
    right = text_width(list(plans))
    top = max(1, *(apart for _, apart, _ in every)) * 1.12
    return Drawing(
        finding=f"Arms are closest under {near} ({number(last[near][1])} apart {when}), "
        f"hardest to guess under {hard} ({percent(last[hard][0], 0)})",
        population=f"{text}. Towards the lower left is better",
        alt=text,
        marks=[
            *(_apart(name, points) for name, points in plans.items() if len(points) > 1),
            *([_dots(one_list, "white")] if one_list else []),
            _dots(list(last.items()), INK),
        ],
        words=[
            *_names(last, every, ((high - low) / (WIDTH - _LEFT - right), 1.03 * top / _HEIGHT)),
            note(f"Arms apart {when}, patients", x=0, y=1, xshift=-_LEFT, yshift=14, size=SMALL, color=QUIET),
            note("Next arm guessed right", x=1, y=0, xanchor="right", yshift=-38, size=SMALL, color=QUIET),
        ],
        x={"range": [low, high], "tickformat": ".0%", "autorange": False},
        y={"range": [-top * 0.03, top], "nticks": 6, "tickformat": "~g", **GRID},
        room=Room(_HEIGHT, _LEFT, right, 26, 52),
    )


def _points(frame: pd.DataFrame, y: str) -> dict[str, list[_Point]]:
    """The points of each plan: one list first, then the strata."""
    values: dict[str, dict[int, dict[str, float]]] = {}
    for row in frame.to_dict("records"):
        values.setdefault(row["procedure"], {}).setdefault(row["strata"], {})[row["measure"]] = row["value"]
    return {
        name: [(of["correct guesses"], of[y], strata) for strata, of in sorted(by_strata.items())]
        for name, by_strata in values.items()
    }


def _apart(name: str, points: Sequence[_Point]) -> Spec:
    return line(name, [x for x, *_ in points], [y for _, y, _ in points], color=QUIET, width=1, dash="dot")


def _dots(points: Sequence[tuple[str, _Point]], fill: str) -> Spec:
    hover = [
        f"<b>{name}</b><br>{count(strata)} {'lists' if strata > 1 else 'list'}: {number(apart, 2)} apart, "
        f"{percent(guessed)} guessed"
        for name, (guessed, apart, strata) in points
    ]
    look: dict[str, Any] = {"size": 9, "color": fill, "line": {"color": INK, "width": 1.5}}
    return marks("plans", [x for _, (x, *_) in points], [y for _, (_, y, _) in points], hover, **look)


def _names(last: Mapping[str, _Point], every: Sequence[_Point], scale: tuple[float, float]) -> Sequence[Spec]:
    """Each name at the right of its last point and of the points that it would cover; none on another."""
    pixel_x, pixel_y = scale

    def covered(name: str, x: float, y: float) -> float:
        wide = 6.1 * len(name) * pixel_x
        return max(other for other, beside, _ in every if 0 <= other - x < wide and abs(beside - y) < 12 * pixel_y)

    places = [covered(name, x, y) for name, (x, y, _) in last.items()]
    heights = [y for _, y, _ in last.values()]
    return end_labels(list(last), places, heights, 15 * pixel_y, size=SMALL, xshift=10)
