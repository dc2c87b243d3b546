"""What the tests of the ledger share: a plan, patients, and programs that run in processes of their own."""

import contextlib
import hashlib
import io
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import trialtools as tt
from trialtools.__main__ import main
from trialtools.arms import Minimization, RandomizationPlan, Request, verify
from trialtools.arms.plans import BasePlan
from trialtools.arms.strata import strata

ROOT = Path(__file__).resolve().parents[1]
INFECTED, ON = date(2023, 1, 1), date(2023, 1, 12)
ARMS = ("mscs", "comparator")


@dataclass(frozen=True)
class Pairs(BasePlan):
    """Blocks of two from a seed: as little as a procedure can be."""

    procedure: str = "pairs"
    ratio: tuple[tuple[str, int], ...] = tuple((arm, 1) for arm in ARMS)
    strata: tuple[str, ...] = ("age > 65", "site")

    def pools(self, sites):
        return list(strata(self.strata, sites))

    def deal(self, seed, stratum, n):
        first = [hashlib.sha256(seed + f"{stratum}|{i}".encode()).digest()[0] % 2 for i in range((n + 1) // 2)]
        return tuple(ARMS[arm] for f in first for arm in (f, 1 - f))[:n]


BLOCKS = RandomizationPlan("permuted_blocks", tuple((arm, 1) for arm in ARMS), ("age > 65", "site"), sizes=(4, 6))
MINIMIZED = Minimization("minimization", BLOCKS.ratio, BLOCKS.strata, "4/5", (1, 1))


def protocol():
    return tt.load_protocol(ROOT / "data" / "protocols" / "NCT05741099.yaml")


def facts(age=70, **other):
    """Somebody who is eligible."""
    flags = "active_tuberculosis influenza adenovirus other_acute_respiratory_virus tumour_history precancerous_lesion"
    flags += " acute_myocardial_infarction acute_cerebral_infarction poorly_controlled_mental_illness addicted"
    flags += " poor_compliance unsuitable other_trial"
    known = dict.fromkeys(flags.split(), False) | {"age": age, "sex": "male", "clinical_type": "moderate"}
    known |= {"cough": True, "pcr_positive": True, "respiratory_rate": 22, "spo2": 96, "consent": True}
    known |= {"radiology_characteristic": True, "hypertension": True, "infected_on": INFECTED, "screened_on": ON}
    return known | other


def ask(patient, protocol, site="A", on=ON, **known):
    return Request(protocol, patient, facts(**known), site, on)


def wrong(*arguments, **more):
    """What `verify` finds wrong, without what it notes."""
    return [fault for fault in verify(*arguments, **more) if not fault.note]


START = f"""import os
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from ledgers import *
from trialtools.arms import LedgerError, Override, allocate, allocations, last_entry, mix, open_ledger, unblind
"""


def run(code, *arguments):
    """A program in a process of its own, with this module at hand."""
    command = [sys.executable, "-c", START + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def cli(*arguments):
    """`trialtools arms …` as its entry point runs it: the exit code and what it printed, without a process to start."""
    printed, errors = io.StringIO(), io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        try:
            code = main(["arms", *map(str, arguments)])
        except SystemExit as refused:  # words that the parser does not understand
            code = refused.code
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), errors.getvalue())


def program(*arguments):
    """The same in a process of its own, with a terminal's bytes."""
    command = [sys.executable, "-m", "trialtools", "arms", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
