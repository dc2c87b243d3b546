"""A look goes in; what is known before any number comes out: the cover, the charter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...figures.format import number
from ..data.tables import Frame
from ..lookdata import LookData
from ..plan import MonitoringPlan, alpha_each, pair_of
from .looks import design_power
from .wording import in_100

_POWER = "power at these assumptions"
_FOR_SENTENCES = ("verb", "past")
"""What an endpoint brings for the grammar of page 1; it says nothing of the design."""
_SEE_FILE = "see the protocol file: it names an arm"


def cover(look: LookData, **more: Any) -> Frame:
    """What this report is of, line by line: item, value; `more` lines by their names. What is not known is empty."""
    items = {
        "Trial": f"{look.protocol.id}: {look.protocol.title}",
        "Report": "closed, by arm" if look.closed else "open, pooled",
        "Look": f"{look.number} of {len(look.plan.looks)}",
        "Site": look.site or "all",
        "Data as of": look.cutoff,
        "Folder of this cut": look.trial.name,
        "Previous report": look.previous.get("made"),
        **{name.replace("_", " ").capitalize(): value for name, value in more.items()},
    }
    return pd.DataFrame({"item": list(items), "value": [str(value) if value else "" for value in items.values()]})


def charter(look: LookData) -> Frame:
    """The design as the protocol file has it, with what is assumed and why: item, value, from, why.

    In an open report a ratio and a reason are told without the names of arms. The last line is the power of the design
    at what it assumes itself.
    """
    names = "|".join(re.escape(each) for arm in look.protocol.arms for each in (arm.id, arm.label))
    named, rows = re.compile(rf"\b({names})\b", re.IGNORECASE), []
    for name, item in look.protocol.design.items():
        why = item.why if look.closed or not named.search(item.why or "") else _SEE_FILE
        value = _value_text(name, item.value, {arm.id: arm.label for arm in look.protocol.arms} if look.closed else {})
        value += f", {look.plan.tails}" if name == "alpha" else ""
        value += f", {number(alpha_each(look.plan), 4)} each" if name == "multiplicity" else ""
        rows.append((name.replace("_", " "), value, "assumed" if item.assumed else "registry", why))
    if (chance := _power(look.plan)) is not None:
        why = "The chance to show the effect that the design hopes for, at its looks, before the start."
        rows.append((_POWER, in_100(chance), "worked out", why))
    return pd.DataFrame(rows, columns=["item", "value", "from", "why"])


def _power(plan: MonitoringPlan) -> float | None:
    """The power of the design, of several experimental arms that of one comparison."""
    if len(plan.experimental) > 1:
        return design_power(pair_of(plan, plan.experimental[0])) if plan.multiplicity else None
    return design_power(plan)


def _value_text(name: str, value: Any, labels: Mapping[str, str]) -> str:
    """A value as a committee reads it: arms by their labels, where they may be named, and no words of the file."""
    if name == "ratio" and isinstance(value, Mapping):
        named = f" ({', '.join(labels.get(each, each) for each in value)})" if labels else ""
        return ":".join(map(str, value.values())) + named
    if isinstance(value, Mapping):
        told = {key.replace("_", " "): each for key, each in value.items() if key not in _FOR_SENTENCES}
        return "; ".join(f"{key}: {str(each).replace('_', ' ')}" for key, each in told.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
