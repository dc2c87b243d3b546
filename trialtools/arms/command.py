"""Words of the command line go in, `trialtools arms …` is done; nothing secret is taken from an argument's value."""

from __future__ import annotations

import argparse
import os
from datetime import date
from pathlib import Path
from typing import Any

from ..criteria.files import whole

DONE, FOUND = 0, 1
PROCEDURE = "permuted_blocks:sizes=4,6"


def add_arms(commands: Any) -> None:
    """Add `arms` and what it can do to the parser of the command line."""
    does = commands.add_parser("arms", help="allocate patients to arms, and check it").add_subparsers(
        required=True, metavar="WHAT"
    )
    plan = does.add_parser("plan", help="what each procedure would do to the trial, to choose one by")
    plan.add_argument("protocol")
    plan.add_argument("--procedure", action="append", default=[], metavar=PROCEDURE, help="by default all that fit")
    plan.add_argument("--n", type=int, help="patients; by default the protocol's sample size")
    plan.add_argument("--sites", type=int, metavar="N", help="how many; by default the protocol's")
    plan.add_argument("--out", metavar="FILE.csv")
    plan.set_defaults(run=_plan)

    opened = does.add_parser("open", help="make a ledger for the sites, and the key that must not lie beside it")
    opened.add_argument("ledger")
    opened.add_argument("protocol")
    opened.add_argument("--reading", action="append", default=[], metavar="I6=registered")
    opened.add_argument("--key", required=True, metavar="FILE", help="file to make, for its owner only")
    opened.add_argument("--procedure", required=True, metavar=PROCEDURE)
    opened.add_argument("--n", type=int, required=True, help="kits for each stratum (minimization: for each arm)")
    opened.add_argument("--site", action="append", default=[], metavar="NAME", help="by default the protocol's")
    opened.set_defaults(run=_open)

    allocate = does.add_parser("allocate", help="the kit of an eligible patient, never the arm")
    allocate.add_argument("ledger")
    allocate.add_argument("protocol")
    allocate.add_argument("patients", help=".csv, .csv.gz, .parquet or .xlsx")
    allocate.add_argument("--mapping")
    allocate.add_argument("--reading", action="append", default=[], metavar="I6=registered")
    allocate.add_argument("--patient", required=True, metavar="ID")
    allocate.add_argument("--site", required=True)
    allocate.add_argument("--on", type=date.fromisoformat, default=date.today(), metavar="YYYY-MM-DD")
    allocate.add_argument("--key", metavar="FILE", help="minimization only, which needs the earlier arms")
    allocate.add_argument("--override", metavar="NAME", help="who answers for an allocation against the rules")
    allocate.add_argument("--reason", help="why, with --override")
    allocate.set_defaults(run=_allocate)

    verify = does.add_parser("verify", help="what is wrong with a ledger; exit 1 if anything is")
    verify.add_argument("ledger")
    verify.add_argument("--head", action="append", default=[], metavar="N:HASH", help="from a receipt or a report")
    verify.add_argument("--key", metavar="FILE", help="the revealed key file: the whole list is made again from it")
    verify.add_argument("--protocol", metavar="FILE", help="with --key: was the ledger opened under this one?")
    verify.set_defaults(run=_verify)

    unblind = does.add_parser("unblind", help="the arm of one patient; who asks and why is recorded first")
    for name, what in (("--key", "FILE"), ("--patient", "ID"), ("--name", "WHO"), ("--reason", "WHY")):
        unblind.add_argument(name, required=True, metavar=what)
    unblind.add_argument("ledger")
    unblind.set_defaults(run=_unblind)

    export = does.add_parser("export", help="who was allocated: pooled, or by arm with the key")
    export.add_argument("ledger")
    export.add_argument("--key", metavar="FILE")
    export.add_argument("--out", required=True, metavar="FILE.csv")
    export.set_defaults(run=_export)


