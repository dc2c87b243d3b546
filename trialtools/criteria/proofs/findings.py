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
from .finding import KINDS, Finding
from .gaps import boundaries, gaps
from .page import answer, as_html
from .prover import Desk, Disagreement, sit_down
from .redundant import redundant
from .show import as_json, as_text
from .source import field_findings, text_findings, uncovered

__all__ = [
    "KINDS",
    "Disagreement",
    "Finding",
    "Findings",
    "answer",
    "as_html",
    "as_json",
    "as_text",
    "lint",
    "uncovered",
]


class Findings(tuple[Finding, ...]):
    """What `lint` found; shows itself as a page in a notebook."""

    protocol: ProtocolData

    @property
    def answer(self) -> str:
        """What was found, in a sentence."""
        return answer(self)

    def text(self) -> str:
        """The findings as a page of plain text."""
        return as_text(self, self.protocol)

    def to_json(self) -> str:
        """The findings as JSON, with the hash and the chosen readings of the protocol."""
        return as_json(self, self.protocol)

    def __repr__(self) -> str:
        return f"{self.protocol.id}: {self.answer}"

    def _repr_html_(self) -> str:
        return as_html(self, self.protocol)


def lint(protocol: ProtocolData) -> Findings:
    """What is wrong or remarkable in a protocol, proven without data; what needs attention first.

    A finding that rests on declared facts names them. A claim about nobody is a proof over every possible patient,
    with values missing or not; every patient shown has been judged by the reference evaluator. Numbers are taken as
    exact decimals, so sums and products of measurements may be off by the last digit of a double.

    Args:
        protocol: under its chosen readings; other readings are held against it one by one, and two by two.

    >>> from trialtools.criteria.contents import load_protocol
    >>> found = lint(load_protocol("data/protocols/NCT05741099.yaml"))
    >>> print(next(finding.sentence for finding in found if finding.kind == "reading"))
    E7 (Tuberculosis or another acute respiratory virus, read as "literal") would exclude everybody: whoever passes \
I4 (SARS-CoV-2 shown in the laboratory, read as "any_result") fails it.
    """
    desk = sit_down(protocol)
    found = [*_proven(desk), *text_findings(protocol), *field_findings(protocol)]
    if desk.open:
        sentence = "Some questions about this protocol were too hard to settle; nothing is claimed there."
        found.append(Finding("too-hard", "too-hard", "note", sentence))
    order = list(KINDS)
    found.sort(key=lambda finding: (finding.severity, order.index(finding.kind)))
    findings = Findings(_distinct(found))
    findings.protocol = protocol
    return findings


def _distinct(found: list[Finding]) -> Iterator[Finding]:
    """No id twice: the second alternative that reads the same is `...:2`."""
    seen = Counter()
    for finding in found:
        seen[finding.id] += 1
        yield finding if seen[finding.id] == 1 else replace(finding, id=f"{finding.id}:{seen[finding.id]}")


def _proven(desk: Desk) -> Iterator[Finding]:
    if broken := list(impossible_facts(desk)):
        yield from broken
        desk = replace(desk, facts={})
    yield from guideline(desk)
    nobody = list(never_satisfiable(desk))
    yield from nobody
    if any(not finding.facts for finding in nobody):
        return
    if nobody:
        desk = replace(desk, facts={})
    yield from excluding_readings(desk)
    yield from dead_branches(desk)
    yield from redundant(desk)
    holes = tuple(gaps(desk))
    yield from holes
    yield from boundaries(desk, holes)
