"""An ALT of '>1000' has no number, and is beyond three times the upper limit of 40 all the same: a case of Hy's law."""

from cases.common import cut, liver


def case():
    participants = liver(cut("sdtm", "2023-07-01"))
    return int(participants["hy"].sum()), 1  # bilirubin 60 of 21 is above twice the limit
