"""What a field may be called, what its keys are called in a file, and how many criteria there can be."""

import keyword
import re

MAX_CRITERIA = 62
"""Each criterion is one bit of a signed 64-bit mask, with one bit to spare."""

RESERVED = (
    *("patient_id", "unknown", "at_least", "known", "missing", "min", "max", "then"),
    *("date", "months_before", "completed_years", "completed_months"),
)

ASK = "ask_"
"""How the fields of questions begin (`ask: true`); a file declares no such field."""


def question_name(criterion_id: str) -> str:
    """The field that answers a criterion with `ask: true`.

    >>> question_name("I4"), question_name("E-2")
    ('ask_i4', 'ask_e_2')
    """
    return ASK + re.sub(r"[_-]+", "_", criterion_id.lower()).strip("_")


def is_field_name(name: str) -> bool:
    """A plain lower-case word that the language of criteria can say."""
    plain = name.isidentifier() and name.isascii() and name == name.lower() and "__" not in f"_{name}"
    return plain and not keyword.iskeyword(name) and name not in RESERVED


def key_of(name: str) -> str:
    """The key of a YAML file for an attribute: `from`, a word of Python, is `from_` in code."""
    return name.rstrip("_")
