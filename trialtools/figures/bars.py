"""Bars of criteria: what each does and costs, what the readings change, what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .drawing import Drawing, figure, nobody
from .format import absent, count, interval, number, percent
from .page import INK, QUIET
from .rows import (
    HATCHED,
    SOLID,
    Bars,
    Column,
    label,
    most_of,
    records,
    row_chart,
    text_width,
    value_axis,
)  # fmt: skip
from .template import STATES, wrap
from .titles import (
    fails_most,
    missing_most,
    moves_most,
    open_hover,
    reading_hover,
    shifts_most,
    state_hover,
    weighs_most,
)  # fmt: skip

Row = dict[str, Any]


@figure
def criterion_states(frame: pd.DataFrame) -> Drawing:
    """How many patients pass, fail, or cannot be told, for each criterion, in the order of the protocol.

    Unknown is a bar of its own, hatched. A frame of no patients gives a figure that says so.

    Args:
        frame: criterion, kind, label, reading, quote, pass, fail, unknown, n.

    >>> import pandas as pd
    >>> row = {"criterion": "I1", "kind": "inclusion", "label": "Age 18 to 85", "reading": "", "quote": "Age 18-85"}
    >>> made = criterion_states(pd.DataFrame([{**row, "pass": 7, "fail": 2, "unknown": 1, "n": 10}]))
    >>> [trace.name for trace in made.data]
    ['pass', 'fail', 'unknown', 'words']
    """
    rows = records(frame)
    n = most_of(rows, "n")
    if not n:
        return nobody("No patients were screened")
    labels, slots = _below_kind(rows)

    def share(row: Row, state: str) -> str:
        # a share that does not fit into its bar would stand on its neighbour
        return percent(row[state] / n, 0) if state != "unknown" and (row[state] or 0) / n >= 0.17 else ""

    quarters = [0, 0.25, 0.5, 0.75, 1]
    counts = {state: [count(row[state]) for row in rows] for state in STATES}
    return row_chart(
        labels,
        [
            Bars(
                state,
                [row[state] for row in rows],
                HATCHED if state == "unknown" else SOLID[state],
                [state_hover(row, state, n) for row in rows],
                inside=[share(row, state) for row in rows],
            )
            for state in STATES
        ],
        value_axis(0, n, tickvals=[n * x for x in quarters], ticktext=[percent(x, 0) for x in quarters]),
        slots=slots,
        columns=[
            Column(state, texts, text_width([state, *texts]), STATES[state], size=12, quiet="0")
            for state, texts in counts.items()
        ],
        finding=fails_most(rows, n),
        population=f"{count(n)} patients; each criterion by itself, in the order of the protocol",
    )


@figure
def readings(frame: pd.DataFrame) -> Drawing:
    """How many could be eligible under each reading of each ambiguous sentence, from certain to possible.

    Solid is certain (unknown counts as fail), hatched is what unknown leaves open. The chosen reading is marked.

    Args:
        frame: criterion, label, reading, chosen, certain, possible, pass, fail, unknown, n.

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
        return nobody("No patients were screened")
    labels, slots = _below_criterion(rows)
    hover, counts = [reading_hover(row) for row in rows], [interval(row["certain"], row["possible"]) for row in rows]
    certain, rest = _stacked(rows, "certain", "possible")
    return row_chart(
        labels,
        [Bars("certain", certain, SOLID["pass"], hover, 16), Bars("possible", rest, HATCHED, hover, 16)],
        value_axis(0, max(most_of(rows, "possible"), 1)),
        slots=slots,
        ends=[
            (row["possible"], f"<b>{text}</b>" if row["chosen"] else text)
            for row, text in zip(rows, counts, strict=True)
        ],
        right=text_width(counts, bold=True),
        finding=moves_most(rows),
        population=f"{count(n)} patients; ● as chosen. Solid: eligible for certain; hatched: possible",
    )


