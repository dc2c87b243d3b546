"""Fields that are worked out from others: `from` goes in, a checked formula comes out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..language import (
    Arithmetic,
    Case,
    Completed,
    Formula,
    Interval,
    Name,
    ProtocolError,
    Value,
    names,
    nearest,
    parse,
    parse_number,
)

if TYPE_CHECKING:
    from .field import Field
    from .model import ProtocolData

Path = tuple[str | int, ...]
ROUNDING = 0.01
"""The part of a number by which what is recorded and what is worked out may differ."""


def formula_of(field: Field, fields: Mapping[str, Field]) -> Formula:
    """How a field is worked out: one formula, or one for each value of a category."""
    read = parse if field.type == "flag" else parse_number
    if isinstance(field.from_, str):
        return read(field.from_, fields)
    texts = dict(field.from_ or {})
    by = texts.pop("by")
    return Case(by, tuple((value, read(texts[value], fields)) for value in fields[by].values))


def check_derived(protocol: ProtocolData) -> None:
    """Raise the first fault of a field that is worked out.

    Raises:
        ProtocolError: what is wrong, with its `path` in the protocol.
    """
    for name, field in protocol.fields.items():
        here = ("fields", name, "from")
        if field.from_ is None:
            continue
        if field.type not in ("number", "integer", "flag"):
            message = f"{name}: only a number, a whole number or a flag is worked out from others"
            raise ProtocolError(message, path=here)
        if isinstance(field.from_, dict):
            _cases(name, field.from_, protocol.fields)
        for path, text in _texts_of(name, field):
            try:
                formula = (parse if field.type == "flag" else parse_number)(text, protocol.fields)
            except ProtocolError as error:
                raise error.at(*path) from None
            if field.type == "integer" and not _is_whole(formula):
                message = f"{name}: a whole number is worked out from whole numbers by + - * min max, or counted by"
                raise ProtocolError(f"{message} completed_years or completed_months; say type: number", path=path)


def _texts_of(name: str, field: Field) -> Iterator[tuple[Path, str]]:
    """Every expression of a field that is worked out, with its path."""
    here = ("fields", name, "from")
    if isinstance(field.from_, str):
        yield here, field.from_
    elif field.from_:
        yield from (((*here, value), text) for value, text in field.from_.items() if value != "by")


def causes(protocol: ProtocolData, name: str) -> tuple[str, ...]:
    """The fields that one hangs on: what it is worked out from, and what says whether it applies."""
    hangs_on = (formulas[name] for formulas in (protocol.derived, protocol.applies) if name in formulas)
    return tuple(dict.fromkeys(cause for formula in hangs_on for cause in names(formula)))


def parts(protocol: ProtocolData, name: str) -> tuple[str, ...]:
    """What a field is worked out from; nothing if it is only recorded."""
    return names(protocol.derived[name]) if name in protocol.derived else ()


def missing_parts(protocol: ProtocolData, name: str, known: Collection[str]) -> tuple[str, ...]:
    """What has to be found out for a field of which nothing is known: itself, or what it is worked out from."""
    open_ = [part for part in parts(protocol, name) if part not in known]
    return tuple(dict.fromkeys(lack for part in open_ for lack in missing_parts(protocol, part, known))) or (name,)


def with_causes(protocol: ProtocolData, fields: Iterable[str]) -> tuple[str, ...]:
    """Some fields and all that they hang on, in the order of `fields` in the protocol."""
    found, new = set[str](), set(fields)
    while new:
        found |= new
        new = {cause for name in new for cause in causes(protocol, name)} - found
    return tuple(name for name in protocol.fields if name in found)


def depths(protocol: ProtocolData) -> dict[str, int]:
    """By field, how many steps it is away from what is recorded.

    Raises:
        ProtocolError: a field that hangs on itself.
    """
    found: dict[str, int] = {}

    def depth(name: str, below: tuple[str, ...]) -> int:
        if name in below:
            circle = " -> ".join((*below[below.index(name) :], name))
            key = "from" if protocol.fields[name].from_ else "applies"
            raise ProtocolError(f"{name}: {key} asks about itself ({circle})", path=("fields", name, key))
        if name not in found:
            above = causes(protocol, name)
            found[name] = 1 + max(depth(cause, (*below, name)) for cause in above) if above else 0
        return found[name]

    for name in protocol.fields:
        depth(name, ())
    return found


def differ(recorded: Any, worked: Any) -> bool:
    """Whether two values of a field are not the same; numbers may differ by a hundredth, which is rounding."""
    if recorded is None or worked is None or isinstance(recorded, Interval) or isinstance(worked, Interval):
        return False
    if isinstance(worked, float):
        return abs(recorded - worked) > ROUNDING * max(abs(recorded), abs(worked))
    return recorded != worked


def _cases(name: str, cases: dict[str, str], fields: Mapping[str, Field]) -> None:
    here = ("fields", name, "from")
    by = cases.get("by")
    if by is None:
        raise ProtocolError(f"{name}: from needs by:, the category that tells its formulas apart", path=here)
    if by not in fields or fields[by].type != "category":
        hint = nearest(by, [each for each, field in fields.items() if field.type == "category"])
        raise ProtocolError(f"{name}: from is told apart by a category, and '{by}' is none{hint}", path=(*here, "by"))
    if odd := next((value for value in cases if value != "by" and value not in fields[by].values), None):
        raise ProtocolError(f"'{odd}' is no value of {by}{nearest(odd, fields[by].values)}", path=(*here, odd, ""))
    if lacking := next((value for value in fields[by].values if value not in cases), None):
        raise ProtocolError(f"{name}: from says nothing of {by} '{lacking}'", path=here)


def _is_whole(formula: Formula) -> bool:
    match formula:
        case Name(_, type):
            return type == "integer"
        case Value(value):
            return isinstance(value, int)
        case Arithmetic("+" | "-" | "*" | "min" | "max", left, right):
            return _is_whole(left) and _is_whole(right)
    return isinstance(formula, Completed)
