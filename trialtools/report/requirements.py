"""What ledger, randomization and boundaries must do: each requirement with a source, a method and a test that runs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..arms.allocation import plan as plan_for
from ..arms.audit import verify
from ..arms.chain import LedgerEntry, LedgerError, append, find, reading, writing
from ..arms.commitment import mix, open_ledger, opening
from ..arms.copies import backup
from ..arms.ledger import allocate, allocations, correct, last_entry, return_kit, unblind
from ..arms.minimization import Minimization
from ..arms.plans import RandomizationPlan
from ..arms.request import Override, Request
from ..arms.sealing import Key, read_key, seal
from ..arms.stream import stream
from ..criteria.contents import Protocol, read_protocol
from ..criteria.protocol import DataError
from ..interim.sequential.boundaries import boundaries

PROTOCOL = """
id: QUALIFICATION
title: A trial that exists to qualify an installation
fields:
  age: {type: integer, range: [0, 120], label: Age, change: never}
  consent: {type: flag, label: Signed consent}
  infected_on: {type: date, label: Day of infection, change: never}
criteria:
  - {id: I1, kind: inclusion, label: Age 18 to 85, when: 18 <= age <= 85}
  - {id: E1, kind: exclusion, label: No consent, when: not consent}
arms:
  - {id: cells, role: experimental, label: Cells, intervention: Cells,
     dosing: {anchor: infected_on, first_day: 10, last_day: 15}}
  - {id: sham, role: placebo comparator, label: Sham, intervention: Sham,
     dosing: {anchor: infected_on, first_day: 10, last_day: 15}}
design:
  ratio: {value: {cells: 1, sham: 1}}
  strata: {value: [age > 65]}
