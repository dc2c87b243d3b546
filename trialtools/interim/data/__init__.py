"""Trial data of any shape go in, five tidy tables come out: checked, cut at a day, and pooled where arms are secret."""

from .checks import endpoint_states
from .cutoff import cut, pooled
from .read import read_trial
from .tables import TABLES, TrialData

__all__ = ["TABLES", "TrialData", "cut", "endpoint_states", "pooled", "read_trial"]
