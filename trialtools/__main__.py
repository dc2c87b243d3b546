"""The command line: words go in, an exit code comes out: 0 done, 1 found, 2 bad input, 3 a notebook failed."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from .arms.command import LEDGER, keep
from .criteria.commands import Commands, add_commands
from .criteria.doors import MissingLibraryError, install_hint

DONE, FOUND, BAD_INPUT, NOTEBOOK_FAILED = 0, 1, 2, 3
EVIDENCE_LIMIT = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every error is one clear paragraph on stderr."""
    parser = argparse.ArgumentParser(
        prog="trialtools", description="One registered trial as logic: check it, screen with it, report from it."
    )
    add_commands(parser, COMMANDS)
    words = vars(parser.parse_args(arguments))
    command = words.pop("run")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a quote from a registry may hold letters that a terminal lacks
    try:
        return command(**words)
    except BrokenPipeError:  # whoever read our words, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ModuleNotFoundError as error:
        return _report_error(MissingLibraryError(hint) if (hint := install_hint(error)) else error)
    except Exception as error:
        return _report_error(error)


def _report_error(error: Exception) -> int:
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


def _protocol(path: str, readings: Sequence[str]) -> Any:
    from .criteria.contents import load_protocol

    return load_protocol(path, readings=", ".join(readings))


def _check(protocol: str, *, reading: tuple[str, ...] = (), strict: bool = False, json: bool = False) -> int:
    """What a protocol gets wrong, proved without any patient.

    Args:
        reading (I6=registered): the reading of an ambiguous sentence
        strict: exit with 1 when something is found
    """
    from .criteria.proofs.findings import lint

    findings = lint(_protocol(protocol, reading))
    print(findings.to_json() if json else findings.text())
    return FOUND if strict and any(finding.severity == "finding" for finding in findings) else DONE


def _map(protocol: str, table: str, *, out: str | None = None) -> int:
    """Write a mapping for a table: what is certain stands, guesses and questions wait as comments.

    Args:
        protocol: its fields are looked for among the columns
        table: .csv, .csv.gz, .parquet, .xlsx or a folder of .parquet
        out (FILE): write the mapping there, and never over a file that is there already
    """
    from .cohort.draft.mapping import draft_mapping

    draft = draft_mapping(_protocol(protocol, ()), table)
    if out:
        print(f"wrote {draft.write(out)}")
    else:
        print(draft.text(), end="")
    print("\n".join([draft.summary, *(f"decide: {each}" for each in draft.decisions)]), file=sys.stderr)
    if not draft.lines:
        print(
            f"no column is a field: adopt formulas in {protocol} first (its lines with '# proposed'), then map again",
            file=sys.stderr,
        )
    elif not draft.mapping.fields:
        print("nothing is certain: the mapping screens once at least one guess is taken", file=sys.stderr)
    elif out:
        print(f"next: trialtools screen {protocol} {table} --mapping {out}")
    return DONE


def _new(record: str, *, out: str = ".") -> int:
    """A protocol file of questions from a registry record.

    Args:
        record: JSON of ClinicalTrials.gov (API v2), or a text pasted from any registry
        out (DIR): where protocols/ and registry/ are; here by default
    """
    from .criteria.draft.new import new

    print(new(record, out).text())
    return DONE


def _screen(
    protocol: str,
    patients: str,
    *,
    mapping: str | None = None,
    reading: tuple[str, ...] = (),
    engine: Literal["polars", "duckdb"] | None = None,
    out: str | None = None,
    evidence: bool = False,
) -> int:
    """Decide who of a patient table could enter.

    Args:
        patients: .csv, .csv.gz, .parquet or .xlsx
        mapping (FILE): how the columns become fields
        reading (I6=registered): the reading of an ambiguous sentence
        out (DIR): write decisions, evidence, patterns, quality and summary there
        evidence: write the evidence however many patients there are
    """
    from .cohort.output import summary_text, write_screening
    from .cohort.screening import screen

    screening = screen(_protocol(protocol, reading), patients, mapping, engine)
    print(summary_text(screening))
    if out:
        with_evidence = evidence or screening.n <= EVIDENCE_LIMIT
        for path in write_screening(screening, Path(out), with_evidence):
            print(f"wrote {path}")
        if not with_evidence:
            print(f"no evidence.parquet: more than {EVIDENCE_LIMIT:,} patients; ask for it with --evidence")
    return DONE


