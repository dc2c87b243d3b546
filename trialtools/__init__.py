"""trialtools: one registered trial as logic that can be run, argued with, taught and reported from.

import trialtools as tt
protocol, cohort = tt.example("NCT05741099")
screening = tt.screen(protocol, cohort)
screening.attrition()
"""

from .criteria.doors import lazy_door

__version__ = "0.1.0"

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "criteria.language": ("ProtocolError",),
        "criteria.protocol": ("DataError",),
        "criteria.contents": ("Protocol", "example", "load_protocol"),
        "cohort": (
            "Patients",
            "Screening",
            "compare_readings",
            "diff",
            "draft_mapping",
            "read_patients",
            "screen",
            "what_if",
        ),
        "interim": ("TrialData", "read_trial"),
        "interim.look": ("Look", "look"),
    },
    rooms=("criteria", "cohort", "arms", "interim", "figures", "simulate", "widgets", "lessons"),
)
