"""A folder goes in, a bench to try requirements on comes out; and what a requirement is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ...arms.allocation import plan
from ...arms.chain import LedgerError
from ...arms.commitment import mix, open_ledger
from ...arms.ledger import allocate
from ...arms.request import Request
from ...criteria.contents import Protocol
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
GCP, CFR = "ICH E6(R3)", "21 CFR"
Finding = tuple[str, Any, Any]
"""Input, expected, seen."""


@dataclass(frozen=True)
class Requirement:
    """What must hold, where that is asked for or worked out, how it is tried, and the trial itself."""

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
        open_ledger(ledger, key, self.protocol, plan(self.protocol, sizes=(2, 4)), n)
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


def requires(source: str, method: str) -> Callable[[Callable[[Bench], Finding]], Requirement]:
    """The requirement that a function tries; its docstring says what must hold."""
    return lambda run: Requirement(str(run.__doc__), source, method, run)


def refusal(act: Callable[[], Any]) -> str:
    """The words with which something is refused, or what it gave."""
    try:
        return f"not refused: {act()}"
    except (LedgerError, DataError, sqlite3.Error) as error:
        return str(error)
