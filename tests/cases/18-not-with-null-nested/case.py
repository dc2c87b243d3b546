"""Unknowns through nested `and`, `or` and `not`, on three engines, against Kleene's tables written out here."""

from itertools import product

import duckdb
import polars as pl
from cases.common import decisions

TRUTHS = (True, False, None)


def no(one):
    return None if one is None else not one


def both(one, other):
    return False if False in (one, other) else None if None in (one, other) else True


def either(one, other):
    return no(both(no(one), no(other)))


def expected(a, b, x):
    above = None if x is None else x > 5
    states = [both(either(a, b), no(both(a, b))), no(no(either(above, x is None)))]
    return "ineligible" if False in states else "undetermined" if None in states else "eligible"


def case():
    rows = list(product(TRUTHS, TRUTHS, (1.0, 9.0, None)))
    columns = {name: [row[i] for row in rows] for i, name in enumerate("abx")}
    table = pl.DataFrame({"patient_id": [str(i) for i in range(27)], **columns}, strict=False)
    right = [expected(*row) for row in rows]
    sources = (table, table.to_pandas(), duckdb.from_arrow(table.to_arrow()))
    return [list(decisions(source).values()) for source in sources], [right] * 3
