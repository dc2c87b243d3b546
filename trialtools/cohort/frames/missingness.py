"""A screening goes in; what is unknown comes out: field by field, and which fields are unknown together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...criteria.language import Known
from ..patterns import ScreeningData, count_patterns


def missingness(screening: ScreeningData, top: int = 12) -> pd.DataFrame:
    """What is unknown together: patients by the exact set of facts that they lack.

    Args:
        screening: its patients are counted in their own engine.
        top: how many sets have a row of their own; the rest is one last row, `other`.

    Columns: fields (`spo2, bmi`, in the order of the protocol; empty: nothing is unknown), size (how many; none for
    `other`), n, of (everybody). A field without a column is unknown for all: it would stand in every set, and stands in
    none; `frame.attrs["without_column"]` says how many there are, `frame.attrs["labels"]` what the others are called.

    >>> import trialtools as tt
    >>> screening = tt.screen(tt.load_protocol("data/protocols/NCT05741099.yaml"), "data/cohort/cohort.csv")
    >>> frame = screening.missingness(top=2)
    >>> frame["fields"].iloc[-1], int(frame["n"].sum())
    ('other', 2000)
    """

    fields = [name for name in screening.protocol.used if name not in screening.patients.absent]
    lacking, n = _lacking(screening, fields)
    size = lacking.sum(axis=0) if fields else np.zeros(len(n), dtype="int64")
    place = np.lexsort(lacking[::-1]) if fields else np.arange(len(n))
    order = np.lexsort((np.argsort(place), size, -n))  # a tie is broken by the fields, so that two runs agree
    shown = order[:top]
    sets = [", ".join(name for name, unknown in zip(fields, lacking[:, at], strict=True) if unknown) for at in shown]
    frame = pd.DataFrame(
        {
            "fields": [*sets, "other"],
            "size": pd.array([*(int(each) for each in size[shown]), None], dtype="Int64"),
            "n": [*(int(each) for each in n[shown]), int(n[order[top:]].sum())],
            "of": screening.n,
        }
    )
    frame.attrs["labels"] = {name: screening.protocol.fields[name].label for name in fields}
    frame.attrs["without_column"] = len([name for name in screening.protocol.used if name in screening.patients.absent])
    return frame


def _lacking(screening: ScreeningData, fields: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A row a field, a column for each set of unknown fields that occurs; and the patients of each set."""
    if not fields:
        return np.zeros((0, 1), dtype=bool), np.array([screening.n])
    patterns = count_patterns([Known(name) for name in fields], screening.protocol, screening.patients.frame)
    return np.array([patterns.states(position)[0] for position in range(len(fields))]), patterns.n
