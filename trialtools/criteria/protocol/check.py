"""What makes a protocol valid: each rule in turn, each fault with its place."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from ..language import MAX_NUMBER, ProtocolError, nearest, parse, parse_number
from ..language.formula import NUMERIC, Arithmetic, CompletedTime, Formula, Name, Value, names
from .field import MAX_CRITERIA, name_fault

if TYPE_CHECKING:
    from .field import Field
    from .model import ProtocolData

_Path = tuple[str | int, ...]
_Faults = Iterator[tuple[str, _Path]]
"""Messages, each with its path in the protocol; only the first is raised, so that a rule may trust those before it."""


def check_protocol(protocol: ProtocolData) -> None:
    """Raise the first fault of a protocol.

    Raises:
        ProtocolError: what is wrong, with its `path` in the protocol.
    """
    rules = (_ids, _fields, _derivations, _criteria, _readings, _expressions, _quotes, _ambiguities, _arms, _design)
    for rule in rules:
        faults = rule(protocol)
        for message, path in faults:
            raise ProtocolError(message, path=path)


def _ids(protocol: ProtocolData) -> _Faults:
    is_text = [isinstance(each, str) for each in protocol.eligibility or ()]
    if protocol.eligibility is not None and is_text != [True, True] and (any(is_text) or not is_text):
        yield _SPANS, ("eligibility",)
    if not _is_id(protocol.id):
        yield f"'{protocol.id}' is not an id; {_ID}", ("id",)
    if not protocol.criteria:
        yield "a protocol needs at least one criterion", ("criteria",)
    if (count := len(protocol.criteria)) > MAX_CRITERIA:
        message = f"the protocol has {count} criteria; at most {MAX_CRITERIA} are read, so join some with and, or"
        yield message, ("criteria", MAX_CRITERIA)
    for part in ("criteria", "facts", "ambiguities", "arms"):
        seen: set[str] = set()
        for position, item in enumerate(getattr(protocol, part)):
            here = (part, position, "id")
            if not _is_id(item.id):
                yield f"'{item.id}' is not an id; {_ID}", here
            if item.id in seen:
                yield f"the id {item.id} stands twice in {part}; each needs its own", here
            seen.add(item.id)


_ID = "use plain letters, digits, _ or -"
_SPANS = "eligibility is the words before the criteria and those after them, [from, to], or a list of such pairs"


def _is_id(id: str) -> bool:
    return id.isascii() and id.replace("_", "").replace("-", "").isalnum()


def _fields(protocol: ProtocolData) -> _Faults:
    for name, field in protocol.fields.items():
        here = ("fields", name)
        if wrong := name_fault(name):
            yield wrong, (*here, "")
        if (field.type == "category") != bool(field.values):
            wrong = "a category needs values: [a, b]" if field.type == "category" else "only a category has values"
            yield f"{name}: {wrong}", (*here, "values") if field.values else here
        if field.ordered and field.type != "category":
            yield f"{name}: only the values of a category can be ordered", (*here, "ordered")
        if len(set(field.values)) < len(field.values):
            yield f"{name}: a value stands twice", (*here, "values")
        if field.range is not None and (wrong := _impossible(field)):
            yield f"{name}: {wrong}", (*here, "range")
        if field.step is not None and not 0 < field.step < math.inf:
            yield f"{name}: a step is a number above 0", (*here, "step")
        if field.cost < 0:
            yield f"{name}: a cost is 0 or more", (*here, "cost")
        if field.applies and field.type != "flag":
            yield f"{name}: only a flag can have the key applies", (*here, "applies")


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


def _derivations(protocol: ProtocolData) -> _Faults:
    """Fields that are worked out from others."""
    for name, field in protocol.fields.items():
        here = ("fields", name, "from")
        if field.from_ is None:
            continue
        if field.type not in ("number", "integer", "flag"):
            yield f"{name}: only a number, a whole number or a flag is worked out from others", here
        if isinstance(field.from_, str):
            texts: dict[_Path, str] = {here: field.from_}
        else:
            yield from _cases(name, field.from_, protocol.fields)
            texts = {(*here, value): text for value, text in field.from_.items() if value != "by"}
        for path, text in texts.items():
            try:
                formula = (parse if field.type == "flag" else parse_number)(text, protocol.fields)
            except ProtocolError as error:
                raise error.at(*path) from None
            if field.type == "integer" and not _is_whole(formula):
                message = f"{name}: a whole number is worked out from whole numbers by + - * min max, or counted by"
                yield f"{message} completed_years or completed_months; say type: number", path


def _cases(name: str, cases: dict[str, str], fields: dict[str, Field]) -> _Faults:
    """What is worked out by one formula for each value of a category."""
    here, by = ("fields", name, "from"), cases.get("by")
    if by is None:
        yield f"{name}: from needs by:, the category that tells its formulas apart", here
    if by not in fields or fields[by].type != "category":
        hint = nearest(by or "", [each for each, field in fields.items() if field.type == "category"])
        yield f"{name}: from is told apart by a category, and '{by}' is none{hint}", (*here, "by")
        return
    if odd := next((value for value in cases if value != "by" and value not in fields[by].values), None):
        yield f"'{odd}' is no value of {by}{nearest(odd, fields[by].values)}", (*here, odd, "")
    if lacking := next((value for value in fields[by].values if value not in cases), None):
        yield f"{name}: from says nothing of {by} '{lacking}'", here


def _is_whole(formula: Formula) -> bool:
    match formula:
        case Name(_, type):
            return type == "integer"
        case Value(value):
            return isinstance(value, int)
        case Arithmetic("+" | "-" | "*" | "min" | "max", left, right):
            return _is_whole(left) and _is_whole(right)
    return isinstance(formula, CompletedTime)


def _criteria(protocol: ProtocolData) -> _Faults:
    texts: dict[str, str] = {}
    for position, criterion in enumerate(protocol.criteria):
        here = ("criteria", position)
        ways = {"ask": criterion.ask, "when": criterion.when is not None, "readings": bool(criterion.readings)}
        keys = [key for key, is_there in ways.items() if is_there]
        if not keys:
            yield f"{criterion.id} says nothing; add when:, readings: if the sentence is ambiguous, or ask: true", here
        if len(keys) > 1:
            yield f"{criterion.id} has both {keys[0]}: and {keys[1]}:, and one of them must go", (*here, keys[0])
        twin = texts.setdefault(criterion.question_name, criterion.id) if criterion.ask else criterion.id
        if twin != criterion.id:
            message = f"the questions of {twin} and {criterion.id} would have one name; choose another id"
            yield message, (*here, "id")


def _readings(protocol: ProtocolData) -> _Faults:
    for id, reading in protocol.readings.items():
        here = ("readings", id)
        if id not in protocol.criterion:
            yield f"a reading is chosen for '{id}', which is no criterion{nearest(id, protocol.criterion)}", here
        readings = [name for name in protocol.criterion[id].texts if name]
        if reading not in readings:
            hint = nearest(reading, readings) or "; it is read in one way only"
            yield f"criterion {id} has no reading '{reading}'{hint}", here


def _expressions(protocol: ProtocolData) -> _Faults:
    for path, text in expressions(protocol):
        try:
            formula = parse(text, protocol.fields)
        except ProtocolError as error:
            raise error.at(*path) from None
        chained = [name for name in names(formula) if protocol.fields[name].applies] if path[-1] == "applies" else []
        if chained:
            yield f"this asks about {chained[0]}, which has an applies: of its own; ask about its cause instead", path
    _ = protocol.depth  # raises for a field that hangs on itself


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


def _quotes(protocol: ProtocolData) -> _Faults:
    if not protocol.text:
        return
    text = squeeze(protocol.text)
    for position, each in enumerate(protocol.eligibility or ()):
        for place, heading in enumerate([each] if isinstance(each, str) else each):
            if squeeze(heading) not in text:
                here = ("eligibility", position, *([] if isinstance(each, str) else [place]))
                yield f"'{heading}' is not in the registry text", here
    for path, quote in quotes(protocol):
        if squeeze(quote) not in text:
            difference = _difference(squeeze(quote), text)
            yield f"this quote is not in the registry text, word for word: {difference}", path


def _difference(quote: str, text: str) -> str:
    """Where a quote and the text part ways."""
    shared = bisect.bisect_left(range(1, len(quote) + 1), True, key=lambda end: quote[:end] not in text)
    if shared < 6:
        return f"'{quote}'"
    after = text.index(quote[:shared]) + shared
    start = quote.rfind(" ", 0, max(shared - 20, 0)) + 1
    before, here, there = quote[start:shared].strip(), text[after : after + 20], quote[shared : shared + 20]
    return f"after '{before}' the text says '{here}', not '{there}'"


def quotes(protocol: ProtocolData) -> Iterator[tuple[_Path, str]]:
    """Every quote of the registry text with its path."""
    for part in ("criteria", "arms"):
        for position, item in enumerate(getattr(protocol, part)):
            here = (part, position, "quote")
            if isinstance(item.quote, str):
                yield here, item.quote
            else:
                yield from (((*here, n), quote) for n, quote in enumerate(item.quote))
    for position, quote in enumerate(protocol.not_rules):
        yield ("not_rules", position), quote
    for position, arm in enumerate(protocol.arms):
        if arm.dosing and arm.dosing.quote:
            yield ("arms", position, "dosing", "quote"), arm.dosing.quote
    for name, item in protocol.design.items():
        if item.quote:
            yield ("design", name, "quote"), item.quote


def squeeze(text: str) -> str:
    """Text with every run of white space as one space; line breaks of a copy do not matter."""
    return " ".join(text.split())


def stretches(text: str, spans: Iterable[tuple[str, str]]) -> list[str]:
    """What stands between the words of each pair, one behind the other; "" is the start of a text, or its end.

    >>> stretches("In: a. Then b. Out: c.", [("In:", "Then"), ("Out:", "")])
    [' a. ', ' c.']
    """
    parts, rest = [], text
    for first, last in spans:
        rest = rest.partition(first)[2] if first and first in rest else rest
        stretch, mark, after = rest.partition(last) if last else (rest, "", "")
        parts.append(stretch)
        rest = mark + after
    return parts


def _ambiguities(protocol: ProtocolData) -> _Faults:
    places = [*protocol.criterion, *(arm.id for arm in protocol.arms), *(f"design.{name}" for name in protocol.design)]
    for position, ambiguity in enumerate(protocol.ambiguities):
        here = ("ambiguities", position)
        if ambiguity.at not in places:
            message = f"{ambiguity.id} is at '{ambiguity.at}', which is no criterion, arm or design item"
            yield message + nearest(ambiguity.at, places), (*here, "at")
        readable = ambiguity.at in protocol.criterion and len(protocol.criterion[ambiguity.at].readings) > 1
        if ambiguity.treatment == "reading" and not readable:
            message = f"{ambiguity.id} is settled by a reading, but {ambiguity.at} has no second reading"
            yield message, (*here, "treatment")


def _design(protocol: ProtocolData) -> _Faults:
    for name, item in protocol.design.items():
        if item.assumed and not item.why:
            yield f"the assumption {name} needs a reason; add why:", ("design", name)
        if name == "strata":
            is_list = isinstance(item.value, list | tuple)
            wrong = [place for place, each in enumerate(item.value) if not isinstance(each, str)] if is_list else []
            if wrong or not is_list:
                message = 'strata are a list of conditions as text, and of site, such as ["age > 65", site]'
                yield message, ("design", name, "value", *wrong[:1])


def _arms(protocol: ProtocolData) -> _Faults:
    dates = [name for name, field in protocol.fields.items() if field.type == "date"]
    for position, arm in enumerate(protocol.arms):
        if arm.label in (other.label for other in protocol.arms[:position]):
            yield f"two arms are called '{arm.label}'; a report could not tell them apart", ("arms", position, "label")
        here, dosing = ("arms", position, "dosing"), arm.dosing
        if dosing and dosing.anchor not in dates:
            message = f"the dosing window of {arm.id} needs a date field as anchor{nearest(dosing.anchor, dates)}"
            yield message, (*here, "anchor")
        if dosing and not 0 <= dosing.first_day <= dosing.last_day:
            window = f"day {dosing.first_day} to day {dosing.last_day}"
            yield f"the dosing window of {arm.id} runs from {window}; it goes forward from day 0 or later", here