"""
NUMBER, DAY, WHY = 271828182845, date(2023, 1, 12), ("Dr Wu", "agreed with the sponsor")
EVEN, BLOCKS = (("A", 1), ("B", 1)), "permuted_blocks"
GCP, CFR = "ICH E6(R3)", "21 CFR"
Finding = tuple[str, Any, Any]
"""Input, expected, seen."""


@dataclass(frozen=True)
class Requirement:
    """A requirement: what must hold, where that is asked for or worked out, how it is tried, and the trial itself."""

    number: str
    text: str
    source: str
    method: str
    run: Callable[[Bench], Finding]


@dataclass(frozen=True)
class Bench:
    """A folder to work in, and a trial to try things on."""

    folder: Path
    protocol: Protocol

    def open(self, n: int = 8, mixed: bool = True) -> tuple[Path, Path]:
        """A new ledger of permuted blocks and its key."""
        ledger, key = self.folder / "site.ledger", self.folder / "key.json"
        open_ledger(ledger, key, self.protocol, plan_for(self.protocol, sizes=(2, 4)), n)
        if mixed:
            mix(ledger, key, NUMBER, "Second Person")
        return ledger, key

    def ask(self, patient: str, **changed: Any) -> Request:
        """Somebody who is eligible, but for what is changed."""
        facts = {"age": 70, "consent": True, "infected_on": date(2023, 1, 1), **changed}
        return Request(self.protocol, patient, facts, "Site A", DAY)

    def filled(self, n: int = 6) -> tuple[Path, Path]:
        """A ledger with n patients, and its key."""
        ledger, key = self.open()
        for i in range(n):
            allocate(ledger, self.ask(f"P{i}"))
        return ledger, key


def bench_in(folder: Path) -> Bench:
    """A bench in a folder that is empty."""
    return Bench(folder, read_protocol(PROTOCOL))


REQUIREMENTS: list[Requirement] = []


def _requires(source: str, method: str) -> Callable[[Callable[[Bench], Finding]], Callable[[Bench], Finding]]:
    """Number the requirement that a function tries; its docstring says what must hold."""

    def add(run: Callable[[Bench], Finding]) -> Callable[[Bench], Finding]:
        number = f"R{len(REQUIREMENTS) + 1:02d}"
        REQUIREMENTS.append(Requirement(number, str(run.__doc__), source, method, run))
        return run

    return add


def refusal(act: Callable[[], Any]) -> str:
    """The words with which something is refused, or what it gave."""
    try:
        return f"not refused: {act()}"
    except (LedgerError, DataError, sqlite3.Error) as error:
        return str(error)


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


# --- the ledger -------------------------------------------------------------------------------------------------------


@_requires(f"{GCP} 4.1 (randomization)", "black box")
def kits_in_order(bench: Bench) -> Finding:
    """Each patient gets the next kit of the own stratum, and no kit is given twice."""
    ledger, _ = bench.open()
    given = [allocate(ledger, bench.ask(f"P{i}", age=70 - 30 * (i % 2))) for i in range(6)]
    seen = [[r.kit for r in given if r.stratum == f"age > 65: {answer}"] for answer in ("yes", "no")]
    return "6 patients, two strata", [_kits(ledger, f"age > 65: {a}")[:3] for a in ("yes", "no")], seen


@_requires(f"{GCP} 4.2.2", "black box")
def _same_request_same_kit(bench: Bench) -> Finding:
    """The same request again gets the same kit; another one for the same patient is refused."""
    ledger, _ = bench.open()
    first = allocate(ledger, bench.ask("P1"))
    told = refusal(lambda: allocate(ledger, bench.ask("P1", age=71)))
    seen = (allocate(ledger, bench.ask("P1")) == first, "has a kit already" in told, len(allocations(ledger)))
    return "P1 twice, then with another age", (True, True, 1), seen


@_requires(f"{GCP} 2.8 (eligibility)", "black box")
def _not_eligible_is_refused(bench: Bench) -> Finding:
    """Who is not eligible, or of whom that is not known, gets no kit without an override; the refusal is recorded."""
    ledger, _ = bench.open()
    told = [refusal(lambda c=c: allocate(ledger, bench.ask("P1", **c))) for c in ({"age": 90}, {"consent": None})]
    with reading(ledger) as connection:
        refused = len(find(connection, "kind = 'refused'"))
    seen = ("ineligible (I1)" in told[0], "undetermined (E1)" in told[1], refused, len(allocations(ledger)))
    return "age 90; consent unknown", (True, True, 2, 0), seen


@_requires("the protocol's dosing window: days 10 to 15, both included", "boundary values")
def window(bench: Bench) -> Finding:
    """Nobody is allocated outside the dosing window without an override; both its ends belong to it."""
    ledger, _ = bench.open()
    seen = []
    for day in (9, 10, 15, 16):
        infected = date.fromordinal(DAY.toordinal() - day)
        told = refusal(lambda i=infected, d=day: allocate(ledger, bench.ask(f"P{d}", infected_on=i)).kit)
        seen.append("not refused" in told)
    return "days 9, 10, 15 and 16 after infection", [False, True, True, False], seen


@_requires(f"{GCP} 4.2.2(a); {CFR} 11.10(e)", "black box")
def _override_is_recorded(bench: Bench) -> Finding:
    """An override is kept with a name, a reason, and what it was against; a reason without substance is refused."""
    ledger, _ = bench.open()
    allocate(ledger, bench.ask("P1", age=90), Override(*WHY))
    row = allocations(ledger).iloc[0]
    with reading(ledger) as connection:
        against = find(connection, "kind = 'allocated'")[0].detail["against"]
    seen = (row["override_by"], row["override_reason"], against, "needs a name" in refusal(lambda: Override("x", ".")))
    return "age 90, overridden; then the reason '.'", (*WHY, ["is ineligible (I1)"], True), seen


@_requires(f"{GCP} 4.2.2; {CFR} 11.10(e)", "inspection of the entry")
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


@_requires(f"{GCP} 4.3.4 (configuration for the trial)", "black box")
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


@_requires("participants typed twice (double randomization)", "black box")
def _same_person(bench: Bench) -> Finding:
    """The same id in other case, width, blanks or unseen letters needs an override."""
    ledger, _ = bench.open()
    allocate(ledger, bench.ask("S01"))
    forms = ("s01", "S 01", "S\N{ZERO WIDTH SPACE}01", "\N{FULLWIDTH LATIN CAPITAL LETTER S}01")
    seen = ["looks like 'S01'" in refusal(lambda f=form: allocate(ledger, bench.ask(f))) for form in forms]
    return "S01, then four other spellings", [True] * 4, seen


@_requires(f"{GCP} 4.2.4; {CFR} 11.10(e)", "black box")
def corrections(bench: Bench) -> Finding:
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


@_requires(f"{CFR} 11.10(c), (e)", "the file opened by hand in SQLite")
def _file_refuses_changes(bench: Bench) -> Finding:
    """The file itself refuses that an entry is changed, deleted, or put in elsewhere than at the end."""
    ledger, _ = bench.filled(2)
    statements = ("UPDATE entries SET patient = 'x'", "DELETE FROM entries WHERE seq = 2")
    statements += ("INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",)
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        told = [refusal(lambda s=s: connection.execute(s)) for s in statements]
    return "; ".join(statements), [False] * 3, ["not refused" in each for each in told]


@_requires(f"{CFR} 11.10(a) (to discern altered records)", "forgery with the guards taken away")
def forgeries(bench: Bench) -> Finding:
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


@_requires(f"{CFR} 11.10(c)", "forgery of the file's own memory too")
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


@_requires("Blum, Coin flipping by telephone (1983): commit, then reveal", "known key, second number, forged key")
def commitment(bench: Bench) -> Finding:
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


@_requires("the second number is named after the commitment", "the same seed, other numbers")
def _mixing(bench: Bench) -> Finding:
    """The list follows from seed and second number together; a number is mixed in once, before the first patient."""
    ledger, key = bench.open()
    plan, secret = plan_for(bench.protocol, sizes=(2, 4)), read_key(key)
    for i in range(8):
        allocate(ledger, bench.ask(f"P{i}"))
    made = list(plan.deal(secret.list_seed(str(NUMBER)), "age > 65: yes", 8))
    lists = {plan.deal(secret.list_seed(str(n)), "age > 65: yes", 8) for n in range(50)}
    twice = refusal(lambda: mix(ledger, key, 1, "Third Person"))
    seen = (allocations(ledger, key)["arm"].tolist() == made, len(lists) > 25, "mixed in already" in twice)
    return "8 patients; 50 numbers; a second mixing", (True, True, True), seen


@_requires(f"{GCP} 4.1 (who could have chosen)", "black box")
def alone(bench: Bench) -> Finding:
    """A ledger without a second number says wherever it is shown that one person alone opened it."""
    ledger, _ = bench.open(mixed=False)
    allocate(ledger, bench.ask("P1"))
    said = (opening(ledger).statement, allocations(ledger).attrs["opening"], " ".join(map(str, verify(ledger))))
    return "opening, export, verification", [True] * 3, ["opened by one person alone" in each for each in said]


@_requires(f"{GCP} 4.1 (blinding)", "all bytes of the ledger searched")
def _no_arm_readable(bench: Bench) -> Finding:
    """No byte of the ledger shows an arm, the seed or the key; sealed arms have one length, and no two are alike."""
    ledger, key = bench.filled()
    content = ledger.read_bytes().lower()
    secrets = [json.loads(key.read_text("utf-8"))[name] for name in ("seed", "salt", "private")]
    words = [*secrets, "cells", "sham", BLOCKS]
    with reading(ledger) as connection:
        sealed = [kit.detail["sealed"] for kit in find(connection, "kind = 'mixed kit'")]
    found = [w for w in words if w.encode() in content or w.encode().hex().encode() in content]
    return f"{len(words)} words, as text and as hex", ([], 1, 16), (found, len(set(map(len, sealed))), len(set(sealed)))


@_requires(f"{GCP} 4.1 (unblinding)", "black box")
def unblinding(bench: Bench) -> Finding:
    """An arm is told to whoever has the key only, and who asked and why stands in the ledger before."""
    ledger, key = bench.filled()
    arm = unblind(ledger, key, "P3", *WHY)
    row = allocations(ledger, key).set_index("subject_id").loc["P3"]
    known = [row["arm"], int(row["unblindings"])]
    other = Key.new(plan_for(bench.protocol))
    wrong = refusal(lambda: other.open(seal(Key.new(plan_for(bench.protocol)).public, "K-1", "cells"), "K-1"))
    return "P3; then a kit with another key", ([arm, 1], True), (known, "does not open with this key" in wrong)


@_requires(f"{GCP} 4.3.3(b)", "permissions of the file")
def _key_is_private(bench: Bench) -> Finding:
    """The key file is for its owner alone; one that others can read is refused."""
    ledger, key = bench.open()
    if os.name != "posix":
        return "not POSIX: access is the file system's", "a file for its owner alone", "cannot be tried here"
    mode = oct(key.stat().st_mode & 0o777)
    key.chmod(0o644)
    told = refusal(lambda: allocations(ledger, key))
    return "mode of the file; then 644", ("0o600", True), (mode, "others can read" in told)


@_requires("a transaction is whole or not there", "an error in the middle of a write")
def _whole_or_not(bench: Bench) -> Finding:
    """An allocation that is interrupted is not there, and the next one goes on where the ledger stood."""
    ledger, _ = bench.filled(1)
    before = last_entry(ledger)
    with contextlib.suppress(KeyboardInterrupt), writing(ledger) as connection:
        append(connection, LedgerEntry("refused", {}, "P9"))
        raise KeyboardInterrupt
    seen = (last_entry(ledger) == before, allocate(ledger, bench.ask("P9")).kit == _kits(ledger, "age > 65: yes")[1])
    return "an entry written, then interrupted", (True, True), seen


@_requires(f"{CFR} 11.10(f)", "four threads at once")
def _at_once(bench: Bench) -> Finding:
    """Patients who are asked for at the same moment get different kits, none skipped."""
    ledger, _ = bench.open(n=24)
    with ThreadPoolExecutor(4) as crowd:
        given = list(crowd.map(lambda i: allocate(ledger, bench.ask(f"P{i}")).kit, range(24)))
    return "24 patients of one stratum", sorted(_kits(ledger, "age > 65: yes")), sorted(given)


@_requires(f"{GCP} 4.3.3(c), (d)", "a copy restored and continued")
def _backup_restores(bench: Bench) -> Finding:
    """A backup restores the ledger entry by entry, and allocation goes on from it."""
    ledger, key = bench.filled()
    made = backup(ledger, bench.folder / "copy")
    following = allocate(bench.folder / "copy", bench.ask("P9")).kit
    seen = (made.restored, made.head, _wrong(bench.folder / "copy", key=key), following)
    return "a ledger of 6 patients", (True, last_entry(ledger), [], _kits(ledger, "age > 65: yes")[6]), seen


# --- randomization ----------------------------------------------------------------------------------------------------


@_requires("NIST SP 800-108r1, counter mode with HMAC-SHA-256", "worked out anew from the definition")
def _random_numbers(bench: Bench) -> Finding:
    """Numbers below a limit are the top bits of HMAC-SHA-256 blocks, drawn anew where too large."""
    below, wanted = stream(b"seed", "qualification"), []
    octets = itertools.chain.from_iterable(
        hmac.new(b"seed", i.to_bytes(8, "big") + b"qualification", hashlib.sha256).digest() for i in itertools.count()
    )
    while len(wanted) < 20:
        if (drawn := next(octets) >> 5) < 6:
            wanted.append(drawn)
    return "seed 'seed', 20 numbers below 6", wanted, [below(6) for _ in range(20)]


@_requires("Pearson's chi-square, 5 degrees of freedom, p = 1e-6: 35.9", "counted")
def _evenly_drawn(bench: Bench) -> Finding:
    """Every number below a limit is as likely as another."""
    below = stream(b"seed", "evenness")
    drawn = Counter(below(6) for _ in range(60_000))
    statistic = sum((drawn[i] - 10_000) ** 2 / 10_000 for i in range(6))
    return "60,000 numbers below 6", True, statistic < 35.9


@_requires("Zelen, J Chronic Dis 27 (1974) 365-375", "every block counted")
def _blocks_are_balanced(bench: Bench) -> Finding:
    """Each permuted block holds the ratio exactly, in every ratio."""
    plan, seen = RandomizationPlan(BLOCKS, (("A", 2), ("B", 1)), sizes=(6,)), set()
    for seed in range(50):
        arms = plan.deal(b"%d" % seed, "all", 60)
        seen |= {arms[i : i + 6].count("A") for i in range(0, 60, 6)}
    return "2:1, blocks of 6, 500 blocks", {4}, seen


@_requires("combinatorics: 4!/(2!2!) = 6 orders of a block of four", "exact chances, and counted in 6,000 blocks")
def orders_are_equal(bench: Bench) -> Finding:
    """All orders of a block are equally likely."""
    plan = RandomizationPlan(BLOCKS, EVEN, sizes=(4,))
    counted = Counter(plan.deal(b"%d" % seed, "all", 4) for seed in range(6_000))
    statistic = sum((n - 1_000) ** 2 / 1_000 for n in counted.values())
    exact = {math.prod(plan.chances(order[:i])[order[i]] for i in range(4)) for order in counted}
    return "blocks of 4, 6,000 seeds", ({Fraction(1, 6)}, 6, True), (exact, len(counted), statistic < 35.9)


@_requires("Blackwell and Hodges, Ann Math Stat 28 (1957) 449-460: 17/24", "exact, over all orders")
def guessing(bench: Bench) -> Finding:
    """Of a block of four, who always guesses the arm that is behind is right for 17 of 24 patients."""
    plan, right = RandomizationPlan(BLOCKS, EVEN, sizes=(4,)), Fraction(0)
    for order in set(itertools.permutations("AABB")):
        right += Fraction(1, 6) * sum(max(plan.chances(order[:i]).values()) for i in range(4)) / 4
    return "blocks of 4", Fraction(17, 24), right


@_requires("Efron 1971; Soares and Wu 1983; Wei 1978; Berger and others 2003", "worked by hand")
def _other_procedures(bench: Bench) -> Finding:
    """Biased coin, big stick, urn and maximal procedure give the chances of their definitions."""
    plans = (
        RandomizationPlan("biased_coin", EVEN, probability="2/3"),
        RandomizationPlan("big_stick", EVEN, limit=2),
        RandomizationPlan("urn", EVEN, alpha=1, beta=1),
        RandomizationPlan("maximal", EVEN, limit=2, length=4),
    )
    seen = [plan.chances(("A", "A"))["B"] for plan in plans]
    return "B after A, A", [Fraction(2, 3), Fraction(1), Fraction(3, 4), Fraction(1)], seen


@_requires("Pocock and Simon, Biometrics 31 (1975) 103-115", "worked by hand")
def minimization(bench: Bench) -> Finding:
    """Minimization favours the arm that leaves the groups of the patient's own levels most alike."""
    plan = Minimization("minimization", EVEN, ("age > 65", "site"), weights=(1, 1))
    past = [(("yes", "X"), "A"), (("no", "X"), "B"), (("yes", "Y"), "A")]
    seen = [plan.chances(past, levels)["B"] for levels in (("yes", "X"), ("no", "Y"), ("no", "Z"))]
    return "three earlier patients", [Fraction(4, 5), Fraction(1, 2), Fraction(1, 5)], seen


