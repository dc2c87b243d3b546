"""A protocol, patients and a few changes go in, the screening that would follow comes out, in milliseconds if it must.

A `State` says what is changed. `what_if` screens it from the start; `Held` keeps the state of every criterion for every
patient, asks again only the criterion that changed, and finds the same patterns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.engine import facts, in_polars, outcome, partial_fields
from ..criteria.expressions import HIGH, LOW
from ..criteria.language import Formula, ProtocolError, names, nearest
from ..criteria.protocol import DataError, amend
from ..criteria.protocol.limits import with_thresholds
from .frames.attrition import ORDERS
from .screening import Screening, screen
from .sources import Patients, read_patients

UNKNOWNS = ("both", "fail", "pass")
FORMAT = "trialtools what-if 1"


@dataclass(frozen=True)
class State:
    """What differs from the protocol, and how it is looked at; an empty one is the protocol itself.

    `off` are criteria switched off, `readings` other readings, `texts` criteria in other words, `thresholds` other
    numbers by id, sought in the criterion as it then reads. `unknowns` takes what is not known as `fail`, as `pass`, or
    leaves `both` ends open. `order` is that of the flow; `brush` a condition that picks a subgroup.
    """

    off: tuple[str, ...] = ()
    readings: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    unknowns: str = "both"
    order: str = "protocol"
    brush: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "off", tuple(self.off))
        for name, known in (("unknowns", UNKNOWNS), ("order", ORDERS)):
            if (value := getattr(self, name)) not in known:
                raise DataError(f"{name} cannot be '{value}'{nearest(str(value), known)}")

    @property
    def changes(self) -> dict[str, Any]:
        """What is not as the protocol has it, by name."""
        plain = State()
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(plain, f.name)}


def what_if(protocol: Protocol, patients: Any, state: State | None = None, **changes: Any) -> Screening:
    """The screening that would follow, had the protocol been written otherwise.

    Args:
        protocol: stays as it is.
        patients: what `read_patients` gave, or anything it reads.
        state: what differs; or name the differences, as in `State`: `off=["I8"], thresholds={"I1.upper": 75}`.

    Where `unknowns` is `fail` or `pass`, nothing is left unknown in the patterns; decisions and evidence of single
    patients still tell it.

    Raises:
        ProtocolError: no such criterion, threshold or reading, or an expression that cannot be read.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> younger = tt.what_if(protocol, "data/cohort/cohort.csv", thresholds={"I1.upper": 75})
    >>> younger.protocol.criterion["I1"].when
    '18 <= age <= 75'
    """
    state = state or State(**changes)
    patients = patients if isinstance(patients, Patients) else read_patients(patients, protocol)
    chosen = patients.filter(protocol, state.brush) if state.brush else patients
    return settled(screen(asked(protocol, state), chosen), state.unknowns)


def amended(protocol: Protocol, state: State) -> Protocol:
    """The protocol with readings, texts and thresholds changed; criteria that are off still stand in it."""
    read = protocol.with_readings(state.readings) if state.readings else protocol
    said = amend(read, state.texts) if state.texts else read  # each protocol that is made checks itself, for 7 ms
    return with_thresholds(said, state.thresholds) if state.thresholds else said


def asked(protocol: Protocol, state: State) -> Protocol:
    """The protocol that the state describes: what is off is left out."""
    said = amended(protocol, state)
    return amend(said, dict.fromkeys(state.off)) if state.off else said


def as_default(protocol: Protocol) -> Protocol:
    """The same, with each chosen reading written first, so that a file of it is read as it is read here."""
    put_first = {}
    for id, chosen in protocol.readings.items():
        criterion = protocol.criterion[id]
        put_first[id] = replace(criterion, readings={chosen: criterion.readings[chosen]} | dict(criterion.readings))
    return replace(amend(protocol, put_first), readings={})


def settled(screening: Screening, unknowns: str) -> Screening:
    """The same counts with every unknown taken as `fail` or as `pass`; with `both`, as they are."""
    if unknowns == "both":
        return screening
    failed, unknown, n = screening.masks
    return replace(screening, patterns=_table(failed | unknown if unknowns == "fail" else failed, 0 * unknown, n))


def turned(full: Screening, off: tuple[str, ...] = ()) -> pd.DataFrame:
    """Who would be eligible with one more criterion switched: off, or on again where it is off.

    Columns: criterion, on, certain, possible (if it alone is switched), gain_certain, gain_possible (against now;
    negative where switching on loses patients); a row a criterion in protocol order.
    """

    failed, unknown, n = full.masks
    on = sum(1 << i for i, c in enumerate(full.protocol.criteria) if c.id not in off)
    ends = {"certain": failed | unknown, "possible": failed}
    now = {end: int(n[(mask & on) == 0].sum()) for end, mask in ends.items()}
    rows = []
    for position, criterion in enumerate(full.protocol.criteria):
        then = {end: int(n[(mask & (on ^ (1 << position))) == 0].sum()) for end, mask in ends.items()}
        gains = {f"gain_{end}": then[end] - now[end] for end in ends}
        rows.append({"criterion": criterion.id, "on": criterion.id not in off, **then, **gains})
    return pd.DataFrame(rows)


# --- kept as a file ---------------------------------------------------------------------------------------------------


def write_state(state: State, protocol: Protocol) -> str:
    """The state as JSON, with the hash of the protocol that it changes."""
    about = {"format": FORMAT, "protocol": protocol.id, "sha256": protocol.sha256}
    return json.dumps({**about, "state": asdict(replace(state, off=tuple(state.off)))}, indent=1, ensure_ascii=False)


def read_state(written: str, protocol: Protocol) -> State:
    """The state that a JSON text holds.

    Raises:
        DataError: no such file format, made for another protocol, or changes that do not fit it.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> read_state(write_state(State(off=("I8",)), protocol), protocol).off
    ('I8',)
    """
    try:
        content = json.loads(written)
        found, sha256, parts = content["format"], content["sha256"], content["state"]
    except (ValueError, TypeError, KeyError):
        raise DataError("this is no saved state; Save state in the explorer writes one") from None
    if found != FORMAT:
        raise DataError(f"the state was saved as '{found}'; this version reads '{FORMAT}'")
    if sha256 != protocol.sha256:
        other = f"{content.get('protocol')} {str(sha256)[:8]}"
        raise DataError(f"the state was saved for protocol {other}, this is {protocol.id} {protocol.sha256[:8]}")
    known = {each.name for each in fields(State)}
    if not isinstance(parts, dict) or (extra := [name for name in parts if name not in known]):
        raise DataError(
            f"the state says '{extra[0]}'{nearest(extra[0], known)}" if isinstance(parts, dict) else "empty"
        )
    state = State(**parts)
    try:
        asked(protocol, state)
    except ProtocolError as error:
        raise DataError(f"the state does not fit its protocol: {error}") from None
    return state


# --- fast -------------------------------------------------------------------------------------------------------------


class Held:
    """A cohort held in memory with the state of every criterion, so that a change costs milliseconds.

    Each patient has the number of a pattern. The criterion that changes is asked again, alone, and of patients who
    are alike in what it asks and in what all others say of them only once.
    """

    def __init__(self, protocol: Protocol, patients: Patients) -> None:
        self.protocol, self.patients = protocol, patients
        self._known = nw.from_native(in_polars(facts(patients.frame, protocol, tuple(protocol.fields))))
        self._partial = partial_fields(self._known)
        self._pattern = np.zeros(patients.n, dtype="int64")
        self._failed = self._unknown = np.zeros(1, dtype="int64")
        self._grabbed: _Grabbed | None = None
        for position in range(len(protocol.criteria)):
            self._rebase(position, protocol)

    def screen(self, protocol: Protocol) -> Screening:
        """What `screen` finds for a protocol of the same criteria in the same order, whatever they say."""
        before, after = self.protocol.requirements, protocol.requirements
        if list(before) != list(after):
            raise DataError("what is held are the states of other criteria; leave them in, and drop them afterwards")
        changed = [position for position, id in enumerate(after) if before[id] != after[id]]
        if len(changed) > 1:
            for position in changed:
                self._rebase(position, protocol)
            self.protocol = protocol
        position = changed[0] if len(changed) == 1 else 0
        formula = list(after.values())[position]
        grabbed = self._grabbed
        if grabbed is None or (grabbed.position, grabbed.asks) != (position, names(formula)):
            self._grabbed = grabbed = self._grab(position, formula)
        cell = grabbed.group + _states(formula, grabbed.values, self._partial)
        n = np.bincount(cell, grabbed.n, minlength=len(grabbed.failed)).astype("int64")
        there = grabbed.order[n[grabbed.order] > 0]
        return Screening(protocol, self.patients, _frequent(grabbed.failed[there], grabbed.unknown[there], n[there]))

    def _grab(self, position: int, formula: Formula) -> _Grabbed:
        """Patients who are alike in all other criteria and in what this one asks are counted once for all."""
        failed, unknown, group = self._apart(position)
        asks = names(formula)
        by = [*asks, *(name + end for name in asks if name in self._partial for end in (LOW, HIGH))]
        told = self._known.select(*by, nw.new_series("group:", group[self._pattern], backend="polars"))
        alike = told.group_by("group:", *by).agg(nw.len().alias("n:"))
        cells, n = (alike[name].to_numpy().astype("int64") for name in ("group:", "n:"))
        return _Grabbed(position, asks, failed, unknown, np.lexsort((unknown, failed)), alike, cells, n)

    def _apart(self, position: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every pattern there could be with one criterion asked again; and where each pattern's three begin."""
        bit = 1 << position
        groups, at = np.unique(np.stack([self._failed & ~bit, self._unknown & ~bit]), axis=1, return_inverse=True)
        failed = np.repeat(groups[0], 3) | np.tile([0, bit, 0], groups.shape[1])
        unknown = np.repeat(groups[1], 3) | np.tile([0, 0, bit], groups.shape[1])
        return failed, unknown, 3 * at.ravel()

    def _rebase(self, position: int, protocol: Protocol) -> None:
        """Each patient's pattern, with one criterion asked again."""
        failed, unknown, group = self._apart(position)
        cell = group[self._pattern] + _states(
            list(protocol.requirements.values())[position], self._known, self._partial
        )
        there = np.flatnonzero(np.bincount(cell, minlength=len(failed)))
        number = np.zeros(len(failed), dtype="int64")
        number[there] = np.arange(len(there))
        self._failed, self._unknown, self._pattern = failed[there], unknown[there], number[cell]
        self._grabbed = None