def _plan(options: argparse.Namespace) -> int:
    from ..criteria.contents import load_protocol
    from ..criteria.protocol import DataError
    from .allocation import applicable_plans, plan
    from .assessment import assess, assessment_text

    protocol = load_protocol(options.protocol)
    size = protocol.design.get("sample_size")
    n = options.n if options.n is not None else size.value if size else None
    if n is None:
        raise DataError(f"{protocol.id} states no sample size; say how many patients with --n")
    plans = [plan(protocol, name, **more) for name, more in map(_procedure, options.procedure)] or applicable_plans(
        protocol
    )
    frame = assess(plans, n, options.sites if options.sites is not None else max(len(protocol.sites), 1))
    print(assessment_text(frame))
    if options.out:
        frame.to_csv(options.out, index=False)
        print(f"wrote {options.out}")
    return DONE


def _procedure(text: str) -> tuple[str, dict[str, Any]]:
    """A procedure and its options as they are written on the command line."""
    from ..criteria.protocol import DataError

    name, *given = text.split(":")
    try:
        options: dict[str, Any] = dict(option.split("=") for option in given)
        for key, value in options.items():
            if key in ("sizes", "weights"):
                options[key] = tuple(map(int, value.split(",")))
            elif key != "probability":
                options[key] = int(value)
    except ValueError:
        raise DataError(f"--procedure {text}: expected a procedure and its options, such as {PROCEDURE}") from None
    return name, options


def _open(options: argparse.Namespace) -> int:
    from ..criteria.contents import load_protocol
    from .allocation import plan
    from .ledger import open_ledger

    protocol = load_protocol(options.protocol, readings=", ".join(options.reading))
    name, more = _procedure(options.procedure)
    made = plan(protocol, name, **more)
    head = open_ledger(options.ledger, options.key, protocol, made, options.n, tuple(options.site))
    print(f"plan     {made.label}\nstrata   {', '.join(made.strata) or 'none'}\nhead     {head}")
    print(f"{options.key} opens every arm: keep it away from the ledger, and a copy of it safe")
    return DONE


def _allocate(options: argparse.Namespace) -> int:
    from ..cohort.sources import read_patients
    from ..criteria.contents import load_protocol
    from .ledger import Override, Request, allocate

    protocol = load_protocol(options.protocol, readings=", ".join(options.reading))
    facts = read_patients(options.patients, protocol, options.mapping).patient(options.patient)
    asked = Request(protocol, options.patient, facts, options.site, options.on)
    by = Override(options.override or "", options.reason or "") if options.override or options.reason else None
    receipt = allocate(options.ledger, asked, by, options.key)
    print(f"kit      {receipt.kit}\nstratum  {receipt.stratum}\nreceipt  {receipt.entry}:{receipt.hash}")
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from ..criteria.contents import load_protocol
    from .audit import verify
    from .ledger import last_entry

    protocol = load_protocol(options.protocol) if options.protocol else None
    faults = verify(options.ledger, options.head, options.key, protocol=protocol)
    for fault in faults:
        print(f"{'note' if fault.note else 'WRONG'}  {fault}")
    if any(not fault.note for fault in faults):
        return FOUND
    remade = " and the list made again from the key is the ledger's" if options.key and not faults else ""
    print(f"nothing wrong to be seen{remade}; head {last_entry(options.ledger)}")
    if not options.head:
        print("that no last entries were cut off shows only against a receipt or a printed head: --head N:HASH")
    return DONE


def _unblind(options: argparse.Namespace) -> int:
    from .ledger import unblind

    print(unblind(options.ledger, options.key, options.patient, options.name, options.reason))
    return DONE


def _export(options: argparse.Namespace) -> int:
    from .ledger import allocations

    out, frame = Path(options.out), allocations(options.ledger, options.key)
    with whole(out) as part:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if options.key else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            frame.to_csv(file, index=False)
    print(f"wrote {out}{' (by arm: not for open eyes)' if options.key else ''}")
    return DONE
