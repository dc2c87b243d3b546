"""Words of the command line go in, `trialtools arms …` is done; nothing secret is taken from an argument's value."""

from __future__ import annotations

import math
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ..cohort.sources import read_patients
from ..criteria.contents import load_protocol
from ..criteria.doors import DONE, FOUND
from ..criteria.files import FORMULA, whole
from ..criteria.protocol import DataError
from .allocation import applicable_plans, plan
from .assessment import assess
from .audit import verify
from .chain import read_receipts, receipts_of
from .commitment import mix, open_ledger, opening
from .copies import backup
from .laboratory import comparison
from .ledger import allocate, allocations, correct, last_entry, return_kit, unblind
from .plans import read_option
from .request import Override, Request

_PROCEDURE = "permuted_blocks:sizes=4,6"
_MEASURES = ("correct guesses", "imbalance", "worst imbalance", "imbalance within strata", "power")


def _plan(
    protocol: str,
    *,
    procedure: tuple[str, ...] = (),
    n: int | None = None,
    sites: int | None = None,
    out: str | None = None,
) -> int:
    """What each procedure would do to the trial, to choose one by.

    Args:
        procedure (permuted_blocks:sizes=4,6): by default all that fit
        n: patients; by default the protocol's sample size
        sites (N): how many; by default the protocol's
        out (FILE.csv): write the comparison there
    """
    rules = load_protocol(protocol)
    patients = rules.design_values.get("sample_size") if n is None else n
    if patients is None:
        raise DataError(f"{rules.id} states no sample size; say how many patients with --n")
    plans = [plan(rules, name, **more) for name, more in map(_procedure, procedure)] or applicable_plans(rules)
    frame = assess(plans, patients, sites if sites is not None else max(len(rules.sites), 1))
    print(_assessment_text(frame))
    if out:
        with whole(out) as part:
            frame.to_csv(part, index=False)
        print(f"wrote {out}")
    return DONE


def _assessment_text(frame: pd.DataFrame) -> str:
    """The table of an assessment in words: a line for a plan and a number of strata, a column for a measure."""
    shown = frame.assign(
        value=[_value_text(*row) for row in frame[["measure", "value", "error"]].itertuples(index=False)]
    )
    wide = comparison(shown).fillna("")
    n = ", ".join(f"{n:,}" for n in dict.fromkeys(frame["n"]))
    notes = f"{n} patients. Simulated values have their standard error after ±; the others are exact."
    table = wide[["procedure", "strata", *(name for name in _MEASURES if name in wide)]].to_string(index=False)
    return f"{table}\n\n{notes}"


def _value_text(measure: str, value: float, error: float) -> str:
    share = measure in ("correct guesses", "power")
    scale, digits, unit = (100, 1, " %") if share else (1, 2, "")
    shown = f"{value * scale:.{digits}f}"
    return f"{shown}{unit}" if math.isnan(error) else f"{shown} ±{error * scale:.2f}{unit}"


def _procedure(text: str) -> tuple[str, dict[str, Any]]:
    """A procedure and its options as they are written on the command line."""
    name, *more = text.split(":")
    try:
        written = dict(option.split("=") for option in more)
        return name, {key: read_option(key, value) for key, value in written.items()}
    except ValueError:
        raise DataError(f"--procedure {text}: expected a procedure and its options, such as {_PROCEDURE}") from None


def _open(
    ledger: str,
    protocol: str,
    *,
    reading: tuple[str, ...] = (),
    key: str,
    procedure: str,
    n: int,
    site: tuple[str, ...] = (),
    second: str = "",
    name: str = "",
) -> int:
    """Make a ledger for the sites, and the key that must not lie beside it; its commitment is to be given away.

    Args:
        reading (I6=registered): the reading of an ambiguous sentence
        key (FILE): file to make, for its owner only
        procedure (permuted_blocks:sizes=4,6): how lists are made
        n: kits for each stratum (minimization: for each arm)
        site (NAME): by default the protocol's
        second (WHO): who will name the second number, or the public source and its moment
        name (WHO): who opens the ledger
    """
    rules = load_protocol(protocol, readings=", ".join(reading))
    procedure, more = _procedure(procedure)
    made = plan(rules, procedure, **more)
    earlier = read_receipts(receipts_of(ledger))
    head = open_ledger(ledger, key, rules, made, n, tuple(site), second=second, name=name)
    opened = opening(ledger)
    print(f"plan     {made.label}\nstrata   {', '.join(made.strata) or 'none'}\nhead     {head}")
    print(f"commitment {opened.commitment}\n{key} opens every arm: keep it away from the ledger, and a copy of it safe")
    print(opened.statement)
    print(
        "give the commitment away, then mix in the number that is named: trialtools arms mix LEDGER --number N --by WHO"
    )
    if earlier:
        print(f"note     {len(earlier)} receipts of an earlier ledger at this place are kept: verify will name them")
    return _show_receipt(ledger, head)


def _mix(ledger: str, *, key: str, number: str, by: str, name: str = "") -> int:
    """Mix in a number that the opener could not know, once, before the first allocation: the list is made anew.

    Args:
        key (FILE): the key of the ledger
        number (N): as it was named, nine digits or more; 0x… is hexadecimal
        by (WHO): who named it, or the public source and its moment
        name (WHO): who enters it
    """
    head = mix(ledger, key, number, by, name)
    print(f"head     {head}\n{opening(ledger).statement}")
    return _show_receipt(ledger, head)


