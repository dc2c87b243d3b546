"""Procedures of randomization side by side: how far apart the arms get against how well the next arm is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import count, number, percent
from .page import INK, QUIET
from .template import HAIR, SMALL, WIDTH, annotate, blank, figure, note

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEFT, RIGHT, HEIGHT = 62, 24, 360
Box = tuple[float, float, float, float]


def assessment(
    frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "", y: str = "imbalance"
) -> Figure:
    """A point for each plan, imbalance over correct guesses: towards the lower left is better, and nothing is there.

    Filled points are the trial in its strata, open ones the same plan on one list, a line apart.

    Args:
        frame: from `tt.arms.assess`: procedure, n, strata, measure, value, how.
        title: the finding; otherwise which plan is best in each respect.
        subtitle: population; otherwise patients and strata.
        y: `imbalance` at the end, or `worst imbalance` on the way.

    >>> import pandas as pd
    >>> rows = [("blocks", 100, 1, "correct guesses", 0.7, "exact"), ("blocks", 100, 1, "imbalance", 0.0, "exact")]
    >>> made = assessment(pd.DataFrame(rows, columns=["procedure", "n", "strata", "measure", "value", "how"]))
    >>> made.data[-1].x, made.data[-1].y
    ((0.7,), (0.0,))
    """
    points: dict[str, dict[int, dict[str, float]]] = {}
    for row in frame.to_dict("records"):
        points.setdefault(row["procedure"], {}).setdefault(row["strata"], {})[row["measure"]] = row["value"]
    if not points:
        return blank(title or "No procedure was assessed", subtitle or "")
    where = {
        name: [(of[s]["correct guesses"], of[s][y], s) for s in sorted(of)]  # one list first, then the strata
        for name, of in points.items()
    }
    last = {name: at[-1] for name, at in where.items()}
    most = max(s for *_, s in last.values())
    n = ", ".join(count(n) for n in sorted(set(frame["n"])))
    near, hard = (min(last, key=lambda name: last[name][i]) for i in (1, 0))
    when = "at the end" if y == "imbalance" else "at worst"
    finding = f"Arms are closest under {near} ({number(last[near][1])} apart {when}), "
    finding += f"hardest to guess under {hard} ({percent(last[hard][0], 0)})"
    told = f"in {count(most)} strata (filled) and on one list (open)" if most > 1 else "on one list"
    told = f"{n} patients {told}"
    said = f"{told}. Towards the lower left is better" if subtitle is None else subtitle
    made = figure(title or finding, said, HEIGHT, LEFT, RIGHT, 26, 52, source)
    xs, ys = ([at[i] for of in where.values() for at in of] for i in (0, 1))
    low, high = min([*xs, 0.5]) - 0.02, max(xs) + 0.04
    top = max([*ys, 1]) * 1.12
    for at in where.values():
        if len(at) > 1:
            line: dict[str, Any] = {"color": QUIET, "width": 1, "dash": "dot"}
            made.add_scatter(x=[p[0] for p in at], y=[p[1] for p in at], mode="lines", line=line, hoverinfo="skip")
    for filled in (False, True):
        drawn = [(name, p) for name, at in where.items() for p in at if (p is at[-1]) == filled]
        if drawn:
            made.add_scatter(
                x=[p[0] for _, p in drawn],
                y=[p[1] for _, p in drawn],
                mode="markers",
                marker={"size": 9, "color": INK if filled else "white", "line": {"color": INK, "width": 1.5}},
                hovertext=[
                    f"<b>{name}</b><br>{count(s)} {'lists' if s > 1 else 'list'}: {number(d, 2)} apart, "
                    f"{percent(g)} guessed"
                    for name, (g, d, s) in drawn
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            )
    wide = WIDTH - LEFT - RIGHT
    pixels = {
        name: [(wide * (guessed - low) / (high - low), HEIGHT * (1 - apart / top)) for guessed, apart, _ in at]
        for name, at in where.items()
    }
    notes = []
    for name, (anchor, dx, dy) in _labels(pixels, wide).items():
        beside: dict[str, Any] = {"xref": "x", "yref": "y", "xanchor": anchor, "xshift": dx, "yshift": dy}
        notes.append(note(name, *last[name][:2], size=SMALL, bgcolor="rgba(255,255,255,0.8)", **beside))
    notes.append(note(f"Arms apart {when}, patients", x=0, y=1, xshift=-LEFT, yshift=14, size=SMALL, color=QUIET))
    notes.append(note("Next arm guessed right", x=1, y=0, xanchor="right", yshift=-38, size=SMALL, color=QUIET))
    annotate(made, notes)
    made.update_xaxes(range=[low, high], tickformat=".0%", autorange=False)
    made.update_yaxes(range=[-top * 0.03, top], showgrid=True, gridcolor=HAIR, nticks=6, tickformat="~g")
    return made.update_layout(meta={"alt": f"{finding}. {told}."})


def _labels(pixels: dict[str, list[tuple[float, float]]], wide: float) -> dict[str, tuple[str, int, int]]:
    """Where each name stands beside its last point, so that none lies on a point or on another name."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for at in pixels.values() for x, y in at]
    placed = {}
    for name, at in pixels.items():
        (x, y), length = at[-1], 6.1 * len(name)
        best: tuple[float, str, int, int, Box] | None = None
        for dy in (0, 15, -15, 30, -30, 45, -45):
            for anchor, dx in (("left", 10), ("right", -10)):
                start = x + dx - (length if anchor == "right" else 0)
                box = (start, y - dy - 7, start + length, y - dy + 7)
                cost = sum(_over(box, other) for other in taken) + abs(dy)
                cost += 1e4 * (start < 0 or start + length > wide + RIGHT)
                if best is None or cost < best[0]:
                    best = (cost, anchor, dx, dy, box)
        if best:
            placed[name] = best[1:4]
            taken.append(best[4])
    return placed


def _over(a: Box, b: Box) -> float:
    """How much two boxes overlap, in square pixels."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
