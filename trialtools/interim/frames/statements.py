"""The frames of a report go in, its sentences come out: the answer on the first page, and what the arms are called."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from ...criteria.contents import Protocol
from ...figures.format import count, number, percent
from ..data import TrialData
from ..data.tables import Frame
from .endpoint import Effect
from .looks import decision
from .recruitment import reached

ASKED = "What is asked of the committee: continue, modify, pause, or stop?"


def open_answer(trial: TrialData, target: int | None, fan: Frame, told: Mapping[str, int]) -> str:
    """How far the trial is, in sentences that tell nothing of any arm; a site alone has no target."""
    have = int(trial.subjects["randomized"].sum())
    if target is None:
        return _outcomes_known(f"{count(have)} participants are randomized at this site. ", told)
    said = f"{count(have)} of {count(target)} participants are randomized"
    ends = reached(fan, target)
    if have >= target:
        said += "; the target is reached"
    elif ends["median"]:
        latest = ends["latest"] or "more than ten years on"
        said += f"; the target is likely reached about {ends['median']} (90 %: {ends['soonest']} to {latest})"
    elif have:
        said += "; at this pace the target is not in sight"
    return _outcomes_known(said + ". ", told)


def _outcomes_known(said: str, told: Mapping[str, int]) -> str:
    if "outcomes" in told:
        said += f"The primary outcome is known of {count(told['outcomes'])}, missing of {count(told['missing'])}. "
    deaths = told.get("deaths")
    return said + ("" if deaths is None else f"{count(deaths)} {'death' if deaths == 1 else 'deaths'} so far.")


def closed_answer(found: Effect | None, frame: Frame | None, chances: Frame, why: str) -> str:
    """What the boundary says at this look, with z, bound and the chances ahead; or why it says nothing."""
    if found is None or frame is None:
        return why or "An arm has nobody with the primary outcome known: nothing can be compared yet."
    now = frame[frame["state"] == "now"].iloc[0]
    bound = number(now["bound"], 3) if math.isfinite(now["bound"]) else "none at this look"
    said = f"z = {number(found.z, 3)}, bound {bound}: {decision(frame)}."
    power = dict(zip(chances["what"], chances["chance"], strict=True))
    told = [f"{percent(power[f'Conditional power, {name}'], 0)} ({name})" for name in ("design", "trend")
            if f"Conditional power, {name}" in power]  # fmt: skip
    if told and decision(frame) != "stop for efficacy":
        said += f" Conditional power {', '.join(told)}."
    hits = sum(hit for hit, _ in found.events.values())
    return said + (" Nobody has had the event yet." if not hits else "")


def caveats(found: Effect, frame: Frame, trial: TrialData) -> str:
    """What a reader of the effect must know beside it: who takes no part, what was taken for granted; often nothing.

    Args:
        found: the effect; frame: the looks; trial: cut.
    """
    told, alone = [], sum(n for _, n in found.events.values()) - found.n
    if alone:
        told.append(f"{count(alone)} with the outcome known take no part: their stratum has nobody of the other arm.")
    if found.unstratified and trial.subjects["stratum"].notna().any():
        told.append(f"Not stratified, for the stratum of {count(found.unstratified)} participants is not known.")
    if trial.window is None:
        told.append("The design names no day by which the endpoint counts: everybody does, however early.")
    before = frame[frame["state"] == "done"]
    if taken := [str(row.look) for row in before.itertuples() if math.isnan(row.z)]:
        told.append(f"Of look {' and '.join(taken)} no z is known: its information is as planned, or as last written.")
    return " ".join(told)


def unnamed(previous: str, look: int) -> str:
    """What stands in place of the changes since a previous report."""
    if previous:
        return "The previous report holds no numbers to compare with."
    return "No previous report was named" + (": the looks before this one are taken as planned." if look > 1 else ".")


def arm_labels(protocol: Protocol) -> dict[str, str]:
    """What each arm is called in print, in the order of the protocol."""
    return {arm.id: arm.label for arm in protocol.arms}


def context(trial: TrialData, protocol: Protocol, closed: bool, look: int, on: date | None, site: str) -> list[str]:
    """The line above the question: open or closed, look, cut, site, hash."""
    return [
        "CLOSED REPORT, by arm: for the committee alone" if closed else "OPEN REPORT, pooled",
        f"{protocol.id}, look {look}",
        f"data cut {on}" if on else "data not cut",
        *([f"site {site}"] if site else []),
        f"protocol {protocol.sha256[:8]}",
        *(["SYNTHETIC"] if trial.synthetic else []),
    ]
