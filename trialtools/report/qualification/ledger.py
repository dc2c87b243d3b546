"""What a ledger must do: each requirement with a source, a method, and a trial that runs on a bench."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from ...arms.allocation import plan
from ...arms.audit import verify
from ...arms.chain import LedgerEntry, append, find, reading, writing
from ...arms.commitment import mix, opening
from ...arms.copies import backup
from ...arms.ledger import allocate, allocations, correct, last_entry, return_kit, unblind
from ...arms.request import Override, Request
from ...arms.sealing import Key, read_key, seal
from ...criteria.contents import read_protocol
from .bench import CFR, DAY, GCP, NUMBER, PROTOCOL, WHY, Bench, Finding, refusal, requires


def _kits(ledger: Path, stratum: str) -> list[str]:
    with reading(ledger) as connection:
        return [str(kit.kit) for kit in find(connection, "kind = 'mixed kit' AND stratum = ?", [stratum])]


def _wrong(ledger: Path, **more: Any) -> list[int]:
    """The entries that `verify` finds wrong."""
    return [fault.entry for fault in verify(ledger, **more) if not fault.note]


def _forge(ledger: Path, statement: str) -> None:
    """Change the file as somebody with a SQLite browser would, guards taken away and put back."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in guards:
            connection.execute(sql)
        connection.commit()


@requires(f"{GCP} 4.1 (randomization)", "black box")
def _kits_in_order(bench: Bench) -> Finding:
    """Each patient gets the next kit of the own stratum, and no kit is given twice."""
    ledger, _ = bench.open()
    given = [allocate(ledger, bench.ask(f"P{i}", age=70 - 30 * (i % 2))) for i in range(6)]
    seen = [[r.kit for r in given if r.stratum == f"age > 65: {answer}"] for answer in ("yes", "no")]
    return "6 patients, two strata", [_kits(ledger, f"age > 65: {a}")[:3] for a in ("yes", "no")], seen


@requires(f"{GCP} 4.2.2", "black box")
def _same_request_same_kit(bench: Bench) -> Finding:
    """The same request again gets the same kit; another one for the same patient is refused."""
    ledger, _ = bench.open()
    first = allocate(ledger, bench.ask("P1"))
    told = refusal(lambda: allocate(ledger, bench.ask("P1", age=71)))
    seen = (allocate(ledger, bench.ask("P1")) == first, "has a kit already" in told, len(allocations(ledger)))
    return "P1 twice, then with another age", (True, True, 1), seen


@requires(f"{GCP} 2.8 (eligibility)", "black box")
def _not_eligible_is_refused(bench: Bench) -> Finding:
    """Who is not eligible, or of whom that is not known, gets no kit without an override; the refusal is recorded."""
    ledger, _ = bench.open()
    told = [refusal(lambda c=c: allocate(ledger, bench.ask("P1", **c))) for c in ({"age": 90}, {"consent": None})]
    with reading(ledger) as connection:
        refused = len(find(connection, "kind = 'refused'"))
    seen = ("ineligible (I1)" in told[0], "undetermined (E1)" in told[1], refused, len(allocations(ledger)))
    return "age 90; consent unknown", (True, True, 2, 0), seen


@requires("the protocol's dosing window: days 10 to 15, both included", "boundary values")
def _window(bench: Bench) -> Finding:
    """Nobody is allocated outside the dosing window without an override; both its ends belong to it."""
    ledger, _ = bench.open()
    seen = []
    for day in (9, 10, 15, 16):
        infected = date.fromordinal(DAY.toordinal() - day)
        told = refusal(lambda i=infected, d=day: allocate(ledger, bench.ask(f"P{d}", infected_on=i)).kit)
        seen.append("not refused" in told)
    return "days 9, 10, 15 and 16 after infection", [False, True, True, False], seen


