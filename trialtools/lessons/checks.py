"""What a notebook calls: an answer goes in, a reply comes out; progress is kept as long as the kernel lives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..criteria.language import ProtocolError, nearest
from .judges import judge
from .lesson import LETTERS, Lesson, Question, lessons
from .reply import Reply

_SOLVED: set[tuple[str, str]] = set()
_HINTED: dict[tuple[str, str], int] = {}


def check(id: str, answer: Any = ..., lesson: Lesson | None = None) -> Reply:
    """Whether an answer is right; `...` asks the question again and is no error.

    Args:
        id: of a question, such as "2.1".
        answer: what the learner thinks.
        lesson: one of your own, from `load_lesson`; by default the lesson of the package that the id begins with.

    >>> print(check("2.1", "false").lines[0])
    That takes missing for no. Had somebody looked, it might have been 98.
    """
    try:
        own, question = find_question(id, lesson)
    except ProtocolError as error:
        return Reply(False, (str(error),))
    if answer is ...:
        return Reply(None, question=question_text(question), foot=_progress(own))
    reply = judge(question, answer)
    if reply:
        _SOLVED.add((own.title, id))
    helps = f' · hint("{id}") helps' if question.hints and not reply else ""
    return replace(reply, question=question_text(question), foot=_progress(own) + helps)


def hint(id: str, lesson: Lesson | None = None) -> Reply:
    """The next hint to a question: from a nudge to almost the answer."""
    try:
        own, question = find_question(id, lesson)
    except ProtocolError as error:
        return Reply(False, (str(error),))
    hints = question.hints or ("Try it on a patient.",)
    n = _HINTED[own.title, id] = min(_HINTED.get((own.title, id), 0) + 1, len(hints))
    return Reply(None, (f"Hint {n} of {len(hints)}. {question.with_numbers(hints[n - 1])}",))


def question_text(question: Question) -> str:
    """A question as it is read: the engine's numbers filled in, the options of a choice by letter."""
    shown = question.buttons if question.choice else {}
    options = [f"{letter}) {option}" for letter, option in zip(LETTERS, shown, strict=False)]
    return "\n".join([question.with_numbers(f"{question.id}  {question.ask}"), *options])


def fill_in(notebook: Mapping[str, Any], *of: Lesson) -> dict[str, Any]:
    """A learner's notebook with every `...` replaced by the key: `check("2.1", ...)` becomes `check("2.1", 'unknown')`.

    Args:
        notebook: as JSON reads it.
        of: your own lessons; by default those of the package.
    """
    keys = {question.id: question.key for lesson in of or lessons().values() for question in lesson.questions}

    def answer(dots: re.Match[str]) -> str:
        id = dots[1]
        return f'check("{id}", {keys[id]!r}' if id in keys else dots[0]

    cells = [
        cell | {"source": re.sub(r'check\("([^"]+)", \.\.\.', answer, "".join(cell["source"]))}
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def find_question(id: str, lesson: Lesson | None = None) -> tuple[Lesson, Question]:
    """A question and its lesson.

    Raises:
        ProtocolError: there is no such question; the nearest ids.
    """
    number = str(id).partition(".")[0]
    if lesson is None and number not in lessons():
        raise ProtocolError(f"no question {id!r}{nearest(number, lessons())}")
    own = lesson or lessons()[number]
    return own, own.question(id)


def _progress(lesson: Lesson) -> str:
    done = [(lesson.title, question.id) in _SOLVED for question in lesson.questions]
    return f"{''.join('○●'[one] for one in done)}  {sum(done)} of {len(done)}"
