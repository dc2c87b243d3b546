"""Tables of texts go in, typed tables come out, with a finding for every text that is no such value or cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .dates import WRITTEN
from .findings import FATAL, KEPT, UNKNOWN, Finding, finding, finding_for
from .tables import DTYPES, TABLES, Frame, Kind
from .words import UNSAID, WORDS, recognize

YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
OPTIONAL = ("arm", "reason", "randomized", "source")
"""Columns that a table may lack without a word."""
BAD_FORMAT_FROM = 3
"""From so many unreadable values on, if they are most of a column, it is not a slip but another format."""
PART_OF_A_DATE = r"(\d{4}(?:-\d\d)?)(?:-*T.*)?"
LIMIT = r"(?:[<>]=?|[≤≥])\s*(.+)"
"""A result beyond what the method can measure: <5, >1000."""
FIRST, LAST = pd.Timestamp("1900-01-01"), pd.Timestamp("2100-12-31")


@dataclass(frozen=True)
class Parsed:
    """A column in its type; texts that were not understood; and what was `written` where it is understood in part."""

    values: Frame
    unread: Frame
    problem: str = ""
    written: Frame | None = None


def parse_table(table: str, raw: Frame) -> tuple[Frame, list[Finding]]:
    """A table with its documented columns first, typed, and what was wrong with their values."""
    findings: list[Finding] = []
    columns: dict[str, Frame] = {}
    for name, column in TABLES[table].items():
        if name not in raw:
            columns[name] = pd.Series(None, index=raw.index, dtype=DTYPES[column.kind])
            if len(raw) and name not in OPTIONAL:
                action = FATAL if column.must else "unknown for all"
                findings.append(finding(table, name, "no such column", len(raw), len(raw), "", action))
            continue
        text = recognize(name, raw[name])
        parsed = _limits(text) if (table, name) == ("labs", "value") else _PARSED[column.kind](text)
        columns[name] = parsed.values
        hit = parsed.unread
        bad_format = hit.sum() >= BAD_FORMAT_FROM and 2 * hit.sum() > raw[name].notna().sum()
        findings += finding_for(table, name, parsed.problem, raw, hit, FATAL if bad_format else UNKNOWN)
        if parsed.written is not None and parsed.written.notna().any():
            columns[name + WRITTEN] = parsed.written
            problem, action = IN_PART[column.kind]
            findings += finding_for(table, name, problem, raw, parsed.written.notna(), action)
    extra = {name: _guessed(name, raw[name]) for name in raw if name not in columns and name != "synthetic"}
    return pd.DataFrame(columns | extra, index=raw.index), findings


IN_PART = {
    "date": ("part of a date only", "neither before nor after what it may be"),
    "number": ("beyond what was measured", "the limit stands in"),
}


def _date(text: Frame) -> Parsed:
    """Calendar days; the time of a date-time is left out."""
    whole = text.where(text.str.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?", na=False))
    days = pd.to_datetime(whole.str[:10], format="%Y-%m-%d", errors="coerce").astype(DTYPES["date"])
    part = text.str.extract(f"^{PART_OF_A_DATE}$", expand=False)
    part = part.where(pd.to_datetime(part, format="ISO8601", errors="coerce").notna())
    return Parsed(days, text.notna() & days.isna() & part.isna(), "not a date year-month-day", part)


def _flag(text: Frame) -> Parsed:
    words = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    value = text.str.lower().map(words).astype(DTYPES["flag"])
    return Parsed(value, text.notna() & value.isna() & ~text.str.lower().isin(UNSAID), "neither true nor false")


def _number(text: Frame) -> Parsed:
    read: Frame = pd.to_numeric(text.replace({"true": "1", "false": "0"}), errors="coerce")
    value = read.astype("float64")
    value = value.where(np.isfinite(value))
    return Parsed(value, text.notna() & value.isna(), "not a number")


def _limits(text: Frame) -> Parsed:
    """Numbers; in place of one beyond what a method can measure stands its limit."""
    limit = text.str.extract(f"^{LIMIT}$", expand=False)
    parsed = _number(limit.fillna(text))
    return replace(parsed, written=text.where(limit.notna() & parsed.values.notna()))


def _grade(text: Frame) -> Parsed:
    value = _number(text).values
    whole = value.where(value % 1 == 0)
    return Parsed(whole.astype(DTYPES["grade"]), text.notna() & whole.isna(), "not a whole number")


def _text(text: Frame) -> Parsed:
    return Parsed(text, text.isna() & False)


_PARSED: dict[Kind, Any] = {"text": _text, "date": _date, "flag": _flag, "number": _number, "grade": _grade}


def _guessed(name: str, text: Frame) -> Frame:
    """An extra column in the one type that all its values have: date, flag, number, else text."""
    known = text.notna()
    if name.endswith(WRITTEN) or not known.any():
        return text
    for kind in ("date", "number") if set(text[known]) - {"true", "false"} else ("flag",):
        value = _PARSED[kind](text).values
        if value.notna().equals(known):
            return value
    return text


def check_values(table: str, frame: Frame) -> tuple[Frame, list[Finding]]:
    """A typed table without values that cannot be: these are emptied; what would make a wrong number is fatal."""
    findings = []
    for name in TABLES[table]:
        for problem, hit, action in _impossible(table, name, frame[name]):
            findings += finding_for(table, name, problem, frame, hit, action)
            if action == UNKNOWN:
                frame = frame.assign(**{name: frame[name].mask(hit)})
    return frame, findings


def _impossible(table: str, name: str, values: Frame) -> Iterator[tuple[str, Frame, str]]:
    column, known = TABLES[table][name], values.notna()
    if column.must:
        yield "must not be empty", ~known, FATAL
    if (table, name) == ("subjects", "subject_id"):
        yield "a subject more than once", known & values.duplicated(keep=False), FATAL
    if column.values:
        yield f"not one of {', '.join(column.values)}", known & ~values.isin(column.values), FATAL
    elif column.kind == "text" and name in WORDS:
        yield "a word that is not recognised", known & ~values.isin(WORDS[name].values()), KEPT
    if column.kind == "grade":
        yield "a grade is 1 to 5", known & ~values.between(1, 5).fillna(False), UNKNOWN
    if column.kind == "date":
        yield "a year that cannot be", known & ~values.between(FIRST, LAST), UNKNOWN
