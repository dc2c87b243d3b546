"""A tidy frame goes in, a figure comes out: plotly, or inline SVG for the flow. Nothing here computes or asks for data.

One template, `"trialtools"`, is registered with plotly the first time a figure is made. Colours of states are for
states alone; arms have four others, and the two kinds are never drawn in one panel. Figures of a trial take one pooled
group or several arms. `layout.meta["alt"]` tells a figure in words.
"""

from .accrual import accrual
from .adherence import adherence
from .assessment import assessment
from .bars import lacking, readings, states
from .boundary import boundary, power_curve
from .consort import consort
from .curves import labs, survival
from .flow import flow
from .forest import forest, sensitivity
from .format import count, number, percent
from .impact import impact
from .laboratory import course, guesses
from .missing import missingness
from .page import banner, headline
from .safety import adverse_events, edish
from .sweep import sweep, sweep_grid
from .table import baseline, table
from .template import ARMS, STATES, WIDTH, blank, figure, wrap
from .tornado import tornado
from .upset import upset

__all__ = [
    "ARMS",
    "STATES",
    "WIDTH",
    "accrual",
    "adherence",
    "adverse_events",
    "assessment",
    "banner",
    "baseline",
    "blank",
    "boundary",
    "consort",
    "count",
    "course",
    "edish",
    "figure",
    "flow",
    "forest",
    "guesses",
    "headline",
    "impact",
    "labs",
    "lacking",
    "missingness",
    "number",
    "percent",
    "power_curve",
    "readings",
    "sensitivity",
    "states",
    "survival",
    "sweep",
    "sweep_grid",
    "table",
    "tornado",
    "upset",
    "wrap",
]
