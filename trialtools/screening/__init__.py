"""A protocol meets a patient table: the state of every criterion, decisions, and the evidence for them."""

from .rows import DECISIONS, STATES, decisions, evidence
from .screen import Screening, screen

__all__ = ["DECISIONS", "STATES", "Screening", "decisions", "evidence", "screen"]
