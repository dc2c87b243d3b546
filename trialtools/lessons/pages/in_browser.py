"""Inside the browser: what was typed goes in, the reply comes out as JSON; counts were made when the page was."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .. import judges, lesson
from ..answers import buttons, typed
from ..checks import check, find_question, hint
from ..lesson import Question, lessons
from ..quantities import quantity
from ..reply import Reply
from ..source import Source


def numbers() -> dict[str, float]:
    """Every number that the lessons count, by what it is of: the page brings them, for a browser has no data frames."""
    return {
        _of(one.source(question), name): quantity(one.source(question), name)
        for one in lessons().values()
        for question in one.questions
        for name in _fields(question)
    }


def bring(counted: str) -> None:
    """Take the numbers, as JSON, in place of the engine that counts."""
    known = json.loads(counted)

    def look_up(source: Source, name: str) -> float:
        return known[_of(source, name)]

    lesson.quantity = judges.quantity = look_up
    lessons()  # read now, so that the first answer does not wait for it


def reply(id: str, text: str) -> str:
    """What is said to a text in the box, or to the label of a button."""
    one, question = find_question(id)
    labels = buttons(one, question)
    return _as_json(check(id, labels[text] if text in labels else typed(question, text)))


def help_with(id: str) -> str:
    """The next hint."""
    return _as_json(hint(id))


def _as_json(said: Reply) -> str:
    return json.dumps({"right": said.right, "lines": said.lines})


def _of(source: Source, name: str) -> str:
    return f"{source.protocol} {dict(source.readings)} {name}"


def _fields(question: Question) -> Iterator[str]:
    yield from filter(None, (question.count, question.number))
    for text in question.texts:
        yield from lesson._MARK.findall(text)
