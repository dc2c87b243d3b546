"""Findings go in; text for a terminal, HTML for a notebook and JSON for a program come out."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from textwrap import wrap
from typing import Any

from ..language import names
from ..protocol import Field, ProtocolData
from .finding import KINDS, Finding

_WIDTH = 100
_LONGEST_QUOTE = 240
_INK, _QUIET = "#1a1a1a", "#595959"


class Findings(tuple[Finding, ...]):
    """What was found in a protocol; shows itself as a page in a notebook."""

    protocol: ProtocolData

    @classmethod
    def of(cls, found: Iterable[Finding], protocol: ProtocolData) -> Findings:
        """Findings with the protocol they are about."""
        made = cls(found)
        made.protocol = protocol
        return made

    @property
    def answer(self) -> str:
        """What was found, in a sentence."""
        kinds = dict.fromkeys(KINDS[f.kind].title for f in self if f.severity == "finding")
        notes = sum(finding.severity == "note" for finding in self)
        also = f" {notes} note{'s' * (notes != 1)} say what else to keep in mind." if notes else ""
        also += f" {_questions(self.protocol)}." if self.protocol.questions else ""
        if not kinds:
            return f"Nothing was found.{also}"
        found = len(self) - notes
        listed = "; ".join(kind[:1].lower() + kind[1:] for kind in kinds)
        return f"{found} finding{'s' * (found != 1)}: {listed}.{also}"

    def text(self) -> str:
        """A page of plain text, at most 100 columns wide: findings first, then notes, each by kind.

        >>> from trialtools.criteria.contents import read_protocol
        >>> sketch = read_protocol(
        ...     "{id: S, title: S, fields: {a: {type: flag, label: Cough}},"
        ...     " criteria: [{id: I1, kind: inclusion, label: Cough, when: a}]}"
        ... )
        >>> print(sketch.lint().text())
        S: no findings, 1 note
        <BLANKLINE>
        NOTES
        <BLANKLINE>
        No registry text
        <BLANKLINE>
          The protocol names no registry text, so its criteria cannot be held against one.
              [no-source]
        """
        counts = [sum(f.severity == severity for f in self) for severity in ("finding", "note")]
        still = f"; {_questions(self.protocol)}" if self.protocol.questions else ""
        lines = [f"{self.protocol.id}: {_number(counts[0], 'finding')}, {_number(counts[1], 'note')}{still}"]
        for severity, kinds in self._by_kind():
            lines += ["", f"{severity.upper()}S"]
            for title, alike in kinds.items():
                lines += ["", title, *(line for finding in alike for line in ("", *_lines(finding, self.protocol)))]
        return "\n".join(lines)

    def to_json(self) -> str:
        """JSON: the protocol with its hash and chosen readings, and every finding with all its parts.

        What is unknown of a witness is absent from it; dates are written year-month-day.
        """
        protocol = self.protocol
        page = {
            "protocol": {"id": protocol.id, "sha256": protocol.sha256},
            "readings": {c.id: protocol.reading(c.id) for c in protocol.criteria if c.readings},
            "findings": [asdict(finding) for finding in self],
        }
        return json.dumps(page, indent=2, ensure_ascii=False, default=date.isoformat)

    def __repr__(self) -> str:
        return f"{self.protocol.id}: {self.answer}"

    def _repr_html_(self) -> str:
        """By kind, each with what it rests on folded below it; no script, nothing loaded."""
        parts = []
        for severity, kinds in self._by_kind():
            parts.append(f"<h3>{severity.capitalize()}s</h3>")
            for title, alike in kinds.items():
                parts.append(f'<p style="margin:12px 0 4px;color:{_QUIET}">{title}</p>')
                parts += [_details(finding, self.protocol) for finding in alike]
        return f'<div class="tt-findings" style="color:{_INK}">{"".join(parts) or "<p>Nothing was found.</p>"}</div>'

    def _by_kind(self) -> Iterator[tuple[str, dict[str, list[Finding]]]]:
        """Findings, then notes, each by the title of its kind."""
        for severity in ("finding", "note"):
            kinds: dict[str, list[Finding]] = {}
            for kind, (title, _) in KINDS.items():
                if alike := [finding for finding in self if (finding.kind, finding.severity) == (kind, severity)]:
                    kinds[title] = alike
            if kinds:
                yield severity, kinds


def _questions(protocol: ProtocolData) -> str:
    return f"{len(protocol.questions)} of {len(protocol.criteria)} criteria are still questions"


def _number(n: int, word: str) -> str:
    return f"{n or 'no'} {word}{'' if n == 1 else 's'}"


def _rests_on(finding: Finding, protocol: ProtocolData) -> Iterator[str]:
    """What a finding rests on, a line each: quotes, facts, the patients who show it."""
    for quote in finding.quotes:
        squeezed = " ".join(quote.split())
        short = squeezed if len(squeezed) <= _LONGEST_QUOTE else squeezed[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + " ..."
        yield f'Text: "{short}"'
    for fact in finding.facts:
        yield f"Rests on {fact}"
    if finding.witness is not None:
        yield f"Shown by: {_patient(finding, finding.witness, protocol)}"
    if finding.beside is not None:
        yield f"And by: {_second(finding, protocol)}"
    if finding.breaks is not None:
        broken = " and ".join(fact.split(":")[0] for fact in finding.facts)
        yield f"Without {broken} this patient would be eligible: {_patient(finding, finding.breaks, protocol)}"


def _lines(finding: Finding, protocol: ProtocolData) -> Iterator[str]:
    yield from wrap(finding.sentence, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    for part in _rests_on(finding, protocol):
        yield from wrap(part, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8)
    yield f"      [{finding.id}] {_proven(finding)}".rstrip()


def _proven(finding: Finding) -> str:
    return f"Proven for {finding.proven_for}." if finding.proven_for else ""


def _details(finding: Finding, protocol: ProtocolData) -> str:
    below = filter(None, [*_rests_on(finding, protocol), _proven(finding)])
    opened = finding.severity == "finding"
    edge = f"border-left:3px solid {_INK if opened else _QUIET};padding:2px 0 2px 10px;margin:6px 0"
    return (
        f'<details id="{html.escape(finding.id)}" style="{edge}"{" open" if opened else ""}>'
        f"<summary>{html.escape(finding.sentence)}</summary>"
        f'<ul style="color:{_QUIET};margin:4px 0">{"".join(f"<li>{html.escape(part)}</li>" for part in below)}</ul>'
        "</details>"
    )


def _patient(finding: Finding, patient: Mapping[str, Any], protocol: ProtocolData) -> str:
    """What matters of a patient for this finding, what is so before what is not."""
    wanted = {name for id in finding.criteria for name in names(protocol.requirements[id])}
    shown = {name: field for name, field in protocol.fields.items() if name in wanted}
    so = [_statement(field, patient[name]) for name, field in shown.items() if patient.get(name) not in (None, False)]
    no = [field.label for name, field in shown.items() if patient.get(name) is False]
    unknown = [field.label for name, field in shown.items() if patient.get(name) is None and not field.applies]
    parts = ("", so), ("No: ", no), ("Unknown: ", unknown)
    return ". ".join(f"{start}{'; '.join(part)}" for start, part in parts if part)


def _second(finding: Finding, protocol: ProtocolData) -> str:
    """The patient beside the first one: in full, or only the one value that differs."""
    first, second = finding.witness or {}, finding.beside or {}
    changed = [name for name in protocol.fields if first.get(name) != second.get(name)]
    if len(changed) == 1:
        return f"the same patient with {_statement(protocol.fields[changed[0]], second.get(changed[0]))}"
    return _patient(finding, second, protocol)


def _statement(field: Field, value: Any) -> str:
    return f"{field.label} {field.write(value)}"
