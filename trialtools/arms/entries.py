"""A row of the ledger's file goes in, an entry comes out: its columns, what each kind of entry holds, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

COLUMNS = ("seq", "at", "kind", "patient", "person", "stratum", "position", "kit", "detail", "previous", "hash")
_SIGNED, _PLACE = {"name", "reason", "by"}, {"stratum", "position", "kit"}
_JUDGED = {"site", "decision", "failed", "unknown", "facts", "on", "window", "against", "protocol", "by"}
_OPENED = {"protocol", "sha256", "bound", "strata", "sites", "kits", "needs_key", "public_key", "commitment", "by"}
_SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "opened": (set(), _OPENED),
    "kit": (_PLACE, {"sealed"}),
    "mixed": (set(), {"number", "giver", "by"}),
    "mixed kit": (_PLACE, {"sealed"}),
    "allocated": (_PLACE | {"patient", "person"}, _JUDGED | {"override"}),
    "refused": ({"patient", "person", "stratum"}, _JUDGED | {"why"}),
    "amended": (set(), {"sha256", "before", "by"}),
    "corrected": ({"patient"}, _SIGNED | {"what", "was", "now"}),
    "returned": ({"patient", "kit"}, _SIGNED),
    "unblinded": ({"patient", "kit"}, _SIGNED),
}
"""Of every kind of entry the columns that are filled, and what its detail holds."""
_OPTIONAL = {"second", "synthetic"}
"""What the detail of an opening may hold besides."""
_TYPES: dict[str, type] = {
    **dict.fromkeys(("bound", "by", "facts"), dict),
    **dict.fromkeys(("strata", "sites", "failed", "unknown", "against"), list),
    **dict.fromkeys(("kits", "needs_key", "synthetic"), int),
    **dict.fromkeys(("was", "now", "window", "override"), object),
}
"""What the parts of a detail are; the others are texts."""


@dataclass(frozen=True)
class LedgerEntry:
    """One entry. `detail` is what belongs to its kind; `hash` covers everything else, the `previous` hash included.

    `person` is the patient's id as `fold_id` has it, `written` is `detail` as the file has it.
    """

    kind: str
    detail: dict[str, Any] = field(default_factory=dict)
    patient: str | None = None
    stratum: str | None = None
    position: int | None = None
    kit: str | None = None
    person: str | None = None
    seq: int = 0
    at: str = ""
    previous: str = ""
    hash: str = ""
    written: str = ""

    @property
    def head(self) -> str:
        """Number and hash: kept outside the file, they show later that the entry is there and was not changed."""
        return f"{self.seq}:{self.hash}"

    @property
    def is_dated(self) -> bool:
        """Whether its time is one, in UTC."""
        try:
            return datetime.fromisoformat(self.at).tzname() == "UTC"
        except (ValueError, TypeError):
            return False

    @property
    def misshape(self) -> str:
        """What the entry lacks, or has too much; empty where it is as the ledger writes its kind."""
        if self.kind not in _SHAPES:
            return f"the ledger writes no '{self.kind}'"
        columns, keys = _SHAPES[self.kind]
        filled = {c for c in ("patient", "person", "stratum", "position", "kit") if getattr(self, c) is not None}
        filled |= set() if self.is_dated else {"at"}
        allowed = _OPTIONAL if self.kind == "opened" else set()
        apart = sorted((filled ^ columns) | ((set(self.detail) ^ keys) - allowed))
        return f"not as the ledger writes it: {', '.join(apart)}" if apart else ""

    @property
    def mistyped_parts(self) -> str:
        """The parts that a forger made of another kind, where the hashes were made anew as well; empty if none."""
        wrong = [name for name, value in self.detail.items() if not isinstance(value, _TYPES.get(name, str))]
        override = self.detail.get("override") or {"name": "", "reason": ""}
        if not isinstance(override, dict) or set(override) != {"name", "reason"}:
            wrong.append("override")
        if not {"user"} <= set(self.detail.get("by", ["user"])) or not isinstance(self.position, int | None):
            wrong.append("by or position")
        return f"not as the ledger writes it: {', '.join(wrong)}" if wrong else ""

    @property
    def day_note(self) -> str:
        """What is to be told of an allocation whose given day is not the clock's; one day apart is the zone's."""
        on = date.fromisoformat(self.detail["on"])
        return f"the day given is {on}, the clock said {self.day}" if abs((self.day - on).days) > 1 else ""

    @property
    def day(self) -> date:
        """The day on which it was written, by the clock (UTC)."""
        return datetime.fromisoformat(self.at).date()

    def row(self) -> tuple[int | str | None, ...]:
        """The values as the file holds them, in the order of `COLUMNS`."""
        return tuple(self.written if column == "detail" else getattr(self, column) for column in COLUMNS)


def hash_of(row: Sequence[int | str | None]) -> str:
    """The hash of a row of the file: SHA-256 over the bytes of every column but the hash itself.

    Each value is written as its kind, its length and itself, so that no two rows look alike: `n;` where it is empty,
    `i41;` for a number, `t5:K-007;` for a text (its length in bytes, then UTF-8).

    >>> hash_of([1, "K-007", None, "hash"])[:16]
    'bd908fb9e37bbb38'
    """
    parts = []
    for value in row[:-1]:
        if value is None:
            parts.append(b"n;")
        elif isinstance(value, int):
            parts.append(b"i%d;" % value)
        else:
            text = str.encode(value)
            parts.append(b"t%d:%b;" % (len(text), text))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def digest(content: Any) -> str:
    """SHA-256 of plain data: JSON with sorted keys, no blanks, nothing beyond ASCII."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def entry_of(row: Sequence[Any]) -> LedgerEntry:
    """The entry in a row of the file.

    Raises:
        ValueError: its detail is not what `canonical` writes: not JSON, no mapping, a key twice, other blanks.
    """
    values = dict(zip(COLUMNS, row, strict=True))
    try:
        detail = json.loads(values["detail"])
    except RecursionError:
        raise ValueError("nested deeper than anything that the ledger writes") from None
    if not isinstance(detail, dict) or canonical(detail) != values["detail"]:
        raise ValueError("not written by the ledger")
    return LedgerEntry(**{**values, "detail": detail, "written": values["detail"]})
