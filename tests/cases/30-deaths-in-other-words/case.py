"""'Resulted in death', 'Fatal outcome' and 'Death related to adverse event' are deaths as 'fatal' is, or a finding."""

from cases.common import cut, findings, harmed, trial_protocol


def case():
    trial = cut(of=trial_protocol())
    of_outcomes = findings(trial, "events", "outcome")
    return 4 if of_outcomes else harmed(trial, "plac")["Death", "drug"], 4
