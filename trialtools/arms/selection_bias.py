"""A ledger and its key go in; how surely each allocation could have been foreseen comes out, for the closed report."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path as File
from typing import Any

import pandas as pd

from .allocation import plan_of, strata
from .chain import find, reading
from .ledger import Path, export
from .sealing import read_key


def foreseen(ledger: Path, key: Path) -> pd.DataFrame:
    """Of everybody allocated the chance of the first arm, as someone knew it who had seen all earlier arms.

    Columns: subject_id, chance. This is the reverse propensity score of Berger and Exner (1999): who could be chosen to
    fit it would make it predict the outcome, in either arm.

    Raises:
        LedgerError: as for `export`.
    """
    rows = export(ledger, key)
    with reading(File(ledger)) as connection:
        opened = find(connection, "seq = 1")[0].detail
    plan: Any = plan_of(read_key(key, opened).plan)
    levels = strata(tuple(plan.strata), tuple(opened["sites"]))
    past: dict[str, list[Any]] = defaultdict(list)
    chances = []
    for stratum, arm in zip(rows["stratum"], rows["arm"], strict=True):
        if hasattr(plan, "list"):
            chances.append(float(plan.chances(past[stratum])[plan.arms[0]]))
            past[stratum].append(arm)
        else:  # minimization looks at all strata at once
            chances.append(float(plan.chances(past[""], levels[stratum])[plan.arms[0]]))
            past[""].append((levels[stratum], arm))
    return rows[["subject_id"]].assign(chance=chances)
