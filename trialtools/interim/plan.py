"""A protocol goes in; what its design says of the monitoring comes out, as numbers one can compute with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .endpoint import Endpoint, Estimand, endpoint_of, estimand_of
from .sequential.boundaries import Spending

SPENDING: dict[str, Spending] = {
    "brien": "obrien-fleming",
    "pocock": "pocock",
    "hwang": "hwang-shih-decani",
    "kim": "kim-demets",
}
"""How a spending function is called in prose, by a word that stands in its name."""
_IMPLEMENTED: dict[str, tuple[Any, ...]] = {"sides": (1,), "hypothesis": ("superiority",), "margin": ()}
"""What the design may say of the test; `margin` belongs to non-inferiority."""


@dataclass(frozen=True)
class HarmBound:
    """A declared boundary on the side of harm: one-sided alpha that is spent on it, or a nominal level at each look."""

    spending: Spending = "obrien-fleming"
    alpha: float = 0.025
    gamma: float | None = None
    nominal: float | None = None


@dataclass(frozen=True)
class MonitoringPlan:
    """What was planned: arms (the control last), participants, parts of the information at the looks, errors, rates.

    `share` is the part of the participants who are not in the control arm. Without a declared boundary for harm, `harm`
    is None.
    """

    experimental: tuple[str, ...]
    control: str
    sample_size: int
    looks: tuple[float, ...]
    alpha: float
    spending: Spending
    better: str
    control_rate: float | None = None
    experimental_rate: float | None = None
    gamma: float | None = None
    futility: Any = None
    share: float = 0.5
    harm: HarmBound | None = None
    endpoint: Endpoint | None = None
    estimand: Estimand = field(default_factory=Estimand)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order of the protocol, the control last."""
        return (*self.experimental, self.control)

    @property
    def sign(self) -> int:
        """What turns a difference into a benefit: -1 where fewer is better."""
        return -1 if self.better == "lower" else 1


def plan_of(protocol: Protocol) -> MonitoringPlan:
    """What the design of a protocol says of its interim looks.

    Raises:
        DataError: no control arm, or an item that is lacking or cannot be.

    >>> import trialtools as tt
    >>> plan = plan_of(tt.load_protocol("data/protocols/NCT05741099.yaml"))
    >>> plan.control, plan.sample_size, plan.looks, plan.spending, plan.sign
    ('comparator', 200, (0.33, 0.67, 1.0), 'obrien-fleming', -1)
    """
    experimental = tuple(arm.id for arm in protocol.arms if arm.role == "experimental")
    controls = [arm.id for arm in protocol.arms if arm.role != "experimental"]
    if not experimental or len(controls) != 1:
        raise DataError(f"{protocol.id}: a comparison needs experimental arms and one control; see arms, role")
    looks: tuple[float, ...] = _item(protocol, "looks", lambda value: tuple(float(each) for each in value))
    size = _item(protocol, "sample_size", int)
    alpha = _item(protocol, "alpha", float)
    endpoint, estimand = endpoint_of(protocol), estimand_of(protocol)
    _refuse_what_is_not_implemented(protocol)
    better = endpoint.better if endpoint and endpoint.better else _item(protocol, "better", str)
    spending = _item(protocol, "spending", _spending)
    for name, fits, wanted in (
        ("looks", list(looks) == sorted({*looks, 1.0}) and looks[0] > 0, "rising parts, the last of them 1"),
        ("sample_size", size > 0, "a number of participants"),
        ("alpha", 0 < alpha < 0.5, "one-sided, between 0 and 0.5"),
        ("better", better in ("lower", "higher"), "lower or higher"),
        ("spending", spending, "O'Brien-Fleming, Pocock, Hwang-Shih-DeCani or Kim-DeMets"),
    ):
        if not fits:
            raise DataError(f"{protocol.id}: design.{name} is {protocol.design[name].value!r}; expected {wanted}")
    optional = {
        name: protocol.design[name].value
        for name in ("control_rate", "experimental_rate", "gamma", "futility")
        if name in protocol.design
    }
    ratio = protocol.design["ratio"].value if "ratio" in protocol.design else {}
    parts = {arm.id: float(ratio.get(arm.id, 1)) if isinstance(ratio, dict) else 1.0 for arm in protocol.arms}
    optional["share"] = 1 - parts[controls[0]] / sum(parts.values())
    declared = {"harm": _harm(protocol), "endpoint": endpoint, "estimand": estimand}
    return MonitoringPlan(experimental, controls[0], size, looks, alpha, spending, better, **optional, **declared)


def _spending(written: Any) -> Spending | None:
    return next((name for word, name in SPENDING.items() if word in str(written).lower()), None)


def _refuse_what_is_not_implemented(protocol: Protocol) -> None:
    """A two-sided test, a margin or another hypothesis than superiority must not be read as if it were not there."""
    for name, implemented in _IMPLEMENTED.items():
        item = protocol.design.get(name)
        if item is not None and item.value not in implemented:
            raise DataError(
                f"{protocol.id}: design.{name} is {item.value!r}, which no interim look here works out; "
                f"expected {' or '.join(map(str, implemented)) or 'none'}"
            )


def _harm(protocol: Protocol) -> HarmBound | None:
    """The declared boundary for harm: {nominal: 0.05}, or {spending: Pocock type, alpha: 0.05}."""
    if "harm" not in protocol.design:
        return None
    said = protocol.design["harm"].value
    items = dict(said) if isinstance(said, dict) else {}
    spending, level = _spending(items.get("spending")), items.get("nominal", items.get("alpha", 0.025))
    one = ("nominal" in items) != (spending is not None) and not set(items) - {"nominal", "spending", "alpha", "gamma"}
    if not one or not isinstance(level, float) or not 0 < level < 0.5:
        raise DataError(
            f"{protocol.id}: design.harm is {said!r}; expected {{nominal: 0.05}}, a one-sided level of each look, or "
            "{spending: O'Brien-Fleming type, alpha: 0.025}, one-sided alpha that is spent on harm"
        )
    if "nominal" in items:
        return HarmBound(nominal=level)
    return HarmBound(spending or "obrien-fleming", level, items.get("gamma"))


def _item(protocol: Protocol, name: str, read: Any) -> Any:
    if name not in protocol.design:
        raise DataError(f"{protocol.id}: an interim look needs design.{name}, which the protocol file does not say")
    value = protocol.design[name].value
    try:
        return read(value)
    except (TypeError, ValueError):
        raise DataError(f"{protocol.id}: design.{name} is {value!r}, which cannot be read") from None
