"""What a committee decides on: the path of z against its bounds, and the power that is left."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from .drawing import Drawing, Room, Spec, figure, nobody
from .format import absent, count, number, percent
from .lines import end_labels, line, marks, ribbon, rule, spread_labels, table_below
from .page import INK, QUIET
from .rows import Row
from .template import WIDTH, note, wrap

EFFICACY, FUTILITY = "#e3ebe0", "#f4ebdc"
"""Two soft tints that are no colour of a state or an arm."""

LEFT, RIGHT = 118, 26


@figure
def boundary(looks: pd.DataFrame, information: str = "Information") -> Drawing:
    """The observed z at each look against the bounds, on the axis of information; the looks in numbers below it.

    A look to come has its bounds and no point.

    Args:
        looks: look, information (where the look is to come, the planned one), fraction (of the planned information),
            bound (of z; inf where the look cannot stop the trial for efficacy), futility (of z; NaN where there is
            none; it does not bind), harm (of z; NaN or no such column where there is none), z (above 0 is benefit; NaN
            for a look to come), nominal_p, alpha_spent.
        information: what is counted as information, to head its numbers.

    Raises:
        ValueError: a look without fraction or bound.

    >>> import pandas as pd
    >>> rows = [(1, 63, 0.33, 3.71, None, 0.8), (2, 127, 0.67, 2.51, None, 1.42), (3, 190, 1.0, 1.99, None, None)]
    >>> frame = pd.DataFrame(rows, columns=["look", "information", "fraction", "bound", "futility", "z"])
    >>> boundary(frame.assign(nominal_p=0.01, alpha_spent=0.01)).layout.title.text.split("<br>")[0]
    '<b>Look 2 of 3: z 1.42 does not cross the bound 2.51</b>'
    """
    rows: list[Row] = looks.to_dict("records")  # type: ignore[assignment]
    if not rows:
        return nobody("No look is planned")
    if any(absent(row[name]) for row in rows for name in ("look", "information", "fraction", "bound")):
        raise ValueError("each look needs its information, fraction and bound; inf where it cannot stop the trial")
    seen = [row for row in rows if not absent(row["z"])]
    finite = [row for row in rows if math.isfinite(row["bound"])]
    futile = [row for row in rows if not absent(row["futility"])]
    harmful = [row for row in rows if not absent(row.get("harm")) and math.isfinite(row["harm"])]
    # the first bounds may be far beyond any z: 6 is as far as a reader needs to see
    numbers = [min(row["bound"], 6) for row in finite] + [row["z"] for row in seen] + [r["futility"] for r in futile]
    numbers += [max(row["harm"], -6) for row in harmful]
    high, low = max([3.0, *numbers]) + 0.6, min([-1.0, *numbers]) - 0.6
    far = max([1.0, *(row["fraction"] for row in rows)]) + 0.04
    dash = {"symbol": "line-ew", "size": 13}
    now = seen[-1] if seen else None
    return Drawing(
        finding=_finding(rows, seen),
        population=f"{percent(now['fraction'], 0)} of the planned information. z above 0: benefit" if now else "",
        alt=" ".join(map(_in_words, rows)).removesuffix("."),
        marks=[
            *(_region(finite, "bound", high, EFFICACY, high) if finite else []),
            *(_region(futile, "futility", low, FUTILITY, high) if futile else []),
            *(_region(harmful, "harm", low, FUTILITY, high) if harmful else []),
            _points("bound", finite, **dash, line={"color": INK, "width": 2}),
            _points("futility", futile, **dash, line={"color": INK, "width": 1}),
            line("path", [row["fraction"] for row in seen], [row["z"] for row in seen], color=INK, width=1.5),
            _points("z", seen, size=[9] * (len(seen) - 1) + [14], color=INK, opacity=1),
        ],
        words=[
            *([_edge_label("Stop for efficacy", finite, high, -11)] if finite else []),
            *([_edge_label("Futility (does not bind)", futile, low, 30 if harmful else 11)] if futile else []),
            *([_edge_label("Boundary for harm", harmful, low, 11)] if harmful else []),
            *([_last_look(rows, seen)] if seen else []),
            note("z", x=0, y=1, xshift=-24, yshift=4, size=12),
            note("Share of the planned information", x=0, y=0, yshift=-30, size=12),
            *table_below(_numbers(rows, information, far), LEFT, 54),
        ],
        shapes=[rule(y=0, color=QUIET)],
        x={"range": [0, far], "tickformat": ".0%", "nticks": 6, "showgrid": False}
        | {"showline": True, "linecolor": QUIET},
        y={"range": [low, high], "nticks": 7, "showgrid": False},
        room=Room(300, LEFT, RIGHT, 14, 118),
    )


def _region(rows: Sequence[Row], name: str, edge: float, tint: str, high: float) -> list[Spec]:
    """The tinted area beyond a bound, and its line."""
    x = [rows[0]["fraction"] - 0.02, *(row["fraction"] for row in rows), rows[-1]["fraction"] + 0.02]
    y = [min(row[name], high) for row in (rows[0], *rows, rows[-1])]
    dash = "solid" if name == "bound" else "dot"
    return [*ribbon(x, [edge] * len(x), y, tint), line(f"{name}s", x, y, color=INK, width=1, dash=dash)]


def _edge_label(words: str, rows: Sequence[Row], edge: float, shift: float) -> Spec:
    way: dict[str, Any] = {"xref": "x", "yref": "y", "xanchor": "right", "size": 12, "color": QUIET}
    return note(words, x=rows[-1]["fraction"] + 0.01, y=edge, yshift=shift, **way)


def _last_look(rows: Sequence[Row], seen: Sequence[Row]) -> Spec:
    """The z of the last look beside its point: at the left where the axis ends, off the path that leads to it."""
    now = seen[-1]
    side: dict[str, Any] = {"xshift": 13}
    if now["fraction"] > 0.6 * max(row["fraction"] for row in rows):
        rising = len(seen) < 2 or now["z"] >= seen[-2]["z"]
        side = {"xanchor": "right", "xshift": -10, "yshift": 12 if rising else -12}
    text = f"<b>z {number(now['z'], 2)}</b>, {_bound(now)}"
    return note(text, x=now["fraction"], y=now["z"], xref="x", yref="y", bgcolor="rgba(255,255,255,.7)", **side)


def _bound(row: Row) -> str:
    return f"bound {number(row['bound'], 2)}" if math.isfinite(row["bound"]) else "too early to stop for efficacy"


def _points(name: str, rows: Sequence[Row], **marker: Any) -> Spec:
    hover = [
        f"<b>Look {row['look']}: {name} {number(row[name], 2)}</b>"
        f"<br>information {count(row['information'])} ({percent(row['fraction'], 0)})"
        f"<br>nominal p {_probability(row['nominal_p'])}, alpha spent {_probability(row['alpha_spent'])}"
        for row in rows
    ]
    return marks(name, [row["fraction"] for row in rows], [row[name] for row in rows], hover, **marker)


def _probability(value: Any) -> str:
    return "<0.0001" if not absent(value) and 0 < value < 0.00005 else number(value, 4)


def _numbers(rows: Sequence[Row], information: str, far: float) -> list[tuple[str, list[tuple[float, str]]]]:
    """Look by look: the information, the bounds, the alpha spent; what is planned only, in grey."""
    pixel = far / (WIDTH - LEFT - RIGHT)
    middles = spread_labels([row["fraction"] for row in rows], 52 * pixel)
    lines = {
        "Look": [f"<b>{row['look']}</b>" if not absent(row["z"]) else f"{row['look']}" for row in rows],
        information: [count(row["information"]) for row in rows],
        "Bound of z": [number(row["bound"], 2) if math.isfinite(row["bound"]) else "none" for row in rows],
        "Alpha spent": [_probability(row["alpha_spent"]) for row in rows],
    }
    colours = [QUIET if absent(row["z"]) else INK for row in rows]
    return [
        (
            head,
            [
                (x, f'<span style="color:{colour}">{text}</span>')
                for x, colour, text in zip(middles, colours, texts, strict=True)
            ],
        )
        for head, texts in lines.items()
    ]


def _finding(rows: Sequence[Row], seen: Sequence[Row]) -> str:
    if not seen:
        return f"No look has been taken; {len(rows)} {'is' if len(rows) == 1 else 'are'} planned"
    now = seen[-1]
    sentence = f"Look {now['look']} of {len(rows)}: z {number(now['z'], 2)}"
    harm = now.get("harm")
    if not absent(harm) and now["z"] <= harm:
        sentence += f" crosses the bound {number(harm, 2)} for harm"
    elif now["z"] >= now["bound"]:
        sentence += f" crosses the bound {number(now['bound'], 2)} for efficacy"
    elif not absent(now["futility"]) and now["z"] <= now["futility"]:
        sentence += f" is at or below the futility bound {number(now['futility'], 2)}, which does not bind"
    else:
        sentence += ", below zero," * (now["z"] < 0)
        sentence += f" does not cross the {_bound(now)}" if math.isfinite(now["bound"]) else f", {_bound(now)}"
    before = [str(row["look"]) for row in seen[:-1] if row["z"] >= row["bound"]]
    return sentence + (f"; look {', '.join(before)} had crossed it" if before else "")


def _in_words(row: Row) -> str:
    z = "to come" if absent(row["z"]) else f"z {number(row['z'], 2)}"
    return f"Look {row['look']} at {percent(row['fraction'], 0)}: {z}, {_bound(row)}."


@figure
def power_curve(
    frame: pd.DataFrame, axis: str = "True risk difference from here on, experimental minus control"
) -> Drawing:
    """The chance to reach significance in the end, given what has been seen, for each true effect; named ones marked.

    An effect without conditional power is no point of the curve.

    Args:
        frame: effect, conditional_power, mark (`trend`, `design`, `null`, or "" for a point of the curve).
        axis: what the effect is, and which way is better.

    >>> import pandas as pd
    >>> rows = [(0.0, 0.03, "null"), (0.05, 0.34, "trend"), (0.1, 0.61, "design")]
    >>> power_curve(pd.DataFrame(rows, columns=["effect", "conditional_power", "mark"])).layout.title.text
    '<b>Conditional power: 3\\xa0% (null), 34\\xa0% (trend), 61\\xa0% (design)</b>'
    """
    rows: list[Row] = frame.dropna(subset=["effect", "conditional_power"]).to_dict("records")  # type: ignore
    if not rows:
        return nobody("No conditional power without a look")
    rows.sort(key=lambda row: row["effect"])
    x, y = [row["effect"] for row in rows], [row["conditional_power"] for row in rows]
    named = [row for row in rows if not absent(row["mark"])]
    powers = {row["mark"]: percent(row["conditional_power"], 0) for row in named}
    finding = "Conditional power: " + ", ".join(f"{power} ({mark})" for mark, power in powers.items())
    hover = [f"<b>effect {row['effect']:g}</b><br>{percent(row['conditional_power'])}" for row in rows]
    at = [row["effect"] for row in named], [row["conditional_power"] for row in named]
    return Drawing(
        finding=finding if named else "Conditional power by the true effect",
        alt=f"{axis} from {x[0]:g} to {x[-1]:g}",
        marks=[line("power", x, y, hover, color=INK, width=2), marks("named", *at, size=10, color=INK)],
        words=[
            *_effect_labels(named, x, rising=y[-1] > y[0]),
            note("<br>".join(wrap(axis, 90)), x=0, y=0, yshift=-32, size=12),
        ],
        x={"tickformat": "~g", "nticks": 7, "showgrid": False},
        y={"range": [0, 1.05], "tickformat": ".0%", "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "showgrid": True},
        room=Room(250, 60, 40, 18, 50),
    )


def _effect_labels(rows: Sequence[Row], x: Sequence[float], rising: bool) -> list[Spec]:
    """Each named effect beside its mark; above a rising curve there is room at the left, else at the right."""
    pixel, wide = 1.05 / 250, (x[-1] - x[0]) or 1
    texts = [f"<b>{row['mark']}</b> {percent(row['conditional_power'], 0)}" for row in rows]
    above = [row["conditional_power"] + 9 * pixel for row in rows]
    words = end_labels(texts, [row["effect"] for row in rows], above, 15 * pixel, low=9 * pixel)
    for word in words:
        left = (word["x"] - x[0]) / wide > (0.15 if rising else 0.85)
        word.update({"xanchor": "right", "xshift": -9} if left else {"xshift": 9})
    return list(words)
