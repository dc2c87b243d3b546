"""A question and an answer go in; whether it is right by meaning comes out, with a patient who shows where it is not.

Eight things judge: `state` (of one patient), `means` (equivalent for every possible patient, with values missing or
not), `someone` (a patient whom the learner makes up), `nobody` (such a patient, or that there is none), `found` (what
`lint` proves), `count` and `number` (what the engine counts or works out), `choice` (one of the options).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from numbers import Real
from typing import Any, NamedTuple

from ..criteria.contents import Protocol
from ..criteria.language import MAX_NUMBER, ProtocolError, names, parse, words
from ..criteria.proofs.conditions import NotSettled
from ..criteria.proofs.finding import Finding
from ..criteria.protocol import DataError
from .answers import buttons
from .lesson import CONDITION, DECISIONS, LETTERS, Lesson, Question, subject
from .patients import card, difference, first_patient, futures, reasons, walker
from .quantities import quantity
from .reply import Reply
from .source import Source
from .steps import alike, next_step


def judge(lesson: Lesson, question: Question, answer: Any) -> Reply:
    """Whether an answer is right, and what there is to say about it; no answer crashes.

    Args:
        lesson: that the question is of.
        question: says what judges.
        answer: of any type; what is no answer at all is told the form of one.
    """
    kind = _KINDS[question.kinds[0]]
    named = not isinstance(answer, Mapping) or all(isinstance(name, str) for name in answer)
    if not named or not isinstance(answer, kind.types) or (isinstance(answer, bool) and not question.state):
        return Reply(False, (f"An answer here is {kind.form}.",))
    try:
        meant = kind.read(lesson, question, answer)
        right, says = kind.judge(lesson, question, meant)
        lines = [*says, question.right] if right else [*_trap(lesson, question, meant), *says]
    except (ProtocolError, DataError, NotSettled) as error:
        return Reply(False, (str(error),))
    return Reply(right, tuple(lesson.filled(line, question) for line in lines))


def _trap(lesson: Lesson, question: Question, meant: Any) -> list[str]:
    """What is said to a wrong answer that people give."""
    wrong = [str(trap.answer) for trap in question.traps]
    if question.means:
        rules = lesson.source(question).rules
        meant = {text for text in wrong if alike(meant, text)} or {text for text in wrong if _same(rules, meant, text)}
    given = {str(each) for each in meant} if isinstance(meant, set) else {str(meant)}
    return [trap.says for trap in question.traps if str(trap.answer) in given][:1]


def _same(rules: Protocol, one: str, other: str) -> bool:
    try:
        return rules.same(one, other, measured=True) is None
    except NotSettled:
        return False


_Verdict = tuple[bool, list[str]]
"""Whether an answer is right, and what there is to say about it."""


def _state(lesson: Lesson, question: Question, meant: str) -> _Verdict:
    rules = lesson.source(question).rules
    text, said = subject(rules, str(question.state))
    return meant == said[rules.judge(text, question.patient)], [futures(rules, text, said, question.patient)]


def _word(lesson: Lesson, question: Question, answer: Any) -> str:
    """One of the words of a state; the engine's own True, False and None will do for a condition."""
    _, said = subject(lesson.source(question).rules, str(question.state))
    word = answer.strip().lower() if isinstance(answer, str) else said[answer]
    if word not in said.values():
        raise ProtocolError(f"An answer here is one of {', '.join(map(repr, said.values()))}.")
    return word


def _means(lesson: Lesson, question: Question, meant: str) -> _Verdict:
    rules, wanted = lesson.source(question).rules, str(question.means)
    patient, known = difference(rules, meant, wanted, question.patient)
    if patient is None:
        between = rules.same(meant, wanted)
        short = f", short of a value that no instrument shows ({card(rules, between)})" if between else ""
        said = words(parse(meant, rules.fields), rules.fields)
        return True, [f"“{said}”: the same for every possible patient{short}."]
    asked = [*names(parse(meant, rules.fields)), *names(parse(wanted, rules.fields))]
    yours, needed = (CONDITION[rules.judge(text, patient)] for text in (meant, wanted))
    start = "Take this patient." if known else "Where everything is known you are right. But take this patient."
    told = f"{start} {card(rules, patient, asked)}. You say {yours}; it should be {needed}."
    return False, [told, next_step(meant, wanted)[1]]


def _someone(lesson: Lesson, question: Question, changes: Mapping[str, Any]) -> _Verdict:
    source, first = lesson.source(question), first_patient(lesson, question)
    rules, patient, wrong = source.rules, {**first, **changes}, []
    for what, wanted in question.someone.items():
        if what in DECISIONS:
            seen = (source.amended if what == "amended" else rules).explain(patient)
            name, is_, why = "the decision" + " as amended" * (what == "amended"), seen.decision, reasons(seen)
        else:
            text, said = subject(rules, what)
            name = f"{what} ({rules.criterion[what].label})" if what in rules.criterion else f"`{what}`"
            is_, why = said[rules.judge(text, patient)], ""
        wrong += [f"Of your patient {name} is “{is_}”{why}; it should be “{wanted}”."] if is_ != wanted else []
    moved = [name for name in rules.fields if patient.get(name) != first.get(name)]
    if question.changes is not None and len(moved) > question.changes:
        wrong.append(f"You changed {len(moved)} facts; {question.changes} will do.")
    return not wrong, [*rules.explain(patient).notes, *wrong]


