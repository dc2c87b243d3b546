"""Conditions go in, a patient who shows what they say comes out, and the sentence about that patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from ..criteria.contents import Protocol
from ..criteria.language import names, parse
from .lesson import subject


def card(rules: Protocol, patient: Mapping[str, Any], shown: Iterable[str] = ()) -> str:
    """A patient in a line: the fields `shown`, or else all that is on record."""
    wanted = {*shown} or {*patient}
    fields = {name: field for name, field in rules.fields.items() if name in wanted}
    return "; ".join(f"{field.label}: {field.write(patient.get(name))}" for name, field in fields.items())


def difference(rules: Protocol, mine: str, theirs: str, first: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """A patient of whom two conditions say different things, and whether they differ where everything is known.

    It is `first` if that will do, or `first` with one fact changed; None if no patient whose values an instrument can
    show makes a difference.
    """
    for patient in _beside(first):
        if rules.judge(mine, patient) is not rules.judge(theirs, patient):
            return patient, True
    fields = dict.fromkeys(name for text in (mine, theirs) for name in names(parse(text, rules.fields)))
    known = [" and ".join([f"({text})", *(f"known({name})" for name in fields)]) for text in (mine, theirs)]
    whole = rules.same(*known, measured=True)
    return (whole or rules.same(mine, theirs, measured=True)), whole is not None


def _beside(first: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A patient, and the same with one day moved by a day, a month or a year, or one yes turned."""
    if first:
        yield {**first}
    for name, value in first.items():
        if isinstance(value, date):
            yield from ({**first, name: value + timedelta(days)} for days in (1, -1, 30, -30, 365, -365))
        elif isinstance(value, bool):
            yield {**first, name: not value}


def futures(rules: Protocol, text: str, answers: Mapping[bool | None, str], patient: Mapping[str, Any]) -> str:
    """Why a patient is true, false or unknown, told by what the missing facts may turn out to be.

    Args:
        rules: whose fields `text`, a condition, asks about.
        text: the condition.
        said: the words for its being true, false and unknown.
        patient: what is on record.
    """
    fields = [name for name in names(parse(text, rules.fields)) if name not in patient]
    today = answers[rules.judge(text, patient)]
    if not fields:
        return f"All of it is known: the answer is “{today}”."
    record = [_on_record(name, value) for name, value in patient.items()]
    ends = {}
    for turn, claim in ((True, f"({text})"), (False, f"not ({text})")):
        record_found = rules.someone(" and ".join([claim, *record]))
        if isinstance(record_found, dict):
            ends[answers[turn]] = card(rules, record_found, [name for name in fields if name in record_found])
    if len(ends) == 2:
        return f"It may turn out either way. {'. '.join(f'{end}, then “{word}”' for word, end in ends.items())}."
    (only,) = ends
    parts = "" if only == today else f"; but part by part it is {today} today"
    return f"Whatever else is found out, the answer is “{only}”{parts}."


def _on_record(name: str, value: Any) -> str:
    """That a fact is on record, as a condition."""
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f'{name} == date("{value}")' if isinstance(value, date) else f"{name} == {value!r}"


def walker(rules: Protocol, wrong: str) -> str:
    """Why a name is no finding: a patient who gets in by it, or is kept out by it alone."""
    text, answers = subject(rules, wrong)
    if wrong not in rules.criterion:
        patient, does = rules.someone(wrong, "eligible"), "this patient has it and is eligible"
    else:
        alone, verb = (f"not ({text})", "fails") if answers[True] == "pass" else (text, "applies")
        patient, does = rules.amend({wrong: None}).someone(alone, "eligible"), f"of this patient {wrong} alone {verb}"
    if not isinstance(patient, dict):
        return f"Not `{wrong}`: this is none of those asked for."
    return f"Not `{wrong}`: {does}. {card(rules, patient, [*names(parse(text, rules.fields)), 'age'])}."
