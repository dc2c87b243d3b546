"""Functions go in, commands of a command line come out: parameters are its options, their `Args:` lines its help.

Each room has its commands in a `command.py`, by name in `__commands__`; it loads when one of them runs.

A parameter stands in the command by its place, a keyword-only one is an option: `--name`, for one letter `-p` too. One
without a default is required, one that is a `bool` is a flag, and a tuple of texts may be given again and again. In a
line of `Args:` the word in brackets is what the help shows for the value: `key (FILE): opens every arm`.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from .doors import MissingLibraryError, install_hint

_Command = Callable[..., int] | Mapping[str, Callable[..., int]]
"""A function that returns an exit code; or several, by the second word of the command."""
DONE, FOUND, _BAD_INPUT, _NOTEBOOK_FAILED = range(4)
"""The exit codes."""
_ARGUMENT = re.compile(r"^    (\w+)(?: \((.+?)\))?: (.+(?:\n     .+)*)", re.M)


def add_command(below: Any, name: str, command: _Command, about: str = "") -> None:
    """Add a command to subparsers; whoever parses finds the function in `run`, its arguments beside it.

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
    >>> add_command(parser.add_subparsers(), "double", double)
    >>> vars(parser.parse_args(["double", "4", "--times", "3"])) == {"run": double, "number": 4, "times": 3}
    True
    """
    if isinstance(command, Mapping):
        deeper = below.add_parser(name, help=about).add_subparsers(required=True, metavar="WHAT")
        for word, function in command.items():
            add_command(deeper, word, function)
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


def report_error(error: Exception) -> int:
    """Say an error in a paragraph on stderr, and give its exit code; a fault of ours is raised, with its traceback."""
    if isinstance(error, ModuleNotFoundError) and (hint := install_hint(error)):
        error = MissingLibraryError(hint)
    ours = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("trialtools")}
    if not ours and not isinstance(error, OSError):
        raise error
    print(f"trialtools: {error}", file=sys.stderr)
    return _NOTEBOOK_FAILED if "NotebookError" in ours else _BAD_INPUT


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
