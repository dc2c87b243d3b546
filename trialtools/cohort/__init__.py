"""Patients go in, screened; counts come out, each an interval, and what another protocol would change."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "rows": ("decisions", "evidence"),
        "screening": ("Screening", "screen"),
        "draft.lines": ("MappingDraft",),
        "draft.mapping": ("draft_mapping",),
        "patterns": ("Patterns", "ScreeningData", "count_patterns"),
        "sources": ("Patients", "read_patients"),
        "frames.attrition": ("answer", "attrition", "open_criteria", "criterion_states"),
        "frames.baseline": ("baseline",),
        "frames.disclosure": ("suppress",),
        "frames.groups": ("attrition_by_group", "exclusion_ratios"),
        "frames.impact": ("fewest_to_drop", "impact", "overlap"),
        "frames.readings": ("compare_readings", "reading_interactions"),
        "frames.sweep": ("sweep",),
        "frames.worklist": ("missingness", "worklist"),
        "difference": ("Difference", "diff"),
        "output": ("summary", "summary_text", "write_screening"),
        "whatif": ("what_if",),
    },
)
