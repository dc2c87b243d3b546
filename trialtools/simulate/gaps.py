"""Complete columns go in; columns as records hold them come out: panels and values missing, a few mistyped."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from ..criteria.contents import Protocol
from ..criteria.language import NUMERIC
from ..criteria.protocol import Field
from .clinical import clinical_fields, is_clinical
from .draws import Array, Draws
from .model import Numbers, read_assumptions


def panel_of(name: str, field: Field) -> str:
    """What is missing together with a field: its group, unless the model knows that it is ordered apart."""
    return clinical_fields().get(name, {}).get("panel", field.group)


def panel_share(panel: str, model: Numbers) -> float:
    """The share of patients who lack a panel."""
    return read_assumptions("cohort")["panels"].get(panel, model.missing_panel)


def unknown_cells(
    protocol: Protocol, clinical: dict[str, Array], draws: Draws, model: Numbers, missing: float
) -> dict[str, Array]:
    """Where each field is missing: its panel was not taken, or it alone was not filled in."""
    thorough = draws.normal("thoroughness")
    panels = {panel_of(name, field) for name, field in protocol.fields.items()}
    without = {panel: _without_panel(panel, thorough, draws, model, missing) for panel in panels}
    unknown = {}
    for name, field in protocol.fields.items():
        known = clinical_fields().get(name, {})
        share: Any = missing * known.get("missing", model.missing_field)
        if "after_negative" in known and is_clinical(name, protocol):
            negative = ~clinical["pcr_positive"] & ~clinical["antigen_positive"]
            share = np.where(negative, missing * known["after_negative"], share)
        unknown[name] = without[panel_of(name, field)] | (draws.uniform(f"hole {name}") < share)
    if all(name in unknown and is_clinical(name, protocol) for name in ("other_trial", "other_trial_on")):
        unknown["other_trial_on"] |= ~clinical["other_trial"]
    return unknown


def _without_panel(panel: str, thorough: Array, draws: Draws, model: Numbers, missing: float) -> Array:
    """Who lacks a panel: more often the same patients, tied by how thoroughly a patient is worked up."""
    share = min(1.0, missing * panel_share(panel, model))
    if share in (0.0, 1.0):
        return np.full(draws.n, share == 1.0)
    own = math.sqrt(1 - model.thoroughness**2) * draws.normal(f"panel {panel}")
    return model.thoroughness * thorough + own < NormalDist().inv_cdf(share)


def mistype(column: pl.Series, field: Field, draws: Draws, model: Numbers) -> pl.Series:
    """The column with a few entries that cannot be, where a range says what can."""
    hit = pl.Series(draws.uniform(f"mistyped {column.name}") < model.dirty)
    if field.type == "date" and column.name == "infected_on":
        # a mistyped century
        return (column.cast(pl.Int32) + hit.cast(pl.Int32) * 180 * 365).cast(pl.Date)
    if field.type not in NUMERIC or not field.range:
        return column
    low, high = field.limits
    value = clinical_fields().get(column.name, {}).get("mistyped", {}).get("value", low)
    if low <= value <= high:
        value = high + (high - low)
    return column.zip_with(~hit, pl.repeat(value, draws.n, dtype=column.dtype, eager=True))


def add_gaps(column: pl.Series, unknown: dict[str, Array]) -> pl.Series:
    """The column, null where it is unknown."""
    nothing = pl.repeat(None, len(column), dtype=column.dtype, eager=True)
    return column.zip_with(pl.Series(~unknown[column.name]), nothing)
