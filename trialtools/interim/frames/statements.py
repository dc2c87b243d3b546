"""A look goes in, the sentences of its report come out: the answer on page 1, and what must be known beside it."""

from __future__ import annotations

import math

from ...figures.format import count, number, percent
from ..lookdata import LookData
from .effect import primary_effect, why_no_comparison
from .looks import boundaries, conditional_power_table, decision, this_look
from .record import key_figures
from .recruitment import accrual_forecast, reached

ASKED = "What is asked of the committee: continue, modify, pause, or stop?"


def answer(look: LookData) -> str:
    """What the first page says: the boundary at this look in a closed report, how far the trial is in an open one."""
    return _closed_answer(look) if look.closed else _open_answer(look)


def _open_answer(look: LookData) -> str:
    have, target, known = len(look.entered), look.target, key_figures(look)
    if target is None:
        said = f"{count(have)} participants are randomized at this site"
    else:
        said = f"{count(have)} of {count(target)} participants are randomized"
        ends = reached(accrual_forecast(look), target)
        if have >= target:
            said += "; the target is reached"
        elif ends["median"]:
            latest = ends["latest"] or "more than ten years on"
            said += f"; the target is likely reached about {ends['median']} (90 %: {ends['soonest']} to {latest})"
        elif have:
            said += "; at this pace the target is not in sight"
    said += ". "
    if "outcomes" in known:
        said += f"The primary outcome is known of {count(known['outcomes'])}, missing of {count(known['missing'])}. "
    deaths = known.get("deaths")
    return said + ("" if deaths is None else f"{count(deaths)} {'death' if deaths == 1 else 'deaths'} so far.")


def _closed_answer(look: LookData) -> str:
    found, frame = primary_effect(look), boundaries(look)
    if found is None:
        return why_no_comparison(look)
    now = this_look(frame)
    bound = number(now["bound"], 3) if math.isfinite(now["bound"]) else "none at this look"
    said = f"z = {number(found.z, 3)}, bound {bound}: {decision(frame)}."
    table = conditional_power_table(look)
    power = dict(zip(table["what"], table["chance"], strict=True))
    told = [f"{percent(power[f'Conditional power, {name}'], 0)} ({name})" for name in ("design", "trend")
            if f"Conditional power, {name}" in power]  # fmt: skip
    if told and decision(frame) != "stop for efficacy":
        said += f" Conditional power {', '.join(told)}."
    hits = sum(hit for hit, _ in found.events.values())
    return said + (" Nobody has had the event yet." if not hits else "")


def caveats(look: LookData) -> str:
    """What a reader of the effect must know beside it: who takes no part, what was taken for granted; often nothing."""
    found, trial = primary_effect(look), look.trial
    if found is None:
        return ""
    told, alone = [], sum(n for _, n in found.events.values()) - found.n
    if alone:
        told.append(f"{count(alone)} with the outcome known take no part: their stratum has nobody of the other arm.")
    if found.unstratified and trial.subjects["stratum"].notna().any():
        told.append(f"Not stratified, for the stratum of {count(found.unstratified)} participants is not known.")
    if trial.window is None:
        told.append("The design names no day by which the endpoint counts: everybody does, however early.")
    frame = boundaries(look)
    before = frame[frame["state"] == "done"]
    if taken := [str(row.look) for row in before.itertuples() if math.isnan(row.z)]:
        told.append(f"Of look {' and '.join(taken)} no z is known: its information is as planned, or as last written.")
    return " ".join(told)


def context(look: LookData) -> list[str]:
    """The line above the question: open or closed, look, cut, site, hash."""
    return [
        "CLOSED REPORT, by arm: for the committee alone" if look.closed else "OPEN REPORT, pooled",
        f"{look.protocol.id}, look {look.number}",
        f"data cut {look.cutoff}" if look.cutoff else "data not cut",
        *([f"site {look.site}"] if look.site else []),
        f"protocol {look.protocol.sha256[:8]}",
        *(["SYNTHETIC"] if look.trial.synthetic else []),
    ]
