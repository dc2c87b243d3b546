"""What a protocol is: frozen fields, criteria, arms and design that cannot be built wrong."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

from ..language import Interval, ProtocolError, definite, evaluate, nearest, parse, parse_number
from ..language.formula import Case, Formula, Not, names
from ..stage import expect
from .check import check_protocol
from .field import STRICT, Field, Question

ROUNDING = 0.01
"""The part of a number by which what is recorded and what is worked out may differ."""

_ASK = "ask_"
"""How the fields of questions begin (`ask: true`); a file declares no such field."""

_LATER = ("ordered", "from_")
"""Keys of a field that came later: a protocol without them keeps the hash that it had before."""


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
    def question_name(self) -> str:
        """The field that answers it while it is a question (`ask: true`).

        >>> [Criterion(id, "inclusion", "").question_name for id in ("I4", "E-2")]
        ['ask_i4', 'ask_e_2']
        """
        return _ASK + re.sub(r"[_-]+", "_", self.id.lower()).strip("_")

    @property
    def texts(self) -> dict[str, str]:
        """The expression of every reading; a criterion that is not ambiguous has one, named `""`."""
        if self.ask:
            return {"": self.question_name}
        return {name: str(text) for name, text in (self.readings or {"": self.when}).items()}


@dataclass(frozen=True)
class Fact:
    """Something declared to be true of every patient; printed wherever a proof uses it."""

    id: str
    says: str
    formula: str
    source: str | None = None


@dataclass(frozen=True)
class Ambiguity:
    """An unclear phrase, and what was done with it: a named reading, a declared assumption, or a note."""

    id: str
    at: str
    text: str
    problem: str
    treatment: Literal["reading", "assumption", "note"]
    choice: str


@dataclass(frozen=True)
class Dosing:
    """When treatment is due: whole days after the anchor date, both ends included."""

    anchor: str
    first_day: int
    last_day: int
    quote: str = ""
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm:
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

    value: Any
    assumed: bool = False
    why: str | None = None
    quote: str | None = None


@dataclass(frozen=True)
class ProtocolData:
    """A registered trial as logic. It checks itself when it is built, so that a broken one cannot exist.

    `readings` are the chosen ones, by criterion; `text` is the registry text that quotes are held against.
    `eligibility` are the words before and after the criteria in it, or pairs of such words where they stand apart.
    """

    __pydantic_config__ = STRICT

    id: str
    title: str
    fields: dict[str, Field]
    criteria: tuple[Criterion, ...]
    source: str | None = None
    eligibility: tuple[tuple[str, str] | str, ...] | None = None
    facts: tuple[Fact, ...] = ()
    guideline: tuple[Fact, ...] = ()
    not_rules: tuple[str, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    sites: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()
    design: dict[str, DesignItem] = field(default_factory=dict)
    readings: dict[str, str] = field(default_factory=dict)
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", _with_questions(self.fields, self.criteria))
        check_protocol(self)

    @property
    def spans(self) -> tuple[tuple[str, str], ...]:
        """The words before and after each stretch of the registry text that holds criteria."""
        texts = [each for each in self.eligibility or () if isinstance(each, str)]
        pairs = tuple(each for each in self.eligibility or () if not isinstance(each, str))
        return ((texts[0], texts[1]),) if texts else pairs

    @cached_property
    def design_values(self) -> dict[str, Any]:
        """What the design says, by the name of the item."""
        return {name: item.value for name, item in self.design.items()}

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
        if text not in self._formula_cache:
            self._formula_cache[text] = parse(text, self.fields)
        return self._formula_cache[text]

    def must_hold(self, criterion_id: str, reading: str | None = None) -> Formula:
        """What must hold to pass a criterion, under the chosen reading or another one: an exclusion turned round."""
        formula = self.formula(criterion_id, reading)
        return Not(formula) if self.criterion[criterion_id].kind == "exclusion" else formula

    @cached_property
    def _formula_cache(self) -> dict[str, Formula]:
        """What was parsed once; a key in the explorer asks for each formula ten times."""
        return {}

    @property
    def every_reading(self) -> dict[tuple[str, str], Formula]:
        """By criterion and reading, chosen or not, what must hold to pass it."""
        return {(c.id, reading): self.must_hold(c.id, reading) for c in self.criteria for reading in c.texts}

    @cached_property
    def requirements(self) -> dict[str, Formula]:
        """By criterion, what must hold to pass it: an exclusion turned round."""
        return {criterion.id: self.must_hold(criterion.id) for criterion in self.criteria}

    @cached_property
    def applies(self) -> dict[str, Formula]:
        """The condition under which a flag can be true at all, by field."""
        return {name: parse(f.applies, self.fields) for name, f in self.fields.items() if f.applies}

    @cached_property
    def fact_formulas(self) -> dict[str, Formula]:
        """What is declared to be true of every patient, by the id of the fact."""
        return {fact.id: parse(fact.formula, self.fields) for fact in self.facts}

    @cached_property
    def derivations(self) -> dict[str, Formula]:
        """How a field is worked out from others where it is not recorded, by field."""
        return {name: _derivation(f, self.fields) for name, f in self.fields.items() if f.from_}

    @cached_property
    def depth(self) -> dict[str, int]:
        """By field, how many steps it is away from what is recorded: 0, or one more than what it hangs on.

        Raises:
            ProtocolError: a field that hangs on itself.
        """
        depths: dict[str, int] = {}

        def depth(name: str, below: tuple[str, ...]) -> int:
            if name in below:
                circle = " -> ".join((*below[below.index(name) :], name))
                key = "from" if self.fields[name].from_ else "applies"
                raise ProtocolError(f"{name}: {key} asks about itself ({circle})", path=("fields", name, key))
            if name not in depths:
                depths[name] = max((1 + depth(cause, (*below, name)) for cause in self.causes(name)), default=0)
            return depths[name]

        return {name: depth(name, ()) for name in self.fields}

    def causes(self, name: str) -> tuple[str, ...]:
        """The fields that one hangs on: what it is worked out from, and what says whether it applies."""
        hangs_on = (formulas[name] for formulas in (self.derivations, self.applies) if name in formulas)
        return tuple(dict.fromkeys(cause for formula in hangs_on for cause in names(formula)))

    def with_causes(self, fields: Iterable[str]) -> tuple[str, ...]:
        """Some fields and all that they hang on, in the order of `fields` in the protocol."""
        fields_found, new = set[str](), set(fields)
        while new:
            fields_found |= new
            new = {cause for name in new for cause in self.causes(name)} - fields_found
        return tuple(name for name in self.fields if name in fields_found)

    def parts(self, name: str) -> tuple[str, ...]:
        """What a field is worked out from; nothing if it is only recorded."""
        return names(self.derivations[name]) if name in self.derivations else ()

    def missing_parts(self, name: str, known: Collection[str]) -> tuple[str, ...]:
        """The facts to ask for if nothing is known of a field: itself, or what it is worked out from."""
        lacks = (self.missing_parts(part, known) for part in self.parts(name) if part not in known)
        return tuple(dict.fromkeys(lack for each in lacks for lack in each)) or (name,)

    def work_out(self, name: str, facts: Mapping[str, Any]) -> Any:
        """What a derived field comes out as from the other facts, whatever is recorded; None is unknown."""
        worked = self.fields[name].possible(evaluate(self.derivations[name], facts))
        return replace(worked, written=f"{worked.low} to {worked.high}") if isinstance(worked, Interval) else worked

    def differs(self, name: str, recorded: Any, facts: Mapping[str, Any]) -> bool:
        """Whether what is recorded of a derived field is not what the other facts make of it, beyond rounding."""
        worked = self.work_out(name, facts)
        if recorded is None or worked is None or isinstance(recorded, Interval) or isinstance(worked, Interval):
            return False
        if isinstance(worked, float):
            return abs(recorded - worked) > ROUNDING * max(abs(recorded), abs(worked))
        return recorded != worked

    @cached_property
    def used_fields(self) -> tuple[str, ...]:
        """The fields that the criteria ask about, and what these hang on, in the order of `fields`."""
        return self.with_causes(name for formula in self.requirements.values() for name in names(formula))

    @cached_property
    def judgements(self) -> tuple[str, ...]:
        """The criteria that only a person can decide: every field they ask about is judged by one."""
        about = {id: [self.fields[name] for name in names(rule)] for id, rule in self.requirements.items()}
        return tuple(id for id, fields in about.items() if fields and all(field.judged_by for field in fields))

    @property
    def questions(self) -> tuple[str, ...]:
        """The criteria that nobody has turned into logic yet (`ask: true`): a person answers them."""
        return tuple(criterion.id for criterion in self.criteria if criterion.ask)

    @cached_property
    def sha256(self) -> str:
        """The hash of what the protocol says: canonical content and registry text, without the chosen readings."""
        content = asdict(replace(self, readings={}, source=None))
        for declared in content["fields"].values():
            for key in _LATER:
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
        expect(readings, Mapping, "protocol.with_readings(readings)", "readings by criterion")
        chosen = {**self.readings, **readings}
        return self if chosen == self.readings else replace(self, readings=chosen)  # what is made is checked again

    def facts_of(self, patient: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of one patient: impossible values are unknown, flags that do not apply are false.

        A field with `from` that is not recorded is worked out, where its parts are known.

        Args:
            patient: values by field name; a missing name is unknown, an `Interval` known in part.

        Raises:
            DataError: a name that is no field, or a value of the wrong type.
        """
        one = "values by field name, such as patients.patient(id) gives"
        expect(patient, Mapping, "a question about one patient", one)
        for name, value in patient.items():
            if name not in self.fields and name != "patient_id":
                raise DataError(f"no field '{name}'{nearest(name, self.fields)}")
            if name in self.fields and not self.fields[name].fits(definite(value)):
                raise DataError(f"{name} is {value!r}; expected {self.fields[name].domain}")
        facts = {name: field.possible(patient.get(name)) for name, field in self.fields.items()}
        for name in sorted(self.derivations | self.applies, key=self.depth.__getitem__):
            if facts[name] is None and name in self.derivations:
                facts[name] = self.work_out(name, facts)
            if name in self.applies and evaluate(self.applies[name], facts) is False:
                facts[name] = False
        return facts


def _derivation(field: Field, fields: Mapping[str, Field]) -> Formula:
    """How a field is worked out: one formula, or one for each value of a category."""
    read = parse if field.type == "flag" else parse_number
    if isinstance(field.from_, str):
        return read(field.from_, fields)
    texts = dict(field.from_ or {})
    by = texts.pop("by")
    return Case(by, tuple((value, read(texts[value], fields)) for value in fields[by].values))


def _with_questions(fields: Mapping[str, Field], criteria: Iterable[Criterion]) -> dict[str, Field]:
    """The declared fields, and one for each criterion that is a question now."""
    declared = {name: each for name, each in fields.items() if not isinstance(each, Question)}
    for name in declared:
        if name.startswith(_ASK):
            message = f"'{name}' begins with {_ASK}, as the questions of criteria do (ask: true); choose another name"
            raise ProtocolError(message, path=("fields", name, ""))
    return declared | {c.question_name: _question(c) for c in criteria if c.ask}


def _question(criterion: Criterion) -> Question:
    group = "questions to get in" if criterion.kind == "inclusion" else "questions to be kept out"
    return Question("flag", criterion.label, judged_by="person", group=group, note=" ".join(criterion.quotes) or None)
