"""What a report must remember goes in; the facts for its manifest come out, and what changed since the last report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ...criteria.contents import Protocol
from ...criteria.protocol import DataError
from ...figures.keyfigures import Facts
from ..data import TrialData
from ..data.tables import Frame
from .endpoint import Effect

LABELS = {
    "screened": "Screened",
    "randomized": "Randomized",
    "sites": "Sites that randomized",
    "deaths": "Deaths",
    "serious": "Participants with a serious adverse event",
    "deviations": "Deviations from the dosing window",
    "outcomes": "Primary outcomes known",
    "missing": "Primary outcomes missing",
    "findings": "Findings on the data",
}


def facts(trial: TrialData, harms: Frame, outcomes: Frame, deviations: int | None) -> Facts:
    """The pooled numbers that a later report is held against; what was not collected is not among them.

    Args:
        trial: cut.
        harms: from `harms`, of whatever arms there are.
        outcomes: from `outcome_states`.
        deviations: certain ones from the dosing window; None where there is none.
    """
    entered = trial.subjects[trial.subjects["randomized"]]
    told = {"screened": len(trial.subjects), "randomized": len(entered), "sites": int(entered["site"].nunique())}
    by_kind = harms.groupby("what")["participants"].sum()
    for name, what in (("deaths", "Death"), ("serious", "Serious adverse event")):
        told |= {name: int(by_kind[what])} if what in by_kind else {}
    if "outcomes" not in trial.absent and trial.endpoint:
        told |= {"outcomes": int(outcomes["observed"].sum()), "missing": int(outcomes["missing"].sum())}
    told |= {} if deviations is None else {"deviations": deviations}
    return Facts(told | {"findings": len(trial.findings)})


def read_previous(
    file: str | Path, protocol: Protocol, cutoff: str = "", look: int = 0, site: str = ""
) -> dict[str, Any]:
    """The manifest of the previous report; an empty one where no file is named.

    Args:
        file: the manifest.
        protocol, cutoff, look, site: of this report; without a look, that of the manifest is not asked.

    Raises:
        DataError: not a manifest, of another protocol or site, of a cut that is not earlier, or of a later look; or the
            looks it tells of are not numbers, or reach this one already.
    """
    if not file:
        return {}
    try:
        previous = json.loads(Path(file).read_text("utf-8"))
        then, run = previous["protocol"]["id"], previous["parameters"]["run"]
        cut, then_at, then_look = str(run.get("cutoff", "")), str(run.get("site", "")), int(run.get("look", 0))
        told = [(float(each["information"]), float(each.get("z", 0))) for each in looks_before(previous)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file} is not the manifest of an interim report: {error}") from None
    if then != protocol.id:
        raise DataError(f"{Path(file).name} is of the protocol {then}, not of {protocol.id}")
    if cutoff and cut and cut >= cutoff:
        raise DataError(f"{Path(file).name} has the cutoff {cut}, which is not before {cutoff}: not an earlier report")
    if then_at != site:
        raise DataError(f"{Path(file).name} is of {then_at or 'all sites'}, not of {site or 'all sites'}")
    if look and (then_look > look or len(told) >= look):
        raise DataError(f"{Path(file).name} is of look {max(then_look, len(told))}, which is not before look {look}")
    return previous


def looks_before(previous: Mapping[str, Any]) -> list[dict[str, float]]:
    """The earlier looks, as the closed report of the last one wrote them; none where it is not known."""
    return [dict(each) for each in previous.get("facts", {}).get("looks", [])]


def looks_told(frame: Frame | None, found: Effect | None) -> Facts:
    """The looks so far, for the manifest of a closed report; nothing where there is no comparison."""
    if frame is None or found is None:
        return Facts()
    done = frame[frame["state"] != "ahead"]
    told = [
        {name: float(row[name]) for name in ("look", "information", "z") if not math.isnan(row[name])}
        for row in done.to_dict("records")
    ]
    return Facts(looks=told)


def changes(now: Mapping[str, Any], previous: Mapping[str, Any], protocol: Protocol) -> Frame:
    """What changed since the previous report: item, then, now, change. Empty without one.

    A number that one of the two does not have is empty, and so is its change. A protocol with another hash is a row.
    """

    rows: list[dict[str, Any]] = []
    if previous:
        before = previous.get("facts", {})
        for name, label in LABELS.items():
            then, here = before.get(name), now.get(name)
            if then is None and here is None:
                continue
            apart = f"{here - then:+,}".replace("-", "−") if then is not None and here is not None else None
            rows.append({"item": label, "then": then, "now": here, "change": apart})
        old = previous["protocol"].get("sha256")
        if old != protocol.sha256:
            hashes = {"then": str(old)[:8], "now": protocol.sha256[:8]}
            rows.append({"item": "Protocol file", **hashes, "change": "changed"})
    return pd.DataFrame(rows, columns=["item", "then", "now", "change"])
