"""A plan goes in, a ledger that commits to its list comes out; then a number that its opener could not know goes in.

Who opens a ledger draws a secret seed, and the ledger commits to it. That binds the seed, not the choice of it: who
opens a hundred ledgers can keep the one whose list pleases. So the commitment is given away first, and a second person
names a number afterwards (or a public source does, named beforehand). The list then follows from seed and number
together, and nobody could choose it. A ledger without such a number says so wherever it is shown.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..criteria.contents import Protocol
from .allocation import check_strata, kit_list, plan_of
from .chain import LedgerError, append, create, find, link, read_access, write_access
from .entries import LedgerEntry
from .minimization import Plan
from .people import author, check_name, fold_id, readable
from .plans import BasePlan, is_whole
from .request import binding
from .sealing import Key, read_key, seal
from .strata import SITE

PathLike = str | os.PathLike[str]
DIGITS = 9
"""A number with fewer could have been tried out beforehand, every one of them."""
_ALONE = "opened by one person alone: without a second person's number, whoever opened it could choose the list"


@dataclass(frozen=True)
class Opening:
    """How a ledger was opened, and whether a second person's number was mixed in."""

    detail: Mapping[str, Any]
    mixed: Mapping[str, Any] | None

    @property
    def commitment(self) -> str:
        """What the opener is bound to; given to the second person before the number is named."""
        return self.detail["commitment"]

    @property
    def number(self) -> str | None:
        """The number that was mixed in."""
        return self.mixed["number"] if self.mixed else None

    @property
    def kits(self) -> str:
        """The kind of entry of the kits that are given."""
        return "mixed kit" if self.mixed else "kit"

    @property
    def statement(self) -> str:
        """Who could have chosen the list, in a sentence."""
        if "synthetic" in self.detail:
            return "opened for a synthetic trial, by one person alone: whoever knows its seed knows every arm"
        if self.mixed is None:
            named = self.detail.get("second")
            return f"{_ALONE}; it waits for the number of {named}" if named else _ALONE
        few = "" if len(self.mixed["number"]) >= DIGITS else ", which has so few digits that all could be tried"
        return f"the list follows from the opener's seed and the number {self.number} of {self.mixed['giver']}{few}"


def opening_of(connection: sqlite3.Connection) -> Opening:
    """The opening of a ledger that is being read."""
    entries = find(connection, "kind IN ('opened', 'mixed')")
    if not entries or entries[0].seq != 1:
        raise LedgerError("this ledger does not begin with its opening; trialtools arms verify says what is wrong")
    return Opening(entries[0].detail, next((e.detail for e in entries if e.kind == "mixed"), None))


def opening(ledger: PathLike) -> Opening:
    """How a ledger was opened: its commitment, the number that was mixed in, and what that means, as a statement."""
    with read_access(Path(ledger)) as connection:
        return opening_of(connection)


