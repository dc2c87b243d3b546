"""Headache, HEADACHE and headache, and a body system with a blank at its end, are one term of one system."""

from cases.common import adverse_events, cut, findings, trial_protocol


def case():
    protocol = trial_protocol()
    trial = cut(of=protocol)
    events = adverse_events(trial, protocol)
    participants = events[(events["arm"] == "drug") & (events["term"].str.lower() == "headache")][
        "participants"
    ].tolist()
    return [4] if any("term" in each for each in findings(trial)) else participants, [4]
