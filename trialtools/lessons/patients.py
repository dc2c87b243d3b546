"""A condition goes in, a patient who shows it comes out, and the sentence about that patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import names, parse
from ..criteria.patient.verdict import Explanation
from .lesson import Lesson, Question, subject
from .source import Source

_FEW = 6
"""Up to so many fields a patient who shows a difference is known in whole; beyond, by the fewest facts that show it."""


def card(rules: Protocol, patient: Mapping[str, Any], shown: Iterable[str] = ()) -> str:
    """A patient in a line: the fields `shown`, or else all that is on record."""
    wanted = {*shown} or {*patient}
    fields = {name: field for name, field in rules.fields.items() if name in wanted}
    told = [f"{field.label}: {field.write(patient.get(name))}" for name, field in fields.items()]
    return "; ".join(told) or "Nothing is known"


def first_patient(lesson: Lesson, question: Question) -> dict[str, Any]:
    """The patient whom an answer changes: an eligible one whom the engine finds, where the question says `start`."""
    found = _start(lesson.source(question), question.start) if question.start else {}
    return {**found, **question.patient}


@cache
def _start(source: Source, condition: str) -> Mapping[str, Any]:
    found = source.rules.someone(condition, "eligible")
    return found if isinstance(found, dict) else {}


def difference(
    rules: Protocol, mine: str, theirs: str, first: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, bool]:
    """A patient of whom two conditions say different things, and whether they differ where everything is known.

    It is `first` if that will do, or `first` with one fact changed; None if no patient whose values an instrument can
    show makes a difference.
    """
    if first and rules.judge(mine, first) is not rules.judge(theirs, first):
        return first, True
    own, other = (names(parse(text, rules.fields)) for text in (mine, theirs))
    if not own:
        return rules.same(mine, theirs, measured=True), True
    asked = {*own, *other}
    near = [[(_nearby if name == left else _on_record)(name, first[name]) for name in first] for left in first]
    for facts in (*near, []):
        claim = " and ".join([*(f"known({name})" for name in sorted(asked)), *facts])
        whole = rules.same(f"({mine}) and {claim}", f"({theirs}) and {claim}", measured=True)
        if whole is not None:
            break
    if whole is None or len(asked) > _FEW:
        return rules.same(mine, theirs, measured=True), whole is not None
    return whole, True


def futures(rules: Protocol, text: str, said: Mapping[bool | None, str], patient: Mapping[str, Any]) -> str:
    """Why a patient is true, false or unknown, told by what the missing facts may turn out to be.

    Args:
        rules: whose fields `text`, a condition, asks about.
        text: the condition.
        said: the words for its being true, false and unknown.
        patient: what is on record.
    """
    asked = [name for name in names(parse(text, rules.fields)) if name not in patient]
    today = said[rules.judge(text, patient)]
    if not asked:
        return f"All of it is known: the answer is “{today}”."
    ends = {}
    for turn, claim in ((True, f"({text})"), (False, f"not ({text})")):
        found = rules.someone(" and ".join([claim, *map(_on_record, patient, patient.values())]))
        if isinstance(found, dict):
            ends[said[turn]] = card(rules, found, [name for name in asked if name in found])
    if len(ends) == 2:
        return f"It may turn out either way. {'. '.join(f'{end}, then “{word}”' for word, end in ends.items())}."
    (only,) = ends
    parts = "" if only == today else f"; but part by part it is {today} today"
    return f"Whatever else is found out, the answer is “{only}”{parts}."


def _on_record(name: str, value: Any) -> str:
    """That a fact is on record, as a condition."""
    match value:
        case bool():
            return name if value else f"not {name}"
        case str():
            return f'{name} == "{value}"'
        case int() | float():
            return f"{name} == {value}"
    return f'{name} == date("{value}")'


def _nearby(name: str, value: Any) -> str:
    """That a fact is known, and a date within a year or two of the one on record."""
    if not isinstance(value, date):
        return f"known({name})"
    return f'{name} >= date("{value.year - 1}-01-01") and {name} <= date("{value.year + 1}-12-31")'


def walker(rules: Protocol, wrong: str) -> str:
    """Why a name is no finding: a patient who gets in by it, or is kept out by it alone."""
    text, said = subject(rules, wrong)
    if wrong in rules.criterion:
        alone = f"not ({text})" if "pass" in said.values() else text
        patient = rules.amend({wrong: None}).someone(alone, "eligible")
        does = f"of this patient {wrong} alone {'fails' if 'pass' in said.values() else 'applies'}"
    else:
        patient, does = rules.someone(wrong, "eligible"), "this patient has it and is eligible"
    asked = [*names(parse(text, rules.fields)), "age"]
    why = f"{does}. {card(rules, patient, asked)}" if isinstance(patient, dict) else "this is none of those asked for"
    return f"Not `{wrong}`: {why}."


def reasons(seen: Explanation) -> str:
    """Because of which criteria a decision is no better: the first four."""
    blame = {"ineligible": "fail", "undetermined": "unknown"}.get(seen.decision)
    ids = [verdict.id for verdict in seen.criteria if verdict.state == blame]
    return f" because of {', '.join(ids[:4])}{' and others' * (len(ids) > 4)}" if ids else ""