@_requires(f"{GCP} 4.1", "correlation, 1,000 kits, five standard errors")
def kit_numbers(bench: Bench) -> Finding:
    """Kit numbers differ, and tell neither arm nor order."""
    ledger, key = bench.open(n=500)
    with reading(ledger) as connection:
        kits = find(connection, "kind = 'mixed kit'")
    secret = read_key(key)
    numbers = [int(str(kit.kit)[2:]) for kit in kits]
    arms = [secret.open(kit.detail["sealed"], str(kit.kit)) == "cells" for kit in kits]
    apart = [abs(float(np.corrcoef(numbers, other)[0, 1])) < 5 / math.sqrt(1_000) for other in (arms, range(1_000))]
    return "two strata of 500 kits", (1_000, [True, True]), (len(set(numbers)), apart)


# --- boundaries -------------------------------------------------------------------------------------------------------


@_requires("Jennison and Turnbull (2000), tables 2.1 and 2.3: 2.413 and 2.040", "published table")
def _classical_bounds(bench: Bench) -> Finding:
    """The classical bounds of five equal looks are those of the tables (two-sided, 5 %)."""
    seen = [boundaries([1, 2, 3, 4, 5], 0.05, sides=2, shape=shape)["z"].iloc[-1] for shape in (0.5, 0)]
    return "Pocock, O'Brien-Fleming", [2.413, 2.040], [round(float(z), 3) for z in seen]