def _allocate(
    ledger: str,
    protocol: str,
    patients: str,
    *,
    mapping: str | None = None,
    reading: tuple[str, ...] = (),
    patient: str,
    site: str,
    on: date | None = None,
    key: str | None = None,
    override: str = "",
    reason: str = "",
    name: str = "",
) -> int:
    """The kit of an eligible patient, never the arm.

    Args:
        patients: .csv, .csv.gz, .parquet or .xlsx
        mapping (FILE): how the columns become fields
        reading (I6=registered): the reading of an ambiguous sentence
        patient (ID): who is to be allocated
        on (YYYY-MM-DD): the day of randomization; today by default
        key (FILE): minimization only, which needs the earlier arms
        override (NAME): who answers for an allocation against the rules
        reason (WHY): why, with --override
        name (WHO): who allocates; the user and the machine are recorded in any case
    """
    rules = load_protocol(protocol, readings=", ".join(reading))
    facts = read_patients(patients, rules, mapping).patient(patient)
    request = Request(rules, patient, facts, site, on or date.today())
    receipt = allocate(ledger, request, Override(override, reason) if override or reason else None, key, name)
    print(f"kit      {receipt.kit}\nstratum  {receipt.stratum}")
    for note in filter(None, (receipt.note, opening(ledger).mixed is None and opening(ledger).statement)):
        print(f"note     {note}")
    return _show_receipt(ledger, receipt.head)


def _verify(
    ledger: str,
    *,
    head: tuple[str, ...] = (),
    receipts: str | None = None,
    key: str | None = None,
    protocol: str | None = None,
    commitment: str | None = None,
    number: str | None = None,
) -> int:
    """What is wrong with a ledger; exit 1 if anything is.

    Args:
        head (N:HASH): from a receipt or a report
        receipts (FILE): of receipts kept outside; those of this machine by default
        key (FILE): the revealed key file: the whole list is made again from it
        protocol (FILE): was the ledger opened for this one, and is every decision what it makes of the facts?
        commitment (HEX): as it was given away when the ledger was opened
        number (N): as the second person named it
    """
    file = receipts or (own if (own := receipts_of(ledger)).is_file() else None)
    rules = load_protocol(protocol) if protocol else None
    faults = verify(ledger, head, key, protocol=rules, commitment=commitment, number=number, receipts=file)
    for fault in faults:
        print(f"{'note' if fault.note else 'WRONG'}  {fault}")
    if any(not fault.note for fault in faults):
        return FOUND
    made_again = key and not any("not made again" in fault.problem for fault in faults)
    remade = " and the list made again from the key is the ledger's" if made_again else ""
    print(f"nothing wrong to be seen{remade}; head {last_entry(ledger)}")
    if file:
        print(f"{len(read_receipts(file))} receipts kept outside are all there")
    elif not head:
        print("that no last entries were cut off shows only against a receipt or a printed head: --head N:HASH")
    return DONE


def _unblind(ledger: str, *, key: str, patient: str, name: str, reason: str) -> int:
    """The arm of one patient; who asks and why is recorded first.

    Args:
        key (FILE): the key of the ledger
        patient (ID): whose arm
        name (WHO): who asks
        reason (WHY): why it must be known
    """
    print(unblind(ledger, key, patient, name, reason))
    return DONE


def _correct(ledger: str, *, patient: str, what: str, value: str, name: str, reason: str) -> int:
    """Put right what was entered of an allocation; kit and stratum stay.

    Args:
        patient (ID): who was allocated
        what (FIELD): randomized_on, or a field among the facts that were judged
        value: what is right
        name (WHO): who corrects
        reason (WHY): why it was wrong
    """
    return _show_receipt(ledger, correct(ledger, patient, what, value, name, reason))


def _return(ledger: str, *, kit: str, name: str, reason: str) -> int:
    """Record that a kit that was given came back.

    Args:
        kit (K-0000): its number
        name (WHO): who took it back
        reason (WHY): why it came back
    """
    return _show_receipt(ledger, return_kit(ledger, kit, name, reason))


def _backup(ledger: str, *, out: str) -> int:
    """Copy a ledger, and prove that the copy restores it.

    Args:
        out (FILE): the copy; its proof stands beside it, as FILE.json
    """
    made = backup(ledger, out)
    print(f"wrote {out} and {out}.json: restored from it, {made.entries:,} entries are the ledger's, head {made.head}")
    print("the key is not in it: keep a copy of the key elsewhere, or no arm can be told")
    return DONE


def _show_receipt(ledger: str, head: str) -> int:
    """Tell where the receipt of what was done is kept; where it could not be, a warning has told that already."""
    if head in read_receipts(file := receipts_of(ledger)):
        print(f"kept in  {file}")
    print(f"receipt  {head}")
    return DONE


def _export(ledger: str, *, key: str | None = None, out: str) -> int:
    """Who was allocated: pooled, or by arm with the key.

    Args:
        key (FILE): the key of the ledger
        out (FILE.csv): file to write
    """
    frame = allocations(ledger, key)
    print(frame.attrs["opening"])
    with whole(out) as part:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if key else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            frame.map(_shield).to_csv(file, index=False)
    print(f"wrote {Path(out)}{' (by arm: not for open eyes)' if key else ''}")
    return DONE


def _shield(value: object) -> object:
    """A value for a CSV file that people open in a spreadsheet: with a `'` before what would be worked out there.

    >>> _shield("=1+1"), _shield("a-1"), _shield(-1)
    ("'=1+1", 'a-1', -1)
    """
    return f"'{value}" if isinstance(value, str) and re.match(FORMULA, value) else value


_LEDGER = {
    "plan": _plan, "open": _open, "mix": _mix, "allocate": _allocate, "verify": _verify,
    "unblind": _unblind, "correct": _correct, "return": _return, "backup": _backup, "export": _export,
}  # fmt: skip
__commands__ = {"arms": _LEDGER}
