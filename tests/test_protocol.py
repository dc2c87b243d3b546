"""What a protocol file may say, what it is told when it says something else, and that nothing is lost on the way.

Every message stands in golden/protocol_errors.txt, so that its prose is reviewed. After a deliberate change:

    TRIALTOOLS_WRITE_GOLDEN=1 python -m pytest tests/test_protocol.py
"""

from __future__ import annotations

import ast
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest
import yaml
from conftest import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from trialtools.criteria.contents import Protocol, load_protocol, read_protocol
from trialtools.criteria.language import ProtocolError, names, parse, words
from trialtools.criteria.proofs.findings import uncovered_text
from trialtools.criteria.protocol import Field, expressions, write_protocol

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS = ROOT / "data" / "protocols"
TRIALS = ("NCT05741099", "NCT04288102", "NCT04355728", "NCT02210780")
GOLDEN = Path(__file__).parent / "golden" / "protocol_errors.txt"

FIELDS = {
    "age": Field("integer", "Age"),
    "spo2": Field("number", "Spo2"),
    "cough": Field("flag", "Cough"),
    "fever": Field("flag", "Fever"),
    "sex": Field("category", "Sex", values=("female", "male")),
    "stage": Field("category", "Stage", values=("I", "II", "III"), ordered=True),
    "region": Field("category", "Region", values=("north", "south")),
    "tested_on": Field("date", "Tested_on"),
    "screened_on": Field("date", "Screened_on"),
}
SKETCH = """\
id: T1
title: A sketch
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age}
  sex: {type: category, values: [female, male], label: Sex}
  cough: {type: flag, label: Cough}
  seen_on: {type: date, label: Date seen}
criteria:
  - id: I1
    kind: inclusion
    label: Adult
    when: age >= 18
  - id: I2
    kind: inclusion
    label: Cough, or older
    readings: {older: age > 20, ill: cough}
"""
TRIAL = (PROTOCOLS / "NCT05741099.yaml").read_text("utf-8")


@cache
def trial(id: str) -> Protocol:
    return load_protocol(PROTOCOLS / f"{id}.yaml")


# --- every message, reviewed ------------------------------------------------------------------------------------------

