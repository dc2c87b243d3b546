"""The units of a protocol go in; the ones that nobody knows, and fields of different units held together, come out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ..language import Arithmetic, Compare, Formula, Name, ProtocolError, children
from ..protocol import ProtocolData
from ..units import factor, parse_unit
from .finding import Finding, finding_for, titles


def unit_findings(protocol: ProtocolData) -> Iterator[Finding]:
    """Units that are not known, and criteria that compare or add fields whose units differ."""
    for name, field in protocol.fields.items():
        if field.unit is None:
            continue
        try:
            parse_unit(field.unit, name)
        except ProtocolError as error:
            sentence = f"{error.message}. No table can be turned into it; what is counted stands in braces: {{points}}."
            yield finding_for(protocol, "unit", name, sentence)
    for id, formula in protocol.requirements.items():
        for first, second in _pairs(formula):
            a, b = (protocol.fields[name].unit for name in (first, second))
            if why := _differ(first, a, second, b):
                sentence = f"{titles(protocol, id)} holds {first} against {second}, but {why}."
                yield finding_for(protocol, "unit", f"{id}:{first}+{second}", sentence, [id])


def _pairs(formula: Formula) -> Iterator[tuple[str, str]]:
    """Pairs of fields that are compared, added or subtracted as they are."""
    match formula:
        case Compare(operands, _):
            found = [operand.name for operand in operands if isinstance(operand, Name)]
            yield from pairwise(found)
        case Arithmetic("+" | "-", Name(first), Name(second)):
            yield first, second
    for child in children(formula):
        yield from _pairs(child)


def _differ(first: str, a: str | None, second: str, b: str | None) -> str:
    """Why the units of two fields are not one and the same; nothing where they are, or where one has none."""
    if a is None or b is None or a == b:
        return ""
    try:
        same = factor(a, b, first) == (1, 0)
    except ProtocolError:
        same = False
    return "" if same else f"{first} is in {a} and {second} in {b}"
