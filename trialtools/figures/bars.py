"""Bars of criteria: what each does and costs, what the readings change, what is still open."""

from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import pandas as pd

from .drawing import Drawing, figure, nobody
from .format import SCREEN_WORDS, absent, count, enumeration, interval, n_of, percent, plain
from .page import INK, QUIET
from .rows import (
    HATCHED,
    SOLID,
    Bars,
    Column,
    Line,
    Row,
    below_headings,
    held_back,
    label,
    most_of,
    records,
    row_chart,
    text_width,
    value_axis,
)
from .template import STATES, wrap


@figure
def criterion_states(frame: pd.DataFrame) -> Drawing:
    """Of how many patients each criterion is passed, failed or open, in the order of the protocol.

    Open is a bar of its own, hatched. A frame of no patients gives a figure that says so.

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

    def share(row: Row, state: str) -> str:
        # a share that does not fit into its bar would stand on its neighbour
        return percent(row[state] / n, 0) if state != "unknown" and (row[state] or 0) / n >= 0.17 else ""

    def bars(state: str) -> Bars:
        marker = HATCHED if state == "unknown" else SOLID[state]
        hover, inside = partial(_state_hover, state=state, n=n), partial(share, state=state)
        return Bars(state, itemgetter(state), marker, hover, inside=inside)

    def column(state: str) -> Column:
        return Column(SCREEN_WORDS[state], lambda row: count(row[state]), STATES[state], size=12, quiet="0")

    quarters = [0, 0.25, 0.5, 0.75, 1]
    return row_chart(
        _below_kind(rows),
        list(map(bars, STATES)),
        value_axis(0, n, tickvals=[n * x for x in quarters], ticktext=[percent(x, 0) for x in quarters]),
        columns=list(map(column, STATES)),
        finding=_fails_most(rows, n),
        population=f"{count(n)} patients; each criterion by itself, in the order of the protocol",
    )


@figure
def readings(frame: pd.DataFrame) -> Drawing:
    """How many could be eligible under each reading of each ambiguous sentence, from certain to possible.

    Solid is certain (open counts as failed), hatched is what is open. The chosen reading is marked.

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
    solid = Bars("certain", itemgetter("certain"), SOLID["pass"], _reading_hover, 16)
    return row_chart(
        below_headings(rows, lambda row: [label(row["criterion"], row["label"])], _reading),
        [solid, Bars("possible", partial(_rest, part="certain", whole="possible"), HATCHED, _reading_hover, 16)],
        value_axis(0, max(most_of(rows, "possible"), 1)),
        ends=lambda row: (row["possible"], f"<b>{_eligible(row)}</b>" if row["chosen"] else _eligible(row)),
        right=text_width(list(map(_eligible, rows)), bold=True),
        head=12,
        finding=_moves_most(rows),
        population=f"{count(n)} patients; ● as chosen. Solid: eligible at least; hatched: at most",
    )


