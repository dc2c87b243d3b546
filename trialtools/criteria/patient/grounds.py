"""A protocol and one patient go in; what is known and forces the decision comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..language import names
from ..protocol import ProtocolData
from .ask import known_choices, recorded
from .goals import surely
from .search import best
from .ties import settle
from .verdict import Decision, State, Verdict, explain, leaves
from .wording import shown


@dataclass(frozen=True)
class Reason:
    """One criterion and the facts behind its state: the known ones that force it, or the unknown ones it waits for."""

    criterion: str
    label: str
    state: State
    facts: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Why:
    """The decision, the smallest set of known facts that forces it, and the reasons criterion by criterion."""

    decision: Decision
    facts: tuple[str, ...]
    reasons: tuple[Reason, ...]

    def text(self) -> str:
        """One line for each criterion that the decision rests on."""
        lines = [f"{self.decision.capitalize()}, because"]
        for reason in self.reasons:
            facts = "; ".join(reason.said) or "this holds for everybody"
            state = {"pass": "passes", "fail": "fails", "unknown": "is open"}[reason.state]
            lines.append(f"  {reason.criterion} {reason.label} {state}: {facts}")
        return "\n".join(lines)

    def dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return asdict(self)


def why(protocol: ProtocolData, patient: Mapping[str, Any]) -> Why:
    """The smallest set of known facts that forces the decision, whatever all the others are.

    Ineligible: for each criterion that fails, the fewest facts that make it fail; the fewest of all are `facts`.
    Eligible: the fewest facts that make every criterion pass, and what each criterion needs of them. Undetermined: no
    known facts force anything; the reasons are the open criteria with the unknown facts they wait for. Among sets of
    one size the order of the protocol decides.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name; a missing name is unknown.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> from trialtools.criteria.contents import load_protocol
    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml")
    >>> print(why(protocol, {"age": 71, "tumour_history": True, "precancerous_lesion": True}).text())
    Ineligible, because
      E1 Tumour or precancerous lesion fails: Tumour, now or ever: yes
    """
    explanation = explain(protocol, patient)
    known = recorded(protocol, patient)
    if explanation.decision == "undetermined":
        open_ = [verdict for verdict in explanation.criteria if verdict.state == "unknown"]
        return Why("undetermined", (), tuple(_waiting(protocol, known, verdict) for verdict in open_))
    choices = known_choices(protocol, patient)
    if explanation.decision == "eligible":
        (way,) = best(choices, [surely(choices, formula, True) for formula in protocol.requirements.values()], settle)
        facts = tuple(name for name in protocol.fields if name in way.used)
        return Why("eligible", facts, tuple(_resting(protocol, known, v, facts) for v in explanation.criteria))
    reasons = []
    for verdict in explanation.criteria:
        if verdict.state == "fail":
            (way,) = best(choices, [surely(choices, protocol.requirements[verdict.id], False)], settle)
            reasons.append(_reason(protocol, known, verdict, [n for n in protocol.fields if n in way.used]))
    reasons.sort(key=lambda reason: len(reason.facts))
    return Why("ineligible", reasons[0].facts, tuple(reasons))


def _reason(protocol: ProtocolData, known: Mapping[str, Any], verdict: Verdict, facts: list[str]) -> Reason:
    said = tuple(f"{protocol.fields[name].label}: {shown(protocol.fields[name], known.get(name))}" for name in facts)
    return Reason(verdict.id, verdict.label, verdict.state, tuple(facts), said)


def _resting(protocol: ProtocolData, known: Mapping[str, Any], verdict: Verdict, facts: tuple[str, ...]) -> Reason:
    """What a criterion that passes needs of the facts that make all pass."""
    asked = set(names(protocol.requirements[verdict.id]))
    asked |= {name for flag in asked & set(protocol.applies) for name in names(protocol.applies[flag])}
    return _reason(protocol, known, verdict, [name for name in facts if name in asked])


def _waiting(protocol: ProtocolData, known: Mapping[str, Any], verdict: Verdict) -> Reason:
    deciding = dict.fromkeys(name for leaf in leaves(verdict.tree) for name in leaf.fields)
    return _reason(protocol, known, verdict, [name for name in deciding if name not in known])