def open_ledger(
    ledger: PathLike,
    key: PathLike,
    protocol: Protocol,
    plan: Plan,
    n: int,
    sites: tuple[str, ...] = (),
    synthetic: int | None = None,
    second: str = "",
    name: str = "",
) -> str:
    """Make a ledger for a site and the key to it, once, by the unblinded statistician; returns the ledger's head.

    Args:
        ledger: file to make; it holds no secret. Its folder must have room for a journal beside it.
        key: file to make, for its owner only; to be kept apart from the ledger.
        protocol: allocation takes decisions under this protocol and its chosen readings only.
        plan: from `tt.arms.plan`: arms, strata (conditions, and `site`) and the procedure. The key file holds it.
        n: kits for every stratum; under minimization, for every share of the ratio at every site.
        sites: where patients are allocated; the protocol's own by default.
        synthetic: the seed of a synthetic trial, so that its arms can be made again; the ledger says so for ever.
        second: who will name the second number, or the public source and the moment that it will come from. Nobody is
            allocated before it is mixed in.
        name: of the person who opens it.

    The seed comes from the system's source of randomness. The ledger commits to seed and plan by a salted hash: give
    the `commitment` of `opening(ledger)` away, then `mix` in what a second person names.

    Raises:
        LedgerError: either file exists or cannot be written (nothing is left then but perhaps the key), `plan` is no
            plan, no kits, no sites or the same twice.
        ProtocolError: a stratum is no condition over the protocol's fields.
    """
    ledger, sites = Path(ledger), sites or protocol.sites
    if not isinstance(plan, BasePlan):
        raise LedgerError(f"{type(plan).__name__} is no plan; make one with tt.arms.plan(protocol, procedure)")
    check_strata(protocol, plan.strata)
    if not is_whole(n) or (SITE in plan.strata and not sites) or len(set(map(fold_id, sites))) < len(sites):
        raise LedgerError("a ledger needs a whole number of kits above 0, and sites that differ")
    for site in sites:
        check_name(SITE, site)
    if ledger.exists():
        raise LedgerError(f"{ledger} exists; a ledger is opened once")
    secret = Key.new(plan, synthetic)
    detail = {"protocol": protocol.id, "sha256": protocol.sha256, "bound": binding(protocol, plan.strata)}
    detail |= {"strata": list(plan.strata), "sites": list(sites), "kits": n, "needs_key": plan.needs_key}
    detail |= {"public_key": secret.public, "commitment": secret.commitment, "by": author(name)}
    detail |= {"second": readable(second)} if second else {}
    detail |= {} if synthetic is None else {"synthetic": synthetic}
    kits = _seal_kits("kit", secret.public, kit_list(plan, secret.seed, sites, n))
    entries = list(link([LedgerEntry("opened", detail), *kits]))
    replace(secret, opened=entries[-1].hash).write(Path(key))
    create(ledger, entries)
    return entries[-1].head


def mix(ledger: PathLike, key: PathLike, number: int | str, giver: str, name: str = "") -> str:
    """Mix a second person's number into the seed, once, before the first allocation; returns the ledger's head.

    The kits that the opener's seed made are void, and new ones follow from seed and number. The commitment stays: it
    was given away before the number was named, and at the end the key shows that nothing else went into the list.

    Args:
        ledger: just opened.
        key: its key file.
        number: a whole number from 0, as it was named (a text may be hexadecimal, `0x…`); nine digits or more, so that
            nobody can have tried all of them.
        giver: who named it, or the public source and its moment.
        name: of the person who enters it.

    Raises:
        LedgerError: no whole number or no name, a number mixed in already, or patients allocated already.
    """
    value, giver = whole_number(number), readable(giver)
    if not giver:
        raise LedgerError("say who named the number, or the public source and its moment")
    with write_access(Path(ledger)) as connection:
        opened = opening_of(connection)
        secret = read_key(key, opened.detail)
        if opened.mixed is not None:
            raise LedgerError(f"the number {opened.number} of {opened.mixed['giver']} was mixed in already")
        if find(connection, "kind = 'allocated'"):
            raise LedgerError("patients are allocated already; a number is mixed in before the first of them")
        if fold_id(giver) == fold_id(str(opened.detail["by"].get("name", ""))):
            raise LedgerError(f"{giver} opened the ledger; the number must come from somebody else")
        sites, plan = tuple(opened.detail["sites"]), plan_of(secret.plan)
        kits = kit_list(plan, secret.list_seed(value), sites, opened.detail["kits"])
        mixed = LedgerEntry("mixed", {"number": value, "giver": giver, "by": author(name)})
        return append(connection, mixed, *_seal_kits("mixed kit", secret.public, kits)).head


def whole_number(number: int | str) -> str:
    """A whole number in decimal digits, the same however it was written: its spelling must be nobody's choice.

    Raises:
        LedgerError: it is none.

    >>> whole_number("0x2A"), whole_number(42), whole_number("42")
    ('42', '42', '42')
    """
    text = str(number).strip().lower()
    try:
        value = int(text, 16 if text.startswith("0x") else 10)
    except ValueError:
        value = -1
    if value < 0:
        raise LedgerError(f"'{number}' is no whole number from 0, such as 271828182 or 0x2f3a91c4")
    return str(value)


def _seal_kits(kind: str, public: str, kits: list[tuple[str, int, str, str]]) -> list[LedgerEntry]:
    return [
        LedgerEntry(kind, {"sealed": seal(public, kit, arm)}, stratum=pool, position=position, kit=kit)
        for pool, position, kit, arm in kits
    ]