@figure
def open_criteria(frame: pd.DataFrame) -> Drawing:
    """What is not known of the patients who are not decided yet, the most frequent first.

    Solid: nothing else is open, so that finding it out decides. A frame without rows says that nothing is open.

    Args:
        frame: criterion or field, label, n (patients with it unknown), alone (patients with nothing else open); and if
            there, of (all who are undetermined) and judged (a person decides).

    >>> import pandas as pd
    >>> made = open_criteria(pd.DataFrame({"criterion": ["I8"], "label": ["Imaging"], "n": [412], "alone": [12]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Not known most often: Imaging (412)</b>'
    """
    rows = sorted((row for row in records(frame) if row["n"] != 0), key=lambda row: -(row["n"] or 0))
    if not rows:
        return nobody("Nothing is left open")
    whole = f"{count(rows[0]['of'])} patients not decided yet" if rows[0].get("of") else "Patients not decided yet"

    def text(row: Row) -> str:
        return label(row.get("criterion"), row["label"], "decided by a person" if row.get("judged") else "")

    def alone(row: Row) -> str:
        return f"({count(row['alone'])} alone)"

    def end(row: Row) -> tuple[int | None, str]:
        only = f' <span style="color:{QUIET}">{alone(row)}</span>' if row["alone"] else ""
        return row["n"], count(row["n"]) + only

    solid = Bars("alone", itemgetter("alone"), SOLID["unknown"], _open_hover)
    return row_chart(
        [(text(row), row) for row in rows],
        [solid, Bars("with others", partial(_rest, part="alone", whole="n"), HATCHED, _open_hover)],
        value_axis(0, max(most_of(rows, "n"), 1)),
        ends=end,
        right=text_width([f"{count(row['n'])} {alone(row)}" for row in rows]),
        head=12,
        finding=_missing_most(rows),
        population=f"{whole} by what is not known. Solid: nothing else is open",
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
    far = 1.05 * (max(abs(change(row, which)) for row in rows for which in ("possible", "certain")) or 1)
    as_chosen = f"{count(chosen['n'])} patients; as chosen {_eligible(chosen)} eligible."
    return row_chart(
        [(label(row["criterion"], row["label"], _read_as(row["reading"])), row) for row in rows],
        [
            Bars("possible", partial(change, which="possible"), HATCHED, _reading_hover, 18),
            Bars("certain", partial(change, which="certain"), SOLID["pass"], _reading_hover, 8),
        ],
        value_axis(-far, far, nticks=5, tickformat=",d", zerolinecolor=INK, zerolinewidth=1),
        columns=[Column("eligible", _eligible, size=12)],
        barmode="overlay",
        finding=_shifts_most(others),
        population=f"{as_chosen} Hatched: change of how many at most; solid: of how many at least",
        alt=f"{as_chosen} {len(rows)} other readings",
    )


_MOST, _WITHOUT = 30, "more are eligible when it is dropped"


@figure
def impact(frame: pd.DataFrame) -> Drawing:
    """What each criterion costs, in the order given; of more than 30 criteria, the 30 that weigh most.

    Solid: the certain end; hatched: the possible one. They lie side by side, since either may be the larger.

    Args:
        frame: from `screening.impact()`: criterion, kind, label, n, gain_certain, gain_possible.

    >>> import pandas as pd
    >>> row = {"criterion": "I5", "kind": "inclusion", "label": "Onset", "n": 10}
    >>> made = impact(pd.DataFrame([{**row, "gain_certain": 1, "gain_possible": 4}]))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>I5 Onset weighs most: 1 (at least), 4 (at most) more are eligible</b>'
    """
    rows, ends = records(frame, "gain_certain", "gain_possible"), ("certain", "possible")
    n = most_of(rows, "n")
    if not n:
        return nobody("No patients were screened")
    rows = [{**row, **{end: row[f"gain_{end}"] for end in ends}} for row in rows]
    ranked = sorted(rows, key=lambda row: -max(abs(row[end] or 0) for end in ends))
    largest = [row for row in rows if row in ranked[:_MOST]]
    weighs = _weighs_most(ranked[0])
    weighs = weighs if any(ranked[0][end] is not None for end in ends) else held_back(rows, *ends)
    values = [row[end] or 0 for row in largest for end in ends]
    low, high = min(0, *values) * 1.05, max(0, *values) * 1.05

    def hover(row: Row) -> str:
        costs = ", ".join(f"{SCREEN_WORDS[end]} {count(row[end])}" for end in ends)
        return f"<b>{row['criterion']}</b><br>{costs}<br>of {count(n)} {_WITHOUT}"

    def column(end: str) -> Column:
        return Column(SCREEN_WORDS[end], lambda row: count(row[end]), size=12)

    certain = Bars("certain", itemgetter("certain"), SOLID["pass"], hover, 8, -5)
    return row_chart(
        _below_kind(largest),
        [certain, Bars("possible", itemgetter("possible"), HATCHED, hover, 8, 5)],
        value_axis(low, high if high > low else low + 1, zerolinecolor=INK),
        columns=list(map(column, ends)),
        finding=weighs,
        population=f"{count(n)} patients. Solid: at least, open counted as failed; hatched: at most, as passed",
        remark=f"The {_MOST} of {len(rows)} criteria that weigh most" if len(rows) > _MOST else "",
        alt=f"{len(largest)} of {len(rows)} criteria are shown",
    )


def _rest(row: Row, part: str, whole: str) -> int:
    """What the whole has more than its part; a suppressed count has no length."""
    return max((row[whole] or 0) - (row[part] or 0), 0)


def _eligible(row: Row) -> str:
    return interval(row["certain"], row["possible"])


def _below_kind(rows: Sequence[Row]) -> list[Line]:
    """The criteria, with a heading above the inclusions and one above the exclusions."""

    def heading(row: Row) -> Sequence[str]:
        kind = f"{row.get('kind')} criteria".upper()
        return [f'<span style="font-size:10.5px;color:{QUIET}">{kind}</span>']

    def text(row: Row) -> str:
        reading = row.get("reading")
        return label(row["criterion"], row["label"], "" if absent(reading) else _read_as(reading))

    return below_headings(rows, heading, text)


def _reading(row: Row) -> str:
    """A reading below its criterion; the chosen one is marked."""
    reading = "<br>    ".join(wrap(plain(row["reading"]), 26))
    return f"  ● <b>{reading}</b>" if row["chosen"] else f"  ○ {reading}"


def _read_as(reading: Any) -> str:
    return f"read as {plain(reading)}"


# --- what a figure says in words --------------------------------------------------------------------------------------


def _state_hover(row: Row, state: str, n: int) -> str:
    """Which criterion, how many of how many, and the sentence it comes from."""
    head = "<br>".join(wrap(f"{row['criterion']} {row['label']}", 60))
    quote = row.get("quote")
    quote = quote if isinstance(quote, str) else " … ".join(quote or ())
    detail = "<br><i>" + "<br>".join(wrap(f"“{quote}”", 70)[:4]) + "</i>" if quote else ""
    return f"<b>{head}</b><br>{SCREEN_WORDS[state]}: {n_of(row[state], n)} of {count(n)}{detail}"


def _reading_hover(row: Row) -> str:
    """Which reading, what it makes of the whole, what of its own criterion."""
    each = ", ".join(f"{SCREEN_WORDS[state]} {count(row[state])}" for state in STATES if state in row)
    eligible = f"eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
    head = f"<b>{row['criterion']} read as {plain(row['reading'])}</b>"
    return f"{head}<br>{eligible}<br>this criterion: {each}"


def _open_hover(row: Row) -> str:
    """What is unknown, for how many, and for how many it alone."""
    label = "<br>".join(wrap(row["label"], 50))
    return f"<b>{label}</b><br>not known for {count(row['n'])}, the only thing open for {count(row['alone'])}"


def _fails_most(rows: Sequence[Row], n: int) -> str:
    """Which criterion fails most and which is unknown most, as a sentence; a tie is said as one."""
    sentence = []
    for state, one, many in (("fail", "fails", "fail"), ("unknown", "is open", "are open")):
        most = most_of(rows, state)
        worst = [row for row in rows if row[state] == most]
        if most:
            names = _some([row["criterion"] for row in worst]) if len(worst) > 1 else _criterion_label(worst[0])
            often = "for all" if most == n else f"most often ({count(most)})"
            sentence.append(f"{names} {one if len(worst) == 1 else many} {often}")
    return "; ".join(sentence) or held_back(rows, *STATES) or "Every patient passes every criterion"


def _missing_most(rows: Sequence[Row]) -> str:
    """What is not known most often; a tie is said as one. Beside what a person decides stands what can be looked up."""
    looked_up = [row for row in rows if not row.get("judged")]
    most = _most_open(rows)
    if not looked_up or looked_up[0]["n"] == rows[0]["n"]:
        return f"Not known most often: {most}"
    return f"Not known most often: {most}; of what can be looked up: {_most_open(looked_up)}"


def _most_open(rows: Sequence[Row]) -> str:
    """The first of rows that are ordered by their number, and all that tie with it."""
    worst = [row for row in rows if row["n"] == rows[0]["n"]]
    if len(worst) == 1:
        return f"{worst[0]['label']} ({count(worst[0]['n'])})"
    return f"{_some([row.get('criterion') or row['label'] for row in worst])} ({count(worst[0]['n'])} each)"


def _criterion_label(row: Row) -> str:
    return f"{row['criterion']} {row['label']}"


def _some(ids: Sequence[str]) -> str:
    rest = len(ids) - 3
    return enumeration([*ids[:3], f"{rest} more"] if rest > 0 else ids)


def _moves_most(rows: Sequence[Row]) -> str:
    """The criterion whose reading changes the number of possible patients most."""
    by: dict[str, list[Row]] = {}
    for row in rows:
        by.setdefault(row["criterion"], []).append(row)
    possible = {id: [row["possible"] for row in each if row["possible"] is not None] for id, each in by.items()}
    spans = {id: (min(numbers, default=0), max(numbers, default=0)) for id, numbers in possible.items()}
    id = max(spans, key=lambda key: spans[key][1] - spans[key][0])
    low, high = spans[id]
    if low == high:
        return held_back(rows, "possible") or "No other reading would change how many could be eligible"
    return f"How {id} {by[id][0]['label']} is read moves who could be eligible from {count(low)} to {count(high)}"


def _shifts_most(rows: Sequence[Row]) -> str:
    """The reading under which most patients are decided in another way."""
    most = max(rows, key=lambda row: row["moved"] or 0)
    if not most["moved"]:
        return held_back(rows, "moved") or "No other reading moves a patient"
    reading = f"Reading {most['criterion']} as {plain(most['reading'])}"
    return f"{reading} moves {count(most['moved'])} of {count(most['n'])} patients"


def _weighs_most(row: Row) -> str:
    """The criterion that costs most, at either end."""
    costs = ", ".join(f"{count(row[end])} ({SCREEN_WORDS[end]})" for end in ("certain", "possible"))
    return f"{_criterion_label(row)} weighs most: {costs} {_WITHOUT}"
