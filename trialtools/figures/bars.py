"""Bars: what each criterion does, what the readings change, what is lacking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..tables import INK, QUIET, absent, count, interval, n_of, percent
from .template import HAIR, SMALL, STATES, annotate, blank, figure, note, wrap

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

LABELS = 232
"""Room for the words at the left; they are wrapped to it."""

SOLID_IS_CERTAIN = "Solid: eligible for certain; hatched: possible"

GAP = 10
"""Between the words and the bars."""

HATCHED = {
    "color": "white",
    "line": {"color": STATES["unknown"], "width": 1},
    "pattern": {"shape": "/", "fgcolor": STATES["unknown"], "bgcolor": "white", "size": 6, "solidity": 0.3},
}
SOLID = {state: {"color": colour, "line": {"color": colour, "width": 1}} for state, colour in STATES.items()}


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
    >>> [bar.name for bar in made.data]
    ['pass', 'fail', 'unknown']
    """
    rows = _records(frame)
    if not rows or not max(row["n"] for row in rows):
        return blank(title or "No patients were screened", subtitle or "")
    n = max(row["n"] for row in rows)
    labels, records = _grouped(rows)
    places, height = _places(labels)
    columns = {state: _room([state, *(count(row[state]) for row in rows)]) for state in STATES}
    made = figure(
        title or _most(rows, n),
        subtitle
        if subtitle is not None
        else f"{count(n)} patients; each criterion by itself, in the order of the protocol",
        height=height,
        left=LABELS + GAP,
        right=sum(columns.values()),
        head=30,
        source=source,
    )
    notes = _words(labels, places)
    for state in STATES:
        values = [row[state] for row in records.values()]
        here = [places[slot] for slot in records]
        hover = [_hover(row, state, n) for row in records.values()]
        _bar(made, state, values, here, HATCHED if state == "unknown" else SOLID[state], hover)
        # a share that does not fit into its bar would stand on its neighbour
        shares = [percent(v / n, 0) if v / n >= 0.17 and state != "unknown" else "" for v in values]
        inside = {"textposition": "inside", "insidetextanchor": "middle", "textangle": 0}
        made.data[-1].update(text=shares, textfont={"color": "white", "size": SMALL}, **inside)
        notes += _column(state, [count(v) for v in values], here, columns)
    _axes(made, n, height, notes)
    quarters = [0, 0.25, 0.5, 0.75, 1]
    made.update_xaxes(tickvals=[n * part for part in quarters], ticktext=[percent(part, 0) for part in quarters])
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
    rows = _records(frame)
    if not rows or not max(row["n"] for row in rows):
        return blank(title or "No patients were screened", subtitle or "")
    n, most = max(row["n"] for row in rows), max(row["possible"] for row in rows)
    labels, records = _by_criterion(rows)
    places, height = _places(labels)
    made = figure(
        title or _moves(rows),
        subtitle if subtitle is not None else f"{count(n)} patients; ● as chosen. {SOLID_IS_CERTAIN}",
        height=height,
        left=LABELS + GAP,
        right=_room([interval(row["certain"], row["possible"]) for row in rows], bold=True),
        source=source,
    )
    notes = _words(labels, places)
    here = [places[slot] for slot in records]
    for name, values, marker in (
        ("certain", [row["certain"] for row in records.values()], SOLID["pass"]),
        ("possible", [row["possible"] - row["certain"] for row in records.values()], HATCHED),
    ):
        _bar(made, name, values, here, marker, [_reading_hover(row) for row in records.values()], thick=16)
    for slot, row in records.items():
        text = interval(row["certain"], row["possible"])
        words = f"<b>{text}</b>" if row["chosen"] else text
        notes.append(note(words, x=row["possible"], y=places[slot], xref="x", yref="y", xshift=6, size=12))
    _axes(made, max(most, 1), height, notes)
    return made


