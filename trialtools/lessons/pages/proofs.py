"""What an item of the quiz is about goes in; the option that the engine finds right, and what shows it, come out.

Nine of the twelve are judged as questions of lessons are; these three ask about a whole cohort or protocol.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ...cohort.screening import screen
from ...criteria.contents import Protocol
from ...criteria.patient.tree import decision
from ...criteria.proofs.conditions import Nobody
from ...criteria.protocol import Field
from ..quantities import quantity
from ..source import Source

_Proof = tuple[str, str]


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


PROOFS: Mapping[str, Callable[[Source], _Proof]] = {"quiz.8": _order, "quiz.9": _dead, "quiz.10": _interval}
"""By the id of an item in `quiz.yaml`."""
