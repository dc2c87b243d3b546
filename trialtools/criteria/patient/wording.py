"""Values and what they would have to be, as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..protocol import Field
from .options import Cell, unrank, whole


def shown(field: Field, value: Any) -> str:
    """A value as people write it, with its unit."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return with_unit(f"{value:.15g}" if isinstance(value, float) else str(value), field)


def with_unit(said: str, field: Field) -> str:
    """What is said of a value, with its unit: 95 %, but 22/min."""
    return said + (" " if field.unit and not field.unit.startswith("/") else "") + (field.unit or "")


def in_words(field: Field, kept: Iterable[Cell]) -> str:
    """What a fact would have to be, for the cells that will do."""
    if field.type == "flag":
        return " or ".join("yes" if cell[0] else "no" for cell in kept)
    if field.type == "category":
        return " or ".join(field.values[cell[0]] for cell in kept)
    runs: list[Cell] = []
    for cell in sorted(kept):
        if runs and runs[-1][1] + 1 == cell[0]:
            runs[-1] = runs[-1][0], cell[1]
        else:
            runs.append(cell)
    return with_unit(" or ".join(_run_in_words(field, run) for run in runs), field)


def _run_in_words(field: Field, run: Cell) -> str:
    low, high = whole(field)
    if run == (low, high):
        return "any value"
    if run[0] == run[1]:
        return said(unrank(field, run[0]))
    least, most = ("on or after", "on or before") if field.type == "date" else ("at least", "at most")
    bounds = [_bound(field, run[0], -1, least, "above")] if run[0] > low else []
    bounds += [_bound(field, run[1], 1, most, "below")] if run[1] < high else []
    return " and ".join(bounds)


def _bound(field: Field, place: int, beyond: int, including: str, excluding: str) -> str:
    """`above 93` rather than `at least 93.00000000000001`: the shorter number is the one that was written."""
    here, there = said(unrank(field, place)), said(unrank(field, place + beyond))
    if field.type == "number" and len(there) < len(here):
        return f"{excluding} {there}"
    return f"{including} {here}"


def said(value: Any) -> str:
    """A number or a date without its unit."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
