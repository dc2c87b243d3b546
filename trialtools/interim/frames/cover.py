"""A look goes in; what is known before any number comes out: the cover, the charter in the words of a committee."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.special import ndtri

from ...figures.format import number
from ...figures.measure import MEASURES
from ..data.tables import Frame
from ..endpoint import Endpoint
from ..lookdata import LookData
from ..plan import MonitoringPlan, alpha_each, pair_of
from .looks import design_power
from .wording import capital, enumerated, in_100

_SEE_FILE = "see the protocol file: it names an arm"
_ITEMS = {
    "control_rate": "Rate assumed with the control",
    "experimental_rate": "Rate hoped for with the experimental arm",
    "sample_size": "Participants planned",
    "spending": "How alpha is spent",
    "futility": "Boundary for futility",
    "harm": "Boundary for harm",
    "effect": "Effect hoped for",
    "sd": "Standard deviation assumed",
    "sides": "Test",
    "secondary": "Other endpoints",
}
_KINDS = {
    "binary": "yes or no; the {} of them, the better",
    "time_to_event": "the time to it; the {}, the better",
    "continuous": "a measurement; the {}, the better",
    "ordinal": "one of {}, the best first",
}
_BETTER = {"binary": ("fewer", "more"), "time_to_event": ("later", "sooner"), "continuous": ("lower", "higher")}
_ESTIMAND = {
    "composite": "counts as the worse outcome",
    "while alive": "ends what counts",
    "missing": "leaves it missing",
}


def cover(look: LookData, **more: Any) -> Frame:
    """What this report is of, line by line: item, value; `more` lines by their names. What is not known is empty."""
    items = {
        "Trial": f"{look.protocol.id}: {look.protocol.title}",
        "Report": "closed, by arm" if look.closed else "open, pooled",
        "Look": f"{look.number} of {len(look.plan.looks)}",
        "Site": look.site or "all",
        "Data as of": look.cutoff,
        "Folder of this cut": look.trial.name,
        "Previous report": look.previous.get("made"),
        **{name.replace("_", " ").capitalize(): value for name, value in more.items()},
    }
    return pd.DataFrame({"item": list(items), "value": [str(value) if value else "" for value in items.values()]})


def charter(look: LookData) -> Frame:
    """The design as the protocol file has it, with what is assumed and why: item, value, from, why.

    In an open report a ratio and a reason are told without the names of arms. The last line is the power of the design
    at what it assumes itself.
    """
    names = "|".join(re.escape(each) for arm in look.protocol.arms for each in (arm.id, arm.label))
    named, rows = re.compile(rf"\b({names})\b", re.IGNORECASE), []
    for name, item in look.protocol.design.items():
        why = item.why if look.closed or not named.search(item.why or "") else _SEE_FILE
        label = _ITEMS.get(name) or capital(name.replace("_", " "))
        rows.append((label, _value_in_words(look, name, item.value), "assumed" if item.assumed else "registry", why))
    if (chance := _power(look.plan)) is not None:
        why = "The chance to show the effect that the design hopes for, at its looks, before the start."
        rows.append(("Power at these assumptions", in_100(chance), "worked out", why))
    return pd.DataFrame(rows, columns=["item", "value", "from", "why"])


def _power(plan: MonitoringPlan) -> float | None:
    """The power of the design, of several experimental arms that of one comparison."""
    if len(plan.experimental) > 1:
        return design_power(pair_of(plan, plan.experimental[0])) if plan.multiplicity else None
    return design_power(plan)


def _value_in_words(look: LookData, name: str, value: Any) -> str:
    """A value of the design as a committee reads it: arms by their labels, where they may be named."""
    plan = look.plan
    labels = look.labels if look.closed else {}
    match name, value:
        case "endpoint", Mapping() if plan.endpoint:
            return _endpoint_in_words(plan.endpoint)
        case "estimand", Mapping():
            parts = ((each, _ESTIMAND[getattr(plan.estimand, each)]) for each in ("death", "withdrawal"))
            return "; ".join([plan.estimand.population, *(f"{what} before its day {means}" for what, means in parts)])
        case "looks", list() | tuple():
            of = "events" if plan.kind == "time_to_event" else "outcomes"
            return f"{len(value)}, at {enumerated([f'{100 * each:g} %' for each in value])} of the planned {of}"
        case "ratio", Mapping():
            order = f" ({', '.join(labels.get(each, each) for each in value)})" if labels else ""
            return ":".join(map(str, value.values())) + order
        case "harm", {"nominal": level}:
            return f"z at or below {number(float(ndtri(level)), 2)} at each look: one-sided {level}"
        case "harm", Mapping():
            return f"{value.get('spending', '')}, one-sided {value.get('alpha', 0.025)} of its own"
        case "futility", _:
            bounds = f"z of {enumerated([number(z, 2) for z in value])}" if isinstance(value, list | tuple) else value
            return f"{bounds}; does not bind"
        case "control_rate" | "experimental_rate" | "power", int() | float():
            return f"{100 * value:g} %"
        case (("effect" | "margin"), _) if plan.hoped is not None or plan.margin is not None:
            effect, measure = plan.null if name == "margin" else plan.hoped or 0.0, MEASURES[plan.kind]
            size = measure.size(effect, measure.unit)
            return size if measure.words else f"{measure.name.lower()} {size}"
        case "secondary", Mapping():
            return "; ".join(f"{str(each).replace('_', ' ')}: {better} is better" for each, better in value.items())
        case "alpha", _:
            return f"{value}, {plan.tails}"
        case "sides", _:
            return plan.tails
        case "multiplicity", _:
            return f"{value}, {number(alpha_each(plan), 4)} each"
        case _, Mapping():
            return "; ".join(f"{str(each).replace('_', ' ')} {text}".replace("_", " ") for each, text in value.items())
        case _, list() | tuple():
            return ", ".join(map(str, value))
    return str(value)


def _endpoint_in_words(endpoint: Endpoint) -> str:
    """Name, day, visit window, what its values are, and which way is better."""
    which = enumerated(list(endpoint.levels))
    if endpoint.kind != "ordinal":
        which = _BETTER[endpoint.kind][endpoint.better == "higher"]
    visit = f" (seen on day {endpoint.window[0]} to {endpoint.window[1]})" if endpoint.window else ""
    return f"{endpoint.label}{visit}: {_KINDS[endpoint.kind].format(which)}"
