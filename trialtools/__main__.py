"""The command line: words go in, an exit code comes out: 0 done, 1 found, 2 bad input, 3 a notebook failed."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from .criteria.commands import DONE, add_command, report_error

_COMMANDS = {
    "new": ("criteria", "a protocol file of questions from a registry record"),
    "check": ("criteria", "what a protocol gets wrong, proved without any patient"),
    "map": ("cohort", "a mapping for a table: what is certain, and what is to be decided"),
    "screen": ("cohort", "decide who of a patient table could enter"),
    "explain": ("cohort", "why one patient is in, out or open"),
    "simulate": ("simulate", "make synthetic data"),
    "arms": ("arms", "allocate patients to arms, and check it"),
    "report": ("report", "run notebooks into reports that stand alone"),
    "qualify": ("report.qualification", "try ledger, randomization and boundaries on this machine"),
    "lessons": ("lessons", "protocol logic, taught: a page, a quiz, paper"),
}
"""By name the room whose `command.py` has it, which loads when it runs; and what it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error is one clear paragraph on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a quote from a registry may hold letters that a terminal lacks
    try:
        words = vars(_parser(arguments := sys.argv[1:] if arguments is None else arguments).parse_args(arguments))
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(f"trialtools: {message}", file=sys.stderr)
            return words.pop("run")(**words)
    except BrokenPipeError:  # whoever read our words, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return report_error(error)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all commands; only the one that is asked for is known with its options."""
    parser = argparse.ArgumentParser(
        prog="trialtools", description="One registered trial as logic: check it, screen with it, report from it."
    )
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (room, about) in _COMMANDS.items():
        if name in arguments[:1]:
            add_command(below, name, import_module(f".{room}.command", __package__).__commands__[name], about)
        else:
            below.add_parser(name, help=about)
    return parser


if __name__ == "__main__":
    sys.exit(main())
