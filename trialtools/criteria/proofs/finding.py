"""What was found in a protocol: one sentence a clinician understands, and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..language import NUMERIC, Arithmetic, Formula, Name, children, type_of, words
from ..protocol import Fact, ProtocolData


class Kind(NamedTuple):
    """What findings of a kind are called, and how much they matter."""

    title: str
    severity: Literal["finding", "note"] = "note"


KINDS = {  # in the order they are told
    "question": Kind("Still questions for a person"),
    "never-satisfiable": Kind("Nobody can be eligible", "finding"),
    "contradiction": Kind("Criteria that exclude each other", "finding"),
    "facts": Kind("Declared facts", "finding"),
    "guideline": Kind("Against the cited guideline", "finding"),
    "reading": Kind("Readings that exclude everybody", "finding"),
    "dead-branch": Kind("Alternatives that can never help", "finding"),
    "gap": Kind("Values left out between two limits", "finding"),
    "redundant": Kind("Criteria that decide nothing"),
    "idle-part": Kind("Parts of a criterion that make no difference"),
    "boundary": Kind("Limits that leave out their own value"),
    "uncovered": Kind("Text without a criterion", "finding"),
    "unit": Kind("Units", "finding"),
    "no-quote": Kind("Criteria without a quote"),
    "no-source": Kind("No registry text"),
    "known-later": Kind("Unknown by design"),
    "undefined": Kind("Terms the text does not define"),
    "judgement": Kind("Judgement mixed with records"),
    "unused": Kind("Fields that decide nothing"),
    "too-hard": Kind("Left open"),
}


_WHOLE = ("redundant", "idle-part")
"""Kinds whose proofs are about values known or missing; what holds of nobody holds of nobody known in part."""

EVERYBODY = "every possible patient"
COMPLETE = "every patient of whom everything is known"


@dataclass(frozen=True)
class Finding:
    """One thing found in a protocol.

    `facts` are the declared facts it rests on, each with its words. `witness` is a patient who shows it, judged by the
    reference evaluator; `beside` is a second one, who differs from the first in the one value that is told of; `breaks`
    is one who breaks those facts, and of whom it is not true. `proven_for` says of which patients it was proven that
    none shows otherwise; it is empty where nothing was proven.
    """

    id: str
    kind: str
    severity: Literal["finding", "note"]
    sentence: str
    criteria: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    witness: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] | None = None
    breaks: Mapping[str, Any] | None = None
    proven_for: str = ""

    @property
    def no_patient(self) -> bool:
        """Whether it was proven of every possible patient, whatever is missing of them."""
        return self.proven_for.startswith(EVERYBODY)


def finding_for(
    protocol: ProtocolData,
    kind: str,
    about: str,
    sentence: str,
    criteria: Iterable[str] = (),
    facts: Iterable[str] = (),
    proven_for: str = "",
    cites: Iterable[Fact] = (),
    **more: Any,
) -> Finding:
    """A finding with the quotes of its criteria and the words of its facts.

    Args:
        protocol: what it was found in.
        kind: one of `KINDS`, which says how much it matters.
        about: what it is about, as the rest of its id.
        sentence: for a clinician.
        criteria: by id, what it is about first.
        facts: by id, the declared facts it rests on.
        proven_for: whom the proof is about, `EVERYBODY` or `COMPLETE`.
        cites: statements of a guideline that it rests on.
        more: other parts of a `Finding`.
    """
    ids, fact_ids = tuple(criteria), tuple(facts)
    formulas = [protocol.formula(id, reading) for id in ids for reading in protocol.criterion[id].texts]
    formulas += [*protocol.applies.values(), *(protocol.fact_formulas[id] for id in fact_ids)]
    whole = kind in _WHOLE and proven_for == EVERYBODY
    parts = {
        "severity": KINDS[kind].severity,
        "quotes": tuple(quote for id in ids for quote in protocol.criterion[id].quotes),
        "facts": (*map(_citation, cites), *(f"{id}: {says}" for id, says in _says(protocol, fact_ids).items())),
        "proven_for": proven_for + proviso(formulas, whole) if proven_for else "",
    }
    return Finding(f"{kind}:{about}" if about else kind, kind, sentence=sentence, criteria=ids, **{**parts, **more})


def _citation(fact: Fact) -> str:
    return f"{fact.id}: {fact.says}{f' ({fact.source})' if fact.source else ''}"


def proviso(formulas: Iterable[Formula], whole: bool) -> str:
    """What a proof takes for granted, or nothing.

    Doubles may miss the sum of decimals by a digit; and what is so whatever a value is need not be so of a value that
    is known in part, where a proof needs the `whole` of it.
    """
    parts = [part for formula in formulas for part in _parts(formula)]
    sums = [part for part in parts if isinstance(part, Arithmetic) and type_of(part.left) != "date"]
    ranges = [part for part in parts if whole and isinstance(part, Name) and part.type in (*NUMERIC, "date")]
    granted = ["sums and products are exact"] * bool(sums) + ["no value is known only in part"] * bool(ranges)
    return f", if {join(granted)}" if granted else ""


def _parts(formula: Formula) -> Iterator[Formula]:
    yield formula
    for child in children(formula):
        yield from _parts(child)


def _says(protocol: ProtocolData, facts: Iterable[str]) -> dict[str, str]:
    says = {fact.id: fact.says for fact in protocol.facts}
    return {id: says[id] for id in facts}


def assuming(protocol: ProtocolData, facts: Iterable[str]) -> str:
    """` as long as the declared fact holds: "Late pregnancy is pregnancy" (F1)`, or nothing."""
    listed = [f'"{says}" ({id})' for id, says in _says(protocol, facts).items()]
    if not listed:
        return ""
    return f" as long as the declared {'facts hold' if len(listed) > 1 else 'fact holds'}: {join(listed)}"


def titles(protocol: ProtocolData, *ids: str, reading: Mapping[str, str] | None = None, word: str = "and") -> str:
    """Criteria as they are spoken of: `I1 (Age 18 to 85) and E7 (Tuberculosis, read as "literal")`."""
    parts = []
    for id in ids:
        criterion = protocol.criterion[id]
        chosen = (reading or {}).get(id) or protocol.reading(id)
        parts.append(f"{id} ({criterion.label}" + (f', read as "{chosen}")' if len(criterion.texts) > 1 else ")"))
    return join(parts, word)


def cannot_pass(protocol: ProtocolData, ids: tuple[str, ...]) -> str:
    """What becomes of whoever a proof is about: they fail one of its criteria, or leave one open with data missing."""
    return f"cannot pass {titles(protocol, *ids)}" + (" together" if len(ids) > 1 else "")


def join(parts: Iterable[str], word: str = "and") -> str:
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def slug(formula: Formula) -> str:
    """A formula as a part of an id: the same as long as the formula is."""
    return formula.name if isinstance(formula, Name) else slug_of(words(formula, {}), 80)


def slug_of(text: str, longest: int) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:longest].strip("-.")
