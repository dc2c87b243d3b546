"""The command line: words go in, an exit code comes out: 0 done, 1 found, 2 bad input, 3 a notebook failed.

Each room has its commands in a `command.py`, as functions by name in `__commands__`; it loads when one of them runs. A
parameter stands in the command by its place, a keyword-only one is an option: `--name`, for one letter `-p` too. One
without a default is required, one that is a `bool` is a flag, and a tuple of texts may be given again and again. What
stands in the function's `Args:` is its help; there the word in brackets is what the help shows for the value:
`key (FILE): opens every arm`.
"""

from __future__ import annotations

import argparse
import inspect
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib import import_module
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from .criteria.doors import DONE, report_error

_Command = Callable[..., int] | Mapping[str, Callable[..., int]]
"""A function that returns an exit code; or several, by the second word of the command."""
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
            _add_command(below, name, import_module(f".{room}.command", __package__).__commands__[name], about)
        else:
            below.add_parser(name, help=about)
    return parser


# --- a function as a command ------------------------------------------------------------------------------------------


_ARGUMENT = re.compile(r"^    (\w+)(?: \((.+?)\))?: (.+(?:\n     .+)*)", re.M)


def _add_command(below: Any, name: str, command: _Command, about: str = "") -> None:
    """Add a command to subparsers; the parser gives the function as `run`, and its arguments beside it.

    Args:
        below: what `add_subparsers` returned.
        name: the word of the command.
        command: what it runs.
        about: what stands beside it in the list of commands; by default the first line of the function's docstring.

    >>> import argparse
    >>> def double(number: int, *, times: int = 2) -> int:
    ...     '''Multiply a number.'''
    ...     return number * times
    >>> parser = argparse.ArgumentParser()
    >>> _add_command(parser.add_subparsers(), "double", double)
    >>> vars(parser.parse_args(["double", "4", "--times", "3"])) == {"run": double, "number": 4, "times": 3}
    True
    """
    if isinstance(command, Mapping):
        deeper = below.add_parser(name, help=about).add_subparsers(required=True, metavar="WHAT")
        for word, function in command.items():
            _add_command(deeper, word, function)
        return
    first, _, args = inspect.cleandoc(command.__doc__ or "").partition("\n\nArgs:\n")
    described = {name: words for name, *words in _ARGUMENT.findall(args)}
    first = first.rstrip(".")
    parser = below.add_parser(name, help=about or first[:1].lower() + first[1:], description=first)
    for each in inspect.signature(command, eval_str=True).parameters.values():
        metavar, text = described.get(each.name, ("", ""))
        words = {"help": re.sub(r"\s+", " ", text).rstrip(".").replace("%", "%%")}
        parser.add_argument(*_flags(each), **_kind(each), **words, **({"metavar": metavar} if metavar else {}))
    parser.set_defaults(run=command)


def _flags(each: inspect.Parameter) -> list[str]:
    if each.kind is not each.KEYWORD_ONLY:
        return [each.name]
    return [*([f"-{each.name}"] if len(each.name) == 1 else []), f"--{each.name.replace('_', '-')}"]


def _kind(each: inspect.Parameter) -> dict[str, Any]:
    """What argparse must know of a parameter beside its name and its words."""
    option, kind = each.kind is each.KEYWORD_ONLY, each.annotation
    if kind is bool:
        return {"action": "store_true"}
    if get_origin(kind) is tuple:
        return {"action": "append", "default": []} if option else {"nargs": "+"}
    if NoneType in (parts := get_args(kind)):
        kind = next(part for part in parts if part is not NoneType)
    how = {"choices": get_args(kind)} if get_origin(kind) is Literal else {"type": _READ[kind]}
    if not option:
        return how
    return how | ({"required": True} if each.default is each.empty else {"default": each.default})


_READ = {str: str, int: int, float: float, date: date.fromisoformat}


if __name__ == "__main__":
    sys.exit(main())
