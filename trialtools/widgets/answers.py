"""A protocol and a patient go in; what the desk answers comes out as data: the verdict, and the advice after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import evaluate
from ..criteria.patient import Answer, Explanation, nearest_eligible, open_items
from ..criteria.patient.verdict import SYMBOLS


def verdict(protocol: Protocol, patient: Mapping[str, Any], explanation: Explanation) -> dict[str, Any]:
    """The verdict, its tree, and which controls of the card do not apply or are not asked for under these readings."""
    facts = protocol.facts_of(patient)
    return {
        "state": explanation.state,
        "symbol": SYMBOLS[explanation.state],
        "said": explanation.headline,
        "counts": " · ".join(f"{n} {state}" for state, n in explanation.counts.items()),
        "html": explanation.html(),
        "order": [criterion.id for criterion in explanation.by_urgency],
        "inapplicable": [name for name, formula in protocol.applies.items() if evaluate(formula, facts) is False],
        "idle": [name for name in protocol.fields if name not in protocol.used],
    }


def advice(protocol: Protocol, patient: Mapping[str, Any]) -> dict[str, Any]:
    """What would settle the decision, what a person has to judge, and the nearest change to an eligible patient."""
    items, nearest = open_items(protocol, patient), nearest_eligible(protocol, patient)
    open_ = items.decision == "undetermined"
    lost = open_ and items.complete and not items.to_eligible
    return {
        "open": open_,
        "lost": "Nothing that is still unknown can make this patient eligible." if lost else "",
        "settle": [_asked(answer) for answer in items.to_settle],
        "judge": [_asked(answer) for answer in items.judgements],
        "possible": nearest.possible,
        "changes": [f"{change.label} {change.words}" for change in nearest.changes],
        "if": [_asked(answer) for answer in nearest.unknown],
        "blocks": [block.words for block in nearest.blocks],
    }


def readings(protocol: Protocol) -> dict[str, dict[str, str]]:
    """Each ambiguous criterion as it is read now: the name of the reading, and what it then says."""
    said = protocol.criteria_table().set_index("criterion")
    return {
        c.id: {"name": protocol.reading(c.id), "words": str(said.at[c.id, "words"])}
        for c in protocol.criteria
        if c.readings
    }


def _asked(answer: Answer) -> dict[str, str]:
    return {"field": answer.field, "label": answer.label, "needed": answer.needed}
