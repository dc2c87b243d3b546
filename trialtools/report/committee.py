"""A notebook, its parameters, sites and a key go in; the reports that are to be made come out, and each one is made."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn

from ..arms.commitment import opening
from ..arms.ledger import allocations, check_ledger, last_entry
from ..arms.selection_bias import reverse_propensity
from ..criteria.contents import Protocol, load_protocol
from ..criteria.protocol import DataError
from ..interim.frames.history import read_previous
from .cuts import locks, staged
from .data_leaks import Leak, leaks_in_data, names_in, untold
from .leaks import leaks
from .manifest import effective_values
from .parameters import place_of, resolve_paths, validate
from .run import read_notebook, short_name
from .write import Report, ReportError, Run, declared_parameters, report

_UNREPORTED = ("kit", "override_reason", "allocated_by", "recorded_on")
"""What a report does not need of the ledger."""


class LeakError(ReportError):
    """An open report could tell an arm; nothing of it was kept."""


def is_interim(notebook: Path) -> bool:
    """Whether a notebook is made for a committee: it has a parameter `audience`."""
    return "audience" in declared_parameters(read_notebook(notebook))


def runs(
    notebook: Path,
    parameters: Mapping[str, Any],
    out: str | os.PathLike[str] = "reports",
    sites: Sequence[str] = (),
    ledger: str | None = None,
    key: str | None = None,
    pdf: bool = False,
) -> list[Run]:
    """The reports of an interim look: one for all sites, and one for each site that is asked for.

    Args:
        notebook, parameters, out, pdf: as for `report`.
        sites: `all` for every site and for all together; otherwise these sites only.
        ledger, key: the allocation ledger, and the key that opens it.

    Raises:
        DataError: no such site, or data that cannot be read.
    """
    given = _given(notebook, parameters)
    if given.get("data") and not given.get("protocol"):
        raise DataError("the data are named and their protocol is not: add -p protocol=FILE, so that no other is taken")
    run = effective_values(given, declared_parameters(read_notebook(notebook)))
    wanted = list(sites) or [str(run.get("site") or "")]
    if sites:
        there = sorted(_read(notebook, run, None).subjects["site"].dropna().unique())
        if lost := [site for site in sites if site not in ("all", *there)]:
            raise DataError(f"no site '{lost[0]}' in the data; there are {', '.join(there)}")
        wanted = ["", *there] if "all" in sites else wanted
    files_of = Counter(_plain(site) for site in wanted if site)
    if alike := [site for site in wanted if site and files_of[_plain(site)] > 1]:
        raise DataError(f"the reports of {' and '.join(alike)} would have one file name; rename a site")
    name = f"{short_name(notebook).removesuffix('_report')}_{run['audience']}"
    files = (ledger and str(Path(ledger).resolve()), key and str(Path(key).resolve()))
    made = []
    for site in wanted:
        own = name + (f"_{_plain(site)}" if site else "")
        asked = {**given, "site": site}
        named, closed = Path(str(given.get("previous") or "")), run["audience"] == "closed"
        if given.get("previous") and (sites or closed != (named.parent.name == "closed")):
            asked["previous"] = _previous_of(named, own, closed, bool(site))
        made.append(Run(own, _committee_report, (notebook, asked, out, *files, pdf, own)))
    return made


def _previous_of(named: Path, name: str, closed: bool, site: bool) -> str:
    """The manifest of the previous report of the same name, beside the one that was named.

    A site that had no report then has no previous one; a manifest that is not there is told when it is read.
    """
    folder = named.parent.parent if named.parent.name == "closed" else named.parent
    own = (folder / "closed" if closed else folder) / f"{name}.manifest.json"
    return str(own) if own.is_file() else "" if site and named.is_file() else str(named)


def _committee_report(
    notebook: Path,
    parameters: Mapping[str, Any],
    out: str | os.PathLike[str] = "reports",
    ledger: str | None = None,
    key: str | None = None,
    pdf: bool = False,
    name: str | None = None,
    progress: bool | None = None,
) -> Report:
    """One report of an interim look, open or closed.

    The data are read, cut, and freed of their arms (open) or joined with them (closed); the cut is kept in `cuts`
    beside the report, under its own hash, and the notebook reads nothing else.

    Raises:
        DataError: data that cannot be read, or that changed since the first report of this cutoff.
        LedgerError: the ledger of another trial, or a key that does not fit.
        LeakError: the finished open report could tell an arm; nothing of it is kept.
        ReportError, NotebookError: as for `report`.
    """
    given = _given(notebook, parameters)
    run = effective_values(given, declared_parameters(read_notebook(notebook)))
    protocol = load_protocol(place_of(notebook.parent, run["protocol"]) or run["protocol"])
    closed = run["audience"] == "closed"
    arms, head, allocated = _allocations(ledger, key if closed else None)
    # before anything runs: a wrong manifest says nothing of the report that stands there
    previous = place_of(notebook.parent, run["previous"]) or run["previous"] if run.get("previous") else ""
    before = read_previous(
        previous, protocol, str(run["cutoff"]), int(run.get("look") or 0), str(run.get("site") or "")
    )
    if not closed and before and before["parameters"]["run"].get("audience") == "closed":
        raise DataError(f"{previous} is of a closed report; an open one is held against an open one")
    trial = _read(notebook, run, protocol, arms)
    if ledger:
        check_ledger(ledger, protocol, trial.subjects[trial.subjects["randomized"]])
    folder = Path(out) / "closed" if closed else Path(out)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700 if closed else 0o777)
    held = locks(Path(out), trial, _day(run["cutoff"]), closed)
    for lock in held:
        lock.check()
    secret = None if closed or not (ledger and key) else _arms(allocations(ledger, key))
    data, hidden = staged(trial, _day(run["cutoff"]), str(run.get("site") or ""), closed, folder, allocated, secret)
    names = _searched_names(protocol)

    def search(finished: Path) -> None:
        if not closed and (found := leaks(finished, names, hidden, data)):
            _refuse(found, "the open report could tell an arm, and was not kept; rename an arm of an everyday name")

    if not closed and (found := leaks_in_data(data, names, hidden)):
        shutil.rmtree(data)
        _refuse(found, "the data of the open report could tell an arm; take this out of them, or rename it")

    for lock in held:
        lock.write()
    asked = {**given, "data": str(data), **({"ledger_head": head} if head else {})}
    asked |= {"mapping": ""} if run.get("mapping") else {}  # the cut is tidy already
    names_alone = "" if closed else untold(Counter(hidden.values()).values())
    return replace(report(notebook, asked, folder, pdf, progress, name, search), names_alone=names_alone)


def _searched_names(protocol: Protocol) -> list[str]:
    """The names of arms but those that every report of the protocol says: `control` in "control rate"."""
    names = {each for arm in protocol.arms for each in (arm.id, arm.label)}
    design = (f"{name.replace('_', ' ')} {item.value}" for name, item in protocol.design.items() if name != "ratio")
    labels = (each.label for each in (*protocol.fields.values(), *protocol.criteria))
    said = "\n".join([*design, *labels, protocol.title])
    return sorted(name for name in names if not any(names_in(said, [name])))


def _refuse(found: Sequence[Leak], why: str) -> NoReturn:
    raise LeakError(f"{why}:\n" + "\n".join(f"  {leak}" for leak in found[:5]))


def _given(notebook: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    declared = declared_parameters(read_notebook(notebook))
    return resolve_paths(validate(parameters, declared, notebook.name), declared, notebook.parent)


def _read(notebook: Path, run: Mapping[str, Any], protocol: Any, arms: Mapping[str, str] | None = None) -> Any:
    from ..interim.data import read_trial

    source, mapping = (place_of(notebook.parent, run.get(name)) or run.get(name) for name in ("data", "mapping"))
    return read_trial(source, protocol, mapping or None, arms=arms)


def _allocations(ledger: str | None, key: str | None) -> tuple[dict[str, str] | None, str, Any]:
    """The arm of everybody in the ledger, for whoever has the key; its head and opening; and what it says without."""
    if not ledger:
        return None, "", None
    rows = allocations(ledger, key)
    head, hidden = f"{last_entry(ledger)}; {opening(ledger).statement}", [*_UNREPORTED]
    if not key:
        return None, head, rows.drop(columns=hidden)
    return (
        _arms(rows),
        head,
        rows.merge(reverse_propensity(ledger, key), on="subject_id").drop(columns=["arm", *hidden]),
    )


def _arms(rows: Any) -> dict[str, str]:
    """By subject the arm, as the ledger gives it to whoever has the key."""
    return dict(zip(rows["subject_id"], rows["arm"], strict=True))


def _day(written: Any) -> date | None:
    try:
        if written == "":
            return None
        day = date.fromisoformat(str(written))
    except ValueError:
        raise ReportError(f"the parameter cutoff is '{written}'; expected a day, such as cutoff=2023-06-30") from None
    if day > date.today() + timedelta(days=1):  # it is tomorrow already in the east
        raise ReportError(f"the cutoff {day} lies in the future: nobody knows what will be known then")
    return day


def _plain(site: str) -> str:
    """A site as a part of a file name."""
    return "".join(letter if letter.isalnum() else "-" for letter in site).strip("-").lower() or "site"
