"""`trialtools lessons`: a folder goes in; a page, a quiz or paper is written there."""

from __future__ import annotations

from pathlib import Path

from ..criteria.doors import DONE
from .lesson import load_lesson
from .pages.paper import write_paper
from .pages.quiz import write_quiz
from .pages.site import write_site


def _page(*, lesson: tuple[str, ...] = (), out: str = "reports/lessons") -> int:
    """The lessons in a browser, without installation: a folder for any web server.

    Args:
        lesson (FILE): a lesson of your own; then only these are on the page
        out (DIR): written to DIR/page; the engine, fetched once with npm and pip, is kept beside it
    """
    page = write_site(Path(out, "page"), Path(out), [load_lesson(file) for file in lesson])
    print(f"wrote {page}\nserve the folder: python -m http.server --directory {page.parent}")
    return DONE


def _quiz(*, out: str = "reports/lessons") -> int:
    """The quiz as one small file that works without a network.

    Args:
        out (DIR): written to DIR/quiz.html
    """
    print(f"wrote {write_quiz(Path(out))}")
    return DONE


def _paper(*, lesson: tuple[str, ...] = (), out: str = "reports/lessons") -> int:
    """The quiz with its key, and each lesson as a hand-out of three pages, as PDF.

    Args:
        lesson (FILE): a lesson of your own; then only its hand-out
        out (DIR): written to DIR/paper
    """
    for path in write_paper(Path(out, "paper"), [load_lesson(file) for file in lesson]):
        print(f"wrote {path}")
    return DONE


__commands__ = {"lessons": {"page": _page, "quiz": _quiz, "paper": _paper}}
