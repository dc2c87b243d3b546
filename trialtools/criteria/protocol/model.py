"""What a protocol is: frozen fields, criteria, arms and design that cannot be built wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self, TypeVar

from ..language import (
    Formula,
    Interval,
    Not,
    ProtocolError,
    definite,
    evaluate,
    names,
    nearest,
    parse,
)
from .check import check
from .derived import causes, depths, differ, formula_of, missing_parts, parts, with_causes
from .field import LATER, STRICT, Field, Question, fits, possible
from .names import ASK, question_name


class DataError(Exception):
    """Data that do not fit the protocol: where, which rows, what was expected and what to do."""


@dataclass(frozen=True)
class Criterion:
    """One rule, the sentence it comes from, and how it is read.

    An inclusion says what must hold; an exclusion says when it applies. An ambiguous sentence has named `readings`
    instead of `when`, the first being the default. `ask` stands instead of both until somebody turns the sentence into
    logic: a person answers it, for each patient. `known_later` names what makes it unknowable at screening.
    `locked` says that nobody may propose to drop it: it protects the patient.
    """

    __pydantic_config__ = STRICT

    id: str
    kind: Literal["inclusion", "exclusion"]
    label: str
    quote: str | tuple[str, ...] = ()
    when: str | bool | None = None
    readings: dict[str, str | bool] = field(default_factory=dict)
    ask: bool = False
    why: str | None = None
    known_later: str | None = None
    undefined: tuple[str, ...] = ()
    locked: bool = False

    @property
    def quotes(self) -> tuple[str, ...]:
        return (self.quote,) if isinstance(self.quote, str) else self.quote

    @property
    def texts(self) -> dict[str, str]:
        """The expression of every reading; a criterion that is not ambiguous has one, named `""`."""
        if self.ask:
            return {"": question_name(self.id)}
        return {name: str(text) for name, text in (self.readings or {"": self.when}).items()}


@dataclass(frozen=True)
class Fact:
    """Something declared to be true of every patient; printed wherever a proof uses it."""

    __pydantic_config__ = STRICT

    id: str
    says: str
    formula: str
    source: str | None = None


@dataclass(frozen=True)
class Ambiguity:
    """An unclear phrase, and what was done with it: a named reading, a declared assumption, or a note."""

    __pydantic_config__ = STRICT

    id: str
    at: str
    text: str
    problem: str
    treatment: Literal["reading", "assumption", "note"]
    choice: str


@dataclass(frozen=True)
class Dosing:
    """When treatment is due: whole days after the anchor date, both ends included."""

    __pydantic_config__ = STRICT

    anchor: str
    first_day: int
    last_day: int
    quote: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm:
    __pydantic_config__ = STRICT

    id: str
    role: Literal[
        "experimental", "placebo comparator", "active comparator", "sham comparator", "no intervention", "other"
    ]
    label: str
    intervention: str
    dosing: Dosing | None = None
    quote: str | tuple[str, ...] = ()


@dataclass(frozen=True)
class DesignItem:
    """One statement of the design; `assumed` where the registry does not say it, with the reason."""

    __pydantic_config__ = STRICT

    value: Any
    assumed: bool = False
    why: str | None = None
    quote: str | None = None


@dataclass(frozen=True)
class ProtocolData:
    """A registered trial as logic. It checks itself when it is built, so that a broken one cannot exist.

    `readings` are the chosen ones, by criterion; `text` is the registry text that quotes are held against.
    """

    __pydantic_config__ = STRICT

    id: str
    title: str
    fields: dict[str, Field]
    criteria: tuple[Criterion, ...]
    source: str | None = None
    eligibility: tuple[str, str] | None = None
    facts: tuple[Fact, ...] = ()
    guideline: tuple[Fact, ...] = ()
    not_rules: tuple[str, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    sites: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()
    design: dict[str, DesignItem] = field(default_factory=dict)
    readings: dict[str, str] = field(default_factory=dict)
    text: str = field(default="", repr=False)

    causes = causes
    missing_parts = missing_parts
    parts = parts
    with_causes = with_causes

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", _with_questions(self.fields, self.criteria))
        check(self)

    @cached_property
    def criterion(self) -> dict[str, Criterion]:
        """The criteria by id."""
        return {criterion.id: criterion for criterion in self.criteria}

    def reading(self, criterion_id: str) -> str:
        """The chosen reading of a criterion: the first one unless another was asked for."""
        return self.readings.get(criterion_id) or next(iter(self.criterion[criterion_id].texts))

    def formula(self, criterion_id: str, reading: str | None = None) -> Formula:
        """What a criterion says, under the chosen reading or another one."""
        text = self.criterion[criterion_id].texts[self.reading(criterion_id) if reading is None else reading]
        if text not in self._parsed:
            self._parsed[text] = parse(text, self.fields)
        return self._parsed[text]

    @cached_property
    def _parsed(self) -> dict[str, Formula]:
        """What was parsed once; a key in the explorer asks for each formula ten times."""
        return {}

    @cached_property
    def requirements(self) -> dict[str, Formula]:
        """By criterion, what must hold to pass it: an exclusion turned round."""
        formulas = {c.id: self.formula(c.id) for c in self.criteria}
        return {c.id: Not(formulas[c.id]) if c.kind == "exclusion" else formulas[c.id] for c in self.criteria}

    @cached_property
    def applies(self) -> dict[str, Formula]:
        """For whom a flag can be true at all, by field."""
        return {name: parse(f.applies, self.fields) for name, f in self.fields.items() if f.applies}

    @cached_property
    def fact_formulas(self) -> dict[str, Formula]:
        """What is declared to be true of every patient, by the id of the fact."""
        return {fact.id: parse(fact.formula, self.fields) for fact in self.facts}

    @cached_property
    def derived(self) -> dict[str, Formula]:
        """How a field is worked out from others where it is not recorded, by field."""
        return {name: formula_of(f, self.fields) for name, f in self.fields.items() if f.from_}

    @cached_property
    def depth(self) -> dict[str, int]:
        """By field, how many steps it is away from what is recorded: 0, or one more than what it hangs on."""
        return depths(self)

    def work_out(self, name: str, facts: Mapping[str, Any]) -> Any:
        """What a derived field comes out as from the other facts, whatever is recorded; None is unknown."""
        worked = possible(self.fields[name], evaluate(self.derived[name], facts))
        return replace(worked, written=f"{worked.low} to {worked.high}") if isinstance(worked, Interval) else worked

    def differs(self, name: str, recorded: Any, facts: Mapping[str, Any]) -> bool:
        """Whether what is recorded of a derived field is another thing than what the other facts make of it."""
        return differ(recorded, self.work_out(name, facts))

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The fields that the criteria ask about, and what these hang on, in the order of `fields`."""
        return self.with_causes(name for formula in self.requirements.values() for name in names(formula))

    @cached_property
    def judgements(self) -> tuple[str, ...]:
        """The criteria that only a person can decide: every field they ask about is judged by one."""
        return tuple(
            id
            for id, formula in self.requirements.items()
            if names(formula) and all(self.fields[name].judged_by for name in names(formula))
        )

    @property
    def questions(self) -> tuple[str, ...]:
        """The criteria that nobody has turned into logic yet (`ask: true`): a person answers them."""
        return tuple(criterion.id for criterion in self.criteria if criterion.ask)

    @cached_property
    def sha256(self) -> str:
        """The hash of what the protocol says: canonical content and registry text, without the chosen readings."""
        content = asdict(replace(self, readings={}, source=None))
        for declared in content["fields"].values():
            for key in LATER:
                if not declared[key]:
                    del declared[key]
        for criterion in content["criteria"]:
            if not criterion["ask"]:
                del criterion["ask"]
            criterion["readings"] = list(criterion["readings"].items())  # their order says which one is the default
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, default=repr, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def with_readings(self, readings: Mapping[str, str]) -> Self:
        """The same protocol read another way.

        Raises:
            ProtocolError: no such criterion, or no such reading of it.
        """
        return replace(self, readings={**self.readings, **readings})

    def facts_of(self, patient: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of one patient: impossible values are unknown, flags that do not apply are false.

        A field with `from` that is not recorded is worked out, where its parts are known.

        Args:
            patient: values by field name; a missing name is unknown, an `Interval` known in part.

        Raises:
            DataError: a name that is no field, or a value of the wrong type.
        """
        for name, value in patient.items():
            if name not in self.fields and name != "patient_id":
                raise DataError(f"no field '{name}'{nearest(name, self.fields)}")
            if name in self.fields and not fits(self.fields[name], definite(value)):
                raise DataError(f"{name} is {value!r}; expected {self.fields[name].domain}")
        facts = {name: possible(field, patient.get(name)) for name, field in self.fields.items()}
        for name in sorted(self.derived | self.applies, key=self.depth.__getitem__):
            if facts[name] is None and name in self.derived:
                facts[name] = self.work_out(name, facts)
            if name in self.applies and evaluate(self.applies[name], facts) is False:
                facts[name] = False
        return facts


def _with_questions(fields: Mapping[str, Field], criteria: Iterable[Criterion]) -> dict[str, Field]:
    """The declared fields, and one for each criterion that is a question now."""
    declared = {name: each for name, each in fields.items() if not isinstance(each, Question)}
    for name in declared:
        if name.startswith(ASK):
            message = f"'{name}' begins with {ASK}, as the questions of criteria do (ask: true); choose another name"
            raise ProtocolError(message, path=("fields", name, ""))
    return declared | {question_name(c.id): _question(c) for c in criteria if c.ask}


def _question(criterion: Criterion) -> Question:
    group = "questions to get in" if criterion.kind == "inclusion" else "questions to be kept out"
    return Question("flag", criterion.label, judged_by="person", group=group, note=" ".join(criterion.quotes) or None)


AnyProtocol = TypeVar("AnyProtocol", bound=ProtocolData)


"""A function that takes and gives a protocol keeps its class."""
