"""Seen without progression on day 3 and lost on day 4 is not known to be free of it by day 28."""

from cases.common import cut, effect, findings, outcomes, trial_protocol


def case():
    protocol = trial_protocol()
    trial = cut(of=protocol)
    outcome, right = effect(trial, protocol), ("missing", 7, 1)
    is_told = any("window" in each for each in findings(trial))
    return right if is_told else (outcomes(trial)["state"]["S01"], outcome.n, outcome.missing), right