@requires(f"{GCP} 4.2.2(a); {CFR} 11.10(e)", "black box")
def _override_is_recorded(bench: Bench) -> Finding:
    """An override is kept with a name, a reason, and what it was against; a reason without substance is refused."""
    ledger, _ = bench.open()
    allocate(ledger, bench.ask("P1", age=90), Override(*WHY))
    row = allocations(ledger).iloc[0]
    with reading(ledger) as connection:
        against = find(connection, "kind = 'allocated'")[0].detail["against"]
    seen = (row["override_by"], row["override_reason"], against, "needs a name" in refusal(lambda: Override("x", ".")))
    return "age 90, overridden; then the reason '.'", (*WHY, ["is ineligible (I1)"], True), seen


@requires(f"{GCP} 4.2.2; {CFR} 11.10(e)", "inspection of the entry")
def _who_and_what(bench: Bench) -> Finding:
    """An entry says who made it, where, with which version and when, and which facts were judged."""
    ledger, _ = bench.open()
    allocate(ledger, bench.ask("P1"), name="Nurse Li")
    with reading(ledger) as connection:
        (entry,) = find(connection, "kind = 'allocated'")
    by, facts = entry.detail["by"], entry.detail["facts"]
    seen = (sorted(by), all(by.values()), entry.at.endswith("+00:00"), facts)
    wanted = {"age": 70, "consent": True, "infected_on": "2023-01-01"}
    return "P1, by Nurse Li", (["host", "name", "user", "version"], True, True, wanted), seen


@requires(f"{GCP} 4.3.4 (configuration for the trial)", "black box")
def _bound_to_what_is_read(bench: Bench) -> Finding:
    """Another protocol, or other criteria, are refused; a change that allocation does not read is an entry."""
    ledger, _ = bench.open()

    def asked(old: str, new: str) -> Request:
        return Request(read_protocol(PROTOCOL.replace(old, new)), "P1", bench.ask("P1").facts, "Site A", DAY)

    told = [refusal(lambda a=a: allocate(ledger, asked(*a))) for a in (("QUALIFICATION", "OTHER"), ("<= 85", "<= 80"))]
    allocate(ledger, asked("exists to qualify", "serves to qualify"))
    with reading(ledger) as connection:
        amended = len(find(connection, "kind = 'amended'"))
    seen = ("another trial" in told[0], "other criteria" in told[1], amended)
    return "another id; another upper age; another title", (True, True, 1), seen


@requires("participants typed twice (double randomization)", "black box")
def _same_person(bench: Bench) -> Finding:
    """The same id in other case, width, blanks or unseen letters needs an override."""
    ledger, _ = bench.open()
    allocate(ledger, bench.ask("S01"))
    forms = ("s01", "S 01", "S\N{ZERO WIDTH SPACE}01", "\N{FULLWIDTH LATIN CAPITAL LETTER S}01")
    seen = ["looks like 'S01'" in refusal(lambda f=form: allocate(ledger, bench.ask(f))) for form in forms]
    return "S01, then four other spellings", [True] * 4, seen


@requires(f"{GCP} 4.2.4; {CFR} 11.10(e)", "black box")
def _corrections(bench: Bench) -> Finding:
    """A correction and a returned kit are entries of their own; what was entered stays, and so does the allocation."""
    ledger, _ = bench.open()
    kit = allocate(ledger, bench.ask("P1")).kit
    correct(ledger, "P1", "randomized_on", "2023-01-13", *WHY)
    return_kit(ledger, kit, *WHY)
    row = allocations(ledger).iloc[0]
    with reading(ledger) as connection:
        was = find(connection, "kind = 'corrected'")[0].detail["was"]
    seen = (was, str(row["randomized_on"].date()), row["kit"] == kit, bool(row["kit_returned"]), _wrong(ledger))
    return "P1: another day; the kit came back", ("2023-01-12", "2023-01-13", True, True, []), seen


