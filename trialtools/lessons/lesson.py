"""A lesson file goes in, a checked `Lesson` comes out: questions, what judges each, hints, traps and the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_args

from ..criteria.contents import Protocol
from ..criteria.language import ProtocolError, nearest, parse
from ..criteria.patient.tree import Decision
from ..criteria.protocol import STRICT, DataError, read_yaml
from .quantities import check_name, quantity
from .source import Source

KINDS = ("state", "means", "someone", "nobody", "found", "count", "number", "choice")
DECISIONS = ("decision", "amended")
CONDITION = {True: "true", False: "false", None: "unknown"}
LETTERS = "abcdefghij"
_MARK = re.compile(r"\{\{(.+?)\}\}")


@dataclass(frozen=True)
class Trap:
    """A wrong answer that people give, the misconception behind it, and what is said to whoever gives it."""

    __pydantic_config__ = STRICT

    answer: Any
    misconception: str
    says: str


@dataclass(frozen=True)
class Question:
    """What is asked, and the one thing that judges an answer; the head of the package explains every key."""

    __pydantic_config__ = STRICT

    id: str
    ask: str
    key: Any
    state: str | None = None
    means: str | None = None
    someone: dict[str, str] = field(default_factory=dict)
    nobody: str | None = None
    found: str | None = None
    count: str | None = None
    number: str | None = None
    choice: tuple[str, ...] = ()
    within: float = 0
    changes: int | None = None
    start: str = ""
    patient: dict[str, Any] = field(default_factory=dict)
    protocol: str | None = None
    readings: dict[str, str] = field(default_factory=dict)
    amend: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    traps: tuple[Trap, ...] = ()
    right: str = ""

    @property
    def kinds(self) -> list[str]:
        """What judges an answer, by name; of a valid question exactly one."""
        return [kind for kind in KINDS if getattr(self, kind) not in (None, {}, ())]

    @property
    def texts(self) -> list[str]:
        """All that is said to a learner."""
        says = [trap.says for trap in self.traps]
        return [self.ask, self.right, *self.hints, *self.choice, *self.options, *says]


@dataclass(frozen=True)
class Lesson:
    """Questions about a protocol; `folder` is where paths in the file are seen from."""

    __pydantic_config__ = STRICT

    title: str
    protocol: str
    questions: tuple[Question, ...]
    goals: tuple[str, ...] = ()
    minutes: int = 20
    cohort: str | None = None
    folder: str = ""

    def __post_init__(self) -> None:
        for n, question in enumerate(self.questions):
            with _at("questions", n, "id"):
                if question.id in (other.id for other in self.questions[:n]):
                    raise ProtocolError(f"a question {question.id} stands twice")
                if len(question.kinds) != 1:
                    there = " and ".join(question.kinds) or "none of them"
                    raise ProtocolError(f"a question has one of {', '.join(KINDS)}; here is {there}")
            for key, check in (("readings", _readings), ("patient", _patient), ("ask", _marks)):
                with _at("questions", n, key):
                    check(self, question)
            with _at("questions", n, question.kinds[0]):
                _judge(self, question, getattr(question, question.kinds[0]))

    def question(self, id: str) -> Question:
        """A question by its id.

        Raises:
            ProtocolError: there is none; the nearest id.
        """
        questions = {question.id: question for question in self.questions}
        if id not in questions:
            raise ProtocolError(f"no question {id!r}{nearest(str(id), questions)}")
        return questions[id]

    def source(self, question: Question) -> Source:
        """What a question is about."""
        readings, amend = tuple(question.readings.items()), tuple(question.amend.items())
        return Source(self.folder, question.protocol or self.protocol, readings, amend, self.cohort)

    def filled(self, text: str, question: Question) -> str:
        """A text with the engine's numbers in the place of `{{certain}}` and the like."""
        return _MARK.sub(lambda mark: f"{quantity(self.source(question), mark[1]):,}", text)


def load_lesson(path: str | Path) -> Lesson:
    """The lesson that a YAML file holds, checked against its protocol.

    Raises:
        ProtocolError: the first fault, with file, line and column.
    """
    file = Path(path)
    try:
        written = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"the lesson cannot be read: {error}", where=str(path)) from None
    return read_yaml(written, Lesson, file.name, lambda data: {"folder": str(file.parent)} | data)


@cache
def lessons() -> dict[str, Lesson]:
    """The lessons that come with the package, by the number that their ids begin with."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9]_*.yaml"))
    return {str(int(path.name[:2])): load_lesson(path) for path in files}


def subject(protocol: Protocol, what: str) -> tuple[str, dict[bool | None, str]]:
    """A condition, or a criterion by its id: its text, and the words for its being true, false and unknown."""
    if what not in protocol.criterion:
        parse(what, protocol.fields)
        return what, CONDITION
    criterion = protocol.criterion[what]
    yes, no = ("pass", "fail") if criterion.kind == "inclusion" else ("applies", "does not apply")
    return str(criterion.texts[protocol.reading(what)]), {True: yes, False: no, None: "unknown"}


# --- what makes a question valid --------------------------------------------------------------------------------------


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Whatever is wrong inside stands at a path of the file."""
    try:
        yield
    except ProtocolError as error:
        raise error.at(*path) from None
    except DataError as error:
        raise ProtocolError(str(error), path=path) from None


def _readings(lesson: Lesson, question: Question) -> None:
    _ = lesson.source(question).amended


def _patient(lesson: Lesson, question: Question) -> None:
    lesson.source(question).rules.facts_of(question.patient)


def _marks(lesson: Lesson, question: Question) -> None:
    for name in _MARK.findall("\n".join(question.texts)):
        check_name(lesson.source(question), name)


def _judge(lesson: Lesson, question: Question, asked: Any) -> None:
    rules = lesson.source(question).rules
    match question.kinds[0]:
        case "state":
            subject(rules, asked)
        case "means" | "nobody":
            parse(asked, rules.fields)
        case "count" | "number":
            check_name(lesson.source(question), asked)
        case "someone":
            _ = question.start and parse(question.start, rules.fields)
            for what, wanted in asked.items():
                words = get_args(Decision) if what in DECISIONS else subject(rules, what)[1].values()
                if wanted not in words:
                    raise ProtocolError(f"{what} cannot be '{wanted}'{nearest(wanted, words)}")
        case "choice":
            answers = [question.key, *(trap.answer for trap in question.traps)]
            for option in asked:
                if answers.count(option) != 1:
                    raise ProtocolError(f"'{option}' is to be the key, or the answer of one trap")
