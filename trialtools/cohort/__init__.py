"""A screening goes in, tidy frames come out: where patients are lost, what they lack, what a reading moves.

Each count is an interval: *certain* takes unknown as fail, *possible* takes unknown as pass.
"""

from .counts import answer, attrition, lacking, states
from .described import baseline
from .impact import impact, overlap
from .leftout import lost, subgroups
from .missing import missingness
from .readings import compare_readings, interactions
from .relax import relax
from .suppressed import suppress
from .sweep import sweep, sweep_grid
from .thresholds import thresholds, with_thresholds
from .worklist import worklist

__all__ = [
    "answer",
    "attrition",
    "baseline",
    "compare_readings",
    "impact",
    "interactions",
    "lacking",
    "lost",
    "missingness",
    "overlap",
    "relax",
    "states",
    "subgroups",
    "suppress",
    "sweep",
    "sweep_grid",
    "thresholds",
    "with_thresholds",
    "worklist",
]
