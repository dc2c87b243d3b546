"""A kind of endpoint goes in; out comes what its effect is called, how it is written, and the axis that it is drawn on.

An effect is a number whose 0 is no difference: a difference of risks or means, the logarithm of a hazard ratio, a win
probability less one half. It has one unit on every page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .format import absent, number
from .page import INK
from .rows import Estimate, Panel, Row, value_axis


@dataclass(frozen=True)
class Measure:
    """What an effect is called, `number` of it as people read it, `steps` between them, the ends of its scale.

    `cells` says what a table tells of one arm alone.

    `words` are those for less, more and the same: as an adverb of a size, or of a ratio the size alone.
    """

    name: str
    unit: str
    number: Callable[[float], float]
    limits: tuple[float, float]
    digits: int = 1
    signed: bool = True
    information: str = "Outcome known"
    known: str = "Known"
    cells: str = "events/known"
    steps: Callable[[float, float], Sequence[float]] = lambda low, high: _even_steps(low, high)
    words: tuple[str, str, str] | None = None

    def text(self, effect: Any) -> str:
        """An effect in print: −10.2 percentage points as "−10.2", a hazard ratio as "0.55"; "–" where it is unknown."""
        if absent(effect):
            return "–"
        shown = self.number(effect)
        if math.isinf(shown):
            return "∞" if shown > 0 else "−∞"
        text = number(shown, self.digits)
        if not self.signed:
            return text
        zero = number(0.0, self.digits)
        return zero if text.lstrip("−") == zero else text if shown < 0 else f"+{text}"

    def interval(self, effect: Any, low: Any, high: Any) -> str:
        """An effect with its interval, as far as it is known: −2.2 (−7.8 to +2.1)."""
        return self.text(effect) + ("" if absent(low) or absent(high) else f" ({self.text(low)} to {self.text(high)})")

    def row(self, row: Row) -> str:
        """The same of a row with difference, low and high."""
        return self.interval(row["difference"], row["low"], row["high"])

    def size(self, effect: float, unit: str = "") -> str:
        """An effect without a sign, with the word for it: "10.2 percentage points fewer", "1.20 lower", "as many"."""
        if not self.words:
            return f"{self.text(effect)} {unit}".strip()
        text, (less, more, same) = self.text(effect).lstrip("+−"), self.words
        return same if not text.strip("0.") else " ".join(filter(None, (text, unit, less if effect < 0 else more)))

    def from_to(self, low: float, high: float) -> str:
        """An interval in words: "from 24.1 fewer to 1.5 more", "from 28.8 to 1.9 fewer"."""
        first, last = self.size(low), self.size(high)
        same = " " in first and first.split()[-1] == last.split()[-1] and (low < 0) == (high < 0)
        return f"from {first.split()[0] if same else first} to {last}"

    @property
    def head(self) -> str:
        """Its name with its unit, to head a column."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def axis(self, rows: Sequence[Row], share: tuple[float, float] = (0, 1), title: str = "", **more: Any) -> Panel:
        """An axis that holds all the estimates of rows, and no difference; what is infinite reaches to its edge."""
        reach = [0.0, *(value for row in rows for value in estimate(row) if not absent(value) and math.isfinite(value))]
        edge = 0.05 * (max(reach) - min(reach) or 1)
        low, high = min(reach) - edge, max(reach) + edge
        at = [each for each in self.steps(low, high) if low <= each <= high]
        ticks = {"tickvals": at, "ticktext": [f"{self.number(each):g}".replace("-", "−") for each in at]}
        return value_axis(low, high, share, title, tickangle=0, zerolinecolor=INK, **ticks, **more)


def estimate(row: Row) -> Estimate:
    """The effect of a row, with its ends."""
    return row["difference"], row["low"], row["high"]


def _even_steps(low: float, high: float) -> list[float]:
    """Few numbers that people count by: 1, 2, 5, 10, 20."""
    wide = (high - low) / 4
    ten = 10.0 ** math.floor(math.log10(wide))
    step = next(ten * each for each in (1, 2, 5, 10) if ten * each >= wide * 0.999)
    return [round(step * k, 9) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _ratio_steps(low: float, high: float) -> list[float]:
    """Logarithms of few ratios."""
    near = (0.5, 0.67, 0.8, 1, 1.25, 1.5, 2) if high - low < 0.9 else (0.25, 0.5, 1, 2, 4)
    return [math.log(each) for each in (near if high - low < 3 else (0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100))]


def _ratio(effect: float) -> float:
    return math.exp(min(effect, 700.0)) if effect != math.inf else math.inf


MEASURES: Mapping[str, Measure] = {
    "binary": Measure(
        "Difference", "percentage points", lambda effect: 100 * effect, (-1.0, 1.0), words=("fewer", "more", "as many")
    ),
    "time_to_event": Measure(
        "Hazard ratio",
        "",
        _ratio,
        (-math.inf, math.inf),
        2,
        False,
        information="Events",
        known="Followed",
        cells="events/followed",
        steps=_ratio_steps,
    ),
    "continuous": Measure(
        "Difference of means",
        "",
        lambda effect: effect,
        (-math.inf, math.inf),
        2,
        cells="mean",
        words=("lower", "higher", "the same"),
    ),
    "ordinal": Measure(
        "Win probability", "percent", lambda effect: 100 * (effect + 0.5), (-0.5, 0.5), signed=False, cells="n"
    ),
}
"""By the kind of the endpoint."""
POINTS = MEASURES["binary"]
"""Of differences of shares, which every table of harm has."""
