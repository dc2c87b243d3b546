"""A protocol meets a patient table: states of every criterion, decisions, and the evidence for them.

The table is read once, into patterns: how many patients fail and lack exactly the same criteria. Counts come from the
patterns; what concerns single patients (decisions, evidence) is worked out when it is asked for.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.doors import load_module
from ..criteria.engine import in_polars
from ..criteria.protocol import DataError
from ..criteria.stage import Stage, expect
from .frames.attrition import answer, attrition, criterion_states, open_criteria
from .frames.baseline import baseline
from .frames.groups import attrition_by_group, exclusion_ratios
from .frames.impact import fewest_to_drop, impact, overlap
from .frames.portable import portable_counts
from .frames.sweep import sweep
from .frames.worklist import missingness, worklist
from .output import write_screening
from .patterns import Patterns, ScreeningData, count_patterns
from .rows import decisions, evidence
from .sources import read_patients
from .sources.open import readable


class Screening(Stage, ScreeningData):
    """What screening found; its methods are what can be asked of it."""

    answer = answer
    attrition = attrition
    attrition_by_group = attrition_by_group
    baseline = baseline
    criterion_states = criterion_states
    exclusion_ratios = exclusion_ratios
    fewest_to_drop = fewest_to_drop
    impact = impact
    missingness = missingness
    open_criteria = open_criteria
    overlap = overlap
    portable_counts = portable_counts
    sweep = sweep
    worklist = worklist
    write = write_screening
    _offered = ("certain", "counts", "n", "possible")

    def decisions(self) -> pd.DataFrame:
        """A row a patient: `patient_id`, `decision`, `failed`, `unknown` (criteria) and `open_items` (fields).

        `open_items` are the unknown fields that leave a criterion of an undetermined patient open.
        """
        with readable(self.patients.name):
            return decisions(self).collect().to_pandas()

    def evidence(self) -> pd.DataFrame:
        """A row a patient and criterion: `patient_id`, `criterion`, `state` and the `values` that decided it."""
        with readable(self.patients.name):
            return evidence(self).collect().to_pandas()

    def _lines(self) -> list[str]:
        label, counts = ", SYNTHETIC" if self.patients.synthetic else "", self.counts
        return [
            f"{self.protocol.id} on {self.patients.name}{label}: {self.n:,} screened",
            f"eligible: {self.certain:,} certain, {self.possible:,} possible",
            f"ineligible: {counts['ineligible']:,} · undetermined: {counts['undetermined']:,}, "
            f"of them {counts['awaiting_judgement']:,} await only a judgement",
            '.attrition() .impact() .worklist() .sweep("I1.upper") .baseline() .decisions() …',
        ]


def screen(protocol: Protocol, patients: Any, mapping: Any = None, engine: str | None = None) -> Screening:
    """The state of every criterion for every patient, as patterns.

    Args:
        protocol: with its chosen readings.
        patients: what `read_patients` gave, or anything it reads.
        mapping: for a source that has not been read yet.
        engine: `polars` or `duckdb` to move the table there; by default it stays where it is.

    A criterion is pass, fail or unknown; unknown comes from unknown facts by Kleene's logic, never from a default.

    Raises:
        DataError: the table does not fit the protocol.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> screening = tt.screen(protocol, "data/cohort/cohort.csv")
    >>> 0 < screening.certain < screening.possible < screening.n
    True
    """
    expect(protocol, Protocol, "tt.screen(protocol, patients)")
    patients = read_patients(patients, protocol, mapping)
    with readable(patients.name):
        patterns = count_patterns(list(protocol.requirements.values()), protocol, _move(patients.frame, engine))
    if patterns.n.sum() != patients.n:
        counted = f"{patients.name} had {patients.n:,} patients when it was read and has {patterns.n.sum():,} now"
        raise DataError(f"{counted}; read it again, and screen a copy that nobody writes to")
    return Screening(protocol, patients, _frame(patterns))


def _frame(patterns: Patterns) -> pd.DataFrame:

    failed, unknown = patterns.masks()
    frame = pd.DataFrame({"failed": failed, "unknown": unknown, "n": patterns.n})
    return frame.sort_values(["n", "failed", "unknown"], ascending=[False, True, True], ignore_index=True)


def _move(frame: Any, engine: str | None) -> Any:
    if engine is None or (engine == "polars" and frame.implementation.is_polars()):
        return frame
    if engine == "polars":
        return nw.from_native(in_polars(frame).lazy())
    if engine == "duckdb":
        return nw.from_native(load_module("duckdb").from_arrow(in_polars(frame).to_arrow()))
    raise DataError(f"no engine '{engine}'; use polars or duckdb")
