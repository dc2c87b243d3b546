"""A look goes in; who was randomized comes out: arm by arm, or all together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api import types

from ...cohort.frames.baseline import BASELINE, Counted, describe
from ...cohort.frames.groups import default_groups
from ..data.tables import TABLES, Frame
from ..lookdata import NOT_COLLECTED, LookData, with_reason

MOST_LEVELS = 8
EVERYBODY = "all randomized"


def baseline(look: LookData, fields: Sequence[str] | None = None) -> Frame:
    """Who was randomized: as `tt.Screening.baseline` gives it, a group an arm, or all together.

    Args:
        look: whose extra columns of `subjects` are the baseline.
        fields: which columns; by default those that tell people apart (age, sex, chronic conditions) and the numbers
            that the criteria ask for; of a trial without such fields, all columns.

    Unknown is a level of its own, where anything is unknown. `smd` compares those who are known. No p-values
    (CONSORT 2025).
    """
    protocol = look.protocol
    extra = [name for name in look.trial.subjects if name not in TABLES["subjects"]]
    asked = [name for name in protocol.used if protocol.fields[name].type in ("number", "integer")]
    usually = [name for name in extra if name in {*default_groups(protocol), *asked}]
    rows = [row for name in fields or usually or extra for row in _variable(look, name)]
    return with_reason(pd.DataFrame(rows, columns=list(BASELINE)), NOT_COLLECTED)


def _variable(look: LookData, name: str) -> list[dict[str, object]]:
    groups = {arm or EVERYBODY: look.members(arm)[name] for arm in look.arms}
    field = look.protocol.fields.get(name)
    about = (name, field.label, field.unit or "") if field else (name, name.replace("_", " ").capitalize(), "")
    kind: Frame = look.trial.subjects[name].dtype
    if types.is_datetime64_any_dtype(kind):
        return []
    if types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind):
        rows = describe(about, {arm: _count_values(column.astype("float64")) for arm, column in groups.items()})
    else:
        flags = field is not None and field.type == "flag"
        text = {
            arm: column.map({True: "yes", False: "no"}, na_action="ignore") if flags else column.astype("str")
            for arm, column in groups.items()
        }
        levels = sorted({str(level) for column in text.values() for level in column.dropna()})
        if len(levels) > MOST_LEVELS or not levels:
            return []
        places = {level: float(at) for at, level in enumerate(levels)}
        rows = describe(about, {arm: _count_values(column.map(places)) for arm, column in text.items()}, levels)
    return rows if any(row["n"] for row in rows[-len(groups) :]) else rows[: -len(groups)]


def _count_values(column: Frame) -> Counted:
    """How many have each value of a column of numbers."""
    found = column.value_counts().sort_index()
    return Counted(found.index.to_numpy(float), found.to_numpy("int64"), int(column.isna().sum()))
