"""What reaches a learner without Jupyter: the quiz in one file, the package as a browser gets it, and paper."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from trialtools.__main__ import main
from trialtools.criteria.contents import Protocol
from trialtools.criteria.language import ProtocolError
from trialtools.criteria.proofs.conditions import NotSettled
from trialtools.criteria.proofs.finding import Finding
from trialtools.lessons import check, lessons, load_lesson, quantities
from trialtools.lessons.pages import in_browser, site
from trialtools.lessons.pages import quiz as quiz_file
from trialtools.lessons.pages.paper import handout
from trialtools.lessons.pages.quiz import quiz, quiz_page
from trialtools.lessons.pages.template import prose
from trialtools.report.errors import ReportError


def test_the_quiz_is_one_small_file_that_asks_for_nothing(items):
    page = quiz_page(items)
    assert len(page.encode()) < 20_000 and page.count("<button") > 40
    assert not re.search(r"https?:|<link|<img|src=|@import|url\(|fetch\(", page)


def test_each_item_has_one_right_answer_and_a_misconception_behind_every_other(items):
    assert len(items) == 12
    for item in items:
        assert [bool(says) for _, says in item.options].count(False) == 1 and item.evidence
        assert len(item.options) in (3, 4) and not re.search(r"[{}]", str(item)), "every number is filled in"
    assert len({item.right for item in items}) > 2, "the right answer has no usual place"


@pytest.mark.parametrize("id", range(1, 13))
def test_a_key_that_the_engine_does_not_confirm_is_refused(monkeypatch, tmp_path, id):
    written = (Path(quiz_file.__file__).parent / "quiz.yaml").read_text("utf-8")
    head, *items = re.split(r"(?=  - id)", written)
    (item,) = [each for each in items if each.startswith(f"  - id: quiz.{id}\n")]
    wrong = re.search(r"answer: (.+?)(,|\n)", item)[1]
    if f"quiz.{id}" in quiz_file.PROOFS:
        monkeypatch.setitem(quiz_file.PROOFS, f"quiz.{id}", lambda source: ("another", ""))
    else:
        item = re.sub(r"    key: .*", f"    key: {wrong}", item)
    (tmp_path / "quiz.yaml").write_text(head + item, "utf-8")
    monkeypatch.setattr(quiz_file, "FOLDER", tmp_path)
    with pytest.raises(ProtocolError, match=rf"the key of quiz\.{id} is '.*', but the engine answers '.+'"):
        quiz()


def test_nothing_is_judged_and_no_page_is_made_where_a_proof_was_given_up(monkeypatch):
    given_up = Finding("too-hard", "too-hard", "note", "Whether I3 decides anything was given up.")
    monkeypatch.setattr(Protocol, "lint", lambda protocol: (given_up,))
    quantities.findings.cache_clear()
    with pytest.raises(NotSettled, match=r"I3 decides anything was given up.*less to do"):
        in_browser.luggage(lessons().values())
    answer = next(question for one in lessons().values() for question in one.questions if question.found)
    reply = check(answer.id, answer.key)
    assert not reply.right and "Nothing can be said yet" in reply.lines[0], "and no trap is blamed on the learner"


LEAN = """
import sys, json
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from trialtools.criteria.contents import Protocol
from trialtools.lessons.pages import in_browser
assert in_browser.__file__.startswith({place!r}), in_browser.__file__
Protocol.lint = None  # a browser is too slow for it
in_browser.bring({luggage!r}, *{files!r})
print(json.dumps([json.loads(in_browser.reply(id, text)) for id, text in {asked!r}]))
print(in_browser.help_with({asked!r}[0][0]))
"""


def in_a_browser(tmp_path, messages, own=()):
    """What the packed lessons reply where there is pydantic, PyYAML and Z3 alone, and the first hint."""
    site.pack_ourselves(tmp_path / "trialtools.zip", own)
    with zipfile.ZipFile(tmp_path / "trialtools.zip") as packed:
        packed.extractall(tmp_path / "there")
    absent = {"polars", "pandas", "numpy", "narwhals", "pyarrow", "nacl", "plotly", "IPython", "ipywidgets", "jinja2"}
    luggage = json.dumps(in_browser.luggage(own or lessons().values()))
    files = [f"own/{lesson.number}/{Path(lesson.file).name}" for lesson in own]
    code = LEAN.format(absent=absent, place=str(tmp_path), luggage=luggage, asked=messages, files=files)
    there = {"PYTHONPATH": str(tmp_path / "there"), "PATH": "/usr/bin:/bin"}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=there, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return map(json.loads, run.stdout.splitlines())


def test_the_packed_lessons_need_no_engine_that_a_browser_lacks(tmp_path):
    """Every key is right and every trap is told its sentence."""
    questions = _questions()
    typed = [(question.id, _typed(question, question.key)) for question in questions]
    typed += [(q.id, _typed(q, q.traps[0].answer)) for q in questions]
    replies, hinted = in_a_browser(tmp_path, typed)
    assert [reply["right"] for reply in replies] == [True] * len(questions) + [False] * len(questions)
    for reply, question in zip(replies[len(questions) :], questions, strict=True):
        assert question.with_numbers(question.traps[0].says) in reply["lines"]
    assert hinted["lines"] == [f"Hint 1 of 3. {questions[0].hints[0]}"]


def _questions():
    return [question for one in lessons().values() for question in one.questions]


def _typed(question, answer):
    """An answer as a learner gives it in a page: by the label of a button, or typed."""
    known = [text for text, meant in question.buttons.items() if meant == answer]
    return known[0] if known else answer if isinstance(answer, str) else repr(answer)


def test_where_the_right_option_stands_tells_nothing():
    options = [(list(q.buttons.values()), q) for q in _questions() if not q.state]
    places = [answers.index(q.key) for answers, q in options if answers]
    assert max(map(places.count, {*places})) < 0.6 * len(places), places


@pytest.mark.parametrize("number", lessons())
def test_a_hand_out_asks_first_and_answers_on_its_last_page(number):
    lesson = lessons()[number]
    asks, answers = handout(lesson).split("Answers to ")
    for question in lesson.questions:
        assert f"{question.id}&ensp;" in asks and f"{question.id}&ensp;" in answers
    assert asks.count('class="sheet fill"') == 2 and "{{" not in asks + answers


OWN = """
title: Twenty lines
protocol: NCT04355728
questions:
  - {id: "9.1", ask: "Write I1 as `age`.", means: age >= 18, key: age >= 18,
     traps: [{answer: age > 18, misconception: over = from, says: 18 is an adult.}]}
