"""A protocol meets a patient table: the state of every criterion, decisions, and the evidence for them."""

from .patterns import Patterns, ScreeningData, count_patterns
from .rows import DECISIONS, STATES, decisions, evidence
from .screen import Screening, screen

__all__ = [
    "DECISIONS",
    "STATES",
    "Patterns",
    "Screening",
    "ScreeningData",
    "count_patterns",
    "decisions",
    "evidence",
    "screen",
]
