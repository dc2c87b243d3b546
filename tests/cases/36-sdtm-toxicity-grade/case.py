"""AETOXGR holds the grades 1 to 5 where AESEV is not there, and grade 5 is a death."""

from cases.common import cut, harmed


def case():
    trial = cut("sdtm", "2023-07-01")
    participants = harmed(trial, "PLAC")
    severe = "Severe adverse event (grade 3 and above)"
    got = (trial.events["severity"].tolist(), participants["Death", "PLAC"], participants[severe, "DRUG"])
    return str(got), str(([4, 5], 1, 1))
