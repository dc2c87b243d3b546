"""A ledger and its key go in; how surely each allocation could have been foreseen comes out, for the closed report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .allocation import plan_of
from .chain import reading
from .commitment import PathLike, opening_of
from .ledger import allocations
from .sealing import read_key
from .strata import Levels, strata


def reverse_propensity(ledger: PathLike, key: PathLike) -> pd.DataFrame:
    """Of everybody allocated the chance of the first arm, as someone knew it who had seen all earlier arms.

    Columns: subject_id, chance. If patients were chosen to fit the arm that was to be expected, this chance is
    associated with the outcome within both arms.

    Raises:
        LedgerError: as for `allocations`.

    Source: Berger and Exner, Control Clin Trials 20 (1999) 319-327.
    """
    rows = allocations(ledger, key)
    with reading(Path(ledger)) as connection:
        opened = opening_of(connection).detail
    plan = plan_of(read_key(key, opened).plan)
    levels = strata(plan.strata, tuple(opened["sites"]))
    past: list[tuple[Levels, str]] = []
    chances = []
    for stratum, arm in zip(rows["stratum"], rows["arm"], strict=True):
        chances.append(float(plan.chances_after(past, levels[stratum])[plan.arms[0]]))
        past.append((levels[stratum], arm))
    return rows[["subject_id"]].assign(chance=chances)
