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
        columns = ", ".join(self.mapped.sources)
        return " ".join([_QUESTIONS[self.how].format(columns=columns), *self.asks])


_QUESTIONS = {
    "same name": "is it {columns}?",
    "same meaning": "is it {columns}?",
    "says less": "is it {columns}, which says less? Yes is read as unknown.",
    "a part of it": "is it {columns}, which is only a part of it? No is read as unknown.",
    "same values": "is it {columns}, which has the same values?",
    "similar": "is it {columns}, whose name is similar?",
}
