"""What was found in a protocol: one sentence a clinician understands, what it rests on, and how all of it is shown."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from textwrap import wrap
from typing import Any, Literal, NamedTuple

from ..language import words
from ..language.formula import NUMERIC, Arithmetic, Formula, Name, names, type_of, walk
from ..protocol import Fact, Field, ProtocolData


class _FindingKind(NamedTuple):
    """What findings of a kind are called, and how much they matter."""

    title: str
    severity: Literal["finding", "note"] = "note"


_KINDS = {  # in the order they are told
    "question": _FindingKind("Still questions for a person"),
    "never-satisfiable": _FindingKind("Nobody can be eligible", "finding"),
    "contradiction": _FindingKind("Criteria that exclude each other", "finding"),
    "facts": _FindingKind("Declared facts", "finding"),
    "guideline": _FindingKind("Against the cited guideline", "finding"),
    "reading": _FindingKind("Readings that exclude everybody", "finding"),
    "dead-branch": _FindingKind("Alternatives that can never help", "finding"),
    "gap": _FindingKind("Values left out between two limits", "finding"),
    "redundant": _FindingKind("Criteria that decide nothing"),
    "idle-part": _FindingKind("Parts of a criterion that make no difference"),
    "boundary": _FindingKind("Limits that leave out their own value"),
    "uncovered": _FindingKind("Text without a criterion", "finding"),
    "unit": _FindingKind("Units", "finding"),
    "no-quote": _FindingKind("Criteria without a quote"),
    "no-source": _FindingKind("No registry text"),
    "known-later": _FindingKind("Unknown by design"),
    "undefined": _FindingKind("Terms the text does not define"),
    "judgement": _FindingKind("Judgement mixed with records"),
    "unused": _FindingKind("Fields that decide nothing"),
    "too-hard": _FindingKind("Left open"),
}

_WIDTH = 100
_LONGEST_QUOTE = 240
_INK, _QUIET = "#1a1a1a", "#595959"
_WHOLE = ("redundant", "idle-part")
"""Kinds whose proofs are about values known or missing; what holds of nobody holds of nobody known in part."""

EVERYBODY = "every possible patient"


@dataclass(frozen=True)
class Finding:
    """One thing found in a protocol.

    `facts` are the declared facts it rests on, each with its words. `witness` is a patient who shows it, judged by the
    reference evaluator; `beside` is a second patient, who differs from the first in one value. `breaks` is a patient
    who breaks those facts, and for whom the finding is not true. `proven_for` names the patients for whom it was
    proven; it is empty if nothing was proven.
    """

    id: str
    kind: str
    severity: Literal["finding", "note"]
    sentence: str
    criteria: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    witness: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] | None = None
    breaks: Mapping[str, Any] | None = None
    proven_for: str = ""


def finding_for(
    protocol: ProtocolData,
    kind: str,
    about: str,
    sentence: str,
    criteria: Iterable[str] = (),
    facts: Iterable[str] = (),
    proven_for: str = "",
    cites: Iterable[Fact] = (),
    **more: Any,
) -> Finding:
    """A finding with the quotes of its criteria and the words of its facts.

    Args:
        protocol: what it was found in.
        kind: one of `_KINDS`, which says how much it matters.
        about: what it is about, as the rest of its id.
        sentence: for a clinician.
        criteria: by id, what it is about first.
        facts: by id, the declared facts it rests on.
        proven_for: whom the proof is about, such as `EVERYBODY`.
        cites: statements of a guideline that it rests on.
        more: other parts of a `Finding`.
    """
    ids, fact_ids = tuple(criteria), tuple(facts)
    formulas = [protocol.formula(id, reading) for id in ids for reading in protocol.criterion[id].texts]
    formulas += [*protocol.applies.values(), *(protocol.fact_formulas[id] for id in fact_ids)]
    whole = kind in _WHOLE and proven_for == EVERYBODY
    parts = {
        "severity": _KINDS[kind].severity,
        "quotes": tuple(quote for id in ids for quote in protocol.criterion[id].quotes),
        "facts": (*map(_citation, cites), *(f"{id}: {says}" for id, says in _says(protocol, fact_ids).items())),
        "proven_for": proven_for + proviso(formulas, whole) if proven_for else "",
    }
    return Finding(f"{kind}:{about}" if about else kind, kind, sentence=sentence, criteria=ids, **{**parts, **more})


def _citation(fact: Fact) -> str:
    return f"{fact.id}: {fact.says}{f' ({fact.source})' if fact.source else ''}"


def proviso(formulas: Iterable[Formula], whole: bool) -> str:
    """What a proof takes for granted, or nothing.

    Doubles may miss the sum of decimals by a digit; and what is so whatever a value is need not be so of a value that
    is known in part, where a proof needs the `whole` of it.
    """
    parts = [part for formula in formulas for part in walk(formula)]
    sums = [part for part in parts if isinstance(part, Arithmetic) and type_of(part.left) != "date"]
    ranges = [part for part in parts if whole and isinstance(part, Name) and part.type in (*NUMERIC, "date")]
    granted = ["sums and products are exact"] * bool(sums) + ["no value is known only in part"] * bool(ranges)
    return f", if {join(granted)}" if granted else ""


def _says(protocol: ProtocolData, facts: Iterable[str]) -> dict[str, str]:
    says = {fact.id: fact.says for fact in protocol.facts}
    return {id: says[id] for id in facts}


def facts_clause(protocol: ProtocolData, facts: Iterable[str]) -> str:
    """` as long as the declared fact holds: "Late pregnancy is pregnancy" (F1)`, or nothing."""
    facts_text = [f'"{says}" ({id})' for id, says in _says(protocol, facts).items()]
    if not facts_text:
        return ""
    return f" as long as the declared {'facts hold' if len(facts_text) > 1 else 'fact holds'}: {join(facts_text)}"


def titles(protocol: ProtocolData, *ids: str, reading: Mapping[str, str] | None = None, word: str = "and") -> str:
    """Criteria as they are spoken of: `I1 (Age 18 to 85) and E7 (Tuberculosis, read as "literal")`."""
    parts = []
    for id in ids:
        criterion = protocol.criterion[id]
        chosen = (reading or {}).get(id) or protocol.reading(id)
        parts.append(f"{id} ({criterion.label}" + (f', read as "{chosen}")' if len(criterion.texts) > 1 else ")"))
    return join(parts, word)


def cannot_pass(protocol: ProtocolData, ids: tuple[str, ...]) -> str:
    """What happens to the patients of a proof: they fail one of its criteria, or leave one open with data missing."""
    return f"cannot pass {titles(protocol, *ids)}" + (" together" if len(ids) > 1 else "")


def join(parts: Iterable[str], word: str = "and") -> str:
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def slug(formula: Formula) -> str:
    """A formula as a part of an id: the same as long as the formula is."""
    return formula.name if isinstance(formula, Name) else slug_of(words(formula, {}), 80)


def slug_of(text: str, longest: int) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:longest].strip("-.")


# --- as text, HTML and JSON -------------------------------------------------------------------------------------------


class Findings(tuple[Finding, ...]):
    """What was found in a protocol; shows itself as a page in a notebook."""

    protocol: ProtocolData

    @classmethod
    def of(cls, findings: Iterable[Finding], protocol: ProtocolData) -> Findings:
        """Findings with the protocol they are about, what needs attention first.

        No id stands twice: the second alternative that reads the same is `...:2`.
        """
        order, seen = list(_KINDS), Counter()
        unique = []
        for finding in sorted(findings, key=lambda finding: (finding.severity, order.index(finding.kind))):
            seen[finding.id] += 1
            again = seen[finding.id] > 1
            unique.append(replace(finding, id=f"{finding.id}:{seen[finding.id]}") if again else finding)
        made = cls(unique)
        made.protocol = protocol
        return made

    @property
    def answer(self) -> str:
        """What was found, in a sentence."""
        kinds = dict.fromkeys(_KINDS[f.kind].title for f in self if f.severity == "finding")
        notes = sum(finding.severity == "note" for finding in self)
        also = f" {notes} note{'s' * (notes != 1)} say what else to keep in mind." if notes else ""
        also += f" {_questions(self.protocol)}." if self.protocol.questions else ""
        if not kinds:
            return f"Nothing was found.{also}"
        n = len(self) - notes
        kinds_text = "; ".join(kind[:1].lower() + kind[1:] for kind in kinds)
        return f"{n} finding{'s' * (n != 1)}: {kinds_text}.{also}"

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
            for kind, (title, _) in _KINDS.items():
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
    yield f"      [{finding.id}] {_proof_sentence(finding)}".rstrip()


def _proof_sentence(finding: Finding) -> str:
    return f"Proven for {finding.proven_for}." if finding.proven_for else ""


def _details(finding: Finding, protocol: ProtocolData) -> str:
    below = filter(None, [*_rests_on(finding, protocol), _proof_sentence(finding)])
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
