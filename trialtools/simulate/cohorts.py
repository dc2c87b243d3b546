"""A protocol and a seed go in, a folder with a synthetic cohort and its data dictionary comes out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from ..criteria.contents import Protocol
from ..criteria.files import whole
from ..criteria.protocol import Field
from .clinical import clinical_fields, fitted_ages, is_clinical
from .columns import (
    OLDEST,
    Quantity,
    even_range,
    flag_of_date,
    is_birth,
    limits_on,
    quantity_of,
    reach,
)
from .model import LABEL, Assume, assumed_values, assumptions, command_line, read_assumptions, render
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
    progress: Callable[[int, int], object] | None = None,
) -> tuple[Path, Path]:
    """Write a synthetic cohort and its data dictionary, and give the paths of both.

    The table is `cohort.csv`, or `cohort.parquet` beyond 20,000 patients; `README.md` beside it begins with SYNTHETIC
    and the command that makes the same files again. An unknown is an empty cell. Nothing is replaced until everything
    is written; a killed run leaves the old files or none.

    Args:
        protocol, n, seed, dirty, missing, assume: as for `cohort`.
        folder: made if it is not there.
        path: the protocol file as the user named it, for the command; `<id>.yaml` otherwise.
        progress: called with patients written and patients in all, after every part of up to 65,536.

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
        write(_count_empty(blocks, empty, n, progress), table_part)
        missing_share = {name: f"{100 * empty[name] / n:.1f} %" if n else "none" for name in protocol.fields}
        facts = {"file": table.name, "n": n, "command": command, "dirty": dirty, "missing_share": missing_share}
        text = _data_dictionary(protocol, assume, **facts)
        readme_part.write_text(text, "utf-8")
    other.unlink(missing_ok=True)
    return table, readme


def _count_empty(
    blocks: Iterator[pl.DataFrame], empty: Counter[str], n: int, progress: Callable[[int, int], object] | None
) -> Iterator[pl.DataFrame]:
    """The same blocks; on their way their empty cells are counted and their progress is reported."""
    done = 0
    for block in blocks:
        empty.update({column.name: column.null_count() for column in block})
        yield block
        done += len(block)
        if progress:
            progress(done, n)


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
    low, high = field.limits
    return f"{low} to {high}" if field.type == "date" else f"{low:g} to {high:g}"


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
        quantity = quantity_of(name, protocol.fields[name])
        return _as_quantity(quantity) if quantity else f"on its own: {_evenly(name, protocol)}"
    known = clinical_fields()[name]
    if "how" in known:
        return known["how"]
    odds = ", ".join(_ODDS[by].format(ratio) for by, ratio in known.get("odds", {}).items())
    share = f"{100 * known['rate']:g} % at 60 years"
    parts = (share, odds and f"odds ratio {odds}", known.get("reason"), known.get("source", "assumption"))
    return "; ".join(part for part in parts if part)


def _as_quantity(quantity: Quantity) -> str:
    known, name = quantity.entry, quantity.name.replace("_", " ")
    if "column" in known:
        return f"{name}: as in the clinical model"
    spans = [f"{low:.4g} to {high:.4g}" for low, high in quantity.intervals]
    within = f"{spans[0]} in women, {spans[1]} in men" if len(spans) > 1 else spans[0]
    how = known.get("how") or f"{known.get('shape', 'log-normal')}, 95 % within {within}"
    return f"{name}: {how} ({read_assumptions('quantities')['sources'][known['source']]})"


def _days_before(name: str, protocol: Protocol) -> str:
    days, flag = reach(name, protocol), flag_of_date(name, protocol)
    span = "in the year" if days == 365 else f"in the {days:,} days"
    return f"{span} before screening, more often late in it{f'; only where {flag} is true' if flag else ''}"


def _evenly(name: str, protocol: Protocol) -> str:
    field = protocol.fields[name]
    match field.type:
        case "flag":
            return "true in a share, see below"
        case "category":
            return "every value equally often"
        case "date":
            if is_birth(name, protocol) and not field.range:
                return f"evenly over the {OLDEST} years before screening"
            return "evenly over its range" if field.range else _days_before(name, protocol)
    low, high = even_range(name, protocol)
    return (
        f"evenly from {low:g} to {high:g}{', around the limits of the criteria' if limits_on(name, protocol) else ''}"
    )
