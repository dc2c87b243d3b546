"""The tornado of readings: how far each other reading moves who could be eligible, the strongest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .format import count, interval
from .page import INK
from .rows import HATCHED, SOLID, bar, label, most_of, places, records, room, words, write
from .template import blank, figure, note
from .titles import reading_hover

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def tornado(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """How many more or fewer patients could be eligible under each reading that was not chosen.

    Args:
        frame: from `compare_readings`: criterion, label, reading, chosen, certain, possible, moved, n.
        title: the finding; otherwise which reading moves most.
        subtitle: the population.
        source: a last line.

    Hatched: the change of who could be eligible; solid: of who is for certain. The line in the middle is the protocol
    as it was read. A frame without a second reading gives a figure that says so.

    >>> import pandas as pd
    >>> row = {"criterion": "I6", "label": "Respiratory rate", "n": 900, "pass": 0, "fail": 866, "unknown": 0}
    >>> both = [{**row, "reading": "guideline", "chosen": True, "certain": 40, "possible": 863, "moved": 0},
    ...         {**row, "reading": "registered", "chosen": False, "certain": 0, "possible": 0, "moved": 863}]
    >>> tornado(pd.DataFrame(both)).layout.title.text[:57]
    '<b>Reading I6 as registered moves 863 of 900 patients</b>'
    """
    rows = records(frame)
    others = [row for row in rows if not row["chosen"]]
    if not others or not most_of(rows, "n"):
        return blank(title or "No sentence can be read another way", subtitle or "")
    base = {row["criterion"]: row for row in rows if row["chosen"]}
    rows = sorted(others, key=lambda row: -abs(_change(row, base, "possible")))
    labels = [label(row["criterion"], row["label"], f"read as {row['reading'].replace('_', ' ')}") for row in rows]
    middles, height = places(labels)
    texts = [interval(row["certain"], row["possible"]) for row in rows]
    chosen = next(iter(base.values()))
    population = f"{count(chosen['n'])} patients; as chosen {interval(chosen['certain'], chosen['possible'])} eligible."
    made = figure(
        title or _strongest(others),
        f"{population} Hatched: change of who could be; solid: of who is for certain" if subtitle is None else subtitle,
        height=height,
        left=242,
        right=room(texts),
        head=30,
        source=source,
    )
    hover = [reading_hover(row) for row in rows]
    possible, certain = ([_change(row, base, which) for row in rows] for which in ("possible", "certain"))
    bar(made, "possible", possible, middles, HATCHED, hover, thick=18)
    bar(made, "certain", certain, middles, SOLID["pass"], hover, thick=8)
    side: dict[str, Any] = {"x": 1, "xanchor": "right", "xshift": room(texts) - 6, "yref": "y", "size": 12}
    numbers = [note(text, y=place, **side) for text, place in zip(texts, middles, strict=True)]
    numbers.append(note("<b>eligible</b>", y=1, yshift=10, **{**side, "yref": "paper"}))
    furthest = max(map(abs, [*possible, *certain]), default=0) or 1
    made.update_layout(barmode="overlay")
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_xaxes(range=[-furthest * 1.05, furthest * 1.05], nticks=5, tickformat=",d")
    made.update_xaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1)
    write(made, [*words(labels, middles), *numbers])
    return made.update_layout(meta={"alt": f"{_strongest(others)}. {population} {len(rows)} other readings."})


def _change(row: dict[str, Any], base: dict[str, dict[str, Any]], which: str) -> int:
    """How far a count lies from that under the chosen reading; a suppressed one has no length."""
    here, there = row[which], base[row["criterion"]][which]
    return 0 if here is None or there is None else here - there


def _strongest(rows: list[dict[str, Any]]) -> str:
    most = max(rows, key=lambda row: row["moved"] or 0)
    if not most["moved"]:
        return "No other reading moves a patient"
    reading = str(most["reading"]).replace("_", " ")
    return f"Reading {most['criterion']} as {reading} moves {count(most['moved'])} of {count(most['n'])} patients"
