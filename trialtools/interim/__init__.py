"""Information and errors go in, boundaries come out; what a look found goes in, what may be concluded comes out."""

from .design import boundaries, drift, power, spend
from .estimates import ancova, log_rank, odds_ratio, risk_difference, survival
from .inference import conditional_power, final_estimate, predictive_power, repeated_interval, repeated_p

__all__ = [
    "ancova",
    "boundaries",
    "conditional_power",
    "drift",
    "final_estimate",
    "log_rank",
    "odds_ratio",
    "power",
    "predictive_power",
    "repeated_interval",
    "repeated_p",
    "risk_difference",
    "spend",
    "survival",
]
