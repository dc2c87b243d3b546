"""What a field may be called, and how many criteria there can be."""

import keyword

MAX_CRITERIA = 62
"""Each criterion is one bit of a signed 64-bit mask, with one bit to spare."""

RESERVED = ("patient_id", "at_least", "known", "missing", "months_before", "date", "unknown")


def is_field_name(name: str) -> bool:
    """A plain lower-case word that the language of criteria can say."""
    plain = name.isidentifier() and name.isascii() and name == name.lower() and not name.startswith("_")
    return plain and not keyword.iskeyword(name) and name not in RESERVED
