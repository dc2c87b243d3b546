"""A look goes in, the sentences on its safety come out: what was not collected is told first, and is never none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...figures.format import count, enumeration, number, percent
from ...figures.measure import POINTS
from ..lookdata import LookData
from .safety import DEATH, SERIOUS, edish, harms
from .wording import arm_in_sentence, arms_in_order

_EXCESS = {SERIOUS: "have serious adverse events", DEATH: "die"}
_MISSING = {"serious adverse events": "the table of events (adverse events)", "deaths": "the milestone “died”"}


def gaps_of(look: LookData) -> list[str]:
    """The safety data that were not collected."""
    gaps = ["deaths"] if not look.deaths_collected else []
    return [*gaps, *(["serious adverse events"] if "events" in look.trial.absent else [])]


def excess_of(look: LookData) -> list[dict[str, Any]]:
    """The kinds of harm that more participants had with an experimental arm, by an interval above 0."""
    frame = harms(look)
    rows = frame[frame["what"].isin(list(_EXCESS)) & (frame["low"] > 0)] if len(frame) else frame
    return rows.to_dict("records")


def worse_with(excess: Sequence[dict[str, Any]], arm: str) -> str:
    """What more participants have with an arm: "have serious adverse events and die"; empty where nothing is."""
    mine = {row["what"] for row in excess if row["arm"] == arm}
    return " and ".join(words for what, words in _EXCESS.items() if what in mine)


def harm_by_arm(look: LookData, what: str) -> dict[str, Any]:
    """What is known of one kind of harm, arm by arm; nothing where it was not collected."""
    frame = harms(look).dropna(subset="participants")
    return {row["arm"]: row for row in frame[frame["what"] == what].to_dict("records")}


def with_unsaid(row: dict[str, Any], text: str) -> str:
    """How many had it, in the words of `text`; where some do not say, at least and at most."""
    n, of, unsaid = row["participants"], row["of"], row.get("unsaid")
    if not unsaid:
        return text
    if not n and unsaid == of:
        return "not known"
    return f"at least {text}" if n + unsaid == of else f"{text}, at most {count(n + unsaid)}"


def safety_line(look: LookData, gaps: Sequence[str]) -> str:
    """Deaths, serious adverse events and possible liver injury, arm by arm, with what was not collected."""
    arms, parts = arms_in_order(look), []
    if gaps:
        missing = " and ".join(words for gap, words in _MISSING.items() if gap in gaps)
        parts.append(f"Not collected is not none. Missing: {missing}.")
    if deaths := harm_by_arm(look, DEATH):
        texts = [with_unsaid(deaths[arm], count(deaths[arm]["participants"])) for arm in arms]
        parts.append(f"Deaths: {', '.join(_by_arm(look, texts))}.")
    if serious := harm_by_arm(look, SERIOUS):
        texts = [with_unsaid(serious[arm], _with_share(serious[arm])) for arm in arms]
        parts.append(f"Participants with a serious adverse event: {enumeration(texts)}{_more(look, serious)}.")
    liver = edish(look)
    if len(liver):
        hits = liver.groupby("arm")["hy"].sum()
        texts = [count(hits.get(arm, 0)) for arm in arms]
        if gaps:
            parts.append(f"Laboratory values are there: possible Hy’s law in {enumeration(_by_arm(look, texts))}.")
        else:
            parts.append(f"Possible Hy’s law: {enumeration(texts)}.")
    else:
        parts.append("Laboratory values of the liver: not collected.")
    if gaps:
        parts.append("The committee may ask for the missing tables before it recommends anything.")
    return " ".join(parts)


def _with_share(row: dict[str, Any]) -> str:
    n, of = row["participants"], row["of"]
    return count(n) + (f" ({percent(n / of)})" if n and of else "")


def _by_arm(look: LookData, texts: Sequence[str]) -> list[str]:
    """Each text with the arm that it is of."""
    return [f"{text} with {arm_in_sentence(look, arm)}" for text, arm in zip(texts, arms_in_order(look), strict=True)]


def _more(look: LookData, rows: dict[str, Any]) -> str:
    """How many more have a serious adverse event, where the interval lies above 0."""
    more = [
        f"{POINTS.size(row['difference'], POINTS.unit)} with {arm_in_sentence(look, arm)} "
        f"({number(100 * row['low'])} to {number(100 * row['high'])} more)"
        for arm, row in rows.items()
        if row["low"] > 0
    ]
    return f", {', '.join(more)}" if more else ""
