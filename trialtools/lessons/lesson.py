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
from ..criteria.proofs.conditions import Nobody
from ..criteria.protocol import STRICT, DataError, read_yaml
from ..criteria.protocol.yamlfile import read_text
from .quantities import check_name, quantity
from .source import Source

_KINDS = ("state", "means", "someone", "nobody", "found", "count", "number", "choice")
DECISIONS = {"decision": "the decision", "amended": "the decision as amended"}
CONDITION = {True: "true", False: "false", None: "unknown"}
LETTERS = "abcdefghij"
_MARK = re.compile(r"\{\{(.+?)\}\}")


@dataclass(frozen=True)
class Trap:
    """A wrong answer that people give, the misconception behind it, and the feedback on it."""

    answer: Any
    misconception: str
    says: str


@dataclass(frozen=True)
class Question:
    """What is asked, and the one thing that judges an answer; the head of the package explains every key.

    `source` is what the question is about; its lesson says so.
    """

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
        kinds = [kind for kind in _KINDS if getattr(self, kind)]
        if len(kinds) != 1:
            raise ProtocolError(f"one of {', '.join(_KINDS)} judges; here is {' and '.join(kinds) or 'none of them'}")
        return kinds[0]

    @cached_property
    def numbers(self) -> dict[str, str]:
        """The names of the engine's numbers that it asks for or speaks of, each with the key where it stands."""
        marks = {name: key for key, value in vars(self).items() for name in _MARK.findall(str(value))}
        return marks | ({wanted: self.kind} if (wanted := self.count or self.number) else {})

    @cached_property
    def first(self) -> dict[str, Any]:
        """The patient whom an answer changes: an eligible one whom the engine finds, where the file says `start`."""
        patient = self.source.rules.someone(self.start, "eligible") if self.start else {}
        if isinstance(patient, Nobody):
            raise ProtocolError(patient.sentence)
        return {**patient, **self.patient}

    @cached_property
    def buttons(self) -> dict[str, Any]:
        """The answers where there are few: what a button shows, and what it stands for.

        Options stand in the order of the alphabet, which tells nothing.
        """
        options = self.options or dict(zip(self.choice, self.choice, strict=True))
        if self.state and not options:
            return {word: word for word in subject(self.source.rules, self.state)[1].values()}
        return dict(sorted((self.with_numbers(label), answer) for label, answer in options.items()))

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
        """Give each question what it is about, and check it."""
        with _place("protocol"):
            _ = self._source_of(self.protocol).rules
        for n, question in enumerate(self.questions):
            at = "questions", n
            with _place(*at, "id"):
                if question.id in (other.id for other in self.questions[:n]):
                    raise ProtocolError(f"a question {question.id} stands twice")
                _ = question.kind
            readings, amend = (tuple(pairs.items()) for pairs in (question.readings, question.amend))
            source = self._source_of(question.protocol or self.protocol)._replace(readings=readings, amend=amend)
            object.__setattr__(question, "source", source)
            _check(question, at)

    def _source_of(self, protocol: str) -> Source:
        return Source.beside(Path(self.file), protocol, self.cohort)

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


@contextmanager
def _place(*at: str | int) -> Iterator[None]:
    """What is wrong here is told with this place of the file."""
    try:
        yield
    except (DataError, ProtocolError) as error:
        fault = error if isinstance(error, ProtocolError) else ProtocolError(str(error))
        raise fault.at(*at) from None


def _check(question: Question, at: tuple[str, int]) -> None:
    """Whether all that a question says can be: of its own protocol, and so that its key and its traps are answers."""
    with _place(*at, "readings" if question.readings else "protocol"):
        rules = question.source.rules
    with _place(*at, "amend"):
        _ = question.source.amended_rules
    with _place(*at, "patient"):
        rules.facts_of(question.patient)
    for key in ("state", "means", "nobody", "start"):
        with _place(*at, key):
            subject(rules, getattr(question, key) or "True")
    with _place(*at, "someone"):
        for what, wanted in question.someone.items():
            states = get_args(Decision) if what in DECISIONS else subject(rules, what)[1].values()
            if wanted not in states:
                raise ProtocolError(f"{what} cannot be '{wanted}'{nearest(wanted, states)}")
    for name, key in question.numbers.items():
        with _place(*at, key):
            check_name(question.source, name)
    answers = [(question.key, "key"), *((trap.answer, "traps", i) for i, trap in enumerate(question.traps))]
    for answer, *place in answers:
        with _place(*at, *place):
            if question.means:
                parse(str(answer), rules.fields)
            if question.state and answer not in (wanted := [*question.buttons.values()]):
                raise ProtocolError(f"{answer!r} is no answer; expected one of {', '.join(map(str, wanted))}")
    with _place(*at, "choice"):
        for option in question.choice:
            if [answer for answer, *_ in answers].count(option) != 1:
                raise ProtocolError(f"'{option}' is to be the key, or the answer of one trap")


def load_lesson(path: str | Path) -> Lesson:
    """The lesson that a YAML file holds, checked against its protocol.

    Raises:
        ProtocolError: the first fault, with file, line and column.
    """
    return read_yaml(read_text(path, "the lesson"), Lesson, Path(path).name, lambda data: {"file": str(path)} | data)


@cache
def lessons() -> dict[str, Lesson]:
    """The lessons that come with the package, by the number that their ids begin with."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9]_*.yaml"))
    return {lesson.number: lesson for lesson in map(load_lesson, files)}


def subject(protocol: Protocol, what: str) -> tuple[str, dict[Any, str]]:
    """A condition, or a criterion by its id: its text, and the words for its being true, false and unknown."""
    if what not in protocol.criterion:
        parse(what, protocol.fields)
        return what, CONDITION
    criterion = protocol.criterion[what]
    yes, no = ("pass", "fail") if criterion.kind == "inclusion" else ("applies", "does not apply")
    return criterion.texts[protocol.reading(what)], {True: yes, False: no, None: "unknown"}
