"""Columns go in; the one that names patients comes out, or what must be decided before their number is right."""

from __future__ import annotations

from collections.abc import Sequence

from ...criteria.protocol import Field
from ..sources.mapping import PatientId, Rows
from .content import ColumnContent
from .dates import fit_date
from .words import split, tokens, vocabulary


def find_id(columns: Sequence[ColumnContent], rows: int) -> tuple[PatientId, Rows | None, tuple[str, ...]]:
    """The column of ids, what is done with several rows of a patient, and what both leave open."""
    own = split(vocabulary()["ids"])
    order = own + split(vocabulary()["numbers"])
    named = [seen for seen in columns if " ".join(tokens(seen.name)) in order and not seen.dtype.is_float()]
    named.sort(key=lambda seen: order.index(" ".join(tokens(seen.name))))
    if not named:
        return PatientId(), None, ("patient_id: no column names patients; every row is taken for one",)
    seen, different = named[0], len(named[0].counts)
    if different == rows == seen.filled:
        return PatientId(seen.name), None, ()
    if different == seen.filled:
        lost = f"patient_id: {rows - seen.filled:,} rows have no {seen.named}; each is taken for a patient"
        return PatientId(seen.name, "number"), None, (lost,)
    if seen.filled < rows:
        lost = f"patient_id: {rows - seen.filled:,} rows have no {seen.named}; every row is taken for a patient"
        return PatientId(), None, (lost,)
    if " ".join(tokens(seen.name)) not in own:
        told = f"{rows:,} rows have {different:,} different {seen.named}; every row is taken for a patient"
        return PatientId(), None, (f"patient_id: {told}. Which column names patients?",)
    days = [each.named for each in columns if fit_date(Field("date", ""), each)]
    told = (
        f"{rows:,} rows have {different:,} different {seen.named}; where rows of a patient differ, a field is unknown"
    )
    which = f"; BY is one of {', '.join(days[:3])}" if days else ", where BY is the column of the day"
    by = f". To take the last row: rows: {{take: last, by: BY}}{which}"
    return PatientId(seen.name), Rows(), (f"patient_id: {told}{by}",)
