"""A state or a name goes in, the word that a screen writes comes out: passed, failed, open; no identifier.

Code, columns and files say pass, fail, unknown, certain and possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cohort.whatif import Edits
from ..criteria.patient import Explanation
from ..criteria.patient.verdict import Verdict
from ..figures.format import LIMITS, count

_INCLUSION = {"pass": "passed", "fail": "failed", "unknown": "open"}
_EXCLUSION = {"pass": "does not apply", "fail": "applies", "unknown": "open"}


def state_word(kind: str, state: str) -> str:
    """What a criterion does: to pass an exclusion is misread by everybody who learns it.

    >>> state_word("inclusion", "pass"), state_word("exclusion", "pass"), state_word("exclusion", "unknown")
    ('passed', 'does not apply', 'open')
    """
    return (_INCLUSION if kind == "inclusion" else _EXCLUSION)[state]


def counts(explanation: Explanation) -> str:
    """How many criteria passed, failed and are open."""
    return ", ".join(f"{n} {_INCLUSION[state]}" for state, n in explanation.counts.items())


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


def eligible(certain: int, possible: int, n: int, edits: Edits) -> str:
    """The headline of the explorer: how many are eligible, of whom."""
    who = f"of {count(n)} patients with {edits.brush}" if edits.brush else f"of {count(n)} patients"
    counted = {"fail": "; open patients count as not eligible", "pass": "; open patients count as eligible"}
    ends = count(certain) if certain == possible else f"at least {count(certain)} and at most {count(possible)}"
    return f"{ends[0].upper()}{ends[1:]} {who} are eligible{counted.get(edits.unknowns, '')}"


def differences(edits: Edits, limits: Sequence[Mapping[str, Any]], gains: tuple[int, int]) -> str:
    """What is not as the protocol says, and what that changes; `limits` are rows of the protocol's own thresholds."""
    was = {row["threshold"]: row for row in limits}
    parts = [f"{', '.join(edits.off)} off"] if edits.off else []
    parts += [f"{id} read as “{plain(name)}”" for id, name in edits.readings.items()]
    parts += [f"{id} reworded" for id in edits.texts]
    for id, value in edits.thresholds.items():
        row = was.get(id)
        now = f"{id.split('.')[0]} {LIMITS[row['operator']]} {value:g}" if row else f"{id} at {value:g}"
        parts.append(f"{now} ({row['value']:g} in the protocol)" if row else now)
    if not parts:
        return "As the protocol says; nothing is changed."
    least, most = (f"{count(abs(gain))} {'fewer' if gain < 0 else 'more'}" for gain in gains)
    effect = "that changes no count" if gains == (0, 0) else f"{least} at least, {most} at most"
    return f"{'; '.join(parts)}: {effect}."
