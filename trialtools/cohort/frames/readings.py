"""Readings as data: what each reading of each unclear sentence makes of the cohort, alone and two at a time.

The table is read once, with every reading of every sentence as a criterion of its own; any choice of readings is then
counted from the patterns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.stage import expect
from ..patterns import count_patterns
from ..sources import read_patients

_Choice = Mapping[str, str]
_READINGS = ("criterion", "label", "reading", "chosen", "pass", "fail", "unknown", "certain", "possible", "moved", "n")
_CHANGES = ("certain_together", "certain_apart", "possible_together", "possible_apart")
_INTERACTIONS = ("first", "second", "certain", "possible", "moved", *_CHANGES, "n")


def compare_readings(protocol: Protocol, patients: Any, criteria: Sequence[str] | None = None) -> pd.DataFrame:
    """What each reading of each ambiguous sentence makes of the cohort, all other sentences read as chosen.

    Args:
        protocol: with its chosen readings.
        patients: what `read_patients` gave, or anything it reads.
        criteria: only these sentences.

    Columns: criterion, label, reading, chosen, pass, fail, unknown (of this criterion), certain, possible (of the whole
    protocol), moved (patients whose decision differs from that under the chosen readings), n.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> frame = tt.compare_readings(protocol, "data/cohort/cohort.csv", criteria=["I6"])
    >>> frame[["reading", "chosen", "certain"]].values.tolist()
    [['guideline', True, 51], ['registered', False, 0]]
    """

    expect(protocol, Protocol, "tt.compare_readings(protocol, patients)")
    joint = _joint(protocol, patients)
    rows = []
    for criterion in protocol.criteria:
        for reading in criterion.readings if criteria is None or criterion.id in criteria else ():
            failed, unknown = joint.states[criterion.id, reading]
            fails, opens = int(joint.n[failed].sum()), int(joint.n[unknown].sum())
            rows.append(
                {
                    "criterion": criterion.id,
                    "label": criterion.label,
                    "reading": reading,
                    "chosen": reading == protocol.reading(criterion.id),
                    "pass": joint.total - fails - opens,
                    "fail": fails,
                    "unknown": opens,
                    **joint.outcome({criterion.id: reading}),
                    "n": joint.total,
                }
            )
    return pd.DataFrame(rows, columns=list(_READINGS))


def reading_interactions(protocol: Protocol, patients: Any) -> pd.DataFrame:
    """The pairs of readings that do something together which they do not do apart.

    Two other readings interact if the certain or the possible count under both is not what the two changes add up to.

    Columns: first, second (criterion=reading), certain, possible, moved (under both), certain_together,
    possible_together (how far both readings change these counts), certain_apart, possible_apart (what their changes
    one by one add up to), n; the pair that moves most comes first.
    """

    joint = _joint(protocol, patients)
    others = [pair for pair in joint.states if pair[1] and pair[1] != protocol.reading(pair[0])]
    alone = {pair: joint.outcome(dict([pair])) for pair in others}
    base = joint.outcome({})
    rows = []
    for first, second in combinations(others, 2):
        if first[0] == second[0]:
            continue
        both = joint.outcome(dict([first, second]))
        changes = {}
        for key in ("certain", "possible"):
            changes[f"{key}_together"] = both[key] - base[key]
            changes[f"{key}_apart"] = alone[first][key] + alone[second][key] - 2 * base[key]
        if any(changes[f"{key}_together"] != changes[f"{key}_apart"] for key in ("certain", "possible")):
            rows.append({"first": "=".join(first), "second": "=".join(second), **both, **changes, "n": joint.total})
    frame = pd.DataFrame(rows, columns=list(_INTERACTIONS))
    return frame.sort_values("moved", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class _Joint:
    """Patients counted by the state of every criterion in every reading."""

    protocol: Protocol
    states: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]
    n: np.ndarray

    @property
    def total(self) -> int:
        return int(self.n.sum())

    def verdicts(self, choice: _Choice) -> tuple[np.ndarray, np.ndarray]:
        """Which patterns fail somewhere, and which are open somewhere, under a choice of readings."""

        failed = unknown = np.zeros(len(self.n), dtype=bool)
        for criterion in self.protocol.criteria:
            reading = choice.get(criterion.id) or self.protocol.reading(criterion.id)
            fails, opens = self.states[criterion.id, reading]
            failed, unknown = failed | fails, unknown | opens
        return failed, unknown & ~failed

    def outcome(self, choice: _Choice) -> dict[str, int]:
        """Certain and possible eligibles under a choice, and how many decisions it moves."""
        failed, open_ = self.verdicts(choice)
        before, open_before = self.verdicts({})
        moved = (failed != before) | (open_ != open_before)
        possible = int(self.n[~failed].sum())
        certain = possible - int(self.n[open_].sum())
        return {"certain": certain, "possible": possible, "moved": int(self.n[moved].sum())}


def _joint(protocol: Protocol, patients: Any) -> _Joint:
    formulas = protocol.every_reading
    patterns = count_patterns(list(formulas.values()), protocol, read_patients(patients, protocol).frame)
    states = {which: patterns.states(position) for position, which in enumerate(formulas)}
    return _Joint(protocol, states, patterns.n)
