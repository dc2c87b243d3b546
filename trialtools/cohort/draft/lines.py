"""What a mapping would say of one field, how sure that is, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..sources.mapping import MappedColumn

Certainty = Literal["certain", "guess", "open"]


@dataclass(frozen=True)
class DraftLine:
    """What a mapping would say of one field.

    `certain` stands in the mapping. A `guess` can be taken as it is; an `open` one needs an answer first: `asks` says
    which. `how` is how near the names are, `holds` what the columns hold, with counts; no free text is in it.
    """

    field: str
    label: str
    certainty: Certainty
    mapped: MappedColumn
    how: str
    holds: str
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """What a person must decide, in a line."""
        told = f"is it {' and '.join(self.mapped.sources)} ({self.how})?"
        return " ".join([told, "; ".join(self.asks)]) if self.asks else told
