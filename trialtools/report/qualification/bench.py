"""A folder goes in, a bench to try requirements on comes out: a trial, its ledger and key, and people who ask."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ...arms.allocation import plan
from ...arms.audit import verify
from ...arms.chain import LedgerError, find, read_access
from ...arms.commitment import mix, open_ledger
from ...arms.entries import LedgerEntry
from ...arms.ledger import Receipt, allocate
from ...arms.request import Override, Request
from ...criteria.contents import Protocol, read_protocol
from ...criteria.protocol import DataError

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
TRIALS: dict[str, Callable[[Bench], Any]] = {}
"""By number of the requirement, the function that tries it and returns what was seen, as plain data."""


@dataclass(frozen=True)
class Bench:
    """A folder to work in, and a trial to try things on."""

    folder: Path
    protocol: Protocol = field(default_factory=lambda: read_protocol(PROTOCOL))

    @property
    def ledger(self) -> Path:
        return self.folder / "site.ledger"

    @property
    def key(self) -> Path:
        return self.folder / "key.json"

    def open(self, kits: int = 8, mixed: bool = True, patients: int = 0) -> None:
        """A new ledger of permuted blocks and its key, with so many patients P0, P1, …"""
        open_ledger(self.ledger, self.key, self.protocol, plan(self.protocol, sizes=(2, 4)), kits)
        if mixed:
            mix(self.ledger, self.key, NUMBER, "Second Person")
        for i in range(patients):
            self.allocate(f"P{i}")

    def request(self, patient: str, **changed: Any) -> Request:
        """Somebody who is eligible, but for what is changed."""
        facts = {"age": 70, "consent": True, "infected_on": date(2023, 1, 1), **changed}
        return Request(self.protocol, patient, facts, "Site A", DAY)

    def allocate(self, patient: str, override: Override | None = None, name: str = "", **changed: Any) -> Receipt:
        """The receipt of somebody who is eligible, but for what is changed."""
        return allocate(self.ledger, self.request(patient, **changed), override, name=name)

    def refusal(self, patient: str, **changed: Any) -> str:
        """The words with which somebody gets no kit."""
        return refusal(lambda: self.allocate(patient, **changed).kit)

    def entries(self, kind: str = "allocated") -> list[LedgerEntry]:
        """The entries of a kind."""
        with read_access(self.ledger) as connection:
            return find(connection, "kind = ?", [kind])

    def kits(self, answer: str = "yes") -> list[str]:
        """The kits of those over 65, or of the others, in order."""
        return [str(each.kit) for each in self.entries("mixed kit") if each.stratum == f"age > 65: {answer}"]

    def wrong(self, **more: Any) -> list[int]:
        """The entries that `verify` finds wrong."""
        return [fault.entry for fault in verify(self.ledger, **more) if not fault.note]

    def forge(self, statement: str) -> None:
        """Change the file as somebody with a SQLite browser would, guards taken away and put back."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection:
            guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for change in (*(f"DROP TRIGGER {name}" for name, _ in guards), statement, *(sql for _, sql in guards)):
                connection.execute(change)
            connection.commit()


def tries(number: str) -> Callable[[Callable[[Bench], Any]], Callable[[Bench], Any]]:
    """Names the requirement that a function tries."""

    def register(run: Callable[[Bench], Any]) -> Callable[[Bench], Any]:
        TRIALS[number] = run
        return run

    return register


def refusal(act: Callable[[], Any]) -> str:
    """The words with which something is refused, or what it gave."""
    try:
        return f"not refused: {act()}"
    except (LedgerError, DataError, sqlite3.Error) as error:
        return str(error)
