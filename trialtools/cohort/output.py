"""A screening goes in, files in one folder come out: all of them or none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import IO, Any

import polars as pl

from ..criteria.files import FORMULA
from ..criteria.protocol import DataError
from .frames.attrition import criterion_states
from .patterns import ScreeningData
from .rows import decisions, evidence

_SUMMARY = "summary.json"
_PART = ".screening-"


def write_screening(screening: ScreeningData, folder: str | os.PathLike[str], with_evidence: bool = True) -> list[Path]:
    """Write decisions, evidence, patterns, quality and summary; what was there before stays until all is written.

    Decisions come twice, for programs and for people: as Parquet, and as CSV that a spreadsheet can open.

    `summary.json` goes last and holds the hash of every other file: with it the set is whole, without it there is none.

    Args:
        screening: what to write.
        folder: made if need be; files of other names in it are left alone.
        with_evidence: a row a patient and criterion, long for many patients.

    Raises:
        DataError: the folder cannot be written.
    """
    folder = Path(folder)
    files: dict[str, Callable[[Path], object]] = {
        "patterns.csv": lambda path: screening.patterns.to_csv(path, index=False),
        "quality.csv": lambda path: write_csv(pl.from_pandas(screening.patients.quality), path),
        "decisions.parquet": lambda path: decisions(screening).sink_parquet(path),
        "decisions.csv": lambda path: write_csv(decisions(screening), path),
    }
    if with_evidence:
        files["evidence.parquet"] = lambda path: evidence(screening).sink_parquet(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=folder))
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}") from None
    try:
        for name, write in files.items():
            write(part / name)
        hashes = {name: hashlib.sha256((part / name).read_bytes()).hexdigest() for name in files}
        content = {**summary(screening), "files": hashes}
        (part / _SUMMARY).write_text(json.dumps(content, indent=2, ensure_ascii=False), "utf-8")
        for old in (_SUMMARY, *files, "evidence.parquet"):  # from here on a kill leaves no old file beside a new one
            (folder / old).unlink(missing_ok=True)
        return [(part / name).replace(folder / name) for name in (*files, _SUMMARY)]
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left an hour ago or more: patients' data should not lie about unseen."""
    for left in folder.glob(f"{_PART}*"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


def write_csv(frame: pl.DataFrame | pl.LazyFrame, path: Path | IO[bytes]) -> None:
    """Write a table as CSV that a spreadsheet can open: no text in it is taken for a formula."""
    frame = frame.lazy()
    texts = [name for name, dtype in frame.collect_schema().items() if dtype in (pl.String, pl.Enum, pl.Categorical)]
    frame.with_columns(_shield(pl.col(name).cast(pl.String)).alias(name) for name in texts).sink_csv(path)


def _shield(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(FORMULA)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def summary(screening: ScreeningData) -> dict[str, Any]:
    """The counts as plain data, with what they rest on."""
    rows: list[dict[str, Any]] = criterion_states(screening).to_dict("records")
    return {
        "n": screening.n,
        **screening.counts,
        "certain": screening.certain,
        "possible": screening.possible,
        "fields_missing": list(screening.patients.absent),
        "columns_not_read": list(screening.patients.unread),
        "protocol": {"id": screening.protocol.id, "sha256": screening.protocol.sha256},
        "readings": {c.id: screening.protocol.reading(c.id) for c in screening.protocol.criteria if c.readings},
        "criteria": {r["criterion"]: {name: int(r[name]) for name in ("pass", "fail", "unknown")} for r in rows},
        "patients": screening.patients.name,
        "synthetic": screening.patients.synthetic,
        "quality_findings": sum(screening.patients.quality["n"].tolist()),
    }


def summary_text(screening: ScreeningData) -> str:
    """What was found, in a few lines for a terminal."""
    protocol, counts, absent = screening.protocol, screening.counts, screening.patients.absent
    needed = [name for name in absent if name in protocol.used_fields]
    label = ", SYNTHETIC" if screening.patients.synthetic else ""
    lines = [
        f"{protocol.id}: {screening.n:,} screened ({screening.patients.name}{label})",
        f"  eligible      {screening.certain:,} certain, {screening.possible:,} possible",
        f"  ineligible    {counts['ineligible']:,}",
        f"  undetermined  {counts['undetermined']:,}, of them {counts['awaiting_judgement']:,} await only a judgement",
    ]
    readings = [f"{c.id} {protocol.reading(c.id)}" for c in protocol.criteria if c.readings]
    if readings:
        lines.append(_wrap("readings", ", ".join(readings)))
    if needed:
        lines.append(_wrap("no column", f"{', '.join(needed)} (unknown for everybody)"))
    if unread := screening.patients.unread:
        more = f", and {len(unread) - 12} more" if len(unread) > 12 else ""
        lines.append(_wrap("not read", ", ".join(unread[:12]) + more))
    for row in screening.patients.quality.to_dict("records"):
        line = "{field}: {n:,} x {problem}, {example}; {action}".format_map(row).replace(", ;", ";")
        lines.append(f"  quality       {line}")
    return "\n".join(lines)


def _wrap(label: str, text: str) -> str:
    return fill(text, width=100, initial_indent=f"  {label:<14}", subsequent_indent=" " * 16)
