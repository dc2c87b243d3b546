"""A protocol and a patient table go in, a screen to work at comes out. Nothing is computed here: the screens ask."""

from .arm_laboratory import Laboratory, Setup, randomization
from .cohort_explorer import Explorer, explorer
from .screening_desk import Desk, desk

__all__ = ["Desk", "Explorer", "Laboratory", "Setup", "desk", "explorer", "randomization"]


def __dir__() -> list[str]:
    return __all__
