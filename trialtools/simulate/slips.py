"""Clean tables go in, tables with a few slips of the pen come out, and what they are; none is fatal to a reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    Tables = dict[str, pl.DataFrame]

SLIPS = (  # table, column, which rows, how many, what is written, in words
    ("events", "ended_on", "ended_on", 2, "2023-01-01", "ended before it started"),
    ("events", "severity", "severity", 1, "6", "a severity of 6"),
    ("events", "started_on", "started_on", 1, "2023-06", "a month without a day"),
    ("doses", "amount", "dosed_on", 1, "-100.0", "a negative amount"),
    ("labs", "value", "value", 3, "<5", "a limit in place of a value"),
    ("outcomes", "value", "value", 1, "", "a primary endpoint that was not filled in"),
)
"""Each in rows where a column is known. Of events, none that was fatal; of outcomes, the primary ones that are 0."""


def slips(tables: Tables, rng: Any) -> tuple[Tables, list[str]]:
    """The tables as texts with a few wrong entries, and where they stand; tables too short for one are left alone."""

    texts = {name: frame.with_columns(pl.all().cast(pl.String)) for name, frame in tables.items()}
    told = []
    for table, column, where, n, value, words in SLIPS:
        frame = texts[table]
        fit = frame[where].is_not_null() & ~frame[column].is_in([each[4] for each in SLIPS])
        if table == "outcomes":
            fit &= (frame["endpoint"] == "progression") & (frame["value"] == "0.0")
        if table == "events":
            fit &= frame["outcome"] != "fatal"
        if table == "labs":
            fit &= frame["test"] == "CRP"
        rows: Sequence[int] = fit.arg_true().to_list()
        if len(rows) < 5 * n:
            continue
        chosen = sorted(int(each) for each in rng.choice(rows, n, replace=False))
        wrong = pl.Series([place in chosen for place in range(len(frame))])
        texts[table] = frame.with_columns(pl.when(wrong).then(pl.lit(value or None)).otherwise(column).alias(column))
        people = ", ".join(frame["subject_id"][place] for place in chosen)
        told.append(f"{table}.{column}: {words} ({people})")
    return texts, told
