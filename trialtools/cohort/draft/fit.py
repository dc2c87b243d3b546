"""A field and a column go in; how the column would be read as that field comes out, and what a person must decide."""

from __future__ import annotations

from ...criteria.language import NUMERIC
from ...criteria.protocol import Field
from .codes import fit_category, fit_flag
from .content import ColumnContent
from .dates import fit_date
from .fits import Fit
from .numbers import fit_number


def fit(name: str, field: Field, seen: ColumnContent) -> Fit | None:
    """How a column can be a field; None where it cannot."""
    if not seen.filled:
        return None
    if field.type in NUMERIC:
        return fit_number(name, field, seen)
    if field.type == "date":
        return fit_date(field, seen)
    return fit_flag(name, field, seen) if field.type == "flag" else fit_category(field, seen)
