"""Tables of texts go in, typed tables come out, with a finding for every text that is no such value or cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .findings import FATAL, UNKNOWN, Finding, finding, finding_for
from .tables import DTYPES, TABLES, Frame, Kind

YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
OPTIONAL = ("arm", "reason", "randomized")
"""Columns that a table may lack without a word."""
BAD_FORMAT_FROM = 3
"""From so many unreadable values on, if they are most of a column, it is not a slip but another format."""
PARTIAL = "part of a date only"
FIRST, LAST = pd.Timestamp("1900-01-01"), pd.Timestamp("2100-12-31")


def parse_table(table: str, raw: Frame) -> tuple[Frame, list[Finding]]:
    """A table with its documented columns first, typed, and what was wrong with their values."""

    findings: list[Finding] = []
    columns: dict[str, Frame] = {}
    for name, column in TABLES[table].items():
        if name in raw:
            columns[name], unread = _PARSED[column.kind](raw[name])
            for problem, hit in unread.items():
                bad_format = (
                    hit.sum() >= BAD_FORMAT_FROM and 2 * hit.sum() > raw[name].notna().sum() and problem != PARTIAL
                )
                findings += finding_for(table, name, problem, raw, hit, FATAL if bad_format else UNKNOWN)
            continue
        columns[name] = pd.Series(None, index=raw.index, dtype=DTYPES[column.kind])
        if len(raw) and name not in OPTIONAL:
            action = FATAL if column.must else "unknown for all"
            findings.append(finding(table, name, "no such column", len(raw), len(raw), "", action))
    extra = {name: _guessed(raw[name]) for name in raw if name not in columns and name != "synthetic"}
    return pd.DataFrame(columns | extra, index=raw.index), findings


def _date(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    days = _days(text)
    partial = text.str.fullmatch(r"\d{4}(-\d\d)?(-*T.*)?", na=False)
    return days, {PARTIAL: partial, "not a date year-month-day": text.notna() & days.isna() & ~partial}


def _days(text: Frame) -> Frame:
    """Calendar days; the time of a date-time is left out."""

    whole = text.where(text.str.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?", na=False))
    return pd.to_datetime(whole.str[:10], format="%Y-%m-%d", errors="coerce").astype(DTYPES["date"])


def _flag(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    value = text.str.lower().map(dict.fromkeys(YES, True) | dict.fromkeys(NO, False)).astype(DTYPES["flag"])
    return value, {"neither true nor false": text.notna() & value.isna()}


def _number(text: Frame) -> tuple[Frame, dict[str, Frame]]:

    read: Frame = pd.to_numeric(text.replace({"true": "1", "false": "0"}), errors="coerce")
    value = read.astype("float64")
    value = value.where(np.isfinite(value))
    return value, {"not a number": text.notna() & value.isna()}


def _grade(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    value, _ = _number(text)
    whole = value.where(value % 1 == 0)
    return whole.astype(DTYPES["grade"]), {"not a whole number": text.notna() & whole.isna()}


def _text(text: Frame) -> tuple[Frame, dict[str, Frame]]:
    return text, {}


_PARSED: dict[Kind, Any] = {"text": _text, "date": _date, "flag": _flag, "number": _number, "grade": _grade}


def _guessed(text: Frame) -> Frame:
    """An extra column in the one type that all its values have: date, flag, number, else text."""
    known = text.notna()
    for kind in ("date", "number") if set(text[known]) - {"true", "false"} else ("flag",):
        value, _ = _PARSED[kind](text)
        if known.any() and value.notna().equals(known):
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
    if column.kind == "grade":
        yield "a grade is 1 to 5", known & ~values.between(1, 5).fillna(False), UNKNOWN
    if column.kind == "date":
        yield "a year that cannot be", known & ~values.between(FIRST, LAST), UNKNOWN
