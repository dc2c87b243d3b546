"""A tidy frame goes in, a figure comes out: plotly, or inline SVG for the flow. Nothing here computes or asks for data.

One template, `"trialtools"`, is registered with plotly the first time a figure is made. Colours of states are for
states alone; arms have four others, and the two kinds are never drawn in one panel. Figures of a trial take one pooled
group or several arms. `layout.meta["alt"]` tells a figure in words.
"""

# ruff: noqa: F401 (a door: what it imports is what it offers)

from types import ModuleType as _Module

from .accrual import accrual
from .adherence import adherence
from .assessment import assessment
from .bars import criterion_states, impact, open_criteria, readings, tornado
from .boundary import boundary, power_curve
from .consort import consort
from .curves import labs, survival
from .estimates import forest, sensitivity
from .flow import flow
from .format import count, number, percent
from .laboratory import guesses, imbalance_path
from .page import banner, headline
from .portable import portable_explorer
from .safety import adverse_events, edish
from .sets import missingness, upset
from .sweep import sweep
from .table import baseline, table
from .template import ARMS, STATES, WIDTH

_OFFERED = sorted(name for name, each in globals().items() if name[0] != "_" and not isinstance(each, _Module))


def __dir__() -> list[str]:
    return _OFFERED
