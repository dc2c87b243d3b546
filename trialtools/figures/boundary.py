"""What a committee decides on: the path of z against its bounds, of benefit and of harm; the power that is left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .drawing import Drawing, Room, Spec, figure, nobody
from .format import absent, count, four_decimals, number, percent
from .lines import end_labels, line, marks
from .page import INK, Html, fill
from .rows import Row
from .svg import nobody as no_drawing
from .template import note, wrap

_LEFT, _WIDE, _ZERO, _HIGH = 34, 422, 113, 85
"""The place of the boundary in its 470 x 256 pixels: z = 0 lies at `_ZERO`, the largest `_HIGH` above.

No point lies in the line above and the line below it, where the words stand of a boundary that is crossed.
"""
_LETTER, _BESIDE = 6.9, 22
"""How wide a letter of 12 pixels is at most, and how far from z = 0 the words beside it reach."""
_FARTHEST = 6.0
"""The first bounds may be far beyond any z: so far does a reader need to see."""
_MIRROR = "* A mirror of the planned boundary, so that harm is seen; no rule: this protocol plans none for harm."
_NOT_HANDED_IN = "not handed in"
_OF_NONE = "z of harm, against no difference"

_Point = tuple[float, float]


@dataclass(frozen=True)
class Boundary:
    """The bounds and z look by look, in pixels, and the table of looks below them; it shows itself in a notebook."""

    title: str
    alt: str
    upper: tuple[_Point, ...]
    lower: tuple[_Point, ...]
    futile: tuple[_Point, ...]
    points: tuple[tuple[float, float, str, bool], ...]
    ticks: tuple[tuple[str, float], ...]
    goal: str
    harm_declared: bool
    directions: tuple[str, str]
    axis: str
    rows: tuple[tuple[str, ...], ...]
    now: int
    note: str
    subtitle: str = ""
    source: str = ""

    def line(self, points: Sequence[_Point]) -> str:
        """A path through points."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)

    def area(self, points: Sequence[_Point], edge: float) -> str:
        """The same, closed along an edge."""
        return f"{self.line(points)}L{points[-1][0]:.1f} {edge}L{points[0][0]:.1f} {edge}Z"

    @property
    def label(self) -> tuple[float, float, float, str]:
        """From where to where z of this look is written, how low, and which end is held: on no other point."""
        (x, y, text, _), *_ = [each for each in self.points if each[3]]
        wide = 8.0 * len(text)
        places = [
            (x - 12 - wide, x - 12, low, "end") if side < 0 else (x + 12, x + 12 + wide, low, "start")
            for low in ([y - 10, y + 20] if y > 170 else [y + 20, y - 10])
            for side in (-1, 1)
        ]
        inside = [each for each in places if each[0] >= _LEFT and each[1] <= _LEFT + _WIDE] or places
        others = [(at, of) for at, of, _, now in self.points if not now]
        free = [
            each
            for each in inside
            if not any(each[0] - 6 < at < each[1] + 6 and each[2] - 16 < of < each[2] + 6 for at, of in others)
        ]
        return (free or inside)[0]

    @property
    def words_from(self) -> float | None:
        """Where the words beside z = 0 begin, so that they lie on nothing; None where there is no such place."""
        wide = min(412, _LETTER * (2 + max(map(len, self.directions))))
        taken = [(x - 9, x + 9) for x, y, *_ in self.points if abs(y - _ZERO) < _BESIDE + 9]
        if self.points and abs(self.label[2] - 5 - _ZERO) < _BESIDE + 9:
            taken.append(self.label[:2])
        if self.futile and abs(self.futile[-1][1] - 9 - _ZERO) < _BESIDE + 9:
            taken.append((300, 450))
        free = (
            start
            for start in [40.0, *(right + 3 for _, right in sorted(taken))]
            if start + wide <= 456 and all(right < start or left > start + wide for left, right in taken)
        )
        return next(free, None)

    @property
    def html(self) -> Html:
        """The figure without the styles of its page."""
        return fill("boundary.html.j2", looks=self)

    def _repr_html_(self) -> str:
        return fill("alone.html.j2", inside=self.html)


