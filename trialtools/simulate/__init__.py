"""A protocol and a seed go in; synthetic patients or a whole synthetic trial come out, labelled as such everywhere."""

from .cohorts import write_cohort
from .model import assumptions
from .patients import cohort
from .trials import trial, write_trial

__all__ = ["assumptions", "cohort", "trial", "write_cohort", "write_trial"]


def __dir__() -> list[str]:
    return __all__
