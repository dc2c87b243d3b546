"""A template of this folder and what it speaks of go in, HTML with its own style sheet comes out.

A template may ask for the words of an answer, for the patient that a question begins with, and for what the notebook of
a lesson says around its questions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert.filters import markdown2html

from ...criteria.language import parse, words
from ...report.run import PACKAGE
from ..lesson import Lesson, Question

FOLDER = Path(__file__).parent
_TOKENS = FOLDER.parents[1] / "figures" / "tokens.css"
_ASKS = re.compile(r'\b(?:check|ask)\("([^"]+)"')


def render(name: str, **parts: Any) -> str:
    """The page: a template of this folder, filled; `tokens` in it is the one sheet of colours and sizes."""
    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"label": label, "start_text": _start_text, "prose": prose}
    tokens = re.sub(r"/\*.*?\*/", "", _TOKENS.read_text("utf-8"), flags=re.DOTALL)
    page = pages.get_template(name).render(tokens=tokens, **parts)
    used = {*re.findall(r"var\((--[\w-]+)\)", page)}
    return re.sub(r"(--[\w-]+): [^;{}]+;\s*", lambda each: each[0] if each[1] in used else "", page)


def label(question: Question, answer: object) -> str:
    """An answer as it is shown: by the words of its button, or as one would type it, marked as code."""
    texts = (text for text, stands_for in question.buttons.items() if stands_for == answer)
    typed = ", ".join(map(str, answer)) if isinstance(answer, list | tuple | set) else f"`{answer}`"
    return next(texts, typed)


def _start_text(question: Question) -> str:
    """The patient whom an answer changes, where the question names one; a notebook shows the whole record."""
    if not question.start:
        return ""
    fields = question.source.rules.fields
    return f"It begins with an eligible patient: {words(parse(question.start, fields), fields)}."


def prose(lesson: Lesson) -> dict[str, str]:
    """The paragraph right before each question, by its id, the first one of all by `first`, the last by `last`; HTML.

    The notebook has the name of the lesson's file; it stands beside it, or among the notebooks of this package's
    checkout. Without one there is no prose. A paragraph before a table or a screen is left out, as they are.
    """
    beside = Path(lesson.file).with_suffix(".ipynb")
    places = [beside, PACKAGE.parent / "notebooks" / "lessons" / beside.name]
    notebook = next((place for place in places if place.is_file()), None)
    prose_of, paragraphs = {}, [""]
    for cell in json.loads(notebook.read_text("utf-8"))["cells"] if notebook else ():
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            paragraphs = [text for text in source.split("\n\n") if not text.startswith(("#", "Next:"))]
            prose_of.setdefault("first", paragraphs[0])
        else:
            prose_of |= dict.fromkeys(_ASKS.findall(source), paragraphs[-1])
            paragraphs = [""]
    prose_of["last"] = paragraphs[-1]
    return {where: markdown2html(text) for where, text in prose_of.items() if text}
