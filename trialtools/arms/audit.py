"""A ledger goes in, all that is wrong with it comes out, by entry; with the key, the whole list is made again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .allocation import kit_list, plan_of
from .chain import SCHEMA, LedgerEntry, LedgerError, connected, digest, find
from .ledger import PathLike
from .minimization import Minimization, Plan
from .sealing import Key, read_key
from .strata import site_pool, strata


@dataclass(frozen=True)
class Fault:
    """Something wrong with an entry, or with the file (entry 0). A `note` is for a person to judge, and no failure."""

    entry: int
    problem: str
    note: bool = False

    def __str__(self) -> str:
        return f"entry {self.entry}: {self.problem}" if self.entry else self.problem


def verify(
    ledger: PathLike,
    heads: Iterable[str] = (),
    key: PathLike | None = None,
    plan: Plan | None = None,
    protocol: Protocol | None = None,
) -> list[Fault]:
    """What is wrong with a ledger; an empty list if nothing that can be seen from here.

    Args:
        ledger: the file; it is only read.
        heads: `number:hash` from receipts and reports. Only they show that the last entries were cut off, or that the
            whole file was rewritten: a chain has no way to know what it no longer holds.
        key: the revealed key file. With it the commitment is checked, and the whole list is made again and held
            against kits and sealed arms; under minimization every decision too.
        plan: instead of the one in the key file.
        protocol: to check that the ledger was opened under this one.

    Raises:
        LedgerError: no such file, not a ledger, or a key file that is none.
    """
    try:
        with connected(Path(ledger), "ro") as connection:
            connection.execute("BEGIN")
            faults = list(_file(connection))
            entries = _readable(connection, faults)
            faults += [*_chain(entries), *_rules(entries), *check_heads(entries, heads)]
            if key is not None and entries and entries[0].kind == "opened":
                faults += check_against_key(entries, read_key(key), plan, protocol)
            return sorted(faults, key=lambda fault: fault.entry)
    except sqlite3.Error as error:
        return [Fault(0, f"the file is damaged or cut short: {error}")]


def _file(connection: sqlite3.Connection) -> Iterator[Fault]:
    for (told,) in connection.execute("PRAGMA integrity_check(5)"):
        if told != "ok":
            yield Fault(0, f"the file is damaged: {told}")
    kept = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")]
    if sorted(kept) != sorted(SCHEMA):
        yield Fault(0, "tables, indexes or guards are not those that a ledger is opened with")
    (highest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    (once,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone() or (0,)
    if once != highest:
        yield Fault(highest + 1, f"the file ends before entry {once}, which was written once: the last were cut off")


def _readable(connection: sqlite3.Connection, faults: list[Fault]) -> list[LedgerEntry]:
    """All entries that can be read; each of the others is a fault."""
    entries = []
    for (seq,) in connection.execute("SELECT seq FROM entries ORDER BY seq").fetchall():
        try:
            (entry,) = find(connection, "seq = ?", [seq])
            entry.hashed()  # fails on what only a forger writes: bytes, for one
            entries += [entry] if isinstance(entry.detail, dict) else []
            faults += [] if isinstance(entry.detail, dict) else [Fault(seq, "cannot be read")]
        except (ValueError, TypeError, sqlite3.OperationalError):
            faults.append(Fault(seq, "cannot be read"))
    return entries


def _chain(entries: list[LedgerEntry]) -> Iterator[Fault]:
    before = LedgerEntry("", seq=0)
    for entry in entries:
        if entry.seq != before.seq + 1:
            gone = f"{before.seq + 1}" + (f" to {entry.seq - 1}" if entry.seq > before.seq + 2 else "")
            yield Fault(before.seq + 1, f"missing: {gone} taken out before entry {entry.seq}")
        elif entry.previous != before.hash:
            yield Fault(entry.seq, f"does not follow entry {before.seq}: one of the two is not what was written")
        if entry.hash != entry.hashed():
            yield Fault(entry.seq, "changed or moved: its hash is that of another content")
        if entry.at < before.at:
            yield Fault(entry.seq, f"dated {entry.at}, before the entry it follows: a clock was set back", note=True)
        before = entry


def _rules(entries: list[LedgerEntry]) -> Iterator[Fault]:
    """Whether the entries, whoever wrote them, keep the rules of allocation."""
    if not entries or entries[0].kind != "opened":
        yield Fault(1, "a ledger begins with its opening")
        return
    if "synthetic" in entries[0].detail:
        yield Fault(1, "opened for a synthetic trial: whoever knows its seed knows every arm", note=True)
    kits = {(e.stratum, e.position): e.kit for e in entries if e.kind == "kit"}
    free = entries[0].detail.get("by") == "key"
    try:
        conditions = tuple(entries[0].detail["strata"]) if free else ()
        levels = strata(conditions, tuple(entries[0].detail["sites"])) if free else {}
    except (KeyError, TypeError):
        yield Fault(1, "cannot be read: strata and sites")
        return
    given: dict[str | None, int] = {}
    patients: set[str | None] = set()
    taken: set[str | None] = set()
    for entry in entries:
        if entry.kind == "opened" and entry.seq != 1:
            yield Fault(entry.seq, "a ledger is opened once")
        if entry.kind != "allocated":
            continue
        given[entry.stratum] = given.get(entry.stratum, 0) + 1
        if free:  # which of its place is next only the key can tell
            at = site_pool(conditions, levels.get(str(entry.stratum), conditions))
            if entry.kit is None or entry.kit != kits.get((at, entry.position)) or entry.kit in taken:
                yield Fault(entry.seq, f"kit {entry.kit} was not one that was left at its place")
            taken.add(entry.kit)
        elif (entry.position, entry.kit) != (given[entry.stratum], kits.get((entry.stratum, given[entry.stratum]))):
            yield Fault(entry.seq, f"kit {entry.kit} was not the next of its stratum")
        if entry.patient in patients:
            yield Fault(entry.seq, "the patient has a kit already")
        patients.add(entry.patient)
        said = entry.detail
        if not said.get("override") and (said.get("decision"), said.get("window") or "in window") != (
            "eligible",
            "in window",
        ):
            yield Fault(entry.seq, "neither eligible and in the dosing window, nor overridden")
        if said.get("protocol") != entries[0].detail.get("sha256"):
            yield Fault(entry.seq, "decided under another protocol")


def check_heads(entries: list[LedgerEntry], heads: Iterable[str]) -> Iterator[Fault]:
    hashes = {entry.seq: entry.hash for entry in entries}
    for head in heads:
        number, _, hash_ = head.partition(":")
        if not number.isdigit() or not hash_:
            raise LedgerError(f"'{head}' is no head of a ledger; expected number:hash, as a receipt or a report has it")
        if int(number) not in hashes:
            yield Fault(int(number), "a receipt or report names it, and it is not here: the ledger was cut off")
        elif hashes[int(number)] != hash_:
            yield Fault(int(number), "not the entry that a receipt or report names: the ledger was rewritten")


def check_against_key(
    entries: list[LedgerEntry], key: Key, plan: Plan | None, protocol: Protocol | None
) -> Iterator[Fault]:
    """What the revealed key shows: whether it is the one committed to, and the whole list made again."""
    opened = entries[0].detail
    if (key.public, key.commitment) != (opened.get("public_key"), opened.get("commitment")):
        yield Fault(1, "the key that was revealed is not the one the ledger committed to")
        return
    yield from check_heads(entries, [f"{sum(e.kind == 'kit' for e in entries) + 1}:{key.opened}"])
    if protocol is not None and protocol.sha256 != opened["sha256"]:
        yield Fault(1, "the protocol is not the one that the ledger committed to")
    try:
        plan = plan or plan_of(key.plan)
    except DataError:
        yield Fault(0, "the list was not made again: the plan in the key file is none of ours", note=True)
        return
    if digest(asdict(plan)) != digest(key.plan) or list(plan.strata) != opened["strata"]:
        yield Fault(1, "the plan is not the one that the ledger committed to")
        return
    sites = tuple(opened["sites"])
    made = kit_list(plan, key.seed, sites, opened["kits"])
    wanted = {(s, i): (kit, arm) for s, i, kit, arm in made}
    for entry in (entry for entry in entries if entry.kind == "kit"):
        kit, arm = wanted.pop((str(entry.stratum), int(entry.position or 0)), (None, None))
        try:
            if (entry.kit, key.open(entry.detail["sealed"], str(entry.kit))) != (kit, arm):
                yield Fault(entry.seq, "not the kit and arm that the seed makes")
        except LedgerError as error:
            yield Fault(entry.seq, str(error))
    if wanted:
        yield Fault(0, f"{len(wanted)} kits that the seed makes are not in the ledger")
    if isinstance(plan, Minimization):
        yield from replay_minimization(entries, plan, key.seed, made, strata(plan.strata, sites))


def replay_minimization(
    entries: list[LedgerEntry], plan: Minimization, seed: bytes, made: Any, levels: Any
) -> Iterator[Fault]:
    """Every decision once more, each after those that the ledger has before it."""
    past: list[tuple[tuple[str, ...], str]] = []
    known = {kit for _, _, kit, _ in made}
    for entry in (entry for entry in entries if entry.kind == "allocated"):
        if entry.stratum not in levels or entry.kit is None or entry.kit not in known:
            yield Fault(entry.seq, "a stratum or a kit that the plan does not have")
            continue
        if plan.next_kit(seed, made, past, levels[entry.stratum]) != entry.kit:
            yield Fault(entry.seq, f"kit {entry.kit} is not what the arms before it and the seed decide")
        past.append((levels[entry.stratum], entry.kit))
