"""Criteria are bits of a whole number of 64: 62 are counted exactly, and the 63rd is refused with a sentence."""

import polars as pl
from cases.common import attempt

import trialtools as tt
from trialtools.criteria.contents import read_protocol


def sketch(n):
    fields = "".join(f"  f{i}: {{type: flag, label: F{i}}}\n" for i in range(n))
    criteria = "".join(f"  - {{id: C{i}, kind: inclusion, label: C{i}, when: f{i}}}\n" for i in range(n))
    return read_protocol(f"id: M\ntitle: Many\nfields:\n{fields}criteria:\n{criteria}")


def case():
    flags = {f"f{j}": [i != j for i in range(63)] for j in range(62)}  # patient i fails criterion i, the last none
    table = pl.DataFrame({"patient_id": [str(i) for i in range(63)], **flags})
    decisions = tt.screen(sketch(62), table).decisions()
    message = attempt(lambda: sketch(63))
    got = (decisions["failed"].tolist(), int((decisions["decision"] == "eligible").sum()), "62" in str(message))
    return got, ([*(f"C{i}" for i in range(62)), ""], 1, True)
