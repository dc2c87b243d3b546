"""The name of a column goes in, what it speaks of comes out, whatever the language or the shorthand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category, normalize

import yaml

_LONGEST = 4
"""Words of a phrase."""
_LONGEST_UNIT = 6
"""Words of a unit: mL/min/1.73 m^2."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa"})


@cache
def vocabulary() -> dict[str, Any]:
    """What `words.yaml` says; to be read, never changed."""
    return yaml.safe_load((Path(__file__).parent / "words.yaml").read_text("utf-8"))


@cache
def word_list(key: str) -> frozenset[str]:
    """A list of the vocabulary as a set."""
    return frozenset(split(vocabulary()[key]))


def split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def tokens(text: str) -> list[str]:
    """The words of a name in small letters without accents: `bodyWeight_kg` is body, weight, kg."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z]+$)", " ", normalize("NFKC", text))
    text = normalize("NFD", text.lower().translate(_UMLAUTS))
    return re.findall(r"[a-z]+\d*|\d+", "".join(letter for letter in text if not category(letter).startswith("M")))


@cache
def concepts(text: str) -> frozenset[str]:
    """What a name speaks of, without words that tell nothing apart.

    >>> sorted(concepts("SpO2_result")), sorted(concepts("heavySmoker"))
    (['oxygen saturation'], ['heavy', 'smoker'])
    """
    concepts, words = [], tokens(text)
    while words:
        size = next((n for n in range(min(_LONGEST, len(words)), 1, -1) if _phrase(words[:n]) in _phrases()), 1)
        concepts.append(_phrases().get(_phrase(words[:size]), words[0]))
        words = words[size:]
    telling = frozenset(concepts) - word_list("fillers")
    return telling or frozenset(concepts)


def _phrase(words: Iterable[str]) -> str:
    return " ".join(map(_singular, words))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "is", "us", "es")) else word


@cache
def _phrases() -> dict[str, str]:
    """By phrase the concept that it means."""
    phrases: dict[str, str] = {}
    for concept, others in vocabulary()["concepts"].items():
        for phrase in (concept, *split(others)):
            phrases.setdefault(_phrase(tokens(phrase)), concept)
    return phrases


def without_unit(name: str) -> tuple[str, str | None]:
    """A name of a column without the unit behind it, and that unit as the protocol would write it.

    >>> without_unit("weight_lb"), without_unit("Creatinine [mg/dL]"), without_unit("cough")
    (('weight', '[lb_av]'), ('creatinine', 'mg/dL'), ('cough', None))
    """
    words = tokens(name)
    for size in range(_LONGEST_UNIT, 0, -1):
        unit = _units().get(" ".join(words[-size:]))
        if unit and len(words) > size:
            return " ".join(words[:-size]), unit
    sign = "%" if name.rstrip(" )]").endswith("%") else None
    return (" ".join(words), sign) if sign else (name, None)


@cache
def _units() -> dict[str, str]:
    return {word: unit for unit, words in vocabulary()["units"].items() for word in split(words)}


def word(text: str) -> str:
    """A text of a cell as the vocabulary writes words."""
    text = normalize("NFKC", text).strip().lower().translate(_UMLAUTS)
    return "".join(letter for letter in normalize("NFD", text) if not category(letter).startswith("M"))
