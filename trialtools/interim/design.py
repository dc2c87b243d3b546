"""A protocol goes in; an item of its design comes out, read, or a refusal that names it and what was expected.

The boundary for harm is one: how much alpha, and what z is held against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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


SHARED = ("bonferroni", "dunnett")
"""How several experimental arms can share alpha."""
_AGAINST = ("no difference", "margin")


@dataclass(frozen=True)
class HarmBound:
    """A declared boundary on the side of harm: one-sided `alpha` that is spent on it, or spent anew at each look.

    `spending` is None where `alpha` is the nominal level of each look. `against` is what z is held against: no
    difference, or the margin of non-inferiority. `multiplicity` is how several experimental arms share this alpha;
    empty where each comparison has it whole.

    Source: Korn and Freidlin, Annals of Oncology 29 (2018), and Bratton and others, Clinical Trials 9 (2012): of
    non-inferiority, worse than the control and worse than the margin allows are two questions, and an experimental arm
    can be worse than the control and not inferior. Test types 7 and 8 of gsDesign for a bound of harm as such.
    """

    alpha: float
    spending: Spending | None = None
    gamma: float | None = None
    against: str = "no difference"
    multiplicity: str = ""


def harm_of(protocol: Protocol, arms: int, inferior: bool) -> HarmBound | None:
    """The declared boundary for harm: {nominal: 0.05}, or {spending: Pocock type, alpha: 0.05}; see `HarmBound`.

    Of non-inferiority it must say what z is held against; of several arms it can say how they share it.
    """
    if "harm" not in protocol.design:
        return None
    design = protocol.design_values["harm"]
    items = dict(design) if isinstance(design, Mapping) else {}
    spending, level = spending_of(items.get("spending")), items.get("nominal", items.get("alpha", 0.025))
    gamma, against = items.get("gamma"), items.get("against", "" if inferior else _AGAINST[0])
    how = str(items.get("multiplicity", "")).lower()
    one = ("nominal" in items) != (spending is not None) and set(items) <= _HARM_ITEMS
    one &= not ("nominal" in items and set(items) & {"spending", "alpha", "gamma"})
    shared = ("", *SHARED) if spending else ("", SHARED[0])
    known = " or ".join(each.capitalize() for each in shared[1:])
    require(
        protocol,
        ("harm", one and between(level, 0, 0.5), _HARM),
        ("harm", gamma is None or between(gamma, -math.inf, math.inf), "a number as its gamma, such as -4"),
        ("harm", (gamma is None) != (spending in WITH_GAMMA), _HARM_GAMMA),
        ("harm", against in (_AGAINST if inferior else _AGAINST[:1]), _HARM_AGAINST if inferior else _HARM_OF_NONE),
        ("harm", how in (shared if arms > 1 else ("",)), f"no multiplicity, or of several experimental arms {known}"),
    )
    return HarmBound(level, spending, gamma, against, how)


_HARM_ITEMS = {"nominal", "spending", "alpha", "gamma", "against", "multiplicity"}
_HARM = (
    "{nominal: 0.05}, a one-sided level of each look, or {spending: O'Brien-Fleming type, alpha: 0.025}, one-sided "
    "alpha that is spent on harm"
)
_HARM_GAMMA = "a gamma where its spending is of Hwang-Shih-DeCani or Kim-DeMets, and else none"
_HARM_AGAINST = (
    "against: no difference, for worse than the control, or against: margin, for worse than the margin allows: of "
    "non-inferiority these are two questions"
)
_HARM_OF_NONE = "against: no difference, or nothing: only non-inferiority has a margin"
