"""What a button shows and what somebody typed into a box go in, the answer that it stands for comes out."""

from __future__ import annotations

import ast
from typing import Any

from .lesson import Question, subject


def buttons(question: Question) -> dict[str, Any]:
    """The answers of a question that has few: what a button shows, and what it stands for.

    Options stand in the order of the alphabet, which tells nothing.

    >>> from trialtools.lessons import lessons
    >>> buttons(lessons()["2"].question("2.1"))
    {'true': 'true', 'false': 'false', 'unknown': 'unknown'}
    """
    options = question.options or dict(zip(question.choice, question.choice, strict=True))
    if options:
        return dict(sorted((question.with_numbers(label), answer) for label, answer in options.items()))
    if question.state:
        return {word: word for word in subject(question.source.rules, question.state)[1].values()}
    return {}


def answer_of(question: Question, text: str) -> Any:
    """What somebody typed into a box, as the answer that it stands for; what is no value stays text.

    >>> from trialtools.lessons import lessons
    >>> two = lessons()["2"]
    >>> answer_of(two.question("2.10"), "1,331"), answer_of(two.question("2.7"), '{"age": 90}')
    (1331, {'age': 90})
    """
    bare = text.strip()
    if question.kind in ("count", "number"):
        bare = bare.rstrip("% ").replace(",", "")
    elif question.kind not in ("someone", "nobody", "found"):
        return bare
    try:
        return ast.literal_eval(bare)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return bare
