"""Trial data of any shape go in, five tidy tables come out: checked, cut at a day, and pooled where arms are secret."""

from .cutoff import cut, pool
from .outcomes import endpoint_states
from .read import TrialData, read_trial
from .tables import TABLES

__all__ = ["TABLES", "TrialData", "cut", "endpoint_states", "pool", "read_trial"]
