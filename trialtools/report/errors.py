"""What can go wrong with a report: what was asked for (`ReportError`), or the notebook itself (`NotebookError`)."""

from __future__ import annotations

import os
from pathlib import Path


class ReportError(Exception):
    """What was asked for cannot be done: a wrong parameter, no such notebook, a folder that cannot be written."""


class NotebookError(Exception):
    """A notebook failed. `cell` counts from 1 as a reader sees it; `failed` is the notebook as far as it came."""

    def __init__(self, message: str, cell: int | None = None, failed: Path | None = None) -> None:
        super().__init__(message)
        self.message, self.cell, self.failed = message, cell, failed

    def __str__(self) -> str:
        return self.message + (f"\nHow far it came: {self.failed}" if self.failed else "")


def check_letters(what: str, text: str | os.PathLike[str]) -> None:
    """Nothing, where a text can be written down: no bytes of an older encoding, as names of files may have.

    Raises:
        ReportError: it cannot.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in str(text)):
        raise ReportError(f"{what} {str(text)!r} holds bytes that are no UTF-8; rename it, and name it anew")
