"""The design of a protocol goes in; its endpoint and estimand come out as declared, or a refusal that says why.

endpoint: {value: {name: progression, kind: binary, day: 28, better: lower}}
estimand: {value: {population: all randomized, death: composite, withdrawal: missing}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, get_args

from ..criteria.contents import Protocol
from ..criteria.language import nearest
from ..criteria.protocol import DataError

EndpointKind = Literal["binary", "time_to_event", "continuous", "ordinal"]
_Better = Literal["lower", "higher"]
_ITEMS = ("name", "kind", "day", "window", "better", "levels", "detail", "verb", "past")
_DAYS_IN = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
_DAY = re.compile(r"(\d+)[ -](day|week|month)s?", re.IGNORECASE)
_SHORT = re.compile(r"([^\W\d][^\d,;:()]*?)(?: (?:by|at|within) (?:(day|week)[ -](\d+)|(\d+)[ -](day|week)s?))?", re.I)
"""The short form: a name, and a day if one is said in these words and no others: "progression by day 28"."""
_AROUND = re.compile(r"(?:±|\+/?-) ?(\d+ ?(?:days?|weeks?)?)")
_SPAN = re.compile(r"(?:days? )?(\d+)(?: to |-|–)(?:day )?(\d+)(?: days?)?")
"""How a visit window is said: "±3 days", or "25 to 31" of the days after randomization."""
_EXAMPLE = "{name: progression, kind: binary, day: 28, better: lower}"


@dataclass(frozen=True)
class Endpoint:
    """The primary endpoint: its name in the table of outcomes, its kind, and which way is better.

    `day` is the last day after randomization on which it counts; without one it has no window. `window` is of a visit:
    the first and the last day on which it may be seen instead. An ordinal endpoint has `levels`, the best first.
    `detail`, `verb` and `past` are words for the report: "progression (to severe disease)", "fewer *progress*",
    "9 *progressed*".
    """

    name: str
    kind: EndpointKind
    better: _Better | None
    day: int | None = None
    levels: tuple[str, ...] = ()
    detail: str = ""
    verb: str = ""
    past: str = ""
    window: tuple[int, int] | None = None

    @property
    def last(self) -> int | None:
        """The last day on which it may be seen."""
        return self.window[1] if self.window else self.day

    @property
    def title(self) -> str:
        """Its name in print."""
        return self.name.replace("_", " ")

    @property
    def by_day(self) -> str:
        """Its day in print; empty without one."""
        return "" if self.day is None else f" by day {self.day}"

    @property
    def label(self) -> str:
        """What it is called in full: name, detail and day."""
        return f"{self.title} {self.detail}".strip() + self.by_day

    @property
    def happens(self) -> str:
        """What participants do to whom it happens, after a plural: "progress"."""
        return self.verb or f"have {self.title}"

    @property
    def past_text(self) -> str:
        """The same in the past: "progressed"."""
        return self.past or f"had {self.title}"


@dataclass(frozen=True)
class Estimand:
    """Whom the effect is of, and what it means for the endpoint that somebody died or withdrew before its day.

    composite: it counts as the worse outcome, of ordered levels as the worst, and of a time to something good as
    without it up to the last day. while alive: what was seen while alive counts, and nothing seen is no event. missing:
    the outcome is missing, unless it is known; of a time to an event, nobody is followed beyond it.
    """

    population: str = "all randomized"
    death: str = "missing"
    withdrawal: str = "missing"
    declared: bool = False


_MEANINGS = {
    "population": ("all randomized",),
    "death": ("composite", "while alive", "missing"),
    "withdrawal": ("composite", "missing"),
}
"""What an estimand can declare here; whatever else it says is refused."""


def estimand_of(protocol: Protocol) -> Estimand:
    """The estimand that the design declares; without one, death and withdrawal leave the outcome missing.

    Raises:
        DataError: it says something that is not worked out here.

    >>> import trialtools as tt
    >>> estimand_of(tt.load_protocol("data/protocols/NCT05741099.yaml")).death
    'composite'
    """
    item = protocol.design.get("estimand")
    if item is None:
        return Estimand()
    place = f"{protocol.id}: design.estimand"
    if not isinstance(item.value, Mapping):
        _refuse(f"{place} is {item.value!r}", "declare it, such as {death: composite, withdrawal: missing}")
    for name, attribute in item.value.items():
        if name not in _MEANINGS:
            raise DataError(f"{place} has no item '{name}'{nearest(str(name), _MEANINGS)}")
        if attribute not in _MEANINGS[name]:
            _refuse(
                f"{place}.{name} is '{attribute}', which is not worked out here",
                f"there is {', '.join(_MEANINGS[name])}",
            )
    endpoint = endpoint_of(protocol)
    if endpoint and endpoint.kind == "continuous" and "composite" in item.value.values():
        _refuse(f"{place} is composite, but {endpoint.title} is a measurement, of which no value is the worst",
                "expected missing, or while alive for deaths")  # fmt: skip
    good = endpoint and endpoint.kind == "time_to_event" and endpoint.better == "higher"
    if endpoint and good and endpoint.day is None and "composite" in item.value.values():
        _refuse(f"{place} is composite, but {endpoint.title} names no day up to which who died is without it",
                "expected a day of design.endpoint, or missing, or while alive for deaths")  # fmt: skip
    return Estimand(**item.value, declared=True)


def endpoint_of(protocol: Protocol) -> Endpoint | None:
    """The primary endpoint that the design declares; None where it declares none.

    A day is a number of days, or such as "4 weeks" or "6 months" (of 365.25 / 12 days each, to the nearest day). The
    window of a visit is such as "±3 days" or "25 to 31"; what is seen outside it is no outcome. A text
    is understood where it is a name alone, or a name and a day, as in "progression by day 28"; the endpoint is then
    binary, and `design.better` says which way is better (None where it does not).

    Raises:
        DataError: what is declared cannot be understood, or lacks an item.

    >>> import trialtools as tt
    >>> endpoint_of(tt.load_protocol("data/protocols/NCT05741099.yaml")).label
    'progression to severe or critical disease by day 28'
    """
    item = protocol.design.get("endpoint")
    if item is None:
        return None
    place = f"{protocol.id}: design.endpoint"
    if isinstance(item.value, Mapping):
        return _endpoint(dict(item.value), place)
    better = protocol.design.get("better")
    return _short(str(item.value), better.value if better else None, place)


def _endpoint(items: dict[str, Any], place: str) -> Endpoint:
    for name in items:
        if name not in _ITEMS:
            raise DataError(f"{place} has no item '{name}'{nearest(str(name), _ITEMS)}")
    for name in ("name", "kind") if items.get("kind") == "ordinal" else ("name", "kind", "better"):
        if not items.get(name):
            _refuse(f"{place} says no {name}", f"such as {_EXAMPLE}")
    if items["kind"] == "ordinal" and items.get("better") == "higher":
        _refuse(f"{place}.better is 'higher'", "expected none: the levels of an ordinal endpoint stand best first")
    kind, better = items["kind"], items.get("better", "lower")
    if kind not in get_args(EndpointKind):
        _refuse(f"{place}.kind is '{kind}'", f"expected {', '.join(get_args(EndpointKind))}")
    if better not in get_args(_Better):
        _refuse(f"{place}.better is '{better}'", "expected lower or higher")
    written = items.get("levels") or ()
    levels = tuple(map(str, written)) if isinstance(written, list | tuple) else (str(written),)
    if len(set(levels)) < 3 if kind == "ordinal" else levels:
        _refuse(f"{place}: the kind is {kind}, and there are {len(set(levels)) or 'no'} levels",
                "an ordinal endpoint, and no other, declares three levels or more, the best first")  # fmt: skip
    if len({level.isdigit() for level in levels}) > 1:
        _refuse(f"{place}.levels are {', '.join(levels)}", "expected numbers alone, or words alone")
    texts = {name: str(items.get(name, "")) for name in ("detail", "verb", "past")}
    day = None if items.get("day") is None else _days(items["day"], place)
    window = None if items.get("window") is None else _window(items["window"], day, kind, place)
    return Endpoint(str(items["name"]), kind, better, day, levels, **texts, window=window)


def _days(value: Any, place: str) -> int:
    """A day as a whole number, or "4 weeks" in days."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if (match := _DAY.fullmatch(str(value).strip())) and int(match[1]):
        return round(int(match[1]) * _DAYS_IN[match[2].lower()])
    _refuse(f"{place}.day is {value!r}", "expected whole days after randomization, such as 28, or such as 4 weeks")


