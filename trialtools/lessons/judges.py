"""A question and an answer go in; whether it is right by meaning comes out, with a patient who shows where it is not.

Eight things judge: `state` (of one patient), `means` (equivalent for every possible patient, with values missing or
not), `someone` (a patient whom the learner makes up), `nobody` (such a patient, or that there is none), `found` (what
`lint` proves), `count` and `number` (what the engine counts or works out), `choice` (one of the options).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date
from numbers import Real
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import MAX_NUMBER, ProtocolError, names, parse, words
from ..criteria.proofs.conditions import Nobody, NotSettled
from ..criteria.protocol import DataError
from .lesson import CONDITION, DECISIONS, LETTERS, Question, subject
from .quantities import findings, quantity
from .reply import Reply
from .steps import next_step

_Verdict = tuple[bool, list[str], Collection[Any]] | None
"""Whether an answer is right, what there is to say about it, and the traps that it may be; None where it is none."""


def judge(question: Question, answer: Any) -> Reply:
    """Whether an answer is right, and what there is to say about it; no answer crashes.

    Args:
        question: says what judges.
        answer: of any type, or its text as one types it; what is no answer at all is told the form of one.
    """
    verdict_on, types, form = _KINDS[question.kind]
    try:
        value = _read(question, answer)
        verdict = verdict_on(question, value) if isinstance(value, types) else None
        if verdict is None:
            form = form or f"one of {', '.join(map(repr, question.buttons))}"
            return Reply(False, (f"An answer here is {form}.",))
        right, says, traps = verdict
        trap = [trap.says for trap in question.traps if trap.answer in traps][:1]
        lines = [*says, question.right] if right else [*trap, *says]
    except (ProtocolError, DataError, NotSettled) as error:
        return Reply(False, (str(error),))
    return Reply(right, tuple(question.with_numbers(line) for line in lines if line))


def _read(question: Question, answer: Any) -> Any:
    """The answer that the label of a button, its letter, or a text in a box stands for; other text stays as it is."""
    if not isinstance(answer, str):
        return answer
    text, labels = answer.strip(), question.buttons
    letters = zip(LETTERS, labels.values(), strict=False) if question.choice else ()
    meanings = {label.lower(): stands_for for label, stands_for in [*letters, *labels.items()]}
    if (label := text.lower().strip(" ).")) in meanings:
        return meanings[label]
    with suppress(SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        if question.someone or question.nobody or question.found:
            return ast.literal_eval(text)
        if question.count or question.number:
            return float(text.rstrip("% ").replace(",", ""))
    return text


def _state(question: Question, answer: str | bool | None) -> _Verdict:
    """The engine's own True, False and None will do for a word."""
    rules = question.source.rules
    text, words_of = subject(rules, str(question.state))
    word = answer if isinstance(answer, str) else words_of[answer]
    if word not in words_of.values():
        return None
    why = _futures(rules, text, words_of, question.patient)
    return word == words_of[rules.judge(text, question.patient)], [why], [word]


def _means(question: Question, mine: str) -> _Verdict:
    rules, wanted = question.source.rules, str(question.means)
    whole = question.patient  # shown first, where the file has one
    if not whole or rules.judge(mine, whole) is rules.judge(wanted, whole):
        whole = rules.same(mine, wanted, measured=True, complete=True)
    patient = whole or rules.same(mine, wanted, measured=True)
    if patient is None:
        between = rules.same(mine, wanted)
        short = f", short of one that no instrument shows ({_card(rules, between)})" if between else ""
        meaning = words(parse(mine, rules.fields), rules.fields)
        return True, [f"{meaning}: the same for every possible patient{short}."], []
    start = "Take this patient." if whole else "Where everything is known you are right. But take this patient."
    yours, needed = (CONDITION[rules.judge(text, patient)] for text in (mine, wanted))
    about = [name for text in (mine, wanted) for name in names(parse(text, rules.fields))]
    sentence = f"{start} {_card(rules, patient, about)}. You say {yours}; it should be {needed}."
    trap = next((trap.answer for trap in question.traps if _is_same(rules, mine, trap.answer)), None)
    return False, [sentence, next_step(mine, wanted)[1]], [trap]


def _is_same(rules: Protocol, one: str, other: str) -> bool:
    """Whether two conditions are proved to be the same: that an answer is wrong is said though no trap is settled."""
    with suppress(NotSettled):
        return rules.same(one, other, measured=True) is None
    return False


