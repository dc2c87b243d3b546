"""The entries of a ledger go in, written by any program; what breaks the rules of allocation comes out, by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError
from ..criteria.protocol import DataError
from .chain import LedgerError
from .commitment import DIGITS, Opening
from .entries import LedgerEntry
from .people import fold_id
from .request import Request
from .strata import SITE, Levels, site_pool, strata


@dataclass(frozen=True)
class Fault:
    """Something wrong with an entry, or with the file (entry 0). A `note` is for a person to judge, and no failure."""

    entry: int
    problem: str
    note: bool = False

    def __str__(self) -> str:
        return f"entry {self.entry}: {self.problem}" if self.entry else self.problem


@dataclass
class _Record:
    """What earlier entries say, for the rules that later ones must keep."""

    opening: Opening
    levels: Mapping[str, Levels]
    sha256: str
    kits: dict[tuple[str, int], str] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    in_pool: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    kit_of: dict[str, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    returned_kits: set[str] = field(default_factory=set)
    entered: dict[tuple[str, str], Any] = field(default_factory=dict)
    before: str = ""


def check_rules(entries: Sequence[LedgerEntry]) -> Iterator[Fault]:
    """What breaks the rules of allocation: a form that the ledger does not write, a kit out of turn, no override."""
    if not entries or entries[0].kind != "opened" or entries[0].misshape:
        yield Fault(1, "a ledger begins with its opening")
        return
    opened = entries[0].detail
    try:
        record = _Record(Opening(opened, None), strata(opened["strata"], opened["sites"]), opened["sha256"])
    except (TypeError, ValueError):
        yield Fault(1, "cannot be read: strata and sites")
        return
    for entry in entries:
        try:
            problems = [entry.misshape] if entry.misshape else list(_RULES[entry.kind](record, entry))
            regular = entry.kind == "allocated" and not problems and "synthetic" not in opened
            if regular and (note := entry.day_note):
                yield Fault(entry.seq, note, note=True)
        except (TypeError, ValueError, KeyError, AttributeError):
            problems = ["cannot be read"]
        yield from (Fault(entry.seq, str(problem)) for problem in problems)
        record.before = entry.kind
    if record.opening.mixed is None or len(str(record.opening.number)) < DIGITS:
        yield Fault(1, record.opening.statement, note=True)


def _opening(_: _Record, entry: LedgerEntry) -> Iterator[str]:
    if entry.seq != 1:
        yield "a ledger is opened once"


def _kit(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    """Kits stand together, behind the entry that they were made with, in the order of their places."""
    maker = "opened" if entry.kind == "kit" else "mixed"
    if record.before not in (maker, entry.kind):
        yield f"kit {entry.kit} was not made with the others"
        return
    pool, kit = str(entry.stratum), str(entry.kit)
    record.in_pool[pool] += 1
    if entry.position != record.in_pool[pool] or kit in record.numbers:
        yield f"kit {kit} is not in its place"
    record.numbers.add(kit)
    record.kits[pool, int(entry.position or 0)] = kit


def _mixing(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    if record.opening.mixed is not None or record.turns:
        yield "a number is mixed in once, before the first allocation"
    if not entry.detail["number"].isdecimal():
        yield "the number is no whole number"
    record.opening = Opening(record.opening.detail, entry.detail)
    record.kits, record.numbers, record.in_pool = {}, set(), Counter()


def _allocation(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    detail, patient, stratum = entry.detail, str(entry.patient), str(entry.stratum)
    record.turns[stratum] += 1
    yield from _turn(record, entry, stratum)
    if (second := record.opening.detail.get("second")) and record.opening.mixed is None:
        yield f"allocated before the number of {second} was mixed in"
    if patient in record.kit_of:
        yield "the patient has a kit already"
    yield from _judgement(record, entry)
    if not detail["override"] and (detail["against"] or fold_id(patient) in record.people):
        yield "something is against it, and nobody answers for it"
    record.kit_of.setdefault(patient, str(entry.kit))
    record.people.add(fold_id(patient))
    entered = {**detail["facts"], "randomized_on": str(date.fromisoformat(detail["on"]))}
    record.entered.update({(patient, name): value for name, value in entered.items()})


def _turn(record: _Record, entry: LedgerEntry, stratum: str) -> Iterator[str]:
    """Whether it was the turn of the kit."""
    opened = record.opening.detail
    if stratum not in record.levels:
        yield f"no stratum '{stratum}'"
        return
    at = dict(zip(opened["strata"], record.levels[stratum], strict=True))
    if at.get(SITE, entry.detail[SITE]) != entry.detail[SITE]:
        yield "the stratum is that of another site"
    if opened["needs_key"]:  # which kit of its place is next only the key can tell
        place, kits = (site_pool(opened["strata"], record.levels[stratum]), entry.position), record.kit_of.values()
        if record.kits.get(place) != entry.kit or entry.kit in kits:  # type: ignore[arg-type]
            yield f"kit {entry.kit} was not one that was left at its place"
    elif (entry.position, entry.kit) != (turn := record.turns[stratum], record.kits.get((stratum, turn))):
        yield f"kit {entry.kit} was not the next of its stratum"


def _judgement(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    """Whether what was found out, what was decided and what was allowed belong together."""
    detail = entry.detail
    decision = "ineligible" if detail["failed"] else "undetermined" if detail["unknown"] else "eligible"
    if detail["decision"] != decision:
        yield f"{detail['decision']}, but what failed or is unknown makes it {decision}"
    regular = decision == "eligible" and detail["window"] in (None, "in window")
    if entry.kind == "allocated" and not regular and not detail["override"]:
        yield "neither eligible and in the dosing window, nor overridden"
    if detail["protocol"] != record.sha256:
        yield "decided under another protocol"
    if entry.person != fold_id(str(entry.patient)):
        yield "the patient's id is not folded as it is written"


def _amendment(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    if entry.detail["before"] != record.sha256:
        yield "amends a protocol that was not in force"
    record.sha256 = entry.detail["sha256"]


def _correction(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    at = (str(entry.patient), entry.detail["what"])
    if at not in record.entered or record.entered[at] != entry.detail["was"]:
        yield "corrects what was not entered"
    record.entered[at] = entry.detail["now"]


def _return(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    if entry.kit in record.returned_kits:
        yield f"kit {entry.kit} came back already"
    record.returned_kits.add(str(entry.kit))
    yield from _unblinding(record, entry)


def _unblinding(record: _Record, entry: LedgerEntry) -> Iterator[str]:
    if record.kit_of.get(str(entry.patient)) != entry.kit:
        yield f"kit {entry.kit} was not given to the patient"


_RULES = {
    "opened": _opening, "kit": _kit, "mixed": _mixing, "mixed kit": _kit, "allocated": _allocation,
    "refused": _judgement, "amended": _amendment, "corrected": _correction, "returned": _return,
    "unblinded": _unblinding,
}  # fmt: skip


def check_decisions(entries: Sequence[LedgerEntry], protocol: Protocol) -> Iterator[Fault]:
    """Every decision once more, from the facts that were judged: what a protocol does not make of them.

    Args:
        entries: of a ledger that is bound to the protocol.
        protocol: with the readings of the ledger.
    """
    conditions = entries[0].detail["strata"]
    for entry in entries:
        if entry.kind not in ("allocated", "refused") or entry.misshape:
            continue
        try:
            request = Request.of(entry, protocol)
            made = {**request.judgement(conditions), "window": request.window, "stratum": request.stratum(conditions)}
        except (DataError, LedgerError, ProtocolError, TypeError, ValueError, KeyError, AttributeError) as error:
            yield Fault(entry.seq, f"cannot be judged again: {error}")
            continue
        written = {**entry.detail, "stratum": entry.stratum}
        if differing := [name for name, value in made.items() if value != written[name]]:
            yield Fault(entry.seq, f"the facts that were judged do not give its {', '.join(differing)}")
