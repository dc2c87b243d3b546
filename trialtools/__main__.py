"""The command line: words go in, an exit code comes out: 0 done, 1 found, 2 bad input, 3 a notebook failed."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import Any

from .criteria.extras import MissingLibraryError, install_hint

DONE, FOUND, BAD_INPUT, NOTEBOOK_FAILED = 0, 1, 2, 3
EVIDENCE_LIMIT = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every error is one clear paragraph on stderr."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a quote from a registry may hold letters that a terminal lacks
    try:
        return options.run(options)
    except BrokenPipeError:  # whoever read our words, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ModuleNotFoundError as error:
        return _told(MissingLibraryError(hint) if (hint := install_hint(error)) else error)
    except Exception as error:
        return _told(error)


def _told(error: Exception) -> int:
    """Say an error in one paragraph, and give its exit code; a fault of ours keeps its traceback."""
    code = _code(error)
    if code is None:
        raise error
    print(f"trialtools: {error}", file=sys.stderr)
    return code


def _code(error: Exception) -> int | None:
    """The exit code of an error that a user can mend; None for a fault of ours, which keeps its traceback."""
    names = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("trialtools")}
    if "NotebookError" in names:
        return NOTEBOOK_FAILED
    return BAD_INPUT if names or isinstance(error, OSError) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trialtools", description="One registered trial as logic: check it, screen with it, report from it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="what a protocol gets wrong, proved without any patient")
    check.add_argument("protocol")
    check.add_argument("--reading", action="append", default=[], metavar="I6=registered")
    check.add_argument("--strict", action="store_true", help="exit with 1 when something is found")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)

    screen = commands.add_parser("screen", help="decide who of a patient table could enter")
    _protocol_and_patients(screen)
    screen.add_argument("--engine", choices=("polars", "duckdb"))
    screen.add_argument("--out", metavar="DIR", help="write decisions, evidence, patterns, quality and summary there")
    screen.add_argument("--evidence", action="store_true", help="write the evidence however many patients there are")
    screen.set_defaults(run=_screen)

    explain = commands.add_parser("explain", help="why one patient is in, out or open")
    _protocol_and_patients(explain)
    explain.add_argument("--patient", required=True, metavar="ID")
    explain.add_argument("--full", action="store_true", help="show every branch, not only those that decided")
    explain.set_defaults(run=_explain)

    simulate = commands.add_parser("simulate", help="make synthetic data").add_subparsers(required=True, metavar="WHAT")
    cohort = simulate.add_parser("cohort", help="synthetic patients before screening")
    cohort.add_argument("protocol")
    cohort.add_argument("--n", type=int, required=True)
    cohort.add_argument("--seed", type=int, required=True)
    cohort.add_argument("--clean", action="store_true", help="without impossible entries")
    cohort.add_argument("--missing", type=float, default=1.0, help="how much is missing, as a multiple of the usual")
    cohort.add_argument("--out", required=True, metavar="DIR")
    cohort.set_defaults(run=_simulate_cohort)
    trial = simulate.add_parser("trial", help="a synthetic trial: open tables, a ledger and its key")
    trial.add_argument("protocol")
    trial.add_argument("--n", type=int, required=True, help="people to randomize")
    trial.add_argument("--seed", type=int, required=True)
    trial.add_argument("--scenario", choices=("null", "effect", "harm"), default="null")
    trial.add_argument("--site", action="append", default=[], help="repeat it; three synthetic hospitals by default")
    trial.add_argument("--clean", action="store_true", help="without the errors that reading must find")
    trial.add_argument("--out", required=True, metavar="DIR")
    trial.set_defaults(run=_simulate_trial)

    from .arms.command import add_arms

    add_arms(commands)

    report = commands.add_parser("report", help="run notebooks into reports that stand alone")
    report.add_argument("notebooks", nargs="+", metavar="NOTEBOOK|NAME", help="a path, or a name such as screening")
    report.add_argument("-p", action="append", default=[], metavar="key=value", dest="parameters")
    report.add_argument("--site", action="append", default=[], help="interim: this site; all: each, and all together")
    report.add_argument("--both", action="store_true", help="interim: the open report and the closed one")
    report.add_argument("--ledger", metavar="FILE", help="interim: the allocation ledger")
    report.add_argument("--key", metavar="FILE", help="interim, closed: the key that opens the ledger")
    report.add_argument("--jobs", type=int, default=1, metavar="N", help="so many reports at once")
    report.add_argument("--out", default="reports", metavar="DIR")
    report.add_argument("--pdf", action="store_true", help="print it as well, with the installed Chromium or Chrome")
    report.set_defaults(run=_report)
    return parser


def _protocol_and_patients(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol")
    parser.add_argument("patients", help=".csv, .csv.gz, .parquet or .xlsx")
    parser.add_argument("--mapping")
    parser.add_argument("--reading", action="append", default=[], metavar="I6=registered")


def _protocol(options: argparse.Namespace) -> Any:
    from .criteria.contents import load_protocol

    return load_protocol(options.protocol, readings=", ".join(options.reading))


def _check(options: argparse.Namespace) -> int:
    from .criteria.proofs.findings import lint

    protocol = _protocol(options)
    findings = lint(protocol)
    print(findings.to_json() if options.json else findings.text())
    return FOUND if options.strict and any(finding.severity == "finding" for finding in findings) else DONE


def _screen(options: argparse.Namespace) -> int:
    from .cohort.output import summary_text, write_screening
    from .cohort.screening import screen

    screening = screen(_protocol(options), options.patients, options.mapping, options.engine)
    print(summary_text(screening))
    if options.out:
        with_evidence = options.evidence or screening.n <= EVIDENCE_LIMIT
        for path in write_screening(screening, Path(options.out), with_evidence):
            print(f"wrote {path}")
        if not with_evidence:
            print(f"no evidence.parquet: more than {EVIDENCE_LIMIT:,} patients; ask for it with --evidence")
    return DONE


def _explain(options: argparse.Namespace) -> int:
    from .cohort.sources import read_patients
    from .criteria.patient import explain, nearest_eligible, open_items

    protocol = _protocol(options)
    patients = read_patients(options.patients, protocol, options.mapping)
    patient = patients.patient(options.patient)
    print(explain(protocol, patient).text(full=options.full))
    print(f"\n{open_items(protocol, patient).text()}\n\n{nearest_eligible(protocol, patient).text()}")
    return DONE


def _simulate_cohort(options: argparse.Namespace) -> int:
    from .criteria.contents import load_protocol
    from .simulate import write_cohort

    how = {"path": options.protocol, "dirty": not options.clean, "missing": options.missing}
    for path in write_cohort(load_protocol(options.protocol), options.n, options.seed, options.out, **how):
        print(f"wrote {path} (synthetic)")
    return DONE


def _simulate_trial(options: argparse.Namespace) -> int:
    from .criteria.contents import load_protocol
    from .simulate import write_trial

    how = {"path": options.protocol, "sites": options.site or None, "dirty": not options.clean}
    protocol = load_protocol(options.protocol)
    folder = write_trial(protocol, options.n, options.seed, options.out, options.scenario, **how)
    for path in sorted(folder.rglob("*.*")):
        print(f"wrote {path} (synthetic)")
    return DONE


def _report(options: argparse.Namespace) -> int:
    # jsonschema would compile a grammar of web addresses, for a second: no notebook is held against one
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from .report.committee import is_interim, runs
    from .report.write import Report, Run, find_notebook, parse_parameters, report, reports, write_index

    given, asked = parse_parameters(options.parameters), []
    for notebook in map(find_notebook, options.notebooks):
        if is_interim(notebook):
            for audience in ("open", "closed") if options.both else ("",):
                told = given | ({"audience": audience} if audience else {})
                asked += runs(notebook, told, options.out, options.site, options.ledger, options.key, options.pdf)
        else:
            asked.append(Run(notebook.stem, report, (notebook, given, options.out, options.pdf)))
    worst, wrote = DONE, (Path(options.out) / "index.html").exists()
    for _, made in reports(asked, options.jobs):
        if not isinstance(made, Report):
            worst = max(worst, _told(made))
            continue
        wrote = True
        for path in (made.html, made.pdf, made.notebook, made.manifest):
            if path:
                print(f"wrote {path}")
    if wrote:
        print(f"wrote {write_index(options.out)}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
