"""One person must not be allocated again under the same id in other letters: other case, full width, zero width."""

from datetime import date
from pathlib import Path

from cases.common import attempt, trial_protocol

import trialtools as tt

WRITTEN = ("S01", "S01 ", "s01", "S\N{ZERO WIDTH SPACE}01", "\N{FULLWIDTH LATIN CAPITAL LETTER S}01")


def case():
    protocol, ledger = trial_protocol(), Path("ledger.sqlite")
    plan = tt.arms.plan(protocol, sizes=(2, 4))
    tt.arms.open_ledger(ledger, Path("key.json"), protocol, plan, 8, ("A", "B"))

    def kit(patient):
        return tt.arms.allocate(ledger, tt.arms.Request(protocol, patient, {"age": 50}, "A", date(2023, 2, 1))).kit

    kits = [attempt(lambda patient=patient: kit(patient)) for patient in WRITTEN]
    return sum(each.startswith("K-") for each in kits), 1
