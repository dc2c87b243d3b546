"""A protocol goes in, and what can be said of it without a single patient comes out: findings, each proven.

Alternatives that help nobody, criteria that exclude each other or decide nothing, values between two limits, readings
against the cited guideline, and the registry text that no criterion quotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ..protocol import ProtocolData
from .alternatives import dead_branches
from .conflicts import excluding_readings, guideline, impossible_facts, never_satisfiable
from .finding import KINDS, Finding, finding_for, join
from .gaps import boundaries, gaps
from .kleene import has_power, is_long
from .prover import Prover, prover_for
from .redundant import idle_criteria, redundant
from .show import Findings
from .source import field_findings, question_findings, text_findings
from .units import unit_findings


def lint(protocol: ProtocolData) -> Findings:
    """What is wrong or remarkable in a protocol, proven without data; what needs attention first.

    A finding that rests on declared facts names them. What is proven is proven of every possible patient, with values
    missing or not, unless its sentence says of whom; every patient shown has been judged by the reference evaluator.
    Numbers are taken as exact decimals, so sums and products of measurements may be off by the last digit of a double;
    a proof that has such sums to do says so. It ends within some seconds: a proof that would take longer is given up,
    and the last finding says which.

    Args:
        protocol: under its chosen readings; other readings are held against it one by one, and two by two.

    >>> from trialtools.criteria.contents import load_protocol
    >>> found = lint(load_protocol("data/protocols/NCT05741099.yaml"))
    >>> print(next(finding.sentence for finding in found if finding.kind == "reading"))
    E7 (Tuberculosis or another acute respiratory virus, read as "literal") would leave nobody eligible: \
whoever passes I4 (SARS-CoV-2 shown in the laboratory, read as "any_result") cannot pass it.
    """
    prover = prover_for(protocol)
    read = [*question_findings(protocol), *text_findings(protocol), *field_findings(protocol), *unit_findings(protocol)]
    found = [*_proven(prover), *read, *_abandonments(prover)]
    order = list(KINDS)
    found.sort(key=lambda finding: (finding.severity, order.index(finding.kind)))
    return Findings.of(_distinct(found), protocol)


def _distinct(found: list[Finding]) -> Iterator[Finding]:
    """No id twice: the second alternative that reads the same is `...:2`."""
    seen = Counter()
    for finding in found:
        seen[finding.id] += 1
        yield finding if seen[finding.id] == 1 else replace(finding, id=f"{finding.id}:{seen[finding.id]}")


def _proven(prover: Prover) -> Iterator[Finding]:
    if broken := list(impossible_facts(prover)):
        yield from broken
        prover = replace(prover, facts={})
    yield from guideline(prover)
    nobody = list(never_satisfiable(prover))
    yield from nobody
    if any(not finding.facts for finding in nobody):
        return
    if nobody:
        prover = replace(prover, facts={})
    yield from excluding_readings(prover)
    idle = idle_criteria(prover)
    yield from dead_branches(prover, [id for id, proof in idle.items() if proof.everybody])
    yield from redundant(prover, idle)
    holes = list(gaps(prover))
    yield from holes
    yield from boundaries(prover, holes)


def _abandonments(prover: Prover) -> Iterator[Finding]:
    """Which proofs were given up, in the order in which they were tried."""
    topics = prover.clock.topics.items()
    questions = [topic.format(join(subjects)) for topic, subjects in topics]
    long = [id for id, rule in prover.protocol.requirements.items() if is_long(rule)]
    questions += [f"what follows from the long products of {join(long)}"] if long else []
    powers = [id for id, rule in prover.protocol.requirements.items() if has_power(rule)]
    questions += [f"what follows from the powers of {join(powers)}"] if powers else []
    if questions:
        sentence = f"Some proofs take too long and were given up, so nothing is claimed here: {'; '.join(questions)}."
        yield finding_for(prover.protocol, "too-hard", "", sentence)
