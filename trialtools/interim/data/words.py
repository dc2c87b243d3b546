"""Texts of a coded column go in, our words for them come out, whatever their case; a text that is no word stays.

Source: CDISC terminology OUT (C66768), AESEV (C66769), NY (C66742), NCOMPLT (C66727); CTCAE 5.0 for grades; the scales
of causality that sponsors use (WHO-UMC and others).
"""

from __future__ import annotations

from .names import plain_name
from .tables import Frame

UNSAID = ("u", "unk", "unknown", "nk", "not known", "na", "n/a", "not applicable", "not assessed", "not reported",
          "not done", "nan", "null", ".", "-", "?")  # fmt: skip
"""What says in a column of codes, numbers or days that nobody knows."""
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "decision": {"eligible": (), "ineligible": ("not eligible", "screen failure"), "undetermined": ()},
    "severity": {
        "1": ("mild", "grade 1", "g1", "grade i", "i", "1 - mild"),
        "2": ("moderate", "grade 2", "g2", "grade ii", "ii", "2 - moderate"),
        "3": ("severe", "grade 3", "g3", "grade iii", "iii", "3 - severe"),
        "4": ("life threatening", "life-threatening", "potentially life threatening", "grade 4", "g4", "grade iv", "iv",
              "4 - life threatening", "4 - life-threatening"),
        "5": ("fatal", "death", "death related to adverse event", "grade 5", "g5", "grade v", "v", "5 - death",
              "5 - fatal"),
    },
    "flag": {"true": ("yes", "y", "1", "t"), "false": ("no", "n", "0", "f")},
    "serious": {
        "true": ("yes", "y", "1", "serious", "sae"),
        "false": ("no", "n", "0", "not serious", "non-serious", "nonserious", "non serious"),
    },
    "randomized": {"true": ("yes", "y", "1"), "false": ("no", "n", "0")},
    "value": {"1": ("true", "yes", "y"), "0": ("false", "no", "n")},
    "related": {
        "true": ("yes", "y", "1", "related", "possible", "possibly related", "probable", "probably related",
                 "likely", "definite", "definitely related", "certain", "suspected", "reasonable possibility"),
        "false": ("no", "n", "0", "none", "not related", "unrelated", "unlikely", "unlikely related",
                  "unlikely to be related", "remote", "not suspected", "no reasonable possibility",
                  "definitely not related"),
    },
    "outcome": {
        "fatal": ("death", "died", "dead", "deceased", "fatal outcome", "outcome fatal", "resulted in death",
                  "results in death", "death related to adverse event", "subject died", "patient died"),
        "recovered": ("recovered/resolved", "resolved", "recovered / resolved"),
        "recovered with sequelae": ("recovered/resolved with sequelae", "resolved with sequelae"),
        "recovering": ("recovering/resolving", "resolving"),
        "not recovered": ("not recovered/not resolved", "not resolved", "not recovered/not resolved/ongoing",
                          "ongoing", "continuing"),
    },
    "milestone": {
        "completed": (),
        "died": ("death", "dead", "deceased", "subject died", "patient died"),
        "lost": ("lost to follow-up", "lost to follow up", "lost to followup"),
        "withdrew": ("withdrawn", "withdrawal", "withdrawal by subject", "withdrawal by parent/guardian",
                     "withdrew consent", "withdrawal of consent", "consent withdrawn"),
        "discontinued": ("discontinued treatment", "treatment discontinued"),
    },
}  # fmt: skip
for _grade, _words in _WORDS["severity"].items():
    _WORDS["severity"][_grade] = (*_words, *(f"{name}{_grade}" for name in ("grade", "ctcae ", "ctcae grade ")))
WORDS = {
    column: dict.fromkeys(UNSAID)
    | {plain_name(word): ours for ours, words in meanings.items() for word in (ours, *words)}
    for column, meanings in _WORDS.items()
}
"""By column what each word means, as a plain name: one of ours, or None where nobody knows."""


def recognize(column: str, texts: Frame) -> Frame:
    """The texts of a column in our words; those that are no words as they are, those that say nothing unknown.

    >>> import pandas as pd
    >>> recognize("outcome", pd.Series(["Resulted in death", "UNKNOWN", "better"], dtype="str")).fillna("").tolist()
    ['fatal', '', 'better']
    """
    words = WORDS.get(column, dict.fromkeys(UNSAID))
    return texts.map({text: words.get(plain_name(text), text) for text in texts.dropna().unique()}).astype("str")
