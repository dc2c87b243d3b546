"""Findings as text for a reader and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from textwrap import wrap
from typing import Any

from ..language import names
from ..protocol import Field, ProtocolData
from .finding import KINDS, Finding

WIDTH = 100
LONGEST_QUOTE = 240


def as_text(findings: Iterable[Finding], protocol: ProtocolData) -> str:
    """Findings as a page of plain text, at most 100 columns wide: findings first, then notes, each by kind.

    Args:
        findings: from `lint`.
        protocol: the one they are about.

    >>> from trialtools.criteria.contents import read_protocol
    >>> from trialtools.criteria.proofs.findings import lint
    >>> sketch = read_protocol(
    ...     "{id: S, title: S, fields: {a: {type: flag, label: Cough}},"
    ...     " criteria: [{id: I1, kind: inclusion, label: Cough, when: a}]}"
    ... )
    >>> print(as_text(lint(sketch), sketch))
    S: no findings, 1 note
    <BLANKLINE>
    NOTES
    <BLANKLINE>
    No registry text
    <BLANKLINE>
      The protocol names no registry text, so its criteria cannot be held against one.
          [no-source]
    """
    listed = list(findings)
    parts = {severity: [f for f in listed if f.severity == severity] for severity in ("finding", "note")}
    lines = [f"{protocol.id}: {_number(parts['finding'], 'finding')}, {_number(parts['note'], 'note')}"]
    for severity, part in parts.items():
        if part:
            lines += ["", f"{severity.upper()}S"]
        for kind in KINDS:
            if alike := [finding for finding in part if finding.kind == kind]:
                lines += ["", KINDS[kind]]
                lines += [line for finding in alike for line in ("", *_told(finding, protocol))]
    return "\n".join(lines)


def _number(items: list[Finding], word: str) -> str:
    return f"{len(items) or 'no'} {word}{'' if len(items) == 1 else 's'}"


def told_parts(finding: Finding, protocol: ProtocolData) -> Iterator[str]:
    """What a finding rests on, a line each: quotes, facts, the patients who show it."""
    for quote in finding.quotes:
        squeezed = " ".join(quote.split())
        short = squeezed if len(squeezed) <= LONGEST_QUOTE else squeezed[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " ..."
        yield f'Text: "{short}"'
    for fact in finding.facts:
        yield f"Rests on {fact}"
    if finding.witness is not None:
        yield f"Shown by: {_patient(finding, finding.witness, protocol)}"
    if finding.beside is not None:
        yield f"And by: {_second(finding, protocol)}"


def _told(finding: Finding, protocol: ProtocolData) -> Iterator[str]:
    yield from _wrapped(finding.sentence, 2)
    for part in told_parts(finding, protocol):
        yield from _wrapped(part, 6)
    proven = " Proven for every possible patient." if finding.no_patient else ""
    yield f"      [{finding.id}]{proven}"


def _wrapped(text: str, indent: int) -> list[str]:
    first, following = " " * indent, " " * (indent + 2 if indent > 2 else indent)
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=following)


def _patient(finding: Finding, patient: Mapping[str, Any], protocol: ProtocolData) -> str:
    """What matters of a patient for this finding, what is so before what is not."""
    asked = {name for id in finding.criteria for name in names(protocol.requirements[id])}
    shown = {name: field for name, field in protocol.fields.items() if name in asked}
    so = [_stated(field, patient[name]) for name, field in shown.items() if patient.get(name) not in (None, False)]
    no = [field.label for name, field in shown.items() if patient.get(name) is False]
    unknown = [field.label for name, field in shown.items() if patient.get(name) is None and not field.applies]
    parts = ("", so), ("No: ", no), ("Unknown: ", unknown)
    return ". ".join(f"{start}{'; '.join(part)}" for start, part in parts if part)


def _second(finding: Finding, protocol: ProtocolData) -> str:
    """The patient beside the first one: in full, or only the one value that differs."""
    first, second = finding.witness or {}, finding.beside or {}
    changed = [name for name in protocol.fields if first.get(name) != second.get(name)]
    if len(changed) == 1:
        return f"the same patient with {_stated(protocol.fields[changed[0]], second.get(changed[0]))}"
    return _patient(finding, second, protocol)


def _stated(field: Field, value: Any) -> str:
    return f"{field.label} {_value(field, value)}"


def _value(field: Field, value: Any) -> str:
    if value is True:
        return "yes"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{shown}{'' if field.unit.startswith('/') else ' '}{field.unit}" if field.unit else shown


def as_json(findings: Iterable[Finding], protocol: ProtocolData) -> str:
    """Findings as JSON: the protocol with its hash and chosen readings, and every finding with all its parts.

    What is unknown of a witness is absent from it; dates are written year-month-day.

    Args:
        findings: from `lint`.
        protocol: the one they are about.

    >>> from trialtools.criteria.contents import load_protocol
    >>> import json
    >>> json.loads(as_json([], load_protocol("data/protocols/NCT05741099.yaml")))["readings"]["I6"]
    'guideline'
    """
    page = {
        "protocol": {"id": protocol.id, "sha256": protocol.sha256},
        "readings": {c.id: protocol.reading(c.id) for c in protocol.criteria if c.readings},
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(page, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    assert isinstance(value, date)
    return value.isoformat()
