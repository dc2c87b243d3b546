"""The questions of `quiz.yaml` go in, one page that needs nothing comes out; the engine answers when it is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...criteria.files import whole
from ...criteria.language import ProtocolError
from ..judges import judge
from ..lesson import Question, load_lesson
from .proofs import PROOFS
from .template import FOLDER, render

_LETTERS = "abcd"
BEFORE = 6
"""So many items are asked before a course: half a minute each."""


@dataclass(frozen=True)
class Item:
    """A question with its options in order; beside each the misconception behind it, which the right one lacks."""

    ask: str
    options: tuple[tuple[str, str], ...]
    evidence: str

    @property
    def right(self) -> int:
        """The place of the right option, from 0."""
        return next(n for n, (_, misconception) in enumerate(self.options) if not misconception)


def quiz() -> tuple[Item, ...]:
    """The twelve items, each with the option that the engine finds right and the evidence for it.

    Raises:
        ProtocolError: a key is not what the engine answers.
    """
    lesson = load_lesson(FOLDER / "quiz.yaml")
    return tuple(_item(question) for question in lesson.questions)


def quiz_page(items: Sequence[Item]) -> str:
    """The quiz as one page: to try, before and after a course, and with a sheet that counts what was handed in."""
    page = render("quiz.html.j2", items=items, before=BEFORE, letters=_LETTERS)
    return "\n".join(line.strip() for line in page.splitlines() if line.strip())  # small enough for a message


def write_quiz(folder: Path) -> Path:
    """Write `quiz.html`: one file that needs nothing else, small enough to send as a message."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / "quiz.html") as part:
        part.write_text(quiz_page(quiz()), "utf-8")
    return folder / "quiz.html"


def quiz_sheet(items: Sequence[Item], key: bool) -> str:
    """The quiz as HTML to print: to fill in, or its key."""
    return render("quiz_paper.html.j2", items=items, key=key, letters=_LETTERS, before=BEFORE)


def _item(question: Question) -> Item:
    fill, options = question.with_numbers, question.options or dict(zip(question.choice, question.choice, strict=True))
    if question.id in PROOFS:
        right, evidence = PROOFS[question.id](question.source)
    else:
        right = " and ".join(fill(label) for label, answer in options.items() if judge(question, fill(str(answer))))
        evidence = judge(question, fill(str(question.key))).lines[-1]
    key = " and ".join(fill(label) for label, answer in options.items() if answer == question.key)
    if key != right:
        raise ProtocolError(f"the key of {question.id} is '{key}', but the engine answers '{right}'")
    misconceptions = {trap.answer: trap.says for trap in question.traps}
    shown = ((_unbroken(fill(label)), misconceptions.get(answer, "")) for label, answer in options.items())
    return Item(_unbroken(fill(question.ask)), tuple(shown), _unbroken(evidence))


def _unbroken(text: str) -> str:
    """A number and its per cent sign stay on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
