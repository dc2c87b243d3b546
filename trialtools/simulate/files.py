"""A protocol and a seed go in, a folder with a synthetic cohort and its data dictionary comes out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from ..criteria.contents import Protocol
from ..criteria.protocol import Field
from .clinical import FERTILE, knows
from .model import FLAGS, MISTYPED, NOTES, PANEL, PANELS, SECOND_LINE, Model, reasons
from .patients import DEFAULT_MODEL, blocks, panel_of, span_of

LARGEST_CSV = 20_000
"""Beyond this many patients a text file is slow to read and large to keep, and Parquet is written instead."""

LABEL = "SYNTHETIC: drawn by a random number generator; no row is a person"


def write_cohort(
    protocol: Protocol,
    n: int,
    seed: int,
    folder: str | os.PathLike[str],
    *,
    path: str | os.PathLike[str] | None = None,
    dirty: bool = True,
    missing: float = 1.0,
    model: Model = DEFAULT_MODEL,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[Path, Path]:
    """Write a synthetic cohort and its data dictionary, and give the paths of both.

    The table is `cohort.csv`, or `cohort.parquet` beyond 20,000 patients; `README.md` beside it begins with SYNTHETIC
    and the command that makes the same files again. An unknown is an empty cell. Nothing is replaced until everything
    is written; a killed run leaves the old files or none.

    Args:
        protocol, n, seed, dirty, missing, model: as for `cohort`.
        folder: made if it is not there.
        path: the protocol file as the user named it, for the command; `<id>.yaml` otherwise.
        progress: called with patients written and patients in all, after every part of up to 65,536.

    Raises:
        DataError: n, seed or missing below 0.
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
    file = folder / ("cohort.csv" if n <= LARGEST_CSV else "cohort.parquet")
    readme = folder / "README.md"
    command = _command(protocol, n, seed, folder, path, dirty, missing)
    empty: Counter[str] = Counter()
    with _parts(file, readme) as (table_part, readme_part):
        write = _write_csv if file.suffix == ".csv" else _write_parquet
        parts = blocks(protocol, n, seed, dirty=dirty, missing=missing, model=model)
        write(_counted(parts, empty, n, progress), table_part)
        written = "\n".join(_dictionary(protocol, n, command, file.name, empty, dirty, model))
        readme_part.write_text(written + "\n", "utf-8")
    for other in {"cohort.csv", "cohort.parquet"} - {file.name}:
        (folder / other).unlink(missing_ok=True)
    return file, readme


