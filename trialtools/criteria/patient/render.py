"""An `Explanation` goes in; plain text, HTML or plain data comes out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from typing import Any

from .verdict import Explanation, Node, Verdict, leaves

SYMBOLS = {"pass": "✓", "fail": "✗", "unknown": "?"}
DECIDED = {"eligible": "pass", "ineligible": "fail", "undetermined": "unknown"}
ORDER = ("fail", "unknown", "pass")
WIDTH = 110


def in_order(explanation: Explanation) -> list[Verdict]:
    """The criteria as a reader needs them: what fails, then what is unknown, then what passes."""
    return sorted(explanation.criteria, key=lambda verdict: ORDER.index(verdict.state))


def headline(explanation: Explanation) -> str:
    """The decision in one line, with the number of criteria in each state."""
    counts = " · ".join(f"{n} {state}" for state, n in explanation.counts.items())
    waiting = ", awaiting judgement" if explanation.awaiting_judgement else ""
    symbol = SYMBOLS[DECIDED[explanation.decision]]
    return f"{symbol} {explanation.decision.upper()}{waiting}   {counts}"


def title(verdict: Verdict) -> str:
    """The name of a criterion; of an exclusion also whether it applies, for passing it means that it does not."""
    waits = verdict.judgement and verdict.state == "unknown"
    if verdict.kind == "inclusion":
        return f"{verdict.label} (for a person to judge)" if waits else verdict.label
    open_ = "for a person to judge" if waits else "not known whether it applies"
    applies = {"pass": "does not apply", "fail": "applies", "unknown": open_}[verdict.state]
    return f"{verdict.label} (exclusion: {applies})"


# --- text -------------------------------------------------------------------------------------------------------------


def as_text(explanation: Explanation, full: bool = False) -> str:
    """The verdict as plain text."""
    named = f" · patient {explanation.patient}" if explanation.patient else ""
    lines = [f"{explanation.protocol}{named}", headline(explanation)]
    lines += [line for note in explanation.notes for line in _wrapped(note, "! ", "  ")]
    width = max(len(verdict.id) for verdict in explanation.criteria)
    spaced = True
    for verdict in in_order(explanation):
        told = full or verdict.state != "pass"
        lines += [""] if told or spaced else []
        lines += _told(verdict, width, full) if told else _brief(verdict, width)
        spaced = told
    return "\n".join(lines)


def _line(verdict: Verdict, width: int) -> str:
    return f"{SYMBOLS[verdict.state]} {verdict.state:<8}{verdict.id:<{width}}  "


def _brief(verdict: Verdict, width: int) -> list[str]:
    """What passes, in as little as one line: its name and the values that decided."""
    start = _line(verdict, width)
    values = "; ".join(leaf.value for leaf in leaves(verdict.tree))
    return _wrapped(f"{title(verdict)} · {values}", start, " " * len(start))


def _told(verdict: Verdict, width: int, full: bool) -> list[str]:
    """The name, the sentence, how it is read (the tree says the default reading already), and the steps."""
    start = _line(verdict, width)
    inside = " " * len(start)
    lines = _wrapped(title(verdict), start, inside)
    for quote in verdict.quotes:
        lines += _wrapped(f'"{quote}"', inside, inside + " ")
    if verdict.reading:
        reading = f"read as {verdict.reading}: {verdict.words}" if full else f"read as {verdict.reading}"
        lines += _wrapped(reading, inside, inside + "  ")
    if verdict.why and full:
        lines += _wrapped(f"why: {verdict.why}", inside, inside + "  ")
    lines += _branches(verdict.tree, inside, full)
    if verdict.known_later and verdict.state == "unknown":
        lines += _wrapped(f"not known at screening: {verdict.known_later}", inside, inside + "  ")
    return lines


def _branches(node: Node, indent: str, full: bool) -> list[str]:
    start = f"{indent}{SYMBOLS[node.state]} "
    if not node.children:
        return _wrapped(step(node), start, indent + "  ")
    shown = [child for child in node.children if full or child.deciding]
    hidden = len(node.children) - len(shown)
    beside = f" ({hidden} more {'does' if hidden == 1 else 'do'} not decide)" if hidden else ""
    lines = [f"{start}{node.words}:{beside}"]
    for child in shown:
        lines += _branches(child, indent + "  ", full)
    return lines


def step(node: Node) -> str:
    """A single step: what is known and, unless it is as it should be, what was asked for."""
    plain = node.state == "pass" and node.words in ("needed: yes", "needed: no")
    return node.value if plain or not node.words else f"{node.value} ({node.words})"


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    )


# --- data -------------------------------------------------------------------------------------------------------------


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """The verdict as plain data."""
    return {**asdict(explanation), "counts": explanation.counts}


# --- HTML -------------------------------------------------------------------------------------------------------------

STYLE = """
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


def as_html(explanation: Explanation) -> str:
    """The verdict as one piece of HTML; a fold for each criterion, what fails stands open."""
    state = DECIDED[explanation.decision]
    counts = ", ".join(f"{n} {word}" for word, n in explanation.counts.items())
    waiting = ", awaiting judgement" if explanation.awaiting_judgement else ""
    named = escape(" · patient ".join(filter(None, (explanation.protocol, explanation.patient))))
    notes = "".join(f"<p><strong>Note.</strong> {escape(note)}</p>" for note in explanation.notes)
    folds = "".join(_fold(verdict) for verdict in in_order(explanation))
    return (
        f'<section class="tt-verdict" aria-label="Verdict for {named}"><style>{STYLE}</style>'
        f'<h3 class="{state}">{_symbol(state)} {explanation.decision.upper()}{waiting}</h3>'
        f"<p>{named}: {counts}.</p>{notes}{folds}</section>"
    )


def _fold(verdict: Verdict) -> str:
    brief = "; ".join(leaf.value for leaf in leaves(verdict.tree))
    quotes = "".join(f"<blockquote>{escape(quote)}</blockquote>" for quote in verdict.quotes)
    reading = f"Read as <strong>{escape(verdict.reading)}</strong>: " if verdict.reading else "Read as: "
    why = f'<p class="aside">{escape(verdict.why)}</p>' if verdict.why else ""
    later = f"<p>Not known at screening: {escape(verdict.known_later)}</p>" if verdict.known_later else ""
    return (
        f'<details class="{verdict.state}"{" open" if verdict.state == "fail" else ""}>'
        f'<summary>{_symbol(verdict.state)} <i class="w">{verdict.state}</i> {escape(verdict.id)} '
        f'{escape(title(verdict))} <span class="aside">{escape(brief)}</span></summary>'
        f"{quotes}<p>{reading}{escape(verdict.words)}</p>{why}<ul>{_items([verdict.tree])}</ul>{later}</details>"
    )


def _items(nodes: Iterable[Node]) -> str:
    """Nested lists; the state of each step is a word as well as a sign and a colour."""
    return "".join(_item(node) for node in nodes)


def _item(node: Node) -> str:
    said = escape(step(node) if not node.children else node.words)
    inner = f"<ul>{_items(node.children)}</ul>" if node.children else ""
    if node.deciding:
        return f'<li class="{node.state}">{_symbol(node.state)} {said} <small>{node.state}</small>{inner}</li>'
    return f'<li class="aside">{_symbol(node.state)} {said} <small>{node.state}, does not decide</small>{inner}</li>'


def _symbol(state: str) -> str:
    return f'<b class="s" aria-hidden="true">{SYMBOLS[state]}</b>'
