"""A question and an answer go in; whether it is right by meaning comes out, with a patient who shows where it is not.

Eight things judge: `state` (of one patient), `means` (equivalent for every possible patient, with values missing or
not), `someone` (a patient whom the learner makes up), `nobody` (such a patient, or that there is none), `found` (what
`lint` proves), `count` and `number` (what the engine counts or works out), `choice` (one of the options).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from numbers import Real
from typing import Any, NamedTuple

from ..criteria.contents import Protocol
from ..criteria.language import MAX_NUMBER, ProtocolError, names, parse, words
from ..criteria.proofs.conditions import NotSettled
from ..criteria.proofs.finding import Finding
from ..criteria.protocol import DataError
from .answers import buttons
from .lesson import CONDITION, DECISIONS, LETTERS, Question, subject
from .patients import card, difference, futures, walker
from .quantities import quantity
from .reply import Reply
from .source import BROUGHT, Source
from .steps import alike, next_step


def judge(question: Question, answer: Any) -> Reply:
    """Whether an answer is right, and what there is to say about it; no answer crashes.

    Args:
        question: says what judges.
        answer: of any type; what is no answer at all is told the form of one.
    """
    kind = _KINDS[question.kind]
    named = not isinstance(answer, Mapping) or all(isinstance(name, str) for name in answer)
    if not named or not isinstance(answer, kind.types) or (isinstance(answer, bool) and not question.state):
        return Reply(False, (f"An answer here is {kind.form}.",))
    try:
        right, says, answers = kind.judge(question, answer)
        trap = [trap.says for trap in question.traps if str(trap.answer) in answers][:1]
        lines = [*says, question.right] if right else [*trap, *says]
    except (ProtocolError, DataError, NotSettled) as error:
        return Reply(False, (str(error),))
    return Reply(right, tuple(map(question.with_numbers, lines)))


_Verdict = tuple[bool, list[str], Collection[str]]
"""Whether an answer is right, what there is to say about it, and the answers of traps that it may be."""


def _state(question: Question, answer: str | bool | None) -> _Verdict:
    """The engine's own True, False and None will do for a word."""
    rules = question.source.rules
    text, answers = subject(rules, str(question.state))
    word = answer.strip().lower() if isinstance(answer, str) else answers[answer]
    if word not in answers.values():
        raise ProtocolError(f"An answer here is one of {', '.join(map(repr, answers.values()))}.")
    shown = futures(rules, text, answers, question.patient)
    return word == answers[rules.judge(text, question.patient)], [shown], {word}


def _means(question: Question, mine: str) -> _Verdict:
    rules, wanted = question.source.rules, str(question.means)
    patient, known = difference(rules, mine, wanted, question.patient)
    if patient is None:
        between = rules.same(mine, wanted)
        shown = f", short of one that no instrument shows ({card(rules, between)})" if between else ""
        meaning = words(parse(mine, rules.fields), rules.fields)
        return True, [f"{meaning}: the same for every possible patient{shown}."], ()
    yours, needed = (CONDITION[rules.judge(text, patient)] for text in (mine, wanted))
    shown = card(rules, patient, [name for text in (mine, wanted) for name in names(parse(text, rules.fields))])
    start = "Take this patient." if known else "Where everything is known you are right. But take this patient."
    sentence = f"{start} {shown}. You say {yours}; it should be {needed}."
    traps = [str(trap.answer) for trap in question.traps]
    matches = {text for text in traps if alike(mine, text)} or {text for text in traps if _same(rules, mine, text)}
    return False, [sentence, next_step(mine, wanted)[1]], matches


def _same(rules: Protocol, one: str, other: str) -> bool:
    try:
        return rules.same(one, other, measured=True) is None
    except NotSettled:
        return False


def _someone(question: Question, changes: Mapping[str, Any]) -> _Verdict:
    return _is_so(question, changes, question.someone)


def _is_so(question: Question, changes: Mapping[str, Any], states: Mapping[str, str]) -> _Verdict:
    """Whether all that is asked is so of a patient whom the learner makes up."""
    rules, patient, wrong = question.source.rules, {**question.first, **changes}, []
    for what, wanted in states.items():
        if what in DECISIONS:
            explanation = (question.source.amended_rules if what == "amended" else rules).explain(patient)
            blame = {"ineligible": "fail", "undetermined": "unknown"}.get(explanation.decision)
            ids = [verdict.id for verdict in explanation.criteria if verdict.state == blame]
            why = f" because of {', '.join(ids[:4])}{' and others' * (len(ids) > 4)}" * bool(ids)
            name, state = "the decision" + " as amended" * (what == "amended"), f"“{explanation.decision}”{why}"
        else:
            text, answers = subject(rules, what)
            name = f"{what} ({rules.criterion[what].label})" if what in rules.criterion else f"`{what}`"
            state = f"“{answers[rules.judge(text, patient)]}”"
        if not state.startswith(f"“{wanted}”"):
            wrong.append(f"Of your patient {name} is {state}; it should be “{wanted}”.")
    moved = [name for name in rules.fields if patient.get(name) != question.first.get(name)]
    if question.changes is not None and len(moved) > question.changes:
        wrong.append(f"You changed {len(moved)} facts; {question.changes} will do.")
    return not wrong, [*rules.explain(patient).notes, *wrong], {str(changes)}


