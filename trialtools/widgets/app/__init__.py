"""Parameters of a page go in, the screen that fills it comes out, or a sentence that says what was missing."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from ...cohort.sources import read_patients
from ...criteria.contents import Protocol, load_protocol
from ...criteria.language import ProtocolError
from ...criteria.protocol import DataError
from ...figures.page import Html
from ..arm_laboratory import randomization
from ..browser import style
from ..cohort_explorer import explorer
from ..screening_desk import desk

_File = str | Path


def desk_page(protocol: _File, patients: _File = "", mapping: _File = "") -> Any:
    """The screening desk, with a table of patients or without."""
    return _page(lambda: desk(*_read(protocol, patients, mapping)))


def explorer_page(protocol: _File, patients: _File, mapping: _File = "") -> Any:
    """The cohort explorer of a table of patients."""
    return _page(lambda: explorer(*_read(protocol, patients, mapping)))


def laboratory_page(protocol: _File) -> Any:
    """The randomization laboratory of a protocol."""
    return _page(lambda: randomization(load_protocol(protocol)))


def _read(protocol: _File, patients: _File, mapping: _File) -> tuple[Protocol, Any]:
    rules = load_protocol(protocol)
    return rules, read_patients(patients, rules, mapping or None) if patients else None


def _page(make: Callable[[], Any]) -> Any:
    """What is made, or what was missing and what to do."""
    try:
        return make()
    except (DataError, ProtocolError, OSError) as error:
        return Html(
            f"<style>{style()}</style><section class='tt page-trouble'><h1>This page could not be made</h1>"
            f"<p>What was missing:</p><pre>{escape(str(error))}</pre>"
            "<p>Mend the file, or name another one among the parameters of the notebook, and open the page again.</p>"
            "<p>Back to the start page: “← trialtools” above.</p></section>"
        )
