"""Eligible patients go in, kit numbers come out, and every step stands in a ledger that anybody can check.

The site's file holds kit numbers in order and arms sealed to a public key. Who has the file alone can allocate, and
cannot see, foresee or quietly change an arm. What the file cannot show by itself, that its last entries were not cut
off or all of it rewritten, takes an anchor outside: the receipt of each allocation, or the `last_entry` that a report
prints.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..criteria.contents import Protocol
from ..criteria.language import evaluate, parse
from ..criteria.patient.tree import decide, state_by_criterion
from .allocation import check_strata, kit_list, plan_of
from .chain import LedgerEntry, LedgerError, append, chained, create, digest, find, last, reading, writing
from .dosing import dosing_window, window_status
from .minimization import Minimization, Plan
from .plans import BasePlan, is_whole
from .sealing import Key, read_key, seal, write_key
from .strata import SITE, strata, stratum_name

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Request:
    """A patient to be allocated: what is known of the person under a protocol, where, and on which day.

    The decision is worked out from the facts, under the protocol's chosen readings; it cannot be handed in.
    """

    protocol: Protocol = field(repr=False)
    patient: str
    facts: Mapping[str, Any] = field(repr=False)
    site: str
    on: date = field(default_factory=date.today)

    def __post_init__(self) -> None:
        for what, text in (("patient id", self.patient), (SITE, self.site)):
            _check_name(what, text)

    @cached_property
    def known(self) -> dict[str, Any]:
        return self.protocol.facts_of({k: v for k, v in self.facts.items() if k != "patient_id"})

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of every criterion."""
        return state_by_criterion(self.protocol, self.known)

    @property
    def decision(self) -> str:
        return decide(self.states.values())  # type: ignore[arg-type]

    @property
    def window(self) -> str | None:
        """Where `on` lies in the dosing window; None where the protocol has none."""
        due = dosing_window(self.protocol)
        return window_status(self.known.get(due.anchor), self.on, due) if due else None

    @property
    def content(self) -> dict[str, Any]:
        """What makes two requests the same, whenever they are made."""
        open_ = {s: [id for id, state in self.states.items() if state == s] for s in ("fail", "unknown")}
        facts = {name: str(value) for name, value in self.known.items() if value is not None}
        decided = {SITE: self.site, "decision": self.decision, "failed": open_["fail"], "unknown": open_["unknown"]}
        under = {"protocol": self.protocol.sha256, "readings": readings_in_force(self.protocol)}
        return {**decided, **under, "facts": digest(facts)}


@dataclass(frozen=True)
class Override:
    """Who answers for an allocation against the rules, and why."""

    name: str
    reason: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.reason.strip():
            raise LedgerError("an override needs a name and a reason")


@dataclass(frozen=True)
class Receipt:
    """What the site gets: the kit, and the entry that says so. Kept outside, `entry` and `hash` prove it later."""

    kit: str
    stratum: str
    entry: int
    hash: str


def readings_in_force(protocol: Protocol) -> dict[str, str]:
    """The reading in force of every ambiguous criterion."""
    return {c.id: protocol.reading(c.id) for c in protocol.criteria if c.readings}