EXPRESSIONS = {  # by what went wrong, the shortest expression that shows it
    "a misspelt field": "agee > 65",
    "a field that is like none": "haemoglobin > 10",
    "a capital letter": "Age > 65",
    "a flag as other languages write it": "cough == true",
    "yes for True": "yes",
    "nothing, as other languages write it": "age == null",
    "a value without its quotes": "sex == female",
    "a function as a name": "known and cough",
    "a word that is no function": "atleast(1, cough)",
    "a field as a function": "age(3)",
    "a category value that does not exist": 'sex == "femal"',
    "a category value far from any": 'sex not in ["x"]',
    "two categories with nothing in common": "sex == region",
    "a number against text": 'age > "old"',
    "a number in quotes": 'age > "65"',
    "a number against a flag": "age > cough",
    "a flag against text": 'cough == "yes"',
    "a flag against a number": "cough == 1",
    "a date against text": 'tested_on > "2023-01-31"',
    "a date against a number": "tested_on > 2023",
    "an order among categories": 'sex < "male"',
    "an order among flags": "cough < fever",
    "nothing true or false": "age",
    "a number for a criterion": "5",
    "text for a criterion": '"female"',
    "days for a criterion": "screened_on - tested_on",
    "not of a number": "not age",
    "and of a date": "cough and tested_on",
    "a comparison without a field": "3 > 2",
    "a part that is settled for everybody": "True and cough",
    "not of what is settled": "not True",
    "a list that is no list": 'sex in ("female")',
    "an empty list": "sex in ()",
    "a list of fields": "age in (65, spo2)",
    "a list of the wrong kind": 'age in (1, "two")',
    "a flag in a list": "cough in (True, False)",
    "a list in a chain": "age in (1, 2) in (3, 4)",
    "a list on its own": "[1, 2]",
    "at_least without parts": "at_least(2)",
    "at_least without its number": "at_least(cough, fever)",
    "at_least of too few": "at_least(5, cough, fever)",
    "at_least none": "at_least(0, cough)",
    "at_least of a number": "at_least(1, age, cough)",
    "known of a condition": "known(age > 5)",
    "known of a misspelt field": "known(agee)",
    "missing of text": 'missing("age")',
    "months_before without its number": "months_before(tested_on) > screened_on",
    "months_before of a number": "months_before(age, 3) > screened_on",
    "months_before by a field": "tested_on > months_before(screened_on, age)",
    "months_before of a century and more": "tested_on > months_before(screened_on, 5000)",
    "months_before of months_before of a century": ("tested_on > months_before(months_before(screened_on, 700), 600)"),
    "a date in three numbers": "tested_on > date(2023, 1, 31)",
    "a date with the day first": 'tested_on > date("31.01.2023")',
    "a date that is none": 'tested_on > date("2023-02-30")',
    "a date long ago": 'tested_on > date("0001-01-01")',
    "a date as a subtraction": "tested_on > 2023-01-31",
    "days added to a date": "tested_on + 5 > screened_on",
    "arithmetic on a flag": "age + cough > 5",
    "minus a flag": "-cough",
    "plus before a value": "+age > 3",
    "a division by zero": "age > 1/0",
    "a huge number": "age > 1e400",
    "a huge product": "age > 1e15 * 10",
    "a complex number": "age > 1j",
    "a number of another base": "age > 0x41",
    "a number grown into a word": "age > 65and cough",
    "an ellipsis": "age > ...",
    "bytes": 'sex == b"female"',
    "None": "age == None",
    "is": "age is None",
    "a single =": "age = 65",
    "three =": 'sex === "female"',
    "<> for !=": "age <> 65",
    "=> for >=": "age => 65",
    "=< for <=": "age =< 65",
    "&": "cough & fever",
    "&&": "cough && fever",
    "|": "cough | fever",
    "||": "cough || fever",
    "~": "~cough",
    "!": "!cough",
    "^": "cough ^ fever",
    "AND": "cough AND fever",
    "OR": "cough OR fever",
    "NOT": "NOT cough",
    "a power of a field": "age > spo2 ** age",
    "a power too large": "age > spo2 ** 11",
    "a power without a value": "age > (0 - 2) ** 0.5",
    "a number too near zero": "spo2 > 1e-400",
    "a division of a field by zero": "spo2 / (1 - 1) > 1",
    "a word of Python": "class > 3",
    "a power of nothing": "age > spo2 ** 0",
    "a field as the power of a negative number": "(-2) ** age > 3",
    "a flag as a power": "spo2 ** cough > 3",
    "min of one": "min(age) > 3",
    "max of a flag": "max(age, cough) > 3",
    "completed years of one date": "completed_years(tested_on) > 3",
    "completed years of a number": "completed_years(age, tested_on) > 3",
    "completed months of two constants": 'completed_months(date("2020-01-01"), date("2021-01-01")) > age',
    "an order among flags and values": "cough >= True",
    "a value beyond an order": 'stage >= "IV"',
    "below the lowest value": 'stage < "I"',
    "above the highest value": '"III" < stage',
    "an order of two categories": "stage > sex",
    "if without then": "if cough",
    "then without if": "cough then fever",
    "if without an end": "if cough then",
    "if without a condition": "if then cough",
    "if behind and": "cough and if fever then age > 3",
    "if of a number": "if age then cough",
    "then of a number": "if cough then age",
    "a misspelt field behind then": "if cough then agee > 3",
    "if, with a single =": "if age = 3 then cough",
    "then, with a single =": "if cough then age = 3",
    "If": "If cough then fever",
    "if and else": "if cough then fever else age > 3",
    "if, as Python has it inside": "_if(cough, fever)",
    "%": "spo2 > 93 %",
    "a remainder": "age % 2 == 0",
    "//": "age // 2 > 3",
    "@": "age @ 2 > 3",
    "a sign from a word processor": "age ≥ 65",
    "quotes from a word processor": "sex == “female”",
    "a sign that is no sign": "age > ∞",
    "digits of another alphabet": "age > \uff16\uff15",
    "a letter of another alphabet": "аge > 65",
    "a wide letter": "ａge > 65",
    "a null byte": "age\0 > 65",
    "a space without width": "age\u200b > 65",
    "half a character": "\ud800 > 3",
    "a backslash": "age > 65 \\ and cough",
    "a remark": "age > 65  # elderly",
    "a semicolon": "age > 65; cough",
    "a question mark": "age > 65 ? 1 : 0",
    "a number that begins with 0": "age > 007",
    "two conditions side by side": "cough fever",
    "between": "age between 18 and 85",
    "half a range": "18 <= age and <= 85",
    "an end too early": "18 <= age <= 85 and",
    "a bracket never closed": "(age > 65 or cough",
    "a bracket never opened": "age > 65)",
    "brackets crossed": "(age in [1, 2)]",
    "a quote never closed": 'sex == "female',
    "a dot": "age.real > 5",
    "a dot into Python": '().__class__.__base__.__subclasses__()[0]("ls")',
    "a call of Python": '__import__("os").system("ls")',
    "a call of a call": "known(age)(age)",
    "eval": 'eval("1")',
    "square brackets": "age[0] > 5",
    "a lambda": "lambda: cough",
    "if ... else": "cough if fever else cough",
    "an f-string": 'f"{age}" == sex',
    "a walrus": "(age := 5) > 3",
    "a comprehension": "[x for x in age]",
    "a generator": "(x for x in age)",
    "a dictionary": "{1: 2}",
    "a star": "at_least(1, *cough)",
    "a star in a list": "age in (*cough, 1)",
    "a named argument": "at_least(n=2)",
    "await": "await cough",
    "a statement": "import os",
    "nothing": "",
    "blanks": "   \n ",
    "too long": " and ".join(["cough"] * 400),
    "10,000 brackets": "(" * 10_000 + "cough" + ")" * 10_000,
    "900 brackets": "(" * 900 + "cough" + ")" * 900,
    "too deep": "not " * 60 + "cough",
    "a sum too deep": "age" + "+1" * 900 + " > 0",
    "divisors of divisors": "1 / (" * 9 + "spo2" + ")" * 9 + " > 1",
    "a fault far to the right": "cough or " * 20 + "agee > 3 or " + "cough or " * 20 + "fever",
}


def sketch(old: str = "", new: str = "") -> Callable[[], Protocol]:
    assert old in SKETCH
    return lambda: read_protocol(SKETCH.replace(old, new, 1) if old else SKETCH + new, "sketch.yaml")


def whole(text: str) -> Callable[[], Protocol]:
    return lambda: read_protocol(text, "sketch.yaml")


def quoting(old: str, new: str) -> Callable[[], Protocol]:
    assert old in TRIAL
    return lambda: read_protocol(TRIAL.replace(old, new, 1), "NCT05741099.yaml", PROTOCOLS)


