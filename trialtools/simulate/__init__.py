"""A protocol goes in, synthetic patients or a whole synthetic trial come out: seeded, believable, labelled."""

from .files import write_cohort
from .model import Model
from .patients import cohort
from .trials import trial, write_trial

__all__ = ["Model", "cohort", "trial", "write_cohort", "write_trial"]
