"""A ledger goes in, all that is wrong with it comes out, by entry; with the key, the whole list is made again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .allocation import kit_list, plan_of
from .chain import SCHEMA, LedgerError, connection_to, read_receipts
from .commitment import PathLike, whole_number
from .entries import COLUMNS, LedgerEntry, digest, entry_of, hash_of
from .minimization import Kit, Minimization, Plan
from .request import check_binding
from .rules import Fault, check_decisions, check_rules
from .sealing import Key, read_key
from .strata import Levels, strata


def verify(
    ledger: PathLike,
    heads: Iterable[str] = (),
    key: PathLike | None = None,
    plan: Plan | None = None,
    protocol: Protocol | None = None,
    commitment: str | None = None,
    number: int | str | None = None,
    receipts: PathLike | None = None,
) -> list[Fault]:
    """What is wrong with a ledger, and notes for a person to judge; an empty list if nothing is found.

    A missing tail shows only against `heads` or `receipts`, another ledger in its place only against these or
    `commitment`.

    Args:
        ledger: the file; it is only read.
        heads: `number:hash` from receipts and reports. Only they show that the last entries were cut off, or that the
            whole file was rewritten: a chain has no way to know what it no longer holds.
        key: the revealed key file. With it the commitment is checked, and the whole list is made again and held
            against kits and sealed arms; under minimization every decision too.
        plan: instead of the one in the key file.
        protocol: to check that the ledger was opened for this one, and to decide once more about every patient from
            the facts that were judged.
        commitment: as it was given away when the ledger was opened.
        number: as the second person named it.
        receipts: a file of receipts kept outside, such as `receipts_of(ledger)`: each is taken as one of `heads`.

    Raises:
        LedgerError: no such file, not a ledger, a key file that is none, or a number that is none; no such receipts.
    """
    if receipts is not None and not Path(receipts).is_file():
        raise LedgerError(f"no receipts at {receipts}: nothing can be held against them")
    heads = [*heads, *(read_receipts(Path(receipts)) if receipts is not None else [])]
    try:
        with connection_to(Path(ledger), "ro") as connection:
            connection.execute("BEGIN")
            faults = list(_file(connection))
            entries = _readable(connection, faults)
    except sqlite3.Error as error:
        return [Fault(0, f"the file is damaged or cut short: {error}")]
    faults += [*_chain(entries), *check_rules(entries), *_check_heads(entries, heads)]
    if not any(fault.entry == 1 and not fault.note for fault in faults):
        faults += _check_second_number(entries, commitment, number)
        if protocol is not None:
            faults += _check_protocol(entries, protocol)
        if key is not None:
            faults += _check_against_key(entries, read_key(key), plan)
    return sorted(faults, key=lambda fault: fault.entry)


def _file(connection: sqlite3.Connection) -> Iterator[Fault]:
    for (damage,) in connection.execute("PRAGMA integrity_check(5)"):
        if damage != "ok":
            yield Fault(0, f"the file is damaged: {damage}")
    statements = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")]
    if sorted(statements) != sorted(SCHEMA):
        yield Fault(0, "tables, indexes or guards are not those that a ledger is opened with")
    (highest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    (once,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone() or (0,)
    if once != highest:
        yield Fault(highest + 1, f"the file ends before entry {once}, which was written once: the last were cut off")


def _readable(connection: sqlite3.Connection, faults: list[Fault]) -> list[LedgerEntry]:
    """All entries that can be read; each of the others is a fault, and so is one with another hash than its own."""
    entries = []
    for (seq,) in connection.execute("SELECT seq FROM entries ORDER BY seq").fetchall():
        try:
            row = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries WHERE seq = ?", [seq]).fetchone()
            if hash_of(row) != row[-1]:  # fails on what only a forger writes: bytes, for one
                faults.append(Fault(seq, "changed or moved: its hash is that of another content"))
            entries.append(entry_of(row))
        except (ValueError, TypeError, sqlite3.OperationalError):
            faults.append(Fault(seq, "cannot be read"))
    return entries


def _chain(entries: Sequence[LedgerEntry]) -> Iterator[Fault]:
    before, tomorrow = LedgerEntry("", seq=0), (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for entry in entries:
        if entry.seq != before.seq + 1:
            gone = f"{before.seq + 1}" + (f" to {entry.seq - 1}" if entry.seq > before.seq + 2 else "")
            yield Fault(before.seq + 1, f"missing: {gone} taken out before entry {entry.seq}")
        elif entry.previous != before.hash:
            yield Fault(entry.seq, f"does not follow entry {before.seq}: one of the two is not what was written")
        if entry.at < before.at:
            yield Fault(entry.seq, f"dated {entry.at}, before the entry it follows: a clock was set back", note=True)
        if entry.at > tomorrow:
            yield Fault(entry.seq, f"dated {entry.at}, which is still to come: a clock was wrong", note=True)
        before = entry


def _check_heads(entries: Sequence[LedgerEntry], heads: Iterable[str]) -> Iterator[Fault]:
    """Whether receipts and reports name entries that are here, as they are here."""
    hashes = {entry.seq: entry.hash for entry in entries}
    for head in heads:
        number, _, hash_ = head.partition(":")
        if not number.isdigit() or not hash_:
            raise LedgerError(f"'{head}' is no head of a ledger; expected number:hash, as a receipt or a report has it")
        if int(number) not in hashes:
            yield Fault(int(number), "a receipt or report names it, and it is not here: the ledger was cut off")
        elif hashes[int(number)] != hash_:
            yield Fault(int(number), "not the entry that a receipt or report names: the ledger was rewritten")


def _check_second_number(
    entries: Sequence[LedgerEntry], commitment: str | None, number: int | str | None
) -> Iterator[Fault]:
    """Whether the ledger carries the commitment that was given away first, and the number that was named then."""
    if commitment is not None and entries[0].detail["commitment"] != commitment.strip().lower():
        yield Fault(1, "not the commitment that was given away: another ledger was opened in its place")
    if number is not None:
        mixed = next((entry for entry in entries if entry.kind == "mixed"), None)
        if mixed is None:
            yield Fault(1, "the number that was named was not mixed in")
        elif mixed.detail["number"] != whole_number(number):
            yield Fault(mixed.seq, f"the number {mixed.detail['number']} is not the one that was named")


def _check_protocol(entries: Sequence[LedgerEntry], protocol: Protocol) -> Iterator[Fault]:
    """Whether the ledger was opened for a protocol, and decided as it says."""
    opened = entries[0].detail
    try:
        check_binding(opened, protocol, own_readings=False)
        yield from check_decisions(entries, protocol.with_readings(opened["bound"]["readings"]))
    except (LedgerError, TypeError, KeyError, AttributeError) as error:
        yield Fault(1, f"the protocol is not the one that the ledger was opened for: {error}")
        return
    hashes = {opened["sha256"], *(entry.detail["sha256"] for entry in entries if entry.kind == "amended")}
    if protocol.sha256 not in hashes:
        yield Fault(0, "the protocol file has changed since, in nothing that allocation reads", note=True)


def _check_against_key(entries: Sequence[LedgerEntry], key: Key, plan: Plan | None) -> Iterator[Fault]:
    """What the revealed key shows: whether it is the one committed to, and the whole list made again."""
    opened = entries[0].detail
    if (key.public, key.commitment) != (opened["public_key"], opened["commitment"]):
        yield Fault(1, "the key that was revealed is not the one the ledger committed to")
        return
    yield from _check_heads(entries, [f"{sum(e.kind == 'kit' for e in entries) + 1}:{key.opened}"])
    try:
        plan = plan or plan_of(key.plan)
    except DataError:
        yield Fault(0, "the list was not made again: the plan in the key file is none of ours", note=True)
        return
    if digest(asdict(plan)) != digest(key.plan) or list(plan.strata) != opened["strata"]:
        yield Fault(1, "the plan is not the one that the ledger committed to")
        return
    sites = tuple(opened["sites"])
    mixed = next((entry.detail["number"] for entry in entries if entry.kind == "mixed"), None)
    for kind, number in (("kit", None), *([] if mixed is None else [("mixed kit", str(mixed))])):
        seed = key.list_seed(number)
        made = kit_list(plan, seed, sites, opened["kits"])
        yield from _kits(entries, key, kind, made)
    if isinstance(plan, Minimization):
        yield from _replay_minimization(entries, plan, seed, made, strata(plan.strata, sites))


def _kits(entries: Sequence[LedgerEntry], key: Key, kind: str, made: Sequence[Kit]) -> Iterator[Fault]:
    """The kits of a kind, held against those that the seed makes."""
    wanted = {(s, i): (kit, arm) for s, i, kit, arm in made}
    for entry in (entry for entry in entries if entry.kind == kind):
        kit, arm = wanted.pop((str(entry.stratum), int(entry.position or 0)), (None, None))
        try:
            if (entry.kit, key.open(str(entry.detail.get("sealed")), str(entry.kit))) != (kit, arm):
                yield Fault(entry.seq, "not the kit and arm that the seed makes")
        except LedgerError as error:
            yield Fault(entry.seq, str(error))
    if wanted:
        yield Fault(0, f"{len(wanted)} kits that the seed makes are not in the ledger")


def _replay_minimization(
    entries: Sequence[LedgerEntry], plan: Minimization, seed: bytes, made: Sequence[Kit], levels: Mapping[str, Levels]
) -> Iterator[Fault]:
    """Every decision once more, each after those that the ledger has before it."""
    past: list[tuple[Levels, str]] = []
    kits = {kit for _, _, kit, _ in made}
    for entry in (entry for entry in entries if entry.kind == "allocated"):
        stratum, kit = str(entry.stratum), str(entry.kit)
        if stratum not in levels or kit not in kits:
            yield Fault(entry.seq, "a stratum or a kit that the plan does not have")
            continue
        if plan.next_kit(seed, made, past, levels[stratum]) != kit:
            yield Fault(entry.seq, f"kit {kit} is not what the arms before it and the seed decide")
        past.append((levels[stratum], kit))
