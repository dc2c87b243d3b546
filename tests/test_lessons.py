"""Lessons: every key is right, every known wrong answer is named, junk and mutants are refused, and nothing crashes."""

import ast
import json
import random
import re
from datetime import date
from functools import cache
from itertools import pairwise

import pytest
from conftest import ROOT, sample

import trialtools as tt
from trialtools.criteria.contents import Protocol
from trialtools.criteria.proofs.conditions import NotSettled
from trialtools.lessons import ask, check, fill_in, hint, judge, lessons, load_lesson
from trialtools.lessons.catalogue import catalogue
from trialtools.lessons.quantities import quantity
from trialtools.lessons.steps import next_step

QUESTIONS = [question for lesson in lessons().values() for question in lesson.questions]
IDS = [question.id for question in QUESTIONS]
every_question = pytest.mark.parametrize("question", QUESTIONS, ids=IDS)


@cache
def replies(id):
    """What is said to each answer that the lesson's file or its buttons name; proofs take their time."""
    question = next(question for question in QUESTIONS if question.id == id)
    answers = [question.key, *(trap.answer for trap in question.traps), *question.buttons.values()]
    named = {repr(answer): answer for answer in answers}
    return {name: judge(question, answer) for name, answer in named.items()}


@every_question
def test_the_key_is_right_and_every_trap_is_named(question):
    assert replies(question.id)[repr(question.key)]
    for trap in question.traps:
        reply = replies(question.id)[repr(trap.answer)]
        assert reply.right is False
        assert question.with_numbers(trap.says) in reply.lines, trap.answer
    assert question.hints and question.right


@every_question
def test_traps_are_all_the_wrong_answers_there_are_or_three(question):
    finite = question.buttons
    wrong = [str(answer) for answer in finite.values() if not replies(question.id)[repr(answer)]]
    assert {str(trap.answer) for trap in question.traps} >= {*wrong}
    assert len(question.traps) >= (len(wrong) if finite else 3)
    assert not finite or len(finite) == len(wrong) + 1, "one option is right, and only one"


def _junk():
    """400 things that are no answer to anything."""
    chance = random.Random(1)
    signs = "qxz_ ().,'\"<>=+-*/%&|!~{}[]\\\n\t0159é∨\x00"
    odd = [5.5, "", [], {}, set(), {"a": 1}, {"age": "x"}, {"age": -3}, {"age": 50, "spo2": float("nan")}, ("a",), "()"]
    odd += ["import os", "spo2 >", object(), {"spo2 > 93"}, [1, 2], {"age": True}, b"x", "9" * 5000, "(" * 200, "maybe"]
    odd += [float("nan"), float("inf"), -1, 10**400, 1j, date(2023, 1, 1), int, {1: 2}, {None}, [None], {"age": None}]
    odd += [
        "not " * 60 + "cough",
        "None",
        "cough if age else sex",
        "cough is None",
        "_if(a, b)",
        "((a)",
    ]
    odd += ["".join(chance.choices(signs, k=chance.randint(1, 30))) for _ in range(400 - len(odd))]
    return odd


@every_question
def test_junk_is_told_so_and_never_taken(question):
    for answer in _junk():
        reply = judge(question, answer)
        assert reply.right is False and reply.lines, answer
        assert repr(reply) and reply._repr_html_()


def test_dots_ask_and_are_no_error():
    reply = check("2.1", ...)
    assert reply.right is None and not reply and "true, false or unknown" in reply.question
    assert "…" in repr(reply) and "Not yet" not in reply._repr_html_()


def test_progress_counts_what_was_solved_once():
    before = check("2.4", ...).foot
    assert check("2.4", "true") and check("2.4", "true")
    after = check("2.4", ...).foot
    assert int(re.search(r"(\d+) of", after)[1]) - int(re.search(r"(\d+) of", before)[1]) in (0, 1)
    assert "●" in after


