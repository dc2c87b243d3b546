"""Two screenings go in, one table of both comes out: two cohorts, sites, dates or protocols side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..screening import Screening
from .counts import states

if TYPE_CHECKING:
    import pandas as pd

Z95 = 1.959963984540054


def compare(first: Screening, second: Screening, names: tuple[str, str] = ("first", "second")) -> pd.DataFrame:
    """Two screenings side by side: who could enter each, and what each criterion makes of both.

    Args:
        first, second: of two cohorts, two sites, two times (see `where`), or of one cohort under two protocols.
        names: what they are called; no more than a word in the columns `first` and `second`.

    Columns: what (`certain`, `possible`, or `fail` and `unknown` of a criterion), criterion, label, first, second (the
    names), first_n, first_of, second_n, second_of, difference (of the shares, second less first), low, high. A
    criterion that only one protocol has is empty on the other side.

    The interval is Newcombe's hybrid score interval for independent groups (Statistics in Medicine 17, 1998, method
    10), 95 %. It is empty where both are of the same table: then the same patients are counted twice, and any
    difference is exact.

    >>> import trialtools as tt
    >>> protocol = tt.load_protocol("data/protocols/NCT05741099.yaml")
    >>> patients = tt.read_patients("data/cohort/cohort.csv", protocol)
    >>> parts = [tt.where(patients, protocol, f"sex == '{sex}'") for sex in ("female", "male")]
    >>> women, men = (tt.screen(protocol, part) for part in parts)
    >>> tt.compare(women, men, ("women", "men"))[["what", "first_n", "first_of"]].values.tolist()[1]
    ['possible', 151, 913]
    """
    import pandas as pd

    sides = [_counted(screening) for screening in (first, second)]
    same = first.patients is second.patients
    rows = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        label, a = sides[0].get(key, (None, None))
        other, b = sides[1].get(key, (None, None))
        row: dict[str, Any] = {"what": key[0], "criterion": key[1], "label": label or other}
        row |= {"first": names[0], "second": names[1], "first_n": a, "first_of": first.n if a is not None else None}
        row |= {"second_n": b, "second_of": second.n if b is not None else None}
        both = a is not None and b is not None and first.n > 0 and second.n > 0
        row["difference"] = b / second.n - a / first.n if both else math.nan  # type: ignore[operator]
        row["low"], row["high"] = newcombe(b, second.n, a, first.n) if both and not same else (math.nan, math.nan)  # type: ignore[arg-type]
        rows.append(row)
    whole = dict.fromkeys(("first_n", "first_of", "second_n", "second_of"), "Int64")
    return pd.DataFrame(rows).astype(whole)


def _counted(screening: Screening) -> dict[tuple[str, str], tuple[str, int]]:
    found = {("certain", ""): ("Eligible for certain", screening.certain)}
    found["possible", ""] = ("Could be eligible", screening.possible)
    for row in states(screening).to_dict("records"):
        for what in ("fail", "unknown"):
            found[what, row["criterion"]] = (row["label"], int(row[what]))
    return found


def newcombe(a: int, n: int, b: int, m: int) -> tuple[float, float]:
    """The 95 % interval of a/n - b/m by Newcombe's method 10.

    >>> [round(limit, 4) for limit in newcombe(56, 70, 48, 80)]  # as published
    [0.0524, 0.3339]
    """
    (low1, high1), (low2, high2) = _wilson(a, n), _wilson(b, m)
    p, q = a / n, b / m
    return (
        p - q - math.hypot(p - low1, high2 - q),
        p - q + math.hypot(high1 - p, q - low2),
    )


def _wilson(a: int, n: int) -> tuple[float, float]:
    p, z2 = a / n, Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - half, middle + half
