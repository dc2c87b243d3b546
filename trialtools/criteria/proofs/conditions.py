"""A bare condition and a protocol go in: what it says of a patient, whether two say the same, and who meets it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from html import escape
from typing import Any

import z3

from ..language import ProtocolError, evaluate, nearest, parse, words
from ..language.formula import And, Arithmetic, Formula, In, Name, Value, names, type_of
from ..patient import tree
from ..patient.cells import atoms
from ..patient.tree import DECISIONS, Decision
from ..protocol import Criterion, ProtocolData
from .finding import cannot_pass, facts_clause, join, titles
from .kleene import Z3
from .prover import Proof, Prover, prover_for

_TOO_HARD = "it takes too long to find out; ask about fewer fields, without products or quotients of them"


class NotSettled(Exception):
    """A question about every possible patient that was given up, for its proof takes too long."""


def judge(protocol: ProtocolData, condition: str, patient: Mapping[str, Any]) -> bool | None:
    """What a condition says of a patient as screening would: True, False, or None where it is unknown.

    An impossible value is unknown, and a flag that does not apply is false.

    Args:
        protocol: whose fields the condition asks about.
        condition: in the language of criteria.
        patient: values by field name; a missing name is unknown.

    Raises:
        ProtocolError: the condition is not in the language.
        DataError: a name that is no field, or a value of the wrong type.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> protocol.judge("age > 65 or tumour_history", {"age": 40}), protocol.judge("pregnant", {"sex": "male"})
    (None, False)
    """
    return evaluate(parse(condition, protocol.fields), protocol.facts_of(patient))


def same(
    protocol: ProtocolData, one: str, other: str, measured: bool = False, complete: bool = False
) -> dict[str, Any] | None:
    """None if two conditions give the same result for every possible patient; otherwise a patient for whom they differ.

    No such patient has fewer facts on record (this is proved). Numbers lie on the declared `step` of their field, and
    beside a limit, if possible. Each fact is known or missing: conditions that say the same of every value may differ
    where an `Interval` is known. Sums are sums of decimals.

    Args:
        protocol: whose fields the conditions ask about.
        one, other: in the language of criteria.
        measured: ask only about patients whose numbers stand on a declared `step`.
        complete: ask only about patients who have all facts known that the conditions ask about.

    Raises:
        ProtocolError: a condition is not in the language.
        NotSettled: it takes too long to find out.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> protocol.same("spo2 > 93", "not spo2 <= 93") is None
    True
    >>> protocol.same("age > 65", "age >= 65"), protocol.same("spo2 > 93", "spo2 > 93 or missing(spo2)")
    ({'age': 65}, {})
    >>> protocol.same("spo2 > 93", "spo2 > 93 or missing(spo2)", complete=True) is None
    True
    """
    formulas = [parse(text, protocol.fields) for text in (one, other)]
    prover = prover_for(_about(protocol, formulas))
    a, b = map(prover.truth, formulas)
    steps = list(prover.logic.on_step().values())
    differ = [z3.Or(a.true != b.true, a.false != b.false), *[prover.complete] * complete]
    for measures in [steps] if measured else [steps, []]:
        claims = [*measures, *differ]
        if _exists(prover, claims):
            return _fewest(prover, claims, formulas)
    return None


def _about(protocol: ProtocolData, formulas: Iterable[Formula]) -> ProtocolData:
    """A protocol of the fields that formulas ask about, and of the facts that speak of nothing else."""
    used = set(protocol.with_causes(name for formula in formulas for name in names(formula)))
    facts = tuple(fact for fact in protocol.facts if used.issuperset(names(protocol.fact_formulas[fact.id])))
    fields = {name: field for name, field in protocol.fields.items() if name in used}
    anybody = Criterion("C", "inclusion", "anybody", when=True)
    return ProtocolData(protocol.id, protocol.title, fields, (anybody,), facts=facts)


def _exists(prover: Prover, claims: Iterable[Z3]) -> bool:
    answer = prover.solve(claims)
    if answer == z3.unknown:
        raise NotSettled(_TOO_HARD)
    return answer == z3.sat


def _fewest(prover: Prover, claims: list[Z3], formulas: list[Formula]) -> dict[str, Any]:
    """The patient with the fewest facts on record of those whom two formulas tell apart: no fewer will do."""
    known = prover.logic.known.values()
    fewest = next(n for n in range(len(known) + 1) if _exists(prover, [*claims, _at_most(prover, n)]))

    def differs(record: dict[str, Any]) -> bool:
        one, other = (evaluate(formula, prover.protocol.facts_of(record)) for formula in formulas)
        return one is not other

    facts = prover.facts.values()
    for wishes in ([*facts, *_near(prover, formulas)], facts):  # far from a limit is better than nobody
        record = prover.patient([*claims, _at_most(prover, fewest)], differs, wishes)
        if record is not None:
            return record
    raise NotSettled(_TOO_HARD)


def _at_most(prover: Prover, n: int) -> Z3:
    """That no more than n facts are on record."""
    known = prover.logic.known.values()
    return z3.AtMost(*known, n) if n < len(known) else z3.BoolVal(True, prover.logic.record.context)


def _near(prover: Prover, formulas: Iterable[Formula]) -> Iterator[Z3]:
    """That what is measured stands at a limit it is compared with, or a step beside it, where it is known.

    Of two measured things that are compared with each other, one pair stands so close together.
    """
    pairs = []
    for formula in formulas:
        for left, right in (atom.operands for atom in atoms(formula)):
            subject, limit = (right, left) if isinstance(left, Value) else (left, right)
            value = limit.value if isinstance(limit, Value) else 0
            if type_of(subject) == "category" or isinstance(value, str):
                continue
            if not isinstance(limit, Value):
                pairs.append(z3.Not(prover.truth(In(Arithmetic("-", left, right), (-1, 0, 1))).false))
                continue
            step = prover.protocol.fields[subject.name].step_size if isinstance(subject, Name) else Fraction(1)
            yield z3.Not(prover.truth(In(subject, _around(value, step))).false)
    if pairs:
        yield z3.Or(pairs)


def _around(limit: float | date, step: Fraction) -> tuple[Any, ...]:
    if isinstance(limit, date):
        return tuple(limit + timedelta(n) for n in (-1, 0, 1))
    return tuple(float(Fraction(str(limit)) + n * step) for n in (-1, 0, 1))


@dataclass(frozen=True)
class Nobody:
    """That there is no patient of a kind, and why: no fewer parts, criteria and declared facts would rule them out.

    `parts` are those of the condition, in words; `criteria` and `facts` are ids. `breaks` is a patient who would be
    such a one but for those facts. It counts as false: `if found := protocol.someone(...)`.
    """

    sentence: str
    parts: tuple[str, ...]
    criteria: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    breaks: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence)}</p>"


def someone(protocol: ProtocolData, condition: str, decision: Decision | None = None) -> dict[str, Any] | Nobody:
    """A patient for whom a condition is true, or the proof that there is none.

    Few facts of the patient are on record, numbers stand on the declared `step` of their field and near a limit, and no
    declared fact is broken.

    Args:
        protocol: whose fields the condition asks about.
        condition: in the language of criteria.
        decision: what the protocol must decide about the patient: eligible, ineligible, undetermined; None: anything.

    Raises:
        ProtocolError: the condition is not in the language, or there is no such decision.
        NotSettled: it takes too long to find out.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> protocol.someone("age > 65 and missing(spo2)")
    {'age': 66}
    >>> print(protocol.someone("late_pregnancy", decision="eligible"))
    Nobody of whom "Late trimester of pregnancy" is true can be eligible as long as the declared fact holds: \
