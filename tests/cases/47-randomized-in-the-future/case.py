"""A day of randomization of 2032, typed wrong, is told: somebody with an arm, a dose and an outcome is randomized."""

from cases.common import cut, findings, trial_protocol


def case():
    trial = cut(of=trial_protocol())
    is_told = any("2032" in each and "randomiz" in each for each in findings(trial, "subjects"))
    return (int(trial.subjects["randomized"].sum()), is_told), (8, True)
