"""A protocol and a patient go in; what the desk answers comes out as data: the verdict, and the advice after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import evaluate
from ..criteria.patient.items import Answer
from ..criteria.patient.tree import Node, leaves
from ..criteria.patient.verdict import SYMBOLS, Explanation, Verdict
from ..figures.format import SCREEN_WORDS, enumeration, plain

_EXCLUSION = {"pass": "does not apply", "fail": "applies", "unknown": "open"}
"""To pass an exclusion is misread by everybody who learns it."""


def verdict(protocol: Protocol, patient: Mapping[str, Any], explanation: Explanation) -> dict[str, Any]:
    """The verdict, its steps, and which controls of the card do not apply or are not asked for under these readings."""
    facts = protocol.facts_of(patient)
    return {
        "decision": explanation.decision,
        "state": explanation.state,
        "symbol": SYMBOLS[explanation.state],
        "headline": _headline(explanation),
        "counts": ", ".join(f"{n} {SCREEN_WORDS[state]}" for state, n in explanation.counts.items()),
        "notes": list(explanation.notes),
        "criteria": [_criterion(verdict) for verdict in explanation.by_urgency],
        "inapplicable": [name for name, formula in protocol.applies.items() if evaluate(formula, facts) is False],
        "idle": [name for name in protocol.fields if name not in protocol.used_fields],
    }


def advice(protocol: Protocol, patient: Mapping[str, Any]) -> dict[str, Any]:
    """What would settle the decision, what a person has to judge, and the nearest change to an eligible patient."""
    items, nearest = protocol.open_items(patient), protocol.nearest_eligible(patient)
    open_ = items.decision == "undetermined"
    fields = protocol.fields
    return {
        "open": open_,
        "hopeless": open_ and items.complete and not items.to_eligible,
        "find_out": [_item(answer) for answer in items.to_settle],
        "judge": [_item(answer) for answer in items.judgements],
        "possible": nearest.possible,
        "changes": [
            f"{change.label}: {fields[change.field].write(change.after)}"
            f" (now {fields[change.field].write(change.before)})"
            for change in nearest.changes
        ],
        "if": [_item(answer) for answer in nearest.unknown],
        "blocks": [block.words for block in nearest.blocks],
    }


def _headline(explanation: Explanation) -> str:
    """The decision in words, and which criteria keep a patient out."""
    if explanation.decision == "eligible":
        return "Eligible"
    if explanation.decision == "undetermined":
        judged = explanation.awaiting_judgement
        return "Not decided yet: for a clinician to judge" if judged else "Not decided yet"
    failed = [verdict for verdict in explanation.criteria if verdict.state == "fail"]
    verbs = {"inclusion": ("fails", "fail"), "exclusion": ("applies", "apply")}
    clauses = [_clause([v for v in failed if v.kind == kind], *verbs[kind]) for kind in verbs]
    return f"Not eligible: {', '.join(filter(None, clauses))}"


def _clause(verdicts: list[Verdict], one: str, many: str) -> str:
    """`I2 and I7 fail`; of more than three, the first two and how many more."""
    ids = [verdict.id for verdict in verdicts]
    if not ids:
        return ""
    named = ids if len(ids) <= 3 else [*ids[:2], f"{len(ids) - 2} more"]
    return f"{enumeration(named)} {one if len(ids) == 1 else many}"


def _item(answer: Answer) -> dict[str, str]:
    return {"field": answer.field, "label": answer.label, "needed": answer.needed}


def _criterion(verdict: Verdict) -> dict[str, Any]:
    judged = verdict.judgement and verdict.state == "unknown"
    return {
        "id": verdict.id,
        "label": verdict.label,
        "state": verdict.state,
        "symbol": SYMBOLS[verdict.state],
        "word": (SCREEN_WORDS if verdict.kind == "inclusion" else _EXCLUSION)[verdict.state],
        "fact": "for a clinician to judge" if judged else _fact(verdict),
        "quotes": list(verdict.quotes),
        "reading": plain(verdict.reading),
        "words": verdict.words,
        "why": verdict.why or "",
        "later": verdict.known_later or "" if verdict.state == "unknown" else "",
        "steps": _step(verdict.tree),
    }


def _fact(verdict: Verdict) -> str:
    """What decided, in a few words: the label of the criterion stands beside it."""
    first, *more = [leaf.value for leaf in leaves(verdict.tree)]
    short = first.partition(": ")[2] or first
    return f"{first}; and {len(more)} more" if len(more) > 1 else "; ".join([first, *more]) if more else short


def _step(node: Node) -> dict[str, Any]:
    return {
        "state": node.state,
        "symbol": SYMBOLS[node.state],
        "text": node.text,
        "decides": node.deciding,
        "steps": [_step(child) for child in node.children],
    }
