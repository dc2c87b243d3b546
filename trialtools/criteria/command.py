"""`trialtools new` and `trialtools check`: a protocol file goes in or comes out, words about it are printed."""

from __future__ import annotations

from .contents import load_protocol
from .doors import DONE, FOUND
from .draft.new import new
from .proofs.findings import lint


def _check(protocol: str, *, reading: tuple[str, ...] = (), strict: bool = False, json: bool = False) -> int:
    """What a protocol gets wrong, proved without any patient.

    Args:
        reading (I6=registered): the reading of an ambiguous sentence
        strict: exit with 1 when something is found
    """
    findings = lint(load_protocol(protocol, readings=", ".join(reading)))
    print(findings.to_json() if json else findings.text())
    return FOUND if strict and any(finding.severity == "finding" for finding in findings) else DONE


def _new(record: str, *, out: str = ".") -> int:
    """A protocol file of questions from a registry record.

    Args:
        record: JSON of ClinicalTrials.gov (API v2), or a text pasted from any registry
        out (DIR): where protocols/ and registry/ are; here by default
    """
    print(new(record, out).text())
    return DONE


__commands__ = {"check": _check, "new": _new}