def open_ledger(
    ledger: PathLike,
    key: PathLike,
    protocol: Protocol,
    plan: Plan,
    n: int,
    sites: tuple[str, ...] = (),
    synthetic: int | None = None,
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

    The seed comes from the system's source of randomness. The ledger commits to seed and plan by a salted hash.

    Raises:
        LedgerError: either file exists or cannot be written (nothing is left then but perhaps the key), `plan` is no
            plan, no kits, no sites or the same twice.
        ProtocolError: a stratum is no condition over the protocol's fields.
    """
    ledger, sites = Path(ledger), sites or protocol.sites
    if not isinstance(plan, BasePlan):
        raise LedgerError(f"{type(plan).__name__} is no plan; make one with tt.arms.plan(protocol, procedure)")
    check_strata(protocol, plan.strata)
    if not is_whole(n) or (SITE in plan.strata and not sites) or len(set(sites)) < len(sites):
        raise LedgerError("a ledger needs a whole number of kits above 0, and sites that differ")
    for site in sites:
        _check_name(SITE, site)
    if ledger.exists():
        raise LedgerError(f"{ledger} exists; a ledger is opened once")
    secret = Key.new(plan, synthetic)
    detail = {"protocol": protocol.id, "sha256": protocol.sha256, "readings": readings_in_force(protocol)}
    detail |= {"strata": list(plan.strata), "sites": list(sites), "kits": n}
    detail |= {"public_key": secret.public, "commitment": secret.commitment}
    detail["by"] = "key" if plan.needs_key else "list"  # whether the arm of a kit given is known beforehand
    detail |= {} if synthetic is None else {"synthetic": synthetic}
    kits = [
        LedgerEntry("kit", {"sealed": seal(secret.public, kit, arm)}, stratum=stratum, position=position, kit=kit)
        for stratum, position, kit, arm in kit_list(plan, secret.seed, sites, n)
    ]
    entries = list(chained([LedgerEntry("opened", detail), *kits]))
    write_key(Path(key), replace(secret, opened=entries[-1].hash))
    create(ledger, entries)
    return f"{entries[-1].seq}:{entries[-1].hash}"


def allocate(
    ledger: PathLike, request: Request, override: Override | None = None, key: PathLike | None = None
) -> Receipt:
    """The next kit of the patient's stratum, never an arm; on the disk before it is told.

    Under minimization the arm follows from those of earlier patients: allocation then runs only where the key is, and
    the kit is one of the arm's at the site.

    The same request again gets the same receipt, however often it is asked and whatever was interrupted. A refusal is
    recorded too. A decision that is not `eligible`, or a day that is not in the dosing window (early, late, unknown),
    needs an override.

    Raises:
        LedgerError: another protocol or reading, no override where one is needed, another request for the same
            patient, a stratum that cannot be told, no kit left, a file that cannot be written, no key where the
            procedure needs it, or a key where it does not.
    """
    with writing(Path(ledger)) as connection:
        (opened,) = find(connection, "seq = 1")
        secret = _needed(key, opened.detail)
        stratum = _of(request, opened.detail)
        if before := find(connection, "kind = 'allocated' AND patient = ?", [request.patient]):
            given, asked = before[0], {**request.content, "override": asdict(override) if override else None}
            differs = sorted(name for name, value in asked.items() if given.detail.get(name) != value)
            if not differs:
                return Receipt(str(given.kit), str(given.stratum), given.seq, given.hash)
            refusal = f"has a kit already, and the request differs in {', '.join(differs)}"
        else:
            refusal = _refusal(request) if override is None else None
        detail = {**request.content, "on": str(request.on), "window": request.window}
        kit = None if refusal else _next_kit(connection, stratum, opened.detail, secret)
        if kit:
            detail["override"] = asdict(override) if override else None
            entry = LedgerEntry("allocated", detail, request.patient, stratum, kit.position, kit.kit)
        else:
            refusal = refusal or "has no kit: those of the stratum are used up"
            entry = LedgerEntry("refused", {**detail, "why": refusal}, request.patient, stratum)
        entry = append(connection, entry)
    if refusal:
        raise LedgerError(f"patient {_short(request.patient)} {refusal}")
    return Receipt(str(entry.kit), stratum, entry.seq, entry.hash)


def _of(request: Request, opened: Mapping[str, Any]) -> str:
    """The patient's stratum in a ledger.

    Raises:
        LedgerError: the request belongs to another protocol, or its stratum cannot be told.
    """
    if request.protocol.sha256 != opened["sha256"]:
        raise LedgerError(f"the decision was made under another protocol than the ledger's {opened['protocol']}")
    if readings_in_force(request.protocol) != opened["readings"]:
        raise LedgerError("the decision was made under other readings than the ledger was opened with")
    if opened["sites"] and request.site not in opened["sites"]:
        raise LedgerError(f"no site {_short(request.site)} in this ledger; {', '.join(opened['sites'])}")
    answers = []
    for condition in opened["strata"]:
        known = evaluate(parse(condition, request.protocol.fields), request.known) if condition != SITE else True
        if known is None:
            raise LedgerError(f"the stratum cannot be told: '{condition}' is unknown of {_short(request.patient)}")
        answers.append(request.site if condition == SITE else "yes" if known else "no")
    return stratum_name(tuple(opened["strata"]), tuple(answers))


def _refusal(request: Request) -> str | None:
    """Why this patient cannot be allocated without an override."""
    if request.decision != "eligible":
        listed = ", ".join(id for id, state in request.states.items() if state != "pass")
        return f"is {request.decision} ({listed}): an override needs a name and a reason"
    if request.window not in (None, "in window"):
        return f"is not in the dosing window on {request.on} ({request.window}): an override needs a name and a reason"
    return None


def _needed(key: PathLike | None, opened: Mapping[str, Any]) -> Key | None:
    if opened.get("by") != "key":
        if key is not None:
            raise LedgerError("this ledger has its list and allocates without the key; keep the key away from the site")
        return None
    if key is None:
        raise LedgerError("minimization needs the arms of earlier patients: allocate where the key is, and give it")
    return read_key(key, opened)


def _next_kit(connection: Any, stratum: str, opened: Mapping[str, Any], secret: Key | None) -> LedgerEntry | None:
    if secret is not None:
        plan, sites = plan_of(secret.plan), tuple(opened["sites"])
        assert isinstance(plan, Minimization)  # no other plan needs the key
        levels = strata(plan.strata, sites)
        kits = kit_list(plan, secret.seed, sites, opened["kits"])
        past = [(levels[str(e.stratum)], str(e.kit)) for e in find(connection, "kind = 'allocated'")]
        kit = plan.next_kit(secret.seed, kits, past, levels[stratum])
        return find(connection, "kind = 'kit' AND kit = ?", [kit])[0] if kit else None
    given = "SELECT coalesce(max(position), 0) + 1 FROM entries WHERE kind = 'allocated' AND stratum = ?"
    found = find(connection, f"kind = 'kit' AND stratum = ? AND position = ({given})", [stratum, stratum])
    return found[0] if found else None


def unblind(ledger: PathLike, key: PathLike, patient: str, name: str, reason: str) -> str:
    """The arm of one patient; who asked and why is recorded before it is told.

    Raises:
        LedgerError: no name or reason, no such patient, or the key does not fit.
    """
    if not name.strip() or not reason.strip():
        raise LedgerError("unblinding needs a name and a reason")
    with writing(Path(ledger)) as connection:
        secret = read_key(key, find(connection, "seq = 1")[0].detail)
        found = find(connection, "kind = 'allocated' AND patient = ?", [patient])
        if not found:
            raise LedgerError(f"no patient {_short(patient)} was allocated")
        arm = _arm(connection, secret, str(found[0].kit))
        append(connection, LedgerEntry("unblinded", {"name": name, "reason": reason}, patient, kit=found[0].kit))
    return arm


def _arm(connection: Any, secret: Key, kit: str) -> str:
    (sealed,) = find(connection, "kind = 'kit' AND kit = ?", [kit])
    return secret.open(sealed.detail["sealed"], kit)


def allocations(ledger: PathLike, key: PathLike | None = None) -> pd.DataFrame:
    """Who was allocated, in order: pooled without the key, with a column `arm` under it.

    Columns: subject_id, site, stratum, randomized_on (the day that was asked for), kit, decision, window,
    override_by, override_reason, unblindings (how often), entry.
    """

    with reading(Path(ledger)) as connection:
        secret = read_key(key, find(connection, "seq = 1")[0].detail) if key else None
        opened = [entry.patient for entry in find(connection, "kind = 'unblinded'")]
        rows = []
        for entry in find(connection, "kind = 'allocated'"):
            by = entry.detail["override"] or {"name": None, "reason": None}
            row = {"subject_id": entry.patient, "site": entry.detail[SITE], "stratum": entry.stratum}
            row |= {"randomized_on": pd.Timestamp(entry.detail["on"]), "kit": entry.kit}
            row |= {"decision": entry.detail["decision"], "window": entry.detail["window"]}
            row |= {"override_by": by["name"], "override_reason": by["reason"]}
            row |= {"unblindings": opened.count(entry.patient), "entry": entry.seq}
            rows.append(row | ({"arm": _arm(connection, secret, str(entry.kit))} if secret else {}))
    columns = ["subject_id", "site", "stratum", "randomized_on", "kit", "decision", "window"]
    columns += ["override_by", "override_reason", "unblindings", "entry", *(["arm"] if secret else [])]
    return pd.DataFrame(rows, columns=columns)


def last_entry(ledger: PathLike) -> str:
    """Number and hash of the last entry, `57:9f3c…`: kept outside the file, it shows later that nothing was cut off."""
    with reading(Path(ledger)) as connection:
        return "{}:{}".format(*last(connection))


def _check_name(what: str, text: str) -> None:
    """A name that tells people apart; one that only looks like another is how a patient is allocated twice."""
    if not isinstance(text, str) or not text or text != text.strip():
        raise LedgerError(f"a {what} must not be empty, nor begin or end with blanks")
    if "\0" in text or unicodedata.normalize("NFC", text) != text or any("\ud800" <= c <= "\udfff" for c in text):
        raise LedgerError(f"{what} {_short(text)} holds letters that cannot be told apart; type it again")


def _short(text: str) -> str:
    """An id in a message: on one line, and not too long of it."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