@requires(f"{CFR} 11.10(c), (e)", "the file opened by hand in SQLite")
def _file_refuses_changes(bench: Bench) -> Finding:
    """The file itself refuses that an entry is changed, deleted, or put in elsewhere than at the end."""
    ledger, _ = bench.filled(2)
    statements = ("UPDATE entries SET patient = 'x'", "DELETE FROM entries WHERE seq = 2")
    statements += ("INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",)
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        told = [refusal(lambda s=s: connection.execute(s)) for s in statements]
    return "; ".join(statements), [False] * 3, ["not refused" in each for each in told]


@requires(f"{CFR} 11.10(a) (to discern altered records)", "forgery with the guards taken away")
def _forgeries(bench: Bench) -> Finding:
    """A changed, a deleted and a moved entry are found, and the entry is named."""
    seen = []
    for statement in (
        "UPDATE entries SET patient = 'X' WHERE seq = 36",
        "DELETE FROM entries WHERE seq = 36",
        'UPDATE entries SET detail = replace(detail, \'{"against"\', \'{"against":[],"against"\') WHERE seq = 36',
    ):
        ledger, _ = bench.filled()
        _forge(ledger, statement)
        seen.append(min(_wrong(ledger)))
        for file in bench.folder.iterdir():
            file.unlink()
    return "entry 36 changed, taken out, a key doubled", [36, 36, 36], seen


@requires(f"{CFR} 11.10(c)", "forgery of the file's own memory too")
def _cut_off(bench: Bench) -> Finding:
    """Entries that were cut off at the end are found against a receipt that was kept outside."""
    ledger, _ = bench.filled()
    head = last_entry(ledger)
    _forge(ledger, "DELETE FROM entries WHERE seq > 38")
    _forge(ledger, "UPDATE sqlite_sequence SET seq = 38")
    return (
        "the last three of 41 entries",
        ([], [int(head.split(":")[0])]),
        (_wrong(ledger), _wrong(ledger, heads=[head])),
    )


@requires("Blum, Coin flipping by telephone (1983): commit, then reveal", "known key, second number, forged key")
def _commitment(bench: Bench) -> Finding:
    """The revealed key makes the whole list again; another plan, seed, number or commitment is found."""
    ledger, key = bench.filled()
    first = opening(ledger).commitment
    good = _wrong(ledger, key=key, commitment=first, number=NUMBER, protocol=bench.protocol)
    other = [_wrong(ledger, commitment="00" * 32), _wrong(ledger, number=NUMBER + 1)]
    content = json.loads(key.read_text("utf-8"))
    key.write_text(json.dumps({**content, "seed": "00" * 32}), "utf-8")
    return (
        "the key; another commitment; another number; another seed",
        ([], [[1], [18]], [1]),
        (
            good,
            other,
            _wrong(ledger, key=key),
        ),
    )


@requires("the second number is named after the commitment", "the same seed, other numbers")
def _mixing(bench: Bench) -> Finding:
    """The list follows from seed and second number together; a number is mixed in once, before the first patient."""
    ledger, key = bench.open()
    made, secret = plan(bench.protocol, sizes=(2, 4)), read_key(key)
    for i in range(8):
        allocate(ledger, bench.ask(f"P{i}"))
    wanted = list(made.deal(secret.list_seed(str(NUMBER)), "age > 65: yes", 8))
    lists = {made.deal(secret.list_seed(str(n)), "age > 65: yes", 8) for n in range(50)}
    twice = refusal(lambda: mix(ledger, key, 1, "Third Person"))
    seen = (allocations(ledger, key)["arm"].tolist() == wanted, len(lists) > 25, "mixed in already" in twice)
    return "8 patients; 50 numbers; a second mixing", (True, True, True), seen


@requires(f"{GCP} 4.1 (who could have chosen)", "black box")
def _alone(bench: Bench) -> Finding:
    """A ledger without a second number says wherever it is shown that one person alone opened it."""
    ledger, _ = bench.open(mixed=False)
    allocate(ledger, bench.ask("P1"))
    said = (opening(ledger).statement, allocations(ledger).attrs["opening"], " ".join(map(str, verify(ledger))))
    return "opening, export, verification", [True] * 3, ["opened by one person alone" in each for each in said]


