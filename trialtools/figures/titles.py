"""What a figure says in words: its title, which is the finding, and what a mark tells when it is pointed at."""

from collections.abc import Mapping, Sequence

from .format import SCREEN_WORDS, count, interval, n_of
from .rows import Row, most_of
from .template import STATES, wrap


def state_hover(row: Row, state: str, n: int) -> str:
    """Which criterion, how many of how many, and the sentence it comes from."""
    head = "<br>".join(wrap(f"{row['criterion']} {row['label']}", 60))
    quote = row.get("quote")
    quote = quote if isinstance(quote, str) else " … ".join(quote or ())
    detail = "<br><i>" + "<br>".join(wrap(f"“{quote}”", 70)[:4]) + "</i>" if quote else ""
    return f"<b>{head}</b><br>{state}: {n_of(row[state], n)} of {count(n)}{detail}"


def reading_hover(row: Row) -> str:
    """Which reading, what it makes of the whole, what of its own criterion."""
    each = ", ".join(f"{state} {count(row[state])}" for state in STATES if state in row)
    eligible = f"eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
    head = f"<b>{row['criterion']} read as {str(row['reading']).replace('_', ' ')}</b>"
    return f"{head}<br>{eligible}<br>this criterion: {each}"


def open_hover(row: Row) -> str:
    """What is unknown, for how many, and for how many it alone."""
    label = "<br>".join(wrap(row["label"], 50))
    return f"<b>{label}</b><br>unknown for {count(row['n'])}, the only thing open for {count(row['alone'])}"


def held_back(rows: Sequence[Row], *names: str) -> str:
    """What is said instead of "nobody" where a count is suppressed; nothing where all are there."""
    hidden = any(row[name] is None for row in rows for name in names)
    return "Which is the largest is held back: a count is too small to be shown" if hidden else ""


def fails_most(rows: Sequence[Row], n: int) -> str:
    """Which criterion fails most and which is unknown most, as a sentence; a tie is said as one."""
    sentence = []
    for state, one, many in (("fail", "fails", "fail"), ("unknown", "is unknown", "are unknown")):
        most = most_of(rows, state)
        worst = [row for row in rows if row[state] == most]
        if most:
            names = _some([row["criterion"] for row in worst]) if len(worst) > 1 else _criterion_label(worst[0])
            often = "for all" if most == n else f"most often ({count(most)})"
            sentence.append(f"{names} {one if len(worst) == 1 else many} {often}")
    return "; ".join(sentence) or held_back(rows, *STATES) or "Every criterion passes for every patient"


def missing_most(rows: Sequence[Row]) -> str:
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


def _some(ids: Sequence[str], most: int = 3) -> str:
    rest = len(ids) - most
    return f"{', '.join(ids[:most])} and {rest} more" if rest > 0 else f"{', '.join(ids[:-1])} and {ids[-1]}"


def moves_most(rows: Sequence[Row]) -> str:
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


def shifts_most(rows: Sequence[Row]) -> str:
    """The reading under which most patients are decided in another way."""
    most = max(rows, key=lambda row: row["moved"] or 0)
    if not most["moved"]:
        return held_back(rows, "moved") or "No other reading moves a patient"
    reading = str(most["reading"]).replace("_", " ")
    return f"Reading {most['criterion']} as {reading} moves {count(most['moved'])} of {count(most['n'])} patients"


def weighs_most(row: Row, texts: Mapping[str, str], meaning: str) -> str:
    """The criterion that costs most, at either end."""
    costs = ", ".join(f"{text} ({SCREEN_WORDS[end]})" for end, text in texts.items())
    return f"{_criterion_label(row)} weighs most: {costs} {meaning}"
