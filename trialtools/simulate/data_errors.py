"""Clean tables go in; tables with a few errors of data entry and a list of them come out, none fatal to reading."""

from __future__ import annotations

import numpy as np
import polars as pl

from .model import read_assumptions

Tables = dict[str, pl.DataFrame]


def put_in_errors(tables: Tables, rng: np.random.Generator) -> tuple[Tables, list[str]]:
    """The tables as texts with a few wrong entries, and where they are; a table too short for one is left alone."""
    errors = read_assumptions("trial")["errors"]
    texts = {name: frame.with_columns(pl.all().cast(pl.String)) for name, frame in tables.items()}
    found = []
    for error in errors:
        column, frame = error["column"], texts[error["table"]]
        fits = frame[error["where"]].is_not_null() & ~frame[column].is_in([each["value"] for each in errors])
        for name, values in error.get("only", {}).items():
            fits &= frame[name].is_in(values)
        rows = fits.arg_true().to_list()
        if len(rows) < 5 * error["n"]:
            continue
        chosen = sorted(int(row) for row in rng.choice(rows, error["n"], replace=False))
        wrong = pl.int_range(len(frame), eager=True).is_in(chosen)
        value = pl.when(wrong).then(pl.lit(error["value"] or None)).otherwise(column)
        texts[error["table"]] = frame.with_columns(value.alias(column))
        people = ", ".join(frame["subject_id"][row] for row in chosen)
        found.append(f"{error['table']}.{column}: {error['reason']} ({people})")
    return texts, found
