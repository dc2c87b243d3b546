"""A protocol and a seed go in; a folder with a synthetic trial comes out, or the same trial as checked trial data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl

from ..arms.ledger import allocations
from ..criteria.contents import Protocol
from ..criteria.files import whole_folder
from ..criteria.protocol import DataError
from ..criteria.stage import expect
from ..interim.data.read import TrialData, read_trial
from ..interim.data.tables import TABLES
from ..interim.endpoint import endpoint_of
from .enrolment import enrol
from .follow_up import Person, Rows, Scenario, simulate_follow_up
from .model import Assume, Numbers, assumed_values, assumptions, command_line, read_assumptions, render, stream

_ENDPOINT = "progression"
_Tables = dict[str, pl.DataFrame]


def trial(
    protocol: Protocol,
    n: int,
    seed: int,
    scenario: Scenario = "null",
    *,
    sites: Sequence[str] | None = None,
    dirty: bool = True,
    assume: Assume = None,
) -> TrialData:
    """A synthetic trial as checked trial data, with its arms: what a committee behind closed doors would see.

    Args:
        protocol, n, seed, scenario, sites, dirty, assume: as for `write_trial`.

    Raises:
        DataError: as for `write_trial`.

    >>> from trialtools.criteria.contents import load_protocol
    >>> found = trial(load_protocol("data/protocols/NCT05741099.yaml"), 4, seed=1)
    >>> int(found.subjects["randomized"].sum()), found.synthetic, found.endpoint
    (4, True, 'progression')
    """
    with tempfile.TemporaryDirectory() as place:
        folder = write_trial(
            protocol, n, seed, Path(place) / "trial", scenario, sites=sites, dirty=dirty, assume=assume
        )
        rows = allocations(folder / "ledger.sqlite", folder / "unblinded" / "key.json")
        return read_trial(folder, protocol, arms=dict(zip(rows["subject_id"], rows["arm"], strict=True)))


def write_trial(
    protocol: Protocol,
    n: int,
    seed: int,
    folder: str | os.PathLike[str],
    scenario: Scenario = "null",
    *,
    path: str | os.PathLike[str] | None = None,
    sites: Sequence[str] | None = None,
    dirty: bool = True,
    assume: Assume = None,
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
        sites: where people are screened, in the order in which they open; three synthetic hospitals by default.
        dirty: put in a few errors that reading must find; none of them stops it.
        assume: other values for numbers of `assumptions("trial")`, by name.

    Raises:
        DataError: no such scenario, n below 1 or seed below 0, a folder that holds files, or a protocol that has no
            such arms or endpoint, or lets in too few; `assume` names no number.

    With n 200 and `effect`, seed 29 has z 2.27 at its second look, short of the bound, and crosses the last one; seed
    30 looks as good then (z 2.17), and ends with nothing shown.

    Source: every number is an assumption with its reason, see `assumptions("trial")`.
    """
    expect(protocol, Protocol, "tt.simulate.trial(protocol, n, seed)")
    folder, default = Path(folder), read_assumptions("trial")["sites"]
    sites = list(default if sites is None else sites)
    course = assumed_values("trial", assume)
    _check_request(n, seed, scenario, sites, folder)
    cells, rate = _arm_and_rate(protocol, course)
    named = "" if sites == default else "".join(f' --site "{site}"' for site in sites)
    options = f"--n {n} --seed {seed} --scenario {scenario}{named}{'' if dirty else ' --clean'}"
    facts = {"scenario": scenario, "rate": rate, "command": command_line("trial", protocol, path, options, folder)}
    with whole_folder(folder) as part:
        subjects, truth, arms = enrol(protocol, n, seed, part, sites, course)
        people = [
            Person(id, on, arms[id] == cells, truth[id])
            for id, on in subjects.select("subject_id", "randomized_on").drop_nulls().rows()
        ]
        rows = simulate_follow_up(people, rate, scenario, course, seed)
        tables, errors = {"subjects": subjects.with_columns(synthetic=True), **_frames(rows)}, []
        if dirty:
            tables, errors = _put_in_errors(tables, stream(seed, "", "slips"))
        for name, frame in tables.items():
            frame.write_csv(part / f"{name}.csv")
        looks = _look_dates(protocol, tables, course)
        text = _readme(protocol, assume, tables=tables, errors=errors, looks=looks, **facts)
        (part / "README.md").write_text(text, "utf-8")
        part.chmod(0o755)
    return folder


