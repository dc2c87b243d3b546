"""trialtools: one registered trial as logic that can be run, argued with, taught and reported from.

import trialtools as tt
protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
screening = tt.screen(protocol, "data/cohort/cohort.csv")
tt.attrition(screening)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .amendment import diff as diff
    from .arms import assess as assess
    from .arms import dosing_window as dosing_window
    from .cohort import answer as answer
    from .cohort import attrition as attrition
    from .cohort import baseline as baseline
    from .cohort import compare_readings as compare_readings
    from .cohort import impact as impact
    from .cohort import interactions as interactions
    from .cohort import lacking as lacking
    from .cohort import lost as lost
    from .cohort import missingness as missingness
    from .cohort import overlap as overlap
    from .cohort import relax as relax
    from .cohort import states as states
    from .cohort import subgroups as subgroups
    from .cohort import suppress as suppress
    from .cohort import sweep as sweep
    from .cohort import sweep_grid as sweep_grid
    from .cohort import thresholds as thresholds
    from .cohort import with_thresholds as with_thresholds
    from .cohort import worklist as worklist
    from .expr import ProtocolError as ProtocolError
    from .linting import lint as lint
    from .output import write_screening as write_screening
    from .protocol import DataError as DataError
    from .protocol import Protocol as Protocol
    from .protocol import ambiguities as ambiguities
    from .protocol import amend as amend
    from .protocol import assumptions as assumptions
    from .protocol import load_protocol as load_protocol
    from .protocol import rules as rules
    from .protocol import write_protocol as write_protocol
    from .reasons import explain as explain
    from .reasons import nearest_eligible as nearest_eligible
    from .reasons import open_items as open_items
    from .reasons import why as why
    from .screening import Screening as Screening
    from .screening import screen as screen
    from .sources import Patients as Patients
    from .sources import one_patient as one_patient
    from .sources import read_patients as read_patients
    from .sources import where as where
    from .trialdata import TrialData as TrialData
    from .trialdata import cut as cut
    from .trialdata import pooled as pooled
    from .trialdata import read_trial as read_trial
    from .whatif import what_if as what_if

__version__ = "0.1.0"

# What the package offers, by room. A room is entered when it is first asked for, so that nothing heavy is imported for
# a protocol alone; and no room bears the name of a door, for importing the room would then hide the door.
DOORS = {
    "expr": ("ProtocolError",),
    "protocol": (
        "DataError",
        "Protocol",
        "ambiguities",
        "amend",
        "assumptions",
        "load_protocol",
        "rules",
        "write_protocol",
    ),
    "sources": ("Patients", "one_patient", "read_patients", "where"),
    "screening": ("Screening", "screen"),
    "trialdata": ("TrialData", "cut", "pooled", "read_trial"),
    "linting": ("lint",),
    "reasons": ("explain", "nearest_eligible", "open_items", "why"),
    "output": ("write_screening",),
    "arms": ("assess", "dosing_window"),
    "amendment": ("diff",),
    "whatif": ("what_if",),
    "cohort": (
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
    ),
}
# Rooms that are asked by their own name: `tt.interim.boundaries(...)`.
ROOMS = ("arms", "figures", "interim", "monitoring", "simulate", "tables")
_ROOM = {name: room for room, names in DOORS.items() for name in names}
__all__ = [*_ROOM]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _ROOM:
        return getattr(import_module(f".{_ROOM[name]}", __name__), name)
    if name in ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'trialtools' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOM])
