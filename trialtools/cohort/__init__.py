"""Patients go in, screened; counts come out, each an interval, and what another protocol would change."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "rows": ("DECISIONS", "STATES", "decisions", "evidence"),
        "screening": ("Screening", "screen"),
        "patterns": ("Patterns", "ScreeningData", "count_patterns"),
        "sources": ("Patients", "one_patient", "read_patients", "where"),
        "frames.attrition": ("answer", "attrition", "lacking", "states"),
        "frames.baseline": ("baseline",),
        "frames.disclosure": ("suppress",),
        "frames.equity": ("lost", "subgroups"),
        "frames.impact": ("impact", "overlap"),
        "frames.missingness": ("missingness",),
        "frames.readings": ("compare_readings", "interactions"),
        "frames.relax": ("relax",),
        "frames.sweep": ("sweep", "sweep_grid"),
        "frames.worklist": ("worklist",),
        "difference": ("Difference", "diff"),
        "output": ("summary", "summary_text", "write_screening"),
        "whatif": ("what_if",),
    },
)