HEAD = SKETCH[: SKETCH.index("criteria:")]
ARM = "arms: [{id: cells, role: experimental, label: Cells, intervention: MSC, dosing: {anchor: %s}}]\n"
UNCLEAR = "ambiguities: [{id: A1, at: %s, text: t, problem: p, treatment: %s, choice: c}]\n"
SCORE = "  score: {type: number, label: S, from: "
FILES = {  # by what went wrong, what was written instead, and how it is read
    "an empty file": ("", whole("")),
    "a list for a file": ("- age", whole("- age")),
    "a text with a colon": ("label: Adult: 18", sketch("label: Adult", "label: Adult: 18")),
    "a percent sign": ("unit: %", sketch("unit: years", "unit: %")),
    "a tab": ("\\ttitle", whole("id: T1\n\ttitle: x")),
    "an anchor": ("title: *starred", sketch("A sketch", "*starred")),
    "a comparison that begins a text": ("when: > 18", sketch("when: age >= 18", "when: > 18")),
    "a key without a colon": ("label Adult", sketch("label: Adult", "label Adult")),
    "a question in braces": ("{label: Cough?, now}", sketch("label: Cough}", "label: Cough?, 'dry' now}")),
    "a quote of YAML never closed": ('title: "A sketch', sketch("A sketch", '"A sketch')),
    "a bracket of YAML never closed": ("id: [T1", whole("id: [T1")),
    "a line out of step": ("   when", sketch("    when: age >= 18", "   when: age >= 18")),
    "a second document": ("---", sketch(new="---\nid: T2\n")),
    "an invisible character": ("\\0", sketch("A sketch", "A\0sketch")),
    "half a sign": ('title: "\\uD800"', sketch("A sketch", '"\\uD800"')),
    "a sign that there is not": ('title: "\\U00110000"', sketch("A sketch", '"\\U00110000"')),
    "a sign far from any": ('title: "\\UFFFFFFFF"', sketch("A sketch", '"\\UFFFFFFFF"')),
    "a date in quotes": (
        'range: ["2020-01-01", ...]',
        sketch("label: Date seen", 'label: S, range: ["2020-01-01", "2021-01-01"]'),
    ),
    "a file nested too deeply": ("[[[[[...", whole("id: " + "[" * 3_000 + "]" * 3_000)),
    "a file that refers to itself": ("&a [*a]", whole("id: &a [*a]")),
    "a tag": ("!!python/name:os.system", whole("id: !!python/name:os.system")),
    "a tag on a list": ("!!set [a]", whole("id: !!set [a]")),
    "a merge key": ("<<: {}", sketch("title: A sketch", "<<: {}")),
    "a tag on text that does not fit": ("!!timestamp x", sketch("A sketch", "!!timestamp x")),
    "a tag on nothing": ('!!float ""', sketch("A sketch", '!!float ""')),
    "a tag of bytes": ("!!binary aGVsbG8=", sketch("A sketch", "!!binary aGVsbG8=")),
    "a time of day for a number": ("range: [0, 1:20]", sketch("[0, 120]", "[0, 1:20]")),
    "a number that begins with 0, in YAML": ("range: [0, 0120]", sketch("[0, 120]", "[0, 0120]")),
    "no number": ("step: .nan", sketch("unit: years", "step: .nan")),
    "a number without end, in YAML": ("range: [0, 999...]", sketch("[0, 120]", f"[0, {'9' * 5_000}]")),
    "a list as a key": ("? [a]", sketch(new="? [a]\n: b\n")),
    "a date that is none, in YAML": ("title: 2020-13-45", sketch("A sketch", "2020-13-45")),
    "a key that stands twice": ("title: A\ntitle: B", sketch("title: A sketch", "title: A\ntitle: B")),
    "a field that stands twice": ("  age: ...", sketch("  cough:", "  age: {type: flag, label: x}\n  cough:")),
    "yes as a key": ("readings: {yes: cough}", sketch("readings: {older", "readings: {yes")),
    "a misspelt key": ("wenn: age >= 18", sketch("when: age", "wenn: age")),
    "a misspelt key at the top": ("criterias:", sketch("criteria:", "criterias:")),
    "a misspelt key of a field": ("units: years", sketch("unit: years", "units: years")),
    "a comma without quotes": ("{type: flag, label: Cough, dry}", sketch("label: Cough}", "label: Cough, dry}")),
    "a comma without quotes, in an expression": (
        "{older: age in (1, 2), ill: cough}",
        sketch("{older: age > 20,", "{older: age in (1, 2),"),
    ),
    "no id": ("", sketch("id: T1\n", "")),
    "no label": ("cough: {type: flag}", sketch(", label: Cough}", "}")),
    "no criteria": ("", whole(HEAD)),
    "an empty list of criteria": ("criteria: []", whole(HEAD + "criteria: []\n")),
    "a criterion that is text": ("criteria: [age > 3]", whole(HEAD + "criteria: [age > 3]\n")),
    "fields in a list": ("fields: [age]", whole("id: T1\ntitle: x\nfields: [age]\ncriteria: []\n")),
    "a field without anything": ("cough:", sketch("cough: {type: flag, label: Cough}", "cough:")),
    "a type that does not exist": ("type: boolean", sketch("type: flag", "type: boolean")),
    "two faults": (
        "type: boolean\nkind: include",
        lambda: read_protocol(SKETCH.replace("flag", "boolean").replace("inclusion", "include", 1), "sketch.yaml"),
    ),
    "a kind that does not exist": ("kind: include", sketch("kind: inclusion", "kind: include")),
    "a number for text": ("title: 5", sketch("A sketch", "5")),
    "a date for text": ("title: 2020-01-01", sketch("A sketch", "2020-01-01")),
    "yes for text": ("label: yes", sketch("label: Adult", "label: yes")),
    "a list for text": ("when: [age >= 18]", sketch("when: age >= 18", "when: [age >= 18]")),
    "keys for text": ("title: {en: x}", sketch("title: A sketch", "title: {en: x}")),
    "text for a number": ("step: one", sketch("unit: years", "step: one")),
    "text in quotes for a number": ('step: "1"', sketch("unit: years", 'step: "1"')),
    "yes for a whole number": ("cost: yes", sketch("label: Cough", "label: Cough, cost: yes")),
    "no in a range": ("range: [no, 120]", sketch("[0, 120]", "[no, 120]")),
    "text for true": ('assumed: "yes"', sketch(new='design: {n: {value: 5, assumed: "yes", why: x}}\n')),
    "a number for an expression": ("when: 1", sketch("when: age >= 18", "when: 1")),
    "a list for an id": ("id: [I1]", sketch("id: I1", "id: [I1]")),
    "text for a whole number": ("cost: cheap", sketch("label: Cough", "label: Cough, cost: cheap")),
    "half a day": ("first_day: 1.5", sketch(new=ARM % "seen_on, first_day: 1.5, last_day: 2")),
    "text for yes or no": ("assumed: perhaps", sketch(new="design: {n: {value: 5, assumed: perhaps}}\n")),
    "text for a list": ("values: female", sketch("values: [female, male]", "values: female")),
    "yes in a list": ("values: [yes, no]", sketch("[female, male]", "[yes, no]")),
    "text for keys": ("design: {n: 5}", sketch(new="design: {n: 5}\n")),
    "the registry text in the file": ("text: Adults", sketch(new="text: Adults\n")),
    "readings chosen in the file": ("readings: {I2: ill}", sketch(new="readings: {I2: ill}\n")),
    "an id with a slash": ("id: ../T1", sketch("id: T1", "id: ../T1")),
    "an id with a blank": ("id: I 2", sketch("id: I2", "id: I 2")),
    "two criteria of one id": ("id: I1", sketch("id: I2", "id: I1")),
    "63 criteria": (
        "...",
        whole(
            HEAD
            + "criteria:\n"
            + "".join(f"- {{id: C{n}, kind: inclusion, label: x, when: cough}}\n" for n in range(63))
        ),
    ),
    "a criterion that says nothing": ("", sketch("    when: age >= 18\n", "")),
    "a criterion that says two things": (
        "when: age >= 18\nreadings: {a: cough}",
        sketch("when: age >= 18", "when: age >= 18\n    readings: {a: cough}"),
    ),
    "a question that is logic too": (
        "ask: true\nwhen: age >= 18",
        sketch("when: age >= 18", "when: age >= 18\n    ask: true"),
    ),
    "a field named as a question": ("ask_cough:", sketch("  cough:", "  ask_cough:")),
    "two questions of one name": (
        "- {id: E-9, ask: true}\n- {id: E_9, ask: true}",
        sketch(new="".join(f"  - {{id: E{sign}9, kind: exclusion, label: Other, ask: true}}\n" for sign in "-_")),
    ),
    "a misspelt field in a criterion": ("when: agee >= 18", sketch("when: age", "when: agee")),
    "a misspelt field in a reading": ("ill: couhg", sketch("ill: cough", "ill: couhg")),
    "a field with a capital": ("Cough:", sketch("  cough:", "  Cough:")),
    "a field of two words": ("dry cough:", sketch("  cough:", "  dry cough:")),
    "a field named as a function": ("date:", sketch("  cough:", "  date:")),
    "a field that is a sign": ("'?':", sketch("  cough:", "  '?':")),
    "a category without values": ("sex: {type: category}", sketch("values: [female, male], ", "")),
    "a flag with values": ("values: [a]", sketch("type: flag", "type: flag, values: [a]")),
    "a value twice": ("values: [female, female]", sketch("[female, male]", "[female, female]")),
    "a range of a flag": ("range: [0, 1]", sketch("type: flag", "type: flag, range: [0, 1]")),
    "a range backwards": ("range: [120, 0]", sketch("[0, 120]", "[120, 0]")),
    "a range of one value": ("range: [0]", sketch("[0, 120]", "[0]")),
    "a range of three values": ("range: [0, 60, 120]", sketch("[0, 120]", "[0, 60, 120]")),
    "a range of words": ("range: [low, high]", sketch("[0, 120]", "[low, high]")),
    "a range without end": ("range: [0, .inf]", sketch("[0, 120]", "[0, .inf]")),
    "a range between whole numbers": ("range: [0.2, 0.8]", sketch("[0, 120]", "[0.2, 0.8]")),
    "dates for a number": ("range: [2020-01-01, 2021-01-01]", sketch("[0, 120]", "[2020-01-01, 2021-01-01]")),
    "numbers for dates": ("range: [2020, 2021]", sketch("type: date", "type: date, range: [2020, 2021]")),
    "a step of 0": ("step: 0", sketch("unit: years", "step: 0")),
    "a cost below 0": ("cost: -1", sketch("label: Cough", "label: Cough, cost: -1")),
    "a number that applies": ("applies: cough", sketch("label: Age", "label: Age, applies: cough")),
    "a flag that applies by another that applies": (
        "cough: {..., applies: fever}\nfever: {..., applies: age > 3}",
        sketch("label: Cough", "label: Cough, applies: fever}\n  fever: {type: flag, label: Fever, applies: age > 3"),
    ),
    "an order of a flag": ("type: flag, ordered: true", sketch("type: flag", "type: flag, ordered: true")),
    "a category that is worked out": ("sex: {..., from: cough}", sketch("label: Sex", "label: Sex, from: cough")),
    "a number worked out of a flag": ("from: cough", sketch("label: Age", "label: Age, from: cough")),
    "a whole number worked out by a division": (
        "age: {..., from: half / 2}",
        sketch("label: Age}", "label: Age, from: half / 2}\n  half: {type: integer, label: Half}"),
    ),
    "a number worked out of nothing": ("from: 1 + 2", sketch("label: Age", "label: Age, from: 1 + 2")),
    "a misspelt field that is worked out of": (
        "from: agee > 3",
        sketch("label: Cough", "label: Cough, from: agee > 3"),
    ),
    "a field worked out of itself": (
        "score: {..., from: half * 2}\nhalf: {..., from: score + 1}",
        sketch("  cough", f"{SCORE}half * 2}}\n{SCORE.replace('score', 'half')}score + 1}}\n  cough"),
    ),
    "formulas that nothing tells apart": (
        "from: {female: age + 1, male: age}",
        sketch("  cough", SCORE + "{female: age + 1, male: age}}\n  cough"),
    ),
    "formulas told apart by a number": (
        "from: {by: age, female: age + 1, male: age}",
        sketch("  cough", SCORE + "{by: age, female: age + 1, male: age}}\n  cough"),
    ),
    "a formula for a value that does not exist": (
        "from: {by: sex, female: age + 1, males: age}",
        sketch("  cough", SCORE + "{by: sex, female: age + 1, males: age}}\n  cough"),
    ),
    "no formula for a value": (
        "from: {by: sex, female: age + 1}",
        sketch("  cough", SCORE + "{by: sex, female: age + 1}}\n  cough"),
    ),
    "a misspelt field in a formula for a value": (
        "from: {by: sex, female: age + 1, male: agee}",
        sketch("  cough", SCORE + "{by: sex, female: age + 1, male: agee}}\n  cough"),
    ),
    "a list to work out of": ("from: [age, 1]", sketch("label: Cough", "label: Cough, from: [age, 1]")),
    "a field with two lines": ("dry__cough:", sketch("  cough:", "  dry__cough:")),
    "a date that anchors nothing": ("anchor: seen", sketch(new=ARM % "seen, first_day: 0, last_day: 1")),
    "a window backwards": ("first_day: 3, last_day: 1", sketch(new=ARM % "seen_on, first_day: 3, last_day: 1")),
    "two arms of one name": (
        "label: Cells, twice",
        sketch(
            new="arms: [{id: a, role: experimental, label: Cells, intervention: MSC}, "
            "{id: b, role: other, label: Cells, intervention: MSC}]\n"
        ),
    ),
    "a role that does not exist": (
        "role: Experimental",
        sketch(new=ARM.replace("e: e", "e: E") % "seen_on, first_day: 0, last_day: 1"),
    ),
    "an ambiguity nowhere": ("at: I7", sketch(new=UNCLEAR % ("I7", "note"))),
    "a reading that is no choice": ("at: I1, treatment: reading", sketch(new=UNCLEAR % ("I1", "reading"))),
    "an assumption without a reason": (
        "n: {value: 5, assumed: true}",
        sketch(new="design: {n: {value: 5, assumed: true}}\n"),
    ),
    "strata that are no conditions": (
        "strata: {value: [age > 65, 1]}",
        sketch(new="design: {strata: {value: [age > 65, 1]}}\n"),
    ),
    "strata that are no list": ("strata: {value: site}", sketch(new="design: {strata: {value: site}}\n")),
    "a quote that is not in the text": ("quote: Age 18 to 85 years", quoting("Age 18-85 years", "Age 18 to 85 years")),
    "a quote from elsewhere": ("quote: Zebra.", quoting("quote: Pregnant or lactating patients.", "quote: Zebra.")),
    "a heading that is not in the text": ("Sites and Locations", quoting("Sites / Loc", "Sites and Loc")),
    "one heading": ("eligibility: [Inclusion]", sketch(new="eligibility: [Inclusion]\n")),
    "headings in pairs and alone": ("eligibility: [[a, b], c]", sketch(new="eligibility: [[a, b], c]\n")),
    "a pair of one": ("eligibility: [[a, b], [c]]", sketch(new="eligibility: [[a, b], [c]]\n")),
    "a heading of a pair that is not in the text": (
        "eligibility: [[Inclusion Criteria, Zebra]]",
        quoting('["Eligibility Criteria", "Sites / Locations"]', "[[Inclusion Criteria, Zebra]]"),
    ),
    "a source that is not there": ("source: ../registry/x.txt", quoting("NCT05741099.txt", "x.txt")),
    "a source that is no text": ("source: ../registry", quoting("registry/NCT05741099.txt", "registry")),
    "a reading that does not exist": ('readings={"I2": "il"}', lambda: read_protocol(SKETCH, readings={"I2": "il"})),
    "a reading of a clear criterion": ('readings={"I1": "x"}', lambda: read_protocol(SKETCH, readings={"I1": "x"})),
    "a reading of no criterion": ('readings={"I9": "x"}', lambda: read_protocol(SKETCH, readings={"I9": "x"})),
    "a reading in other signs": (
        'readings="I2: ill"',
        lambda: load_protocol(PROTOCOLS / "NCT05741099.yaml", readings="I2: ill"),
    ),
    "two readings of one criterion": (
        'readings="I6=guideline, I6=registered"',
        lambda: load_protocol(PROTOCOLS / "NCT05741099.yaml", readings="I6=guideline, I6=registered"),
    ),
    "a change of no criterion": ('amend({"I9": "cough"})', lambda: read_protocol(SKETCH).amend({"I9": "cough"})),
    "a limit that does not exist": (
        'with_thresholds({"I1.upper": 75})',
        lambda: read_protocol(SKETCH).with_thresholds({"I1.upper": 75}),
    ),
    "a missing file": ("nowhere.yaml", lambda: load_protocol("nowhere.yaml")),
    "a folder for a file": ("data", lambda: load_protocol("data")),
    "a picture for a file": ("picture.yaml", lambda: load_protocol("picture.yaml")),
}


