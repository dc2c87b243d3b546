"""25 are randomized, 13 and 12 by arm: '12 randomized, 13 screened' of a day of accrual tells no arm.

The open report of this cut must not be held back: no arm could be renamed to get it.
"""

from trialtools.__main__ import main


def case():
    arguments = ["-p", "protocol=protocol.yaml", "-p", "data=trial", "-p", "cutoff=2023-03-15", "-p", "look=1"]
    return main(["report", "interim", *arguments, "--out", "out"]), 0