def _window(value: Any, day: int | None, kind: str, place: str) -> tuple[int, int]:
    """The first and the last day of a visit window, which holds the day."""
    text = str(value).strip()
    if (around := _AROUND.fullmatch(text)) and day:
        apart = int(around[1]) if around[1].isdigit() else _days(around[1], place)
        first, last = day - apart, day + apart
    else:
        span = _SPAN.fullmatch(text)
        first, last = (int(span[1]), int(span[2])) if span else (0, 0)
    if kind == "time_to_event" or day is None or not 0 < first <= day <= last:
        wanted = "expected days that hold its day, such as ±3 days or 25 to 31; a time to event has none"
        _refuse(f"{place}.window is {value!r}", wanted)
    return first, last


def _short(text: str, better: Any, place: str) -> Endpoint:
    match = _SHORT.fullmatch(text.strip())
    if not match:
        _refuse(f"{place} is '{text}', of which the day and the kind cannot be told", f"declare it, such as {_EXAMPLE}")
    name, unit, after, before, units = match.groups()
    day = int(after or before) * int(_DAYS_IN[(unit or units).lower()]) if unit or units else None
    return Endpoint(name.strip(), "binary", better, day)


def _refuse(what: str, wanted: str) -> NoReturn:
    raise DataError(f"{what}; {wanted}")
