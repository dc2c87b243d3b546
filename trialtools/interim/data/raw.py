"""A file or a frame goes in, a table of texts comes out; the hashes of the files with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...cohort.sources.columns import text_of
from ...cohort.sources.mapping import ColumnMapping
from ...cohort.sources.open import open_table
from .tables import Frame


@dataclass(frozen=True)
class Raw:
    """Tables of texts as a source gave them, and what it says of the trial."""

    name: str
    tables: dict[str, Frame]
    sha256: dict[str, str] = field(default_factory=dict)
    findings: tuple[DataFinding, ...] = ()
    arms: tuple[str, ...] = ()
    endpoint: str | None = None
    window: int | None = None


def as_text(source: Any, separator: str = ",", sheet: str | None = None) -> Frame:
    """A file or a frame with every value as text; an empty text says nothing."""
    if isinstance(source, Mapping):
        source = pd.DataFrame(source)
    table = nw.from_native(open_table(source, ColumnMapping(separator=separator, sheet=sheet)).native)
    written = {name: text_of(name, dtype) for name, dtype in table.collect_schema().items()}
    days = {name: text.str.replace(r" 00:00:00(\.0+)?$", "").str.strip_chars() for name, text in written.items()}
    filled = table.select(nw.when(text != "").then(text).alias(name) for name, text in days.items())
    return filled.collect().to_pandas().astype("str")


def hashes_of(*files: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}
