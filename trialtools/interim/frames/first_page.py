"""A look goes in; page 1 of its report comes out, closed or open, and the table of contents with what was found."""

from __future__ import annotations

from typing import Any

from ...figures.first_page import FirstPage, contents
from ...figures.format import count, number
from ...figures.page import Html
from ..lookdata import LookData
from .closed_page import closed_page
from .effect import comparisons, primary_effect
from .looks import look_boundaries, this_look
from .open_page import open_page
from .safety import DEATH, SERIOUS, adverse_events, edish
from .safety_words import harm_by_arm
from .wording import GAP, arms_in_order

SECTIONS = {
    "Safety": {13: "Deaths and serious adverse events", 14: "Adverse events", 15: "Laboratory values"},
    "Benefit": {
        16: "The primary endpoint",
        17: "What may still come",
        18: "The effect, counted otherwise",
        19: "Other endpoints and subgroups",
        20: "Is the planned size still right?",
    },
    "Conduct of the trial": {
        5: "How current the data are",
        6: "Screening and exclusions",
        7: "Accrual",
        8: "Flow of participants",
        9: "The randomization",
        10: "Who was randomized",
        11: "Dosing",
        12: "Follow-up",
    },
    "This report": {
        1: "Cover",
        2: "Changes since the last report",
        3: "Charter and stopping rule",
        4: "Earlier recommendations",
        21: "Recommendation, to be signed",
        22: "Appendix: data faults, methods, hashes",
    },
}
"""The sections of the report as its contents group them, by their numbers."""


def first_page(look: LookData, distribution: str = "not named", seed: int = 1) -> FirstPage:
    """Page 1: safety and the comparison by arm in a closed report, the course of the trial in an open one.

    Args:
        look: whose page it is.
        distribution: who receives the report.
        seed: of the accrual forecast.
    """
    return closed_page(look, distribution) if look.closed else open_page(look, seed)


def report_contents(look: LookData) -> Html:
    """The table of contents, with what each section on safety and benefit found."""
    sentences_of = _findings(look)
    groups = [
        (name, [(n, title, sentences_of.get(n, "")) for n, title in parts.items()]) for name, parts in SECTIONS.items()
    ]
    return contents(groups)


def _findings(look: LookData) -> dict[int, str]:
    arms = arms_in_order(look) or list(look.arms)
    deaths, serious = ([_n(harm_by_arm(look, what), arm) for arm in arms] for what in (DEATH, SERIOUS))
    events, liver = adverse_events(look), edish(look)
    harms = f"{' and '.join(deaths)} deaths, {' and '.join(serious)} with SAE"
    sentences_of = {13: harms if all(deaths) and all(serious) else GAP}
    if "events" in look.trial.absent:
        sentences_of[14] = GAP
    elif len(events):
        with_any = events[(events["body_system"] == "") & (events["term"] == "")].set_index("arm")
        n, of = ([count(with_any.loc[arm, name]) for arm in arms] for name in ("participants", "of"))
        sentences_of[14] = f"{' and '.join(n)} of {' and '.join(of)}"
    hits = liver.groupby("arm")["hy"].sum()
    possible = " and ".join(count(hits.get(arm, 0)) for arm in arms)
    sentences_of[15] = f"possible Hy’s law {possible}" if len(liver) else GAP
    if not look.endpoint_collected:
        return sentences_of | {16: GAP}
    sentences = [_effect_of(one) for one in comparisons(look) if primary_effect(one)]
    return sentences_of | ({16: "; ".join(sentences)} if sentences else {})


def _effect_of(look: LookData) -> str:
    """The effect and its z, in a line of the contents."""
    effect: Any = primary_effect(look)
    measure, z = effect.measure, number(this_look(look_boundaries(look))["z"], 2)
    name = "" if effect.kind == "binary" else f"{measure.name.lower()} "
    return f"{name}{measure.text(effect.difference)}{f' {measure.unit}' if measure.unit else ''}, z {z}"


def _n(rows: dict[str, dict[str, object]], arm: str) -> str:
    return count(rows[arm]["participants"]) if arm in rows else ""
