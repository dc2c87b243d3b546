"""A protocol and a seed go in; a folder with a synthetic trial comes out, or the same trial as checked trial data."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from ..interim.data.read import TrialData
from ..interim.data.tables import TABLES
from .course import COURSE, EVENTS, LABS, RISKS, WINDOW, Course, Scenario
from .enrolment import SITES, Draw, Enrolled, enrol
from .files import LABEL
from .follow import Person, Rows, followed

SCENARIOS: tuple[Scenario, ...] = ("null", "effect", "harm")
ENDPOINT = "progression"


def trial(
    protocol: Protocol,
    n: int,
    seed: int,
    scenario: Scenario = "null",
    *,
    sites: Sequence[str] = SITES,
    dirty: bool = True,
    course: Course = COURSE,
) -> TrialData:
    """A synthetic trial as checked trial data, with its arms: what a committee behind closed doors would see.

    Args:
        protocol, n, seed, scenario, sites, dirty, course: as for `write_trial`.

    Raises:
        DataError: as for `write_trial`.

    >>> from trialtools.criteria.contents import load_protocol
    >>> found = trial(load_protocol("data/protocols/NCT05741099.yaml"), 4, seed=1)
    >>> int(found.subjects["randomized"].sum()), found.synthetic, found.endpoint
    (4, True, 'progression')
    """
    from ..arms.ledger import export
    from ..interim.data import read_trial

    with tempfile.TemporaryDirectory() as place:
        folder = write_trial(
            protocol, n, seed, Path(place) / "trial", scenario, sites=sites, dirty=dirty, course=course
        )
        rows = export(folder / "ledger.sqlite", folder / "unblinded" / "key.json")
        return read_trial(folder, protocol, arms=dict(zip(rows["subject_id"], rows["arm"], strict=True)))


def write_trial(
    protocol: Protocol,
    n: int,
    seed: int,
    folder: str | os.PathLike[str],
    scenario: Scenario = "null",
    *,
    path: str | os.PathLike[str] | None = None,
    sites: Sequence[str] = SITES,
    dirty: bool = True,
    course: Course = COURSE,
) -> Path:
    """Write a synthetic trial: the open tables, a ledger, and under `unblinded` the key that alone opens the arms.

    People of the synthetic cohort are worked up, screened and allocated by the same code as real ones, until n are
    randomized; then followed for 28 days. The same seed gives the same tables and the same arms. No table holds an arm,
    a kit or anything that depends on the arm but the patient's course.

    Args:
        protocol: with two arms, one of them experimental, and a design whose endpoint is progression.
        n: people to randomize; about twelve times as many are screened.
        seed: any whole number from 0.
        folder: made by this; it must not hold anything yet.
        scenario: `null` (cells do nothing), `effect` (fewer progress) or `harm` (more progress, clots, infections).
        path: the protocol file as the user named it, for the command in the README.
        sites: where people are screened, in the order in which they open.
        dirty: put in a few errors that reading must find; none of them stops it.
        course: the numbers behind everything.

    Raises:
        DataError: no such scenario, n below 1 or seed below 0, a folder that holds files, or a protocol that has no
            such arms or endpoint, or lets in too few.

    With n 200 and `effect`, seed 29 has z 2.27 at its second look, short of the bound, and crosses the last one; seed
    30 looks as good then (z 2.17), and ends with nothing shown.

    Source: every number is an assumption with its reason, see `trialtools.simulate.course`.
    """
    folder, sites = Path(folder), tuple(sites)
    if n < 1 or seed < 0:
        raise DataError(f"n is at least 1 and a seed at least 0; got n={n}, seed={seed}")
    if not sites or len(set(sites)) < len(sites):
        raise DataError(f"sites are one or more different names; got {', '.join(sites) or 'none'}")
    if scenario not in SCENARIOS:
        raise DataError(f"no scenario '{scenario}'; there are {', '.join(SCENARIOS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds files already; name a folder that is not there yet")
    cells, rate = _asked(protocol, course)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".~{folder.name}-", dir=folder.parent))
    try:
        enrolled = enrol(protocol, n, seed, part, sites, course)
        rows = followed(_people(enrolled, cells), rate, scenario, course, Draw(seed))
        tables = {"subjects": enrolled.subjects.with_columns(synthetic=True), **_frames(rows)}
        planted = []
        if dirty:
            from .slips import slips

            tables, planted = slips(tables, Draw(seed).of("", "slips"))
        for name, frame in tables.items():
            frame.write_csv(part / f"{name}.csv")
        command = _command(protocol, n, seed, folder, scenario, path, sites, dirty)
        told = "\n".join(_dictionary(protocol, command, scenario, tables, planted, course, rate))
        (part / "README.md").write_text(told + "\n", "utf-8")
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _asked(protocol: Protocol, course: Course) -> tuple[str, float]:
    """The experimental arm, and the rate of the endpoint under control, of a protocol that can be simulated."""
    if "screened_on" not in protocol.fields or protocol.fields["screened_on"].type != "date":
        raise DataError(f"{protocol.id}: a synthetic trial needs a field screened_on of type date")
    roles = [arm.id for arm in protocol.arms if arm.role == "experimental"]
    if len(roles) != 1 or len(protocol.arms) < 2:
        raise DataError(f"{protocol.id}: a synthetic trial needs one experimental arm and a control")
    endpoint = protocol.design.get("endpoint")
    if endpoint is None or not re.search(rf"\b{ENDPOINT}\b.*\bday {WINDOW}\b", str(endpoint.value), re.IGNORECASE):
        told = f"'{endpoint.value}'" if endpoint else "nothing"
        raise DataError(f"{protocol.id}: only {ENDPOINT} by day {WINDOW} can be simulated; design.endpoint says {told}")
    rate = protocol.design.get("control_rate")
    return roles[0], float(str(rate.value)) if rate else course.progression


def _people(enrolled: Enrolled, cells: str) -> list[Person]:
    entered = enrolled.subjects.select("subject_id", "randomized_on").drop_nulls().rows()
    return [Person(id, on, enrolled.arms[id] == cells, enrolled.truth[id]) for id, on in entered]


def _frames(rows: Rows) -> dict[str, pl.DataFrame]:

    kinds = {"text": pl.String, "date": pl.Date, "number": pl.Float64, "grade": pl.Int64, "flag": pl.Boolean}
    return {
        name: pl.DataFrame(made, schema={column: kinds[kind.kind] for column, kind in TABLES[name].items()})
        for name, made in rows.items()
    }


def _command(
    protocol: Protocol, n: int, seed: int, folder: Path, scenario: str, path: Any, sites: tuple[str, ...], dirty: bool
) -> str:
    named = Path(path).as_posix() if path else f"{protocol.id}.yaml"
    options = "" if sites == SITES else "".join(f' --site "{site}"' for site in sites)
    options += "" if dirty else " --clean"
    options += f" --out {folder.as_posix()}"
    return f"trialtools simulate trial {named} --n {n} --seed {seed} --scenario {scenario}{options}"


def looks(protocol: Protocol, tables: dict[str, pl.DataFrame]) -> list[tuple[float, int, date]]:
    """For each look of the design: its share, the participants whose window has passed and whose endpoint is known, and
    the day on which there are so many."""

    known = tables["outcomes"].filter(endpoint=ENDPOINT).drop_nulls("value")
    entered = tables["subjects"].join(known, on="subject_id", how="semi")["randomized_on"].cast(pl.String).sort()
    size = tables["subjects"]["randomized_on"].is_not_null().sum()
    shares = protocol.design["looks"].value if "looks" in protocol.design else [1.0]
    counts = [(float(share), min(max(round(float(share) * size), 1), len(entered))) for share in shares]  # type: ignore[union-attr,arg-type]
    return [
        (share, n, date.fromisoformat(entered[n - 1]) + timedelta(days=WINDOW)) for share, n in counts if len(entered)
    ]


def _dictionary(
    protocol: Protocol,
    command: str,
    scenario: str,
    tables: dict[str, pl.DataFrame],
    planted: list[str],
    course: Course,
    rate: float,
) -> Iterator[str]:
    subjects = tables["subjects"]
    entered = subjects["randomized_on"].is_not_null().sum()
    yield f"# {LABEL}"
    yield ""
    yield f"A synthetic trial under the protocol {protocol.id}: {len(subjects):,} screened, {entered:,} randomized,"
    yield f"scenario `{scenario}`. It was made by"
    yield ""
    yield f"    {command}"
    yield ""
    yield "The command makes the same tables and the same arms again (the ledger differs in its clock). Nothing here"
    yield "says anything about real patients. An empty cell is unknown; the column `synthetic` is always true."
    yield ""
    yield "The arm stands in no table. `ledger.sqlite` holds it sealed; `unblinded/key.json` opens it, and would lie"
    yield "elsewhere in a real trial. Because the seed is known, so is every arm: the ledger calls itself synthetic."
    yield ""
    yield "A look counts those whose 28 days have passed and whose endpoint is known; it has its planned size on"
    yield ""
    yield "| look | participants | cutoff |"
    yield "|---|---|---|"
    for share, count, day in looks(protocol, tables):
        yield f"| {share:g} | {count} | {day} |"
    yield ""
    for name, frame in tables.items():
        yield f"## {name}.csv: {len(frame):,} rows"
        yield ""
        yield "| column | what it is |"
        yield "|---|---|"
        for column in frame.columns:
            field = TABLES[name].get(column)
            label = protocol.fields[column].label if column in protocol.fields else "marks the row as synthetic"
            yield f"| {column} | {field.says if field else label} |"
        yield ""
    yield "Endpoints: `progression` to severe or critical disease within 28 days, known on its day, or on day 28 that"
    yield "there was none; `recovery`, 1 on its day, 0 on the last day of follow-up where it was not seen. Whoever left"
    yield "before has no row. An infusion is in mL, of cells or of the carrier solution alone, so that it tells no arm."
    yield ""
    if planted:
        yield "## Errors put in, for reading to find"
        yield ""
        yield from (f"- {each}" for each in planted)
        yield ""
    yield from _assumed(course, rate)


def _assumed(course: Course, rate: float) -> Iterator[str]:
    yield "## What is assumed"
    yield ""
    yield f"Risk of {ENDPOINT} under control: {rate:g} (the protocol's control_rate, where it has one). Odds ratios:"
    yield ", ".join(f"{name} {ratio:g} (a step is {step:g})" for name, (_, step, ratio) in RISKS.items()) + "."
    yield ""
    yield "| parameter | value | reason |"
    yield "|---|---|---|"
    for item in fields(course):
        yield f"| {item.name} | {getattr(course, item.name)} | {item.metadata['why']} |"
    yield ""
    yield "| event | share under control | of these serious | ratio under cells | where they do harm |"
    yield "|---|---|---|---|---|"
    for _, term, share, grave, always, harmed in EVENTS:
        yield f"| {term} | {share:g} | {grave:g} | {always:g} | {harmed:g} |"
    yield ""
    yield "| laboratory | median at randomization | SD of its logarithm | upper limit |"
    yield "|---|---|---|---|"
    for test, (middle, spread, limit, unit) in LABS.items():
        yield f"| {test} | {middle:g} {unit} | {spread:g} | {limit:g} |"