def lacking(frame: pd.DataFrame, title: str | None = None, subtitle: str | None = None, source: str = "") -> Figure:
    """What is unknown of the undetermined patients, the most frequent first.

    Args:
        frame: criterion or field, label, n (for whom it is unknown), alone (for whom it is the only thing open).
        title: the finding; otherwise what is missing most.
        subtitle: the population.
        source: a last line.

    Solid: nothing else is open, so that finding it out decides. A frame without rows says that nothing is open.

    >>> import pandas as pd
    >>> made = lacking(pd.DataFrame({"criterion": ["I8"], "label": ["Imaging"], "n": [412], "alone": [12]}))
    >>> made.layout.title.text.split("<br>")[0]
    '<b>Missing most often: Imaging (412)</b>'
    """
    rows = sorted(_records(frame), key=lambda row: -row["n"])
    rows = [row for row in rows if row["n"]]
    if not rows:
        return blank(title or "Nothing is left open", subtitle or "")
    key = next((name for name in ("criterion", "field") if name in rows[0]), "label")
    labels = [_label(row.get(key, "") if key == "criterion" else "", row["label"]) for row in rows]
    places, height = _places(labels)
    made = figure(
        title or f"Missing most often: {rows[0]['label']} ({count(rows[0]['n'])})",
        subtitle if subtitle is not None else "Undetermined patients by what is unknown. Solid: nothing else is open",
        height=height,
        left=LABELS + GAP,
        right=_room([f"{count(row['n'])} ({count(row['alone'])} alone)" for row in rows]),
        source=source,
    )
    notes = _words(labels, places)
    for name, values, marker in (
        ("alone", [row["alone"] for row in rows], SOLID["unknown"]),
        ("with others", [row["n"] - row["alone"] for row in rows], HATCHED),
    ):
        _bar(made, name, values, places, marker, [_lacking_hover(row) for row in rows])
    for place, row in zip(places, rows, strict=True):
        only = f' <span style="color:{QUIET}">({count(row["alone"])} alone)</span>' if row["alone"] else ""
        notes.append(note(count(row["n"]) + only, x=row["n"], y=place, xref="x", yref="y", xshift=6, size=12))
    _axes(made, max(row["n"] for row in rows), height, notes)
    return made


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    numbers = {"pass", "fail", "unknown", "n", "certain", "possible", "alone"} & set(frame.columns)
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    for row in rows:
        row.update({name: 0 if absent(row[name]) else int(row[name]) for name in numbers})
    return rows


def _grouped(rows: Sequence[dict[str, Any]]) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """Labels with a heading above the inclusions and one above the exclusions; the rows by their slot."""
    labels: list[str] = []
    records: dict[int, dict[str, Any]] = {}
    kind = None
    for row in rows:
        if row.get("kind") != kind:
            kind = row.get("kind")
            labels.append(_heading(f"{kind} criteria".upper()))
        records[len(labels)] = row
        labels.append(_label(row["criterion"], row["label"], "" if absent(row.get("reading")) else row["reading"]))
    return labels, records


def _by_criterion(rows: Sequence[dict[str, Any]]) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """Labels with the criterion above its readings; the rows by their slot."""
    labels: list[str] = []
    records: dict[int, dict[str, Any]] = {}
    last = None
    for row in rows:
        if row["criterion"] != last:
            last = row["criterion"]
            labels.append(_label(last, row["label"]))
        records[len(labels)] = row
        reading = "<br>    ".join(wrap(str(row["reading"]).replace("_", " "), 26))
        labels.append(f"  ● <b>{reading}</b>" if row["chosen"] else f"  ○ {reading}")
    return labels, records


def _heading(text: str) -> str:
    return f'<span style="font-size:10.5px;color:{QUIET}">{text}</span>'


def _label(id: Any, words: Any, reading: str = "") -> str:
    id = "" if absent(id) else str(id)
    lines = wrap(f"{id} {words}".strip(), 31)
    if id:
        lines[0] = lines[0].replace(id, f"<b>{id}</b>", 1)
    if reading:
        small = "<br>".join(wrap(f"read as {str(reading).replace('_', ' ')}", 36))
        lines.append(f'<span style="font-size:{SMALL}px;color:{QUIET}">{small}</span>')
    return "<br>".join(lines)


def _places(labels: Sequence[str]) -> tuple[list[float], int]:
    """The middle of each row in pixels from the top, each as high as its words; and the height of all."""
    places, top = [], 0.0
    for label in labels:
        height = max(28, 16.5 * (label.count("<br>") + 1) + 9)
        places.append(top + height / 2)
        top += height
    return places, round(top)


def _bar(
    made: Figure,
    name: str,
    values: Sequence[int],
    places: Sequence[float],
    marker: Any,
    hover: Sequence[str],
    thick: int = 20,
) -> None:
    place = {"x": values, "y": places, "width": thick, "orientation": "h"}
    made.add_bar(name=name, marker=marker, hovertext=hover, hovertemplate="%{hovertext}<extra></extra>", **place)


