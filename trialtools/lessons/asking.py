"""A question becomes buttons, or a box to type in, for who does not write code; the reply follows below."""

from __future__ import annotations

from typing import Any

import ipywidgets
import traitlets

from .checks import check, find_question, question_text
from .lesson import Lesson
from .reply import Reply


def ask(id: str, lesson: Lesson | None = None) -> _Asking:
    """A question as buttons where it has few answers, else as a box.

    Args:
        id: of a question, such as "2.1".
        lesson: one of your own; by default the lesson of the package that the id begins with.
    """
    return _Asking(id, lesson)


class _Asking(ipywidgets.VBox):
    """A question with its buttons or box. `answer` is what was chosen or typed; set it, and `reply` follows."""

    answer = traitlets.Any(None, allow_none=True)

    def __init__(self, id: str, lesson: Lesson | None = None) -> None:
        own, question = find_question(id, lesson)
        self._id, self._lesson, self._question = id, own, question
        self.reply = check(id, lesson=own)
        self._below = ipywidgets.HTML()
        super().__init__([_html(question_text(question)), self._entry(), self._below])

    def _entry(self) -> ipywidgets.Widget:
        if labels := self._question.buttons:
            made = [ipywidgets.Button(description=label, layout={"width": "auto"}) for label in labels]
            for button, answer in zip(made, labels.values(), strict=True):
                button.on_click(lambda _, answer=answer: setattr(self, "answer", answer))
            return ipywidgets.HBox(made, layout={"flex_flow": "row wrap"})
        box = ipywidgets.Text(placeholder="your answer, then Enter", continuous_update=False, layout={"width": "40em"})
        box.observe(lambda change: setattr(self, "answer", change["new"]), "value")
        return box

    @traitlets.observe("answer")
    def _on_answer(self, change: Any) -> None:
        self.reply = check(self._id, change["new"], self._lesson)
        self._below.value = self.reply._repr_html_()


def _html(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(Reply(None, question=text)._repr_html_())
