"""A protocol meets a patient table: the state of every criterion, decisions, and the evidence for them."""

from .patterns import Patterns, count_patterns
from .rows import DECISIONS, STATES, decisions, evidence, in_polars
from .screen import Screening, screen

__all__ = [
    "DECISIONS",
    "STATES",
    "Patterns",
    "Screening",
    "count_patterns",
    "decisions",
    "evidence",
    "in_polars",
    "screen",
]
