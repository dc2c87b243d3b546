"""What happens while patients are allocated: how balanced the arms are, and how well the next one was guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from .arms import Arm, apart, arms, of
from .format import absent, count, number, percent
from .page import INK, QUIET
from .rows import room
from .template import HAIR, annotate, blank, figure, note

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT, LEFT = 220, 52


def course(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """How many more patients than its share each arm has, after every patient; 0 is balanced.

    Args:
        frame: from `arms.laboratory.balance`: patient, arm, n, excess.
        title: the finding; otherwise the patients of every arm, and the largest excess on the way.
        subtitle: the procedure; otherwise what is drawn.
        source: a last line.
        labels: of arms, in the order of the protocol.

    >>> import pandas as pd
    >>> rows = [(0, "a", 0, 0.0), (0, "b", 0, 0.0), (1, "a", 1, 0.5), (1, "b", 0, -0.5)]
    >>> made = course(pd.DataFrame(rows, columns=["patient", "arm", "n", "excess"]))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>After 1 patient: a 1, b 0; at most 0.5 from balance on the way</b>'
    """
    last = max(map(int, frame["patient"]), default=0)
    if not last:
        return blank(title or "Nobody is allocated yet", subtitle or "")
    groups = arms(frame, labels)
    own: dict[Arm, Any] = {arm: of(frame, arm) for arm in groups}
    furthest = max(abs(float(x)) for x in frame["excess"])
    told = ", ".join(f"{arm.label} {count(rows['n'].iloc[-1])}" for arm, rows in own.items())
    finding = f"After {count(last)} patient{'s' * (last > 1)}: {told}; at most {furthest:g} from balance on the way"
    said = "Patients above or below the arm's share, after every patient" if subtitle is None else subtitle
    names = [f"{arm.key} {count(rows['n'].iloc[-1])}" for arm, rows in own.items()]
    plain = [f"● {arm.label} {count(rows['n'].iloc[-1])}" for arm, rows in own.items()]
    made = figure(title or finding, said, HEIGHT, LEFT, room(plain) + 16, 16, 46, source)
    reach = max(furthest, 1) * 1.15
    ends = [float(rows["excess"].iloc[-1]) for rows in own.values()]
    for arm, rows in own.items():
        excess = [f"{number(x, 1)} from its share" for x in rows["excess"]]
        hover = [
            f"{arm.named}after patient {p}: {n}<br>{x}"
            for p, n, x in zip(rows["patient"], rows["n"], excess, strict=True)
        ]
        line = {"color": arm.colour, "dash": arm.dash, "width": 2, "shape": "hv"}
        told_ = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
        x, y = rows["patient"].tolist(), rows["excess"].tolist()
        made.add_scatter(name=arm.label, x=x, y=y, mode="lines", line=line, **told_)
        mark = {"symbol": arm.symbol, "size": 9, "color": arm.colour}
        made.add_scatter(
            name=arm.label, x=x[-1:], y=y[-1:], mode="markers", marker=mark, hoverinfo="skip", cliponaxis=False
        )
    places = apart(ends, 2 * reach * 18 / HEIGHT)
    notes = [
        note(text, x=last, y=y, xref="x", yref="y", xshift=10, size=12) for text, y in zip(names, places, strict=True)
    ]
    annotate(made, [*notes, note("Patients allocated", x=0, y=0, yshift=-30, size=12)])
    made.update_yaxes(range=[-reach, reach], nticks=5, tickformat="~g", showgrid=True, gridcolor=HAIR)
    made.update_yaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1)
    made.update_xaxes(range=[0, last], tickformat="d", nticks=min(last + 1, 9), showgrid=False)
    return made.update_layout(meta={"alt": f"{finding}."})


def guesses(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """The share of guesses that were right so far, beside the best guesser's and a coin's.

    Args:
        frame: from `arms.laboratory.guessed`: patient, hits, of, share, best, coin.
        title: the finding; otherwise the score.
        subtitle: the procedure; otherwise what is drawn.
        source: a last line.

    Patients whom nobody guessed change nothing. Without a guess the figure says so.
    """
    rows: Any = frame[frame["of"] > 0]
    if not len(rows):
        return blank(title or "Nobody has guessed yet", subtitle or "")
    last = rows.iloc[-1]
    score = f"{count(last['hits'])} of {count(last['of'])} guesses right ({percent(last['share'], 0)})"
    finding = f"{score}; the best guesser expects {percent(last['best'], 0)}, a coin {percent(last['coin'], 0)}"
    said = "Share of guesses right so far; the best guesser knows the procedure and all earlier arms"
    ends = {
        "your guesses": ("share", INK, "solid"),
        "best guesser": ("best", QUIET, "dash"),
        "coin": ("coin", QUIET, "dot"),
    }
    right = room([f"{name} 100 %" for name in ends])
    made = figure(title or finding, said if subtitle is None else subtitle, HEIGHT, LEFT, right, 16, 46, source)
    for name, (column, colour, dash) in ends.items():
        hover = [
            f"<b>{name}</b><br>after patient {p}: {percent(v)}"
            for p, v in zip(rows["patient"], rows[column], strict=True)
        ]
        line, marker = {"color": colour, "dash": dash, "width": 2}, {"color": colour, "size": 5}
        x, y = rows["patient"].tolist(), [None if absent(v) else v for v in rows[column]]
        mode = "lines+markers" if column == "share" else "lines"
        told = {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
        made.add_scatter(name=name, x=x, y=y, mode=mode, line=line, marker=marker, cliponaxis=False, **told)
    values = [float(last[column]) for column, *_ in ends.values()]
    places = apart(values, 18 / HEIGHT, 0.03, 0.97)
    notes = [
        note(f"{name} {percent(value, 0)}", x=1, y=y, yref="y", xshift=10, size=12, color=colour)
        for (name, (_, colour, _)), value, y in zip(ends.items(), values, places, strict=True)
    ]
    annotate(made, [*notes, note("Patients allocated", x=0, y=0, yshift=-30, size=12)])
    made.update_yaxes(range=[0, 1.02], tickformat=".0%", nticks=6, showgrid=True, gridcolor=HAIR)
    first, end = float(rows["patient"].iloc[0]), float(last["patient"])
    made.update_xaxes(range=[first - 0.5, end + 0.5], tickformat="d", nticks=9, showgrid=False)
    return made.update_layout(meta={"alt": f"{finding}."})