def _nobody(question: Question, answer: str | Mapping[str, Any]) -> _Verdict:
    condition, rules = str(question.nobody), question.source.rules
    if isinstance(answer, Mapping):
        return _is_so(question, answer, {condition: "true", "decision": "eligible"})
    if answer.strip().lower() != "nobody":
        raise ProtocolError(f"An answer here is {_KINDS['nobody'].form}.")
    patient = rules.someone(condition, "eligible")
    there = isinstance(patient, dict)
    return not there, [f"There is one. {card(rules, patient)}." if there else str(patient)], {"nobody"}


def _find(question: Question, answer: str | Collection[Any]) -> _Verdict:
    """Names, one or several; of a criterion in small letters too."""
    rules, start = question.source.rules, str(question.found)
    ids = {id.lower(): id for id in rules.criterion}
    parts = answer.strip(" {}").split(",") if isinstance(answer, str) else map(str, answer)
    answers = {ids.get(part.strip().lower(), part.strip()) for part in parts} - {""}
    findings_named = [finding for finding in findings(question.source) if finding.id.startswith(start)]
    right = {part for finding in findings_named for part in finding.id.removeprefix(start).split("+")}
    for wrong in sorted(answers - right):
        return False, [walker(rules, wrong)], answers
    if missing := right - answers:
        return False, [f"All that you name is right; {len(missing)} still missing."], answers
    return True, [finding.sentence for finding in findings_named], answers


@cache
def findings(source: Source) -> tuple[Finding, ...]:
    """What is proved of a protocol, once; nothing is judged by findings of which some were given up."""
    if BROUGHT:
        return tuple(Finding(**each) for each in BROUGHT[source.key("findings")])
    proved = source.rules.lint()
    if open_ := [finding.sentence for finding in proved if finding.kind == "too-hard"]:
        raise NotSettled(f"Nothing can be said yet: {open_[0]} Ask again when this machine has less to do.")
    return proved


def _count(question: Question, answer: float) -> _Verdict:
    if not -MAX_NUMBER < answer < MAX_NUMBER:
        raise ProtocolError(f"An answer here is {_KINDS['count'].form}.")
    right = quantity(question.source, str(question.count or question.number))
    if abs(answer - right) <= question.within:
        return True, [f"{right:,}, as the engine has it."], ()
    return False, [f"{answer:,} is too {'large' if answer > right else 'small'}."], {str(answer)}


def _choice(question: Question, answer: str) -> _Verdict:
    """An option as the file writes it, by its letter or in full."""
    options = buttons(question)
    letters = dict(zip(LETTERS, options.values(), strict=False))
    chosen = options.get(answer) or letters.get(answer.strip(" ).").lower()) or answer
    if chosen not in question.choice:
        raise ProtocolError(f"An answer here is a letter, 'a' to '{LETTERS[len(options) - 1]}'.")
    return chosen == question.key, [], {chosen}


class _Kind(NamedTuple):
    """How an answer is judged, and what is said to whoever gives none."""

    judge: Callable[[Question, Any], _Verdict]
    types: Any
    form: str


_PATIENT = 'a patient, or what you change of the one shown, such as {"age": 50, "cough": True}'
_NUMBER = _Kind(_count, Real, "a number, without quotes")
_NAMES = "one name in quotes, or several: 'cough, bmi'"
_KINDS = {
    "state": _Kind(_state, str | bool | None, "one word in quotes"),
    "means": _Kind(_means, str, "a condition in quotes, such as 'age > 65 or cough'"),
    "someone": _Kind(_someone, Mapping, _PATIENT),
    "nobody": _Kind(_nobody, str | Mapping, f"'nobody', or {_PATIENT}"),
    "found": _Kind(_find, str | set | frozenset | list | tuple, _NAMES),
    "count": _NUMBER,
    "number": _NUMBER,
    "choice": _Kind(_choice, str, "a letter in quotes, such as 'a'"),
}
