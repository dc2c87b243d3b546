"""Columns go in; the one that names patients comes out, or what must be decided before their number is right."""

from __future__ import annotations

from collections.abc import Sequence

from ..sources.mapping import PatientId
from .seen import Seen
from .words import split, tokens, vocabulary


def find_id(columns: Sequence[Seen], rows: int) -> tuple[PatientId, tuple[str, ...]]:
    """The column of ids, and what it leaves open."""
    order = split(vocabulary()["ids"])
    named = [seen for seen in columns if " ".join(tokens(seen.name)) in order and not seen.dtype.is_float()]
    named.sort(key=lambda seen: order.index(" ".join(tokens(seen.name))))
    if not named:
        return PatientId(), ("patient_id: no column names patients; every row is taken for one",)
    seen = named[0]
    if (different := len(seen.counts)) == rows == seen.filled:
        return PatientId(seen.name), ()
    if different == seen.filled:
        return PatientId(seen.name, "number"), (f"patient_id: {rows - seen.filled:,} rows have no {seen.named}",)
    told = f"{rows:,} rows have {different:,} different {seen.named}"
    return PatientId(), (f"patient_id: {told}; every row is taken for a patient, until somebody says which one counts",)
