"""A closed look goes in; what must be known beside its effect comes out: who takes no part, what was assumed."""

from __future__ import annotations

from ...figures.format import count
from ..data.tables import Frame
from ..lookdata import LookData
from .effect import comparisons, primary_effect
from .endpoint import endpoint_rows
from .looks import NOT_HANDED_IN, boundaries


def caveats(look: LookData) -> str:
    """What a reader of the effect must know beside it: who takes no part, what was taken for granted; often nothing."""
    each = comparisons(look)
    if len(each) > 1:
        return " ".join(dict.fromkeys(filter(None, map(caveats, each))))
    found, trial = primary_effect(look), look.trial
    if found is None:
        return ""
    told, alone = [], sum(found.people.values()) - found.n
    if alone:
        told.append(f"{count(alone)} with the outcome known take no part: their stratum has nobody of the other arm.")
    if found.unstratified and found.kind != "continuous" and trial.subjects["stratum"].notna().any():
        told.append(f"Not stratified, for the stratum of {count(found.unstratified)} participants is not known.")
    rows = endpoint_rows(look)
    early = int((rows["state"].eq("to come") & rows["value"].eq(1)).sum()) if found.kind == "binary" else 0
    if early:
        told.append(f"The curves below also show {count(early)} whose event came before their last day has passed.")
    told += _of_measurements(rows) if found.kind in ("continuous", "ordinal") else []
    if trial.window is None and found.kind != "time_to_event":
        told.append("The design names no day by which the endpoint counts: everybody does, however early.")
    frame = boundaries(look)
    if taken := frame.loc[frame["state"] == NOT_HANDED_IN, "look"].astype("str").tolist():
        told.append(f"Of look {' and '.join(taken)} no z is known: its information is as planned, or as last written.")
    return " ".join(told)


def _of_measurements(rows: Frame) -> list[str]:
    """On which days the values were seen, and of how many the baseline is not known."""
    used = rows[rows["state"] == "known"]
    days = (used["observed_on"] - used["randomized_on"]).dt.days.dropna()
    told = []
    if len(days):
        first, middle, last = (f"{each:.0f}" for each in (days.min(), days.median(), days.max()))
        seen = f"it was seen on day {first} to {last} (median {middle})"
        told.append(f"The last value up to the end of the window counts; {seen}.")
    without = int(used["baseline"].isna().sum())
    if 0 < without < len(used):
        told.append(f"Of {count(without)} the baseline is not known; the mean of the others stands for it.")
    return told
