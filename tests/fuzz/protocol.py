"""The door of protocol files: any text is read or refused with file, line and reason, and what is read can be used."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import yaml
from fuzz import language

from trialtools.criteria.contents import read_protocol
from trialtools.criteria.language import ProtocolError

FULL = """\
id: T1
title: A sketch
fields:
  age: {type: integer, unit: years, range: [0, 120], label: Age, cost: 2, group: vitals}
  spo2: {type: number, unit: "%", range: [50, 100], step: 0.5, label: Saturation, change: either}
  sex: {type: category, values: [female, male], label: Sex, change: never}
  cough: {type: flag, label: Cough, applies: age > 3, note: dry}
  consent: {type: flag, label: Consent, judged_by: person}
  seen_on: {type: date, label: Date seen, range: [2020-01-01, 2024-12-31]}
  stage: {type: category, values: [I, II, III], ordered: true, label: Stage}
  score: {type: number, label: Score, from: spo2 / max(age, 1)**2}
  older: {type: integer, label: Older, from: "completed_years(seen_on, date('2024-01-01')) + age"}
  risk: {type: number, label: Risk, from: {by: sex, female: 0.99**age, male: score + 1}}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18, locked: true, undefined: [adult]}
  - {id: I2, kind: inclusion, label: Cough or older, readings: {older: age > 20, ill: cough}, why: unclear}
  - {id: E1, kind: exclusion, label: Short of breath, when: not cough and spo2 < 93, known_later: in a week}
  - {id: E2, kind: exclusion, label: Late, when: if cough then stage >= "II" and risk > 0.5}
facts: [{id: F1, says: Nobody coughs at birth, formula: not cough or age > 0, source: assumed}]
guideline: [{id: G1, says: Adults, formula: age >= 18}]
not_rules: [Inclusion criteria]
ambiguities: [{id: A1, at: I2, text: older, problem: how old, treatment: reading, choice: "20"}]
sites: [Here, There]
arms:
  - id: cells
    role: experimental
    label: Cells
    intervention: MSC
    dosing: {anchor: seen_on, first_day: 1, last_day: 2, assumed: [anchor]}
design: {n: {value: 5, assumed: true, why: x}, ratio: {value: {cells: 1}}, strata: {value: ["age > 65", site]}}
"""
ODD = """\
~ | yes | no | on | 0 | 1 | -1 | 1e5 | 010 | 1:20 | 0x1f | .inf | .nan | 1_000 | 99999999999999999999999999999999
2020-01-01 | 2020-13-01 | 2020-01-01 10:00 | [] | [a] | [1] | [[a]] | {} | {a: b} | {1: 2} | "" | " " | "0" | "yes"
"\\0" | &a x | *a | << | = | "é" | ../x | I1 | age | !!timestamp x | !!float "" | !!binary aGVsbG8= | !!set {a}
!!python/name:os.system
"""
ODDITIES = tuple(text.strip() for line in ODD.splitlines() for text in line.split("|"))
MARKS = (
    "\n",
    "\n  ",
    "\n- ",
    ": ",
    ", ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "# ",
    "'",
    '"',
    "|",
    ">",
    "\t",
    "? ",
    "---\n",
    "\0",
)


def attempt(chance: Random) -> None:
    """One file; anything but a `ProtocolError` with the file's name is a fault."""
    text = chance.choice((other_value, other_value, other_expression, other_text))(chance)
    try:
        protocol = read_protocol(text, "fuzz.yaml")
    except ProtocolError as error:
        assert error.message.strip() and "fuzz.yaml" in str(error), text
        return
    assert protocol.sha256 and protocol.requirements and protocol.used_fields is not None, text
    assert len(protocol.criteria_table()) == len(protocol.criteria) and protocol.threshold_table() is not None, text


def other_text(chance: Random) -> str:
    text = FULL
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 5, 40)))
        text = text[:start] + chance.choice(("", text[start:end] * 2, chance.choice(ODDITIES + MARKS))) + text[end:]
    return text


def other_value(chance: Random) -> str:
    """One value, or one key, is an odd one, as YAML writes it."""
    start, end = chance.choice(PLACES)
    return FULL[:start] + chance.choice(ODDITIES) + FULL[end:]


def leaves(node: Any) -> Iterator[tuple[int, int]]:
    """Where every value and every key of a file stands, groups of them as well."""
    yield node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from leaves(item)
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for item in pair:
                yield from leaves(item)


PLACES = tuple(leaves(yaml.compose(FULL)))


def other_expression(chance: Random) -> str:
    """An expression of the language in the place of one of the file's."""
    content = yaml.safe_load(FULL)
    text = chance.choice((language.flag, language.spoilt))(chance)
    content["fields"] |= {"born_on": {"type": "date", "label": "Born"}}
    content["criteria"][0]["when"] = text
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=chance.random() < 0.5)
