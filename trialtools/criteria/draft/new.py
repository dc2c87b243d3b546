"""A record goes in; its registry text and a protocol file, a checklist, come out, where nobody's work is in the way."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..contents import load_protocol
from ..files import whole
from ..language import ProtocolError
from ..protocol import DataError, squeeze
from .checklist import Draft, draft
from .pieces import sentences
from .record import Record, record_of
from .registry_text import record_in

_NOT_UTF8 = "it is not UTF-8 text; save it as plain text in UTF-8, or paste the criteria into a .txt file"


def new(record: str | os.PathLike[str], out: str | os.PathLike[str] = ".") -> Draft:
    """A registry record as a protocol file of questions, written to `out/protocols`, its text to `out/registry`.

    Args:
        record: JSON of ClinicalTrials.gov's API v2, or a text pasted from any registry.
        out: folder of the two; made where it is not there.

    Raises:
        DataError: no record, or a protocol file of this trial is there already. Nothing is overwritten; the message
            says what the record says otherwise now.
    """
    trial = _read_record(record)
    folder = Path(out)
    protocol, registry = folder / "protocols" / f"{trial.id}.yaml", folder / "registry" / f"{trial.id}.txt"
    if protocol.exists() or registry.exists():
        raise DataError(_refusal(trial, protocol, registry))
    made = draft(trial, protocol, registry)
    for file, content in ((registry, trial.text), (protocol, made.written)):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as part:
            part.write_text(content, "utf-8", newline="\n")
    return made


def _read_record(path: str | os.PathLike[str]) -> Record:
    """What a file holds: JSON of ClinicalTrials.gov, or a pasted text.

    Raises:
        DataError: it cannot be read, or holds neither.
    """
    file = Path(path)
    try:
        written = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _NOT_UTF8
        raise DataError(f"the record {path} cannot be read: {reason}") from None
    if file.suffix.lower() != ".json" and not written.lstrip().startswith(("{", "[")):
        return record_in(written, file.name)
    try:
        data = json.loads(written)
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON: {error}; save the record again, or paste its text into a .txt file"
        raise DataError(message) from None
    try:
        return record_of(data)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _refusal(record: Record, protocol: Path, registry: Path) -> str:
    """Why nothing is written, and what the record says otherwise than the registry text that is there."""
    there = protocol if protocol.exists() else registry
    lines = [f"{there} is there already, and somebody's work may be in it; nothing was written."]
    before = registry.read_text("utf-8", errors="replace") if registry.is_file() else ""  # it is only compared
    if before == record.text:
        return lines[0] + " The record has not changed."
    old, now = ([part for line in text.split("\n") for part in sentences(line)] for text in (before, record.text))
    changes = [f"  {line}" for line in difflib.ndiff(old, now) if line[:1] in "+-"]
    lines += ["The record has changed (- before, + now):", *changes, *_lost_quotes(record, protocol)]
    return "\n".join([*lines, "To begin anew beside it: trialtools new RECORD --out ANOTHER_FOLDER"])


def _lost_quotes(record: Record, protocol: Path) -> Iterator[str]:
    """The criteria of the file that quote what the record no longer says."""
    try:
        written = load_protocol(protocol)
    except ProtocolError:
        return
    text = squeeze(record.text)
    for criterion in written.criteria:
        if any(squeeze(quote) not in text for quote in criterion.quotes):
            yield f"  {criterion.id} ({criterion.label}) quotes what the record no longer says"
