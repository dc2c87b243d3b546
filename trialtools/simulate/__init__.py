"""A protocol goes in, synthetic patients come out: seeded, believable where a model knows the field, labelled."""

from .files import write_cohort
from .model import Model
from .patients import cohort

__all__ = ["Model", "cohort", "write_cohort"]
