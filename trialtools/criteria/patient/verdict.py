"""A protocol and one patient go in, the verdict comes out: decision, criteria and their steps, as text or HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from ..language import Not, words
from ..protocol import Criterion, ProtocolData
from .tree import Decision, Node, Record, State, decide, leaves, notes, tree

SYMBOLS: dict[State, str] = {"pass": "✓", "fail": "✗", "unknown": "?"}
_STATES: dict[Decision, State] = {"eligible": "pass", "ineligible": "fail", "undetermined": "unknown"}
_URGENCY = ("fail", "unknown", "pass")
_WIDTH = 110


@dataclass(frozen=True)
class Verdict:
    """What one criterion says of the patient, the sentence it comes from, and how and why it is read so."""

    id: str
    kind: Literal["inclusion", "exclusion"]
    label: str
    state: State
    quotes: tuple[str, ...]
    reading: str
    words: str
    tree: Node
    why: str | None = None
    known_later: str | None = None
    judgement: bool = False

    @property
    def title(self) -> str:
        """The name; of an exclusion also whether it applies, for passing it means that it does not."""
        waits = self.judgement and self.state == "unknown"
        if self.kind == "inclusion":
            return f"{self.label} (for a person to judge)" if waits else self.label
        open_ = "for a person to judge" if waits else "not known whether it applies"
        applies = {"pass": "does not apply", "fail": "applies", "unknown": open_}[self.state]
        return f"{self.label} (exclusion: {applies})"

    @property
    def values(self) -> str:
        """What is known of the facts that decide."""
        return "; ".join(leaf.value for leaf in leaves(self.tree))


@dataclass(frozen=True)
class Explanation:
    """The decision about one patient and its reasons. `notes` says what in the record cannot be as it stands."""

    protocol: str
    patient: str
    decision: Decision
    criteria: tuple[Verdict, ...]
    awaiting_judgement: bool = False
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The decision as a state: eligible is pass."""
        return _STATES[self.decision]

    @property
    def counts(self) -> dict[State, int]:
        """How many criteria pass, fail and are unknown."""
        return {state: sum(v.state == state for v in self.criteria) for state in SYMBOLS}

    @property
    def by_urgency(self) -> list[Verdict]:
        """The criteria as a reader needs them: what fails, then what is unknown, then what passes."""
        return sorted(self.criteria, key=lambda verdict: _URGENCY.index(verdict.state))

    @property
    def headline(self) -> str:
        """The decision in capitals, and what it waits for."""
        return self.decision.upper() + (", awaiting judgement" if self.awaiting_judgement else "")

    @property
    def _who(self) -> str:
        return " · patient ".join(filter(None, (self.protocol, self.patient)))

    def _counts_text(self, between: str = ", ") -> str:
        return between.join(f"{n} {state}" for state, n in self.counts.items())

    def text(self, full: bool = False) -> str:
        """The verdict as plain text: what fails, then what is unknown, then what passes.

        Args:
            full: every branch and every quote, not only what decides.
        """
        lines = [self._who, f"{SYMBOLS[self.state]} {self.headline}   {self._counts_text(' · ')}"]
        lines += [line for note in self.notes for line in _wrap(note, "! ", "  ")]
        width = max(len(verdict.id) for verdict in self.criteria)
        brief = False
        for verdict in self.by_urgency:
            above, brief = brief, verdict.state == "pass" and not full
            lines += [] if above and brief else [""]
            lines += _criterion_lines(verdict, width, full)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The verdict as one piece of HTML that needs nothing else: a fold for each criterion, no script.

        What fails stands open.
        """
        patient = escape(self._who)
        remarks = "".join(f"<p><strong>Note.</strong> {escape(note)}</p>" for note in self.notes)
        return (
            f'<section class="tt-verdict" aria-label="Verdict for {patient}"><style>{_STYLE}</style>'
            f'<h3 class="{self.state}">{_symbol(self.state)} {self.headline}</h3>'
            f"<p>{patient}: {self._counts_text()}.</p>{remarks}{''.join(map(_fold, self.by_urgency))}</section>"
        )

    def __repr__(self) -> str:
        return f"{self._who}: {self.headline} ({self._counts_text()})"


def explain(protocol: ProtocolData, patient: Mapping[str, Any]) -> Explanation:
    """Why a patient is eligible, ineligible or undetermined: a verdict tree from the decision down to the values.

    What is unknown stays unknown on every step it touches. Impossible values are read as unknown, and flags that do
    not apply as false; both are said where they matter.

    Args:
        protocol: with the readings that were chosen.
        patient: values by field name, `patient_id` if there is one; a missing name is unknown.

    Raises:
        DataError: a name that is no field, or a value of the wrong type.

    >>> from trialtools.criteria.contents import load_protocol
    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml")
    >>> verdict = explain(protocol, {"age": 71, "respiratory_rate": 31})
    >>> verdict.decision, verdict.counts
    ('ineligible', {'pass': 2, 'fail': 1, 'unknown': 15})
    >>> print(verdict.criteria[5].tree.value)
    Respiratory rate at rest 31/min

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    record = Record(protocol, patient, protocol.facts_of(patient))
    criteria = tuple(_verdict(record, criterion) for criterion in protocol.criteria)
    decision = decide(verdict.state for verdict in criteria)
    judged = all(verdict.judgement for verdict in criteria if verdict.state == "unknown")
    id = str(patient.get("patient_id") or "")
    return Explanation(protocol.id, id, decision, criteria, decision == "undetermined" and judged, tuple(notes(record)))