def _check_request(n: int, seed: int, scenario: str, sites: Sequence[str], folder: Path) -> None:
    if n < 1 or seed < 0:
        raise DataError(f"n is at least 1 and a seed at least 0; got n={n}, seed={seed}")
    if not sites or len(set(sites)) < len(sites):
        raise DataError(f"sites are one or more different names; got {', '.join(sites) or 'none'}")
    if scenario not in get_args(Scenario):
        raise DataError(f"no scenario '{scenario}'; there are {', '.join(get_args(Scenario))}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds files already; name a folder that is not there yet")


def _arm_and_rate(protocol: Protocol, course: Numbers) -> tuple[str, float]:
    """The experimental arm, and the rate of the endpoint under control, of a protocol that can be simulated."""
    if "screened_on" not in protocol.fields or protocol.fields["screened_on"].type != "date":
        raise DataError(f"{protocol.id}: a synthetic trial needs a field screened_on of type date")
    arms = [arm.id for arm in protocol.arms if arm.role == "experimental"]
    if len(arms) != 1 or len(protocol.arms) < 2:
        raise DataError(f"{protocol.id}: a synthetic trial needs one experimental arm and a control")
    endpoint, wanted = endpoint_of(protocol), (_ENDPOINT, "binary", course.follow_up)
    if endpoint is None or (endpoint.name, endpoint.kind, endpoint.day) != wanted:
        only = f"only {_ENDPOINT} by day {course.follow_up}"
        endpoint_text = f"'{endpoint.label}'" if endpoint else "nothing"
        raise DataError(f"{protocol.id}: {only} can be simulated; design.endpoint says {endpoint_text}")
    return arms[0], float(str(protocol.design_values.get("control_rate", course.progression)))


def _frames(rows: Rows) -> _Tables:
    kinds = {"text": pl.String, "date": pl.Date, "number": pl.Float64, "grade": pl.Int64, "flag": pl.Boolean}
    return {
        name: pl.DataFrame(table, schema={column: kinds[kind.kind] for column, kind in TABLES[name].items()})
        for name, table in rows.items()
    }


def _look_dates(protocol: Protocol, tables: _Tables, course: Numbers) -> list[tuple[float, int, date]]:
    """For each look of the design: its share, the participants whose window has passed and whose endpoint is known, and
    the day on which there are so many."""
    known = tables["outcomes"].filter(endpoint=_ENDPOINT).drop_nulls("value")
    entered = tables["subjects"].join(known, on="subject_id", how="semi")["randomized_on"].cast(pl.String).sort()
    size = len(tables["subjects"].drop_nulls("randomized_on"))
    shares: Any = protocol.design_values.get("looks", [1.0])
    counts = [(float(share), min(max(round(float(share) * size), 1), len(entered))) for share in shares]
    window = timedelta(days=course.follow_up)
    return [(share, n, date.fromisoformat(entered[n - 1]) + window) for share, n in counts if len(entered)]


def _readme(protocol: Protocol, assume: Assume, **facts: Any) -> str:
    labels = {name: field.label for name, field in protocol.fields.items()}
    labels["synthetic"] = "marks the row as synthetic"
    subjects = facts["tables"]["subjects"]
    return render(
        "trial.md.j2",
        protocol=protocol,
        screened=len(subjects),
        randomized=len(subjects.drop_nulls("randomized_on")),
        labels={name: labels | {column: each.says for column, each in TABLES[name].items()} for name in TABLES},
        assumptions=assumptions("trial", assume),
        assumed=read_assumptions("trial"),
        endpoint=_ENDPOINT,
        changed=bool(assume),
        **facts,
    )


def _put_in_errors(tables: _Tables, rng: np.random.Generator) -> tuple[_Tables, list[str]]:
    """The tables as texts with a few wrong entries, and where they are; a table too short for one is left alone."""
    errors = read_assumptions("trial")["errors"]
    texts = {name: frame.with_columns(pl.all().cast(pl.String)) for name, frame in tables.items()}
    places = []
    for error in errors:
        column, frame = error["column"], texts[error["table"]]
        fits = frame[error["where"]].is_not_null() & ~frame[column].is_in([each["value"] for each in errors])
        for name, values in error.get("only", {}).items():
            fits &= frame[name].is_in(values)
        rows = fits.arg_true().to_list()
        if len(rows) < 5 * error["n"]:
            continue
        chosen = sorted(int(row) for row in rng.choice(rows, error["n"], replace=False))
        wrong = pl.int_range(len(frame), eager=True).is_in(chosen)
        value = pl.when(wrong).then(pl.lit(error["value"] or None)).otherwise(column)
        texts[error["table"]] = frame.with_columns(value.alias(column))
        people = ", ".join(frame["subject_id"][row] for row in chosen)
        places.append(f"{error['table']}.{column}: {error['reason']} ({people})")
    return texts, places