@requires(f"{GCP} 4.1 (blinding)", "all bytes of the ledger searched")
def _no_arm_readable(bench: Bench) -> Finding:
    """No byte of the ledger shows an arm, the seed or the key; sealed arms have one length, and no two are alike."""
    ledger, key = bench.filled()
    content = ledger.read_bytes().lower()
    secrets = [json.loads(key.read_text("utf-8"))[name] for name in ("seed", "salt", "private")]
    words = [*secrets, "cells", "sham", "permuted_blocks"]
    with reading(ledger) as connection:
        sealed = [kit.detail["sealed"] for kit in find(connection, "kind = 'mixed kit'")]
    found = [w for w in words if w.encode() in content or w.encode().hex().encode() in content]
    return f"{len(words)} words, as text and as hex", ([], 1, 16), (found, len(set(map(len, sealed))), len(set(sealed)))


@requires(f"{GCP} 4.1 (unblinding)", "black box")
def _unblinding(bench: Bench) -> Finding:
    """An arm is told to whoever has the key only, and who asked and why stands in the ledger before."""
    ledger, key = bench.filled()
    arm = unblind(ledger, key, "P3", *WHY)
    row = allocations(ledger, key).set_index("subject_id").loc["P3"]
    known = [row["arm"], int(row["unblindings"])]
    other = Key.new(plan(bench.protocol))
    wrong = refusal(lambda: other.open(seal(Key.new(plan(bench.protocol)).public, "K-1", "cells"), "K-1"))
    return "P3; then a kit with another key", ([arm, 1], True), (known, "does not open with this key" in wrong)


@requires(f"{GCP} 4.3.3(b)", "permissions of the file")
def _key_is_private(bench: Bench) -> Finding:
    """The key file is for its owner alone; one that others can read is refused."""
    ledger, key = bench.open()
    if os.name != "posix":
        return "not POSIX: access is the file system's", "a file for its owner alone", "cannot be tried here"
    mode = oct(key.stat().st_mode & 0o777)
    key.chmod(0o644)
    told = refusal(lambda: allocations(ledger, key))
    return "mode of the file; then 644", ("0o600", True), (mode, "others can read" in told)


@requires("a transaction is whole or not there", "an error in the middle of a write")
def _whole_or_not(bench: Bench) -> Finding:
    """An allocation that is interrupted is not there, and the next one goes on where the ledger stood."""
    ledger, _ = bench.filled(1)
    before = last_entry(ledger)
    with contextlib.suppress(KeyboardInterrupt), writing(ledger) as connection:
        append(connection, LedgerEntry("refused", {}, "P9"))
        raise KeyboardInterrupt
    seen = (last_entry(ledger) == before, allocate(ledger, bench.ask("P9")).kit == _kits(ledger, "age > 65: yes")[1])
    return "an entry written, then interrupted", (True, True), seen


@requires(f"{CFR} 11.10(f)", "four threads at once")
def _at_once(bench: Bench) -> Finding:
    """Patients who are asked for at the same moment get different kits, none skipped."""
    ledger, _ = bench.open(n=24)
    with ThreadPoolExecutor(4) as crowd:
        given = list(crowd.map(lambda i: allocate(ledger, bench.ask(f"P{i}")).kit, range(24)))
    return "24 patients of one stratum", sorted(_kits(ledger, "age > 65: yes")), sorted(given)


@requires(f"{GCP} 4.3.3(c), (d)", "a copy restored and continued")
def _backup_restores(bench: Bench) -> Finding:
    """A backup restores the ledger entry by entry, and allocation goes on from it."""
    ledger, key = bench.filled()
    made = backup(ledger, bench.folder / "copy")
    following = allocate(bench.folder / "copy", bench.ask("P9")).kit
    seen = (made.restored, made.head, _wrong(bench.folder / "copy", key=key), following)
    return "a ledger of 6 patients", (True, last_entry(ledger), [], _kits(ledger, "age > 65: yes")[6]), seen