"""


def test_a_lesson_of_ones_own_becomes_a_hand_out(tmp_path, chromium):
    (tmp_path / "mine.yaml").write_text(OWN, "utf-8")
    assert main(["lessons", "paper", "--lesson", str(tmp_path / "mine.yaml"), "--out", str(tmp_path)]) == 0
    assert {path.name for path in (tmp_path / "paper").iterdir()} == {"mine.html", "mine.pdf"}
    text = (tmp_path / "paper" / "mine.html").read_text("utf-8")
    assert "18 is an adult. Take this patient. Age at enrollment: 18 years" in text


MINE = """
id: MINE
title: Mine
fields: {age: {type: integer, unit: years, label: Age, range: [0, 120]}}
criteria: [{id: I1, kind: inclusion, label: Adult, when: age >= 18}]
"""
COUNTED = """
title: Counted
protocol: protocols/mine.yaml
cohort: mine.csv
questions:
  - {id: "1", ask: "How many?", count: certain, key: 2, hints: [Count.],
     traps: [{answer: 3, misconception: all are in, says: One is 17.}]}
  - {id: "2", ask: "Write I1; it lets in {{certain}}.", means: age >= 18, key: age >= 18,
     traps: [{answer: age > 18, misconception: over = from, says: 18 is an adult.}]}
"""


def test_a_lesson_of_ones_own_on_a_protocol_of_ones_own_works_in_a_browser(tmp_path):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "mine.yaml").write_text(MINE, "utf-8")
    (tmp_path / "counted.yaml").write_text(COUNTED, "utf-8")
    (tmp_path / "mine.csv").write_text("patient_id,age\n1,17\n2,18\n3,70\n", "utf-8")
    own = [load_lesson(tmp_path / "counted.yaml")]
    replies, hinted = in_a_browser(tmp_path, [("1", "2"), ("1", "3"), ("2", "age > 18"), ("2", "not age < 18")], own)
    assert [reply["right"] for reply in replies] == [True, False, False, True] and "Count." in hinted["lines"][0]
    assert "One is 17." in replies[1]["lines"] and "18 is an adult." in replies[2]["lines"]
    with pytest.raises(ReportError, match="a page takes each id once"):
        site.write_site(tmp_path / "page", tmp_path, own * 2)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "counted.yaml").write_text(
        COUNTED.replace("protocols/", "../protocols/").replace("mine.csv", "../mine.csv"), "utf-8"
    )
    with pytest.raises(ReportError, match="does not lie below"):
        site.pack_ourselves(tmp_path / "out.zip", [load_lesson(tmp_path / "below" / "counted.yaml")])


def test_page_and_paper_say_what_the_notebook_says_before_a_question(tmp_path):
    sheet = handout(lessons()["1"])
    assert "One birthday lies between them." in sheet and "Take home." in sheet and "Ctrl+Enter" not in sheet
    assert sheet.index("One birthday lies between them.") < sheet.index("1.2&ensp;") < sheet.index("Take home.")
    (tmp_path / "mine.yaml").write_text(OWN, "utf-8")
    assert prose(load_lesson(tmp_path / "mine.yaml")) == {}
    cells = [{"cell_type": "markdown", "source": "# T\n\nHook."}, {"cell_type": "code", "source": "1"}]
    cells += [
        {"cell_type": "markdown", "source": ["Not said.\n", "\n", "Before."]},
        {"cell_type": "code", "source": 'ask("9.1")'},
    ]
    (tmp_path / "mine.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    assert prose(load_lesson(tmp_path / "mine.yaml")) == {"first": "<p>Hook.</p>\n", "9.1": "<p>Before.</p>\n"}
