"""What each criterion costs: two marks a criterion, one for each end of what unknown leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .format import absent, count, number
from .page import INK
from .rows import HATCHED, LEFT, SOLID, bar, beside, grouped, most_of, places, records, room, words, write
from .template import blank, figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MEASURES = {
    "gain": "more are eligible when it is dropped",
    "alone": "are eligible if no other criterion applied",
    "unique": "are excluded by it and by nothing else",
    "shapley": "are its fair share of the loss",
}
MOST = 30


def impact(
    frame: pd.DataFrame,
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
    measure: str = "gain",
) -> Figure:
    """What each criterion costs, in the order given; of more than 30 criteria, the 30 that weigh most.

    Args:
        frame: from `impact`: criterion, kind, label, n, and the measure's `_certain` and `_possible`.
        title: the finding; otherwise the criterion that weighs most.
        subtitle: the population; otherwise the number of patients.
        source: a last line.
        measure: `gain`, `alone`, `unique` or `shapley`, as `impact` explains them.

    Solid: the certain end; hatched: the possible one. They lie side by side, since either may be the larger.

    Raises:
        ValueError: no such measure.

    >>> import pandas as pd
    >>> row = {"criterion": "I5", "kind": "inclusion", "label": "Onset", "n": 10}
    >>> made = impact(pd.DataFrame([{**row, "gain_certain": 1, "gain_possible": 4}]))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>I5 Onset weighs most: 1 (certain), 4 (possible) more are eligible</b>'
    """
    if measure not in MEASURES:
        raise ValueError(f"no measure {measure!r}; expected one of {', '.join(MEASURES)}")
    rows = records(frame)
    n, ends = most_of(rows, "n"), ("certain", "possible")
    if not n:
        return blank(title or "No patients were screened", subtitle or "")
    for row in rows:
        row.update({end: None if absent(v := row[f"{measure}_{end}"]) else v for end in ends})
    # of a criterion by itself, the one that leaves fewest weighs most
    sign = -1 if measure == "alone" else 1
    ranked = sorted(rows, key=lambda row: -max(sign * abs(row[end] or 0) for end in ends))
    kept = [row for row in rows if row in ranked[:MOST]]
    labels, slots = grouped([{**row, "reading": ""} for row in kept])
    middles, height = places(labels)
    told = {end: [number(v, 1) if measure == "shapley" else count(v) for v in (r[end] for r in kept)] for end in ends}
    wide = {end: room([end, *told[end]]) for end in ends}
    worst = next(at for at, row in enumerate(kept) if row is ranked[0])
    finding = f"{ranked[0]['criterion']} {ranked[0]['label']} weighs most: "
    finding += ", ".join(f"{told[end][worst]} ({end})" for end in ends) + f" {MEASURES[measure]}"
    said = f"{count(n)} patients. Solid: unknown counted as fail (certain); hatched: as pass (possible)"
    said += f". The {MOST} of {len(rows)} criteria that weigh most" if len(rows) > MOST else ""
    made = figure(
        title or finding,
        said if subtitle is None else subtitle,
        height=height,
        left=LEFT,
        right=sum(wide.values()),
        head=30,
        source=source,
    )
    here = [middles[slot] for slot in slots]
    hover = [
        f"<b>{row['criterion']}</b><br>certain {a}, possible {b}<br>of {count(n)} {MEASURES[measure]}"
        for row, a, b in zip(kept, *told.values(), strict=True)
    ]
    notes = words(labels, middles)
    shift = 0
    for end, marker, off in (("certain", SOLID["pass"], -5), ("possible", HATCHED, 5)):
        bar(made, end, [row[end] for row in kept], [y + off for y in here], marker, hover, thick=8)
        shift += wide[end]
        notes += beside(end, told[end], here, shift, size=12)
    values = [row[end] or 0 for row in kept for end in ends]
    low, high = min(0, *values) * 1.05, max(0, *values) * 1.05
    made.update_yaxes(range=[height, 0], visible=False)
    made.update_xaxes(range=[low, high if high > low else low + 1], nticks=4, zeroline=True, zerolinecolor=INK)
    write(made, notes)
    return made.update_layout(meta={"alt": f"{finding}. {len(kept)} of {len(rows)} criteria are shown."})
