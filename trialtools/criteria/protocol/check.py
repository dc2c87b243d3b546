"""What makes a protocol valid: each rule in turn, each fault with its place."""

from __future__ import annotations

import bisect
import keyword
import math
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from ..language import MAX_NUMBER, NUMERIC, ProtocolError, names, nearest, parse
from .derived import check_derived, depths
from .names import MAX_CRITERIA, RESERVED, is_field_name, question_name

if TYPE_CHECKING:
    from .field import Field
    from .model import ProtocolData


def check(protocol: ProtocolData) -> None:
    """Raise the first fault of a protocol.

    Raises:
        ProtocolError: what is wrong, with its `path` in the protocol.
    """
    if not _is_id(protocol.id):
        raise ProtocolError(f"'{protocol.id}' is not an id; {_ID}", path=("id",))
    if not protocol.criteria:
        raise ProtocolError("a protocol needs at least one criterion", path=("criteria",))
    if len(protocol.criteria) > MAX_CRITERIA:
        count = len(protocol.criteria)
        message = f"the protocol has {count} criteria; at most {MAX_CRITERIA} are read, so join some with and, or"
        raise ProtocolError(message, path=("criteria", MAX_CRITERIA))
    _unique("criteria", (criterion.id for criterion in protocol.criteria))
    _unique("facts", (fact.id for fact in protocol.facts))
    _unique("ambiguities", (ambiguity.id for ambiguity in protocol.ambiguities))
    _unique("arms", (arm.id for arm in protocol.arms))
    _fields(protocol)
    check_derived(protocol)
    _criteria(protocol)
    _expressions(protocol)
    _quotes(protocol)
    _ambiguities(protocol)
    _arms(protocol)
    _design(protocol)


_ID = "use plain letters, digits, _ or -"


def _is_id(id: str) -> bool:
    return id.isascii() and id.replace("_", "").replace("-", "").isalnum()