def _someone(question: Question, answer: str | Mapping[str, Any]) -> _Verdict:
    """Whether all that is asked is so of a patient whom the learner makes up, or that there is none."""
    rules, condition = question.source.rules, str(question.nobody)
    if isinstance(answer, str):
        patient = rules.someone(condition, "eligible") if answer.lower() == "nobody" else None
        if isinstance(patient, Nobody):
            return True, [patient.sentence], []
        return (False, [f"There is one. {_card(rules, patient)}."], ["nobody"]) if patient else None
    patient, wrong = {**question.first, **answer}, list[str]()
    for what, wanted in (question.someone or {condition: "true", "decision": "eligible"}).items():
        if what in DECISIONS:
            verdict = (question.source.amended_rules if what == "amended" else rules).explain(patient)
            ids = [each.id for each in verdict.criteria if each.state == verdict.state != "pass"]
            why = f" because of {', '.join(ids[:4])}{' and others' * (len(ids) > 4)}" if ids else ""
            state, name = verdict.decision, DECISIONS[what]
        else:
            text, words_of = subject(rules, what)
            state, why = words_of[rules.judge(text, patient)], ""
            name = f"{what} ({rules.criterion[what].label})" if what in rules.criterion else f"`{what}`"
        if state != wanted:
            wrong.append(f"Of your patient {name} is “{state}”{why}; it should be “{wanted}”.")
    moves = sum(patient.get(name) != question.first.get(name) for name in rules.fields)
    if question.changes is not None and moves > question.changes:
        wrong.append(f"You changed {moves} facts; {question.changes} will do.")
    return not wrong, [*rules.explain(patient).notes, *wrong], [answer]


def _found(question: Question, answer: str | Collection[Any]) -> _Verdict:
    """Names, one or several; of a criterion in small letters too."""
    rules, start = question.source.rules, str(question.found)
    ids = {id.lower(): id for id in rules.criterion}
    parts = answer.strip("{}").split(",") if isinstance(answer, str) else map(str, answer)
    answers = {ids.get(part.strip().lower(), part.strip()) for part in parts} - {""}
    proofs = [finding for finding in findings(question.source) if finding.id.startswith(start)]
    right = {part for proof in proofs for part in proof.id.removeprefix(start).split("+")}
    if wrong := sorted(answers - right):
        return False, [_walker(rules, wrong[0])], answers
    if missing := right - answers:
        return False, [f"All that you name is right; {len(missing)} still missing."], answers
    return True, [proof.sentence for proof in proofs], []


def _number(question: Question, answer: float) -> _Verdict:
    if isinstance(answer, bool) or not -MAX_NUMBER < answer < MAX_NUMBER:
        return None
    right = quantity(question.source, str(question.count or question.number))
    if abs(answer - right) <= question.within:
        return True, [f"{right:,}, as the engine has it."], []
    return False, [f"{answer:,g} is too {'large' if answer > right else 'small'}."], [answer]


def _choice(question: Question, option: str) -> _Verdict:
    return (option == question.key, [], [option]) if option in question.choice else None


_PATIENT = 'a patient, or what you change of the one shown, such as {"age": 50, "cough": True}'
_NUMBER = _number, Real, "a number"
_KINDS: dict[str, tuple[Callable[[Question, Any], _Verdict], Any, str]] = {
    "state": (_state, str | bool | None, ""),
    "means": (_means, str, "a condition in quotes, such as 'age > 65 or cough'"),
    "someone": (_someone, Mapping, _PATIENT),
    "nobody": (_someone, str | Mapping, f"'nobody', or {_PATIENT}"),
    "found": (_found, str | set | frozenset | list | tuple, "one name in quotes, or several: 'cough, bmi'"),
    "count": _NUMBER,
    "number": _NUMBER,
    "choice": (_choice, str, "a letter in quotes, such as 'a'"),
}


def _card(rules: Protocol, patient: Mapping[str, Any], about: Iterable[str] = ()) -> str:
    """A patient in a line: the fields it is `about`, or else all that is on record."""
    fields = {name: rules.fields[name] for name in rules.fields if name in ({*about} or patient)}
    return "; ".join(f"{field.label}: {field.write(patient.get(name))}" for name, field in fields.items())


def _futures(rules: Protocol, text: str, words_of: Mapping[Any, str], patient: Mapping[str, Any]) -> str:
    """Why a patient is true, false or unknown, told by what the missing facts may turn out to be."""
    today = words_of[rules.judge(text, patient)]
    written = {name: f'date("{value}")' if isinstance(value, date) else repr(value) for name, value in patient.items()}
    record = "".join(f" and {name} == {value}" for name, value in written.items())
    fields = [name for name in names(parse(text, rules.fields)) if name not in patient]
    both = {words_of[turn]: rules.someone(f"{claim}({text}){record}") for turn, claim in ((True, ""), (False, "not "))}
    ends = {word: _card(rules, one, one.keys() & fields) for word, one in both.items() if not isinstance(one, Nobody)}
    if len(ends) > 1:
        return f"It may turn out either way. {' '.join(f'{end}, then “{word}”.' for word, end in ends.items())}"
    only = next(iter(ends), today)
    parts = "" if only == today else f"; but part by part it is {today} today"
    return f"{'Whatever else is found out,' if fields else 'All of it is known:'} the answer is “{only}”{parts}."


def _walker(rules: Protocol, wrong: str) -> str:
    """Why a name is no finding: a patient who gets in by it, or is kept out by it alone."""
    (text, words_of), does = subject(rules, wrong), "this patient has it and is eligible"
    whom = f"not ({text})" if words_of[True] == "pass" else text
    if wrong in rules.criterion:
        rules, does = rules.amend({wrong: None}), f"this patient is kept out by {wrong} alone"
    patient = rules.someone(whom, "eligible")
    if isinstance(patient, Nobody):
        return f"Not `{wrong}`: this is none of those asked for."
    return f"Not `{wrong}`: {does}. {_card(rules, patient, [*names(parse(text, rules.fields)), 'age'])}."
