"""The traps of all lessons go in, the catalogue of misconceptions comes out, as a page of Markdown.

`python -m trialtools.lessons.catalogue > notebooks/lessons/misconceptions.md` writes it anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .lesson import Lesson, lessons

_HEAD = """# What people get wrong, and why

Each wrong answer below is one to expect. A lesson names the misconception behind it, and shows a patient where it can.
This page is made from the lessons; change them, not it: `python -m trialtools.lessons.catalogue`.
"""


def catalogue(of: Iterable[Lesson] = ()) -> str:
    """The misconceptions that lessons name, most frequent first, each with the answers that show it.

    Args:
        of: your own lessons; by default those of the package.

    >>> print(catalogue().splitlines()[0])
    # What people get wrong, and why
    """
    shown = defaultdict(list)
    for lesson in of or lessons().values():
        for question in lesson.questions:
            for trap in question.traps:
                answer = question.with_numbers(str(trap.answer)).replace("|", "\\|")
                shown[trap.misconception].append((question.id, answer, question.with_numbers(trap.says)))
    misconceptions = sorted(shown.items(), key=lambda item: (-len({id for id, *_ in item[1]}), item[0]))
    head = [_HEAD, f"{len(misconceptions)} misconceptions, most frequent first.\n"]
    lines = [*head, "| misconception | seen in |", "|---|---|"]
    lines += [f"| {name} | {', '.join(dict.fromkeys(id for id, *_ in rows))} |" for name, rows in misconceptions]
    for name, rows in misconceptions:
        lines += ["", f"## {name[:1].upper()}{name[1:]}", ""]
        lines += [f"- **{id}** `{answer}`: {says}" for id, answer, says in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(catalogue(), end="")
