"""A qualification record goes in, one page comes out that any browser shows and prints; it makes no request."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .record import Qualification, Trial

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } h2 { font-size: 1.05rem; margin: 0 0 .25rem }
section { border-top: 1px solid GrayText; padding: .75rem 0 }
section.deviation { border: 3px solid; padding: .75rem }
dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .1rem 1rem; margin: .5rem 0 }
dt { opacity: .75 } dd { margin: 0; overflow-wrap: anywhere }
.seen dd.value { font-family: ui-monospace, monospace; font-size: .85rem }
.verdict { font-size: 1.25rem; font-weight: 600 }
.signature { margin: 2rem 0 } .signature span { display: inline-block; border-bottom: 1px solid; width: 14rem }
@media print { body { font-size: 10pt; margin: 0; max-width: none } section { break-inside: avoid } }
"""


def qualification_page(record: Qualification) -> str:
    """The record as a page: the finding first, then who and where, deviations, and every requirement."""
    failed, n = record.deviations, len(record.trials)
    verdict = f"{n - len(failed)} of {n} requirements as expected, {len(failed)} deviations."
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    times = {"started": f"{record.started} (UTC)", "ended": f"{record.ended} (UTC)", "versions": versions}
    links = "".join(f'<li><a href="#{t.number}">{t.number}</a> {escape(t.requirement)}</li>' for t in failed)
    title = "Qualification of trialtools on this machine"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        f'<p class="verdict">{verdict}</p>{_pairs({**record.by, **record.machine, **times})}',
        f"<h2>Deviations</h2>{f'<ul>{links}</ul>' if links else '<p>None.</p>'}",
        *map(_section, record.trials),
        '<p class="signature">Reviewed by <span></span> on <span></span></p></main></body></html>',
    ]
    return "\n".join(parts) + "\n"


def _section(trial: Trial) -> str:
    state = "as expected" if trial.passed else "DEVIATION"
    parts = {name: getattr(trial, name) for name in ("source", "method", "input", "expected", "seen")}
    return (
        f'<section id="{trial.number}" class="seen {"passed" if trial.passed else "deviation"}">'
        f"<h2>{trial.number}: {state}</h2>{escape(trial.requirement)}{_pairs(parts)}</section>"
    )


def _pairs(facts: Mapping[str, str]) -> str:
    """Names and what they are; what was expected and seen is set as it is written in Python."""
    marked = {name: ' class="value"' if name in ("expected", "seen") else "" for name in facts}
    rows = (f"<dt>{escape(name)}</dt><dd{marked[name]}>{escape(text)}</dd>" for name, text in facts.items())
    return f"<dl>{''.join(rows)}</dl>"