@dataclass(frozen=True)
class _Grabbed:
    """One criterion in hand: all others as groups of patterns, and how many patients of each have which values."""

    position: int
    asks: tuple[str, ...]
    failed: np.ndarray
    unknown: np.ndarray
    order: np.ndarray
    values: Any
    group: np.ndarray
    n: np.ndarray


def _states(formula: Formula, known: Any, partial: frozenset[str]) -> Any:
    """For each row 0 where a requirement holds, 1 where it does not, 2 where that is unknown."""
    state = outcome(formula, 0, 1, 2, partial)
    return state if isinstance(state, int) else known.select(state.alias("state:"))["state:"].to_numpy()


def without(full: Screening, off: tuple[str, ...]) -> Screening:
    """The screening with some criteria left out, from its patterns alone."""
    if not off:
        return full
    kept = [position for position, c in enumerate(full.protocol.criteria) if c.id not in off]
    failed, unknown, n = full.masks
    masks = [
        sum((((mask >> old) & 1) << new for new, old in enumerate(kept)), np.zeros_like(mask))
        for mask in (failed, unknown)
    ]
    return Screening(amend(full.protocol, dict.fromkeys(off)), full.patients, _table(masks[0], masks[1], n))


def _table(failed: np.ndarray, unknown: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    """Patterns as `screen` orders them; the same one twice becomes one."""
    order = np.lexsort((unknown, failed))
    failed, unknown, n = failed[order], unknown[order], n[order]
    first = np.flatnonzero(np.r_[True, (np.diff(failed) != 0) | (np.diff(unknown) != 0)][: len(n)])
    return _frequent(failed[first], unknown[first], np.add.reduceat(n, first) if len(n) else n)


def _frequent(failed: np.ndarray, unknown: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    """Patterns that are in the order of their masks, the most frequent first."""

    order = np.argsort(-n, kind="stable")
    return pd.DataFrame({"failed": failed[order], "unknown": unknown[order], "n": n[order]})
