"""A screening and a name go in, a panel of the explorer comes out: its figure, the table of its numbers, its call.

The call is what was run: `tt.what_if` gives the screening, one line the frame and one the figure.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pandas as pd

from .. import figures
from ..cohort.frames.readings import compare_readings
from ..cohort.screening import Screening
from ..cohort.whatif import State, settled
from ..criteria.contents import Protocol
from ..figures.format import heading, percent, words

PANELS = {
    "flow": ("Flow", "attrition", "flow"),
    "overlap": ("Overlap", "overlap", "upset"),
    "impact": ("Impact", "impact", "impact"),
    "sweep": ("Sweep", "sweep", "sweep"),
    "criteria": ("Criteria", "criterion_states", "criterion_states"),
    "missing": ("Missing", "open_criteria", "open_criteria"),
    "together": ("Unknown together", "missingness", "missingness"),
    "readings": ("Readings", "compare_readings", "tornado"),
    "lost": ("Who is lost", "attrition_by_group", ""),
    "groups": ("Left out", "exclusion_ratios", "forest"),
}
"""By tab: its name, the frame it shows, and the figure of that frame."""

OPEN = ("sweep", "criteria", "missing", "together", "readings", "lost", "groups")
"""Tabs that always show both ends: they are about what is unknown, or count it from the table again."""
ROWS = 200
WHO = ("age", "sex")
TOLD = ("step", "kind", "field", "criterion_label", "quote", "threshold", "operator")
"""Columns that the table leaves out: they are told beside it, or are for machines."""
SHARES = ("share", "share_screened", "best", "coin", "correct guesses", "power")


def panel(screening: Screening, tab: str, state: State, threshold: str) -> dict[str, Any]:
    """What one tab shows of a screening whose unknowns are still open."""
    told = asks(tab, state, threshold)
    counted = screening if tab in OPEN else settled(screening, state.unknowns)
    if tab == "readings":
        frame: pd.DataFrame = compare_readings(counted.protocol, counted.patients)
    else:
        frame = getattr(counted, told["frame"])(**told["arguments"])
    drawn: Any = getattr(figures, told["figure"])(frame) if hasattr(figures, told["figure"]) else ""
    plotly = hasattr(drawn, "to_json")
    caption = f"N = {screening.n:,} of {screening.patients.name}{' · SYNTHETIC' * screening.patients.synthetic}"
    return {
        "tab": tab,
        "svg": "" if plotly else str(drawn),
        "figure": drawn.to_json() if plotly else "",
        "alt": alt(drawn) if plotly else "",
        "caption": f"{caption}. {told['ends']}",
        "table": written(frame),
        "call": told["call"],
    }


def alt(drawn: Any) -> str:
    """A figure in words, for who does not see it."""
    said = (drawn.layout.meta or {}).get("alt") or drawn.layout.title.text or ""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", said)).split())


def asks(tab: str, state: State, threshold: str) -> dict[str, Any]:
    """Which frame and figure a tab asks for, and the lines of Python that say so."""
    _, frame, figure = PANELS[tab]
    arguments = {
        "attrition": {"order": state.order},
        "sweep": {"threshold_id": threshold},
        "attrition_by_group": {"by": WHO},
    }.get(frame, {})
    if tab in OPEN and state.unknowns != "both":
        state = replace(state, unknowns="both")
    changes = {name: value for name, value in state.changes.items() if name != "order"}
    said = "".join(f", {name}={value!r}" for name, value in changes.items())
    more = "".join(f", {name}={value!r}" for name, value in arguments.items())
    method = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    call = f"screening.{frame}({method})"
    if tab == "readings":
        call = f"tt.compare_readings(screening.protocol, screening.patients{more})"
    lines = [f"screening = tt.what_if(protocol, patients{said})", f"frame = {call}"]
    if hasattr(figures, figure):
        lines.append(f"tt.figures.{figure}(frame)")
    ends = {
        "both": "Certain takes unknown as fail, possible as pass.",
        "fail": "Unknown is taken as fail.",
        "pass": "Unknown is taken as pass.",
    }[state.unknowns]
    return {"frame": frame, "figure": figure, "arguments": arguments, "call": "\n".join(lines), "ends": ends}


def written(frame: pd.DataFrame) -> dict[str, Any]:
    """The cells of a frame as a reader would write them; which columns are figures."""
    same = [name for name in ("criterion", "label", "unit", "n", "of") if name in frame and len(set(frame[name])) == 1]
    left_out = {*TOLD, *(same if len(frame) > 1 else [])}
    shown = frame[[name for name in frame if name not in left_out]].head(ROWS).astype(object)
    write = [percent if name in SHARES else words for name in shown]
    return {
        "columns": [heading(str(name)) for name in shown],
        "figures": [frame[name].dtype.kind in "iuf" for name in shown],
        "rows": [[cell(value) for cell, value in zip(write, row, strict=True)] for row in shown.to_numpy()],
        "more": len(frame) - len(shown),
    }


def choices(protocol: Protocol) -> list[str]:
    """Conditions to begin a subgroup with: every category, every flag, an age by tens."""
    said = [f'{name} == "{value}"' for name, field in protocol.fields.items() for value in field.values]
    said += [name for name, field in protocol.fields.items() if field.type == "flag"]
    bands = [f"{low} <= age < {low + 10}" for low in range(20, 90, 10)] if "age" in protocol.fields else []
    return [*bands, *said]