@figure
def open_criteria(frame: pd.DataFrame) -> Drawing:
    """What is unknown of the undetermined patients, the most frequent first.

    Solid: nothing else is open, so that finding it out decides. A frame without rows says that nothing is open.

    Args:
        frame: criterion or field, label, n (for whom it is unknown), alone (for whom it is the only thing open); and
            if there, of (all who are undetermined) and judged (a person decides).

    >>> import pandas as pd
    >>> made = open_criteria(pd.DataFrame({"criterion": ["I8"], "label": ["Imaging"], "n": [412], "alone": [12]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Missing most often: Imaging (412)</b>'
    """
    rows = sorted((row for row in records(frame) if row["n"] != 0), key=lambda row: -(row["n"] or 0))
    if not rows:
        return nobody("Nothing is left open")
    hover = [open_hover(row) for row in rows]
    alone, rest = _stacked(rows, "alone", "n")
    whole = f"{count(rows[0]['of'])} undetermined patients" if rows[0].get("of") else "Undetermined patients"

    def end(row: Row) -> str:
        only = f' <span style="color:{QUIET}">({count(row["alone"])} alone)</span>' if row["alone"] else ""
        return count(row["n"]) + only

    return row_chart(
        [
            label(row.get("criterion", ""), row["label"], "decided by a person" if row.get("judged") else "")
            for row in rows
        ],
        [Bars("alone", alone, SOLID["unknown"], hover), Bars("with others", rest, HATCHED, hover)],
        value_axis(0, max(most_of(rows, "n"), 1)),
        ends=[(row["n"], end(row)) for row in rows],
        right=text_width([f"{count(row['n'])} ({count(row['alone'])} alone)" for row in rows]),
        finding=missing_most(rows),
        population=f"{whole} by what is unknown. Solid: nothing else is open",
    )


