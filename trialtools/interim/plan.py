"""A protocol goes in; what its design says of the monitoring comes out, as numbers one can compute with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.protocol import DataError
from .endpoint import Endpoint, EndpointKind, Estimand, endpoint_of, estimand_of
from .sequential.boundaries import Spending
from .sequential.several import dunnett_alpha

_SPENDING: dict[str, Spending] = {
    "brien": "obrien-fleming",
    "pocock": "pocock",
    "hwang": "hwang-shih-decani",
    "kim": "kim-demets",
}
"""How a spending function is called in prose, by a word that stands in its name."""
_RATES = ("control_rate", "experimental_rate")
_NON_INFERIORITY = "non-inferiority"
_HYPOTHESES = ("superiority", _NON_INFERIORITY)


@dataclass(frozen=True)
class _HarmBound:
    """A declared boundary on the side of harm: one-sided alpha that is spent on it, or a nominal level at each look."""

    spending: Spending = "obrien-fleming"
    alpha: float = 0.025
    gamma: float | None = None
    nominal: float | None = None


@dataclass(frozen=True)
class MonitoringPlan:
    """What was planned: arms (the control last), participants, parts of the information at the looks, errors, rates.

    `share` is the part of the participants who are not in the control arm. Without a declared boundary for harm, `harm`
    is None. `alpha` is of both tails together where `sides` is 2. With a `margin` the question is non-inferiority.
    `planned` is the information at which all alpha is spent: events of a time to an event, else participants. `hoped`
    is the effect that the design hopes for, and `spread` its standard error at one unit of information. `parts` is the
    ratio, and `multiplicity` how several experimental arms share alpha: bonferroni, dunnett, or nobody said.

    Effects are in the scale of their measure: a difference of risks or means, the logarithm of a hazard ratio, a win
    probability less one half.
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
    beta: float = 0.2
    sides: int = 1
    margin: float | None = None
    share: float = 0.5
    harm: _HarmBound | None = None
    endpoint: Endpoint | None = None
    estimand: Estimand = field(default_factory=Estimand)
    planned: int = 0
    hoped: float | None = None
    sd: float | None = None
    spread: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    multiplicity: str = ""

    @property
    def kind(self) -> EndpointKind:
        """What the primary endpoint is; of yes or no, where nothing else is declared."""
        return self.endpoint.kind if self.endpoint else "binary"

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order of the protocol, the control last."""
        return (*self.experimental, self.control)

    @property
    def sign(self) -> int:
        """What turns an effect into a benefit: -1 where fewer is better; a win is always one."""
        return -1 if self.better == "lower" and self.kind != "ordinal" else 1

    @property
    def tails(self) -> str:
        """What stands beside every alpha and p: one-sided, or two-sided."""
        return "one-sided" if self.sides == 1 else "two-sided"

    @property
    def null(self) -> float:
        """The effect that z is held against: none, or the margin on the side of harm."""
        if not self.margin:
            return 0.0
        return -self.sign * (math.log(self.margin) if self.kind == "time_to_event" else self.margin)


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
    kind: EndpointKind = endpoint.kind if endpoint else "binary"
    test = _test(protocol, kind)
    better = endpoint.better if endpoint and endpoint.better else _item(protocol, "better", str)
    spending = _item(protocol, "spending", _spending)
    design = _design(protocol)
    _require(
        protocol,
        ("looks", list(looks) == sorted({*looks, 1.0}) and looks[0] > 0, "rising parts, the last of them 1"),
        ("sample_size", size > 0, "a number of participants"),
        ("alpha", 0 < alpha < 0.5, "between 0 and 0.5, of both tails together where sides is 2"),
        ("better", better in ("lower", "higher"), "lower or higher"),
        ("spending", spending, "O'Brien-Fleming, Pocock, Hwang-Shih-DeCani or Kim-DeMets"),
        *((rate, rate not in design or _between(design[rate], 0, 1), "a share between 0 and 1") for rate in _RATES),
        ("gamma", "gamma" not in design or _between(design["gamma"], -math.inf, math.inf), "a number, such as -4"),
    )
    optional = {name: design[name] for name in (*_RATES, "gamma") if name in design}
    ratio, ids = design.get("ratio", {}), [arm.id for arm in protocol.arms]
    fits = isinstance(ratio, Mapping) and set(ratio) <= {*ids} and all(_between(n, 0, 1000) for n in ratio.values())
    _require(protocol, ("ratio", fits, f"the part of each arm, above 0, by its id: {', '.join(ids)}"))
    parts = {id: float(ratio.get(id, 1)) for id in ids}
    plan = MonitoringPlan(
        experimental, controls[0], size, looks, alpha, spending, better,
        share=1 - parts[controls[0]] / sum(parts.values()),
        parts=parts,
        multiplicity=_multiplicity(protocol, len(experimental)),
        harm=_harm(protocol),
        endpoint=endpoint,
        estimand=estimand,
        futility=_futility(protocol, len(looks)),
        planned=_final_information(protocol, kind, size),
        **optional, **test, **_hopes(protocol, kind),
    )  # fmt: skip
    return replace(plan, spread=_spread(plan, plan.share))


def _design(protocol: Protocol) -> dict[str, Any]:
    """What the design says, by the name of the item."""
    return {name: item.value for name, item in protocol.design.items()}


def _require(protocol: Protocol, *items: tuple[str, Any, str]) -> None:
    """Refuse the first item of the design that does not fit; each is a name, whether it fits, and what was expected."""
    for name, fits, wanted in items:
        if not fits:
            raise DataError(f"{protocol.id}: design.{name} is {_design(protocol).get(name)!r}; expected {wanted}")


def pair_of(plan: MonitoringPlan, arm: str) -> MonitoringPlan:
    """The plan of one experimental arm against the control: with its part of alpha, of the size and of the information.

    >>> import trialtools as tt
    >>> plan = plan_of(tt.load_protocol("data/protocols/NCT05741099.yaml"))
    >>> pair_of(plan, "mscs").alpha == plan.alpha
    True
    """
    parts = {name: plan.parts[name] for name in (arm, plan.control)}
    share, of = plan.parts[arm] / sum(parts.values()), sum(parts.values()) / sum(plan.parts.values())
    sizes = {name: round(getattr(plan, name) * of) for name in ("sample_size", "planned")}
    spread = _spread(plan, share)
    return replace(plan, experimental=(arm,), alpha=alpha_each(plan), share=share, spread=spread, parts=parts, **sizes)


def alpha_each(plan: MonitoringPlan) -> float:
    """The alpha of each comparison with the control."""
    if plan.multiplicity == "dunnett":
        parts = tuple(plan.parts[arm] for arm in plan.experimental)
        spending = (("spending", plan.spending), ("gamma", plan.gamma))
        return _dunnett(plan.alpha, parts, plan.parts[plan.control], plan.looks, plan.sides, spending)
    return plan.alpha / len(plan.experimental)


@lru_cache
def _dunnett(alpha: float, parts: Any, control: float, looks: Any, sides: int, spending: Any) -> float:
    return dunnett_alpha(alpha, parts, control, looks, sides, **dict(spending))


def _multiplicity(protocol: Protocol, arms: int) -> str:
    """How several arms share alpha; empty where nobody said."""
    name = str(_design(protocol).get("multiplicity", "")).lower()
    wanted = "Bonferroni or Dunnett" if arms > 1 else "none: there is one experimental arm"
    _require(protocol, ("multiplicity", not name or (name in ("bonferroni", "dunnett") and arms > 1), wanted))
    return name


def _spending(written: Any) -> Spending | None:
    return next((name for word, name in _SPENDING.items() if word in str(written).lower()), None)


def _final_information(protocol: Protocol, kind: EndpointKind, size: int) -> int:
    """The information at the end: of a time to an event the events, which the design must say."""
    if kind != "time_to_event":
        return size
    events = _item(protocol, "events", int)
    _require(protocol, ("events", 0 < events <= size, "events, at most as many as participants"))
    return events


def _hopes(protocol: Protocol, kind: EndpointKind) -> dict[str, Any]:
    """The effect that the design hopes for, and a standard deviation; nothing where it says none.

    design.effect is a hazard ratio, a difference of means (with design.sd) or a win probability; of yes or no there are
    the two rates.
    """
    design = _design(protocol)
    if kind == "binary":
        known = set(_RATES) <= set(design)
        return {"hoped": design["experimental_rate"] - design["control_rate"]} if known else {}
    if "effect" not in design:
        return {}
    effect, sd = design["effect"], design.get("sd")
    low, high, wanted = _EFFECTS[kind]
    _require(
        protocol,
        ("effect", _between(effect, low, high), wanted),
        ("sd", sd is None or _between(sd, 0, math.inf), "a standard deviation above 0"),
    )
    hoped = {"time_to_event": math.log, "ordinal": lambda chance: chance - 0.5}.get(kind, float)(effect)
    return {"hoped": hoped} | ({"sd": sd} if sd else {})


_EFFECTS: dict[EndpointKind, tuple[float, float, str]] = {
    "time_to_event": (0, math.inf, "a hazard ratio above 0"),
    "continuous": (-math.inf, math.inf, "a number"),
    "ordinal": (0, 1, "a win probability between 0 and 1"),
}
"""Between which numbers a hoped effect lies."""


def _spread(plan: MonitoringPlan, share: float) -> float | None:
    """The standard error of the effect at one unit of information, this share of it with the experimental arm."""
    apart = share * (1 - share)
    match plan.kind:
        case "time_to_event":
            return 1 / math.sqrt(apart)
        case "ordinal":
            return 1 / math.sqrt(12 * apart)
        case "continuous":
            return plan.sd / math.sqrt(apart) if plan.sd else None
    if plan.control_rate is None or plan.experimental_rate is None:
        return None
    rates = ((plan.experimental_rate, share), (plan.control_rate, 1 - share))
    return math.sqrt(sum(rate * (1 - rate) / part for rate, part in rates))


_MARGINS: dict[EndpointKind, tuple[float, float, str]] = {
    "binary": (0, 1, "a difference of shares between 0 and 1"),
    "time_to_event": (1, math.inf, "a hazard ratio above 1"),
    "continuous": (0, math.inf, "a difference of means above 0"),
    "ordinal": (0, 0.5, "a part of a win probability between 0 and 0.5"),
}
"""Between which numbers a margin of non-inferiority lies, always of the side of harm."""


def _test(protocol: Protocol, kind: EndpointKind) -> dict[str, Any]:
    """Sides, margin and type II error of the test; together they must be a test that is worked out here."""
    design = _design(protocol)
    sides, margin = design.get("sides", 1), design.get("margin")
    hypothesis, power = (
        design.get("hypothesis", "superiority" if margin is None else _NON_INFERIORITY),
        design.get("power"),
    )
    inferior = hypothesis == _NON_INFERIORITY
    low, high, wanted_margin = _MARGINS[kind]
    _require(
        protocol,
        ("sides", sides in (1, 2) and not isinstance(sides, bool), "1 or 2"),
        ("hypothesis", hypothesis in _HYPOTHESES, " or ".join(_HYPOTHESES)),
        ("hypothesis", not inferior or margin is not None, "design.margin beside it"),
        ("margin", margin is None or inferior, "none, or the hypothesis non-inferiority"),
        ("margin", margin is None or _between(margin, low, high), wanted_margin),
        ("sides", not (inferior and sides == 2), "1: non-inferiority is a question of one side"),
        ("harm", not (inferior and "harm" in design), "none: no bound against harm is worked out for non-inferiority"),
        ("power", power is None or _between(power, 0, 1), "a chance between 0 and 1, such as 0.8"),
        ("futility", sides == 1 or "futility" not in design, "none: of a two-sided test no side is the futile one"),
    )  # fmt: skip
    return {"sides": sides, "margin": margin, "beta": 0.2 if power is None else 1 - power}


def _between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value < high


def _futility(protocol: Protocol, looks: int) -> Any:
    """How beta is spent, or a z for each look but the last; None without futility."""
    if "futility" not in protocol.design:
        return None
    futility = _design(protocol)["futility"]
    is_list = isinstance(futility, list | tuple)
    fits = (
        len(futility) == looks - 1 and all(_between(z, -10, 10) for z in futility) if is_list else _spending(futility)
    )
    wanted = f"{looks - 1} bounds of z, one for each look but the last"
    _require(protocol, ("futility", fits, f"a spending function of beta, such as Pocock type, or {wanted}"))
    return [float(z) for z in futility] if is_list else _spending(futility)


def _harm(protocol: Protocol) -> _HarmBound | None:
    """The declared boundary for harm: {nominal: 0.05}, or {spending: Pocock type, alpha: 0.05}."""
    if "harm" not in protocol.design:
        return None
    harm = _design(protocol)["harm"]
    items = dict(harm) if isinstance(harm, dict) else {}
    spending, level = _spending(items.get("spending")), items.get("nominal", items.get("alpha", 0.025))
    one = ("nominal" in items) != (spending is not None) and not set(items) - {"nominal", "spending", "alpha", "gamma"}
    wanted = (
        "{nominal: 0.05}, a one-sided level of each look, or {spending: O'Brien-Fleming type, alpha: 0.025}, one-sided "
        "alpha that is spent on harm"
    )
    _require(protocol, ("harm", one and isinstance(level, float) and 0 < level < 0.5, wanted))
    if "nominal" in items:
        return _HarmBound(nominal=level)
    return _HarmBound(spending or "obrien-fleming", level, items.get("gamma"))


def _item(protocol: Protocol, name: str, read: Any) -> Any:
    if name not in protocol.design:
        raise DataError(f"{protocol.id}: an interim look needs design.{name}, which the protocol file does not say")
    value = protocol.design[name].value
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{protocol.id}: design.{name} is {value!r}, which cannot be read") from None