@contextmanager
def _parts(*files: Path) -> Iterator[tuple[Path, ...]]:
    """A file to write for each file that is meant; they take their places together, or not at all."""
    parts = tuple(file.with_name(f".{file.name}.{os.getpid()}.part") for file in files)
    try:
        yield parts
        for part, file in zip(parts, files, strict=True):
            part.replace(file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _counted(
    parts: Iterator[pl.DataFrame], empty: Counter[str], n: int, progress: Callable[[int, int], object] | None
) -> Iterator[pl.DataFrame]:
    """The same parts, while their empty cells are counted and their passing is told."""
    done = 0
    for part in parts:
        empty.update({column.name: column.null_count() for column in part})
        yield part
        done += len(part)
        if progress:
            progress(done, n)


def _write_csv(parts: Iterator[pl.DataFrame], file: Path) -> None:
    with file.open("wb") as out:
        for position, part in enumerate(parts):
            part.write_csv(out, include_header=position == 0)


def _write_parquet(parts: Iterator[pl.DataFrame], file: Path) -> None:
    """One row group a part, so that memory holds one part only."""

    first = next(parts).to_arrow()
    schema = first.schema.with_metadata({"trialtools": LABEL})
    with pq.ParquetWriter(file, schema) as out:
        out.write_table(first.cast(schema))
        for part in parts:
            out.write_table(part.to_arrow().cast(schema))


def _command(
    protocol: Protocol,
    n: int,
    seed: int,
    folder: Path,
    path: str | os.PathLike[str] | None,
    dirty: bool,
    missing: float,
) -> str:
    named = Path(path).as_posix() if path else f"{protocol.id}.yaml"
    options = ("" if dirty else " --clean") + ("" if missing == 1 else f" --missing {missing:g}")
    return f"trialtools simulate cohort {named} --n {n} --seed {seed}{options} --out {folder.as_posix()}"


def _dictionary(
    protocol: Protocol, n: int, command: str, file: str, empty: Counter[str], dirty: bool, model: Model
) -> Iterator[str]:
    yield f"# {LABEL}"
    yield ""
    yield f"`{file}` holds {n:,} synthetic patients for the protocol {protocol.id}, one row each. They were made by"
    yield ""
    yield f"    {command}"
    yield ""
    yield "The command makes the same files again. Nothing here says anything about real patients: no number below was"
    yield "fitted to patient records. An empty cell is unknown. The column `synthetic` is true in every row."
    yield ""
    yield "## Columns"
    yield ""
    yield "| field | what it is | type | unit | possible | panel | missing | how it was made |"
    yield "|---|---|---|---|---|---|---|---|"
    yield "| patient_id | Number of the patient | text | | P-000001 and up | | 0.0 % | counted |"
    for name, field in protocol.fields.items():
        share = f"{100 * empty[name] / n:.1f} %" if n else "none"
        cells = (field.label, field.type, field.unit or "", _possible(field), panel_of(name, field), share)
        yield f"| {name} | {' | '.join(cells)} | {_how(name, field, protocol)} |"
    yield "| synthetic | Marks the row as synthetic | flag | | true | | 0.0 % | constant |"
    yield ""
    yield from _missing(protocol)
    yield from _mistyped(protocol, dirty, model)
    if any(knows(name, field) for name, field in protocol.fields.items()):
        yield from _model(model)


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


def _how(name: str, field: Field, protocol: Protocol) -> str:
    if not knows(name, field):
        return f"on its own: {_alone(name, field, protocol)}"
    if name not in FLAGS:
        return NOTES[name]
    flag = FLAGS[name]
    ratios = (
        ("10 years of age", flag.decade),
        ("male", flag.male),
        ("5 kg/m2", flag.bmi5),
        ("SD of frailty", flag.frail),
        ("SD of severity", flag.severe),
    )
    said = ", ".join(
        f"{ratio:g} a {by}" if by != "male" else f"{ratio:g} for men" for by, ratio in ratios if ratio != 1
    )
    return f"{100 * flag.rate:g} % at 60 years{f'; odds x {said}' if said else ''} ({flag.why})"


def _alone(name: str, field: Field, protocol: Protocol) -> str:
    match field.type:
        case "flag":
            return "true in 20 %"
        case "category":
            return "every value equally often"
        case "date":
            return (
                "evenly over the possible dates" if field.range else "evenly over the year before the first screening"
            )
    low, high = span_of(name, field, protocol)
    return f"evenly from {low:g} to {high:g}"


def _missing(protocol: Protocol) -> Iterator[str]:
    panels = dict.fromkeys(panel_of(name, field) for name, field in protocol.fields.items())
    yield "## What is missing"
    yield ""
    yield "Panels are missing as a whole, more often in the same patients; single cells besides. Assumed share of"
    yield (
        "patients without a panel: "
        + ", ".join(f"{panel} {100 * PANELS.get(panel, PANEL):g} %" for panel in panels)
        + "."
    )
    for name, share in SECOND_LINE.items():
        if name in protocol.fields and knows(name, protocol.fields[name]):
            yield f"`{name}` is ordered more often once PCR and antigen are negative: then {100 * share:g} % lack it."
    yield ""


def _mistyped(protocol: Protocol, dirty: bool, model: Model) -> Iterator[str]:
    yield "## What is impossible"
    yield ""
    if not dirty:
        yield "Every value is a possible one."
        yield ""
        return
    yield f"About {100 * model.dirty:g} % of the numbers with a declared range were replaced by one that cannot be,"
    yield "so that quality findings have something to find:"
    yield ""
    for name, (_, why) in MISTYPED.items():
        if name in protocol.fields and knows(name, protocol.fields[name]):
            yield f"- `{name}`: {why}"
    if "infected_on" in protocol.fields:
        yield "- `infected_on`: the wrong century"
    yield "- any other: a number far above its range"
    yield ""


def _model(model: Model) -> Iterator[str]:
    low, high = FERTILE
    yield "## The clinical model"
    yield ""
    yield "Two hidden quantities tie the columns together: frailty, which comes with age and brings the diseases, and"
    yield "severity, which comes with age, frailty and a missing vaccination and drives breathing, oxygen saturation,"
    yield "fever, imaging and clinical type."
    yield f"Only women of {low} to {high} can be pregnant or lactating. Every number is assumed:"
    yield ""
    yield "| parameter | value | reason |"
    yield "|---|---|---|"
    for name, value, why in reasons(model):
        yield f"| {name} | {value} | {why} |"
