"""How a column can be read as a field."""

from __future__ import annotations

from dataclasses import dataclass

from ..sources.mapping import MappedColumn


@dataclass(frozen=True)
class Fit:
    """The line of a mapping, what the column holds in words, and what is open.

    `sure` means that its values need no interpretation. `settled` is false where nobody can read it before somebody
    answers what is asked.
    """

    mapped: MappedColumn
    holds: str
    sure: bool = True
    settled: bool = True
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
