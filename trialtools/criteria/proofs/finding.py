"""What was found in a protocol: one sentence a clinician understands, and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..language import Formula, Name, words
from ..protocol import ProtocolData

KINDS = {  # in the order they are told
    "never-satisfiable": "Nobody can be eligible",
    "contradiction": "Criteria that exclude each other",
    "facts": "Declared facts",
    "guideline": "Against the cited guideline",
    "reading": "Readings that exclude everybody",
    "dead-branch": "Alternatives that can never help",
    "gap": "Values left out between two limits",
    "redundant": "Criteria that decide nothing",
    "idle-part": "Parts of a criterion that make no difference",
    "boundary": "Limits that leave out their own value",
    "uncovered": "Text without a criterion",
    "no-quote": "Criteria without a quote",
    "no-source": "No registry text",
    "known-later": "Unknown by design",
    "undefined": "Terms the text does not define",
    "judgement": "Judgement mixed with records",
    "unused": "Fields that decide nothing",
    "too-hard": "Left open",
}


@dataclass(frozen=True)
class Finding:
    """One thing found in a protocol.

    `facts` are the declared facts it rests on, each with its words. `witness` is a patient who shows it, judged by the
    reference evaluator; `beside` is a second one, who differs from the first in the one value that is told of.
    `no_patient` says that it was proven that no patient can exist.
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
    no_patient: bool = False


def named(protocol: ProtocolData, *ids: str, reading: Mapping[str, str] | None = None, word: str = "and") -> str:
    """Criteria as they are spoken of: `I1 (Age 18 to 85) and E7 (Tuberculosis), read as "literal"`."""
    said = []
    for id in ids:
        criterion = protocol.criterion[id]
        chosen = (reading or {}).get(id) or protocol.reading(id)
        said.append(f"{id} ({criterion.label}" + (f', read as "{chosen}")' if len(criterion.texts) > 1 else ")"))
    return joined(said, word)


def joined(parts: Iterable[str], word: str = "and") -> str:
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def fact_words(protocol: ProtocolData, ids: Iterable[str]) -> tuple[str, ...]:
    """Declared facts as they are printed: `F1: Late pregnancy is pregnancy`."""
    says = {fact.id: fact.says for fact in protocol.facts}
    return tuple(f"{id}: {says[id]}" for id in ids)


def assuming(protocol: ProtocolData, ids: Iterable[str]) -> str:
    """` as long as it holds that late pregnancy is pregnancy (F1)`, or nothing."""
    says = {fact.id: fact.says for fact in protocol.facts}
    listed = [f'"{says[id]}" ({id})' for id in ids]
    if not listed:
        return ""
    return f" as long as the declared {'facts hold' if len(listed) > 1 else 'fact holds'}: {joined(listed)}"


def quotes_of(protocol: ProtocolData, ids: Iterable[str], about: str = "") -> tuple[str, ...]:
    """The quotes of criteria; of a criterion with several, those that share most words with what is told of."""
    return tuple(quote for id in ids for quote in _closest(protocol.criterion[id].quotes, about))


def _closest(quotes: tuple[str, ...], about: str) -> tuple[str, ...]:
    """Words are compared by their first four letters: tumour and tumors, pregnant and pregnancy."""
    shared = [len(_stems(quote) & _stems(about)) for quote in quotes]
    if len(quotes) < 2 or not any(shared):
        return quotes
    return tuple(quote for quote, n in zip(quotes, shared, strict=True) if n == max(shared))


def _stems(text: str) -> set[str]:
    return {word[:4] for word in re.findall(r"[a-z0-9]{2,}", text.lower())} - {"of", "or", "and", "the", "with", "pati"}


def slug(formula: Formula) -> str:
    """A formula as a part of an id: the same as long as the formula is."""
    return formula.name if isinstance(formula, Name) else slug_of(words(formula, {}), 80)


def slug_of(text: str, longest: int) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:longest].strip("-.")
