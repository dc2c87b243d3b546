"""Findings as part of a page: each a sentence that opens to the text, the facts and the patient it rests on."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ..protocol import ProtocolData
from .finding import KINDS, Finding
from .show import told_parts

INK, QUIET = "#1a1a1a", "#595959"


def answer(findings: Iterable[Finding]) -> str:
    """What was found, in a sentence.

    >>> answer([])
    'Nothing was found.'
    """
    listed = list(findings)
    kinds = dict.fromkeys(KINDS[f.kind] for f in listed if f.severity == "finding")
    notes = sum(finding.severity == "note" for finding in listed)
    also = f" {notes} note{'s' * (notes != 1)} say what else to keep in mind." if notes else ""
    if not kinds:
        return f"Nothing was found.{also}"
    found = len(listed) - notes
    said = "; ".join(kind[:1].lower() + kind[1:] for kind in kinds)
    return f"{found} finding{'s' * (found != 1)}: {said}.{also}"


def as_html(findings: Iterable[Finding], protocol: ProtocolData) -> str:
    """Findings as HTML: by kind, each with what it rests on folded below it; no script, nothing loaded.

    Args:
        findings: from `lint`.
        protocol: the one they are about.
    """
    listed = list(findings)
    parts = []
    for severity, heading in (("finding", "Findings"), ("note", "Notes")):
        part = [finding for finding in listed if finding.severity == severity]
        if part:
            parts.append(f"<h3>{heading}</h3>")
        for kind, title in KINDS.items():
            if alike := [finding for finding in part if finding.kind == kind]:
                parts.append(f'<p style="margin:12px 0 4px;color:{QUIET}">{title}</p>')
                parts += [_folded(finding, protocol, open_=severity == "finding") for finding in alike]
    return f'<div class="tt-findings" style="color:{INK}">{"".join(parts) or "<p>Nothing was found.</p>"}</div>'


def _folded(finding: Finding, protocol: ProtocolData, open_: bool) -> str:
    below = "".join(f"<li>{html.escape(part)}</li>" for part in told_parts(finding, protocol))
    proven = "<li>Proven for every possible patient.</li>" if finding.no_patient else ""
    edge = f"border-left:3px solid {INK if open_ else QUIET};padding:2px 0 2px 10px;margin:6px 0"
    return (
        f'<details id="{html.escape(finding.id)}" style="{edge}"{" open" if open_ else ""}>'
        f"<summary>{html.escape(finding.sentence)}</summary>"
        f'<ul style="color:{QUIET};margin:4px 0">{below}{proven}</ul></details>'
    )
