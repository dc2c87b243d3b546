"""A folder, a wide file or frames go in, the tidy tables come out as texts, whatever shape they had."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...criteria.protocol import DataError
from .findings import finding
from .mapping import load_mapping, read_wide, with_mapping
from .raw import SUFFIXES, Raw, as_text, hashes_of
from .sdtm import domains, read_sdtm
from .tables import TABLES

OURS = ("findings.csv", "allocations.csv")
"""What stands beside the tables of a cut that `trialtools report` has made."""


def open_source(source: Any, mapping: str | os.PathLike[str] | None) -> Raw:
    """The tables of a source as texts, in our columns, and what it says of the trial.

    Raises:
        DataError: files that cannot be read, or no table of subjects among them.
    """
    if isinstance(source, Mapping):
        return Raw("the tables", {name: as_text(frame) for name, frame in source.items()})
    path = Path(source)
    if not path.exists():
        raise DataError(f"{path} does not exist; expected a folder with trial data, or a wide file and its mapping")
    if mapping is None:
        if path.is_file():
            raise DataError(f"{path.name} is one file: hand in a mapping that says what its columns are, or a folder")
        return _folder(path)
    file = Path(mapping)
    written = load_mapping(file)
    read = read_wide(path, written, file.name) if path.is_file() else with_mapping(_folder(path), written, file.name)
    known = {"endpoint": written.endpoint, "window": written.window, "arms": written.arms or read.arms}
    return replace(read, sha256={**read.sha256, **hashes_of(file)}, **known)


def _folder(path: Path) -> Raw:
    """The tables of a folder, or the domains of a study; the files that are neither are counted."""
    readable = [file for file in sorted(path.iterdir()) if file.name.lower().endswith(SUFFIXES)]
    files = {file: stem for file in readable if (stem := file.name.split(".")[0]) in TABLES}
    if doubled := sorted(name for name, n in Counter(files.values()).items() if n > 1):
        raise DataError(f"{path} holds two files for {', '.join(doubled)}; nobody can know which one is meant")
    if "subjects" in files.values():
        raw = Raw(path.name, {name: as_text(file) for file, name in files.items()}, hashes_of(*files))
    elif found := domains(readable):
        files, raw = dict.fromkeys(found), read_sdtm(path, found)
    else:
        there = ", ".join(file.name for file in sorted(path.iterdir())[:8]) or "nothing"
        raise DataError(f"{path} holds neither subjects.csv (or .parquet) nor an SDTM domain DM, but {there}")
    unread = [file.name for file in readable if file not in files and file.name not in OURS]
    if not unread:
        return raw
    found = ("not a table or a domain that is read", len(unread), len(readable), ", ".join(unread[:5]), "left out")
    return replace(raw, findings=(*raw.findings, finding("files", "", *found)))