def _explain(
    protocol: str,
    patients: str,
    *,
    mapping: str | None = None,
    reading: tuple[str, ...] = (),
    patient: str,
    full: bool = False,
) -> int:
    """Why one patient is in, out or open.

    Args:
        patients: .csv, .csv.gz, .parquet or .xlsx
        mapping (FILE): how the columns become fields
        reading (I6=registered): the reading of an ambiguous sentence
        patient (ID): who is asked about
        full: show every branch, not only those that decided
    """
    from .cohort.sources import read_patients
    from .cohort.sources.take import rows_text

    rules = _protocol(protocol, reading)
    table = read_patients(patients, rules, mapping)
    person = table.patient(patient)
    print(rules.explain(person).text(full=full))
    if rows := rows_text(table.rows_of(patient), rules.fields):
        print("\n" + "\n".join(rows))
    print(f"\n{rules.open_items(person).text()}\n\n{rules.nearest_eligible(person).text()}")
    return DONE


def _simulate_cohort(protocol: str, *, n: int, seed: int, clean: bool = False, missing: float = 1.0, out: str) -> int:
    """Synthetic patients before screening.

    Args:
        clean: without impossible entries
        missing: how much is missing, as a multiple of the usual
        out (DIR): folder to make
    """
    from .simulate import write_cohort

    how = {"path": protocol, "dirty": not clean, "missing": missing}
    for path in write_cohort(_protocol(protocol, ()), n, seed, out, **how):
        print(f"wrote {path} (synthetic)")
    return DONE


