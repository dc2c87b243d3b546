"""The quiz and the lessons go in, sheets of paper come out: HTML, and the PDF that Chromium prints of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...criteria.files import whole
from ...report.browser import find_browser, print_pdf
from ..judges import judge
from ..lesson import Lesson, Question, Trap, lessons
from .quiz import Item, quiz, quiz_sheet
from .template import label, render


def write_paper(folder: Path, own: Sequence[Lesson] = ()) -> Iterator[Path]:
    """Write the quiz, its key, and each lesson as a hand-out of three pages: two to write on, one with the answers.

    Args:
        folder: to write to; it is made where it is not there.
        own: lessons of your own; then only their hand-outs are written, by the names of their files.

    Raises:
        ReportError: no browser that prints.
    """
    browser = find_browser()
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in [(Path(lesson.file).stem, handout(lesson)) for lesson in own] or sheets(quiz()):
        with whole(folder / f"{name}.html") as part:
            part.write_text(page, "utf-8")
        with whole(folder / f"{name}.pdf") as part:
            print_pdf(browser, folder / f"{name}.html", part)
        yield folder / f"{name}.pdf"


def sheets(items: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Every sheet that comes with the package, as HTML, beside its name."""
    yield "quiz", quiz_sheet(items, key=False)
    yield "quiz_key", quiz_sheet(items, key=True)
    yield from ((f"lesson_{number}", handout(lesson)) for number, lesson in lessons().items())


def handout(lesson: Lesson) -> str:
    """A lesson as three pages of HTML; each of the first two is filled with lines to write on."""
    return render("handout.html.j2", lesson=lesson, halves=_halves(lesson), wrong=_wrong)


def _halves(lesson: Lesson) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """The questions on two pages, about as much to read on each."""
    sizes = [len(question.ask) + 200 for question in lesson.questions]
    at = min(range(1, len(sizes) + 1), key=lambda n: abs(sum(sizes[:n]) - sum(sizes[n:])))
    return lesson.questions[:at], lesson.questions[at:]


def _wrong(question: Question, trap: Trap) -> str:
    """A wrong answer and what is said to it; of a condition, beside the first one, the patient who shows it."""
    shows = question.kind == "means" and trap is question.traps[0]
    shown = judge(question, trap.answer).lines[1:2] if shows else ()
    return question.with_numbers(" ".join([f"{label(question, trap.answer)}: {trap.says}", *shown]))
