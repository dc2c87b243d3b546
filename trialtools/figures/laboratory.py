"""What happens while patients are allocated: how balanced the arms are, and how well the next one was guessed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .arms import Arm, arms
from .drawing import Drawing, Room, figure, nobody
from .format import absent, count, number, percent
from .lines import GRID, end_labels, line, marks
from .page import INK, QUIET
from .rows import text_width
from .template import note

_HEIGHT, _LEFT = 220, 52


@figure
def imbalance_path(frame: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Drawing:
    """How many more patients than its share each arm has, after every patient; 0 is balanced.

    Args:
        frame: from `arms.laboratory.imbalance_path`: patient, arm, n, excess.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> rows = [(0, "a", 0, 0.0), (0, "b", 0, 0.0), (1, "a", 1, 0.5), (1, "b", 0, -0.5)]
    >>> made = imbalance_path(pd.DataFrame(rows, columns=["patient", "arm", "n", "excess"]))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>After 1 patient: a 1, b 0; at most 0.5 from balance on the way</b>'
    """
    last = max(map(int, frame["patient"]), default=0)
    if not last:
        return nobody("Nobody is allocated yet")
    own: dict[Arm, Any] = {arm: arm.rows(frame) for arm in arms(frame, labels)}
    furthest = max(abs(float(x)) for x in frame["excess"])
    ends = {arm: (count(rows["n"].iloc[-1]), float(rows["excess"].iloc[-1])) for arm, rows in own.items()}
    sizes = ", ".join(f"{arm.label} {n}" for arm, (n, _) in ends.items())
    reach = max(furthest, 1) * 1.15
    names, heights = [f"{arm.key} {n}" for arm, (n, _) in ends.items()], [height for _, height in ends.values()]
    lines = []
    for arm, rows in own.items():
        hover = [
            f"{arm.hover_head}after patient {patient}: {n}<br>{number(excess, 1)} from its share"
            for patient, n, excess in zip(rows["patient"], rows["n"], rows["excess"], strict=True)
        ]
        style = {"color": arm.colour, "dash": arm.dash, "width": 2, "shape": "hv"}
        lines.append(line(arm.label, rows["patient"], rows["excess"], hover, **style))
        mark = marks(arm.label, [last], [ends[arm][1]], symbol=arm.symbol, size=9, color=arm.colour)
        lines.append({**mark, "cliponaxis": False})
    return Drawing(
        finding=f"After {count(last)} patient{'s' * (last > 1)}: {sizes}; at most {furthest:g} from balance on the way",
        population="Patients above or below the arm's share, after every patient",
        marks=lines,
        words=[
            *end_labels(names, [last] * len(ends), heights, 2 * reach * 18 / _HEIGHT, xshift=10),
            note("Patients allocated", x=0, y=0, yshift=-30, size=12),
        ],
        x={"range": [0, last], "tickformat": "d", "nticks": min(last + 1, 9), "showgrid": False},
        y={"range": [-reach, reach], "nticks": 5, "tickformat": "~g", **GRID}
        | {"zeroline": True, "zerolinecolor": INK, "zerolinewidth": 1},
        room=Room(_HEIGHT, _LEFT, text_width([f"● {arm.label} {n}" for arm, (n, _) in ends.items()]) + 16, 16, 46),
    )


_GUESSERS = {
    "your guesses": ("share", INK, "solid"),
    "best guesser": ("best", QUIET, "dash"),
    "coin": ("coin", QUIET, "dot"),
}


def guessing_score(last: Any) -> str:
    """What was guessed so far, in a sentence, from the last row of `arms.laboratory.score_guesses`."""
    share, best, coin = (percent(last[name], 0) for name in ("share", "best", "coin"))
    hits = f"{count(last['hits'])} of {count(last['of'])} guesses right ({share})"
    return f"{hits}; the best guesser expects {best}, a coin {coin}"


@figure
def guesses(frame: pd.DataFrame) -> Drawing:
    """The share of guesses that were right so far, beside the best guesser's and a coin's.

    Patients whom nobody guessed change nothing. Without a guess the figure says so.

    Args:
        frame: from `arms.laboratory.score_guesses`: patient, hits, of, share, best, coin.
    """
    rows: Any = frame[frame["of"] > 0]
    if not len(rows):
        return nobody("Nobody has guessed yet")
    last = rows.iloc[-1]
    lines = []
    for name, (column, colour, dash) in _GUESSERS.items():
        patients = zip(rows["patient"], rows[column], strict=True)
        hover = [f"<b>{name}</b><br>after patient {patient}: {percent(share)}" for patient, share in patients]
        shares = [None if absent(share) else share for share in rows[column]]
        drawn = line(name, rows["patient"], shares, hover, color=colour, dash=dash, width=2)
        marker = {"marker": {"color": colour, "size": 5}, "mode": "lines+markers" if column == "share" else "lines"}
        lines.append({**drawn, **marker, "cliponaxis": False})
    values = [float(last[column]) for column, *_ in _GUESSERS.values()]
    texts = [f"{name} {percent(value, 0)}" for name, value in zip(_GUESSERS, values, strict=True)]
    beside = end_labels(texts, [1] * len(texts), values, 18 / _HEIGHT, 0.03, 0.97, xref="paper", xshift=10)
    for word, (_, colour, _) in zip(beside, _GUESSERS.values(), strict=True):
        word["font"]["color"] = colour
    return Drawing(
        finding=guessing_score(last),
        population="Share of guesses right so far; the best guesser knows the procedure and all earlier arms",
        marks=lines,
        words=[*beside, note("Patients allocated", x=0, y=0, yshift=-30, size=12)],
        x={"range": [float(rows["patient"].iloc[0]) - 0.5, float(last["patient"]) + 0.5]}
        | {"tickformat": "d", "nticks": 9, "showgrid": False},
        y={"range": [0, 1.02], "tickformat": ".0%", "nticks": 6, **GRID},
        room=Room(_HEIGHT, _LEFT, text_width([f"{name} 100 %" for name in _GUESSERS]), 16, 46),
    )
