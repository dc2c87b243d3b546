"""A patient table goes in; what in it contradicts itself by the protocol comes out, counted."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from ...criteria.contents import Protocol
from ...criteria.engine import facts, partial_fields, worked_value
from ...criteria.expressions import expression
from ...criteria.protocol.model import ROUNDING
from .checks import Finding, finding, number_of, one_row

_SAID = "said:"


def contradictions(table: Any, protocol: Protocol, present: tuple[str, ...], n: int) -> list[Finding]:
    """Flags that are true of patients to whom they cannot apply, and values that are not what others make of them.

    Args:
        table: Narwhals frame in the protocol's own words.
        protocol: says to whom flags apply, and how fields are worked out.
        present: the fields that the table has.
        n: its number of patients.
    """
    hanging = [name for name in present if name in protocol.applies or name in protocol.derived]
    if not hanging:
        return []
    said = [nw.col(name).alias(_SAID + name) for name in hanging]
    known = facts(table.with_columns(*said), protocol, tuple(hanging), tuple(_SAID + name for name in hanging))
    partial = partial_fields(known)
    idle = {
        name: nw.col(_SAID + name) & ~expression(protocol.applies[name], partial)
        for name in hanging
        if name in protocol.applies
    }
    apart = {name: _differ(name, protocol) for name in hanging if name in protocol.derived}
    counted = one_row(
        known.select(
            *(number_of(rows).alias(f"idle:{name}") for name, rows in idle.items()),
            *(number_of(rows).alias(f"apart:{name}") for name, rows in apart.items()),
        )
    )
    found = [
        finding(name, name, "true although it does not apply", count, n, "true", "read as false")
        for name in idle
        if (count := counted[f"idle:{name}"])
    ]
    for name in apart:
        if count := counted[f"apart:{name}"]:
            pair = {"recorded": nw.col(_SAID + name), "worked": worked_value(name, protocol)}
            pair = one_row(known.filter(apart[name]).select(**pair).head(1))
            example = " and ".join(protocol.fields[name].write(value, unit=False) for value in pair.values())
            found.append(finding(name, name, "recorded and worked out differ", count, n, example, "recorded is taken"))
    return found


def _differ(name: str, protocol: Protocol) -> nw.Expr:
    said, worked = nw.col(_SAID + name), worked_value(name, protocol)
    if protocol.fields[name].type != "number":
        return said != worked
    far = (said - worked).abs()
    return (far > said.abs() * ROUNDING) & (far > worked.abs() * ROUNDING)
