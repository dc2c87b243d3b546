"""A trial under way goes in; what an interim look may show and conclude comes out."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "data.cutoff": ("cut", "pool"),
        "data.outcomes": ("endpoint_states",),
        "data.read": ("TrialData", "read_trial"),
        "data.tables": ("TABLES",),
        "look": ("Look",),
        "sequential.boundaries": ("boundaries", "drift", "power", "spend"),
        "sequential.estimates": ("ancova", "log_hazard_ratio", "risk_difference", "survival", "win_probability"),
        "sequential.inference": ("conditional_power", "final_estimate", "predictive_power"),
    },
    rooms=("data", "frames", "sequential"),
)
