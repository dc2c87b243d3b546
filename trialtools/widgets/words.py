"""A state or a name goes in, the word that a screen writes comes out: passed, failed, open; no identifier.

Code, columns and files say pass, fail, unknown, certain and possible.
"""

from __future__ import annotations

from ..criteria.patient import Explanation
from ..criteria.patient.verdict import Verdict

INCLUSION = {"pass": "passed", "fail": "failed", "unknown": "open"}
EXCLUSION = {"pass": "does not apply", "fail": "applies", "unknown": "open"}


def state_word(kind: str, state: str) -> str:
    """What a criterion does: to pass an exclusion is misread by everybody who learns it.

    >>> state_word("inclusion", "pass"), state_word("exclusion", "pass"), state_word("exclusion", "unknown")
    ('passed', 'does not apply', 'open')
    """
    return (INCLUSION if kind == "inclusion" else EXCLUSION)[state]


def counts(explanation: Explanation) -> str:
    """How many criteria passed, failed and are open."""
    return ", ".join(f"{n} {INCLUSION[state]}" for state, n in explanation.counts.items())


def headline(explanation: Explanation) -> str:
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
    return f"{' and '.join(filter(None, (', '.join(named[:-1]), named[-1])))} {one if len(ids) == 1 else many}"


def plain(name: str) -> str:
    """A name from a file as words: `any_listed` is any listed."""
    return name.replace("_", " ")
