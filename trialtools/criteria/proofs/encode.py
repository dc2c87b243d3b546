"""A protocol goes in, its Z3 comes out, and plain patients come back.

A patient is a *world*, in which every field has a value, seen through a *record*, in which each field is known or
not. A formula becomes two Booleans over the record, surely true and surely false; where neither holds it is unknown.
That is what `evaluate` says of `protocol.facts_of(patient)`, with one difference: numbers are exact decimals here and
doubles there, so that sums and products may differ in the last digit (0.1 + 0.2 <= 0.3 holds here only). Comparing a
field with a number never differs. A patient found here is judged by `evaluate` before it is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import z3

from ..language.formula import Case, Compare, Formula, In, Name, Value
from ..protocol import Field, ProtocolData
from .kleene import EPOCH, Z3, Datum, Day, Scope, constant, exact, is_day, truth_of

_RECENT = date(2020, 1, 1), date(2029, 12, 31)


@dataclass(frozen=True)
class Logic:
    """A protocol in Z3: what is recorded of a patient.

    `known` and `value` are the free variables, by field; `record` is what criteria see; `domain` says what is possible
    at all; `facts` are the declared facts by id, true of a world that the record does not belie. The context is Z3's
    own for each encoding: two threads never meet in one.
    """

    protocol: ProtocolData
    known: Mapping[str, Z3]
    value: Mapping[str, Z3]
    record: Scope
    domain: tuple[Z3, ...]
    facts: Mapping[str, Z3]

    def solver(self) -> Z3:
        """A Z3 solver that knows what is possible; facts are not part of it, add those you declare."""
        made = z3.Solver(ctx=self.record.context)
        made.add(*self.domain)
        return made

    def open_calendar(self, name: str) -> Z3:
        """Let formulas ask the calendar day of a date; what a solver must know of it comes out."""
        self.record.calendar[name] = day = _day(name, self.record.context)
        return is_day(self.value[name], day)

    def on_step(self) -> dict[str, Z3]:
        """By field with a declared `step`, that its number stands on it, counted from zero."""
        fields = self.protocol.fields.items()
        steps = {name: field.step for name, field in fields if field.step and field.type == "number"}
        return {name: z3.IsInt(self.value[name] / exact(step, self.record.context)) for name, step in steps.items()}

    def natural(self) -> list[Z3]:
        """What lets a patient look like one: worked-out values that agree, days of our time, numbers on their step."""
        fields, rules = self.protocol.fields, self.protocol.derivations.items()
        ways = [(Name(name, fields[name].type), *way) for name, rule in rules for way in _cases(self.record, rule)]
        equal = [(case, Compare((field, rule), ("==",))) for field, case, rule in ways]
        first, last = ((day - EPOCH).days for day in _RECENT)
        dates = [self.value[name] for name, field in fields.items() if field.type == "date"]
        return [
            *(z3.Implies(case, z3.Not(truth_of(self.record, agrees).false)) for case, agrees in equal),
            *(z3.And(date >= first, date <= last) for date in dates),
            *self.on_step().values(),
        ]

    def value_of(self, name: str, value: Any) -> Z3:
        """A plain value in Z3, of the kind the named field has."""
        if self.protocol.fields[name].type == "number":
            return exact(value, self.record.context)
        if self.protocol.fields[name].type == "integer":
            value = int(value)
        return constant(self.record, value)

    def witness(self, model: Z3) -> dict[str, Any]:
        """The patient whom a model of Z3 describes: plain values of what is known, by field, in protocol order.

        Flags that do not apply are left out. `evaluate` on `protocol.facts_of(patient)` judges it before it is shown.
        """
        patient = {}
        for name, field in self.protocol.fields.items():
            if not z3.is_true(model.eval(self.known[name], model_completion=True)):
                continue
            if field.applies and z3.is_true(model.eval(truth_of(self.record, self.protocol.applies[name]).false, True)):
                continue
            patient[name] = _plain(field, model.eval(self.value[name], model_completion=True), self.record.codes)
        return patient


def encode(protocol: ProtocolData, calendar_dates: Collection[str] | None = None) -> Logic:
    """The fields and facts of a protocol in Z3; any field may be unknown.

    A field that is worked out from others may be anything possible, for what is recorded comes first. A value that is
    known in part is none of these records: what is proved of a patient holds once the value is known.

    Args:
        protocol: whose fields and facts they are.
        calendar_dates: the dates of which formulas may ask the calendar day, by default all; each takes Z3 long.

    >>> from trialtools.criteria.contents import load_protocol
    >>> logic = encode(load_protocol("data/protocols/NCT05741099.yaml"))
    >>> anybody = logic.solver()
    >>> anybody.add([truth_of(logic.record, rule).true for rule in logic.protocol.requirements.values()])
    >>> str(anybody.check()), 18 <= logic.witness(anybody.model())["age"] <= 85
    ('sat', True)
    """

    fields, context = protocol.fields, z3.Context()
    codes = {text: n for n, text in enumerate(dict.fromkeys(text for f in fields.values() for text in f.values))}
    value = {name: _variable(name, field, context) for name, field in fields.items()}
    known = {name: z3.Bool(f"known {name}", context) for name in fields}
    dates = [name for name, field in fields.items() if field.type == "date"]
    calendar = {name: _day(name, context) for name in dates if calendar_dates is None or name in calendar_dates}
    yes = z3.BoolVal(True, context)
    recorded = {name: Datum(known[name], value[name]) for name in fields}
    record = _with_applicability(protocol, Scope(recorded, calendar, codes, context))
    world = _with_applicability(protocol, replace(record, data={name: Datum(yes, value[name]) for name in fields}))
    domain = tuple(bound for name, field in fields.items() for bound in _bounds(value[name], field, codes))
    domain += tuple(is_day(value[name], day) for name, day in calendar.items())
    domain += tuple(
        z3.Implies(_is_worked_out(record, fields[name], formula), known[name])
        for name, formula in protocol.derivations.items()
    )
    whole = _coherent(protocol, record, world)
    facts = {id: z3.And(z3.Not(truth_of(world, fact).false), whole) for id, fact in protocol.fact_formulas.items()}
    return Logic(protocol, known, value, record, domain, facts)


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


def _is_worked_out(record: Scope, field: Field, formula: Formula) -> Z3:
    """That a field is known by what it is worked out from: a possible value, of its case if there are cases."""
    if field.type == "flag":
        known = [z3.And(case, z3.Or(*truth_of(record, rule))) for case, rule in _cases(record, formula)]
    else:
        low, high = map(Value, field.limits)
        limits = [(case, Compare((low, rule, high), ("<=", "<="))) for case, rule in _cases(record, formula)]
        known = [z3.And(case, truth_of(record, rule).true) for case, rule in limits]
    return z3.Or(known)


def _cases(record: Scope, formula: Formula) -> list[tuple[Z3, Formula]]:
    """When a field is worked out in which way."""
    if not isinstance(formula, Case):
        return [(z3.BoolVal(True, record.context), formula)]
    by = Name(formula.name, "category")
    return [(truth_of(record, In(by, (value,))).true, rule) for value, rule in formula.formulas]


def _coherent(protocol: ProtocolData, record: Scope, world: Scope) -> Z3:
    """That no flag is recorded as true of somebody to whom it does not apply: recorded as pregnant, she is a woman."""

    flags = ((record.data[name], world.data[name].value) for name in protocol.applies)
    yes = z3.BoolVal(True, record.context)
    return z3.And(yes, *(z3.Implies(z3.And(term.known, term.value), true) for term, true in flags))


def _with_applicability(protocol: ProtocolData, scope: Scope) -> Scope:
    """The same scope with every flag read as false where it surely does not apply."""

    data = dict(scope.data)
    for name, formula in protocol.applies.items():
        absent = truth_of(scope, formula).false
        data[name] = Datum(z3.Or(absent, data[name].known), z3.And(z3.Not(absent), data[name].value))
    return replace(scope, data=data)
