"""What makes a protocol valid: each rule in turn, each fault with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..expr import NUMERIC, ProtocolError, names, nearest, parse

if TYPE_CHECKING:
    from .model import Protocol


def check(protocol: Protocol) -> None:
    """Raise the first fault of a protocol.

    Raises:
        ProtocolError: what is wrong, with its `path` in the protocol.
    """
    from .model import MAX_CRITERIA

    if not protocol.criteria:
        raise ProtocolError("a protocol needs at least one criterion", path=("criteria",))
    if len(protocol.criteria) > MAX_CRITERIA:
        message = f"{len(protocol.criteria)} criteria; a protocol can hold {MAX_CRITERIA}. Join some with and, or"
        raise ProtocolError(message, path=("criteria", MAX_CRITERIA))
    _unique("criteria", (criterion.id for criterion in protocol.criteria))
    _unique("facts", (fact.id for fact in protocol.facts))
    _unique("ambiguities", (ambiguity.id for ambiguity in protocol.ambiguities))
    _unique("arms", (arm.id for arm in protocol.arms))
    _fields(protocol)
    _criteria(protocol)
    _expressions(protocol)
    _quotes(protocol)
    _ambiguities(protocol)
    _arms(protocol)
    for name, item in protocol.design.items():
        if item.assumed and not item.why:
            raise ProtocolError(f"the assumption {name} needs a reason; add why:", path=("design", name))


def _unique(part: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for position, id in enumerate(ids):
        if not id or not id.isascii() or not id.replace("_", "").replace("-", "").isalnum():
            raise ProtocolError(f"'{id}' is not an id; use plain letters, digits, _ or -", path=(part, position, "id"))
        if id in seen:
            raise ProtocolError(f"the id {id} stands twice in {part}; each needs its own", path=(part, position, "id"))
        seen.add(id)


def _fields(protocol: Protocol) -> None:
    from .model import is_field_name

    for name, field in protocol.fields.items():
        here = ("fields", name)
        if not is_field_name(name):
            raise ProtocolError(f"'{name}' cannot name a field; use a plain lower-case word, such as spo2", path=here)
        if (field.type == "category") != bool(field.values):
            wrong = "a category needs values: [...]" if field.type == "category" else "only a category has values"
            raise ProtocolError(f"{name}: {wrong}", path=here)
        if len(set(field.values)) < len(field.values):
            raise ProtocolError(f"{name}: a value stands twice", path=(*here, "values"))
        if field.range and field.type not in (*NUMERIC, "date"):
            raise ProtocolError(f"{name}: only a number or a date has a range", path=(*here, "range"))
        if field.range and not field.range[0] < field.range[1]:  # type: ignore[operator]
            raise ProtocolError(f"{name}: the range runs from low to high", path=(*here, "range"))
        if field.range and (field.type == "date") != hasattr(field.range[0], "year"):
            raise ProtocolError(f"{name}: the range of a {field.type} needs {field.type}s", path=(*here, "range"))
        if field.applies and field.type != "flag":
            raise ProtocolError(f"{name}: only a flag has applies:", path=(*here, "applies"))


def _criteria(protocol: Protocol) -> None:
    for position, criterion in enumerate(protocol.criteria):
        if (criterion.when is None) == (not criterion.readings):
            message = f"{criterion.id} needs either when: or readings:"
            raise ProtocolError(message, path=("criteria", position))
    for id, reading in protocol.readings.items():
        if id not in protocol.criterion:
            raise ProtocolError(f"no criterion '{id}'{nearest(id, protocol.criterion)}", path=("readings", id))
        known = [name for name in protocol.criterion[id].texts if name]
        if reading not in known:
            hint = nearest(reading, known) or "; it has only one"
            raise ProtocolError(f"criterion {id} has no reading '{reading}'{hint}", path=("readings", id))


def _expressions(protocol: Protocol) -> None:
    for path, text in expressions(protocol):
        try:
            formula = parse(text, protocol.fields)
        except ProtocolError as error:
            raise error.at(*path) from None
        if path[-1] == "applies":
            chained = [name for name in names(formula) if protocol.fields[name].applies]
            if chained:
                message = f"{path[1]} applies by {chained[0]}, which has an applies: of its own; name the cause itself"
                raise ProtocolError(message, path=path)


def expressions(protocol: Protocol) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every expression of a protocol with its path."""
    for name, field in protocol.fields.items():
        if field.applies:
            yield ("fields", name, "applies"), field.applies
    for position, criterion in enumerate(protocol.criteria):
        for reading, text in criterion.texts.items():
            yield ("criteria", position, *(("readings", reading) if reading else ("when",))), text
    for part in ("facts", "guideline"):
        for position, fact in enumerate(getattr(protocol, part)):
            yield (part, position, "formula"), fact.formula


def _quotes(protocol: Protocol) -> None:
    if not protocol.text:
        return
    text = squeeze(protocol.text)
    for path, quote in quotes(protocol):
        if squeeze(quote) not in text:
            raise ProtocolError(f"this quote is not in the registry text, word for word: '{quote}'", path=path)


def quotes(protocol: Protocol) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every quote of the registry text with its path."""
    for position, criterion in enumerate(protocol.criteria):
        for n, quote in enumerate(criterion.quotes):
            yield ("criteria", position, "quote", *(() if isinstance(criterion.quote, str) else (n,))), quote
    for position, quote in enumerate(protocol.not_rules):
        yield ("not_rules", position), quote
    for position, arm in enumerate(protocol.arms):
        for n, quote in enumerate((arm.quote,) if isinstance(arm.quote, str) else arm.quote):
            yield ("arms", position, "quote", *(() if isinstance(arm.quote, str) else (n,))), quote
        if arm.dosing and arm.dosing.quote:
            yield ("arms", position, "dosing", "quote"), arm.dosing.quote
    for name, item in protocol.design.items():
        if item.quote:
            yield ("design", name, "quote"), item.quote


def squeeze(text: str) -> str:
    """Text with every run of white space as one space; line breaks of a copy do not matter."""
    return " ".join(text.split())


def _ambiguities(protocol: Protocol) -> None:
    places = {*protocol.criterion, *(arm.id for arm in protocol.arms), *(f"design.{name}" for name in protocol.design)}
    for position, ambiguity in enumerate(protocol.ambiguities):
        here = ("ambiguities", position)
        if ambiguity.at not in places:
            message = f"{ambiguity.id} is at '{ambiguity.at}', which is no criterion, arm or design item"
            raise ProtocolError(message + nearest(ambiguity.at, places), path=(*here, "at"))
        readable = ambiguity.at in protocol.criterion and len(protocol.criterion[ambiguity.at].readings) > 1
        if ambiguity.treatment == "reading" and not readable:
            message = f"{ambiguity.id} is settled by a reading, but {ambiguity.at} has no second reading"
            raise ProtocolError(message, path=(*here, "treatment"))


def _arms(protocol: Protocol) -> None:
    for position, arm in enumerate(protocol.arms):
        if arm.dosing is None:
            continue
        here = ("arms", position, "dosing")
        if arm.dosing.anchor not in protocol.fields or protocol.fields[arm.dosing.anchor].type != "date":
            dates = [name for name, field in protocol.fields.items() if field.type == "date"]
            message = f"the dosing window of {arm.id} needs a date field as anchor{nearest(arm.dosing.anchor, dates)}"
            raise ProtocolError(message, path=(*here, "anchor"))
        if not 0 <= arm.dosing.first_day <= arm.dosing.last_day:
            raise ProtocolError(f"the dosing window of {arm.id} runs from first_day to last_day", path=here)
