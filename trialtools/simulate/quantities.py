"""A field goes in; the known quantity that it holds comes out (haemoglobin in g/dL, ...), and values of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import yaml

from ..criteria.language import NUMERIC
from ..criteria.protocol import Field
from .clinical import clinical_fields
from .draws import Array, Draws
from .model import HERE

_IDLE = {"serum", "plasma", "blood", "venous", "level", "levels", "count", "absolute", "concentration", "value"}
"""Words of a label that do not tell one quantity from another."""


@dataclass(frozen=True)
class Quantity:
    """A known quantity, and the factor from the unit of `quantities.yaml` to that of the field."""

    name: str
    factor: float

    @property
    def entry(self) -> dict[str, Any]:
        return read_quantities()["quantities"][self.name]

    @property
    def intervals(self) -> list[tuple[float, float]]:
        """In which 95 % of women, and of men, lie, in the unit of the field."""
        return [(low * self.factor, high * self.factor) for low, high in _intervals(self.entry)]

    @property
    def from_model(self) -> bool:
        """Whether the clinical model draws it."""
        return "column" in self.entry

    @property
    def log_normal(self) -> bool:
        return not self.from_model and self.entry.get("shape") != "normal"

    @property
    def usual(self) -> tuple[float, float]:
        """The least and the greatest of the intervals."""
        return min(low for low, _ in self.intervals), max(high for _, high in self.intervals)

    def around(self, limits: list[float]) -> tuple[float, float]:
        """What is usual and the limits of criteria, and as much again as the usual is wide."""
        low, high = self.usual
        if self.log_normal:
            span = [low, high, *(limit for limit in limits if limit > 0)]
            return min(span) * math.sqrt(low / high), max(span) * high / low
        span = [low, high, *limits]
        return min(span) - (high - low), max(span) + (high - low)


@cache
def read_quantities() -> dict[str, Any]:
    """Everything that `quantities.yaml` says; to be read, never changed."""
    return yaml.safe_load((HERE / "quantities.yaml").read_text("utf-8"))


def quantity_of(name: str, field: Field) -> Quantity | None:
    """The quantity that a field holds: name or label and unit agree, and its range holds the usual values."""
    words = (_words(name.replace("_", " ")), _words(field.label))
    key = next((_index()[each, field.unit or ""] for each in words if (each, field.unit or "") in _index()), None)
    if key is None or field.type not in NUMERIC:
        return None
    quantity = Quantity(key, read_quantities()["quantities"][key]["units"][field.unit or ""])
    low, high = quantity.usual
    return quantity if field.limits[0] <= low and high <= field.limits[1] else None


@cache
def _index() -> dict[tuple[str, str], str]:
    """By name and unit, which quantity it is."""
    return {
        (_words(name), unit): key
        for key, known in read_quantities()["quantities"].items()
        for name in known["names"]
        for unit in known["units"]
    }


def quantity_values(quantity: Quantity, draws: Draws, clinical: dict[str, Array]) -> Array:
    """Values in the unit of the field, for men and women as the clinical model drew them."""
    return quantity.factor * _values(quantity.name, draws, clinical)


def _words(text: str) -> str:
    """What a label calls, in plain words: up to a comma, a bracket, or where and how it was measured."""
    text = re.split(r"[,(;]|\b(?:at|by|on)\b", text.lower())[0]
    return " ".join(word for word in re.findall(r"[a-z0-9]+", text) if word not in _IDLE)


def _intervals(known: dict[str, Any]) -> list[tuple[float, float]]:
    if "column" in known:
        return [tuple(clinical_fields()[known["column"]]["usual"])]
    interval = known["interval"]
    return [tuple(interval[sex]) for sex in ("female", "male")] if isinstance(interval, dict) else [tuple(interval)]


def _values(name: str, draws: Draws, clinical: dict[str, Array]) -> Array:
    known = read_quantities()["quantities"][name]
    if "column" in known:
        return clinical[known["column"]].astype(float)
    if name == "weight":
        return clinical["bmi"] * (_values("height", draws, clinical) / 100) ** 2
    intervals = np.array(_intervals(known) * 2)[:2]
    scaled = intervals if known.get("shape") == "normal" else np.log(intervals)
    low, high = scaled[clinical["sex"]].T
    values = (low + high) / 2 + (high - low) / (2 * 1.96) * _scores(name, draws)
    return values if known.get("shape") == "normal" else np.exp(values)


def _scores(name: str, draws: Draws) -> Array:
    """Standard normal, and correlated with another quantity where the two go together."""
    own = draws.normal(f"quantity {name}")
    for other, r in read_quantities()["quantities"][name].get("goes_with", {}).items():
        return r * _scores(other, draws) + math.sqrt(1 - r**2) * own
    return own
