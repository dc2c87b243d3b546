"""The questions of `quiz.yaml` go in, one page that needs nothing comes out; the engine answers when it is built.

Nine of the twelve items are judged as questions of lessons are; three ask about a whole cohort or protocol.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ...cohort.screening import screen
from ...criteria.contents import Protocol
from ...criteria.engine import collect
from ...criteria.files import whole
from ...criteria.language import ProtocolError
from ...criteria.patient.tree import decision
from ...criteria.proofs.conditions import Nobody
from ...criteria.protocol import Field
from ..judges import judge
from ..lesson import Question, load_lesson
from ..quantities import quantity
from ..source import Source
from .template import FOLDER, render

_LETTERS = "abcd"
BEFORE = 6
"""So many items are asked before a course: half a minute each."""


@dataclass(frozen=True)
class Item:
    """A question with its options in order; beside each the misconception behind it, which the right one lacks."""

    ask: str
    options: tuple[tuple[str, str], ...]
    evidence: str

    @property
    def right(self) -> int:
        """The place of the right option, from 0."""
        return next(n for n, (_, misconception) in enumerate(self.options) if not misconception)


def quiz() -> tuple[Item, ...]:
    """The twelve items, each with the option that the engine finds right and the evidence for it.

    Raises:
        ProtocolError: a key is not what the engine answers.
    """
    lesson = load_lesson(FOLDER / "quiz.yaml")
    return tuple(_item(question) for question in lesson.questions)


def quiz_page(items: Sequence[Item]) -> str:
    """The quiz as one page: to try, before and after a course, and with a sheet that counts what was handed in."""
    page = render("quiz.html.j2", items=items, before=BEFORE, letters=_LETTERS)
    return "\n".join(line.strip() for line in page.splitlines() if line.strip())  # small enough for a message


def write_quiz(folder: Path) -> Path:
    """Write `quiz.html`: one file that needs nothing else, small enough to send as a message."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / "quiz.html") as part:
        part.write_text(quiz_page(quiz()), "utf-8")
    return folder / "quiz.html"


def quiz_sheet(items: Sequence[Item], key: bool) -> str:
    """The quiz as HTML to print: to fill in, or its key."""
    return render("quiz_paper.html.j2", items=items, key=key, letters=_LETTERS, before=BEFORE)


def _item(question: Question) -> Item:
    fill, options = question.with_numbers, question.options or dict(zip(question.choice, question.choice, strict=True))
    if question.id in PROOFS:
        right, evidence = PROOFS[question.id](question.source)
    else:
        replies = {answer: judge(question, fill(str(answer))) for answer in {*options.values(), question.key}}
        right = " and ".join(fill(label) for label, answer in options.items() if replies[answer])
        evidence = replies[question.key].lines[-1]
    key = " and ".join(fill(label) for label, answer in options.items() if answer == question.key)
    if key != right:
        raise ProtocolError(f"the key of {question.id} is '{key}', but the engine answers '{right}'")
    misconceptions = {trap.answer: trap.says for trap in question.traps}
    shown = ((_keep_percent_together(fill(label)), misconceptions.get(answer, "")) for label, answer in options.items())
    return Item(_keep_percent_together(fill(question.ask)), tuple(shown), _keep_percent_together(evidence))


def _keep_percent_together(text: str) -> str:
    """A number and its per cent sign stay on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


# --- three items about a whole cohort or protocol --------------------------------------------------------------------

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
    people = replace(screening.patients, frame=collect(screening.patients.frame))  # they are asked for one by one
    known = [rules.facts_of(people.patient(id)) for id in open_]

    def eligible() -> int:
        return screening.certain + sum(decision(rules, _fill(rules, one, rng)) == "eligible" for one in known)

    counts = [eligible() for _ in range(6)]
    holds = all(screening.certain <= count <= screening.possible for count in counts)
    right = f"at least {screening.certain} are eligible and at most {screening.possible}, whatever is still unknown"
    shown = f"What is unknown was filled in at random, six times: {', '.join(map(str, counts))} eligible."
    return right if holds else str(counts), shown


def _fill(rules: Protocol, known: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    drawn = {name: _draw(field, rng) for name, field in rules.fields.items() if not field.from_}
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
