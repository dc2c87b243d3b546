"""The door of mapping files: any text is read or refused with file, line and reason; what is read can be used."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from .tables import screened

FULL = """\
name: A table
patient_id: {column: patient_id, on_fault: number}
missing: ["-9", NA]
codes: {"1": true, "0": false, "9": unknown}
separator: ";"
encoding: utf-8
header: 1
note: none
fields:
  age: {column: age, unit: mo, on_invalid: unknown}
  rate: {column: rate, decimal: ",", unit: /h, missing: ["999"], on_invalid: unknown}
  fever: {columns: [fever, pregnant]}
  sex: {column: sex, codes: {f: female, m: male, "": unknown}, on_invalid: unknown}
  seen: {column: seen, format: "%d.%m.%y", pivot: 2030, on_invalid: unknown}
  pregnant: pregnant
"""
ROWS = """\
patient_id: patient_id
rows: {take: last, by: seen, format: "%d.%m.%Y"}
separator: ";"
fields:
  age: {column: age, take: max, on_invalid: unknown}
  rate: {column: rate, take: mean, on_invalid: unknown}
  fever: {column: fever, take: any, codes: {"1": true, "0": false, "9": unknown}}
  sex: {column: sex, take: only, on_invalid: unknown}
"""
TABLE = """\
patient_id;age;rate;fever;sex;seen;pregnant
a;480;1.200,5;1;f;30.04.20;0
b;> 500;999;0;m;01.05.69;9
;12;x;9;;UN.05.20;1
"""
SEVERAL = TABLE.replace("\n;12", "\na;12").replace(".20;", ".2020;").replace(".69;", ".1969;")
PIECES = """
name patient_id missing codes separator encoding header note fields age column columns unit decimal format pivot zone
on_invalid on_fault rows take by last first only any all min max mean
error number unknown true false null ~ [] {} [a] {a: b} "" ' " : , - # | > ! & * << ? % @ ` \\ 0 1
-1 1e9 .nan 0x1f 2023-01-31 12:30 yes no !!float !!timestamp !!python/object kg % 10^9/L [degF] %Y %d utf-16 latin-1
klingon Asia/Shanghai ../x \\t
"""
TOKENS = (*PIECES.split(), "\n", "  ", "\t", "\0", "\u200b", "\u00fc", "\ufeff", "\n  ")


def attempt(chance: Random) -> None:
    """A good mapping with some pieces cut out, doubled or replaced, put to use on a small table."""
    whole, rows = chance.choice(((FULL, TABLE), (ROWS, SEVERAL)))
    text = whole if chance.random() < 0.9 else "".join(chance.choices(TOKENS, k=chance.randrange(30)))
    for _ in range(chance.randrange(6)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randrange(15))
        piece = chance.choice(("", text[start:end], chance.choice(TOKENS), chance.choice(text.split("\n"))))
        text = text[:start] + piece + text[end if chance.random() < 0.6 else start :]
    with tempfile.TemporaryDirectory() as folder:
        mapping, table = Path(folder) / "mapping.yaml", Path(folder) / "t.csv"
        mapping.write_text(text, "utf-8", errors="surrogatepass")
        table.write_text(rows, "utf-8")
        screened(table, 3, mapping, lost=False)
