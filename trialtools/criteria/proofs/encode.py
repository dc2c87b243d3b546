"""A protocol goes in, its Z3 comes out, and plain patients come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import z3

from ..language import Formula, parse
from ..protocol import Field, ProtocolData
from .kleene import EPOCH, Z3, Day, Pair, Term, View, constant, exact, is_day, read

EFFORT = 20_000_000
"""Steps (Z3's own count, the same on every machine) after which a question is given up as unknown."""


@dataclass(frozen=True)
class Logic:
    """A protocol in Z3: what is recorded of a patient, and the world behind it.

    `record` is what criteria see, `world` what is true whether or not it is recorded; `mask` and `value` are the free
    variables, by field; `domain` says what is possible at all; `facts` are the declared facts by id, true of a world
    that the record does not belie. The context is Z3's own for each encoding: two threads never meet in one.
    """

    protocol: ProtocolData
    mask: Mapping[str, Z3]
    value: Mapping[str, Z3]
    record: View
    world: View
    domain: tuple[Z3, ...]
    facts: Mapping[str, Z3]


def encode(protocol: ProtocolData, complete: bool = False) -> Logic:
    """The fields and facts of a protocol in Z3.

    Args:
        protocol: whose fields formulas will speak of.
        complete: every field is known of the patient; otherwise any may be unknown.

    >>> from trialtools.criteria.contents import load_protocol
    >>> logic = encode(load_protocol("data/protocols/NCT05741099.yaml"))
    >>> anybody = solver(logic)
    >>> anybody.add([must.true for must in requirements(logic).values()])
    >>> str(anybody.check()), 18 <= witness(logic, anybody.model())["age"] <= 85
    ('sat', True)
    """

    fields, context = protocol.fields, z3.Context()
    codes = {text: n for n, text in enumerate(dict.fromkeys(text for f in fields.values() for text in f.values))}
    yes = z3.BoolVal(True, context)
    value = {name: _variable(name, field, context) for name, field in fields.items()}
    mask = {name: yes if complete else z3.Bool(f"known {name}", context) for name in fields}
    calendar = {name: _day(name, context) for name, field in fields.items() if field.type == "date"}
    recorded = {name: Term(mask[name], value[name]) for name in fields}
    record = _applied(protocol, View(recorded, calendar, codes, context))
    world = _applied(protocol, View({name: Term(yes, value[name]) for name in fields}, calendar, codes, context))
    domain = tuple(bound for name, field in fields.items() for bound in _bounds(value[name], field, codes))
    domain += tuple(is_day(value[name], day) for name, day in calendar.items())
    whole = _coherent(protocol, record, world)
    facts = {fact.id: z3.And(z3.Not(read(world, parse(fact.formula, fields)).false), whole) for fact in protocol.facts}
    return Logic(protocol, mask, value, record, world, domain, facts)


def solver(logic: Logic, optimize: bool = False) -> Z3:
    """A Z3 solver that knows what is possible, or an optimizer; facts are not part of it, add those you declare."""

    context = logic.record.context
    made = z3.Optimize(ctx=context) if optimize else z3.Solver(ctx=context)
    if not optimize:
        made.set("rlimit", EFFORT)
    made.add(*logic.domain)
    return made


def pair(logic: Logic, formula: Formula) -> Pair:
    """A formula on the patient's record: surely true, surely false.

    >>> from trialtools.criteria.contents import read_protocol
    >>> sketch = read_protocol(
    ...     "{id: S, title: S, fields: {a: {type: flag, label: A}},"
    ...     " criteria: [{id: I1, kind: inclusion, label: A, when: a}]}"
    ... )
    >>> pair(encode(sketch), parse("not a", sketch.fields))
    Pair(true=And(known a, Not(a)), false=And(known a, a))

    Source: Kleene, Introduction to Metamathematics (1952), section 64.
    """
    return read(logic.record, formula)


def requirements(logic: Logic) -> dict[str, Pair]:
    """By criterion, passed surely and failed surely; an exclusion is turned round already."""
    return {id: read(logic.record, formula) for id, formula in logic.protocol.requirements.items()}


def on_step(logic: Logic) -> tuple[Z3, ...]:
    """That every number stands on its declared `step`, counted from zero: for witnesses that look natural."""

    steps = {name: field.step for name, field in logic.protocol.fields.items() if field.step and field.type == "number"}
    return tuple(z3.IsInt(logic.value[name] / exact(step, logic.record.context)) for name, step in steps.items())


def given(logic: Logic, patient: Mapping[str, Any]) -> dict[str, Z3]:
    """By field, that the record says of it what is known of this patient, or that it is unknown.

    Args:
        logic: encoded without `complete` if anything of the patient is unknown.
        patient: plain values by field, as `Protocol.facts_of` returns them.
    """

    return {
        name: z3.Not(known)
        if patient.get(name) is None
        else z3.And(known, logic.value[name] == value_of(logic, name, patient[name]))
        for name, known in logic.mask.items()
    }


def value_of(logic: Logic, name: str, value: Any) -> Z3:
    """A plain value in Z3, of the kind the named field has."""
    if logic.protocol.fields[name].type == "number":
        return exact(value, logic.record.context)
    if logic.protocol.fields[name].type == "integer":
        value = int(value)
    return constant(logic.record, value)


def witness(logic: Logic, model: Z3) -> dict[str, Any]:
    """The patient whom a model of Z3 describes: plain values of what is known, by field, in protocol order.

    Flags that do not apply are left out. `evaluate` on `protocol.facts_of(patient)` judges it before it is shown.
    """

    patient = {}
    for name, field in logic.protocol.fields.items():
        if not z3.is_true(model.eval(logic.mask[name], model_completion=True)):
            continue
        if field.applies and z3.is_true(model.eval(read(logic.record, logic.protocol.applies[name]).false, True)):
            continue
        patient[name] = _plain(field, model.eval(logic.value[name], model_completion=True), logic.record.codes)
    return patient


def _plain(field: Field, value: Z3, codes: Mapping[str, int]) -> Any:

    match field.type:
        case "flag":
            return z3.is_true(value)
        case "category":
            return next(text for text, code in codes.items() if code == value.as_long())
        case "date":
            return EPOCH + timedelta(days=value.as_long())
        case "integer":
            return value.as_long()
    rational = value if z3.is_rational_value(value) else value.approx(20)
    number = float(rational.as_fraction())
    return int(number) if number.is_integer() else number


def _variable(name: str, field: Field, context: Z3) -> Z3:

    make = {"flag": z3.Bool, "number": z3.Real}.get(field.type, z3.Int)
    return make(name, context)


def _day(name: str, context: Z3) -> Day:

    return Day(*(z3.Int(f"{part} of {name}", context) for part in Day._fields))


def _bounds(value: Z3, field: Field, codes: Mapping[str, int]) -> list[Z3]:

    if field.type == "flag":
        return []
    if field.type == "category":
        return [z3.Or([value == codes[text] for text in field.values])]
    low, high = field.limits
    if field.type == "date":
        low, high = (low - EPOCH).days, (high - EPOCH).days
    if field.type == "number":
        low, high = exact(low, value.ctx), exact(high, value.ctx)
    return [value >= low, value <= high]


def _coherent(protocol: ProtocolData, record: View, world: View) -> Z3:
    """That no flag is recorded as true of somebody to whom it does not apply: recorded as pregnant, she is a woman."""

    flags = ((record.terms[name], world.terms[name].value) for name in protocol.applies)
    yes = z3.BoolVal(True, record.context)
    return z3.And(yes, *(z3.Implies(z3.And(term.known, term.value), true) for term, true in flags))


def _applied(protocol: ProtocolData, view: View) -> View:
    """The same view with every flag read as false where it surely does not apply."""

    terms = dict(view.terms)
    for name, formula in protocol.applies.items():
        absent = read(view, formula).false
        terms[name] = Term(z3.Or(absent, terms[name].known), z3.And(z3.Not(absent), terms[name].value))
    return replace(view, terms=terms)
