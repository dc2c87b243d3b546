"""A look goes in; out comes what its report is of, its charter, what it remembers, and what changed since then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import scipy

from ...figures.arm_tables import KeyFigures
from ...figures.format import capital, enumeration, number
from ..data.tables import Frame
from ..design import HarmBound
from ..endpoint import Endpoint
from ..lookdata import LookData, with_reason
from ..plan import MonitoringPlan, alpha_each, harm_alpha_each, pair_of, unread_items
from .conduct import dosing, dosing_deviations
from .looks import design_power, looks_so_far
from .outcomes import outcome_status
from .safety import harms
from .wording import in_100

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
_ESTIMAND_OF_TIME = {
    "composite": "counts as the event, on that day",
    "while alive": "ends the follow-up",
    "missing": "ends the follow-up",
}
_NEVER = "counts as without the event up to that day"


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

    In an open report a ratio and a reason are told without the names of arms. Then come the items that describe the
    trial and that nothing is worked out from, and the power of the design at what it assumes itself.
    """
    names = "|".join(re.escape(each) for arm in look.protocol.arms for each in (arm.id, arm.label))
    named, rows = re.compile(rf"\b({names})\b", re.IGNORECASE), []
    for name, item in look.protocol.design.items():
        why = item.why if look.closed or not named.search(item.why or "") else _SEE_FILE
        label = _ITEMS.get(name) or capital(name.replace("_", " "))
        rows.append((label, _value_in_words(look, name, item.value), "assumed" if item.assumed else "registry", why))
    if described := unread_items(look.protocol):
        items = enumeration([name.replace("_", " ") for name in described])
        rows.append(("Not monitored", f"No number of this report is worked out from {items}.", "worked out", None))
    if (chance := _power(look.plan)) is not None:
        why = "The chance to show the effect that the design hopes for, at its looks, before the start."
        rows.append(("Power at these assumptions", in_100(chance), "worked out", why))
    return pd.DataFrame(rows, columns=["item", "value", "from", "why"])


def _power(plan: MonitoringPlan) -> float | None:
    """The power of the design, of several experimental arms that of one comparison."""
    if len(plan.experimental) > 1:
        return design_power(pair_of(plan, plan.arm)) if plan.multiplicity else None
    return design_power(plan)


def _value_in_words(look: LookData, name: str, value: Any) -> str:
    """A value of the design as a committee reads it: arms by their labels, where they may be named."""
    plan = look.plan
    labels: dict[str, str] = look.labels if look.closed else {}
    match name, value:
        case "endpoint", Mapping() if plan.endpoint:
            return _endpoint_in_words(plan.endpoint)
        case "estimand", Mapping():
            words = _ESTIMAND
            if plan.kind == "time_to_event":
                words = _ESTIMAND_OF_TIME if plan.sign < 0 else _ESTIMAND_OF_TIME | {"composite": _NEVER}
            parts = ((each, words[getattr(plan.estimand, each)]) for each in ("death", "withdrawal"))
            return "; ".join([plan.estimand.population, *(f"{what} before its day {means}" for what, means in parts)])
        case "looks", list() | tuple():
            of = "events" if plan.kind == "time_to_event" else "outcomes"
            return f"{len(value)}, at {enumeration([f'{100 * each:g} %' for each in value])} of the planned {of}"
        case "ratio", Mapping():
            order = f" ({', '.join(labels.get(str(each), str(each)) for each in value)})" if labels else ""
            return ":".join(map(str, value.values())) + order
        case "harm", Mapping() if plan.harm:
            return _harm_in_words(plan, plan.harm, value)
        case "futility", _:
            bounds = f"z of {enumeration([number(z, 2) for z in value])}" if isinstance(value, list | tuple) else value
            return f"{bounds}; does not bind"
        case "control_rate" | "experimental_rate" | "power", int() | float():
            return f"{100 * value:g} %"
        case (("effect" | "margin"), _) if plan.hoped is not None or plan.margin is not None:
            effect, measure = plan.null if name == "margin" else plan.hoped or 0.0, plan.measure
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


