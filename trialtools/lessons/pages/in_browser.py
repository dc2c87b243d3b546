"""Inside the browser: what was typed goes in, the reply comes out as JSON.

A browser has no data frames, and too little time for the proofs of a whole protocol. So the page brings along what the
lessons count and what `lint` finds, worked out when it was made; all that depends on an answer is worked out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...criteria.proofs.finding import Finding
from ..checks import check, hint
from ..lesson import Lesson, lessons, load_lesson
from ..quantities import findings, quantity
from ..reply import Reply
from ..source import BROUGHT

_HERE = Path(__file__).parents[3]
_OPEN: dict[str, Lesson] = {}
"""The lesson of each question on the page."""


def luggage(of: Iterable[Lesson]) -> dict[str, Any]:
    """What the page brings along: every number that the lessons count, and what is found in the protocols they lint.

    Raises:
        NotSettled: a proof took too long on this machine.
    """
    questions = [(question.source, question) for lesson in of for question in lesson.questions]
    numbers = {source.key(name): quantity(source, name) for source, question in questions for name in question.numbers}
    proved = {source: findings(source) for source, question in questions if question.found}
    return numbers | {source.key("findings"): [*map(_plain, findings_of)] for source, findings_of in proved.items()}


def bring(packed: str, *files: str) -> None:
    """Take the luggage, as JSON, in place of the engines that count and lint, and read the lessons.

    Args:
        packed: what `luggage` gave.
        files: lessons of one's own, as they lie beside the package; without them, those of the package.
    """
    BROUGHT.update(json.loads(packed))
    shown = [load_lesson(_HERE / file) for file in files] or lessons().values()
    _OPEN.update({question.id: lesson for lesson in shown for question in lesson.questions})


def reply(id: str, text: str) -> str:
    """What is said to a text in the box, or to the label of a button."""
    return _as_json(check(id, text, _OPEN[id]))


def help_with(id: str) -> str:
    """The next hint."""
    return _as_json(hint(id, _OPEN[id]))


def _as_json(reply: Reply) -> str:
    return json.dumps({"right": reply.right, "lines": reply.lines})


def _plain(finding: Finding) -> dict[str, str]:
    return {key: getattr(finding, key) for key in ("id", "kind", "severity", "sentence")}
