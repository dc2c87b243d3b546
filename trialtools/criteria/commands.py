"""Functions go in, commands of a command line come out: parameters are its options, their `Args:` lines its help.

A parameter stands in the command by its place, a keyword-only one is an option: `--name`, for one letter `-p` too. One
without a default is required, one that is a `bool` is a flag, and a tuple of texts may be given again and again. In a
line of `Args:` the word in brackets is what the help shows for the value: `key (FILE): opens every arm`.
"""

import argparse
import inspect
import re
from collections.abc import Callable, Mapping
from datetime import date
from types import NoneType
from typing import Any, Literal, get_args, get_origin

Commands = Mapping[str, "Callable[..., int] | tuple[str, Commands]"]
"""By name a function; or words about further commands, and these."""


def add_commands(parser: argparse.ArgumentParser, commands: Commands, metavar: str = "COMMAND") -> None:
    """Add commands to a parser; whoever parses finds the function in `run`, its arguments beside it.

    >>> def double(number: int, *, times: int = 2) -> int:
    ...     '''Multiply a number.'''
    ...     return number * times
    >>> parser = argparse.ArgumentParser()
    >>> add_commands(parser, {"double": double})
    >>> vars(parser.parse_args(["double", "4", "--times", "3"])) == {"run": double, "number": 4, "times": 3}
    True
    """
    below = parser.add_subparsers(required=True, metavar=metavar)
    for name, command in commands.items():
        if isinstance(command, tuple):
            add_commands(below.add_parser(name, help=command[0]), command[1], "WHAT")
        else:
            _add(below, name, command)


def _add(below: Any, name: str, command: Callable[..., int]) -> None:
    about, _, args = inspect.cleandoc(command.__doc__ or "").partition("\n\nArgs:\n")
    described = {
        name: found for name, *found in re.findall(r"^    (\w+)(?: \((.+?)\))?: (.+(?:\n     .+)*)", args, re.M)
    }
    about = about.rstrip(".")
    parser = below.add_parser(name, help=about[:1].lower() + about[1:], description=about)
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
