"""A notebook, its parameters, sites and a key go in; the reports that are to be made come out, and each one is made."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from ..arms.commitment import opening
from ..arms.ledger import allocations, check_ledger, last_entry, reverse_propensity
from ..criteria.contents import Protocol, load_protocol
from ..criteria.protocol import DataError
from ..interim.data.read import TrialData, read_trial
from ..interim.frames.history import read_previous
from ..interim.look import look
from .batch import Run
from .cuts import check_locks, locks, write_cut, write_locks
from .data_leaks import Leak, leaks_in_data, names_in, why_names_alone
from .errors import ReportError
from .leaks import leaks
from .parameters import declared_parameters, place_of, read_parameters
from .run import read_notebook, short_name
from .write import Report, explain_write_errors, report

_UNREPORTED = ["kit", "override_reason", "allocated_by", "recorded_on", "arm"]
"""What a report does not need of the ledger; the arm comes with the trial's data, and to closed reports alone."""


@dataclass(frozen=True)
class _Sources:
    """What the reports of a look are made from; each is read when it is first asked for, and once for all of them.

    `by_arm` where the arms are the ledger's and the data are joined with them. The ledger and its key are places.
    """

    notebook: Path
    values: Mapping[str, Any]
    ledger: str | None
    key: str | None
    by_arm: bool

    @cached_property
    def protocol(self) -> Protocol:
        return load_protocol(_place(self.notebook, self.values, "protocol"))

    @cached_property
    def trial(self) -> TrialData:
        data, mapping = (_place(self.notebook, self.values, name) for name in ("data", "mapping"))
        return read_trial(data, self.protocol, mapping or None, arms=self.allocated[1] if self.by_arm else None)

    @cached_property
    def allocated(self) -> tuple[Any, dict[str, str] | None]:
        """Whom the ledger allocated, without arms; and by subject the arm, as it gives it to whoever has the key."""
        if not self.ledger:
            return None, None
        rows = allocations(self.ledger, self.key)
        arms = dict(zip(rows["subject_id"], rows["arm"], strict=True)) if self.key else None
        if self.key and self.by_arm:
            rows = rows.merge(reverse_propensity(self.ledger, self.key), on="subject_id")
        return rows.drop(columns=_UNREPORTED, errors="ignore"), arms


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
    both: bool = False,
) -> list[Run]:
    """The reports of an interim look: one for all sites, and one for each site that is asked for.

    Args:
        notebook, parameters, out, pdf: as for `report`.
        sites: `all` for every site and for all together; otherwise these sites only.
        ledger, key: the allocation ledger, and the key that opens it.
        both: for both audiences, whatever the parameters say.

    Raises:
        DataError: no such site, or data that cannot be read.
    """
    _, chosen, values = read_parameters(notebook, {**parameters, "audience": "open"} if both else parameters)
    if chosen.get("data") and not chosen.get("protocol"):
        raise DataError("the data are named and their protocol is not: add -p protocol=FILE, so that no other is taken")
    if empty := [name for name in ("data", "protocol") if not values.get(name)]:
        raise ReportError(f"the parameter {empty[0]} is empty; say what it is with -p {empty[0]}=…")
    files = (ledger and str(Path(ledger).resolve()), key and str(Path(key).resolve()))
    audiences = ("open", "closed") if both else (values["audience"],)
    by_arm = [bool(audience == "closed" and ledger and key) for audience in audiences]
    each = {arms: _Sources(notebook, values, *files, arms) for arms in by_arm}
    sources = {audience: each[arms] for audience, arms in zip(audiences, by_arm, strict=True)}
    wanted = _wanted(sites, sources[audiences[0]]) if sites else [str(values.get("site") or "")]
    made = []
    for audience, site in product(audiences, wanted):
        closed, base = audience == "closed", f"{short_name(notebook).removesuffix('_report')}_{audience}"
        name, own = base + (f"_{_plain(site)}" if site else ""), {**chosen, "site": site}
        if both:
            own["audience"] = audience
        if chosen.get("previous"):
            named = Path(str(chosen["previous"]))
            if sites or closed != (named.parent.name == "closed"):
                own["previous"] = _previous_of(named, name, closed, bool(site))
        made.append(Run(name, _committee_report, (sources[audience], own, out, pdf, name)))
    return made


def _wanted(sites: Sequence[str], sources: _Sources) -> list[str]:
    """The sites that are asked for, all together as the empty one; each has a file name of its own."""
    enrolling = sorted(sources.trial.subjects["site"].dropna().unique())
    if lost := [site for site in sites if site not in ("all", *enrolling)]:
        raise DataError(f"no site '{lost[0]}' in the data; there are {', '.join(enrolling)}")
    wanted = ["", *enrolling] if "all" in sites else list(sites)
    files_of = Counter(_plain(site) for site in wanted if site)
    if alike := [site for site in wanted if site and files_of[_plain(site)] > 1]:
        raise DataError(f"the reports of {' and '.join(alike)} would have one file name; rename a site")
    return wanted