def _unique(part: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for position, id in enumerate(ids):
        if not _is_id(id):
            raise ProtocolError(f"'{id}' is not an id; {_ID}", path=(part, position, "id"))
        if id in seen:
            raise ProtocolError(f"the id {id} stands twice in {part}; each needs its own", path=(part, position, "id"))
        seen.add(id)


def _fields(protocol: ProtocolData) -> None:
    for name, field in protocol.fields.items():
        here = ("fields", name)
        if wrong := _name_fault(name):
            raise ProtocolError(wrong, path=(*here, ""))
        if (field.type == "category") != bool(field.values):
            wrong = "a category needs values: [a, b]" if field.type == "category" else "only a category has values"
            raise ProtocolError(f"{name}: {wrong}", path=(*here, "values") if field.values else here)
        if field.ordered and field.type != "category":
            raise ProtocolError(f"{name}: only the values of a category can be ordered", path=(*here, "ordered"))
        if len(set(field.values)) < len(field.values):
            raise ProtocolError(f"{name}: a value stands twice", path=(*here, "values"))
        if field.range is not None and (wrong := _impossible(field)):
            raise ProtocolError(f"{name}: {wrong}", path=(*here, "range"))
        if field.step is not None and not 0 < field.step < math.inf:
            raise ProtocolError(f"{name}: a step is a number above 0", path=(*here, "step"))
        if field.cost < 0:
            raise ProtocolError(f"{name}: a cost is 0 or more", path=(*here, "cost"))
        if field.applies and field.type != "flag":
            raise ProtocolError(f"{name}: only a flag can have the key applies", path=(*here, "applies"))


def _name_fault(name: str) -> str:
    if is_field_name(name):
        return ""
    if keyword.iskeyword(name) or name in RESERVED:
        return f"'{name}' is a word of the language of criteria and cannot name a field; choose another"
    plain = re.sub(r"[\W_]+", "_", name.lower(), flags=re.ASCII).strip("_")
    return f"'{name}' cannot name a field; write {plain if is_field_name(plain) else 'a plain word, such as spo2'}"


def _impossible(field: Field) -> str:
    """What is wrong with a range."""
    low, high = field.range or (0, 1)
    if field.type not in (*NUMERIC, "date"):
        return "only a number or a date has a range"
    if field.type == "date":
        if not (isinstance(low, date) and isinstance(high, date)):
            return "a date has a range of dates, such as [2020-01-01, 2024-12-31]"
    elif isinstance(low, date) or isinstance(high, date):
        return "a number has a range of numbers, such as [0, 120]"
    elif not (abs(low) <= MAX_NUMBER and abs(high) <= MAX_NUMBER):
        return "a range ends at plain numbers, at most 1e15 either way"
    if not low < high:  # type: ignore[operator]
        return "a range runs from low to high"
    return "no whole number lies in the range" if field.limits[0] > field.limits[1] else ""


def _criteria(protocol: ProtocolData) -> None:
    asked: dict[str, str] = {}
    for position, criterion in enumerate(protocol.criteria):
        here = ("criteria", position)
        ways = {"ask": criterion.ask, "when": criterion.when is not None, "readings": bool(criterion.readings)}
        said = [key for key, is_there in ways.items() if is_there]
        if not said:
            message = f"{criterion.id} says nothing; add when:, readings: if the sentence is ambiguous, or ask: true"
            raise ProtocolError(message, path=here)
        if len(said) > 1:
            message = f"{criterion.id} has both {said[0]}: and {said[1]}:, and one of them must go"
            raise ProtocolError(message, path=(*here, said[0]))
        if criterion.ask and asked.setdefault(question_name(criterion.id), criterion.id) != criterion.id:
            twin = asked[question_name(criterion.id)]
            message = f"the questions of {twin} and {criterion.id} would have one name; choose another id"
            raise ProtocolError(message, path=(*here, "id"))
    for id, reading in protocol.readings.items():
        if id not in protocol.criterion:
            message = f"a reading is chosen for '{id}', which is no criterion{nearest(id, protocol.criterion)}"
            raise ProtocolError(message, path=("readings", id))
        known = [name for name in protocol.criterion[id].texts if name]
        if reading not in known:
            hint = nearest(reading, known) or "; it is read in one way only"
            raise ProtocolError(f"criterion {id} has no reading '{reading}'{hint}", path=("readings", id))


def _expressions(protocol: ProtocolData) -> None:
    for path, text in expressions(protocol):
        try:
            formula = parse(text, protocol.fields)
        except ProtocolError as error:
            raise error.at(*path) from None
        if path[-1] == "applies":
            chained = [name for name in names(formula) if protocol.fields[name].applies]
            if chained:
                message = f"this asks about {chained[0]}, which has an applies: of its own; ask about its cause instead"
                raise ProtocolError(message, path=path)
    depths(protocol)


def expressions(protocol: ProtocolData) -> Iterator[tuple[tuple[str | int, ...], str]]:
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


def _quotes(protocol: ProtocolData) -> None:
    if not protocol.text:
        return
    text = squeeze(protocol.text)
    for position, heading in enumerate(protocol.eligibility or ()):
        if squeeze(heading) not in text:
            raise ProtocolError(f"'{heading}' is not in the registry text", path=("eligibility", position))
    for path, quote in quotes(protocol):
        if squeeze(quote) not in text:
            message = f"this quote is not in the registry text, word for word: {_difference(squeeze(quote), text)}"
            raise ProtocolError(message, path=path)


def _difference(quote: str, text: str) -> str:
    """Where a quote and the text part ways."""
    shared = bisect.bisect_left(range(1, len(quote) + 1), True, key=lambda end: quote[:end] not in text)
    if shared < 6:
        return f"'{quote}'"
    after = text.index(quote[:shared]) + shared
    start = quote.rfind(" ", 0, max(shared - 20, 0)) + 1
    before, here, there = quote[start:shared].strip(), text[after : after + 20], quote[shared : shared + 20]
    return f"after '{before}' the text says '{here}', not '{there}'"


def quotes(protocol: ProtocolData) -> Iterator[tuple[tuple[str | int, ...], str]]:
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


def _ambiguities(protocol: ProtocolData) -> None:
    places = [*protocol.criterion, *(arm.id for arm in protocol.arms), *(f"design.{name}" for name in protocol.design)]
    for position, ambiguity in enumerate(protocol.ambiguities):
        here = ("ambiguities", position)
        if ambiguity.at not in places:
            message = f"{ambiguity.id} is at '{ambiguity.at}', which is no criterion, arm or design item"
            raise ProtocolError(message + nearest(ambiguity.at, places), path=(*here, "at"))
        readable = ambiguity.at in protocol.criterion and len(protocol.criterion[ambiguity.at].readings) > 1
        if ambiguity.treatment == "reading" and not readable:
            message = f"{ambiguity.id} is settled by a reading, but {ambiguity.at} has no second reading"
            raise ProtocolError(message, path=(*here, "treatment"))


def _design(protocol: ProtocolData) -> None:
    for name, item in protocol.design.items():
        if item.assumed and not item.why:
            raise ProtocolError(f"the assumption {name} needs a reason; add why:", path=("design", name))
        if name == "strata":
            listed = isinstance(item.value, list | tuple)
            wrong = [place for place, each in enumerate(item.value) if not isinstance(each, str)] if listed else []
            if wrong or not listed:
                message = 'strata are a list of conditions as text, and of site, such as ["age > 65", site]'
                raise ProtocolError(message, path=("design", name, "value", *wrong[:1]))


def _arms(protocol: ProtocolData) -> None:
    for position, arm in enumerate(protocol.arms):
        if arm.dosing is None:
            continue
        here = ("arms", position, "dosing")
        if arm.dosing.anchor not in protocol.fields or protocol.fields[arm.dosing.anchor].type != "date":
            dates = [name for name, field in protocol.fields.items() if field.type == "date"]
            message = f"the dosing window of {arm.id} needs a date field as anchor{nearest(arm.dosing.anchor, dates)}"
            raise ProtocolError(message, path=(*here, "anchor"))
        if not 0 <= arm.dosing.first_day <= arm.dosing.last_day:
            window = f"day {arm.dosing.first_day} to day {arm.dosing.last_day}"
            message = f"the dosing window of {arm.id} runs from {window}; it goes forward from day 0 or later"
            raise ProtocolError(message, path=here)
