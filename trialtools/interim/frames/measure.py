"""A kind of endpoint goes in; what its effect is called comes out, and how it is written, with one unit on every page.

An effect is a number whose 0 is no difference: a difference of risks or means, the logarithm of a hazard ratio, a win
probability less one half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...figures.format import number
from ..endpoint import Kind


@dataclass(frozen=True)
class Measure:
    """What an effect is called, `number` of it as people read it with so many decimals, and the ends of its scale."""

    name: str
    unit: str
    number: Callable[[float], float]
    limits: tuple[float, float]
    digits: int = 1
    signed: bool = True
    information: str = "Outcome known"

    def text(self, effect: float) -> str:
        """An effect in print: −10.2 percentage points as "−10.2", a hazard ratio as "0.55"."""
        shown = self.number(effect)
        if math.isinf(shown):
            return "∞" if shown > 0 else "−∞"
        text = number(shown, self.digits)
        if not self.signed:
            return text
        zero = number(0.0, self.digits)
        return zero if text.lstrip("−") == zero else text if shown < 0 else f"+{text}"

    def interval(self, effect: float, low: float, high: float) -> str:
        """An effect with its interval: −2.2 (−7.8 to +2.1)."""
        return f"{self.text(effect)} ({self.text(low)} to {self.text(high)})"

    @property
    def head(self) -> str:
        """Its name with its unit, to head a column."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


def _ratio(effect: float) -> float:
    return math.exp(min(effect, 700.0)) if effect != math.inf else math.inf


MEASURES: Mapping[Kind, Measure] = {
    "binary": Measure("Difference", "percentage points", lambda effect: 100 * effect, (-1.0, 1.0)),
    "time_to_event": Measure("Hazard ratio", "", _ratio, (-math.inf, math.inf), 2, signed=False, information="Events"),
    "continuous": Measure("Difference of means", "", lambda effect: effect, (-math.inf, math.inf), 2),
    "ordinal": Measure("Win probability", "percent", lambda effect: 100 * (effect + 0.5), (-0.5, 0.5), signed=False),
}
