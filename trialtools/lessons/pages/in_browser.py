"""Inside the browser: what was typed goes in, the reply comes out as JSON.

A browser has no data frames, and too little time for the proofs of a whole protocol. So the page brings along what the
lessons count and what `lint` finds, worked out when it was made; all that depends on an answer is worked out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...criteria.proofs.finding import Finding
from .. import judges, lesson
from ..answers import buttons, typed
from ..checks import check, find_question, hint
from ..lesson import Question, lessons
from ..quantities import quantity
from ..reply import Reply
from ..source import Source


def luggage() -> dict[str, Any]:
    """What the page brings along: every number that the lessons count, and what is found in the protocols they lint.

    Raises:
        NotSettled: a proof took too long on this machine.
    """
    asked = [(one.source(question), question) for one in lessons().values() for question in one.questions]
    return {
        "numbers": {_of(source, name): quantity(source, name) for source, q in asked for name in _counted(q)},
        "findings": {
            _of(source): [_plain(each) for each in judges._findings(source)] for source, q in asked if q.found
        },
    }


def bring(packed: str) -> None:
    """Take the luggage, as JSON, in place of the engines that count and lint."""
    brought = json.loads(packed)

    def number(source: Source, name: str) -> float:
        return brought["numbers"][_of(source, name)]

    def findings(source: Source) -> list[Finding]:
        return [Finding(**told) for told in brought["findings"][_of(source)]]

    lesson.quantity = judges.quantity = number
    judges._findings = findings  # type: ignore[assignment]
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


def _plain(finding: Finding) -> dict[str, str]:
    return {key: getattr(finding, key) for key in ("id", "kind", "severity", "sentence")}


def _of(source: Source, name: str = "") -> str:
    return f"{source.protocol} {dict(source.readings)} {name}"


def _counted(question: Question) -> Iterator[str]:
    yield from filter(None, (question.count, question.number))
    for text in question.texts:
        yield from lesson._MARK.findall(text)
