"""A look goes in; what its report must remember comes out, and what changed since the report before it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...figures.printed import KeyFigures
from ..data.tables import Frame
from ..lookdata import LookData, with_reason
from .conduct import dosing, dosing_deviations
from .looks import looks_so_far
from .outcomes import outcome_status
from .safety import harms

LABELS = {
    "screened": "Screened",
    "randomized": "Randomized",
    "sites": "Sites that randomized",
    "deaths": "Deaths",
    "serious": "Participants with a serious adverse event",
    "deviations": "Deviations from the dosing window",
    "outcomes": "Primary outcomes known",
    "missing": "Primary outcomes missing",
    "findings": "Findings on the data",
}


def key_figures(look: LookData) -> KeyFigures:
    """The pooled numbers that a later report is held against, and in a closed report the looks so far.

    What was not collected is not among them. Shown in a notebook, they go into the manifest of its report.
    """
    trial, entered = look.trial, look.entered
    figures = {"screened": len(trial.subjects)} if look.screening_log else {}
    figures |= {"randomized": len(entered), "sites": int(entered["site"].nunique())}
    by_kind = harms(look).dropna(subset="participants").groupby("what")["participants"].sum()
    for name, what in (("deaths", "Death"), ("serious", "Serious adverse event")):
        figures |= {name: int(by_kind[what])} if what in by_kind else {}
    if "outcomes" not in trial.absent and trial.endpoint:
        outcomes = outcome_status(look)
        figures |= {"outcomes": int(outcomes["known"].sum()), "missing": int(outcomes["missing"].sum())}
    if len(dosing(look)):
        certain = dosing_deviations(look).query("deviation != 'cannot be told'")
        figures |= {"deviations": int(certain["n"].sum())}
    figures |= {"findings": len(trial.findings)}
    told = looks_so_far(look)
    return KeyFigures(figures | ({"looks": told} if told else {}))


def changes(look: LookData) -> Frame:
    """What changed since the previous report: item, then, now, change.

    A number that one of the two does not have is empty, and so is its change. A protocol with another hash is a row.
    """
    rows: list[dict[str, Any]] = []
    if look.previous:
        before, now = look.previous.get("facts", {}), key_figures(look)
        for name, label in LABELS.items():
            then, here = before.get(name), now.get(name)
            if then is None and here is None:
                continue
            apart = f"{here - then:+,}".replace("-", "−") if then is not None and here is not None else None
            rows.append({"item": label, "then": then, "now": here, "change": apart})
        old = look.previous["protocol"].get("sha256")
        if old != look.protocol.sha256:
            hashes = {"then": str(old)[:8], "now": look.protocol.sha256[:8]}
            rows.append({"item": "Protocol file", **hashes, "change": "changed"})
    return with_reason(pd.DataFrame(rows, columns=["item", "then", "now", "change"]), _no_previous_report(look))


def _no_previous_report(look: LookData) -> str:
    if look.previous:
        return "The previous report holds no numbers to compare with."
    taken = ": the looks before this one are taken as planned." if look.number > 1 else "."
    return "No previous report was named" + taken
