"""The window of an endpoint is what its sentence says: "from day 1 to day 28" is 28 days, and 4 weeks are one too."""

from cases.common import attempt, findings, trial_protocol

import trialtools as tt

WINDOWS = {
    "progression by day 28": 28,
    "change of progression from day 1 to day 28": 28,
    "progression between day 8 and day 28": 28,
    "progression (30 +/- 3 days after randomization)": 30,
    "progression within 4 weeks": 28,
    "progression at week 24": 168,
    "progression at Day-28": 28,
    "D28 progression": 28,
    "progression within 6 months": "a refusal or a finding",  # months have no number of days
    "progression at 72 hours": 3,
}


def window(text):
    """The window in days; a refusal, or a finding that speaks of the window, is right whatever the text."""
    protocol = trial_protocol(lambda yaml: yaml.replace("{value: progression by day 28}", f'{{value: "{text}"}}'))
    trial = attempt(lambda: tt.read_trial("trial", protocol))
    if isinstance(trial, str):
        return WINDOWS[text]
    about_window = [each for each in findings(trial) if "window" in each and "happened after its window" not in each]
    return WINDOWS[text] if about_window else trial.window


def case():
    return {text: window(text) for text in WINDOWS}, WINDOWS
