"""What an item of the quiz is about goes in; the option that the engine finds right, and what shows it, come out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ...cohort.screening import screen
from ...criteria.contents import Protocol
from ...criteria.language import ProtocolError
from ...criteria.patient.tree import decision
from ...criteria.proofs.conditions import Nobody
from ...criteria.protocol import Field
from ..lesson import CONDITION
from ..quantities import quantity
from ..source import Source

_Proof = tuple[str, str]


def _missing(condition: str) -> Callable[[Source], _Proof]:
    """What a condition on the saturation says of somebody whose saturation nobody measured."""

    def prove(source: Source) -> _Proof:
        rules = source.rules
        ends = (_one(rules, text)["spo2"] for text in (condition, f"not ({condition})"))
        yes, no = (rules.fields["spo2"].write(value) for value in ends)
        return CONDITION[rules.judge(condition, {})], f"Measured, it could be {yes} (then true) or {no} (false)."

    return prove


def _known_fail(source: Source) -> _Proof:
    condition = "spo2 > 93 and respiratory_rate < 30"
    if source.rules.someone(f"{condition} and respiratory_rate == 32"):
        raise ProtocolError("a rate of 32 should settle item 3 of the quiz")
    shown = "With a rate of 32 it is true of nobody, whatever the saturation turns out to be."
    return CONDITION[source.rules.judge(condition, {"respiratory_rate": 32})], shown


def _silence(source: Source) -> _Proof:
    words = {True: "applies", False: "does not apply", None: "cannot be decided yet"}
    woman, man = (source.rules.judge("pregnant or lactating", {"sex": sex, "age": 30}) for sex in ("female", "male"))
    shown = f"Of a man with the same empty chart it {words[man]}: the protocol declares of whom it can be true."
    return words[woman], shown


def _negation(source: Source) -> _Proof:
    rules, out = source.rules, "not (tumour_history or precancerous_lesion)"
    joined = {word: f"not tumour_history {word} not precancerous_lesion" for word in ("and", "or")}
    right = next(word for word, text in joined.items() if rules.same(out, text) is None)
    slips = _one(rules, f"({joined['or']}) and not ({out})")
    tumour, lesion = (rules.fields[name].write(slips[name]) for name in ("tumour_history", "precancerous_lesion"))
    return (
        f"no tumour {right} no lesion",
        f"With “or” this patient would slip through: tumour {tumour}, lesion {lesion}.",
    )


def _ends(source: Source) -> _Proof:
    rules, ages = source.rules, (65, 66, 85, 86)
    healthy = {name: False for name, field in rules.fields.items() if field.type == "flag"} | {"bmi": 24.0}
    patient = healthy | _one(rules, "age == 66", "eligible")
    decided = {age: decision(rules, patient | {"age": age}) for age in ages}
    right = " and ".join(str(age) for age in ages if decided[age] == "eligible")
    return right, f"The engine, age by age: {'; '.join(f'{age}: {each}' for age, each in decided.items())}."


def _months(source: Source) -> _Proof:
    enrolled, screened = date(2023, 2, 28), date(2023, 5, 31)
    facts = {"other_trial": True, "other_trial_on": enrolled, "screened_on": screened}
    readings = source.rules.criterion["E9"].readings
    calendar, days = (source.rules.judge(str(readings[name]), facts) for name in ("calendar_months", "days_90"))
    right = {
        (True, False): "if months are those of the calendar, not if they are 90 days",
        (False, True): "if they are 90 days, not if months are those of the calendar",
        (True, True): "either way",
    }.get((calendar is True, days is True), "neither way")
    apart = (screened - enrolled).days
    return (
        right,
        f"They are {apart} days apart. Three calendar months before 31 May is the last day of February, the 28th.",
    )


def _order(source: Source) -> _Proof:
    numbers = {name: quantity(source, name) for name in ("certain", "possible", "lost at E6", "lost at I2")}
    turned = {name: quantity(source, f"{name} in reverse") for name in numbers}
    moved = [name for name in numbers if numbers[name] != turned[name]]
    shown = (
        f"No consent or poor compliance: {numbers['lost at E6']} lost there, {turned['lost at E6']} in reverse. "
        f"Clinical type: {numbers['lost at I2']} and {turned['lost at I2']}. "
        f"Left at the end, both times: {turned['certain']} to {turned['possible']}."
    )
    return "only the numbers beside each criterion" if moved == ["lost at E6", "lost at I2"] else str(moved), shown


def _dead(source: Source) -> _Proof:
    fields = {
        "dialysis": "maintenance_dialysis",
        "a tumour": "tumour_history",
        "heavy smoking": "heavy_smoker",
        "an immune deficiency": "immune_deficiency",
    }
    rules = source.rules
    answers = {option: rules.someone(field, "eligible") for option, field in fields.items()}
    ((dead, proof),) = [(option, each) for option, each in answers.items() if isinstance(each, Nobody)]
    excluded = " and ".join(f"{id} ({rules.criterion[id].label})" for id in proof.criteria)
    return dead, f"Whoever has one is excluded by {excluded}: nobody with a tumour is eligible."


def _interval(source: Source) -> _Proof:
    """What is not known is filled in at random, six times: each count lies between the ends, none at the middle."""
    rules, rng, screening = source.rules, random.Random(1), screen(source.rules, source.patients)
    decided = screening.decisions()
    open_ = decided.loc[decided["decision"] == "undetermined", "patient_id"].tolist()
    people = [screening.patients.patient(id) for id in open_]

    def eligible() -> int:
        return screening.certain + sum(decision(rules, _fill(rules, one, rng)) == "eligible" for one in people)

    counts = [eligible() for _ in range(6)]
    holds = all(screening.certain <= count <= screening.possible for count in counts)
    right = f"at least {screening.certain} are eligible and at most {screening.possible}, whatever is still unknown"
    shown = f"What is unknown was filled in at random, six times: {', '.join(map(str, counts))} eligible."
    return right if holds else str(counts), shown


def _fill(rules: Protocol, patient: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    drawn = {name: _draw(field, rng) for name, field in rules.fields.items() if not field.from_}
    known = rules.facts_of(patient)
    return drawn | {name: known[name] for name in drawn if known[name] is not None}


def _draw(field: Field, rng: random.Random) -> Any:
    match field.type:
        case "flag":
            return rng.random() < 0.3
        case "category":
            return rng.choice(field.values)
        case "date":
            return date(2023, 1, 1)
    low, high = field.limits
    return rng.randint(int(low), int(high)) if field.type == "integer" else rng.uniform(low, high)


def _sign(source: Source) -> _Proof:
    read = source._replace(readings=(("I6", "registered"),))
    screening = screen(read.rules, read.patients)
    decided = screening.decisions()
    open_ = decided.loc[decided["decision"] == "undetermined", "open_items"]
    unmeasured = sum("respiratory_rate" in fields for fields in open_)
    shown = f"Of those {screening.possible}, {unmeasured} have no rate on record: nobody who was measured remains."
    return f"{screening.certain} to {screening.possible}", shown


def _guess(source: Source) -> _Proof:
    share = quantity(source, "right guesses in blocks of 4")
    return f"{share} %", "Exactly: the first of a block is a toss of a coin, the last is known for certain."


def _one(rules: Protocol, condition: str, decided: Any = None) -> dict[str, Any]:
    patient = rules.someone(condition, decided)
    if not isinstance(patient, dict):
        raise ProtocolError(f"the quiz rests on a patient of whom {condition} is true. {patient}")
    return patient


PROOFS: Mapping[str, Callable[[Source], _Proof]] = {
    "quiz.1": _missing("spo2 > 93"),
    "quiz.2": _missing("not spo2 > 93"),
    "quiz.3": _known_fail,
    "quiz.4": _silence,
    "quiz.5": _negation,
    "quiz.6": _ends,
    "quiz.7": _months,
    "quiz.8": _order,
    "quiz.9": _dead,
    "quiz.10": _interval,
    "quiz.11": _sign,
    "quiz.12": _guess,
}
"""By the id of an item in `quiz.yaml`."""
