"""The frames of an interim report go in, printed tables come out: arms side by side, and what they differ by."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from great_tables import GT

from ...criteria.contents import Protocol
from ...figures.format import ABSENT, SPACE, absent, count, n_of, number, percent
from ...figures.page import FONTS, INK, QUIET, Html
from ...figures.table import table
from ..data.tables import Frame
from .plan import Plan

EVERYBODY = "All randomized"
CHOICES = ("Continue unchanged", "Continue with modifications", "Pause", "Stop")


def given(frame: Any, draw: Callable[[Any], Any], otherwise: str = "Not collected.") -> Any:
    """What `draw` makes of a frame; a sentence instead, or nothing, where there is no frame or nothing in it.

    >>> "Not collected." in given(None, print)
    True
    """
    empty = frame is None or (hasattr(frame, "__len__") and not len(frame))
    if empty:
        return sentence(otherwise) if otherwise else None
    return draw(frame)


def sentence(text: str) -> Html:
    """A line of words where a table or figure would be."""
    return Html(f'<p style="color:{QUIET};font:15px/1.5 {", ".join(FONTS)}">{html.escape(text)}</p>')


def by_arm(
    frame: Frame, rows: Sequence[str], labels: Mapping[str, str], title: str, subtitle: str = "", most: int = 60,
    group: str | None = None,
) -> GT:  # fmt: skip
    """Participants with something, an arm a column: `n (%)`, and what the arms differ by where they are told.

    Where a frame says `unsaid`, of how many it is not known, the cell says how many there are at most.

    Args:
        frame: rows by `arm` with participants and of; and difference, low, high where arms are compared.
        rows: the columns that name a row.
        labels: what arms are called.
        title, subtitle: finding and population.
        most: rows to show; the table says when it is cut.
        group: one of `rows` that heads groups.
    """

    told: dict[tuple[str, ...], dict[str, str]] = {}
    sizes: dict[str, int] = {}
    for row in frame.to_dict("records"):
        key = tuple(str(row[name]) for name in rows)
        line = told.setdefault(key, dict(zip(rows, key, strict=True)))
        sizes[row["arm"]] = int(row["of"])
        line[f"arm {row['arm']}"] = n_of(row["participants"], row["of"])
        if row.get("unsaid"):
            line[f"arm {row['arm']}"] += f", at most {count(row['participants'] + row['unsaid'])}"
        if not absent(row.get("difference")):
            # several experimental arms have a difference each
            line[f"difference {row['arm']}"] = difference(row["difference"], row["low"], row["high"])
    arms = {
        f"arm {arm}": f"{labels.get(arm, arm) or EVERYBODY} (n{SPACE}={SPACE}{count(n)})" for arm, n in sizes.items()
    }
    apart = [f"difference {arm}" for arm in sizes if any(f"difference {arm}" in line for line in told.values())]
    heads = dict.fromkeys(apart, "Difference (95 % interval)")
    if len(apart) > 1:
        heads = {name: f"{labels.get(name.split(' ', 1)[1])}, difference (95 % interval)" for name in apart}
    written = pd.DataFrame(list(told.values()), columns=[*rows, *arms, *apart]).fillna(ABSENT)
    made = table(written, title, subtitle, {**arms, **heads}, group=group, rows=most)
    return made.cols_align("right", [*arms, *apart])


def difference(apart: Any, low: Any, high: Any) -> str:
    """A difference of shares with its interval.

    >>> difference(-0.078, -0.132, -0.024).replace(SPACE, " ")
    '−7.8 % (−13.2 to −2.4)'
    """
    if absent(apart):
        return ABSENT
    return f"{percent(apart)} ({number(100 * low)} to {number(100 * high)})"


def effect_table(frame: Frame) -> GT:
    """What may be concluded at this look: differences in percent, the rest as numbers."""

    rows = []
    for row in frame.to_dict("records"):
        share = "difference" in row["what"] or "interval" in row["what"]
        one = (lambda x: percent(x)) if share else (lambda x: number(x, 4))
        pair = ABSENT if absent(row["low"]) else f"{one(row['low'])} to {one(row['high'])}"
        if row["what"].startswith("Alpha"):
            pair = f"of {one(row['high'])}"
        value = "∞ (cannot stop at this look)" if row["value"] == float("inf") else one(row["value"])
        rows.append((row["what"], value, pair))
    made = table(pd.DataFrame(rows, columns=["what", "value", "interval"]), labels={"what": SPACE})
    return made.cols_align("right", ["value", "interval"])


def cover(items: Mapping[str, Any]) -> GT:
    """The cover: what this report is of, line by line; what is not known is a dash."""

    frame = pd.DataFrame({"item": list(items), "value": [str(v) if v else ABSENT for v in items.values()]})
    return table(frame, "This report")


def charter(protocol: Protocol, arms_told: bool) -> GT:
    """The design as the protocol file has it, with what is assumed and why; in an open report without the arms."""

    names = "|".join(re.escape(each) for arm in protocol.arms for each in (arm.id, arm.label))
    named, rows = re.compile(rf"\b({names})\b", re.IGNORECASE), []
    for name, item in protocol.design.items():
        value: Any = item.value
        if isinstance(value, dict):  # the ratio
            value = ":".join(map(str, value.values())) + (f" ({', '.join(map(str, value))})" if arms_told else "")
        elif isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        why = item.why if arms_told or not named.search(item.why or "") else "see the protocol file: it names an arm"
        rows.append((name.replace("_", " "), str(value), "assumed" if item.assumed else "registry", why))
    frame = pd.DataFrame(rows, columns=["item", "value", "from", "why"])
    return table(frame, "Charter and stopping rule as the protocol file has them", labels={"from": "Source"})


def form() -> Html:
    """The recommendation form, to be filled in by hand."""
    boxes = "".join(f'<p style="margin:4px 0">☐ {html.escape(choice)}</p>' for choice in CHOICES)
    line = f'<span style="display:inline-block;border-bottom:1px solid {INK};width:100%;height:2.1em"></span>'
    said = "".join(f'<p style="margin:6px 0 0;color:{QUIET}">{what}</p>{line}' for what in FIELDS)
    return Html(f'<div style="font:14px/1.4 {", ".join(FONTS)};color:{INK};break-inside:avoid">{boxes}{said}</div>')


FIELDS = ("Reasons, and what is asked of sponsor and investigators", "Next meeting", "Chair: name, date, signature")


def rate_table(found: Mapping[str, float], plan: Plan) -> Frame:
    """The overall rate against what was assumed, and the size that it asks for, as a frame of two columns."""

    spread = f"{percent(found['low'])} to {percent(found['high'])}"
    rows = [
        (
            "Overall rate so far (95 % interval by Clopper and Pearson)",
            f"{percent(found['rate'])} ({spread}), n = {count(found['n'])}",
        ),
        ("Overall rate that the design assumes", percent(found["assumed"])),
        ("Participants planned", count(plan.sample_size)),
        ("Participants for 80 % power at the planned difference and this rate, fixed design", count(found["needed"])),
    ]
    return pd.DataFrame(rows, columns=["what", "value"])
