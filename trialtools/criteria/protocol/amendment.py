"""A protocol and changes of its criteria go in; the amended protocol comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..language import ProtocolError, nearest
from .model import Ambiguity, AnyProtocol, Criterion


def amend(protocol: AnyProtocol, changes: Mapping[str, str | bool | Criterion | None]) -> AnyProtocol:
    """The protocol with some criteria changed, added or left out; nothing else moves.

    Args:
        protocol: stays as it is.
        changes: by criterion id, what the criterion now says, in the language of criteria; None leaves it out, a whole
            `Criterion` replaces or adds one. An expression ends the ambiguity of a sentence: its readings are gone, and
            so is its question.

    Raises:
        ProtocolError: no such criterion, or an expression that cannot be read.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> younger = protocol.amend({"I1": "18 <= age <= 75"})
    >>> younger.criterion["I1"].when, younger.sha256 == protocol.sha256
    ('18 <= age <= 75', False)
    """
    for id, change in changes.items():
        if id not in protocol.criterion and not isinstance(change, Criterion):
            raise ProtocolError(f"no criterion '{id}'{nearest(id, protocol.criterion)}; a new one needs a Criterion")
    criteria = [_amend(c, changes[c.id]) if c.id in changes else c for c in protocol.criteria]
    added = [change for id, change in changes.items() if id not in protocol.criterion]
    kept = {c.id: c for c in (*criteria, *added) if isinstance(c, Criterion)}
    notes = [a for a in protocol.ambiguities if a.at not in protocol.criterion or a.at in kept]
    return replace(
        protocol,
        criteria=tuple(kept.values()),
        readings={id: reading for id, reading in protocol.readings.items() if id in kept and kept[id].readings},
        ambiguities=tuple(_unsettle(ambiguity, kept) for ambiguity in notes),
    )


def _unsettle(ambiguity: Ambiguity, kept: Mapping[str, Criterion]) -> Ambiguity:
    """What a reading had settled is a mere note once the sentence has no second reading."""
    gone = ambiguity.treatment == "reading" and len(kept[ambiguity.at].readings) < 2
    return replace(ambiguity, treatment="note") if gone else ambiguity


def _amend(criterion: Criterion, change: str | bool | Criterion | None) -> Criterion | None:
    if change is None or isinstance(change, Criterion):
        return change
    return replace(criterion, when=change, readings={}, ask=False)
