"""A question and an answer go in; whether it is right by meaning comes out, with a patient who shows where it is not.

Eight things judge: `state` (of one patient), `means` (equivalent for every possible patient, with values missing or
not), `someone` (a patient whom the learner makes up), `nobody` (such a patient, or that there is none), `found` (what
`lint` proves), `count` and `number` (what the engine counts or works out), `choice` (one of the options).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from numbers import Real
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import MAX_NUMBER, ProtocolError, names, parse, words
from ..criteria.proofs.conditions import NotSettled
from ..criteria.proofs.finding import Finding
from ..criteria.protocol import DataError
from .lesson import CONDITION, DECISIONS, LETTERS, Lesson, Question, subject
from .quantities import quantity
from .reply import Reply
from .source import Source
from .steps import alike, next_step

_FEW = 4
"""Up to so many fields a counterexample has all of them known; beyond, the fewest facts that show the difference."""


def judge(lesson: Lesson, question: Question, answer: Any) -> Reply:
    """Whether an answer is right, and what there is to say about it; no answer crashes.

    Args:
        lesson: that the question is of.
        question: says what judges.
        answer: of any type; what is no answer at all is told the form of one.
    """
    types, form = _FORMS[question.kinds[0]]
    unnamed = isinstance(answer, Mapping) and not all(isinstance(name, str) for name in answer)
    if unnamed or not isinstance(answer, types) or (isinstance(answer, bool) and question.kinds[0] != "state"):
        changed = "what you change of the patient, such as {'cough': True}; all else stays" if question.start else form
        return Reply(False, (f"An answer here is {changed}.",))
    try:
        reply = _JUDGES[question.kinds[0]](lesson, question, answer)
    except (ProtocolError, DataError, NotSettled) as error:
        return Reply(False, (str(error),))
    lines = [*reply.lines, question.right] if reply else reply.lines
    return replace(reply, lines=tuple(lesson.filled(line, question) for line in lines if line))


def _state(lesson: Lesson, question: Question, answer: Any) -> Reply:
    rules = lesson.source(question).rules
    text, said = subject(rules, str(question.state))
    told = said.get(answer) if isinstance(answer, bool | None) else answer.strip().lower()
    if told not in said.values():
        return Reply(False, (f"An answer here is {_list(map(repr, said.values()), 'or')}.",))
    right = told == said[rules.judge(text, question.patient)]
    trapped = [] if right else _trap(question, told)
    return Reply(right, (*trapped, _futures(rules, text, said, question.patient)))


def _means(lesson: Lesson, question: Question, answer: str) -> Reply:
    rules, wanted = lesson.source(question).rules, str(question.means)
    patient, measured = _differing(rules, answer, wanted, question.patient)
    if patient is None:
        between = rules.same(answer, wanted)
        short = f", short of a value that no instrument shows ({card(rules, between)})" if between else ""
        said = words(parse(answer, rules.fields), rules.fields)
        return Reply(True, (f"“{said}”: the same for every possible patient{short}.",))
    asked = [*names(parse(answer, rules.fields)), *names(parse(wanted, rules.fields))]
    yours, needed = (CONDITION[rules.judge(text, patient)] for text in (answer, wanted))
    start = "Take this patient." if measured else "Where everything is known you are right. But take this patient."
    told = f"{start} {card(rules, patient, asked)}. You say {yours}; it should be {needed}."
    step, instruction = next_step(answer, wanted)
    return Reply(False, (*_trap(question, *_alike(rules, question, answer)), told, instruction), step)


def _alike(rules: Protocol, question: Question, answer: str) -> list[str]:
    """The traps that say what an answer says; those that are written alike need no proof."""
    wrong = [trap.answer for trap in question.traps]
    return [text for text in wrong if alike(answer, text)] or [text for text in wrong if _same(rules, answer, text)]


def _same(rules: Protocol, one: str, other: str) -> bool:
    try:
        return rules.same(one, other, measured=True) is None
    except NotSettled:
        return False


def _someone(lesson: Lesson, question: Question, answer: Mapping[str, Any]) -> Reply:
    rules, first = lesson.source(question).rules, begin(lesson, question)
    amended, patient, wrong = lesson.source(question).amended, {**first, **answer}, []
    for what, wanted in question.someone.items():
        if what in DECISIONS:
            seen = (amended if what == "amended" else rules).explain(patient)
            name, is_, why = "the decision" + " as amended" * (what == "amended"), seen.decision, _why(seen)
        else:
            text, said = subject(rules, what)
            name, is_, why = _title(rules, what), said[rules.judge(text, patient)], ""
        wrong += [f"Of your patient {name} is “{is_}”{why}; it should be “{wanted}”."] if is_ != wanted else []
    moved = [name for name in rules.fields if patient.get(name) != first.get(name)]
    if question.changes is not None and len(moved) > question.changes:
        wrong.append(f"You changed {len(moved)} facts; {question.changes} will do.")
    trapped = _trap(question, answer) if wrong else []
    return Reply(not wrong, (*rules.explain(patient).notes, *trapped, *wrong))


def begin(lesson: Lesson, question: Question) -> dict[str, Any]:
    """The patient whom an answer changes: an eligible one whom the engine finds, where the question says `start`."""
    found = _start(lesson.source(question), question.start) if question.start else {}
    return {**found, **question.patient}


@cache
def _start(source: Source, condition: str) -> Mapping[str, Any]:
    found = source.rules.someone(condition, "eligible")
    return found if isinstance(found, dict) else {}


def _nobody(lesson: Lesson, question: Question, answer: Any) -> Reply:
    rules, condition = lesson.source(question).rules, str(question.nobody)
    if isinstance(answer, Mapping):
        return _someone(lesson, replace(question, someone={condition: "true", "decision": "eligible"}), answer)
    if answer != "nobody":
        return Reply(False, (*_trap(question, answer), f"An answer here is {_FORMS['nobody'][1]}."))
    found = rules.someone(condition, "eligible")
    there = isinstance(found, dict)
    return Reply(not there, (f"There is one. {card(rules, found)}." if there else str(found),))


def _find(lesson: Lesson, question: Question, answer: Any) -> Reply:
    rules, start = lesson.source(question).rules, str(question.found)
    findings = [finding for finding in _findings(lesson.source(question)) if finding.id.startswith(start)]
    right = {part for finding in findings for part in finding.id.removeprefix(start).split("+")}
    named = {answer} if isinstance(answer, str) else {str(each) for each in answer}
    if not named:
        return Reply(False, (f"An answer here is {_FORMS['found'][1]}.",))
    for wrong in sorted(named - right):
        return Reply(False, (*_trap(question, wrong), _walks_through(rules, wrong)))
    if missing := right - named:
        return Reply(False, (f"All that you name is right; {len(missing)} still missing.",))
    return Reply(True, tuple(finding.sentence for finding in findings))


@cache
def _findings(source: Source) -> tuple[Finding, ...]:
    return source.rules.lint()


def _walks_through(rules: Protocol, wrong: str) -> str:
    """Why a name is no finding: a patient for whom what it names decides."""
    if wrong in rules.criterion:
        text, said = subject(rules, wrong)
        bad = f"not ({text})" if rules.criterion[wrong].kind == "inclusion" else text
        patient = rules.amend({wrong: None}).someone(bad, "eligible")
        does = f"of this patient {wrong} alone {'fails' if 'pass' in said.values() else 'applies'}"
    else:
        text, patient = wrong, rules.someone(wrong, "eligible")
        does = "this patient has it and is eligible"
    shown = [*names(parse(text, rules.fields)), "age"]
    return f"Not {wrong}" + (f": {does}. {card(rules, patient, shown)}." if isinstance(patient, dict) else ".")


def _count(lesson: Lesson, question: Question, answer: float) -> Reply:
    if not -MAX_NUMBER < answer < MAX_NUMBER:
        return Reply(False, (f"An answer here is {_NUMBER[1]}.",))
    right = quantity(lesson.source(question), str(question.count or question.number))
    if abs(answer - right) <= question.within:
        return Reply(True, (f"{right:,}, as the engine has it.",))
    return Reply(False, (*_trap(question, answer), f"{answer:,} is too {'large' if answer > right else 'small'}."))


def _choice(lesson: Lesson, question: Question, answer: str) -> Reply:
    options = {lesson.filled(option, question): option for option in question.choice}
    letters = dict(zip(LETTERS, question.choice, strict=False))
    chosen = options.get(answer) or letters.get(answer.strip(" ).").lower()) or answer
    if chosen not in question.choice:
        return Reply(False, (f"An answer here is a letter, 'a' to '{LETTERS[len(options) - 1]}'.",))
    return Reply(chosen == question.key, tuple(_trap(question, chosen)))


_PATIENT = 'a patient, such as {"age": 50, "cough": True}; what is left out is not known'
_NUMBER = (Real, "a number, without quotes")
_FORMS: dict[str, tuple[Any, str]] = {
    "state": (str | bool | None, "one word in quotes"),
    "means": (str, "a condition in quotes, such as 'age > 65 or cough'"),
    "someone": (Mapping, _PATIENT),
    "nobody": (str | Mapping, f"'nobody', or {_PATIENT}"),
    "found": (str | set | frozenset | list | tuple, "a name in quotes, or several in braces: {'cough', 'bmi'}"),
    "count": _NUMBER,
    "number": _NUMBER,
    "choice": (str, "a letter in quotes, such as 'a'"),
}
_JUDGES: dict[str, Callable[[Lesson, Question, Any], Reply]] = {
    "state": _state,
    "means": _means,
    "someone": _someone,
    "nobody": _nobody,
    "found": _find,
    "count": _count,
    "number": _count,
    "choice": _choice,
}


# --- patients who show it ---------------------------------------------------------------------------------------------


def card(rules: Protocol, patient: Mapping[str, Any], shown: Iterable[str] = ()) -> str:
    """A patient in a line: what is on record, and of the fields `shown` also what is not known."""
    fields = {name: field for name, field in rules.fields.items() if name in {*patient, *shown}}
    told = [f"{field.label}: {field.write(patient.get(name))}" for name, field in fields.items()]
    return "; ".join(told) or "Nothing is known"


def _differing(
    rules: Protocol, mine: str, theirs: str, first: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, bool]:
    """A patient of whom two conditions say different things, `first` if that will do, and whether all is known of them.

    A patient is known in whole where the fields are few, else by the fewest facts that make the difference.
    """
    if first and rules.judge(mine, first) is not rules.judge(theirs, first):
        return first, True
    asked = dict.fromkeys([*names(parse(mine, rules.fields)), *names(parse(theirs, rules.fields))])
    if not names(parse(mine, rules.fields)):
        return rules.same(mine, theirs, measured=True), True
    known = " and ".join(f"known({name})" for name in asked)
    whole = rules.same(f"({mine}) and {known}", f"({theirs}) and {known}", measured=True)
    if whole is None or len(asked) > _FEW:
        return rules.same(mine, theirs, measured=True), whole is not None
    return whole, True


def _futures(rules: Protocol, text: str, said: Mapping[bool | None, str], patient: Mapping[str, Any]) -> str:
    """Why a patient is true, false or unknown, told by what the missing facts may turn out to be."""
    recorded = [_on_record(name, value) for name, value in patient.items()]
    asked = [name for name in names(parse(text, rules.fields)) if name not in patient]
    if not asked:
        return f"All of it is known: the answer is “{said[rules.judge(text, patient)]}”."
    ends = {}
    for turn, claim in ((True, f"({text})"), (False, f"not ({text})")):
        if isinstance(found := rules.someone(" and ".join([claim, *recorded])), dict):
            ends[said[turn]] = card(rules, {name: found[name] for name in asked if name in found})
    if len(ends) == 2:
        return f"It may turn out either way. {'. '.join(f'{end}, then “{word}”' for word, end in ends.items())}."
    (only,) = ends
    today = "." if only == said[rules.judge(text, patient)] else "; but part by part it is unknown today."
    return f"Whatever else is found out, the answer is “{only}”{today}"


def _on_record(name: str, value: Any) -> str:
    match value:
        case bool():
            return name if value else f"not {name}"
        case str():
            return f'{name} == "{value}"'
        case int() | float():
            return f"{name} == {value}"
    return f'{name} == date("{value}")'


def _title(rules: Protocol, what: str) -> str:
    if what in rules.criterion:
        return f"{what} ({rules.criterion[what].label})"
    return f"“{words(parse(what, rules.fields), rules.fields)}”"


def _why(seen: Any) -> str:
    blamed = {"ineligible": "fail", "undetermined": "unknown"}.get(seen.decision)
    ids = [verdict.id for verdict in seen.criteria if verdict.state == blamed]
    return f" because of {_list(ids[:4])}{' and others' * (len(ids) > 4)}" if ids else ""


def _list(parts: Iterable[str], word: str = "and") -> str:
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def _trap(question: Question, *answers: Any) -> list[str]:
    """What is said to a wrong answer that people give."""
    wrong = [str(answer) for answer in answers]
    return [trap.says for trap in question.traps if str(trap.answer) in wrong][:1]
