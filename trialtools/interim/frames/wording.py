"""Arms, counts and differences of a look go in, their words come out: one way to write each, on every page."""

from __future__ import annotations

from datetime import date
from typing import Any

from ...figures import format
from ...figures.format import SPACE, count, percent
from ..endpoint import Endpoint, EndpointKind
from ..lookdata import LookData
from ..plan import MonitoringPlan
from .effect import Effect

GAP = "not collected"
"""In place of a number that nobody collected."""


def arm_name(look: LookData, arm: str) -> str:
    """What an arm is called."""
    return look.labels.get(arm, arm)


def arm_in_sentence(look: LookData, arm: str) -> str:
    """The same within a sentence."""
    return format.in_sentence(arm_name(look, arm))


def arm_heads(look: LookData, cells: str = "") -> dict[str, str]:
    """The headings of what is told of the experimental arm and of the control."""
    arms = {"experimental": look.plan.arm, "control": look.plan.control}
    return {column: arm_name(look, arm) + (cells and f", {cells}") for column, arm in arms.items()}


def arms_in_order(look: LookData) -> list[str]:
    """The arms of this look, the control last."""
    return [arm for arm in look.plan.arms if arm in look.arms]


def goal_of(plan: MonitoringPlan) -> str:
    """What the trial is to show."""
    return "benefit" if plan.margin is None else "non-inferiority"


def endpoint_of_look(look: LookData) -> Endpoint:
    """The declared endpoint; of a trial that declares none, the one that there is."""
    name = look.trial.endpoint or "outcome"
    better = "lower" if look.plan.sign < 0 else "higher"
    return look.plan.endpoint or Endpoint(name, "binary", better, look.trial.window)


def share(n: Any, of: Any) -> str:
    """A count of a whole with its share: 2 of 90 (2.2 %); of nobody without."""
    return f"{count(n)} of {count(of)}" + (f" ({percent(n / of)})" if n and of else "")


def in_100(chance: float) -> str:
    """A chance of a hundred: "91 in 100", "below 1 in 100".

    >>> in_100(0.908), in_100(0.0004), in_100(0.9999)
    ('91 in 100', 'below 1 in 100', 'above 99 in 100')
    """
    return "below 1 in 100" if chance < 0.005 else "above 99 in 100" if chance > 0.995 else f"{chance * 100:.0f} in 100"


def written_day(day: date, near: date | None = None) -> str:
    """A day in words; the year is left out where it is that of another day."""
    year = "" if near and near.year == day.year else f" {day.year}"
    return f"{day.day}{SPACE}{day:%B}{year}"


_DIRECTIONS: dict[EndpointKind, tuple[str, str, str]] = {
    "binary": (
        "fewer {happens} with {arm}",
        "more {happens} with {arm}",
        "as many participants {happens} with {arm} as with {control}",
    ),
    "time_to_event": (
        "{title} comes later with {arm}",
        "{title} comes sooner with {arm}",
        "{title} comes neither sooner nor later with {arm} than with {control}",
    ),
    "continuous": (
        "the mean of {title} is lower with {arm}",
        "the mean of {title} is higher with {arm}",
        "the mean of {title} is the same with {arm} as with {control}",
    ),
    "ordinal": (
        "{title} is worse with {arm}",
        "{title} is better with {arm}",
        "{title} is neither better nor worse with {arm} than with {control}",
    ),
}
"""By kind of endpoint, an effect below zero, one above it, and none, in words."""


def direction_words(kind: EndpointKind, endpoint: Endpoint, arm: str, control: str = "") -> tuple[str, ...]:
    """An effect below zero, one above it, and none, in words: "fewer progress with MSCs", "more progress with MSCs"."""
    words = {"title": endpoint.title, "happens": endpoint.happens, "arm": arm, "control": control}
    return tuple(each.format(**words) for each in _DIRECTIONS[kind])


def direction(effect: Effect, endpoint: Endpoint, arm: str, control: str) -> str:
    """Which way the effect goes: "fewer participants progress with MSCs", "death comes later with MSCs".

    Where arms differ in size so that counts and shares do not go the same way, of shares.
    """
    way = _sign(effect.difference)
    less, more, same = direction_words(effect.kind, endpoint, arm, control)
    if not way or effect.measure.text(effect.difference) == effect.measure.text(0.0):
        return same
    if effect.kind != "binary":
        return (less, more)[way > 0]
    (hits, n), (others, m) = effect.events.values()
    who = f"{'fewer' if way < 0 else 'more'} participants"
    if _sign(hits - others) != way:
        strata = "" if _sign(hits / n - others / m) == way else "within strata, "
        who = f"{strata}a {'smaller' if way < 0 else 'larger'} share of participants"
    return f"{who} {endpoint.happens} with {arm}"


def effect_axis(look: LookData) -> str:
    """What an axis of effects shows, and which side of it favours the experimental arm."""
    plan, measure = look.plan, look.plan.measure
    arm, control = (arm_in_sentence(look, each) for each in (plan.arm, plan.control))
    side = f"{'below' if plan.sign < 0 else 'above'} {measure.number(0.0):g}"
    return f"{measure.head}: {arm} against {control}; {side} favours {arm}. Not adjusted for the looks"


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