def test_hints_come_one_by_one_and_the_last_one_stays():
    hints = [repr(hint("2.5")) for _ in range(4)]
    assert ["Hint 1" in hints[0], "Hint 2" in hints[1], "Hint 3" in hints[2], "Hint 3" in hints[3]] == [True] * 4


@pytest.mark.parametrize("id", ["2.77", "99.1", "", "x", None, 2.1])
def test_a_question_that_is_not_there_is_told_the_nearest(id):
    assert "no question" in repr(check(id, "true")) and "no question" in repr(hint(id))


def test_the_words_of_a_condition_and_of_the_engine_are_both_taken():
    assert check("2.3", False) and check("2.1", None) and not check("2.1", True)
    assert "“does not apply”" in repr(check("2.8", "pass")) or "'does not apply'" in repr(check("2.8", "pass"))


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("4.1", " Nobody"),
        ("4.2", "tumour_history, late_pregnancy, perinatal"),
        ("4.2", "{tumour_history, late_pregnancy, perinatal}"),
        ("4.2", {"perinatal", "late_pregnancy", "tumour_history"}),
        ("4.6", "i3"),
        ("4.8", "e1, I5"),
        ("5.2", "B"),
    ],
)
def test_a_right_answer_is_right_however_it_is_written(id, answer):
    own = lessons()[id[0]]
    assert check(id, answer) and judge(own.question(id), str(answer))


def test_a_name_that_no_criterion_offers_is_not_negated():
    assert "`pregnant`: this is none of those" in repr(check("4.2", "pregnant"))


@every_question
def test_a_question_holds_without_its_notebook(question):
    assert not re.search(r"\bcell\b|check\(|above lists", question.ask)


@pytest.mark.parametrize("answer", ["{} and other_trial_on <= screened_on", 'other_trial_on > date("2023-05-31")'])
def test_a_patient_who_shows_a_difference_has_days_close_to_each_other(answer):
    shown = repr(check("1.7", answer.format(lessons()["1"].question("1.7").key))).partition("You say")[0]
    days = [date.fromisoformat(day) for day in re.findall(r"\d{4}-\d\d-\d\d", shown.partition("Take this patient")[2])]
    assert len(days) == 2 and abs(days[0] - days[1]).days <= 93, shown


def test_a_difference_between_two_steps_is_right_with_a_remark():
    reply = check("2.5", "spo2 < 94 or missing(spo2)")
    assert reply and "no instrument shows" in repr(reply) and "93.5 %" in repr(reply)


def test_a_difference_in_missing_values_alone_has_a_message_of_its_own():
    assert "Where everything is known you are right" in repr(check("2.5", "not spo2 > 93"))


# --- next steps -------------------------------------------------------------------------------------------------------

RIGHT = [question.means for question in QUESTIONS if question.means] + [
    "(tumour_history and tumour_confirmed) or precancerous_lesion",
    "not (pregnant or lactating) and age > 65",
    "spo2 > 93 and respiratory_rate < 30 or not cough",
]
SIGNS = [ast.Lt, ast.LtE, ast.Gt, ast.GtE]


