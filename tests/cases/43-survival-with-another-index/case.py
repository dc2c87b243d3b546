"""Survival of columns with other indexes is no empty curve, and a duration of -1 is no time: both are refused."""

import pandas as pd
from cases.common import attempt, survival


def rows(days, event, group):
    curve = attempt(lambda: survival(days, event, group))
    return "refused" if isinstance(curve, str) else len(curve)


def case():
    days, event, group = pd.Series([5.0, 6, 7]), pd.Series([True, False, True]), pd.Series(["a"] * 3)
    other = rows(days.set_axis([10, 11, 12]), event.set_axis([10, 11, 12]), group)
    negative = rows(days - 6, event, group)
    return (other, negative), ("refused", "refused")
