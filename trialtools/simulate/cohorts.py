"""A protocol and a seed go in, a folder with a synthetic cohort and its data dictionary comes out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from ..criteria.contents import Protocol
from ..criteria.files import whole
from ..criteria.protocol import Field
from .clinical import clinical_fields, fitted_ages, is_clinical
from .columns import column_text
from .model import LABEL, Assume, assumed_values, assumptions, command_line, render
from .patients import cohort_blocks, panel_of, panel_share

LARGEST_CSV = 20_000
"""Beyond this many patients a text file is slow to read and large to keep, and Parquet is written instead."""


def write_cohort(
    protocol: Protocol,
    n: int,
    seed: int,
    folder: str | os.PathLike[str],
    *,
    path: str | os.PathLike[str] | None = None,
    dirty: bool = True,
    missing: float = 1.0,
    assume: Assume = None,
) -> tuple[Path, Path]:
    """Write a synthetic cohort and its data dictionary, and give the paths of both.

    The table is `cohort.csv`, or `cohort.parquet` beyond 20,000 patients; `README.md` beside it begins with SYNTHETIC
    and the command that makes the same files again. An unknown is an empty cell. Nothing is replaced until everything
    is written; a killed run leaves the old files or none.

    Args:
        protocol, n, seed, dirty, missing, assume: as for `cohort`.
        folder: made if it is not there.
        path: the protocol file as the user named it, for the command; `<id>.yaml` otherwise.

    Raises:
        DataError: n, seed or missing below 0; `assume` names no number.
        OSError: the folder cannot be written to.

    >>> import tempfile
    >>> from trialtools.criteria.contents import load_protocol
    >>> protocol = load_protocol("data/protocols/NCT05741099.yaml")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in write_cohort(protocol, 5, 20, folder)]
    ['cohort.csv', 'README.md']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table, other = folder / "cohort.csv", folder / "cohort.parquet"
    write = _write_csv
    if n > LARGEST_CSV:
        table, other, write = other, table, _write_parquet
    readme = folder / "README.md"
    options = f"--n {n} --seed {seed}{'' if dirty else ' --clean'}{'' if missing == 1 else f' --missing {missing:g}'}"
    command = command_line("cohort", protocol, path, options, folder)
    empty: Counter[str] = Counter()
    with whole(table) as table_part, whole(readme) as readme_part:
        blocks = cohort_blocks(protocol, n, seed, dirty, missing, assume)
        write(_count_empty(blocks, empty), table_part)
        missing_share = {name: f"{100 * empty[name] / n:.1f} %" if n else "none" for name in protocol.fields}
        facts = {"file": table.name, "n": n, "command": command, "dirty": dirty, "missing_share": missing_share}
        text = _data_dictionary(protocol, assume, **facts)
        readme_part.write_text(text, "utf-8")
    other.unlink(missing_ok=True)
    return table, readme


def _count_empty(blocks: Iterator[pl.DataFrame], empty: Counter[str]) -> Iterator[pl.DataFrame]:
    """The same blocks; on their way their empty cells are counted."""
    for block in blocks:
        empty.update({column.name: column.null_count() for column in block})
        yield block


def _write_csv(blocks: Iterator[pl.DataFrame], file: Path) -> None:
    with file.open("wb") as out:
        for position, block in enumerate(blocks):
            block.write_csv(out, include_header=position == 0)


def _write_parquet(blocks: Iterator[pl.DataFrame], file: Path) -> None:
    """One row group a block, so that memory holds one block only."""
    first = next(blocks).to_arrow()
    schema = first.schema.with_metadata({"trialtools": LABEL})
    with pq.ParquetWriter(file, schema) as out:
        out.write_table(first.cast(schema))
        for block in blocks:
            out.write_table(block.to_arrow().cast(schema))


def _data_dictionary(protocol: Protocol, assume: Assume, **facts: Any) -> str:
    fields, fitted = protocol.fields, fitted_ages(protocol)
    model = assumed_values("cohort", assume, fitted)
    panels = dict.fromkeys(panel_of(name, field) for name, field in fields.items())
    return render(
        "cohort.md.j2",
        protocol=protocol,
        possible=_possible,
        panel_of=panel_of,
        how_made=_how_made,
        panels={panel: panel_share(panel, model) for panel in panels},
        clinical={n: known for n, known in clinical_fields().items() if n in fields and is_clinical(n, protocol)},
        others=[name for name in fields if not is_clinical(name, protocol)],
        assumptions=assumptions("cohort", assume, fitted),
        changed=bool(assume),
        **facts,
    )


def _possible(field: Field) -> str:
    match field.type:
        case "flag":
            return "true, false" + (f" (false unless `{field.applies}`)" if field.applies else "")
        case "category":
            return ", ".join(field.values)
    if not field.range:
        return "any date" if field.type == "date" else "any number"
    return field.span


_ODDS = {
    "decade": "{:g} for 10 years of age",
    "male": "{:g} for men",
    "bmi5": "{:g} for 5 kg/m2",
    "frail": "{:g} for an SD of frailty",
    "severe": "{:g} for an SD of severity",
}


def _how_made(name: str, protocol: Protocol) -> str:
    if parts := protocol.parts(name):
        return f"worked out from {', '.join(parts)}"
    if not is_clinical(name, protocol):
        return column_text(name, protocol)
    known = clinical_fields()[name]
    if "how" in known:
        return known["how"]
    odds = ", ".join(_ODDS[by].format(ratio) for by, ratio in known.get("odds", {}).items())
    share = f"{100 * known['rate']:g} % at 60 years"
    parts = (share, odds and f"odds ratio {odds}", known.get("reason"), known.get("source", "assumption"))
    return "; ".join(part for part in parts if part)