def _harm_in_words(plan: MonitoringPlan, harm: HarmBound, value: Mapping[str, Any]) -> str:
    """The boundary for harm: its level, what z is held against, and how several comparisons share it."""
    level = harm_alpha_each(plan)
    text = f"{value.get('spending')}, one-sided {harm.alpha:g} of its own"
    if harm.spending is None:
        text = f"z at or below {number(float(scipy.special.ndtri(level)), 2)} at each look: one-sided {harm.alpha:g}"
    if plan.margin is not None:
        text += f"; z is held against {'the ' * (harm.against == 'margin')}{harm.against}"
    if len(plan.experimental) > 1:
        shared = f"shared by the comparisons ({value.get('multiplicity')}), {number(level, 4)} each"
        text += f"; {shared}" if harm.multiplicity else "; each comparison with the control has it whole"
    return text


def _endpoint_in_words(endpoint: Endpoint) -> str:
    """Name, day, visit window, what its values are, and which way is better."""
    which = enumeration(list(endpoint.levels))
    if endpoint.kind != "ordinal":
        which = _BETTER[endpoint.kind][endpoint.better == "higher"]
    visit = f" (seen on day {endpoint.window[0]} to {endpoint.window[1]})" if endpoint.window else ""
    return f"{endpoint.label}{visit}: {_KINDS[endpoint.kind].format(which)}"


_LABELS = {
    "screened": "Screened",
    "randomized": "Randomized",
    "sites": "Sites that randomized",
    "deaths": "Deaths",
    "serious": "Participants with a serious adverse event",
    "deviations": "Deviations from the dosing window",
    "outcomes": "Primary outcomes known",
    "missing": "Primary outcomes missing",
    "findings": "Findings on the data",
}
_LABELS_OF_TIME = {
    "outcomes": "Followed for the primary outcome",
    "missing": "Nothing known of the primary outcome",
}


def key_figures(look: LookData) -> KeyFigures:
    """The pooled numbers that a later report is held against, and in a closed report the looks so far.

    What was not collected is not among them. Shown in a notebook, they go into the manifest of its report.
    """
    trial, entered = look.trial, look.randomized
    figures = {"screened": len(trial.subjects)} if look.screening_log else {}
    figures |= {"randomized": len(entered), "sites": int(entered["site"].nunique())}
    by_kind = harms(look).dropna(subset="participants").groupby("what")["participants"].sum()
    for name, what in (("deaths", "Death"), ("serious", "Serious adverse event")):
        figures |= {name: int(by_kind[what])} if what in by_kind else {}
    if look.endpoint_collected:
        outcomes = outcome_status(look)
        figures |= {"outcomes": int(outcomes["known"].sum()), "missing": int(outcomes["missing"].sum())}
    if len(dosing(look)):
        certain = dosing_deviations(look).query("deviation != 'cannot be told'")
        figures |= {"deviations": int(certain["n"].sum())}
    figures |= {"findings": len(trial.findings)}
    looks = looks_so_far(look)
    return KeyFigures(figures | ({"looks": looks} if looks else {}))


def changes(look: LookData) -> Frame:
    """What changed since the previous report: item, then, now, change.

    A number that one of the two does not have is empty, and so is its change. A protocol with another hash is a row.
    """
    rows: list[dict[str, Any]] = []
    if look.previous:
        before, now = look.previous.get("facts", {}), key_figures(look)
        labels = _LABELS | (_LABELS_OF_TIME if look.plan.kind == "time_to_event" else {})
        for name, label in labels.items():
            then, here = before.get(name), now.get(name)
            if then is None and here is None:
                continue
            apart = f"{here - then:+,}".replace("-", "−") if then is not None and here is not None else None
            rows.append({"item": label, "then": then, "now": here, "change": apart})
        old = look.previous["protocol"].get("sha256")
        if old != look.protocol.sha256:
            hashes = {"then": str(old)[:8], "now": look.protocol.sha256[:8]}
            rows.append({"item": "Protocol file", **hashes, "change": "changed"})
    return with_reason(pd.DataFrame(rows, columns=["item", "then", "now", "change"]), _no_previous_report(look))


def _no_previous_report(look: LookData) -> str:
    if look.previous:
        return "The previous report holds no numbers to compare with."
    sentence = ": the looks before this one are taken as planned." if look.number > 1 else "."
    return "No previous report was named" + sentence
