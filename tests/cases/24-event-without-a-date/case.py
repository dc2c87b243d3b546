"""An event whose day is not known counts in the primary analysis, and must not be event-free in the survival curve."""

from cases.common import curve, cut, findings, outcomes, trial_protocol


def case():
    trial = cut(of=trial_protocol())
    rows = outcomes(trial)
    events, last = int(rows.loc[rows["arm"] == "drug", "value"].sum()), curve(trial, "drug").iloc[-1]
    got, right = (events, float(last["survival"]), int(last["missing"])), (4, 0.0, 0)
    # or the one without a day is left out of the curve, counted as missing there, and told
    left_out = got == (4, 0.0, 1) and findings(trial, "outcomes", "observed_on")
    return right if left_out else got, right
