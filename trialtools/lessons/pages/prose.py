"""A lesson goes in, what its notebook says around the questions comes out: each sentence stands there alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

from nbconvert.filters import markdown2html

from ...report.run import PACKAGE
from ..lesson import Lesson

_ASKS = re.compile(r'\b(?:check|ask)\("([^"]+)"')


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
