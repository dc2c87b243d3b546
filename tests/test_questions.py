"""A criterion that waits (`ask: true`): a person answers it until somebody turns its sentence into logic."""

from dataclasses import replace
from pathlib import Path

import polars as pl

import trialtools as tt
from trialtools.criteria.contents import read_protocol
from trialtools.criteria.protocol import Criterion

CHECKLIST = """\
id: S
title: A checklist
fields: {age: {type: integer, unit: years, range: [0, 120], label: Age}}
criteria:
  - {id: I1, kind: inclusion, label: Adult, when: age >= 18}
  - {id: I2, kind: inclusion, label: Eczema, ask: true}
  - {id: E1, kind: exclusion, label: History of Guillain-Barre syndrome, ask: true}
  - {id: E2, kind: exclusion, label: Open wounds, ask: true}
  - {id: E3, kind: exclusion, label: Vitiligo, ask: true}
"""


def test_a_question_is_answered_by_a_person_and_nobody_else() -> None:
    protocol = read_protocol(CHECKLIST)
    table = pl.DataFrame({"patient_id": ["a", "b"], "age": [30, 12]})
    assert list(tt.screen(protocol, table).decisions()["decision"]) == ["undetermined", "ineligible"]
    yes = {"age": 30, "ask_i2": True, "ask_e1": False, "ask_e2": False, "ask_e3": False}
    assert protocol.explain(yes).decision == "eligible"
    assert protocol.explain(yes | {"ask_e1": True}).decision == "ineligible"
    assert "✗ fail    E1" in (text := protocol.explain(yes | {"ask_e1": True}).text()) and "answered: yes" in text
    assert protocol.explain({"age": 30}).text().count("Eczema") == 1, "a question is told once"
    assert protocol.open_items({"age": 30}).text().startswith("Judgement still needed (4):\n  - Eczema")


def test_check_leads_on_with_what_is_still_a_question() -> None:
    protocol = read_protocol(CHECKLIST)
    first, *_ = protocol.lint()
    assert first.kind == "question" and first.severity == "note"
    assert first.sentence.startswith("Still questions for a person: 4 of 5 criteria (I2, E1 to E3).")
    assert protocol.lint().text().startswith("S: no findings, 2 notes; 4 of 5 criteria are still questions\n")
    assert "4 of 5 criteria are still questions." in protocol.lint().answer
    settled = protocol.amend(dict.fromkeys(protocol.questions, "age > 80"))
    assert not settled.questions and "question" not in {finding.kind for finding in settled.lint()}


def test_the_field_of_a_question_comes_and_goes_with_it(tmp_path: Path) -> None:
    protocol = read_protocol(CHECKLIST)
    assert "ask_i2" in protocol.fields and "ask_i2" not in protocol.amend({"I2": "age < 90"}).fields
    kept = replace(protocol, criteria=(*protocol.criteria, Criterion("E4", "exclusion", "Fever", ask=True)))
    assert kept.fields["ask_e4"].label == "Fever"
    written = protocol.write(tmp_path / "S.yaml").read_text("utf-8")
    assert "ask: true" in written and "ask_" not in written
    assert tt.load_protocol(tmp_path / "S.yaml").sha256 == protocol.sha256