def _nobody(lesson: Lesson, question: Question, answer: str | Mapping[str, Any]) -> _Verdict:
    condition = str(question.nobody)
    if isinstance(answer, Mapping):
        return _someone(lesson, replace(question, someone={condition: "true", "decision": "eligible"}), answer)
    if answer != "nobody":
        raise ProtocolError(f"An answer here is {_KINDS['nobody'].form}.")
    rules = lesson.source(question).rules
    found = rules.someone(condition, "eligible")
    there = isinstance(found, dict)
    return not there, [f"There is one. {card(rules, found)}." if there else str(found)]


def _find(lesson: Lesson, question: Question, meant: set[str]) -> _Verdict:
    source, start = lesson.source(question), str(question.found)
    findings = [finding for finding in _findings(source) if finding.id.startswith(start)]
    right = {part for finding in findings for part in finding.id.removeprefix(start).split("+")}
    for wrong in sorted(meant - right):
        return False, [walker(source.rules, wrong)]
    if missing := right - meant:
        return False, [f"All that you name is right; {len(missing)} still missing."]
    return True, [finding.sentence for finding in findings]


@cache
def _findings(source: Source) -> tuple[Finding, ...]:
    """What is proved of a protocol, once; nothing is judged by findings of which some were given up."""
    findings = source.rules.lint()
    if open_ := [finding.sentence for finding in findings if finding.kind == "too-hard"]:
        raise NotSettled(f"Nothing can be said yet: {open_[0]} Ask again when this machine has less to do.")
    return findings


def _count(lesson: Lesson, question: Question, answer: float) -> _Verdict:
    if not -MAX_NUMBER < answer < MAX_NUMBER:
        raise ProtocolError(f"An answer here is {_KINDS['count'].form}.")
    right = quantity(lesson.source(question), str(question.count or question.number))
    if abs(answer - right) <= question.within:
        return True, [f"{right:,}, as the engine has it."]
    return False, [f"{answer:,} is too {'large' if answer > right else 'small'}."]


def _choice(lesson: Lesson, question: Question, meant: str) -> _Verdict:
    return meant == question.key, []


def _option(lesson: Lesson, question: Question, answer: str) -> str:
    """An option as the file writes it, by its letter or in full."""
    options = buttons(lesson, question)
    letters = dict(zip(LETTERS, options.values(), strict=False))
    chosen = options.get(answer) or letters.get(answer.strip(" ).").lower()) or answer
    if chosen not in question.choice:
        raise ProtocolError(f"An answer here is a letter, 'a' to '{LETTERS[len(options) - 1]}'.")
    return chosen


def _set(lesson: Lesson, question: Question, answer: Any) -> set[str]:
    """Names, one or several; of a criterion in small letters too."""
    ids = {id.lower(): id for id in lesson.source(question).rules.criterion}
    parts = answer.strip(" {}").split(",") if isinstance(answer, str) else map(str, answer)
    return {ids.get(part.strip().lower(), part.strip()) for part in parts} - {""}


def _nobody_or_patient(lesson: Lesson, question: Question, answer: Any) -> Any:
    return answer.strip().lower() if isinstance(answer, str) else answer


def _itself(lesson: Lesson, question: Question, answer: Any) -> Any:
    return answer


class _Kind(NamedTuple):
    """How an answer is read and judged, and what is said to whoever gives none."""

    judge: Callable[[Lesson, Question, Any], _Verdict]
    types: Any
    form: str
    read: Callable[[Lesson, Question, Any], Any] = _itself


_PATIENT = 'a patient, or what you change of the one shown, such as {"age": 50, "cough": True}'
_NAMES = "one name in quotes, or several: 'cough, bmi'"
_KINDS = {
    "state": _Kind(_state, str | bool | None, "one word in quotes", _word),
    "means": _Kind(_means, str, "a condition in quotes, such as 'age > 65 or cough'"),
    "someone": _Kind(_someone, Mapping, _PATIENT),
    "nobody": _Kind(_nobody, str | Mapping, f"'nobody', or {_PATIENT}", _nobody_or_patient),
    "found": _Kind(_find, str | set | frozenset | list | tuple, _NAMES, _set),
    "count": _Kind(_count, Real, "a number, without quotes"),
    "number": _Kind(_count, Real, "a number, without quotes"),
    "choice": _Kind(_choice, str, "a letter in quotes, such as 'a'", _option),
}
