"""What trial data are: the tables, their columns in words, the frozen whole, and what was wrong: the findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import pandas as pd

from ...cohort.sources.checks import DataFinding
from ...criteria.protocol import Field

Frame = Any
"""A pandas frame or series; what pandas says of its own types stops at the first method."""

_Kind = Literal["text", "date", "number", "grade", "flag"]
DTYPES = {"text": "str", "date": "datetime64[us]", "number": "float64", "grade": "Int64", "flag": "boolean"}


@dataclass(frozen=True)
class _Column:
    """A documented column: its kind, what it says, what it may hold. A `must` column is known in every row."""

    kind: _Kind
    says: str
    values: tuple[str, ...] = ()
    must: bool = False

    @property
    def field(self) -> Field | None:
        """What a value may be, as the reading of patient tables knows it; None for texts."""
        match self.kind:
            case "text":
                return None
            case "grade":
                return Field("integer", self.says, range=(1, 5))
            case "date":
                return Field("date", self.says, range=(date(1900, 1, 1), date(2100, 12, 31)))
        return Field(self.kind, self.says)


_SUBJECT = _Column("text", "number of the person in this trial", must=True)
TABLES: dict[str, dict[str, _Column]] = {
    "subjects": {
        "subject_id": _SUBJECT,
        "site": _Column("text", "where the person was screened"),
        "screened_on": _Column("date", "day of screening"),
        "decision": _Column("text", "what screening decided", ("eligible", "ineligible", "undetermined")),
        "reason": _Column("text", "failed criteria, or why an eligible person was not randomized"),
        "randomized_on": _Column("date", "day of randomization; empty if there was none"),
        "stratum": _Column("text", "stratum of the randomization"),
        "arm": _Column("text", "id of the arm; closed only"),
        "infected_on": _Column("date", "onset of symptoms, else first positive test"),
        "randomized": _Column("flag", "whether an arm was allotted; known where randomized_on or the arm is"),
    },
    "doses": {
        "subject_id": _SUBJECT,
        "planned_on": _Column("date", "day for which the dose was planned"),
        "dosed_on": _Column("date", "day on which it was given; empty if it was not"),
        "amount": _Column("number", "how much was given, in `unit`"),
        "unit": _Column("text", "unit of `amount`"),
        "reason": _Column("text", "why a dose was missed or deviates"),
    },
    "events": {
        "subject_id": _SUBJECT,
        "started_on": _Column("date", "first day of the adverse event"),
        "ended_on": _Column("date", "last day; empty if it goes on or is unknown"),
        "body_system": _Column("text", "system organ class"),
        "term": _Column("text", "preferred term"),
        "severity": _Column("grade", "1 mild to 5 fatal"),
        "serious": _Column("flag", "serious in the sense of ICH E2A"),
        "related": _Column("flag", "a causal relation is at least possible, says the investigator, who is blinded"),
        "outcome": _Column("text", "how it ended"),
    },
    "outcomes": {
        "subject_id": _SUBJECT,
        "endpoint": _Column("text", "what was observed", must=True),
        "value": _Column("number", "1 it happened, 0 it did not; or a measurement, or a level"),
        "observed_on": _Column("date", "day on which the value was known"),
    },
    "disposition": {
        "subject_id": _SUBJECT,
        "milestone": _Column(
            "text", "what became of the person", ("withdrew", "lost", "discontinued", "completed", "died"), must=True
        ),
        "happened_on": _Column("date", "day of the milestone"),
        "reason": _Column("text", "why"),
        "source": _Column("text", "of a death, where it is known from; worked out where it is lacking"),
    },
    "labs": {
        "subject_id": _SUBJECT,
        "test": _Column("text", "what was measured: ALT, AST, ALP, BILI, ... or a vital sign", must=True),
        "value": _Column("number", "the result, in `unit`"),
        "unit": _Column("text", "unit of `value` and `upper_limit`"),
        "upper_limit": _Column("number", "upper limit of the normal range"),
        "taken_on": _Column("date", "day of the sample"),
    },
}
"""The five tables, and laboratory values where a trial has them."""

HIDDEN = {"subjects": ("arm",), "doses": ("amount", "unit", "reason")}
"""Documented columns that tell an arm, or could: a placebo has another amount, and only cells can thaw too early."""

SCREENING_LOG = "screening log"
"""What is absent where the data hold nobody who was screened and not randomized: no trial excludes nobody."""
FINDINGS = ("table", "column", "problem", "n", "of", "example", "action", "fatal")


@dataclass(frozen=True)
class TrialTables:
    """A trial's data as tidy tables, checked; every date a calendar date (`datetime64`), every unknown empty.

    `findings` lists what was wrong with them, one row a problem. `absent` names the tables that were not collected:
    they are empty, but for deaths that other tables tell; and a screening log that was not. `sha256` is of the
    files that were read. `arms` are the ids
    that an arm can have. `endpoint` is the primary one, `kind` what its values are, `window` the days after
    randomization in which it counts. `cut_on` is the day of the data cut.
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
    kind: str = "binary"
    cut_on: date | None = None

    @property
    def tables(self) -> dict[str, Frame]:
        """Every table by its name."""
        return {name: getattr(self, name) for name in TABLES}


READ_AS_UNKNOWN = "read as unknown"
KEPT = "kept as written"
FATAL = "stop"


def finding(table: str, column: str, problem: str, n: int, of: int, example: str, action: str) -> DataFinding:
    """One row of the findings; what stops the reading is fatal."""
    return dict(zip(FINDINGS, (table, column, problem, n, of, example, action, action == FATAL), strict=True))


def finding_for(table: str, column: str, problem: str, frame: Frame, hit: Frame, action: str) -> list[DataFinding]:
    """A finding on the rows where `hit`, none where there are none; the example names the first subjects."""
    n = int(hit.sum())
    if not n:
        return []
    examples = []
    for row, who, value in frame.loc[hit, ["subject_id", column]].head(3).itertuples(name=None):
        shown = str(value).removesuffix(" 00:00:00") if value == value and value is not None else ""
        who = who if isinstance(who, str) else f"row {row + 1}"
        examples.append(f"{who}: {shown}" if shown and column != "subject_id" else who)
    return [finding(table, column, problem, n, len(frame), ", ".join(examples), action)]


def belongs_to(rows: Frame, subjects: Frame) -> Frame:
    """Which rows are of one of these subjects; asked of a column of texts, pandas takes a hundred times as long."""
    return rows["subject_id"].astype(object).isin(subjects)


def findings_frame(findings: Iterable[DataFinding]) -> Frame:
    """Findings as a frame, each problem in one row."""
    return pd.DataFrame(list(findings), columns=list(FINDINGS)).astype({"n": int, "of": int, "fatal": bool})
