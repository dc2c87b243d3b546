"""Names that are written in several ways go in, one spelling of each comes out, and how many rows had another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from ...cohort.sources.checks import DataFinding
from .tables import FATAL, Frame, finding_for

_NAMES = {
    "subjects": ("site", "stratum", "reason", "arm"),
    "doses": ("unit", "reason"),
    "events": ("body_system", "term"),
    "outcomes": ("endpoint",),
    "disposition": ("reason",),
    "labs": ("test", "unit"),
}
"""Columns whose values are counted by name."""


def plain_name(name: str) -> str:
    """A name without what people do not see in it: case, width, blanks, letters without a shape.

    >>> plain_name(" Head\\u200bache  NOS") == plain_name("HEADACHE nos")
    True
    """
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    shown = plain if plain.isascii() else "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return " ".join(shown.casefold().split())


def plain_names(names: Frame) -> Frame:
    """The same of a column of names; each is worked out once."""
    return names.astype(object).map({name: plain_name(name) for name in names.dropna().unique()}).astype("str")


def unify_names(tables: Mapping[str, Frame], arms: Iterable[str]) -> tuple[dict[str, Frame], list[DataFinding]]:
    """Tables of texts in which each name has one spelling and each subject the id of the table `subjects`.

    Args:
        tables: of texts.
        arms: ids of the protocol, whose spelling of an arm holds; of any other name the commonest does.
    """
    unified, findings = dict(tables), []
    known_arms = _spellings(arms)
    for table, columns in _NAMES.items():
        for column in (column for column in columns if column in tables.get(table, ())):
            known = known_arms if column == "arm" else {}
            unified[table], findings_of_table = _respell(
                unified[table], table, column, known, "read as the commonest spelling"
            )
            findings += findings_of_table
    subjects = unified["subjects"]
    findings += [found for name in ("site", "subject_id") if name in subjects for found in _alike(subjects, name)]
    ids = _spellings(subjects["subject_id"].dropna())
    twice = plain_names(subjects["subject_id"]).duplicated(keep=False) & ~subjects["subject_id"].duplicated(keep=False)
    findings += finding_for("subjects", "subject_id", "one subject under two spellings", subjects, twice, FATAL)
    for table in (table for table in unified if table != "subjects"):
        unified[table], findings_of_table = _respell(unified[table], table, "subject_id", ids, "read as in subjects")
        findings += findings_of_table
    return unified, findings


def _alike(subjects: Frame, column: str) -> list[DataFinding]:
    """Names that differ only in leading zeros, hyphens or blanks: 01 and 1, Site-2 and site 2; they may be one."""
    names = plain_names(subjects[column])
    apart = names.str.replace(r"(?<=\d)[\s_./-]+(?=\d)", "-", regex=True)  # 1-11 is not 11-1
    bare = apart.str.replace(r"(?<!\d)[\s_./-]+|[\s_./-]+(?!\d)|(?<!\d)0+(?=\d)", "", regex=True)
    hit = names.notna() & (names.groupby(bare).transform("nunique") > 1)
    problem = "differs from another only in zeros, hyphens or blanks"
    return finding_for("subjects", column, problem, subjects, hit, "counted apart")


def _spellings(names: Iterable[str]) -> dict[str, str]:
    """By plain name how it is written; of several the first holds."""
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(plain_name(name), name)
    return spellings


def _respell(
    frame: Frame, table: str, column: str, known: Mapping[str, str], action: str
) -> tuple[Frame, list[DataFinding]]:
    """A frame in which each name of a column is written as the known ones are, else as it is written most often."""
    names = frame[column]
    counts = names.value_counts().to_dict()
    by_count = sorted(counts, key=lambda name: (-counts[name], name.swapcase()))
    spellings = {**_spellings(by_count), **known}
    known_as = {name: spellings[plain_name(name)] for name in counts}
    chosen = {name: spelling for name, spelling in known_as.items() if spelling != name}
    if not chosen:
        return frame, []
    texts = names.astype(object)
    other = texts.isin([*chosen])
    problem = "written otherwise than elsewhere (letters, width or blanks)"
    written = texts.map(lambda name: chosen.get(name, name)).astype("str")
    return frame.assign(**{column: written}), finding_for(table, column, problem, frame, other, action)