def refusals() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Every case: what went wrong, what was written, and the reading of it."""
    for title, text in EXPRESSIONS.items():
        yield title, text, lambda text=text: parse(text, FIELDS)
    for title, (written, reading) in FILES.items():
        yield title, written, reading


def visible(text: str) -> str:
    """A text that can be printed, cut short where it is long."""
    shown = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return shown if len(shown) <= 110 else f"{shown[:60]} ... ({len(text):,} characters)"


def refusal(reading: Callable[[], Any]) -> str:
    with pytest.raises(ProtocolError) as error:
        reading()
    return str(error.value).replace(str(ROOT / "data"), "data")


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[tuple[str, int]]]:
    """Every message as the golden file has it, and the lines that were running when it was made."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "data").mkdir()
    (folder / "picture.yaml").write_bytes(b"\x89PNG\xff")
    seen: set[tuple[str, int]] = set()
    made = ProtocolError.__init__

    def noted(self: ProtocolError, *arguments: Any, **named: Any) -> None:
        frame = sys._getframe(1)
        while frame is not None:
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            rule = frame.f_locals.get("faults")
            while isinstance(rule, GeneratorType) and rule.gi_frame is not None:
                seen.add((rule.gi_code.co_filename, rule.gi_frame.f_lineno))
                rule = rule.gi_yieldfrom
            frame = frame.f_back
        made(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(ProtocolError, "__init__", noted)
        blocks = [
            f"=== {title}\n{visible(written)}\n---\n{refusal(reading)}\n" for title, written, reading in refusals()
        ]
    return "\n".join(blocks), seen


def test_every_message_is_reviewed(reviewed: tuple[str, set[tuple[str, int]]]) -> None:
    messages, _ = reviewed
    if os.environ.get("TRIALTOOLS_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(messages, "utf-8")
    assert messages == GOLDEN.read_text("utf-8")


def test_every_place_that_refuses_is_in_the_golden_file(reviewed: tuple[str, set[tuple[str, int]]]) -> None:
    """Each call that makes a `ProtocolError` in these two rooms, and each fault of a rule, comes from a case above."""
    _, seen = reviewed
    rooms = ROOT / "trialtools" / "criteria"
    files = [*(rooms / "language").glob("*.py"), *(rooms / "protocol").glob("*.py")]
    assert len(files) > 10
    for file in sorted(files):
        tree = ast.parse(file.read_text("utf-8"))
        rules = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
        rules = [node for node in rules if ast.unparse(node.returns) == "_Faults"]
        told_of = [node for rule in rules for node in ast.walk(rule) if isinstance(node, ast.Yield)]
        assert (len(told_of) > 30) == (file.name == "check.py")
        for node in [*ast.walk(tree), *told_of]:
            if node in told_of or (
                isinstance(node, ast.Call)
                and ast.unparse(node.func)
                in (
                    "ProtocolError",
                    "self.fault",
                    "reader.fault",
                    "_fault" * (file.name == "syntax.py"),
                )
            ):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                reached = any((str(file), line) in seen for line in lines)
                assert reached or file.name == "errors.py", f"{file.name}, line {node.lineno}: {ast.unparse(node)}"


# --- nothing hostile gets through, and nothing takes long -------------------------------------------------------------

HOSTILE = EXPRESSIONS | {
    "minus without end": "-" * 1_900 + "age",
    "subtraction without end": "age" + " - age" * 300 + " > 0",
    "calls without end": "at_least(1," * 150 + "cough" + ")" * 150,
    "a chain without end": "cough <" * 250 + "cough",
    "a number without end": "age > " + "9" * 1_900,
    "a product of such": "age > 1" + "0" * 1_800 + " * 1" + "0" * 90,
    "powers of powers": "9 ** 9 ** 9 ** 9 > age",
    "a text times a billion": '"a" * 1000000000 == sex',
    "lists in lists": "[" * 1_000 + "]" * 1_000,
    "lambdas": "lambda:" * 280 + "cough",
    "quotes": '"' * 2_000,
    "escapes": "'" + "\\x41" * 400 + "' == sex",
    "f-strings in f-strings": "f'{" * 600,
    "conditions without end": "if cough then " * 140 + "cough",
    "conditions in brackets": "(if " * 300 + "cough" + " then cough)" * 100,
    "squares of squares": "age" + " ** 2" * 380 + " > 0",
    "products of products": "(" * 40 + "age" + " ** 10)" * 40 + " > 0",
    "the lowest of the lowest": "min(" * 300 + "age" + ", 1)" * 200 + " > 0",
    "ifs": "cough if " * 100 + "cough" + " else cough" * 100,
    "a list without end": "age in (" + "1," * 990 + ")",
    "numbers grown into words": "age.5and cough or not1.1is fever",
    "blanks of every kind": "\x0c\x0b\x1c\u2028\u00a0cough",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_expressions_are_refused_at_once(text: str, recwarn: pytest.WarningsRecorder) -> None:
    began = time.process_time()  # of this process alone, so that a busy machine does not count
    accepted(text)
    assert time.process_time() - began < 0.5
    assert not recwarn.list


def accepted(text: str) -> bool:
    """Whether an expression is read; anything but a `ProtocolError` is let through and fails the test."""
    try:
        formula = parse(text, FIELDS)
    except ProtocolError as error:
        assert str(error) and error.message[0] != " "
        return False
    assert set(names(formula)) <= set(FIELDS) and words(formula, {})
    return True


def test_nothing_is_ever_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for text in (
        f'open("{mark}", "w")',
        f'[open("{mark}", "w") for x in (1,)]',
        f'__import__("pathlib").Path("{mark}").touch()',
    ):
        assert not accepted(text)
        with pytest.raises(ProtocolError):
            read_protocol(SKETCH.replace("age >= 18", repr(text)))
    with pytest.raises(ProtocolError):
        read_protocol(f"id: !!python/object/apply:pathlib.Path.touch [{mark}]")
    assert not mark.exists()


PIECES = """
age spo2 cough sex tested_on agee and or not in is known missing at_least months_before date lambda if else for
( ) [ ] { } , . : ; < <= > >= == != = + - * / % & | ~ ^ ** // := # \\ " ' f" b'
0 1 65 1e3 007 "female" True False None ≥ “ ” − × \uff16 \u0430
"""
TOKENS = [*PIECES.split(), "\0", "\n", "\t", "\u200b", "\u00a0"]
GOOD = sorted({text for id in TRIALS for _, text in expressions(trial(id))})
GOOD_FIELDS = {name: field for id in TRIALS for name, field in trial(id).fields.items()}


@settings(max_examples=sample(25))
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    accepted(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=25))
def test_any_tokens_are_read_or_refused(tokens: list[str]) -> None:
    accepted(" ".join(tokens))
    accepted("".join(tokens))


@st.composite
def mutated(draw: st.DrawFn, texts: Any) -> str:
    """A good text with up to three pieces cut out, doubled, or replaced."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(st.sampled_from(["", text[start:end], *TOKENS]) | st.text(max_size=3))
        text = text[:start] + piece + text[end if draw(st.booleans()) else start :]
    return text


@given(mutated(st.sampled_from(GOOD)))
def test_a_spoilt_expression_is_read_or_refused(text: str) -> None:
    try:
        parse(text, GOOD_FIELDS)
    except ProtocolError as error:
        assert str(error)


@given(st.text(max_size=300) | mutated(st.sampled_from([SKETCH, SKETCH + ARM % "seen_on, first_day: 0, last_day: 1"])))
def test_any_file_is_read_or_refused(text: str) -> None:
    try:
        protocol = read_protocol(text, "sketch.yaml")
    except ProtocolError as error:
        assert str(error) and "sketch.yaml" in str(error)
    else:
        assert protocol.sha256 and protocol.requirements


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder of protocols beside the registry texts, as in data/."""
    (tmp_path / "registry").symlink_to(ROOT / "data" / "registry")
    (tmp_path / "protocols").mkdir()
    return tmp_path / "protocols"


@pytest.mark.parametrize("id", TRIALS)
def test_written_and_read_again_is_the_same(id: str, workshop: Path) -> None:
    protocol = trial(id)
    again = load_protocol(write_protocol(protocol, workshop / "again.yaml"))
    assert again == protocol and again.sha256 == protocol.sha256
    twice = write_protocol(again, workshop / "twice.yaml")
    assert twice.read_text("utf-8") == (workshop / "again.yaml").read_text("utf-8")
    assert sorted(path.name for path in workshop.iterdir()) == ["again.yaml", "twice.yaml"]


def test_a_written_file_repeats_values_and_names_no_alias(workshop: Path) -> None:
    day = (date(2020, 1, 1), date(2021, 1, 1))
    fields = {"a": replace(trial("NCT05741099").fields["screened_on"], range=day)}
    fields["b"] = fields["a"]
    protocol = replace(read_protocol(SKETCH), fields={**read_protocol(SKETCH).fields, **fields})
    written = write_protocol(protocol, workshop / "dates.yaml")
    assert "&" not in written.read_text("utf-8") and load_protocol(written) == protocol


def test_a_sketch_needs_no_registry_text() -> None:
    protocol = read_protocol(SKETCH)
    assert protocol.text == "" and uncovered_text(protocol) == ()


@pytest.mark.parametrize("id", TRIALS)
def test_the_hash_does_not_depend_on_the_chosen_readings(id: str) -> None:
    protocol = trial(id)
    chosen = {c.id: list(c.readings)[-1] for c in protocol.criteria if c.readings}
    assert chosen and load_protocol(PROTOCOLS / f"{id}.yaml", readings=chosen).sha256 == protocol.sha256
    assert protocol.with_readings(chosen).sha256 == protocol.sha256


def turned(value: Any) -> Any:
    """The same content with the keys of every mapping in the opposite order, readings apart."""
    if isinstance(value, dict):
        keep = value.get("readings")
        return {key: keep if key == "readings" else turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def test_the_hash_does_not_depend_on_the_order_of_keys_or_the_style_of_the_file() -> None:
    content = yaml.safe_load(TRIAL)
    other = yaml.safe_dump(turned(content), sort_keys=False, default_flow_style=True)
    protocol = read_protocol(other, folder=PROTOCOLS)
    assert list(protocol.fields) == list(reversed(trial("NCT05741099").fields))
    assert protocol.sha256 == trial("NCT05741099").sha256


def test_the_hash_knows_the_default_reading() -> None:
    other = SKETCH.replace("{older: age > 20, ill: cough}", "{ill: cough, older: age > 20}")
    assert read_protocol(other).reading("I2") == "ill"
    assert read_protocol(other).sha256 != read_protocol(SKETCH).sha256


FULL = yaml.safe_load(
    SKETCH
    + """\
facts: [{id: F1, says: Nobody coughs at birth, formula: not cough or age > 0, source: assumed}]
guideline: [{id: G1, says: Adults, formula: age >= 18}]
not_rules: [Inclusion criteria]
ambiguities: [{id: A1, at: I2, text: older, problem: how old, treatment: reading, choice: 20}]
sites: [Here]
arms:
  - id: cells
    role: experimental
    label: Cells
    intervention: MSC
    quote: [Cells]
    dosing: {anchor: seen_on, first_day: 1, last_day: 2, quote: soon, assumed: [anchor]}
design: {n: {value: 5, assumed: true, why: x}, ratio: {value: {cells: 1}, quote: q}, start: {value: 2020-01-01}}
""".replace("choice: 20", 'choice: "20"')
)


def changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every single leaf of some content, with another value for it."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from changes(item, (*path, key))
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value + 1
    elif isinstance(value, str):
        yield path, f"{value} "
        yield path, f"x{value}"
    else:
        yield path, value.replace(year=value.year + 1)
        yield path, value.isoformat()


def changed(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], leaf)
    return copy


def test_the_hash_changes_with_any_content() -> None:
    protocol = read_protocol(yaml.safe_dump(FULL, sort_keys=False))
    hashes, refused = [protocol.sha256], 0
    for path, leaf in changes(FULL):
        try:
            hashes.append(read_protocol(yaml.safe_dump(changed(FULL, path, leaf), sort_keys=False)).sha256)
        except ProtocolError:
            refused += 1
    assert len(set(hashes)) == len(hashes) and len(hashes) > 70 > refused
    assert replace(protocol, text="Inclusion criteria. Cells, soon, q").sha256 not in hashes


# --- the place of a fault in the file ---------------------------------------------------------------------------------

STYLES = {
    "plain": "when: cough or agee > 3",
    "plain, folded": "when: cough or\n      agee > 3",
    "plain, folded twice": "when:\n      cough\n\n      or agee\n      > 3",
    "single quotes": "when: 'cough or agee > 3'",
    "single quotes, doubled": "when: 'sex == ''male'' or sex == ''female'' or agee > 3'",
    "single quotes, folded": "when: 'sex == ''male''\n      or\n\n      agee > 3'",
    "double quotes": 'when: "cough or agee > 3"',
    "double quotes, escaped": 'when: "sex == \\"male\\" or agee > 3"',
    "double quotes, blanks escaped": 'when: "cough\\tor\\n\\x20\\u0020agee > 3"',
    "double quotes, letters escaped": 'when: "\\x63ough or \\u0063ough or agee > 3"',
    "double quotes, line continued": 'when: "cough \\\n      or agee > 3"',
    "literal": "when: |\n      cough\n      or agee > 3",
    "literal, stripped": "when: |-\n      cough or\n        agee > 3",
    "literal, with a remark": "when: |  # a remark\n      cough or\n      agee > 3",
    "literal, indented by a number": "when: |2\n        cough or\n      agee > 3",
    "folded": "when: >\n      cough\n      or agee > 3",
    "folded, stripped": "when: >-\n      cough or\n\n\n      agee > 3\n",
    "in braces": "readings: {a: cough, b: cough or agee > 3}",
    "in braces, quoted": "readings: {a: cough, b: 'cough or agee > 3'}",
    "behind an accent": "why: né à Zürich\n    when: cough or agee > 3",
}


@pytest.mark.parametrize("style", STYLES)
def test_the_place_is_the_first_wrong_character(style: str) -> None:
    written = SKETCH.replace("when: age >= 18", STYLES[style])
    with pytest.raises(ProtocolError) as error:
        read_protocol(written, "sketch.yaml")
    before = written[: written.index("agee")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert error.value.where.startswith(f"sketch.yaml, line {line}, column {column} (I1, ")
    assert error.value.text[slice(*error.value.span or ())] == "agee"
    shown, carets = str(error.value).splitlines()[-2:]
    assert shown[carets.index("^") :].startswith("agee") and carets.count("^") == 4


def test_the_place_is_right_in_a_file_with_windows_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(SKETCH.replace("age >= 18", ">-\n      cough or\n      agee > 3").replace("\n", "\r\n").encode())
    with pytest.raises(ProtocolError, match=r"line 14, column 7 \(I1, when\)"):
        load_protocol(file)


# --- the three trials -------------------------------------------------------------------------------------------------


def test_the_29_ambiguities_of_the_trial_are_all_treated() -> None:
    protocol = trial("NCT05741099")
    letters = {"A": 3, "B": 3, "C": 4, "D": 8, "E": 8, "F": 3}
    assert [a.id for a in protocol.ambiguities] == [
        f"{x}{n}" for x, count in letters.items() for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("id", TRIALS)
def test_every_ambiguity_says_how_it_is_treated(id: str) -> None:
    protocol = trial(id)
    for ambiguity in protocol.ambiguities:
        assert ambiguity.problem and ambiguity.choice, ambiguity.id
        if ambiguity.treatment == "reading":
            readings = protocol.criterion[ambiguity.at].readings
            assert any(name in ambiguity.choice for name in readings), ambiguity.id
        elif ambiguity.treatment == "assumption":
            assumed = {f"design.{name}" for name, item in protocol.design.items() if item.assumed}
            assumed |= {arm.id for arm in protocol.arms if arm.dosing and arm.dosing.assumed}
            assumed |= {c.id for c in protocol.criteria if c.why}
            assert ambiguity.at in assumed, ambiguity.id
    settled = {a.at for a in protocol.ambiguities if a.treatment == "reading"}
    assert settled == {c.id for c in protocol.criteria if c.readings}


@pytest.mark.parametrize("id", TRIALS)
def test_every_sentence_of_the_registry_is_quoted(id: str) -> None:
    protocol = trial(id)
    assert protocol.text and uncovered_text(protocol) == ()
    assert all(any(criterion.quotes) for criterion in protocol.criteria)
    for name, item in protocol.design.items():
        assert item.assumed != bool(item.quote), f"{name} is either quoted or assumed"


@pytest.mark.parametrize("id", TRIALS)
def test_every_criterion_reads_well(id: str) -> None:
    protocol = trial(id)
    for criterion in protocol.criteria:
        for reading in criterion.texts:
            text = words(protocol.formula(criterion.id, reading), protocol.fields)
            assert text[0].isupper() or re.match(r"any of|always|\(|at least|PaO2", text), text
            assert text.count("(") == text.count(")") and text == " ".join(text.split()), text
            assert not re.search(r"\b(\w+) \1\b|\bis (is|at|below|above) (is|before)\b|[a-z]_[a-z]|[<>=]", text), text


def test_dates_read_as_dates() -> None:
    protocol = trial("NCT05741099")
    assert words(protocol.formula("E9"), protocol.fields) == (
        "Was enrolled in another clinical trial; and the date of the last enrolment in another trial is on or after "
        "the day 3 calendar months before the date of screening"
    )
    assert words(protocol.formula("E9", "days_90"), protocol.fields).endswith("is at most 90 days")


@pytest.mark.parametrize("file", sorted(PROTOCOLS.glob("*.yaml")), ids=lambda file: file.stem)
def test_labels_of_the_bundled_protocols_are_for_people(file):
    """A label stands on pages as it is: no code of a unit, no name with an underscore."""
    labels = re.findall(r'\blabel: *("[^"]*"|[^,}\n]*)', file.read_text("utf-8"))
    machine = r"\bCel\b|\[[a-z]\w*\]|10\*\d|\bumol\b|/m2\b|[a-z]_[a-z]"
    assert labels and not [label for label in labels if re.search(machine, label)]
