"""Words go in, the name of a field comes out."""

import re

from ..protocol.names import is_field_name

_IDLE = re.compile(
    r"a|an|the|of|or|and|with|who|have|has|had|is|are|be|been|to|in|on|at|for|by|as|any|not?|than|that|this|which"
    r"|subjects?|patients?|participants?|must|should|will|may|other|use|prior|history|known|presence|current|within|before|visits?|baseline|screening|least|more"
    r"|adults?|age[ds]?|years?|males?|females?|men|women|present|documented|recent|\d+|during|from|were|was|their|his|her|if|its?|score"
)


def field_name(text: str, longest: int = 28) -> str:
    """A name for what a text is about: its first words that say something.

    >>> field_name("History of Guillain-Barre syndrome"), field_name("2nd dose"), field_name("any other")
    ('guillain_barre_syndrome', 'n_2nd_dose', 'value')
    """
    written = re.findall(r"[a-z0-9]+", text.lower())
    words = [word for word in written if not _IDLE.fullmatch(word)] or [word for word in written if len(word) > 5]
    name = ""
    for word in words[:5]:
        if name and len(name) + len(word) + 1 > longest:
            break
        name = f"{name}_{word}" if name else word
    name = f"n_{name}" if name[:1].isdigit() else name
    return name if is_field_name(name) else f"{name}_value".strip("_")