def _edits(tree, chance):
    """Every small edit of a condition, as something to call: operator, limit, and/or, not, a part dropped."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            at = chance.randrange(len(node.ops))
            other = chance.choice([sign for sign in SIGNS if sign is not type(node.ops[at])])
            yield lambda node=node, at=at, other=other: node.ops.__setitem__(at, other())
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield lambda node=node: setattr(node, "value", node.value + chance.choice([-1, 1, 5]))
        if isinstance(node, ast.BoolOp):
            swap = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            yield lambda node=node, swap=swap: setattr(node, "op", swap)
            if len(node.values) > 1:
                yield lambda node=node: node.values.pop(chance.randrange(len(node.values)))
            at = chance.randrange(len(node.values))
            negated = ast.UnaryOp(ast.Not(), node.values[at])
            yield lambda node=node, at=at, negated=negated: node.values.__setitem__(at, negated)


def _mutant(right, chance):
    tree = ast.parse(right, mode="eval")
    for _ in range(chance.randint(1, 3)):
        edits = list(_edits(tree, chance))
        if edits:
            chance.choice(edits)()
    return ast.unparse(tree.body)


def _differs(protocol, one, other):
    try:
        return protocol.same(one, other) is not None
    except (tt.ProtocolError, tt.DataError):
        return False


@pytest.mark.long
@pytest.mark.agreement
def test_next_steps_end_right_within_three(protocol):
    size, chance = sample(40), random.Random(7)
    wrong = arrived = 0
    while wrong < size:
        right = chance.choice(RIGHT)
        mutant = _mutant(right, chance)
        if not _differs(protocol, mutant, right):
            continue
        wrong += 1
        for _ in range(3):
            mutant, says = next_step(mutant, right)
            assert says
            if not _differs(protocol, mutant, right):
                arrived += 1
                break
    assert arrived >= 0.95 * wrong, (arrived, wrong)


def test_every_trap_is_three_steps_from_right_at_most():
    for question in QUESTIONS:
        for trap in question.traps if question.means else ():
            text = trap.answer
            for _ in range(3):
                text = next_step(text, question.means)[0] or text
            assert question.source.rules.same(text, question.means, measured=True) is None, trap.answer


@pytest.mark.parametrize(
    ("mine", "wanted", "says"),
    [
        ("not (pregnant or lactating)", "pregnant or lactating", "turn it round: `pregnant or lactating`"),
        ("age > 65 or cough", "65 <= age and cough", "join with `and`, not with `or`"),
        ("if cough then age > 65", "age >= 65 or not cough", "write `age >= 65`, not `age > 65`"),
        ("18 <= age <= 80 and cough", "cough and 18 <= age <= 85", "write `age <= 85`, not `age <= 80`"),
        ("cough", "(age > 65 and cough) or tachypnoea", "add `or tachypnoea`"),
        ("cough and age > 65 and age > 65", "cough", "leave out `age > 65`"),
    ],
)
def test_a_next_step_is_the_smallest_edit_that_leads_on(mine, wanted, says):
    assert next_step(mine, wanted)[1] == f"One step nearer: {says}."


@pytest.mark.parametrize(("mine", "wanted"), [("not (a or b > 3)", "b <= 3 and not a"), ("if a then b", "b or not a")])
def test_what_is_the_same_but_for_its_order_and_its_nots_needs_no_step(mine, wanted):
    assert next_step(mine, wanted) == ("", "")


@pytest.mark.parametrize("goal", ["tachypnoea or (age > 65 or cough) and lactating", *RIGHT])
@pytest.mark.parametrize("start", ["age > 65 or bmi < 30", "cough", "not (cough and age > 65) or not pregnant", *RIGHT])
def test_steps_from_any_condition_to_any_other_end(start, goal):
    text = start
    for _ in range(12):
        text = next_step(text, goal)[0] or text
    assert next_step(text, goal) == ("", ""), text


def test_a_step_between_deep_conditions_is_found_while_somebody_waits():
    """Each level doubles the ways between two conditions, so that 2 to the power of 40 would never end."""
    deep = ["a0", "b0"]
    for level in range(1, 41):
        deep = [f"({one}) {'and' if (level + n) % 2 else 'or'} {'ab'[n]}{level}" for n, one in enumerate(deep)]
    assert next_step(*deep)[1]


@pytest.mark.parametrize("mutants", range(3))
def test_mutants_of_the_key_are_refused_with_a_patient_who_shows_it(mutants):
    chance = random.Random(mutants)
    for question in QUESTIONS:
        if question.means:
            mutant = _mutant(question.means, chance)
            reply = judge(question, mutant)
            same = question.source.rules.same(mutant, question.means, measured=True) is None
            assert reply.right is same and (reply or any("You say" in line for line in reply.lines)), mutant


# --- buttons and boxes ------------------------------------------------------------------------------------------------


def test_buttons_and_boxes_give_the_same_reply_as_check():
    asking = ask("2.1")
    asking.answer = "true"
    assert "missing for normal" in asking.children[-1].value
    ask_box = ask("2.5")
    box = ask_box.children[1]
    box.value = "spo2 <= 93 or missing(spo2)"
    assert box.value and "✓" in ask_box.children[-1].value


# --- files ------------------------------------------------------------------------------------------------------------

OWN = """
title: My trial
protocol: mine.yaml
questions:
  - id: "1"
    ask: Is a patient of 17 an adult?
    state: I1
    patient: {age: 17}
    key: fail
    hints: [Say it aloud.]
    traps:
      - {answer: pass, misconception: nearly is enough, says: One year is missing.}
      - {answer: unknown, misconception: an unclear word makes a fact unknown, says: The age is known.}
    right: Limits are limits.
