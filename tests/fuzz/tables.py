"""What the doors of tables share: a protocol, odd values and ids, and what must be true of every table that is read."""

from __future__ import annotations

import math
from datetime import date, datetime
from random import Random
from typing import Any

import trialtools as tt
from trialtools.criteria.contents import read_protocol

PROTOCOL = read_protocol("""
id: FUZZ
title: A protocol that is given anything
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  rate: {type: number, unit: /min, range: [4, 80], label: Rate}
  fever: {type: flag, label: Fever}
  sex: {type: category, values: [female, male], label: Sex}
  seen: {type: date, label: Seen}
  pregnant: {type: flag, label: Pregnant, applies: 'sex == "female"'}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: 18 <= age <= 85}
  - {id: I2, kind: inclusion, label: Rate, when: rate / 2 < 15}
  - {id: E1, kind: exclusion, label: Ill, when: fever or sex == "male"}
  - {id: E2, kind: exclusion, label: Early, when: 'seen < date("2020-05-01")'}
  - {id: E3, kind: exclusion, label: Pregnant, when: pregnant}
""")
FIELDS = tuple(PROTOCOL.fields)
PLAIN: dict[str, tuple[Any, ...]] = {
    "age": (0, 17, 18, 85, 120, None),
    "rate": (4.0, 29.99, 30.0, None),
    "fever": (True, False, None),
    "sex": ("female", "male", None),
    "seen": (date(2020, 4, 30), date(2020, 5, 1), None),
    "pregnant": (True, False, None),
}
ODD: tuple[Any, ...] = (
    *(
        "",
        " ",
        "x",
        "n.a.",
        "40",
        " 41 ",
        ">100",
        "\u2264 3",
        "<0.5",
        "1.250",
        "1,5",
        "97 %",
        "22/min",
        "2023-05",
        "2020-UN-UN",
    ),
    *(
        "20-25",
        "18\u201385",
        "1_000",
        "20 \u00b1 2",
        "20*",
        "2020-06-01 00:00",
        "2020-06-01T23:30-04:00",
        "2023-W05",
        "007",
    ),
    *("1.23E+15", "06/13/2020", "30.06.20", "0.97", "5 \u00b5mol/l"),
    *("true", "False", "1", "0", "=1+1", "-5", "\u00fc", "u\u0308", "\u200b", "\0", "1e400", "nan", "31/12/2020", "-0"),
    *(0, 1, -1, 2**63 - 1, -(2**63), 0.5, -0.0, 1e308, 5e-324, math.nan, math.inf, True, None),
    *(date(1, 1, 1), date(9999, 12, 31), datetime(2020, 1, 1, 23, 59)),
)
IDS: tuple[Any, ...] = (
    "a",
    "A",
    "a ",
    "\u00e9",
    "e\u0301",
    "",
    " ",
    "Summe",
    "total",
    "7",
    "007",
    "row 1",
    "=1",
    "a\nb",
    "1.23E+15",
    0.5,
    None,
)


def screened(source: Any, n: int, mapping: Any = None, lost: bool = True) -> None:
    """Screen a table: it is refused with a sentence, or every row is a patient, or told to be none.

    Args:
        source: a table of n rows.
        lost: whether to hold the number of patients against n; what is damaged may have lost some for good.
    """
    try:
        screening = tt.screen(PROTOCOL, source, mapping)
    except tt.DataError as error:
        assert str(error).strip()
        return
    quality = screening.patients.quality
    gone = int(quality.loc[quality["action"] == "left out", "n"].sum())
    assert not lost or screening.n + gone == n, (screening.n, gone, n)
    decisions = screening.decisions()
    assert len(decisions) == screening.n == screening.patterns["n"].sum() and decisions["patient_id"].is_unique


def ids(chance: Random, n: int) -> list[Any]:
    """Mostly ids that tell rows apart."""
    if chance.random() < 0.7:
        return [f"P{i}" for i in range(n)] if chance.random() < 0.5 else list(range(n))
    return chance.choices(IDS, k=n)
