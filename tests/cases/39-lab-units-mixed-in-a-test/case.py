"""CRP of 0.5 mg/dL is 5 mg/L, and 'crp' is CRP: both are in the weekly medians, or a finding counts them."""

from statistics import median

from cases.common import cut, findings, trial_protocol, weekly_laboratory


def case():
    trial = cut(of=trial_protocol())
    right = [("CRP", 4, median([5, 50, 0.5 * 10, 7]))]
    medians = [(row.test, row.n, row.median) for row in weekly_laboratory(trial).itertuples()]
    return right if findings(trial, "labs", "unit") else medians, right
