"""A lesson file goes in, a checked `Lesson` comes out: questions, what judges each, hints, traps and the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
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
    """What is asked, and the one thing that judges an answer; the head of the package explains every key.

    `source` is what the question is about; its lesson says so.
    """

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
    source: Source = field(init=False)

    @cached_property
    def kind(self) -> str:
        """What judges an answer, by name.

        Raises:
            ProtocolError: nothing does, or more than one.
        """
        kinds = [kind for kind in KINDS if getattr(self, kind) not in (None, {}, ())]
        if len(kinds) != 1:
            raise ProtocolError(
                f"a question has one of {', '.join(KINDS)}; here is {' and '.join(kinds) or 'none of them'}"
            )
        return kinds[0]

    @property
    def numbers(self) -> list[str]:
        """The names of the engine's numbers that it asks for or speaks of."""
        says = [trap.says for trap in self.traps]
        texts = [self.ask, self.right, *self.hints, *self.choice, *self.options, *says]
        return [*filter(None, [self.count, self.number]), *_MARK.findall("\n".join(texts))]

    @cached_property
    def first(self) -> dict[str, Any]:
        """The patient whom an answer changes: an eligible one whom the engine finds, where the file says `start`."""
        patient = self.source.rules.someone(self.start, "eligible") if self.start else {}
        return {**(patient if isinstance(patient, dict) else {}), **self.patient}

    def with_numbers(self, text: str) -> str:
        """A text with the engine's numbers in the place of `{{certain}}` and the like."""
        return _MARK.sub(lambda mark: f"{quantity(self.source, mark[1]):,}", text)


@dataclass(frozen=True)
class Lesson:
    """Questions about a protocol; paths are seen from where the `file` stands."""

    __pydantic_config__ = STRICT

    title: str
    protocol: str
    questions: tuple[Question, ...]
    goals: tuple[str, ...] = ()
    minutes: int = 20
    cohort: str | None = None
    file: str = ""

    def __post_init__(self) -> None:
        folder = str(Path(self.file).parent)
        for n, question in enumerate(self.questions):
            with _at("questions", n, "id"):
                if question.id in (other.id for other in self.questions[:n]):
                    raise ProtocolError(f"a question {question.id} stands twice")
                kind = question.kind
            readings, amend = tuple(question.readings.items()), tuple(question.amend.items())
            source = Source(folder, question.protocol or self.protocol, readings, amend, self.cohort)
            object.__setattr__(question, "source", source)
            with _at("questions", n, "readings"):
                _ = source.amended_rules
            with _at("questions", n, "patient"):
                source.rules.facts_of(question.patient)
            with _at("questions", n, kind if kind in ("count", "number") else "ask"):
                for name in question.numbers:
                    check_name(source, name)
            with _at("questions", n, kind):
                _check(question, source.rules)

    @property
    def number(self) -> str:
        """What the ids of its questions begin with."""
        return self.questions[0].id.partition(".")[0] if self.questions else ""

    def question(self, id: str) -> Question:
        """A question by its id.

        Raises:
            ProtocolError: there is none; the nearest id.
        """
        questions = {question.id: question for question in self.questions}
        if id not in questions:
            raise ProtocolError(f"no question {id!r}{nearest(str(id), questions)}")
        return questions[id]


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
    return read_yaml(written, Lesson, file.name, lambda data: {"file": str(file)} | data)


@cache
def lessons() -> dict[str, Lesson]:
    """The lessons that come with the package, by the number that their ids begin with."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9]_*.yaml"))
    return {lesson.number: lesson for lesson in map(load_lesson, files)}


def subject(protocol: Protocol, what: str) -> tuple[str, dict[bool | None, str]]:
    """A condition, or a criterion by its id: its text, and the words for its being true, false and unknown."""
    if what not in protocol.criterion:
        parse(what, protocol.fields)
        return what, CONDITION
    criterion = protocol.criterion[what]
    yes, no = ("pass", "fail") if criterion.kind == "inclusion" else ("applies", "does not apply")
    return str(criterion.texts[protocol.reading(what)]), {True: yes, False: no, None: "unknown"}


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Whatever is wrong inside stands at a path of the file."""
    try:
        yield
    except ProtocolError as error:
        raise error.at(*path) from None
    except DataError as error:
        raise ProtocolError(str(error), path=path) from None


def _check(question: Question, rules: Protocol) -> None:
    """Whether what judges can be held against the protocol, and says what each option is."""
    for condition in filter(None, [question.means, question.nobody, question.start]):
        parse(condition, rules.fields)
    if question.state:
        subject(rules, question.state)
    for what, wanted in question.someone.items():
        words = get_args(Decision) if what in DECISIONS else subject(rules, what)[1].values()
        if wanted not in words:
            raise ProtocolError(f"{what} cannot be '{wanted}'{nearest(wanted, words)}")
    answers = [question.key, *(trap.answer for trap in question.traps)]
    for option in question.choice:
        if answers.count(option) != 1:
            raise ProtocolError(f"'{option}' is to be the key, or the answer of one trap")
