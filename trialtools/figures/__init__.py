"""A tidy frame goes in, a figure comes out: plotly, or inline SVG for the flow. Nothing here computes or asks for data.

One template, `"trialtools"`, is registered with plotly the first time a figure is made. Colours of states are for
states alone; arms have two others, and the two are never drawn in one panel.
"""

from .bars import lacking, readings, states
from .flow import flow
from .template import ARMS, STATES, WIDTH, blank, figure, wrap
from .tornado import tornado

__all__ = ["ARMS", "STATES", "WIDTH", "blank", "figure", "flow", "lacking", "readings", "states", "tornado", "wrap"]
