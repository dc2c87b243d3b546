"""The door of Parquet files: a damaged one is refused with a sentence, whatever was damaged."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from random import Random

import polars as pl

from .tables import FIELDS, PLAIN, screened

N = 60


@cache
def _whole(seed: int) -> bytes:
    chance = Random(seed)
    columns = {name: chance.choices(PLAIN[name], k=N) for name in FIELDS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.parquet"
        frame = pl.DataFrame({"patient_id": [f"P{i}" for i in range(N)], **columns})
        how = chance.choice(("zstd", "snappy", "gzip", "uncompressed", "lz4"))
        frame.write_parquet(file, compression=how, row_group_size=chance.choice((7, 100)))
        return file.read_bytes()


def attempt(chance: Random) -> None:
    """A file of which some bytes are others, or lack; one in five is whole, and all of its rows are patients."""
    made = bytearray(_whole(chance.randrange(20)))
    match damage := chance.randrange(5):
        case 0:
            del made[chance.randrange(len(made)) :]
        case 1:
            at = chance.randrange(len(made))
            made[at : at + chance.randrange(40)] = bytes(chance.randrange(40))
        case 2:
            pass
        case 3:
            for _ in range(chance.randrange(1, 5)):
                made[-chance.randrange(1, min(len(made), 1200))] = chance.randrange(256)  # in the footer
        case _:
            for _ in range(chance.randrange(1, 5)):
                made[chance.randrange(len(made))] = chance.randrange(256)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.parquet"
        file.write_bytes(made)
        screened(file, N, lost=damage == 2)
