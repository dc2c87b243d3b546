"""An object in a few lines: what it is first, its methods last; Tab on it is a table of contents."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import fields
from typing import Any


def as_lines(lines: Sequence[str]) -> str:
    """An object in a few lines: the first one bold, the last one, its methods, in small letters."""
    first, *middle, last = (html.escape(line) for line in lines)
    return "<div>" + "<br>".join([f"<b>{first}</b>", *middle, f"<small>{last}</small>"]) + "</div>"


def expect(thing: object, kind: Any, call: str, what: str = "") -> None:
    """Refuse, at a door, a thing of another kind: patients where a protocol belongs, a table where one patient does.

    Args:
        thing: what was handed in.
        kind: of what it must be.
        call: the call as it is meant.
        what: is expected, in words; otherwise the name of the kind.

    >>> expect("I1", dict, "protocol.amend(changes)", "changes by criterion")
    Traceback (most recent call last):
        ...
    TypeError: protocol.amend(changes) expects changes by criterion, not str
    """
    if not isinstance(thing, kind):
        raise TypeError(f"{call} expects {what or 'a ' + kind.__name__}, not {type(thing).__name__}")


class Stage:
    """What a class on top of a data class has: it shows itself by `_lines`, and Tab gives its fields and methods.

    What the data class offers besides is for the rooms, but for what `_offered` names.
    """

    _offered: tuple[str, ...] = ()

    def _lines(self) -> list[str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._lines()[0]

    def _repr_html_(self) -> str:
        return as_lines(self._lines())

    def __dir__(self) -> list[str]:
        own: Any = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return sorted({*own, *(name for name in vars(type(self)) if name[0] != "_"), *self._offered})