def boundary(
    looks: pd.DataFrame,
    information: str = "Outcome known",
    *,
    goal: str = "benefit",
    above: str = "is benefit",
    directions: tuple[str, str] = ("towards benefit", "towards harm"),
    tails: str = "one-sided",
    remarks: Sequence[str] = (),
    title: str | None = None,
    subtitle: str | None = None,
    source: str = "",
) -> Boundary | Html:
    """The observed z at each look against the bounds for benefit and for harm; the looks in numbers below it.

    A look to come has its bounds and no point. Where no bound for harm is declared, that for benefit is mirrored, so
    that harm is seen.

    Args:
        looks: look, information (where the look is to come, the planned one), fraction (of the planned information),
            bound (of z; inf where the look cannot stop for benefit), futility (of z; NaN where there is none; it does
            not bind), harm (of z; NaN or no such column where there is none), z (above 0 is benefit; NaN where it is
            not known), alpha_spent. Where harm is of another z (against no difference, not against the margin) that is
            z_harm, and the line of harm is moved to where z crosses it, along with the information.
        information: what is counted as information, to head its numbers.
        goal: what the upper bound is of: benefit, or non-inferiority.
        above, directions: what a z above 0 means, and either side in words.
        tails: of alpha: one-sided or two-sided.
        remarks: what else stands in the note below.
        title, subtitle, source: the finding, otherwise the figure's own; population and data cut; a last line.

    Raises:
        ValueError: a look without fraction or bound.

    >>> import pandas as pd
    >>> rows = [(1, 63, 0.33, 3.71, None, 0.8), (2, 127, 0.67, 2.51, None, 1.42), (3, 190, 1.0, 1.99, None, None)]
    >>> frame = pd.DataFrame(rows, columns=["look", "information", "fraction", "bound", "futility", "z"])
    >>> boundary(frame.assign(alpha_spent=0.01)).title
    'z 1.42: benefit needs 2.51 at this look'
    """
    rows: list[Row] = looks.to_dict("records")  # type: ignore[assignment]
    if not rows:
        return no_drawing(title or "No look is planned", subtitle)
    if any(absent(row[name]) for row in rows for name in ("look", "information", "fraction", "bound")):
        raise ValueError("each look needs its information, fraction and bound; inf where it cannot stop the trial")
    past = [at for at, row in enumerate(rows) if not absent(row["z"])]
    now, declared = past[-1] if past else -1, any(not absent(row.get("harm")) for row in rows)
    rows = [{**row, "harm": row.get("harm") if declared else -row["bound"]} for row in rows]
    bounds = {name: [(r["fraction"], r[name]) for r in rows if _finite(r[name])] for name in _LINES}
    apart = _apart(rows[now]) if past else 0.0
    bounds["harm"] = [(part, harm + apart * math.sqrt(part)) for part, harm in bounds["harm"]]
    z = [(rows[at]["fraction"], rows[at]["z"]) for at in past]
    reach = [min(abs(each), _FARTHEST) for places in bounds.values() for _, each in places]
    most = max([4.0, *reach, *(abs(each) for _, each in z)])
    scale = _HIGH / (most * 1.07)

    def place(at: _Point) -> _Point:
        return _LEFT + _WIDE * min(at[0], 1.0), _ZERO - scale * max(-most, min(at[1], most))

    upper, lower, futile = (tuple(map(place, bounds[name])) for name in _LINES)
    planned = rows[-1]["information"] / rows[-1]["fraction"]
    return Boundary(
        title=title or (_title(rows[now], goal, declared) if past else f"{len(rows)} looks are planned"),
        alt=" ".join(_in_words(row, at - now) for at, row in enumerate(rows)),
        upper=upper,
        lower=lower,
        futile=futile,
        points=tuple((*place(each), f"z {number(each[1], 2)}", at == now) for at, each in zip(past, z, strict=True)),
        ticks=tuple((f"{'+' if each > 0 else ''}{number(each, 0)}", _ZERO - scale * each) for each in range(-4, 5, 2)),
        goal=goal,
        harm_declared=declared,
        directions=directions,
        axis=f"share of the planned {count(planned)} {'events' if information == 'Events' else 'outcomes'}",
        rows=tuple(_rows(rows, information, tails, declared, now)),
        now=now,
        note=" ".join(
            [f"z: the difference in units of its uncertainty; above 0 {above}.", *[_MIRROR] * (not declared), *remarks]
        ),
        subtitle=subtitle or "",
        source=source,
    )


_LINES = ("bound", "harm", "futility")


def _apart(row: Row) -> float:
    """How far z lies from the z of harm, at all of the planned information."""
    other = row.get("z_harm")
    return 0.0 if absent(other) else (row["z"] - other) / math.sqrt(row["fraction"])


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _title(row: Row, goal: str, harm: bool) -> str:
    z, bound = number(row["z"], 2), number(row["bound"], 2)
    z += " against the margin" if goal != "benefit" else ""
    other = row.get("z_harm")
    if harm and (row["z"] if absent(other) else other) <= row["harm"]:
        z = z if absent(other) else f"{number(other, 2)} against no difference"
        return f"z {z} is beyond the {number(row['harm'], 2)} of the boundary for harm"
    if row["z"] < 0 and goal == "benefit":
        return f"z {z}: the direction is harm"
    if not math.isfinite(row["bound"]):
        return f"z {z}: no z is enough for {goal} at this look"
    if row["z"] >= row["bound"]:
        return f"z {z} is beyond the {bound} needed"
    return f"z {z}: {goal} needs {bound} at this look"


def _in_words(row: Row, ahead: int) -> str:
    needed = _z_or_none(row["bound"])
    return f"Look {row['look']} at {percent(row['fraction'], 0)}: z {_z(row, ahead)}, {needed} needed."


def _rows(rows: Sequence[Row], information: str, tails: str, declared: bool, now: int) -> list[tuple[str, ...]]:
    """The table of looks, a column a look."""
    ahead = [at - now for at in range(len(rows))]
    known = {
        "Look": [f"{row['look']}, now" if not at else str(row["look"]) for row, at in zip(rows, ahead, strict=True)],
        information: [count(row["information"]) + " planned" * absent(row["z"]) for row in rows],
        "z needed": [_z_or_none(row["bound"]) for row in rows],
        "z for futility, does not bind": [_z_or_none(row["futility"]) for row in rows],
        "z for harm": [_z_or_none(row["harm"]) for row in rows],
        _OF_NONE: [_z({"z": row.get("z_harm")}, at) for row, at in zip(rows, ahead, strict=True)],
        "z": [_z(row, at) for row, at in zip(rows, ahead, strict=True)],
        f"Alpha spent, {tails}": [four_decimals(row["alpha_spent"]) for row in rows],
    }
    left_out = [] if declared else ["z for harm"]
    left_out += [_OF_NONE] if all(absent(row.get("z_harm")) for row in rows) else []
    left_out += [] if any(_finite(row["futility"]) for row in rows) else ["z for futility, does not bind"]
    return [(head, *cells) for head, cells in known.items() if head not in left_out]


def _z(row: Row, ahead: int) -> str:
    return number(row["z"], 2) if not absent(row["z"]) else "–" if ahead > 0 else _NOT_HANDED_IN


def _z_or_none(z: float) -> str:
    return number(z, 2) if _finite(z) else "none"


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
