"""A protocol goes in; an item of its design comes out, read, or a refusal that names it and what was expected."""

from __future__ import annotations

from typing import Any

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .sequential.boundaries import Spending

_SPENDING: dict[str, Spending] = {
    "brien": "obrien-fleming",
    "pocock": "pocock",
    "hwang": "hwang-shih-decani",
    "kim": "kim-demets",
}
"""How a spending function is called in prose, by a word that stands in its name."""
WITH_GAMMA = ("hwang-shih-decani", "kim-demets")
"""The spending functions that have a gamma."""


def require(protocol: Protocol, *items: tuple[str, Any, str]) -> None:
    """Refuse the first item of the design that does not fit; each is a name, whether it fits, and what was expected."""
    for name, fits, wanted in items:
        if not fits:
            raise DataError(f"{protocol.id}: design.{name} is {protocol.design_values.get(name)!r}; expected {wanted}")


def between(value: Any, low: float, high: float) -> bool:
    """Whether it is a number between two others; no flag is one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value < high


def spending_of(written: Any) -> Spending | None:
    """The spending function that a text names; None where it names none."""
    return next((name for word, name in _SPENDING.items() if word in str(written).lower()), None)


def item_of(protocol: Protocol, name: str, read: Any) -> Any:
    """An item that an interim look needs, as `read` takes it.

    Raises:
        DataError: it is not there, or cannot be read.
    """
    if name not in protocol.design:
        raise DataError(f"{protocol.id}: an interim look needs design.{name}, which the protocol file does not say")
    value = protocol.design_values[name]
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{protocol.id}: design.{name} is {value!r}, which cannot be read") from None
