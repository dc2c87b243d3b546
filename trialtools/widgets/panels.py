"""A screening and a name go in, a panel of the explorer comes out: its figure, the table of its numbers, its call.

The call is what was run: `tt.what_if` gives the screening, one line the frame and one the figure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .. import figures
from ..cohort.frames.groups import default_groups
from ..cohort.frames.readings import compare_readings
from ..cohort.screening import Screening
from ..cohort.whatif import Edits, resolve_unknowns
from ..criteria.contents import Protocol
from ..figures.format import count, heading, percent, plain, words


@dataclass(frozen=True)
class _Panel:
    """A way to look at a screening: what it is called, the frame it shows and the figure of that frame.

    `open_` panels always show both ends: they are about what is unknown, or count it from the table again. `members`
    says that groups of patients are counted.
    """

    label: str
    frame: str
    figure: str = ""
    open_: bool = True
    members: bool = False


PANELS = {
    "flow": _Panel("Step by step", "attrition", "flow", open_=False),
    "criteria": _Panel("Each criterion alone", "criterion_states", "criterion_states"),
    "impact": _Panel("Each criterion", "impact", "impact", open_=False),
    "overlap": _Panel("Failing together", "overlap", "upset", open_=False),
    "sweep": _Panel("Moving a limit", "sweep", "sweep"),
    "readings": _Panel("Other readings of a sentence", "compare_readings", "tornado"),
    "missing": _Panel("Facts", "open_criteria", "open_criteria"),
    "together": _Panel("Not known together", "missingness", "missingness"),
    "lost": _Panel("At each step", "attrition_by_group", members=True),
    "groups": _Panel("Groups compared", "exclusion_ratios", "forest", members=True),
}
QUESTIONS = {
    "Who is left": ("flow", "criteria"),
    "What costs patients": ("impact", "overlap", "sweep", "readings"),
    "What is not known": ("missing", "together"),
    "Whom it leaves out": ("lost", "groups"),
}
_ROWS = 200
_BESIDE = ("step", "kind", "field", "criterion_label", "quote", "threshold", "operator")
"""Columns that the table leaves out: they are told beside it, or are for machines."""
_SHARES = ("share", "share_screened", "best", "coin", "correct guesses", "power")
_ENDS = {
    "both": "At least: on known facts. At most: if what is not known turns out well.",
    "fail": "Open patients count as not eligible.",
    "pass": "Open patients count as eligible.",
}


def panel(screening: Screening, tab: str, edits: Edits, threshold: str) -> dict[str, Any]:
    """What one tab shows of a screening whose unknowns are still open."""
    about = PANELS[tab]
    arguments = _arguments(about.frame, screening.protocol, edits, threshold)
    counted = screening if about.open_ else resolve_unknowns(screening, edits.unknowns)
    if tab == "readings":
        frame: pd.DataFrame = compare_readings(counted.protocol, counted.patients)
    else:
        frame = getattr(counted, about.frame)(**arguments)
    shown = {"figure": "", "alt": "", "bars": []}
    if tab == "flow":
        bars = _bars(frame)
        shown |= {"bars": bars, "title": _losses(bars)}
    elif about.figure:
        drawn: Any = getattr(figures, about.figure)(frame)
        shown |= figure_parts(drawn)
    caption = f"{count(screening.n)} of {screening.patients.name}{' · SYNTHETIC' * screening.patients.synthetic}"
    ends = _ENDS["both" if about.open_ else edits.unknowns]
    texts = {"caption": f"{caption}. {ends}", "call": _call(tab, edits, arguments)}
    return {"tab": tab, **shown, **texts, "table": cells(frame)}


def figure_parts(drawn: Any) -> dict[str, str]:
    """A figure, and its words: in place of a title, and for who does not see it."""
    meta = drawn.layout.meta
    return {"figure": drawn.to_json(), "alt": meta["alt"], "title": meta["finding"], "population": meta["population"]}


def _call(tab: str, edits: Edits, arguments: dict[str, Any]) -> str:
    """The lines of Python that make the frame and the figure of a tab, from `protocol` and `patients`."""
    about = PANELS[tab]
    edits = replace(edits, unknowns="both") if about.open_ else edits
    changes = "".join(f", {name}={value!r}" for name, value in edits.changes.items() if name != "order")
    arguments_text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    frame = f"screening.{about.frame}({arguments_text})"
    if tab == "readings":
        frame = "tt.compare_readings(screening.protocol, screening.patients)"
    lines = [f"screening = tt.what_if(protocol, patients{changes})", f"frame = {frame}"]
    return "\n".join([*lines, f"tt.figures.{about.figure}(frame)"] if about.figure else lines)


def cells(frame: pd.DataFrame) -> dict[str, Any]:
    """The cells of a frame as a reader would write them; which columns are figures."""
    same = [name for name in ("criterion", "label", "unit", "n", "of") if name in frame and len(set(frame[name])) == 1]
    left_out = {*_BESIDE, *(same if len(frame) > 1 else [])}
    if "criterion_label" in frame:  # what has no id of its own: everybody, the whole protocol
        frame = frame.assign(criterion=frame["criterion"].where(frame["criterion"] != "", frame["criterion_label"]))
    if "fields" in frame:
        label = frame.attrs.get("labels", {})
        named = ["; ".join(label.get(each, each) for each in names.split(", ")) for names in frame["fields"]]
        frame = frame.assign(fields=named)
    shown = frame[[name for name in frame if name not in left_out]].head(_ROWS).astype(object)
    write = [percent if name in _SHARES else _reading if name == "reading" else words for name in shown]
    return {
        "columns": ["Patients" if name == "n" else heading(str(name)) for name in shown],
        "figures": [frame[name].dtype.kind in "iuf" for name in shown],
        "rows": [[cell(value) for cell, value in zip(write, row, strict=True)] for row in shown.to_numpy()],
        "more": len(frame) - len(shown),
    }


def _reading(name: Any) -> str:
    return plain(words(name))


def choices(protocol: Protocol) -> list[str]:
    """Conditions to begin a subgroup with: every category, every flag, an age by tens."""
    conditions = [f'{name} == "{value}"' for name, field in protocol.fields.items() for value in field.values]
    conditions += [name for name, field in protocol.fields.items() if field.type == "flag"]
    bands = [f"{low} <= age < {low + 10}" for low in range(20, 90, 10)] if "age" in protocol.fields else []
    return [*bands, *conditions]


def _arguments(frame: str, protocol: Protocol, edits: Edits, threshold: str) -> dict[str, Any]:
    return {
        "attrition": {"order": edits.order},
        "sweep": {"threshold_id": threshold},
        "attrition_by_group": {"by": default_groups(protocol)[:2]},
    }.get(frame, {})


def _bars(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The flow as rows: how many are left after each criterion, at least and at most, and how many leave there."""
    rows: list[dict[str, Any]] = frame.to_dict("records")
    return [
        {
            "label": f"{row['criterion']} {row['label']}".strip(),
            "certain": int(row["certain"]),
            "possible": int(row["possible"]),
            "leave": int(row["failed_here"]) if row["step"] else None,
        }
        for row in rows
    ]


def _losses(bars: list[dict[str, Any]]) -> str:
    """Where most leave, and who is left."""
    if not bars or not bars[0]["possible"]:
        return "Nobody is screened"
    left = " to ".join(map(count, sorted({bars[-1]["certain"], bars[-1]["possible"]})))
    worst = max(bars[1:], key=lambda bar: bar["leave"], default=bars[0])
    if not worst["leave"]:
        return f"Nobody leaves; {left} are left"
    where = f"{count(worst['leave'])} of {count(bars[0]['possible'])} leave at {worst['label']}"
    return f"{where}; {left} are left at the end"