"Late pregnancy is pregnancy" (F1). Such a patient cannot pass E3 (Pregnant or lactating).
    """
    if decision is not None and decision not in DECISIONS:
        raise ProtocolError(f"no decision '{decision}'{nearest(decision, DECISIONS)}")
    formula = parse(condition, protocol.fields)
    parts = formula.items if isinstance(formula, And) else (formula,)
    prover = prover_for(protocol)
    claims, named_claims = _decision_claims(prover, decision)
    named_claims |= {f"part {n}": prover.truth(part).true for n, part in enumerate(parts)}

    def fits(record: dict[str, Any]) -> bool:
        decided = decision is None or tree.decision(protocol, record) == decision
        return decided and evaluate(formula, protocol.facts_of(record)) is True

    rules = protocol.requirements.values() if decision else ()
    unknown = [z3.Not(known) for known in reversed(list(prover.logic.known.values()))]
    wishes = [*_near(prover, [formula]), *unknown, *_near(prover, rules)]

    def witness(facts: Iterable[str]) -> dict[str, Any] | None:
        true = [*claims, *named_claims.values(), *(prover.facts[fact] for fact in facts)]
        one = prover.patient(true, fits, wishes)
        return prover.patient(true, fits, unknown) if one is None else one  # far from a limit is better than nobody

    proof = prover.unsat_core(claims, named_claims)
    if proof is None:
        if (one := witness(prover.facts)) is None:
            raise NotSettled(_TOO_HARD)
        return one
    breaks = witness(fact for fact in prover.facts if fact not in proof.facts) if proof.facts else None
    blamed = tuple(part for n, part in enumerate(parts) if f"part {n}" in proof.criteria)
    ids = tuple(id for id in proof.criteria if id in protocol.criterion)
    sentence = _nobody(prover, decision, blamed, Proof(ids, proof.facts))
    return Nobody(sentence, tuple(words(part, protocol.fields) for part in blamed), ids, proof.facts, breaks)


def _decision_claims(prover: Prover, decision: Decision | None) -> tuple[list[Z3], dict[str, Z3]]:
    """What must hold if a decision is to come out, and what must hold of each criterion."""
    match decision:
        case "eligible":
            return [], dict(prover.passes)
        case "ineligible":
            return [z3.Or([truth.false for truth in prover.truths.values()])], {}
        case "undetermined":
            open_ = z3.Or([z3.Not(claim) for claim in prover.passes.values()])
            return [open_], {id: z3.Not(truth.false) for id, truth in prover.truths.items()}
    return [], {}


def _nobody(prover: Prover, decision: Decision | None, parts: tuple[Formula, ...], proof: Proof) -> str:
    protocol = prover.protocol
    quoted = join(f'"{words(part, protocol.fields)}"' for part in parts) if parts else ""
    assumption = facts_clause(protocol, proof.facts)
    if decision is None or (decision == "eligible" and not proof.criteria):
        return f"Nobody: {quoted} {'are' if len(parts) > 1 else 'is'} true of no possible patient{assumption}."
    whose = f" of whom {quoted} {'are' if len(parts) > 1 else 'is'} true" if parts else ""
    can = "can be eligible" if decision == "eligible" else f"is {decision}"
    if decision == "eligible":
        why = cannot_pass(protocol, proof.criteria)
    elif decision == "undetermined" and proof.criteria:
        why = f"is eligible, or fails {titles(protocol, *proof.criteria, word='or')}"
    else:
        why = "fails no criterion" if decision == "ineligible" else "is eligible"
    return f"Nobody{whose} {can}{assumption}. Such a patient {why}."