@_requires("rpact 3.3.4, getDesignGroupSequential(typeOfDesign = 'asOF')", "known answer")
def _spending_bounds(bench: Bench) -> Finding:
    """The bounds of O'Brien-Fleming type spending are those of another program (one-sided, 2.5 %)."""
    wanted = {3: [3.7103, 2.5114, 1.993], 5: [4.8769, 3.357, 2.6803, 2.2898, 2.031]}
    return "three and five equal looks", wanted, {n: boundaries(range(1, n + 1))["z"].round(4).tolist() for n in wanted}


@_requires("Lan and DeMets, Biometrika 70 (1983) 659-663", "the formula of the spending function, by erfc")
def alpha_spent(bench: Bench) -> Finding:
    """Each look spends what its spending function allows, and the last one all that is left."""
    quantile = 2.241402727604947  # of a standard normal, upper 1.25 %
    wanted = [round(2 * math.erfc(quantile / math.sqrt(2 * t)) / 2, 6) for t in (0.25, 0.5, 1)]
    return "looks at 25, 50 and 100 %", wanted, boundaries([1, 2, 4])["alpha_spent"].round(6).tolist()


@_requires("definition of the type I error", "simulation: 200,000 trials under the null, seed 1, four standard errors")
def type_one_error(bench: Bench) -> Finding:
    """A trial without an effect crosses a bound as often as alpha says, however uneven the looks."""
    looks = np.array([30.0, 41.0, 77.0, 120.0])
    steps = np.random.default_rng(1).normal(size=(200_000, 4)) * np.sqrt(np.diff(looks, prepend=0))
    crossed = ((steps.cumsum(axis=1) / np.sqrt(looks)) > boundaries(looks.tolist())["z"].to_numpy()).any(axis=1)
    apart = abs(float(crossed.mean()) - 0.025) / math.sqrt(0.025 * 0.975 / 200_000)
    return "looks at 30, 41, 77 and 120", True, apart < 4


@_requires("Lan and DeMets 1983; over-running", "black box")
def _used_stays_used(bench: Bench) -> Finding:
    """What was spent at an earlier look stays spent when the trial grows; overall no more than alpha is spent."""
    first = boundaries([60, 130], planned=200, final=False)["z"].tolist()
    grown = boundaries([60, 130, 260], planned=200, used=first)
    seen = (grown["z"].tolist()[:2] == first, round(float(grown["alpha_spent"].iloc[-1]), 9))
    return "planned 200, final 260", (True, 0.025), seen


@_requires("information only grows", "bad input")
def _bad_information(bench: Bench) -> Finding:
    """Information that does not rise, and an alpha that is none, are refused."""
    acts = (lambda: boundaries([50, 40]), lambda: boundaries([]), lambda: boundaries([50, 100], alpha=0.7))
    told = [refusal(act) for act in acts]
    return "50 then 40; nothing; alpha 0.7", [False] * 3, ["not refused" in each for each in told]
