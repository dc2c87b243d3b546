"""A protocol, patients and a few edits go in, the screening that would follow comes out, in milliseconds if it must.

`Edits` say what is changed. `what_if` screens the edited protocol from the start; a `CohortCache` keeps the state of
every criterion for every patient, asks again only the criterion that changed, and finds the same patterns.
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
from ..criteria.language import Formula, ProtocolError, names, nearest, parse
from ..criteria.protocol import DataError, amend
from ..criteria.protocol.limits import with_thresholds
from ..criteria.stage import expect
from .frames.attrition import ORDERS
from .screening import Screening, screen
from .sources import Patients, read_patients

_UNKNOWNS = ("both", "fail", "pass")
_FORMAT = "trialtools what-if 1"


@dataclass(frozen=True)
class Edits:
    """What differs from the protocol, and how it is looked at; without any it is the protocol itself.

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
        for name, choices in (("unknowns", _UNKNOWNS), ("order", ORDERS)):
            if (value := getattr(self, name)) not in choices:
                raise DataError(f"{name} cannot be '{value}'{nearest(str(value), choices)}")

    @property
    def changes(self) -> dict[str, Any]:
        """What is not as the protocol has it, by name."""
        plain = Edits()
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(plain, f.name)}


@dataclass(frozen=True)
class _EditedProtocol:
    """A protocol with its edits, as far as they can be read; `errors` say, by criterion or `brush`, what cannot.

    Criteria that are off still stand in `protocol`, so that switching one costs nothing.
    """

    protocol: Protocol
    edits: Edits
    errors: Mapping[str, str] = field(default_factory=dict)


