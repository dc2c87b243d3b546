"""Eligible patients go in, kit numbers come out, and every step stands in a ledger that anybody can check.

The site's file holds kit numbers in order and arms sealed to a public key. Who has the file alone can allocate, and
cannot see, foresee or quietly change an arm. What the file cannot show by itself, that its last entries were not cut
off or all of it rewritten, takes an anchor outside: the receipt of each allocation, or the `last_entry` that a report
prints.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ..criteria.contents import Protocol
from .allocation import kit_list, plan_of
from .chain import LedgerError, append, find, last, read_access, write_access
from .commitment import Opening, PathLike, opening_of
from .entries import LedgerEntry
from .minimization import Minimization
from .people import author, fold_id, readable, short_id, signature
from .request import Override, Request, check_binding
from .sealing import Key, read_key
from .strata import SITE, Levels, strata

_ALLOCATIONS = (
    "subject_id", "site", "stratum", "randomized_on", "recorded_on", "kit", "decision", "window", "override_by",
    "override_reason", "allocated_by", "corrections", "kit_returned", "unblindings", "entry",
)  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """What the site gets: the kit, and the entry that says so. Kept outside, `entry` and `hash` prove it later.

    `note` tells what a person should look at: a day that the clock does not confirm.
    """

    kit: str
    stratum: str
    entry: int
    hash: str
    note: str = ""

    @property
    def head(self) -> str:
        """Number and hash of the entry."""
        return f"{self.entry}:{self.hash}"


def allocate(
    ledger: PathLike, request: Request, override: Override | None = None, key: PathLike | None = None, name: str = ""
) -> Receipt:
    """The next kit of the patient's stratum, never an arm; on the disk before it is told.

    Under minimization the arm follows from those of earlier patients: allocation then runs only where the key is, and
    the kit is one of the arm's at the site.

    The same request again gets the same receipt, however often it is asked and whatever was interrupted. A refusal is
    recorded too. A decision that is not `eligible`, a day that is not in the dosing window (early, late, unknown), or
    an id that is read aloud as an earlier one, needs an override.

    Args:
        ledger: of the trial.
        request: the patient.
        override: who answers for an allocation against the rules, and why.
        key: under minimization only.
        name: of the person who allocates; the user and the machine are recorded in any case.

    Raises:
        LedgerError: another protocol or reading, no override where one is needed, another request for the same
            patient, a stratum that cannot be told, no kit left, a file that cannot be written, no key where the
            procedure needs it, or a key where it does not; or the ledger waits for a second person's number.
    """
    by = author(name)
    with write_access(Path(ledger)) as connection:
        opened = opening_of(connection)
        secret = _need_key(key, opened.detail)
        _check_opening(connection, opened, request, by)
        stratum = request.stratum(opened.detail["strata"])
        judged, kit = request.judgement(opened.detail["strata"]), None
        against = [*request.against(), *_same_person(connection, request.patient)]
        answers = asdict(override) if override else None
        if before := find(connection, "kind = 'allocated' AND patient = ?", [request.patient]):
            now = {**judged, "override": answers}
            differs = sorted(part for part, value in now.items() if before[0].detail.get(part) != value)
            if not differs:
                return _receipt(before[0])
            refusal = f"has a kit already, and the request differs in {', '.join(differs)}"
        elif against and override is None:
            refusal = f"{'; '.join(against)}: an override needs a name and a reason"
        else:
            place = (connection, stratum, opened)
            kit = _minimized_kit(*place, secret) if secret else _kit_in_turn(*place)
            refusal = "" if kit else "has no kit: those of the stratum are used up"
        detail = {**judged, "on": str(request.on), "window": request.window, "against": against, "by": by}
        detail |= {"protocol": request.protocol.sha256} | ({"override": answers} if kit else {"why": refusal})
        kind, at = ("allocated", (kit.position, kit.kit)) if kit else ("refused", (None, None))
        answer = LedgerEntry(kind, detail, request.patient, stratum, *at, person=fold_id(request.patient))
        entry = append(connection, answer)
    if refusal:
        raise LedgerError(f"patient {short_id(request.patient)} {refusal}")
    return _receipt(entry)


def _receipt(entry: LedgerEntry) -> Receipt:
    return Receipt(str(entry.kit), str(entry.stratum), entry.seq, entry.hash, entry.day_note)


def _check_opening(connection: sqlite3.Connection, opened: Opening, request: Request, by: dict[str, str]) -> None:
    """Nothing, where the request belongs to this ledger; a change of the protocol that allocation does not read is an
    entry."""
    check_binding(opened.detail, request.protocol)
    if (second := opened.detail.get("second")) and opened.mixed is None:
        raise LedgerError(f"nobody is allocated before the number of {second} is mixed in: trialtools arms mix")
    sites = opened.detail["sites"]
    if sites and request.site not in sites:
        raise LedgerError(f"no site {short_id(request.site)} in this ledger; {', '.join(sites)}")
    amended = find(connection, "kind = 'amended'")
    before = amended[-1].detail["sha256"] if amended else opened.detail["sha256"]
    if request.protocol.sha256 != before:
        append(connection, LedgerEntry("amended", {"sha256": request.protocol.sha256, "before": before, "by": by}))


def _same_person(connection: sqlite3.Connection, patient: str) -> list[str]:
    alike = find(connection, "kind = 'allocated' AND person = ? AND patient <> ?", [fold_id(patient), patient])
    return [f"looks like {short_id(str(alike[0].patient))}, who has a kit"] if alike else []


def _need_key(key: PathLike | None, opened: Mapping[str, Any]) -> Key | None:
    if not opened["needs_key"]:
        if key is not None:
            raise LedgerError("this ledger has its list and allocates without the key; keep the key away from the site")
        return None
    if key is None:
        raise LedgerError("minimization needs the arms of earlier patients: allocate where the key is, and give it")
    return read_key(key, opened)


def _minimized_kit(connection: sqlite3.Connection, stratum: str, opened: Opening, secret: Key) -> LedgerEntry | None:
    """The kit that follows from the arms of earlier patients; None if none of its arm is left."""
    plan, sites, seed = plan_of(secret.plan), tuple(opened.detail["sites"]), secret.list_seed(opened.number)
    assert isinstance(plan, Minimization)  # no other plan needs the key
    levels = strata(plan.strata, sites)
    kits = kit_list(plan, seed, sites, opened.detail["kits"])
    past = [(levels[str(e.stratum)], str(e.kit)) for e in find(connection, "kind = 'allocated'")]
    kit = plan.next_kit(seed, kits, past, levels[stratum])
    return find(connection, "kind = ? AND kit = ?", [opened.kits, kit])[0] if kit else None


def _kit_in_turn(connection: sqlite3.Connection, stratum: str, opened: Opening) -> LedgerEntry | None:
    """The next kit of the list of a stratum; None at its end."""
    turn = "SELECT coalesce(max(position), 0) + 1 FROM entries WHERE kind = 'allocated' AND stratum = ?"
    kits = find(connection, f"kind = ? AND stratum = ? AND position = ({turn})", [opened.kits, stratum, stratum])
    return kits[0] if kits else None


def unblind(ledger: PathLike, key: PathLike, patient: str, name: str, reason: str) -> str:
    """The arm of one patient; who asked and why is recorded before it is told.

    Raises:
        LedgerError: no name or reason, no such patient, or the key does not fit.
    """
    why = signature("unblinding", name, reason)
    with write_access(Path(ledger)) as connection:
        opened = opening_of(connection)
        secret, allocation = read_key(key, opened.detail), _allocation(connection, "patient", patient)
        arm = _arm(connection, opened, secret, str(allocation.kit))
        append(connection, LedgerEntry("unblinded", {**why, "by": author()}, patient, kit=allocation.kit))
    return arm


def correct(ledger: PathLike, patient: str, what: str, value: str, name: str, reason: str) -> str:
    """Put right what was entered of an allocation, as an entry of its own; kit and stratum stay. Returns the head.

    Args:
        ledger: of the trial.
        patient: who was allocated.
        what: `randomized_on`, or a field among the facts that were judged.
        value: what is right, as text; a date is year-month-day.
        name, reason: who corrects, and why.

    Raises:
        LedgerError: no such patient or no such fact, no date, no name or reason.
    """
    why, value = signature("a correction", name, reason), readable(value)
    with write_access(Path(ledger)) as connection:
        allocation = _allocation(connection, "patient", patient)
        was = {**allocation.detail["facts"], "randomized_on": allocation.detail["on"]}
        if what not in was:
            raise LedgerError(f"no '{what}' was entered of {short_id(patient)}; {', '.join(was)}")
        earlier = find(connection, "kind = 'corrected' AND patient = ?", [patient])
        was |= {entry.detail["what"]: entry.detail["now"] for entry in earlier}
        if what == "randomized_on":
            _check_day(value)
        detail = {"what": what, "was": was[what], "now": value, **why, "by": author()}
        return append(connection, LedgerEntry("corrected", detail, patient)).head


def return_kit(ledger: PathLike, kit: str, name: str, reason: str) -> str:
    """Record that a kit that was given came back; the patient stays allocated. Returns the head.

    Raises:
        LedgerError: the kit was not given, or came back already; no name or reason.
    """
    why = signature("a returned kit", name, reason)
    with write_access(Path(ledger)) as connection:
        allocation = _allocation(connection, "kit", kit)
        if find(connection, "kind = 'returned' AND kit = ?", [kit]):
            raise LedgerError(f"kit {short_id(kit)} came back already")
        return append(connection, LedgerEntry("returned", {**why, "by": author()}, allocation.patient, kit=kit)).head


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise LedgerError(f"'{text}' is no date; expected year-month-day, such as 2023-06-30") from None


def _allocation(connection: sqlite3.Connection, column: str, value: str) -> LedgerEntry:
    """The allocation of a patient or a kit."""
    entries = find(connection, f"kind = 'allocated' AND {column} = ?", [value])
    if not entries:
        raise LedgerError(f"no {column} {short_id(value)} was allocated")
    return entries[0]


def _arm(connection: sqlite3.Connection, opened: Opening, secret: Key, kit: str) -> str:
    sealed = find(connection, "kind = ? AND kit = ?", [opened.kits, kit])
    if not sealed:
        raise LedgerError(f"kit {kit} was given, and the ledger has no such kit: see `trialtools arms verify`")
    return secret.open(sealed[0].detail["sealed"], kit)


def allocations(ledger: PathLike, key: PathLike | None = None) -> pd.DataFrame:
    """Who was allocated, in order: pooled without the key, with a column `arm` under it.

    Columns: subject_id, site, stratum, randomized_on (the day that was given, as last corrected), recorded_on (the
    clock's day), kit, decision, window, override_by, override_reason, allocated_by (the name that was given, otherwise
    the user), corrections (how often), kit_returned, unblindings (how often), entry. `attrs["opening"]` says in a
    sentence who could have chosen the list.
    """
    with read_access(Path(ledger)) as connection:
        opened = opening_of(connection)
        secret = read_key(key, opened.detail) if key else None
        acts = find(connection, "kind IN ('unblinded', 'corrected', 'returned')")
        rows = []
        for entry in find(connection, "kind = 'allocated'"):
            own = [act for act in acts if act.patient == entry.patient]
            row = _row(entry, own)
            rows.append(row | ({"arm": _arm(connection, opened, secret, str(entry.kit))} if secret else {}))
    frame = pd.DataFrame(rows, columns=[*_ALLOCATIONS, *(["arm"] if secret else [])])
    frame.attrs["opening"] = opened.statement
    return frame


def _row(entry: LedgerEntry, acts: list[LedgerEntry]) -> dict[str, Any]:
    """One allocation, with what became of it."""
    detail, kinds = entry.detail, [act.kind for act in acts]
    corrected = [act.detail for act in acts if act.kind == "corrected"]
    days = [str(each["now"]) for each in corrected if each["what"] == "randomized_on"]
    override = detail["override"] or {"name": None, "reason": None}
    return {
        "subject_id": entry.patient,
        "site": detail[SITE],
        "stratum": entry.stratum,
        "randomized_on": pd.Timestamp(days[-1] if days else detail["on"]),
        "recorded_on": pd.Timestamp(entry.day),
        "kit": entry.kit,
        "decision": detail["decision"],
        "window": detail["window"],
        "override_by": override["name"],
        "override_reason": override["reason"],
        "allocated_by": detail["by"].get("name") or detail["by"]["user"],
        "corrections": len(corrected),
        "kit_returned": "returned" in kinds,
        "unblindings": kinds.count("unblinded"),
        "entry": entry.seq,
    }


def reverse_propensity(ledger: PathLike, key: PathLike) -> pd.DataFrame:
    """For each allocated patient, the chance of the first arm, given all earlier arms.

    Columns: subject_id, chance. If patients were chosen to fit the predicted arm, this chance is associated with the
    outcome within both arms.

    Raises:
        LedgerError: as for `allocations`.

    Source: Berger and Exner, Control Clin Trials 20 (1999) 319-327.
    """
    rows = allocations(ledger, key)
    with read_access(Path(ledger)) as connection:
        opened = opening_of(connection).detail
    plan = plan_of(read_key(key, opened).plan)
    levels = strata(plan.strata, tuple(opened["sites"]))
    past: list[tuple[Levels, str]] = []
    chances = []
    for stratum, arm in zip(rows["stratum"], rows["arm"], strict=True):
        chances.append(float(plan.chances_after(past, levels[stratum])[plan.arms[0]]))
        past.append((levels[stratum], arm))
    return rows[["subject_id"]].assign(chance=chances)


def last_entry(ledger: PathLike) -> str:
    """Number and hash of the last entry, `57:9f3c…`: kept outside the file, it shows later that nothing was cut off."""
    with read_access(Path(ledger)) as connection:
        return "{}:{}".format(*last(connection))


def check_ledger(ledger: PathLike, protocol: Protocol, subjects: pd.DataFrame) -> None:
    """Nothing, where a ledger is that of the trial that the data are of.

    Args:
        ledger: that was handed in.
        protocol: of the data; its readings are not asked, for the ledger has its own.
        subjects: subject_id and randomized_on of everybody randomized.

    Raises:
        LedgerError: opened for another trial or for other criteria, arms, ratio or strata; or none of the subjects is
            in it, or most were randomized on another day: it is another trial's.
    """
    name = Path(ledger).name
    with read_access(Path(ledger)) as connection:
        check_binding(opening_of(connection).detail, protocol, own_readings=False)
    allocated, known = allocations(ledger), subjects[subjects["randomized_on"].notna()]
    both = known.merge(allocated, on="subject_id", suffixes=("", "_ledger"))
    other = int((pd.to_datetime(both["randomized_on"]) != both["randomized_on_ledger"]).sum())
    if len(allocated) and len(known) and not len(both):
        raise LedgerError(f"{name} is the ledger of another trial: none of the {len(known)} randomized is in it")
    if 2 * other > len(both):
        raise LedgerError(
            f"{name} is the ledger of another trial: {other} of {len(both)} subjects with the same numbers were "
            "randomized on another day"
        )
