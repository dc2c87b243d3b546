"""Words of the command line go in, `trialtools arms …` is done; nothing secret is taken from an argument's value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..criteria.commands import Commands
from ..criteria.files import shielded, whole

DONE, FOUND = 0, 1
PROCEDURE = "permuted_blocks:sizes=4,6"


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
    from ..criteria.contents import load_protocol
    from ..criteria.protocol import DataError
    from .allocation import applicable_plans, plan
    from .assessment import assess, assessment_text

    rules = load_protocol(protocol)
    size = rules.design.get("sample_size")
    patients = n if n is not None else size.value if size else None
    if patients is None:
        raise DataError(f"{rules.id} states no sample size; say how many patients with --n")
    plans = [plan(rules, name, **more) for name, more in map(_procedure, procedure)] or applicable_plans(rules)
    frame = assess(plans, patients, sites if sites is not None else max(len(rules.sites), 1))
    print(assessment_text(frame))
    if out:
        frame.to_csv(out, index=False)
        print(f"wrote {out}")
    return DONE


def _procedure(text: str) -> tuple[str, dict[str, Any]]:
    """A procedure and its options as they are written on the command line."""
    from ..criteria.protocol import DataError

    name, *more = text.split(":")
    try:
        options: dict[str, Any] = dict(option.split("=") for option in more)
        for key, value in options.items():
            if key in ("sizes", "weights"):
                options[key] = tuple(map(int, value.split(",")))
            elif key != "probability":
                options[key] = int(value)
    except ValueError:
        raise DataError(f"--procedure {text}: expected a procedure and its options, such as {PROCEDURE}") from None
    return name, options


def _open(
    ledger: str,
    protocol: str,
    *,
    reading: tuple[str, ...] = (),
    key: str,
    procedure: str,
    n: int,
    site: tuple[str, ...] = (),
) -> int:
    """Make a ledger for the sites, and the key that must not lie beside it.

    Args:
        reading (I6=registered): the reading of an ambiguous sentence
        key (FILE): file to make, for its owner only
        procedure (permuted_blocks:sizes=4,6): how lists are made
        n: kits for each stratum (minimization: for each arm)
        site (NAME): by default the protocol's
    """
    from ..criteria.contents import load_protocol
    from .allocation import plan
    from .ledger import open_ledger

    rules = load_protocol(protocol, readings=", ".join(reading))
    name, more = _procedure(procedure)
    made = plan(rules, name, **more)
    head = open_ledger(ledger, key, rules, made, n, tuple(site))
    print(f"plan     {made.label}\nstrata   {', '.join(made.strata) or 'none'}\nhead     {head}")
    print(f"{key} opens every arm: keep it away from the ledger, and a copy of it safe")
    return DONE


def _verify(ledger: str, *, head: tuple[str, ...] = (), key: str | None = None, protocol: str | None = None) -> int:
    """What is wrong with a ledger; exit 1 if anything is.

    Args:
        head (N:HASH): from a receipt or a report
        key (FILE): the revealed key file: the whole list is made again from it
        protocol (FILE): with --key: was the ledger opened under this one?
    """
    from ..criteria.contents import load_protocol
    from .audit import verify
    from .ledger import last_entry

    faults = verify(ledger, head, key, protocol=load_protocol(protocol) if protocol else None)
    for fault in faults:
        print(f"{'note' if fault.note else 'WRONG'}  {fault}")
    if any(not fault.note for fault in faults):
        return FOUND
    remade = " and the list made again from the key is the ledger's" if key and not faults else ""
    print(f"nothing wrong to be seen{remade}; head {last_entry(ledger)}")
    if not head:
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
    from .ledger import unblind

    print(unblind(ledger, key, patient, name, reason))
    return DONE


def _export(ledger: str, *, key: str | None = None, out: str) -> int:
    """Who was allocated: pooled, or by arm with the key.

    Args:
        key (FILE): the key of the ledger
        out (FILE.csv): file to write
    """
    from .ledger import allocations

    frame = allocations(ledger, key)
    with whole(out) as part:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if key else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            frame.map(shielded).to_csv(file, index=False)
    print(f"wrote {Path(out)}{' (by arm: not for open eyes)' if key else ''}")
    return DONE


LEDGER: Commands = {"plan": _plan, "open": _open, "verify": _verify, "unblind": _unblind, "export": _export}
"""`trialtools arms WHAT`, but `allocate`, which needs a table of patients."""
