"""DM says DTHFL = Y: that is a death, though there is no DS domain."""

from cases.common import cut, harmed


def case():
    participants = harmed(cut("sdtm", "2023-07-01"), "PLAC")
    return {arm: participants["Death", arm] for arm in ("DRUG", "PLAC")}, {"DRUG": 1, "PLAC": 0}