@figure
def tornado(frame: pd.DataFrame) -> Drawing:
    """How many more or fewer patients could be eligible under each reading that was not chosen, the strongest on top.

    Hatched: the change of who could be eligible; solid: of who is for certain. The line in the middle is the protocol
    as it was read. A frame without a second reading gives a figure that says so.

    Args:
        frame: from `compare_readings`: criterion, label, reading, chosen, certain, possible, moved, n.

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
        return nobody("No sentence can be read another way")
    base = {row["criterion"]: row for row in rows if row["chosen"]}
    chosen = next(iter(base.values()))

    def change(row: Row, which: str) -> int:
        """How far a count lies from that under the chosen reading; a suppressed one has no length."""
        here, there = row[which], base[row["criterion"]][which]
        return 0 if here is None or there is None else here - there

    rows = sorted(others, key=lambda row: -abs(change(row, "possible")))
    hover, counts = [reading_hover(row) for row in rows], [interval(row["certain"], row["possible"]) for row in rows]
    possible, certain = ([change(row, which) for row in rows] for which in ("possible", "certain"))
    far = 1.05 * (max(map(abs, [*possible, *certain])) or 1)
    as_chosen = f"{count(chosen['n'])} patients; as chosen {interval(chosen['certain'], chosen['possible'])} eligible."
    return row_chart(
        [label(row["criterion"], row["label"], _read_as(row["reading"])) for row in rows],
        [Bars("possible", possible, HATCHED, hover, 18), Bars("certain", certain, SOLID["pass"], hover, 8)],
        value_axis(-far, far, nticks=5, tickformat=",d", zerolinecolor=INK, zerolinewidth=1),
        columns=[Column("eligible", counts, text_width(counts), size=12, inset=6)],
        barmode="overlay",
        finding=shifts_most(others),
        population=f"{as_chosen} Hatched: change of who could be; solid: of who is for certain",
        alt=f"{as_chosen} {len(rows)} other readings",
    )


MEASURES = {
    "gain": "more are eligible when it is dropped",
    "alone": "are eligible if no other criterion applied",
    "unique": "are excluded by it and by nothing else",
    "shapley": "are its fair share of the loss",
}
MOST = 30


@figure
def impact(frame: pd.DataFrame, measure: str = "gain") -> Drawing:
    """What each criterion costs, in the order given; of more than 30 criteria, the 30 that weigh most.

    Solid: the certain end; hatched: the possible one. They lie side by side, since either may be the larger.

    Args:
        frame: from `screening.impact()`: criterion, kind, label, n, and the measure's `_certain` and `_possible`.
        measure: `gain`, `alone`, `unique` or `shapley`, as `screening.impact` explains them.

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
        return nobody("No patients were screened")
    for row in rows:
        row.update({end: None if absent(value := row[f"{measure}_{end}"]) else value for end in ends})
    # of a criterion by itself, the one that leaves fewest weighs most
    sign = -1 if measure == "alone" else 1
    ranked = sorted(rows, key=lambda row: -max(sign * abs(row[end] or 0) for end in ends))
    kept = [row for row in rows if row in ranked[:MOST]]
    labels, slots = _below_kind([{**row, "reading": ""} for row in kept])
    write = (lambda value: number(value, 1)) if measure == "shapley" else count
    texts = {end: [write(row[end]) for row in kept] for end in ends}
    hover = [
        f"<b>{row['criterion']}</b><br>certain {certain}, possible {possible}<br>of {count(n)} {MEASURES[measure]}"
        for row, certain, possible in zip(kept, *texts.values(), strict=True)
    ]
    values = [row[end] or 0 for row in kept for end in ends]
    low, high = min(0, *values) * 1.05, max(0, *values) * 1.05
    return row_chart(
        labels,
        [
            Bars(end, [row[end] for row in kept], marker, hover, 8, off)
            for end, marker, off in (("certain", SOLID["pass"], -5), ("possible", HATCHED, 5))
        ],
        value_axis(low, high if high > low else low + 1, zerolinecolor=INK),
        slots=slots,
        columns=[Column(end, texts[end], text_width([end, *texts[end]]), size=12) for end in ends],
        finding=weighs_most(ranked[0], {end: write(ranked[0][end]) for end in ends}, MEASURES[measure]),
        population=f"{count(n)} patients. Solid: unknown counted as fail (certain); hatched: as pass (possible)",
        remark=f"The {MOST} of {len(rows)} criteria that weigh most" if len(rows) > MOST else "",
        alt=f"{len(kept)} of {len(rows)} criteria are shown",
    )


def _stacked(rows: Sequence[Row], part: str, whole: str) -> tuple[list[int], list[int]]:
    """A part, and what the whole has more; a suppressed count has no length."""
    parts = [row[part] or 0 for row in rows]
    return parts, [max((row[whole] or 0) - part, 0) for row, part in zip(rows, parts, strict=True)]


def _below_kind(rows: Sequence[Row]) -> tuple[list[str], list[int]]:
    """Labels with a heading above the inclusions and one above the exclusions; which of them are rows."""
    labels: list[str] = []
    slots, kind = [], None
    for row in rows:
        if row.get("kind") != kind:
            kind = row.get("kind")
            labels.append(f'<span style="font-size:10.5px;color:{QUIET}">{f"{kind} criteria".upper()}</span>')
        slots.append(len(labels))
        reading = row.get("reading")
        labels.append(label(row["criterion"], row["label"], "" if absent(reading) else _read_as(reading)))
    return labels, slots


def _below_criterion(rows: Sequence[Row]) -> tuple[list[str], list[int]]:
    """Labels with the criterion above its readings; which of them are rows."""
    labels: list[str] = []
    slots, last = [], None
    for row in rows:
        if row["criterion"] != last:
            last = row["criterion"]
            labels.append(label(last, row["label"]))
        slots.append(len(labels))
        reading = "<br>    ".join(wrap(str(row["reading"]).replace("_", " "), 26))
        labels.append(f"  ● <b>{reading}</b>" if row["chosen"] else f"  ○ {reading}")
    return labels, slots


def _read_as(reading: Any) -> str:
    return f"read as {str(reading).replace('_', ' ')}"
