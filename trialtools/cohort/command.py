"""`trialtools map`, `screen` and `explain`: a protocol and a table of patients go in, words and files come out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from ..criteria.contents import load_protocol
from ..criteria.doors import DONE
from ..criteria.protocol import Field
from .draft.mapping import draft_mapping
from .output import summary_text, write_screening
from .screening import screen
from .sources import read_patients

_EVIDENCE_LIMIT = 100_000


def _map(protocol: str, table: str, *, out: str | None = None) -> int:
    """Write a mapping for a table: what is certain stands, guesses and questions wait as comments.

    Args:
        protocol: its fields are looked for among the columns
        table: .csv, .csv.gz, .parquet, .xlsx or a folder of .parquet
        out (FILE): write the mapping there, and never over a file that is there already
    """
    draft = draft_mapping(load_protocol(protocol), table)
    if out:
        print(f"wrote {draft.write(out)}")
    else:
        print(draft.text(), end="")
    print("\n".join([draft.summary, *(f"decide: {each}" for each in draft.decisions)]), file=sys.stderr)
    if not draft.lines and (lacking := [*draft.absent]):
        more = f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""
        print(
            f"no column bears the name of a field ({', '.join(lacking[:4])}{more}): write a line for each below "
            f"fields:, such as {lacking[0]}: NAME OF ITS COLUMN",
            file=sys.stderr,
        )
    elif not draft.lines:
        print(
            f"no column is a field: adopt formulas in {protocol} first (its lines with '# proposed'), then map again",
            file=sys.stderr,
        )
    elif not draft.mapping.fields:
        print("nothing is certain: the mapping screens once at least one guess is taken", file=sys.stderr)
    elif out:
        print(f"next: trialtools screen {protocol} {table} --mapping {out}")
    return DONE


def _screen(
    protocol: str,
    patients: str,
    *,
    mapping: str | None = None,
    reading: tuple[str, ...] = (),
    engine: Literal["polars", "duckdb"] | None = None,
    out: str | None = None,
    evidence: bool = False,
) -> int:
    """Decide who of a patient table could enter.

    Args:
        patients: .csv, .csv.gz, .parquet or .xlsx
        mapping (FILE): how the columns become fields
        reading (I6=registered): the reading of an ambiguous sentence
        out (DIR): write decisions, evidence, patterns, quality and summary there
        evidence: write the evidence however many patients there are
    """
    screening = screen(load_protocol(protocol, readings=", ".join(reading)), patients, mapping, engine)
    print(summary_text(screening))
    if out:
        with_evidence = evidence or screening.n <= _EVIDENCE_LIMIT
        for path in write_screening(screening, Path(out), with_evidence):
            print(f"wrote {path}")
        if not with_evidence:
            print(f"no evidence.parquet: more than {_EVIDENCE_LIMIT:,} patients; ask for it with --evidence")
    return DONE


def _explain(
    protocol: str,
    patients: str,
    *,
    mapping: str | None = None,
    reading: tuple[str, ...] = (),
    patient: str,
    full: bool = False,
) -> int:
    """Why one patient is in, out or open.

    Args:
        patients: .csv, .csv.gz, .parquet or .xlsx
        mapping (FILE): how the columns become fields
        reading (I6=registered): the reading of an ambiguous sentence
        patient (ID): who is asked about
        full: show every branch, not only those that decided
    """
    rules = load_protocol(protocol, readings=", ".join(reading))
    table = read_patients(patients, rules, mapping)
    person = table.patient(patient)
    print(rules.explain(person).text(full=full))
    if rows := _rows_text(table.rows_of(patient), rules.fields):
        print("\n" + "\n".join(rows))
    print(f"\n{rules.open_items(person).text()}\n\n{rules.nearest_eligible(person).text()}")
    return DONE


def _rows_text(rows: pd.DataFrame, fields: Mapping[str, Field]) -> list[str]:
    """For each field, which rows of a patient count and what they say, where rows differ."""
    lines = []
    for name, group in rows.groupby("field", sort=False):
        field, counted = fields[str(name)], group[group["counts"]]
        if counted.empty or len(group["value"].drop_duplicates()) < 2:
            continue
        numbers, by = (["" if pd.isna(each) else str(each) for each in counted[name]] for name in ("row", "by"))
        if len(counted) == 1:
            day = f" ({by[0]})" if by[0] else ""
            lines.append(f"{field.label}: row {numbers[0]}{day} of rows {', '.join(map(str, group['row']))}")
        else:
            values = [field.write(None if value is None or value != value else value) for value in counted["value"]]
            lines.append(f"{field.label}: rows {', '.join(numbers)} count: {', '.join(values)}")
    return lines


__commands__ = {"map": _map, "screen": _screen, "explain": _explain}
