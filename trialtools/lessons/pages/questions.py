"""A question goes in, what a page or a sheet of paper shows of it comes out."""

from __future__ import annotations

from ...criteria.language import parse, words
from ..lesson import Question


def label(question: Question, answer: object) -> str:
    """An answer as it is shown: by the words of its button, or as one would type it, marked as code."""
    texts = (text for text, stands_for in question.buttons.items() if stands_for == answer)
    typed = ", ".join(map(str, answer)) if isinstance(answer, list | tuple | set) else f"`{answer}`"
    return next(texts, typed)


def beginning(question: Question) -> str:
    """The patient whom an answer changes, where the question names one; a notebook shows the whole record."""
    if not question.start:
        return ""
    fields = question.source.rules.fields
    return f"It begins with an eligible patient: {words(parse(question.start, fields), fields)}."
