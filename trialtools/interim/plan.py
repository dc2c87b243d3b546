"""A protocol goes in; what its design says of the monitoring comes out, as numbers one can compute with."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import nearest
from ..criteria.protocol import DataError
from ..figures.measure import MEASURES, Measure
from .design import SHARED, WITH_GAMMA, HarmBound, between, harm_of, item_of, require, spending_of
from .endpoint import Endpoint, EndpointKind, Estimand, endpoint_of, estimand_of
from .sequential.boundaries import Spending
from .sequential.several import dunnett_alpha

_RATES = ("control_rate", "experimental_rate")
_NON_INFERIORITY = "non-inferiority"
_HYPOTHESES = ("superiority", _NON_INFERIORITY)


@dataclass(frozen=True)
class MonitoringPlan:
    """What was planned: arms (the control last), participants, parts of the information at the looks, errors, rates.

    Without a declared boundary for harm, `harm` is None. `alpha` is of both tails together where `sides` is 2. With a
    `margin` the question is non-inferiority. `planned` is the information at which all alpha is spent: events of a time
    to an event, else participants. `hoped` is the effect that the design hopes for. `parts` is the ratio, and
    `multiplicity` how several experimental arms share alpha: bonferroni, dunnett, or nobody said.

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
    harm: HarmBound | None = None
    endpoint: Endpoint | None = None
    estimand: Estimand = field(default_factory=Estimand)
    planned: int = 0
    hoped: float | None = None
    sd: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    multiplicity: str = ""

    @property
    def kind(self) -> EndpointKind:
        """What the primary endpoint is; of yes or no, where nothing else is declared."""
        return self.endpoint.kind if self.endpoint else "binary"

    @property
    def measure(self) -> Measure:
        """What the effect on the primary endpoint is, and how it is written."""
        return MEASURES[self.kind]

    @property
    def arm(self) -> str:
        """The experimental arm that is compared with the control; of several, the first."""
        return self.experimental[0]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order of the protocol, the control last."""
        return (*self.experimental, self.control)

    @property
    def sign(self) -> int:
        """What turns an effect into a benefit: -1 where fewer is better; a win is always one."""
        return -1 if self.better == "lower" and self.kind != "ordinal" else 1

    @property
    def share(self) -> float:
        """The part of the participants who are not in the control arm."""
        return sum(self.parts[arm] for arm in self.experimental) / sum(self.parts.values())

    @property
    def spread(self) -> float | None:
        """The standard error of the effect at one unit of information; None where the design does not tell it."""
        apart = self.share * (1 - self.share)
        match self.kind:
            case "time_to_event":
                return 1 / math.sqrt(apart)
            case "ordinal":
                return 1 / math.sqrt(12 * apart)
            case "continuous":
                return self.sd / math.sqrt(apart) if self.sd else None
        if self.control_rate is None or self.experimental_rate is None:
            return None
        rates = ((self.experimental_rate, self.share), (self.control_rate, 1 - self.share))
        return math.sqrt(sum(rate * (1 - rate) / part for rate, part in rates))

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
    _refuse_misspelt(protocol)
    experimental = tuple(arm.id for arm in protocol.arms if arm.role == "experimental")
    controls = [arm.id for arm in protocol.arms if arm.role != "experimental"]
    if not experimental or len(controls) != 1:
        raise DataError(f"{protocol.id}: a comparison needs experimental arms and one control; see arms, role")
    looks: tuple[float, ...] = item_of(protocol, "looks", lambda value: tuple(float(each) for each in value))
    size = item_of(protocol, "sample_size", _whole)
    alpha = item_of(protocol, "alpha", float)
    endpoint, estimand = endpoint_of(protocol), estimand_of(protocol)
    kind: EndpointKind = endpoint.kind if endpoint else "binary"
    test = _test(protocol, kind)
    better = endpoint.better if endpoint and endpoint.better else item_of(protocol, "better", str)
    spending = item_of(protocol, "spending", spending_of)
    design = protocol.design_values
    require(
        protocol,
        ("looks", list(looks) == sorted({*looks, 1.0}) and looks[0] > 0, "rising parts, the last of them 1"),
        ("sample_size", size > 0, "a number of participants"),
        ("alpha", 0 < alpha < 0.5, "between 0 and 0.5, of both tails together where sides is 2"),
        ("better", better in ("lower", "higher"), "lower or higher"),
        ("spending", spending, "O'Brien-Fleming, Pocock, Hwang-Shih-DeCani or Kim-DeMets"),
        *((rate, rate not in design or between(design[rate], 0, 1), "a share between 0 and 1") for rate in _RATES),
        *(
            (rate, rate not in design or other in design, f"{other} beside it: one rate alone says no effect")
            for rate, other in (_RATES, _RATES[::-1])
        ),
        ("sd", "sd" not in design or "effect" in design, "effect beside it: a spread alone says no effect"),
        ("gamma", "gamma" not in design or between(design["gamma"], -math.inf, math.inf), "a number, such as -4"),
        *_items_of_another(protocol, kind, spending),
    )
    optional = {name: design[name] for name in (*_RATES, "gamma") if name in design}
    ratio, ids = design.get("ratio", {}), [arm.id for arm in protocol.arms]
    fits = isinstance(ratio, Mapping) and set(ratio) <= {*ids} and all(between(n, 0, 1000) for n in ratio.values())
    require(protocol, ("ratio", fits, f"the part of each arm, above 0, by its id: {', '.join(ids)}"))
    parts = {id: float(ratio.get(id, 1)) for id in ids}
    return MonitoringPlan(
        experimental, controls[0], size, looks, alpha, spending, better,
        parts=parts,
        multiplicity=_multiplicity(protocol, len(experimental)),
        harm=harm_of(protocol, len(experimental), test["margin"] is not None),
        endpoint=endpoint,
        estimand=estimand,
        futility=_futility(protocol, len(looks)),
        planned=_final_information(protocol, kind, size),
        **optional, **test, **_hopes(protocol, kind),
    )  # fmt: skip


def _items_of_another(protocol: Protocol, kind: EndpointKind, spending: Any) -> Iterator[tuple[str, bool, str]]:
    """What this kind of endpoint, or of spending, does not read: it would be printed in the charter, and ignored."""
    design = protocol.design_values
    for name, kinds in _OF_KINDS.items():
        yield name, name not in design or kind in kinds, f"none: the primary endpoint is {kind}, which has no such item"
    families = {spending, spending_of(design.get("futility"))}.intersection(WITH_GAMMA)
    yield "gamma", "gamma" not in design or bool(families), "none: only Hwang-Shih-DeCani and Kim-DeMets have a gamma"
    direction = design["endpoint"].get("better") if isinstance(design.get("endpoint"), Mapping) else None
    agree = "better" not in design or (kind != "ordinal" and direction in (None, design["better"]))
    yield "better", agree, "what design.endpoint says, or none beside it"


_OF_KINDS: dict[str, tuple[EndpointKind, ...]] = {
    **dict.fromkeys(_RATES, ("binary",)),
    "effect": ("time_to_event", "continuous", "ordinal"),
    "events": ("time_to_event",),
    "sd": ("continuous",),
}
"""Items of the design that only some kinds of endpoints have."""
_READ = ("alpha", "better", "endpoint", "estimand", "futility", "gamma", "harm", "hypothesis", "looks", "margin",
         "multiplicity", "power", "ratio", "sample_size", "secondary", "sides", "spending", "strata",
         *_OF_KINDS)  # fmt: skip
"""Items of the design that an interim look reads; others describe the trial, in any words."""
_REGISTRY = re.compile(r"endpoint_\d+|secondary_endpoint(_\d+)?")
"""The other outcomes of a registry, as a draft names them; the charter says that they are not monitored."""
_ONLY_HERE = {"alpha", "beta", "futility", "gamma", "harm", "hypothesis", "looks", "margin", "multiplicity", "spending"}
"""Words that nothing but an item for an interim look is named by."""


def unread_items(protocol: Protocol) -> list[str]:
    """The items of the design that no number of an interim look is worked out from."""
    return [name for name in protocol.design if name not in _READ]


def _whole(value: Any) -> int:
    """A count of people or events; a part of one is none, and neither is a flag."""
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError
    return int(value)


def _refuse_misspelt(protocol: Protocol) -> None:
    """An item that is named almost as one that is read would be printed in the charter, and ignored.

    Raises:
        DataError: harm_bound, futilty, beta.
    """
    for name in (name for name in protocol.design if name not in _READ and not _REGISTRY.fullmatch(name)):
        close = get_close_matches(name, _READ, n=1, cutoff=0.85)
        if close or set(name.split("_")) & _ONLY_HERE or name in ("primary_endpoint", "primary_outcome"):
            raise DataError(f"{protocol.id}: design.{name} is not read{nearest(name, close or _READ)}")


def pair_of(plan: MonitoringPlan, arm: str) -> MonitoringPlan:
    """The plan of one experimental arm against the control: with its part of alpha, of the size and of the information.

    >>> import trialtools as tt
    >>> plan = plan_of(tt.load_protocol("data/protocols/NCT05741099.yaml"))
    >>> pair_of(plan, "mscs").alpha == plan.alpha
    True
    """
    parts = {name: plan.parts[name] for name in (arm, plan.control)}
    of = sum(parts.values()) / sum(plan.parts.values())
    sizes = {name: round(getattr(plan, name) * of) for name in ("sample_size", "planned")}
    alphas = {"alpha": alpha_each(plan), "harm": plan.harm and replace(plan.harm, alpha=harm_alpha_each(plan))}
    return replace(plan, experimental=(arm,), parts=parts, **alphas, **sizes)


def alpha_each(plan: MonitoringPlan) -> float:
    """The alpha of each comparison with the control."""
    return _each(plan, plan.alpha, plan.multiplicity, plan.sides, plan.spending, plan.gamma)


def harm_alpha_each(plan: MonitoringPlan) -> float:
    """The alpha, or the nominal level, of harm in each comparison: all of it, unless the design says that it is shared.

    Raises:
        DataError: no boundary for harm is declared.
    """
    harm = plan.harm
    if harm is None:
        raise DataError("no boundary for harm is declared")
    return _each(plan, harm.alpha, harm.multiplicity, 1, harm.spending, harm.gamma) if harm.multiplicity else harm.alpha


def _each(plan: MonitoringPlan, alpha: float, how: str, sides: int, spending: Any, gamma: float | None) -> float:
    if how != "dunnett":
        return alpha / len(plan.experimental)
    parts = tuple(plan.parts[arm] for arm in plan.experimental)
    return _dunnett_alpha(alpha, parts, plan.parts[plan.control], plan.looks, sides, spending=spending, gamma=gamma)


_dunnett_alpha = lru_cache(dunnett_alpha)  # an integral; one report asks for the same one again and again


def _multiplicity(protocol: Protocol, arms: int) -> str:
    """How several arms share alpha; empty where nobody said."""
    name = str(protocol.design_values.get("multiplicity", "")).lower()
    wanted = "Bonferroni or Dunnett" if arms > 1 else "none: there is one experimental arm"
    require(protocol, ("multiplicity", not name or (name in SHARED and arms > 1), wanted))
    return name


def _final_information(protocol: Protocol, kind: EndpointKind, size: int) -> int:
    """The information at the end: of a time to an event the events, which the design must say."""
    if kind != "time_to_event":
        return size
    events = item_of(protocol, "events", _whole)
    require(protocol, ("events", 0 < events <= size, "events, at most as many as participants"))
    return events


def _hopes(protocol: Protocol, kind: EndpointKind) -> dict[str, Any]:
    """The effect that the design hopes for, and a standard deviation; nothing where it says none.

    design.effect is a hazard ratio, a difference of means (with design.sd) or a win probability; of yes or no there are
    the two rates.
    """
    design = protocol.design_values
    if kind == "binary":
        known = set(_RATES) <= set(design)
        return {"hoped": design["experimental_rate"] - design["control_rate"]} if known else {}
    if "effect" not in design:
        return {}
    effect, sd = design["effect"], design.get("sd")
    low, high, wanted = _EFFECTS[kind]
    require(
        protocol,
        ("effect", between(effect, low, high), wanted),
        ("sd", sd is None or between(sd, 0, math.inf), "a standard deviation above 0"),
    )
    hoped = {"time_to_event": math.log, "ordinal": lambda chance: chance - 0.5}.get(kind, float)(effect)
    return {"hoped": hoped} | ({"sd": sd} if sd else {})


_EFFECTS: dict[EndpointKind, tuple[float, float, str]] = {
    "time_to_event": (0, math.inf, "a hazard ratio above 0"),
    "continuous": (-math.inf, math.inf, "a number"),
    "ordinal": (0, 1, "a win probability between 0 and 1"),
}
"""Between which numbers a hoped effect lies."""


_MARGINS: dict[EndpointKind, tuple[float, float, str]] = {
    "binary": (0, 1, "a difference of shares between 0 and 1"),
    "time_to_event": (1, math.inf, "a hazard ratio above 1"),
    "continuous": (0, math.inf, "a difference of means above 0"),
    "ordinal": (0, 0.5, "a part of a win probability between 0 and 0.5"),
}
"""Between which numbers a margin of non-inferiority lies, always of the side of harm."""


def _test(protocol: Protocol, kind: EndpointKind) -> dict[str, Any]:
    """Sides, margin and type II error of the test; together they must be a test that is worked out here."""
    design = protocol.design_values
    sides, margin = design.get("sides", 1), design.get("margin")
    power, usual = design.get("power"), "superiority" if margin is None else _NON_INFERIORITY
    hypothesis = design.get("hypothesis", usual)
    inferior = hypothesis == _NON_INFERIORITY
    low, high, wanted_margin = _MARGINS[kind]
    require(
        protocol,
        ("sides", sides in (1, 2) and not isinstance(sides, bool), "1 or 2"),
        ("hypothesis", hypothesis in _HYPOTHESES, " or ".join(_HYPOTHESES)),
        ("hypothesis", not inferior or margin is not None, "design.margin beside it"),
        ("margin", margin is None or inferior, "none, or the hypothesis non-inferiority"),
        ("margin", margin is None or between(margin, low, high), wanted_margin),
        ("sides", not (inferior and sides == 2), "1: non-inferiority is a question of one side"),
        ("power", power is None or between(power, 0, 1), "a chance between 0 and 1, such as 0.8"),
        ("futility", sides == 1 or "futility" not in design, "none: of a two-sided test no side is the futile one"),
    )  # fmt: skip
    return {"sides": sides, "margin": margin, "beta": 0.2 if power is None else 1 - power}


def _futility(protocol: Protocol, looks: int) -> Any:
    """How beta is spent, or a z for each look but the last; None without futility."""
    if "futility" not in protocol.design:
        return None
    design = protocol.design_values["futility"]
    is_list = isinstance(design, list | tuple)
    fits = len(design) == looks - 1 and all(between(z, -10, 10) for z in design) if is_list else spending_of(design)
    wanted = f"{looks - 1} bounds of z, one for each look but the last"
    require(protocol, ("futility", fits, f"a spending function of beta, such as Pocock type, or {wanted}"))
    return [float(z) for z in design] if is_list else spending_of(design)
