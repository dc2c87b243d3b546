"""An id with a blank at its end is refused in a CSV file, and must be in other files and frames too."""

import pandas as pd
import polars as pl
from cases.common import decisions


def case():
    table = pl.read_csv("patients.csv", infer_schema=False)
    table.select("patient_id", pl.col("age").cast(pl.Int64)).write_parquet("trailing.parquet")
    frame = pd.DataFrame({"patient_id": ["a", "a\N{NO-BREAK SPACE}"], "age": [40, 40]})
    rows = [decisions(source) for source in ("patients.csv", "trailing.parquet", frame)]
    return ["refused" if isinstance(each, str) else each for each in rows], ["refused"] * 3
