"""What trial data are: the tables, their columns in words and as pandera schemas, and the frozen whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import pandas as pd

Frame = Any
"""A pandas frame or series; what pandas says of its own types stops at the first method."""

Kind = Literal["text", "date", "number", "grade", "flag"]
DTYPES = {"text": "str", "date": "datetime64[us]", "number": "float64", "grade": "Int64", "flag": "boolean"}
FIRST, LAST = "1900-01-01", "2100-12-31"


@dataclass(frozen=True)
class Column:
    """A documented column: its kind, what it says, what it may hold. A `must` column is known in every row."""

    kind: Kind
    says: str
    values: tuple[str, ...] = ()
    must: bool = False


SUBJECT = Column("text", "number of the person in this trial", must=True)
TABLES: dict[str, dict[str, Column]] = {
    "subjects": {
        "subject_id": SUBJECT,
        "site": Column("text", "where the person was screened"),
        "screened_on": Column("date", "day of screening"),
        "decision": Column("text", "what screening decided", ("eligible", "ineligible", "undetermined")),
        "reason": Column("text", "failed criteria, or why an eligible person was not randomized"),
        "randomized_on": Column("date", "day of randomization; empty if there was none"),
        "stratum": Column("text", "stratum of the randomization"),
        "arm": Column("text", "id of the arm; closed only"),
        "infected_on": Column("date", "onset of symptoms, else first positive test"),
        "randomized": Column("flag", "whether an arm was allotted; worked out where randomized_on or the arm is known"),
    },
    "doses": {
        "subject_id": SUBJECT,
        "planned_on": Column("date", "day for which the dose was planned"),
        "dosed_on": Column("date", "day on which it was given; empty if it was not"),
        "amount": Column("number", "how much was given, in `unit`"),
        "unit": Column("text", "unit of `amount`"),
        "reason": Column("text", "why a dose was missed or deviates"),
    },
    "events": {
        "subject_id": SUBJECT,
        "started_on": Column("date", "first day of the adverse event"),
        "ended_on": Column("date", "last day; empty if it goes on or is unknown"),
        "body_system": Column("text", "system organ class"),
        "term": Column("text", "preferred term"),
        "severity": Column("grade", "1 mild to 5 fatal"),
        "serious": Column("flag", "serious in the sense of ICH E2A"),
        "related": Column("flag", "a causal relation is at least possible, says the investigator, who is blinded"),
        "outcome": Column("text", "how it ended"),
    },
    "outcomes": {
        "subject_id": SUBJECT,
        "endpoint": Column("text", "what was observed", must=True),
        "value": Column("number", "1 it happened, 0 it did not; or a measurement"),
        "observed_on": Column("date", "day on which the value was known"),
    },
    "disposition": {
        "subject_id": SUBJECT,
        "milestone": Column(
            "text", "what became of the person", ("withdrew", "lost", "discontinued", "completed", "died"), must=True
        ),
        "happened_on": Column("date", "day of the milestone"),
        "reason": Column("text", "why"),
    },
    "labs": {
        "subject_id": SUBJECT,
        "test": Column("text", "what was measured: ALT, AST, ALP, BILI, ... or a vital sign", must=True),
        "value": Column("number", "the result, in `unit`"),
        "unit": Column("text", "unit of `value` and `upper_limit`"),
        "upper_limit": Column("number", "upper limit of the normal range"),
        "taken_on": Column("date", "day of the sample"),
    },
}
"""The five tables, and laboratory values where a trial has them."""

HIDDEN = {"subjects": ("arm",), "doses": ("amount", "unit", "reason")}
"""Documented columns that tell an arm, or could: a placebo has another amount, and only cells can thaw too early."""

FINDINGS = ("table", "column", "problem", "n", "of", "example", "action", "fatal")


@dataclass(frozen=True)
class TrialTables:
    """A trial's data as tidy tables, checked; every date a calendar date (`datetime64`), every unknown empty.

    `findings` lists what was wrong with them, one row a problem. `absent` names the tables that were not collected:
    they are empty. `sha256` is of the files that were read. `arms` are the ids that an arm can have. `endpoint` is the
    primary one, `window` the days after randomization in which it counts. `cut_on` is the day of the data cut.
    """

    name: str
    subjects: Frame
    doses: Frame
    events: Frame
    outcomes: Frame
    disposition: Frame
    labs: Frame
    findings: Frame
    absent: tuple[str, ...] = ()
    synthetic: bool = False
    sha256: Mapping[str, str] = field(default_factory=dict)
    arms: tuple[str, ...] = ()
    endpoint: str | None = None
    window: int | None = None
    cut_on: date | None = None

    @property
    def tables(self) -> dict[str, Frame]:
        """Every table by its name."""
        return {name: getattr(self, name) for name in TABLES}


def schema(table: str) -> Any:
    """The pandera schema of a table; columns beyond the documented ones pass.

    >>> schema("events").columns["severity"].checks
    [<Check in_range: in_range(1, 5)>]
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandera tries every engine it finds, and one of them has opinions on pandas
        import pandera.pandas as pa

    def checks(column: Column) -> list[Any]:
        if column.values:
            return [pa.Check.isin(list(column.values))]
        if column.kind == "date":
            return [pa.Check.in_range(pd.Timestamp(FIRST), pd.Timestamp(LAST))]
        return [pa.Check.in_range(1, 5)] if column.kind == "grade" else []

    columns = {
        name: pa.Column(
            DTYPES[column.kind],
            checks(column),
            nullable=not column.must,
            unique=(table, name) == ("subjects", "subject_id"),
        )
        for name, column in TABLES[table].items()
    }
    return pa.DataFrameSchema(columns, name=table)