def _previous_of(named: Path, name: str, closed: bool, site: bool) -> str:
    """The manifest of the previous report of the same name, beside the one that was named.

    A site that had no report then has no previous one; a manifest that is not there is told when it is read.
    """
    folder = named.parent.parent if named.parent.name == "closed" else named.parent
    own = (folder / "closed" if closed else folder) / f"{name}.manifest.json"
    return str(own) if own.is_file() else "" if site and named.is_file() else str(named)


def _committee_report(
    sources: _Sources, parameters: Mapping[str, Any], out: str | os.PathLike[str], pdf: bool, name: str
) -> Report:
    """One report of an interim look, open or closed.

    The data are read, cut, and freed of their arms (open) or joined with them (closed); the cut is kept in `cuts`
    beside the report, under its own hash, and the notebook reads nothing else.

    Raises:
        DataError: data that cannot be read, or that changed since the first report of this cutoff.
        LedgerError: the ledger of another trial, or a key that does not fit.
        ReportError: as for `report`; or the open report could tell an arm, and nothing of it is kept.
        NotebookError: as for `report`.
    """
    notebook, ledger, protocol = sources.notebook, sources.ledger, sources.protocol
    _, chosen, values = read_parameters(notebook, parameters)
    closed, cutoff, site = values["audience"] == "closed", _day(values["cutoff"]), str(values.get("site") or "")
    allocated, arms = sources.allocated
    # before anything runs: a wrong manifest says nothing of the report that stands there
    previous = _place(notebook, values, "previous")
    number, day = values.get("look") or 0, str(values["cutoff"])
    before = read_previous(previous, protocol, day, 0 if number == "due" else int(number), site)
    if not closed and before and before["parameters"]["run"].get("audience") == "closed":
        raise DataError(f"{previous} is of a closed report; an open one is held against an open one")
    trial = sources.trial
    if ledger:
        check_ledger(ledger, protocol, trial.subjects[trial.subjects["randomized"]])
    if number == "due":
        options = {"closed": closed, "site": site, "previous": previous, "not_held": values.get("not_held") or ()}
        chosen["look"] = look(trial, protocol, day, number=number, **options).number
    folder = Path(out) / "closed" if closed else Path(out)
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if closed else 0o777)
        check_locks(first := locks(Path(out), trial, closed), cutoff)
        data, hidden = write_cut(trial, cutoff, site, closed, folder, allocated, None if closed else arms)
        names = _searched_names(protocol)
        if not closed and (leaks_found := leaks_in_data(data, names, hidden)):
            shutil.rmtree(data)
            _refuse(leaks_found, "the data of the open report could tell an arm; take this out of them, or rename it")
        write_locks(first, cutoff)

    def search(finished: Path) -> None:
        if not closed and (leaks_found := leaks(finished, names, hidden, data)):
            _refuse(
                leaks_found, "the open report could tell an arm, and was not kept; rename an arm of an everyday name"
            )

    own = {**chosen, "data": str(data)} | ({"mapping": ""} if values.get("mapping") else {})  # the cut is tidy already
    own |= {"ledger_head": f"{last_entry(ledger)}; {opening(ledger).statement}"} if ledger else {}
    made = report(notebook, own, folder, pdf, name=name, check=search)
    return replace(made, names_alone="" if closed else why_names_alone(Counter(hidden.values()).values()))


def _searched_names(protocol: Protocol) -> list[str]:
    """The names of arms but those that every report of the protocol says: `control` in "control rate"."""
    names = {each for arm in protocol.arms for each in (arm.id, arm.label)}
    design = (f"{name.replace('_', ' ')} {item.value}" for name, item in protocol.design.items() if name != "ratio")
    labels = (each.label for each in (*protocol.fields.values(), *protocol.criteria))
    everyday = "\n".join([*design, *labels, protocol.title])
    return sorted(name for name in names if not any(names_in(everyday, [name])))


def _refuse(leaks: Sequence[Leak], why: str) -> NoReturn:
    raise ReportError(f"{why}:\n" + "\n".join(f"  {leak}" for leak in leaks[:5]))


def _place(notebook: Path, values: Mapping[str, Any], name: str) -> Any:
    """What a parameter names, seen from the notebook's folder; itself, where nothing is there."""
    return place_of(notebook.parent, values.get(name)) or values.get(name) or ""


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
