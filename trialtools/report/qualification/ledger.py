"""What a ledger must do, tried."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from ...arms.allocation import plan
from ...arms.audit import verify
from ...arms.chain import append, write_access
from ...arms.commitment import mix, opening
from ...arms.copies import backup
from ...arms.entries import LedgerEntry
from ...arms.ledger import allocate, allocations, correct, last_entry, return_kit, unblind
from ...arms.request import Override, Request
from ...arms.sealing import Key, read_key, seal
from ...criteria.contents import read_protocol
from .bench import DAY, NUMBER, PROTOCOL, WHY, Bench, refusal, tries


@tries("R01")
def _kits_in_order(bench: Bench) -> list[bool]:
    receipts = [bench.allocate(f"P{i}", age=70 - 30 * (i % 2)) for i in range(6)]
    return [[r.kit for r in receipts if r.stratum.endswith(a)] == bench.kits(a)[:3] for a in ("yes", "no")]


@tries("R02")
def _same_request_same_kit(bench: Bench) -> list[Any]:
    first = bench.allocate("P1")
    return [bench.allocate("P1") == first, bench.refusal("P1", age=71), len(allocations(bench.ledger))]


@tries("R03")
def _not_eligible_is_refused(bench: Bench) -> list[Any]:
    words = [bench.refusal("P1", age=90), bench.refusal("P1", consent=None)]
    return [*words, len(bench.entries("refused")), len(allocations(bench.ledger))]


@tries("R04")
def _window(bench: Bench) -> list[bool]:
    days = (9, 10, 15, 16)
    words = [bench.refusal(f"P{day}", infected_on=DAY - timedelta(days=day)) for day in days]
    return ["not refused" in each for each in words]


@tries("R05")
def _override_is_recorded(bench: Bench) -> list[Any]:
    bench.allocate("P1", Override(*WHY), age=90)
    row = allocations(bench.ledger).iloc[0]
    against = bench.entries()[0].detail["against"]
    return [row["override_by"], row["override_reason"], against, "needs a name" in refusal(lambda: Override("x", "."))]


@tries("R06")
def _who_and_what(bench: Bench) -> list[Any]:
    bench.allocate("P1", name="Nurse Li")
    (entry,) = bench.entries()
    by = entry.detail["by"]
    return [sorted(by), all(by.values()), entry.at.endswith("+00:00"), entry.detail["facts"]]


@tries("R07")
def _bound_to_what_is_read(bench: Bench) -> list[Any]:
    def words(old: str, new: str) -> str:
        other = read_protocol(PROTOCOL.replace(old, new))
        request = Request(other, "P1", bench.request("P1").facts, "Site A", DAY)
        return refusal(lambda: allocate(bench.ledger, request))

    changes = (("QUALIFICATION", "OTHER"), ("<= 85", "<= 80"), ("exists to qualify", "serves to qualify"))
    first, second, third = (words(*change) for change in changes)
    amended = len(bench.entries("amended"))
    return ["another trial" in first, "other criteria" in second, "not refused" in third, amended]


@tries("R08")
def _same_person(bench: Bench) -> list[bool]:
    bench.allocate("S01")
    forms = ("s01", "S 01", "S\N{ZERO WIDTH SPACE}01", "\N{FULLWIDTH LATIN CAPITAL LETTER S}01")
    return ["looks like 'S01'" in bench.refusal(form) for form in forms]


@tries("R09")
def _corrections(bench: Bench) -> list[Any]:
    kit = bench.allocate("P1").kit
    correct(bench.ledger, "P1", "randomized_on", "2023-01-13", *WHY)
    return_kit(bench.ledger, kit, *WHY)
    row, was = allocations(bench.ledger).iloc[0], bench.entries("corrected")[0].detail["was"]
    return [was, str(row["randomized_on"].date()), row["kit"] == kit, bool(row["kit_returned"]), bench.wrong()]


@tries("R10")
def _file_refuses_changes(bench: Bench) -> list[str]:
    statements = ("UPDATE entries SET patient = 'x'", "DELETE FROM entries WHERE seq = 2")
    statements += ("INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",)
    with contextlib.closing(sqlite3.connect(bench.ledger)) as connection:
        return [refusal(lambda s=s: connection.execute(s)) for s in statements]


@tries("R11")
def _forgeries(bench: Bench) -> list[int]:
    good, faults = bench.ledger.read_bytes(), []
    for statement in (
        "UPDATE entries SET patient = 'X' WHERE seq = 36",
        "DELETE FROM entries WHERE seq = 36",
        'UPDATE entries SET detail = replace(detail, \'{"against"\', \'{"against":[],"against"\') WHERE seq = 36',
    ):
        bench.ledger.write_bytes(good)
        bench.forge(statement)
        faults.append(min(bench.wrong()))
    return faults


@tries("R12")
def _cut_off(bench: Bench) -> list[Any]:
    head = last_entry(bench.ledger)
    bench.forge("DELETE FROM entries WHERE seq > 38")
    bench.forge("UPDATE sqlite_sequence SET seq = 38")
    return [bench.wrong(), bench.wrong(heads=[head]), "it was cut off" in bench.refusal("P9")]


@tries("R13")
def _commitment(bench: Bench) -> list[list[int]]:
    first = opening(bench.ledger).commitment
    faults = [bench.wrong(key=bench.key, commitment=first, number=NUMBER, protocol=bench.protocol)]
    faults += [bench.wrong(commitment="00" * 32), bench.wrong(number=NUMBER + 1)]
    content = json.loads(bench.key.read_text("utf-8"))
    bench.key.write_text(json.dumps({**content, "seed": "00" * 32}), "utf-8")
    return [*faults, bench.wrong(key=bench.key)]


@tries("R14")
def _mixing(bench: Bench) -> list[bool]:
    made, secret = plan(bench.protocol, sizes=(2, 4)), read_key(bench.key)
    wanted = list(made.deal(secret.list_seed(str(NUMBER)), "age > 65: yes", 8))
    lists = {made.deal(secret.list_seed(str(n)), "age > 65: yes", 8) for n in range(50)}
    twice = refusal(lambda: mix(bench.ledger, bench.key, 1, "Third Person"))
    return [allocations(bench.ledger, bench.key)["arm"].tolist() == wanted, len(lists) > 25, "already" in twice]


@tries("R15")
def _alone(bench: Bench) -> list[bool]:
    shown = (opening(bench.ledger).statement, allocations(bench.ledger).attrs["opening"])
    return ["opened by one person alone" in each for each in (*shown, " ".join(map(str, verify(bench.ledger))))]


@tries("R16")
def _no_arm_readable(bench: Bench) -> list[Any]:
    content, secret = bench.ledger.read_bytes().lower(), json.loads(bench.key.read_text("utf-8"))
    words = [*(secret[name] for name in ("seed", "salt", "private")), "cells", "sham", "permuted_blocks"]
    sealed = [kit.detail["sealed"] for kit in bench.entries("mixed kit")]
    arms_read = [w for w in words if w.encode() in content or w.encode().hex().encode() in content]
    return [arms_read, len(set(map(len, sealed))), len(set(sealed))]


@tries("R17")
def _unblinding(bench: Bench) -> list[Any]:
    arm = unblind(bench.ledger, bench.key, "P3", *WHY)
    row = allocations(bench.ledger, bench.key).set_index("subject_id").loc["P3"]
    one, other = Key.new(plan(bench.protocol)), Key.new(plan(bench.protocol))
    return [
        row["arm"] == arm,
        int(row["unblindings"]),
        refusal(lambda: other.open(seal(one.public, "K-1", "sham"), "K-1")),
    ]


@tries("R18")
def _key_is_private(bench: Bench) -> list[Any]:
    if os.name != "posix":
        return ["cannot be tried here: access is the file system's"]
    mode = oct(bench.key.stat().st_mode & 0o777)
    bench.key.chmod(0o644)
    return [mode, "others can read" in refusal(lambda: allocations(bench.ledger, bench.key))]


@tries("R19")
def _whole_or_not(bench: Bench) -> list[bool]:
    before = last_entry(bench.ledger)
    with contextlib.suppress(KeyboardInterrupt), write_access(bench.ledger) as connection:
        append(connection, LedgerEntry("refused", {}, "P9"))
        raise KeyboardInterrupt
    return [last_entry(bench.ledger) == before, bench.allocate("P9").kit == bench.kits()[1]]


@tries("R20")
def _at_once(bench: Bench) -> bool:
    with ThreadPoolExecutor(4) as crowd:
        kits = list(crowd.map(lambda i: bench.allocate(f"P{i}").kit, range(24)))
    return sorted(kits) == sorted(bench.kits())


@tries("R21")
def _backup_restores(bench: Bench) -> list[Any]:
    made, copy = backup(bench.ledger, bench.folder / "copy"), bench.folder / "copy"
    faults = [str(fault) for fault in verify(copy, key=bench.key) if not fault.note]
    following = allocate(copy, bench.request("P9")).kit
    return [made.restored, made.head == last_entry(bench.ledger), faults, following == bench.kits()[6]]
