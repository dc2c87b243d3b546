"""Bars: what each criterion does, what the readings change, what is lacking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .format import count, interval, percent
from .page import QUIET
from .rows import HATCHED, LEFT, SOLID, axes, bar, by_criterion, column, grouped, label, most_of, places, records, room
from .rows import words as labelled
from .template import SMALL, STATES, blank, figure, note
from .titles import fails_most, lacking_hover, missing_most, moves_most, reading_hover, state_hover

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def states(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """How many patients pass, fail, or cannot be told, for each criterion, in the order of the protocol.

    Args:
        frame: criterion, kind, label, reading, quote, pass, fail, unknown, n.
        title: the finding; otherwise where most fail and where most is unknown.
        subtitle: the population; otherwise the number of patients.
        source: a last line.

    Unknown is a bar of its own, hatched. A frame of no patients gives a figure that says so.

    >>> import pandas as pd
    >>> row = {"criterion": "I1", "kind": "inclusion", "label": "Age 18 to 85", "reading": "", "quote": "Age 18-85"}
    >>> made = states(pd.DataFrame([{**row, "pass": 7, "fail": 2, "unknown": 1, "n": 10}]))
    >>> [trace.name for trace in made.data]
    ['pass', 'fail', 'unknown', 'words']
    """
    rows = records(frame)
    n = most_of(rows, "n")
    if not n:
        return blank(title or "No patients were screened", subtitle or "")
    labels, slots = grouped(rows)
    middles, height = places(labels)
    columns = {state: room([state, *(count(row[state]) for row in rows)]) for state in STATES}
    population = f"{count(n)} patients; each criterion by itself, in the order of the protocol"
    made = figure(
        title or fails_most(rows, n),
        population if subtitle is None else subtitle,
        height=height,
        left=LEFT,
        right=sum(columns.values()),
        head=30,
        source=source,
    )
    notes = labelled(labels, middles)
    here = [middles[slot] for slot in slots]
    for state in STATES:
        values = [row[state] for row in slots.values()]
        hover = [state_hover(row, state, n) for row in slots.values()]
        bar(made, state, values, here, HATCHED if state == "unknown" else SOLID[state], hover)
        # a share that does not fit into its bar would stand on its neighbour
        shares = [percent(v / n, 0) if v and v / n >= 0.17 and state != "unknown" else "" for v in values]
        inside = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
        made.data[-1].update(text=shares, textfont={"color": "white", "size": SMALL}, **inside)
        notes += column(state, [count(v) for v in values], here, columns)
    quarters = [0, 0.25, 0.5, 0.75, 1]
    made.update_xaxes(tickvals=[n * part for part in quarters], ticktext=[percent(part, 0) for part in quarters])
    axes(made, n, height, notes)
    return made


def readings(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """How many could be eligible under each reading of each ambiguous sentence, from certain to possible.

    Args:
        frame: criterion, label, reading, chosen, certain, possible, pass, fail, unknown, n.
        title: the finding; otherwise the criterion whose reading changes most.
        subtitle: the population; otherwise the number of patients.
        source: a last line.

    Solid is certain (unknown counts as fail), hatched is what unknown leaves open. The chosen reading is marked.

    >>> import pandas as pd
    >>> row = {"criterion": "I6", "label": "Respiratory rate", "n": 1313, "pass": 0, "fail": 866, "unknown": 447}
    >>> both = [{**row, "reading": "guideline", "chosen": True, "certain": 0, "possible": 863},
    ...         {**row, "reading": "registered", "chosen": False, "certain": 0, "possible": 0}]
    >>> readings(pd.DataFrame(both)).layout.title.text[:50]
    '<b>How I6 Respiratory rate is read moves who could'
    """
    rows = records(frame)
    n = most_of(rows, "n")
    if not n:
        return blank(title or "No patients were screened", subtitle or "")
    labels, slots = by_criterion(rows)
    middles, height = places(labels)
    population = f"{count(n)} patients; ● as chosen. Solid: eligible for certain; hatched: possible"
    made = figure(
        title or moves_most(rows),
        population if subtitle is None else subtitle,
        height=height,
        left=LEFT,
        right=room([interval(row["certain"], row["possible"]) for row in rows], bold=True),
        source=source,
    )
    notes, here = labelled(labels, middles), [middles[slot] for slot in slots]
    certain = [row["certain"] or 0 for row in slots.values()]
    rest = [max((row["possible"] or 0) - sure, 0) for row, sure in zip(slots.values(), certain, strict=True)]
    hover = [reading_hover(row) for row in slots.values()]
    bar(made, "certain", certain, here, SOLID["pass"], hover, thick=16)
    bar(made, "possible", rest, here, HATCHED, hover, thick=16)
    for place, row in zip(here, slots.values(), strict=True):
        text = interval(row["certain"], row["possible"])
        text = f"<b>{text}</b>" if row["chosen"] else text
        notes.append(note(text, x=row["possible"] or 0, y=place, xref="x", yref="y", xshift=6, size=12))
    axes(made, most_of(rows, "possible"), height, notes)
    return made


def lacking(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """What is unknown of the undetermined patients, the most frequent first.

    Args:
        frame: criterion or field, label, n (for whom it is unknown), alone (for whom it is the only thing open); and
            if there, of (all who are undetermined) and judged (a person decides).
        title: the finding; otherwise what is missing most.
        subtitle: the population.
        source: a last line.

    Solid: nothing else is open, so that finding it out decides. A frame without rows says that nothing is open.

    >>> import pandas as pd
    >>> made = lacking(pd.DataFrame({"criterion": ["I8"], "label": ["Imaging"], "n": [412], "alone": [12]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Missing most often: Imaging (412)</b>'
    """
    rows = sorted((row for row in records(frame) if row["n"] != 0), key=lambda row: -(row["n"] or 0))
    if not rows:
        return blank(title or "Nothing is left open", subtitle or "")
    labels = [
        label(row.get("criterion", ""), row["label"], "decided by a person" if row.get("judged") else "")
        for row in rows
    ]
    middles, height = places(labels)
    whole = f"{count(rows[0]['of'])} undetermined patients" if rows[0].get("of") else "Undetermined patients"
    made = figure(
        title or missing_most(rows),
        f"{whole} by what is unknown. Solid: nothing else is open" if subtitle is None else subtitle,
        height=height,
        left=LEFT,
        right=room([f"{count(row['n'])} ({count(row['alone'])} alone)" for row in rows]),
        source=source,
    )
    notes, hover = labelled(labels, middles), [lacking_hover(row) for row in rows]
    alone = [row["alone"] or 0 for row in rows]
    rest = [max((row["n"] or 0) - only, 0) for row, only in zip(rows, alone, strict=True)]
    bar(made, "alone", alone, middles, SOLID["unknown"], hover)
    bar(made, "with others", rest, middles, HATCHED, hover)
    for place, row in zip(middles, rows, strict=True):
        only = f' <span style="color:{QUIET}">({count(row["alone"])} alone)</span>' if row["alone"] else ""
        notes.append(note(count(row["n"]) + only, x=row["n"] or 0, y=place, xref="x", yref="y", xshift=6, size=12))
    axes(made, most_of(rows, "n"), height, notes)
    return made
