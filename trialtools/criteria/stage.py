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