def _simulate_trial(
    protocol: str,
    *,
    n: int,
    seed: int,
    scenario: Literal["null", "effect", "harm"] = "null",
    site: tuple[str, ...] = (),
    clean: bool = False,
    out: str,
) -> int:
    """A synthetic trial: open tables, a ledger and its key.

    Args:
        n: people to randomize
        site: repeat it; three synthetic hospitals by default
        clean: without the errors that reading must find
        out (DIR): folder to make
    """
    from .simulate import write_trial

    how = {"path": protocol, "sites": site or None, "dirty": not clean}
    folder = write_trial(_protocol(protocol, ()), n, seed, out, scenario, **how)
    for path in sorted(folder.rglob("*.*")):
        print(f"wrote {path} (synthetic)")
    return DONE


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
    receipts: str | None = None,
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
        receipts (FILE): where receipts are kept, outside of the ledger
    """
    from .arms.commitment import opening
    from .arms.copies import check_last_receipt
    from .arms.ledger import allocate
    from .arms.request import Override, Request
    from .cohort.sources import read_patients

    check_last_receipt(ledger, receipts)
    rules = _protocol(protocol, reading)
    facts = read_patients(patients, rules, mapping).patient(patient)
    request = Request(rules, patient, facts, site, on or date.today())
    receipt = allocate(ledger, request, Override(override, reason) if override or reason else None, key, name)
    print(f"kit      {receipt.kit}\nstratum  {receipt.stratum}")
    for note in filter(None, (receipt.note, opening(ledger).mixed is None and opening(ledger).statement)):
        print(f"note     {note}")
    return keep(ledger, receipt.head, receipt.kit, receipts)


def _report(
    notebooks: tuple[str, ...],
    *,
    p: tuple[str, ...] = (),
    site: tuple[str, ...] = (),
    both: bool = False,
    ledger: str | None = None,
    key: str | None = None,
    jobs: int = 1,
    out: str = "reports",
    pdf: bool = False,
) -> int:
    """Run notebooks into reports that stand alone.

    Args:
        notebooks (NOTEBOOK|NAME): a path, or a name such as screening
        p (key=value): a parameter of the notebook
        site: interim: this site; all: each, and all together
        both: interim: the open report and the closed one
        ledger (FILE): interim: the allocation ledger
        key (FILE): interim, closed: the key that opens the ledger
        jobs (N): so many reports at once
        out (DIR): where they are written
        pdf: print it as well, with the installed Chromium or Chrome
    """
    # jsonschema would compile a grammar of web addresses, for a second: no notebook is held against one
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from .report.committee import is_interim, runs
    from .report.write import Report, Run, find_notebook, parse_parameters, report, reports, write_index

    given, batch = parse_parameters(p), []
    for notebook in map(find_notebook, notebooks):
        if is_interim(notebook):
            for audience in ("open", "closed") if both else ("",):
                parameters = given | ({"audience": audience} if audience else {})
                batch += runs(notebook, parameters, out, site, ledger, key, pdf)
        else:
            batch.append(Run(notebook.stem, report, (notebook, given, out, pdf)))
    worst, wrote = DONE, (Path(out) / "index.html").exists()
    for _, made in reports(batch, jobs):
        if not isinstance(made, Report):
            worst = max(worst, _report_error(made))
            continue
        wrote = True
        for path in (made.html, made.pdf, made.notebook, made.manifest):
            if path:
                print(f"wrote {path}")
        if made.names_alone:
            print(f"  searched for names of arms alone: {made.names_alone}")
    if wrote:
        print(f"wrote {write_index(out)}")
    return worst


def _qualify(*, out: str | None = None, name: str = "") -> int:
    """Try what is required of ledger, randomization and boundaries on this machine; exit 1 on a deviation.

    Args:
        out (DIR): write the record there, as a page and as data
        name (WHO): who runs it
    """
    from .report.qualification.record import qualify, write_qualification

    record = qualify(name=name)
    for trial in record.trials:
        print(f"{'ok        ' if trial.passed else 'DEVIATION '} {trial.number}  {trial.requirement}")
        if not trial.passed:
            print(f"            expected {trial.expected}, seen {trial.seen}")
    print(f"{len(record.trials) - len(record.deviations)} of {len(record.trials)} requirements as expected")
    for path in write_qualification(record, out) if out else ():
        print(f"wrote {path}")
    return FOUND if record.deviations else DONE


def _lessons_page(*, out: str = "reports/lessons") -> int:
    """The lessons in a browser, without installation: a folder for any web server.

    Args:
        out (DIR): written to DIR/page; the engine, fetched once with npm and pip, is kept beside it
    """
    from .lessons.pages.site import write_site

    page = write_site(Path(out, "page"), Path(out))
    print(f"wrote {page}\nserve the folder: python -m http.server --directory {page.parent}")
    return DONE


def _lessons_quiz(*, out: str = "reports/lessons") -> int:
    """The quiz as one small file that works without a network.

    Args:
        out (DIR): written to DIR/quiz.html
    """
    from .lessons.pages.paper import write_quiz

    print(f"wrote {write_quiz(Path(out))}")
    return DONE


def _lessons_paper(*, lesson: tuple[str, ...] = (), out: str = "reports/lessons") -> int:
    """The quiz with its key, and each lesson as a hand-out of three pages, as PDF.

    Args:
        lesson (FILE): a lesson of your own; then only its hand-out
        out (DIR): written to DIR/paper
    """
    from .lessons.lesson import load_lesson
    from .lessons.pages.paper import write_paper

    for path in write_paper(Path(out, "paper"), {Path(file).stem: load_lesson(file) for file in lesson}):
        print(f"wrote {path}")
    return DONE


COMMANDS: Commands = {
    "new": _new,
    "check": _check,
    "map": _map,
    "screen": _screen,
    "explain": _explain,
    "simulate": ("make synthetic data", {"cohort": _simulate_cohort, "trial": _simulate_trial}),
    "arms": ("allocate patients to arms, and check it", {**LEDGER, "allocate": _allocate}),
    "report": _report,
    "qualify": _qualify,
    "lessons": (
        "protocol logic, taught: a page, a quiz, paper",
        {"page": _lessons_page, "quiz": _lessons_quiz, "paper": _lessons_paper},
    ),
}


if __name__ == "__main__":
    sys.exit(main())