def what_if(protocol: Protocol, patients: Any, edits: Edits | None = None, **changes: Any) -> Screening:
    """The screening that would follow, had the protocol been written otherwise.

    Args:
        protocol: stays as it is.
        patients: what `read_patients` gave, or anything it reads.
        edits: what differs; or name the differences, as in `Edits`: `off=["I8"], thresholds={"I1.upper": 75}`.

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
    expect(protocol, Protocol, "tt.what_if(protocol, patients)")
    edits = Edits(**changes) if edits is None else edits
    expect(edits, Edits, "tt.what_if(protocol, patients, edits)", 'Edits, or changes by name such as off=["I8"]')
    patients = read_patients(patients, protocol)
    chosen = patients.filter(protocol, edits.brush) if edits.brush else patients
    return resolve_unknowns(screen(edited_protocol(protocol, edits), chosen), edits.unknowns)


def edit(protocol: Protocol, edits: Edits, before: Edits | None = None) -> _EditedProtocol:
    """The protocol with its edits; what cannot be read stays as it was before, and the errors say why.

    Args:
        protocol: stays as it is.
        edits: what differs from it.
        before: the last edits that could be read.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> slip = edit(protocol, Edits(texts={"E1": "spo2 < "}, thresholds={"I1.upper": 75}))
    >>> list(slip.errors), slip.edits.texts, slip.protocol.criterion["I1"].when
    (['E1'], {}, '18 <= age <= 75')
    """
    before = before or Edits()
    errors: dict[str, str] = {}
    try:
        parse(edits.brush or "True", protocol.fields)
    except ProtocolError as error:
        errors["brush"] = str(error)
        edits = replace(edits, brush=before.brush)
    if len(edits.off) == len(protocol.criteria):
        errors[edits.off[-1]] = "one criterion at least must stay on"
        edits = replace(edits, off=tuple(id for id in edits.off if id in before.off))
    try:
        edited = with_edits(protocol, edits)
    except ProtocolError:
        edits = _readable_part(protocol, edits, before, errors)
        edited = with_edits(protocol, edits)
    return _EditedProtocol(edited, edits, errors)


def _readable_part(protocol: Protocol, edits: Edits, before: Edits, errors: dict[str, str]) -> Edits:
    """The edits one by one: a text or a number that cannot be read is that of before, if it still fits."""
    texts: dict[str, str] = {}
    for id, text in edits.texts.items():
        for tried in (text, before.texts.get(id)):
            if tried and _is_readable(protocol, Edits(readings=edits.readings, texts={id: tried}), id, errors):
                texts[id] = tried
                break
    edits = replace(edits, texts=texts)
    numbers: dict[str, float] = {}
    for id, number in edits.thresholds.items():
        if _is_readable(protocol, replace(edits, thresholds={id: number}), id.split(".")[0], errors):
            numbers[id] = number
    return replace(edits, thresholds=numbers)


def _is_readable(protocol: Protocol, edits: Edits, name: str, errors: dict[str, str]) -> bool:
    try:
        with_edits(protocol, edits)
    except ProtocolError as error:
        errors.setdefault(name, str(error))
        return False
    return True


def with_edits(protocol: Protocol, edits: Edits) -> Protocol:
    """The protocol with readings, texts and thresholds changed; criteria that are off still stand in it.

    Raises:
        ProtocolError: no such criterion, threshold or reading, or an expression that cannot be read.
    """
    chosen = protocol.with_readings(edits.readings) if edits.readings else protocol
    reworded = amend(chosen, edits.texts) if edits.texts else chosen  # each protocol that is made checks itself
    return with_thresholds(reworded, edits.thresholds) if edits.thresholds else reworded


def edited_protocol(protocol: Protocol, edits: Edits) -> Protocol:
    """The protocol that the edits describe: what is off is left out."""
    edited = with_edits(protocol, edits)
    return amend(edited, dict.fromkeys(edits.off)) if edits.off else edited


def as_default(protocol: Protocol) -> Protocol:
    """The same, with each chosen reading written first, so that a file of it is read as it is read here."""
    put_first = {}
    for id, chosen in protocol.readings.items():
        criterion = protocol.criterion[id]
        put_first[id] = replace(criterion, readings={chosen: criterion.readings[chosen]} | dict(criterion.readings))
    return replace(amend(protocol, put_first), readings={})


def resolve_unknowns(screening: Screening, unknowns: str) -> Screening:
    """The same counts with every unknown taken as `fail` or as `pass`; with `both`, as they are."""
    if unknowns == "both":
        return screening
    failed, unknown, n = screening.masks
    return _with_patterns(screening, failed | unknown if unknowns == "fail" else failed, 0 * unknown, n)


def toggle_effects(full: Screening, off: tuple[str, ...] = ()) -> pd.DataFrame:
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


def drop_criteria(full: Screening, off: tuple[str, ...]) -> Screening:
    """The screening with some criteria left out, from its patterns alone."""
    if not off:
        return full
    places = [position for position, c in enumerate(full.protocol.criteria) if c.id not in off]
    failed, unknown, n = full.masks
    masks = [
        sum((((mask >> old) & 1) << new for new, old in enumerate(places)), np.zeros_like(mask))
        for mask in (failed, unknown)
    ]
    fewer = replace(full, protocol=amend(full.protocol, dict.fromkeys(off)))
    return _with_patterns(fewer, masks[0], masks[1], n)


def _with_patterns(screening: Screening, failed: np.ndarray, unknown: np.ndarray, n: np.ndarray) -> Screening:
    """The screening with other masks for its patterns, in the order of `screen`; the same one twice becomes one."""
    pairs, of = np.unique(np.stack([failed, unknown]), axis=1, return_inverse=True)
    summed = np.bincount(of.ravel(), n, minlength=pairs.shape[1]).astype("int64")
    return _in_order(screening, pairs[0], pairs[1], summed, of.ravel())


def _in_order(
    screening: Screening, failed: np.ndarray, unknown: np.ndarray, n: np.ndarray, of: np.ndarray | None = None
) -> Screening:
    """Patterns that are in the order of their masks, the most frequent first; `of` is where each old one went."""
    order = np.argsort(-n, kind="stable")
    patterns = pd.DataFrame({"failed": failed[order], "unknown": unknown[order], "n": n[order]})
    members = screening.members
    if members is not None:
        place = np.argsort(order, kind="stable")
        members = place[members if of is None else of[members]]
    return replace(screening, patterns=patterns, members=members)


# --- kept as a file ---------------------------------------------------------------------------------------------------


def write_edits(edits: Edits, protocol: Protocol) -> str:
    """The edits as JSON, with the hash of the protocol that it changes."""
    about = {"format": _FORMAT, "protocol": protocol.id, "sha256": protocol.sha256}
    return json.dumps({**about, "state": asdict(edits)}, indent=1, ensure_ascii=False)


def read_edits(text: str, protocol: Protocol) -> Edits:
    """The edits that a JSON text holds.

    Raises:
        DataError: no such file format, made for another protocol, or changes that do not fit it.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> read_edits(write_edits(Edits(off=("I8",)), protocol), protocol).off
    ('I8',)
    """
    try:
        content = json.loads(text)
        version, sha256, parts = content["format"], content["sha256"], content["state"]
    except (ValueError, TypeError, KeyError):
        raise DataError("this is no saved state; Save in the explorer writes one") from None
    if version != _FORMAT:
        raise DataError(f"the state was saved as '{version}'; this version reads '{_FORMAT}'")
    if sha256 != protocol.sha256:
        other = f"{content.get('protocol')} {str(sha256)[:8]}"
        raise DataError(f"the state was saved for protocol {other}, this is {protocol.id} {protocol.sha256[:8]}")
    if not isinstance(parts, dict):
        raise DataError("empty")
    names = {each.name for each in fields(Edits)}
    if extra := [name for name in parts if name not in names]:
        raise DataError(f"the state says '{extra[0]}'{nearest(extra[0], names)}")
    edits = Edits(**parts)
    try:
        edited_protocol(protocol, edits)
    except ProtocolError as error:
        raise DataError(f"the state does not fit its protocol: {error}") from None
    return edits


# --- fast -------------------------------------------------------------------------------------------------------------


class CohortCache:
    """A cohort held in memory with the state of every criterion, so that a change costs milliseconds.

    Each patient has the number of a pattern. Only the changed criterion is evaluated, once per distinct combination of
    its fields and the other criteria.
    """

    def __init__(self, protocol: Protocol, patients: Patients) -> None:
        self.protocol = protocol
        self.patients = replace(patients, frame=nw.from_native(in_polars(patients.frame)))
        self._known = nw.from_native(in_polars(facts(self.patients.frame, protocol, tuple(protocol.fields))))
        self._partial = partial_fields(self._known)
        self._pattern = np.zeros(patients.n, dtype="int64")
        self._failed = self._unknown = np.zeros(1, dtype="int64")
        self._active: _Active | None = None
        for position in range(len(protocol.criteria)):
            self._update(position, protocol)

    def screen(self, protocol: Protocol, members: bool = False) -> Screening:
        """What `screen` finds for a protocol of the same criteria in the same order, whatever they say.

        Args:
            protocol: the criteria of the cache, edited.
            members: tell also who has which pattern, so that groups of patients can be counted without the table.
        """
        before, after = self.protocol.requirements, protocol.requirements
        if list(before) != list(after):
            raise DataError("the cache holds the states of other criteria; leave them in, and drop them afterwards")
        changed = [position for position, id in enumerate(after) if before[id] != after[id]]
        if len(changed) > 1:
            for position in changed:
                self._update(position, protocol)
            self.protocol = protocol
        position = changed[0] if len(changed) == 1 else 0
        formula = list(after.values())[position]
        active = self._active
        if active is None or (active.position, active.fields) != (position, names(formula)):
            self._active = active = self._activate(position, formula)
        cell = active.group + _states(formula, active.values, self._partial)
        n = np.bincount(cell, active.n, minlength=len(active.failed)).astype("int64")
        there = active.order[n[active.order] > 0]
        screening = Screening(protocol, self.patients, pd.DataFrame())
        if members:
            slot = np.zeros(len(active.failed), dtype="int64")
            slot[there] = np.arange(len(there))
            group = self._pattern_slots(position)[2]
            who = slot[group[self._pattern] + _states(formula, self._known, self._partial)]
            screening = replace(screening, members=who)
        return _in_order(screening, active.failed[there], active.unknown[there], n[there])

    def _activate(self, position: int, formula: Formula) -> _Active:
        """Patients who are alike in all other criteria and in what this one asks are counted once for all."""
        failed, unknown, group = self._pattern_slots(position)
        wanted = names(formula)
        by = [*wanted, *(name + end for name in wanted if name in self._partial for end in (LOW, HIGH))]
        values = self._known.select(*by, nw.new_series("group:", group[self._pattern], backend="polars"))
        alike = values.group_by("group:", *by).agg(nw.len().alias("n:"))
        cells, n = (alike[name].to_numpy().astype("int64") for name in ("group:", "n:"))
        return _Active(position, wanted, failed, unknown, np.lexsort((unknown, failed)), alike, cells, n)

    def _pattern_slots(self, position: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every pattern there could be with one criterion asked again; and where each pattern's three begin."""
        bit = 1 << position
        groups, at = np.unique(np.stack([self._failed & ~bit, self._unknown & ~bit]), axis=1, return_inverse=True)
        failed = np.repeat(groups[0], 3) | np.tile([0, bit, 0], groups.shape[1])
        unknown = np.repeat(groups[1], 3) | np.tile([0, 0, bit], groups.shape[1])
        return failed, unknown, 3 * at.ravel()

    def _update(self, position: int, protocol: Protocol) -> None:
        """Each patient's pattern, with one criterion asked again."""
        failed, unknown, group = self._pattern_slots(position)
        formula = list(protocol.requirements.values())[position]
        cell = group[self._pattern] + _states(formula, self._known, self._partial)
        there = np.flatnonzero(np.bincount(cell, minlength=len(failed)))
        number = np.zeros(len(failed), dtype="int64")
        number[there] = np.arange(len(there))
        self._failed, self._unknown, self._pattern = failed[there], unknown[there], number[cell]
        self._active = None


@dataclass(frozen=True)
class _Active:
    """One criterion in hand: all others as groups of patterns, and how many patients of each have which values."""

    position: int
    fields: tuple[str, ...]
    failed: np.ndarray
    unknown: np.ndarray
    order: np.ndarray
    values: Any
    group: np.ndarray
    n: np.ndarray


def _states(formula: Formula, known: Any, partial: frozenset[str]) -> Any:
    """For each row 0 where a requirement holds, 1 where it does not, 2 where that is unknown."""
    return known.select(outcome(formula, 0, 1, 2, partial).alias("state:"))["state:"].to_numpy()
