"""Requirements and a table go in, patterns come out: how many patients fail and lack exactly the same requirements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.engine import collect, expression, facts, outcome, partial_fields
from ..criteria.language import Formula, Name, names
from .sources import Patients

_CHUNK = 31
"""Criteria in one 64-bit key: a bit for fail and a bit for unknown of each."""


@dataclass(frozen=True)
class Patterns:
    """A column of integers for every 31 requirements, as the engine counted them; patients, and groups, of each row."""

    keys: tuple[np.ndarray, ...]
    n: np.ndarray
    groups: tuple[np.ndarray, ...] = ()

    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        """Failed and unknown as one bit mask each, the first requirement being the lowest bit; for 62 at most."""

        failed = unknown = np.zeros(len(self.n), dtype="int64")
        for position, key in enumerate(self.keys):
            failed = failed | ((key & ((1 << _CHUNK) - 1)) << (_CHUNK * position))
            unknown = unknown | ((key >> _CHUNK) << (_CHUNK * position))
        return failed, unknown

    def states(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Which rows fail one requirement, and for which it is unknown."""
        key, bit = self.keys[position // _CHUNK], position % _CHUNK
        return (key >> bit) & 1 == 1, (key >> (bit + _CHUNK)) & 1 == 1


def count_patterns(
    requirements: Sequence[Formula], protocol: Protocol, frame: Any, groups: Mapping[str, nw.Expr] | None = None
) -> Patterns:
    """Count the patients of a table by the states of all requirements.

    Args:
        requirements: what must hold, over the protocol's fields.
        protocol: says which values are possible and to whom flags apply.
        frame: Narwhals frame of a patient table, in any engine; only the patterns come home.
        groups: by field, an expression that numbers groups of patients: then they are counted group by group.
    """
    wanted = {name for formula in requirements for name in names(formula)} | {*(groups or ())}
    known = facts(frame, protocol, tuple(name for name in protocol.fields if name in wanted))
    partial = partial_fields(known)
    # An outcome asks twice whether a requirement holds: of a column, so that no engine gets its formula twice.
    holds = {f"holds__{i}": expression(each, partial) for i, each in enumerate(requirements) if names(each)}
    known = known.with_columns(**holds) if holds else known
    key = _keys([Name(f"holds__{i}", "flag") if names(each) else each for i, each in enumerate(requirements)])
    apart = [code.alias(f"group{position}") for position, code in enumerate((groups or {}).values())]
    by = [f"key{position}" for position in range(len(key))] + [f"group{i}" for i in range(len(apart))]
    grouped = collect(known.with_columns(*key, *apart).group_by(by).agg(nw.len().alias("n")))
    columns = [grouped[name].to_numpy().astype("int64") for name in (*by, "n")]
    return Patterns(tuple(columns[: len(key)]), columns[-1], tuple(columns[len(key) : -1]))


def _keys(requirements: Sequence[Formula]) -> list[nw.Expr]:
    """The states of all requirements as few integers: in each, the low 31 bits say fail and the next 31 say unknown."""
    chunks = [requirements[start : start + _CHUNK] for start in range(0, len(requirements), _CHUNK)]
    return [_key(chunk).alias(f"key{position}") for position, chunk in enumerate(chunks)]


def _key(requirements: Sequence[Formula]) -> nw.Expr:
    states = (outcome(formula, 0, 1 << bit, 1 << (bit + _CHUNK)) for bit, formula in enumerate(requirements))
    return reduce(add, states)


@dataclass(frozen=True)
class ScreeningData:
    """What screening found: `patterns` has a row for each combination of failed and unknown criteria, with its n.

    `failed` and `unknown` are bit masks over the criteria in protocol order: the first criterion is the lowest bit.
    `members` is the row of `patterns` of each patient, where the table is in memory and somebody worked it out.
    """

    protocol: Protocol
    patients: Patients
    patterns: pd.DataFrame = field(repr=False)
    members: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def n(self) -> int:
        return self.patients.n

    @property
    def masks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The columns of `patterns` as arrays: failed, unknown, n."""
        return tuple(self.patterns[column].to_numpy() for column in ("failed", "unknown", "n"))  # type: ignore[return-value]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Patients by decision; `awaiting_judgement` are undetermined patients who need only a judgement."""
        judged = sum(1 << i for i, id in enumerate(self.protocol.requirements) if id in self.protocol.judgements)
        failed, unknown, n = self.masks
        possible, open_ = failed == 0, unknown != 0
        return {
            "eligible": int(n[possible & ~open_].sum()),
            "ineligible": int(n[~possible].sum()),
            "undetermined": int(n[possible & open_].sum()),
            "awaiting_judgement": int(n[possible & open_ & ((unknown & ~judged) == 0)].sum()),
        }

    @property
    def certain(self) -> int:
        """Eligible whatever the unknown facts turn out to be."""
        return self.counts["eligible"]

    @property
    def possible(self) -> int:
        """Eligible if every unknown fact turns out well."""
        return self.counts["eligible"] + self.counts["undetermined"]


# --- sums over bit masks ----------------------------------------------------------------------------------------------

_BOXES = 10
"""Criteria that are summed at once: a pattern is dropped into one of 1,024 boxes, and the boxes are summed by bit."""

_DENSE = 20
"""Up to so many criteria, every set of them can have a box of its own."""


def sum_by_criterion(mask: np.ndarray, weight: np.ndarray, criteria: int) -> np.ndarray:
    """For each criterion the summed weight of the patterns whose mask holds it."""
    sums = np.zeros(criteria)
    for low in range(0, criteria, _BOXES):
        width = min(_BOXES, criteria - low)
        boxes = np.bincount((mask >> low) & (2**_BOXES - 1), weight, minlength=2**_BOXES)
        sums[low : low + width] = boxes @ ((np.arange(2**_BOXES)[:, None] >> np.arange(width)) & 1)
    return sums


def collapse(mask: np.ndarray, n: np.ndarray, criteria: int) -> tuple[np.ndarray, np.ndarray]:
    """Each mask once, in rising order, with all its patients."""
    if criteria <= _DENSE:  # a box for every set there could be: many times faster than sorting
        boxes = np.bincount(mask, n, minlength=1 << criteria)
        masks = np.flatnonzero(boxes)
        return masks, boxes[masks].astype("int64")
    masks, at = np.unique(mask, return_inverse=True)
    return masks, np.bincount(at, n, len(masks)).astype("int64")