def _room(texts: Sequence[str], bold: bool = False) -> int:
    """How much room numbers need at the right, in the widest of the fonts."""
    return round(max(len(text) for text in texts) * (8.6 if bold else 7.4)) + 18


def _words(labels: Sequence[str], places: Sequence[float]) -> list[dict[str, Any]]:
    left = -LABELS - GAP
    return [note(label, x=0, y=at, yref="y", xshift=left) for label, at in zip(labels, places, strict=True)]


def _column(
    state: str, texts: Sequence[str], places: Sequence[float], columns: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Numbers in a column at the right, headed by their state: the legend and the direct label in one."""
    shift = sum(list(columns.values())[: list(columns).index(state) + 1])
    right: dict[str, Any] = {"x": 1, "xanchor": "right", "xshift": shift, "yref": "y", "size": 12}
    head = note(f"<b>{state}</b>", y=1, color=STATES[state], **{**right, "yref": "paper", "yshift": 10})
    colours = [QUIET if text == "0" else INK for text in texts]
    rows = zip(texts, places, colours, strict=True)
    return [head, *(note(text, y=place, color=colour, **right) for text, place, colour in rows)]


def _axes(made: Figure, most: int, height: int, notes: Sequence[dict[str, Any]]) -> None:
    annotate(made, notes)
    made.update_yaxes(range=[height, 0], visible=False)
    # four ticks at most: whole numbers of patients, and labels that do not meet
    made.update_xaxes(range=[0, most], nticks=4, rangemode="tozero", zeroline=True, zerolinecolor=HAIR)


def _hover(row: Mapping[str, Any], state: str, n: int) -> str:
    head = "<br>".join(wrap(f"{row['criterion']} {row['label']}", 60))
    quote = row.get("quote")
    quote = quote if isinstance(quote, str) else " … ".join(quote or ())
    said = "<br><i>" + "<br>".join(wrap(f"“{quote}”", 70)[:4]) + "</i>" if quote else ""
    return f"<b>{head}</b><br>{state}: {n_of(row[state], n)} of {count(n)}{said}"


def _reading_hover(row: Mapping[str, Any]) -> str:
    each = (
        f"pass {count(row['pass'])}, fail {count(row['fail'])}, unknown {count(row['unknown'])}"
        if "pass" in row
        else ""
    )
    eligible = f"eligible: {interval(row['certain'], row['possible'])} of {count(row['n'])}"
    return f"<b>{row['criterion']} read as {str(row['reading']).replace('_', ' ')}</b><br>{eligible}<br>alone: {each}"


def _lacking_hover(row: Mapping[str, Any]) -> str:
    label = "<br>".join(wrap(row["label"], 50))
    return f"<b>{label}</b><br>unknown for {count(row['n'])}, the only thing open for {count(row['alone'])}"


def _most(rows: Sequence[Mapping[str, Any]], n: int) -> str:
    """Which criterion fails most and which is unknown most, as a sentence; a tie is said as one."""
    said = []
    for state, one, many in (("fail", "fails", "fail"), ("unknown", "is unknown", "are unknown")):
        most = max(row[state] for row in rows)
        worst = [row for row in rows if row[state] == most]
        if most:
            names = _some([row["criterion"] for row in worst]) if len(worst) > 1 else _named(worst[0])
            often = "for all" if most == n else f"most often ({count(most)})"
            said.append(f"{names} {one if len(worst) == 1 else many} {often}")
    return "; ".join(said) or "Every criterion passes for every patient"


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['criterion']} {row['label']}"


def _some(ids: Sequence[str], most: int = 3) -> str:
    rest = len(ids) - most
    return f"{', '.join(ids[:most])} and {rest} more" if rest > 0 else f"{', '.join(ids[:-1])} and {ids[-1]}"


def _moves(rows: Sequence[Mapping[str, Any]]) -> str:
    """The criterion whose reading changes the number of possible patients most."""
    by: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["criterion"], []).append(row)
    spans = {id: (min(r["possible"] for r in each), max(r["possible"] for r in each)) for id, each in by.items()}
    id = max(spans, key=lambda key: spans[key][1] - spans[key][0])
    low, high = spans[id]
    if low == high:
        return "No other reading would change how many could be eligible"
    return f"How {id} {by[id][0]['label']} is read moves who could be eligible from {count(low)} to {count(high)}"