def _verdict(record: Record, criterion: Criterion) -> Verdict:
    protocol, formula = record.protocol, record.protocol.requirements[criterion.id]
    steps = tree(record, formula)
    rule = formula.item if criterion.kind == "exclusion" and isinstance(formula, Not) else formula
    return Verdict(
        id=criterion.id,
        kind=criterion.kind,
        label=criterion.label,
        state=steps.state,
        quotes=criterion.quotes,
        reading=protocol.reading(criterion.id),
        words=words(rule, protocol.fields),
        tree=steps,
        why=criterion.why,
        known_later=criterion.known_later,
        judgement=criterion.id in protocol.judgements,
    )


# --- text -------------------------------------------------------------------------------------------------------------


def _criterion_lines(verdict: Verdict, width: int, full: bool) -> list[str]:
    """The name, the sentence, how it is read (the tree says the default reading already), and the steps.

    What passes takes as little as one line: its name and the values that decided.
    """
    start = f"{SYMBOLS[verdict.state]} {verdict.state:<8}{verdict.id:<{width}}  "
    inside = " " * len(start)
    if verdict.state == "pass" and not full:
        return _wrap(f"{verdict.title} · {verdict.values}", start, inside)
    lines = _wrap(verdict.title, start, inside)
    for quote in verdict.quotes:
        lines += _wrap(f'"{quote}"', inside, inside + " ")
    if verdict.reading:
        lines += _wrap(f"read as {verdict.reading}{f': {verdict.words}' if full else ''}", inside, inside + "  ")
    if verdict.why and full:
        lines += _wrap(f"why: {verdict.why}", inside, inside + "  ")
    lines += _step_lines(verdict.tree, inside, full)
    if verdict.known_later and verdict.state == "unknown":
        lines += _wrap(f"not known at screening: {verdict.known_later}", inside, inside + "  ")
    return lines


def _step_lines(node: Node, indent: str, full: bool) -> list[str]:
    start = f"{indent}{SYMBOLS[node.state]} "
    if not node.children:
        return _wrap(node.text, start, indent + "  ")
    children = [child for child in node.children if full or child.deciding]
    more = len(node.children) - len(children)
    beside = f" ({more} more {'does' if more == 1 else 'do'} not decide)" if more else ""
    return [
        f"{start}{node.text}:{beside}",
        *(s for child in children for s in _step_lines(child, indent + "  ", full)),
    ]


def _wrap(text: str, first: str, later: str) -> list[str]:
    text = " ".join(text.split())
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


# --- HTML -------------------------------------------------------------------------------------------------------------

_STYLE = """
.tt-verdict{font:14px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:60em}
.tt-verdict h3{margin:.2em 0;font-size:1.15em}
.tt-verdict details{border-left:4px solid var(--c);padding:.15em .6em;margin:.25em 0}
.tt-verdict summary{cursor:pointer}
.tt-verdict summary:focus-visible{outline:2px solid #1a1a1a}
.tt-verdict ul{list-style:none;margin:.2em 0;padding-left:1.2em}
.tt-verdict blockquote{margin:.3em 0 .3em 1.2em;font-style:italic}
.tt-verdict p{margin:.3em 0}
.tt-verdict b.s{color:var(--c);display:inline-block;min-width:1.1em;font-size:1.2em;line-height:1}
.tt-verdict i.w{font-style:normal;font-weight:600;display:inline-block;min-width:5.2em}
.tt-verdict .aside{color:#595959;--c:#595959}
.tt-verdict .pass{--c:#0072B2}.tt-verdict .fail{--c:#D55E00}.tt-verdict .unknown{--c:#767676}
"""


def _fold(verdict: Verdict) -> str:
    quotes = "".join(f"<blockquote>{escape(quote)}</blockquote>" for quote in verdict.quotes)
    reading = f"Read as <strong>{escape(verdict.reading)}</strong>: " if verdict.reading else "Read as: "
    why = f'<p class="aside">{escape(verdict.why)}</p>' if verdict.why else ""
    later = f"<p>Not known at screening: {escape(verdict.known_later)}</p>" if verdict.known_later else ""
    return (
        f'<details class="{verdict.state}"{" open" if verdict.state == "fail" else ""}>'
        f'<summary>{_symbol(verdict.state)} <i class="w">{verdict.state}</i> {escape(verdict.id)} '
        f'{escape(verdict.title)} <span class="aside">{escape(verdict.values)}</span></summary>'
        f"{quotes}<p>{reading}{escape(verdict.words)}</p>{why}<ul>{_item(verdict.tree)}</ul>{later}</details>"
    )


def _item(node: Node) -> str:
    """A step and those below it; its state is a word as well as a sign and a colour."""
    text = escape(node.text)
    inner = f"<ul>{''.join(map(_item, node.children))}</ul>" if node.children else ""
    kind, remark = (node.state, "") if node.deciding else ("aside", ", does not decide")
    return f'<li class="{kind}">{_symbol(node.state)} {text} <small>{node.state}{remark}</small>{inner}</li>'


def _symbol(state: State) -> str:
    return f'<b class="s" aria-hidden="true">{SYMBOLS[state]}</b>'
