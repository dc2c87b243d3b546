"""trialtools: one registered trial as logic that can be run, argued with, taught and reported from.

import trialtools as tt
protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
screening = tt.screen(protocol, "data/cohort/cohort.csv")
tt.attrition(screening)
"""

from .criteria.doors import lazy_door

__version__ = "0.1.0"

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "criteria.language": ("ProtocolError",),
        "criteria.protocol": (
            "DataError",
            "Protocol",
            "ambiguities",
            "amend",
            "assumptions",
            "load_protocol",
            "rules",
            "thresholds",
            "with_thresholds",
            "write_protocol",
        ),
        "criteria.proofs.findings": ("lint",),
        "criteria.patient": ("explain", "nearest_eligible", "open_items", "why"),
        "cohort": (
            "Patients",
            "Screening",
            "answer",
            "attrition",
            "baseline",
            "compare_readings",
            "diff",
            "impact",
            "interactions",
            "lacking",
            "lost",
            "missingness",
            "one_patient",
            "overlap",
            "read_patients",
            "relax",
            "screen",
            "states",
            "subgroups",
            "suppress",
            "sweep",
            "sweep_grid",
            "what_if",
            "where",
            "worklist",
            "write_screening",
        ),
        "arms": ("assess", "dosing_window"),
        "interim": ("TrialData", "cut", "pooled", "read_trial"),
    },
    rooms=("criteria", "cohort", "arms", "interim", "figures", "simulate", "widgets"),
)