"""
MINE = """
id: MINE
title: Mine
fields: {age: {type: integer, unit: years, label: Age, range: [0, 120]}}
criteria: [{id: I1, kind: inclusion, label: Adult, when: age >= 18}]
"""


def test_a_lesson_of_ones_own_takes_twenty_lines(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "lesson.yaml").write_text(OWN)
    lesson = load_lesson(tmp_path / "lesson.yaml")
    assert check("1", "fail", lesson) and "One year is missing." in repr(check("1", "pass", lesson))
    assert len(OWN.strip().splitlines()) <= 20
    (tmp_path / "mine.yaml").write_text(MINE.replace("age >= 18", "age >= 16"))
    assert check("1", "pass", load_lesson(tmp_path / "lesson.yaml")), "a protocol that was mended is read again"


def test_the_protocol_of_one_question_is_read_again_as_well(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "lesson.yaml").write_text(
        OWN.replace("mine.yaml", "NCT05741099").replace("state: I1", "state: I1\n    protocol: mine.yaml")
    )
    assert check("1", "fail", load_lesson(tmp_path / "lesson.yaml"))
    (tmp_path / "mine.yaml").write_text(MINE.replace("age >= 18", "age >= 16"))
    assert check("1", "pass", load_lesson(tmp_path / "lesson.yaml"))


def test_a_wrong_condition_is_told_so_though_no_trap_is_settled(monkeypatch):
    question, same = lessons()["1"].question("1.7"), Protocol.same
    traps = {str(trap.answer) for trap in question.traps}

    def too_hard(rules, one, other, **how):
        if other in traps:
            raise NotSettled("too hard")
        return same(rules, one, other, **how)

    monkeypatch.setattr(Protocol, "same", too_hard)
    assert "Take this patient" in repr(check("1.7", f"({question.key}) and other_trial_on <= screened_on"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("state: I1", "state: agee > 3", "no field 'agee'; did you mean 'age'?\n  lesson.yaml, line 7, column 12"),
        ("patient: {age: 17}", "patient: {age: x}", "lesson.yaml, line 8, column 5 (1, patient)"),
        ("patient: {age: 17}", "patient: {agee: 1}", "agee"),
        ("    key: fail\n", "", "'key' is missing here"),
        ("state: I1", "stat: I1", "did you mean 'state'?"),
        (
            "answer: unknown,",
            "answer: unknwon,",
            "'unknwon' is no answer; expected one of pass, fail, unknown\n  lesson.yaml, line 13",
        ),
        (
            "state: I1\n    patient: {age: 17}\n    key: fail",
            "means: age > 3\n    key: age > 3",
            "line 11, column 9 (1, traps, item 1)",
        ),
        ("key: fail", "key: fails", "'fails' is no answer; expected one of pass, fail, unknown\n  lesson.yaml, line 9"),
        ("key: fail", "key: Grown\n    options: {Grown: pass, Young: fail}", "expected one of pass, fail\n"),
        ("state: I1\n", "state: I1\n    means: age > 3\n", "here is state and means"),
        ("    state: I1\n", "", "here is none of them"),
        ("state: I1", "count: certan", "there is no number 'certan'; did you mean 'certain'?"),
        ("state: I1", "count: certain", "write cohort: my_patients.csv"),
        ("state: I1", "count: lost at I9", "no criterion 'I9'"),
        ("state: I1", "someone: {I1: maybe}", "I1 cannot be 'maybe'"),
        ("state: I1", "choice: [fail, pass]", "'pass' is to be the key, or the answer of one trap"),
        ("Limits are limits.", "'{{certan}} of them'", "line 14, column 13 (1, right)"),
        ("state: I1", "state: I1\n    readings: {I1: x}", "line 8, column 5 (1, readings"),
        ("state: I1", "state: I1\n    amend: {I1: agge >= 3}", "line 8, column 12 (1, amend"),
        ("protocol: mine.yaml", "protocol: other.yaml", "cannot be read: No such file"),
        ("protocol: mine.yaml", "protocol: NCT1", "there is no example"),
        ('"1"', "1", "put it in quotes"),
    ],
)
def test_a_slip_gets_its_place_and_a_cure(tmp_path, old, new, message):
    (tmp_path / "mine.yaml").write_text(MINE)
    changed = OWN.replace(old, new) if "choice" not in new else OWN.replace(old, new).replace("pass,", "other,")
    (tmp_path / "lesson.yaml").write_text(changed)
    with pytest.raises(tt.ProtocolError) as error:
        load_lesson(tmp_path / "lesson.yaml")
    assert message in str(error.value)


def test_a_table_that_is_not_there_is_told_before_anybody_counts(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "lesson.yaml").write_text(f"cohort: no.csv\n{OWN.replace('state: I1', 'count: certain')}")
    with pytest.raises(
        tt.ProtocolError, match=r"no patient table .*no\.csv; see cohort: at the top\n  lesson\.yaml, line 8"
    ):
        load_lesson(tmp_path / "lesson.yaml")


# --- notebooks --------------------------------------------------------------------------------------------------------

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks" / "lessons").glob("*.ipynb"))


def _replies(cells):
    """What the cells of a lesson show, run in this process."""
    names, shown = {"__name__": "__main__"}, []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    return [reply for reply in shown if type(reply).__name__ == "Reply"]


@pytest.mark.reports
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_lesson_runs_with_dots_and_with_its_key(root, name, tmp_path, monkeypatch):
    notebook = json.loads((root / "notebooks" / "lessons" / f"{name}.ipynb").read_text("utf-8"))
    monkeypatch.chdir(tmp_path)  # nothing in a lesson depends on where it runs
    dots, keyed = _replies(notebook["cells"]), _replies(fill_in(notebook)["cells"])
    lesson = lessons()[str(int(name[:2]))]
    assert [reply.right for reply in dots] == [None] * len(lesson.questions)
    assert [reply.right for reply in keyed] == [True] * len(lesson.questions)
    assert [reply.question.split()[0] for reply in dots] == [question.id for question in lesson.questions]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_lesson_is_short_and_leads_on(root, name):
    cells = json.loads((root / "notebooks" / "lessons" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    assert len(cells) <= 30
    for cell in cells:
        lines = [line for line in cell["source"] if line.strip() and not line.startswith(("import", "from"))]
        assert len(lines) <= 6 and "../data" not in "".join(lines)
    assert "README.md#glossary" in "".join(cells[0]["source"])
    assert all(one["cell_type"] != "markdown" or two["cell_type"] != "markdown" for one, two in pairwise(cells))


def test_prose_leaves_counts_to_the_engine(root):
    """A number of patients in a sentence would stay when the cohort changes; but for its size, cells print them."""
    source = lessons()["3"].questions[0].source
    names = ["certain", "possible", "undetermined", "lost at E6", "lost at E6 in reverse", "failing E6", "lost at I2"]
    counts = {f"{quantity(source, name):,}" for name in names}
    for name in NOTEBOOKS:
        cells = json.loads((root / "notebooks" / "lessons" / f"{name}.ipynb").read_text("utf-8"))["cells"]
        prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        assert not counts & {*re.findall(r"\d[\d,]*\d", prose)}, name
        assert {*re.findall(r"\d,\d{3}", prose)} <= {f"{quantity(source, 'screened'):,}"}, name


def test_a_sentence_has_the_words_of_conditions_or_of_criteria_and_no_exclusion_is_passed(root):
    """A condition is true or false, a criterion passes or fails, an exclusion applies or does not."""
    files = [*(root / "notebooks" / "lessons").iterdir(), *(root / "trialtools" / "lessons").rglob("*.yaml")]
    for file in files:
        for sentence in re.split(r"(?<=[.!?:;,|])\s|\\n|\n|[\[\]{}]", file.read_text("utf-8")):
            of_criteria = re.search(r"\b(pass|fail)(es|ed|s)?\b", sentence)
            assert not (of_criteria and re.search(r"\b(true|false)\b", sentence)), (file.name, sentence)
            assert not (of_criteria and re.search(r"\bcondition", sentence)), (file.name, sentence)
            assert not re.search(r"(?<!\")\bpass\w*( an| no)? exclusion|exclusion passe", sentence), (
                file.name,
                sentence,
            )


# --- what the lecturer reads ------------------------------------------------------------------------------------------


def test_the_lesson_in_the_lecturers_notes_works(root, tmp_path):
    notes = (root / "notebooks" / "lessons" / "README.md").read_text("utf-8")
    (written,) = re.findall(r"```yaml\n(.*?)```", notes, re.DOTALL)
    assert len(written.splitlines()) <= 20
    (tmp_path / "lesson.yaml").write_text(written)
    fields = "age: {type: integer, label: Age, unit: years}, sex: {type: category, label: Sex, values: [female, male]}"
    criterion = "{id: I1, kind: inclusion, label: Age, when: 18 <= age <= 75}"
    (tmp_path / "our_trial.yaml").write_text(f"id: OURS\ntitle: Ours\nfields: {{{fields}}}\ncriteria: [{criterion}]\n")
    ours = load_lesson(tmp_path / "lesson.yaml")
    for question in ours.questions:
        assert judge(question, question.key)
        assert all(trap.says in repr(judge(question, trap.answer)) for trap in question.traps)


def test_the_lesson_in_the_lecturers_notes_works_for_an_example(root, tmp_path):
    notes = (root / "notebooks" / "lessons" / "README.md").read_text("utf-8")
    (written,) = re.findall(r"```yaml\n(.*?)```", notes, re.DOTALL)
    (tmp_path / "lesson.yaml").write_text(written.replace("our_trial.yaml", "NCT02210780"))
    ours = load_lesson(tmp_path / "lesson.yaml")
    assert all(judge(question, question.key) for question in ours.questions)


def test_the_lecturers_notes_name_questions_and_lessons_that_there_are(root):
    notes = (root / "notebooks" / "lessons" / "README.md").read_text("utf-8")
    assert {*re.findall(r"\((\d\d_\w+)\.ipynb\)", notes)} == {*NOTEBOOKS}
    assert {*re.findall(r"\b([1-7]\.\d{1,2})\b", notes)} <= {*IDS}
    minutes = dict(re.findall(r"\((\d)\d?_?\w*\.ipynb\) \| (\d+) \|", notes.replace("(0", "(")))
    assert minutes == {number: str(lesson.minutes) for number, lesson in lessons().items()}


def test_the_catalogue_of_misconceptions_is_current(root):
    page = (root / "notebooks" / "lessons" / "misconceptions.md").read_text("utf-8")
    assert page == catalogue(), "run: python -m trialtools.lessons.catalogue > notebooks/lessons/misconceptions.md"
    assert all(trap.misconception in page for question in QUESTIONS for trap in question.traps)
