"""What a protocol leaves open, as tidy frames: unclear phrases, assumptions of the design, criteria in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..language import words
from .model import ProtocolData

if TYPE_CHECKING:
    import pandas as pd


def ambiguity_table(protocol: ProtocolData) -> pd.DataFrame:
    """The unclear phrases of the registry text, and what was done about each.

    Columns: id, at, text, problem, treatment (reading, assumption or note), choice.
    """
    import pandas as pd

    columns = ["id", "at", "text", "problem", "treatment", "choice"]
    return pd.DataFrame([[getattr(a, name) for name in columns] for a in protocol.ambiguities], columns=columns)


def assumption_table(protocol: ProtocolData) -> pd.DataFrame:
    """What the registry does not state and the file therefore assumes: item, value, why."""
    import pandas as pd

    labels = {each.id: each.label for each in protocol.arms} | {name: f.label for name, f in protocol.fields.items()}
    rows = [(name, _text(item.value, labels), item.why) for name, item in protocol.design.items() if item.assumed]
    for arm in protocol.arms:
        if arm.dosing and arm.dosing.assumed:
            anchor = labels.get(arm.dosing.anchor, arm.dosing.anchor)
            window = f"day {arm.dosing.first_day} to {arm.dosing.last_day} after {anchor}"
            rows.append((f"dosing window, {arm.label}", window, "; ".join(arm.dosing.assumed)))
    return pd.DataFrame(rows, columns=["item", "value", "why"])


def criteria_table(protocol: ProtocolData) -> pd.DataFrame:
    """The criteria as they are read: criterion, kind, label, reading, words, quote, why."""
    import pandas as pd

    columns = ["criterion", "kind", "label", "reading", "words", "quote", "why"]
    rows = []
    for c in protocol.criteria:
        text = words(protocol.formula(c.id), protocol.fields)
        rows.append((c.id, c.kind, c.label, protocol.reading(c.id), text, " … ".join(c.quotes), c.why))
    return pd.DataFrame(rows, columns=columns)


def _text(value: object, labels: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{labels.get(key, key)} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
